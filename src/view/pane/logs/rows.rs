//! The rows of the log pane: the line under the cursor has the row that the model says; what fits above and below is
//! laid out around it. Only lines in sight are read from the store.

use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;

use chrono::NaiveDate;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::super::widget::{self, Piece, put_pieces};
use super::super::super::{Scene, hints, moment};
use super::super::{look, set_style};
use super::{clock, day, level_word, role_of, service_role, time};
use crate::action::Action;
use crate::app::Model;
use crate::app::logs::{LogPane, LogView, Past, Refetching, Times, Wrap, search_query};
use crate::domain::log::prefix::without;
use crate::domain::log::{Gap, GapReason, Level, fields};
use crate::logstore::query::Query;
use crate::logstore::{Entry, LineId};
use crate::text::{Cut, SafeText, fit, width};
use crate::theme::Role;

/// Bytes of a line that a list looks at: no screen shows more of one.
const MOST_BYTES: usize = 16 * 1024;
/// Rows of one wrapped line; the rest is in its detail, and the last row says so.
const MOST_ROWS: usize = 12;
/// Rows of a wrapped entry of several lines, a stack trace say: its last line is often the one that tells what is wrong.
const MOST_ROWS_OF_LINES: usize = 40;
/// Cells of the service's name.
const SERVICE: usize = 12;
/// Cells that columns leave to the message.
const MESSAGE: usize = 24;
/// Cells of a column made of a field.
const COLUMN: usize = 14;

/// One row of the pane.
enum Row<'a> {
    /// Lines are missing before the next one.
    Gap(&'a Gap),
    /// The next line is of another day than the one above it.
    Day(NaiveDate),
    /// Above the first line.
    Begin(&'a Past),
    /// A row of a line: its first, or one that continues it.
    Line {
        id: LineId,
        entry: Rc<Entry<'a>>,
        part: usize,
        shown: Shown,
    },
}

/// What of a line stands on a row.
#[derive(Default)]
struct Shown {
    text: String,
    /// What the text is a piece of, and where in it: hits may begin on one row and end on the next.
    whole: Rc<str>,
    at: usize,
    /// The other fields of a line that has some, behind its message.
    rest: String,
    /// Lines of the entry beyond the first, where only the first is shown.
    more: usize,
    /// What of a wrapped entry no row has; stands on a row of its own.
    left: Option<Left>,
    /// Stands before a text that does not begin where the line does.
    lead: &'static str,
}

/// What of a wrapped entry is in its detail alone.
#[derive(Clone, Copy)]
enum Left {
    /// The rest of its only line.
    Rest,
    /// So many lines, the last of them perhaps in part.
    Lines(usize),
}

/// A row and the place of the line that it belongs to.
struct Placed<'a> {
    place: usize,
    row: Row<'a>,
}

/// Draws the lines.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect, view: &LogView, focused: bool) {
    let search = scene.model.logs.search.as_ref();
    let sought = search.and_then(|search| search_query(&search.text).ok().flatten());
    let rows = laid_out(scene.model, view, area);
    let then = moment::line(scene, view);
    for (index, placed) in rows.iter().enumerate() {
        let row = widget::row(area, index as u16);
        draw_row(scene, buffer, row, (&placed.row, sought.as_ref()), focused);
        if matches!(&placed.row, Row::Line { id, part: 0, .. } if then == Some(*id)) {
            moment::mark(scene, buffer, row, 1);
        }
    }
}

