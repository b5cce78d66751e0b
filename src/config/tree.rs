//! A configuration file as a tree of values with the place of each; TOML, YAML and JSON alike.
//!
//! The values are those of the `config` crate, which merges them with the environment's; the places are kept
//! beside, by key path, because merging does not carry them. Nothing here knows what a key means.

use std::collections::HashMap;
use std::fmt;

use config::{Map, Value, ValueKind};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::Place;

/// A key path as it is shown: `contexts.prod.alertmanagers[0].url`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct KeyPath(String);

impl KeyPath {
    /// Below this one; a key that is no bare word is quoted.
    pub(super) fn key(&self, key: &str) -> Self {
        let bare = !key.is_empty()
            && key
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        let key = if bare { key.to_owned() } else { format!("{key:?}") };
        if self.0.is_empty() {
            Self(key)
        } else {
            Self(format!("{}.{key}", self.0))
        }
    }

    /// An element of this array.
    pub(super) fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    /// A path that was shown before.
    pub(super) fn shown(path: &str) -> Self {
        Self(path.to_owned())
    }

    /// As shown.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where each value stands.
pub(super) type Places = HashMap<KeyPath, Place>;

/// A parsed file.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// The top table.
    pub(super) values: Map<String, Value>,
    /// By key path.
    pub(super) places: Places,
}

/// A file that does not parse: the place and the words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// Where.
    pub(super) place: Place,
    /// What.
    pub(super) what: String,
}

/// Which language a file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// `.toml`, and whatever has no other known ending.
    Toml,
    /// `.yaml`, `.yml`
    Yaml,
    /// `.json`
    Json,
}

/// Parses a file.
pub(super) fn parse(text: &str, language: Language) -> Result<Tree, Vec<SyntaxError>> {
    match language {
        Language::Toml => toml_tree(text),
        Language::Yaml => yaml_tree(text).map_err(|e| vec![e]),
        Language::Json => {
            // JSON is YAML, and only the YAML reader knows lines; but what is no JSON should be said by JSON's.
            serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|e| {
                vec![SyntaxError {
                    place: Place::At {
                        line: e.line(),
                        column: e.column(),
                    },
                    what: e.to_string(),
                }]
            })?;
            yaml_tree(text).map_err(|e| vec![e])
        }
    }
}

/// Line and column, both from 1, of a byte offset.
fn position(text: &str, offset: usize) -> Place {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let (before, _) = text.split_at(end);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let (_, in_line) = before.split_at(line_start);
    Place::At {
        line: before.matches('\n').count() + 1,
        column: in_line.chars().count() + 1,
    }
}

fn toml_tree(text: &str) -> Result<Tree, Vec<SyntaxError>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(errors
            .iter()
            .map(|error| SyntaxError {
                place: error
                    .span()
                    .map_or(Place::Somewhere, |span| position(text, span.start)),
                what: error.message().to_owned(),
            })
            .collect());
    }
    let mut tree = Tree::default();
    let top = table.into_inner();
    tree.values = toml_table(text, &top, &KeyPath::default(), &mut tree.places);
    Ok(tree)
}

fn toml_table(text: &str, table: &DeTable<'_>, path: &KeyPath, places: &mut Places) -> Map<String, Value> {
    table
        .iter()
        .map(|(key, value)| {
            let path = path.key(key.get_ref());
            // A key's place says more than its value's: that is where the eye looks.
            places.insert(path.clone(), position(text, key.span().start));
            (
                key.get_ref().to_string(),
                toml_value(text, value.get_ref(), &path, places),
            )
        })
        .collect()
}

fn toml_value(text: &str, value: &DeValue<'_>, path: &KeyPath, places: &mut Places) -> Value {
    let kind = match value {
        DeValue::String(text) => ValueKind::String(text.to_string()),
        DeValue::Boolean(flag) => ValueKind::Boolean(*flag),
        DeValue::Integer(number) => i64::from_str_radix(&number.as_str().replace('_', ""), number.radix())
            .map_or(ValueKind::Nil, ValueKind::I64),
        DeValue::Float(number) => number.as_str().parse().map_or(ValueKind::Nil, ValueKind::Float),
        // No key takes a date; the walk says so.
        DeValue::Datetime(_) => ValueKind::Nil,
        DeValue::Array(elements) => ValueKind::Array(
            elements
                .iter()
                .enumerate()
                .map(|(index, element)| {
                    let path = path.index(index);
                    places.insert(path.clone(), position(text, element.span().start));
                    toml_value(text, element.get_ref(), &path, places)
                })
                .collect(),
        ),
        DeValue::Table(table) => ValueKind::Table(toml_table(text, table, path, places)),
    };
    Value::new(None, kind)
}

/// What YAML can hold, with places.
#[derive(Debug)]
enum Raw {
    Scalar(ValueKind),
    List(Vec<Spanned<Raw>>),
    Table(Vec<(Spanned<String>, Spanned<Raw>)>),
}

