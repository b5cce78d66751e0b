//! A buffer as a picture: SVG, and PNG of it.
//!
//! Boxes, blocks and braille are drawn as shapes, so that lines meet whatever font the machine has; letters stand
//! on the grid one by one. Start at [`svg`], then [`png`].

use std::fmt::Write as _;
use std::sync::Arc;

use midwatch::theme::{Appearance, Theme, xterm_rgb};
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use resvg::{tiny_skia, usvg};

use crate::shapes;

/// A cell's width in the picture's units.
pub const CELL_WIDTH: f32 = 9.0;
/// A cell's height.
pub const CELL_HEIGHT: f32 = 20.0;
/// The letters' height.
pub const FONT_SIZE: f32 = 15.0;
/// Where letters stand in a cell.
pub const BASELINE: f32 = 15.0;
/// Around the screen.
pub const MARGIN: f32 = 14.0;
/// The machine's own.
pub const FONTS: &str = "JetBrains Mono, DejaVu Sans Mono, Liberation Mono, Noto Sans Mono, monospace";

/// The terminal's own colours, which a theme leaves to it.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    /// Ordinary text.
    pub foreground: [u8; 3],
    /// Behind it.
    pub background: [u8; 3],
    /// The 16.
    pub palette: [[u8; 3]; 16],
}

/// A dark terminal, soft colours.
pub const DARK: Terminal = Terminal {
    foreground: [0xd0, 0xd0, 0xd0],
    background: [0x14, 0x16, 0x1b],
    palette: [
        [0x1c, 0x1f, 0x26],
        [0xd7, 0x5f, 0x5f],
        [0x8a, 0xb0, 0x7a],
        [0xd7, 0xaf, 0x5f],
        [0x6f, 0x9c, 0xd8],
        [0xb0, 0x8a, 0xc8],
        [0x6f, 0xb0, 0xb0],
        [0xb8, 0xbc, 0xc4],
        [0x6c, 0x72, 0x7e],
        [0xff, 0x7a, 0x72],
        [0xa8, 0xd0, 0x90],
        [0xf0, 0xc8, 0x78],
        [0x8f, 0xb8, 0xf8],
        [0xd0, 0xa8, 0xe8],
        [0x90, 0xd0, 0xd0],
        [0xf4, 0xf4, 0xf4],
    ],
};

/// A light terminal.
pub const LIGHT: Terminal = Terminal {
    foreground: [0x2a, 0x2c, 0x33],
    background: [0xfb, 0xfb, 0xf9],
    palette: [
        [0x1c, 0x1f, 0x26],
        [0xc0, 0x30, 0x30],
        [0x3a, 0x7d, 0x3a],
        [0x9a, 0x67, 0x00],
        [0x1f, 0x5f, 0xb0],
        [0x8a, 0x4f, 0xa8],
        [0x1f, 0x80, 0x88],
        [0xb0, 0xb4, 0xbc],
        [0x6c, 0x72, 0x7e],
        [0xe0, 0x48, 0x40],
        [0x4f, 0x98, 0x4f],
        [0xb8, 0x80, 0x10],
        [0x38, 0x78, 0xd0],
        [0xa8, 0x68, 0xc8],
        [0x30, 0x98, 0xa0],
        [0xff, 0xff, 0xff],
    ],
};

/// The terminal a theme is made for.
pub fn terminal_for(theme: &Theme) -> &'static Terminal {
    match theme.appearance {
        Appearance::Dark => &DARK,
        Appearance::Light => &LIGHT,
    }
}

