//! Actions that look, move and arrange; the acting ones go on to `alerts` and `silences`.

use std::collections::BTreeSet;

use super::alerts::Sight;
use super::{
    alerts, case, compose, copy, feeds, frozen, incident_acts, incidents, logs, outbox, pages, palette,
    pivot, prompts, query, runbook, say, scope, silences, tour, traces, undo, union, waterfall,
};
use crate::action::{Action, Impact, Place};
use crate::app::alone;
use crate::app::effect::WriteUp;
use crate::app::focus::{Detail, Page, PaneId, Zoom};
use crate::app::list::{Direction, Moved, Placed, Step};
use crate::app::logs::{Refusal, Times};
use crate::app::modal::{Confirm, ConfirmLine, Modal, PromptKind, Then};
use crate::app::toast::Level;
use crate::app::{DetailView, Effect, Model, OutboxRow, Paused, Strip, Zone, moment};
use crate::domain::alert::desk::Arrangement;
use crate::domain::alert::{Fingerprint, Grouping, StateChoice};
use crate::domain::service_map::Caller;
use crate::notify::Stage;
use crate::outbox::{Decision, Payload};
use crate::text::SafeText;
use crate::time::Now;
use crate::view::layout::{self, Cover};

/// Carries out an action.
pub(super) fn action(model: &mut Model, action: Action, now: Now) -> Vec<Effect> {
    tour::pressed(model, action);
    if action.row().place != Place::Global {
        // Whoever acts on a row means that row: from here on the cursor stays on it.
        match model.focus {
            PaneId::Slo => model.slo.list.placed = Placed::ByHand,
            PaneId::Alerts => model.alerts.list.placed = Placed::ByHand,
            // A log line is meant by whoever moves to it; until then the newest is kept in sight.
            PaneId::Logs => {}
            PaneId::Traces => model.traces.list.placed = Placed::ByHand,
            PaneId::Incident => model.incidents.list.placed = Placed::ByHand,
        }
    }
    if matches!(
        action,
        Action::GroupBy
            | Action::ShowSuppressed
            | Action::Scope
            | Action::ScopeBack
            | Action::Earlier
            | Action::Later
            | Action::ScopeTime
            | Action::Pin
            | Action::LogLevel
            | Action::LogContext
            | Action::LogPatterns
    ) && let Some(why) = frozen(model)
    {
        return say(model, Level::Info, why, now);
    }
    if let Some(why) = alone::lacks(model, action) {
        return say(model, Level::Info, why, now);
    }
    if action.row().impact != Impact::View
        && let Some(why) = union::refusal(model)
    {
        return say(model, Level::Warn, why, now);
    }
    match action {
        Action::FocusSlo => focus(model, PaneId::Slo, now),
        Action::FocusAlerts => focus(model, PaneId::Alerts, now),
        Action::FocusLogs if model.settings.logs.is_none() => {
            say(model, Level::Info, logs::not_configured(model), now)
        }
        Action::FocusLogs => focus(model, PaneId::Logs, now),
        Action::FocusTraces if model.settings.traces.is_none() => {
            say(model, Level::Info, traces::not_configured(model), now)
        }
        Action::FocusTraces => focus(model, PaneId::Traces, now),
        Action::FocusIncident => focus(model, PaneId::Incident, now),
        Action::FocusNext => focus_beside(model, Direction::Down, now),
        Action::FocusPrevious => focus_beside(model, Direction::Up, now),
        Action::Back => back(model, now),
        Action::Zoom => {
            model.layout.zoom = match model.layout.zoom {
                Zoom::No => Zoom::Yes,
                Zoom::Yes => Zoom::No,
            };
            save_layout(model)
        }
        Action::HidePane => hide(model, now),
        Action::GrowPane => resize(model, 10, now),
        Action::ShrinkPane => resize(model, -10, now),
        Action::Help => open(model, Modal::Help { scroll: 0 }),
        Action::Health => open(model, Modal::Health { scroll: 0 }),
        Action::Cost => {
            model.cost.toggle();
            Vec::new()
        }
        Action::Palette => {
            let palette = palette::open(model);
            open(model, Modal::Palette(palette))
        }
        Action::LocalTime => times(model),
        Action::Pause => pause(model, now),
        Action::Refresh => {
            model.toasts.say(Level::Info, "asking every backend", now.tick);
            let open = waterfall::refresh(model);
            let again = case::refresh(model, now);
            let query = query::again(model, now);
            let book = runbook::refresh(model);
            let refreshed = std::iter::once(Effect::Refresh);
            refreshed
                .chain(open)
                .chain(book)
                .chain(again)
                .chain(query)
                .collect()
        }
        Action::Tour => tour::begin(model, now),
        Action::TourAnew => tour::begin_anew(model, now),
        Action::Redraw => vec![Effect::Repaint],
        Action::Scope => scope::narrow(model, now),
        Action::ScopeBack => scope::back(model, now),
        Action::Earlier => scope::shift(model, Direction::Up, now),
        Action::Later => scope::shift(model, Direction::Down, now),
        Action::ScopeTime => scope::ask_time(model),
        Action::Pin => scope::pin(model, now),
        Action::Strip => {
            model.strip = match model.strip {
                Strip::Shown => Strip::Hidden,
                Strip::Hidden => Strip::Shown,
            };
            let areas = layout::of(model, Cover::Panes, now);
            if model.strip == Strip::Shown && areas.strip.is_empty() {
                return say(
                    model,
                    Level::Info,
                    "the strip needs more room: 60x18 at least",
                    now,
                );
            }
            Vec::new()
        }
        Action::Pivot => pivot::pivot(model, now),
        Action::Undo => undo::undo(model, now),
        Action::Quit => {
            if model.details.pop().is_some() {
                return Vec::new();
            }
            quit(model, now)
        }
        Action::QuitNow => quit(model, now),
        Action::Suspend => suspend(model, now),

        Action::Down => step(model, Step::Rows(1), now),
        Action::Up => step(model, Step::Rows(-1), now),
        Action::HalfPageDown => step(model, Step::HalfPage(Direction::Down), now),
        Action::HalfPageUp => step(model, Step::HalfPage(Direction::Up), now),
        Action::PageDown => step(model, Step::Page(Direction::Down), now),
        Action::PageUp => step(model, Step::Page(Direction::Up), now),
        Action::Top => step(model, Step::Top, now),
        Action::Bottom => step(model, Step::Bottom, now),
        Action::Collapse if matches!(model.detail(), Some(Detail::Trace(_) | Detail::Span(_, _))) => {
            waterfall::fold(model, now)
        }
        Action::Expand if matches!(model.detail(), Some(Detail::Trace(_) | Detail::Span(_, _))) => {
            waterfall::unfold(model, now)
        }
        Action::Collapse if in_traces(model) => traces::fold(model, traces::Fold::Closed, now),
        Action::Expand if in_traces(model) => traces::fold(model, traces::Fold::Open, now),
        Action::Collapse if let Some(Detail::Slo(name)) = model.detail() => {
            let name = name.clone();
            along_chart(model, &name, Direction::Up, now)
        }
        Action::Expand if let Some(Detail::Slo(name)) = model.detail() => {
            let name = name.clone();
            along_chart(model, &name, Direction::Down, now)
        }
        Action::Collapse => alerts::fold(model, now),
        Action::Expand => alerts::unfold(model, now),
        Action::Open => open_selected(model, now),
        Action::Mark if model.details.is_empty() && model.focus == PaneId::Incident => {
            incidents::mark(model, now)
        }
        Action::Mark if matches!(model.detail(), Some(Detail::Runbook(_))) => {
            runbook::act(model, Action::TickStep, now)
        }
        Action::Mark if in_traces(model) => traces::mark(model, now),
        Action::Mark => alerts::mark(model, now),
        Action::Search => prompts::open(model, PromptKind::Search, now),
        Action::Filter => prompts::open(model, PromptKind::Filter, now),
        Action::NextHit => next_hit(model, Direction::Down, now),
        Action::PreviousHit => next_hit(model, Direction::Up, now),
        Action::Copy => copy::menu(model, now),

        Action::Acknowledge => alerts::acknowledge(model, Sight::Seen, now),
        Action::HandBack => alerts::hand_back(model, Sight::Seen, now),
        Action::Silence => silences::compose(model, now),
        Action::SilenceList => {
            model.silences.arrange(model.alerts.board.as_deref(), now);
            show(model, Detail::Silences);
            Vec::new()
        }
        Action::Runbook | Action::IncidentRunbook => runbook::open(model, now),
        Action::Link => copy::link(model, now),
        Action::GroupBy => {
            model.alerts.grouping = next_grouping(&model.alerts.grouping);
            let how = match &model.alerts.grouping {
                Grouping::Server => "as Alertmanager groups them".to_owned(),
                Grouping::Labels(labels) => format!("by {}", labels.join(", ")),
                Grouping::Flat => "one by one".to_owned(),
            };
            model.toasts.say(Level::Info, format!("grouped {how}"), now.tick);
            vec![Effect::Arrange(arrangement(model))]
        }
        Action::ShowSuppressed => {
            model.alerts.states = match model.alerts.states {
                StateChoice::Active => StateChoice::All,
                StateChoice::All => StateChoice::Suppressed,
                StateChoice::Suppressed => StateChoice::Active,
            };
            vec![Effect::Arrange(arrangement(model))]
        }

        Action::FollowLogs
        | Action::LogLevel
        | Action::LogQuery
        | Action::LogContext
        | Action::LogWrap
        | Action::LogColumns
        | Action::LogTime
        | Action::LogBookmark
        | Action::NextBookmark
        | Action::LogPatterns
        | Action::LogRefetch => logs::act(model, action, now),

        Action::TraceOrder
        | Action::FailedTraces
        | Action::TraceQuery
        | Action::TraceTime
        | Action::GroupTraces
        | Action::TraceScatter
        | Action::CompareTraces
        | Action::ServiceGraph
        | Action::OpenTraceById => traces::act(model, action, now),
        Action::TraceZoomIn
        | Action::TraceZoomOut
        | Action::TraceZoomSpan
        | Action::TraceZoomAll
        | Action::TracePanLeft
        | Action::TracePanRight
        | Action::NextError
        | Action::PreviousError
        | Action::NextOnPath
        | Action::PreviousOnPath
        | Action::NextSlowest
        | Action::FoldAll
        | Action::FoldLevel
        | Action::FoldService
        | Action::Reroot
        | Action::MatchesOnly
        | Action::ClockSkew
        | Action::TraceFacts => waterfall::act(model, action, now),

        Action::ExtendSilence => silences::extend(model, now),
        Action::ExpireSilence => silences::expire(model, now),
        Action::ShowExpired => {
            model.silences.choice = model.silences.choice.next();
            model.silences.arrange(model.alerts.board.as_deref(), now);
            Vec::new()
        }

        Action::Annotate => compose::note(model, now),
        Action::StatusUpdate => compose::status_update(model, now),
        Action::Declare => compose::declare(model, now),
        Action::MarkMoment => compose::mark_moment(model, now),
        Action::OnCallList => pages::on_call(model),
        Action::Contexts => union::open(model, now),
        Action::HandoffNote => pages::write(model, WriteUp::HandOff),
        Action::Stats => pages::write(model, WriteUp::Stats),
        Action::AuditLog => pages::write(model, WriteUp::Audit),
        Action::PostMortem => pages::post_mortem(model, now),

        Action::RetryEntry => outbox::decide(model, Decision::Retry, now),
        Action::SendEntry => outbox::decide(model, Decision::Send, now),
        Action::DropEntry => outbox::decide(model, Decision::Drop, now),
        Action::Escalate
        | Action::Resolve
        | Action::TakeIncident
        | Action::ReleaseIncident
        | Action::Reassign
        | Action::PageSomebody
        | Action::Snooze
        | Action::MergeIncidents
        | Action::SetPriority
        | Action::Advance
        | Action::AssignRole => incident_acts::act(model, action, now),
        Action::StarEvent
        | Action::FilterKinds
        | Action::TimelineTimes
        | Action::Todos
        | Action::WhoseIncidents => incidents::look(model, action, now),
        Action::TickStep | Action::RunCommand | Action::StopCommand => runbook::act(model, action, now),
        Action::OutboxList => {
            show(model, Detail::Outbox);
            Vec::new()
        }
        Action::OpenCase => case::open(model, now),
        Action::Suspect1 => case::open_suspect(model, 1, now),
        Action::Suspect2 => case::open_suspect(model, 2, now),
        Action::Suspect3 => case::open_suspect(model, 3, now),
        Action::Suspect4 => case::open_suspect(model, 4, now),
        Action::Suspect5 => case::open_suspect(model, 5, now),
        // Read where they hold: over the panes.
        Action::DialogAccept
        | Action::DialogLeave
        | Action::DialogDown
        | Action::DialogUp
        | Action::DialogPageDown
        | Action::DialogPageUp
        | Action::DialogNext
        | Action::DialogPrevious
        | Action::DialogSend
        | Action::DialogEditor
        | Action::DialogReference
        | Action::DialogClear
        | Action::DialogYes
        | Action::DialogNo
        | Action::DialogRun => say(model, Level::Info, "nothing is open that it would be for", now),
    }
}

