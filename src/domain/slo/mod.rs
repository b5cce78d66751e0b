//! Service level objectives: what is promised, how fast the budget burns, when it is gone.
//!
//! The arithmetic is that of the Google SRE workbook, chapter "Alerting on SLOs". Values here are plain
//! numbers; where they come from (queries, batches, tiers) is `backend::metrics`' business. Start at
//! [`Slo`] (the promise), then [`Readings`] (what was measured), then [`SloReport`] (what is said).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

pub mod json;

/// An objective as a fraction in (0, 1): 0.999 for 99.9 %.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Objective(f64);

impl Objective {
    /// From a fraction; `None` outside (0, 1).
    pub fn from_fraction(fraction: f64) -> Option<Self> {
        (fraction > 0.0 && fraction < 1.0).then_some(Self(fraction))
    }

    /// From per cent, as people write it (99.9); `None` outside (0, 100).
    pub fn from_percent(percent: f64) -> Option<Self> {
        Self::from_fraction(percent / 100.0)
    }

    /// As a fraction.
    pub fn fraction(self) -> f64 {
        self.0
    }

    /// The error budget, 1 − objective.
    pub fn budget(self) -> f64 {
        1.0 - self.0
    }
}

impl fmt::Display for Objective {
    /// Per cent without trailing zeros: `99.9`, `99.95`, `99`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = (self.0 * 100.0 * 1e6).round() / 1e6;
        f.pad(&percent.to_string())
    }
}

/// A look-back window, keyed and shown as it was configured (`5m`, `1h`, `30d`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Window {
    name: Arc<str>,
    length: Duration,
}

impl Window {
    /// A window as configured; the name is the key in every output.
    pub fn named(name: &str) -> Result<Self, crate::time::DurationError> {
        Ok(Self {
            name: Arc::from(name.trim()),
            length: crate::time::parse_duration(name)?,
        })
    }

    /// A window of a length, named in Prometheus's spelling.
    pub fn of(length: Duration) -> Self {
        Self {
            name: Arc::from(crate::time::prometheus_duration(length)),
            length,
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The length.
    pub fn length(&self) -> Duration {
        self.length
    }
}

impl PartialOrd for Window {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Window {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.length, &self.name).cmp(&(other.length, &other.name))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

/// How loud a burn rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Wakes somebody.
    Page,
    /// Wants work, not tonight.
    Ticket,
}

impl Severity {
    /// `page` or `ticket`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        }
    }
}

/// Whose rule it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuleOrigin {
    /// The workbook's table.
    Default,
    /// `[[burn_rules]]` or the SLO's own in midwatch's configuration.
    Config,
    /// Sloth's `AlertWindows` or its built-in table.
    Sloth,
    /// Pyrra's scaled 14/7/2/1.
    Pyrra,
    /// An OpenSLO alert policy.
    OpenSlo,
}

impl RuleOrigin {
    /// The word in JSON and on screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Config => "config",
            Self::Sloth => "sloth",
            Self::Pyrra => "pyrra",
            Self::OpenSlo => "openslo",
        }
    }
}

/// A multiwindow burn-rate rule, resolved for one SLO's own period.
#[derive(Debug, Clone, PartialEq)]
pub struct BurnRule {
    /// How loud.
    pub severity: Severity,
    /// Fires when the burn over both windows is strictly above this.
    pub factor: f64,
    /// The window that proves it matters.
    pub long: Window,
    /// The window that proves it is still going on; equal to `long` in a one-window rule.
    pub short: Window,
    /// How long both must hold before the owner's own alert fires (Pyrra); zero elsewhere.
    pub hold: Duration,
    /// Whose rule.
    pub origin: RuleOrigin,
}

/// Where an SLO was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SloOrigin {
    /// `[[contexts.X.slos]]`.
    Config,
    /// A file of `slo_files`, by path.
    File(Arc<str>),
    /// Recorded by Sloth, found on the server.
    Sloth,
    /// Recorded by Pyrra, found on the server.
    Pyrra,
}

