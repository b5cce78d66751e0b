//! Every backend: its state and age, what it cost, how fast it answers; and the warnings that stand.

use crate::app::BackendHealth;
use crate::app::feed::Status;
use crate::app::record::{ForwardState, RecordHealth, Sent, Trouble, Watching};
use crate::domain::alert::PipelineFault;
use crate::text::{SafeText, fit, fit_right, width};
use crate::theme::Role;
use crate::time::prometheus_duration;
use crate::view::light::Light;
use crate::view::pane::belief::fault_words;
use crate::view::sheet::Sheet;
use crate::view::widget::{Piece, words};
use crate::view::{Scene, figures};

/// Cells of a state.
const STATE: usize = 7;
/// Figures of a backend and their cells; on a narrow screen the last are left out.
const FIGURES: [(&str, usize); 7] = [
    ("age", 5),
    ("median", 7),
    ("slowest", 7),
    ("asked", 5),
    ("errors", 6),
    ("read", 6),
    ("skew", 6),
];

/// The figures that have room beside name and state.
fn figures_shown(cells: u16, name_width: usize) -> &'static [(&'static str, usize)] {
    let mut room = usize::from(cells).saturating_sub(2 + name_width + 1 + STATE);
    let fitting = FIGURES.iter().take_while(|(_, width)| {
        let has_room = *width < room;
        room = room.saturating_sub(width + 1);
        has_room
    });
    &FIGURES[..fitting.count()]
}

/// The page.
pub(super) fn sheet(scene: Scene<'_>, cells: u16) -> Sheet<'_> {
    let model = scene.model;
    let mut sheet = Sheet::default();
    if model.health.is_empty() {
        let is_of_files = model.logs.view.as_ref().is_some_and(|view| view.files.is_some());
        let said = if is_of_files || model.has_lines_alone() {
            "no server is asked here: the lines come from files or standard input"
        } else {
            "no backend has been asked yet"
        };
        sheet.prose(said, Role::TextMuted);
    }
    let names = model
        .health
        .iter()
        .map(|h| width(SafeText::line(&h.name).as_str()));
    let name_width = names.max().unwrap_or(0).clamp(7, 20);
    if !model.health.is_empty() {
        let mut titles = format!("  {} {}", fit("backend", name_width), fit("state", STATE));
        for (title, width) in figures_shown(cells, name_width) {
            titles.push(' ');
            titles.push_str(&fit_right(title, *width));
        }
        sheet.line(vec![Piece::own(titles, Role::TextDim)]);
    }
    for backend in &model.health {
        line(scene, backend, name_width, cells, &mut sheet);
    }
    // on lines alone nothing is done, and nothing recorded
    if let Some(record) = model.record.as_ref().filter(|_| !model.has_lines_alone()) {
        self::record(record, scene, &mut sheet);
    }
    lines(scene, &mut sheet);
    watching(&model.watching, &mut sheet);
    warnings(scene, &mut sheet);
    sheet
}

/// How many log lines are kept, of how many at most; and the files that they are read from, where no server has them:
/// there and readable, how large, when their newest line is of.
fn lines<'a>(scene: Scene<'a>, sheet: &mut Sheet<'a>) {
    let Some(view) = &scene.model.logs.view else {
        return;
    };
    sheet.heading("Log lines");
    let (counts, limits) = (view.snapshot.counts(), view.limits);
    let kept = format!(
        "{} in hand of {} at most, {} of {}; then the oldest are let go",
        words::count(view.snapshot.len() as f64),
        words::count(limits.lines as f64),
        words::memory(counts.bytes),
        words::memory(limits.bytes as u64),
    );
    sheet.prose(&kept, Role::TextMuted);
    let Some(survey) = &view.files else { return };
    for file in &survey.files {
        let (words, role) = match &file.found {
            Ok((0, _)) => (format!("● {}: empty", file.path), Role::TextMuted),
            Ok((bytes, newest)) => {
                let newest = match newest {
                    Some(at) => match (scene.now.utc - at.utc()).to_std() {
                        Ok(age) => format!("newest line {} ago", words::stepped(age)),
                        Err(_) => "newest line ahead of this clock".to_owned(),
                    },
                    None => "its last lines tell no time".to_owned(),
                };
                (
                    format!("● {}: {}, {newest}", file.path, words::bytes(*bytes)),
                    Role::TextMuted,
                )
            }
            Err(why) => (format!("✗ {}: {why}", file.path), Role::StateFailed),
        };
        sheet.prose(&words, role);
    }
    for name in &survey.missing {
        sheet.prose(&format!("✗ {name}: there is no such file"), Role::StateFailed);
    }
    if survey.more > 0 {
        sheet.prose(&format!("and {} more files", survey.more), Role::TextMuted);
    }
}

