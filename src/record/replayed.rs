//! The transport that answers from a recording, and reaches nobody.
//!
//! A question gets the answers that it got, in their order, each at the moment at which it came. What was under way
//! when the recording ended is never answered; what nobody asked in it is refused in words.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::key;
use super::reader::{Brought, Exchange, Recording, Said};
use crate::backend::http::{Method, Pieces, Reply, Request, Response, Transport, TransportError, Way};
use crate::time::Clock;

/// Another question of the same kind is taken for this one when it was asked within so long of it: numbers that are
/// worked out from the time of day differ by one now and then.
const NEAR: Duration = Duration::from_secs(2);

/// Answers from a recording. `clock` is that of the replay: its zero is the recording process's.
pub struct Replayed {
    recording: Arc<Recording>,
    clock: Clock,
    /// Keys by what is left of them without numbers, and without the body.
    kinds: HashMap<String, Vec<String>>,
    /// Which exchanges have been taken, by key.
    taken: Mutex<HashMap<String, Taken>>,
}

impl Replayed {
    /// Over a recording, on a clock.
    pub fn new(recording: Arc<Recording>, clock: Clock) -> Self {
        let mut kinds: HashMap<String, Vec<String>> = HashMap::new();
        for key in recording.exchanges.keys() {
            let (shape, place) = (key::shape(key), key::place(key));
            if place != shape {
                kinds.entry(place).or_default().push(key.clone());
            }
            kinds.entry(shape).or_default().push(key.clone());
        }
        for keys in kinds.values_mut() {
            keys.sort();
        }
        Self {
            recording,
            clock,
            kinds,
            taken: Mutex::default(),
        }
    }

    /// Takes the next exchange of a question.
    fn take(&self, key: &str, writes: bool) -> Found<'_> {
        let now = self.clock.tick().0;
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let next = |taken: &HashMap<String, Taken>, key: &str| {
            let index = taken.get(key).map_or(0, |taken| taken.below);
            let exchange = self.recording.exchanges.get(key)?.get(index)?;
            Some((index, exchange.asked))
        };
        let mut found = next(&taken, key).map(|(index, _)| (key.to_owned(), index));
        let kinds = std::iter::once(key::shape(key)).chain(writes.then(|| key::place(key)));
        for kind in kinds.take_while(|_| found.is_none()).collect::<Vec<_>>() {
            let alike = self.kinds.get(&kind).into_iter().flatten();
            let near = alike.filter_map(|other| {
                let (index, asked) = next(&taken, other)?;
                let away = asked.abs_diff(now);
                (away <= NEAR).then_some((away, other, index))
            });
            found = found.or_else(|| near.min().map(|(_, other, index)| (other.clone(), index)));
        }
        match found {
            Some((key, index)) => {
                taken.entry(key.clone()).or_default().take(index);
                Found::Exchange(Claim {
                    replayed: self,
                    place: Some((key, index)),
                })
            }
            None if self.recording.exchanges.contains_key(key) => Found::UnderWay,
            None => Found::Nothing,
        }
    }

    async fn answered(&self, request: &Request, way: Option<Way>) -> Result<Reply, TransportError> {
        let (key, _) = key::key(request, way);
        let mut claim = match self.take(&key, writes(request)) {
            Found::Exchange(claim) => claim,
            // Its answer came after the recording ended, if ever.
            Found::UnderWay => return std::future::pending().await,
            Found::Nothing => return Err(TransportError::NotRecorded(not_recorded(&key))),
        };
        let Some(at) = claim.exchange().map(|exchange| exchange.at) else {
            return Err(TransportError::NotRecorded(not_recorded(&key)));
        };
        until(self.clock, at).await;
        let reply = claim
            .exchange()
            .map_or(Ok(None), |exchange| self.said(exchange, request).map(Some));
        // From here on it is answered.
        claim.place = None;
        reply?.ok_or_else(|| TransportError::NotRecorded(not_recorded(&key)))
    }

    fn said(&self, exchange: &Exchange, request: &Request) -> Result<Reply, TransportError> {
        match &exchange.said {
            Said::Answer {
                status,
                headers,
                body,
            } => Ok(Reply::Whole(Response {
                status: *status,
                headers: headers.clone(),
                body: self.recording.body(*body).map_err(|why| unreadable(&why))?,
            })),
            Said::Failure(fault) => Err(fault.clone().into()),
            Said::Opened {
                socket: true,
                headers,
                stream,
            } => Ok(Reply::Socket {
                socket: Box::new(Socket {
                    pieces: self.pieces(*stream),
                    rest: VecDeque::new(),
                }),
                headers: accepted(headers, request),
            }),
            Said::Opened {
                socket: false,
                stream,
                ..
            } => Ok(Reply::Body(self.pieces(*stream))),
        }
    }

    /// What came of a long answer, each piece when it came. One that was open at the end stays open.
    fn pieces(&self, stream: u64) -> Pieces<TransportError> {
        let (recording, clock) = (Arc::clone(&self.recording), self.clock);
        let pieces = futures::stream::unfold(Some(0), move |index: Option<usize>| {
            let recording = Arc::clone(&recording);
            async move {
                let index = index?;
                let Some(bit) = recording.streams.get(&stream).and_then(|bits| bits.get(index)) else {
                    return std::future::pending().await;
                };
                until(clock, bit.at).await;
                match &bit.said {
                    Brought::Piece(place) => {
                        let piece = recording.body(*place).map_err(|why| unreadable(&why));
                        Some((piece, Some(index + 1)))
                    }
                    Brought::End(None) => None,
                    Brought::End(Some(fault)) => Some((Err(fault.clone().into()), None)),
                }
            }
        });
        pieces.boxed()
    }
}

