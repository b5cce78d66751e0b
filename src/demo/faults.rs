//! A loopback proxy that spoils exchanges: resets, silence, and the refusals of an overloaded server.
//!
//! It stands before any server of one request an answer (each connection serves one request), so that what a
//! client does about a lost answer can be seen at the server itself. Which exchange is spoilt how is said by a
//! [`Plan`]: a script, a seeded share, or a function of the request. It knows nothing of what is asked. Start at
//! [`FaultProxy::bind`].

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::world::flow::mix;

/// Head and body of a request at most; what is longer is cut off.
const CAP: usize = 4 * 1024 * 1024;

/// What becomes of one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing bad.
    Pass,
    /// The connection is reset, and the server never hears of it.
    ResetBefore,
    /// The server acts, then the connection is reset before a byte of its answer comes.
    ResetAfter,
    /// The server acts, and its answer breaks off in the middle of its body.
    BrokenOff,
    /// The server never hears of it, and nothing comes until the client gives up.
    HangBefore,
    /// The server acts, and nothing comes until the client gives up.
    HangAfter,
    /// 400 for good, and the server never hears of it.
    Refused,
    /// 500, and the server never hears of it.
    ServerError,
    /// 503 with `Retry-After` in seconds, and the server never hears of it.
    Unavailable(u32),
    /// 429 with `Retry-After` in seconds, and the server never hears of it.
    RateLimited(u32),
    /// The server acts after this long.
    Late(Duration),
}

impl Fault {
    /// Whether the server heard of the request.
    pub fn delivers(self) -> bool {
        match self {
            Self::Pass | Self::ResetAfter | Self::BrokenOff | Self::HangAfter | Self::Late(_) => true,
            Self::ResetBefore
            | Self::HangBefore
            | Self::Refused
            | Self::ServerError
            | Self::Unavailable(_)
            | Self::RateLimited(_) => false,
        }
    }
}

/// A request as a plan sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// `GET`, …
    pub method: String,
    /// Path and query.
    pub target: String,
}

impl Asked {
    /// Whether it changes something.
    pub fn is_write(&self) -> bool {
        self.method != "GET" && self.method != "HEAD"
    }
}

/// An exchange that was had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The request.
    pub asked: Asked,
    /// What became of it.
    pub fault: Fault,
    /// The status of the server's own answer, whether or not the client saw it; nothing before it came.
    pub answered: Option<u16>,
}

impl Exchange {
    /// Whether the server did what it was asked to, whatever the client learned of that.
    pub fn done(&self) -> bool {
        matches!(self.answered, Some(200..=299))
    }
}

/// Decides, request by request.
pub struct Plan(Box<dyn FnMut(&Asked) -> Fault + Send>);

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plan")
    }
}

impl Plan {
    /// Everything passes.
    pub fn pass() -> Self {
        Self::by(|_| Fault::Pass)
    }

    /// By a function of the request.
    pub fn by(decide: impl FnMut(&Asked) -> Fault + Send + 'static) -> Self {
        Self(Box::new(decide))
    }

    /// One after the other; then everything passes.
    pub fn script(faults: impl IntoIterator<Item = Fault>) -> Self {
        let mut faults: VecDeque<Fault> = faults.into_iter().collect();
        Self::by(move |_| faults.pop_front().unwrap_or(Fault::Pass))
    }

    /// The same for the requests that change something; the others pass.
    pub fn script_of_writes(faults: impl IntoIterator<Item = Fault>) -> Self {
        let mut faults: VecDeque<Fault> = faults.into_iter().collect();
        Self::by(move |asked| {
            let next = if asked.is_write() {
                faults.pop_front()
            } else {
                None
            };
            next.unwrap_or(Fault::Pass)
        })
    }

    /// So many of a thousand requests meet one of these, chosen by a seed.
    pub fn random(seed: u64, of_thousand: u64, faults: Vec<Fault>) -> Self {
        let mut state = seed;
        Self::by(move |_| {
            state = mix(state, "fault");
            let hit = state % 1_000 < of_thousand;
            let pick = (state >> 32) as usize % faults.len().max(1);
            let fault = faults.get(pick).filter(|_| hit);
            fault.copied().unwrap_or(Fault::Pass)
        })
    }
}

/// What a proxy does and did; cloned, it is the same one.
#[derive(Debug, Clone)]
pub struct Faults(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    plan: Plan,
    had: Vec<Exchange>,
}

impl Faults {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on by this plan.
    pub fn set(&self, plan: Plan) {
        self.state().plan = plan;
    }

    /// The exchanges so far, oldest first.
    pub fn had(&self) -> Vec<Exchange> {
        self.state().had.clone()
    }

    /// The fault of an exchange that begins, and the place of it among all.
    fn decide(&self, asked: Asked) -> (usize, Fault) {
        let mut state = self.state();
        let fault = (state.plan.0)(&asked);
        state.had.push(Exchange {
            asked,
            fault,
            answered: None,
        });
        (state.had.len() - 1, fault)
    }

