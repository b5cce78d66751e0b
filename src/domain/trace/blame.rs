//! Where a failure began: the failed spans that no failed span under them explains.
//!
//! A failure is followed down through the calls a span waits for. A span that did not fail stops it, but for
//! one of the same service that only stands between (internal work is often not marked). What was cancelled
//! because something else failed is a victim, and attempts of one call are one origin. O(n), and the details
//! of so many candidates.

use std::collections::HashMap;
use std::time::Duration;

use super::critical::CriticalPath;
use super::{Kind, Nanos, Row, Status, Timing, Trace};

/// Candidates whose attributes and events are read; the others are counted.
const READ: usize = 2_000;

/// Ancestors with whose end that of a cancelled span is compared.
const ABOVE: usize = 64;

/// A failure that began here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The failed span; of several attempts, the first.
    pub row: Row,
    /// Attempts of the same call that failed the same way: this one and those behind it.
    pub attempts: Vec<Row>,
    /// What kind of failure: an exception's type, a status code. Remote; `error` where nothing says it.
    pub what: String,
    /// What was said of it. Remote.
    pub message: Option<String>,
    /// When it showed first.
    pub at: Nanos,
    /// The highest span that failed because of it.
    pub top: Row,
    /// What became of it above that.
    pub fate: Fate,
}

/// How far a failure went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Up to a root.
    ReachedRoot,
    /// This span went on in spite of it.
    HandledAt(Row),
    /// Nobody waited for it.
    Unawaited,
}

/// All that failed by itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origins {
    /// Where failures began, the first first.
    pub origins: Vec<Origin>,
    /// Cancelled because of another failure.
    pub victims: Vec<Row>,
    /// Further failures that were not looked into.
    pub more: usize,
}

/// What is above a row as seen from below.
#[derive(Clone, Copy)]
enum Chain {
    Clear,
    Failing { top: Row },
}

struct Candidate {
    origin: Origin,
    cancelled: bool,
}

impl Origins {
    /// Of a trace; the path, where it is known, breaks ties.
    pub fn of(trace: &Trace, timing: &Timing, path: Option<&CriticalPath>) -> Self {
        let failed = |row: Row| trace.marks[row].status == Status::Error;
        let between = |row: Row| {
            let plain = matches!(trace.marks[row].kind, Kind::Internal | Kind::Unspecified);
            let service = |row: Row| &trace.operation(trace.operation_of(row)).service;
            plain
                && !failed(row)
                && trace
                    .parent(row)
                    .is_some_and(|parent| service(parent) == service(row))
        };
        // From below: whether a failure comes up to a row.
        let mut below = vec![false; trace.len()];
        for row in trace.rows().rev() {
            let goes_up = failed(row) || (below[row.index()] && between(row));
            if let Some(parent) = trace.parent(row)
                && goes_up
                && trace.is_awaited(row, timing)
            {
                below[parent.index()] = true;
            }
        }
        // From above: the highest failed span that a failure at a row is part of.
        let mut chains = vec![Chain::Clear; trace.len()];
        let mut begun: Vec<Row> = Vec::new();
        for row in trace.rows() {
            let above = match trace.parent(row) {
                Some(parent) if trace.is_awaited(row, timing) => chains[parent.index()],
                Some(_) | None => Chain::Clear,
            };
            chains[row.index()] = match above {
                Chain::Clear if failed(row) => Chain::Failing { top: row },
                above if failed(row) || between(row) => above,
                Chain::Clear | Chain::Failing { .. } => Chain::Clear,
            };
            if failed(row) && !below[row.index()] {
                begun.push(row);
            }
        }
        begun.sort_by_key(|row| timing.end(*row));
        let more = begun.len().saturating_sub(READ);
        begun.truncate(READ);
        let read = begun.into_iter().map(|row| {
            let top = match chains[row.index()] {
                Chain::Failing { top } => top,
                Chain::Clear => row,
            };
            candidate(trace, timing, row, top)
        });
        let mut all: Vec<Candidate> = read.collect();
        let victims = take_victims(trace, timing, &mut all);
        let mut origins = folded(trace, all.into_iter().map(|candidate| candidate.origin));
        origins.sort_by_key(|origin| {
            let on_path = path.is_some_and(|path| path.step(origin.row).is_some());
            let depth = trace.depths[origin.row];
            (origin.at, std::cmp::Reverse(depth), !on_path, origin.row)
        });
        Self {
            origins,
            victims,
            more,
        }
    }
}