/// A buffer as SVG.
pub fn svg(buffer: &Buffer, terminal: &Terminal) -> String {
    let area = buffer.area;
    let width = f32::from(area.width) * CELL_WIDTH + 2.0 * MARGIN;
    let height = f32::from(area.height) * CELL_HEIGHT + 2.0 * MARGIN;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\">\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"{}\"/>\n\
         <g transform=\"translate({MARGIN} {MARGIN})\" font-family=\"{FONTS}\" font-size=\"{FONT_SIZE}\" \
         xml:space=\"preserve\">\n",
        hex(terminal.background)
    );
    for y in 0..area.height {
        let cells: Vec<&Cell> = (0..area.width)
            .map(|x| &buffer[(area.x + x, area.y + y)])
            .collect();
        grounds(&mut out, &cells, y, terminal);
        inks(&mut out, &cells, y, terminal);
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// Backgrounds of a row, equal neighbours as one rectangle so that no seam shows.
fn grounds(out: &mut String, cells: &[&Cell], y: u16, terminal: &Terminal) {
    let mut x = 0;
    for run in cells.chunk_by(|a, b| colors(a, terminal).1 == colors(b, terminal).1) {
        let ground = colors(run[0], terminal).1;
        if ground != terminal.background {
            let _ = writeln!(
                out,
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{CELL_HEIGHT}\" fill=\"{}\"/>",
                x as f32 * CELL_WIDTH,
                f32::from(y) * CELL_HEIGHT,
                run.len() as f32 * CELL_WIDTH,
                hex(ground)
            );
        }
        x += run.len();
    }
}

/// Letters and shapes of a row.
fn inks(out: &mut String, cells: &[&Cell], y: u16, terminal: &Terminal) {
    let top = f32::from(y) * CELL_HEIGHT;
    let mut x = 0;
    for run in cells.chunk_by(|a, b| look(a, terminal) == look(b, terminal)) {
        let (ink, modifier) = look(run[0], terminal);
        let ink = hex(ink);
        let mut letters = String::new();
        let mut places = String::new();
        for (index, cell) in run.iter().enumerate() {
            let left = (x + index) as f32 * CELL_WIDTH;
            let symbol = cell.symbol();
            let mut chars = symbol.chars();
            let (Some(only), rest) = (chars.next(), chars.next()) else {
                continue;
            };
            if only == ' ' {
                continue;
            }
            if rest.is_some() {
                text(out, &ink, modifier, symbol, &left.to_string(), top);
            } else if let Some(shape) = shapes::shape(only, left, top, &ink) {
                out.push_str(&shape);
            } else {
                letters.push(only);
                let _ = write!(places, "{left} ");
            }
        }
        if !letters.is_empty() {
            text(out, &ink, modifier, &letters, places.trim_end(), top);
        }
        if modifier.contains(Modifier::UNDERLINED) {
            let _ = writeln!(
                out,
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"1\" fill=\"{ink}\"/>",
                x as f32 * CELL_WIDTH,
                top + BASELINE + 2.0,
                run.len() as f32 * CELL_WIDTH
            );
        }
        x += run.len();
    }
}

fn text(out: &mut String, ink: &str, modifier: Modifier, letters: &str, places: &str, top: f32) {
    let weight = if modifier.contains(Modifier::BOLD) {
        " font-weight=\"bold\""
    } else {
        ""
    };
    let slant = if modifier.contains(Modifier::ITALIC) {
        " font-style=\"italic\""
    } else {
        ""
    };
    let escaped = letters
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let _ = writeln!(
        out,
        "<text x=\"{places}\" y=\"{}\" fill=\"{ink}\"{weight}{slant}>{escaped}</text>",
        top + BASELINE
    );
}

/// Ink and attributes as they are drawn.
pub fn look(cell: &Cell, terminal: &Terminal) -> ([u8; 3], Modifier) {
    let (ink, ground) = colors(cell, terminal);
    if cell.modifier.contains(Modifier::DIM) {
        let mixed = std::array::from_fn(|i| ((u16::from(ink[i]) * 6 + u16::from(ground[i]) * 4) / 10) as u8);
        return (mixed, cell.modifier);
    }
    (ink, cell.modifier)
}

/// Ink and ground, reversal applied.
pub fn colors(cell: &Cell, terminal: &Terminal) -> ([u8; 3], [u8; 3]) {
    let ink = rgb(cell.fg, terminal).unwrap_or(terminal.foreground);
    let ground = rgb(cell.bg, terminal).unwrap_or(terminal.background);
    if cell.modifier.contains(Modifier::REVERSED) {
        (ground, ink)
    } else {
        (ink, ground)
    }
}

fn rgb(color: Color, terminal: &Terminal) -> Option<[u8; 3]> {
    let index = match color {
        Color::Reset => return None,
        Color::Rgb(r, g, b) => return Some([r, g, b]),
        Color::Indexed(index) if index >= 16 => return Some(xterm_rgb(index)),
        Color::Indexed(index) => index,
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
    Some(terminal.palette[usize::from(index)])
}

/// As CSS has it.
pub fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Turns SVG into PNG; holds the machine's fonts, which are slow to find.
pub struct Press {
    options: usvg::Options<'static>,
}

impl Press {
    /// Looks for fonts; says so where there is no monospace one.
    pub fn new() -> Result<Self, String> {
        let mut fonts = usvg::fontdb::Database::new();
        fonts.load_system_fonts();
        let Some(face) = fonts.faces().find(|face| face.monospaced) else {
            return Err("no monospace font is installed: install one, such as fonts-dejavu-core".to_owned());
        };
        let family = face
            .families
            .first()
            .map(|(name, _)| name.clone())
            .unwrap_or_default();
        fonts.set_monospace_family(family);
        Ok(Self {
            options: usvg::Options {
                fontdb: Arc::new(fonts),
                ..usvg::Options::default()
            },
        })
    }

    /// A PNG, `scale` times the SVG's size.
    pub fn png(&self, svg: &str, scale: f32) -> Result<Vec<u8>, String> {
        let tree = usvg::Tree::from_str(svg, &self.options).map_err(|e| e.to_string())?;
        let size = tree.size();
        let (width, height) = (
            (size.width() * scale).ceil() as u32,
            (size.height() * scale).ceil() as u32,
        );
        let mut pixels = tiny_skia::Pixmap::new(width, height).ok_or("a picture of no size")?;
        let transform = tiny_skia::Transform::from_scale(scale, scale);
        resvg::render(&tree, transform, &mut pixels.as_mut());
        pixels.encode_png().map_err(|e| e.to_string())
    }
}
