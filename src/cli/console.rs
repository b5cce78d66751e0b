//! `midwatch`: the console. The skeleton is painted before a client or a task exists.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Size;

use super::opening::{Opener, Threads};
use super::{CliError, Exit, Outcome, Session, closing};
use crate::app::drill::DrillLog;
use crate::app::focus::Layout;
use crate::app::modal::Composer;
use crate::app::news::Whose;
use crate::app::themes::Themes;
use crate::app::toast::Level;
use crate::app::tour::Tour;
use crate::app::{Model, Settings};
use crate::backend::http::Wires;
use crate::backend::logs::Logs;
use crate::backend::traces::ui;
use crate::config::{self, Config, ConfigError, Context, Environment, LogsConfig};
use crate::journal;
use crate::keymap;
use crate::record::format::Header;
use crate::record::{self, Tape, Tapped};
use crate::runbook::{self, Policy};
use crate::runtime::console::{Console, Ended, World as _};
use crate::runtime::editor::Editor;
use crate::runtime::frame::{self, FrameScheduler};
use crate::runtime::runbooks::programs;
use crate::runtime::{kept_file, layout_file, tour_file, usage};
use crate::terminal::Screen as _;
use crate::terminal::asking::Answers;
use crate::terminal::capability::{self, ColorChoice, GlyphChoice};
use crate::terminal::clipboard::Multiplexer;
use crate::terminal::guard::Mouse;
use crate::terminal::hyperlink::Hyperlinks;
use crate::terminal::tty::{BackgroundQuery, Bell, Options, Tty};
use crate::theme::{self, Means};
use crate::time::{Clock, Now, before};

/// For so long the last row offers the tour to somebody who has never been here.
const OFFER: Duration = Duration::from_secs(180);
/// ESC is waited for so long on a slow link.
const SLOW_ESC: Duration = Duration::from_millis(150);
/// What takes longer is said to be under way.
const AT_ONCE: Duration = Duration::from_millis(200);
/// What is said while a context is left.
const LEAVING: &str = "finishing what is under way here: a few seconds at most, and nothing is lost";
/// What is still to be written of a recording when the console ends may take so long.
const LAST_FRAMES: Duration = Duration::from_secs(2);

/// Opens the console on the configured context.
pub fn run(session: &mut Session) -> Outcome {
    let (config, context) = session.context()?;
    if !std::io::stdout().is_terminal() {
        let words = "standard output is none; midwatch --plain tells events in lines, to a pipe as well";
        return Err(no_terminal(&std::io::Error::other(words)));
    }
    let guise = Guise {
        lines: None,
        drill: &mut None,
        tour: Touring::of(session, Newcomers::Unasked),
    };
    open(session, config, context, guise)
}

/// Opens the console on the demo: whoever is there for the first time is offered a tour.
pub fn in_demo(session: &mut Session) -> Outcome {
    let (config, context) = session.context()?;
    let guise = Guise {
        lines: None,
        drill: &mut None,
        tour: Touring::of(session, Newcomers::Offered),
    };
    open(session, config, context, guise)
}

/// Opens the console for a drill, and gives back what it kept of it.
pub fn in_drill(session: &mut Session, log: DrillLog) -> Result<(Exit, DrillLog), CliError> {
    let (config, context) = session.context()?;
    let mut drill = Some(log.clone());
    let guise = Guise {
        lines: None,
        drill: &mut drill,
        tour: Touring::forgotten(),
    };
    let exit = open(session, config, context, guise)?;
    Ok((exit, drill.unwrap_or(log)))
}

/// What is particular to how the console was opened.
struct Guise<'a> {
    /// Lines that are all there is to show.
    lines: Option<&'a Arc<dyn Logs>>,
    /// What is kept of a drill: taken for the console, and put back when that has ended.
    drill: &'a mut Option<DrillLog>,
    /// What is known of the tour.
    tour: Touring,
}

/// What is known of the tour from other consoles.
struct Touring {
    /// Who keeps it; nothing where nobody does.
    dir: Option<PathBuf>,
    newcomers: Newcomers,
}

impl Touring {
    /// What this person's state directory keeps; nothing where all is recorded, for a recording's replay knows nobody.
    fn of(session: &Session, newcomers: Newcomers) -> Self {
        let dir = session.env.state_dir();
        Self {
            dir: dir.filter(|_| session.globals.record.is_none()),
            newcomers,
        }
    }

