//! The table of acts that are not yet known to have happened. What may be done with one is [`crate::outbox`]'s.
//!
//! A row is an entry: what SQL chooses by has columns of its own, the payload and the facts it is judged by are
//! JSON. Everything that changes an entry's state also writes its line of the audit log, in the same
//! transaction. Start at [`insert`] and [`take`].

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::audit::{self, Act};
use super::drafts::{self, DraftKey};
use super::{JournalError, JournalResult, Tx};
use crate::domain::alert::ack::Marker;
use crate::outbox::decide::{self, Undecided};
use crate::outbox::record::{Consent, Facts, Hold, Holder, Record};
use crate::outbox::{Decision, Draft, Entry, EntryId, Payload, RENEW, State};
use crate::time::{BootId, Stamp};

/// The acts.
pub(super) const TABLES: &str = "
CREATE TABLE outbox (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    context    TEXT NOT NULL,
    actor      TEXT NOT NULL,
    lane       TEXT NOT NULL,
    marker     TEXT NOT NULL UNIQUE,
    state      TEXT NOT NULL,
    created_at TEXT NOT NULL,
    settled_at TEXT,
    action     TEXT NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    outcome    TEXT NOT NULL DEFAULT '',
    remote_ids TEXT NOT NULL DEFAULT '[]',
    payload    TEXT NOT NULL,
    facts      TEXT NOT NULL,
    hold_pid   INTEGER,
    hold_token INTEGER,
    hold_boot  TEXT,
    hold_until INTEGER
) STRICT;
CREATE INDEX outbox_open ON outbox (context, lane, id) WHERE state IN ('pending', 'sending', 'needs_decision');
CREATE INDEX outbox_settled ON outbox (context, settled_at) WHERE settled_at IS NOT NULL;
";

/// Finds the escalations of an incident among all acts.
pub(super) const ESCALATIONS: &str =
    "CREATE INDEX outbox_escalations ON outbox (context, lane, id) WHERE action = 'escalate';";

const COLUMNS: &str = "id, context, actor, marker, state, created_at, attempts, last_error, outcome, remote_ids, \
                       payload, facts, hold_pid, hold_token, hold_boot, hold_until";

/// Settled entries are kept so long; what was done stays in the audit log.
pub const KEPT: TimeDelta = TimeDelta::days(30);
/// So many are forgotten at once: a few milliseconds.
const FORGOTTEN: i64 = 200;
/// The most other escalations of an incident that are looked through.
const TWINS: i64 = 50;
/// The most acknowledgements that are sought for adoption.
const ACKS_SOUGHT: i64 = 500;

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn written<T: Serialize>(value: &T) -> JournalResult<String> {
    serde_json::to_string(value).map_err(|error| JournalError::Failed(error.to_string()))
}

fn read<T: DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
    })
}

fn parsed<T, E: std::error::Error + Send + Sync + 'static>(value: Result<T, E>) -> rusqlite::Result<T> {
    value.map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
    })
}

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let marker: String = row.get("marker")?;
    let state: String = row.get("state")?;
    let created: String = row.get("created_at")?;
    let facts: Facts = read(&row.get::<_, String>("facts")?)?;
    let remote_ids: Vec<(Arc<str>, Arc<str>)> = read(&row.get::<_, String>("remote_ids")?)?;
    let unreadable = |what: &'static str| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, what.into())
    };
    let hold = match (
        row.get::<_, Option<i64>>("hold_pid")?,
        row.get::<_, Option<i64>>("hold_token")?,
        row.get::<_, Option<String>>("hold_boot")?,
        row.get::<_, Option<i64>>("hold_until")?,
    ) {
        (Some(pid), Some(token), Some(boot), Some(until)) => Some(Hold {
            holder: Holder {
                pid: u32::try_from(pid).unwrap_or_default(),
                token: token.cast_unsigned(),
            },
            boot: parsed(BootId::try_from(boot))?,
            until_ms: until.cast_unsigned(),
        }),
        (None | Some(_), None | Some(_), None | Some(_), None | Some(_)) => None,
    };
    Ok(Record {
        entry: Entry {
            id: EntryId(row.get("id")?),
            context: row.get::<_, String>("context")?.into(),
            created_at: parsed(DateTime::parse_from_rfc3339(&created))?.with_timezone(&Utc),
            actor: row.get::<_, String>("actor")?.into(),
            marker: Marker::from_digits(&marker).ok_or_else(|| unreadable("no marker"))?,
            payload: read(&row.get::<_, String>("payload")?)?,
            state: State::by_word(&state).ok_or_else(|| unreadable("no state of an entry"))?,
            attempts: row.get("attempts")?,
            last_error: row.get::<_, Option<String>>("last_error")?.map(Arc::from),
            next_attempt_at: facts.not_before.map(|at| at.utc),
            outcome: row.get::<_, String>("outcome")?.into(),
            remote_ids,
        },
        facts,
        hold,
    })
}

