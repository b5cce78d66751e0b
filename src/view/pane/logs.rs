//! The log pane: lines around the cursor's, a strip of how many there were by level, and what is not shown.
//!
//! `rows` lays lines out around the cursor's and draws them, `strip` draws how many there were. Every byte of a line
//! passes [`SafeText`] there.

mod rows;
mod strip;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::layout::{LogParts, log_parts};
use super::super::sheet::Sheet;
use super::super::widget::frame::{self, Frame};
use super::super::widget::scrollbar::Extent;
use super::super::widget::{self, Piece, words};
use super::super::{Scene, figures, hints, moment};
use super::tabs::Words;
use super::{message, narrowed, skeleton, thumb, timed};
use crate::action::Action;
use crate::app::focus::PaneId;
use crate::app::logs::{Follow, LogPane, LogView, Past, Refusal, Scanned, Seek, Times, first_time};
use crate::app::scope::short;
use crate::backend::logs::{LATE, TailMode};
use crate::domain::log::{Gap, GapReason, Level, Nanos};
use crate::logstore::query::Query;
use crate::terminal::Focused;
use crate::text::{Cut, SafeText, cut, grouped};
use crate::theme::Role;
pub(in super::super) use rows::place_at;

/// From this width on it is said how late a line may be that is polled.
const WITH_LATE: u16 = 100;

/// The role of a level.
pub(in super::super) fn role_of(level: Level) -> Role {
    match level {
        Level::Fatal | Level::Error => Role::SeverityCritical,
        Level::Warn => Role::SeverityWarning,
        // Most lines are: colour is for what wants the eye.
        Level::Info | Level::Unknown => Role::TextMuted,
        Level::Debug | Level::Trace => Role::TextDim,
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
pub(super) fn badge(scene: Scene, words: Words) -> Vec<Piece<'static>> {
    match scene.model.logs.drawn() {
        None => vec![Piece::word(" …", Role::StateBusy)],
        Some(view) if view.failure.is_some() => vec![Piece::word(" ✗", Role::StateFailed)],
        Some(_) if matches!(words, Words::Least | Words::Numbers) => Vec::new(),
        Some(view) => vec![Piece::own(format!(" {}", rate(view.rate)), Role::TextMuted)],
    }
}

fn rate(lines: f64) -> String {
    format!("{}/s", words::count(lines.round()))
}

/// What the search found so far.
pub(in super::super) fn hits_said(scene: Scene) -> Piece<'static> {
    let pane = &scene.model.logs;
    if let Some(wrong) = &pane.search_error {
        return Piece::safe(SafeText::line(wrong).into_owned(), Role::StateFailed);
    }
    let Some(view) = pane.drawn() else {
        return Piece::word("waiting for lines", Role::StateBusy);
    };
    let hits = view.hits.as_ref().map_or(0, |hits| hits.len());
    let so_far = match view.scanned {
        Scanned::All => String::new(),
        Scanned::Partly(percent) => format!(" so far, {percent}% seen"),
    };
    // what the source still has was not looked at
    let of = match view.past {
        Past::Whole => String::new(),
        Past::Open | Past::Reading | Past::Nothing { .. } | Past::Full | Past::Failed(_) => {
            format!(" in the {} lines read", grouped(view.snapshot.len() as u64))
        }
    };
    let word = if hits == 1 { "hit" } else { "hits" };
    let keys = [(Action::DialogAccept, "keeps"), (Action::DialogLeave, "ends")];
    Piece::own(
        hints::says(scene, &format!("{hits} {word}{of}{so_far}"), &keys),
        Role::TextMuted,
    )
}

/// What the source said to the query that is typed again.
pub(in super::super) fn query_said(scene: Scene) -> Piece<'static> {
    if let Some(refused) = &scene.model.logs.refused {
        let why = SafeText::line(&refused.why);
        return Piece::own(format!("{}: {why}", refused.of.word()), Role::StateFailed);
    }
    let keys = [(Action::DialogAccept, "asks")];
    Piece::own(
        hints::says(scene, "the backend's own language", &keys),
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
        empty(scene, buffer, inside, view);
        return draw_refusal(scene, buffer, inside);
    }
    let LogParts { strip, titles, lines } = log_parts(area, pane.columns.len());
    strip::draw(scene, buffer, strip, view);
    if !titles.is_empty() {
        rows::draw_titles(scene, buffer, titles);
    }
    rows::draw(scene, buffer, lines, view, focused);
    let shown = usize::from(lines.height);
    let extent = Extent {
        first: pane.place.saturating_sub(pane.row),
        shown,
        total: view.len(),
    };
    thumb(scene, buffer, area, extent, focus);
    hit_marks(scene, buffer, area, view);
    draw_refusal(scene, buffer, lines);
}