    fn forgotten() -> Self {
        Self {
            dir: None,
            newcomers: Newcomers::Unasked,
        }
    }

    /// The tour as it stands when a console opens.
    fn begin(&self, now: Now) -> Tour {
        let Some(dir) = &self.dir else {
            return Tour::default();
        };
        let tour = match self.newcomers {
            Newcomers::Offered if tour_file::first_time(dir) => Tour::offered(now.tick + OFFER),
            Newcomers::Offered | Newcomers::Unasked => Tour::default(),
        };
        tour.going_on_at(tour_file::step(dir))
    }

    /// Keeps where it goes on.
    fn keep(&self, tour: &Tour) {
        if let Some(dir) = &self.dir {
            tour_file::keep(dir, tour.goes_on_at());
        }
    }
}

/// Whether somebody who has never been here is offered a tour.
enum Newcomers {
    /// They are not.
    Unasked,
    /// They are.
    Offered,
}

/// Opens the console on lines alone: files of this host, or standard input. Needs no configuration; theme, keymap and
/// how much is kept are those of one that is there. Nothing is journaled and no layout is remembered.
pub fn on_lines(session: &mut Session, name: &str, lines: &Arc<dyn Logs>) -> Outcome {
    let (mut config, kept) = match session.config() {
        Ok(config) => {
            let logs = config.context(session.globals.context.as_deref()).ok();
            let kept =
                logs.and_then(|context| Some((context.logs.as_ref()?.lines, context.logs.as_ref()?.bytes)));
            (config, kept)
        }
        Err(CliError::Config(ConfigError::NotFound { .. })) => (bare(session)?, None),
        Err(error) => return Err(error),
    };
    let mut context = bare(session)?.context(None)?.clone();
    name.clone_into(&mut context.name);
    if let (Some(logs), Some((lines, bytes))) = (&mut context.logs, kept) {
        (logs.lines, logs.bytes) = (lines, bytes);
    }
    config.state_dir = None;
    config.journal = None;
    config.contexts = std::iter::once((context.name.clone(), context.clone())).collect();
    config.default_context = None;
    let guise = Guise {
        lines: Some(lines),
        drill: &mut None,
        tour: Touring::forgotten(),
    };
    open(session, config, context, guise)
}

/// What holds where nothing is configured, with one context that has nothing but logs.
fn bare(session: &Session) -> Result<Config, CliError> {
    let flags = session.flags();
    let text = "[contexts.files.logs]\nkind = \"file\"\npaths = [\"/\"]\n";
    let mut config = config::decode_text(text, None, &Environment::default())?.config;
    config.theme = flags.theme.unwrap_or(config.theme);
    config.keymap = flags.keymap.unwrap_or(config.keymap);
    Ok(config)
}

