//! The configuration that the demo writes, opened as the console opens it, and what its clients find there.

use super::*;

/// A demo whose clock stands at the anchor.
fn at_the_anchor(scenario: Scenario) -> DemoOptions {
    DemoOptions {
        scenario,
        seed: 1,
        clock: DemoClock::Fixed(anchor()),
        anchor: None,
    }
}

#[test]
fn the_configuration_names_every_endpoint_and_is_toml() {
    bound(at_the_anchor(Scenario::Leak), async |demo| {
        let announced = demo.announcement();
        let text = fs::read_to_string(&announced.config).unwrap();
        let tree: toml::Table = toml::from_str(&text).unwrap();
        let context = &tree["contexts"]["demo"];
        assert_eq!(
            context["metrics"]["url"].as_str(),
            Some(announced.endpoints.metrics.as_str())
        );
        assert_eq!(context["alertmanagers"].as_array().unwrap().len(), 2);
        for (signal, url) in [
            ("incidents", &announced.endpoints.pagerduty),
            ("annotations", &announced.endpoints.grafana),
            ("logs", &announced.endpoints.logs),
            ("traces", &announced.endpoints.traces),
        ] {
            assert_eq!(context[signal]["url"].as_str(), Some(url.as_str()));
        }
        let dir = announced.config.parent().unwrap();
        assert_eq!(
            tree["state_dir"].as_str().map(Path::new),
            Some(dir.join("state").as_path()),
            "journals stay in the demo's own directory"
        );
        assert_eq!(context["slos"].as_array().unwrap().len(), 12);
        let line = serde_json::to_string(announced).unwrap();
        assert!(
            line.starts_with("{\"config\":")
                && line.contains("\"endpoints\":{\"metrics\":\"http://127.0.0.1:"),
            "{line}"
        );
    });
}

/// The configuration that is written, opened as the console opens it: keys are found, servers let in.
#[test]
fn the_configuration_signs_in_to_pagerduty_and_grafana() {
    use crate::backend::Backends;
    use crate::backend::annotations::AnnotationDraft;
    use crate::backend::http::{Call, Wires};
    use crate::config::{Environment, decode_text};
    use crate::domain::alert::ack::Marker;
    use crate::time::Clock;

    bound(at_the_anchor(Scenario::Leak), async |demo| {
        let path = demo.announcement().config.clone();
        let text = fs::read_to_string(&path).unwrap();
        let config = decode_text(&text, Some(&path), &Environment::default())
            .unwrap()
            .config;
        let context = &config.contexts["demo"];
        let clock = Clock::with_tokio(anchor());
        let wires = Wires::default();
        let backends = Backends::open(context, &wires, clock);
        let pager = wires.client(
            context.incidents.as_ref().unwrap().endpoint.as_ref().unwrap(),
            clock,
        );
        let asking = async {
            let me = pager.call(Call::get("users/me")).await.unwrap();
            let me: Json = serde_json::from_slice(&me.body).unwrap();
            assert_eq!(me["user"]["email"], pagerduty::EMAIL);
            let annotations = backends.annotations.unwrap();
            let tags = context.annotations.as_ref().unwrap().tags.clone();
            let day = TimeDelta::days(1);
            let marks = annotations
                .list(anchor() - day, anchor(), tags.clone())
                .await
                .unwrap();
            let texts: Vec<&str> = marks.annotations.iter().map(|mark| &*mark.text).collect();
            assert_eq!(texts, ["checkout: deploy 2.3.1", "recommendation: deploy 5.12.1"]);
            let draft = AnnotationDraft {
                at: anchor(),
                until: None,
                text: "rolled back by hand".to_owned(),
                tags,
            };
            let marker = Marker::from_bits(7);
            assert_eq!(annotations.find(draft.at, marker.clone()).await, Ok(None));
            let made = annotations.create(draft.clone(), marker.clone()).await.unwrap();
            assert_eq!(annotations.find(draft.at, marker).await, Ok(Some(made)));
        };
        demo.serve(asking).await.unwrap();
    });
}

