//! Tempos of several ages.

use serde_json::json;
use wiremock::ResponseTemplate;

use super::*;
use crate::backend::ErrorKind;
use crate::backend::traces::scripted::{BASE, Fake, hour, id, json_of, no_page, otlp_spans, question, text};
use crate::domain::trace::Wanted;

fn tempo(fake: &Fake) -> Tempo {
    Tempo::new("traces".into(), fake.asker(), Duration::from_secs(5))
}

fn found() -> ResponseTemplate {
    json_of(
        200,
        &json!({"traces": [
            {"traceID": "a", "rootServiceName": "shop", "rootTraceName": "POST /pay",
             "startTimeUnixNano": BASE.to_string(), "durationMs": 557,
             "serviceStats": {"shop": {"spanCount": 16, "errorCount": 1}, "db": {"spanCount": 2}}},
            // VictoriaTraces before 0.12 writes the time as a number.
            {"traceID": "b", "rootServiceName": "<root span not yet received>", "startTimeUnixNano": BASE + 1},
        ], "metrics": {"inspectedBytes": "3811736"}}),
    )
}

#[tokio::test]
async fn a_list_is_asked_for_in_traceql_with_both_ends_in_seconds() {
    let fake = Fake::start(|_| found()).await;
    let wanted = Wanted {
        service: Some("shop\"".into()),
        query: "err dur>500ms".into(),
        ..Wanted::default()
    };
    let listed = tempo(&fake).search(question(wanted)).await.expect("a list");
    let (newest, other) = (&listed.traces[0], &listed.traces[1]);
    assert_eq!(
        (newest.id, newest.service.as_deref(), newest.spans),
        (id("b"), None, None)
    );
    assert_eq!((other.spans, other.errors), (Some(18), Some(1)));
    assert_eq!(other.duration, Duration::from_millis(557));
    let asked = &fake.asked()[0];
    assert_eq!(
        asked.get("q"),
        Some(
            "{ resource.service.name = \"shop\\\"\" && duration >= 500ms && status = error } with (most_recent=true)"
        )
    );
    assert_eq!(
        (asked.get("start"), asked.get("end")),
        (Some("1790000000"), Some("1790003600"))
    );
    assert_eq!(asked.get("limit"), Some("20"));
}

#[tokio::test]
async fn an_older_tempo_is_not_asked_for_the_newest_first_again() {
    let fake = Fake::start(|asked| {
        if asked.get("q").is_some_and(|query| query.contains("most_recent")) {
            text(
                400,
                "invalid TraceQL query: parse error at line 1, col 4: syntax error: unexpected with",
            )
        } else {
            found()
        }
    })
    .await;
    let source = tempo(&fake);
    assert_eq!(
        source
            .search(question(Wanted::default()))
            .await
            .expect("a list")
            .traces
            .len(),
        2
    );
    fake.forget();
    source.search(question(Wanted::default())).await.expect("a list");
    assert_eq!(fake.paths().len(), 1);
    // What is wrong with both is the query.
    let wrong = Fake::start(|_| text(400, "invalid TraceQL query: parse error")).await;
    let source = tempo(&wrong);
    let wanted = || Wanted {
        query: "{ nonsense".into(),
        ..Wanted::default()
    };
    for _ in 0..2 {
        let error = source.search(question(wanted())).await.expect_err("refused");
        assert_eq!(error.kind, ErrorKind::Rejected);
        assert!(error.detail.contains("parse error"), "{error}");
    }
    assert_eq!(wrong.paths().len(), 4, "nothing was learnt from it");
}

#[tokio::test]
async fn a_range_that_is_too_long_is_cut_and_said() {
    let fake = Fake::start(|asked| {
        let number = |name: &str| asked.get(name).unwrap().parse::<u64>().unwrap();
        if number("end") - number("start") > 168 * 3_600 {
            text(
                400,
                "range specified by start and end exceeds 168h0m0s. received start=1 end=2",
            )
        } else {
            found()
        }
    })
    .await;
    let mut asked = question(Wanted::default());
    asked.during.from = Nanos(BASE - 30 * 86_400 * SECOND);
    let listed = tempo(&fake).search(asked).await.expect("a list");
    assert!(listed.warnings[0].contains("168 h"), "{:?}", listed.warnings);
}

