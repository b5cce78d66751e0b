//! The tables of what this host's consoles saw and did: timeline events, starred moments, follow-ups done.
//!
//! Events are only ever added. Several consoles see the same thing, so each event carries the key by which it
//! is kept once, or the subject that has to alternate; see [`crate::domain::timeline::record`].

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::types::Type;
use rusqlite::{Row, params};

use super::audit::{self, Act};
use super::outbox::Author;
use super::{JournalResult, Tx};
use crate::domain::alert::{Fingerprint, Occurrence};
use crate::domain::incident::IncidentId;
use crate::domain::timeline::record::{JournalEvent, is_same_start, keyed};
use crate::domain::timeline::scope::Scope;
use crate::domain::timeline::{Delivery, Event, EventKind, Starred};

/// Times are RFC 3339 with nine digits in UTC, so that their order as text is their order in time.
pub(super) const TABLES: &str = "
CREATE TABLE events (
    id       INTEGER PRIMARY KEY,
    context  TEXT NOT NULL,
    incident TEXT,
    key      TEXT NOT NULL,
    subject  TEXT,
    at       TEXT NOT NULL,
    kind     TEXT NOT NULL,
    actor    TEXT,
    source   TEXT NOT NULL,
    text     TEXT NOT NULL,
    refs     TEXT NOT NULL,
    UNIQUE (context, key)
) STRICT;
CREATE INDEX events_by_time ON events (context, at);
CREATE INDEX events_by_incident ON events (context, incident, at);
CREATE INDEX events_by_subject ON events (context, subject, id) WHERE subject IS NOT NULL;
CREATE TABLE stars (
    context  TEXT NOT NULL,
    incident TEXT NOT NULL,
    name     TEXT NOT NULL,
    PRIMARY KEY (context, incident, name)
) STRICT, WITHOUT ROWID;
-- Not used any more; a step that was shipped stays as it is.
CREATE TABLE todos_done (
    context  TEXT NOT NULL,
    incident TEXT NOT NULL,
    text     TEXT NOT NULL,
    actor    TEXT NOT NULL,
    at       TEXT NOT NULL,
    PRIMARY KEY (context, incident, text)
) STRICT, WITHOUT ROWID;
";

/// The most events that one question gets.
pub const MOST: u32 = 20_000;

pub(super) fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Nanos, true)
}

pub(super) fn moment(row: &Row<'_>, column: usize) -> rusqlite::Result<DateTime<Utc>> {
    let text: String = row.get(column)?;
    text.parse()
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

/// Adds what is new of these; how many were.
pub fn append(tx: &Tx<'_>, context: &str, events: &[JournalEvent]) -> JournalResult<usize> {
    // the newest of a subject is what was added last: consoles agree on the order of the journal, not of clocks
    let mut add = tx.prepare_cached(
        "INSERT INTO events (context, incident, key, subject, at, kind, actor, source, text, refs)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10
         WHERE ?4 IS NULL OR ?6 <> coalesce(
             (SELECT kind FROM events WHERE context = ?1 AND subject = ?4 ORDER BY id DESC LIMIT 1), ?11)
         ON CONFLICT (context, key) DO NOTHING",
    )?;
    let mut new = 0;
    for event in events {
        let refs = serde_json::to_string(&event.refs).unwrap_or_else(|_| "{}".to_owned());
        new += add.execute(params![
            context,
            event.incident.as_ref().map(|incident| &*incident.0),
            event.key,
            event.subject,
            written(event.at),
            event.kind.word(),
            event.actor,
            event.source,
            event.text,
            refs,
            // what was never seen to begin does not end
            EventKind::BurnStopped.word(),
        ])?;
    }
    Ok(new)
}

const COLUMNS: &str = "id, incident, at, kind, actor, source, text, refs";

fn event(row: &Row<'_>) -> rusqlite::Result<(Option<IncidentId>, Event)> {
    let id: i64 = row.get(0)?;
    let incident: Option<String> = row.get(1)?;
    let kind: String = row.get(3)?;
    let refs: String = row.get(7)?;
    let refs: BTreeMap<Arc<str>, Arc<str>> = serde_json::from_str(&refs).unwrap_or_default();
    let event = Event {
        id: format!("j{id}").into(),
        at: moment(row, 2)?,
        kind: EventKind::by_word(&kind).unwrap_or(EventKind::Other),
        actor: row.get(4)?,
        source: row.get(5)?,
        text: row.get(6)?,
        refs,
        delivery: Delivery::Local,
        starred: Starred::No,
    };
    Ok((incident.map(|id| IncidentId(id.into())), event))
}

/// What belongs to one incident alone, oldest first; the newest [`MOST`].
pub fn of_incident(tx: &Tx<'_>, context: &str, incident: &IncidentId) -> JournalResult<Vec<Event>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM events WHERE context = ?1 AND incident = ?2 ORDER BY at DESC, id DESC LIMIT ?3"
    );
    let mut asked = tx.prepare_cached(&sql)?;
    let rows = asked.query_map(params![context, &*incident.0, MOST], |row| {
        event(row).map(|(_, event)| event)
    })?;
    let mut events: Vec<Event> = rows.collect::<Result<_, _>>()?;
    events.reverse();
    Ok(events)
}

