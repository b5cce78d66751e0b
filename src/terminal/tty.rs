//! The real [`Screen`]: encoder, writer, reader and guard put together. Start at [`Tty::open`].

use std::fs::{File, OpenOptions};
use std::io;
use std::num::NonZeroU32;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Size};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Signal, kill_current_process_group};
use rustix::termios::{isatty, tcgetwinsize, ttyname};
use tokio::sync::Notify;
use tokio::sync::mpsc;

use super::asking::{Answers, Asking, BACKGROUND, Knows, STATUS, SYNC};
use super::clipboard::{self, Multiplexer};
use super::decoder::{Decoder, Patience};
use super::encoder::{Encoder, LineEdits, SyncOutput};
use super::guard::{Guard, Mouse};
use super::hyperlink::{Hyperlink, Hyperlinks};
use super::input::{CAPACITY, Ear, Reader};
use super::notice::{self, Notices};
use super::writer::{Flow, Reopened, Writer};
use super::{Copied, Input, Link, Screen, Traffic};
use crate::time::{Clock, Tick};

/// How to use the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether the mouse is reported.
    pub mouse: Mouse,
    /// How long a lone ESC is held before it is the Esc key; 40 ms is right but for slow links (150 ms).
    pub esc_timeout: Duration,
    /// Whether large frames are marked.
    pub sync: SyncOutput,
    /// Whether the background colour is asked for.
    pub background: BackgroundQuery,
    /// What lies between here and the terminal.
    pub multiplexer: Multiplexer,
    /// Bytes a second at most; nothing where the link sets its own pace.
    pub cap: Option<NonZeroU32>,
    /// Whether it answers questions.
    pub answers: Answers,
    /// Whether it inserts and deletes lines.
    pub line_edits: LineEdits,
    /// Whether text can be a link.
    pub hyperlinks: Hyperlinks,
    /// How it shows notices on the desktop, if it does.
    pub notices: Notices,
    /// Whether the bell is rung.
    pub bell: Bell,
}

/// Whether the bell is rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bell {
    /// It is.
    Rung,
    /// Whatever happens, it is not.
    Mute,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mouse: Mouse::Left,
            esc_timeout: Duration::from_millis(40),
            sync: SyncOutput::Marked,
            background: BackgroundQuery::Skip,
            multiplexer: Multiplexer::None,
            cap: None,
            answers: Answers::No,
            line_edits: LineEdits::Known,
            hyperlinks: Hyperlinks::Off,
            notices: Notices::Off,
            bell: Bell::Rung,
        }
    }
}

/// Whether the terminal is asked for its background colour. The answer, if any, comes as
/// [`Input::Background`], whenever it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackgroundQuery {
    /// After the first frame.
    AfterFirstFrame,
    /// Not at all.
    Skip,
}

/// What is assumed where the terminal does not tell (serial lines).
const FALLBACK: Size = Size::new(80, 24);
/// A stop may take effect on another thread first; this one must not touch the terminal before.
const STOPPING: Duration = Duration::from_millis(50);
/// An answer that is on its way when the terminal is given back is waited for so long at most: the shell would take it
/// for something typed.
const LAST_ANSWER: Duration = Duration::from_millis(40);

/// The terminal, taken. Dropping it gives it back.
#[derive(Debug)]
pub struct Tty {
    line: Arc<File>,
    options: Options,
    clock: Clock,
    encoder: Encoder,
    writer: Writer,
    drained: Arc<Notify>,
    /// `None` while the terminal is lent.
    reader: Option<Reader>,
    inputs: mpsc::Sender<Input>,
    guard: Guard,
    entry: Entry,
    query: BackgroundQuery,
    own_stop: OwnStop,
    asking: Arc<Mutex<Asking>>,
}

/// Whether the screen has been entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    WithNextFrame,
    Done,
}

/// Whether the next SIGCONT ends a stop of our own making, which has been seen to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OwnStop {
    No,
    Yes,
}

impl Tty {
    /// Takes the terminal the process was started on. Needs no runtime, sends nothing before the first frame.
    /// Fails where there is no terminal.
    ///
    /// The channel holds [`CAPACITY`] inputs; when it is full the reader waits.
    pub fn open(options: Options, clock: Clock) -> io::Result<(Self, mpsc::Receiver<Input>)> {
        Self::open_on(controlling_terminal()?, options, clock)
    }

