//! Finds keymap files, follows `inherits` and joins them into one [`Keymap`].
//!
//! A name is looked for in the user's own directory first, then among the shipped ones; a path is itself.
//! What a file says wins over what it inherits, also where one sequence begins the other: a user's file stays
//! valid when a later version of the default binds something new.

use std::path::{Path, PathBuf};

use super::file::{self, Entry};
use super::{Binding, Keymap};
use crate::action::Action;
use crate::problem::{Problem, Problems, Source, did_you_mean};

/// The shipped keymaps: name, text.
pub const SHIPPED: [(&str, &str); 3] = [
    ("default", include_str!("../../keymaps/default.toml")),
    ("vim", include_str!("../../keymaps/vim.toml")),
    ("emacs", include_str!("../../keymaps/emacs.toml")),
];

/// Loads a keymap by name or path. `config_dir` is the directory of the configuration file:
/// `config_dir/keymaps/NAME.toml` goes before a shipped one of the same name.
pub fn load(name: &str, config_dir: Option<&Path>) -> Result<Keymap, Problems> {
    let mut problems = Vec::new();
    let found = find(name, config_dir, &[]).map_err(|problem| Problems(vec![problem]))?;
    let keymap = join(&found, config_dir, &mut Vec::new(), &mut problems);
    finish(keymap, &found, problems)
}

/// Loads a keymap from its text; `file` names it in messages. What it inherits is looked for as in [`load`].
pub fn parse(file: &str, text: &str, config_dir: Option<&Path>) -> Result<Keymap, Problems> {
    let mut problems = Vec::new();
    let found = Found {
        name: file.to_owned(),
        file: file.to_owned(),
        text: text.to_owned(),
        origin: Origin::Users,
    };
    let keymap = join(&found, config_dir, &mut Vec::new(), &mut problems);
    finish(keymap, &found, problems)
}

/// A file's name and text.
struct Found {
    name: String,
    file: String,
    text: String,
    origin: Origin,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Users,
    Shipped,
}

fn finish(keymap: Keymap, found: &Found, mut problems: Vec<Problem>) -> Result<Keymap, Problems> {
    let quits = |b: &Binding| matches!(b.action, Action::Quit | Action::QuitNow);
    if problems.is_empty() && !keymap.bindings.iter().any(quits) {
        let source = Source {
            file: &found.file,
            text: &found.text,
        };
        problems.push(source.problem_of_file(
            "no key quits the console",
            "bind `app.quit`, or begin with inherits = \"default\"",
        ));
    }
    if problems.is_empty() {
        Ok(keymap)
    } else {
        Err(Problems(problems))
    }
}

/// One file over what it inherits. `below` are the files that led here, against cycles.
fn join(
    found: &Found,
    config_dir: Option<&Path>,
    below: &mut Vec<String>,
    problems: &mut Vec<Problem>,
) -> Keymap {
    let source = Source {
        file: &found.file,
        text: &found.text,
    };
    let read = file::read(source);
    let mut inherited = Keymap::default();
    below.push(found.file.clone());
    if let Some((parent, span)) = &read.inherits {
        // A user's own `default` builds on the shipped one.
        let skip: &[&str] = if found.origin == Origin::Users && *parent == found.name {
            &[found.file.as_str()]
        } else {
            &[]
        };
        match find(parent, config_dir, skip) {
            Ok(next) if below.contains(&next.file) => problems.push(source.problem(
                span,
                format!(
                    "`{parent}` inherits from itself: {} → {}",
                    below.join(" → "),
                    next.file
                ),
                "take one `inherits` away",
            )),
            Ok(next) => inherited = join(&next, config_dir, below, problems),
            Err(missing) => problems.push(source.problem(span, missing.what, missing.mend)),
        }
    }
    problems.extend(read.problems);
    inherited.name.clone_from(&found.name);
    lay_over(&mut inherited, read.entries);
    inherited
}

fn lay_over(keymap: &mut Keymap, entries: Vec<Entry>) {
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
        })
    });
    keymap.bindings = own.chain(std::mem::take(&mut keymap.bindings)).collect();
}

fn find(name: &str, config_dir: Option<&Path>, skip: &[&str]) -> Result<Found, Problem> {
    let is_path = name.contains(['/', '\\']) || Path::new(name).extension().is_some_and(|ext| ext == "toml");
    if is_path {
        let path = match config_dir {
            Some(dir) => dir.join(name),
            None => PathBuf::from(name),
        };
        return read_path(name, &path);
    }
    if let Some(dir) = config_dir {
        let path = dir.join("keymaps").join(format!("{name}.toml"));
        if path.is_file() && !skip.contains(&path.display().to_string().as_str()) {
            return read_path(name, &path);
        }
    }
    SHIPPED
        .iter()
        .find(|(shipped, _)| *shipped == name)
        .map(|(shipped, text)| Found {
            name: (*shipped).to_owned(),
            file: format!("keymaps/{shipped}.toml"),
            text: (*text).to_owned(),
            origin: Origin::Shipped,
        })
        .ok_or_else(|| Problem {
            file: "keymap".to_owned(),
            at: None,
            what: format!("no keymap is called `{name}`"),
            mend: did_you_mean(name, SHIPPED.map(|(shipped, _)| shipped)),
        })
}

fn read_path(name: &str, path: &Path) -> Result<Found, Problem> {
    let file = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Found {
            name: path
                .file_stem()
                .map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into_owned()),
            file,
            text,
            origin: Origin::Users,
        }),
        Err(error) => Err(Problem {
            file,
            at: None,
            what: format!("the keymap can't be read: {error}"),
            mend: "give the name of a keymap or the path of a TOML file".to_owned(),
        }),
    }
}
