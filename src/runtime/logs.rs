//! The keeper of log lines: reads the source, owns the store, filters and searches it, and publishes what the pane
//! draws.
//!
//! One task holds all of it, so that nothing is shared; the view it publishes is cheap, for the store's chunks are. It
//! publishes at most so often ([`PUBLISH`]) and only when something changed; a search goes on in slices between lines
//! that arrive. Start at [`Keeper::run`].

use std::collections::HashSet;
use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{mpsc, watch};

use super::poller::HealthLine;
use crate::app::feed::Status;
use crate::app::logs::{LogView, LogsAsk, Past, Scanned};
use crate::backend::logs::{Direction, Logs, More, Page, PageQuestion, TAIL_CAPACITY, TailEvent, TailMode};
use crate::backend::{BackendError, BackendResult};
use crate::domain::log::{Batch, Gap, Nanos, Wanted};
use crate::logstore::query::Query;
use crate::logstore::search::{Budget, Search};
use crate::logstore::{Limits, Room, Snapshot, Store};
use crate::time::{Clock, Tick};

/// The shortest time between two views: lines that arrive sooner are shown together.
const PUBLISH: Duration = Duration::from_millis(50);
/// How far back is read at first.
const FIRST: Duration = Duration::from_secs(15 * 60);
/// Lines of a page.
const PAGE: usize = 1_000;
/// The first stretch that is read when going back; each that has no line makes the next one wider.
const STRETCH: Duration = Duration::from_secs(3_600);
/// Backends refuse to look further back than about this at once.
const WIDEST: Duration = Duration::from_secs(30 * 86_400);
/// Over how long the rate of lines is told.
const RATE_OVER: Duration = Duration::from_secs(5);
/// How long a tail that was given up for good rests before it is tried again by itself.
const GIVEN_UP: Duration = Duration::from_secs(30);

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

/// Why a page is read.
enum Reading {
    /// The lines before the tail's first.
    First(Tail),
    /// Older ones.
    Older(Duration),
    /// The lines of a gap.
    Gap(Gap),
}

/// Where the tail begins.
#[derive(Clone, Copy)]
struct Tail {
    from: Nanos,
}

type Paging = BoxFuture<'static, BackendResult<Page>>;

/// What is read of one question.
struct Reader {
    wanted: Wanted,
    store: Store,
    events: mpsc::Receiver<TailEvent>,
    tail: BoxFuture<'static, BackendResult<()>>,
    /// One page at a time.
    page: Option<(Reading, Paging)>,
    mode: Option<TailMode>,
    failure: Option<String>,
    past: Past,
    /// How far back the next stretch goes.
    stretch: Duration,
    /// Where the next stretch ends, when the store has no line yet.
    read_to: Nanos,
    /// When lines came, and how many.
    arrivals: VecDeque<(Tick, u64)>,
    /// When the tail is begun again, after it ended for good.
    again: Option<Tick>,
}

/// Filter and search over the store.
#[derive(Default)]
struct Looking {
    filter: Option<Search>,
    sought: Option<Search>,
}

impl Keeper {
    /// Reads for ever.
    pub async fn run(mut self) {
        let mut ask = self.ask.borrow_and_update().clone();
        let mut reader = self.reader(&ask.wanted);
        let mut looking = Looking::of(&ask, &Snapshot::default());
        let mut published = self.clock.tick();
        let mut dirty = true;
        loop {
            let due = published + PUBLISH;
            let idle = looking.is_done();
            tokio::select! {
                biased;
                changed = self.ask.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let next = self.ask.borrow_and_update().clone();
                    if next.wanted != ask.wanted {
                        reader = self.reader(&next.wanted);
                    }
                    if next.wanted != ask.wanted || (&next.filter, &next.search) != (&ask.filter, &ask.search) {
                        looking = Looking::of(&next, &reader.store.snapshot());
                    }
                    ask = next;
                    dirty = true;
                }
                order = self.orders.recv() => match order {
                    Some(order) => {
                        reader.order(order, &self.source);
                        dirty = true;
                    }
                    None => return,
                },
                event = reader.events.recv(), if !reader.events.is_closed() || !reader.events.is_empty() => {
                    if let Some(event) = event {
                        reader.event(event, self.clock.tick());
                        self.tell(&reader);
                        dirty = true;
                    }
                }
                ended = &mut reader.tail, if reader.again.is_none() => {
                    reader.ended(ended, self.clock.tick());
                    self.tell(&reader);
                    dirty = true;
                }
                page = paged(&mut reader.page) => {
                    reader.paged(page, &self.source);
                    self.tell(&reader);
                    dirty = true;
                }
                () = until(reader.again, self.clock) => {
                    reader.begin(&self.source, Nanos::of(self.clock.now().utc));
                    dirty = true;
                }
                () = tokio::time::sleep(due.since(self.clock.tick())), if dirty => {
                    let now = self.clock.tick();
                    let snapshot = reader.store.snapshot();
                    looking.extend(&snapshot);
                    looking.step();
                    self.out.send_replace(Some(Arc::new(reader.view(&ask, &looking, snapshot, now))));
                    published = self.clock.tick();
                    // The rate falls by itself when nothing comes.
                    dirty = false;
                }
                () = tokio::task::yield_now(), if !idle => {
                    looking.step();
                    dirty = true;
                }
                () = tokio::time::sleep(RATE_OVER), if !reader.arrivals.is_empty() => dirty = true,
            }
        }
    }

    fn reader(&self, wanted: &Wanted) -> Reader {
        let now = Nanos::of(self.clock.now().utc);
        let mut reader = Reader {
            wanted: wanted.clone(),
            store: Store::new(self.limits),
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
        reader.begin(&self.source, now);
        let question = reader.question(now.minus(FIRST), now);
        reader.ask(Reading::First(Tail { from: now }), question, &self.source);
        reader
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
            (None, Some(TailMode::Live | TailMode::Polling(_))) => (Status::Idle, Some(now)),
            (None, Some(TailMode::Connecting) | None) => return,
        };
        health.tell(&status, good, RATE_OVER);
    }
}