/// Whose acts these are, and for which context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The context they are for.
    pub context: Arc<str>,
    /// The identity that makes them, and that alone sends them.
    pub actor: Arc<str>,
}

/// Journals acts, in this order.
pub fn insert(tx: &Tx<'_>, author: &Author, drafts: &[Draft], now: &Stamp) -> JournalResult<Vec<EntryId>> {
    let mut ids = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let facts = Facts {
            created: *now,
            not_before: (!draft.grace.is_zero()).then(|| now.later(draft.grace)),
            requested: None,
            missed: None,
            unasked: None,
            checked: None,
            consent: Consent::None,
            troubles: 0,
            sight: draft.sight,
        };
        tx.prepare_cached(
            "INSERT INTO outbox (context, actor, lane, marker, state, created_at, action, payload, facts)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            author.context,
            author.actor,
            draft.payload.lane(&draft.marker),
            draft.marker.digits(),
            State::Pending.word(),
            time(now.utc),
            draft.payload.action(),
            written(&draft.payload)?,
            written(&facts)?,
        ])?;
        let id = EntryId(tx.last_insert_rowid());
        ids.push(id);
        let made = load(tx, id)?.ok_or_else(|| JournalError::Failed(format!("entry {id} is not there")))?;
        tell(tx, &made.entry, "journaled", now)?;
    }
    Ok(ids)
}

/// Journals renewals of acknowledgements: the entry of each, or nothing where its end was asked for already. One
/// that is under way is not asked for again.
pub fn renew(
    tx: &Tx<'_>,
    author: &Author,
    renewals: &[Draft],
    now: &Stamp,
) -> JournalResult<Vec<Option<EntryId>>> {
    let mut ids = Vec::with_capacity(renewals.len());
    for draft in renewals {
        let lane = draft.payload.lane(&draft.marker);
        let open = list(
            tx,
            "context = ?1 AND actor = ?2 AND lane = ?3 AND state IN ('pending', 'sending', 'needs_decision')
             ORDER BY id DESC",
            params![author.context, author.actor, lane],
        )?;
        let ends = |record: &Record| matches!(record.entry.payload, Payload::ExpireSilence { .. });
        let under_way = open.iter().find(|record| record.entry.payload.is_renewal());
        ids.push(match under_way {
            _ if open.iter().any(ends) => None,
            Some(renewal) => Some(renewal.entry.id),
            None => insert(tx, author, std::slice::from_ref(draft), now)?.pop(),
        });
    }
    Ok(ids)
}

/// Journals many acts at once, each by the drafts that it became, in this order: the numbers of each. One
/// transaction keeps all of them, or none, at the price of one `fsync`.
pub fn insert_all(
    tx: &Tx<'_>,
    author: &Author,
    acts: &[Vec<Draft>],
    now: &Stamp,
) -> JournalResult<Vec<Vec<EntryId>>> {
    acts.iter()
        .map(|drafts| insert(tx, author, drafts, now))
        .collect()
}

fn tell(tx: &Tx<'_>, entry: &Entry, result: &str, now: &Stamp) -> JournalResult<()> {
    audit::record(
        tx,
        &Act {
            at: now.utc,
            actor: entry.actor.to_string(),
            action: entry.payload.action().to_owned(),
            target: entry.payload.target(),
            context: entry.context.to_string(),
            why: entry.payload.why(),
            result: result.to_owned(),
        },
    )
}

/// An entry by its number.
pub fn load(tx: &Tx<'_>, id: EntryId) -> JournalResult<Option<Record>> {
    let sql = format!("SELECT {COLUMNS} FROM outbox WHERE id = ?1");
    Ok(tx.prepare_cached(&sql)?.query_row([id.0], record).optional()?)
}

fn list(tx: &Tx<'_>, filter: &str, values: impl rusqlite::Params) -> JournalResult<Vec<Record>> {
    let sql = format!("SELECT {COLUMNS} FROM outbox WHERE {filter}");
    let mut statement = tx.prepare_cached(&sql)?;
    let rows = statement.query_map(values, record)?.collect::<Result<_, _>>()?;
    Ok(rows)
}

