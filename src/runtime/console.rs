//! The loop: messages in, frames out. It never awaits a send, and input is never queued behind work.

use std::future::Future;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::sync::mpsc;

use super::frame::{Cause, Due, FrameScheduler, Link};
use crate::app::update::update;
use crate::app::{Effect, Model, Msg};
use crate::terminal::signals::Signal;
use crate::terminal::{Copied, Input, Screen};
use crate::theme::Theme;
use crate::time::{Clock, Now, Tick};

/// How many messages of one kind are taken in before the frame's deadline is looked at again: no flood starves
/// drawing or keys.
const TURN: usize = 64;

/// Where effects go and messages come from: the real one is a session of tasks, tests script it.
pub trait World {
    /// Carries out an effect that needs the outside. Never blocks.
    fn carry(&mut self, effect: Effect) -> Carried;

    /// Hands back what only a running process may hold: it is about to be stopped.
    fn rest(&mut self) -> impl Future<Output = ()> {
        std::future::ready(())
    }

    /// It goes on.
    fn resume(&mut self) -> impl Future<Output = ()> {
        std::future::ready(())
    }

    /// What happens next, the most pressing first: signals, results of effects, input, slots. Cancel-safe.
    fn next(&mut self, inputs: &mut mpsc::Receiver<Input>) -> impl Future<Output = Event>;
}

/// Something that happened outside.
#[derive(Debug)]
pub enum Event {
    /// A Unix signal.
    Signal(Signal),
    /// An effect came to its end.
    Result(Msg),
    /// The person did something; nothing when the terminal is gone.
    Input(Option<Input>),
    /// A slot has a new latest value.
    Slot(Msg),
    /// A task died of a defect: what is shown would be half blind from now on.
    Died,
}

/// What became of an effect.
#[derive(Debug)]
pub enum Carried {
    /// Taken on.
    Done,
    /// Too much is under way: the message says so.
    Busy(Msg),
    /// The console is to be drawn with this theme from now on.
    Theme(Box<Theme>),
}

/// Why the loop ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Asked to.
    Quit,
    /// Another context is to be opened in the same terminal.
    SwitchContext(String),
    /// A task of ours died of a defect.
    Failed,
}

/// Everything the loop owns.
pub struct Console<S> {
    /// The model; nobody else has it.
    pub model: Model,
    /// How it is drawn.
    pub theme: Theme,
    /// Where frames go.
    pub screen: S,
    /// What the person does.
    pub inputs: mpsc::Receiver<Input>,
    /// The clocks.
    pub clock: Clock,
    /// When a frame is due.
    pub frames: FrameScheduler,
    /// Whether the process is to be stopped, once what it holds is handed back.
    suspending: Suspending,
    /// The buffer that is drawn into, kept between frames.
    buffer: Buffer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Suspending {
    Asked,
    #[default]
    No,
}

impl<S: Screen> Console<S> {
    /// A console, not yet drawn.
    pub fn new(model: Model, theme: Theme, screen: S, inputs: mpsc::Receiver<Input>, clock: Clock) -> Self {
        Self {
            model,
            theme,
            screen,
            inputs,
            clock,
            frames: FrameScheduler::default(),
            suspending: Suspending::No,
            buffer: Buffer::default(),
        }
    }

    /// Draws the present state, if the writer can take it.
    pub fn draw(&mut self, now: Now) {
        let size = self.model.size;
        let area = Rect::new(0, 0, size.width, size.height);
        if self.buffer.area == area {
            self.buffer.reset();
        } else {
            self.buffer = Buffer::empty(area);
        }
        let cursor = crate::view::draw(&self.model, &self.theme, now, &mut self.buffer);
        self.screen.present(&self.buffer, cursor);
        self.frames.drawn(now.tick);
    }

