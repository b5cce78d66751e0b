//! `midwatch runbook ALERT|FILE`: the checklist with its commands filled in. It runs nothing.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::args::RunbookArgs;
use super::console;
use super::gather::{Rules, Scene, alert_in_words, alerts_of, say_errors, say_remarks};
use super::{CliError, Exit, Outcome, Session};
use crate::backend::BackendFailure;
use crate::backend::http::Wires;
use crate::domain::alert::desk::Arrangement;
use crate::domain::alert::{Alert, AlertBoard, AlertState, Labels};
use crate::domain::document::{Remarks, document};
use crate::runbook::source::{Unread, Wanted};
use crate::runbook::{Document, Policy, json, table};
use crate::runtime::runbooks::read;
use crate::text::SafeText;

/// Runs the command.
pub async fn run(session: &mut Session, args: &RunbookArgs) -> Outcome {
    if is_file(&args.what) {
        return of_file(session, &args.what).await;
    }
    let scene = Scene::with_alertmanagers(session)?;
    let policy = console::runbooks(session, &scene.context);
    session
        .out
        .progress(&format!("asking the Alertmanagers of {}…", scene.context.name))?;
    let board = scene.board(&Arrangement::default(), Rules::Leave).await;
    let alert = match alert(&args.what, &board) {
        Ok(alert) => alert,
        Err(error) => {
            say_errors(session, &board.errors)?;
            return Err(error);
        }
    };
    let wanted = Wanted {
        alert: alert.name.to_string(),
        link: alert.runbook().map(str::to_owned),
        dir: policy.dir.clone(),
    };
    let read = read::read(&wanted, &links(&scene, &Wires::default())).await;
    let of = json!({
        "name": alert.name,
        "fingerprint": alert.occurrence.fingerprint.to_string(),
        "runbook_url": wanted.link,
    });
    let told = Told {
        scene: &scene,
        policy: &policy,
        labels: &alert.labels,
        alert: of,
        errors: board.errors.clone(),
    };
    told.print(session, &read)
}

fn links<'a>(scene: &'a Scene, wires: &'a Wires) -> read::Links<'a> {
    read::Links {
        wires,
        runbooks: &scene.context.runbooks,
    }
}

/// Whether a file is meant, not an alert: an alert's name has neither a slash nor an ending.
fn is_file(what: &str) -> bool {
    what.contains('/')
        || Path::new(what)
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("md"))
}

/// A file of the person's own, wherever it lies; its places stay open, for there is no alert.
async fn of_file(session: &mut Session, path: &str) -> Outcome {
    let scene = Scene::open(session)?;
    let policy = console::runbooks(session, &scene.context);
    let path = Path::new(path);
    let wanted = Wanted {
        alert: String::new(),
        link: path
            .file_name()
            .map(|name| format!("file:{}", name.to_string_lossy())),
        dir: Some(
            path.parent()
                .filter(|dir| !dir.as_os_str().is_empty())
                .unwrap_or(Path::new("."))
                .to_owned(),
        ),
    };
    let read = read::read(&wanted, &links(&scene, &Wires::default()))
        .await
        .map_err(|mut unread| {
            "give the path of a file of Markdown".clone_into(&mut unread.mend);
            unread
        });
    let told = Told {
        scene: &scene,
        policy: &policy,
        labels: &Labels::default(),
        alert: Value::Null,
        errors: Vec::new(),
    };
    told.print(session, &read)
}

/// The one living alert of an id or a name.
pub(super) fn alert(what: &str, board: &AlertBoard) -> Result<Arc<Alert>, CliError> {
    let living = |alert: &&Arc<Alert>| !matches!(alert.state, AlertState::Gone | AlertState::Resolved);
    let mut found: Vec<&Arc<Alert>> = board
        .by_fingerprint
        .values()
        .filter(living)
        .filter(|alert| *alert.name == *what)
        .collect();
    if found.is_empty() {
        found = alerts_of(what, board);
    }
    found.sort_by_key(|alert| alert.occurrence.fingerprint);
    match found.as_slice() {
        [only] => Ok(Arc::clone(only)),
        [] => Err(CliError::Usage(format!(
            "no alert that fires is called {what} or has that id; `midwatch alerts` lists them, and a file is given by \
             its path (./{what}.md)"
        ))),
        several => {
            let listed: Vec<String> = several
                .iter()
                .map(|alert| format!("  {}", alert_in_words(alert)))
                .collect();
            Err(CliError::Usage(format!(
                "{} alerts are meant by {what}, and commands are filled from one: give an id\n{}",
                several.len(),
                listed.join("\n")
            )))
        }
    }
}

/// What is printed.
struct Told<'a> {
    scene: &'a Scene,
    policy: &'a Policy,
    labels: &'a Labels,
    alert: Value,
    errors: Vec<BackendFailure>,
}

impl Told<'_> {
    fn print(mut self, session: &mut Session, read: &Result<Document, Unread>) -> Outcome {
        let mut body = json!({"alert": self.alert});
        let mut text = None;
        let failed = match read {
            Ok(found) => {
                text = Some(table::text(found, self.labels, self.policy));
                body["runbook"] = json::body(found, self.labels, self.policy);
                None
            }
            Err(unread) => {
                body["runbook"] = Value::Null;
                let what: Vec<String> = unread
                    .what
                    .iter()
                    .map(|line| SafeText::line(line).into_string())
                    .collect();
                let message = format!("{}; {}", what.join("; "), unread.mend);
                self.errors.push(BackendFailure {
                    backend: "runbook".to_owned(),
                    message: message.clone(),
                });
                Some(message)
            }
        };
        let remarks = Remarks {
            errors: self.errors,
            ..Remarks::default()
        };
        if session.globals.json {
            let whole = document(&self.scene.context.name, self.scene.now().utc, body, &remarks);
            session.out.text(&whole)?;
            session.out.text("\n")?;
        } else if let Some(text) = text {
            session.out.text(&text)?;
            say_remarks(session, &remarks)?;
        }
        session.out.flush()?;
        match failed {
            Some(why) => Err(CliError::Backend(format!("no runbook: {why}"))),
            None if remarks.errors.is_empty() => Ok(Exit::Done),
            None => Ok(Exit::Backend),
        }
    }
}
