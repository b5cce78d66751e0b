//! Keys while something lies over the panes.

use std::collections::BTreeSet;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tui_textarea::TextArea;

use super::{
    alerts, compose, cursor, deeds, dialog, guard, incident_acts, leave, palette, pick, pivot, prompts, run,
    runbook, say, silences,
};
use crate::action::{Action, Place};
use crate::app::acts::Act;
use crate::app::attention::Lacks;
use crate::app::kept::Keep;
use crate::app::list::{Direction, Step};
use crate::app::modal::{Choice, Composer, Field, Modal, Then};
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::domain::alert::Fingerprint;
use crate::keymap::{Chord, Lookup};
use crate::time::Now;

/// A key while a modal is open.
pub(super) fn key(model: &mut Model, key: KeyEvent, chord: Chord, now: Now) -> Vec<Effect> {
    let ctrl_c = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    if ctrl_c {
        // Twice ctrl-c always ends: the first asks, the second is the answer.
        if let Some(Modal::Confirm(confirm)) = &model.modal
            && confirm.then == Then::Quit
        {
            model.quitting = true;
            return vec![Effect::Quit];
        }
        let mut effects = close(model);
        effects.extend(leave::quit(model, now));
        return effects;
    }
    match &model.modal {
        None => Vec::new(),
        Some(Modal::Help { .. } | Modal::Health { .. }) => scrolled(model, chord, now),
        Some(Modal::Palette(_)) => palette_key(model, key, now),
        Some(Modal::Prompt(_)) => prompts::key(model, key, now),
        Some(Modal::Confirm(_)) => confirm_key(model, key, chord, now),
        Some(Modal::Composer(_)) => composer_key(model, key, now),
        Some(Modal::Compose(_)) => compose::key(model, key, now),
        Some(Modal::Menu(_)) => menu_key(model, key, now),
        Some(Modal::Pick(_)) => pick::key(model, key, now),
    }
}

/// Closes what is open; what was typed into a composer is kept as a draft.
pub(super) fn close(model: &mut Model) -> Vec<Effect> {
    match model.modal.take() {
        Some(Modal::Composer(composer)) => {
            silences::put_away(model, *composer);
        }
        open @ Some(Modal::Compose(_)) => {
            model.modal = open;
            return compose::put_away(model);
        }
        _ => {}
    }
    Vec::new()
}

/// Help and health: the keys of lists scroll, the key that opened it and those that go back close it.
fn scrolled(model: &mut Model, chord: Chord, now: Now) -> Vec<Effect> {
    let action = match model.keymap.lookup(&[Place::List, Place::Global], &[chord]) {
        Lookup::Action(action) => action,
        Lookup::Prefix(_) => {
            // `g g`: the only sequence that makes sense here is "to the top".
            Action::Top
        }
        Lookup::Unbound => return Vec::new(),
    };
    let step = match action {
        Action::Down => Step::Rows(1),
        Action::Up => Step::Rows(-1),
        Action::HalfPageDown => Step::HalfPage(Direction::Down),
        Action::HalfPageUp => Step::HalfPage(Direction::Up),
        Action::PageDown => Step::Page(Direction::Down),
        Action::PageUp => Step::Page(Direction::Up),
        Action::Top => Step::Top,
        Action::Bottom => Step::Bottom,
        Action::Back | Action::Quit | Action::Help | Action::Health | Action::Open => {
            model.modal = None;
            return Vec::new();
        }
        other => {
            let title = other.row().title;
            let back = model.keymap.first_or_name(Action::Back);
            let words = format!("close this first ({back}), then {title}");
            return say(model, Level::Info, words, now);
        }
    };
    if let Some(Modal::Help { scroll } | Modal::Health { scroll }) = &mut model.modal {
        cursor::scroll(scroll, step, model.size.height);
    }
    Vec::new()
}

/// The text that is being typed, where there is any: what a paste goes into.
pub(super) fn text_input(model: &mut Model) -> Option<&mut TextArea<'static>> {
    match model.modal.as_mut()? {
        Modal::Palette(palette) => Some(&mut palette.input),
        Modal::Pick(pick) => Some(&mut pick.input),
        Modal::Prompt(prompt) => Some(&mut prompt.input),
        Modal::Confirm(confirm) => confirm.typed.first_mut().map(|typed| &mut typed.input),
        Modal::Composer(composer) => Some(match composer.field {
            Field::Matchers => &mut composer.matchers,
            Field::Duration => &mut composer.duration,
            Field::Comment => &mut composer.comment,
        }),
        Modal::Compose(compose) => compose.area(),
        Modal::Help { .. } | Modal::Health { .. } | Modal::Menu(_) => None,
    }
}