/// What the columns hold, above them.
pub(super) fn draw_titles(scene: Scene, buffer: &mut Buffer, row: Rect) {
    let mut titles = vec![
        Piece::own(
            fit("  time", if row.width >= WITH_TIME { 15 } else { 11 }),
            Role::TextMuted,
        ),
        Piece::word("level ", Role::TextMuted),
    ];
    if has_service(scene.model, row.width) {
        titles.push(Piece::own(
            format!("{} ", fit("service", SERVICE)),
            Role::TextMuted,
        ));
    }
    let (shown, left) = columns(scene.model, row.width);
    for name in shown {
        let name = SafeText::line(name);
        titles.push(Piece::own(
            format!("{} ", fit(name.as_str(), COLUMN)),
            Role::TextStrong,
        ));
    }
    titles.push(Piece::word("message", Role::TextMuted));
    if left > 0 {
        titles.push(Piece::own(format!("  +{left} more"), Role::TextDim));
    }
    scene.line(buffer, row, &titles);
}

/// The place of the line that has a row of this area, and the row that it begins on.
pub(in crate::view) fn place_at(model: &Model, area: Rect, row: usize) -> Option<(usize, usize)> {
    let view = model.logs.drawn()?;
    let rows = laid_out(model, view, area);
    let place = rows.get(row)?.place;
    let begin = rows.iter().position(|placed| placed.place == place)?;
    Some((place, begin))
}

fn laid_out<'a>(model: &Model, view: &'a LogView, area: Rect) -> Vec<Placed<'a>> {
    let pane = &model.logs;
    let height = usize::from(area.height);
    let Some(last) = view.len().checked_sub(1).filter(|_| height > 0) else {
        return Vec::new();
    };
    let room = usize::from(area.width).saturating_sub(2 + prefix_width(model, area.width));
    let placed = |place: usize| {
        let rows = rows_of(model, view, place, (room, height)).into_iter();
        rows.map(move |row| Placed { place, row })
    };
    let place = pane.place.min(last);
    let own: Vec<Placed> = placed(place).collect();
    // The row that the model wants for the cursor's line, as long as all of the line fits.
    let own_shown = own.len().min(height);
    let mut begin = pane.row.min(height - own_shown);
    // What lies below may leave rows free: lines above have them rather than nobody.
    let mut below: Vec<Placed> = Vec::new();
    let mut at = place + 1;
    while own_shown + below.len() < height && at <= last {
        below.extend(placed(at));
        at += 1;
    }
    let filled = own_shown + below.len();
    let from_below = begin < height.saturating_sub(filled);
    if from_below {
        begin = height - filled;
    }
    let mut above: Vec<Placed> = Vec::new();
    let mut at = place;
    while above.len() < begin && at > 0 {
        at -= 1;
        above.splice(0..0, placed(at));
    }
    if above.len() < begin && at == 0 && !from_below {
        let row = Row::Begin(&view.past);
        above.insert(0, Placed { place: 0, row });
    }
    let cut_above = above.len().saturating_sub(begin);
    let mut rows: Vec<Placed> = above.into_iter().skip(cut_above).collect();
    rows.extend(own.into_iter().take(own_shown));
    rows.extend(below);
    rows.truncate(height);
    rows
}

/// The rows of the line at a place, the gap before it included: each of so many cells, and no more than the pane has.
fn rows_of<'a>(
    model: &Model,
    view: &'a LogView,
    place: usize,
    (room, height): (usize, usize),
) -> Vec<Row<'a>> {
    let Some((id, entry)) = view
        .id_at(place)
        .and_then(|id| Some((id, view.snapshot.entry(id)?)))
    else {
        return Vec::new();
    };
    let pane = &model.logs;
    let mut rows = Vec::new();
    rows.extend(view.gaps_before(place).map(Row::Gap));
    rows.extend(day_begun(model, view, place).map(Row::Day));
    let head = entry.text.get(..MOST_BYTES).unwrap_or(&entry.text);
    let text = String::from_utf8_lossy(head).into_owned();
    let entry = Rc::new(entry);
    let (text, rest) =
        said(&text).unwrap_or_else(|| (unprefixed(pane, &entry, &text).to_owned(), String::new()));
    let line = |part, shown| Row::Line {
        id,
        entry: Rc::clone(&entry),
        part,
        shown,
    };
    match pane.wrap {
        Wrap::Cut => {
            let mut lines = text.lines().filter(|line| !line.trim().is_empty());
            let text = SafeText::line(lines.next().unwrap_or_default()).into_string();
            let shown = Shown {
                whole: text.as_str().into(),
                at: 0,
                text,
                rest,
                more: lines.count(),
                ..Shown::default()
            };
            rows.push(line(0, shown));
        }
        Wrap::Wrapped => {
            let whole = if rest.is_empty() {
                text
            } else {
                format!("{text}  {rest}")
            };
            let most = height.saturating_sub(rows.len()).max(1);
            let parts = wrapped(&whole, room.max(8), most);
            rows.extend(
                parts
                    .into_iter()
                    .enumerate()
                    .map(|(part, shown)| line(part, shown)),
            );
        }
    }
    if place + 1 == view.len() {
        rows.extend(view.gaps_before(place + 1).map(Row::Gap));
    }
    rows
}

