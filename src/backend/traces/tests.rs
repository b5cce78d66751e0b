//! Answers as servers give them, and as nobody should: whole, cut off, empty, wrong.

use proptest::prelude::*;

use super::*;
use crate::domain::trace::{Nanos, Row, Span, SpanId, Standing, Status, Tie, Times, Value};

const TRACE: &str = "5b8efff798038103d269b633813fc60c";

fn id() -> TraceId {
    TRACE.parse().unwrap()
}

fn otlp(text: &str) -> Reading {
    otlp::read(text.as_bytes().to_vec())
}

fn only(reading: Reading) -> Trace {
    assert_eq!(reading.traces.len(), 1, "{:?}", reading.lost);
    reading.only(id()).unwrap()
}

/// As Jaeger v3 answers.
const JAEGER: &str = r#"{"result":{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}},{"key":"host.name","value":{"stringValue":"h1"}}]},
 "scopeSpans":[{"scope":{"name":"lib","version":"1"},"spans":[
 {"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b173","parentSpanId":"","name":"GET /x","kind":2,
  "startTimeUnixNano":"1544712660000000001","endTimeUnixNano":"1544712661000000000"},
 {"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","parentSpanId":"eee19b7ec3c1b173","name":"load \"it\"","kind":3,
  "startTimeUnixNano":"1544712660100000000","endTimeUnixNano":"1544712660500000000","status":{"code":2,"message":"boom"},"traceState":"a=b",
  "attributes":[{"key":"http.status_code","value":{"intValue":"500"}},{"key":"@jaeger@warnings","value":{"arrayValue":{"values":[{"stringValue":"clock moved"}]}}}],
  "events":[{"timeUnixNano":"1544712660200000000","name":"exception","attributes":[{"key":"exception.type","value":{"stringValue":"Timeout"}}]}],
  "links":[{"traceId":"00000000000000000000000000000abc","spanId":"def"}],"droppedEventsCount":3}]}]}]}}"#;

/// The same from Tempo's v2 endpoint: base64, names of enums.
const TEMPO: &str = r#"{"trace":{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}},{"key":"host.name","value":{"stringValue":"h1"}}]},
 "scopeSpans":[{"scope":{"name":"lib","version":"1"},"spans":[
 {"traceId":"W47/95gDgQPSabYzgT/GDA==","spanId":"7uGbfsPBsXM=","name":"GET /x","kind":"SPAN_KIND_SERVER",
  "startTimeUnixNano":"1544712660000000001","endTimeUnixNano":"1544712661000000000","status":{}},
 {"traceId":"W47/95gDgQPSabYzgT/GDA==","spanId":"7uGbfsPBsXQ=","parentSpanId":"7uGbfsPBsXM=","name":"load \"it\"","kind":"SPAN_KIND_CLIENT",
  "startTimeUnixNano":"1544712660100000000","endTimeUnixNano":"1544712660500000000","status":{"code":"STATUS_CODE_ERROR","message":"boom"}}]}]}]},"metrics":{"inspectedBytes":"1"}}"#;

/// The same in `snake_case`, numbers as numbers, the resource behind its spans, under the old names.
const OLD: &str = r#"{"batches":[{"instrumentation_library_spans":[{"spans":[
 {"trace_id":"5B8EFFF798038103D269B633813FC60C","span_id":"EEE19B7EC3C1B173","parent_span_id":"0000000000000000","name":"GET /x","kind":"server",
  "start_time_unix_nano":1544712660000000001,"end_time_unix_nano":1544712661000000000},
 {"trace_id":"5B8EFFF798038103D269B633813FC60C","span_id":"EEE19B7EC3C1B174","parent_span_id":"EEE19B7EC3C1B173","name":"load \"it\"","kind":3,
  "start_time_unix_nano":1544712660100000000,"end_time_unix_nano":1544712660500000000,"status":{"code":2}}],"instrumentation_library":{"name":"lib"}}],
  "resource":{"attributes":[{"key":"host.name","value":{"string_value":"h1"}},{"key":"service.name","value":{"string_value":"cart"}}]}}]}"#;

