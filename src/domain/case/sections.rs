//! The page: every part with its rows, none of them empty. What is not known is a row that says so.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::evidence::{Deploy, Evidence, Explained, Known, Of, TraceSeen};
use super::rate::{Change, change};
use super::suspects::{self, Stands, Suspect};
use super::{Case, Clock, Part, Row, RowId, Section, Target, Tone, related};
use crate::domain::alert::{AckState, Alert, AlertState};
use crate::domain::incident::Incident;
use crate::domain::pattern::told_first;
use crate::domain::slo::{SloReport, SloState, duration_in_words};
use crate::domain::trace::scale::lasting_in_column;
use crate::text::{Cut, cut, grouped};

/// Rows of a part that may have many.
const MOST: usize = 6;
/// Cells of a template in a row.
const TEMPLATE: usize = 120;

/// Every part of the page.
pub(super) fn of(
    evidence: &Evidence,
    case: &Case,
    likeliest: Option<&RowId>,
    clock: Clock<'_>,
) -> Vec<Section> {
    let page = Page { evidence, clock };
    [
        (Part::Suspects, page.suspects(case, likeliest)),
        (Part::Alert, page.alert()),
        (Part::Slos, page.slos()),
        (Part::Logs, page.logs()),
        (Part::Traces, page.traces()),
        (Part::Deploys, page.deploys()),
        (Part::Related, page.related()),
        (Part::People, page.people()),
    ]
    .into_iter()
    .map(|(part, mut rows)| {
        let remarks = evidence.remarks.iter().filter(|(of, _)| *of == part);
        rows.extend(remarks.zip(1..).map(|((_, said), number)| {
            let id = format!("{}/remark/{number}", part.word());
            row(&id, "!", said.clone(), Tone::Unknown, None)
        }));
        Section { part, rows }
    })
    .collect()
}

fn row(id: &str, lead: impl Into<String>, text: String, tone: Tone, target: Option<Target>) -> Row {
    Row {
        id: RowId(Arc::from(id)),
        lead: lead.into(),
        head: text.len(),
        text,
        tone,
        target,
    }
}

/// A row that says something and opens nothing.
fn said(part: Part, what: &str, text: impl Into<String>) -> Row {
    row(
        &format!("{}/{what}", part.word()),
        "",
        text.into(),
        Tone::Quiet,
        None,
    )
}

/// The row of what is not known; nothing where it is.
fn unknown<T>(part: Part, known: &Known<T>) -> Option<Row> {
    let (lead, text, tone) = match known {
        Known::Known(_) => return None,
        Known::Looking => ("…", "looking".to_owned(), Tone::Looking),
        Known::Failed(why) => ("?", format!("not known: {why}"), Tone::Unknown),
        Known::Absent(why) => ("–", why.clone(), Tone::Quiet),
    };
    Some(row(&format!("{}/state", part.word()), lead, text, tone, None))
}

/// What came since the numbers were given, and whether it is likelier than the first: numbers stay as they were told.
fn reordered(suspects: &[Suspect], likeliest: Option<&RowId>) -> Option<Row> {
    let came = suspects
        .iter()
        .filter(|suspect| suspect.stands == Stands::Since)
        .count();
    let place = suspects.iter().position(|suspect| Some(&suspect.id) == likeliest);
    let ahead = place.filter(|place| *place > 0);
    if came == 0 && ahead.is_none() {
        return None;
    }
    let mut said = Vec::new();
    if came > 0 {
        said.push(format!("{came} came since the numbers were given"));
    }
    said.extend(ahead.map(|place| match place {
        place if place < Case::MOST_SUSPECTS => format!("the likeliest now is {}", place + 1),
        _ => "the likeliest now has no number".to_owned(),
    }));
    Some(row(Row::REORDERED, "!", said.join("; "), Tone::Plain, None))
}

struct Page<'a> {
    evidence: &'a Evidence,
    clock: Clock<'a>,
}

