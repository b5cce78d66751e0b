//! A replay in the terminal: frames at the pace that is wanted, and keys of the player's own.
//!
//! The console that is played runs on a thread of its own and is held up by a short queue of frames; what is pressed here
//! never reaches it. Back in time it is played anew, drawing nothing until there: what was once shown is shown again.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::super::{CliError, Session, console};
use crate::record::{Ending, Recording};
use crate::runtime::replay::{self, ReplayError, Shown, Staging};
use crate::terminal::signals::{Signal, Signals};
use crate::terminal::tty::Tty;
use crate::terminal::{Input, Screen};
use crate::time::{Clock, Tick};
use crate::view;

/// Frames that wait to be shown. When full, the console that is played stands still; closed by the player's end.
const AHEAD: usize = 32;
/// What ← and → skip.
const SKIP: Duration = Duration::from_secs(10);
/// What is said in the corner is said for so long.
const SAID: Duration = Duration::from_secs(3);
/// The slowest and the fastest pace.
const SPEEDS: (f64, f64) = (1.0 / 16.0, 1024.0);
const KEYS: &str = "a replay: space pauses, . steps, ← and → go 10 s, + and - change the pace, q leaves";

/// Shows a replay until it is left.
pub(super) fn watch(session: &mut Session, staging: &Staging, speed: f64) -> Result<(), CliError> {
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
    let mut rounds = Rounds {
        staging: staging.clone(),
        begun: 0,
        played: None,
    };
    let (tty, inputs) = Tty::open(options, session.clock).map_err(|error| console::no_terminal(&error))?;
    let arriving = rounds.begin(Duration::ZERO)?;
    let mut watching = Player {
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
    runtime.block_on(watching.run(inputs, arriving, signals, &mut rounds));
    // The terminal is given back before anything is said.
    drop(watching);
    rounds.end()
}

/// The console that is played, begun anew whenever somebody goes back.
struct Rounds {
    staging: Staging,
    begun: usize,
    played: Option<(CancellationToken, JoinHandle<Result<(), ReplayError>>)>,
}

impl Rounds {
    /// Plays from the beginning, and shows it from a moment of the session's clock on. What was played before is let go.
    fn begin(&mut self, from: Duration) -> std::io::Result<mpsc::Receiver<Shown>> {
        if let Some((stop, _)) = &self.played {
            stop.cancel();
        }
        let staging = super::round(&self.staging, self.begun, from)?;
        self.begun += 1;
        let stop = staging.stop.clone();
        let (out, frames) = sync_channel::<Shown>(AHEAD);
        let played = std::thread::Builder::new()
            .name("replay".to_owned())
            .spawn(move || {
                replay::play(staging, |shown| match out.send(shown) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                })
            })?;
        self.played = Some((stop, played));
        // The player waits for frames as a task, the played console hands them over as a thread. Both threads end where nobody
        // receives any more.
        let (forward, arriving) = mpsc::channel(1);
        std::thread::Builder::new()
            .name("frames".to_owned())
            .spawn(move || {
                while let Ok(shown) = frames.recv() {
                    if forward.blocking_send(shown).is_err() {
                        return;
                    }
                }
            })?;
        Ok(arriving)
    }

    /// Ends it; how it went.
    fn end(self) -> Result<(), CliError> {
        let Some((stop, played)) = self.played else {
            return Ok(());
        };
        stop.cancel();
        match played.join() {
            Ok(ended) => ended.map_err(super::replay_error),
            Err(_) => Err(CliError::Unexpected(color_eyre::eyre::eyre!(
                "the replay stopped through a defect; report what stands above"
            ))),
        }
    }
}

/// Whether time goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Motion {
    Runs,
    Stands,
    /// It is played anew up to where somebody went back to, and time waits; afterwards it runs or stands again.
    Seeks(Afterwards),
    /// Nothing more comes.
    Over,
}

/// What time does once it is back there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Afterwards {
    Runs,
    Stands,
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
    /// Back to a moment of the session's clock.
    Back(Duration),
}