/// The day of a line, where the line above it is of another: rows tell the time of day alone.
fn day_begun(model: &Model, view: &LogView, place: usize) -> Option<NaiveDate> {
    let day_of = |place: usize| {
        let at = view.snapshot.entry(view.id_at(place)?)?.time()?;
        Some(day(at, model.zone))
    };
    let own = day_of(place)?;
    let above = day_of(place.checked_sub(1)?)?;
    (own != above).then_some(own)
}

/// The rows of a wrapped text, each of so many cells, `most` at most; where that is not all, the last one says so.
fn wrapped(text: &str, cells: usize, most: usize) -> Vec<Shown> {
    let count = text.lines().count();
    let most = most.min(if count > 1 { MOST_ROWS_OF_LINES } else { MOST_ROWS });
    let mut rows: Vec<Shown> = Vec::new();
    // The line that each row is of.
    let mut of = Vec::new();
    for (number, each) in SafeText::lines(text).enumerate() {
        let whole: Rc<str> = each.as_str().into();
        let mut at = 0;
        for text in pieces_of(&whole, cells, most) {
            let length = text.len();
            rows.push(Shown {
                whole: Rc::clone(&whole),
                at,
                text,
                ..Shown::default()
            });
            of.push(number);
            at += length;
        }
        if rows.len() > most {
            break;
        }
    }
    if rows.len() > most {
        rows.truncate(most.saturating_sub(1));
        let first = of.get(rows.len()).copied().unwrap_or_default();
        rows.push(Shown {
            left: Some(if count > 1 {
                Left::Lines(count - first)
            } else {
                Left::Rest
            }),
            ..Shown::default()
        });
    } else if rows.is_empty() {
        rows.push(Shown::default());
    }
    rows
}

/// A text without the time and the level that it begins with, where the row tells the same before it.
fn unprefixed<'a>(pane: &LogPane, entry: &Entry, text: &'a str) -> &'a str {
    let at = (pane.times == Times::Clock).then(|| entry.time()).flatten();
    without(text, at, entry.level)
}

/// What a person reads first of a line of JSON or logfmt: its message, then its other fields but those that stand
/// before every line. Nothing where all of the line is the message.
fn said(text: &str) -> Option<(String, String)> {
    let message = fields::message(text.as_bytes())?;
    let mut rest = String::new();
    for field in fields::fields(text.as_bytes(), b"") {
        if PREFIXED.contains(&&*field.name) || field.value == message {
            continue;
        }
        if !rest.is_empty() {
            rest.push(' ');
        }
        rest.push_str(SafeText::line(&field.name).as_str());
        rest.push('=');
        rest.push_str(SafeText::line(&field.value).as_str());
    }
    Some((message.into_owned(), rest))
}

/// Fields that a row tells in its own way.
const PREFIXED: [&str; 10] = [
    "time",
    "ts",
    "timestamp",
    "@timestamp",
    "level",
    "lvl",
    "severity",
    "service",
    "service.name",
    "service_name",
];

