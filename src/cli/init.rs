//! `midwatch init`: finds out what each URL is and writes a commented configuration. Without URLs it looks where they
//! usually stand: amtool's configuration, the environment, the well-known ports of this host (`places`).
//!
//! It is over within ten seconds, whoever does not answer: everything is asked at once, each within [`LIMIT`].

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use color_eyre::eyre::WrapErr as _;
use futures::future::join_all;
use serde::Deserialize;

use super::args::InitArgs;
use super::probe::{self, Kind, Seen};
use super::starter::{Known, starter};
use super::{CliError, Exit, Outcome, Session, places};
use crate::backend::http::Wires;
use crate::backend::{BackendError, ErrorKind};
use crate::config::{self, Auth, Endpoint, TlsConfig};
use crate::text::SafeText;

/// A server that was found, or one that would not say what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its base URL.
    pub url: String,
    /// What it is.
    pub kind: Kind,
    /// Empty where it tells none.
    pub version: String,
}

/// A server that was asked and is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dead {
    /// Its base URL.
    pub url: String,
    /// Why, in words.
    pub why: String,
}

/// What a server may need to say what it is, prefixes and repeats included.
pub const LIMIT: Duration = Duration::from_secs(7);

/// amtool's configuration, as far as it says something that we use.
#[derive(Debug, Default, Deserialize)]
struct Amtool {
    #[serde(rename = "alertmanager.url")]
    alertmanager: Option<String>,
    author: Option<String>,
    #[serde(rename = "http.config.file")]
    http_config: Option<String>,
}

/// Runs the command.
pub async fn run(session: &mut Session, args: &InitArgs) -> Outcome {
    let (to_stdout, given): (Vec<&String>, Vec<&String>) = args.urls.iter().partition(|url| *url == "-");
    let mut urls = Vec::new();
    let mut author = None;
    let mut files: Vec<PathBuf> = Vec::new();
    for each in given {
        if Path::new(each).is_file() {
            files.push(PathBuf::from(each));
        } else {
            urls.push(base_url(each)?);
        }
    }
    let alone = urls.is_empty() && files.is_empty();
    if alone {
        files.extend(amtool_files(session).into_iter().find(|path| path.is_file()));
        for (name, url) in places::of_environment(&session.env) {
            match base_url(url) {
                Ok(url) => {
                    session.out.diagnose(&format!("{name} names {url}"))?;
                    urls.push(url);
                }
                // Whose URL it is, is said; the URL itself may hold a secret.
                Err(error) => session.out.diagnose(&format!("{name} is passed over: {error}"))?,
            }
        }
    }
    for file in files {
        let amtool = read_amtool(&file)?;
        session
            .out
            .diagnose(&format!("amtool's configuration {} is used", file.display()))?;
        if let Some(url) = amtool.alertmanager {
            urls.push(base_url(&url)?);
        }
        author = author.or(amtool.author);
        if let Some(http) = amtool.http_config {
            session.out.diagnose(&format!(
                "its http.config.file {http} is not read; set auth and tls by hand"
            ))?;
        }
    }
    // It tells nobody what it is who has no key, and no key is sent to find out: its address says it.
    let (pagerduty_at, mut urls): (Vec<String>, Vec<String>) =
        urls.into_iter().partition(|url| places::pagerduty(url).is_some());
    let mut seen = BTreeSet::new();
    urls.retain(|url| seen.insert(url.clone()));
    let mut tried = Vec::new();
    if alone {
        session
            .out
            .diagnose("no URL is given: the well-known ports of this host are tried too")?;
        tried.extend(places::local().filter(|url| seen.insert(url.clone())));
    }
    let target = if to_stdout.is_empty() {
        Some(free(target(session)?)?)
    } else {
        None
    };
    let asked = if urls.is_empty() {
        "this host".to_owned()
    } else {
        urls.join(", ")
    };
    session.out.progress(&format!("asking {asked}…"))?;
    // That nobody listens at a port which was only tried is no news.
    let ((mut found, failed), (local, _)) =
        futures::join!(identify(session, &urls), identify(session, &tried));
    found.extend(local);
    found.extend(
        pagerduty_at
            .iter()
            .filter_map(|url| places::pagerduty(url))
            .map(|url| Found {
                url,
                kind: Kind::PagerDuty,
                version: String::new(),
            }),
    );
    for each in &found {
        let version = match each.version.as_str() {
            "" => "(version not told)",
            version => version,
        };
        session
            .out
            .diagnose(&format!("{} is {} {version}", each.url, each.kind.word()))?;
    }
    for (url, error) in &failed {
        let mend = match error.kind {
            ErrorKind::NotSignedIn => "; it wants to be signed in to: write its section by hand, with `auth`",
            _ => "",
        };
        session
            .out
            .diagnose(&format!("{url}: {}{mend}", error.failure().message))?;
    }
    let exit = if failed.is_empty() && !found.is_empty() {
        Exit::Done
    } else {
        Exit::Backend
    };
    if found.is_empty() && failed.is_empty() {
        session.out.diagnose(&format!(
            "nothing was found at the ports {} of this host, in {}, or by amtool's configuration; give the URLs of your \
             backends, as in: midwatch init http://prometheus:9090 http://alertmanager:9093",
            places::ports(),
            places::VARIABLES.join(", ")
        ))?;
    }
    if found.is_empty() {
        session
            .out
            .diagnose("nothing answered: what is written has every backend as a comment, to be filled in")?;
    }
    let dead: Vec<Dead> = failed
        .into_iter()
        .map(|(url, error)| Dead {
            why: SafeText::line(&error.failure().message).into_string(),
            url,
        })
        .collect();
    let pagerduty = places::key(&session.env, &places::PAGERDUTY_KEYS);
    let grafana = places::key(&session.env, &places::GRAFANA_TOKENS);
    for name in pagerduty.iter().chain(&grafana) {
        session.out.diagnose(&format!(
            "{name} is set: it is written in by its name, not by what it holds"
        ))?;
    }
    let text = starter(
        &args.name,
        Known {
            found: &found,
            dead: &dead,
            author: author.as_deref(),
            pagerduty,
            grafana,
        },
    );
    match target {
        Some(path) => {
            write_new(&path, &text)?;
            session.out.line(&format!("wrote {}", path.display()))?;
            session.out.diagnose(if found.is_empty() {
                "next: fill it in; then: midwatch config check; then: midwatch doctor"
            } else {
                "next: midwatch doctor; then: midwatch"
            })?;
        }
        None => session.out.text(&text)?,
    }
    session.out.flush()?;
    Ok(exit)
}