fn candidate(trace: &Trace, timing: &Timing, row: Row, top: Row) -> Candidate {
    let detail = trace.detail(row);
    let exception = detail.events.iter().find(|event| event.name == "exception");
    let of_event = |key: &str| {
        exception
            .and_then(|event| event.attribute(key))
            .map(ToString::to_string)
    };
    let of_span = |keys: &[&str]| {
        let said = keys.iter().find_map(|key| detail.attribute(key));
        said.map(ToString::to_string).filter(|text| !text.is_empty())
    };
    let http = of_span(&["http.response.status_code", "http.status_code"]);
    let rpc = of_span(&["rpc.grpc.status_code", "rpc.response.status_code"]).filter(|code| code != "0");
    let message = detail.message.as_deref().map(str::to_owned);
    let message = message.or_else(|| of_event("exception.message"));
    let what = of_event("exception.type")
        .or_else(|| http.filter(|code| code.starts_with(['4', '5'])))
        .or_else(|| of_span(&["error.type"]))
        .or_else(|| rpc.as_ref().map(|code| format!("gRPC {code}")));
    let said = [what.as_deref(), message.as_deref()];
    let cancelled = rpc
        .is_some_and(|code| matches!(code.as_str(), "1" | "4" | "CANCELLED" | "DEADLINE_EXCEEDED"))
        || said.into_iter().flatten().any(speaks_of_cancelling);
    let end = timing.end(row);
    let at = exception
        .and_then(|event| event.at)
        .map_or(end, |at| at.0.min(end));
    let fate = match trace.parent(top) {
        None => Fate::ReachedRoot,
        Some(parent) if trace.is_awaited(top, timing) => Fate::HandledAt(parent),
        Some(_) => Fate::Unawaited,
    };
    Candidate {
        origin: Origin {
            row,
            attempts: vec![row],
            what: what.unwrap_or_else(|| "error".to_owned()),
            message,
            at: Nanos(at),
            top,
            fate,
        },
        cancelled,
    }
}

fn speaks_of_cancelling(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    [
        "cancel",
        "deadline exceeded",
        "deadline_exceeded",
        "deadlineexceeded",
    ]
    .iter()
    .any(|word| text.contains(word))
}

/// Takes out what was cancelled when a span above it ended, where something that was not cancelled failed
/// before.
fn take_victims(trace: &Trace, timing: &Timing, all: &mut Vec<Candidate>) -> Vec<Row> {
    let first = all.iter().filter(|candidate| !candidate.cancelled);
    let Some(first) = first.map(|candidate| candidate.origin.at.0).min() else {
        return Vec::new();
    };
    let is_victim = |candidate: &Candidate| {
        let row = candidate.origin.row;
        let end = timing.end(row);
        let mut above = trace.ancestors(row).take(ABOVE);
        let with = above.any(|ancestor| {
            let slack = (timing.of(ancestor).nanos() / 100).max(1_000_000).cast_signed();
            (timing.end(ancestor) - end).abs() <= slack && first <= end + slack
        });
        candidate.cancelled && with
    };
    let (victims, kept): (Vec<Candidate>, Vec<Candidate>) = all.drain(..).partition(is_victim);
    *all = kept;
    victims
        .into_iter()
        .map(|candidate| candidate.origin.row)
        .collect()
}

/// Attempts of the same call under the same parent that failed the same way, as one.
fn folded(trace: &Trace, all: impl Iterator<Item = Origin>) -> Vec<Origin> {
    let mut known: HashMap<(Option<Row>, u32, String), usize> = HashMap::new();
    let mut origins: Vec<Origin> = Vec::new();
    for origin in all {
        let parent = trace.parent(origin.row);
        let kind = |row: Row| trace.marks[row].kind;
        // A server's span is under its client's, and each attempt has a client's of its own.
        let client = parent.filter(|row| kind(origin.row) == Kind::Server && kind(*row) == Kind::Client);
        let parent = client.map_or(parent, |client| trace.parent(client));
        let operation = trace.operation_of(origin.row).0;
        let next = origins.len();
        // Roots have no parent in common.
        let key = (parent.or(Some(origin.row)), operation, origin.what.clone());
        let at = *known.entry(key).or_insert(next);
        match origins.get_mut(at) {
            Some(first) => first.attempts.push(origin.row),
            None => origins.push(origin),
        }
    }
    origins
}

