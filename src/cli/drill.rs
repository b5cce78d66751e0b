//! `midwatch drill`: a game day. The demo's production breaks, the trainee is on call, and the end is a score.
//!
//! The console is the usual one; beside it, it keeps what was opened. What was done is in the journal, what was wrong
//! the demo's [`Judge`] knows, and [`crate::domain::drill`] holds the one against the other. In the end, with the
//! terminal given back, two questions are asked where somebody is there to answer: what it was, and who is to blame.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead as _, IsTerminal as _};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::args::DrillArgs;
use super::{CliError, Exit, Outcome, Session, block_on, console};
use crate::app::drill::{DrillLog, Look as Opened};
use crate::config::Config;
use crate::demo::child::spawn_child;
use crate::demo::drill::{Judge, drawn, lasts, services, suspects};
use crate::demo::world::Scenario;
use crate::domain::alert::matcher::display_list;
use crate::domain::drill::report::Again;
use crate::domain::drill::{Answer, Cause, Deed, DeedKind, Look, Run, Struck, Truth};
use crate::domain::incident::IncidentAct;
use crate::journal::outbox::{Author, made_since};
use crate::journal::{Journal, Opening};
use crate::outbox::{Entry, Payload, Purpose};
use crate::text::{SafeText, width};

/// A number that is easily said again.
const SEEDS: i64 = 100_000;
/// How often an answer that is none is asked for again.
const TRIES: usize = 3;

/// Runs the command.
pub fn run(session: &mut Session, args: &DrillArgs) -> Outcome {
    if args.list && session.globals.json {
        session.out.json(&kinds())?;
        return Ok(Exit::Done);
    }
    if args.list {
        for cause in Cause::ALL {
            session
                .out
                .line(&format!("{:<20} {}", cause.word(), cause.sentence()))?;
        }
        return Ok(Exit::Done);
    }
    let seed = match args.seed {
        Some(seed) => seed,
        None => session
            .clock
            .now()
            .utc
            .timestamp_millis()
            .rem_euclid(SEEDS)
            .unsigned_abs(),
    };
    let cause = match &args.scenario {
        None => drawn(seed),
        Some(word) => Cause::by_word(word).ok_or_else(|| {
            let known: Vec<&str> = Cause::ALL.into_iter().map(Cause::word).collect();
            CliError::Usage(format!(
                "there is no drill {word:?}; there are {}",
                known.join(", ")
            ))
        })?,
    };
    if let Some(path) = &args.keep {
        // A place that cannot be written to is said now, not when the score is there. What lies there stays until then.
        let opened = fs::OpenOptions::new().append(true).create(true).open(path);
        opened.map_err(|error| CliError::Usage(format!("--keep {}: {error}", path.display())))?;
    }
    let program = std::env::current_exe()?;
    let child = spawn_child(&program, Scenario::Drill(cause), seed, args.into)?;
    let announcement = child.announcement();
    session.globals.config = Some(announcement.config.clone());
    session.globals.context = None;
    let (config, context) = session.context()?;
    let anchor = announcement.anchor;
    let began = session.clock.now().utc;
    let (onset, mended) = lasts(cause, seed, anchor);
    let log = DrillLog::between(began, mended);
    let (exit, log) = console::in_drill(session, log)?;
    let ended = session.clock.now().utc;

    // What was done lies in the demo's own directory, which goes with it.
    let done = acts(&config, &context.name, began)?;
    drop(child);
    // Who leaves before anything is wrong has nothing to say of it.
    let answer = if ended < onset { None } else { ask(session)? };
    session.out.progress("working out what it was…")?;
    let judge = Judge::new(cause, seed, anchor).map_err(failed)?;
    let truth = judge.truth();
    let deeds = done.iter().map(|entry| deed(entry, &truth, &judge)).collect();
    let run = Run {
        truth,
        began,
        ended,
        services: services().map(str::to_owned).collect(),
        update_due: TimeDelta::from_std(config.nudges.update).unwrap_or(TimeDelta::MAX),
        looks: log.looks.into_iter().map(|opened| look(opened, &judge)).collect(),
        deeds,
        answer,
    };
    let again = Again {
        scenario: cause.word(),
        seed,
    };
    tell(session, args, &run, &again)?;
    Ok(exit)
}

/// The document of `--list --json`.
#[derive(Debug, Serialize)]
struct Kinds {
    drills: Vec<Kind>,
}

/// A kind of drill.
#[derive(Debug, Serialize)]
struct Kind {
    /// Its word on the command line.
    scenario: Cause,
    /// What is wrong in it.
    summary: &'static str,
}

fn kinds() -> Kinds {
    let drills = Cause::ALL.into_iter().map(|cause| Kind {
        scenario: cause,
        summary: cause.sentence(),
    });
    Kinds {
        drills: drills.collect(),
    }
}

