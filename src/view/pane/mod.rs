//! The panes: what each list shows, and the frame around it with its count, its filter and the age of its data.

pub(super) mod alert_rows;
pub(super) mod alerts;
pub(super) mod belief;
pub(super) mod incident;
pub(super) mod incident_rows;
pub(super) mod logs;
pub(super) mod slo;
pub(super) mod standing;
pub(super) mod tabs;
pub(super) mod traces;

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::widget::frame::{self, Frame};
use super::widget::scrollbar::{self, Extent};
use super::widget::{self, Look, Piece, width_of, words};
use super::{Scene, figures};
use crate::app::focus::PaneId;
use crate::app::panes::Search;
use crate::app::scope::{TimeRange, short};
use crate::terminal::Focused;
use crate::text::{Cut, SafeText, cut};
use crate::theme::Role;

/// Draws a pane.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect, pane: PaneId) {
    match pane {
        PaneId::Slo => slo::draw(scene, buffer, area),
        PaneId::Alerts => alerts::draw(scene, buffer, area),
        PaneId::Logs => logs::draw(scene, buffer, area),
        PaneId::Traces => traces::draw(scene, buffer, area),
        PaneId::Incident => incident::draw(scene, buffer, area),
    }
}

/// How old what is shown is, and why it is not newer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Freshness<'a> {
    /// Since the last good answer; none before the first.
    pub age: Option<Duration>,
    /// How often it is asked.
    pub interval: Duration,
    /// Why the last attempt failed.
    pub failure: Option<&'a str>,
    /// What that is called, where there was no good answer before.
    pub lack: Lack,
}

/// What is missing, where nothing good has come yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lack {
    /// An answer.
    Answer,
    /// A list: whatever came instead.
    List,
    /// The question itself: it was not put, or the source finds fault with it.
    Question,
}

impl Lack {
    fn words(self) -> &'static str {
        match self {
            Self::Answer => "no answer",
            Self::List => "no list",
            Self::Question => "refused",
        }
    }
}

impl Freshness<'_> {
    /// Past twice its interval.
    pub(super) fn is_stale(&self) -> bool {
        self.age.is_some_and(|age| age > self.interval * 2)
    }

    /// The words at the right of a border; a paused pane is as old as its pause, whatever is polled meanwhile.
    pub(super) fn said(&self, scene: Scene, most: u16) -> Vec<Piece<'static>> {
        if scene.model.paused.is_some() {
            let at = figures::moment(scene.still.utc, scene.now.utc, scene.model.zone);
            return vec![Piece::own(format!("frozen {at}"), Role::StateStale)];
        }
        self.pieces(most)
    }

    /// The words themselves; the cause takes at most so many cells, for the title wants to be read too.
    pub(super) fn pieces(&self, most: u16) -> Vec<Piece<'static>> {
        let cause = self.failure.map(|cause| {
            let cause = SafeText::line(without_request(cause));
            cut(cause.as_str(), usize::from(most), Cut::End).into_owned()
        });
        match (self.age, cause) {
            (None, None) => vec![Piece::word("waiting…", Role::StateBusy)],
            (None, Some(cause)) => {
                let lack = self.lack.words();
                vec![Piece::own(format!("✗ {lack}: {cause}"), Role::StateFailed)]
            }
            (Some(age), Some(cause)) if self.is_stale() => vec![Piece::own(
                format!("STALE {}: {cause}", words::stepped(age)),
                Role::StateStale,
            )],
            (Some(age), None) if self.is_stale() => {
                vec![Piece::own(
                    format!("STALE {}", words::stepped(age)),
                    Role::StateStale,
                )]
            }
            (Some(age), Some(cause)) => {
                vec![Piece::own(
                    format!("{} · {cause}", words::stepped(age)),
                    Role::StateStale,
                )]
            }
            // Half an interval of grace: an answer that takes its time must not make the word flicker.
            (Some(age), None) => vec![Piece::own(
                words::data_age(age, self.interval + self.interval / 2),
                Role::TextMuted,
            )],
        }
    }
}

/// A cause without the request in front: in a border its cells are wanted for what came back.
fn without_request(cause: &str) -> &str {
    let is_request = |asked: &str| asked.starts_with("GET /") || asked.starts_with("POST /");
    match cause.split_once(": ") {
        Some((asked, answered)) if is_request(asked) => answered,
        Some(_) | None => cause,
    }
}

/// What a pane's border says.
pub(super) struct Border<'a> {
    pub count: Vec<Piece<'a>>,
    pub filter: Option<String>,
    pub fresh: Freshness<'a>,
    pub foot: Vec<Piece<'a>>,
}

