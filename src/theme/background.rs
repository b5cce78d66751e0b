//! What is behind the text: told by the terminal's answer, hinted at by its environment; and the theme that goes with it.

use super::Appearance;

/// In the place of a theme's name: the one that goes with the terminal's background.
pub const AUTO: &str = "auto";

/// The shipped theme for a background.
pub fn for_background(appearance: Appearance) -> &'static str {
    match appearance {
        Appearance::Dark => "midwatch",
        Appearance::Light => "light",
    }
}

/// From this relative luminance on, black on it has more contrast than white: where (L + 0.05) / 0.05 is
/// 1.05 / (L + 0.05), by the contrast ratio of WCAG 2.1.
const EVEN: f64 = 0.179;

/// Which text a background wants, by its relative luminance (WCAG 2.1, 1.4.3).
pub fn of_background(rgb: [u8; 3]) -> Appearance {
    let [r, g, b] = rgb.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    });
    if 0.2126 * r + 0.7152 * g + 0.0722 * b > EVEN {
        Appearance::Light
    } else {
        Appearance::Dark
    }
}

/// What `COLORFGBG` says, as rxvt and its heirs set it: `15;0` or `15;default;0`, the last part the background as one
/// of the terminal's 16. Of these 7 and 9 to 15 are light.
pub fn hinted(colorfgbg: &str) -> Option<Appearance> {
    let (_, background) = colorfgbg.rsplit_once(';')?;
    match background.trim().parse::<u8>().ok()? {
        7 | 9..=15 => Some(Appearance::Light),
        0..=6 | 8 => Some(Appearance::Dark),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_background_is_light_where_black_reads_better_on_it_than_white() {
        for dark in [
            [0, 0, 0],
            [0x00, 0x2b, 0x36],
            [0x28, 0x2c, 0x34],
            [0x55, 0x55, 0x55],
            [0, 0, 255],
        ] {
            assert_eq!(of_background(dark), Appearance::Dark, "{dark:?}");
        }
        for light in [
            [255, 255, 255],
            [0xfd, 0xf6, 0xe3],
            [0x80, 0x80, 0x80],
            [255, 255, 0],
        ] {
            assert_eq!(of_background(light), Appearance::Light, "{light:?}");
        }
    }

    #[test]
    fn the_environment_hints_by_the_last_of_its_colours() {
        for (told, means) in [
            ("15;0", Some(Appearance::Dark)),
            ("0;15", Some(Appearance::Light)),
            ("0;default;7", Some(Appearance::Light)),
            ("7;8", Some(Appearance::Dark)),
            ("0;default", None),
            ("15;231", None),
            ("15", None),
            ("", None),
        ] {
            assert_eq!(hinted(told), means, "{told:?}");
        }
    }
}
