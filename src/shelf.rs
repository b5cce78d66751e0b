//! Keymap and theme files by name: where they are looked for, and what they inherit from.
//!
//! A name is looked for in the user's own directory first, then among the files shipped inside the binary; a
//! path is itself. This module knows nothing of what the files say. Start at [`Shelf::find`].
#![deny(clippy::indexing_slicing, clippy::string_slice)]

use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::problem::{Problem, Source, did_you_mean};

/// One kind of file.
#[derive(Debug, Clone, Copy)]
pub struct Shelf {
    /// What one is called in messages: `keymap`.
    pub kind: &'static str,
    /// The folder under the configuration's directory, and the shipped files' in messages: `keymaps`.
    pub folder: &'static str,
    /// Shipped files: name, text.
    pub shipped: &'static [(&'static str, &'static str)],
}

/// A file that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name: the file's without `.toml`.
    pub name: String,
    /// How messages name it: a path, or `keymaps/default.toml` for a shipped one.
    pub file: String,
    /// All of it.
    pub text: String,
}

impl Found {
    /// A file whose text is already at hand.
    pub fn given(file: &str, text: &str) -> Self {
        Self {
            name: file.to_owned(),
            file: file.to_owned(),
            text: text.to_owned(),
        }
    }

    /// For places in messages.
    pub fn source(&self) -> Source<'_> {
        Source {
            file: &self.file,
            text: &self.text,
        }
    }
}

/// A key and its value, each with its place.
pub type Row<'a, 'i> = (&'a Spanned<Cow<'i, str>>, &'a Spanned<DeValue<'i>>);

/// The rows of a table as they stand in the file; the parser keeps them sorted by name.
pub fn rows<'a, 'i>(table: &'a DeTable<'i>) -> Vec<Row<'a, 'i>> {
    let mut rows: Vec<_> = table.iter().collect();
    rows.sort_by_key(|(key, _)| key.span().start);
    rows
}

impl Shelf {
    /// The names of the shipped files.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + Clone + use<> {
        self.shipped.iter().map(|(name, _)| *name)
    }

    /// The names of the user's own files beside the configuration, those that stand in for shipped ones aside. What cannot be
    /// listed is none.
    pub fn own_names(&self, config_dir: Option<&Path>) -> Vec<String> {
        let Some(listed) = config_dir.and_then(|dir| dir.join(self.folder).read_dir().ok()) else {
            return Vec::new();
        };
        let mut names: Vec<String> = listed
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|ext| ext == "toml"))
            .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
            .filter(|name| !self.names().any(|shipped| shipped == name))
            .collect();
        names.sort();
        names
    }

    /// Finds a file by name or path. `config_dir` is the directory of the configuration file: relative paths
    /// start there, and `config_dir/FOLDER/NAME.toml` goes before a shipped file of the same name.
    pub fn find(&self, name: &str, config_dir: Option<&Path>) -> Result<Found, Problem> {
        self.find_other_than(name, config_dir, None)
    }

    /// Finds what a file inherits from. `below` are the files that led here, the present one last: a circle is
    /// refused. A user's own `default` inheriting `default` means the shipped one.
    pub fn parent_of(
        &self,
        child: &Found,
        parent: (&str, &Range<usize>),
        config_dir: Option<&Path>,
        below: &[String],
    ) -> Result<Found, Problem> {
        let (name, span) = parent;
        let own = (name == child.name).then_some(child.file.as_str());
        match self.find_other_than(name, config_dir, own) {
            Ok(found) if below.contains(&found.file) => Err(child.source().problem(
                span,
                format!(
                    "`{name}` inherits from itself: {} → {}",
                    below.join(" → "),
                    found.file
                ),
                "take one `inherits` away",
            )),
            Ok(found) => Ok(found),
            Err(missing) => Err(child.source().problem(span, missing.what, missing.mend)),
        }
    }

    /// Whether a name is that of a file, and not of something on the shelf.
    pub fn is_path(name: &str) -> bool {
        name.contains(['/', '\\']) || Path::new(name).extension().is_some_and(|ext| ext == "toml")
    }

    fn find_other_than(
        &self,
        name: &str,
        config_dir: Option<&Path>,
        not: Option<&str>,
    ) -> Result<Found, Problem> {
        if Self::is_path(name) {
            return self.read(
                name,
                &config_dir.map_or_else(|| PathBuf::from(name), |dir| dir.join(name)),
            );
        }
        if let Some(dir) = config_dir {
            let path = dir.join(self.folder).join(format!("{name}.toml"));
            if path.is_file() && not != Some(path.display().to_string().as_str()) {
                return self.read(name, &path);
            }
        }
        match self.shipped.iter().find(|(shipped, _)| *shipped == name) {
            Some((shipped, text)) => Ok(Found {
                name: (*shipped).to_owned(),
                file: format!("{}/{shipped}.toml", self.folder),
                text: (*text).to_owned(),
            }),
            None => Err(Problem {
                file: self.kind.to_owned(),
                at: None,
                what: format!("no {} is called `{name}`", self.kind),
                mend: did_you_mean(name, self.names()),
            }),
        }
    }

    fn read(&self, name: &str, path: &Path) -> Result<Found, Problem> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Found {
                name: path
                    .file_stem()
                    .map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into_owned()),
                file,
                text,
            }),
            Err(error) => Err(Problem {
                file,
                at: None,
                what: format!("the {} can't be read: {error}", self.kind),
                mend: format!("give the name of a {} or the path of a TOML file", self.kind),
            }),
        }
    }
}
