//! The API over its router, beside the shapes and rules that the real one has.

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderName, Uri};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value as Json, json};

use super::*;
use crate::demo::world::{Epoch, Scenario};

fn anchor() -> DateTime<Utc> {
    "2026-11-20T03:00:00Z".parse().expect("a time")
}

/// The account so many seconds after the anchor; its clock can be moved on.
struct Desk {
    server: Arc<PagerDuty>,
}

impl Desk {
    fn at(scenario: Scenario, seconds: i64) -> Self {
        let world = Arc::new(World::new(Epoch {
            scenario,
            seed: 1,
            anchor: anchor(),
        }));
        let rules = Arc::new(Rules::new(Arc::clone(&world)).expect("the rules"));
        let clock = DemoClock::Fixed(anchor() + TimeDelta::seconds(seconds));
        Self {
            server: Arc::new(PagerDuty::new(world, rules, clock)),
        }
    }

    fn later(&mut self, seconds: i64) {
        let server = Arc::get_mut(&mut self.server).expect("nobody else asks");
        server.clock = DemoClock::Fixed(server.clock.now() + TimeDelta::seconds(seconds));
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Json) -> (u16, Json) {
        let uri: Uri = path.parse().expect("a path");
        let pairs = Query::try_from_uri(&uri).expect("parameters");
        let headers = headers
            .iter()
            .map(|(name, value)| {
                let name: HeaderName = name.parse().expect("a name");
                (name, value.parse().expect("a value"))
            })
            .collect();
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let method = method.parse().expect("a method");
        futures::executor::block_on(async {
            let state = State(Arc::clone(&self.server));
            let response = http::serve(state, method, uri, headers, pairs, Bytes::from(body)).await;
            assert_eq!(response.headers()["ratelimit-limit"], "960");
            let status = response.status().as_u16();
            let body = axum::body::to_bytes(response.into_body(), usize::MAX)
                .await
                .expect("a body");
            (status, serde_json::from_slice(&body).unwrap_or(Json::Null))
        })
    }

    fn get(&self, path: &str) -> Json {
        let (status, body) = self.send("GET", path, &[SIGNED], &Json::Null);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    fn act(&self, method: &str, path: &str, body: &Json) -> (u16, Json) {
        self.send(method, path, &[SIGNED, ("from", EMAIL)], body)
    }

    /// The open incident of a service.
    fn of(&self, service: &str) -> Json {
        let body =
            self.get("/incidents?statuses[]=triggered&statuses[]=acknowledged&date_range=all&limit=100");
        let found = body["incidents"].as_array().expect("a list");
        let found = found
            .iter()
            .find(|i| i["service"]["summary"] == service && i["urgency"] == "high");
        found
            .cloned()
            .unwrap_or_else(|| panic!("no open incident of {service} in {body}"))
    }

    fn log(&self, incident: &Json) -> Vec<String> {
        let id = incident["id"].as_str().expect("an id");
        let body = self.get(&format!("/incidents/{id}/log_entries?is_overview=true&limit=100"));
        let entries = body["log_entries"].as_array().expect("a list");
        entries
            .iter()
            .rev()
            .map(|entry| {
                let kind = entry["type"].as_str().unwrap_or_default();
                let who = entry["agent"]["summary"].as_str().unwrap_or_default();
                let at: DateTime<Utc> = entry["created_at"]
                    .as_str()
                    .unwrap_or_default()
                    .parse()
                    .expect("a time");
                let kind = kind.strip_suffix("_log_entry").unwrap_or(kind);
                format!("{} {kind} {who}", (at - anchor()).num_seconds())
            })
            .collect()
    }
}

const SIGNED: (&str, &str) = ("authorization", "Token token=u+demoKeyOfJun000000");

#[test]
fn probe() {
    let desk = Desk::at(Scenario::Leak, 0);
    let all = desk.get("/incidents?date_range=all&limit=100");
    for i in all["incidents"].as_array().unwrap() {
        println!(
            "{} {} {} {} {} {}",
            i["incident_number"],
            i["created_at"],
            i["status"],
            i["urgency"],
            i["title"],
            i["service"]["summary"]
        );
        for l in desk.log(i) {
            println!("     {l}");
        }
    }
    let mut desk = desk;
    for t in [60, 120, 180, 240, 300, 600, 900, 1200] {
        desk.later(if t <= 300 { 60 } else { 300 });
        let all =
            desk.get("/incidents?date_range=all&limit=100&statuses[]=triggered&statuses[]=acknowledged");
        println!("== {t}");
        for i in all["incidents"].as_array().unwrap() {
            println!(
                "{} {} {} {} {} {}",
                i["incident_number"],
                i["created_at"],
                i["status"],
                i["urgency"],
                i["title"],
                i["service"]["summary"]
            );
            for l in desk.log(i) {
                println!("     {l}");
            }
        }
    }
}
