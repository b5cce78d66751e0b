//! Pages of the past of a source without a cursor, in either direction.
//!
//! Many lines may share a nanosecond. So a page ends on a whole moment: the moment at which an answer was cut is left
//! to the next question, unless it alone fills all that the server gives at once (then the rest of it cannot be
//! had, and is said to be missing). Callers go on from the last line's own time. Limits are learned from refusals.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::entry::{self, Entry, Found};
use super::{Direction, More, Page, PageQuestion};
use crate::backend::http::Urgency;
use crate::backend::{BackendError, BackendResult, ErrorKind};
use crate::domain::log::{Gap, GapReason, Nanos};

/// The longest question, unless a refusal names another length that reads (Loki's `max_query_length`).
const LENGTH: Duration = Duration::from_secs(30 * 24 * 3_600);
/// Servers split questions by the hour or the day: asking for less makes none of them faster.
const SPAN: i64 = 3_600_000_000_000;
/// Answers that are too slow or too large are asked for with fewer lines, down to this.
const FEWEST: usize = 64;
/// The shortest stretch that is asked for.
const LEAST: i64 = 1_000_000_000;

/// A source that answers with the lines of a stretch, and no more than so many.
pub(super) trait Pager: Send + Sync {
    /// What is known of its limits.
    fn limits(&self) -> &Limits;

    /// Asks once: the newest or the oldest lines of a stretch, and how many were asked for at most.
    fn fetch(&self, question: Question<'_>) -> impl Future<Output = BackendResult<(Found, usize)>> + Send;
}

/// One question.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    /// In the source's language, scope included.
    pub(super) query: &'a str,
    /// Inclusive.
    pub(super) from: Nanos,
    /// Exclusive.
    pub(super) to: Nanos,
    /// From which end.
    pub(super) direction: Direction,
    /// Lines at most.
    pub(super) limit: usize,
    /// Who waits.
    pub(super) urgency: Urgency,
}
/// Which stretch of the past is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    /// Inclusive.
    pub(super) from: Nanos,
    /// Exclusive.
    pub(super) to: Nanos,
    pub(super) direction: Direction,
    /// Lines at most; what one answer gives where none.
    pub(super) limit: Option<usize>,
    pub(super) urgency: Urgency,
}

impl Stretch {
    /// That of a page that somebody asks for.
    pub(super) fn of(question: &PageQuestion) -> Self {
        Self {
            from: question.from,
            to: question.to,
            direction: question.direction,
            limit: Some(question.limit),
            urgency: Urgency::User,
        }
    }
}

/// What was read of it.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// Oldest first.
    pub(super) entries: Vec<Entry>,
    pub(super) more: More,
    pub(super) gaps: Vec<Gap>,
    pub(super) warnings: Vec<String>,
}

/// What a server allows, as far as it told.
#[derive(Debug)]
pub(super) struct Limits(Mutex<Learned>);

#[derive(Debug, Clone, Copy)]
struct Learned {
    /// Lines of one answer at most, as the server says.
    most: usize,
    /// Lines that are asked for at once: fewer while answers are too slow or too large.
    entries: usize,
    /// Nanoseconds that one question may span at most.
    span: Option<i64>,
}

impl Limits {
    /// Of a server that gives so many lines at once.
    pub(super) fn new(entries: usize) -> Self {
        Self(Mutex::new(Learned {
            most: entries,
            entries,
            span: None,
        }))
    }

