use super::super::desk::{Arrangement, Desk, Inputs, sample};
use super::super::{SourceAlert, matcher};
use super::*;

fn alert(pairs: &[(&str, &str)]) -> SourceAlert {
    sample::source_alert(pairs)
}

fn instance(i: &str) -> SourceAlert {
    alert(&[("alertname", "Errors"), ("service", "shop"), ("instance", i)])
}

fn board_of(inputs: &Inputs) -> AlertBoard {
    Desk::new().arrange(inputs, &Arrangement::default(), sample::now())
}

fn board(alerts: Vec<SourceAlert>) -> AlertBoard {
    board_of(&sample::inputs(alerts))
}

fn shown(plan: &AckPlan) -> Vec<String> {
    plan.silences
        .iter()
        .map(|s| format!("{}: {}", s.cluster, matcher::display_list(&s.matchers)))
        .collect()
}

/// Every planned silence matches what it covers and nothing else in its cluster.
fn assert_exact(plan: &AckPlan, board: &AlertBoard) {
    for silence in &plan.silences {
        let matchers = Matchers::compile(&silence.matchers).expect("compiles");
        for (fingerprint, alert) in board.by_fingerprint.iter() {
            let covered = silence.covers.iter().any(|o| o.fingerprint == *fingerprint);
            assert_eq!(
                matchers.is_match(&alert.labels),
                covered,
                "{:?} on {:?}",
                silence.matchers,
                alert.labels
            );
        }
    }
}

