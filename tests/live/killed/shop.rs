//! The demo on a thread of its own behind proxies, and what its servers hold of what was done.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc;

use midwatch::demo::clock::DemoClock;
use midwatch::demo::faults::{Exchange, FaultProxy, Faults, Plan};
use midwatch::demo::world::Scenario;
use midwatch::demo::{Demo, DemoOptions, Endpoints, grafana, pagerduty};
use midwatch::time::Clock;
use reqwest::Method;
use serde_json::{Value, json};

/// A way in: a proxy before each server that takes acts.
#[derive(Debug, Clone)]
pub struct Door {
    pub pagerduty: Way,
    pub alertmanager: Way,
    pub grafana: Way,
}

/// A proxy.
#[derive(Debug, Clone)]
pub struct Way {
    url: String,
    pub faults: Faults,
}

impl Door {
    fn ways(&self) -> [&Way; 3] {
        [&self.pagerduty, &self.alertmanager, &self.grafana]
    }

    /// From now on each way by a plan of its own.
    pub fn set(&self, plan: impl Fn(u64) -> Plan) {
        for (number, way) in (0..).zip(self.ways()) {
            way.faults.set(plan(number));
        }
    }

    /// What was asked by this door, a server after the other.
    pub fn had(&self) -> Vec<Exchange> {
        self.ways().into_iter().flat_map(|way| way.faults.had()).collect()
    }
}

/// The demo; ends with it.
pub struct Shop {
    endpoints: Endpoints,
    client: reqwest::Client,
    pub doors: Vec<Door>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    serving: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Shop {
    /// Waits for its end: the demo takes its directory away then.
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.serving.take().map(std::thread::JoinHandle::join);
    }
}

/// What the servers say was done.
#[derive(Debug, Default)]
pub struct Books {
    /// Notes as they stand at their incidents, markers and all.
    pub notes: Vec<String>,
    /// How often each incident was acknowledged by the API, by its log.
    pub taken: BTreeMap<String, usize>,
    /// How often it was escalated so.
    pub raised: BTreeMap<String, usize>,
    /// Comments of silences that have not expired.
    pub silences: Vec<String>,
    /// Texts of the annotations that were made.
    pub marks: Vec<String>,
}

