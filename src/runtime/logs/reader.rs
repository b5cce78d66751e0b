//! What is read of one question: the tail, pages of the past, gaps, and the store that takes all of it in.
//!
//! One page is read at a time; what waits for its turn waits in order: what somebody asked for, then what is read by
//! itself. A page that fails is read again while the pane is up.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::mpsc;

use super::gaps::{Gaps, Refetch};
use super::{Keeper, Order};
use crate::app::logs::{Past, Refetching, Seek};
use crate::backend::logs::{
    Direction, Logs, More, Page, PageQuestion, Reach, SLACK, TAIL_CAPACITY, TailEvent, TailMode, tail_begin,
};
use crate::backend::{BackendError, BackendResult};
use crate::domain::log::{Batch, Gap, GapReason, Nanos, Wanted};
use crate::logstore::seam::Seam;
use crate::logstore::{Limits, Room, Store};
use crate::time::Tick;

/// How far back is read at first, and how far around a time that is looked at.
const FIRST: Duration = Duration::from_secs(15 * 60);
/// How far back the lines of a trace are looked for, where nothing tells its time.
const TRACE: Duration = Duration::from_secs(6 * 3_600);
/// How far around its time the lines of a trace are looked for: the line that led to it may be old.
const TRACE_AROUND: Duration = Duration::from_secs(3_600);
/// Lines of a page.
const PAGE: usize = 1_000;
/// Lines of a page where nobody reads them one by one: on the way to a time, or of a gap.
const LARGE_PAGE: usize = 5_000;
/// Pages on the way to a time at most.
const SEEK_PAGES: usize = 40;
/// Lines that a tail which begins anew repeats at most.
const REPEATED: usize = 20_000;
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
/// How long a first page that failed rests; doubles up to [`GIVEN_UP`].
const BACKOFF: Duration = Duration::from_secs(1);
/// Gaps that a tail reads again at once at most.
const REREAD: usize = 16;
/// Words of servers about their answers that are kept.
const WARNINGS: usize = 4;

/// Why a page is read.
pub(super) enum Reading {
    /// The lines before the tail's first, or before the time that is looked at.
    First,
    /// The lines behind the time that is looked at, up to here.
    Behind(Nanos),
    /// Older ones.
    Older(Duration),
    /// The lines of a gap.
    Gap(Refetch),
}

pub(super) type Paging = BoxFuture<'static, BackendResult<Page>>;

/// What is read of one question.
pub(super) struct Reader {
    wanted: Wanted,
    pub(super) reach: Reach,
    /// The time that is looked at, where that is not the present.
    at: Option<Nanos>,
    /// When it was opened, by our clock.
    opened: Nanos,
    limits: Limits,
    pub(super) store: Store,
    pub(super) events: mpsc::Receiver<TailEvent>,
    pub(super) tail: BoxFuture<'static, BackendResult<()>>,
    /// From when on the tail tells.
    tail_from: Nanos,
    /// From when on it told, and those before it: it may have begun anew since, behind what was told.
    told_from: Nanos,
    seam: Seam,
    /// One page at a time.
    pub(super) page: Option<(Reading, Paging)>,
    gaps: Gaps,
    pub(super) refetching: Option<Refetching>,
    pub(super) mode: Option<TailMode>,
    tail_failure: Option<String>,
    page_failure: Option<String>,
    /// What servers said of their answers, the newest last.
    pub(super) warnings: Vec<String>,
    pub(super) past: Past,
    /// The time that is gone to, if one is.
    pub(super) seek: Option<Seek>,
    seek_pages: usize,
    /// Older lines were asked for while another page was read.
    older_waits: bool,
    /// When the first page is asked for again, and how often it failed.
    retry: Option<Tick>,
    misses: u32,
    /// How far back the next stretch goes.
    stretch: Duration,
    /// Where the next stretch ends, when the store has no line yet.
    read_to: Nanos,
    /// When lines came, and how many; those that were read back are none of them.
    pub(super) arrivals: VecDeque<(Tick, u64)>,
    /// When the tail began, by the server's clock: what is older was there before it.
    fresh_from: Nanos,
    /// What the tail reads back by itself.
    reread: Vec<Gap>,
    /// When the tail is begun again, after it ended for good.
    pub(super) again: Option<Tick>,
}

