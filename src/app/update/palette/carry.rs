//! What was chosen in the palette is done: as if its key had been pressed where it belongs, or with what was typed behind it.

use std::sync::Arc;

use tui_textarea::TextArea;

use super::places::{self, Places};
use super::words;
use crate::action::{Action, Impact, Place};
use crate::app::alone;
use crate::app::focus::{Detail, PaneId};
use crate::app::modal::{Command, Prompt, PromptKind, PromptTarget, Word};
use crate::app::toast::Level;
use crate::app::update::{
    alerts, details, frozen, incident_acts, incidents, logs, modals, panes, query, run, say, silences,
    traces, union, views,
};
use crate::app::{Effect, Model};
use crate::backend::traces::read_id;
use crate::domain::alert::{Alert, Standing, matcher};
use crate::domain::incident::IncidentId;
use crate::domain::service_map::Caller;
use crate::text::SafeText;
use crate::theme;
use crate::time::Now;

/// Does what an entry says.
pub(in crate::app::update) fn carry(model: &mut Model, command: Command, now: Now) -> Vec<Effect> {
    match command {
        Command::Run(action) => run_here(model, action, now),
        Command::Incident(id) => {
            incidents::open(model, id);
            Vec::new()
        }
        Command::Trace(id) => open_trace(model, id, now),
        Command::Context(name) => {
            // Wherever one was on the way to before.
            model.union.bound = None;
            modals::switch_context(model, name)
        }
        Command::Theme(name) => choose_theme(model, &name, now),
        Command::View(name) => views::take_up(model, &name, now),
        Command::Scope(scope) => match frozen(model) {
            Some(why) => say(model, Level::Info, why, now),
            None => views::turn_to(model, *scope, now),
        },
        Command::Refused(why) => say(model, Level::Info, why, now),
        Command::With(word, argument) => with(model, word, &argument, now),
    }
}

/// It is drawn from now on; the configuration is a person's own, and is not written by what is tried out.
fn choose_theme(model: &mut Model, name: &str, now: Now) -> Vec<Effect> {
    model.themes.choose(name);
    let drawn = SafeText::line(model.themes.kept());
    let background = if name == theme::AUTO {
        format!(" ({drawn} here)")
    } else {
        String::new()
    };
    let name = SafeText::line(name);
    let words = format!("theme {name}{background}; theme = \"{name}\" in the configuration keeps it");
    say(model, Level::Info, words, now)
}

fn open_trace(model: &mut Model, id: crate::domain::trace::TraceId, now: Now) -> Vec<Effect> {
    if model.settings.traces.is_none() {
        let why = traces::not_configured(model);
        return say(model, Level::Info, why, now);
    }
    traces::open(model, id, now)
}

/// A word with what was typed behind it.
fn with(model: &mut Model, word: Word, argument: &str, now: Now) -> Vec<Effect> {
    if model.has_lines_alone() && !matches!(word, Word::Logs | Word::SaveView | Word::DropView) {
        let why = alone::words(model);
        return say(model, Level::Info, why, now);
    }
    let acts = matches!(word, Word::Ack | Word::Unack | Word::Silence | Word::On(_));
    if acts && let Some(why) = union::refusal(model) {
        return say(model, Level::Warn, why, now);
    }
    match word {
        Word::Query => query::open(model, argument, now),
        Word::Logs => ask_logs(model, argument, now),
        Word::Traces => ask_traces(model, argument, now),
        Word::Trace => {
            if let Some(id) = read_id(argument) {
                return open_trace(model, id, now);
            }
            let said = format!("{} is no trace id: up to 32 hex digits", SafeText::line(argument));
            say(model, Level::Warn, said, now)
        }
        Word::Ack | Word::Unack => acknowledge(model, word, argument, now),
        Word::Silence => silence(model, argument, now),
        Word::Slo if model.slo.report(argument).is_some() => {
            details::show(model, Detail::Slo(argument.to_owned()));
            Vec::new()
        }
        Word::Slo => slo_of_service(model, argument, now),
        Word::Scope => match frozen(model) {
            Some(why) => say(model, Level::Info, why, now),
            None => scope_to(model, argument, now),
        },
        Word::SaveView => views::save(model, argument, now),
        Word::DropView => views::forget(model, argument, now),
        Word::On(action) => {
            if let Some(id) = incident_named(model, argument) {
                incidents::open(model, id.clone());
                return incident_acts::on(model, action, &id, now);
            }
            if let Some((first, _)) = argument.split_once(char::is_whitespace)
                && incident_named(model, first).is_some()
            {
                let alone = model.keymap.command(&format!("{} {first}", words::name(word)));
                let why = format!("{} asks for the rest by itself", SafeText::line(&alone));
                return say(model, Level::Info, why, now);
            }
            let is_known = model.incidents.feed.value().is_some();
            unknown(model, "incident", argument, is_known, now)
        }
    }
}

