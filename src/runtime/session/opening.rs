//! Opening a context: its parts started one after the other, and the ways to them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::slots::Slots;
use super::{LogDoors, Opening, RESULTS, Session};
use crate::app::BackendHealth;
use crate::app::feed::{Feed, Status};
use crate::app::logs::{LogView, LogsAsk};
use crate::app::traces::{TraceList, TracesAsk};
use crate::backend::Backends;
use crate::backend::metrics::engine::{self, Discover, Engine};
use crate::config::{Config, Context, SignalConfig};
use crate::domain::alert::desk::{Arrangement, Settings};
use crate::domain::alert::{AlertBoard, AlertSnapshot};
use crate::domain::slo::SloBoard;
use crate::journal;
use crate::journal::outbox::Author;
use crate::logstore::Limits;
use crate::outbox::OutboxView;
use crate::runtime::desk_task::{self, Gather};
use crate::runtime::measuring::Measuring;
use crate::runtime::outbox::{Followed, Office};
use crate::runtime::poller::{HealthLine, Poller, RulesFeed};
use crate::runtime::room;
use crate::runtime::tray::Tray;
use crate::runtime::{kept_file, layout_file, logs, runbooks, traces};
use crate::time::Clock;

/// Who is asked for the rules, and what it said.
type Rules = (Arc<str>, watch::Receiver<RulesFeed>);
/// The Alertmanagers' feeds, by name.
type Sources = Vec<(Arc<str>, watch::Receiver<Feed<AlertSnapshot>>)>;

/// A context while its tasks are being started.
struct Start {
    context: Arc<Context>,
    backends: Arc<Backends>,
    clock: Clock,
    /// How often is asked where the part has no pace of its own.
    poll: Duration,
    health: watch::Sender<Vec<BackendHealth>>,
    /// Said whenever something that the board is made of has changed.
    stir: Arc<Notify>,
    tasks: JoinSet<()>,
    wake: Vec<Arc<Notify>>,
    wake_alerts: Vec<Arc<Notify>>,
}

impl Start {
    /// The health line of the client at a place in [`Backends::clients`].
    fn line(&self, index: usize) -> HealthLine {
        HealthLine {
            health: self.health.clone(),
            index,
            client: self
                .backends
                .clients
                .get(index)
                .map(|counted| Arc::clone(&counted.client)),
        }
    }

    fn line_of(&self, name: &str) -> Option<HealthLine> {
        let mut clients = self.backends.clients.iter();
        let index = clients.position(|counted| *counted.name == *name)?;
        Some(self.line(index))
    }

    fn poller<T>(&mut self, out: watch::Sender<Feed<T>>, health: Option<HealthLine>) -> Poller<T> {
        let poller = Poller {
            out,
            health,
            wake: Arc::new(Notify::new()),
            stir: Arc::clone(&self.stir),
            clock: self.clock,
        };
        self.wake.push(Arc::clone(&poller.wake));
        poller
    }

    /// Starts the asking for rules and the measuring of SLOs, where there is a store.
    fn measure(&mut self) -> (watch::Receiver<Feed<SloBoard>>, Option<Rules>) {
        let (out, slo) = watch::channel(Feed::new(self.poll));
        let Some(metrics) = self.backends.metrics.clone() else {
            return (slo, None);
        };
        let (rules_out, rules) = watch::channel(Feed::new(self.poll));
        let health = self.backends.ruler().map(|index| self.line(index));
        let poller = self.poller(rules_out, health);
        let asked = self
            .backends
            .rules
            .clone()
            .unwrap_or_else(|| Arc::clone(&metrics));
        let name: Arc<str> = Arc::from(asked.name());
        self.tasks.spawn(async move {
            let ask = || async { Ok(asked.alerting_rules().await?.map(Arc::new)) };
            poller.run(|| Box::pin(ask())).await;
        });

        let settings = engine::Settings {
            poll: self.poll,
            discover: Discover::Yes,
        };
        let measuring = Measuring {
            engine: Engine::new(self.context.slos.clone(), settings),
            warnings: self.context.slo_warnings.clone(),
            out,
            // The store is the first of the clients.
            health: self.line(0),
            rules: rules.clone(),
            wake: Arc::new(Notify::new()),
            clock: self.clock,
        };
        self.wake.push(Arc::clone(&measuring.wake));
        self.tasks.spawn(measuring.run(metrics));
        (slo, Some((name, rules)))
    }