/// Entries of a context that something is still to come of, oldest first.
pub fn open(tx: &Tx<'_>, context: &str) -> JournalResult<Vec<Record>> {
    list(
        tx,
        "context = ?1 AND state IN ('pending', 'sending', 'needs_decision') ORDER BY id",
        [context],
    )
}

/// Entries of a context that were settled since then, newest first, so many at most; of those that keep an
/// acknowledgement alive, the ones that failed.
pub fn settled_since(
    tx: &Tx<'_>,
    context: &str,
    since: DateTime<Utc>,
    most: u32,
) -> JournalResult<Vec<Entry>> {
    let rows = list(
        tx,
        "context = ?1 AND settled_at >= ?2 AND (action <> ?4 OR state = 'failed')
         ORDER BY settled_at DESC, id DESC LIMIT ?3",
        params![context, time(since), most, RENEW],
    )?;
    Ok(rows.into_iter().map(|row| row.entry).collect())
}

/// What this author did since then, oldest first.
pub fn made_since(tx: &Tx<'_>, author: &Author, since: DateTime<Utc>) -> JournalResult<Vec<Entry>> {
    let rows = list(
        tx,
        "context = ?1 AND actor = ?2 AND created_at >= ?3 ORDER BY id",
        params![author.context, author.actor, time(since)],
    )?;
    Ok(rows.into_iter().map(|row| row.entry).collect())
}

/// Confirmed acknowledgements that this author made since then, oldest first: some may still be in force.
pub fn acknowledgements(tx: &Tx<'_>, author: &Author, since: DateTime<Utc>) -> JournalResult<Vec<Entry>> {
    let rows = list(
        tx,
        "context = ?1 AND actor = ?2 AND settled_at >= ?3 AND state = 'confirmed' AND action = 'acknowledge'
         ORDER BY id DESC LIMIT ?4",
        params![author.context, author.actor, time(since), ACKS_SOUGHT],
    )?;
    Ok(rows.into_iter().rev().map(|row| row.entry).collect())
}

/// The number of the newest entry of any context.
pub fn newest(tx: &Tx<'_>) -> JournalResult<Option<EntryId>> {
    let newest: Option<i64> = tx
        .prepare_cached("SELECT max(id) FROM outbox")?
        .query_row([], |row| row.get(0))?;
    Ok(newest.map(EntryId))
}

/// Whether an entry may be sent, as far as those before it in its lane go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It may.
    Now,
    /// One before it comes first.
    Waits,
}

/// An entry that `holder` may work on now, as nobody else is on it, and whether it is its turn.
/// The caller saves it with a [`Hold`] in the same transaction, or leaves it as it is.
pub fn take(tx: &Tx<'_>, id: EntryId, holder: &Holder, at: &Taking) -> JournalResult<Option<(Record, Turn)>> {
    let Some(record) = load(tx, id)? else {
        return Ok(None);
    };
    let elsewhere = record
        .hold
        .is_some_and(|hold| hold.holder != *holder && !hold.left(&at.now).is_zero());
    if elsewhere || *record.entry.actor != *at.actor || !record.entry.state.is_open() {
        return Ok(None);
    }
    let before = list(
        tx,
        "context = ?1 AND actor = ?2 AND lane = ?3 AND id < ?4 AND state IN ('pending', 'sending')",
        params![
            record.entry.context,
            record.entry.actor,
            record.entry.payload.lane(&record.entry.marker),
            id.0
        ],
    )?;
    let waits = before.iter().any(|earlier| earlier.holds_up(&record, &at.now));
    Ok(Some((record, if waits { Turn::Waits } else { Turn::Now })))
}

/// Escalations of one incident, beside one of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Escalations {
    /// The others of any identity, the newest first.
    pub others: Vec<Record>,
    /// When the last was confirmed that whoever asked for this one had in sight.
    pub known_until: Option<DateTime<Utc>>,
}

