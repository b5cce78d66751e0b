//! The correlation strip: burn, alerts, deploys, failing lines and failing traces on one shared axis of time.
//!
//! A row a signal, a column a stretch of time, shapes rather than colours; the chosen moment stands in all of them. What is
//! not known of a stretch is a dot, which is no "nothing". Colour is kept for what is bad: a burn over the line of a rule,
//! a count far over what is usual on the axis. Start at [`draw`].

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::widget::{self, Piece};
use super::{Scene, figures};
use crate::app::logs::Counted;
use crate::app::scope::{Scope, short};
use crate::app::strip::SHOWN;
use crate::app::traces::TraceList;
use crate::app::traces::list::is_failed;
use crate::app::update::{incident_concerns, lines_wanted, traces_wanted};
use crate::domain::alert::AlertBoard;
use crate::domain::log::{Level, Nanos, Volume};
use crate::domain::service_map::Caller;
use crate::domain::slo::{BurnRule, Severity, SloReport};
use crate::domain::timeline::{Event, EventKind};
use crate::domain::trace;
use crate::domain::trace::summary::Whole;
use crate::text::{SafeText, fit};
use crate::theme::{Glyphs, Role};
use crate::time::before;

/// Rows of the strip: the axis, and one a signal.
pub(in crate::view) const ROWS: u16 = 6;
/// Cells of a row's name.
const NAME: u16 = 9;
/// Deploys are asked for so far back.
const MARKS: TimeDelta = TimeDelta::minutes(90);
/// A burn that was measured is that of so long after, at most.
const HOLDS: TimeDelta = TimeDelta::minutes(5);

/// A cell of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Mark {
    sign: char,
    role: Role,
}

const NOTHING: Mark = Mark {
    sign: ' ',
    role: Role::Text,
};
const UNKNOWN: Mark = Mark {
    sign: '·',
    role: Role::TextDim,
};

/// The axis that all rows share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Axis {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    cells: usize,
}

impl Axis {
    /// The column of a moment, where it is on the axis.
    fn cell(&self, at: DateTime<Utc>) -> Option<usize> {
        if at < self.from || at > self.to || self.cells == 0 {
            return None;
        }
        let (since, all) = (at - self.from, self.to - self.from);
        let share = since.num_milliseconds() as f64 / all.num_milliseconds().max(1) as f64;
        Some(((share * self.cells as f64) as usize).min(self.cells - 1))
    }

    /// When a column ends.
    fn end(&self, cell: usize) -> DateTime<Utc> {
        let all = (self.to - self.from).num_milliseconds() as f64;
        let share = (cell + 1) as f64 / self.cells.max(1) as f64;
        self.from + TimeDelta::milliseconds((all * share) as i64)
    }
}

/// Draws the strip.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect) {
    if area.is_empty() {
        return;
    }
    buffer.set_style(area, scene.theme.style(Role::Text));
    let axis = axis(scene, area.width);
    let rows: [(&str, Vec<Mark>); 5] = [
        ("burn", burn(scene, axis)),
        ("alerts", alerts(scene, axis)),
        ("deploys", deploys(scene, axis)),
        ("errors", lines(scene, axis)),
        ("traces", traces(scene, axis)),
    ];
    let chosen = scene.model.moment.and_then(|moment| axis.cell(moment.at));
    ruler(scene, buffer, widget::row(area, 0), (axis, chosen));
    for (line, (name, marks)) in (1..area.height).zip(rows) {
        let row = widget::row(area, line);
        let mut pieces = vec![Piece::own(
            format!(" {}", fit(name, usize::from(NAME) - 1)),
            Role::TextMuted,
        )];
        pieces.extend(marks.iter().enumerate().map(|(cell, mark)| {
            let free = mark.sign == NOTHING.sign || mark.sign == UNKNOWN.sign;
            if chosen == Some(cell) && free {
                Piece::word("│", Role::Accent)
            } else {
                Piece::own(mark.sign.to_string(), mark.role)
            }
        }));
        scene.line(buffer, row, &pieces);
    }
}

