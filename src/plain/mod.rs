//! The console as lines: what changes is told in words, one line an event, for ears and for pipes.
//!
//! A second view over the same [`Model`]: it remembers what it told last and tells what is otherwise now, so that nothing
//! is lost while nobody takes lines, and nothing is told twice. No escape sequence is ever in a line, no box and no colour.
//! What is typed goes to the model as [`Msg::Typed`](crate::app::Msg); the loop is [`runtime::plain`](crate::runtime::plain).
//! Start at [`Plain::tell`].

mod doubt;
mod page;
mod query;
mod swing;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use ratatui::layout::Size;

use crate::app::feed::Status as Asked;
use crate::app::focus::{Detail, Page};
use crate::app::incidents::short;
use crate::app::modal::{Confirm, ConfirmLine, Menu, Modal, Pick};
use crate::app::toast::{Level, Toast};
use crate::app::{BackendHealth, Model};
use crate::domain::alert::{AckState, Alert, AlertBoard, Fingerprint, Labels, PipelineFault, Standing};
use crate::domain::incident::{Incident, IncidentId, Level as EscalationLevel};
use crate::domain::oneself::Us;
use crate::domain::slo::{SloReport, SloState};
use crate::text::SafeText;
use crate::time::{Now, Tick, short_age};
use swing::{End, Swings, Turn};

/// What pages are laid out in, where lines are all there is.
pub const SIZE: Size = Size::new(96, 200);
/// Of one kind that is told at once so many lines; of the rest how many there are.
const AT_ONCE: usize = 40;
/// What the words of a line answer to, beside the palette's.
const HELP: [&str; 7] = [
    "status: everything as it stands now",
    "ack NAME, unack NAME: alerts by name, service or id, or an incident by number",
    "escalate, resolve, reassign, page, snooze, priority and an incident's number; who is asked about is said first",
    "slo NAME, open NUMBER: opens a page and reads it; show reads the open page again; back closes it",
    "context NAME, and every other command of the palette by its whole name",
    "a question is answered by a line: y or yes, or the word it asks for; anything else leaves it undone",
    "quit ends",
];

/// How lines say when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamp {
    /// The time of day: somebody listens.
    Time,
    /// Day and time: it is kept.
    Moment,
}

/// What somebody wants to hear once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Everything as it stands.
    Status,
    /// The open page.
    Page,
    /// What can be typed.
    Help,
}

impl Wish {
    /// The wish of a line that is no command.
    pub fn of(line: &str) -> Option<Self> {
        match line.trim() {
            "status" => Some(Self::Status),
            "show" => Some(Self::Page),
            "help" | "?" => Some(Self::Help),
            _ => None,
        }
    }
}

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Telling {
    /// What is otherwise than was told last.
    Changes,
    /// Everything as it stands: what nobody has answered yet is named too.
    Everything,
}

/// Why a list is not what there is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Doubt {
    /// Nobody has answered yet, or nobody is there to be asked.
    Unheard(String),
    /// Who is asked fails.
    Failed(String),
}

/// What was told last.
#[derive(Debug, Clone)]
pub struct Plain {
    stamp: Stamp,
    /// Who is told.
    us: Us,
    /// Nothing before the first board.
    alerts: Option<BTreeMap<Fingerprint, Arc<Alert>>>,
    /// Its state, and whether its period had been read by then.
    slos: Option<BTreeMap<String, (SloState, bool)>>,
    incidents: Option<BTreeMap<IncidentId, Arc<Incident>>>,
    /// Backends that fail, and why.
    failing: BTreeMap<Arc<str>, String>,
    answered: BTreeSet<Arc<str>>,
    /// Lists of which was told that they are not known.
    doubted: Swings<&'static str>,
    /// That backends fail.
    fails: Swings<Arc<str>>,
    toasts: Vec<Toast>,
    question: Option<Vec<String>>,
    page: Option<PageTold>,
    /// That nobody was woken.
    undelivered: Option<String>,
    /// Why the queue cannot be believed.
    faults: Swings<String>,
}

