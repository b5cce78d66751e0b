//! Every task of one open context: pollers, the desk, acts under way. They end together when it is dropped.

use std::collections::VecDeque;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::console::{Carried, Event, World};
use super::{acts, history, layout_file, pace};
use crate::app::feed::{Feed, Fetched, Status};
use crate::app::toast::Level;
use crate::app::{BackendHealth, Effect, Msg};
use crate::backend::http::{Client, Jitter};
use crate::backend::metrics::engine::{self, Discover, Engine};
use crate::backend::metrics::{AlertingRule, Metrics};
use crate::backend::{BackendResult, Backends};
use crate::config::{Config, Context};
use crate::domain::alert::desk::{Arrangement, Desk, Inputs, RulesInput, Settings, SourceInput};
use crate::domain::alert::{AlertBoard, AlertSnapshot};
use crate::domain::slo::{Reading, SloBoard};
use crate::terminal::Input;
use crate::terminal::signals::Signals;
use crate::theme::Theme;
use crate::time::Clock;

/// Results of effects that wait for the loop. When full, the task that acted waits; none is dropped.
const RESULTS: usize = 64;
/// Effects under way at once; beyond this a key says `busy`.
const MAX_TASKS: usize = 64;

/// How themes are loaded at the terminal's own colour depth.
pub type ThemeLoader = Box<dyn Fn(&str) -> Result<Theme, String> + Send>;

/// What a session is opened with.
pub struct Opening {
    /// The configuration.
    pub config: Arc<Config>,
    /// The context to open.
    pub context: Arc<Context>,
    /// Its backends.
    pub backends: Backends,
    /// The clocks.
    pub clock: Clock,
    /// Loads a theme by name.
    pub themes: ThemeLoader,
    /// Listened for since before the terminal was taken, so that none is missed.
    pub signals: Signals,
}

/// One open context.
pub struct Session {
    backends: Arc<Backends>,
    identity: Arc<str>,
    lease: Duration,
    state_dir: Option<PathBuf>,
    clock: Clock,
    themes: ThemeLoader,
    tasks: JoinSet<()>,
    results: mpsc::Sender<Msg>,
    result_inbox: mpsc::Receiver<Msg>,
    /// What is said at once without a task: drained before the inbox.
    said: VecDeque<Msg>,
    arrangement: watch::Sender<Arrangement>,
    slo: watch::Receiver<Feed<SloBoard>>,
    board: watch::Receiver<Arc<AlertBoard>>,
    health: watch::Receiver<Vec<BackendHealth>>,
    wake: Vec<Arc<Notify>>,
    /// Gives up the question about a silence's past that is under way.
    past: CancellationToken,
    signals: Signals,
}

/// What a poller needs beside its question.
struct Poller<T> {
    out: watch::Sender<Feed<T>>,
    health: watch::Sender<Vec<BackendHealth>>,
    /// Index of its backend in `health`.
    index: usize,
    client: Option<Arc<Client>>,
    /// Asked now, out of turn.
    wake: Arc<Notify>,
    /// Told after each answer.
    stir: Arc<Notify>,
    clock: Clock,
}

impl<T> Poller<T> {
    /// Asks for ever.
    async fn run<'a>(self, ask: impl Fn() -> BoxFuture<'a, BackendResult<T>>) {
        let interval = self.out.borrow().interval;
        let mut jitter = Jitter::random();
        let mut failures = 0;
        let mut failing_since = None;
        loop {
            let result = ask().await;
            let now = self.clock.tick();
            let wait = match &result {
                Ok(_) => {
                    failures = 0;
                    pace::wait(interval, 0, None, jitter.next())
                }
                Err(error) => {
                    failures += 1;
                    pace::wait(interval, failures, error.retry_after, jitter.next())
                }
            };
            let status = match &result {
                Ok(_) => {
                    failing_since = None;
                    Status::Idle
                }
                Err(error) => Status::Failed {
                    cause: short_cause(error).into(),
                    since: *failing_since.get_or_insert(now),
                    next_try: now + wait,
                },
            };
            self.tell_health(&status, result.is_ok());
            self.out.send_modify(|feed| {
                if let Ok(value) = result {
                    feed.last = Some(Fetched {
                        value: Arc::new(value),
                        at: now,
                    });
                }
                feed.status = status;
            });
            self.stir.notify_one();
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.wake.notified() => {}
            }
        }
    }

    fn tell_health(&self, status: &Status, good: bool) {
        let now = self.clock.tick();
        self.health.send_modify(|all| {
            let Some(health) = all.get_mut(self.index) else {
                return;
            };
            health.status.clone_from(status);
            if good {
                health.last_good = Some(now);
            }
            if let Some(client) = &self.client {
                health.counters = client.counters();
                health.skew = client.skew();
            }
        });
    }
}

