//! One keymap file: TOML → what it says, with every mistake in it.
//!
//! A file has `inherits = "NAME"` and one table a place; in it, keys in quotes stand for action names, or for
//! `"none"` (or `false`) to take an inherited binding away. Knows nothing of other files: `load` joins them.

use std::ops::Range;

use crossterm::event::{KeyCode, KeyModifiers};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::chord::{display_sequence, parse_sequence};
use super::{Chord, applies};
use crate::action::{Action, Place, TABLE};
use crate::problem::{Problem, Source, did_you_mean};
use crate::shelf::rows;

/// What one file says.
#[derive(Debug, Default)]
pub(super) struct File {
    /// The keymap it builds on, and where that is said.
    pub(super) inherits: Option<(String, Range<usize>)>,
    /// In file order.
    pub(super) entries: Vec<Entry>,
    /// All of them, in the order found.
    pub(super) problems: Vec<Problem>,
}

/// One line of a place's table.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) place: Place,
    pub(super) keys: Vec<Chord>,
    /// `None` takes the key away.
    pub(super) action: Option<Action>,
    /// Where the key stands in the file.
    pub(super) span: Range<usize>,
}

/// Reads a file to its end, whatever is wrong with it.
pub(super) fn read(source: Source) -> File {
    let (root, errors) = DeTable::parse_recoverable(source.text);
    let mut file = File {
        problems: errors.iter().map(|e| source.syntax(e)).collect(),
        ..File::default()
    };
    for (key, value) in rows(root.get_ref()) {
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("inherits", DeValue::String(name)) => {
                file.inherits = Some((name.to_string(), value.span()));
            }
            ("inherits", _) => file.problems.push(source.problem(
                &value.span(),
                "`inherits` is not a text",
                "write the name of a keymap: inherits = \"default\"",
            )),
            (name, content) => match Place::ALL.into_iter().find(|place| place.name() == name) {
                Some(place) => read_place(source, place, content, &value.span(), &mut file),
                None => file.problems.push(source.problem(
                    &key.span(),
                    format!("no place is called `{name}`"),
                    did_you_mean(name, Place::ALL.map(Place::name)),
                )),
            },
        }
    }
    find_clashes(source, &mut file);
    file.problems.sort_by_key(|problem| problem.at);
    file
}

fn read_place(source: Source, place: Place, content: &DeValue, span: &Range<usize>, file: &mut File) {
    let DeValue::Table(table) = content else {
        file.problems.push(source.problem(
            span,
            format!("`{}` is not a table of keys", place.name()),
            format!(
                "write [{}] and under it lines such as \"q\" = \"app.quit\"",
                place.name()
            ),
        ));
        return;
    };
    for (key, value) in rows(table) {
        match (parse_sequence(key.get_ref()), read_action(source, place, value)) {
            (Ok(keys), Ok(Some(action))) if let Some(why) = refused_in_dialog(&keys, action) => {
                file.problems.push(source.problem(
                    &key.span(),
                    format!(
                        "`{}` can't be `{}`: {why}",
                        display_sequence(&keys),
                        action.name()
                    ),
                    "take one key that types nothing: `f5`, `ctrl-o`, `alt-s`",
                ));
            }
            (Ok(keys), Ok(action)) => file.entries.push(Entry {
                place,
                keys,
                action,
                span: key.span(),
            }),
            (keys, action) => {
                if let Err(refused) = keys {
                    file.problems
                        .push(source.problem(&key.span(), refused.what, refused.mend));
                }
                file.problems.extend(action.err());
            }
        }
    }
}

/// Why a key can't be bound where text is typed; `None` where it can.
fn refused_in_dialog(keys: &[Chord], action: Action) -> Option<&'static str> {
    if action.row().place != Place::Dialog {
        return None;
    }
    let [key] = keys else {
        return Some("where text is typed a key is one key, not several in a row");
    };
    let types = matches!(key.code, KeyCode::Char(_) | KeyCode::Backspace | KeyCode::Delete);
    let types = types
        && !key
            .modifiers
            .intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    (types && !action.answers()).then_some("there it is text that is typed")
}

fn read_action(source: Source, place: Place, value: &Spanned<DeValue>) -> Result<Option<Action>, Problem> {
    let name = match value.get_ref() {
        DeValue::Boolean(false) => return Ok(None),
        DeValue::String(name) if name == "none" => return Ok(None),
        DeValue::String(name) => name,
        _ => {
            return Err(source.problem(
                &value.span(),
                "a key is bound to something that is no action's name",
                "write a text such as \"list.down\", or \"none\" to unbind",
            ));
        }
    };
    let Some(action) = Action::by_name(name) else {
        let names = TABLE.iter().map(|row| row.name);
        let mend = match crate::problem::nearest(name, names) {
            Some(candidate) => format!("did you mean `{candidate}`?"),
            None => "`midwatch keys` lists every action".to_owned(),
        };
        return Err(source.problem(&value.span(), format!("no action is called `{name}`"), mend));
    };
    if !applies(action, place) {
        let home = action.row().place.name();
        return Err(source.problem(
            &value.span(),
            format!("`{name}` does nothing in [{}]", place.name()),
            format!("bind it in [{home}]"),
        ));
    }
    Ok(Some(action))
}

/// Two lines of one place that can't both be reached: the same keys, or keys that begin the other's.
fn find_clashes(source: Source, file: &mut File) {
    let mut found = Vec::new();
    for (index, later) in file.entries.iter().enumerate() {
        for earlier in file.entries.iter().take(index) {
            if earlier.place != later.place {
                continue;
            }
            let line = source.position(earlier.span.start).line;
            if earlier.keys == later.keys {
                found.push(source.problem(
                    &later.span,
                    format!(
                        "`{}` is already bound in [{}], on line {line}",
                        display_sequence(&later.keys),
                        later.place.name()
                    ),
                    "keep one of the two",
                ));
            } else if let (Some(_), Some(_)) = (earlier.action, later.action)
                && let Some((short, long)) = beginning_first(&earlier.keys, &later.keys)
            {
                found.push(source.problem(
                    &later.span,
                    format!(
                        "`{}` can't be reached: `{}` alone is bound in [{}] (see line {line})",
                        display_sequence(long),
                        display_sequence(short),
                        later.place.name()
                    ),
                    "unbind one of the two",
                ));
            }
        }
    }
    file.problems.extend(found);
}

/// The two in order, where one begins the other.
fn beginning_first<'a>(a: &'a [Chord], b: &'a [Chord]) -> Option<(&'a [Chord], &'a [Chord])> {
    if b.starts_with(a) {
        Some((a, b))
    } else if a.starts_with(b) {
        Some((b, a))
    } else {
        None
    }
}
