//! The draft of a post-mortem: what was recorded, in the order of PagerDuty's template, and what people have to
//! fill in.
//!
//! Times are UTC. A row of the timeline carries its evidence, so that a number can be asked for again. Start at
//! [`postmortem`].

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::markdown::{cell, code, inline, short};
use crate::domain::incident::table::{called, people};
use crate::domain::incident::{Facts, Incident};
use crate::domain::slo::Spent;
use crate::domain::timeline::reading::length_in_words;
use crate::domain::timeline::{Delivery, Event, EventKind, Starred, Timeline, Todo, is_void};

/// Everything a draft is made of.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The context.
    pub context: &'a str,
    /// The incident.
    pub incident: &'a Incident,
    /// Its key moments.
    pub facts: &'a Facts,
    /// Its story.
    pub timeline: &'a Timeline,
    /// What its services' SLOs lost, as measured now.
    pub spent: &'a [Spent],
    /// Follow-ups that are open.
    pub todos: &'a [Todo],
    /// What could not be asked, in words.
    pub missing: &'a [String],
    /// Now.
    pub now: DateTime<Utc>,
}

fn fill(out: &mut String, what: &str) {
    let _ = writeln!(out, "_To fill in: {what}_"); // a String takes all
}

fn heading(out: &mut String, title: &str) {
    let _ = write!(out, "\n## {title}\n\n");
}

