//! The hand-over of a shift: what the next engineer must know, in at most [`MOST_LINES`] lines.
//!
//! Sections stand by urgency; where the lines do not suffice, rows are shared out evenly, and what is left out
//! is counted. What could not be asked is said, never taken for nothing. Start at [`handoff`].

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};

use super::markdown::{inline, short};
use crate::domain::alert::{
    AckState, Alert, AlertBoard, BoardSilence, Flaps, IsAck, SilenceState, Standing, ack, matcher,
};
use crate::domain::document::Remarks;
use crate::domain::incident::link::Links;
use crate::domain::incident::table::{called, people};
use crate::domain::incident::{Incident, IncidentId, Status};
use crate::domain::oncall::{Roster, table::next};
use crate::domain::slo::{SloBoard, SloState, Spent, duration_in_words};
use crate::domain::timeline::reading::length_in_words;
use crate::domain::timeline::{Event, EventKind, Todo};
use crate::time::short_age;

/// A hand-over is read at the change of a shift, not studied.
pub const MOST_LINES: usize = 60;
/// Silences that end so soon are the next shift's business.
const EXPIRING: TimeDelta = TimeDelta::hours(12);
/// The widest a row grows: a document has no width, and titles stand whole (PagerDuty's have 1024 characters at most);
/// what a server may send beyond that is a wall.
const WIDEST: usize = 1_200;

/// Everything a hand-over is made of.
#[derive(Debug, Clone, Copy)]
pub struct Shift<'a> {
    /// The context.
    pub context: &'a str,
    /// Begin of the shift.
    pub since: DateTime<Utc>,
    /// Now.
    pub now: DateTime<Utc>,
    /// Alerts and silences; nothing where no Alertmanager is configured.
    pub board: Option<&'a AlertBoard>,
    /// Open incidents, and those that ended in the shift.
    pub incidents: &'a [Incident],
    /// Which alerts belong to incidents that somebody has.
    pub links: &'a Links,
    /// What was seen in the shift.
    pub events: &'a [(Option<IncidentId>, Event)],
    /// SLOs now; nothing where none are configured.
    pub slos: Option<&'a SloBoard>,
    /// What they lost in the shift.
    pub spent: &'a [Spent],
    /// Follow-ups that are open, each with what its incident is called.
    pub todos: &'a [(String, Todo)],
    /// Who is on call, now and next.
    pub roster: Option<&'a Roster>,
    /// Escalations that are not delivered, or ask: a line each.
    pub undelivered: &'a [String],
    /// Of what not everybody could be asked.
    pub unheard: &'a [Subject],
    /// What could not be asked.
    pub remarks: &'a Remarks,
}

/// Something that keepers of incidents are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Which there are.
    Incidents,
    /// What happened, and what was said.
    Stories,
    /// Who is on call.
    OnCall,
}

impl Shift<'_> {
    /// What is said where a section is empty: nothing, where that is not known.
    fn none(&self, of: Subject, words: &'static str) -> &'static str {
        if self.unheard.contains(&of) { "" } else { words }
    }
}

struct Section {
    title: String,
    rows: Vec<String>,
    /// Said where there are no rows.
    none: &'static str,
}

