//! Clock skew: how far the clocks of hosts are apart, judged by calls between them. Off until asked for; what
//! came stays.
//!
//! A server's span lies within its client's, so a call says between which bounds its server's clock is off.
//! For each pair of hosts the median of the bounds' middles is taken, and only when at least nine in ten of
//! their calls allow it and not all of them fit already. Messages are never judged by, and a consumer with
//! all that is under it stays where it is: it may well start after its producer ended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::model::{Column, Timing, Trace};
use super::scale::lasting;
use super::{Kind, Row, Tie};
use crate::text::SafeText;

/// The share of calls between two hosts that a shift must make fit.
const FITS: f64 = 0.9;

/// A host whose clock was moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// Which. Remote.
    pub host: Arc<str>,
    /// Against which host's clock. Remote.
    pub against: Arc<str>,
    /// By how many nanoseconds its times were moved in all; below 0 they were moved back.
    pub nanos: i64,
    /// From so many calls.
    pub calls: usize,
}

/// Times with the skew taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unskewed {
    /// When spans were, hosts' clocks set right; [`Trace::timing`] keeps when they said they were.
    pub timing: Timing,
    /// What was moved; empty where nothing had to be.
    pub shifts: Vec<Shift>,
    moved: Column<i64>,
}

impl Shift {
    /// `host b 12.4 ms ahead (7 calls)`: how its clock was before it was moved.
    pub fn said(&self) -> String {
        format!(
            "host {} {} {} ({} {})",
            SafeText::line(&self.host),
            lasting(self.nanos.unsigned_abs()),
            if self.nanos < 0 { "ahead" } else { "behind" },
            self.calls,
            if self.calls == 1 { "call" } else { "calls" },
        )
    }
}

/// Hosts that are named where several clocks are off.
const NAMED: usize = 3;

/// Which hosts' clocks are off, and by how much; empty where none is.
pub fn said(shifts: &[Shift]) -> String {
    let mut said: Vec<String> = shifts.iter().take(NAMED).map(Shift::said).collect();
    if shifts.len() > NAMED {
        said.push(format!("{} more", shifts.len() - NAMED));
    }
    said.join(" · ")
}

/// What calls between two hosts allow: for each, from where to where the called one's clock can be moved.
type Bounds = Vec<(i64, i64)>;

impl Unskewed {
    /// Of a trace.
    pub fn of(trace: &Trace) -> Self {
        let timing = trace.timing();
        let mut pairs: BTreeMap<(&Arc<str>, &Arc<str>), Bounds> = BTreeMap::new();
        for row in trace.rows() {
            let Some(parent) = trace.parent(row) else {
                continue;
            };
            let call = trace.marks[row].kind == Kind::Server
                && trace.marks[parent].kind == Kind::Client
                && trace.marks[row].tie == Tie::ChildOf;
            let (Some(above), Some(here)) = (trace.host(parent), trace.host(row)) else {
                continue;
            };
            if !call || above == here {
                continue;
            }
            let low = timing.start(parent) - timing.start(row);
            let high = timing.end(parent) - timing.end(row);
            // A server that took longer than its client says nothing of clocks.
            if low <= high {
                pairs.entry((above, here)).or_default().push((low, high));
            }
        }
        let shifts = shifts(trace, &pairs);
        let by_host: BTreeMap<&Arc<str>, i64> =
            shifts.iter().map(|shift| (&shift.host, shift.nanos)).collect();
        let mut stays = vec![false; trace.len()];
        let mut moved = Vec::with_capacity(trace.len());
        for row in trace.rows() {
            let consumer = trace.marks[row].kind == Kind::Consumer || trace.marks[row].kind == Kind::Producer;
            let above = trace
                .parent(row)
                .is_some_and(|parent| stays[parent.index()] && trace.marks[parent].kind != Kind::Producer);
            stays[row.index()] = consumer || above;
            let by = trace.host(row).and_then(|host| by_host.get(host)).copied();
            moved.push(by.filter(|_| !stays[row.index()]).unwrap_or(0));
        }
        let starts = timing.starts.values().iter().zip(&moved);
        let timing = Timing {
            starts: Column(starts.map(|(start, by)| start.saturating_add(*by)).collect()),
            lasts: timing.lasts.clone(),
        };
        Self {
            timing,
            shifts,
            moved: Column(moved),
        }
    }

    /// By how many nanoseconds a span was moved.
    pub fn moved(&self, row: Row) -> i64 {
        self.moved[row]
    }
}