/// After typing or pasting: what follows from the text.
pub(super) fn typed(model: &mut Model, now: Now) -> Vec<Effect> {
    match &mut model.modal {
        Some(Modal::Palette(palette)) => {
            palette::rank(palette);
            Vec::new()
        }
        Some(Modal::Pick(open)) => {
            pick::rank(open);
            Vec::new()
        }
        Some(Modal::Prompt(_)) => prompts::apply(model, now),
        Some(Modal::Composer(composer)) => {
            composer.error = None;
            if composer.field == Field::Matchers {
                silences::ask_past_soon(model, now);
            }
            Vec::new()
        }
        Some(Modal::Compose(compose)) => {
            compose::typed(compose, now);
            Vec::new()
        }
        Some(Modal::Confirm(_) | Modal::Help { .. } | Modal::Health { .. } | Modal::Menu(_)) | None => {
            Vec::new()
        }
    }
}

fn palette_key(model: &mut Model, key: KeyEvent, now: Now) -> Vec<Effect> {
    let Some(Modal::Palette(palette)) = &mut model.modal else {
        return Vec::new();
    };
    let last = palette.hits.len().saturating_sub(1);
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Esc => model.modal = None,
        KeyCode::Down if palette.past.is_some() => {
            palette::newer(palette, &model.kept.commands);
        }
        KeyCode::Char('n') if ctrl && palette.past.is_some() => {
            palette::newer(palette, &model.kept.commands);
        }
        KeyCode::Down => palette.cursor = (palette.cursor + 1).min(last),
        // From the first entry on it goes up into what was typed before.
        KeyCode::Up if palette.cursor == 0 => {
            palette::older(palette, &model.kept.commands);
        }
        KeyCode::Char('p') if ctrl && palette.cursor == 0 => {
            palette::older(palette, &model.kept.commands);
        }
        KeyCode::Up => palette.cursor = palette.cursor.saturating_sub(1),
        KeyCode::Char('n') if ctrl => palette.cursor = (palette.cursor + 1).min(last),
        KeyCode::Char('p') if ctrl => palette.cursor = palette.cursor.saturating_sub(1),
        KeyCode::PageDown => palette.cursor = (palette.cursor + 10).min(last),
        KeyCode::PageUp => palette.cursor = palette.cursor.saturating_sub(10),
        KeyCode::Tab => {
            if !palette::complete(palette) {
                return say(model, Level::Info, "nothing completes that", now);
            }
        }
        KeyCode::Enter => {
            let chosen = palette
                .hits
                .get(palette.cursor)
                .and_then(|&hit| palette.items.get(hit))
                .cloned();
            let Some(item) = chosen else {
                return say(model, Level::Info, "nothing by that name", now);
            };
            let typed = palette.input.lines().join(" ");
            // On lines alone there is nothing that is kept.
            let kept = palette::remembered(&item, &typed).filter(|_| !model.has_lines_alone());
            let kept = kept.filter(|command| model.kept.remember(command));
            model.modal = None;
            let done = palette::carry(model, item.command, now);
            return kept
                .map(|command| Effect::Keep(Keep::Command(command)))
                .into_iter()
                .chain(done)
                .collect();
        }
        _ => {
            (palette.past, palette.tab) = (None, None);
            prompts::edit(&mut palette.input, key);
            return typed(model, now);
        }
    }
    Vec::new()
}

