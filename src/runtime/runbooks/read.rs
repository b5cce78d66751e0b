//! Reads a runbook: a file of the configured directory, or what a link answers.
//!
//! A link is asked for plainly: no credential of any backend goes along, whatever host it names. Start at [`read`].

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use rustix::fs::OFlags;

use crate::backend::http::{Cut, Method, Request, Response, TransportError, Wires};
use crate::config::{Auth, Endpoint, RunbooksConfig};
use crate::runbook::source::{Place, Unread, Wanted, places, told};
use crate::runbook::{Checklist, Document, LONGEST, Origin};

/// How long one address may take to answer.
const LIMIT: Duration = Duration::from_secs(10);
/// Opening a connection.
const CONNECT: Duration = Duration::from_secs(3);
/// How often an answer may point somewhere else.
const REDIRECTS: usize = 3;

/// How links are asked.
pub struct Links<'a> {
    /// Over these.
    pub wires: &'a Wires,
    /// By this TLS and proxy.
    pub runbooks: &'a RunbooksConfig,
}

/// Looks everywhere that it may lie, in order, and reads the first that is there.
///
/// # Errors
/// What was looked for and found missing, and how that is mended.
pub async fn read(wanted: &Wanted, links: &Links<'_>) -> Result<Document, Unread> {
    let mut tried = Vec::new();
    let mut mend = None;
    for place in places(wanted)? {
        let found = match &place {
            Place::Named(name) => file(wanted, PathBuf::from(name)).await,
            Place::Path(path) => file(wanted, path.clone()).await,
            Place::Link(link) => page(link, links, LIMIT).await,
        };
        match found {
            Ok(found) => return Ok(found),
            Err(unread) => {
                tried.extend(unread.what);
                mend = Some(unread.mend);
            }
        }
    }
    Err(Unread {
        what: tried,
        mend: mend.unwrap_or_default(),
    })
}

async fn file(wanted: &Wanted, name: PathBuf) -> Result<Document, Unread> {
    let Some(dir) = wanted.dir.clone() else {
        return Err(Unread::new(
            "there is no directory of runbooks",
            "set [runbooks] dir",
        ));
    };
    let alert = wanted.alert.clone();
    // A disk that hangs holds up this task alone.
    let reading = tokio::task::spawn_blocking(move || inside(&dir, &name, &alert));
    reading
        .await
        .unwrap_or_else(|_| Err(Unread::new("the file could not be read", "try again")))
}

/// Reads a file, where it lies in the directory once every link on the way to it is followed.
fn inside(dir: &Path, name: &Path, alert: &str) -> Result<Document, Unread> {
    let path = dir.join(name);
    let shown = path.display().to_string();
    let there = |error: &std::io::Error, path: &Path| {
        let what = match error.kind() {
            std::io::ErrorKind::NotFound => format!("{}: not there", path.display()),
            _ => format!("{}: {error}", path.display()),
        };
        Unread::new(
            what,
            format!("write it as {}", dir.join(format!("{alert}.md")).display()),
        )
    };
    let real_dir = fs::canonicalize(dir).map_err(|error| {
        Unread::new(
            format!("[runbooks] dir {}: {error}", dir.display()),
            "make it a directory that you can read",
        )
    })?;
    let real = fs::canonicalize(&path).map_err(|error| there(&error, &path))?;
    if !real.starts_with(&real_dir) {
        return Err(Unread::new(
            format!("{shown}: it lies outside of {}", dir.display()),
            "put it into the directory: nothing outside is read",
        ));
    }
    // What is no file (a pipe, a device) might never end, and what was one a moment ago may have been put in its place.
    let mut options = fs::File::options();
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    options.read(true).custom_flags(flags.bits().cast_signed());
    let file = options.open(&real).map_err(|error| there(&error, &path))?;
    if !file.metadata().is_ok_and(|found| found.is_file()) {
        return Err(Unread::new(
            format!("{shown}: it is no file"),
            "make it a file of Markdown",
        ));
    }
    let mut bytes = Vec::new();
    let reading = file.take(LONGEST as u64 + 1).read_to_end(&mut bytes);
    reading.map_err(|error| there(&error, &path))?;
    Ok(Document {
        from: shown,
        origin: Origin::Kept,
        checklist: Checklist::read(&String::from_utf8_lossy(&bytes)),
    })
}

/// Asks an address, and those it points to, for so long at most.
pub(super) async fn page(link: &str, links: &Links<'_>, limit: Duration) -> Result<Document, Unread> {
    let following = followed(link, links, limit);
    match tokio::time::timeout(limit, following).await {
        Ok(read) => read,
        Err(_) => Err(Unread::new(
            format!("{}: no answer within {} s", told(link), limit.as_secs_f64()),
            REACH,
        )),
    }
}

