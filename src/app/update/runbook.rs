//! The runbook of an alert: opened, gone through, its steps ticked, its commands asked for and run.
//!
//! Nothing here runs by itself: a command goes out at the answer to a question that showed every argument of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::SecondsFormat;

use super::{deeds, guard, run, say};
use crate::action::Action;
use crate::app::focus::{Detail, PaneId};
use crate::app::list::Step as Move;
use crate::app::modal::{Choice, Confirm, ConfirmLine, Menu, MenuItem, Modal, Then};
use crate::app::runbook::{RunOrder, RunbookAsk, RunbookPage, Running, Shown};
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::domain::alert::{Alert, Fingerprint};
use crate::domain::incident::IncidentId;
use crate::runbook::command::exposed;
use crate::runbook::source::{Unread, Wanted, is_web, told};
use crate::runbook::{Document, Ended, Mark, Ticked, TicksOf};
use crate::text::SafeText;
use crate::time::{Now, prometheus_duration};

/// Opens the runbook of what is under the cursor: an alert's, or one of an incident's alerts.
pub(super) fn open(model: &mut Model, now: Now) -> Vec<Effect> {
    let incident = match (model.detail(), model.focus) {
        (Some(Detail::Runbook(_)), _) => return Vec::new(),
        (Some(Detail::Incident(id)), _) => Some(id.clone()),
        (None, PaneId::Incident) => model.incidents.selected().map(|incident| incident.id.clone()),
        _ => None,
    };
    if let Some(incident) = incident {
        return of_incident(model, &incident, now);
    }
    let alert = match (model.detail(), model.focus) {
        (Some(detail), _) => detail.alert(),
        (None, PaneId::Alerts) => model.alerts.selected().map(|alert| alert.occurrence.fingerprint),
        (None, _) => None,
    };
    match alert {
        Some(alert) => show(model, alert, now),
        None => say(model, Level::Info, "no alert or incident under the cursor", now),
    }
}

/// The runbooks of an incident's alerts: the only one, or a menu.
fn of_incident(model: &mut Model, incident: &IncidentId, now: Now) -> Vec<Effect> {
    let mut ways: Vec<(Fingerprint, Wanted)> = Vec::new();
    for (alert, _) in model.alerts_of(incident) {
        let wanted = wanted(model, alert);
        if ways.iter().all(|(_, known)| known.key() != wanted.key()) {
            ways.push((alert.occurrence.fingerprint, wanted));
        }
    }
    match ways.as_slice() {
        [] => say(
            model,
            Level::Info,
            "no alert that fires belongs to this incident, and runbooks are alerts' (annotation runbook_url)",
            now,
        ),
        [(only, _)] => {
            let only = *only;
            show(model, only, now)
        }
        _ => {
            let items = ways
                .into_iter()
                .zip(('1'..='9').chain(('a'..='z').filter(|key| !"jkq".contains(*key))))
                .map(|((alert, wanted), key)| MenuItem {
                    key,
                    label: SafeText::line(&wanted.alert).into_string(),
                    choice: Choice::Runbook(alert),
                });
            model.modal = Some(Modal::Menu(Menu {
                title: "Runbook",
                items: items.collect(),
                cursor: 0,
            }));
            Vec::new()
        }
    }
}

fn wanted(model: &Model, alert: &Alert) -> Wanted {
    Wanted {
        alert: alert.name.to_string(),
        link: alert.runbook().map(str::to_owned),
        dir: model.settings.runbooks.dir.clone(),
    }
}

