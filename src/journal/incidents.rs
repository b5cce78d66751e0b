//! Local incidents: each a record, with every change an event of its own.
//!
//! A record is kept as JSON beside the columns it is looked up by. An act is done once a key ([`done`],
//! [`keep_done`]), in the transaction that changes the record, so that a second sending finds the first. What
//! may become of an incident is [`crate::domain::incident::local`]'s to say. Start at [`declare`] and [`keep`].

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension as _, Row, params};
use serde::de::DeserializeOwned;

use super::{JournalError, JournalResult, Tx};
use crate::domain::alert::{Fingerprint, Occurrence};
use crate::domain::incident::IncidentId;
use crate::domain::incident::local::{self, Change, Declaration, LocalIncident, Told};
use crate::domain::incident::watch::KnownFirings;
use crate::domain::oncall::OnCall;
use crate::domain::timeline::{Delivery, Event, EventKind, Starred};
use crate::time::Stamp;

/// Incidents of one answer.
const LISTED: i64 = 500;
/// Events of one answer: the newest are kept.
const TOLD: i64 = 10_000;

/// Incidents, their events, the firings that belong to one, the acts that were done. Times are microseconds
/// since 1970, UTC.
pub(super) const TABLES: &str = "
CREATE TABLE local_incidents (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    context     TEXT NOT NULL,
    is_open     INTEGER NOT NULL,
    resolved_at INTEGER,
    record      TEXT NOT NULL
) STRICT;
CREATE INDEX local_incidents_by_context ON local_incidents (context, is_open, number);
CREATE TABLE local_events (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    number   INTEGER NOT NULL REFERENCES local_incidents (number),
    at       INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    actor    TEXT,
    text     TEXT NOT NULL,
    refs     TEXT NOT NULL,
    delivery TEXT NOT NULL
) STRICT;
CREATE INDEX local_events_by_incident ON local_events (number, id);
CREATE INDEX local_events_by_time ON local_events (at);
CREATE TABLE local_firings (
    context     TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    starts_at   INTEGER NOT NULL,
    number      INTEGER NOT NULL REFERENCES local_incidents (number),
    PRIMARY KEY (context, fingerprint, starts_at, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE local_acts (
    key    TEXT PRIMARY KEY,
    number INTEGER NOT NULL REFERENCES local_incidents (number),
    at     INTEGER NOT NULL,
    remark TEXT
) STRICT, WITHOUT ROWID;
";

/// Opens an incident, with its first events. The change says who is to be notified.
pub fn declare(
    tx: &Tx<'_>,
    context: &str,
    asked: &Declaration,
    on_call: &OnCall,
    at: &Stamp,
) -> JournalResult<(LocalIncident, Change)> {
    tx.prepare_cached("INSERT INTO local_incidents (context, is_open, record) VALUES (?1, 1, '')")?
        .execute([context])?;
    let number = u64::try_from(tx.last_insert_rowid()).unwrap_or_default();
    let (incident, change) = LocalIncident::declare(number, asked, on_call, at);
    keep(tx, context, &incident, &change, at.utc)?;
    Ok((incident, change))
}

/// Keeps a changed incident, and what is told of the change.
pub fn keep(
    tx: &Tx<'_>,
    context: &str,
    incident: &LocalIncident,
    change: &Change,
    at: DateTime<Utc>,
) -> JournalResult<()> {
    let record = to_json(incident)?;
    let resolved_at = incident.resolved_at.map(|at| at.timestamp_micros());
    tx.prepare_cached(
        "UPDATE local_incidents SET is_open = ?2, resolved_at = ?3, record = ?4 WHERE number = ?1",
    )?
    .execute(params![
        row_id(incident.number),
        incident.status.is_open(),
        resolved_at,
        record
    ])?;
    if incident.missed.is_none() {
        // Whatever was done answered the question.
        tx.prepare_cached(
            "UPDATE local_events SET delivery = 'local' WHERE number = ?1 AND delivery = 'needs_decision'",
        )?
        .execute([row_id(incident.number)])?;
    }
    for told in &change.told {
        tell(tx, incident.number, told, at)?;
    }
    let mut firing = tx.prepare_cached(
        "INSERT OR IGNORE INTO local_firings (context, fingerprint, starts_at, number) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for alert in &incident.alerts {
        firing.execute(params![
            context,
            alert.occurrence.fingerprint.to_string(),
            alert.occurrence.starts_at.timestamp_micros(),
            row_id(incident.number)
        ])?;
    }
    Ok(())
}

/// Adds one event to an incident's story.
pub fn tell(tx: &Tx<'_>, number: u64, told: &Told, at: DateTime<Utc>) -> JournalResult<()> {
    tx.prepare_cached(
        "INSERT INTO local_events (number, at, kind, actor, text, refs, delivery)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        row_id(number),
        at.timestamp_micros(),
        told.kind.word(),
        told.actor.as_deref(),
        told.text,
        to_json(&told.refs)?,
        told.delivery.word()
    ])?;
    Ok(())
}

/// One incident of a context.
pub fn find(tx: &Tx<'_>, context: &str, number: u64) -> JournalResult<Option<LocalIncident>> {
    let record: Option<String> = tx
        .prepare_cached("SELECT record FROM local_incidents WHERE number = ?1 AND context = ?2")?
        .query_row(params![row_id(number), context], |row| row.get(0))
        .optional()?;
    record.map(|record| from_json(&record)).transpose()
}

/// The open ones of a context, oldest first.
pub fn open(tx: &Tx<'_>, context: &str) -> JournalResult<Vec<LocalIncident>> {
    let mut query = tx.prepare_cached(
        "SELECT record FROM local_incidents WHERE context = ?1 AND is_open = 1 ORDER BY number LIMIT ?2",
    )?;
    let records = query.query_map(params![context, LISTED], |row| row.get::<_, String>(0))?;
    records.map(|record| from_json(&record?)).collect()
}

/// Open ones first, then those that ended since, the newest first; and whether some were left out.
pub fn list(
    tx: &Tx<'_>,
    context: &str,
    ended_since: Option<DateTime<Utc>>,
) -> JournalResult<(Vec<LocalIncident>, LeftOut)> {
    let since = ended_since.map_or(i64::MAX, |at| at.timestamp_micros());
    let mut query = tx.prepare_cached(
        "SELECT record FROM local_incidents WHERE context = ?1 AND (is_open = 1 OR resolved_at >= ?2)
         ORDER BY is_open DESC, number DESC LIMIT ?3",
    )?;
    let records = query.query_map(params![context, since, LISTED + 1], |row| row.get::<_, String>(0))?;
    let mut incidents: Vec<LocalIncident> = records
        .map(|record| from_json(&record?))
        .collect::<JournalResult<_>>()?;
    let left_out = cut(&mut incidents, LISTED);
    Ok((incidents, left_out))
}

/// Whether an answer is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// It is.
    None,
    /// The oldest were left out.
    Some,
}

