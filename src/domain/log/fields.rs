//! The fields of a line, read when it is looked at: JSON flattened with dots, logfmt, and what stands beside it.

/// A field. Remote text, not yet safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name; nested objects are joined by dots, elements of arrays are counted from 0.
    pub name: String,
    /// Its value: text without quotes and escapes, all else as it was written.
    pub value: String,
}

/// All fields in their order: of the text first, then of what stands beside it. Duplicates are kept.
pub fn fields(text: &[u8], extra: &[u8]) -> Vec<Field> {
    let _ = (text, extra);
    Vec::new()
}

/// The value of one field, as [`fields`] would have it; the first of several.
pub fn value(text: &[u8], extra: &[u8], name: &str) -> Option<String> {
    fields(text, extra)
        .into_iter()
        .find(|field| field.name == name)
        .map(|field| field.value)
}

/// What a person wants to read first of a line: the message of JSON or logfmt; `None` where all of it is the message.
pub fn message(text: &[u8]) -> Option<String> {
    ["message", "msg"].iter().find_map(|name| value(text, &[], name))
}
