//! The loop of the console as lines: the same world and the same `update`, with lines in place of keys and frames.
//!
//! Lines are made only while somebody takes them: what changes meanwhile is told when there is room, as it is then. A
//! reader that is gone ends it quietly.

use tokio::sync::mpsc;

use super::console::{Carried, Ended, Event, World};
use crate::app::attention::Window;
use crate::app::modal::Modal;
use crate::app::toast::Level;
use crate::app::update::update;
use crate::app::{Effect, Model, Msg};
use crate::plain::{Plain, Wish};
use crate::terminal::Input;
use crate::terminal::signals::Signal;
use crate::time::{Clock, Now};

/// Everything the loop owns.
pub struct Lines {
    /// The model; nobody else has it.
    pub model: Model,
    /// What was told.
    pub plain: Plain,
    /// The clocks.
    pub clock: Clock,
    /// What somebody wants to hear once more, told when there is room.
    pub wish: Option<Wish>,
    /// Lines that are typed, each as [`Input::Paste`]; [`Input::Closed`] at their end, where that is the end of all.
    pub typed: mpsc::Receiver<Input>,
    /// Where lines go, several at once. Holds one: when it is full nothing is told, and what is then is told later.
    /// Closed by its other end: the reader is gone.
    pub out: mpsc::Sender<Vec<String>>,
}

impl Lines {
    /// Runs until something ends it.
    pub async fn run(&mut self, world: &mut impl World) -> Ended {
        loop {
            let now = self.clock.now();
            let is_full = match self.out.clone().try_reserve_owned() {
                Ok(room) => {
                    let lines = match self.wish.take() {
                        Some(wish) => self.plain.answer(wish, &self.model, now),
                        None => self.plain.tell(&self.model, now),
                    };
                    if !lines.is_empty() {
                        room.send(lines);
                    }
                    self.has_been_asked(now);
                    false
                }
                Err(mpsc::error::TrySendError::Full(_)) => true,
                Err(mpsc::error::TrySendError::Closed(_)) => return Ended::Quit,
            };
            let wake = self.model.next_deadline(now);
            let (gone, room) = (self.out.clone(), self.out.clone());
            let ended = tokio::select! {
                biased;
                event = world.next(&mut self.typed) => self.take_event(event, world),
                () = gone.closed() => Some(Ended::Quit),
                // Room: what there is to tell is told.
                _ = room.reserve_owned(), if is_full => None,
                () = tokio::time::sleep(wake.since(now.tick)) => self.take(Msg::Timer, world),
            };
            if let Some(ended) = ended {
                self.last_words();
                return ended;
            }
        }
    }

    /// What came of the last line is told too, where there is room.
    fn last_words(&mut self) {
        if let Ok(room) = self.out.clone().try_reserve_owned() {
            let lines = self.plain.tell(&self.model, self.clock.now());
            if !lines.is_empty() {
                room.send(lines);
            }
        }
    }

    /// A question that was told has been heard from here on, whole.
    fn has_been_asked(&mut self, now: Now) {
        if !matches!(self.model.modal, Some(Modal::Confirm(_))) {
            return;
        }
        let Some(lines) = self.plain.asks() else { return };
        let drawn = self.model.attention.drawn(Window {
            size: self.model.size,
            first: 0,
            rows: lines,
            shown: lines,
            total: lines,
        });
        self.model.attention.presented(drawn, now.tick);
    }

    fn take_event(&mut self, event: Event, world: &mut impl World) -> Option<Ended> {
        match event {
            Event::Signal(Signal::Terminate | Signal::Interrupt | Signal::HangUp) => {
                self.take(Msg::ShutDown, world)
            }
            Event::Result(msg) => self.take(msg, world),
            Event::Slots(new) => new
                .into_iter()
                .fold(None, |ended, msg| self.take(msg, world).or(ended)),
            Event::Input(Some(Input::Paste(line))) => {
                match Wish::of(&line).filter(|_| self.model.modal.is_none()) {
                    Some(wish) => {
                        self.wish = Some(wish);
                        None
                    }
                    None => self.take(Msg::Typed(line), world),
                }
            }
            Event::Input(Some(Input::Closed) | None) => self.take(Msg::ShutDown, world),
            // There is no screen, and there are no keys.
            Event::Signal(Signal::Resized | Signal::Continued)
            | Event::Input(Some(
                Input::Key(_)
                | Input::Mouse(_)
                | Input::Resize(_)
                | Input::Background { .. }
                | Input::Focus(_),
            )) => None,
            Event::Died => Some(Ended::Failed),
        }
    }

    fn take(&mut self, msg: Msg, world: &mut impl World) -> Option<Ended> {
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
            // What they would say is said in a line.
            Effect::Ring | Effect::Notify { .. } | Effect::Repaint | Effect::Suspend => {}
            Effect::Edit(_) => {
                let words = "a text is written in the console";
                self.model.toasts.say(Level::Warn, words, now.tick);
            }
            Effect::Copy { what, text } => {
                self.model
                    .toasts
                    .say(Level::Info, format!("{what}: {text}"), now.tick);
            }
            other => match world.carry(other) {
                Carried::Done | Carried::Theme(_) => {}
                Carried::Busy(msg) => {
                    // One level deep: what is said of a busy effect asks for nothing itself.
                    update(&mut self.model, msg, now);
                }
            },
        }
        None
    }
}
