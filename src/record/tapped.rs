//! A transport that keeps what passes it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::StreamExt as _;
use futures::future::BoxFuture;
use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::format::{Entry, Fault};
use super::key;
use super::phones;
use super::tape::{Polled, Tap};
use crate::backend::http::{
    Duplex, Pieces, Redactor, Reply, Request, Response, SharedTransport, Transport, TransportError, Way,
    is_secret_name,
};

/// Headers of an answer that anything here reads. All others stay out of the file, cookies among them.
const KEPT: [&str; 9] = [
    "content-type",
    "date",
    "retry-after",
    "location",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "sec-websocket-accept",
    "link",
];

/// A value that is shorter and only named like a secret stays, bytes; one that is known to be one does not.
const SHORTEST: usize = 8;

/// Keeps what a transport says, and hands it on unchanged.
pub struct Tapped {
    inner: SharedTransport,
    tap: Tap,
}

impl Tapped {
    /// Before this transport.
    pub fn new(inner: SharedTransport, tap: Tap) -> Self {
        Self { inner, tap }
    }
}

/// What is known of a request when it is sent.
struct Asked {
    key: String,
    at: u64,
    redactor: Arc<Redactor>,
    /// Secrets of the request itself: values of parameters and headers that are named as such.
    own: Redactor,
}

impl Asked {
    fn of(request: &Request, way: Option<Way>, at: u64) -> Self {
        let (key, mut secrets) = key::key(request, way);
        for (name, value) in &request.headers {
            if is_secret_name(name) {
                secrets.extend(value.rsplit(' ').next().map(str::to_owned));
            }
        }
        // `auth=true` is no secret, and without its `true` no JSON reads.
        secrets.retain(|secret| secret.len() >= SHORTEST);
        let own = Redactor::new(secrets.into_iter().map(SecretString::from).collect());
        let redactor = Arc::clone(&request.redactor);
        let blot = |text: &str| {
            let blotted = redactor.blot(text.as_bytes());
            String::from_utf8_lossy(&own.blot(&blotted)).into_owned()
        };
        Self {
            key: blot(&key),
            at,
            redactor,
            own,
        }
    }

    /// Bytes of an answer: no secret, and nobody's number. As many as there were.
    fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let blotted = self.redactor.blot(bytes);
        phones::hidden(self.own.blot(&blotted)).into_owned()
    }

    fn words(&self, words: &str) -> String {
        self.own.line(&self.redactor.line(words))
    }

    fn headers(&self, headers: &[(String, String)]) -> Vec<(String, String)> {
        let kept = headers.iter().filter(|(name, _)| KEPT.contains(&name.as_str()));
        kept.map(|(name, value)| {
            let value = if name == "location" {
                key::url(value).0
            } else {
                String::from_utf8_lossy(&self.bytes(value.as_bytes())).into_owned()
            };
            (name.clone(), value)
        })
        .collect()
    }

    fn fault(&self, error: &TransportError) -> Fault {
        Fault::of(error, |words| self.words(words))
    }

    fn answer(&self, at: u64, response: &Response) -> (Entry, Vec<u8>) {
        let entry = Entry::Answer {
            key: self.key.clone(),
            asked: self.at,
            at,
            status: response.status,
            headers: self.headers(&response.headers),
        };
        (entry, self.bytes(&response.body))
    }

    fn failure(&self, at: u64, error: &TransportError) -> Entry {
        Entry::Failure {
            key: self.key.clone(),
            asked: self.at,
            at,
            fault: self.fault(error),
        }
    }
}

