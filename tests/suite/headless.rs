//! The built binary without a terminal, on the demo's servers: every command as text and as JSON, every exit
//! status that a script may see.

mod acts;
mod case;
mod plain;
mod reads;
mod trouble;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;

use chrono::{DateTime, TimeDelta};
use midwatch::demo::clock::DemoClock;
use midwatch::demo::world::Scenario;
use midwatch::demo::{Announcement, Demo, DemoOptions};
use midwatch::time::Clock;
use serde_json::Value;
use tokio::sync::oneshot;

mod unreached;
mod woken;

/// The demo, served on a thread of its own until dropped.
struct Stage {
    announcement: Announcement,
    home: tempfile::TempDir,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
}

impl Stage {
    /// The shop three minutes into the story: alerts fire, and will for minutes. The clock is the real one, because silences are
    /// made by the binary, which lives in real time.
    fn open() -> Self {
        Self::of(Scenario::Leak)
    }

    /// The same three minutes into another one.
    fn of(scenario: Scenario) -> Self {
        let clock = Clock::start();
        let (told, hear) = std::sync::mpsc::sync_channel(1);
        let (stop, stopped) = oneshot::channel();
        let serving = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let options = DemoOptions {
                    scenario,
                    seed: 7,
                    clock: DemoClock::Live(clock),
                    anchor: Some(clock.now().utc - TimeDelta::minutes(3)),
                };
                let demo = Demo::bind(options).await.expect("ports");
                told.send(demo.announcement().clone()).expect("heard");
                let stop = async {
                    let _ = stopped.await;
                };
                demo.serve(stop).await.expect("serves");
            });
        });
        Self {
            announcement: hear.recv().expect("it opens"),
            home: tempfile::tempdir().expect("a home"),
            stop: Some(stop),
            serving: Some(serving),
        }
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.run_on(&self.announcement.config, arguments)
    }

    fn run_on(&self, config: &Path, arguments: &[&str]) -> Ended {
        run(self.home.path(), config, arguments)
    }

    /// The demo's configuration with something changed.
    fn changed(&self, change: impl FnOnce(String) -> String) -> PathBuf {
        let text = std::fs::read_to_string(&self.announcement.config).expect("there");
        let path = self.home.path().join("changed.toml");
        // The SLO files stay where they are.
        let slos = self.announcement.config.with_file_name("slos");
        let text = text.replace("slos/*.yaml", &format!("{}/*.yaml", slos.display()));
        std::fs::write(&path, change(text)).expect("written");
        path
    }

    /// The alerts of a listing.
    fn alerts(&self, arguments: &[&str]) -> Vec<Value> {
        let document = self.run(&[&["alerts", "--json"], arguments].concat()).json();
        let groups = document["groups"].as_array().expect("groups").clone();
        let alerts = groups
            .iter()
            .flat_map(|g| g["alerts"].as_array().expect("alerts").clone());
        alerts.collect()
    }

    fn silences(&self, arguments: &[&str]) -> Vec<Value> {
        let document = self.run(&[&["silences", "--json"], arguments].concat()).json();
        document["silences"].as_array().expect("silences").clone()
    }

    fn alert(&self, id: &str) -> Value {
        let all = self.alerts(&["--state", "all"]);
        all.into_iter().find(|a| a["id"] == id).expect("listed")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.serving.take().map(JoinHandle::join);
    }
}

fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_midwatch"));
    command
        .env_clear()
        .env("HOME", home)
        .env("MIDWATCH_USER", "jun@example.com")
        .stdin(Stdio::null())
        .args(arguments);
    command
}

fn run(home: &Path, config: &Path, arguments: &[&str]) -> Ended {
    let output = command(home, arguments)
        .arg("--config")
        .arg(config)
        .output()
        .expect("runs");
    Ended {
        line: arguments.join(" "),
        status: output.status.code().expect("no signal"),
        out: String::from_utf8(output.stdout).expect("text"),
        said: String::from_utf8(output.stderr).expect("text"),
    }
}

/// How a command ended.
struct Ended {
    line: String,
    status: i32,
    out: String,
    said: String,
}

impl Ended {
    #[track_caller]
    fn with(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{}:\n{}\n{}", self.line, self.out, self.said);
        self
    }

    /// Refused with this status: words on standard error, nothing on standard output.
    #[track_caller]
    fn refused(self, status: i32, words: &str) {
        let ended = self.with(status);
        assert!(ended.said.contains(words), "{}: {}", ended.line, ended.said);
        assert_eq!(ended.out, "", "{}", ended.line);
    }

    /// The same, with all of these words.
    #[track_caller]
    fn refused_with(self, status: i32, words: &[&str]) {
        let said = self.said.clone();
        let missing = words.iter().find(|words| !said.contains(**words));
        self.refused(status, missing.unwrap_or(&""));
    }

    /// The one document on standard output.
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{}: {error}:\n{}\n{}", self.line, self.out, self.said))
    }
}

/// What a field of a document may hold.
#[derive(Debug, Clone, Copy)]
enum Holds {
    Text,
    TextOrNull,
    Number,
    NumberOrNull,
    Flag,
    List,
    Table,
    Time,
    TimeOrNull,
    Anything,
}

impl Holds {
    fn allows(self, value: &Value) -> bool {
        let time = |v: &Value| {
            let text = v.as_str().unwrap_or_default();
            text.ends_with('Z') && DateTime::parse_from_rfc3339(text).is_ok()
        };
        match self {
            Self::Text => value.is_string(),
            Self::TextOrNull => value.is_string() || value.is_null(),
            Self::Number => value.is_number(),
            Self::NumberOrNull => value.is_number() || value.is_null(),
            Self::Flag => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Table => value.is_object(),
            Self::Time => time(value),
            Self::TimeOrNull => value.is_null() || time(value),
            Self::Anything => true,
        }
    }
}

/// Every field of the contract is there and holds what it may.
#[track_caller]
fn fits(value: &Value, fields: &[(&str, Holds)]) {
    for (name, holds) in fields {
        let field = value
            .get(name)
            .unwrap_or_else(|| panic!("no {name} in {value:#}"));
        assert!(holds.allows(field), "{name} is no {holds:?}: {field}");
    }
}

const HEAD: [(&str, Holds); 4] = [
    ("context", Holds::Text),
    ("at", Holds::Time),
    ("errors", Holds::List),
    ("warnings", Holds::List),
];
