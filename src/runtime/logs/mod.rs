//! The keeper of log lines: reads the source, owns the store, filters and searches it, and publishes what the pane
//! draws.
//!
//! One task holds all of it, so that nothing is shared; the view it publishes is cheap, for the store's chunks are. It
//! publishes at most so often ([`PUBLISH`]) and only when something changed; a search goes on in slices between lines
//! that arrive. Start at [`Keeper::run`].

mod counting;
mod gaps;
mod learning;
mod looking;
mod reader;
mod surveying;
#[cfg(test)]
mod tests;
mod trial;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use self::counting::{Counting, counted};
use self::learning::Learning;
use self::looking::Looking;
use self::reader::{RATE_OVER, Reader, paged};
use self::surveying::{Surveying, surveyed};
use self::trial::{Trial, tried};
use super::poller::HealthLine;
use crate::app::feed::Status;
use crate::app::logs::{Counted, LogView, LogsAsk, Refused, RefusedFor, Watched};
use crate::backend::logs::{Logs, Page, Reach, TailMode};
use crate::backend::{BackendResult, ErrorKind};
use crate::domain::log::{Gap, Nanos};
use crate::logstore::search::Search;
use crate::logstore::{Limits, Snapshot};
use crate::time::{Clock, Tick};

/// The shortest time between two views: lines that arrive sooner are shown together.
const PUBLISH: Duration = Duration::from_millis(100);
/// Views at the begin that do not wait for that: the end of a file, its begin, and what lies between.
const EARLY: u8 = 4;
/// A tail watches over itself and says when it is lost: its light does not go stale because nothing is written.
const WATCHED: Duration = Duration::from_secs(86_400);

