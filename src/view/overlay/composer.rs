//! The silence composer: three fields, and what the silence would hide, now and of late.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};
use tui_textarea::TextArea;

use super::{boxed, input};
use crate::app::modal::{Composer, Field, Past};
use crate::app::update::matchers_of;
use crate::domain::alert::plan::silence_preview;
use crate::domain::alert::{AlertBoard, Labels};
use crate::text::{SafeText, fit};
use crate::theme::Role;
use crate::view::Scene;
use crate::view::detail::slo::alert_row;
use crate::view::pane::belief::{self, Heard};
use crate::view::sheet::Sheet;
use crate::view::widget::{self, Piece};

const LABELS: usize = 10;

/// Draws the composer; where the cursor is.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, body: Rect, open: &Composer) -> Option<Position> {
    let width = 100.min(body.width);
    let preview = preview(scene, open);
    let fields = open.matchers.lines().len().clamp(1, 8) + 2 + usize::from(open.error.is_some());
    let rows = fields + 1 + preview.height(width.saturating_sub(4)) + 2;
    // Not below a height: the box must not jump at each letter.
    let height = u16::try_from(rows).unwrap_or(u16::MAX).clamp(16, 34);
    let (_, text) = boxed(
        scene,
        buffer,
        body,
        Size::new(width, height),
        if open.is_draft {
            "Silence · your draft"
        } else {
            "Silence"
        },
        others(scene),
    );
    if text.is_empty() {
        return None;
    }
    let roomy = text.height >= 12;
    // The preview keeps two rows at least; the matchers give way.
    let most = text.height.saturating_sub(if roomy { 8 } else { 4 }).max(1);
    let matcher_rows = (open.matchers.lines().len() as u16).clamp(1, most.min(12));
    let mut place = Stack { rest: text };
    let mut cursor = None;
    for (field, label, rows, area) in [
        (Field::Matchers, "matchers", matcher_rows, &open.matchers),
        (Field::Duration, "for", 1, &open.duration),
        (Field::Comment, "why", 1, &open.comment),
    ] {
        let at = place.take(rows);
        let typed = draw_field(scene, buffer, at, (label, area), open.field == field);
        cursor = cursor.or(typed);
    }
    if let Some(error) = &open.error {
        let error = SafeText::line(error).into_owned();
        scene.line(
            buffer,
            place.take(1),
            &[
                Piece::word("✗ ", Role::StateFailed),
                Piece::safe(error, Role::StateFailed),
            ],
        );
    }
    if roomy {
        place.take(1);
    }
    preview.draw(scene, buffer, place.rest, 0);
    cursor
}

/// Drafts that are about other alerts: they wait for those, and the palette lists them.
fn others(scene: Scene) -> Vec<Piece> {
    let (others, each) = match scene.model.alerts.drafted().len() {
        0 => return Vec::new(),
        1 => ("1 other draft is kept".to_owned(), "it"),
        others => (format!("{others} other drafts are kept"), "them"),
    };
    let silence = scene.model.keymap.command("silence");
    let words = format!("{others} · {silence} lists {each}");
    vec![Piece::own(words, Role::TextMuted)]
}

/// Rows handed out from the top.
struct Stack {
    rest: Rect,
}

impl Stack {
    fn take(&mut self, rows: u16) -> Rect {
        let rows = rows.min(self.rest.height);
        let taken = Rect {
            height: rows,
            ..self.rest
        };
        self.rest.y += rows;
        self.rest.height -= rows;
        taken
    }
}

fn draw_field(
    scene: Scene,
    buffer: &mut Buffer,
    area: Rect,
    (label, typed): (&'static str, &TextArea<'static>),
    focused: bool,
) -> Option<Position> {
    let (shape, role) = if focused {
        ("▸ ", Role::Accent)
    } else {
        ("  ", Role::TextMuted)
    };
    let label = Piece::own(fit(label, LABELS), role);
    let used = scene.line(
        buffer,
        widget::row(area, 0),
        &[Piece::word(shape, Role::Accent), label],
    );
    let hidden = typed.lines().len().saturating_sub(usize::from(area.height));
    if hidden > 0 {
        // A matcher that is out of sight still matches: that there are more is said beside them.
        let below = widget::row(area, 1.min(area.height.saturating_sub(1)));
        let more = fit(&format!("+{hidden} more"), LABELS);
        scene.line(
            buffer,
            below,
            &[Piece::word("  ", Role::Text), Piece::own(more, Role::StateStale)],
        );
    }
    let at = input::draw(scene, buffer, widget::after(area, used), typed);
    let empty = typed.lines().iter().all(String::is_empty);
    if empty && !focused {
        let hint = Piece::word("required", Role::TextDim);
        scene.line(buffer, widget::after(widget::row(area, 0), used), &[hint]);
    }
    at.filter(|_| focused)
}

