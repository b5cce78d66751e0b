//! The real loop and the real session against scripted servers, on paused time: what somebody at the terminal
//! sees. Nothing sleeps: a step is a frame, and every wait is for a frame that shows something, with a limit.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use futures::future::BoxFuture;
use midwatch::app::focus::Layout;
use midwatch::app::{Model, Settings};
use midwatch::backend::Backends;
use midwatch::backend::http::{Method, Request, Response, Transport, TransportError, Wires};
use midwatch::config::{Environment, decode_text};
use midwatch::keymap;
use midwatch::runbook::{Policy, Program};
use midwatch::runtime::console::{Console, Ended};
use midwatch::runtime::session::{Opening, Session};
use midwatch::terminal::signals::Signals;
use midwatch::terminal::{Copied, Input, Screen};
use midwatch::theme::{Glyphs, Theme};
use midwatch::time::Clock;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Size};
use ratatui::style::Style;
use regex::Regex;
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc, watch};

use crate::fixtures::settings;

/// Frames that a wait may take. The clock draws one a second, so this is some minutes of a console's life.
const STEPS: usize = 900;
const SIZE: Size = Size {
    width: 120,
    height: 40,
};

const CONFIG: &str = r#"
identity = "jun@example.com"

[contexts.prod.metrics]
kind = "prometheus"
url = "http://metrics.example"

[[contexts.prod.alertmanagers]]
name = "eu-0"
url = "http://eu-0.example"

[[contexts.prod.slos]]
name = "checkout-availability"
service = "checkout"
objective = 99.9
window = "30d"
errors = 'sum(rate(errors_total[{{window}}]))'
total = 'sum(rate(requests_total[{{window}}]))'
"#;

fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, 3, 14, 7).unwrap()
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// How a server behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Mood {
    Well,
    /// Refuses connections.
    Down,
    /// 503, and asks to be left alone for so many seconds.
    Overloaded(u32),
    /// A proxy's sign-in page.
    SignIn,
}

/// One Prometheus and one Alertmanager, in this process.
struct Servers {
    metrics: Mood,
    alertmanager: Mood,
    /// Names of the alerts that fire.
    firing: Vec<&'static str>,
    silences: Vec<Value>,
    /// Writes, as they came: method and path, body.
    writes: Vec<(String, Value)>,
    /// Requests to the Alertmanager, and when.
    asked: Vec<(String, DateTime<Utc>)>,
    clock: Clock,
}

#[derive(Clone)]
struct Net(Arc<Mutex<Servers>>);

fn ok(body: &Value) -> Response {
    Response {
        status: 200,
        headers: vec![("content-type".into(), "application/json".into())],
        body: body.to_string().into_bytes(),
    }
}

impl Transport for Net {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        let answer = self.0.lock().unwrap().answer(&request);
        Box::pin(std::future::ready(answer))
    }
}

impl Net {
    fn set(&self, change: impl FnOnce(&mut Servers)) {
        change(&mut self.0.lock().unwrap());
    }

    fn writes(&self) -> Vec<(String, Value)> {
        self.0.lock().unwrap().writes.clone()
    }

    fn asked(&self) -> usize {
        self.0.lock().unwrap().asked.len()
    }
}

