//! Alertmanager's JSON, read leniently and fast: borrowed text, label values shared by all that say the same.
//!
//! Unknown fields are skipped, `null` and missing arrays are empty, an unknown state counts as active (never
//! hide what is not understood). Shapes: Alertmanager's `api/v2/openapi.yaml`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::de::{DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::super::{AlertmanagerStatus, SilenceDraft};
use crate::domain::alert::{
    AlertSnapshot, AlertState, Fingerprint, Labels, MatchOp, Matcher, Occurrence, Silence, SilenceState,
    SourceAlert, SourceGroup,
};

/// Text, borrowed where it holds no escapes; `null`, numbers and booleans are tolerated.
#[derive(Debug, Default)]
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Reads<'a> {
            type Value = Text<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Text::default())
            }
            fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(value.to_string())))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(value.to_string())))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(value.to_string())))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(value.to_string())))
            }
        }
        deserializer.deserialize_any(Reads(PhantomData))
    }
}

/// Names and values as they stand; `null` is none.
#[derive(Debug, Default)]
struct Pairs<'a>(Vec<(Text<'a>, Text<'a>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Reads<'a> {
            type Value = Pairs<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a set of labels")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Pairs::default())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::with_capacity(map.size_hint().unwrap_or(12).min(64));
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_any(Reads(PhantomData))
    }
}

/// A list; `null` is empty.
#[derive(Debug)]
struct List<T>(Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reads<T> {
            type Value = List<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(List::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(item) = list.next_element()? {
                    all.push(item);
                }
                Ok(List(all))
            }
        }
        deserializer.deserialize_any(Reads(PhantomData))
    }
}

#[derive(Deserialize)]
struct WireGroup<'a> {
    #[serde(borrow, default)]
    labels: Pairs<'a>,
    #[serde(borrow, default)]
    receiver: Option<Named<'a>>,
    #[serde(borrow, default)]
    alerts: List<WireAlert<'a>>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAlert<'a> {
    #[serde(borrow, default)]
    labels: Pairs<'a>,
    #[serde(borrow, default)]
    annotations: Pairs<'a>,
    #[serde(borrow, default)]
    starts_at: Text<'a>,
    #[serde(borrow, default)]
    ends_at: Text<'a>,
    #[serde(borrow, default)]
    updated_at: Text<'a>,
    #[serde(borrow, default, rename = "generatorURL")]
    generator_url: Text<'a>,
    #[serde(borrow, default)]
    fingerprint: Text<'a>,
    #[serde(borrow, default)]
    receivers: List<Named<'a>>,
    #[serde(borrow, default)]
    status: Option<WireStatus<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct WireStatus<'a> {
    #[serde(borrow, default)]
    state: Text<'a>,
    #[serde(borrow, default)]
    silenced_by: List<Text<'a>>,
    #[serde(borrow, default)]
    inhibited_by: List<Text<'a>>,
    #[serde(borrow, default)]
    muted_by: List<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSilence<'a> {
    #[serde(borrow, default)]
    id: Text<'a>,
    #[serde(borrow, default)]
    status: Option<WireStatus<'a>>,
    #[serde(borrow, default)]
    matchers: List<WireMatcher<'a>>,
    #[serde(borrow, default)]
    created_by: Text<'a>,
    #[serde(borrow, default)]
    comment: Text<'a>,
    #[serde(borrow, default)]
    starts_at: Text<'a>,
    #[serde(borrow, default)]
    ends_at: Text<'a>,
    #[serde(borrow, default)]
    updated_at: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMatcher<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    value: Text<'a>,
    #[serde(default)]
    is_regex: Option<bool>,
    /// Absent = true: servers before 0.22 knew no other.
    #[serde(default)]
    is_equal: Option<bool>,
}

/// Longer texts are hardly ever said twice: they are not looked up.
const LONG: usize = 40;

/// One copy of each short text in a snapshot.
#[derive(Default)]
struct Interner<'a>(HashMap<Cow<'a, str>, Arc<str>>);

impl<'a> Interner<'a> {
    fn share(&mut self, text: Text<'a>) -> Arc<str> {
        if text.0.len() > LONG {
            return Arc::from(text.0.as_ref());
        }
        if let Some(known) = self.0.get(&text.0) {
            return Arc::clone(known);
        }
        let shared: Arc<str> = Arc::from(text.0.as_ref());
        self.0.insert(text.0, Arc::clone(&shared));
        shared
    }

