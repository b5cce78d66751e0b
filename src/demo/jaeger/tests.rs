//! The traces API over sockets, beside the shapes that the real one has.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use reqwest::Client;
use serde_json::{Value as Json, json};

use super::*;
use crate::demo::faults::{Fault, FaultProxy, Plan};
use crate::demo::loki::{self, Loki};
use crate::demo::world::traces::Kind;
use crate::demo::world::{Epoch, Scenario};
use crate::domain::trace::blame::Fate;
use crate::domain::trace::json::Findings;
use crate::domain::trace::{Kind as SpanKind, Status, Trace as Found, TraceId};

fn anchor() -> DateTime<Utc> {
    "2026-11-20T03:00:00Z".parse().unwrap()
}

/// A story second as v3 wants it.
fn time(s: i64) -> String {
    (anchor() + TimeDelta::seconds(s)).to_rfc3339_opts(SecondsFormat::Nanos, true)
}

/// A story second in microseconds.
fn micros(s: i64) -> String {
    (anchor() + TimeDelta::seconds(s)).timestamp_micros().to_string()
}

fn world(scenario: Scenario) -> Arc<World> {
    Arc::new(World::new(Epoch {
        scenario,
        seed: 1,
        anchor: anchor(),
    }))
}

struct Desk {
    client: Client,
    /// Base URL of the traces.
    traces: String,
    /// Base URL of the logs.
    logs: String,
}

type Pairs<'a> = &'a [(&'a str, &'a str)];

impl Desk {
    async fn send(&self, path: &str, pairs: Pairs<'_>) -> (u16, String, String) {
        let url = format!("{}/api/{path}", self.traces);
        let response = self.client.get(url).query(pairs).send().await.unwrap();
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        (response.status().as_u16(), kind, response.text().await.unwrap())
    }

    async fn ask(&self, path: &str, pairs: Pairs<'_>) -> Json {
        let (status, kind, text) = self.send(path, pairs).await;
        assert_eq!((status, kind.as_str()), (200, "application/json"), "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// An error, which is JSON that calls itself plain text.
    async fn refused(&self, path: &str, pairs: Pairs<'_>) -> (u16, Json) {
        let (status, kind, text) = self.send(path, pairs).await;
        assert_eq!(kind, "text/plain; charset=utf-8");
        (status, serde_json::from_str(&text).unwrap())
    }

    /// Summaries of a search, with the range in front.
    async fn summaries(&self, (from, to): (i64, i64), more: Pairs<'_>) -> Vec<Json> {
        let (from, to) = (time(from), time(to));
        let mut pairs = vec![("query.startTimeMin", from.as_str()), ("query.startTimeMax", &to)];
        pairs.extend(more);
        let answer = self.ask("v3/trace-summaries", &pairs).await;
        answer["summaries"].as_array().unwrap().clone()
    }
}

/// Talks to a Jaeger and a Loki over one world, twenty seconds into its story.
fn talk<F: Future<Output = ()>>(scenario: Scenario, conversation: impl FnOnce(Desk) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let clock = DemoClock::Fixed(anchor() + TimeDelta::seconds(20));
        let world = world(scenario);
        let traces = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let logs = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let desk = Desk {
            client: Client::builder().no_proxy().build().unwrap(),
            traces: format!("http://{}", traces.local_addr().unwrap()),
            logs: format!("http://{}", logs.local_addr().unwrap()),
        };
        let jaeger = router(Arc::new(Jaeger::new(Arc::clone(&world), clock)));
        let loki = loki::router(Arc::new(Loki::new(world, clock)));
        tokio::select! {
            () = conversation(desk) => {}
            ended = axum::serve(traces, jaeger).into_future() => panic!("{ended:?}"),
            ended = axum::serve(logs, loki).into_future() => panic!("{ended:?}"),
        }
    });
}

