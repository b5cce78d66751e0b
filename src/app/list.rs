//! A cursor that stays on its item, by identity, while rows come, go and move.

/// Cursor and scroll of a list whose rows have identities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListState<Id> {
    /// The item under the cursor.
    pub selected: Option<Id>,
    /// Its row when it was last seen: where the cursor falls when the item is gone.
    pub index: usize,
    /// First row shown.
    pub offset: usize,
    /// Rows that were visible when last drawn or laid out: what a page is.
    pub page: usize,
    /// Whether somebody put the cursor where it is. Until then it rests on the first row, the most urgent.
    pub placed: Placed,
}

/// Whether a cursor was put somewhere by a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Placed {
    /// Nobody has touched it.
    #[default]
    ByNobody,
    /// Somebody chose its pane: it stays on its item, which nobody has picked out.
    ByFocus,
    /// It stays on its item.
    ByHand,
    /// Its item is gone, and it stands where that was: what is there now was chosen by nobody.
    Bereft,
}

impl<Id> Default for ListState<Id> {
    fn default() -> Self {
        Self {
            selected: None,
            index: 0,
            offset: 0,
            page: 10,
            placed: Placed::default(),
        }
    }
}

/// How the cursor is asked to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many rows; negative is up.
    Rows(isize),
    /// Half a page, down or up.
    HalfPage(Direction),
    /// A page, down or up.
    Page(Direction),
    /// The first row.
    Top,
    /// The last row.
    Bottom,
}

impl Step {
    /// The row that it leads to from a row, where `last` is the last one and a page has so many.
    pub fn from(self, row: usize, last: usize, page: usize) -> usize {
        let page = isize::try_from(page.max(1)).unwrap_or(isize::MAX);
        let by = match self {
            Self::Rows(by) => by,
            Self::HalfPage(Direction::Down) => (page / 2).max(1),
            Self::HalfPage(Direction::Up) => -(page / 2).max(1),
            Self::Page(Direction::Down) => page,
            Self::Page(Direction::Up) => -page,
            Self::Top => isize::MIN,
            Self::Bottom => isize::MAX,
        };
        row.saturating_add_signed(by).min(last)
    }
}

/// Down or up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Towards the end.
    Down,
    /// Towards the start.
    Up,
}

impl<Id: Clone + PartialEq> ListState<Id> {
    /// Finds the item again among new rows; where it is gone, the cursor keeps its row.
    pub fn follow(&mut self, rows: &[Id]) {
        if rows.is_empty() {
            self.index = 0;
            self.offset = 0;
            // `selected` is kept: after a moment without rows (a failed source, a filter being typed) it is found again.
            return;
        }
        if self.placed == Placed::ByNobody {
            self.selected = None;
            self.index = 0;
        }
        let found = self
            .selected
            .as_ref()
            .and_then(|id| rows.iter().position(|row| row == id));
        // One that has had no row yet takes the first that comes, and stays on that.
        if found.is_none() && self.selected.is_some() && self.placed != Placed::ByNobody {
            self.placed = Placed::Bereft;
        }
        self.index = found.unwrap_or(self.index).min(rows.len() - 1);
        self.selected = rows.get(self.index).cloned();
        self.reveal(rows.len());
    }

    /// Moves the cursor; `Stuck` at an end.
    pub fn step(&mut self, rows: &[Id], step: Step) -> Moved {
        if rows.is_empty() {
            return Moved::Stuck;
        }
        let last = rows.len() - 1;
        self.placed = Placed::ByHand;
        let before = self.index;
        self.index = step.from(before, last, self.page);
        self.selected = rows.get(self.index).cloned();
        self.reveal(rows.len());
        if self.index == before {
            Moved::Stuck
        } else {
            Moved::Yes
        }
    }

    /// Puts the cursor on a row.
    pub fn select(&mut self, rows: &[Id], index: usize) {
        if let Some(id) = rows.get(index) {
            self.placed = Placed::ByHand;
            self.selected = Some(id.clone());
            self.index = index;
            self.reveal(rows.len());
        }
    }

    /// The person did something with the row under the cursor: from here on it stays there.
    pub fn hold(&mut self) {
        self.placed = Placed::ByHand;
    }

    /// The person chose the pane, and reads the row under the cursor: from here on the cursor stays there.
    pub fn pin(&mut self) {
        if self.placed == Placed::ByNobody {
            self.placed = Placed::ByFocus;
        }
    }

    /// Sets how many rows are visible, and keeps the cursor among them.
    pub fn resize(&mut self, page: usize, rows: usize) {
        self.page = page;
        self.reveal(rows);
    }

    fn reveal(&mut self, rows: usize) {
        let page = self.page.max(1);
        if self.index < self.offset {
            self.offset = self.index;
        } else if self.index >= self.offset + page {
            self.offset = self.index + 1 - page;
        }
        self.offset = self.offset.min(rows.saturating_sub(page));
    }
}

/// Whether the cursor moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// It did.
    Yes,
    /// It is at the end already.
    Stuck,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_on_its_item_when_rows_move() {
        let mut list = ListState::default();
        list.follow(&["a", "b", "c"]);
        list.step(&["a", "b", "c"], Step::Rows(1));
        list.follow(&["c", "a", "x", "b"]);
        assert_eq!((list.selected, list.index), (Some("b"), 3));
    }

    #[test]
    fn a_cursor_nobody_has_touched_rests_on_the_most_urgent_row() {
        let mut list = ListState::default();
        list.follow(&["ok"]);
        list.follow(&["page", "ok"]);
        assert_eq!(list.selected, Some("page"));
    }

    #[test]
    fn a_cursor_of_a_pane_that_was_chosen_stays_on_its_row() {
        let mut list = ListState::default();
        list.follow(&["ok", "old"]);
        list.pin();
        list.follow(&["page", "ok", "old"]);
        assert_eq!((list.selected, list.index), (Some("ok"), 1));
        let mut early = ListState::default();
        early.pin();
        early.follow(&["ok"]);
        assert_eq!(early.placed, Placed::ByFocus, "there was no row that it lost");
        early.follow(&["page", "ok"]);
        assert_eq!(early.selected, Some("ok"));
    }

    #[test]
    fn the_cursor_keeps_its_row_when_its_item_goes() {
        let mut list = ListState {
            selected: Some("b"),
            index: 1,
            placed: Placed::ByHand,
            ..ListState::default()
        };
        list.follow(&["a", "c"]);
        assert_eq!((list.selected, list.index), (Some("c"), 1));
        assert_eq!(list.placed, Placed::Bereft, "nobody chose that one");
        list.follow(&[]);
        list.follow(&["z", "c"]);
        assert_eq!(list.selected, Some("c"), "an empty moment does not lose the item");
    }

    #[test]
    fn paging_keeps_the_cursor_in_sight() {
        let rows: Vec<usize> = (0..100).collect();
        let mut list = ListState::default();
        list.resize(10, rows.len());
        list.follow(&rows);
        list.step(&rows, Step::Page(Direction::Down));
        assert_eq!((list.index, list.offset), (10, 1));
        list.step(&rows, Step::Bottom);
        assert_eq!((list.index, list.offset), (99, 90));
        assert_eq!(list.step(&rows, Step::Rows(1)), Moved::Stuck);
        list.step(&rows, Step::Top);
        assert_eq!((list.index, list.offset), (0, 0));
    }
}
