//! The runbook of an alert: opened, gone through, its steps ticked, its commands asked for and run.
//!
//! Nothing here runs by itself: a command goes out at the answer to a question that showed every argument of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::SecondsFormat;

use super::{deeds, details, guard, say};
use crate::action::Action;
use crate::app::focus::{Detail, PaneId};
use crate::app::list::Step as Move;
use crate::app::modal::{Choice, Confirm, ConfirmLine, Menu, MenuItem, Modal, Then};
use crate::app::play::{Play, Ready, Stage};
use crate::app::runbook::{PlayAt, Rehearsed, RunOrder, RunbookAsk, RunbookPage, Running, Shown};
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::domain::alert::{Alert, Fingerprint};
use crate::domain::incident::IncidentId;
use crate::runbook::command::{Argument, exposed};
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
            "no runbook: it is an alert's (runbook_url), and no firing one belongs to this",
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
    details::show(model, Detail::Runbook(occurrence.fingerprint));
    let mut effects = vec![
        Effect::ReadRunbook(ask.wanted.clone()),
        Effect::FollowTicks(ask.ticks.clone()),
    ];
    effects.extend(deeds::record(model, deed, now));
    // Opened again: what was run of it is still in sight.
    match &mut model.runbook {
        Some(page) if page.ask == ask => {}
        page => {
            let mut opened = RunbookPage::new(ask, &model.settings.runbooks);
            opened.arrange(&model.settings.runbooks);
            *page = Some(opened);
        }
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
    if let Some((book, step)) = page.row().and_then(|row| row.play) {
        return ask_play(model, book, step, now);
    }
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

/// Asks for a playbook as a whole, or for the step of it that is next.
fn ask_play(model: &mut Model, book: usize, step: Option<usize>, now: Now) -> Vec<Effect> {
    let Some(play) = model.runbook.as_ref().and_then(|page| page.plays.get(book)) else {
        return Vec::new();
    };
    let asked = match (&play.stage, step) {
        // On its name: begun, gone on with, or begun again.
        (Stage::At(next), None) if *next < play.book.steps.len() => Ok(*next),
        (Stage::Unseen | Stage::At(_) | Stage::Stopped(_, _), None) | (Stage::Unseen, Some(_)) => {
            return rehearse(model, book, now);
        }
        (Stage::At(_) | Stage::Stopped(_, _), Some(step)) => play.may_ask(step).map(|()| step),
    };
    let step = match asked {
        Ok(step) => step,
        Err(why) => return say(model, Level::Info, SafeText::line(&why).into_string(), now),
    };
    match play_order(model, book, step) {
        Ok(order) => {
            if let Some(page) = &mut model.runbook {
                page.cursor = page.row_of(book, step).unwrap_or(page.cursor);
            }
            model.modal = Some(Modal::Confirm(question(model, order)));
            Vec::new()
        }
        Err(why) => say(model, Level::Warn, SafeText::line(&why).into_string(), now),
    }
}

/// Shows every step of a playbook as it would run, and what is asked after it; runs nothing.
fn rehearse(model: &mut Model, book: usize, now: Now) -> Vec<Effect> {
    let policy = &model.settings.runbooks;
    let Some(page) = &mut model.runbook else {
        return Vec::new();
    };
    let Some(play) = page.plays.get(book) else {
        return Vec::new();
    };
    let steps = match play.rehearsed(policy, &page.ask.labels) {
        Ok(steps) => steps,
        Err((step, why)) => {
            page.cursor = page.row_of(book, step).unwrap_or(page.cursor);
            let words = format!("not begun: step {}: {}", step + 1, SafeText::line(&why));
            return say(model, Level::Warn, words, now);
        }
    };
    let mut lines = Vec::new();
    let plain = |text: String| ConfirmLine::Plain(text);
    for (at, Ready { offered, check }) in steps.iter().enumerate() {
        lines.push(plain(format!("Step {} of {}", at + 1, steps.len())));
        let program = offered.program.as_ref().map(|path| path.display().to_string());
        lines.push(whole(&program.unwrap_or_default()));
        lines.extend(offered.argv.arguments().iter().map(of_argument));
        lines.extend(check.iter().map(|check| whole(&check.to_string())));
        lines.push(plain(String::new()));
    }
    lines.push(plain(
        "Nothing runs yet: each step is asked for by itself, and the first that fails is the last."
            .to_owned(),
    ));
    let name = SafeText::line(&play.book.name);
    model.modal = Some(Modal::Confirm(Confirm {
        title: format!("Begin playbook {name}?"),
        lines,
        typed: Vec::new(),
        then: Then::Rehearsed(Box::new(Rehearsed {
            ask: page.ask.clone(),
            book,
        })),
        hits: BTreeSet::new(),
        scroll: 0,
    }));
    Vec::new()
}

/// All of it was looked over: its first step is asked for.
pub(super) fn rehearsed(model: &mut Model, what: &Rehearsed, now: Now) -> Vec<Effect> {
    let policy = &model.settings.runbooks;
    let Some(page) = model.runbook.as_mut().filter(|page| page.ask == what.ask) else {
        return say(model, Level::Info, "its page is closed", now);
    };
    if let Some(play) = page.plays.get_mut(what.book) {
        play.stage = Stage::At(0);
    }
    page.runs
        .retain(|((_, play), _)| play.is_none_or(|(book, _)| book != what.book));
    page.arrange(policy);
    ask_play(model, what.book, Some(0), now)
}

/// A step of a playbook, where it may be run now.
fn play_order(model: &Model, book: usize, step: usize) -> Result<RunOrder, String> {
    let page = model.runbook.as_ref().ok_or("no runbook is open")?;
    let play = page.plays.get(book).ok_or("there is no such playbook")?;
    let written = play.book.steps.get(step).ok_or("there is no such step")?;
    may_run(model)?;
    let policy = &model.settings.runbooks;
    let ready = Play::ready(written, policy, &page.ask.labels)?;
    Ok(RunOrder {
        ask: page.ask.clone(),
        line: written.written.join(" "),
        step: None,
        program: ready.offered.program?,
        identity: policy.identity(ready.offered.argv.program()),
        argv: ready.offered.argv,
        means: policy.means.clone(),
        source: format!("the configuration, playbook {}", play.book.name),
        play: Some(PlayAt {
            name: play.book.name.clone(),
            book,
            step,
            of: play.book.steps.len(),
        }),
        check: ready.check,
    })
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
        identity: model.settings.runbooks.identity(offered.argv.program()),
        means: model.settings.runbooks.means.clone(),
        source: match &page.read {
            Some(Ok(found)) => found.from.clone(),
            Some(Err(_)) | None => String::new(),
        },
        play: None,
        check: None,
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

/// A text that is seen whole.
fn whole(text: &str) -> ConfirmLine {
    ConfirmLine::Argument {
        text: exposed(text),
        from: Vec::new(),
    }
}

fn of_argument(argument: &Argument) -> ConfirmLine {
    ConfirmLine::Argument {
        text: argument.exposed(),
        from: argument.from.clone(),
    }
}

/// Every argument on a line of its own, and what its values came from.
fn question(model: &Model, order: RunOrder) -> Confirm {
    let plain = |text: String| ConfirmLine::Plain(text);
    let arguments = order.argv.arguments();
    let mut lines = vec![whole(&order.program.display().to_string())];
    lines.extend(arguments.iter().map(of_argument));
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
                .map(|(name, value)| whole(&format!("{name}={value}"))),
        );
    }
    if let Some(dir) = &means.cwd {
        lines.push(plain("in the directory".to_owned()));
        lines.push(whole(&dir.display().to_string()));
    }
    lines.push(plain("as it stands in".to_owned()));
    lines.push(whole(&order.source));
    lines.extend(order.check.iter().map(|check| whole(&check.to_string())));
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
    let title = match &order.play {
        Some(at) => format!("Run step {} of {}?", at.step + 1, at.of),
        None => "Run this command?".to_owned(),
    };
    Confirm {
        title,
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
    let level = match ended.failure() {
        None => Level::Info,
        Some(_) => Level::Warn,
    };
    let mut said = format!("{}: {}", order.argv.program(), ended.end);
    if let Some(page) = model.runbook.as_mut().filter(|page| page.ask == order.ask) {
        if let Some(at) = &order.play
            && let Some(play) = page
                .plays
                .get_mut(at.book)
                .filter(|play| play.book.name == at.name)
        {
            said = play.ended(at, &ended);
        }
        let key = (
            order.line.clone(),
            order.play.as_ref().map(|at| (at.book, at.step)),
        );
        page.runs.retain(|(known, _)| *known != key);
        page.runs.push((key, Arc::new(ended)));
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
        Some((
            _,
            Shown::Heading(_, text)
            | Shown::Text(text)
            | Shown::Item(text)
            | Shown::Remark(text)
            | Shown::Verdict(Ok(text) | Err(text)),
        )) => {
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
