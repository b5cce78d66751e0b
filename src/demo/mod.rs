//! The simulated production: a shop of about ten services behind real HTTP servers on loopback.
//!
//! [`world`] says what happens and knows no server; [`promql`] and [`rules`] evaluate over it; [`prometheus`],
//! [`alertmanager`], [`pagerduty`], [`grafana`], [`loki`] and [`jaeger`] speak the APIs. A later signal is another
//! server over the same world.
//! Everything is a pure function of (seed, scenario, anchor, t); only what people ask for through the APIs is
//! kept. A test puts [`faults`] before any of them. [`child`] runs it in a process of its
//! own. Start at [`Demo::bind`].

pub mod alertmanager;
pub mod child;
pub mod clock;
mod configuration;
pub mod drill;
mod exemplars;
pub mod faults;
pub mod grafana;
pub mod jaeger;
pub mod loki;
pub mod pagerduty;
pub mod prometheus;
pub mod promql;
pub mod rules;
pub mod world;

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::future::Future;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use alertmanager::Cluster;
use clock::DemoClock;
use grafana::Grafana;
use jaeger::Jaeger;
use loki::Loki;
use pagerduty::PagerDuty;
use prometheus::Prometheus;
use rules::Rules;
use world::{Epoch, Scenario, World};

/// Names of the Alertmanagers, one gossip cluster.
const ALERTMANAGERS: [&str; 2] = ["eu-0", "eu-1"];

/// What a demo is made of.
#[derive(Debug, Clone, Copy)]
pub struct DemoOptions {
    /// Which story.
    pub scenario: Scenario,
    /// Shifts the unrest.
    pub seed: u64,
    /// What time it is.
    pub clock: DemoClock,
    /// The story's zero; the clock's now at the start where none.
    pub anchor: Option<DateTime<Utc>>,
}

/// Where the servers listen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// Base URL of the metrics store.
    pub metrics: String,
    /// Base URLs by name.
    pub alertmanagers: BTreeMap<String, String>,
    /// Base URL of the incidents' API.
    pub pagerduty: String,
    /// Base URL of the annotations' API.
    pub grafana: String,
    /// Base URL of the logs' API.
    pub logs: String,
    /// Base URL of the traces' API.
    pub traces: String,
}

/// The one line that `demo --headless` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// The configuration to open.
    pub config: PathBuf,
    /// Where everything listens.
    pub endpoints: Endpoints,
    /// The seed in use.
    pub seed: u64,
    /// The story's zero.
    pub anchor: DateTime<Utc>,
}

/// A directory of its own (0700) that goes with its owner.
#[derive(Debug)]
pub(crate) struct PrivateDir(PathBuf);