/// Chooses the moment of the next point of an SLO's chart.
fn along_chart(model: &mut Model, slo: &str, towards: Direction, now: Now) -> Vec<Effect> {
    if moment::step(model, slo, towards) {
        return Vec::new();
    }
    say(model, Level::Info, "the chart has no point further on", now)
}

/// Whether the list of traces has the keys.
fn in_traces(model: &Model) -> bool {
    model.details.is_empty() && model.focus == PaneId::Traces
}

fn open(model: &mut Model, over: Modal) -> Vec<Effect> {
    model.modal = Some(over);
    Vec::new()
}

/// How the desk is to arrange the board now.
pub(crate) fn arrangement(model: &Model) -> Arrangement {
    Arrangement {
        grouping: model.alerts.grouping.clone(),
        states: model.alerts.states,
        filter: model.alerts.filter.clone(),
        scope_service: model
            .scope
            .service_of(PaneId::Alerts)
            .map(|service| model.settings.services.theirs(Caller::Alerts, service).into()),
        scope_labels: model
            .scope
            .of(PaneId::Alerts)
            .map(|scope| scope.labels.clone())
            .unwrap_or_default(),
    }
}

fn next_grouping(grouping: &Grouping) -> Grouping {
    match grouping {
        Grouping::Server => Grouping::Labels(vec!["alertname".into()]),
        Grouping::Labels(labels) if labels.first().is_some_and(|l| &**l == "alertname") => {
            Grouping::Labels(vec!["service".into()])
        }
        Grouping::Labels(_) => Grouping::Flat,
        Grouping::Flat => Grouping::Server,
    }
}

