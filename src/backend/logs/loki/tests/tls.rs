//! The tail and the questions over TLS: a private CA, the wrong one, none, client certificates, names, and ALPN, each
//! as the configuration says it.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::server::{Script, Server};
use super::*;
use crate::backend::Backends;
use crate::backend::logs::{Direction, TAIL_CAPACITY, TailMode};
use crate::config::{Environment, decode_text};

/// Who signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for a name, and its key.
    fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    /// A server's side of TLS under that name. `of_clients`: who has to have signed the certificates of clients.
    fn acceptor(&self, name: &str, of_clients: Option<&Self>, protocols: &[&str]) -> TlsAcceptor {
        let (certificate, key) = self.issue(name);
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let builder = ServerConfig::builder();
        let builder = match of_clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.0.der().clone()).unwrap();
                builder.with_client_cert_verifier(
                    WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap(),
                )
            }
        };
        let mut config = builder
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Files that a configuration names.
struct Stage(tempfile::TempDir);

impl Stage {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// The logs that a configuration opens, with these lines under `tls`.
fn configured(url: &str, tls: &str) -> Arc<dyn Logs> {
    let text = format!(
        "[contexts.prod.logs]\nkind = \"loki\"\nurl = \"{url}\"\npoll = \"1s\"\n[contexts.prod.logs.tls]\n{tls}"
    );
    let config = decode_text(&text, None, &Environment::default()).unwrap().config;
    let backends = Backends::open(&config.contexts["prod"], &Wires::default(), Clock::start());
    backends.logs.expect("opened")
}

fn trusting(ca: &Path) -> String {
    format!("ca_file = \"{}\"\n", ca.display())
}

fn now() -> Nanos {
    Nanos::of(Clock::start().now().utc)
}

/// Runs a tail until it told a line and its mode, or failed.
async fn tailed(logs: &dyn Logs, server: &Server, mode: TailMode) -> Result<String, BackendError> {
    let (events, mut heard) = mpsc::channel(TAIL_CAPACITY);
    let tail = logs.tail(Wanted::default(), now(), events);
    let listen = async {
        let mut pushed = false;
        loop {
            match heard.recv().await.expect("the tail runs") {
                TailEvent::Lines(batch) => return Ok(lines(&batch).remove(0).1),
                TailEvent::Mode(now_in) if now_in == mode && !pushed => {
                    pushed = true;
                    server.push(now().0, "cart", "over TLS");
                }
                // where there is no upgrade, that is said once
                TailEvent::Failed(_) if matches!(mode, TailMode::Polling(_)) => {}
                TailEvent::Failed(error) => return Err(error),
                TailEvent::Mode(_) | TailEvent::Gap(_) | TailEvent::Filled(_) => {}
            }
        }
    };
    let both = async {
        tokio::select! {
            ended = tail => Err(ended.expect_err("a tail ends by an error alone")),
            heard = listen => heard,
        }
    };
    tokio::time::timeout(Duration::from_secs(20), both)
        .await
        .expect("in time")
}

async fn asked(logs: &dyn Logs) -> Result<Page, BackendError> {
    let question = PageQuestion {
        wanted: Wanted::default(),
        from: now().minus(Duration::from_secs(60)),
        to: now(),
        direction: Direction::Backward,
        limit: 10,
    };
    logs.page(question).await
}

const HTTP1: &[&str] = &["http/1.1"];

#[tokio::test]
async fn a_tail_and_a_page_trust_the_private_ca_that_is_configured() {
    let (authority, stage) = (Authority::new("ours"), Stage::new());
    let server = Server::start_tls(Script::default(), authority.acceptor("127.0.0.1", None, HTTP1)).await;
    let logs = configured(&server.url, &trusting(&stage.write("ca.pem", &authority.pem())));
    server.push(now().0 - 1_000_000_000, "cart", "before");
    let page = asked(&*logs).await.expect("a page");
    assert_eq!(lines(&page.batch)[0].1, "before");
    let line = tailed(&*logs, &server, TailMode::Live).await.expect("a line");
    assert_eq!(line, "over TLS");
}

#[tokio::test]
async fn where_the_upgrade_is_refused_the_present_is_polled_over_tls() {
    let (authority, stage) = (Authority::new("ours"), Stage::new());
    let script = Script {
        refuse: Some((400, "Bad Request")),
        ..Script::default()
    };
    let server = Server::start_tls(script, authority.acceptor("127.0.0.1", None, HTTP1)).await;
    let logs = configured(&server.url, &trusting(&stage.write("ca.pem", &authority.pem())));
    let line = tailed(&*logs, &server, TailMode::Polling("no upgrade"))
        .await
        .expect("a line");
    assert_eq!(line, "over TLS");
}

#[tokio::test]
async fn a_server_of_another_ca_is_refused_with_what_was_asked_and_the_mend() {
    let (authority, other, stage) = (Authority::new("ours"), Authority::new("another"), Stage::new());
    let server = Server::start_tls(Script::default(), authority.acceptor("127.0.0.1", None, HTTP1)).await;
    let wrong = trusting(&stage.write("ca.pem", &other.pem()));
    for tls in [&*wrong, ""] {
        let logs = configured(&server.url, tls);
        let tail = tailed(&*logs, &server, TailMode::Live)
            .await
            .expect_err("not trusted");
        let page = asked(&*logs).await.expect_err("not trusted");
        for error in [tail, page] {
            assert_eq!(error.kind, ErrorKind::Tls, "{error}");
            let words = error.to_string();
            assert!(words.starts_with("logs: GET /loki/api/v1/"), "{words}");
            assert!(
                words.contains("certificate") && words.contains("UnknownIssuer"),
                "{words}"
            );
            assert!(words.contains("set `tls.ca_file`"), "{words}");
        }
    }
    assert_eq!(
        server.headers("host"),
        [],
        "nothing was asked of who is not trusted"
    );
}

#[tokio::test]
async fn verification_is_skipped_where_that_is_configured() {
    let authority = Authority::new("ours");
    let server = Server::start_tls(
        Script::default(),
        authority.acceptor("elsewhere.example", None, HTTP1),
    )
    .await;
    let logs = configured(&server.url, "insecure_skip_verify = true\n");
    let line = tailed(&*logs, &server, TailMode::Live).await.expect("a line");
    assert_eq!(line, "over TLS");
}

#[tokio::test]
async fn a_certificate_of_another_name_is_refused_and_the_url_is_doubted() {
    let (authority, stage) = (Authority::new("ours"), Stage::new());
    let server = Server::start_tls(
        Script::default(),
        authority.acceptor("elsewhere.example", None, HTTP1),
    )
    .await;
    let logs = configured(&server.url, &trusting(&stage.write("ca.pem", &authority.pem())));
    let error = tailed(&*logs, &server, TailMode::Live)
        .await
        .expect_err("another name");
    assert_eq!(error.kind, ErrorKind::Tls);
    let words = error.to_string();
    assert!(
        words.contains("elsewhere.example") && words.contains("check the name in the URL"),
        "{words}"
    );
}

#[tokio::test]
async fn a_server_that_asks_for_our_certificate_gets_the_configured_one() {
    let (authority, of_clients, stage) = (Authority::new("ours"), Authority::new("of clients"), Stage::new());
    let acceptor = authority.acceptor("127.0.0.1", Some(&of_clients), HTTP1);
    let server = Server::start_tls(Script::default(), acceptor).await;
    let ca = trusting(&stage.write("ca.pem", &authority.pem()));
    let own = |authority: &Authority, name: &str| {
        let (certificate, key) = authority.issue("midwatch.example");
        let certificate = stage.write(&format!("{name}.pem"), &certificate.pem());
        let key = stage.write(&format!("{name}.key"), &key.serialize_pem());
        format!(
            "{ca}client_cert_file = \"{}\"\nclient_key_file = \"{}\"\n",
            certificate.display(),
            key.display()
        )
    };
    let logs = configured(&server.url, &own(&of_clients, "ours"));
    let line = tailed(&*logs, &server, TailMode::Live).await.expect("a line");
    assert_eq!(line, "over TLS");
    for tls in [&*ca, &*own(&Authority::new("another"), "theirs")] {
        let logs = configured(&server.url, tls);
        let error = tailed(&*logs, &server, TailMode::Live)
            .await
            .expect_err("no certificate of ours");
        assert_eq!(error.kind, ErrorKind::Tls, "{error}");
        let words = error.to_string();
        assert!(
            words.contains("refuses our side") && words.contains("tls.client_cert_file"),
            "{words}"
        );
    }
}

#[tokio::test]
async fn a_gateway_that_likes_http_2_better_is_asked_for_the_upgrade_in_http_1() {
    let (authority, stage) = (Authority::new("ours"), Stage::new());
    let acceptor = authority.acceptor("127.0.0.1", None, &["h2", "http/1.1"]);
    let server = Server::start_tls(Script::default(), acceptor).await;
    let mut endpoint = endpoint(&server.url);
    endpoint.tls.ca_file = Some(stage.write("ca.pem", &authority.pem()));
    // this server understands no HTTP/2: only what is asked in HTTP/1.1 is answered
    let mut socket = loki_on(&endpoint)
        .open_tail("{app=\"cart\"}", now())
        .await
        .expect("an upgrade");
    server.push(now().0, "cart", "in HTTP/1.1");
    let heard = tokio::time::timeout(Duration::from_secs(5), socket.hear())
        .await
        .expect("in time");
    assert!(
        matches!(&heard, socket::Heard::Text(text) if text.contains("in HTTP/1.1")),
        "{heard:?}"
    );
}