fn failed(words: impl std::fmt::Display) -> CliError {
    CliError::Unexpected(color_eyre::eyre::eyre!("{words}"))
}

/// Prints the score, and keeps it where that is asked for.
fn tell(session: &mut Session, args: &DrillArgs, run: &Run, again: &Again) -> Result<(), CliError> {
    let score = run.score();
    let text = if session.globals.json {
        let document = run.document(again, &score);
        session.out.json(&document)?;
        let text = serde_json::to_string_pretty(&document).map_err(failed)?;
        crate::text::escape_json(&text).into_owned() + "\n"
    } else {
        // What was typed, and what a backend said, stands in it.
        let lines: Vec<String> = run
            .text(again, &score)
            .lines()
            .map(|line| SafeText::line(line).into_string())
            .collect();
        let cells = std::io::stdout()
            .is_terminal()
            .then(crossterm::terminal::size)
            .and_then(Result::ok)
            .map_or(usize::MAX, |(cells, _)| usize::from(cells));
        let shown: Vec<String> = lines.iter().flat_map(|line| hanging(line, cells)).collect();
        session.out.text(&(shown.join("\n") + "\n"))?;
        lines.join("\n") + "\n"
    };
    if let Some(path) = &args.keep {
        fs::write(path, text).map_err(|error| failed(format!("{}: {error}", path.display())))?;
    }
    Ok(())
}

/// A line in as many as it takes, the later ones below where its words begin.
fn hanging(line: &str, cells: usize) -> Vec<String> {
    const COLUMNS: usize = 30;
    if width(line) <= cells {
        return vec![line.to_owned()];
    }
    let head: String = line.chars().take(COLUMNS).collect();
    let gap = head.trim_end().rfind("  ").map_or(0, |at| at + 2);
    let indent = " ".repeat(if gap + 20 < cells { gap } else { 2 });
    let options = textwrap::Options::new(cells.max(8)).subsequent_indent(&indent);
    textwrap::wrap(line, options)
        .into_iter()
        .map(Cow::into_owned)
        .collect()
}

/// What was done in the console, oldest first.
fn acts(config: &Config, context: &str, since: DateTime<Utc>) -> Result<Vec<Entry>, CliError> {
    let Some(opening) = Opening::of(config).filter(|opening| opening.path.exists()) else {
        return Ok(Vec::new());
    };
    let author = Author {
        context: context.into(),
        actor: Arc::from(config.identity.as_str()),
    };
    let mut found = Vec::new();
    block_on(async {
        let journal = Journal::open(&opening).map_err(failed)?;
        found = journal
            .read(move |tx| made_since(tx, &author, since))
            .await
            .map_err(failed)?;
        Ok(Exit::Done)
    })?;
    Ok(found)
}

fn look(opened: Opened, judge: &Judge) -> Look {
    let seen = opened.seen;
    let is_struck = seen.trace.is_some_and(|trace| judge.is_struck(trace));
    Look {
        at: opened.at,
        view: seen.view,
        service: seen.service,
        words: seen.words,
        struck: if is_struck { Struck::Yes } else { Struck::No },
    }
}

/// An act of the outbox as a judge sees it.
fn deed(entry: &Entry, truth: &Truth, judge: &Judge) -> Deed {
    let at = entry.created_at;
    let service_in = |text: &str| {
        let struck = truth.struck.iter().chain([&truth.culprit]);
        struck
            .filter_map(|service| Some((text.find(service.as_str())?, service)))
            .min()
            .map_or_else(|| text.to_owned(), |(_, service)| service.clone())
    };
    let kind = match &entry.payload {
        Payload::Silence {
            matchers, purpose, ..
        } => {
            let text = display_list(matchers);
            match purpose {
                Purpose::Acknowledge { .. } => DeedKind::Acknowledged {
                    service: Some(service_in(&text)),
                },
                Purpose::Silence => DeedKind::Silenced {
                    matchers: text,
                    hides: judge.hidden(matchers, at),
                },
            }
        }
        Payload::ExtendSilence { .. } => DeedKind::Other {
            words: "extended a silence".to_owned(),
        },
        Payload::ExpireSilence { .. } => DeedKind::Other {
            words: "ended a silence".to_owned(),
        },
        Payload::Annotation(_) => DeedKind::Other {
            words: "marked a moment".to_owned(),
        },
        Payload::Incident {
            incident, act, label, ..
        } => {
            let on = (!incident.is_local()).then(|| label.to_string());
            of_incident(act, label, (on, service_in(label)))
        }
    };
    Deed { at, kind }
}

