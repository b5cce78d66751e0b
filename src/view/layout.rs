//! Pure rectangles: where everything is at a size. The view draws into them, the mouse is looked up in them.

mod waterfall;

use ratatui::layout::{Position, Rect, Size};

use super::strip;
use super::tour;
use super::widget::frame;
use crate::app::banner::undelivered;
use crate::app::focus::{Layout, PaneId, Zoom};
use crate::app::modal::Modal;
use crate::app::{Model, Strip};
use crate::time::Now;
pub use waterfall::{WaterfallParts, span_beside, waterfall_parts};

/// The smallest terminal that everything works in.
pub const SMALLEST: Size = Size {
    width: 40,
    height: 10,
};
/// From this width on, two columns.
const TWO_COLUMNS: u16 = 100;
/// From this width on, three.
const THREE_COLUMNS: u16 = 150;
/// Below this height, one pane at a time.
const MANY_ROWS: u16 = 30;

/// Whether a detail view covers the panes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cover {
    /// The panes are in sight.
    Panes,
    /// A detail has the whole middle.
    Detail,
}

/// How the middle of the screen is divided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Middle {
    /// Too small for anything but saying so.
    TooSmall,
    /// One pane or detail; with a tab bar that keeps the other panes' badges in sight.
    Single {
        /// The tab bar.
        tabs: Rect,
        /// The pane or detail.
        body: Rect,
    },
    /// Panes side by side, with a preview of what is under the cursor.
    Panes {
        /// By number.
        panes: Vec<(PaneId, Rect)>,
        /// The preview.
        preview: Option<Rect>,
    },
    /// A detail over all panes.
    Detail(Rect),
}

/// Every rectangle of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Areas {
    /// The whole.
    pub screen: Rect,
    /// One row.
    pub top: Rect,
    /// One row below the top, or none.
    pub banner: Rect,
    /// The correlation strip below those, or no row.
    pub strip: Rect,
    /// A step of the tour above the last row, or no row.
    pub tour: Rect,
    /// One row.
    pub bottom: Rect,
    /// Between them.
    pub middle: Middle,
    /// Where something is being written, while it is.
    pub composer: Option<Rect>,
}

/// Whether there is room for one pane alone, and nothing beside it to take room from.
pub fn stands_alone(model: &Model, now: Now) -> bool {
    matches!(of(model, Cover::Panes, now).middle, Middle::Single { .. })
}

/// Where everything is now.
pub fn of(model: &Model, cover: Cover, now: Now) -> Areas {
    let rows = match model.strip {
        Strip::Shown => strip::ROWS,
        Strip::Hidden => 0,
    };
    let areas = areas_below(model.size, &model.layout, (model.focus, cover), rows);
    let areas = areas.above_tour(tour::rows(model));
    let areas = match undelivered(model, now) {
        Some(_) => areas.below_banner(),
        None => areas,
    };
    match model.modal {
        Some(Modal::Compose(_)) => areas.with_composer(),
        Some(_) | None => areas,
    }
}

/// Rows of a composer at least, where the screen has them: border, an error, references, text.
const LEAST_COMPOSER: u16 = 8;
/// More would only take room from what is written about.
const MOST_COMPOSER: u16 = 16;
/// Narrower than this a text is hard to write.
const NARROW_COMPOSER: u16 = 44;
/// What is cut to make room for a composer keeps so many rows.
const LEAST_ABOVE: u16 = 5;

/// The smallest screen that has room for the strip.
const WITH_STRIP_ABOVE: Size = Size {
    width: 60,
    height: 18,
};

/// Works out the rectangles.
pub fn areas(size: Size, layout: &Layout, focus: PaneId, cover: Cover) -> Areas {
    areas_below(size, layout, (focus, cover), 0)
}

