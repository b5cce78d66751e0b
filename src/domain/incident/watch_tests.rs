use super::*;
use crate::domain::alert::{AckState, Flaps, Labels};
use crate::domain::incident::Person;
use crate::domain::incident::local::Change;
use crate::domain::oncall::{Policy, PolicyLevel, Target};
use crate::time::BootId;

fn stamp(seconds: u64) -> Stamp {
    let start = Stamp {
        utc: "2026-11-20T03:00:00Z".parse().unwrap(),
        boot: BootId(1),
        boot_ms: 10_000_000,
    };
    start.later(Duration::from_secs(seconds))
}

fn on_call() -> OnCall {
    let level = |name: &str, delay| PolicyLevel {
        notify: vec![Target::Person(name.into())],
        delay,
    };
    OnCall {
        people: ["jun", "mara", "sam"]
            .map(|name| Person {
                id: name.into(),
                name: name.into(),
                email: None,
                phone: None,
            })
            .to_vec(),
        schedules: Vec::new(),
        policies: vec![Policy {
            name: "default".into(),
            services: Vec::new(),
            levels: vec![
                level("jun", Some(Duration::from_secs(300))),
                level("mara", Some(Duration::from_secs(600))),
                level("sam", None),
            ],
        }],
    }
}

fn incident() -> LocalIncident {
    let declaration = Declaration {
        title: "checkout fails".into(),
        severity: Severity::Sev2,
        service: Some("checkout".into()),
        policy: None,
        alerts: Vec::new(),
        by: "jun".into(),
        rule: None,
    };
    LocalIncident::declare(1, &declaration, &on_call(), &stamp(0)).0
}

fn decided(incidents: &[LocalIncident], now: u64, watched_since: u64) -> Vec<Action> {
    decide(&Scene {
        incidents,
        known: &KnownFirings::default(),
        board: None,
        rules: &Rules::default(),
        on_call: &on_call(),
        now: &stamp(now),
        watched_since: &stamp(watched_since),
    })
}

#[test]
fn a_level_is_woken_when_the_one_before_did_not_answer_in_time() {
    let open = [incident()];
    assert_eq!(decided(&open, 299, 0), []);
    let wake = Action::Wake {
        incident: 1,
        from: 1,
        to: 2,
    };
    assert_eq!(decided(&open, 300, 0), std::slice::from_ref(&wake));
    // A console that was opened a little late still wakes.
    assert_eq!(decided(&open, 350, 350), [wake]);
}

#[test]
fn a_level_that_was_due_while_nobody_watched_is_asked_about() {
    let open = [incident()];
    let missed = Missed {
        level: 2,
        due: "2026-11-20T03:05:00Z".parse().unwrap(),
    };
    assert_eq!(missed.words(), "missed level 2 at 03:05Z");
    assert_eq!(
        decided(&open, 3_600, 3_600),
        [Action::Miss {
            incident: 1,
            from: 1,
            missed: missed.clone()
        }]
    );
    // Once asked, nothing more happens by itself.
    let asked = LocalIncident {
        missed: Some(missed),
        ..incident()
    };
    assert_eq!(decided(&[asked], 7_200, 3_600), []);
}

#[test]
fn a_wall_clock_that_jumps_wakes_nobody() {
    let jumped = Stamp {
        utc: "2026-11-21T03:00:00Z".parse().unwrap(),
        ..stamp(10)
    };
    let open = [incident()];
    let scene = Scene {
        incidents: &open,
        known: &KnownFirings::default(),
        board: None,
        rules: &Rules::default(),
        on_call: &on_call(),
        now: &jumped,
        watched_since: &stamp(0),
    };
    assert_eq!(decide(&scene), []);
}

#[test]
fn what_somebody_has_or_holds_back_is_not_escalated() {
    let acknowledged = LocalIncident {
        status: Status::Acknowledged,
        ..incident()
    };
    let by_hand = LocalIncident {
        assigned_via: AssignedVia::Direct,
        ..incident()
    };
    let at_the_top = LocalIncident {
        level: 3,
        ..incident()
    };
    let resting = LocalIncident {
        rests_until: Some(stamp(1_000).utc),
        ..incident()
    };
    assert_eq!(
        decided(&[acknowledged, by_hand, at_the_top, resting.clone()], 999, 0),
        []
    );
    assert_eq!(decided(&[resting], 1_000, 0).len(), 1);
}