impl Servers {
    fn answer(&mut self, request: &Request) -> Result<Response, TransportError> {
        let rest = request.url.strip_prefix("http://").unwrap();
        let (host, path) = rest.split_at(rest.find('/').unwrap());
        let path = path.split('?').next().unwrap();
        let mood = if host.starts_with("metrics") {
            self.metrics.clone()
        } else {
            self.asked.push((path.to_owned(), self.clock.now().utc));
            self.alertmanager.clone()
        };
        match mood {
            Mood::Well => {}
            Mood::Down => return Err(TransportError::Connect("connection refused".into())),
            Mood::Overloaded(seconds) => {
                return Ok(Response {
                    status: 503,
                    headers: vec![("retry-after".into(), seconds.to_string())],
                    body: b"too much".to_vec(),
                });
            }
            Mood::SignIn => {
                return Ok(Response {
                    status: 200,
                    headers: vec![("content-type".into(), "text/html; charset=utf-8".into())],
                    body: b"<!doctype html><title>Sign in</title>".to_vec(),
                });
            }
        }
        let body = match (request.method, path) {
            (_, "/api/v1/rules") => json!({"status": "success", "data": {"groups": []}}),
            (_, "/api/v1/query") => self.vector(request),
            (_, "/api/v1/query_range") => {
                json!({"status": "success", "data": {"resultType": "matrix", "result": []}})
            }
            (Method::Get, "/api/v2/status") => Self::status(),
            (Method::Get, "/api/v2/alerts/groups") => self.groups(),
            (Method::Get, "/api/v2/silences") => json!(self.silences),
            (Method::Post, "/api/v2/silences") => self.make(&request.body),
            (Method::Delete, path) => self.expire(path),
            _ => json!({"status": "error", "errorType": "not_found", "error": "no such thing"}),
        };
        Ok(ok(&body))
    }

    /// Every expression of a batch, told apart by its tag: one error in twenty requests.
    fn vector(&self, request: &Request) -> Value {
        let asked = format!("{} {}", request.url, String::from_utf8_lossy(&request.body));
        let tag = Regex::new(r"midwatch_slo%22%2C(?:\+|%20)%22(\d+%3A(\w+))%22").unwrap();
        let at = self.clock.now().utc.timestamp();
        let results = tag.captures_iter(&asked).map(|found| {
            let value = if &found[2] == "e" { "0.5" } else { "10" };
            json!({"metric": {"midwatch_slo": found[1].replace("%3A", ":")}, "value": [at, value]})
        });
        let results: Vec<Value> = results.collect();
        json!({"status": "success", "data": {"resultType": "vector", "result": results}})
    }

    fn status() -> Value {
        json!({
            "cluster": {"name": "a", "status": "ready", "peers": [{"name": "a", "address": "127.0.0.1:9094"}]},
            "config": {"original": ""},
            "uptime": stamp(start()),
            "versionInfo": {"branch": "", "buildDate": "", "buildUser": "", "goVersion": "", "revision": "", "version": "0.28.0"},
        })
    }

    fn groups(&self) -> Value {
        let groups = self.firing.iter().enumerate().map(|(n, name)| {
            let by: Vec<&Value> = self
                .silences
                .iter()
                .filter(|silence| silence["status"]["state"] == "active")
                .filter(|silence| {
                    let matchers = silence["matchers"].as_array().unwrap();
                    matchers
                        .iter()
                        .all(|m| m["name"] != "alertname" || m["value"] == **name)
                })
                .map(|silence| &silence["id"])
                .collect();
            let state = if by.is_empty() { "active" } else { "suppressed" };
            json!({"labels": {"alertname": name}, "receiver": {"name": "oncall"}, "alerts": [{
                "annotations": {"summary": "it is bad"},
                "startsAt": stamp(start() - TimeDelta::minutes(9)),
                "endsAt": stamp(self.clock.now().utc + TimeDelta::minutes(4)),
                "updatedAt": stamp(start() - TimeDelta::minutes(1)),
                "fingerprint": format!("{:016x}", n + 1),
                "receivers": [{"name": "oncall"}],
                "status": {"inhibitedBy": [], "mutedBy": [], "silencedBy": by, "state": state},
                "generatorURL": "",
                "labels": {"alertname": name, "service": "checkout", "severity": "warning"},
            }]})
        });
        Value::Array(groups.collect())
    }

    fn make(&mut self, body: &[u8]) -> Value {
        let mut silence: Value = serde_json::from_slice(body).unwrap();
        self.writes
            .push(("POST /api/v2/silences".to_owned(), silence.clone()));
        let known = silence["id"].as_str().map(str::to_owned);
        let id = known.unwrap_or_else(|| format!("00000000-0000-4000-8000-{:012}", self.writes.len()));
        self.silences.retain(|held| held["id"] != *id);
        silence["id"] = json!(id);
        silence["status"] = json!({"state": "active"});
        silence["updatedAt"] = json!(stamp(self.clock.now().utc));
        self.silences.push(silence);
        json!({ "silenceID": id })
    }