/// Every span of an answer of v3, with its service.
fn spans(answer: &Json) -> Vec<(String, Json)> {
    let mut all = Vec::new();
    for resource in answer["result"]["resourceSpans"].as_array().unwrap() {
        let attributes = resource["resource"]["attributes"].as_array().unwrap();
        let name = attributes
            .iter()
            .find(|pair| pair["key"] == "service.name")
            .unwrap();
        let service = name["value"]["stringValue"].as_str().unwrap();
        for span in resource["scopeSpans"][0]["spans"].as_array().unwrap() {
            all.push((service.to_owned(), span.clone()));
        }
    }
    all
}

fn attribute<'a>(span: &'a Json, key: &str) -> &'a Json {
    let all = span["attributes"].as_array().map_or(&[][..], Vec::as_slice);
    all.iter()
        .find(|pair| pair["key"] == key)
        .map_or(&Json::Null, |pair| &pair["value"])
}

#[test]
fn services_and_operations_are_told_in_both_forms() {
    talk(Scenario::Leak, async |desk| {
        let services = desk.ask("v3/services", &[]).await;
        let names = services["services"].as_array().unwrap();
        assert_eq!(names.len(), 13);
        assert!(names.contains(&json!("checkout")) && names.contains(&json!("reindex")));
        let old = desk.ask("services", &[]).await;
        assert_eq!(
            (&old["data"], &old["total"], &old["errors"]),
            (&services["services"], &json!(13), &Json::Null)
        );
        let servers = [("service", "checkout"), ("spanKind", "server")];
        let told = desk.ask("v3/operations", &servers).await;
        assert!(
            told["operations"]
                .as_array()
                .unwrap()
                .contains(&json!({ "name": "POST /v1/orders", "spanKind": "server" }))
        );
        let snake = desk
            .ask(
                "v3/operations",
                &[("service", "checkout"), ("span_kind", "server")],
            )
            .await;
        assert_eq!(snake, told);
        assert_eq!(desk.ask("operations", &servers).await["data"], told["operations"]);
        let names = desk.ask("services/checkout/operations", &[]).await;
        assert!(
            names["data"]
                .as_array()
                .unwrap()
                .contains(&json!("orders publish"))
        );
        assert_eq!(
            desk.ask("v3/operations", &[("service", "nobody")]).await,
            json!({ "operations": [] })
        );
        let refused = desk.refused("operations", &[]).await;
        assert_eq!(
            refused.1["errors"][0],
            json!({ "code": 400, "msg": "parameter 'service' is required" })
        );
    });
}