    /// Notes what the server answered in the exchange at this place.
    fn answered(&self, place: usize, answer: &[u8]) {
        if let Some(exchange) = self.state().had.get_mut(place) {
            exchange.answered = status(answer);
        }
    }
}

/// A bound proxy; [`FaultProxy::serve`] works.
#[derive(Debug)]
pub struct FaultProxy {
    listener: TcpListener,
    url: String,
    server: SocketAddr,
    faults: Faults,
}

impl FaultProxy {
    /// Binds a free loopback port before the server at `server`: an address, or its base URL.
    pub async fn bind(server: &str, plan: Plan) -> io::Result<Self> {
        let address = server.trim_start_matches("http://").trim_end_matches('/');
        let server = address
            .parse()
            .map_err(|_| io::Error::other(format!("{server:?} is no http://ADDRESS:PORT")))?;
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let had = Vec::new();
        Ok(Self {
            listener,
            url,
            server,
            faults: Faults(Arc::new(Mutex::new(State { plan, had }))),
        })
    }

    /// Its base URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// To change the plan, and to see what was had, while it works.
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    /// Works until `stop` is done; open connections end with it.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let mut open = JoinSet::new();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => return Ok(()),
                accepted = self.listener.accept() => {
                    let (client, _) = accepted?;
                    let (server, faults) = (self.server, self.faults.clone());
                    open.spawn(async move {
                        // A peer that breaks off is what this is for: there is nobody to tell.
                        let _ = Box::pin(exchange(client, server, &faults)).await;
                    });
                }
                Some(_) = open.join_next() => {}
            }
        }
    }
}

/// One request and its answer.
async fn exchange(mut client: TcpStream, server: SocketAddr, faults: &Faults) -> io::Result<()> {
    let Some((asked, request)) = read_request(&mut client).await? else {
        return Ok(());
    };
    let (place, fault) = faults.decide(asked);
    match fault {
        Fault::ResetBefore => return reset(client),
        Fault::HangBefore => return until_given_up(client).await,
        Fault::Refused => return refuse(client, "400 Bad Request", None).await,
        Fault::ServerError => return refuse(client, "500 Internal Server Error", None).await,
        Fault::Unavailable(after) => return refuse(client, "503 Service Unavailable", Some(after)).await,
        Fault::RateLimited(after) => return refuse(client, "429 Too Many Requests", Some(after)).await,
        Fault::Late(wait) => tokio::time::sleep(wait).await,
        Fault::Pass | Fault::ResetAfter | Fault::BrokenOff | Fault::HangAfter => {}
    }
    let mut upstream = TcpStream::connect(server).await?;
    upstream.write_all(&request).await?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer).await?;
    faults.answered(place, &answer);
    match fault {
        Fault::ResetAfter => reset(client),
        Fault::BrokenOff => {
            let body = end_of_head(&answer).map_or(0, |head| head + 4);
            let half = body + (answer.len() - body) / 2;
            client.write_all(answer.get(..half).unwrap_or_default()).await?;
            client.shutdown().await
        }
        Fault::HangAfter => until_given_up(client).await,
        Fault::Pass
        | Fault::Late(_)
        | Fault::ResetBefore
        | Fault::HangBefore
        | Fault::Refused
        | Fault::ServerError
        | Fault::Unavailable(_)
        | Fault::RateLimited(_) => {
            client.write_all(&answer).await?;
            client.shutdown().await
        }
    }
}

/// Closes with RST rather than FIN.
fn reset(client: TcpStream) -> io::Result<()> {
    client.set_zero_linger()?;
    drop(client);
    Ok(())
}

async fn until_given_up(mut client: TcpStream) -> io::Result<()> {
    let mut rest = vec![0; 1_024];
    while client.read(&mut rest).await? > 0 {}
    Ok(())
}

async fn refuse(mut client: TcpStream, status: &str, retry_after: Option<u32>) -> io::Result<()> {
    let body = "{\"error\":{\"message\":\"not now\"}}";
    let retry = retry_after.map_or_else(String::new, |seconds| format!("retry-after: {seconds}\r\n"));
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{retry}connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    client.write_all(answer.as_bytes()).await?;
    client.shutdown().await
}

/// The status in an answer's first line.
fn status(answer: &[u8]) -> Option<u16> {
    let first = answer.split(|byte| *byte == b'\r').next()?;
    let code = first.split(|byte| *byte == b' ').nth(1)?;
    std::str::from_utf8(code).ok()?.parse().ok()
}

/// Where the blank line begins that ends a message's head.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n")
}