    fn learned(&self) -> Learned {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, change: impl FnOnce(&mut Learned)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Lines of one answer at most.
    pub(super) fn entries(&self) -> usize {
        self.learned().entries
    }

    /// The server said how many lines it gives at once.
    pub(super) fn learn_entries(&self, most: usize) {
        self.learn(|learned| {
            learned.most = most.max(1);
            learned.entries = learned.entries.min(learned.most);
        });
    }

    /// An answer of so many lines was too slow or too large; whether fewer can be asked for.
    fn fewer(&self, asked: usize) -> bool {
        if asked <= FEWEST {
            return false;
        }
        self.learn(|learned| learned.entries = learned.entries.min((asked / 4).max(FEWEST)));
        true
    }

    /// A full answer came: more may be asked for again.
    fn more(&self) {
        self.learn(|learned| learned.entries = learned.entries.saturating_mul(2).min(learned.most));
    }

    /// An empty answer: more may be asked for at once.
    fn widen(&self) {
        self.learn(|learned| learned.span = learned.span.map(|span| span.saturating_mul(2)));
    }

    /// How much of what is left is asked for at once.
    fn window(&self, from: Nanos, to: Nanos, direction: Direction) -> (Nanos, Nanos) {
        let Some(span) = self.learned().span else {
            return (from, to);
        };
        match direction {
            Direction::Backward => (from.max(Nanos(to.0.saturating_sub(span))), to),
            Direction::Forward => (from, to.min(Nanos(from.0.saturating_add(span)))),
        }
    }

    /// Learns from a refusal or a time limit how much may be asked for at once; whether that is less than was.
    fn learn_span(&self, error: &BackendError, asked: i64) -> bool {
        let slow = error.kind == ErrorKind::TimedOut || error.status == Some(504);
        let span = if error.kind == ErrorKind::Rejected
            && error.detail.contains("query time range exceeds the limit")
        {
            let named = error.detail.rsplit_once("limit: ").and_then(|(_, rest)| {
                crate::time::parse_duration(rest.trim_end_matches(|c: char| !c.is_ascii_alphanumeric())).ok()
            });
            let limit = named.unwrap_or(LENGTH).as_nanos();
            i64::try_from(limit).unwrap_or(i64::MAX).min(asked / 2)
        } else if slow {
            asked / 4
        } else {
            return false;
        };
        let least = if slow { SPAN } else { LEAST };
        if asked <= least {
            return false;
        }
        self.learn(|learned| learned.span = Some(span.max(least)));
        true
    }
}

/// Reads a stretch of each query and merges what they found.
pub(super) async fn read_all<P: Pager>(
    pager: &P,
    queries: &[String],
    stretch: Stretch,
) -> BackendResult<Read> {
    let asked = queries.iter().map(|query| read(pager, query, stretch));
    let reads = futures::future::try_join_all(asked).await?;
    Ok(merged(reads, stretch))
}

/// Reads a stretch of one query.
async fn read<P: Pager>(pager: &P, query: &str, stretch: Stretch) -> BackendResult<Read> {
    let direction = stretch.direction;
    let limits = pager.limits();
    let limit = stretch
        .limit
        .unwrap_or_else(|| limits.entries().saturating_sub(1));
    let (mut from, mut to) = (stretch.from, stretch.to);
    let mut read = Read::default();
    // One more than is wanted: an answer that is not full tells that there is no more.
    let mut wish = limit.max(1).saturating_add(1);
    // Lines that were asked for in vain: a single moment filled the answer.
    let mut in_vain = 0;
    while from < to {
        let (start, end) = limits.window(from, to, direction);
        let question = Question {
            query,
            from: start,
            to: end,
            direction,
            limit: wish.min(limits.entries()),
            urgency: stretch.urgency,
        };
        let (mut answer, asked) = match pager.fetch(question).await {
            Ok(answer) => answer,
            Err(error) if limits.learn_span(&error, end.0.saturating_sub(start.0)) => continue,
            Err(error)
                if matches!(error.kind, ErrorKind::TimedOut | ErrorKind::TooLarge)
                    && limits.fewer(question.limit) =>
            {
                continue;
            }
            Err(error) if read.entries.is_empty() => return Err(error),
            Err(error) => {
                read.warnings
                    .push(format!("the rest could not be read: {}", error.cause()));
                read.more = More::Yes;
                break;
            }
        };
        for warning in answer.warnings.drain(..) {
            if !read.warnings.contains(&warning) {
                read.warnings.push(warning);
            }
        }
        if answer.entries.len() >= asked {
            limits.more();
        }
        // Streams come each for itself; the order within a moment is the server's.
        answer.entries.sort_by_key(|entry| entry.at);
        let mut entries = answer.entries;
        let edge = match direction {
            Direction::Backward => entries.first(),
            Direction::Forward => entries.last(),
        };
        let Some(edge) = edge.filter(|_| entries.len() >= asked).map(|entry| entry.at) else {
            if entries.is_empty() {
                limits.widen();
            }
            read.add(entries, direction);
            match direction {
                Direction::Backward => to = start,
                Direction::Forward => from = end,
            }
            let missing = limit.saturating_sub(read.entries.len());
            if missing == 0 && from < to {
                read.more = More::Yes;
                break;
            }
            wish = missing.saturating_add(1);
            continue;
        };
        let kept = |entry: &Entry| match direction {
            Direction::Backward => entry.at > edge,
            Direction::Forward => entry.at < edge,
        };
        let beyond = Nanos(edge.0.saturating_add(1));
        if entries.iter().any(kept) {
            entries.retain(kept);
            read.add(entries, direction);
            match direction {
                Direction::Backward => to = beyond,
                Direction::Forward => from = edge,
            }
        } else if asked < limits.entries() && asked > in_vain {
            in_vain = asked;
            wish = asked.saturating_mul(4);
            continue;
        } else {
            read.add(entries, direction);
            read.gaps.push(Gap {
                from: edge,
                to: beyond,
                reason: GapReason::LimitHit,
            });
            match direction {
                Direction::Backward => to = edge,
                Direction::Forward => from = beyond,
            }
        }
        in_vain = 0;
        let missing = limit.saturating_sub(read.entries.len());
        if missing == 0 || stretch.limit.is_none() {
            read.more = More::Yes;
            break;
        }
        wish = missing.saturating_add(1);
    }
    if direction == Direction::Backward {
        // Pages were added newest first, each reversed.
        read.entries.reverse();
    }
    Ok(read)
}

impl Read {
    /// As a page.
    pub(super) fn into_page(self) -> Page {
        Page {
            batch: entry::batch(&self.entries),
            more: self.more,
            gaps: self.gaps,
            warnings: self.warnings,
        }
    }