    fn expire(&mut self, path: &str) -> Value {
        self.writes.push((format!("DELETE {path}"), Value::Null));
        for silence in &mut self.silences {
            if path.ends_with(silence["id"].as_str().unwrap()) {
                silence["status"]["state"] = json!("expired");
                silence["endsAt"] = json!(stamp(self.clock.now().utc));
            }
        }
        Value::Null
    }
}

/// A screen that keeps the last frame as text, for whoever waits for it.
struct Recorder {
    frames: watch::Sender<String>,
    link: Arc<Link>,
}

/// The way to the terminal: it can stall while it sends a frame that holds a text.
#[derive(Default)]
struct Link {
    stalls_at: Mutex<Option<&'static str>>,
    stalled: AtomicBool,
    drained: Arc<Notify>,
    /// Frames that were handed on whole, and those of which the first row was.
    whole: AtomicUsize,
    first_row: AtomicUsize,
}

impl Link {
    /// How many of each there were since this was asked last.
    fn frames(&self) -> (usize, usize) {
        let taken = |count: &AtomicUsize| count.swap(0, Ordering::SeqCst);
        (taken(&self.whole), taken(&self.first_row))
    }

    fn goes_on(&self) {
        *self.stalls_at.lock().unwrap() = None;
        self.stalled.store(false, Ordering::SeqCst);
        self.drained.notify_one();
    }
}

impl Recorder {
    fn show(&self, frame: &Buffer) {
        let width = usize::from(frame.area.width.max(1));
        let rows = frame.content().chunks(width).map(|row| {
            let text: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
            text.trim_end().to_owned()
        });
        let text = rows.collect::<Vec<_>>().join("\n");
        let stalls = self.link.stalls_at.lock().unwrap();
        if stalls.is_some_and(|at| text.contains(at)) {
            self.link.stalled.store(true, Ordering::SeqCst);
        }
        self.frames.send_replace(text);
    }
}

impl Screen for Recorder {
    fn size(&self) -> Size {
        SIZE
    }

    fn is_ready(&self) -> bool {
        !self.link.stalled.load(Ordering::SeqCst)
    }

    fn drained(&self) -> Arc<Notify> {
        Arc::clone(&self.link.drained)
    }

    fn present(&mut self, frame: &Buffer, _cursor: Option<Position>) {
        self.link.whole.fetch_add(1, Ordering::SeqCst);
        self.show(frame);
    }

    fn present_row(&mut self, frame: &Buffer, y: u16) {
        assert_eq!(y, 0, "the clock stands in the first row");
        self.link.first_row.fetch_add(1, Ordering::SeqCst);
        self.show(frame);
    }

    fn invalidate(&mut self) {}

    fn ring(&mut self) {}

    fn copy(&mut self, _text: &str) -> Copied {
        Copied::Sent
    }

    fn lend(&mut self) {}

    fn take_back(&mut self) -> std::io::Result<()> {
        Ok(())
    }

