//! Bodies of searches: the scope as filters, every value a JSON string of its own; the query as it was typed.

use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::fields;
use super::levels;
use super::names::{Field, FieldKind, Names, TimeKind};
use crate::backend::logs::Direction;
use crate::domain::log::{Level, Nanos, Wanted};
use crate::domain::trace_id::TraceId;

/// A stretch of time in whole milliseconds, which every index can compare: from, inclusive; to, exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub from: Option<i64>,
    pub to: Option<i64>,
}

impl Span {
    /// The whole milliseconds that hold `from..to`.
    pub fn around(from: Nanos, to: Nanos) -> Self {
        Self {
            from: (from.0 > 0).then(|| from.0.div_euclid(MILLI)),
            to: (to.0 != i64::MAX).then(|| to.0.saturating_add(MILLI - 1).div_euclid(MILLI)),
        }
    }

    /// One millisecond.
    pub fn moment(ms: i64) -> Self {
        Self {
            from: Some(ms),
            to: Some(ms.saturating_add(1)),
        }
    }

    /// The rest of it when what lies up to `ms` was read; `ms` itself is read again.
    pub fn resumed(self, direction: Direction, ms: i64) -> Self {
        match direction {
            Direction::Backward => Self {
                to: Some(ms.saturating_add(1)),
                ..self
            },
            Direction::Forward => Self {
                from: Some(ms),
                ..self
            },
        }
    }

    /// The rest of it beyond `ms`.
    pub fn beyond(self, direction: Direction, ms: i64) -> Self {
        match direction {
            Direction::Backward => Self { to: Some(ms), ..self },
            Direction::Forward => Self {
                from: Some(ms.saturating_add(1)),
                ..self
            },
        }
    }
}

/// Nanoseconds in a millisecond.
pub(super) const MILLI: i64 = 1_000_000;

/// What breaks ties of equal times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tiebreak {
    /// `_shard_doc`, which no two documents of a PIT share.
    ShardDoc,
    /// `_doc`, which documents of several shards share.
    Doc,
}

impl Tiebreak {
    fn field(self) -> &'static str {
        match self {
            Self::ShardDoc => "_shard_doc",
            Self::Doc => "_doc",
        }
    }
}

/// One search.
pub(super) struct Search<'a> {
    /// Which lines.
    pub wanted: &'a Wanted,
    /// What is known of the fields.
    pub names: &'a Names,
    /// When.
    pub span: Span,
    /// Which end first.
    pub direction: Direction,
    /// Hits at most.
    pub size: usize,
    /// How long the server may take.
    pub timeout: Duration,
    /// What breaks ties; there must be a PIT then.
    pub tiebreak: Option<Tiebreak>,
    /// Sort values to go on behind.
    pub after: Option<&'a [Box<RawValue>]>,
    /// The PIT's id.
    pub pit: Option<&'a str>,
    /// Where the text is read from.
    pub source: Source,
}

/// Where the text of documents is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// `_source`, as it was sent.
    Kept,
    /// The index keeps none: what its columns hold.
    Columns,
}

#[derive(Serialize)]
struct Body<'a> {
    size: usize,
    track_total_hits: bool,
    timeout: String,
    query: Value,
    sort: Value,
    #[serde(rename = "_source")]
    source: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    docvalue_fields: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stored_fields: Option<[&'static str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    search_after: Option<&'a [Box<RawValue>]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pit: Option<Pit<'a>>,
}

#[derive(Serialize)]
struct Pit<'a> {
    id: &'a str,
    keep_alive: &'static str,
}

/// How long a PIT lives without being asked; short, because one that is not closed holds the server's memory.
pub(super) const KEEP_ALIVE: &str = "1m";

impl Search<'_> {
    /// As `_search` takes it.
    pub fn body(&self) -> String {
        let order = match self.direction {
            Direction::Backward => "desc",
            Direction::Forward => "asc",
        };
        let time = match self.names.time {
            TimeKind::Millis => json!({"order": order, "unmapped_type": "date"}),
            TimeKind::Nanos => json!({"order": order, "unmapped_type": "date_nanos"}),
            TimeKind::Mixed => {
                json!({"order": order, "unmapped_type": "date", "numeric_type": "date_nanos"})
            }
        };
        let mut sort = vec![json!({ fields::TIME: time })];
        if let Some(tiebreak) = self.tiebreak {
            sort.push(json!({ tiebreak.field(): order }));
        }
        let columns = self.source == Source::Columns;
        let body = Body {
            size: self.size,
            track_total_hits: false,
            timeout: format!("{}ms", self.timeout.as_millis()),
            query: query(self.wanted, self.names, self.span),
            sort: sort.into(),
            source: !columns,
            docvalue_fields: columns.then_some(&self.names.countable),
            stored_fields: columns.then_some(["*"]),
            search_after: self.after,
            pit: self.pit.map(|id| Pit {
                id,
                keep_alive: KEEP_ALIVE,
            }),
        };
        // none of it can fail: keys are text, and there are no floats
        serde_json::to_string(&body).unwrap_or_default()
    }
}

