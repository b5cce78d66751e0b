//! Which programs a context lets runbooks run, and whether a line of one may be run here.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::command::{Argv, NotRunnable, Template};
use super::playbook::Playbook;
use crate::domain::alert::Labels;

/// A program that the configuration allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// As it is written in `allowed_programs`: a name, or an absolute path.
    pub written: String,
    /// Where it lies, looked up once; why it cannot be run where it cannot.
    pub path: Result<PathBuf, String>,
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
        let argv = template.fill(labels).map_err(|refused| refused.to_string())?;
        let program = self.program(argv.program());
        Ok(Offered { argv, program })
    }

    /// The file that a word of a runbook means.
    ///
    /// # Errors
    /// Why it is not run, in words.
    pub fn program(&self, word: &str) -> Result<PathBuf, String> {
        let meant = self.programs.iter().find(|program| program.is_meant_by(word));
        meant.map_or_else(
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
        Policy {
            context: "prod".to_owned(),
            programs: vec![
                Program {
                    written: "kubectl".to_owned(),
                    path: Ok(PathBuf::from("/usr/bin/kubectl")),
                },
                Program {
                    written: "/opt/tools/psqlro".to_owned(),
                    path: Ok(PathBuf::from("/opt/tools/psqlro")),
                },
                Program {
                    written: "gone".to_owned(),
                    path: Err("gone is allowed, but is not in PATH".to_owned()),
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
    fn nothing_is_allowed_where_nothing_is_said() {
        assert!(Policy::default().program("ls").is_err());
    }
}