#[test]
fn every_dialect_of_otlp_json_reads_the_same() {
    for text in [JAEGER, TEMPO, OLD] {
        let trace = only(otlp(text));
        assert!(trace.remarks().is_empty(), "{:?}", trace.remarks());
        let seen: Vec<Span<'_>> = trace.spans().collect();
        assert_eq!(seen.len(), 2, "{text}");
        assert_eq!(seen[0].id, SpanId(0xeee1_9b7e_c3c1_b173));
        assert_eq!(
            (&**seen[0].service, &**seen[0].operation, seen[0].kind),
            ("cart", "GET /x", Kind::Server)
        );
        assert_eq!(seen[0].start, Nanos(1_544_712_660_000_000_001));
        assert_eq!(seen[0].duration.as_nanos(), 999_999_999);
        assert_eq!((seen[1].parent, seen[1].status), (Some(Row(0)), Status::Error));
        assert_eq!(&**seen[1].operation, "load \"it\"");
        assert_eq!(trace.host(Row(1)).map(|host| &**host), Some("h1"));
    }
}

#[test]
fn a_span_is_read_whole_when_it_is_looked_at() {
    let trace = only(otlp(JAEGER));
    let detail = trace.detail(Row(1));
    assert_eq!(detail.message.as_deref(), Some("boom"));
    assert_eq!(detail.attribute("http.status_code"), Some(&Value::Int(500)));
    assert_eq!(detail.attributes.len(), 1, "warnings are no attribute");
    assert_eq!(detail.warnings, ["clock moved"]);
    assert_eq!(detail.state.as_deref(), Some("a=b"));
    assert_eq!(detail.dropped, 3);
    let event = &detail.events[0];
    assert_eq!(
        (event.at, &*event.name),
        (Some(Nanos(1_544_712_660_200_000_000)), "exception")
    );
    assert_eq!(
        event.attribute("exception.type").and_then(Value::text),
        Some("Timeout")
    );
    assert_eq!(
        (detail.links[0].trace, detail.links[0].span),
        ("abc".parse().unwrap(), SpanId(0xdef))
    );
    assert_eq!(
        trace.attribute(Row(1), "http.status_code").as_deref(),
        Some("500")
    );
    let scope: Vec<String> = trace
        .scope(Row(1))
        .iter()
        .map(|attribute| attribute.value.to_string())
        .collect();
    assert_eq!(scope, ["lib", "1"]);
    assert_eq!(trace.resource(Row(0)).len(), 2);
    assert!(trace.raw(Row(1)).starts_with(b"{\"traceId\"") && trace.raw(Row(1)).ends_with(b"}"));
}

#[test]
fn every_kind_of_value_is_read() {
    let text = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"1","attributes":[
      {"key":"t","value":{"stringValue":"\u001b[31m\n"}},{"key":"b","value":{"boolValue":true}},{"key":"i","value":{"intValue":-7}},
      {"key":"d","value":{"doubleValue":1.5}},{"key":"n","value":{"doubleValue":"-Infinity"}},{"key":"y","value":{"bytesValue":"AAH/"}},
      {"key":"a","value":{"arrayValue":{"values":[{"intValue":"1"},{"stringValue":"x"}]}}},
      {"key":"m","value":{"kvlistValue":{"values":[{"key":"k","value":{"boolValue":false}}]}}},
      {"key":"e","value":{}},{"key":"none"},{"key":"great","value":{"intValue":"99999999999999999999"}},{"key":"bare","value":"as it is"}]}]}]}]}"#;
    let trace = only(otlp(text));
    let texts: Vec<String> = trace
        .detail(Row(0))
        .attributes
        .iter()
        .map(|one| one.value.to_string())
        .collect();
    assert_eq!(
        texts,
        [
            "\u{1b}[31m\n",
            "true",
            "-7",
            "1.5",
            "-inf",
            "0001ff",
            "[1, x]",
            "{k: false}",
            "",
            "",
            "99999999999999999999",
            "as it is"
        ]
    );
    assert_eq!(&**trace.span(Row(0)).service, "unknown_service");
    assert_eq!(trace.span(Row(0)).times, Times::Neither);
}

