//! A trace's waterfall: the tree at the left, the bars at the right.
//!
//! Only the lines in sight are formatted, and what a bar is made of is looked up by the time in view: a hundred thousand
//! spans cost what fifty do. `head` says what the trace is and comes to, `tree` and `bars` draw a line, `map` the trace in
//! little and the ruler; `span` and `facts` are the pages that are opened from it.

mod bars;
pub(in crate::view) mod facts;
mod head;
mod map;
pub(in crate::view) mod span;
mod tree;

use std::fmt::Write as _;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::action::Action;
use crate::app::traces::waterfall::{Reading, Waterfall};
use crate::app::traces::{Aspect, Clocks, Study};
use crate::domain::trace::scale::Scale;
use crate::domain::trace::{Row, TraceId};
use crate::terminal::Focused;
use crate::text::SafeText;
use crate::theme::{ColorDepth, Glyphs, Role};
use crate::view::layout::waterfall_parts;
use crate::view::pane::{message, skeleton, thumb};
use crate::view::widget::frame::{self, Frame};
use crate::view::widget::scrollbar::Extent;
use crate::view::widget::{self, Piece};
use crate::view::{Scene, hints};

pub(in crate::view) use head::{matches_said, rows as head_rows};

/// Sooner, nobody has to be told that something is awaited.
const PATIENCE: Duration = Duration::from_millis(300);

/// What is drawn from: a trace that is here.
#[derive(Clone, Copy)]
struct Sight<'a> {
    scene: Scene<'a>,
    open: &'a Waterfall,
    study: &'a Study,
    aspect: &'a Aspect,
    /// The time in view, on the cells of the bars.
    scale: Scale,
    shapes: Shapes,
}

/// What bars are drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shapes {
    /// Blocks; colours tell own time from children's.
    Blocks,
    /// Blocks and shades: there are no colours.
    Shades,
    /// ASCII.
    Ascii,
}

impl Sight<'_> {
    /// When a span was, by the clocks that are shown.
    fn time(&self, row: Row) -> crate::domain::trace::Stretch {
        self.study.timing(self.open.clocks).of(row)
    }

    /// When it was as it came, where other clocks are shown and moved it.
    fn ghost(&self, row: Row) -> Option<crate::domain::trace::Stretch> {
        let sent = self.study.timing(Clocks::Sent).of(row);
        (self.open.clocks == Clocks::Moved && sent != self.time(row)).then_some(sent)
    }
}

/// What of a trace has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::view) enum Keys {
    /// The waterfall.
    Waterfall,
    /// A span beside it, which turns with the cursor.
    Span,
}

/// Draws it.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect, (id, keys): (TraceId, Keys)) {
    let Some(open) = scene.model.traces.opened(id) else {
        return gone(scene, buffer, area, id);
    };
    let (study, aspect) = match (&open.reading, open.aspect()) {
        (Reading::Here(study), Some(aspect)) => (study, aspect),
        (reading, _) => return not_here(scene, buffer, area, (id, reading)),
    };
    let parts = waterfall_parts(area, head::rows(open, area.width));
    let parts = match keys {
        Keys::Waterfall => parts,
        Keys::Span => parts.beside(),
    };
    let bars = widget::after(parts.lines, parts.tree);
    let shapes = match (scene.theme.glyphs, scene.theme.depth) {
        (Glyphs::Ascii, _) => Shapes::Ascii,
        (Glyphs::Unicode, ColorDepth::None) => Shapes::Shades,
        (Glyphs::Unicode, ColorDepth::Ansi16 | ColorDepth::Ansi256 | ColorDepth::TrueColor) => Shapes::Blocks,
    };
    let sight = Sight {
        scene,
        open,
        study,
        aspect,
        scale: Scale::new(open.in_view(), bars.width),
        shapes,
    };
    frame::draw(buffer, area, scene.theme, &border(sight, keys));
    head::draw(sight, buffer, parts.head);
    let (legend, map) = halves(parts.map, parts.tree);
    map::legend(sight, buffer, legend);
    map::draw(sight, buffer, map);
    let (columns, ruler) = halves(parts.ruler, parts.tree);
    tree::columns(sight, buffer, columns);
    map::ruler(sight, buffer, ruler);
    lines(sight, buffer, parts.lines, parts.tree);
    head::foot(sight, buffer, parts.foot);
    beneath(sight, buffer, parts.span);
    let extent = Extent {
        first: open.offset,
        shown: usize::from(parts.lines.height),
        total: open.lines.len(),
    };
    thumb(scene, buffer, area, extent, Focused::Gained);
}

