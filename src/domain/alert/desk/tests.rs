use chrono::TimeDelta;
use proptest::prelude::*;

use super::super::{
    AckState, AlertState, Flaps, Labels, PipelineFault, SeverityRank, SourceAlert, SourceGroup, Standing,
    matcher,
};
use super::*;

fn named(name: &str) -> SourceAlert {
    sample::source_alert(&[("alertname", name), ("severity", "warning")])
}

fn silenced(mut alert: SourceAlert, by: &str) -> SourceAlert {
    alert.silenced_by.push(by.into());
    alert.state = AlertState::Suppressed;
    alert
}

fn all() -> Arrangement {
    Arrangement {
        states: StateChoice::All,
        ..Arrangement::default()
    }
}

fn arrange(inputs: &Inputs) -> AlertBoard {
    Desk::new().arrange(inputs, &Arrangement::default(), sample::now())
}

fn only(board: &AlertBoard) -> &super::super::Alert {
    assert_eq!(board.by_fingerprint.len(), 1);
    board.by_fingerprint.values().next().expect("one")
}

fn names(board: &AlertBoard) -> Vec<String> {
    board
        .groups
        .iter()
        .flat_map(|g| &g.alerts)
        .map(|a| a.name.to_string())
        .collect()
}

#[test]
fn equal_label_sets_of_several_sources_are_one_alert() {
    let mut early = named("A");
    early.occurrence.starts_at -= TimeDelta::minutes(1);
    let late = silenced(named("A"), "s1");
    let inputs = sample::inputs_of(vec![
        sample::source(sample::snapshot("eu-0", vec![late], Vec::new())),
        sample::source(sample::snapshot("us-0", vec![early.clone()], Vec::new())),
    ]);
    let board = arrange(&inputs);
    let alert = only(&board);
    assert_eq!(
        alert.sources.iter().map(AsRef::as_ref).collect::<Vec<&str>>(),
        ["eu-0", "us-0"]
    );
    assert_eq!(alert.state, AlertState::Active, "active if any source says so");
    assert_eq!(alert.occurrence.starts_at, early.occurrence.starts_at);
    assert_eq!(board.counts.active, 1);
    assert_eq!(board.groups.len(), 1, "the same group at two sources is one");
}

#[test]
fn an_acknowledgement_holds_for_its_occurrence_alone() {
    let ack = sample::silence(
        "s1",
        "ACK! mara@midwatch 2026-11-20T03:14Z: mine [mw:AAAAAAAAAA]",
        "mara",
        "alertname=A",
    );
    let held = silenced(named("A"), "s1");
    let mut refired = silenced(
        sample::source_alert(&[("alertname", "A"), ("instance", "2")]),
        "s1",
    );
    refired.occurrence.starts_at += TimeDelta::minutes(2);
    let inputs = sample::inputs_of(vec![sample::source(sample::snapshot(
        "eu-0",
        vec![held, refired],
        vec![ack],
    ))]);
    let board = arrange(&inputs);
    let find = |standing| {
        board
            .by_fingerprint
            .values()
            .find(|a| a.standing() == standing)
            .expect("there")
    };
    let AckState::Held(ack) = &find(Standing::Acknowledged).ack else {
        panic!("held")
    };
    assert_eq!((ack.by.as_ref(), ack.note.as_ref()), ("mara", "mine"));
    assert_eq!(ack.silences, [("eu-0".into(), "s1".into())]);
    let AckState::HiddenBy(ack) = &find(Standing::Unacknowledged).ack else {
        panic!("hidden by")
    };
    assert_eq!(ack.by.as_ref(), "mara");
    assert_eq!(
        (
            board.counts.active,
            board.counts.acknowledged,
            board.counts.suppressed
        ),
        (1, 1, 0)
    );
    assert_eq!(board.groups[0].alerts.len(), 2, "both are shown among the active");
    assert_eq!(
        board.groups[0].alerts[0].standing(),
        Standing::Unacknowledged,
        "what nobody has comes first"
    );
}

