//! What PagerDuty can do to an incident as it stands, and why not where it cannot: what holds whoever asks, and
//! what this account and these policies add to it.

use super::PagerDuty;
use crate::domain::incident::offer::offer;
use crate::domain::incident::{Incident, Offer, Verb};

impl PagerDuty {
    pub(super) fn offer(&self, incident: &Incident, verb: Verb) -> Offer {
        let no = |why: &str| Offer::No(why.into());
        if let refused @ Offer::No(_) = offer(incident, verb) {
            return refused;
        }
        let memory = self.memory();
        if memory.lacking.contains(&verb) {
            return no("the account's plan does not include this");
        }
        match verb {
            Verb::Acknowledge => {
                let me = memory.me.as_ref().map(|(_, me)| &me.acting.person.id);
                let mut holders = incident.acknowledgements.iter();
                if holders.any(|(person, _)| Some(&person.id) == me) {
                    no("you have it already")
                } else {
                    Offer::Yes
                }
            }
            Verb::Escalate => {
                let policy = incident.policy.as_ref();
                let policy = policy.and_then(|policy| memory.policies.get(&policy.id));
                match policy.map(|(_, policy)| policy.escalation_rules.len()) {
                    Some(1) => {
                        no("its policy has one level: there is no level above; reassign it, or page somebody")
                    }
                    Some(_) | None => Offer::Yes,
                }
            }
            Verb::Merge if memory.unmergeable.contains(&incident.id) => {
                no("PagerDuty says it cannot be merged")
            }
            Verb::Resolve
            | Verb::Reassign
            | Verb::Page
            | Verb::Snooze
            | Verb::Merge
            | Verb::Priority
            | Verb::StatusUpdate
            | Verb::Note
            | Verb::Advance
            | Verb::Assign => Offer::Yes,
        }
    }
}
