//! A pane's border, which carries what the pane says of itself: number, title, count and filter at the left, the
//! age of its data at the right, a position at the foot.
//!
//! ```text
//! ╭2 Alerts  14 firing · 3 silenced  ⟨env=prod⟩ ───── live ─╮
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Look, Piece, after, put, put_pieces, width_of};
use crate::terminal::Focused;
use crate::text::{Cut, SafeText, cut};
use crate::theme::{Glyphs, Role, Theme};

/// What a border says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The key that focuses the pane.
    pub number: Option<u8>,
    /// What it is.
    pub title: SafeText<'a>,
    /// How much is in it: `14 firing · 3 silenced`.
    pub count: Vec<Piece<'a>>,
    /// What it is filtered to.
    pub filter: Option<SafeText<'a>>,
    /// How old it is: `live`, `STALE 3m: 503 from loki`.
    pub age: Vec<Piece<'a>>,
    /// Where in it one is: `3 of 14`.
    pub foot: Vec<Piece<'a>>,
    /// Whether it has the keys.
    pub focus: Focused,
}

impl<'a> Frame<'a> {
    /// A frame with a title and nothing else.
    pub fn titled(title: SafeText<'a>, focus: Focused) -> Self {
        Self {
            number: None,
            title,
            count: Vec::new(),
            filter: None,
            age: Vec::new(),
            foot: Vec::new(),
            focus,
        }
    }
}

/// What is inside the border of an area.
pub fn inner(area: Rect) -> Rect {
    if area.width < 2 || area.height < 2 {
        return Rect::new(area.x, area.y, 0, 0);
    }
    Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 2)
}

/// Draws the border; returns what is inside.
pub fn draw(buffer: &mut Buffer, area: Rect, theme: &Theme, frame: &Frame) -> Rect {
    if area.width < 2 || area.height < 2 {
        return inner(area);
    }
    let (border, title) = match frame.focus {
        Focused::Gained => (Role::BorderFocused, Role::TitleFocused),
        Focused::Lost => (Role::Border, Role::Title),
    };
    draw_lines(buffer, area, theme, theme.style(border));

    let mut left = Vec::new();
    if let Some(number) = frame.number {
        left.push(Piece::own(number.to_string(), Role::Key));
        left.push(Piece::word(" ", title));
    }
    left.push(Piece::safe(frame.title.clone(), title));
    // Before the counts: that rows are hidden must be seen on the smallest screen.
    if let Some(filter) = &frame.filter {
        let (open, close) = match theme.glyphs {
            Glyphs::Unicode => ("  ⟨", "⟩"),
            Glyphs::Ascii => ("  <", ">"),
        };
        left.push(Piece::word(open, Role::Accent));
        let room = usize::from(area.width / 3);
        left.push(Piece::own(
            cut(filter.as_str(), room, Cut::End).into_owned(),
            Role::Accent,
        ));
        left.push(Piece::word(close, Role::Accent));
    }
    if !frame.count.is_empty() {
        left.push(Piece::word("  ", title));
        left.extend(frame.count.iter().cloned());
    }
    left.push(Piece::word(" ", title));

    let top = Rect::new(area.x + 1, area.y, area.width - 2, 1);
    // The age keeps its place before the end of the title does: stale data has to be seen.
    let least = top.width.min(12);
    let used = draw_right(buffer, after(top, least), theme, &frame.age);
    let room = Rect {
        width: top.width - used,
        ..top
    };
    put_on_line(buffer, room, theme, &left);
    let bottom = Rect::new(area.x + 1, area.bottom() - 1, area.width - 2, 1);
    let foot = whole(&frame.foot, usize::from(bottom.width).saturating_sub(3));
    draw_right(buffer, bottom, theme, foot);
    inner(area)
}

/// The first pieces that have room: a position cut in its middle is none. What is not muted is cut and stays.
fn whole<'a, 'b>(mut pieces: &'b [Piece<'a>], room: usize) -> &'b [Piece<'a>] {
    let is_between = |piece: &Piece| matches!(piece.as_str().trim(), "" | "·");
    while let [before @ .., last] = pieces
        && !before.is_empty()
        && (is_between(last) || last.role == Role::TextMuted && width_of(pieces) > room)
    {
        pieces = before;
    }
    pieces
}

/// Draws ` pieces ` one cell from the right end; returns the cells taken with that one cell.
fn draw_right(buffer: &mut Buffer, row: Rect, theme: &Theme, pieces: &[Piece]) -> u16 {
    if pieces.is_empty() || row.width < 6 {
        return 0;
    }
    let wanted = u16::try_from(width_of(pieces))
        .unwrap_or(u16::MAX)
        .saturating_add(3);
    let taken = wanted.min(row.width);
    let mut at = after(row, row.width - taken);
    at.width -= 1;
    let space = theme.style(Role::Text);
    put(buffer, at, " ", space);
    let mut text = after(at, 1);
    text.width -= 1;
    let used = put_on_line(buffer, text, theme, pieces);
    put(buffer, after(at, 1 + used), " ", space);
    taken
}

