//! Every configured context at once: what burns, fires and is open anywhere, the most urgent first, and how well each answers.
//!
//! To look at only: an act belongs to the context that one is in. The open context is read from its own feeds, the others are
//! watched by the runtime as long as the page is open. Start at [`UnionPane`]; [`rows_of`] says what a context shows.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Model;
use super::feed::Status as FeedStatus;
use super::list::ListState;
use super::logs::Watched;
use crate::domain::alert::{Alert, AlertBoard, Fingerprint, PipelineFault, SeverityRank, Standing};
use crate::domain::incident::{Incident, IncidentId, Status, Urgency};
use crate::domain::slo::{SloBoard, SloState};
use crate::text::SafeText;
use crate::time::Tick;

/// How often a context that is not open is asked; past twice this its answer is stale.
pub const INTERVAL: Duration = Duration::from_secs(30);
/// Rows of one context at most: beyond that it is one trouble, and its own panes tell more.
pub const MOST_ROWS: usize = 50;

/// What a row is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thing {
    /// An SLO, by name.
    Slo(String),
    /// An alert; of several of a name and service, the oldest that nobody has.
    Alert(Fingerprint),
    /// An incident.
    Incident(IncidentId),
}

/// How urgent a row is, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgent {
    /// Budget burns at a pace that pages; a critical alert or a loud incident that nobody has.
    Now,
    /// A context that cannot be seen: whatever happens there is not known.
    Blind,
    /// Somebody has it, or it wants work by day.
    Soon,
    /// Whatever else is told.
    Later,
    /// A context that has not answered yet.
    Waiting,
    /// A context where nothing is the matter.
    Quiet,
}

/// What a row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// An SLO in this state.
    Burns(SloState),
    /// An alert of this rank fires.
    Fires(SeverityRank),
    /// An incident stands so.
    Open(Status),
    /// Backends do not answer.
    Dead,
    /// Not heard of yet: a context, or an SLO.
    Waits,
    /// All is well.
    Quiet,
    /// Nothing is the matter as far as is seen, which proves nothing.
    Unproven,
    /// There is more of it than is listed.
    More,
}

/// One row of a context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnionRow {
    /// Where enter goes; nothing = to the context.
    pub thing: Option<Thing>,
    /// How urgent.
    pub urgent: Urgent,
    /// What it is.
    pub said: Said,
    /// Remote text, not yet safe; may be empty.
    pub service: String,
    /// Remote text, not yet safe.
    pub words: String,
    /// Since when, where that is known.
    pub since: Option<DateTime<Utc>>,
    /// Who has it: remote text, not yet safe; empty where nobody.
    pub holder: String,
    /// As it was when it was last heard of: whoever tells of it does not answer at present.
    pub is_old: bool,
}

/// How one backend of a context answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// `metrics`, `alertmanager eu-0`.
    pub backend: Arc<str>,
    /// Why it did not, in safe words.
    pub failure: Option<String>,
}

/// What is known of one context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextReport {
    /// Its name.
    pub context: Arc<str>,
    /// Acts there are dangerous.
    pub danger: bool,
    /// When it was last heard of as a whole; nothing before the first time.
    pub at: Option<Tick>,
    /// How its backends answered.
    pub answered: Vec<Answered>,
    /// What it shows.
    pub rows: Vec<UnionRow>,
    /// Whether it would be heard if something fired.
    pub belief: Belief,
}

/// Whether no alert means that nothing fires.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Belief {
    /// What keeps alerts from arriving, in safe words.
    pub faults: Vec<String>,
    /// What leaves it unproven that they would arrive, in safe words.
    pub unproven: Vec<String>,
}

