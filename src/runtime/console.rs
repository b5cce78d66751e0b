//! The loop: messages in, frames out. It never awaits a send, and input is never queued behind work.

use std::future::Future;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::sync::mpsc;

use super::editor::{self, Editing, Editor};
use super::frame::{Cause, Due, FrameScheduler};
use crate::app::attention::Drawn;
use crate::app::cost::Usage;
use crate::app::still::STEP;
use crate::app::toast::Level;
use crate::app::update::update;
use crate::app::{Effect, Model, Msg};
use crate::notify::{Stage, UnderWay};
use crate::record::Tap;
use crate::terminal::hyperlink::Hyperlinks;
use crate::terminal::signals::Signal;
use crate::terminal::{Copied, Input, Screen};
use crate::text::SafeText;
use crate::theme::Theme;
use crate::time::alarm::Alarm;
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
    /// Slots have new latest values.
    Slots(Vec<Msg>),
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
    /// What texts are handed to; nothing where there is none.
    pub editor: Option<Editor>,
    /// Keeps what the person does; nothing where nothing is recorded.
    pub tap: Option<Tap>,
    /// Tells what this process has used; nothing is known where nothing is measured.
    pub usage: fn() -> Usage,
    /// Whether it was said that the recording broke off.
    tap_trouble: Said,
    /// The editor that has the terminal: nothing is drawn meanwhile, everything else goes on.
    editing: Option<Editing>,
    /// The frame of a question that is on its way to the terminal.
    leaving: Option<Drawn>,
    /// The buffer that is drawn into, kept between frames.
    buffer: Buffer,
    /// When all of it was drawn last; nothing once it may be old.
    whole: Option<Tick>,
    /// Bytes that the screen had been handed after the last frame.
    sent: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Yes,
    No,
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
            editor: None,
            tap: None,
            usage: Usage::default,
            tap_trouble: Said::No,
            editing: None,
            leaving: None,
            buffer: Buffer::default(),
            whole: None,
            sent: 0,
        }
    }

    /// Draws the present state, if the writer can take it.
    pub fn draw(&mut self, now: Now) {
        if !self.screen.is_looked_at() {
            self.whole = None;
        } else if self.is_clock_alone(now) {
            self.present_clock(now);
        } else {
            self.present(now);
        }
        let sent = self.screen.sent();
        let took = self.clock.tick().since(now.tick);
        self.frames.drawn(now.tick, sent.saturating_sub(self.sent));
        self.sent = sent;
        self.model.cost.drew(took, sent);
        let window = crate::view::question_window(&self.model, now);
        self.leaving = window.map(|window| self.model.attention.drawn(window));
        self.has_left();
    }

    /// Whether a second has passed since all was drawn, and nothing else has happened that shows.
    fn is_clock_alone(&self, now: Now) -> bool {
        // On a spared link a second is none: its clock goes by ten, and tells the traffic in the last row.
        self.frames.wanted() == Some(Cause::Clock)
            && !self.model.traffic.is_spared()
            && self.whole.is_some_and(|at| now.tick.since(at) < STEP)
            && self.buffer.area.as_size() == self.model.size
            && self.model.is_still(now)
    }

    /// Hands the clock to the screen, with the row that it stands in. All that is drawn each second would be most of
    /// what a console at rest costs.
    fn present_clock(&mut self, now: Now) {
        self.model.traffic = self.screen.traffic(now.tick);
        crate::view::draw_clock(&self.model, &self.theme, now, &mut self.buffer);
        self.screen.present_row(&self.buffer, 0);
    }

    /// Hands the present state to the screen.
    fn present(&mut self, now: Now) {
        let size = self.model.size;
        let area = Rect::new(0, 0, size.width, size.height);
        if self.buffer.area != area {
            self.buffer = Buffer::empty(area);
        }
        self.model.traffic = self.screen.traffic(now.tick);
        let cursor = crate::view::draw(&self.model, &self.theme, now, &mut self.buffer);
        if self.screen.hyperlinks() == Hyperlinks::On {
            let links = crate::view::hyperlinks(&self.model, &self.buffer);
            self.screen.link_cells(&links);
        }
        self.screen.present(&self.buffer, cursor);
        self.whole = Some(now.tick);
    }

    /// A question is in sight once the writer is done with the frame that shows it.
    fn has_left(&mut self) {
        if self.leaving.is_some() && self.screen.is_ready() {
            let at = self.clock.tick();
            if let Some(drawn) = self.leaving.take() {
                self.model.attention.presented(drawn, at);
            }
        }
    }

    /// Runs until something ends it.
    pub async fn run(&mut self, world: &mut impl World) -> Ended {
        let drained = self.screen.drained();
        let alarm = Alarm::new(self.clock);
        loop {
            if std::mem::take(&mut self.suspending) == Suspending::Asked {
                self.say_what_is_waited_for();
                world.rest().await;
                // A failure to suspend leaves the console as it is; there is nothing to mend.
                if self.screen.suspend().is_ok() {
                    self.model.size = self.screen.size();
                    self.screen.invalidate();
                }
                world.resume().await;
                self.model.attention.out_of_sight();
            }
            self.has_left();
            let now = self.clock.now();
            let link = self.screen.link(now.tick);
            let mut due = match self.editing {
                Some(_) => Due::Never,
                None => self.frames.due(now.tick, link),
            };
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
                    Event::Slots(new) => self.take_all(new, world),
                    Event::Died => Some(Ended::Failed),
                },
                result = editor::closed(&mut self.editing), if self.editing.is_some() => {
                    self.edited(result, world)
                }
                () = drained.notified(), if due == Due::WhenDrained || self.leaving.is_some() => None,
                () = alarm.after(wake.since(now.tick)) => self.timer(deadline, world),
            };
            if let Some(ended) = ended {
                self.say_what_is_waited_for();
                return ended;
            }
        }
    }

    /// Ending takes as long as the pages that are being sent: a screen that stands still says why.
    fn say_what_is_waited_for(&mut self) {
        let sending = |page: &&UnderWay| page.stage == Stage::Sending;
        let Some(page) = self.model.outbox.under_way.iter().find(sending) else {
            return;
        };
        let words = format!("waits for the page under way: {}", SafeText::line(&page.words()));
        let now = self.clock.now();
        self.model.toasts.say(Level::Warn, words, now.tick);
        self.draw(now);
    }

    fn signal(&mut self, signal: Signal, world: &mut impl World) -> Option<Ended> {
        match signal {
            // The key was pressed for the editor, and it is the editor that goes on: the terminal is its own.
            Signal::Interrupt | Signal::Continued if self.editing.is_some() => None,
            Signal::Terminate | Signal::Interrupt | Signal::HangUp => {
                self.take(Msg::ShutDown, Cause::Person, world)
            }
            Signal::Resized => self.resized(world),
            Signal::Continued => {
                // A terminal that cannot be taken again is told by its next read.
                let _ = self.screen.resume();
                self.resized(world)
            }
        }
    }

    fn resized(&mut self, world: &mut impl World) -> Option<Ended> {
        let input = Input::Resize(self.screen.size());
        self.kept(&input);
        self.take(Msg::Input(input), Cause::Person, world)
    }

    fn kept(&self, input: &Input) {
        if let Some(tap) = &self.tap {
            tap.input(input);
        }
    }

    /// Gives a text and the terminal to the editor.
    fn edit(&mut self, text: &str, now: Now, world: &mut impl World) {
        let Some(editor) = &self.editor else { return };
        if self.editing.is_some() {
            return;
        }
        self.screen.lend();
        match editor.open(text) {
            Ok(editing) => self.editing = Some(editing),
            Err(why) => {
                self.back_from_editor();
                let effects = update(&mut self.model, Msg::Edited(Err(why)), now);
                for effect in effects {
                    self.carry(effect, now, world);
                }
            }
        }
    }

    /// The editor was closed.
    fn edited(&mut self, result: Result<String, String>, world: &mut impl World) -> Option<Ended> {
        self.editing = None;
        self.back_from_editor();
        if let Some(tap) = &self.tap {
            tap.edited(&result);
        }
        self.take(Msg::Edited(result), Cause::Person, world)
    }

    fn back_from_editor(&mut self) {
        self.model.attention.out_of_sight();
        // A terminal that cannot be taken again is told by its next read.
        let _ = self.screen.take_back();
        self.model.size = self.screen.size();
        self.screen.invalidate();
        self.frames.want(Cause::Person);
    }

    fn timer(&mut self, deadline: Tick, world: &mut impl World) -> Option<Ended> {
        if self.clock.tick() < deadline {
            // Woken for a frame.
            return None;
        }
        self.say_what_became_of_the_recording();
        let now = self.clock.now();
        if self.model.cost.is_due(now.tick) {
            self.read_cost();
        }
        let is_due = self.model.next_due(now).is_some_and(|due| due <= now.tick);
        let cause = if is_due { Cause::World } else { Cause::Clock };
        self.take_at(now, Msg::Timer, cause, world)
    }

    /// Takes down what the process has used up to now.
    pub fn read_cost(&mut self) {
        let requests = self
            .model
            .health
            .iter()
            .map(|backend| backend.counters.requests)
            .sum();
        self.model.cost.read(self.clock.tick(), requests, (self.usage)());
    }

    fn say_what_became_of_the_recording(&mut self) {
        let trouble = self.tap.as_ref().and_then(Tap::trouble);
        let (Some(why), Said::No) = (trouble, self.tap_trouble) else {
            return;
        };
        self.tap_trouble = Said::Yes;
        let words = format!("nothing is recorded any more: {}", SafeText::line(why));
        self.model.toasts.say(Level::Warn, words, self.clock.tick());
    }

    /// Takes in what the person did, and what they did since, up to a turn; drawn at once.
    fn take_input(&mut self, first: Option<Input>, world: &mut impl World) -> Option<Ended> {
        let mut next = first.unwrap_or(Input::Closed);
        let mut left = TURN;
        loop {
            self.kept(&next);
            if let Some(ended) = self.take(Msg::Input(next), Cause::Person, world) {
                return Some(ended);
            }
            left -= 1;
            // What is taken off the queue has to be taken in: at the end of a turn the rest stays there.
            if left == 0 {
                return None;
            }
            match self.inputs.try_recv() {
                Ok(input) => next = input,
                Err(_) => return None,
            }
        }
    }

    /// Takes in what the world says.
    fn take_all(&mut self, new: Vec<Msg>, world: &mut impl World) -> Option<Ended> {
        new.into_iter()
            .fold(None, |ended, msg| self.take(msg, Cause::World, world).or(ended))
    }

    /// Takes in a message and carries out what follows.
    fn take(&mut self, msg: Msg, cause: Cause, world: &mut impl World) -> Option<Ended> {
        self.take_at(self.clock.now(), msg, cause, world)
    }

    fn take_at(&mut self, now: Now, msg: Msg, cause: Cause, world: &mut impl World) -> Option<Ended> {
        self.frames.want(cause);
        let effects = update(&mut self.model, msg, now);
        if !effects.is_empty() {
            self.frames.want(Cause::World);
        }
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
            Effect::Notify { title, body } => self.screen.notify(&title, &body),
            Effect::Repaint => self.screen.invalidate(),
            Effect::Suspend => self.suspending = Suspending::Asked,
            Effect::Edit(text) => self.edit(&text, now, world),
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

/// Cells of a copied text that are said: enough to know it by.
const SHOWN_OF_A_COPY: usize = 120;

fn copied(what: &str, text: &str, copied: &Copied) -> (crate::app::toast::Level, String) {
    use crate::app::toast::Level;
    let shown = crate::text::SafeText::line(text);
    let shown = crate::text::cut(shown.as_str(), SHOWN_OF_A_COPY, crate::text::Cut::End);
    match copied {
        Copied::Sent => (Level::Info, format!("copied {what}: {shown}")),
        Copied::TooLarge { bytes, cap } => (
            Level::Warn,
            format!("{what} is too large to copy: {bytes} bytes, terminals take {cap}"),
        ),
    }
}