/// Cuts a text into rows, between words where the next one fits a row; nothing is lost, so that what is sought can be
/// marked where it lies. A blank at the end of a row hangs over. Ends with the first piece beyond `most`.
fn pieces_of(text: &str, cells: usize, most: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    loop {
        if width(rest) <= cells {
            pieces.push(rest.to_owned());
            return pieces;
        }
        let mut used = 0;
        let mut end = 0;
        // Behind the last blank on this row.
        let mut between = None;
        for (at, c) in rest.char_indices() {
            let wide = width(c.encode_utf8(&mut [0; 4]));
            if used + wide > cells && end > 0 {
                if c == ' ' {
                    between = Some(at + 1);
                }
                break;
            }
            used += wide;
            end = at + c.len_utf8();
            if c == ' ' {
                between = Some(end);
            }
        }
        if let Some(between) = between {
            let word = rest.get(between..).unwrap_or_default();
            let word = word.split(' ').next().unwrap_or_default();
            let indented = rest.get(..between).is_none_or(|begin| begin.trim().is_empty());
            // A word that needs more than a row of its own begins where it stands.
            if width(word) <= cells && !indented {
                end = between;
            }
        }
        let (piece, left) = rest.split_at(end);
        pieces.push(piece.to_owned());
        if pieces.len() > most {
            return pieces;
        }
        rest = left;
    }
}

/// Cells before the message: time, level, service, columns.
fn prefix_width(model: &Model, area: u16) -> usize {
    before_columns(model, area) + columns(model, area).0.len() * (COLUMN + 1)
}

fn before_columns(model: &Model, area: u16) -> usize {
    let service = if has_service(model, area) { SERVICE + 1 } else { 0 };
    let time = if area >= WITH_TIME { 13 } else { 9 };
    time + 6 + service
}

/// The columns that leave room for the message, one at least, and how many do not.
fn columns(model: &Model, area: u16) -> (&[String], usize) {
    let names = &model.logs.columns;
    let room = usize::from(area).saturating_sub(2 + before_columns(model, area) + MESSAGE);
    let shown = names.len().min((room / (COLUMN + 1)).max(1));
    (names.get(..shown).unwrap_or(names), names.len() - shown)
}

/// The name of the file that a line is of, where there are several.
fn file_of<'a>(model: &Model, entry: &'a Entry) -> Option<&'a str> {
    let files = model.logs.drawn().and_then(|view| view.files.as_deref());
    let path = entry
        .stream
        .label("file")
        .filter(|_| files.is_some_and(|all| all.files.len() > 1))?;
    path.rsplit('/').next()
}

/// Whether a line's service stands before it: where there is room, and it is not the same for all.
fn has_service(model: &Model, area: u16) -> bool {
    area >= WITH_SERVICE
        && (model.scope.service_of(crate::app::focus::PaneId::Logs).is_none()
            || model.trace_of_lines().is_some())
}

/// From this width on a line's service stands before it.
const WITH_SERVICE: u16 = 56;
/// From this width on times have milliseconds.
const WITH_TIME: u16 = 76;

