//! `midwatch case ID`: what is known around an alert, an SLO or an incident, and what that points at.
//!
//! The console's case view is the same page from its feeds; here every backend is asked once.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::args::CaseArgs;
use super::gather::{Rules, Scene, alert_in_words, alerts_of, ambiguous, is_hex};
use super::incidents::finish;
use super::keepers::Keepers;
use super::linked;
use super::{CliError, Outcome, Session};
use crate::backend::BackendFailure;
use crate::backend::incidents::{Question, Whose};
use crate::backend::metrics::engine::{Discover, Engine, Settings};
use crate::domain::alert::desk::Arrangement;
use crate::domain::alert::{Alert, AlertBoard, AlertState, Fingerprint, StateChoice};
use crate::domain::case::{
    Began, Case, Evidence, Known, Numbers, Of, Part, case_document, case_text, related,
};
use crate::domain::document::Remarks;
use crate::domain::incident::Incident;
use crate::domain::oncall::Duty;
use crate::domain::oneself::Us;
use crate::domain::service_map::Caller;
use crate::domain::slo::{SloBoard, SloReport};
use crate::runtime::case::{self, Window};

/// Runs the command.
pub async fn run(session: &mut Session, args: &CaseArgs) -> Outcome {
    let scene = Scene::with_local(session)?;
    tell(session, &scene, args).await
}

/// What the case is of.
struct Subject {
    of: Of,
    alert: Option<Arc<Alert>>,
    incident: Option<Arc<Incident>>,
    service: Option<Arc<str>>,
}

/// The same on a scene that is open.
pub async fn tell(session: &mut Session, scene: &Scene, args: &CaseArgs) -> Outcome {
    let now = scene.now().utc;
    session
        .out
        .progress(&format!("asking every backend of {}…", scene.context.name))?;
    let question = Arrangement {
        states: StateChoice::All,
        ..Arrangement::default()
    };
    let (board, slos) = futures::join!(scene.board(&question, Rules::Leave), slo_board(scene));
    let keepers = Keepers::open(scene);
    let subject = subject(scene, &keepers, &board, slos.as_ref(), &args.id).await?;
    let mut remarks = Remarks {
        errors: board.errors.clone(),
        ..Remarks::default()
    };
    remarks
        .errors
        .extend(slos.iter().flat_map(|slos| slos.errors.clone()));
    let evidence = evidence(scene, &keepers, (&board, slos.as_ref()), subject, &mut remarks).await;
    let clock = |at: DateTime<Utc>| {
        let format = if at.date_naive() == now.date_naive() {
            "%H:%MZ"
        } else {
            "%m-%d %H:%MZ"
        };
        at.format(format).to_string()
    };
    let case = Case::of(&evidence, Numbers::Ranked, &clock);
    let text = if session.globals.json {
        case_document(&scene.context.name, now, &evidence, &case, &remarks)
    } else {
        case_text(&case)
    };
    finish(session, &text, &remarks)
}

/// Every SLO, asked once; nothing where there is nobody to ask.
async fn slo_board(scene: &Scene) -> Option<SloBoard> {
    let (metrics, config) = (scene.backends.metrics.as_ref()?, scene.context.metrics.as_ref()?);
    let settings = Settings {
        poll: config.poll,
        discover: Discover::Yes,
    };
    let mut engine = Engine::new(scene.context.slos.clone(), settings);
    Some(engine.run_all(metrics.as_ref(), scene.now()).await)
}

/// What an id means: an alert, else an SLO, else an incident.
async fn subject(
    scene: &Scene,
    keepers: &Keepers,
    board: &AlertBoard,
    slos: Option<&SloBoard>,
    id: &str,
) -> Result<Subject, CliError> {
    let named = |by: Caller, service: &str| -> Option<Arc<str>> {
        let ours = scene.context.service_map.ours(by, service);
        (!ours.is_empty()).then(|| Arc::from(ours))
    };
    if is_hex(id) {
        match alerts_of(id, board).as_slice() {
            [] => {}
            [alert] => {
                return Ok(Subject {
                    of: Of::Alert,
                    service: named(Caller::Alerts, &alert.service),
                    alert: Some(Arc::clone(alert)),
                    incident: None,
                });
            }
            several => return Err(ambiguous(id, several.iter().map(|alert| alert_in_words(alert)))),
        }
    }
    let report = slos.and_then(|slos| slos.slos.iter().find(|report| report.slo.name == id));
    if let Some(report) = report {
        let service = named(Caller::Slos, &report.slo.service);
        return Ok(Subject {
            of: Of::Slo(id.to_owned()),
            alert: service
                .as_deref()
                .and_then(|service| first_of(scene, board, service)),
            incident: None,
            service,
        });
    }
    if keepers.is_empty() {
        return Err(CliError::Usage(format!(
            "{id} is no alert and no SLO that is known here; `midwatch alerts` and `midwatch slo` list them"
        )));
    }
    let found = keepers.find(id, scene.now().utc).await?;
    let Some(incident) = found.incident else {
        let why = found.failure.map(|failure| failure.message).unwrap_or_default();
        return Err(CliError::Backend(format!(
            "incident {id} could not be read: {why}"
        )));
    };
    let service = incident
        .service
        .as_ref()
        .and_then(|service| named(Caller::Incidents, &service.name));
    Ok(Subject {
        of: Of::Incident,
        alert: service
            .as_deref()
            .and_then(|service| first_of(scene, board, service)),
        incident: Some(Arc::new(incident)),
        service,
    })
}

