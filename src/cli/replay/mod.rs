//! `midwatch replay`: a recording shown again in the terminal, or its screens as text.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::SecondsFormat;
use ratatui::layout::Size;
use ratatui::style::Style;
use tokio_util::sync::CancellationToken;

use super::args::ReplayArgs;
use super::{CliError, Exit, Outcome, Session, console};
use crate::demo::PrivateDir;
use crate::keymap::{self, Keymap};
use crate::problem::Problems;
use crate::record::{self, Ending, Recording, RecordingError, Strictness};
use crate::runbook::Policy;
use crate::runtime::replay::{self, ReplayError, Shown, Staging, Themes};
use crate::theme::{self, Glyphs, Theme};
use crate::time::after;

mod viewer;

/// What the directory of a replay begins with.
const DIR_PREFIX: &str = "midwatch-replay-";
/// The theme where the recording's is not here.
const THEME: &str = "midwatch";

/// Runs the command.
pub fn run(session: &mut Session, args: &ReplayArgs) -> Outcome {
    let strictness = if args.partial {
        Strictness::UpToDamage
    } else {
        Strictness::Whole
    };
    session
        .out
        .progress(&format!("reading {}…", args.file.display()))?;
    let recording = Recording::open(&args.file, strictness).map_err(unopened)?;
    let recording = Arc::new(recording);
    let config = record::readable(&recording.header.config)?;
    let keymap = Arc::new(keymap_of(&recording)?);
    let dir = PrivateDir::create(DIR_PREFIX)?;
    let picked = match (args.at, args.every, args.dump) {
        (Some(at), ..) => Some(Picked::At(at)),
        (None, Some(every), _) => Some(Picked::Every(every)),
        (None, None, true) => Some(Picked::All),
        (None, None, false) => None,
    };
    let (theme, themes) = if picked.is_some() {
        plain(recording.header.ascii || session.globals.ascii)
    } else {
        dressed(session)?
    };
    let staging = Staging {
        recording: Arc::clone(&recording),
        config,
        keymap,
        theme,
        themes,
        // Nothing that was recorded runs a program.
        settings: |config, context| console::settings(config, context, Policy::default()),
        state_dir: dir.path().to_owned(),
        size: args.size.map(|(width, height)| Size::new(width, height)),
        from: Duration::ZERO,
        stop: CancellationToken::new(),
    };
    match picked {
        Some(picked) => dump(session, &staging, picked)?,
        None => viewer::watch(session, &staging, args.speed)?,
    }
    drop(dir);
    for words in remarks(&recording) {
        session.out.diagnose(&words)?;
    }
    session.out.flush()?;
    Ok(Exit::Done)
}

/// A theme without colours, for text, which stands for every other.
fn plain(ascii: bool) -> (Theme, Themes) {
    let glyphs = if ascii { Glyphs::Ascii } else { Glyphs::Unicode };
    let plain = Theme::from_styles("plain", glyphs, |_| Style::new());
    let same = plain.clone();
    (plain, Arc::new(move |_: &str| Ok(same.clone())))
}

/// The theme that is asked for, and the shipped ones by their names, as this terminal shows them.
fn dressed(session: &Session) -> Result<(Theme, Themes), CliError> {
    let means = console::means(session);
    let name = session.globals.theme.as_deref().unwrap_or(THEME);
    let others: Themes =
        Arc::new(move |name: &str| theme::load(name, None, means).map_err(|problems| problems.to_string()));
    Ok((theme::load(name, None, means)?, others))
}

/// A file that is no recording was named by mistake; one that is damaged was not.
fn unopened(error: RecordingError) -> CliError {
    match error {
        RecordingError::Unreadable { .. }
        | RecordingError::Foreign(_)
        | RecordingError::Newer { .. }
        | RecordingError::NoHeader { .. } => CliError::Usage(error.to_string()),
        RecordingError::Damaged { .. } => unexpected(error),
    }
}

