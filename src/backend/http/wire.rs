//! The real [`Transport`]: reqwest with rustls, one connection pool a set-up, built when first used.
//!
//! [`Wires`] hands out a transport an endpoint; endpoints with the same TLS, proxy and connect time limit
//! share one. Building a client loads the system's certificates (some 25 ms), so it happens on a blocking
//! thread at the first request, and not at all for endpoints in plain http.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use reqwest::{Certificate, Identity, Proxy, Url};
use tokio::sync::OnceCell;

use super::long::REFUSAL_CAP;
use super::{
    Client, Cut, EnvLookup, Method, Pieces, Reply, Request, Response, SharedTransport, Transport,
    TransportError, Way, process_env,
};
use crate::backend::Delivery;
use crate::config::{Endpoint, TlsConfig};
use crate::time::Clock;

/// Hands out transports, one a distinct set-up.
pub struct Wires {
    open: Mutex<HashMap<Setup, Arc<Wire>>>,
    env: EnvLookup,
    reach: Reach,
}

/// Puts something around a transport.
type Around = Box<dyn Fn(SharedTransport) -> SharedTransport + Send + Sync>;

/// How far transports reach.
enum Reach {
    /// The servers.
    Servers,
    /// The servers, through what is put around each.
    Through(Around),
    /// This and nothing else, whatever is asked for.
    Only(SharedTransport),
}

impl Default for Wires {
    fn default() -> Self {
        Self {
            open: Mutex::default(),
            env: process_env,
            reach: Reach::Servers,
        }
    }
}

impl Wires {
    /// Wires with something put around each: a tap.
    pub fn through(around: impl Fn(SharedTransport) -> SharedTransport + Send + Sync + 'static) -> Self {
        Self {
            reach: Reach::Through(Box::new(around)),
            ..Self::default()
        }
    }

    /// One transport for every endpoint, which reaches no server: a replay's.
    pub fn only(transport: SharedTransport) -> Self {
        Self {
            reach: Reach::Only(transport),
            ..Self::default()
        }
    }

    /// A client for an endpoint, on the transport that it shares with others of its set-up.
    pub fn client(&self, endpoint: &Endpoint, clock: Clock) -> Client {
        Client::new(endpoint, self.transport(endpoint), clock)
    }

    /// The transport for an endpoint. Cheap: nothing is built until something is sent.
    pub fn transport(&self, endpoint: &Endpoint) -> SharedTransport {
        if let Reach::Only(transport) = &self.reach {
            return Arc::clone(transport);
        }
        let setup = Setup::of(endpoint, self.env);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let wire = open.entry(setup).or_insert_with_key(|setup| {
            Arc::new(Wire {
                setup: setup.clone(),
                client: OnceCell::new(),
                upgrading: OnceCell::new(),
            })
        });
        let wire = Arc::clone(wire) as SharedTransport;
        match &self.reach {
            Reach::Through(around) => around(wire),
            Reach::Servers | Reach::Only(_) => wire,
        }
    }
}

/// Whether certificates are needed at all.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Security {
    /// `http://` without a TLS proxy: no certificate store is loaded.
    Plain,
    /// TLS as configured.
    Tls(TlsConfig),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Route {
    /// No proxy.
    Direct,
    /// `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`.
    Environment,
    /// This one.
    Through(String),
}

/// What a connection pool is shared by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Setup {
    security: Security,
    route: Route,
    connect_timeout: Duration,
}

