//! `midwatch oncall`: who is on call now, and who follows.

use chrono::TimeDelta;

use super::gather::Scene;
use super::incidents::finish;
use super::keepers::Keepers;
use super::{Outcome, Session};
use crate::domain::oncall::json::oncall_document;
use crate::domain::oncall::table::oncall_text;

/// Far enough that who follows a week's duty is in it.
const AHEAD: TimeDelta = TimeDelta::days(8);

/// Runs the command.
pub async fn run(session: &mut Session) -> Outcome {
    let scene = Scene::with_local(session)?;
    tell(session, &scene).await
}

/// The same on a scene that is open.
pub async fn tell(session: &mut Session, scene: &Scene) -> Outcome {
    let keepers = Keepers::open(scene);
    if keepers.all().next().is_none() {
        return Err(scene.lacks(
            "incidents",
            "add [contexts.NAME.incidents] with a kind, pagerduty or local",
        ));
    }
    session
        .out
        .progress(&format!("asking who is on call for {}…", scene.context.name))?;
    let now = scene.now().utc;
    let (roster, remarks) = keepers.on_call(now, now + AHEAD).await;
    let text = if session.globals.json {
        oncall_document(&scene.context.name, &roster, &remarks, now)
    } else if roster.at(now).next().is_none() && !remarks.errors.is_empty() {
        "not known who is on call\n".to_owned()
    } else {
        oncall_text(&roster, now)
    };
    finish(session, &text, &remarks)
}
