//! What scripts read: the documents of `alerts --json`, `silences --json` and of acts.
//!
//! Field names and meanings are a contract: additions only. Times are RFC 3339 UTC, absent values null, text
//! as the source gave it, with control and bidi characters escaped. Start at [`alerts_document`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::{
    Ack, AckState, Alert, AlertBoard, AlertGroup, BoardSilence, IsAck, Labels, MatchOp, SilenceState, ack,
};
use crate::backend::BackendFailure;
use crate::domain::document::{time, written};
use crate::time::Now;

fn map<S: Serializer>(labels: &Labels, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(labels.len()))?;
    for (name, value) in labels.iter() {
        map.serialize_entry(name, value)?;
    }
    map.end()
}

#[derive(Serialize)]
struct Head<'a> {
    context: &'a str,
    at: String,
}

#[derive(Serialize)]
struct ErrorRow<'a> {
    backend: &'a str,
    message: &'a str,
}

fn errors(failures: &[BackendFailure]) -> Vec<ErrorRow<'_>> {
    failures
        .iter()
        .map(|f| ErrorRow {
            backend: &f.backend,
            message: &f.message,
        })
        .collect()
}

#[derive(Serialize)]
struct AlertsDocument<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    counts: Counts,
    groups: Vec<GroupRow<'a>>,
    pipeline: Pipeline,
    errors: Vec<ErrorRow<'a>>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Counts {
    active: usize,
    acknowledged: usize,
    suppressed: usize,
}

#[derive(Serialize)]
struct Pipeline {
    ok: bool,
    sentence: String,
    faults: Vec<String>,
    unknown: Vec<String>,
}

#[derive(Serialize)]
struct GroupRow<'a> {
    #[serde(serialize_with = "map")]
    key: &'a Labels,
    severity: Option<&'a str>,
    count: usize,
    alerts: Vec<AlertRow<'a>>,
}

#[derive(Serialize)]
struct AlertRow<'a> {
    id: String,
    fingerprint: String,
    sources: &'a [Arc<str>],
    name: &'a str,
    severity: Option<&'a str>,
    service: Option<&'a str>,
    state: &'static str,
    silenced_by: &'a [Arc<str>],
    inhibited_by: &'a [Arc<str>],
    muted_by: &'a [Arc<str>],
    acknowledged_by: Option<&'a str>,
    acknowledged_at: Option<String>,
    acknowledged_until: Option<String>,
    hidden_by_ack_of: Option<&'a str>,
    starts_at: String,
    updated_at: String,
    ends_at: Option<String>,
    summary: Option<&'a str>,
    description: Option<&'a str>,
    runbook_url: Option<&'a str>,
    generator_url: Option<&'a str>,
    receivers: &'a [Arc<str>],
    #[serde(serialize_with = "map")]
    labels: &'a Labels,
    #[serde(serialize_with = "map")]
    annotations: &'a Labels,
}

fn there(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn alert_row(alert: &Alert) -> AlertRow<'_> {
    let (held, hidden_by): (Option<&Ack>, Option<&Ack>) = match &alert.ack {
        AckState::None => (None, None),
        AckState::Held(ack) => (Some(ack), None),
        AckState::Partly(part) => (None, Some(&part.ack)),
        AckState::HiddenBy(ack) => (None, Some(ack)),
    };
    let fingerprint = alert.occurrence.fingerprint.to_string();
    AlertRow {
        id: fingerprint.clone(),
        fingerprint,
        sources: &alert.sources,
        name: &alert.name,
        severity: alert.severity.as_deref(),
        service: there(&alert.service),
        state: alert.state.word(),
        silenced_by: &alert.silenced_by,
        inhibited_by: &alert.inhibited_by,
        muted_by: &alert.muted_by,
        acknowledged_by: held.map(|ack| ack.by.as_ref()),
        acknowledged_at: held.map(|ack| time(ack.at)),
        acknowledged_until: held.map(|ack| time(ack.until)),
        hidden_by_ack_of: hidden_by.map(|ack| ack.by.as_ref()),
        starts_at: time(alert.occurrence.starts_at),
        updated_at: time(alert.updated_at),
        ends_at: alert.ended_at.map(time),
        summary: alert.annotations.get("summary"),
        description: alert.annotations.get("description"),
        runbook_url: alert.annotations.get("runbook_url"),
        generator_url: there(&alert.generator_url),
        receivers: &alert.receivers,
        labels: &alert.labels,
        annotations: &alert.annotations,
    }
}

