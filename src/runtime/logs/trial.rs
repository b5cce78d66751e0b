//! Another query of the source, on trial: the old lines stay in sight until its first page came. A query that the
//! server refuses takes nothing away.

use std::future::pending;

use super::Keeper;
use super::reader::{Paging, first_question};
use crate::app::logs::LogsAsk;
use crate::backend::BackendResult;
use crate::backend::logs::Page;
use crate::domain::log::{Nanos, Wanted};

/// A query on trial.
pub(super) struct Trial {
    pub wanted: Wanted,
    pub at: Option<Nanos>,
    /// When it was asked, by our clock.
    pub asked: Nanos,
    page: Paging,
}

/// Whether nothing but the source's own query is another one.
pub(super) fn is_one(now: &LogsAsk, next: &LogsAsk) -> bool {
    let same = Wanted {
        query: now.wanted.query.clone(),
        ..next.wanted.clone()
    };
    same == now.wanted && next.wanted.query != now.wanted.query
}

impl Trial {
    /// Asks for the first page.
    pub fn of(ask: &LogsAsk, keeper: &Keeper) -> Self {
        let asked = Nanos::of(keeper.clock.now().utc);
        let question = first_question((&ask.wanted, ask.at), keeper.source.reach(), asked);
        let source = keeper.source.clone();
        Self {
            wanted: ask.wanted.clone(),
            at: ask.at,
            asked,
            page: Box::pin(async move { source.page(question).await }),
        }
    }
}

/// Waits for the first page of a query on trial; for ever where none is.
pub(super) async fn tried(trial: &mut Option<Trial>) -> (Trial, BackendResult<Page>) {
    let Some(waiting) = trial else {
        return pending().await;
    };
    let answer = (&mut waiting.page).await;
    match trial.take() {
        Some(trial) => (trial, answer),
        None => pending().await,
    }
}