/// The part of an incident's story that is kept here: what is its own, and what of the shift's belongs to it.
pub fn of_story(
    tx: &Tx<'_>,
    context: &str,
    incident: &IncidentId,
    scope: &Scope,
) -> JournalResult<Vec<Event>> {
    let mut told = of_incident(tx, context, incident)?;
    let shift = between(tx, context, scope.from, scope.to)?;
    told.extend(
        shift
            .into_iter()
            .filter(|(of, event)| of.is_none() && scope.takes(event))
            .map(|(_, event)| event),
    );
    Ok(told)
}

/// Everything from `from` to `to`, each with the incident it belongs to, oldest first; the newest [`MOST`].
pub fn between(
    tx: &Tx<'_>,
    context: &str,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> JournalResult<Vec<(Option<IncidentId>, Event)>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM events WHERE context = ?1 AND at BETWEEN ?2 AND ?3 \
         ORDER BY at DESC, id DESC LIMIT ?4"
    );
    let mut asked = tx.prepare_cached(&sql)?;
    let rows = asked.query_map(params![context, written(from), written(to), MOST], event)?;
    let mut events: Vec<_> = rows.collect::<Result<_, _>>()?;
    events.reverse();
    Ok(events)
}

/// Firings since then whose end the journal does not know, each with the alert's name: a recorder goes on from
/// them.
pub fn open_firings(
    tx: &Tx<'_>,
    context: &str,
    since: DateTime<Utc>,
) -> JournalResult<Vec<(Occurrence, Arc<str>)>> {
    let sql =
        "SELECT kind, refs FROM events WHERE context = ?1 AND at >= ?2 AND kind IN (?3, ?4, ?5) ORDER BY id";
    let mut asked = tx.prepare_cached(sql)?;
    let fired = EventKind::AlertFired.word();
    let rows = asked.query_map(
        params![
            context,
            written(since),
            fired,
            EventKind::AlertResolved.word(),
            EventKind::AlertGone.word()
        ],
        |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)),
    )?;
    let mut open: BTreeMap<Occurrence, Arc<str>> = BTreeMap::new();
    for row in rows {
        let (kind, refs) = row?;
        let refs: BTreeMap<String, Arc<str>> = serde_json::from_str(&refs).unwrap_or_default();
        let occurrence = refs
            .get("alert")
            .zip(refs.get("starts_at"))
            .and_then(|(alert, start)| {
                Some(Occurrence {
                    fingerprint: alert.parse::<Fingerprint>().ok()?,
                    starts_at: start.parse().ok()?,
                })
            });
        let Some(occurrence) = occurrence else {
            continue;
        };
        if kind == fired {
            let name = refs.get("name").map(Arc::clone).unwrap_or_default();
            open.insert(occurrence, name);
        } else {
            open.remove(&occurrence);
        }
    }
    Ok(open.into_iter().collect())
}