/// Why a query has no lines, whole, over the last rows, until somebody has read it.
fn draw_refusal(scene: Scene, buffer: &mut Buffer, area: Rect) {
    let pane = &scene.model.logs;
    let Some(refused) = pane.refused.as_ref().filter(|_| pane.refusal == Refusal::Shown) else {
        return;
    };
    let mut sheet = Sheet::default();
    let head = format!(
        "✗ the query was {}; these are the lines before it",
        refused.of.word()
    );
    sheet.line(vec![Piece::own(head, Role::StateFailed)]);
    sheet.prose(&refused.why, Role::Text);
    let width = area.width.saturating_sub(2);
    let rows = sheet.height(width).min(usize::from(area.height)) as u16;
    let below = Rect {
        x: area.x + 1,
        y: area.bottom() - rows,
        width,
        height: rows,
    };
    for row in below.y..below.bottom() {
        for x in area.x..area.right() {
            if let Some(cell) = buffer.cell_mut((x, row)) {
                cell.reset();
            }
        }
    }
    let covered = Rect {
        x: area.x,
        width: area.width,
        ..below
    };
    buffer.set_style(covered, scene.theme.style(Role::Text));
    sheet.draw(scene, buffer, below, 0);
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
        // Rows tell the time of day alone.
        if let Some(day) = time_here(pane).map(|at| day(at, scene.model.zone))
            && day != self::day(Nanos::of(scene.now.utc), scene.model.zone)
        {
            count.push(Piece::own(format!("{day} "), Role::StateStale));
        }
        if pane.lifted.is_some() {
            count.push(Piece::word("in context ", Role::Accent));
        }
        age = state(scene, pane, view, area);
        let muted = |text: String| Piece::own(text, Role::TextMuted);
        if let Some(said) = moment_said(scene, area, view) {
            foot.extend([said, muted(" · ".to_owned())]);
        }
        let len = grouped(view.len() as u64);
        foot.push(muted(if view.shown.is_some() {
            let filtered = view.snapshot.len().saturating_sub(view.len());
            format!("{len} shown · {} filtered", grouped(filtered as u64))
        } else {
            format!("{len} lines")
        }));
        if let Some(said) = hit_said(pane, view) {
            foot.push(said);
        }
        // A line that tells none is below every level.
        match view.unlevelled {
            0 => {}
            1 => foot.push(Piece::word(" (1 tells no level)", Role::StateStale)),
            many => {
                let said = format!(" ({} tell no level)", grouped(many));
                foot.push(Piece::own(said, Role::StateStale));
            }
        }
        if let Scanned::Partly(percent) = view.scanned {
            foot.push(Piece::own(format!(" · {percent}% seen"), Role::StateBusy));
        }
        if counts.evicted > 0 {
            // Shown, filtered and let go are together all that was read.
            foot.push(muted(format!(
                " · {} let go of {} read",
                grouped(counts.evicted),
                grouped(counts.taken)
            )));
        }
        match counts.gaps {
            0 => {}
            1 => foot.push(Piece::word(" · 1 gap let go unread", Role::StateFailed)),
            many => {
                let said = format!(" · {} gaps let go unread", grouped(many));
                foot.push(Piece::own(said, Role::StateFailed));
            }
        }
        // what a file still holds comes by itself
        let missing = |gap: &&Gap| gap.reason != GapReason::Reading;
        let gaps = view.snapshot.gaps().iter().filter(missing).count();
        if gaps > 0 {
            foot.push(Piece::own(
                format!(" · {gaps} {}", if gaps == 1 { "gap" } else { "gaps" }),
                Role::StateFailed,
            ));
        }
    }
    let filter = match (narrowed(scene, PaneId::Logs, &pane.filter), pane.query.trim()) {
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
        foot: timed(scene, PaneId::Logs, foot),
        focus,
    }
}

