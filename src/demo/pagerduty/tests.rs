//! The API over its router, beside the shapes and rules that the real one has.

use axum::body::Body;
use axum::http::Request;
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
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = request.body(Body::from(body)).expect("a request");
        let router = router(Arc::clone(&self.server));
        let response = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime")
            .block_on(async {
                use axum::extract::Request as _Request;
                let _: Option<_Request> = None;
                let mut service = router.into_service::<Body>();
                std::future::poll_fn(|cx| tower_poll(&mut service, cx)).await;
                tower_call(&mut service, request).await
            });
        response
    }
}