/// The span under the cursor, as far as it fits; opened, it can be scrolled.
fn beneath(sight: Sight, buffer: &mut Buffer, area: Rect) {
    let scene = sight.scene;
    let pages = span::pages(scene, sight.study.trace.id(), sight.open.cursor);
    let (Some(pages), false) = (pages, area.is_empty()) else {
        return;
    };
    let rule = "─".repeat(usize::from(area.width));
    scene.line(buffer, widget::row(area, 0), &[Piece::own(rule, Role::Border)]);
    let body = Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    };
    match super::halves(body) {
        Some((left, right)) => {
            pages.first.draw(scene, buffer, left, 0);
            pages.second.draw(scene, buffer, right, 0);
        }
        None => {
            pages.joined().draw(scene, buffer, super::margins(body), 0);
        }
    }
}

fn halves(area: Rect, tree: u16) -> (Rect, Rect) {
    let left = Rect {
        width: tree.min(area.width),
        ..area
    };
    (left, widget::after(area, tree))
}

fn lines(sight: Sight, buffer: &mut Buffer, area: Rect, tree: u16) {
    let open = sight.open;
    let shown = open.lines.get(open.offset..).unwrap_or_default();
    let shown = &shown[..shown.len().min(usize::from(area.height))];
    let indent = tree::Indent::of(sight, shown, tree);
    let mut brush = bars::Brush::new(sight);
    for (index, line) in shown.iter().enumerate() {
        let (left, right) = halves(widget::row(area, index as u16), tree);
        tree::draw(sight, buffer, left, (open.offset + index, *line), indent);
        brush.draw(buffer, right, *line);
    }
    let rows = Rect {
        height: shown.len() as u16,
        ..widget::after(area, tree)
    };
    bars::columns(sight, buffer, rows);
}

fn border(sight: Sight, keys: Keys) -> Frame<'static> {
    let (open, study) = (sight.open, sight.study);
    let mut count = Vec::new();
    if open.view.is_some() {
        let [from, to] = sight.scale.ends(sight.aspect.whole.from);
        count.push(Piece::own(format!("{from} to {to}"), Role::Accent));
    }
    let all = open.range().len();
    let hidden = all - open.lines.len().min(all);
    let mut foot = format!(
        "{} of {}",
        head::grouped(open.index() + 1),
        head::grouped(open.lines.len())
    );
    if hidden > 0 {
        let _ = write!(foot, " · {} folded away", head::grouped(hidden));
    }
    Frame {
        count,
        foot: vec![Piece::own(foot, Role::TextMuted)],
        ..Frame::titled(
            SafeText::line(&format!("Trace {}", study.trace.id())).into_owned(),
            match keys {
                Keys::Waterfall => Focused::Gained,
                Keys::Span => Focused::Lost,
            },
        )
    }
}

fn titled(scene: Scene, buffer: &mut Buffer, area: Rect, id: TraceId) -> Rect {
    let title = format!("Trace {id}");
    let frame = Frame::titled(SafeText::line(&title), Focused::Gained);
    frame::draw(buffer, area, scene.theme, &frame)
}

fn not_here(scene: Scene, buffer: &mut Buffer, area: Rect, (id, reading): (TraceId, &Reading)) {
    let inside = titled(scene, buffer, area, id);
    let key = |action| hints::key(scene, action).unwrap_or_default();
    match reading {
        Reading::Asked { since } => {
            let waited = scene.now.tick.since(*since);
            if waited < PATIENCE {
                return skeleton(scene, buffer, inside);
            }
            let seconds = waited.as_secs();
            let head = match seconds {
                0 => "reading…".to_owned(),
                _ => format!("reading… {seconds} s"),
            };
            let more = [format!("{} goes back; what is read is kept.", key(Action::Back))];
            message(scene, buffer, inside, (&head, Role::StateBusy), &more);
        }
        Reading::Failed(why) => {
            let head = ("The trace could not be read.", Role::StateFailed);
            let more = [
                why.clone(),
                format!(
                    "{} reads it again, {} goes back.",
                    key(Action::Open),
                    key(Action::Back)
                ),
            ];
            message(scene, buffer, inside, head, &more);
        }
        Reading::Here(_) => {}
    }
}

fn gone(scene: Scene, buffer: &mut Buffer, area: Rect, id: TraceId) {
    let inside = titled(scene, buffer, area, id);
    let back = hints::key(scene, Action::Back).unwrap_or_default();
    let head = ("The trace was put away: others were opened since.", Role::Text);
    message(scene, buffer, inside, head, &[format!("{back} goes back.")]);
}