/// What a border and the health overlay say of a failure: the backend stands there already.
fn short_cause(error: &crate::backend::BackendError) -> String {
    if error.mend.is_empty() {
        error.detail.clone()
    } else {
        format!("{}; {}", error.detail, error.mend)
    }
}

impl Session {
    /// Opens a context: starts every task. Call within the runtime.
    pub fn open(opening: Opening) -> Self {
        let Opening {
            config,
            context,
            backends,
            clock,
            themes,
            signals,
        } = opening;
        let backends = Arc::new(backends);
        let health: Vec<BackendHealth> = backends
            .clients
            .iter()
            .map(|counted| BackendHealth {
                name: Arc::clone(&counted.name),
                status: Status::InFlight { since: clock.tick() },
                last_good: None,
                interval: counted.interval,
                counters: crate::backend::http::Counters::default(),
                skew: None,
            })
            .collect();
        let (health_out, health) = watch::channel(health);
        let (results, result_inbox) = mpsc::channel(RESULTS);
        let (arrangement, arrangement_in) = watch::channel(Arrangement::default());
        let stir = Arc::new(Notify::new());
        let mut tasks = JoinSet::new();
        let mut wake = Vec::new();

        let poll = context
            .metrics
            .as_ref()
            .map_or(Duration::from_secs(15), |m| m.poll);
        let (slo_out, slo) = watch::channel(Feed::new(poll));
        let mut rules = None;
        if let Some(metrics) = backends.metrics.clone() {
            let (rules_out, rules_in) = watch::channel(Feed::new(poll));
            let poller = Poller {
                out: rules_out,
                health: health_out.clone(),
                index: 0,
                client: backends
                    .clients
                    .first()
                    .map(|counted| Arc::clone(&counted.client)),
                wake: Arc::new(Notify::new()),
                stir: Arc::clone(&stir),
                clock,
            };
            wake.push(Arc::clone(&poller.wake));
            let asked = backends.rules.clone().unwrap_or_else(|| Arc::clone(&metrics));
            tasks.spawn(async move {
                let ask = || async { Ok(asked.alerting_rules().await?.map(Arc::new)) };
                poller.run(|| Box::pin(ask())).await;
            });

            let measuring = Measuring {
                engine: Engine::new(
                    context.slos.clone(),
                    engine::Settings {
                        poll,
                        discover: Discover::Yes,
                    },
                ),
                warnings: context.slo_warnings.clone(),
                out: slo_out,
                rules: rules_in.clone(),
                wake: Arc::new(Notify::new()),
                clock,
            };
            wake.push(Arc::clone(&measuring.wake));
            tasks.spawn(measuring.run(metrics));
            rules = Some(rules_in);
        }
        let mut sources = Vec::new();
        let first = usize::from(backends.metrics.is_some());
        for (offset, source) in backends.alertmanagers.iter().enumerate() {
            let interval = context.alertmanagers.get(offset).map_or(poll, |a| a.poll);
            let (out, feed) = watch::channel(Feed::new(interval));
            let poller = Poller {
                out,
                health: health_out.clone(),
                index: first + offset,
                client: backends
                    .clients
                    .get(first + offset)
                    .map(|counted| Arc::clone(&counted.client)),
                wake: Arc::new(Notify::new()),
                stir: Arc::clone(&stir),
                clock,
            };
            wake.push(Arc::clone(&poller.wake));
            sources.push((Arc::clone(source.name()), feed));
            let source = Arc::clone(source);
            tasks.spawn(async move { poller.run(|| source.snapshot()).await });
        }
        let (board_out, board) = watch::channel(Arc::new(AlertBoard::default()));
        let gather = Gather {
            sources,
            rules,
            settings: Arc::new(Settings {
                watchdog: context.watchdog_matchers(),
                service_labels: context
                    .service_labels
                    .iter()
                    .map(|l| Arc::from(l.as_str()))
                    .collect(),
                identity: Arc::from(config.identity.as_str()),
            }),
        };
        tasks.spawn(arrange(gather, arrangement_in, board_out, stir, clock));

        Self {
            backends,
            identity: Arc::from(config.identity.as_str()),
            lease: config.ack_lease,
            state_dir: config.state_dir.clone(),
            clock,
            themes,
            tasks,
            results,
            result_inbox,
            said: VecDeque::new(),
            arrangement,
            slo,
            board,
            health,
            wake,
            past: CancellationToken::new(),
            signals,
        }
    }

