//! A case: suspects first, then everything that is known around the trouble, one page with a cursor over its rows.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::action::Action;
use crate::app::case::OpenCase;
use crate::domain::case::{Part, Row, RowId, Tone};
use crate::domain::incident::Status;
use crate::terminal::Focused;
use crate::text::{Cut, SafeText, cut, fit};
use crate::theme::Role;
use crate::view::pane::{self, cells_of, position, skeleton, thumb};
use crate::view::widget::columns::draw_cursor;
use crate::view::widget::frame::{self, Frame};
use crate::view::widget::scrollbar::Extent;
use crate::view::widget::{self, Piece, put_pieces, words};
use crate::view::{Scene, hints};

/// The words at the left of rows take an eighth of the page, no less and no more cells than these; never more than the
/// widest.
const LEADS: (usize, usize) = (6, 13);
/// Lines that a row takes at most while the cursor is elsewhere.
const FOLDED: usize = 3;

/// A line of the page, and the row that it is of.
struct Line {
    row: Option<usize>,
    pieces: Vec<Piece<'static>>,
}

/// Draws the page.
pub(in crate::view) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect) {
    let Some(open) = scene.model.case.as_ref() else {
        let frame = Frame::titled(SafeText::line("Case"), Focused::Gained);
        let inside = frame::draw(buffer, area, scene.theme, &frame);
        return skeleton(scene, buffer, inside);
    };
    let age = scene.still.tick.since(open.asked);
    let asked = if open.is_looking() {
        Piece::word("looking", Role::StateBusy)
    } else if open.has_failed() {
        Piece::word("not all answered", Role::StateStale)
    } else {
        Piece::own(words::data_age(age, OpenCase::AGAIN), Role::TextMuted)
    };
    let inner = frame::inner(area);
    let width = usize::from(cells_of(inner).width);
    let lines = lines(scene, open, width);
    let shown = usize::from(inner.height);
    let of_cursor = |line: &Line| line.row == Some(open.list.index);
    let begins = lines.iter().position(of_cursor).unwrap_or(0);
    let ends = lines.iter().rposition(of_cursor).map_or(0, |last| last + 1);
    // What is above the cursor stays in sight for a third of the page, its heading too.
    let first = begins
        .saturating_sub(shown / 3)
        .max(ends.saturating_sub(shown))
        .min(begins);
    let first = first.min(lines.len().saturating_sub(shown));
    let frame = Frame {
        age: vec![asked],
        foot: if lines.len() > shown {
            position(open.list.index, open.rows.len(), 0)
        } else {
            Vec::new()
        },
        ..Frame::titled(SafeText::line(&open.title), Focused::Gained)
    };
    let inside = frame::draw(buffer, area, scene.theme, &frame);
    for (place, line) in lines.iter().skip(first).take(shown).enumerate() {
        let whole = widget::row(inside, place as u16);
        let selected = line.row == Some(open.list.index);
        put_pieces(
            buffer,
            cells_of(whole),
            scene.theme,
            &line.pieces,
            Cut::End,
            pane::look(selected, false),
        );
        if selected {
            draw_cursor(buffer, whole, scene.theme);
        }
    }
    let extent = Extent {
        first,
        shown,
        total: lines.len(),
    };
    thumb(scene, buffer, area, extent, Focused::Gained);
}

