//! The courier: takes what the journal holds to its backends, one request at a time and lane.
//!
//! One runs in every console and in every command that acts. It reads what is open, takes what is due under a
//! lease, in one transaction with the state that says so, and only then sends; what comes back is written
//! before anything else is done with that entry. Killed at any moment, it leaves entries that the next one can
//! judge. What to do is [`decide`]'s; it must not know panes or payloads. Start at [`Courier::run`].
//!
//! A request is guarded twice: it is not begun once the lease has run out, and not polled any more once the time
//! is over after which another process may look for it, however long this one was stopped in between.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::poll_fn;
use std::hash::{BuildHasher, RandomState};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot, watch};

use super::decide::{self, Next};
use super::post::{Asked, Post};
use super::record::{Destination, Hold, Holder, LONGEST_WAIT, Record, Timings};
use super::{Entry, EntryId, OutboxView, State, twin};
use crate::backend::http::Jitter;
use crate::backend::{BackendError, BackendResult, Delivery, ErrorKind};
use crate::journal::outbox::{self, Author, Escalations, Kept, Taking, Turn};
use crate::journal::{Journal, JournalError, JournalResult, notices};
use crate::time::{Clock, Stamp, before};

/// Lanes that are served side by side at one destination.
const SIDE_BY_SIDE: usize = 4;
/// Of these, so many may be taken by what wakes nobody: what does never waits for a note that hangs.
const UNHURRIED: usize = SIDE_BY_SIDE - 1;
/// Orders that wait for the courier. When full, who orders waits; closed by the last handle.
const ORDERS: usize = 8;
/// How long what is under way may still take when the courier is told to rest.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// The most settled entries that one view lists.
const SHOWN: u32 = 200;
/// A request that its backend allows to take longer is cut off then, and looked for.
const LONGEST_TOTAL: Duration = Duration::from_secs(300);
/// How long an entry rests that the journal would not take down.
const REST: Duration = Duration::from_secs(5);
/// How soon the outbox is read again where that failed.
const AGAIN: Duration = Duration::from_secs(2);
/// How often an answer is tried to be written down; after that a look finds it.
const SAVES: u32 = 5;

/// What a courier goes out with.
pub struct Setup<P> {
    /// Where entries are kept.
    pub journal: Journal,
    /// Where they go.
    pub post: Arc<P>,
    /// The clocks.
    pub clock: Clock,
    /// Whose entries it takes, of which context.
    pub author: Author,
    /// What it goes by.
    pub timings: Timings,
}

enum Order {
    Rest(oneshot::Sender<()>),
    Resume,
}

/// How a courier is spoken to.
#[derive(Clone)]
pub struct CourierHandle {
    view: watch::Receiver<OutboxView>,
    orders: mpsc::Sender<Order>,
}

impl CourierHandle {
    /// The outbox as it stands; changes with every step.
    pub fn view(&self) -> watch::Receiver<OutboxView> {
        self.view.clone()
    }

    /// Has it hand back everything it holds and take nothing more: before the process stops, for a while or for
    /// good. Returns when that is in the journal.
    pub async fn rest(&self) {
        let (done, resting) = oneshot::channel();
        if self.orders.send(Order::Rest(done)).await.is_ok() {
            // A courier that has ended holds nothing that does not run out by itself.
            let _ = resting.await;
        }
    }

    /// Has it go on.
    pub async fn resume(&self) {
        let _ = self.orders.send(Order::Resume).await; // as above
    }
}

/// What every job of one courier shares.
struct Desk<P> {
    setup: Setup<P>,
    holder: Holder,
}

/// The engine.
pub struct Courier<P> {
    desk: Arc<Desk<P>>,
    out: watch::Sender<OutboxView>,
    orders: mpsc::Receiver<Order>,
    /// What was open when it first looked.
    inherited: Option<BTreeSet<EntryId>>,
    /// What the journal refused last.
    trouble: Option<Arc<str>>,
}

/// How a job of the courier ended.
enum Ended {
    Done,
    /// The journal would not take it down; nothing was sent that it does not know of.
    Failed(JournalError),
    /// The rest after that is over.
    Rested,
}

type Jobs = FuturesUnordered<BoxFuture<'static, (EntryId, Ended)>>;

