//! The servers' answers over real sockets, beside the shapes that real servers give; and the silences' rules.

mod configured;

use chrono::{TimeDelta, TimeZone};
use reqwest::{Client, Method};
use serde_json::{Value as Json, json};

use super::*;

fn anchor() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, 3, 0, 0).unwrap()
}

/// A demo's servers, asked.
struct Desk {
    client: Client,
    endpoints: Endpoints,
}

impl Desk {
    async fn send(&self, method: Method, url: String, body: Option<Json>) -> (u16, Json) {
        let mut request = self.client.request(method, url);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        assert_eq!(response.headers()["date"], "Fri, 20 Nov 2026 03:00:20 GMT");
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Json::String(text)))
    }

    async fn prometheus(&self, path: &str) -> (u16, Json) {
        self.send(Method::GET, format!("{}{path}", self.endpoints.metrics), None)
            .await
    }

    async fn member(&self, name: &str, method: Method, path: &str, body: Option<Json>) -> (u16, Json) {
        let url = format!("{}/api/v2{path}", self.endpoints.alertmanagers[name]);
        self.send(method, url, body).await
    }

    async fn get(&self, path: &str) -> (u16, Json) {
        self.member("eu-0", Method::GET, path, None).await
    }

    async fn post_silence(&self, body: Json) -> (u16, Json) {
        self.member("eu-0", Method::POST, "/silences", Some(body)).await
    }
}

/// Has a demo that listens.
fn bound(options: DemoOptions, conversation: impl AsyncFnOnce(Demo)) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async { conversation(Demo::bind(options).await.unwrap()).await });
}

/// Runs a conversation twenty seconds into the story; the clock stands.
fn talk<F: Future<Output = ()>>(scenario: Scenario, conversation: impl FnOnce(Desk) -> F) {
    let options = DemoOptions {
        scenario,
        seed: 1,
        clock: DemoClock::Fixed(anchor() + TimeDelta::seconds(20)),
        anchor: Some(anchor()),
    };
    bound(options, async |demo| {
        let desk = Desk {
            client: Client::builder().no_proxy().build().unwrap(),
            endpoints: demo.announcement().endpoints.clone(),
        };
        let config = demo.announcement().config.clone();
        assert!(config.exists());
        demo.serve(conversation(desk)).await.unwrap();
        assert!(!config.exists(), "the directory goes with the demo");
    });
}

/// The keys of an object, and what kind each value is.
fn shape(value: &Json) -> Vec<(String, &'static str)> {
    let kind = |v: &Json| match v {
        Json::Null => "null",
        Json::Bool(_) => "bool",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    };
    let mut keys: Vec<_> = value
        .as_object()
        .unwrap_or_else(|| panic!("{value}"))
        .iter()
        .map(|(k, v)| (k.clone(), kind(v)))
        .collect();
    keys.sort();
    keys
}

fn keys(spec: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    let mut keys: Vec<_> = spec.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect();
    keys.sort();
    keys
}

