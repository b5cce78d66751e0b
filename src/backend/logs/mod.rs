//! Logs: Loki, Elasticsearch and OpenSearch, VictoriaLogs, files. Panes and commands do not know which.
//!
//! [`Logs`] is the signal's trait: pages of the past, the present as it comes, and how many lines there were.
//! Whoever tails gets [`TailEvent`]s through a bounded channel; a source that cannot push polls by itself and
//! says so ([`TailEvent::Mode`]). The scope of the console ([`Wanted`]) is put into the source's own language
//! there, every value quoted.
//!
//! What sources share: `entry` between a wire format and a batch, `paging` for servers without a cursor, `follow` for
//! tails that survive their connections, `seen` for what was told already, `words` for levels and quotes.

pub mod elastic;
mod entry;
pub mod file;
mod follow;
pub mod loki;
mod paging;
mod seen;
pub mod victorialogs;
mod words;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::mpsc;

use super::http::Client;
use super::{BackendError, BackendResult};
use crate::config::{Context, LogsConfig, LogsSource};
pub use file::{Survey, Surveyed};

pub use crate::domain::log::Volume;
use crate::domain::log::{Batch, Gap, Nanos, Wanted};
use crate::time::Clock;

/// Which end of the range a page begins at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The newest lines of the range.
    Backward,
    /// The oldest lines of the range.
    Forward,
}

/// A page that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageQuestion {
    /// Which lines.
    pub wanted: Wanted,
    /// From, inclusive.
    pub from: Nanos,
    /// To, exclusive.
    pub to: Nanos,
    /// From which end.
    pub direction: Direction,
    /// Lines at most.
    pub limit: usize,
}

/// A page of the past. It never parts lines of one moment, so that pages laid end to end have every line once: it may
/// have fewer lines than asked, or more where a single moment has more. The next one is asked up to the moment of its
/// oldest line, or from behind that of its newest. Files part at a position instead, and remember it.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Its lines, oldest first whatever the direction.
    pub batch: Batch,
    /// Whether the range may hold more beyond the page's far end.
    pub more: More,
    /// What is known to be missing within it.
    pub gaps: Vec<Gap>,
    /// What the server said of its answer: partial, warnings. Remote text, not yet safe.
    pub warnings: Vec<String>,
}

/// Whether there is more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum More {
    /// There may be.
    Yes,
    /// The end of the range was reached.
    #[default]
    No,
}

/// What comes from a tail.
#[derive(Debug)]
pub enum TailEvent {
    /// Lines, none of them twice.
    Lines(Batch),
    /// Lines are missing; the tail itself asks for them again where that is cheap, and then sends
    /// [`TailEvent::Filled`]. What it leaves of a gap follows as gaps of its own, which it comes back to no more.
    Gap(Gap),
    /// A gap was filled; its lines came as [`TailEvent::Lines`] before.
    Filled(Gap),
    /// How the tail is had now.
    Mode(TailMode),
    /// An attempt failed; another follows by itself.
    Failed(BackendError),
}

/// How a tail is had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TailMode {
    /// Being connected.
    Connecting,
    /// The server pushes.
    Live,
    /// What files hold already is being read.
    Reading {
        /// How much of all their bytes.
        percent: u8,
        /// How many of them were not begun yet.
        left: usize,
    },
    /// We ask again and again, and why: `tail limit`, `no upgrade`; empty where the source has nothing better.
    Polling(&'static str),
    /// Nothing comes any more: an input that was read to its end.
    Ended,
}

/// How much of a source is told without being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Reach {
    /// What comes: the past is asked for by pages of a stretch of time, the scope is the source's to heed.
    #[default]
    Present,
    /// The same, but its past lies at hand: pages go on from where the last one ended, whatever the times say, up to
    /// the begin, which is known when it is reached.
    AtHand,
    /// All that it has, by its tail, once: whoever keeps the lines narrows them to the scope.
    Whole,
}

/// Events a tail may be ahead of its reader; a tail that is further ahead waits, and its server's limits bring gaps.
pub const TAIL_CAPACITY: usize = 256;

/// A tail begins so long before now: lines are shipped late, and clocks differ.
pub const SLACK: Duration = Duration::from_secs(60);