impl Transport for Tapped {
    fn prepare(&self) -> BoxFuture<'_, ()> {
        self.inner.prepare()
    }

    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            let asked = Asked::of(&request, None, self.tap.now());
            let answered = self.inner.send(request).await;
            let at = self.tap.now();
            let (entry, body) = match &answered {
                Ok(response) => asked.answer(at, response),
                Err(error) => (asked.failure(at, error), Vec::new()),
            };
            self.tap.keep(entry, body).await;
            answered
        })
    }

    fn open(&self, request: Request, way: Way) -> BoxFuture<'_, Result<Reply, TransportError>> {
        Box::pin(async move {
            let asked = Asked::of(&request, Some(way), self.tap.now());
            let opened = self.inner.open(request, way).await;
            let at = self.tap.now();
            let opening = |stream: u64, socket: bool, headers: &[(String, String)]| Entry::Opened {
                key: asked.key.clone(),
                asked: asked.at,
                at,
                stream,
                socket,
                headers: asked.headers(headers),
            };
            match opened {
                Ok(Reply::Whole(response)) => {
                    let (entry, body) = asked.answer(at, &response);
                    self.tap.keep(entry, body).await;
                    Ok(Reply::Whole(response))
                }
                Ok(Reply::Body(pieces)) => {
                    let stream = self.tap.next_stream();
                    self.tap.keep(opening(stream, false, &[]), Vec::new()).await;
                    Ok(Reply::Body(kept_pieces(pieces, asked, self.tap.clone(), stream)))
                }
                Ok(Reply::Socket { socket, headers }) => {
                    let stream = self.tap.next_stream();
                    self.tap.keep(opening(stream, true, &headers), Vec::new()).await;
                    let socket = Box::new(KeptSocket {
                        inner: socket,
                        kept: self.tap.polled(),
                        asked,
                        stream,
                    });
                    Ok(Reply::Socket { socket, headers })
                }
                Err(error) => {
                    self.tap.keep(asked.failure(at, &error), Vec::new()).await;
                    Err(error)
                }
            }
        })
    }
}

fn kept_pieces(
    pieces: Pieces<TransportError>,
    asked: Asked,
    tap: Tap,
    stream: u64,
) -> Pieces<TransportError> {
    let state = Some((pieces, asked, tap));
    futures::stream::unfold(state, move |state| async move {
        let (mut pieces, asked, tap) = state?;
        let next = pieces.next().await;
        let at = tap.now();
        match next {
            Some(Ok(piece)) => {
                tap.keep(Entry::Piece { stream, at }, asked.bytes(&piece)).await;
                Some((Ok(piece), Some((pieces, asked, tap))))
            }
            Some(Err(error)) => {
                let fault = Some(asked.fault(&error));
                tap.keep(Entry::Ended { stream, at, fault }, Vec::new()).await;
                Some((Err(error), None))
            }
            None => {
                let fault = None;
                tap.keep(Entry::Ended { stream, at, fault }, Vec::new()).await;
                None
            }
        }
    })
    .boxed()
}

/// An upgraded connection: what comes is kept, what goes is not.
struct KeptSocket {
    inner: Box<dyn Duplex>,
    kept: Polled,
    asked: Asked,
    stream: u64,
}

impl AsyncRead for KeptSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = &mut *self;
        ready!(this.kept.poll_room(context));
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut *this.inner).poll_read(context, buffer));
        let (stream, at) = (this.stream, this.kept.tap.now());
        let piece = buffer.filled().get(before..).unwrap_or_default();
        match &read {
            Ok(()) if piece.is_empty() => this.kept.keep(
                Entry::Ended {
                    stream,
                    at,
                    fault: None,
                },
                Vec::new(),
            ),
            // The same length: the frames of a WebSocket say how long they are.
            Ok(()) => {
                let piece = this.asked.bytes(piece);
                this.kept.keep(Entry::Piece { stream, at }, piece);
            }
            Err(error) => {
                let error = TransportError::Broken(error.to_string());
                let fault = Some(this.asked.fault(&error));
                this.kept.keep(Entry::Ended { stream, at, fault }, Vec::new());
            }
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for KeptSocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut *self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut *self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut *self.inner).poll_shutdown(context)
    }
}