/// Opens the runbook of an alert, and has it told.
pub(super) fn show(model: &mut Model, alert: Fingerprint, now: Now) -> Vec<Effect> {
    let Some(alert) = model.alerts.alert(alert).cloned() else {
        return say(model, Level::Info, "the alert is listed no more", now);
    };
    let wanted = wanted(model, &alert);
    let mut deed = deeds::of_alert(model, &alert, format!("opened the runbook of {}", alert.name));
    if let Some(link) = &wanted.link {
        deed.refs.push(("url", told(link)));
    }
    let occurrence = alert.occurrence;
    let began = occurrence.starts_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let firing = format!("{}@{began}", occurrence.fingerprint);
    let incident = deed.incident.clone();
    let about = incident
        .iter()
        .map(|id| id.0.to_string())
        .chain(Some(firing))
        .collect();
    let ask = RunbookAsk {
        alert: occurrence.fingerprint,
        ticks: TicksOf {
            about,
            runbook: wanted.key(),
        },
        wanted,
        labels: alert.labels.clone(),
        service: Arc::clone(&alert.service),
        incident,
    };
    run::show(model, Detail::Runbook(occurrence.fingerprint));
    let mut effects = vec![
        Effect::ReadRunbook(ask.wanted.clone()),
        Effect::FollowTicks(ask.ticks.clone()),
    ];
    effects.extend(deeds::record(model, deed, now));
    // Opened again: what was run of it is still in sight.
    match &mut model.runbook {
        Some(page) if page.ask == ask => {}
        page => *page = Some(RunbookPage::new(ask)),
    }
    effects
}

/// Reads the open one again.
pub(super) fn refresh(model: &Model) -> Option<Effect> {
    matches!(model.detail(), Some(Detail::Runbook(_))).then(|| {
        model
            .runbook
            .as_ref()
            .map(|page| Effect::ReadRunbook(page.ask.wanted.clone()))
    })?
}

/// It was read, or could not be; what is not wanted any more is dropped.
pub(super) fn read(model: &mut Model, wanted: &Wanted, result: Result<Arc<Document>, Unread>) {
    if let Some(page) = model.runbook.as_mut().filter(|page| page.ask.wanted == *wanted) {
        page.read = Some(result);
        page.arrange(&model.settings.runbooks);
    }
}

/// Which steps are done changed.
pub(super) fn ticked(model: &mut Model, of: &TicksOf, result: Result<Vec<Ticked>, String>) {
    if let Some(page) = model.runbook.as_mut().filter(|page| page.ask.ticks == *of) {
        page.ticked = Some(result);
    }
}

/// Moves the cursor.
pub(super) fn step(model: &mut Model, by: Move) {
    let page = usize::from(model.size.height.saturating_sub(6).max(1));
    if let Some(open) = &mut model.runbook {
        open.step(by, page);
    }
}

/// What is done with the open runbook.
pub(super) fn act(model: &mut Model, action: Action, now: Now) -> Vec<Effect> {
    let is_open = matches!(model.detail(), Some(Detail::Runbook(_)));
    // What runs is stopped from anywhere.
    if !is_open && action != Action::StopCommand {
        return say(model, Level::Info, "open a runbook first", now);
    }
    match action {
        Action::TickStep => tick(model, now),
        Action::RunCommand => ask(model, now),
        Action::StopCommand => stop(model, now),
        _ => Vec::new(),
    }
}

fn tick(model: &mut Model, now: Now) -> Vec<Effect> {
    if let Some(why) = &model.settings.no_journal {
        let why = format!("not ticked: {why}");
        return say(model, Level::Warn, why, now);
    }
    let Some(page) = &mut model.runbook else {
        return Vec::new();
    };
    let chosen = page.row().and_then(|row| row.step);
    let Some((at, step)) = chosen.and_then(|at| Some((at, page.steps.get(at)?.clone()))) else {
        return say(model, Level::Info, "no step under the cursor", now);
    };
    match &page.ticked {
        Some(Ok(_)) => {}
        Some(Err(why)) => {
            let why = format!("not ticked: {why}");
            return say(model, Level::Warn, why, now);
        }
        None => {
            return say(
                model,
                Level::Info,
                "which steps are done is still being read",
                now,
            );
        }
    }
    let mark = if page.tick(at).is_some() {
        Mark::Open
    } else {
        Mark::Done
    };
    let effect = Effect::Tick {
        of: page.ask.ticks.clone(),
        step: step.name.clone(),
        mark,
        told: Box::new(page.ask.ticking((at + 1, &step), mark)),
    };
    if mark == Mark::Done {
        let next = page
            .steps_from(page.cursor + 1)
            .find(|(_, step)| *step != at && page.tick(*step).is_none());
        if let Some((row, _)) = next {
            page.cursor = row;
        }
    }
    vec![effect]
}