/// The escalations beside this one; none where it does not escalate.
pub fn escalations(tx: &Tx<'_>, record: &Record) -> JournalResult<Escalations> {
    let entry = &record.entry;
    if entry.payload.escalation().is_none() {
        return Ok(Escalations::default());
    }
    let lane = entry.payload.lane(&entry.marker);
    let others = list(
        tx,
        "context = ?1 AND lane = ?2 AND action = 'escalate' AND id <> ?3 ORDER BY id DESC LIMIT ?4",
        params![entry.context, lane, entry.id.0, TWINS],
    )?;
    let known = entry.payload.escalation_in_sight().map_or(0, |known| known.0);
    let settled: Option<String> = tx
        .prepare_cached(
            "SELECT max(settled_at) FROM outbox
             WHERE context = ?1 AND lane = ?2 AND action = 'escalate' AND id <= ?3 AND state = 'confirmed'",
        )?
        .query_row(params![entry.context, lane, known], |row| row.get(0))?;
    let known_until = match settled {
        // Kept to the millisecond: what was done within it is known too.
        Some(at) => {
            let at = parsed(DateTime::parse_from_rfc3339(&at))?.with_timezone(&Utc);
            Some(at + TimeDelta::milliseconds(1))
        }
        None => None,
    };
    Ok(Escalations { others, known_until })
}

/// Who takes an entry, and when.
#[derive(Debug, Clone)]
pub struct Taking {
    /// The identity of the process.
    pub actor: Arc<str>,
    /// Now.
    pub now: Stamp,
}

/// Whether a save was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It was.
    Yes,
    /// Somebody else has the entry by now: what they find counts.
    TakenOver,
}

/// Writes an entry back, held on to or let go, where it is held as `record` was when it was read. One whose lease
/// was lost may have been taken over and let go again: what that process found counts, not what is said late. A
/// state that it comes to goes into the audit log.
pub fn save(tx: &Tx<'_>, record: &Record, hold: Option<Hold>, now: &Stamp) -> JournalResult<Kept> {
    let Some(before) = load(tx, record.entry.id)? else {
        return Ok(Kept::TakenOver);
    };
    if before.hold != record.hold || !before.entry.state.is_open() {
        return Ok(Kept::TakenOver);
    }
    put(tx, record, hold, now)?;
    let entry = &record.entry;
    if entry.state != before.entry.state {
        let result = match entry.state {
            State::Confirmed => "confirmed".to_owned(),
            State::Failed => {
                put_back(tx, entry, now)?;
                format!("failed: {}", entry.outcome)
            }
            State::Cancelled => format!("cancelled: {}", entry.outcome),
            State::NeedsDecision => format!("needs_decision: {}", entry.outcome),
            // Steps on the way; the act itself was told when it was journaled.
            State::Pending | State::Sending => return Ok(Kept::Yes),
        };
        tell(tx, entry, &result, now)?;
    }
    Ok(Kept::Yes)
}

/// What was typed and is refused for good is a draft again.
fn put_back(tx: &Tx<'_>, entry: &Entry, now: &Stamp) -> JournalResult<()> {
    let Some(typed) = entry.payload.typed() else {
        return Ok(());
    };
    drafts::put_back(
        tx,
        &drafts::Draft {
            key: DraftKey {
                actor: entry.actor.to_string(),
                context: entry.context.to_string(),
                // Whoever sent it need not be who wrote it.
                console: String::new(),
                kind: typed.kind.to_owned(),
                incident: typed.incident.map(|id| id.0.to_string()),
            },
            text: typed.text.to_owned(),
            updated_at: now.utc,
        },
    )
}

/// Writes down who is on an entry; nobody where `None`.
pub fn claim(tx: &Tx<'_>, id: EntryId, hold: Option<Hold>) -> JournalResult<()> {
    tx.prepare_cached(
        "UPDATE outbox SET hold_pid = ?2, hold_token = ?3, hold_boot = ?4, hold_until = ?5 WHERE id = ?1",
    )?
    .execute(params![
        id.0,
        hold.map(|hold| hold.holder.pid),
        hold.map(|hold| hold.holder.token.cast_signed()),
        hold.map(|hold| hold.boot.to_string()),
        hold.map(|hold| hold.until_ms.cast_signed()),
    ])?;
    Ok(())
}

fn put(tx: &Tx<'_>, record: &Record, hold: Option<Hold>, now: &Stamp) -> JournalResult<()> {
    let entry = &record.entry;
    let settled = (!entry.state.is_open()).then(|| time(now.utc));
    tx.prepare_cached(
        "UPDATE outbox SET state = ?2, attempts = ?3, last_error = ?4, outcome = ?5, remote_ids = ?6, payload = ?7,
             facts = ?8, settled_at = ?9, hold_pid = ?10, hold_token = ?11, hold_boot = ?12, hold_until = ?13
         WHERE id = ?1",
    )?
    .execute(params![
        entry.id.0,
        entry.state.word(),
        entry.attempts,
        entry.last_error,
        entry.outcome,
        written(&entry.remote_ids)?,
        written(&entry.payload)?,
        written(&record.facts)?,
        settled,
        hold.map(|hold| hold.holder.pid),
        hold.map(|hold| hold.holder.token.cast_signed()),
        hold.map(|hold| hold.boot.to_string()),
        hold.map(|hold| hold.until_ms.cast_signed()),
    ])?;
    Ok(())
}

