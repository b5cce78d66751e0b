//! `midwatch unack`: hands alerts back, only our own acknowledgements; and incidents, where their keeper can.

use std::sync::Arc;
use std::time::Duration;

use super::ack::{Meant, about_alert, is_about, meant};
use super::args::UnackArgs;
use super::gather::{Danger, Deadline, Rules, Scene, finish};
use super::incident::{lookup, seen};
use super::keepers::Keepers;
use super::sending::{Sending, outcome, refused};
use super::{Outcome, Session};
use crate::domain::alert::Occurrence;
use crate::domain::alert::desk::Arrangement;
use crate::domain::alert::json::{ActReport, ActState};
use crate::domain::alert::plan::{counted, hand_back_plan};
use crate::domain::incident::Incident;
use crate::domain::incident::offer::hand_back;
use crate::outbox::{Draft, Entry, plan};

/// Runs the command.
pub async fn run(session: &mut Session, args: &UnackArgs) -> Outcome {
    let scene = Scene::for_any_act(session, &args.act, Danger::Free)?;
    let keepers = Keepers::open(&scene);
    let deadline = Deadline::start(args.act.wait);
    let board = deadline
        .ask(scene.board(&Arrangement::default(), Rules::Leave))
        .await?;
    let mut selected: Vec<Occurrence> = Vec::new();
    let mut incidents: Vec<Arc<Incident>> = Vec::new();
    for id in &args.ids {
        let asking = meant(id, &board, &keepers, deadline.half());
        match deadline.ask(asking).await?? {
            Meant::Alert(alert) if !selected.contains(&alert) => selected.push(alert),
            Meant::Incident(target) => {
                let incident = seen(target, "whose it is is asked there")?;
                if !incidents.iter().any(|known| known.id == incident.id) {
                    incidents.push(incident);
                }
            }
            Meant::Alert(_) => {}
        }
    }
    if !selected.is_empty() {
        // What incidents need is their keeper's alone.
        scene.can_write_to_alertmanagers()?;
    }
    let planned = hand_back_plan(&selected, &board, &scene.config.identity);
    let mut drafts = plan::hand_back(&planned, &board);
    let mut handed = Vec::new();
    for incident in &incidents {
        match hand_back(incident) {
            Ok(act) => drafts.push(Draft::new(lookup::payload(incident, act), Duration::ZERO)),
            Err(why) => handed.push(refused(lookup::label(incident), why.to_owned())),
        }
    }
    let entries = if drafts.is_empty() {
        Vec::new()
    } else {
        Sending::open(&scene)?.carry(drafts, &deadline).await?
    };
    for incident in &incidents {
        let about: Vec<&Entry> = entries
            .iter()
            .filter(|entry| is_about(entry, &incident.id))
            .collect();
        if !about.is_empty() {
            handed.push(outcome(lookup::label(incident), &about, args.act.wait));
        }
    }
    let mut outcomes = Vec::new();
    for occurrence in &selected {
        let target = occurrence.fingerprint.to_string();
        let why = planned.refused.iter().find(|(refused, _)| refused == occurrence);
        outcomes.push(if let Some((_, why)) = why {
            refused(target, why.clone())
        } else {
            let about = about_alert(&entries, occurrence.fingerprint);
            outcome(target, &about, args.act.wait)
        });
    }
    if !planned.also.is_empty() {
        let shared = format!(
            "; {} shared it and will alert again too",
            counted(planned.also.len(), "more alert")
        );
        for outcome in outcomes
            .iter_mut()
            .filter(|outcome| outcome.state == ActState::Confirmed)
        {
            outcome.message.push_str(&shared);
        }
    }
    outcomes.extend(handed);
    let report = ActReport {
        outcomes,
        warnings: Vec::new(),
        errors: board.errors,
    };
    finish(session, &scene, &report)
}