/// An entry that can be worked on.
#[derive(Debug, Clone)]
struct Due {
    id: EntryId,
    to: Destination,
    urgency: Urgency,
}

/// How an entry stands among those that are due. The order is that in which they go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    /// It wakes people or stops waking them.
    Wakes,
    /// It does not.
    Unhurried,
}

/// What is under way, and where to.
type Busy = BTreeMap<EntryId, Destination>;

/// What a transaction found to be done with an entry.
enum Step {
    /// Nothing, or it is somebody else's.
    None,
    Look(Box<Record>, Looking),
    Send {
        before: Box<Record>,
        begun: Box<Record>,
    },
}

/// What a look is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Looking {
    /// What became of a request.
    Back,
    /// How things stand before there is one, escalations until then being known.
    Before { known: Option<DateTime<Utc>> },
}

impl<P: Post> Courier<P> {
    /// One that has not set out yet: [`Courier::run`] is to be spawned by whoever owns tasks.
    pub fn new(setup: Setup<P>) -> (Self, CourierHandle) {
        let (out, view) = watch::channel(OutboxView::default());
        let (orders_out, orders) = mpsc::channel(ORDERS);
        let holder = Holder {
            pid: std::process::id(),
            token: RandomState::new().hash_one(0_u8),
        };
        let courier = Self {
            desk: Arc::new(Desk { setup, holder }),
            out,
            orders,
            inherited: None,
            trouble: None,
        };
        let handle = CourierHandle {
            view,
            orders: orders_out,
        };
        (courier, handle)
    }

    /// Serves the outbox until every handle is gone, or the task is dropped.
    pub async fn run(mut self) {
        let mut jobs = Jobs::new();
        let mut busy = Busy::new();
        let mut changes = self.desk.setup.journal.changes();
        let mut open: Vec<Record> = Vec::new();
        let mut seen_version = None;
        let mut stale = true;
        let mut resting = false;
        let timings = self.desk.setup.timings;
        loop {
            if stale {
                changes.mark_unchanged();
                match self.refresh().await {
                    Ok((records, version)) => {
                        open = records;
                        seen_version = Some(version);
                        stale = false;
                    }
                    Err(error) => self.complain(&error),
                }
            }
            let mut wake = if stale { AGAIN } else { timings.poll };
            if !resting && !stale {
                let now = self.desk.setup.clock.stamp();
                for Due { id, to, urgency } in self.due(&open, &busy, &now, &mut wake) {
                    if !has_room(&busy, &to, urgency) {
                        continue;
                    }
                    busy.insert(id, to);
                    let desk = Arc::clone(&self.desk);
                    jobs.push(Box::pin(async move {
                        let ended = desk.work(id).await.map_or_else(Ended::Failed, |()| Ended::Done);
                        (id, ended)
                    }));
                }
            }
            tokio::select! {
                biased;
                order = self.orders.recv() => match order {
                    Some(Order::Rest(done)) => {
                        resting = true;
                        self.lay_down(&mut jobs).await;
                        busy.clear();
                        stale = true;
                        // Whoever asked may have given up waiting.
                        let _ = done.send(());
                    }
                    Some(Order::Resume) => {
                        resting = false;
                        stale = true;
                    }
                    None => {
                        self.lay_down(&mut jobs).await;
                        return;
                    }
                },
                Some((id, ended)) = jobs.next(), if !jobs.is_empty() => {
                    stale = true;
                    match ended {
                        Ended::Done => {
                            self.trouble = None;
                            busy.remove(&id);
                        }
                        Ended::Rested => {
                            busy.remove(&id);
                        }
                        Ended::Failed(error) => {
                            self.trouble = Some(error.to_string().into());
                            // A full disk is not asked again at once.
                            self.complain(&error);
                            jobs.push(Box::pin(async move {
                                tokio::time::sleep(REST).await;
                                (id, Ended::Rested)
                            }));
                        }
                    }
                }
                Ok(()) = changes.changed() => stale = true,
                () = tokio::time::sleep(wake) => {
                    let journal = &self.desk.setup.journal;
                    let version = journal.read(outbox::version).await.ok();
                    stale |= version.is_none() || version != seen_version || wake < timings.poll;
                }
            }
        }
    }