/// A whole request, made one that closes its connection; nothing where the client closed before one.
async fn read_request(client: &mut TcpStream) -> io::Result<Option<(Asked, Vec<u8>)>> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 16 * 1_024];
    let head_end = loop {
        if let Some(at) = end_of_head(&bytes) {
            break at;
        }
        let read = client.read(&mut buffer).await?;
        if read == 0 || bytes.len() > CAP {
            return Ok(None);
        }
        bytes.extend_from_slice(buffer.get(..read).unwrap_or_default());
    };
    let (head, rest) = bytes.split_at(head_end);
    let head = String::from_utf8_lossy(head).into_owned();
    let mut body = rest.get(4..).unwrap_or_default().to_vec();
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default().to_owned();
    let mut length = 0;
    let mut request = format!("{first}\r\n");
    for line in lines {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap_or(0);
        }
        if !name.eq_ignore_ascii_case("connection") {
            request.push_str(line);
            request.push_str("\r\n");
        }
    }
    request.push_str("connection: close\r\n\r\n");
    while body.len() < length.min(CAP) {
        let read = client.read(&mut buffer).await?;
        if read == 0 {
            return Ok(None);
        }
        body.extend_from_slice(buffer.get(..read).unwrap_or_default());
    }
    let mut words = first.split(' ').map(str::to_owned);
    let asked = Asked {
        method: words.next().unwrap_or_default(),
        target: words.next().unwrap_or_default(),
    };
    let mut request = request.into_bytes();
    request.extend(body);
    Ok(Some((asked, request)))
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::extract::State;
    use axum::routing::post;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    async fn count(State(acts): State<Arc<AtomicU32>>, body: String) -> String {
        acts.fetch_add(1, Ordering::SeqCst);
        format!("{} bytes", body.len())
    }

    /// Sends one request by each fault; (what the client saw, whether the server acted).
    fn each(faults: &[Fault]) -> Vec<(Result<u16, &'static str>, bool)> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let acts = Arc::new(AtomicU32::new(0));
            let router = Router::new()
                .route("/", post(count))
                .with_state(Arc::clone(&acts));
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let server = listener.local_addr().unwrap().to_string();
            let proxy = FaultProxy::bind(&server, Plan::script(faults.to_vec()))
                .await
                .unwrap();
            let (url, had) = (proxy.url().to_owned(), proxy.faults());
            let client = reqwest::Client::builder()
                .no_proxy()
                .timeout(Duration::from_millis(300))
                .build()
                .unwrap();
            let asking = async {
                let mut seen = Vec::new();
                for _ in faults {
                    let before = acts.load(Ordering::SeqCst);
                    let sent = client.post(&url).body("x".repeat(70_000)).send().await;
                    let answered = match sent {
                        Ok(response) => {
                            let status = response.status().as_u16();
                            response.text().await.map(|_| status)
                        }
                        Err(error) => Err(error),
                    };
                    let answered =
                        answered.map_err(|error| if error.is_timeout() { "silence" } else { "reset" });
                    seen.push((answered, acts.load(Ordering::SeqCst) > before));
                }
                seen
            };
            let seen = tokio::select! {
                seen = asking => seen,
                _ = axum::serve(listener, router).into_future() => panic!("the server ended"),
                _ = proxy.serve(std::future::pending()) => panic!("the proxy ended"),
            };
            let had = had.had();
            let told: Vec<Fault> = had.iter().map(|exchange| exchange.fault).collect();
            assert_eq!(told, faults);
            for exchange in had {
                assert_eq!(exchange.done(), exchange.fault.delivers(), "{exchange:?}");
            }
            seen
        })
    }

    #[test]
    fn every_fault_is_seen_by_the_client_and_acted_on_as_it_says() {
        let faults = [
            Fault::Pass,
            Fault::ResetBefore,
            Fault::ResetAfter,
            Fault::BrokenOff,
            Fault::HangBefore,
            Fault::HangAfter,
            Fault::Refused,
            Fault::ServerError,
            Fault::Unavailable(7),
            Fault::RateLimited(7),
        ];
        let seen = each(&faults);
        let answers: Vec<Result<u16, &str>> = seen.iter().map(|(answer, _)| *answer).collect();
        assert_eq!(
            answers,
            [
                Ok(200),
                Err("reset"),
                Err("reset"),
                Err("reset"),
                Err("silence"),
                Err("silence"),
                Ok(400),
                Ok(500),
                Ok(503),
                Ok(429)
            ]
        );
        for (fault, (_, acted)) in faults.into_iter().zip(seen) {
            assert_eq!(acted, fault.delivers(), "{fault:?}");
        }
    }

    #[test]
    fn a_seeded_share_is_the_same_again_and_about_as_large_as_it_says() {
        let run = |seed| {
            let mut plan = Plan::random(seed, 250, vec![Fault::ResetAfter, Fault::HangBefore]);
            let asked = Asked {
                method: "PUT".to_owned(),
                target: "/".to_owned(),
            };
            (0..2_000).map(|_| (plan.0)(&asked)).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        let hit = run(7).into_iter().filter(|fault| *fault != Fault::Pass).count();
        assert!((400..600).contains(&hit), "{hit}");
    }
}
