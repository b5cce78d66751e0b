use super::*;
use crate::domain::alert::Fingerprint;
use crate::domain::alert::ack::Marker;
use crate::domain::incident::{IncidentAct, Verb};
use crate::domain::oncall::{PolicyLevel, Target};
use crate::time::BootId;

fn stamp(seconds: u64) -> Stamp {
    Stamp {
        utc: "2026-11-20T03:00:00Z".parse().unwrap(),
        boot: BootId(1),
        boot_ms: 0,
    }
    .later(Duration::from_secs(seconds))
}

fn person(name: &str) -> Person {
    Person {
        id: name.into(),
        name: name.into(),
        email: Some(format!("{name}@example.com").into()),
        phone: None,
    }
}

fn on_call() -> OnCall {
    let level = |names: &[&str], delay: Option<u64>| PolicyLevel {
        notify: names.iter().map(|name| Target::Person((*name).into())).collect(),
        delay: delay.map(Duration::from_secs),
    };
    OnCall {
        people: ["jun", "mara", "sam"].map(person).to_vec(),
        schedules: Vec::new(),
        policies: vec![
            Policy {
                name: "default".into(),
                services: Vec::new(),
                levels: vec![
                    level(&["jun"], Some(300)),
                    level(&["mara"], Some(300)),
                    level(&[], None),
                ],
            },
            Policy {
                name: "single".into(),
                services: vec!["billing".into()],
                levels: vec![level(&["sam"], None)],
            },
        ],
    }
}

fn declared(service: &str) -> LocalIncident {
    let asked = Declaration {
        title: "orders fail".into(),
        severity: Severity::Sev2,
        service: Some(service.into()),
        policy: None,
        alerts: Vec::new(),
        by: "jun@example.com".into(),
        rule: None,
    };
    LocalIncident::declare(7, &asked, &on_call(), &stamp(0)).0
}

fn act(incident: &mut LocalIncident, by: &str, act: &IncidentAct) -> Result<Change, Refusal> {
    incident.apply(
        act,
        (by, &Marker::from_bits(1)),
        Setting {
            on_call: &on_call(),
            at: &stamp(60),
        },
    )
}

fn kinds(change: &Change) -> Vec<EventKind> {
    change.told.iter().map(|told| told.kind).collect()
}

#[test]
fn a_declaration_wakes_the_first_level_with_somebody_on_it() {
    let incident = declared("checkout");
    assert_eq!(incident.id().to_string(), "local-7");
    assert_eq!((incident.level, &*incident.assignees[0].id), (1, "jun"));
    let shown = incident.incident(&on_call());
    assert_eq!(shown.severity.as_deref(), Some("SEV2"));
    assert_eq!(shown.due[0].at, stamp(300).utc);
    assert_eq!(LocalIncident::number_of(&shown.id), Some(7));
}

#[test]
fn a_life_goes_from_triggered_to_resolved_and_each_step_is_told() {
    let mut incident = declared("checkout");
    let change = act(&mut incident, "mara@example.com", &IncidentAct::Acknowledge).unwrap();
    assert_eq!(kinds(&change), [EventKind::Acknowledged]);
    assert_eq!(incident.status, Status::Acknowledged);
    assert_eq!(&*incident.assignees[0].id, "mara");
    assert_eq!(incident.next_wake(&on_call()), None);
    for to in [Status::Investigating, Status::Identified, Status::Monitoring] {
        let change = act(&mut incident, "mara", &IncidentAct::Advance { to }).unwrap();
        assert_eq!((incident.status, change.told.len()), (to, 1));
        // The times of an incident are counted by this, not by its words.
        assert_eq!(&*change.told[0].refs["status"], to.word());
    }
    let resolve = IncidentAct::Resolve {
        resolution: "rolled back".into(),
    };
    let change = act(&mut incident, "mara", &resolve).unwrap();
    assert_eq!(change.told[0].text, "resolved: rolled back");
    assert_eq!(change.wakes[0].reason, Reason::Over);
    assert_eq!(incident.resolved_at, Some(stamp(60).utc));
}

