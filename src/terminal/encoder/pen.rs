//! The pen: colours and attributes the terminal draws with, and the shortest way from one to another.
//!
//! Codes: ECMA-48 8.3.117 (SGR), 256 and 24-bit colours as in xterm.

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};

use super::{links, push_number};

/// Attributes that show on a blank cell.
const VISIBLE_ON_BLANK: Modifier = Modifier::REVERSED
    .union(Modifier::UNDERLINED)
    .union(Modifier::CROSSED_OUT);

/// Attribute, its code, and the code that ends it (bold and dim share theirs, as do the two blinks).
const ATTRIBUTES: [(Modifier, u16, u16); 9] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::RAPID_BLINK, 6, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::HIDDEN, 8, 28),
    (Modifier::CROSSED_OUT, 9, 29),
];

/// Colours and attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pen {
    pub fg: Color,
    pub bg: Color,
    pub modifier: Modifier,
    /// Number of the link that it writes; 0 where none.
    pub link: u8,
}

impl Pen {
    pub const PLAIN: Self = Self {
        fg: Color::Reset,
        bg: Color::Reset,
        modifier: Modifier::empty(),
        link: 0,
    };

    pub fn of(cell: &Cell) -> Self {
        Self {
            fg: cell.fg,
            bg: cell.bg,
            modifier: cell.modifier,
            link: links::number_of(cell),
        }
    }

    /// What of it can be seen on a blank cell: the background, and everything once a line or reversal shows.
    pub fn on_blank(self) -> Self {
        if self.link != 0 || self.modifier.intersects(VISIBLE_ON_BLANK) {
            self
        } else {
            Self {
                bg: self.bg,
                ..Self::PLAIN
            }
        }
    }

    /// Whether a blank drawn with this pen looks as one drawn with `wanted`.
    pub fn draws_blank_of(self, wanted: Self) -> bool {
        self.on_blank() == wanted.on_blank()
    }

    /// Whether erasing with this pen leaves plain cells, on terminals that erase with the background colour
    /// and on those that don't.
    pub fn erases_plain(self) -> bool {
        self.on_blank() == Self::PLAIN
    }
}

/// Appends the shortest SGR that turns `from` into `to`: what differs, or a reset and all of `to`.
/// An unknown pen (`None`) is always reset.
pub(super) fn transition(from: Option<Pen>, to: Pen, out: &mut Vec<u8>) {
    // Links are the encoder's own to turn to.
    let bare = |pen: Pen| Pen { link: 0, ..pen };
    if from.map(bare) == Some(bare(to)) {
        return;
    }
    let start = out.len();
    let mut codes = Codes::open(out);
    codes.push(0);
    apply(Pen::PLAIN, to, &mut codes);
    codes.close();
    let Some(from) = from else { return };
    let middle = out.len();
    let mut codes = Codes::open(out);
    apply(from, to, &mut codes);
    codes.close();
    if out.len() - middle < middle - start {
        out.drain(start..middle);
    } else {
        out.truncate(middle);
    }
}

fn apply(from: Pen, to: Pen, codes: &mut Codes<'_>) {
    let mut kept = from.modifier;
    for (attribute, _, off) in ATTRIBUTES {
        if kept.contains(attribute) && !to.modifier.contains(attribute) {
            codes.push(off);
            // The code may end a sibling too, which is then drawn anew below.
            for (sibling, _, shared) in ATTRIBUTES {
                if shared == off {
                    kept.remove(sibling);
                }
            }
        }
    }
    for (attribute, on, _) in ATTRIBUTES {
        if to.modifier.contains(attribute) && !kept.contains(attribute) {
            codes.push(on);
        }
    }
    if from.fg != to.fg {
        color(to.fg, 30, codes);
    }
    if from.bg != to.bg {
        color(to.bg, 40, codes);
    }
}

/// `base` is 30 for the foreground, 40 for the background.
fn color(color: Color, base: u16, codes: &mut Codes<'_>) {
    let palette = match color {
        Color::Reset => {
            codes.push(base + 9);
            return;
        }
        Color::Rgb(r, g, b) => {
            for code in [base + 8, 2, u16::from(r), u16::from(g), u16::from(b)] {
                codes.push(code);
            }
            return;
        }
        Color::Indexed(index) => u16::from(index),
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
    };
    match palette {
        0..8 => codes.push(base + palette),
        8..16 => codes.push(base + 60 + palette - 8),
        _ => {
            for code in [base + 8, 5, palette] {
                codes.push(code);
            }
        }
    }
}

/// The parameters of one SGR being written.
struct Codes<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
}

impl<'a> Codes<'a> {
    fn open(out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        out.extend_from_slice(b"\x1b[");
        Self { out, start }
    }

    fn push(&mut self, code: u16) {
        if self.out.len() > self.start + 2 {
            self.out.push(b';');
        }
        push_number(code, self.out);
    }

    fn close(self) {
        if self.out.get(self.start + 2..) == Some(b"0") {
            // A lone reset may go without its zero.
            self.out.pop();
        }
        self.out.push(b'm');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sgr(from: Pen, to: Pen) -> String {
        let mut out = Vec::new();
        transition(Some(from), to, &mut out);
        String::from_utf8(out).unwrap().replace('\x1b', "^")
    }

    fn pen(fg: Color, modifier: Modifier) -> Pen {
        Pen {
            fg,
            modifier,
            ..Pen::PLAIN
        }
    }

    #[test]
    fn the_shorter_of_difference_and_reset_is_sent() {
        let bold_red = pen(Color::Red, Modifier::BOLD);
        assert_eq!(sgr(bold_red, bold_red), "");
        assert_eq!(sgr(bold_red, Pen::PLAIN), "^[m");
        assert_eq!(sgr(Pen::PLAIN, bold_red), "^[1;31m");
        assert_eq!(sgr(bold_red, pen(Color::Red, Modifier::empty())), "^[22m");
        assert_eq!(sgr(bold_red, pen(Color::Green, Modifier::BOLD)), "^[32m");
        let rgb = Color::Rgb(200, 100, 50);
        assert_eq!(
            sgr(pen(rgb, Modifier::BOLD), pen(rgb, Modifier::DIM)),
            "^[22;2m",
            "the long colour is kept"
        );
        let both = pen(Color::Reset, Modifier::BOLD | Modifier::DIM);
        assert_eq!(sgr(both, pen(Color::Reset, Modifier::BOLD)), "^[0;1m");
    }

    #[test]
    fn palette_colours_take_their_short_form() {
        let fg = |c| pen(c, Modifier::empty());
        assert_eq!(sgr(Pen::PLAIN, fg(Color::Indexed(3))), "^[33m");
        assert_eq!(sgr(Pen::PLAIN, fg(Color::Indexed(12))), "^[94m");
        assert_eq!(sgr(Pen::PLAIN, fg(Color::Indexed(208))), "^[38;5;208m");
        assert_eq!(sgr(Pen::PLAIN, fg(Color::Rgb(1, 2, 3))), "^[38;2;1;2;3m");
        let bg = Pen {
            bg: Color::LightBlue,
            ..Pen::PLAIN
        };
        assert_eq!(sgr(Pen::PLAIN, bg), "^[104m");
    }

    #[test]
    fn an_unknown_pen_is_reset_first() {
        let mut out = Vec::new();
        transition(None, pen(Color::Red, Modifier::empty()), &mut out);
        assert_eq!(out, b"\x1b[0;31m");
    }
}
