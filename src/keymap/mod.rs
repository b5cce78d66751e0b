//! Keymaps: key sequences → actions, per place.
//!
//! Files (`keymaps/*.toml`, embedded; or a user's path) bind sequences to action names per [`Place`]; a clash
//! or an unknown name is an error with its place, a shadowed key is reported. Lookup walks from the focused
//! place outwards. This module knows nothing of what an action does. Start at [`Keymap::lookup`];
//! `chord` reads keys, `file` reads one file, `load` finds files and follows `inherits`, `taken` knows the keys that others
//! take on the way, `table` prints.
#![deny(clippy::indexing_slicing, clippy::string_slice)]

mod chord;
mod file;
mod load;
mod table;
mod taken;

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::action::{Action, Place};
use crate::theme::Glyphs;

pub use chord::{ChordError, display_sequence, label, parse_chord, parse_sequence};
pub use load::{SHELF, load, own_text, parse};
pub use table::{document, readme_table, text};
pub use taken::{Doubt, is_of_flow_control, taken};

/// One key with its modifiers, normalised: shift is folded into the character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chord {
    /// The key.
    pub code: KeyCode,
    /// Ctrl, alt, and shift for keys that are no characters.
    pub modifiers: KeyModifiers,
}

impl From<KeyEvent> for Chord {
    fn from(key: KeyEvent) -> Self {
        let mut modifiers = key.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        let mut code = key.code;
        match code {
            KeyCode::Char(_) | KeyCode::BackTab => modifiers.remove(KeyModifiers::SHIFT),
            // Terminals with an extended keyboard protocol report shift-tab as what it is.
            KeyCode::Tab if modifiers.contains(KeyModifiers::SHIFT) => {
                code = KeyCode::BackTab;
                modifiers.remove(KeyModifiers::SHIFT);
            }
            _ => {}
        }
        Self { code, modifiers }
    }
}

/// What a sequence of keys means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// It is bound.
    Action(Action),
    /// It may become one: what each next key would do, for the which-key hint.
    Prefix(Vec<(Chord, String)>),
    /// It is not bound here.
    Unbound,
}

/// One line of a keymap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Where it holds.
    pub place: Place,
    /// What is pressed; never empty.
    pub keys: Vec<Chord>,
    /// What it does.
    pub action: Action,
    /// Where that is said.
    pub said: Said,
}

/// Where a binding is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The file, as messages name it.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
    /// Who wrote it.
    pub by: Author,
}

/// Who wrote a keymap file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// It is part of midwatch: what hides what in it is meant.
    Shipped,
    /// A person.
    Own,
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A key of an inner place that hides one further out. No mistake, but worth knowing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shadow {
    /// The binding that wins.
    pub inner: Binding,
    /// The binding that can't be reached there.
    pub outer: Binding,
}

/// A loaded keymap: checked, free of clashes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keymap {
    /// Its name.
    pub name: String,
    /// In file order, what is inherited first. Some sixty lines: a scan is faster than hashing them.
    bindings: Vec<Binding>,
}

impl Keymap {
    /// All bindings, in the order of the files.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// What the keys pressed so far mean. `places` go innermost first; a binding there hides those further
    /// out, and so does the beginning of a sequence.
    pub fn lookup(&self, places: &[Place], pressed: &[Chord]) -> Lookup {
        let mut next: Vec<(Chord, String)> = Vec::new();
        for &place in places {
            for binding in self.in_place(place) {
                match binding.keys.strip_prefix(pressed) {
                    Some([]) if next.is_empty() => return Lookup::Action(binding.action),
                    // The beginning of a sequence further in hides it.
                    Some([]) | None => {}
                    Some([key, ..]) => {
                        if !next.iter().any(|(known, _)| known == key) {
                            next.push((*key, binding.action.row().title.to_owned()));
                        }
                    }
                }
            }
        }
        if next.is_empty() {
            Lookup::Unbound
        } else {
            Lookup::Prefix(next)
        }
    }

