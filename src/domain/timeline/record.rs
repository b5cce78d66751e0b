//! What this console saw and what was done in it, as events for the journal.
//!
//! Several consoles write one journal, and each is opened and closed: an event therefore carries what makes it
//! the same for all of them. A firing has its `key` (fingerprint and start), which the journal keeps once; a
//! burn rule has no start that all would agree on, so it carries a `subject`, and the journal takes only what
//! differs from the last thing it holds of that subject. Start at [`Recorder`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{Delivery, Event, EventKind, Starred};
use crate::domain::alert::{Alert, AlertBoard, AlertState, Fingerprint, Occurrence};
use crate::domain::incident::IncidentId;
use crate::domain::slo::{RuleReport, RuleState, SloBoard, SloReport};
use crate::time::Now;

/// Sources that disagree about a start by less mean the same firing: replicas of a rule are evaluated apart.
const SAME_START: TimeDelta = TimeDelta::seconds(60);

/// One event as it goes into the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEvent {
    /// Kept once: the same for every console that sees the same thing.
    pub key: Arc<str>,
    /// What alternates: not kept where the last event of this subject is of the same kind.
    pub subject: Option<Arc<str>>,
    /// The incident it belongs to; nothing = the shift's.
    pub incident: Option<IncidentId>,
    /// When.
    pub at: DateTime<Utc>,
    /// What kind.
    pub kind: EventKind,
    /// Who.
    pub actor: Option<Arc<str>>,
    /// Where it was learnt.
    pub source: Arc<str>,
    /// In words; remote text, not yet safe.
    pub text: Arc<str>,
    /// What it points at.
    pub refs: BTreeMap<Arc<str>, Arc<str>>,
}

impl JournalEvent {
    /// As an event of a timeline, where the journal has not numbered it.
    pub fn event(&self) -> Event {
        Event {
            id: Arc::clone(&self.key),
            at: self.at,
            kind: self.kind,
            actor: self.actor.clone(),
            source: Arc::clone(&self.source),
            text: Arc::clone(&self.text),
            refs: self.refs.clone(),
            delivery: Delivery::Local,
            starred: Starred::No,
        }
    }
}

/// The firings on a board that began since then: where no console recorded them, they are told all the same.
pub fn firing(board: &AlertBoard, since: DateTime<Utc>, now: Now) -> Vec<Event> {
    let told = Recorder::default().alerts(board, now);
    told.iter()
        .filter(|event| event.at >= since)
        .map(JournalEvent::event)
        .collect()
}

/// What the engineer did in the console, beside the acts that the outbox has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command<'a> {
    /// Who.
    pub actor: &'a str,
    /// For which incident; nothing = the shift's.
    pub incident: Option<&'a IncidentId>,
    /// In words: `opened the runbook of HighErrorRate`.
    pub text: String,
    /// What it points at: `url`, `query`, `value`, `alert`, `outbox`, …
    pub refs: Vec<(&'static str, String)>,
}

impl Command<'_> {
    /// As an event of the journal.
    pub fn event(self, now: Now) -> JournalEvent {
        let at = now.utc.to_rfc3339_opts(SecondsFormat::Nanos, true);
        JournalEvent {
            key: format!("command:{}:{at}:{}", self.actor, self.text).into(),
            subject: None,
            incident: self.incident.cloned(),
            at: now.utc,
            kind: EventKind::Command,
            actor: Some(self.actor.into()),
            source: "console".into(),
            text: self.text.into(),
            refs: self
                .refs
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        }
    }
}

/// How far a firing has been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Fired,
    Gone,
    Resolved,
}

/// Remembers what it told last, and tells what is new.
#[derive(Debug, Clone, Default)]
pub struct Recorder {
    alerts: BTreeMap<Fingerprint, (DateTime<Utc>, Told)>,
    /// Fired as the journal has it, not seen by this console yet.
    open: BTreeMap<Fingerprint, (DateTime<Utc>, Arc<str>)>,
    rules: BTreeMap<Arc<str>, RuleState>,
}

impl Recorder {
    /// One that goes on from the firings whose end the journal does not know, each with its name.
    pub fn resume(open: impl IntoIterator<Item = (Occurrence, Arc<str>)>) -> Self {
        Self {
            open: open
                .into_iter()
                .map(|(occurrence, name)| (occurrence.fingerprint, (occurrence.starts_at, name)))
                .collect(),
            ..Self::default()
        }
    }

