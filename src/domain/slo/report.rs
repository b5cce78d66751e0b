//! What is said about an SLO at one moment, and the board of all of them.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{BurnRule, Policy, Reading, Slo, Window};

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
    /// The shortest window has no series, or what is still to be answered decides
    /// ([`SloReport::is_waiting`]).
    NoData,
    /// The shortest window has no traffic.
    NoTraffic,
    /// No rule fires, and one that pages is over its line in its short window alone, and the newest minutes burn: it
    /// begins to.
    Starting,
    /// None of these, and nothing is left of the period's budget.
    Spent,
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
            Self::Starting => "starting",
            Self::Spent => "spent",
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

impl Budget {
    /// When it is empty at the present 1 h rate, as one figure says it: the rolling forecast where it is known,
    /// because it is the truer one. `None` where it does not empty.
    pub fn empties_in(&self) -> Option<Duration> {
        match self.exhausts_rolling {
            Some(RollingExhaustion::In(left)) => Some(left),
            Some(RollingExhaustion::Never) => None,
            None => self.exhausts_in,
        }
    }
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
    /// One sentence: "18× normal errors for 41 min; 3.1% of the month spent; empty at 04:20 at the 1h burn".
    pub words: String,
    /// Warnings, in words.
    pub warnings: Vec<String>,
    /// The backend said that its answer is not whole.
    pub partial: Option<Arc<str>>,
    /// Burn over the shortest window in the recent past, oldest first.
    pub spark: Vec<f64>,
    /// When each of its points is; empty where that is not known.
    pub spark_at: Vec<DateTime<Utc>>,
    /// Error ratios over the period, oldest first; empty until fetched.
    pub history: Arc<[(DateTime<Utc>, f64)]>,
}

impl SloReport {
    /// When the burn began that a rule fires for; none where none fires, or where its start lies before what is
    /// known. A rule's start is seen in the recent burn where its short window is the one of that.
    pub fn burning_since(&self) -> Option<DateTime<Utc>> {
        self.rules.iter().find_map(|rule| self.firing_since(rule))
    }

    /// The same of one of its rules.
    pub fn firing_since(&self, rule: &RuleReport) -> Option<DateTime<Utc>> {
        let shortest = &self.windows.first()?.window;
        if rule.state != RuleState::Firing || rule.rule.short != *shortest {
            return None;
        }
        let over = self
            .spark
            .iter()
            .rev()
            .take_while(|burn| **burn > rule.rule.factor)
            .count();
        let begin = self.spark.len().checked_sub(over).filter(|begin| *begin > 0)?;
        self.spark_at.get(begin).copied()
    }
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
