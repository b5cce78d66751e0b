//! The SLO engine: who is asked for when, and what is known by now.
//!
//! Owns the schedule (tiers by window length), the readings and the memory of every SLO. It holds no client, no
//! clock and no task: [`Engine::take_due`] gives [`Batch`]es, whoever owns the client [`Batch::run`]s them (side
//! by side, so that a slow month never holds up the five minutes), and [`Engine::apply`] learns the [`Outcome`].
//! [`Engine::step`] and [`Engine::run_all`] do just that for callers without a loop of their own.
//!
//! Tiers: windows to 30 m every poll, to 2 h each minute, to 1 d every five, longer every fifteen; a window
//! whose pair partner is over its factor at every poll; the period of what a rule fires for every five minutes, for its
//! budget goes; at start the shortest and 1 h first.

mod batch;
mod entry;
mod learn;
mod pulse;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use crate::backend::BackendFailure;
use crate::domain::slo::{Reading, Sli, Slo, SloBoard, TimedReading, Window, evaluate, rank};
use crate::time::{Now, Tick, before};

pub use batch::{Batch, Outcome, Question};
pub use pulse::Pulse;

use super::Metrics;
use super::plan;
use super::prometheus::aligned;
use batch::{Item, Span};
use entry::{Entry, OwnerSays, Refusal};

const HOUR: Duration = Duration::from_secs(3_600);
const SPARK_STEP: Duration = Duration::from_secs(120);
const FIRST_SAMPLE_STEP: Duration = Duration::from_secs(60);
/// However often it is pressed for, a server that fails is not asked again sooner.
const BREATH: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const FIVE_MINUTES: Duration = Duration::from_secs(300);
/// Requests side by side in [`Engine::step`]: what a backend gets at most.
const SIDE_BY_SIDE: usize = 4;

/// Whether Sloth's and Pyrra's recorded series are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discover {
    /// At start and every fifteen minutes.
    Yes,
    /// Only what is configured.
    No,
}

/// How an engine asks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How often the shortest windows are asked.
    pub poll: Duration,
    /// Recorded SLOs.
    pub discover: Discover,
}

/// When a question is due again.
#[derive(Debug, Clone, Default)]
struct Clock {
    next: Tick,
    in_flight: usize,
    failures: u32,
}

/// A question that was not answered, the latest time in a row.
#[derive(Debug, Clone)]
struct Failure {
    /// In full, as documents and `doctor` say it.
    said: BackendFailure,
    /// In short, as a border and a row say it.
    cause: Arc<str>,
    /// The round that failed: batches that left together share it.
    asked: Tick,
    /// The first failure of this run of them.
    since: Tick,
}

/// How far the opening is: what must be known before the rest is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opening {
    /// Recorded SLOs and bucket bounds.
    Ground,
    /// Shortest windows and one hour.
    First,
    /// All tiers run.
    Open,
}

/// The engine of one metrics backend.
#[derive(Debug)]
pub struct Engine {
    settings: Settings,
    entries: BTreeMap<Arc<str>, Entry>,
    clocks: BTreeMap<Question, Clock>,
    hot_next: Tick,
    /// When budgets that go are asked for next.
    spending_next: Tick,
    /// The server asked to be left alone until then: nothing is asked, whatever the reason.
    left_alone: Tick,
    /// Tier interval → smaller batch size and until when it holds.
    halved: BTreeMap<Duration, (usize, Tick)>,
    failures: BTreeMap<Question, Failure>,
    answered: BTreeMap<Question, Tick>,
    notices: BTreeMap<Question, Vec<String>>,
    found_warnings: Vec<String>,
    opening: Opening,
}

impl Engine {
    /// An engine for the configured SLOs. Two of one name: the first stays.
    pub fn new(slos: Vec<Slo>, settings: Settings) -> Self {
        let mut engine = Self {
            settings,
            entries: BTreeMap::new(),
            clocks: BTreeMap::new(),
            hot_next: Tick::ZERO,
            spending_next: Tick::ZERO,
            left_alone: Tick::ZERO,
            halved: BTreeMap::new(),
            failures: BTreeMap::new(),
            answered: BTreeMap::new(),
            notices: BTreeMap::new(),
            found_warnings: Vec::new(),
            opening: Opening::Ground,
        };
        for slo in slos {
            engine.add(slo);
        }
        engine
    }

