//! ASCII only: the shapes that the console itself draws are exchanged once, when the frame is finished.
//!
//! Widgets choose their own shapes by [`Glyphs`](crate::theme::Glyphs); this is for what stands within words
//! (`…`, `×`, `·`), so that no sentence has to be written twice. Remote text keeps its letters.

use ratatui::buffer::Buffer;

/// What is drawn → what stands for it, one cell each.
const STAND_INS: &[(&str, &str)] = &[
    ("…", "~"),
    ("×", "x"),
    ("·", "-"),
    ("›", ">"),
    ("–", "-"),
    ("—", "-"),
    ("→", ">"),
    ("↑", "^"),
    ("↓", "v"),
    ("▲", "^"),
    ("▌", ">"),
    ("▏", "|"),
    ("▸", "+"),
    ("▾", "-"),
    ("●", "*"),
    ("○", "o"),
    ("◌", "."),
    ("✓", "+"),
    ("✗", "x"),
    ("≈", "~"),
    ("∞", "8"),
    ("⟨", "<"),
    ("⟩", ">"),
    ("╌", "-"),
    ("│", "|"),
    ("┃", "#"),
    ("─", "-"),
    ("━", "="),
    ("█", "#"),
    ("░", "."),
    ("▁", "_"),
    ("▇", "#"),
];

/// Exchanges every shape that has a stand-in.
pub(super) fn fold(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        let symbol = cell.symbol();
        if symbol.is_ascii() {
            continue;
        }
        if let Some((_, plain)) = STAND_INS.iter().find(|(shape, _)| *shape == symbol) {
            cell.set_symbol(plain);
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn shapes_are_exchanged_and_letters_stay() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 9, 1));
        buffer.set_string(0, 0, "2.0× ü 日…", Style::default());
        fold(&mut buffer);
        let text: String = buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        assert_eq!(
            text,
            "2.0x ü 日 ~".replace("日 ~", "日 "),
            "the last shape is past the edge"
        );
    }

    #[test]
    fn every_stand_in_is_one_ascii_cell() {
        for (shape, plain) in STAND_INS {
            assert!(plain.is_ascii() && plain.len() == 1, "{shape}");
            assert_eq!(crate::text::width(shape), 1, "{shape}");
        }
    }
}