/// How late a line may be where a tail has to ask for lines: so far back it looks again now and then.
pub const LATE: Duration = Duration::from_secs(5 * 60);

/// Where a tail begins that is opened now, by our clock: some time before now by the server's. The pages beside it
/// tell the same lines. What is read where it is written comes late by no way.
pub fn tail_begin(source: &dyn Logs, now: Nanos) -> Nanos {
    match source.skew() {
        None => now,
        Some(skew) => {
            let skew = skew.num_nanoseconds().unwrap_or(0);
            Nanos(now.0.saturating_add(skew)).min(now).minus(SLACK)
        }
    }
}

/// The log backend of one context.
pub trait Logs: Send + Sync {
    /// Its configured name: `logs`.
    fn name(&self) -> &Arc<str>;

    /// How much its tail tells.
    fn reach(&self) -> Reach {
        Reach::Present
    }

    /// The clock of the server less ours, as far as its answers told it: nil until then. `None` where lines are read
    /// where they are written: those come late by no network, and are of our own clock.
    fn skew(&self) -> Option<chrono::TimeDelta> {
        None
    }

    /// Whether what is elsewhere is left out there ([`Wanted::environment`]); else who keeps the lines leaves it out.
    fn heeds_environment(&self) -> bool {
        false
    }

    /// A page of the past.
    fn page(&self, question: PageQuestion) -> BoxFuture<'_, BackendResult<Page>>;

    /// The present, from `from` on, for as long as the future is polled: it ends only with an error that trying
    /// again cannot mend (the server refuses the query) or when the receiver is gone. Reconnects by itself,
    /// and tells every line once.
    fn tail(
        &self,
        wanted: Wanted,
        from: Nanos,
        events: mpsc::Sender<TailEvent>,
    ) -> BoxFuture<'_, BackendResult<()>>;

    /// Lines by time and level between two moments, in about so many buckets; `None` where the source cannot tell.
    fn volume(
        &self,
        wanted: Wanted,
        from: Nanos,
        to: Nanos,
        buckets: usize,
    ) -> BoxFuture<'_, BackendResult<Option<Volume>>>;

    /// What there is of the files that lines come from, without reading them; `None` where a server keeps them.
    fn survey(&self) -> BoxFuture<'_, Option<Survey>> {
        Box::pin(std::future::ready(None))
    }
}

/// What a source of logs is told by the configuration, whatever it speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Its name in errors and health.
    pub name: Arc<str>,
    /// The label or field that says a line's service; the source's own convention where none.
    pub service_label: Option<Arc<str>>,
    /// Labels that say the service where that one does not, first that is there.
    pub service_labels: Arc<[Arc<str>]>,
    /// How often a tail that has to poll asks.
    pub poll: Duration,
}

impl Settings {
    /// Of a context with logs.
    pub fn of(context: &Context, logs: &LogsConfig) -> Self {
        let name = logs.endpoint().map_or("logs", |endpoint| &endpoint.name);
        Self {
            name: Arc::from(name),
            service_label: logs.service_label.as_deref().map(Arc::from),
            service_labels: context
                .service_labels
                .iter()
                .map(|label| Arc::from(label.as_str()))
                .collect(),
            poll: logs.poll,
        }
    }
}

/// Opens the source that is configured, on the client of its endpoint where it has one.
pub fn open(
    logs: &LogsConfig,
    settings: Settings,
    client: Option<Arc<Client>>,
    clock: Clock,
) -> Option<Arc<dyn Logs>> {
    match &logs.source {
        LogsSource::Loki { selector, .. } => {
            let client = client?;
            Some(Arc::new(loki::Loki::new(
                settings,
                selector.clone(),
                client,
                clock,
            )))
        }
        LogsSource::VictoriaLogs { selector, .. } => {
            let (client, selector) = (client?, selector.clone());
            Some(Arc::new(victorialogs::VictoriaLogs::new(
                settings, selector, client, clock,
            )))
        }
        LogsSource::Elasticsearch { endpoint, index } => {
            let question = elastic::Settings {
                common: settings,
                index: index.clone(),
                timeout: endpoint.timeout,
            };
            Some(Arc::new(elastic::Elastic::new(question, client?, clock)))
        }
        LogsSource::Files { paths } => Some(Arc::new(file::Files::new(settings, paths.clone(), clock))),
    }
}