fn stamp(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// The draft, as Markdown.
pub fn postmortem(case: &Case<'_>) -> String {
    let mut out = String::new();
    let incident = case.incident;
    let _ = write!(
        out,
        "# Post-mortem: {}\n\nDraft of {} from what was recorded in {}. Times are UTC.\n",
        inline(&incident.title),
        stamp(case.now),
        inline(case.context),
    );
    for missing in case.missing.iter().chain(&case.timeline.partial) {
        let _ = write!(out, "\n> Not whole: {}\n", inline(missing));
    }
    overview(&mut out, case);
    what_happened(&mut out, case.timeline);
    heading(&mut out, "Root cause");
    fill(
        &mut out,
        "what made this possible, asked until it is no longer a person's mistake",
    );
    heading(&mut out, "Contributing factors");
    contributing(&mut out, case.timeline);
    heading(&mut out, "Resolution");
    resolution(&mut out, case);
    heading(&mut out, "Impact");
    impact(&mut out, case);
    heading(&mut out, "Responders");
    responders(&mut out, case);
    heading(&mut out, "Timeline");
    timeline(&mut out, case.timeline);
    heading(&mut out, "How we did");
    metrics(&mut out, case.facts);
    out.push_str("\n### What went well\n\n");
    fill(&mut out, "what helped, and what was luck");
    out.push_str("\n### What went wrong\n\n");
    went_wrong(&mut out, case);
    fill(&mut out, "what was slow, missing or misleading");
    heading(&mut out, "Action items");
    action_items(&mut out, case.todos);
    heading(&mut out, "Messaging");
    messaging(&mut out, case.timeline);
    out
}

fn overview(out: &mut String, case: &Case<'_>) {
    let incident = case.incident;
    heading(out, "Overview");
    fill(out, "in two sentences, what failed for whom");
    out.push_str("\n| | |\n| --- | --- |\n");
    let mut row = |name: &str, value: String| {
        let _ = writeln!(out, "| {name} | {value} |");
    };
    row("Incident", cell(&called(incident)));
    if let Some(url) = &incident.url {
        row("Page", code(url));
    }
    row(
        "Severity",
        cell(incident.severity.as_deref().unwrap_or("none set")),
    );
    row("Status", incident.status.word().to_owned());
    let service = incident.service.as_ref();
    row("Service", cell(service.map_or("none", |service| &service.name)));
    row("Began", stamp(case.facts.created_at));
    match case.facts.resolved_at {
        Some(end) => {
            let length = (end - case.facts.created_at).to_std().unwrap_or_default();
            row(
                "Ended",
                format!("{} after {}", stamp(end), length_in_words(length)),
            );
        }
        None => row("Ended", "not yet".to_owned()),
    }
    if let Some(other) = &incident.merged_into {
        row("Merged into", cell(&other.0));
    }
}

fn what_happened(out: &mut String, timeline: &Timeline) {
    heading(out, "What happened");
    let starred = timeline
        .events
        .iter()
        .filter(|event| event.starred == Starred::Yes);
    let mut any = false;
    for event in starred {
        any = true;
        let _ = writeln!(out, "- {} {}", event.at.format("%H:%M:%SZ"), sentence(event));
    }
    if any {
        out.push('\n');
    }
    fill(out, "the story from the first sign to the end");
}

fn contributing(out: &mut String, timeline: &Timeline) {
    let first_alert = timeline
        .events
        .iter()
        .find(|event| {
            matches!(
                event.kind,
                EventKind::AlertFired | EventKind::BurnStarted | EventKind::Triggered
            )
        })
        .map(|event| event.at);
    let changes = timeline
        .events
        .iter()
        .filter(|event| event.kind == EventKind::Deploy && first_alert.is_none_or(|alert| event.at <= alert));
    let mut any = false;
    for event in changes {
        any = true;
        let _ = writeln!(
            out,
            "- Changed before it: {} {}",
            event.at.format("%H:%M:%SZ"),
            sentence(event)
        );
    }
    if any {
        out.push('\n');
    }
    fill(out, "what made it likelier, worse or longer");
}

fn resolution(out: &mut String, case: &Case<'_>) {
    let ended = case
        .timeline
        .events
        .iter()
        .rev()
        .find(|event| event.kind == EventKind::Resolved && !is_void(event));
    if let Some(event) = ended {
        let _ = writeln!(out, "{} {}\n", event.at.format("%H:%M:%SZ"), sentence(event));
    }
    fill(out, "what ended it, and how that was known");
}

/// What the journal saw of one SLO: the highest burn, over the window of the rule that told it, and the budget at the
/// begin and at the end.
#[derive(Default)]
struct Seen<'a> {
    peak: Option<(f64, Option<&'a str>)>,
    first_budget: Option<f64>,
    last_budget: Option<f64>,
}

impl Seen<'_> {
    fn peak(&self) -> String {
        self.peak.map_or_else(
            || "not known".to_owned(),
            |(burn, window)| {
                let over = window.map_or_else(String::new, |window| format!(" over {}", inline(window)));
                format!("{burn:.1}×{over}, as recorded")
            },
        )
    }
}

fn seen(timeline: &Timeline) -> BTreeMap<&str, Seen<'_>> {
    let mut all: BTreeMap<&str, Seen<'_>> = BTreeMap::new();
    for event in &timeline.events {
        if !matches!(event.kind, EventKind::BurnStarted | EventKind::BurnStopped) {
            continue;
        }
        let Some(slo) = event.refs.get("slo") else {
            continue;
        };
        let number = |name: &str| {
            let value: f64 = event.refs.get(name)?.parse().ok()?;
            value.is_finite().then_some(value)
        };
        let seen = all.entry(slo).or_default();
        if let Some(burn) = number("burn")
            && seen.peak.is_none_or(|(peak, _)| burn > peak)
        {
            // `page 1h/5m`: the burn is that of the long window
            let rule = event.refs.get("rule").and_then(|rule| rule.split_once(' '));
            let window = rule.and_then(|(_, windows)| windows.split('/').next());
            seen.peak = Some((burn, window));
        }
        if let Some(budget) = number("budget") {
            seen.first_budget = seen.first_budget.or(Some(budget));
            seen.last_budget = Some(budget);
        }
    }
    all
}

fn burn_over(burn: f64, over: Duration) -> String {
    format!("{burn:.1}× over {}", length_in_words(over))
}