/// Times in UTC, in local time; of log lines as well since the line under the cursor.
fn times(model: &mut Model) -> Vec<Effect> {
    let lines = model.focus == PaneId::Logs && model.details.is_empty();
    (model.zone, model.logs.times) = match (model.zone, model.logs.times) {
        (Zone::Utc, Times::Clock) => (Zone::Local, Times::Clock),
        (Zone::Local, Times::Clock) if lines => (Zone::Utc, Times::Relative),
        (Zone::Local, times @ (Times::Clock | Times::Relative)) => (Zone::Utc, times),
        (Zone::Utc, Times::Relative) if lines => (Zone::Utc, Times::Clock),
        (Zone::Utc, Times::Relative) => (Zone::Local, Times::Relative),
    };
    Vec::new()
}

fn save_layout(model: &Model) -> Vec<Effect> {
    vec![Effect::SaveLayout(model.layout.clone())]
}

fn focus(model: &mut Model, pane: PaneId, _now: Now) -> Vec<Effect> {
    model.details.clear();
    model.focus = pane;
    // Whoever goes to the incidents means the one that is shown: what arrives meanwhile is not acted on in its
    // place. The alerts have their own guard: a row that has just changed is asked about.
    match pane {
        PaneId::Slo | PaneId::Alerts | PaneId::Logs | PaneId::Traces => {}
        PaneId::Incident => model.incidents.list.hold(),
    }
    if model.layout.hidden.remove(&pane) {
        save_layout(model)
    } else {
        Vec::new()
    }
}

