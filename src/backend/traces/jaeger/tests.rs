//! Jaegers of several ages, VictoriaTraces, and what stands in front of them.

use std::time::Duration;

use serde_json::json;
use wiremock::ResponseTemplate;

use super::*;
use crate::backend::ErrorKind;
use crate::backend::traces::More;
use crate::backend::traces::scripted::{
    Asked, BASE, Fake, SECOND, hour, id, json_of, no_page, otlp_spans, page, question, text,
};
use crate::domain::trace::summary::{Outcome, Whole};

fn jaeger(fake: &Fake) -> Jaeger {
    Jaeger::new("traces".into(), fake.asker(), Duration::from_secs(5))
}

fn of_cart() -> Wanted {
    Wanted {
        service: Some("cart".into()),
        ..Wanted::default()
    }
}

const ONE: &str = "0000000000000000000000000000000a";

fn summaries() -> ResponseTemplate {
    json_of(
        200,
        &json!({"summaries": [
            {"traceId": "0a", "rootServiceName": "cart", "rootOperationName": "GET /x",
             "minStartTimeUnixNano": BASE.to_string(), "maxEndTimeUnixNano": (BASE + SECOND).to_string(),
             "spanCount": 3, "errorSpanCount": 1, "services": [{"name": "cart", "spanCount": 3, "errorSpanCount": 1}]},
            {"traceId": "0b", "minStartTimeUnixNano": (BASE + SECOND).to_string()},
            {"rootServiceName": "has no id"},
        ]}),
    )
}

/// A legacy trace that began so many milliseconds after the base.
fn older_trace(id: &str, millis: i64) -> serde_json::Value {
    json!({"traceID": id, "processes": {"p1": {"serviceName": "cart", "tags": []}},
        "spans": [{"traceID": id, "spanID": "aa", "operationName": "GET /x", "references": [],
            "startTime": BASE / 1_000 + millis * 1_000, "duration": 500,
            "tags": [{"key": "error", "type": "string", "value": "unset"}], "logs": [], "processID": "p1"}]})
}

/// Before 2.19: no summaries, both searches, attributes of v3 passed over.
fn old(asked: &Asked) -> ResponseTemplate {
    match asked.path.as_str() {
        "/api/v3/services" => json_of(200, &json!({"services": ["pay", "cart"]})),
        "/api/traces" if asked.get("service").is_none() => json_of(
            400,
            &json!({"data": null, "errors": [{"code": 400, "msg": "parameter 'service' is required"}]}),
        ),
        "/api/traces" => json_of(
            200,
            &json!({"data": [older_trace("a", 0)], "total": 0, "errors": null}),
        ),
        _ => no_page(),
    }
}

#[tokio::test]
async fn a_list_is_made_of_summaries_where_there_are_any() {
    let fake = Fake::start(|asked| match asked.path.as_str() {
        "/api/v3/trace-summaries" => summaries(),
        _ => no_page(),
    })
    .await;
    let wanted = Wanted {
        operation: Some("GET /x".into()),
        at_least: Some(Duration::from_millis(500)),
        outcome: Outcome::Failed,
        query: "http.status_code=500 dur<2s".into(),
        ..of_cart()
    };
    let listed = jaeger(&fake).search(question(wanted)).await.expect("a list");
    let told: Vec<(String, Option<u32>)> = listed
        .traces
        .iter()
        .map(|trace| (trace.id.to_string(), trace.errors))
        .collect();
    let newest_first = [(format!("{:032x}", 11), Some(0)), (ONE.to_owned(), Some(1))];
    assert_eq!(told, newest_first);
    assert_eq!(listed.traces[1].duration, Duration::from_secs(1));
    assert_eq!(listed.traces[0].service, None);
    assert_eq!((listed.more, listed.whole), (More::No, Whole::Yes));
    let asked = fake.asked();
    for (new, old, value) in [
        ("query.serviceName", "query.service_name", "cart"),
        ("query.operationName", "query.operation_name", "GET /x"),
        ("query.durationMin", "query.duration_min", "500ms"),
        ("query.durationMax", "query.duration_max", "2000ms"),
        (
            "query.startTimeMin",
            "query.start_time_min",
            "2026-09-21T14:13:20.000000000Z",
        ),
        (
            "query.startTimeMax",
            "query.start_time_max",
            "2026-09-21T15:13:20.000000000Z",
        ),
        ("query.searchDepth", "query.num_traces", "20"),
    ] {
        assert_eq!(
            (asked[0].get(new), asked[0].get(old)),
            (Some(value), Some(value)),
            "{new}"
        );
    }
    let attributes: serde_json::Value =
        serde_json::from_str(asked[0].get("query.attributes").unwrap()).unwrap();
    assert_eq!(attributes, json!({"error": "true", "http.status_code": "500"}));
}