/// The time that the scope is of, else the last hour.
fn axis(scene: Scene, width: u16) -> Axis {
    let now = scene.still.utc;
    let cells = usize::from(width.saturating_sub(NAME + 1));
    let (from, to) = match scene.model.scope.range() {
        Some(range) => (range.from, range.end(now)),
        None => (now - SHOWN, now),
    };
    Axis { from, to, cells }
}

/// From when to when, and where the chosen moment lies.
fn ruler(scene: Scene, buffer: &mut Buffer, row: Rect, (axis, chosen): (Axis, Option<usize>)) {
    let said = |at| figures::moment(at, scene.still.utc, scene.model.zone);
    let from = said(axis.from).trim_end_matches('Z').to_owned();
    let to = said(axis.to);
    let name = SafeText::line(&turned_to(scene.model.scope.current())).into_owned();
    scene.line(
        buffer,
        Rect {
            width: NAME - 2,
            ..widget::after(row, 1)
        },
        &[Piece::safe(name, Role::TextStrong)],
    );
    let plot = widget::after(row, NAME);
    let label = chosen.zip(scene.model.moment).map(|(cell, moment)| {
        let at = figures::moment_to_the_second(moment.at, scene.still.utc, scene.model.zone);
        let said = format!("▾ {at}");
        // Where it would leave the row, its name stands before it.
        let width = said.chars().count();
        if cell + width <= axis.cells {
            (cell, said)
        } else {
            ((cell + 1).saturating_sub(width), format!("{at} ▾"))
        }
    });
    // An end that the moment would cover in part is not said.
    let (start, end) = label.as_ref().map_or((axis.cells, 0), |(start, said)| {
        (*start, start + said.chars().count())
    });
    let from = if start > from.len() { from } else { String::new() };
    let to = if end + to.len() < axis.cells {
        to
    } else {
        String::new()
    };
    let gap = axis.cells.saturating_sub(from.len() + to.len() + 2);
    let rule = format!("{from} {} {to}", "─".repeat(gap));
    scene.line(buffer, plot, &[Piece::own(rule, Role::TextMuted)]);
    if let Some(said) = scene.model.scope.current().and_then(not_narrowed) {
        const LEAD: usize = 8;
        let room = Rect {
            width: start
                .min(axis.cells.saturating_sub(to.len() + 2))
                .saturating_sub(LEAD + 1) as u16,
            ..widget::after(plot, LEAD as u16)
        };
        scene.line(buffer, room, &[Piece::own(format!(" {said} "), Role::StateStale)]);
    }
    if let Some((start, said)) = label {
        let at = widget::after(plot, start as u16);
        scene.line(buffer, at, &[Piece::own(said, Role::Accent)]);
    }
}

/// What the panes are turned to, in a word: the service, else the environment or the trace. Not yet safe.
fn turned_to(scope: Option<&Scope>) -> String {
    let Some(scope) = scope else {
        return "all".to_owned();
    };
    if let Some(service) = &scope.service {
        return service.clone();
    }
    let labels: Vec<&str> = scope.labels.values().map(String::as_str).collect();
    match (labels.is_empty(), scope.trace) {
        (false, _) => labels.join(" "),
        (true, Some(trace)) => short(trace),
        (true, None) => "all".to_owned(),
    }
}

/// Which rows are of more than the panes are turned to, because their signals cannot be narrowed so; nothing where all
/// follow. Not yet safe.
fn not_narrowed(scope: &Scope) -> Option<String> {
    if scope.trace.is_some() {
        return Some("only errors are of the trace".to_owned());
    }
    let labels: Vec<&str> = scope.labels.keys().map(String::as_str).collect();
    (!labels.is_empty()).then(|| format!("burn, deploys, traces: any {}", labels.join(", ")))
}

/// How fast the worst of the SLOs burns: a full column is at or over its paging line.
fn burn(scene: Scene, axis: Axis) -> Vec<Mark> {
    let board = scene.model.slo.board();
    let selector = scene.model.selector(Caller::Slos);
    let reports: Vec<_> = board
        .into_iter()
        .flat_map(|board| &board.slos)
        .filter(|report| selector.selects_service(&report.slo.service))
        .collect();
    let column = |cell: usize| {
        let end = axis.end(cell);
        let burns = reports.iter().filter_map(|report| heat(report, end));
        let Some(worst) = burns.max_by(|a, b| a.share.total_cmp(&b.share)) else {
            return UNKNOWN;
        };
        Mark {
            sign: level(worst.share, 1.0, scene.theme.glyphs),
            role: worst.role,
        }
    };
    (0..axis.cells).map(column).collect()
}