/// `A` at two Alertmanagers, each its own cluster, acknowledged at the first alone.
fn acknowledged_at_eu(change: impl FnOnce(&mut SourceAlert)) -> Inputs {
    let ack = sample::silence("s1", "ACK! mine", "mara", "alertname=A");
    let mut at_us = named("A");
    change(&mut at_us);
    sample::inputs_of(vec![
        sample::source(sample::snapshot(
            "eu",
            vec![silenced(named("A"), "s1")],
            vec![ack],
        )),
        sample::source(sample::snapshot("us", vec![at_us], Vec::new())),
    ])
}

#[test]
fn an_acknowledgement_at_one_cluster_of_two_is_none_at_the_other() {
    let mut inputs = acknowledged_at_eu(|_| {});
    let mut desk = Desk::new();
    let board = desk.arrange(&inputs, &all(), sample::now());
    let AckState::Partly(part) = &only(&board).ack else {
        panic!("{:?}", only(&board).ack)
    };
    assert_eq!(
        (part.ack.by.as_ref(), part.at.as_slice(), part.missing.as_slice()),
        ("mara", ["eu".into()].as_slice(), ["us".into()].as_slice())
    );
    assert_eq!((board.counts.active, board.counts.acknowledged), (1, 0));

    inputs.sources[1].failure = Some(("down".into(), Duration::from_secs(5)));
    let board = desk.arrange(&inputs, &all(), sample::now());
    assert!(
        matches!(only(&board).ack, AckState::Held(_)),
        "what is not believed does not take it away"
    );
}

#[test]
fn what_is_quiet_at_the_other_cluster_anyway_is_held() {
    let inputs = acknowledged_at_eu(|at_us| {
        at_us.state = AlertState::Suppressed;
        at_us.inhibited_by = vec!["00000000deadbeef".into()];
    });
    assert!(matches!(only(&arrange(&inputs)).ack, AckState::Held(_)));
}

#[test]
fn a_member_that_has_not_heard_of_an_acknowledgement_does_not_speak_for_its_cluster() {
    let mut inputs = acknowledged_at_eu(|_| {});
    for source in &mut inputs.sources {
        let snapshot = Arc::make_mut(source.snapshot.as_mut().expect("answered"));
        snapshot.cluster = "one".into();
    }
    assert!(matches!(only(&arrange(&inputs)).ack, AckState::Held(_)));
}

#[test]
fn what_arrives_after_an_acknowledgement_was_not_seen_by_its_maker() {
    let early = || silenced(named("A"), "shared");
    let late = |by: &str| {
        let pairs = [("alertname", "A"), ("severity", "warning"), ("instance", "2")];
        silenced(sample::source_alert(&pairs), by)
    };
    let acks = || {
        vec![
            sample::silence("shared", "ACK!", "mara", "alertname=A"),
            sample::silence("full", "ACK!", "mara", "alertname=A,severity=warning,instance=2"),
        ]
    };
    let heard = |alerts| sample::inputs_of(vec![sample::source(sample::snapshot("eu-0", alerts, acks()))]);
    let standing = |desk: &mut Desk, alerts, after| {
        let now = sample::now().later(Duration::from_secs(after));
        let board = desk.arrange(&heard(alerts), &all(), now);
        (board.counts.active, board.counts.acknowledged)
    };
    let mut desk = Desk::new();
    assert_eq!(standing(&mut desk, vec![early()], 0), (0, 1));
    assert_eq!(standing(&mut desk, vec![early(), late("shared")], 15), (1, 1));
    assert_eq!(
        standing(&mut desk, vec![early(), late("full")], 30),
        (0, 2),
        "named in full"
    );
    assert_eq!(standing(&mut desk, Vec::new(), 45), (0, 0));
    assert_eq!(
        standing(&mut desk, vec![early()], 60),
        (0, 1),
        "it was lost from sight, and is back"
    );
    let mut both = heard(vec![early()]);
    let other = sample::snapshot("eu-1", vec![late("shared")], acks());
    both.sources.push(sample::source(other));
    let later = sample::now().later(Duration::from_secs(75));
    assert_eq!(
        desk.arrange(&both, &all(), later).counts.acknowledged,
        1,
        "it was seen here to come late"
    );
    let mut desk = Desk::new();
    assert_eq!(standing(&mut desk, vec![early()], 0), (0, 1));
    assert_eq!(
        desk.arrange(&both, &all(), later).counts.acknowledged,
        2,
        "what another source opens on may be old"
    );
    let mut opened_later = Desk::new();
    assert_eq!(
        standing(&mut opened_later, vec![early(), late("shared")], 0),
        (0, 2)
    );
}

