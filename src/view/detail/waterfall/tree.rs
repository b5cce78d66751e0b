//! The left side of a line: where a span hangs, whose it is, what it does, how long it took.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Sight;
use super::head::grouped;
use crate::app::traces::Clocks;
use crate::app::traces::waterfall::rows::{self, Line};
use crate::app::traces::waterfall::{Narrowed, Sought};
use crate::domain::trace::{Row, Standing, Status};
use crate::text::{Cut, SafeText, fit_right};
use crate::theme::Role;
use crate::view::pane::logs::service_role;
use crate::view::pane::look;
use crate::view::pane::traces::took;
use crate::view::widget::{self, Look, Piece, put_pieces};

/// Cells of the duration, with the space before it and the mark of the path behind.
const TOOK: u16 = 10;
/// A tree this wide names the service of every span, a narrower one only where it changes.
const WIDE: u16 = 46;

/// How far lines are set in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Indent {
    /// Cells a level.
    step: u16,
    /// Depth that stands at the left edge.
    from: u32,
    /// Levels that there is room for.
    levels: u32,
}

impl Indent {
    /// For the lines in sight. Where they hang deeper than there is room for, the upper levels are left out.
    pub(super) fn of(sight: Sight, shown: &[Line], tree: u16) -> Self {
        let depth = |row: Row| sight.study.trace.span(row).depth;
        let root = sight.open.root().map_or(0, depth);
        let third = tree.saturating_sub(TOOK) / 3;
        let deepest = sight.study.deepest.saturating_sub(root);
        let step = if deepest * 2 <= u32::from(third) { 2 } else { 1 };
        let levels = u32::from(third / step).max(1);
        let most = shown.iter().map(|line| depth(line.row)).max().unwrap_or(root);
        Self {
            step,
            from: root.max(most.saturating_sub(levels)),
            levels,
        }
    }
}

/// What the columns are.
pub(super) fn columns(sight: Sight, buffer: &mut Buffer, area: Rect) {
    let scene = sight.scene;
    let name = Rect {
        width: area.width.saturating_sub(TOOK),
        ..area
    };
    let mut pieces = vec![Piece::word("  span", Role::TextMuted)];
    // Beside the ruler, for it is what that says which does not hold.
    if sight.open.clocks == Clocks::Sent && !sight.study.shifts.is_empty() {
        pieces.push(Piece::word(" · clocks differ", Role::StateStale));
    }
    scene.line(buffer, name, &pieces);
    let took = widget::after(area, area.width.saturating_sub(TOOK));
    scene.line(buffer, took, &[Piece::own(fit_right("took", 8), Role::TextMuted)]);
}

/// Draws the left side of the line with that index.
pub(super) fn draw(
    sight: Sight,
    buffer: &mut Buffer,
    area: Rect,
    (index, line): (usize, Line),
    indent: Indent,
) {
    let (scene, open, trace) = (sight.scene, sight.open, &sight.study.trace);
    let span = trace.span(line.row);
    let selected = line.row == open.cursor;
    let hits = open.sought.as_ref().map(Sought::hits);
    let is_hit = hits.is_some_and(|hits| hits.binary_search(&line.row).is_ok());
    let searched = hits.is_some_and(|hits| !hits.is_empty());
    let dimmed = searched && !is_hit;
    let look = look(selected, dimmed);
    let run = open.run_of(line);
    let subtree = run.map_or_else(|| trace.subtree(line.row), |run| run.rows.clone());
    // What is hidden as the members of a run is said there.
    let hides = open.folds.is_closed(line.row) || run.is_some() || open.narrowed == Narrowed::ToMatches;
    let in_sight = rows::place(&open.lines, Row(subtree.end.saturating_sub(1) as u32)) + 1 - index;
    let hidden = if hides {
        subtree.len() - in_sight.min(subtree.len())
    } else {
        0
    };
    let folded = run.is_some() || open.folds.is_closed(line.row);

    let mut pieces = vec![if selected {
        Piece::word("▌", Role::Accent)
    } else {
        Piece::word(" ", Role::Text)
    }];
    pieces.extend(guides(sight, line, indent));
    let service = service_role(span.service);
    let shape = match (folded, subtree.len() > 1) {
        (true, _) => "▸ ",
        (false, true) => "▾ ",
        (false, false) => "• ",
    };
    pieces.push(Piece::word(shape, service));
    let role = match span.status {
        Status::Error => Role::TraceError,
        Status::Unset | Status::Ok => Role::Text,
    };
    if span.status == Status::Error && run.is_none() {
        pieces.push(Piece::word("✗ ", Role::TraceError));
    }
    match span.standing {
        Standing::Orphan { .. } => pieces.push(Piece::word("⌁ ", Role::StateStale)),
        Standing::Cut { .. } => pieces.push(Piece::word("↻ ", Role::StateStale)),
        Standing::Root | Standing::Child => {}
    }
    let same = span
        .parent
        .is_some_and(|parent| trace.span(parent).service == span.service);
    if area.width >= WIDE || !same || open.root() == Some(line.row) {
        pieces.push(widget::remote(span.service, service));
        pieces.push(Piece::word(" ", Role::Text));
    }
    let operation = if span.operation.is_empty() {
        "(no name)"
    } else {
        span.operation
    };
    let begin = begin_of(operation);
    let role = if is_hit { Role::TextStrong } else { role };
    pieces.push(Piece::safe(SafeText::line(begin), role));
    let mut tail = Vec::new();
    if let Some(run) = run {
        tail.push(Piece::own(
            format!(" ×{}", grouped(run.count as usize)),
            Role::TextStrong,
        ));
    } else if hidden > 0 {
        tail.push(Piece::own(format!(" +{}", grouped(hidden)), Role::TextMuted));
    }
    let below =
        sight.study.failed_within(&subtree) - usize::from(span.status == Status::Error && run.is_none());
    if hidden > 0 && below > 0 {
        tail.push(Piece::own(format!(" ✗{}", grouped(below)), Role::TraceError));
    }
    let names = Rect {
        width: area.width.saturating_sub(TOOK),
        ..area
    };
    // What is hidden is said whatever the length of the name.
    let room = names.width.saturating_sub(widget::width_of(&tail) as u16);
    let used = put_pieces(
        buffer,
        Rect { width: room, ..names },
        scene.theme,
        &pieces,
        Cut::End,
        look,
    );
    put_pieces(
        buffer,
        widget::after(names, used),
        scene.theme,
        &tail,
        Cut::End,
        look,
    );
    figures(sight, buffer, widget::after(area, names.width), (line, look));
}

