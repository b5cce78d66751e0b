//! `midwatch incidents`: those of every keeper, or their figures.

use chrono::TimeDelta;

use super::args::IncidentsArgs;
use super::figures;
use super::gather::{Scene, say_remarks};
use super::keepers::Keepers;
use super::outbox::unreached;
use super::{Exit, Outcome, Session};
use crate::backend::incidents::{Question, Whose};
use crate::domain::document::Remarks;
use crate::domain::incident::Severity;
use crate::domain::incident::json::incidents_document;
use crate::domain::incident::table::incidents_text;
use crate::domain::writeup::stats::{Target, stats, stats_document, stats_text};
use crate::time::before;

/// Figures are of a month where nothing else is said.
const STATS_SPAN: TimeDelta = TimeDelta::days(30);

/// Runs the command.
pub async fn run(session: &mut Session, args: &IncidentsArgs) -> Outcome {
    let scene = Scene::with_local(session)?;
    tell(session, &scene, args).await
}

/// The same on a scene that is open.
pub async fn tell(session: &mut Session, scene: &Scene, args: &IncidentsArgs) -> Outcome {
    let keepers = Keepers::open(scene);
    session
        .out
        .progress(&format!("asking for the incidents of {}…", scene.context.name))?;
    let now = scene.now().utc;
    let whose = if args.mine {
        Whose::Mine
    } else if args.team {
        Whose::Team
    } else {
        Whose::All
    };
    let asked = args.since.map(|span| before(now, span));
    let from = asked.unwrap_or(now - STATS_SPAN);
    let question = Question {
        whose,
        ended_since: if args.stats { Some(from) } else { asked },
    };
    let (incidents, mut remarks) = keepers.list(&question).await;
    remarks.warnings.extend(unreached(scene).await);
    let context = scene.context.name.as_str();
    let text = if args.stats {
        let facts = figures::whole(scene, &keepers, &incidents, from, &mut remarks).await;
        let stats = stats(&facts, &targets(scene), from, now);
        if session.globals.json {
            stats_document(context, &stats, &remarks, now)
        } else if stats.all.count == 0 && !remarks.errors.is_empty() {
            "not known whether there were incidents\n".to_owned()
        } else {
            stats_text(&stats)
        }
    } else if session.globals.json {
        incidents_document(context, &incidents, &remarks, now)
    } else if incidents.is_empty() && !remarks.errors.is_empty() {
        "not known whether there are incidents\n".to_owned()
    } else {
        incidents_text(&incidents, now)
    };
    finish(session, &text, &remarks)
}

/// How fast the configuration wants incidents to be answered.
fn targets(scene: &Scene) -> Vec<Target> {
    Severity::ALL
        .into_iter()
        .map(|severity| {
            let times = scene.config.severities.of(severity);
            Target {
                severity: severity.word().to_owned(),
                acknowledge: Some(times.acknowledge),
                resolve: Some(times.resolve),
            }
        })
        .collect()
}

/// Prints, says who did not answer, and ends.
pub fn finish(session: &mut Session, text: &str, remarks: &Remarks) -> Outcome {
    session.out.text(text)?;
    if !text.ends_with('\n') {
        session.out.text("\n")?;
    }
    if !session.globals.json {
        say_remarks(session, remarks)?;
    }
    session.out.flush()?;
    Ok(if remarks.errors.is_empty() {
        Exit::Done
    } else {
        Exit::Backend
    })
}
