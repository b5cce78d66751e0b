//! What PagerDuty can do to an incident as it stands, and why not where it cannot.

use super::PagerDuty;
use crate::domain::incident::{Incident, Offer, Status, Urgency, Verb};

impl PagerDuty {
    pub(super) fn offer(&self, incident: &Incident, verb: Verb) -> Offer {
        let memory = self.memory();
        let no = |why: &str| Offer::No(why.into());
        if incident.merged_into.is_some() && verb != Verb::Note {
            return no("it was merged into another: act on that one");
        }
        if memory.lacking.contains(&verb) {
            return no("the account's plan does not include this");
        }
        let over = !incident.status.is_open();
        match verb {
            Verb::Advance => {
                no("PagerDuty knows triggered, acknowledged and resolved only; write a status update")
            }
            Verb::Assign => no("PagerDuty knows no roles; write a note"),
            Verb::Note | Verb::StatusUpdate => Offer::Yes,
            Verb::Acknowledge
            | Verb::Resolve
            | Verb::Escalate
            | Verb::Reassign
            | Verb::Page
            | Verb::Snooze
            | Verb::Merge
            | Verb::Priority
                if over =>
            {
                no("it is resolved")
            }
            Verb::Acknowledge => {
                let me = memory.me.as_ref().map(|(_, me)| &me.acting.person.id);
                let ours = incident
                    .acknowledgements
                    .iter()
                    .any(|(person, _)| Some(&person.id) == me);
                if ours {
                    no("you have it already")
                } else {
                    Offer::Yes
                }
            }
            Verb::Escalate if incident.urgency == Some(Urgency::Low) => {
                no("a low-urgency incident cannot be escalated, only reassigned")
            }
            Verb::Escalate => {
                let Some(policy) = &incident.policy else {
                    return no("it has no escalation policy: reassign it, or page somebody");
                };
                let levels = memory
                    .policies
                    .get(&policy.id)
                    .map(|(_, policy)| policy.escalation_rules.len());
                match levels {
                    Some(1) => {
                        no("its policy has one level: there is no level above; reassign it, or page somebody")
                    }
                    Some(_) | None => Offer::Yes,
                }
            }
            Verb::Snooze if incident.status != Status::Acknowledged => {
                no("acknowledge it first, then snooze")
            }
            Verb::Merge if memory.unmergeable.contains(&incident.id) => {
                no("PagerDuty says it cannot be merged")
            }
            Verb::Resolve | Verb::Reassign | Verb::Page | Verb::Snooze | Verb::Merge | Verb::Priority => {
                Offer::Yes
            }
        }
    }
}
