//! The order of the list: what needs a human first.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{HadData, RuleState, SloReport, SloState, Window};

/// Sorts most urgent first: page; data lost of an SLO that had some; ticket; other no-data and error; no traffic; ok,
/// of which what begins to burn and what has nothing left stand first. Within a place the fastest burn first, then by
/// name, so that equals do not swap places.
pub fn rank(reports: &mut [Arc<SloReport>]) {
    // Keys once each: comparing recomputes nothing.
    reports.sort_by_cached_key(|report| Key {
        place: place(report),
        burn: headline_burn(report).unwrap_or(-1.0),
        report: Arc::clone(report),
    });
}

/// The burn that stands for an SLO: the fastest short window of the rules that fire, else the shortest
/// window's that is known. None without data or where the expression failed: a longer window's burn is of a
/// time that is gone.
pub fn headline_burn(report: &SloReport) -> Option<f64> {
    headline(report).map(|(_, burn)| burn)
}

/// The same, with the window that it is measured over.
pub(super) fn headline(report: &SloReport) -> Option<(&Window, f64)> {
    match report.state {
        SloState::NoData | SloState::Error => return None,
        SloState::Page
        | SloState::Ticket
        | SloState::Starting
        | SloState::Spent
        | SloState::Ok
        | SloState::NoTraffic => {}
    }
    let firing = report
        .rules
        .iter()
        .filter(|r| r.state == RuleState::Firing)
        .filter_map(|r| Some((&r.rule.short, report.burn(r.rule.short.name())?)))
        .reduce(|one, other| if other.1 > one.1 { other } else { one });
    let mut windows = report.windows.iter();
    firing.or_else(|| windows.find_map(|w| Some((&w.window, w.burn_rate?))))
}

fn place(report: &SloReport) -> u8 {
    if report.state == SloState::Page {
        return 0;
    }
    let lost = report.last_known.is_some()
        || (matches!(report.state, SloState::NoData | SloState::Error)
            && report.had_data == HadData::Yes
            && !report.is_waiting());
    if lost {
        return 1;
    }
    match report.state {
        SloState::Page => 0,
        SloState::Ticket => 2,
        SloState::Error | SloState::NoData => 3,
        SloState::NoTraffic => 4,
        SloState::Starting => 5,
        SloState::Spent => 6,
        SloState::Ok => 7,
    }
}

struct Key {
    place: u8,
    burn: f64,
    report: Arc<SloReport>,
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place
            .cmp(&other.place)
            .then_with(|| other.burn.total_cmp(&self.burn))
            .then_with(|| self.report.slo.name.cmp(&other.report.slo.name))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Key {}
