//! The only writer of the [`Model`]: a message in, effects out. Pure and synchronous.
//!
//! One file an area: `keys` turns input into actions, `run` says who carries an action out: `panes`, `cursor`, `details`
//! and `leave` what holds anywhere, `alerts`, `silences`, `modals` and `prompts` what is particular to each, `guard` says what an act would hit, `feeds` takes in what
//! backends said, `timers` what time brings.

mod alerts;
mod case;
mod compose;
mod copy;
mod cursor;
mod deeds;
mod details;
mod dialog;
mod drill;
mod feeds;
mod gone;
mod guard;
mod incident_acts;
mod incident_asks;
mod incidents;
mod keys;
mod leave;
mod line;
mod logs;
mod modals;
mod outbox;
mod pages;
mod palette;
mod panes;
mod pick;
mod pivot;
mod prompts;
mod query;
mod run;
mod runbook;
mod scope;
mod silences;
mod spot;
mod strip;
mod timers;
mod tour;
mod traces;
mod undo;
mod union;
mod views;
mod waterfall;

use super::focus::{Detail, Page, PaneId};
use super::list::ListState;
use super::modal::Modal;
use super::moment::{self, Stand};
use super::toast::{Covered, Level};
use super::{Effect, Model, Msg};
use crate::keymap::Chord;
use crate::terminal::Input;
use crate::theme;
use crate::time::Now;
use crate::view::layout::{self, Cover};

pub(crate) use case::due as case_due;
pub(crate) use keys::{holds, places};
pub use outbox::target as outbox_target;
pub use palette::{Offers, ranked as rank_palette};
pub(crate) use scope::concerns as incident_concerns;
pub use silences::matchers_of;
pub(crate) use strip::{due as strip_due, lines_wanted, traces_wanted};
pub(crate) use traces::unread;
pub(crate) use waterfall::is_beside;

