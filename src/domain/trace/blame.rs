//! Where a failure began: the failed spans that no failed span under them explains.
//!
//! A failure is followed down through the calls a span waits for. A span that did not fail stops it, but for
//! one of the same service that only stands between (internal work is often not marked), and a call that is not
//! marked though both who made it and who answered it failed. What was cancelled because something else failed is
//! a victim, and attempts of one call are one origin. O(n), and the details of so many candidates and of what is
//! above them.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use super::critical::CriticalPath;
use super::{Kind, Nanos, Row, Status, Timing, Trace};

/// Candidates whose attributes and events are read; the others are counted.
const READ: usize = 2_000;

/// Ancestors of a failed span that are looked at.
const ABOVE: usize = 64;

/// A failure that began here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The failed span; of several attempts the first, or that of the last where they failed differently.
    pub row: Row,
    /// Attempts of the same call, the calls themselves; without any, the failed span.
    pub attempts: Vec<Row>,
    /// What kind of failure: an exception's type, a status code. Remote; `error` where nothing says it.
    pub what: String,
    /// What was said of it. Remote.
    pub message: Option<String>,
    /// When it happened.
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
    /// Where failures began, those first that showed first; what was cancelled behind all others.
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

/// What a failed span says of itself.
struct Said {
    what: String,
    message: Option<String>,
    cancelled: bool,
    at: i64,
}

struct Candidate {
    origin: Origin,
    cancelled: bool,
    /// When the first span failed that failed because of it. One that gave up waiting fails before what it
    /// waited for.
    showed: i64,
}

/// Calls of an operation by one span.
type Call = (Row, u32, Kind);

impl Origins {
    /// Of a trace; the path, where it is known, breaks ties.
    pub fn of(trace: &Trace, timing: &Timing, path: Option<&CriticalPath>) -> Self {
        let mut begun = begun(trace, timing);
        begun.sort_by_key(|(row, _)| timing.end(*row));
        let more = begun.len().saturating_sub(READ);
        begun.truncate(READ);
        let mut all: Vec<Candidate> = begun
            .into_iter()
            .map(|(row, top)| candidate(trace, timing, row, top))
            .collect();
        date(trace, timing, &mut all);
        let victims = take_victims(trace, timing, &mut all);
        let rank = |candidate: &Candidate| {
            let origin = &candidate.origin;
            let on_path = path.is_some_and(|path| path.step(origin.row).is_some());
            let depth = std::cmp::Reverse(trace.depths[origin.row]);
            let when = (candidate.showed, origin.at);
            (candidate.cancelled, when, depth, !on_path, origin.row)
        };
        all.sort_by_key(rank);
        let mut all = folded(trace, timing, all);
        all.sort_by_key(rank);
        Self {
            origins: all.into_iter().map(|candidate| candidate.origin).collect(),
            victims,
            more,
        }
    }
}

fn failed(trace: &Trace, row: Row) -> bool {
    trace.marks[row].status == Status::Error
}

/// Failed spans that no failed span under them explains, each with the highest span that failed because of it.
fn begun(trace: &Trace, timing: &Timing) -> Vec<(Row, Row)> {
    let service = |row: Row| &trace.operation(trace.operation_of(row)).service;
    let is_answered_by_failure = |row: Row| {
        trace.children(row).any(|child| {
            let server = trace.marks[child].kind == Kind::Server;
            server && failed(trace, child) && trace.is_awaited(child, timing)
        })
    };
    // From above: the highest failed span that a failure at a row is part of, and whether one that comes from
    // below goes on through it.
    let mut chains = vec![Chain::Clear; trace.len()];
    let mut passes = vec![false; trace.len()];
    for row in trace.rows() {
        let parent = trace.parent(row);
        let above = match parent {
            Some(parent) if trace.is_awaited(row, timing) => chains[parent.index()],
            Some(_) | None => Chain::Clear,
        };
        passes[row.index()] = failed(trace, row)
            || match trace.marks[row].kind {
                Kind::Internal | Kind::Unspecified => {
                    parent.is_some_and(|parent| service(parent) == service(row))
                }
                Kind::Client => matches!(above, Chain::Failing { .. }) && is_answered_by_failure(row),
                Kind::Server | Kind::Producer | Kind::Consumer => false,
            };
        chains[row.index()] = match above {
            Chain::Clear if failed(trace, row) => Chain::Failing { top: row },
            above if passes[row.index()] => above,
            Chain::Clear | Chain::Failing { .. } => Chain::Clear,
        };
    }
    // From below: whether a failure comes up to a row.
    let mut below = vec![false; trace.len()];
    let mut begun = Vec::new();
    for row in trace.rows().rev() {
        let index = row.index();
        let goes_up = failed(trace, row) || (below[index] && passes[index]);
        if let Some(parent) = trace.parent(row)
            && goes_up
            && trace.is_awaited(row, timing)
        {
            below[parent.index()] = true;
        }
        if failed(trace, row) && !below[index] {
            let top = match chains[index] {
                Chain::Failing { top } => top,
                Chain::Clear => row,
            };
            begun.push((row, top));
        }
    }
    begun.reverse();
    begun
}

