//! The case view: what it is of, what is asked for it, its cursor, and what its rows open.

use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{details, frozen, incidents as boards, logs, pages, pivot, run, say, scope, traces};
use crate::action::Action;
use crate::app::case::{CaseAsk, CaseOf, Gathered, Numbered, OpenCase};
use crate::app::feed::Feed;
use crate::app::focus::{Detail, PaneId};
use crate::app::incidents as listed;
use crate::app::list::{ListState, Step};
use crate::app::modal::Goal;
use crate::app::reference;
use crate::app::toast::Level;
use crate::app::{Effect, Model, Zone};
use crate::domain::alert::{Alert, AlertState, Fingerprint};
use crate::domain::case::{Began, Case, Evidence, Known, Numbers, Of, Part, RowId, Stands, Target, related};
use crate::domain::incident::Incident;
use crate::domain::log::Nanos;
use crate::domain::service_map::Caller;
use crate::domain::slo::SloReport;
use crate::text::SafeText;
use crate::time::{Now, Tick};

/// A beginning that turns out so much away from the one that was asked for is asked for anew.
const MOVED: TimeDelta = TimeDelta::minutes(5);

/// Opens the case of what is under the cursor, or says why there is none.
pub(super) fn open(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some(of) = here(model, now) else {
        // What matters stands first: a narrow screen cuts the rest.
        let why = "no case here: cases are of alerts, SLOs, incidents; lines and traces by service";
        return say(model, Level::Info, why, now);
    };
    renumber(model, &of);
    details::show(model, Detail::Case(of));
    Vec::new()
}

/// The suspects of a case get their numbers anew: it is opened again, or somebody asks for it.
fn renumber(model: &mut Model, of: &CaseOf) {
    if let Some(open) = model.case.as_mut().filter(|open| open.of == *of) {
        open.numbers = Numbered::Anew;
    }
}

/// What the thing under the cursor has a case of.
fn here(model: &Model, now: Now) -> Option<CaseOf> {
    let by_service = |model: &Model| {
        let service = scope::service_here(model, now)?;
        Some(CaseOf::Service(service.into()))
    };
    match model.detail() {
        Some(Detail::Alert(fingerprint)) => Some(CaseOf::Alert(*fingerprint)),
        Some(Detail::Slo(name)) => Some(CaseOf::Slo(name.clone())),
        Some(Detail::Incident(id)) => Some(CaseOf::Incident(id.clone())),
        Some(Detail::Case(_)) => match target(model)? {
            Target::Alert(fingerprint) | Target::Runbook(fingerprint) => Some(CaseOf::Alert(fingerprint)),
            Target::Slo(name) => Some(CaseOf::Slo(name)),
            Target::Incident(id) => Some(CaseOf::Incident(id)),
            Target::Trace(_)
            | Target::Traces(_)
            | Target::Pattern(_)
            | Target::Logs(_, _)
            | Target::OnCall => None,
        },
        Some(_) => by_service(model),
        None => match model.focus {
            PaneId::Alerts => model
                .alerts
                .selected()
                .map(|alert| CaseOf::Alert(alert.occurrence.fingerprint)),
            PaneId::Slo => model
                .slo
                .selected()
                .map(|report| CaseOf::Slo(report.slo.name.clone())),
            PaneId::Incident => model
                .incidents
                .selected()
                .map(|incident| CaseOf::Incident(incident.id.clone())),
            PaneId::Logs | PaneId::Traces => by_service(model),
        },
    }
}

/// A part of the answer came.
pub(super) fn gathered(model: &mut Model, seq: u64, part: Gathered) {
    if let Some(open) = &mut model.case {
        open.take(seq, part);
    }
}

/// What was asked is asked again.
pub(super) fn refresh(model: &mut Model, now: Now) -> Option<Effect> {
    let Some(Detail::Case(of)) = model.detail().cloned() else {
        return None;
    };
    renumber(model, &of);
    let open = model.case.take().filter(|open| open.of == of);
    Some(ask(model, of, open, now))
}