    /// Ends every task; the signals are for whoever comes next.
    pub fn close(self) -> Signals {
        self.signals
    }

    /// Runs a piece of work whose result goes to the loop; whether there was room.
    fn start(&mut self, work: impl Future<Output = Option<Msg>> + Send + 'static) -> Carried {
        // Finished ones make room.
        while self.tasks.try_join_next().is_some() {}
        if self.tasks.len() >= MAX_TASKS {
            return Carried::Busy(Msg::Said {
                level: Level::Warn,
                text: "busy: too much is under way; try again when it is done".to_owned(),
            });
        }
        let results = self.results.clone();
        self.tasks.spawn(async move {
            if let Some(msg) = work.await {
                // The loop being gone is the only failure, and then nobody is left to tell.
                let _ = results.send(msg).await;
            }
        });
        Carried::Done
    }
}

impl World for Session {
    fn carry(&mut self, effect: Effect) -> Carried {
        match effect {
            Effect::Arrange(question) => {
                self.arrangement.send_if_modified(|held| {
                    let changed = *held != question;
                    *held = question;
                    changed
                });
                Carried::Done
            }
            Effect::Refresh => {
                for wake in &self.wake {
                    wake.notify_one();
                }
                Carried::Done
            }
            Effect::Carry { id, act } => {
                let work = acts::Work {
                    backends: Arc::clone(&self.backends),
                    board: self.board.borrow().clone(),
                    identity: Arc::clone(&self.identity),
                    lease: self.lease,
                    now: self.clock.now(),
                };
                let wake: Vec<Arc<Notify>> = self.wake.clone();
                let busy = self.start(async move {
                    let result = work.carry(act).await;
                    // What was done shows with the next answer: ask now.
                    for wake in wake {
                        wake.notify_one();
                    }
                    Some(Msg::ActFinished { id, result })
                });
                match busy {
                    // Said as the act's own end, so that nothing stays pending for ever.
                    Carried::Busy(_) => Carried::Busy(Msg::ActFinished {
                        id,
                        result: acts::not_started(),
                    }),
                    taken => taken,
                }
            }
            Effect::FetchSilencePast { seq, matchers } => {
                // The answer to an older question would be dropped: nobody need work it out.
                self.past.cancel();
                self.past = CancellationToken::new();
                let token = self.past.clone();
                let metrics = self.backends.metrics.clone();
                let now = self.clock.now();
                let asked = async move {
                    Some(Msg::SilencePast {
                        seq,
                        result: history::would_have_hidden(metrics, &matchers, now).await,
                    })
                };
                self.start(async move { token.run_until_cancelled(asked).await.flatten() })
            }
            Effect::FetchAlertHistory { fingerprint, labels } => {
                let metrics = self.backends.metrics.clone();
                let now = self.clock.now();
                self.start(async move {
                    let result = history::firings(metrics, &labels, now).await;
                    Some(Msg::AlertHistory { fingerprint, result })
                })
            }
            Effect::SaveLayout(layout) => {
                if let Some(dir) = self.state_dir.clone() {
                    self.tasks.spawn_blocking(move || {
                        // A layout that cannot be kept costs nothing; the next start has the default.
                        let _ = layout_file::save(&dir, &layout);
                    });
                }
                Carried::Done
            }
            Effect::SwitchTheme(name) => match (self.themes)(&name) {
                Ok(theme) => Carried::Theme(Box::new(theme)),
                Err(text) => {
                    self.said.push_back(Msg::Said {
                        level: Level::Error,
                        text,
                    });
                    Carried::Done
                }
            },
            // The loop's own: they need the screen.
            Effect::Copy { .. }
            | Effect::Ring
            | Effect::Repaint
            | Effect::Suspend
            | Effect::SwitchContext(_)
            | Effect::Quit => Carried::Done,
        }
    }