impl Page<'_> {
    fn ago(&self, at: DateTime<Utc>) -> String {
        duration_in_words((self.evidence.now - at).to_std().unwrap_or_default())
    }

    fn clock(&self, at: DateTime<Utc>) -> String {
        (self.clock)(at)
    }

    /// The parts that suspects come from, each with how it stands.
    fn sources(&self) -> [(Part, Option<Row>); 3] {
        let evidence = self.evidence;
        [
            (Part::Deploys, unknown(Part::Deploys, &evidence.deploys)),
            (Part::Logs, unknown(Part::Logs, &evidence.logs)),
            (Part::Traces, unknown(Part::Traces, &evidence.traces)),
        ]
    }

    fn suspects(&self, case: &Case, likeliest: Option<&RowId>) -> Vec<Row> {
        let suspects = &case.suspects;
        let mut rows: Vec<Row> = (1..)
            .zip(suspects)
            .map(|(number, suspect)| {
                let has_number = case.suspect(number).is_some();
                let (said, tone) = match suspect.stands {
                    Stands::Ranked => ("", Tone::Strong),
                    Stands::Since => ("new: ", Tone::Strong),
                    Stands::Gone => ("", Tone::Quiet),
                };
                Row {
                    id: suspect.id.clone(),
                    lead: if has_number {
                        number.to_string()
                    } else {
                        "·".to_owned()
                    },
                    head: said.len() + suspect.words.len(),
                    text: format!("{said}{} · {}", suspect.words, suspect.evidence),
                    tone,
                    target: suspect.target.clone(),
                }
            })
            .collect();
        rows.extend(reordered(suspects, likeliest));
        let sources = self.sources();
        let named = |tone: Tone| -> Vec<&'static str> {
            let of = sources
                .iter()
                .filter(|(_, row)| row.as_ref().is_some_and(|row| row.tone == tone));
            of.map(|(part, _)| match part {
                Part::Deploys => "deploys",
                Part::Logs => "logs",
                _ => "traces",
            })
            .collect()
        };
        let (looking, failed, absent) = (named(Tone::Looking), named(Tone::Unknown), named(Tone::Quiet));
        if !looking.is_empty() {
            let numbers = if case.are_numbered || suspects.is_empty() {
                ""
            } else {
                "; numbers when these have answered"
            };
            let text = format!("looking at {}{numbers}", looking.join(", "));
            rows.push(row("suspects/looking", "…", text, Tone::Looking, None));
        }
        if !failed.is_empty() {
            let text = format!(
                "not known: {}; what they would say is missing here",
                failed.join(", ")
            );
            rows.push(row("suspects/failed", "?", text, Tone::Unknown, None));
        }
        if suspects.is_empty() && looking.is_empty() {
            let known = 3 - failed.len() - absent.len();
            let text = match (known, absent.is_empty()) {
                (0, _) => "nothing to go by: no deploys, logs or traces are known here".to_owned(),
                (3, _) => "nothing points anywhere: no deploy of it in the hour before, no log pattern new or spiking, \
                           traces as before"
                    .to_owned(),
                (_, true) => "nothing in what is known points anywhere".to_owned(),
                (_, false) => format!("nothing in what is known points anywhere; not asked: {}", absent.join(", ")),
            };
            rows.insert(0, said(Part::Suspects, "none", text));
        }
        rows
    }

    fn alert(&self) -> Vec<Row> {
        let part = Part::Alert;
        let Known::Known(alert) = &self.evidence.alert else {
            return unknown(part, &self.evidence.alert).into_iter().collect();
        };
        let Some(alert) = alert else {
            let of = match (&self.evidence.of, &self.evidence.service) {
                (_, Some(service)) => format!("no alert of {service} fires"),
                (Of::Incident, None) => "no alert on the board belongs to the incident".to_owned(),
                (Of::Alert | Of::Slo(_) | Of::Service, None) => "no alert is known".to_owned(),
            };
            return vec![said(part, "none", of)];
        };
        let fingerprint = alert.occurrence.fingerprint;
        let mut rows = vec![row(
            "alert/own",
            severity(alert),
            self.alert_words(alert),
            Tone::Plain,
            Some(Target::Alert(fingerprint)),
        )];
        if let Some(summary) = alert.summary() {
            rows.push(row(
                "alert/summary",
                "",
                summary.to_owned(),
                Tone::Plain,
                Some(Target::Alert(fingerprint)),
            ));
        }
        rows.push(match alert.runbook() {
            Some(url) => {
                let target = Some(Target::Runbook(fingerprint));
                row("alert/runbook", "runbook", url.to_owned(), Tone::Plain, target)
            }
            None => said(part, "runbook", "it names no runbook (annotation runbook_url)"),
        });
        rows
    }

    /// `HighErrorRate checkout · firing 12 min, since 03:02Z · unacknowledged`.
    fn alert_words(&self, alert: &Alert) -> String {
        let mut text = alert.name.to_string();
        if !alert.service.is_empty() {
            let _ = write!(text, " {}", alert.service);
        }
        if let Some(place) = related::place_of(alert) {
            let _ = write!(text, " {place}");
        }
        let since = alert.occurrence.starts_at;
        let state = match alert.state {
            AlertState::Active | AlertState::Unprocessed => "firing",
            AlertState::Suppressed => "suppressed",
            AlertState::Resolved => "resolved",
            AlertState::Gone => "gone",
        };
        let _ = write!(
            text,
            " · {state} {}, since {}",
            self.ago(since),
            self.clock(since)
        );
        match &alert.ack {
            AckState::Held(ack) => {
                let _ = write!(text, " · acknowledged by {}", self.evidence.us.called(&ack.by));
            }
            AckState::Partly(part) => {
                let _ = write!(
                    text,
                    " · acknowledged in part by {}",
                    self.evidence.us.called(&part.ack.by)
                );
            }
            AckState::None | AckState::HiddenBy(_) => {}
        }
        text
    }

    fn slos(&self) -> Vec<Row> {
        let part = Part::Slos;
        let Known::Known(slos) = &self.evidence.slos else {
            return unknown(part, &self.evidence.slos).into_iter().collect();
        };
        if slos.is_empty() {
            return vec![said(
                part,
                "none",
                match &self.evidence.service {
                    Some(service) => format!("no SLO is of {service}"),
                    None => "it names no service that an SLO could be of".to_owned(),
                },
            )];
        }
        let told = slos.iter().take(MOST).map(|report| {
            let id = format!("slos/{}", report.slo.name);
            let tone = match report.state {
                SloState::Page | SloState::Ticket => Tone::Strong,
                SloState::Error | SloState::NoData | SloState::NoTraffic => Tone::Unknown,
                SloState::Starting | SloState::Spent | SloState::Ok => Tone::Plain,
            };
            let target = Some(Target::Slo(report.slo.name.clone()));
            row(&id, report.state.word(), slo_words(report), tone, target)
        });
        let mut rows: Vec<Row> = told.collect();
        rows.extend(more(part, slos.len().saturating_sub(MOST)));
        rows
    }

    fn logs(&self) -> Vec<Row> {
        let part = Part::Logs;
        let Known::Known(lines) = &self.evidence.logs else {
            return unknown(part, &self.evidence.logs).into_iter().collect();
        };
        let mut told: Vec<_> = lines
            .patterns
            .iter()
            .filter_map(|pattern| {
                let change = change(pattern.before, pattern.since);
                let words = suspects::told(pattern, change, lines.is_sample, self.clock)?;
                Some((pattern, words))
            })
            .collect();
        told.sort_by_key(|(pattern, _)| (std::cmp::Reverse(pattern.level), pattern.first));
        let count = told.len();
        let mut rows: Vec<Row> = told
            .into_iter()
            .take(MOST)
            .map(|(pattern, words)| {
                let template = told_first(&pattern.template);
                let template = cut(&template, TEMPLATE, Cut::End);
                row(
                    &format!("logs/{}/{}", pattern.level, pattern.template),
                    self.clock(pattern.first),
                    format!("{} · {words} · {template}", pattern.level.word()),
                    Tone::Plain,
                    Some(suspects::target(pattern)),
                )
            })
            .collect();
        rows.extend(more(part, count.saturating_sub(MOST)));
        let read = format!(
            "{} lines read since, {} of the hour before",
            grouped(lines.since),
            grouped(lines.before)
        );
        let read = if lines.is_sample {
            format!("{read}: a sample, there are more")
        } else {
            read
        };
        let unsure = lines.since > 0 && lines.before == 0;
        rows.push(match (count, unsure) {
            (_, true) => said(
                part,
                "read",
                format!("no line of the hour before: what is new is not known; {read}"),
            ),
            (0, false) => said(part, "read", format!("no pattern is new or spiking; {read}")),
            (_, false) => said(part, "read", read),
        });
        rows.extend(remarks(part, &lines.remarks));
        rows
    }

    fn traces(&self) -> Vec<Row> {
        let part = Part::Traces;
        let Known::Known(traces) = &self.evidence.traces else {
            return unknown(part, &self.evidence.traces).into_iter().collect();
        };
        let change = change(traces.before, traces.since);
        let s = if traces.since.count == 1 { "" } else { "s" };
        let (count, covered) = (traces.since.count, duration_in_words(traces.since.covered));
        // the time that the newest cover is not how long it lasts
        let since = if traces.is_cut {
            format!("the newest {count} failed trace{s} came within {covered}")
        } else {
            format!("{count} failed trace{s} in {covered} since")
        };
        let mut text = format!(
            "{since}, {} in {} before",
            traces.before.count,
            duration_in_words(traces.before.covered),
        );
        match change {
            Change::New => text.push_str(": new"),
            Change::Risen(times) => {
                let _ = write!(text, ": {times:.0}× as often"); // writing to a String cannot fail
            }
            Change::Fallen => text.push_str(": far fewer than before"),
            Change::Same => text.push_str(": as before"),
            Change::Unknown => text.push_str(": too little is known of the time before"),
        }
        if let Some(slower) = traces.slower.filter(|slower| slower.is_slower()) {
            let column =
                |span: Duration| lasting_in_column(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX));
            let _ = write!(
                text,
                "; the slowest twentieth from {} on, before {}",
                column(slower.since),
                column(slower.before)
            );
        }
        let target = self.evidence.service.clone().map(Target::Traces);
        let mut rows = vec![row("traces/rate", "", text, Tone::Plain, target)];
        rows.extend(traces.read.iter().map(|trace| self.trace(trace)));
        if traces.read.is_empty() {
            rows.push(said(part, "none", "no failed trace to read"));
        }
        rows.extend(remarks(part, &traces.remarks));
        rows
    }

    fn trace(&self, trace: &TraceSeen) -> Row {
        let (text, tone) = match &trace.explained {
            Ok(Explained { line, .. }) => (format!("{} · {line}", self.clock(trace.at)), Tone::Plain),
            Err(why) => (
                format!("{} · not read: {why}", self.clock(trace.at)),
                Tone::Unknown,
            ),
        };
        let id = format!("traces/{}", trace.id);
        row(&id, trace.why.word(), text, tone, Some(Target::Trace(trace.id)))
    }

    fn deploys(&self) -> Vec<Row> {
        let part = Part::Deploys;
        let Known::Known(deploys) = &self.evidence.deploys else {
            return unknown(part, &self.evidence.deploys).into_iter().collect();
        };
        let began = self.evidence.began.at;
        let from = began - Evidence::BEFORE;
        let within: Vec<&Deploy> = deploys.list.iter().filter(|deploy| from <= deploy.at).collect();
        let mut rows: Vec<Row> = within
            .iter()
            .take(MOST)
            .map(|deploy| {
                let what = self.evidence.began.by.words();
                let away = suspects::away(deploy.at, began, &what);
                let mut text = format!("{} · {away}", deploy.title());
                let own = self.evidence.service.as_deref();
                if !deploy.services.is_empty()
                    && own.is_some_and(|own| !deploy.names(own, &self.evidence.names))
                {
                    text.push_str(" · another service");
                }
                let service = deploy
                    .services
                    .first()
                    .cloned()
                    .or_else(|| self.evidence.service.clone());
                row(
                    &format!("deploys/{}/{}", deploy.at.timestamp_millis(), deploy.title()),
                    self.clock(deploy.at),
                    text,
                    Tone::Plain,
                    service.map(|service| Target::Logs(service, deploy.at)),
                )
            })
            .collect();
        if rows.is_empty() {
            rows.push(said(
                part,
                "none",
                format!("no deploy mark since {}", self.clock(from)),
            ));
        }
        rows.extend(more(part, within.len().saturating_sub(MOST)));
        rows.extend(remarks(part, deploys.partial.as_slice()));
        rows
    }

    fn related(&self) -> Vec<Row> {
        let part = Part::Related;
        let Known::Known(alerts) = &self.evidence.related else {
            return unknown(part, &self.evidence.related).into_iter().collect();
        };
        if alerts.is_empty() {
            return vec![said(
                part,
                "none",
                "no other alert of this service, incident or host",
            )];
        }
        let told = alerts.iter().take(related::MOST).map(|(alert, relation)| {
            let fingerprint = alert.occurrence.fingerprint;
            let text = format!("{} · {}", self.alert_words(alert), relation.words());
            let id = format!("related/{fingerprint}");
            row(
                &id,
                severity(alert),
                text,
                Tone::Plain,
                Some(Target::Alert(fingerprint)),
            )
        });
        let mut rows: Vec<Row> = told.collect();
        rows.extend(more(part, alerts.len().saturating_sub(related::MOST)));
        rows
    }

    fn people(&self) -> Vec<Row> {
        let part = Part::People;
        let mut rows = Vec::new();
        match &self.evidence.incidents {
            Known::Known(incidents) if incidents.is_empty() => {
                rows.push(said(part, "incident", "no incident is known of it"));
            }
            Known::Known(incidents) => rows.extend(incidents.iter().take(MOST).map(|incident| {
                let id = format!("people/{}", incident.id);
                let target = Some(Target::Incident(incident.id.clone()));
                let lead = incident.status.word();
                row(&id, lead, self.incident_words(incident), Tone::Plain, target)
            })),
            state => rows.extend(unknown(part, state).map(|row| Row {
                id: RowId("people/incident".into()),
                head: 0,
                text: format!("incidents: {}", row.text),
                ..row
            })),
        }
        match &self.evidence.on_call {
            Known::Known(duties) if duties.is_empty() => {
                rows.push(said(part, "oncall", "nobody is known to be on call"));
            }
            Known::Known(duties) => {
                let mut levels: Vec<String> = Vec::new();
                for duty in duties.iter().take(MOST) {
                    levels.push(format!(
                        "{} (level {}, {})",
                        self.evidence.us.person(&duty.person),
                        duty.level,
                        duty.policy.name
                    ));
                }
                rows.push(row(
                    "people/oncall",
                    "on call",
                    levels.join(" · "),
                    Tone::Plain,
                    Some(Target::OnCall),
                ));
            }
            state => rows.extend(unknown(part, state).map(|row| Row {
                id: RowId("people/oncall".into()),
                head: 0,
                text: format!("on call: {}", row.text),
                ..row
            })),
        }
        rows
    }

    /// `#4711 SEV2 checkout errors · mara, acknowledged 11 min ago`.
    fn incident_words(&self, incident: &Incident) -> String {
        let mut text = match incident.number {
            Some(number) => format!("#{number} "),
            None => format!("{} ", incident.id),
        };
        if let Some(severity) = &incident.severity {
            let _ = write!(text, "{severity} ");
        }
        text.push_str(&incident.title);
        let names: Vec<&str> = incident
            .assignees
            .iter()
            .map(|person| self.evidence.us.person(person))
            .collect();
        if names.is_empty() {
            text.push_str(" · nobody has it");
        } else {
            let _ = write!(text, " · {}", names.join(", "));
        }
        if let Some((person, at)) = incident.acknowledgements.last() {
            let _ = write!(
                text,
                " · acknowledged by {} {} ago",
                self.evidence.us.person(person),
                self.ago(*at)
            );
        }
        text
    }
}

