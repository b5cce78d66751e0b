//! The logs API over sockets, beside the shapes and limits that the real one has.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::future::Future;

use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt as _;
use reqwest::Client;
use serde_json::{Value as Json, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::params::Range;
use super::*;
use crate::demo::world::{Epoch, Scenario};

fn anchor() -> DateTime<Utc> {
    "2026-11-20T03:00:00Z".parse().unwrap()
}

/// Nanoseconds of a story second.
fn ns(s: i64) -> i64 {
    (anchor() + TimeDelta::seconds(s)).timestamp() * SECOND
}

/// Twenty seconds into the story.
fn loki() -> Arc<Loki> {
    let world = World::new(Epoch {
        scenario: Scenario::Leak,
        seed: 1,
        anchor: anchor(),
    });
    let clock = DemoClock::Fixed(anchor() + TimeDelta::seconds(20));
    Arc::new(Loki::new(Arc::new(world), clock))
}

struct Desk {
    client: Client,
    address: String,
}

type Pairs<'a> = &'a [(&'a str, String)];

impl Desk {
    async fn send(&self, path: &str, pairs: Pairs<'_>, flags: Option<&str>) -> (u16, String) {
        let url = format!("http://{}/loki/api/v1/{path}", self.address);
        let mut request = self.client.get(url).query(pairs);
        if let Some(flags) = flags {
            request = request.header("X-Loki-Response-Encoding-Flags", flags);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn ask(&self, path: &str, pairs: Pairs<'_>) -> Json {
        let (status, text) = self.send(path, pairs, Some("categorize-labels")).await;
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn refusal(&self, path: &str, pairs: Pairs<'_>) -> String {
        let (status, text) = self.send(path, pairs, None).await;
        assert_eq!(status, 400, "{text}");
        text.trim_end().to_owned()
    }

    /// Lines of a range as (nanoseconds, pod, text), in the order of the time they are told in.
    async fn lines(
        &self,
        query: &str,
        (from, to): (i64, i64),
        limit: usize,
        direction: &str,
    ) -> Vec<(i64, String, String)> {
        let pairs = [
            ("query", query.to_owned()),
            ("start", from.to_string()),
            ("end", to.to_string()),
            ("limit", limit.to_string()),
            ("direction", direction.to_owned()),
        ];
        let answer = self.ask("query_range", &pairs).await;
        let mut all = Vec::new();
        for stream in answer["data"]["result"].as_array().unwrap() {
            let times: Vec<i64> = stream["values"].as_array().unwrap().iter().map(at).collect();
            if direction == "forward" {
                assert!(times.is_sorted());
            } else {
                assert!(times.iter().rev().is_sorted());
            }
            for value in stream["values"].as_array().unwrap() {
                let pod = stream["stream"]["pod"].as_str().unwrap().to_owned();
                all.push((at(value), pod, value[1].as_str().unwrap().to_owned()));
            }
        }
        all.sort();
        all
    }
}

fn at(value: &Json) -> i64 {
    value[0].as_str().unwrap().parse().unwrap()
}

/// Talks to a server on a free port.
fn talk<F: Future<Output = ()>>(loki: Arc<Loki>, conversation: impl FnOnce(Desk) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let desk = Desk {
            client: Client::builder().no_proxy().build().unwrap(),
            address: listener.local_addr().unwrap().to_string(),
        };
        tokio::select! {
            () = conversation(desk) => {}
            ended = axum::serve(listener, router(loki)).into_future() => panic!("{ended:?}"),
        }
    });
}

#[test]
fn lines_have_their_labels_beside_them_or_folded_into_their_stream() {
    talk(loki(), async |desk| {
        let pairs = [
            (
                "query",
                r#"{service_name="checkout"} |= "pool primary exhausted" | json"#.to_owned(),
            ),
            ("start", ns(-60).to_string()),
            ("end", ns(0).to_string()),
        ];
        let answer = desk.ask("query_range", &pairs).await;
        let data = &answer["data"];
        assert_eq!(answer["status"], "success");
        assert_eq!(
            (&data["resultType"], &data["encodingFlags"]),
            (&json!("streams"), &json!(["categorize-labels"]))
        );
        let stream = &data["result"][0];
        let labels: Vec<_> = stream["stream"].as_object().unwrap().keys().collect();
        assert_eq!(labels, ["cluster", "namespace", "pod", "service_name"]);
        let beside = &stream["values"][0][2];
        assert_eq!(beside["structuredMetadata"]["detected_level"], "error");
        assert_eq!(
            beside["structuredMetadata"]["trace_id"].as_str().unwrap().len(),
            32
        );
        assert_eq!(
            (&beside["parsed"]["status"], &beside["parsed"]["level"]),
            (&json!("503"), &json!("error"))
        );
        assert_eq!(
            beside["parsed"]["trace_id_extracted"],
            beside["structuredMetadata"]["trace_id"]
        );
        assert!(data["stats"]["summary"]["totalLinesProcessed"].as_u64().unwrap() >= 100);

        let (_, text) = desk.send("query_range", &pairs, None).await;
        let folded: Json = serde_json::from_str(&text).unwrap();
        let stream = &folded["data"]["result"][0];
        assert!(folded["data"]["encodingFlags"].is_null());
        assert_eq!(stream["stream"]["detected_level"], "error");
        assert_eq!(stream["values"][0].as_array().unwrap().len(), 2);
    });
}

#[test]
fn pages_from_either_end_together_are_all_lines_once() {
    talk(loki(), async |desk| {
        let (query, from, to) = (r#"{namespace="prod"}"#, ns(-75), ns(-30));
        let whole = desk.lines(query, (from, to), 5_000, "forward").await;
        assert!(whole.len() > 2_000 && whole.len() < 5_000, "{}", whole.len());
        assert!(whole.iter().all(|(at, _, _)| (from..to).contains(at)));
        assert_eq!(whole, desk.lines(query, (from, to), 5_000, "BACKWARD").await);
        let mut paged = BTreeSet::new();
        let mut end = to;
        loop {
            let page = desk.lines(query, (from, end), 400, "backward").await;
            paged.extend(page.iter().cloned());
            if page.len() < 400 {
                break;
            }
            // The end is exclusive, so the oldest moment is asked for again.
            end = page[0].0 + 1;
        }
        assert_eq!(paged, whole.into_iter().collect());
        assert_eq!(
            desk.lines(query, (ns(10), ns(600)), 5_000, "forward")
                .await
                .last()
                .map(|(at, _, _)| *at < ns(20)),
            Some(true)
        );
    });
}

#[test]
fn counts_by_level_are_those_of_the_lines() {
    talk(loki(), async |desk| {
        let query = r#"{service_name=~"checkout|payment|catalog"}"#;
        let asked = format!("sum by (detected_level) (count_over_time({query} [30s]))");
        let pairs = [
            ("query", asked.clone()),
            ("start", ns(-90).to_string()),
            ("end", ns(0).to_string()),
            ("step", "30s".to_owned()),
        ];
        let answer = desk.ask("query_range", &pairs).await;
        assert_eq!(answer["data"]["resultType"], "matrix");
        let mut counted: BTreeMap<(String, i64), usize> = BTreeMap::new();
        for series in answer["data"]["result"].as_array().unwrap() {
            let level = series["metric"]["detected_level"].as_str().unwrap();
            for point in series["values"].as_array().unwrap() {
                let count = point[1].as_str().unwrap().parse().unwrap();
                counted.insert((level.to_owned(), point[0].as_i64().unwrap() * SECOND), count);
            }
        }
        let mut expected: BTreeMap<(String, i64), usize> = BTreeMap::new();
        for level in ["debug", "info", "warn", "error"] {
            let narrowed = format!("{query} | detected_level = \"{level}\"");
            for nth in 0..4 {
                // A point counts what came after the one before, itself included.
                let end = ns(-90) + nth * 30 * SECOND;
                let lines = desk
                    .lines(&narrowed, (end - 30 * SECOND + 1, end + 1), 5_000, "forward")
                    .await;
                if !lines.is_empty() {
                    expected.insert((level.to_owned(), end), lines.len());
                }
            }
        }
        assert_eq!(counted, expected);
        let now = desk
            .ask("query", &[("query", asked), ("time", ns(0).to_string())])
            .await;
        assert_eq!(now["data"]["resultType"], "vector");
        let values: BTreeSet<&str> = now["data"]["result"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["value"][1].as_str().unwrap())
            .collect();
        let last = expected
            .iter()
            .filter(|((_, at), _)| *at == ns(0))
            .map(|(_, n)| n.to_string());
        assert_eq!(
            values,
            last.collect::<Vec<_>>().iter().map(String::as_str).collect()
        );
    });
}

#[test]
fn limits_and_what_does_not_read_are_refused_in_lokis_words() {
    talk(loki(), async |desk| {
        let query = ("query", r#"{namespace="prod"}"#.to_owned());
        let by_trace = r#"sum by (trace_id) (count_over_time({namespace="prod"}[1m]))"#;
        for (path, pairs, expected) in [
            (
                "query_range",
                vec![query.clone(), ("limit", "6000".to_owned())],
                "max entries limit per query exceeded, limit > max_entries_limit_per_query (6000 > 5000)",
            ),
            (
                "query_range",
                vec![
                    query.clone(),
                    ("start", ns(-40 * 86_400).to_string()),
                    ("end", ns(0).to_string()),
                ],
                "the query time range exceeds the limit (query length: 40d, limit: 30d1h)",
            ),
            (
                "query_range",
                vec![
                    query.clone(),
                    ("start", ns(0).to_string()),
                    ("end", ns(0).to_string()),
                ],
                "end timestamp must not be before or equal to start time",
            ),
            (
                "query_range",
                vec![("query", "{app=".to_owned())],
                "parse error at line 1, col 6: syntax error: unexpected $end",
            ),
            (
                "query_range",
                vec![query.clone(), ("limit", "0".to_owned())],
                "limit must be a positive value",
            ),
            (
                "query",
                vec![query.clone()],
                "log queries are not supported as an instant query type, please change your query to a range query type",
            ),
            (
                "tail",
                vec![query.clone(), ("delay_for", "6".to_owned())],
                "delay_for can't be greater than 5",
            ),
            ("series", vec![], "0 matcher groups supplied"),
        ] {
            assert_eq!(desk.refusal(path, &pairs).await, expected);
        }
        let refused = desk
            .refusal(
                "query_range",
                &[("query", by_trace.to_owned()), ("step", "60".to_owned())],
            )
            .await;
        assert!(
            refused.starts_with("maximum number of series (500) reached for a single query"),
            "{refused}"
        );
        let (status, text) = desk.send("patterns", &[], None).await;
        assert_eq!((status, text.as_str()), (404, "404 page not found\n"));
    });
}

#[test]
fn labels_series_and_weights_are_told() {
    talk(loki(), async |desk| {
        let labels = desk.ask("labels", &[]).await;
        assert_eq!(
            labels["data"],
            json!(["cluster", "namespace", "pod", "service_name"])
        );
        let values = desk.ask("label/service_name/values", &[]).await;
        let values = values["data"].as_array().unwrap();
        assert_eq!((values.len(), values.contains(&json!("deployer"))), (13, true));
        let narrowed = [("query", r#"{service_name=~"c.*"}"#.to_owned())];
        let values = desk.ask("label/service_name/values", &narrowed).await;
        assert_eq!(values["data"], json!(["cart", "catalog", "checkout"]));
        assert_eq!(
            desk.ask("label/nothing/values", &[]).await,
            json!({ "status": "success" })
        );
        let long_ago = [
            ("start", ns(-90 * 3_600).to_string()),
            ("end", ns(-80 * 3_600).to_string()),
        ];
        assert_eq!(
            desk.ask("labels", &long_ago).await,
            json!({ "status": "success" })
        );
        let series = desk
            .ask("series", &[("match[]", r#"{service_name="cart"}"#.to_owned())])
            .await;
        assert_eq!(series["data"].as_array().unwrap().len(), 2);

        let pairs = [
            ("query", r#"{service_name="cart"}"#.to_owned()),
            ("start", ns(-60).to_string()),
            ("end", ns(0).to_string()),
        ];
        let lines = desk
            .lines(r#"{service_name="cart"}"#, (ns(-60), ns(0)), 5_000, "forward")
            .await;
        let bytes: usize = lines.iter().map(|(_, _, text)| text.len()).sum();
        let weights = desk.ask("index/stats", &pairs).await;
        assert_eq!(
            weights,
            json!({ "streams": 2, "chunks": 2, "entries": lines.len(), "bytes": bytes })
        );
        let volume = desk.ask("index/volume", &pairs).await;
        assert_eq!(
            volume["data"]["result"],
            json!([{ "metric": { "service_name": "cart" }, "value": [ns(0) / SECOND, bytes.to_string()] }])
        );
    });
}

#[test]
fn the_server_tells_of_itself() {
    talk(loki(), async |desk| {
        let limits = desk.ask("drilldown-limits", &[]).await;
        assert_eq!(limits["limits"]["max_entries_limit_per_query"], 5_000);
        assert_eq!(desk.ask("status/buildinfo", &[]).await["version"], "3.7.6");
        let ready = desk
            .client
            .get(format!("http://{}/ready", desk.address))
            .send()
            .await
            .unwrap();
        assert_eq!(
            (ready.status().as_u16(), ready.text().await.unwrap().as_str()),
            (200, "ready\n")
        );
        let fine = desk
            .ask("format_query", &[("query", r#"{a="b"}"#.to_owned())])
            .await;
        assert_eq!(fine["status"], "success");
    });
}

type Tail = tokio_tungstenite::WebSocketStream<tokio::net::TcpStream>;

async fn open(desk: &Desk, query: &str, more: &str) -> Tail {
    let mut url = format!("ws://{}/loki/api/v1/tail?query=", desk.address);
    for byte in query.bytes() {
        let _ = write!(url, "%{byte:02X}");
    }
    url.push_str(more);
    let mut request = url.into_client_request().unwrap();
    let flags = "categorize-labels".parse().unwrap();
    request
        .headers_mut()
        .insert("X-Loki-Response-Encoding-Flags", flags);
    let stream = tokio::net::TcpStream::connect(&desk.address).await.unwrap();
    tokio_tungstenite::client_async(request, stream).await.unwrap().0
}

/// The next message that is text or the end; pings are passed over.
async fn next(tail: &mut Tail) -> Result<Json, Option<CloseFrame>> {
    loop {
        match tail.next().await {
            Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Close(frame))) => return Err(frame),
            Some(Ok(_)) => {}
            Some(Err(error)) => panic!("{error}"),
            None => return Err(None),
        }
    }
}

#[test]
fn a_tail_begins_with_the_newest_lines_up_to_now() {
    talk(loki(), async |desk| {
        let query = r#"{service_name="checkout"}"#;
        let mut tail = open(&desk, query, &format!("&limit=30&start={}", ns(-600))).await;
        let message = next(&mut tail).await.unwrap();
        assert_eq!(message["encodingFlags"], json!(["categorize-labels"]));
        assert!(message["dropped_entries"].is_null());
        let streams = message["streams"].as_array().unwrap();
        let mut told: Vec<i64> = streams
            .iter()
            .flat_map(|s| s["values"].as_array().unwrap())
            .map(at)
            .collect();
        told.sort_unstable();
        let newest = desk.lines(query, (ns(-600), ns(20)), 30, "backward").await;
        assert_eq!(told, newest.into_iter().map(|(at, _, _)| at).collect::<Vec<_>>());
    });
}

#[test]
fn a_tail_goes_on_with_every_line_as_it_is_said() {
    let clock = crate::time::Clock::start();
    let world = World::new(Epoch {
        scenario: Scenario::Leak,
        seed: 1,
        anchor: clock.now().utc,
    });
    let loki = Arc::new(Loki::new(Arc::new(world), DemoClock::Live(clock)));
    talk(Arc::clone(&loki), async |desk| {
        let begin = loki.now();
        let query = r#"{service_name="recommendation"}"#;
        let mut tail = open(&desk, query, &format!("&start={begin}")).await;
        let mut told = BTreeSet::new();
        while told.len() < 25 {
            let message = next(&mut tail).await.unwrap();
            for stream in message["streams"].as_array().unwrap() {
                for value in stream["values"].as_array().unwrap() {
                    let line = (
                        at(value),
                        stream["stream"]["pod"].to_string(),
                        value[1].to_string(),
                    );
                    assert!(told.insert(line), "none is told twice");
                }
            }
        }
        let last = told.last().unwrap().0;
        let lines = desk.lines(query, (begin, last + 1), 5_000, "forward").await;
        assert_eq!(told.len(), lines.len());
    });
}

#[test]
fn tails_beyond_the_limit_are_closed_with_the_servers_words() {
    talk(loki(), async |desk| {
        let query = r#"{service_name="cart"}"#;
        let mut open_tails = Vec::new();
        for _ in 0..MAX_TAILS {
            let mut tail = open(&desk, query, "").await;
            next(&mut tail).await.unwrap();
            open_tails.push(tail);
        }
        let frame = next(&mut open(&desk, query, "").await)
            .await
            .unwrap_err()
            .unwrap();
        assert_eq!(u16::from(frame.code), 1_011);
        assert_eq!(
            frame.reason.as_str(),
            "max concurrent tail requests limit exceeded, count > limit (11 > 10)"
        );
        open_tails.pop().unwrap().close(None).await.unwrap();
        // The server hears of it in its own time: whoever asks again gets the place in the end.
        while next(&mut open(&desk, query, "").await).await.is_err() {}
    });
}

#[test]
fn bursts_do_not_come_through_whole_and_their_lines_are_told_as_dropped() {
    let loki = loki();
    let stretch = Range {
        from: ns(-1),
        to: ns(20),
    };
    let (sent, dropped) = tail::stretch_of(&loki, r#"{service_name="catalog"}"#, stretch);
    let query = logql::parse(r#"{service_name="catalog"}"#).unwrap();
    let logql::Query::Log(query) = query else { panic!() };
    let (all, _) = loki.select(&query, stretch, params::Direction::Forward, usize::MAX);
    let (sent, dropped): (BTreeSet<i64>, BTreeSet<i64>) =
        (sent.into_iter().collect(), dropped.into_iter().collect());
    assert!(
        sent.is_disjoint(&dropped) && dropped.len() > 50,
        "{} {}",
        sent.len(),
        dropped.len()
    );
    assert_eq!(
        sent.len() + dropped.len(),
        all.len(),
        "what was dropped can be asked for"
    );
}
