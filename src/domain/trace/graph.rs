//! Who calls whom: services and the calls between them, counted in traces or told by a source.
//!
//! A call is a span whose parent is of another service; it failed when either end did. A client without a
//! server in the trace calls what its attributes name (a database, a service that sends no spans). Circles
//! are told as such: services that call each other share a rank.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use super::stats::Measured;
use super::{Kind, Row, Status, Times, Trace};

/// Attributes that name what a client calls, the better first.
const PEERS: [&str; 8] = [
    "peer.service",
    "server.address",
    "net.peer.name",
    "db.system.name",
    "db.system",
    "messaging.system",
    "network.peer.address",
    "rpc.service",
];

/// Calls from one service to another.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calls {
    /// As the source counted them over the whole time; nothing where it told nothing of these.
    pub told: Option<Told>,
    /// How many there are in traces.
    pub seen: u64,
    /// How many of those failed.
    pub failed: u64,
    /// As the called one measured them.
    pub served: Measured,
    /// As the caller measured them: the difference is the network and queues.
    pub waited: Measured,
    /// Whether the called one sends no spans of its own.
    pub ends: Ends,
}

/// What a source counted of some calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// How many.
    pub calls: u64,
    /// How many failed; nothing where it does not tell.
    pub errors: Option<u64>,
}

impl Calls {
    /// How many: by the source, else in traces.
    pub fn count(&self) -> u64 {
        self.told.map_or(self.seen, |told| told.calls)
    }

    /// How many failed, of how many: by the source where it tells, else in traces.
    pub fn failures(&self) -> (u64, u64) {
        let told = self.told.and_then(|told| Some((told.errors?, told.calls)));
        told.unwrap_or((self.failed, self.seen))
    }

    /// The share that failed, from 0 to 1.
    pub fn failing(&self) -> f64 {
        let (failed, of) = self.failures();
        failed as f64 / of.max(1) as f64
    }
}

/// Whether both ends of calls are known to send spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ends {
    /// Both.
    #[default]
    Both,
    /// The caller alone names the other.
    CallerAlone,
}

/// Services and calls.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    calls: BTreeMap<(Arc<str>, Arc<str>), Calls>,
    services: BTreeSet<Arc<str>>,
}

/// A service's place in a drawing from left to right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Which. Remote.
    pub service: Arc<str>,
    /// Callers stand at lower ranks, from 0.
    pub rank: u32,
    /// Whether it is called by something that it calls itself.
    pub circle: Circle,
}

/// Whether a service is part of a circle of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circle {
    /// It is.
    Within,
    /// It is not.
    Outside,
}

#[derive(Default)]
struct Counting {
    count: u64,
    errors: u64,
    served: Vec<u64>,
    waited: Vec<u64>,
    ends: Ends,
}

