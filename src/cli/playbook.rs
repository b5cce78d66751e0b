//! `midwatch playbook [NAME ALERT]`: the playbooks of a context, or each step of one as it would run for an alert.
//!
//! It runs nothing. A step is run where its question can be looked over whole before it is answered, where what becomes of it is
//! told to the timeline, and where it can be stopped: in the console, on the page of the alert's runbook (`o`, then `c`).

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::args::PlaybookArgs;
use super::gather::{Rules, Scene, say_errors, say_remarks};
use super::{CliError, Exit, Outcome, Session, console, runbook};
use crate::domain::alert::Labels;
use crate::domain::alert::desk::Arrangement;
use crate::domain::alert::matcher;
use crate::domain::document::{Remarks, document};
use crate::runbook::command::exposed;
use crate::runbook::{PlayStep, Playbook, Policy};
use crate::text::SafeText;

/// Runs the command.
pub async fn run(session: &mut Session, args: &PlaybookArgs) -> Outcome {
    match (&args.name, &args.alert) {
        (Some(name), Some(alert)) => rehearse(session, name, alert).await,
        (None | Some(_), _) => list(session),
    }
}

/// All of the context.
fn list(session: &mut Session) -> Outcome {
    let scene = Scene::open(session)?;
    let policy = console::runbooks(session, &scene.context);
    let body = json!({"playbooks": policy.playbooks.iter().map(listed).collect::<Vec<_>>()});
    let mut text = String::new();
    for book in &policy.playbooks {
        let steps = book.steps.len();
        // writing to a String cannot fail
        let _ = writeln!(
            text,
            "{}  {steps} {}  for {}",
            book.name,
            if steps == 1 { "step" } else { "steps" },
            matcher::display_list(&book.matchers)
        );
    }
    if policy.playbooks.is_empty() {
        let name = &scene.context.name;
        let _ = writeln!(text, "no playbook is configured ([[contexts.{name}.playbooks]])");
    }
    told(session, &scene, body, &text, &Remarks::default())?;
    Ok(Exit::Done)
}

fn listed(book: &Playbook) -> Value {
    let steps: Vec<&[String]> = book.steps.iter().map(|step| step.written.as_slice()).collect();
    json!({
        "name": book.name,
        "match": matcher::display_list(&book.matchers),
        "steps": steps,
    })
}

/// One, its places filled from an alert.
async fn rehearse(session: &mut Session, name: &str, alert: &str) -> Outcome {
    let scene = Scene::with_alertmanagers(session)?;
    let policy = console::runbooks(session, &scene.context);
    let Some(book) = policy.playbooks.iter().find(|book| book.name == name) else {
        return Err(CliError::Usage(format!(
            "no playbook of {} is called {name}; `midwatch playbook` lists them",
            scene.context.name
        )));
    };
    session
        .out
        .progress(&format!("asking the Alertmanagers of {}…", scene.context.name))?;
    let board = scene.board(&Arrangement::default(), Rules::Leave).await;
    let alert = match runbook::alert(alert, &board) {
        Ok(alert) => alert,
        Err(error) => {
            say_errors(session, &board.errors)?;
            return Err(error);
        }
    };
    let is_for = book.is_for(&alert.labels);
    let body = json!({
        "alert": {"name": alert.name, "fingerprint": alert.occurrence.fingerprint.to_string()},
        "playbook": book.name,
        "matches": is_for,
        "steps": book.steps.iter().map(|step| step_document(step, &policy, &alert.labels)).collect::<Vec<_>>(),
    });
    let text = steps_text(book, &policy, &alert.labels);
    let mut remarks = Remarks {
        errors: board.errors.clone(),
        ..Remarks::default()
    };
    if !is_for {
        remarks.warnings.push(format!(
            "this playbook is not for {}: it matches {}",
            alert.name,
            matcher::display_list(&book.matchers)
        ));
    }
    told(session, &scene, body, &text, &remarks)?;
    if remarks.errors.is_empty() {
        Ok(Exit::Done)
    } else {
        Ok(Exit::Backend)
    }
}

/// A step as it would run now: `refused` says why it would not.
fn step_document(step: &PlayStep, policy: &Policy, labels: &Labels) -> Value {
    let offered = policy.offer(Ok(&step.template), labels);
    let check = step.check(labels).map_err(|refused| refused.to_string());
    let argv = offered.as_ref().ok().map(|offered| {
        let arguments = offered.argv.arguments().iter().map(|each| each.text.as_str());
        std::iter::once(offered.argv.program())
            .chain(arguments)
            .collect::<Vec<_>>()
    });
    let program = offered
        .as_ref()
        .map_err(Clone::clone)
        .and_then(|offered| offered.program.clone());
    let refused = program.as_ref().err().or(check.as_ref().err());
    json!({
        "run": step.written,
        "argv": argv,
        "program": program.as_ref().ok().map(|path| path.display().to_string()),
        "then": check.as_ref().ok().and_then(Option::as_ref).map(ToString::to_string),
        "refused": refused,
    })
}

