//! `midwatch timeline`: the story of one incident, or of the last hours over all of them.

use super::args::TimelineArgs;
use super::gather::Scene;
use super::incidents::finish;
use super::keepers::Keepers;
use super::told::Teller;
use super::{Outcome, Session};
use crate::domain::document::Remarks;
use crate::domain::incident::IncidentId;
use crate::domain::timeline::Timeline;
use crate::domain::timeline::json::timeline_document;
use crate::domain::timeline::table::timeline_text;
use crate::time::before;

/// Runs the command.
pub async fn run(session: &mut Session, args: &TimelineArgs) -> Outcome {
    let scene = Scene::with_local(session)?;
    tell(session, &scene, args).await
}

/// The same on a scene that is open.
pub async fn tell(session: &mut Session, scene: &Scene, args: &TimelineArgs) -> Outcome {
    let keepers = Keepers::open(scene);
    let teller = Teller::new(scene, &keepers);
    session
        .out
        .progress(&format!("asking what happened in {}…", scene.context.name))?;
    let now = scene.now().utc;
    if let Some(word) = &args.incident {
        let found = keepers.find(word, now).await?;
        let told = teller.incident(&found).await;
        return print(session, scene, Some(&found.id), &told.timeline, &told.remarks);
    }
    let told = teller.shift(before(now, args.since)).await;
    let mut all = Timeline::default();
    for (of, story) in told.stories {
        all.partial.extend(story.partial);
        all.events.extend(story.events.into_iter().map(|mut event| {
            if let Some(of) = &of {
                event.refs.insert("incident".into(), of.0.clone());
            }
            event
        }));
    }
    all.events
        .sort_by(|a, b| (a.at, a.kind, &a.id).cmp(&(b.at, b.kind, &b.id)));
    let mut remarks = told.remarks;
    remarks.warnings.extend(keepers.local_only());
    print(session, scene, None, &all, &remarks)
}

fn print(
    session: &mut Session,
    scene: &Scene,
    incident: Option<&IncidentId>,
    timeline: &Timeline,
    remarks: &Remarks,
) -> Outcome {
    let now = scene.now().utc;
    let text = if session.globals.json {
        let mut remarks = remarks.clone();
        remarks.partial.extend(timeline.partial.iter().cloned());
        timeline_document(&scene.context.name, incident, timeline, &remarks, now)
    } else {
        timeline_text(timeline, now)
    };
    finish(session, &text, remarks)
}