    /// When [`Engine::take_due`] has something to give next. Nothing known to ask for: one poll from `now`.
    pub fn next_due(&mut self, now: Tick) -> Tick {
        self.advance_opening();
        let open = self.opening == Opening::Open;
        let clocks = self
            .questions()
            .into_iter()
            .filter(|q| open || self.belongs_to_opening(q))
            .filter(|q| self.clocks.get(q).is_none_or(|c| c.in_flight == 0))
            .map(|q| self.clocks.get(&q).map_or(Tick::ZERO, |c| c.next));
        let refusals = self
            .entries
            .values()
            .flat_map(|e| e.refused.iter().filter(|(q, _)| !e.branches(q).is_empty()))
            .filter(|(q, _)| open && self.clocks.get(q).is_none_or(|c| c.in_flight == 0))
            .map(|(_, refusal)| refusal.next);
        let hot = self
            .entries
            .values()
            .any(|e| e.windows.iter().any(|w| e.is_hot(w)))
            .then_some(self.hot_next);
        let spending = self
            .entries
            .values()
            .any(Entry::is_spending)
            .then_some(self.spending_next);
        let owed = self
            .entries
            .values()
            .flat_map(|e| &e.owed)
            .filter(|q| open || self.belongs_to_opening(q))
            .filter(|q| self.clocks.get(q).is_none_or(|c| c.in_flight == 0))
            .map(|_| Tick::ZERO);
        clocks
            .chain(owed)
            .chain(refusals)
            .chain(hot)
            .chain(spending)
            .min()
            .unwrap_or(now + self.settings.poll)
            .max(self.left_alone)
    }

    /// Makes the shortest windows due now, out of turn, and the search for SLOs where that failed: without it there may
    /// be no window. Longer windows are due where their answer is older than a minute, which spares the server however
    /// often this is asked for. One that asked to be left alone still is.
    pub fn hurry(&mut self) {
        self.hot_next = Tick::ZERO;
        let poll = self.settings.poll;
        for (question, clock) in &mut self.clocks {
            let failed = self.failures.get(question);
            if let (Question::Window(_), None, Some(answered)) =
                (question, failed, self.answered.get(question))
            {
                clock.next = clock.next.min(*answered + MINUTE);
            }
            let is_hurried = match question {
                Question::Window(_) => interval(question, poll) == poll,
                Question::Discovery => failed.is_some(),
                Question::Bounds
                | Question::Spark
                | Question::History { .. }
                | Question::FirstSample { .. } => false,
            };
            if is_hurried {
                clock.next = failed.map_or(Tick::ZERO, |f| clock.next.min(f.asked + BREATH));
            }
        }
    }

    /// What is due now, most urgent first. Each batch is to be run and its outcome applied; until then its
    /// question is not given again.
    pub fn take_due(&mut self, now: Now) -> Vec<Batch> {
        if now.tick < self.left_alone {
            return Vec::new();
        }
        self.advance_opening();
        let mut out = Vec::new();
        let hot_round = now.tick >= self.hot_next;
        if hot_round {
            self.hot_next = now.tick.next_beat(self.settings.poll);
        }
        let spending_round = now.tick >= self.spending_next;
        if spending_round {
            self.spending_next = now.tick.next_beat(FIVE_MINUTES.max(self.settings.poll));
        }
        for question in self.questions() {
            if self.opening != Opening::Open && !self.belongs_to_opening(&question) {
                continue;
            }
            let clock = self.clocks.entry(question.clone()).or_default();
            if clock.in_flight > 0 {
                continue;
            }
            let due = now.tick >= clock.next;
            if due {
                clock.next = now.tick.next_beat(interval(&question, self.settings.poll));
            }
            let out_of_turn = |entry: &Entry| {
                hot_round && entry.is_hot_question(&question)
                    || spending_round && entry.is_spending() && entry.is_period(&question)
            };
            let batches = self.batches(&question, due, out_of_turn, now);
            if let Some(clock) = self.clocks.get_mut(&question) {
                clock.in_flight = batches.len();
            }
            for entry in self.entries.values_mut() {
                entry.owed.remove(&question);
            }
            out.extend(batches);
        }
        out
    }

