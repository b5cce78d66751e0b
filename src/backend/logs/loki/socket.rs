//! The websocket of the tail: a GET through the one HTTP client, upgraded (RFC 6455, 4.1), then handed to tungstenite.
//!
//! So CA, client certificate, proxy, prefix and auth are those of every other question.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::{FLAGS, Loki};
use crate::backend::http::{Call, Duplex, Expect, Opened, Way};
use crate::backend::{BackendError, ErrorKind};
use crate::domain::log::Nanos;

/// The path of the tail.
pub(super) const TAIL: &str = "loki/api/v1/tail";
/// A frame at most: ten responses of the server's own channel are far smaller.
const FRAME: usize = 32 * 1024 * 1024;
/// Silence after which we ask whether anybody is there, and as long again after which nobody is. The server pings every
/// second.
pub(super) const QUIET: Duration = Duration::from_secs(6);

/// An open tail.
pub(super) struct Socket {
    stream: WebSocketStream<Box<dyn Duplex>>,
    patience: Duration,
}

/// What a socket brought.
#[derive(Debug)]
pub(super) enum Heard {
    /// A frame of lines.
    Text(String),
    /// A frame that is no text.
    Binary(Vec<u8>),
    /// It ended.
    End(End),
}

/// Why a socket ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// The server closed it and said why; empty where it did not.
    Closed(String),
    /// Nothing was heard for too long, not even a ping.
    Silent,
    /// It broke.
    Broken(String),
}

impl End {
    /// As an error tells it.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Closed(reason) if reason.is_empty() => "the server closed the tail".to_owned(),
            Self::Closed(reason) => format!("the server closed the tail: {reason}"),
            Self::Silent => "the tail fell silent: not even pings came".to_owned(),
            Self::Broken(why) => format!("the tail broke: {why}"),
        }
    }

    /// The server serves no more tails for this tenant (`max_concurrent_tail_requests`).
    pub(super) fn is_tail_limit(&self) -> bool {
        matches!(self, Self::Closed(reason) if is_tail_limit(reason))
    }

    /// The server ends every tail after a while (`tail_max_duration`).
    pub(super) fn is_expiry(&self) -> bool {
        matches!(self, Self::Closed(reason) if reason.contains("max duration"))
    }
}

/// Whether words are those of `max_concurrent_tail_requests`.
pub(super) fn is_tail_limit(words: &str) -> bool {
    words.contains("max concurrent tail requests")
}

impl Loki {
    /// Opens a tail of what comes from a moment on.
    pub(super) async fn open_tail(&self, query: &str, from: Nanos) -> Result<Socket, BackendError> {
        let key = generate_key();
        let mut call = Call::get(TAIL)
            .param("query", query)
            .param("start", from.0.to_string())
            .param("limit", self.limits.entries().to_string())
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", key.clone())
            .header(FLAGS.0, FLAGS.1);
        call.expect = Expect::Text;
        let no_upgrade = |detail: &str| BackendError {
            tried: format!("GET /{TAIL}"),
            mend: "a proxy in front of it must let WebSocket upgrades through".to_owned(),
            ..self.error(ErrorKind::BadAnswer, detail)
        };
        match self.asker.open(call, Way::Socket).await? {
            Opened::Body(_) => Err(no_upgrade("it answered without opening a socket")),
            Opened::Socket { socket, headers } => {
                let accepted = headers.iter().find(|(name, _)| name == "sec-websocket-accept");
                if accepted.is_none_or(|(_, value)| *value != derive_accept_key(key.as_bytes())) {
                    return Err(no_upgrade("it opened a socket that is no WebSocket"));
                }
                let config = WebSocketConfig::default()
                    .max_message_size(Some(FRAME))
                    .max_frame_size(Some(FRAME));
                let stream = WebSocketStream::from_raw_socket(socket, Role::Client, Some(config)).await;
                Ok(Socket {
                    stream,
                    patience: self.patience,
                })
            }
        }
    }
}

impl Socket {
    /// Waits for what comes next; pings are answered on the way. May be dropped while it waits.
    pub(super) async fn hear(&mut self) -> Heard {
        let mut asked = false;
        loop {
            let message = match tokio::time::timeout(self.patience, self.stream.next()).await {
                Ok(message) => message,
                Err(_) if asked => return Heard::End(End::Silent),
                Err(_) => {
                    // Gateways may keep the server's pings to themselves: a pong of their own is a sign of life too.
                    asked = true;
                    let ping = self.stream.send(Message::Ping(Vec::new().into()));
                    match tokio::time::timeout(self.patience, ping).await {
                        Ok(Ok(())) => continue,
                        Ok(Err(error)) => return Heard::End(End::Broken(error.to_string())),
                        Err(_) => return Heard::End(End::Silent),
                    }
                }
            };
            asked = false;
            return match message {
                None => Heard::End(End::Closed(String::new())),
                Some(Err(error)) => Heard::End(End::Broken(error.to_string())),
                Some(Ok(Message::Text(text))) => Heard::Text(text.as_str().to_owned()),
                Some(Ok(Message::Binary(bytes))) => Heard::Binary(bytes.to_vec()),
                Some(Ok(Message::Close(frame))) => {
                    let reason = frame.map(|frame| frame.reason.as_str().to_owned());
                    Heard::End(End::Closed(reason.unwrap_or_default()))
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
            };
        }
    }

    /// Says goodbye, without waiting for an answer.
    pub(super) async fn close(mut self) {
        let goodbye = self.stream.close(None);
        let _ = tokio::time::timeout(Duration::from_millis(200), goodbye).await;
    }
}
