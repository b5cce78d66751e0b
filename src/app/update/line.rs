//! A whole line that was typed where lines are all there is (`--plain`): a command of the palette, or an answer.
//!
//! Nobody sees what a line could also mean while it is typed, so that a command counts only by its whole name: what is
//! merely like it is offered, not done. What has to be composed at leisure is the console's, or a command's of its own.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_textarea::TextArea;

use super::{leave, modals, palette, pick, say};
use crate::app::modal::{Modal, Pick};
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::keymap::Chord;
use crate::text::SafeText;
use crate::time::Now;

/// Takes a line in.
pub(super) fn typed(model: &mut Model, line: &str, now: Now) -> Vec<Effect> {
    model.last_key = now.tick;
    model.toasts.pass();
    let line = line.trim();
    let mut effects = match &model.modal {
        Some(Modal::Confirm(_)) => answer(model, line, now),
        Some(Modal::Menu(_)) => choose(model, line, now),
        Some(Modal::Pick(_)) => choose_of_many(model, line, now),
        Some(
            Modal::Help { .. }
            | Modal::Health { .. }
            | Modal::Palette(_)
            | Modal::Prompt(_)
            | Modal::Composer(_)
            | Modal::Compose(_),
        )
        | None => command(model, line, now),
    };
    effects.extend(leave_what_needs_a_screen(model, now));
    effects.extend(leave_the_tour(model, now));
    effects
}

fn press(model: &mut Model, code: KeyCode, now: Now) -> Vec<Effect> {
    let key = KeyEvent::new(code, KeyModifiers::NONE);
    modals::key(model, key, Chord::from(key), now)
}

fn command(model: &mut Model, line: &str, now: Now) -> Vec<Effect> {
    // Advice writes a command as it is typed where there is a palette: `:ack #2`.
    match line.strip_prefix(':').unwrap_or(line) {
        "" => Vec::new(),
        "quit" | "exit" => leave::quit(model, now),
        "back" => {
            model.details.pop();
            Vec::new()
        }
        line => match palette::meant(model, line) {
            Ok(command) => palette::carry(model, command, now),
            Err(alike) => {
                let line = SafeText::line(line);
                let words = if alike.is_empty() {
                    format!("nothing is called {line}; help tells what can be typed")
                } else {
                    format!("nothing is called {line}; did you mean: {}?", alike.join(", "))
                };
                say(model, Level::Warn, words, now)
            }
        },
    }
}

/// A yes is a yes, a word that is asked for is that word; anything else leaves it undone.
fn answer(model: &mut Model, line: &str, now: Now) -> Vec<Effect> {
    let Some(Modal::Confirm(confirm)) = &mut model.modal else {
        return Vec::new();
    };
    if let Some(typed) = confirm.typed.first_mut() {
        if line.is_empty() {
            return press(model, KeyCode::Esc, now);
        }
        typed.input = TextArea::from([line.to_owned()]);
        return press(model, KeyCode::Enter, now);
    }
    let yes = modals::yes_key(&confirm.then);
    if line.eq_ignore_ascii_case("y") || line.eq_ignore_ascii_case("yes") {
        press(model, KeyCode::Char(yes), now)
    } else {
        press(model, KeyCode::Esc, now)
    }
}

fn choose(model: &mut Model, line: &str, now: Now) -> Vec<Effect> {
    let Some(Modal::Menu(menu)) = &mut model.modal else {
        return Vec::new();
    };
    let mut letters = line.chars();
    match (letters.next(), letters.next()) {
        (None, _) => press(model, KeyCode::Esc, now),
        (Some(letter), None) if menu.items.iter().any(|item| item.key == letter) => {
            press(model, KeyCode::Char(letter), now)
        }
        (Some(_), _) => say(
            model,
            Level::Warn,
            format!("{} is none of these", SafeText::line(line)),
            now,
        ),
    }
}

fn choose_of_many(model: &mut Model, line: &str, now: Now) -> Vec<Effect> {
    let Some(Modal::Pick(open)) = &mut model.modal else {
        return Vec::new();
    };
    if line.is_empty() {
        return press(model, KeyCode::Esc, now);
    }
    let numbered = line
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_sub(1));
    match numbered.filter(|at| *at < open.hits.len()) {
        Some(at) => {
            open.cursor = at;
            press(model, KeyCode::Enter, now)
        }
        None => find(open, line).map_or_else(Vec::new, |()| press(model, KeyCode::Enter, now)),
    }
}

/// Looks for letters; whether one alone has them.
fn find(open: &mut Pick, line: &str) -> Option<()> {
    open.input = TextArea::from([line.to_owned()]);
    pick::rank(open);
    open.cursor = 0;
    (open.hits.len() == 1).then_some(())
}

/// What cannot be done line by line is left again, and where it can be done is said. Nothing that was begun is lost.
fn leave_what_needs_a_screen(model: &mut Model, now: Now) -> Vec<Effect> {
    let words = match &model.modal {
        None | Some(Modal::Confirm(_) | Modal::Menu(_) | Modal::Pick(_)) => return Vec::new(),
        Some(Modal::Help { .. }) => "help tells what can be typed here",
        Some(Modal::Health { .. }) => "status tells how the backends are; `midwatch doctor` tells more",
        Some(Modal::Palette(_)) => "commands are typed as they are, by their whole name",
        Some(Modal::Prompt(_)) => {
            "searching and filtering are the console's; `midwatch alerts --filter` filters"
        }
        Some(Modal::Composer(_)) => "a silence is composed in the console, or by `midwatch silence`",
        Some(Modal::Compose(_)) => {
            "a text is written in the console, or by `midwatch annotate`, `midwatch update`, `midwatch declare`"
        }
    };
    let mut effects = modals::close(model);
    effects.extend(say(model, Level::Warn, words, now));
    effects
}

/// The tour leads through what is on a screen.
fn leave_the_tour(model: &mut Model, now: Now) -> Vec<Effect> {
    if !model.tour.leave() {
        return Vec::new();
    }
    model.toasts.pass();
    let words =
        "the tour needs the screen: start midwatch without --plain; help tells what can be typed here";
    say(model, Level::Warn, words, now)
}
