//! The rows of the log pane: the line under the cursor has the row that the model says; what fits above and below is
//! laid out around it. Only lines in sight are read from the store.

use std::ops::Range;
use std::rc::Rc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::super::widget::{self, Piece, put_pieces};
use super::super::super::{Scene, hints};
use super::super::{look, set_style};
use super::{clock, level_word, role_of, service_role, time};
use crate::action::Action;
use crate::app::Model;
use crate::app::logs::{LogView, Past, Refetching, Wrap, search_query};
use crate::domain::log::{Gap, Level, Nanos, fields};
use crate::logstore::query::Query;
use crate::logstore::{Entry, LineId, Told};
use crate::text::{Cut, SafeText, fit, width};
use crate::theme::Role;

/// Bytes of a line that a list looks at: no screen shows more of one.
const MOST_BYTES: usize = 16 * 1024;
/// Rows of one wrapped line; the rest is in its detail.
const MOST_ROWS: usize = 12;
/// Cells of the service's name.
const SERVICE: usize = 12;
/// Cells of a column made of a field.
const COLUMN: usize = 14;

/// One row of the pane.
enum Row<'a> {
    /// Lines are missing before the next one.
    Gap(&'a Gap),
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
    for (index, placed) in rows.iter().enumerate() {
        let row = widget::row(area, index as u16);
        draw_row(scene, buffer, row, (&placed.row, sought.as_ref()), focused);
    }
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
        let rows = rows_of(pane.wrap, view, place, room).into_iter();
        rows.map(move |row| Placed { place, row })
    };
    let place = pane.place.min(last);
    let own: Vec<Placed> = placed(place).collect();
    // The row that the model wants for the cursor's line, as long as all of the line fits.
    let own_shown = own.len().min(height);
    let begin = pane.row.min(height - own_shown);
    let mut above: Vec<Placed> = Vec::new();
    let mut at = place;
    while above.len() < begin && at > 0 {
        at -= 1;
        above.splice(0..0, placed(at));
    }
    if above.len() < begin && at == 0 {
        let row = Row::Begin(&view.past);
        above.insert(0, Placed { place: 0, row });
    }
    let cut_above = above.len().saturating_sub(begin);
    let mut rows: Vec<Placed> = above.into_iter().skip(cut_above).collect();
    rows.extend(own.into_iter().take(own_shown));
    let mut at = place + 1;
    while rows.len() < height && at <= last {
        rows.extend(placed(at));
        at += 1;
    }
    rows.truncate(height);
    rows
}

/// The rows of the line at a place, the gap before it included.
fn rows_of(wrap: Wrap, view: &LogView, place: usize, room: usize) -> Vec<Row<'_>> {
    let Some((id, entry)) = view
        .id_at(place)
        .and_then(|id| Some((id, view.snapshot.entry(id)?)))
    else {
        return Vec::new();
    };
    let mut rows = Vec::new();
    rows.extend(view.gaps_before(place).map(Row::Gap));
    let head = entry.text.get(..MOST_BYTES).unwrap_or(&entry.text);
    let text = String::from_utf8_lossy(head).into_owned();
    let entry = Rc::new(entry);
    let (text, rest) = said(&text).unwrap_or((text, String::new()));
    let line = |part, shown| Row::Line {
        id,
        entry: Rc::clone(&entry),
        part,
        shown,
    };
    match wrap {
        Wrap::Cut => {
            let mut lines = text.lines().filter(|line| !line.trim().is_empty());
            let text = SafeText::line(lines.next().unwrap_or_default()).into_string();
            let shown = Shown {
                whole: text.as_str().into(),
                at: 0,
                text,
                rest,
                more: lines.count(),
            };
            rows.push(line(0, shown));
        }
        Wrap::Wrapped => {
            let mut part = 0;
            let whole = if rest.is_empty() {
                text
            } else {
                format!("{text}  {rest}")
            };
            'all: for each in SafeText::lines(&whole) {
                let whole: Rc<str> = each.as_str().into();
                let mut at = 0;
                for text in pieces_of(&whole, room.max(8)) {
                    let length = text.len();
                    let shown = Shown {
                        whole: Rc::clone(&whole),
                        at,
                        text,
                        rest: String::new(),
                        more: 0,
                    };
                    rows.push(line(part, shown));
                    at += length;
                    part += 1;
                    if part == MOST_ROWS {
                        break 'all;
                    }
                }
            }
            if part == 0 {
                rows.push(line(0, Shown::default()));
            }
        }
    }
    rows
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