    /// Every spelling that is bound to an action, anywhere, the first in the file first.
    pub fn keys_for(&self, action: Action) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        for binding in self.bindings.iter().filter(|b| b.action == action) {
            let spelt = display_sequence(&binding.keys);
            if !out.contains(&spelt) {
                out.push(spelt);
            }
        }
        out
    }

    /// The first key of an action, for words; how the palette calls it, where it has none.
    pub fn first_or_name(&self, action: Action) -> String {
        let key = self.keys_for(action).into_iter().next();
        key.unwrap_or_else(|| action.name().to_owned())
    }

    /// How words of the palette are written for whoever is to type them: `:tour`, or `ctrl-p tour` where another key
    /// opens it. The words alone where none does.
    pub fn command(&self, words: &str) -> String {
        match self.keys_for(Action::Palette).first().map(String::as_str) {
            Some(":") => format!(":{words}"),
            Some(key) => format!("{key} {words}"),
            None => words.to_owned(),
        }
    }

    /// The keys that reach an action from `places` (innermost first), as hints and help show them:
    /// keys that another binding hides there are left out.
    pub fn labels(&self, places: &[Place], action: Action, glyphs: Glyphs) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        for spelt in self.spelt(places, action, glyphs) {
            if !out.contains(&spelt) {
                out.push(spelt);
            }
        }
        out
    }

    fn spelt(&self, places: &[Place], action: Action, glyphs: Glyphs) -> impl Iterator<Item = String> {
        self.bindings
            .iter()
            .filter(move |binding| binding.action == action)
            .filter(move |binding| self.lookup(places, &binding.keys) == Lookup::Action(action))
            .map(move |binding| label(&binding.keys, glyphs))
    }

    /// The one key to show beside an action in a hint; `None` where it has none here.
    pub fn hint(&self, places: &[Place], action: Action, glyphs: Glyphs) -> Option<String> {
        self.spelt(places, action, glyphs).next()
    }

    /// Keys of a pane that hide a key of every list or of the whole console. Information, no error. What a search
    /// takes is not listed: it gives it back when it ends.
    pub fn shadows(&self) -> Vec<Shadow> {
        let mut out = Vec::new();
        for inner in self.bindings.iter().filter(|b| b.place != Place::Search) {
            for outer in &self.bindings {
                let hides = encloses(outer.place, inner.place)
                    && outer.action != inner.action
                    && (outer.keys.starts_with(&inner.keys) || inner.keys.starts_with(&outer.keys));
                if hides {
                    out.push(Shadow {
                        inner: inner.clone(),
                        outer: outer.clone(),
                    });
                }
            }
        }
        out
    }

    /// The shadows that nobody meant: one of the two keys at least is a person's own.
    pub fn surprises(&self) -> Vec<Shadow> {
        let mut all = self.shadows();
        all.retain(|shadow| {
            [&shadow.inner, &shadow.outer]
                .iter()
                .any(|one| one.said.by == Author::Own)
        });
        all
    }

    /// Keys of a person's own that may never arrive here, or hide the way out, and why.
    pub fn doubts(&self) -> Vec<Doubt> {
        let own = self
            .bindings
            .iter()
            .filter(|binding| binding.said.by == Author::Own);
        own.filter_map(Doubt::of).collect()
    }

    /// What these keys do in other places, a few of them in words: `the logs pane (wrap)`.
    pub fn elsewhere(&self, pressed: &[Chord]) -> Vec<String> {
        /// More of them would be no answer.
        const MOST: usize = 2;
        let bound = self.bindings.iter().filter(|binding| binding.keys == pressed);
        let told = bound.filter_map(|binding| {
            let place = binding.place.words()?;
            Some(format!("{place} ({})", binding.action.row().title))
        });
        told.take(MOST).collect()
    }

    fn in_place(&self, place: Place) -> impl Iterator<Item = &Binding> {
        self.bindings.iter().filter(move |b| b.place == place)
    }
}

/// Whether keys of `outer` also hold in `inner`, unless hidden there.
fn encloses(outer: Place, inner: Place) -> bool {
    match outer {
        // What lies over the panes has keys of its own alone.
        Place::Global => !matches!(inner, Place::Global | Place::Dialog),
        Place::List => !matches!(inner, Place::Global | Place::List | Place::Dialog),
        Place::Slo
        | Place::Alerts
        | Place::Logs
        | Place::Traces
        | Place::Trace
        | Place::Patterns
        | Place::Silences
        | Place::Incident
        | Place::Outbox
        | Place::Case
        | Place::Runbook
        | Place::Search
        | Place::Dialog => false,
    }
}

/// Whether an action can do anything where a binding of `place` holds.
fn applies(action: Action, place: Place) -> bool {
    let home = action.row().place;
    home == place || encloses(home, place)
}

#[cfg(test)]
mod tests;