/// Who does what is due by itself of local incidents, where something is.
fn watching<'a>(watching: &'a Watching, sheet: &mut Sheet<'a>) {
    let (text, role) = match watching {
        Watching::Nothing => return,
        Watching::Ours => (
            "this console escalates them and declares by rule, while it is open".to_owned(),
            Role::TextMuted,
        ),
        Watching::Theirs(who) => (
            format!("● another console escalates them and declares by rule: {who}"),
            Role::TextMuted,
        ),
        Watching::Failed(why) => (
            format!("✗ nothing escalates and no rule declares: {why}"),
            Role::StateFailed,
        ),
        Watching::Relieved => (
            "this console has handed their watch back".to_owned(),
            Role::TextMuted,
        ),
    };
    sheet.heading("Local incidents");
    sheet.prose(&text, role);
}

/// The record of what is done: whether it can be written, and how far it was sent on.
fn record<'a>(record: &'a RecordHealth, scene: Scene<'a>, sheet: &mut Sheet<'a>) {
    sheet.heading("Audit log");
    match &record.trouble {
        Some(Trouble::NoJournal(why)) => {
            sheet.prose(&format!("✗ nothing can be done: {why}"), Role::StateFailed);
        }
        Some(Trouble::AuditLog(why)) => sheet.prose(
            &format!("✗ not written: {why}; its lines wait in the journal until it can be"),
            Role::StateFailed,
        ),
        None => sheet.prose("written", Role::TextMuted),
    }
    let Some(forward) = &record.forward else {
        return;
    };
    let last = match forward.last {
        None => "no line sent yet".to_owned(),
        Some(Sent { seq, at: None }) => format!("sent up to line {seq}"),
        Some(Sent { seq, at: Some(at) }) => {
            let age = (scene.now.utc - at).to_std().unwrap_or_default();
            format!("sent up to line {seq}, the last {} ago", words::stepped(age))
        }
    };
    let (mark, how, role) = match &forward.state {
        ForwardState::Starting => ("", String::new(), Role::TextMuted),
        ForwardState::UpToDate => ("● ", String::new(), Role::TextMuted),
        ForwardState::ByAnother => (
            "● ",
            " by another process on this journal".to_owned(),
            Role::TextMuted,
        ),
        ForwardState::Failing(why) => ("✗ ", format!(" failing: {why}"), Role::StateFailed),
    };
    let waiting = match forward.waiting {
        0 => String::new(),
        1 => " · 1 line waits".to_owned(),
        lines => format!(" · {lines} lines wait"),
    };
    sheet.prose(
        &format!("{mark}forwarded to {}{how} · {last}{waiting}", forward.to),
        role,
    );
}

