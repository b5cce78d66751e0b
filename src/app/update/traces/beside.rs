//! What is made of several traces: two compared, and the graph of the services in those at hand.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::{details, say};
use super::open;
use crate::action::Action;
use crate::app::focus::Detail;
use crate::app::list::Step;
use crate::app::toast::Level;
use crate::app::traces::Wants;
use crate::app::traces::calls::{CallsAsk, MOST_READ, MOST_SPANS};
use crate::app::traces::comparison::{Aligned, Aligning, Comparison};
use crate::app::{Effect, Model};
use crate::domain::trace::{Nanos, Row, Stretch, TraceId};
use crate::time::Now;

/// Holds the trace under the cursor against the marked one.
pub(super) fn compare(model: &mut Model, now: Now) -> Vec<Effect> {
    let under = model.traces.selected().map(|trace| trace.id);
    let (base, other) = match (model.traces.mark, under) {
        (Some(base), Some(other)) if base != other => (base, other),
        (None | Some(_), _) => {
            let key = model.keymap.keys_for(Action::Mark).into_iter().next();
            let key = key.unwrap_or_default();
            let said = format!("mark one trace with {key}, then go to the other");
            return say(model, Level::Info, said, now);
        }
    };
    let mut effects: Vec<Effect> = Vec::new();
    for id in [base, other] {
        if model.traces.turn_to(id, now.tick) == Wants::Reading {
            effects.push(Effect::ReadTrace(id));
        }
    }
    // Looking again keeps the place.
    let same = |open: &Comparison| (open.base, open.other) == (base, other) && open.aligned.is_some();
    if !model.traces.comparison.as_ref().is_some_and(same) {
        model.traces.comparison = Some(Comparison::asked(base, other));
    }
    details::show(model, Detail::Comparison(base, other));
    effects.extend(align(model));
    effects
}

/// Has the two aligned once both are there.
pub(in super::super) fn align(model: &Model) -> Option<Effect> {
    let open = model.traces.comparison.as_ref()?;
    if open.aligned.is_some() {
        return None;
    }
    let study = |id: TraceId| model.traces.opened(id)?.study().map(Arc::clone);
    Some(Effect::AlignTraces(Aligning {
        base: study(open.base)?,
        other: study(open.other)?,
    }))
}

/// They were aligned.
pub(in super::super) fn aligned(model: &mut Model, aligned: Arc<Aligned>) {
    if let Some(open) = &mut model.traces.comparison {
        open.take(aligned);
    }
}

/// Moves the cursor of the comparison.
pub(in super::super) fn step_pair(model: &mut Model, step: Step) {
    if let Some(open) = &mut model.traces.comparison
        && open.aligned.is_some()
    {
        open.list.step(&open.rows, step);
    }
}

/// Lists only the calls that differ, or all.
pub(in super::super) fn turn_pairs(model: &mut Model, now: Now) -> Vec<Effect> {
    match &mut model.traces.comparison {
        Some(open) if open.aligned.is_some() => {
            open.turn();
            Vec::new()
        }
        Some(_) | None => say(model, Level::Info, "nothing to compare yet", now),
    }
}

/// The call under the cursor of the comparison: the other trace's where it has it.
pub(in super::super) fn pair_here(model: &Model) -> Option<(TraceId, Row)> {
    let comparison = model.traces.comparison.as_ref()?;
    let pair = comparison.aligned.as_ref()?.pairs.get(comparison.pair()?)?;
    let other = pair.right.map(|row| (comparison.other, row));
    other.or_else(|| pair.left.map(|row| (comparison.base, row)))
}

/// Services of the graph, those whose calls fail first.
pub(in super::super) fn services_of_graph(model: &Model) -> Vec<Arc<str>> {
    let Some(Ok(calling)) = &model.traces.calls else {
        return Vec::new();
    };
    let mut failing: BTreeMap<&Arc<str>, f64> = BTreeMap::new();
    for (caller, called, calls) in calling.graph.calls() {
        failing.entry(caller).or_default();
        let worst = failing.entry(called).or_default();
        *worst = worst.max(calls.failing());
    }
    let mut services: Vec<_> = failing.into_iter().collect();
    services.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    services
        .into_iter()
        .map(|(service, _)| Arc::clone(service))
        .collect()
}

/// Opens the waterfall at the call under the cursor: the other trace's where it has it.
pub(in super::super) fn open_pair(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some((id, row)) = pair_here(model) else {
        return say(model, Level::Info, "nothing to open yet", now);
    };
    let effects = open(model, id, now);
    if let Some(open) = model.traces.opened_mut(id)
        && open.study().is_some()
    {
        open.go_to(row);
    }
    effects
}

/// Opens the graph of services, and has it made anew from the newest traces of the list.
pub(super) fn graph(model: &mut Model, now: Now) -> Vec<Effect> {
    let pane = &mut model.traces;
    let to = Nanos::of(pane.until.unwrap_or(now.utc));
    let during = Stretch {
        from: to.minus(pane.back),
        to,
    };
    let small = |id: &TraceId| {
        let spans = pane.summary(*id).and_then(|trace| trace.spans);
        spans.is_none_or(|spans| spans <= MOST_SPANS)
    };
    // The newest: the first ones of the list are the worst of it, and no sample of how things are.
    let mut listed = pane.filtered();
    listed.sort_by_key(|trace| (Reverse(trace.start), trace.id));
    let ids = listed.into_iter().map(|trace| trace.id);
    let traces: Vec<TraceId> = ids.filter(small).take(MOST_READ).collect();
    pane.calls = None;
    details::show(model, Detail::ServiceGraph);
    vec![Effect::ReadCalls(CallsAsk { during, traces })]
}
