//! Colours brought down to what a terminal shows: 24 bits → 256 → 16 → none.
//!
//! Distances are taken in Oklab (Björn Ottosson, 2020), where equal steps look equal. The last step down, to
//! the terminal's own 16, goes by hue: a muted green has to stay green, though grey would be nearer.
//! Start at [`reduce`].

use std::sync::LazyLock;

use ratatui::style::Color;

use super::ColorDepth;

/// The colour to send at a depth; `None` where it shows none.
///
/// A 24-bit colour that the 256-colour cube holds exactly is sent as its index: fewer bytes, same light.
pub fn reduce(color: Color, depth: ColorDepth) -> Option<Color> {
    match depth {
        ColorDepth::None => None,
        ColorDepth::Ansi16 => Some(to_16(color)),
        ColorDepth::Ansi256 => Some(to_256(color)),
        ColorDepth::TrueColor => Some(match color {
            Color::Rgb(r, g, b) => exact_256([r, g, b]).map_or(color, Color::Indexed),
            other => other,
        }),
    }
}

fn exact_256(rgb: [u8; 3]) -> Option<u8> {
    (16..=255).find(|&index| xterm_rgb(index) == rgb)
}

fn to_256(color: Color) -> Color {
    let Color::Rgb(r, g, b) = color else {
        return color;
    };
    let wanted = oklab([r, g, b]);
    (16..=255u8)
        .zip(&*CUBE)
        .min_by(|(_, a), (_, b)| distance(wanted, **a).total_cmp(&distance(wanted, **b)))
        .map_or(color, |(index, _)| Color::Indexed(index))
}

/// The colours 16 to 255 in Oklab: roots and powers that are not to be taken for each colour of a theme anew.
static CUBE: LazyLock<[[f64; 3]; 240]> =
    LazyLock::new(|| std::array::from_fn(|place| oklab(xterm_rgb(place as u8 + 16))));

fn to_16(color: Color) -> Color {
    let rgb = match color {
        Color::Rgb(r, g, b) => [r, g, b],
        Color::Indexed(index) if index < 16 => return NAMED.get(usize::from(index)).map_or(color, |n| n.1),
        Color::Indexed(index) => xterm_rgb(index),
        named => return named,
    };
    let [lightness, a, b] = oklab(rgb);
    if a.hypot(b) < 0.035 {
        return match lightness {
            l if l < 0.28 => Color::Black,
            l if l < 0.66 => Color::DarkGray,
            l if l < 0.90 => Color::Gray,
            _ => Color::White,
        };
    }
    let hue = b.atan2(a).to_degrees().rem_euclid(360.0);
    let (plain, bright) = match hue {
        h if h < 45.0 => (Color::Red, Color::LightRed),
        h if h < 125.0 => (Color::Yellow, Color::LightYellow),
        h if h < 172.0 => (Color::Green, Color::LightGreen),
        h if h < 225.0 => (Color::Cyan, Color::LightCyan),
        h if h < 290.0 => (Color::Blue, Color::LightBlue),
        h if h < 345.0 => (Color::Magenta, Color::LightMagenta),
        _ => (Color::Red, Color::LightRed),
    };
    if lightness > 0.66 { bright } else { plain }
}

/// The 16 by the names theme files use, in the order of their numbers.
pub(super) const NAMED: [(&str, Color); 16] = [
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("white", Color::Gray),
    ("bright-black", Color::DarkGray),
    ("bright-red", Color::LightRed),
    ("bright-green", Color::LightGreen),
    ("bright-yellow", Color::LightYellow),
    ("bright-blue", Color::LightBlue),
    ("bright-magenta", Color::LightMagenta),
    ("bright-cyan", Color::LightCyan),
    ("bright-white", Color::White),
];

/// The light of a colour of the 256, as xterm has them; the first 16 vary from terminal to terminal.
pub fn xterm_rgb(index: u8) -> [u8; 3] {
    const FIRST: [[u8; 3]; 16] = [
        [0, 0, 0],
        [205, 0, 0],
        [0, 205, 0],
        [205, 205, 0],
        [0, 0, 238],
        [205, 0, 205],
        [0, 205, 205],
        [229, 229, 229],
        [127, 127, 127],
        [255, 0, 0],
        [0, 255, 0],
        [255, 255, 0],
        [92, 92, 255],
        [255, 0, 255],
        [0, 255, 255],
        [255, 255, 255],
    ];
    let step = |level: u8| if level == 0 { 0 } else { 55 + 40 * level };
    match index {
        0..=15 => FIRST.get(usize::from(index)).copied().unwrap_or_default(),
        16..=231 => {
            let cube = index - 16;
            [step(cube / 36), step(cube / 6 % 6), step(cube % 6)]
        }
        232..=255 => [8 + 10 * (index - 232); 3],
    }
}