    /// Starts the asking of every Alertmanager.
    fn alerts(&mut self) -> Sources {
        let backends = Arc::clone(&self.backends);
        let first = usize::from(backends.metrics.is_some());
        let mut sources = Vec::new();
        for (offset, source) in backends.alertmanagers.iter().enumerate() {
            let config = self.context.alertmanagers.get(offset);
            let (out, feed) = watch::channel(Feed::new(config.map_or(self.poll, |a| a.poll)));
            let line = self.line(first + offset);
            let poller = self.poller(out, Some(line));
            self.wake_alerts.push(Arc::clone(&poller.wake));
            sources.push((Arc::clone(source.name()), feed));
            let source = Arc::clone(source);
            self.tasks
                .spawn(async move { poller.run(|| source.snapshot()).await });
        }
        sources
    }

    /// Starts the keeper of log lines, where there is a source of them.
    fn logs(&mut self) -> (LogDoors, watch::Receiver<Option<Arc<LogView>>>) {
        let (ask, asked) = watch::channel(LogsAsk::default());
        // A key a time; what does not fit was pressed in vain, for the same is under way.
        let (orders, ordered) = mpsc::channel(8);
        let (out, view) = watch::channel(None);
        if let (Some(source), Some(config)) = (self.backends.logs.clone(), &self.context.logs) {
            let keeper = logs::Keeper {
                limits: Limits {
                    lines: config.lines,
                    bytes: config.bytes,
                },
                health: self.line_of(source.name()),
                source,
                clock: self.clock,
                ask: asked,
                orders: ordered,
                out,
            };
            self.tasks.spawn(keeper.run());
        }
        (LogDoors { ask, orders }, view)
    }

    /// Starts the searcher of traces, where there is a store of them.
    fn traces(&mut self) -> (watch::Sender<TracesAsk>, watch::Receiver<Feed<TraceList>>) {
        let config = self.context.traces.as_ref();
        let (ask, asked) = watch::channel(TracesAsk::default());
        let (out, list) = watch::channel(Feed::new(config.map_or(self.poll, SignalConfig::poll)));
        if let Some(source) = self.backends.traces.clone() {
            let searcher = traces::Searcher {
                health: self.line_of(source.name()),
                source,
                clock: self.clock,
                ask: asked,
                wake: Arc::new(Notify::new()),
                out,
            };
            self.wake.push(Arc::clone(&searcher.wake));
            self.tasks.spawn(searcher.run());
        }
        (ask, list)
    }
}

/// A line for each client, before any has answered.
fn unheard(backends: &Backends, clock: Clock) -> Vec<BackendHealth> {
    let clients = backends.clients.iter();
    clients
        .map(|counted| BackendHealth {
            name: Arc::clone(&counted.name),
            status: Status::InFlight { since: clock.tick() },
            last_good: None,
            interval: counted.interval,
            counters: crate::backend::http::Counters::default(),
            skew: None,
            low: None,
        })
        .collect()
}

/// What the desk arranges by.
fn desk_settings(config: &Config, context: &Context) -> Settings {
    Settings {
        watchdog: context.watchdog_matchers(),
        service_labels: context
            .service_labels
            .iter()
            .map(|label| Arc::from(label.as_str()))
            .collect(),
        identity: Arc::from(config.identity.as_str()),
    }
}