/// The hand-over, as Markdown of at most [`MOST_LINES`] lines.
pub fn handoff(shift: &Shift<'_>) -> String {
    let sections = [
        undelivered(shift),
        firing(shift),
        acknowledged(shift),
        open_incidents(shift),
        budgets(shift),
        silences(shift),
        flappers(shift),
        todos(shift),
        ended(shift),
        on_call(shift),
    ];
    let span = (shift.now - shift.since).to_std().unwrap_or_default();
    let mut head = vec![
        format!("# Hand-over: {}", inline(shift.context)),
        String::new(),
        format!(
            "{} to {}, {}. Times are UTC.",
            shift.since.format("%Y-%m-%d %H:%MZ"),
            shift.now.format("%Y-%m-%d %H:%MZ"),
            length_in_words(span)
        ),
    ];
    let missing = missing(shift);
    if !missing.is_empty() {
        head.push(String::new());
        head.extend(limited(&missing, 4));
    }
    let nothing: Vec<&str> = sections
        .iter()
        .filter(|section| section.rows.is_empty() && !section.none.is_empty())
        .map(|section| section.none)
        .collect();
    let said: Vec<&Section> = sections
        .iter()
        .filter(|section| !section.rows.is_empty())
        .collect();
    // a heading and the blank lines around it
    let fixed = head.len() + 3 * said.len() + if nothing.is_empty() { 0 } else { 2 };
    let counts: Vec<usize> = said.iter().map(|section| section.rows.len()).collect();
    let shares = shares(&counts, MOST_LINES.saturating_sub(fixed));
    let mut lines = head;
    for (section, share) in said.iter().zip(shares) {
        lines.push(String::new());
        lines.push(format!("## {}", section.title));
        lines.push(String::new());
        lines.extend(limited(&section.rows, share));
    }
    if !nothing.is_empty() {
        lines.push(String::new());
        lines.push(format!("Nothing: {}.", nothing.join(", ")));
    }
    lines.truncate(MOST_LINES);
    lines.join("\n") + "\n"
}

/// How many lines each gets of `room`: evenly, the first ones first, nobody more than it has.
fn shares(counts: &[usize], room: usize) -> Vec<usize> {
    let mut shares = vec![0; counts.len()];
    let mut left = room;
    while left > 0 {
        let mut given = 0;
        for (share, count) in shares.iter_mut().zip(counts) {
            if *share < *count && left > 0 {
                *share += 1;
                left -= 1;
                given += 1;
            }
        }
        if given == 0 {
            break;
        }
    }
    shares
}

/// At most so many lines, the last of them saying how many are left out.
fn limited(rows: &[String], share: usize) -> Vec<String> {
    if rows.len() <= share {
        return rows.to_vec();
    }
    let kept = share.saturating_sub(1);
    let mut lines: Vec<String> = rows.iter().take(kept).cloned().collect();
    if share > 0 {
        lines.push(format!("- … and {} more", rows.len() - kept));
    }
    lines
}

fn missing(shift: &Shift<'_>) -> Vec<String> {
    let failures = shift.remarks.errors.iter();
    let failures = failures.map(|failure| format!("{}: {}", failure.backend, failure.message));
    let others = shift.remarks.partial.iter().cloned();
    let warnings = shift.remarks.warnings.iter();
    let unknown = shift
        .board
        .filter(|board| !board.is_known())
        .map(|_| "alerts are not known: no Alertmanager is believed".to_owned());
    failures
        .chain(others)
        .chain(unknown)
        .map(|words| format!("> Not known: {}", short(&words, WIDEST)))
        .chain(warnings.map(|words| format!("> {}", short(words, WIDEST))))
        .collect()
}

/// The incident that an alert surely belongs to, where somebody has that one.
fn taken_with<'a>(shift: &Shift<'a>, alert: &Alert) -> Option<&'a Incident> {
    let linked = shift.links.of_alert(alert.occurrence.fingerprint).iter();
    linked.filter(|(_, by)| by.is_sure()).find_map(|(id, _)| {
        let taken = |incident: &&Incident| {
            incident.id == *id && incident.status.is_open() && incident.status != Status::Triggered
        };
        shift.incidents.iter().find(taken)
    })
}

/// What it asks of the next engineer: one whose incident somebody has is not nobody's.
fn standing(shift: &Shift<'_>, alert: &Alert) -> Standing {
    match alert.standing() {
        Standing::Unacknowledged if taken_with(shift, alert).is_some() => Standing::Acknowledged,
        standing => standing,
    }
}

fn alerts<'a>(shift: &Shift<'a>, wanted: Standing) -> Vec<&'a Alert> {
    let Some(board) = shift.board else {
        return Vec::new();
    };
    let mut alerts: Vec<&Alert> = board
        .by_fingerprint
        .iter()
        .filter(|(fingerprint, alert)| {
            standing(shift, alert) == wanted && !board.watchdog.contains(fingerprint)
        })
        .map(|(_, alert)| &**alert)
        .collect();
    alerts.sort_by_key(|alert| {
        (
            alert.rank(),
            alert.occurrence.starts_at,
            alert.occurrence.fingerprint,
        )
    });
    alerts
}