/// Takes in one message.
pub fn update(model: &mut Model, msg: Msg, now: Now) -> Vec<Effect> {
    let by_hand = matches!(msg, Msg::Input(Input::Key(_) | Input::Mouse(_)));
    let stand = by_hand.then(|| Stand::of(model));
    let told_of_here = matches!(
        msg,
        Msg::SloFetched(_) | Msg::AlertsArranged(_) | Msg::IncidentsFetched(_) | Msg::HealthChanged(_)
    );
    let key = match &msg {
        Msg::Input(Input::Key(key)) => Some(Chord::from(*key)),
        _ => None,
    };
    let covered = model.covered();
    if covered == Covered::No {
        model.toasts.stay_below();
    }
    let mut effects = match msg {
        Msg::Input(Input::Key(key)) => keys::key(model, key, now),
        Msg::Input(Input::Paste(text)) => keys::paste(model, &text, now),
        Msg::Input(Input::Mouse(mouse)) => keys::mouse(model, mouse, now),
        Msg::Input(Input::Resize(size)) => {
            model.size = size;
            Vec::new()
        }
        Msg::Input(Input::Background { rgb }) => {
            model.themes.background(theme::of_background(rgb));
            Vec::new()
        }
        Msg::Input(Input::Focus(_)) => Vec::new(),
        Msg::ActJournaled { id, result } => compose::journaled(model, id, result, now),
        Msg::TakenBack { id, result } => undo::answered(model, id, result, now),
        Msg::Edited(result) => compose::edited(model, result, now),
        Msg::Written { what, result } => pages::written(model, what, result),
        Msg::Input(Input::Closed) | Msg::ShutDown => {
            model.quitting = true;
            let mut effects = compose::put_away(model);
            effects.push(Effect::Quit);
            effects
        }
        Msg::SloFetched(feed) => feeds::slo(model, feed),
        Msg::MarksFetched(feed) => {
            // What is frozen stays as it is; the next answer is not far.
            if model.paused.is_none() {
                model.slo.marks = feed;
            }
            Vec::new()
        }
        Msg::AlertsArranged(board) => feeds::alerts(model, &board, now),
        Msg::IncidentsFetched(feed) => incidents::listed(model, feed, now),
        Msg::Linked(links) => {
            incidents::linked(model, links);
            Vec::new()
        }
        Msg::TimelineFetched { incident, feed } => incidents::followed(model, &incident, feed),
        Msg::LogsChanged(view) => logs::changed(model, view, now),
        Msg::TracesFetched(feed) => {
            traces::fetched(model, feed);
            Vec::new()
        }
        Msg::TraceRead { id, result } => {
            let mut effects = Vec::new();
            effects.extend(waterfall::read(model, id, result, now));
            effects.extend(traces::align(model));
            effects
        }
        Msg::TracesAligned(aligned) => {
            traces::aligned(model, aligned);
            Vec::new()
        }
        Msg::CallsRead(result) => {
            model.traces.calls = Some(result);
            Vec::new()
        }
        Msg::ExemplarsRead { asked, result } => traces::exemplars::came(model, &asked, result, now),
        Msg::SpansFound { id, text, result } => {
            if let Some(open) = model.traces.opened_mut(id) {
                open.found(&text, result);
            }
            Vec::new()
        }
        Msg::RosterFetched(feed) => {
            model.incidents.roster = feed;
            Vec::new()
        }
        Msg::OutboxChanged(view) => {
            let effects = outbox::changed(model, view, now);
            feeds::adopt(model, now);
            effects
        }
        Msg::LadderFetched { incident, result } => {
            pick::ladder(model, incident, result, now);
            Vec::new()
        }
        Msg::DirectoryFetched(result) => {
            pick::directory(model, result, now);
            Vec::new()
        }
        Msg::DraftsRead(drafts) => compose::drafts_read(model, drafts, now),
        Msg::HealthChanged(health) => {
            model.health = health;
            Vec::new()
        }
        Msg::RecordChanged(record) => {
            model.record = Some(record);
            Vec::new()
        }
        Msg::WatchingChanged(watching) => {
            model.watching = watching;
            Vec::new()
        }
        Msg::RunbookRead { wanted, result } => {
            runbook::read(model, &wanted, result);
            Vec::new()
        }
        Msg::StepsTicked { of, result } => {
            runbook::ticked(model, &of, result);
            Vec::new()
        }
        Msg::CommandEnded { order, ended } => runbook::ended(model, &order, ended, now),
        Msg::ActFinished { id, result } => feeds::act_finished(model, id, result, now),
        Msg::SilencePast { seq, result } => silences::past(model, seq, result),
        Msg::CaseGathered { seq, part } => {
            case::gathered(model, seq, part);
            Vec::new()
        }
        Msg::StripCounted { seq, part } => {
            model.strip_facts.take(seq, part);
            Vec::new()
        }
        Msg::AlertHistory { fingerprint, result } => {
            // A late answer about one that is closed must not take the place of the open one's.
            if model
                .details
                .iter()
                .any(|view| view.detail == Detail::Alert(fingerprint))
            {
                model.alerts.history = Some((fingerprint, result));
            }
            Vec::new()
        }
        Msg::QueryAnswered { seq, result } => query::answered(model, seq, result, now),
        Msg::ViewsKept(result) => views::kept(model, result, now),
        Msg::ContextsHeard(reports) => {
            union::heard(model, &reports);
            Vec::new()
        }
        Msg::Said { level, text } => {
            model.toasts.say(level, text, now.tick);
            Vec::new()
        }
        Msg::Typed(text) => line::typed(model, &text, now),
        Msg::Timer => timers::timer(model, now),
    };
    if covered == Covered::Yes && model.covered() == Covered::No {
        model.toasts.uncover(now.tick);
    }
    if let Some(stand) = &stand {
        moment::settle(model, stand);
    }
    if told_of_here {
        union::own(model);
    }
    effects.extend(union::arrive(model, now));
    effects.extend(union::settle_watched(model));
    effects.extend(views::visited(model));
    incidents::keep_open(model);
    effects.extend(incidents::settle_followed(model, now));
    effects.extend(logs::settle_watched(model));
    effects.extend(traces::ask(model, now));
    effects.extend(traces::tell_query(model, now));
    effects.extend(case::settle(model, now));
    effects.extend(strip::settle(model, now));
    fit_lists(model, now);
    fit_scroll(model, now);
    model.settle_preview(now);
    effects.extend(drill::settle(model, now));
    let looked_at = palette::theme_looked_at(model.modal.as_ref());
    effects.extend(model.themes.show(looked_at).map(Effect::SwitchTheme));
    effects.extend(tour::settle(model, now));
    model.attention.follow(model.modal.as_ref(), key);
    effects
}

