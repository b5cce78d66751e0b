//! Notifications that wait to go out, or went: each a row, sent by whoever claims it.
//!
//! A webhook cannot be asked whether it heard: what was under way when its sender vanished is never sent
//! again, and its incident's story says that it is unclear. Start at [`queue`], [`claim`] and [`settle`].

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use super::audit::{self, Act};
use super::incidents::{self, from_json, to_json};
use super::{JournalResult, Tx};
use crate::domain::incident::local::{LocalIncident, Reason};
use crate::domain::incident::{IncidentId, Person};
use crate::notify::{Notice, Stage, Tries, UnderWay, Unreached, Whom};
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

/// What failed before this was asked about was told in its incident's story, and is left at that.
pub(super) const ANSWERED: &str = "
ALTER TABLE notices ADD COLUMN answered TEXT;
UPDATE notices SET answered = '' WHERE state IN ('failed', 'unclear');
";

/// A notification in the journal. Kept as JSON: fields are only ever added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    /// The `[[notify]]` it goes through, by name; empty where it goes through none.
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
    /// It was not sent: nobody has to be woken by it any more.
    NotNeeded,
}

impl Fate {
    fn word(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Unclear => "unclear",
            Self::NotNeeded => "not_needed",
        }
    }
}

/// Queues a notification.
pub fn queue(tx: &Tx<'_>, context: &str, queued: &Queued) -> JournalResult<i64> {
    tx.prepare_cached("INSERT INTO notices (context, state, record) VALUES (?1, 'waiting', ?2)")?
        .execute(params![context, to_json(queued)?])?;
    Ok(tx.last_insert_rowid())
}