/// Keeps the page on screen up to date: asks where another case has come to the top or the answers are old, and lays out
/// what is known now. A frozen screen stays as it is.
pub(super) fn settle(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some(Detail::Case(of)) = model.detail().cloned() else {
        return Vec::new();
    };
    let known = model.case.as_ref().filter(|open| open.of == of);
    let is_frozen = model.paused.is_some() && known.is_some();
    if is_frozen {
        return Vec::new();
    }
    let is_due = known.is_none_or(|open| {
        // What the panes heard since may name another service or an earlier beginning.
        let subject = Subject::of(model, &of);
        let moved = (subject.began(model, now.utc).at - open.ask.began).abs() >= MOVED;
        let is_old = now.tick.since(open.asked) >= OpenCase::AGAIN;
        subject.service != open.ask.service || !open.is_looking() && (is_old || moved)
    });
    let mut effects = Vec::new();
    if is_due {
        let open = model.case.take().filter(|open| open.of == of);
        effects.push(ask(model, of, open, now));
    }
    lay_out(model, now);
    effects
}

/// When what was asked is asked again.
pub(crate) fn due(model: &Model) -> Option<Tick> {
    let open = model.case.as_ref()?;
    let looks = matches!(model.detail(), Some(Detail::Case(of)) if *of == open.of);
    // A frozen screen asks nothing, however late it gets.
    if !looks || model.paused.is_some() {
        return None;
    }
    if !open.is_looking() {
        return Some(open.asked + OpenCase::AGAIN);
    }
    (open.numbers == Numbered::No).then(|| open.opened + OpenCase::PATIENCE)
}

/// How a part stands when it is asked for: what is known of it stays in sight until there is an answer.
fn start<T>(missing: Option<String>, before: Option<Known<T>>) -> Known<T> {
    match (missing, before) {
        (Some(why), _) => Known::Absent(why),
        (None, Some(known @ Known::Known(_))) => known,
        (None, _) => Known::Looking,
    }
}

/// Asks for a case; what is known of it already stays in sight meanwhile.
fn ask(model: &mut Model, of: CaseOf, before: Option<OpenCase>, now: Now) -> Effect {
    let subject = Subject::of(model, &of);
    let service = subject.service.clone();
    let services = &model.settings.services;
    let called = |by: Caller| Some(Arc::from(services.theirs(by, service.as_deref()?)));
    let ask = CaseAsk {
        seq: model.cases,
        service: service.clone(),
        lines_of: called(Caller::Logs),
        traces_of: called(Caller::Traces),
        began: subject.began(model, now.utc).at,
    };
    model.cases += 1;
    let settings = &model.settings;
    let name = &settings.context;
    let absent = |what: &str, key: &str| {
        format!("not asked: no {what} backend is configured ([contexts.{name}.{key}])")
    };
    let nameless = || "not asked: it names no service".to_owned();
    let same = before.filter(|open| open.ask.service == service);
    let no_deploys = settings
        .annotations
        .is_none()
        .then(|| absent("annotations", "annotations"));
    let lacks = |there: bool, what| match (there, &service) {
        (false, _) => Some(absent(what, what)),
        (true, None) => Some(nameless()),
        (true, Some(_)) => None,
    };
    let no_logs = lacks(settings.logs.is_some(), "logs");
    let no_traces = lacks(settings.traces.is_some(), "traces");
    let nothing = Arc::new(Case {
        suspects: Vec::new(),
        are_numbered: false,
        sections: Vec::new(),
    });
    let (opened, numbers, case) = same.as_ref().map_or((now.tick, Numbered::No, nothing), |open| {
        (open.opened, open.numbers, Arc::clone(&open.case))
    });
    let (deploys, lines, traces, list) = match same {
        Some(open) => (Some(open.deploys), Some(open.logs), Some(open.traces), open.list),
        None => (None, None, None, ListState::default()),
    };
    model.case = Some(OpenCase {
        of,
        ask: ask.clone(),
        asked: now.tick,
        opened,
        numbers,
        deploys: start(no_deploys, deploys),
        logs: start(no_logs, lines),
        traces: start(no_traces, traces),
        case,
        title: String::new(),
        rows: Vec::new(),
        list,
    });
    Effect::GatherCase(ask)
}