async fn until(clock: Clock, at: Duration) {
    let wait = at.saturating_sub(clock.tick().0);
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
}

/// Whether it changes something, as far as a request shows: a form and a search only ask.
fn writes(request: &Request) -> bool {
    let asks = request.headers.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("content-type") && value.starts_with("application/x-www-form-urlencoded")
    });
    let path = request.url.split('?').next().unwrap_or_default();
    match request.method {
        Method::Get => false,
        Method::Post => !asks && !path.ends_with("search"),
        Method::Put | Method::Delete => true,
    }
}

/// The handshake of RFC 6455 (4.2.2) answers a number that is drawn anew each time.
fn accepted(headers: &[(String, String)], request: &Request) -> Vec<(String, String)> {
    let drawn = request
        .headers
        .iter()
        .find(|(name, _)| name == "sec-websocket-key");
    let answer = drawn.map(|(_, drawn)| derive_accept_key(drawn.as_bytes()));
    headers
        .iter()
        .map(|(name, value)| match &answer {
            Some(answer) if name == "sec-websocket-accept" => (name.clone(), answer.clone()),
            Some(_) | None => (name.clone(), value.clone()),
        })
        .collect()
}

fn not_recorded(key: &str) -> String {
    let question = key.lines().next().unwrap_or_default();
    let question = question.split('?').next().unwrap_or_default();
    format!("not in the recording: {question} was not asked like this while it was made")
}

fn unreadable(why: &str) -> TransportError {
    TransportError::Broken(format!("the recording cannot be read here: {why}"))
}

/// What was found for a question.
enum Found<'a> {
    Exchange(Claim<'a>),
    /// It was asked so before, and no answer is left.
    UnderWay,
    Nothing,
}

/// An exchange that is being waited for; given back where the question is given up.
struct Claim<'a> {
    replayed: &'a Replayed,
    place: Option<(String, usize)>,
}

impl Claim<'_> {
    fn exchange(&self) -> Option<&Exchange> {
        let (key, index) = self.place.as_ref()?;
        self.replayed.recording.exchanges.get(key)?.get(*index)
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if let Some((key, index)) = self.place.take() {
            let mut taken = self.replayed.taken.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(taken) = taken.get_mut(&key) {
                taken.give_back(index);
            }
        }
    }
}

/// Which of a key's exchanges are taken.
#[derive(Default)]
struct Taken {
    /// All before this one, which is not.
    below: usize,
    /// And these behind it.
    beyond: BTreeSet<usize>,
}

impl Taken {
    fn take(&mut self, index: usize) {
        self.beyond.insert(index);
        while self.beyond.remove(&self.below) {
            self.below += 1;
        }
    }

    fn give_back(&mut self, index: usize) {
        if index < self.below {
            self.beyond.extend(index + 1..self.below);
            self.below = index;
        } else {
            self.beyond.remove(&index);
        }
    }
}

impl Transport for Replayed {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            match self.answered(&request, None).await? {
                Reply::Whole(response) => Ok(response),
                Reply::Body(_) | Reply::Socket { .. } => {
                    Err(unreadable("a long answer stands where a short one belongs"))
                }
            }
        })
    }

    fn open(&self, request: Request, way: Way) -> BoxFuture<'_, Result<Reply, TransportError>> {
        Box::pin(async move { self.answered(&request, Some(way)).await })
    }
}

/// A socket that says what the recorded one said, and hears nothing.
struct Socket {
    pieces: Pieces<TransportError>,
    /// What came and was not read yet.
    rest: VecDeque<u8>,
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = &mut *self;
        if this.rest.is_empty() {
            match ready!(this.pieces.poll_next_unpin(context)) {
                Some(Ok(piece)) => this.rest.extend(piece),
                Some(Err(error)) => return Poll::Ready(Err(std::io::Error::other(format!("{error:?}")))),
                None => {}
            }
        }
        let count = this.rest.len().min(buffer.remaining());
        let read: Vec<u8> = this.rest.drain(..count).collect();
        buffer.put_slice(&read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