#[test]
fn prometheus_answers_have_the_captured_shapes() {
    talk(Scenario::Leak, async |desk| {
        let (status, body) = desk.prometheus("/api/v1/query?query=up").await;
        assert_eq!(
            (status, &body["status"], &body["data"]["resultType"]),
            (200, &json!("success"), &json!("vector"))
        );
        assert!(body["data"]["result"][0]["value"][1].is_string());
        let (_, body) = desk
            .prometheus("/api/v1/query?query=scalar(vector(1))&time=1795219286.028")
            .await;
        assert_eq!(
            body["data"],
            json!({"resultType": "scalar", "result": [1_795_219_286.028, "1"]})
        );
        let (_, body) = desk.prometheus("/api/v1/query?query=up%5B2m%5D").await;
        assert_eq!(body["data"]["resultType"], "matrix");
        assert_eq!(body["data"]["result"][0]["values"].as_array().unwrap().len(), 8);
        let (_, body) = desk.prometheus("/api/v1/rules?type=alert").await;
        let group = &body["data"]["groups"][0];
        assert_eq!(
            shape(group),
            keys(&[
                ("name", "string"),
                ("file", "string"),
                ("rules", "array"),
                ("interval", "number"),
                ("limit", "number"),
                ("evaluationTime", "number"),
                ("lastEvaluation", "string"),
            ])
        );
        assert_eq!(
            shape(&group["rules"][0]),
            keys(&[
                ("state", "string"),
                ("name", "string"),
                ("query", "string"),
                ("duration", "number"),
                ("keepFiringFor", "number"),
                ("labels", "object"),
                ("annotations", "object"),
                ("alerts", "array"),
                ("health", "string"),
                ("evaluationTime", "number"),
                ("lastEvaluation", "string"),
                ("type", "string"),
            ])
        );
        let (_, body) = desk.prometheus("/api/v1/alerts").await;
        assert_eq!(
            shape(&body["data"]["alerts"][0]),
            keys(&[
                ("labels", "object"),
                ("annotations", "object"),
                ("state", "string"),
                ("activeAt", "string"),
                ("value", "string")
            ])
        );
        let (_, body) = desk
            .prometheus("/api/v1/series?match[]=slo:objective:ratio")
            .await;
        assert_eq!(body["data"].as_array().unwrap().len(), 2);
        let (_, body) = desk
            .prometheus("/api/v1/label/service/values?match[]=http_requests_total")
            .await;
        assert_eq!(body["data"].as_array().unwrap().len(), 12);
        let (_, body) = desk
            .prometheus("/api/v1/query?query=ALERTS%7Balertname=%22Watchdog%22%7D")
            .await;
        assert_eq!(body["data"]["result"][0]["metric"]["alertstate"], "firing");
    });
}

#[test]
fn prometheus_errors_have_the_captured_words() {
    talk(Scenario::Calm, async |desk| {
        let cases = [
            (
                "query",
                400,
                "bad_data",
                "invalid parameter \"query\": 1:1: parse error: no expression found in input",
            ),
            (
                "query?query=sum(rate(x%5B5m%5D)",
                400,
                "bad_data",
                "invalid parameter \"query\": 1:16: parse error: unclosed left parenthesis",
            ),
            (
                "query?query=foo(up)",
                400,
                "bad_data",
                "invalid parameter \"query\": 1:1: parse error: unknown function with name \"foo\"",
            ),
            (
                "query?query=up&time=yesterday",
                400,
                "bad_data",
                "invalid parameter \"time\": Invalid time value for 'time': cannot parse \"yesterday\" to a valid timestamp",
            ),
            (
                "query_range?query=up&start=1795219226&end=1795219286&step=0",
                400,
                "bad_data",
                "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer",
            ),
            (
                "query_range?query=up&start=1795219286&end=1795219226&step=15",
                400,
                "bad_data",
                "invalid parameter \"end\": end timestamp must not be before start time",
            ),
            (
                "query_range?query=up&start=1792627286&end=1795219286&step=15",
                400,
                "bad_data",
                "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
            ),
        ];
        for (path, code, kind, words) in cases {
            let (status, body) = desk.prometheus(&format!("/api/v1/{path}")).await;
            assert_eq!(status, code, "{path}");
            assert_eq!(
                body,
                json!({"status": "error", "errorType": kind, "error": words}),
                "{path}"
            );
        }
        let many = "/api/v1/query?query=http_requests_total%20*%20on(service)%20http_requests_total";
        let (status, body) = desk.prometheus(many).await;
        assert_eq!((status, &body["errorType"]), (422, &json!("execution")));
        assert_eq!(
            desk.prometheus("/api/v1/nope").await,
            (404, json!("404 page not found\n"))
        );
    });
}

