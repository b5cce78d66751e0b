//! Steps of runbooks that somebody ticked, and commands of theirs that were run: the tick as it stands, what happened
//! as an event of the timeline, and a line of the audit log, in one transaction.

use rusqlite::params;

use super::audit::{self, Act};
use super::outbox::Author;
use super::{JournalResult, Tx, events};
use crate::domain::timeline::record::Command;
use crate::runbook::{Mark, Ticked, TicksOf, Told};
use crate::time::Now;

/// A tick belongs to an incident, or to a firing of an alert (`about`), and to a step by its words.
pub(super) const TABLES: &str = "
CREATE TABLE runbook_ticks (
    context TEXT NOT NULL,
    about   TEXT NOT NULL,
    runbook TEXT NOT NULL,
    step    TEXT NOT NULL,
    actor   TEXT NOT NULL,
    at      TEXT NOT NULL,
    PRIMARY KEY (context, about, runbook, step)
) STRICT, WITHOUT ROWID;
";

/// The steps that are done, oldest first.
pub fn ticks(tx: &Tx<'_>, context: &str, of: &TicksOf) -> JournalResult<Vec<Ticked>> {
    let mut asked = tx.prepare_cached(
        "SELECT step, actor, at FROM runbook_ticks WHERE context = ?1 AND about = ?2 AND runbook = ?3",
    )?;
    let mut found: Vec<Ticked> = Vec::new();
    for about in &of.about {
        let rows = asked.query_map(params![context, about, of.runbook], |row| {
            Ok(Ticked {
                step: row.get(0)?,
                actor: row.get(1)?,
                at: events::moment(row, 2)?,
            })
        })?;
        for row in rows {
            let ticked = row?;
            if !found.iter().any(|known| known.step == ticked.step) {
                found.push(ticked);
            }
        }
    }
    found.sort_by(|a, b| (a.at, &a.step).cmp(&(b.at, &b.step)));
    Ok(found)
}

/// Ticks a step, or takes the tick off, and tells of it; nothing is told where that changes nothing.
pub fn mark(
    tx: &Tx<'_>,
    author: &Author,
    of: &TicksOf,
    (step, mark): (&str, Mark),
    told: Told,
    now: Now,
) -> JournalResult<()> {
    let changed = match mark {
        Mark::Done => {
            let known = ticks(tx, &author.context, of)?;
            let Some(about) = of
                .about
                .first()
                .filter(|_| known.iter().all(|ticked| ticked.step != step))
            else {
                return Ok(());
            };
            tx.execute(
                "INSERT OR IGNORE INTO runbook_ticks (context, about, runbook, step, actor, at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    &*author.context,
                    about,
                    of.runbook,
                    step,
                    &*author.actor,
                    events::written(now.utc)
                ],
            )?
        }
        Mark::Open => {
            let mut gone = 0;
            for about in &of.about {
                gone += tx.execute(
                    "DELETE FROM runbook_ticks WHERE context = ?1 AND about = ?2 AND runbook = ?3 AND step = ?4",
                    params![&*author.context, about, of.runbook, step],
                )?;
            }
            gone
        }
    };
    if changed > 0 {
        tell(tx, author, told, now)?;
    }
    Ok(())
}

/// Tells of something: an event of the timeline, and a line of the audit log.
pub fn tell(tx: &Tx<'_>, author: &Author, told: Told, now: Now) -> JournalResult<()> {
    let command = Command {
        actor: &author.actor,
        incident: told.incident.as_ref(),
        text: told.text,
        refs: told.refs,
    };
    events::append(tx, &author.context, &[command.event(now)])?;
    audit::record(
        tx,
        &Act {
            at: now.utc,
            actor: author.actor.to_string(),
            action: told.action.to_owned(),
            target: told.target,
            context: author.context.to_string(),
            why: told.why,
            result: told.result,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::super::{Journal, Opening};
    use super::*;
    use crate::domain::alert::desk::sample;
    use crate::domain::incident::IncidentId;
    use crate::time::Clock;

    fn of(about: &[&str]) -> TicksOf {
        TicksOf {
            about: about.iter().map(|key| (*key).to_owned()).collect(),
            runbook: "https://runbooks.example/pool".to_owned(),
        }
    }

    fn told() -> Told {
        Told {
            incident: Some(IncidentId("Q1".into())),
            text: "ticked step 1".to_owned(),
            refs: Vec::new(),
            action: "tick",
            target: "Q1".to_owned(),
            why: "Look".to_owned(),
            result: "confirmed".to_owned(),
        }
    }

    fn author() -> Author {
        Author {
            context: "prod".into(),
            actor: "mara@example.com".into(),
        }
    }

    async fn marked(journal: &Journal, of: TicksOf, mark_as: Mark, now: Now) {
        let marking = move |tx: &Tx<'_>| mark(tx, &author(), &of, ("Look", mark_as), told(), now);
        journal.write(marking).await.unwrap();
    }

    async fn read(path: &std::path::Path, of: TicksOf) -> (Vec<Ticked>, usize, u64) {
        let journal = Journal::open(&Opening::private(path)).unwrap();
        let reading = move |tx: &Tx<'_>| {
            let story = events::of_incident(tx, "prod", &IncidentId("Q1".into()))?;
            Ok((ticks(tx, "prod", &of)?, story.len(), audit::head(tx)?))
        };
        journal.read(reading).await.unwrap()
    }

    #[tokio::test]
    async fn a_tick_comes_back_after_a_restart_with_who_and_when_and_is_told_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("midwatch.db");
        let now = Now {
            utc: sample::utc(),
            tick: Clock::start().tick(),
        };
        let journal = Journal::open(&Opening::private(&path)).unwrap();
        marked(&journal, of(&["Q1", "alert"]), Mark::Done, now).await;
        marked(&journal, of(&["Q1", "alert"]), Mark::Done, now).await;
        drop(journal);
        let (ticked, story, audited) = read(&path, of(&["Q1", "alert"])).await;
        assert_eq!(ticked.len(), 1);
        assert_eq!(
            (&*ticked[0].step, &*ticked[0].actor, ticked[0].at),
            ("Look", "mara@example.com", now.utc)
        );
        assert_eq!(
            (story, audited),
            (1, 1),
            "once in the story, once in the audit log"
        );
        assert!(
            read(&path, of(&["alert"])).await.0.is_empty(),
            "it is the incident's"
        );
    }

    #[tokio::test]
    async fn what_was_ticked_before_there_was_an_incident_is_shown_and_can_be_taken_off() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("midwatch.db");
        let clock = Clock::start();
        let journal = Journal::open(&Opening::private(&path)).unwrap();
        marked(&journal, of(&["alert"]), Mark::Done, clock.now()).await;
        assert_eq!(read(&path, of(&["Q1", "alert"])).await.0.len(), 1);
        marked(&journal, of(&["Q1", "alert"]), Mark::Open, clock.now()).await;
        assert!(read(&path, of(&["Q1", "alert"])).await.0.is_empty());
    }
}