impl Graph {
    /// Of traces.
    pub fn of<'a>(traces: impl IntoIterator<Item = &'a Trace>) -> Self {
        let mut graph = Self::default();
        let mut counting: BTreeMap<(Arc<str>, Arc<str>), Counting> = BTreeMap::new();
        for trace in traces {
            for span in trace.spans() {
                if !graph.services.contains(span.service) {
                    graph.services.insert(Arc::clone(span.service));
                }
                let failed = span.status == Status::Error;
                let lasted = (span.times == Times::Known).then_some(span.duration.as_nanos() as u64);
                if let Some(parent) = span.parent.map(|row| trace.span(row))
                    && parent.service != span.service
                {
                    let key = (Arc::clone(parent.service), Arc::clone(span.service));
                    let calls = counting.entry(key).or_default();
                    let client = matches!(parent.kind, Kind::Client | Kind::Producer);
                    calls.count += 1;
                    calls.errors += u64::from(failed || (client && parent.status == Status::Error));
                    calls.served.extend(lasted);
                    let waited = parent.duration.as_nanos() as u64;
                    calls.waited.extend(
                        (parent.kind == Kind::Client && parent.times == Times::Known).then_some(waited),
                    );
                } else if matches!(span.kind, Kind::Client | Kind::Producer)
                    && trace.subtree(span.row).len() == 1
                    && let Some(peer) = peer(trace, span.row)
                    && *peer != **span.service
                {
                    let calls = counting
                        .entry((Arc::clone(span.service), Arc::from(peer)))
                        .or_default();
                    calls.count += 1;
                    calls.errors += u64::from(failed);
                    calls.waited.extend(lasted);
                    calls.ends = Ends::CallerAlone;
                }
            }
        }
        for (ends, counted) in counting {
            graph.services.insert(Arc::clone(&ends.1));
            let calls = Calls {
                told: None,
                seen: counted.count,
                failed: counted.errors,
                served: Measured::new(counted.served, 0),
                waited: Measured::new(counted.waited, 0),
                ends: counted.ends,
            };
            graph.calls.insert(ends, calls);
        }
        graph
    }

    /// Takes up calls that a source counted, beside what is known of them from traces.
    pub fn counted(&mut self, from: &Arc<str>, to: &Arc<str>, count: u64, errors: Option<u64>) {
        self.services.extend([Arc::clone(from), Arc::clone(to)]);
        let calls = self.calls.entry((Arc::clone(from), Arc::clone(to))).or_default();
        calls.told = Some(Told { calls: count, errors });
    }

    /// Every call: caller, called, and how; by names.
    pub fn calls(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<str>, &Calls)> {
        self.calls.iter().map(|(ends, calls)| (&ends.0, &ends.1, calls))
    }

    /// Who calls a service.
    pub fn callers<'a>(&'a self, service: &'a str) -> impl Iterator<Item = (&'a Arc<str>, &'a Calls)> {
        let all = self.calls().filter(move |(_, called, _)| ***called == *service);
        all.map(|(caller, _, calls)| (caller, calls))
    }

    /// Whom a service calls.
    pub fn called<'a>(&'a self, service: &'a str) -> impl Iterator<Item = (&'a Arc<str>, &'a Calls)> {
        let all = self.calls().filter(move |(caller, _, _)| ***caller == *service);
        all.map(|(_, called, calls)| (called, calls))
    }

    /// Every service with its rank: one more than the highest of its callers, those of a circle together. By
    /// rank, then by name.
    pub fn placed(&self) -> Vec<Placed> {
        let names: Vec<&Arc<str>> = self.services.iter().collect();
        let number: BTreeMap<&Arc<str>, usize> =
            names.iter().zip(0..).map(|(name, at)| (*name, at)).collect();
        let mut out: Vec<Vec<usize>> = vec![Vec::new(); names.len()];
        for (caller, called) in self.calls.keys() {
            if let (Some(from), Some(to)) = (number.get(caller), number.get(called)) {
                out[*from].push(*to);
            }
        }
        let circles = circles(&out);
        let groups = circles.iter().copied().max().map_or(0, |last| last + 1);
        let mut sizes = vec![0_usize; groups];
        for group in &circles {
            sizes[*group] += 1;
        }
        // Groups are numbered from the called up, so callers are met before those they call.
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); groups];
        for (service, group) in circles.iter().enumerate() {
            members[*group].push(service);
        }
        let mut ranks = vec![0_u32; groups];
        for group in (0..groups).rev() {
            for service in &members[group] {
                for called in &out[*service] {
                    let other = circles[*called];
                    if other != group {
                        ranks[other] = ranks[other].max(ranks[group] + 1);
                    }
                }
            }
        }
        let mut placed: Vec<Placed> = names
            .iter()
            .enumerate()
            .map(|(service, name)| Placed {
                service: Arc::clone(name),
                rank: ranks[circles[service]],
                circle: if sizes[circles[service]] > 1 {
                    Circle::Within
                } else {
                    Circle::Outside
                },
            })
            .collect();
        placed.sort_by(|a, b| (a.rank, &a.service).cmp(&(b.rank, &b.service)));
        placed
    }
}

