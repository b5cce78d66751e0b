//! Silences: composing with a preview, extending, expiring.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tui_textarea::TextArea;

use super::alerts::targets;
use super::guard::{self, Weight};
use super::{busy, frozen, panes, refusal, say, undo};
use crate::app::acts::{Act, PendingAct, SilenceRequest, Stage, Undoing};
use crate::app::compose::Cleared;
use crate::app::focus::Detail;
use crate::app::modal::{Composer, Field, Modal, Past};
use crate::app::panes::selected_silence;
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::domain::alert::matcher;
use crate::domain::alert::{Alert, BoardSilence, Fingerprint, IsAck, Labels, MatchOp, Matcher, Standing};
use crate::time::{Now, parse_duration, prometheus_duration};

/// Each extension from the list of silences.
const EXTEND_BY: TimeDelta = TimeDelta::hours(2);

/// Opens the composer for what is under the cursor, or marked.
pub(super) fn compose(model: &mut Model, now: Now) -> Vec<Effect> {
    let alerts = targets(model, now).now;
    compose_of(model, shared(&alerts), &alerts, now)
}

/// Opens the composer with these matchers, of these alerts where some are meant. A draft is taken up only where it is
/// about the same: one that was begun for other alerts waits for those.
pub(super) fn compose_of(
    model: &mut Model,
    matchers: Vec<String>,
    alerts: &[Arc<Alert>],
    now: Now,
) -> Vec<Effect> {
    if let Some(why) = refusal(model) {
        return say(model, Level::Warn, why, now);
    }
    let composer = match take_up(model, &matchers, alerts) {
        Some(draft) => Composer {
            about: matchers,
            ..draft
        },
        // Alerts that have nothing in common are told apart from others by themselves alone.
        None if matchers.is_empty() => Composer {
            hits: alerts.iter().map(|alert| alert.occurrence.fingerprint).collect(),
            ..fresh(matchers)
        },
        None => fresh(matchers),
    };
    model.modal = Some(Modal::Composer(Box::new(composer)));
    ask_past(model)
}

/// The newest draft that is about what these matchers are of. One that was sent and not made is also about the alerts
/// that it was to hide: where others have come to them, they have less in common by now. So is one of alerts that had
/// nothing in common.
fn take_up(model: &mut Model, matchers: &[String], alerts: &[Arc<Alert>]) -> Option<Composer> {
    let board = model.alerts.board.clone().unwrap_or_default();
    let is_there = |hit: &&Fingerprint| {
        let alert = board.by_fingerprint.get(hit);
        alert.is_some_and(|alert| alert.standing() != Standing::Over)
    };
    let is_meant = |hit: &Fingerprint| alerts.iter().any(|alert| alert.occurrence.fingerprint == *hit);
    let hides_of_these = |draft: &Composer| {
        let mut hits = draft.hits.iter().filter(is_there).peekable();
        hits.peek().is_some() && hits.all(is_meant)
    };
    let drafts = &mut model.alerts.drafts;
    let same = |draft: &Composer| !matchers.is_empty() && draft.subject() == matchers;
    let at = drafts
        .iter()
        .rposition(|draft| same(draft) || hides_of_these(draft))?;
    Some(Composer {
        field: Field::Comment,
        is_draft: true,
        ..drafts.remove(at)
    })
}

/// Puts a form away; what to say of it. One in which nobody has typed is no draft.
pub(super) fn put_away(model: &mut Model, form: Composer) -> &'static str {
    if !is_written(&form) {
        return "put away; nothing was typed, so no draft is kept";
    }
    model.alerts.drafts.push(form);
    "put away; the draft is kept"
}

fn is_written(form: &Composer) -> bool {
    let typed = |area: &TextArea| !area.lines().join("").trim().is_empty();
    form.matchers.lines().join("\n") != form.about.join("\n")
        || form.duration.lines().join("") != DURATION
        || typed(&form.comment)
}

/// Begins a form anew, or, where nobody has typed since, brings back what was cleared.
pub(super) fn clear(form: &mut Composer) -> Cleared {
    if !is_written(form) {
        let Some(before) = form.cleared.take() else {
            return Cleared::Nothing;
        };
        *form = *before;
        return Cleared::BroughtBack;
    }
    let begun = Composer {
        hits: form.hits.clone(),
        ..fresh(form.about.clone())
    };
    let mut before = std::mem::replace(form, begun);
    before.cleared = None;
    form.cleared = Some(Box::new(before));
    Cleared::Emptied
}

/// Matchers of what several alerts have in common.
pub(super) fn shared(alerts: &[Arc<Alert>]) -> Vec<String> {
    let shared = common(alerts.iter().map(|alert| &alert.labels)).into_iter();
    let equal = |(name, value)| Matcher {
        name,
        op: MatchOp::Equal,
        value,
    };
    shared.map(|pair| equal(pair).to_string()).collect()
}