/// The gravest alert of a service that fires.
fn first_of(scene: &Scene, board: &AlertBoard, service: &str) -> Option<Arc<Alert>> {
    let of = |alert: &&Arc<Alert>| is_of(scene, alert, service);
    gravest(board.by_fingerprint.values().filter(of))
}

/// The gravest of those that fire, the oldest of several.
fn gravest<'a>(alerts: impl Iterator<Item = &'a Arc<Alert>>) -> Option<Arc<Alert>> {
    let firing = alerts.filter(|alert| alert.state == AlertState::Active);
    firing
        .min_by_key(|alert| (alert.rank(), alert.occurrence.starts_at))
        .cloned()
}

/// Whether an alert is of a service of ours, whatever the alerts call it.
fn is_of(scene: &Scene, alert: &Alert, service: &str) -> bool {
    let services = &scene.context.service_map;
    services.is_of(Caller::Alerts, &alert.service, service)
}

async fn evidence(
    scene: &Scene,
    keepers: &Keepers,
    (board, slos): (&AlertBoard, Option<&SloBoard>),
    mut subject: Subject,
    remarks: &mut Remarks,
) -> Evidence {
    let now = scene.now().utc;
    let (incidents, linked, on_call, said) = people(scene, keepers, board, &subject).await;
    if subject.incident.is_some() {
        // What surely belongs to the incident stands for it, before what only shares its service.
        let own = |alert: &&Arc<Alert>| linked.contains(&alert.occurrence.fingerprint);
        subject.alert = gravest(board.by_fingerprint.values().filter(own)).or(subject.alert);
    }
    let service = subject.service.clone();
    let own = subject.alert.as_deref();
    let of_it = |alert: &Arc<Alert>| {
        service
            .as_deref()
            .is_some_and(|service| is_of(scene, alert, service))
    };
    let of_service: Vec<&Alert> = board
        .by_fingerprint
        .values()
        .filter(|alert| of_it(alert))
        .map(|alert| &**alert)
        .collect();
    let reports: Vec<Arc<SloReport>> = slos.map_or_else(Vec::new, |slos| {
        let of = |report: &&Arc<SloReport>| {
            let services = &scene.context.service_map;
            let theirs = &report.slo.service;
            service
                .as_deref()
                .is_some_and(|service| services.is_of(Caller::Slos, theirs, service))
        };
        slos.slos.iter().filter(of).cloned().collect()
    });
    let their: Vec<&SloReport> = reports.iter().map(|report| &**report).collect();
    let asked = own.filter(|_| matches!(subject.of, Of::Alert | Of::Incident));
    let began = Began::of(asked, subject.incident.as_deref(), &of_service, &their, now);
    let window = Window::around(began.at, now);
    let (deploys, logs, traces) = futures::join!(
        deploys(scene, began.at, now),
        lines(scene, called(scene, service.as_deref(), Caller::Logs), window),
        traces(scene, called(scene, service.as_deref(), Caller::Traces), window),
    );
    remarks.errors.extend(said.errors);
    remarks.warnings.extend(said.warnings);
    remarks.partial.extend(said.partial);
    let is_linked = |fingerprint: Fingerprint| linked.contains(&fingerprint);
    let others = board.by_fingerprint.values().filter(|alert| {
        let fingerprint = alert.occurrence.fingerprint;
        !board.watchdog.contains(&fingerprint)
    });
    let theirs = called(scene, service.as_deref(), Caller::Alerts);
    let related = related(own, theirs.as_deref(), began.at, others, &is_linked);
    let is_elsewhere =
        |alert: &&Arc<Alert>| alert.state == AlertState::Active && !alert.service.is_empty() && !of_it(alert);
    let elsewhere = board
        .by_fingerprint
        .values()
        .filter(is_elsewhere)
        .cloned()
        .collect();
    let mut rows = Vec::new();
    let (alert, related) = if scene.backends.alertmanagers.is_empty() {
        let why = "no Alertmanager is configured";
        (Known::Absent(why.to_owned()), Known::Absent(why.to_owned()))
    } else if let Some(why) = board.untold() {
        (Known::Failed(why.to_string()), Known::Failed(why.to_string()))
    } else {
        rows.extend(board.not_up_to_date().map(|words| (Part::Related, words)));
        (Known::Known(subject.alert.clone()), Known::Known(related))
    };
    Evidence {
        now,
        of: subject.of,
        service,
        names: Arc::new(scene.context.service_map.clone()),
        began,
        alert,
        related,
        elsewhere,
        slos: match slos {
            Some(_) => Known::Known(reports),
            None => Known::Absent("no metrics backend is configured".to_owned()),
        },
        deploys,
        logs,
        traces,
        incidents,
        on_call,
        // Written to be handed on: everybody by name.
        us: Us::default(),
        remarks: rows,
    }
}