/// In which direction the chosen moment lies, where none of the lines in sight is of it.
fn moment_said(scene: Scene, area: Rect, view: &LogView) -> Option<Piece<'static>> {
    let at = moment::elsewhere(scene, PaneId::Logs)?;
    let pane = &scene.model.logs;
    let LogParts { lines, .. } = log_parts(area, pane.columns.len());
    let place_of = |row| rows::place_at(scene.model, lines, row).map(|(place, _)| place);
    let first = (0..usize::from(lines.height)).find_map(place_of)?;
    let last = (0..usize::from(lines.height)).rev().find_map(place_of)?;
    let oldest = first_time(&view.snapshot)?;
    let place = match moment::line(scene, view) {
        _ if Nanos::of(at) < oldest => "above, not read",
        None => "below",
        Some(id) if view.place_of(id) < first => "above",
        Some(id) if view.place_of(id) > last => "below",
        Some(_) => return None,
    };
    Some(moment::said(scene, at, place))
}

/// Which hit the cursor is on, of how many: ` · hit 3 of 1,053`; nothing where nothing is sought.
fn hit_said(pane: &LogPane, view: &LogView) -> Option<Piece<'static>> {
    pane.search.as_ref()?;
    let hits = view.hits.as_ref()?;
    let all = grouped(hits.len() as u64);
    let on = pane.cursor.filter(|id| hits.contains(*id));
    let said = match (hits.len(), on) {
        (0, _) => "no hit".to_owned(),
        (_, Some(id)) => format!("hit {} of {all}", grouped(hits.rank(id) as u64 + 1)),
        (1, None) => "1 hit".to_owned(),
        (_, None) => format!("{all} hits"),
    };
    Some(Piece::own(format!(" · {said}"), Role::Accent))
}

/// What fields there are to choose from, or which names no line has.
pub(in super::super) fn columns_said(scene: Scene, typed: &str) -> Piece<'static> {
    let offered = &scene.model.logs.offered;
    let unknown = offered.unknown(typed.split([' ', ',']).filter(|name| !name.is_empty()));
    // the one that is being typed may still become one
    let begun = typed.rsplit([' ', ',']).next().unwrap_or_default();
    if let Some(name) = unknown
        .iter()
        .find(|name| **name != begun || !offered.begins(begun))
    {
        let name = SafeText::line(name).into_owned();
        return Piece::own(format!("no line here has {name}"), Role::StateStale);
    }
    let names = offered
        .beginning_with(begun)
        .take(6)
        .collect::<Vec<_>>()
        .join(" ");
    if names.is_empty() {
        let keys = [(Action::DialogAccept, "shows them")];
        return Piece::own(hints::says(scene, "names of fields", &keys), Role::TextMuted);
    }
    let names = SafeText::line(&names).into_string();
    let words = match hints::over(scene, &[Action::DialogNext]) {
        Some(key) => format!("{key}: {names}"),
        None => names,
    };
    Piece::own(words, Role::TextMuted)
}

/// How many lines the filter shows, or which of the fields in it no line has.
pub(in super::super) fn filter_said(scene: Scene) -> Piece<'static> {
    let pane = &scene.model.logs;
    let names = Query::parse(&pane.filter)
        .map(|query| query.fields())
        .unwrap_or_default();
    if let Some(name) = pane.offered.unknown(names.iter().map(String::as_str)).first() {
        let name = SafeText::line(name).into_owned();
        let said = format!("{} shown · no line here has {name}", pane.len());
        return Piece::own(said, Role::StateStale);
    }
    let keys = [
        (Action::DialogNext, "fields"),
        (Action::DialogAccept, "keeps"),
        (Action::DialogLeave, "undoes"),
    ];
    Piece::own(
        hints::says(scene, &format!("{} shown", pane.len()), &keys),
        Role::TextMuted,
    )
}

