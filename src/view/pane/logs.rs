//! The log pane: lines around the cursor's, a strip of how many there were by level, and what is not shown.
//!
//! The line under the cursor has the row that the model says; what fits above and below is drawn around it. Only
//! lines in sight are read from the store. Every byte of a line passes [`SafeText`] here.

use std::rc::Rc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::layout::{LogParts, log_parts};
use super::super::widget::frame::{self, Frame};
use super::super::widget::scrollbar::Extent;
use super::super::widget::{self, Piece, put_pieces, words};
use super::super::{Scene, figures};
use super::{look, mark_hits, message, narrowed, skeleton, thumb};
use crate::app::focus::PaneId;
use crate::app::logs::{Follow, LogPane, LogView, Past, Scanned, Wrap};
use crate::backend::logs::TailMode;
use crate::domain::log::fields;
use crate::domain::log::{Gap, Level, Nanos};
use crate::logstore::{Entry, LineId};
use crate::terminal::Focused;
use crate::text::{Cut, SafeText, cut, fit, width};
use crate::theme::Role;

/// Bytes of a line that a list looks at: no screen shows more of one.
const MOST_BYTES: usize = 16 * 1024;
/// Rows of one wrapped line; the rest is in its detail.
const MOST_ROWS: usize = 12;
/// Cells of the service's name.
const SERVICE: usize = 12;
/// Cells of a column made of a field.
const COLUMN: usize = 14;

/// The role of a level.
pub(in super::super) fn role_of(level: Level) -> Role {
    match level {
        Level::Fatal | Level::Error => Role::SeverityCritical,
        Level::Warn => Role::SeverityWarning,
        Level::Info => Role::SeverityInfo,
        Level::Debug | Level::Trace => Role::TextDim,
        Level::Unknown => Role::TextMuted,
    }
}

/// A level in five cells.
pub(in super::super) fn level_word(level: Level) -> &'static str {
    match level {
        Level::Fatal => "FATAL",
        Level::Error => "ERROR",
        Level::Warn => "WARN ",
        Level::Info => "INFO ",
        Level::Debug => "DEBUG",
        Level::Trace => "TRACE",
        Level::Unknown => "  ·  ",
    }
}

/// The colour of a service: the same wherever its name stands.
pub(in super::super) fn service_role(service: &str) -> Role {
    const ROLES: [Role; 6] = [
        Role::Service1,
        Role::Service2,
        Role::Service3,
        Role::Service4,
        Role::Service5,
        Role::Service6,
    ];
    // FNV-1a, stable from run to run, and MurmurHash3's finalizer: by itself its low bits hardly differ.
    let mut hash = service.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    for factor in [0x85eb_ca6b, 0xc2b2_ae35] {
        hash = (hash ^ hash >> 15).wrapping_mul(factor);
    }
    hash ^= hash >> 16;
    ROLES[hash as usize % ROLES.len()]
}

/// What the tab says.
pub(super) fn badge(scene: Scene) -> Vec<Piece<'static>> {
    match scene.model.logs.drawn() {
        None => vec![Piece::word(" …", Role::StateBusy)],
        Some(view) if view.failure.is_some() => vec![Piece::word(" ✗", Role::StateFailed)],
        Some(view) => vec![Piece::own(format!(" {}", rate(view.rate)), Role::TextMuted)],
    }
}

fn rate(lines: f64) -> String {
    format!("{}/s", words::count(lines.round()))
}

/// What the search found so far.
pub(in super::super) fn hits_said(scene: Scene) -> Piece<'static> {
    let pane = &scene.model.logs;
    let Some(view) = pane.drawn() else {
        return Piece::word("waiting for lines", Role::StateBusy);
    };
    let hits = view.hits.as_ref().map_or(0, |hits| hits.len());
    let so_far = match view.scanned {
        Scanned::All => String::new(),
        Scanned::Partly(percent) => format!(" so far, {percent}% seen"),
    };
    Piece::own(
        format!(
            "{hits} {}{so_far} · enter keeps · esc ends",
            if hits == 1 { "hit" } else { "hits" }
        ),
        Role::TextMuted,
    )
}

