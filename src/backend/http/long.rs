//! Answers without an end: a body that is read as it comes, or a connection that is upgraded to a socket.
//!
//! They share everything with short ones up to the head of the answer: URL, auth, headers, TLS, proxy, redirects, the
//! reading of refusals. Nothing is retried here but a 401 whose secret has changed: whoever holds a long answer
//! has to begin anew by itself anyway. It takes no place among the requests in flight: a quiet server may send not even
//! the head before there is something to tell.

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio::io::{AsyncRead, AsyncWrite};

use super::secrets::Reread;
use super::verdict::{Fault, Verdict, judge, unanswered};
use super::{Call, Client, Redactor, Response, TransportError};
use crate::backend::{BackendError, BackendResult, Delivery, ErrorKind};

/// How much of a refusal is read.
pub(super) const REFUSAL_CAP: usize = 64 * 1024;

/// What is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A body that is read as it comes.
    Body,
    /// An upgrade (RFC 9110, 7.8), over HTTP/1.1.
    Socket,
}

/// Both directions of an upgraded connection.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Pieces of a body as they come.
pub type Pieces<E> = BoxStream<'static, Result<Vec<u8>, E>>;

/// A long answer that began well.
pub enum Opened {
    /// Pieces of the body, after decompression.
    Body(Pieces<BackendError>),
    /// The connection, with the headers of the 101 (names in lower case).
    Socket {
        /// Both directions.
        socket: Box<dyn Duplex>,
        /// Headers of the answer.
        headers: Vec<(String, String)>,
    },
}

/// What the wire gave back to a request for a long answer.
pub enum Reply {
    /// Something else: a refusal, a redirect, a page; read whole, up to 64 KiB.
    Whole(Response),
    /// Pieces of a 2xx body.
    Body(Pieces<TransportError>),
    /// An upgraded connection.
    Socket {
        /// Both directions.
        socket: Box<dyn Duplex>,
        /// Headers of the answer.
        headers: Vec<(String, String)>,
    },
}

impl Client {
    /// Opens a long answer. The call's timeout is that of its head.
    pub async fn open(&self, call: Call, way: Way) -> BackendResult<Opened> {
        let first = self.try_open(&call, way).await;
        let again = matches!(&first, Err(error) if error.status == Some(401));
        let result = if again && matches!(self.credentials.reread().await, Ok(Reread::Changed)) {
            self.try_open(&call, way).await
        } else {
            first
        };
        if result.is_err() {
            self.meter.failed();
        }
        result
    }

    async fn try_open(&self, call: &Call, way: Way) -> BackendResult<Opened> {
        let held = self.held(call).await?;
        let named = |fault: &Fault| self.error(call, fault, &held.redactor);
        let mut request = self.request(call, &held).map_err(|fault| named(&fault))?;
        let mut status = None;
        for _ in 0..=super::client::REDIRECTS {
            let sent = self.clock.tick();
            let reply = self.transport.open(request.wire(call), way).await;
            let reply = reply.map_err(|error| {
                self.meter.attempt(super::counters::Ended::Unanswered);
                named(&unanswered(error, request.timeout, call.cap))
            })?;
            let now = self.clock.now();
            let bytes = match &reply {
                Reply::Whole(response) => response.body.len(),
                Reply::Body(_) | Reply::Socket { .. } => 0,
            };
            let latency = now.tick.since(sent);
            self.meter
                .attempt(super::counters::Ended::Answered { latency, bytes });
            let response = match reply {
                Reply::Body(pieces) => {
                    // Words of the wire alone: no secret passes there.
                    let like = self.error(call, &broken(String::new()), &Redactor::default());
                    return Ok(Opened::Body(named_pieces(pieces, like)));
                }
                Reply::Socket { socket, headers } => return Ok(Opened::Socket { socket, headers }),
                Reply::Whole(response) => response,
            };
            status = Some(response.status);
            let verdict = judge(call, &request.url, response, request.signed_in, now.utc);
            match verdict.map_err(|fault| named(&fault))? {
                Verdict::Follow(to) => request.url = to,
                Verdict::Answer(answer) => {
                    let kind = if answer.status < 400 {
                        ErrorKind::BadAnswer
                    } else {
                        ErrorKind::Rejected
                    };
                    let words = String::from_utf8_lossy(&answer.body);
                    return Err(named(&Fault {
                        kind,
                        detail: format!("HTTP {} and no stream: {}", answer.status, words.trim()),
                        mend: String::new(),
                        status: Some(answer.status),
                        retry_after: answer.retry_after,
                        delivery: Delivery::Answered,
                    }));
                }
            }
        }
        Err(named(&super::client::too_many_redirects(status)))
    }
}

fn broken(detail: String) -> Fault {
    Fault {
        kind: ErrorKind::Unreachable,
        detail,
        mend: String::new(),
        status: None,
        retry_after: None,
        delivery: Delivery::Answered,
    }
}

fn named_pieces(pieces: Pieces<TransportError>, like: BackendError) -> Pieces<BackendError> {
    let named = move |error: TransportError| {
        let detail = match error {
            TransportError::Connect(why)
            | TransportError::Tls(why)
            | TransportError::Broken(why)
            | TransportError::Truncated(why)
            | TransportError::Setup(why) => format!("the connection broke: {why}"),
            TransportError::NotRecorded(why) => why,
            TransportError::Timeout { .. } => "the connection fell silent".to_owned(),
            TransportError::TooLarge => "the stream passed its cap".to_owned(),
        };
        BackendError {
            detail: Redactor::default().line(&detail),
            ..like.clone()
        }
    };
    pieces.map(move |piece| piece.map_err(&named)).boxed()
}

/// A wire that cannot do it: a stand-in of a test.
pub(super) fn cannot<'a>() -> BoxFuture<'a, Result<Reply, TransportError>> {
    Box::pin(std::future::ready(Err(TransportError::Setup(
        "this wire has no long answers".to_owned(),
    ))))
}
