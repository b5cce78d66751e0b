//! A bar with its number beside it: budget left.
//!
//! It is a heavy line over a light one, true to half a cell. Full blocks would be finer, but those of neighbouring
//! rows run into one slab, and the number says the rest.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{after, put};
use crate::text::width;
use crate::theme::{Glyphs, Role, Theme};

/// The number's cells, with the space before it: ` 100%`, ` -12%`.
pub const NUMBER: u16 = 5;

/// Draws a bar over the whole area but the number's five cells, or six for a wider one; `share` 1.0 is full, not finite is unknown, below
/// zero is an empty bar with its negative number. Below eight cells the number stands alone.
pub fn draw(buffer: &mut Buffer, area: Rect, theme: &Theme, share: f64, role: Role) {
    let area = Rect {
        height: area.height.min(1),
        ..area
    };
    let text = percent(share);
    let (number, cells) = if area.width < NUMBER + 3 {
        (NUMBER, 0)
    } else {
        // A number that is wider than most takes a cell of the bar: a blank always stands between.
        let number = NUMBER.max(width(&text) as u16 + 1);
        (number, area.width - number)
    };
    if cells > 0 {
        draw_track(buffer, Rect { width: cells, ..area }, theme, share, role);
    }
    // Only the number itself is styled: an underlined or reversed role must not paint the space before it.
    let free = number.saturating_sub(width(&text) as u16);
    put(buffer, after(area, cells + free), &text, theme.style(role));
}

/// The bar alone, over the first row of an area.
pub fn draw_track(buffer: &mut Buffer, area: Rect, theme: &Theme, share: f64, role: Role) {
    let share = if share.is_finite() {
        share.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let halves = (share * f64::from(area.width) * 2.0).round() as u32;
    // A sliver that is left is shown as one, and a bar that is full has lost nothing.
    let most = u32::from(area.width) * 2 - u32::from(share < 1.0 && area.width > 0);
    let halves = halves.clamp(u32::from(share > 0.0), most);
    let (full, half, rest) = match theme.glyphs {
        Glyphs::Unicode => ("━", "╸", "─"),
        Glyphs::Ascii => ("#", "=", "-"),
    };
    for cell in 0..area.width {
        let (symbol, role) = match halves.saturating_sub(u32::from(cell) * 2) {
            0 => (rest, Role::BudgetTrack),
            1 => (half, role),
            _ => (full, role),
        };
        let at = Rect::new(area.x + cell, area.y, 1, area.height.min(1));
        put(buffer, at, symbol, theme.style(role));
    }
}

/// A share as whole per cent, never rounded up to full or down to nothing; `–` where there is none.
pub fn percent(share: f64) -> String {
    if !share.is_finite() {
        return "–".to_owned();
    }
    let percent = share * 100.0;
    let shown = if percent > 0.0 && percent < 1.0 {
        return "<1%".to_owned();
    } else if (99.0..100.0).contains(&percent) {
        99.0
    } else if percent < 0.0 {
        percent.round().clamp(-999.0, -1.0)
    } else {
        percent.round().min(999.0)
    };
    format!("{shown:.0}%")
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{blank, hostile_areas, lines, theme};
    use super::*;

    fn drawn(share: f64, glyphs: Glyphs) -> String {
        let mut buffer = blank(13, 1);
        let area = buffer.area;
        draw(&mut buffer, area, &theme(glyphs), share, Role::BudgetHealthy);
        lines(&buffer).remove(0)
    }

    #[test]
    fn a_bar_is_true_to_half_a_cell_and_never_full_or_empty_when_it_is_not() {
        assert_eq!(drawn(1.0, Glyphs::Unicode), "━━━━━━━━ 100%");
        assert_eq!(drawn(0.999, Glyphs::Unicode), "━━━━━━━╸  99%");
        assert_eq!(drawn(0.41, Glyphs::Unicode), "━━━╸────  41%");
        assert_eq!(drawn(0.0001, Glyphs::Unicode), "╸───────  <1%");
        assert_eq!(drawn(0.0, Glyphs::Unicode), "────────   0%");
        assert_eq!(drawn(-0.123, Glyphs::Unicode), "──────── -12%");
        assert_eq!(drawn(-0.995, Glyphs::Unicode), "─────── -100%");
        assert_eq!(drawn(f64::NAN, Glyphs::Unicode), "────────    –");
        assert_eq!(drawn(0.41, Glyphs::Ascii), "###=----  41%");
    }

    #[test]
    fn a_number_never_says_full_or_empty_when_it_is_not() {
        assert_eq!(percent(0.9999), "99%");
        assert_eq!(percent(1.0), "100%");
        assert_eq!(percent(0.004), "<1%");
        assert_eq!(percent(-0.001), "-1%");
        assert_eq!(percent(-0.994), "-99%");
    }

    #[test]
    fn narrow_areas_keep_the_number_and_no_area_breaks_it() {
        let theme = theme(Glyphs::Unicode);
        let mut buffer = blank(6, 1);
        let area = buffer.area;
        draw(&mut buffer, area, &theme, 0.41, Role::BudgetHealthy);
        assert_eq!(lines(&buffer), ["  41% "]);
        for area in hostile_areas() {
            draw(&mut buffer, area, &theme, 0.5, Role::BudgetHealthy);
        }
    }
}