/// What a client that has no server in the trace says it calls.
fn peer(trace: &Trace, row: Row) -> Option<String> {
    let mut best: Option<(usize, String)> = None;
    trace.attributes(row, &mut |attribute| {
        let rank = PEERS.iter().position(|name| *name == attribute.key);
        if let Some(rank) = rank
            && best.as_ref().is_none_or(|(known, _)| rank < *known)
        {
            let named = attribute.value.to_string();
            if !named.is_empty() {
                best = Some((rank, named));
            }
        }
        if best.as_ref().is_some_and(|(rank, _)| *rank == 0) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    best.map(|(_, name)| name)
}

/// The strongly connected components of a graph, as a number for each node: a node's number is not below
/// those of the nodes it leads to. Tarjan's algorithm (1972), on a stack of its own.
fn circles(out: &[Vec<usize>]) -> Vec<usize> {
    const NONE: usize = usize::MAX;
    let mut index = vec![NONE; out.len()];
    let mut low = vec![0; out.len()];
    let mut group = vec![NONE; out.len()];
    let (mut found, mut groups) = (0, 0);
    let mut open: Vec<usize> = Vec::new();
    let mut walk: Vec<(usize, usize)> = Vec::new();
    for root in 0..out.len() {
        if index[root] != NONE {
            continue;
        }
        walk.push((root, 0));
        while let Some((node, edge)) = walk.last_mut() {
            let node = *node;
            if *edge == 0 {
                index[node] = found;
                low[node] = found;
                found += 1;
                open.push(node);
            }
            if let Some(next) = out[node].get(*edge) {
                *edge += 1;
                if index[*next] == NONE {
                    walk.push((*next, 0));
                } else if group[*next] == NONE {
                    low[node] = low[node].min(index[*next]);
                }
                continue;
            }
            walk.pop();
            if let Some((parent, _)) = walk.last() {
                low[*parent] = low[*parent].min(low[node]);
            }
            if low[node] == index[node] {
                while let Some(member) = open.pop() {
                    group[member] = groups;
                    if member == node {
                        break;
                    }
                }
                groups += 1;
            }
        }
    }
    group
}

#[cfg(test)]
mod tests {
    use super::super::tests::{made, trace};
    use super::*;

    #[test]
    fn calls_are_counted_with_failures_and_both_ends_durations() {
        let trace = trace(&[
            made(1, 0, 1, 100, "web.get").kind(Kind::Server),
            made(2, 1, 10, 90, "web.call").kind(Kind::Client).failed("503"),
            made(3, 2, 20, 60, "pay.charge").kind(Kind::Server),
            made(4, 3, 30, 40, "pay.inside"),
        ]);
        let graph = Graph::of([&trace]);
        let all: Vec<_> = graph.calls().collect();
        assert_eq!(all.len(), 1);
        let (from, to, calls) = all[0];
        assert_eq!(
            (&**from, &**to, calls.count(), calls.failures()),
            ("web", "pay", 1, (1, 1))
        );
        let millis = |measured: &Measured| measured.quantile(0.95).unwrap().as_millis();
        assert_eq!((millis(&calls.served), millis(&calls.waited)), (40, 80));
    }

    #[test]
    fn what_failed_in_traces_stays_known_where_the_source_counts_calls_alone() {
        let trace = trace(&[
            made(1, 0, 1, 100, "web.get").kind(Kind::Server),
            made(2, 1, 10, 90, "web.call").kind(Kind::Client).failed("503"),
            made(3, 2, 20, 60, "pay.charge").kind(Kind::Server),
        ]);
        let (web, pay) = (Arc::from("web"), Arc::from("pay"));
        let mut graph = Graph::of([&trace]);
        graph.counted(&web, &pay, 166_000, None);
        let calls = graph.called("web").next().unwrap().1.clone();
        assert_eq!((calls.count(), calls.failures()), (166_000, (1, 1)));
        graph.counted(&web, &pay, 166_000, Some(20));
        let calls = graph.called("web").next().unwrap().1.clone();
        assert_eq!(calls.failures(), (20, 166_000));
    }

    #[test]
    fn callers_stand_before_the_called_and_circles_together() {
        let name = |text: &str| -> Arc<str> { Arc::from(text) };
        let mut graph = Graph::default();
        for (caller, called) in [
            ("web", "a"),
            ("a", "b"),
            ("b", "c"),
            ("c", "a"),
            ("c", "db"),
            ("web", "db"),
            ("x", "x"),
        ] {
            graph.counted(&name(caller), &name(called), 1, None);
        }
        let placed = graph.placed();
        let seen: Vec<(&str, u32, Circle)> = placed
            .iter()
            .map(|placed| (&*placed.service, placed.rank, placed.circle))
            .collect();
        assert_eq!(
            seen,
            [
                ("web", 0, Circle::Outside),
                ("x", 0, Circle::Outside),
                ("a", 1, Circle::Within),
                ("b", 1, Circle::Within),
                ("c", 1, Circle::Within),
                ("db", 2, Circle::Outside),
            ]
        );
        assert_eq!(graph.callers("a").count(), 2);
    }

    #[test]
    fn a_long_row_of_services_is_a_loop_and_not_a_recursion() {
        let out: Vec<Vec<usize>> = (0..200_000).map(|node| vec![(node + 1) % 200_000]).collect();
        assert!(circles(&out).iter().all(|group| *group == 0));
    }
}
