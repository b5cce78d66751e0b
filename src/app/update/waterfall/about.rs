//! What can be told, taken along and gone to of a span, or of a trace.

use super::super::copy::item;
use super::super::pivot::{self, Ways};
use super::super::traces;
use super::span_of;
use crate::app::Model;
use crate::app::effect::Deed;
use crate::app::modal::{Goal, MenuItem};
use crate::app::reference;
use crate::app::traces::{Clocks, Study};
use crate::domain::service_map::Caller;
use crate::domain::slo::{SloReport, SloState};
use crate::domain::trace::scale::lasting;
use crate::domain::trace::{Row, Status, TraceId};
use crate::terminal::clipboard;
use crate::text::{SafeText, escape_json};

/// Linked traces that one can go to.
const MOST_LINKS: usize = 3;

fn clocks(model: &Model, id: TraceId) -> Clocks {
    model
        .traces
        .opened(id)
        .map(|open| open.clocks)
        .unwrap_or_default()
}

/// A span as evidence; on the root, the trace.
pub(in super::super) fn evidence(model: &Model, id: TraceId, row: Option<Row>) -> Option<String> {
    let (study, row) = span_of(model, id, row)?;
    Some(if row == study.trace.primary() {
        reference::trace(study, clocks(model, id))
    } else {
        reference::span(study, row)
    })
}

/// A span as one line of text.
fn line(study: &Study, row: Row, clocks: Clocks) -> String {
    let aspect = study.aspect(clocks);
    let (span, time) = (study.trace.span(row), study.timing(clocks).of(row));
    let after = time.from.0.saturating_sub(aspect.whole.from.0).max(0) as u64;
    let mut line = format!(
        "{} {}  +{}  {}  self {}",
        SafeText::line(span.service),
        SafeText::line(span.operation),
        lasting(after),
        lasting(time.nanos()),
        lasting(aspect.own.nanos(row)),
    );
    if span.status == Status::Error {
        line.push_str("  failed");
        if let Some(message) = &study.trace.detail(row).message {
            line.push_str(": ");
            line.push_str(SafeText::line(message).as_str());
        }
    }
    line
}

/// What can be copied of a span, and of its trace.
pub(in super::super) fn copied(model: &Model, id: TraceId, row: Option<Row>) -> Option<Vec<MenuItem>> {
    let (study, row) = span_of(model, id, row)?;
    let clocks = clocks(model, id);
    let span = study.trace.span(row);
    let mut items = vec![item('t', "trace id", id.to_string())];
    items.extend(traces::link(model, id).map(|link| item('u', "link", link)));
    if !span.id.is_none() {
        items.push(item('s', "span id", span.id.to_string()));
    }
    items.push(item('l', "line", line(study, row, clocks)));
    let explained = SafeText::line(&study.aspect(clocks).line).into_string();
    items.push(item('e', "explanation", explained));
    if study.trace.raw(row).len() <= clipboard::MOST_BYTES {
        let json = String::from_utf8_lossy(study.trace.raw(row));
        items.push(item('j', "span as JSON", escape_json(&json).into_owned()));
    }
    items.push(item('r', "reference", evidence(model, id, Some(row))?));
    items.push(item('c', "command", format!("midwatch trace {id}")));
    Some(items)
}

/// Where one can go from a span, and from its trace: its lines, the alerts and SLOs of its services, linked traces.
pub(in super::super) fn ways(model: &Model, id: TraceId, row: Option<Row>) -> Ways {
    let mut ways = Vec::new();
    let Some((study, row)) = span_of(model, id, row) else {
        return (ways, "the trace is not here yet".to_owned(), None);
    };
    if model.settings.logs.is_some() {
        let span = study.trace.span(row);
        if !span.id.is_none() {
            let goal = Goal::SpanLogs(id, span.id, span.start);
            ways.push((goal, "lines that name this span".to_owned()));
        }
        let goal = Goal::TraceLogs(id, study.trace.extent().from);
        ways.push((goal, "every line of this trace".to_owned()));
    }
    let named = &model.settings.services;
    let own = named.ours(Caller::Traces, study.trace.span(row).service.as_ref());
    let began = study.trace.span(row).start;
    ways.extend(pivot::to_logs(model, own, Some(began)));
    let links = study.trace.detail(row).links;
    let elsewhere = links.iter().filter(|link| link.trace != id).take(MOST_LINKS);
    ways.extend(elsewhere.map(|link| {
        let goal = Goal::Trace(link.trace);
        (goal, format!("linked trace {}", link.trace))
    }));
    // The span's own service first, then whoever had most of the time.
    let totals = &study.aspect(clocks(model, id)).services;
    let others = totals
        .iter()
        .map(|total| named.ours(Caller::Traces, total.service.as_ref()));
    for service in std::iter::once(own).chain(others.filter(|other| *other != own)) {
        let same = pivot::alerts_of(model, service);
        ways.extend(same.map(|alert| pivot::to_alert(alert, "of its service")));
        // Of the others those that are well explain nothing.
        let tells =
            |report: &&SloReport| service == own || !matches!(report.state, SloState::Spent | SloState::Ok);
        ways.extend(pivot::slos_of(model, service).filter(tells).map(pivot::to_slo));
    }
    let deed = Deed {
        incident: None,
        text: "went on from a span".to_owned(),
        refs: vec![("trace", id.to_string())],
    };
    let none = format!("no alert, SLO or log is of {}", SafeText::line(own));
    (ways, none, Some(deed))
}
