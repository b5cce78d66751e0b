//! The stretch of time in view: nearer, farther, along.

use super::Waterfall;
use crate::app::list::Direction;
use crate::domain::trace::scale::Scale;
use crate::domain::trace::{Nanos, Row, Stretch};

/// Cells that zooming and panning reckon with; what is in view is the same on any number of them.
const CELLS: u16 = 128;

impl Waterfall {
    /// Pans so that a span's begin is in view, where the time in view leaves it out.
    pub(super) fn bring_into_view(&mut self, row: Row) {
        let Some((study, view)) = self.study().zip(self.view) else {
            return;
        };
        let time = study.timing(self.clocks).of(row);
        if time.to < view.from || time.from > view.to {
            let whole = self.whole();
            let share = (time.from.0 as f64 - view.from.0 as f64) / view.nanos().max(1) as f64 - 0.25;
            self.see(self.scale().pan(share, whole));
        }
    }

    /// The time that there is to be seen of what is shown.
    pub fn whole(&self) -> Stretch {
        let Some(aspect) = self.aspect() else {
            return Stretch {
                from: Nanos(0),
                to: Nanos(0),
            };
        };
        self.root().map_or(aspect.whole, |root| aspect.reach(root))
    }

    /// The time in view.
    pub fn in_view(&self) -> Stretch {
        self.view.unwrap_or_else(|| self.whole())
    }

    fn scale(&self) -> Scale {
        Scale::new(self.in_view(), CELLS)
    }

    /// Takes over what a scale shows; false where that changes nothing.
    fn see(&mut self, scale: Scale) -> bool {
        let (seen, whole) = (scale.stretch(), self.whole());
        let view = (seen.from > whole.from || seen.to < whole.to).then_some(seen);
        let changed = view != self.view;
        self.view = view;
        changed
    }

    /// Shows less time, or more, about the span under the cursor; false where it goes no further.
    pub fn zoom(&mut self, factor: f64) -> bool {
        let Some(study) = self.study() else {
            return false;
        };
        let (view, span) = (self.in_view(), study.timing(self.clocks).of(self.cursor));
        let (from, to) = (span.from.max(view.from), span.to.min(view.to));
        // Out of view, it is the nearer edge.
        let about = if from <= to {
            Nanos(from.0 + (to.0 - from.0) / 2)
        } else {
            span.from.min(view.to).max(view.from)
        };
        let scale = self.scale().zoom(factor, about, self.whole());
        self.see(scale)
    }

    /// Shows just the time of the span under the cursor, with a little around it.
    pub fn zoom_to_span(&mut self) -> bool {
        let Some(study) = self.study() else {
            return false;
        };
        let span = study.timing(self.clocks).of(self.cursor);
        let around = (span.nanos() / 50).cast_signed();
        let wanted = Stretch {
            from: Nanos(span.from.0.saturating_sub(around)).max(self.whole().from),
            to: Nanos(span.to.0.saturating_add(around)).min(self.whole().to),
        };
        self.see(Scale::new(wanted, CELLS))
    }

    /// Shows all of the time.
    pub fn zoom_out_fully(&mut self) -> bool {
        self.view.take().is_some()
    }

    /// Shows the time before or behind what is in view; false at its end.
    pub fn pan(&mut self, towards: Direction) -> bool {
        let share = match towards {
            Direction::Down => 0.25,
            Direction::Up => -0.25,
        };
        let scale = self.scale().pan(share, self.whole());
        self.view.is_some() && self.see(scale)
    }
}