/// Lays the page out from what is known now.
fn lay_out(model: &mut Model, now: Now) {
    let Some(open) = &model.case else {
        return;
    };
    let evidence = evidence(model, open, now.utc);
    let zone = model.zone;
    let clock = |at: DateTime<Utc>| clock(at, now.utc, zone);
    let has_waited = now.tick.since(open.opened) >= OpenCase::PATIENCE;
    let numbers = match open.numbers {
        Numbered::Yes => Numbers::Held(&open.case.suspects),
        Numbered::No if open.is_looking() && !has_waited => Numbers::Awaited,
        Numbered::No | Numbered::Anew => Numbers::Ranked,
    };
    let case = Case::of(&evidence, numbers, &clock);
    let title = title(model, &open.of, &evidence, &clock);
    let rows: Vec<RowId> = case.rows().map(|row| row.id.clone()).collect();
    if let Some(open) = &mut model.case {
        if case.are_numbered {
            open.numbers = Numbered::Yes;
        }
        open.case = Arc::new(case);
        open.title = title;
        open.rows = rows;
        open.list.follow(&open.rows);
    }
}

/// `03:01Z`, with its date where it is not today's.
fn clock(at: DateTime<Utc>, now: DateTime<Utc>, zone: Zone) -> String {
    crate::view::moment(at, now, zone)
}

fn title(model: &Model, of: &CaseOf, evidence: &Evidence, clock: &dyn Fn(DateTime<Utc>) -> String) -> String {
    let name = match of {
        CaseOf::Alert(fingerprint) => match model.alerts.alert(*fingerprint) {
            Some(alert) => super::alerts::describe(alert),
            None => format!("alert {fingerprint}"),
        },
        CaseOf::Slo(name) => name.clone(),
        CaseOf::Incident(id) => match model.incidents.incident(id) {
            Some(incident) => listed::label(incident),
            None => id.to_string(),
        },
        CaseOf::Service(service) => service.to_string(),
    };
    let began = &evidence.began;
    let mut title = format!("Case · {name}");
    if began.by != crate::domain::case::By::Nothing {
        let _ = write!(title, " · {} {}", began.by.words(), clock(began.at)); // writing to a String cannot fail
    }
    title
}

/// What a case is of, as the panes know it.
struct Subject<'a> {
    of: Of,
    alert: Option<&'a Arc<Alert>>,
    incident: Option<&'a Arc<Incident>>,
    incident_id: Option<crate::domain::incident::IncidentId>,
    service: Option<Arc<str>>,
}

impl<'a> Subject<'a> {
    fn of(model: &'a Model, of: &CaseOf) -> Self {
        let named = |by: Caller, service: &str| -> Option<Arc<str>> {
            let ours = model.settings.services.ours(by, service);
            (!ours.is_empty()).then(|| Arc::from(ours))
        };
        match of {
            CaseOf::Alert(fingerprint) => {
                let alert = model.alerts.alert(*fingerprint);
                Self {
                    of: Of::Alert,
                    alert,
                    incident: None,
                    incident_id: None,
                    service: alert.and_then(|alert| named(Caller::Alerts, &alert.service)),
                }
            }
            CaseOf::Slo(name) => {
                let service = model
                    .slo
                    .report(name)
                    .and_then(|report| named(Caller::Slos, &report.slo.service));
                Self {
                    of: Of::Slo(name.clone()),
                    alert: service.as_deref().and_then(|service| first_of(model, service)),
                    incident: None,
                    incident_id: None,
                    service,
                }
            }
            CaseOf::Incident(id) => {
                let incident = model.incidents.incident(id);
                let alert = model.alerts_of(id).first().map(|(alert, _)| *alert);
                let service = alert.and_then(|alert| named(Caller::Alerts, &alert.service));
                let theirs = incident.and_then(|incident| boards::service(incident));
                Self {
                    of: Of::Incident,
                    alert,
                    incident,
                    incident_id: Some(id.clone()),
                    service: service.or_else(|| named(Caller::Incidents, &theirs?)),
                }
            }
            CaseOf::Service(service) => Self {
                of: Of::Service,
                alert: first_of(model, service),
                incident: None,
                incident_id: None,
                service: Some(Arc::clone(service)),
            },
        }
    }