fn group_row(group: &AlertGroup) -> GroupRow<'_> {
    GroupRow {
        key: &group.key,
        severity: group.severity.as_deref(),
        count: group.alerts.len(),
        alerts: group.alerts.iter().map(|alert| alert_row(alert)).collect(),
    }
}

/// What a person should know beside the errors: pipeline faults that are not a backend's own failure.
fn warnings(board: &AlertBoard, now: Now) -> Vec<String> {
    let faults = board
        .pipeline
        .faults
        .iter()
        .filter(|f| !matches!(f, super::PipelineFault::SourceDown { .. }));
    faults
        .map(|fault| fault.words(now))
        .chain(board.filter_error.iter().map(|e| format!("filter: {e}")))
        .collect()
}

/// The document of `alerts --json`: counts, groups most urgent first, pipeline, errors, warnings.
pub fn alerts_document(context: &str, board: &AlertBoard, now: Now) -> String {
    written(&AlertsDocument {
        head: Head {
            context,
            at: time(now.utc),
        },
        counts: Counts {
            active: board.counts.active,
            acknowledged: board.counts.acknowledged,
            suppressed: board.counts.suppressed,
        },
        groups: board.groups.iter().map(|group| group_row(group)).collect(),
        pipeline: Pipeline {
            ok: board.pipeline.faults.is_empty()
                && board.pipeline.unknown.is_empty()
                && board.pipeline.age.is_some(),
            sentence: board.sentence(now),
            faults: board.pipeline.faults.iter().map(|f| f.words(now)).collect(),
            unknown: board.pipeline.unknown.clone(),
        },
        errors: errors(&board.errors),
        warnings: warnings(board, now),
    })
}

/// One alert alone, as a row of the document: what is copied from the console.
pub fn alert_json(alert: &Alert) -> String {
    written(&alert_row(alert))
}

/// Which silences are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SilenceChoice {
    /// In force or to come.
    Standing,
    /// In force, ending within this.
    Expiring(Duration),
    /// In force or to come, matching nothing.
    Unused,
    /// Expired, still kept by the server.
    Expired,
    /// All.
    All,
}

impl SilenceChoice {
    /// Whether this one is listed.
    pub fn lists(self, row: &BoardSilence, now: Now) -> bool {
        match self {
            Self::Standing => row.silence.state != SilenceState::Expired,
            Self::Expiring(window) => row.expires_within(window, now),
            Self::Unused => row.is_unused(),
            Self::Expired => row.silence.state == SilenceState::Expired,
            Self::All => true,
        }
    }
}

#[derive(Serialize)]
struct SilencesDocument<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    silences: Vec<SilenceRow<'a>>,
    errors: Vec<ErrorRow<'a>>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct SilenceRow<'a> {
    id: &'a str,
    source: &'a str,
    cluster: &'a str,
    state: &'static str,
    matchers: Vec<MatcherRow<'a>>,
    created_by: &'a str,
    comment: &'a str,
    starts_at: String,
    ends_at: String,
    updated_at: String,
    matches: usize,
    is_ack: bool,
}

#[derive(Serialize)]
struct MatcherRow<'a> {
    name: &'a str,
    value: &'a str,
    is_regex: bool,
    is_equal: bool,
}

