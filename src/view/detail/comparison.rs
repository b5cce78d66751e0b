//! A trace beside another: the same calls in one row, with the difference in time; what is new and what is gone.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::action::Action;
use crate::app::traces::comparison::{Aligned, Comparison, Listed};
use crate::app::traces::waterfall::Waterfall;
use crate::domain::trace::{Row, Trace, TraceId};
use crate::terminal::Focused;
use crate::text::{Cut, SafeText, cut};
use crate::theme::Role;
use crate::view::pane::logs::service_role;
use crate::view::pane::traces::took;
use crate::view::pane::{self, cells_of, message, position, skeleton, thumb};
use crate::view::widget::columns::{self, Align, Column, Width, column, flex};
use crate::view::widget::frame::{self, Frame};
use crate::view::widget::scrollbar::Extent;
use crate::view::widget::{self, Piece};
use crate::view::{Scene, figures, hints, layout};

/// Levels that are shown by their indent; deeper ones stand at its end, with their number.
const DEEPEST: u32 = 24;

const COLUMNS: [Column; 6] = [
    column("differs", Width::Fixed(9), Align::Right, 0),
    column("own time", Width::Fixed(9), Align::Right, 3),
    column("base", Width::Fixed(8), Align::Right, 2),
    column("other", Width::Fixed(8), Align::Right, 1),
    column("", Width::Fixed(1), Align::Left, 0),
    column("call", flex(16, 200, 1), Align::Left, 0),
];

/// Draws it.
pub(in crate::view) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect) {
    let model = scene.model;
    let open = model.traces.comparison.as_ref();
    let aligned = open.and_then(|open| open.aligned.as_deref());
    let shown = layout::comparison_rows(area);
    let total = open.map_or(0, |open| open.rows.len());
    let frame = Frame {
        count: aligned.map_or_else(Vec::new, counted),
        foot: open.map_or_else(Vec::new, |open| foot(scene, open, shown)),
        ..Frame::titled(SafeText::line("Comparison"), Focused::Gained)
    };
    let inside = frame::draw(buffer, area, scene.theme, &frame);
    let Some((open, aligned)) = open.zip(aligned) else {
        return awaited(scene, buffer, inside, open);
    };
    let lines = cells_of(inside);
    scene.line(
        buffer,
        widget::row(lines, 0),
        &head(scene, "base   ", &aligned.base.trace),
    );
    scene.line(
        buffer,
        widget::row(lines, 1),
        &head(scene, "other  ", &aligned.other.trace),
    );
    scene.line(buffer, widget::row(lines, 2), &verdict(aligned));
    let table = Rect {
        y: inside.y + layout::COMPARISON_HEAD.min(inside.height),
        height: inside.height.saturating_sub(layout::COMPARISON_HEAD),
        ..inside
    };
    let body = cells_of(table);
    let slots = columns::layout(&COLUMNS, body.width, 1);
    columns::draw_header(buffer, widget::row(body, 0), scene.theme, &COLUMNS, &slots);
    for (line, index) in (open.list.offset..total).take(shown).enumerate() {
        let whole = widget::row(table, line as u16 + layout::HEADER_ROWS);
        let selected = index == open.list.index;
        let cells = open
            .rows
            .get(index)
            .map(|pair| cells(aligned, *pair))
            .unwrap_or_default();
        let look = pane::look(selected, false);
        columns::draw_row(
            buffer,
            cells_of(whole),
            scene.theme,
            (&COLUMNS, &slots),
            &cells,
            look,
        );
        if selected {
            columns::draw_cursor(buffer, whole, scene.theme);
        }
    }
    let extent = Extent {
        first: open.list.offset,
        shown,
        total,
    };
    thumb(scene, buffer, area, extent, Focused::Gained);
}