fn severity(alert: &Alert) -> String {
    alert.severity.as_deref().unwrap_or("alert").to_owned()
}

/// `checkout-availability · 18× normal errors for 41 min · 41% of the budget left · 5m 24.0×, 1h 18.2×`: what matters first,
/// for a long row is cut.
fn slo_words(report: &SloReport) -> String {
    let mut text = report.slo.name.clone();
    if !report.words.is_empty() {
        let _ = write!(text, " · {}", report.words);
    }
    // Its words say how far it is overspent.
    if let Some(budget) = report.budget.as_ref().filter(|budget| budget.remaining > 0.0) {
        let _ = write!(text, " · {:.0}% of the budget left", budget.remaining * 100.0);
    }
    let windows: Vec<String> = report
        .windows
        .iter()
        .filter_map(|window| Some(format!("{} {:.1}×", window.window.name(), window.burn_rate?)))
        .collect();
    if !windows.is_empty() {
        let _ = write!(text, " · {}", windows.join(", "));
    }
    text
}

fn more(part: Part, count: usize) -> Option<Row> {
    (count > 0).then(|| said(part, "more", format!("{count} more")))
}

fn remarks(part: Part, remarks: &[String]) -> impl Iterator<Item = Row> {
    remarks.iter().zip(1..).map(move |(said, number)| {
        row(
            &format!("{}/partial/{number}", part.word()),
            "!",
            format!("not whole: {said}"),
            Tone::Unknown,
            None,
        )
    })
}
