//! Folding: one, a level, a service, all; and a span that is shown alone.

use super::rows::{self, Fold};
use super::{Narrowed, Study, Waterfall};
use crate::domain::trace::Row;
use crate::domain::trace::repeats::Repeat;

impl Waterfall {
    /// Folds what is under the cursor; else goes to what it is under. False where there is nothing above.
    pub fn fold(&mut self) -> bool {
        let Some(study) = self.study().cloned() else {
            return false;
        };
        let (row, trace) = (self.cursor, &study.trace);
        let is_run = self
            .lines
            .get(self.index())
            .is_some_and(|line| line.run.is_some());
        if !is_run && trace.subtree(row).len() > 1 && !self.folds.is_closed(row) {
            self.folds.set(trace, row, Fold::Closed);
            self.arrange();
            return true;
        }
        let sibling = |run: &&Repeat| trace.parent(run.first) == trace.parent(row);
        if let Some(run) = rows::around(&study.runs, row).find(sibling).filter(|_| !is_run)
            && self.narrowed == Narrowed::No
            && self.root() != Some(row)
        {
            self.folds.set_run(run, Fold::Closed);
            self.cursor = run.first;
            self.arrange();
            return true;
        }
        match trace
            .parent(row)
            .filter(|parent| self.range().contains(&parent.index()))
        {
            Some(parent) => {
                self.cursor = parent;
                self.keep_in_sight();
                true
            }
            None => false,
        }
    }

    /// Unfolds what is under the cursor; else goes to the first that is under it. False where there is nothing.
    pub fn unfold(&mut self) -> bool {
        let Some(study) = self.study().cloned() else {
            return false;
        };
        let index = self.index();
        let Some(line) = self.lines.get(index).copied() else {
            return false;
        };
        if let Some(run) = line.run.and_then(|run| study.runs.get(run as usize)) {
            self.folds.set_run(run, Fold::Open);
        } else if self.folds.is_closed(line.row) {
            self.folds.set(&study.trace, line.row, Fold::Open);
        } else {
            let below = self.lines.get(index + 1).map(|line| line.row);
            let below = below.filter(|below| study.trace.subtree(line.row).contains(&below.index()));
            if let Some(below) = below {
                self.cursor = below;
                self.keep_in_sight();
            }
            return below.is_some();
        }
        self.arrange();
        true
    }

    /// Folds every span that something is under, or unfolds all again; which it was.
    pub fn fold_all(&mut self) -> Fold {
        let Some(study) = self.study().cloned() else {
            return Fold::Open;
        };
        let open = self.folds.is_clear();
        if open {
            for row in study.trace.rows() {
                self.folds.set(&study.trace, row, Fold::Closed);
            }
        } else {
            self.folds.clear();
        }
        self.arrange();
        if open { Fold::Closed } else { Fold::Open }
    }

    /// Folds the spans that are alike in something, or unfolds them where they are folded all; how many there are.
    pub fn fold_alike(&mut self, alike: impl Fn(&Study, Row) -> bool) -> (Fold, usize) {
        let Some(study) = self.study().cloned() else {
            return (Fold::Open, 0);
        };
        let range = self.range();
        let foldable = |row: &Row| study.trace.subtree(*row).len() > 1 && range.contains(&row.index());
        let rows: Vec<Row> = study
            .trace
            .rows()
            .filter(foldable)
            .filter(|row| alike(&study, *row))
            .collect();
        let fold = if rows.iter().all(|row| self.folds.is_closed(*row)) {
            Fold::Open
        } else {
            Fold::Closed
        };
        for row in &rows {
            self.folds.set(&study.trace, *row, fold);
        }
        self.arrange();
        (fold, rows.len())
    }

    /// Shows the span under the cursor and what is under it alone; where it is that already, what was shown before.
    pub fn reroot(&mut self) {
        if self.root() == Some(self.cursor) {
            self.roots.pop();
        } else {
            self.roots.push(self.cursor);
        }
        self.view = None;
        self.arrange();
    }
}