/// A page that was read out.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PageTold {
    of: Detail,
    /// It waited for its answer: it is read again when that is there.
    awaited: bool,
    /// When the query's answer came: the next one is another page.
    answered: Option<Tick>,
}

impl Plain {
    /// Nothing told yet.
    pub fn new(stamp: Stamp) -> Self {
        Self {
            stamp,
            us: Us::default(),
            alerts: None,
            slos: None,
            incidents: None,
            failing: BTreeMap::new(),
            answered: BTreeSet::new(),
            doubted: Swings::new(End::AtOnce),
            fails: Swings::new(End::AtOnce),
            toasts: Vec::new(),
            question: None,
            page: None,
            undelivered: None,
            faults: Swings::new(End::Held),
        }
    }

    /// What is otherwise than was told last: safe lines, oldest first.
    pub fn tell(&mut self, model: &Model, now: Now) -> Vec<String> {
        self.told(model, Telling::Changes, now)
    }

    fn told(&mut self, model: &Model, telling: Telling, now: Now) -> Vec<String> {
        let mut told = Vec::new();
        self.us = model.us();
        self.backends(&model.health, now.tick, &mut told);
        let doubt = doubt::alerts(model);
        self.doubt("alerts", doubt.as_ref(), telling, now.tick, &mut told);
        if let Some(board) = &model.alerts.board {
            self.alerts(board, doubt.as_ref(), now, &mut told);
        }
        let doubt = doubt::slos(model, &self.failing);
        self.doubt("SLOs", doubt.as_ref(), telling, now.tick, &mut told);
        if let Some(board) = model.slo.board() {
            self.slos(&board.slos, doubt.as_ref(), &mut told);
        }
        let doubt = doubt::incidents(model, &self.failing);
        self.doubt("incidents", doubt.as_ref(), telling, now.tick, &mut told);
        if let Some(board) = model.incidents.feed.shared() {
            let gone = |was: &Incident| model.incidents.gone(was, &model.us());
            self.incidents(&board.incidents, gone, doubt.as_ref(), &mut told);
        }
        self.trouble(model, now, &mut told);
        self.said(model, &mut told);
        let mut lines: Vec<String> = told.iter().map(|words| self.line(words, now.utc)).collect();
        lines.extend(self.page(model, now));
        lines.extend(self.question(model));
        lines
    }

    /// What somebody wants to hear once more.
    pub fn answer(&mut self, wish: Wish, model: &Model, now: Now) -> Vec<String> {
        match wish {
            Wish::Help => HELP.iter().map(|&line| line.to_owned()).collect(),
            Wish::Page => match model.detail() {
                Some(_) => page::lines(model, now),
                None => vec!["no page is open: slo NAME or open NUMBER opens one".to_owned()],
            },
            Wish::Status => {
                (self.alerts, self.slos, self.incidents) = (None, None, None);
                self.failing.clear();
                self.fails.clear();
                self.answered.clear();
                self.doubted.clear();
                // What stands in the way is no news, and still the first to be known.
                self.faults.clear();
                self.undelivered = None;
                self.told(model, Telling::Everything, now)
            }
        }
    }

    /// Whether a question was told that is open.
    pub fn asks(&self) -> Option<usize> {
        self.question.as_ref().map(Vec::len)
    }

    fn line(&self, words: &str, at: DateTime<Utc>) -> String {
        let at = match self.stamp {
            Stamp::Time => at.format("%H:%M:%SZ"),
            Stamp::Moment => at.format("%Y-%m-%dT%H:%M:%SZ"),
        };
        SafeText::line(&format!("{at} {words}")).into_string()
    }