async fn followed(link: &str, links: &Links<'_>, limit: Duration) -> Result<Document, Unread> {
    let mut url = Url::parse(link).map_err(|error| {
        Unread::new(
            format!("{}: it is no address ({error})", told(link)),
            "mend the rule's runbook_url",
        )
    })?;
    let shown = bare(&url);
    let mut origin = Origin::Kept;
    for _ in 0..=REDIRECTS {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Unread::new(
                format!("{}: it has a password in it", bare(&url)),
                "leave that out of the annotation: everybody reads it",
            ));
        }
        if url.scheme() != "https" {
            origin = Origin::Plaintext;
        }
        let response = asked(&url, links, limit)
            .await
            .map_err(|error| Unread::new(format!("{shown}: {}", unreached(&error, limit)), REACH))?;
        match next(&url, &response) {
            Some(Ok(there)) => url = there,
            Some(Err(why)) => return Err(Unread::new(format!("{shown}: {why}"), COPY)),
            None => return answered((&url, origin), &response),
        }
    }
    Err(Unread::new(format!("{shown}: it points on and on"), COPY))
}

/// How a page that cannot be reached is read all the same.
const REACH: &str = "read it where it can be reached, or put a copy into the directory of runbooks";

/// How a page that is none of ours to read is read all the same.
const COPY: &str =
    "open the link in a browser, or put its Markdown into the directory of runbooks ([runbooks] dir)";

async fn asked(url: &Url, links: &Links<'_>, limit: Duration) -> Result<Response, TransportError> {
    let endpoint = Endpoint {
        name: "runbook".to_owned(),
        url: url.as_str().to_owned(),
        auth: Auth::None,
        headers: Vec::new(),
        params: Vec::new(),
        tls: links.runbooks.tls.clone(),
        proxy: links.runbooks.proxy.clone(),
        timeout: limit,
        connect_timeout: CONNECT.min(limit),
        max_concurrency: 1,
    };
    let request = Request {
        method: Method::Get,
        url: endpoint.url.clone(),
        headers: vec![(
            "accept".to_owned(),
            "text/markdown, text/plain;q=0.9, */*;q=0.1".to_owned(),
        )],
        body: Vec::new(),
        timeout: limit,
        cap: LONGEST + 1,
        // Its beginning is worth reading, and that it is cut is said.
        cut: Cut::Keep,
        redactor: Arc::default(),
    };
    links.wires.transport(&endpoint).send(request).await
}

/// Where an answer points instead, where it does.
fn next(from: &Url, response: &Response) -> Option<Result<Url, String>> {
    if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let there = response.header("location").and_then(|to| from.join(to).ok());
    Some(match there {
        Some(url) if is_within(from, &url) => Ok(url),
        Some(url) => Err(format!("it points to {}, which is not followed", bare(&url))),
        None => Err("it points nowhere".to_owned()),
    })
}

/// Whether an answer may point there: to the same host and port, or from http to https of the same host. Whoever else
/// it points to is none that the rule names.
fn is_within(from: &Url, to: &Url) -> bool {
    let same_port = from.port_or_known_default() == to.port_or_known_default();
    let upgraded = from.scheme() == "http" && to.scheme() == "https";
    from.host_str() == to.host_str() && (upgraded || (from.scheme() == to.scheme() && same_port))
}

fn answered((url, origin): (&Url, Origin), response: &Response) -> Result<Document, Unread> {
    let from = bare(url);
    let unread = |why: &str| Unread::new(format!("{from}: {why}"), COPY);
    match response.status {
        200..300 => {}
        401 | 403 => {
            return Err(unread(&format!(
                "HTTP {}: it wants a login, and none is sent",
                response.status
            )));
        }
        404 | 410 => return Err(unread(&format!("HTTP {}: it is not there", response.status))),
        status => return Err(unread(&format!("HTTP {status}"))),
    }
    let text = String::from_utf8_lossy(&response.body);
    if is_html(response.header("content-type").unwrap_or_default(), &text) {
        return Err(unread("it is a web page (HTML), and only Markdown is read here"));
    }
    if text.contains('\0') {
        return Err(unread("it is no text"));
    }
    Ok(Document {
        from,
        origin,
        checklist: Checklist::read(&text),
    })
}

fn is_html(content_type: &str, text: &str) -> bool {
    let content_type = content_type.to_ascii_lowercase();
    let begin: String = text
        .trim_start()
        .chars()
        .take(15)
        .collect::<String>()
        .to_ascii_lowercase();
    content_type.contains("html") || begin.starts_with("<!doctype html") || begin.starts_with("<html")
}

fn unreached(error: &TransportError, limit: Duration) -> String {
    match error {
        TransportError::Connect(_) => "no connection".to_owned(),
        TransportError::Tls(_) => "TLS would not agree".to_owned(),
        TransportError::Timeout { .. } => format!("no answer within {} s", limit.as_secs_f64()),
        TransportError::Broken(_) => "the connection broke".to_owned(),
        TransportError::Truncated(_) => "its answer breaks off or does not decompress".to_owned(),
        TransportError::TooLarge => "it is larger than is read".to_owned(),
        TransportError::Setup(why) | TransportError::NotRecorded(why) => why.clone(),
    }
}

/// An address without what may be secret in it.
fn bare(url: &Url) -> String {
    told(url.as_str())
}