    /// What the board tells that the one before did not: fired, resolved, gone.
    pub fn alerts(&mut self, board: &AlertBoard, now: Now) -> Vec<JournalEvent> {
        let mut events = Vec::new();
        let mut listed = BTreeSet::new();
        for (&fingerprint, alert) in board.by_fingerprint.iter() {
            if board.watchdog.contains(&fingerprint) {
                continue;
            }
            listed.insert(fingerprint);
            self.alert(fingerprint, alert, now, &mut events);
        }
        // What ended while no console was open; only a board that every source answered for proves it.
        let whole = board.is_known() && board.sources.iter().all(|source| source.fault.is_none());
        if whole {
            for (fingerprint, (starts_at, name)) in std::mem::take(&mut self.open) {
                if !listed.contains(&fingerprint) && !self.alerts.contains_key(&fingerprint) {
                    events.push(ended_unseen(fingerprint, starts_at, &name, now));
                }
            }
            self.alerts.retain(|fingerprint, _| listed.contains(fingerprint));
        }
        events
    }

    fn alert(&mut self, fingerprint: Fingerprint, alert: &Alert, now: Now, events: &mut Vec<JournalEvent>) {
        let mut starts_at = alert.occurrence.starts_at;
        let known = self
            .alerts
            .get(&fingerprint)
            .copied()
            .or_else(|| self.open.get(&fingerprint).map(|(at, _)| (*at, Told::Fired)));
        let before = known.and_then(|(before, told)| {
            let same = is_same_start(starts_at, before);
            if same {
                starts_at = before;
            }
            same.then_some(told)
        });
        let (told, kind) = match alert.state {
            AlertState::Active | AlertState::Suppressed | AlertState::Unprocessed => {
                (Told::Fired, EventKind::AlertFired)
            }
            AlertState::Gone => (Told::Gone, EventKind::AlertGone),
            AlertState::Resolved => (Told::Resolved, EventKind::AlertResolved),
        };
        if before.is_none() && told != Told::Fired {
            // its begin was never told: it is, so that its end has something to end
            events.push(alert_event(alert, starts_at, EventKind::AlertFired, now));
        }
        let news = match (before, told) {
            (Some(before), told) if before == told => false,
            // out of sight for a poll and back is the same firing; what resolved does not go once more
            (Some(Told::Gone | Told::Resolved), Told::Fired) | (Some(Told::Resolved), Told::Gone) => false,
            (Some(_) | None, _) => true,
        };
        if news {
            events.push(alert_event(alert, starts_at, kind, now));
        }
        self.alerts.insert(fingerprint, (starts_at, told));
    }

    /// What the board tells that the one before did not: burn rules that began or ceased to fire.
    pub fn slos(&mut self, board: &SloBoard, now: Now) -> Vec<JournalEvent> {
        let mut events = Vec::new();
        for report in &board.slos {
            for line in &report.rules {
                let kind = match line.state {
                    RuleState::Firing => EventKind::BurnStarted,
                    RuleState::Recovering | RuleState::Starting | RuleState::Quiet => EventKind::BurnStopped,
                    // not known is not stopped
                    RuleState::Unknown => continue,
                };
                let subject = subject(report, line);
                let before = self.rules.insert(Arc::clone(&subject), line.state);
                let fired = before.map(|state| state == RuleState::Firing);
                if fired != Some(line.state == RuleState::Firing) {
                    let mut event = burn_event(report, line, subject, kind, now);
                    if before.is_none() && kind == EventKind::BurnStarted {
                        began_before(&mut event, report.firing_since(line));
                    }
                    events.push(event);
                }
            }
        }
        events
    }
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Whether two starts that were told of one alert mean the same firing to a recorder.
pub fn is_same_start(one: DateTime<Utc>, other: DateTime<Utc>) -> bool {
    (one - other).abs() < SAME_START
}

/// How the keys of all events of this kind of one alert begin, before a colon and the start.
pub fn keyed(fingerprint: Fingerprint, kind: EventKind) -> String {
    format!("{}:{fingerprint}", kind.word())
}

fn alert_key(fingerprint: Fingerprint, starts_at: DateTime<Utc>, kind: EventKind) -> Arc<str> {
    format!("{}:{}", keyed(fingerprint, kind), stamp(starts_at)).into()
}

fn alert_event(alert: &Alert, starts_at: DateTime<Utc>, kind: EventKind, now: Now) -> JournalEvent {
    let fingerprint = alert.occurrence.fingerprint;
    let mut refs = BTreeMap::from([
        (Arc::from("alert"), Arc::from(fingerprint.to_string())),
        (Arc::from("starts_at"), Arc::from(stamp(starts_at))),
        (Arc::from("name"), Arc::clone(&alert.name)),
    ]);
    let mut put = |name: &str, value: Option<&str>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            refs.insert(name.into(), value.into());
        }
    };
    put("service", Some(&alert.service));
    put("severity", alert.severity.as_deref());
    put("url", Some(&alert.generator_url));
    let at = match kind {
        EventKind::AlertFired => starts_at,
        _ => alert.ended_at.unwrap_or(now.utc),
    };
    let mut text = alert.name.to_string();
    if !alert.service.is_empty() {
        text.push(' ');
        text.push_str(&alert.service);
    }
    if let (EventKind::AlertFired, Some(summary)) = (kind, alert.summary()) {
        text.push_str(": ");
        text.push_str(summary);
    }
    JournalEvent {
        key: alert_key(fingerprint, starts_at, kind),
        subject: None,
        incident: None,
        at,
        kind,
        actor: None,
        source: "alerts".into(),
        text: text.into(),
        refs,
    }
}

