//! Copying: ids, links, lines, JSON and commands, to the clipboard of the person's own machine.

use super::say;
use crate::app::focus::{Detail, PaneId};
use crate::app::modal::{Choice, Menu, MenuItem, Modal};
use crate::app::panes::selected_silence;
use crate::app::reference;
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::domain::alert::Alert;
use crate::domain::incident::Incident;
use crate::domain::timeline::Event;
use crate::logstore::LineId;
use crate::text::SafeText;
use crate::time::Now;

/// The menu of what can be copied from the thing under the cursor.
pub(super) fn menu(model: &mut Model, now: Now) -> Vec<Effect> {
    if let Some(Detail::Page(page)) = model.detail() {
        let page = page.clone();
        return super::pages::copy(model, &page, now);
    }
    let items = match (model.detail(), model.focus) {
        (Some(Detail::Silences), _) => silence_items(model),
        (Some(Detail::Alert(fingerprint)), _) => model.alerts.alert(*fingerprint).map(|a| alert_items(a)),
        (Some(Detail::Slo(name)), _) => slo_items(model, name),
        (Some(Detail::Incident(id)), _) => model.incidents.incident(id).map(|incident| {
            let event = model.incidents.event().map(event_items);
            event
                .into_iter()
                .flatten()
                .chain(incident_items(incident))
                .collect()
        }),
        (Some(Detail::LogLine(id)), _) => line_items(model, *id),
        (Some(Detail::Outbox | Detail::Patterns | Detail::Page(_)), _) => None,
        (None, PaneId::Logs) => model.logs.cursor.and_then(|id| line_items(model, id)),
        (None, PaneId::Incident) => model.incidents.selected().map(|i| incident_items(i)),
        (None, PaneId::Alerts) => model.alerts.selected().map(|a| alert_items(a)),
        (None, PaneId::Slo) => model.slo.selected().and_then(|r| slo_items(model, &r.slo.name)),
    };
    let Some(items) = items else {
        return say(model, Level::Info, "nothing to copy", now);
    };
    model.modal = Some(Modal::Menu(Menu {
        title: "Copy",
        items,
        cursor: 0,
    }));
    Vec::new()
}

fn item(key: char, what: &'static str, text: String) -> MenuItem {
    // The beginning tells which it is; what is copied is whole.
    let begin: String = text.chars().take(200).collect();
    let shown = SafeText::line(&begin).into_string();
    MenuItem {
        key,
        label: format!("{what}  {shown}"),
        choice: Choice::Copy { what, text },
    }
}

fn line_items(model: &Model, id: LineId) -> Option<Vec<MenuItem>> {
    let entry = model.logs.drawn()?.snapshot.entry(id)?;
    let mut items = vec![item(
        'l',
        "line",
        String::from_utf8_lossy(&entry.text).into_owned(),
    )];
    if let Some(trace) = entry.trace {
        items.push(item('t', "trace id", trace.to_string()));
    }
    items.push(item(
        'r',
        "reference",
        reference::log_line(&entry, &model.logs.drawn()?.ask.wanted),
    ));
    Some(items)
}

fn alert_items(alert: &Alert) -> Vec<MenuItem> {
    let labels: Vec<String> = alert
        .labels
        .iter()
        .map(|(name, value)| {
            crate::domain::alert::Matcher {
                name: name.into(),
                op: crate::domain::alert::MatchOp::Equal,
                value: value.into(),
            }
            .to_string()
        })
        .collect();
    let mut items = vec![
        item('i', "id", alert.occurrence.fingerprint.to_string()),
        item('l', "labels", format!("{{{}}}", labels.join(", "))),
        item(
            'c',
            "command",
            format!("midwatch ack {}", alert.occurrence.fingerprint),
        ),
        item('j', "JSON", crate::domain::alert::json::alert_json(alert)),
    ];
    if let Some(url) = alert.runbook() {
        items.push(item('r', "runbook", url.to_owned()));
    }
    if !alert.generator_url.is_empty() {
        items.push(item('g', "graph link", alert.generator_url.to_string()));
    }
    items
}

