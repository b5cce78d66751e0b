//! Wrapped text for detail views: headings, labels with their values, prose.
//!
//! [`layout`] turns blocks into lines once per width; [`draw`] shows a window of them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use textwrap::{Options, WordSeparator, WordSplitter};

use super::{Look, Piece, put_pieces, row};
use crate::text::{Cut, SafeText, cut, fit};
use crate::theme::{Role, Theme};

/// Part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block<'a> {
    /// A heading, with an empty line before it unless it is the first.
    Heading(&'static str),
    /// A label and what it stands for; several lines stay several.
    Pair {
        /// At the left.
        label: SafeText<'a>,
        /// At the right, wrapped.
        lines: Vec<SafeText<'a>>,
        /// The role of the text.
        role: Role,
    },
    /// Text of its own.
    Prose {
        /// Wrapped, each.
        lines: Vec<SafeText<'a>>,
        /// Its role.
        role: Role,
    },
    /// A line put together by the caller, cut and not wrapped.
    Line(Vec<Piece<'a>>),
}

/// A line ready to be drawn.
pub type Line<'a> = Vec<Piece<'a>>;

/// Below this width a label gets a line of its own.
const NARROW: usize = 30;

/// Wraps blocks to a width in cells. The column of labels takes no more than a third of it; a longer one stands before
/// its value where there is room for both, else above it.
pub fn layout<'a>(blocks: &[Block<'a>], width: u16) -> Vec<Line<'a>> {
    let width = usize::from(width).max(1);
    let longest = blocks
        .iter()
        .filter_map(|block| match block {
            Block::Pair { label, .. } => Some(label.width()),
            Block::Heading(_) | Block::Prose { .. } | Block::Line(_) => None,
        })
        .max()
        .unwrap_or(0);
    let label_width = longest.min(width / 3);
    let mut out = Vec::new();
    for block in blocks {
        match block {
            Block::Heading(heading) => {
                if !out.is_empty() {
                    out.push(Vec::new());
                }
                out.push(vec![Piece::word(heading, Role::Accent)]);
            }
            Block::Prose { lines, role } => {
                out.extend(wrap(lines, width).map(|text| vec![Piece::own(text, *role)]));
            }
            Block::Line(pieces) => out.push(pieces.clone()),
            Block::Pair { label, lines, role } if width < NARROW => {
                let label = cut(label.as_str(), width, Cut::End).into_owned();
                out.push(vec![Piece::own(label, Role::TextMuted)]);
                let indented = wrap(lines, width.saturating_sub(2).max(1));
                out.extend(indented.map(|text| vec![Piece::word("  ", *role), Piece::own(text, *role)]));
            }
            // A label that is wider than its column keeps its whole name: its ends alone may be another's too.
            Block::Pair { label, lines, role } if label.width() > label_width && label.width() < width => {
                let rest = width - label.width();
                match lines.as_slice() {
                    [line] if line.width() + 2 <= rest => out.push(vec![
                        Piece::own(format!("{}  ", label.as_str()), Role::TextMuted),
                        Piece::own(line.as_str().to_owned(), *role),
                    ]),
                    _ => {
                        out.push(vec![Piece::own(label.as_str().to_owned(), Role::TextMuted)]);
                        let column = " ".repeat(label_width + 2);
                        let wrapped = wrap(lines, width - label_width - 2);
                        out.extend(
                            wrapped
                                .map(|text| vec![Piece::own(column.clone(), *role), Piece::own(text, *role)]),
                        );
                    }
                }
            }
            Block::Pair { label, lines, role } => {
                let mut label = fit(&cut(label.as_str(), label_width, Cut::Middle), label_width + 2);
                for text in wrap(lines, width - label_width - 2) {
                    out.push(vec![Piece::own(label, Role::TextMuted), Piece::own(text, *role)]);
                    label = " ".repeat(label_width + 2);
                }
            }
        }
    }
    out
}

fn wrap(lines: &[SafeText], width: usize) -> impl Iterator<Item = String> {
    let wrapped: Vec<String> = lines
        .iter()
        .flat_map(|line| textwrap::wrap(line.as_str(), width))
        .map(std::borrow::Cow::into_owned)
        .collect();
    wrapped.into_iter()
}

