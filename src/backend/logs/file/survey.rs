//! What there is of files, without telling their lines: for who asks whether a source of files is well. Blocking; runs
//! where that is allowed.

use std::fs::File;
use std::io;
use std::path::Path;

use chrono::{DateTime, Utc};

use super::expand;
use super::history::Backward;
use super::sift::Sieve;
use crate::domain::log::{Nanos, Wanted};

/// Files that are looked at; of more, only how many there are.
const MOST: usize = 16;

/// What there is of all files that a source names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Survey {
    /// The first of them, in order of their names.
    pub files: Vec<Surveyed>,
    /// How many more there are.
    pub more: usize,
    /// Names and patterns that no file has.
    pub missing: Vec<String>,
}

/// What there is of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surveyed {
    /// Its name.
    pub path: String,
    /// Its bytes, and when its newest line is of, where its lines tell that; else why it cannot be read.
    pub found: Result<(u64, Option<Nanos>), String>,
}

impl Survey {
    /// Looks at what paths and patterns name.
    pub(super) fn of(paths: &[String], now: DateTime<Utc>) -> Self {
        let found = expand(paths);
        let named = |path: &&String| expand(std::slice::from_ref(*path)).is_empty();
        let seen = |path: &std::path::PathBuf| Surveyed {
            path: path.to_string_lossy().into_owned(),
            found: look(path, now).map_err(|error| error.to_string()),
        };
        Self {
            files: found.iter().take(MOST).map(seen).collect(),
            more: found.len().saturating_sub(MOST),
            missing: paths.iter().filter(named).cloned().collect(),
        }
    }
}

fn look(path: &Path, now: DateTime<Utc>) -> io::Result<(u64, Option<Nanos>)> {
    let file = File::open(path)?;
    let found = file.metadata()?;
    if found.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    let sieve = Sieve::new(&Wanted::default()).about(Nanos::of(now));
    let last = Backward::new(&file, &sieve, found.len()).piece()?;
    let newest = last.and_then(|piece| piece.entries.iter().filter_map(|entry| entry.at).max());
    Ok((found.len(), newest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_tell_how_large_they_are_and_when_their_newest_line_is_of() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
        std::fs::write(
            path("a.log"),
            "2026-11-20T03:14:07Z one\n2026-11-20T03:14:09Z two\n  at x\n",
        )
        .unwrap();
        std::fs::write(path("b.log"), "no time\n").unwrap();
        std::fs::create_dir(path("c.log")).unwrap();
        let now = "2026-11-20T04:00:00Z".parse().unwrap();
        let names = [path("[ab].log"), path("c.log"), path("missing.log")];
        let survey = Survey::of(&names, now);
        let newest = Nanos::of("2026-11-20T03:14:09Z".parse().unwrap());
        let found: Vec<_> = survey.files.iter().map(|file| file.found.clone().ok()).collect();
        assert_eq!(found, [Some((57, Some(newest))), Some((8, None)), None]);
        assert_eq!((survey.missing, survey.more), (vec![path("missing.log")], 0));
    }
}
