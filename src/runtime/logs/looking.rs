//! Filter and search over the store, a slice at a time.

use crate::app::logs::{LogsAsk, Scanned, search_query};
use crate::backend::logs::{Logs, Reach};
use crate::domain::log::Level;
use crate::logstore::query::Query;
use crate::logstore::search::{Budget, Search};
use crate::logstore::{LineId, Snapshot};

/// Filter and search over the store.
#[derive(Default)]
pub(super) struct Looking {
    pub(super) filter: Option<Search>,
    pub(super) sought: Option<Search>,
}

impl Looking {
    pub(super) fn of(ask: &LogsAsk, snapshot: &Snapshot, source: &dyn Logs) -> Self {
        // What does not read was said where it was typed; it shows everything and finds nothing.
        let filter = Query::parse(&ask.filter).unwrap_or_default();
        let filter = match source.reach() {
            // the source tells all it has, whatever is asked for
            Reach::Whole => Query::of_scope(&ask.wanted).and(filter),
            Reach::Present | Reach::AtHand if source.heeds_environment() => filter,
            Reach::Present | Reach::AtHand => Query::of_environment(&ask.wanted).and(filter),
        };
        let filter = Some(filter).filter(|query| !query.is_empty());
        let sought = search_query(&ask.search)
            .ok()
            .flatten()
            .map(|query| match &filter {
                Some(filter) => filter.clone().and(query),
                None => query,
            });
        let search = |query| Search::new(snapshot.clone(), query, ask.around);
        Self {
            filter: filter.map(search),
            sought: sought.map(search),
        }
    }

    pub(super) fn extend(&mut self, snapshot: &Snapshot) {
        for search in [&mut self.filter, &mut self.sought].into_iter().flatten() {
            search.extend(snapshot.clone());
        }
    }

    /// What is nearest to this line comes first from now on.
    pub(super) fn focus(&mut self, around: Option<LineId>) {
        for search in [&mut self.filter, &mut self.sought].into_iter().flatten() {
            search.focus(around);
        }
    }

    /// Looks at some more, the filter first: what is shown goes before what is marked.
    pub(super) fn step(&mut self) {
        let mut open = [&mut self.filter, &mut self.sought].into_iter().flatten();
        if let Some(search) = open.find(|search| !search.progress().is_done()) {
            search.step(Budget::default());
        }
    }

    /// Lines in hand that the filter leaves out because they tell no level.
    pub(super) fn unlevelled(&self) -> u64 {
        let filter = self
            .filter
            .as_ref()
            .filter(|search| search.query().leaves_out_unlevelled());
        let levels = filter.map(|search| search.snapshot().levels());
        levels
            .and_then(|levels| levels.get(Level::Unknown as usize).copied())
            .unwrap_or(0)
    }

    pub(super) fn is_done(&self) -> bool {
        [&self.filter, &self.sought]
            .into_iter()
            .flatten()
            .all(|search| search.progress().is_done())
    }

    pub(super) fn scanned(&self) -> Scanned {
        let open = [&self.filter, &self.sought].into_iter().flatten();
        open.map(Search::progress)
            .find(|progress| !progress.is_done())
            .map_or(Scanned::All, |progress| {
                Scanned::Partly((progress.looked_at * 100 / progress.of.max(1)) as u8)
            })
    }
}
