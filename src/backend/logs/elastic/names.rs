//! Which of the names that fields may have there are, and how each is searched: from `_field_caps`.
//!
//! A `keyword` is matched by `term` and counted by `terms`; a `text` field by neither, its `.keyword` by both.
//! Several indices behind one pattern may map the same name differently.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::fields;

/// A field as it is searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// Its name in queries.
    pub name: String,
    /// How.
    pub kind: FieldKind,
}

/// How a field is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldKind {
    /// Whole values; can be counted by value.
    Exact,
    /// Words; cannot be counted.
    Words,
    /// Numbers.
    Number,
}

/// What is known of the index's fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    /// Those that tell the level.
    pub level: Vec<Field>,
    /// Those that tell OpenTelemetry's number of it.
    pub severity: Vec<Field>,
    /// Those that tell the service.
    pub service: Vec<Field>,
    /// Those that tell the trace.
    pub trace: Vec<Field>,
    /// How the time is kept.
    pub time: TimeKind,
    /// Every name that can be had without `_source`.
    pub countable: Vec<String>,
}

/// How the time is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum TimeKind {
    /// In milliseconds, or not known.
    #[default]
    Millis,
    /// In nanoseconds everywhere.
    Nanos,
    /// Here so, there so: sorting needs one of them for all.
    Mixed,
}

#[derive(Debug, Deserialize)]
struct CapsWire {
    #[serde(default)]
    indices: Value,
    #[serde(default)]
    fields: BTreeMap<String, BTreeMap<String, CapWire>>,
}

#[derive(Debug, Deserialize)]
struct CapWire {
    #[serde(default)]
    aggregatable: bool,
    #[serde(default)]
    searchable: bool,
}

/// The answer of `_field_caps`, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caps {
    /// How many indices there are behind the pattern.
    pub indices: usize,
    /// Their fields.
    pub names: Names,
}

/// The parameter `fields` of `_field_caps`: every name that may matter, with `.keyword` beside.
pub(super) fn asked(services: &[Arc<str>]) -> String {
    let all = services
        .iter()
        .map(|name| &**name)
        .chain(fields::LEVEL.iter().copied())
        .chain(fields::TRACE.iter().copied())
        .chain(fields::MESSAGE.iter().copied())
        .chain(fields::ORIGIN.iter().copied());
    let mut names: Vec<String> = vec![fields::TIME.to_owned()];
    for name in all {
        names.push(name.to_owned());
        names.push(format!("{name}.keyword"));
    }
    names.extend(fields::SEVERITY_NUMBER.iter().map(|&name| name.to_owned()));
    names.join(",")
}

/// Reads an answer of `_field_caps`.
pub(super) fn read(body: &[u8], services: &[Arc<str>]) -> Result<Caps, serde_json::Error> {
    let wire: CapsWire = serde_json::from_slice(body)?;
    let indices = match wire.indices {
        Value::Array(names) => names.len(),
        // servers before 7.2 do not tell: a field is proof of an index
        Value::Null => usize::from(!wire.fields.is_empty()),
        _ => 1,
    };
    let caps = &wire.fields;
    let time = caps.get(fields::TIME).map_or(TimeKind::Millis, |kinds| {
        match (kinds.contains_key("date"), kinds.contains_key("date_nanos")) {
            (true, true) => TimeKind::Mixed,
            (false, true) => TimeKind::Nanos,
            (true | false, false) => TimeKind::Millis,
        }
    });
    let countable = caps
        .iter()
        .filter(|(_, kinds)| kinds.values().all(|cap| cap.aggregatable))
        .map(|(name, _)| name.clone())
        .collect();
    Ok(Caps {
        indices,
        names: Names {
            level: found(caps, fields::LEVEL.iter().copied()),
            severity: found(caps, fields::SEVERITY_NUMBER.iter().copied()),
            service: found(caps, services.iter().map(|name| &**name)),
            trace: found(caps, fields::TRACE.iter().copied()),
            time,
            countable,
        },
    })
}

const NUMBERS: &[&str] = &[
    "long",
    "integer",
    "short",
    "byte",
    "unsigned_long",
    "double",
    "float",
    "half_float",
    "scaled_float",
];