/// The same below a strip of so many rows, where there is room for it.
fn areas_below(size: Size, layout: &Layout, (focus, cover): (PaneId, Cover), rows: u16) -> Areas {
    let roomy = size.width >= WITH_STRIP_ABOVE.width && size.height >= WITH_STRIP_ABOVE.height;
    let rows = if roomy { rows } else { 0 };
    let screen = Rect::new(0, 0, size.width, size.height);
    if size.width < SMALLEST.width || size.height < SMALLEST.height {
        return Areas {
            screen,
            top: Rect::default(),
            banner: Rect::default(),
            strip: Rect::default(),
            tour: Rect::default(),
            bottom: Rect::default(),
            middle: Middle::TooSmall,
            composer: None,
        };
    }
    let top = Rect { height: 1, ..screen };
    let bottom = Rect {
        y: screen.height - 1,
        height: 1,
        ..screen
    };
    let strip = Rect {
        y: 1,
        height: rows,
        ..screen
    };
    let body = Rect {
        y: strip.bottom(),
        height: screen.height - 2 - rows,
        ..screen
    };
    let middle = if size.width < TWO_COLUMNS || size.height < MANY_ROWS {
        let tabs = Rect { height: 1, ..body };
        Middle::Single {
            tabs,
            body: Rect {
                y: body.y + 1,
                height: body.height - 1,
                ..body
            },
        }
    } else {
        match (cover, layout.zoom) {
            (Cover::Detail, _) => Middle::Detail(body),
            (Cover::Panes, Zoom::Yes) => Middle::Panes {
                panes: vec![(focus, body)],
                preview: None,
            },
            (Cover::Panes, Zoom::No) => columns(body, layout),
        }
    };
    Areas {
        screen,
        top,
        banner: Rect {
            y: 1,
            height: 0,
            ..screen
        },
        strip,
        tour: Rect { height: 0, ..bottom },
        bottom,
        middle,
        composer: None,
    }
}

/// The lists at the left, the incident between or above, the preview at the right.
fn columns(body: Rect, layout: &Layout) -> Middle {
    let lists: Vec<PaneId> = layout
        .visible()
        .filter(|pane| matches!(pane, PaneId::Slo | PaneId::Alerts))
        .collect();
    if layout.shows(PaneId::Logs) || layout.shows(PaneId::Traces) {
        return with_signals(body, layout, &lists);
    }
    let incident = layout.shows(PaneId::Incident);
    let three = body.width >= THREE_COLUMNS;
    // The lists get a little more than their share: the preview wraps, they cut.
    match (lists.as_slice(), incident, three) {
        // Two panes and room for a column each, or one pane alone: the preview has what is left.
        ([], true, _) => beside_preview(body, &[PaneId::Incident], 58),
        ([only], false, _) => beside_preview(body, &[*only], 58),
        (&[left, right], false, true) => beside_preview(body, &[left, right], 38),
        (&[only], true, true) => beside_preview(body, &[only, PaneId::Incident], 36),
        (lists, false, _) => {
            let (left, preview) = cut_column(body, 58);
            Middle::Panes {
                panes: stacked(left, lists, layout.slo_share),
                preview: Some(preview),
            }
        }
        (lists, true, true) => {
            let (left, rest) = cut_column(body, 37);
            let (middle, preview) = cut_column(rest, 54);
            let mut panes = stacked(left, lists, layout.slo_share);
            panes.push((PaneId::Incident, middle));
            Middle::Panes {
                panes,
                preview: Some(preview),
            }
        }
        (lists, true, false) => {
            let (left, right) = cut_column(body, 53);
            let mut panes = stacked(left, lists, layout.slo_share);
            let height = right.height * layout.incident_share / 100;
            let below = right.height - height;
            // A preview of a few lines shows nothing: the timeline has more use for them.
            let (height, preview) = if below < LEAST_PREVIEW {
                (right.height, None)
            } else {
                (
                    height,
                    Some(Rect {
                        y: right.y + height,
                        height: below,
                        ..right
                    }),
                )
            };
            panes.push((PaneId::Incident, Rect { height, ..right }));
            Middle::Panes { panes, preview }
        }
    }
}

