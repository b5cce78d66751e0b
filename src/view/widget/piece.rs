//! Text with a role: the only text a widget takes.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::text::{Cut, SafeText, cut, width};
use crate::theme::{Role, Theme};

/// A run of text in one role. There is no way to make one from remote text but through [`SafeText`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece<'a> {
    text: Cow<'a, str>,
    /// What it means.
    pub role: Role,
}

impl<'a> Piece<'a> {
    /// A word of ours.
    pub fn word(word: &'static str, role: Role) -> Self {
        Self {
            text: Cow::Borrowed(word),
            role,
        }
    }

    /// Numbers, times and the like, formatted by us; no remote text goes in here.
    pub fn own(text: String, role: Role) -> Self {
        Self {
            text: Cow::Owned(text),
            role,
        }
    }

    /// Remote text.
    pub fn safe(text: SafeText<'a>, role: Role) -> Self {
        Self {
            text: match text {
                text if text.as_str().is_empty() => Cow::Borrowed(""),
                text => Cow::Owned(text.into_string()),
            },
            role,
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Width in cells.
    pub fn width(&self) -> usize {
        width(&self.text)
    }
}

/// How a row stands out or back, whatever the roles of its pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Look {
    /// As its pieces are.
    #[default]
    Plain,
    /// Under the cursor: one attribute more.
    Cursor,
    /// Suppressed or stale: every piece in [`Role::TextDim`], so that no severity shouts from it.
    Dimmed,
    /// Both.
    DimmedCursor,
}

impl Look {
    /// The style of a role in such a row.
    pub fn style(self, theme: &Theme, role: Role) -> Style {
        match self {
            Self::Plain => theme.style(role),
            // What is muted stays so: it needs no weight, and a move of the cursor need not send it again.
            Self::Cursor if matches!(role, Role::TextMuted | Role::TextDim) => theme.style(role),
            Self::Cursor => theme.style(role).patch(theme.style(Role::Cursor)),
            Self::Dimmed => theme.style(Role::TextDim),
            Self::DimmedCursor => theme.style(Role::TextDim).patch(theme.style(Role::Cursor)),
        }
    }
}

/// Width of a line of pieces in cells.
pub fn width_of(pieces: &[Piece]) -> usize {
    pieces.iter().map(Piece::width).sum()
}

/// What stands between a piece and its neighbours, and the piece: blanks and a `·` have nobody's colour, and where
/// colours are attributes no line under them.
fn apart(text: &str) -> (&str, &str, &str) {
    let word = text.trim_start_matches(' ');
    let word = word.strip_prefix("· ").unwrap_or(word);
    let before = text.strip_suffix(word).unwrap_or_default();
    let end = word.trim_end_matches(' ');
    let end = end.strip_suffix(" ·").unwrap_or(end);
    if end.is_empty() {
        return ("", text, "");
    }
    (before, end, word.strip_prefix(end).unwrap_or_default())
}

/// Fewer cells of a part say nothing.
const LEAST_PART: usize = 8;

/// Whether the next part of a line, `· 2 flapping`, has room for no more than a few letters: a sign that there is
/// more says as much, and looks better.
fn is_stump(pieces: &[Piece], room: usize) -> bool {
    let Some((first, rest)) = pieces.split_first() else {
        return false;
    };
    let Some(own) = first.as_str().strip_prefix(" · ") else {
        return false;
    };
    let part = match (own, rest.first()) {
        ("", Some(next)) => next.width(),
        ("", None) => return false,
        (own, _) => width(own),
    };
    let room = room.saturating_sub(3);
    part > room && room < LEAST_PART
}

/// Writes pieces one after the other into the first row of an area; what does not fit is cut where `how`
/// says, in the piece that crosses the edge. Returns the cells used.
pub fn put_pieces(
    buffer: &mut Buffer,
    area: Rect,
    theme: &Theme,
    pieces: &[Piece],
    how: Cut,
    look: Look,
) -> u16 {
    let mut used = 0;
    for (index, piece) in pieces.iter().enumerate() {
        let rest = super::after(area, used);
        let room = usize::from(rest.width);
        if room == 0 {
            break;
        }
        if how == Cut::End && index > 0 && is_stump(&pieces[index..], room) {
            let more = cut(" …", room, Cut::End);
            used += super::put(buffer, rest, &more, look.style(theme, Role::TextDim));
            break;
        }
        // A cut in the middle keeps the end only where nothing follows it.
        let last = index + 1 == pieces.len();
        let shown = cut(piece.as_str(), room, if last { how } else { Cut::End });
        let style = look.style(theme, piece.role);
        let (before, word, behind) = apart(&shown);
        let between = if style.bg.is_none() {
            look.style(theme, Role::TextDim)
        } else {
            style
        };
        for (part, style) in [(before, between), (word, style), (behind, between)] {
            if !part.is_empty() {
                used += super::put(buffer, super::after(area, used), part, style);
            }
        }
    }
    used
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{blank, lines, theme};
    use super::*;
    use crate::theme::Glyphs;

    fn drawn(cells: u16) -> String {
        let pieces = [
            Piece::word("unacked", Role::Text),
            Piece::word(" · ", Role::TextDim),
            Piece::word("3 flapping", Role::Text),
            Piece::word(" · flaps 7×", Role::Text),
        ];
        let mut buffer = blank(cells, 1);
        let area = buffer.area;
        put_pieces(
            &mut buffer,
            area,
            &theme(Glyphs::Unicode),
            &pieces,
            Cut::End,
            Look::Plain,
        );
        lines(&buffer).concat().trim_end().to_owned()
    }

    #[test]
    fn what_stands_between_words_is_told_from_them() {
        assert_eq!(apart(" · 3 failed"), (" · ", "3 failed", ""));
        assert_eq!(apart("still · "), ("", "still", " · "));
        assert_eq!(apart("  13x "), ("  ", "13x", " "));
        assert_eq!(apart("a · b"), ("", "a · b", ""));
        for alone in ["", " ", " · ", "····", "·"] {
            assert_eq!(apart(alone), ("", alone, ""));
        }
    }

    #[test]
    fn a_part_that_has_no_room_is_left_out_whole() {
        assert_eq!(drawn(40), "unacked · 3 flapping · flaps 7×");
        assert_eq!(drawn(24), "unacked · 3 flapping …");
        assert_eq!(drawn(20), "unacked · 3 flapping");
        assert_eq!(drawn(19), "unacked · 3 flappi…");
        assert_eq!(drawn(16), "unacked …");
        assert_eq!(drawn(10), "unacked …");
        assert_eq!(drawn(8), "unacked…");
        assert_eq!(drawn(7), "unacked");
    }
}