#[test]
fn a_second_acknowledgement_of_the_same_person_says_so_and_tells_nothing() {
    let mut incident = declared("checkout");
    act(&mut incident, "jun@example.com", &IncidentAct::Acknowledge).unwrap();
    let again = act(&mut incident, "jun@example.com", &IncidentAct::Acknowledge).unwrap();
    assert_eq!((again.told.len(), again.remark.is_some()), (0, true));
    let other = act(&mut incident, "mara", &IncidentAct::Acknowledge).unwrap();
    assert_eq!(kinds(&other), [EventKind::Acknowledged]);
    assert_eq!(incident.acknowledgements.len(), 2);
}

#[test]
fn who_investigates_has_it() {
    let mut incident = declared("checkout");
    let to = Status::Investigating;
    let change = act(&mut incident, "jun", &IncidentAct::Advance { to }).unwrap();
    assert_eq!(kinds(&change), [EventKind::Acknowledged, EventKind::Other]);
    assert!(incident.acknowledged_at.is_some());
}

#[test]
fn an_escalation_pages_and_counts_the_delay_anew() {
    let mut incident = declared("checkout");
    act(&mut incident, "jun", &IncidentAct::Acknowledge).unwrap();
    let change = act(&mut incident, "jun", &IncidentAct::Escalate { to: 2 }).unwrap();
    assert_eq!(change.told[0].text, "escalated to level 2 of default: mara");
    assert_eq!(change.wakes[0].reason, Reason::Level(2));
    assert_eq!(incident.status, Status::Triggered);
    // Level 3 has nobody on it: there is no next one.
    assert_eq!(incident.next_wake(&on_call()), None);
}

#[test]
fn a_level_woken_in_the_middle_of_the_work_has_its_delay() {
    let mut incident = declared("checkout");
    let to = Status::Investigating;
    act(&mut incident, "jun", &IncidentAct::Advance { to }).unwrap();
    assert_eq!(incident.next_wake(&on_call()), None);
    act(&mut incident, "jun", &IncidentAct::Escalate { to: 1 }).unwrap();
    assert_eq!(incident.status, Status::Triggered);
    assert_eq!(incident.next_wake(&on_call()), Some((2, stamp(360).utc)));
}

#[test]
fn what_cannot_be_done_is_refused_in_words_and_changes_nothing() {
    let cases = [
        (
            "checkout",
            IncidentAct::Escalate { to: 3 },
            "nobody is on call on level 3",
        ),
        ("checkout", IncidentAct::Escalate { to: 9 }, "no level 9"),
        ("checkout", IncidentAct::Escalate { to: 0 }, "no level 0"),
        (
            "billing",
            IncidentAct::Escalate { to: 2 },
            "has one level; page somebody instead",
        ),
        ("billing", snooze(60), "nothing happens by itself"),
        ("checkout", snooze(0), "from a second to a week"),
        ("checkout", snooze(604_801), "from a second to a week"),
        ("checkout", IncidentAct::ReassignTo { people: vec![] }, "to whom"),
        (
            "checkout",
            IncidentAct::ReassignPolicy {
                policy: named_policy("nights"),
            },
            "no policy nights",
        ),
        (
            "checkout",
            IncidentAct::Priority {
                priority: named_policy("P1"),
            },
            "no severity P1",
        ),
    ];
    for (service, refused, words) in cases {
        let mut incident = declared(service);
        let before = incident.clone();
        let Refusal(why) = act(&mut incident, "jun", &refused).unwrap_err();
        assert!(why.contains(words), "{refused:?}: {why}");
        assert_eq!(incident, before, "{refused:?}");
    }
}

fn named_policy(name: &str) -> Named {
    Named {
        id: name.into(),
        name: name.into(),
    }
}

fn snooze(seconds: u64) -> IncidentAct {
    IncidentAct::Snooze {
        length: Duration::from_secs(seconds),
    }
}

#[test]
fn what_is_over_takes_words_only() {
    let mut incident = declared("checkout");
    let resolution = String::new();
    act(&mut incident, "jun", &IncidentAct::Resolve { resolution }).unwrap();
    let shown = incident.incident(&on_call());
    for verb in [Verb::Note, Verb::StatusUpdate, Verb::Priority] {
        assert_eq!(refusal(&shown, verb, &on_call()), None, "{verb:?}");
    }
    for verb in [
        Verb::Acknowledge,
        Verb::Resolve,
        Verb::Escalate,
        Verb::Page,
        Verb::Advance,
    ] {
        assert!(refusal(&shown, verb, &on_call()).is_some(), "{verb:?}");
    }
}

