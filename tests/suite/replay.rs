//! A session of the simulated production, recorded and played: the same screens, byte for byte.
//!
//! Everything is the real thing: the demo's own servers (spoken to in this process, over HTTP), the real session and
//! loop, a real file. Time is paused, so a minute of a console's life takes as long as its work.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use chrono::{DateTime, TimeZone, Utc};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use midwatch::app::focus::Layout;
use midwatch::app::toast::Level;
use midwatch::app::{Model, Settings};
use midwatch::backend::Backends;
use midwatch::backend::http::{Method, Reply, Request, Response, Transport, TransportError, Way, Wires};
use midwatch::config::{self, Config, Context, Environment, Flags};
use midwatch::demo::clock::DemoClock;
use midwatch::demo::world::Scenario;
use midwatch::demo::{Demo, DemoOptions};
use midwatch::keymap;
use midwatch::record::format::Header;
use midwatch::record::{self, Ending, Recording, Strictness, Tape, Tapped};
use midwatch::runtime::console::Console;
use midwatch::runtime::layout_file;
use midwatch::runtime::replay::{self, Staging};
use midwatch::runtime::session::{Opening, Session};
use midwatch::terminal::signals::Signals;
use midwatch::terminal::{Copied, Input, Screen};
use midwatch::theme::{Glyphs, Theme};
use midwatch::time::Clock;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Size};
use ratatui::style::Style;
use regex::Regex;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

use crate::fixtures;

const SIZE: Size = Size {
    width: 120,
    height: 40,
};
/// How long a server takes.
const LATENCY: Duration = Duration::from_millis(7);

fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, 3, 14, 7).unwrap()
}

/// The demo's servers, each request over a connection of its own that leaves no process.
struct InProcess {
    servers: BTreeMap<String, Router>,
    connections: Mutex<JoinSet<()>>,
}

impl InProcess {
    async fn sent(&self, request: Request) -> Result<hyper::Response<hyper::body::Incoming>, TransportError> {
        let (base, router) = self
            .servers
            .iter()
            .find(|(base, _)| request.url.starts_with(base.as_str()))
            .ok_or_else(|| TransportError::Connect("connection refused".to_owned()))?;
        let path = request.url.strip_prefix(base.as_str()).unwrap().to_owned();
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let service = TowerToHyperService::new(router.clone());
        let served = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(theirs), service)
            .with_upgrades();
        let broken = |error: hyper::Error| TransportError::Broken(error.to_string());
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(ours))
            .await
            .map_err(broken)?;
        {
            let mut connections = self.connections.lock().unwrap();
            while connections.try_join_next().is_some() {}
            connections.spawn(served.map(drop));
            connections.spawn(connection.with_upgrades().map(drop));
        }
        let method = match request.method {
            Method::Get => hyper::Method::GET,
            Method::Post => hyper::Method::POST,
            Method::Put => hyper::Method::PUT,
            Method::Delete => hyper::Method::DELETE,
        };
        let mut outgoing = hyper::Request::builder()
            .method(method)
            .uri(path)
            .header("host", "demo.example");
        for (name, value) in &request.headers {
            outgoing = outgoing.header(name, value);
        }
        let outgoing = outgoing.body(axum::body::Body::from(request.body)).unwrap();
        tokio::time::sleep(LATENCY).await;
        sender.send_request(outgoing).await.map_err(broken)
    }
}

fn headers(response: &hyper::Response<hyper::body::Incoming>) -> Vec<(String, String)> {
    let pairs = response.headers().iter();
    pairs
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect()
}

async fn whole(response: hyper::Response<hyper::body::Incoming>) -> Response {
    let (status, headers) = (response.status().as_u16(), headers(&response));
    let body = axum::body::Body::new(response.into_body());
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
    Response {
        status,
        headers,
        body,
    }
}

impl Transport for InProcess {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move { Ok(whole(self.sent(request).await?).await) })
    }

    fn open(&self, request: Request, way: Way) -> BoxFuture<'_, Result<Reply, TransportError>> {
        Box::pin(async move {
            let response = self.sent(request).await?;
            if way == Way::Socket && response.status() == hyper::StatusCode::SWITCHING_PROTOCOLS {
                let headers = headers(&response);
                let upgraded = hyper::upgrade::on(response).await.unwrap();
                return Ok(Reply::Socket {
                    socket: Box::new(TokioIo::new(upgraded)),
                    headers,
                });
            }
            Ok(Reply::Whole(whole(response).await))
        })
    }
}