/// The question for the lines of the last minutes, or before the time that is looked at.
pub(super) fn first_question(
    (wanted, at): (&Wanted, Option<Nanos>),
    reach: Reach,
    now: Nanos,
) -> PageQuestion {
    let span = match (wanted.trace.is_some(), at.is_some()) {
        (false, _) => FIRST,
        (true, true) => TRACE_AROUND,
        (true, false) => TRACE,
    };
    let to = at.unwrap_or(now);
    PageQuestion {
        wanted: wanted.clone(),
        from: match (reach, at) {
            // the last lines there are, however long ago
            (Reach::AtHand, None) => Nanos(i64::MIN),
            (Reach::AtHand, Some(_)) | (Reach::Present | Reach::Whole, _) => to.minus(span),
        },
        to,
        direction: Direction::Backward,
        limit: PAGE,
    }
}

impl Reader {
    /// Begins with the last minutes, or around a time, and the tail beside them.
    pub(super) fn open(keeper: &Keeper, wanted: &Wanted, at: Option<Nanos>) -> Self {
        let mut reader = Self::begun(keeper, wanted, at, Nanos::of(keeper.clock.now().utc));
        if reader.reach != Reach::Whole {
            reader.first(&keeper.source);
        }
        reader
    }

    /// Begins with a first page that was read already, when the question was asked.
    pub(super) fn with_first(
        keeper: &Keeper,
        (wanted, at): (&Wanted, Option<Nanos>),
        (asked, page): (Nanos, Page),
    ) -> Self {
        let mut reader = Self::begun(keeper, wanted, at, asked);
        reader.paged((Reading::First, Ok(page)), &keeper.source, keeper.clock.tick());
        reader
    }

    fn begun(keeper: &Keeper, wanted: &Wanted, at: Option<Nanos>, now: Nanos) -> Self {
        let mut reader = Self {
            wanted: wanted.clone(),
            reach: keeper.source.reach(),
            at: None,
            opened: now,
            limits: keeper.limits,
            store: Store::new(keeper.limits),
            events: mpsc::channel(1).1,
            tail: Box::pin(pending()),
            tail_from: now,
            told_from: now,
            seam: Seam::default(),
            page: None,
            gaps: Gaps::default(),
            refetching: None,
            mode: Some(TailMode::Connecting),
            tail_failure: None,
            page_failure: None,
            warnings: Vec::new(),
            past: Past::Reading,
            seek: None,
            seek_pages: 0,
            older_waits: false,
            retry: None,
            misses: 0,
            stretch: STRETCH,
            read_to: now,
            arrivals: VecDeque::new(),
            fresh_from: now,
            reread: Vec::new(),
            again: None,
        };
        if reader.reach == Reach::Whole {
            reader.wanted = Wanted::default();
            reader.past = Past::Whole;
            reader.begin(&keeper.source, Nanos(i64::MIN));
            return reader;
        }
        let from = tail_begin(&*keeper.source, reader.opened);
        reader.told_from = from;
        reader.fresh_from = from.plus(SLACK).min(now);
        (reader.at, reader.seek) = (at, at.map(Seek::Under));
        reader.begin(&keeper.source, from);
        reader
    }