impl Session {
    /// Opens a context: starts every task. Call within the runtime that tasks are to run on, those that start later too; the
    /// session may then be asked from another.
    pub fn open(opening: Opening) -> Self {
        let Opening {
            config,
            context,
            backends,
            wires,
            clock,
            themes,
            writer,
            signals,
        } = opening;
        let backends = Arc::new(backends);
        let (health_out, health) = watch::channel(unheard(&backends, clock));
        let poll = context
            .metrics
            .as_ref()
            .map_or(Duration::from_secs(15), |m| m.poll);
        let mut start = Start {
            context: Arc::clone(&context),
            backends: Arc::clone(&backends),
            clock,
            poll,
            health: health_out,
            stir: Arc::new(Notify::new()),
            tasks: JoinSet::new(),
            wake: Vec::new(),
            wake_alerts: Vec::new(),
        };
        let (slo, rules) = start.measure();
        let sources = start.alerts();
        let answers = sources.iter().map(|(_, feed)| feed.clone()).collect();
        let (arrangement, arrangement_in) = watch::channel(Arrangement::default());
        let (board_out, board) = watch::channel(Arc::new(AlertBoard::default()));
        let gather = Gather {
            sources,
            rules,
            settings: Arc::new(desk_settings(&config, &context)),
        };
        let stir = Arc::clone(&start.stir);
        start
            .tasks
            .spawn(desk_task::arrange(gather, arrangement_in, board_out, stir, clock));
        let (logs, lines) = start.logs();
        let (traces, listed) = start.traces();
        let Start {
            health: health_out,
            mut tasks,
            mut wake,
            wake_alerts,
            ..
        } = start;

        let (results, result_inbox) = mpsc::channel(RESULTS);
        let (view_out, outbox) = watch::channel(Arc::new(OutboxView::default()));
        let (doors, told, behind) = room::doors(room::Frame {
            config: Arc::clone(&config),
            context: Arc::clone(&context),
            clock,
            results: results.clone(),
            alerts: board.clone(),
            sources: answers,
            slos: slo.clone(),
            outbox: outbox.clone(),
            health: health_out,
        });
        wake.push(Arc::clone(&doors.wake));
        let author = Author {
            context: Arc::from(context.name.as_str()),
            actor: Arc::from(config.identity.as_str()),
        };
        let journal = journal::Opening::of(&config);
        let (office, serving) = Office::open(journal, Arc::clone(&backends), author, clock, view_out, behind);
        tasks.spawn(serving);
        let tray = Tray::new();
        tasks.spawn(tray.clone().run(office.clone(), results.clone()));
        let (books, following) = runbooks::Books::open(&config, office.clone(), results.clone());
        tasks.spawn(following);

        let (reports_out, reports) = watch::channel(Vec::new());
        Self {
            kept: config
                .state_dir
                .clone()
                .map(|dir| kept_file::Keeper::new(dir, &context.name))
                .map(Arc::new),
            context: Arc::from(context.name.as_str()),
            config: Arc::clone(&config),
            slots: Slots {
                board,
                outbox,
                slo,
                health,
                reports,
                traces: listed,
                logs: lines,
                told,
                breath: None,
            },
            reports_out,
            watcher: None,
            wake_others: Arc::default(),
            query: CancellationToken::new(),
            office,
            doors,
            logs,
            traces,
            writer,
            followed: Followed::default(),
            tray,
            books,
            wires,
            backends,
            identity: Arc::from(config.identity.as_str()),
            lease: config.ack_lease,
            grace: config.grace,
            layouts: config
                .state_dir
                .clone()
                .map(layout_file::Keeper::new)
                .map(Arc::new),
            clock,
            themes,
            tasks,
            runtime: Handle::current(),
            results,
            result_inbox,
            said: VecDeque::new(),
            arrangement,
            wake,
            wake_alerts,
            past: CancellationToken::new(),
            strip: CancellationToken::new(),
            signals,
        }
    }
}
