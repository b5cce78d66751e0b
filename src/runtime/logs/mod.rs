//! The keeper of log lines: reads the source, owns the store, filters and searches it, and publishes what the pane
//! draws.
//!
//! One task holds all of it, so that nothing is shared; the view it publishes is cheap, for the store's chunks are. It
//! publishes at most so often ([`PUBLISH`]) and only when something changed; a search goes on in slices between lines
//! that arrive. Start at [`Keeper::run`].

mod learning;
mod looking;
mod reader;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use self::learning::Learning;
use self::looking::Looking;
use self::reader::{RATE_OVER, Reader, paged};
use super::poller::HealthLine;
use crate::app::feed::Status;
use crate::app::logs::{LogView, LogsAsk, Watched};
use crate::backend::logs::{Logs, Reach, TailMode};
use crate::domain::log::{Gap, Nanos, Volume};
use crate::logstore::search::Search;
use crate::logstore::{Limits, Snapshot};
use crate::time::{Clock, Tick};

/// The shortest time between two views: lines that arrive sooner are shown together.
const PUBLISH: Duration = Duration::from_millis(100);
/// Views at the begin that do not wait for that: the end of a file, its begin, and what lies between.
const EARLY: u8 = 4;
/// A tail watches over itself and says when it is lost: its light does not go stale because nothing is written.
const WATCHED: Duration = Duration::from_secs(86_400);

/// How often lines are counted by time: every line in hand is looked at.
const COUNT: Duration = Duration::from_secs(1);

/// What is to be done beside showing what is asked for.
#[derive(Debug)]
pub(super) enum Order {
    /// Read lines older than the oldest.
    Older,
    /// Ask for the lines of a gap again.
    Refetch(Gap),
}

/// What the keeper is handed.
pub(super) struct Keeper {
    pub source: Arc<dyn Logs>,
    pub limits: Limits,
    pub clock: Clock,
    pub health: Option<HealthLine>,
    pub ask: watch::Receiver<LogsAsk>,
    /// Few: each is a key of the engineer.
    pub orders: mpsc::Receiver<Order>,
    pub out: watch::Sender<Option<Arc<LogView>>>,
}

impl Keeper {
    /// Reads for ever.
    pub async fn run(mut self) {
        let ask = self.ask.borrow_and_update().clone();
        let mut work = Work {
            reader: Reader::open(&self, &ask.wanted),
            looking: Looking::of(&ask, &Snapshot::default(), self.source.reach()),
            learning: None,
            counted: None,
            ask,
        };
        let mut published = self.clock.tick();
        let mut dirty = true;
        let mut early = EARLY;
        loop {
            // Before anything else, or lines that never stop coming would never be shown.
            // The first lines at once, of either end: somebody waits for them.
            let first = early > 0 && !work.reader.store.is_empty();
            if dirty && (first || self.clock.tick() >= published + PUBLISH) {
                early -= u8::from(first);
                self.out.send_replace(Some(Arc::new(work.view(self.clock))));
                published = self.clock.tick();
                dirty = false;
            }
            let busy = work.is_behind();
            let due = (published + PUBLISH).since(self.clock.tick());
            let reader = &mut work.reader;
            tokio::select! {
                biased;
                changed = self.ask.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let next = self.ask.borrow_and_update().clone();
                    work.turn_to(next, &self);
                }
                order = self.orders.recv() => match order {
                    Some(order) => reader.order(order, &self.source),
                    None => return,
                },
                Some(event) = reader.events.recv() => {
                    reader.event(event, self.clock.tick());
                    self.tell(reader);
                }
                ended = &mut reader.tail, if reader.again.is_none() => {
                    reader.ended(ended, self.clock.tick());
                    self.tell(reader);
                }
                page = paged(&mut reader.page) => {
                    reader.paged(page, &self.source);
                    self.tell(reader);
                }
                () = until(reader.again, self.clock) => {
                    // From behind the newest line on: what came meanwhile is not lost.
                    let newest = reader.store.newest().map(|at| Nanos(at.0.saturating_add(1)));
                    let from = newest.unwrap_or_else(|| Nanos::of(self.clock.now().utc));
                    reader.begin(&self.source, from);
                }
                () = tokio::task::yield_now(), if busy => work.step(self.clock),
                () = tokio::time::sleep(due), if dirty => continue,
                // The rate falls by itself when nothing comes.
                () = tokio::time::sleep(RATE_OVER), if !reader.arrivals.is_empty() => {}
            }
            dirty = true;
        }
    }

    fn tell(&self, reader: &Reader) {
        let Some(health) = &self.health else { return };
        let now = self.clock.tick();
        let (status, good) = match (&reader.failure, reader.mode) {
            (Some(cause), _) => (
                Status::Failed {
                    cause: cause.as_str().into(),
                    since: now,
                    next_try: now,
                },
                None,
            ),
            (None, Some(TailMode::Live | TailMode::Polling(_) | TailMode::Ended)) => {
                (Status::Idle, Some(now))
            }
            (None, Some(TailMode::Connecting) | None) => return,
        };
        health.tell(&status, good, WATCHED);
    }
}