fn draw_row(
    scene: Scene,
    buffer: &mut Buffer,
    row: Rect,
    (what, sought): (&Row, Option<&Query>),
    focused: bool,
) {
    match what {
        Row::Gap(gap) => {
            let (from, to) = (clock(scene, gap.from), clock(scene, gap.to));
            let (words, role) = match gap.reason {
                // it comes by itself
                GapReason::Reading => {
                    let second = |at: &str| at.chars().take(8).collect::<String>();
                    let words = format!("╌╌ {} to {} not read yet ", second(&from), second(&to));
                    (words, Role::StateBusy)
                }
                GapReason::Dropped(_)
                | GapReason::Disconnected
                | GapReason::LimitHit
                | GapReason::Partial
                | GapReason::Unread => {
                    let mend = mend(scene, gap);
                    let words = format!("╌╌ {} from {from} to {to} · {mend} ", gap.reason);
                    (words, Role::StateFailed)
                }
            };
            let dashes = "╌".repeat(usize::from(row.width).saturating_sub(2 + width(&words)));
            let pieces = [Piece::own(format!("  {words}{dashes}"), role)];
            scene.line(buffer, row, &pieces);
        }
        Row::Day(day) => {
            let words = format!("── {} ", day.format("%a %Y-%m-%d"));
            let rule = "─".repeat(usize::from(row.width).saturating_sub(2 + width(&words)));
            let pieces = [Piece::own(format!("  {words}{rule}"), Role::TextMuted)];
            scene.line(buffer, row, &pieces);
        }
        Row::Begin(past) => {
            let piece = match past {
                Past::Nothing { back_to } => {
                    let key = hints::key(scene, Action::LogRefetch).unwrap_or_default();
                    let back_to = back_to.utc().format("%Y-%m-%d");
                    let words = format!("  ── nothing older back to {back_to} · {key} looks further ──");
                    Piece::own(words, Role::TextMuted)
                }
                Past::Whole if has_let_go(scene.model) => {
                    Piece::word("  older lines were let go for want of room", Role::StateStale)
                }
                Past::Whole => Piece::word("  the first line", Role::TextMuted),
                Past::Full => Piece::word(
                    "  the store is full: a smaller scope or query reaches further back",
                    Role::StateStale,
                ),
                Past::Reading => Piece::word("  reading older lines…", Role::StateBusy),
                Past::Open => Piece::word("  older lines are read when you go on up", Role::TextMuted),
                Past::Failed(why) => Piece::own(
                    format!("  older lines could not be read: {}", SafeText::line(why)),
                    Role::StateFailed,
                ),
            };
            scene.line(buffer, row, &[piece]);
        }
        Row::Line {
            id,
            entry,
            part,
            shown,
        } => {
            let cut = sought.filter(|_| scene.model.logs.wrap == Wrap::Cut);
            let room = usize::from(row.width).saturating_sub(2 + prefix_width(scene.model, row.width));
            let moved = cut.and_then(|sought| moved_to_hit(entry, shown, (sought, room)));
            let shown = moved.as_ref().unwrap_or(shown);
            line(scene, buffer, row, (*id, entry.as_ref()), (*part, shown), focused);
            if let Some(sought) = sought {
                mark(scene, buffer, row, shown, sought);
            }
        }
    }
}

/// A row that is cut before its first hit, moved so that the hit is in sight; nothing where it is already, or is in what
/// no row tells.
fn moved_to_hit(entry: &Entry, shown: &Shown, (sought, room): (&Query, usize)) -> Option<Shown> {
    let first = |text: &str| {
        let spans = sought.spans(text.as_bytes());
        spans.into_iter().min_by_key(|span| span.start)
    };
    let cells = |text: &str, to: usize| text.get(..to).map_or(0, width);
    let cut = |text: &str, hit: usize| {
        let from = begin_before(text, hit);
        (from, text.get(from..).unwrap_or_default().to_owned())
    };
    if let Some(hit) = first(&shown.text) {
        if cells(&shown.text, hit.end) <= room {
            return None;
        }
        let (at, text) = cut(&shown.text, hit.start);
        return Some(Shown {
            text,
            whole: Rc::clone(&shown.whole),
            at,
            rest: shown.rest.clone(),
            more: shown.more,
            left: None,
            lead: "…",
        });
    }
    if let Some(hit) = first(&shown.rest) {
        if width(&shown.text) + 2 + cells(&shown.rest, hit.end) <= room {
            return None;
        }
        return Some(Shown {
            rest: cut(&shown.rest, hit.start).1,
            more: shown.more,
            lead: "…",
            ..Shown::default()
        });
    }
    if shown.more == 0 {
        return None;
    }
    let head = entry.text.get(..MOST_BYTES).unwrap_or(&entry.text);
    let text = String::from_utf8_lossy(head);
    let lines = text.lines().filter(|line| !line.trim().is_empty()).skip(1);
    let (line, hit) = lines
        .map(|line| SafeText::line(line.trim()).into_string())
        .find_map(|line| first(&line).map(|hit| (line, hit)))?;
    let (at, text) = if cells(&line, hit.end) + 2 > room {
        cut(&line, hit.start)
    } else {
        (0, line.clone())
    };
    Some(Shown {
        text,
        whole: line.into(),
        at,
        more: shown.more,
        lead: if at > 0 { "⏎ …" } else { "⏎ " },
        ..Shown::default()
    })
}

