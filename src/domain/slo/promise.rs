//! What is promised and when to worry: objective, period, how it is measured, its burn rules, its policy.
//!
//! Nothing here knows what was measured. Start at [`Slo`].

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

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
