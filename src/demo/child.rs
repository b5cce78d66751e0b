//! The demo in a process of its own, so that it spoils neither the console's keys nor its figures; and how
//! such a process learns that it is over.

use std::fs;
use std::future::Future;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::Announcement;
use super::world::Scenario;

/// Opens the name of every demo's private directory.
pub const DIR_PREFIX: &str = "midwatch-demo-";

/// A running demo; it ends when this is dropped, or when this process dies (its standard input closes).
#[derive(Debug)]
pub struct DemoChild {
    child: Child,
    announcement: Announcement,
}

impl DemoChild {
    /// Where everything is.
    pub fn announcement(&self) -> &Announcement {
        &self.announcement
    }

    /// The child's process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for DemoChild {
    fn drop(&mut self) {
        // A kill is certain, where a closed pipe could wait on a stopped child; it leaves the directory to us.
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(dir) = self.announcement.config.parent().filter(|dir| is_demo_dir(dir)) {
            let _ = fs::remove_dir_all(dir);
        }
    }
}

fn is_demo_dir(dir: &Path) -> bool {
    dir.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.starts_with(DIR_PREFIX))
}

/// Starts `program demo --headless`, so far into its story, and reads its line. Errors say what the child said.
pub fn spawn_child(
    program: &Path,
    scenario: Scenario,
    seed: u64,
    into: Option<Duration>,
) -> io::Result<DemoChild> {
    let into = into.map(|into| format!("--into={}s", into.as_secs()));
    let mut child = Command::new(program)
        .args(["demo", "--headless", "--scenario", scenario.word(), "--seed"])
        .arg(seed.to_string())
        .args(into)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A key that interrupts an editor opened from the console is told to the console's group alone.
        .process_group(0)
        .spawn()?;
    let mut line = String::new();
    let read = match child.stdout.take() {
        Some(stdout) => BufReader::new(stdout).read_line(&mut line),
        None => Ok(0),
    };
    let announced = read.and_then(|_| serde_json::from_str(&line).map_err(io::Error::from));
    match announced {
        Ok(announcement) => {
            // Only a failed start is read from there. Closed, it fails a write; left open and unread, it would
            // stop the child once it is full.
            drop(child.stderr.take());
            Ok(DemoChild { child, announcement })
        }
        Err(error) => {
            let _ = child.kill();
            let mut said = String::new();
            if let Some(mut stderr) = child.stderr.take() {
                let _ = stderr.read_to_string(&mut said);
            }
            let _ = child.wait();
            let said = said.trim();
            Err(io::Error::other(if said.is_empty() {
                format!("the demo's process did not start: {error}")
            } else {
                format!("the demo's process did not start: {said}")
            }))
        }
    }
}

/// Done when standard input, where it is a pipe, closes, or at SIGTERM or SIGINT. Both signals are
/// listened for from the call on. Must be called within a runtime.
pub fn end_of_service() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let closed = when_input_closes();
    Ok(async move {
        let input = async {
            match closed {
                Some(closed) => {
                    let _ = closed.await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = input => {}
        }
    })
}

/// A plain thread, since a blocked read cannot be cancelled; it ends with the process.
fn when_input_closes() -> Option<oneshot::Receiver<()>> {
    let stdin = io::stdin();
    let kind = rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(&stdin).ok()?.st_mode);
    if !matches!(kind, rustix::fs::FileType::Fifo | rustix::fs::FileType::Socket) {
        return None;
    }
    let (closed, when) = oneshot::channel();
    thread::spawn(move || {
        let _ = io::copy(&mut stdin.lock(), &mut io::sink());
        let _ = closed.send(());
    });
    Some(when)
}