/// Where a text is begun with so that a hit has some words before it.
fn begin_before(text: &str, hit: usize) -> usize {
    /// Characters before a hit.
    const BEFORE: usize = 12;
    let before = text.get(..hit).unwrap_or_default();
    let begin = before.char_indices().rev().nth(BEFORE - 1);
    begin.map_or(0, |(at, _)| at)
}

/// Whether lines were let go: the first in hand is not the first there was.
fn has_let_go(model: &Model) -> bool {
    let view = model.logs.drawn();
    view.is_some_and(|view| view.snapshot.counts().evicted > 0)
}

/// What becomes of a gap.
fn mend(scene: Scene, gap: &Gap) -> String {
    let view = scene.model.logs.drawn();
    let key = hints::key(scene, Action::LogRefetch).unwrap_or_default();
    match view.and_then(|view| view.refetching.as_ref()) {
        Some(Refetching::Reading(read)) if read.to == gap.to => "being read…".to_owned(),
        Some(Refetching::Failed(read, why)) if read.to == gap.to => {
            format!("{}; {key} asks again", SafeText::line(why))
        }
        Some(Refetching::Reading(_) | Refetching::Failed(..)) | None => format!("{key} reads it"),
    }
}

/// Marks what is sought in what of a line stands on a row.
fn mark(scene: Scene, buffer: &mut Buffer, row: Rect, shown: &Shown, sought: &Query) {
    let row = widget::clip(buffer, row);
    let style = scene.theme.style(Role::Match);
    let begin = 2 + prefix_width(scene.model, row.width) + width(shown.lead);
    let rest = begin + width(&shown.text) + 2;
    let mut at = |text: &str, begin: usize, span: &Range<usize>| {
        let cells = |to: usize| text.get(..to).map_or(0, width);
        let (from, to) = (begin + cells(span.start), begin + cells(span.end));
        for x in from..to.min(row.width.into()) {
            set_style(buffer, row.x + x as u16, row.y, style);
        }
    };
    let end = shown.at + shown.text.len();
    for span in sought.spans(shown.whole.as_bytes()) {
        let (from, to) = (span.start.max(shown.at), span.end.min(end));
        if from < to {
            at(&shown.text, begin, &(from - shown.at..to - shown.at));
        }
    }
    for span in sought.spans(shown.rest.as_bytes()) {
        at(&shown.rest, rest, &span);
    }
}

