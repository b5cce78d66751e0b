//! The keeper against a source that does what it is told, on paused time.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use futures::future::BoxFuture;

use super::*;
use crate::app::logs::{Past, Refetching, Seek};
use crate::backend::logs::{Direction, More, PageQuestion, TailEvent};
use crate::backend::{BackendError, Delivery, ErrorKind};
use crate::domain::log::{Batch, GapReason, Level, Stream, Volume, Wanted};

fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, 3, 14, 7).unwrap()
}

/// So many seconds before the start.
fn ago(seconds: i64) -> Nanos {
    Nanos(Nanos::of(start()).0 - seconds * 1_000_000_000)
}

/// What the source has, and does.
#[derive(Default)]
struct State {
    /// Its lines, by when they are of.
    lines: Vec<(Nanos, String)>,
    /// Answered instead of pages, in turn.
    errors: VecDeque<BackendError>,
    /// Refused as a query.
    refuses: String,
    warning: Option<&'static str>,
    skew: TimeDelta,
    /// Known only once a page was answered.
    skew_known: bool,
    pages: Vec<PageQuestion>,
    tails: Vec<Nanos>,
    counts: usize,
    /// Told by the tail behind its lines.
    gap: Option<Gap>,
    /// Whether that comes before them.
    gap_first: bool,
    /// How many lines of before it began the tail leaves out, but for its oldest, and tells a gap instead.
    leaves_out: usize,
    /// Whether the tail tells lines without a pause.
    floods: bool,
    /// How tails end once they told their lines, in turn; the others go on.
    ends: VecDeque<BackendError>,
}

#[derive(Clone)]
struct Source(Arc<(Arc<str>, Mutex<State>)>);

impl Source {
    fn of(state: State) -> Self {
        Self(Arc::new((Arc::from("logs"), Mutex::new(state))))
    }

    /// A line each so many milliseconds, from so many seconds ago to so many.
    fn every(millis: i64, (from, to): (i64, i64)) -> State {
        let count = (from - to) * 1_000 / millis;
        let line = |n| (Nanos(ago(from).0 + n * millis * 1_000_000), format!("line {n}"));
        State {
            lines: (0..count).map(line).collect(),
            ..State::default()
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.1.lock().unwrap()
    }
}

fn error(kind: ErrorKind, detail: &str) -> BackendError {
    BackendError {
        kind,
        backend: Arc::from("logs"),
        tried: "GET /lines".to_owned(),
        detail: detail.to_owned(),
        mend: String::new(),
        status: None,
        retry_after: None,
        delivery: Delivery::Answered,
    }
}

fn batch<'a>(lines: impl IntoIterator<Item = &'a (Nanos, String)>) -> Batch {
    let mut batch = Batch {
        streams: vec![Arc::new(Stream::default())],
        ..Batch::default()
    };
    for (at, text) in lines {
        batch.push(Some(*at), 0, Level::Info, text.as_bytes(), b"");
    }
    batch
}

impl Logs for Source {
    fn name(&self) -> &Arc<str> {
        &self.0.0
    }

    fn skew(&self) -> Option<TimeDelta> {
        let state = self.state();
        Some(if state.skew_known {
            state.skew
        } else {
            TimeDelta::zero()
        })
    }