/// How long a silence lasts where nobody says otherwise.
const DURATION: &str = "2h";

/// A composer with these matchers and nothing typed.
pub(super) fn fresh(matchers: Vec<String>) -> Composer {
    composer(matchers.clone(), matchers, DURATION, "")
}

/// Labels that all have with the same value.
fn common<'a>(mut all: impl Iterator<Item = &'a Labels>) -> Vec<(Arc<str>, Arc<str>)> {
    let Some(first) = all.next() else {
        return Vec::new();
    };
    let mut kept: Vec<(Arc<str>, Arc<str>)> = first.iter().map(|(k, v)| (k.into(), v.into())).collect();
    for labels in all {
        kept.retain(|(name, value)| labels.get(name) == Some(value));
    }
    kept
}

/// What is typed, as a request; or what is wrong with it and where.
pub fn request(composer: &Composer, longest: Duration) -> Result<SilenceRequest, (Field, String)> {
    let matchers = matchers_of(composer).map_err(|why| (Field::Matchers, why))?;
    let duration = parse_duration(composer.duration.lines().join("").trim())
        .map_err(|error| (Field::Duration, error.to_string()))?;
    if duration.is_zero() || duration > longest {
        let longest = prometheus_duration(longest);
        return Err((
            Field::Duration,
            format!("a silence lasts more than nothing and at most {longest} (silence_max)"),
        ));
    }
    let comment = composer.comment.lines().join(" ").trim().to_owned();
    if comment.is_empty() {
        return Err((
            Field::Comment,
            "say why: the comment is what others will read".to_owned(),
        ));
    }
    Ok(SilenceRequest {
        matchers,
        duration,
        comment,
        clusters: Vec::new(),
    })
}

/// The matchers as typed, one a line.
pub fn matchers_of(composer: &Composer) -> Result<Vec<Matcher>, String> {
    let mut matchers = Vec::new();
    for line in composer
        .matchers
        .lines()
        .iter()
        .filter(|line| !line.trim().is_empty())
    {
        matchers.push(matcher::parse(line.trim()).map_err(|error| error.to_string())?);
    }
    matcher::check_silence(&matchers).map_err(|error| error.to_string())?;
    Ok(matchers)
}

/// How long typing must rest before the past is asked about: the question reads hours of every firing alert.
const REST: Duration = Duration::from_millis(300);

/// Asks about the past once typing rests; what was asked before is about other matchers.
pub(super) fn ask_past_soon(model: &mut Model, now: Now) {
    model.alerts.past_due = Some(now.tick + REST);
    if let Some(Modal::Composer(composer)) = &mut model.modal {
        model.alerts.past_asked += 1;
        composer.seq = model.alerts.past_asked;
        composer.past = Past::Unasked;
    }
}

/// Asks what the matchers would have hidden of the last hours, where they read and somebody knows.
pub(super) fn ask_past(model: &mut Model) -> Vec<Effect> {
    model.alerts.past_due = None;
    let has_metrics = model.settings.has_metrics;
    let Some(Modal::Composer(composer)) = &mut model.modal else {
        return Vec::new();
    };
    // Never the number of an earlier question, whichever composer asked it: its answer may still come.
    model.alerts.past_asked += 1;
    composer.seq = model.alerts.past_asked;
    match matchers_of(composer) {
        Ok(matchers) if has_metrics => {
            composer.past = Past::Waiting;
            vec![Effect::FetchSilencePast {
                seq: composer.seq,
                matchers,
            }]
        }
        Ok(_) | Err(_) => {
            composer.past = Past::Unasked;
            Vec::new()
        }
    }
}

/// The answer about the past; an older one is dropped.
pub(super) fn past(
    model: &mut Model,
    seq: u64,
    result: Result<Vec<(Arc<str>, usize)>, String>,
) -> Vec<Effect> {
    if let Some(Modal::Composer(composer)) = &mut model.modal
        && composer.seq == seq
    {
        composer.past = match result {
            Ok(names) => Past::Known(names),
            Err(why) => Past::Failed(why),
        };
    }
    Vec::new()
}

/// Tries what is typed: an error goes to its field, else the last question is asked.
pub(super) fn submit(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some(Modal::Composer(composer)) = &mut model.modal else {
        return Vec::new();
    };
    let request = match request(composer, model.settings.silence_max) {
        Ok(request) => request,
        Err((field, why)) => {
            composer.field = field;
            composer.error = Some(why);
            return Vec::new();
        }
    };
    let form = Composer::clone(composer);
    match reaching(model, request).and_then(|act| guard::question(model, &act).map(|asked| (act, asked))) {
        Ok((_, Some(question))) if question.weight == Weight::Heavy || !question.confirm.typed.is_empty() => {
            model.alerts.drafts.push(form);
            model.modal = Some(Modal::Confirm(question.confirm));
            Vec::new()
        }
        Ok((act, _)) => {
            model.alerts.drafts.push(form);
            model.modal = None;
            queue(model, act, now)
        }
        Err(why) => {
            if let Some(Modal::Composer(composer)) = &mut model.modal {
                composer.error = Some(why);
            }
            Vec::new()
        }
    }
}

