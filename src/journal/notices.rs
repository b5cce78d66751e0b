//! Notifications that wait to go out, or went: each a row, sent by whoever claims it.
//!
//! A webhook cannot be asked whether it heard: what was under way when its sender vanished is never sent
//! again, and its incident's story says that it is unclear. Start at [`queue`], [`claim`] and [`settle`].

use std::time::Duration;

use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::incidents::{from_json, to_json};
use super::{JournalResult, Tx};
use crate::notify::Notice;
use crate::time::Stamp;

/// What nobody could send for so long is not sent any more: what was an emergency then may be over.
pub const TOO_LATE: Duration = Duration::from_secs(600);
/// Rows of one claim.
const CLAIMED: usize = 16;
/// Added to a notification's own time limit before its sender counts as gone.
const MARGIN: Duration = Duration::from_secs(30);

/// The notifications of all contexts.
pub(super) const TABLES: &str = "
CREATE TABLE notices (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    context  TEXT NOT NULL,
    state    TEXT NOT NULL,
    record   TEXT NOT NULL,
    outcome  TEXT
) STRICT;
CREATE INDEX notices_by_state ON notices (context, state, id);
";

/// A notification in the journal. Kept as JSON: fields are only ever added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    /// The `[[notify]]` it goes through, by name.
    pub channel: String,
    /// The longest that sending it may take.
    pub limit: Duration,
    /// What is told.
    pub notice: Notice,
    /// When it was asked for.
    pub queued: Stamp,
    /// How often it was tried.
    pub attempts: u32,
    /// Not before then.
    pub not_before: Option<Stamp>,
    /// While it is under way: its sender is gone after that.
    pub until: Option<Stamp>,
}

/// What became of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The other side has it.
    Delivered,
    /// It will not go out.
    Failed,
    /// It may or may not have arrived.
    Unclear,
}

impl Fate {
    fn word(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Unclear => "unclear",
        }
    }
}

/// Queues a notification.
pub fn queue(tx: &Tx<'_>, context: &str, queued: &Queued) -> JournalResult<i64> {
    tx.prepare_cached("INSERT INTO notices (context, state, record) VALUES (?1, 'waiting', ?2)")?
        .execute(params![context, to_json(queued)?])?;
    Ok(tx.last_insert_rowid())
}

/// What is to be done with the notifications that are open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claimed {
    /// Ours to send now.
    pub to_send: Vec<(i64, Queued)>,
    /// Those that are over without having been sent by us, with what is to be said of each.
    pub over: Vec<(Queued, Fate, String)>,
    /// When the next one is due, where some wait.
    pub next: Option<Duration>,
}

/// Whether something is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// Nothing is open.
    Nothing,
    /// Not before that.
    For(Duration),
    /// Now.
    Due,
}

/// Whether [`claim`] would find something, without a write.
pub fn waits(tx: &Tx<'_>, context: &str, now: &Stamp) -> JournalResult<Waits> {
    let mut query = tx.prepare_cached(
        "SELECT record FROM notices WHERE context = ?1 AND state IN ('waiting', 'sending') LIMIT 1000",
    )?;
    let rows = query.query_map([context], |row| row.get::<_, String>(0))?;
    let mut next: Option<Duration> = None;
    for row in rows {
        let queued: Queued = from_json(&row?)?;
        let until = queued.until.as_ref().or(queued.not_before.as_ref());
        match until.and_then(|at| left(at, now)) {
            Some(left) => next = Some(next.map_or(left, |next| next.min(left))),
            None => return Ok(Waits::Due),
        }
    }
    Ok(next.map_or(Waits::Nothing, Waits::For))
}

/// Claims what is due, and ends what cannot be sent any more.
pub fn claim(tx: &Tx<'_>, context: &str, now: &Stamp) -> JournalResult<Claimed> {
    let mut claimed = Claimed::default();
    let mut query = tx.prepare_cached(
        "SELECT id, state, record FROM notices WHERE context = ?1 AND state IN ('waiting', 'sending')
         ORDER BY id LIMIT 1000",
    )?;
    let rows: Vec<(i64, String, String)> = query
        .query_map([context], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    for (id, state, record) in rows {
        let mut queued: Queued = from_json(&record)?;
        if state == "sending" {
            let left = queued.until.as_ref().and_then(|until| left(until, now));
            if let Some(left) = left {
                claimed.wait(left);
            } else {
                let words = "its sender vanished before it had an answer".to_owned();
                settle(tx, id, Fate::Unclear, &words)?;
                claimed.over.push((queued, Fate::Unclear, words));
            }
        } else if now.since(&queued.queued) > TOO_LATE {
            let words = "nothing could send it in time".to_owned();
            settle(tx, id, Fate::Failed, &words)?;
            claimed.over.push((queued, Fate::Failed, words));
        } else if let Some(left) = queued.not_before.as_ref().and_then(|at| left(at, now)) {
            claimed.wait(left);
        } else if claimed.to_send.len() < CLAIMED {
            queued.attempts += 1;
            queued.until = Some(now.later(queued.limit + MARGIN));
            update(tx, id, "sending", &queued)?;
            claimed.to_send.push((id, queued));
        } else {
            claimed.next = Some(Duration::ZERO);
        }
    }
    Ok(claimed)
}

/// How long until then; nothing where it has passed, or the machine restarted since.
fn left(at: &Stamp, now: &Stamp) -> Option<Duration> {
    (at.boot == now.boot)
        .then(|| at.since(now))
        .filter(|left| !left.is_zero())
}

impl Claimed {
    fn wait(&mut self, left: Duration) {
        self.next = Some(self.next.map_or(left, |next| next.min(left)));
    }
}

fn update(tx: &Tx<'_>, id: i64, state: &str, queued: &Queued) -> JournalResult<()> {
    tx.prepare_cached("UPDATE notices SET state = ?2, record = ?3 WHERE id = ?1")?
        .execute(params![id, state, to_json(queued)?])?;
    Ok(())
}

/// Ends one.
pub fn settle(tx: &Tx<'_>, id: i64, fate: Fate, outcome: &str) -> JournalResult<()> {
    tx.prepare_cached("UPDATE notices SET state = ?2, outcome = ?3 WHERE id = ?1")?
        .execute(params![id, fate.word(), outcome])?;
    Ok(())
}

/// One that certainly did not go out waits again.
pub fn put_back(tx: &Tx<'_>, id: i64, queued: &Queued, not_before: Stamp) -> JournalResult<()> {
    let queued = Queued {
        not_before: Some(not_before),
        until: None,
        ..queued.clone()
    };
    update(tx, id, "waiting", &queued)
}