/// A span and what is above it, up to the highest that failed because of it.
fn cascade<'t>(trace: &'t Trace, origin: &Origin) -> impl Iterator<Item = Row> + use<'t> {
    let top = origin.top;
    // What is above a row stands before it.
    std::iter::once(origin.row)
        .chain(trace.ancestors(origin.row))
        .take_while(move |row| *row >= top)
        .take(ABOVE)
}

fn said(trace: &Trace, timing: &Timing, row: Row) -> Said {
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
    let words = [what.as_deref(), message.as_deref()];
    let cancelled = rpc
        .is_some_and(|code| matches!(code.as_str(), "1" | "4" | "CANCELLED" | "DEADLINE_EXCEEDED"))
        || words.into_iter().flatten().any(speaks_of_cancelling);
    let end = timing.end(row);
    let at = exception
        .and_then(|event| event.at)
        .map_or(end, |at| at.0.min(end));
    Said {
        what: what.unwrap_or_else(|| "error".to_owned()),
        message,
        cancelled,
        at,
    }
}

fn candidate(trace: &Trace, timing: &Timing, row: Row, top: Row) -> Candidate {
    let said = said(trace, timing, row);
    let fate = match trace.parent(top) {
        None => Fate::ReachedRoot,
        Some(parent) if trace.is_awaited(top, timing) => Fate::HandledAt(parent),
        Some(_) => Fate::Unawaited,
    };
    Candidate {
        origin: Origin {
            row,
            attempts: vec![row],
            what: said.what,
            message: said.message,
            at: Nanos(said.at),
            top,
            fate,
        },
        cancelled: said.cancelled,
        showed: said.at,
    }
}