fn line(
    scene: Scene,
    buffer: &mut Buffer,
    row: Rect,
    (id, entry): (LineId, &Entry),
    (part, shown): (usize, &Shown),
    focused: bool,
) {
    let pane = &scene.model.logs;
    let selected = focused && pane.cursor == Some(id);
    let marked = pane.bookmarks.contains(id);
    let mut pieces = vec![
        if selected {
            Piece::word("▌", Role::Accent)
        } else {
            Piece::word(" ", Role::Text)
        },
        if marked && part == 0 {
            Piece::word("◆", Role::Mark)
        } else {
            Piece::word(" ", Role::Text)
        },
    ];
    if part == 0 {
        pieces.extend(prefix(scene, row.width, entry));
    } else {
        pieces.push(Piece::own(
            " ".repeat(prefix_width(scene.model, row.width)),
            Role::Text,
        ));
    }
    let role = match entry.level {
        Level::Fatal | Level::Error | Level::Warn | Level::Info | Level::Unknown => Role::Text,
        Level::Debug | Level::Trace => Role::TextDim,
    };
    pieces.push(Piece::word(shown.lead, Role::TextMuted));
    // The blank that hangs over a row's end is not drawn.
    pieces.push(Piece::own(shown.text.trim_end().to_owned(), role));
    if !shown.rest.is_empty() {
        pieces.push(Piece::own(format!("  {}", shown.rest), Role::TextDim));
    }
    if shown.more > 0 {
        pieces.push(Piece::own(format!(" ⏎ {} more", shown.more), Role::TextMuted));
    }
    if let Some(left) = shown.left {
        let open = hints::key(scene, Action::Open).unwrap_or_default();
        let said = match left {
            Left::Rest => format!("… {open} shows all"),
            Left::Lines(lines) => format!("⏎ {lines} more · {open} shows all"),
        };
        pieces.push(Piece::own(said, Role::TextMuted));
    }
    put_pieces(buffer, row, scene.theme, &pieces, Cut::End, look(selected, false));
}

