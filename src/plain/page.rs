//! An open page as lines: what the screen would show of it, without frames, bars and colours.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::{SIZE, query};
use crate::app::Model;
use crate::text::SafeText;
use crate::theme::{Glyphs, Theme};
use crate::time::Now;
use crate::view::layout::{self, Cover};

/// The page that is open, top to bottom; blanks at its end are none.
pub(super) fn lines(model: &Model, now: Now) -> Vec<String> {
    query::lines(model, now).unwrap_or_else(|| drawn(model, now))
}

/// The same as the screen shows it.
fn drawn(model: &Model, now: Now) -> Vec<String> {
    let theme = Theme::from_styles("", Glyphs::Ascii, |_| Style::default());
    let mut frame = Buffer::empty(Rect::from((Position::ORIGIN, SIZE)));
    crate::view::draw_for_ears(model, &theme, now, &mut frame);
    let Some(area) = layout::of(model, Cover::Detail, now).detail() else {
        return Vec::new();
    };
    let rows = (area.y..area.bottom()).map(|y| {
        let cells = (area.x..area.right()).filter_map(|x| frame.cell((x, y)));
        cells.map(Cell::symbol).collect::<String>()
    });
    let rows = rows.enumerate().map(|(at, text)| match at {
        0 => title(&text),
        _ => in_words(bare(&text)),
    });
    let mut lines: Vec<String> = Vec::new();
    for row in rows {
        // One blank between parts is enough to hear that a new one begins.
        if !(row.is_empty() && lines.last().is_none_or(String::is_empty)) {
            lines.push(SafeText::line(&row).into_string());
        }
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// A row that says in words what is under way of it: a shortened word with a dash behind it is no word to hear.
fn in_words(row: &str) -> String {
    const UNDER_WAY: [(&str, &str); 4] = [
        ("  ack~", "  acknowledgement under way"),
        ("  hand back~", "  handing back under way"),
        ("  saving~", "  being saved"),
        ("  undo~", "  being undone"),
    ];
    UNDER_WAY
        .iter()
        .fold(row.to_owned(), |row, (short, words)| row.replace(short, words))
}

/// The words that stand in the frame above a page, without the line between them.
fn title(row: &str) -> String {
    let parts = row.split("---").map(bare).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(", ")
}

/// A row without the frame around it.
fn bare(row: &str) -> &str {
    let frame = |c: char| matches!(c, '|' | '+' | '-' | '#') || c.is_whitespace();
    row.trim_matches(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_its_words_without_the_frame() {
        assert_eq!(title("+ SLO cart-api ---- live -+"), "SLO cart-api, live");
        assert_eq!(title("+ Query -----------------+"), "Query");
    }

    #[test]
    fn an_act_under_way_is_said_in_words_and_a_cut_name_stays() {
        assert_eq!(
            in_words("CRIT Down cart-7c9~x2   4m  ack~"),
            "CRIT Down cart-7c9~x2   4m  acknowledgement under way"
        );
    }
}
