//! `midwatch outbox`: acts that are not confirmed yet; goes on with them, drops one, decides one. Pages of local
//! incidents that reached nobody are listed with them, and dropping one says that somebody sees to it.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::args::{OutboxArgs, OutboxCommand, OutboxRow};
use super::gather::{Danger, Deadline, Scene, finish};
use super::sending::{Sending, outcome};
use super::{CliError, Exit, Outcome, Session};
use crate::domain::alert::json::ActReport;
use crate::journal::{Journal, Opening, notices};
use crate::notify::{Tries, Unreached, phones};
use crate::outbox::story::incident_of;
use crate::outbox::{Decision, Entry, EntryId, State};
use crate::text::{SafeText, escape_json, fit};

/// Runs the command.
pub async fn run(session: &mut Session, args: &OutboxArgs) -> Outcome {
    match args.command.unwrap_or(OutboxCommand::List) {
        OutboxCommand::List => list(session).await,
        OutboxCommand::Retry => retry(session, args).await,
        OutboxCommand::Drop {
            id: OutboxRow::Entry(id),
        } => decide(session, args, EntryId(id), Decision::Drop).await,
        OutboxCommand::Drop {
            id: OutboxRow::Page(id),
        } => answer(session, args, id).await,
        OutboxCommand::Send { id } => decide(session, args, EntryId(id), Decision::Send).await,
    }
}

async fn list(session: &mut Session) -> Outcome {
    let scene = Scene::open(session)?;
    let journal = super::sending::journal(&scene)?;
    let context = scene.context.name.clone();
    let (records, pages) = journal
        .read(move |tx| {
            let records = crate::journal::outbox::open(tx, &context)?;
            Ok((records, notices::unreached(tx, &context)?))
        })
        .await?;
    let entries: Vec<Entry> = records.into_iter().map(|record| record.entry).collect();
    if session.globals.json {
        session.out.text(&document(&scene, &entries, &pages)?)?;
        session.out.text("\n")?;
    } else {
        session.out.text(&table(&entries, &pages))?;
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
    session
        .acted_on
        .extend(ours.iter().filter_map(incident_of).cloned());
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
    session
        .acted_on
        .extend(entries.iter().filter_map(incident_of).cloned());
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

/// Takes down that whoever acts sees to a page that reached nobody.
async fn answer(session: &mut Session, args: &OutboxArgs, id: i64) -> Outcome {
    let scene = Scene::for_any_act(session, &args.act, Danger::Free)?;
    let journal = super::sending::journal(&scene)?;
    let (context, by) = (scene.context.name.clone(), scene.config.identity.clone());
    let now = scene.now().utc;
    let answered = journal.write(move |tx| {
        let pages = notices::unreached(tx, &context)?;
        let Some(page) = pages.into_iter().find(|page| page.ids.contains(&id)) else {
            return Ok(None);
        };
        notices::answer(tx, &page.ids, (&by, now))?;
        Ok(Some(page))
    });
    let Some(page) = answered.await? else {
        return Err(CliError::Usage(format!(
            "page-{id}: no page of that number asks; nothing was done; `midwatch outbox` lists them"
        )));
    };
    let said = format!(
        "page-{id} {}: noted: {} is yours to phone",
        page.incident,
        phones(&page.people)
    );
    session.out.text(&format!("{}\n", SafeText::line(&said)))?;
    session.out.flush()?;
    Ok(Exit::Done)
}

/// Pages of local incidents that reached nobody, in words: said by what tells how the incidents stand.
pub async fn unreached(scene: &Scene) -> Vec<String> {
    let Some(opening) = Opening::of(&scene.config).filter(|opening| opening.path.exists()) else {
        return Vec::new();
    };
    let context = scene.context.name.clone();
    let read = match Journal::open(&opening) {
        Ok(journal) => journal.read(move |tx| notices::unreached(tx, &context)).await,
        Err(error) => Err(error),
    };
    match read {
        Ok(pages) => pages
            .iter()
            .map(|page| {
                let id = page_id(page);
                format!(
                    "{}; `midwatch outbox drop {id}` where you see to it",
                    page.words()
                )
            })
            .collect(),
        Err(error) => vec![format!(
            "whether every page reached somebody is not known: {error}"
        )],
    }
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
    unreached: Vec<PageRow<'a>>,
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

/// A page of a local incident that reached nobody.
#[derive(Serialize)]
struct PageRow<'a> {
    id: String,
    incident: &'a str,
    level: Option<u32>,
    created_at: String,
    people: Vec<Callee<'a>>,
    why: &'a str,
    is_tried_again: bool,
}

#[derive(Serialize)]
struct Callee<'a> {
    name: &'a str,
    phone: Option<&'a str>,
}

impl<'a> PageRow<'a> {
    fn of(page: &'a Unreached) -> Self {
        let callee = |person: &'a crate::domain::incident::Person| Callee {
            name: &person.name,
            phone: person.phone.as_deref(),
        };
        Self {
            id: page_id(page),
            incident: &page.incident.0,
            level: page.level(),
            created_at: time(page.at),
            people: page.people.iter().map(callee).collect(),
            why: &page.why,
            is_tried_again: match page.tries {
                Tries::GoOn => true,
                Tries::Over => false,
            },
        }
    }
}

/// By the first of its notifications, whatever follows.
fn page_id(page: &Unreached) -> String {
    format!("page-{}", page.ids.iter().min().copied().unwrap_or_default())
}

fn document(scene: &Scene, entries: &[Entry], pages: &[Unreached]) -> Result<String, CliError> {
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
        unreached: pages.iter().map(PageRow::of).collect(),
        errors: [],
        warnings: [],
    };
    let text = serde_json::to_string(&document).map_err(|error| CliError::Unexpected(error.into()))?;
    Ok(escape_json(&text).into_owned())
}

fn table(entries: &[Entry], pages: &[Unreached]) -> String {
    if entries.is_empty() && pages.is_empty() {
        return "nothing waits in the outbox\n".to_owned();
    }
    let mut out = String::new();
    // Who sleeps through it comes first, as in the console.
    for page in pages {
        let row = format!(
            "{:>7} {} {} {} {}",
            page_id(page),
            page.at.format("%Y-%m-%d %H:%M:%SZ"),
            fit("unreached", 14),
            fit("page", 14),
            page.words()
        );
        let _ = writeln!(out, "{}", SafeText::line(&row));
    }
    for entry in entries {
        let head = format!(
            "{:>7} {} {} {} {}",
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