pub(super) fn switch_context(model: &mut Model, name: String) -> Vec<Effect> {
    let mut lines = Vec::new();
    let mut warn = |text: &str| lines.push(crate::app::modal::ConfirmLine::Warning(text.to_owned()));
    if model.acts.unsent() > 0 || !model.acts.held.is_empty() {
        warn("acts under way end here, and acknowledgements held here are no longer extended");
    }
    if model.running.is_some() {
        warn("the command that is running is killed, with everything it started");
    }
    match model.alerts.drafts.len() {
        0 => {}
        1 => warn("the draft of a silence waits here until you come back; it is lost when midwatch ends"),
        _ => warn("drafts of silences wait here until you come back; they are lost when midwatch ends"),
    }
    lines.extend(leave::pages_under_way(model));
    if lines.is_empty() {
        return vec![Effect::SwitchContext(name)];
    }
    model.modal = Some(Modal::Confirm(crate::app::modal::Confirm {
        title: format!("Open context {name}?"),
        lines,
        typed: Vec::new(),
        then: Then::SwitchContext(name),
        hits: BTreeSet::new(),
        scroll: 0,
    }));
    Vec::new()
}

fn confirm_key(model: &mut Model, key: KeyEvent, pressed: Chord, now: Now) -> Vec<Effect> {
    let Some(Modal::Confirm(confirm)) = &mut model.modal else {
        return Vec::new();
    };
    let yes_key = yes_key(&confirm.then);
    if let Some(why) = held_back(model, key, pressed, now) {
        return say(model, Level::Info, why, now);
    }
    let furthest = crate::view::furthest_scroll(model, now);
    let Some(Modal::Confirm(confirm)) = &mut model.modal else {
        return Vec::new();
    };
    let yes = match key.code {
        KeyCode::Esc => false,
        KeyCode::Down => {
            confirm.scroll = confirm.scroll.saturating_add(1).min(furthest);
            return Vec::new();
        }
        KeyCode::Up => {
            confirm.scroll = confirm.scroll.saturating_sub(1).min(furthest);
            return Vec::new();
        }
        KeyCode::Enter => match confirm.typed.first() {
            Some(typed) if typed.input.lines().join("") == typed.want => {
                confirm.typed.remove(0);
                if !confirm.typed.is_empty() {
                    return Vec::new();
                }
                true
            }
            Some(typed) => {
                let what = typed.what;
                let leave = dialog::names(&model.keymap, &[Action::DialogLeave]);
                let words = format!("that is not {what}; {leave} leaves it undone");
                return say(model, Level::Warn, words, now);
            }
            None => true,
        },
        KeyCode::Char(c) if c == yes_key && confirm.typed.is_empty() && is_bare(key) => true,
        KeyCode::Char('n' | 'q') if confirm.typed.is_empty() && is_bare(key) => false,
        _ => {
            if let Some(typed) = confirm.typed.first_mut() {
                prompts::edit(&mut typed.input, key);
            } else {
                let by_y = matches!(confirm.then, Then::Run(_));
                let no = dialog::names(&model.keymap, &[Action::DialogLeave, Action::DialogNo]);
                let keys = if by_y {
                    runs_it(model)
                } else {
                    let yes = dialog::names(&model.keymap, &[Action::DialogAccept, Action::DialogYes]);
                    format!("{yes} does it, {no} leaves it undone")
                };
                return say(model, Level::Info, keys, now);
            }
            return Vec::new();
        }
    };
    let Some(Modal::Confirm(confirm)) = model.modal.take() else {
        return Vec::new();
    };
    if !yes {
        return say(model, Level::Info, "left undone", now);
    }
    match confirm.then {
        Then::Quit => {
            model.quitting = true;
            vec![Effect::Quit]
        }
        Then::SwitchContext(name) => vec![Effect::SwitchContext(name)],
        Then::Act(act @ Act::Incident { .. }) => incident_acts::answered(model, act, now),
        Then::Act(act) => answered(model, act, &confirm.hits, now),
        Then::Acts(acts) => incident_acts::send_all(model, acts, now),
        Then::Dismiss(entry) => {
            model.escalations.dismiss(entry);
            Vec::new()
        }
        Then::AnswerFor(notices) => vec![Effect::AnswerFor { notices }],
        Then::Rehearsed(what) => runbook::rehearsed(model, &what, now),
        Then::Run(order) => runbook::confirmed(model, *order, now),
        Then::Decide(entry, decision) => vec![Effect::Decide { entry, decision }],
    }
}

/// What runs a command is said yes to by a key that does nothing else: `y` copies on the page below.
fn runs_it(model: &Model) -> String {
    let yes = dialog::names(&model.keymap, &[Action::DialogRun]);
    let no = dialog::names(&model.keymap, &[Action::DialogLeave, Action::DialogNo]);
    format!("{yes} runs it, {no} leaves it")
}