/// Draws the pane.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect) {
    let pane = &scene.model.logs;
    let focused = scene.model.focus == PaneId::Logs && scene.model.details.is_empty();
    let focus = if focused { Focused::Gained } else { Focused::Lost };
    let inside = frame::draw(buffer, area, scene.theme, &border(scene, area, focus));
    let Some(view) = pane.drawn() else {
        return skeleton(scene, buffer, inside);
    };
    if view.is_empty() {
        return empty(scene, buffer, inside, view);
    }
    let LogParts { strip, lines } = log_parts(area);
    volume(scene, buffer, strip, view);
    draw_lines(scene, buffer, lines, view, focused);
    let shown = usize::from(lines.height);
    let extent = Extent {
        first: pane.place.saturating_sub(pane.row),
        shown,
        total: view.len(),
    };
    thumb(scene, buffer, area, extent, focus);
    hit_marks(scene, buffer, area, view);
}

fn border(scene: Scene, area: Rect, focus: Focused) -> Frame<'static> {
    let pane = &scene.model.logs;
    let mut count = Vec::new();
    let mut age = Vec::new();
    let mut foot = Vec::new();
    if let Some(view) = pane.drawn() {
        let counts = view.snapshot.counts();
        if let Some(level) = pane.at_least {
            count.push(Piece::own(format!("≥ {level} "), role_of(level)));
        }
        if let Some(trace) = pane.trace {
            count.push(Piece::own(format!("trace {trace} "), Role::Accent));
        }
        if pane.lifted.is_some() {
            count.push(Piece::word("in context ", Role::Accent));
        }
        age = state(scene, pane, view, area);
        foot.push(Piece::own(
            format!(
                "{} {}",
                grouped(view.len()),
                if view.shown.is_some() { "shown" } else { "lines" }
            ),
            Role::TextMuted,
        ));
        if view.shown.is_some() {
            foot.push(Piece::own(
                format!(" of {}", grouped(view.snapshot.len())),
                Role::TextMuted,
            ));
        }
        if let Scanned::Partly(percent) = view.scanned {
            foot.push(Piece::own(format!(" · {percent}% seen"), Role::StateBusy));
        }
        if counts.evicted > 0 {
            foot.push(Piece::own(
                format!(" · {} oldest let go", grouped(counts.evicted as usize)),
                Role::TextMuted,
            ));
        }
        let gaps = view.snapshot.gaps().len();
        if gaps > 0 {
            foot.push(Piece::own(
                format!(" · {gaps} {}", if gaps == 1 { "gap" } else { "gaps" }),
                Role::StateFailed,
            ));
        }
    }
    let filter = match (narrowed(scene, &pane.filter), pane.query.trim()) {
        (narrowed, "") => narrowed,
        (None, query) => Some(query.to_owned()),
        (Some(narrowed), query) => Some(format!("{query} · {narrowed}")),
    };
    Frame {
        number: Some(PaneId::Logs.number()),
        title: SafeText::line(PaneId::Logs.title()),
        count,
        filter: filter
            .as_deref()
            .map(|filter| SafeText::line(filter).into_owned()),
        age,
        foot,
        focus,
    }
}

