//! `midwatch outbox`: acts that are not confirmed yet; goes on with them, drops one, decides one.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::args::{OutboxArgs, OutboxCommand};
use super::gather::{Danger, Deadline, Scene, finish};
use super::sending::{Sending, outcome};
use super::{CliError, Exit, Outcome, Session};
use crate::domain::alert::json::ActReport;
use crate::outbox::{Decision, Entry, EntryId, State};
use crate::text::{SafeText, escape_json, fit};

/// Runs the command.
pub async fn run(session: &mut Session, args: &OutboxArgs) -> Outcome {
    match args.command.unwrap_or(OutboxCommand::List) {
        OutboxCommand::List => list(session).await,
        OutboxCommand::Retry => retry(session, args).await,
        OutboxCommand::Drop { id } => decide(session, args, EntryId(id), Decision::Drop).await,
        OutboxCommand::Send { id } => decide(session, args, EntryId(id), Decision::Send).await,
    }
}

async fn list(session: &mut Session) -> Outcome {
    let scene = Scene::open(session)?;
    let journal = super::sending::journal(&scene)?;
    let context = scene.context.name.clone();
    let records = journal
        .read(move |tx| crate::journal::outbox::open(tx, &context))
        .await?;
    let entries: Vec<Entry> = records.into_iter().map(|record| record.entry).collect();
    if session.globals.json {
        session.out.text(&document(&scene, &entries)?)?;
        session.out.text("\n")?;
    } else {
        session.out.text(&table(&entries))?;
    }
    session.out.flush()?;
    Ok(Exit::Done)
}

async fn retry(session: &mut Session, args: &OutboxArgs) -> Outcome {
    let scene = Scene::for_any_act(session, &args.act, Danger::Free)?;
    let deadline = Deadline::start(args.act.wait);
    let sending = Sending::open(&scene)?;
    let ours: Vec<Entry> = sending
        .open_entries()
        .await?
        .into_iter()
        .filter(|entry| sending.is_ours(entry))
        .collect();
    for entry in ours.iter().filter(|entry| entry.state == State::Pending) {
        // One that another process is on right now, or that ended or asks by now, needs no hurrying.
        let _ = sending.decide(entry.id, Decision::Hurry).await?;
    }
    let ids: Vec<EntryId> = ours.iter().map(|entry| entry.id).collect();
    let entries = sending.wait(&ids, &deadline).await?;
    told(session, &scene, args, &entries)
}

async fn decide(session: &mut Session, args: &OutboxArgs, id: EntryId, decision: Decision) -> Outcome {
    let danger = match decision {
        Decision::Send => Danger::Confirm,
        Decision::Hurry | Decision::Retry | Decision::Drop => Danger::Free,
    };
    let scene = Scene::for_any_act(session, &args.act, danger)?;
    let deadline = Deadline::start(args.act.wait);
    let sending = Sending::open(&scene)?;
    if let Err(why) = sending.decide(id, decision).await? {
        return Err(CliError::Usage(format!("{id}: {why}; nothing was done")));
    }
    let entries = sending.wait(&[id], &deadline).await?;
    if decision == Decision::Drop {
        for entry in &entries {
            let said = format!("{id} {}: {}", entry.payload.target(), entry.outcome);
            session.out.text(&format!("{}\n", SafeText::line(&said)))?;
        }
        session.out.flush()?;
        return Ok(Exit::Done);
    }
    told(session, &scene, args, &entries)
}

fn told(session: &mut Session, scene: &Scene, args: &OutboxArgs, entries: &[Entry]) -> Outcome {
    let outcomes = entries
        .iter()
        .map(|entry| outcome(entry.payload.target(), &[entry], args.act.wait));
    let report = ActReport {
        outcomes: outcomes.collect(),
        warnings: Vec::new(),
        errors: Vec::new(),
    };
    finish(session, scene, &report)
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[derive(Serialize)]
struct Document<'a> {
    context: &'a str,
    at: String,
    entries: Vec<EntryRow<'a>>,
    errors: [(); 0],
    warnings: [(); 0],
}

#[derive(Serialize)]
struct EntryRow<'a> {
    id: String,
    context: &'a str,
    created_at: String,
    actor: &'a str,
    action: &'static str,
    target: String,
    state: &'static str,
    attempts: u32,
    last_error: Option<&'a str>,
    next_attempt_at: Option<String>,
}

fn document(scene: &Scene, entries: &[Entry]) -> Result<String, CliError> {
    let rows = entries.iter().map(|entry| EntryRow {
        id: entry.id.to_string(),
        context: &entry.context,
        created_at: time(entry.created_at),
        actor: &entry.actor,
        action: entry.payload.action(),
        target: entry.payload.target(),
        state: entry.state.word(),
        attempts: entry.attempts,
        last_error: entry.last_error.as_deref(),
        next_attempt_at: entry.next_attempt_at.map(time),
    });
    let document = Document {
        context: &scene.context.name,
        at: time(scene.now().utc),
        entries: rows.collect(),
        errors: [],
        warnings: [],
    };
    let text = serde_json::to_string(&document).map_err(|error| CliError::Unexpected(error.into()))?;
    Ok(escape_json(&text).into_owned())
}

fn table(entries: &[Entry]) -> String {
    if entries.is_empty() {
        return "nothing waits in the outbox\n".to_owned();
    }
    let mut out = String::new();
    for entry in entries {
        let head = format!(
            "{:>5} {} {} {} {}",
            entry.id,
            entry.created_at.format("%Y-%m-%d %H:%M:%SZ"),
            fit(entry.state.word(), 14),
            fit(entry.payload.action(), 14),
            entry.payload.target()
        );
        let why = entry
            .last_error
            .as_deref()
            .map(|why| format!(": {why}"))
            .unwrap_or_default();
        // a String takes all
        let _ = writeln!(
            out,
            "{}",
            SafeText::line(&format!("{head} by {}{why}", entry.actor))
        );
    }
    out
}
