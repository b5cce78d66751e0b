use std::time::Duration;

use super::*;
use crate::backend::annotations::AnnotationDraft;
use crate::journal::{Journal, Opening};
use crate::time::Clock;

fn author() -> Author {
    Author {
        context: "prod".into(),
        actor: "jun".into(),
    }
}

fn marks(count: usize) -> Vec<Draft> {
    let mark = || {
        Payload::Annotation(AnnotationDraft {
            at: DateTime::UNIX_EPOCH,
            until: None,
            text: "rollback".to_owned(),
            tags: Vec::new(),
        })
    };
    (0..count).map(|_| Draft::new(mark(), Duration::ZERO)).collect()
}

/// Acts that were asked for so many days ago, of which all but the last were dropped then.
async fn acts(journal: &Journal, count: usize, days: i64) -> Stamp {
    let now = Clock::start().stamp();
    let then = Stamp {
        utc: now.utc - TimeDelta::days(days),
        ..now
    };
    journal
        .write(move |tx| {
            let mut ids = insert(tx, &author(), &marks(count), &then)?;
            ids.pop();
            let at = Taking {
                actor: "jun".into(),
                now: then,
            };
            for id in ids {
                decide(tx, id, Decision::Drop, &at)?.unwrap();
            }
            Ok(())
        })
        .await
        .unwrap();
    journal.settle().await.unwrap();
    now
}

async fn forgotten(journal: &Journal, now: Stamp, forwarded: Option<u64>) -> usize {
    let forgotten = journal.write(move |tx| forget(tx, "prod", now.utc, forwarded));
    forgotten.await.unwrap()
}

fn journal() -> (tempfile::TempDir, Journal) {
    let home = tempfile::tempdir().unwrap();
    let journal = Journal::open(&Opening::private(home.path().join("midwatch.db"))).unwrap();
    (home, journal)
}

#[tokio::test]
async fn what_was_settled_a_month_ago_is_forgotten_a_slice_at_a_time_and_nothing_else() {
    let (_home, journal) = journal();
    acts(&journal, 3, 29).await;
    let now = acts(&journal, 251, 31).await;
    assert_eq!(forgotten(&journal, now, None).await, 200);
    assert_eq!(forgotten(&journal, now, None).await, 50);
    assert_eq!(forgotten(&journal, now, None).await, 0);
    let left: i64 = journal
        .read(|tx| Ok(tx.query_row("SELECT count(*) FROM outbox", [], |row| row.get(0))?))
        .await
        .unwrap();
    assert_eq!(
        left, 4,
        "the young ones, and the old one that is still to be sent"
    );
    let lines = journal.read(audit::head).await.unwrap();
    assert_eq!(lines, 254 + 252, "the audit log forgets nothing");
}

#[tokio::test]
async fn what_the_audit_log_has_not_told_elsewhere_yet_is_not_forgotten() {
    let (_home, journal) = journal();
    let now = acts(&journal, 3, 31).await;
    assert_eq!(forgotten(&journal, now, Some(2)).await, 0);
    let all = journal.read(audit::head).await.unwrap();
    assert_eq!(forgotten(&journal, now, Some(all)).await, 2);
}

#[tokio::test]
async fn a_story_gets_more_of_what_was_done_than_a_view_lists() {
    let (_home, journal) = journal();
    let now = acts(&journal, 301, 1).await;
    let since = now.utc - TimeDelta::days(2);
    for (most, listed) in [(20_000, 300), (100, 100)] {
        let settled = journal
            .read(move |tx| settled_since(tx, "prod", since, most))
            .await;
        assert_eq!(settled.unwrap().len(), listed);
    }
}

/// What a process holds of an entry that it takes at that moment, for so long.
async fn taken(journal: &Journal, id: EntryId, holder: Holder, now: Stamp) -> Record {
    let taken = journal.write(move |tx| {
        let at = Taking {
            actor: "jun".into(),
            now,
        };
        let (mut record, turn) = take(tx, id, &holder, &at)?.expect("it is free");
        assert_eq!(turn, Turn::Now);
        record.hold = Some(Hold::from(holder, &now, Duration::from_secs(30)));
        claim(tx, id, record.hold)?;
        Ok(record)
    });
    taken.await.unwrap()
}

#[tokio::test]
async fn what_is_said_late_by_who_lost_the_lease_does_not_undo_what_another_found() {
    let (_home, journal) = journal();
    let now = Clock::start().stamp();
    let made = journal.write(move |tx| insert(tx, &author(), &marks(1), &now));
    let id = made.await.unwrap()[0];
    let first = Holder { pid: 1, token: 1 };
    let second = Holder { pid: 2, token: 2 };
    let before = taken(&journal, id, first, now).await;

    // The first is stopped; the second takes over, sends, loses the answer, and lets go.
    let later = now.later(Duration::from_secs(31));
    let mut sent = taken(&journal, id, second, later).await;
    sent.entry.state = State::Sending;
    sent.entry.attempts = 1;
    sent.facts.requested = Some(later);
    let kept = journal.write(move |tx| save(tx, &sent, None, &later)).await;
    assert_eq!(kept.unwrap(), Kept::Yes);

    // The first goes on: of its own it knows that nothing was sent.
    let kept = journal.write(move |tx| save(tx, &before, None, &later)).await;
    assert_eq!(kept.unwrap(), Kept::TakenOver);
    let stands = journal.read(move |tx| load(tx, id)).await.unwrap().unwrap();
    assert_eq!((stands.entry.state, stands.entry.attempts), (State::Sending, 1));
    assert_eq!(stands.facts.requested, Some(later), "it may have arrived");
}

#[tokio::test]
async fn a_lease_that_ran_out_and_that_nobody_took_over_still_lets_its_holder_say_what_came_of_it() {
    let (_home, journal) = journal();
    let now = Clock::start().stamp();
    let made = journal.write(move |tx| insert(tx, &author(), &marks(1), &now));
    let id = made.await.unwrap()[0];
    let mut record = taken(&journal, id, Holder { pid: 1, token: 1 }, now).await;
    record.entry.state = State::Confirmed;
    let later = now.later(Duration::from_secs(31));
    let kept = journal.write(move |tx| save(tx, &record, None, &later)).await;
    assert_eq!(kept.unwrap(), Kept::Yes);
}