#[test]
fn one_alert_is_acknowledged_by_its_full_label_set() {
    let board = board(vec![instance("1"), instance("2")]);
    let plan = ack_plan(&[instance("1").occurrence], &board);
    assert_eq!(
        shown(&plan),
        [r#"eu-0: alertname="Errors", instance="1", service="shop""#]
    );
    assert_exact(&plan, &board);
}

#[test]
fn a_whole_group_is_acknowledged_by_what_it_has_in_common() {
    let board = board(vec![
        instance("1"),
        instance("2"),
        alert(&[("alertname", "Other"), ("service", "shop")]),
    ]);
    let plan = ack_plan(
        &[
            instance("1").occurrence,
            instance("2").occurrence,
            instance("2").occurrence,
        ],
        &board,
    );
    assert_eq!(shown(&plan), [r#"eu-0: alertname="Errors", service="shop""#]);
    assert_eq!(plan.alerts(), 2);
    assert_exact(&plan, &board);
}

#[test]
fn part_of_a_group_takes_one_silence_an_alert() {
    let board = board(vec![instance("1"), instance("2"), instance("3")]);
    let plan = ack_plan(&[instance("1").occurrence, instance("2").occurrence], &board);
    assert_eq!(plan.silences.len(), 2);
    assert_exact(&plan, &board);
}

#[test]
fn an_alert_with_more_labels_is_not_hidden_by_the_shorter_ones_acknowledgement() {
    let short = alert(&[("alertname", "Errors")]);
    let board = board(vec![
        short.clone(),
        instance("1"),
        alert(&[("alertname", "Errors"), ("zone", "a")]),
    ]);
    let plan = ack_plan(&[short.occurrence], &board);
    assert_exact(&plan, &board);
    assert_eq!(plan.silences[0].matchers.len(), 3);
}

#[test]
fn each_cluster_gets_its_own_silence() {
    let mut inputs = sample::inputs_of(vec![
        sample::source(sample::snapshot("eu-0", vec![instance("1")], Vec::new())),
        sample::source(sample::snapshot("eu-1", vec![instance("1")], Vec::new())),
        sample::source(sample::snapshot(
            "us-0",
            vec![instance("1"), instance("2")],
            Vec::new(),
        )),
    ]);
    for source in &mut inputs.sources {
        let mut snapshot = source.snapshot.as_deref().expect("there").clone();
        snapshot.cluster = snapshot.source.split('-').next().expect("a name").into();
        source.snapshot = Some(Arc::new(snapshot));
    }
    let plan = ack_plan(&[instance("1").occurrence], &board_of(&inputs));
    let clusters: Vec<&str> = plan.silences.iter().map(|s| s.cluster.as_ref()).collect();
    assert_eq!(clusters, ["eu", "us"]);
}

#[test]
fn what_is_acknowledged_at_one_cluster_is_acknowledged_at_the_other_alone() {
    let mut held = instance("1");
    held.silenced_by = vec!["s1".into()];
    let ack = sample::silence("s1", "ACK!", "mara", "instance=1");
    let board = board_of(&sample::inputs_of(vec![
        sample::source(sample::snapshot("eu", vec![held], vec![ack])),
        sample::source(sample::snapshot("us", vec![instance("1")], Vec::new())),
    ]));
    let plan = ack_plan(&[instance("1").occurrence], &board);
    assert_eq!(plan.left_out, []);
    let clusters: Vec<&str> = plan.silences.iter().map(|s| s.cluster.as_ref()).collect();
    assert_eq!(clusters, ["us"]);
}

#[test]
fn what_changed_since_it_was_selected_is_left_out_and_said() {
    let refired = instance("1");
    let mut selected = refired.occurrence;
    selected.starts_at -= chrono::TimeDelta::minutes(5);
    let gone = instance("9").occurrence;
    let watchdog = alert(&[("alertname", "Watchdog")]);
    let mut held = instance("2");
    held.silenced_by = vec!["s1".into()];
    let ack = sample::silence("s1", "ACK!", "mara", "instance=2");
    let alerts = vec![refired, watchdog.clone(), held.clone()];
    let inputs = sample::inputs_of(vec![sample::source(sample::snapshot("eu-0", alerts, vec![ack]))]);
    let plan = ack_plan(
        &[selected, gone, watchdog.occurrence, held.occurrence],
        &board_of(&inputs),
    );
    assert!(plan.silences.is_empty());
    let mut words: Vec<String> = plan.left_out.iter().map(|(_, why)| why.words()).collect();
    words.sort();
    assert!(
        words[0].starts_with("has fired anew") && words[1].starts_with("is acknowledged by mara"),
        "{words:?}"
    );
    assert!(
        words[2].starts_with("is listed no more") && words[3].starts_with("is the watchdog"),
        "{words:?}"
    );
}

#[test]
fn only_ones_own_acknowledgement_is_handed_back_and_what_shares_it_is_said() {
    let with = |i: &str, id: &str| {
        let mut alert = instance(i);
        alert.silenced_by = vec![id.into()];
        alert
    };
    let silences = vec![
        sample::silence("mine", "ACK!", "jun@example.com", "a=b"),
        sample::silence("theirs", "ACK!", "mara", "a=b"),
        sample::silence("plain", "work", "jun@example.com", "a=b"),
    ];
    let alerts = vec![
        with("1", "mine"),
        with("2", "mine"),
        with("3", "theirs"),
        with("4", "plain"),
    ];
    let board = board_of(&sample::inputs_of(vec![sample::source(sample::snapshot(
        "eu-0", alerts, silences,
    ))]));
    let selected = ["1", "3", "4"].map(|i| instance(i).occurrence);
    let plan = hand_back_plan(&selected, &board, "jun@example.com");
    assert_eq!(plan.expire, [("eu-0".into(), "mine".into())]);
    assert_eq!(plan.also, [instance("2").occurrence.fingerprint]);
    assert_eq!(plan.refused.len(), 2);
    assert!(
        plan.refused[0].1.contains("mara") && plan.refused[1].1 == "is not acknowledged",
        "{:?}",
        plan.refused
    );
}

#[test]
fn a_preview_counts_what_is_hidden() {
    let page = alert(&[
        ("alertname", "Errors"),
        ("severity", "page"),
        ("service", "shop"),
        ("env", "dev"),
    ]);
    let mut silenced = instance("2");
    silenced.state = AlertState::Suppressed;
    let board = board(vec![
        page,
        instance("1"),
        silenced,
        alert(&[("alertname", "Watchdog")]),
    ]);
    let read = |text: &str| matcher::parse_list(text).expect(text);
    let preview = silence_preview(&read("alertname=~.+,env!=prod"), &board, &[]).expect("compiles");
    assert_eq!(
        (
            preview.matched.len(),
            preview.pages.len(),
            preview.suppressed,
            preview.groups
        ),
        (4, 1, 1, 1)
    );
    assert_eq!((preview.watchdog.len(), preview.lacking.len()), (1, 3));
    assert_eq!(preview.services[0], ("shop".into(), 3));
    assert_eq!(
        preview.sentence(),
        "hides 4 alerts in 1 group (1 of page severity, 1 hidden already)"
    );
    assert!(
        silence_preview(&read("env!=prod"), &board, &[]).is_err(),
        "the server would refuse it"
    );
    let elsewhere = silence_preview(&read("alertname=~.+"), &board, &["us".into()]).expect("compiles");
    assert!(elsewhere.matched.is_empty());
}

#[test]
fn a_silence_is_refused_until_its_count_is_confirmed() {
    let many: Vec<SourceAlert> = (0..21).map(|i| instance(&i.to_string())).collect();
    let board = board(many);
    let preview =
        silence_preview(&matcher::parse_list("service=shop").expect("reads"), &board, &[]).expect("compiles");
    let hour = Duration::from_secs(3600);
    let limits = |confirmed| Limits {
        silence_max: hour * 24,
        confirmed,
    };
    let refusal = preview.guard(hour, limits(None)).expect_err("more than 20");
    assert_eq!(
        refusal.to_string(),
        "this would hide 21 alerts, more than 20; to do it all the same: --confirm-count 21"
    );
    assert!(matches!(
        preview.guard(hour, limits(Some(20))),
        Err(Refusal::CountDiffers { count: 21, .. })
    ));
    assert_eq!(preview.guard(hour, limits(Some(21))), Ok(()));
    assert!(matches!(
        preview.guard(hour * 25, limits(Some(21))),
        Err(Refusal::TooLong { .. })
    ));
    assert_eq!(
        preview.guard(Duration::ZERO, limits(Some(21))),
        Err(Refusal::NoTime)
    );
    let few =
        silence_preview(&matcher::parse_list("instance=1").expect("reads"), &board, &[]).expect("compiles");
    assert_eq!(few.guard(hour, limits(None)), Ok(()));
}

#[test]
fn a_preview_also_tells_what_went_of_late() {
    let mut desk = Desk::new();
    desk.arrange(
        &sample::inputs(vec![instance("1")]),
        &Arrangement::default(),
        sample::now(),
    );
    let later = sample::now().later(Duration::from_secs(60));
    let board = desk.arrange(&sample::inputs(Vec::new()), &Arrangement::default(), later);
    let preview =
        silence_preview(&matcher::parse_list("service=shop").expect("reads"), &board, &[]).expect("compiles");
    assert_eq!((preview.matched.len(), preview.past.len()), (0, 1));
    assert!(
        preview
            .sentence()
            .ends_with("would have hidden 1 of the last 6h's"),
        "{}",
        preview.sentence()
    );
}