fn open(session: &mut Session, config: Config, context: Context, guise: Guise<'_>) -> Outcome {
    let Guise { lines, drill, tour } = guise;
    let means = means(session);
    let dir = config.config_dir.as_deref();
    let themes_worn = Themes::of(&config.theme).hinted(session.env.get("COLORFGBG").and_then(theme::hinted));
    let theme = theme::load(themes_worn.kept(), dir, means)?;
    let keymap = Arc::new(keymap::load(&config.keymap, dir)?);
    let layout = layout_file::load(config.state_dir.as_deref());

    let threads = Threads::start()?;
    // Before the terminal is taken: a signal in between would leave it raw, a new size would go unheard.
    let mut signals = threads.signals()?;
    let (tty, inputs) =
        Tty::open(options(session, &config), session.clock).map_err(|error| no_terminal(&error))?;
    let now = session.clock.now();
    let size = tty.size();
    let tape = match &session.globals.record {
        Some(path) => {
            let mut header = header(&config, &context, &layout, (size, means), session.clock);
            header.drill = drill.as_ref().map(|log| log.over_at);
            let tape = Tape::create(path, header, session.clock);
            Some(tape.map_err(|error| CliError::Usage(format!("--record: {error}")))?)
        }
        None => None,
    };
    let mut model = Model::new(
        settings(&config, &context, runbooks(session, &context)),
        keymap,
        layout,
        size,
        now,
    );
    model.themes = themes_worn;
    model.kept = kept_file::load(config.state_dir.as_deref(), &context.name);
    if let Some(why) = &model.kept.trouble {
        let words = format!("saved views are not read, and stay as they are: {why}");
        model.toasts.say(Level::Warn, words, now.tick);
    }
    if lines.is_some() {
        model.keep_to_lines();
    }
    if tape.is_some() {
        model.toasts.say(Level::Info, record::SAID.to_owned(), now.tick);
    }
    model.drill = drill.take();
    model.tour = tour.begin(now);
    if let [first, ..] = model.keymap.doubts().as_slice() {
        let words = format!("{first} (`midwatch keys` tells all)");
        model.toasts.say(Level::Warn, words, now.tick);
    }
    let config = Arc::new(config);
    model.news.whose = config.ui.bell;
    let mut console = Console::new(model, theme, tty, inputs, session.clock);
    if options(session, &config).cap.is_some() {
        console.frames = FrameScheduler::new(frame::SPARED);
    }
    console.editor = Some(editor(session, &config));
    console.tap = tape.as_ref().map(Tape::tap);
    console.usage = usage::read;
    console.draw(now);

    let wires = match console.tap.clone() {
        Some(tap) => Wires::through(move |wire| Arc::new(Tapped::new(wire, tap.clone()))),
        None => Wires::default(),
    };
    let opener = Opener {
        session,
        threads: &threads,
        config: Arc::clone(&config),
        wires: Arc::new(wires),
        means,
        lines,
    };
    let mut context = Arc::new(context);
    let mut silences = BTreeMap::new();
    let ended = threads.run(async {
        loop {
            let mut world = opener.open(&context, signals);
            let ended = console.run(&mut world).await;
            // What is under way ends or is handed back: the next console need not wait for its lease.
            unless_at_once(world.rest(), || {
                let now = console.clock.now();
                console.model.toasts.say(Level::Info, LEAVING, now.tick);
                console.draw(now);
            })
            .await;
            signals = world.close();
            match ended {
                Ended::Quit | Ended::Failed => return ended,
                Ended::SwitchContext(name) => {
                    put_away(&mut silences, &mut console.model);
                    if let Some((next, model)) = opener.next(&name, &mut console.model) {
                        (context, console.model) = (next, model);
                    }
                    console.model.alerts.drafts = silences.remove(&context.name).unwrap_or_default();
                }
            }
        }
    });
    let outbox = &console.model.outbox;
    let someone_is_to_be_told = !(outbox.under_way.is_empty() && outbox.unreached.is_empty());
    *drill = console.model.drill.take();
    tour.keep(&console.model.tour);
    // The terminal first: whatever else takes time, the shell is back at once.
    drop(console);
    if let (Some(tape), Some(path)) = (tape, &session.globals.record) {
        let summary = threads.run(async { tokio::time::timeout(LAST_FRAMES, tape.finish()).await });
        // With standard error gone there is nobody left to tell.
        let _ = session.out.diagnose(&recorded(path, summary.ok().as_ref()));
    }
    if someone_is_to_be_told {
        for words in threads.run(closing::left_behind(&config, &context)) {
            // With standard error gone there is nobody left to tell.
            let _ = session.out.diagnose(&format!("warning: {words}"));
        }
    }
    threads.end();
    outcome(&ended)
}

/// Waits for it; where that takes longer than what seems to be at once, says so.
async fn unless_at_once<T>(work: impl Future<Output = T>, say: impl FnOnce()) -> T {
    let mut work = std::pin::pin!(work);
    if let Ok(done) = tokio::time::timeout(AT_ONCE, &mut work).await {
        return done;
    }
    say();
    work.await
}

/// Keeps silences that were being composed for when their context is opened again.
fn put_away(silences: &mut BTreeMap<String, Vec<Composer>>, old: &mut Model) {
    let drafts = std::mem::take(&mut old.alerts.drafts);
    silences.insert(old.settings.context.clone(), drafts);
}

/// What a recording of a console begins with that is about to open.
fn header(
    config: &Config,
    context: &Context,
    layout: &Layout,
    (size, means): (Size, Means),
    clock: Clock,
) -> Header {
    let now = clock.now();
    Header {
        midwatch: env!("CARGO_PKG_VERSION").to_owned(),
        utc: before(now.utc, now.tick.0),
        opened: u64::try_from(now.tick.0.as_micros()).unwrap_or_default(),
        seed: clock.seed(),
        context: context.name.clone(),
        config: record::keepable(config),
        width: size.width,
        height: size.height,
        layout: layout_file::render(layout),
        keymap: config.keymap.clone(),
        keymap_text: keymap::own_text(&config.keymap, config.config_dir.as_deref()),
        ascii: means.glyphs == theme::Glyphs::Ascii,
        drill: None,
    }
}

