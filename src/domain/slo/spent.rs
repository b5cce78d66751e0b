//! What a span of time cost: the burn over it, and the part of the budget it spent.

use std::time::Duration;

use super::{Reading, Slo, SloReport};

/// What one SLO lost in a span.
#[derive(Debug, Clone, PartialEq)]
pub struct Spent {
    /// Its name.
    pub slo: String,
    /// Its service.
    pub service: String,
    /// Its objective in per cent, as written.
    pub objective: String,
    /// How long the span is.
    pub span: Duration,
    /// Mean burn over the span; none where it was not measured.
    pub burn: Option<f64>,
    /// The highest burn within it; none where it was not asked for or not measured.
    pub peak: Option<Peak>,
    /// Fraction of the period's budget that went: burn × span / period, traffic taken as flat.
    pub spent: Option<f64>,
    /// Fraction of the budget left now, where it is known.
    pub left: Option<f64>,
    /// Why it was not measured.
    pub why: Option<String>,
}

/// The highest burn over any stretch of one length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peak {
    /// Times the budget's pace.
    pub burn: f64,
    /// How long the stretch is.
    pub over: Duration,
}

impl Spent {
    /// From what a window as long as the span said at its end.
    pub fn of(slo: &Slo, span: Duration, reading: &Reading, left: Option<f64>) -> Self {
        let share = span.as_secs_f64() / slo.period.length().as_secs_f64();
        let burn = match reading {
            Reading::Ratio { error_ratio, .. } => Some(error_ratio / slo.objective.budget()),
            Reading::NoTraffic => Some(0.0),
            Reading::NoData | Reading::Error(_) | Reading::Pending => None,
        };
        let why = match reading {
            Reading::Ratio { .. } => None,
            Reading::NoTraffic => Some("no traffic".to_owned()),
            Reading::NoData => Some("no data".to_owned()),
            Reading::Error(why) => Some(why.to_string()),
            Reading::Pending => Some("not asked".to_owned()),
        };
        Self {
            slo: slo.name.clone(),
            service: slo.service.clone(),
            objective: slo.objective.to_string(),
            span,
            burn,
            peak: None,
            spent: burn.map(|burn| burn * share),
            left,
            why,
        }
    }

    /// With the highest of what windows of `over` within the span said. They may leave out what lies between two of
    /// them: the mean is the least that some stretch of the span had, so that no peak is below it.
    #[must_use]
    pub fn with_peak(mut self, highest: Option<f64>, over: Duration) -> Self {
        let over = over.min(self.span);
        let highest = match (highest, self.burn) {
            (Some(highest), Some(mean)) => Some(highest.max(mean)),
            (None, mean) if over == self.span => mean,
            (highest, _) => highest,
        };
        self.peak = highest.map(|burn| Peak { burn, over });
        self
    }

    /// From a report that has a window as long as the span; the nearest longer one else, which is said.
    pub fn from_report(report: &SloReport, span: Duration) -> Self {
        let left = report.budget.as_ref().map(|budget| budget.remaining);
        let window = report
            .windows
            .iter()
            .filter(|window| window.window.length() >= span)
            .min_by_key(|window| window.window.length());
        let Some(window) = window else {
            return Self::of(&report.slo, span, &Reading::Pending, left);
        };
        let mut spent = Self::of(&report.slo, span, &window.reading, left);
        if spent.why.is_none() && window.window.length() > span {
            spent.why = Some(format!("burn over {}", window.window.name()));
        }
        spent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::slo::{Objective, Sli, SloOrigin, Window};

    fn slo() -> Slo {
        Slo {
            name: "checkout-availability".into(),
            service: "checkout".into(),
            objective: Objective::from_percent(99.9).expect("an objective"),
            period: Window::named("30d").expect("a window"),
            sli: Sli::Ratio {
                error_ratio: "x".into(),
            },
            rules: Vec::new(),
            origin: SloOrigin::Config,
            low_traffic: None,
            notes: Vec::new(),
        }
    }

    #[test]
    fn an_hour_at_14_4_times_spends_two_per_cent() {
        let reading = Reading::Ratio {
            error_ratio: 0.0144,
            events: None,
        };
        let spent = Spent::of(&slo(), Duration::from_secs(3_600), &reading, Some(0.4));
        assert!((spent.burn.expect("measured") - 14.4).abs() < 1e-9);
        assert!((spent.spent.expect("measured") - 0.02).abs() < 1e-9);
    }

    #[test]
    fn no_peak_is_below_the_mean() {
        let (hour, window) = (Duration::from_secs(3_600), Duration::from_secs(300));
        let reading = Reading::Ratio {
            error_ratio: 0.02,
            events: None,
        };
        let of = |span| Spent::of(&slo(), span, &reading, None);
        let peak = |spent: Spent| spent.peak.map(|peak| (peak.burn.round(), peak.over));
        assert_eq!(peak(of(hour).with_peak(Some(50.0), window)), Some((50.0, window)));
        assert_eq!(peak(of(hour).with_peak(Some(5.0), window)), Some((20.0, window)));
        assert_eq!(peak(of(hour).with_peak(None, window)), None);
        // a span no longer than the window is its own peak
        let minute = Duration::from_secs(60);
        assert_eq!(peak(of(minute).with_peak(None, window)), Some((20.0, minute)));
    }

    #[test]
    fn what_was_not_measured_is_not_nought() {
        let spent = Spent::of(&slo(), Duration::from_secs(60), &Reading::NoData, None);
        assert_eq!(
            (spent.burn, spent.spent, spent.why.as_deref()),
            (None, None, Some("no data"))
        );
        let idle = Spent::of(&slo(), Duration::from_secs(60), &Reading::NoTraffic, None);
        assert_eq!((idle.spent, idle.why.as_deref()), (Some(0.0), Some("no traffic")));
    }
}