    async fn next(&mut self, inputs: &mut mpsc::Receiver<Input>) -> Event {
        if let Some(msg) = self.said.pop_front() {
            return Event::Result(msg);
        }
        loop {
            tokio::select! {
                biased;
                // Ending comes first: a terminal that is gone must not be drawn to.
                signal = self.signals.next() => return Event::Signal(signal),
                // Results before input: a key pressed on a row must see what the last act did to it.
                Some(msg) = self.result_inbox.recv() => return Event::Result(msg),
                // A task that panicked has given the terminal back already: end, rather than go on half blind.
                Some(Err(error)) = self.tasks.join_next() => {
                    if error.is_panic() {
                        return Event::Result(Msg::ShutDown);
                    }
                }
                // Input before slots: a flood of answers never delays a key.
                input = inputs.recv() => return Event::Input(input),
                Ok(()) = self.board.changed() => {
                    return Event::Slot(Msg::AlertsArranged(self.board.borrow_and_update().clone()));
                }
                Ok(()) = self.slo.changed() => {
                    return Event::Slot(Msg::SloFetched(self.slo.borrow_and_update().clone()));
                }
                Ok(()) = self.health.changed() => {
                    return Event::Slot(Msg::HealthChanged(self.health.borrow_and_update().clone()));
                }
            }
        }
    }
}

/// Alerting rules as polled; `None` inside where the store cannot know them.
type RulesFeed = Feed<Option<Arc<Vec<AlertingRule>>>>;

/// What the desk is fed from.
struct Gather {
    sources: Vec<(Arc<str>, watch::Receiver<Feed<AlertSnapshot>>)>,
    rules: Option<watch::Receiver<RulesFeed>>,
    settings: Arc<Settings>,
}

impl Gather {
    fn inputs(&self, clock: Clock) -> Inputs {
        let now = clock.tick();
        let failure = |status: &Status| match status {
            Status::Failed { cause, since, .. } => Some((Arc::clone(cause), now.since(*since))),
            Status::Idle | Status::InFlight { .. } => None,
        };
        let sources = self
            .sources
            .iter()
            .map(|(name, feed)| {
                let feed = feed.borrow();
                SourceInput {
                    name: Arc::clone(name),
                    snapshot: feed.shared(),
                    age: feed.age(now),
                    interval: feed.interval,
                    failure: failure(&feed.status),
                }
            })
            .collect();
        let rules = match &self.rules {
            None => RulesInput::NotConfigured,
            Some(feed) => {
                let feed = feed.borrow();
                match (feed.value(), &feed.status) {
                    (None, Status::Idle | Status::InFlight { .. }) => RulesInput::Waiting,
                    (Some(None), Status::Idle | Status::InFlight { .. }) => RulesInput::CannotKnow,
                    (value, status) => RulesInput::Asked {
                        source: "metrics".into(),
                        rules: value.and_then(Clone::clone),
                        age: feed.age(now),
                        interval: feed.interval,
                        failure: failure(status),
                    },
                }
            }
        };
        Inputs {
            sources,
            rules,
            settings: Arc::clone(&self.settings),
        }
    }