/// How the error ratio of a window is asked for. Templates take `{{window}}`.
#[derive(Debug, Clone, PartialEq)]
pub enum Sli {
    /// Two rates, per second.
    Events {
        /// Bad events.
        errors: String,
        /// All events.
        total: String,
    },
    /// One expression that yields the ratio.
    Ratio {
        /// The ratio over `{{window}}`.
        error_ratio: String,
    },
    /// Requests slower than a bucket bound.
    Latency {
        /// The histogram's base name, without `_bucket`.
        histogram: String,
        /// Label matchers without braces; may be empty.
        selector: String,
        /// The bound, seconds.
        threshold: f64,
    },
    /// Already recorded, one series a window: the window's name → the query that reads it.
    Recorded {
        /// Window name → PromQL.
        by_window: BTreeMap<String, String>,
        /// Whether the period's ratio is an unweighted mean of short ratios (Sloth): said where it is used.
        period_is_mean_of_ratios: MeanOfRatios,
    },
}

/// Whether a recorded period ratio is a mean of ratios rather than a ratio of sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeanOfRatios {
    /// An unweighted mean of 5-minute ratios.
    Yes,
    /// A true ratio of sums.
    No,
}

/// One step of a budget policy: below `remaining_below` (fraction of the budget) this consequence holds.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyStep {
    /// The word in JSON.
    pub policy: Policy,
    /// The consequence, in words.
    pub consequence: String,
}

/// What the budget left means for the team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Policy {
    /// More than half is left.
    Normal,
    /// 20 to 50 %.
    SlowDown,
    /// Less than 20 %.
    Freeze,
    /// Nothing left.
    Incident,
}

impl Policy {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::SlowDown => "slow_down",
            Self::Freeze => "freeze",
            Self::Incident => "incident",
        }
    }

    /// The default consequence in words.
    pub fn consequence(self) -> &'static str {
        match self {
            Self::Normal => "ship as usual",
            Self::SlowDown => "slow down: ship with care, reliability work first",
            Self::Freeze => "freeze features until the budget recovers",
            Self::Incident => "budget spent: treat as an incident, only fixes ship",
        }
    }
}

/// A service level objective, ready to be asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Slo {
    /// Unique within its context.
    pub name: String,
    /// The service it belongs to; empty where nobody says.
    pub service: String,
    /// What is promised.
    pub objective: Objective,
    /// Over what period.
    pub period: Window,
    /// How it is measured.
    pub sli: Sli,
    /// When to worry.
    pub rules: Vec<BurnRule>,
    /// Where it was found.
    pub origin: SloOrigin,
    /// Fewer events than this in a window are marked as low traffic.
    pub low_traffic: Option<f64>,
    /// What is wrong with the definition itself and was said at load (an unreachable factor, …).
    pub notes: Vec<String>,
}

/// What one window said.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// Measured. Both are counts of events within the window where known.
    Ratio {
        /// Errors over total.
        error_ratio: f64,
        /// Events in the window, where the source gives them.
        events: Option<f64>,
    },
    /// Total is zero, or the ratio NaN.
    NoTraffic,
    /// No series at all.
    NoData,
    /// The expression failed; the words say why.
    Error(Arc<str>),
    /// Not asked for yet.
    Pending,
}

/// A reading with its age.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedReading {
    /// What was said.
    pub reading: Reading,
    /// When it was asked, on the boot-time clock.
    pub at: crate::time::Tick,
    /// How old it may grow before it is stale: twice its tier's interval.
    pub fresh_for: Duration,
}

/// Everything measured of one SLO, by window name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Readings {
    /// By window name.
    pub windows: BTreeMap<String, TimedReading>,
    /// Events per second of `total` over the period, where known: for budgets in events.
    pub total_rate: Option<f64>,
    /// Error-ratio samples over the period, oldest first, for roll-off and burn-down; empty until fetched.
    pub history: Vec<(DateTime<Utc>, f64)>,
    /// First sample of `total` within the period.
    pub first_sample: Option<DateTime<Utc>>,
    /// `errors` had no series in all of the period while `total` has one.
    pub errors_never_seen: Option<bool>,
    /// The backend said that the answer is partial (Thanos, VictoriaMetrics), in its words.
    pub partial: Option<Arc<str>>,
    /// Notices of the backend that are no failure.
    pub warnings: Vec<String>,
    /// Burn over the shortest window in the recent past, oldest first: the sparkline.
    pub spark: Vec<f64>,
}

/// State of one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuleState {
    /// Both windows are over.
    Firing,
    /// Long over, short not.
    Recovering,
    /// Short over, long not.
    Starting,
    /// Neither.
    Quiet,
    /// A window is not known.
    Unknown,
}

impl RuleState {
    /// The word in JSON and on screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Recovering => "recovering",
            Self::Starting => "starting",
            Self::Quiet => "quiet",
            Self::Unknown => "unknown",
        }
    }
}

