//! `midwatch config check|show|path`: no network.

use std::path::PathBuf;

use serde::Serialize;

use super::args::{ConfigArgs, ConfigCommand};
use super::{Exit, Outcome, Session};
use crate::backend::metrics::plan::local_warning;
use crate::config::{self, Config, ConfigError, Environment, Examined, Gravity, Place, Problem, Secret};
use crate::domain::slo::Sli;
use crate::keymap::{self, Keymap};
use crate::theme::{self, ColorDepth, Glyphs, Means};

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
    // A file that does not read as one has nothing more to tell.
    let (contexts, problems) = match config::examine(&flags, &session.env) {
        Ok(examined) => {
            let opens = examined.opens();
            let Examined {
                config,
                mut problems,
                of_slo_files,
            } = examined;
            if let Some(name) = flags.context.as_deref().filter(|_| opens) {
                config.context(Some(name))?;
            }
            // The console opens with a wrong SLO file; who checks wants to know.
            problems.extend(of_slo_files);
            problems.extend(dress_problems(&config));
            problems.extend(query_problems(&config));
            problems.extend(secret_problems(&config, &session.env));
            let contexts = config.contexts.into_keys().filter(|_| opens).collect();
            (contexts, problems)
        }
        Err(ConfigError::Invalid(problems)) => (Vec::new(), problems),
        Err(
            error @ (ConfigError::NotFound { .. } | ConfigError::Unreadable { .. } | ConfigError::Context(_)),
        ) => return Err(error.into()),
    };
    let errors = problems.iter().filter(|p| p.gravity == Gravity::Error).count();
    let exit = if errors > 0 {
        Exit::Configuration
    } else {
        Exit::Done
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

/// What is wrong with the theme and the keymap that the console would open with.
fn dress_problems(config: &Config) -> Vec<Problem> {
    let means = Means {
        depth: ColorDepth::TrueColor,
        glyphs: Glyphs::Unicode,
    };
    let dir = config.config_dir.as_deref();
    let theme = theme::load(&config.theme, dir, means)
        .err()
        .map(|problems| ("theme", problems));
    let keymap = keymap::load(&config.keymap, dir);
    let doubts = keymap.as_ref().map(Keymap::doubts).unwrap_or_default();
    let doubts = doubts.into_iter().map(|doubt| Problem {
        gravity: Gravity::Warning,
        file: Some(PathBuf::from(&*doubt.said.file)),
        place: Place::At {
            line: doubt.said.line,
            column: 1,
        },
        key: "keymap".to_owned(),
        what: format!(
            "`{}` for {} may never arrive: {}",
            doubt.keys, doubt.action, doubt.why
        ),
        mend: "bind another key, or leave it where nothing takes it".to_owned(),
    });
    let keymap = keymap.err().map(|problems| ("keymap", problems));
    let files = [theme, keymap].into_iter().flatten();
    let errors = files.flat_map(|(key, problems)| {
        problems.0.into_iter().map(move |problem| Problem {
            gravity: Gravity::Error,
            file: Some(problem.file.into()),
            place: problem.at.map_or(Place::Somewhere, |at| Place::At {
                line: at.line,
                column: at.column,
            }),
            key: key.to_owned(),
            what: problem.what,
            mend: problem.mend,
        })
    });
    errors.chain(doubts).collect()
}

/// Queries that our own parser does not read: a warning, because the server may know more (MetricsQL, newer PromQL).
fn query_problems(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (context, slo) in config
        .contexts
        .iter()
        .flat_map(|(name, c)| c.slos.iter().map(move |slo| (name, slo)))
    {
        let queries: Vec<(&str, &str)> = match &slo.sli {
            Sli::Events { errors, total } => vec![("errors", errors), ("total", total)],
            Sli::Ratio { error_ratio } => vec![("error_ratio", error_ratio)],
            Sli::Latency { .. } | Sli::Recorded { .. } => Vec::new(),
        };
        for (key, query) in queries {
            let Some(why) = local_warning(query) else { continue };
            problems.push(Problem {
                gravity: Gravity::Warning,
                file: config.path.clone(),
                place: Place::Somewhere,
                key: format!("contexts.{context}.slos.{}.{key}", slo.name),
                what: format!("does not read as PromQL: {why}"),
                mend: "mend it, or leave it where the server speaks more than PromQL".to_owned(),
            });
        }
    }
    problems
}

/// Credentials that are not there: a warning, because the console may be started elsewhere.
fn secret_problems(config: &Config, env: &Environment) -> Vec<Problem> {
    let missing = config.keyed_secrets().into_iter().filter_map(|(key, secret)| {
        let what = match secret {
            Secret::Env(name) => env
                .get(name)
                .is_none()
                .then(|| format!("environment variable {name} is not set here")),
            Secret::File(path) => (!path.is_file()).then(|| format!("{} is no file here", path.display())),
            Secret::Inline(_) | Secret::Command(_) => None,
        };
        Some((key, what?))
    });
    let problem = |(key, what)| Problem {
        gravity: Gravity::Warning,
        file: config.path.clone(),
        place: Place::Somewhere,
        key,
        what,
        mend: "see that it is there where the console starts: what needs it fails without".to_owned(),
    };
    missing.map(problem).collect()
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