/// Frames with their moments, of each moment the last.
type Frames = Arc<Mutex<Vec<(Duration, String)>>>;

struct Recorder {
    clock: Clock,
    frames: Frames,
}

impl Screen for Recorder {
    fn size(&self) -> Size {
        SIZE
    }

    fn is_ready(&self) -> bool {
        true
    }

    fn drained(&self) -> Arc<Notify> {
        Arc::default()
    }

    fn present(&mut self, frame: &Buffer, _cursor: Option<Position>) {
        let at = self.clock.tick().0;
        let mut frames = self.frames.lock().unwrap();
        frames.retain(|(earlier, _)| *earlier != at);
        frames.push((at, replay::text(frame)));
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

fn settings(config: &Config, context: &Context) -> Settings {
    Settings {
        context: context.name.clone(),
        contexts: config.contexts.keys().cloned().collect(),
        alertmanagers: context
            .alertmanagers
            .iter()
            .map(|source| Arc::from(source.name.as_str()))
            .collect(),
        logs: context.logs.as_ref().map(|_| Arc::from("logs")),
        traces: context.traces.as_ref().map(|_| Arc::from("traces")),
        incidents: context.incidents.as_ref().map(|_| Arc::from("incidents")),
        annotations: context.annotations.as_ref().map(|_| Arc::from("annotations")),
        ..fixtures::settings()
    }
}

fn plain() -> Theme {
    Theme::from_styles("plain", Glyphs::Unicode, |_| Style::new())
}

/// Somebody looks around in the demo: what was pressed when, in seconds.
const SCRIPT: [(u64, &str); 12] = [
    (2, "j"),
    (3, "enter"),
    (5, "esc"),
    (6, "2"),
    (7, "j j enter"),
    (9, "esc"),
    (10, "a"),
    (13, "3"),
    (14, "k k"),
    (16, "5"),
    (17, "enter"),
    (20, "esc 4"),
];
const UNTIL: Duration = Duration::from_secs(24);

/// Records a session of the demo; what it showed.
fn record_demo(path: &Path) -> Vec<(Duration, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let frames = Frames::default();
    runtime.block_on(async {
        let clock = Clock::with_tokio(start());
        let demo = Demo::bind(DemoOptions {
            scenario: Scenario::default(),
            seed: 1,
            clock: DemoClock::Live(clock),
            anchor: None,
        })
        .await
        .unwrap();
        let flags = Flags {
            config: Some(demo.announcement().config.clone()),
            ..Flags::default()
        };
        let config = config::load(&flags, &Environment::default()).unwrap().config;
        let context = config.context(None).unwrap().clone();
        let (servers, _files) = demo.in_process();
        let servers = InProcess {
            servers,
            connections: Mutex::default(),
        };
        let header = Header {
            midwatch: "0.0.0".to_owned(),
            utc: start(),
            opened: 0,
            seed: clock.seed(),
            context: context.name.clone(),
            config: record::keepable(&config),
            width: SIZE.width,
            height: SIZE.height,
            layout: layout_file::render(&Layout::default()),
            keymap: "default".to_owned(),
            keymap_text: None,
            ascii: false,
            drill: None,
        };
        let tape = Tape::create(path, header, clock).unwrap();
        let wires = Arc::new(Wires::only(Arc::new(Tapped::new(Arc::new(servers), tape.tap()))));
        let keymap = Arc::new(keymap::load("default", None).unwrap());
        let layout = layout_file::parse("");
        let mut model = Model::new(settings(&config, &context), keymap, layout, SIZE, clock.now());
        model
            .toasts
            .say(Level::Info, record::SAID.to_owned(), clock.tick());
        let mut session = Session::open(Opening {
            backends: Backends::open(&context, &wires, clock),
            wires,
            config: Arc::new(config),
            context: Arc::new(context),
            clock,
            themes: Box::new(|name| Err(format!("no theme {name}"))),
            writer: Arc::new(|_| Box::pin(std::future::ready(Err("nobody writes".to_owned())))),
            signals: Signals::silent(),
        });
        let (keys, inputs) = mpsc::channel(64);
        let screen = Recorder {
            clock,
            frames: Arc::clone(&frames),
        };
        let mut console = Console::new(model, plain(), screen, inputs, clock);
        console.tap = Some(tape.tap());
        console.draw(clock.now());
        let person = async {
            for (at, sequence) in SCRIPT {
                tokio::time::sleep(Duration::from_secs(at).saturating_sub(clock.tick().0)).await;
                for chord in keymap::parse_sequence(sequence).unwrap() {
                    let key = crossterm::event::KeyEvent::new(chord.code, chord.modifiers);
                    keys.send(Input::Key(key)).await.unwrap();
                }
            }
            tokio::time::sleep(UNTIL.saturating_sub(clock.tick().0)).await;
        };
        tokio::select! {
            biased;
            ended = console.run(&mut session) => panic!("ended: {ended:?}"),
            () = person => {}
        }
        let summary = tape.finish().await;
        assert_eq!((summary.lost, summary.trouble), (0, None));
    });
    let frames = frames.lock().unwrap();
    frames.clone()
}

/// Plays it; what it shows.
fn play(path: &Path) -> Vec<(Duration, String)> {
    play_from(path, Duration::ZERO)
}

/// The same, drawn from a moment on.
fn play_from(path: &Path, from: Duration) -> Vec<(Duration, String)> {
    let recording = Arc::new(Recording::open(path, Strictness::Whole).unwrap());
    assert_eq!(recording.ending, Ending::Orderly);
    let state = tempfile::tempdir().unwrap();
    let mut shown = Vec::new();
    let staging = Staging {
        config: record::readable(&recording.header.config).unwrap(),
        keymap: Arc::new(keymap::load("default", None).unwrap()),
        theme: plain(),
        themes: Arc::new(|_| Ok(plain())),
        settings,
        state_dir: state.path().to_owned(),
        size: None,
        from,
        stop: tokio_util::sync::CancellationToken::new(),
        recording,
    };
    replay::play(staging, |frame| {
        shown.push((frame.at, replay::text(&frame.frame)));
        ControlFlow::Continue(())
    })
    .unwrap();
    shown
}

/// The frame that stands at a moment, but for lines a second: they are counted over moving seconds, and an event of a
/// replay may come a millisecond later than it did.
fn standing(frames: &[(Duration, String)], at: Duration) -> String {
    let rate = Regex::new(r"live · +\d+/s").unwrap();
    let standing = frames.iter().take_while(|(shown, _)| *shown <= at).last();
    standing.map_or(String::new(), |(_, text)| {
        rate.replace_all(text, "live · so many").into_owned()
    })
}

fn differing(one: &str, other: &str) -> String {
    let rows = one.lines().zip(other.lines()).enumerate();
    let rows = rows.filter(|(_, (one, other))| one != other);
    let rows = rows.map(|(row, (one, other))| format!("{row}: {one}\n{row}: {other}\n"));
    rows.collect::<Vec<_>>().concat()
}

#[test]
fn a_recorded_demo_session_plays_the_same_screens_twice_and_those_that_it_showed() {
    let dir = tempfile::tempdir().unwrap();
    let path: PathBuf = dir.path().join("session.mwr");
    let seen = record_demo(&path);
    assert!(seen.len() > 20, "{}", seen.len());
    let first = play(&path);
    let second = play(&path);
    for ((at, one), (then, other)) in first.iter().zip(&second) {
        assert_eq!(at, then, "{}", differing(one, other));
        assert_eq!(one, other, "{at:?}\n{}", differing(one, other));
    }
    assert_eq!(first.len(), second.len());
    // Where somebody goes back to, nothing was drawn before, and everything is as it was.
    let from = UNTIL / 2;
    let late: Vec<_> = first.iter().filter(|(at, _)| from <= *at).cloned().collect();
    assert!(late.len() > 5 && late.len() < first.len(), "{}", late.len());
    assert_eq!(play_from(&path, from), late);
    // A little behind each second: what comes at once comes one behind the other in a replay.
    let mut differ = Vec::new();
    for second in 1..UNTIL.as_secs() {
        let at = Duration::from_millis(second * 1_000 + 700);
        let (there, here) = (standing(&seen, at), standing(&first, at));
        if there != here {
            differ.push(format!("{at:?}\n{}", differing(&there, &here)));
        }
    }
    assert!(
        differ.is_empty(),
        "{} of 54:\n{}",
        differ.len(),
        differ.join("\n")
    );
    for words in ["checkout", "midwatch", "not in the recording"] {
        let is_there = first.iter().any(|(_, text)| text.contains(words));
        assert_eq!(is_there, words != "not in the recording", "{words}");
    }
}
