//! A bar to an eighth of a cell with its number beside it: budget left.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{after, put};
use crate::text::fit_right;
use crate::theme::{Glyphs, Role, Theme};

const EIGHTHS: [&str; 8] = [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// The number's cells, with the space before it: ` 100%`, ` -12%`.
pub const NUMBER: u16 = 5;

/// Draws a bar over the whole area but the number's five cells; `share` 1.0 is full, not finite is unknown, below
/// zero is an empty bar with its negative number. Below eight cells the number stands alone.
pub fn draw(buffer: &mut Buffer, area: Rect, theme: &Theme, share: f64, role: Role) {
    let area = Rect {
        height: area.height.min(1),
        ..area
    };
    let cells = if area.width < NUMBER + 3 {
        0
    } else {
        area.width - NUMBER
    };
    if cells > 0 {
        draw_track(buffer, Rect { width: cells, ..area }, theme, share, role);
    }
    let number = after(area, cells);
    let text = fit_right(&percent(share), usize::from(number.width.min(NUMBER)));
    put(buffer, number, &text, theme.style(role));
}

/// The bar alone, over the whole first row of an area.
pub fn draw_track(buffer: &mut Buffer, area: Rect, theme: &Theme, share: f64, role: Role) {
    let share = if share.is_finite() {
        share.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let eighths = (share * f64::from(area.width) * 8.0).round() as u32;
    // A sliver that is left is shown as one: an empty bar means nothing is left.
    let eighths = if share > 0.0 { eighths.max(1) } else { 0 };
    let track = theme.style(Role::BudgetTrack);
    let filled = match track.bg {
        Some(ground) => theme.style(role).bg(ground),
        None => theme.style(role),
    };
    for cell in 0..area.width {
        let part = eighths.saturating_sub(u32::from(cell) * 8).min(8);
        let (symbol, style) = match (theme.glyphs, part) {
            (Glyphs::Unicode, 0) if track.bg.is_some() => (" ", track),
            (Glyphs::Unicode, 0) => ("·", track),
            (Glyphs::Unicode, 8) => ("█", theme.style(role)),
            (Glyphs::Unicode, part) => (EIGHTHS[part as usize], filled),
            (Glyphs::Ascii, part) if part >= 4 || (cell == 0 && part > 0) => ("#", theme.style(role)),
            (Glyphs::Ascii, _) => ("-", track),
        };
        put(
            buffer,
            Rect::new(area.x + cell, area.y, 1, area.height.min(1)),
            symbol,
            style,
        );
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
        percent.floor().max(-999.0)
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
    fn a_bar_is_true_to_an_eighth_of_a_cell() {
        assert_eq!(drawn(1.0, Glyphs::Unicode), "████████ 100%");
        assert_eq!(drawn(0.41, Glyphs::Unicode), "███▎      41%");
        assert_eq!(drawn(0.0, Glyphs::Unicode), "           0%");
        assert_eq!(drawn(0.0001, Glyphs::Unicode), "▏         <1%");
        assert_eq!(drawn(-0.123, Glyphs::Unicode), "         -13%");
        assert_eq!(drawn(f64::NAN, Glyphs::Unicode), "            –");
    }

    #[test]
    fn ascii_draws_it_in_hashes() {
        assert_eq!(drawn(0.41, Glyphs::Ascii), "###-----  41%");
        assert_eq!(drawn(0.001, Glyphs::Ascii), "#-------  <1%");
    }

    #[test]
    fn a_number_never_says_full_or_empty_when_it_is_not() {
        assert_eq!(percent(0.9999), "99%");
        assert_eq!(percent(1.0), "100%");
        assert_eq!(percent(0.004), "<1%");
        assert_eq!(percent(-0.001), "-1%");
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