/// Words in the line of a frame: what has no colour of its own is not to have the line's.
fn put_on_line(buffer: &mut Buffer, area: Rect, theme: &Theme, pieces: &[Piece]) -> u16 {
    let words = Rect {
        width: area
            .width
            .min(u16::try_from(width_of(pieces)).unwrap_or(u16::MAX)),
        ..area
    };
    buffer.set_style(words, Style::reset().patch(theme.style(Role::Text)));
    put_pieces(buffer, area, theme, pieces, Cut::End, Look::Plain)
}

fn draw_lines(buffer: &mut Buffer, area: Rect, theme: &Theme, style: Style) {
    let [horizontal, vertical, corners @ ..] = match theme.glyphs {
        Glyphs::Unicode => ["─", "│", "╭", "╮", "╰", "╯"],
        Glyphs::Ascii => ["-", "|", "+", "+", "+", "+"],
    };
    let (right, bottom) = (area.right() - 1, area.bottom() - 1);
    let mut draw = |x, y, line: &str| {
        if let Some(cell) = buffer.cell_mut((x, y)) {
            cell.set_symbol(line).set_style(style);
        }
    };
    for x in area.x..=right {
        draw(x, area.y, horizontal);
        draw(x, bottom, horizontal);
    }
    for y in area.y..=bottom {
        draw(area.x, y, vertical);
        draw(right, y, vertical);
    }
    let places = [
        (area.x, area.y),
        (right, area.y),
        (area.x, bottom),
        (right, bottom),
    ];
    for ((x, y), corner) in places.into_iter().zip(corners) {
        draw(x, y, corner);
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{blank, hostile_areas, lines, theme};
    use super::*;

    fn alerts() -> Frame<'static> {
        Frame {
            number: Some(2),
            count: vec![
                Piece::own("14".to_owned(), Role::TextStrong),
                Piece::word(" firing", Role::TextMuted),
            ],
            filter: Some(SafeText::line("env=prod")),
            age: vec![Piece::word("STALE 3m", Role::StateStale)],
            foot: vec![Piece::word("3 of 14", Role::TextMuted)],
            ..Frame::titled(SafeText::line("Alerts"), Focused::Gained)
        }
    }

    fn drawn(width: u16, glyphs: Glyphs) -> Vec<String> {
        let mut buffer = blank(width, 3);
        let area = buffer.area;
        let within = draw(&mut buffer, area, &theme(glyphs), &alerts());
        assert_eq!(within, Rect::new(1, 1, width - 2, 1));
        lines(&buffer)
    }

    #[test]
    fn the_border_says_what_the_pane_is() {
        assert_eq!(
            drawn(52, Glyphs::Unicode),
            [
                "╭2 Alerts  ⟨env=prod⟩  14 firing ─────── STALE 3m ─╮",
                "│                                                  │",
                "╰──────────────────────────────────────── 3 of 14 ─╯",
            ]
        );
        assert_eq!(
            drawn(44, Glyphs::Ascii),
            [
                "+2 Alerts  <env=prod>  14 firing STALE 3m -+",
                "|                                          |",
                "+-------------------------------- 3 of 14 -+",
            ]
        );
    }

    #[test]
    fn the_age_outlives_the_end_of_the_title() {
        assert_eq!(drawn(26, Glyphs::Unicode)[0], "╭2 Alerts  ⟨e… STALE 3m ─╮");
    }

    #[test]
    fn a_foot_without_room_leaves_its_last_words_out_whole() {
        let foot = |width| {
            let frame = Frame {
                foot: vec![
                    Piece::word("5 outside", Role::StateStale),
                    Piece::word(" · ", Role::TextMuted),
                    Piece::word("3 of 14", Role::TextMuted),
                ],
                ..alerts()
            };
            let mut buffer = blank(width, 3);
            let area = buffer.area;
            draw(&mut buffer, area, &theme(Glyphs::Unicode), &frame);
            lines(&buffer).pop().unwrap()
        };
        assert_eq!(foot(26), "╰── 5 outside · 3 of 14 ─╯");
        assert_eq!(foot(23), "╰───────── 5 outside ─╯");
        assert_eq!(foot(12), "╰ 5 outs… ─╯");
    }

    #[test]
    fn focus_is_told_by_the_border() {
        let theme = theme(Glyphs::Unicode);
        let mut buffer = blank(20, 3);
        let area = buffer.area;
        draw(&mut buffer, area, &theme, &alerts());
        assert_eq!(buffer[(0, 0)].fg, theme.style(Role::BorderFocused).fg.unwrap());
        let unfocused = Frame {
            focus: Focused::Lost,
            ..alerts()
        };
        draw(&mut buffer, area, &theme, &unfocused);
        assert_eq!(buffer[(0, 0)].fg, theme.style(Role::Border).fg.unwrap());
    }

    #[test]
    fn no_area_breaks_it() {
        let mut buffer = blank(10, 5);
        for area in hostile_areas() {
            draw(&mut buffer, area, &theme(Glyphs::Unicode), &alerts());
        }
    }
}