impl Shop {
    /// With so many doors.
    pub fn open(doors: usize) -> Self {
        let (told, tell) = mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async move {
                let demo = Demo::bind(DemoOptions {
                    scenario: Scenario::Calm,
                    seed: 1,
                    clock: DemoClock::Live(Clock::start()),
                    anchor: None,
                })
                .await
                .expect("binds");
                let endpoints = demo.announcement().endpoints.clone();
                let mut serving = tokio::task::JoinSet::new();
                let mut way = async |server: &str| {
                    let proxy = FaultProxy::bind(server, Plan::pass()).await.expect("binds");
                    let (url, faults) = (proxy.url().to_owned(), proxy.faults());
                    serving.spawn(proxy.serve(std::future::pending()));
                    Way { url, faults }
                };
                let mut all = Vec::new();
                for _ in 0..doors {
                    all.push(Door {
                        pagerduty: way(&endpoints.pagerduty).await,
                        alertmanager: way(&endpoints.alertmanagers["eu-0"]).await,
                        grafana: way(&endpoints.grafana).await,
                    });
                }
                told.send((endpoints, all)).expect("is heard");
                tokio::select! {
                    served = demo.serve(std::future::pending()) => served.expect("serves"),
                    served = serving.join_next() => panic!("a proxy ended: {served:?}"),
                    _ = stopped => {}
                }
            });
        });
        let (endpoints, doors) = tell.recv().expect("opens");
        Self {
            endpoints,
            client: reqwest::Client::new(),
            doors,
            stop: Some(stop),
            serving: Some(serving),
        }
    }

    /// Writes the configuration of somebody who comes by a door, with `more` at its head, as a file of this name.
    pub fn configure(&self, file: &Path, door: usize, more: &str) {
        let home = file.parent().expect("a directory");
        std::fs::write(home.join("key"), pagerduty::USER_KEY).expect("writes");
        std::fs::write(home.join("token"), grafana::TOKEN).expect("writes");
        let door = &self.doors[door];
        let config = format!(
            "{more}state_dir = \"{}\"\nidentity = \"jun@example.com\"\n\
             [contexts.shop.incidents]\nkind = \"pagerduty\"\nurl = \"{}\"\nfrom = \"{}\"\n\
             auth = {{ token_file = \"key\" }}\ntimeout = \"1s\"\nwhose = \"all\"\n\
             [[contexts.shop.alertmanagers]]\nname = \"eu-0\"\nurl = \"{}\"\ntimeout = \"1s\"\n\
             [contexts.shop.annotations]\nkind = \"grafana\"\nurl = \"{}\"\n\
             auth = {{ bearer_file = \"token\" }}\ntimeout = \"1s\"\n",
            home.join("state").display(),
            door.pagerduty.url,
            pagerduty::EMAIL,
            door.alertmanager.url,
            door.grafana.url,
        );
        std::fs::write(file, config).expect("writes");
    }

    /// Asks PagerDuty itself, past the proxies.
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let key = format!("Token token={}", pagerduty::USER_KEY);
        let mut request = self
            .client
            .request(method, format!("{}/{path}", self.endpoints.pagerduty))
            .header("authorization", key)
            .header("from", pagerduty::EMAIL)
            .header("accept", "application/vnd.pagerduty+json;version=2");
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        answer(request).await
    }

    /// Notes of these incidents, without their markers.
    pub async fn notes(&self, incidents: &[String]) -> Vec<String> {
        let mut notes = Vec::new();
        for incident in incidents {
            let told = self
                .ask(Method::GET, &format!("incidents/{incident}/notes"), None)
                .await;
            for note in told["notes"].as_array().expect("notes") {
                let text = note["content"].as_str().expect("text");
                notes.push(text.split(" [mw:").next().unwrap_or(text).to_owned());
            }
        }
        notes
    }

    /// How many log entries of each type an incident has that came by the API.
    pub async fn logged(&self, incident: &str) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for page in 0.. {
            let path = format!("incidents/{incident}/log_entries?limit=100&offset={}", page * 100);
            let told = self.ask(Method::GET, &path, None).await;
            for entry in told["log_entries"].as_array().expect("entries") {
                if entry["channel"]["type"] == "api" {
                    let kind = entry["type"].as_str().expect("text").to_owned();
                    *counts.entry(kind).or_default() += 1;
                }
            }
            if told["more"] != true {
                break;
            }
        }
        counts
    }

    /// Opens an incident with this title.
    pub async fn incident(&self, title: &str) -> String {
        let services = self.ask(Method::GET, "services", None).await;
        let service = &services["services"][0]["id"];
        let body = json!({"incident": {"type": "incident", "title": title,
            "service": {"id": service, "type": "service_reference"}}});
        let made = self.ask(Method::POST, "incidents", Some(body)).await;
        made["incident"]["id"].as_str().expect("an id").to_owned()
    }

    /// What the servers hold of what was done to these incidents, and beside them.
    pub async fn books(&self, incidents: &[String]) -> Books {
        let mut books = Books {
            notes: self.notes(incidents).await,
            ..Books::default()
        };
        for incident in incidents {
            let logged = self.logged(incident).await;
            let times = |kind: &str| logged.get(kind).copied().unwrap_or_default();
            let taken = times("acknowledge_log_entry");
            books.taken.insert(incident.clone(), taken);
            let raised = times("escalate_log_entry");
            books.raised.insert(incident.clone(), raised);
        }
        let texts = |told: &Value, field: &str| -> Vec<String> {
            let told = told.as_array().expect("a list").iter();
            told.filter(|one| one["status"]["state"] != "expired")
                .map(|one| one[field].as_str().expect("text").to_owned())
                .collect()
        };
        let url = format!("{}/api/v2/silences", self.endpoints.alertmanagers["eu-0"]);
        let silences = answer(self.client.get(url)).await;
        books.silences = texts(&silences, "comment");
        let url = format!("{}/api/annotations?limit=1000", self.endpoints.grafana);
        let marks = self.client.get(url).bearer_auth(grafana::TOKEN);
        books.marks = texts(&answer(marks).await, "text");
        books
    }
}

/// What a server answers; one whose rate the consoles used up is asked again once its minute is over.
async fn answer(request: reqwest::RequestBuilder) -> Value {
    for _ in 0..90 {
        let again = request.try_clone().expect("nothing in it streams");
        let answer = again.send().await.expect("answers");
        let status = answer.status();
        let text = answer.text().await.expect("a body");
        if status.as_u16() == 429 {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            continue;
        }
        assert!(status.is_success(), "{status} {text}");
        return serde_json::from_str(&text).expect("JSON");
    }
    panic!("its rate is used up for longer than a minute");
}