    fn began(&self, model: &Model, now: DateTime<Utc>) -> Began {
        let service = self.service.as_deref();
        let of_service: Vec<&Alert> = alerts(model)
            .filter(|alert| service.is_some_and(|service| is_of(model, alert, service)))
            .map(|alert| &**alert)
            .collect();
        let slos = slos(model, service);
        let slos: Vec<&SloReport> = slos.iter().map(|report| &**report).collect();
        let alert = self
            .alert
            .filter(|_| !matches!(self.of, Of::Service | Of::Slo(_)));
        let incident = self.incident.map(|incident| &**incident);
        Began::of(alert.map(|alert| &**alert), incident, &of_service, &slos, now)
    }
}

fn alerts(model: &Model) -> impl Iterator<Item = &Arc<Alert>> {
    let board = model.alerts.shown();
    let watchdog = board.map_or(&[][..], |board| &board.watchdog);
    let all = board.into_iter().flat_map(|board| board.by_fingerprint.values());
    all.filter(move |alert| !watchdog.contains(&alert.occurrence.fingerprint))
}

/// Whether an alert is of a service of ours, whatever the alerts call it.
fn is_of(model: &Model, alert: &Alert, service: &str) -> bool {
    let services = &model.settings.services;
    services.is_of(Caller::Alerts, &alert.service, service)
}

/// The gravest alert of a service that fires, the oldest of several.
fn first_of<'a>(model: &'a Model, service: &str) -> Option<&'a Arc<Alert>> {
    let fires = |alert: &&Arc<Alert>| is_of(model, alert, service) && alert.state == AlertState::Active;
    alerts(model)
        .filter(fires)
        .min_by_key(|alert| (alert.rank(), alert.occurrence.starts_at))
}

/// The SLOs of a service, the most urgent first.
fn slos(model: &Model, service: Option<&str>) -> Vec<Arc<SloReport>> {
    let board = model.slo.board().map_or(&[][..], |board| &board.slos);
    let services = &model.settings.services;
    let of = |report: &&Arc<SloReport>| {
        let theirs = &report.slo.service;
        service.is_some_and(|service| services.is_of(Caller::Slos, theirs, service))
    };
    board.iter().filter(of).cloned().collect()
}

/// What a feed says: its value, or that it is asked, or why there is none.
fn known<T, U>(feed: &Feed<T>, missing: Option<String>, take: impl FnOnce(&T) -> U) -> Known<U> {
    match (missing, feed.value(), feed.failure()) {
        (Some(why), None, _) => Known::Absent(why),
        (_, Some(value), _) => Known::Known(take(value)),
        (None, None, Some(why)) => Known::Failed(why.to_owned()),
        (None, None, None) => Known::Looking,
    }
}