/// Draws a pane's frame; its inside.
pub(super) fn framed(scene: Scene, buffer: &mut Buffer, area: Rect, pane: PaneId, border: Border) -> Rect {
    let focused = scene.model.focus == pane && scene.model.details.is_empty();
    let filter = border.filter.as_deref().map(SafeText::line);
    let title = SafeText::line(pane.title());
    let told = 2 + title.width() + 2 + width_of(&border.count) + filter.as_ref().map_or(0, |f| f.width() + 4);
    let frame = Frame {
        number: Some(pane.number()),
        title,
        count: border.count,
        filter,
        age: border.fresh.said(scene, room_for_cause(area.width, told)),
        foot: border.foot,
        focus: if focused { Focused::Gained } else { Focused::Lost },
    };
    frame::draw(buffer, area, scene.theme, &frame)
}

/// Cells of a border that a failure's cause may take beside a title of `told` cells: what is free, a third at least.
pub(super) fn room_for_cause(width: u16, told: usize) -> u16 {
    /// The corners, the gaps and `STALE 30m: `.
    const AROUND: usize = 18;
    let free = usize::from(width).saturating_sub(told + AROUND) as u16;
    free.max(width / 3)
}

/// The thumb on a frame's right border.
pub(super) fn thumb(scene: Scene, buffer: &mut Buffer, area: Rect, extent: Extent, focus: Focused) {
    if area.width < 2 || area.height < 3 {
        return;
    }
    let column = Rect::new(area.right() - 1, area.y + 1, 1, area.height - 2);
    let role = match focus {
        Focused::Gained => Role::BorderFocused,
        Focused::Lost => Role::Border,
    };
    scrollbar::draw(buffer, column, scene.theme, extent, role);
}

/// `3 of 14`, where the list does not fit.
pub(super) fn position(index: usize, total: usize, shown: usize) -> Vec<Piece<'static>> {
    if total <= shown || total == 0 {
        return Vec::new();
    }
    vec![Piece::own(format!("{} of {total}", index + 1), Role::TextMuted)]
}

/// Filter and scope, as the border says what the list is narrowed to.
pub(super) fn narrowed(scene: Scene, pane: PaneId, filter: &str) -> Option<String> {
    let mut parts = turned(scene, pane);
    parts.push(filter.trim().to_owned());
    parts.retain(|part| !part.is_empty());
    (!parts.is_empty()).then(|| parts.join(" · "))
}

/// What a pane is turned to, time aside; remote text, not yet safe.
pub(super) fn turned(scene: Scene, pane: PaneId) -> Vec<String> {
    let scope = &scene.model.scope;
    let mut parts = Vec::new();
    if scope.is_pinned(pane) {
        parts.push("pinned".to_owned());
    }
    let Some(held) = scope.of(pane) else {
        return parts;
    };
    // A trace's lines are of whatever service and environment.
    let of_trace = pane == PaneId::Logs && scene.model.trace_of_lines().is_some();
    if !of_trace {
        parts.extend(held.service.clone());
    }
    // What the signal cannot be narrowed by is said: nobody is to take all of it for a part.
    match pane {
        PaneId::Logs if of_trace => {}
        PaneId::Alerts | PaneId::Incident => {
            let said = |(name, value): (&String, &String)| {
                if alerts::tells(scene, name) {
                    value.clone()
                } else {
                    format!("any {name}")
                }
            };
            parts.extend(held.labels.iter().map(said));
        }
        PaneId::Logs => parts.extend(held.labels.values().cloned()),
        // SLOs are defined, and traces listed, without a word of where.
        PaneId::Slo | PaneId::Traces => parts.extend(held.labels.keys().map(|name| format!("any {name}"))),
    }
    match (pane, held.trace) {
        // One that was gone to is said where it is the pane's own.
        (PaneId::Logs, Some(_)) if scene.model.logs.trace.is_some() => {}
        (PaneId::Logs, Some(trace)) => parts.push(format!("trace {}", short(trace))),
        (PaneId::Traces, Some(trace)) => {
            let list = scene.model.traces.drawn();
            let is_missing = list.is_some_and(|list| list.all().all(|listed| listed.id != trace));
            let lacks = if is_missing { "not listed: " } else { "" };
            parts.push(format!("{lacks}trace {}", short(trace)));
        }
        (PaneId::Slo | PaneId::Alerts | PaneId::Incident, Some(_)) => parts.push("not by trace".to_owned()),
        (_, None) => {}
    }
    parts
}