#[test]
fn a_long_union_sent_as_a_form_is_answered_at_once() {
    talk(Scenario::Leak, async |desk| {
        let branch = |window: &str, index: usize| {
            format!(
                "label_replace(sum(rate(http_requests_total{{service=\"checkout\",status_code=~\"5..\"}}[{window}])), \"midwatch_slo\", \"{index}\", \"\", \"\")"
            )
        };
        let query = (0..150)
            .map(|i| branch("30d", i))
            .collect::<Vec<_>>()
            .join(" or ");
        let body = format!("query={}", super::alertmanager::percent(&query));
        let response = desk
            .client
            .post(format!("{}/api/v1/query", desk.endpoints.metrics))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await
            .unwrap();
        let answer: Json = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!(
            answer["data"]["result"].as_array().unwrap().len(),
            150,
            "{answer}"
        );
    });
}

#[test]
fn alertmanager_answers_have_the_captured_shapes() {
    talk(Scenario::Leak, async |desk| {
        let (_, status) = desk.get("/status").await;
        assert_eq!(status["cluster"]["status"], "ready");
        assert_eq!(status["cluster"]["peers"].as_array().unwrap().len(), 2);
        let (_, alerts) = desk.get("/alerts").await;
        let alert = alerts
            .as_array()
            .unwrap()
            .iter()
            .find(|a| a["labels"]["alertname"] == "ErrorBudgetBurn")
            .unwrap();
        assert_eq!(
            shape(alert),
            keys(&[
                ("annotations", "object"),
                ("endsAt", "string"),
                ("fingerprint", "string"),
                ("receivers", "array"),
                ("startsAt", "string"),
                ("status", "object"),
                ("updatedAt", "string"),
                ("generatorURL", "string"),
                ("labels", "object"),
            ])
        );
        let by = |name: &str, service: &str| -> Json {
            let found = alerts
                .as_array()
                .unwrap()
                .iter()
                .find(|a| a["labels"]["alertname"] == name && a["labels"]["service"] == service);
            found
                .unwrap_or_else(|| panic!("{name} of {service} in {alerts}"))
                .clone()
        };
        // The story: hidden by an older acknowledgement, inhibited by the critical one, silenced by the rollout.
        let hidden = by("HighErrorRate", "checkout");
        let (_, silences) = desk.get("/silences").await;
        let ack = silences
            .as_array()
            .unwrap()
            .iter()
            .find(|s| s["createdBy"] == "mara")
            .unwrap();
        assert_eq!(hidden["status"]["silencedBy"], json!([ack["id"]]));
        assert!(
            hidden["startsAt"].as_str() > ack["startsAt"].as_str(),
            "it fired again after the acknowledgement"
        );
        assert_eq!(by("HighLatency", "checkout")["status"]["state"], "suppressed");
        assert_eq!(
            by("HighLatency", "checkout")["status"]["inhibitedBy"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
        assert_eq!(
            by("HighLatency", "recommendation")["status"]["silencedBy"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
        assert_eq!(by("HighErrorRate", "payment")["status"]["state"], "active");
        let (_, active) = desk
            .get("/alerts?silenced=false&inhibited=false&filter=severity%3D%22critical%22")
            .await;
        assert!(
            active
                .as_array()
                .unwrap()
                .iter()
                .all(|a| a["status"]["state"] == "active" && a["labels"]["severity"] == "critical")
        );
        let (_, groups) = desk.get("/alerts/groups?receiver=pager").await;
        assert!(
            groups
                .as_array()
                .unwrap()
                .iter()
                .any(|g| g["labels"] == json!({"service": "checkout"})
                    && g["alerts"].as_array().unwrap().len() > 2)
        );
        assert_eq!(
            shape(&silences[0]),
            keys(&[
                ("id", "string"),
                ("status", "object"),
                ("updatedAt", "string"),
                ("comment", "string"),
                ("createdBy", "string"),
                ("endsAt", "string"),
                ("matchers", "array"),
                ("startsAt", "string"),
            ])
        );
    });
}

fn draft(matchers: &Json, from: i64, to: i64) -> Json {
    let at = |seconds: i64| (anchor() + TimeDelta::seconds(20 + seconds)).to_rfc3339();
    json!({"matchers": matchers, "startsAt": at(from), "endsAt": at(to), "createdBy": "jun", "comment": "c"})
}

#[test]
fn silences_take_effect_at_once_and_keep_the_servers_rules() {
    talk(Scenario::Leak, async |desk| {
        let payment = json!([{"name": "service", "value": "payment", "isRegex": false}]);
        let (status, made) = desk.post_silence(draft(&payment, 0, 600)).await;
        assert_eq!(status, 200, "{made}");
        let id = made["silenceID"].as_str().unwrap().to_owned();
        let (_, alerts) = desk
            .member("eu-1", Method::GET, "/alerts?filter=service%3Dpayment", None)
            .await;
        assert_eq!(
            alerts[0]["status"]["silencedBy"],
            json!([id]),
            "the other member knows at once"
        );
        let (_, one) = desk.get(&format!("/silence/{id}")).await;
        let changed = |to: i64, matchers: &Json| {
            let mut body = draft(matchers, 0, to);
            body["id"] = json!(id);
            body["startsAt"] = one["startsAt"].clone();
            body
        };
        let (_, longer) = desk.post_silence(changed(1_200, &payment)).await;
        assert_eq!(
            longer["silenceID"],
            json!(id),
            "same matchers and start: in place"
        );
        let other = json!([{"name": "service", "value": "cart", "isRegex": false}]);
        let (_, moved) = desk.post_silence(changed(1_200, &other)).await;
        assert_ne!(moved["silenceID"], json!(id), "other matchers: a new id");
        let (_, old) = desk.get(&format!("/silence/{id}")).await;
        assert_eq!(old["status"]["state"], "expired");
        for _ in 0..2 {
            let path = format!("/silence/{id}");
            assert_eq!(desk.member("eu-0", Method::DELETE, &path, None).await.0, 200);
        }
    });
}

#[test]
fn bad_silences_are_refused_in_the_captured_shapes() {
    talk(Scenario::Calm, async |desk| {
        let good = json!([{"name": "a", "value": "b", "isRegex": false}]);
        let mut no_comment = draft(&good, 0, 60);
        no_comment.as_object_mut().unwrap().remove("comment");
        let mut unknown = draft(&good, 0, 60);
        unknown["id"] = json!("11111111-2222-3333-4444-555555555555");
        let empty = json!([{"name": "a", "value": "", "isRegex": false}]);
        let everything = json!([{"name": "a", "value": ".*", "isRegex": true}]);
        let cases = [
            (
                no_comment,
                422,
                json!({"code": 602, "message": "comment in body is required"}),
            ),
            (
                draft(&json!([]), 0, 60),
                422,
                json!({"code": 612, "message": "matchers in body should have at least 1 items"}),
            ),
            (
                draft(&empty, 0, 60),
                400,
                json!("silence invalid: at least one matcher must not match the empty string"),
            ),
            (
                draft(&everything, 0, 60),
                400,
                json!("silence invalid: at least one matcher must not match the empty string"),
            ),
            (
                draft(&good, -600, -60),
                400,
                json!("Failed to create silence: end time can't be in the past"),
            ),
            (
                draft(&good, 60, 60),
                400,
                json!("Failed to create silence: start time must be before end time"),
            ),
            (unknown, 404, json!("silence not found")),
        ];
        for (body, status, answer) in cases {
            assert_eq!(desk.post_silence(body).await, (status, answer));
        }
        let zero = "/silence/00000000-0000-0000-0000-000000000000";
        assert_eq!(desk.get(zero).await, (404, json!("")));
        let bad_id =
            json!({"code": 601, "message": "silenceID in path must be of type uuid: \"not-a-uuid\""});
        assert_eq!(desk.get("/silence/not-a-uuid").await, (422, bad_id));
        assert_eq!(
            desk.get("/alerts?filter=%7B%7B%7B").await,
            (400, json!("bad matcher format: {{{"))
        );
        let nope = json!({"code": 404, "message": "path /api/v2/nope was not found"});
        assert_eq!(desk.get("/nope").await, (404, nope));
    });
}