    fn suspend(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Whoever sits at the terminal.
struct Person {
    net: Net,
    keys: mpsc::Sender<Input>,
    frames: watch::Receiver<String>,
    clock: Clock,
    link: Arc<Link>,
}

impl Person {
    async fn press(&self, keys: &str) {
        for chord in keymap::parse_sequence(keys).unwrap() {
            let key = crossterm::event::KeyEvent::new(chord.code, chord.modifiers);
            self.keys.send(Input::Key(key)).await.unwrap();
        }
    }

    /// Waits for a frame of which this holds.
    #[track_caller]
    fn until(&mut self, what: &str, holds: impl Fn(&str) -> bool) -> impl Future<Output = String> {
        let place = std::panic::Location::caller();
        async move {
            for _ in 0..STEPS {
                let frame = self.frames.borrow_and_update().clone();
                if holds(&frame) {
                    return frame;
                }
                self.frames.changed().await.unwrap();
            }
            panic!("{place}: never {what}:\n{}", *self.frames.borrow());
        }
    }

    #[track_caller]
    fn sees(&mut self, text: &'static str) -> impl Future<Output = String> {
        self.until(text, move |frame| frame.contains(text))
    }

    /// Lets so many seconds of the console's life go by.
    async fn watch(&mut self, seconds: i64) {
        let until = self.clock.now().utc + TimeDelta::seconds(seconds);
        let clock = self.clock;
        self.until("so late", move |_| clock.now().utc >= until).await;
    }
}

/// Runs the console over servers where these alerts fire, until the script is done and `q` has ended it.
async fn journey(firing: Vec<&'static str>, script: impl AsyncFnOnce(&mut Person)) {
    let clock = Clock::with_tokio(start());
    let net = Net(Arc::new(Mutex::new(Servers {
        metrics: Mood::Well,
        alertmanager: Mood::Well,
        firing,
        silences: Vec::new(),
        writes: Vec::new(),
        asked: Vec::new(),
        clock,
    })));
    let mut config = decode_text(CONFIG, None, &Environment::default()).unwrap().config;
    let state = tempfile::tempdir().unwrap();
    config.state_dir = Some(state.path().to_owned());
    let context = config.contexts["prod"].clone();
    let wires = Arc::new(Wires::only(Arc::new(net.clone())));
    let mut session = Session::open(Opening {
        backends: Backends::open(&context, &wires, clock),
        wires,
        config: Arc::new(config),
        context: Arc::new(context),
        clock,
        themes: Box::new(|name| Err(format!("no theme {name}"))),
        writer: Arc::new(|_| Box::pin(std::future::ready(Err("nobody writes".to_owned())))),
        signals: Signals::listen().unwrap(),
    });
    let books = state.path().join("books");
    std::fs::create_dir(&books).unwrap();
    std::fs::write(books.join("PoolExhausted.md"), RUNBOOK).unwrap();
    let runbooks = Policy {
        context: "prod".to_owned(),
        dir: Some(books),
        programs: vec![Program {
            written: "printf".to_owned(),
            path: Ok("/usr/bin/printf".into()),
            identity: None,
            takes: midwatch::runbook::command::Takes::Names,
        }],
        ..Policy::default()
    };
    let settings = Settings {
        context: "prod".to_owned(),
        contexts: vec!["prod".to_owned()],
        runbooks,
        alertmanagers: vec!["eu-0".into()],
        ..settings()
    };
    let keymap = Arc::new(keymap::load("default", None).unwrap());
    let model = Model::new(settings, keymap, Layout::default(), SIZE, clock.now());
    let (frames, seen) = watch::channel(String::new());
    let (keys, inputs) = mpsc::channel(64);
    let link = Arc::new(Link::default());
    let screen = Recorder {
        frames,
        link: Arc::clone(&link),
    };
    let theme = Theme::from_styles("plain", Glyphs::Unicode, |_| Style::new());
    let mut console = Box::new(Console::new(model, theme, screen, inputs, clock));
    let mut person = Person {
        net,
        keys,
        frames: seen,
        clock,
        link,
    };
    let told = async {
        script(&mut person).await;
        // A confirmation, where something is held, is answered as well.
        person.press("ctrl-c ctrl-c").await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        biased;
        ended = console.run(&mut session) => assert_eq!(ended, Ended::Quit),
        () = told => {}
    }
    assert!(console.model.quitting);
}

const RUNBOOK: &str =
    "# Pool\n\n- [ ] Look at the pool\n- [ ] Greet:\n\n  ```sh\n  printf {{ labels.alertname }}\n  ```\n";

#[tokio::test(start_paused = true)]
async fn at_rest_a_second_is_the_first_row_alone_until_somebody_looks_closer() {
    journey(vec!["PoolExhausted"], async |person| {
        person.sees("PoolExhausted").await;
        // What is said at the start has passed.
        person.watch(60).await;
        person.link.frames();
        person.watch(60).await;
        let (whole, first_row) = person.link.frames();
        assert!(first_row >= 40, "{whole} whole, {first_row} of the first row");
        assert!(
            (12..=30).contains(&whole),
            "{whole} whole, {first_row} of the first row"
        );
        let clock = person.clock.now().utc.format("%H:%M:%SZ").to_string();
        let frame = person.until("on time", move |frame| frame.contains(&clock)).await;
        assert!(frame.contains("PoolExhausted"), "{frame}");
        // A detail may show whatever it likes by the second.
        person.press("2 enter").await;
        person.sees("Acknowledgement").await;
        person.watch(2).await;
        person.link.frames();
        person.watch(10).await;
        let (whole, first_row) = person.link.frames();
        assert!(
            whole >= 10 && first_row == 0,
            "{whole} whole, {first_row} of the first row"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_runbook_is_opened_its_steps_are_ticked_and_its_command_asked_for() {
    journey(vec!["PoolExhausted"], async |person| {
        person.sees("PoolExhausted").await;
        person.press("2 o").await;
        person.sees("[ ] Look at the pool").await;
        person.sees("0 of 2 done").await;
        person.press("x").await;
        let frame = person.sees("[x] Look at the pool").await;
        assert!(
            frame.contains("  you 03:14Z") && frame.contains("1 of 2 done"),
            "{frame}"
        );
        person.press("enter").await;
        let frame = person.sees("Run this command?").await;
        assert!(
            frame.contains("/usr/bin/printf") && frame.contains("from the alert's alertname"),
            "{frame}"
        );
        person.press("n").await;
        person.sees("left undone").await;
        // It is there again when it is opened again.
        person.press("esc o").await;
        person.sees("[x] Look at the pool").await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn keys_that_arrive_with_the_one_that_asks_are_no_answer() {
    journey(vec!["PoolExhausted"], async |person| {
        person.sees("PoolExhausted").await;
        person.press("2 o").await;
        person.sees("[ ] Greet:").await;
        // As a link that was slow hands them over: all at once.
        person.press("j c Y enter Y y").await;
        let frame = person.sees("Run this command?").await;
        assert!(!frame.contains("printf runs"), "{frame}");
        person.watch(2).await;
        person.press("esc").await;
        person.sees("left undone").await;
        person.press("c").await;
        person.sees("Run this command?").await;
        person.press("Y").await;
        person.sees("typed before it could be read").await;
        person.watch(1).await;
        person.press("Y").await;
        // Time that stands still while nothing happens may be over before a process is.
        person
            .until("run", |frame| {
                frame.contains("exit status 0") || frame.contains("killed")
            })
            .await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_still_on_its_way_to_the_terminal_is_not_answered() {
    journey(vec!["PoolExhausted"], async |person| {
        person.sees("PoolExhausted").await;
        person.press("2 o").await;
        person.sees("[ ] Greet:").await;
        *person.link.stalls_at.lock().unwrap() = Some("Run this command?");
        person.press("j c").await;
        person.sees("Run this command?").await;
        let late = person.clock.now().utc + TimeDelta::seconds(20);
        while person.clock.now().utc < late {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        person.press("Y").await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        person.link.goes_on();
        let frame = person.sees("typed before it could be read").await;
        assert!(frame.contains("Run this command?"), "{frame}");
        person.watch(1).await;
        person.press("Y").await;
        person
            .until("run", |frame| {
                frame.contains("exit status 0") || frame.contains("killed")
            })
            .await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_start_shows_what_the_servers_say() {
    journey(vec!["PoolExhausted", "QueueBacklog"], async |person| {
        person.sees("midwatch").await;
        person.sees("PoolExhausted").await;
        person.sees("QueueBacklog").await;
        let frame = person.until("measured", |frame| frame.contains("PAGE")).await;
        assert!(frame.contains("checkout"), "{frame}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_key_makes_a_silence_and_the_row_shows_who_has_it() {
    journey(vec!["PoolExhausted"], async |person| {
        person.sees("PoolExhausted").await;
        person.press("2 a").await;
        let frame = person.sees("acked you").await;
        assert!(!frame.contains("unacked"), "{frame}");
        let writes = person.net.writes();
        assert_eq!(writes.len(), 1, "{writes:?}");
        let (call, body) = &writes[0];
        assert_eq!(call, "POST /api/v2/silences");
        assert!(body["comment"].as_str().unwrap().starts_with("ACK!"), "{body}");
        assert_eq!(body["createdBy"], "jun@example.com");
        let name = body["matchers"]
            .as_array()
            .unwrap()
            .iter()
            .find(|m| m["name"] == "alertname");
        assert_eq!(name.unwrap()["value"], "PoolExhausted");
        // Held while somebody is here: a key a minute, and it is extended before it lapses.
        for _ in 0..12 {
            person.watch(60).await;
            person.press("j").await;
        }
        let writes = person.net.writes();
        assert_eq!(writes.len(), 2, "{writes:?}");
        assert!(
            writes[1].1["id"].is_string(),
            "extended in place: {}",
            writes[1].1
        );
        // Handed back, it alerts again, and is not extended any more.
        person.press("A").await;
        person.sees("unacked").await;
        assert!(person.net.writes()[2].0.starts_with("DELETE /api/v2/silence/"));
        person.watch(120).await;
        assert_eq!(person.net.writes().len(), 3, "{:?}", person.net.writes());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_goes_down_leaves_its_rows_marked_with_the_cause_and_comes_back() {
    journey(vec!["PoolExhausted"], async |person| {
        person.sees("PoolExhausted").await;
        person.net.set(|servers| servers.alertmanager = Mood::Down);
        person.press("R").await;
        let frame = person.sees("connection ref").await;
        assert!(frame.contains("PoolExhausted"), "the last rows stay:\n{frame}");
        let frame = person.sees("stale").await;
        assert!(frame.contains("PoolExhausted"), "{frame}");
        person.net.set(|servers| {
            servers.alertmanager = Mood::Well;
            servers.firing = vec!["PoolExhausted", "QueueBacklog"];
        });
        let frame = person.sees("QueueBacklog").await;
        assert!(!frame.contains("connection refused"), "{frame}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_to_be_left_alone_is_left_alone() {
    journey(vec!["PoolExhausted"], async |person| {
        person.sees("PoolExhausted").await;
        person
            .net
            .set(|servers| servers.alertmanager = Mood::Overloaded(300));
        person.press("R").await;
        let frame = person.sees("503").await;
        assert!(frame.contains("PoolExhausted"), "{frame}");
        let asked = person.net.asked();
        person.net.set(|servers| servers.alertmanager = Mood::Well);
        person.watch(250).await;
        assert_eq!(person.net.asked(), asked, "not once within the time it asked for");
        person.until("well again", |frame| !frame.contains("503")).await;
        assert!(person.net.asked() > asked);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_page_is_no_empty_queue() {
    journey(vec!["PoolExhausted"], async |person| {
        person.sees("PoolExhausted").await;
        person.net.set(|servers| servers.alertmanager = Mood::SignIn);
        person.press("R").await;
        let frame = person.sees("sign").await;
        assert!(frame.contains("PoolExhausted"), "{frame}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_that_cannot_be_sent_is_kept_and_sent_once_when_it_can() {
    journey(vec!["PoolExhausted"], async |person| {
        person.sees("PoolExhausted").await;
        person.net.set(|servers| servers.alertmanager = Mood::Down);
        person.press("2 a").await;
        person.sees("ack…").await;
        person.watch(120).await;
        let frame = person.sees("ack…").await;
        assert!(!frame.contains("acked"), "{frame}");
        assert_eq!(person.net.writes().len(), 0);
        person.net.set(|servers| servers.alertmanager = Mood::Well);
        person.until("an end", |frame| !frame.contains("ack…")).await;
        person.watch(120).await;
        assert_eq!(person.net.writes().len(), 1, "once");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nobody_answering_is_said_for_every_pane() {
    journey(Vec::new(), async |person| {
        person.net.set(|servers| {
            servers.metrics = Mood::Down;
            servers.alertmanager = Mood::Down;
        });
        person.press("R").await;
        person
            .until("both causes", |frame| {
                frame.matches("connection refused").count() >= 2
            })
            .await;
    })
    .await;
}