/// No cell shows more of a name than this.
const MOST_BYTES: usize = 512;

fn begin_of(name: &str) -> &str {
    let mut end = name.len().min(MOST_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.get(..end).unwrap_or_default()
}

/// How long it took, and whether it is on the path.
fn figures(sight: Sight, buffer: &mut Buffer, area: Rect, (line, look): (Line, Look)) {
    let time = match sight.open.run_of(line) {
        Some(run) => run.total,
        None => sight.time(line.row).duration(),
    };
    let failed = sight.study.trace.span(line.row).status == Status::Error;
    let role = if failed { Role::TraceError } else { Role::TextMuted };
    let mark = if is_on_path(sight, line) { "┃" } else { " " };
    let pieces = [
        Piece::own(format!("{} ", fit_right(&took(time), 8)), role),
        Piece::word(mark, Role::TraceCriticalPath),
    ];
    put_pieces(buffer, area, sight.scene.theme, &pieces, Cut::End, look);
}

fn is_on_path(sight: Sight, line: Line) -> bool {
    match sight.open.run_of(line) {
        Some(run) => !crate::app::traces::within(&sight.aspect.on_path, &run.rows).is_empty(),
        None => sight.aspect.is_on_path(line.row),
    }
}

/// Lines from above down to what hangs there.
fn guides(sight: Sight, line: Line, indent: Indent) -> Option<Piece<'static>> {
    let trace = &sight.study.trace;
    let root = sight.open.root();
    let depth = trace.span(line.row).depth;
    let levels = depth.saturating_sub(indent.from).min(indent.levels);
    if levels == 0 || root == Some(line.row) {
        return None;
    }
    let lines = &sight.open.lines;
    // Whether something is shown below that hangs on the same.
    let goes_on = |row: Row, end: usize| {
        let Some(parent) = trace.parent(row) else {
            return false;
        };
        let next = lines.partition_point(|line| line.row.index() < end);
        lines
            .get(next)
            .is_some_and(|line| line.row.index() < trace.subtree(parent).end)
    };
    let wide = indent.step == 2;
    let end = sight
        .open
        .run_of(line)
        .map_or_else(|| trace.subtree(line.row).end, |run| run.rows.end);
    let mut parts = vec![match (goes_on(line.row, end), wide) {
        (true, true) => "├╴",
        (true, false) => "├",
        (false, true) => "└╴",
        (false, false) => "└",
    }];
    for above in trace.ancestors(line.row).take(levels as usize - 1) {
        parts.push(match (goes_on(above, trace.subtree(above).end), wide) {
            (true, true) => "│ ",
            (true, false) => "│",
            (false, true) => "  ",
            (false, false) => " ",
        });
    }
    let mut text: String = parts.into_iter().rev().collect();
    if indent.from > root.map_or(0, |root| trace.span(root).depth) {
        // Levels above are out of sight.
        text = format!("…{}", text.chars().skip(1).collect::<String>());
    }
    Some(Piece::own(text, Role::TraceGuide))
}