/// Focuses the next pane that is not hidden, or the one before, round the end.
fn focus_beside(model: &mut Model, towards: Direction, now: Now) -> Vec<Effect> {
    let visible: Vec<PaneId> = model.layout.visible().collect();
    let after = visible.iter().position(|pane| *pane > model.focus);
    let before = visible.iter().rposition(|pane| *pane < model.focus);
    let beside = match towards {
        Direction::Down => after.map_or_else(|| visible.first(), |at| visible.get(at)),
        Direction::Up => before.map_or_else(|| visible.last(), |at| visible.get(at)),
    };
    match beside {
        Some(pane) if *pane != model.focus => focus(model, *pane, now),
        Some(_) | None => say(
            model,
            Level::Info,
            "the other panes are hidden; their numbers bring them back",
            now,
        ),
    }
}

/// Gives a pane the keys, hidden or not: keys never go where nothing shows.
pub(super) fn turn_to(model: &mut Model, pane: PaneId) {
    model.layout.hidden.remove(&pane);
    model.focus = pane;
}

fn hide(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some(other) = model.layout.visible().find(|pane| *pane != model.focus) else {
        return say(model, Level::Info, "the last pane stays", now);
    };
    let hidden = model.focus;
    model.layout.hidden.insert(hidden);
    model.focus = other;
    model.toasts.say(
        Level::Info,
        format!("{} hidden; {} brings it back", hidden.title(), hidden.number()),
        now.tick,
    );
    save_layout(model)
}

fn resize(model: &mut Model, by: i16, now: Now) -> Vec<Effect> {
    let (share, by) = match model.focus {
        PaneId::Slo => (&mut model.layout.slo_share, by),
        PaneId::Alerts => (&mut model.layout.slo_share, -by),
        PaneId::Logs | PaneId::Traces => (&mut model.layout.incident_share, -by),
        PaneId::Incident => (&mut model.layout.incident_share, by),
    };
    let before = *share;
    *share = share.saturating_add_signed(by).clamp(20, 80);
    if *share == before {
        return say(model, Level::Info, "no further", now);
    }
    save_layout(model)
}

