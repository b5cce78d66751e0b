//! The API over its router, beside the shapes and rules that the real one has.

use std::sync::LazyLock;

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

type Shop = (Arc<World>, Arc<Rules>);

/// A world and its rules, which remember what they evaluated: shared, since neither changes.
static LEAK: LazyLock<Shop> = LazyLock::new(|| shop(Scenario::Leak));
static CALM: LazyLock<Shop> = LazyLock::new(|| shop(Scenario::Calm));

fn shop(scenario: Scenario) -> Shop {
    let world = Arc::new(World::new(Epoch {
        scenario,
        seed: 1,
        anchor: anchor(),
    }));
    let rules = Rules::new(Arc::clone(&world)).expect("the rules");
    (world, Arc::new(rules))
}

/// The account so many seconds after the anchor; its clock can be moved on.
struct Desk {
    server: Arc<PagerDuty>,
}

impl Desk {
    fn at(scenario: Scenario, seconds: i64) -> Self {
        let shop = match scenario {
            Scenario::Leak => &LEAK,
            Scenario::Calm => &CALM,
            Scenario::Drill(_) => unreachable!("no drill here"),
        };
        let (world, rules) = (Arc::clone(&shop.0), Arc::clone(&shop.1));
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
            let status = response.status().as_u16();
            let limit = response
                .headers()
                .get("ratelimit-limit")
                .and_then(|value| value.to_str().ok());
            assert_eq!(limit, (status != 401).then_some("960"));
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

const FROM: (&str, &str) = ("from", EMAIL);
const ACCOUNT: (&str, &str) = ("authorization", "Token token=a+demoKeyOfAccount00");

fn id(object: &Json) -> &str {
    object["id"].as_str().expect("an id")
}

fn code(answer: &(u16, Json)) -> (u16, u64) {
    (answer.0, answer.1["error"]["code"].as_u64().unwrap_or_default())
}

fn change(fields: &Json) -> Json {
    let mut incident = json!({"type": "incident_reference"});
    for (name, value) in fields.as_object().expect("fields") {
        incident[name] = value.clone();
    }
    json!({"incident": incident})
}

#[test]
fn the_story_pages_jun_mara_takes_payment_and_a_level_times_out() {
    let mut desk = Desk::at(Scenario::Leak, 0);
    let checkout = desk.of("checkout");
    assert_eq!(checkout["status"], "triggered");
    assert_eq!(checkout["assignments"][0]["assignee"]["summary"], "Jun");
    assert_eq!(
        checkout["pending_actions"],
        json!([{"type": "escalate", "at": "2026-11-20T03:02:07Z"}])
    );
    assert_eq!(
        desk.log(&checkout),
        ["-353 trigger checkout", "-353 assign checkout"]
    );
    desk.later(125);
    let payment = desk.of("payment");
    assert_eq!(
        desk.log(&payment),
        ["7 trigger payment", "7 assign payment", "82 acknowledge Mara"]
    );
    assert_eq!(payment["acknowledgements"][0]["acknowledger"]["summary"], "Mara");
    desk.later(5);
    let checkout = desk.of("checkout");
    assert_eq!(checkout["assignments"][0]["assignee"]["summary"], "Mara");
    assert_eq!(
        desk.log(&checkout).last().map(String::as_str),
        Some("127 escalate checkout")
    );
    desk.later(600);
    let over = desk.get(&format!("/incidents/{}", id(&checkout)));
    let over = &over["incident"];
    assert_eq!(
        (&over["status"], &over["assignments"]),
        (&json!("resolved"), &json!([]))
    );
    assert_eq!(over["last_status_change_by"]["type"], "service_reference");
    let alerts = desk.get(&format!("/incidents/{}/alerts", id(&checkout)));
    assert!(
        alerts["alerts"].as_array().is_some_and(
            |alerts| alerts.len() > 1 && alerts.iter().all(|alert| alert["status"] == "resolved")
        )
    );
}

#[test]
fn it_does_not_matter_how_often_somebody_looks() {
    let mut often = Desk::at(Scenario::Leak, -600);
    for _ in 0..60 {
        often.get("/incidents?date_range=all");
        often.later(30);
    }
    let once = Desk::at(Scenario::Leak, 1_200);
    for path in ["/incidents?date_range=all&limit=100", "/log_entries?limit=100"] {
        assert_eq!(often.get(path), once.get(path));
    }
}

#[test]
fn the_calm_account_stands_still() {
    let mut desk = Desk::at(Scenario::Calm, 0);
    let paths = [
        "/incidents?date_range=all&limit=100",
        "/log_entries?since=2026-10-01T00:00:00Z&limit=100",
    ];
    let before = paths.map(|path| desk.get(path));
    let told: Vec<_> = before[0]["incidents"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|i| (&i["status"], &i["urgency"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!("triggered"), &json!("low")),
            (&json!("resolved"), &json!("high"))
        ]
    );
    desk.later(3_600);
    assert_eq!(paths.map(|path| desk.get(path)), before);
}

#[test]
fn an_alert_carries_its_key_and_labels() {
    let desk = Desk::at(Scenario::Leak, 0);
    let checkout = desk.of("checkout");
    let body = desk.get(&format!("/incidents/{}/alerts", id(&checkout)));
    let alert = &body["alerts"][0];
    let details = &alert["body"]["details"];
    assert_eq!(details["labels"]["service"], "checkout");
    assert_eq!(details["labels"]["alertname"], "PoolExhausted");
    assert_eq!(alert["alert_key"], details["fingerprint"]);
    assert_eq!(
        checkout["alert_counts"]["all"],
        body["alerts"].as_array().map_or(0, Vec::len)
    );
    // What a prober sent long ago knows no labels.
    let all = desk.get("/incidents?date_range=all");
    let old = desk.get(&format!("/incidents/{}/alerts", id(&all["incidents"][0])));
    assert!(old["alerts"][0]["body"]["details"]["labels"].is_null());
}

#[test]
fn a_list_forgets_what_is_older_than_a_month_unless_asked_for_all() {
    let desk = Desk::at(Scenario::Leak, 0);
    let open = "/incidents?statuses[]=triggered&statuses[]=acknowledged&urgencies%5B%5D=low";
    let oldest = |path: &str| desk.get(path)["incidents"][0]["service"]["summary"].clone();
    assert_eq!(oldest(open), "catalog");
    assert_eq!(oldest(&format!("{open}&date_range=all")), "legacy-basket");
    let long = desk.send(
        "GET",
        "/incidents?since=2026-01-01T00:00:00Z",
        &[SIGNED],
        &Json::Null,
    );
    assert_eq!(code(&long), (400, 2001));
}

#[test]
fn pages_say_whether_there_is_more_and_end_at_ten_thousand() {
    let desk = Desk::at(Scenario::Leak, 0);
    let page = desk.get("/incidents?date_range=all&limit=4&offset=4&total=true");
    assert_eq!(
        (&page["limit"], &page["offset"], &page["more"], &page["total"]),
        (&json!(4), &json!(4), &json!(true), &json!(10))
    );
    assert_eq!(page["incidents"].as_array().map(Vec::len), Some(4));
    let rest = desk.get("/incidents?date_range=all&limit=100&offset=8");
    assert_eq!((&rest["more"], &rest["total"]), (&json!(false), &Json::Null));
    let newest = desk.get("/incidents?date_range=all&sort_by=created_at:desc&limit=1");
    assert_eq!(newest["incidents"][0]["incident_number"], 4_697);
    let far = desk.send("GET", "/incidents?limit=100&offset=9901", &[SIGNED], &Json::Null);
    assert_eq!(code(&far), (400, 2001));
}

#[test]
fn without_a_key_a_from_or_a_known_from_nothing_is_done() {
    let desk = Desk::at(Scenario::Leak, 0);
    let path = format!("/incidents/{}", id(&desk.of("checkout")));
    let body = change(&json!({"status": "acknowledged"}));
    let put = |headers: &[(&str, &str)]| code(&desk.send("PUT", &path, headers, &body));
    assert_eq!(put(&[FROM]), (401, 2006));
    assert_eq!(put(&[("authorization", "Token token=wrong"), FROM]), (401, 2006));
    assert_eq!(put(&[SIGNED]), (400, 2016));
    assert_eq!(put(&[SIGNED, ("from", "jun")]), (400, 1028));
    assert_eq!(put(&[SIGNED, ("from", "nobody@shop.example")]), (400, 1008));
    assert_eq!(desk.of("checkout")["status"], "triggered");
    assert_eq!(
        code(&desk.send("GET", "/users/me", &[ACCOUNT], &Json::Null)),
        (400, 2001)
    );
    assert_eq!(
        desk.get("/users/me?include[]=contact_methods")["user"]["contact_methods"][1]["address"],
        "5550101"
    );
    // The account's key acts as whom `From` names; a person's as its owner, whatever `From` says.
    let sam = ("from", "sam@shop.example");
    assert_eq!(put(&[SIGNED, sam]), (200, 0));
    assert_eq!(
        desk.of("checkout")["acknowledgements"][0]["acknowledger"]["summary"],
        "Jun"
    );
    assert_eq!(put(&[ACCOUNT, sam]), (200, 0));
    assert_eq!(
        desk.of("checkout")["acknowledgements"][1]["acknowledger"]["summary"],
        "Sam"
    );
}

#[test]
fn an_acknowledgement_stops_the_clock_until_its_own_runs_out() {
    let mut desk = Desk::at(Scenario::Leak, 0);
    let (status, made) = desk.act(
        "POST",
        "/incidents",
        &json!({"incident": {"type": "incident", "title": "by hand", "service": {"id": "PINVEN5", "type": "service_reference"}}}),
    );
    assert_eq!(status, 201, "{made}");
    let path = format!("/incidents/{}", id(&made["incident"]));
    desk.later(60);
    assert_eq!(
        desk.act("PUT", &path, &change(&json!({"status": "acknowledged"})))
            .0,
        200
    );
    assert_eq!(
        code(&desk.act("PUT", &path, &change(&json!({"status": "acknowledged"})))),
        (400, 1002)
    );
    let incident = desk.of("inventory");
    assert_eq!(
        incident["pending_actions"],
        json!([{"type": "unacknowledge", "at": "2026-11-20T03:31:00Z"}])
    );
    desk.later(1_800);
    let incident = desk.of("inventory");
    assert_eq!(
        (&incident["status"], &incident["acknowledgements"]),
        (&json!("triggered"), &json!([]))
    );
    assert_eq!(
        desk.log(&incident),
        [
            "0 trigger Jun",
            "0 assign Jun",
            "60 acknowledge Jun",
            "1860 unacknowledge inventory",
            "1860 assign inventory"
        ]
    );
    // 8, 10 and 15 minutes for three levels, twice, and then nobody is left.
    desk.later(66 * 60);
    let incident = desk.of("inventory");
    let log = desk.log(&incident);
    assert_eq!(
        log[5..],
        [
            "2340 escalate inventory",
            "2940 escalate inventory",
            "3840 repeat_escalation_path inventory",
            "3840 escalate inventory",
            "4320 escalate inventory",
            "4920 escalate inventory",
            "5820 exhaust_escalation_path inventory"
        ]
    );
    assert_eq!(incident["pending_actions"], json!([]));
}

#[test]
fn an_escalation_pages_a_level_again_and_ends_an_acknowledgement() {
    let desk = Desk::at(Scenario::Leak, 0);
    let path = format!("/incidents/{}", id(&desk.of("checkout")));
    let put = |fields: Json| desk.act("PUT", &path, &change(&fields));
    assert_eq!(put(json!({"status": "acknowledged"})).0, 200);
    let (status, body) = put(json!({"escalation_level": 3}));
    assert_eq!(status, 200);
    let incident = &body["incident"];
    assert_eq!(
        (&incident["status"], &incident["acknowledgements"]),
        (&json!("triggered"), &json!([]))
    );
    assert_eq!(incident["assignments"][0]["assignee"]["summary"], "Sam");
    assert_eq!(
        desk.log(incident).last().map(String::as_str),
        Some("0 escalate Jun")
    );
    assert_eq!(code(&put(json!({"escalation_level": 4}))), (400, 2001));
    assert_eq!(
        put(json!({"escalation_level": 0})).1["incident"]["assignments"][0]["assignee"]["summary"],
        "Jun"
    );
    // With a policy beside it the level counts for nothing.
    let policy = json!({"id": "PESHOP1", "type": "escalation_policy_reference"});
    let reset = put(json!({"escalation_level": 2, "escalation_policy": policy}));
    assert_eq!(
        reset.1["incident"]["assignments"][0]["assignee"]["summary"],
        "Jun"
    );
    // Low urgency cannot be escalated.
    let all = desk.get("/incidents?date_range=all&urgencies[]=low");
    let low = format!("/incidents/{}", id(&all["incidents"][0]));
    assert_eq!(
        code(&desk.act("PUT", &low, &change(&json!({"escalation_level": 2})))),
        (400, 1006)
    );
}

#[test]
fn by_hand_it_escalates_no_more_and_a_snooze_comes_back() {
    let mut desk = Desk::at(Scenario::Leak, 0);
    let checkout = desk.of("checkout");
    let path = format!("/incidents/{}", id(&checkout));
    let sam = json!({"assignments": [{"assignee": {"id": "PSAM00C", "type": "user_reference"}}]});
    let (_, body) = desk.act("PUT", &path, &change(&sam));
    assert_eq!(body["incident"]["assigned_via"], "direct_assignment");
    assert_eq!(body["incident"]["pending_actions"], json!([]));
    let snooze = format!("{path}/snooze");
    assert_eq!(
        code(&desk.act("POST", &snooze, &json!({"duration": 60}))),
        (400, 1012)
    );
    desk.act("PUT", &path, &change(&json!({"status": "acknowledged"})));
    assert_eq!(
        code(&desk.act("POST", &snooze, &json!({"duration": 604_801}))),
        (400, 1013)
    );
    let (status, body) = desk.act("POST", &snooze, &json!({"duration": 60}));
    assert_eq!(
        (status, &body["incident"]["pending_actions"]),
        (
            201,
            &json!([{"type": "unacknowledge", "at": "2026-11-20T03:01:00Z"}])
        )
    );
    desk.later(61);
    let back = desk.of("checkout");
    assert_eq!(back["status"], "triggered");
    let who: Vec<&Json> = back["assignments"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|a| &a["assignee"]["summary"])
        .collect();
    assert_eq!(who, ["Sam", "Jun"]);
}

#[test]
fn a_batch_is_done_whole_or_not_at_all() {
    let desk = Desk::at(Scenario::Leak, 15);
    let all = desk.get("/incidents?date_range=all&statuses[]=resolved");
    let done = id(&all["incidents"][0]).to_owned();
    let (checkout, payment) = (desk.of("checkout"), desk.of("payment"));
    let item = |id: &str| json!({"id": id, "type": "incident_reference", "status": "acknowledged"});
    let batch = json!({"incidents": [item(id(&checkout)), item(&done), item(id(&payment))]});
    let refused = desk.act("PUT", "/incidents", &batch);
    assert_eq!(code(&refused), (400, 2001));
    assert_eq!(refused.1["error"]["errors"], json!(["Incident Already Resolved"]));
    assert_eq!(desk.of("checkout")["status"], "triggered");
    let batch = json!({"incidents": [item(id(&checkout)), item(id(&payment))]});
    let (status, body) = desk.act("PUT", "/incidents", &batch);
    assert_eq!(
        (status, body["incidents"].as_array().map(Vec::len)),
        (200, Some(2))
    );
    assert_eq!(desk.of("payment")["status"], "acknowledged");
    let many: Vec<Json> = (0..251).map(|_| item(id(&checkout))).collect();
    assert_eq!(desk.act("PUT", "/incidents", &json!({"incidents": many})).0, 413);
    let single = desk.act(
        "PUT",
        &format!("/incidents/{done}"),
        &change(&json!({"status": "resolved"})),
    );
    assert_eq!(code(&single), (400, 1001));
    assert_eq!(
        code(&desk.act(
            "PUT",
            "/incidents/QNOSUCH",
            &change(&json!({"status": "resolved"}))
        )),
        (404, 2100)
    );
}

#[test]
fn what_is_written_is_in_the_log_with_its_words() {
    let desk = Desk::at(Scenario::Leak, 0);
    let checkout = desk.of("checkout");
    let path = format!("/incidents/{}", id(&checkout));
    let text = "pool is dry [mw:ABCDEFGHIJ]";
    for _ in 0..2 {
        let (status, body) = desk.act(
            "POST",
            &format!("{path}/notes"),
            &json!({"note": {"content": text}}),
        );
        assert_eq!((status, &body["note"]["content"]), (200, &json!(text)));
    }
    let notes = desk.get(&format!("{path}/notes"));
    assert_eq!(
        notes["notes"].as_array().map(Vec::len),
        Some(2),
        "the same twice is two notes"
    );
    let update = json!({"message": "we look into it [mw:KLMNOPQRST]"});
    assert_eq!(
        desk.act("POST", &format!("{path}/status_updates"), &update).0,
        200
    );
    assert_eq!(
        code(&desk.act(
            "POST",
            &format!("{path}/notes"),
            &json!({"note": {"content": " "}})
        )),
        (400, 2001)
    );
    let help = json!({"requester_id": "PJUN0A1", "message": "need a hand",
        "responder_request_targets": [{"responder_request_target": {"id": "PEPAYM2", "type": "escalation_policy_reference"}}]});
    let asked = desk.send("POST", &format!("{path}/responder_requests"), &[SIGNED], &help);
    assert_eq!(asked.0, 200, "{}", asked.1);
    let incident = desk.of("checkout");
    assert_eq!(incident["incidents_responders"][0]["user"]["summary"], "Mara");
    assert_eq!(
        desk.act("PUT", &path, &change(&json!({"priority": "P1"}))).1["incident"]["priority"]["id"],
        "PP1HIGH"
    );
    assert_eq!(
        code(&desk.act("PUT", &path, &change(&json!({"priority": "P9"})))),
        (400, 1020)
    );
    let log = desk.get(&format!("{path}/log_entries?include[]=channels&limit=100"));
    let entries = log["log_entries"].as_array().expect("a list");
    let kinds: Vec<&str> = entries
        .iter()
        .filter_map(|e| e["type"].as_str())
        .take(5)
        .collect();
    assert_eq!(
        kinds,
        [
            "priority_change_log_entry",
            "responder_request_log_entry",
            "status_update_log_entry",
            "annotate_log_entry",
            "annotate_log_entry"
        ],
        "newest first"
    );
    assert_eq!(entries[2]["message"], update["message"]);
    assert_eq!(entries[3]["channel"]["content"], text);
    assert!(entries.iter().any(|entry| entry["type"] == "notify_log_entry"));
    let brief = desk.get(&format!("{path}/log_entries?limit=100"));
    let note = brief["log_entries"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|e| e["type"] == "annotate_log_entry");
    assert_eq!(
        note.map(|n| &n["channel"]),
        Some(&json!({"type": "note", "summary": text}))
    );
}

#[test]
fn a_text_is_taken_up_to_a_length_and_refused_beyond_it() {
    let desk = Desk::at(Scenario::Leak, 0);
    let path = format!("/incidents/{}", id(&desk.of("checkout")));
    let long = "é".repeat(25_000);
    for (words, status) in [(long.clone(), 200), (long + "x", 400)] {
        let update = json!({"message": words});
        assert_eq!(
            desk.act("POST", &format!("{path}/status_updates"), &update).0,
            status
        );
        let note = json!({"note": {"content": words}});
        let before = desk.get(&format!("{path}/notes"))["notes"]
            .as_array()
            .map(Vec::len);
        assert_eq!(desk.act("POST", &format!("{path}/notes"), &note).0, status);
        let after = desk.get(&format!("{path}/notes"))["notes"]
            .as_array()
            .map(Vec::len);
        assert_eq!(before == after, status == 400);
    }
}

#[test]
fn a_merge_keeps_the_target_open_and_resolves_the_sources() {
    let desk = Desk::at(Scenario::Leak, 15);
    let (checkout, payment) = (desk.of("checkout"), desk.of("payment"));
    let path = format!("/incidents/{}/merge", id(&checkout));
    let sources = json!({"source_incidents": [{"id": id(&payment), "type": "incident_reference"}]});
    let (status, body) = desk.act("PUT", &path, &sources);
    let alerts = |incident: &Json| incident["alert_counts"]["all"].as_u64().unwrap_or_default();
    assert_eq!((status, &body["incident"]["status"]), (200, &json!("triggered")));
    assert_eq!(alerts(&body["incident"]), alerts(&checkout) + alerts(&payment));
    let gone = desk.get(&format!("/incidents/{}", id(&payment)));
    assert_eq!(gone["incident"]["status"], "resolved");
    assert_eq!(code(&desk.act("PUT", &path, &sources)), (400, 1019));
}

#[test]
fn who_is_on_call_comes_by_policy_level_and_shift() {
    let desk = Desk::at(Scenario::Leak, 0);
    let rows = |query: &str| -> Vec<String> {
        let body = desk.get(&format!("/oncalls?{query}"));
        let rows = body["oncalls"].as_array().expect("a list");
        rows.iter()
            .map(|row| {
                format!(
                    "{} {} {} {}",
                    row["escalation_policy"]["summary"].as_str().unwrap_or_default(),
                    row["escalation_level"],
                    row["user"]["summary"].as_str().unwrap_or_default(),
                    row["end"].as_str().unwrap_or("always")
                )
            })
            .collect()
    };
    assert_eq!(
        rows("escalation_policy_ids[]=PESHOP1"),
        [
            "Shop 1 Jun 2026-11-23T09:00:00Z",
            "Shop 2 Mara 2026-11-23T09:00:00Z",
            "Shop 3 Sam always"
        ]
    );
    assert_eq!(
        rows("schedule_ids[]=PSSHOP1&until=2026-11-24T00:00:00Z"),
        [
            "Shop 1 Jun 2026-11-23T09:00:00Z",
            "Shop 1 Mara 2026-11-30T09:00:00Z"
        ]
    );
    let whole = desk.get("/oncalls?user_ids[]=PMARA0B&include[]=users");
    assert_eq!(whole["oncalls"][0]["user"]["email"], "mara@shop.example");
    let far = desk.send(
        "GET",
        "/oncalls?until=2027-06-01T00:00:00Z",
        &[SIGNED],
        &Json::Null,
    );
    assert_eq!(far.0, 400);
    let policy = desk.get("/escalation_policies/PESHOP1");
    let delays: Vec<&Json> = policy["escalation_policy"]["escalation_rules"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|rule| &rule["escalation_delay_in_minutes"])
        .collect();
    assert_eq!(delays, [&json!(8), &json!(10), &json!(15)]);
    let calendar = desk.get("/schedules/PSSHOP1?since=2026-11-20T00:00:00Z&until=2026-11-24T00:00:00Z");
    let entries = &calendar["schedule"]["final_schedule"]["rendered_schedule_entries"];
    assert_eq!(entries.as_array().map(Vec::len), Some(2));
}

#[test]
fn a_minute_holds_so_many_requests() {
    let mut desk = Desk::at(Scenario::Calm, 0);
    let tick = crate::time::Clock::with_tokio(anchor());
    Arc::get_mut(&mut desk.server).expect("nobody else asks").clock = DemoClock::Live(tick);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let _within = runtime.enter();
    for _ in 0..RATE {
        desk.get("/abilities");
    }
    assert_eq!(
        code(&desk.send("GET", "/abilities", &[SIGNED], &Json::Null)),
        (429, 2020)
    );
}

#[test]
fn rollouts_are_change_events_and_their_span_must_be_utc() {
    let desk = Desk::at(Scenario::Leak, 600);
    let events = desk.get("/services/PCHECK1/change_events");
    let told: Vec<&Json> = events["change_events"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|e| &e["summary"])
        .collect();
    assert_eq!(told, ["checkout 2.3.0 rolled out", "checkout 2.3.1 rolled out"]);
    let local = "/change_events?since=2026-11-20T00:00:00%2B01:00";
    assert_eq!(desk.send("GET", local, &[SIGNED], &Json::Null).0, 400);
    let gated = format!(
        "/incidents/{}/related_incidents",
        id(&desk.get("/incidents?date_range=all")["incidents"][0])
    );
    assert_eq!(
        code(&desk.send("GET", &gated, &[SIGNED], &Json::Null)),
        (402, 2014)
    );
}
