//! What `logs` reads: the words given are a query of the configured source, `-`, a file, or a pattern of files.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::logs::file::{Files, Input};
use crate::backend::logs::{Logs, Settings};
use crate::cli::args::LogsArgs;
use crate::cli::gather::Scene;
use crate::cli::{CliError, Session};
use crate::config::ConfigError;
use crate::domain::log::Nanos;

/// How far back a server is asked where nothing else is said.
const SINCE: Duration = Duration::from_secs(15 * 60);
/// How often what has to poll asks.
const POLL: Duration = Duration::from_secs(2);

/// What is read.
pub struct Source {
    /// Whom to ask.
    pub logs: Arc<dyn Logs>,
    /// What stands in the document's head.
    pub context: String,
    /// What is asked in the source's own language.
    pub query: String,
    /// How far back it is asked; a file as far as it goes.
    pub since: Option<Duration>,
    /// Whether it has a past at all.
    pub past: Past,
    /// Who shows its lines.
    pub seen: Seen,
    /// Files that cannot be read, and why.
    pub unreadable: Vec<String>,
    /// Whether each line tells which file it is of.
    pub names: Names,
}

/// Whether lines tell which file they are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// There are several.
    Told,
    /// There is one, or none.
    Untold,
}

/// Who shows lines. A server's are printed: `midwatch` itself is the console on what is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The console's log pane.
    ByConsole,
    /// Standard output.
    AsText,
}

/// Whether a source can be asked for what was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    /// It can.
    Kept,
    /// Lines come once: a pipe.
    None,
}

impl Source {
    /// Finds out what is meant, and opens it. Files and standard input need no configuration.
    pub fn open(session: &mut Session, args: &LogsArgs, seen: Seen) -> Result<Self, CliError> {
        let words = &args.what;
        if words.iter().any(|word| word == "-") {
            if words.len() > 1 {
                let mend = "standard input, -, stands alone: name files, or leave them out";
                return Err(CliError::Usage(mend.to_owned()));
            }
            return Ok(Self {
                logs: Arc::new(Input::standard(
                    Arc::from("standard input"),
                    Nanos::of(session.clock.now().utc),
                )),
                context: "-".to_owned(),
                query: String::new(),
                since: None,
                past: Past::None,
                seen,
                unreadable: Vec::new(),
                names: Names::Untold,
            });
        }
        if name_files(words)? {
            let settings = Settings {
                name: Arc::from("logs"),
                service_label: None,
                service_labels: Arc::default(),
                poll: POLL,
            };
            let files = Files::new(settings, words.clone(), session.clock).whole();
            let (count, unreadable) = files.unreadable();
            if unreadable.len() == count {
                return Err(CliError::Backend(mended(&unreadable)));
            }
            return Ok(Self {
                logs: Arc::new(files),
                context: words.join(" "),
                query: String::new(),
                since: None,
                past: Past::Kept,
                seen,
                unreadable,
                names: if count > 1 { Names::Told } else { Names::Untold },
            });
        }
        let word = words.first().map(String::as_str).unwrap_or_default();
        let scene = match Scene::open(session) {
            // who has no configuration and writes what reads like a file's name means a file
            Err(CliError::Config(ConfigError::NotFound { .. })) if Path::new(word).extension().is_some() => {
                return Err(CliError::Usage(format!(
                    "{word}: there is no such file, and no configuration that names a server to ask; name a file \
                     that is there, or write a configuration with midwatch init"
                )));
            }
            opened => opened?,
        };
        let Some(logs) = scene.backends.logs.clone() else {
            return Err(scene.lacks(
                "logs",
                "add [contexts.NAME.logs] with a kind and a url, or name a file, or - for standard input",
            ));
        };
        let files = scene
            .context
            .logs
            .as_ref()
            .is_some_and(|config| config.endpoint().is_none());
        Ok(Self {
            logs,
            context: scene.context.name.clone(),
            query: word.to_owned(),
            since: (!files).then_some(SINCE),
            past: Past::Kept,
            seen: Seen::AsText,
            unreadable: Vec::new(),
            names: Names::Untold,
        })
    }
}

/// What is said of files that cannot be read.
pub fn mended(unreadable: &[String]) -> String {
    format!("{}: who runs midwatch must be let read it", unreadable.join("; "))
}

/// Whether words name files, each of them one or a pattern that matches some. Several words are no query.
fn name_files(words: &[String]) -> Result<bool, CliError> {
    let mut files = Vec::with_capacity(words.len());
    for word in words {
        files.push(names_files(word)?);
    }
    let Some(none) = files.iter().position(|is_file| !is_file) else {
        return Ok(!words.is_empty());
    };
    if words.len() == 1 {
        return Ok(false);
    }
    let word = words.get(none).map(String::as_str).unwrap_or_default();
    Err(CliError::Usage(if files.contains(&true) {
        format!("{word}: there is no such file; name files that are there")
    } else {
        "a query is one word: put it in quotes; files that are meant are not there".to_owned()
    }))
}

/// Whether a word names a file, or a pattern that matches some. What can only be a path and is none is a mistake.
fn names_files(word: &str) -> Result<bool, CliError> {
    if word.is_empty() {
        return Ok(false);
    }
    let path = Path::new(word);
    if path.is_dir() {
        return Err(CliError::Usage(format!(
            "{word} is a directory: name a file in it, or a pattern in quotes, as in '{}/*.log'",
            word.trim_end_matches('/')
        )));
    }
    if path.exists() {
        return Ok(true);
    }
    let matches = || glob::glob(word).is_ok_and(|mut found| found.any(|path| path.is_ok()));
    let pattern = word.contains(['*', '?']) && !word.contains(char::is_whitespace);
    if pattern && matches() {
        return Ok(true);
    }
    // a query begins otherwise
    if ["/", "./", "../"].iter().any(|begin| word.starts_with(begin)) {
        return Err(CliError::Usage(format!("{word}: there is no such file")));
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_told_from_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("app.log");
        std::fs::write(&file, "x").unwrap();
        let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
        assert!(names_files(&path("app.log")).unwrap() && names_files(&path("*.log")).unwrap());
        for query in [
            "",
            "{app=\"x\"} |= \"a/b\"",
            "level:error AND path:\"/x\"",
            "error",
        ] {
            assert!(!names_files(query).unwrap(), "{query}");
        }
        let missing = names_files(&path("other.log")).unwrap_err().to_string();
        assert!(missing.contains("no such file"), "{missing}");
        let words = |names: &[&str]| names.iter().map(|name| path(name)).collect::<Vec<_>>();
        assert!(name_files(&words(&["app.log", "*.log"])).unwrap());
        assert!(!name_files(&[]).unwrap() && !name_files(&["error".to_owned()]).unwrap());
        let mixed = [path("app.log"), "other.log".to_owned()];
        let mixed = name_files(&mixed).unwrap_err().to_string();
        assert!(mixed.starts_with("other.log: there is no such file"), "{mixed}");
        let query = ["error", "AND"].map(str::to_owned);
        let query = name_files(&query).unwrap_err().to_string();
        assert!(query.contains("put it in quotes"), "{query}");
        let directory = names_files(&path("")).unwrap_err().to_string();
        assert!(directory.contains("is a directory"), "{directory}");
    }
}