/// The same with lines or traces to read: the incident above them, and the preview where there is room left.
fn with_signals(body: Rect, layout: &Layout, lists: &[PaneId]) -> Middle {
    let three = body.width >= THREE_COLUMNS;
    let (left, right) = match (lists, three) {
        ([], _) => (Rect { width: 0, ..body }, body),
        (_, true) => cut_column(body, 37),
        (_, false) => cut_column(body, 47),
    };
    let mut panes = stacked(left, lists, layout.slo_share);
    let (column, preview) = if three {
        let (column, preview) = cut_column(right, 62);
        (column, Some(preview))
    } else {
        (right, None)
    };
    let mut rest = column;
    if layout.shows(PaneId::Incident) {
        // A column of its own is high: there the lines below have more use for the rows.
        let share = layout.incident_share.min(70) * if three { 3 } else { 4 } / 4;
        let height = (column.height * share / 100).max(LEAST_PREVIEW.min(column.height));
        panes.push((PaneId::Incident, cut_rows(&mut rest, height)));
    }
    if layout.shows(PaneId::Logs) && layout.shows(PaneId::Traces) {
        // Lines need the rows more: a trace says what it has to say in one.
        let height = rest.height - (rest.height * 2 / 5).max(LEAST_TRACES.min(rest.height / 2));
        panes.push((PaneId::Logs, cut_rows(&mut rest, height)));
    }
    let last = if layout.shows(PaneId::Traces) {
        PaneId::Traces
    } else {
        PaneId::Logs
    };
    panes.push((last, rest));
    Middle::Panes { panes, preview }
}

/// The fewest rows that the traces below the lines get: a header and three of them.
const LEAST_TRACES: u16 = 6;

/// Takes so many rows off the top.
fn cut_rows(rest: &mut Rect, height: u16) -> Rect {
    let height = height.min(rest.height);
    let top = Rect { height, ..*rest };
    rest.y += height;
    rest.height -= height;
    top
}

/// The fewest rows that a preview below the incident is worth.
const LEAST_PREVIEW: u16 = 8;

/// Cuts so many per cent of the width off at the left.
fn cut_column(area: Rect, percent: u16) -> (Rect, Rect) {
    let width = area.width * percent / 100;
    let right = Rect {
        x: area.x + width,
        width: area.width - width,
        ..area
    };
    (Rect { width, ..area }, right)
}

/// A column of so many per cent for each pane, and the preview.
fn beside_preview(body: Rect, panes: &[PaneId], percent: u16) -> Middle {
    let width = body.width * percent / 100;
    let mut rest = body;
    let mut placed = Vec::new();
    for &pane in panes {
        placed.push((pane, Rect { width, ..rest }));
        rest.x += width;
        rest.width -= width;
    }
    Middle::Panes {
        panes: placed,
        preview: Some(rest),
    }
}

fn stacked(column: Rect, panes: &[PaneId], slo_share: u16) -> Vec<(PaneId, Rect)> {
    match panes {
        [only] => vec![(*only, column)],
        [upper, lower, ..] => {
            let height = (column.height * slo_share / 100).clamp(4, column.height.saturating_sub(4).max(4));
            let above = Rect { height, ..column };
            let below = Rect {
                y: column.y + height,
                height: column.height - height,
                ..column
            };
            vec![(*upper, above), (*lower, below)]
        }
        [] => Vec::new(),
    }
}

