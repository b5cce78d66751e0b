//! Loki's side of paging: one question to `query_range`, and what its refusals tell of its limits.

use super::wire::Unread;
use super::{Loki, QUERY_RANGE, logql};
use crate::backend::http::Call;
use crate::backend::logs::entry::Found;
use crate::backend::logs::paging::{self, Limits, Pager, Question, Stretch};
use crate::backend::logs::{Direction, Page, PageQuestion};
use crate::backend::{BackendError, BackendResult, ErrorKind};

impl Loki {
    /// A page of all that is wanted. A single moment may bring more lines than the limit; pages end on whole ones.
    pub(super) async fn read_page(&self, question: PageQuestion) -> BackendResult<Page> {
        let queries = self.queries(&question.wanted).await?;
        let texts: Vec<String> = queries.iter().map(logql::Query::text).collect();
        Ok(paging::read_all(self, &texts, Stretch::of(&question))
            .await?
            .into_page())
    }
}

impl Pager for Loki {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn fetch(&self, question: Question<'_>) -> BackendResult<(Found, usize)> {
        loop {
            let limit = question.limit.min(self.limits.entries()).max(1);
            let mut call = Call::get(QUERY_RANGE)
                .param("query", question.query)
                .param("start", question.from.0.to_string())
                .param("end", question.to.0.to_string())
                .param("limit", limit.to_string())
                .param(
                    "direction",
                    match question.direction {
                        Direction::Backward => "backward",
                        Direction::Forward => "forward",
                    },
                );
            call.urgency = question.urgency;
            let answer = match self.ask(call).await {
                Ok(answer) => answer,
                Err(error) => match most_entries(&error).filter(|most| *most < limit) {
                    Some(most) => {
                        self.limits.learn_entries(most);
                        continue;
                    }
                    None => return Err(error),
                },
            };
            return match self.reader.found(&answer.body) {
                Ok(found) => Ok((found, limit)),
                Err(Unread::Metric) => Err(BackendError {
                    mend: "leave out what counts (rate, sum, …): lines are shown here".to_owned(),
                    ..self.error(
                        ErrorKind::Rejected,
                        "the query counts lines instead of finding them",
                    )
                }),
                Err(Unread::Json(why)) => Err(BackendError {
                    mend: "check that the URL leads to a Loki".to_owned(),
                    ..self.error(
                        ErrorKind::BadAnswer,
                        &format!("the answer does not read as Loki's: {why}"),
                    )
                }),
            };
        }
    }
}

/// `max entries limit per query exceeded, limit > max_entries_limit_per_query (6000 > 5000)`: the latter.
fn most_entries(error: &BackendError) -> Option<usize> {
    let (_, rest) = error.detail.split_once("max entries limit")?;
    let (_, rest) = rest.rsplit_once(" > ")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest.split_at(digits).0.parse().ok().filter(|most| *most > 0)
}