/// What is waited for, or what could not be read.
fn awaited(scene: Scene, buffer: &mut Buffer, inside: Rect, open: Option<&Comparison>) {
    let back = hints::key(scene, Action::Back).unwrap_or_default();
    let Some(open) = open else {
        let head = ("The comparison was put away.", Role::Text);
        return message(scene, buffer, inside, head, &[format!("{back} goes back.")]);
    };
    let failed = |id: TraceId| scene.model.traces.opened(id).is_none_or(Waterfall::is_failed);
    match [open.base, open.other].into_iter().find(|id| failed(*id)) {
        Some(id) => {
            let head = format!("Trace {id} could not be read, so there is nothing to compare.");
            message(
                scene,
                buffer,
                inside,
                (&head, Role::StateFailed),
                &[format!("{back} goes back.")],
            );
        }
        None => skeleton(scene, buffer, inside),
    }
}

fn counted(aligned: &Aligned) -> Vec<Piece<'static>> {
    let text = format!(
        "{} calls · {} new · {} gone",
        aligned.pairs.len(),
        aligned.added,
        aligned.gone
    );
    vec![Piece::own(text, Role::TextMuted)]
}

/// Which calls are listed, the key for the others, and where among them the cursor is.
fn foot(scene: Scene, open: &Comparison, shown: usize) -> Vec<Piece<'static>> {
    let Some(aligned) = &open.aligned else {
        return Vec::new();
    };
    let key = hints::key(scene, Action::MatchesOnly).map(|key| format!("{key} "));
    let key = Piece::own(key.unwrap_or_default(), Role::Key);
    let hidden = aligned.pairs.len() - open.rows.len();
    let mut pieces = match open.listed {
        Listed::All => vec![key, Piece::word("only what differs", Role::TextMuted)],
        Listed::Differing => vec![
            Piece::own(
                format!("only what differs by 1 % or more, {hidden} alike hidden · "),
                Role::StateStale,
            ),
            key,
            Piece::word("all", Role::TextMuted),
        ],
    };
    let place = position(open.list.index, open.rows.len(), shown);
    if !place.is_empty() {
        pieces.push(Piece::word(" · ", Role::TextMuted));
        pieces.extend(place);
    }
    pieces
}

/// An id is told by its ends; the whole of it is a key away, in its trace.
const ID_CELLS: usize = 13;

fn head(scene: Scene, which: &'static str, trace: &Trace) -> Vec<Piece<'static>> {
    let (lasted, _) = trace.took();
    let root = trace.span(trace.primary());
    let at = figures::moment(trace.extent().from.utc(), scene.now.utc, scene.model.zone);
    vec![
        Piece::word(which, Role::TextMuted),
        Piece::own(format!("{}  ", took(lasted)), Role::TextStrong),
        named(root.service),
        Piece::word(" ", Role::Text),
        Piece::safe(SafeText::line(root.operation).into_owned(), Role::Text),
        Piece::own(
            format!(
                "  {} spans · {at} · {}",
                trace.len(),
                cut(&trace.id().to_string(), ID_CELLS, Cut::Middle)
            ),
            Role::TextMuted,
        ),
    ]
}

fn named(service: &str) -> Piece<'static> {
    Piece::safe(SafeText::line(service).into_owned(), service_role(service))
}

/// How the one differs from the other, and by which calls most.
fn verdict(aligned: &Aligned) -> Vec<Piece<'static>> {
    let lasts = |trace: &Trace| i64::try_from(trace.took().0.as_nanos()).unwrap_or(i64::MAX);
    let by = lasts(&aligned.other.trace).saturating_sub(lasts(&aligned.base.trace));
    let mut pieces = vec![Piece::word("       ", Role::Text), difference(by)];
    if aligned.is_of_two() {
        pieces.push(Piece::word("  ! a different operation", Role::StateStale));
    }
    let mut most = [
        ("  slowed most: ", aligned.slowed),
        ("  most added: ", aligned.most_added),
    ];
    let own = |index: Option<usize>| index.and_then(|index| aligned.own.get(index)).copied();
    most.sort_by_key(|(_, index)| std::cmp::Reverse(own(*index)));
    let gone = |index: usize| aligned.pairs.get(index).is_some_and(|pair| pair.right.is_none());
    let saved = aligned.sped_up.filter(|_| by < 0);
    let says = match saved {
        Some(index) if gone(index) => "  most gone: ",
        Some(_) | None => "  sped up most: ",
    };
    // Of one that is faster, first what made it so.
    for (says, index) in [(says, saved)].into_iter().chain(most) {
        let told = index.and_then(|index| side(aligned, index));
        let (Some((trace, row)), Some(own)) = (told, own(index)) else {
            continue;
        };
        let span = trace.span(row);
        pieces.push(Piece::word(says, Role::TextMuted));
        pieces.push(named(span.service));
        pieces.push(Piece::word(" ", Role::Text));
        pieces.push(Piece::safe(
            SafeText::line(span.operation).into_owned(),
            Role::Text,
        ));
        pieces.push(Piece::word(" ", Role::Text));
        pieces.push(difference(own));
    }
    pieces
}

