//! Keys that somebody takes on their way: a multiplexer, the line's flow control, the shell, the terminal.
//!
//! A keymap of ours has none of them; in a person's own they are no mistake, but a [`Doubt`] that names why the key may
//! never arrive. Keys that are the same byte as another (`ctrl-i` is tab) are refused by `chord` already.
//!
//! Sources: tmux(1) `prefix` (`C-b`), screen(1) "the default command character" (`C-a`), mosh(1) `MOSH_ESCAPE_KEY`
//! (`Ctrl-^`), ssh(1) ESCAPE CHARACTERS (`~` behind a line's end), stty(1) `ixon` (`^S`, `^Q`).

use std::fmt;

use crossterm::event::{KeyCode, KeyModifiers};

use super::{Binding, Chord, Said, display_sequence};
use crate::action::{Action, Place};

/// A binding that may not do what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// The keys, as a file spells them.
    pub keys: String,
    /// Where they hold.
    pub place: Place,
    /// What they are to do.
    pub action: Action,
    /// Where that is said.
    pub said: Said,
    /// Why they may not.
    pub why: &'static str,
}

impl Doubt {
    /// Of a binding; nothing where its keys arrive.
    pub fn of(binding: &Binding) -> Option<Self> {
        let why = binding.keys.iter().find_map(|key| taken(*key, binding.action))?;
        Some(Self {
            keys: display_sequence(&binding.keys),
            place: binding.place,
            action: binding.action,
            said: binding.said.clone(),
            why,
        })
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: `{}` for {} in [{}]: {}",
            self.said,
            self.keys,
            self.action,
            self.place.name(),
            self.why
        )
    }
}

/// Whether the line's flow control may take a key: no shipped keymap binds it.
pub fn is_of_flow_control(key: Chord) -> bool {
    key.modifiers == KeyModifiers::CONTROL && matches!(key.code, KeyCode::Char('s' | 'q'))
}

/// Who else takes a key before it can be `action`, and what to do; nothing where nobody does.
pub fn taken(key: Chord, action: Action) -> Option<&'static str> {
    let KeyCode::Char(character) = key.code else {
        return None;
    };
    match (key.modifiers, character) {
        (KeyModifiers::CONTROL, 'b') => Some("tmux takes it as its prefix; there it has to be pressed twice"),
        (KeyModifiers::CONTROL, 'a') => Some("screen takes it as its prefix; there `ctrl-a a` sends it"),
        (KeyModifiers::CONTROL, '^') => Some("mosh takes it as the beginning of its own commands"),
        (KeyModifiers::CONTROL, 's') => Some(
            "flow control on the way may stop all output at it, until ctrl-q; `stty -ixon` turns that off",
        ),
        (KeyModifiers::CONTROL, 'q') => {
            Some("flow control on the way may swallow it; `stty -ixon` turns that off")
        }
        (KeyModifiers::CONTROL, 'z') if action != Action::Suspend => {
            Some("it suspends everywhere else; bind `app.suspend` to another key, or nothing does")
        }
        (KeyModifiers::CONTROL, 'c') if action != Action::QuitNow => {
            Some("it ends programs everywhere else, and here whatever lies over the panes")
        }
        (KeyModifiers::CONTROL, 'j') => Some("many terminals send it for enter"),
        (KeyModifiers::ALT, '[' | 'O') => Some(
            "it begins what terminals send for arrows and function keys; on a slow link it is taken for one",
        ),
        (KeyModifiers::NONE, '~') => {
            Some("ssh takes it for its own behind enter; there it has to be pressed twice")
        }
        _ => None,
    }
}