impl Areas {
    /// Makes room for a composer below what is written about: the incident, else the one thing in sight. Where no
    /// room can be made it lies over the lower half of everything.
    #[must_use]
    fn with_composer(mut self) -> Self {
        let below = Rect {
            y: self.banner.bottom(),
            height: self.tour.y.saturating_sub(self.banner.bottom()),
            ..self.screen
        };
        let host = match &mut self.middle {
            Middle::TooSmall => None,
            Middle::Single { body, .. } | Middle::Detail(body) => Some(body),
            Middle::Panes { panes, preview } => {
                let alone = panes.len() == 1 && preview.is_none();
                panes
                    .iter_mut()
                    .find(|(pane, _)| alone || *pane == PaneId::Incident)
                    .map(|(_, area)| area)
            }
        };
        let room = |area: &Rect| area.width >= NARROW_COMPOSER && area.height >= LEAST_COMPOSER + LEAST_ABOVE;
        let rows = |area: &Rect| (area.height / 2).clamp(LEAST_COMPOSER, MOST_COMPOSER);
        let composer = if let Some(host) = host.filter(|area| room(area)) {
            let height = rows(host);
            host.height -= height;
            Rect {
                y: host.bottom(),
                height,
                ..*host
            }
        } else {
            let height = rows(&below).min(below.height);
            Rect {
                y: below.bottom() - height,
                height,
                ..below
            }
        };
        self.composer = Some(composer);
        self
    }

    /// Makes room for the tour above the last row: what touches that row gives it.
    fn above_tour(mut self, rows: u16) -> Self {
        let last = self.bottom.y;
        let raise = |rect: &mut Rect| {
            if rect.bottom() == last {
                rect.height = rect.height.saturating_sub(rows);
            }
        };
        match &mut self.middle {
            Middle::TooSmall => return self,
            Middle::Single { body: rect, .. } | Middle::Detail(rect) => raise(rect),
            Middle::Panes { panes, preview } => {
                let rects = panes.iter_mut().map(|(_, rect)| rect);
                rects.chain(preview).for_each(raise);
            }
        }
        self.tour = Rect {
            y: last.saturating_sub(rows),
            height: rows,
            ..self.screen
        };
        self
    }

    /// Makes room for a banner below the top row: what touches that row gives it.
    fn below_banner(mut self) -> Self {
        let first = self.top.bottom();
        self.banner = Rect {
            y: first,
            height: 1,
            ..self.screen
        };
        let lower = |rect: &mut Rect| {
            if rect.y == first && rect.height > 0 {
                rect.y += 1;
                rect.height -= 1;
            }
        };
        if self.strip.height > 0 {
            lower(&mut self.strip);
            return self;
        }
        match &mut self.middle {
            Middle::TooSmall => self.banner.height = 0,
            Middle::Single { tabs, body } => {
                tabs.y += 1;
                body.y += 1;
                body.height -= 1;
            }
            Middle::Panes { panes, preview } => {
                let rects = panes.iter_mut().map(|(_, rect)| rect);
                rects.chain(preview).for_each(lower);
            }
            Middle::Detail(rect) => lower(rect),
        }
        self
    }

    /// The rectangle of a pane, where it is in sight.
    pub fn pane(&self, wanted: PaneId, focus: PaneId) -> Option<Rect> {
        match &self.middle {
            Middle::TooSmall | Middle::Detail(_) => None,
            Middle::Single { body, .. } => (wanted == focus).then_some(*body),
            Middle::Panes { panes, .. } => panes
                .iter()
                .find(|(pane, _)| *pane == wanted)
                .map(|(_, rect)| *rect),
        }
    }

    /// The rectangle of a detail view.
    pub fn detail(&self) -> Option<Rect> {
        match &self.middle {
            Middle::Detail(rect) | Middle::Single { body: rect, .. } => Some(*rect),
            Middle::TooSmall | Middle::Panes { .. } => None,
        }
    }

    /// The pane at a cell, and the row of its list there.
    pub fn hit(&self, at: Position, focus: PaneId) -> Option<(PaneId, Option<usize>)> {
        PaneId::ALL.into_iter().find_map(|pane| {
            let rect = self.pane(pane, focus)?;
            rect.contains(at).then(|| {
                let first = rect.y + 1 + HEADER_ROWS;
                let inside = at.y >= first && at.y < rect.y + rect.height - 1;
                (pane, inside.then(|| usize::from(at.y - first)))
            })
        })
    }
}

/// Rows of column titles above a list.
pub const HEADER_ROWS: u16 = 1;

/// How many list rows a pane's rectangle has, inside its border and below its column titles.
pub fn list_rows(pane: Rect) -> usize {
    usize::from(pane.height.saturating_sub(2 + HEADER_ROWS))
}

