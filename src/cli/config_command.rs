//! `midwatch config check|show|path`: no network.

use serde::Serialize;

use super::args::{ConfigArgs, ConfigCommand};
use super::{Exit, Outcome, Session};
use crate::config::{self, ConfigError, Gravity, Loaded, Place, Problem};

/// A mistake, as JSON.
#[derive(Debug, Serialize)]
struct Mistake {
    severity: &'static str,
    file: Option<String>,
    line: Option<usize>,
    column: Option<usize>,
    variable: Option<String>,
    key: String,
    message: String,
    mend: String,
}

impl From<&Problem> for Mistake {
    fn from(problem: &Problem) -> Self {
        let (line, column, variable) = match &problem.place {
            Place::At { line, column } => (Some(*line), Some(*column), None),
            Place::Env(name) => (None, None, Some(name.clone())),
            Place::Somewhere => (None, None, None),
        };
        Self {
            severity: match problem.gravity {
                Gravity::Error => "error",
                Gravity::Warning => "warning",
            },
            file: problem
                .file
                .as_ref()
                .map(|path| path.to_string_lossy().into_owned()),
            line,
            column,
            variable,
            key: problem.key.clone(),
            message: problem.what.clone(),
            mend: problem.mend.clone(),
        }
    }
}

#[derive(Debug, Serialize)]
struct Checked {
    path: Option<String>,
    ok: bool,
    contexts: Vec<String>,
    problems: Vec<Mistake>,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &ConfigArgs) -> Outcome {
    match args.command {
        ConfigCommand::Check => check(session),
        ConfigCommand::Show => show(session),
        ConfigCommand::Path => path(session),
    }
}

fn check(session: &mut Session) -> Outcome {
    let flags = session.flags();
    let path = config::find(&flags, &session.env).map(|path| path.to_string_lossy().into_owned());
    let (contexts, problems, exit) = match config::load(&flags, &session.env) {
        // The console opens with a wrong SLO file; who checks wants to know.
        Ok(Loaded { config, warnings }) => {
            let wrong = warnings.iter().any(|problem| problem.gravity == Gravity::Error);
            let exit = if wrong { Exit::Configuration } else { Exit::Done };
            (config.contexts.keys().cloned().collect(), warnings, exit)
        }
        Err(ConfigError::Invalid(problems)) => (Vec::new(), problems, Exit::Configuration),
        Err(
            error @ (ConfigError::NotFound { .. } | ConfigError::Unreadable { .. } | ConfigError::Context(_)),
        ) => return Err(error.into()),
    };
    if session.globals.json {
        session.out.json(&Checked {
            path,
            ok: exit == Exit::Done,
            contexts,
            problems: problems.iter().map(Mistake::from).collect(),
        })?;
    } else {
        for problem in &problems {
            let word = match problem.gravity {
                Gravity::Error => "error",
                Gravity::Warning => "warning",
            };
            session.out.diagnose(&format!("{word}: {problem}"))?;
        }
        if exit == Exit::Done {
            let whence = path.unwrap_or_else(|| "the environment".to_owned());
            session
                .out
                .line(&format!("{whence}: ok, contexts: {}", contexts.join(", ")))?;
        } else {
            let errors = problems.iter().filter(|p| p.gravity == Gravity::Error).count();
            let s = if errors == 1 { "" } else { "s" };
            session.out.diagnose(&format!("{errors} error{s}"))?;
        }
    }
    session.out.flush()?;
    Ok(exit)
}

fn show(session: &mut Session) -> Outcome {
    let config = session.config()?;
    let text = config::show(&config);
    if session.globals.json {
        let tree: toml::Table = toml::from_str(&text).map_err(std::io::Error::other)?;
        session.out.json(&tree)?;
    } else {
        for line in text.lines() {
            session.out.line(line)?;
        }
    }
    session.out.flush()?;
    Ok(Exit::Done)
}

fn path(session: &mut Session) -> Outcome {
    let flags = session.flags();
    let Some(path) = config::find(&flags, &session.env) else {
        return Err(ConfigError::NotFound {
            tried: config::candidates(&flags, &session.env),
        }
        .into());
    };
    if session.globals.json {
        session
            .out
            .json(&serde_json::json!({ "path": path.to_string_lossy() }))?;
    } else {
        session.out.line(&path.to_string_lossy())?;
    }
    session.out.flush()?;
    Ok(Exit::Done)
}