impl Belief {
    /// What the board makes of the way that alerts take. Who does not answer is told of each backend anyway.
    pub fn of(board: Option<&AlertBoard>) -> Self {
        let mut belief = Self::default();
        let safe = |words: &str| SafeText::line(words).into_string();
        let Some(health) = board.map(|board| &board.pipeline) else {
            return belief;
        };
        for fault in &health.faults {
            match fault {
                // Without how long ago: what is kept would go on to say so.
                PipelineFault::WatchdogAbsent { matcher, .. } => belief.faults.push(safe(&format!(
                    "watchdog absent: no alert matches {matcher}; alerts may not get through"
                ))),
                PipelineFault::NotDelivered { name, .. } => belief.faults.push(safe(&format!(
                    "{name} fires in Prometheus, and no Alertmanager has it"
                ))),
                PipelineFault::RulesFailing { example, .. } => {
                    belief
                        .unproven
                        .push(safe(&format!("an alerting rule fails: {example}")));
                }
                PipelineFault::SourceDown { source, .. } if source.starts_with("alertmanager ") => {}
                PipelineFault::SourceDown { cause, .. } => {
                    belief
                        .unproven
                        .push(safe(&format!("the alerting rules are not read: {cause}")));
                }
            }
        }
        belief
            .unproven
            .extend(health.unknown.iter().map(|words| safe(words)));
        belief
    }
}

impl ContextReport {
    /// A context that has not been asked yet.
    pub fn waiting(context: &str, danger: bool) -> Self {
        Self {
            context: context.into(),
            danger,
            at: None,
            answered: Vec::new(),
            rows: Vec::new(),
            belief: Belief::default(),
        }
    }

    /// Backends that did not answer.
    pub fn failures(&self) -> impl Iterator<Item = &Answered> {
        self.answered.iter().filter(|answered| answered.failure.is_some())
    }

    /// Whether nobody there has answered or failed yet.
    pub fn is_unheard(&self) -> bool {
        self.at.is_none() && self.answered.is_empty()
    }

    /// Whether not one backend answered.
    pub fn is_dead(&self) -> bool {
        !self.answered.is_empty() && self.answered.iter().all(|answered| answered.failure.is_some())
    }
}

/// What tells a row from the others while they move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowKey {
    /// Of which context.
    pub context: Arc<str>,
    /// What; nothing = the context's own row.
    pub thing: Option<Thing>,
}

/// The page.
#[derive(Debug, Default)]
pub struct UnionPane {
    /// Whether the others are being watched.
    pub watched: Watched,
    /// What is known of each, in the order of the configuration.
    pub reports: Vec<Arc<ContextReport>>,
    /// Every row, the most urgent first: an index into the reports and the row.
    pub rows: Vec<(usize, UnionRow)>,
    /// The same by what they are about, for the cursor.
    pub keys: Vec<RowKey>,
    /// Cursor.
    pub list: ListState<RowKey>,
    /// Where enter is on its way to: a context, and what of it is to be opened there.
    pub bound: Option<(String, Thing)>,
}

impl UnionPane {
    /// Takes in what was heard of the other contexts, beside the open one's own.
    pub fn take(&mut self, others: &[Arc<ContextReport>], own: ContextReport, order: &[String]) {
        let before = self.reports.drain(..);
        let mut known: BTreeMap<Arc<str>, Arc<ContextReport>> = before
            .map(|report| (Arc::clone(&report.context), report))
            .collect();
        for report in others {
            // What is only being asked again is still as it was, with its age.
            if report.at.is_some() || !report.answered.is_empty() || !known.contains_key(&report.context) {
                known.insert(Arc::clone(&report.context), Arc::clone(report));
            }
        }
        known.insert(Arc::clone(&own.context), Arc::new(own));
        let reports = order.iter().map(|name| {
            let unheard = || Arc::new(ContextReport::waiting(name, false));
            known.remove(name.as_str()).unwrap_or_else(unheard)
        });
        self.reports = reports.collect();
        self.arrange();
    }