    /// Every question that there is for the present SLOs, in the order in which they are asked.
    fn questions(&self) -> Vec<Question> {
        let mut out = Vec::new();
        if self.settings.discover == Discover::Yes {
            out.push(Question::Discovery);
        }
        if self
            .entries
            .values()
            .any(|e| matches!(e.slo.sli, Sli::Latency { .. }))
        {
            out.push(Question::Bounds);
        }
        let mut windows: Vec<Duration> = self
            .entries
            .values()
            .flat_map(|e| e.windows.iter().map(Window::length))
            .collect();
        windows.sort_unstable();
        windows.dedup();
        out.extend(windows.into_iter().map(Question::Window));
        if !self.entries.is_empty() {
            out.push(Question::Spark);
        }
        let mut histories: Vec<Question> = self
            .entries
            .values()
            .filter_map(Entry::history_question)
            .collect();
        histories.sort();
        histories.dedup();
        out.extend(histories);
        let mut begins: Vec<(i64, i64)> = self.entries.values().filter_map(|e| e.begins).collect();
        begins.sort_unstable();
        begins.dedup();
        out.extend(
            begins
                .into_iter()
                .map(|(from, to)| Question::FirstSample { from, to }),
        );
        out
    }

    fn belongs_to_opening(&self, question: &Question) -> bool {
        let ground = matches!(question, Question::Discovery | Question::Bounds);
        match self.opening {
            Opening::Ground => ground,
            Opening::First => {
                ground
                    || matches!(question, Question::Window(length) if *length == HOUR
                        || self.entries.values().any(|e| e.windows.first().is_some_and(|w| w.length() == *length)))
            }
            Opening::Open => true,
        }
    }

    fn advance_opening(&mut self) {
        while self.opening != Opening::Open {
            let asked = |q: &Question| {
                self.clocks
                    .get(q)
                    .is_some_and(|c| c.in_flight == 0 && c.next > Tick::ZERO)
            };
            let done = self
                .questions()
                .iter()
                .filter(|q| self.belongs_to_opening(q))
                .all(asked);
            if !done {
                return;
            }
            self.opening = match self.opening {
                Opening::Ground => Opening::First,
                Opening::First | Opening::Open => Opening::Open,
            };
        }
    }

    fn batches(
        &self,
        question: &Question,
        due: bool,
        out_of_turn: impl Fn(&Entry) -> bool,
        now: Now,
    ) -> Vec<Batch> {
        let asking = |entry: &&Entry| {
            entry
                .windows
                .iter()
                .any(|w| Question::Window(w.length()) == *question)
        };
        let askers = match question {
            Question::Window(_) => self.entries.values().filter(asking).count(),
            Question::Discovery
            | Question::Bounds
            | Question::Spark
            | Question::History { .. }
            | Question::FirstSample { .. } => self.entries.len(),
        };
        let limit = self.batch_size(question, now.tick);
        let batch = |items: Vec<Item>| Batch {
            size: limit.min(askers),
            span: span(question, now),
            timeout: timeout(question, self.settings.poll),
            question: question.clone(),
            items,
            asked: now,
        };
        if *question == Question::Discovery {
            return if due { vec![batch(Vec::new())] } else { Vec::new() };
        }
        let mut together = Vec::new();
        let mut alone = Vec::new();
        for entry in self.entries.values() {
            let refused = entry.refused.get(question);
            let wanted = match refused {
                Some(refusal) => now.tick >= refusal.next,
                None => due || entry.owed.contains(question) || out_of_turn(entry),
            };
            if !wanted {
                continue;
            }
            let branches = entry.branches(question);
            if branches.is_empty() {
                continue;
            }
            let item = Item {
                slo: Arc::from(entry.slo.name.as_str()),
                branches,
            };
            if refused.is_some() {
                alone.push(batch(vec![item]));
            } else {
                together.push(item);
            }
        }
        let mut out: Vec<Batch> = together
            .chunks(limit)
            .map(|chunk| batch(chunk.to_vec()))
            .collect();
        out.extend(alone);
        out
    }

    fn batch_size(&self, question: &Question, now: Tick) -> usize {
        match self.halved.get(&interval(question, self.settings.poll)) {
            Some((size, until)) if now < *until => *size,
            Some(_) | None => plan::BATCH,
        }
    }

    /// Runs everything that is due, a few requests side by side, and calls `publish` with the board after each
    /// answer. Ends when nothing more is due at `now`.
    pub async fn step(&mut self, metrics: &dyn Metrics, now: Now, mut publish: impl FnMut(SloBoard)) {
        loop {
            let mut waiting = self.take_due(now).into_iter();
            let mut running = FuturesUnordered::new();
            running.extend(waiting.by_ref().take(SIDE_BY_SIDE).map(|b| b.run(metrics)));
            if running.is_empty() {
                return;
            }
            while let Some(outcome) = running.next().await {
                self.apply(outcome, now);
                publish(self.board(now));
                if let Some(batch) = waiting.next() {
                    running.push(batch.run(metrics));
                }
            }
        }
    }

