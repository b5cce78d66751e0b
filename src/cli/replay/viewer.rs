//! A replay in the terminal: frames at the pace that is wanted, and keys of the player's own.
//!
//! The console that is played runs on a thread of its own and is held up by a short queue of frames; what is pressed here
//! never reaches it.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use tokio::sync::mpsc;

use super::super::{CliError, Session, console};
use crate::record::{Ending, Recording};
use crate::runtime::replay::{self, Shown, Staging};
use crate::terminal::signals::{Signal, Signals};
use crate::terminal::tty::Tty;
use crate::terminal::{Input, Screen};
use crate::text;
use crate::time::{Clock, Tick};

/// Frames that wait to be shown. When full, the console that is played stands still; closed by the player's end.
const AHEAD: usize = 32;
/// What → skips.
const SKIP: Duration = Duration::from_secs(10);
/// What is said in the corner is said for so long.
const SAID: Duration = Duration::from_secs(3);
/// The slowest and the fastest pace.
const SPEEDS: (f64, f64) = (1.0 / 16.0, 1024.0);
const KEYS: &str = "a replay: space pauses, . steps, → skips 10 s, + and - change the pace, q leaves";

/// Shows a replay until it is left.
pub(super) fn watch(session: &mut Session, staging: Staging, speed: f64) -> Result<(), CliError> {
    let recording = Arc::clone(&staging.recording);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(super::unexpected)?;
    let signals = {
        let _inside = runtime.enter();
        Signals::listen()?
    };
    let options = console::options(session, &staging.config);
    let (tty, inputs) = Tty::open(options, session.clock).map_err(console::no_terminal)?;
    let (out, frames) = sync_channel::<Shown>(AHEAD);
    let played = std::thread::Builder::new()
        .name("replay".to_owned())
        .spawn(move || {
            replay::play(staging, |shown| match out.send(shown) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            })
        })?;
    // The player waits for frames as a task, the played console hands them over as a thread.
    let (forward, arriving) = mpsc::channel(1);
    let handed = std::thread::Builder::new()
        .name("frames".to_owned())
        .spawn(move || {
            while let Ok(shown) = frames.recv() {
                if forward.blocking_send(shown).is_err() {
                    return;
                }
            }
        })?;
    let watching = Player {
        tty,
        clock: session.clock,
        since: session.clock.tick(),
        at: recording.opened(),
        speed: speed.clamp(SPEEDS.0, SPEEDS.1),
        motion: Motion::Runs,
        current: None,
        next: None,
        said: Some((KEYS.to_owned(), session.clock.tick() + SAID)),
        recording,
    };
    runtime.block_on(watching.run(inputs, arriving, signals));
    // Nobody receives any more: both threads end with their next frame.
    let _ = handed.join();
    match played.join() {
        Ok(ended) => ended.map_err(super::replay_error),
        Err(_) => Err(CliError::Unexpected(color_eyre::eyre::eyre!(
            "the replay stopped through a defect; report what stands above"
        ))),
    }
}

/// Whether time goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Motion {
    Runs,
    Stands,
    /// Nothing more comes.
    Over,
}

struct Player<S> {
    tty: S,
    clock: Clock,
    /// When the pace was last changed, and where the session's clock stood then.
    since: Tick,
    at: Duration,
    speed: f64,
    motion: Motion,
    current: Option<Shown>,
    next: Option<Shown>,
    /// What the corner says, and until when.
    said: Option<(String, Tick)>,
    recording: Arc<Recording>,
}

enum Done {
    Leave,
    GoOn,
}