/// The highest burn of what was measured; what the journal saw only where nothing was, because that is of other
/// windows and may be below the mean.
fn peak(spent: &Spent, recorded: &Seen<'_>) -> String {
    match (&spent.peak, spent.burn) {
        (Some(peak), _) => burn_over(peak.burn, peak.over),
        (None, Some(_)) => "not measured".to_owned(),
        (None, None) => recorded.peak(),
    }
}

fn impact(out: &mut String, case: &Case<'_>) {
    let mut seen = seen(case.timeline);
    let percent = |value: Option<f64>| {
        value.map_or_else(
            || "not known".to_owned(),
            |value| format!("{:.1} %", value * 100.0),
        )
    };
    let mut rows: Vec<[String; 6]> = Vec::new();
    for spent in case.spent {
        let recorded = seen.remove(spent.slo.as_str()).unwrap_or_default();
        rows.push([
            cell(&spent.slo),
            format!("{} %", inline(&spent.objective)),
            spent.burn.map_or_else(
                || inline(spent.why.as_deref().unwrap_or("not known")),
                |burn| burn_over(burn, spent.span),
            ),
            peak(spent, &recorded),
            percent(spent.spent.or_else(|| recorded_spent(&recorded))),
            percent(spent.left.or(recorded.last_budget)),
        ]);
    }
    for (slo, recorded) in seen {
        rows.push([
            cell(slo),
            "not known".to_owned(),
            "not measured".to_owned(),
            recorded.peak(),
            percent(recorded_spent(&recorded)),
            percent(recorded.last_budget),
        ]);
    }
    if rows.is_empty() {
        out.push_str("No SLO of its service is known here.\n\n");
    } else {
        out.push_str("| SLO | Objective | Mean burn | Peak burn | Budget spent | Budget left |\n");
        out.push_str("| --- | --- | --- | --- | --- | --- |\n");
        for row in rows {
            let _ = writeln!(out, "| {} |", row.join(" | "));
        }
        out.push('\n');
    }
    fill(out, "customers, requests and money; who noticed first");
}

fn recorded_spent(seen: &Seen<'_>) -> Option<f64> {
    let spent = seen.first_budget? - seen.last_budget?;
    (spent > 0.0).then_some(spent)
}

fn responders(out: &mut String, case: &Case<'_>) {
    let incident = case.incident;
    let mut lines: Vec<String> = incident
        .roles
        .iter()
        .map(|(role, person)| format!("{}: {}", role.word(), inline(&person.name)))
        .collect();
    if !incident.assignees.is_empty() {
        lines.push(format!("assigned: {}", inline(&people(&incident.assignees))));
    }
    for responder in &incident.responders {
        lines.push(format!(
            "asked to help: {} ({})",
            inline(&responder.person.name),
            inline(&responder.state)
        ));
    }
    let mut acted: Vec<&str> = Vec::new();
    for event in &case.timeline.events {
        if let Some(actor) = event.actor.as_deref()
            && event.kind.is_by_people()
            && !is_void(event)
            && !acted.contains(&actor)
        {
            acted.push(actor);
        }
    }
    if !acted.is_empty() {
        lines.push(format!("acted: {}", inline(&acted.join(", "))));
    }
    for line in &lines {
        let _ = writeln!(out, "- {line}");
    }
    if lines.is_empty() {
        fill(out, "who responded, in which role");
    }
}

/// What happened in one line, with who did it.
fn sentence(event: &Event) -> String {
    let mut words = match event.kind {
        // its own words say what it is
        EventKind::Other if !event.text.is_empty() => "changed".to_owned(),
        kind => kind.word().replace('_', " "),
    };
    if event.starred == Starred::Yes {
        words = format!("**{words}**");
    }
    if let Some(actor) = &event.actor {
        let _ = write!(words, " by {}", inline(actor));
    }
    let text = short(&event.text, 400);
    if !text.is_empty() {
        let _ = write!(words, ": {text}");
    }
    match event.delivery {
        Delivery::Local | Delivery::Confirmed => {}
        Delivery::Pending
        | Delivery::Sending
        | Delivery::NeedsDecision
        | Delivery::Failed
        | Delivery::Cancelled => {
            let _ = write!(words, " ({})", event.delivery.word().replace('_', " "));
        }
    }
    words
}