fn unexpected(error: impl std::error::Error + Send + Sync + 'static) -> CliError {
    CliError::Unexpected(color_eyre::eyre::Report::new(error))
}

/// The keymap that was pressed: a shipped one by its name, another by its text.
fn keymap_of(recording: &Recording) -> Result<Keymap, Problems> {
    let header = &recording.header;
    match &header.keymap_text {
        Some(text) => keymap::parse(&header.keymap, text, None),
        None => keymap::load(&header.keymap, None),
    }
}

/// What whoever looks at it has to know of a recording.
fn remarks(recording: &Recording) -> Vec<String> {
    let seconds = recording.until.saturating_sub(recording.opened()).as_secs_f64();
    let ending = match &recording.ending {
        Ending::Orderly => None,
        Ending::CutOff(byte) => Some(format!(
            "warning: the recording breaks off at byte {byte}, {seconds:.1} s into the session: the console was \
             killed, or the file was cut"
        )),
        Ending::Damaged(why) => Some(format!("warning: played up to the damage alone: {why}")),
    };
    let lost = (recording.lost > 0).then(|| {
        format!(
            "warning: {} keys came faster than they could be recorded; screens may differ from there on",
            recording.lost
        )
    });
    ending.into_iter().chain(lost).collect()
}

/// Which screens are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Picked {
    /// Each that differs from the one before.
    All,
    /// The one that stands at each multiple.
    Every(Duration),
    /// The one that stands then.
    At(Duration),
}

/// Chooses from frames as they come; times count from the opening of the console.
struct Choice {
    picked: Picked,
    opened: Duration,
    standing: Option<(Duration, String)>,
    due: Duration,
}

impl Choice {
    fn new(picked: Picked, opened: Duration) -> Self {
        let due = match picked {
            Picked::All | Picked::Every(_) => Duration::ZERO,
            Picked::At(at) => at,
        };
        Self {
            picked,
            opened,
            standing: None,
            due,
        }
    }

    /// Takes a frame in; what is told because of it.
    fn take(&mut self, shown: &Shown) -> Vec<(Duration, String)> {
        let at = shown.at.saturating_sub(self.opened);
        let text = replay::text(&shown.frame);
        let mut told = Vec::new();
        match self.picked {
            Picked::All => {
                if self.standing.as_ref().is_none_or(|(_, earlier)| *earlier != text) {
                    told.push((at, text.clone()));
                }
            }
            Picked::Every(_) | Picked::At(_) => self.up_to(at, &mut told),
        }
        self.standing = Some((at, text));
        told
    }

    /// What is due before this moment is the frame that stands.
    fn up_to(&mut self, at: Duration, told: &mut Vec<(Duration, String)>) {
        while self.due < at {
            let Some((_, text)) = &self.standing else { return };
            told.push((self.due, text.clone()));
            self.due = match self.picked {
                Picked::Every(every) if !every.is_zero() => self.due + every,
                Picked::Every(_) | Picked::At(_) | Picked::All => Duration::MAX,
            };
        }
    }

    /// Takes in that no frame follows.
    fn end(&mut self, until: Duration) -> Vec<(Duration, String)> {
        let mut told = Vec::new();
        if self.picked != Picked::All {
            self.up_to(until.saturating_sub(self.opened), &mut told);
        }
        told
    }
}

/// The console's clock is drawn every second, so that some frame stands so long before any moment, unless the screen was
/// frozen or the console stopped.
const MARGIN: Duration = Duration::from_secs(5);

/// The same once more: in a directory of its own, drawn from a moment of the session's clock on.
fn round(staging: &Staging, number: usize, from: Duration) -> std::io::Result<Staging> {
    let state_dir = staging.state_dir.join(number.to_string());
    std::fs::create_dir(&state_dir)?;
    Ok(Staging {
        state_dir,
        from,
        stop: CancellationToken::new(),
        ..staging.clone()
    })
}

