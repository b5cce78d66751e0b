//! Keymaps: key sequences → actions, a trie per place.
//!
//! Files (`keymaps/*.toml`, embedded; or a user's path) bind sequences to action names per [`Place`]; a clash,
//! a shadowed key or an unknown name is reported with its place. Lookup walks from the focused place outwards.

use std::collections::HashMap;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::action::{Action, Place};

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
        if matches!(key.code, KeyCode::Char(_) | KeyCode::BackTab) {
            modifiers.remove(KeyModifiers::SHIFT);
        }
        Self {
            code: key.code,
            modifiers,
        }
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

/// A loaded keymap.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keymap {
    /// Its name.
    pub name: String,
    /// place → sequence → action. Public to the loader's submodules only.
    bindings: HashMap<Place, HashMap<Vec<Chord>, Action>>,
}