fn of_incident(act: &IncidentAct, label: &str, (on, service): (Option<String>, String)) -> DeedKind {
    let other = |words: &str| DeedKind::Other {
        words: format!("{words} {label}"),
    };
    let woke = |words: String| DeedKind::Escalated {
        words: format!("{words} for {label}"),
    };
    match act {
        IncidentAct::Acknowledge => DeedKind::Acknowledged {
            service: Some(service),
        },
        IncidentAct::Escalate { to } => woke(format!("escalated to level {to}")),
        IncidentAct::ReassignTo { .. } => woke("gave it to somebody else".to_owned()),
        IncidentAct::ReassignPolicy { policy } => woke(format!("woke {}", policy.name)),
        IncidentAct::Page { people, .. } => woke(format!("paged {} people", people.len())),
        IncidentAct::Note { text } => DeedKind::Noted {
            on,
            text: text.clone(),
        },
        IncidentAct::StatusUpdate { text } => DeedKind::Updated {
            on,
            text: text.clone(),
        },
        IncidentAct::Resolve { .. } => other("resolved"),
        IncidentAct::Snooze { .. } => other("snoozed"),
        IncidentAct::Merge { .. } => DeedKind::Merged {
            service,
            words: format!("merged others into {label}"),
        },
        IncidentAct::Priority { priority } => other(&format!("gave priority {} to", priority.name)),
        IncidentAct::Advance { .. } => other("moved on"),
        IncidentAct::Assign { .. } => other("gave a role in"),
    }
}

/// Asks what it was. Nobody is asked where nobody can answer.
fn ask(session: &mut Session) -> Result<Option<Answer>, CliError> {
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    let causes: Vec<&str> = Cause::ALL.into_iter().map(Cause::sentence).collect();
    let cause = choose(session, "What was it?", &causes)?;
    let suspects = suspects();
    let culprit = choose(session, "Who or what is to blame?", &suspects)?;
    Ok(Some(Answer {
        at: session.clock.now().utc,
        cause: cause.and_then(|at| Cause::ALL.get(at).copied()),
        culprit: culprit
            .and_then(|at| suspects.get(at))
            .map(|name| (*name).to_owned()),
    }))
}

/// One of these, by its number or its word; nothing where they do not know. Asked on standard error: the score has
/// standard output to itself.
fn choose(session: &mut Session, question: &str, of: &[&str]) -> io::Result<Option<usize>> {
    let mut words = format!("{question}\n");
    for (number, choice) in (1..).zip(of) {
        // Writing to a String cannot fail.
        let _ = writeln!(words, "  {number:>2}  {choice}");
    }
    words.push_str("A number, or enter if you do not know:");
    session.out.diagnose(&words)?;
    for _ in 0..TRIES {
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line)? == 0 || line.trim().is_empty() {
            return Ok(None);
        }
        match chosen(line.trim(), of) {
            Some(at) => return Ok(Some(at)),
            None => session
                .out
                .diagnose(&format!("a number from 1 to {}, or enter:", of.len()))?,
        }
    }
    Ok(None)
}

fn chosen(line: &str, of: &[&str]) -> Option<usize> {
    let by_number = line.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
    by_number
        .filter(|at| *at < of.len())
        .or_else(|| of.iter().position(|choice| choice.eq_ignore_ascii_case(line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_score_goes_on_below_its_words() {
        let part = "   12/20  acknowledge       all within 2 minutes of the page, none after 8, when the next level is \
                    paged";
        let lines = hanging(part, 80);
        assert_eq!(lines.len(), 2, "{lines:#?}");
        assert!(lines.iter().all(|line| width(line) <= 80), "{lines:#?}");
        assert!(lines[1].starts_with(&(" ".repeat(28) + "the next")), "{lines:#?}");
        let long = "  what it was   disk-full: the volume of the order database ran full, and every write failed until \
                    somebody made room";
        let lines = hanging(long, 60);
        assert!(lines.iter().all(|line| width(line) <= 60), "{lines:#?}");
        assert!(lines[1..].iter().all(|line| line.starts_with(&" ".repeat(16))));
        assert_eq!(hanging(part, usize::MAX), [part]);
    }

    #[test]
    fn the_kinds_are_one_document() {
        let json = serde_json::to_value(kinds()).unwrap();
        let drills = json["drills"].as_array().unwrap();
        assert_eq!(drills.len(), Cause::ALL.len());
        assert_eq!(
            drills[0],
            serde_json::json!({"scenario": "bad-deploy", "summary": "a release that cannot work"})
        );
    }

    #[test]
    fn an_answer_is_a_number_or_the_word_itself() {
        let of = ["checkout", "payment"];
        let told = ["1", "2", "3", "0", "payment", "Checkout", "pay"].map(|line| chosen(line, &of));
        assert_eq!(told, [Some(0), Some(1), None, None, Some(1), Some(0), None]);
    }
}
