//! The last pass over a frame where the terminal is promised ASCII shapes: what a view or a label still holds of
//! ellipses, dots, arrows, boxes and blocks becomes its nearest ASCII character. Letters of any script stay.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Replaces every shape in an area of a buffer that ASCII has a stand-in for, cell for cell.
pub fn fold(buffer: &mut Buffer, area: Rect) {
    for position in area.positions() {
        let Some(cell) = buffer.cell_mut(position) else {
            continue;
        };
        if cell.symbol().is_ascii() {
            continue;
        }
        let mut chars = cell.symbol().chars();
        if let (Some(only), None) = (chars.next(), chars.next())
            && let Some(stand_in) = stand_in(only)
        {
            cell.set_char(stand_in);
        }
    }
}

fn stand_in(shape: char) -> Option<char> {
    Some(match shape {
        '…' => '~',
        '×' | '✗' => 'x',
        '·' | '•' => '.',
        '✎' | '–' | '—' | '─' | '━' | '╌' | '┄' | '╴' | '╶' | '╸' | '╺' => '-',
        '│' | '┃' | '┆' | '╵' | '╷' => '|',
        '●' | '◆' | '★' | '✱' | '\u{2801}'..='\u{28ff}' => '*',
        '○' | '◇' => 'o',
        '▲' | '↑' => '^',
        '▼' | '↓' | '▾' => 'v',
        '»' | '→' | '▶' | '▸' | '⟩' | '›' | '▌' | '▐' => '>',
        '←' | '◀' | '◂' | '⟨' | '‹' => '<',
        '∞' => '8',
        '░' | '▒' => ':',
        '✓' | '\u{2500}'..='\u{257f}' => '+',
        '\u{2580}'..='\u{259f}' => '#',
        '\u{2800}' => ' ',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::test_support::lines;
    use super::*;

    #[test]
    fn shapes_become_ascii_and_letters_stay() {
        let mut buffer = Buffer::with_lines(["╭1 Größe 日本 ─ 21.3× ▁▄█ ⣿ a… ● ▲ ┃", "∑ stays"]);
        let area = buffer.area;
        fold(&mut buffer, area);
        // A wide letter's second cell is empty.
        assert_eq!(
            lines(&buffer)
                .iter()
                .map(|line| line.trim_end())
                .collect::<Vec<_>>(),
            ["+1 Größe 日 本  - 21.3x ### * a~ * ^ |", "∑ stays"]
        );
    }

    #[test]
    fn no_box_block_or_braille_is_left() {
        for shape in ('\u{2500}'..='\u{259f}').chain('\u{2800}'..='\u{28ff}') {
            assert!(stand_in(shape).is_some_and(|c| c.is_ascii()), "{shape}");
        }
    }
}