    /// Asks every window once and gives the whole board: the headless form. A window that was not answered is
    /// an error, said with its cause.
    pub async fn run_all(&mut self, metrics: &dyn Metrics, now: Now) -> SloBoard {
        self.step(metrics, now, |_| {}).await;
        self.close_gaps(now);
        self.board(now)
    }

    /// The board as known by now, most urgent first.
    pub fn board(&mut self, now: Now) -> SloBoard {
        let mut slos = Vec::with_capacity(self.entries.len());
        for entry in self.entries.values_mut() {
            let mut report = evaluate(Arc::clone(&entry.slo), &entry.readings, &entry.memory, now);
            report.warnings.extend(entry.disagreement(&report));
            entry.memory.observe(&report, now.utc);
            slos.push(Arc::new(report));
        }
        rank(&mut slos);
        let mut warnings = self.found_warnings.clone();
        for notice in self.notices.values().flatten() {
            if !warnings.contains(notice) {
                warnings.push(notice.clone());
            }
        }
        let mut errors: Vec<BackendFailure> = Vec::new();
        for failure in self.failures.values() {
            if !errors.contains(&failure.said) {
                errors.push(failure.said.clone());
            }
        }
        SloBoard {
            slos,
            warnings,
            errors,
        }
    }

    /// The SLOs that the engine looks after, by name.
    pub fn slos(&self) -> impl Iterator<Item = &Arc<Slo>> {
        self.entries.values().map(|e| &e.slo)
    }

    fn close_gaps(&mut self, now: Now) {
        for entry in self.entries.values_mut() {
            for window in &entry.windows {
                if entry.readings.windows.contains_key(window.name()) {
                    continue;
                }
                let why = self
                    .failures
                    .get(&Question::Window(window.length()))
                    .or_else(|| self.failures.get(&Question::Bounds))
                    .or_else(|| self.failures.values().next())
                    .map_or_else(|| Arc::from("not answered"), |failure| Arc::clone(&failure.cause));
                let timed = TimedReading {
                    reading: Reading::Error(why),
                    at: now.tick,
                    fresh_for: HOUR,
                };
                entry.readings.windows.insert(window.name().to_owned(), timed);
            }
        }
    }
}

/// How often a question is asked: the tier.
fn interval(question: &Question, poll: Duration) -> Duration {
    let seconds = match question {
        Question::Window(length) => match length.as_secs() {
            0..=1_800 => 0,
            1_801..=7_200 => 60,
            7_201..=86_400 => 300,
            _ => 900,
        },
        Question::Spark => 120,
        Question::Discovery => 900,
        Question::Bounds | Question::History { .. } | Question::FirstSample { .. } => 3_600,
    };
    poll.max(Duration::from_secs(seconds))
}

/// The configured time-out for windows to one hour; longer ones get a minute, at most half their tier's interval.
fn timeout(question: &Question, poll: Duration) -> Option<Duration> {
    let long = match question {
        Question::Window(length) => *length > HOUR,
        Question::History { .. } => true,
        Question::Discovery | Question::Bounds | Question::Spark | Question::FirstSample { .. } => false,
    };
    long.then(|| (interval(question, poll) / 2).min(Duration::from_secs(60)))
}

fn span(question: &Question, now: Now) -> Option<Span> {
    let back = |by: Duration| before(now.utc, by);
    let over = |length: Duration, step: Duration, grid: Duration| {
        let (_, to) = aligned(now.utc, now.utc, grid);
        let from = to - (now.utc - back(length));
        Span { from, to, step }
    };
    match question {
        Question::Spark => Some(over(HOUR, SPARK_STEP, SPARK_STEP)),
        Question::History { period, step } => Some(over(*period, *step, FIVE_MINUTES)),
        Question::FirstSample { from, to } => Some(Span {
            from: DateTime::from_timestamp(*from, 0)?,
            to: DateTime::from_timestamp(*to, 0)?,
            step: FIRST_SAMPLE_STEP,
        }),
        Question::Discovery | Question::Bounds | Question::Window(_) => None,
    }
}