    /// Says that a list is not known before anything of it is counted, and once it is known again.
    fn doubt(
        &mut self,
        what: &'static str,
        doubt: Option<&Doubt>,
        telling: Telling,
        now: Tick,
        told: &mut Vec<String>,
    ) {
        told.extend(match (doubt, telling) {
            (Some(Doubt::Failed(why)), _) | (Some(Doubt::Unheard(why)), Telling::Everything) => {
                self.doubted.on(&what, now).map(|turn| match turn {
                    Turn::Began => format!("{what}: not known ({why})"),
                    Turn::Returned => format!("{what}: not known on and off ({why})"),
                })
            }
            (Some(Doubt::Unheard(_)), Telling::Changes) => None,
            (None, _) => {
                let is_over = self.doubted.off(&what, now);
                is_over.then(|| format!("{what}: known again"))
            }
        });
    }

    fn alerts(&mut self, board: &AlertBoard, doubt: Option<&Doubt>, now: Now, told: &mut Vec<String>) {
        let shown = board
            .by_fingerprint
            .iter()
            .filter(|(fingerprint, _)| !board.watchdog.contains(fingerprint));
        let present: BTreeMap<Fingerprint, Arc<Alert>> = shown
            .map(|(fingerprint, alert)| (*fingerprint, Arc::clone(alert)))
            .collect();
        // No alert of nobody who was heard is no count.
        if doubt.is_some() && present.is_empty() {
            return;
        }
        let Some(before) = self.alerts.replace(present.clone()) else {
            let mut standing: Vec<&Arc<Alert>> = present
                .values()
                .filter(|alert| alert.standing() != Standing::Over)
                .collect();
            standing.sort_by_key(|alert| (alert.standing(), alert.rank(), alert.occurrence.starts_at));
            let reach = reach(doubt);
            told.push(format!("alerts: {} on the board{reach}", standing.len()));

            let words = standing
                .iter()
                .map(|alert| format!("alert {}", stands(alert, &self.us, now)));
            some(words, "alerts", told);
            return;
        };
        let changed = present.values().filter_map(|alert| {
            let was = before.get(&alert.occurrence.fingerprint);
            changed(was.map(|was| &**was), alert, &self.us, now)
        });
        let gone = before.iter().filter(|(fingerprint, was)| {
            !present.contains_key(fingerprint) && was.standing() != Standing::Over
        });
        let gone = gone.map(|(_, was)| format!("alert over: {}", called(was)));
        some(changed.chain(gone), "alerts", told);
    }

    fn slos(&mut self, reports: &[Arc<SloReport>], doubt: Option<&Doubt>, told: &mut Vec<String>) {
        // A board of nothing but questions is no answer.
        if doubt.is_some() && reports.iter().all(|report| doubt::is_unread(report)) {
            return;
        }
        // What has not been read is no state: it is told when it has one.
        let read = || reports.iter().filter(|report| !report.is_waiting());
        let is_first = self.slos.is_none();
        let before = self.slos.take().unwrap_or_default();
        let mut present = before.clone();
        present.retain(|name, _| reports.iter().any(|report| report.slo.name == *name));
        present.extend(read().map(|report| {
            let is_whole = report.budget.is_some();
            (report.slo.name.clone(), (report.state, is_whole))
        }));
        self.slos = Some(present);
        let are_read_now = before.len() < reports.len() && read().count() == reports.len();
        let changed = read().filter_map(|report| {
            let was = before.get(&report.slo.name).copied();
            // Nothing of its budget was known: it is not spent since.
            let was = was.filter(|(_, is_whole)| *is_whole || report.state != SloState::Spent);
            let was = was.map(|(state, _)| state);
            // At first what is well need not be told one by one.
            if was == Some(report.state) || (was.is_none() && report.state == SloState::Ok) {
                return None;
            }
            let name = &report.slo.name;
            let was = was.map_or_else(String::new, |was| format!(", was {}", state(was)));
            let words = match report.state {
                SloState::Ok => String::new(),
                _ if report.words.is_empty() => String::new(),
                _ => format!(": {}", report.words),
            };
            Some(format!("SLO {}: {name}{was}{words}", state(report.state)))
        });
        if is_first || are_read_now {
            let well = reports
                .iter()
                .filter(|report| report.state == SloState::Ok)
                .count();
            let awaited = match reports.len() - read().count() {
                0 => String::new(),
                awaited => format!(", {awaited} waited for"),
            };
            told.push(format!(
                "SLOs: {well} of {} ok{awaited}{}",
                reports.len(),
                reach(doubt)
            ));
        }
        some(changed, "SLOs", told);
    }

