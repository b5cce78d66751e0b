//! What a new list of incidents no longer has, and somebody here has in mind: the one that was chosen, and those that
//! are in their hands. Where the list was asked for anew, what it lacks is what was asked for, and nothing is said.

use std::sync::Arc;

use super::say;
use crate::app::acts::PendingAct;
use crate::app::incidents::short;
use crate::app::list::Placed;
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::backend::incidents::Question;
use crate::domain::incident::Incident;
use crate::time::Now;

/// What is looked for in the list that comes.
pub(super) struct Before {
    chosen: Option<Arc<Incident>>,
    /// Open ones in the hands of whoever sits here, but those that are acted on from here.
    held: Vec<Arc<Incident>>,
    question: Question,
}

impl Before {
    /// As the list stands now.
    pub(super) fn of(model: &Model) -> Self {
        let pane = &model.incidents;
        let chosen = pane.selected().cloned();
        let listed = pane.feed.value().map_or(&[][..], |board| &board.incidents[..]);
        let us = model.us();
        let held = listed.iter().filter(|incident| {
            let mine = incident.assignees.iter().any(|one| us.are_person(one));
            let acted_on = model
                .acts
                .pending
                .iter()
                .any(|act: &PendingAct| act.concerns(&incident.id));
            incident.status.is_open() && mine && !acted_on
        });
        Self {
            chosen: chosen.filter(|_| matches!(pane.list.placed, Placed::ByFocus | Placed::ByHand)),
            held: held.cloned().collect(),
            question: pane.listed_for.clone(),
        }
    }

    /// Says what has gone, once the list that came is arranged.
    pub(super) fn said(self, model: &mut Model, now: Now) -> Vec<Effect> {
        let us = model.us();
        let pane = &mut model.incidents;
        pane.listed_for = pane.question.clone();
        let asked_anew = self.question != pane.question;
        if asked_anew && pane.list.placed == Placed::Bereft {
            // Whoever asked for other incidents looks at what there is.
            pane.list.placed = Placed::ByHand;
        }
        let gone = |incident: &Incident| match pane.incident(&incident.id) {
            Some(listed) => !listed.status.is_open(),
            None => !asked_anew,
        };
        let ended: Vec<String> = self
            .held
            .iter()
            .filter(|one| gone(one))
            .map(|one| short(one))
            .collect();
        let chosen = self
            .chosen
            .filter(|chosen| pane.incident(&chosen.id).is_none() && !asked_anew);
        let on = pane.selected().map(|incident| short(incident));
        let on = on.map_or_else(String::new, |on| format!("; the cursor stands on {on} now"));
        let words = match (&chosen, ended.as_slice()) {
            (None, []) => return Vec::new(),
            (Some(chosen), []) => {
                let gone = pane.gone(chosen, &us);
                format!("{} {gone}{on}", short(chosen))
            }
            (chosen, [one]) => {
                let on = chosen.as_ref().map_or("", |_| on.as_str());
                format!("{one}, which you held, is over{on}")
            }
            (chosen, several) => {
                let on = chosen.as_ref().map_or("", |_| on.as_str());
                format!("{}, which you held, are over{on}", several.join(", "))
            }
        };
        say(model, Level::Warn, words, now)
    }
}