fn found<'a>(
    caps: &BTreeMap<String, BTreeMap<String, CapWire>>,
    names: impl Iterator<Item = &'a str>,
) -> Vec<Field> {
    let mut all: Vec<Field> = Vec::new();
    for name in names {
        let Some(kinds) = caps.get(name) else { continue };
        let keyword = format!("{name}.keyword");
        let exact_below = caps
            .get(&keyword)
            .is_some_and(|kinds| kinds.values().all(|cap| cap.aggregatable));
        let mut push = |name: &str, kind| {
            if !all.iter().any(|field| field.name == name) {
                all.push(Field {
                    name: name.to_owned(),
                    kind,
                });
            }
        };
        // an object of that name (`service` in ECS) has nothing to search
        let searchable = kinds.values().any(|cap| cap.searchable);
        if kinds.keys().all(|kind| NUMBERS.contains(&kind.as_str())) {
            push(name, FieldKind::Number);
        } else if searchable && kinds.values().all(|cap| cap.aggregatable) {
            push(name, FieldKind::Exact);
        } else if searchable {
            if exact_below {
                push(&keyword, FieldKind::Exact);
            }
            // elsewhere behind the pattern it may have no `.keyword`
            if !exact_below || kinds.len() > 1 {
                push(name, FieldKind::Words);
            }
        }
    }
    all
}

impl Names {
    /// Where the server does not tell its fields: all that may be, as keywords and with `.keyword`.
    pub fn guessed(services: &[Arc<str>]) -> Self {
        let all = |names: &[&str]| {
            let both = names
                .iter()
                .flat_map(|&name| [name.to_owned(), format!("{name}.keyword")]);
            both.map(|name| Field {
                name,
                kind: FieldKind::Exact,
            })
            .collect::<Vec<_>>()
        };
        let services: Vec<&str> = services.iter().map(|name| &**name).collect();
        Self {
            level: all(fields::LEVEL),
            severity: Vec::new(),
            service: all(&services),
            trace: all(fields::TRACE),
            time: TimeKind::Millis,
            countable: Vec::new(),
        }
    }

    /// Fields by which levels can be counted, the likeliest first.
    pub fn countable_levels(&self) -> impl Iterator<Item = &Field> {
        let words = self.level.iter().filter(|field| field.kind != FieldKind::Words);
        words.chain(&self.severity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(names: &[&str]) -> Vec<Arc<str>> {
        names.iter().map(|&name| Arc::from(name)).collect()
    }

    fn exact(name: &str) -> Field {
        Field {
            name: name.to_owned(),
            kind: FieldKind::Exact,
        }
    }

    #[test]
    fn a_text_field_is_searched_by_its_keyword() {
        let body = br#"{"indices":["a","b"],"fields":{
            "@timestamp":{"date":{"type":"date","searchable":true,"aggregatable":true},"date_nanos":{"type":"date_nanos","searchable":true,"aggregatable":true}},
            "level":{"text":{"type":"text","searchable":true,"aggregatable":false}},
            "level.keyword":{"keyword":{"type":"keyword","searchable":true,"aggregatable":true}},
            "service":{"object":{"type":"object","searchable":false,"aggregatable":false}},
            "service.name":{"keyword":{"type":"keyword","searchable":true,"aggregatable":true}},
            "trace_id":{"text":{"type":"text","searchable":true,"aggregatable":false}},
            "severity_number":{"long":{"type":"long","searchable":true,"aggregatable":true}}}}"#;
        let caps = read(body, &known(&["service.name"])).unwrap();
        assert_eq!(caps.indices, 2);
        let names = caps.names;
        assert_eq!(names.level, [exact("level.keyword")]);
        assert_eq!(names.service, [exact("service.name")]);
        assert_eq!(
            (&*names.trace[0].name, names.trace[0].kind),
            ("trace_id", FieldKind::Words)
        );
        assert_eq!(names.time, TimeKind::Mixed);
        let counted: Vec<&str> = names.countable_levels().map(|field| &*field.name).collect();
        assert_eq!(counted, ["level.keyword", "severity_number"]);
    }

    #[test]
    fn a_name_that_is_mapped_in_two_ways_is_searched_in_both() {
        let body = br#"{"indices":"only","fields":{
            "service":{"text":{"searchable":true,"aggregatable":false},"keyword":{"searchable":true,"aggregatable":true}},
            "service.keyword":{"keyword":{"searchable":true,"aggregatable":true}}}}"#;
        let caps = read(body, &known(&["service"])).unwrap();
        assert_eq!(caps.indices, 1);
        let names: Vec<_> = caps.names.service.iter().map(|f| (&*f.name, f.kind)).collect();
        assert_eq!(
            names,
            [
                ("service.keyword", FieldKind::Exact),
                ("service", FieldKind::Words)
            ]
        );
    }

    #[test]
    fn the_configured_service_field_is_asked_first() {
        let asked = asked(&known(&["labels.team", "service.name"]));
        assert!(
            asked.starts_with("@timestamp,labels.team,labels.team.keyword,service.name,"),
            "{asked}"
        );
    }
}