fn line<'a>(
    scene: Scene<'a>,
    backend: &'a BackendHealth,
    name_width: usize,
    cells: u16,
    sheet: &mut Sheet<'a>,
) {
    let light = Light::of(backend, scene.now);
    let counters = &backend.counters;
    let age = backend.last_good.map_or_else(
        || "–".to_owned(),
        |at| words::data_age(scene.now.tick.since(at), backend.interval + backend.interval / 2),
    );
    let errors_role = if counters.errors > 0 {
        Role::StateStale
    } else {
        Role::TextMuted
    };
    let figures = [
        (age, Role::TextMuted),
        (figures::latency(counters.median), Role::Text),
        (figures::latency(counters.slowest), Role::Text),
        (words::count(counters.requests as f64), Role::Text),
        (words::count(counters.errors as f64), errors_role),
        (words::bytes(counters.bytes), Role::Text),
        skew(backend),
    ];
    let mut pieces = vec![
        Piece::word(light.shape(), light.role()),
        Piece::own(
            format!(" {} ", fit(SafeText::line(&backend.name).as_str(), name_width)),
            Role::Text,
        ),
        Piece::own(fit(light.word(), STATE), light.role()),
    ];
    let shown = figures_shown(cells, name_width).iter().zip(figures);
    pieces.extend(
        shown.map(|((_, width), (said, role))| Piece::own(format!(" {}", fit_right(&said, *width)), role)),
    );
    sheet.line(pieces);
    if let Status::Failed {
        cause,
        next_try,
        since,
    } = &backend.status
    {
        let age = scene.now.tick.since(*since);
        let for_long = match age.as_secs() {
            0..10 => "failing since just now".to_owned(),
            _ => format!("failing for {}", words::stepped(age)),
        };
        let retry = figures::until(next_try.since(scene.now.tick));
        sheet.pair(
            "  ",
            &format!("{for_long}: {cause} · retry in {retry}"),
            light.role(),
        );
    }
    if let Some(low) = backend.low {
        let every = prometheus_duration(backend.interval);
        sheet.pair(
            "  ",
            &format!(
                "{} of {} requests left: asked every {every} until there are more; acts go first",
                low.remaining, low.limit
            ),
            Role::StateStale,
        );
    }
}

/// A clock that is off by more than two seconds makes ages lie.
fn skew(backend: &BackendHealth) -> (String, Role) {
    let seconds = backend.skew.map(|skew| skew.num_milliseconds() as f64 / 1e3);
    let said = seconds.map_or_else(|| "–".to_owned(), |seconds| format!("{seconds:+.1}s"));
    let role = match seconds {
        Some(seconds) if seconds.abs() > 2.0 => Role::StateStale,
        Some(_) | None => Role::TextMuted,
    };
    (said, role)
}

fn warnings<'a>(scene: Scene<'a>, sheet: &mut Sheet<'a>) {
    let model = scene.model;
    // What a backend's own line says above is not said again.
    let is_listed = |name: &str| {
        let mut health = model.health.iter();
        health.any(|h| *h.name == *name && matches!(Light::of(h, scene.now), Light::Out | Light::Stale))
    };
    let mut standing: Vec<(String, Role)> = Vec::new();
    if let Some(board) = model.alerts.shown() {
        let faults = board
            .pipeline
            .faults
            .iter()
            .filter(|fault| !matches!(fault, PipelineFault::SourceDown { source, .. } if is_listed(source)))
            .map(|fault| (format!("✗ {}", fault_words(scene, fault)), Role::StateFailed));
        standing.extend(faults);
        let errors = board
            .errors
            .iter()
            .filter(|e| !is_listed(&e.backend))
            .map(|e| (format!("✗ {}: {}", e.backend, e.message), Role::StateFailed));
        standing.extend(errors);
    }
    standing.extend(
        model
            .settings
            .warnings
            .iter()
            .map(|w| (format!("! {w}"), Role::StateStale)),
    );
    if let Some(board) = model.slo.board() {
        standing.extend(
            board
                .warnings
                .iter()
                .map(|w| (format!("! {w}"), Role::StateStale)),
        );
        let errors = board
            .errors
            .iter()
            .filter(|e| !is_listed(&e.backend))
            .map(|e| (format!("✗ {}: {}", e.backend, e.message), Role::StateFailed));
        standing.extend(errors);
    }
    if let Some(board) = model.alerts.shown() {
        let unknown = board.pipeline.unknown.iter();
        standing.extend(unknown.map(|u| (format!("not proven: {u}"), Role::TextMuted)));
    }
    sheet.heading("Standing warnings");
    if standing.is_empty() {
        sheet.prose("none", Role::TextMuted);
    }
    for (text, role) in standing {
        sheet.prose(&text, role);
    }
}