/// What is said of a recording when the console is closed.
fn recorded(path: &Path, summary: Option<&record::Summary>) -> String {
    let path = path.display();
    match summary {
        None => {
            format!("warning: --record {path}: the disk is too slow; the recording may lack its last moments")
        }
        Some(record::Summary {
            trouble: Some(why), ..
        }) => format!("warning: --record {path} broke off: {why}; what was written until then can be played"),
        Some(record::Summary { bytes, frames, .. }) => {
            format!(
                "recorded {frames} frames, {} KiB; play them with: midwatch replay {path}",
                bytes.div_ceil(1024)
            )
        }
    }
}

/// A console that died of a defect says so to whoever started it, as to the person.
pub(super) fn outcome(ended: &Ended) -> Outcome {
    match ended {
        Ended::Quit | Ended::SwitchContext(_) => Ok(Exit::Done),
        Ended::Failed => Err(CliError::Unexpected(color_eyre::eyre::eyre!(
            "a task of the console stopped through a defect, so it ended rather than show what may be untrue; \
             start it again, and report what stands above"
        ))),
    }
}

/// The person's own editor; what passes through it stays where other people cannot read.
fn editor(session: &Session, config: &Config) -> Editor {
    let own = |name: &str| session.env.get(name).map(str::to_owned);
    let command = own("VISUAL").or_else(|| own("EDITOR")).unwrap_or_default();
    let directory = config.state_dir.clone().unwrap_or_else(std::env::temp_dir);
    Editor::new(&command, directory)
}

pub(super) fn no_terminal(error: &std::io::Error) -> CliError {
    CliError::Usage(format!("the console needs a terminal: {error}"))
}

/// The variables that tell what the terminal is.
fn environment(session: &Session) -> capability::Environment {
    let own = |name: &str| session.env.get(name).map(str::to_owned);
    capability::Environment {
        no_color: own("NO_COLOR"),
        colorterm: own("COLORTERM"),
        term: own("TERM"),
        lc_all: own("LC_ALL"),
        lc_ctype: own("LC_CTYPE"),
        lang: own("LANG"),
        tmux: own("TMUX"),
        sty: own("STY"),
        term_program: own("TERM_PROGRAM"),
        term_program_version: own("TERM_PROGRAM_VERSION"),
        vte_version: own("VTE_VERSION"),
        konsole_version: own("KONSOLE_VERSION"),
        wt_session: own("WT_SESSION"),
        lc_terminal: own("LC_TERMINAL"),
    }
}

/// What the terminal can show, from flags and environment.
pub(super) fn means(session: &Session) -> Means {
    let environment = environment(session);
    let color = match session.globals.color {
        super::args::ColorChoice::Auto => ColorChoice::Auto,
        super::args::ColorChoice::Always => ColorChoice::Always,
        super::args::ColorChoice::Never => ColorChoice::Never,
    };
    let shapes = if session.globals.ascii {
        GlyphChoice::Ascii
    } else {
        GlyphChoice::Auto
    };
    Means {
        depth: capability::color_depth(color, &environment),
        glyphs: capability::glyphs(shapes, &environment),
    }
}

pub(super) fn options(session: &Session, config: &Config) -> Options {
    let default = Options::default();
    let environment = environment(session);
    let cap = session.globals.slow.or(config.ui.slow);
    let answers = capability::answers(&environment);
    Options {
        mouse: if config.mouse {
            Mouse::Reported
        } else {
            Mouse::Left
        },
        esc_timeout: if cap.is_some() {
            SLOW_ESC
        } else {
            default.esc_timeout
        },
        sync: capability::sync(&environment),
        // Whether it is dark or light matters where nobody has said so.
        background: if config.theme == theme::AUTO && answers == Answers::Likely {
            BackgroundQuery::AfterFirstFrame
        } else {
            BackgroundQuery::Skip
        },
        multiplexer: Multiplexer::detect(
            session.env.get("TMUX"),
            session.env.get("STY"),
            session.env.get("TERM"),
        ),
        cap,
        answers,
        line_edits: capability::line_edits(&environment),
        // On a slow link an address that nobody follows is not sent with each frame that shows it.
        hyperlinks: match (config.ui.hyperlinks, cap) {
            (Some(said), _) => said,
            (None, Some(_)) => Hyperlinks::Off,
            (None, None) => capability::hyperlinks(&environment),
        },
        notices: config
            .ui
            .notify
            .unwrap_or_else(|| capability::notices(&environment)),
        bell: match config.ui.bell {
            Whose::Mine | Whose::All => Bell::Rung,
            Whose::Nobody => Bell::Mute,
        },
    }
}