/// Cuts a text into rows; nothing is lost and no word is looked for: a log line is no prose.
fn pieces_of(text: &str, cells: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    loop {
        if width(rest) <= cells {
            pieces.push(rest.to_owned());
            return pieces;
        }
        let mut used = 0;
        let mut end = 0;
        for (at, c) in rest.char_indices() {
            let wide = width(c.encode_utf8(&mut [0; 4]));
            if used + wide > cells && end > 0 {
                break;
            }
            used += wide;
            end = at + c.len_utf8();
        }
        let (piece, left) = rest.split_at(end);
        pieces.push(piece.to_owned());
        if pieces.len() > MOST_ROWS {
            return pieces;
        }
        rest = left;
    }
}

/// Cells before the message: time, level, service, columns.
fn prefix_width(model: &Model, area: u16) -> usize {
    let pane = &model.logs;
    let service = if has_service(model, area) { SERVICE + 1 } else { 0 };
    let time = if area >= WITH_TIME { 13 } else { 9 };
    time + 6 + service + pane.columns.len() * (COLUMN + 1)
}

/// Whether a line's service stands before it: where there is room, and it is not the same for all.
fn has_service(model: &Model, area: u16) -> bool {
    area >= WITH_SERVICE && (model.scope.service().is_none() || model.logs.trace.is_some())
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
            let words = format!(
                "╌╌ {} from {} to {} · {} ",
                gap.reason,
                clock(scene, gap.from),
                clock(scene, gap.to),
                mend(scene, gap)
            );
            let rule = "╌".repeat(usize::from(row.width).saturating_sub(2 + width(&words)));
            let pieces = [Piece::own(format!("  {words}{rule}"), Role::StateFailed)];
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
            line(scene, buffer, row, (*id, entry.as_ref()), (*part, shown), focused);
            if let Some(sought) = sought {
                mark(scene, buffer, row, shown, sought);
            }
        }
    }
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
    let begin = 2 + prefix_width(scene.model, row.width);
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
    let marked = pane.bookmarks.contains(&id);
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
    pieces.push(Piece::own(shown.text.clone(), role));
    if !shown.rest.is_empty() {
        pieces.push(Piece::own(format!("  {}", shown.rest), Role::TextDim));
    }
    if shown.more > 0 {
        pieces.push(Piece::own(format!(" ⏎ {} more", shown.more), Role::TextMuted));
    }
    put_pieces(buffer, row, scene.theme, &pieces, Cut::End, look(selected, false));
}

/// What stands before the message.
fn prefix(scene: Scene, area: u16, entry: &Entry) -> Vec<Piece<'static>> {
    let cells = if area >= WITH_TIME { 12 } else { 8 };
    // in a stream that never told a time, lines are kept at none: midnight would be a lie
    let time = if (entry.told, entry.at) == (Told::Nobody, Nanos(0)) {
        " ".repeat(cells)
    } else {
        time(scene, entry.at, cells)
    };
    let mut pieces = vec![
        Piece::own(format!("{time} "), Role::TextMuted),
        Piece::word(level_word(entry.level), role_of(entry.level)),
        Piece::word(" ", Role::Text),
    ];
    if has_service(scene.model, area) {
        let service = SafeText::line(entry.service.unwrap_or_default());
        let role = service_role(service.as_str());
        pieces.push(Piece::own(format!("{} ", fit(service.as_str(), SERVICE)), role));
    }
    for name in &scene.model.logs.columns {
        let value = fields::value(&entry.text, entry.extra, name).unwrap_or_default();
        let value = SafeText::line(&value).into_string();
        pieces.push(Piece::own(format!("{} ", fit(&value, COLUMN)), Role::TextMuted));
    }
    pieces
}
