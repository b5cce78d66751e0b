//! What can be told, taken along and gone to of a trace that is listed and not read.

use std::fmt::Write as _;

use super::super::pivot::{self, Ways};
use crate::app::Model;
use crate::app::effect::Deed;
use crate::app::modal::{Choice, Goal, MenuItem};
use crate::app::reference;
use crate::app::traces::TraceRow;
use crate::backend::traces::ui;
use crate::domain::service_map::Caller;
use crate::domain::trace::scale::lasting;
use crate::domain::trace::{Operation, Summary, TraceId, json};
use crate::text::{SafeText, escape_json};

/// The row under the cursor as evidence.
pub(in super::super) fn evidence(model: &Model) -> Option<String> {
    match model.traces.row()? {
        TraceRow::Trace(_) => model
            .traces
            .selected()
            .map(|trace| reference::listed_trace(trace)),
        TraceRow::Group(operation) => of_group(model, operation),
    }
}

fn of_group(model: &Model, operation: &Operation) -> Option<String> {
    let measured = model.traces.statistics.operation(operation)?;
    let traces = model.traces.drawn()?.traces.iter().map(|trace| trace.start);
    let (first, last) = (traces.clone().min()?, traces.max()?);
    Some(reference::operation(operation, measured, first.utc(), last.utc()))
}

/// What can be copied of the row under the cursor.
pub(in super::super) fn copied(model: &Model) -> Option<Vec<MenuItem>> {
    let reference = item('r', "reference", evidence(model)?, None);
    Some(match model.traces.selected() {
        Some(trace) => {
            let told = Deed {
                incident: None,
                text: format!("copied trace {} as JSON", trace.id),
                refs: refs(trace),
            };
            let json = json::summary(trace).to_string();
            let link = link(model, trace.id).map(|link| item('u', "link", link, None));
            let id = item('t', "trace id", trace.id.to_string(), None);
            let mut items: Vec<MenuItem> = std::iter::once(id).chain(link).collect();
            items.extend([
                item('l', "line", line(trace), None),
                item('j', "JSON", escape_json(&json).into_owned(), Some(told)),
                reference,
                item('c', "command", format!("midwatch trace {}", trace.id), None),
            ]);
            items
        }
        None => vec![reference],
    })
}

/// Where a browser shows a trace, where such a place is known.
pub(in super::super) fn link(model: &Model, id: TraceId) -> Option<String> {
    let template = model.settings.trace_ui.as_deref()?;
    Some(ui::link(template, id))
}

fn item(key: char, what: &'static str, text: String, deed: Option<Deed>) -> MenuItem {
    let begin: String = text.chars().take(200).collect();
    MenuItem {
        key,
        label: format!("{what}  {}", SafeText::line(&begin)),
        choice: Choice::Copy { what, text, deed },
    }
}

fn line(trace: &Summary) -> String {
    let named = |name: &Option<std::sync::Arc<str>>| {
        let name = name.as_deref().unwrap_or("not told");
        SafeText::line(name).into_string()
    };
    let took = u64::try_from(trace.duration.as_nanos()).unwrap_or(u64::MAX);
    let mut line = format!(
        "{}  {}  {} {}",
        trace.start.utc().format("%Y-%m-%dT%H:%M:%S%.3fZ"),
        lasting(took),
        named(&trace.service),
        named(&trace.operation),
    );
    if let Some(errors) = trace.errors.filter(|errors| *errors > 0) {
        let _ = write!(line, "  {errors} failed");
    }
    let _ = write!(line, "  {}", trace.id);
    line
}

fn refs(trace: &Summary) -> Vec<(&'static str, String)> {
    let mut refs = vec![("trace", trace.id.to_string())];
    refs.extend(
        trace
            .service
            .iter()
            .map(|service| ("service", service.to_string())),
    );
    refs
}

/// Where one can go from a trace in the list: its lines, and the logs, alerts and SLOs of its services.
pub(in super::super) fn ways(model: &Model, id: TraceId) -> Ways {
    let Some(trace) = model.traces.summary(id) else {
        return (Vec::new(), "the trace is listed no more".to_owned(), None);
    };
    let mut ways = Vec::new();
    if model.settings.logs.is_some() {
        let goal = Goal::TraceLogs(id, trace.start);
        ways.push((goal, "every line of this trace".to_owned()));
    }
    // Failed services first: what is wrong is looked for there.
    let mut shares: Vec<_> = trace.services.iter().collect();
    shares.sort_by_key(|share| std::cmp::Reverse(share.errors));
    let root = trace.service.iter();
    let mut services: Vec<&str> = Vec::new();
    for service in shares.iter().map(|share| &share.name).chain(root) {
        if !service.is_empty() && !services.contains(&&**service) {
            services.push(service);
        }
    }
    if let Some(service) = trace.service.as_deref().or(services.first().copied()) {
        let service = model.settings.services.ours(Caller::Traces, service);
        ways.extend(pivot::to_logs(model, service, Some(trace.start)));
    }
    for service in services {
        let service = model.settings.services.ours(Caller::Traces, service);
        let same = pivot::alerts_of(model, service);
        ways.extend(same.map(|alert| pivot::to_alert(alert, "of its service")));
        ways.extend(pivot::slos_of(model, service).map(pivot::to_slo));
    }
    let deed = Deed {
        incident: None,
        text: format!("went on from trace {id}"),
        refs: refs(trace),
    };
    let none = "no alert, SLO or log is of its services".to_owned();
    (ways, none, Some(deed))
}
