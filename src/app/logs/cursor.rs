//! Where the cursor stands: it is moved, follows the newest line, goes to a time, a hit, a gap.

use super::bookmarks::Mark;
use super::{Follow, Kept, LogPane, LogView, Scanned, Sought, Stayed};
use crate::app::list::{Direction, Moved, Step};
use crate::domain::log::{Gap, Nanos};

impl Kept {
    /// Where the line stands, or where lines of its time would.
    fn place_in(self, view: &LogView) -> usize {
        let snapshot = &view.snapshot;
        let near = || snapshot.id_at(snapshot.seek(self.mark.at));
        let id = self.mark.find(snapshot).or_else(near);
        id.map_or(view.len(), |id| view.place_of(id))
    }
}

impl LogPane {
    /// Finds the cursor's line again; the newest while following.
    pub fn settle(&mut self) {
        let Some(view) = self.drawn().cloned() else { return };
        let count = view.len();
        self.bookmarks.settle(&view.snapshot);
        let Some(last) = count.checked_sub(1) else {
            self.place = 0;
            // Lines that come now fill the pane from its begin, however late the cursor falls among them.
            self.row = self.page.saturating_sub(1);
            return;
        };
        if self.follow == Follow::Newest {
            self.put(&view, last);
            self.row = self.page.saturating_sub(1).min(last);
            return;
        }
        if view.ask.filter == self.whole_filter()
            && let Some((line, row)) = self.back_to.take()
        {
            (self.cursor, self.row) = (Some(line), row);
        }
        let place = match self.kept {
            Some(kept) => {
                self.row = kept.row;
                kept.place_in(&view)
            }
            None => self.cursor.map_or(self.place, |id| view.place_of(id)),
        };
        self.put(&view, place.min(last));
        self.fit();
        if self.seek.is_none() && view.scanned == Scanned::All {
            self.kept = None;
        }
    }

    /// Asks for the lines around the one under the cursor, and stays on it: another store knows it by another identity,
    /// and may hold other lines before it does. A time that is gone to is gone on to. False where the newest line is
    /// followed, or the line tells no time.
    pub fn stay(&mut self) -> bool {
        if self.follow == Follow::Newest {
            return false;
        }
        if self.seek.is_none() {
            self.kept = self.cursor.zip(self.mark_here()).map(|(was, mark)| Kept {
                mark,
                row: self.row,
                was,
            });
        }
        if let Some(kept) = self.kept {
            (self.at, self.seek) = (Some(kept.mark.at), Some(kept.mark.at));
        }
        self.seek.is_some()
    }

    /// The line under the cursor, where it tells a time.
    fn mark_here(&self) -> Option<Mark> {
        let entry = self.drawn()?.snapshot.entry(self.cursor?)?;
        entry.time().map(|_| Mark::of(&entry))
    }

    /// The time that was gone to is in hand; what became of the line that was to be stayed on, if one was.
    pub fn arrive(&mut self) -> Option<Stayed> {
        self.seek = None;
        let kept = self.kept?;
        let is = self.drawn().and_then(|view| kept.mark.find(&view.snapshot));
        self.settle();
        Some(Stayed { was: kept.was, is })
    }

    /// The line that was to be stayed on is none any more.
    fn let_go(&mut self) {
        if self.kept.take().is_some() {
            self.seek = None;
        }
    }

    fn put(&mut self, view: &LogView, place: usize) {
        self.place = place;
        self.cursor = view.id_at(place);
    }

    /// The cursor's row is one of the pane's; lines above the first are no rows.
    fn fit(&mut self) {
        self.row = self.row.min(self.page.saturating_sub(1)).min(self.place);
    }

    /// How many rows the pane has now.
    pub fn resize(&mut self, page: usize) {
        if self.page == page {
            return;
        }
        self.page = page;
        if self.follow == Follow::Newest {
            self.row = page.saturating_sub(1).min(self.place);
        }
        self.fit();
    }

    /// Somebody goes elsewhere: the view stands still from there on.
    pub fn hold(&mut self) {
        self.let_go();
        self.stand();
    }

    /// The view stands still where it is.
    pub fn stand(&mut self) {
        if self.follow == Follow::Newest {
            let newest = self.view.as_ref().and_then(|view| {
                let last = view.snapshot.len().checked_sub(1)?;
                view.snapshot.id_at(last)
            });
            self.follow = Follow::Still { newest };
        }
    }

    /// Keeps the newest line in sight again.
    pub fn release(&mut self) {
        self.let_go();
        self.follow = Follow::Newest;
        self.settle();
    }