/// Takes what the engineer says to an entry of theirs.
pub fn decide(
    tx: &Tx<'_>,
    id: EntryId,
    decision: Decision,
    at: &Taking,
) -> JournalResult<Result<Entry, Undecided>> {
    let Some(mut record) = load(tx, id)? else {
        return Ok(Err(Undecided::Unknown));
    };
    if *record.entry.actor != *at.actor {
        return Ok(Err(Undecided::NotOurs));
    }
    let held = record.hold.is_some_and(|hold| !hold.left(&at.now).is_zero());
    if held {
        return Ok(Err(Undecided::UnderWay));
    }
    if let Err(why) = decide::decided(&mut record, decision, &at.now) {
        return Ok(Err(why));
    }
    put(tx, &record, None, &at.now)?;
    let result = match decision {
        Decision::Hurry | Decision::Retry => "retried".to_owned(),
        Decision::Send => "decided: send".to_owned(),
        Decision::Drop => format!("cancelled: {}", record.entry.outcome),
    };
    tell(tx, &record.entry, &result, &at.now)?;
    Ok(Ok(record.entry))
}

/// Takes an entry back in its grace time: only while nothing was done with it.
pub fn cancel(tx: &Tx<'_>, id: EntryId, at: &Taking) -> JournalResult<Result<Entry, Undecided>> {
    let Some(mut record) = load(tx, id)? else {
        return Ok(Err(Undecided::Unknown));
    };
    if *record.entry.actor != *at.actor {
        return Ok(Err(Undecided::NotOurs));
    }
    if !record.entry.state.is_open() {
        return Ok(Err(Undecided::Over(record.entry.state)));
    }
    let untouched = record.entry.state == State::Pending
        && record.facts.requested.is_none()
        && record.hold.is_none_or(|hold| hold.left(&at.now).is_zero());
    if !untouched {
        return Ok(Err(Undecided::UnderWay));
    }
    decide::settle(&mut record, State::Cancelled, "taken back before it was sent");
    put(tx, &record, None, &at.now)?;
    tell(
        tx,
        &record.entry,
        "cancelled: taken back before it was sent",
        &at.now,
    )?;
    Ok(Ok(record.entry))
}

/// Forgets some of the entries of a context that were settled more than [`KEPT`] ago; how many. None of which a
/// line of the audit log is not in its file yet, or not sent on: `forwarded` is the last that was, where that is
/// asked for.
pub fn forget(
    tx: &Tx<'_>,
    context: &str,
    now: DateTime<Utc>,
    forwarded: Option<u64>,
) -> JournalResult<usize> {
    let told = audit::appended(tx)?;
    let told = forwarded.map_or(told, |forwarded| told.min(forwarded));
    let untold = audit::first_after(tx, told)?;
    let before = untold.map_or(now - KEPT, |untold| untold.min(now - KEPT));
    let forgotten = tx
        .prepare_cached(
            "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox
             WHERE context = ?1 AND settled_at < ?2 ORDER BY settled_at LIMIT ?3)",
        )?
        .execute(params![context, time(before), FORGOTTEN])?;
    Ok(forgotten)
}

/// Lets go of everything that this process holds. What it had under way is looked for by whoever comes next, at
/// the moment that was written down before it was sent.
pub fn hand_back(tx: &Tx<'_>, holder: &Holder) -> JournalResult<usize> {
    let changed = tx
        .prepare_cached(
            "UPDATE outbox SET hold_pid = NULL, hold_token = NULL, hold_boot = NULL, hold_until = NULL
             WHERE hold_pid = ?1 AND hold_token = ?2",
        )?
        .execute(params![holder.pid, holder.token.cast_signed()])?;
    Ok(changed)
}

/// Moves with every change that another process commits.
pub fn version(tx: &Tx<'_>) -> JournalResult<i64> {
    Ok(tx.pragma_query_value(None, "data_version", |row| row.get(0))?)
}

#[cfg(test)]
mod tests;