#[test]
fn a_level_with_nobody_on_call_is_passed_over() {
    let mut on_call = on_call();
    on_call.policies[0].levels[1].notify.clear();
    let open = [incident()];
    let actions = decide(&Scene {
        incidents: &open,
        known: &KnownFirings::default(),
        board: None,
        rules: &Rules::default(),
        on_call: &on_call,
        now: &stamp(301),
        watched_since: &stamp(0),
    });
    assert_eq!(
        actions,
        [Action::Wake {
            incident: 1,
            from: 1,
            to: 3
        }]
    );
}

fn alert(fingerprint: u64, name: &str, service: &str, starts: u64) -> Alert {
    Alert {
        occurrence: Occurrence {
            fingerprint: Fingerprint(fingerprint),
            starts_at: stamp(starts).utc,
        },
        sources: vec!["eu-0".into()],
        state: AlertState::Active,
        name: name.into(),
        severity: Some("critical".into()),
        service: service.into(),
        silenced_by: Vec::new(),
        inhibited_by: Vec::new(),
        muted_by: Vec::new(),
        ack: AckState::None,
        updated_at: stamp(starts).utc,
        ended_at: None,
        labels: [
            ("alertname", name),
            ("severity", "critical"),
            ("service", service),
        ]
        .into_iter()
        .collect(),
        annotations: Labels::default(),
        generator_url: "".into(),
        receivers: Vec::new(),
        flaps: Flaps(0),
    }
}

fn board(alerts: Vec<Alert>) -> AlertBoard {
    AlertBoard {
        by_fingerprint: Arc::new(
            alerts
                .into_iter()
                .map(|alert| (alert.occurrence.fingerprint, Arc::new(alert)))
                .collect(),
        ),
        ..AlertBoard::default()
    }
}

fn rules() -> Rules {
    Rules::new(&[DeclareRule {
        matchers: matcher::parse_list("severity=\"critical\"").unwrap(),
        severity: Severity::Sev2,
        title: None,
        service: None,
        policy: None,
    }])
}

/// Decides and does it, as the runner would.
fn turn(incidents: &mut Vec<LocalIncident>, board: &AlertBoard, now: u64) -> usize {
    let mut known = KnownFirings::default();
    for incident in incidents.iter() {
        for alert in &incident.alerts {
            known.add(alert.occurrence, incident.resolved_at);
        }
    }
    let open: Vec<LocalIncident> = incidents
        .iter()
        .filter(|incident| incident.status.is_open())
        .cloned()
        .collect();
    let actions = decide(&Scene {
        incidents: &open,
        known: &known,
        board: Some(board),
        rules: &rules(),
        on_call: &on_call(),
        now: &stamp(now),
        watched_since: &stamp(0),
    });
    let count = actions.len();
    for action in actions {
        match action {
            Action::Declare(asked) => {
                let number = incidents.len() as u64 + 1;
                incidents.push(LocalIncident::declare(number, &asked, &on_call(), &stamp(now)).0);
            }
            Action::Link {
                incident,
                alerts,
                rule,
            } => {
                let incident = incidents.iter_mut().find(|each| each.number == incident).unwrap();
                assert!(incident.link(&alerts, &rule).is_some());
            }
            Action::Wake { .. } | Action::Miss { .. } => panic!("{action:?}"),
        }
    }
    count
}