fn dump(session: &mut Session, staging: &Staging, picked: Picked) -> Result<(), CliError> {
    let recording = &staging.recording;
    // What stands before one moment is drawn for nobody.
    let near = match picked {
        Picked::At(at) => (recording.opened() + at).saturating_sub(MARGIN),
        Picked::All | Picked::Every(_) => Duration::ZERO,
    };
    let near = round(staging, 0, near)?;
    if dumped(session, near, picked)? {
        return Ok(());
    }
    // Nothing was drawn so near before it.
    if dumped(session, round(staging, 1, Duration::ZERO)?, picked)? {
        return Ok(());
    }
    let until = recording.until.saturating_sub(recording.opened()).as_secs_f64();
    Err(CliError::Usage(format!(
        "--at: the recording reaches only {until:.1} s; give an earlier moment"
    )))
}

/// Tells the screens that were picked; whether there was any.
fn dumped(session: &mut Session, staging: Staging, picked: Picked) -> Result<bool, CliError> {
    let recording = Arc::clone(&staging.recording);
    let mut choice = Choice::new(picked, recording.opened());
    let mut told_any = false;
    let mut written = Ok(());
    let out = &mut session.out;
    let mut tell = |frames: Vec<(Duration, String)>| -> std::io::Result<()> {
        for (at, text) in frames {
            told_any = true;
            let utc = after(recording.header.utc, at + recording.opened())
                .to_rfc3339_opts(SecondsFormat::Millis, true);
            out.line(&format!("=== +{:.3}s {utc}", at.as_secs_f64()))?;
            for row in text.lines() {
                out.line(row)?;
            }
        }
        Ok(())
    };
    let played = replay::play(staging, |shown| {
        if written.is_ok() {
            written = tell(choice.take(&shown));
        }
        let is_over = matches!(picked, Picked::At(at) if choice.due > at);
        if written.is_err() || is_over {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    written?;
    played.map_err(replay_error)?;
    tell(choice.end(recording.until + Duration::from_millis(1)))?;
    Ok(told_any)
}

fn replay_error(error: ReplayError) -> CliError {
    unexpected(error)
}

/// Refuses `--record` where there is no console to record.
pub fn no_console(path: &Path) -> CliError {
    CliError::Usage(format!(
        "--record {}: only the console is recorded; give it without a command, with demo or with drill",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;

    use super::*;

    fn shown(seconds: u64, text: &str) -> Shown {
        Shown {
            at: Duration::from_secs(seconds),
            frame: Buffer::with_lines([text]),
            cursor: None,
        }
    }

    fn chosen(picked: Picked) -> Vec<(u64, String)> {
        let mut choice = Choice::new(picked, Duration::from_secs(100));
        let frames = [(100, "a"), (103, "a"), (104, "b"), (112, "c")];
        let mut told: Vec<(Duration, String)> = frames
            .iter()
            .flat_map(|(at, text)| choice.take(&shown(*at, text)))
            .collect();
        told.extend(choice.end(Duration::from_secs(121)));
        told.into_iter().map(|(at, text)| (at.as_secs(), text)).collect()
    }

    fn told(list: &[(u64, &str)]) -> Vec<(u64, String)> {
        list.iter().map(|(at, text)| (*at, (*text).to_owned())).collect()
    }

    #[test]
    fn every_screen_is_told_once() {
        assert_eq!(chosen(Picked::All), told(&[(0, "a"), (4, "b"), (12, "c")]));
    }

    #[test]
    fn at_each_multiple_the_screen_that_stands_is_told() {
        let every = Picked::Every(Duration::from_secs(5));
        assert_eq!(
            chosen(every),
            told(&[(0, "a"), (5, "b"), (10, "b"), (15, "c"), (20, "c")])
        );
    }

    #[test]
    fn one_moment_is_one_screen_and_one_behind_the_end_is_none() {
        assert_eq!(chosen(Picked::At(Duration::from_secs(5))), told(&[(5, "b")]));
        assert_eq!(chosen(Picked::At(Duration::from_secs(18))), told(&[(18, "c")]));
        assert_eq!(chosen(Picked::At(Duration::from_secs(60))), told(&[]));
    }
}