fn cut<T>(rows: &mut Vec<T>, limit: i64) -> LeftOut {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if rows.len() <= limit {
        return LeftOut::None;
    }
    rows.truncate(limit);
    LeftOut::Some
}

/// The story of an incident, oldest first.
pub fn story(tx: &Tx<'_>, number: u64) -> JournalResult<(Vec<Event>, LeftOut)> {
    let mut query = tx.prepare_cached(
        "SELECT id, at, kind, actor, text, refs, delivery, number FROM local_events
         WHERE number = ?1 ORDER BY at DESC, id DESC LIMIT ?2",
    )?;
    let rows = query.query_map(params![row_id(number), TOLD + 1], event)?;
    let mut events: Vec<Event> = rows.map(|row| Ok(row?.1)).collect::<JournalResult<_>>()?;
    let left_out = cut(&mut events, TOLD);
    events.reverse();
    Ok((events, left_out))
}

/// What happened to all incidents of a context since then, oldest first; bounded, the newest are kept.
pub fn story_since(
    tx: &Tx<'_>,
    context: &str,
    since: DateTime<Utc>,
) -> JournalResult<Vec<(IncidentId, Event)>> {
    let mut query = tx.prepare_cached(
        "SELECT e.id, e.at, e.kind, e.actor, e.text, e.refs, e.delivery, e.number
         FROM local_events e JOIN local_incidents i ON i.number = e.number
         WHERE i.context = ?1 AND e.at >= ?2 ORDER BY e.at DESC, e.id DESC LIMIT ?3",
    )?;
    let rows = query.query_map(params![context, since.timestamp_micros(), TOLD], event)?;
    let mut events: Vec<(IncidentId, Event)> = rows
        .map(|row| {
            let (number, event) = row?;
            Ok((IncidentId(format!("{}{number}", IncidentId::LOCAL).into()), event))
        })
        .collect::<JournalResult<_>>()?;
    events.reverse();
    Ok(events)
}