/// Asks whether the command under the cursor, or of the step under it, is to run.
fn ask(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some(page) = &mut model.runbook else {
        return Vec::new();
    };
    if let Some(step) = page
        .row()
        .filter(|row| matches!(row.shown, Shown::Step(_)))
        .and_then(|row| row.step)
    {
        match page.commands_of(step).as_slice() {
            [] => {
                return say(
                    model,
                    Level::Info,
                    "this step has no command; it is ticked when it is done",
                    now,
                );
            }
            [only] => page.cursor = *only,
            [first, ..] => {
                page.cursor = *first;
                return say(model, Level::Info, "several commands: choose one, and again", now);
            }
        }
    }
    match order(model) {
        Ok(order) => {
            model.modal = Some(Modal::Confirm(question(model, order)));
            Vec::new()
        }
        Err((level, why)) => say(model, level, why, now),
    }
}

/// The command under the cursor, where it may be run now.
fn order(model: &Model) -> Result<RunOrder, (Level, String)> {
    let info = |why: &str| (Level::Info, why.to_owned());
    let warn = |why: String| (Level::Warn, why);
    let page = model.runbook.as_ref().ok_or_else(|| info("no runbook is open"))?;
    let row = page.row().ok_or_else(|| info("nothing to run"))?;
    let Shown::Command(line, offered) = &row.shown else {
        return Err(info("no command under the cursor"));
    };
    let offered = offered
        .as_ref()
        .map_err(|why| warn(format!("not run: {}", SafeText::line(why))))?;
    may_run(model).map_err(warn)?;
    let program = offered
        .program
        .clone()
        .map_err(|why| warn(format!("not run: {}", SafeText::line(&why))))?;
    let step = row
        .step
        .and_then(|at| Some((at + 1, page.steps.get(at)?.text.clone())));
    Ok(RunOrder {
        ask: page.ask.clone(),
        line: line.clone(),
        step,
        argv: offered.argv.clone(),
        program,
        means: model.settings.runbooks.means.clone(),
        source: match &page.read {
            Some(Ok(found)) => found.from.clone(),
            Some(Err(_)) | None => String::new(),
        },
    })
}

/// Why no command may run at all.
fn may_run(model: &Model) -> Result<(), String> {
    if model.settings.read_only {
        return Err("read-only: nothing is run (read_only in the configuration, or --read-only)".to_owned());
    }
    if let Some(why) = &model.settings.no_journal {
        return Err(format!("not run: it could not be recorded: {why}"));
    }
    match &model.running {
        Some(running) => Err(format!(
            "one at a time: {} is running",
            SafeText::line(running.order.argv.program())
        )),
        None => Ok(()),
    }
}

/// Every argument on a line of its own, and what its values came from.
fn question(model: &Model, order: RunOrder) -> Confirm {
    let plain = |text: String| ConfirmLine::Plain(text);
    let whole = |text: String| ConfirmLine::Argument {
        text: exposed(&text),
        from: Vec::new(),
    };
    let arguments = order.argv.arguments();
    let mut lines = vec![whole(order.program.display().to_string())];
    lines.extend(arguments.iter().map(|argument| ConfirmLine::Argument {
        text: argument.exposed(),
        from: argument.from.clone(),
    }));
    if arguments.iter().any(|argument| !argument.is_ascii()) {
        lines.push(plain("<U+…> is one character, shown by its number".to_owned()));
    }
    let means = &order.means;
    if !means.env.is_empty() {
        lines.push(plain("with".to_owned()));
        lines.extend(
            means
                .env
                .iter()
                .map(|(name, value)| whole(format!("{name}={value}"))),
        );
    }
    if let Some(dir) = &means.cwd {
        lines.push(plain("in the directory".to_owned()));
        lines.push(whole(dir.display().to_string()));
    }
    lines.push(plain("as it stands in".to_owned()));
    lines.push(whole(order.source.clone()));
    lines.push(plain(String::new()));
    let program = SafeText::line(order.argv.program());
    lines.push(plain(format!(
        "As you, without a shell. {program} goes by its own settings: which context is open here means nothing to it."
    )));
    let limit = prometheus_duration(means.limit);
    lines.push(plain(format!(
        "For {limit} at most; what it says goes into the timeline."
    )));
    let mut typed = Vec::new();
    if model.settings.danger {
        typed.push(guard::word("the context's name", model.settings.context.clone()));
    }
    Confirm {
        title: "Run this command?".to_owned(),
        lines,
        typed,
        then: Then::Run(Box::new(order)),
        hits: BTreeSet::new(),
        scroll: 0,
    }
}