fn evidence(model: &Model, open: &OpenCase, now: DateTime<Utc>) -> Evidence {
    let subject = Subject::of(model, &open.of);
    let service = subject.service.clone();
    let began = subject.began(model, now);
    let settings = &model.settings;
    let mut remarks = Vec::new();

    let board = model.alerts.shown();
    let no_alerts = || Known::Absent("no Alertmanager is configured".to_owned());
    let (alert, related_alerts) = match board {
        _ if settings.alertmanagers.is_empty() => (
            no_alerts(),
            Known::Absent("no Alertmanager is configured".to_owned()),
        ),
        None => (Known::Looking, Known::Looking),
        Some(board) => match board.untold() {
            Some(why) if subject.alert.is_none() => {
                (Known::Failed(why.to_string()), Known::Failed(why.to_string()))
            }
            _ => {
                remarks.extend(board.not_up_to_date().map(|words| (Part::Related, words)));
                let linked = linked(model, &subject);
                let is_linked = |fingerprint: Fingerprint| linked.contains(&fingerprint);
                let own = subject.alert.map(|alert| &**alert);
                let theirs = service
                    .as_deref()
                    .map(|service| settings.services.theirs(Caller::Alerts, service));
                let found = related(own, theirs, began.at, alerts(model), &is_linked);
                (Known::Known(subject.alert.cloned()), Known::Known(found))
            }
        },
    };
    let is_elsewhere = |alert: &&Arc<Alert>| {
        let own = service
            .as_deref()
            .is_some_and(|service| is_of(model, alert, service));
        alert.state == AlertState::Active && !alert.service.is_empty() && !own
    };
    let elsewhere = alerts(model).filter(is_elsewhere).cloned().collect();
    let no_slos = (!settings.has_metrics).then(|| "no metrics backend is configured".to_owned());
    let slos = known(&model.slo.feed, no_slos, |_| slos(model, service.as_deref()));
    stale(&model.slo.feed, Part::Slos, &mut remarks);
    let incidents = known(&model.incidents.feed, None, |_| {
        let mut of: Vec<Arc<Incident>> = subject.incident.cloned().into_iter().collect();
        let of_service = alerts(model).filter(|alert| {
            let any = matches!(subject.of, Of::Slo(_) | Of::Service);
            any && service
                .as_deref()
                .is_some_and(|service| is_of(model, alert, service))
        });
        let told = subject.alert.into_iter().chain(of_service);
        for (incident, _) in told.flat_map(|alert| model.incidents_of(alert.occurrence.fingerprint)) {
            if of.iter().all(|known| known.id != incident.id) {
                of.push(Arc::clone(incident));
            }
        }
        of
    });
    stale(&model.incidents.feed, Part::People, &mut remarks);
    let on_call = known(&model.incidents.roster, None, |roster| {
        roster.at(now).cloned().collect()
    });
    Evidence {
        now,
        of: subject.of,
        service,
        names: Arc::clone(&settings.services),
        began,
        alert,
        related: related_alerts,
        elsewhere,
        slos,
        deploys: open.deploys.clone(),
        logs: open.logs.clone(),
        traces: open.traces.clone(),
        incidents,
        on_call,
        us: model.us(),
        remarks,
    }
}

/// Says why a feed is not asked well any more, though it was.
fn stale<T>(feed: &Feed<T>, part: Part, remarks: &mut Vec<(Part, String)>) {
    if let (Some(_), Some(why)) = (feed.value(), feed.failure()) {
        remarks.push((part, format!("not up to date: {why}")));
    }
}

/// Alerts that surely belong to the same incidents.
fn linked(model: &Model, subject: &Subject) -> Vec<Fingerprint> {
    let own = subject
        .alert
        .map(|alert| model.incidents_of(alert.occurrence.fingerprint));
    let by_alert = own.into_iter().flatten().filter(|(_, by)| by.is_sure());
    let ids = by_alert.map(|(incident, _)| incident.id.clone());
    let ids: Vec<_> = ids.chain(subject.incident_id.clone()).collect();
    ids.iter()
        .flat_map(|id| model.alerts_of(id))
        .filter(|(_, by)| by.is_sure())
        .map(|(alert, _)| alert.occurrence.fingerprint)
        .collect()
}

/// The incidents that a case is of, the one that is meant first: its own, else the open ones that its alert surely
/// belongs to, else those of its service; of these the one that the panes are turned to goes first, then the loudest.
pub(super) fn incidents<'a>(model: &'a Model, of: &CaseOf) -> Vec<&'a Arc<Incident>> {
    if let CaseOf::Incident(id) = of {
        return model.incidents.incident(id).into_iter().collect();
    }
    if let CaseOf::Alert(fingerprint) = of {
        let mut own = model.meant_by(*fingerprint);
        own.retain(|(_, by)| by.is_sure());
        if !own.is_empty() {
            return own.into_iter().map(|(incident, _)| incident).collect();
        }
    }
    let (Some(service), Some(board)) = (Subject::of(model, of).service, model.incidents.feed.value()) else {
        return Vec::new();
    };
    let services = &model.settings.services;
    let is_of_it = |incident: &Arc<Incident>| {
        let alerts = model.alerts_of(&incident.id);
        let mut sure = alerts.iter().filter(|(_, by)| by.is_sure());
        let theirs = incident.service.as_ref();
        let by_name =
            || theirs.is_some_and(|theirs| services.is_of(Caller::Incidents, &theirs.name, &service));
        incident.status.is_open() && (sure.any(|(alert, _)| is_of(model, alert, &service)) || by_name())
    };
    let mut all: Vec<_> = board.incidents.iter().filter(|one| is_of_it(one)).collect();
    let held = scope::incident(model).map(|held| held.id.clone());
    all.sort_by_key(|incident| Some(&incident.id) != held.as_ref());
    all
}

