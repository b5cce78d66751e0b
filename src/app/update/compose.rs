//! Writing: notes, status updates, marks, declarations. What is typed is kept whatever happens: as a draft while it
//! is written, and until the act that it becomes is on the disk.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_textarea::{CursorMove, TextArea};

use super::alerts::{describe, targets};
use super::incident_acts::refusal;
use super::{outbox, run, say};
use crate::action::Action;
use crate::app::acts::{Act, ActId, Stage};
use crate::app::compose::{About, Body, Compose, FormField, Kept, Purpose, Sent, Touched, area_of};
use crate::app::focus::{Detail, PaneId};
use crate::app::incidents::label;
use crate::app::modal::{Choice, Confirm, ConfirmLine, Menu, MenuItem, Modal, Then, Typed};
use crate::app::panes::selected_silence;
use crate::app::toast::Level;
use crate::app::{Draft, DraftKind, Effect, Model, reference};
use crate::backend::annotations::AnnotationDraft;
use crate::backend::incidents::Seen;
use crate::domain::alert::SeverityRank;
use crate::domain::incident::{Incident, IncidentAct, IncidentId};
use crate::outbox::EntryId;
use crate::text::SafeText;
use crate::time::Now;

/// A crash loses what was typed within this, at most.
const SAVE_AFTER: Duration = Duration::from_secs(1);
/// Lines of a page of text.
const PAGE: usize = 10;
/// Tags every mark of ours.
const TAG: &str = "midwatch";

/// The incident that keys are about: the open one, the one under the cursor of its pane, the followed one.
pub(super) fn current(model: &Model) -> Option<&Arc<Incident>> {
    let open = model.details.iter().rev().find_map(|view| match &view.detail {
        Detail::Incident(id) => Some(id),
        Detail::Slo(_) | Detail::Alert(_) | Detail::Silences | Detail::Outbox | Detail::Page(_) => None,
    });
    match open {
        Some(id) => model.incidents.incident(id),
        None => {
            let followed = model.incidents.followed.as_ref();
            let followed = followed.and_then(|id| model.incidents.incident(id));
            let selected = model.incidents.selected();
            match model.focus {
                PaneId::Incident => selected.or(followed),
                PaneId::Slo | PaneId::Alerts => followed.or(selected),
            }
        }
    }
}

fn about(incident: &Incident) -> About {
    About {
        id: incident.id.clone(),
        label: label(incident).into(),
        seen: Seen {
            status: incident.status,
            changed_at: incident.changed_at,
        },
    }
}

/// A note on the current incident.
pub(super) fn note(model: &mut Model, now: Now) -> Vec<Effect> {
    if let Some(why) = refusal(model) {
        return say(model, Level::Warn, why, now);
    }
    match current(model).map(|incident| about(incident)) {
        Some(about) => {
            let compose = Compose::new(Purpose::Note(about));
            open(model, compose, now)
        }
        None => without_incident(model, now),
    }
}

/// Nothing to note on: what can be done instead.
fn without_incident(model: &mut Model, now: Now) -> Vec<Effect> {
    let item = |key, label: String, action| MenuItem {
        key,
        label,
        choice: Choice::Run(action),
    };
    let mut items = vec![item('i', "declare a local incident".to_owned(), Action::Declare)];
    if let Some(backend) = &model.settings.annotations {
        let backend = SafeText::line(backend);
        items.push(item(
            'm',
            format!("mark this moment at {backend}"),
            Action::MarkMoment,
        ));
    }
    model.toasts.say(
        Level::Info,
        "no incident is open or under the cursor, so there is none to note on",
        now.tick,
    );
    model.modal = Some(Modal::Menu(Menu {
        title: "No incident to note on",
        items,
        cursor: 0,
    }));
    Vec::new()
}

/// A status update of the current incident.
pub(super) fn status_update(model: &mut Model, now: Now) -> Vec<Effect> {
    if let Some(why) = refusal(model) {
        return say(model, Level::Warn, why, now);
    }
    match current(model).map(|incident| about(incident)) {
        Some(about) => {
            let compose = Compose::new(Purpose::StatusUpdate(about));
            open(model, compose, now)
        }
        None => say(
            model,
            Level::Info,
            "no incident is open or under the cursor to tell of",
            now,
        ),
    }
}