    /// The row under the cursor as a line of text.
    pub fn copied(&self) -> Option<String> {
        let (of, row) = self.rows.get(self.list.index)?;
        let context = &self.reports.get(*of)?.context;
        let line = format!("{context} {} {}", row.service, row.words);
        Some(SafeText::line(&line).into_string())
    }

    fn arrange(&mut self) {
        let mut rows: Vec<(usize, UnionRow)> = Vec::new();
        for (index, report) in self.reports.iter().enumerate() {
            rows.extend(report.rows.iter().cloned().map(|row| (index, row)));
            rows.extend(own_row(report).map(|row| (index, row)));
        }
        rows.sort_by_key(|(index, row)| {
            // Where it is dangerous to act it is dangerous to be late; then what nobody has, then what is new.
            let danger = self.reports.get(*index).is_some_and(|report| report.danger);
            (
                row.urgent,
                !danger,
                !row.holder.is_empty(),
                Reverse(row.since),
                *index,
            )
        });
        self.keys = rows
            .iter()
            .map(|(index, row)| RowKey {
                context: self
                    .reports
                    .get(*index)
                    .map_or_else(|| "".into(), |report| Arc::clone(&report.context)),
                thing: row.thing.clone(),
            })
            .collect();
        self.rows = rows;
        self.list.follow(&self.keys);
    }
}

/// What a context says of itself, beside what it shows.
fn own_row(report: &ContextReport) -> Option<UnionRow> {
    let row = |urgent, said, words: String| UnionRow {
        thing: None,
        urgent,
        said,
        service: String::new(),
        words,
        since: None,
        holder: String::new(),
        is_old: false,
    };
    if report.is_unheard() {
        return Some(row(
            Urgent::Waiting,
            Said::Waits,
            "asking its backends…".to_owned(),
        ));
    }
    let mut failures: Vec<String> = report
        .failures()
        .map(|answered| {
            let why = answered.failure.as_deref().unwrap_or_default();
            format!("{}: {why}", answered.backend)
        })
        .collect();
    if !failures.is_empty() {
        let seen = if report.is_dead() {
            "nothing answers: "
        } else {
            failures.extend(report.belief.faults.iter().cloned());
            "not all is seen: "
        };
        return Some(row(
            Urgent::Blind,
            Said::Dead,
            format!("{seen}{}", failures.join("; ")),
        ));
    }
    let Belief { faults, unproven } = &report.belief;
    if !faults.is_empty() {
        return Some(row(Urgent::Blind, Said::Dead, faults.join("; ")));
    }
    if !report.rows.is_empty() {
        return None;
    }
    let has_none = report.answered.is_empty();
    let quiet = if has_none {
        "nothing is configured that could burn, fire or be open"
    } else {
        "nothing burns, fires or is open"
    };
    Some(if has_none || unproven.is_empty() {
        row(Urgent::Quiet, Said::Quiet, quiet.to_owned())
    } else {
        // The reason first: a narrow screen cuts the end.
        let words = format!("{}; beside that {quiet}", unproven.join("; "));
        row(Urgent::Later, Said::Unproven, words)
    })
}

/// Marks the SLOs and incidents of whoever does not answer at present; alerts are marked one by one, by who lists them.
pub fn mark_old(rows: &mut [UnionRow], answered: &[Answered]) {
    let is_metrics = |answered: &&Answered| &*answered.backend == "metrics";
    let fails = |answered: &Answered| answered.failure.is_some();
    let slos = answered.iter().filter(is_metrics).any(fails);
    let incidents = answered
        .iter()
        .filter(|answered| !is_metrics(answered) && !answered.backend.starts_with("alertmanager "))
        .any(fails);
    for row in rows {
        match row.thing {
            Some(Thing::Slo(_)) => row.is_old = slos,
            Some(Thing::Incident(_)) => row.is_old = incidents,
            Some(Thing::Alert(_)) | None => {}
        }
    }
}