async fn paged(page: &mut Option<(Reading, Paging)>) -> (Reading, BackendResult<Page>) {
    let Some((_, paging)) = page else {
        return pending().await;
    };
    let result = paging.await;
    match page.take() {
        Some((reading, _)) => (reading, result),
        None => pending().await,
    }
}

async fn until(at: Option<Tick>, clock: Clock) {
    match at {
        Some(at) => tokio::time::sleep(at.since(clock.tick())).await,
        None => pending().await,
    }
}

impl Reader {
    /// Begins to tail from a moment on.
    fn begin(&mut self, source: &Arc<dyn Logs>, from: Nanos) {
        // Full, the tail waits, and what its server then drops becomes a gap.
        let (sender, events) = mpsc::channel(TAIL_CAPACITY);
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

    fn order(&mut self, order: Order, source: &Arc<dyn Logs>) {
        match order {
            // What is being read answers it.
            Order::Older if self.page.is_some() || self.past == Past::Whole => {}
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

    fn event(&mut self, event: TailEvent, now: Tick) {
        match event {
            TailEvent::Lines(batch) => {
                self.failure = None;
                self.arrivals.push_back((now, batch.lines.len() as u64));
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

    fn ended(&mut self, ended: Result<(), BackendError>, now: Tick) {
        if let Err(error) = ended {
            self.failure = Some(error.cause());
        }
        self.tail = Box::pin(pending());
        self.again = Some(now + GIVEN_UP);
    }

    fn paged(&mut self, (reading, result): (Reading, BackendResult<Page>), source: &Arc<dyn Logs>) {
        let page = match result {
            Ok(page) => page,
            Err(error) => {
                match reading {
                    Reading::First(_) => self
                        .failure
                        .get_or_insert(error.cause())
                        .clone_into(&mut String::new()),
                    Reading::Older(_) | Reading::Gap(_) => {}
                }
                self.past = Past::Failed(error.cause());
                return;
            }
        };
        match reading {
            Reading::First(tail) => {
                self.past = Past::Open;
                self.read_to = if page.batch.is_empty() {
                    tail.from.minus(FIRST)
                } else {
                    tail.from
                };
                self.take_older(&page);
            }
            Reading::Older(stretch) => {
                let got = self.take_older(&page);
                self.past = Past::Open;
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
                            reason: crate::domain::log::GapReason::LimitHit,
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
            self.past =
                Past::Failed("the store is full; a smaller scope or filter reaches further back".to_owned());
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

    fn view(&mut self, ask: &LogsAsk, looking: &Looking, snapshot: Snapshot, now: Tick) -> LogView {
        while self
            .arrivals
            .front()
            .is_some_and(|(at, _)| now.since(*at) > RATE_OVER)
        {
            self.arrivals.pop_front();
        }
        let lines: u64 = self.arrivals.iter().map(|(_, count)| count).sum();
        LogView {
            snapshot,
            shown: looking.filter.as_ref().map(Search::found),
            hits: looking.sought.as_ref().map(Search::found),
            ask: ask.clone(),
            scanned: looking.scanned(),
            mode: self.mode,
            failure: self.failure.clone(),
            rate: lines as f64 / RATE_OVER.as_secs_f64(),
            past: self.past.clone(),
        }
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

impl Looking {
    fn of(ask: &LogsAsk, snapshot: &Snapshot) -> Self {
        // What does not read was said where it was typed; it shows everything and finds nothing.
        let filter = Query::parse(&ask.filter).ok().filter(|query| !query.is_empty());
        let sought = sought(&ask.search).map(|query| match &filter {
            Some(filter) => filter.clone().and(query),
            None => query,
        });
        let search = |query| Search::new(snapshot.clone(), query, ask.around);
        Self {
            filter: filter.map(search),
            sought: sought.map(search),
        }
    }

    fn extend(&mut self, snapshot: &Snapshot) {
        for search in [&mut self.filter, &mut self.sought].into_iter().flatten() {
            search.extend(snapshot.clone());
        }
    }

    /// Looks at some more, the filter first: what is shown goes before what is marked.
    fn step(&mut self) {
        let mut open = [&mut self.filter, &mut self.sought].into_iter().flatten();
        if let Some(search) = open.find(|search| !search.progress().is_done()) {
            search.step(Budget::default());
        }
    }

    fn is_done(&self) -> bool {
        [&self.filter, &self.sought]
            .into_iter()
            .flatten()
            .all(|search| search.progress().is_done())
    }

    fn scanned(&self) -> Scanned {
        let open = [&self.filter, &self.sought].into_iter().flatten();
        open.map(Search::progress)
            .find(|progress| !progress.is_done())
            .map_or(Scanned::All, |progress| {
                Scanned::Partly((progress.looked_at * 100 / progress.of.max(1)) as u8)
            })
    }
}

/// What is typed into a search: a phrase, or a regular expression between slashes.
fn sought(text: &str) -> Option<Query> {
    if text.trim().is_empty() {
        return None;
    }
    let regex = text.len() > 1 && text.starts_with('/');
    let query = if regex {
        text.to_owned()
    } else {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    };
    Query::parse(&query).ok()
}