fn event(row: &Row<'_>) -> rusqlite::Result<(i64, Event)> {
    let id: i64 = row.get(0)?;
    let kind: String = row.get(2)?;
    let actor: Option<String> = row.get(3)?;
    let text: String = row.get(4)?;
    let refs: String = row.get(5)?;
    let delivery: String = row.get(6)?;
    let event = Event {
        id: format!("{}{id}", IncidentId::LOCAL).into(),
        at: DateTime::from_timestamp_micros(row.get(1)?).unwrap_or_default(),
        // A kind that a newer midwatch added is told as its words.
        kind: EventKind::by_word(&kind).unwrap_or(EventKind::Other),
        actor: actor.map(Arc::from),
        source: local::SOURCE.into(),
        text: text.into(),
        refs: serde_json::from_str(&refs).unwrap_or_default(),
        delivery: Delivery::ALL
            .into_iter()
            .find(|each| each.word() == delivery)
            .unwrap_or(Delivery::Local),
        starred: Starred::No,
    };
    Ok((row.get(7)?, event))
}

/// The firings of a context that belong to an incident, open or not.
pub fn firings(tx: &Tx<'_>, context: &str) -> JournalResult<KnownFirings> {
    let mut query = tx.prepare_cached(
        "SELECT f.fingerprint, f.starts_at, i.resolved_at
         FROM local_firings f JOIN local_incidents i ON i.number = f.number WHERE f.context = ?1",
    )?;
    let rows = query.query_map([context], |row| {
        let ended: Option<i64> = row.get(2)?;
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, ended))
    })?;
    let mut known = KnownFirings::default();
    for row in rows {
        let (fingerprint, starts_at, ended) = row?;
        let firing = Occurrence {
            fingerprint: fingerprint
                .parse::<Fingerprint>()
                .map_err(|error| JournalError::Failed(format!("a fingerprint does not read: {error}")))?,
            starts_at: DateTime::from_timestamp_micros(starts_at).unwrap_or_default(),
        };
        known.add(firing, ended.and_then(DateTime::from_timestamp_micros));
    }
    Ok(known)
}

/// An act that was done before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// To which incident.
    pub number: u64,
    /// What was said of it then.
    pub remark: Option<String>,
}

/// Whether an act of this key was done already.
pub fn done(tx: &Tx<'_>, key: &str) -> JournalResult<Option<Done>> {
    let found = tx
        .prepare_cached("SELECT number, remark FROM local_acts WHERE key = ?1")?
        .query_row([key], |row| {
            Ok(Done {
                number: u64::try_from(row.get::<_, i64>(0)?).unwrap_or_default(),
                remark: row.get(1)?,
            })
        })
        .optional()?;
    Ok(found)
}

/// Keeps that an act of this key was done. A key that is there already is an error: nothing is done twice.
pub fn keep_done(tx: &Tx<'_>, key: &str, done: &Done, at: DateTime<Utc>) -> JournalResult<()> {
    tx.prepare_cached("INSERT INTO local_acts (key, number, at, remark) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            key,
            row_id(done.number),
            at.timestamp_micros(),
            done.remark
        ])?;
    Ok(())
}

/// The database's integers are signed; numbers count up from 1.
fn row_id(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn to_json<T: serde::Serialize>(value: &T) -> JournalResult<String> {
    serde_json::to_string(value).map_err(|error| JournalError::Failed(format!("cannot be written: {error}")))
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> JournalResult<T> {
    serde_json::from_str(text)
        .map_err(|error| JournalError::Failed(format!("a record of it does not read: {error}")))
}