#[tokio::test]
async fn an_older_server_is_asked_its_own_way_and_not_tried_again() {
    let fake = Fake::start(old).await;
    let jaeger = jaeger(&fake);
    let wanted = Wanted {
        at_least: Some(Duration::from_micros(1_500)),
        outcome: Outcome::Failed,
        ..of_cart()
    };
    let listed = jaeger.search(question(wanted.clone())).await.expect("a list");
    assert_eq!(listed.traces[0].id.to_string(), ONE);
    assert_eq!(fake.paths(), ["/api/v3/trace-summaries", "/api/traces"]);
    let asked = fake.asked().pop().unwrap();
    assert_eq!(asked.get("start"), Some((BASE / 1_000).to_string().as_str()));
    assert_eq!(asked.get("minDuration"), Some("1500us"));
    assert_eq!(asked.get("tags"), Some(r#"{"error":"true"}"#));
    fake.forget();
    jaeger.search(question(wanted)).await.expect("a list");
    assert_eq!(fake.paths(), ["/api/traces"]);
}

#[tokio::test]
async fn without_a_service_every_service_is_asked_where_the_server_wants_one() {
    let fake = Fake::start(old).await;
    let jaeger = jaeger(&fake);
    let listed = jaeger.search(question(Wanted::default())).await.expect("a list");
    assert_eq!(listed.traces.len(), 1, "the same trace of both, once");
    let services: Vec<_> = fake
        .asked()
        .iter()
        .filter_map(|asked| asked.get("service").map(str::to_owned))
        .collect();
    assert_eq!(services, ["cart", "pay"]);
    fake.forget();
    jaeger.search(question(Wanted::default())).await.expect("a list");
    assert!(
        fake.asked()
            .iter()
            .all(|asked| asked.path != "/api/traces" || asked.get("service").is_some())
    );
}

#[tokio::test]
async fn whole_traces_are_paged_up_to_where_the_last_page_began() {
    let fake = Fake::start(|asked| {
        if asked.path != "/api/traces" {
            return no_page();
        }
        let number = |name: &str| asked.get(name).unwrap().parse::<i64>().unwrap();
        let end = (number("end") - BASE / 1_000) / 1_000;
        // Two hundred traces, one a millisecond; newest first, as the memory store has it.
        let found = (0..200_i64).rev().filter(|millis| *millis <= end);
        let data: Vec<_> = found
            .take(usize::try_from(number("limit")).unwrap())
            .map(|millis| older_trace(&format!("{:x}", millis + 1), millis))
            .collect();
        json_of(200, &json!({"data": data}))
    })
    .await;
    let asked = SearchQuestion {
        limit: 120,
        ..question(of_cart())
    };
    let listed = jaeger(&fake).search(asked).await.expect("a list");
    assert_eq!(listed.traces.len(), 120);
    assert_eq!(listed.more, More::Yes);
    assert!(
        listed
            .traces
            .is_sorted_by_key(|trace| std::cmp::Reverse(trace.start))
    );
    assert!(fake.paths().len() <= 5, "{:?}", fake.paths());
}

#[tokio::test]
async fn a_page_of_which_nothing_is_held_does_not_end_the_list() {
    let fake = Fake::start(|asked| {
        if asked.path != "/api/v3/traces" {
            return no_page();
        }
        let end = chrono::DateTime::parse_from_rfc3339(asked.get("query.startTimeMax").unwrap()).unwrap();
        let end = (end.timestamp_nanos_opt().unwrap() - BASE) / SECOND;
        // One of a hundred has failed, the oldest of all.
        let found = (1..=100_i64).rev().filter(|second| *second <= end);
        let spans: Vec<_> = found
            .take(asked.get("query.searchDepth").unwrap().parse().unwrap())
            .map(|second| otlp_spans(&format!("{second:x}"), second, second == 1))
            .collect();
        json_of(200, &json!({"result": {"resourceSpans": spans}}))
    })
    .await;
    let wanted = Wanted {
        outcome: Outcome::Failed,
        ..of_cart()
    };
    let listed = jaeger(&fake).search(question(wanted)).await.expect("a list");
    let ids: Vec<_> = listed.traces.iter().map(|trace| trace.id).collect();
    assert_eq!((ids, listed.more), (vec![id("1")], More::No));
}

#[tokio::test]
async fn v3_alone_is_looked_through_for_what_it_passes_over() {
    let fake = Fake::start(|asked| match asked.path.as_str() {
        "/api/v3/traces" => json_of(
            200,
            &json!({"result": {"resourceSpans": [otlp_spans(ONE, 1, false), otlp_spans("0b", 2, true)]}}),
        ),
        _ => no_page(),
    })
    .await;
    let wanted = Wanted {
        outcome: Outcome::Failed,
        tags: vec![
            ("http.method".into(), "GET".into()),
            ("service.name".into(), "cart".into()),
        ],
        ..of_cart()
    };
    let listed = jaeger(&fake).search(question(wanted)).await.expect("a list");
    assert_eq!(listed.traces.len(), 1);
    assert_eq!(listed.traces[0].id, id("0b"));
}

#[tokio::test]
async fn a_trace_is_read_by_v3_or_the_older_way_and_missing_is_no_error() {
    let v3 = Fake::start(|asked| match asked.path.as_str() {
        "/api/v3/traces/0000000000000000000000000000000a" => json_of(
            200,
            &json!({"result": {"resourceSpans": [otlp_spans("0A", 1, true)]}}),
        ),
        // JSON in plain text, as its gateway writes errors.
        _ => text(404, r#"{"error":{"httpCode":404,"message":"No traces found"}}"#),
    })
    .await;
    let newer = jaeger(&v3);
    let about = Some(hour());
    let trace = newer
        .trace(id("a"), about)
        .await
        .expect("answered")
        .expect("there");
    assert_eq!((trace.len(), trace.id()), (1, id("a")));
    assert_eq!(
        v3.asked()[0].get("startTime"),
        Some("2026-09-21T13:13:20.000000000Z")
    );
    assert!(newer.trace(id("c"), None).await.expect("answered").is_none());
    assert_eq!(v3.paths().len(), 2, "what is missing is not looked for elsewhere");

    let older = Fake::start(|asked| match asked.path.as_str() {
        "/api/traces/0000000000000000000000000000000a" => {
            json_of(200, &json!({"data": [older_trace("a", 0)]}))
        }
        path if path.starts_with("/api/traces/") => text(
            404,
            r#"{"data":null,"errors":[{"code":404,"msg":"trace not found"}]}"#,
        ),
        // Builds before 2.16 answer with their front page.
        _ => page(),
    })
    .await;
    let source = jaeger(&older);
    assert_eq!(
        source
            .trace(id("a"), None)
            .await
            .expect("answered")
            .expect("there")
            .len(),
        1
    );
    assert!(source.trace(id("c"), None).await.expect("answered").is_none());
    assert_eq!(
        older.paths().len(),
        3,
        "the front page is fetched once: {:?}",
        older.paths()
    );
}

#[tokio::test]
async fn an_answer_about_a_trace_that_says_nothing_is_no_missing_trace() {
    for way in ["/api/v3/traces", "/api/traces"] {
        for body in ["", "null"] {
            let fake = Fake::start(move |asked| {
                if asked.path.starts_with(way) {
                    ResponseTemplate::new(200).set_body_raw(body, "application/json")
                } else {
                    no_page()
                }
            })
            .await;
            let error = jaeger(&fake).trace(id("a"), None).await.expect_err("no answer");
            assert!(
                error.to_string().contains("the answer is empty"),
                "{way} {body:?}: {error}"
            );
        }
    }
    let fake = Fake::start(|_| json_of(200, &json!({}))).await;
    assert!(
        jaeger(&fake)
            .trace(id("a"), None)
            .await
            .expect("answered")
            .is_none()
    );
}

/// Never answers, as far as anybody waits.
struct Hanging;

impl Asker for Hanging {
    fn call(&self, _: Call) -> BoxFuture<'_, BackendResult<crate::backend::http::Answer>> {
        Box::pin(async {
            Err(crate::backend::BackendError {
                kind: ErrorKind::TimedOut,
                backend: "traces".into(),
                tried: "GET /api/v3/traces".to_owned(),
                detail: "no whole answer within 30 s".to_owned(),
                mend: "the server is slow or hangs; raise `timeout` if that is its usual pace".to_owned(),
                status: None,
                retry_after: None,
                delivery: crate::backend::Delivery::Unknown,
            })
        })
    }
}

#[tokio::test]
async fn a_trace_that_is_waited_for_longer_than_the_timeout_says_so() {
    let mend = async |timeout| {
        let source = Jaeger::new("traces".into(), Arc::new(Hanging), Duration::from_secs(timeout));
        let error = source.trace(id("a"), None).await.expect_err("it hangs");
        error.mend
    };
    let floored = mend(2).await;
    assert!(floored.contains("30 s at least"), "{floored}");
    let own = mend(60).await;
    assert!(own.contains("raise `timeout`"), "{own}");
}

#[tokio::test]
async fn victoriatraces_says_in_its_own_way_that_it_lacks_a_path() {
    let fake = Fake::start(|asked| match asked.path.as_str() {
        "/api/traces" => json_of(200, &json!({"data": [older_trace("a", 0)]})),
        "/api/services" => json_of(200, &json!({"data": ["cart"], "errors": null})),
        "/api/services/cart/operations" => json_of(200, &json!({"data": ["GET /x", "GET /x"]})),
        "/api/dependencies" => json_of(200, &json!({"data": []})),
        path => text(400, &format!("unsupported path requested: \"{path}\"")),
    })
    .await;
    let source = jaeger(&fake);
    let listed = source.search(question(of_cart())).await.expect("a list");
    assert_eq!(listed.traces[0].errors, Some(0), "`error` = `unset` is no error");
    assert_eq!(source.services(hour()).await.expect("names"), [Arc::from("cart")]);
    let operations = source.operations("cart".into(), hour()).await.expect("names");
    assert_eq!(operations.len(), 1);
    assert_eq!(source.dependencies(hour()).await.expect("answered"), None);
}

#[tokio::test]
async fn a_login_page_an_empty_answer_and_nonsense_are_errors_that_say_so() {
    for (answer, kind, words) in [
        (
            page as fn() -> ResponseTemplate,
            ErrorKind::NotSignedIn,
            "Sign in",
        ),
        (
            || ResponseTemplate::new(200).set_body_raw("", "application/json"),
            ErrorKind::BadAnswer,
            "empty",
        ),
        (
            || json_of(200, &json!([1, 2])),
            ErrorKind::BadAnswer,
            "does not read",
        ),
        (
            || text(401, "missing tenant header"),
            ErrorKind::NotSignedIn,
            "missing tenant",
        ),
        (
            || {
                json_of(
                    500,
                    &json!({"error": {"httpCode": 500, "message": "the store is gone"}}),
                )
            },
            ErrorKind::ServerFault,
            "the store is gone",
        ),
        (no_page, ErrorKind::Rejected, "page not found"),
    ] {
        let fake = Fake::start(move |_| answer()).await;
        let error = jaeger(&fake).search(question(of_cart())).await.expect_err(words);
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn what_came_of_a_trace_that_breaks_off_is_shown_and_said() {
    let whole = json!({"result": {"resourceSpans": [otlp_spans("0a", 1, true), otlp_spans("0a", 2, false)]}})
        .to_string();
    let cut = whole.get(..whole.len() - 200).expect("ASCII").to_owned();
    let fake = Fake::start(move |asked| {
        if asked.path.ends_with('a') {
            ResponseTemplate::new(200).set_body_raw(cut.clone(), "application/json")
        } else {
            ResponseTemplate::new(200).set_body_raw(r#"{"result":{"resou"#, "application/json")
        }
    })
    .await;
    let source = jaeger(&fake);
    let trace = source
        .trace(id("a"), None)
        .await
        .expect("answered")
        .expect("what came");
    assert_eq!(trace.len(), 1);
    assert!(trace.remarks().iter().any(crate::domain::trace::Remark::is_loss));
    let error = source.trace(id("b"), None).await.expect_err("nothing came");
    assert_eq!(error.kind, ErrorKind::BadAnswer);
    assert!(error.to_string().contains("cut off"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_before_it_is_sent() {
    let fake = Fake::start(|_| no_page()).await;
    for (query, words) in [("{ status = error }", "Tempo"), ("dur>fast", "column 1")] {
        let wanted = Wanted {
            query: query.into(),
            ..of_cart()
        };
        let error = jaeger(&fake).search(question(wanted)).await.expect_err(query);
        assert!(error.to_string().contains(words), "{error}");
    }
    assert!(fake.paths().is_empty());
}

#[tokio::test]
async fn calls_between_services_are_counted_by_the_server() {
    let fake = Fake::start(|asked| match asked.path.as_str() {
        "/api/dependencies" => json_of(
            200,
            &json!({"data": [{"parent": "a", "child": "b", "callCount": 12}]}),
        ),
        _ => no_page(),
    })
    .await;
    let calls = jaeger(&fake)
        .dependencies(hour())
        .await
        .expect("answered")
        .expect("calls");
    assert_eq!(
        (&*calls[0].caller, &*calls[0].called, calls[0].calls),
        ("a", "b", 12)
    );
    assert_eq!(fake.asked()[0].get("lookback"), Some("3600000"));
}

#[tokio::test]
async fn what_an_older_server_lacks_is_told() {
    let fake = Fake::start(old).await;
    let lacks = jaeger(&fake).lacks(hour()).await.expect("asked");
    assert!(
        lacks[0].contains("no summaries") && lacks[1].contains("one service"),
        "{lacks:?}"
    );
    let fake = Fake::start(|_| summaries()).await;
    assert!(jaeger(&fake).lacks(hour()).await.expect("asked").is_empty());
}