/// What it would hide.
fn preview<'a>(scene: Scene<'a>, open: &'a Composer) -> Sheet<'a> {
    const LISTED: usize = 12;
    let mut sheet = Sheet::default();
    let Some(board) = scene.model.alerts.board.as_deref() else {
        sheet.prose(
            "✗ what it hides is not known: no Alertmanager has answered",
            Role::StateFailed,
        );
        return sheet;
    };
    unheard(board, &mut sheet);
    let matchers = match matchers_of(open) {
        Ok(matchers) => matchers,
        Err(why) => {
            sheet.prose(&format!("! {why}"), Role::StateStale);
            return sheet;
        }
    };
    let seen = match silence_preview(&matchers, board, &[]) {
        Ok(seen) => seen,
        Err(why) => {
            sheet.prose(&format!("! {why}"), Role::StateStale);
            return sheet;
        }
    };
    let alerts = match seen.matched.len() {
        0 => "nothing".to_owned(),
        1 => "1 alert".to_owned(),
        alerts => format!("{alerts} alerts"),
    };
    let groups = match (seen.matched.len(), seen.groups) {
        (0 | 1, _) => String::new(),
        (_, 1) => " in 1 group".to_owned(),
        (_, groups) => format!(" in {groups} groups"),
    };
    let (hides, role) = match belief::heard(board) {
        Heard::Nobody => (format!("when last heard: {alerts}{groups}"), Role::TextMuted),
        Heard::All | Heard::Some if seen.matched.is_empty() => {
            ("hides nothing now".to_owned(), Role::StateStale)
        }
        Heard::All | Heard::Some => (format!("hides {alerts}{groups} now"), Role::TextStrong),
    };
    let mut line = vec![Piece::own(hides, role), past(&open.past)];
    if belief::heard(board) == Heard::Nobody && seen.matched.is_empty() {
        // Nothing heard is nothing to remember.
        line.remove(0);
    }
    if line.iter().any(|piece| piece.width() > 0) {
        sheet.line(line);
    }
    if let Past::Failed(why) = &open.past {
        sheet.prose(&format!("the last 6h are not known: {why}"), Role::StateStale);
    }
    for refusal in seen.reasons() {
        sheet.prose(&format!("! {refusal}"), Role::StateStale);
    }
    let matched = seen
        .matched
        .iter()
        .filter_map(|fingerprint| board.by_fingerprint.get(fingerprint));
    for alert in matched.take(LISTED) {
        let alert = Arc::clone(alert);
        sheet.figure(1, move |buffer, row| {
            alert_row(scene, buffer, row, &alert, &Labels::default());
        });
    }
    if seen.matched.len() > LISTED {
        sheet.prose(
            &format!("and {} more", seen.matched.len() - LISTED),
            Role::TextMuted,
        );
    }
    if let Past::Known(names) = &open.past
        && !names.is_empty()
    {
        sheet.heading("Of the last 6 hours");
        for (name, count) in names.iter().take(LISTED) {
            sheet.line(vec![
                Piece::safe(SafeText::line(name), Role::Text),
                Piece::own(format!(" ×{count}"), Role::TextMuted),
            ]);
        }
    }
    sheet
}

/// Clusters where nobody is believed: what is hidden there is anyone's guess.
fn unheard(board: &AlertBoard, sheet: &mut Sheet) {
    if belief::heard(board) == Heard::Nobody {
        let cause = board.sources.iter().find_map(|source| source.fault.as_deref());
        let cause = cause.unwrap_or("no Alertmanager has answered");
        sheet.prose(
            &format!("✗ what it hides is not known: {cause}"),
            Role::StateFailed,
        );
        return;
    }
    for source in belief::unheard(board) {
        let cause = source.fault.as_deref().unwrap_or("it has not answered yet");
        sheet.prose(
            &format!("✗ what it hides at {} is not known: {cause}", source.cluster),
            Role::StateFailed,
        );
    }
}

fn past(past: &Past) -> Piece<'static> {
    match past {
        Past::Unasked | Past::Failed(_) => Piece::word("", Role::Text),
        Past::Waiting => Piece::word("  asking about the last 6h…", Role::StateBusy),
        Past::Known(names) => {
            let count: usize = names.iter().map(|(_, count)| count).sum();
            Piece::own(
                format!("  would have hidden {count} of the last 6h"),
                Role::TextMuted,
            )
        }
    }
}