/// Tells every list how many rows it has on screen, so that a page is a page and the cursor stays in sight.
fn fit_lists(model: &mut Model, now: Now) {
    fn fit<Id: Clone + PartialEq>(list: &mut ListState<Id>, rows: usize, page: Option<usize>) {
        if let Some(page) = page {
            list.resize(page, rows);
        }
    }
    let cover = if model.details.is_empty() {
        Cover::Panes
    } else {
        Cover::Detail
    };
    let areas = layout::of(model, cover, now);
    let page = |pane| areas.pane(pane, model.focus).map(layout::list_rows);
    if cover == Cover::Panes {
        let (slo, alerts) = (page(PaneId::Slo), page(PaneId::Alerts));
        fit(&mut model.slo.list, model.slo.rows.len(), slo);
        fit(&mut model.alerts.list, model.alerts.rows.len(), alerts);
        let incidents = areas
            .pane(PaneId::Incident, model.focus)
            .map(|pane| layout::incident_parts(pane, model.incidents.rows.len()).list_rows());
        fit(&mut model.incidents.list, model.incidents.rows.len(), incidents);
        fit(
            &mut model.traces.list,
            model.traces.rows.len(),
            page(PaneId::Traces),
        );
        if let Some(area) = areas.pane(PaneId::Logs, model.focus) {
            let parts = layout::log_parts(area, model.logs.columns.len());
            model.logs.resize(parts.lines.height.into());
        }
    }
    let waterfall = match model.detail() {
        Some(Detail::Trace(id)) => areas.detail().map(|area| (*id, area)),
        // Beside an open span, where there is room for both.
        Some(Detail::Span(id, _)) => {
            let parts = areas.detail().and_then(layout::span_beside);
            parts.map(|(waterfall, _)| (*id, waterfall))
        }
        Some(_) | None => None,
    };
    let beside = matches!(model.detail(), Some(Detail::Span(_, _)));
    if let Some((id, area)) = waterfall
        && let Some(open) = model.traces.opened_mut(id)
    {
        let parts = layout::waterfall_parts(area, crate::view::head_rows(open, area.width));
        let parts = if beside { parts.beside() } else { parts };
        open.resize(parts.lines.height.into());
    }
    if let Some(Detail::Comparison(_, _)) = model.detail()
        && let (Some(area), Some(open)) = (areas.detail(), &mut model.traces.comparison)
    {
        open.list.resize(layout::comparison_rows(area), open.rows.len());
    }
    if model.detail() == Some(&Detail::Patterns) {
        let page = areas.detail().map(layout::pattern_rows);
        fit(&mut model.logs.pattern_list, model.logs.pattern_rows.len(), page);
    }
    if matches!(model.detail(), Some(Detail::Case(_)))
        && let (Some(area), Some(open)) = (areas.detail(), &mut model.case)
    {
        open.list.resize(layout::list_rows(area), open.rows.len());
    }
    if model.detail() == Some(&Detail::Page(Page::Contexts)) {
        let contexts = model.union.reports.len();
        let page = areas
            .detail()
            .map(|area| layout::union_parts(area, contexts).rows());
        fit(&mut model.union.list, model.union.keys.len(), page);
    }
    if model.detail() == Some(&Detail::Outbox) {
        let page = areas.detail().map(layout::list_rows);
        fit(&mut model.outbox_list, model.outbox_rows.len(), page);
    }
    if matches!(model.detail(), Some(Detail::Incident(_))) {
        let page = areas.detail().map(layout::timeline_rows);
        fit(
            &mut model.incidents.event_list,
            model.incidents.events.len(),
            page,
        );
    }
    if model.detail() == Some(&Detail::Silences) {
        let page = areas.detail().map(layout::list_rows);
        fit(&mut model.silences.list, model.silences.rows.len(), page);
    }
}

/// Keeps an open page's scroll within the page, so that a step back from its end moves at once.
fn fit_scroll(model: &mut Model, now: Now) {
    let furthest = match (&model.modal, model.details.last()) {
        (Some(Modal::Help { scroll } | Modal::Health { scroll }), _) if *scroll > 0 => {
            crate::view::furthest_scroll(model, now)
        }
        (None, Some(view)) if view.scroll > 0 => crate::view::furthest_scroll(model, now),
        (Some(_) | None, _) => return,
    };
    if let Some(Modal::Help { scroll } | Modal::Health { scroll }) = &mut model.modal {
        *scroll = (*scroll).min(furthest);
    } else if let Some(view) = model.details.last_mut() {
        view.scroll = view.scroll.min(furthest);
    }
}

/// Why an act cannot be done at all, in words; said instead of doing nothing.
fn refusal(model: &Model) -> Option<String> {
    if model.settings.read_only {
        return Some(
            "read-only: this console changes nothing (read_only in the configuration, or --read-only)"
                .to_owned(),
        );
    }
    if model.settings.alertmanagers.is_empty() {
        return Some(format!(
            "no Alertmanager is configured; add [[contexts.{}.alertmanagers]]",
            model.settings.context
        ));
    }
    if model.settings.writable.is_empty() {
        return Some("read-only: every Alertmanager here is configured with read_only = true".to_owned());
    }
    busy(model)
}

/// Why a change that the frozen screen would not show is not made.
fn frozen(model: &Model) -> Option<String> {
    model.paused.as_ref()?;
    let key = model
        .keymap
        .keys_for(crate::action::Action::Pause)
        .into_iter()
        .next();
    Some(format!("paused; {} lets go", key.unwrap_or_default()))
}

/// Why no more acts are taken on, where too many wait: asked again when an act goes out after a question.
fn busy(model: &Model) -> Option<String> {
    let full = model.acts.pending.len() >= super::acts::Acts::MAX_PENDING;
    full.then(|| "busy: too many acts are waiting for an answer".to_owned())
}

fn say(model: &mut Model, level: Level, text: impl Into<String>, now: Now) -> Vec<Effect> {
    model.toasts.say(level, text, now.tick);
    Vec::new()
}
