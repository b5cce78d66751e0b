//! A Loki made from its API's documentation and source: limits, error texts and habits included; faults on demand.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

/// A line that was sent: when, by whom, what.
pub(super) type Sent = (i64, &'static str, String);

/// What goes wrong, and how the server is set up.
#[derive(Clone, Default)]
pub(super) struct Script {
    /// `max_entries_limit_per_query`.
    pub(super) entries: usize,
    /// `max_query_length` in nanoseconds.
    pub(super) length: Option<i64>,
    /// Tails are cut after so long, without a word.
    pub(super) cut: Option<Duration>,
    /// Each n-th line of a tail is dropped, and said so.
    pub(super) drop_each: Option<usize>,
    /// Tails are closed right away, for this reason.
    pub(super) close: Option<&'static str>,
    /// Upgrades are answered so instead.
    pub(super) refuse: Option<(u16, &'static str)>,
    /// Queries are answered so instead.
    pub(super) broken: Option<(u16, &'static str)>,
    /// Tails say nothing once they are open, and hear nothing.
    pub(super) frozen: bool,
    /// Queries are never answered.
    pub(super) mute: bool,
    /// Queries are answered so late.
    pub(super) slow: Option<Duration>,
    /// The first frame of a tail is this.
    pub(super) garbage: Option<&'static str>,
    /// The flag for categories is not known.
    pub(super) old: bool,
    /// Lines of a frame of a tail at most; one where nothing is said.
    pub(super) frame: usize,
}

/// A question: its path, its parameters, and its headers as they came.
struct Asked {
    path: String,
    pairs: Vec<(String, String)>,
    head: String,
}

/// A connection, in the clear or in TLS.
pub(super) trait Wired: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wired for T {}

struct State {
    lines: Mutex<Vec<Sent>>,
    count: watch::Sender<usize>,
    script: Mutex<Script>,
    asked: Mutex<Vec<Asked>>,
    tails: Mutex<usize>,
}

/// A server that runs until it is dropped.
pub(super) struct Server {
    pub(super) url: String,
    state: Arc<State>,
    _tasks: JoinSet<()>,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panicked")
}

impl Server {
    pub(super) async fn start(script: Script) -> Self {
        Self::listen(script, None).await
    }

    /// The same behind TLS.
    pub(super) async fn start_tls(script: Script, acceptor: TlsAcceptor) -> Self {
        Self::listen(script, Some(acceptor)).await
    }

    async fn listen(script: Script, acceptor: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(State {
            lines: Mutex::default(),
            count: watch::Sender::new(0),
            script: Mutex::new(Script {
                entries: if script.entries == 0 {
                    5_000
                } else {
                    script.entries
                },
                ..script
            }),
            asked: Mutex::default(),
            tails: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        let shared = Arc::clone(&state);
        tasks.spawn(async move {
            let mut serving = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let (shared, acceptor) = (Arc::clone(&shared), acceptor.clone());
                serving.spawn(async move {
                    match acceptor {
                        None => serve(shared, socket).await,
                        // who does not trust us, or is not trusted, goes away
                        Some(acceptor) => {
                            if let Ok(socket) = acceptor.accept(socket).await {
                                serve(shared, socket).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            url,
            state,
            _tasks: tasks,
        }
    }

    /// A line arrives.
    pub(super) fn push(&self, at: i64, app: &'static str, text: impl Into<String>) {
        held(&self.state.lines).push((at, app, text.into()));
        self.state.count.send_modify(|count| *count += 1);
    }

    pub(super) fn script(&self, change: impl FnOnce(&mut Script)) {
        change(&mut held(&self.state.script));
    }

    /// Values of a parameter in the questions to a path, oldest first.
    pub(super) fn asked(&self, path: &str, name: &str) -> Vec<String> {
        let asked = held(&self.state.asked);
        let to = asked.iter().filter(|asked| asked.path.ends_with(path));
        let pairs = to.flat_map(|asked| asked.pairs.iter().filter(|(n, _)| n == name));
        pairs.map(|(_, value)| value.clone()).collect()
    }

    /// A header of every question so far, with its path; nothing where a question lacks it.
    pub(super) fn headers(&self, name: &str) -> Vec<(String, Option<String>)> {
        let asked = held(&self.state.asked);
        let pairs = asked
            .iter()
            .map(|asked| (asked.path.clone(), header(&asked.head, name)));
        pairs.collect()
    }

    /// Waits until so many tails were opened in all.
    pub(super) async fn tails(&self, count: usize) {
        let mut changes = self.state.count.subscribe();
        while *held(&self.state.tails) < count {
            changes.changed().await.expect("it runs");
        }
    }
}

async fn serve(state: Arc<State>, mut socket: impl Wired) {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = socket.read_u8().await else { return };
            head.push(byte);
        }
        let head = String::from_utf8(head).expect("a head is text");
        let target = head.split(' ').nth(1).expect("a target");
        let url = reqwest::Url::parse(&format!("http://loki{target}")).expect("a URL");
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        held(&state.asked).push(Asked {
            path: url.path().to_owned(),
            pairs: pairs.clone(),
            head: head.clone(),
        });
        let param = |name: &str| pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        let script = held(&state.script).clone();
        if url.path().ends_with("/tail") {
            if let Some((status, body)) = script.refuse {
                respond(&mut socket, status, "text/plain", body).await;
                continue;
            }
            let key = header(&head, "sec-websocket-key").expect("a key");
            let accept = derive_accept_key(key.as_bytes());
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            );
            if socket.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
            tail(&state, script, socket).await;
            return;
        }
        if script.mute {
            std::future::pending::<()>().await;
        }
        if let Some(wait) = script.slow {
            tokio::time::sleep(wait).await;
        }
        if let Some((status, body)) = script.broken {
            respond(&mut socket, status, "text/plain; charset=utf-8", body).await;
            continue;
        }
        if url.path().ends_with("/labels") {
            let body = json!({"status": "success", "data": ["app", "namespace"]}).to_string();
            respond(&mut socket, 200, "application/json", &body).await;
            continue;
        }
        let number = |name: &str| param(name).and_then(|text| text.parse::<i64>().ok());
        let (start, end) = (number("start").expect("start"), number("end").expect("end"));
        let limit = number("limit")
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(100);
        if script.length.is_some_and(|length| end - start > length) {
            let words = "the query time range exceeds the limit (query length: 999h0m0s, limit: 1h)";
            respond(&mut socket, 400, "text/plain", words).await;
            continue;
        }
        if limit > script.entries {
            let words = format!(
                "max entries limit per query exceeded, limit > max_entries_limit_per_query ({limit} > {})",
                script.entries
            );
            respond(&mut socket, 400, "text/plain", &words).await;
            continue;
        }
        let found: Vec<Sent> = {
            // millions of lines may be held: none is copied that is not told
            let lines = held(&state.lines);
            let mut found: Vec<&Sent> = lines
                .iter()
                .filter(|(at, ..)| (start..end).contains(at))
                .collect();
            found.sort_by_key(|(at, ..)| *at);
            if param("direction").as_deref() != Some("forward") {
                found.reverse();
            }
            found.into_iter().take(limit).cloned().collect()
        };
        let body = answer(&found, script.old).to_string();
        respond(&mut socket, 200, "application/json", &body).await;
    }
}

fn header(head: &str, name: &str) -> Option<String> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    let found = lines.find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim().to_owned())
}

async fn respond(socket: &mut impl Wired, status: u16, kind: &str, body: &str) {
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let _ = socket.write_all(head.as_bytes()).await;
    let _ = socket.write_all(body.as_bytes()).await;
}

fn value(at: i64, text: &str, old: bool) -> Value {
    if old {
        json!([at.to_string(), text])
    } else {
        json!([at.to_string(), text, {"structuredMetadata": {"detected_level": "info"}}])
    }
}

fn flags(old: bool) -> Value {
    if old {
        json!(null)
    } else {
        json!(["categorize-labels"])
    }
}

/// Streams for themselves, as the server sends them.
fn answer(found: &[Sent], old: bool) -> Value {
    json!({"status": "success", "data": {"resultType": "streams", "encodingFlags": flags(old), "result": streams(found, old)}})
}

fn streams(found: &[Sent], old: bool) -> Value {
    let mut apps: Vec<&str> = found.iter().map(|(_, app, _)| *app).collect();
    apps.sort_unstable();
    apps.dedup();
    let streams: Vec<Value> = apps
        .into_iter()
        .map(|app| {
            let of = found.iter().filter(|(_, theirs, _)| *theirs == app);
            let values: Vec<Value> = of.map(|(at, _, text)| value(*at, text, old)).collect();
            json!({"stream": {"app": app, "namespace": "prod"}, "values": values})
        })
        .collect();
    json!(streams)
}

/// Only what arrives while it is open: the history that a real one sends is its best effort.
async fn tail(state: &State, script: Script, socket: impl Wired) {
    let mut stream = WebSocketStream::from_raw_socket(socket, Role::Server, None).await;
    let mut news = state.count.subscribe();
    let mut told = held(&state.lines).len();
    *held(&state.tails) += 1;
    state.count.send_modify(|_| {});
    if let Some(reason) = script.close {
        let frame = CloseFrame {
            code: CloseCode::Error,
            reason: reason.into(),
        };
        let _ = stream.close(Some(frame)).await;
        return;
    }
    if script.frozen {
        return std::future::pending().await;
    }
    if let Some(garbage) = script.garbage {
        let _ = stream.send(Message::text(garbage)).await;
    }
    let cut = tokio::time::sleep(script.cut.unwrap_or(Duration::from_secs(3_600)));
    tokio::pin!(cut);
    let mut ping = tokio::time::interval(Duration::from_secs(1));
    let mut dropped: Vec<Value> = Vec::new();
    loop {
        tokio::select! {
            () = &mut cut => return,
            _ = ping.tick() => {
                if stream.send(Message::Ping(Vec::new().into())).await.is_err() {
                    return;
                }
            }
            heard = stream.next() => match heard {
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            },
            heard = news.changed() => {
                if heard.is_err() {
                    return;
                }
                let new: Vec<Sent> = held(&state.lines)[told..].to_vec();
                for sent in new.chunks(script.frame.max(1)) {
                    let mut kept = Vec::with_capacity(sent.len());
                    for line in sent {
                        told += 1;
                        if script.drop_each.is_some_and(|each| told.is_multiple_of(each)) {
                            dropped.push(json!({"labels": {"app": line.1}, "timestamp": line.0.to_string()}));
                        } else {
                            kept.push(line.clone());
                        }
                    }
                    if kept.is_empty() {
                        continue;
                    }
                    let mut frame = json!({
                        "streams": streams(&kept, script.old),
                        "encodingFlags": flags(script.old),
                    });
                    if !dropped.is_empty() {
                        frame["dropped_entries"] = json!(std::mem::take(&mut dropped));
                    }
                    if stream.send(Message::text(frame.to_string())).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}