/// An event's text whole, as far as it may be cut on screen, and what it points at.
fn event_items(event: &Event) -> Vec<MenuItem> {
    let mut items = vec![item('e', "event", event.text.to_string())];
    let refs = event.refs.iter().zip('1'..='9');
    items.extend(refs.map(|((name, value), key)| {
        let shown = SafeText::line(&format!("{name}={value}")).into_string();
        MenuItem {
            key,
            label: format!("reference  {shown}"),
            choice: Choice::Copy {
                what: "reference",
                text: value.to_string(),
            },
        }
    }));
    items
}

fn incident_items(incident: &Incident) -> Vec<MenuItem> {
    let mut items = vec![item('i', "id", incident.id.to_string())];
    if let Some(number) = incident.number {
        items.push(item('n', "number", format!("#{number}")));
    }
    items.push(item('t', "title", SafeText::line(&incident.title).into_string()));
    if let Some(url) = &incident.url {
        items.push(item('l', "link", url.to_string()));
    }
    items.push(item('c', "command", format!("midwatch timeline {}", incident.id)));
    items
}

fn slo_items(model: &Model, name: &str) -> Option<Vec<MenuItem>> {
    let report = model.slo.report(name)?;
    let mut items = vec![
        item('i', "name", report.slo.name.clone()),
        item('w', "in words", report.words.clone()),
        item(
            'j',
            "JSON",
            crate::domain::slo::json::slo_json(report).to_string(),
        ),
    ];
    if report.words.is_empty() {
        items.retain(|item| item.key != 'w');
    }
    Some(items)
}

fn silence_items(model: &Model) -> Option<Vec<MenuItem>> {
    let board = model.alerts.board.as_deref()?;
    let chosen = selected_silence(&model.silences, board)?;
    let matchers: Vec<String> = chosen.silence.matchers.iter().map(ToString::to_string).collect();
    Some(vec![
        item('i', "id", chosen.silence.id.to_string()),
        item('m', "matchers", matchers.join(" ")),
        item(
            'c',
            "command",
            format!("midwatch unsilence {}", chosen.silence.id),
        ),
        item(
            'a',
            "amtool command",
            format!("amtool silence expire {}", chosen.silence.id),
        ),
    ])
}

fn acted_on(model: &Model) -> Option<&std::sync::Arc<Alert>> {
    match model.detail() {
        Some(Detail::Alert(fingerprint)) => model.alerts.alert(*fingerprint),
        Some(
            Detail::Slo(_)
            | Detail::Silences
            | Detail::Incident(_)
            | Detail::Outbox
            | Detail::LogLine(_)
            | Detail::Patterns
            | Detail::Page(_),
        ) => None,
        None => model.alerts.selected(),
    }
}

/// Copies the runbook's address.
pub(super) fn runbook(model: &mut Model, now: Now) -> Vec<Effect> {
    match acted_on(model).map(|alert| alert.runbook().map(str::to_owned)) {
        Some(Some(text)) => vec![Effect::Copy {
            what: "runbook",
            text,
        }],
        Some(None) => say(
            model,
            Level::Info,
            "this alert names no runbook (annotation runbook_url)",
            now,
        ),
        None => say(model, Level::Info, "no alert under the cursor", now),
    }
}

/// Copies the link to the rule's graph.
pub(super) fn link(model: &mut Model, now: Now) -> Vec<Effect> {
    match acted_on(model).map(|alert| alert.generator_url.to_string()) {
        Some(text) if !text.is_empty() => vec![Effect::Copy {
            what: "graph link",
            text,
        }],
        Some(_) => say(model, Level::Info, "this alert has no link to its source", now),
        None => say(model, Level::Info, "no alert under the cursor", now),
    }
}
