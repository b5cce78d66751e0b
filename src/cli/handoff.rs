//! `midwatch handoff`: the hand-over of a shift, as Markdown of at most sixty lines.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;

use super::args::HandoffArgs;
use super::gather::Scene;
use super::incidents::finish;
use super::keepers::Keepers;
use super::linked::taken;
use super::outbox::unreached;
use super::told::{Teller, ToldShift};
use super::{Outcome, Session};
use crate::backend::BackendFailure;
use crate::backend::incidents::{Question, Whose};
use crate::backend::metrics::engine::{Discover, Engine, Settings};
use crate::backend::metrics::spent::spent;
use crate::domain::document::document;
use crate::domain::incident::Incident;
use crate::domain::incident::link::Links;
use crate::domain::slo::{Slo, SloBoard, Spent};
use crate::domain::timeline::{Todo, todos};
use crate::domain::writeup::handoff::{Shift, Subject, handoff};
use crate::time::before;

/// Who follows is looked for that far ahead.
const AHEAD: TimeDelta = TimeDelta::days(2);

/// Runs the command.
pub async fn run(session: &mut Session, args: &HandoffArgs) -> Outcome {
    let scene = Scene::with_local(session)?;
    tell(session, &scene, args).await
}

/// The same on a scene that is open.
pub async fn tell(session: &mut Session, scene: &Scene, args: &HandoffArgs) -> Outcome {
    let keepers = Keepers::open(scene);
    let teller = Teller::new(scene, &keepers);
    session
        .out
        .progress(&format!("gathering the shift of {}…", scene.context.name))?;
    let now = scene.now().utc;
    let begin = before(now, args.since);
    let question = Question {
        whose: Whose::All,
        ended_since: Some(begin),
    };
    let ((incidents, listed), told, (roster, duties), (slos, spent)) = futures::join!(
        keepers.list(&question),
        teller.shift(begin),
        keepers.on_call(now, now + AHEAD),
        budgets(scene, args.since)
    );
    let unheard: Vec<Subject> = [
        (Subject::Incidents, &listed),
        (Subject::Stories, &told.remarks),
        (Subject::OnCall, &duties),
    ]
    .into_iter()
    .filter(|(_, remarks)| !remarks.errors.is_empty())
    .map(|(subject, _)| subject)
    .collect();
    let mut remarks = listed;
    remarks.warnings.extend(unreached(scene).await);
    for more in [&told.remarks, &duties] {
        remarks.errors.extend(more.errors.iter().cloned());
        remarks.warnings.extend(more.warnings.iter().cloned());
        remarks.partial.extend(more.partial.iter().cloned());
    }
    remarks
        .errors
        .extend(slos.iter().flat_map(|board| board.errors.iter().cloned()));
    let links = match &told.board {
        Some(board) => taken(&keepers, board, &incidents, &mut remarks).await,
        None => Links::default(),
    };
    dedup(&mut remarks.errors);
    let open = follow_ups(&told, &incidents);
    let events: Vec<_> = told
        .stories
        .iter()
        .flat_map(|(of, story)| story.events.iter().map(move |event| (of.clone(), event.clone())))
        .collect();
    let written = handoff(&Shift {
        context: &scene.context.name,
        since: begin,
        now,
        board: told.board.as_ref(),
        incidents: &incidents,
        links: &links,
        events: &events,
        slos: slos.as_ref(),
        spent: &spent,
        todos: &open,
        roster: keepers.all().next().map(|_| &roster),
        undelivered: &told.undelivered(&incidents),
        unheard: &unheard,
        remarks: &remarks,
    });
    let text = if session.globals.json {
        document(&scene.context.name, now, json!({ "markdown": written }), &remarks)
    } else {
        written
    };
    finish(session, &text, &remarks)
}

/// The follow-ups of the shift, each with what its incident is called.
fn follow_ups(told: &ToldShift, incidents: &[Incident]) -> Vec<(String, Todo)> {
    let mut all = Vec::new();
    for (of, story) in &told.stories {
        let label = of.as_ref().map_or_else(
            || "shift".to_owned(),
            |id| {
                let known = incidents.iter().find(|incident| incident.id == *id);
                match known.and_then(|incident| incident.number) {
                    Some(number) if !id.is_local() => format!("#{number}"),
                    Some(_) | None => id.to_string(),
                }
            },
        );
        all.extend(todos(story).into_iter().map(|todo| (label.clone(), todo)));
    }
    all.sort_by_key(|(_, todo)| todo.at);
    all
}

/// The board now, and what each SLO spent over the shift.
async fn budgets(scene: &Scene, span: Duration) -> (Option<SloBoard>, Vec<Spent>) {
    let (Some(metrics), Some(config)) = (&scene.backends.metrics, &scene.context.metrics) else {
        return (None, Vec::new());
    };
    let settings = Settings {
        poll: config.poll,
        discover: Discover::Yes,
    };
    let now = scene.now();
    let board = Engine::new(scene.context.slos.clone(), settings)
        .run_all(metrics.as_ref(), now)
        .await;
    if board.slos.is_empty() && board.errors.is_empty() {
        return (None, Vec::new());
    }
    let slos: Vec<Slo> = board.slos.iter().map(|report| Slo::clone(&report.slo)).collect();
    let (mut all, _) = if board.errors.is_empty() {
        spent(metrics.as_ref(), &slos, before(now.utc, span), now.utc).await
    } else {
        // what does not answer is not asked again; the board's own windows tell what they can
        (Vec::new(), None)
    };
    all.retain(|spent| spent.spent.is_some());
    for report in &board.slos {
        let known = |spent: &Spent| spent.slo == report.slo.name && spent.service == report.slo.service;
        if !all.iter().any(known) {
            all.push(Spent::from_report(report, span));
        }
    }
    (Some(board), all)
}

/// A backend that is asked for several things fails once.
fn dedup(errors: &mut Vec<BackendFailure>) {
    let mut seen: Vec<BackendFailure> = Vec::new();
    errors.retain(|error| {
        let new = !seen.contains(error);
        if new {
            seen.push(error.clone());
        }
        new
    });
}