    /// Gives what is under way a moment to end, drops the rest, and hands every lease back.
    async fn lay_down(&self, jobs: &mut Jobs) {
        let ending = async { while jobs.next().await.is_some() {} };
        // What did not end is looked for later, as if the process had died.
        let _ = tokio::time::timeout(LAST_WORDS, ending).await;
        jobs.clear();
        let holder = self.desk.holder;
        let handed = self
            .desk
            .setup
            .journal
            .write(move |tx| outbox::hand_back(tx, &holder))
            .await;
        if let Err(error) = handed {
            // The leases run out by themselves.
            self.complain(&error);
        }
    }

    fn complain(&self, error: &JournalError) {
        let words: Arc<str> = error.to_string().into();
        self.out.send_if_modified(|view| {
            let changed = view.trouble.as_ref() != Some(&words);
            view.trouble = Some(words);
            changed
        });
    }

    /// Reads the outbox anew and publishes it.
    async fn refresh(&mut self) -> JournalResult<(Vec<Record>, i64)> {
        let author = self.desk.setup.author.clone();
        let now = self.desk.setup.clock.stamp();
        let timings = self.desk.setup.timings;
        let back = move |by: Duration| before(now.utc, by);
        let (open, settled, acknowledgements, (pages, through), version) = self
            .desk
            .setup
            .journal
            .read(move |tx| {
                let version = outbox::version(tx)?;
                let open = outbox::open(tx, &author.context)?;
                let settled = outbox::settled_since(tx, &author.context, back(timings.shown), SHOWN)?;
                let acks = outbox::acknowledgements(tx, &author, back(timings.adopted))?;
                let pages = (
                    notices::unreached(tx, &author.context)?,
                    notices::under_way(tx, &author.context)?,
                );
                Ok((open, settled, acks, (pages, outbox::newest(tx)?), version))
            })
            .await?;
        let ours = |record: &&Record| record.entry.actor == self.desk.setup.author.actor;
        let at_first = || {
            let of_ours = open
                .iter()
                .filter(ours)
                .filter(|record| !record.entry.payload.is_renewal());
            of_ours.map(|record| record.entry.id).collect()
        };
        let inherited = self.inherited.get_or_insert_with(at_first).clone();
        // An acknowledgement that is kept alive is no news, unless it goes wrong.
        let is_told =
            |record: &&Record| !record.entry.payload.is_renewal() || record.entry.last_error.is_some();
        let entries = open
            .iter()
            .filter(is_told)
            .map(|record| record.entry.clone())
            .chain(settled)
            .collect();
        let view = OutboxView {
            entries,
            acknowledgements,
            inherited,
            unreached: pages.0,
            under_way: pages.1,
            through,
            trouble: self.trouble.clone(),
        };
        self.out.send_if_modified(|held| {
            let changed = *held != view;
            *held = view;
            changed
        });
        Ok((open, version))
    }

    /// What can be worked on now: first what wakes people or stops waking them, the oldest first of each; `wake`
    /// becomes the time until something else can.
    fn due(&self, open: &[Record], busy: &Busy, now: &Stamp, wake: &mut Duration) -> Vec<Due> {
        let setup = &self.desk.setup;
        let mut due = Vec::new();
        let mut lanes: HashMap<String, Vec<&Record>> = HashMap::new();
        for record in open
            .iter()
            .filter(|record| record.entry.actor == setup.author.actor)
        {
            let payload = &record.entry.payload;
            let before = lanes.entry(payload.lane(&record.entry.marker)).or_default();
            let waits = before.iter().any(|earlier| earlier.holds_up(record, now));
            before.push(record);
            let next = decide::next(record, now, &setup.timings);
            if (waits && !next.passes(record)) || busy.contains_key(&record.entry.id) {
                continue;
            }
            let held = record.hold.filter(|hold| hold.holder != self.desk.holder);
            let left = held.map_or(Duration::ZERO, |hold| hold.left(now));
            if !left.is_zero() {
                *wake = (*wake).min(left);
                continue;
            }
            match next {
                Next::Wait(at) => *wake = (*wake).min(now.until(&at, LONGEST_WAIT)),
                Next::Rest => {}
                Next::Look | Next::Send | Next::Settle(..) => due.push(Due {
                    id: record.entry.id,
                    to: payload.destination(),
                    urgency: if payload.is_urgent() {
                        Urgency::Wakes
                    } else {
                        Urgency::Unhurried
                    },
                }),
            }
        }
        due.sort_by_key(|due| due.urgency);
        due
    }
}