/// How fast an SLO burned.
struct Heat {
    /// Of its paging line.
    share: f64,
    /// By the highest line that it is over.
    role: Role,
}

/// How fast an SLO burned at a moment, where that was measured.
fn heat(report: &SloReport, at: DateTime<Utc>) -> Option<Heat> {
    /// The fastest of the usual rules: how high a column is where an SLO pages nobody.
    const PAGE: f64 = 14.4;
    let point = report
        .spark_at
        .partition_point(|point| *point <= at)
        .checked_sub(1)?;
    let measured = at - *report.spark_at.get(point)? <= HOLDS;
    let burn = *report
        .spark
        .get(point)
        .filter(|burn| measured && !burn.is_nan())?;
    Some(Heat {
        share: burn / line(&report.slo.rules, Severity::Page).unwrap_or(PAGE),
        role: burning(&report.slo.rules, burn),
    })
}

/// The lowest factor of the rules of a severity.
fn line(rules: &[BurnRule], severity: Severity) -> Option<f64> {
    let rules = rules.iter().filter(|rule| rule.severity == severity);
    rules.map(|rule| rule.factor).reduce(f64::min)
}

/// The role of a burn: that of the highest line of the SLO's own rules that it is over.
fn burning(rules: &[BurnRule], burn: f64) -> Role {
    let is_over = |severity| line(rules, severity).is_some_and(|line| burn >= line);
    if is_over(Severity::Page) {
        Role::SloPage
    } else if is_over(Severity::Ticket) {
        Role::SloTicket
    } else if burn >= 1.0 {
        Role::Chart
    } else {
        Role::TextDim
    }
}

/// A column as high as its share of what is full.
fn level(value: f64, full: f64, glyphs: Glyphs) -> char {
    const UNICODE: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const ASCII: [char; 8] = ['_', '.', ':', '-', '=', '+', '*', '#'];
    let steps = match glyphs {
        Glyphs::Unicode => UNICODE,
        Glyphs::Ascii => ASCII,
    };
    let share = (value / full).clamp(0.0, 1.0) * 7.0;
    steps[(share as usize).min(7)]
}

/// When alerts began to fire and when they resolved.
fn alerts(scene: Scene, axis: Axis) -> Vec<Mark> {
    let mut fired = vec![0_u32; axis.cells];
    let mut over = vec![0_u32; axis.cells];
    let count = |cells: &mut Vec<u32>, at: DateTime<Utc>| {
        if let Some(cell) = axis.cell(at).and_then(|cell| cells.get_mut(cell)) {
            *cell += 1;
        }
    };
    let model = scene.model;
    let board = model.alerts.shown();
    let selector = model.selector(Caller::Alerts);
    for alert in board.into_iter().flat_map(|board| board.by_fingerprint.values()) {
        if selector.selects(alert) {
            count(&mut fired, alert.occurrence.starts_at);
            if let Some(ended) = alert.ended_at {
                count(&mut over, ended);
            }
        }
    }
    for event in story(scene) {
        match event.kind {
            EventKind::AlertFired => count(&mut fired, event.at),
            EventKind::AlertResolved | EventKind::AlertGone => count(&mut over, event.at),
            EventKind::BurnStarted
            | EventKind::BurnStopped
            | EventKind::Triggered
            | EventKind::Acknowledged
            | EventKind::Unacknowledged
            | EventKind::Assigned
            | EventKind::Escalated
            | EventKind::Note
            | EventKind::StatusUpdate
            | EventKind::Deploy
            | EventKind::Command
            | EventKind::Silence
            | EventKind::Resolved
            | EventKind::Other => {}
        }
    }
    // Where no backend ever answered, nothing is known of anything; and what was over before the console was opened,
    // nobody tells.
    let answered = |board: &Arc<AlertBoard>| board.sources.iter().any(|source| source.age.is_some());
    let heard = board.is_some_and(answered);
    let is_known = |cell| heard && axis.end(cell) >= model.opened;
    let mark = |(cell, (fired, over)): (usize, (u32, u32))| match (fired > 0, over > 0) {
        (true, true) => sign('◆', Role::SeverityWarning),
        (true, false) => sign('▲', Role::SeverityCritical),
        (false, true) => sign('▼', Role::StateOk),
        (false, false) if is_known(cell) => NOTHING,
        (false, false) => UNKNOWN,
    };
    fired.into_iter().zip(over).enumerate().map(mark).collect()
}