fn age(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    short_age((now - at).to_std().unwrap_or_default())
}

fn called_alert(alert: &Alert) -> String {
    let severity = alert.severity.as_deref().unwrap_or("-");
    format!("{} {} {}", severity, alert.name, alert.service)
}

/// The same alert on many instances is one row.
fn rows_of(alerts: &[&Alert], words: impl Fn(&Alert) -> String) -> Vec<String> {
    let mut rows: Vec<(String, usize)> = Vec::new();
    for alert in alerts {
        let row = format!("{}{}", called_alert(alert).trim_end(), words(alert));
        match rows.iter_mut().find(|(known, _)| *known == row) {
            Some((_, count)) => *count += 1,
            None => rows.push((row, 1)),
        }
    }
    rows.into_iter()
        .map(|(row, count)| {
            let times = if count > 1 {
                format!(" ×{count}")
            } else {
                String::new()
            };
            format!("- {}{times}", short(&row, WIDEST))
        })
        .collect()
}

fn firing(shift: &Shift<'_>) -> Section {
    let alerts = alerts(shift, Standing::Unacknowledged);
    Section {
        title: format!("Firing, nobody has it ({})", alerts.len()),
        rows: rows_of(&alerts, |alert| {
            format!(", for {}", age(alert.occurrence.starts_at, shift.now))
        }),
        // where it is not known, it is not said
        none: if shift.board.is_some_and(AlertBoard::is_known) {
            "firing unacknowledged"
        } else {
            ""
        },
    }
}

fn acknowledged(shift: &Shift<'_>) -> Section {
    let alerts = alerts(shift, Standing::Acknowledged);
    Section {
        title: format!("Acknowledged, still firing ({})", alerts.len()),
        rows: rows_of(&alerts, |alert| {
            let fires = age(alert.occurrence.starts_at, shift.now);
            match &alert.ack {
                AckState::Held(ack) => {
                    let until = ack.until.format("%H:%MZ");
                    format!(
                        ", {} has it for {}, fires for {fires}, lapses {until}",
                        ack.by,
                        age(ack.at, shift.now)
                    )
                }
                AckState::None | AckState::Partly(_) | AckState::HiddenBy(_) => {
                    let by = taken_with(shift, alert).map(|incident| taker(incident, shift.now));
                    format!("{}, fires for {fires}", by.unwrap_or_default())
                }
            }
        }),
        none: if shift.board.is_some_and(AlertBoard::is_known) {
            "acknowledged and firing"
        } else {
            ""
        },
    }
}

/// `, Mara has #4711 for 10m`: who took the incident of an alert, as far as its keeper tells.
fn taker(incident: &Incident, now: DateTime<Utc>) -> String {
    let called = called(incident);
    match incident.acknowledgements.last() {
        Some((person, at)) => format!(", {} has {called} for {}", person.name, age(*at, now)),
        None => format!(", {called} is {}", incident.status.word()),
    }
}

fn incident_row(incident: &Incident, now: DateTime<Utc>) -> String {
    let who = if incident.assignees.is_empty() {
        "nobody".to_owned()
    } else {
        people(&incident.assignees)
    };
    // since it was taken, where that is known: its age is another figure
    let since = match (incident.status, incident.acknowledgements.last()) {
        (Status::Acknowledged, Some((_, at))) => format!(" for {}", age(*at, now)),
        _ => String::new(),
    };
    format!(
        "- {}",
        short(
            &format!(
                "{} {} {}{since}, {} old, {who}: {}",
                called(incident),
                incident.severity.as_deref().unwrap_or("-"),
                incident.status.word(),
                age(incident.created_at, now),
                incident.title
            ),
            WIDEST
        )
    )
}

fn open_incidents(shift: &Shift<'_>) -> Section {
    let open: Vec<&Incident> = shift.incidents.iter().filter(|i| i.status.is_open()).collect();
    Section {
        title: format!("Open incidents ({})", open.len()),
        rows: open
            .iter()
            .map(|incident| incident_row(incident, shift.now))
            .collect(),
        none: shift.none(Subject::Incidents, "open incidents"),
    }
}