#[test]
fn a_firing_declares_once_and_the_alerts_of_a_service_share_an_incident() {
    let mut incidents = Vec::new();
    let mut alerts = vec![
        alert(1, "HighErrorRate", "checkout", 0),
        alert(2, "HighLatency", "checkout", 0),
        alert(3, "HighErrorRate", "search", 0),
    ];
    assert_eq!(turn(&mut incidents, &board(alerts.clone()), 10), 2);
    assert_eq!(turn(&mut incidents, &board(alerts.clone()), 20), 0);
    let told: Vec<_> = incidents.iter().map(|i| (&*i.title, i.alerts.len())).collect();
    assert_eq!(
        told,
        [
            ("checkout: HighErrorRate and 1 more", 2),
            ("search: HighErrorRate", 1)
        ]
    );
    // A third alert of the service belongs to the incident that is open.
    alerts.push(alert(4, "Saturated", "checkout", 60));
    assert_eq!(turn(&mut incidents, &board(alerts.clone()), 70), 1);
    assert_eq!((incidents.len(), incidents[0].alerts.len()), (2, 3));
    // Resolved by hand while the alerts fire on: they do not open another.
    for incident in &mut incidents {
        incident.status = Status::Resolved;
        incident.resolved_at = Some(stamp(75).utc);
    }
    assert_eq!(turn(&mut incidents, &board(alerts.clone()), 80), 0);
    // The start moves a little when a source falls silent: still the same firing.
    alerts[0].occurrence.starts_at = stamp(15).utc;
    assert_eq!(turn(&mut incidents, &board(alerts.clone()), 90), 0);
    // A firing of its own opens its own.
    alerts[0].occurrence.starts_at = stamp(4_000).utc;
    assert_eq!(turn(&mut incidents, &board(alerts), 4_010), 1);
    assert_eq!(incidents.len(), 3);
}

#[test]
fn an_alert_that_fires_again_after_its_incident_opens_another_however_soon() {
    let mut incidents = Vec::new();
    let first = alert(1, "Down", "checkout", 0);
    assert_eq!(turn(&mut incidents, &board(vec![first]), 10), 1);
    incidents[0].status = Status::Resolved;
    incidents[0].resolved_at = Some(stamp(120).utc);
    assert_eq!(turn(&mut incidents, &board(Vec::new()), 130), 0);
    let again = alert(1, "Down", "checkout", 240);
    assert_eq!(turn(&mut incidents, &board(vec![again.clone()]), 250), 1);
    assert_eq!(incidents.len(), 2);
    assert_eq!(turn(&mut incidents, &board(vec![again]), 260), 0, "once");
}

#[test]
fn a_firing_that_was_seen_to_be_over_is_taken_for_no_later_one() {
    let firing = |starts| alert(1, "Down", "checkout", starts).occurrence;
    let mut known = KnownFirings::default();
    known.add(firing(0), None);
    assert!(known.has(firing(240)), "another source tells another start");
    assert_eq!(known.near(firing(240)), [firing(0)]);
    known.end(firing(0));
    assert!(!known.has(firing(240)));
    assert!(known.has(firing(0)), "it is the same one all the same");
}

#[test]
fn what_is_silenced_acknowledged_or_the_watchdog_declares_nothing() {
    let silenced = Alert {
        state: AlertState::Suppressed,
        silenced_by: vec!["s1".into()],
        ..alert(1, "HighErrorRate", "checkout", 0)
    };
    let over = Alert {
        state: AlertState::Gone,
        ..alert(2, "HighErrorRate", "search", 0)
    };
    let mut board = board(vec![silenced, over, alert(3, "Watchdog", "", 0)]);
    board.watchdog = vec![Fingerprint(3)];
    assert_eq!(turn(&mut Vec::new(), &board, 10), 0);
}

#[test]
fn an_escalation_by_delay_is_told_and_wakes() {
    let mut incident = incident();
    let mut change = Change::default();
    incident.wake(
        2,
        crate::domain::incident::local::Cause::Delay,
        crate::domain::incident::local::Setting {
            on_call: &on_call(),
            at: &stamp(300),
        },
        &mut change,
    );
    assert_eq!(incident.level, 2);
    assert_eq!(
        change.told[0].text,
        "not acknowledged in time: level 2 of default woken: mara"
    );
    assert_eq!(&*change.wakes[0].people[0].id, "mara");
    // The next delay counts from here.
    assert_eq!(decided(&[incident.clone()], 899, 0), []);
    assert_eq!(decided(&[incident], 900, 0).len(), 1);
}