/// The foot of a border with what the scope's time means to the pane before it.
pub(super) fn timed(scene: Scene, pane: PaneId, mut foot: Vec<Piece<'static>>) -> Vec<Piece<'static>> {
    let range = scene.model.scope.range_of(pane);
    if let Some(said) = range.and_then(|range| meaning(scene, pane, range)) {
        if !foot.is_empty() {
            foot.insert(0, Piece::word(" · ", Role::TextMuted));
        }
        foot.insert(0, Piece::own(said, Role::Accent));
    }
    foot
}

/// What a range means to a pane; nothing where it means what is shown anyway.
fn meaning(scene: Scene, pane: PaneId, range: TimeRange) -> Option<String> {
    let zone = scene.model.zone;
    let said = range.words(zone, scene.still.utc);
    let at = |at| figures::moment(at, scene.still.utc, zone);
    match pane {
        PaneId::Slo => range.to.map(|to| format!("chart to {}", at(to))),
        PaneId::Alerts => {
            let began = alerts::began_within(scene, range);
            Some(format!("{began} began {said}"))
        }
        PaneId::Logs => range.middle().map(|middle| format!("around {}", at(middle))),
        PaneId::Traces => Some(match range.to {
            Some(_) => format!("within {said}"),
            None => said,
        }),
        PaneId::Incident => Some(format!("events {said}")),
    }
}

/// A message in an empty pane: a head, and what to do, wrapped.
pub(super) fn message(scene: Scene, buffer: &mut Buffer, area: Rect, head: (&str, Role), more: &[String]) {
    let mut page = super::sheet::Sheet::default();
    page.prose(head.0, head.1);
    if !more.is_empty() {
        page.blank();
    }
    for line in more {
        page.prose(line, Role::TextMuted);
    }
    let inset = Rect {
        x: area.x + 1.min(area.width),
        y: area.y,
        width: area.width.saturating_sub(2),
        height: area.height,
    };
    let drop = u16::from(area.height > 4);
    let inset = Rect {
        y: inset.y + drop,
        height: inset.height - drop,
        ..inset
    };
    page.draw(scene, buffer, inset, 0);
}

/// Rows that stand for what is awaited: the shape of the list, without a word in it.
pub(super) fn skeleton(scene: Scene, buffer: &mut Buffer, area: Rect) {
    const LENGTHS: [(usize, usize); 4] = [(8, 14), (11, 10), (6, 18), (9, 12)];
    for (index, (name, rest)) in LENGTHS
        .iter()
        .cycle()
        .take(usize::from(area.height).min(6))
        .enumerate()
    {
        let row = widget::row(area, index as u16);
        let text = format!(
            "  {}  {}  {}",
            "·".repeat(4),
            "·".repeat(*name),
            "·".repeat(*rest)
        );
        scene.line(buffer, row, &[Piece::own(text, Role::TextDim)]);
    }
}

/// What is left of a row beside the cursor's bar, the mark and a margin at the right.
pub(super) fn cells_of(row: Rect) -> Rect {
    let row = widget::after(row, 2);
    Rect {
        width: row.width.saturating_sub(1),
        ..row
    }
}

/// How a row stands out or back.
pub(super) fn look(selected: bool, dimmed: bool) -> Look {
    match (selected, dimmed) {
        (false, false) => Look::Plain,
        (true, false) => Look::Cursor,
        (false, true) => Look::Dimmed,
        (true, true) => Look::DimmedCursor,
    }
}

/// Marks what is sought in a row that is drawn already.
pub(super) fn mark_hits(scene: Scene, buffer: &mut Buffer, row: Rect, search: Option<&Search>) {
    let Some(search) = search.filter(|search| !search.text.is_empty()) else {
        return;
    };
    let row = widget::clip(buffer, row);
    let exact = search.text.chars().any(char::is_uppercase);
    let fold = |text: &str| {
        if exact {
            text.to_owned()
        } else {
            text.to_lowercase()
        }
    };
    // A cell's place in the text, so that wide letters are marked whole.
    let mut text = String::new();
    let mut starts = Vec::new();
    for x in row.left()..row.right() {
        starts.push(text.len());
        if let Some(cell) = buffer.cell((x, row.y)) {
            text.push_str(&fold(cell.symbol()));
        }
    }
    let style = scene.theme.style(Role::Match);
    let sought = fold(&search.text);
    for (at, hit) in text.match_indices(&sought) {
        for (x, start) in (row.left()..row.right()).zip(&starts) {
            if (at..at + hit.len()).contains(start) {
                set_style(buffer, x, row.y, style);
            }
        }
    }
}

fn set_style(buffer: &mut Buffer, x: u16, y: u16, style: Style) {
    if let Some(cell) = buffer.cell_mut((x, y)) {
        cell.set_style(style);
    }
}