/// What a backend calls a service of ours.
fn called(scene: &Scene, service: Option<&str>, by: Caller) -> Option<Arc<str>> {
    let services = &scene.context.service_map;
    Some(Arc::from(services.theirs(by, service?)))
}

fn absent<T>(scene: &Scene, what: &str) -> Known<T> {
    let name = &scene.context.name;
    Known::Absent(format!(
        "not asked: no {what} backend is configured ([contexts.{name}.{what}])"
    ))
}

async fn deploys(
    scene: &Scene,
    began: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Known<crate::domain::case::Deploys> {
    match &scene.backends.annotations {
        Some(source) => case::deploys(&**source, began, now).await,
        None => absent(scene, "annotations"),
    }
}

async fn lines(
    scene: &Scene,
    service: Option<Arc<str>>,
    window: Window,
) -> Known<crate::domain::case::Lines> {
    match (&scene.backends.logs, service) {
        (Some(source), Some(service)) => case::lines(&**source, service, window).await,
        (Some(_), None) => Known::Absent("not asked: it names no service".to_owned()),
        (None, _) => absent(scene, "logs"),
    }
}

async fn traces(
    scene: &Scene,
    service: Option<Arc<str>>,
    window: Window,
) -> Known<crate::domain::case::Traces> {
    match (&scene.backends.traces, service) {
        (Some(source), Some(service)) => case::traces(&**source, service, window).await,
        (Some(_), None) => Known::Absent("not asked: it names no service".to_owned()),
        (None, _) => absent(scene, "traces"),
    }
}

type People = (
    Known<Vec<Arc<Incident>>>,
    BTreeSet<Fingerprint>,
    Known<Vec<Duty>>,
    Remarks,
);

/// The incidents that it belongs to, the alerts that surely belong to them, and who is on call.
async fn people(scene: &Scene, keepers: &Keepers, board: &AlertBoard, subject: &Subject) -> People {
    let now = scene.now().utc;
    if keepers.is_empty() {
        let why = || "no incidents backend is configured".to_owned();
        return (
            Known::Absent(why()),
            BTreeSet::new(),
            Known::Absent(why()),
            Remarks::default(),
        );
    }
    let question = Question {
        whose: Whose::All,
        ..Question::default()
    };
    let duty_until = now + chrono::TimeDelta::hours(1);
    let ((listed, mut remarks), (roster, of_roster)) =
        futures::join!(keepers.list(&question), keepers.on_call(now, duty_until));
    let failed = |failure: &BackendFailure| format!("{}: {}", failure.backend, failure.message);
    let unrostered = of_roster.errors.first().map(failed);
    remarks.errors.extend(of_roster.errors);
    let all: Vec<&Arc<Alert>> = board.by_fingerprint.values().collect();
    let open: Vec<&Incident> = listed
        .iter()
        .filter(|incident| incident.status.is_open())
        .collect();
    let links = linked::links(keepers, board, &all, &open, &mut remarks).await;
    let mut of: Vec<Arc<Incident>> = subject.incident.iter().cloned().collect();
    let of_service = all.iter().copied().filter(|alert| {
        let any = matches!(subject.of, Of::Slo(_) | Of::Service);
        let service = subject.service.as_deref();
        any && service.is_some_and(|service| is_of(scene, alert, service))
    });
    for alert in subject.alert.iter().chain(of_service) {
        for (id, _) in links.of_alert(alert.occurrence.fingerprint) {
            let incident = listed.iter().find(|incident| incident.id == *id);
            let is_new = of.iter().all(|known| known.id != *id);
            of.extend(incident.filter(|_| is_new).cloned().map(Arc::new));
        }
    }
    let linked = of
        .iter()
        .flat_map(|incident| links.of_incident(&incident.id))
        .filter(|(_, by)| by.is_sure())
        .map(|(fingerprint, _)| *fingerprint)
        .collect();
    let incidents = match remarks.errors.first() {
        Some(failure) if of.is_empty() => Known::Failed(failed(failure)),
        Some(_) | None => Known::Known(of),
    };
    let duties: Vec<Duty> = roster.at(now).cloned().collect();
    let on_call = match unrostered {
        Some(why) if duties.is_empty() => Known::Failed(why),
        Some(_) | None => Known::Known(duties),
    };
    (incidents, linked, on_call, remarks)
}