/// A mark of this moment at the annotations backend.
pub(super) fn mark_moment(model: &mut Model, now: Now) -> Vec<Effect> {
    if let Some(why) = refusal(model) {
        return say(model, Level::Warn, why, now);
    }
    let Some(backend) = model.settings.annotations.clone() else {
        let context = &model.settings.context;
        let why = format!("no annotations backend is configured; add [contexts.{context}.annotations]");
        return say(model, Level::Info, why, now);
    };
    let compose = Compose::new(Purpose::Mark { at: now.utc, backend });
    open(model, compose, now)
}

/// A local incident, from the alert under the cursor or from nothing.
pub(super) fn declare(model: &mut Model, now: Now) -> Vec<Effect> {
    if let Some(why) = refusal(model) {
        return say(model, Level::Warn, why, now);
    }
    let mut compose = Compose::new(Purpose::Declaration);
    let alerts = match (model.detail(), model.focus) {
        (Some(Detail::Alert(_)), _) | (None, PaneId::Alerts) => targets(model, now).now,
        (Some(_), _) | (None, PaneId::Slo | PaneId::Incident) => Vec::new(),
    };
    if let Body::Form(form) = &mut compose.body {
        if let Some(first) = alerts.first() {
            form.title = area_of(vec![describe(first)]);
            form.service = area_of(vec![SafeText::line(&first.service).into_string()]);
            let worst = alerts
                .iter()
                .filter_map(|alert| alert.severity.as_deref())
                .map(SeverityRank::of)
                .min();
            form.severity = if worst == Some(SeverityRank::Critical) {
                1
            } else {
                2
            };
        } else if let Some(service) = run::selected_service(model) {
            form.service = area_of(vec![SafeText::line(&service).into_string()]);
        }
        form.alerts = alerts.iter().map(|alert| alert.occurrence.fingerprint).collect();
    }
    open(model, compose, now)
}

/// What is under the cursor of what has the keys, as evidence.
fn evidence(model: &Model, now: Now) -> Option<String> {
    match model.detail() {
        Some(Detail::Slo(name)) => model
            .slo
            .report(name)
            .map(|report| reference::slo(report, now.utc)),
        Some(Detail::Alert(fingerprint)) => model
            .alerts
            .alert(*fingerprint)
            .map(|alert| reference::alert(alert)),
        Some(Detail::Silences) => {
            let board = model.alerts.board.as_deref()?;
            selected_silence(&model.silences, board).map(|row| reference::silence(row))
        }
        Some(Detail::Incident(_)) => model.incidents.event().map(reference::event),
        Some(Detail::Outbox | Detail::Page(_)) => None,
        None => match model.focus {
            PaneId::Slo => model.slo.selected().map(|report| reference::slo(report, now.utc)),
            PaneId::Alerts => model.alerts.selected().map(|alert| reference::alert(alert)),
            PaneId::Incident => None,
        },
    }
}

/// Opens a composer: a draft of the same comes back, else it refers to what is under the cursor.
fn open(model: &mut Model, mut compose: Compose, now: Now) -> Vec<Effect> {
    let offered = evidence(model, now);
    let draft = take_draft(model, &compose.purpose);
    if let Body::Prose(prose) = &mut compose.body {
        if let (Some(offered), None, Purpose::Note(_)) = (&offered, &draft, &compose.purpose) {
            prose.refs.push(offered.clone());
        }
        prose.offered = offered;
    }
    if let Some(draft) = draft {
        compose.fill(&draft.text);
        compose.kept = Kept::Yes;
        model
            .toasts
            .say(Level::Info, "your draft; ctrl-l clears it", now.tick);
    }
    model.modal = Some(Modal::Compose(Box::new(compose)));
    Vec::new()
}

fn of_key(draft: &Draft, key: (DraftKind, Option<&IncidentId>)) -> bool {
    (draft.kind, draft.incident.as_ref()) == key
}

fn take_draft(model: &mut Model, purpose: &Purpose) -> Option<Draft> {
    let at = model
        .drafts
        .iter()
        .position(|draft| of_key(draft, purpose.key()))?;
    Some(model.drafts.remove(at))
}

/// Keeps a draft here in the place of the one before.
fn hold(model: &mut Model, draft: Draft) {
    model
        .drafts
        .retain(|held| !of_key(held, (draft.kind, draft.incident.as_ref())));
    model.drafts.push(draft);
}

fn drop_draft(purpose: &Purpose) -> Effect {
    let (kind, incident) = purpose.key();
    Effect::DropDraft {
        kind,
        incident: incident.cloned(),
    }
}