/// How the incident pane is divided: its list above, the timeline of the chosen one below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IncidentParts {
    /// Column titles; no row where they would only take room.
    pub header: Rect,
    /// One row an incident.
    pub list: Rect,
    /// A line that says whose it is, then events; empty where there is no room.
    pub timeline: Rect,
}

/// Rows inside the pane from which on the list has column titles.
const ROOMY: u16 = 12;

/// Divides the incident pane: one incident takes one row, and no list more than a third.
pub fn incident_parts(pane: Rect, incidents: usize) -> IncidentParts {
    let inside = frame::inner(pane);
    let most = (inside.height / 3).max(1);
    let titled = incidents > 1 && inside.height >= ROOMY;
    let rows = u16::try_from(incidents.max(1)).unwrap_or(u16::MAX).min(most);
    let header = Rect {
        height: u16::from(titled),
        ..inside
    };
    let list = Rect {
        y: header.bottom(),
        height: rows.min(inside.height),
        ..inside
    };
    let timeline = Rect {
        y: list.bottom(),
        height: inside.bottom().saturating_sub(list.bottom()),
        ..inside
    };
    IncidentParts {
        header,
        list,
        timeline,
    }
}

impl IncidentParts {
    /// Incidents that fit.
    pub fn list_rows(&self) -> usize {
        usize::from(self.list.height)
    }

    /// The line of the list at a row of the screen.
    pub fn row_at(&self, y: u16) -> Option<usize> {
        (y >= self.list.y && y < self.list.bottom()).then(|| usize::from(y - self.list.y))
    }
}

/// Rows below the list of patterns: what is known of the one under the cursor.
const PATTERN_FOOT: u16 = 8;

/// Rows above a comparison: both traces, and how they differ.
pub const COMPARISON_HEAD: u16 = 3;

/// Rows of a comparison.
pub fn comparison_rows(detail: Rect) -> usize {
    list_rows(detail).saturating_sub(usize::from(COMPARISON_HEAD))
}

/// Rows of the list of patterns.
pub fn pattern_rows(detail: Rect) -> usize {
    let rows = list_rows(detail);
    if rows > usize::from(PATTERN_FOOT) * 2 {
        rows - usize::from(PATTERN_FOOT)
    } else {
        rows
    }
}

/// The parts of the log pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogParts {
    /// How many lines there were, by time; a row, or none.
    pub strip: Rect,
    /// The names of the columns, where fields have some; a row, or none.
    pub titles: Rect,
    /// The lines.
    pub lines: Rect,
}

/// From this many rows on, one is spared for how many lines there were.
const WITH_STRIP: u16 = 8;

/// Divides the log pane, which shows so many fields as columns.
pub fn log_parts(pane: Rect, columns: usize) -> LogParts {
    let inside = frame::inner(pane);
    // As in other lists: words do not touch the frame.
    let words = Rect {
        width: inside.width.saturating_sub(1),
        ..inside
    };
    let height = u16::from(inside.height >= WITH_STRIP);
    let titled = u16::from(columns > 0 && inside.height >= WITH_STRIP);
    LogParts {
        strip: Rect { height, ..inside },
        titles: Rect {
            y: inside.y + height,
            height: titled,
            ..words
        },
        lines: Rect {
            y: inside.y + height + titled,
            height: inside.height - height - titled,
            ..words
        },
    }
}

/// From this width on, an open incident's head stands beside its timeline.
const HEAD_BESIDE: u16 = 108;
/// Cells of the head where it stands beside the timeline.
const HEAD_WIDTH: u16 = 42;

/// How an open incident is divided: who, what and until when, and its timeline.
pub fn incident_detail(area: Rect) -> (Rect, Rect) {
    let inside = frame::inner(area);
    if inside.width >= HEAD_BESIDE {
        let head = Rect {
            width: HEAD_WIDTH,
            ..inside
        };
        let gap = HEAD_WIDTH + 1;
        return (
            head,
            Rect {
                x: inside.x + gap,
                width: inside.width - gap,
                ..inside
            },
        );
    }
    let height = (inside.height / 3).clamp(inside.height.min(2), 7);
    let head = Rect { height, ..inside };
    let timeline = Rect {
        y: inside.y + height,
        height: inside.height - height,
        ..inside
    };
    (head, timeline)
}