impl Setup {
    fn of(endpoint: &Endpoint, env: EnvLookup) -> Self {
        let url = Url::parse(&endpoint.url).ok();
        let route = match endpoint.proxy.as_deref() {
            Some("") => Route::Direct,
            Some(proxy) => Route::Through(proxy.to_owned()),
            // As Go's clients do: a proxy of the environment is not asked for this very machine.
            None if url.as_ref().is_some_and(is_loopback) => Route::Direct,
            None => Route::Environment,
        };
        let tls_proxy = match &route {
            Route::Direct => false,
            Route::Through(proxy) => proxy.starts_with("https"),
            Route::Environment => ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]
                .into_iter()
                .any(|name| env(name).is_some_and(|proxy| proxy.starts_with("https"))),
        };
        let plain = url.is_some_and(|url| url.scheme() == "http") && !tls_proxy;
        Self {
            security: if plain {
                Security::Plain
            } else {
                Security::Tls(endpoint.tls.clone())
            },
            route,
            connect_timeout: endpoint.connect_timeout,
        }
    }

    /// Reads certificates and builds the client. Blocks: never on the UI's task.
    fn build(&self, speech: Speech) -> Result<reqwest::Client, TransportError> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(Duration::from_secs(90))
            .tcp_keepalive(Duration::from_secs(30))
            .gzip(true);
        if speech == Speech::Http1 {
            builder = builder.http1_only();
        }
        builder = match &self.route {
            Route::Direct => builder.no_proxy(),
            Route::Environment => builder,
            Route::Through(proxy) => builder.proxy(
                Proxy::all(proxy)
                    .map_err(|_| TransportError::Setup("`proxy` is not a proxy's URL".to_owned()))?,
            ),
        };
        builder = match &self.security {
            Security::Plain => builder.tls_certs_only(std::iter::empty()),
            Security::Tls(tls) => with_tls(builder, tls)?,
        };
        builder
            .build()
            .map_err(|e| TransportError::Setup(format!("TLS cannot be set up: {}", chain(&e))))
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback()),
        None => false,
    }
}

fn with_tls(
    mut builder: reqwest::ClientBuilder,
    tls: &TlsConfig,
) -> Result<reqwest::ClientBuilder, TransportError> {
    let read = |key: &str, path: &PathBuf| {
        std::fs::read(path).map_err(|e| TransportError::Setup(format!("{key} {}: {e}", path.display())))
    };
    if let Some(path) = &tls.ca_file {
        let bad = || TransportError::Setup(format!("ca_file {} holds no PEM certificate", path.display()));
        let certificates = Certificate::from_pem_bundle(&read("ca_file", path)?).map_err(|_| bad())?;
        if certificates.is_empty() {
            return Err(bad());
        }
        builder = builder.tls_certs_merge(certificates);
    }
    if let Some(path) = &tls.client_cert_file {
        let mut pem = read("client_cert_file", path)?;
        if let Some(key) = &tls.client_key_file {
            pem.push(b'\n');
            pem.extend(read("client_key_file", key)?);
        }
        let identity = Identity::from_pem(&pem).map_err(|_| {
            TransportError::Setup(format!(
                "client_cert_file {} and its key are no PEM pair",
                path.display()
            ))
        })?;
        builder = builder.identity(identity);
    }
    Ok(builder.tls_danger_accept_invalid_certs(tls.insecure_skip_verify))
}

/// Which versions of HTTP may be agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speech {
    /// What the server likes best.
    Any,
    /// 1.1: the one that has upgrades.
    Http1,
}

/// One connection pool, and one beside it for connections that are upgraded.
struct Wire {
    setup: Setup,
    client: OnceCell<reqwest::Client>,
    upgrading: OnceCell<reqwest::Client>,
}

impl Wire {
    async fn client(&self, speech: Speech) -> Result<&reqwest::Client, TransportError> {
        let cell = match speech {
            Speech::Any => &self.client,
            Speech::Http1 => &self.upgrading,
        };
        // A failure is not kept: a certificate that is put in place is found at the next try.
        cell.get_or_try_init(|| async {
            let setup = self.setup.clone();
            tokio::task::spawn_blocking(move || setup.build(speech))
                .await
                .unwrap_or_else(|_| Err(TransportError::Setup("shutting down".to_owned())))
        })
        .await
    }

    async fn exchange(&self, request: Request) -> Result<Response, TransportError> {
        let client = self.client(Speech::Any).await?;
        let (timeout, cap, cut) = (request.timeout, request.cap, request.cut);
        let sent = async {
            let response = outgoing(client, request).send().await;
            whole(response.map_err(|e| unsent_or_broken(&e))?, cap, cut).await
        };
        within(timeout, sent).await
    }