/// Puts on the disk what is not there yet.
fn save(compose: &mut Compose) -> Option<Effect> {
    compose.save_due.take()?;
    match (compose.draft(), compose.kept) {
        (Some(draft), _) => {
            compose.kept = Kept::Yes;
            Some(Effect::SaveDraft(draft))
        }
        (None, Kept::Yes) => {
            compose.kept = Kept::No;
            Some(drop_draft(&compose.purpose))
        }
        (None, Kept::No) => None,
    }
}

/// Puts on the disk what is being written, and leaves the composer open.
pub(super) fn save_open(model: &mut Model) -> Vec<Effect> {
    match &mut model.modal {
        Some(Modal::Compose(compose)) => save(compose).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Closes the composer; what was written is kept as a draft.
pub(super) fn put_away(model: &mut Model) -> Vec<Effect> {
    let Some(Modal::Compose(mut compose)) = model.modal.take() else {
        return Vec::new();
    };
    let effects = save(&mut compose).into_iter().collect();
    if let Some(draft) = compose.draft() {
        hold(model, draft);
    }
    effects
}

/// The time to save has come.
pub(super) fn rest(model: &mut Model, now: Now) -> Vec<Effect> {
    match &mut model.modal {
        Some(Modal::Compose(compose)) if compose.save_due.is_some_and(|due| due <= now.tick) => {
            save(compose).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// What follows from typing.
pub(super) fn typed(compose: &mut Compose, now: Now) {
    compose.error = None;
    compose.touched = Touched::Yes;
    compose.save_due.get_or_insert(now.tick + SAVE_AFTER);
}

/// A paste, whole.
pub(super) fn paste(model: &mut Model, text: &str, now: Now) -> Vec<Effect> {
    let Some(Modal::Compose(compose)) = &mut model.modal else {
        return Vec::new();
    };
    match compose.paste(text) {
        Ok(()) => typed(compose, now),
        Err(why) => compose.error = Some(why),
    }
    Vec::new()
}

/// A key while the composer is open.
pub(super) fn key(model: &mut Model, key: KeyEvent, now: Now) -> Vec<Effect> {
    let Some(Modal::Compose(compose)) = &mut model.modal else {
        return Vec::new();
    };
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    match key.code {
        KeyCode::Esc => return esc(model, now),
        KeyCode::Enter if alt || ctrl => return send(model, now),
        KeyCode::Char('d') if ctrl => return send(model, now),
        KeyCode::Char('z') if ctrl => {
            let mut effects = save_open(model);
            effects.push(Effect::Suspend);
            return effects;
        }
        KeyCode::Char('o') if ctrl => {
            let text = compose.written();
            let mut effects = save_open(model);
            effects.push(Effect::Edit(text));
            return effects;
        }
        KeyCode::Char('r') if ctrl => {
            let done = compose.toggle_reference();
            compose.error = None;
            if !compose.is_blank() {
                typed(compose, now);
            }
            return say(model, Level::Info, done, now);
        }
        KeyCode::Char('l') if ctrl => {
            compose.clear();
            typed(compose, now);
            return say(model, Level::Info, "cleared; ctrl-u brings the text back", now);
        }
        KeyCode::F(_) => {
            let keys =
                "alt-enter or ctrl-d sends, ctrl-o opens your editor, ctrl-r refers, esc keeps a draft";
            return say(model, Level::Info, keys, now);
        }
        _ => {}
    }
    let in_form = match &mut compose.body {
        Body::Prose(prose) => {
            prose_key(&mut prose.area, key);
            FormKey::Typed
        }
        Body::Form(form) => form_key(form, key),
    };
    match in_form {
        FormKey::Typed => typed(compose, now),
        FormKey::Moved => compose.error = None,
        FormKey::Send => return send(model, now),
    }
    Vec::new()
}

fn prose_key(area: &mut TextArea<'static>, key: KeyEvent) {
    let page = |area: &mut TextArea<'static>, to: CursorMove| {
        for _ in 0..PAGE {
            area.move_cursor(to);
        }
    };
    match (key.code, key.modifiers) {
        (KeyCode::PageDown, _) | (KeyCode::Char('v'), KeyModifiers::CONTROL) => page(area, CursorMove::Down),
        (KeyCode::PageUp, _) | (KeyCode::Char('v'), KeyModifiers::ALT) => page(area, CursorMove::Up),
        _ => {
            area.input(key);
        }
    }
}

/// What a key did in a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FormKey {
    Typed,
    Moved,
    Send,
}

fn form_key(form: &mut crate::app::compose::Form, key: KeyEvent) -> FormKey {
    match (key.code, form.field) {
        (KeyCode::Tab | KeyCode::Down, field) => form.field = field.next(),
        (KeyCode::BackTab | KeyCode::Up, field) => form.field = field.previous(),
        (KeyCode::Enter, FormField::Service) => return FormKey::Send,
        (KeyCode::Enter, field) => form.field = field.next(),
        (KeyCode::Left, FormField::Severity) => {
            form.turn(-1);
            return FormKey::Typed;
        }
        (KeyCode::Right | KeyCode::Char(' '), FormField::Severity) => {
            form.turn(1);
            return FormKey::Typed;
        }
        (KeyCode::Char(digit @ '1'..='4'), FormField::Severity) => {
            form.severity = (digit as usize) - ('1' as usize);
            return FormKey::Typed;
        }
        (_, FormField::Severity) => {}
        (_, FormField::Title | FormField::Service) => {
            if let Some(area) = form.area() {
                area.input(key);
            }
            return FormKey::Typed;
        }
    }
    FormKey::Moved
}

fn esc(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some(Modal::Compose(compose)) = &model.modal else {
        return Vec::new();
    };
    let blank = compose.is_blank();
    let action = match compose.purpose {
        Purpose::Note(_) => Action::Annotate,
        Purpose::StatusUpdate(_) => Action::StatusUpdate,
        Purpose::Mark { .. } => Action::MarkMoment,
        Purpose::Declaration => Action::Declare,
    };
    let effects = put_away(model);
    if !blank {
        let how = match model.keymap.keys_for(action).into_iter().next() {
            Some(key) => format!("draft kept; {key} opens it again"),
            None => format!("draft kept; {} in the palette opens it again", action.name()),
        };
        model.toasts.say(Level::Info, how, now.tick);
    }
    effects
}

/// Sends what is written, or says why not and leaves it as it is.
fn send(model: &mut Model, now: Now) -> Vec<Effect> {
    let refused = refusal(model);
    let Some(Modal::Compose(compose)) = &mut model.modal else {
        return Vec::new();
    };
    let checked = match refused {
        Some(why) => Err(why),
        None => compose.checked(),
    };
    let text = match checked {
        Ok(text) => text,
        Err(why) => {
            compose.error = Some(why);
            return Vec::new();
        }
    };
    let Some(act) = act_of(model, text) else {
        return Vec::new();
    };
    if let (Act::Declare(declaration), true) = (&act, model.settings.danger) {
        let title = format!("Declare {}?", SafeText::line(&declaration.title));
        let asked = Confirm {
            title,
            lines: vec![ConfirmLine::Plain(format!(
                "{} · {} · kept in the journal of this host",
                declaration.severity,
                declaration.service.as_deref().map_or_else(
                    || "no service".to_owned(),
                    |service| SafeText::line(service).into_string()
                ),
            ))],
            typed: vec![Typed {
                want: model.settings.context.clone(),
                what: "the context's name",
                input: TextArea::default(),
            }],
            then: Then::Act(act),
            hits: BTreeSet::new(),
            scroll: 0,
        };
        let effects = put_away(model);
        model.modal = Some(Modal::Confirm(asked));
        return effects;
    }
    match model.modal.take() {
        Some(Modal::Compose(compose)) => go(model, compose, act, now),
        other => {
            model.modal = other;
            Vec::new()
        }
    }
}

/// The act that the open composer asks for.
fn act_of(model: &Model, text: String) -> Option<Act> {
    let Some(Modal::Compose(compose)) = &model.modal else {
        return None;
    };
    let on = |about: &About, act| {
        // As it stands by now, where it is still listed.
        let about = model
            .incidents
            .incident(&about.id)
            .map_or_else(|| about.clone(), |incident| self::about(incident));
        Act::Incident {
            incident: about.id,
            act,
            seen: about.seen,
            label: about.label,
        }
    };
    match &compose.purpose {
        Purpose::Note(about) => Some(on(about, IncidentAct::Note { text })),
        Purpose::StatusUpdate(about) => Some(on(about, IncidentAct::StatusUpdate { text })),
        Purpose::Mark { at, .. } => Some(Act::Annotate(AnnotationDraft {
            at: *at,
            until: None,
            text,
            tags: vec![TAG.to_owned()],
        })),
        Purpose::Declaration => compose.declaration().map(Act::Declare),
    }
}

/// Hands the act over. The text stays until the act is on the disk.
fn go(model: &mut Model, mut compose: Box<Compose>, act: Act, now: Now) -> Vec<Effect> {
    // The draft first: whatever happens before the act is on the disk, the text is.
    compose.save_due = Some(now.tick);
    let mut effects: Vec<Effect> = save(&mut compose).into_iter().collect();
    let grace = model.settings.grace;
    let stage = if act.has_grace() {
        Stage::Grace {
            until: now.tick + grace,
        }
    } else {
        Stage::Sent { since: now.tick }
    };
    let what = compose.purpose.word();
    let said = if act.has_grace() {
        let undo = model.keymap.keys_for(Action::Undo).into_iter().next();
        let undo = undo.unwrap_or_default();
        format!("{what}: sending in {} s, {undo} undoes", grace.as_secs())
    } else {
        format!("{what}: being saved")
    };
    let id = model.acts.add(act.clone(), stage);
    model.sent_texts.push(Sent { id, compose });
    model.toasts.say(Level::Info, said, now.tick);
    effects.push(Effect::Carry { id, act });
    effects
}

/// A declaration was confirmed: its draft goes out.
pub(super) fn declared(model: &mut Model, act: Act, now: Now) -> Vec<Effect> {
    if let Some(why) = refusal(model) {
        return say(
            model,
            Level::Warn,
            format!("not declared: {why}; the draft is kept"),
            now,
        );
    }
    let mut compose = Compose::new(Purpose::Declaration);
    if let Some(draft) = take_draft(model, &compose.purpose) {
        compose.fill(&draft.text);
        compose.kept = Kept::Yes;
    }
    go(model, Box::new(compose), act, now)
}

fn take_sent(model: &mut Model, id: ActId) -> Option<Sent> {
    let at = model.sent_texts.iter().position(|sent| sent.id == id)?;
    Some(model.sent_texts.remove(at))
}

/// An act is on the disk: its draft is needed no more. Or it could not be put there: the text comes back.
pub(super) fn journaled(
    model: &mut Model,
    id: ActId,
    result: Result<Vec<EntryId>, String>,
    now: Now,
) -> Vec<Effect> {
    let Some(sent) = take_sent(model, id) else {
        return outbox::journaled(model, id, result, now);
    };
    if let Err(why) = result {
        model.acts.pending.retain(|pending| pending.id != id);
        return come_back(model, sent.compose, SafeText::line(&why).as_str(), now);
    }
    let key = sent.compose.purpose.key();
    let newer = model.drafts.iter().any(|draft| of_key(draft, key))
        || matches!(&model.modal, Some(Modal::Compose(open))
            if open.purpose.key() == key && open.kept == Kept::Yes);
    let mut effects = outbox::journaled(model, id, result, now);
    if !newer {
        effects.push(drop_draft(&sent.compose.purpose));
    }
    effects
}

/// An act ended before it was on the disk: the text comes back.
pub(super) fn failed(model: &mut Model, id: ActId, why: &str, now: Now) -> Vec<Effect> {
    match take_sent(model, id) {
        Some(sent) => come_back(model, sent.compose, why, now),
        None => Vec::new(),
    }
}

/// Opens the composer again with the text and the error; where something else is open, the text is kept as a draft.
fn come_back(model: &mut Model, mut lost: Box<Compose>, why: &str, now: Now) -> Vec<Effect> {
    let what = lost.purpose.word();
    lost.error = Some(format!("not saved, so not sent: {why}"));
    if let Some(newer) = take_draft(model, &lost.purpose) {
        lost.fill(&format!("{}\n\n{}", lost.written(), newer.text));
    }
    // What was kept of it may have given way to the newer one.
    lost.save_due = Some(now.tick + SAVE_AFTER);
    match &mut model.modal {
        None => {
            model.modal = Some(Modal::Compose(lost));
            Vec::new()
        }
        Some(Modal::Compose(open)) if open.purpose.key() == lost.purpose.key() => {
            let both = match open.is_blank() {
                true => lost.written(),
                false => format!("{}\n\n{}", lost.written(), open.written()),
            };
            open.fill(&both);
            open.error = lost.error;
            open.kept = Kept::Yes;
            open.save_due = Some(now.tick + SAVE_AFTER);
            Vec::new()
        }
        Some(_) => {
            let effects = save(&mut lost).into_iter().collect();
            if let Some(draft) = lost.draft() {
                hold(model, draft);
            }
            model.toasts.say(
                Level::Error,
                format!("the {what} was not saved, so not sent: {why}; its text is kept as a draft"),
                now.tick,
            );
            effects
        }
    }
}

/// An act was undone in its grace time: its text is a draft again. What to add to the sentence that says so.
pub(super) fn taken_back(model: &mut Model, id: ActId, act: &Act) -> (Vec<Effect>, &'static str) {
    let compose = take_sent(model, id)
        .map(|sent| sent.compose)
        .or_else(|| rebuilt(act));
    let mut effects = vec![Effect::TakeBack { id }];
    let Some(mut compose) = compose else {
        return (effects, "");
    };
    if let Some(newer) = take_draft(model, &compose.purpose) {
        compose.fill(&format!("{}\n\n{}", compose.written(), newer.text));
    }
    if let Some(draft) = compose.draft() {
        effects.push(Effect::SaveDraft(draft.clone()));
        hold(model, draft);
    }
    (effects, "; its text is kept as a draft")
}

/// The composer that an act came from.
fn rebuilt(act: &Act) -> Option<Box<Compose>> {
    let (purpose, text) = match act {
        Act::Incident {
            incident,
            act,
            seen,
            label,
        } => {
            let about = About {
                id: incident.clone(),
                label: Arc::clone(label),
                seen: seen.clone(),
            };
            match act {
                IncidentAct::Note { text } => (Purpose::Note(about), text),
                IncidentAct::StatusUpdate { text } => (Purpose::StatusUpdate(about), text),
                IncidentAct::Acknowledge
                | IncidentAct::Resolve { .. }
                | IncidentAct::Escalate { .. }
                | IncidentAct::ReassignTo { .. }
                | IncidentAct::ReassignPolicy { .. }
                | IncidentAct::Page { .. }
                | IncidentAct::Snooze { .. }
                | IncidentAct::Merge { .. }
                | IncidentAct::Priority { .. }
                | IncidentAct::Advance { .. }
                | IncidentAct::Assign { .. } => return None,
            }
        }
        Act::Annotate(draft) => {
            let purpose = Purpose::Mark {
                at: draft.at,
                backend: "".into(),
            };
            (purpose, &draft.text)
        }
        Act::Acknowledge { .. }
        | Act::HandBack { .. }
        | Act::Silence(_)
        | Act::Extend { .. }
        | Act::Expire { .. }
        | Act::Renew(_)
        | Act::Declare(_) => return None,
    };
    let mut compose = Compose::new(purpose);
    compose.fill(text);
    Some(Box::new(compose))
}

/// The engineer's own editor was closed.
pub(super) fn edited(model: &mut Model, result: Result<String, String>, now: Now) -> Vec<Effect> {
    let Some(Modal::Compose(compose)) = &mut model.modal else {
        return Vec::new();
    };
    match result {
        Ok(text) => {
            let attached = compose.written();
            if text.trim_end() == attached.trim_end() {
                return say(model, Level::Info, "the editor changed nothing", now);
            }
            compose.fill(&text);
            typed(compose, now);
            save_open(model)
        }
        Err(why) => {
            compose.error = Some(format!("{}; the text is as it was", SafeText::line(&why)));
            Vec::new()
        }
    }
}

/// What earlier sessions left unsent. What was written meanwhile is newer, and neither is lost.
pub(super) fn drafts_read(model: &mut Model, drafts: Vec<Draft>, now: Now) -> Vec<Effect> {
    let mut restored = false;
    for draft in drafts {
        let key = (draft.kind, draft.incident.as_ref());
        match &mut model.modal {
            Some(Modal::Compose(open)) if open.purpose.key() == key => {
                let both = match open.is_blank() {
                    true => draft.text.clone(),
                    false => format!("{}\n\n{}", draft.text, open.written()),
                };
                open.fill(&both);
                open.kept = Kept::Yes;
                open.save_due = Some(now.tick + SAVE_AFTER);
            }
            _ if model.drafts.iter().any(|held| of_key(held, key)) => {}
            _ => {
                restored = true;
                model.drafts.push(draft);
            }
        }
    }
    if restored {
        let count = model.drafts.len();
        let drafts = if count == 1 { "a draft" } else { "drafts" };
        let key = model.keymap.keys_for(Action::Annotate).into_iter().next();
        let said = format!(
            "{drafts} of yours from before: {} opens it on its incident",
            key.unwrap_or_default()
        );
        return say(model, Level::Info, said, now);
    }
    Vec::new()
}