    /// Takes a given terminal. `tty` is made non-blocking, so nobody else should share its open file.
    pub fn open_on(tty: File, options: Options, clock: Clock) -> io::Result<(Self, mpsc::Receiver<Input>)> {
        fcntl_setfl(&tty, fcntl_getfl(&tty)? | OFlags::NONBLOCK)?;
        let tty = Arc::new(tty);
        let (inputs, receiver) = mpsc::channel(CAPACITY);
        let drained = Arc::new(Notify::new());
        let flow = Flow {
            cap: options.cap,
            clock,
        };
        let writer = Writer::start(Arc::clone(&tty), Arc::clone(&drained), inputs.clone(), flow)?;
        let guard = Guard::take(Arc::clone(&tty), options.mouse, writer.clone())?;
        let mut this = Self {
            line: tty,
            options,
            clock,
            encoder: Encoder::new(options.sync).with_line_edits(options.line_edits),
            writer,
            drained,
            reader: None,
            inputs,
            guard,
            entry: Entry::WithNextFrame,
            query: options.background,
            own_stop: OwnStop::No,
            asking: Arc::new(Mutex::new(Asking::new(options.answers))),
        };
        this.start_reader()?;
        Ok((this, receiver))
    }

    fn asking(&self) -> MutexGuard<'_, Asking> {
        // Nothing that holds the lock can leave it half changed.
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The questions that a frame of so many bytes ends in.
    fn questions(&mut self, bytes: usize) -> Vec<u8> {
        let now = self.clock.tick();
        let mut questions = Vec::new();
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        if self.query == BackgroundQuery::AfterFirstFrame {
            self.query = BackgroundQuery::Skip;
            asking.asked_background(now);
            questions.extend_from_slice(BACKGROUND);
        }
        let takes = self.options.cap.map_or(Duration::ZERO, |cap| {
            Duration::from_secs_f64(bytes as f64 / f64::from(cap.get()))
        });
        if asking.ask(bytes, takes, now) {
            // Whoever does not know the first answers the second alone.
            if self.options.sync == SyncOutput::Asked && asking.sync().is_none() {
                questions.extend_from_slice(SYNC);
            }
            questions.extend_from_slice(STATUS);
        }
        questions
    }

    /// Waits a moment for an answer that is on its way.
    fn hear_out(&self) {
        let expected = self.asking().expected(self.clock.tick());
        let Some(wait) = expected.filter(|wait| !wait.is_zero()) else {
            return;
        };
        let until = self.clock.tick() + wait.min(LAST_ANSWER);
        while self.asking().is_out(self.clock.tick()) && self.clock.tick() < until {
            let step = rustix::event::Timespec::try_from(Duration::from_millis(2)).ok();
            let _ = rustix::event::poll(&mut [], step.as_ref());
        }
    }

    fn give_back(&mut self) {
        self.hear_out();
        self.reader = None;
        self.guard.give_back();
    }

    fn retake(&mut self) -> io::Result<()> {
        if self.writer.open() == Reopened::No {
            self.writer = Writer::start(
                Arc::clone(&self.line),
                Arc::clone(&self.drained),
                self.inputs.clone(),
                Flow {
                    cap: self.options.cap,
                    clock: self.clock,
                },
            )?;
        }
        self.guard.retake(self.writer.clone())?;
        self.enter_again();
        self.start_reader()
    }

    fn enter_again(&mut self) {
        self.entry = Entry::WithNextFrame;
        self.encoder.invalidate();
    }

    fn start_reader(&mut self) -> io::Result<()> {
        let decoder = Decoder::new(Patience::with_escape(self.options.esc_timeout));
        self.reader = Some(Reader::start(
            Arc::clone(&self.line),
            Box::new(decoder),
            self.clock,
            (
                self.inputs.clone(),
                Ear {
                    asking: Arc::clone(&self.asking),
                    answered: Arc::clone(&self.drained),
                },
            ),
        )?);
        Ok(())
    }

    /// Hands what was encoded to the writer, behind what enters the screen.
    fn submit(&mut self) {
        let mut row_ends = self.encoder.row_ends().to_vec();
        let mut bytes = self.encoder.take();
        if self.entry == Entry::WithNextFrame {
            self.entry = Entry::Done;
            let drawn = bytes.len();
            bytes.splice(0..0, self.guard.enter());
            let entered = bytes.len() - drawn;
            for end in &mut row_ends {
                *end += entered;
            }
        }
        let questions = self.questions(bytes.len());
        bytes.extend_from_slice(&questions);
        self.writer.submit_frame(&bytes, &row_ends);
    }
}

