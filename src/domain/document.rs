//! What every JSON document shares: its head, who did not answer, how times are written.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::backend::BackendFailure;
use crate::domain::incident::Person;
use crate::text::escape_json;

/// What a document says beside its rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Remarks {
    /// Who did not answer.
    pub errors: Vec<BackendFailure>,
    /// What a person should know beside.
    pub warnings: Vec<String>,
    /// What is missing from an answer, in its backend's words.
    pub partial: Vec<String>,
}

/// A time as documents write it.
pub fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A document: its head, `body`, who did not answer, what else there is to say; one line.
pub fn document(context: &str, at: DateTime<Utc>, body: Value, remarks: &Remarks) -> String {
    let mut document = Map::new();
    document.insert("context".to_owned(), context.into());
    document.insert("at".to_owned(), time(at).into());
    if let Value::Object(body) = body {
        document.extend(body);
    }
    let errors: Vec<Value> = remarks
        .errors
        .iter()
        .map(|failure| json!({"backend": failure.backend, "message": failure.message}))
        .collect();
    document.insert("errors".to_owned(), errors.into());
    let warnings: Vec<&String> = remarks.warnings.iter().chain(&remarks.partial).collect();
    document.insert("warnings".to_owned(), json!(warnings));
    if !remarks.partial.is_empty() {
        document.insert("partial".to_owned(), true.into());
    }
    written(&Value::Object(document))
}

/// Any value as one line that a terminal may be given.
pub fn written<T: Serialize>(value: &T) -> String {
    // none of these values can fail: keys are text, and there are no floats that are no numbers
    let text = serde_json::to_string(value).unwrap_or_default();
    escape_json(&text).into_owned()
}

/// A person's name as documents write it.
pub fn names<'a>(people: impl IntoIterator<Item = &'a Person>) -> Vec<Value> {
    people.into_iter().map(|person| json!(person.name)).collect()
}

/// References, as an object.
pub fn refs(refs: &BTreeMap<Arc<str>, Arc<str>>) -> Value {
    refs.iter()
        .map(|(name, value)| (name.to_string(), json!(value)))
        .collect::<Map<String, Value>>()
        .into()
}