/// `live · 412/s`, `still · 312 new`, or what is wrong.
fn state(scene: Scene, pane: &LogPane, view: &LogView, area: Rect) -> Vec<Piece<'static>> {
    if scene.model.paused.is_some() {
        let at = figures::moment(scene.still.utc, scene.now.utc, scene.model.zone);
        return vec![Piece::own(format!("frozen {at}"), Role::StateStale)];
    }
    let mut pieces = Vec::new();
    let most = usize::from(area.width / 3);
    let cut_to = |why: &str| cut(SafeText::line(why).as_str(), most, Cut::End).into_owned();
    if let Some(why) = &view.failure {
        return vec![Piece::own(format!("✗ {}", cut_to(why)), Role::StateFailed)];
    }
    if view.trying.is_some() {
        return vec![Piece::word(
            "asking; these are the lines before…",
            Role::StateBusy,
        )];
    }
    if let Some(refused) = pane.refused.as_ref().filter(|_| pane.refusal == Refusal::Shown) {
        let words = format!("✗ query {}", refused.of.word());
        return vec![Piece::own(words, Role::StateFailed)];
    }
    if let (Some(to), Some(Seek::Under(_))) = (pane.seek, view.seek) {
        let to = figures::moment(to.utc(), scene.now.utc, scene.model.zone);
        let stop = super::super::hints::key(scene, crate::action::Action::Back).unwrap_or_default();
        let said = match view.mode {
            Some(TailMode::Reading { percent, .. }) => {
                format!("reading the file, {percent}%: then to {to}… {stop} stops")
            }
            // What is asked for around a moment comes in two pages.
            _ if pane.seek == pane.at => format!("reading the lines around {to}…"),
            Some(TailMode::Connecting | TailMode::Live | TailMode::Polling(_) | TailMode::Ended) | None => {
                format!("reading back to {to}… {stop} stops")
            }
        };
        return vec![Piece::own(said, Role::StateBusy)];
    }
    if let Some(warning) = view.warnings.last() {
        pieces.push(Piece::own(format!("{} · ", cut_to(warning)), Role::StateStale));
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
        None | Some(TailMode::Connecting) if view.is_empty() => Piece::word("connecting…", Role::StateBusy),
        // The last minutes are here before what comes is.
        None | Some(TailMode::Connecting) => Piece::word("not live yet…", Role::StateBusy),
        Some(TailMode::Live) => Piece::own(format!("live · {}", rate(view.rate)), Role::TextMuted),
        Some(TailMode::Reading { percent, .. }) => {
            Piece::own(format!("reading the file, {percent}%"), Role::StateBusy)
        }
        Some(TailMode::Ended) => Piece::word("ended", Role::TextMuted),
        Some(TailMode::Polling("")) => {
            let said = format!("polling{} · {}", how_late(area), rate(view.rate));
            Piece::own(said, Role::TextMuted)
        }
        Some(TailMode::Polling(why)) => {
            let said = format!("polling: {why}{} · {}", how_late(area), rate(view.rate));
            Piece::own(said, Role::StateStale)
        }
    });
    pieces
}

/// How late a line may be to be found by polling, where there is room for it.
fn how_late(area: Rect) -> String {
    if area.width < WITH_LATE {
        return String::new();
    }
    format!(", lines up to {} late", words::span(LATE))
}

/// What is looked for by who was led here: `span 00f0… of trace 4bf92f35`, `trace 4bf92f35`; nothing where it is
/// no more than what is listed.
fn sought(scene: Scene) -> Option<String> {
    let trace = scene.model.trace_of_lines()?;
    let filter = scene.model.logs.filter.trim();
    Some(match filter.strip_prefix("span_id=") {
        Some(span) => format!("span {} of trace {}", SafeText::line(span), short(trace)),
        None => format!("trace {}", short(trace)),
    })
}

/// What is being looked for, and how one gets back; false where nothing is.
fn looking(scene: Scene, buffer: &mut Buffer, inside: Rect, view: &LogView) -> bool {
    let pane = &scene.model.logs;
    let is_asked = matches!(view.mode, None | Some(TailMode::Connecting));
    let is_scanned = matches!(view.scanned, Scanned::Partly(_));
    let sought = sought(scene);
    let is_looked_for = pane.seek.is_some() || sought.is_some() && (is_asked || is_scanned);
    if !is_looked_for || view.failure.is_some() {
        return false;
    }
    let at = pane
        .seek
        .map(|at| figures::moment(at.utc(), scene.now.utc, scene.model.zone));
    let around = at.map(|at| format!(" around {at}")).unwrap_or_default();
    let of = match sought {
        Some(sought) => format!(" that name {sought}"),
        None => match scene.model.scope.service_of(PaneId::Logs) {
            Some(service) => format!(" of {}", SafeText::line(service)),
            None => String::new(),
        },
    };
    let head = format!("◇ Looking for the lines{of}{around}…");
    let back = super::super::hints::key(scene, crate::action::Action::ScopeBack).unwrap_or_default();
    let more = [format!("{back} goes back meanwhile.")];
    message(scene, buffer, inside, (&head, Role::StateBusy), &more);
    true
}