/// What is to be done beside showing what is asked for.
#[derive(Debug)]
pub(super) enum Order {
    /// Read lines older than the oldest.
    Older,
    /// Read older lines until this time is in hand.
    Until(Nanos),
    /// Go to no time any more.
    Stop,
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
            reader: Reader::open(&self, &ask.wanted, ask.at),
            looking: Looking::of(&ask, &Snapshot::default(), &*self.source),
            learning: None,
            counting: Counting::default(),
            trial: None,
            refused: None,
            surveying: Surveying::default(),
            ask,
        };
        work.surveying.ask(&self.source);
        let mut published = self.clock.tick();
        let mut dirty = true;
        let mut early = EARLY;
        loop {
            // Before anything else, or lines that never stop coming would never be shown.
            // The first lines at once, of either end: somebody waits for them.
            let first = early > 0 && !work.reader.store.is_empty();
            if dirty && (first || self.clock.tick() >= published + PUBLISH) {
                early -= u8::from(first);
                self.out.send_replace(Some(Arc::new(work.view(&self))));
                published = self.clock.tick();
                dirty = false;
            }
            let busy = work.is_behind();
            let due = (published + PUBLISH).since(self.clock.tick());
            let (again, awaited) = (work.reader.again, work.reader.due());
            let reader = &mut work.reader;
            let mut flooded = false;
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
                    Some(order) => reader.order(order, &self.source, self.clock.tick()),
                    None => return,
                },
                answer = tried(&mut work.trial) => work.tried(answer, &self),
                ended = &mut reader.tail, if again.is_none() => {
                    reader.ended(ended, self.clock.tick());
                    self.tell(reader);
                }
                page = paged(&mut reader.page) => {
                    reader.paged(page, &self.source, self.clock.tick());
                    self.tell(reader);
                }
                (to, answer) = counted(&mut work.counting.asking) => work.counting.answered(to, answer),
                survey = surveyed(&mut work.surveying.asking) => {
                    if !work.surveying.answered(survey, self.clock.tick()) {
                        continue;
                    }
                }
                // Nothing may come that would have the last lines counted; what is to be shown has them counted anyway,
                // and until then this would be due over and over.
                () = until(work.counting.due, self.clock), if !dirty => {}
                () = until(work.surveying.next, self.clock) => {
                    work.surveying.ask(&self.source);
                    continue;
                }
                () = until(again, self.clock) => {
                    reader.begin_again(&self.source, Nanos::of(self.clock.now().utc));
                }
                () = until(awaited, self.clock) => reader.go_on(&self.source, self.clock.tick()),
                // Behind what comes rarely: lines may never stop coming.
                Some(event) = reader.events.recv() => {
                    reader.event(event, self.clock.tick());
                    self.tell(reader);
                    flooded = busy;
                }
                () = tokio::task::yield_now(), if busy => work.step(self.clock),
                () = tokio::time::sleep(due), if dirty => continue,
                // The rate falls by itself when nothing comes.
                () = tokio::time::sleep(RATE_OVER), if !reader.arrivals.is_empty() => {}
            }
            if flooded {
                // Turn about: lines that never stop coming leave a search its share.
                work.step(self.clock);
            }
            dirty = true;
        }
    }

    fn tell(&self, reader: &Reader) {
        let Some(health) = &self.health else { return };
        let now = self.clock.tick();
        let (status, good) = match (reader.failure(), reader.mode) {
            (Some(cause), _) => (
                Status::Failed {
                    cause: cause.as_str().into(),
                    since: now,
                    next_try: now,
                },
                None,
            ),
            (
                None,
                Some(TailMode::Live | TailMode::Reading { .. } | TailMode::Polling(_) | TailMode::Ended),
            ) => (Status::Idle, Some(now)),
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
    counting: Counting,
    /// Another query of the source, until its first page shows whether it is one.
    trial: Option<Trial>,
    refused: Option<Arc<Refused>>,
    surveying: Surveying,
}

impl Work {
    /// Another question, or the same in other words: what still holds of the work is kept.
    fn turn_to(&mut self, ask: LogsAsk, keeper: &Keeper) {
        if keeper.source.reach() == Reach::Whole {
            // The source tells all it has: what is wanted only narrows what is shown of it.
            if let Some(at) = ask.at.filter(|_| ask.at != self.ask.at) {
                let order = Order::Until(at);
                self.reader.order(order, &keeper.source, keeper.clock.tick());
            }
            return self.look_for(ask, keeper);
        }
        if trial::is_one(&self.ask, &ask) {
            if self.trial.as_ref().is_none_or(|trial| trial.wanted != ask.wanted) {
                self.trial = Some(Trial::of(&ask, keeper));
                self.refused = None;
            }
            // Until then the old lines are shown, as they are to be shown now.
            let (wanted, at) = (self.ask.wanted.clone(), self.ask.at);
            return self.look_for(LogsAsk { wanted, at, ..ask }, keeper);
        }
        self.trial = None;
        if (&ask.wanted, ask.at) == (&self.ask.wanted, self.ask.at) {
            self.look_for(ask, keeper);
        } else {
            let reader = Reader::open(keeper, &ask.wanted, ask.at);
            self.refused = None;
            self.take_over(reader, ask, keeper);
        }
    }

    /// Goes on with another reader.
    fn take_over(&mut self, reader: Reader, ask: LogsAsk, keeper: &Keeper) {
        self.reader = reader;
        self.counting = Counting::default();
        self.learning = None;
        self.looking = Looking::of(&ask, &self.reader.store.snapshot(), &*keeper.source);
        self.look_for(ask, keeper);
    }

    fn look_for(&mut self, ask: LogsAsk, keeper: &Keeper) {
        let narrowed = self.reader.reach == Reach::Whole && ask.wanted != self.ask.wanted;
        if narrowed || (&ask.filter, &ask.search) != (&self.ask.filter, &self.ask.search) {
            self.looking = Looking::of(&ask, &self.reader.store.snapshot(), &*keeper.source);
            self.counting.refilter();
        } else if ask.around != self.ask.around {
            self.looking.focus(ask.around);
        }
        if ask.patterns == Watched::Yes && self.learning.is_none() {
            self.learning = Some(Learning::new());
        }
        self.ask = ask;
    }

    /// The first page of another query came, or was refused: then all stays as it is.
    fn tried(&mut self, (trial, answer): (Trial, BackendResult<Page>), keeper: &Keeper) {
        match answer {
            Ok(page) => {
                let about = (&trial.wanted, trial.at);
                let reader = Reader::with_first(keeper, about, (trial.asked, page));
                let ask = LogsAsk {
                    wanted: trial.wanted,
                    at: trial.at,
                    ..self.ask.clone()
                };
                self.take_over(reader, ask, keeper);
            }
            Err(error) => {
                self.refused = Some(Arc::new(Refused {
                    query: trial.wanted.query,
                    why: error.cause(),
                    of: if error.kind == ErrorKind::Rejected {
                        RefusedFor::TheQuery
                    } else {
                        RefusedFor::TheServer
                    },
                }));
            }
        }
    }

    /// Whether there is something to look at. Patterns are learnt while somebody looks at them.
    fn is_behind(&self) -> bool {
        let learning = self
            .learning
            .as_ref()
            .filter(|_| self.ask.patterns == Watched::Yes);
        !self.looking.is_done() || learning.is_some_and(Learning::is_behind)
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
        if let Some(learning) = &mut self.learning
            && self.ask.patterns == Watched::Yes
        {
            let now = clock.now();
            learning.step(&self.reader.store.snapshot(), (Nanos::of(now.utc), now.tick));
        }
    }

    fn view(&mut self, keeper: &Keeper) -> LogView {
        let clock = keeper.clock;
        let snapshot = self.reader.store.snapshot();
        // What the first page brings is what is counted.
        if !matches!(self.reader.page, Some((reader::Reading::First, _))) {
            self.counting
                .ask(&keeper.source, &self.ask.wanted, &snapshot, clock.tick());
        }
        let (mut volume, mut counted) = self.counting.shown(&snapshot, clock.tick());
        self.looking.extend(&snapshot);
        self.looking.step();
        if let Some(filter) = &self.looking.filter
            && let Some(shown) = self.counting.shown_by(filter, &snapshot, clock.tick())
        {
            (volume, counted) = (shown, Counted::Shown);
        }
        self.learn(clock);
        LogView {
            snapshot,
            shown: self.looking.filter.as_ref().map(Search::found),
            unlevelled: self.looking.unlevelled(),
            hits: self.looking.sought.as_ref().map(Search::found),
            ask: self.ask.clone(),
            scanned: self.looking.scanned(),
            mode: self.reader.mode,
            failure: self.reader.failure().cloned(),
            warnings: self.reader.warnings.clone(),
            trying: self.trial.as_ref().map(|trial| trial.wanted.query.clone()),
            refused: self.refused.clone(),
            rate: self.reader.rate(clock.tick()),
            past: self.reader.past.clone(),
            seek: self.reader.seek,
            refetching: self.reader.refetching.clone(),
            volume,
            counted,
            learnt: self
                .learning
                .as_ref()
                .map(|learning| Arc::clone(&learning.learnt)),
            limits: keeper.limits,
            reach: self.reader.reach,
            files: self.surveying.files.clone(),
        }
    }
}