    /// The set, sharing what a like one has: `hint` is the same alert's of the last poll, or its neighbour's, whose
    /// names and most values are the same and stand at the same places.
    fn labels(&mut self, pairs: Pairs<'a>, hint: &Labels) -> Labels {
        let like = hint.pairs();
        let same = pairs.0.len() == like.len()
            && pairs
                .0
                .iter()
                .zip(like)
                .all(|((n, v), (name, value))| *n.0 == **name && *v.0 == **value);
        if same {
            return hint.clone();
        }
        let mut like = like.iter();
        let shared = pairs.0.into_iter().map(|(name, value)| match like.next() {
            Some((n, v)) => {
                let name = if *name.0 == **n {
                    Arc::clone(n)
                } else {
                    self.share(name)
                };
                (
                    name,
                    if *value.0 == **v {
                        Arc::clone(v)
                    } else {
                        self.share(value)
                    },
                )
            }
            None => (self.share(name), self.share(value)),
        });
        shared.collect()
    }

    fn list(&mut self, texts: List<Text<'a>>) -> Vec<Arc<str>> {
        texts.0.into_iter().map(|text| self.share(text)).collect()
    }
}

/// Reads JSON; where it is no UTF-8, what is not becomes `U+FFFD` rather than losing the whole answer.
fn read<T>(body: &[u8], then: impl FnOnce(&str) -> Result<T, String>) -> Result<T, String> {
    // Whole, it is checked several times faster than piece by piece.
    match std::str::from_utf8(body) {
        Ok(text) => then(text),
        Err(_) => then(&String::from_utf8_lossy(body)),
    }
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn time(text: &Text<'_>) -> DateTime<Utc> {
    text.0.parse().unwrap_or_default()
}

/// Alerts by fingerprint, each once, and the groups; an alert that `last` has just so keeps its `Arc`.
pub(super) fn groups(
    body: &[u8],
    last: &AlertSnapshot,
) -> Result<(Vec<Arc<SourceAlert>>, Vec<SourceGroup>), String> {
    read(body, |text| {
        let wire: List<WireGroup<'_>> = parse(text)?;
        let mut interner = Interner::default();
        let known: Vec<Fingerprint> = last
            .alerts
            .iter()
            .map(|alert| alert.occurrence.fingerprint)
            .collect();
        let mut alerts: Vec<SourceAlert> = Vec::with_capacity(known.len());
        let mut groups = Vec::with_capacity(wire.0.len());
        for group in wire.0 {
            let mut members = Vec::with_capacity(group.alerts.0.len());
            for alert in group.alerts.0 {
                let same = alert
                    .fingerprint
                    .0
                    .parse()
                    .ok()
                    .and_then(|f: Fingerprint| known.binary_search(&f).ok());
                let like = same
                    .and_then(|at| last.alerts.get(at))
                    .map(AsRef::as_ref)
                    .or(alerts.last());
                let alert = source_alert(alert, &mut interner, like);
                members.push(alert.occurrence.fingerprint);
                alerts.push(alert);
            }
            groups.push(SourceGroup {
                key: interner.labels(group.labels, &Labels::default()),
                receiver: interner.share(group.receiver.map(|r| r.name).unwrap_or_default()),
                members,
            });
        }
        // stable: of an alert in several groups the first stays, and takes what the others know
        alerts.sort_by_key(|alert| alert.occurrence.fingerprint);
        alerts.dedup_by(|again, first| {
            let same = again.occurrence.fingerprint == first.occurrence.fingerprint;
            if same {
                absorb(first, again);
            }
            same
        });
        let mut known = last.alerts.iter().peekable();
        let shared = alerts.into_iter().map(|alert| {
            let fingerprint = alert.occurrence.fingerprint;
            while known
                .next_if(|old| old.occurrence.fingerprint < fingerprint)
                .is_some()
            {}
            match known.peek() {
                Some(old) if ***old == alert => Arc::clone(old),
                Some(_) | None => Arc::new(alert),
            }
        });
        Ok((shared.collect(), groups))
    })
}

/// Groups differ in what mutes an alert: heard in any is heard.
fn absorb(first: &mut SourceAlert, again: &SourceAlert) {
    if again.state == AlertState::Active {
        first.state = AlertState::Active;
    }
    for name in &again.muted_by {
        if !first.muted_by.contains(name) {
            first.muted_by.push(Arc::clone(name));
        }
    }
}

fn source_alert<'a>(
    wire: WireAlert<'a>,
    interner: &mut Interner<'a>,
    like: Option<&SourceAlert>,
) -> SourceAlert {
    let (none, no_url) = (Labels::default(), Arc::default());
    let (like_labels, like_annotations, like_url) = like.map_or((&none, &none, &no_url), |alert| {
        (&alert.labels, &alert.annotations, &alert.generator_url)
    });
    let labels = interner.labels(wire.labels, like_labels);
    let status = wire.status.unwrap_or_default();
    let muted_by = interner.list(status.muted_by);
    let state = match status.state.0.as_ref() {
        "suppressed" => AlertState::Suppressed,
        "unprocessed" => AlertState::Unprocessed,
        // a group muted by a time interval lists its alerts as active
        _ if !muted_by.is_empty() => AlertState::Suppressed,
        _ => AlertState::Active,
    };
    SourceAlert {
        occurrence: Occurrence {
            fingerprint: wire
                .fingerprint
                .0
                .parse()
                .unwrap_or_else(|_| own_fingerprint(&labels)),
            starts_at: time(&wire.starts_at),
        },
        updated_at: time(&wire.updated_at),
        ends_at: time(&wire.ends_at),
        state,
        silenced_by: interner.list(status.silenced_by),
        inhibited_by: interner.list(status.inhibited_by),
        muted_by,
        labels,
        annotations: interner.labels(wire.annotations, like_annotations),
        generator_url: if *wire.generator_url.0 == **like_url {
            Arc::clone(like_url)
        } else {
            Arc::from(wire.generator_url.0.as_ref())
        },
        receivers: wire
            .receivers
            .0
            .into_iter()
            .map(|receiver| interner.share(receiver.name))
            .collect(),
    }
}

