//! The table of what is counted of incidents: kept when it is known, because keepers forget.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rusqlite::{Row, params};

use super::events::{moment, written};
use super::{JournalResult, Tx};
use crate::domain::incident::{Facts, IncidentId};

/// One row an incident; times as in the table of events.
pub(super) const TABLES: &str = "
CREATE TABLE facts (
    context         TEXT NOT NULL,
    incident        TEXT NOT NULL,
    severity        TEXT,
    service         TEXT,
    created_at      TEXT NOT NULL,
    acknowledged_at TEXT,
    escalated_at    TEXT,
    mitigated_at    TEXT,
    resolved_at     TEXT,
    PRIMARY KEY (context, incident)
) STRICT, WITHOUT ROWID;
CREATE INDEX facts_by_begin ON facts (context, created_at);
";

/// Since the second step: whether its whole story was read after its end.
pub(super) const WHOLE: &str = "ALTER TABLE facts ADD COLUMN whole INTEGER NOT NULL DEFAULT 0;";

/// How much of an incident's course its facts rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rests {
    /// On what a list told.
    OnList,
    /// On its whole story, read after its end: it need not be read again.
    OnStory,
}

/// Facts as they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The facts.
    pub facts: Facts,
    /// What they rest on.
    pub rests: Rests,
}

/// Keeps what a list tells. First moments stay the first ones that were known; severity, service and end are the newest.
/// One that is open again has more story to come.
pub fn keep(tx: &Tx<'_>, context: &str, facts: &Facts) -> JournalResult<()> {
    put(tx, context, facts, Rests::OnList)
}

/// Keeps what its whole story tells after its end. The moments are those of the story where it tells them.
pub fn keep_whole(tx: &Tx<'_>, context: &str, facts: &Facts) -> JournalResult<()> {
    put(tx, context, facts, Rests::OnStory)
}

fn put(tx: &Tx<'_>, context: &str, facts: &Facts, rests: Rests) -> JournalResult<()> {
    let mut keep = tx.prepare_cached(
        "INSERT INTO facts (context, incident, severity, service, created_at, acknowledged_at, escalated_at,
                            mitigated_at, resolved_at, whole)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (context, incident) DO UPDATE SET
             severity = coalesce(excluded.severity, severity),
             service = coalesce(excluded.service, service),
             acknowledged_at = min(coalesce(acknowledged_at, excluded.acknowledged_at),
                                   coalesce(excluded.acknowledged_at, acknowledged_at)),
             escalated_at = min(coalesce(escalated_at, excluded.escalated_at),
                                coalesce(excluded.escalated_at, escalated_at)),
             mitigated_at = min(coalesce(mitigated_at, excluded.mitigated_at),
                                coalesce(excluded.mitigated_at, mitigated_at)),
             resolved_at = excluded.resolved_at,
             whole = CASE WHEN excluded.resolved_at IS NULL THEN excluded.whole
                          ELSE max(whole, excluded.whole) END",
    )?;
    keep.execute(params![
        context,
        &*facts.incident.0,
        facts.severity,
        facts.service,
        written(facts.created_at),
        facts.acknowledged_at.map(written),
        facts.escalated_at.map(written),
        facts.mitigated_at.map(written),
        facts.resolved_at.map(written),
        rests == Rests::OnStory,
    ])?;
    Ok(())
}

const COLUMNS: &str = "incident, severity, service, created_at, acknowledged_at, escalated_at, mitigated_at, resolved_at, whole";