impl Origin {
    /// How long after a moment it showed; none before it.
    pub fn after(&self, begin: Nanos) -> Duration {
        Duration::from_nanos(self.at.0.saturating_sub(begin.0).max(0) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::SpanId;
    use super::super::tests::{made, trace};
    use super::*;

    fn ids(trace: &Trace, rows: &[Row]) -> Vec<u64> {
        rows.iter().map(|row| trace.span(*row).id.0).collect()
    }

    #[test]
    fn the_deepest_failure_is_the_origin_and_retries_are_one() {
        let trace = trace(&[
            made(1, 0, 1, 100, "api.get").kind(Kind::Server),
            made(2, 1, 5, 95, "shop.pay")
                .kind(Kind::Server)
                .failed("payment failed"),
            made(3, 2, 6, 94, "shop.attempts"),
            made(4, 3, 10, 30, "card.charge").kind(Kind::Server).failed("503"),
            made(5, 3, 40, 60, "card.charge").kind(Kind::Server).failed("503"),
            made(6, 3, 70, 90, "card.charge").kind(Kind::Server).failed("503"),
        ]);
        let found = Origins::of(&trace, trace.timing(), None);
        assert_eq!(found.origins.len(), 1);
        let origin = &found.origins[0];
        assert_eq!(ids(&trace, &origin.attempts), [4, 5, 6]);
        assert_eq!(
            trace.span(origin.top).id,
            SpanId(2),
            "through the unmarked span between"
        );
        assert_eq!(origin.fate, Fate::HandledAt(Row(0)));
        assert_eq!(origin.message.as_deref(), Some("503"));
    }

    #[test]
    fn attempts_that_each_have_a_client_are_one_as_well() {
        let mut spans = vec![made(1, 0, 1, 100, "shop.pay").kind(Kind::Server).failed("503")];
        for attempt in 0..3_u32 {
            let (id, from) = (10 + 2 * u64::from(attempt), 5 + 30 * i64::from(attempt));
            spans.push(
                made(id, 1, from, from + 25, "shop.charge")
                    .kind(Kind::Client)
                    .failed("503"),
            );
            spans.push(
                made(id + 1, id, from + 1, from + 24, "card.charge")
                    .kind(Kind::Server)
                    .failed("503"),
            );
        }
        let trace = trace(&spans);
        let found = Origins::of(&trace, trace.timing(), None);
        assert_eq!(found.origins.len(), 1);
        assert_eq!(ids(&trace, &found.origins[0].attempts), [11, 13, 15]);
    }

    #[test]
    fn what_was_cancelled_with_its_parent_is_a_victim_but_not_where_nothing_else_failed() {
        let root = made(1, 0, 1, 100, "api.get")
            .kind(Kind::Server)
            .failed("one part failed");
        let cause = made(2, 1, 5, 99, "a.a")
            .kind(Kind::Client)
            .failed("connection refused");
        let victim = made(3, 1, 5, 100, "b.b")
            .kind(Kind::Client)
            .failed("context canceled");
        let both = trace(&[root, cause, victim]);
        let found = Origins::of(&both, both.timing(), None);
        assert_eq!(ids(&both, &[found.origins[0].row]), [2]);
        assert_eq!(ids(&both, &found.victims), [3]);
        assert_eq!(found.origins[0].fate, Fate::ReachedRoot);

        let alone = trace(&[root, victim]);
        let found = Origins::of(&alone, alone.timing(), None);
        assert_eq!(ids(&alone, &[found.origins[0].row]), [3]);
        assert!(found.victims.is_empty());
    }

    #[test]
    fn a_failed_message_handler_is_nobodys_cause() {
        let trace = trace(&[
            made(1, 0, 1, 100, "a.send")
                .kind(Kind::Producer)
                .failed("broker is down"),
            made(2, 1, 50, 300, "b.take")
                .kind(Kind::Consumer)
                .failed("cannot parse"),
        ]);
        let found = Origins::of(&trace, trace.timing(), None);
        let rows: Vec<Row> = found.origins.iter().map(|origin| origin.row).collect();
        assert_eq!(ids(&trace, &rows), [1, 2]);
        assert_eq!(found.origins[1].fate, Fate::Unawaited);
    }
}