#[test]
fn a_plain_silence_beside_an_old_acknowledgement_suppresses() {
    let ack = sample::silence("s1", "ACK! mine", "mara", "alertname=A");
    let plain = sample::silence("s2", "planned", "jun", "alertname=A");
    let mut alert = silenced(silenced(named("A"), "s1"), "s2");
    alert.occurrence.starts_at += TimeDelta::minutes(2);
    let inputs = sample::inputs_of(vec![sample::source(sample::snapshot(
        "eu-0",
        vec![alert],
        vec![ack, plain],
    ))]);
    assert_eq!(arrange(&inputs).counts.suppressed, 1);
}

#[test]
fn of_several_acknowledgements_the_first_has_it_and_the_last_ends_it() {
    let first = sample::silence("s1", "ACK! one", "mara", "alertname=A");
    let mut second = sample::silence("s2", "ACK! two", "jun", "alertname=A");
    second.starts_at += TimeDelta::minutes(1);
    second.ends_at += TimeDelta::hours(1);
    let until = second.ends_at;
    let alert = silenced(silenced(named("A"), "s1"), "s2");
    let inputs = sample::inputs_of(vec![sample::source(sample::snapshot(
        "eu-0",
        vec![alert],
        vec![first, second],
    ))]);
    let board = arrange(&inputs);
    let AckState::Held(ack) = &only(&board).ack else {
        panic!("held")
    };
    assert_eq!(
        (ack.by.as_ref(), ack.until, ack.silences.len()),
        ("mara", until, 2)
    );
}

#[test]
fn the_most_urgent_come_first() {
    let severe = sample::source_alert(&[("alertname", "Severe"), ("severity", "critical")]);
    let mut acked = silenced(
        sample::source_alert(&[("alertname", "Acked"), ("severity", "critical")]),
        "s1",
    );
    acked.occurrence.starts_at -= TimeDelta::minutes(1);
    let mut old = named("Old");
    old.occurrence.starts_at -= TimeDelta::hours(1);
    let ack = sample::silence("s1", "ACK!", "mara", "alertname=Acked");
    let alerts = vec![
        old,
        named("Young"),
        acked,
        severe,
        sample::source_alert(&[("alertname", "Info"), ("severity", "info")]),
    ];
    let inputs = sample::inputs_of(vec![sample::source(sample::snapshot("eu-0", alerts, vec![ack]))]);
    let board = arrange(&inputs);
    assert_eq!(names(&board), ["Severe", "Young", "Old", "Info", "Acked"]);
    assert_eq!(board.groups[0].rank, SeverityRank::Critical);
}

#[test]
fn grouping_follows_the_question() {
    let a = |i: &str| sample::source_alert(&[("alertname", "A"), ("service", i), ("severity", "page")]);
    let inputs = sample::inputs(vec![a("x"), a("y"), named("B")]);
    let with = |grouping| Desk::new().arrange(&inputs, &Arrangement { grouping, ..all() }, sample::now());
    assert_eq!(with(Grouping::Server).groups.len(), 2);
    assert_eq!(with(Grouping::Flat).groups.len(), 3);
    let by_service = with(Grouping::Labels(vec!["service".into(), "severity".into()]));
    assert_eq!(by_service.groups.len(), 3);
    assert!(
        by_service
            .groups
            .iter()
            .any(|g| g.key == sample::labels(&[("severity", "warning")])),
        "no empty labels in a key"
    );
}

#[test]
fn an_alert_in_several_groups_counts_once() {
    let alert = named("A");
    let mut snapshot = sample::snapshot("eu-0", vec![alert.clone()], Vec::new());
    snapshot.groups.push(SourceGroup {
        key: Labels::default(),
        receiver: "slack".into(),
        members: vec![alert.occurrence.fingerprint],
    });
    let board = arrange(&sample::inputs_of(vec![sample::source(snapshot)]));
    assert_eq!(
        (board.groups.len(), board.counts.active, board.counts.shown),
        (2, 1, 1)
    );
}

