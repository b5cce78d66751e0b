//! What the console costs, in a corner over everything: it takes no key, so that what a key costs can be seen.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Scene;
use crate::app::cost::{Cost, Shown};
use crate::terminal::Focused;
use crate::text::{SafeText, fit, fit_right};
use crate::theme::Role;
use crate::view::widget::frame::{self, Frame};
use crate::view::widget::{self, Piece, words};

const WIDTH: u16 = 40;

/// Draws it at the right, above the bottom row.
pub(in crate::view) fn draw(scene: Scene, buffer: &mut Buffer, body: Rect) {
    if scene.model.cost.shown == Shown::No {
        return;
    }
    let rows = rows(&scene.model.cost);
    let height = (rows.len() as u16 + 2).min(body.height);
    let width = WIDTH.min(body.width);
    let corner = Rect::new(body.right() - width, body.bottom() - height, width, height);
    let area = widget::clip(buffer, corner);
    widget::ground(buffer, area, scene.theme);
    let over = scene
        .model
        .cost
        .rates()
        .map_or(Duration::ZERO, |rates| rates.over);
    let frame = Frame {
        age: vec![Piece::own(words::span(over), Role::TextDim)],
        ..Frame::titled(SafeText::line("Cost"), Focused::Lost)
    };
    let inside = frame::draw(buffer, area, scene.theme, &frame);
    for (index, (name, value, more)) in rows.iter().enumerate() {
        let pieces = [
            Piece::own(format!(" {}", fit(name, 10)), Role::TextDim),
            Piece::own(fit_right(value, 10), Role::Text),
            Piece::own(format!("  {more}"), Role::TextMuted),
        ];
        scene.line(buffer, widget::row(inside, index as u16), &pieces);
    }
}

/// Name, figure, and what goes with it.
fn rows(cost: &Cost) -> [(&'static str, String, String); 6] {
    const UNKNOWN: &str = "·";
    let rates = cost.rates();
    let usage = cost.usage().unwrap_or_default();
    let told = |value: Option<String>| value.unwrap_or_else(|| UNKNOWN.to_owned());
    let draws = cost
        .draws()
        .map(|(median, worst)| format!("{}–{} ms", millis(median), millis(worst)));
    [
        (
            "frames",
            told(rates.map(|rates| format!("{:.1}/s", rates.frames))),
            draws.unwrap_or_default(),
        ),
        (
            "bytes",
            told(rates.map(|rates| format!("{:.0} B/s", rates.bytes))),
            format!("{} in all", words::bytes(cost.bytes())),
        ),
        (
            "processor",
            told(
                rates
                    .and_then(|rates| rates.cpu)
                    .map(|share| format!("{:.2} %", share * 100.0)),
            ),
            "of a core".to_owned(),
        ),
        (
            "memory",
            told(
                usage
                    .resident
                    .map(|bytes| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))),
            ),
            usage
                .threads
                .map(|count| format!("{count} threads"))
                .unwrap_or_default(),
        ),
        (
            "woken",
            told(
                rates
                    .and_then(|rates| rates.wakes)
                    .map(|wakes| format!("{wakes:.1}/s")),
            ),
            String::new(),
        ),
        (
            "requests",
            told(rates.map(|rates| format!("{:.0}/min", rates.requests))),
            String::new(),
        ),
    ]
}

/// Two digits that count: `0.3`, `46`.
fn millis(duration: Duration) -> String {
    let millis = duration.as_secs_f64() * 1_000.0;
    if millis < 9.95 {
        format!("{millis:.1}")
    } else {
        format!("{millis:.0}")
    }
}
