//! A drill as the console knows it: what was opened, and whether its end was told. Nothing of what is wrong.
//!
//! Only what somebody opens is a look: a details view, or the log or the traces turned to one service. What the cursor
//! passes over is not.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Model;
use super::case::CaseOf;
use super::focus::{Detail, PaneId};
use crate::domain::alert::Fingerprint;
use crate::domain::drill::View;
use crate::domain::incident::IncidentId;
use crate::domain::trace_id::TraceId;
use crate::time::{Now, Tick};

/// The most looks that are kept: whoever opens more has long found it, or never will.
const MOST: usize = 5_000;

/// Something that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// When.
    pub at: DateTime<Utc>,
    /// What of.
    pub seen: Seen,
}

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What kind of view.
    pub view: View,
    /// Of which service, where it is about one. Remote text.
    pub service: Option<String>,
    /// The trace, where it is one.
    pub trace: Option<TraceId>,
    /// In words. May hold remote text.
    pub words: String,
}

/// So often it is said again that the incident is over: whoever looked away the first time must not wait for it.
const AGAIN: Duration = Duration::from_secs(60);

/// What is to be said of the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It has just come.
    News,
    /// It came a while ago.
    Reminder,
}

/// What the console keeps of a drill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrillLog {
    /// What was opened, oldest first.
    pub looks: Vec<Look>,
    /// When it began.
    pub began: DateTime<Utc>,
    /// When the incident is mended: from then on the drill is over.
    pub over_at: DateTime<Utc>,
    /// When that was told last.
    told: Option<Tick>,
}

impl DrillLog {
    /// Of a drill that begins now, and whose incident is mended then.
    pub fn between(began: DateTime<Utc>, over_at: DateTime<Utc>) -> Self {
        Self {
            looks: Vec::new(),
            began,
            over_at,
            told: None,
        }
    }

    /// What is to be said of the end at this moment, and that it is said.
    pub fn end(&mut self, now: Now) -> Option<End> {
        if now.utc < self.over_at {
            return None;
        }
        let end = match self.told {
            None => End::News,
            Some(told) if now.tick.since(told) >= AGAIN => End::Reminder,
            Some(_) => return None,
        };
        self.told = Some(now.tick);
        Some(end)
    }

    /// Keeps what is looked at, where it is not what was looked at before.
    pub fn look(&mut self, seen: Seen, now: Now) {
        let same = self.looks.last().is_some_and(|last| last.seen == seen);
        if !same && self.looks.len() < MOST {
            self.looks.push(Look { at: now.utc, seen });
        }
    }
}

impl Seen {
    fn of(view: View, service: Option<&str>, words: String) -> Self {
        Self {
            view,
            service: service.filter(|name| !name.is_empty()).map(str::to_owned),
            trace: None,
            words,
        }
    }

    /// The case of this: whatever it is of, it shows what is wrong with its service.
    fn in_case(self) -> Self {
        Self {
            view: View::Case,
            words: format!("the case of {}", self.words),
            ..self
        }
    }

    fn trace(id: TraceId) -> Self {
        Self {
            view: View::Trace,
            service: None,
            trace: Some(id),
            words: format!("trace {id}"),
        }
    }
}

impl Model {
    /// What is looked at now.
    pub fn seen(&self) -> Seen {
        match self.detail() {
            None => self.pane_seen(),
            Some(Detail::Slo(name)) => self.slo_seen(name),
            Some(Detail::Alert(fingerprint) | Detail::Runbook(fingerprint)) => self.alert_seen(*fingerprint),
            Some(Detail::LogLine(id)) => {
                let view = self.logs.view.as_ref();
                let entry = view.and_then(|view| view.snapshot.entry(*id));
                let service = entry.and_then(|entry| entry.service);
                let words = format!("a log line of {}", service.unwrap_or("nobody known"));
                Seen::of(View::LogLine, service, words)
            }
            Some(
                Detail::Trace(id) | Detail::Span(id, _) | Detail::TraceFacts(id) | Detail::Comparison(_, id),
            ) => Seen::trace(*id),
            Some(Detail::Incident(id)) => self.incident_seen(id),
            Some(Detail::Case(of)) => self.case_seen(of),
            Some(Detail::Patterns) => self.turned(PaneId::Logs, View::Logs, "the patterns of the log"),
            Some(Detail::ServiceGraph) => Seen::of(View::Other, None, "who calls whom".to_owned()),
            Some(Detail::Silences) => Seen::of(View::Other, None, "the silences".to_owned()),
            Some(Detail::Outbox) => Seen::of(View::Other, None, "the outbox".to_owned()),
            Some(Detail::Page(_)) => Seen::of(View::Other, None, "a page of text".to_owned()),
        }
    }