/// `live · 412/s`, `still · 312 new`, or what is wrong.
fn state(scene: Scene, pane: &LogPane, view: &LogView, area: Rect) -> Vec<Piece<'static>> {
    if scene.model.paused.is_some() {
        let at = figures::moment(scene.still.utc, scene.now.utc, scene.model.zone);
        return vec![Piece::own(format!("frozen {at}"), Role::StateStale)];
    }
    let mut pieces = Vec::new();
    if let Some(why) = &view.failure {
        let why = SafeText::line(why);
        let most = usize::from(area.width / 3);
        let why = cut(why.as_str(), most, Cut::End).into_owned();
        return vec![Piece::own(format!("✗ {why}"), Role::StateFailed)];
    }
    match (pane.follow, pane.arrived()) {
        (Follow::Newest, _) => {}
        (Follow::Still { .. }, 0) => pieces.push(Piece::word("still · ", Role::StateStale)),
        (Follow::Still { .. }, new) => pieces.push(Piece::own(
            format!("still · {} new · ", words::count(new as f64)),
            Role::StateStale,
        )),
    }
    pieces.push(match view.mode {
        None | Some(TailMode::Connecting) => Piece::word("connecting…", Role::StateBusy),
        Some(TailMode::Live) => Piece::own(format!("live · {}", rate(view.rate)), Role::TextMuted),
        Some(TailMode::Ended) => Piece::word("ended", Role::TextMuted),
        Some(TailMode::Polling("")) => Piece::own(format!("polling · {}", rate(view.rate)), Role::TextMuted),
        Some(TailMode::Polling(why)) => {
            Piece::own(format!("polling: {why} · {}", rate(view.rate)), Role::StateStale)
        }
    });
    pieces
}

fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn empty(scene: Scene, buffer: &mut Buffer, inside: Rect, view: &LogView) {
    let key = |action| super::super::hints::key(scene, action).unwrap_or_default();
    if !view.snapshot.is_empty() {
        let clear = key(crate::action::Action::Back);
        let more = [format!("{clear} takes the filter away.")];
        let head = match view.scanned {
            Scanned::All => "No line matches the filter.",
            Scanned::Partly(_) => "No line matches the filter so far.",
        };
        return message(scene, buffer, inside, (head, Role::Text), &more);
    }
    match (&view.failure, &view.mode) {
        (Some(why), _) => {
            let more = [
                why.clone(),
                format!(
                    "It is tried again by itself; {} shows each backend.",
                    key(crate::action::Action::Health)
                ),
            ];
            message(
                scene,
                buffer,
                inside,
                ("No lines: the log backend does not answer.", Role::StateFailed),
                &more,
            );
        }
        (None, None | Some(TailMode::Connecting)) => skeleton(scene, buffer, inside),
        (None, Some(TailMode::Live | TailMode::Polling(_) | TailMode::Ended)) => {
            let scope = scene
                .model
                .scope
                .service()
                .map(|service| format!(" of {service}"))
                .unwrap_or_default();
            let older = key(crate::action::Action::Up);
            let more = [
                "They appear here as they arrive.".to_owned(),
                format!("{older} reads older ones."),
            ];
            message(
                scene,
                buffer,
                inside,
                (&format!("No lines{scope} yet."), Role::Text),
                &more,
            );
        }
    }
}

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
struct Shown {
    text: String,
    /// The other fields of a line that has some, behind its message.
    rest: String,
    /// Lines of the entry beyond the first, where only the first is shown.
    more: usize,
}

fn draw_lines(scene: Scene, buffer: &mut Buffer, area: Rect, view: &LogView, focused: bool) {
    let pane = &scene.model.logs;
    let height = usize::from(area.height);
    if height == 0 {
        return;
    }
    let room = usize::from(area.width).saturating_sub(2 + prefix_width(scene, area.width));
    let place = pane.place.min(view.len() - 1);
    let own = rows_of(pane, view, place, room);
    // The row that the model wants for the cursor's line, as long as all of the line fits.
    let own_shown = own.len().min(height);
    let begin = pane.row.min(height - own_shown);
    let mut above: Vec<Row> = Vec::new();
    let mut at = place;
    while above.len() < begin && at > 0 {
        at -= 1;
        let mut rows = rows_of(pane, view, at, room);
        rows.extend(above);
        above = rows;
    }
    if above.len() < begin && at == 0 {
        above.insert(0, Row::Begin(&view.past));
    }
    let cut_above = above.len().saturating_sub(begin);
    let mut rows: Vec<Row> = above.into_iter().skip(cut_above).collect();
    rows.extend(own.into_iter().take(own_shown));
    let mut at = place + 1;
    while rows.len() < height && at < view.len() {
        rows.extend(rows_of(pane, view, at, room));
        at += 1;
    }
    for (index, row) in rows.into_iter().take(height).enumerate() {
        draw_row(scene, buffer, widget::row(area, index as u16), &row, focused);
    }
}