    fn page(&self, question: PageQuestion) -> BoxFuture<'_, BackendResult<Page>> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(250)).await;
            let mut state = self.state();
            state.pages.push(question.clone());
            state.skew_known = true;
            if let Some(error) = state.errors.pop_front() {
                return Err(error);
            }
            if !state.refuses.is_empty() && question.wanted.query == state.refuses {
                return Err(error(ErrorKind::Rejected, "parse error at line 1"));
            }
            let within = |at: Nanos| question.from <= at && at < question.to;
            let mut lines: Vec<_> = state
                .lines
                .iter()
                .filter(|(at, _)| within(*at))
                .cloned()
                .collect();
            let surplus = lines.len().saturating_sub(question.limit);
            match question.direction {
                Direction::Backward => drop(lines.drain(..surplus)),
                Direction::Forward => lines.truncate(question.limit),
            }
            Ok(Page {
                batch: batch(&lines),
                more: if surplus > 0 { More::Yes } else { More::No },
                warnings: state.warning.map(str::to_owned).into_iter().collect(),
                ..Page::default()
            })
        })
    }

    fn tail(
        &self,
        _wanted: Wanted,
        from: Nanos,
        events: mpsc::Sender<TailEvent>,
    ) -> BoxFuture<'_, BackendResult<()>> {
        Box::pin(async move {
            let (lines, gap, gap_first, floods) = {
                let mut state = self.state();
                state.tails.push(from);
                let told = state.lines.iter().filter(|(at, _)| *at >= from).cloned();
                let mut lines: Vec<_> = told.collect();
                let mut out = lines.drain(1.min(lines.len())..(1 + state.leaves_out).min(lines.len()));
                let left_out = out.next().map(|(from, _)| Gap {
                    from,
                    to: Nanos(out.next_back().map_or(from, |(last, _)| last).0 + 1),
                    reason: GapReason::LimitHit,
                });
                drop(out);
                let gap = left_out.or_else(|| state.gap.clone());
                (lines, gap, state.gap_first, state.floods)
            };
            let _ = events.send(TailEvent::Mode(TailMode::Live)).await;
            let mut told = vec![TailEvent::Lines(batch(&lines))];
            told.extend(gap.map(TailEvent::Gap));
            if gap_first {
                told.reverse();
            }
            for event in told {
                let _ = events.send(event).await;
            }
            let end = self.state().ends.pop_front();
            if let Some(end) = end {
                return Err(end);
            }
            let flood = if floods { i64::MAX } else { 0 };
            for number in 0..flood {
                let line = (Nanos(ago(0).0 + number), format!("flood {number}"));
                if events.send(TailEvent::Lines(batch(&[line]))).await.is_err() {
                    break;
                }
            }
            pending().await
        })
    }

    fn volume(
        &self,
        _wanted: Wanted,
        from: Nanos,
        _to: Nanos,
        _buckets: usize,
    ) -> BoxFuture<'_, BackendResult<Option<Volume>>> {
        Box::pin(async move {
            self.state().counts += 1;
            Ok(Some(Volume {
                from: Some(from),
                step: 60_000_000_000,
                buckets: vec![[9; Level::ALL.len()]; 15],
            }))
        })
    }
}

/// Somebody who looks at the pane.
struct Eye {
    ask: watch::Sender<LogsAsk>,
    orders: mpsc::Sender<Order>,
    view: watch::Receiver<Option<Arc<LogView>>>,
    source: Source,
}

impl Eye {
    fn ask(&self, ask: LogsAsk) {
        self.ask.send_replace(ask);
    }

    async fn order(&self, order: Order) {
        self.orders.send(order).await.unwrap();
    }

    /// Waits until the view is so; a minute at most.
    async fn until(&mut self, what: &'static str, is: impl Fn(&LogView) -> bool) -> Arc<LogView> {
        let waiting = self
            .view
            .wait_for(|view| view.as_ref().is_some_and(|view| is(view)));
        let view = tokio::time::timeout(Duration::from_secs(60), waiting).await;
        let found = view.ok().map(|view| view.unwrap().clone().unwrap());
        found.unwrap_or_else(|| {
            let last = self.view.borrow().clone();
            let last = last.map(|view| (view.len(), view.failure.clone(), view.past.clone(), view.seek));
            panic!("never {what}: {last:?}")
        })
    }
}

async fn looking<F: Future<Output = ()>>(state: State, ask: LogsAsk, script: impl FnOnce(Eye) -> F) {
    let source = Source::of(state);
    let keeps = Arc::new(source.clone());
    looking_into((keeps, Clock::with_tokio(start())), source, ask, script).await;
}