#[test]
fn the_watchdog_is_never_counted_nor_grouped_and_its_absence_is_critical() {
    let inputs = sample::inputs(vec![named("Watchdog"), named("A")]);
    let mut desk = Desk::new();
    let board = desk.arrange(&inputs, &all(), sample::now());
    assert_eq!((board.counts.active, names(&board)), (1, vec!["A".to_owned()]));
    assert_eq!(board.watchdog.len(), 1);
    assert!(board.newly_firing.is_empty() && board.pipeline.faults.is_empty());

    let later = sample::now().later(Duration::from_secs(90));
    let board = desk.arrange(&sample::inputs(vec![named("A")]), &all(), later);
    let [PipelineFault::WatchdogAbsent { since, matcher }] = board.pipeline.faults.as_slice() else {
        panic!("{:?}", board.pipeline)
    };
    assert_eq!(
        (*since, matcher.as_str()),
        (sample::now().tick, r#"alertname="Watchdog""#)
    );
}

#[test]
fn each_clusters_own_watchdog_is_missed_once_it_was_there() {
    let source = |name, alerts| sample::source(sample::snapshot(name, alerts, Vec::new()));
    let both = sample::inputs_of(vec![
        source("eu", vec![named("Watchdog")]),
        source("us", vec![named("Watchdog")]),
    ]);
    let one = sample::inputs_of(vec![
        source("eu", vec![named("Watchdog")]),
        source("us", Vec::new()),
    ]);
    assert!(
        arrange(&one).pipeline.faults.is_empty(),
        "a cluster that never had one may not be meant to"
    );
    let mut desk = Desk::new();
    desk.arrange(&both, &all(), sample::now());
    let board = desk.arrange(&one, &all(), sample::now().later(Duration::from_secs(30)));
    assert!(
        board.pipeline.faults[0].words(sample::now()).contains("at us"),
        "{:?}",
        board.pipeline.faults
    );
}

#[test]
fn a_vanished_alert_is_gone_and_resolved_only_when_prometheus_says_so() {
    let mut desk = Desk::new();
    let mut inputs = sample::inputs(vec![named("A")]);
    desk.arrange(&inputs, &all(), sample::now());
    inputs.sources = sample::inputs(Vec::new()).sources;
    let step = |desk: &mut Desk, inputs: &Inputs| {
        let board = desk.arrange(inputs, &all(), sample::now().later(Duration::from_secs(60)));
        (only(&board).state, only(&board).ended_at, board.counts.active)
    };
    let ended = Some(sample::now().later(Duration::from_secs(60)).utc);
    assert_eq!(step(&mut desk, &inputs), (AlertState::Gone, ended, 0));

    let pairs: &[(&str, &str)] = &[("alertname", "A"), ("severity", "warning")];
    let late = sample::utc() + TimeDelta::seconds(30);
    for rules in [
        vec![sample::rule("A", &[pairs], TimeDelta::minutes(1), late)],
        vec![sample::rule(
            "A",
            &[],
            TimeDelta::zero(),
            sample::utc() - TimeDelta::seconds(1),
        )],
        vec![sample::rule("Other", &[], TimeDelta::zero(), late)],
    ] {
        inputs.rules = sample::rules(rules);
        assert_eq!(step(&mut desk, &inputs).0, AlertState::Gone);
    }
    inputs.rules = sample::rules(vec![sample::rule("A", &[], TimeDelta::zero(), late)]);
    assert_eq!(step(&mut desk, &inputs).0, AlertState::Resolved);
    let board = desk.arrange(
        &inputs,
        &Arrangement::default(),
        sample::now().later(Duration::from_secs(61)),
    );
    assert!(board.groups.is_empty(), "what is over is only shown among all");
    let board = desk.arrange(
        &inputs,
        &all(),
        sample::now().later(GONE_KEPT + Duration::from_secs(120)),
    );
    assert!(board.by_fingerprint.is_empty(), "and forgotten in time");
}

#[test]
fn of_too_many_that_vanished_the_latest_are_remembered() {
    let many = |named: &str, count: usize, first: u64| {
        let alerts = (0u64..).take(count).map(|i| {
            let mut alert = sample::source_alert(&[("alertname", named), ("i", &i.to_string())]);
            alert.occurrence.fingerprint = Fingerprint(first + i);
            alert
        });
        sample::inputs(alerts.collect())
    };
    let mut desk = Desk::new();
    let at = |seconds| sample::now().later(Duration::from_secs(seconds));
    desk.arrange(&many("Early", GONE_CAP, 0), &all(), at(0));
    desk.arrange(&many("Late", 3, 1_000_000), &all(), at(60));
    let board = desk.arrange(&sample::inputs(Vec::new()), &all(), at(120));
    let late = board
        .by_fingerprint
        .values()
        .filter(|a| &*a.name == "Late")
        .count();
    assert_eq!((late, board.by_fingerprint.len()), (3, GONE_CAP));
}

#[test]
fn a_failed_sources_alerts_go_stale_and_stay() {
    let mut inputs = sample::inputs(vec![named("A")]);
    let mut desk = Desk::new();
    desk.arrange(&inputs, &all(), sample::now());
    inputs.sources[0].failure = Some(("connection refused".into(), Duration::from_secs(40)));
    inputs.sources[0].age = Some(Duration::from_secs(50));
    let board = desk.arrange(&inputs, &all(), sample::now().later(Duration::from_secs(50)));
    assert!(board.is_stale(only(&board)));
    assert_eq!(board.counts.active, 1);
    assert_eq!(board.errors[0].backend, "alertmanager eu-0");
    assert!(
        matches!(&board.pipeline.faults[0], PipelineFault::SourceDown { since, .. } if *since == sample::now().later(Duration::from_secs(10)).tick)
    );
    assert!(board.pipeline.age.is_none());
}

#[test]
fn a_failed_member_is_not_heard_while_another_of_its_cluster_answers() {
    let mut down = sample::snapshot("eu-0", vec![named("Old")], Vec::new());
    let mut up = sample::snapshot("eu-1", vec![named("New")], Vec::new());
    down.cluster = "eu".into();
    up.cluster = "eu".into();
    let mut inputs = sample::inputs_of(vec![sample::source(down), sample::source(up)]);
    inputs.sources[0].failure = Some(("down".into(), Duration::from_secs(600)));
    let board = arrange(&inputs);
    assert_eq!(only(&board).name.as_ref(), "New");
    assert_eq!(board.sources[0].cluster.as_ref(), "eu");
}

#[test]
fn what_fires_in_prometheus_and_arrives_nowhere_is_said_after_two_minutes() {
    let arrived = sample::source_alert(&[("alertname", "A"), ("instance", "1"), ("cluster", "external")]);
    let mut inputs = sample::inputs(vec![arrived, named("Watchdog")]);
    let rule = |minutes| {
        sample::rule(
            "A",
            &[
                &[
                    ("alertname", "A"),
                    ("instance", "1"),
                    ("dropped_by_relabelling", "x"),
                ],
                &[("alertname", "A"), ("instance", "2")],
                &[("alertname", "A"), ("instance", "3")],
            ],
            TimeDelta::minutes(minutes),
            sample::utc(),
        )
    };
    inputs.rules = sample::rules(vec![rule(1)]);
    assert_eq!(arrange(&inputs).pipeline.faults, []);
    inputs.rules = sample::rules(vec![rule(3)]);
    let board = arrange(&inputs);
    assert_eq!(
        board.pipeline.faults,
        [PipelineFault::NotDelivered {
            name: "A".into(),
            count: 2,
            since: sample::utc() - TimeDelta::seconds(180)
        }]
    );
    inputs.sources[0].failure = Some(("down".into(), Duration::from_secs(5)));
    let board = arrange(&inputs);
    assert!(
        !board
            .pipeline
            .faults
            .iter()
            .any(|f| matches!(f, PipelineFault::NotDelivered { .. }))
    );
    assert!(
        board
            .pipeline
            .unknown
            .iter()
            .any(|u| u.contains("eu-0 does not answer")),
        "{:?}",
        board.pipeline
    );
}

#[test]
fn a_rule_that_holds_for_ages_fires_never_and_breaks_nothing() {
    let mut inputs = sample::inputs(vec![named("Watchdog")]);
    let firing: &[&[(&str, &str)]] = &[&[("alertname", "Slow")]];
    let hours = TimeDelta::hours(2);
    let mut rule = sample::rule("Slow", firing, hours, sample::utc());
    inputs.rules = sample::rules(vec![rule.clone()]);
    assert!(
        arrange(&inputs).sentence(sample::now()).contains("Slow"),
        "it was not delivered"
    );
    rule.hold = Duration::from_secs(10_000_000_000_000);
    inputs.rules = sample::rules(vec![rule]);
    assert_eq!(
        arrange(&inputs).sentence(sample::now()),
        "none firing, pipeline ok 9s"
    );
}

#[test]
fn an_empty_queue_is_believed_for_a_reason() {
    let mut inputs = sample::inputs(vec![named("Watchdog")]);
    inputs.rules = sample::rules(Vec::new());
    assert_eq!(
        arrange(&inputs).sentence(sample::now()),
        "none firing, pipeline ok 9s"
    );
    inputs.rules = RulesInput::Waiting;
    assert!(
        arrange(&inputs)
            .sentence(sample::now())
            .contains("not been read yet")
    );
    inputs.rules = sample::rules(vec![AlertingRule {
        health: crate::backend::metrics::RuleHealth::Err("no such function".into()),
        ..sample::rule("A", &[], TimeDelta::zero(), sample::utc())
    }]);
    assert_eq!(
        arrange(&inputs).sentence(sample::now()),
        "none firing, an alerting rule fails: A: no such function"
    );
    inputs.sources[0].snapshot = None;
    inputs.sources[0].age = None;
    inputs.rules = RulesInput::NotConfigured;
    assert!(
        arrange(&inputs)
            .sentence(sample::now())
            .starts_with("not known whether anything fires: ")
    );
}

#[test]
fn re_fires_within_the_hour_are_flaps() {
    let mut desk = Desk::new();
    let quiet = sample::inputs(Vec::new());
    desk.arrange(&quiet, &all(), sample::now());
    let mut minute = 0;
    let mut step = |desk: &mut Desk, firing: bool| {
        minute += 1;
        let now = sample::now().later(Duration::from_secs(60 * minute));
        let mut alert = named("A");
        alert.occurrence.starts_at = now.utc;
        let inputs = if firing {
            sample::inputs(vec![alert])
        } else {
            quiet.clone()
        };
        let board = desk.arrange(&inputs, &all(), now);
        (only(&board).flaps, board.newly_firing.len())
    };
    assert_eq!(step(&mut desk, true), (Flaps(1), 1));
    assert_eq!(step(&mut desk, false), (Flaps(1), 0));
    assert_eq!(step(&mut desk, true), (Flaps(2), 1));
    assert_eq!(
        step(&mut desk, true),
        (Flaps(3), 1),
        "a later start is a re-fire though it never vanished"
    );
    let mut alert = named("A");
    alert.occurrence.starts_at = sample::now().later(Duration::from_secs(240)).utc;
    let late = sample::now().later(Duration::from_secs(3_600 + 200));
    assert_eq!(
        only(&desk.arrange(&sample::inputs(vec![alert]), &all(), late)).flaps,
        Flaps(1),
        "the older ones are forgotten"
    );
}

#[test]
fn what_the_console_opens_on_is_no_news() {
    let mut desk = Desk::new();
    let mut inputs = sample::inputs_of(vec![sample::source(sample::snapshot(
        "eu-0",
        vec![named("A")],
        Vec::new(),
    ))]);
    assert!(
        desk.arrange(&inputs, &all(), sample::now())
            .newly_firing
            .is_empty()
    );
    inputs.sources.push(sample::source(sample::snapshot(
        "us-0",
        vec![named("B")],
        Vec::new(),
    )));
    let later = sample::now().later(Duration::from_secs(15));
    assert!(
        desk.arrange(&inputs, &all(), later).newly_firing.is_empty(),
        "a source's first answer is no news either"
    );
    inputs.sources[1] = sample::source(sample::snapshot("us-0", vec![named("B"), named("C")], Vec::new()));
    assert_eq!(desk.arrange(&inputs, &all(), later).newly_firing.len(), 1);
    assert!(
        desk.arrange(&inputs, &all(), later).newly_firing.is_empty(),
        "and once told it is none"
    );
}

#[test]
fn what_did_not_change_keeps_its_place_in_memory() {
    let mut desk = Desk::new();
    let first = desk.arrange(
        &sample::inputs(vec![named("A"), named("B")]),
        &all(),
        sample::now(),
    );
    let second = desk.arrange(
        &sample::inputs(vec![named("A"), named("B")]),
        &all(),
        sample::now(),
    );
    assert!(Arc::ptr_eq(&first.by_fingerprint, &second.by_fingerprint));
    assert!(
        first
            .groups
            .iter()
            .zip(&second.groups)
            .all(|(a, b)| Arc::ptr_eq(a, b))
    );
    let mut changed = named("B");
    changed.annotations = sample::labels(&[("summary", "new")]);
    let third = desk.arrange(&sample::inputs(vec![named("A"), changed]), &all(), sample::now());
    let same = first
        .by_fingerprint
        .iter()
        .filter(|(f, alert)| Arc::ptr_eq(&third.by_fingerprint[f], alert))
        .count();
    assert_eq!(same, 1);
}

#[test]
fn silences_are_listed_once_a_cluster_with_what_they_hide() {
    let mut pending = sample::silence("p", "soon", "jun", "severity=warning");
    pending.state = SilenceState::Pending;
    let mut expired = sample::silence("e", "was", "jun", "severity=warning");
    expired.state = SilenceState::Expired;
    let active = sample::silence("a", "ACK!", "mara", "alertname=A");
    let unused = sample::silence("u", "nothing", "mara", "alertname=Nope");
    let silences = vec![expired, pending, active.clone(), unused];
    let mut one = sample::snapshot("eu-0", vec![silenced(named("A"), "a"), named("B")], silences);
    let mut two = sample::snapshot("eu-1", Vec::new(), vec![active]);
    one.cluster = "eu".into();
    two.cluster = "eu".into();
    let board = arrange(&sample::inputs_of(vec![sample::source(one), sample::source(two)]));
    let rows: Vec<(&str, usize)> = board
        .silences
        .iter()
        .map(|row| (row.silence.id.as_ref(), row.matches))
        .collect();
    assert_eq!(rows, [("a", 1), ("u", 0), ("p", 2), ("e", 0)]);
    let unused: Vec<&str> = board
        .silences
        .iter()
        .filter(|r| r.is_unused())
        .map(|r| r.silence.id.as_ref())
        .collect();
    assert_eq!(unused, ["u"]);
    assert!(board.silences[0].expires_within(Duration::from_secs(1_000), sample::now()));
    assert!(!board.silences[0].expires_within(Duration::from_secs(60), sample::now()));
}

#[test]
fn inhibitors_are_resolved_to_names() {
    let source = named("ClusterDown");
    let mut target = named("A");
    target.inhibited_by = vec![
        source.occurrence.fingerprint.to_string().into(),
        "00000000deadbeef".into(),
    ];
    target.state = AlertState::Suppressed;
    let fingerprint = target.occurrence.fingerprint;
    let board = arrange(&sample::inputs(vec![source, target]));
    let found = board.inhibitors(&board.by_fingerprint[&fingerprint]);
    let found: Vec<_> = found.map(|by| by.map(|alert| &*alert.name)).collect();
    assert_eq!(found, [Ok("ClusterDown"), Err("00000000deadbeef")]);
}

#[test]
fn a_filter_that_cannot_be_read_hides_nothing_and_is_said() {
    let question = |filter: &str| Arrangement {
        filter: filter.into(),
        ..Arrangement::default()
    };
    let inputs = sample::inputs(vec![named("A"), named("B")]);
    let mut desk = Desk::new();
    let board = desk.arrange(&inputs, &question("alertname=A"), sample::now());
    assert_eq!((board.counts.shown, board.counts.active), (1, 2));
    let board = desk.arrange(&inputs, &question("alertname=~("), sample::now());
    assert_eq!(board.counts.shown, 2);
    assert!(board.filter_error.is_some_and(|e| e.starts_with("column 12")));
    let scoped = Arrangement {
        scope: Selector {
            service: Some("none".into()),
            ..Selector::default()
        },
        ..Arrangement::default()
    };
    let counts = desk.arrange(&inputs, &scoped, sample::now()).counts;
    assert_eq!((counts.shown, counts.active), (0, 2));
    assert_eq!((counts.outside.active, counts.within()), (2, (0, 0, 0)));
    let everything = desk.arrange(&inputs, &all(), sample::now()).counts;
    assert_eq!((everything.outside.active, everything.within()), (0, (2, 0, 0)));
}

#[test]
fn settings_that_change_are_taken_up() {
    let mut inputs = sample::inputs(vec![sample::source_alert(&[("alertname", "A"), ("team", "t")])]);
    let mut desk = Desk::new();
    desk.arrange(&inputs, &all(), sample::now());
    inputs.settings = Arc::new(Settings {
        watchdog: Some(matcher::parse_list("alertname=A").expect("reads")),
        service_labels: vec!["team".into()],
        identity: Arc::default(),
    });
    let board = desk.arrange(&inputs, &all(), sample::now());
    assert_eq!(
        (
            only(&board).service.as_ref(),
            board.counts.active,
            board.watchdog.len()
        ),
        ("t", 0, 1)
    );
}

prop_compose! {
    fn any_alert()(name in 0..4u8, instance in 0..4u8, minutes in 0..200i64, state in 0..3u8, by in 0..4u8, page: bool) -> SourceAlert {
        let name = if name == 3 { "Watchdog".to_owned() } else { format!("N{name}") };
        let mut alert = sample::source_alert(&[
            ("alertname", &name), ("instance", &instance.to_string()), ("severity", if page { "page" } else { "info" }),
        ]);
        alert.occurrence.starts_at -= TimeDelta::minutes(minutes);
        alert.state = [AlertState::Active, AlertState::Suppressed, AlertState::Unprocessed][usize::from(state)];
        if by < 3 {
            alert.silenced_by = vec![format!("s{by}").into()];
        }
        alert
    }
}

prop_compose! {
    fn any_source(name: &'static str)(
        mut alerts in prop::collection::vec(any_alert(), 0..12), answered: bool, failed: bool, old: bool
    ) -> SourceInput {
        alerts.sort_by_key(|a| a.occurrence.fingerprint);
        alerts.dedup_by_key(|a| a.occurrence.fingerprint);
        let silences = vec![
            sample::silence("s0", "ACK! a", "mara", "a=b"), sample::silence("s1", "plain", "jun", "a=b"),
        ];
        let mut source = sample::source(sample::snapshot(name, alerts, silences));
        if !answered { source.snapshot = None; source.age = None; }
        if failed { source.failure = Some(("down".into(), Duration::from_secs(3))); }
        if old { source.age = source.age.map(|a| a * 20); }
        source
    }
}

proptest! {
    #[test]
    fn whatever_comes_in_the_counts_agree_with_the_board(
        worlds in prop::collection::vec((any_source("a"), any_source("b")), 1..6), flat: bool, filter in "(page|@age>1h|alertname=N1|)"
    ) {
        let mut desk = Desk::new();
        let mut seen = std::collections::BTreeSet::new();
        for (turn, (a, b)) in (0u64..).zip(worlds) {
            let now = sample::now().later(Duration::from_secs(turn * 900));
            let grouping = if flat { Grouping::Flat } else { Grouping::Server };
            let question = Arrangement { grouping, filter: filter.clone(), ..all() };
            let board = desk.arrange(&sample::inputs_of(vec![a, b]), &question, now);
            let counted = |standing| board.by_fingerprint.values()
                .filter(|x| x.standing() == standing && !board.watchdog.contains(&x.occurrence.fingerprint) && &*x.name != "Watchdog")
                .count();
            prop_assert_eq!(board.counts.active, counted(Standing::Unacknowledged));
            prop_assert_eq!(board.counts.acknowledged, counted(Standing::Acknowledged));
            prop_assert_eq!(board.counts.suppressed, counted(Standing::Suppressed));
            let shown: std::collections::BTreeSet<_> =
                board.groups.iter().flat_map(|g| &g.alerts).map(|x| x.occurrence.fingerprint).collect();
            prop_assert_eq!(board.counts.shown, shown.len());
            for group in &board.groups {
                prop_assert!(!group.alerts.is_empty());
                prop_assert!(group.alerts.is_sorted_by_key(|x| x.standing()));
                for alert in &group.alerts {
                    prop_assert!(Arc::ptr_eq(alert, &board.by_fingerprint[&alert.occurrence.fingerprint]));
                }
            }
            prop_assert!(seen.iter().all(|f| board.by_fingerprint.contains_key(f)), "nothing is lost within hours");
            seen.extend(board.by_fingerprint.keys().copied());
            prop_assert!(!board.sentence(sample::now()).is_empty());
        }
    }
}
