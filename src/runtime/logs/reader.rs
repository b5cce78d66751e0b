//! What is read of one question: the tail, pages of the past, gaps, and the store that takes all of it in.

use std::collections::{HashSet, VecDeque};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::mpsc;

use super::{Keeper, Order};
use crate::app::logs::Past;
use crate::backend::logs::{
    Direction, Logs, More, Page, PageQuestion, Reach, TAIL_CAPACITY, TailEvent, TailMode,
};
use crate::backend::{BackendError, BackendResult};
use crate::domain::log::{Batch, Gap, GapReason, Nanos, Wanted};
use crate::logstore::{Room, Store};
use crate::time::Tick;

/// How far back is read at first.
const FIRST: Duration = Duration::from_secs(15 * 60);
/// How far back the lines of a trace are looked for at first.
const TRACE: Duration = Duration::from_secs(6 * 3_600);
/// Lines of a page.
const PAGE: usize = 1_000;
/// The first stretch that is read when going back; each that has no line makes the next one wider.
const STRETCH: Duration = Duration::from_secs(3_600);
/// Backends refuse to look further back than about this at once.
const WIDEST: Duration = Duration::from_secs(30 * 86_400);
/// Over how long the rate of lines is told.
pub(super) const RATE_OVER: Duration = Duration::from_secs(5);
/// Blocks that are read ahead of a store that is being filled: each is a quarter of a megabyte.
const BLOCKS_AHEAD: usize = 8;
/// How long a tail that was given up for good rests before it is tried again by itself.
const GIVEN_UP: Duration = Duration::from_secs(30);

/// Why a page is read.
pub(super) enum Reading {
    /// The lines before the tail's first.
    First {
        /// Where the tail begins.
        tail: Nanos,
    },
    /// Older ones.
    Older(Duration),
    /// The lines of a gap.
    Gap(Gap),
}

type Paging = BoxFuture<'static, BackendResult<Page>>;

/// What is read of one question.
pub(super) struct Reader {
    wanted: Wanted,
    reach: Reach,
    pub(super) store: Store,
    pub(super) events: mpsc::Receiver<TailEvent>,
    pub(super) tail: BoxFuture<'static, BackendResult<()>>,
    /// One page at a time.
    pub(super) page: Option<(Reading, Paging)>,
    pub(super) mode: Option<TailMode>,
    pub(super) failure: Option<String>,
    pub(super) past: Past,
    /// How far back the next stretch goes.
    stretch: Duration,
    /// Where the next stretch ends, when the store has no line yet.
    read_to: Nanos,
    /// When lines came, and how many.
    pub(super) arrivals: VecDeque<(Tick, u64)>,
    /// When the tail is begun again, after it ended for good.
    pub(super) again: Option<Tick>,
}

impl Reader {
    /// Begins with the last minutes, and the tail beside them.
    pub(super) fn open(keeper: &Keeper, wanted: &Wanted) -> Self {
        let now = Nanos::of(keeper.clock.now().utc);
        let mut reader = Self {
            wanted: wanted.clone(),
            reach: keeper.source.reach(),
            store: Store::new(keeper.limits),
            events: mpsc::channel(1).1,
            tail: Box::pin(pending()),
            page: None,
            mode: Some(TailMode::Connecting),
            failure: None,
            past: Past::Reading,
            stretch: STRETCH,
            read_to: now,
            arrivals: VecDeque::new(),
            again: None,
        };
        if reader.reach == Reach::Whole {
            reader.wanted = Wanted::default();
            reader.past = Past::Whole;
            reader.begin(&keeper.source, Nanos(i64::MIN));
            return reader;
        }
        reader.begin(&keeper.source, now);
        // A trace is looked for further back: the line that led to it may be old.
        let first = if wanted.trace.is_some() { TRACE } else { FIRST };
        let question = reader.question(now.minus(first), now);
        reader.ask(Reading::First { tail: now }, question, &keeper.source);
        reader
    }

    /// Lines a second of late.
    pub(super) fn rate(&mut self, now: Tick) -> f64 {
        while self
            .arrivals
            .front()
            .is_some_and(|(at, _)| now.since(*at) > RATE_OVER)
        {
            self.arrivals.pop_front();
        }
        let lines: u64 = self.arrivals.iter().map(|(_, count)| count).sum();
        lines as f64 / RATE_OVER.as_secs_f64()
    }

    /// Begins to tail from a moment on.
    pub(super) fn begin(&mut self, source: &Arc<dyn Logs>, from: Nanos) {
        // Full, the tail waits, and what its server then drops becomes a gap.
        let ahead = match self.reach {
            Reach::Present => TAIL_CAPACITY,
            Reach::Whole => BLOCKS_AHEAD,
        };
        let (sender, events) = mpsc::channel(ahead);
        let (source, wanted) = (Arc::clone(source), self.wanted.clone());
        self.events = events;
        self.tail = Box::pin(async move { source.tail(wanted, from, sender).await });
        self.again = None;
    }

    fn question(&self, from: Nanos, to: Nanos) -> PageQuestion {
        PageQuestion {
            wanted: self.wanted.clone(),
            from,
            to,
            direction: Direction::Backward,
            limit: PAGE,
        }
    }

    fn ask(&mut self, reading: Reading, question: PageQuestion, source: &Arc<dyn Logs>) {
        let source = Arc::clone(source);
        self.page = Some((reading, Box::pin(async move { source.page(question).await })));
    }