/// Turns every pane to what is typed, and says where nothing in hand is of it.
fn scope_to(model: &mut Model, typed: &str, now: Now) -> Vec<Effect> {
    let places = Places::of(model, usize::MAX);
    let scope = places.read(typed);
    let unknown = places.unknown(&scope);
    model.scope.note(&scope, unknown.is_none());
    let said = unknown.or_else(|| places::taken_as(typed, &scope));
    let effects = views::turn_to(model, scope, now);
    if let Some(why) = said {
        model.toasts.say(Level::Info, why, now.tick);
    }
    effects
}

/// Opens the SLO of a service; of several the first in the pane's order, and says so.
fn slo_of_service(model: &mut Model, service: &str, now: Now) -> Vec<Effect> {
    let services = &model.settings.services;
    let board = model.slo.board();
    let reports = board.into_iter().flat_map(|board| &board.slos);
    let names: Vec<String> = reports
        .filter(|report| services.means(service, services.ours(Caller::Slos, &report.slo.service)))
        .map(|report| report.slo.name.clone())
        .collect();
    let several = names.len();
    let Some(name) = names.into_iter().next() else {
        let is_known = model.slo.board().is_some();
        return unknown(model, "SLO", service, is_known, now);
    };
    details::show(model, Detail::Slo(name));
    if several < 2 {
        return Vec::new();
    }
    let service = SafeText::line(service);
    let said = format!("the most urgent of {service}'s {several} SLOs");
    say(model, Level::Info, said, now)
}

/// That nothing is called so; where nobody has answered, that this is not known.
fn unknown(model: &mut Model, what: &str, name: &str, is_known: bool, now: Now) -> Vec<Effect> {
    let name = SafeText::line(name);
    let said = if is_known {
        format!("no {what} {name} is listed here")
    } else {
        format!("{what} {name} is not known: nobody has answered yet")
    };
    say(model, Level::Info, said, now)
}

/// The incident of a number, with or without its mark, or of an id.
fn incident_named(model: &Model, name: &str) -> Option<IncidentId> {
    let board = model.incidents.feed.value()?;
    let number: Option<u64> = name.strip_prefix('#').unwrap_or(name).parse().ok();
    let named = board
        .incidents
        .iter()
        .find(|incident| (number.is_some() && incident.number == number) || *incident.id.0 == *name);
    named.map(|incident| incident.id.clone())
}

fn ask_logs(model: &mut Model, query: &str, now: Now) -> Vec<Effect> {
    if model.settings.logs.is_none() {
        let why = logs::not_configured(model);
        return say(model, Level::Info, why, now);
    }
    if let Some(why) = frozen(model) {
        return say(model, Level::Info, why, now);
    }
    model.details.clear();
    panes::turn_to(model, PaneId::Logs);
    logs::answered(model, PromptKind::Query, query, now)
}

fn ask_traces(model: &mut Model, query: &str, now: Now) -> Vec<Effect> {
    if model.settings.traces.is_none() {
        let why = traces::not_configured(model);
        return say(model, Level::Info, why, now);
    }
    if let Some(why) = frozen(model) {
        return say(model, Level::Info, why, now);
    }
    let target = PromptTarget::Pane(PaneId::Traces);
    let prompt = Prompt {
        kind: PromptKind::Query,
        target,
        input: TextArea::from([query.to_owned()]),
        before: String::new(),
        hits: None,
    };
    if let Some(why) = traces::unread(model, &prompt, now) {
        return say(model, Level::Warn, why, now);
    }
    model.details.clear();
    panes::turn_to(model, PaneId::Traces);
    traces::answered(model, PromptKind::Query, query, now)
}

/// Living alerts of which each word says the name, the service, a label's value or the beginning of the id.
fn alerts_named(model: &Model, words: &str) -> Vec<Arc<Alert>> {
    let whole = words.trim().to_lowercase();
    let words: Vec<&str> = whole.split_whitespace().collect();
    // As it is shown and completed.
    let shown = |text: &str| SafeText::line(text).as_str().to_lowercase();
    // A name may have blanks.
    let is_named = |alert: &Alert| {
        let (name, service) = (shown(&alert.name), shown(&alert.service));
        whole == name || whole == format!("{name} {service}")
    };
    let says = |alert: &Alert, word: &str| {
        let is = |text: &str| shown(text) == word;
        is(&alert.name)
            || is(&alert.service)
            || alert.labels.iter().any(|(_, value)| is(value))
            || (word.len() >= 6 && alert.occurrence.fingerprint.to_string().starts_with(word))
    };
    let board = model.alerts.board.iter();
    board
        .flat_map(|board| board.by_fingerprint.values())
        .filter(|alert| alert.standing() != Standing::Over)
        .filter(|alert| {
            let all = || !words.is_empty() && words.iter().all(|word| says(alert, word));
            is_named(alert) || all()
        })
        .cloned()
        .collect()
}

fn acknowledge(model: &mut Model, word: Word, name: &str, now: Now) -> Vec<Effect> {
    if let Some(id) = incident_named(model, name) {
        incidents::open(model, id.clone());
        let action = if word == Word::Ack {
            Action::TakeIncident
        } else {
            Action::ReleaseIncident
        };
        return incident_acts::on(model, action, &id, now);
    }
    let named = alerts_named(model, name);
    if named.is_empty() {
        let is_known = model.alerts.shown().is_some_and(|board| board.is_known());
        return unknown(model, "alert or incident", name, is_known, now);
    }
    if word == Word::Ack {
        alerts::acknowledge_named(model, named, now)
    } else {
        alerts::hand_back_named(model, named, now)
    }
}