/// Somebody said yes to what was shown.
pub(super) fn confirmed(model: &mut Model, order: RunOrder, now: Now) -> Vec<Effect> {
    if let Err(why) = may_run(model) {
        return say(model, Level::Warn, why, now);
    }
    let order = Arc::new(order);
    model.running = Some(Running {
        order: Arc::clone(&order),
        since: now.tick,
    });
    vec![Effect::RunCommand(order)]
}

fn stop(model: &mut Model, now: Now) -> Vec<Effect> {
    if model.running.is_none() {
        return say(model, Level::Info, "nothing is running", now);
    }
    vec![Effect::StopCommand]
}

/// A command is over.
pub(super) fn ended(model: &mut Model, order: &RunOrder, ended: Ended, now: Now) -> Vec<Effect> {
    if model
        .running
        .as_ref()
        .is_some_and(|running| *running.order == *order)
    {
        model.running = None;
    }
    let level = if ended.end.is_good() {
        Level::Info
    } else {
        Level::Warn
    };
    let said = format!("{}: {}", order.argv.program(), ended.end);
    if let Some(page) = model.runbook.as_mut().filter(|page| page.ask == order.ask) {
        page.runs.retain(|(line, _)| *line != order.line);
        page.runs.push((order.line.clone(), Arc::new(ended)));
        page.arrange(&model.settings.runbooks);
    }
    say(model, level, SafeText::line(&said).into_string(), now)
}

/// What can be copied of the open runbook: what is under the cursor, made safe, for it may be pasted into a shell.
pub(super) fn copied(model: &Model) -> Option<Vec<MenuItem>> {
    let item = |key, what, text: &str| super::copy::item(key, what, safe(text));
    let page = model.runbook.as_ref()?;
    let mut items = Vec::new();
    let row = page.row();
    match row.map(|row| (row, &row.shown)) {
        Some((_, Shown::Command(line, offered))) => {
            let command = offered
                .as_ref()
                .map_or_else(|_| line.clone(), |offered| offered.argv.to_string());
            items.push(item('c', "command", &command));
        }
        Some((row, Shown::Code(line))) => {
            items.push(item('c', "line", line));
            items.extend(page.code(row).map(|code| item('b', "block", code)));
        }
        Some((_, Shown::Link(_, link))) => items.push(item('l', "link", link)),
        Some((_, Shown::Output(line))) => items.push(item('c', "line", line)),
        Some((_, Shown::Heading(_, text) | Shown::Text(text) | Shown::Item(text) | Shown::Remark(text))) => {
            items.push(item('c', "text", text));
        }
        Some((_, Shown::Step(_) | Shown::Ended(_) | Shown::Rule)) | None => {}
    }
    if let Some(step) = row.and_then(|row| page.steps.get(row.step?)) {
        items.push(item('s', "step", &step.text));
    }
    let said = row.and_then(|row| page.said(row));
    let last = || page.runs.last().map(|(_, ended)| ended);
    if let Some(ended) = said.or_else(last) {
        items.push(item('p', "output", &ended.output));
    }
    if let Some(link) = page.ask.wanted.link.as_ref().filter(|link| is_web(link)) {
        items.push(item('r', "runbook", link));
    }
    if let Some(Ok(found)) = &page.read {
        if page.ask.wanted.link.as_deref() != Some(found.from.as_str()) {
            items.push(item('f', "where it is", &found.from));
        }
        let links = found.checklist.links.iter().zip('1'..='9');
        items.extend(links.map(|(link, key)| item(key, "link", link)));
    }
    (!items.is_empty()).then_some(items)
}

/// Every line safe for a terminal: what is pasted there moves nothing and hides nothing.
fn safe(text: &str) -> String {
    let lines: Vec<String> = SafeText::lines(text).map(SafeText::into_string).collect();
    lines.join("\n")
}