/// The act, for the clusters that answer now and for no others: what it hides elsewhere nobody has seen.
fn reaching(model: &Model, mut request: SilenceRequest) -> Result<Act, String> {
    let board = model.alerts.board.as_deref().ok_or(guard::NOT_KNOWN)?;
    request.clusters = guard::reach(model, board)?;
    Ok(Act::Silence(request))
}

/// Hands a silence over: it is journaled at once and waits out its grace time in the outbox, where it can be undone.
pub(super) fn queue(model: &mut Model, act: Act, now: Now) -> Vec<Effect> {
    if let Some(why) = busy(model) {
        return say(model, Level::Warn, why, now);
    }
    let hits = match guard::question(model, &act) {
        Ok(question) => question.map(|question| question.confirm.hits).unwrap_or_default(),
        Err(why) => return say(model, Level::Warn, why, now),
    };
    let about = taken_from(model, &act);
    model.alerts.marks.retain(|mark| !hits.contains(mark));
    let grace = model.settings.grace;
    let until = now.tick + grace;
    let id = model.acts.add(act.clone(), Stage::Grace { until }, now.tick);
    if let Some(added) = model.acts.pending.last_mut() {
        added.hits = hits;
        added.about = about;
    }
    let undo = model
        .keymap
        .keys_for(crate::action::Action::Undo)
        .into_iter()
        .next()
        .unwrap_or_default();
    let said = format!("silence goes out in {}s · {undo} undoes it", grace.as_secs());
    model.toasts.say(Level::Info, said, now.tick);
    vec![Effect::Carry { id, act }]
}

/// The draft that is sent as this is none any more; what it was about.
fn taken_from(model: &mut Model, act: &Act) -> Vec<String> {
    let Act::Silence(sent) = act else {
        return Vec::new();
    };
    let longest = model.settings.silence_max;
    let says_it = |draft: &Composer| {
        request(draft, longest).is_ok_and(|draft| {
            SilenceRequest {
                clusters: sent.clusters.clone(),
                ..draft
            } == *sent
        })
    };
    let drafts = &mut model.alerts.drafts;
    let at = drafts.iter().rposition(says_it);
    at.map(|at| drafts.remove(at).about).unwrap_or_default()
}

/// A new board: a silence in its grace time that would hide by now what nobody was shown, and what is not to be
/// hidden unawares, is taken back.
pub(super) fn look_again(model: &mut Model, now: Now) -> Vec<Effect> {
    let in_grace = |pending: &&PendingAct| {
        matches!(pending.act, Act::Silence(_)) && matches!(pending.stage, Stage::Grace { .. })
    };
    let waiting: Vec<PendingAct> = model.acts.pending.iter().filter(in_grace).cloned().collect();
    let mut effects = Vec::new();
    for PendingAct { id, act, hits, .. } in waiting {
        // Where nobody answers any more, what was confirmed stands: the outbox keeps it until somebody does.
        let Ok(Some(question)) = guard::question(model, &act) else {
            continue;
        };
        let count = question.confirm.hits.len();
        if guard::asked_again(model, question, &hits).is_some() {
            effects.extend(undo::take_back(model, id, Undoing::WouldHide(count), now));
        }
    }
    effects
}

/// A silence that could not be saved is to be tried again: a question takes its place where it would hide by now
/// what nobody was shown. Nothing where it may go as it is.
pub(super) fn ask_anew(model: &mut Model, at: usize, now: Now) -> Option<Vec<Effect>> {
    let pending = model.acts.pending.get(at)?.clone();
    if !matches!(pending.act, Act::Silence(_)) {
        return None;
    }
    let confirm = match guard::question(model, &pending.act) {
        Ok(question) => guard::asked_again(model, question?, &pending.hits)?,
        Err(why) => return Some(say(model, Level::Warn, why, now)),
    };
    model.acts.pending.remove(at);
    // Whatever the answer, what was typed is there.
    keep_draft(model, &pending);
    model.modal = Some(Modal::Confirm(confirm));
    Some(Vec::new())
}

/// Keeps the text of a silence that was not made as a draft for what it was about; what to add to the sentence that
/// says so.
pub(super) fn keep_draft(model: &mut Model, pending: &PendingAct) -> &'static str {
    let Act::Silence(request) = &pending.act else {
        return "";
    };
    let lines: Vec<String> = request.matchers.iter().map(ToString::to_string).collect();
    let about = Some(pending.about.clone()).filter(|about| !about.is_empty());
    let about = about.unwrap_or_else(|| lines.clone());
    let duration = prometheus_duration(request.duration);
    let draft = composer(about, lines, &duration, &request.comment);
    model.alerts.drafts.push(Composer {
        hits: pending.hits.clone(),
        ..draft
    });
    "; its text is kept as a draft"
}