    /// Adds a page (oldest first) at the far end.
    fn add(&mut self, page: Vec<Entry>, direction: Direction) {
        match direction {
            Direction::Backward => self.entries.extend(page.into_iter().rev()),
            Direction::Forward => self.entries.extend(page),
        }
    }
}

/// One page of several: what all of them reach, each line once.
fn merged(mut reads: Vec<Read>, stretch: Stretch) -> Read {
    if reads.len() == 1 {
        return reads.pop().unwrap_or_default();
    }
    // Beyond the far end of one that has more, lines of it may be missing.
    let ends = reads.iter().filter(|read| read.more == More::Yes);
    let reach = match stretch.direction {
        Direction::Backward => ends.filter_map(|read| read.entries.first()).map(|e| e.at).max(),
        Direction::Forward => ends.filter_map(|read| read.entries.last()).map(|e| e.at).min(),
    };
    let mut whole = Read {
        more: if reach.is_some() { More::Yes } else { More::No },
        ..Read::default()
    };
    for read in reads {
        whole.entries.extend(read.entries);
        whole.gaps.extend(read.gaps);
        whole.warnings.extend(read.warnings);
    }
    whole.entries.retain(|entry| match (reach, stretch.direction) {
        (None, _) => true,
        (Some(reach), Direction::Backward) => entry.at >= reach,
        (Some(reach), Direction::Forward) => entry.at <= reach,
    });
    whole.entries.sort_by_key(|entry| entry.key);
    whole.entries.dedup_by_key(|entry| entry.key);
    whole.warnings.dedup();
    whole
}
