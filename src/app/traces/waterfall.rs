//! An open trace: what of it is in sight, and where the cursor is.

use std::sync::Arc;

use super::Study;
use crate::app::list::{Direction, Step};
use crate::domain::trace::{Row, TraceId};
use crate::time::Tick;

/// How far a trace has come.
#[derive(Debug, Clone)]
pub enum Reading {
    /// Asked for.
    Asked {
        /// Since when.
        since: Tick,
    },
    /// It could not be read, in words.
    Failed(String),
    /// It is here.
    Here(Arc<Study>),
}

/// An open trace.
#[derive(Debug)]
pub struct Waterfall {
    /// Which.
    pub id: TraceId,
    /// Whether it is here.
    pub reading: Reading,
    /// The span under the cursor.
    pub cursor: Row,
    /// First row shown.
    pub offset: usize,
    /// Rows that there is room for.
    pub page: usize,
}

impl Waterfall {
    /// One that was asked for.
    pub fn asked(id: TraceId, now: Tick) -> Self {
        Self {
            id,
            reading: Reading::Asked { since: now },
            cursor: Row(0),
            offset: 0,
            page: 10,
        }
    }

    /// Whether it could not be read.
    pub fn is_failed(&self) -> bool {
        matches!(self.reading, Reading::Failed(_))
    }

    /// The trace, once it is here.
    pub fn study(&self) -> Option<&Arc<Study>> {
        match &self.reading {
            Reading::Here(study) => Some(study),
            Reading::Asked { .. } | Reading::Failed(_) => None,
        }
    }

    /// Takes in what was read, or why it was not.
    pub fn take(&mut self, result: Result<Arc<Study>, String>) {
        self.reading = match result {
            Ok(study) => Reading::Here(study),
            Err(why) => Reading::Failed(why),
        };
    }

    /// Moves the cursor.
    pub fn step(&mut self, step: Step) {
        let Some(study) = self.study() else { return };
        let last = study.trace.len() - 1;
        let page = isize::try_from(self.page.max(1)).unwrap_or(isize::MAX);
        let by = match step {
            Step::Rows(by) => by,
            Step::HalfPage(Direction::Down) => (page / 2).max(1),
            Step::HalfPage(Direction::Up) => -(page / 2).max(1),
            Step::Page(Direction::Down) => page,
            Step::Page(Direction::Up) => -page,
            Step::Top => isize::MIN,
            Step::Bottom => isize::MAX,
        };
        let index = self.cursor.index().saturating_add_signed(by).min(last);
        self.cursor = Row(index as u32);
        self.offset = self.offset.min(index).max((index + 1).saturating_sub(self.page));
    }
}