/// A base URL as somebody types or copies it: without a scheme it is http, a query is dropped.
fn base_url(text: &str) -> Result<String, CliError> {
    let wrong =
        |what: &str| CliError::Usage(format!("{what}; write http://host:port or https://host/prefix"));
    let full = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let mut url =
        reqwest::Url::parse(&full).map_err(|error| wrong(&format!("a URL does not read ({error})")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "a URL has a user or password in it: secrets never stand in a URL, use `auth` in the file",
        ));
    }
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong(&format!("{text} is no http or https URL")));
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn amtool_files(session: &Session) -> Vec<PathBuf> {
    // amtool's own search order.
    let mut files: Vec<PathBuf> = session
        .env
        .home()
        .map(|home| home.join(".config/amtool/config.yml"))
        .into_iter()
        .collect();
    files.push("/etc/amtool/config.yml".into());
    files
}

fn read_amtool(path: &Path) -> Result<Amtool, CliError> {
    let text = std::fs::read_to_string(path)
        .wrap_err_with(|| format!("{}: cannot be read", path.display()))
        .map_err(CliError::Unexpected)?;
    serde_saphyr::from_str(&text).map_err(|error| {
        CliError::Usage(format!(
            "{} is no configuration of amtool: {}",
            path.display(),
            error.without_snippet()
        ))
    })
}

async fn identify(session: &Session, urls: &[String]) -> (Vec<Found>, Vec<(String, BackendError)>) {
    let wires = Wires::default();
    let (wires, clock) = (&wires, session.clock);
    let asked = urls.iter().map(|url| async move {
        let located = tokio::time::timeout(LIMIT, located(wires, url, clock)).await;
        (url.clone(), located.unwrap_or_else(|_| Err(late(url))))
    });
    let mut found = Vec::new();
    let mut failed = Vec::new();
    for (url, answer) in join_all(asked).await {
        match answer {
            Ok((url, seen)) => found.push(Found {
                url,
                kind: seen.kind,
                version: seen.version,
            }),
            Err(error) => failed.push((url, error)),
        }
    }
    (found, failed)
}