fn lines(scene: Scene, open: &OpenCase, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut index = 0;
    let leads = leads(open, width);
    for section in &open.case.sections {
        if !lines.is_empty() {
            lines.push(Line {
                row: None,
                pieces: Vec::new(),
            });
        }
        lines.push(Line {
            row: None,
            pieces: vec![Piece::word(section.part.title(), Role::Accent)],
        });
        for row in &section.rows {
            let key = (section.part == Part::Suspects && row.tone == Tone::Strong)
                .then(|| key_of(scene, &row.lead))
                .flatten();
            let lead = key.unwrap_or_else(|| lead_of(section.part, row).to_owned());
            let anew = (*row.id.0 == *Row::REORDERED)
                .then(|| hints::key(scene, Action::Refresh))
                .flatten();
            let reworded;
            let row = match anew {
                Some(key) => {
                    reworded = Row {
                        text: format!("{} ({key}: number them anew)", row.text),
                        ..row.clone()
                    };
                    &reworded
                }
                None => row,
            };
            let is_here = open
                .list
                .selected
                .as_ref()
                .is_some_and(|id: &RowId| *id == row.id);
            let role = match row.tone {
                Tone::Strong | Tone::Plain => Role::Text,
                Tone::Quiet => Role::TextMuted,
                Tone::Looking => Role::StateBusy,
                Tone::Unknown => Role::StateStale,
            };
            // What is bold everywhere stands out nowhere: what the suspects are does.
            let head = if section.part == Part::Suspects && row.tone == Tone::Strong {
                Role::TextStrong
            } else {
                role
            };
            lines.extend(
                told((row, role, head), &fit_lead(&lead, leads), width, is_here).map(|pieces| Line {
                    row: Some(index),
                    pieces,
                }),
            );
            index += 1;
        }
    }
    lines
}

/// Cells that the words at the left take in every row.
fn leads(open: &OpenCase, width: usize) -> usize {
    let sections = open.case.sections.iter();
    let rows = sections.flat_map(|section| section.rows.iter().map(|row| lead_of(section.part, row)));
    let widest = rows.map(|lead| SafeText::line(lead).width()).max();
    let (least, most) = LEADS;
    widest.unwrap_or(0).min((width / 8).clamp(least, most))
}

/// The words at the left of a row: a status as short as rows of incidents say it, for who did it is in the text.
fn lead_of(part: Part, row: &Row) -> &str {
    if part == Part::People && row.lead == Status::Acknowledged.word() {
        return "acked";
    }
    &row.lead
}

/// The same, and a cell free.
fn fit_lead(lead: &str, cells: usize) -> String {
    fit(&cut(SafeText::line(lead).as_str(), cells, Cut::End), cells + 1)
}

/// The key that opens a suspect.
fn key_of(scene: Scene, number: &str) -> Option<String> {
    let number: usize = number.parse().ok()?;
    let actions = [
        Action::Suspect1,
        Action::Suspect2,
        Action::Suspect3,
        Action::Suspect4,
        Action::Suspect5,
    ];
    hints::key(scene, *actions.get(number.checked_sub(1)?)?)
}

/// A row, wrapped; cut after some lines unless the cursor is there.
fn told(
    (row, role, head_role): (&Row, Role, Role),
    lead: &str,
    width: usize,
    is_here: bool,
) -> impl Iterator<Item = Vec<Piece<'static>>> {
    let lead = lead.to_owned();
    let margin = crate::text::width(&lead);
    let (head, rest) = row.text.split_at_checked(row.head).unwrap_or((&row.text, ""));
    let head = SafeText::line(head).into_string();
    let text = format!("{head}{}", SafeText::line(rest));
    let room = width.saturating_sub(margin).max(1);
    let mut wrapped: Vec<String> = textwrap::wrap(&text, room)
        .into_iter()
        .map(std::borrow::Cow::into_owned)
        .collect();
    if !is_here && wrapped.len() > FOLDED {
        wrapped.truncate(FOLDED);
        if let Some(last) = wrapped.last_mut() {
            *last = format!(
                "{}…",
                cut(last, room.saturating_sub(1), Cut::End).trim_end_matches('…')
            );
        }
    }
    let opens = if row.target.is_some() { Role::TextDim } else { role };
    let mut left = head.len();
    wrapped.into_iter().enumerate().map(move |(place, text)| {
        let lead = if place == 0 {
            lead.clone()
        } else {
            " ".repeat(margin)
        };
        let (strong, plain) = text.split_at_checked(left).unwrap_or((&text, ""));
        let pieces = vec![
            Piece::own(lead, opens),
            Piece::own(strong.to_owned(), head_role),
            Piece::own(plain.to_owned(), role),
        ];
        // The space that a line was broken at is in none of the two.
        left = left.saturating_sub(text.len() + 1);
        pieces
    })
}
