//! The annotations API over a socket, beside the rules that the real one has.

use chrono::TimeDelta;
use reqwest::{Client, Method};

use super::*;
use crate::demo::world::{Epoch, Scenario};

fn anchor() -> DateTime<Utc> {
    "2026-11-20T03:00:00Z".parse().expect("a time")
}

fn ms(minutes: i64) -> i64 {
    (anchor() + TimeDelta::minutes(minutes)).timestamp_millis()
}

struct Desk {
    client: Client,
    url: String,
}

impl Desk {
    async fn send(&self, method: Method, path: &str, body: Option<Json>) -> (u16, Json) {
        let mut request = self
            .client
            .request(method, format!("{}/api/{path}", self.url))
            .bearer_auth(TOKEN);
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        let body = response.text().await.expect("a body");
        (status, serde_json::from_str(&body).expect("JSON"))
    }

    async fn texts(&self, query: &str) -> Vec<String> {
        let (status, body) = self
            .send(Method::GET, &format!("annotations?{query}"), None)
            .await;
        assert_eq!(status, 200, "{body}");
        let marks = body.as_array().expect("a list");
        marks
            .iter()
            .map(|mark| mark["text"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

/// A server so many minutes after the story's zero.
fn talk(minutes: i64, ask: impl AsyncFnOnce(Desk)) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let world = World::new(Epoch {
            scenario: Scenario::Leak,
            seed: 1,
            anchor: anchor(),
        });
        let clock = DemoClock::Fixed(anchor() + TimeDelta::minutes(minutes));
        let router = router(Arc::new(Grafana::new(&world, clock)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let client = Client::builder().no_proxy().build().expect("a client");
        tokio::select! {
            () = ask(Desk { client, url }) => {}
            ended = axum::serve(listener, router).into_future() => panic!("the server ended: {ended:?}"),
        }
    });
}

#[test]
fn rollouts_are_marked_once_they_have_happened_newest_first() {
    talk(20, async |desk| {
        assert_eq!(
            desk.texts(&format!("from={}&to={}&tags=deploy", ms(-240), ms(600)))
                .await,
            [
                "checkout: roll back to 2.3.0",
                "recommendation: deploy 5.12.1",
                "checkout: deploy 2.3.1"
            ]
        );
        let (_, body) = desk
            .send(
                Method::GET,
                "annotations?tags=service:checkout&tags=rollback",
                None,
            )
            .await;
        let mark = &body[0];
        assert_eq!(mark["time"], json!(ms(8)));
        assert_eq!(mark["timeEnd"], mark["time"], "a point ends where it begins");
        assert_eq!(
            mark["tags"],
            json!(["deploy", "service:checkout", "version:2.3.0", "rollback"])
        );
    });
    talk(0, async |desk| {
        assert_eq!(desk.texts("tags=rollback").await, Vec::<String>::new());
    });
}

#[test]
fn tags_must_all_match_unless_any_will_do_and_a_key_alone_finds_its_values() {
    talk(0, async |desk| {
        let both = "checkout: deploy 2.3.1";
        let other = "recommendation: deploy 5.12.1";
        assert_eq!(desk.texts("tags=deploy&tags=service:checkout").await, [both]);
        assert_eq!(
            desk.texts("tags=service:checkout&tags=service:recommendation")
                .await,
            Vec::<String>::new()
        );
        assert_eq!(
            desk.texts("tags=service:checkout&tags=service:recommendation&matchAny=true")
                .await,
            [other, both]
        );
        assert_eq!(desk.texts("tags=service").await, [other, both]);
        assert_eq!(desk.texts("limit=1").await, [other]);
        assert_eq!(
            desk.texts(&format!("from={}", ms(-1))).await,
            [other, both],
            "half a span is none"
        );
    });
}

#[test]
fn marks_are_made_each_time_they_are_asked_for_changed_and_deleted() {
    talk(5, async |desk| {
        let body = json!({"text": "cache cold", "tags": ["midwatch", "mw:ABCDEFGHIJ"], "time": ms(1)});
        let mut ids = Vec::new();
        for _ in 0..2 {
            let (status, made) = desk.send(Method::POST, "annotations", Some(body.clone())).await;
            assert_eq!((status, &made["message"]), (200, &json!("Annotation added")));
            ids.push(made["id"].as_i64().expect("an id"));
        }
        assert_ne!(ids[0], ids[1], "the same twice is two marks");
        assert_eq!(desk.texts("tags=mw:ABCDEFGHIJ").await.len(), 2);
        let path = format!("annotations/{}", ids[0]);
        let change = json!({"text": "cache warm", "timeEnd": ms(3)});
        assert_eq!(desk.send(Method::PATCH, &path, Some(change)).await.0, 200);
        let (_, mark) = desk.send(Method::GET, &path, None).await;
        assert_eq!(
            (&mark["text"], &mark["timeEnd"], &mark["time"]),
            (&json!("cache warm"), &json!(ms(3)), &json!(ms(1)))
        );
        assert_eq!(desk.send(Method::DELETE, &path, None).await.0, 200);
        assert_eq!(desk.send(Method::GET, &path, None).await.0, 404);
        assert_eq!(desk.texts("tags=mw:ABCDEFGHIJ").await, ["cache cold"]);
        let (_, used) = desk.send(Method::GET, "annotations/tags?tag=mw:", None).await;
        assert_eq!(
            used,
            json!({"result": {"tags": [{"tag": "mw:ABCDEFGHIJ", "count": 1}]}})
        );
    });
}

#[test]
fn what_is_not_right_is_refused_in_grafanas_words() {
    talk(0, async |desk| {
        let (status, body) = desk
            .send(Method::POST, "annotations", Some(json!({"tags": ["x"]})))
            .await;
        assert_eq!(
            (status, &body["error"]),
            (400, &json!("text field should not be empty"))
        );
        let tags = vec!["t".repeat(60); 9];
        let (status, body) = desk
            .send(
                Method::POST,
                "annotations",
                Some(json!({"text": "x", "tags": tags})),
            )
            .await;
        assert_eq!(
            (status, &body["messageId"]),
            (400, &json!("annotations.tag-limit-exceeded"))
        );
        let unsigned = desk
            .client
            .get(format!("{}/api/annotations", desk.url))
            .send()
            .await
            .expect("an answer");
        assert_eq!(unsigned.status(), 401);
        let open = desk
            .client
            .get(format!("{}/api/health", desk.url))
            .send()
            .await
            .expect("an answer");
        assert_eq!(open.status(), 200);
    });
}
