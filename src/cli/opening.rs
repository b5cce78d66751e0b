//! How a context is opened, whoever shows it: the console on a terminal, the console as lines, the measure of its cost.
//! Start at [`Opener::open`].

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use super::{CliError, Session, console, write_up};
use crate::app::kept::Kept;
use crate::app::toast::Level;
use crate::app::{Model, Settings};
use crate::backend::Backends;
use crate::backend::http::Wires;
use crate::backend::logs::Logs;
use crate::config::{Config, Context};
use crate::problem::Problems;
use crate::runtime::kept_file;
use crate::runtime::session::{self, Opening};
use crate::terminal::signals::Signals;
use crate::text::{Cut, SafeText, cut};
use crate::theme::{self, Means};
use crate::time::Now;

/// Threads for pollers and the desk. One: what takes long is handed to threads of its own anyway, and of two one wakes
/// the other for every answer.
const WORKERS: usize = 1;
/// Tasks that outlive the console are left behind after this: nothing they do is worth a slow exit.
const LAST_WORK: Duration = Duration::from_millis(20);

/// What a console runs on: the loop on the thread that it was started on, whatever it asks for on others. The loop has
/// its clock and its signals to itself, so that a tick wakes nobody else.
pub(super) struct Threads {
    here: Runtime,
    tasks: Runtime,
}

impl Threads {
    /// Starts the threads of the tasks.
    pub(super) fn start() -> Result<Self, CliError> {
        let built = || {
            Ok(Self {
                here: Builder::new_current_thread().enable_all().build()?,
                tasks: Builder::new_multi_thread()
                    .worker_threads(WORKERS)
                    .max_blocking_threads(4)
                    .enable_all()
                    .build()?,
            })
        };
        built().map_err(|error: io::Error| CliError::Unexpected(error.into()))
    }

    /// Listens for signals, for the loop.
    pub(super) fn signals(&self) -> io::Result<Signals> {
        let _inside = self.here.enter();
        Signals::listen()
    }

    /// Runs the loop.
    pub(super) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.here.block_on(work)
    }

    /// Ends, with what the tasks still do.
    pub(super) fn end(self) {
        self.tasks.shutdown_timeout(LAST_WORK);
        self.here.shutdown_background();
    }
}

/// What every context of a run is opened with.
pub(super) struct Opener<'a> {
    /// The run.
    pub(super) session: &'a Session,
    /// What tasks run on.
    pub(super) threads: &'a Threads,
    /// The configuration.
    pub(super) config: Arc<Config>,
    /// How backends are reached.
    pub(super) wires: Arc<Wires>,
    /// What can be shown.
    pub(super) means: Means,
    /// Lines that are all there is to show.
    pub(super) lines: Option<&'a Arc<dyn Logs>>,
}

impl Opener<'_> {
    /// Begins to ask a context's backends.
    pub(super) fn open(&self, context: &Arc<Context>, signals: Signals) -> session::Session {
        let Session {
            clock, globals, env, ..
        } = self.session;
        let mut backends = Backends::open(context, &self.wires, *clock);
        if let Some(lines) = self.lines {
            backends.logs = Some(Arc::clone(lines));
        }
        let _inside = self.threads.tasks.enter();
        session::Session::open(Opening {
            config: Arc::clone(&self.config),
            context: Arc::clone(context),
            backends,
            wires: Arc::clone(&self.wires),
            clock: *clock,
            themes: themes(self.config.config_dir.clone(), self.means),
            writer: write_up::writer(globals, env, &context.name, *clock),
            signals,
        })
    }

    /// The context that one switches to, and its model; nothing where none is called so.
    pub(super) fn next(&self, name: &str, old: &mut Model) -> Option<(Arc<Context>, Model)> {
        let context = Arc::new(self.config.contexts.get(name)?.clone());
        let kept = kept_file::load(self.config.state_dir.as_deref(), &context.name);
        let runbooks = console::runbooks(self.session, &context);
        let settings = console::settings(&self.config, &context, runbooks);
        let model = next_model(settings, kept, old, self.session.clock.now());
        Some((context, model))
    }
}