/// Whether some console saw this firing end.
pub fn has_ended(tx: &Tx<'_>, context: &str, firing: Occurrence) -> JournalResult<bool> {
    let mut asked = tx.prepare_cached(
        "SELECT refs FROM events WHERE context = ?1 AND key >= ?2 || ':' AND key < ?2 || ';'",
    )?;
    for kind in [EventKind::AlertResolved, EventKind::AlertGone] {
        let rows = asked.query_map(params![context, keyed(firing.fingerprint, kind)], |row| {
            row.get::<_, String>(0)
        })?;
        for refs in rows {
            let refs: BTreeMap<String, Arc<str>> = serde_json::from_str(&refs?).unwrap_or_default();
            let began = refs.get("starts_at").and_then(|start| start.parse().ok());
            if began.is_some_and(|began: DateTime<Utc>| is_same_start(began, firing.starts_at)) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Marks an event of an incident as a key moment, or takes the mark off, under every name it is known by; how many
/// of them that changed.
pub fn star<'a>(
    tx: &Tx<'_>,
    context: &str,
    incident: &IncidentId,
    names: impl IntoIterator<Item = &'a Arc<str>>,
    starred: Starred,
) -> JournalResult<usize> {
    let sql = match starred {
        Starred::Yes => "INSERT OR IGNORE INTO stars (context, incident, name) VALUES (?1, ?2, ?3)",
        Starred::No => "DELETE FROM stars WHERE context = ?1 AND incident = ?2 AND name = ?3",
    };
    let mut change = tx.prepare_cached(sql)?;
    let mut changed = 0;
    for name in names {
        changed += change.execute(params![context, &*incident.0, name])?;
    }
    Ok(changed)
}

/// The same as somebody's act: the audit log tells of it, by the first of the names, where it changes anything.
pub fn star_by(
    tx: &Tx<'_>,
    author: &Author,
    incident: &IncidentId,
    (names, starred): (&[Arc<str>], Starred),
    at: DateTime<Utc>,
) -> JournalResult<()> {
    if star(tx, &author.context, incident, names, starred)? == 0 {
        return Ok(());
    }
    audit::record(
        tx,
        &Act {
            at,
            actor: author.actor.to_string(),
            action: match starred {
                Starred::Yes => "star".to_owned(),
                Starred::No => "unstar".to_owned(),
            },
            target: incident.to_string(),
            context: author.context.to_string(),
            why: names.first().map(ToString::to_string).unwrap_or_default(),
            result: "confirmed".to_owned(),
        },
    )
}

/// The names of the key moments of an incident.
pub fn stars(tx: &Tx<'_>, context: &str, incident: &IncidentId) -> JournalResult<HashSet<Arc<str>>> {
    let mut asked = tx.prepare_cached("SELECT name FROM stars WHERE context = ?1 AND incident = ?2")?;
    let rows = asked.query_map(params![context, &*incident.0], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::super::{Journal, Opening};
    use super::*;
    use crate::domain::alert::desk::sample;

    fn journal(directory: &tempfile::TempDir) -> Journal {
        Journal::open(&Opening {
            path: directory.path().join("midwatch.db"),
            group: None,
        })
        .expect("opens")
    }

    fn seen(key: &str, subject: Option<&str>, kind: EventKind) -> JournalEvent {
        JournalEvent {
            key: key.into(),
            subject: subject.map(Into::into),
            incident: None,
            at: sample::utc(),
            kind,
            actor: None,
            source: "alerts".into(),
            text: "line one\nline two \u{1b}".into(),
            refs: [("alert".into(), "00000000000000f1".into())].into(),
        }
    }

    #[tokio::test]
    async fn an_event_is_kept_once_whoever_saw_it_and_comes_back_as_it_was() {
        let directory = tempfile::tempdir().expect("a directory");
        let (one, other) = (journal(&directory), journal(&directory));
        let event = seen("fired:f1:t", None, EventKind::AlertFired);
        for console in [&one, &other, &one] {
            let event = event.clone();
            console
                .write(move |tx| append(tx, "prod", &[event]))
                .await
                .expect("kept");
        }
        let again = event.clone();
        let elsewhere = one.write(move |tx| append(tx, "staging", &[again])).await;
        assert_eq!(elsewhere, Ok(1), "another context is another world");
        let now = sample::utc();
        let minute = TimeDelta::minutes(1);
        let read = other
            .read(move |tx| between(tx, "prod", now - minute, now + minute))
            .await;
        let read = read.expect("read");
        let [(None, kept)] = read.as_slice() else {
            panic!("one event: {read:?}");
        };
        assert_eq!(
            (kept.at, kept.kind, &kept.text),
            (event.at, event.kind, &event.text)
        );
        assert_eq!((&kept.refs, &*kept.id), (&event.refs, "j1"));
    }

    #[tokio::test]
    async fn a_burn_alternates_whichever_console_tells_it() {
        use EventKind::{BurnStarted, BurnStopped};
        let directory = tempfile::tempdir().expect("a directory");
        let journal = journal(&directory);
        let mut kept = Vec::new();
        for (n, kind) in [
            BurnStopped,
            BurnStarted,
            BurnStarted,
            BurnStopped,
            BurnStopped,
            BurnStarted,
        ]
        .into_iter()
        .enumerate()
        {
            let event = seen(&format!("{n}"), Some("burn:checkout"), kind);
            kept.push(journal.write(move |tx| append(tx, "prod", &[event])).await);
        }
        assert_eq!(kept, [0, 1, 0, 1, 0, 1].map(Ok));
    }

    #[tokio::test]
    async fn a_recorder_goes_on_from_what_fired_and_has_no_end() {
        let directory = tempfile::tempdir().expect("a directory");
        let journal = journal(&directory);
        let event = |key: &str, kind, alert: &str| {
            let mut event = seen(key, None, kind);
            event.refs = [
                ("alert".into(), alert.into()),
                ("starts_at".into(), "2026-11-20T03:00:00Z".into()),
                ("name".into(), "HighErrorRate".into()),
            ]
            .into();
            event
        };
        let events = vec![
            event("1", EventKind::AlertFired, "00000000000000f1"),
            event("2", EventKind::AlertFired, "00000000000000f2"),
            event("3", EventKind::AlertGone, "00000000000000f1"),
            event("4", EventKind::AlertFired, "not a fingerprint"),
        ];
        let open = journal
            .write(move |tx| {
                append(tx, "prod", &events)?;
                open_firings(tx, "prod", sample::utc() - TimeDelta::days(1))
            })
            .await
            .expect("kept");
        let [(occurrence, name)] = open.as_slice() else {
            panic!("one is open: {open:?}");
        };
        assert_eq!(
            (occurrence.fingerprint, &**name),
            (Fingerprint(0xf2), "HighErrorRate")
        );
    }

    #[tokio::test]
    async fn a_star_that_somebody_sets_or_takes_away_is_told_by_the_audit_log_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let journal = journal(&directory);
        let lines = journal
            .write(|tx| {
                let author = Author {
                    context: "prod".into(),
                    actor: "jun".into(),
                };
                let here = IncidentId::from("local-1");
                let names: [Arc<str>; 2] = ["outbox-7".into(), "AAAAAAAAAA".into()];
                for starred in [Starred::Yes, Starred::Yes, Starred::No] {
                    star_by(tx, &author, &here, (&names, starred), sample::utc())?;
                }
                audit::lines_after(tx, 0, 10)
            })
            .await
            .expect("kept");
        let lines: Vec<String> = lines.into_iter().map(|(_, line)| line).collect();
        let [set, taken] = lines.as_slice() else {
            panic!("two acts: {lines:?}");
        };
        assert!(
            set.contains("\"star\"") && set.contains("jun") && set.contains("local-1"),
            "{set}"
        );
        assert!(taken.contains("\"unstar\""), "{taken}");
    }

    #[tokio::test]
    async fn stars_belong_to_their_incident() {
        let directory = tempfile::tempdir().expect("a directory");
        let journal = journal(&directory);
        let (here, there) = (IncidentId::from("local-1"), IncidentId::from("local-2"));
        let found = journal
            .write(move |tx| {
                let names: [Arc<str>; 2] = ["outbox-7".into(), "AAAAAAAAAA".into()];
                star(tx, "prod", &here, &names, Starred::Yes)?;
                star(tx, "prod", &here, &names, Starred::Yes)?;
                star(tx, "prod", &here, &names[..1], Starred::No)?;
                Ok((stars(tx, "prod", &here)?, stars(tx, "prod", &there)?))
            })
            .await
            .expect("kept");
        assert_eq!(found.0, HashSet::from(["AAAAAAAAAA".into()]));
        assert_eq!(found.1, HashSet::new());
    }
}
