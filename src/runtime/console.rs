//! The loop: messages in, frames out. It never awaits a send, and input is never queued behind work.

use std::future::Future;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::sync::mpsc;

use super::frame::Frames;
use crate::app::update::update;
use crate::app::{Effect, Model, Msg};
use crate::terminal::{Copied, Input, Screen};
use crate::theme::Theme;
use crate::time::{Clock, Now};

/// How many messages of one kind are taken in before the frame's deadline is looked at again: no flood starves
/// drawing or keys.
const TURN: usize = 64;

/// Where effects go and messages come from: the real one is a session of tasks, tests script it.
pub trait World {
    /// Carries out an effect that needs the outside. Never blocks.
    fn carry(&mut self, effect: Effect) -> Carried;

    /// The next result of an effect; never dropped. Cancel-safe.
    fn result(&mut self) -> impl Future<Output = Msg>;

    /// The next change of a slot, its latest value. Cancel-safe.
    fn slot(&mut self) -> impl Future<Output = Msg>;

    /// A signal that ends the program, or the window's new size.
    fn signal(&mut self) -> impl Future<Output = Msg>;
}

/// What became of an effect.
#[derive(Debug, Clone, PartialEq)]
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
}

/// Everything the loop owns.
pub struct Console<S, W> {
    /// The model; nobody else has it.
    pub model: Model,
    /// How it is drawn.
    pub theme: Theme,
    /// Where frames go.
    pub screen: S,
    /// What the person does.
    pub inputs: mpsc::Receiver<Input>,
    /// The outside.
    pub world: W,
    /// The clocks.
    pub clock: Clock,
    /// When a frame is due.
    pub frames: Frames,
    /// The buffer that is drawn into, kept between frames.
    buffer: Buffer,
}

impl<S: Screen, W: World> Console<S, W> {
    /// A console, not yet drawn.
    pub fn new(
        model: Model,
        theme: Theme,
        screen: S,
        inputs: mpsc::Receiver<Input>,
        world: W,
        clock: Clock,
    ) -> Self {
        Self { model, theme, screen, inputs, world, clock, frames: Frames::default(), buffer: Buffer::default() }
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
    pub async fn run(&mut self) -> Ended {
        let drained = self.screen.drained();
        self.frames.input(self.clock.tick());
        loop {
            let now = self.clock.now();
            if self.screen.is_ready() && self.frames.is_due(now.tick) {
                self.draw(now);
            }
            let deadline = self.model.next_deadline(now);
            let frame = if self.screen.is_ready() { self.frames.deadline() } else { None };
            let wake = frame.map_or(deadline, |frame| frame.min(deadline)).since(now.tick);
            let ended = tokio::select! {
                // Ending comes first: a terminal that is gone must not be drawn to.
                biased;
                msg = self.world.signal() => self.take(msg),
                // Results before input: a key pressed on a row must see what the last act did to it.
                msg = self.world.result() => self.take(msg),
                // Input before feeds: a flood of answers never delays a key.
                input = self.inputs.recv() => self.take_input(input),
                msg = self.world.slot() => {
                    self.frames.feed(self.clock.tick());
                    self.take_quietly(msg)
                }
                () = drained.notified() => None,
                () = tokio::time::sleep(wake) => self.timer(deadline),
            };
            if let Some(ended) = ended {
                return ended;
            }
        }
    }

    fn timer(&mut self, deadline: crate::time::Tick) -> Option<Ended> {
        let now = self.clock.now();
        if now.tick < deadline {
            // Woken for a frame.
            return None;
        }
        self.frames.feed(now.tick);
        self.take_quietly(Msg::Timer)
    }

    /// Takes in what the person did, and what they did since, up to a turn; drawn at once.
    fn take_input(&mut self, first: Option<Input>) -> Option<Ended> {
        let mut next = first.unwrap_or(Input::Closed);
        for _ in 0..TURN {
            if let Some(ended) = self.take(Msg::Input(next)) {
                return Some(ended);
            }
            match self.inputs.try_recv() {
                Ok(input) => next = input,
                Err(_) => break,
            }
        }
        None
    }

    /// Takes in a message and has it drawn at once.
    fn take(&mut self, msg: Msg) -> Option<Ended> {
        self.frames.input(self.clock.tick());
        self.take_quietly(msg)
    }

    fn take_quietly(&mut self, msg: Msg) -> Option<Ended> {
        let now = self.clock.now();
        let effects = update(&mut self.model, msg, now);
        let mut ended = None;
        for effect in effects {
            ended = self.carry(effect, now).or(ended);
        }
        ended
    }

    fn carry(&mut self, effect: Effect, now: Now) -> Option<Ended> {
        match effect {
            Effect::Quit => return Some(Ended::Quit),
            Effect::SwitchContext(name) => return Some(Ended::SwitchContext(name)),
            Effect::Ring => self.screen.ring(),
            Effect::Repaint => self.screen.invalidate(),
            Effect::Suspend => {
                // A failure to suspend leaves the console as it is; there is nothing to mend.
                if self.screen.suspend().is_ok() {
                    self.model.size = self.screen.size();
                    self.screen.invalidate();
                }
            }
            Effect::Copy { what, text } => {
                let (level, said) = copied(what, &text, &self.screen.copy(&text));
                self.model.toasts.say(level, said, now.tick);
            }
            other => match self.world.carry(other) {
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
        Copied::TooLarge { bytes, cap } => {
            (Level::Warn, format!("{what} is too large to copy: {bytes} bytes, terminals take {cap}"))
        }
    }
}
