//! A person's end of a pseudo-terminal, with the built binary (or a shell) on the other.
//!
//! Nothing sleeps: every wait is for bytes or for the end of the process, with a deadline.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use midwatch::time::Clock;
use portable_pty::{CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, tcgetattr};

/// The built binary.
pub const MIDWATCH: &str = env!("CARGO_BIN_EXE_midwatch");

/// How long anything may take. Generous: the machine may be busy, and a wait ends when what it is for happens.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is started, and on what terminal.
#[derive(Debug, Clone)]
pub struct Setup {
    program: PathBuf,
    args: Vec<String>,
    env: Vec<(String, String)>,
    home: Home,
    width: u16,
    height: u16,
}

impl Setup {
    /// The built binary with these arguments, at 120x40 on a plain xterm.
    pub fn midwatch(args: &[&str]) -> Self {
        Self::program(Path::new(MIDWATCH), args)
    }

    pub fn program(program: &Path, args: &[&str]) -> Self {
        Self {
            program: program.to_owned(),
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            env: Vec::new(),
            home: Home::Own,
            width: 120,
            height: 40,
        }
        .env("TERM", "xterm-256color")
        .env("LANG", "C.UTF-8")
        .env("PATH", &std::env::var("PATH").unwrap_or_default())
    }

    pub fn size(mut self, width: u16, height: u16) -> Self {
        (self.width, self.height) = (width, height);
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// No home directory is known, as under some service managers.
    pub fn homeless(mut self) -> Self {
        self.home = Home::None;
        self
    }

    pub fn start(self) -> Console {
        Console::start(&self, Reading::Yes)
    }

    /// Starts it on a terminal that takes nothing until [`Console::read_on`].
    pub fn start_stalled(self) -> Console {
        Console::start(&self, Reading::No)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Home {
    /// An empty one, gone with the test.
    Own,
    /// `HOME` is not set.
    None,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Yes,
    No,
}

/// A program on a terminal. Dropping it kills the program.
pub struct Console {
    /// `None` once the terminal is gone.
    master: Option<Box<dyn MasterPty + Send>>,
    keyboard: Option<Box<dyn Write + Send>>,
    line: Option<File>,
    bytes: Option<mpsc::Receiver<Vec<u8>>>,
    terminal: vt100::Parser,
    /// Every byte sent to the terminal.
    pub raw: Vec<u8>,
    pid: Pid,
    ended: mpsc::Receiver<ExitStatus>,
    status: Option<ExitStatus>,
    _home: tempfile::TempDir,
}

fn cells(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).expect("no screen is empty")
}

impl Console {
    fn start(setup: &Setup, reading: Reading) -> Self {
        let pair = native_pty_system()
            .openpty(PtySize {
                rows: setup.height,
                cols: setup.width,
                pixel_width: 0,
                pixel_height: 0,
            })
            .expect("a pseudo-terminal");
        let home = tempfile::tempdir().expect("a home directory");
        let mut command = CommandBuilder::new(&setup.program);
        command.args(&setup.args);
        command.env_clear();
        command.cwd(home.path());
        if setup.home == Home::Own {
            command.env("HOME", home.path());
        }
        for (name, value) in &setup.env {
            command.env(name, value);
        }
        let path = pair.master.tty_name().expect("a terminal has a name");
        let line = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .expect("the terminal opens");
        let mut child = pair.slave.spawn_command(command).expect("the program starts");
        drop(pair.slave);
        let pid = child
            .process_id()
            .and_then(|pid| Pid::from_raw(pid.cast_signed()));
        let (sender, ended) = mpsc::channel();
        std::thread::spawn(move || {
            if let Ok(status) = child.wait() {
                let _ = sender.send(status);
            }
        });
        let mut console = Self {
            keyboard: Some(pair.master.take_writer().expect("a keyboard")),
            master: Some(pair.master),
            line: Some(line),
            bytes: None,
            terminal: vt100::Parser::new(cells(setup.height), cells(setup.width), 0),
            raw: Vec::new(),
            pid: pid.expect("a process has an id"),
            ended,
            status: None,
            _home: home,
        };
        if reading == Reading::Yes {
            console.read_on();
        }
        console
    }

    /// Begins to take what the program sends.
    pub fn read_on(&mut self) {
        let master = self.master.as_ref().expect("the terminal is there");
        let mut reader = master.try_clone_reader().expect("a screen");
        let (sender, bytes) = mpsc::channel();
        self.bytes = Some(bytes);
        std::thread::spawn(move || {
            let mut buffer = [0; 8_192];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
    }

    /// Takes bytes until `arrived` holds; false when none came for so long, or when they came for longer than
    /// anything may take: a clock on the screen ticks for ever.
    fn pump(&mut self, patience: Duration, arrived: impl Fn(&Self) -> bool) -> bool {
        let clock = Clock::start();
        while !arrived(self) {
            if clock.tick().0 > PATIENCE {
                return false;
            }
            let Some(Ok(bytes)) = self.bytes.as_ref().map(|b| b.recv_timeout(patience)) else {
                return arrived(self);
            };
            self.terminal.process(&bytes);
            self.raw.extend(bytes);
        }
        true
    }

    /// Waits until the screen shows `text`.
    pub fn wait_for(&mut self, text: &str) {
        let shown = self.shows(text);
        assert!(shown, "no {text:?} on the screen:\n{}", self.text());
    }

    /// Whether the screen shows `text` before patience runs out.
    pub fn shows(&mut self, text: &str) -> bool {
        self.pump(PATIENCE, |console| console.text().contains(text))
    }

    /// Waits until the screen no longer shows `text`.
    pub fn wait_without(&mut self, text: &str) {
        let gone = self.pump(PATIENCE, |console| !console.text().contains(text));
        assert!(gone, "{text:?} is still on the screen:\n{}", self.text());
    }

    /// Waits until the program has sent `bytes`, or for text on a screen too small to show it.
    pub fn wait_for_bytes(&mut self, bytes: &[u8]) {
        let sent = self.pump(PATIENCE, |console| console.sent(bytes));
        assert!(
            sent,
            "{} was never sent:\n{}",
            bytes.escape_ascii(),
            self.raw.escape_ascii()
        );
    }

    /// Takes what comes until nothing did for so long; a clock on the screen ticks each second, so less than that.
    pub fn settle(&mut self, quiet: Duration) {
        assert!(
            quiet < Duration::from_secs(1),
            "a ticking clock is never quiet for {quiet:?}"
        );
        self.pump(quiet, |_| false);
    }

    /// Takes what comes, for so long.
    pub fn watch(&mut self, span: Duration) {
        let clock = Clock::start();
        loop {
            let left = span.saturating_sub(clock.tick().0);
            if left.is_zero() {
                return;
            }
            let before = self.raw.len();
            self.pump(left, |console| console.raw.len() > before);
        }
    }

    /// Whether the program has sent `bytes`.
    pub fn sent(&self, bytes: &[u8]) -> bool {
        self.raw.windows(bytes.len()).any(|window| window == bytes)
    }

    pub fn text(&self) -> String {
        self.terminal.screen().contents()
    }

    pub fn screen(&self) -> &vt100::Screen {
        self.terminal.screen()
    }

    /// Types, all at once.
    pub fn press(&mut self, bytes: &[u8]) {
        self.keyboard
            .as_mut()
            .expect("the terminal is there")
            .write_all(bytes)
            .expect("keys arrive");
    }

    /// Types as the worst link delivers it: each byte in a packet of its own.
    pub fn press_bytewise(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.press(&[*byte]);
        }
    }

    pub fn resize(&mut self, width: u16, height: u16) {
        let size = PtySize {
            rows: height,
            cols: width,
            pixel_width: 0,
            pixel_height: 0,
        };
        self.master
            .as_ref()
            .expect("the terminal is there")
            .resize(size)
            .expect("it resizes");
        self.terminal.screen_mut().set_size(cells(height), cells(width));
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).expect("the process is there");
    }

    /// The terminal goes away, as when a connection drops.
    pub fn hang_up(&mut self) {
        self.line = None;
        self.bytes = None;
        self.keyboard = None;
        self.master = None;
    }

    /// Waits for the end of the program, taking what it still sends.
    pub fn wait_exit(&mut self) -> ExitStatus {
        if let Some(status) = &self.status {
            return status.clone();
        }
        let status = self.ended.recv_timeout(PATIENCE);
        let status = status.unwrap_or_else(|_| panic!("still running:\n{}", self.text()));
        self.status = Some(status.clone());
        self.settle(Duration::from_millis(50));
        status
    }

    /// Whether the terminal is in its ordinary mode: line by line, echoing, keys make signals.
    pub fn is_cooked(&self) -> bool {
        let modes = tcgetattr(self.line.as_ref().expect("the terminal is there")).expect("it has modes");
        modes
            .local_modes
            .contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
    }

    /// Nothing of the console is left on the terminal.
    #[track_caller]
    pub fn assert_restored(&self) {
        let screen = self.screen();
        assert!(self.is_cooked(), "raw mode is off");
        assert!(!screen.alternate_screen(), "the main screen is back");
        assert!(!screen.hide_cursor(), "the cursor shows");
        assert!(!screen.bracketed_paste(), "pastes are plain again");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        assert!(!self.text().contains("panicked"), "{}", self.text());
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        if self.status.is_none() && self.ended.try_recv().is_err() {
            let _ = kill_process(self.pid, Signal::KILL);
        }
    }
}