/// A text in so many rows at most, ended whole at a word where it has more.
pub fn shortened(text: &str, cells: usize, rows: usize) -> Vec<String> {
    let wrapped = |cells: usize| -> Vec<String> {
        // Names are not parted at their hyphens.
        let options = Options::new(cells.max(1)).word_separator(WordSeparator::AsciiSpace);
        let lines = textwrap::wrap(text, options.word_splitter(WordSplitter::NoHyphenation));
        lines.into_iter().map(std::borrow::Cow::into_owned).collect()
    };
    let whole = wrapped(cells);
    if whole.len() <= rows {
        return whole;
    }
    let mut short = wrapped(cells.saturating_sub(2));
    short.truncate(rows);
    if let Some(last) = short.last_mut() {
        last.push_str(" …");
    }
    short
}

/// Draws the lines from `first` on into an area.
pub fn draw(buffer: &mut Buffer, area: Rect, theme: &Theme, lines: &[Line], first: usize) {
    for (index, line) in lines
        .iter()
        .skip(first)
        .take(usize::from(area.height))
        .enumerate()
    {
        put_pieces(
            buffer,
            row(area, index as u16),
            theme,
            line,
            Cut::End,
            Look::Plain,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{blank, hostile_areas, lines as shown, theme};
    use super::*;
    use crate::theme::Glyphs;

    fn blocks() -> Vec<Block<'static>> {
        vec![
            Block::Heading("Labels"),
            Block::Pair {
                label: SafeText::line("service"),
                lines: vec![SafeText::line("checkout")],
                role: Role::Text,
            },
            Block::Pair {
                label: SafeText::line("kubernetes_io_instance_name"),
                lines: SafeText::lines("pool exhausted: 20/20 in use\nretrying").collect(),
                role: Role::Text,
            },
            Block::Heading("Runbook"),
            Block::Prose {
                lines: vec![SafeText::line("https://runbooks.example/pool-exhausted")],
                role: Role::TextMuted,
            },
        ]
    }

    fn drawn(width: u16, height: u16) -> Vec<String> {
        let mut buffer = blank(width, height);
        let area = buffer.area;
        draw(
            &mut buffer,
            area,
            &theme(Glyphs::Unicode),
            &layout(&blocks(), width),
            0,
        );
        shown(&buffer)
            .iter()
            .map(|line| line.trim_end().to_owned())
            .collect()
    }

    #[test]
    fn labels_stand_in_a_column_and_values_wrap_beside_them() {
        assert_eq!(
            drawn(36, 10),
            [
                "Labels",
                "service       checkout",
                "kubernetes_io_instance_name",
                "              pool exhausted: 20/20",
                "              in use",
                "              retrying",
                "",
                "Runbook",
                "https://runbooks.example/pool-",
                "exhausted",
            ]
        );
    }

    #[test]
    fn a_label_wider_than_its_column_keeps_its_name_and_its_value_beside_it_where_there_is_room() {
        let pair = |label: &str, value: &str| Block::Pair {
            label: SafeText::line(label).into_owned(),
            lines: vec![SafeText::line(value).into_owned()],
            role: Role::Text,
        };
        let blocks = [
            pair("http.request.method", "GET"),
            pair("http.response.status_code", "a value that is long"),
            pair("id", "7"),
        ];
        let text = |line: &Line| line.iter().map(Piece::as_str).collect::<String>();
        let seen: Vec<String> = layout(&blocks, 40).iter().map(text).collect();
        assert_eq!(
            seen,
            [
                "http.request.method  GET",
                "http.response.status_code",
                "               a value that is long",
                "id             7",
            ]
        );
    }

    #[test]
    fn where_it_is_narrow_labels_have_lines_of_their_own() {
        assert_eq!(
            drawn(20, 6),
            [
                "Labels",
                "service",
                "  checkout",
                "kubernetes_io_insta…",
                "  pool exhausted:",
                "  20/20 in use"
            ]
        );
    }

    #[test]
    fn no_area_breaks_it() {
        let mut buffer = blank(10, 5);
        for area in hostile_areas() {
            let lines = layout(&blocks(), area.width);
            draw(&mut buffer, area, &theme(Glyphs::Ascii), &lines, 2);
        }
    }
}
