//! A recording, played: the real loop and the real session, over a transport that answers from the file, on a clock
//! of their own.
//!
//! Lock-step comes of one thread and tokio's paused time: the clock moves only when every task waits, and then to the
//! next moment that something is due, so what an answer leads to is over before the next one comes. The clock, the
//! seed of all jitter and the events are the recording's; the journal is an empty one in a directory of the
//! replay's own. How fast the machine is changes nothing; how fast frames are shown is for whoever takes them, and
//! may be held up: while the sink waits, time stands.
//!
//! It reaches nobody: there is no other transport, no signal, no editor and no one to be notified.

use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Size};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::console::{Carried, Console, Ended, Event, World};
use super::layout_file;
use super::session::{Opening, Session};
use crate::app::drill::DrillLog;
use crate::app::toast::Level;
use crate::app::{Effect, Model, Msg, Settings};
use crate::backend::Backends;
use crate::backend::http::Wires;
use crate::config::{Config, Context};
use crate::keymap::Keymap;
use crate::record::{self, Recording, Replayed};
use crate::terminal::signals::Signals;
use crate::terminal::{Copied, Input, Screen};
use crate::theme::Theme;
use crate::time::Clock;

/// So long the replay goes on behind the last event: what it led to is drawn.
const AFTERMATH: Duration = Duration::from_millis(200);
/// Inputs and edited texts that wait for the loop. When full, the feeder waits, and time with it.
const WAITING: usize = 64;

/// Loads a theme by name.
pub type Themes = Arc<dyn Fn(&str) -> Result<Theme, String> + Send + Sync>;

/// What a replay is opened with, beside the recording.
#[derive(Clone)]
pub struct Staging {
    /// The recording.
    pub recording: Arc<Recording>,
    /// Its configuration, read.
    pub config: Config,
    /// Its keymap.
    pub keymap: Arc<Keymap>,
    /// How it is drawn.
    pub theme: Theme,
    /// Other themes, for a session that changed its own.
    pub themes: Themes,
    /// What the console is told of a context.
    pub settings: fn(&Config, &Context) -> Settings,
    /// A directory of the replay's own, empty.
    pub state_dir: PathBuf,
    /// The size that is drawn at; that of the recording, and as it changed there, where none.
    pub size: Option<Size>,
    /// Before this moment of the session's clock nothing is drawn: the same happens, in less time.
    pub from: Duration,
    /// Ends it, from wherever.
    pub stop: CancellationToken,
}

/// A frame as it stood when nothing more was to happen at its moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// When, on the session's clock.
    pub at: Duration,
    /// What.
    pub frame: Buffer,
    /// Where the cursor was, if it was.
    pub cursor: Option<Position>,
}

/// Why a recording could not be played.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It names a context that its configuration does not have.
    #[error(
        "the recording opens the context `{0}`, which its own configuration does not have; it was changed by hand"
    )]
    Context(String),
    /// No runtime.
    #[error("cannot start: {0}")]
    Runtime(#[from] io::Error),
}

/// Plays a recording to its end, or until the sink says stop. Blocks its thread, which must not be a runtime's.
pub fn play(staging: Staging, sink: impl FnMut(Shown) -> ControlFlow<()> + Send) -> Result<(), ReplayError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        // One: what runs beside the loop ends in the order in which it began.
        .max_blocking_threads(1)
        .build()?;
    runtime.block_on(run(staging, sink))
}