    /// What became of incidents; `gone_as` says of one that it is listed no more.
    fn incidents(
        &mut self,
        incidents: &[Arc<Incident>],
        gone_as: impl Fn(&Incident) -> String,
        doubt: Option<&Doubt>,
        told: &mut Vec<String>,
    ) {
        if doubt.is_some() && incidents.is_empty() {
            return;
        }
        let heard = self.incidents.take();
        let known = |incident: &Arc<Incident>| {
            let was = heard.as_ref().and_then(|before| before.get(&incident.id));
            match was {
                // A level that cannot be told for a while is still the one that it was.
                Some(was) if incident.level == EscalationLevel::Unknown => Arc::new(Incident {
                    level: was.level.clone(),
                    ..Incident::clone(incident)
                }),
                Some(_) | None => Arc::clone(incident),
            }
        };
        let present: BTreeMap<IncidentId, Arc<Incident>> = incidents
            .iter()
            .map(|incident| (incident.id.clone(), known(incident)))
            .collect();
        self.incidents = Some(present.clone());
        let Some(before) = heard else {
            let open: Vec<&Arc<Incident>> = incidents
                .iter()
                .filter(|incident| incident.status.is_open())
                .collect();
            told.push(format!("incidents: {} open{}", open.len(), reach(doubt)));
            some(
                open.iter().map(|incident| opened("incident", incident, &self.us)),
                "incidents",
                told,
            );
            return;
        };
        let mut words = Vec::new();
        for incident in incidents {
            match before.get(&incident.id) {
                None if incident.status.is_open() => words.push(opened("incident new:", incident, &self.us)),
                None => {}
                Some(was) => words.extend(moved(was, incident, &self.us)),
            }
        }
        let gone = before
            .iter()
            .filter(|(id, was)| was.status.is_open() && !present.contains_key(*id));
        words.extend(gone.map(|(_, was)| format!("incident {} {}", short(was), gone_as(was))));
        some(words.into_iter(), "incidents", told);
    }

    fn backends(&mut self, health: &[BackendHealth], now: Tick, told: &mut Vec<String>) {
        for backend in health {
            let name = &backend.name;
            let words = match &backend.status {
                Asked::Failed { cause, .. } => {
                    self.failing.insert(Arc::clone(name), cause.to_string());
                    self.fails.on(name, now).map(|turn| match turn {
                        Turn::Began => format!("backend {name} fails: {cause}"),
                        Turn::Returned => format!("backend {name} fails on and off: {cause}"),
                    })
                }
                // A question that is under way is no answer yet.
                Asked::InFlight { .. } if self.failing.contains_key(name) => None,
                Asked::Idle | Asked::InFlight { .. } | Asked::NotAsked { .. } => {
                    self.failing.remove(name);
                    let is_good = backend.last_good.is_some();
                    let is_again = self.fails.off(name, now) && is_good;
                    let is_first = is_good && self.answered.insert(Arc::clone(name));
                    if is_again {
                        Some(format!("backend {name} answers again"))
                    } else {
                        is_first.then(|| format!("backend {name} answers"))
                    }
                }
            };
            told.extend(words);
        }
    }