fn yaml_tree(text: &str) -> Result<Tree, SyntaxError> {
    let mut tree = Tree::default();
    if text.trim().is_empty() {
        return Ok(tree);
    }
    let options = serde_saphyr::options! {
        // `yes` and `on` are words (YAML 1.2), not booleans.
        strict_booleans: true,
    };
    let root: Spanned<Raw> =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| SyntaxError {
            place: error.location().map_or(Place::Somewhere, |at| yaml_place(&at)),
            what: error.without_snippet().to_string(),
        })?;
    match root.value {
        Raw::Table(entries) => {
            tree.values = yaml_table(entries, &KeyPath::default(), &mut tree.places);
            Ok(tree)
        }
        Raw::Scalar(ValueKind::Nil) => Ok(tree),
        Raw::Scalar(_) | Raw::List(_) => Err(SyntaxError {
            place: yaml_place(&root.referenced),
            what: "the file must be a table of keys and values".to_owned(),
        }),
    }
}

fn yaml_place(at: &serde_saphyr::Location) -> Place {
    match (usize::try_from(at.line()), usize::try_from(at.column())) {
        (Ok(line), Ok(column)) if line > 0 => Place::At { line, column },
        (Ok(_) | Err(_), Ok(_) | Err(_)) => Place::Somewhere,
    }
}

fn yaml_table(
    entries: Vec<(Spanned<String>, Spanned<Raw>)>,
    path: &KeyPath,
    places: &mut Places,
) -> Map<String, Value> {
    entries
        .into_iter()
        .map(|(key, value)| {
            let path = path.key(&key.value);
            places.insert(path.clone(), yaml_place(&key.referenced));
            (key.value, yaml_value(value.value, &path, places))
        })
        .collect()
}

fn yaml_value(raw: Raw, path: &KeyPath, places: &mut Places) -> Value {
    let kind = match raw {
        Raw::Scalar(kind) => kind,
        Raw::List(elements) => ValueKind::Array(
            elements
                .into_iter()
                .enumerate()
                .map(|(index, element)| {
                    let path = path.index(index);
                    places.insert(path.clone(), yaml_place(&element.referenced));
                    yaml_value(element.value, &path, places)
                })
                .collect(),
        ),
        Raw::Table(entries) => ValueKind::Table(yaml_table(entries, path, places)),
    };
    Value::new(None, kind)
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Raw, E> {
        Ok(Raw::Scalar(ValueKind::Boolean(flag)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Raw, E> {
        Ok(Raw::Scalar(ValueKind::I64(number)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Raw, E> {
        Ok(Raw::Scalar(ValueKind::U64(number)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Raw, E> {
        Ok(Raw::Scalar(ValueKind::Float(number)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Scalar(ValueKind::String(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar(ValueKind::Nil))
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar(ValueKind::Nil))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(Self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut table = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            table.push(entry);
        }
        Ok(Raw::Table(table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(tree: &Tree, path: &KeyPath) -> Option<(usize, usize)> {
        match tree.places.get(path) {
            Some(Place::At { line, column }) => Some((*line, *column)),
            Some(Place::Env(_) | Place::Somewhere) | None => None,
        }
    }

    fn url(name: &str) -> KeyPath {
        KeyPath::default()
            .key("contexts")
            .key(name)
            .key("metrics")
            .key("url")
    }

    #[test]
    fn places_are_those_of_the_keys_in_every_language() {
        let toml = "# größer\n[contexts.prod.metrics]\nurl = \"x\"\n";
        let tree = parse(toml, Language::Toml).expect("valid");
        assert_eq!(place(&tree, &url("prod")), Some((3, 1)));
        let yaml = "contexts:\n  prod:\n    metrics:\n      url: x\n";
        let tree = parse(yaml, Language::Yaml).expect("valid");
        assert_eq!(place(&tree, &url("prod")), Some((4, 7)));
        let json = "{\n\t\"contexts\": {\"prod\": {\"metrics\":\n\t\t{\"url\": \"x\"}}}}";
        let tree = parse(json, Language::Json).expect("valid");
        assert_eq!(place(&tree, &url("prod")), Some((3, 4)));
    }

    #[test]
    fn a_syntax_error_has_its_place_in_every_language() {
        for (text, language, line) in [
            ("a = 1\nb = = 2\n", Language::Toml, 2),
            ("a: 1\nb: [1, 2\nc: }\n", Language::Yaml, 3),
            ("{\"a\": 1,\n\"b\" 2}", Language::Json, 2),
        ] {
            let errors = parse(text, language).expect_err("a mistake");
            let Some(SyntaxError {
                place: Place::At { line: at, .. },
                what,
            }) = errors.first()
            else {
                panic!("{errors:?}");
            };
            assert_eq!(*at, line, "{what}");
            assert!(!what.contains('\n'), "{what}");
        }
    }

    #[test]
    fn yaml_words_are_not_booleans() {
        let tree = parse("a: yes\nb: true\nc: \"true\"\n", Language::Yaml).expect("valid");
        let kind = |key: &str| tree.values.get(key).map(|v| v.kind.clone());
        assert_eq!(kind("a"), Some(ValueKind::String("yes".into())));
        assert_eq!(kind("b"), Some(ValueKind::Boolean(true)));
        assert_eq!(kind("c"), Some(ValueKind::String("true".into())));
    }

    #[test]
    fn odd_keys_are_quoted_so_that_no_two_paths_are_alike() {
        let top = KeyPath::default();
        assert_eq!(top.key("a.b").as_str(), "\"a.b\"");
        assert_ne!(top.key("a.b"), top.key("a").key("b"));
        assert_eq!(top.key("a").index(2).key("x-y").as_str(), "a[2].x-y");
    }
}