/// The rows of the line at a place, the gap before it included.
fn rows_of<'a>(pane: &LogPane, view: &'a LogView, place: usize, room: usize) -> Vec<Row<'a>> {
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
    let line = |part, text: String, rest: String, more| Row::Line {
        id,
        entry: Rc::clone(&entry),
        part,
        shown: Shown { text, rest, more },
    };
    match pane.wrap {
        Wrap::Cut => {
            let mut lines = text.lines().filter(|line| !line.trim().is_empty());
            let first = SafeText::line(lines.next().unwrap_or_default()).into_string();
            rows.push(line(0, first, rest, lines.count()));
        }
        Wrap::Wrapped => {
            let mut part = 0;
            let whole = if rest.is_empty() {
                text
            } else {
                format!("{text}  {rest}")
            };
            'all: for each in SafeText::lines(&whole) {
                for piece in pieces_of(each.as_str(), room.max(8)) {
                    rows.push(line(part, piece, String::new(), 0));
                    part += 1;
                    if part == MOST_ROWS {
                        break 'all;
                    }
                }
            }
            if part == 0 {
                rows.push(line(0, String::new(), String::new(), 0));
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
fn prefix_width(scene: Scene, area: u16) -> usize {
    let pane = &scene.model.logs;
    let service = if has_service(scene, area) { SERVICE + 1 } else { 0 };
    let time = if area >= WITH_TIME { 13 } else { 9 };
    time + 6 + service + pane.columns.len() * (COLUMN + 1)
}

/// Whether a line's service stands before it: where there is room, and it is not the same for all.
fn has_service(scene: Scene, area: u16) -> bool {
    area >= WITH_SERVICE && (scene.model.scope.service().is_none() || scene.model.logs.trace.is_some())
}

/// From this width on a line's service stands before it.
const WITH_SERVICE: u16 = 56;
/// From this width on times have milliseconds.
const WITH_TIME: u16 = 76;

fn draw_row(scene: Scene, buffer: &mut Buffer, row: Rect, what: &Row, focused: bool) {
    match what {
        Row::Gap(gap) => {
            let key = super::super::hints::key(scene, crate::action::Action::LogRefetch).unwrap_or_default();
            let words = format!(
                "╌╌ {} from {} to {} · {key} asks again ",
                gap.reason,
                clock(scene, gap.from),
                clock(scene, gap.to)
            );
            let rule = "╌".repeat(usize::from(row.width).saturating_sub(2 + width(&words)));
            let pieces = [Piece::own(format!("  {words}{rule}"), Role::StateFailed)];
            scene.line(buffer, row, &pieces);
        }
        Row::Begin(past) => {
            let piece = match past {
                Past::Whole => Piece::word("  ── the oldest line ──", Role::TextMuted),
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
        } => line(scene, buffer, row, (*id, entry.as_ref()), (*part, shown), focused),
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
        pieces.push(Piece::own(" ".repeat(prefix_width(scene, row.width)), Role::Text));
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
    mark_hits(scene, buffer, row, pane.search.as_ref());
}

/// What stands before the message.
fn prefix(scene: Scene, area: u16, entry: &Entry) -> Vec<Piece<'static>> {
    let time = clock(scene, entry.at);
    let time = if area >= WITH_TIME {
        time
    } else {
        time.chars().take(8).collect()
    };
    let mut pieces = vec![
        Piece::own(format!("{time} "), Role::TextMuted),
        Piece::word(level_word(entry.level), role_of(entry.level)),
        Piece::word(" ", Role::Text),
    ];
    if has_service(scene, area) {
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

/// `03:14:07.123`, in the zone that is shown.
pub(in super::super) fn clock(scene: Scene, at: Nanos) -> String {
    let utc = at.utc();
    match scene.model.zone {
        crate::app::Zone::Utc => utc.format("%H:%M:%S%.3f").to_string(),
        crate::app::Zone::Local => utc
            .with_timezone(&chrono::Local)
            .format("%H:%M:%S%.3f")
            .to_string(),
    }
}

/// How many lines there were, by time, coloured by the gravest level among them; where the cursor is, is marked.
fn volume(scene: Scene, buffer: &mut Buffer, area: Rect, view: &LogView) {
    let volume = &*view.volume;
    let (Some(first), false) = (volume.from, area.is_empty() || volume.buckets.is_empty()) else {
        return;
    };
    let span = volume
        .step
        .saturating_mul(volume.buckets.len().try_into().unwrap_or(i64::MAX));
    let short = |at: Nanos| clock(scene, at).chars().take(8).collect::<String>();
    let label = format!("{} ", short(first));
    let end = format!(" {}", short(Nanos(first.0.saturating_add(span))));
    let cells = usize::from(area.width)
        .saturating_sub(3 + label.len() + end.len())
        .min(volume.buckets.len());
    if cells < 8 {
        return;
    }
    // Several buckets to a cell, and each bucket in one.
    let of_cell =
        |cell: usize| cell * volume.buckets.len() / cells..(cell + 1) * volume.buckets.len() / cells;
    let sums: Vec<[u64; Level::ALL.len()]> = (0..cells)
        .map(|cell| {
            let mut sum = [0; Level::ALL.len()];
            for bucket in volume.buckets.get(of_cell(cell)).unwrap_or_default() {
                for (all, one) in sum.iter_mut().zip(bucket) {
                    *all += one;
                }
            }
            sum
        })
        .collect();
    let most = sums.iter().map(|sum| sum.iter().sum::<u64>()).max().unwrap_or(0);
    let cursor = scene.model.logs.cursor.and_then(|id| view.snapshot.entry(id));
    let cursor = cursor.map(|entry| (entry.at.0.saturating_sub(first.0) / volume.step.max(1)) as usize);
    let mut pieces = vec![Piece::own(format!("  {label}"), Role::TextMuted)];
    for (cell, sum) in sums.iter().enumerate() {
        let total: u64 = sum.iter().sum();
        let gravest = Level::ALL
            .into_iter()
            .rev()
            .find(|level| sum[*level as usize] > 0);
        let role = if cursor.is_some_and(|at| of_cell(cell).contains(&at)) {
            Role::Accent
        } else {
            gravest.map_or(Role::TextMuted, role_of)
        };
        pieces.push(Piece::own(bar(total, most, scene.theme.glyphs).to_string(), role));
    }
    pieces.push(Piece::own(end, Role::TextMuted));
    scene.line(buffer, area, &pieces);
}

/// A bar in one cell. Even one line is seen.
fn bar(count: u64, most: u64, glyphs: crate::theme::Glyphs) -> char {
    const UNICODE: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const ASCII: [char; 8] = ['.', '.', ':', ':', '+', '+', '#', '#'];
    if count == 0 || most == 0 {
        return ' ';
    }
    let height = ((count * 8).div_ceil(most) as usize).clamp(1, 8) - 1;
    match glyphs {
        crate::theme::Glyphs::Unicode => UNICODE[height],
        crate::theme::Glyphs::Ascii => ASCII[height],
    }
}

/// Where the hits are, on the border that shows where one is.
fn hit_marks(scene: Scene, buffer: &mut Buffer, area: Rect, view: &LogView) {
    let Some(hits) = view.hits.as_ref().filter(|hits| !hits.is_empty()) else {
        return;
    };
    if area.height < 3 {
        return;
    }
    let rows = usize::from(area.height - 2);
    for (index, count) in hits.density(rows).into_iter().enumerate() {
        if count > 0 {
            let cell = Rect::new(area.right() - 1, area.y + 1 + index as u16, 1, 1);
            widget::put(buffer, cell, "•", scene.theme.style(Role::Match));
        }
    }
}
