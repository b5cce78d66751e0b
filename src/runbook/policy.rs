//! Which programs a context lets runbooks run, and whether a line of one may be run here.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::command::{Argv, NotRunnable, Takes, Template};
use super::playbook::Playbook;
use crate::domain::alert::Labels;

/// A program that the configuration allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// As it is written in `allowed_programs`: a name, or an absolute path.
    pub written: String,
    /// Where it lies, looked up once; why it cannot be run where it cannot.
    pub path: Result<PathBuf, String>,
    /// What lay there then; it is held against what lies there when it is run.
    pub identity: Option<Identity>,
    /// What it is handed of labels.
    pub takes: Takes,
}

/// What tells a file from another one that is put in its place, or from itself after it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Its device and its number there.
    pub inode: (u64, u64),
    /// Bytes.
    pub size: u64,
    /// When its content was written, seconds and nanoseconds of the Unix time.
    pub written: (i64, i64),
    /// When anything of it was changed, its owner and mode too; nobody can set that back.
    pub changed: (i64, i64),
}

impl Program {
    /// Whether a runbook's word means it: as it is written, by its file's name, or by its path.
    fn is_meant_by(&self, word: &str) -> bool {
        let name = Path::new(&self.written).file_name();
        self.written == word
            || name.is_some_and(|name| name.to_str() == Some(word))
            || self.path.as_deref() == Ok(Path::new(word))
    }
}

/// How a command is run, whichever it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Means {
    /// How long it may take.
    pub limit: Duration,
    /// The directory it runs in; where this program runs unless said.
    pub cwd: Option<PathBuf>,
    /// Variables that it is given: what makes a program mean this context.
    pub env: Vec<(String, String)>,
    /// This program's own file, which starts it in a session of its own, where no terminal can be asked for anything.
    /// Without it, it is started in this one's.
    pub launcher: Option<PathBuf>,
}

impl Default for Means {
    fn default() -> Self {
        Self {
            limit: Duration::from_secs(30),
            cwd: None,
            env: Vec::new(),
            launcher: None,
        }
    }
}

/// What a context says of runbooks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// Its context, for words.
    pub context: String,
    /// Where runbooks lie.
    pub dir: Option<PathBuf>,
    /// What may be run; nothing where nothing is said.
    pub programs: Vec<Program>,
    /// How a command is run.
    pub means: Means,
    /// Commands in their order, for the alerts that match.
    pub playbooks: Vec<Playbook>,
}

/// A line of a runbook with its places filled, and what would run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// The arguments.
    pub argv: Argv,
    /// The file that is run, or why it is not.
    pub program: Result<PathBuf, String>,
}

impl Policy {
    /// A line with its places filled from labels.
    ///
    /// # Errors
    /// Why it is a line to be read only, in words.
    pub fn offer(
        &self,
        template: Result<&Template, NotRunnable>,
        labels: &Labels,
    ) -> Result<Offered, String> {
        let template = template.map_err(|why| why.to_string())?;
        let takes = self
            .meant(template.program())
            .map_or(Takes::default(), |program| program.takes);
        let argv = template
            .fill(labels, takes)
            .map_err(|refused| refused.to_string())?;
        let program = self.program(argv.program());
        Ok(Offered { argv, program })
    }

    fn meant(&self, word: &str) -> Option<&Program> {
        self.programs.iter().find(|program| program.is_meant_by(word))
    }

    /// What lay where a word of a runbook means, when it was looked up.
    pub fn identity(&self, word: &str) -> Option<Identity> {
        self.meant(word)?.identity
    }

    /// The file that a word of a runbook means.
    ///
    /// # Errors
    /// Why it is not run, in words.
    pub fn program(&self, word: &str) -> Result<PathBuf, String> {
        self.meant(word).map_or_else(
            || {
                Err(format!(
                    "{word} is not allowed here: add it to allowed_programs of [contexts.{}]",
                    self.context
                ))
            },
            |program| program.path.clone(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        let program = |written: &str, path: Result<&str, &str>| Program {
            written: written.to_owned(),
            path: path.map(PathBuf::from).map_err(str::to_owned),
            identity: None,
            takes: Takes::Names,
        };
        Policy {
            context: "prod".to_owned(),
            programs: vec![
                program("kubectl", Ok("/usr/bin/kubectl")),
                program("/opt/tools/psqlro", Ok("/opt/tools/psqlro")),
                program("gone", Err("gone is allowed, but is not in PATH")),
                Program {
                    takes: Takes::Text,
                    ..program("notify", Ok("/opt/tools/notify"))
                },
            ],
            ..Policy::default()
        }
    }

    fn program(line: &str) -> Result<PathBuf, String> {
        let template = Template::read(line).unwrap();
        policy().offer(Ok(&template), &Labels::default()).unwrap().program
    }

    #[test]
    fn only_what_the_configuration_names_may_run_and_it_runs_from_where_that_lies() {
        for line in ["kubectl get pods", "/usr/bin/kubectl get pods"] {
            assert_eq!(program(line), Ok(PathBuf::from("/usr/bin/kubectl")), "{line}");
        }
        assert_eq!(program("psqlro x"), Ok(PathBuf::from("/opt/tools/psqlro")));
        for line in [
            "/tmp/kubectl get pods",
            "./kubectl get pods",
            "helm ls",
            "KUBECTL",
        ] {
            let why = program(line).unwrap_err();
            assert!(why.contains("allowed_programs of [contexts.prod]"), "{why}");
        }
        assert_eq!(
            program("gone").unwrap_err(),
            "gone is allowed, but is not in PATH"
        );
    }

    #[test]
    fn only_a_program_that_the_configuration_calls_plain_gets_more_than_names() {
        let labels: Labels = [("summary", "pool is full: 50 of 50")].into_iter().collect();
        let offer = |line: &str| {
            let template = Template::read(line).unwrap();
            policy().offer(Ok(&template), &labels)
        };
        assert!(offer("notify {{ labels.summary }}").is_ok());
        for line in ["kubectl {{ labels.summary }}", "unknown {{ labels.summary }}"] {
            let why = offer(line).unwrap_err();
            assert!(why.contains("plain_programs"), "{why}");
        }
    }

    #[test]
    fn nothing_is_allowed_where_nothing_is_said() {
        assert!(Policy::default().program("ls").is_err());
    }
}
