//! Copying: ids, links, lines, JSON and commands, to the clipboard of the person's own machine.

use super::{deeds, say, traces, waterfall};
use crate::app::effect::Deed;
use crate::app::focus::{Detail, PaneId};
use crate::app::modal::{Choice, Menu, MenuItem, Modal};
use crate::app::panes::selected_silence;
use crate::app::reference;
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::domain::alert::Alert;
use crate::domain::incident::{Incident, IncidentId};
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
        (Some(Detail::Alert(fingerprint)), _) => {
            model.alerts.alert(*fingerprint).map(|a| alert_items(model, a))
        }
        (Some(Detail::Slo(name)), _) => slo_items(model, name),
        (Some(Detail::Incident(id)), _) => model.incidents.known(id).map(|incident| {
            let event = model.incidents.event().map(|event| event_items(id, event));
            event
                .into_iter()
                .flatten()
                .chain(incident_items(incident))
                .collect()
        }),
        (Some(Detail::Runbook(_)), _) => super::runbook::copied(model),
        (Some(Detail::LogLine(id)), _) => line_items(model, *id),
        (Some(Detail::Trace(id) | Detail::TraceFacts(id)), _) => waterfall::copied(model, *id, None),
        (Some(Detail::Span(id, row)), _) => waterfall::copied(model, *id, Some(*row)),
        (
            Some(
                Detail::Outbox
                | Detail::Patterns
                | Detail::Comparison(_, _)
                | Detail::ServiceGraph
                | Detail::Page(_)
                | Detail::Case(_),
            ),
            _,
        ) => None,
        (None, PaneId::Traces) => traces::copied(model),
        (None, PaneId::Logs) => model.logs.cursor.and_then(|id| line_items(model, id)),
        (None, PaneId::Incident) => model.incidents.selected().map(|i| incident_items(i)),
        (None, PaneId::Alerts) => model.alerts.selected().map(|a| alert_items(model, a)),
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

/// An entry that copies a text.
pub(super) fn item(key: char, what: &'static str, text: String) -> MenuItem {
    // The beginning tells which it is; what is copied is whole.
    let begin: String = text.chars().take(200).collect();
    let shown = SafeText::line(&begin).into_string();
    MenuItem {
        key,
        label: format!("{what}  {shown}"),
        choice: Choice::Copy {
            what,
            text,
            deed: None,
        },
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

/// The same as evidence: that it was copied is told.
fn evidence(item: MenuItem, told: Deed) -> MenuItem {
    match item.choice {
        Choice::Copy { what, text, .. } => MenuItem {
            choice: Choice::Copy {
                what,
                text,
                deed: Some(told),
            },
            ..item
        },
        choice => MenuItem { choice, ..item },
    }
}

fn alert_items(model: &Model, alert: &Alert) -> Vec<MenuItem> {
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
        evidence(
            item('j', "JSON", crate::domain::alert::json::alert_json(alert)),
            deeds::of_alert(model, alert, format!("copied alert {} as JSON", alert.name)),
        ),
    ];
    if let Some(url) = alert.runbook() {
        items.push(evidence(
            item('r', "runbook", url.to_owned()),
            runbook_deed(model, alert),
        ));
    }
    if !alert.generator_url.is_empty() {
        items.push(evidence(
            item('g', "graph link", alert.generator_url.to_string()),
            link_deed(model, alert),
        ));
    }
    items
}

/// An event's text whole, as far as it may be cut on screen, and what it points at.
fn event_items(id: &IncidentId, event: &Event) -> Vec<MenuItem> {
    let told = |what: String| Deed {
        incident: Some(id.clone()),
        text: format!("copied {what} of the event of {}Z", event.at.format("%H:%M")),
        refs: vec![("event", event.id.to_string())],
    };
    let whole = item('e', "event", event.text.to_string());
    let mut items = vec![evidence(whole, told("the text".to_owned()))];
    let refs = event.refs.iter().zip('1'..='9');
    items.extend(refs.map(|((name, value), key)| {
        let shown = SafeText::line(&format!("{name}={value}")).into_string();
        MenuItem {
            key,
            label: format!("reference  {shown}"),
            choice: Choice::Copy {
                what: "reference",
                text: value.to_string(),
                deed: Some(told(format!("the {name}"))),
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
    let told = |how: &str| deeds::of_slo(model, report, format!("copied SLO {name} {how}"));
    let mut items = vec![
        item('i', "name", report.slo.name.clone()),
        evidence(item('w', "in words", report.words.clone()), told("in words")),
        evidence(
            item(
                'j',
                "JSON",
                crate::domain::slo::json::slo_json(report).to_string(),
            ),
            told("as JSON"),
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
        Some(detail) => model.alerts.alert(detail.alert()?),
        None => model.alerts.selected(),
    }
}

fn runbook_deed(model: &Model, alert: &Alert) -> Deed {
    let url = alert.runbook().unwrap_or_default().to_owned();
    let mut deed = deeds::of_alert(model, alert, format!("copied the runbook link of {}", alert.name));
    deed.refs.push(("url", url));
    deed
}

fn link_deed(model: &Model, alert: &Alert) -> Deed {
    let mut deed = deeds::of_alert(model, alert, format!("copied the graph link of {}", alert.name));
    deed.refs.push(("url", alert.generator_url.to_string()));
    deed
}

fn copied(model: &mut Model, what: &'static str, text: String, deed: Deed, now: Now) -> Vec<Effect> {
    let told = deeds::record(model, deed, now);
    std::iter::once(Effect::Copy { what, text }).chain(told).collect()
}

/// Copies the link to the rule's graph.
pub(super) fn link(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some(alert) = acted_on(model).cloned() else {
        return say(model, Level::Info, "no alert under the cursor", now);
    };
    if alert.generator_url.is_empty() {
        return say(model, Level::Info, "this alert has no link to its source", now);
    }
    let deed = link_deed(model, &alert);
    copied(model, "graph link", alert.generator_url.to_string(), deed, now)
}