async fn looking_into<F: Future<Output = ()>>(
    (keeps, clock): (Arc<dyn Logs>, Clock),
    source: Source,
    ask: LogsAsk,
    script: impl FnOnce(Eye) -> F,
) {
    let (ask, asked) = watch::channel(ask);
    let (orders, ordered) = mpsc::channel(8);
    let (out, view) = watch::channel(None);
    let keeper = Keeper {
        source: keeps,
        limits: Limits::default(),
        clock,
        health: None,
        ask: asked,
        orders: ordered,
        out,
    };
    let eye = Eye {
        ask,
        orders,
        view,
        source,
    };
    tokio::select! {
        () = keeper.run() => panic!("the keeper ended"),
        () = script(eye) => {}
    }
}

fn texts(view: &LogView) -> Vec<String> {
    let text = |position| {
        let entry = view.snapshot.entry_at(position).unwrap();
        String::from_utf8_lossy(&entry.text).into_owned()
    };
    (0..view.snapshot.len()).map(text).collect()
}

#[track_caller]
fn assert_each_once(view: &LogView, lines: &[(Nanos, String)]) {
    let expected: Vec<&String> = lines.iter().map(|(_, text)| text).collect();
    assert!(
        texts(view).iter().eq(expected.iter().copied()),
        "{} of {}",
        view.len(),
        lines.len()
    );
}

