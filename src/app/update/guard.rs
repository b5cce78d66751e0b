//! What an act would do on the board as it stands, as a question to whoever asked for it.
//!
//! The same question is put together when an act is wanted, at the confirming key, and for every board that comes
//! while the act can still be taken back: an answer holds for what was shown, not for what came since. It knows nothing of keys. Start at [`question`].

use std::collections::BTreeSet;
use std::sync::Arc;

use tui_textarea::TextArea;

use super::alerts::describe;
use crate::app::Model;
use crate::app::acts::{Act, SilenceRequest};
use crate::app::modal::{Confirm, ConfirmLine, Then, Typed};
use crate::domain::alert::plan::counted;
use crate::domain::alert::plan::{Preview, hand_back_plan, silence_preview};
use crate::domain::alert::{AlertBoard, BoardSilence, Fingerprint, Matcher};
use crate::text::SafeText;
use crate::time::prometheus_duration;

/// Said instead of a number where nobody can know it.
pub(super) const NOT_KNOWN: &str = "what it hides is not known: no Alertmanager answers";

/// Whether a person has to look before an act goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// It may go at one key.
    Light,
    /// It hits what is not to be hit unawares.
    Heavy,
}

/// An act with what it would do now.
pub(super) struct Question {
    /// As it would be asked.
    pub confirm: Confirm,
    /// Whether it has to be.
    pub weight: Weight,
}

/// Whether a member of the cluster may be written to.
pub(super) fn takes_writes(model: &Model, board: &AlertBoard, cluster: &str) -> bool {
    let mut members = board.sources.iter().filter(|source| *source.cluster == *cluster);
    members.any(|source| model.settings.writable.contains(&source.name))
}

/// The clusters that answer: only there is it known what an act hits. None is a refusal, in words.
fn known(board: &AlertBoard) -> Result<Vec<Arc<str>>, String> {
    let clusters: BTreeSet<&Arc<str>> = board.sources.iter().map(|source| &source.cluster).collect();
    let answering: Vec<Arc<str>> = clusters
        .into_iter()
        .filter(|cluster| board.answers(cluster))
        .map(Arc::clone)
        .collect();
    if answering.is_empty() {
        return Err(NOT_KNOWN.to_owned());
    }
    Ok(answering)
}

/// The clusters that a silence goes to: those that answer and may be written to.
pub(super) fn reach(model: &Model, board: &AlertBoard) -> Result<Vec<Arc<str>>, String> {
    let mut clusters = known(board)?;
    clusters.retain(|cluster| takes_writes(model, board, cluster));
    if clusters.is_empty() {
        return Err("every Alertmanager that answers is configured with read_only = true".to_owned());
    }
    Ok(clusters)
}

/// What an act would do now; an error says why it is not known, or that there is nothing to do.
/// `None` for acts that name exactly what they are for and need no second look.
pub(super) fn question(model: &Model, act: &Act) -> Result<Option<Question>, String> {
    let board = || model.alerts.board.as_deref().ok_or(NOT_KNOWN);
    match act {
        Act::Silence(request) => silence(model, board()?, request).map(Some),
        Act::Extend { cluster, id, until } => {
            let board = board()?;
            let row = row(model, board, (cluster, id))?;
            let title = format!("Extend to {}Z?", until.format("%H:%M"));
            let clusters = [Arc::clone(cluster)];
            hiding(model, board, act, (&row.silence.matchers, &clusters), title).map(Some)
        }
        Act::Expire { cluster, id } => {
            let board = board()?;
            Ok(Some(expire(model, board, act, row(model, board, (cluster, id))?)))
        }
        Act::HandBack { alerts } => Ok(Some(hand_back(model, board()?, act, alerts))),
        Act::Acknowledge { .. }
        | Act::Renew(_)
        | Act::Incident { .. }
        | Act::Annotate(_)
        | Act::Declare(_) => Ok(None),
    }
}

/// The question anew, where the act is heavy and hits what was not listed; what is new comes first.
pub(super) fn asked_again(
    model: &Model,
    question: Question,
    listed: &BTreeSet<Fingerprint>,
) -> Option<Confirm> {
    let board = model.alerts.board.as_deref()?;
    let new: Vec<ConfirmLine> = question
        .confirm
        .hits
        .difference(listed)
        .map(|fingerprint| ConfirmLine::Warning(format!("new: {}", name(board, *fingerprint))))
        .collect();
    if new.is_empty() || question.weight == Weight::Light {
        return None;
    }
    let mut confirm = question.confirm;
    confirm.lines.splice(0..0, new);
    Some(confirm)
}

fn row<'a>(
    model: &Model,
    board: &'a AlertBoard,
    (cluster, id): (&str, &str),
) -> Result<&'a BoardSilence, String> {
    if !takes_writes(model, board, cluster) {
        let cluster = SafeText::line(cluster);
        return Err(format!(
            "{cluster} is read-only: configured with read_only = true"
        ));
    }
    let found = board
        .silences
        .iter()
        .find(|row| *row.cluster == *cluster && *row.silence.id == *id);
    found
        .map(AsRef::as_ref)
        .ok_or_else(|| "the silence is listed no more".to_owned())
}