fn ended(shift: &Shift<'_>) -> Section {
    let ended: Vec<&Incident> = shift
        .incidents
        .iter()
        .filter(|incident| incident.resolved_at.is_some_and(|at| at >= shift.since))
        .collect();
    let row = |incident: &&Incident| {
        let end = incident.resolved_at.unwrap_or(shift.now);
        let length = (end - incident.created_at).to_std().unwrap_or_default();
        let words = format!(
            "{} {}, ended {} after {}",
            called(incident),
            incident.title,
            end.format("%H:%MZ"),
            length_in_words(length)
        );
        format!("- {}", short(&words, WIDEST))
    };
    Section {
        title: format!("Ended in the shift ({})", ended.len()),
        rows: ended.iter().map(row).collect(),
        none: shift.none(Subject::Incidents, "incidents that ended"),
    }
}

fn budgets(shift: &Shift<'_>) -> Section {
    /// Less of the budget is noise.
    const WORTH_SAYING: f64 = 0.005;
    let reports = shift.slos.map_or(&[][..], |board| &board.slos);
    let mut rows: Vec<(f64, String)> = Vec::new();
    for report in reports {
        let slo = &report.slo;
        let spent = shift
            .spent
            .iter()
            .find(|spent| spent.slo == slo.name && spent.service == slo.service);
        let cost = spent.and_then(|spent| spent.spent);
        // what burns first, then what cannot be seen, then what has nothing left, then what cost most
        let urgency = match report.state {
            SloState::Page => 3e9,
            SloState::Ticket => 2e9,
            SloState::Error | SloState::NoData => 1e9,
            SloState::Starting => 5e8,
            SloState::Spent => 1e8,
            SloState::NoTraffic | SloState::Ok => 0.0,
        };
        if urgency == 0.0 && cost.is_none_or(|cost| cost < WORTH_SAYING) {
            continue;
        }
        let state = match report.state {
            SloState::Spent => "budget spent",
            state => state.word(),
        };
        let mut words = format!("{} {state}", slo.name);
        if let Some(cost) = cost {
            let _ = write!(words, ", spent {:.1} %", cost * 100.0); // a String takes all
        }
        if let Some(why) = spent.and_then(|spent| spent.why.as_deref()) {
            let _ = write!(words, " ({why})"); // a String takes all
        }
        if let Some(budget) = &report.budget {
            let _ = match budget.remaining * 100.0 {
                left if left < 0.0 => write!(words, ", {:.1} % over", -left), // a String takes all
                left => write!(words, ", {left:.1} % left"),
            };
            if let Some(left) = budget.empties_in() {
                let _ = write!(words, ", gone in {}", duration_in_words(left)); // a String takes all
            }
        }
        rows.push((
            urgency + cost.unwrap_or(0.0),
            format!("- {}", short(&words, WIDEST)),
        ));
    }
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    Section {
        title: format!("Budgets ({})", rows.len()),
        rows: rows.into_iter().map(|(_, row)| row).collect(),
        none: if shift.slos.is_some() { "budgets spent" } else { "" },
    }
}