/// The same for people: what a console shows before it begins.
fn steps_text(book: &Playbook, policy: &Policy, labels: &Labels) -> String {
    let mut out = format!(
        "# playbook {}: a dry run, nothing is run\n",
        SafeText::line(&book.name)
    );
    for (step, number) in book.steps.iter().zip(1..) {
        // writing to a String cannot fail
        let _ = writeln!(out, "\nstep {number} of {}", book.steps.len());
        let offered = policy.offer(Ok(&step.template), labels);
        let check = step.check(labels).map_err(|refused| refused.to_string());
        let mut why = check.as_ref().err().cloned();
        match offered {
            Ok(offered) => {
                let _ = writeln!(out, "  $ {}", SafeText::line(&offered.argv.exposed()));
                match offered.program {
                    Ok(path) => {
                        let _ = writeln!(out, "    runs {}", SafeText::line(&path.display().to_string()));
                    }
                    Err(not) => why = Some(not),
                }
            }
            Err(not) => {
                let _ = writeln!(out, "  | {}", SafeText::line(&step.written.join(" ")));
                why = Some(not);
            }
        }
        if let Ok(Some(check)) = &check {
            let _ = writeln!(out, "    {}", SafeText::line(&exposed(&check.to_string())));
        }
        if let Some(why) = why {
            let _ = writeln!(out, "    (would stop here: {})", SafeText::line(&why));
        }
    }
    out
}

fn told(
    session: &mut Session,
    scene: &Scene,
    body: Value,
    text: &str,
    remarks: &Remarks,
) -> Result<(), CliError> {
    if session.globals.json {
        let whole = document(&scene.context.name, scene.now().utc, body, remarks);
        session.out.text(&whole)?;
        session.out.text("\n")?;
    } else {
        session.out.text(text)?;
        say_remarks(session, remarks)?;
    }
    session.out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;
    use crate::runbook::command::{Phrase, Takes};
    use crate::runbook::{Expect, Program, Verify};

    fn policy() -> Policy {
        let step = |words: &[&str]| {
            let words = words.iter().map(|word| (*word).to_owned()).collect();
            let verify = Verify {
                query: Phrase::read("up{service=\"{{ labels.service }}\"}").unwrap(),
                expect: Expect::read("== 1").unwrap(),
            };
            PlayStep::read(words, Duration::from_secs(30), Some(verify)).unwrap()
        };
        Policy {
            context: "prod".to_owned(),
            programs: vec![Program {
                written: "kubectl".to_owned(),
                path: Ok(PathBuf::from("/usr/bin/kubectl")),
                identity: None,
                takes: Takes::Names,
            }],
            playbooks: vec![Playbook {
                name: "roll back".to_owned(),
                matchers: Vec::new(),
                steps: vec![
                    step(&["kubectl", "rollout", "undo", "deploy/{{ labels.service }}"]),
                    step(&["helm", "history", "{{ labels.service }}"]),
                ],
            }],
            ..Policy::default()
        }
    }

    #[test]
    fn each_step_is_told_as_it_would_run_with_what_it_asks_and_why_it_would_not() {
        let policy = policy();
        let labels: Labels = [("service", "checkout")].into_iter().collect();
        let text = steps_text(&policy.playbooks[0], &policy, &labels);
        for words in [
            "a dry run, nothing is run",
            "step 1 of 2\n  $ kubectl rollout undo deploy/checkout\n    runs /usr/bin/kubectl\n",
            "then waits 30s, asks up{service=\"checkout\"} and wants == 1",
            "step 2 of 2\n  $ helm history checkout\n",
            "(would stop here: helm is not allowed here",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        let hostile: Labels = [("service", "x; reboot")].into_iter().collect();
        let text = steps_text(&policy.playbooks[0], &policy, &hostile);
        assert!(
            !text.contains("$ kubectl") && text.contains("is no name"),
            "{text}"
        );
        let document = step_document(&policy.playbooks[0].steps[0], &policy, &labels);
        assert_eq!(document["argv"][3], "deploy/checkout");
        assert_eq!(document["program"], "/usr/bin/kubectl");
        assert_eq!(document["refused"], Value::Null);
    }
}