impl<S: Screen> Player<S> {
    async fn run(
        mut self,
        mut inputs: mpsc::Receiver<Input>,
        mut arriving: mpsc::Receiver<Shown>,
        mut signals: Signals,
    ) {
        let drained = self.tty.drained();
        self.draw();
        loop {
            let now = self.position();
            let wait = match (&self.next, self.motion) {
                (Some(next), Motion::Runs) => next.at.saturating_sub(now).div_f64(self.speed),
                (Some(_) | None, _) => Duration::MAX,
            };
            let silence = match &self.said {
                Some((_, until)) => until.since(self.clock.tick()),
                None => Duration::MAX,
            };
            let done = tokio::select! {
                biased;
                signal = signals.next() => self.signal(signal),
                input = inputs.recv() => self.input(&input.unwrap_or(Input::Closed)),
                shown = arriving.recv(), if self.next.is_none() && self.motion != Motion::Over => {
                    match shown {
                        Some(shown) if self.current.is_none() => {
                            self.current = Some(shown);
                            self.draw();
                        }
                        Some(shown) => self.next = Some(shown),
                        None => self.over(),
                    }
                    Done::GoOn
                }
                () = drained.notified(), if !self.tty.is_ready() => {
                    self.draw();
                    Done::GoOn
                }
                () = tokio::time::sleep(wait.min(silence).min(FAR)) => {
                    self.due();
                    Done::GoOn
                }
            };
            if matches!(done, Done::Leave) {
                return;
            }
        }
    }

    /// Where the session's clock stands.
    fn position(&self) -> Duration {
        match self.motion {
            Motion::Runs => self.at + self.clock.tick().since(self.since).mul_f64(self.speed),
            Motion::Stands | Motion::Over => self.at,
        }
    }

    /// Time passed: perhaps a frame is due, perhaps the corner falls silent.
    fn due(&mut self) {
        let tick = self.clock.tick();
        if self.said.as_ref().is_some_and(|(_, until)| *until <= tick) {
            self.said = None;
        }
        let now = self.position();
        if self.next.as_ref().is_some_and(|next| next.at <= now) {
            self.current = self.next.take();
        }
        self.draw();
    }

    fn over(&mut self) {
        self.at = self.recording.until;
        self.motion = Motion::Over;
        self.draw();
    }

    /// Time is counted anew from here.
    fn anchor(&mut self) {
        self.at = self.position();
        self.since = self.clock.tick();
    }

    fn say(&mut self, words: &str) {
        self.said = Some((words.to_owned(), self.clock.tick() + SAID));
    }

    fn signal(&mut self, signal: Signal) -> Done {
        match signal {
            Signal::Terminate | Signal::Interrupt | Signal::HangUp => return Done::Leave,
            Signal::Resized => {}
            Signal::Continued => {
                // A terminal that cannot be taken again is told by its next read.
                let _ = self.tty.resume();
            }
        }
        self.tty.invalidate();
        self.draw();
        Done::GoOn
    }

    fn input(&mut self, input: &Input) -> Done {
        let key = match input {
            Input::Key(key) => key,
            Input::Closed => return Done::Leave,
            Input::Paste(_)
            | Input::Mouse(_)
            | Input::Resize(_)
            | Input::Background { .. }
            | Input::Focus(_) => return Done::GoOn,
        };
        self.anchor();
        match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return Done::Leave,
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Done::Leave,
            KeyCode::Char('z') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                // A failure to suspend leaves everything as it is.
                let _ = self.tty.suspend();
                self.tty.invalidate();
                self.since = self.clock.tick();
            }
            KeyCode::Char(' ') => {
                self.motion = match self.motion {
                    Motion::Runs => Motion::Stands,
                    Motion::Stands => Motion::Runs,
                    Motion::Over => Motion::Over,
                };
                self.said = None;
            }
            KeyCode::Char('.') => {
                if self.motion == Motion::Runs {
                    self.motion = Motion::Stands;
                }
                if let Some(next) = self.next.take() {
                    self.at = next.at;
                    self.current = Some(next);
                }
            }
            KeyCode::Right if self.motion != Motion::Over => {
                self.at += SKIP;
                self.say("skipped 10 s");
                self.due();
            }
            KeyCode::Char('+' | '=') | KeyCode::Up => self.pace(2.0),
            KeyCode::Char('-') | KeyCode::Down => self.pace(0.5),
            _ => self.say(KEYS),
        }
        self.draw();
        Done::GoOn
    }

    fn pace(&mut self, factor: f64) {
        self.speed = (self.speed * factor).clamp(SPEEDS.0, SPEEDS.1);
        self.say("pace changed");
    }

    /// The corner: nothing while all runs as it should.
    fn corner(&self) -> Option<String> {
        let clock = |at: Duration| {
            let seconds = at.saturating_sub(self.recording.opened()).as_secs();
            format!("{:02}:{:02}", seconds / 60, seconds % 60)
        };
        let place = format!(
            "replay {}/{} ×{}",
            clock(self.position()),
            clock(self.recording.until),
            self.speed
        );
        let words = self.said.as_ref().map(|(words, _)| words.as_str());
        if let (Some(shown), Motion::Runs, None) = (&self.current, self.motion, words) {
            let (there, here) = (shown.frame.area, self.tty.size());
            let is_cut = there.width > here.width || there.height > here.height;
            return is_cut.then(|| format!("{place}  drawn for {}x{}", there.width, there.height));
        }
        match (self.motion, words) {
            (Motion::Runs, None) => None,
            (Motion::Runs, Some(words)) => Some(format!("{place}  {words}")),
            (Motion::Stands, words) => Some(format!("{place}  paused  {}", words.unwrap_or_default())),
            (Motion::Over, _) => {
                let how = match self.recording.ending {
                    Ending::Orderly => "the recording is over",
                    Ending::CutOff(_) => "the recording breaks off here",
                    Ending::Damaged(_) => "the recording is damaged from here on",
                };
                Some(format!("{place}  {how}; q leaves"))
            }
        }
    }

    fn draw(&mut self) {
        if !self.tty.is_ready() {
            return;
        }
        let size = self.tty.size();
        let area = Rect::new(0, 0, size.width, size.height);
        let (frame, cursor) = composed(area, self.current.as_ref(), self.corner().as_deref());
        self.tty.present(&frame, cursor);
    }
}