/// The query of a search: scope and range as filters, what was typed as `query_string`.
pub(super) fn query(wanted: &Wanted, names: &Names, span: Span) -> Value {
    let mut range = Map::from_iter([("format".to_owned(), json!("epoch_millis"))]);
    range.extend(span.from.map(|from| ("gte".to_owned(), json!(from))));
    range.extend(span.to.map(|to| ("lt".to_owned(), json!(to))));
    let mut filters = vec![json!({"range": {fields::TIME: range}})];
    if let Some(service) = &wanted.service {
        let fields = names.service.iter();
        let of: Vec<Value> = fields.map(|field| holds(field, service)).collect();
        filters.push(any(&of));
    }
    if let Some(trace) = wanted.trace {
        filters.push(traced(names, trace));
    }
    if let Some(level) = wanted.at_least {
        filters.extend(levelled(names, level));
    }
    if !wanted.query.trim().is_empty() {
        filters.push(json!({"query_string": {"query": wanted.query, "analyze_wildcard": true}}));
    }
    json!({"bool": {"filter": filters}})
}

fn any(of: &[Value]) -> Value {
    json!({"bool": {"should": of, "minimum_should_match": 1}})
}

fn holds(field: &Field, value: &str) -> Value {
    match field.kind {
        FieldKind::Exact => json!({"term": {&*field.name: {"value": value}}}),
        FieldKind::Words => json!({"match_phrase": {&*field.name: value}}),
        // a number that does not read is an error otherwise
        FieldKind::Number => json!({"match": {&*field.name: {"query": value, "lenient": true}}}),
    }
}

/// A trace id stands in a field of its own, or somewhere in the message.
fn traced(names: &Names, trace: TraceId) -> Value {
    let long = trace.to_string();
    let mut spellings = vec![long.clone(), long.to_ascii_uppercase()];
    if let Some(short) = long.strip_prefix("0000000000000000") {
        spellings.push(short.to_owned());
        spellings.push(short.to_ascii_uppercase());
    }
    let fields = names.trace.iter();
    let mut of: Vec<Value> = fields
        .map(|field| json!({"terms": {&*field.name: spellings}}))
        .collect();
    of.extend(fields::MESSAGE.iter().flat_map(|&name| {
        spellings
            .iter()
            .map(move |id| json!({"match_phrase": {name: id}}))
    }));
    any(&of)
}

/// Lines of a level at least, and those that tell none in a field: their text is looked at afterwards.
fn levelled(names: &Names, level: Level) -> Option<Value> {
    let lowest = levels::number(level)?;
    let spellings = levels::spellings(level);
    let mut of: Vec<Value> = Vec::new();
    let mut told: Vec<Value> = Vec::new();
    for field in names.level.iter().chain(&names.severity) {
        told.push(json!({"exists": {"field": &*field.name}}));
        of.push(match field.kind {
            FieldKind::Exact | FieldKind::Words => json!({"terms": {&*field.name: spellings}}),
            FieldKind::Number => json!({"range": {&*field.name: {"gte": lowest}}}),
        });
    }
    if told.is_empty() {
        return None;
    }
    of.push(json!({"bool": {"must_not": told}}));
    Some(any(&of))
}