/// sRGB → Oklab (lightness, green–red, blue–yellow): <https://bottosson.github.io/posts/oklab/>.
fn oklab(rgb: [u8; 3]) -> [f64; 3] {
    let [red, green, blue] = rgb.map(|channel| {
        let level = f64::from(channel) / 255.0;
        if level <= 0.04045 {
            level / 12.92
        } else {
            ((level + 0.055) / 1.055).powf(2.4)
        }
    });
    let long = (0.412_221_470_8 * red + 0.536_332_536_3 * green + 0.051_445_992_9 * blue).cbrt();
    let medium = (0.211_903_498_2 * red + 0.680_699_545_1 * green + 0.107_396_956_6 * blue).cbrt();
    let short = (0.088_302_461_9 * red + 0.281_718_837_6 * green + 0.629_978_700_5 * blue).cbrt();
    [
        0.210_454_255_3 * long + 0.793_617_785 * medium - 0.004_072_046_8 * short,
        1.977_998_495_1 * long - 2.428_592_205 * medium + 0.450_593_709_9 * short,
        0.025_904_037_1 * long + 0.782_771_766_2 * medium - 0.808_675_766 * short,
    ]
}

fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_that_the_cube_holds_is_sent_by_number() {
        assert_eq!(
            reduce(Color::Rgb(0xff, 0x5f, 0x5f), ColorDepth::TrueColor),
            Some(Color::Indexed(203))
        );
        assert_eq!(
            reduce(Color::Rgb(0xff, 0x5f, 0x60), ColorDepth::TrueColor),
            Some(Color::Rgb(0xff, 0x5f, 0x60))
        );
    }

    #[test]
    fn every_colour_of_the_256_is_its_own_nearest() {
        for index in 16..=255u8 {
            let [r, g, b] = xterm_rgb(index);
            let Some(Color::Indexed(found)) = reduce(Color::Rgb(r, g, b), ColorDepth::Ansi256) else {
                panic!("{index}");
            };
            assert_eq!(xterm_rgb(found), xterm_rgb(index));
        }
        assert_eq!(
            reduce(Color::Rgb(250, 92, 97), ColorDepth::Ansi256),
            Some(Color::Indexed(203))
        );
    }

    #[test]
    fn hues_survive_the_fall_to_sixteen() {
        for (rgb, expected) in [
            ([0xff, 0x5f, 0x5f], Color::LightRed),
            ([0xd7, 0x00, 0x00], Color::Red),
            ([0xff, 0xaf, 0x5f], Color::LightYellow),
            ([0xaf, 0x5f, 0x00], Color::Yellow),
            ([0x87, 0xaf, 0x87], Color::LightGreen),
            ([0x00, 0x5f, 0xaf], Color::Blue),
            ([0x87, 0xaf, 0xff], Color::LightBlue),
            ([0xaf, 0x87, 0xd7], Color::LightMagenta),
            ([0x5f, 0xd7, 0xd7], Color::LightCyan),
            ([0x76, 0x76, 0x76], Color::DarkGray),
            ([0x9e, 0x9e, 0x9e], Color::Gray),
            ([0xee, 0xee, 0xee], Color::White),
            ([0x08, 0x08, 0x08], Color::Black),
        ] {
            let [r, g, b] = rgb;
            assert_eq!(
                reduce(Color::Rgb(r, g, b), ColorDepth::Ansi16),
                Some(expected),
                "{rgb:?}"
            );
        }
    }

    #[test]
    fn the_terminals_own_colours_pass_and_nothing_passes_at_none() {
        for depth in [ColorDepth::Ansi16, ColorDepth::Ansi256, ColorDepth::TrueColor] {
            assert_eq!(reduce(Color::Red, depth), Some(Color::Red));
            assert_eq!(reduce(Color::Reset, depth), Some(Color::Reset));
        }
        assert_eq!(reduce(Color::Red, ColorDepth::None), None);
        assert_eq!(
            reduce(Color::Indexed(9), ColorDepth::Ansi16),
            Some(Color::LightRed)
        );
    }
}
