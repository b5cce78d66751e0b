//! One SLO in the engine: its readings, its memory, and which expressions answer which question.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::backend::metrics::plan::{self, Branch};
use crate::domain::slo::{
    LastKnown, Reading, Readings, RuleState, Severity, Sli, Slo, SloOrigin, SloReport, SloState, Window,
};
use crate::time::Tick;

use super::{FIVE_MINUTES, Question};

/// A refused expression, remembered.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub next: Tick,
    pub tries: u32,
}

/// One SLO and all that is known of it.
#[derive(Debug)]
pub(super) struct Entry {
    pub slo: Arc<Slo>,
    /// How it is asked: the SLO's own, scalar templates lifted.
    pub asked: Sli,
    pub windows: Vec<Window>,
    pub readings: Readings,
    pub memory: LastKnown,
    /// Matcher of the latency bucket, once it is known.
    pub le: Option<String>,
    pub partial: BTreeMap<Question, Arc<str>>,
    pub refused: BTreeMap<Question, Refusal>,
    /// Asked out of turn, because its answer is new: everything of an SLO just found, or whose bucket is.
    pub owed: BTreeSet<Question>,
    /// Good searches in a row that did not find it, of an SLO that was found.
    pub absences: u32,
    /// What the owner's own alerts (Sloth's, Pyrra's) say, loudest that fires; none where nobody told.
    pub owner: Option<OwnerSays>,
    /// The step of the history in which data begins, unix seconds, not looked into yet.
    pub begins: Option<(i64, i64)>,
}

/// What the alerts that an SLO's owner generated say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OwnerSays {
    /// Its alert of this severity fires.
    Firing(Severity),
    /// It has alerts and none fires.
    Quiet,
}

impl Entry {
    pub fn new(slo: Slo) -> Self {
        let windows = slo.windows();
        let mut readings = Readings::default();
        for (key, template) in templates(&slo.sli) {
            if let Some(why) = plan::local_warning(template) {
                readings
                    .warnings
                    .push(format!("{key} does not parse here ({why}); the server decides"));
            }
            if !plan::takes_window(template) {
                readings.warnings.push(format!(
                    "{key} has no {{{{window}}}}: every window shows the same"
                ));
            }
        }
        Self {
            asked: plan::lifted(&slo.sli),
            slo: Arc::new(slo),
            windows,
            readings,
            memory: LastKnown::default(),
            le: None,
            partial: BTreeMap::new(),
            refused: BTreeMap::new(),
            owed: BTreeSet::new(),
            absences: 0,
            owner: None,
            begins: None,
        }
    }

    /// Both sides, where the owner's own alert and the state here disagree. Recovering and starting rules are
    /// no disagreement: the two are evaluated at different moments.
    pub fn disagreement(&self, report: &SloReport) -> Option<String> {
        let ours = report.rules.iter().map(|r| (r.state, r.rule.severity));
        let between = |severity| {
            ours.clone().any(|(state, of)| {
                of == severity && matches!(state, RuleState::Recovering | RuleState::Starting)
            })
        };
        let fires = |severity| ours.clone().any(|s| s == (RuleState::Firing, severity));
        match self.owner? {
            OwnerSays::Firing(severity) if !fires(severity) && !between(severity) => Some(format!(
                "its owner's own {} alert fires, here its rules say {}",
                severity.word(),
                report.state.word()
            )),
            OwnerSays::Quiet if matches!(report.state, SloState::Page | SloState::Ticket) => {
                let held = self.slo.rules.iter().any(|rule| !rule.hold.is_zero());
                Some(format!(
                    "here it is {}, its owner's own alert does not fire{}",
                    report.state.word(),
                    if held { " (it may be within its `for`)" } else { "" }
                ))
            }
            OwnerSays::Firing(_) | OwnerSays::Quiet => None,
        }
    }

    /// Everything of it is asked out of turn, once.
    pub fn owe_all(&mut self) {
        let windows = self.windows.iter().map(|w| Question::Window(w.length()));
        self.owed = windows
            .chain([Question::Spark])
            .chain(self.history_question())
            .collect();
    }

    /// Whether it was found on the server, rather than configured.
    pub fn is_found(&self) -> bool {
        matches!(self.slo.origin, SloOrigin::Sloth | SloOrigin::Pyrra)
    }