#[test]
fn what_is_given_by_hand_does_not_escalate_and_a_policy_begins_at_its_first_level() {
    let mut incident = declared("checkout");
    let people = vec![person("sam")];
    act(&mut incident, "jun", &IncidentAct::ReassignTo { people }).unwrap();
    assert_eq!(incident.assigned_via, AssignedVia::Direct);
    assert_eq!(incident.next_wake(&on_call()), None);
    let policy = named_policy("single");
    let change = act(&mut incident, "jun", &IncidentAct::ReassignPolicy { policy }).unwrap();
    assert_eq!((incident.level, incident.assigned_via), (1, AssignedVia::Policy));
    assert_eq!(change.wakes[0].people, [person("sam")]);
}

#[test]
fn who_was_asked_to_help_joins_by_taking_a_part() {
    let mut incident = declared("checkout");
    let page = IncidentAct::Page {
        people: vec![person("sam"), person("mara")],
        message: "the database is yours".into(),
    };
    let change = act(&mut incident, "jun", &page).unwrap();
    assert_eq!(
        change.told[0].text,
        "asked sam, mara to help: the database is yours"
    );
    let lead = IncidentAct::Assign {
        role: Role::TechnicalLead,
        person: person("sam"),
    };
    act(&mut incident, "jun", &lead).unwrap();
    let states: Vec<&str> = incident.responders.iter().map(|each| &*each.state).collect();
    assert_eq!(states, ["joined", "pending"]);
    // A role has one holder.
    let lead = IncidentAct::Assign {
        role: Role::TechnicalLead,
        person: person("mara"),
    };
    act(&mut incident, "jun", &lead).unwrap();
    assert_eq!(incident.roles, [(Role::TechnicalLead, person("mara"))]);
}

#[test]
fn a_missed_level_is_answered_by_leaving_it_or_by_taking_the_incident() {
    let missed = Missed {
        level: 2,
        due: stamp(300).utc,
    };
    let mut incident = declared("checkout");
    let mut change = Change::default();
    incident.miss(missed.clone(), &mut change);
    assert_eq!(change.told[0].delivery, Delivery::NeedsDecision);
    assert!(change.told[0].text.starts_with("missed level 2 at 03:05Z"));
    let mut left = incident.clone();
    left.leave("jun", &stamp(4_000), &mut change);
    assert_eq!(left.next_wake(&on_call()), Some((2, stamp(4_300).utc)));
    act(&mut incident, "jun", &IncidentAct::Acknowledge).unwrap();
    assert_eq!(incident.missed, None);
}

#[test]
fn a_merge_brings_the_alerts_along_and_ends_the_other() {
    let alert = |fingerprint: u64| LinkedAlert {
        occurrence: Occurrence {
            fingerprint: Fingerprint(fingerprint),
            starts_at: stamp(0).utc,
        },
        name: "HighErrorRate".into(),
        severity: None,
    };
    let (mut into, mut from) = (declared("checkout"), declared("search"));
    from.number = 8;
    into.link(&[alert(1)], "jun");
    from.link(&[alert(1), alert(2)], "jun");
    let (here, there) = into.absorb(&mut from, "jun", &stamp(60));
    assert_eq!(into.alerts.len(), 2);
    assert_eq!((from.status, from.merged_into), (Status::Resolved, Some(7)));
    assert_eq!(here.told[0].text, "took in local-8: orders fail");
    assert_eq!(kinds(&there), [EventKind::Resolved]);
}

#[test]
fn a_record_reads_back_as_it_was_kept() {
    let incident = declared("checkout");
    let kept = serde_json::to_string(&incident).unwrap();
    assert_eq!(serde_json::from_str::<LocalIncident>(&kept).unwrap(), incident);
}

#[test]
fn one_that_wakes_nobody_says_why() {
    assert_eq!(declared("checkout").nobody_woken(), None);
    let asked = Declaration {
        title: "disk".into(),
        severity: Severity::Sev1,
        service: None,
        policy: None,
        alerts: Vec::new(),
        by: "jun".into(),
        rule: None,
    };
    let alone = LocalIncident::declare(8, &asked, &OnCall::default(), &stamp(0)).0;
    assert!(
        alone
            .nobody_woken()
            .is_some_and(|why| why.contains("no escalation policy"))
    );
}