fn silences(shift: &Shift<'_>) -> Section {
    let mut told: BTreeMap<(&str, &str), &BoardSilence> = BTreeMap::new();
    for row in shift.board.map_or(&[][..], |board| &board.silences) {
        let silence = &row.silence;
        let made = silence.starts_at >= shift.since;
        let expires = silence.state == SilenceState::Active && silence.ends_at <= shift.now + EXPIRING;
        if row.ack == IsAck::No && (made || expires) {
            told.entry((&row.cluster, &silence.id)).or_insert(row);
        }
    }
    let mut told: Vec<&BoardSilence> = told.into_values().collect();
    let over = |row: &&BoardSilence| row.silence.state == SilenceState::Expired;
    told.sort_by_key(|row| (over(row), row.silence.ends_at));
    let row = |row: &&BoardSilence| {
        let silence = &row.silence;
        let end = match silence.state {
            SilenceState::Expired => format!("ended {}", silence.ends_at.format("%H:%MZ")),
            SilenceState::Active | SilenceState::Pending => format!(
                "ends {} (in {})",
                silence.ends_at.format("%m-%d %H:%MZ"),
                age(shift.now, silence.ends_at)
            ),
        };
        let words = format!(
            "{end}, hides {}, {} by {}: {}",
            row.matches,
            matcher::display_list(&silence.matchers),
            silence.created_by,
            ack::without_marker(&silence.comment)
        );
        format!("- {}", short(&words, WIDEST))
    };
    Section {
        title: format!("Silences made, or ending within 12 h ({})", told.len()),
        rows: told.iter().map(row).collect(),
        none: if shift
            .board
            .is_some_and(|board| board.silences_unknown().is_none())
        {
            "silences made or ending"
        } else {
            ""
        },
    }
}

fn flappers(shift: &Shift<'_>) -> Section {
    let mut fired: BTreeMap<(String, String), u32> = BTreeMap::new();
    for (_, event) in shift.events {
        if event.kind == EventKind::AlertFired && event.at >= shift.since {
            let of = |name: &str| event.refs.get(name).map(ToString::to_string).unwrap_or_default();
            *fired.entry((of("name"), of("alert"))).or_default() += 1;
        }
    }
    // one label set that comes and goes flaps; many that fire once do not
    let mut worst: BTreeMap<String, u32> = BTreeMap::new();
    for ((name, _), count) in fired {
        let most = worst.entry(name).or_default();
        *most = (*most).max(count);
    }
    for alert in shift.board.iter().flat_map(|board| board.by_fingerprint.values()) {
        let most = worst.entry(alert.name.to_string()).or_default();
        *most = (*most).max(u32::from(alert.flaps.0));
    }
    let mut rows: Vec<(String, u32)> = worst
        .into_iter()
        .filter(|(_, count)| *count >= u32::from(Flaps::MARK))
        .collect();
    rows.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Section {
        title: format!("Flapping ({})", rows.len()),
        rows: rows
            .iter()
            .map(|(name, count)| format!("- {} fired {count} times", short(name, WIDEST)))
            .collect(),
        none: if shift.board.is_none_or(AlertBoard::is_known) {
            "flappers"
        } else {
            ""
        },
    }
}

/// Who was to be woken sleeps on: before anything else.
fn undelivered(shift: &Shift<'_>) -> Section {
    let rows = shift.undelivered.iter();
    Section {
        title: format!("Escalations not delivered ({})", shift.undelivered.len()),
        rows: rows.map(|words| format!("- {}", short(words, WIDEST))).collect(),
        none: "",
    }
}

fn todos(shift: &Shift<'_>) -> Section {
    let row = |(of, todo): &(String, Todo)| {
        let who = todo.actor.as_deref().unwrap_or("-");
        format!("- [ ] {}", short(&format!("{of}: {} ({who})", todo.text), WIDEST))
    };
    Section {
        title: format!("Follow-ups ({})", shift.todos.len()),
        rows: shift.todos.iter().map(row).collect(),
        none: shift.none(Subject::Stories, "follow-ups"),
    }
}

fn on_call(shift: &Shift<'_>) -> Section {
    let Some(roster) = shift.roster else {
        return Section {
            title: String::new(),
            rows: Vec::new(),
            none: "",
        };
    };
    let mut rows: Vec<String> = Vec::new();
    for duty in roster.at(shift.now) {
        let now = &duty.person.name;
        let until = duty.end.map_or_else(
            || "for good".to_owned(),
            |end| format!("until {}", end.format("%m-%d %H:%MZ")),
        );
        let then = next(roster, duty).map_or_else(String::new, |next| format!(", then {}", next.person.name));
        let row = format!(
            "- {}",
            short(
                &format!("{} level {}: {now} {until}{then}", duty.policy.name, duty.level),
                WIDEST
            )
        );
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    Section {
        title: "On call".to_owned(),
        rows,
        none: shift.none(Subject::OnCall, "on call"),
    }
}
