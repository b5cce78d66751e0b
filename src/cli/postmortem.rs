//! `midwatch postmortem`: the draft of a post-mortem, as Markdown.

use serde_json::json;

use super::args::PostmortemArgs;
use super::figures;
use super::gather::Scene;
use super::incidents::finish;
use super::keepers::Keepers;
use super::told::{Teller, known};
use super::{Outcome, Session};
use crate::backend::incidents::with_alert_keys;
use crate::backend::metrics::engine::{Discover, Engine, Settings};
use crate::backend::metrics::spent::spent_with_peaks;
use crate::domain::document::{Remarks, document};
use crate::domain::incident::{Facts, Incident};
use crate::domain::slo::{Slo, Spent};
use crate::domain::timeline::todos;
use crate::domain::writeup::postmortem::{Case, postmortem};

/// Runs the command.
pub async fn run(session: &mut Session, args: &PostmortemArgs) -> Outcome {
    let scene = Scene::with_local(session)?;
    tell(session, &scene, args).await
}

/// The same on a scene that is open.
pub async fn tell(session: &mut Session, scene: &Scene, args: &PostmortemArgs) -> Outcome {
    let keepers = Keepers::open(scene);
    let teller = Teller::new(scene, &keepers);
    session
        .out
        .progress(&format!("gathering what is known of {}…", args.incident))?;
    let now = scene.now().utc;
    let found = keepers.find(&args.incident, now).await?;
    let incident = known(&found)?;
    let (told, (spent, failed)) = futures::join!(teller.incident(&found), lost(scene, incident));
    let mut remarks = told.remarks;
    remarks.errors.extend(failed.errors);
    let keyed = with_alert_keys(&*found.keeper, incident).await;
    let facts = Facts::with_story(&keyed, &told.timeline);
    if remarks.errors.is_empty() {
        figures::keep_one(scene, incident, &facts).await;
    }
    let open = todos(&told.timeline);
    let missing: Vec<String> = remarks
        .errors
        .iter()
        .map(|failure| format!("{}: {}", failure.backend, failure.message))
        .chain(remarks.warnings.iter().chain(&remarks.partial).cloned())
        .collect();
    let written = postmortem(&Case {
        context: &scene.context.name,
        incident,
        facts: &facts,
        timeline: &told.timeline,
        spent: &spent,
        todos: &open,
        missing: &missing,
        now,
    });
    let text = if session.globals.json {
        let body = json!({"incident": incident.id, "markdown": written});
        document(&scene.context.name, now, body, &remarks)
    } else {
        written
    };
    finish(session, &text, &remarks)
}

/// What the SLOs of its service lost, from its begin to its end.
async fn lost(scene: &Scene, incident: &Incident) -> (Vec<Spent>, Remarks) {
    let mut remarks = Remarks::default();
    let (Some(metrics), Some(config)) = (&scene.backends.metrics, &scene.context.metrics) else {
        return (Vec::new(), remarks);
    };
    let service = incident.service.as_ref().map(|service| &*service.name);
    let slos: Vec<Slo> = scene
        .context
        .slos
        .iter()
        .filter(|slo| service.is_some_and(|service| service.eq_ignore_ascii_case(&slo.service)))
        .cloned()
        .collect();
    if slos.is_empty() {
        return (Vec::new(), remarks);
    }
    let now = scene.now();
    let end = incident.resolved_at.unwrap_or(now.utc);
    let (mut all, failure) = spent_with_peaks(metrics.as_ref(), &slos, incident.created_at, end).await;
    if let Some(failure) = failure {
        remarks.errors.push(failure);
        return (all, remarks);
    }
    let settings = Settings {
        poll: config.poll,
        discover: Discover::No,
    };
    let board = Engine::new(slos, settings).run_all(metrics.as_ref(), now).await;
    for spent in &mut all {
        let report = board.slos.iter().find(|report| report.slo.name == spent.slo);
        spent.left = report
            .and_then(|report| report.budget.as_ref())
            .map(|budget| budget.remaining);
    }
    remarks.errors.extend(board.errors);
    (all, remarks)
}
