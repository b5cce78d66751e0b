//! Burn rules: the workbook's table, resolved for an SLO's own period.
//!
//! Source: Google SRE workbook, "Alerting on SLOs", table 5-8, with the 1 d / 2 h row that Sloth and Grafana add.

use std::time::Duration;

use super::{BurnRule, Objective, Reachable, RuleOrigin, Severity, Window};

/// A row of a burn table that spends a share of the budget within its long window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BudgetShare {
    /// How loud.
    pub severity: Severity,
    /// Share of the budget in (0, 1].
    pub share: f64,
    /// Long window, seconds.
    pub long: u64,
    /// Short window, seconds.
    pub short: u64,
}

/// The default table. At a period of 30 d its factors are 14.4, 6, 3 and 1.
pub const WORKBOOK: [BudgetShare; 4] = [
    BudgetShare {
        severity: Severity::Page,
        share: 0.02,
        long: 3_600,
        short: 300,
    },
    BudgetShare {
        severity: Severity::Page,
        share: 0.05,
        long: 21_600,
        short: 1_800,
    },
    BudgetShare {
        severity: Severity::Ticket,
        share: 0.10,
        long: 86_400,
        short: 7_200,
    },
    BudgetShare {
        severity: Severity::Ticket,
        share: 0.10,
        long: 259_200,
        short: 21_600,
    },
];

/// The burn rate that spends `share` of a period's budget within `long`: share × period / long.
pub fn factor(share: f64, period: Duration, long: Duration) -> f64 {
    share * period.as_secs_f64() / long.as_secs_f64()
}

/// A twelfth of the long window, in whole seconds, at least one.
pub fn default_short(long: &Window) -> Window {
    Window::of(Duration::from_secs((long.length().as_secs() / 12).max(1)))
}

/// The two windows of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleWindows {
    /// The window that proves it matters.
    pub long: Window,
    /// The window that proves it is still going on; a twelfth of the long one where none is given.
    pub short: Option<Window>,
}

/// A rule without a `for`.
pub fn rule(severity: Severity, factor: f64, windows: RuleWindows, origin: RuleOrigin) -> BurnRule {
    let short = windows.short.unwrap_or_else(|| default_short(&windows.long));
    BurnRule {
        severity,
        factor,
        long: windows.long,
        short,
        hold: Duration::ZERO,
        origin,
    }
}

/// The workbook's table for a period. Rows whose long window is not shorter than the period are left out:
/// over the whole period they would say no more than the budget does.
pub fn workbook_rules(period: &Window, origin: RuleOrigin) -> Vec<BurnRule> {
    WORKBOOK
        .iter()
        .filter(|row| Duration::from_secs(row.long) < period.length())
        .map(|row| {
            let long = Window::of(Duration::from_secs(row.long));
            let short = Some(Window::of(Duration::from_secs(row.short)));
            let factor = factor(row.share, period.length(), long.length());
            rule(row.severity, factor, RuleWindows { long, short }, origin)
        })
        .collect()
}

impl BurnRule {
    /// Whether the factor can be exceeded at all: even 100 % errors burn no faster than 1 / budget.
    pub fn reachable(&self, objective: Objective) -> Reachable {
        if self.factor < 1.0 / objective.budget() {
            Reachable::Yes
        } else {
            Reachable::Never
        }
    }
}

/// One note for each rule that can never fire, with the mend.
pub fn unreachable_notes(objective: Objective, rules: &[BurnRule]) -> Vec<String> {
    rules
        .iter()
        .filter(|rule| rule.reachable(objective) == Reachable::Never)
        .map(|rule| {
            format!(
                "the {} rule over {}/{} can never fire: its factor {:.4} is not below {:.4}, the burn of 100 % errors at {objective} %; lower the factor or drop the rule",
                rule.severity.word(),
                rule.long,
                rule.short,
                rule.factor,
                1.0 / objective.budget(),
            )
        })
        .collect()
}