#[tokio::test(start_paused = true)]
async fn a_first_page_that_failed_is_read_again_and_the_failure_is_gone_then() {
    let mut state = Source::every(1_000, (600, 300));
    state.errors = [
        error(ErrorKind::TimedOut, "no answer"),
        error(ErrorKind::TimedOut, "no answer"),
    ]
    .into();
    looking(state, LogsAsk::default(), async |mut eye| {
        eye.until("failed", |view| view.failure.is_some()).await;
        let view = eye.until("read", |view| view.len() == 300).await;
        assert_eq!((&view.failure, &view.past), (&None, &Past::Open));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_tail_overlaps_the_first_page_and_each_line_is_kept_once() {
    let state = Source::every(100, (90, 0));
    let lines = state.lines.clone();
    looking(state, LogsAsk::default(), async |mut eye| {
        let view = eye.until("all there", |view| view.past == Past::Open).await;
        assert_each_once(&view, &lines);
        assert_eq!(eye.source.state().tails, [ago(60)]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_first_page_that_fails_while_the_tail_begins_anew_brings_no_line_twice() {
    let mut state = Source::every(100, (90, -1));
    let lines = state.lines.clone();
    state.errors = (0..5).map(|_| error(ErrorKind::TimedOut, "no answer")).collect();
    state.ends = [error(ErrorKind::Rejected, "too many tails")].into();
    looking(state, LogsAsk::default(), async |mut eye| {
        eye.until("read", |view| view.past == Past::Open).await;
        // whatever tails tell once more has come by then
        tokio::time::sleep(Duration::from_secs(60)).await;
        let view = eye.until("all", |view| view.mode == Some(TailMode::Live)).await;
        assert_each_once(&view, &lines);
        assert_eq!(eye.source.state().tails.len(), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_tail_that_goes_further_back_once_the_servers_clock_is_known_tells_nothing_in_hand_again() {
    let mut state = Source::every(1_000, (600, 0));
    let lines = state.lines.clone();
    state.skew = TimeDelta::minutes(-5);
    state.errors = [error(ErrorKind::TimedOut, "no answer")].into();
    // known by the time that the page is answered, and not before: the answer of a failure tells no clock
    looking(state, LogsAsk::default(), async |mut eye| {
        eye.source.state().skew_known = false;
        eye.until("read", |view| view.past == Past::Open).await;
        tokio::time::sleep(Duration::from_secs(10)).await;
        let view = eye.until("all", |view| view.mode == Some(TailMode::Live)).await;
        assert_each_once(&view, &lines);
        assert_eq!(eye.source.state().tails, [ago(60), ago(360)]);
    })
    .await;
}

/// What a file tells while it is read, as a test sends it.
struct Fed(Arc<str>, Mutex<Option<mpsc::Receiver<TailEvent>>>);

impl Logs for Fed {
    fn name(&self) -> &Arc<str> {
        &self.0
    }

    fn reach(&self) -> Reach {
        Reach::Whole
    }

    fn page(&self, _question: PageQuestion) -> BoxFuture<'_, BackendResult<Page>> {
        Box::pin(std::future::ready(Ok(Page::default())))
    }

    fn tail(
        &self,
        _wanted: Wanted,
        _from: Nanos,
        events: mpsc::Sender<TailEvent>,
    ) -> BoxFuture<'_, BackendResult<()>> {
        let fed = self.1.lock().unwrap().take();
        Box::pin(async move {
            let mut fed = fed.unwrap();
            while let Some(event) = fed.recv().await {
                events.send(event).await.unwrap();
            }
            pending().await
        })
    }

    fn volume(
        &self,
        _wanted: Wanted,
        _from: Nanos,
        _to: Nanos,
        _buckets: usize,
    ) -> BoxFuture<'_, BackendResult<Option<Volume>>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}

#[tokio::test(start_paused = true)]
async fn a_time_in_a_file_that_is_still_being_read_is_gone_to_once_it_is_read() {
    let (feed, told) = mpsc::channel(8);
    let source = Arc::new(Fed(Arc::from("logs"), Mutex::new(Some(told))));
    let clock = Clock::with_tokio(start());
    let idle = Source::of(State::default());
    // a line each second, from ten minutes ago on
    let lines = |from: i64, to: i64| {
        let line = |second| (ago(600 - second), format!("line {second}"));
        TailEvent::Lines(batch(&(from..to).map(line).collect::<Vec<_>>()))
    };
    let missing = |from: i64| Gap {
        from: ago(600 - from),
        to: ago(100),
        reason: GapReason::Reading,
    };
    let reading = |left| TailEvent::Mode(TailMode::Reading { percent: 27, left });
    looking_into((source, clock), idle, LogsAsk::default(), async |mut eye| {
        let at = |second: i64| ago(600 - second);
        let begin = [
            reading(0),
            TailEvent::Gap(missing(0)),
            lines(500, 600),
            lines(0, 50),
        ];
        for event in begin {
            feed.send(event).await.unwrap();
        }
        eye.until("begun", |view| view.len() == 150).await;
        eye.order(Order::Until(at(300))).await;
        eye.until("waiting", |view| view.seek == Some(Seek::Under(at(300))))
            .await;
        for event in [
            lines(50, 200),
            TailEvent::Gap(missing(199)),
            TailEvent::Filled(missing(0)),
        ] {
            feed.send(event).await.unwrap();
        }
        let view = eye.until("read on", |view| view.len() == 300).await;
        assert_eq!(view.seek, Some(Seek::Under(at(300))), "not there yet");
        for event in [
            lines(200, 400),
            TailEvent::Gap(missing(399)),
            TailEvent::Filled(missing(199)),
        ] {
            feed.send(event).await.unwrap();
        }
        let there = |view: &LogView| view.seek == Some(Seek::Ended(at(300)));
        let view = eye.until("there", there).await;
        let place = view.snapshot.seek(at(300));
        assert_eq!(view.snapshot.entry_at(place).unwrap().at, at(300));
        // what is in hand is gone to at once, and what no file may hold is no reason to wait
        for second in [100, 550, -10] {
            eye.order(Order::Until(at(second))).await;
            let there = |view: &LogView| view.seek == Some(Seek::Ended(at(second)));
            eye.until("at once", there).await;
        }
        // of a file that was not begun nobody knows
        feed.send(reading(1)).await.unwrap();
        let left = |view: &LogView| matches!(view.mode, Some(TailMode::Reading { left: 1, .. }));
        eye.until("another one", left).await;
        eye.order(Order::Until(at(100))).await;
        eye.until("waiting", |view| view.seek == Some(Seek::Under(at(100))))
            .await;
        feed.send(TailEvent::Mode(TailMode::Live)).await.unwrap();
        eye.until("there", |view| view.seek == Some(Seek::Ended(at(100))))
            .await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_read_back_is_no_arrival() {
    // the tail tells those of its last minute once more, and a gap that it reads again
    let mut state = Source::every(20, (120, -1));
    state.gap = Some(Gap {
        from: ago(0),
        to: Nanos(ago(0).0 + 500_000_000),
        reason: GapReason::Disconnected,
    });
    state.gap_first = true;
    looking(state, LogsAsk::default(), async |mut eye| {
        let view = eye
            .until("told", |view| view.past == Past::Open && view.rate > 0.0)
            .await;
        // of the last second the half that is no gap: 25 lines over five seconds
        assert!((view.rate - 5.0).abs() < f64::EPSILON, "{}", view.rate);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_console_whose_clock_is_ahead_tails_from_before_the_servers_now() {
    let mut state = Source::every(1_000, (600, 200));
    state.skew = TimeDelta::minutes(-5);
    // Shipped late: it is there for the tail alone.
    let late = (ago(320), "late".to_owned());
    looking(state, LogsAsk::default(), async |mut eye| {
        eye.source.state().lines.push(late);
        let view = eye.until("read", |view| view.len() == 401).await;
        assert_eq!(eye.source.state().tails, [ago(60), ago(360)]);
        assert_eq!(texts(&view).iter().filter(|text| *text == "late").count(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_query_that_is_refused_leaves_the_lines_as_they_are_and_says_why() {
    let mut state = Source::every(1_000, (600, 300));
    state.refuses = "{app=".to_owned();
    looking(state, LogsAsk::default(), async |mut eye| {
        eye.until("read", |view| view.len() == 300).await;
        let mut ask = LogsAsk::default();
        ask.wanted.query = "{app=".to_owned();
        eye.ask(ask.clone());
        let view = eye.until("trying", |view| view.trying.is_some()).await;
        assert_eq!(view.len(), 300);
        let view = eye.until("refused", |view| view.refused.is_some()).await;
        assert_eq!(
            (view.len(), &view.trying, &view.ask.wanted.query),
            (300, &None, &String::new())
        );
        assert!(
            view.refused
                .as_ref()
                .unwrap()
                .why
                .contains("parse error at line 1")
        );
        ask.wanted.query = "{app=\"a\"}".to_owned();
        eye.ask(ask);
        let view = eye.until("taken", |view| !view.ask.wanted.query.is_empty()).await;
        assert_eq!((view.len(), &view.refused), (300, &None));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn around_a_time_is_read_first_and_what_lies_between_it_and_now_is_a_gap_that_a_key_closes() {
    let state = Source::every(1_000, (3 * 3_600, 0));
    let lines = state.lines.clone();
    let ask = LogsAsk {
        at: Some(ago(2 * 3_600)),
        ..LogsAsk::default()
    };
    looking(state, ask, async |mut eye| {
        let at = ago(2 * 3_600);
        let view = eye
            .until("there", |view| view.seek == Some(Seek::Ended(at)))
            .await;
        let place = view.snapshot.seek(at);
        assert_eq!(view.snapshot.entry_at(place).unwrap().at, at);
        assert_eq!(view.snapshot.entry_at(place - 1).unwrap().at, ago(2 * 3_600 + 1));
        let [gap] = view.snapshot.gaps() else {
            panic!("{:?}", view.snapshot.gaps())
        };
        assert_eq!((gap.reason, gap.to), (GapReason::Unread, ago(60)));
        eye.order(Order::Refetch(gap.clone())).await;
        eye.until("being read", |view| {
            matches!(view.refetching, Some(Refetching::Reading(_)))
        })
        .await;
        let view = eye.until("closed", |view| view.snapshot.gaps().is_empty()).await;
        let first = view.snapshot.entry_at(0).unwrap().at;
        let expected: Vec<_> = lines.into_iter().filter(|(at, _)| *at >= first).collect();
        assert_each_once(&view, &expected);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_time_of_the_last_minute_is_arrived_at_with_its_lines_or_when_there_are_none() {
    let at = ago(30);
    let ask = || LogsAsk {
        at: Some(at),
        ..LogsAsk::default()
    };
    looking(Source::every(1_000, (3_600, 0)), ask(), async |mut eye| {
        let there = |view: &LogView| view.seek == Some(Seek::Ended(at));
        let view = eye.until("there", there).await;
        let place = view.snapshot.seek(at);
        assert_eq!(view.snapshot.entry_at(place).unwrap().at, at);
    })
    .await;
    looking(Source::every(1_000, (3_600, 120)), ask(), async |mut eye| {
        eye.until("looked for", |view| view.seek == Some(Seek::Under(at)))
            .await;
        eye.until("quiet", |view| view.seek == Some(Seek::Ended(at)))
            .await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_line_of_the_last_minute_is_found_though_the_tail_left_it_out_and_a_thousand_are_newer() {
    let at = ago(30);
    let ask = LogsAsk {
        at: Some(at),
        ..LogsAsk::default()
    };
    let state = State {
        leaves_out: 2_500,
        ..Source::every(20, (120, 0))
    };
    let lines = state.lines.clone();
    looking(state, ask, async |mut eye| {
        let there = |view: &LogView| view.seek == Some(Seek::Ended(at));
        let view = eye.until("there", there).await;
        let place = view.snapshot.seek(at);
        assert_eq!(view.snapshot.entry_at(place).unwrap().at, at);
        let times = (0..view.snapshot.len()).map(|place| view.snapshot.entry_at(place).unwrap().at);
        assert!(
            times.is_sorted_by(|one, next| one < next),
            "each once, in its place"
        );
        let first = view.snapshot.entry_at(0).unwrap().at;
        let is_told = |at: Nanos| {
            let mut gaps = view.snapshot.gaps().iter();
            let place = view.snapshot.seek(at);
            view.snapshot.entry_at(place).is_some_and(|entry| entry.at == at)
                || gaps.any(|gap| (gap.from..gap.to).contains(&at))
        };
        let mut lost = lines.into_iter().map(|(at, _)| at).filter(|at| *at >= first);
        assert_eq!(lost.find(|at| !is_told(*at)), None, "neither there nor in a gap");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_time_is_read_back_to_page_by_page_and_given_up_when_told() {
    let state = Source::every(50, (3_600, 0));
    looking(state, LogsAsk::default(), async |mut eye| {
        eye.until("read", |view| view.past == Past::Open).await;
        let to = ago(1_800);
        eye.order(Order::Until(to)).await;
        eye.until("under way", |view| view.seek == Some(Seek::Under(to)))
            .await;
        let view = eye
            .until("there", |view| view.seek == Some(Seek::Ended(to)))
            .await;
        assert!(view.snapshot.entry_at(0).unwrap().at <= to);
        let before = eye.source.state().pages.len();
        eye.order(Order::Until(ago(3_500))).await;
        eye.order(Order::Stop).await;
        eye.until("stopped", |view| view.seek.is_none() && view.past == Past::Open)
            .await;
        assert_eq!(
            eye.source.state().pages.len(),
            before + 1,
            "the page that was under way"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nothing_older_is_said_with_how_far_back_was_looked_and_looked_for_further_when_asked() {
    let state = Source::every(1_000, (300, 0));
    looking(state, LogsAsk::default(), async |mut eye| {
        eye.until("read", |view| view.past == Past::Open).await;
        eye.order(Order::Older).await;
        let back = |view: &LogView| match view.past {
            Past::Nothing { back_to } => Some(back_to),
            _ => None,
        };
        let view = eye.until("in vain", |view| back(view).is_some()).await;
        let first = back(&view).unwrap();
        assert!(first < ago(40 * 86_400) && first > ago(60 * 86_400));
        eye.order(Order::Older).await;
        eye.until("further", |view| back(view).is_some_and(|to| to < first))
            .await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_short_gap_that_the_tail_leaves_open_is_read_by_itself_and_what_is_in_hand_is_not_read_twice() {
    let mut state = Source::every(1_000, (600, 0));
    state.gap = Some(Gap {
        from: ago(400),
        to: ago(350),
        reason: GapReason::Disconnected,
    });
    let lines = state.lines.clone();
    looking(state, LogsAsk::default(), async |mut eye| {
        eye.until("a gap", |view| !view.snapshot.gaps().is_empty()).await;
        let view = eye.until("closed", |view| view.snapshot.gaps().is_empty()).await;
        assert_each_once(&view, &lines);
        let asked = eye.source.state().pages.last().cloned().unwrap();
        assert_eq!((asked.from, asked.to), (ago(400), ago(350)));
    })
    .await;
}

/// Time goes as it goes here: it would stand still while the source never rests.
#[tokio::test]
async fn a_search_behind_a_filter_ends_while_lines_never_stop_coming() {
    let mut state = Source::every(500, (850, 400));
    state.floods = true;
    let sought = |(_, text): &&(Nanos, String)| text.starts_with("line 7") && text.ends_with('9');
    let expected = state.lines.iter().filter(sought).count();
    let ask = LogsAsk {
        filter: "line".to_owned(),
        search: "/line 7.*9$/".to_owned(),
        ..LogsAsk::default()
    };
    looking(state, ask, async |mut eye| {
        let hits = |view: &LogView| view.hits.as_ref().map_or(0, |hits| hits.len());
        eye.until("found", |view| view.len() > 500 && hits(view) == expected)
            .await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_server_says_of_its_answer_is_handed_on() {
    let mut state = Source::every(1_000, (600, 300));
    state.warning = Some("1 of 2 shards failed");
    looking(state, LogsAsk::default(), async |mut eye| {
        let view = eye.until("read", |view| view.len() == 300).await;
        assert_eq!(view.warnings, ["1 of 2 shards failed"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_server_counts_lines_by_time_where_it_can() {
    looking(
        Source::every(1_000, (840, 0)),
        LogsAsk::default(),
        async |mut eye| {
            let counted = crate::app::logs::Counted::Server;
            let view = eye.until("counted", |view| view.counted == counted).await;
            assert_eq!(view.volume.buckets[0], [9; Level::ALL.len()]);
            assert_eq!(eye.source.state().counts, 1);
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_last_lines_are_counted_though_nothing_comes_behind_them() {
    let (feed, told) = mpsc::channel(8);
    let source = Arc::new(Fed(Arc::from("logs"), Mutex::new(Some(told))));
    let clock = Clock::with_tokio(start());
    let idle = Source::of(State::default());
    let line = |second: i64| (ago(600 - second), format!("line {second}"));
    let counted = |view: &LogView| view.volume.buckets.iter().flatten().sum::<u64>();
    looking_into((source, clock), idle, LogsAsk::default(), async |mut eye| {
        for seconds in [0..50, 50..60] {
            let lines: Vec<_> = seconds.map(line).collect();
            feed.send(TailEvent::Lines(batch(&lines))).await.unwrap();
            eye.until("taken", |view| {
                view.len() == view.snapshot.len() && view.len() >= 50
            })
            .await;
        }
        let before = clock.tick();
        eye.until("counted", |view| counted(view) == 60).await;
        let filtered = LogsAsk {
            filter: "line".to_owned(),
            ..LogsAsk::default()
        };
        eye.ask(filtered);
        eye.until("of a filter", |view| {
            view.counted == Counted::Shown && counted(view) == 60
        })
        .await;
        feed.send(TailEvent::Lines(batch(&[line(60)]))).await.unwrap();
        eye.until("and of what came", |view| counted(view) == 61).await;
        let took = clock.tick().since(before);
        assert!(took < Duration::from_secs(4), "a second each: {took:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn patterns_are_learnt_while_somebody_looks_and_kept_when_nobody_does() {
    looking(
        Source::every(1_000, (600, 300)),
        LogsAsk::default(),
        async |mut eye| {
            eye.until("read", |view| view.len() == 300).await;
            let watched = LogsAsk {
                patterns: Watched::Yes,
                ..LogsAsk::default()
            };
            eye.ask(watched.clone());
            let seen = |view: &LogView| view.learnt.as_ref().map_or(0, |learnt| learnt.tally.seen);
            eye.until("learnt", |view| seen(view) == 300).await;
            eye.ask(LogsAsk::default());
            let more: Vec<_> = (0..5).map(|n| (ago(299 - n), "more".to_owned())).collect();
            eye.source.state().lines.extend(more);
            let gap = Gap {
                from: ago(299),
                to: ago(200),
                reason: GapReason::Unread,
            };
            eye.order(Order::Refetch(gap)).await;
            let view = eye.until("closed", |view| view.ask.patterns == Watched::No).await;
            assert_eq!(seen(&view), 300);
        },
    )
    .await;
}

#[tokio::test]
async fn a_configured_file_is_read_back_to_its_begin_however_long_ago_that_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    // years of silence between the old lines and the new ones
    let stamped = |year: i32, number: i64| {
        let at = Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).unwrap() + TimeDelta::seconds(number);
        format!("{} line {number}", at.to_rfc3339())
    };
    let lines: Vec<String> = (0..500)
        .map(|number| stamped(2019, number))
        .chain((500..2_600).map(|number| stamped(2024, number)))
        .collect();
    std::fs::write(&path, lines.join("\n") + "\n").unwrap();
    let clock = Clock::start();
    let settings = crate::backend::logs::Settings {
        name: "logs".into(),
        service_label: None,
        service_labels: Arc::default(),
        poll: Duration::from_secs(2),
    };
    let paths = vec![path.to_string_lossy().into_owned()];
    let files = crate::backend::logs::file::Files::new(settings, paths, clock);
    let idle = Source::of(State::default());
    looking_into(
        (Arc::new(files), clock),
        idle,
        LogsAsk::default(),
        async |mut eye| {
            let view = eye.until("read", |view| view.past == Past::Open).await;
            assert_eq!(texts(&view), lines[1_600..], "the last lines, though years old");
            eye.order(Order::Older).await;
            let view = eye
                .until("older", |view| {
                    view.past == Past::Open && view.snapshot.len() > 1_000
                })
                .await;
            assert_eq!(texts(&view), lines[600..]);
            eye.order(Order::Older).await;
            let view = eye.until("at the begin", |view| view.past == Past::Whole).await;
            assert_eq!(texts(&view), lines);
            // there is no more to be read; what comes is told
            eye.order(Order::Older).await;
            std::fs::OpenOptions::new()
                .append(true)
                .open(&path)
                .and_then(|mut file| std::io::Write::write_all(&mut file, b"what comes\n"))
                .unwrap();
            let view = eye
                .until("followed", |view| view.snapshot.len() == lines.len() + 1)
                .await;
            assert_eq!(
                (texts(&view)[2_600].as_str(), &view.past),
                ("what comes", &Past::Whole)
            );
        },
    )
    .await;
}