impl PrivateDir {
    /// Makes one in the directory of temporary files.
    pub(crate) fn create(prefix: &str) -> io::Result<Self> {
        let base = std::env::temp_dir();
        let process = std::process::id();
        for attempt in 0..1_000_u32 {
            let path = base.join(format!("{prefix}{process}-{attempt}"));
            let mut builder = DirBuilder::new();
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            match builder.create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other(format!(
            "{} holds a thousand directories {prefix}* of this process; remove them",
            base.display()
        )))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for PrivateDir {
    fn drop(&mut self) {
        // What cannot be removed is left to the system's own cleaning of temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A demo whose ports are bound and whose configuration is written; [`Demo::serve`] answers.
pub struct Demo {
    announcement: Announcement,
    servers: Vec<(TcpListener, Router)>,
    _dir: PrivateDir,
}

impl Demo {
    /// Binds free loopback ports and writes the configuration into a private temporary directory.
    pub async fn bind(options: DemoOptions) -> io::Result<Self> {
        let DemoOptions {
            scenario,
            seed,
            clock,
            anchor,
        } = options;
        let anchor = anchor.unwrap_or_else(|| clock.now());
        let world = Arc::new(World::new(Epoch {
            scenario,
            seed,
            anchor,
        }));
        let rules = Arc::new(Rules::new(Arc::clone(&world)).map_err(io::Error::other)?);
        let (metrics_port, metrics_url) = listen().await?;
        let mut listeners = Vec::new();
        let mut alertmanagers = BTreeMap::new();
        let mut peers = Vec::new();
        for name in ALERTMANAGERS {
            let (listener, url) = listen().await?;
            peers.push(listener.local_addr()?.to_string());
            alertmanagers.insert(name.to_owned(), url);
            listeners.push(listener);
        }
        let urls = alertmanagers.values().cloned().collect();
        let (pager_port, pagerduty) = listen().await?;
        let (marks_port, grafana) = listen().await?;
        let (logs_port, logs) = listen().await?;
        let (traces_port, traces) = listen().await?;
        let loki = Arc::new(Loki::new(Arc::clone(&world), clock));
        let spans = Arc::new(Jaeger::new(Arc::clone(&world), clock));
        let marks = Arc::new(Grafana::new(&world, clock));
        let pager = Arc::new(PagerDuty::new(Arc::clone(&world), Arc::clone(&rules), clock));
        let server = Arc::new(Prometheus::new(world, Arc::clone(&rules), clock, urls));
        let cluster = Arc::new(Cluster::new(rules, clock, metrics_url.clone()));
        let peers: Arc<[String]> = peers.into();
        let mut servers = vec![(metrics_port, dated(prometheus::router(server), clock))];
        for (index, listener) in listeners.into_iter().enumerate() {
            let router = alertmanager::router(Arc::clone(&cluster), index, Arc::clone(&peers));
            servers.push((listener, dated(router, clock)));
        }
        servers.push((pager_port, dated(pagerduty::router(pager), clock)));
        servers.push((marks_port, dated(grafana::router(marks), clock)));
        servers.push((logs_port, dated(loki::router(loki), clock)));
        servers.push((traces_port, dated(jaeger::router(spans), clock)));
        let endpoints = Endpoints {
            metrics: metrics_url,
            alertmanagers,
            pagerduty,
            grafana,
            logs,
            traces,
        };
        let dir = PrivateDir::create(child::DIR_PREFIX)?;
        let config = write_configuration(&dir.0, scenario, &endpoints)?;
        Ok(Self {
            announcement: Announcement {
                config,
                endpoints,
                seed,
                anchor,
            },
            servers,
            _dir: dir,
        })
    }

    /// Where everything is.
    pub fn announcement(&self) -> &Announcement {
        &self.announcement
    }

    /// Answers until `stop` is done; then ports are closed and the directory is removed.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let serving = futures::future::try_join_all(
            self.servers
                .into_iter()
                .map(|(listener, router)| axum::serve(listener, router).into_future()),
        );
        tokio::select! {
            () = stop => Ok(()),
            ended = serving => ended.map(|_| ()),
        }
    }

    /// The servers by base URL, for whoever speaks to them without a network; the files stay as long as the second
    /// part.
    pub fn in_process(self) -> (BTreeMap<String, Router>, impl Sized + Send) {
        let Self {
            servers, _dir: files, ..
        } = self;
        let servers = servers.into_iter().filter_map(|(listener, router)| {
            let address = listener.local_addr().ok()?;
            Some((format!("http://{address}"), router))
        });
        (servers.collect(), files)
    }
}

async fn listen() -> io::Result<(TcpListener, String)> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((listener, url))
}

/// The `Date` header tells the demo's time, so that a clock that stands shows no skew.
fn dated(router: Router, clock: DemoClock) -> Router {
    let stamp = move |mut response: Response| {
        let date = clock.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        if let Ok(value) = HeaderValue::from_str(&date) {
            response.headers_mut().insert(header::DATE, value);
        }
        std::future::ready(response)
    };
    router.layer(axum::middleware::map_response(stamp))
}

fn write_configuration(dir: &Path, scenario: Scenario, endpoints: &Endpoints) -> io::Result<PathBuf> {
    fs::create_dir(dir.join("slos"))?;
    fs::write(dir.join("slos").join("search.yaml"), configuration::SLOTH_FILE)?;
    secret(&dir.join(configuration::PAGERDUTY_KEY), pagerduty::USER_KEY)?;
    secret(&dir.join(configuration::GRAFANA_TOKEN), grafana::TOKEN)?;
    let config = dir.join("config.toml");
    let program = std::env::current_exe().ok();
    fs::write(
        &config,
        configuration::text(scenario, endpoints, &dir.join("state"), program.as_deref()),
    )?;
    let books = dir.join(configuration::RUNBOOK_DIR);
    fs::create_dir(&books)?;
    for (name, text) in configuration::runbooks(&config) {
        fs::write(books.join(name), text)?;
    }
    Ok(config)
}

/// A file that its owner alone reads, as `doctor` wants a secret's to be.
fn secret(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

/// `midwatch demo --headless`: one JSON line on `out`, then serves until standard input, where that is a pipe,
/// closes, or SIGTERM or SIGINT comes.
pub fn run_headless(options: DemoOptions, out: &mut dyn Write) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    let result = runtime.block_on(async {
        let demo = Demo::bind(options).await?;
        // Listening for the end comes first: whoever reads the line may end it at once.
        let stop = child::end_of_service()?;
        serde_json::to_writer(&mut *out, demo.announcement())?;
        writeln!(out)?;
        out.flush()?;
        demo.serve(stop).await
    });
    // Connections still open are not waited for.
    runtime.shutdown_background();
    result
}

#[cfg(test)]
mod tests;