/// Finds when each cascade showed first: as the first of its spans failed that was not cancelled itself.
fn date(trace: &Trace, timing: &Timing, all: &mut [Candidate]) {
    // Cascades have much of what is above in common.
    let mut ends: HashMap<Row, i64> = HashMap::new();
    for candidate in all.iter_mut().filter(|candidate| !candidate.cancelled) {
        let above = cascade(trace, &candidate.origin).skip(1);
        for row in above.filter(|row| failed(trace, *row)) {
            let end = *ends.entry(row).or_insert_with(|| {
                let cancelled = said(trace, timing, row).cancelled;
                if cancelled { i64::MAX } else { timing.end(row) }
            });
            candidate.showed = candidate.showed.min(end);
        }
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
    let Some(first) = first.map(|candidate| candidate.showed).min() else {
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

fn call_of(trace: &Trace, row: Row) -> Option<Call> {
    let parent = trace.parent(row)?;
    Some((parent, trace.operation_of(row).0, trace.marks[row].kind))
}

/// A call that failed more than once.
struct Repeated {
    /// The failed ones.
    rows: BTreeSet<Row>,
    /// Whether they were tried one after the other, and none went well before the last.
    retried: bool,
}

/// Calls of which several failed.
fn repeated(trace: &Trace, timing: &Timing, all: &[Candidate]) -> HashMap<Call, Repeated> {
    let mut calls: HashMap<Call, Repeated> = HashMap::new();
    for row in all.iter().flat_map(|candidate| cascade(trace, &candidate.origin)) {
        if let Some(call) = call_of(trace, row) {
            let known = calls.entry(call).or_insert_with(|| Repeated {
                rows: BTreeSet::new(),
                retried: false,
            });
            known.rows.insert(row);
        }
    }
    calls.retain(|_, call| call.rows.len() > 1);
    if calls.is_empty() {
        return calls;
    }
    let mut went_well: HashMap<Call, i64> = HashMap::new();
    for row in trace.rows().filter(|row| !failed(trace, *row)) {
        let Some(call) = call_of(trace, row) else {
            continue;
        };
        if calls.get(&call).is_some_and(|known| !known.rows.contains(&row)) {
            let first = went_well.entry(call).or_insert(i64::MAX);
            *first = timing.start(row).min(*first);
        }
    }
    for (call, known) in &mut calls {
        let mut times: Vec<(i64, i64)> = known
            .rows
            .iter()
            .map(|row| (timing.start(*row), timing.end(*row)))
            .collect();
        times.sort_unstable();
        let in_turn = times.windows(2).all(|pair| pair[0].1 <= pair[1].0);
        let last = times.last().map_or(i64::MIN, |(start, _)| *start);
        known.retried = in_turn && went_well.get(call).is_none_or(|first| *first > last);
    }
    calls
}

/// Attempts of one call as one origin: whatever failed under them where they were tried in turn, otherwise those
/// that failed the same way.
fn folded(trace: &Trace, timing: &Timing, all: Vec<Candidate>) -> Vec<Candidate> {
    let calls = repeated(trace, timing, &all);
    let mut known: HashMap<(Call, Option<String>), usize> = HashMap::new();
    let mut folds: Vec<Vec<(Row, Candidate)>> = Vec::new();
    for candidate in all {
        let origin = &candidate.origin;
        let call = |row: Row| call_of(trace, row).and_then(|call| Some((call, calls.get(&call)?)));
        let retried = cascade(trace, origin)
            .filter(|row| call(*row).is_some_and(|(_, known)| known.retried))
            .last();
        // A server's span is under its client's, and each attempt has a client's of its own.
        let kind = |row: Row| trace.marks[row].kind;
        let client = trace
            .parent(origin.row)
            .filter(|row| kind(origin.row) == Kind::Server && kind(*row) == Kind::Client);
        let mut near = [Some(origin.row), client].into_iter().flatten();
        let alike = near.find(|row| call(*row).is_some());
        let attempt = retried.or(alike).unwrap_or(origin.row);
        let what = retried.is_none().then(|| origin.what.clone());
        let fold = call(attempt).map(|(call, _)| {
            let next = folds.len();
            *known.entry((call, what)).or_insert(next)
        });
        match fold.and_then(|at| folds.get_mut(at)) {
            Some(fold) => fold.push((attempt, candidate)),
            None => folds.push(vec![(attempt, candidate)]),
        }
    }
    let one = |fold| as_one(trace, timing, fold);
    folds.into_iter().filter_map(one).collect()
}

/// The one that stands for the attempts of a call: the first, or where they failed in different ways the first
/// failure of the last attempt, which is what became of the call.
fn as_one(trace: &Trace, timing: &Timing, mut fold: Vec<(Row, Candidate)>) -> Option<Candidate> {
    let attempts: BTreeSet<Row> = fold.iter().map(|(attempt, _)| *attempt).collect();
    let showed = fold.iter().map(|(_, candidate)| candidate.showed).min()?;
    let (_, first) = fold.first()?;
    let way = |one: &Candidate| (one.origin.what.clone(), trace.operation_of(one.origin.row));
    let differ = fold.iter().any(|(_, other)| way(other) != way(first));
    let last = attempts.iter().max_by_key(|row| timing.start(**row)).copied();
    let at = fold
        .iter()
        .position(|(attempt, _)| differ && Some(*attempt) == last);
    let (_, mut candidate) = fold.swap_remove(at.unwrap_or(0));
    candidate.origin.attempts = attempts.into_iter().collect();
    candidate.showed = showed;
    Some(candidate)
}

impl Origin {
    /// How long after a moment it happened; none before it.
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
        assert_eq!(ids(&trace, &found.origins[0].attempts), [10, 12, 14]);
        assert_eq!(ids(&trace, &[found.origins[0].row]), [11]);
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

    #[test]
    fn what_gave_up_waiting_dates_the_failure_it_waited_for() {
        let trace = trace(&[
            made(1, 0, 1, 2_010, "web.pay").kind(Kind::Server).failed("500"),
            made(2, 1, 5, 2_000, "web.confirm")
                .kind(Kind::Client)
                .failed("Read timed out"),
            made(3, 2, 8, 2_800, "shop.confirm")
                .kind(Kind::Server)
                .failed("503"),
            made(4, 3, 10, 2_790, "shop.acquire").failed("pool exhausted"),
            made(5, 1, 900, 2_005, "web.hold")
                .kind(Kind::Client)
                .failed("context canceled"),
        ]);
        let found = Origins::of(&trace, trace.timing(), None);
        assert_eq!(found.origins.len(), 1);
        assert_eq!(ids(&trace, &[found.origins[0].row]), [4]);
        assert_eq!(
            found.origins[0].after(trace.timing().of(Row(0)).from).as_millis(),
            2_789
        );
        assert_eq!(ids(&trace, &found.victims), [5]);
    }

    #[test]
    fn what_was_cancelled_and_is_nobodys_victim_stands_behind_what_failed_later() {
        let trace = trace(&[
            made(1, 0, 1, 1_000, "web.get").kind(Kind::Server),
            made(2, 1, 5, 100, "a.a")
                .kind(Kind::Client)
                .failed("context canceled"),
            made(3, 1, 5, 600, "b.b")
                .kind(Kind::Client)
                .failed("connection refused"),
        ]);
        let found = Origins::of(&trace, trace.timing(), None);
        let rows: Vec<Row> = found.origins.iter().map(|origin| origin.row).collect();
        assert_eq!(ids(&trace, &rows), [3, 2]);
    }

    /// Two attempts that are turned away, and one under which something else fails.
    fn tried_thrice() -> Vec<super::super::tests::Made> {
        let call = |id, from, to| made(id, 1, from, to, "web.order").kind(Kind::Client);
        vec![
            made(1, 0, 1, 1_000, "web.get").kind(Kind::Server),
            call(2, 10, 15).failed("503"),
            call(3, 100, 105).failed("503"),
            call(4, 200, 900).failed("timeout"),
            made(5, 4, 210, 890, "shop.order")
                .kind(Kind::Server)
                .failed("500"),
            made(6, 5, 220, 880, "shop.acquire").failed("pool exhausted"),
        ]
    }

    #[test]
    fn attempts_that_fail_differently_are_one_and_the_last_says_why() {
        let mut spans = tried_thrice();
        for whole in [Fate::HandledAt(Row(0)), Fate::ReachedRoot] {
            let trace = trace(&spans);
            let found = Origins::of(&trace, trace.timing(), None);
            assert_eq!(found.origins.len(), 1, "{found:?}");
            let origin = &found.origins[0];
            assert_eq!(ids(&trace, &origin.attempts), [2, 3, 4]);
            assert_eq!(ids(&trace, &[origin.row]), [6]);
            assert_eq!(origin.fate, whole);
            spans[0] = spans[0].failed("gave up");
        }
    }

    #[test]
    fn calls_at_once_and_calls_with_a_good_one_between_are_no_retries() {
        let mut between = tried_thrice();
        between[2] = made(3, 1, 100, 105, "web.order").kind(Kind::Client);
        let mut at_once = tried_thrice();
        at_once[3].from = 12;
        for spans in [between, at_once] {
            let trace = trace(&spans);
            let found = Origins::of(&trace, trace.timing(), None);
            let deepest = found.origins.iter().map(|origin| trace.span(origin.row).id.0);
            assert_eq!(deepest.collect::<Vec<_>>(), [2, 6], "{found:?}");
        }
    }

    #[test]
    fn an_unmarked_call_between_two_that_failed_passes_the_failure_on() {
        let mut spans = vec![
            made(1, 0, 1, 100, "web.get").kind(Kind::Server).failed("503"),
            made(2, 1, 5, 95, "web.list").kind(Kind::Client),
            made(3, 2, 6, 94, "shop.list").kind(Kind::Server).failed("503"),
        ];
        let trace_of = |spans: &[super::super::tests::Made]| trace(spans);
        let failed = trace_of(&spans);
        let found = Origins::of(&failed, failed.timing(), None);
        assert_eq!(found.origins.len(), 1, "the root failed because of it: {found:?}");
        assert_eq!(
            ids(&failed, &[found.origins[0].row, found.origins[0].top]),
            [3, 1]
        );
        assert_eq!(found.origins[0].fate, Fate::ReachedRoot);
        spans[0] = made(1, 0, 1, 100, "web.get").kind(Kind::Server);
        let went_on = trace_of(&spans);
        let found = Origins::of(&went_on, went_on.timing(), None);
        assert_eq!(found.origins[0].fate, Fate::HandledAt(Row(1)));
    }
}