fn silence_row(row: &BoardSilence) -> SilenceRow<'_> {
    let matchers = row.silence.matchers.iter().map(|m| MatcherRow {
        name: &m.name,
        value: &m.value,
        is_regex: matches!(m.op, MatchOp::Regex | MatchOp::NotRegex),
        is_equal: matches!(m.op, MatchOp::Equal | MatchOp::Regex),
    });
    SilenceRow {
        id: &row.silence.id,
        source: &row.source,
        cluster: &row.cluster,
        state: row.silence.state.word(),
        matchers: matchers.collect(),
        created_by: &row.silence.created_by,
        comment: ack::without_marker(&row.silence.comment),
        starts_at: time(row.silence.starts_at),
        ends_at: time(row.silence.ends_at),
        updated_at: time(row.silence.updated_at),
        matches: row.matches,
        is_ack: row.ack == IsAck::Yes,
    }
}

/// The document of `silences --json`.
pub fn silences_document(context: &str, board: &AlertBoard, choice: SilenceChoice, now: Now) -> String {
    written(&SilencesDocument {
        head: Head {
            context,
            at: time(now.utc),
        },
        silences: board
            .silences
            .iter()
            .filter(|row| choice.lists(row, now))
            .map(|row| silence_row(row))
            .collect(),
        errors: errors(&board.errors),
        warnings: Vec::new(),
    })
}

/// How an act ended.
/// The worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActState {
    /// The server has it.
    Confirmed,
    /// It may have it: not known yet.
    Pending,
    /// It is not clear: the engineer decides.
    NeedsDecision,
    /// It was refused, or never sent.
    Failed,
}

impl ActState {
    /// The word in JSON and text.
    pub fn word(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Pending => "pending",
            Self::NeedsDecision => "needs_decision",
            Self::Failed => "failed",
        }
    }
}

/// What became of one target of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActOutcome {
    /// What was acted on, as the user named it: a fingerprint, matchers, a silence id.
    pub target: String,
    /// How it ended.
    pub state: ActState,
    /// The numbers of its entries in the outbox, where it came into it.
    pub outbox_id: Option<String>,
    /// What the servers call the result: (source, silence id).
    pub remote_ids: Vec<(Arc<str>, Arc<str>)>,
    /// In words.
    pub message: String,
}

#[derive(Serialize)]
struct ActsDocument<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    results: Vec<ActRow<'a>>,
    errors: Vec<ErrorRow<'a>>,
    warnings: &'a [String],
}

#[derive(Serialize)]
struct ActRow<'a> {
    target: &'a str,
    ok: bool,
    state: &'static str,
    outbox_id: Option<&'a str>,
    remote_ids: BTreeMap<&'a str, &'a str>,
    message: &'a str,
}

/// What came of acts, and what should be known beside.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActReport {
    /// One a target.
    pub outcomes: Vec<ActOutcome>,
    /// Who did not answer before it.
    pub errors: Vec<BackendFailure>,
    /// In words.
    pub warnings: Vec<String>,
}