fn back(model: &mut Model, now: Now) -> Vec<Effect> {
    if model.toasts.dismiss().is_some() {
        return Vec::new();
    }
    if model.detail() == Some(&Detail::Silences) && model.silences.search.take().is_some() {
        return Vec::new();
    }
    if matches!(model.detail(), Some(Detail::Incident(_))) && model.incidents.event_search.take().is_some() {
        return Vec::new();
    }
    if matches!(model.detail(), Some(Detail::Trace(_))) && waterfall::back(model) {
        return Vec::new();
    }
    if model.details.pop().is_some() {
        return Vec::new();
    }
    if model.focus == PaneId::Logs && logs::give_up_seek(model) {
        let _ = say(model, Level::Info, "stopped", now);
        return vec![Effect::SeekLogs(None)];
    }
    if model.focus == PaneId::Logs && std::mem::take(&mut model.logs.refusal) == Refusal::Shown {
        return Vec::new();
    }
    let search = match model.focus {
        PaneId::Slo => model.slo.search.take(),
        PaneId::Alerts => model.alerts.search.take(),
        PaneId::Logs => model.logs.search.take(),
        PaneId::Traces => model.traces.search.take(),
        PaneId::Incident => model.incidents.search.take(),
    };
    if search.is_some() {
        return logs::ask_if_focused(model);
    }
    if model.layout.zoom == Zoom::Yes {
        model.layout.zoom = Zoom::No;
        return save_layout(model);
    }
    if model.focus == PaneId::Traces && model.traces.mark.take().is_some() {
        return Vec::new();
    }
    if !model.alerts.marks.is_empty() || !model.incidents.marks.is_empty() {
        model.alerts.marks.clear();
        model.incidents.marks.clear();
        return Vec::new();
    }
    if outbox::dismiss(model, now) {
        return Vec::new();
    }
    unfilter(model, now)
}

/// The last step back: a filter that hides rows goes, and is said, so that nobody reads a part for the whole.
fn unfilter(model: &mut Model, now: Now) -> Vec<Effect> {
    let gone = match model.focus {
        PaneId::Slo => std::mem::take(&mut model.slo.filter),
        PaneId::Alerts if model.paused.is_none() => std::mem::take(&mut model.alerts.filter),
        PaneId::Alerts => String::new(),
        // The frozen lines are those of the filter.
        PaneId::Logs if model.paused.is_some() => String::new(),
        PaneId::Logs => logs::drop_filter(model),
        PaneId::Traces => traces::drop_filter(model),
        PaneId::Incident => std::mem::take(&mut model.incidents.filter),
    };
    if gone.trim().is_empty() {
        model.moment = None;
        if tour::leave(model, now) {
            return Vec::new();
        }
        let words = nothing_left(model);
        return say(model, Level::Info, words, now);
    }
    let filter = SafeText::line(&gone);
    model
        .toasts
        .say(Level::Info, format!("filter off: {filter}"), now.tick);
    match model.focus {
        PaneId::Slo => {
            arrange_slos(model);
            Vec::new()
        }
        PaneId::Alerts => {
            model.alerts.states = StateChoice::Active;
            vec![Effect::Arrange(arrangement(model))]
        }
        PaneId::Logs => logs::ask_if_focused(model),
        PaneId::Traces => {
            model.traces.arrange();
            if model.traces.range == model.scope.range_of(PaneId::Traces) {
                return Vec::new();
            }
            scope::rescope(model, now)
        }
        PaneId::Incident => {
            model.incidents.arrange();
            Vec::new()
        }
    }
}

/// Nothing lies over the pane that could be taken away; a pivot or a scope is undone by another key.
fn nothing_left(model: &Model) -> String {
    let key = model.keymap.keys_for(Action::ScopeBack).into_iter().next();
    let quit = model.keymap.first_or_name(Action::Quit);
    let led = model
        .trail
        .last()
        .is_some_and(|whence| whence.after.is_turned_as(&model.scope));
    match (key, led, model.scope.current()) {
        (Some(key), true, _) => format!("{key} goes back to where you came from; {quit} quits"),
        (Some(key), false, Some(_)) => format!("{key} undoes the scope; {quit} quits"),
        (Some(_), false, None) | (None, _, _) => format!("nothing to go back from; {quit} quits"),
    }
}

