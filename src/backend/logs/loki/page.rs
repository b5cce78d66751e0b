//! Pages of the past, in either direction.
//!
//! Loki has no cursor, and many lines may share a nanosecond. So a page ends on a whole moment: the moment at
//! which an answer was cut is left to the next question, unless it alone fills all that the server gives at once
//! (then the rest of it cannot be had, and is said to be missing). Callers go on from the last line's own time.

use std::time::Duration;

use super::wire::{self, Entry, Unread};
use super::{Loki, QUERY_RANGE};
use crate::backend::http::Call;
use crate::backend::logs::{Direction, More, Page, PageQuestion};
use crate::backend::{BackendError, BackendResult, ErrorKind};
use crate::domain::log::{Gap, GapReason, Nanos};

/// `max_query_length` unless the refusal names another that reads.
const LENGTH: Duration = Duration::from_secs(30 * 24 * 3_600);
/// Loki splits questions by the hour: asking for less makes none of them faster.
const SPAN: i64 = 3_600_000_000_000;
/// A page that is too large in bytes is asked for with fewer lines, down to this.
const FEWEST: usize = 16;

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
    pub(super) urgency: crate::backend::http::Urgency,
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

impl Loki {
    /// A page of all that is wanted. A single moment may bring more lines than the limit; pages end on whole ones.
    pub(super) async fn read_page(&self, question: PageQuestion) -> BackendResult<Page> {
        let queries = self.queries(&question.wanted).await?;
        let stretch = Stretch {
            from: question.from,
            to: question.to,
            direction: question.direction,
            limit: Some(question.limit),
            urgency: crate::backend::http::Urgency::User,
        };
        let texts: Vec<String> = queries.iter().map(super::logql::Query::text).collect();
        let read = self.read_all(&texts, stretch).await?;
        Ok(Page {
            batch: wire::batch(&read.entries),
            more: read.more,
            gaps: read.gaps,
            warnings: read.warnings,
        })
    }

    /// Reads a stretch of each query and merges what they found.
    pub(super) async fn read_all(&self, queries: &[String], stretch: Stretch) -> BackendResult<Read> {
        let asked = queries.iter().map(|query| self.read(query, stretch));
        let reads = futures::future::try_join_all(asked).await?;
        Ok(merged(reads, stretch))
    }

    /// Reads a stretch of one query.
    pub(super) async fn read(&self, query: &str, stretch: Stretch) -> BackendResult<Read> {
        let direction = stretch.direction;
        let limit = stretch
            .limit
            .unwrap_or_else(|| self.learned().entries.saturating_sub(1));
        let (mut from, mut to) = (stretch.from, stretch.to);
        let mut read = Read::default();
        // One more than is wanted: an answer that is not full tells that there is no more.
        let mut wish = limit.max(1).saturating_add(1);
        // Lines that were asked for in vain: a single moment filled the answer.
        let mut in_vain = 0;
        while from < to {
            let (start, end) = self.window(from, to, direction);
            let (mut answer, asked) = match self
                .fetch(query, (start, end), (direction, wish), stretch.urgency)
                .await
            {
                Ok(answer) => answer,
                Err(error) if self.learn_span(&error, end.0.saturating_sub(start.0)) => continue,
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
            // Streams come each for itself; the order within a moment is the server's.
            answer.entries.sort_by_key(|entry| entry.at);
            let mut entries = answer.entries;
            let edge = match direction {
                Direction::Backward => entries.first(),
                Direction::Forward => entries.last(),
            };
            let Some(edge) = edge.filter(|_| entries.len() >= asked).map(|entry| entry.at) else {
                let room = entries.len();
                read.add(entries, direction);
                match direction {
                    Direction::Backward => to = start,
                    Direction::Forward => from = end,
                }
                if room == 0 {
                    self.learn(|learned| learned.span = learned.span.map(|span| span.saturating_mul(2)));
                }
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
            } else if asked < self.learned().entries && asked > in_vain {
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
        // Below an hour nothing gets faster; below a second nothing is left to ask.
        let least = if slow { SPAN } else { 1_000_000_000 };
        if asked <= least {
            return false;
        }
        self.learn(|learned| learned.span = Some(span.max(least)));
        true
    }

    /// One question; what was found, and how many lines were asked for at most.
    async fn fetch(
        &self,
        query: &str,
        (start, end): (Nanos, Nanos),
        (direction, wish): (Direction, usize),
        urgency: crate::backend::http::Urgency,
    ) -> BackendResult<(wire::Found, usize)> {
        let mut fewer = usize::MAX;
        loop {
            let limit = wish.min(self.learned().entries).min(fewer).max(1);
            let mut call = Call::get(QUERY_RANGE)
                .param("query", query)
                .param("start", start.0.to_string())
                .param("end", end.0.to_string())
                .param("limit", limit.to_string())
                .param(
                    "direction",
                    match direction {
                        Direction::Backward => "backward",
                        Direction::Forward => "forward",
                    },
                );
            call.urgency = urgency;
            let answer = match self.ask(call).await {
                Ok(answer) => answer,
                Err(error) if error.kind == ErrorKind::TooLarge && limit > FEWEST => {
                    fewer = limit / 4;
                    continue;
                }
                Err(error) => match most_entries(&error).filter(|most| *most < limit) {
                    Some(most) => {
                        self.learn(|learned| learned.entries = most);
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
                        "the query counts lines instead of finding them".to_owned(),
                    )
                }),
                Err(Unread::Json(why)) => Err(BackendError {
                    mend: "check that the URL leads to a Loki".to_owned(),
                    ..self.error(
                        ErrorKind::BadAnswer,
                        format!("the answer does not read as Loki's: {why}"),
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

impl Read {
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