    /// What must not wait in silence: that nobody was woken, that alerts may not arrive.
    fn trouble(&mut self, model: &Model, now: Now, told: &mut Vec<String>) {
        let undelivered = crate::view::undelivered(model, now);
        if undelivered != self.undelivered {
            told.push(match &undelivered {
                Some(words) => format!("urgent: {words}"),
                None => "nobody is left to be phoned: what was undelivered is seen to".to_owned(),
            });
            self.undelivered = undelivered;
        }
        let Some(board) = &model.alerts.board else { return };
        let faults: BTreeMap<String, String> = board.pipeline.faults.iter().map(fault).collect();
        let past = self.faults.names();
        for (name, words) in &faults {
            if self.faults.on(name, now.tick).is_some() {
                told.push(format!("alerts may not arrive: {words}"));
            }
        }
        let over = past.iter().filter(|name| !faults.contains_key(*name));
        let ended = over.filter(|name| self.faults.off(name, now.tick)).count();
        if ended > 0 && self.faults.is_over() {
            told.push("alerts arrive again, as far as that can be proven".to_owned());
        }
    }

    fn said(&mut self, model: &Model, told: &mut Vec<String>) {
        let present = model.toasts.all();
        let new = present.iter().filter(|toast| !self.toasts.contains(toast));
        told.extend(new.map(|toast| match toast.level {
            Level::Info => format!("note: {}", toast.text),
            Level::Warn => format!("warning: {}", toast.text),
            Level::Error => format!("error: {}", toast.text),
        }));
        self.toasts = present.to_vec();
    }

    /// The page that was opened, read once, and again when what it waited for is there.
    fn page(&mut self, model: &Model, now: Now) -> Vec<String> {
        let open = model.detail().map(|of| PageTold {
            of: of.clone(),
            awaited: model.is_page_awaited(),
            answered: match of {
                Detail::Page(Page::Query) => model.query.answer.as_ref().map(|(at, _)| *at),
                _ => None,
            },
        });
        if open == self.page {
            return Vec::new();
        }
        self.page.clone_from(&open);
        match open {
            Some(_) => page::lines(model, now),
            None => vec!["the page is closed".to_owned()],
        }
    }

    /// The open question, told once, and again where it is another.
    fn question(&mut self, model: &Model) -> Vec<String> {
        let asked = match &model.modal {
            Some(Modal::Confirm(confirm)) => Some(asked(confirm)),
            Some(Modal::Menu(menu)) => Some(offered(menu)),
            Some(Modal::Pick(pick)) => picked(pick),
            Some(
                Modal::Help { .. }
                | Modal::Health { .. }
                | Modal::Palette(_)
                | Modal::Prompt(_)
                | Modal::Composer(_)
                | Modal::Compose(_),
            )
            | None => None,
        };
        let safe = |lines: Vec<String>| -> Vec<String> {
            lines
                .iter()
                .map(|line| SafeText::line(line).into_string())
                .collect()
        };
        let asked = asked.map(safe);
        if asked == self.question {
            return Vec::new();
        }
        self.question.clone_from(&asked);
        asked.unwrap_or_default()
    }
}

/// What keeps alerts from arriving: what it is called, and in words. What failed as an example is no name.
fn fault(fault: &PipelineFault) -> (String, String) {
    let words = match fault {
        PipelineFault::WatchdogAbsent { matcher, .. } => format!("the watchdog {matcher} is absent"),
        PipelineFault::SourceDown { source, .. } => format!("{source} cannot be asked"),
        PipelineFault::NotDelivered { name, .. } => {
            format!("Prometheus fires {name}, and no Alertmanager has it")
        }
        PipelineFault::RulesFailing { example, .. } => {
            return (
                "rules".to_owned(),
                format!("rules fail to be evaluated: {example}"),
            );
        }
    };
    (words.clone(), words)
}

/// What a count is worth.
fn reach(doubt: Option<&Doubt>) -> &'static str {
    match doubt {
        Some(Doubt::Unheard(_) | Doubt::Failed(_)) => ", as far as is known",
        None => "",
    }
}