fn silence(model: &mut Model, argument: &str, now: Now) -> Vec<Effect> {
    if !argument.contains(['=', '~']) {
        let named = alerts_named(model, argument);
        if named.is_empty() {
            let is_known = model.alerts.shown().is_some_and(|board| board.is_known());
            return unknown(model, "alert", argument, is_known, now);
        }
        return silences::compose_of(model, silences::shared(&named), &named, now);
    }
    match matcher::parse_list(argument) {
        Ok(matchers) => {
            let lines: Vec<String> = matchers.iter().map(ToString::to_string).collect();
            silences::compose_of(model, lines, &[], now)
        }
        Err(error) => {
            let why = SafeText::line(&error.to_string()).into_string();
            say(model, Level::Warn, why, now)
        }
    }
}

/// Where one is, to come back to where nothing came of going elsewhere.
struct Stand {
    details: Vec<crate::app::DetailView>,
    focus: PaneId,
    layout: crate::app::focus::Layout,
}

impl Stand {
    fn of(model: &Model) -> Self {
        Self {
            details: model.details.clone(),
            focus: model.focus,
            layout: model.layout.clone(),
        }
    }

    fn back(self, model: &mut Model) {
        (model.details, model.focus, model.layout) = (self.details, self.focus, self.layout);
    }
}

/// An action goes to the pane it belongs to, as if its key had been pressed there. An act that finds nothing to be done to
/// there leaves one where one was.
fn run_here(model: &mut Model, action: Action, now: Now) -> Vec<Effect> {
    if let Some(why) = alone::lacks(model, action) {
        return say(model, Level::Info, why, now);
    }
    if action.row().impact != Impact::View
        && let Some(why) = union::refusal(model)
    {
        return say(model, Level::Warn, why, now);
    }
    let here = Stand::of(model);
    let mut sight = alerts::Sight::Seen;
    match action.row().place {
        Place::Alerts if !matches!(model.detail(), Some(Detail::Alert(_))) => {
            if model.focus != PaneId::Alerts || !model.details.is_empty() {
                sight = alerts::Sight::Unseen;
            }
            model.details.clear();
            panes::turn_to(model, PaneId::Alerts);
        }
        Place::Slo if !matches!(model.detail(), Some(Detail::Slo(_))) => {
            model.details.clear();
            panes::turn_to(model, PaneId::Slo);
        }
        Place::Silences if model.detail() != Some(&Detail::Silences) => {
            return say(model, Level::Info, "open the list of silences first", now);
        }
        Place::Incident if !matches!(model.detail(), Some(Detail::Incident(_))) => {
            model.details.clear();
            panes::turn_to(model, PaneId::Incident);
        }
        Place::Logs if model.settings.logs.is_none() => {
            let why = logs::not_configured(model);
            return say(model, Level::Info, why, now);
        }
        Place::Logs if !matches!(model.detail(), Some(Detail::LogLine(_))) => {
            model.details.clear();
            panes::turn_to(model, PaneId::Logs);
        }
        Place::Traces if model.settings.traces.is_none() => {
            let why = traces::not_configured(model);
            return say(model, Level::Info, why, now);
        }
        Place::Traces => {
            model.details.clear();
            panes::turn_to(model, PaneId::Traces);
        }
        Place::Trace
            if !matches!(
                model.detail(),
                Some(
                    Detail::Trace(_) | Detail::Span(_, _) | Detail::TraceFacts(_) | Detail::Comparison(_, _)
                )
            ) =>
        {
            return say(model, Level::Info, "open a trace first", now);
        }
        Place::Case if !matches!(model.detail(), Some(Detail::Case(_))) => {
            return say(model, Level::Info, "open a case first", now);
        }
        Place::Runbook if action == Action::StopCommand => {}
        Place::Runbook if !matches!(model.detail(), Some(Detail::Runbook(_))) => {
            return say(model, Level::Info, "open a runbook first", now);
        }
        Place::Outbox if model.detail() != Some(&Detail::Outbox) => {
            return say(model, Level::Info, "open the outbox first", now);
        }
        Place::Global
        | Place::List
        | Place::Slo
        | Place::Alerts
        | Place::Logs
        | Place::Patterns
        | Place::Trace
        | Place::Silences
        | Place::Incident
        | Place::Outbox
        | Place::Runbook
        | Place::Case
        | Place::Search
        | Place::Dialog => {}
    }
    let effects = match action {
        Action::Acknowledge => alerts::acknowledge(model, sight, now),
        Action::HandBack => alerts::hand_back(model, sight, now),
        other => run::action(model, other, now),
    };
    let came_to_nothing = effects.is_empty() && model.modal.is_none() && model.details.is_empty();
    if came_to_nothing && action.row().impact != Impact::View {
        here.back(model);
    }
    effects
}