    fn first(&mut self, source: &Arc<dyn Logs>) {
        self.retry = None;
        self.past = Past::Reading;
        let question = first_question((&self.wanted, self.at), self.reach, self.opened);
        self.ask(Reading::First, question, source);
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

    /// What keeps lines from coming, in words.
    pub(super) fn failure(&self) -> Option<&String> {
        self.tail_failure.as_ref().or(self.page_failure.as_ref())
    }

    /// Begins to tail from a moment on.
    fn begin(&mut self, source: &Arc<dyn Logs>, from: Nanos) {
        // Full, the tail waits, and what its server then drops becomes a gap.
        let ahead = match self.reach {
            Reach::Present | Reach::AtHand => TAIL_CAPACITY,
            Reach::Whole => BLOCKS_AHEAD,
        };
        let (sender, events) = mpsc::channel(ahead);
        let (source, wanted) = (Arc::clone(source), self.wanted.clone());
        self.events = events;
        self.tail = Box::pin(async move { source.tail(wanted, from, sender).await });
        self.tail_from = from;
        self.again = None;
    }

    /// Begins the tail anew behind what it told: what came meanwhile is not lost, what it repeats is kept once.
    pub(super) fn begin_again(&mut self, source: &Arc<dyn Logs>, now: Nanos) {
        self.fresh_from = self.fresh_from.max(now);
        self.reread.clear();
        let Some(newest) = self.store.newest() else {
            let from = self.told_from.min(now);
            return self.begin(source, from);
        };
        if source.skew().is_none() {
            return self.begin(source, Nanos(newest.0.saturating_add(1)));
        }
        let from = newest.min(now).minus(SLACK).max(self.told_from);
        self.repeat(source, from);
    }

    /// Begins the tail at a moment of which, and since when, lines are in hand: the last of them at most are told
    /// again, and kept once.
    fn repeat(&mut self, source: &Arc<dyn Logs>, from: Nanos) {
        let snapshot = self.store.snapshot();
        let most = snapshot
            .len()
            .checked_sub(REPEATED)
            .and_then(|before| snapshot.entry_at(before));
        let from = most.map_or(from, |entry| from.max(entry.at));
        self.seam.again(&snapshot, from);
        self.begin(source, from);
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

    pub(super) fn order(&mut self, order: Order, source: &Arc<dyn Logs>, now: Tick) {
        match order {
            // What there is comes by itself.
            Order::Older | Order::Refetch(_) if self.reach == Reach::Whole => {}
            Order::Until(to) if self.reach == Reach::Whole => {
                self.seek = Some(Seek::Under(to));
                self.heed_read();
            }
            Order::Older if matches!(self.past, Past::Full | Past::Whole) => {}
            Order::Older => match &self.page {
                // What is being read answers it.
                Some((Reading::First | Reading::Behind(_) | Reading::Older(_), _)) => {}
                Some((Reading::Gap(_), _)) => self.older_waits = true,
                None if self.retry.is_some() => self.first(source),
                None => self.older(self.stretch, source),
            },
            Order::Until(to) => {
                self.seek = Some(Seek::Under(to));
                self.seek_pages = SEEK_PAGES;
                // Asked for once more, it is looked for further than before.
                if matches!(self.past, Past::Nothing { .. } | Past::Failed(_)) {
                    self.past = Past::Open;
                }
                if self.page.is_none() {
                    self.go_on(source, now);
                }
            }
            Order::Stop => self.seek = None,
            Order::Refetch(gap) => {
                self.gaps.wanted(gap);
                self.go_on(source, now);
            }
        }
    }

    /// When something is due by itself.
    pub(super) fn due(&self) -> Option<Tick> {
        let gaps = self.gaps.due().filter(|_| self.page.is_none());
        self.retry.into_iter().chain(gaps).min()
    }

    /// Reads the next of what waits, where no page is being read.
    pub(super) fn go_on(&mut self, source: &Arc<dyn Logs>, now: Tick) {
        if self.page.is_some() {
            return;
        }
        if let Some(due) = self.retry {
            if due <= now {
                self.first(source);
            }
            return;
        }
        if let Some(Seek::Under(to)) = self.seek {
            let reached = self.read_to.min(self.store.oldest().unwrap_or(self.read_to)) <= to;
            if reached || self.seek_pages == 0 || !matches!(self.past, Past::Open | Past::Reading) {
                self.seek = Some(Seek::Ended(to));
            } else {
                self.seek_pages -= 1;
                return self.older(self.stretch, source);
            }
        }
        if std::mem::take(&mut self.older_waits) && self.past != Past::Full {
            return self.older(self.stretch, source);
        }
        let Some(refetch) = self.gaps.next(&self.store.snapshot(), now) else {
            return;
        };
        if refetch.gap.reason == GapReason::Unread && !self.has_room() {
            self.refetching = Some(Refetching::Failed(
                refetch.gap,
                "the store is full: it would push out what is looked at".to_owned(),
            ));
            return;
        }
        self.refetching = Some(Refetching::Reading(refetch.gap.clone()));
        let question = PageQuestion {
            direction: Direction::Forward,
            limit: LARGE_PAGE,
            ..self.question(refetch.gap.from, refetch.gap.to)
        };
        self.ask(Reading::Gap(refetch), question, source);
    }

    fn has_room(&self) -> bool {
        let bytes = usize::try_from(self.store.counts().bytes).unwrap_or(usize::MAX);
        let room = |limit: usize| limit - limit / 8;
        self.store.snapshot().len() < room(self.limits.lines) && bytes < room(self.limits.bytes)
    }

    fn older(&mut self, stretch: Duration, source: &Arc<dyn Logs>) {
        // Lines of the oldest one's moment are asked for again: there may be more of them than a page had.
        let to = self
            .store
            .oldest()
            .map_or(self.read_to, |oldest| Nanos(oldest.0.saturating_add(1)));
        let to = to.min(self.read_to);
        self.past = Past::Reading;
        let from = match self.reach {
            Reach::AtHand => Nanos(i64::MIN),
            Reach::Present | Reach::Whole => to.minus(stretch),
        };
        let mut question = self.question(from, to);
        if matches!(self.seek, Some(Seek::Under(_))) {
            question.limit = LARGE_PAGE;
        }
        self.ask(Reading::Older(stretch), question, source);
    }

    pub(super) fn event(&mut self, event: TailEvent, now: Tick) {
        match event {
            TailEvent::Lines(mut batch) => {
                self.tail_failure = None;
                if self.reach != Reach::Whole {
                    self.seam.tail(&mut batch);
                }
                // what a file had already did not just come
                if batch.place.is_none() {
                    self.arrivals.push_back((now, self.fresh(&batch)));
                }
                self.store.ingest(&batch);
            }
            TailEvent::Gap(gap) => {
                self.gaps.opened(&gap, now);
                self.reread.truncate(REREAD - 1);
                self.reread.insert(0, gap.clone());
                self.store.gap(gap);
            }
            TailEvent::Filled(gap) => {
                self.reread.retain(|read| *read != gap);
                // Whoever could read what was missing is well again.
                self.tail_failure = None;
                self.gaps.closed(&gap);
                self.store.filled(&gap);
            }
            TailEvent::Mode(mode) => {
                if mode != TailMode::Connecting {
                    self.tail_failure = None;
                }
                self.mode = Some(mode);
            }
            TailEvent::Failed(error) => self.tail_failure = Some(error.cause()),
        }
        self.heed_read();
    }

    /// A time that is gone to in files is arrived at once what they hold of it is read.
    fn heed_read(&mut self) {
        if self.reach != Reach::Whole {
            return;
        }
        if let Some(Seek::Under(to)) = self.seek
            && !self.is_to_come(to)
        {
            self.seek = Some(Seek::Ended(to));
        }
    }

    /// Whether lines of a moment may still be read of what files hold already.
    fn is_to_come(&self, at: Nanos) -> bool {
        match self.mode {
            None | Some(TailMode::Connecting) => true,
            // of files that were not begun nobody knows the times
            Some(TailMode::Reading { left, .. }) if left > 0 => true,
            Some(TailMode::Reading { .. }) => {
                let snapshot = self.store.snapshot();
                let mut gaps = snapshot.gaps().iter().peekable();
                match gaps.peek() {
                    Some(_) => gaps.any(|gap| gap.from <= at && at < gap.to),
                    // the end of a file is told before what is missing before it
                    None => self.store.newest().is_none_or(|newest| newest <= at),
                }
            }
            Some(TailMode::Live | TailMode::Polling(_) | TailMode::Ended) => false,
        }
    }

    /// How many lines of the tail just came: neither those of before it began, nor those of a gap that it reads again.
    /// What is read where it is written comes as it is written, whatever it says of its time.
    fn fresh(&self, batch: &Batch) -> u64 {
        let is_fresh = |at: Nanos| {
            let mut reread = self.reread.iter();
            at >= self.fresh_from && !reread.any(|gap| gap.from <= at && at < gap.to)
        };
        let lines = batch.lines.iter();
        match self.reach {
            Reach::Present => lines.filter(|line| line.at.is_none_or(is_fresh)).count() as u64,
            Reach::AtHand | Reach::Whole => lines.count() as u64,
        }
    }

    pub(super) fn ended(&mut self, ended: Result<(), BackendError>, now: Tick) {
        self.tail = Box::pin(pending());
        self.end_seek();
        // An input that was read to its end has no more to tell.
        let is_whole = self.reach == Reach::Whole && ended.is_ok();
        self.again = (!is_whole).then_some(now + GIVEN_UP);
        if let Err(error) = ended {
            self.tail_failure = Some(error.cause());
        }
    }

    pub(super) fn paged(
        &mut self,
        (reading, result): (Reading, BackendResult<Page>),
        source: &Arc<dyn Logs>,
        now: Tick,
    ) {
        match result {
            Ok(page) => self.took(reading, page, source, now),
            Err(error) => self.missed(reading, &error, now),
        }
        self.go_on(source, now);
    }

    /// A page could not be read.
    fn missed(&mut self, reading: Reading, error: &BackendError, now: Tick) {
        match reading {
            Reading::First => {
                let pause = (BACKOFF * 2_u32.saturating_pow(self.misses.min(8))).min(GIVEN_UP);
                self.misses += 1;
                self.retry = Some(now + pause.max(error.retry_after.unwrap_or_default()));
                self.page_failure = Some(error.cause());
                self.past = Past::Failed(error.cause());
            }
            Reading::Behind(_) => {
                let from = self.at.unwrap_or(self.told_from);
                self.unread(from, now);
                self.past = Past::Open;
                self.end_seek();
            }
            Reading::Older(_) => {
                self.past = Past::Failed(error.cause());
                self.end_seek();
            }
            Reading::Gap(refetch) => {
                self.refetching = Some(Refetching::Failed(refetch.gap.clone(), error.cause()));
                self.gaps.failed(refetch, now);
            }
        }
    }

    fn end_seek(&mut self) {
        if let Some(Seek::Under(to)) = self.seek {
            self.seek = Some(Seek::Ended(to));
        }
    }

    /// Nothing was read from a moment up to the tail.
    fn unread(&mut self, from: Nanos, now: Tick) {
        let gap = Gap {
            from,
            to: self.told_from,
            reason: GapReason::Unread,
        };
        if gap.from < gap.to {
            self.gaps.opened(&gap, now);
            self.store.gap(gap);
        }
    }

    fn took(&mut self, reading: Reading, mut page: Page, source: &Arc<dyn Logs>, now: Tick) {
        for warning in std::mem::take(&mut page.warnings) {
            self.warnings.retain(|known| *known != warning);
            self.warnings.push(warning);
        }
        let surplus = self.warnings.len().saturating_sub(WARNINGS);
        self.warnings.drain(..surplus);
        for gap in std::mem::take(&mut page.gaps) {
            self.gaps.opened(&gap, now);
            self.store.gap(gap);
        }
        match reading {
            Reading::First => self.took_first(&mut page, source),
            Reading::Behind(to) => {
                let newest = self.take(&mut page.batch, to);
                self.past = Past::Open;
                self.end_seek();
                let read = match (page.more, newest) {
                    (More::No, _) => to,
                    (More::Yes, Some(last)) => Nanos(last.0.saturating_add(1)),
                    (More::Yes, None) => self.at.unwrap_or(to),
                };
                self.unread(read, now);
            }
            Reading::Older(stretch) => self.took_older(stretch, &mut page, source),
            Reading::Gap(refetch) => self.took_gap(&refetch, &mut page),
        }
    }

    fn took_first(&mut self, page: &mut Page, source: &Arc<dyn Logs>) {
        (self.page_failure, self.misses) = (None, 0);
        self.past = Past::Open;
        let question = first_question((&self.wanted, self.at), self.reach, self.opened);
        self.read_to = if page.batch.is_empty() {
            question.from
        } else {
            question.to
        };
        // The answer told the server's clock: a tail that began in its future begins again.
        let begin = tail_begin(&**source, self.opened);
        if begin < self.told_from {
            self.fresh_from = begin.plus(SLACK).min(self.opened);
            self.told_from = begin;
            // Lines may be in hand by now, where this page could not be read at once.
            self.repeat(source, begin);
        }
        self.take_older(page);
        let Some(at) = self.at else {
            self.heed_begin(page.more);
            return;
        };
        let span = at.0.saturating_sub(question.from.0).max(0).unsigned_abs();
        let behind = at.plus(Duration::from_nanos(span));
        // What the tail reads of its own beginning may not be there yet, or be a gap: around a time of the present it is
        // read all the same.
        let to = if at < self.told_from {
            behind.min(self.told_from)
        } else {
            behind
        };
        let question = PageQuestion {
            direction: Direction::Forward,
            ..self.question(at, to)
        };
        self.past = Past::Reading;
        self.ask(Reading::Behind(to), question, source);
    }

    fn took_older(&mut self, stretch: Duration, page: &mut Page, source: &Arc<dyn Logs>) {
        self.past = Past::Open;
        if self.take_older(page) {
            self.stretch = STRETCH;
            self.heed_begin(page.more);
        } else if self.reach == Reach::AtHand && page.more == More::No {
            self.heed_begin(page.more);
        } else if page.more == More::No {
            self.read_to = self
                .read_to
                .min(self.store.oldest().unwrap_or(self.read_to))
                .minus(stretch);
            if stretch >= WIDEST {
                self.past = Past::Nothing {
                    back_to: self.read_to,
                };
            } else {
                // An empty stretch: a wider one, at once, until there is a line or nothing far and wide.
                self.stretch = (stretch * 4).min(WIDEST);
                self.older(self.stretch, source);
            }
        } else if let Some(oldest) = self.store.oldest() {
            // More lines of one moment than a page: what is beyond them is read, and the rest is a gap.
            self.read_to = oldest;
            self.store.gap(Gap {
                from: oldest,
                to: Nanos(oldest.0.saturating_add(1)),
                reason: GapReason::LimitHit,
            });
        }
    }

    /// What lies at hand was read to its begin.
    fn heed_begin(&mut self, more: More) {
        if self.reach == Reach::AtHand && more == More::No && self.past == Past::Open {
            self.past = Past::Whole;
        }
    }

    fn took_gap(&mut self, refetch: &Refetch, page: &mut Page) {
        let newest = self.take(&mut page.batch, refetch.gap.to);
        self.store.filled(&refetch.gap);
        self.refetching = None;
        let rest = match (page.more, newest) {
            (More::No, _) => None,
            (More::Yes, Some(last)) if last >= refetch.gap.from => {
                self.gaps.go_on(refetch, Nanos(last.0.saturating_add(1)))
            }
            // Nothing came although there is more: it stays a gap.
            (More::Yes, _) => Some(refetch.gap.clone()),
        };
        if let Some(rest) = rest {
            self.store.gap(rest);
        }
    }

    /// Takes a page of a stretch up to `to` in where it belongs; its newest line's moment.
    fn take(&mut self, batch: &mut Batch, to: Nanos) -> Option<Nanos> {
        let told = batch.lines.iter().filter_map(|line| line.at).max();
        let any = !batch.is_empty();
        self.seam.page(batch, &self.store.snapshot(), self.tail_from);
        self.store.ingest(batch);
        told.or_else(|| {
            // The source tells no times: the store read them.
            let snapshot = self.store.snapshot();
            let last = snapshot.seek(to).checked_sub(1).filter(|_| any)?;
            snapshot.entry_at(last).map(|entry| entry.at)
        })
    }

    /// Takes a page in before all there is; whether any line of it was new.
    fn take_older(&mut self, page: &mut Page) -> bool {
        self.seam
            .page(&mut page.batch, &self.store.snapshot(), self.tail_from);
        let new = !page.batch.is_empty();
        if new && self.store.ingest_older(&page.batch) == Room::Full {
            self.past = Past::Full;
        }
        new
    }
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
