//! Finds keymap files, follows `inherits` and joins them into one [`Keymap`].
//!
//! What a file says wins over what it inherits, also where one sequence begins the other: a user's file stays
//! valid when a later version of the default binds something new.

use std::path::Path;
use std::sync::Arc;

use super::file::{self, Entry};
use super::{Author, Binding, Keymap, Said};
use crate::action::{Action, Place};
use crate::problem::{Problem, Problems};
use crate::shelf::{Found, Shelf};

/// Where keymaps are found.
pub const SHELF: Shelf = Shelf {
    kind: "keymap",
    folder: "keymaps",
    shipped: &[
        ("default", include_str!("../../keymaps/default.toml")),
        ("vim", include_str!("../../keymaps/vim.toml")),
        ("emacs", include_str!("../../keymaps/emacs.toml")),
    ],
};

/// Loads a keymap by name or path, as [`Shelf::find`] finds it.
pub fn load(name: &str, config_dir: Option<&Path>) -> Result<Keymap, Problems> {
    let found = SHELF
        .find(name, config_dir)
        .map_err(|problem| Problems(vec![problem]))?;
    build(&found, config_dir)
}

/// The text of a keymap that is the user's own; nothing where it is a shipped one, or cannot be read.
pub fn own_text(name: &str, config_dir: Option<&Path>) -> Option<String> {
    let found = SHELF.find(name, config_dir).ok()?;
    let is_shipped = SHELF.shipped.iter().any(|(_, text)| *text == found.text);
    (!is_shipped).then_some(found.text)
}

/// Loads a keymap from its text; `file` names it in messages.
pub fn parse(file: &str, text: &str, config_dir: Option<&Path>) -> Result<Keymap, Problems> {
    build(&Found::given(file, text), config_dir)
}

fn build(found: &Found, config_dir: Option<&Path>) -> Result<Keymap, Problems> {
    let mut problems = Vec::new();
    let mut keymap = join(found, config_dir, &mut Vec::new(), &mut problems);
    if !keymap
        .bindings
        .iter()
        .any(|binding| binding.place == Place::Dialog)
    {
        // A file that begins from nothing and forgets them must not leave a question without an answer.
        keymap.bindings.extend(shipped_dialog());
    }
    let quits = |b: &Binding| matches!(b.action, Action::Quit | Action::QuitNow);
    if problems.is_empty() && !keymap.bindings.iter().any(quits) {
        problems.push(found.source().problem_of_file(
            "no key quits the console",
            "bind `app.quit`, or begin with inherits = \"default\"",
        ));
    }
    let leaves = |b: &Binding| b.action == Action::DialogLeave;
    if problems.is_empty() && !keymap.bindings.iter().any(leaves) {
        problems.push(found.source().problem_of_file(
            "no key leaves a question, a form or the palette",
            "bind `dialog.leave` in [dialog]",
        ));
    }
    if problems.is_empty() {
        Ok(keymap)
    } else {
        Err(Problems(problems))
    }
}

/// One file over what it inherits. `below` are the files that led here.
fn join(
    found: &Found,
    config_dir: Option<&Path>,
    below: &mut Vec<String>,
    problems: &mut Vec<Problem>,
) -> Keymap {
    let read = file::read(found.source());
    let mut keymap = Keymap::default();
    below.push(found.file.clone());
    if let Some((parent, span)) = &read.inherits {
        match SHELF.parent_of(found, (parent, span), config_dir, below) {
            Ok(next) => keymap = join(&next, config_dir, below, problems),
            Err(problem) => problems.push(problem),
        }
    }
    problems.extend(read.problems);
    keymap.name.clone_from(&found.name);
    lay_over(&mut keymap, read.entries, found);
    keymap
}

/// The shipped keys of what lies over the panes.
fn shipped_dialog() -> Vec<Binding> {
    let shipped = SHELF
        .find("default", None)
        .map(|found| join(&found, None, &mut Vec::new(), &mut Vec::new()));
    let mut bindings = shipped.unwrap_or_default().bindings;
    bindings.retain(|binding| binding.place == Place::Dialog);
    bindings
}

fn lay_over(keymap: &mut Keymap, entries: Vec<Entry>, found: &Found) {
    let file: Arc<str> = found.file.as_str().into();
    let is_shipped = SHELF.shipped.iter().any(|(_, text)| *text == found.text);
    let by = if is_shipped { Author::Shipped } else { Author::Own };
    for entry in &entries {
        keymap.bindings.retain(|binding| {
            let clashes = match entry.action {
                Some(_) => binding.keys.starts_with(&entry.keys) || entry.keys.starts_with(&binding.keys),
                None => binding.keys == entry.keys,
            };
            binding.place != entry.place || !clashes
        });
    }
    // Own keys go first: they are the ones a hint shows.
    let own = entries.into_iter().filter_map(|entry| {
        entry.action.map(|action| Binding {
            place: entry.place,
            keys: entry.keys,
            action,
            said: Said {
                file: Arc::clone(&file),
                line: found.source().position(entry.span.start).line,
                by,
            },
        })
    });
    keymap.bindings = own.chain(std::mem::take(&mut keymap.bindings)).collect();
}