/// The console's own client on the demo's logs: pages, counts, the scope, and a tail with a burst in it.
#[test]
fn the_configured_logs_are_paged_counted_and_followed() {
    use crate::backend::Backends;
    use crate::backend::http::Wires;
    use crate::backend::logs::{Direction, PageQuestion, TailEvent};
    use crate::config::{Environment, decode_text};
    use crate::domain::log::{Level, Nanos, Wanted};
    use crate::time::Clock;

    let clock = Clock::start();
    let options = DemoOptions {
        scenario: Scenario::Leak,
        seed: 1,
        clock: DemoClock::Live(clock),
        anchor: None,
    };
    bound(options, async |demo| {
        let path = demo.announcement().config.clone();
        let text = fs::read_to_string(&path).unwrap();
        let config = decode_text(&text, Some(&path), &Environment::default())
            .unwrap()
            .config;
        let context = &config.contexts["demo"];
        let logs = Backends::open(context, &Wires::default(), clock).logs.unwrap();
        let asking = async {
            let now = Nanos::of(clock.now().utc);
            let minute = std::time::Duration::from_secs(60);
            let from = now.minus(minute);
            let wanted = Wanted {
                service: Some("checkout".into()),
                at_least: Some(Level::Error),
                ..Wanted::default()
            };
            let question = PageQuestion {
                wanted: wanted.clone(),
                from,
                to: now,
                direction: Direction::Backward,
                limit: 5_000,
            };
            let page = logs.page(question.clone()).await.unwrap();
            assert!(page.batch.lines.len() > 200, "{}", page.batch.lines.len());
            assert!(page.batch.lines.is_sorted_by_key(|line| line.at));
            for line in &page.batch.lines {
                let text = String::from_utf8_lossy(page.batch.text(line));
                assert!(text.contains("pool primary exhausted"), "{text}");
                assert_eq!(line.level, Level::Error);
            }
            let counted = logs.volume(wanted, from, now, 6).await.unwrap().unwrap();
            let errors: u64 = counted.buckets.iter().map(|b| b[Level::Error as usize]).sum();
            assert!(
                errors >= page.batch.lines.len() as u64,
                "whole steps hold the range"
            );
            let one = &page.batch.lines[0];
            let beside: Json = serde_json::from_slice(page.batch.extra(one)).unwrap();
            let trace = beside["trace_id"].as_str().unwrap().parse().unwrap();
            let of_trace = logs
                .page(PageQuestion {
                    wanted: Wanted {
                        trace: Some(trace),
                        ..Wanted::default()
                    },
                    ..question
                })
                .await
                .unwrap();
            let services: std::collections::BTreeSet<&str> = of_trace
                .batch
                .lines
                .iter()
                .filter_map(|line| of_trace.batch.streams[line.stream as usize].service.as_deref())
                .collect();
            assert_eq!(
                services.into_iter().collect::<Vec<_>>(),
                ["checkout", "storefront"]
            );

            let (events, mut heard) = tokio::sync::mpsc::channel(64);
            let follow = logs.tail(Wanted::default(), from, events);
            let listen = async {
                let mut lines = 0;
                while let Some(event) = heard.recv().await {
                    match event {
                        TailEvent::Lines(batch) => lines += batch.lines.len(),
                        TailEvent::Failed(error) => panic!("{error:?}"),
                        TailEvent::Gap(_) | TailEvent::Filled(_) | TailEvent::Mode(_) => {}
                    }
                    if lines > 5_300 {
                        return;
                    }
                }
            };
            tokio::select! {
                ended = follow => panic!("{ended:?}"),
                () = listen => {}
            }
        };
        demo.serve(asking).await.unwrap();
    });
}

