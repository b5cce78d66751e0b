use serde_json::{Value, json};

use super::*;
use crate::domain::alert::{AlertState, IsAck, SilenceState, ack, matcher};

/// Answers by path, and remembers what was asked.
#[derive(Default)]
struct Stand {
    answers: Vec<(&'static str, u16, Vec<u8>)>,
    asked: Mutex<Vec<Call>>,
}

impl Asker for Stand {
    fn call(&self, call: Call) -> BoxFuture<'_, BackendResult<Answer>> {
        let found = self.answers.iter().find(|(path, _, _)| *path == call.path);
        let (status, body) = found.map_or((404, Vec::new()), |(_, status, body)| (*status, body.clone()));
        self.asked.lock().unwrap().push(call);
        let answer = Answer {
            status,
            body,
            date: None,
            content_type: "application/json".into(),
            retry_after: None,
        };
        Box::pin(async move { Ok(answer) })
    }
}

/// A captured answer: (status, body as it was sent).
fn sample(name: &str) -> (u16, Vec<u8>) {
    let path = format!("{}/tests/suite/samples/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let captured: Value = serde_json::from_slice(&std::fs::read(path).expect("the sample")).expect("JSON");
    let status = u16::try_from(captured["status"].as_u64().expect("a status")).expect("a status");
    let body = &captured["body"];
    let bytes = match (captured["body_is_json"].as_bool(), body.as_str()) {
        (Some(false), Some(text)) => text.as_bytes().to_vec(),
        _ => body.to_string().into_bytes(),
    };
    (status, bytes)
}

fn server(answers: Vec<(&'static str, u16, Vec<u8>)>) -> (Alertmanager, Arc<Stand>) {
    let stand = Arc::new(Stand {
        answers,
        asked: Mutex::default(),
    });
    (
        Alertmanager::new("eu-0", Some("eu"), Arc::clone(&stand) as Arc<dyn Asker>),
        stand,
    )
}

fn captured() -> (Alertmanager, Arc<Stand>) {
    let answer = |path, name: &str| {
        let (status, body) = sample(name);
        (path, status, body)
    };
    server(vec![
        answer("api/v2/alerts/groups", "am_groups"),
        answer("api/v2/silences", "am_silences"),
        answer("api/v2/status", "am_status"),
    ])
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    futures::executor::block_on(future)
}

fn groups(
    body: &Value,
) -> Result<
    (
        Vec<Arc<crate::domain::alert::SourceAlert>>,
        Vec<crate::domain::alert::SourceGroup>,
    ),
    String,
> {
    wire::groups(body.to_string().as_bytes(), &AlertSnapshot::default())
}

#[test]
fn a_captured_answer_becomes_a_snapshot() {
    let (server, stand) = captured();
    let snapshot = wait(server.snapshot()).expect("reads");
    assert_eq!(
        (snapshot.source.as_ref(), snapshot.cluster.as_ref()),
        ("eu-0", "eu")
    );
    assert!(!snapshot.alerts.is_empty() && !snapshot.groups.is_empty());
    assert!(
        snapshot
            .alerts
            .is_sorted_by(|a, b| a.occurrence.fingerprint < b.occurrence.fingerprint),
        "each once"
    );
    let members: usize = snapshot.groups.iter().map(|g| g.members.len()).sum();
    assert!(members >= snapshot.alerts.len());
    let kafka = snapshot
        .alerts
        .iter()
        .find(|a| a.occurrence.fingerprint.to_string() == "01ece5ca1c369d6a")
        .expect("there");
    assert_eq!(kafka.labels.value("alertname"), "KafkaLag");
    assert_eq!(
        kafka.occurrence.starts_at.to_rfc3339(),
        "2026-11-20T23:47:27+00:00"
    );
    assert_eq!(snapshot.silences.len(), 7);
    assert_eq!(
        snapshot
            .silences
            .iter()
            .filter(|s| s.state == SilenceState::Active)
            .count(),
        5
    );
    let hostile = snapshot
        .silences
        .iter()
        .find(|s| s.created_by.as_ref() == "bob")
        .expect("bob's");
    assert_eq!(
        hostile.comment.as_ref(),
        "reboots \u{1b}[31mred\u{1b}[0m",
        "kept raw"
    );
    assert_eq!(
        matcher::display_list(&snapshot.silences[0].matchers),
        r#"alertname=~"TestEnv.+", env!~"prod|canary", env=~".+""#
    );
    assert_eq!(ack::is_ack(&hostile.comment), IsAck::No);
    let asked: Vec<String> = stand
        .asked
        .lock()
        .unwrap()
        .iter()
        .map(|c| c.path.clone())
        .collect();
    assert_eq!(
        asked,
        ["api/v2/alerts/groups", "api/v2/status", "api/v2/silences"],
        "silences after what names them"
    );
}

#[test]
fn what_did_not_change_keeps_its_place_and_the_status_is_not_asked_each_time() {
    let (server, stand) = captured();
    let first = wait(server.snapshot()).expect("reads");
    let second = wait(server.snapshot()).expect("reads");
    assert!(
        first
            .alerts
            .iter()
            .zip(&second.alerts)
            .all(|(a, b)| Arc::ptr_eq(a, b))
    );
    assert!(
        first
            .silences
            .iter()
            .zip(&second.silences)
            .all(|(a, b)| Arc::ptr_eq(a, b))
    );
    let statuses = stand
        .asked
        .lock()
        .unwrap()
        .iter()
        .filter(|c| c.path == "api/v2/status")
        .count();
    assert_eq!(statuses, 1);
}

#[test]
fn fingerprints_are_what_the_server_would_have_computed() {
    let (server, _) = captured();
    for alert in wait(server.snapshot()).expect("reads").alerts {
        let pairs: Value = alert
            .labels
            .iter()
            .map(|(k, v)| (k.to_owned(), Value::from(v)))
            .collect();
        let (own, _) = groups(&json!([{"labels": {}, "alerts": [{"labels": pairs}]}])).expect("reads");
        assert_eq!(own[0].occurrence.fingerprint, alert.occurrence.fingerprint);
    }
}

#[test]
fn an_alert_in_several_groups_is_one_and_heard_where_any_group_hears_it() {
    let alert = |state: &str, muted: &[&str]| {
        json!({"labels": {"alertname": "A"}, "fingerprint": "00000000000000aa", "startsAt": "2026-11-20T00:00:00Z",
               "status": {"state": state, "silencedBy": [], "inhibitedBy": null, "mutedBy": muted}})
    };
    let two = json!([{"labels": {"a": "1"}, "alerts": [alert("active", &["weekends"])]}, {"labels": {}, "alerts": [alert("active", &[])]}]);
    let (alerts, listed) = groups(&two).expect("reads");
    assert_eq!((alerts.len(), listed.len()), (1, 2));
    assert_eq!(alerts[0].state, AlertState::Active);
    let (alerts, _) = groups(&json!([{"alerts": [alert("active", &["weekends"])]}])).expect("reads");
    assert_eq!(
        alerts[0].state,
        AlertState::Suppressed,
        "muted is not heard, whatever it is called"
    );
}

#[test]
fn strange_and_hostile_answers_are_read_as_far_as_they_go() {
    let long = "x\u{1b}]0;\u{202e}\n".repeat(20_000);
    let strange = json!([
        {"labels": null, "receiver": null, "alerts": null, "extra": {"deep": [1, {"x": null}]}},
        {"alerts": [{"labels": {"alertname": null, "n": 3, "b": true}, "annotations": {"summary": long}, "status": null, "future": []}]},
        {"alerts": [{"labels": {"alertname": "B"}, "startsAt": "yesterday", "fingerprint": "zz", "status": {"state": "brand-new"}}]},
    ]);
    let (alerts, listed) = groups(&strange).expect("reads");
    assert_eq!((alerts.len(), listed.len()), (2, 3));
    assert!(
        alerts.iter().all(|a| a.state == AlertState::Active),
        "what is not understood is not hidden"
    );
    let odd = alerts
        .iter()
        .find(|a| a.labels.get("n").is_some())
        .expect("there");
    assert_eq!(
        (
            odd.labels.value("n"),
            odd.labels.value("b"),
            odd.labels.value("alertname")
        ),
        ("3", "true", "")
    );
    assert_eq!(odd.annotations.value("summary").len(), long.len());
    assert_eq!(groups(&Value::Null).expect("null is nothing").0.len(), 0);
    let mut broken = br#"[{"alerts":[{"labels":{"alertname":"bad "#.to_vec();
    broken.extend([0xff, 0xfe]);
    broken.extend(br#""}}]}]"#);
    let (alerts, _) = wire::groups(&broken, &AlertSnapshot::default()).expect("reads");
    assert_eq!(alerts[0].labels.value("alertname"), "bad \u{fffd}\u{fffd}");
}

#[test]
fn what_is_no_answer_is_refused_with_the_mend() {
    for body in [&b"[{"[..], b"{}", b"\"text\"", b"[1]", b""] {
        let (server, _) = server(vec![
            ("api/v2/alerts/groups", 200, body.to_vec()),
            ("api/v2/silences", 200, b"[]".to_vec()),
        ]);
        let error = wait(server.snapshot()).expect_err("unreadable");
        assert_eq!(error.kind, ErrorKind::BadAnswer);
        assert!(
            error.to_string().contains("GET /api/v2/alerts/groups") && error.mend.contains("URL"),
            "{error}"
        );
    }
}

#[test]
fn errors_are_read_in_all_their_shapes() {
    for (name, words) in [
        ("am_error_bad_filter", "bad matcher format: {{{"),
        ("am_error_404", "path /api/v2/nope was not found"),
        ("am_error_silence_post_no_comment", "comment in body is required"),
        ("am_error_silence_unknown_id", "silence not found"),
    ] {
        let (status, body) = sample(name);
        let (server, _) = server(vec![("api/v2/alerts/groups", status, body)]);
        let error = wait(server.snapshot()).expect_err(name);
        assert_eq!(
            (error.detail.as_str(), error.status, error.delivery),
            (words, Some(status), Delivery::Answered)
        );
    }
    let text = b"Limit of concurrent GET requests reached (8), try again later.\n\x1b[2J".to_vec();
    let (busy, _) = server(vec![("api/v2/alerts/groups", 503, text)]);
    let error = wait(busy.snapshot()).expect_err("busy");
    assert_eq!(error.kind, ErrorKind::RateLimited);
    assert!(!error.detail.contains('\u{1b}') && error.is_passing());
    let (empty, _) = server(Vec::new());
    let error = wait(empty.snapshot()).expect_err("404 without words");
    assert_eq!(error.detail, "status 404, no words");
}

#[test]
fn a_silence_is_written_as_the_server_wants_it() {
    let (server, stand) = server(vec![("api/v2/silences", 200, br#"{"silenceID":"new"}"#.to_vec())]);
    let at = "2026-11-20T03:14:07.123456Z".parse().expect("a time");
    let draft = SilenceDraft {
        id: Some("old".into()),
        matchers: matcher::parse_list(r#"a="b",c!~"d|e""#).expect("reads"),
        starts_at: at,
        ends_at: at + chrono::TimeDelta::hours(1),
        created_by: "jun".into(),
        comment: "why \"so\"".into(),
    };
    assert_eq!(wait(server.put_silence(draft)).expect("made").as_ref(), "new");
    let asked = stand.asked.lock().unwrap();
    assert_eq!(asked[0].repeat, crate::backend::http::Repeat::Never);
    let crate::backend::http::Body::Json(body) = &asked[0].body else {
        panic!("JSON")
    };
    assert_eq!(
        serde_json::from_str::<Value>(body).expect("JSON"),
        json!({"id": "old", "startsAt": "2026-11-20T03:14:07.123Z", "endsAt": "2026-11-20T04:14:07.123Z",
               "createdBy": "jun", "comment": "why \"so\"",
               "matchers": [{"name": "a", "value": "b", "isRegex": false, "isEqual": true},
                            {"name": "c", "value": "d|e", "isRegex": true, "isEqual": false}]})
    );
}

#[test]
fn an_accepted_silence_without_a_name_must_be_looked_for() {
    let (server, _) = server(vec![("api/v2/silences", 200, b"{}".to_vec())]);
    let draft = SilenceDraft {
        id: None,
        matchers: Vec::new(),
        starts_at: chrono::DateTime::UNIX_EPOCH,
        ends_at: chrono::DateTime::UNIX_EPOCH,
        created_by: String::new(),
        comment: String::new(),
    };
    assert_eq!(
        wait(server.put_silence(draft)).expect_err("nameless").delivery,
        Delivery::Unknown
    );
}

#[test]
fn expiring_what_is_expired_is_done_and_what_is_unknown_says_so() {
    let (done, _) = server(vec![(
        "api/v2/silence/x",
        500,
        br#""silence x already expired""#.to_vec(),
    )]);
    assert_eq!(wait(done.expire_silence("x".into())), Ok(()));
    let (status, body) = sample("am_error_delete_unknown");
    let (unknown, _) = server(vec![("api/v2/silence/x", status, body)]);
    let error = wait(unknown.expire_silence("x".into())).expect_err("unknown");
    assert_eq!(
        (error.kind, error.detail.as_str()),
        (ErrorKind::Rejected, "silence not found")
    );
}

#[test]
fn a_status_names_every_member_of_the_gossip() {
    let body = json!({"cluster": {"name": "01B", "status": "ready", "peers": [{"name": "01A", "address": "x"}, {"name": "01B"}]},
                      "versionInfo": {"version": "0.34.0"}, "config": {"original": "x"}});
    let status = wire::status(body.to_string().as_bytes()).expect("reads");
    assert_eq!(
        (status.peers, status.name.as_deref()),
        (vec!["01A".to_owned(), "01B".to_owned()], Some("01B"))
    );
    let (_, body) = sample("am_status");
    let status = wire::status(&body).expect("reads");
    assert_eq!(
        (
            status.version.as_str(),
            status.cluster_status.as_str(),
            status.peers.len()
        ),
        ("0.25.0", "disabled", 0)
    );
    assert!(wire::status(b"{}").is_err());
}

#[test]
fn a_matcher_without_is_equal_is_positive() {
    let body =
        br#"[{"id":"x","status":{"state":"active"},"matchers":[{"name":"a","value":"b","isRegex":true}]}]"#;
    let silences = wire::silences(body).expect("reads");
    assert_eq!(matcher::display_list(&silences[0].matchers), r#"a=~"b""#);
}