#[tokio::test]
async fn a_trace_is_read_by_v2_or_v1_and_an_empty_one_is_none() {
    let v2 = Fake::start(|asked| match asked.path.as_str() {
        "/api/v2/traces/0000000000000000000000000000000a" => json_of(
            200,
            // Its ids are base64.
            &json!({"trace": {"resourceSpans": [otlp_spans("AAAAAAAAAAAAAAAAAAAACg==", 1, true)]},
                "metrics": {}, "status": "PARTIAL", "message": "Trace exceeds maximum size of 5 bytes"}),
        ),
        _ => json_of(200, &json!({"trace": {}, "metrics": {}})),
    })
    .await;
    let source = tempo(&v2);
    let trace = source
        .trace(id("a"), None)
        .await
        .expect("answered")
        .expect("there");
    assert_eq!(trace.id(), id("a"));
    let said: Vec<String> = trace.remarks().iter().map(ToString::to_string).collect();
    assert!(said.iter().any(|said| said.contains("maximum size")), "{said:?}");
    assert!(source.trace(id("b"), None).await.expect("answered").is_none());

    let v1 = Fake::start(|asked| match asked.path.as_str() {
        "/api/traces/0000000000000000000000000000000a" => json_of(
            200,
            &json!({"batches": [otlp_spans("AAAAAAAAAAAAAAAAAAAACg==", 1, true)]}),
        ),
        path if path.starts_with("/api/traces/") => ResponseTemplate::new(404),
        _ => no_page(),
    })
    .await;
    let source = tempo(&v1);
    assert!(source.trace(id("a"), None).await.expect("answered").is_some());
    assert!(source.trace(id("b"), None).await.expect("answered").is_none());
    assert_eq!(v1.paths().len(), 3, "{:?}", v1.paths());
    // Nothing of it is there: that is no missing trace.
    let wrong = Fake::start(|_| no_page()).await;
    let error = tempo(&wrong).trace(id("a"), None).await.expect_err("no Tempo");
    assert!(error.to_string().contains("check the URL"), "{error}");
}

#[tokio::test]
async fn an_answer_about_a_trace_that_says_nothing_is_no_missing_trace() {
    for body in ["", " \n", "null"] {
        let fake =
            Fake::start(move |_| ResponseTemplate::new(200).set_body_raw(body, "application/json")).await;
        let error = tempo(&fake).trace(id("a"), None).await.expect_err("no answer");
        assert!(
            error.to_string().contains("the answer is empty"),
            "{body:?}: {error}"
        );
    }
    let fake = Fake::start(|_| json_of(200, &json!({}))).await;
    assert!(
        tempo(&fake)
            .trace(id("a"), None)
            .await
            .expect("answered")
            .is_none()
    );
}

#[tokio::test]
async fn names_are_values_of_attributes() {
    let fake = Fake::start(|asked| match asked.path.as_str() {
        "/api/search/tag/service.name/values" => json_of(200, &json!({"tagValues": ["b", "a", ""]})),
        "/api/search/tag/name/values" => json_of(200, &json!({"tagValues": ["GET /"]})),
        _ => no_page(),
    })
    .await;
    let source = tempo(&fake);
    assert_eq!(
        source.services(hour()).await.expect("names"),
        [Arc::from("a"), Arc::from("b")]
    );
    assert_eq!(
        source.operations("a".into(), hour()).await.expect("names").len(),
        1
    );
    let v2 = Fake::start(|_| json_of(200, &json!({"tagValues": [{"type": "string", "value": "x"}]}))).await;
    let source = tempo(&v2);
    assert_eq!(
        source
            .operations("a\"".into(), hour())
            .await
            .expect("names")
            .len(),
        1
    );
    let asked = v2.asked();
    assert_eq!(asked[0].path, "/api/v2/search/tag/name/values");
    assert_eq!(asked[0].get("q"), Some("{ resource.service.name = \"a\\\"\" }"));
}
