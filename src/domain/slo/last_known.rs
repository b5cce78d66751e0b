//! What a rule said before its data was lost, so that a page does not vanish with the series that raised it.

use chrono::{DateTime, Utc};

use super::{BurnRule, Reading, RuleState, SloReport, SloState};

/// The memory of one SLO between two evaluations.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LastKnown {
    fired: Vec<(BurnRule, DateTime<Utc>)>,
    had_data: bool,
}

impl LastKnown {
    /// The state and moment at which a rule last fired, where that rule is unknown now. Pages first.
    pub fn of(&self, rule: &BurnRule) -> Option<(SloState, DateTime<Utc>)> {
        self.fired
            .iter()
            .find(|(fired, _)| fired == rule)
            .map(|(fired, at)| (fired.severity.into(), *at))
    }

    /// Whether any window ever gave a number.
    pub fn had_data(&self) -> bool {
        self.had_data
    }

    /// Learns from a report: a firing rule is remembered, one that is known and does not fire is forgotten,
    /// one that is unknown keeps what it said.
    pub fn observe(&mut self, report: &SloReport, now: DateTime<Utc>) {
        self.had_data |= report
            .windows
            .iter()
            .any(|w| matches!(w.reading, Reading::Ratio { .. }));
        for line in &report.rules {
            match line.state {
                RuleState::Firing => {
                    self.fired.retain(|(rule, _)| rule != &line.rule);
                    self.fired.push((line.rule.clone(), now));
                }
                RuleState::Recovering | RuleState::Starting | RuleState::Quiet => {
                    self.fired.retain(|(rule, _)| rule != &line.rule);
                }
                RuleState::Unknown => {}
            }
        }
    }
}