/// What stands before the message.
fn prefix(scene: Scene, area: u16, entry: &Entry) -> Vec<Piece<'static>> {
    let cells = if area >= WITH_TIME { 12 } else { 8 };
    let time = match entry.time() {
        Some(at) => time(scene, at, cells),
        None => format!("{:<cells$}", "--:--:--"),
    };
    let mut pieces = vec![
        Piece::own(format!("{time} "), Role::TextMuted),
        Piece::word(level_word(entry.level), role_of(entry.level)),
        Piece::word(" ", Role::Text),
    ];
    if has_service(scene.model, area) {
        let service = entry.service.or_else(|| file_of(scene.model, entry));
        let service = SafeText::line(service.unwrap_or_default());
        let role = service_role(service.as_str());
        pieces.push(Piece::own(format!("{} ", fit(service.as_str(), SERVICE)), role));
    }
    for name in columns(scene.model, area).0 {
        let label = || entry.stream.label(name).map(Cow::Borrowed);
        let value = fields::value(&entry.text, entry.extra, name).or_else(label);
        let value = SafeText::line(&value.unwrap_or_default()).into_string();
        pieces.push(Piece::own(format!("{} ", fit(&value, COLUMN)), Role::TextMuted));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::log::{Batch, Nanos};
    use crate::logstore::{Limits, Snapshot, Store};

    #[test]
    fn rows_end_between_words_and_long_words_are_broken() {
        assert_eq!(
            pieces_of("charge failed after three tries", 12, 40),
            ["charge ", "failed after ", "three tries"]
        );
        assert_eq!(
            pieces_of("id 0123456789abcdef end", 8, 40),
            ["id 01234", "56789abc", "def end"]
        );
        assert_eq!(
            pieces_of("    at com.example.Pay.charge", 12, 40),
            ["    at com.e", "xample.Pay.c", "harge"]
        );
        for text in ["", "one", "äöü ßß ñññññññ", "  two   three    four"] {
            assert_eq!(pieces_of(text, 4, 40).concat(), text, "nothing is lost");
        }
    }

    #[test]
    fn a_row_is_moved_to_a_hit_that_it_would_cut_off() {
        let long = format!("GET /cart {} refused by pay", "x".repeat(60));
        let text = format!("{long}\n  at a.b\n  at cart.Pay.charge");
        let snapshot = entry_of(Some(1), &text);
        let entry = snapshot.entry_at(0).unwrap();
        let shown = || Shown {
            whole: long.as_str().into(),
            text: long.clone(),
            rest: format!("path=/cart {} took=12ms", "y".repeat(60)),
            more: 2,
            ..Shown::default()
        };
        let moved = |what: &str| {
            let sought = search_query(what).unwrap().unwrap();
            moved_to_hit(&entry, &shown(), (&sought, 40))
        };
        assert!(moved("get").is_none(), "in sight");
        assert!(moved("nowhere").is_none());
        let hit = moved("refused").unwrap();
        assert_eq!((&*hit.text, hit.lead), ("xxxxxxxxxxx refused by pay", "…"));
        assert_eq!(&hit.whole[hit.at..], hit.text, "marked where it lies");
        let hit = moved("took").unwrap();
        assert_eq!((&*hit.rest, hit.lead), ("yyyyyyyyyyy took=12ms", "…"));
        let hit = moved("charge").unwrap();
        assert_eq!((&*hit.text, hit.lead), ("at cart.Pay.charge", "⏎ "));
    }

    #[test]
    fn a_wrapped_entry_that_is_cut_says_so_on_its_last_row() {
        let texts = |rows: &[Shown]| rows.iter().map(|row| row.text.clone()).collect::<Vec<_>>();
        let trace: Vec<String> = (1..=30).map(|n| format!("line {n}")).collect();
        let all = wrapped(&trace.join("\n"), 20, 40);
        assert_eq!(texts(&all), trace, "a trace of thirty lines is shown to its end");
        assert!(all.iter().all(|row| row.left.is_none()));

        let cut = wrapped(&trace.join("\n"), 20, 10);
        assert_eq!(cut.len(), 10, "no more than the pane has");
        assert_eq!(texts(&cut)[..9], trace[..9]);
        assert!(matches!(cut[9].left, Some(Left::Lines(21))));

        let long = "word ".repeat(100);
        let cut = wrapped(&long, 20, 40);
        assert_eq!(cut.len(), MOST_ROWS);
        assert!(matches!(cut[MOST_ROWS - 1].left, Some(Left::Rest)));
        let whole = wrapped(&"word ".repeat(4 * MOST_ROWS), 20, 40);
        assert_eq!(whole.len(), MOST_ROWS, "what just fits is whole");
        assert!(whole.iter().all(|row| row.left.is_none()));
        assert_eq!(wrapped("", 20, 40).len(), 1);
    }

    fn entry_of(at: Option<i64>, text: &str) -> Snapshot {
        let mut batch = Batch {
            streams: vec![std::sync::Arc::default()],
            ..Batch::default()
        };
        batch.push(at.map(Nanos), 0, Level::Unknown, text.as_bytes(), b"");
        let mut store = Store::new(Limits::default());
        store.ingest(&batch);
        store.snapshot()
    }

    #[test]
    fn what_the_row_says_before_the_text_is_not_said_again() {
        let at = Nanos::of("2026-11-21T08:10:03.1Z".parse().unwrap()).0;
        for (at, text, shown) in [
            (
                None,
                "2026-11-21T08:10:03.1Z ERROR charge failed",
                "charge failed",
            ),
            (Some(at), "[2026-11-21 08:10:03,123] [WARN] slow", "slow"),
            (Some(at), "2026-11-21 08:10:03 INFO: [main] up", "[main] up"),
            (Some(at), "ERROR charge failed", "charge failed"),
            (Some(at), "error while reading", "error while reading"),
            (
                Some(at),
                "2026-11-20 08:10:03 of another day",
                "2026-11-20 08:10:03 of another day",
            ),
            (None, "2026-11-21T08:10:03.1Z", "2026-11-21T08:10:03.1Z"),
            (None, "INFO", "INFO"),
            (Some(at), "ERROR", "ERROR"),
        ] {
            let snapshot = entry_of(at, text);
            let entry = snapshot.entry_at(0).unwrap();
            assert_eq!(unprefixed(&LogPane::default(), &entry, text), shown, "{text}");
            assert_eq!(&*entry.text, text.as_bytes(), "the entry keeps all of it");
        }
        let relative = LogPane {
            times: Times::Relative,
            ..LogPane::default()
        };
        let text = "2026-11-21T08:10:03.1Z ERROR x";
        let snapshot = entry_of(None, text);
        assert_eq!(unprefixed(&relative, &snapshot.entry_at(0).unwrap(), text), text);
    }
}
