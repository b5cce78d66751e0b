//! One notification, once: what is posted or run, and what its answer means.
//!
//! A URL is a secret in itself: no error repeats it.

use std::process::Stdio;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};

use super::Notice;
use crate::backend::Delivery;
use crate::backend::http::{
    CredentialError, Cut, EnvLookup, Method, Request, Response, TransportError, Wires, read_secret,
};
use crate::config::{Auth, Channel, Endpoint, Hook, NotifyConfig};
use crate::text::SafeText;

/// Of an answer or a program's words, bytes.
const SAID: usize = 2 * 1024;
/// Opening a connection.
const CONNECT: Duration = Duration::from_secs(3);
/// How long a program's words are waited for after its end.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// What a program of the configuration is left of our environment: no token of ours is among them.
const KEPT: [&str; 8] = [
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR",
];

/// How one attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Attempt {
    /// The other side took it.
    Delivered,
    /// It certainly did not arrive, and may another time.
    NotSent(String),
    /// The other side does not want it, or it cannot be sent as it is configured.
    Refused(String),
    /// It may have arrived.
    Unclear(String),
}

/// Sends it.
pub(super) async fn attempt(
    notice: &Notice,
    config: &NotifyConfig,
    wires: &Wires,
    env: EnvLookup,
) -> Attempt {
    match &config.channel {
        Channel::Webhook(hook) => {
            let body = serde_json::to_vec(notice).unwrap_or_default();
            post(hook, body, config, wires, env).await
        }
        Channel::Slack(hook) => {
            let body = slack(notice).to_string().into_bytes();
            post(hook, body, config, wires, env).await
        }
        Channel::Command(argv) => run(argv, notice, config.timeout, env).await,
    }
}

/// Slack's incoming webhook: `{"text": …}`, with `&`, `<` and `>` escaped, so that no remote text makes a link
/// or calls `@channel` (Slack, "Formatting text for app surfaces").
pub(super) fn slack(notice: &Notice) -> serde_json::Value {
    let plain = |text: &str| {
        SafeText::line(text)
            .as_str()
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    };
    let people: Vec<String> = notice.people.iter().map(|person| plain(&person.name)).collect();
    let mut text = format!(
        "*{} {}* {} ({})\n{}",
        notice.severity,
        notice.incident,
        plain(&notice.title),
        notice.status.word(),
        plain(&notice.message),
    );
    if !people.is_empty() {
        text.push_str("\n→ ");
        text.push_str(&people.join(", "));
    }
    json!({ "text": text })
}

