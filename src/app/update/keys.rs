//! Input → action: modals first, then the keymap of the focused place, then global keys.

use std::time::Duration;

use crossterm::event::{
    KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::layout::{Position, Rect};

use super::dialog::{self, Read};
use super::{compose, cursor, modals, panes, prompts, run, say, tour};
use crate::action::{Action, Place};
use crate::app::focus::{Detail, PaneId};
use crate::app::list::Step;
use crate::app::modal::Modal;
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::keymap::{Chord, Lookup, is_of_flow_control};
use crate::time::Now;
use crate::view::layout::{self, Cover};

/// A key.
pub(super) fn key(model: &mut Model, key: KeyEvent, now: Now) -> Vec<Effect> {
    if key.kind == KeyEventKind::Release {
        return Vec::new();
    }
    model.last_key = now.tick;
    // Whoever does something here by now is not taken away from it.
    if matches!(&model.union.bound, Some((context, _)) if *context == model.settings.context) {
        model.union.bound = None;
    }
    if is_unwritten(model, key, now) {
        let words = "not written anywhere, and not run as keys: pause first";
        return say(model, Level::Warn, words, now);
    }
    // What was said in passing was about the last key.
    model.toasts.pass();
    let chord = Chord::from(key);
    if model.modal.is_some() {
        // A link garbles a screen while somebody writes as well, and what mends it must not cost a text.
        let read = dialog::read(model, key);
        if read == Read::Itself
            && model.keymap.lookup(&[Place::Global], &[chord]) == Lookup::Action(Action::Redraw)
        {
            return run::action(model, Action::Redraw, now);
        }
        let key = match read {
            Read::Itself => key,
            Read::As(action, key) => {
                tour::pressed(model, action);
                key
            }
            Read::Nothing => {
                let words = format!("{chord} is not bound here: the keymap has taken it away");
                return say(model, Level::Info, words, now);
            }
        };
        return modals::key(model, key, chord, now);
    }
    let places = places(model);
    model.pending_keys.push(chord);
    match model.keymap.lookup(&places, &model.pending_keys) {
        Lookup::Action(action) => {
            model.pending_keys.clear();
            run::action(model, action, now)
        }
        Lookup::Prefix(_) => Vec::new(),
        Lookup::Unbound if key.code == KeyCode::Esc && model.pending_keys.len() > 1 => {
            // The one step back that esc goes is out of the sequence.
            model.pending_keys.clear();
            Vec::new()
        }
        Lookup::Unbound => {
            let keys = std::mem::take(&mut model.pending_keys);
            say(model, Level::Info, unbound(model, &keys), now)
        }
    }
}

/// Why keys did nothing, and what to press instead.
fn unbound(model: &Model, keys: &[Chord]) -> String {
    let key = |action| model.keymap.first_or_name(action);
    match keys {
        [only] if is_of_flow_control(*only) => {
            let (instead, does) = match only.code {
                KeyCode::Char('q') if model.details.is_empty() => (key(Action::Quit), "quits"),
                KeyCode::Char('q') => (key(Action::Quit), "goes back"),
                _ => (key(Action::Search), "searches"),
            };
            format!("{only} is left to the terminal's flow control · {instead} {does}")
        }
        _ => {
            let elsewhere = model.keymap.elsewhere(keys);
            let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
            let keys = keys.join(" ");
            let elsewhere = if elsewhere.is_empty() {
                String::new()
            } else {
                format!("; it is in {}", elsewhere.join(" and "))
            };
            format!(
                "{keys} is not bound here{elsewhere} · {} shows the keys",
                key(Action::Help)
            )
        }
    }
}

/// Whoever writes does not pause longer than this between two letters.
const PAUSE: Duration = Duration::from_millis(1_500);

/// Whether a key belongs to a text that found no composer: what is typed after a writing key that was refused was
/// meant to be written, and none of it is a command.
fn is_unwritten(model: &mut Model, key: KeyEvent, now: Now) -> bool {
    let Some(last) = model.unwritten.take() else {
        return false;
    };
    let commands = key
        .modifiers
        .intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    let writes = match key.code {
        KeyCode::Char(_) => !commands,
        KeyCode::Enter | KeyCode::Tab | KeyCode::Backspace => true,
        _ => false,
    };
    let unwritten = writes && now.tick.since(last) < PAUSE;
    model.unwritten = unwritten.then_some(now.tick);
    unwritten
}

/// The places whose keys hold, innermost first.
pub(crate) fn places(model: &Model) -> Vec<Place> {
    let inner = model.detail().map_or_else(|| model.focus.place(), Detail::place);
    let search = prompts::search_is_on(model).then_some(Place::Search);
    search
        .into_iter()
        .chain([inner, Place::List, Place::Global])
        .collect()
}

/// Whether a key of the places that hold here does anything for what is open: pages about traces have few of those that
/// their place has.
pub(crate) fn holds(model: &Model, action: Action) -> bool {
    let moves = matches!(
        action,
        Action::Down
            | Action::Up
            | Action::HalfPageDown
            | Action::HalfPageUp
            | Action::PageDown
            | Action::PageUp
            | Action::Top
            | Action::Bottom
    );
    let jumps = matches!(
        action,
        Action::NextError
            | Action::PreviousError
            | Action::NextOnPath
            | Action::PreviousOnPath
            | Action::NextSlowest
    );
    let inner = matches!(action.row().place, Place::List | Place::Trace);
    match model.detail() {
        Some(Detail::ServiceGraph) => moves || !inner,
        Some(Detail::Comparison(_, _)) => {
            moves || !inner || matches!(action, Action::Open | Action::MatchesOnly)
        }
        Some(Detail::TraceFacts(_)) => {
            moves
                || jumps
                || !inner
                || matches!(
                    action,
                    Action::Open | Action::Copy | Action::TraceFacts | Action::ClockSkew
                )
        }
        Some(Detail::Runbook(_)) => {
            moves || !inner || matches!(action, Action::Copy | Action::Mark | Action::Open)
        }
        Some(
            Detail::Slo(_)
            | Detail::Alert(_)
            | Detail::Silences
            | Detail::LogLine(_)
            | Detail::Patterns
            | Detail::Trace(_)
            | Detail::Span(_, _)
            | Detail::Incident(_)
            | Detail::Outbox
            | Detail::Page(_)
            | Detail::Case(_),
        )
        | None => true,
    }
}

/// A paste goes where text is typed; elsewhere it is refused, so that it can never be run as keys.
pub(super) fn paste(model: &mut Model, text: &str, now: Now) -> Vec<Effect> {
    model.last_key = now.tick;
    if matches!(model.modal, Some(Modal::Compose(_))) {
        return compose::paste(model, text, now);
    }
    if let Some(input) = modals::text_input(model) {
        let safe: Vec<String> = crate::text::SafeText::lines(text)
            .map(crate::text::SafeText::into_string)
            .collect();
        input.insert_str(safe.join("\n"));
        return modals::typed(model, now);
    }
    say(
        model,
        Level::Info,
        "nothing here takes text; open a search, filter or form first",
        now,
    )
}

/// The mouse: a click focuses and selects, a click on the selected row opens, the wheel moves.
pub(super) fn mouse(model: &mut Model, mouse: MouseEvent, now: Now) -> Vec<Effect> {
    model.last_key = now.tick;
    if model.modal.is_some() {
        return Vec::new();
    }
    let wheel = match mouse.kind {
        MouseEventKind::ScrollDown => Some(3),
        MouseEventKind::ScrollUp => Some(-3),
        _ => None,
    };
    if let Some(by) = wheel {
        return cursor::step(model, Step::Rows(by), now);
    }
    if mouse.kind != MouseEventKind::Down(MouseButton::Left) || !model.details.is_empty() {
        return Vec::new();
    }
    let areas = layout::of(model, Cover::Panes, now);
    let Some((pane, row)) = areas.hit(Position::new(mouse.column, mouse.row), model.focus) else {
        return Vec::new();
    };
    let was = (model.focus, selected_index(model, pane));
    panes::give_keys(model, pane);
    if let Some(row) = row {
        match pane {
            PaneId::Slo => {
                let index = model.slo.list.offset + row;
                model.slo.list.select(&model.slo.rows, index);
            }
            PaneId::Alerts => {
                let index = model.alerts.list.offset + row;
                model.alerts.list.select(&model.alerts.rows, index);
            }
            PaneId::Logs => {
                let lines = areas.pane(pane, model.focus).map_or_else(Rect::default, |area| {
                    layout::log_parts(area, model.logs.columns.len()).lines
                });
                let line = mouse.row.checked_sub(lines.y);
                // Nothing stands on the rows of the strip.
                let Some((place, begin)) =
                    line.and_then(|line| crate::view::log_line_at(model, lines, line.into()))
                else {
                    return Vec::new();
                };
                model.logs.select_row(place, begin);
            }
            PaneId::Traces => super::traces::select_row(model, row),
            PaneId::Incident => {
                let rows = model.incidents.rows.len();
                let parts = areas
                    .pane(pane, model.focus)
                    .map(|pane| layout::incident_parts(pane, rows));
                let Some(line) = parts.and_then(|parts| parts.row_at(mouse.row)) else {
                    return Vec::new();
                };
                let index = model.incidents.list.offset + line;
                model.incidents.list.select(&model.incidents.rows, index);
            }
        }
        if was == (pane, selected_index(model, pane)) {
            return run::action(model, Action::Open, now);
        }
    }
    Vec::new()
}

fn selected_index(model: &Model, pane: PaneId) -> usize {
    match pane {
        PaneId::Slo => model.slo.list.index,
        PaneId::Alerts => model.alerts.list.index,
        PaneId::Logs => model.logs.place,
        PaneId::Traces => model.traces.list.index,
        PaneId::Incident => model.incidents.list.index,
    }
}