/// The letter that is a yes.
pub(super) fn yes_key(then: &Then) -> char {
    match then {
        Then::Run(_) => 'Y',
        Then::Act(_)
        | Then::Quit
        | Then::SwitchContext(_)
        | Then::Acts(_)
        | Then::Dismiss(_)
        | Then::AnswerFor(_)
        | Then::Rehearsed(_)
        | Then::Decide(_, _) => 'y',
    }
}

/// Whether a letter is that letter and no command.
fn is_bare(key: KeyEvent) -> bool {
    !key.modifiers
        .intersects(KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SUPER)
}

/// Why a key is no yes though it looks like one: what is asked has to have been in sight, all of it where it runs
/// something, and the key that asked may be held down still. To leave needs no such thing.
/// `pressed` is the key itself, whatever the keymap made of it: it is that one that may be held down.
fn held_back(model: &Model, key: KeyEvent, pressed: Chord, now: Now) -> Option<String> {
    let Some(Modal::Confirm(confirm)) = &model.modal else {
        return None;
    };
    let is_typed = !confirm.typed.is_empty();
    let is_yes = match key.code {
        KeyCode::Enter => true,
        KeyCode::Char(c) => !is_typed && c == yes_key(&confirm.then) && is_bare(key),
        _ => false,
    };
    if !is_yes || confirm.then == Then::Quit {
        return None;
    }
    if key.kind == KeyEventKind::Repeat {
        return Some("a key that is held down is no answer".to_owned());
    }
    if matches!(confirm.then, Then::Run(_)) && key.code == KeyCode::Enter && !is_typed {
        return Some(runs_it(model));
    }
    let lacks = model.attention.lacks(confirm, pressed, model.size, now.tick)?;
    let by = |action| dialog::names(&model.keymap, &[action]);
    Some(match (lacks, &confirm.then) {
        (Lacks::Look, _) => "typed before it could be read: look at it, then answer again".to_owned(),
        (Lacks::Rest, _) => format!(
            "there is more of it: {} shows the rest, then it can be run",
            by(Action::DialogDown)
        ),
        (Lacks::OtherKey, Then::Run(_)) => runs_it(model),
        (Lacks::OtherKey, _) if key.code == KeyCode::Enter => {
            format!(
                "the key that asked is no answer: {} does it",
                by(Action::DialogYes)
            )
        }
        (Lacks::OtherKey, _) => {
            format!(
                "the key that asked is no answer: {} does it",
                by(Action::DialogAccept)
            )
        }
    })
}

/// A yes holds for what was listed: where the act would hit more by now, that is asked anew.
fn answered(model: &mut Model, act: Act, listed: &BTreeSet<Fingerprint>, now: Now) -> Vec<Effect> {
    match guard::question(model, &act) {
        Ok(Some(question)) => {
            if let Some(confirm) = guard::asked_again(model, question, listed) {
                model.modal = Some(Modal::Confirm(confirm));
                return Vec::new();
            }
        }
        Ok(None) => {}
        Err(why) => return say(model, Level::Warn, format!("not sent: {why}"), now),
    }
    match act {
        Act::Silence(_) => silences::queue(model, act, now),
        Act::Declare(_) => compose::declared(model, act, now),
        other => alerts::send(model, other, now),
    }
}