async fn post(hook: &Hook, body: Vec<u8>, config: &NotifyConfig, wires: &Wires, env: EnvLookup) -> Attempt {
    let url = match read_secret(&hook.url, env).await {
        Ok(url) => url,
        // Another process may have it: an engineer's own environment holds it.
        Err(CredentialError { what, mend }) => return Attempt::NotSent(format!("{what}; {mend}")),
    };
    let is_url = reqwest::Url::parse(url.expose_secret())
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if !is_url {
        return Attempt::Refused("what is read as its URL is no http or https URL".to_owned());
    }
    let endpoint = Endpoint {
        name: format!("notify {}", config.name),
        url: url.expose_secret().to_owned(),
        auth: Auth::None,
        headers: Vec::new(),
        params: Vec::new(),
        tls: hook.tls.clone(),
        proxy: hook.proxy.clone(),
        timeout: config.timeout,
        connect_timeout: CONNECT.min(config.timeout),
        max_concurrency: 1,
    };
    let request = Request {
        method: Method::Post,
        url: endpoint.url.clone(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body,
        timeout: config.timeout,
        cap: SAID,
        // Its status says whether it took it, however long the page behind it is.
        cut: Cut::Keep,
        redactor: std::sync::Arc::default(),
    };
    match wires.transport(&endpoint).send(request).await {
        Ok(response) => judged(&response),
        Err(TransportError::TooLarge) => Attempt::Unclear("it answered with more than is read".to_owned()),
        Err(TransportError::Connect(_)) => Attempt::NotSent("no connection".to_owned()),
        Err(TransportError::Tls(_)) => Attempt::NotSent("TLS would not agree; check tls.ca_file".to_owned()),
        Err(TransportError::Setup(why) | TransportError::NotRecorded(why)) => Attempt::Refused(why),
        Err(TransportError::Timeout {
            sent: Delivery::NotSent,
        }) => Attempt::NotSent("no connection in time".to_owned()),
        Err(TransportError::Timeout { .. }) => Attempt::Unclear("no answer in time".to_owned()),
        Err(TransportError::Broken(_) | TransportError::Truncated(_)) => {
            Attempt::Unclear("the connection broke before an answer".to_owned())
        }
    }
}

fn judged(response: &Response) -> Attempt {
    let status = response.status;
    let said = String::from_utf8_lossy(&response.body);
    let said = SafeText::line(said.trim());
    let words = match said.as_str() {
        "" => format!("HTTP {status}"),
        said => format!("HTTP {status}: {said}"),
    };
    match status {
        200..300 => Attempt::Delivered,
        // Asked to be left alone: it did not take it. A 503 without a time to come back is as often a gateway's,
        // whose backend may have taken it.
        429 => Attempt::NotSent(words),
        503 if response.header("retry-after").is_some() => Attempt::NotSent(words),
        500..600 => Attempt::Unclear(words),
        _ => Attempt::Refused(words),
    }
}

/// The arguments, each placeholder replaced as a whole.
pub(super) fn arguments(argv: &[String], notice: &Notice) -> Vec<String> {
    let person = notice.people.first();
    let of = |field: fn(&crate::domain::incident::Person) -> Option<&std::sync::Arc<str>>| {
        person
            .and_then(field)
            .map(ToString::to_string)
            .unwrap_or_default()
    };
    argv.iter()
        .map(|argument| match argument.as_str() {
            "{incident}" => notice.incident.to_string(),
            "{title}" => remote(&notice.title),
            "{severity}" => notice.severity.to_string(),
            "{service}" => remote(notice.service.as_deref().unwrap_or_default()),
            "{level}" => notice.level().map(|level| level.to_string()).unwrap_or_default(),
            "{message}" => remote(&notice.message),
            "{person}" => of(|person| Some(&person.name)),
            "{email}" => of(|person| person.email.as_ref()),
            "{phone}" => of(|person| person.phone.as_ref()),
            as_written => as_written.to_owned(),
        })
        .collect()
}

/// Text of others as an argument: one line without a NUL, and never an option of the program.
fn remote(text: &str) -> String {
    let text = SafeText::line(text);
    if text.as_str().starts_with('-') {
        format!(" {}", text.as_str())
    } else {
        text.as_str().to_owned()
    }
}

async fn run(argv: &[String], notice: &Notice, limit: Duration, env: EnvLookup) -> Attempt {
    let arguments = arguments(argv, notice);
    let Some((program, arguments)) = arguments.split_first() else {
        return Attempt::Refused("its command is empty".to_owned());
    };
    let kept = KEPT.iter().filter_map(|name| Some((*name, env(name)?)));
    let spawned = tokio::process::Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(kept)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => return Attempt::Refused(format!("{program} cannot be run: {error}")),
    };
    let document = serde_json::to_vec(notice).unwrap_or_default();
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A program that does not read it may still have done its work.
            let _ = stdin.write_all(&document).await;
        }
    };
    let talk = async {
        let ((), said, wrong) = tokio::join!(feed, capped(stdout), capped(stderr));
        if wrong.trim().is_empty() { said } else { wrong }
    };
    let ended = async {
        tokio::pin!(talk);
        tokio::select! {
            words = &mut talk => (words, child.wait().await),
            // What it left running may hold its pipes open for long.
            status = child.wait() => {
                let words = tokio::time::timeout(LAST_WORDS, &mut talk).await;
                (words.unwrap_or_default(), status)
            }
        }
    };
    let Ok((words, status)) = tokio::time::timeout(limit, ended).await else {
        // Killed as it is dropped; what it did until then is not known.
        return Attempt::Unclear(format!(
            "{program} did not end within {} s, and was ended",
            limit.as_secs_f64()
        ));
    };
    let words = SafeText::line(words.trim()).as_str().to_owned();
    match status {
        Ok(status) if status.success() => Attempt::Delivered,
        Ok(status) if words.is_empty() => Attempt::Refused(format!("{program} ended with {status}")),
        Ok(status) => Attempt::Refused(format!("{program} ended with {status}: {words}")),
        Err(error) => Attempt::Unclear(format!("{program}: {error}")),
    }
}

/// The first part of what it says; the rest is read and dropped, so that it never blocks.
async fn capped(from: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut from) = from else {
        return String::new();
    };
    let mut kept = Vec::new();
    let mut chunk = [0_u8; 1024];
    while let Ok(read) = from.read(&mut chunk).await {
        if read == 0 {
            break;
        }
        let room = SAID.saturating_sub(kept.len());
        kept.extend(chunk.iter().take(read.min(room)));
    }
    String::from_utf8_lossy(&kept).into_owned()
}
