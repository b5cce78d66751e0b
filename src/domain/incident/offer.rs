//! What can be done at all to an incident as it stands: the rules that hold whoever asks, from the incident alone.
//!
//! A keeper that knows more (an account's plan, a policy's levels) refuses more; it never allows what is refused here.

use super::{Incident, IncidentAct, Offer, Status, Urgency, Verb};

/// Whether an act can be done to an incident; why not, in words that name the way out.
pub fn offer(incident: &Incident, verb: Verb) -> Offer {
    let no = |why: &str| Offer::No(why.into());
    if verb == Verb::Note {
        return Offer::Yes;
    }
    if incident.merged_into.is_some() {
        return no("it was merged into another: act on that one");
    }
    if verb == Verb::StatusUpdate {
        return Offer::Yes;
    }
    if !incident.status.is_open() {
        return no("it is resolved");
    }
    if incident.id.is_local() {
        return local(incident, verb);
    }
    match verb {
        Verb::Advance => {
            no("PagerDuty knows triggered, acknowledged and resolved only; write a status update")
        }
        Verb::Assign => no("PagerDuty knows no roles; write a note"),
        Verb::Escalate if incident.urgency == Some(Urgency::Low) => {
            no("a low-urgency incident cannot be escalated, only reassigned")
        }
        Verb::Escalate if incident.policy.is_none() => {
            no("it has no escalation policy: reassign it, or page somebody")
        }
        Verb::Snooze if incident.status != Status::Acknowledged => no("acknowledge it first, then snooze"),
        Verb::Acknowledge
        | Verb::Resolve
        | Verb::Escalate
        | Verb::Reassign
        | Verb::Page
        | Verb::Snooze
        | Verb::Merge
        | Verb::Priority
        | Verb::StatusUpdate
        | Verb::Note => Offer::Yes,
    }
}

/// How an acknowledgement is given up again: the act that does it, or why there is none and what to do instead.
/// PagerDuty's API has no way back to triggered but one that pages (its `status` takes acknowledged and resolved;
/// escalating and reassigning un-acknowledge and page).
pub fn hand_back(incident: &Incident) -> Result<IncidentAct, &'static str> {
    if !incident.status.is_open() {
        return Err("it is resolved");
    }
    if incident.status == Status::Triggered {
        return Err("nobody has it: there is nothing to hand back");
    }
    if incident.id.is_local() {
        return Ok(IncidentAct::Advance {
            to: Status::Triggered,
        });
    }
    Err(
        "PagerDuty takes no acknowledgement back: reassign it to somebody, or to a policy (its level 1 is paged), or \
         snooze it (it rings again then)",
    )
}

fn local(incident: &Incident, verb: Verb) -> Offer {
    let no = |why: &str| Offer::No(why.into());
    match verb {
        Verb::Acknowledge if incident.status != Status::Triggered => no("somebody has it already"),
        Verb::Escalate if incident.policy.is_none() => {
            no("it has no escalation policy: reassign it to one, or page somebody")
        }
        Verb::Acknowledge
        | Verb::Resolve
        | Verb::Escalate
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

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::super::{IncidentId, Named};
    use super::*;

    fn refused(incident: &Incident, verb: Verb) -> Option<String> {
        match offer(incident, verb) {
            Offer::Yes => None,
            Offer::No(why) => Some(why.to_string()),
        }
    }

    #[test]
    fn what_is_over_takes_nothing_but_words() {
        let over = Incident {
            status: Status::Resolved,
            ..sample::incident("Q1", Status::Triggered)
        };
        assert_eq!(
            refused(&over, Verb::Acknowledge).as_deref(),
            Some("it is resolved")
        );
        assert_eq!(refused(&over, Verb::Note), None);
        assert_eq!(refused(&over, Verb::StatusUpdate), None);
        let merged = Incident {
            merged_into: Some(IncidentId::from("Q2")),
            ..sample::incident("Q1", Status::Triggered)
        };
        assert!(refused(&merged, Verb::Resolve).unwrap().contains("merged"));
        assert_eq!(refused(&merged, Verb::Note), None);
    }

    #[test]
    fn an_escalation_wants_a_policy_and_high_urgency() {
        assert_eq!(
            refused(&sample::incident("Q1", Status::Triggered), Verb::Escalate),
            None
        );
        let low = Incident {
            urgency: Some(Urgency::Low),
            ..sample::incident("Q1", Status::Triggered)
        };
        assert!(refused(&low, Verb::Escalate).unwrap().contains("only reassigned"));
        let alone = Incident {
            policy: None,
            ..sample::incident("Q1", Status::Triggered)
        };
        assert!(refused(&alone, Verb::Escalate).unwrap().contains("page somebody"));
        let local = Incident {
            id: IncidentId::from("local-7"),
            policy: None,
            ..sample::incident("Q1", Status::Triggered)
        };
        assert!(
            refused(&local, Verb::Escalate)
                .unwrap()
                .contains("no escalation policy")
        );
        let named = Incident {
            policy: Some(Named {
                id: "primary".into(),
                name: "primary".into(),
            }),
            ..local
        };
        assert_eq!(refused(&named, Verb::Escalate), None);
    }

    #[test]
    fn steps_and_roles_are_for_local_incidents_alone() {
        let local = Incident {
            id: IncidentId::from("local-7"),
            ..sample::incident("Q1", Status::Triggered)
        };
        for verb in [Verb::Advance, Verb::Assign] {
            assert!(
                refused(&sample::incident("Q1", Status::Triggered), verb)
                    .unwrap()
                    .contains("PagerDuty")
            );
            assert_eq!(refused(&local, verb), None);
        }
    }

    #[test]
    fn an_acknowledgement_is_given_up_where_the_keeper_can_and_the_way_out_is_named_where_not() {
        let theirs = |status| hand_back(&sample::incident("Q1", status));
        assert_eq!(
            theirs(Status::Triggered),
            Err("nobody has it: there is nothing to hand back")
        );
        assert_eq!(theirs(Status::Resolved), Err("it is resolved"));
        let why = theirs(Status::Acknowledged).unwrap_err();
        assert!(why.contains("reassign") && why.contains("snooze"), "{why}");
        let ours = Incident {
            id: IncidentId::from("local-7"),
            ..sample::incident("Q1", Status::Investigating)
        };
        let to = Status::Triggered;
        assert_eq!(hand_back(&ours), Ok(IncidentAct::Advance { to }));
    }
}