    fn slo_seen(&self, name: &str) -> Seen {
        let report = self.slo.report(name);
        let service = report.map(|report| report.slo.service.as_str());
        Seen::of(View::Slo, service, format!("the SLO {name}"))
    }

    fn incident_seen(&self, id: &IncidentId) -> Seen {
        let incident = self.incidents.incident(id);
        let service = incident.and_then(|incident| incident.service.as_ref());
        let title = incident.map_or_else(|| id.0.to_string(), |incident| incident.title.to_string());
        Seen::of(
            View::Incident,
            service.map(|service| &*service.name),
            format!("the incident {title}"),
        )
    }

    /// A case shows what its subject shows, and more.
    fn case_seen(&self, of: &CaseOf) -> Seen {
        let seen = match of {
            CaseOf::Alert(fingerprint) => self.alert_seen(*fingerprint),
            CaseOf::Slo(name) => self.slo_seen(name),
            CaseOf::Incident(id) => self.incident_seen(id),
            CaseOf::Service(name) => Seen::of(View::Case, Some(name), name.to_string()),
        };
        seen.in_case()
    }

    fn pane_seen(&self) -> Seen {
        match self.focus {
            PaneId::Slo => Seen::of(View::Pane, None, "the SLO pane".to_owned()),
            PaneId::Alerts => Seen::of(View::Pane, None, "the alert pane".to_owned()),
            PaneId::Incident => Seen::of(View::Pane, None, "the incident pane".to_owned()),
            PaneId::Logs => match self.logs.trace {
                Some(id) => Seen {
                    words: format!("the log of trace {id}"),
                    ..Seen::trace(id)
                },
                None => self.turned(PaneId::Logs, View::Logs, "the log"),
            },
            PaneId::Traces => self.turned(PaneId::Traces, View::Traces, "the traces"),
        }
    }

    /// A view that shows one service, or all.
    fn turned(&self, pane: PaneId, view: View, what: &str) -> Seen {
        match self.scope.service_of(pane) {
            Some(service) => Seen::of(view, Some(service), format!("{what} of {service}")),
            None => Seen::of(View::Pane, None, what.to_owned()),
        }
    }

    fn alert_seen(&self, fingerprint: Fingerprint) -> Seen {
        let board = self.alerts.board.as_ref();
        let Some(alert) = board.and_then(|board| board.by_fingerprint.get(&fingerprint)) else {
            return Seen::of(View::Alert, None, "an alert".to_owned());
        };
        // What is not said of a service is of the host it was measured on, whatever job did that.
        let host = alert
            .labels
            .value("instance")
            .split(':')
            .next()
            .unwrap_or_default();
        let of = if alert.labels.value("service").is_empty() && !host.is_empty() {
            host
        } else {
            &*alert.service
        };
        Seen::of(View::Alert, Some(of), format!("the alert {} of {of}", alert.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(seconds: i64) -> Now {
        Now::fixed(DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap(), 0)
    }

    #[test]
    fn what_stays_open_is_one_look_and_what_is_opened_again_is_another() {
        let mut log = DrillLog::between(now(0).utc, now(600).utc);
        let pane = Seen::of(View::Pane, None, "the log".to_owned());
        let slo = Seen::of(View::Slo, Some("checkout"), "the SLO".to_owned());
        for (at, seen) in [(1, &pane), (2, &pane), (3, &slo), (4, &slo), (5, &pane)] {
            log.look(seen.clone(), now(at));
        }
        let told: Vec<_> = log.looks.iter().map(|look| (look.at, look.seen.view)).collect();
        assert_eq!(
            told,
            [
                (now(1).utc, View::Pane),
                (now(3).utc, View::Slo),
                (now(5).utc, View::Pane)
            ]
        );
    }

    #[test]
    fn the_end_is_news_once_and_then_said_again_every_minute() {
        let mut log = DrillLog::between(now(0).utc, now(600).utc);
        let later = |seconds: u64| now(599).later(Duration::from_secs(seconds));
        let told: Vec<_> = [0, 1, 2, 60, 61, 62, 121].map(|s| log.end(later(s))).into();
        assert_eq!(
            told,
            [
                None,
                Some(End::News),
                None,
                None,
                Some(End::Reminder),
                None,
                Some(End::Reminder)
            ]
        );
    }

    #[test]
    fn the_case_of_an_incident_is_a_case_of_its_service() {
        let incident = Seen::of(View::Incident, Some("payment"), "the incident #7".to_owned());
        let case = Seen::of(
            View::Case,
            Some("payment"),
            "the case of the incident #7".to_owned(),
        );
        assert_eq!(incident.in_case(), case);
    }

    #[test]
    fn no_service_is_not_a_service_without_a_name() {
        assert_eq!(Seen::of(View::Alert, Some(""), String::new()).service, None);
    }
}
