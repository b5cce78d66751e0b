//! The websocket tail: what was said since the last look, four times a second, and what a reader did not get.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::extract::{Query as Asked, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::{SinkExt as _, StreamExt as _};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use serde_json::{Value as Json, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role};

use super::http::{Encoding, encoding, streams};
use super::logql::LogQuery;
use super::params::{Direction, Params, Range, Refused, bad};
use super::select::Found;
use super::{Loki, MAX_TAILS, SECOND, Shared};
use crate::demo::world::logs::BURSTING;

/// How often is looked for new lines.
const LOOK: Duration = Duration::from_millis(250);
/// How often the server pings.
const PING: Duration = Duration::from_secs(1);
/// How long a tail lasts.
const LASTS: Duration = Duration::from_secs(3_600);
/// Lines of a message.
const PER_MESSAGE: usize = 100;
/// Messages that wait for a reader; what comes beyond is dropped.
const WAITING: usize = 10;
/// Dropped lines that are told of.
const TOLD: usize = 1_000;
/// Lines a second of a stream of the bursting service that come through.
const BURST: u64 = 20;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// What is tailed.
struct Tail {
    query: LogQuery,
    from: i64,
    limit: usize,
    delay: i64,
    encoding: Encoding,
}

/// A place among the tails that may be open at once.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// `GET /loki/api/v1/tail`.
pub async fn tail(
    State(loki): State<Shared>,
    headers: HeaderMap,
    Asked(asked): Asked<Vec<(String, String)>>,
    mut request: Request,
) -> Result<Response, Refused> {
    let params = Params(asked);
    let now = loki.now();
    let tail = Tail {
        query: params.log_query("unsupported tail expression, only log queries are supported")?,
        from: params.tail_start(now)?,
        limit: params.limit()?,
        delay: params.delay()?,
        encoding: encoding(&headers),
    };
    if headers
        .get("x-scope-orgid")
        .is_some_and(|tenant| tenant.as_bytes().contains(&b'|'))
    {
        return Err(bad("multiple org IDs present"));
    }
    let says = |name: header::HeaderName, word: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.to_ascii_lowercase().contains(word))
    };
    let key = headers.get(header::SEC_WEBSOCKET_KEY);
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let (true, true, Some(key), Some(upgrade)) = (
        says(header::CONNECTION, "upgrade"),
        says(header::UPGRADE, "websocket"),
        key,
        upgrade,
    ) else {
        return Err(bad("Bad Request"));
    };
    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes())).map_err(|_| bad("Bad Request"))?;
    let shared = Arc::clone(&loki);
    let mut tails = loki.tails.lock().unwrap_or_else(PoisonError::into_inner);
    while tails.try_join_next().is_some() {}
    tails.spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
            serve(&shared, tail, socket).await;
        }
    });
    let headers = [
        (header::CONNECTION, HeaderValue::from_static("Upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers).into_response())
}

/// Serves a tail to its end.
async fn serve(loki: &Loki, tail: Tail, mut socket: Socket) {
    let others = loki.open.fetch_add(1, Ordering::AcqRel);
    let _place = Place(Arc::clone(&loki.open));
    let why = if others >= MAX_TAILS {
        let count = others + 1;
        Some(format!(
            "max concurrent tail requests limit exceeded, count > limit ({count} > {MAX_TAILS})"
        ))
    } else {
        run(loki, tail, &mut socket).await
    };
    if let Some(why) = why {
        let frame = CloseFrame {
            code: CloseCode::Error,
            reason: why.into(),
        };
        // The reader may be gone already.
        let _ = socket.close(Some(frame)).await;
    }
}

/// Sends until the reader is gone, or the server has enough of it, and why.
async fn run(loki: &Loki, tail: Tail, socket: &mut Socket) -> Option<String> {
    let mut look = tokio::time::interval(LOOK);
    let mut ping = tokio::time::interval(PING);
    let mut sender = Sender::new(loki, tail);
    let mut next = sender.history();
    let end = tokio::time::sleep(LASTS);
    tokio::pin!(end);
    loop {
        for message in std::mem::take(&mut next) {
            socket.send(Message::text(message.to_string())).await.ok()?;
        }
        tokio::select! {
            () = &mut end => return Some("reached tail max duration limit".to_owned()),
            _ = look.tick() => next = sender.news(),
            _ = ping.tick() => socket.send(Message::Ping(Vec::new().into())).await.ok()?,
            heard = socket.next() => match heard {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            },
        }
    }
}

/// What a tail has sent and what it has not.
struct Sender<'a> {
    loki: &'a Loki,
    tail: Tail,
    /// Up to where lines were looked at.
    upto: i64,
    /// Lines of each stream of the bursting service in its second.
    bursts: BTreeMap<usize, (i64, u64)>,
}

impl<'a> Sender<'a> {
    fn new(loki: &'a Loki, tail: Tail) -> Self {
        let upto = loki.now() - tail.delay;
        Self {
            loki,
            tail,
            upto,
            bursts: BTreeMap::new(),
        }
    }

    /// The newest lines from the start that was asked for up to now: no more than the limit.
    fn history(&mut self) -> Vec<Json> {
        let range = Range {
            from: self.tail.from,
            to: self.upto,
        };
        let (mut found, _) = self
            .loki
            .select(&self.tail.query, range, Direction::Backward, self.tail.limit);
        found.reverse();
        self.messages(&found, &[])
    }

    /// What was said since.
    fn news(&mut self) -> Vec<Json> {
        let range = Range {
            from: self.upto.max(self.tail.from),
            to: self.loki.now() - self.tail.delay,
        };
        if range.to <= range.from {
            return Vec::new();
        }
        let (found, _) = self
            .loki
            .select(&self.tail.query, range, Direction::Forward, usize::MAX);
        self.upto = range.to;
        let (mut sent, mut dropped) = (Vec::new(), Vec::new());
        for line in found {
            if self.bursts_out(&line) || sent.len() >= PER_MESSAGE * WAITING {
                dropped.push(line);
            } else {
                sent.push(line);
            }
        }
        dropped.truncate(TOLD);
        self.messages(&sent, &dropped)
    }

    fn bursts_out(&mut self, line: &Found) -> bool {
        if self.loki.service(line.stream) != BURSTING {
            return false;
        }
        let second = line.at.div_euclid(SECOND);
        let (of, count) = self.bursts.entry(line.stream).or_default();
        if *of != second {
            (*of, *count) = (second, 0);
        }
        *count += 1;
        *count > BURST
    }

    fn messages(&self, sent: &[Found], dropped: &[Found]) -> Vec<Json> {
        let count = sent.len().max(dropped.len()).div_ceil(PER_MESSAGE);
        let part = |of: &'_ [Found], nth: usize| {
            let rest = of.get(nth * PER_MESSAGE..).unwrap_or_default();
            rest.get(..PER_MESSAGE.min(rest.len()))
                .unwrap_or_default()
                .to_vec()
        };
        let message = |nth| {
            let mut message = json!({ "streams": streams(self.loki, &part(sent, nth), self.tail.encoding) });
            let lost: Vec<Json> = part(dropped, nth)
                .iter()
                .map(|line| json!({ "labels": self.loki.labels(line.stream), "timestamp": line.at.to_string() }))
                .collect();
            if !lost.is_empty() {
                message["dropped_entries"] = json!(lost);
            }
            if self.tail.encoding == Encoding::Categorized {
                message["encodingFlags"] = json!(["categorize-labels"]);
            }
            message
        };
        (0..count).map(message).collect()
    }
}

/// What a tail sends and drops of a stretch of time; nanoseconds.
#[cfg(test)]
pub(super) fn stretch_of(loki: &Loki, query: &str, stretch: Range) -> (Vec<i64>, Vec<i64>) {
    let params = Params(vec![("query".to_owned(), query.to_owned())]);
    let tail = Tail {
        query: params.log_query("").unwrap_or_else(|_| panic!("{query}")),
        from: stretch.from,
        limit: 100,
        delay: loki.now() - stretch.to,
        encoding: Encoding::Categorized,
    };
    let mut sender = Sender::new(loki, tail);
    sender.upto = stretch.from;
    let (mut sent, mut dropped) = (Vec::new(), Vec::new());
    let time = |text: &Json| text.as_str().and_then(|text| text.parse::<i64>().ok());
    for message in sender.news() {
        for stream in message["streams"].as_array().into_iter().flatten() {
            let values = stream["values"].as_array().into_iter().flatten();
            sent.extend(values.filter_map(|value| time(&value[0])));
        }
        let lost = message["dropped_entries"].as_array().into_iter().flatten();
        dropped.extend(lost.filter_map(|line| time(&line["timestamp"])));
    }
    (sent, dropped)
}