/// Those of the incidents that began since then, oldest first.
pub fn since(tx: &Tx<'_>, context: &str, from: DateTime<Utc>) -> JournalResult<Vec<Kept>> {
    let mut asked = tx.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM facts WHERE context = ?1 AND created_at >= ?2 ORDER BY created_at, incident"
    ))?;
    let rows = asked.query_map(params![context, written(from)], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Those of the incidents that began since then whose story was not read since their end, the newest first.
pub fn without_story(
    tx: &Tx<'_>,
    context: &str,
    from: DateTime<Utc>,
    most: u32,
) -> JournalResult<Vec<Facts>> {
    let mut asked = tx.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM facts WHERE context = ?1 AND created_at >= ?2 AND whole = 0
         ORDER BY created_at DESC, incident LIMIT ?3"
    ))?;
    let rows = asked.query_map(params![context, written(from), most], |row| {
        read(row).map(|kept| kept.facts)
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Kept> {
    let perhaps = |column: usize| match row.get_ref(column)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        _ => moment(row, column).map(Some),
    };
    let incident: Arc<str> = row.get(0)?;
    let facts = Facts {
        incident: IncidentId(incident),
        severity: row.get(1)?,
        service: row.get(2)?,
        created_at: moment(row, 3)?,
        acknowledged_at: perhaps(4)?,
        escalated_at: perhaps(5)?,
        mitigated_at: perhaps(6)?,
        resolved_at: perhaps(7)?,
    };
    let rests = if row.get(8)? {
        Rests::OnStory
    } else {
        Rests::OnList
    };
    Ok(Kept { facts, rests })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::super::{Journal, Opening};
    use super::*;
    use crate::domain::alert::desk::sample::utc;

    #[tokio::test]
    async fn the_first_moments_stay_and_the_end_is_the_newest() {
        let directory = tempfile::tempdir().expect("a directory");
        let journal = Journal::open(&Opening {
            path: directory.path().join("midwatch.db"),
            group: None,
        })
        .expect("opens");
        let minutes = |n| Some(utc() + TimeDelta::minutes(n));
        let first = Facts {
            incident: "local-1".into(),
            severity: None,
            service: Some("checkout".into()),
            created_at: utc(),
            acknowledged_at: minutes(4),
            escalated_at: None,
            mitigated_at: None,
            resolved_at: minutes(9),
        };
        let second = Facts {
            severity: Some("SEV2".into()),
            service: None,
            acknowledged_at: minutes(6),
            escalated_at: minutes(5),
            resolved_at: None,
            ..first.clone()
        };
        let kept = journal
            .write(move |tx| {
                keep(tx, "prod", &first)?;
                keep(tx, "prod", &second)?;
                keep(tx, "staging", &second)?;
                since(tx, "prod", utc())
            })
            .await
            .expect("kept");
        let [Kept { facts: kept, .. }] = kept.as_slice() else {
            panic!("one incident: {kept:?}");
        };
        assert_eq!(
            (kept.acknowledged_at, kept.escalated_at),
            (minutes(4), minutes(5))
        );
        assert_eq!(
            (kept.mitigated_at, kept.resolved_at),
            (None, None),
            "it was opened again"
        );
        assert_eq!(
            (kept.severity.as_deref(), kept.service.as_deref()),
            (Some("SEV2"), Some("checkout"))
        );
    }

    #[tokio::test]
    async fn a_story_is_read_once_after_an_end_and_anew_after_the_next() {
        let directory = tempfile::tempdir().expect("a directory");
        let journal = Journal::open(&Opening::private(directory.path().join("midwatch.db"))).expect("opens");
        let over = Facts {
            incident: "Q1".into(),
            severity: None,
            service: None,
            created_at: utc(),
            acknowledged_at: None,
            escalated_at: None,
            mitigated_at: None,
            resolved_at: Some(utc() + TimeDelta::minutes(9)),
        };
        let told = Facts {
            escalated_at: Some(utc() + TimeDelta::minutes(5)),
            ..over.clone()
        };
        let again = Facts {
            resolved_at: None,
            ..over.clone()
        };
        let waiting = |tx: &Tx<'_>| without_story(tx, "prod", utc(), 9).map(|facts| facts.len());
        let steps = journal
            .write(move |tx| {
                keep(tx, "prod", &over)?;
                let first = waiting(tx)?;
                keep_whole(tx, "prod", &told)?;
                let read = waiting(tx)?;
                // another console lists it still, and knows less
                keep(tx, "prod", &over)?;
                let listed = waiting(tx)?;
                keep(tx, "prod", &again)?;
                Ok((first, read, listed, waiting(tx)?, since(tx, "prod", utc())?))
            })
            .await
            .expect("kept");
        assert_eq!((steps.0, steps.1, steps.2, steps.3), (1, 0, 0, 1));
        assert!(steps.4[0].facts.escalated_at.is_some(), "what was known stays");
    }
}