    async fn begin(&self, request: Request, way: Way) -> Result<Reply, TransportError> {
        let client = self
            .client(match way {
                Way::Body => Speech::Any,
                Way::Socket => Speech::Http1,
            })
            .await?;
        let timeout = request.timeout;
        let head = async {
            let response = outgoing(client, request).send().await;
            let response = response.map_err(|e| unsent_or_broken(&e))?;
            let status = response.status();
            if way == Way::Socket && status == reqwest::StatusCode::SWITCHING_PROTOCOLS {
                let headers = headers(&response);
                let socket = response
                    .upgrade()
                    .await
                    .map_err(|e| TransportError::Broken(chain(&e)))?;
                let socket = Box::new(socket);
                return Ok(Reply::Socket { socket, headers });
            }
            let is_page = response
                .headers()
                .get(reqwest::header::CONTENT_TYPE)
                .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
            if way == Way::Body && status.is_success() && !is_page {
                return Ok(Reply::Body(pieces(response)));
            }
            whole(response, REFUSAL_CAP, Cut::Refuse).await.map(Reply::Whole)
        };
        within(timeout, head).await
    }
}

fn outgoing(client: &reqwest::Client, request: Request) -> reqwest::RequestBuilder {
    let method = match request.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Delete => reqwest::Method::DELETE,
    };
    let mut outgoing = client.request(method, request.url);
    for (name, value) in request.headers {
        outgoing = outgoing.header(name, value);
    }
    if request.body.is_empty() {
        outgoing
    } else {
        outgoing.body(request.body)
    }
}

fn headers(response: &reqwest::Response) -> Vec<(String, String)> {
    let pairs = response.headers().iter();
    pairs
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect()
}

async fn whole(mut response: reqwest::Response, cap: usize, cut: Cut) -> Result<Response, TransportError> {
    let status = response.status().as_u16();
    let headers = headers(&response);
    let mut body = Vec::new();
    loop {
        let chunk = match response.chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            Err(_) if cut == Cut::Keep && !body.is_empty() => break,
            Err(error) => return Err(cut_off(&error, body.len())),
        };
        let room = cap - body.len();
        if chunk.len() <= room {
            body.extend_from_slice(&chunk);
            continue;
        }
        match cut {
            Cut::Refuse => return Err(TransportError::TooLarge),
            Cut::Keep => body.extend(chunk.into_iter().take(room)),
        }
        break;
    }
    Ok(Response {
        status,
        headers,
        body,
    })
}

/// A body piece by piece; it ends behind its first error.
fn pieces(response: reqwest::Response) -> Pieces<TransportError> {
    let next = |response: Option<reqwest::Response>| async {
        let mut response = response?;
        match response.chunk().await {
            Ok(Some(chunk)) => Some((Ok(chunk.to_vec()), Some(response))),
            Ok(None) => None,
            Err(error) => Some((Err(TransportError::Broken(chain(&error))), None)),
        }
    };
    futures::stream::unfold(Some(response), next).boxed()
}

async fn within<T>(
    timeout: Duration,
    sent: impl Future<Output = Result<T, TransportError>>,
) -> Result<T, TransportError> {
    tokio::time::timeout(timeout, sent).await.unwrap_or(
        // It may have run out while connecting; to say that it was sent is the careful reading.
        Err(TransportError::Timeout {
            sent: Delivery::Unknown,
        }),
    )
}

impl Transport for Wire {
    fn prepare(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let _ = self.client(Speech::Any).await;
        })
    }

    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(self.exchange(request))
    }

    fn open(&self, request: Request, way: Way) -> BoxFuture<'_, Result<Reply, TransportError>> {
        Box::pin(self.begin(request, way))
    }
}

