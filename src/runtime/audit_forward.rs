//! Sends each line of the audit log elsewhere, where whoever owns this host's files cannot rewrite it.
//!
//! At least once and in order: the position stands in the journal and moves after a line was handed over. No
//! act waits for it; what cannot be sent waits in the journal and is said ([`ForwardStatus`]). One process at a
//! time forwards for all that share a journal. Start at [`Forwarder::run`].

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use tokio::net::{UdpSocket, UnixDatagram};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::app::record::Sent;
use crate::backend::http::{Body, Call, Client, Expect, Method, Wires};
use crate::config::{AuditForward, SyslogAddress};
use crate::journal::audit::{self, Line};
use crate::journal::{Claim, Journal, JournalError, JournalResult, state};
use crate::time::Clock;

/// Under which the position stands in the journal, and the claim beside it.
const KEY: &str = "audit_forward";
/// Under which stands when the line there was handed over.
const KEY_AT: &str = "audit_forward_at";
/// Lines between two notes of the position.
const BATCH: u32 = 50;
/// The first wait after a failure; each further one is twice as long, up to the longest.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How often is looked whether the process that forwards has gone.
const CLAIM_WAIT: Duration = Duration::from_secs(30);
/// Facility authpriv (10), severity notice (5): RFC 5424, 6.2.1.
const PRIORITY: u8 = 10 * 8 + 5;

/// How forwarding goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ForwardStatus {
    /// Nothing was tried yet.
    #[default]
    Starting,
    /// Every line up to this one was handed over.
    UpToDate(u64),
    /// Another process on this journal forwards.
    ByAnother,
    /// It fails, and is tried again.
    Failing {
        /// Lines that wait.
        waiting: u64,
        /// In words.
        why: Arc<str>,
    },
}

enum Way {
    Local(std::path::PathBuf),
    Udp(String),
    Webhook(Box<Client>),
}

/// Forwards the lines of one journal.
pub struct Forwarder {
    journal: Journal,
    way: Way,
    clock: Clock,
    status: watch::Sender<ForwardStatus>,
}

impl Forwarder {
    /// Nothing is opened before something is sent.
    pub fn new(journal: Journal, to: &AuditForward, wires: &Wires, clock: Clock) -> Self {
        let way = match to {
            AuditForward::Syslog(SyslogAddress::Local(path)) => Way::Local(path.clone()),
            AuditForward::Syslog(SyslogAddress::Udp(address)) => Way::Udp(address.clone()),
            AuditForward::Webhook(endpoint) => Way::Webhook(Box::new(wires.client(endpoint, clock))),
        };
        Self {
            journal,
            way,
            clock,
            status: watch::Sender::default(),
        }
    }

    /// How it goes, as it changes.
    pub fn status(&self) -> watch::Receiver<ForwardStatus> {
        self.status.subscribe()
    }

