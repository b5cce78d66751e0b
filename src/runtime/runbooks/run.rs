//! Runs one command of a runbook: an argument vector, no shell, no input, a time limit, its output capped; what it
//! started ends with it. It is started by this program's own file, called anew ([`launch`]), so that it leads a session
//! without a terminal: only a process itself can begin one.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::programs;
use crate::runbook::{End, Ended, Identity, Means};
use crate::time::Clock;

/// Of what it says, the last bytes that are kept.
pub const KEPT: usize = 64 * 1024;
/// How long its words are waited for after its end: what it left running may hold its pipes open.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// The hidden command of this program that becomes another ([`launch`]).
pub const LAUNCH: &str = "launch-apart";

/// What is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The file.
    pub program: PathBuf,
    /// What it is handed.
    pub arguments: Vec<String>,
    /// How, and for how long.
    pub means: Means,
    /// What lay there when it was looked up; nothing where nobody looked.
    pub identity: Option<Identity>,
    /// Variables of the environment that it is not given: where this program's own credentials are read from.
    pub without: Vec<String>,
}

/// The process group of a command: it is killed when this is dropped, however the run ends.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // There is none any more where everything of it has ended.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

/// Runs it to its end, to its time limit, or until it is stopped.
pub async fn run(run: &Run, stop: &CancellationToken, clock: Clock) -> Ended {
    let began = clock.tick();
    // What was stopped before it began never begins.
    if stop.is_cancelled() {
        return Ended {
            end: End::Stopped,
            ..Ended::not_started("")
        };
    }
    if let Err(why) = programs::verify(&run.program, run.identity) {
        return Ended::not_started(why);
    }
    let mut child = match command(run).and_then(|mut command| command.spawn()) {
        Ok(child) => child,
        Err(error) => return Ended::not_started(format!("{}: {error}", run.program.display())),
    };
    let leader = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let group = Group(leader);
    let mut tail = Tail::default();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let end = {
        let talk = listen(stdout, stderr, &mut tail);
        tokio::pin!(talk);
        let ending = async {
            tokio::select! {
                () = &mut talk => child.wait().await,
                status = child.wait() => {
                    let _ = tokio::time::timeout(LAST_WORDS, &mut talk).await;
                    status
                }
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => End::Stopped,
            status = ending => of_status(status),
            () = tokio::time::sleep(run.means.limit) => End::TimedOut(run.means.limit),
        }
    };
    drop(group);
    // Before it leads a group it has started nothing, and is alone.
    let _ = child.start_kill();
    Ended {
        end,
        took: clock.tick().since(began),
        left_out: tail.left_out,
        output: tail.text(),
        verdict: None,
    }
}

/// The command, not yet started: apart from this terminal, without input, and with nobody to ask for a password.
fn command(run: &Run) -> std::io::Result<Command> {
    let mut command = if let Some(launcher) = &run.means.launcher {
        // What cannot be run is said by us: the launcher could only say so in its output.
        rustix::fs::access(&run.program, rustix::fs::Access::EXEC_OK)?;
        let mut command = Command::new(launcher);
        command.arg(LAUNCH).arg("--").arg(&run.program);
        command
    } else {
        let mut command = Command::new(&run.program);
        command.process_group(0);
        command
    };
    command
        .args(&run.arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("SSH_ASKPASS_REQUIRE", "never")
        .kill_on_drop(true);
    if let Some(dir) = &run.means.cwd {
        command.current_dir(dir);
    }
    for name in &run.without {
        command.env_remove(name);
    }
    command.envs(run.means.env.iter().map(|(name, value)| (name, value)));
    Ok(command)
}

/// Becomes a program, in a session of its own: its children are in its group, and it has no terminal to open.
///
/// It comes back only where that cannot be: with why.
pub fn launch(program: &OsStr, arguments: &[OsString]) -> std::io::Error {
    match rustix::process::setsid() {
        Ok(_) => {
            use std::os::unix::process::CommandExt as _;
            std::process::Command::new(program).args(arguments).exec()
        }
        Err(error) => error.into(),
    }
}

fn of_status(status: std::io::Result<ExitStatus>) -> End {
    use std::os::unix::process::ExitStatusExt as _;
    match status {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => End::Exit(code),
            (None, signal) => End::Signal(signal.unwrap_or_default()),
        },
        Err(error) => End::NotStarted(format!("what became of it is not known: {error}")),
    }
}

/// The last bytes of what was said.
#[derive(Default)]
struct Tail {
    bytes: Vec<u8>,
    left_out: u64,
}

impl Tail {
    fn take(&mut self, chunk: &[u8]) {
        self.bytes.extend_from_slice(chunk);
        let over = self.bytes.len().saturating_sub(KEPT);
        if over > 0 {
            self.bytes.drain(..over);
            self.left_out += over as u64;
        }
    }

    fn text(self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// Both outputs, in the order in which they come, until both are closed.
async fn listen(
    stdout: Option<impl AsyncRead + Unpin>,
    stderr: Option<impl AsyncRead + Unpin>,
    tail: &mut Tail,
) {
    let (mut one, mut other) = (stdout, stderr);
    let (mut here, mut there) = ([0_u8; 4096], [0_u8; 4096]);
    while one.is_some() || other.is_some() {
        tokio::select! {
            read = said(&mut one, &mut here), if one.is_some() => match read {
                0 => one = None,
                read => tail.take(here.get(..read).unwrap_or_default()),
            },
            read = said(&mut other, &mut there), if other.is_some() => match read {
                0 => other = None,
                read => tail.take(there.get(..read).unwrap_or_default()),
            },
        }
    }
}

/// How many bytes came; none at the end.
async fn said(from: &mut Option<impl AsyncRead + Unpin>, into: &mut [u8]) -> usize {
    match from {
        Some(from) => from.read(into).await.unwrap_or_default(),
        None => 0,
    }
}