/// The document of an act: one result a target.
pub fn acts_document(context: &str, report: &ActReport, now: Now) -> String {
    let results = report.outcomes.iter().map(|outcome| ActRow {
        target: &outcome.target,
        ok: outcome.state == ActState::Confirmed,
        state: outcome.state.word(),
        outbox_id: outcome.outbox_id.as_deref(),
        remote_ids: outcome
            .remote_ids
            .iter()
            .map(|(source, id)| (source.as_ref(), id.as_ref()))
            .collect(),
        message: &outcome.message,
    });
    written(&ActsDocument {
        head: Head {
            context,
            at: time(now.utc),
        },
        results: results.collect(),
        errors: errors(&report.errors),
        warnings: &report.warnings,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::desk::{Arrangement, Desk, sample};
    use super::*;

    fn board() -> AlertBoard {
        let mut acked = sample::source_alert(&[
            ("alertname", "A\u{202e}"),
            ("service", "shop"),
            ("severity", "page"),
        ]);
        acked.silenced_by = vec!["s1".into()];
        acked.state = super::super::AlertState::Suppressed;
        acked.annotations = sample::labels(&[("summary", "x\u{1b}[31m\u{7f}")]);
        let plain = sample::source_alert(&[("alertname", "B")]);
        let silence = sample::silence(
            "s1",
            "ACK! mara@midwatch 2026-11-20T03:00Z: mine [mw:AAAAAAAAAA]",
            "mara",
            "a!~b|c",
        );
        let mut inputs = sample::inputs_of(vec![sample::source(sample::snapshot(
            "eu-0",
            vec![acked, plain],
            vec![silence],
        ))]);
        inputs.rules = sample::rules(Vec::new());
        Desk::new().arrange(&inputs, &Arrangement::default(), sample::now())
    }

    #[test]
    fn the_alerts_document_is_the_contract() {
        let text = alerts_document("prod", &board(), sample::now());
        assert!(
            !text.contains(['\u{202e}', '\u{1b}', '\u{7f}']),
            "nothing a terminal acts on"
        );
        let document: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(document["context"], "prod");
        assert_eq!(document["at"], "2026-11-20T03:14:07Z");
        assert_eq!(
            document["counts"],
            json!({"active": 1, "acknowledged": 1, "suppressed": 0})
        );
        let first = &document["groups"][0]["alerts"][0];
        assert_eq!(
            (&first["name"], &first["severity"], &first["service"]),
            (&json!("B"), &Value::Null, &Value::Null)
        );
        assert_eq!(
            (&first["state"], &first["ends_at"]),
            (&json!("active"), &Value::Null)
        );
        let acked = &document["groups"][1]["alerts"][0];
        assert_eq!(acked["id"], acked["fingerprint"]);
        assert_eq!(acked["acknowledged_by"], "mara");
        assert_eq!(acked["state"], "suppressed");
        assert_eq!(acked["summary"], "x\u{1b}[31m\u{7f}");
        assert_eq!(document["groups"][1]["severity"], "page");
        assert!(document["errors"].as_array().is_some_and(Vec::is_empty));
        assert_eq!(
            document["warnings"][0]
                .as_str()
                .map(|w| w.starts_with("watchdog absent")),
            Some(true)
        );
    }

    #[test]
    fn the_silences_document_is_the_contract() {
        let text = silences_document("prod", &board(), SilenceChoice::Standing, sample::now());
        let document: Value = serde_json::from_str(&text).expect("JSON");
        let row = &document["silences"][0];
        assert_eq!(
            row["matchers"][0],
            json!({"name": "a", "value": "b|c", "is_regex": true, "is_equal": false})
        );
        assert_eq!(
            (&row["is_ack"], &row["matches"], &row["state"]),
            (&json!(true), &json!(1), &json!("active"))
        );
        assert_eq!(row["comment"], "ACK! mara@midwatch 2026-11-20T03:00Z: mine");
        let none = silences_document("prod", &board(), SilenceChoice::Unused, sample::now());
        assert!(none.contains(r#""silences":[]"#), "{none}");
    }

    #[test]
    fn acts_give_one_result_a_target() {
        let outcome = ActOutcome {
            target: "f00".into(),
            state: ActState::Pending,
            outbox_id: None,
            remote_ids: vec![("eu-0".into(), "id-1".into())],
            message: "not known".into(),
        };
        let report = ActReport {
            outcomes: vec![outcome],
            ..ActReport::default()
        };
        let document: Value =
            serde_json::from_str(&acts_document("prod", &report, sample::now())).expect("JSON");
        assert_eq!(
            document["results"][0],
            json!({"target": "f00", "ok": false, "state": "pending", "outbox_id": null,
                   "remote_ids": {"eu-0": "id-1"}, "message": "not known"})
        );
    }
}