fn late(url: &str) -> BackendError {
    BackendError {
        kind: ErrorKind::TimedOut,
        backend: url.into(),
        tried: "GET /".to_owned(),
        detail: format!("it did not say what it is within {} s", LIMIT.as_secs()),
        mend: "check the URL, and what lies between".to_owned(),
        status: None,
        retry_after: None,
        delivery: crate::backend::Delivery::Unknown,
    }
}

/// A server may speak below a well-known prefix: Mimir's and VictoriaMetrics' `/prometheus`, VictoriaTraces'
/// `/select/jaeger`.
async fn located(
    wires: &Wires,
    url: &str,
    clock: crate::time::Clock,
) -> Result<(String, Seen), BackendError> {
    let client = |url: &str| wires.client(&endpoint(url), clock);
    let error = match probe::identify(&client(url), clock).await {
        Ok(seen) => return Ok((url.to_owned(), seen)),
        Err(error) => error,
    };
    if matches!(error.kind, ErrorKind::Rejected | ErrorKind::BadAnswer) {
        for prefix in ["prometheus", "alertmanager", "zipkin", "select/jaeger"] {
            let below = format!("{url}/{prefix}");
            if let Ok(seen) = probe::identify(&client(&below), clock).await {
                return Ok((below, seen));
            }
        }
    }
    Err(error)
}

fn endpoint(url: &str) -> Endpoint {
    Endpoint {
        name: url.to_owned(),
        url: url.to_owned(),
        auth: Auth::None,
        headers: Vec::new(),
        params: Vec::new(),
        tls: TlsConfig::default(),
        proxy: None,
        timeout: Duration::from_secs(5),
        connect_timeout: Duration::from_secs(3),
        max_concurrency: 4,
    }
}

fn target(session: &Session) -> Result<PathBuf, CliError> {
    config::candidates(&session.flags(), &session.env)
        .into_iter()
        .next()
        .ok_or_else(|| {
            CliError::Usage("no place to write to; give --config PATH, or `-` to print".to_owned())
        })
}

/// A path where nothing stands yet; said before anybody waits for answers.
fn free(path: PathBuf) -> Result<PathBuf, CliError> {
    if path.exists() {
        Err(taken(&path))
    } else {
        Ok(path)
    }
}

fn taken(path: &Path) -> CliError {
    CliError::Usage(format!(
        "{} is there already and is not overwritten; move it away, give --config PATH, or `-` to print",
        path.display()
    ))
}

fn write_new(path: &Path, text: &str) -> Result<(), CliError> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)
            .wrap_err_with(|| format!("{}: cannot be made", dir.display()))
            .map_err(CliError::Unexpected)?;
    }
    // `create_new`: between looking and writing, nobody's file is overwritten.
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => taken(path),
            _ => CliError::Unexpected(color_eyre::eyre::eyre!("{}: {error}", path.display())),
        })?;
    file.write_all(text.as_bytes())
        .wrap_err_with(|| format!("{}: cannot be written", path.display()))
        .map_err(CliError::Unexpected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_as_people_write_them() {
        let read = |text: &str| base_url(text).ok();
        assert_eq!(read("localhost:9090").as_deref(), Some("http://localhost:9090"));
        assert_eq!(
            read("https://h.example/prom/").as_deref(),
            Some("https://h.example/prom")
        );
        assert_eq!(
            read("http://h/graph?g0.expr=up").as_deref(),
            Some("http://h/graph")
        );
        assert_eq!(read("ftp://h"), None);
        let error = base_url("http://u:s3cret@h").expect_err("a secret").to_string();
        assert!(!error.contains("s3cret"), "{error}");
    }

    #[test]
    fn an_existing_file_is_never_overwritten() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("midwatch/config.toml");
        assert!(write_new(&path, "first").is_ok());
        assert!(matches!(write_new(&path, "second"), Err(CliError::Usage(_))));
        assert_eq!(std::fs::read_to_string(&path).expect("readable"), "first");
    }
}