/// A composer with these texts, every cursor behind what stands there, the comment's field first.
fn composer(about: Vec<String>, matchers: Vec<String>, duration: &str, comment: &str) -> Composer {
    let filled = |lines: Vec<String>| {
        let mut area = TextArea::from(if lines.is_empty() {
            vec![String::new()]
        } else {
            lines
        });
        area.move_cursor(tui_textarea::CursorMove::Bottom);
        // A digit typed in front of a duration would make another duration of it.
        area.move_cursor(tui_textarea::CursorMove::End);
        area
    };
    Composer {
        about,
        hits: BTreeSet::new(),
        is_draft: false,
        cleared: None,
        matchers: filled(matchers),
        duration: filled(vec![duration.to_owned()]),
        comment: filled(vec![comment.to_owned()]),
        field: Field::Comment,
        error: None,
        past: Past::Unasked,
        seq: 0,
    }
}

/// Lets the silence under the cursor last longer.
pub(super) fn extend(model: &mut Model, now: Now) -> Vec<Effect> {
    if let Some(why) = refusal(model) {
        return say(model, Level::Warn, why, now);
    }
    let Some(chosen) = chosen(model) else {
        return say(model, Level::Info, "no silence under the cursor", now);
    };
    if chosen.silence.state == crate::domain::alert::SilenceState::Expired {
        return say(
            model,
            Level::Info,
            "an expired silence cannot be extended; make a new one",
            now,
        );
    }
    let until = chosen.silence.ends_at + EXTEND_BY;
    let longest = TimeDelta::from_std(model.settings.silence_max).unwrap_or(TimeDelta::MAX);
    if until - now.utc > longest {
        let longest = prometheus_duration(model.settings.silence_max);
        return say(
            model,
            Level::Warn,
            format!(
                "it would last longer than {longest}: silence it anew when it ends, or raise silence_max"
            ),
            now,
        );
    }
    let act = Act::Extend {
        cluster: Arc::clone(&chosen.cluster),
        id: Arc::clone(&chosen.silence.id),
        until,
    };
    let question = guard::question(model, &act);
    if question.is_ok() && chosen.ack == IsAck::Yes {
        let why = "an acknowledgement is kept by its console while somebody is there; to hide it longer, silence it";
        return say(model, Level::Info, why, now);
    }
    match question {
        Ok(Some(question)) if !question.confirm.typed.is_empty() => {
            model.modal = Some(Modal::Confirm(question.confirm));
            Vec::new()
        }
        Ok(_) => super::alerts::send(model, act, now),
        Err(why) => say(model, Level::Warn, why, now),
    }
}

/// The silence under the cursor, as it stands now.
fn chosen(model: &Model) -> Option<Arc<BoardSilence>> {
    let board = model.alerts.board.as_deref()?;
    selected_silence(&model.silences, board).cloned()
}

/// Ends the silence under the cursor, after a question.
pub(super) fn expire(model: &mut Model, now: Now) -> Vec<Effect> {
    if let Some(why) = refusal(model) {
        return say(model, Level::Warn, why, now);
    }
    let Some(chosen) = chosen(model) else {
        return say(model, Level::Info, "no silence under the cursor", now);
    };
    if chosen.silence.state == crate::domain::alert::SilenceState::Expired {
        return say(model, Level::Info, "it has expired already", now);
    }
    let act = Act::Expire {
        cluster: Arc::clone(&chosen.cluster),
        id: Arc::clone(&chosen.silence.id),
    };
    match guard::question(model, &act) {
        Ok(Some(question)) => {
            model.modal = Some(Modal::Confirm(question.confirm));
            Vec::new()
        }
        Ok(None) => super::alerts::send(model, act, now),
        Err(why) => say(model, Level::Warn, why, now),
    }
}

/// From a silence to the alerts that it hides: the alert pane, filtered to them.
pub(super) fn open_matching(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some(chosen) = chosen(model) else {
        return say(model, Level::Info, "no silence under the cursor", now);
    };
    if chosen.matches == 0 {
        return say(model, Level::Info, "it hides nothing now", now);
    }
    if let Some(why) = frozen(model) {
        return say(model, Level::Info, why, now);
    }
    model.alerts.filter = chosen
        .silence
        .matchers
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ");
    model.alerts.states = crate::domain::alert::StateChoice::All;
    model.details.retain(|view| view.detail != Detail::Silences);
    panes::turn_to(model, crate::app::focus::PaneId::Alerts);
    vec![Effect::Arrange(panes::arrangement(model))]
}
