use std::collections::VecDeque;
use std::sync::Mutex;

use serde_json::json;

use super::*;
use crate::backend::http::{Body, Method};

/// Answers in order and remembers what it was asked.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<(u16, String)>>,
    asked: Mutex<Vec<Call>>,
}

impl Script {
    fn of(answers: &[(u16, &str)]) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(answers.iter().map(|(s, b)| (*s, (*b).to_owned())).collect()),
            asked: Mutex::default(),
        })
    }
}

impl Asker for Script {
    fn call(&self, call: Call) -> BoxFuture<'_, BackendResult<Answer>> {
        self.asked.lock().unwrap().push(call);
        let (status, body) = self
            .answers
            .lock()
            .unwrap()
            .pop_front()
            .expect("one more answer in the script");
        Box::pin(async move {
            Ok(Answer {
                status,
                body: body.into_bytes(),
                date: None,
                content_type: "application/json".to_owned(),
                retry_after: None,
            })
        })
    }
}

fn sample(name: &str) -> (u16, String) {
    let path = format!(
        "{}/tests/suite/samples/prom_{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let captured: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let status = u16::try_from(captured["status"].as_u64().unwrap()).unwrap();
    let body = match &captured["body"] {
        Value::String(text) => text.clone(),
        json => json.to_string(),
    };
    (status, body)
}

fn instant(status: u16, body: &str) -> BackendResult<Answered<Vec<Sample>>> {
    let server = Prometheus::new("metrics", Script::of(&[(status, body)]), None);
    futures::executor::block_on(server.instant("up".into(), None, None))
}

fn captured(name: &str) -> BackendResult<Answered<Vec<Sample>>> {
    let (status, body) = sample(name);
    instant(status, &body)
}

#[test]
fn captured_vectors_scalars_and_special_values_read() {
    assert!(!captured("query_vector").unwrap().value.is_empty());
    assert!(captured("query_empty").unwrap().value.is_empty());
    assert_eq!(captured("query_scalar").unwrap().value[0].value, 1.0);
    let special = captured("query_special_values").unwrap().value;
    let value = |k: &str| special.iter().find(|s| s.labels.value("k") == k).unwrap().value;
    assert_eq!(value("pinf"), f64::INFINITY);
    assert_eq!(value("ninf"), f64::NEG_INFINITY);
    assert!(value("nan").is_nan());
    assert_eq!((value("small"), value("big")), (1e-9, 1.5e30));
    for refused in ["query_string", "query_matrix"] {
        assert_eq!(
            captured(refused).unwrap_err().kind,
            ErrorKind::BadAnswer,
            "{refused}"
        );
    }
}

#[test]
fn captured_errors_are_what_they_are() {
    for (name, kind, words) in [
        ("error_parse", ErrorKind::Rejected, "unclosed left parenthesis"),
        ("error_execution", ErrorKind::Rejected, "many-to-many"),
        ("error_timeout", ErrorKind::TimedOut, "deadline exceeded"),
        ("error_too_many_points", ErrorKind::Rejected, "11,000"),
        ("error_404", ErrorKind::Rejected, "404 page not found"),
    ] {
        let error = captured(name).unwrap_err();
        assert_eq!(error.kind, kind, "{name}");
        assert!(error.detail.contains(words), "{name}: {}", error.detail);
    }
}

#[test]
fn other_servers_errors_are_understood() {
    let vm = r#"{"status":"error","errorType":"422","error":"cannot parse query"}"#;
    assert_eq!(instant(422, vm).unwrap_err().kind, ErrorKind::Rejected);
    assert_eq!(
        instant(503, "Service Unavailable").unwrap_err().kind,
        ErrorKind::ServerFault
    );
    assert_eq!(
        instant(401, "no org id").unwrap_err().kind,
        ErrorKind::NotSignedIn
    );
    assert_eq!(instant(504, "deadline").unwrap_err().kind, ErrorKind::TimedOut);
    let thanos = r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#;
    assert_eq!(instant(503, thanos).unwrap_err().kind, ErrorKind::TimedOut);
    assert!(instant(204, "").unwrap().value.is_empty());
}

#[test]
fn partial_answers_are_told_from_mere_notices() {
    let body = |extra: Value| {
        let mut all = json!({"status":"success","data":{"resultType":"vector","result":[]}});
        all.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        instant(200, &all.to_string()).unwrap()
    };
    assert!(body(json!({"isPartial": true})).partial.is_some());
    let store = body(json!({"warnings": ["receive series from Addr: 10.0.0.7 store unavailable"]}));
    assert!(store.partial.is_some());
    let info =
        body(json!({"infos": ["PromQL info: metric might not be a counter"], "warnings": ["a notice"]}));
    assert_eq!(info.partial, None);
    assert_eq!(info.warnings.len(), 2);
}

#[test]
fn hostile_bodies_are_errors_and_never_panics() {
    let deep = "[".repeat(100_000);
    for body in [
        "",
        "{",
        "null",
        "[]",
        "{\"status\":\"success\"}",
        "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"value\":[1,\"x\"]}]}}",
        "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"value\":[\"a\"]}]}}",
        "{\"status\":\"success\",\"data\":{\"resultType\":7}}",
        "<html>login</html>",
        deep.as_str(),
    ] {
        let _ = instant(200, body);
        let _ = instant(500, body);
    }
    let unsafe_words = r#"{"status":"error","errorType":"bad_data","error":"a\u001b[31mred\nline"}"#;
    let error = instant(400, unsafe_words).unwrap_err();
    assert!(
        !error.detail.chars().any(crate::text::is_unsafe),
        "{:?}",
        error.detail
    );
    let null_arrays = r#"{"status":"success","warnings":null,"data":{"resultType":"vector","result":[{"metric":{},"histogram":[1,{}]}]}}"#;
    assert!(instant(200, null_arrays).unwrap().value.is_empty());
}

#[test]
fn a_long_query_travels_as_a_form_and_a_short_one_in_the_url() {
    let ok = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
    let script = Script::of(&[(200, ok), (200, ok)]);
    let server = Prometheus::new(
        "metrics",
        Arc::clone(&script) as Arc<dyn Asker>,
        Some(Flavor::VictoriaMetrics),
    );
    futures::executor::block_on(async {
        server.instant("up".into(), None, None).await.unwrap();
        server
            .instant("up or ".repeat(600), None, Some(Duration::from_secs(30)))
            .await
            .unwrap();
    });
    let asked = script.asked.lock().unwrap();
    assert_eq!(asked[0].method, Method::Get);
    assert!(asked[0].query.contains(&("nocache".to_owned(), "1".to_owned())));
    assert_eq!(asked[1].method, Method::Post);
    assert!(
        matches!(&asked[1].body, Body::Form(form) if form.iter().any(|(k, v)| k == "timeout" && v == "30.000"))
    );
}

#[test]
fn rules_are_read_page_by_page_and_never_for_ever() {
    let page = |token: &str| {
        json!({"status":"success","data":{"groups":[{"rules":[
            {"type":"alerting","name":"A","query":"x > 1","duration":300.5,"health":"ok","labels":{"severity":"page"},
             "lastEvaluation":"2026-11-20T02:11:00.1Z",
             "alerts":[{"labels":{"alertname":"A"},"state":"firing","activeAt":"2026-11-20T02:03:00Z","value":"1e+00"}]},
            {"type":"recording","name":"r","query":"x"}]}],"groupNextToken":token}})
        .to_string()
    };
    let (one, last) = (page("t"), page(""));
    let script = Script::of(&[(200, &one), (200, &last)]);
    let server = Prometheus::new("metrics", Arc::clone(&script) as Arc<dyn Asker>, None);
    let rules = futures::executor::block_on(server.alerting_rules())
        .unwrap()
        .unwrap();
    assert_eq!(rules.len(), 2);
    assert_eq!(
        (rules[0].hold, rules[0].alerts.len()),
        (Duration::from_millis(300_500), 1)
    );
    let endless: Vec<(u16, &str)> = std::iter::repeat_n((200, one.as_str()), MAX_PAGES).collect();
    let server = Prometheus::new("metrics", Script::of(&endless), None);
    let error = futures::executor::block_on(server.alerting_rules()).unwrap_err();
    assert!(error.detail.contains("do not end"), "{error}");
    let (status, body) = sample("rules");
    let server = Prometheus::new("metrics", Script::of(&[(status, &body)]), None);
    assert!(
        !futures::executor::block_on(server.alerting_rules())
            .unwrap()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn the_flavor_is_found_out() {
    let build = |version: &str| json!({"status":"success","data":{"version":version}}).to_string();
    let find = |answers: &[(u16, &str)]| {
        let server = Prometheus::new("metrics", Script::of(answers), None);
        futures::executor::block_on(server.version()).unwrap()
    };
    assert_eq!(find(&[(200, &build("2.42.0")), (404, "")]).0, Flavor::Prometheus);
    assert_eq!(find(&[(200, &build("0.42.0")), (200, "{}")]).0, Flavor::Thanos);
    assert_eq!(
        find(&[(200, &build("2.24.0")), (200, "{}")]).0,
        Flavor::VictoriaMetrics
    );
}

#[test]
fn a_range_is_guarded_and_its_ends_are_aligned() {
    let server = Prometheus::new("metrics", Script::of(&[]), None);
    let at = |s: i64| DateTime::from_timestamp(s, 0).unwrap();
    let error =
        futures::executor::block_on(server.range("up".into(), at(0), at(2_592_000), Duration::from_secs(15)))
            .unwrap_err();
    assert!(error.detail.contains("11,000"));
    assert_eq!(
        aligned(at(61), at(179), Duration::from_secs(60)),
        (at(60), at(120))
    );
}

#[test]
fn exemplars_name_their_trace_by_the_first_label_that_is_known() {
    let body = json!({"status": "success", "data": [
        {"seriesLabels": {"__name__": "req_bucket", "le": "0.5"}, "exemplars": [
            {"labels": {"trace_id": "4bf92f3577b34da6", "span_id": "b7ad6b7169203331"}, "value": "0.31", "timestamp": 1_793_000_001.5},
            {"labels": {"traceID": "4BF92F3577B34DA6A3CE929D0E0E4736"}, "value": 0.42, "timestamp": 1_793_000_002},
            {"labels": {"user": "u-8"}, "value": "0.5", "timestamp": 1_793_000_003},
            {"labels": {"trace_id": "not an id"}, "value": "0.5", "timestamp": 1_793_000_003},
        ]},
        {"seriesLabels": {"__name__": "req_bucket", "le": "+Inf"}},
    ]})
    .to_string();
    let at = |seconds| chrono::DateTime::from_timestamp(seconds, 0).unwrap();
    let ask = |server: Prometheus| {
        let asked = server.exemplars(
            "req_bucket{job=\"a\"}".to_owned(),
            at(1_793_000_000),
            at(1_793_000_060),
        );
        futures::executor::block_on(asked).unwrap().value
    };
    let script = Script::of(&[
        (200, &body),
        (200, &body),
        (200, "{\"status\":\"success\",\"data\":[]}"),
    ]);
    let server = || Prometheus::new("metrics", Arc::clone(&script) as Arc<dyn Asker>, None);
    let found = ask(server());
    let told: Vec<_> = found
        .iter()
        .map(|each| {
            (
                each.trace.to_string(),
                each.span.map(|span| span.0),
                each.value,
                each.at.0,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                "00000000000000004bf92f3577b34da6".to_owned(),
                Some(0xb7ad_6b71_6920_3331),
                0.31,
                1_793_000_001_500_000_000
            ),
            (
                "4bf92f3577b34da6a3ce929d0e0e4736".to_owned(),
                None,
                0.42,
                1_793_000_002_000_000_000
            ),
        ]
    );
    assert_eq!(found[0].series.value("le"), "0.5");
    assert_eq!(
        ask(server().with_trace_labels(vec!["user".to_owned()])),
        [],
        "u-8 is no id"
    );
    assert_eq!(ask(server()), [], "a store that keeps none");
    let asked = script.asked.lock().unwrap();
    assert_eq!(asked[0].path, "api/v1/query_exemplars");
    let sent = |name: &str| {
        asked[0]
            .query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    assert_eq!(sent("query").as_deref(), Some("req_bucket{job=\"a\"}"));
    assert_eq!(
        (sent("start").as_deref(), sent("end").as_deref()),
        (Some("1793000000.000"), Some("1793000060.000"))
    );
}