#[test]
fn documents_one_behind_the_other_make_one_trace_and_what_the_source_says_is_kept() {
    let span = |id: u64, parent: u64| {
        format!(
            r#"{{"traceId":"{TRACE}","spanId":"{id:x}","parentSpanId":"{parent:016x}","startTimeUnixNano":"{id}","endTimeUnixNano":"9"}}"#
        )
    };
    let document = |span: String| {
        format!(r#"{{"result":{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{span}]}}]}}]}}}}"#)
    };
    let text = format!(
        "{}\n{}\n{}",
        document(span(1, 0)),
        document(span(2, 1)),
        r#"{"error":{"grpcCode":14,"message":"storage went away"}}"#
    );
    let trace = only(otlp(&text));
    assert_eq!(trace.len(), 2);
    assert_eq!(trace.remarks(), [Remark::Said("storage went away".to_owned())]);

    let partial = TEMPO.replace(
        r#""metrics""#,
        r#""status":"PARTIAL","message":"Trace exceeds maximum size","metrics""#,
    );
    let said: Vec<String> = only(otlp(&partial))
        .remarks()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(said, ["Trace exceeds maximum size"]);
    let bare = TEMPO.replace(r#""metrics""#, r#""status":"PARTIAL","metrics""#);
    assert_eq!(
        only(otlp(&bare)).remarks()[0].to_string(),
        "the source gave a part of the trace only"
    );
}

#[test]
fn several_traces_in_one_answer_are_told_apart() {
    let other = "000000000000000000000000000000ff";
    let text = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[
        {{"traceId":"{TRACE}","spanId":"1"}},{{"traceId":"ff","spanId":"1"}},{{"traceId":"{TRACE}","spanId":"2","parentSpanId":"1"}},{{"spanId":"3"}},7]}}]}}]}}"#
    );
    let reading = otlp(&text);
    let seen: Vec<(String, usize)> = reading
        .traces
        .iter()
        .map(|trace| (trace.id().to_string(), trace.len()))
        .collect();
    assert_eq!(seen, [(TRACE.to_owned(), 2), (other.to_owned(), 1)]);
    assert_eq!(reading.lost, [Remark::NoTrace(1), Remark::Unreadable(1)]);
}

#[test]
fn nothing_is_no_trace_and_no_json_says_so() {
    for text in [
        "",
        "  \n",
        "{}",
        "[]",
        "null",
        r#"{"trace":{}}"#,
        r#"{"result":{"resourceSpans":[]}}"#,
        r#"{"trace":null}"#,
    ] {
        let reading = otlp(text);
        assert!(
            reading.traces.is_empty() && reading.lost.is_empty(),
            "{text}: {:?}",
            reading.lost
        );
    }
    for read in [otlp::read, jaeger_legacy::read, zipkin::read] {
        let reading = read(b"<!doctype html><html></html>".to_vec());
        assert!(reading.traces.is_empty());
        assert_eq!(reading.lost, [Remark::NotJson { at: 0 }]);
    }
}

#[test]
fn of_what_is_cut_off_anywhere_the_part_that_came_is_kept_and_the_loss_said() {
    let mut before = 0;
    for (read, text) in [
        (otlp::read as fn(Vec<u8>) -> Reading, JAEGER),
        (jaeger_legacy::read, LEGACY),
        (zipkin::read, ZIPKIN),
    ] {
        for cut in 1..text.len() {
            let reading = read(text.as_bytes()[..cut].to_vec());
            assert_eq!(reading.lost, [Remark::CutOff { at: cut }]);
            let spans: usize = reading.traces.iter().map(Trace::len).sum();
            before = if cut == 1 { 0 } else { before };
            assert!(spans >= before, "{cut}");
            before = spans;
            for trace in &reading.traces {
                assert_eq!(trace.remarks()[0], Remark::CutOff { at: cut });
                for row in trace.rows() {
                    let _ = trace.detail(row);
                }
            }
        }
        assert!(before > 0);
    }
}

#[test]
fn spans_beyond_the_limit_are_counted() {
    let reading = otlp::read_at_most(JAEGER.as_bytes().to_vec(), 1);
    assert_eq!(reading.traces[0].len(), 1);
    assert_eq!(reading.lost, [Remark::TooMany(1)]);
}

#[test]
fn times_that_make_no_sense_do_no_harm() {
    let span = |number: usize, start: &str, end: &str| {
        format!(
            r#"{{"traceId":"{TRACE}","spanId":"{number}","startTimeUnixNano":{start},"endTimeUnixNano":{end}}}"#
        )
    };
    let spans: Vec<String> = [
        ("\"-5\"", "\"7\""),
        ("\"18446744073709551615\"", "1"),
        ("9223372036854775807", "9223372036854775807"),
        ("1.5e18", "\"1500000000000000001\""),
        ("null", "{}"),
        ("\"x\"", "[1]"),
    ]
    .iter()
    .zip(1..)
    .map(|((start, end), number)| span(number, start, end))
    .collect();
    let text = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#,
        spans.join(",")
    );
    let trace = only(otlp(&text));
    let times = |id: u64| trace.span(trace.find(SpanId(id)).next().unwrap()).times;
    assert_eq!(times(1), Times::NoStart);
    assert_eq!(times(2), Times::NoStart);
    assert_eq!(times(3), Times::Known);
    assert_eq!(times(4), Times::Known);
    assert_eq!((times(5), times(6)), (Times::Neither, Times::Neither));
    assert_eq!(trace.len(), 6);
}