/// Keeps one that was never sent and will not be, with why: it is asked about as a page that reached nobody.
pub fn fail(tx: &Tx<'_>, context: &str, queued: &Queued, why: &str) -> JournalResult<()> {
    let id = queue(tx, context, queued)?;
    settle(tx, id, Fate::Failed, why)
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

/// Pages that are on their way, the oldest first.
pub fn under_way(tx: &Tx<'_>, context: &str) -> JournalResult<Vec<UnderWay>> {
    let mut query = tx.prepare_cached(
        "SELECT state, record FROM notices WHERE context = ?1 AND state IN ('waiting', 'sending')
         ORDER BY id LIMIT 1000",
    )?;
    let rows = query.query_map([context], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    let mut pages = Vec::new();
    for row in rows {
        let (state, record) = row?;
        let queued: Queued = from_json(&record)?;
        if !queued.notice.reason.is_a_page() {
            continue;
        }
        pages.push(UnderWay {
            stage: match state.as_str() {
                "sending" => Stage::Sending,
                _ => Stage::Waiting,
            },
            incident: IncidentId(Arc::clone(&queued.notice.incident)),
            reason: queued.notice.reason,
            people: queued.notice.people,
            queued: queued.queued,
        });
    }
    Ok(pages)
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
        } else if let Some(why) = needless(tx, context, &queued.notice)? {
            let words = format!("not needed any more: {why}");
            settle(tx, id, Fate::NotNeeded, &words)?;
            claimed.over.push((queued, Fate::NotNeeded, words));
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

/// Why a notification has become needless while it waited.
fn needless(tx: &Tx<'_>, context: &str, notice: &Notice) -> JournalResult<Option<String>> {
    let Some(number) = LocalIncident::number_of(&IncidentId(Arc::clone(&notice.incident))) else {
        return Ok(None);
    };
    let incident = incidents::find(tx, context, number)?;
    Ok(incident.and_then(|incident| incident.needs_no_page(notice.reason, notice.at)))
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

/// Pages of open local incidents that did not reach those they were for, the oldest first: every way to them failed,
/// for good or so far, nobody has taken the incident since, no later page of it stands for this one, and nobody has
/// answered for it (see [`answer`]). Of a page that reached somebody it is those whom no way reached.
pub fn unreached(tx: &Tx<'_>, context: &str) -> JournalResult<Vec<Unreached>> {
    let first: Option<i64> = tx
        .prepare_cached(
            "SELECT min(id) FROM notices
             WHERE context = ?1 AND state IN ('failed', 'unclear', 'waiting', 'sending') AND answered IS NULL",
        )?
        .query_row([context], |row| row.get(0))?;
    let Some(first) = first else {
        return Ok(Vec::new());
    };
    let mut query = tx.prepare_cached(
        "SELECT id, state, record, outcome, answered IS NULL FROM notices WHERE context = ?1 AND id >= ?2
         ORDER BY id DESC LIMIT ?3",
    )?;
    let rows = query.query_map(params![context, first - SIBLINGS, PAGES], |row| {
        Ok(Row {
            id: row.get(0)?,
            state: row.get(1)?,
            record: row.get(2)?,
            outcome: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
            asks: row.get(4)?,
        })
    })?;
    let mut pages: Vec<Page> = Vec::new();
    for row in rows {
        let row = row?;
        let queued: Queued = from_json(&row.record)?;
        if !queued.notice.reason.is_a_page() {
            continue;
        }
        let page = Page::of(&queued.notice);
        let found = pages.iter().position(|known| known.asked.is_same(&page.asked));
        let index = found.unwrap_or_else(|| {
            pages.push(page);
            pages.len() - 1
        });
        if let Some(page) = pages.get_mut(index) {
            page.take(row, queued);
        }
    }
    let pages: Vec<Unreached> = pages.into_iter().map(Page::unreached).collect();
    let mut unreached: Vec<Unreached> = Vec::new();
    for (index, page) in pages.iter().enumerate() {
        // The newest come first: whatever stands before it of its incident came later.
        let later = pages.get(..index).unwrap_or_default();
        if !page.ids.is_empty()
            && waits_for_somebody(tx, context, page)?
            && !is_followed(tx, context, page, later)?
        {
            unreached.push(page.clone());
        }
    }
    unreached.reverse();
    Ok(unreached)
}

/// One page, of all its rows.
struct Page {
    asked: Unreached,
    reached: Reached,
    /// Who was told, or may be yet.
    told: Vec<Person>,
    failed: Vec<Failure>,
}

/// A way of a page that failed, so far at least.
struct Failure {
    id: i64,
    people: Vec<Person>,
    why: Arc<str>,
    tries: Tries,
}

impl Page {
    fn of(notice: &Notice) -> Self {
        Self {
            asked: Unreached {
                ids: Vec::new(),
                incident: IncidentId(Arc::clone(&notice.incident)),
                title: Arc::clone(&notice.title),
                reason: notice.reason,
                people: Vec::new(),
                at: notice.at,
                why: Arc::default(),
                tries: Tries::Over,
                whom: Whom::Everybody,
            },
            reached: Reached::Nobody,
            told: Vec::new(),
            failed: Vec::new(),
        }
    }

    fn take(&mut self, row: Row, queued: Queued) {
        let tries = match row.state.as_str() {
            "failed" | "unclear" => Some(Tries::Over),
            "waiting" if queued.attempts > 0 => Some(Tries::GoOn),
            "sending" if queued.attempts > 1 => Some(Tries::GoOn),
            _ => None,
        };
        let Some(tries) = tries.filter(|_| row.asks) else {
            self.reached = Reached::Perhaps;
            self.told.extend(queued.notice.people);
            return;
        };
        let outcome = match tries {
            Tries::Over => row.outcome,
            Tries::GoOn => "no answer so far, it is tried again".to_owned(),
        };
        let why = match &*queued.channel {
            "" => outcome.into(),
            channel => format!("{channel}: {outcome}").into(),
        };
        self.failed.push(Failure {
            id: row.id,
            people: queued.notice.people,
            why,
            tries,
        });
    }

    /// Whom it did not reach; without a row where there is nobody to ask about.
    fn unreached(self) -> Unreached {
        let Self {
            mut asked,
            reached,
            mut told,
            mut failed,
        } = self;
        if reached == Reached::Perhaps {
            asked.whom = Whom::Part;
            // Where others know, who is still tried is not asked about yet.
            let (over, going): (Vec<_>, Vec<_>) =
                failed.into_iter().partition(|each| each.tries == Tries::Over);
            told.extend(going.into_iter().flat_map(|each| each.people));
            failed = over;
            failed.retain(|each| each.people.iter().any(|person| !told.contains(person)));
        }
        for each in &failed {
            asked.ids.push(each.id);
            asked.why = Arc::clone(&each.why);
            if each.tries == Tries::GoOn {
                asked.tries = Tries::GoOn;
            }
        }
        // In the order of the level.
        for person in failed.into_iter().rev().flat_map(|each| each.people) {
            if !told.contains(&person) && !asked.people.contains(&person) {
                asked.people.push(person);
            }
        }
        asked
    }
}

/// Rows that were queued with one another lie this near.
const SIBLINGS: i64 = 64;
/// Rows that are looked through at most.
const PAGES: i64 = 200;

struct Row {
    id: i64,
    state: String,
    record: String,
    outcome: String,
    asks: bool,
}

#[derive(PartialEq, Eq)]
enum Reached {
    Nobody,
    /// Somebody was, or may be yet; or it was answered for.
    Perhaps,
}

/// Whether a later page stands for this one. One that is needless by now stands for none: a missed level that was
/// left asleep.
fn is_followed(tx: &Tx<'_>, context: &str, page: &Unreached, later: &[Unreached]) -> JournalResult<bool> {
    for other in later {
        let is_alike = other.incident == page.incident && reason_alike(other, page);
        if is_alike && waits_for_somebody(tx, context, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a later page stands for an earlier one: whose level or assignment it is has changed since. Who was asked
/// to help is somebody else each time.
fn reason_alike(later: &Unreached, earlier: &Unreached) -> bool {
    let asked = |page: &Unreached| page.reason == Reason::Asked;
    asked(later) == asked(earlier) && (!asked(later) || later.people == earlier.people)
}

fn waits_for_somebody(tx: &Tx<'_>, context: &str, page: &Unreached) -> JournalResult<bool> {
    let Some(number) = LocalIncident::number_of(&page.incident) else {
        return Ok(false);
    };
    let incident = incidents::find(tx, context, number)?;
    Ok(incident.is_some_and(|incident| incident.needs_no_page(page.reason, page.at).is_none()))
}

/// Somebody knows that these reached nobody, and sees to it: since then. The audit log tells of each page once,
/// however many ways it went.
pub fn answer(tx: &Tx<'_>, ids: &[i64], (by, at): (&str, DateTime<Utc>)) -> JournalResult<()> {
    let mut answer = tx.prepare_cached(
        "UPDATE notices SET answered = ?2 WHERE id = ?1 AND answered IS NULL RETURNING context, record",
    )?;
    let mut told: Vec<(String, Notice)> = Vec::new();
    for id in ids {
        let answered = answer.query_row(params![id, by], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        });
        let Some((context, record)) = answered.optional()? else {
            continue;
        };
        let queued: Queued = from_json(&record)?;
        let same = |(_, known): &(String, Notice)| {
            known.incident == queued.notice.incident && known.message == queued.notice.message
        };
        if !told.iter().any(same) {
            told.push((context, queued.notice));
        }
    }
    for (context, notice) in told {
        let line = Act {
            at,
            actor: by.to_owned(),
            action: "answer_for_page".to_owned(),
            target: notice.incident.to_string(),
            context,
            why: notice.message.clone(),
            result: "confirmed".to_owned(),
        };
        audit::record(tx, &line)?;
    }
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
