//! Pure rectangles: where everything is at a size. The view draws into them, the mouse is looked up in them.

use ratatui::layout::{Position, Rect, Size};

use crate::app::focus::{Layout, PaneId, Zoom};

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
    /// One row.
    pub bottom: Rect,
    /// Between them.
    pub middle: Middle,
}

/// Works out the rectangles.
pub fn areas(size: Size, layout: &Layout, focus: PaneId, cover: Cover) -> Areas {
    let screen = Rect::new(0, 0, size.width, size.height);
    if size.width < SMALLEST.width || size.height < SMALLEST.height {
        return Areas {
            screen,
            top: Rect::default(),
            bottom: Rect::default(),
            middle: Middle::TooSmall,
        };
    }
    let top = Rect { height: 1, ..screen };
    let bottom = Rect {
        y: screen.height - 1,
        height: 1,
        ..screen
    };
    let body = Rect {
        y: 1,
        height: screen.height - 2,
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
        bottom,
        middle,
    }
}

/// The lists at the left, the incident between or above, the preview at the right.
fn columns(body: Rect, layout: &Layout) -> Middle {
    let lists: Vec<PaneId> = layout
        .visible()
        .filter(|pane| *pane != PaneId::Incident)
        .collect();
    let incident = !layout.hidden.contains(&PaneId::Incident);
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(width: u16, height: u16) -> Areas {
        areas(
            Size { width, height },
            &Layout::default(),
            PaneId::Slo,
            Cover::Panes,
        )
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

    proptest! {
        #[test]
        fn rectangles_stay_on_the_screen_and_never_overlap(width in 0u16..400, height in 0u16..200, share in 0u16..=100, hidden in 0usize..7, zoom: bool, detail: bool) {
            let hidden = PaneId::ALL.into_iter().enumerate().filter(|(at, _)| hidden >> at & 1 == 1).map(|(_, pane)| pane).collect();
            let layout = Layout { slo_share: share, incident_share: share, hidden, zoom: if zoom { Zoom::Yes } else { Zoom::No } };
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