fn ended_unseen(
    fingerprint: Fingerprint,
    starts_at: DateTime<Utc>,
    name: &Arc<str>,
    now: Now,
) -> JournalEvent {
    JournalEvent {
        key: alert_key(fingerprint, starts_at, EventKind::AlertGone),
        subject: None,
        incident: None,
        at: now.utc,
        kind: EventKind::AlertGone,
        actor: None,
        source: "alerts".into(),
        text: format!("{name}: ended while no console was open; when is not known").into(),
        refs: BTreeMap::from([
            ("alert".into(), fingerprint.to_string().into()),
            ("starts_at".into(), stamp(starts_at).into()),
            ("name".into(), Arc::clone(name)),
        ]),
    }
}

/// What alternates: one rule of one SLO.
fn subject(report: &SloReport, line: &RuleReport) -> Arc<str> {
    let rule = &line.rule;
    format!(
        "burn:{}:{}:{}:{}:{}",
        report.slo.name,
        report.slo.service,
        rule.severity.word(),
        rule.long.name(),
        rule.short.name()
    )
    .into()
}

/// A burn that the first look found already did not begin with that look.
fn began_before(event: &mut JournalEvent, since: Option<DateTime<Utc>>) {
    match since {
        Some(since) => event.at = since,
        None => event.text = format!("{}, burning already when first looked at", event.text).into(),
    }
}