/// What the console is told of a context.
pub(super) fn settings(config: &Config, context: &Context, runbooks: Policy) -> Settings {
    let insecure = |endpoint: &crate::config::Endpoint| {
        endpoint.tls.insecure_skip_verify.then(|| {
            format!(
                "{}: TLS certificates are not verified (insecure_skip_verify)",
                endpoint.name
            )
        })
    };
    let endpoints = context.metrics.iter().map(|metrics| &metrics.endpoint);
    let endpoints = endpoints.chain(context.alertmanagers.iter().map(|source| &source.endpoint));
    let endpoints = endpoints.chain(context.logs.iter().filter_map(LogsConfig::endpoint));
    let endpoints = endpoints.chain(
        context
            .annotations
            .iter()
            .map(|annotations| &annotations.endpoint),
    );
    Settings {
        context: context.name.clone(),
        contexts: config.contexts.keys().cloned().collect(),
        theme: config.theme.clone(),
        themes: theme::SHELF
            .names()
            .map(str::to_owned)
            .chain(theme::SHELF.own_names(config.config_dir.as_deref()))
            .collect(),
        danger: context.danger,
        read_only: config.read_only,
        identity: config.identity.clone(),
        ack_lease: config.ack_lease,
        ack_max: config.ack_max,
        ack_idle: config.ack_idle,
        silence_max: config.silence_max,
        grace: config.grace,
        has_metrics: context.metrics.is_some(),
        alertmanagers: context
            .alertmanagers
            .iter()
            .map(|source| Arc::from(source.name.as_str()))
            .collect(),
        writable: context
            .alertmanagers
            .iter()
            .filter(|source| !source.read_only)
            .map(|source| Arc::from(source.name.as_str()))
            .collect(),
        logs: context.logs.as_ref().map(|_| Arc::from("logs")),
        traces: context.traces.as_ref().map(|_| Arc::from("traces")),
        trace_ui: context.traces.as_ref().and_then(ui::template),
        services: Arc::new(context.service_map.clone()),
        incidents: context
            .incidents
            .as_ref()
            .filter(|incidents| incidents.endpoint.is_some())
            .map(|_| Arc::from("incidents")),
        no_journal: journal::Opening::of(config).is_none().then(|| {
            "there is no place for the journal; set state_dir in the configuration, or HOME".to_owned()
        }),
        annotations: context
            .annotations
            .as_ref()
            .map(|annotations| Arc::from(annotations.endpoint.name.as_str())),
        runbooks,
        update_due: config.nudges.update,
        progress_due: config.nudges.progress,
        warnings: endpoints.filter_map(insecure).collect(),
    }
}

/// What a context says of runbooks; its programs are looked up here, once.
pub(super) fn runbooks(session: &Session, context: &Context) -> Policy {
    let said = &context.runbooks;
    Policy {
        context: context.name.clone(),
        dir: said.dir.clone(),
        programs: programs::resolve(
            &said.allowed_programs,
            &said.plain_programs,
            session.env.get("PATH"),
        ),
        means: runbook::Means {
            limit: said.timeout,
            cwd: std::env::current_dir().ok(),
            env: said.env.clone(),
            launcher: launcher(),
        },
        playbooks: said.playbooks.clone(),
    }
}

/// This program's own file. Where the kernel names it, that is the one that runs, whatever lies at its path by now.
fn launcher() -> Option<std::path::PathBuf> {
    let running = std::path::Path::new("/proc/self/exe");
    if running.exists() {
        return Some(running.to_owned());
    }
    std::env::current_exe().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_console_that_died_of_a_defect_does_not_exit_as_if_all_were_well() {
        assert_eq!(outcome(&Ended::Quit).ok(), Some(Exit::Done));
        let error = outcome(&Ended::Failed).unwrap_err();
        assert_ne!(error.exit(), Exit::Done);
        assert!(error.to_string().contains("start it again"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_takes_long_is_said_to_be_under_way() {
        for (takes, is_said) in [(50, false), (400, true)] {
            let mut said = false;
            let work = tokio::time::sleep(Duration::from_millis(takes));
            unless_at_once(work, || said = true).await;
            assert_eq!(said, is_said, "{takes} ms");
        }
    }
}
