//! What Jaeger says of a trace beside its spans: parents that never came, and clocks that do not agree.
//!
//! Adjusting clocks is off by default, and Jaeger then only says what it would have done; after
//! `internal/adjuster/clockskew.go`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::demo::world::traces::{BATCH_SPANS, Span, Trace};

/// Of each span, by position; empty where there are none at all.
pub fn of(trace: &Trace) -> Vec<Vec<String>> {
    // The batch's spans lie within each other, as they are made.
    if trace.count() >= BATCH_SPANS {
        return Vec::new();
    }
    let spans: Vec<Cow<'_, Span>> = trace.spans().collect();
    let place: BTreeMap<u64, usize> = spans
        .iter()
        .enumerate()
        .map(|(nth, span)| (span.id, nth))
        .collect();
    let host = |span: &Span| trace.resource(span).map_or("", |resource| resource.host);
    let mut deltas: Vec<i64> = Vec::with_capacity(spans.len());
    let mut told = Vec::with_capacity(spans.len());
    for span in &spans {
        let mut own = Vec::new();
        let parent = span
            .parent
            .map(|id| (id, place.get(&id).and_then(|nth| Some((*nth, spans.get(*nth)?)))));
        let delta = match parent {
            None => 0,
            Some((id, None)) => {
                own.push(format!(
                    "parent span ID={id:016x} is not in the trace; skipping clock skew adjustment"
                ));
                0
            }
            // Spans of one host share its clock, and what would be done about it.
            Some((_, Some((nth, parent)))) if host(parent) == host(span) => {
                deltas.get(nth).copied().unwrap_or_default()
            }
            Some((_, Some((_, parent)))) => skew(span, parent),
        };
        if delta != 0 {
            own.push(format!(
                "clock skew adjustment disabled; not applying calculated delta of {}",
                spelt(delta)
            ));
        }
        deltas.push(delta);
        told.push(own);
    }
    told
}

/// By how much a span would have to be moved to lie within its parent.
fn skew(span: &Span, parent: &Span) -> i64 {
    let (length, around) = (span.end - span.start, parent.end - parent.start);
    if length > around {
        return (parent.start - span.start).max(0);
    }
    if span.start >= parent.start && span.end <= parent.end {
        return 0;
    }
    parent.start + (around - length) / 2 - span.start
}

/// As Go spells a duration.
fn spelt(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let n = ns.unsigned_abs();
    let fraction = |unit: u64| (n as f64 / unit as f64).to_string();
    match n {
        0 => "0s".to_owned(),
        1..1_000 => format!("{sign}{n}ns"),
        1_000..1_000_000 => format!("{sign}{}µs", fraction(1_000)),
        1_000_000..1_000_000_000 => format!("{sign}{}ms", fraction(1_000_000)),
        _ => format!("{sign}{}s", fraction(1_000_000_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_spelt_as_go_spells_them() {
        for (ns, expected) in [
            (0, "0s"),
            (350, "350ns"),
            (-2_500, "-2.5µs"),
            (-212_000_000, "-212ms"),
            (1_230_939, "1.230939ms"),
            (2_000_000_000, "2s"),
        ] {
            assert_eq!(spelt(ns), expected);
        }
    }
}