/// A wait without an end of its own.
const FAR: Duration = Duration::from_secs(3_600);

/// The frame as far as it fits, and the corner over its last row.
fn composed(area: Rect, shown: Option<&Shown>, corner: Option<&str>) -> (Buffer, Option<Position>) {
    let mut buffer = Buffer::empty(area);
    let mut cursor = None;
    if let Some(shown) = shown {
        let both = area.intersection(shown.frame.area);
        for position in both.positions() {
            if let (Some(to), Some(from)) = (buffer.cell_mut(position), shown.frame.cell(position)) {
                *to = from.clone();
            }
        }
        cursor = shown.cursor.filter(|cursor| both.contains(*cursor));
    }
    if let Some(words) = corner
        && area.height > 0
    {
        let words = format!(" {words} ");
        let words = text::cut(&words, usize::from(area.width), text::Cut::End);
        let width = u16::try_from(text::width(&words)).unwrap_or(area.width);
        let left = area.width.saturating_sub(width);
        let style = Style::new().add_modifier(Modifier::REVERSED);
        buffer.set_string(left, area.height - 1, &*words, style);
    }
    (buffer, cursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(lines: [&str; 2]) -> Shown {
        Shown {
            at: Duration::ZERO,
            frame: Buffer::with_lines(lines),
            cursor: Some(Position::new(4, 0)),
        }
    }

    fn rows(frame: &Buffer) -> Vec<String> {
        replay::text(frame).lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_frame_is_shown_as_far_as_it_fits_and_its_cursor_only_within() {
        let shown = shown(["abcdef", "ghijkl"]);
        let (frame, cursor) = composed(Rect::new(0, 0, 3, 1), Some(&shown), None);
        assert_eq!((rows(&frame), cursor), (vec!["abc".to_owned()], None));
        let (frame, cursor) = composed(Rect::new(0, 0, 8, 3), Some(&shown), None);
        assert_eq!(rows(&frame)[..2], ["abcdef", "ghijkl"]);
        assert_eq!(cursor, Some(Position::new(4, 0)));
    }

    #[test]
    fn the_corner_lies_over_the_end_of_the_last_row_and_never_beyond_it() {
        let shown = shown(["abcdef", "ghijkl"]);
        let (frame, _) = composed(Rect::new(0, 0, 6, 2), Some(&shown), Some("x"));
        assert_eq!(rows(&frame), ["abcdef", "ghi x"]);
        let (frame, _) = composed(Rect::new(0, 0, 6, 2), Some(&shown), Some("longer than that"));
        assert_eq!(rows(&frame)[0], "abcdef");
        assert!(rows(&frame)[1].starts_with(" long"), "{:?}", rows(&frame));
        composed(Rect::new(0, 0, 0, 0), Some(&shown), Some("x"));
    }
}
