//! Moving the cursor in as few bytes as can be.
//!
//! Relative moves rely on raw mode (a line feed keeps the column) and on full-height margins, both of which
//! the guard and the encoder keep.

use ratatui::layout::Position;

use super::push_number;

/// Where the terminal's cursor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Not known: only an absolute move helps.
    Unknown,
    /// On this cell.
    At(Position),
    /// In this row, past its last cell: terminals differ on which column that is, but all agree on CR.
    Edge { y: u16 },
}

/// Appends the shortest way from `from` to `to`.
pub(super) fn travel(from: Place, to: Position, out: &mut Vec<u8>) {
    if from == Place::At(to) {
        return;
    }
    let start = out.len();
    absolute(to, out);
    let (x, y) = match from {
        Place::Unknown => return,
        Place::At(at) => (Some(at.x), at.y),
        Place::Edge { y } => (None, y),
    };
    let middle = out.len();
    across(x, to.x, out);
    down_or_up(y, to.y, out);
    if out.len() - middle < middle - start {
        out.drain(start..middle);
    } else {
        out.truncate(middle);
    }
}

/// CUP; a one may be left out.
fn absolute(to: Position, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\x1b[");
    if to.y > 0 {
        push_number(to.y + 1, out);
    }
    if to.x > 0 {
        out.push(b';');
        push_number(to.x + 1, out);
    }
    out.push(b'H');
}

/// Within the row; from an unknown column (`None`) by way of CR.
fn across(from: Option<u16>, to: u16, out: &mut Vec<u8>) {
    let by_return = 1 + if to > 0 { relative_len(to) } else { 0 };
    let (direct, backwards) = match from {
        None => (usize::MAX, 0),
        Some(x) if x == to => return,
        Some(x) if x < to => (relative_len(to - x), 0),
        Some(x) => (relative_len(x - to).min(usize::from(x - to)), x - to),
    };
    if by_return < direct {
        out.push(b'\r');
        if to > 0 {
            relative(to, b'C', out);
        }
    } else if backwards > 0 {
        if usize::from(backwards) <= relative_len(backwards) {
            out.extend(std::iter::repeat_n(b'\x08', usize::from(backwards)));
        } else {
            relative(backwards, b'D', out);
        }
    } else if let Some(x) = from {
        relative(to - x, b'C', out);
    }
}

fn down_or_up(from: u16, to: u16, out: &mut Vec<u8>) {
    if from < to {
        let rows = to - from;
        if usize::from(rows) <= relative_len(rows) {
            out.extend(std::iter::repeat_n(b'\n', usize::from(rows)));
        } else {
            relative(rows, b'B', out);
        }
    } else if from > to {
        relative(from - to, b'A', out);
    }
}

/// How long a relative move is: `CSI n x`, where a one is left out.
pub(super) fn relative_len(by: u16) -> usize {
    match by {
        0..=1 => 3,
        2..=9 => 4,
        10..=99 => 5,
        100..=999 => 6,
        _ => 8,
    }
}

fn relative(by: u16, direction: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\x1b[");
    if by > 1 {
        push_number(by, out);
    }
    out.push(direction);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(from: Place, to: (u16, u16)) -> String {
        let mut out = Vec::new();
        travel(from, to.into(), &mut out);
        String::from_utf8(out).unwrap().escape_debug().to_string()
    }

    fn at(x: u16, y: u16) -> Place {
        Place::At(Position { x, y })
    }

    #[test]
    fn the_shortest_way_is_taken() {
        let table = [
            (at(5, 5), (5, 5), ""),
            (Place::Unknown, (0, 0), "\\u{1b}[H"),
            (Place::Unknown, (0, 4), "\\u{1b}[5H"),
            (Place::Unknown, (4, 0), "\\u{1b}[;5H"),
            (Place::Unknown, (9, 9), "\\u{1b}[10;10H"),
            (at(5, 5), (6, 5), "\\u{1b}[C"),
            (at(5, 5), (15, 5), "\\u{1b}[10C"),
            (at(5, 5), (3, 5), "\\u{8}\\u{8}"),
            (at(90, 5), (70, 5), "\\u{1b}[20D"),
            (at(90, 5), (0, 5), "\\r"),
            (at(90, 5), (0, 6), "\\r\\n"),
            (at(7, 5), (7, 7), "\\n\\n"),
            (at(7, 9), (7, 5), "\\u{1b}[4A"),
            (Place::Edge { y: 3 }, (0, 4), "\\r\\n"),
            (Place::Edge { y: 3 }, (2, 30), "\\u{1b}[31;3H"),
        ];
        for (from, to, bytes) in table {
            assert_eq!(way(from, to), bytes, "{from:?} to {to:?}");
        }
    }
}