impl Screen for Tty {
    fn size(&self) -> Size {
        tcgetwinsize(&self.line)
            .map(|size| Size::new(size.ws_col, size.ws_row))
            .ok()
            .filter(|size| size.width > 0 && size.height > 0)
            .unwrap_or(FALLBACK)
    }

    fn is_ready(&self) -> bool {
        self.writer.is_idle()
    }

    fn drained(&self) -> Arc<Notify> {
        Arc::clone(&self.drained)
    }

    fn link(&self, now: Tick) -> Link {
        if !self.writer.is_idle() {
            return Link::Busy;
        }
        let asking = self.asking();
        if asking.is_out(now) {
            return Link::Awaited;
        }
        let whole_at = self.writer.whole_at().unwrap_or_default();
        let rests = asking.rests_until().max(whole_at);
        if rests > now {
            Link::Rests(rests)
        } else {
            Link::Idle
        }
    }

    fn traffic(&self, now: Tick) -> Traffic {
        let (bytes, per_second) = self.writer.sent(now);
        Traffic {
            bytes,
            per_second,
            cap: self.options.cap,
            round_trip: self.asking().round_trip(),
        }
    }

    fn hyperlinks(&self) -> Hyperlinks {
        self.options.hyperlinks
    }

    fn link_cells(&mut self, links: &[Hyperlink]) {
        self.encoder.link(links);
    }

    fn notify(&mut self, title: &str, body: &str) {
        let bytes = notice::sequence(self.options.notices, title, body);
        if !bytes.is_empty() {
            self.writer.submit(&self.options.multiplexer.wrap(&bytes));
        }
    }

    fn present(&mut self, frame: &Buffer, cursor: Option<Position>) {
        if self.options.sync == SyncOutput::Asked && self.asking().sync() == Some(Knows::No) {
            self.encoder.leave_unmarked();
        }
        self.encoder.encode(frame, cursor);
        self.submit();
    }

    fn present_row(&mut self, frame: &Buffer, y: u16) {
        self.encoder.encode_row(frame, y);
        self.submit();
    }

    fn sent(&self) -> u64 {
        self.writer.sent(self.clock.tick()).0
    }

    fn invalidate(&mut self) {
        self.encoder.invalidate();
    }

    fn ring(&mut self) {
        if self.options.bell == Bell::Rung {
            self.writer.submit(b"\x07");
        }
    }

    fn copy(&mut self, text: &str) -> Copied {
        let (copied, bytes) = clipboard::copy(text, self.options.multiplexer);
        self.writer.submit(&bytes);
        copied
    }

    fn lend(&mut self) {
        self.give_back();
    }

    fn take_back(&mut self) -> io::Result<()> {
        self.retake()
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.give_back();
        self.own_stop = OwnStop::Yes;
        // TSTP, not STOP: the kernel ignores it where no shell could ever continue us.
        kill_current_process_group(Signal::TSTP)?;
        let limit = rustix::event::Timespec::try_from(STOPPING).ok();
        let _ = rustix::event::poll(&mut [], limit.as_ref());
        self.retake()
    }

    fn resume(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.own_stop, OwnStop::No) == OwnStop::Yes {
            return Ok(());
        }
        self.guard.assert_raw()?;
        self.enter_again();
        Ok(())
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        self.give_back();
        self.writer.end();
    }
}

/// The terminal of the process, opened anew: making standard input non-blocking would do so for the shell too.
fn controlling_terminal() -> io::Result<File> {
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    // By its name first: not every system can poll `/dev/tty`.
    let name = [
        isatty(&stdin).then(|| ttyname(&stdin, Vec::new())),
        isatty(&stdout).then(|| ttyname(&stdout, Vec::new())),
        isatty(&stderr).then(|| ttyname(&stderr, Vec::new())),
    ]
    .into_iter()
    .flatten()
    .find_map(Result::ok);
    let open = |path: &Path| {
        OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).unwrap_or(0))
            .open(path)
    };
    name.and_then(|name| open(Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()))).ok())
        .map_or_else(|| open(Path::new("/dev/tty")), Ok)
        .map_err(|error| {
            let what =
                format!("no terminal to draw on ({error}); --plain tells the same in lines, and the subcommands with text output need none");
            io::Error::new(error.kind(), what)
        })
}