    /// Moves the cursor. Upwards stops following; the last row takes it up again.
    pub fn step(&mut self, step: Step) -> Moved {
        let Some(view) = self.drawn().cloned() else {
            return Moved::Stuck;
        };
        let Some(last) = view.len().checked_sub(1) else {
            return Moved::Stuck;
        };
        if step == Step::Bottom {
            self.release();
            return Moved::Yes;
        }
        self.hold();
        let before = self.place;
        let place = step.from(before, last, self.page);
        self.put(&view, place);
        // A page turns the whole; a row moves the cursor, and the lines only at the edge.
        self.row = match step {
            Step::Rows(by) => self.row.saturating_add_signed(by),
            Step::Top => 0,
            Step::HalfPage(_) | Step::Page(_) | Step::Bottom => self.row,
        };
        self.fit();
        if place == before { Moved::Stuck } else { Moved::Yes }
    }

    /// Puts the cursor on a line, which gets a row in the middle unless it is in sight already.
    pub fn go_to(&mut self, place: usize) {
        let Some(view) = self.drawn().cloned() else { return };
        let Some(last) = view.len().checked_sub(1) else {
            return;
        };
        let place = place.min(last);
        self.hold();
        let top = self.place.saturating_sub(self.row);
        self.row = match place.checked_sub(top) {
            Some(row) if row < self.page => row,
            Some(_) | None => self.page / 2,
        };
        self.put(&view, place);
        self.fit();
    }

    /// Puts the cursor on a line that has this row of the pane already, and leaves it there.
    pub fn select_row(&mut self, place: usize, row: usize) {
        let Some(view) = self.drawn().cloned() else { return };
        if place < view.len() {
            self.hold();
            self.put(&view, place);
            self.row = row;
            self.fit();
        }
    }

    /// Puts the cursor on the first line at or after a moment; false where all lines are older.
    pub fn go_to_time(&mut self, at: Nanos) -> bool {
        let Some(view) = self.drawn().cloned() else {
            return false;
        };
        let position = view.snapshot.seek(at);
        let place = match view.snapshot.id_at(position) {
            Some(id) => view.place_of(id),
            None => view.len(),
        };
        self.go_to(place);
        position < view.snapshot.len()
    }

    /// Gives the line under the cursor a row in the middle: what led to it is in sight, and what followed.
    pub fn center(&mut self) {
        self.row = self.page / 2;
        self.fit();
    }

    /// The next or previous hit, round the end; false where there is none.
    pub fn jump(&mut self, direction: Direction) -> bool {
        let Some(view) = self.drawn().cloned() else {
            return false;
        };
        let Some(hits) = view.hits.as_ref().filter(|hits| !hits.is_empty()) else {
            return false;
        };
        let rank = self.cursor.map_or(0, |id| hits.rank(id));
        let on_hit = self.cursor.is_some_and(|id| hits.contains(id));
        let next = match direction {
            Direction::Down => (rank + usize::from(on_hit)) % hits.len(),
            Direction::Up => (rank + hits.len() - 1) % hits.len(),
        };
        match hits.id_at(next) {
            Some(id) => {
                self.go_to(view.place_of(id));
                true
            }
            None => false,
        }
    }

    /// A search begins to be typed here.
    pub fn begin_search(&mut self) {
        self.sought = Some(Sought {
            from: self.cursor,
            row: self.row,
            follow: self.follow,
            went: None,
        });
    }

    /// Goes to the hit nearest to where the search that is being typed began, once for each text; back there where it
    /// has none.
    pub fn follow_search(&mut self) {
        let (Some(view), Some(sought), Some(search)) = (self.drawn().cloned(), &self.sought, &self.search)
        else {
            return;
        };
        let answered = view.ask.search == search.text;
        if !answered || sought.went.as_ref() == Some(&search.text) {
            return;
        }
        let (from, text) = (sought.from, search.text.clone());
        let near = view.hits.as_ref().zip(from);
        match near.and_then(|(hits, from)| hits.nearest(from)) {
            Some(id) => self.go_to(view.place_of(id)),
            None if view.scanned != Scanned::All => return,
            None => self.leave_search(),
        }
        if let Some(sought) = &mut self.sought {
            sought.went = Some(text);
        }
    }

    /// Back to where the search that is being typed began.
    pub fn leave_search(&mut self) {
        let (Some(view), Some(sought)) = (self.drawn().cloned(), &self.sought) else {
            return;
        };
        self.follow = sought.follow;
        match (self.follow, sought.from) {
            (Follow::Still { .. }, Some(from)) => {
                self.row = sought.row;
                self.put(&view, view.place_of(from).min(view.len().saturating_sub(1)));
                self.fit();
            }
            (Follow::Still { .. }, None) => {}
            (Follow::Newest, _) => self.settle(),
        }
    }

    /// The gap that the line under the cursor ends or begins, if it does.
    pub fn gap_here(&self) -> Option<&Gap> {
        let view = self.drawn()?;
        // Drawn above the first line behind it: that line and the one before it are at it.
        let own = view.gaps_before(self.place).next();
        own.or_else(|| view.gaps_before(self.place + 1).next())
    }
}