/// What a context shows: SLOs that want somebody, firing alerts by name and service, open incidents.
pub fn rows_of(
    slos: Option<&SloBoard>,
    alerts: Option<&AlertBoard>,
    incidents: &[Arc<Incident>],
) -> Vec<UnionRow> {
    let mut rows: Vec<UnionRow> = Vec::new();
    for report in slos.into_iter().flat_map(|board| &board.slos) {
        let urgent = match report.state {
            // Nobody has said yet that there is nothing.
            SloState::NoData if report.is_waiting() => Urgent::Waiting,
            SloState::Page => Urgent::Now,
            SloState::Ticket => Urgent::Soon,
            SloState::Error | SloState::NoData => Urgent::Later,
            SloState::Starting | SloState::Spent | SloState::NoTraffic | SloState::Ok => continue,
        };
        rows.push(UnionRow {
            thing: Some(Thing::Slo(report.slo.name.clone())),
            urgent,
            said: if report.is_waiting() {
                Said::Waits
            } else {
                Said::Burns(report.state)
            },
            service: report.slo.service.clone(),
            words: format!("{} {}", report.slo.name, report.words),
            since: report.burning_since(),
            holder: String::new(),
            is_old: false,
        });
    }
    rows.extend(alerts.into_iter().flat_map(firing));
    for incident in incidents.iter().filter(|incident| incident.status.is_open()) {
        let quiet = incident.urgency == Some(Urgency::Low);
        rows.push(UnionRow {
            thing: Some(Thing::Incident(incident.id.clone())),
            urgent: match incident.status {
                Status::Triggered if !quiet => Urgent::Now,
                Status::Triggered
                | Status::Acknowledged
                | Status::Investigating
                | Status::Identified
                | Status::Monitoring => Urgent::Soon,
                Status::Resolved => Urgent::Later,
            },
            said: Said::Open(incident.status),
            service: incident
                .service
                .as_ref()
                .map_or_else(String::new, |service| service.name.to_string()),
            words: match incident.number {
                Some(number) => format!("#{number} {}", incident.title),
                None => format!("{} {}", incident.id.0, incident.title),
            },
            since: Some(incident.created_at),
            holder: incident
                .acknowledgements
                .first()
                .map_or_else(String::new, |(person, _)| person.name.to_string()),
            is_old: false,
        });
    }
    rows.sort_by_key(|row| (row.urgent, Reverse(row.since)));
    let more = rows.len().saturating_sub(MOST_ROWS);
    if more > 0 {
        rows.truncate(MOST_ROWS);
        rows.push(UnionRow {
            thing: None,
            urgent: Urgent::Later,
            said: Said::More,
            service: String::new(),
            words: format!("{more} more rows: its own panes show them"),
            since: None,
            holder: String::new(),
            is_old: false,
        });
    }
    rows
}

/// Firing alerts, one row for those of a name and a service.
fn firing(board: &AlertBoard) -> Vec<UnionRow> {
    let mut groups: BTreeMap<(&str, &str), Vec<&Arc<Alert>>> = BTreeMap::new();
    let fires = |alert: &&Arc<Alert>| {
        matches!(
            alert.standing(),
            Standing::Unacknowledged | Standing::Acknowledged
        ) && !board.watchdog.contains(&alert.occurrence.fingerprint)
    };
    for alert in board.by_fingerprint.values().filter(fires) {
        groups
            .entry((&*alert.name, &*alert.service))
            .or_default()
            .push(alert);
    }
    let rows = groups.into_iter().filter_map(|((name, service), mut alerts)| {
        alerts.sort_by_key(|alert| {
            (
                alert.standing() != Standing::Unacknowledged,
                alert.rank(),
                alert.occurrence.starts_at,
            )
        });
        let first = alerts.first()?;
        let severity = first.rank();
        let is_free = first.standing() == Standing::Unacknowledged;
        let count = match alerts.len() {
            1 => String::new(),
            many => format!(" ×{many}"),
        };
        Some(UnionRow {
            thing: Some(Thing::Alert(first.occurrence.fingerprint)),
            urgent: match severity {
                SeverityRank::Critical if is_free => Urgent::Now,
                SeverityRank::Critical => Urgent::Soon,
                SeverityRank::Warning if is_free => Urgent::Soon,
                SeverityRank::Warning | SeverityRank::Other | SeverityRank::Info => Urgent::Later,
            },
            said: Said::Fires(severity),
            service: service.to_owned(),
            words: format!("{name}{count}"),
            since: Some(first.occurrence.starts_at),
            holder: match &first.ack {
                crate::domain::alert::AckState::Held(ack) => ack.by.to_string(),
                _ => String::new(),
            },
            is_old: board.is_stale(first),
        })
    });
    rows.collect()
}