fn unsent_or_broken(error: &reqwest::Error) -> TransportError {
    let why = chain(error);
    if error.is_builder() {
        return TransportError::Setup(why);
    }
    // With TLS 1.3 a server judges our certificate after the handshake is over for us.
    if why.contains("received fatal alert") && is_of_certificates(&why) {
        return TransportError::Tls(why);
    }
    if !error.is_connect() {
        return TransportError::Broken(why);
    }
    if error.is_timeout() {
        return TransportError::Timeout {
            sent: Delivery::NotSent,
        };
    }
    let lower = why.to_ascii_lowercase();
    let tls = [
        "certificate",
        "tls",
        "handshake",
        "corrupt message",
        "fatal alert",
    ];
    if tls.iter().any(|word| lower.contains(word)) {
        return TransportError::Tls(why);
    }
    TransportError::Connect(why)
}

/// Whether an alert judges a certificate (RFC 8446, 6.2): sent before anything that was asked is looked at.
fn is_of_certificates(alert: &str) -> bool {
    let alert = alert.to_ascii_lowercase();
    ["certificate", "unknownca", "accessdenied", "decrypterror"]
        .into_iter()
        .any(|word| alert.contains(word))
}

fn cut_off(error: &reqwest::Error, received: usize) -> TransportError {
    TransportError::Truncated(format!("after {received} bytes: {}", chain(error)))
}

/// The causes of an error without reqwest's own first line (which repeats the URL, query and all), each once.
fn chain(error: &reqwest::Error) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if !text.is_empty() && !words.iter().any(|earlier| earlier.contains(&text)) {
            words.push(text);
        }
        cause = error.source();
    }
    if words.is_empty() {
        return "no cause given".to_owned();
    }
    // hyper's outer layers say only that they failed; the innermost says why.
    words.retain(|word| {
        !matches!(
            word.as_str(),
            "client error (Connect)"
                | "client error (SendRequest)"
                | "error reading a body from connection"
                | "tcp connect error"
        )
    });
    if words.is_empty() {
        return "the connection failed".to_owned();
    }
    words.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::http::tests::endpoint;

    fn no_env(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn plain_http_needs_no_certificates() {
        let setup = Setup::of(&endpoint("http://prom.example:9090"), no_env);
        assert_eq!(setup.security, Security::Plain);
        assert_eq!(setup.route, Route::Environment);
        let setup = Setup::of(&endpoint("https://prom.example"), no_env);
        assert_eq!(setup.security, Security::Tls(TlsConfig::default()));
    }

    #[test]
    fn this_machine_is_asked_directly() {
        for url in [
            "http://127.0.0.1:9090",
            "http://localhost:9090",
            "http://[::1]:9090",
        ] {
            assert_eq!(Setup::of(&endpoint(url), no_env).route, Route::Direct, "{url}");
        }
    }

    #[test]
    fn a_proxy_that_speaks_tls_brings_the_certificates_back() {
        let env = |name: &str| (name == "HTTP_PROXY").then(|| "https://proxy.example".to_owned());
        let setup = Setup::of(&endpoint("http://prom.example"), env);
        assert_eq!(setup.security, Security::Tls(TlsConfig::default()));
    }

    #[test]
    fn endpoints_of_one_set_up_share_a_pool() {
        let wires = Wires::default();
        let first = wires.transport(&endpoint("http://127.0.0.1:1"));
        let second = wires.transport(&endpoint("http://127.0.0.1:2"));
        assert!(Arc::ptr_eq(&first, &second));
        let third = wires.transport(&endpoint("https://127.0.0.1:2"));
        assert!(!Arc::ptr_eq(&first, &third));
    }

    #[test]
    fn a_certificate_that_is_none_is_named() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("ca.pem");
        std::fs::write(&path, "not a certificate").expect("written");
        for ca_file in [path, "/nonexistent/ca.pem".into()] {
            let mut endpoint = endpoint("https://prom.example");
            endpoint.tls.ca_file = Some(ca_file);
            let error = Setup::of(&endpoint, no_env)
                .build(Speech::Any)
                .expect_err("no certificate");
            assert!(
                matches!(&error, TransportError::Setup(why) if why.contains("ca.pem")),
                "{error:?}"
            );
        }
    }
}
