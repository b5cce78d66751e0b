//! Names that fields have: ECS, OpenTelemetry, and what shippers write; and documents made flat.
//!
//! Dotted keys and nested objects both occur, often in one document: everything is joined with dots first.

use std::collections::BTreeMap;

use serde_json::Value;

/// The time of a document.
pub(super) const TIME: &str = "@timestamp";
/// The message, the first that is there.
pub(super) const MESSAGE: &[&str] = &[
    "message",
    "body.text",
    "body",
    "log",
    "event.original",
    "msg",
    "Body",
];
/// The level, the first that is there; then a severity number.
pub(super) const LEVEL: &[&str] = &[
    "log.level",
    "level",
    "severity_text",
    "severity.text",
    "SeverityText",
    "severity",
    "loglevel",
    "lvl",
];
/// OpenTelemetry's number of a level.
pub(super) const SEVERITY_NUMBER: &[&str] = &["severity_number", "severity.number", "SeverityNumber"];
/// The service, the first that is there.
pub(super) const SERVICE: &[&str] = &[
    "service.name",
    "resource.attributes.service.name",
    "service_name",
    "service",
    "Resource.service.name",
    "kubernetes.labels.app_kubernetes_io/name",
    "kubernetes.labels.app",
    "kubernetes.container.name",
    "app",
];
/// The trace id.
pub(super) const TRACE: &[&str] = &[
    "trace.id",
    "trace_id",
    "traceId",
    "TraceId",
    "traceID",
    "attributes.trace_id",
];
/// What many lines share: where they come from.
pub(super) const ORIGIN: &[&str] = &[
    "data_stream.dataset",
    "service.environment",
    "deployment.environment",
    "resource.attributes.deployment.environment",
    "host.name",
    "resource.attributes.host.name",
    "kubernetes.namespace",
    "kubernetes.namespace_name",
    "resource.attributes.k8s.namespace.name",
    "kubernetes.pod.name",
    "kubernetes.pod_name",
    "resource.attributes.k8s.pod.name",
    "container.name",
    "log.file.path",
];

/// Objects nested deeper than this are kept as they are.
const DEPTH: usize = 32;

/// A document with its objects opened: `{"log":{"level":"x"}}` and `{"log.level":"x"}` are the same. Arrays stay.
/// Where a name occurs twice, the first stays.
pub(super) fn flatten(source: Value) -> BTreeMap<String, Value> {
    let mut flat = BTreeMap::new();
    open(String::new(), source, DEPTH, &mut flat);
    flat
}

fn open(name: String, value: Value, depth: usize, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(object) if depth > 0 && !object.is_empty() => {
            for (key, value) in object {
                let name = if name.is_empty() {
                    key
                } else {
                    format!("{name}.{key}")
                };
                open(name, value, depth - 1, into);
            }
        }
        // an empty field is as good as none
        Value::Null => {}
        value => {
            if !name.is_empty() {
                into.entry(name).or_insert(value);
            }
        }
    }
}

/// Takes the first of `names` that is there and holds something, as text: the only element of an array, too.
pub(super) fn take(flat: &mut BTreeMap<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|&name| {
        let text = as_text(flat.get(name)?)?;
        flat.remove(name);
        Some(text)
    })
}

/// Reads the first of `names` that is there, and leaves it.
pub(super) fn read(flat: &BTreeMap<String, Value>, names: &[impl AsRef<str>]) -> Option<String> {
    names.iter().find_map(|name| as_text(flat.get(name.as_ref())?))
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Array(values) => match values.as_slice() {
            [] => None,
            [only] => as_text(only),
            many => Some(Value::Array(many.to_vec()).to_string()),
        },
        Value::Null | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dotted_and_nested_names_are_the_same() {
        let source = json!({"log": {"level": "error", "logger": "a.B"}, "log.origin": "x", "tags": ["a", "b"],
                            "none": null, "empty": {}});
        let flat = flatten(source);
        let names: Vec<&str> = flat.keys().map(String::as_str).collect();
        assert_eq!(names, ["empty", "log.level", "log.logger", "log.origin", "tags"]);
    }

    #[test]
    fn the_first_name_that_holds_something_is_taken() {
        let mut flat = flatten(json!({"message": "", "body": {"text": "boom"}, "msg": "no"}));
        assert_eq!(take(&mut flat, MESSAGE).as_deref(), Some("boom"));
        assert!(!flat.contains_key("body.text") && flat.contains_key("msg"));
        let mut flat = flatten(json!({"message": ["only"]}));
        assert_eq!(take(&mut flat, MESSAGE).as_deref(), Some("only"));
        assert_eq!(take(&mut flat, MESSAGE), None);
    }

    #[test]
    fn objects_without_end_are_kept_as_they_are() {
        let mut value = json!("end");
        for _ in 0..60 {
            value = json!({ "a": value });
        }
        let flat = flatten(value);
        assert_eq!(flat.len(), 1);
        assert!(flat.values().all(Value::is_object));
    }
}
