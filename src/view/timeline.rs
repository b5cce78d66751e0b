//! Events of a timeline as rows: when, what, who, in one line; whole where they are unfolded.
//!
//! Only rows in sight are put together. Remote text is cut before it is made safe: a note of 100 kB costs what
//! its first line costs. Start at [`event_row`].

use chrono::{DateTime, Local, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::borrow::Cow;

use super::widget::text_block::{self, Block, Line};
use super::widget::{self, Look, Piece, put_pieces};
use super::{Scene, figures};
use crate::app::Zone;
use crate::app::focus::PaneId;
use crate::app::incidents::Times;
use crate::domain::timeline::{Delivery, Event, EventKind, Starred};
use crate::text::{Cut, SafeText, fit};
use crate::theme::Role;

/// More of a text than any line shows.
const LINE_BYTES: usize = 1_024;
/// More of a text than anybody reads here; copying has it whole.
const WHOLE_BYTES: usize = 8 * 1_024;

/// A kind's shape, its word and their role.
pub(super) fn kind(kind: EventKind) -> (&'static str, &'static str, Role) {
    match kind {
        EventKind::AlertFired => ("▲", "fired", Role::SeverityCritical),
        EventKind::AlertResolved => ("▼", "resolved", Role::StateOk),
        EventKind::AlertGone => ("▼", "gone", Role::TextMuted),
        EventKind::BurnStarted => ("●", "burning", Role::SloPage),
        EventKind::BurnStopped => ("○", "burn over", Role::SloOk),
        EventKind::Triggered => ("▲", "triggered", Role::SeverityCritical),
        EventKind::Acknowledged => ("✓", "ack", Role::AckOther),
        EventKind::Unacknowledged => ("○", "ack over", Role::StateStale),
        EventKind::Assigned => ("→", "assigned", Role::Text),
        EventKind::Escalated => ("↑", "escalated", Role::SeverityWarning),
        EventKind::Note => ("✎", "note", Role::Accent),
        EventKind::StatusUpdate => ("»", "update", Role::Accent),
        EventKind::Deploy => ("◆", "deploy", Role::SeverityInfo),
        EventKind::Command => ("›", "command", Role::TextMuted),
        EventKind::Silence => ("·", "silence", Role::TextMuted),
        EventKind::Resolved => ("✓", "resolved", Role::StateOk),
        EventKind::Other => ("·", "event", Role::TextMuted),
    }
}

/// How far one of our own entries has come, where that is worth a word.
fn delivery(delivery: Delivery) -> Option<Piece<'static>> {
    Some(match delivery {
        Delivery::Local => return None,
        Delivery::Pending => Piece::word("pending…", Role::StateBusy),
        Delivery::Sending => Piece::word("sending…", Role::StateBusy),
        Delivery::NeedsDecision => Piece::word("needs decision", Role::StateStale),
        Delivery::Confirmed => Piece::word("✓", Role::StateOk),
        Delivery::Failed => Piece::word("✗ failed", Role::StateFailed),
        Delivery::Cancelled => Piece::word("cancelled", Role::TextDim),
    })
}

/// When an event happened: by the clock, with the day where the story is not all of today; or since it opened.
fn when(scene: Scene, at: DateTime<Utc>, rows: Rows) -> String {
    match (scene.model.incidents.times, rows.opened) {
        (Times::SinceStart, Some(opened)) if at >= opened => {
            format!("+{}", figures::row_age(figures::since(opened, at)))
        }
        (Times::SinceStart, Some(opened)) => {
            format!("-{}", figures::row_age(figures::since(at, opened)))
        }
        (Times::Clock | Times::SinceStart, _) => {
            let form = if rows.tells_days(scene) {
                "%m-%d %H:%M"
            } else {
                "%H:%M"
            };
            match scene.model.zone {
                Zone::Utc => at.format(form).to_string(),
                Zone::Local => at.with_timezone(&Local).format(form).to_string(),
            }
        }
    }
}

/// At most so many bytes of a text, cut between characters.
fn head(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// How events are drawn: for which width, and how much of their time is told.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    /// When the incident opened.
    pub opened: Option<DateTime<Utc>>,
    /// Cells of a row.
    pub width: u16,
}

impl Rows {
    /// Whether the story began on another day.
    fn tells_days(self, scene: Scene) -> bool {
        let Some(opened) = self
            .opened
            .filter(|_| scene.model.incidents.times == Times::Clock)
        else {
            return false;
        };
        match scene.model.zone {
            Zone::Utc => opened.date_naive() != scene.still.utc.date_naive(),
            Zone::Local => {
                let day = |at: DateTime<Utc>| at.with_timezone(&Local).date_naive();
                day(opened) != day(scene.still.utc)
            }
        }
    }

