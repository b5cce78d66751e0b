//! The built binary on a pseudo-terminal whose bytes are stamped as they come, before anything reads them.

use std::io::{Read as _, Write};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};

const MIDWATCH: &str = env!("CARGO_BIN_EXE_midwatch");
const PATIENCE: Duration = Duration::from_secs(20);

/// A console under measurement. Dropping it kills the program.
pub struct Console {
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    chunks: mpsc::Receiver<(Instant, Vec<u8>)>,
    pub screen: vt100::Parser,
    pub pid: u32,
    killer: Box<dyn portable_pty::ChildKiller + Send + Sync>,
    ended: mpsc::Receiver<Instant>,
    /// Bytes of the last wait.
    pub taken: usize,
    /// Just before the process was made.
    pub started: Instant,
    _home: tempfile::TempDir,
}

pub fn size(width: u16, height: u16) -> PtySize {
    PtySize {
        rows: height,
        cols: width,
        pixel_width: 0,
        pixel_height: 0,
    }
}

impl Console {
    /// At 120x40, with this configuration where one is given.
    pub fn start(args: &[&str], config: Option<&str>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut command = CommandBuilder::new(MIDWATCH);
        command.args(args);
        if let Some(config) = config {
            let path: PathBuf = home.path().join("config.toml");
            std::fs::write(&path, config).unwrap();
            command.args(["--config".as_ref(), path.as_os_str()]);
        }
        Self::spawn(command, home)
    }

    /// The same on what is written into a named pipe.
    pub fn start_on_pipe(pipe: &Path) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut command = CommandBuilder::new("/bin/sh");
        command.args(["-c", &format!("exec {MIDWATCH} logs - < {}", pipe.display())]);
        Self::spawn(command, home)
    }

    /// The least that can answer a key on a terminal: what a time of the console is to be seen beside.
    pub fn start_cat() -> Self {
        let mut command = CommandBuilder::new("/bin/sh");
        command.args(["-c", "stty raw -echo && printf ready && exec cat"]);
        let mut cat = Self::spawn(command, tempfile::tempdir().unwrap());
        cat.when_shown("ready").expect("the terminal is raw");
        cat
    }

    fn spawn(mut command: CommandBuilder, home: tempfile::TempDir) -> Self {
        command.env_clear();
        command.cwd(home.path());
        command.env("HOME", home.path());
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        let pair = native_pty_system().openpty(size(120, 40)).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, chunks) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65_536];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send((Instant::now(), buffer[..count].to_vec())).is_err() {
                    break;
                }
            }
        });
        let started = Instant::now();
        let mut child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let pid = child.process_id().unwrap();
        let killer = child.clone_killer();
        let (sender, ended) = mpsc::channel();
        std::thread::spawn(move || {
            let _ = child.wait();
            let _ = sender.send(Instant::now());
        });
        let cells = |n| NonZeroU16::new(n).unwrap();
        Self {
            keyboard: pair.master.take_writer().unwrap(),
            master: pair.master,
            chunks,
            screen: vt100::Parser::new(cells(40), cells(120), 0),
            pid,
            killer,
            ended,
            taken: 0,
            started,
            _home: home,
        }
    }

    /// The moment the bytes came after which `holds` was true of the screen.
    pub fn when(&mut self, holds: impl Fn(&vt100::Screen) -> bool) -> Option<Instant> {
        let deadline = Instant::now() + PATIENCE;
        self.taken = 0;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let (at, bytes) = self.chunks.recv_timeout(left).ok()?;
            self.screen.process(&bytes);
            self.taken += bytes.len();
            if holds(self.screen.screen()) {
                return Some(at);
            }
        }
    }

    pub fn when_shown(&mut self, text: &str) -> Option<Instant> {
        self.when(|screen| screen.contents().contains(text))
    }

    /// Takes what comes until nothing did for so long: how many bytes, and when the last came.
    pub fn until_quiet(&mut self, quiet: Duration) -> (usize, Option<Instant>) {
        let (mut count, mut last) = (0, None);
        while let Ok((at, bytes)) = self.chunks.recv_timeout(quiet) {
            self.screen.process(&bytes);
            count += bytes.len();
            last = Some(at);
        }
        (count, last)
    }

    /// Takes what comes within so long: how many bytes.
    pub fn within(&mut self, time: Duration) -> usize {
        let deadline = Instant::now() + time;
        let mut count = 0;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok((_, bytes)) = self.chunks.recv_timeout(left) else {
                return count;
            };
            self.screen.process(&bytes);
            count += bytes.len();
        }
    }

    /// When a text was shown, if that is within a time.
    pub fn shown_within(&mut self, time: Duration, text: &str) -> Option<Instant> {
        let deadline = Instant::now() + time;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let (at, bytes) = self.chunks.recv_timeout(left).ok()?;
            self.screen.process(&bytes);
            if self.screen.screen().contents().contains(text) {
                return Some(at);
            }
        }
    }

    /// Presses a key; the moment before.
    pub fn press(&mut self, key: &str) -> Instant {
        let at = Instant::now();
        self.keyboard.write_all(key.as_bytes()).unwrap();
        at
    }

    /// From a key to the first bytes after it.
    pub fn echo(&mut self, key: &str) -> Option<Duration> {
        let pressed = self.press(key);
        let at = self.when(|_| true)?;
        Some(at.saturating_duration_since(pressed))
    }

    /// From a key to the first bytes that change the screen below the clock's row.
    pub fn answer(&mut self, key: &str) -> Option<Duration> {
        let below = |screen: &vt100::Screen| screen.rows_formatted(0, 120).skip(1).collect::<Vec<_>>();
        let before = below(self.screen.screen());
        let pressed = self.press(key);
        let at = self.when(|screen| below(screen) != before)?;
        Some(at.saturating_duration_since(pressed))
    }

    pub fn resize(&self, width: u16, height: u16) {
        self.master.resize(size(width, height)).unwrap();
    }

    /// When the process had ended.
    pub fn end(&self) -> Option<Instant> {
        self.ended.recv_timeout(PATIENCE).ok()
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.killer.kill();
    }
}

/// What a process has used so far.
#[derive(Clone, Copy)]
pub struct Usage {
    /// Time on a core, of all its threads.
    pub cpu: Duration,
    /// Voluntary context switches: each is a sleep that something ended.
    pub wakes: u64,
    /// Resident memory, KiB.
    pub resident: u64,
    pub threads: usize,
}

/// Reads `/proc`.
pub fn usage(pid: u32) -> Option<Usage> {
    let mut usage = Usage {
        cpu: Duration::ZERO,
        wakes: 0,
        resident: field(&format!("/proc/{pid}/status"), "VmRSS:")?,
        threads: 0,
    };
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten() {
        let path = task.path();
        usage.threads += 1;
        usage.wakes += field(&path.join("status").to_string_lossy(), "voluntary_ctxt_switches:")?;
        // the first number: nanoseconds on a core
        let spent = std::fs::read_to_string(path.join("schedstat")).ok()?;
        usage.cpu += Duration::from_nanos(spent.split(' ').next()?.trim().parse().ok()?);
    }
    Some(usage)
}

/// Forgets which pages a process has touched (proc(5), `clear_refs`); whether the system lets that be done.
pub fn forget_touched(pid: u32) -> bool {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "1").is_ok()
}

/// Memory that a process has touched since, KiB: of what is resident the kernel maps the rest beside it.
pub fn touched(pid: u32) -> Option<u64> {
    field(&format!("/proc/{pid}/smaps_rollup"), "Referenced:")
}

fn field(file: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