async fn until(at: Option<Tick>, clock: Clock) {
    match at {
        Some(at) => tokio::time::sleep(at.since(clock.tick())).await,
        None => pending().await,
    }
}

/// What is under way for one question.
struct Work {
    ask: LogsAsk,
    reader: Reader,
    looking: Looking,
    learning: Option<Learning>,
    /// Lines by time, and when they were counted.
    counted: Option<(Tick, Arc<Volume>)>,
}

impl Work {
    /// Another question, or the same in other words: what still holds of the work is kept.
    fn turn_to(&mut self, ask: LogsAsk, keeper: &Keeper) {
        let reach = keeper.source.reach();
        let narrowed = ask.wanted != self.ask.wanted;
        let elsewhere = narrowed && reach == Reach::Present;
        if elsewhere {
            self.reader = Reader::open(keeper, &ask.wanted);
            self.counted = None;
        }
        if narrowed || (&ask.filter, &ask.search) != (&self.ask.filter, &self.ask.search) {
            self.looking = Looking::of(&ask, &self.reader.store.snapshot(), reach);
        }
        match ask.patterns {
            Watched::Yes if elsewhere || self.learning.is_none() => self.learning = Some(Learning::new()),
            Watched::Yes => {}
            Watched::No => self.learning = None,
        }
        self.ask = ask;
    }

    fn is_behind(&self) -> bool {
        !self.looking.is_done() || self.learning.as_ref().is_some_and(Learning::is_behind)
    }

    /// A slice of what is to be looked at.
    fn step(&mut self, clock: Clock) {
        if self.looking.is_done() {
            self.learn(clock);
        } else {
            self.looking.step();
        }
    }

    fn learn(&mut self, clock: Clock) {
        if let Some(learning) = &mut self.learning {
            let now = clock.now();
            learning.step(&self.reader.store.snapshot(), (Nanos::of(now.utc), now.tick));
        }
    }

    fn view(&mut self, clock: Clock) -> LogView {
        let snapshot = self.reader.store.snapshot();
        if self
            .counted
            .as_ref()
            .is_none_or(|(at, _)| clock.tick().since(*at) >= COUNT)
        {
            self.counted = Some((clock.tick(), LogView::volume_of(&snapshot)));
        }
        self.looking.extend(&snapshot);
        self.looking.step();
        self.learn(clock);
        LogView {
            snapshot,
            shown: self.looking.filter.as_ref().map(Search::found),
            hits: self.looking.sought.as_ref().map(Search::found),
            ask: self.ask.clone(),
            scanned: self.looking.scanned(),
            mode: self.reader.mode,
            failure: self.reader.failure.clone(),
            rate: self.reader.rate(clock.tick()),
            past: self.reader.past.clone(),
            volume: self
                .counted
                .as_ref()
                .map_or_else(Arc::default, |(_, volume)| Arc::clone(volume)),
            learnt: self
                .learning
                .as_ref()
                .map(|learning| Arc::clone(&learning.learnt)),
        }
    }
}