    pub(super) fn order(&mut self, order: Order, source: &Arc<dyn Logs>) {
        match order {
            // What is being read answers it.
            Order::Older if self.page.is_some() || matches!(self.past, Past::Whole | Past::Full) => {}
            Order::Older => self.older(self.stretch, source),
            Order::Refetch(_) if self.page.is_some() => {}
            Order::Refetch(gap) => {
                let mut question = self.question(gap.from, gap.to);
                question.direction = Direction::Forward;
                self.ask(Reading::Gap(gap), question, source);
            }
        }
    }

    fn older(&mut self, stretch: Duration, source: &Arc<dyn Logs>) {
        // Lines of the oldest one's moment are asked for again: there may be more of them than a page had.
        let to = self
            .store
            .oldest()
            .map_or(self.read_to, |oldest| Nanos(oldest.0 + 1));
        let to = to.min(self.read_to);
        self.past = Past::Reading;
        let question = self.question(to.minus(stretch), to);
        self.ask(Reading::Older(stretch), question, source);
    }

    pub(super) fn event(&mut self, event: TailEvent, now: Tick) {
        match event {
            TailEvent::Lines(batch) => {
                self.failure = None;
                // what a file had already did not just come
                if batch.place.is_none() {
                    self.arrivals.push_back((now, batch.lines.len() as u64));
                }
                self.store.ingest(&batch);
            }
            TailEvent::Gap(gap) => self.store.gap(gap),
            TailEvent::Filled(gap) => self.store.filled(&gap),
            TailEvent::Mode(mode) => {
                if mode != TailMode::Connecting {
                    self.failure = None;
                }
                self.mode = Some(mode);
            }
            TailEvent::Failed(error) => self.failure = Some(error.cause()),
        }
    }

    pub(super) fn ended(&mut self, ended: Result<(), BackendError>, now: Tick) {
        self.tail = Box::pin(pending());
        // An input that was read to its end has no more to tell.
        let is_whole = self.reach == Reach::Whole && ended.is_ok();
        self.again = (!is_whole).then_some(now + GIVEN_UP);
        if let Err(error) = ended {
            self.failure = Some(error.cause());
        }
    }

    pub(super) fn paged(
        &mut self,
        (reading, result): (Reading, BackendResult<Page>),
        source: &Arc<dyn Logs>,
    ) {
        let page = match result {
            Ok(page) => page,
            Err(error) => {
                if matches!(reading, Reading::First { .. }) {
                    self.failure.get_or_insert_with(|| error.cause());
                }
                self.past = Past::Failed(error.cause());
                return;
            }
        };
        match reading {
            Reading::First { tail } => {
                self.past = Past::Open;
                self.read_to = if page.batch.is_empty() {
                    tail.minus(FIRST)
                } else {
                    tail
                };
                self.take_older(&page);
            }
            Reading::Older(stretch) => {
                self.past = Past::Open;
                let got = self.take_older(&page);
                if got {
                    self.stretch = STRETCH;
                } else if page.more == More::No {
                    self.read_to = self
                        .read_to
                        .min(self.store.oldest().unwrap_or(self.read_to))
                        .minus(stretch);
                    if stretch >= WIDEST {
                        self.past = Past::Whole;
                    } else {
                        // An empty stretch: a wider one, at once, until there is a line or the start.
                        self.stretch = (stretch * 4).min(WIDEST);
                        self.older(self.stretch, source);
                    }
                } else {
                    // More lines of one moment than a page: what is beyond them is read, and the rest is a gap.
                    if let Some(oldest) = self.store.oldest() {
                        self.read_to = oldest;
                        self.store.gap(Gap {
                            from: oldest,
                            to: Nanos(oldest.0 + 1),
                            reason: GapReason::LimitHit,
                        });
                    }
                }
            }
            Reading::Gap(gap) => {
                let known = self.known(gap.from, gap.to);
                self.store.ingest(&without(&page.batch, &known));
                self.store.filled(&gap);
                if page.more == More::Yes
                    && let Some(last) = page.batch.lines.iter().filter_map(|line| line.at).max()
                    && last > gap.from
                {
                    self.store.gap(Gap { from: last, ..gap });
                }
            }
        }
        for gap in page.gaps {
            self.store.gap(gap);
        }
    }

    /// Takes a page in before all there is; whether any line of it was new.
    fn take_older(&mut self, page: &Page) -> bool {
        let oldest = self.store.oldest();
        let known = oldest.map_or_else(HashSet::new, |at| self.known(at, Nanos(at.0 + 1)));
        let batch = without(&page.batch, &known);
        let new = !batch.is_empty();
        if new && self.store.ingest_older(&batch) == Room::Full {
            self.past = Past::Full;
        }
        new
    }

    /// The lines held from one moment to another.
    fn known(&self, from: Nanos, to: Nanos) -> HashSet<(Nanos, Vec<u8>)> {
        let snapshot = self.store.snapshot();
        (snapshot.seek(from)..snapshot.len())
            .map_while(|position| snapshot.entry_at(position).filter(|entry| entry.at < to))
            .map(|entry| (entry.at, entry.text.to_vec()))
            .collect()
    }
}

/// A batch without lines that are known.
fn without(batch: &Batch, known: &HashSet<(Nanos, Vec<u8>)>) -> Batch {
    if known.is_empty() {
        return batch.clone();
    }
    let mut left = batch.clone();
    left.lines.retain(|line| {
        !line
            .at
            .is_some_and(|at| known.contains(&(at, batch.text(line).to_vec())))
    });
    left
}

/// Waits for the page that is being read; for ever where none is.
pub(super) async fn paged(page: &mut Option<(Reading, Paging)>) -> (Reading, BackendResult<Page>) {
    let Some((_, paging)) = page else {
        return pending().await;
    };
    let result = paging.await;
    match page.take() {
        Some((reading, _)) => (reading, result),
        None => pending().await,
    }
}
