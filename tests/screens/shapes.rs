//! Characters that are drawn, not written: boxes, blocks, shades, braille.

use std::fmt::Write as _;

use crate::render::{CELL_HEIGHT, CELL_WIDTH};

/// SVG for a character at a cell's left top corner; `None` for letters.
pub fn shape(c: char, x: f32, y: f32, ink: &str) -> Option<String> {
    let code = u32::from(c);
    match code {
        0x2500..=0x257f => lines(c, x, y, ink),
        0x2580..=0x2595 => Some(block(code, x, y, ink)),
        0x2800..=0x28ff => Some(braille(code - 0x2800, x, y, ink)),
        _ => None,
    }
}

fn rect(x: f32, y: f32, width: f32, height: f32, ink: &str, opacity: f32) -> String {
    let opacity = if opacity < 1.0 {
        format!(" fill-opacity=\"{opacity}\"")
    } else {
        String::new()
    };
    format!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{ink}\"{opacity}/>\n")
}

fn block(code: u32, x: f32, y: f32, ink: &str) -> String {
    let (w, h) = (CELL_WIDTH, CELL_HEIGHT);
    match code {
        0x2580 => rect(x, y, w, h / 2.0, ink, 1.0),
        0x2581..=0x2588 => {
            let part = h * (code - 0x2580) as f32 / 8.0;
            rect(x, y + h - part, w, part, ink, 1.0)
        }
        0x2589..=0x258f => rect(x, y, w * (0x2590 - code) as f32 / 8.0, h, ink, 1.0),
        0x2590 => rect(x + w / 2.0, y, w / 2.0, h, ink, 1.0),
        0x2591..=0x2593 => rect(x, y, w, h, ink, (code - 0x2590) as f32 / 4.0),
        0x2594 => rect(x, y, w, h / 8.0, ink, 1.0),
        _ => rect(x + w * 7.0 / 8.0, y, w / 8.0, h, ink, 1.0),
    }
}

fn braille(dots: u32, x: f32, y: f32, ink: &str) -> String {
    const PLACES: [(f32, f32); 8] = [
        (0.0, 0.0),
        (0.0, 1.0),
        (0.0, 2.0),
        (1.0, 0.0),
        (1.0, 1.0),
        (1.0, 2.0),
        (0.0, 3.0),
        (1.0, 3.0),
    ];
    let mut out = String::new();
    for (bit, (column, row)) in PLACES.into_iter().enumerate() {
        if dots >> bit & 1 == 1 {
            let cx = x + CELL_WIDTH * (0.25 + 0.5 * column);
            let cy = y + CELL_HEIGHT * (0.125 + 0.25 * row);
            let _ = writeln!(out, "<circle cx=\"{cx}\" cy=\"{cy}\" r=\"1.5\" fill=\"{ink}\"/>");
        }
    }
    out
}

/// Weights of the arms left, up, right, down: 0 none, 1 light, 2 heavy.
fn arms(c: char) -> Option<[u8; 4]> {
    Some(match c {
        '─' => [1, 0, 1, 0],
        '━' => [2, 0, 2, 0],
        '│' => [0, 1, 0, 1],
        '┃' => [0, 2, 0, 2],
        '┌' => [0, 0, 1, 1],
        '┐' => [1, 0, 0, 1],
        '└' => [0, 1, 1, 0],
        '┘' => [1, 1, 0, 0],
        '├' => [0, 1, 1, 1],
        '┤' => [1, 1, 0, 1],
        '┬' => [1, 0, 1, 1],
        '┴' => [1, 1, 1, 0],
        '┼' => [1, 1, 1, 1],
        '╴' => [1, 0, 0, 0],
        '╵' => [0, 1, 0, 0],
        '╶' => [0, 0, 1, 0],
        '╷' => [0, 0, 0, 1],
        '╸' => [2, 0, 0, 0],
        '╺' => [0, 0, 2, 0],
        '╼' => [1, 0, 2, 0],
        '╾' => [2, 0, 1, 0],
        _ => return None,
    })
}

fn lines(symbol: char, x: f32, y: f32, ink: &str) -> Option<String> {
    let half = CELL_WIDTH / 2.0;
    let (cx, cy) = (x + half, y + CELL_HEIGHT / 2.0);
    let (right, bottom) = (x + CELL_WIDTH, y + CELL_HEIGHT);
    let rounded = match symbol {
        '╭' => Some(format!(
            "M{cx} {} V{} Q{cx} {cy} {} {cy}",
            bottom,
            cy + half,
            right
        )),
        '╮' => Some(format!("M{cx} {} V{} Q{cx} {cy} {x} {cy}", bottom, cy + half)),
        '╰' => Some(format!("M{cx} {y} V{} Q{cx} {cy} {} {cy}", cy - half, right)),
        '╯' => Some(format!("M{cx} {y} V{} Q{cx} {cy} {x} {cy}", cy - half)),
        '╌' => Some(format!(
            "M{} {cy} h{} M{} {cy} h{}",
            x + 0.75,
            half - 1.5,
            cx + 0.75,
            half - 1.5
        )),
        _ => None,
    };
    if let Some(path) = rounded {
        return Some(format!(
            "<path d=\"{path}\" fill=\"none\" stroke=\"{ink}\" stroke-width=\"1.2\"/>\n"
        ));
    }
    let weights = arms(symbol)?;
    let ends = [(x, cy), (cx, y), (right, cy), (cx, bottom)];
    let mut out = String::new();
    for (weight, (ex, ey)) in weights.into_iter().zip(ends) {
        if weight > 0 {
            let thick = if weight == 2 { 2.6 } else { 1.2 };
            let _ = writeln!(
                out,
                "<path d=\"M{cx} {cy} L{ex} {ey}\" stroke=\"{ink}\" stroke-width=\"{thick}\"/>"
            );
        }
    }
    Some(out)
}