impl Model {
    /// The open context, from its own feeds.
    pub fn own_report(&self) -> ContextReport {
        let failure = |status: &FeedStatus| match status {
            FeedStatus::Failed { cause, .. } => Some(SafeText::line(cause).into_string()),
            FeedStatus::Idle | FeedStatus::InFlight { .. } | FeedStatus::NotAsked { .. } => None,
        };
        // Where the logs and the traces are is nothing that burns.
        let told = self.health.iter().filter(|health| {
            !matches!(&*health.name, "logs" | "traces" | "annotations") && !health.name.starts_with("notify")
        });
        let heard = |status: &FeedStatus, at: Option<Tick>| at.is_some() || failure(status).is_some();
        let answered: Vec<Answered> = told
            .clone()
            .filter(|health| heard(&health.status, health.last_good))
            .map(|health| Answered {
                backend: Arc::clone(&health.name),
                failure: failure(&health.status),
            })
            .collect();
        let incidents = self.incidents.feed.value();
        let incidents = incidents.map_or(&[][..], |board| board.incidents.as_slice());
        let alerts = self.alerts.board.as_deref();
        let mut rows = rows_of(self.slo.feed.value(), alerts, incidents);
        mark_old(&mut rows, &answered);
        ContextReport {
            context: self.settings.context.as_str().into(),
            danger: self.settings.danger,
            at: told.filter_map(|health| health.last_good).max(),
            answered,
            rows,
            belief: Belief::of(alerts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::incident::sample;

    fn incident(id: &str, status: Status) -> Arc<Incident> {
        let mut incident = sample::triggered(id);
        incident.status = status;
        Arc::new(incident)
    }

    fn report(context: &str, rows: Vec<UnionRow>, failure: Option<&str>) -> ContextReport {
        ContextReport {
            at: Some(Tick::from_secs(5)),
            answered: vec![Answered {
                backend: "metrics".into(),
                failure: failure.map(str::to_owned),
            }],
            rows,
            ..ContextReport::waiting(context, false)
        }
    }

    fn shown(pane: &UnionPane) -> Vec<String> {
        let rows = pane.rows.iter().zip(&pane.keys);
        rows.map(|((_, row), key)| format!("{} {:?}", key.context, row.urgent))
            .collect()
    }

    #[test]
    fn the_most_urgent_of_all_contexts_stands_first_and_each_has_a_row() {
        let order = ["eu", "us", "dead", "calm", "new"].map(str::to_owned);
        let open = |status| rows_of(None, None, &[incident("Q1", status)]);
        let mut pane = UnionPane::default();
        let others = [
            report("us", open(Status::Triggered), None),
            report("dead", Vec::new(), Some("connection refused")),
            report("calm", Vec::new(), None),
        ];
        let others: Vec<_> = others.into_iter().map(Arc::new).collect();
        pane.take(&others, report("eu", open(Status::Acknowledged), None), &order);
        assert_eq!(
            shown(&pane),
            ["us Now", "dead Blind", "eu Soon", "new Waiting", "calm Quiet"]
        );
        assert!(
            pane.rows[1]
                .1
                .words
                .contains("nothing answers: metrics: connection refused")
        );
    }

    #[test]
    fn what_a_dead_context_showed_before_stays_beside_the_word_that_it_is_dead() {
        let order = ["eu".to_owned(), "us".to_owned()];
        let mut pane = UnionPane::default();
        let rows = rows_of(None, None, &[incident("Q1", Status::Triggered)]);
        let half = ContextReport {
            answered: vec![
                Answered {
                    backend: "metrics".into(),
                    failure: Some("503".into()),
                },
                Answered {
                    backend: "incidents".into(),
                    failure: None,
                },
            ],
            ..report("us", rows, None)
        };
        pane.take(&[Arc::new(half)], report("eu", Vec::new(), None), &order);
        assert_eq!(shown(&pane), ["us Now", "us Blind", "eu Quiet"]);
        assert!(pane.rows[1].1.words.starts_with("not all is seen: metrics: 503"));
    }

    #[test]
    fn a_context_whose_alerts_may_not_arrive_is_not_called_quiet() {
        let mut board = AlertBoard::default();
        board
            .pipeline
            .unknown
            .push("no Alertmanager is configured".into());
        let unproven = ContextReport {
            belief: Belief::of(Some(&board)),
            ..report("us", Vec::new(), None)
        };
        let row = own_row(&unproven).unwrap();
        assert_eq!((row.urgent, row.said), (Urgent::Later, Said::Unproven));
        assert!(
            row.words.starts_with("no Alertmanager is configured;"),
            "{}",
            row.words
        );

        board.pipeline.faults.push(PipelineFault::WatchdogAbsent {
            since: Tick::from_secs(1),
            matcher: "alertname=\"Watchdog\"".into(),
        });
        let rows = rows_of(None, None, &[incident("Q1", Status::Acknowledged)]);
        let blind = ContextReport {
            belief: Belief::of(Some(&board)),
            ..report("us", rows, None)
        };
        let row = own_row(&blind).unwrap();
        assert_eq!((row.urgent, row.said), (Urgent::Blind, Said::Dead));
        assert!(row.words.starts_with("watchdog absent: "), "{}", row.words);
    }

    #[test]
    fn rows_of_who_does_not_answer_are_old_and_others_are_not() {
        let answered = |backend: &str, failure: Option<&str>| Answered {
            backend: backend.into(),
            failure: failure.map(str::to_owned),
        };
        let mut rows = rows_of(None, None, &[incident("Q1", Status::Triggered)]);
        mark_old(
            &mut rows,
            &[answered("metrics", Some("503")), answered("pagerduty", None)],
        );
        assert!(!rows[0].is_old);
        mark_old(&mut rows, &[answered("pagerduty", Some("503"))]);
        assert!(rows[0].is_old);
    }

    #[test]
    fn a_dangerous_context_stands_before_others_that_are_as_urgent() {
        let order = ["eu".to_owned(), "us".to_owned()];
        let rows = || rows_of(None, None, &[incident("Q1", Status::Triggered)]);
        let mut pane = UnionPane::default();
        let danger = ContextReport {
            danger: true,
            ..report("us", rows(), None)
        };
        pane.take(&[Arc::new(danger)], report("eu", rows(), None), &order);
        assert_eq!(shown(&pane), ["us Now", "eu Now"]);
    }

    #[test]
    fn no_context_has_more_rows_than_so_many_and_says_how_many_more_there_are() {
        let many: Vec<_> = (0..MOST_ROWS + 3)
            .map(|n| incident(&format!("Q{n}"), Status::Triggered))
            .collect();
        let rows = rows_of(None, None, &many);
        assert_eq!(rows.len(), MOST_ROWS + 1);
        assert!(rows.last().unwrap().words.starts_with("3 more rows"));
        let over = rows_of(None, None, &[incident("Q1", Status::Resolved)]);
        assert_eq!(over, []);
    }
}