fn sign(sign: char, role: Role) -> Mark {
    Mark { sign, role }
}

/// Events of the followed incident, where it is one of what the panes are turned to.
fn story(scene: Scene<'_>) -> impl Iterator<Item = &Event> + use<'_> {
    let pane = &scene.model.incidents;
    let followed = pane.followed.as_ref().and_then(|id| pane.incident(id));
    let is_of_it = match (scene.model.scope.current(), followed) {
        (None, _) => true,
        (Some(scope), Some(incident)) => incident_concerns(scene.model, scope, incident),
        (Some(_), None) => false,
    };
    let told = pane.timeline.value().filter(|_| is_of_it);
    told.into_iter().flat_map(|story| &story.events)
}

/// Deploys and other marks.
fn deploys(scene: Scene, axis: Axis) -> Vec<Mark> {
    let model = scene.model;
    let marks = model.slo.marks.value();
    let now = scene.still.utc;
    let is_told = |cell| marks.is_some() && (now - MARKS..=now).contains(&axis.end(cell));
    let blank = |cell| if is_told(cell) { NOTHING } else { UNKNOWN };
    let mut cells: Vec<Mark> = (0..axis.cells).map(blank).collect();
    let told = marks.into_iter().flat_map(|marks| &marks.annotations);
    let wanted = model.scope.service();
    let told = told.filter(|mark| wanted.is_none_or(|wanted| mark.concerns(wanted)));
    let deploys = story(scene).filter(|event| event.kind == EventKind::Deploy);
    for at in told.map(|mark| mark.at).chain(deploys.map(|event| event.at)) {
        if let Some(cell) = axis.cell(at).and_then(|cell| cells.get_mut(cell)) {
            *cell = sign('◆', Role::SeverityInfo);
        }
    }
    cells
}

/// Lines that tell errors: as the source counted them for the axis, else and since then those in hand, where these are
/// all that there are.
fn lines(scene: Scene, axis: Axis) -> Vec<Mark> {
    let mut counts = vec![None; axis.cells];
    if let Some(counted) = &scene.model.strip_facts.lines {
        count_errors(&mut counts, axis, &counted.volume);
        known_within(&mut counts, axis, (counted.from, counted.to));
    }
    if let Some(volume) = lines_in_hand(scene)
        && let Some(first) = volume.from
    {
        let mut in_hand = vec![None; axis.cells];
        count_errors(&mut in_hand, axis, volume);
        let buckets = i64::try_from(volume.buckets.len()).unwrap_or(i64::MAX);
        let end = Nanos(first.0.saturating_add(volume.step.saturating_mul(buckets)));
        known_within(&mut in_hand, axis, (first.utc(), end.utc()));
        fill(&mut counts, in_hand);
    }
    bars(&counts, scene.theme.glyphs)
}

/// What the log pane counted, unless it is of a part only: of something else than the strip, narrowed or filtered.
fn lines_in_hand(scene: Scene<'_>) -> Option<&Volume> {
    let view = scene.model.logs.drawn()?;
    let unfiltered = view.counted != Counted::Shown || view.ask.filter.trim().is_empty();
    let whole = view.ask.wanted == lines_wanted(scene.model) && unfiltered;
    whole.then_some(&*view.volume)
}

fn count_errors(counts: &mut [Option<u64>], axis: Axis, volume: &Volume) {
    let Some(first) = volume.from else {
        return;
    };
    let begins = (0_i64..).map(|at| first.0.saturating_add(volume.step.saturating_mul(at)));
    for (at, bucket) in begins.zip(&volume.buckets) {
        let errors: u64 = Level::ALL
            .into_iter()
            .filter(|level| *level >= Level::Error)
            .filter_map(|level| bucket.get(level as usize))
            .sum();
        if let Some(cell) = axis.cell(Nanos(at).utc()).and_then(|cell| counts.get_mut(cell)) {
            *cell = Some(cell.unwrap_or(0) + errors);
        }
    }
}

/// What one source does not know, another may.
fn fill(counts: &mut [Option<u64>], others: Vec<Option<u64>>) {
    for (count, other) in counts.iter_mut().zip(others) {
        *count = count.or(other);
    }
}

/// What lies between two moments and has no count has none to count.
fn known_within(counts: &mut [Option<u64>], axis: Axis, (from, to): (DateTime<Utc>, DateTime<Utc>)) {
    for (cell, count) in counts.iter_mut().enumerate() {
        let end = axis.end(cell);
        if end >= from && end <= to {
            count.get_or_insert(0);
        }
    }
}

/// Traces that failed: as they were searched for over the axis, else and since then those that are listed, where these
/// are all that there are.
fn traces(scene: Scene, axis: Axis) -> Vec<Mark> {
    let mut counts = vec![None; axis.cells];
    if let Some(failures) = &scene.model.strip_facts.traces {
        count_each(&mut counts, axis, failures.at.iter().copied());
        for known in &failures.known {
            known_within(&mut counts, axis, *known);
        }
    }
    if let Some(list) = traces_in_hand(scene) {
        let until = list.ask.until.unwrap_or(scene.still.utc);
        // Of the newest only, nothing is known from before the oldest of them on.
        let oldest = list.traces.iter().map(|trace| trace.start.utc()).min();
        let from = match list.whole {
            Whole::Yes => before(until, list.ask.back),
            Whole::No => oldest.unwrap_or(until),
        };
        let mut in_hand = vec![None; axis.cells];
        let failed = TraceList::all(list).filter(|trace| is_failed(trace));
        count_each(&mut in_hand, axis, failed.map(|trace| trace.start.utc()));
        known_within(&mut in_hand, axis, (from, until));
        fill(&mut counts, in_hand);
    }
    bars(&counts, scene.theme.glyphs)
}

/// What the trace pane lists, unless it is of a part only. One that lists failed ones alone knows all of those.
fn traces_in_hand(scene: Scene<'_>) -> Option<&TraceList> {
    let list = scene.model.traces.drawn()?;
    let wanted = trace::Wanted {
        outcome: list.ask.wanted.outcome,
        ..traces_wanted(scene.model)
    };
    (list.ask.wanted == wanted).then_some(list)
}

fn count_each(counts: &mut [Option<u64>], axis: Axis, all: impl Iterator<Item = DateTime<Utc>>) {
    for at in all {
        if let Some(cell) = axis.cell(at).and_then(|cell| counts.get_mut(cell)) {
            *cell = Some(cell.unwrap_or(0) + 1);
        }
    }
}

/// Counts as columns, the highest of them full; those far over what is usual stand out.
fn bars(counts: &[Option<u64>], glyphs: Glyphs) -> Vec<Mark> {
    let most = counts.iter().flatten().max().copied().unwrap_or(0).max(1);
    let many = many(counts);
    let mark = |count: &Option<u64>| match count {
        None => UNKNOWN,
        Some(0) => NOTHING,
        Some(count) => Mark {
            sign: level(*count as f64, most as f64, glyphs),
            role: if *count > many {
                Role::SeverityWarning
            } else {
                Role::TextDim
            },
        },
    };
    counts.iter().map(mark).collect()
}

/// The most that a column has by chance, where a quarter of them have what is usual or less: trouble may last for most of
/// the axis. Three standard deviations of a Poisson process.
fn many(counts: &[Option<u64>]) -> u64 {
    let mut known: Vec<u64> = counts.iter().flatten().copied().collect();
    known.sort_unstable();
    let usual = known.get(known.len() / 4).copied().unwrap_or(0);
    usual + (3.0 * (usual.max(1) as f64).sqrt()) as u64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::slo::{RuleOrigin, Window, workbook_rules};

    fn axis() -> Axis {
        let from = DateTime::UNIX_EPOCH;
        Axis {
            from,
            to: from + TimeDelta::minutes(60),
            cells: 60,
        }
    }

    #[test]
    fn a_moment_has_one_column_and_none_off_the_axis() {
        let axis = axis();
        let minute = |minutes| axis.from + TimeDelta::minutes(minutes);
        assert_eq!(axis.cell(minute(0)), Some(0));
        assert_eq!(axis.cell(minute(30)), Some(30));
        assert_eq!(axis.cell(minute(60)), Some(59), "the end belongs to the last");
        assert_eq!(axis.cell(minute(61)), None);
        assert_eq!(axis.cell(minute(-1)), None);
        assert_eq!(axis.end(0), minute(1));
        let none = Axis { cells: 0, ..axis };
        assert_eq!(none.cell(minute(0)), None);
        let still = Axis {
            to: axis.from,
            ..axis
        };
        assert_eq!(still.cell(axis.from), Some(0));
    }

    #[test]
    fn unknown_is_not_nothing_and_one_is_seen() {
        let signs = |glyphs| -> String {
            let marks = bars(&[None, Some(0), Some(1), Some(70)], glyphs);
            marks.iter().map(|mark| mark.sign).collect()
        };
        assert_eq!(signs(Glyphs::Unicode), "· ▁█");
        assert_eq!(signs(Glyphs::Ascii), "· _#");
    }

    #[test]
    fn a_count_stands_out_only_far_over_the_usual() {
        let roles = |counts: &[u64]| -> Vec<bool> {
            let counts: Vec<_> = counts.iter().copied().map(Some).collect();
            let marks = bars(&counts, Glyphs::Unicode);
            marks
                .iter()
                .map(|mark| mark.role == Role::SeverityWarning)
                .collect()
        };
        // A usual 9 in a column: 9 + 3 times the root of 9 is 18.
        assert_eq!(roles(&[9, 9, 18, 19]), [false, false, false, true]);
        assert_eq!(roles(&[0, 0, 0, 3, 4]), [false, false, false, false, true]);
        assert_eq!(roles(&[1, 50, 50, 50, 50]), [false; 5], "all alike");
    }

    #[test]
    fn a_burn_pages_only_where_a_rule_of_the_slo_does() {
        let rules = workbook_rules(&Window::of(Duration::from_secs(30 * 86_400)), RuleOrigin::Default);
        assert_eq!(burning(&rules, 15.0), Role::SloPage);
        let tickets: Vec<_> = rules
            .into_iter()
            .filter(|rule| rule.severity == Severity::Ticket)
            .collect();
        assert_eq!(burning(&tickets, 15.0), Role::SloTicket);
        assert_eq!(burning(&[], 15.0), Role::Chart);
        assert_eq!(burning(&[], 0.5), Role::TextDim);
    }

    #[test]
    fn rows_that_cannot_follow_the_scope_are_named() {
        let mut scope = Scope::of_service("checkout");
        assert_eq!((turned_to(None), not_narrowed(&scope)), ("all".to_owned(), None));
        scope.labels.insert("env".to_owned(), "prod".to_owned());
        assert_eq!(
            not_narrowed(&scope).as_deref(),
            Some("burn, deploys, traces: any env")
        );
        scope.service = None;
        assert_eq!(turned_to(Some(&scope)), "prod");
        scope.trace = "7f3a9c0d11e24b6f8a5501c2d3e4f506".parse().ok();
        assert_eq!(
            not_narrowed(&scope).as_deref(),
            Some("only errors are of the trace")
        );
    }

    #[test]
    fn what_was_counted_is_known_between_its_ends_alone() {
        let axis = axis();
        let mut counts = vec![None; 60];
        let from = axis.from;
        known_within(
            &mut counts,
            axis,
            (from + TimeDelta::minutes(10), from + TimeDelta::minutes(20)),
        );
        assert_eq!(counts.iter().flatten().count(), 11);
        assert_eq!((counts.first(), counts.get(15)), (Some(&None), Some(&Some(0))));
    }
}