    /// Cells of the time.
    fn time_width(self, scene: Scene) -> usize {
        if self.tells_days(scene) { 12 } else { 6 }
    }

    /// Whether the kind's word is told beside its shape.
    fn tells_kinds(self) -> bool {
        self.width >= 48
    }

    /// Cells before an event's text: time, star, shape, word.
    fn indent(self, scene: Scene) -> usize {
        self.time_width(scene) + if self.tells_kinds() { 14 } else { 3 }
    }
}

/// One event in one line.
pub(super) fn event_row(
    scene: Scene,
    buffer: &mut Buffer,
    row: Rect,
    event: &Event,
    (rows, look): (Rows, Look),
) {
    let (shape, word, role) = kind(event.kind);
    let mut pieces = vec![
        Piece::own(
            fit(&when(scene, event.at, rows), rows.time_width(scene)),
            Role::TextMuted,
        ),
        Piece::word(shape, role),
    ];
    if rows.tells_kinds() {
        pieces.push(Piece::own(format!(" {word:<10}"), role));
    }
    pieces.push(match event.starred {
        Starred::Yes => Piece::word("★ ", Role::Mark),
        Starred::No => Piece::word("  ", Role::Text),
    });
    let own = delivery(event.delivery);
    let own_width = own.as_ref().map_or(0, |piece| piece.width() + 1) as u16;
    if let Some(actor) = &event.actor {
        let who = super::pane::standing::person(scene, head(actor, 64));
        pieces.push(Piece::own(format!("{who} "), Role::TextStrong));
    }
    let text = head(&event.text, LINE_BYTES);
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let first = SafeText::line(lines.next().unwrap_or_default());
    let todo = first.as_str().contains("TODO");
    pieces.push(Piece::safe(
        first,
        if todo { Role::SeverityWarning } else { Role::Text },
    ));
    if lines.next().is_some() || event.text.len() > LINE_BYTES {
        pieces.push(Piece::word(" …", Role::TextMuted));
    }
    // What happened at another time than the panes are turned to steps back.
    let range = scene.model.scope.range_of(PaneId::Incident);
    if range.is_some_and(|range| !range.holds(event.at)) {
        for piece in &mut pieces {
            piece.role = Role::TextDim;
        }
    }
    let left = Rect {
        width: row.width.saturating_sub(own_width),
        ..row
    };
    put_pieces(buffer, left, scene.theme, &pieces, Cut::End, look);
    if let Some(own) = own {
        let right = widget::after(row, row.width.saturating_sub(own_width - 1));
        put_pieces(buffer, right, scene.theme, &[own], Cut::End, look);
    }
}

/// What an event points at as people read it: burn and budget are kept with every digit.
fn figure<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    match (name, value.parse::<f64>()) {
        ("burn", Ok(rate)) => widget::words::burn(rate).into(),
        ("budget", Ok(left)) => format!("{:.0}%", left * 100.0).into(),
        _ => value.into(),
    }
}

/// The lines below an unfolded event: its whole text, then what it points at.
pub(super) fn whole(scene: Scene, event: &Event, rows: Rows) -> Vec<Line<'static>> {
    let shown = head(&event.text, WHOLE_BYTES);
    let mut lines: Vec<SafeText<'static>> = SafeText::lines(shown).map(SafeText::into_owned).collect();
    if shown.len() < event.text.len() {
        let more = widget::words::bytes((event.text.len() - shown.len()) as u64);
        lines.push(SafeText::line(&format!("… {more} more, not shown; copying has it whole")).into_owned());
    }
    let mut blocks = vec![Block::Prose {
        lines,
        role: Role::Text,
    }];
    for (name, value) in &event.refs {
        blocks.push(Block::Pair {
            label: SafeText::line(name).into_owned(),
            lines: vec![SafeText::line(head(&figure(name, value), LINE_BYTES)).into_owned()],
            role: Role::TextMuted,
        });
    }
    blocks.push(Block::Line(vec![
        Piece::own(event.at.format("%Y-%m-%d %H:%M:%SZ").to_string(), Role::TextMuted),
        Piece::own(format!("  {}", SafeText::line(&event.source)), Role::TextMuted),
    ]));
    let indent = (rows.indent(scene) as u16).min(rows.width / 3);
    text_block::layout(&blocks, rows.width.saturating_sub(indent).max(1))
        .into_iter()
        .map(|line| {
            let margin = Piece::own(" ".repeat(usize::from(indent)), Role::Text);
            std::iter::once(margin).chain(line).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_figures_are_read_short() {
        assert_eq!(figure("budget", "0.633974875099073"), "63%");
        assert_eq!(figure("burn", "14.41234"), "14.4×");
        assert_eq!(figure("slo", "0.633974875099073"), "0.633974875099073");
    }
}