/// Works out the rows of the SLO pane again.
pub(super) fn arrange_slos(model: &mut Model) {
    let service = model.scope.service_of(PaneId::Slo);
    let service = service.map(|service| model.settings.services.theirs(Caller::Slos, service));
    model.slo.arrange(service);
}

/// Freezes what is drawn, or lets it go again.
fn pause(model: &mut Model, now: Now) -> Vec<Effect> {
    if model.paused.take().is_some() {
        model.slo.frozen = None;
        arrange_slos(model);
        feeds::show_present(model, now);
        let effects = incidents::thaw(model, now);
        model.logs.frozen = None;
        model.logs.settle();
        model.traces.frozen = None;
        model.traces.arrange();
        return effects;
    }
    model.logs.frozen.clone_from(&model.logs.view);
    model.slo.frozen = model.slo.feed.shared();
    model.traces.frozen = model.traces.drawn().cloned().map(std::sync::Arc::new);
    model.alerts.frozen.clone_from(&model.alerts.board);
    model.paused = Some(Paused {
        since: now.tick,
        new_pages: 0,
    });
    Vec::new()
}

/// Who is about to be woken from here, and is not once this console is gone.
pub(super) fn pages_under_way(model: &Model) -> impl Iterator<Item = ConfirmLine> {
    // One that only looks sends none of them.
    let pages = model
        .outbox
        .under_way
        .iter()
        .filter(|_| !model.settings.read_only);
    pages.map(|page| {
        let words = match page.stage {
            Stage::Sending => "is being notified: leaving waits for what this console sends",
            Stage::Waiting => {
                "is not notified yet: that is tried again only while a console is open; phone them, or stay"
            }
        };
        ConfirmLine::Warning(format!("{} {words}", SafeText::line(&page.words())))
    })
}

/// Quits, or asks where something would be lost.
pub(super) fn quit(model: &mut Model, now: Now) -> Vec<Effect> {
    let mut lines = Vec::new();
    let unsent = model.acts.unsent();
    if unsent > 0 {
        lines.push(ConfirmLine::Warning(format!(
            "{unsent} not confirmed yet: it may be lost"
        )));
    }
    if let Some(running) = &model.running {
        let program = SafeText::line(running.order.argv.program());
        lines.push(ConfirmLine::Warning(format!(
            "{program} is running: it is killed, with everything it started"
        )));
    }
    lines.extend(pages_under_way(model));
    match model.outbox.open().count() {
        0 => {}
        1 => lines.push(ConfirmLine::Plain(
            "1 act waits in the outbox: the next console sends it, or asks".to_owned(),
        )),
        waiting => lines.push(ConfirmLine::Plain(format!(
            "{waiting} acts wait in the outbox: the next console sends them, or asks"
        ))),
    }
    if let Some(first) = model.acts.held.iter().map(|held| held.lease.set_until).min() {
        let count = model.acts.held.len();
        let acks = if count == 1 {
            "1 ack lapses"
        } else {
            &format!("{count} acks lapse")
        };
        lines.push(ConfirmLine::Plain(format!(
            "{acks} at {}Z",
            first.format("%H:%M")
        )));
    }
    if lines.is_empty() {
        model.quitting = true;
        return vec![Effect::Quit];
    }
    let _ = now;
    open(
        model,
        Modal::Confirm(Confirm {
            title: "Quit midwatch?".to_owned(),
            lines,
            typed: Vec::new(),
            then: Then::Quit,
            hits: BTreeSet::new(),
            scroll: 0,
        }),
    )
}

/// Gives the terminal back to the shell; a command that runs would end with that, and has to be ended by name first.
pub(super) fn suspend(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some(running) = &model.running else {
        return vec![Effect::Suspend];
    };
    let program = SafeText::line(running.order.argv.program());
    let words = format!("{program} is running and would be killed: wait, or stop it first (runbook.stop)");
    say(model, Level::Warn, words, now)
}