    /// Whether anybody has answered, or failed to: before that there is nothing to show.
    fn heard(&self) -> bool {
        self.sources.iter().any(|(_, feed)| {
            let feed = feed.borrow();
            feed.last.is_some() || feed.failure().is_some()
        })
    }
}

/// How often the board is laid out again where nothing was heard: its ages and verdicts move with time.
const REARRANGE: Duration = Duration::from_secs(15);

/// The desk's task: lays the board out whenever something was heard, or the question changed.
async fn arrange(
    gather: Gather,
    mut question: watch::Receiver<Arrangement>,
    out: watch::Sender<Arc<AlertBoard>>,
    stir: Arc<Notify>,
    clock: Clock,
) {
    let mut desk = Desk::new();
    loop {
        tokio::select! {
            () = stir.notified() => {}
            changed = question.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(REARRANGE) => {}
        }
        if !gather.heard() {
            continue;
        }
        let asked = question.borrow_and_update().clone();
        let board = desk.arrange(&gather.inputs(clock), &asked, clock.now());
        out.send_replace(Arc::new(board));
    }
}

/// What the SLO engine's task owns.
struct Measuring {
    engine: Engine,
    /// What was wrong with the definitions at load.
    warnings: Vec<String>,
    out: watch::Sender<Feed<SloBoard>>,
    rules: watch::Receiver<RulesFeed>,
    wake: Arc<Notify>,
    clock: Clock,
}

impl Measuring {
    /// Asks what is due, side by side: a slow month never holds up the five minutes.
    async fn run(mut self, metrics: Arc<dyn Metrics>) {
        let mut running = FuturesUnordered::new();
        let mut heard_rules = true;
        loop {
            for batch in self.engine.take_due(self.clock.now()) {
                running.push(batch.run(&*metrics));
            }
            let now = self.clock.tick();
            let due = self.engine.next_due(now).since(now);
            tokio::select! {
                Some(outcome) = running.next() => {
                    let now = self.clock.now();
                    self.engine.apply(outcome, now);
                    self.publish();
                }
                changed = self.rules.changed(), if heard_rules => {
                    heard_rules = changed.is_ok();
                    let rules = self.rules.borrow_and_update().value().and_then(Clone::clone);
                    if let Some(rules) = rules {
                        self.engine.hear_rules(&rules);
                    }
                }
                () = tokio::time::sleep(due) => {}
                () = self.wake.notified() => self.engine.hurry(),
            }
        }
    }

    fn publish(&mut self) {
        let now = self.clock.now();
        let mut board = self.engine.board(now);
        board.warnings.splice(0..0, self.warnings.iter().cloned());
        // Nothing known and something failed: that is a failed feed, not an empty board.
        let failure = board
            .errors
            .first()
            .map(|failure| Arc::from(failure.message.as_str()));
        let nothing = board.slos.iter().all(|slo| {
            slo.windows
                .iter()
                .all(|w| matches!(w.reading, Reading::Pending | Reading::Error(_)))
        });
        let next_try = self.engine.next_due(now.tick);
        self.out.send_modify(|feed| match failure {
            Some(cause) if nothing => {
                let since = match &feed.status {
                    Status::Failed { since, .. } => *since,
                    Status::Idle | Status::InFlight { .. } => now.tick,
                };
                feed.status = Status::Failed {
                    cause,
                    since,
                    next_try,
                };
                if !board.slos.is_empty() {
                    let at = feed.last.as_ref().map_or(now.tick, |last| last.at);
                    feed.last = Some(Fetched {
                        value: Arc::new(board),
                        at,
                    });
                }
            }
            Some(_) | None => {
                feed.status = Status::Idle;
                feed.last = Some(Fetched {
                    value: Arc::new(board),
                    at: now.tick,
                });
            }
        });
    }
}