/// State of an SLO; the first that holds, in the order of slo-math.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SloState {
    /// A page rule fires.
    Page,
    /// A ticket rule fires.
    Ticket,
    /// The expression failed.
    Error,
    /// The shortest window has no series.
    NoData,
    /// The shortest window has no traffic.
    NoTraffic,
    /// None of these.
    Ok,
}

impl SloState {
    /// The word in JSON and on screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
            Self::Error => "error",
            Self::NoData => "no_data",
            Self::NoTraffic => "no_traffic",
            Self::Ok => "ok",
        }
    }
}

/// How much budget is left, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BudgetStatus {
    /// More than a quarter.
    Healthy,
    /// A quarter or less.
    Warning,
    /// A tenth or less.
    Critical,
    /// None, or overspent.
    Breached,
}

impl BudgetStatus {
    /// The word in JSON and on screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Warning => "warning",
            Self::Critical => "critical",
            Self::Breached => "breached",
        }
    }
}

/// When the budget is gone if old errors may leave the window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RollingExhaustion {
    /// In so many seconds.
    In(Duration),
    /// Burn does not exceed what rolls off.
    Never,
}

/// One window's line in a report.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowReport {
    /// Which.
    pub window: Window,
    /// What was measured.
    pub reading: Reading,
    /// Error ratio over the budget; 0 without traffic, none without data.
    pub burn_rate: Option<f64>,
    /// Marked where the window held fewer events than the SLO's `low_traffic`.
    pub low_traffic: Option<f64>,
    /// How old the reading is, and whether that is too old for its tier.
    pub age: Duration,
    /// Past twice its tier's interval.
    pub stale: Staleness,
}

/// Whether something is older than its refresh tier allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staleness {
    /// Within bounds.
    Fresh,
    /// Too old.
    Stale,
}

/// One rule's line in a report.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleReport {
    /// The rule.
    pub rule: BurnRule,
    /// Its state.
    pub state: RuleState,
    /// Whether the factor can be reached at all (factor < 1 / budget).
    pub reachable: Reachable,
}

/// Whether a rule's factor can ever be exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reachable {
    /// It can.
    Yes,
    /// Even 100 % errors stay below it.
    Never,
}

/// What the budget looks like; absent without data.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// Fraction left, negative when overspent.
    pub remaining: f64,
    /// In words.
    pub status: BudgetStatus,
    /// What the team does about it.
    pub policy: Policy,
    /// Minutes of full outage left.
    pub remaining_minutes: f64,
    /// Bad events left, where the traffic is known.
    pub events_left: Option<f64>,
    /// Linear: seconds until empty at the present 1 h rate.
    pub exhausts_in: Option<Duration>,
    /// Letting old errors leave the window; none where the period's history is not at hand.
    pub exhausts_rolling: Option<RollingExhaustion>,
}

/// Everything that is said about one SLO at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct SloReport {
    /// The promise.
    pub slo: Arc<Slo>,
    /// Its state.
    pub state: SloState,
    /// Every rule window and the period, shortest first.
    pub windows: Vec<WindowReport>,
    /// Rules with their states, in the SLO's order.
    pub rules: Vec<RuleReport>,
    /// The budget; none without data.
    pub budget: Option<Budget>,
    /// now − first sample of `total` within the period.
    pub covered: Option<Duration>,
    /// What a rule said before its window was lost.
    pub last_known: Option<(SloState, DateTime<Utc>)>,
    /// Whether it had data within its period: ranks a lost SLO near the top.
    pub had_data: HadData,
    /// One sentence: "18× normal errors for 41 min; 3.1 % of the month spent; empty at 04:20 if it keeps up".
    pub words: String,
    /// Warnings, in words.
    pub warnings: Vec<String>,
    /// The backend said that its answer is not whole.
    pub partial: Option<Arc<str>>,
    /// Burn over the shortest window in the recent past, oldest first.
    pub spark: Vec<f64>,
    /// Error ratios over the period, oldest first; empty until fetched.
    pub history: Arc<[(DateTime<Utc>, f64)]>,
}

/// Whether an SLO without data now had some within its period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HadData {
    /// It did.
    Yes,
    /// Never seen.
    No,
}

/// All SLOs of a context, most urgent first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SloBoard {
    /// Ranked.
    pub slos: Vec<Arc<SloReport>>,
    /// What is wrong with the whole board: a file that could not be read, discovery that failed.
    pub warnings: Vec<String>,
    /// Backend failures, as `errors` in JSON.
    pub errors: Vec<crate::backend::BackendFailure>,
}