/// What bears an event out: a number, a query, a trace, a page; what is only bookkeeping is left out.
fn evidence(event: &Event) -> String {
    const SHOWN: [&str; 8] = [
        "value", "query", "trace", "span", "log", "silence", "alert", "url",
    ];
    let shown = SHOWN.iter().filter_map(|name| {
        let value = event.refs.get(*name).filter(|value| !value.is_empty())?;
        Some(if *name == "value" {
            inline(value)
        } else {
            format!("{name} {}", code(value))
        })
    });
    let shown: Vec<String> = shown.chain([inline(&event.source)]).collect();
    shown.join("; ")
}

fn timeline(out: &mut String, timeline: &Timeline) {
    if timeline.events.is_empty() {
        out.push_str("Nothing was recorded.\n");
        return;
    }
    out.push_str("| Time (UTC) | Event | Data |\n| --- | --- | --- |\n");
    for event in &timeline.events {
        let _ = writeln!(
            out,
            "| {} | {} | {} |",
            stamp(event.at),
            sentence(event),
            evidence(event)
        );
    }
}

fn metrics(out: &mut String, facts: &Facts) {
    out.push_str("| Metric | Time |\n| --- | --- |\n");
    for (name, time) in [
        ("MTTA, to acknowledge", facts.to_acknowledge()),
        ("MTTE, to escalate", facts.to_escalate()),
        ("MTTM, to mitigate", facts.to_mitigate()),
        ("MTTR, to resolve", facts.to_resolve()),
    ] {
        let time = time.map_or_else(|| "not recorded".to_owned(), length_in_words);
        let _ = writeln!(out, "| {name} | {time} |");
    }
}

/// What the record itself shows.
fn went_wrong(out: &mut String, case: &Case<'_>) {
    let not_delivered = |event: &&Event| matches!(event.delivery, Delivery::Failed | Delivery::NeedsDecision);
    let mut lines: Vec<String> = case
        .timeline
        .events
        .iter()
        .filter(not_delivered)
        .map(|event| {
            format!(
                "Not delivered: {} {}",
                event.at.format("%H:%M:%SZ"),
                sentence(event)
            )
        })
        .collect();
    let ended = |event: &&Event| event.kind == EventKind::Unacknowledged;
    let went_back = case.timeline.events.iter().filter(ended).count();
    if went_back > 0 {
        lines.push(format!("Acknowledgements that ended before it did: {went_back}"));
    }
    for line in &lines {
        let _ = writeln!(out, "- {line}");
    }
    if !lines.is_empty() {
        out.push('\n');
    }
}

fn action_items(out: &mut String, todos: &[Todo]) {
    for todo in todos {
        let who = todo
            .actor
            .as_deref()
            .map_or_else(String::new, |actor| format!(" ({})", inline(actor)));
        let _ = writeln!(out, "- [ ] {}{who}", inline(&todo.text));
    }
    if !todos.is_empty() {
        out.push('\n');
    }
    fill(
        out,
        "owner, date and ticket of each; at least one that prevents, one that notices sooner",
    );
}

fn messaging(out: &mut String, timeline: &Timeline) {
    let told = timeline
        .events
        .iter()
        .filter(|event| event.kind == EventKind::StatusUpdate && !is_void(event));
    for event in told {
        let _ = writeln!(out, "- {} {}", event.at.format("%H:%M:%SZ"), sentence(event));
    }
    out.push('\n');
    fill(out, "what is told to those outside, and inside");
}
