//! Keys and pastes while a composer is open.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_textarea::{CursorMove, TextArea};

use super::super::{dialog, leave, prompts, say};
use super::drafts::{SAVE_AFTER, put_away, save_open};
use super::sending::send;
use crate::action::{Action, Place};
use crate::app::compose::{Body, Compose, Form, FormField, Purpose, Touched};
use crate::app::modal::Modal;
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::keymap::{Chord, Lookup};
use crate::time::Now;

/// Lines of a page of text.
const PAGE: usize = 10;

/// What follows from typing.
pub(in crate::app::update) fn typed(compose: &mut Compose, now: Now) {
    compose.error = None;
    compose.touched = Touched::Yes;
    compose.save_due.get_or_insert(now.tick + SAVE_AFTER);
}

/// A paste, whole.
pub(in crate::app::update) fn paste(model: &mut Model, text: &str, now: Now) -> Vec<Effect> {
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
pub(in crate::app::update) fn key(model: &mut Model, key: KeyEvent, now: Now) -> Vec<Effect> {
    let Some(Modal::Compose(compose)) = &mut model.modal else {
        return Vec::new();
    };
    let suspends =
        model.keymap.lookup(&[Place::Global], &[Chord::from(key)]) == Lookup::Action(Action::Suspend);
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    match key.code {
        KeyCode::Esc => return esc(model, now),
        KeyCode::Enter if alt || ctrl => return send(model, now),
        KeyCode::Char('d') if ctrl => return send(model, now),
        _ if (ctrl || alt) && suspends => {
            let mut effects = save_open(model);
            effects.extend(leave::suspend(model, now));
            return effects;
        }
        KeyCode::Char('o') if ctrl => {
            let text = compose.written();
            compose.handed = Some(text.clone());
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
        KeyCode::Char('g') if ctrl => {
            let done = compose.clear();
            typed(compose, now);
            let again = dialog::names(&model.keymap, &[Action::DialogClear]);
            return say(model, Level::Info, done.words(&again), now);
        }
        KeyCode::F(_) => {
            let by = |action| dialog::names(&model.keymap, &[action]);
            let keys = format!(
                "{} sends, {} opens your editor, {} refers, {} keeps a draft",
                by(Action::DialogSend),
                by(Action::DialogEditor),
                by(Action::DialogReference),
                by(Action::DialogLeave)
            );
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
        _ => prompts::edit(area, key),
    }
}

/// What a key did in a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FormKey {
    Typed,
    Moved,
    Send,
}

fn form_key(form: &mut Form, key: KeyEvent) -> FormKey {
    match (key.code, form.field) {
        (KeyCode::Enter, FormField::Service) => return FormKey::Send,
        (KeyCode::Tab | KeyCode::Down | KeyCode::Enter, field) => form.field = field.next(),
        (KeyCode::BackTab | KeyCode::Up, field) => form.field = field.previous(),
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
                prompts::edit(area, key);
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
