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
        // A cut in the middle keeps the end only where nothing follows it.
        let last = index + 1 == pieces.len();
        let shown = cut(piece.as_str(), room, if last { how } else { Cut::End });
        used += super::put(buffer, rest, &shown, look.style(theme, piece.role));
    }
    used
}