fn burn_event(
    report: &SloReport,
    line: &RuleReport,
    subject: Arc<str>,
    kind: EventKind,
    now: Now,
) -> JournalEvent {
    let slo = &report.slo;
    let rule = &line.rule;
    let burn = |window: &str| {
        let mut windows = report.windows.iter();
        windows
            .find(|w| w.window.name() == window)
            .and_then(|w| w.burn_rate)
    };
    let said = |window: &str| burn(window).map_or_else(|| "-".to_owned(), |burn| format!("{burn:.1}×"));
    let (long, short) = (rule.long.name(), rule.short.name());
    let value = format!("burn {long} {} {short} {}", said(long), said(short));
    let mut refs = BTreeMap::from([
        (Arc::from("slo"), Arc::from(slo.name.as_str())),
        (Arc::from("service"), Arc::from(slo.service.as_str())),
        (
            Arc::from("rule"),
            Arc::from(format!("{} {long}/{short}", rule.severity.word())),
        ),
        (Arc::from("value"), Arc::from(value.as_str())),
    ]);
    if let Some(burn) = burn(long).filter(|burn| burn.is_finite()) {
        refs.insert("burn".into(), burn.to_string().into());
    }
    if let Some(budget) = &report.budget {
        refs.insert("budget".into(), budget.remaining.to_string().into());
    }
    JournalEvent {
        key: format!("{}:{subject}:{}", kind.word(), stamp(now.utc)).into(),
        subject: Some(subject),
        incident: None,
        at: now.utc,
        kind,
        actor: None,
        source: "slo".into(),
        text: format!("{} {} {long}/{short}: {value}", slo.name, rule.severity.word()).into(),
        refs,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::alert::desk::{Arrangement, Desk, Inputs, sample};
    use crate::domain::slo::{
        BurnRule, HadData, Objective, Reachable, Reading, RuleOrigin, Severity, Sli, Slo, SloOrigin,
        SloState, Staleness, Window, WindowReport,
    };

    fn board(desk: &mut Desk, inputs: &Inputs) -> AlertBoard {
        desk.arrange(inputs, &Arrangement::default(), sample::now())
    }

    fn kinds(events: &[JournalEvent]) -> Vec<EventKind> {
        events.iter().map(|event| event.kind).collect()
    }

    #[test]
    fn a_firing_is_told_once_and_two_consoles_tell_it_alike() {
        let alert = sample::source_alert(&[("alertname", "HighErrorRate"), ("service", "checkout")]);
        let inputs = sample::inputs(vec![alert.clone()]);
        let mut desk = Desk::new();
        let seen = board(&mut desk, &inputs);
        let (mut one, mut other) = (Recorder::default(), Recorder::default());
        let told = one.alerts(&seen, sample::now());
        assert_eq!(kinds(&told), [EventKind::AlertFired]);
        assert_eq!(
            (told[0].at, &*told[0].refs["service"]),
            (sample::utc(), "checkout")
        );
        assert_eq!(
            told,
            other.alerts(&seen, sample::now().later(Duration::from_secs(40)))
        );
        assert!(one.alerts(&seen, sample::now()).is_empty());
        // a replica that saw it some seconds earlier tells of the same firing
        let mut earlier = alert.clone();
        earlier.occurrence.starts_at -= TimeDelta::seconds(20);
        let seen = board(&mut desk, &sample::inputs(vec![earlier]));
        assert!(one.alerts(&seen, sample::now()).is_empty());
        let mut again = alert;
        again.occurrence.starts_at += TimeDelta::minutes(9);
        let seen = board(&mut desk, &sample::inputs(vec![again]));
        assert_eq!(kinds(&one.alerts(&seen, sample::now())), [EventKind::AlertFired]);
    }

    #[test]
    fn what_ends_is_told_and_what_is_merely_not_asked_is_not() {
        let alert = sample::source_alert(&[("alertname", "HighErrorRate")]);
        let mut desk = Desk::new();
        let mut recorder = Recorder::default();
        let inputs = sample::inputs(vec![alert]);
        recorder.alerts(&board(&mut desk, &inputs), sample::now());
        let mut down = inputs.clone();
        down.sources[0].failure = Some(("refused".into(), Duration::ZERO));
        let seen = board(&mut desk, &down);
        assert!(
            recorder.alerts(&seen, sample::now()).is_empty(),
            "a dead source ends nothing"
        );
        let seen = board(&mut desk, &sample::inputs(Vec::new()));
        let told = recorder.alerts(&seen, sample::now());
        assert!(
            matches!(
                kinds(&told)[..],
                [EventKind::AlertGone | EventKind::AlertResolved]
            ),
            "{told:?}"
        );
    }

    #[test]
    fn what_ended_while_no_console_was_open_is_told_by_the_first_whole_board() {
        let occurrence = Occurrence {
            fingerprint: Fingerprint(0xf1),
            starts_at: sample::utc() - TimeDelta::hours(3),
        };
        let mut recorder = Recorder::resume([(occurrence, Arc::from("HighErrorRate"))]);
        let mut inputs = sample::inputs(Vec::new());
        inputs.sources[0].failure = Some(("refused".into(), Duration::ZERO));
        let unknown = board(&mut Desk::new(), &inputs);
        assert!(
            recorder.alerts(&unknown, sample::now()).is_empty(),
            "nobody answered"
        );
        let told = recorder.alerts(
            &board(&mut Desk::new(), &sample::inputs(Vec::new())),
            sample::now(),
        );
        assert_eq!(kinds(&told), [EventKind::AlertGone]);
        assert!(told[0].text.contains("when is not known"), "{}", told[0].text);
        assert_eq!(&*told[0].refs["starts_at"], "2026-11-20T00:14:07Z");
    }

    fn burning(state: RuleState) -> SloBoard {
        let rule = BurnRule {
            severity: Severity::Page,
            factor: 14.4,
            long: Window::named("1h").expect("a window"),
            short: Window::named("5m").expect("a window"),
            hold: Duration::ZERO,
            origin: RuleOrigin::Default,
        };
        let slo = Slo {
            name: "checkout-availability".into(),
            service: "checkout".into(),
            objective: Objective::from_percent(99.9).expect("an objective"),
            period: Window::named("30d").expect("a window"),
            sli: Sli::Ratio {
                error_ratio: "x".into(),
            },
            rules: vec![rule.clone()],
            origin: SloOrigin::Config,
            low_traffic: None,
            notes: Vec::new(),
        };
        let report = SloReport {
            slo: Arc::new(slo),
            state: SloState::Page,
            windows: Vec::new(),
            rules: vec![RuleReport {
                rule,
                state,
                reachable: Reachable::Yes,
            }],
            budget: None,
            covered: None,
            last_known: None,
            had_data: HadData::Yes,
            words: String::new(),
            warnings: Vec::new(),
            partial: None,
            spark: Vec::new(),
            spark_at: Vec::new(),
            history: Arc::default(),
        };
        SloBoard {
            slos: vec![Arc::new(report)],
            ..SloBoard::default()
        }
    }

    #[test]
    fn a_burn_rule_is_told_when_it_begins_and_when_it_ceases_to_fire() {
        let mut recorder = Recorder::default();
        let mut told = |state| kinds(&recorder.slos(&burning(state), sample::now()));
        assert_eq!(told(RuleState::Firing), [EventKind::BurnStarted]);
        assert!(told(RuleState::Firing).is_empty());
        assert!(told(RuleState::Unknown).is_empty(), "not known is not stopped");
        assert!(told(RuleState::Firing).is_empty());
        assert_eq!(told(RuleState::Recovering), [EventKind::BurnStopped]);
        assert!(told(RuleState::Quiet).is_empty());
        let event = &Recorder::default().slos(&burning(RuleState::Firing), sample::now())[0];
        assert_eq!(&*event.refs["rule"], "page 1h/5m");
        assert!(event.subject.is_some());
    }

    #[test]
    fn a_burn_that_the_first_look_finds_did_not_begin_with_it() {
        let now = sample::now();
        let first = |board: &SloBoard| Recorder::default().slos(board, now).remove(0);
        let mut board = burning(RuleState::Firing);
        let event = first(&board);
        assert!(
            event.text.ends_with(", burning already when first looked at") && event.at == now.utc,
            "{event:?}"
        );
        let report = Arc::make_mut(&mut board.slos[0]);
        let minutes = |n| now.utc - TimeDelta::minutes(n);
        report.windows = vec![WindowReport {
            window: report.rules[0].rule.short.clone(),
            reading: Reading::Pending,
            burn_rate: Some(40.0),
            low_traffic: None,
            age: Duration::ZERO,
            stale: Staleness::Fresh,
        }];
        (report.spark_at, report.spark) = [(9, 0.0), (6, 30.0), (3, 40.0)]
            .map(|(n, burn)| (minutes(n), burn))
            .into_iter()
            .unzip();
        let event = first(&board);
        assert_eq!(event.at, minutes(6));
        assert!(!event.text.contains("already"), "{event:?}");
        let mut recorder = Recorder::default();
        recorder.slos(&burning(RuleState::Quiet), now);
        assert_eq!(recorder.slos(&board, now)[0].at, now.utc, "it was seen to begin");
    }

    #[test]
    fn what_the_engineer_did_carries_what_it_points_at() {
        let command = || Command {
            actor: "jun@example.com",
            incident: None,
            text: "opened the runbook of HighErrorRate".into(),
            refs: vec![("url", "https://runbooks.example/x".into())],
        };
        let event = command().event(sample::now());
        assert_eq!(
            (event.kind, event.actor.as_deref()),
            (EventKind::Command, Some("jun@example.com"))
        );
        assert_eq!(&*event.refs["url"], "https://runbooks.example/x");
        let later = command().event(sample::now().later(Duration::from_millis(1)));
        assert_ne!(event.key, later.key, "done twice is done twice");
    }
}