fn silence(model: &Model, board: &AlertBoard, request: &SilenceRequest) -> Result<Question, String> {
    let clusters = if request.clusters.is_empty() {
        reach(model, board)?
    } else {
        request.clusters.clone()
    };
    let matchers = &request.matchers;
    let seen = silence_preview(matchers, board, &clusters).map_err(|error| error.to_string())?;
    let title = format!(
        "Silence {} for {}?",
        counted(seen.matched.len(), "alert"),
        prometheus_duration(request.duration)
    );
    let act = Act::Silence(request.clone());
    let mut question = hiding(model, board, &act, (matchers, &clusters), title)?;
    let left_out: BTreeSet<&Arc<str>> = board
        .sources
        .iter()
        .map(|source| &source.cluster)
        .filter(|cluster| !clusters.contains(cluster) && takes_writes(model, board, cluster))
        .collect();
    for cluster in left_out {
        question.weight = Weight::Heavy;
        let cluster = SafeText::line(cluster);
        let line = format!("not at {cluster}: it does not answer, so what it would hide there is not known");
        question.confirm.lines.insert(0, ConfirmLine::Warning(line));
    }
    Ok(question)
}

/// A question about what matchers hide in these clusters, all of which must answer.
fn hiding(
    model: &Model,
    board: &AlertBoard,
    act: &Act,
    (matchers, clusters): (&[Matcher], &[Arc<str>]),
    title: String,
) -> Result<Question, String> {
    if let Some(silent) = clusters.iter().find(|cluster| !board.answers(cluster)) {
        known(board)?;
        let silent = SafeText::line(silent);
        return Err(format!("what it hides is not known: {silent} does not answer"));
    }
    let seen = silence_preview(matchers, board, clusters).map_err(|error| error.to_string())?;
    let mut typed = Vec::new();
    if model.settings.danger {
        typed.push(word("the context's name", model.settings.context.clone()));
    }
    let reasons = seen.reasons();
    if !reasons.is_empty() {
        typed.push(word("how many it hides", seen.matched.len().to_string()));
    }
    let weight = if reasons.is_empty() {
        Weight::Light
    } else {
        Weight::Heavy
    };
    Ok(Question {
        confirm: Confirm {
            title,
            lines: preview_lines(&seen, board),
            typed,
            then: Then::Act(act.clone()),
            hits: seen.matched.into_iter().collect(),
            scroll: 0,
        },
        weight,
    })
}

pub(super) fn word(what: &'static str, want: String) -> Typed {
    Typed {
        want,
        what,
        input: TextArea::default(),
    }
}

fn preview_lines(seen: &Preview, board: &AlertBoard) -> Vec<ConfirmLine> {
    let warnings = seen.reasons().into_iter().map(ConfirmLine::Warning);
    warnings
        .chain(seen.matched.iter().map(|f| ConfirmLine::Plain(name(board, *f))))
        .collect()
}

/// An alert in one line, listed or not.
pub(super) fn name(board: &AlertBoard, fingerprint: Fingerprint) -> String {
    match board.by_fingerprint.get(&fingerprint) {
        Some(alert) => describe(alert),
        None => format!("{fingerprint}, listed no more"),
    }
}

fn expire(model: &Model, board: &AlertBoard, act: &Act, row: &BoardSilence) -> Question {
    let mut lines = vec![
        ConfirmLine::Plain(format!(
            "by {}: {}",
            SafeText::line(model.us().called(&row.silence.created_by)),
            SafeText::line(&row.silence.comment)
        )),
        ConfirmLine::Plain(format!(
            "{} {} back",
            counted(row.matches, "alert"),
            if row.matches == 1 { "comes" } else { "come" }
        )),
    ];
    if !board.answers(&row.cluster) {
        let cluster = SafeText::line(&row.cluster);
        let line = format!("{cluster} does not answer: what comes back is not known");
        lines.insert(0, ConfirmLine::Warning(line));
    }
    let hidden = board.by_fingerprint.values();
    let hits = hidden
        .filter(|alert| alert.silenced_by.contains(&row.silence.id))
        .map(|alert| alert.occurrence.fingerprint)
        .collect();
    Question {
        confirm: Confirm {
            title: "End this silence now?".to_owned(),
            lines,
            typed: Vec::new(),
            then: Then::Act(act.clone()),
            hits,
            scroll: 0,
        },
        weight: Weight::Heavy,
    }
}

fn hand_back(model: &Model, board: &AlertBoard, act: &Act, alerts: &[Fingerprint]) -> Question {
    let chosen: Vec<_> = alerts
        .iter()
        .filter_map(|fingerprint| board.by_fingerprint.get(fingerprint))
        .map(|alert| alert.occurrence)
        .collect();
    let plan = hand_back_plan(&chosen, board, &model.settings.identity);
    let also = plan.also.iter().map(|fingerprint| {
        let alert = name(board, *fingerprint);
        ConfirmLine::Warning(format!("also: {alert}, under the same acknowledgement"))
    });
    let own = plan
        .alerts
        .iter()
        .map(|fingerprint| ConfirmLine::Plain(name(board, *fingerprint)));
    let weight = if plan.also.is_empty() {
        Weight::Light
    } else {
        Weight::Heavy
    };
    Question {
        confirm: Confirm {
            title: format!("Hand back {}?", counted(plan.alerts.len(), "alert")),
            lines: also.chain(own).collect(),
            typed: Vec::new(),
            then: Then::Act(act.clone()),
            hits: plan.alerts.iter().chain(&plan.also).copied().collect(),
            scroll: 0,
        },
        weight,
    }
}