#[test]
fn great_attributes_and_many_of_them_are_read_when_looked_at() {
    let great = "x".repeat(1 << 20);
    let deep = format!(
        "{}{}",
        r#"{"arrayValue":{"values":["#.repeat(50_000),
        "]}}".repeat(50_000)
    );
    let many: Vec<String> = (0..10_000)
        .map(|number| format!(r#"{{"key":"k{number}","value":{{"intValue":{number}}}}}"#))
        .collect();
    let text = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{TRACE}","spanId":"1","attributes":[{},{{"key":"great","value":{{"stringValue":"{great}"}}}},{{"key":"deep","value":{deep}}}]}}]}}]}}]}}"#,
        many.join(",")
    );
    let trace = only(otlp(&text));
    let detail = trace.detail(Row(0));
    assert_eq!(detail.attributes.len(), 10_002);
    assert_eq!(
        detail.attribute("great").and_then(Value::text).map(str::len),
        Some(1 << 20)
    );
    assert!(
        detail
            .attribute("deep")
            .is_some_and(|value| value.to_string().len() > 1_000)
    );
}

/// As Jaeger's legacy API answers: processes behind spans, kind and status as tags.
const LEGACY: &str = r#"{"data":[{"traceID":"5b8efff798038103d269b633813fc60c","spans":[
 {"traceID":"5b8efff798038103d269b633813fc60c","spanID":"000000000000000a","operationName":"op","references":[],"startTime":1706678909209712,"duration":1000,
  "tags":[{"key":"span.kind","type":"string","value":"server"},{"key":"error","type":"string","value":"unset"},{"key":"big","type":"int64","value":"9223372036854775807"}],
  "logs":[{"timestamp":1706678909209800,"fields":[{"key":"event","type":"string","value":"cache miss"},{"key":"n","type":"int64","value":3}]}],"processID":"p1","warnings":["odd"]},
 {"traceID":"5b8efff798038103d269b633813fc60c","spanID":"000000000000000b","operationName":"call","references":[{"refType":"FOLLOWS_FROM","traceID":"5b8efff798038103d269b633813fc60c","spanID":"000000000000000c"},{"refType":"CHILD_OF","traceID":"5b8efff798038103d269b633813fc60c","spanID":"000000000000000a"}],
  "startTime":1706678909209900,"duration":20,"tags":[{"key":"error","type":"bool","value":true},{"key":"otel.status_description","type":"string","value":"refused"}],"logs":[],"processID":"p2","warnings":null},
 {"traceID":"5b8efff798038103d269b633813fc60c","spanID":"000000000000000c","operationName":"later","references":[{"refType":"FOLLOWS_FROM","traceID":"5b8efff798038103d269b633813fc60c","spanID":"000000000000000a"}],
  "startTime":1706678909211000,"duration":20,"tags":[],"logs":[],"processID":"p2","warnings":null}],
 "processes":{"p1":{"serviceName":"cart","tags":[{"key":"hostname","type":"string","value":"h1"}]},"p2":{"serviceName":"pay","tags":[]}},"warnings":null}],"total":0,"limit":0,"offset":0,"errors":null}"#;

#[test]
fn jaegers_legacy_json_reads_with_its_tags_in_place() {
    let trace = only(jaeger_legacy::read(LEGACY.as_bytes().to_vec()));
    assert!(trace.remarks().is_empty(), "{:?}", trace.remarks());
    let seen: Vec<(u64, &str, Status, Tie)> = trace
        .spans()
        .map(|span| (span.id.0, &**span.service, span.status, span.tie))
        .collect();
    assert_eq!(
        seen,
        [
            (10, "cart", Status::Unset, Tie::ChildOf),
            (11, "pay", Status::Error, Tie::ChildOf),
            (12, "pay", Status::Unset, Tie::FollowsFrom)
        ]
    );
    assert_eq!(trace.span(Row(0)).kind, Kind::Server);
    assert_eq!(trace.span(Row(0)).start, Nanos(1_706_678_909_209_712_000));
    assert_eq!(trace.parent(Row(2)), Some(Row(0)));
    assert_eq!(trace.host(Row(0)).map(|host| &**host), Some("h1"));
    let detail = trace.detail(Row(0));
    assert_eq!(detail.attributes.len(), 1);
    assert_eq!(detail.attribute("big"), Some(&Value::Int(i64::MAX)));
    assert_eq!(
        (&*detail.events[0].name, detail.events[0].attributes.len()),
        ("cache miss", 1)
    );
    assert_eq!(detail.warnings, ["odd"]);
    let detail = trace.detail(Row(1));
    assert_eq!(detail.message.as_deref(), Some("refused"));
    let links: Vec<(SpanId, Option<Tie>)> = detail.links.iter().map(|link| (link.span, link.tie)).collect();
    assert_eq!(links, [(SpanId(12), Some(Tie::FollowsFrom))]);
    assert!(
        trace.detail(Row(2)).links.is_empty(),
        "what it hangs on is no link"
    );
}