impl<S: Screen> Player<S> {
    async fn run(
        &mut self,
        mut inputs: mpsc::Receiver<Input>,
        mut arriving: mpsc::Receiver<Shown>,
        mut signals: Signals,
        rounds: &mut Rounds,
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
                        Some(shown) => self.arrived(shown),
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
            match done {
                Done::Leave => return,
                Done::GoOn => {}
                Done::Back(to) => match rounds.begin(to.saturating_sub(super::MARGIN)) {
                    Ok(anew) => {
                        arriving = anew;
                        self.seek(to);
                    }
                    Err(error) => {
                        self.say(&format!("not gone back: {error}"));
                        self.draw();
                    }
                },
            }
        }
    }

    /// Where the session's clock stands.
    fn position(&self) -> Duration {
        match self.motion {
            Motion::Runs => self.at + self.clock.tick().since(self.since).mul_f64(self.speed),
            Motion::Stands | Motion::Seeks(_) | Motion::Over => self.at,
        }
    }

    /// A frame came. Those before where somebody went back to only stand there until it is reached.
    fn arrived(&mut self, shown: Shown) {
        match self.motion {
            Motion::Seeks(_) if shown.at <= self.at => self.current = Some(shown),
            Motion::Seeks(afterwards) => {
                self.since = self.clock.tick();
                self.motion = match afterwards {
                    Afterwards::Runs => Motion::Runs,
                    Afterwards::Stands => Motion::Stands,
                };
                self.said = None;
                self.next = Some(shown);
                self.draw();
            }
            Motion::Runs | Motion::Stands | Motion::Over if self.current.is_none() => {
                self.current = Some(shown);
                self.draw();
            }
            Motion::Runs | Motion::Stands | Motion::Over => self.next = Some(shown),
        }
    }

    /// It is played anew up to there; what is on the screen stays until then.
    fn seek(&mut self, to: Duration) {
        self.at = to;
        self.next = None;
        self.motion = Motion::Seeks(match self.motion {
            Motion::Stands | Motion::Seeks(Afterwards::Stands) => Afterwards::Stands,
            Motion::Runs | Motion::Over | Motion::Seeks(Afterwards::Runs) => Afterwards::Runs,
        });
        self.draw();
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
                    Motion::Seeks(Afterwards::Runs) => Motion::Seeks(Afterwards::Stands),
                    Motion::Seeks(Afterwards::Stands) => Motion::Seeks(Afterwards::Runs),
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
            KeyCode::Left | KeyCode::Char('<') => {
                let to = self.at.saturating_sub(SKIP).max(self.recording.opened());
                return Done::Back(to);
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
        let cut = self.cut();
        let said = self.said.as_ref().map(|(words, _)| words.as_str());
        let words = said.or(cut.as_deref());
        match (self.motion, words) {
            (Motion::Runs, None) => None,
            (Motion::Runs, Some(words)) => Some(format!("{place}  {words}")),
            (Motion::Seeks(_), _) => Some(format!("{place}  going back")),
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

    /// That a frame does not fit, and what makes it fit.
    fn cut(&self) -> Option<String> {
        let (there, here) = (self.current.as_ref()?.frame.area, self.tty.size());
        let is_cut = there.width > here.width || there.height > here.height;
        is_cut.then(|| {
            format!(
                "cut: drawn for {}x{}; replay --size {}x{} draws it to fit",
                there.width, there.height, here.width, here.height
            )
        })
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
    if let Some(words) = corner {
        view::corner(&mut buffer, words);
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

    /// A terminal that remembers nothing.
    struct Blind;

    impl Screen for Blind {
        fn size(&self) -> ratatui::layout::Size {
            ratatui::layout::Size::new(20, 2)
        }

        fn is_ready(&self) -> bool {
            true
        }

        fn drained(&self) -> Arc<tokio::sync::Notify> {
            Arc::default()
        }

        fn present(&mut self, _: &Buffer, _: Option<Position>) {}

        fn invalidate(&mut self) {}

        fn ring(&mut self) {}

        fn copy(&mut self, _: &str) -> crate::terminal::Copied {
            crate::terminal::Copied::Sent
        }

        fn lend(&mut self) {}

        fn take_back(&mut self) -> std::io::Result<()> {
            Ok(())
        }

        fn suspend(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    async fn recording() -> Arc<Recording> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("session.mwr");
        let clock = Clock::start();
        let header = crate::record::format::Header {
            midwatch: "0.0.0".to_owned(),
            utc: clock.now().utc,
            opened: 0,
            seed: 1,
            context: "prod".to_owned(),
            config: String::new(),
            width: 20,
            height: 2,
            layout: String::new(),
            keymap: "default".to_owned(),
            keymap_text: None,
            ascii: false,
            drill: None,
        };
        let tape = crate::record::Tape::create(&path, header, clock).unwrap();
        tape.finish().await;
        Arc::new(Recording::open(&path, crate::record::Strictness::Whole).unwrap())
    }

    /// A player that stands, a minute and forty seconds in.
    async fn standing(current: Shown) -> Player<Blind> {
        let clock = Clock::start();
        Player {
            tty: Blind,
            clock,
            since: clock.tick(),
            at: Duration::from_secs(100),
            speed: 1.0,
            motion: Motion::Stands,
            current: Some(current),
            next: None,
            said: None,
            recording: recording().await,
        }
    }

    #[tokio::test]
    async fn that_a_frame_is_cut_is_said_with_what_draws_it_to_fit() {
        let wide = "a row that is wider than the terminal";
        let mut player = standing(shown([wide, ""])).await;
        let said = "cut: drawn for 37x2; replay --size 20x2 draws it to fit";
        for motion in [Motion::Runs, Motion::Stands] {
            player.motion = motion;
            let corner = player.corner().unwrap();
            assert!(corner.ends_with(said), "{corner}");
        }
        player.say("pace changed");
        assert!(player.corner().unwrap().ends_with("pace changed"));
        let fits = standing(shown(["narrow", ""])).await;
        assert!(!fits.corner().unwrap().contains("cut"));
    }

    #[tokio::test]
    async fn going_back_shows_what_stood_there_and_time_waits_until_it_does() {
        let seconds = Duration::from_secs;
        let mut player = standing(Shown {
            at: seconds(99),
            ..shown(["now", ""])
        })
        .await;
        let left = Input::Key(crossterm::event::KeyEvent::new(KeyCode::Left, KeyModifiers::NONE));
        let Done::Back(to) = player.input(&left) else {
            panic!("it goes back");
        };
        assert_eq!(to, seconds(90));
        player.seek(to);
        assert!(player.corner().unwrap().ends_with("going back"));
        for (at, text) in [(86, "early"), (89, "then"), (90, "there"), (91, "later")] {
            assert_eq!(player.position(), seconds(90));
            player.arrived(Shown {
                at: seconds(at),
                ..shown([text, ""])
            });
        }
        // The one that stands there is shown, the next one waits for its time, and it stands as it stood before.
        let text = |shown: &Option<Shown>| rows(&shown.as_ref().unwrap().frame)[0].clone();
        assert_eq!(
            (text(&player.current), text(&player.next)),
            ("there".to_owned(), "later".to_owned())
        );
        assert_eq!(player.motion, Motion::Stands);
    }
}
