//! A Zipkin by its API.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::backend::traces::scripted::{BASE, Fake, hour, id, json_of, question, text};

fn zipkin(fake: &Fake) -> Source {
    Source::new("traces".into(), fake.asker(), Duration::from_secs(5))
}

fn span(trace: &str) -> serde_json::Value {
    json!({"traceId": trace, "id": "352bff9a74ca9ad2", "kind": "SERVER", "name": "get /api",
        "timestamp": BASE / 1_000, "duration": 1431, "localEndpoint": {"serviceName": "backend"}, "tags": {"error": ""}})
}

#[tokio::test]
async fn a_list_is_asked_for_in_its_units() {
    let fake = Fake::start(|_| json_of(200, &json!([[span("5af7183fb1d4cf5f")], []]))).await;
    let wanted = Wanted {
        service: Some("backend".into()),
        operation: Some("get /api".into()),
        at_most: Some(Duration::from_secs(2)),
        outcome: Outcome::Failed,
        tags: vec![("http.method".into(), "GET".into())],
        ..Wanted::default()
    };
    let listed = zipkin(&fake).search(question(wanted)).await.expect("a list");
    assert_eq!(listed.traces.len(), 1);
    assert_eq!(listed.traces[0].errors, Some(1));
    let asked = &fake.asked()[0];
    assert_eq!(asked.path, "/api/v2/traces");
    for (name, value) in [
        ("serviceName", "backend"),
        ("spanName", "get /api"),
        ("annotationQuery", "error and http.method=GET"),
        ("minDuration", "1"),
        ("maxDuration", "2000000"),
        ("endTs", "1790003600000"),
        ("lookback", "3600001"),
        ("limit", "20"),
    ] {
        assert_eq!(asked.get(name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn a_trace_is_found_by_either_half_of_its_id_and_missing_is_no_error() {
    let fake = Fake::start(|asked| {
        if asked.path.ends_with("cf5f") {
            json_of(200, &json!([span("5af7183fb1d4cf5f")]))
        } else {
            text(404, "000000000000000000000000000000aa not found")
        }
    })
    .await;
    let source = zipkin(&fake);
    let long = id("463ac35c9f6413ad5af7183fb1d4cf5f");
    assert_eq!(
        source
            .trace(long, None)
            .await
            .expect("answered")
            .expect("there")
            .len(),
        1
    );
    assert!(source.trace(id("aa"), None).await.expect("answered").is_none());
}

#[tokio::test]
async fn an_answer_that_says_nothing_is_an_error_and_an_empty_list_is_none() {
    for body in ["", "\n", "null"] {
        let fake =
            Fake::start(move |_| wiremock::ResponseTemplate::new(200).set_body_raw(body, "application/json"))
                .await;
        let source = zipkin(&fake);
        let list = source
            .search(question(Wanted::default()))
            .await
            .expect_err("no list");
        let trace = source.trace(id("a"), None).await.expect_err("no trace");
        for error in [list, trace] {
            assert!(
                error.to_string().contains("the answer is empty"),
                "{body:?}: {error}"
            );
        }
    }
    let fake = Fake::start(|_| json_of(200, &json!([]))).await;
    let source = zipkin(&fake);
    let list = source.search(question(Wanted::default())).await.expect("a list");
    assert!(list.traces.is_empty());
    assert!(source.trace(id("a"), None).await.expect("answered").is_none());
}

#[tokio::test]
async fn a_count_of_calls_that_is_not_where_it_belongs_is_an_error() {
    let fake = Fake::start(|_| text(404, "404 page not found\n")).await;
    let error = zipkin(&fake).dependencies(hour()).await.expect_err("no Zipkin");
    assert_eq!(error.status, Some(404));
}

#[tokio::test]
async fn names_and_calls_are_lists() {
    let fake = Fake::start(|asked| match asked.path.as_str() {
        "/api/v2/services" => json_of(200, &json!(["frontend", "backend"])),
        "/api/v2/spans" => json_of(200, &json!(["get /"])),
        _ => json_of(200, &json!([{"parent": "a", "child": "b", "callCount": 5, "errorCount": 1}, {"parent": "a", "child": "c"}])),
    })
    .await;
    let source = zipkin(&fake);
    assert_eq!(
        source.services(hour()).await.expect("names"),
        [Arc::from("backend"), Arc::from("frontend")]
    );
    assert_eq!(
        source
            .operations("backend".into(), hour())
            .await
            .expect("names")
            .len(),
        1
    );
    let calls = source
        .dependencies(hour())
        .await
        .expect("answered")
        .expect("calls");
    assert_eq!((calls[0].calls, calls[0].errors, calls[1].calls), (5, Some(1), 0));
}

#[tokio::test]
async fn a_value_that_would_be_read_as_two_conditions_is_not_sent() {
    let fake = Fake::start(|_| json_of(200, &json!([]))).await;
    let wanted = Wanted {
        query: "note=\"x and y\"".into(),
        ..Wanted::default()
    };
    let error = zipkin(&fake).search(question(wanted)).await.expect_err("refused");
    assert!(error.to_string().contains("x and y"), "{error}");
    assert!(fake.paths().is_empty());
}