/// As Zipkin answers: a shared id, a span in two parts, a failure without a word.
const ZIPKIN: &str = r#"[[{"traceId":"5b8efff798038103d269b633813fc60c","id":"1","kind":"SERVER","name":"get /","timestamp":1556604172355737,"duration":1431,"localEndpoint":{"serviceName":"web","ipv4":"10.0.0.1"}},
 {"traceId":"5b8efff798038103d269b633813fc60c","id":"2","parentId":"1","kind":"CLIENT","name":"pay","timestamp":1556604172355800,"duration":900,"localEndpoint":{"serviceName":"web","ipv4":"10.0.0.1"},"remoteEndpoint":{"serviceName":"pay","port":80}},
 {"traceId":"5b8efff798038103d269b633813fc60c","id":"2","parentId":"1","kind":"SERVER","shared":true,"timestamp":1556604172355900,"localEndpoint":{"serviceName":"pay"},"tags":{"error":"","http.method":"GET"}},
 {"traceId":"5b8efff798038103d269b633813fc60c","id":"2","parentId":"1","kind":"SERVER","shared":true,"name":"charge","timestamp":1556604172355900,"duration":500,"localEndpoint":{"serviceName":"pay"},"annotations":[{"timestamp":1556604172355950,"value":"ws"}]},
 {"traceId":"5b8efff798038103d269b633813fc60c","id":"3","parentId":"2","name":"db","timestamp":1556604172355910,"duration":100,"localEndpoint":{"serviceName":"pay"}},
 {"traceId":"5b8efff798038103d269b633813fc60c","id":"4","parentId":"1"}]]"#;

#[test]
fn zipkins_json_reads_with_shared_ids_and_spans_in_parts() {
    let reading = zipkin::read(ZIPKIN.as_bytes().to_vec());
    let trace = only(reading);
    let seen: Vec<(u64, u32, &str, &str)> = trace
        .spans()
        .map(|span| (span.id.0, span.depth, &**span.service, &**span.operation))
        .collect();
    assert_eq!(
        seen,
        [
            (1, 0, "web", "get /"),
            (4, 1, "unknown_service", ""),
            (2, 1, "web", "pay"),
            (2, 2, "pay", "charge"),
            (3, 3, "pay", "db"),
        ]
    );
    let server = trace.span(Row(3));
    assert_eq!((server.status, server.duration.as_micros()), (Status::Error, 500));
    let detail = trace.detail(Row(3));
    assert_eq!((detail.message, detail.events.len()), (None, 1), "of both parts");
    assert_eq!(trace.attribute(Row(3), "http.method").as_deref(), Some("GET"));
    assert_eq!(trace.attribute(Row(2), "peer.service").as_deref(), Some("pay"));
    assert_eq!(trace.standing(Row(1)), Standing::Child);
    assert_eq!(
        trace.remarks(),
        [Remark::Times {
            spans: 1,
            first: Row(1)
        }]
    );
}

proptest! {
    #[test]
    fn no_damage_to_an_answer_panics(which in 0_usize..3, at in any::<prop::sample::Index>(), with in proptest::collection::vec(any::<u8>(), 0..4), drop in 0_usize..6) {
        let readers = [otlp::read as fn(Vec<u8>) -> Reading, jaeger_legacy::read, zipkin::read];
        let mut body = [JAEGER, LEGACY, ZIPKIN][which].as_bytes().to_vec();
        let from = at.index(body.len());
        let to = (from + drop).min(body.len());
        body.splice(from..to, with);
        for read in readers {
            for trace in read(body.clone()).traces {
                for row in trace.rows() {
                    let _ = (trace.detail(row), trace.resource(row), trace.scope(row));
                }
            }
        }
    }
}