    /// Runs until something ends it.
    pub async fn run(&mut self, world: &mut impl World) -> Ended {
        let drained = self.screen.drained();
        loop {
            if std::mem::take(&mut self.suspending) == Suspending::Asked {
                world.rest().await;
                // A failure to suspend leaves the console as it is; there is nothing to mend.
                if self.screen.suspend().is_ok() {
                    self.model.size = self.screen.size();
                    self.screen.invalidate();
                }
                world.resume().await;
            }
            let now = self.clock.now();
            let link = if self.screen.is_ready() {
                Link::Idle
            } else {
                Link::Busy
            };
            let mut due = self.frames.due(now.tick, link);
            if due == Due::Now {
                self.draw(now);
                due = Due::Never;
            }
            let deadline = self.model.next_deadline(now);
            let wake = match due {
                Due::At(frame) => frame.min(deadline),
                Due::Now | Due::WhenDrained | Due::Never => deadline,
            };
            let ended = tokio::select! {
                // What happened goes before the clock: a busy world must not look like an idle one.
                biased;
                event = world.next(&mut self.inputs) => match event {
                    Event::Signal(signal) => self.signal(signal, world),
                    Event::Result(msg) => self.take(msg, Cause::Person, world),
                    Event::Input(input) => self.take_input(input, world),
                    Event::Slot(msg) => self.take(msg, Cause::World, world),
                    Event::Died => Some(Ended::Failed),
                },
                () = drained.notified(), if due == Due::WhenDrained => None,
                () = tokio::time::sleep(wake.since(now.tick)) => self.timer(deadline, world),
            };
            if let Some(ended) = ended {
                return ended;
            }
        }
    }

    fn signal(&mut self, signal: Signal, world: &mut impl World) -> Option<Ended> {
        match signal {
            Signal::Terminate | Signal::HangUp => self.take(Msg::ShutDown, Cause::Person, world),
            Signal::Resized => self.take(
                Msg::Input(Input::Resize(self.screen.size())),
                Cause::Person,
                world,
            ),
            Signal::Continued => {
                // A terminal that cannot be taken again is told by its next read.
                let _ = self.screen.resume();
                self.take(
                    Msg::Input(Input::Resize(self.screen.size())),
                    Cause::Person,
                    world,
                )
            }
        }
    }

    fn timer(&mut self, deadline: Tick, world: &mut impl World) -> Option<Ended> {
        if self.clock.tick() < deadline {
            // Woken for a frame.
            return None;
        }
        self.take(Msg::Timer, Cause::World, world)
    }

    /// Takes in what the person did, and what they did since, up to a turn; drawn at once.
    fn take_input(&mut self, first: Option<Input>, world: &mut impl World) -> Option<Ended> {
        let mut next = first.unwrap_or(Input::Closed);
        for _ in 0..TURN {
            if let Some(ended) = self.take(Msg::Input(next), Cause::Person, world) {
                return Some(ended);
            }
            match self.inputs.try_recv() {
                Ok(input) => next = input,
                Err(_) => break,
            }
        }
        None
    }

    /// Takes in a message and carries out what follows.
    fn take(&mut self, msg: Msg, cause: Cause, world: &mut impl World) -> Option<Ended> {
        self.frames.want(cause);
        let now = self.clock.now();
        let effects = update(&mut self.model, msg, now);
        let mut ended = None;
        for effect in effects {
            ended = self.carry(effect, now, world).or(ended);
        }
        ended
    }

    fn carry(&mut self, effect: Effect, now: Now, world: &mut impl World) -> Option<Ended> {
        match effect {
            Effect::Quit => return Some(Ended::Quit),
            Effect::SwitchContext(name) => return Some(Ended::SwitchContext(name)),
            Effect::Ring => self.screen.ring(),
            Effect::Repaint => self.screen.invalidate(),
            Effect::Suspend => self.suspending = Suspending::Asked,
            Effect::Copy { what, text } => {
                let (level, said) = copied(what, &text, &self.screen.copy(&text));
                self.model.toasts.say(level, said, now.tick);
            }
            other => match world.carry(other) {
                Carried::Done => {}
                Carried::Busy(msg) => {
                    // One level deep: what is said of a busy effect asks for nothing itself.
                    update(&mut self.model, msg, now);
                }
                Carried::Theme(theme) => {
                    self.theme = *theme;
                    self.screen.invalidate();
                }
            },
        }
        None
    }
}

fn copied(what: &str, text: &str, copied: &Copied) -> (crate::app::toast::Level, String) {
    use crate::app::toast::Level;
    let shown = crate::text::SafeText::line(text);
    match copied {
        Copied::Sent => (Level::Info, format!("copied {what}: {shown}")),
        Copied::TooLarge { bytes, cap } => (
            Level::Warn,
            format!("{what} is too large to copy: {bytes} bytes, terminals take {cap}"),
        ),
    }
}