fn themes(config_dir: Option<PathBuf>, means: Means) -> session::ThemeLoader {
    Box::new(move |name: &str| {
        let dir: Option<&Path> = config_dir.as_deref();
        theme::load(name, dir, means).map_err(|problems| in_a_line(&problems))
    })
}

/// The first mistake of a file for a line that may be cut: what is wrong stands before where, and of a path its ends.
fn in_a_line(problems: &Problems) -> String {
    let Some(first) = problems.0.first() else {
        return String::new();
    };
    let file = cut(&first.file, 32, Cut::Middle);
    let at = first.at.map_or_else(String::new, |at| format!(":{}", at.line));
    let more = match problems.0.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let mend = Some(first.mend.as_str()).filter(|mend| !mend.is_empty());
    let mend = mend.map_or_else(String::new, |mend| format!("; {mend}"));
    SafeText::line(&format!("{} ({file}{at}){more}{mend}", first.what)).into_string()
}

/// The model of the context that one switches to: layout, times and what is on the way there are kept.
fn next_model(settings: Settings, kept: Kept, old: &mut Model, now: Now) -> Model {
    let (keymap, mut layout) = (Arc::clone(&old.keymap), old.layout.clone());
    // What the other context lacks this one may have.
    layout.absent.clear();
    let mut next = Model::new(settings, keymap, layout, old.size, now);
    next.zone = old.zone;
    next.themes = old.themes.clone();
    next.news.whose = old.news.whose;
    next.drill = old.drill.take();
    next.tour = old.tour;
    next.cost = std::mem::take(&mut old.cost);
    // The requests of the other context are no longer counted.
    next.cost.begin_anew();
    next.union.bound.clone_from(&old.union.bound);
    if let Some(why) = &kept.trouble {
        let words = format!("saved views are not read, and stay as they are: {why}");
        next.toasts.say(Level::Warn, words, now.tick);
    }
    next.kept = kept;
    // What led here may not be on the disk yet.
    if let Some(last) = old.kept.commands.first() {
        next.kept.remember(last);
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::cost::{Shown, Usage};
    use crate::app::focus::Layout;
    use crate::config::{Environment, decode_text};
    use crate::runbook::Policy;
    use crate::time::Tick;

    fn settings() -> Settings {
        let text = "[contexts.prod.metrics]\nurl = \"http://127.0.0.1:9\"\n";
        let config = decode_text(text, None, &Environment::default()).unwrap().config;
        console::settings(&config, config.context(None).unwrap(), Policy::default())
    }

    #[test]
    fn a_mistake_in_a_theme_is_told_before_its_place() {
        let problem = |what: &str| crate::problem::Problem {
            file: "/home/jun/.config/midwatch/themes/somewhere/deep/below/mine.toml".to_owned(),
            at: Some(crate::problem::Position { line: 7, column: 1 }),
            what: what.to_owned(),
            mend: "leave it out".to_owned(),
        };
        let one = in_a_line(&Problems(vec![problem("there is no role `slo.pgae`")]));
        assert!(
            one.starts_with("there is no role `slo.pgae` (/home/jun/"),
            "{one}"
        );
        assert!(one.ends_with("mine.toml:7); leave it out"), "{one}");
        assert!(crate::text::width(&one) < 90, "{one}");
        let two = in_a_line(&Problems(vec![problem("a"), problem("b")]));
        assert!(two.contains(" and 1 more"), "{two}");
    }

    #[test]
    fn what_the_console_cost_is_counted_on_in_the_next_context() {
        let now = Now::fixed(chrono::DateTime::UNIX_EPOCH, 10);
        let keymap = Arc::new(crate::keymap::load("default", None).unwrap());
        let size = ratatui::layout::Size::new(80, 24);
        let mut old = Model::new(settings(), keymap, Layout::default(), size, now);
        old.cost.toggle();
        old.cost.drew(Duration::from_millis(1), 5_000);
        old.cost.read(Tick::from_secs(9), 40, Usage::default());
        let next = next_model(settings(), Kept::default(), &mut old, now);
        assert_eq!(next.cost.shown, Shown::Yes);
        assert_eq!(next.cost.bytes(), 5_000);
        assert!(next.cost.is_due(now.tick) && next.cost.rates().is_none());
    }
}