    /// Whether the server has nothing of it in all of its period.
    pub fn is_void(&self) -> bool {
        let period = self.readings.windows.get(self.slo.period.name());
        period.is_some_and(|timed| timed.reading == Reading::NoData)
    }

    /// Whether its windows can be asked: a latency SLO's cannot before its bucket is known.
    pub fn is_askable(&self) -> bool {
        self.le.is_some() || !matches!(self.asked, Sli::Latency { .. })
    }

    pub fn window(&self, length: Duration) -> Option<&Window> {
        self.windows.iter().find(|w| w.length() == length)
    }

    /// Whether the pair partner of a window is over its factor.
    pub fn is_hot(&self, window: &Window) -> bool {
        self.slo.rules.iter().any(|rule| {
            let partner = if rule.long == *window {
                &rule.short
            } else if rule.short == *window {
                &rule.long
            } else {
                return false;
            };
            match self.readings.windows.get(partner.name()).map(|t| &t.reading) {
                Some(Reading::Ratio { error_ratio, .. }) => {
                    error_ratio / self.slo.objective.budget() > rule.factor
                }
                Some(Reading::NoTraffic | Reading::NoData | Reading::Error(_) | Reading::Pending) | None => {
                    false
                }
            }
        })
    }

    /// Whether a rule fires, and so its budget goes: both of its windows are over its factor.
    pub fn is_spending(&self) -> bool {
        let mut rules = self.slo.rules.iter();
        rules.any(|rule| self.is_hot(&rule.long) && self.is_hot(&rule.short))
    }

    /// Whether that asks for its period.
    pub fn is_period(&self, question: &Question) -> bool {
        *question == Question::Window(self.slo.period.length())
    }

    pub fn is_hot_question(&self, question: &Question) -> bool {
        match question {
            Question::Window(length) => self.window(*length).is_some_and(|w| self.is_hot(w)),
            Question::Discovery
            | Question::Bounds
            | Question::Spark
            | Question::History { .. }
            | Question::FirstSample { .. } => false,
        }
    }

    /// The window that is asked at each step of the history: some 120 steps; of a recorded SLO the longest
    /// window that still gives 60.
    pub fn history_window(&self) -> Option<Window> {
        let period = self.slo.period.length();
        match &self.slo.sli {
            Sli::Recorded { .. } => self
                .windows
                .iter()
                .rev()
                .find(|w| w.length() * 60 <= period && w.length() >= FIVE_MINUTES)
                .cloned(),
            Sli::Events { .. } | Sli::Ratio { .. } | Sli::Latency { .. } => {
                let fine = period.as_secs() / 120 / 300 * 300;
                Some(Window::of(Duration::from_secs(fine).max(FIVE_MINUTES)))
            }
        }
    }

    pub fn history_question(&self) -> Option<Question> {
        Some(Question::History {
            period: self.slo.period.length(),
            step: self.history_window()?.length(),
        })
    }

    /// The window that shows presence finely: five minutes, or the shortest that is recorded.
    pub fn fine_window(&self) -> Option<Window> {
        match &self.slo.sli {
            Sli::Recorded { .. } => self.windows.first().cloned(),
            Sli::Events { .. } | Sli::Ratio { .. } | Sli::Latency { .. } => Some(Window::of(FIVE_MINUTES)),
        }
    }

    pub fn branches(&self, question: &Question) -> Vec<Branch> {
        let of = |window: Option<Window>| {
            window.map_or_else(Vec::new, |w| plan::branches(&self.asked, &w, self.le.as_deref()))
        };
        match question {
            Question::Bounds => plan::bounds_branch(&self.slo).into_iter().collect(),
            Question::Window(length) => of(self.window(*length).cloned()),
            Question::Spark => of(self.windows.first().cloned()),
            Question::History { .. } if self.history_question().as_ref() == Some(question) => {
                of(self.history_window())
            }
            Question::FirstSample { from, to } if self.begins == Some((*from, *to)) => of(self.fine_window()),
            Question::Discovery | Question::History { .. } | Question::FirstSample { .. } => Vec::new(),
        }
    }
}

fn templates(sli: &Sli) -> Vec<(&'static str, &str)> {
    match sli {
        Sli::Events { errors, total } => vec![("errors", errors), ("total", total)],
        Sli::Ratio { error_ratio } => vec![("error_ratio", error_ratio)],
        Sli::Latency { .. } | Sli::Recorded { .. } => Vec::new(),
    }
}