fn composer_key(model: &mut Model, key: KeyEvent, now: Now) -> Vec<Effect> {
    let Some(Modal::Composer(composer)) = &mut model.modal else {
        return Vec::new();
    };
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Esc => {
            let form = Composer::clone(composer);
            model.modal = None;
            let words = silences::put_away(model, form);
            return say(model, Level::Info, words, now);
        }
        KeyCode::Char('g') if ctrl => {
            let again = dialog::names(&model.keymap, &[Action::DialogClear]);
            let words = silences::clear(composer).words(&again);
            model.toasts.say(Level::Info, words, now.tick);
            return silences::ask_past(model);
        }
        // Help's key elsewhere, and nothing that can be typed: it must not pass in silence.
        KeyCode::F(_) => {
            let by = |action| dialog::names(&model.keymap, &[action]);
            let (on, sends, leaves) = (
                by(Action::DialogNext),
                by(Action::DialogAccept),
                by(Action::DialogLeave),
            );
            let keys =
                format!("{on} goes on, {sends} sends from why, {leaves} puts away and keeps the draft");
            return say(model, Level::Info, keys, now);
        }
        KeyCode::Tab => composer.field = composer.field.next(),
        KeyCode::BackTab => composer.field = composer.field.previous(),
        KeyCode::Enter => match composer.field {
            Field::Matchers => {
                composer.matchers.insert_newline();
                return typed(model, now);
            }
            Field::Duration => composer.field = composer.field.next(),
            Field::Comment => return silences::submit(model, now),
        },
        KeyCode::Up | KeyCode::Down if composer.field == Field::Duration => {
            let towards = if key.code == KeyCode::Up {
                Direction::Up
            } else {
                Direction::Down
            };
            let next = preset(&composer.duration.lines().join(""), towards);
            composer.duration = TextArea::from([next]);
            composer.duration.move_cursor(tui_textarea::CursorMove::End);
            return typed(model, now);
        }
        _ => {
            if let Some(input) = text_input(model) {
                prompts::edit(input, key);
            }
            return typed(model, now);
        }
    }
    Vec::new()
}

/// Durations by key, shortest first.
const PRESETS: [&str; 8] = ["15m", "30m", "1h", "2h", "4h", "8h", "12h", "24h"];

/// The next longer (up) or shorter (down) preset.
fn preset(current: &str, direction: Direction) -> &'static str {
    let length = |text: &str| crate::time::parse_duration(text).unwrap_or_default();
    let current = length(current);
    let mut presets = PRESETS.iter().copied();
    match direction {
        Direction::Up => presets.find(|p| length(p) > current).unwrap_or("24h"),
        Direction::Down => presets.rfind(|p| length(p) < current).unwrap_or("15m"),
    }
}

fn menu_key(model: &mut Model, key: KeyEvent, now: Now) -> Vec<Effect> {
    let Some(Modal::Menu(menu)) = &mut model.modal else {
        return Vec::new();
    };
    let last = menu.items.len().saturating_sub(1);
    let by_key = match key.code {
        KeyCode::Char(c) => menu.items.iter().position(|item| item.key == c),
        _ => None,
    };
    // What is no entry's letter moves as it does in lists.
    let moves = match model
        .keymap
        .lookup(&[Place::List, Place::Global], &[Chord::from(key)])
    {
        Lookup::Action(action) => Some(action),
        Lookup::Prefix(_) | Lookup::Unbound => None,
    };
    let chosen = match (by_key, key.code) {
        (Some(index), _) => index,
        (None, KeyCode::Enter) => menu.cursor,
        (None, code) if code == KeyCode::Down || moves == Some(Action::Down) => {
            menu.cursor = (menu.cursor + 1).min(last);
            return Vec::new();
        }
        (None, code) if code == KeyCode::Up || moves == Some(Action::Up) => {
            menu.cursor = menu.cursor.saturating_sub(1);
            return Vec::new();
        }
        (None, code) if code == KeyCode::Esc || matches!(moves, Some(Action::Back | Action::Quit)) => {
            model.modal = None;
            return Vec::new();
        }
        (None, _) => {
            let leave = dialog::names(&model.keymap, &[Action::DialogLeave]);
            return say(model, Level::Info, format!("one of the letters, or {leave}"), now);
        }
    };
    let choice = menu.items.get(chosen).map(|item| item.choice.clone());
    model.modal = None;
    match choice {
        Some(Choice::Copy { what, text, deed }) => {
            let told = deed.and_then(|deed| deeds::record(model, deed, now));
            std::iter::once(Effect::Copy { what, text }).chain(told).collect()
        }
        Some(Choice::On { incident, action }) => incident_acts::on(model, action, &incident, now),
        Some(Choice::Go { goal, deed }) => pivot::go(model, &goal, deed, now),
        Some(Choice::Runbook(alert)) => runbook::show(model, alert, now),
        Some(Choice::Run(action)) => run::action(model, action, now),
        Some(Choice::Incident { incident, act }) => incident_acts::want(model, &incident, act, now),
        Some(Choice::Role { incident, role }) => incident_acts::role(model, &incident, role, now),
        None => Vec::new(),
    }
}