/// Where a server gives none: FNV-1a over the label set, as `prometheus/common` computes it.
fn own_fingerprint(labels: &Labels) -> Fingerprint {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut add = |bytes: &[u8]| {
        for byte in bytes.iter().chain(&[0xff]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for (name, value) in labels.iter() {
        add(name.as_bytes());
        add(value.as_bytes());
    }
    Fingerprint(hash)
}

/// Every silence that reads.
pub(super) fn silences(body: &[u8]) -> Result<Vec<Silence>, String> {
    read(body, |text| {
        let wire: List<WireSilence<'_>> = parse(text)?;
        let mut interner = Interner::default();
        Ok(wire
            .0
            .into_iter()
            .map(|silence| read_silence(silence, &mut interner))
            .collect())
    })
}

fn read_silence<'a>(wire: WireSilence<'a>, interner: &mut Interner<'a>) -> Silence {
    let matchers = wire.matchers.0.into_iter().map(|matcher| Matcher {
        name: interner.share(matcher.name),
        op: match (
            matcher.is_equal.unwrap_or(true),
            matcher.is_regex.unwrap_or(false),
        ) {
            (true, false) => MatchOp::Equal,
            (false, false) => MatchOp::NotEqual,
            (true, true) => MatchOp::Regex,
            (false, true) => MatchOp::NotRegex,
        },
        value: interner.share(matcher.value),
    });
    let matchers = matchers.collect();
    Silence {
        id: Arc::from(wire.id.0.as_ref()),
        state: match wire.status.unwrap_or_default().state.0.as_ref() {
            "pending" => SilenceState::Pending,
            "expired" => SilenceState::Expired,
            _ => SilenceState::Active,
        },
        matchers,
        created_by: interner.share(wire.created_by),
        comment: interner.share(wire.comment),
        starts_at: time(&wire.starts_at),
        ends_at: time(&wire.ends_at),
        updated_at: time(&wire.updated_at),
    }
}

/// Silences, those that did not change in the `Arc` they had.
pub(super) fn kept(silences: Vec<Silence>, last: &[Arc<Silence>]) -> Vec<Arc<Silence>> {
    let known: HashMap<&str, &Arc<Silence>> = last
        .iter()
        .map(|silence| (silence.id.as_ref(), silence))
        .collect();
    let keep = |silence: Silence| match known.get(silence.id.as_ref()) {
        Some(old) if ***old == silence => Arc::clone(old),
        Some(_) | None => Arc::new(silence),
    };
    silences.into_iter().map(keep).collect()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DraftBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    matchers: Vec<DraftMatcher<'a>>,
    starts_at: String,
    ends_at: String,
    created_by: &'a str,
    comment: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DraftMatcher<'a> {
    name: &'a str,
    value: &'a str,
    is_regex: bool,
    is_equal: bool,
}

/// The body of `POST /silences`.
pub(super) fn draft(draft: &SilenceDraft) -> String {
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let matchers = draft.matchers.iter().map(|m| DraftMatcher {
        name: &m.name,
        value: &m.value,
        is_regex: matches!(m.op, MatchOp::Regex | MatchOp::NotRegex),
        is_equal: matches!(m.op, MatchOp::Equal | MatchOp::Regex),
    });
    let body = DraftBody {
        id: draft.id.as_deref(),
        matchers: matchers.collect(),
        starts_at: time(draft.starts_at),
        ends_at: time(draft.ends_at),
        created_by: &draft.created_by,
        comment: &draft.comment,
    };
    // text and booleans alone: it cannot fail
    serde_json::to_string(&body).unwrap_or_default()
}

fn owned<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

/// `{"silenceID": "…"}`.
pub(super) fn silence_id(body: &[u8]) -> Result<Arc<str>, String> {
    #[derive(Deserialize)]
    struct Made {
        #[serde(rename = "silenceID")]
        id: String,
    }
    let made: Made = owned(body)?;
    if made.id.is_empty() {
        Err("it names no silence".to_owned())
    } else {
        Ok(made.id.into())
    }
}

/// `GET /status`.
pub(super) fn status(body: &[u8]) -> Result<AlertmanagerStatus, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Status<'a> {
        #[serde(borrow, default)]
        cluster: Option<Cluster<'a>>,
        #[serde(borrow, default)]
        version_info: Option<Version<'a>>,
    }
    #[derive(Deserialize)]
    struct Cluster<'a> {
        #[serde(borrow, default)]
        name: Text<'a>,
        #[serde(borrow, default)]
        status: Text<'a>,
        #[serde(borrow, default)]
        peers: List<Named<'a>>,
    }
    #[derive(Deserialize)]
    struct Version<'a> {
        #[serde(borrow, default)]
        version: Text<'a>,
    }
    read(body, |text| {
        let status: Status<'_> = parse(text)?;
        if status.cluster.is_none() && status.version_info.is_none() {
            return Err("it has neither cluster nor version".to_owned());
        }
        let version = status
            .version_info
            .map(|v| v.version.0.into_owned())
            .unwrap_or_default();
        let Some(cluster) = status.cluster else {
            return Ok(AlertmanagerStatus {
                version,
                cluster_status: String::new(),
                name: None,
                peers: Vec::new(),
            });
        };
        let name = Some(cluster.name.0.into_owned()).filter(|name| !name.is_empty());
        let mut peers: Vec<String> = cluster
            .peers
            .0
            .into_iter()
            .map(|peer| peer.name.0.into_owned())
            .collect();
        peers.extend(name.clone());
        peers.retain(|peer| !peer.is_empty());
        peers.sort();
        peers.dedup();
        Ok(AlertmanagerStatus {
            version,
            cluster_status: cluster.status.0.into_owned(),
            name,
            peers,
        })
    })
}

/// The words of an error: a bare JSON string, `{"message"}`, `{"error"}`, or the text itself.
pub(super) fn error_words(body: &[u8]) -> String {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Shape {
        Bare(String),
        Coded { message: String },
        Old { error: String },
    }
    match owned::<Shape>(body) {
        Ok(Shape::Bare(words) | Shape::Coded { message: words } | Shape::Old { error: words }) => words,
        Err(_) => String::from_utf8_lossy(body).trim().to_owned(),
    }
}