#[test]
fn a_line_of_a_log_opens_its_trace_and_a_trace_its_lines() {
    talk(Scenario::Leak, async |desk| {
        let lines = async |query: &str| -> Vec<(i64, String)> {
            let pairs = [
                ("query", query.to_owned()),
                ("start", (anchor().timestamp() - 30).to_string()),
                ("end", anchor().timestamp().to_string()),
                ("limit", "3".to_owned()),
            ];
            let url = format!("{}/loki/api/v1/query_range", desk.logs);
            let text = desk
                .client
                .get(url)
                .query(&pairs)
                .send()
                .await
                .unwrap()
                .text()
                .await
                .unwrap();
            let answer: Json = serde_json::from_str(&text).unwrap();
            let streams = answer["data"]["result"].as_array().unwrap();
            let each = streams.iter().map(|stream| {
                let at = stream["values"][0][0].as_str().unwrap().parse().unwrap();
                (at, stream["stream"]["trace_id"].as_str().unwrap().to_owned())
            });
            each.collect()
        };
        let denied = lines(r#"{service_name="checkout"} |= "pool primary exhausted""#).await;
        assert_eq!(denied.len(), 3);
        for (at, id) in denied {
            let trace = desk.ask(&format!("v3/traces/{id}"), &[]).await;
            let all = spans(&trace);
            assert!(all.iter().all(|(_, span)| span["traceId"] == id.as_str()));
            let failed = all.iter().find(|(service, span)| {
                service == "checkout" && span["kind"] == 2 && span["status"]["code"] == 2
            });
            let (_, failed) = failed.unwrap();
            assert_eq!(failed["endTimeUnixNano"], at.to_string());
            assert!(
                failed["status"]["message"]
                    .as_str()
                    .unwrap()
                    .starts_with("pool primary exhausted")
            );
            let said = lines(&format!(r#"{{namespace="prod"}} | trace_id="{id}""#)).await;
            assert_eq!(said.len(), 3, "checkout's two lines and the storefront's");
        }
    });
}

#[test]
fn a_trace_has_the_same_spans_in_both_forms() {
    talk(Scenario::Leak, async |desk| {
        let denied = desk
            .summaries(
                (-60, 0),
                &[
                    ("query.serviceName", "checkout"),
                    ("query.attributes", r#"{"error":"true"}"#),
                    ("query.searchDepth", "1"),
                ],
            )
            .await;
        let id = denied[0]["traceId"].as_str().unwrap();
        let new = spans(&desk.ask(&format!("v3/traces/{id}"), &[]).await);
        let old = desk.ask(&format!("traces/{id}"), &[]).await;
        let old = &old["data"][0];
        assert_eq!(old["traceID"], id);
        let old_spans = old["spans"].as_array().unwrap();
        assert_eq!(old_spans.len(), new.len());
        assert_eq!(denied[0]["spanCount"], new.len());
        for span in old_spans {
            let (service, other) = new
                .iter()
                .find(|(_, other)| other["spanId"] == span["spanID"])
                .unwrap();
            let process = &old["processes"][span["processID"].as_str().unwrap()];
            assert_eq!(
                (&process["serviceName"], &span["operationName"]),
                (&json!(service), &other["name"])
            );
            let start: i64 = other["startTimeUnixNano"].as_str().unwrap().parse().unwrap();
            assert_eq!(span["startTime"], start / 1_000);
            let parent = other["parentSpanId"].as_str().unwrap();
            match span["references"].get(0) {
                None => assert_eq!(parent, ""),
                Some(first) => assert_eq!(
                    (&first["refType"], &first["spanID"]),
                    (&json!("CHILD_OF"), &json!(parent))
                ),
            }
            let failed = other["status"]["code"] == 2;
            let tags = span["tags"].as_array().unwrap();
            let error = json!({ "key": "error", "type": "bool", "value": true });
            assert_eq!(tags.contains(&error), failed);
            assert_eq!(
                span["logs"].as_array().unwrap().len(),
                other["events"].as_array().map_or(0, Vec::len)
            );
        }
    });
}

#[test]
fn a_search_reads_both_spellings_and_finds_what_one_span_is() {
    talk(Scenario::Leak, async |desk| {
        let (from, to) = (time(-120), time(0));
        let camel = [
            ("query.serviceName", "checkout"),
            ("query.operationName", "pool.acquire"),
            ("query.startTimeMin", from.as_str()),
            ("query.startTimeMax", &to),
            ("query.durationMin", "500ms"),
            ("query.durationMax", "2s"),
            ("query.searchDepth", "20"),
        ];
        let snake = [
            ("query.service_name", "checkout"),
            ("query.operation_name", "pool.acquire"),
            ("query.start_time_min", from.as_str()),
            ("query.start_time_max", &to),
            ("query.duration_min", "500ms"),
            ("query.duration_max", "2s"),
            ("query.num_traces", "20"),
        ];
        let found = desk.ask("v3/traces", &camel).await;
        assert_eq!(found, desk.ask("v3/traces", &snake).await);
        let mut by_trace: BTreeMap<String, Vec<Json>> = BTreeMap::new();
        for (_, span) in spans(&found) {
            by_trace
                .entry(span["traceId"].as_str().unwrap().to_owned())
                .or_default()
                .push(span);
        }
        assert_eq!(by_trace.len(), 20);
        let length = |span: &Json| {
            let at = |key: &str| span[key].as_str().unwrap().parse::<i64>().unwrap();
            at("endTimeUnixNano") - at("startTimeUnixNano")
        };
        for trace in by_trace.values() {
            assert!(trace.iter().any(|span| span["name"] == "pool.acquire"
                && (500_000_000..=2_000_000_000).contains(&length(span))));
        }
        for (attributes, more) in [
            (r#"{"db.system.name":"redis"}"#, ("query.serviceName", "loyalty")),
            (
                r#"{"resource.host.name":"node-c"}"#,
                ("query.serviceName", "shipping"),
            ),
            (r#"{"span.kind":"producer"}"#, ("query.serviceName", "checkout")),
            (
                r#"{"exception.type":"*pool.ExhaustedError"}"#,
                ("query.serviceName", "checkout"),
            ),
            (
                r#"{"http.response.status_code":"202"}"#,
                ("query.serviceName", "storefront"),
            ),
        ] {
            let found = desk
                .summaries((-120, 0), &[("query.attributes", attributes), more])
                .await;
            assert!(!found.is_empty(), "{attributes}");
        }
        let none = desk
            .summaries(
                (-120, 0),
                &[
                    ("query.serviceName", "cart"),
                    ("query.attributes", r#"{"error":"true"}"#),
                ],
            )
            .await;
        assert_eq!(none.len(), 0);
        // Pages: an earlier end gives earlier traces.
        let later = desk
            .summaries((-120, 0), &[("query.serviceName", "payment")])
            .await;
        let earlier = desk
            .summaries((-120, -60), &[("query.serviceName", "payment")])
            .await;
        let ids = |all: &[Json]| {
            all.iter()
                .map(|one| one["traceId"].to_string())
                .collect::<BTreeSet<_>>()
        };
        assert!(ids(&later).is_disjoint(&ids(&earlier)) && later.len() == 100);
    });
}

#[test]
fn the_search_of_the_ui_answers_with_whole_traces() {
    talk(Scenario::Leak, async |desk| {
        let (start, end) = (micros(-60), micros(0));
        let asked = [
            ("service", "payment"),
            ("operation", "POST /v1/charges"),
            ("start", start.as_str()),
            ("end", &end),
            ("minDuration", "1s"),
            ("tags", r#"{"error":"true"}"#),
            ("limit", "5"),
        ];
        let found = desk.ask("traces", &asked).await;
        assert_eq!(
            (found["data"].as_array().unwrap().len(), &found["errors"]),
            (5, &Json::Null)
        );
        let by_tag = [
            ("service", "payment"),
            ("tag", "error:true"),
            ("start", &start),
            ("end", &end),
            ("limit", "5"),
        ];
        assert_eq!(
            desk.ask("traces", &by_tag).await["data"]
                .as_array()
                .unwrap()
                .len(),
            5
        );
        let id = found["data"][0]["traceID"].as_str().unwrap();
        let both = desk.ask("traces", &[("traceID", id), ("traceID", "77")]).await;
        assert_eq!(both["data"].as_array().unwrap().len(), 1);
        assert_eq!(
            both["errors"],
            json!([{ "msg": "trace not found", "traceID": format!("{:032x}", 0x77) }])
        );
        let none = [("service", "payment"), ("minDuration", "1h")];
        assert_eq!(
            desk.ask("traces", &none).await,
            json!({ "data": [], "total": 0, "limit": 0, "offset": 0, "errors": null })
        );
    });
}

#[test]
fn what_is_not_there_and_what_does_not_read_is_refused_in_jaegers_words() {
    talk(Scenario::Leak, async |desk| {
        let (from, to) = (time(-60), time(0));
        let range = [("query.startTimeMin", from.as_str()), ("query.startTimeMax", &to)];
        let with = |pair| [range[0], range[1], pair];
        for (path, pairs, status, words) in [
            (
                "v3/traces/00000000000000000000000000000001",
                vec![],
                404,
                "No traces found",
            ),
            (
                "v3/traces/xyz",
                vec![],
                400,
                "malformed parameter trace_id: strconv.ParseUint: parsing \"xyz\": invalid syntax",
            ),
            (
                "v3/traces",
                with(("query.serviceName", "nobody")).to_vec(),
                404,
                "No traces found",
            ),
            (
                "v3/traces",
                vec![("query.serviceName", "cart")],
                400,
                "query.startTimeMin and query.startTimeMax are required",
            ),
            (
                "v3/trace-summaries",
                with(("query.durationMin", "5")).to_vec(),
                400,
                "malformed parameter query.durationMin: time: invalid duration \"5\"",
            ),
            (
                "v3/trace-summaries",
                with(("query.num_traces", "many")).to_vec(),
                400,
                "malformed parameter query.num_traces: strconv.ParseInt: parsing \"many\": invalid syntax",
            ),
            (
                "v3/trace-summaries",
                with(("query.searchDepth", "0")).to_vec(),
                500,
                "search depth must be greater than 0 and less than max traces",
            ),
        ] {
            let expected = json!({ "error": { "httpCode": status, "message": words } });
            assert_eq!(desk.refused(path, &pairs).await, (status, expected));
        }
        let (status, body) = desk.refused("traces/1", &[]).await;
        assert_eq!(
            (status, body),
            (
                404,
                json!({ "data": null, "total": 0, "limit": 0, "offset": 0, "errors": [{ "code": 404, "msg": "trace not found" }] })
            )
        );
        for (pairs, words) in [
            (vec![("start", "0")], "parameter 'service' is required"),
            (
                vec![("service", "cart"), ("minDuration", "2s"), ("maxDuration", "1s")],
                "'maxDuration' should be greater than 'minDuration'",
            ),
            (
                vec![("service", "cart"), ("start", "soon")],
                "unable to parse param 'start': strconv.ParseInt: parsing \"soon\": invalid syntax",
            ),
        ] {
            let (status, body) = desk.refused("traces", &pairs).await;
            assert_eq!((status, &body["errors"][0]["msg"]), (400, &json!(words)));
        }
        assert_eq!(desk.refused("metrics/calls", &[]).await.0, 501);
        let (status, _, text) = desk.send("v3/dependencies", &[]).await;
        assert_eq!(
            (status, text.as_str()),
            (404, "404 page not found\n"),
            "gRPC alone has it"
        );
        let (status, _, text) = desk.send("v3/traces/1?rawTraces=perhaps", &[]).await;
        assert_eq!(status, 400, "{text}");
    });
}

#[test]
fn the_batch_is_found_by_its_operation_and_told_whole_piece_by_piece() {
    talk(Scenario::Leak, async |desk| {
        let asked = [
            ("query.serviceName", "reindex"),
            ("query.operationName", "reindex catalog"),
        ];
        let found = desk.summaries((-3_600, 0), &asked).await;
        assert_eq!(found.len(), 1);
        let batch = &found[0];
        assert_eq!(
            (&batch["spanCount"], &batch["rootOperationName"]),
            (&json!(50_000), &json!("reindex catalog"))
        );
        // Its products are found although they began long after it did.
        let later = desk
            .summaries((-900, -840), &[("query.serviceName", "reindex")])
            .await;
        assert_eq!(later, found);
        let id = batch["traceId"].as_str().unwrap();
        let all = spans(&desk.ask(&format!("v3/traces/{id}"), &[]).await);
        assert_eq!(all.len(), 50_000);
        let failed = all.iter().filter(|(_, span)| span["status"]["code"] == 2).count();
        assert_eq!(batch["errorSpanCount"], failed);
        let old = desk.ask(&format!("traces/{id}"), &[]).await;
        assert_eq!(old["data"][0]["spans"].as_array().unwrap().len(), 50_000);
        assert_eq!(old["data"][0]["processes"].as_object().unwrap().len(), 2);
    });
}

#[test]
fn no_more_of_the_batch_is_made_than_was_read() {
    let clock = DemoClock::Fixed(anchor() + TimeDelta::seconds(20));
    let jaeger = Jaeger::new(world(Scenario::Leak), clock);
    let trace = jaeger.traces.trace(&jaeger.traces.batch(-1_200).unwrap());
    let pieces = || {
        wire::pieces(
            vec![trace.clone()],
            wire::Dialect::Otlp,
            params::Form::Adjusted,
            String::new(),
        )
    };
    let lengths: Vec<usize> = pieces().map(|piece| piece.len()).collect();
    assert_eq!(
        lengths.len(),
        102,
        "a head, a hundred pieces of five hundred spans, an end"
    );
    assert!(
        lengths.iter().all(|length| *length < 600_000),
        "{:?}",
        lengths.iter().max()
    );
    let first: String = pieces().take(2).collect();
    assert_eq!(first.matches("\"spanId\"").count(), 500);
}

#[test]
fn warnings_tell_of_the_skewed_clock_and_of_a_parent_that_never_came() {
    talk(Scenario::Leak, async |desk| {
        let skewed = [
            ("query.serviceName", "shipping"),
            ("query.operationName", "GET /v1/quotes"),
            ("query.attributes", r#"{"resource.host.name":"node-c"}"#),
            ("query.searchDepth", "1"),
        ];
        let id = desk.summaries((-60, 0), &skewed).await[0]["traceId"]
            .as_str()
            .unwrap()
            .to_owned();
        let warned = |all: &[(String, Json)]| -> Vec<(String, String)> {
            let told = all.iter().filter_map(|(service, span)| {
                let first = &attribute(span, "@jaeger@warnings")["arrayValue"]["values"][0]["stringValue"];
                Some((service.clone(), first.as_str()?.to_owned()))
            });
            told.filter(|(service, _)| service != "loyalty").collect()
        };
        let adjusted = warned(&spans(&desk.ask(&format!("v3/traces/{id}"), &[]).await));
        assert_eq!(adjusted.len(), 2, "the answer, and what it asks: {adjusted:?}");
        assert!(adjusted.iter().all(|(service, warning)| service == "shipping"
            && warning.starts_with("clock skew adjustment disabled; not applying calculated delta of -2")));
        let raw = desk
            .ask(&format!("v3/traces/{id}"), &[("rawTraces", "true")])
            .await;
        assert!(warned(&spans(&raw)).is_empty());
        let lost = [
            ("query.serviceName", "loyalty"),
            ("query.operationName", "points process"),
        ];
        let lost = desk.summaries((-60, 0), &lost).await;
        assert!(
            lost.iter()
                .all(|one| one["orphanSpanCount"] == 1 && one["rootServiceName"].is_null())
        );
        let id = lost[0]["traceId"].as_str().unwrap();
        let old = desk.ask(&format!("traces/{id}"), &[]).await;
        let warning = old["data"][0]["spans"][0]["warnings"][0].as_str().unwrap();
        assert!(warning.contains("is not in the trace"), "{warning}");
    });
}

#[test]
fn dependencies_are_those_of_the_traces() {
    talk(Scenario::Leak, async |desk| {
        let end = (anchor().timestamp_millis()).to_string();
        let asked = [("endTs", end.as_str()), ("lookback", "3600000")];
        let told = desk.ask("dependencies", &asked).await;
        let calls = |parent: &str, child: &str| {
            let all = told["data"].as_array().unwrap();
            let one = all
                .iter()
                .find(|link| link["parent"] == parent && link["child"] == child);
            one.map_or(0, |link| link["callCount"].as_u64().unwrap())
        };
        let orders = calls("storefront", "checkout");
        assert!((100_000..200_000).contains(&orders), "42 a second: {orders}");
        assert!(calls("checkout", "payment") > 0 && calls("search", "catalog") > 0);
        assert!(
            calls("payment", "checkout") > 0,
            "confirmations go round in a circle"
        );
        assert_eq!(calls("cart", "payment"), 0);
        let one = desk
            .ask("dependencies", &[asked[0], asked[1], ("service", "search")])
            .await;
        let links = one["data"].as_array().unwrap();
        assert!(
            links
                .iter()
                .all(|link| link["parent"] == "search" || link["child"] == "search")
        );
        assert_eq!(desk.refused("dependencies", &[]).await.0, 400);
    });
}

#[test]
fn nothing_is_told_before_it_happened_and_a_calm_world_stands_still() {
    talk(Scenario::Leak, async |desk| {
        let newest = desk
            .summaries((0, 600), &[("query.serviceName", "checkout")])
            .await;
        assert_eq!(newest.len(), 100);
        let now = (anchor() + TimeDelta::seconds(20)).timestamp_nanos_opt().unwrap();
        for one in &newest {
            let end: i64 = one["maxEndTimeUnixNano"].as_str().unwrap().parse().unwrap();
            assert!(end <= now);
        }
        let future = desk
            .summaries((21, 600), &[("query.serviceName", "checkout")])
            .await;
        assert!(future.is_empty());
        let past = desk
            .summaries((-90_000, -88_000), &[("query.serviceName", "checkout")])
            .await;
        assert!(past.is_empty(), "a day is kept");
    });
    talk(Scenario::Calm, async |desk| {
        let service = [("query.serviceName", "checkout")];
        assert_eq!(desk.summaries((-60, 20), &service).await.len(), 100);
        assert!(desk.summaries((4, 20), &service).await.is_empty());
    });
}

#[test]
fn a_trace_breaks_off_where_its_connection_does() {
    talk(Scenario::Leak, async |desk| {
        let server = desk.traces.strip_prefix("http://").unwrap();
        let plan = Plan::script([Fault::Unavailable(1), Fault::BrokenOff, Fault::Pass]);
        let proxy = FaultProxy::bind(server, plan).await.unwrap();
        let url = format!("{}/api/v3/services", proxy.url());
        let asking = async {
            let mut seen = Vec::new();
            for _ in 0..3 {
                let response = desk.client.get(&url).send().await.unwrap();
                let status = response.status().as_u16();
                seen.push((status, response.text().await.is_ok()));
            }
            seen
        };
        let seen = tokio::select! {
            seen = asking => seen,
            _ = proxy.serve(std::future::pending()) => panic!("the proxy ended"),
        };
        assert_eq!(seen, [(503, true), (200, false), (200, true)]);
    });
}

/// What a console makes of some requests of a kind: those of the story's worst minute, of shipping's trouble, and of
/// longer ago for what is rare.
async fn findings(desk: &Desk, kind: Kind) -> Vec<(Found, Findings)> {
    let traces = Traces::new(world(Scenario::Leak));
    let seconds = match kind {
        Kind::Batch => (-1_201..-1_199).chain(0..0),
        Kind::Deadlock => (-1_000..-400).chain(-2_400..-1_000),
        _ => (-60..0).chain(-2_500..-2_470),
    };
    let some = if matches!(kind, Kind::Batch | Kind::Deadlock) {
        1
    } else {
        12
    };
    let all = seconds.flat_map(|second| traces.second(second, Some(kind.services()[0])));
    let ids: Vec<u128> = all
        .filter(|request| request.kind == kind)
        .map(|request| request.id)
        .take(some)
        .collect();
    let mut found = Vec::new();
    for id in ids {
        let (_, _, body) = desk.send(&format!("v3/traces/{id:032x}"), &[]).await;
        let reading = crate::backend::traces::otlp::read(body.into_bytes());
        let trace = reading.only(TraceId(id.to_be_bytes())).unwrap();
        let findings = Findings::of(&trace);
        found.push((trace, findings));
    }
    assert!(!found.is_empty(), "{kind:?}");
    found
}

#[test]
fn a_charge_that_gives_up_blames_the_dry_pool_and_not_what_it_cancelled() {
    talk(Scenario::Leak, async |desk| {
        for (trace, found) in findings(&desk, Kind::ChargeFailed).await {
            let name = |row| &**trace.span(row).operation;
            let began: Vec<&str> = found.origins.origins.iter().map(|one| name(one.row)).collect();
            assert_eq!(began, ["pool.acquire"], "{}", found.line);
            let victims: Vec<&str> = found.origins.victims.iter().map(|row| name(*row)).collect();
            assert_eq!(victims, ["POST /v2/holds"]);
            let cause = "origin checkout *pool.ExhaustedError, given up at +";
            assert!(
                found.line.contains(cause) && !found.line.contains("more"),
                "{}",
                found.line
            );
        }
    });
}

#[test]
fn attempts_of_an_order_are_one_failure_whatever_stopped_each() {
    talk(Scenario::Leak, async |desk| {
        let mut tried = BTreeSet::new();
        for (trace, found) in findings(&desk, Kind::Denied).await {
            let count = |kind: SpanKind, name: &str| {
                let all = trace.spans();
                all.filter(|span| span.kind == kind && &**span.operation == name)
                    .count()
            };
            let asked = count(SpanKind::Client, "POST /v1/orders");
            tried.insert(asked);
            let [origin] = &found.origins.origins[..] else {
                panic!("{}", found.line);
            };
            assert_eq!(origin.what, "*pool.ExhaustedError");
            // Asked but once, checkout tried by itself.
            let attempts = match asked {
                1 => count(SpanKind::Internal, "order.write"),
                more => more,
            };
            assert_eq!(origin.attempts.len(), attempts, "{}", found.line);
        }
        assert!(tried.last() > Some(&1), "{tried:?}");
    });
}

/// What went wrong in a kind of request, as the story has it: whose call of what, and what it said.
fn truth(kind: Kind) -> Option<[&'static str; 3]> {
    Some(match kind {
        Kind::Denied | Kind::ChargeFailed => ["checkout", "pool.acquire", "*pool.ExhaustedError"],
        Kind::ShardTimedOut => ["catalog", "SELECT products", "*catalog.ShardTimeoutError"],
        Kind::Deadlock => ["inventory", "UPDATE stock", "pq.Error"],
        Kind::QuoteFailed => ["shipping", "GET /v2/quotes", "502"],
        Kind::Batch => ["catalog", "SELECT products", "pq.Error"],
        Kind::Page
        | Kind::Order
        | Kind::Charge
        | Kind::Cart
        | Kind::Search
        | Kind::SlowSearch
        | Kind::Products
        | Kind::Reserved
        | Kind::Label
        | Kind::Token
        | Kind::ModelReload
        | Kind::GiftCard
        | Kind::Points
        | Kind::Struck(_) => return None,
    })
}

#[test]
fn of_every_kind_of_failure_that_is_blamed_which_the_story_let_go_wrong() {
    const KINDS: [Kind; 19] = [
        Kind::Page,
        Kind::Order,
        Kind::Denied,
        Kind::Charge,
        Kind::ChargeFailed,
        Kind::Cart,
        Kind::Search,
        Kind::SlowSearch,
        Kind::Products,
        Kind::ShardTimedOut,
        Kind::Reserved,
        Kind::Deadlock,
        Kind::Label,
        Kind::QuoteFailed,
        Kind::Token,
        Kind::ModelReload,
        Kind::GiftCard,
        Kind::Points,
        Kind::Batch,
    ];
    talk(Scenario::Leak, async |desk| {
        for kind in KINDS {
            let Some(truth) = truth(kind) else {
                assert!(!kind.may_fail(), "{kind:?} has no truth");
                continue;
            };
            let [service, operation, what] = truth;
            for (trace, found) in findings(&desk, kind).await {
                let origins = &found.origins.origins;
                assert!(!origins.is_empty(), "{kind:?}: {}", found.line);
                for origin in origins {
                    let span = trace.span(origin.row);
                    let blamed = [&**span.service, &**span.operation, origin.what.as_str()];
                    assert_eq!(blamed, truth, "{kind:?}: {}", found.line);
                }
                // What somebody reads first.
                let said = [" at +", ", given up at +"].map(|when| format!("origin {service} {what}{when}"));
                let is_said = said.iter().any(|said| found.line.contains(said));
                assert!(is_said, "{kind:?} {operation}: {}", found.line);
                let root = trace.span(trace.primary());
                let reached = origins.iter().all(|origin| origin.fate == Fate::ReachedRoot);
                assert_eq!(reached, root.status == Status::Error, "{kind:?}: {}", found.line);
            }
        }
    });
}

#[test]
fn whoever_asks_in_vain_fails_with_the_answer() {
    talk(Scenario::Leak, async |desk| {
        for kind in [Kind::ShardTimedOut, Kind::QuoteFailed] {
            for (trace, found) in findings(&desk, kind).await {
                let [origin] = &found.origins.origins[..] else {
                    panic!("{}", found.line);
                };
                assert_eq!(origin.fate, Fate::ReachedRoot, "{}", found.line);
                let failed = |row| trace.span(row).status == Status::Error;
                assert!(trace.ancestors(origin.row).all(failed), "{kind:?}");
            }
        }
    });
}
