//! Pages of the past that tile: none ends within a millisecond.

use super::Elastic;
use super::answer::{Hit, batch};
use super::question::{MILLI, Span};
use super::walk::{End, Held, Walk, Walked};
use crate::backend::BackendResult;
use crate::backend::logs::{Direction, More, Page, PageQuestion};
use crate::domain::log::{Gap, GapReason, Nanos};

/// Lines of one millisecond that are read; beyond, the page says that lines are missing.
const MOMENT: usize = 20_000;
/// Lines of a page at most, whatever is asked.
const MOST: usize = 50_000;

impl Elastic {
    /// Reads a page. It has fewer lines than asked where the last millisecond would not be whole, and more
    /// where a single one has more.
    pub(super) async fn read_page(&self, question: PageQuestion) -> BackendResult<Page> {
        let server = self.server().await?;
        let mut page = Page::default();
        let mut span = Span::around(question.from, question.to);
        let walk = |span, most| Walk {
            wanted: &question.wanted,
            span,
            direction: question.direction,
            most,
            held: Held::ByPit,
        };
        loop {
            if matches!(span, Span { from: Some(from), to: Some(to) } if from >= to) {
                return Ok(page);
            }
            // one more tells whether there is more
            let most = question.limit.clamp(1, MOST).saturating_add(1);
            let mut walked = self.walk(&server, walk(span, most)).await?;
            note(&mut page, &question, &walked);
            let far = walked
                .hits
                .last()
                .map(|hit| hit.ms)
                .filter(|_| walked.end == End::Short);
            if let Some(ms) = far {
                walked.hits.retain(|hit| hit.ms != ms);
                span = if walked.hits.is_empty() {
                    let moment = self.walk(&server, walk(Span::moment(ms), MOMENT)).await?;
                    note(&mut page, &question, &moment);
                    if moment.end == End::Short {
                        page.gaps.push(within(ms, GapReason::LimitHit));
                    }
                    walked = moment;
                    span.beyond(question.direction, ms)
                } else {
                    span.resumed(question.direction, ms)
                };
                page.more = More::Yes;
            } else {
                page.more = More::No;
            }
            let hits = in_order(walked.hits, &question);
            if !hits.is_empty() || page.more == More::No {
                page.batch = batch(&hits);
                return Ok(page);
            }
            // all of it lay beside the stretch, in its first millisecond
        }
    }
}

/// The hits within the stretch to the nanosecond, oldest first.
fn in_order(mut hits: Vec<Hit>, question: &PageQuestion) -> Vec<Hit> {
    hits.retain(|hit| question.from <= hit.at && hit.at < question.to);
    match question.direction {
        Direction::Backward => hits.reverse(),
        Direction::Forward => {}
    }
    hits.sort_by_key(|hit| hit.at);
    hits
}

/// What a walk says of its answers.
fn note(page: &mut Page, question: &PageQuestion, walked: &Walked) {
    for words in &walked.partial {
        if !page.warnings.contains(words) {
            page.warnings.push(words.clone());
        }
    }
    let whole = Gap {
        from: question.from,
        to: question.to,
        reason: GapReason::Partial,
    };
    if !walked.partial.is_empty() && !page.gaps.contains(&whole) {
        page.gaps.push(whole);
    }
    let overfull = walked.overfull.iter();
    page.gaps
        .extend(overfull.map(|&ms| within(ms, GapReason::LimitHit)));
}

/// A gap of one millisecond.
pub(super) fn within(ms: i64, reason: GapReason) -> Gap {
    Gap {
        from: Nanos(ms.saturating_mul(MILLI)),
        to: Nanos(ms.saturating_add(1).saturating_mul(MILLI)),
        reason,
    }
}