async fn run(staging: Staging, sink: impl FnMut(Shown) -> ControlFlow<()> + Send) -> Result<(), ReplayError> {
    let recording = Arc::clone(&staging.recording);
    let header = &recording.header;
    let clock = Clock::with_tokio(header.utc).seeded(header.seed);
    tokio::time::sleep(recording.opened()).await;
    let size = staging.size.unwrap_or(Size::new(header.width, header.height));
    let stopped = Arc::new(Notify::new());
    let screen = Stage {
        size,
        clock,
        from: staging.from,
        pending: None,
        sink,
        stopped: Arc::clone(&stopped),
        drained: Arc::default(),
    };
    let mut config = staging.config.clone();
    config.state_dir = Some(staging.state_dir.clone());
    config.journal = None;
    let config = Arc::new(config);
    let context = |name: &str| {
        let known = config.contexts.get(name).cloned().map(Arc::new);
        known.ok_or_else(|| ReplayError::Context(name.to_owned()))
    };
    let first = context(&header.context)?;
    let (keys, inputs) = mpsc::channel(WAITING);
    let (texts, mut edits) = mpsc::channel(WAITING);
    let layout = layout_file::parse(&header.layout);
    let settings = (staging.settings)(&config, &first);
    let mut model = Model::new(settings, Arc::clone(&staging.keymap), layout, size, clock.now());
    model
        .toasts
        .say(Level::Info, record::SAID.to_owned(), clock.tick());
    model.drill = header.drill.map(|over_at| DrillLog::between(header.utc, over_at));
    let mut console = Console::new(model, staging.theme.clone(), screen, inputs, clock);
    console.draw(clock.now());
    // Whoever asks, asks the recording.
    let wires = Arc::new(Wires::only(Arc::new(Replayed::new(
        Arc::clone(&recording),
        clock,
    ))));

    let session = async {
        let mut opened = first;
        loop {
            let themes = Arc::clone(&staging.themes);
            let mut world = Played {
                session: Session::open(Opening {
                    config: Arc::clone(&config),
                    context: Arc::clone(&opened),
                    backends: Backends::open(&opened, &wires, clock),
                    wires: Arc::clone(&wires),
                    clock,
                    themes: Box::new(move |name| themes(name)),
                    writer: Arc::new(|_| Box::pin(std::future::ready(Err(NOT_HERE.to_owned())))),
                    signals: Signals::silent(),
                }),
                edits: &mut edits,
            };
            let ended = console.run(&mut world).await;
            match ended {
                Ended::Quit | Ended::Failed => return Ok(()),
                Ended::SwitchContext(name) => {
                    opened = context(&name)?;
                    let settings = (staging.settings)(&config, &opened);
                    let old = &mut console.model;
                    let mut layout = old.layout.clone();
                    layout.absent.clear();
                    let keymap = Arc::clone(&old.keymap);
                    let mut next = Model::new(settings, keymap, layout, old.size, clock.now());
                    next.zone = old.zone;
                    next.drill = old.drill.take();
                    next.union.bound.clone_from(&old.union.bound);
                    console.model = next;
                }
            }
        }
    };
    let fed = async {
        let is_fixed = staging.size.is_some();
        for moment in &recording.moments {
            tokio::time::sleep(moment.at.saturating_sub(clock.tick().0)).await;
            // The session is over where nobody receives.
            match &moment.event {
                record::Event::Input(Input::Resize(_)) if is_fixed => {}
                record::Event::Input(input) => drop(keys.send(input.clone()).await),
                record::Event::Edited(result) => drop(texts.send(result.clone()).await),
            }
        }
        let end = (recording.until + AFTERMATH).saturating_sub(clock.tick().0);
        tokio::time::sleep(end).await;
    };
    let played = tokio::select! {
        biased;
        ended = session => ended,
        () = stopped.notified() => Ok(()),
        () = staging.stop.cancelled() => Ok(()),
        () = fed => Ok(()),
    };
    console.screen.flush();
    played
}

const NOT_HERE: &str = "this is a replay: nothing is written up in it";

/// The session, with the texts that an editor gave back.
struct Played<'a> {
    session: Session,
    edits: &'a mut mpsc::Receiver<Result<String, String>>,
}

impl World for Played<'_> {
    fn carry(&mut self, effect: Effect) -> Carried {
        match effect {
            // No configuration of a recording allows one; it shall not depend on that.
            Effect::RunCommand(_) => Carried::Busy(Msg::Said {
                level: Level::Warn,
                text: "this is a replay: no command is run in it".to_owned(),
            }),
            other => self.session.carry(other),
        }
    }

    async fn next(&mut self, inputs: &mut mpsc::Receiver<Input>) -> Event {
        tokio::select! {
            biased;
            Some(result) = self.edits.recv() => Event::Result(Msg::Edited(result)),
            event = self.session.next(inputs) => event,
        }
    }
}

/// A screen that hands frames on, of each moment the last.
struct Stage<F> {
    size: Size,
    clock: Clock,
    from: Duration,
    pending: Option<Shown>,
    sink: F,
    stopped: Arc<Notify>,
    drained: Arc<Notify>,
}

impl<F: FnMut(Shown) -> ControlFlow<()>> Stage<F> {
    fn flush(&mut self) {
        if let Some(shown) = self.pending.take()
            && (self.sink)(shown).is_break()
        {
            self.stopped.notify_one();
        }
    }
}

impl<F: FnMut(Shown) -> ControlFlow<()> + Send> Screen for Stage<F> {
    fn size(&self) -> Size {
        self.size
    }

    fn is_ready(&self) -> bool {
        true
    }

    fn is_looked_at(&self) -> bool {
        self.from <= self.clock.tick().0
    }

    fn drained(&self) -> Arc<Notify> {
        Arc::clone(&self.drained)
    }

    fn present(&mut self, frame: &Buffer, cursor: Option<Position>) {
        let at = self.clock.tick().0;
        // An earlier frame of this very moment was never seen.
        if self.pending.as_ref().is_some_and(|pending| pending.at != at) {
            self.flush();
        }
        self.pending = Some(Shown {
            at,
            frame: frame.clone(),
            cursor,
        });
    }

    fn invalidate(&mut self) {}

    fn ring(&mut self) {}

    fn copy(&mut self, _text: &str) -> Copied {
        Copied::Sent
    }

    fn lend(&mut self) {}

    fn take_back(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn suspend(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A frame as text, its rows without what is blank at their ends.
pub fn text(frame: &Buffer) -> String {
    let width = usize::from(frame.area.width.max(1));
    let rows = frame.content().chunks(width).map(|row| {
        let text: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        text.trim_end().to_owned()
    });
    rows.collect::<Vec<_>>().join("\n")
}