/// What the outbox relies on: an answer that is lost says nothing of whether the act was done, and a look says.
#[test]
fn a_mark_whose_answer_is_lost_is_looked_for_and_found_only_where_it_arrived() {
    use crate::backend::annotations::grafana::Grafana;
    use crate::backend::annotations::{AnnotationDraft, Annotations as _};
    use crate::backend::http::Wires;
    use crate::backend::{BackendError, Delivery, ErrorKind};
    use crate::config::{Environment, decode_text};
    use crate::domain::alert::ack::Marker;
    use crate::time::Clock;
    use faults::{Fault, FaultProxy, Plan};

    bound(at_the_anchor(Scenario::Calm), async |demo| {
        let cases = [
            (Fault::Pass, None),
            (
                Fault::ResetBefore,
                Some((ErrorKind::Unreachable, Delivery::Unknown)),
            ),
            (
                Fault::ResetAfter,
                Some((ErrorKind::Unreachable, Delivery::Unknown)),
            ),
            (Fault::BrokenOff, Some((ErrorKind::BadAnswer, Delivery::Unknown))),
            (Fault::HangBefore, Some((ErrorKind::TimedOut, Delivery::Unknown))),
            (Fault::HangAfter, Some((ErrorKind::TimedOut, Delivery::Unknown))),
            (
                Fault::ServerError,
                Some((ErrorKind::ServerFault, Delivery::Answered)),
            ),
            (
                Fault::Unavailable(9),
                Some((ErrorKind::RateLimited, Delivery::Answered)),
            ),
            (
                Fault::RateLimited(9),
                Some((ErrorKind::RateLimited, Delivery::Answered)),
            ),
        ];
        let announced = demo.announcement().clone();
        let plan = Plan::script_of_writes(cases.map(|(fault, _)| fault));
        let proxy = FaultProxy::bind(&announced.endpoints.grafana, plan)
            .await
            .unwrap();
        let text = fs::read_to_string(&announced.config).unwrap();
        let text = text.replace(&announced.endpoints.grafana, proxy.url());
        let config = decode_text(&text, Some(&announced.config), &Environment::default())
            .unwrap()
            .config;
        let mut endpoint = config.contexts["demo"]
            .annotations
            .as_ref()
            .unwrap()
            .endpoint
            .clone();
        endpoint.timeout = std::time::Duration::from_millis(400);
        let client = Arc::new(Wires::default().client(&endpoint, Clock::with_tokio(anchor())));
        let annotations = Grafana::new("annotations", client, endpoint.timeout);
        let asking = async {
            for (number, (fault, outcome)) in (1..).zip(cases) {
                let marker = Marker::from_bits(number);
                let draft = AnnotationDraft {
                    at: anchor(),
                    until: None,
                    text: format!("{fault:?}"),
                    tags: Vec::new(),
                };
                let made = annotations.create(draft, marker.clone()).await;
                let told = made.map_err(|BackendError { kind, delivery, .. }| (kind, delivery));
                assert_eq!(told.err(), outcome, "{fault:?}");
                let found = annotations.find(anchor(), marker).await.unwrap();
                assert_eq!(found.is_some(), fault.delivers(), "{fault:?}");
            }
            let marks = annotations
                .list(anchor() - TimeDelta::days(1), anchor(), Vec::new())
                .await
                .unwrap();
            let delivered = cases.iter().filter(|(fault, _)| fault.delivers()).count();
            assert_eq!(marks.annotations.len(), delivered, "nothing was sent twice");
        };
        tokio::select! {
            () = asking => {}
            _ = demo.serve(std::future::pending()) => panic!("the demo ended"),
            _ = proxy.serve(std::future::pending()) => panic!("the proxy ended"),
        }
    });
}

#[test]
fn exemplars_of_a_bucket_are_spans_that_jaeger_has_and_took_so_long() {
    talk(Scenario::Leak, async |desk| {
        let query = "sum(rate(http_request_duration_seconds_bucket%7Bservice=%22checkout%22%7D%5B5m%5D))";
        let now = anchor().timestamp() + 20;
        let path = format!(
            "/api/v1/query_exemplars?query={query}&start={}&end={now}",
            now - 600
        );
        let (status, body) = desk.prometheus(&path).await;
        assert_eq!((status, body["status"].as_str()), (200, Some("success")));
        let mut slow = 0;
        for series in body["data"].as_array().unwrap() {
            assert_eq!(series["seriesLabels"]["service"], "checkout");
            let le: f64 = series["seriesLabels"]["le"].as_str().unwrap().parse().unwrap();
            for exemplar in series["exemplars"].as_array().unwrap() {
                let value: f64 = exemplar["value"].as_str().unwrap().parse().unwrap();
                let at = exemplar["timestamp"].as_f64().unwrap();
                assert!(value <= le && at <= now as f64 && at >= (now - 600) as f64);
                if value < 1.0 || slow == 3 {
                    continue;
                }
                slow += 1;
                let id = exemplar["labels"]["trace_id"].as_str().unwrap();
                let url = format!("{}/api/traces/{id}", desk.endpoints.traces);
                let (status, trace) = desk.send(Method::GET, url, None).await;
                assert_eq!(status, 200, "{id}");
                let span = trace["data"][0]["spans"].as_array().unwrap().iter();
                let span = span
                    .clone()
                    .find(|span| span["spanID"] == exemplar["labels"]["span_id"]);
                let took = span.expect("its span")["duration"].as_f64().unwrap() / 1e6;
                assert!((took - value).abs() < 1e-5, "{took} {value}");
            }
        }
        assert_eq!(slow, 3, "the pool is dry: there are slow ones");
        let (status, body) = desk.prometheus("/api/v1/query_exemplars?query=up").await;
        assert_eq!((status, &body["data"]), (200, &json!([])));
        let (status, body) = desk
            .prometheus("/api/v1/query_exemplars?query=up&start=9&end=3")
            .await;
        assert_eq!((status, body["errorType"].as_str()), (400, Some("bad_data")));
    });
}