/// Whether another entry finds a place where it goes to.
fn has_room(busy: &Busy, to: &Destination, urgency: Urgency) -> bool {
    let taken = busy.values().filter(|held| *held == to).count();
    taken
        < match urgency {
            Urgency::Wakes => SIDE_BY_SIDE,
            Urgency::Unhurried => UNHURRIED,
        }
}

impl<P: Post> Desk<P> {
    /// Takes one entry as far as it goes now.
    async fn work(&self, id: EntryId) -> JournalResult<()> {
        loop {
            match self.step(id).await? {
                Step::None => return Ok(()),
                Step::Look(record, looking) => {
                    let found = self.look(&record, looking).await;
                    let now = self.setup.clock.stamp();
                    let mut record = *record;
                    decide::looked(
                        &mut record,
                        found,
                        &now,
                        &self.setup.timings,
                        Jitter::random().next(),
                    );
                    let over = !decide::goes_on(&record);
                    self.keep(record).await?;
                    if over {
                        return Ok(());
                    }
                }
                Step::Send { before, begun } => {
                    let answer = self.send(&begun).await;
                    let now = self.setup.clock.stamp();
                    let mut record = *begun;
                    let jitter = Jitter::random().next();
                    decide::answered(&mut record, &before, answer, &now, &self.setup.timings, jitter);
                    return self.keep(record).await;
                }
            }
        }
    }

    /// Takes the entry, decides, and writes down what is about to be done: one transaction.
    async fn step(&self, id: EntryId) -> JournalResult<Step> {
        let (holder, timings) = (self.holder, self.setup.timings);
        // Read before the journal is waited for: a lease that begins too early does no harm.
        let now = self.setup.clock.stamp();
        let actor = Arc::clone(&self.setup.author.actor);
        let post = Arc::clone(&self.setup.post);
        self.setup
            .journal
            .write(move |tx| {
                let at = Taking { actor, now };
                let Some((mut record, turn)) = outbox::take(tx, id, &holder, &at)? else {
                    return Ok(Step::None);
                };
                let mut next = decide::next(&record, &now, &timings);
                if turn == Turn::Waits && !next.passes(&record) {
                    return Ok(Step::None);
                }
                let mut looking = Looking::Back;
                if record.facts.requested.is_none() && matches!(next, Next::Look | Next::Send) {
                    // In the transaction that says what is under way: of two at once one finds the other.
                    let Escalations { others, known_until } = outbox::escalations(tx, &record)?;
                    looking = Looking::Before { known: known_until };
                    if let Some(words) = twin::question(&record, &others, &timings) {
                        next = Next::Settle(State::NeedsDecision, words);
                    }
                }
                // One that was left behind is ours from here on.
                let before = record.clone();
                let total = post.total_timeout(&record.entry.payload).min(LONGEST_TOTAL);
                let hold = Some(Hold::from(holder, &now, timings.hold + total));
                outbox::claim(tx, id, hold)?;
                record.hold = hold;
                match next {
                    Next::Wait(_) | Next::Rest => {
                        outbox::claim(tx, id, None)?;
                        Ok(Step::None)
                    }
                    Next::Settle(state, words) => {
                        decide::settle(&mut record, state, &words);
                        outbox::save(tx, &record, None, &now)?;
                        Ok(Step::None)
                    }
                    Next::Look => Ok(Step::Look(Box::new(record), looking)),
                    Next::Send => {
                        decide::begun(&mut record, &now, total, &timings);
                        outbox::save(tx, &record, hold, &now)?;
                        Ok(Step::Send {
                            before: Box::new(before),
                            begun: Box::new(record),
                        })
                    }
                }
            })
            .await
    }