fn empty(scene: Scene, buffer: &mut Buffer, inside: Rect, view: &LogView) {
    let key = |action| super::super::hints::key(scene, action).unwrap_or_default();
    if looking(scene, buffer, inside, view) {
        return;
    }
    if let Some(sought) = sought(scene).filter(|_| view.failure.is_none()) {
        let (clear, back) = (
            key(crate::action::Action::Back),
            key(crate::action::Action::ScopeBack),
        );
        let more = [
            "Not every service writes trace and span into its lines.".to_owned(),
            if view.snapshot.is_empty() {
                format!("{back} goes back, {clear} shows all lines around.")
            } else {
                format!("{clear} takes the filter away, {back} goes back.")
            },
        ];
        let head = format!("No line names {sought}.");
        return message(scene, buffer, inside, (&head, Role::Text), &more);
    }
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
                ("No lines: the log backend fails.", Role::StateFailed),
                &more,
            );
        }
        (None, None | Some(TailMode::Connecting | TailMode::Reading { .. })) => {
            skeleton(scene, buffer, inside);
        }
        (None, Some(TailMode::Ended)) => {
            let more = ["Nothing more comes: what wrote to it is gone.".to_owned()];
            let head = "The input was read to its end, and there is no line in it.";
            message(scene, buffer, inside, (head, Role::Text), &more);
        }
        (None, Some(TailMode::Live | TailMode::Polling(_))) => {
            let scope = scene
                .model
                .scope
                .service_of(PaneId::Logs)
                .map(|service| format!(" of {service}"))
                .unwrap_or_default();
            let mut more = vec!["They appear here as they arrive.".to_owned()];
            if view.past != Past::Whole {
                let older = key(crate::action::Action::Up);
                more.push(format!("{older} reads older ones."));
            }
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

/// The time of a line, in its zone or since the line under the cursor, in so many cells.
fn time(scene: Scene, at: Nanos, cells: usize) -> String {
    let anchor = match scene.model.logs.times {
        Times::Clock => None,
        Times::Relative => anchor(scene),
    };
    match anchor {
        Some(anchor) => format!("{:>cells$}", since(at, anchor, cells)),
        None => clock(scene, at).chars().take(cells).collect(),
    }
}

/// When the line under the cursor is of.
fn anchor(scene: Scene) -> Option<Nanos> {
    time_here(&scene.model.logs)
}

fn time_here(pane: &LogPane) -> Option<Nanos> {
    pane.drawn()?.snapshot.entry(pane.cursor?)?.time()
}

/// `2026-11-20`, in the zone that is shown.
fn day(at: Nanos, zone: crate::app::Zone) -> chrono::NaiveDate {
    match zone {
        crate::app::Zone::Utc => at.utc().date_naive(),
        crate::app::Zone::Local => at.utc().with_timezone(&chrono::Local).date_naive(),
    }
}

/// `+0.412s`, `-3.2s`, `+1m04s`, `-3h12m`, `+4d03h`.
fn since(at: Nanos, anchor: Nanos, cells: usize) -> String {
    let apart = at.0.abs_diff(anchor.0);
    let sign = if at < anchor { '-' } else { '+' };
    let (millis, seconds) = (apart / 1_000_000, apart / 1_000_000_000);
    let (minutes, hours) = (seconds / 60, seconds / 3_600);
    match seconds {
        0..60 if cells < 12 => format!("{sign}{}.{}s", seconds, millis / 100 % 10),
        0..60 => format!("{sign}{}.{:03}s", seconds, millis % 1_000),
        60..3_600 => format!("{sign}{minutes}m{:02}s", seconds % 60),
        3_600..86_400 => format!("{sign}{hours}h{:02}m", minutes % 60),
        _ => format!("{sign}{}d{:02}h", hours / 24, hours % 24),
    }
}

/// Where the hits are, on the border that shows where one is.
fn hit_marks(scene: Scene, buffer: &mut Buffer, area: Rect, view: &LogView) {
    if area.height < 3 || view.hits.as_ref().is_none_or(|hits| hits.is_empty()) {
        return;
    }
    let rows = usize::from(area.height - 2);
    for (index, count) in view.hit_density(rows).into_iter().enumerate() {
        if count > 0 {
            let cell = Rect::new(area.right() - 1, area.y + 1 + index as u16, 1, 1);
            widget::put(buffer, cell, "•", scene.theme.style(Role::Match));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_time_has_the_figures_that_its_size_is_read_in() {
        let second = 1_000_000_000;
        let since = |apart: i64, cells| since(Nanos(apart), Nanos(0), cells);
        assert_eq!(since(412_300_000, 12), "+0.412s");
        assert_eq!(since(-3 * second - 200_000_000, 8), "-3.2s");
        assert_eq!(since(64 * second, 8), "+1m04s");
        assert_eq!(since(-(3 * 3_600 + 12 * 60) * second, 12), "-3h12m");
        assert_eq!(since((4 * 24 + 3) * 3_600 * second, 8), "+4d03h");
        assert_eq!(since(0, 12), "+0.000s");
    }
}