/// Moves the cursor of the list that has the keys, or scrolls the detail.
pub(super) fn step(model: &mut Model, step: Step, now: Now) -> Vec<Effect> {
    if let (Some(Detail::Span(id, _)), Step::Rows(_)) = (model.detail(), step)
        && waterfall::is_beside(model, now)
    {
        let id = *id;
        waterfall::step_span(model, id, step);
        return Vec::new();
    }
    match model.details.last_mut() {
        Some(view) if view.detail == Detail::Silences => {
            let rows = model.silences.rows.clone();
            model.silences.list.step(&rows, step);
            return Vec::new();
        }
        Some(view) if view.detail == Detail::Patterns => {
            let pane = &mut model.logs;
            pane.pattern_list.step(&pane.pattern_rows, step);
            return Vec::new();
        }
        Some(DetailView {
            detail: Detail::Case(_),
            ..
        }) => {
            case::step(model, step);
            return Vec::new();
        }
        Some(view) if view.detail == Detail::Page(Page::Contexts) => {
            model.union.list.step(&model.union.keys, step);
            return Vec::new();
        }
        Some(view) if view.detail == Detail::Outbox => {
            model.outbox_list.step(&model.outbox_rows, step);
            return Vec::new();
        }
        Some(DetailView {
            detail: Detail::Incident(_),
            ..
        }) => {
            incidents::step_event(model, step);
            return Vec::new();
        }
        Some(view) if matches!(view.detail, Detail::Runbook(_)) => {
            runbook::step(model, step);
            return Vec::new();
        }
        Some(view) if matches!(view.detail, Detail::Comparison(_, _)) => {
            traces::step_pair(model, step);
            return Vec::new();
        }
        Some(DetailView {
            detail: Detail::Trace(id),
            ..
        }) => {
            let id = *id;
            waterfall::step(model, id, step);
            return Vec::new();
        }
        Some(view) => {
            scroll(&mut view.scroll, step, model.size.height);
            return Vec::new();
        }
        None => {}
    }
    let moved = match model.focus {
        PaneId::Slo => model.slo.list.step(&model.slo.rows, step),
        PaneId::Alerts => model.alerts.list.step(&model.alerts.rows, step),
        PaneId::Logs => return logs::step(model, step, now),
        PaneId::Traces => model.traces.list.step(&model.traces.rows, step),
        PaneId::Incident => model.incidents.list.step(&model.incidents.rows, step),
    };
    match moved {
        Moved::Stuck if model.focused_rows() == 0 => say(model, Level::Info, "the list is empty", now),
        Moved::Yes | Moved::Stuck => Vec::new(),
    }
}

/// Scrolls text by lines; the view clamps the end, which it alone knows.
pub(super) fn scroll(at: &mut u16, step: Step, height: u16) {
    let page = i32::from(height.saturating_sub(4).max(1));
    let by = match step {
        Step::Rows(by) => i32::try_from(by).unwrap_or(0),
        Step::HalfPage(Direction::Down) => page / 2,
        Step::HalfPage(Direction::Up) => -page / 2,
        Step::Page(Direction::Down) => page,
        Step::Page(Direction::Up) => -page,
        Step::Top => i32::MIN / 2,
        Step::Bottom => i32::MAX / 2,
    };
    *at = u16::try_from((i32::from(*at) + by).clamp(0, i32::from(MAX_SCROLL))).unwrap_or(0);
}

/// No text is longer: a detail is capped before this.
const MAX_SCROLL: u16 = 20_000;

fn open_selected(model: &mut Model, now: Now) -> Vec<Effect> {
    match model.detail() {
        Some(Detail::Silences) => return silences::open_matching(model, now),
        Some(Detail::LogLine(_) | Detail::Span(_, _)) => return pivot::pivot(model, now),
        Some(Detail::Slo(name)) => {
            let name = name.clone();
            return pivot::to_alerts(model, &name, now);
        }
        Some(Detail::Alert(_)) => return runbook::open(model, now),
        Some(Detail::Incident(_)) => return incidents::unfold_event(model, now),
        Some(Detail::Outbox) => return outbox_open(model, now),
        Some(Detail::Case(_)) => return case::open_row(model, now),
        Some(Detail::Runbook(_)) => return runbook::act(model, Action::RunCommand, now),
        Some(Detail::Patterns) => return logs::show_pattern(model, now),
        Some(Detail::Trace(id)) => {
            let id = *id;
            return waterfall::open_span(model, id, now);
        }
        Some(Detail::Comparison(_, _)) => return traces::open_pair(model, now),
        Some(Detail::TraceFacts(id)) => {
            let id = *id;
            waterfall::to_explaining(model, id);
            return Vec::new();
        }
        Some(Detail::Page(Page::Contexts)) => return union::go(model, now),
        Some(Detail::Page(Page::WriteUp(_) | Page::OnCall | Page::Query) | Detail::ServiceGraph) => {
            return Vec::new();
        }
        None => {}
    }
    match model.focus {
        PaneId::Slo => model.slo.list.hold(),
        PaneId::Alerts => model.alerts.list.hold(),
        PaneId::Logs => model.logs.hold(),
        PaneId::Traces => model.traces.list.hold(),
        PaneId::Incident => model.incidents.list.hold(),
    }
    match model.focus {
        PaneId::Slo => match model.slo.selected().map(|report| report.slo.name.clone()) {
            Some(name) => {
                show(model, Detail::Slo(name));
                Vec::new()
            }
            None => say(model, Level::Info, "nothing to open", now),
        },
        PaneId::Logs => match model.logs.cursor {
            Some(id) => {
                show(model, Detail::LogLine(id));
                Vec::new()
            }
            None => say(model, Level::Info, "nothing to open", now),
        },
        PaneId::Traces => traces::open_selected(model, now),
        PaneId::Incident => match model.incidents.selected().map(|incident| incident.id.clone()) {
            Some(id) => {
                incidents::open(model, id);
                Vec::new()
            }
            None => say(model, Level::Info, "nothing to open", now),
        },
        PaneId::Alerts => {
            if let Some((group, None)) = model.alerts.at(model.alerts.list.index) {
                let key = group.key.clone();
                if !model.alerts.unfolded.contains(&key) {
                    return alerts::unfold(model, now);
                }
            }
            match model.alerts.selected().map(|alert| alert.occurrence.fingerprint) {
                Some(fingerprint) => show_alert(model, fingerprint),
                None => say(model, Level::Info, "nothing to open", now),
            }
        }
    }
}