/// The trace and row that a pair is told by: the other's where it has it.
fn side(aligned: &Aligned, index: usize) -> Option<(&Trace, Row)> {
    let pair = aligned.pairs.get(index)?;
    let other = pair.right.map(|row| (&*aligned.other.trace, row));
    other.or_else(|| pair.left.map(|row| (&*aligned.base.trace, row)))
}

fn difference(nanos: i64) -> Piece<'static> {
    let said = took(std::time::Duration::from_nanos(nanos.unsigned_abs()));
    match nanos {
        0 => Piece::word("=", Role::TextMuted),
        1.. => Piece::own(format!("+{said}"), Role::SeverityWarning),
        ..0 => Piece::own(format!("−{said}"), Role::StateOk),
    }
}

fn cells(aligned: &Aligned, index: usize) -> Vec<Vec<Piece<'static>>> {
    let (Some(pair), Some((trace, row))) = (aligned.pairs.get(index), side(aligned, index)) else {
        return Vec::new();
    };
    let span = trace.span(row);
    let lasted = |trace: &Trace, row: Option<Row>| match row {
        Some(row) => match trace.span(row).lasted() {
            Some(lasted) => Piece::own(took(lasted), Role::TextMuted),
            None => Piece::word("?", Role::StateStale),
        },
        None => Piece::word("–", Role::TextDim),
    };
    let (sign, differs) = match (pair.left, pair.right) {
        (None, _) => (
            Piece::word("+", Role::SeverityWarning),
            Piece::word("new", Role::SeverityWarning),
        ),
        (_, None) => (
            Piece::word("−", Role::StateOk),
            Piece::word("gone", Role::StateOk),
        ),
        (Some(_), Some(_)) => {
            let by = pair.difference(&aligned.base.trace, &aligned.other.trace);
            let differs = by.map_or_else(|| Piece::word("?", Role::StateStale), difference);
            (Piece::word(" ", Role::Text), differs)
        }
    };
    let indent = if pair.depth > DEEPEST {
        format!("{}{}› ", " ".repeat(DEEPEST as usize), pair.depth)
    } else {
        " ".repeat(pair.depth as usize)
    };
    let failed = span.status == crate::domain::trace::Status::Error;
    let role = if failed { Role::TraceError } else { Role::Text };
    let mut call = vec![Piece::own(indent, Role::TraceGuide)];
    // The base's name stands before the other's.
    if pair.is_of_two(&aligned.base.trace, &aligned.other.trace)
        && let Some(row) = pair.left
    {
        let base = aligned.base.trace.span(row);
        call.push(named(base.service));
        call.push(Piece::word(" ", Role::Text));
        call.push(Piece::safe(
            SafeText::line(base.operation).into_owned(),
            Role::Text,
        ));
        call.push(Piece::word(" → ", Role::StateStale));
        if base.service != span.service {
            call.push(named(span.service));
            call.push(Piece::word(" ", Role::Text));
        }
        call.push(Piece::word(if failed { "✗ " } else { "" }, Role::TraceError));
    } else {
        call.push(named(span.service));
        call.push(Piece::word(if failed { " ✗ " } else { " " }, Role::TraceError));
    }
    call.push(Piece::safe(SafeText::line(span.operation).into_owned(), role));
    vec![
        vec![differs],
        vec![difference(aligned.own.get(index).copied().unwrap_or(0))],
        vec![lasted(&aligned.base.trace, pair.left)],
        vec![lasted(&aligned.other.trace, pair.right)],
        vec![sign],
        call,
    ]
}
