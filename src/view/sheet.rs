//! A long page of text and figures, of which a window is shown: details, previews, overlays.
//!
//! Text is laid out by [`text_block`]; a figure (a bar, a chart) says how many rows it takes and is painted only
//! where it is in sight, half of it too.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::widget::scrollbar::Extent;
use super::widget::text_block::{self, Block, Line};
use super::widget::{self, Piece};
use super::{Audience, Scene, figures};
use crate::text::SafeText;
use crate::theme::Role;

/// Longer remote values are cut: nobody reads them here, and wrapping them each frame would cost the frame.
const MOST_BYTES: usize = 8 * 1024;

type Paint<'a> = Box<dyn Fn(&mut Buffer, Rect) + 'a>;

enum Part<'a> {
    Text(Vec<Block<'a>>),
    Figure { rows: u16, paint: Paint<'a> },
}

/// The page.
#[derive(Default)]
pub(super) struct Sheet<'a> {
    parts: Vec<Part<'a>>,
}

impl<'a> Sheet<'a> {
    fn block(&mut self, block: Block<'a>) {
        if let Some(Part::Text(blocks)) = self.parts.last_mut() {
            blocks.push(block);
        } else {
            self.parts.push(Part::Text(vec![block]));
        }
    }

    /// A heading, set off from what is above.
    pub(super) fn heading(&mut self, heading: &'static str) {
        if !self.parts.is_empty() {
            self.blank();
        }
        self.block(Block::Line(vec![Piece::word(heading, Role::Accent)]));
    }

    /// An empty line.
    pub(super) fn blank(&mut self) {
        self.block(Block::Line(Vec::new()));
    }

    /// One line, cut at the edge.
    pub(super) fn line(&mut self, pieces: Vec<Piece<'a>>) {
        self.block(Block::Line(pieces));
    }

    /// Remote or own text, wrapped.
    pub(super) fn prose(&mut self, raw: &str, role: Role) {
        let lines = safe_lines(raw);
        self.block(Block::Prose { lines, role });
    }

    /// A label and its remote value, wrapped beside it.
    pub(super) fn pair(&mut self, label: &str, raw: &str, role: Role) {
        let label = SafeText::line(label).into_owned();
        let lines = safe_lines(raw);
        self.block(Block::Pair { label, lines, role });
    }

    /// Something painted.
    pub(super) fn figure(&mut self, rows: u16, paint: impl Fn(&mut Buffer, Rect) + 'a) {
        self.parts.push(Part::Figure {
            rows,
            paint: Box::new(paint),
        });
    }

    /// Something painted, or what it shows in words for whoever cannot see it.
    pub(super) fn chart(
        &mut self,
        scene: Scene,
        rows: u16,
        words: impl FnOnce() -> String,
        paint: impl Fn(&mut Buffer, Rect) + 'a,
    ) {
        match scene.audience {
            Audience::Eyes => self.figure(rows, paint),
            Audience::Ears => self.prose(&words(), Role::Text),
        }
    }

    /// The rows of another page below this one's.
    pub(super) fn append(&mut self, mut other: Self) {
        if !self.parts.is_empty() && !other.parts.is_empty() {
            self.blank();
        }
        self.parts.append(&mut other.parts);
    }

    /// How many rows it takes at a width.
    pub(super) fn height(&self, width: u16) -> usize {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(blocks) => text_block::layout(blocks, width).len(),
                Part::Figure { rows, .. } => usize::from(*rows),
            })
            .sum()
    }

    /// Draws the window that starts at row `scroll`, or at the last that still fills the area; which it was.
    pub(super) fn draw(&self, scene: Scene, buffer: &mut Buffer, area: Rect, scroll: u16) -> Extent {
        let shown = usize::from(area.height);
        let laid: Vec<Laid> = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Text(blocks) => Laid::Lines(text_block::layout(blocks, area.width)),
                Part::Figure { rows, paint } => Laid::Figure(*rows, paint),
            })
            .collect();
        let total: usize = laid.iter().map(Laid::rows).sum();
        let first = usize::from(scroll).min(total.saturating_sub(shown));
        let mut at = 0;
        for part in &laid {
            let rows = part.rows();
            if at + rows > first && at < first + shown {
                let hidden = first.saturating_sub(at);
                let top = (at + hidden - first) as u16;
                let window = Rect {
                    y: area.y + top,
                    height: area.height - top,
                    ..area
                };
                part.draw(scene, buffer, window, hidden);
            }
            at += rows;
        }
        Extent { first, shown, total }
    }
}

fn safe_lines(raw: &str) -> Vec<SafeText<'static>> {
    let mut end = raw.len().min(MOST_BYTES);
    while !raw.is_char_boundary(end) {
        end -= 1;
    }
    let (shown, rest) = raw.split_at(end);
    let mut lines: Vec<SafeText> = SafeText::lines(shown).map(SafeText::into_owned).collect();
    if !rest.is_empty() {
        let more = widget::words::bytes(rest.len() as u64);
        lines.push(SafeText::line(&format!("… {more} more, not shown")).into_owned());
    }
    lines
}

enum Laid<'a, 'b> {
    Lines(Vec<Line<'a>>),
    Figure(u16, &'b Paint<'a>),
}

impl Laid<'_, '_> {
    fn rows(&self) -> usize {
        match self {
            Self::Lines(lines) => lines.len(),
            Self::Figure(rows, _) => usize::from(*rows),
        }
    }

    /// Draws into a window, less the first `hidden` rows.
    fn draw(&self, scene: Scene, buffer: &mut Buffer, window: Rect, hidden: usize) {
        match self {
            Self::Lines(lines) => text_block::draw(buffer, window, scene.theme, lines, hidden),
            Self::Figure(rows, paint) if hidden == 0 && *rows <= window.height => {
                paint(
                    buffer,
                    Rect {
                        height: *rows,
                        ..window
                    },
                );
            }
            Self::Figure(rows, paint) => {
                // Cut by an edge of the window: painted aside, and what is in sight is copied.
                let mut aside = Buffer::empty(Rect::new(0, 0, window.width, *rows));
                let whole = aside.area;
                paint(&mut aside, whole);
                let visible = (usize::from(*rows) - hidden).min(usize::from(window.height)) as u16;
                for y in 0..visible {
                    for x in 0..window.width {
                        let from = aside.cell((x, y + hidden as u16)).cloned();
                        let to = buffer.cell_mut((window.x + x, window.y + y));
                        if let (Some(from), Some(to)) = (from, to) {
                            *to = from;
                        }
                    }
                }
            }
        }
    }
}

/// `labels  value` on one line, for heads of pages.
pub(super) fn moment_pieces(scene: Scene, at: chrono::DateTime<chrono::Utc>) -> Vec<Piece<'static>> {
    let (now, zone) = (scene.still.utc, scene.model.zone);
    vec![
        Piece::own(figures::moment(at, now, zone), Role::Text),
        Piece::own(
            format!(" ({} ago)", figures::row_age(figures::since(at, now))),
            Role::TextMuted,
        ),
    ]
}
