//! Servers of other people, started here on loopback: found, waited for by what they say, ended with their test.
//!
//! A test says how its server is called and what it is asked for; all else is here. Start at [`Running::start`].

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use midwatch::backend::http::{Client, Wires};
use midwatch::config::{Auth, Endpoint, TlsConfig};
use midwatch::time::Clock;

/// How long a server may take to begin; the slowest is a JVM on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A server; ended when dropped, its directory gone with it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// Its base URL.
    pub url: String,
    _directory: Option<tempfile::TempDir>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Starts a server that is to listen on `port`, and waits until it answers at `ready` with success. What it
    /// lives in, where that is given, goes with it.
    pub async fn start(
        mut command: Command,
        port: u16,
        ready: &str,
        directory: Option<tempfile::TempDir>,
    ) -> Self {
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let mut server = Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
            _directory: directory,
        };
        let client = reqwest::Client::new();
        let clock = Clock::start();
        let mut pause = tokio::time::interval(Duration::from_millis(50));
        while clock.tick().0 < PATIENCE {
            pause.tick().await;
            assert_eq!(
                server.child.try_wait().expect("is known"),
                None,
                "{command:?} ended"
            );
            let said = client.get(format!("{}/{ready}", server.url)).send().await;
            if said.is_ok_and(|answer| answer.status().is_success()) {
                return server;
            }
        }
        panic!("{command:?} did not answer within {PATIENCE:?}");
    }

    /// The client that the console would have of it.
    pub fn client(&self, name: &str, clock: Clock) -> Client {
        let endpoint = Endpoint {
            name: name.into(),
            url: self.url.clone(),
            auth: Auth::None,
            headers: Vec::new(),
            params: Vec::new(),
            tls: TlsConfig::default(),
            proxy: None,
            timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(2),
            max_concurrency: 4,
        };
        Client::new(&endpoint, Wires::default().transport(&endpoint), clock)
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// What stands beside the build, where the gate puts it.
pub fn built(name: &str) -> Option<PathBuf> {
    let exe = std::env::current_exe().ok()?;
    let built = exe.ancestors().nth(3)?.join("live").join(name);
    built.is_file().then_some(built)
}

/// The first of these on the path that runs when asked for its version this way.
pub fn on_path(names: &[&str], version: &str) -> Option<PathBuf> {
    let runs = |name: &&&str| {
        let asked = Command::new(name)
            .arg(version)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        asked.is_ok_and(|status| status.success())
    };
    names.iter().find(runs).map(|name| Path::new(name).to_path_buf())
}

/// What was found; where nothing was, that is said, loudly.
pub fn or_skipped(found: Option<PathBuf>, what: &str) -> Option<PathBuf> {
    if found.is_none() {
        // written past the test harness, which keeps what a passing test prints to itself
        let words = format!(
            "\n*** SKIPPED: no {what} on this machine (.ci/run builds or installs it where it can); what a real one \
             answers was NOT tested ***\n\n"
        );
        let _ = std::io::stderr().write_all(words.as_bytes());
    }
    found
}
