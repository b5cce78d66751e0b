//! The stages of a query over one line.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{Keep, LineFilter, Needle, Stage};

/// A line before its stages; its text is made when a stage or an answer needs it.
pub struct Entry<'a> {
    text: OnceCell<String>,
    make: Box<dyn Fn() -> String + 'a>,
    /// Its labels.
    pub fields: Fields<'a>,
}

/// The labels of a line, by where they come from.
pub struct Fields<'a> {
    /// Of its stream.
    pub stream: &'a BTreeMap<&'static str, String>,
    /// Beside it.
    pub metadata: BTreeMap<&'static str, String>,
    /// From its text.
    pub parsed: BTreeMap<String, String>,
}

impl Fields<'_> {
    /// The value of a label.
    pub fn get(&self, name: &str) -> Option<&str> {
        let parsed = self.parsed.get(name).or_else(|| self.metadata.get(name));
        parsed.or_else(|| self.stream.get(name)).map(String::as_str)
    }

    /// Marks the line: a stage could not do its work.
    pub fn fail(&mut self, error: &str, details: &str) {
        self.parsed.insert("__error__".to_owned(), error.to_owned());
        self.parsed
            .insert("__error_details__".to_owned(), details.to_owned());
    }

    /// A field that was parsed; what has the name of a label gets another.
    fn put(&mut self, name: &str, value: String) {
        let mut name: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        if name.starts_with(|c: char| c.is_ascii_digit()) {
            name.insert(0, '_');
        }
        if self.stream.contains_key(name.as_str()) || self.metadata.contains_key(name.as_str()) {
            name.push_str("_extracted");
        }
        self.parsed.entry(name).or_insert(value);
    }

    fn flatten(&mut self, prefix: &str, value: &Json) {
        let Json::Object(all) = value else { return };
        for (key, value) in all {
            let name = match prefix {
                "" => key.clone(),
                prefix => format!("{prefix}_{key}"),
            };
            match value {
                Json::Object(_) => self.flatten(&name, value),
                Json::Array(_) => {}
                Json::String(text) => self.put(&name, text.clone()),
                Json::Null => self.put(&name, String::new()),
                Json::Bool(_) | Json::Number(_) => self.put(&name, value.to_string()),
            }
        }
    }
}

impl<'a> Entry<'a> {
    /// A line whose text `make` makes.
    pub fn new(
        stream: &'a BTreeMap<&'static str, String>,
        metadata: BTreeMap<&'static str, String>,
        make: impl Fn() -> String + 'a,
    ) -> Self {
        Self {
            text: OnceCell::new(),
            make: Box::new(make),
            fields: Fields {
                stream,
                metadata,
                parsed: BTreeMap::new(),
            },
        }
    }

    /// Its text.
    pub fn text(&self) -> &str {
        self.text.get_or_init(|| (self.make)())
    }

    /// Whether it passes all stages; fields that they parse are put beside it.
    pub fn passes(&mut self, stages: &[Stage]) -> bool {
        stages.iter().all(|stage| match stage {
            Stage::Line(filter) => filter.passes(self.text()),
            Stage::Labels(condition) => condition.passes(&mut self.fields),
            Stage::Json => {
                match serde_json::from_str::<Json>(self.text()) {
                    Ok(value @ Json::Object(_)) => self.fields.flatten("", &value),
                    Ok(_) | Err(_) => self.fields.fail(
                        "JSONParserErr",
                        "Value looks like object, but can't find closing '}' symbol",
                    ),
                }
                true
            }
            Stage::Logfmt => {
                for (key, value) in pairs(self.text()) {
                    self.fields.put(&key, value);
                }
                true
            }
        })
    }
}

impl LineFilter {
    fn passes(&self, text: &str) -> bool {
        let found = self.any.iter().any(|needle| match needle {
            Needle::Text(wanted) => text.contains(wanted.as_str()),
            Needle::Regex(regex) => regex.is_match(text),
        });
        found == (self.keep == Keep::Matching)
    }
}

/// The `key=value` of a text; words without a value are passed over, as Loki does unless told otherwise.
fn pairs(text: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| c == '=' || c.is_whitespace())
            .unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        let Some(value) = after.strip_prefix('=') else {
            rest = after.trim_start();
            continue;
        };
        let (value, after) = if let Some(quoted) = value.strip_prefix('"') {
            quoted_value(quoted)
        } else {
            let end = value.find(char::is_whitespace).unwrap_or(value.len());
            let (value, after) = value.split_at(end);
            (value.to_owned(), after)
        };
        if !key.is_empty() {
            all.push((key.to_owned(), value));
        }
        rest = after.trim_start();
    }
    all
}

/// What stands up to the closing quotation mark, and what follows it.
fn quoted_value(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, text.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(chars.next().map(|(_, c)| if c == 'n' { '\n' } else { c })),
            c => value.push(c),
        }
    }
    (value, "")
}
