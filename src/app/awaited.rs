//! Which open pages still wait for what they were opened for: whoever reads a page once wants it when it is there.

use super::Model;
use super::feed::Feed;
use super::focus::{Detail, Page};
use super::traces::waterfall::Reading;

impl Model {
    /// Whether the open page waits for its answer; a page that has a part of its own to show does not wait for the rest.
    pub fn is_page_awaited(&self) -> bool {
        match self.detail() {
            Some(Detail::Page(page)) => self.is_text_awaited(page),
            Some(Detail::Runbook(_)) => self.runbook.as_ref().is_some_and(|page| page.read.is_none()),
            Some(Detail::Case(_)) => self.case.as_ref().is_some_and(super::case::OpenCase::is_looking),
            Some(Detail::Incident(_)) => is_unheard(&self.incidents.timeline),
            Some(Detail::Trace(id)) => {
                let open = self.traces.opened(*id);
                open.is_some_and(|open| matches!(open.reading, Reading::Asked { .. }))
            }
            Some(Detail::ServiceGraph) => self.traces.calls.is_none(),
            Some(Detail::Comparison(..)) => {
                let open = self.traces.comparison.as_ref();
                open.is_some_and(|open| open.aligned.is_none())
            }
            Some(
                Detail::Slo(_)
                | Detail::Alert(_)
                | Detail::Silences
                | Detail::LogLine(_)
                | Detail::Patterns
                | Detail::Span(..)
                | Detail::TraceFacts(_)
                | Detail::Outbox,
            )
            | None => false,
        }
    }

    fn is_text_awaited(&self, page: &Page) -> bool {
        match page {
            Page::WriteUp(what) => self.written.as_ref().is_none_or(|(written, _)| written != what),
            Page::OnCall => is_unheard(&self.incidents.roster),
            Page::Query => self.query.asked.is_some() && self.query.answer.is_none(),
            Page::Contexts => self.union.reports.iter().any(|report| report.is_unheard()),
        }
    }
}

fn is_unheard<T>(feed: &Feed<T>) -> bool {
    feed.value().is_none() && feed.failure().is_none()
}