/// Some lines of many, and how many there are beside them.
fn some(words: impl Iterator<Item = String>, what: &str, told: &mut Vec<String>) {
    let mut words = words;
    told.extend(words.by_ref().take(AT_ONCE));
    match words.count() {
        0 => {}
        more => told.push(format!("and {more} more {what}")),
    }
}

/// An alert by name and service, and by the label that tells it from its siblings: no group's head stands above a line.
fn called(alert: &Alert) -> String {
    let telling = alert.telling_label(&Labels::default());
    let service = Some(&*alert.service).filter(|service| !service.is_empty());
    let words: Vec<&str> = [Some(&*alert.name), service, telling]
        .into_iter()
        .flatten()
        .collect();
    words.join(" ")
}

/// An alert as it stands: severity, name, since when, whose, and what it says of itself.
fn stands(alert: &Alert, us: &Us, now: Now) -> String {
    let severity = alert.severity.as_deref().unwrap_or("of no severity");
    let mut words = format!("{severity} {}", called(alert));
    // Writing to a string cannot fail.
    let _ = write!(words, ", for {}", short_age(alert.age(now)));
    match (alert.standing(), &alert.ack) {
        (Standing::Acknowledged, AckState::Held(ack)) => {
            let _ = write!(words, ", acknowledged by {}", us.called(&ack.by));
        }
        (Standing::Acknowledged, _) => words.push_str(", acknowledged"),
        (Standing::Unacknowledged, _) => words.push_str(", nobody has it"),
        (Standing::Suppressed, _) => words.push_str(", silenced or held back"),
        (Standing::Over, _) => words.push_str(", over"),
    }
    if let Some(summary) = alert.summary() {
        let _ = write!(words, ": {summary}");
    }
    words
}

/// What became of an alert since it was told of.
fn changed(was: Option<&Alert>, alert: &Alert, us: &Us, now: Now) -> Option<String> {
    let standing = alert.standing();
    let Some(was) = was.filter(|was| was.occurrence == alert.occurrence && was.standing() != Standing::Over)
    else {
        return (standing != Standing::Over).then(|| format!("alert new: {}", stands(alert, us, now)));
    };
    let name = called(alert);
    let held = |alert: &Alert| match &alert.ack {
        AckState::Held(ack) => Some((Arc::clone(&ack.by), ack.until)),
        AckState::None | AckState::Partly(_) | AckState::HiddenBy(_) => None,
    };
    let acknowledged = |by: &str, until: DateTime<Utc>| {
        let (by, until) = (us.called(by), until.format("%H:%M"));
        format!("alert acknowledged: {name}, by {by} until {until}Z")
    };
    if was.standing() == standing {
        let (before, present) = (held(was), held(alert));
        return match (before, present) {
            (Some((before, _)), Some((by, until))) if before != by => Some(acknowledged(&by, until)),
            _ => None,
        };
    }
    Some(match (standing, held(alert)) {
        (Standing::Over, _) => format!("alert over: {name}, after {}", short_age(alert.age(now))),
        (Standing::Acknowledged, Some((by, until))) => acknowledged(&by, until),
        (Standing::Acknowledged, None) => format!("alert acknowledged: {name}"),
        (Standing::Suppressed, _) => format!("alert silenced or held back: {name}"),
        (Standing::Unacknowledged, _) => match was.standing() {
            Standing::Acknowledged => format!("alert acknowledged no more: {}", stands(alert, us, now)),
            Standing::Unacknowledged | Standing::Suppressed | Standing::Over => {
                format!("alert fires again: {}", stands(alert, us, now))
            }
        },
    })
}

fn state(state: SloState) -> &'static str {
    match state {
        SloState::NoData => "without data",
        SloState::NoTraffic => "without traffic",
        SloState::Page
        | SloState::Ticket
        | SloState::Starting
        | SloState::Error
        | SloState::Spent
        | SloState::Ok => state.word(),
    }
}