    /// Writes down what came of a step and lets the entry go. Tried for a while: a look finds what could not be
    /// written.
    async fn keep(&self, record: Record) -> JournalResult<()> {
        let mut tries = 0;
        loop {
            tries += 1;
            let record = record.clone();
            let now = self.setup.clock.stamp();
            let saved = self
                .setup
                .journal
                .write(move |tx| outbox::save(tx, &record, None, &now))
                .await;
            match saved {
                Ok(Kept::Yes | Kept::TakenOver) => return Ok(()),
                Err(error) if tries >= SAVES => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
            }
        }
    }

    async fn send(&self, record: &Record) -> BackendResult<super::post::Delivered> {
        let entry = Arc::new(record.entry.clone());
        let sending = self.setup.post.send(Arc::clone(&entry));
        match self.guarded(record, sending).await {
            Guarded::Answered(answer) => answer,
            Guarded::NotBegun => Err(stopped(
                &entry,
                Delivery::NotSent,
                "its lease ran out before it was sent",
            )),
            Guarded::CutOff => Err(stopped(&entry, Delivery::Unknown, "no answer in time")),
        }
    }

    async fn look(&self, record: &Record, looking: Looking) -> BackendResult<super::post::Found> {
        let entry = Arc::new(record.entry.clone());
        let now = self.setup.clock.stamp();
        let first = record.facts.requested.unwrap_or(record.facts.created);
        let at = now.utc_of(&first);
        let post = &self.setup.post;
        let asked = match looking {
            Looking::Back => post.look_back(Arc::clone(&entry), at),
            Looking::Before { known } => {
                let sight = record.facts.sight;
                post.look_before(Arc::clone(&entry), Asked { at, known, sight })
            }
        };
        match self.guarded(record, asked).await {
            Guarded::Answered(answer) => answer,
            Guarded::NotBegun | Guarded::CutOff => Err(stopped(
                &entry,
                Delivery::NotSent,
                "no answer to the look for it in time",
            )),
        }
    }

    /// Drives a request while it is ours: not begun unless its lease covers all of its time, and not polled past
    /// the end of that. The lease is thus looked at again whenever the request gets on, and so also after it has
    /// waited for a place, right before it is written.
    async fn guarded<T>(&self, record: &Record, request: impl Future<Output = T>) -> Guarded<T> {
        let clock = self.setup.clock;
        let total = self.setup.post.total_timeout(&record.entry.payload);
        let total = total.min(LONGEST_TOTAL);
        let Some(lease) = record.hold else {
            return Guarded::NotBegun;
        };
        let mut begun: Option<Stamp> = None;
        let mut request = pin!(request);
        let driven = poll_fn(|context| {
            let now = clock.stamp();
            match &begun {
                None if lease.left(&now) < total => return Poll::Ready(Guarded::NotBegun),
                None => begun = Some(now),
                Some(at) if now.since(at) > total || lease.left(&now).is_zero() => {
                    return Poll::Ready(Guarded::CutOff);
                }
                Some(_) => {}
            }
            request.as_mut().poll(context).map(Guarded::Answered)
        });
        tokio::time::timeout(total, driven)
            .await
            .unwrap_or(Guarded::CutOff)
    }
}

enum Guarded<T> {
    Answered(T),
    NotBegun,
    CutOff,
}

fn stopped(entry: &Entry, delivery: Delivery, detail: &str) -> BackendError {
    BackendError {
        kind: ErrorKind::TimedOut,
        backend: "outbox".into(),
        tried: entry.payload.action().to_owned(),
        detail: detail.to_owned(),
        mend: String::new(),
        status: None,
        retry_after: None,
        delivery,
    }
}

impl CourierHandle {
    /// Waits until none of these is on its way any more: each is settled, or asks. They may be more than a view
    /// lists.
    pub async fn settled(&self, ids: &[EntryId]) {
        let mut view = self.view.clone();
        let ids: BTreeSet<EntryId> = ids.iter().copied().collect();
        let on_its_way =
            |entry: &Entry| matches!(entry.state, State::Pending | State::Sending) && ids.contains(&entry.id);
        let over =
            |view: &OutboxView| view.through >= ids.last().copied() && !view.entries.iter().any(on_its_way);
        // The courier gone: what is left is the next one's.
        let _ = view.wait_for(over).await;
    }
}

#[cfg(test)]
mod tests;
