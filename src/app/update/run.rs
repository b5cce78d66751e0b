//! Every action, and who carries it out.

use super::alerts::Sight;
use super::{
    alerts, case, compose, copy, cursor, details, frozen, incident_acts, incidents, leave, logs, outbox,
    pages, palette, panes, pivot, prompts, query, runbook, say, scope, silences, tour, traces, undo, union,
    waterfall,
};
use crate::action::{Action, Impact, Place};
use crate::app::effect::WriteUp;
use crate::app::focus::{Detail, PaneId, Zoom};
use crate::app::list::{Direction, Placed, Step};
use crate::app::modal::{Modal, PromptKind};
use crate::app::toast::Level;
use crate::app::{Effect, Model, Strip, alone, moment};
use crate::domain::alert::{Grouping, StateChoice};
use crate::outbox::Decision;
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
        Action::FocusSlo => panes::focus(model, PaneId::Slo),
        Action::FocusAlerts => panes::focus(model, PaneId::Alerts),
        Action::FocusLogs if model.settings.logs.is_none() => {
            say(model, Level::Info, logs::not_configured(model), now)
        }
        Action::FocusLogs => panes::focus(model, PaneId::Logs),
        Action::FocusTraces if model.settings.traces.is_none() => {
            say(model, Level::Info, traces::not_configured(model), now)
        }
        Action::FocusTraces => panes::focus(model, PaneId::Traces),
        Action::FocusIncident => panes::focus(model, PaneId::Incident),
        Action::FocusNext => panes::focus_beside(model, Direction::Down, now),
        Action::FocusPrevious => panes::focus_beside(model, Direction::Up, now),
        Action::Back => leave::back(model, now),
        Action::Zoom | Action::GrowPane | Action::ShrinkPane if layout::stands_alone(model, now) => {
            let words = "one pane stands alone at this size; zoom and shares are for larger terminals";
            say(model, Level::Info, words, now)
        }
        Action::Zoom => {
            model.layout.zoom = match model.layout.zoom {
                Zoom::No => Zoom::Yes,
                Zoom::Yes => Zoom::No,
            };
            panes::save_layout(model)
        }
        Action::HidePane => panes::hide(model, now),
        Action::GrowPane => panes::resize(model, 10, now),
        Action::ShrinkPane => panes::resize(model, -10, now),
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
        Action::LocalTime => panes::times(model),
        Action::Pause => panes::pause(model, now),
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
            leave::quit(model, now)
        }
        Action::QuitNow => leave::quit(model, now),
        Action::Suspend => leave::suspend(model, now),

        Action::Down => cursor::step(model, Step::Rows(1), now),
        Action::Up => cursor::step(model, Step::Rows(-1), now),
        Action::HalfPageDown => cursor::step(model, Step::HalfPage(Direction::Down), now),
        Action::HalfPageUp => cursor::step(model, Step::HalfPage(Direction::Up), now),
        Action::PageDown => cursor::step(model, Step::Page(Direction::Down), now),
        Action::PageUp => cursor::step(model, Step::Page(Direction::Up), now),
        Action::Top => cursor::step(model, Step::Top, now),
        Action::Bottom => cursor::step(model, Step::Bottom, now),
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
        Action::Open => details::open_selected(model, now),
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
        Action::NextHit => cursor::next_hit(model, Direction::Down, now),
        Action::PreviousHit => cursor::next_hit(model, Direction::Up, now),
        Action::Copy => copy::menu(model, now),

        Action::Acknowledge => alerts::acknowledge(model, Sight::Seen, now),
        Action::HandBack => alerts::hand_back(model, Sight::Seen, now),
        Action::Silence => silences::compose(model, now),
        Action::SilenceList => {
            model.silences.arrange(model.alerts.board.as_deref(), now);
            details::show(model, Detail::Silences);
            Vec::new()
        }
        Action::Runbook | Action::IncidentRunbook => runbook::open(model, now),
        Action::Link => copy::link(model, now),
        Action::GroupBy => {
            model.alerts.grouping = panes::next_grouping(&model.alerts.grouping);
            let how = match &model.alerts.grouping {
                Grouping::Server => "as Alertmanager groups them".to_owned(),
                Grouping::Labels(labels) => format!("by {}", labels.join(", ")),
                Grouping::Flat => "one by one".to_owned(),
            };
            model.toasts.say(Level::Info, format!("grouped {how}"), now.tick);
            vec![Effect::Arrange(panes::arrangement(model))]
        }
        Action::ShowSuppressed => {
            model.alerts.states = match model.alerts.states {
                StateChoice::Active => StateChoice::All,
                StateChoice::All => StateChoice::Suppressed,
                StateChoice::Suppressed => StateChoice::Active,
            };
            vec![Effect::Arrange(panes::arrangement(model))]
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
            details::show(model, Detail::Outbox);
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