fn whose(incident: &Incident, us: &Us) -> String {
    if incident.assignees.is_empty() {
        return "nobody's".to_owned();
    }
    let names: Vec<&str> = incident
        .assignees
        .iter()
        .map(|person| us.person(person))
        .collect();
    format!("assigned to {}", names.join(", "))
}

fn opened(what: &str, incident: &Incident, us: &Us) -> String {
    let severity = incident
        .severity
        .as_deref()
        .map_or_else(String::new, |word| format!(" {word}"));
    format!(
        "{what} {}{severity}, {}, {}: {}",
        short(incident),
        incident.status.word(),
        whose(incident, us),
        incident.title
    )
}

/// What changed of an incident.
fn moved(was: &Incident, is: &Incident, us: &Us) -> Option<String> {
    let mut words = Vec::new();
    if was.status != is.status {
        words.push(format!("{}, was {}", is.status.word(), was.status.word()));
    }
    if was.assignees != is.assignees {
        words.push(whose(is, us));
    }
    if was.severity != is.severity {
        words.push(format!("severity {}", is.severity.as_deref().unwrap_or("none")));
    }
    if was.level.surely_differs(&is.level) {
        words.push(format!("now at {}", is.level.words()));
    }
    if was.title != is.title {
        words.push(format!("now called {}", is.title));
    }
    (!words.is_empty()).then(|| format!("incident {}: {}", short(is), words.join("; ")))
}

/// A question with what it will hit, and how it is answered.
fn asked(confirm: &Confirm) -> Vec<String> {
    let mut lines = vec![format!("question: {}", confirm.title)];
    lines.extend(confirm.lines.iter().map(|line| match line {
        ConfirmLine::Plain(text) => text.clone(),
        ConfirmLine::Warning(text) => format!("warning: {text}"),
        ConfirmLine::Argument { text, from } if from.is_empty() => format!("argument: {text}"),
        ConfirmLine::Argument { text, from } => format!("argument: {text} (from {})", from.join(", ")),
    }));
    lines.push(match confirm.typed.first() {
        Some(typed) => format!(
            "type {} ({}), or an empty line to leave it undone",
            typed.want, typed.what
        ),
        None => "y or yes does it, anything else leaves it undone [y/N]".to_owned(),
    });
    lines
}

fn offered(menu: &Menu) -> Vec<String> {
    let mut lines = vec![format!("choose: {}", menu.title)];
    lines.extend(
        menu.items
            .iter()
            .map(|item| format!("{}: {}", item.key, item.label)),
    );
    lines.push("type the letter, or an empty line to leave it".to_owned());
    lines
}

/// A list to choose from; nothing while it is asked for.
fn picked(pick: &Pick) -> Option<Vec<String>> {
    let mut lines = vec![format!("choose: {}", pick.title)];
    lines.extend(pick.lines.iter().map(|line| match line {
        ConfirmLine::Plain(text) | ConfirmLine::Argument { text, .. } => text.clone(),
        ConfirmLine::Warning(text) => format!("warning: {text}"),
    }));
    match pick.items.as_ref()? {
        Err(why) => lines.push(format!("there is no list: {why}")),
        Ok(items) => {
            let found = pick.hits.iter().filter_map(|&hit| items.get(hit)).take(AT_ONCE);
            lines.extend(found.zip(1..).map(|(item, number)| {
                let note = if item.note.is_empty() {
                    String::new()
                } else {
                    format!(", {}", item.note)
                };
                let why = item
                    .leads
                    .as_ref()
                    .err()
                    .map_or_else(String::new, |why| format!(" (not: {why})"));
                format!("{number}: {}{note}{why}", item.name)
            }));
        }
    }
    lines.push("type the number, or letters of it to find it, or an empty line to leave it".to_owned());
    Some(lines)
}