    /// Forwards until it is dropped.
    pub async fn run(&self) {
        let mut changes = self.journal.changes();
        let mut wait = FIRST_WAIT;
        let mut claim = None;
        loop {
            changes.mark_unchanged();
            match self.forward(&mut claim, None).await {
                ForwardStatus::UpToDate(_) => {
                    wait = FIRST_WAIT;
                    if changes.changed().await.is_err() {
                        return;
                    }
                }
                ForwardStatus::Starting | ForwardStatus::ByAnother => tokio::time::sleep(CLAIM_WAIT).await,
                ForwardStatus::Failing { .. } => {
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
    }

    /// Forwards what waits now, up to the first failure and for so long at most: for a command that ends after its
    /// act. What was handed over by then is not sent again.
    pub async fn once(&self, at_most: Duration) -> ForwardStatus {
        self.forward(&mut None, Some(Instant::now() + at_most)).await
    }

    async fn forward(&self, claim: &mut Option<Claim>, until: Option<Instant>) -> ForwardStatus {
        let status = match self.claimed(claim) {
            Ok(true) => match self.drain(until).await {
                Ok(position) => ForwardStatus::UpToDate(position),
                Err(why) => ForwardStatus::Failing {
                    waiting: self.journal.read(waiting).await.unwrap_or(0),
                    why: why.into(),
                },
            },
            Ok(false) => ForwardStatus::ByAnother,
            Err(error) => ForwardStatus::Failing {
                waiting: self.journal.read(waiting).await.unwrap_or(0),
                why: error.to_string().into(),
            },
        };
        self.status.send_if_modified(|said| {
            let new = *said != status;
            said.clone_from(&status);
            new
        });
        status
    }

    fn claimed(&self, claim: &mut Option<Claim>) -> std::io::Result<bool> {
        if claim.is_none() {
            *claim = self.journal.claim(KEY)?;
        }
        Ok(claim.is_some())
    }

    /// Hands over line by line, and notes how far it came, also where a line fails or the time is over.
    async fn drain(&self, until: Option<Instant>) -> Result<u64, String> {
        loop {
            let words = |error: JournalError| error.to_string();
            let (mut position, lines) = self.journal.read(next).await.map_err(words)?;
            if lines.is_empty() {
                return Ok(position);
            }
            let mut failure = None;
            let mut moved = false;
            for (seq, line) in &lines {
                let sent = match until {
                    Some(until) => tokio::time::timeout_at(until, self.send(line))
                        .await
                        .unwrap_or_else(|_| Err("no answer in time".to_owned())),
                    None => self.send(line).await,
                };
                if let Err(why) = sent {
                    failure = Some(why);
                    break;
                }
                position = *seq;
                moved = true;
            }
            if moved {
                let at = self.clock.now().utc.to_rfc3339_opts(SecondsFormat::Millis, true);
                self.journal
                    .write(move |tx| {
                        state::put(tx, state::EVERYWHERE, KEY_AT, &at)?;
                        state::put(tx, state::EVERYWHERE, KEY, &position.to_string())
                    })
                    .await
                    .map_err(words)?;
            }
            if let Some(why) = failure {
                return Err(why);
            }
        }
    }

    async fn send(&self, line: &str) -> Result<(), String> {
        match &self.way {
            Way::Local(path) => {
                let failed = |error: std::io::Error| format!("syslog {}: {error}", path.display());
                let socket = UnixDatagram::unbound().map_err(failed)?;
                socket.connect(path).map_err(failed)?;
                socket
                    .send(local_message(line).as_bytes())
                    .await
                    .map_err(failed)?;
                Ok(())
            }
            Way::Udp(address) => {
                let failed = |error: std::io::Error| format!("syslog udp://{address}: {error}");
                let to = tokio::net::lookup_host(address)
                    .await
                    .map_err(failed)?
                    .next()
                    .ok_or_else(|| format!("syslog udp://{address}: the name has no address"))?;
                let ours = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
                let socket = UdpSocket::bind(ours).await.map_err(failed)?;
                let message = remote_message(line);
                socket.send_to(message.as_bytes(), to).await.map_err(failed)?;
                Ok(())
            }
            Way::Webhook(client) => {
                let call = Call {
                    body: Body::Json(line.to_owned()),
                    expect: Expect::Text,
                    ..Call::write(Method::Post, "", String::new())
                };
                let answer = client.call(call).await.map_err(|error| error.failure().message)?;
                if (200..300).contains(&answer.status) {
                    Ok(())
                } else {
                    Err(format!("the webhook answered {}", answer.status))
                }
            }
        }
    }
}

/// The number of the last line that was handed over; 0 before the first.
pub fn position(tx: &crate::journal::Tx<'_>) -> JournalResult<u64> {
    let kept = state::get(tx, state::EVERYWHERE, KEY)?;
    Ok(kept.and_then(|kept| kept.parse().ok()).unwrap_or(0))
}

fn next(tx: &crate::journal::Tx<'_>) -> JournalResult<(u64, Vec<(u64, String)>)> {
    let position = position(tx)?;
    Ok((position, audit::lines_after(tx, position, BATCH)?))
}

/// How many lines were not handed over yet.
pub fn waiting(tx: &crate::journal::Tx<'_>) -> JournalResult<u64> {
    audit::count_after(tx, position(tx)?)
}

/// Since when the oldest line waits; nothing where none does.
pub fn waiting_since(tx: &crate::journal::Tx<'_>) -> JournalResult<Option<DateTime<Utc>>> {
    audit::first_after(tx, position(tx)?)
}

/// The last line that was handed over, by whichever process, and how many were not yet.
pub fn stand(tx: &crate::journal::Tx<'_>) -> JournalResult<(Option<Sent>, u64)> {
    let at = state::get(tx, state::EVERYWHERE, KEY_AT)?;
    let seq = position(tx)?;
    let sent = (seq > 0).then(|| Sent {
        seq,
        at: at.and_then(|at| at.parse().ok()),
    });
    Ok((sent, waiting(tx)?))
}

/// Where lines go, in words that hold no secret: of a webhook the host alone, because some hooks' paths are keys.
pub fn place(to: &AuditForward) -> String {
    match to {
        AuditForward::Syslog(address) => format!("syslog {address}"),
        AuditForward::Webhook(endpoint) => {
            let host = reqwest::Url::parse(&endpoint.url)
                .ok()
                .and_then(|url| url.host_str().map(str::to_owned));
            format!("webhook {}", host.unwrap_or_default())
        }
    }
}

/// To the daemon of this host, which adds the time: as `syslog(3)` writes it.
fn local_message(line: &str) -> String {
    let pid = serde_json::from_str::<Line>(line).map_or(0, |line| line.pid);
    format!("<{PRIORITY}>midwatch[{pid}]: {line}")
}

/// Over the network: RFC 5424, with the line's own time and host.
fn remote_message(line: &str) -> String {
    let (at, host, pid) = serde_json::from_str::<Line>(line).map_or_else(
        |_| ("-".to_owned(), "-".to_owned(), 0),
        |line| (line.at, line.host, line.pid),
    );
    let plain = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic());
    let host = if plain { host.as_str() } else { "-" };
    format!("<{PRIORITY}>1 {at} {host} midwatch {pid} audit - {line}")
}

#[cfg(test)]
mod tests {
    use wiremock::matchers::{header, method};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;
    use crate::config::{Environment, decode_text};
    use crate::journal::Opening;
    use crate::journal::audit::Act;

    async fn journal(lines: usize) -> (tempfile::TempDir, Journal) {
        let home = tempfile::tempdir().unwrap();
        let journal = Journal::open(&Opening::private(home.path().join("midwatch.db"))).unwrap();
        for number in 0..lines {
            let act = Act {
                at: chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
                actor: "jun@example.com".to_owned(),
                action: "acknowledge".to_owned(),
                target: number.to_string(),
                context: "prod".to_owned(),
                why: String::new(),
                result: "journaled".to_owned(),
            };
            journal.write(move |tx| audit::record(tx, &act)).await.unwrap();
        }
        (home, journal)
    }

    fn forwarder(journal: &Journal, to: &str) -> Forwarder {
        let text =
            format!("audit_forward = {to}\n[contexts.prod.metrics]\nurl = \"http://localhost:9090\"\n");
        let environment: Environment = std::iter::empty().collect();
        let config = decode_text(&text, None, &environment).unwrap().config;
        let to = config.audit_forward.expect("configured");
        Forwarder::new(journal.clone(), &to, &Wires::default(), Clock::start())
    }

    const ENOUGH: Duration = Duration::from_secs(30);

    fn seq(line: &[u8]) -> u64 {
        serde_json::from_slice::<Line>(line).unwrap().seq
    }

    #[tokio::test]
    async fn a_webhook_gets_each_line_in_order_and_goes_on_where_it_failed() {
        let server = MockServer::start().await;
        let to = format!(
            "{{ kind = \"webhook\", url = \"{}/hook\", headers = {{ X-Team = \"a\" }} }}",
            server.uri()
        );
        let (_home, journal) = journal(3).await;
        let forwarder = forwarder(&journal, &to);
        let one = Mock::given(method("POST")).and(header("x-team", "a"));
        one.respond_with(ResponseTemplate::new(204))
            .up_to_n_times(1)
            .mount(&server)
            .await;
        let failing = Mock::given(method("POST"))
            .respond_with(ResponseTemplate::new(400))
            .mount_as_scoped(&server)
            .await;
        let status = forwarder.once(ENOUGH).await;
        assert!(
            matches!(status, ForwardStatus::Failing { waiting: 2, .. }),
            "{status:?}"
        );
        assert_eq!(*forwarder.status().borrow(), status);
        drop(failing);
        Mock::given(method("POST"))
            .respond_with(ResponseTemplate::new(200))
            .mount(&server)
            .await;
        assert_eq!(forwarder.once(ENOUGH).await, ForwardStatus::UpToDate(3));
        assert_eq!(
            forwarder.once(ENOUGH).await,
            ForwardStatus::UpToDate(3),
            "nothing twice"
        );
        let (sent, waiting) = journal.read(stand).await.unwrap();
        let sent = sent.expect("lines were sent");
        assert_eq!((sent.seq, sent.at.is_some(), waiting), (3, true, 0));
        let got: Vec<u64> = server
            .received_requests()
            .await
            .unwrap()
            .iter()
            .map(|request| seq(&request.body))
            .collect();
        assert_eq!(got.last(), Some(&3));
        assert!(got.is_sorted(), "{got:?}");
    }

    #[tokio::test]
    async fn what_was_handed_over_before_the_time_was_over_is_not_sent_again() {
        let server = MockServer::start().await;
        let to = format!("{{ kind = \"webhook\", url = \"{}/hook\" }}", server.uri());
        let (_home, journal) = journal(5).await;
        let quick = ResponseTemplate::new(204);
        Mock::given(method("POST"))
            .respond_with(quick.clone())
            .up_to_n_times(2)
            .mount(&server)
            .await;
        let slow = Mock::given(method("POST"))
            .respond_with(quick.set_delay(Duration::from_secs(20)))
            .mount_as_scoped(&server)
            .await;
        let forwarder = forwarder(&journal, &to);
        let status = forwarder.once(Duration::from_secs(2)).await;
        assert!(
            matches!(&status, ForwardStatus::Failing { waiting: 3, why } if why.contains("in time")),
            "{status:?}"
        );
        assert_eq!(
            journal.read(position).await,
            Ok(2),
            "a slow receiver is got through bit by bit"
        );
        let since = journal.read(waiting_since).await.unwrap();
        assert_eq!(since, DateTime::from_timestamp(1_800_000_000, 0));
        drop(slow);
    }

    #[tokio::test]
    async fn the_local_syslog_gets_datagrams_and_its_absence_is_said() {
        let (home, journal) = journal(2).await;
        let path = home.path().join("log");
        let to = format!("{{ kind = \"syslog\", address = \"{}\" }}", path.display());
        let forwarder = forwarder(&journal, &to);
        let status = forwarder.once(ENOUGH).await;
        assert!(
            matches!(&status, ForwardStatus::Failing { waiting: 2, why } if why.contains("log")),
            "{status:?}"
        );
        let daemon = UnixDatagram::bind(&path).unwrap();
        assert_eq!(forwarder.once(ENOUGH).await, ForwardStatus::UpToDate(2));
        let mut buffer = vec![0; 65_536];
        for expected in [1, 2] {
            let length = daemon.recv(&mut buffer).await.unwrap();
            let message = std::str::from_utf8(&buffer[..length]).unwrap();
            let (head, line) = message.split_once(": ").unwrap();
            assert!(head.starts_with("<85>midwatch["), "{head}");
            assert_eq!(seq(line.as_bytes()), expected);
        }
    }

    #[test]
    fn a_place_in_words_holds_no_key_of_a_hook() {
        let environment: Environment = std::iter::empty().collect();
        let words = |to: &str| {
            let text = format!("audit_forward = {to}\n[contexts.prod.metrics]\nurl = \"http://localhost\"\n");
            let config = decode_text(&text, None, &environment).unwrap().config;
            place(&config.audit_forward.unwrap())
        };
        let hook = "{ kind = \"webhook\", url = \"https://hooks.example/services/T0/s3cret\" }";
        assert_eq!(words(hook), "webhook hooks.example");
        assert_eq!(words("{ kind = \"syslog\" }"), "syslog /dev/log");
    }

    #[tokio::test]
    async fn a_syslog_over_udp_is_told_time_and_host() {
        let daemon = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let (_home, journal) = journal(1).await;
        let to = format!(
            "{{ kind = \"syslog\", address = \"udp://{}\" }}",
            daemon.local_addr().unwrap()
        );
        assert_eq!(
            forwarder(&journal, &to).once(ENOUGH).await,
            ForwardStatus::UpToDate(1)
        );
        let mut buffer = vec![0; 65_536];
        let length = daemon.recv(&mut buffer).await.unwrap();
        let message = std::str::from_utf8(&buffer[..length]).unwrap();
        assert!(
            message.starts_with("<85>1 2027-01-15T08:00:00.000Z "),
            "{message}"
        );
        assert!(
            message.contains(" midwatch ") && message.contains(" audit - {\"seq\":1,"),
            "{message}"
        );
    }

    #[tokio::test]
    async fn one_process_forwards_and_the_next_takes_over_when_it_is_gone() {
        let daemon = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let (_home, journal) = journal(1).await;
        let to = format!(
            "{{ kind = \"syslog\", address = \"udp://{}\" }}",
            daemon.local_addr().unwrap()
        );
        let forwarder = forwarder(&journal, &to);
        let held = journal.claim(KEY).unwrap().expect("free");
        assert_eq!(forwarder.once(ENOUGH).await, ForwardStatus::ByAnother);
        drop(held);
        assert_eq!(forwarder.once(ENOUGH).await, ForwardStatus::UpToDate(1));
    }
}