/// Rows of an open timeline's events, below the line that heads them.
pub fn timeline_rows(detail: Rect) -> usize {
    usize::from(incident_detail(detail).1.height.saturating_sub(1))
}

/// Cells of one context's light on the page of every context.
pub const UNION_LIGHT: u16 = 30;
/// Rows of lights at most: below them stands what is the matter.
const UNION_LIGHT_ROWS: u16 = 3;

/// The parts of the page of every context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnionParts {
    /// How well each context answers.
    pub lights: Rect,
    /// Where acts are done.
    pub note: Rect,
    /// Column titles and rows.
    pub list: Rect,
}

impl UnionParts {
    /// Rows of the list.
    pub fn rows(&self) -> usize {
        usize::from(self.list.height.saturating_sub(HEADER_ROWS))
    }

    /// Lights beside each other.
    pub fn lights_a_row(&self) -> usize {
        usize::from((self.lights.width / UNION_LIGHT).max(1))
    }
}

/// The page of every context within a detail's rectangle, for so many contexts.
pub fn union_parts(detail: Rect, contexts: usize) -> UnionParts {
    let inside = Rect::new(
        detail.x + 1.min(detail.width),
        detail.y + 1.min(detail.height),
        detail.width.saturating_sub(2),
        detail.height.saturating_sub(2),
    );
    let a_row = usize::from((inside.width / UNION_LIGHT).max(1));
    let wanted = u16::try_from(contexts.div_ceil(a_row)).unwrap_or(u16::MAX);
    // Where there is hardly room, what is the matter goes before how well each answers.
    let most = if inside.height >= 12 { UNION_LIGHT_ROWS } else { 1 };
    let lights = Rect {
        height: wanted.min(most).min(inside.height),
        ..inside
    };
    let note = Rect {
        y: lights.bottom(),
        height: 1.min(inside.height - lights.height),
        ..inside
    };
    let list = Rect {
        y: note.bottom(),
        height: inside.height - lights.height - note.height,
        ..inside
    };
    UnionParts { lights, note, list }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Of a context without a log backend.
    fn at(width: u16, height: u16) -> Areas {
        let layout = Layout {
            absent: [PaneId::Logs, PaneId::Traces].into(),
            ..Layout::default()
        };
        areas(Size { width, height }, &layout, PaneId::Slo, Cover::Panes)
    }

    #[test]
    fn lines_lie_below_the_incident_beside_the_lists() {
        let at = |width, height| {
            let size = Size { width, height };
            match areas(size, &Layout::default(), PaneId::Slo, Cover::Panes).middle {
                Middle::Panes { panes, preview } => (panes, preview),
                other => panic!("columns, not {other:?}"),
            }
        };
        let (panes, preview) = at(120, 40);
        let area = |panes: &[(PaneId, Rect)], wanted| {
            let found = panes.iter().find(|(pane, _)| *pane == wanted);
            found.map(|(_, area)| *area).unwrap()
        };
        let (logs, incident) = (area(&panes, PaneId::Logs), area(&panes, PaneId::Incident));
        assert_eq!((logs.x, logs.y), (incident.x, incident.bottom()));
        assert!(logs.x > area(&panes, PaneId::Slo).x && preview.is_none());
        let (panes, preview) = at(200, 60);
        assert!(preview.unwrap().x > area(&panes, PaneId::Logs).x, "a column each");
    }

    #[test]
    fn breakpoints_are_those_of_the_design() {
        assert!(matches!(at(39, 10).middle, Middle::TooSmall));
        assert!(matches!(at(80, 24).middle, Middle::Single { .. }));
        assert!(matches!(at(120, 29).middle, Middle::Single { .. }));
        let Middle::Panes { panes, preview } = at(120, 40).middle else {
            panic!("two columns")
        };
        assert_eq!(panes.len(), 3);
        assert_eq!(panes[0].1.x, panes[1].1.x, "stacked in one column");
        assert_eq!(panes[2].1.x, preview.unwrap().x, "the incident above the preview");
        let Middle::Panes { panes, preview } = at(200, 60).middle else {
            panic!("three columns")
        };
        assert_eq!(panes[0].1.x, panes[1].1.x, "the lists share one");
        assert!(
            panes[1].1.x < panes[2].1.x && panes[2].1.x < preview.unwrap().x,
            "a column each"
        );
    }

    #[test]
    fn a_composer_takes_rows_from_what_is_written_about_and_from_nothing_else() {
        // (size, what covers the panes, what keeps its place, what gives rows)
        let panes = at(120, 40).with_composer();
        let Middle::Panes { panes: cut, .. } = &panes.middle else {
            panic!("panes")
        };
        let Middle::Panes { panes: whole, .. } = at(120, 40).middle else {
            panic!("panes")
        };
        assert_eq!(cut[..2], whole[..2], "the lists stay");
        let composer = panes.composer.unwrap();
        assert_eq!(composer.y, cut[2].1.bottom());
        assert_eq!(composer.bottom(), whole[2].1.bottom());
        let single = at(80, 24).with_composer();
        let Middle::Single { body, .. } = single.middle else {
            panic!("single")
        };
        assert_eq!(single.composer.unwrap().y, body.bottom());
        // No room: it lies over what is there.
        let tiny = at(40, 10).with_composer();
        assert_eq!(tiny.middle, at(40, 10).middle);
        assert_eq!(tiny.composer.unwrap(), Rect::new(0, 1, 40, 8));
    }

    proptest! {
        #[test]
        fn a_composer_stays_on_the_screen_and_leaves_what_it_is_about_in_sight(width in 0u16..300, height in 0u16..120, zoom: bool, detail: bool) {
            let layout = Layout { zoom: if zoom { Zoom::Yes } else { Zoom::No }, ..Layout::default() };
            let cover = if detail { Cover::Detail } else { Cover::Panes };
            let areas = areas(Size { width, height }, &layout, PaneId::Alerts, cover).with_composer();
            let composer = areas.composer.unwrap();
            prop_assert!(composer.right() <= width && composer.bottom() <= height);
            if let Some(detail) = areas.detail() {
                prop_assert!(width < NARROW_COMPOSER || detail.height < LEAST_COMPOSER + LEAST_ABOVE || !detail.intersects(composer));
            }
        }

        #[test]
        fn rectangles_stay_on_the_screen_and_never_overlap(width in 0u16..400, height in 0u16..200, share in 0u16..=100, hidden in 0usize..15, zoom: bool, detail: bool) {
            let hidden = PaneId::ALL.into_iter().enumerate().filter(|(at, _)| hidden >> at & 1 == 1).map(|(_, pane)| pane).collect();
            let layout = Layout { slo_share: share, incident_share: share, hidden, absent: std::collections::BTreeSet::new(), zoom: if zoom { Zoom::Yes } else { Zoom::No } };
            let cover = if detail { Cover::Detail } else { Cover::Panes };
            let areas = areas(Size { width, height }, &layout, PaneId::Alerts, cover);
            let rects: Vec<Rect> = match &areas.middle {
                Middle::TooSmall => vec![],
                Middle::Single { tabs, body } => vec![*tabs, *body],
                Middle::Panes { panes, preview } => panes.iter().map(|(_, r)| *r).chain(*preview).collect(),
                Middle::Detail(rect) => vec![*rect],
            };
            for (i, a) in rects.iter().enumerate() {
                prop_assert!(a.right() <= width && a.bottom() <= height);
                for b in &rects[i + 1..] {
                    prop_assert!(!a.intersects(*b), "{a:?} {b:?}");
                }
            }
        }
    }
}