/// A question for counts by time and level.
pub(super) fn counts(
    wanted: &Wanted,
    names: &Names,
    span: Span,
    step_ms: i64,
    level: Option<&Field>,
) -> String {
    // more spellings of a level than that are counted as unknown
    let levels = level.map(|field| json!({"level": {"terms": {"field": &*field.name, "size": 24}}}));
    json!({
        "size": 0,
        "track_total_hits": false,
        "query": query(wanted, names, span),
        "aggs": {"time": {
            "date_histogram": {
                "field": fields::TIME, "fixed_interval": format!("{step_ms}ms"), "min_doc_count": 1, "time_zone": "UTC",
            },
            "aggs": levels.unwrap_or_else(|| json!({})),
        }},
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn names() -> Names {
        let field = |name: &str, kind| Field {
            name: name.to_owned(),
            kind,
        };
        Names {
            level: vec![field("log.level", FieldKind::Exact)],
            severity: vec![field("severity_number", FieldKind::Number)],
            service: vec![
                field("service.name", FieldKind::Exact),
                field("app", FieldKind::Words),
            ],
            trace: vec![field("trace.id", FieldKind::Exact)],
            time: TimeKind::Millis,
            countable: Vec::new(),
        }
    }

    #[test]
    fn no_value_leaves_its_string() {
        let evil = "x\"}},{\"match_all\":{\u{202e}\n";
        let wanted = Wanted {
            service: Some(Arc::from(evil)),
            query: evil.to_owned(),
            ..Wanted::default()
        };
        let query = query(&wanted, &names(), Span::moment(5));
        let filters = query["bool"]["filter"].as_array().unwrap();
        assert_eq!(filters.len(), 3);
        assert_eq!(
            filters[1]["bool"]["should"][0]["term"]["service.name"]["value"],
            evil
        );
        assert_eq!(filters[1]["bool"]["should"][1]["match_phrase"]["app"], evil);
        assert_eq!(filters[2]["query_string"]["query"], evil);
    }

    #[test]
    fn levels_are_asked_in_words_and_numbers_and_lines_without_any_come_too() {
        let wanted = Wanted {
            at_least: Some(Level::Error),
            ..Wanted::default()
        };
        let query = query(&wanted, &names(), Span::moment(5));
        let should = &query["bool"]["filter"][1]["bool"]["should"];
        let words = should[0]["terms"]["log.level"].as_array().unwrap();
        assert!(
            words.contains(&json!("ERROR")) && words.contains(&json!("Fatal")),
            "{words:?}"
        );
        assert!(!words.contains(&json!("warn")), "{words:?}");
        assert_eq!(should[1]["range"]["severity_number"]["gte"], 17);
        assert_eq!(should[2]["bool"]["must_not"].as_array().unwrap().len(), 2);
        let unknown = Wanted {
            at_least: Some(Level::Unknown),
            ..Wanted::default()
        };
        let all = super::query(&unknown, &names(), Span::moment(5));
        assert_eq!(all["bool"]["filter"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn a_short_trace_id_is_asked_in_both_lengths() {
        let wanted = Wanted {
            trace: "ABCDEF0123456789".parse().ok(),
            ..Wanted::default()
        };
        let query = query(&wanted, &names(), Span::moment(5));
        let ids = &query["bool"]["filter"][1]["bool"]["should"][0]["terms"]["trace.id"];
        assert_eq!(
            *ids,
            json!([
                "0000000000000000abcdef0123456789",
                "0000000000000000ABCDEF0123456789",
                "abcdef0123456789",
                "ABCDEF0123456789"
            ])
        );
    }

    #[test]
    fn sort_values_go_back_byte_for_byte() {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let after = [raw("1700000000123456789"), raw("9007199254740993")];
        let search = Search {
            wanted: &Wanted::default(),
            names: &names(),
            span: Span { from: None, to: None },
            direction: Direction::Backward,
            size: 10,
            timeout: Duration::from_secs(15),
            tiebreak: Some(Tiebreak::ShardDoc),
            after: Some(&after),
            pit: Some("p=="),
            source: Source::Kept,
        };
        let body = search.body();
        assert!(
            body.contains("\"search_after\":[1700000000123456789,9007199254740993]"),
            "{body}"
        );
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["sort"][1], json!({"_shard_doc": "desc"}));
        assert_eq!(body["pit"], json!({"id": "p==", "keep_alive": "1m"}));
        assert_eq!(
            body["query"]["bool"]["filter"][0]["range"]["@timestamp"],
            json!({"format": "epoch_millis"})
        );
    }

    #[test]
    fn a_stretch_is_widened_to_whole_milliseconds() {
        let span = Span::around(Nanos(1_500_001), Nanos(2_000_001));
        assert_eq!((span.from, span.to), (Some(1), Some(3)));
        let span = Span::around(Nanos(i64::MIN), Nanos(i64::MAX));
        assert_eq!((span.from, span.to), (None, None));
        assert_eq!(Span::moment(7).resumed(Direction::Backward, 7), Span::moment(7));
        assert_eq!(Span::moment(7).beyond(Direction::Backward, 7).to, Some(7));
    }
}