/// What the row under the cursor opens.
pub(super) fn target(model: &Model) -> Option<Target> {
    let open = model.case.as_ref()?;
    open.case.row(open.list.selected.as_ref()?)?.target.clone()
}

/// The row under the cursor as evidence, with what the case is of.
pub(super) fn evidence_here(model: &Model, now: Now) -> Option<String> {
    let open = model.case.as_ref()?;
    let row = open.case.row(open.list.selected.as_ref()?)?;
    let of = match open.of {
        CaseOf::Alert(fingerprint) => format!("alert {fingerprint}"),
        CaseOf::Slo(ref name) => format!("slo {name}"),
        CaseOf::Incident(ref id) => format!("incident {id}"),
        CaseOf::Service(ref service) => format!("service {service}"),
    };
    Some(reference::case(&of, &row.text, now.utc))
}

/// Moves the cursor.
pub(super) fn step(model: &mut Model, step: Step) {
    if let Some(open) = &mut model.case {
        open.list.step(&open.rows, step);
    }
}

/// Opens what the row under the cursor names.
pub(super) fn open_row(model: &mut Model, now: Now) -> Vec<Effect> {
    if let Some(open) = &mut model.case {
        open.list.hold();
    }
    match target(model) {
        Some(target) => go(model, &target, now),
        None => say(model, Level::Info, "this row opens nothing", now),
    }
}

/// Opens what shows a suspect, by its number from 1.
pub(super) fn open_suspect(model: &mut Model, number: usize, now: Now) -> Vec<Effect> {
    let Some(case) = model.case.as_ref().map(|open| Arc::clone(&open.case)) else {
        return Vec::new();
    };
    let why = match case.suspect(number) {
        Some(suspect) => match (&suspect.target, suspect.stands) {
            (Some(target), _) => return go(model, target, now),
            (None, Stands::Gone) => format!("what is known now points at {number} no more"),
            (None, Stands::Ranked | Stands::Since) => "there is nothing to open of it".to_owned(),
        },
        None if !case.are_numbered => {
            "suspects get their numbers when all have answered, in two seconds at most".to_owned()
        }
        None => format!("there is no suspect {number}"),
    };
    say(model, Level::Info, why, now)
}

fn go(model: &mut Model, target: &Target, now: Now) -> Vec<Effect> {
    match target {
        Target::Alert(fingerprint) => show_alert(model, *fingerprint, now),
        Target::Runbook(fingerprint) => {
            let mut effects = show_alert(model, *fingerprint, now);
            if model.detail().and_then(Detail::alert) == Some(*fingerprint) {
                effects.extend(run::action(model, Action::Runbook, now));
            }
            effects
        }
        Target::Slo(name) => {
            details::show(model, Detail::Slo(name.clone()));
            Vec::new()
        }
        Target::Incident(id) => {
            boards::open(model, id.clone());
            Vec::new()
        }
        Target::OnCall => pages::on_call(model),
        Target::Trace(id) if model.settings.traces.is_some() => traces::open(model, *id, now),
        Target::Trace(id) => pivot::go(model, &Goal::Trace(*id), None, now),
        Target::Traces(service) => pivot::go(model, &Goal::Traces(Arc::clone(service), None), None, now),
        Target::Logs(service, at) if model.settings.logs.is_some() => {
            let goal = Goal::Logs(Arc::clone(service), Some(Nanos::of(*at)));
            pivot::go(model, &goal, None, now)
        }
        Target::Logs(service, _) => {
            let service = SafeText::line(service);
            let why =
                format!("no log backend is configured that could show the lines of {service} around it");
            say(model, Level::Info, why, now)
        }
        Target::Pattern(pattern) => match frozen(model) {
            Some(why) => say(model, Level::Info, why, now),
            None => logs::turn_to_pattern(model, pattern, now),
        },
    }
}

fn show_alert(model: &mut Model, fingerprint: Fingerprint, now: Now) -> Vec<Effect> {
    if model.alerts.alert(fingerprint).is_none() {
        return say(model, Level::Info, "the alert is listed no more", now);
    }
    details::show_alert(model, fingerprint)
}