/// Moves hosts one after the other, from that of the primary root on along the calls.
fn shifts(trace: &Trace, pairs: &BTreeMap<(&Arc<str>, &Arc<str>), Bounds>) -> Vec<Shift> {
    let mut shifts: Vec<Shift> = Vec::new();
    let mut known: BTreeMap<&Arc<str>, i64> = BTreeMap::new();
    let mut waiting: Vec<&Arc<str>> = trace.host(trace.primary()).into_iter().collect();
    let mut others: Vec<&Arc<str>> = pairs.keys().map(|(above, _)| *above).rev().collect();
    let mut seen: BTreeSet<&Arc<str>> = waiting.iter().copied().collect();
    loop {
        let Some(host) = waiting.pop().or_else(|| {
            let next = others.pop()?;
            Some(next)
        }) else {
            return shifts;
        };
        seen.insert(host);
        let own = *known.entry(host).or_insert(0);
        let from_here = pairs.iter().filter(|((above, _), _)| *above == host);
        for ((_, called), bounds) in from_here {
            if !seen.insert(*called) {
                continue;
            }
            let total = own.saturating_add(apart(bounds));
            known.insert(*called, total);
            if total != 0 {
                shifts.push(Shift {
                    host: Arc::clone(called),
                    against: Arc::clone(host),
                    nanos: total,
                    calls: bounds.len(),
                });
            }
            waiting.push(*called);
        }
    }
}

/// How far a host is to be moved: 0 where its calls fit as they are, or where nothing makes enough of them
/// fit.
fn apart(bounds: &Bounds) -> i64 {
    let fit = |by: i64| {
        let fitting = bounds.iter().filter(|(low, high)| (*low..=*high).contains(&by));
        fitting.count() as f64 >= FITS * bounds.len() as f64
    };
    let mut middles: Vec<i64> = bounds.iter().map(|(low, high)| low + (high - low) / 2).collect();
    if middles.is_empty() || fit(0) {
        return 0;
    }
    let half = middles.len() / 2;
    let (_, median, _) = middles.select_nth_unstable(half);
    if fit(*median) { *median } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{MS, Made, made, trace};
    use super::*;

    fn calls(skew: i64, count: u64) -> Vec<Made> {
        let mut spans = vec![made(1, 0, 1_000, 2_000, "web.get").kind(Kind::Server).host("a")];
        for index in 0..count {
            let from = 1_010 + 50 * index.cast_signed();
            let id = 10 + 10 * index;
            let (begin, end) = (from + 10 + skew, from + 30 + skew);
            spans.push(
                made(id, 1, from, from + 40, "web.call")
                    .kind(Kind::Client)
                    .host("a"),
            );
            spans.push(
                made(id + 1, id, begin, end, "pay.pay")
                    .kind(Kind::Server)
                    .host("b"),
            );
            spans.push(made(id + 2, id + 1, begin + 1, end - 1, "pay.inside").host("b"));
        }
        spans
    }

    #[test]
    fn a_host_that_is_off_is_moved_with_all_its_spans_and_the_raw_times_stay() {
        let trace = trace(&calls(-500, 7));
        let unskewed = Unskewed::of(&trace);
        assert_eq!(
            unskewed.shifts,
            [Shift {
                host: "b".into(),
                against: "a".into(),
                nanos: 500 * MS,
                calls: 7
            }]
        );
        for row in trace.rows() {
            let by = if trace.host(row).is_some_and(|host| &**host == "b") {
                500 * MS
            } else {
                0
            };
            assert_eq!(unskewed.moved(row), by);
            assert_eq!(unskewed.timing.of(row).from.0 - trace.timing().of(row).from.0, by);
        }
    }

    #[test]
    fn what_fits_is_left_alone_and_so_is_what_nothing_makes_fit() {
        assert!(Unskewed::of(&trace(&calls(3, 7))).shifts.is_empty());
        let mut torn = calls(-500, 2);
        torn.extend(calls(500, 4).into_iter().skip(7).map(|mut span| {
            span.id += 1_000;
            span.parent += if span.parent == 1 { 0 } else { 1_000 };
            span
        }));
        assert!(Unskewed::of(&trace(&torn)).shifts.is_empty());
    }

    #[test]
    fn consumers_stay_where_they_are_with_all_under_them() {
        let mut spans = calls(-500, 3);
        spans.push(
            made(500, 1, 1_100, 1_110, "web.send")
                .kind(Kind::Producer)
                .host("a"),
        );
        spans.push(
            made(501, 500, 3_000, 3_100, "pay.take")
                .kind(Kind::Consumer)
                .host("b"),
        );
        spans.push(made(502, 501, 3_010, 3_020, "pay.work").host("b"));
        let trace = trace(&spans);
        let unskewed = Unskewed::of(&trace);
        for id in [500, 501, 502] {
            let row = trace.find(super::super::SpanId(id)).next().unwrap();
            assert_eq!(unskewed.moved(row), 0, "{id}");
        }
        assert_eq!(unskewed.shifts.len(), 1);
    }
}