/// Opens an alert and asks when it fired before.
pub(super) fn show_alert(model: &mut Model, fingerprint: Fingerprint) -> Vec<Effect> {
    let Some(labels) = model.alerts.alert(fingerprint).map(|alert| alert.labels.clone()) else {
        return Vec::new();
    };
    show(model, Detail::Alert(fingerprint));
    model.alerts.history = None;
    vec![Effect::FetchAlertHistory { fingerprint, labels }]
}

/// From an entry of the outbox to the incident that it is about.
fn outbox_open(model: &mut Model, now: Now) -> Vec<Effect> {
    let about = match model.outbox_list.selected {
        Some(OutboxRow::Entry(id)) => model.outbox.entry(id).and_then(|entry| match &entry.payload {
            Payload::Incident { incident, .. } => Some(incident.clone()),
            Payload::Silence { .. }
            | Payload::ExtendSilence { .. }
            | Payload::ExpireSilence { .. }
            | Payload::Annotation(_) => None,
        }),
        Some(OutboxRow::Unreached(first)) => model.outbox.unreached(first).map(|page| page.incident.clone()),
        Some(OutboxRow::Unsaved(_)) | None => None,
    };
    match about.filter(|id| model.incidents.incident(id).is_some()) {
        Some(id) => {
            incidents::open(model, id);
            Vec::new()
        }
        None => say(model, Level::Info, "it is about no incident that is listed", now),
    }
}

/// Opens a detail over the panes; one that is open already is not opened twice.
pub(super) fn show(model: &mut Model, detail: Detail) {
    if model.detail() != Some(&detail) {
        model.details.push(DetailView { detail, scroll: 0 });
    }
}

fn next_hit(model: &mut Model, direction: Direction, now: Now) -> Vec<Effect> {
    if !prompts::search_is_on(model) {
        return say(model, Level::Info, "no search is on; / starts one", now);
    }
    if !prompts::jump_to_hit(model, direction, prompts::From::Next) {
        return say(model, Level::Info, "no hit", now);
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::app::preview::tests::model;
    use crate::domain::incident::Person;
    use crate::domain::incident::local::Reason;
    use crate::notify::UnderWay;
    use crate::time::{BootId, Stamp};

    #[test]
    fn quitting_asks_while_somebody_is_still_to_be_woken() {
        let now = Now::fixed(chrono::DateTime::UNIX_EPOCH, 1_000);
        let mut model = model(now);
        let page = |stage| UnderWay {
            incident: "local-3".into(),
            reason: Reason::Level(2),
            people: vec![Person {
                id: "mara".into(),
                name: "Mara".into(),
                email: None,
                phone: Some("+49 30 1234".into()),
            }],
            queued: Stamp {
                utc: now.utc,
                boot: BootId(1),
                boot_ms: 0,
            },
            stage,
        };
        let mut outbox = model.outbox.clone();
        Arc::make_mut(&mut outbox).under_way = vec![page(Stage::Sending), page(Stage::Waiting)];
        model.outbox = outbox;
        assert_eq!(quit(&mut model, now), []);
        assert!(!model.quitting);
        let Some(Modal::Confirm(asked)) = &model.modal else {
            panic!("it asks");
        };
        let lines: Vec<String> = asked.lines.iter().map(|line| format!("{line:?}")).collect();
        assert!(
            lines[0].contains("local-3 level 2: Mara (+49 30 1234) is being notified")
                && lines[1].contains("local-3 level 2: Mara (+49 30 1234) is not notified yet"),
            "{lines:?}"
        );
    }
}
