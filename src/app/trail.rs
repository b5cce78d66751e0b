//! Where pivots were made from, so that one is undone with everything it changed: the way back is what was there.

use super::focus::PaneId;
use super::logs::Left;
use super::scope::ScopeStack;
use super::{DetailView, Model};
use crate::domain::trace::summary::Outcome;

/// Pivots that can be undone, one after the other.
pub const LONGEST: usize = 16;

/// A place that was left by a pivot.
#[derive(Debug, Clone, PartialEq)]
pub struct Whence {
    /// The pane that had the keys.
    pub focus: PaneId,
    /// What lay open over the panes.
    pub details: Vec<DetailView>,
    /// The scope before.
    pub before: ScopeStack,
    /// The scope that the pivot made: once there is another, that is undone first.
    pub after: ScopeStack,
    /// What the lines were narrowed to.
    pub logs: Left,
    /// What the traces were narrowed to: query, filter, outcome.
    pub traces: (String, String, Outcome),
}

impl Whence {
    /// Here and now.
    pub fn here(model: &Model) -> Self {
        let traces = &model.traces;
        Self {
            focus: model.focus,
            details: model.details.clone(),
            before: model.scope.clone(),
            after: ScopeStack::default(),
            logs: model.logs.left(),
            traces: (traces.query.clone(), traces.filter.clone(), traces.outcome),
        }
    }

    /// Goes back there. The panes are still to be turned to the scope that holds again.
    pub fn restore(self, model: &mut Model) {
        if self.logs != model.logs.left() {
            model.logs.take_up(self.logs);
        }
        let traces = &mut model.traces;
        (traces.query, traces.filter, traces.outcome) = self.traces;
        model.focus = self.focus;
        model.details = self.details;
        model.scope = self.before;
    }
}
