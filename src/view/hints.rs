//! Which keys the bottom bar offers: those that matter for what has the keys, read from the live keymap.

use super::widget::{Piece, width_of};
use super::{Scene, layout};
use crate::action::{Action, Impact, Place};
use crate::app::Model;
use crate::app::alone;
use crate::app::compose::Body;
use crate::app::focus::{Detail, Page, PaneId, Zoom};
use crate::app::modal::{Modal, Then};
use crate::app::tour::Stage;
use crate::app::traces::comparison::Listed;
use crate::app::traces::waterfall::Waterfall;
use crate::domain::alert::AckState;
use crate::theme::Role;

/// The places whose keys hold, innermost first.
pub(super) fn places(model: &Model) -> Vec<Place> {
    crate::app::update::places(model)
}

/// The first key of an action here.
pub(super) fn key(scene: Scene, action: Action) -> Option<String> {
    scene
        .model
        .keymap
        .hint(&places(scene.model), action, scene.theme.glyphs)
}

/// The first key of an action where the incident pane has the keys.
pub(super) fn incident_key(scene: Scene, action: Action) -> Option<String> {
    let places = [Place::Incident, Place::List, Place::Global];
    scene.model.keymap.hint(&places, action, scene.theme.glyphs)
}

/// As many hints as fit, the most useful first; help always, where anything fits at all.
pub(super) fn fitting(scene: Scene, room: usize) -> Vec<Piece<'static>> {
    if let Some(modal) = &scene.model.modal {
        return of_modal(scene, modal);
    }
    let help = hint(scene, Action::Help);
    let help_width = width_of(&help);
    let mut pieces = tour_offer(scene);
    let mut used = width_of(&pieces);
    for action in wanted(scene) {
        if scene.model.settings.read_only && action.row().impact != Impact::View {
            continue;
        }
        if alone::lacks(scene.model, action).is_some() {
            continue;
        }
        let next = hint(scene, action);
        if next.is_empty() {
            continue;
        }
        let width = width_of(&next);
        if used + width + help_width > room {
            break;
        }
        used += width;
        pieces.extend(next);
    }
    pieces.extend(help);
    pieces
}

/// The tour, where it is offered: how it begins, for those who have never been here.
fn tour_offer(scene: Scene) -> Vec<Piece<'static>> {
    let offered = matches!(scene.model.tour.stage, Stage::Offered(_)) && scene.model.details.is_empty();
    if !offered || key(scene, Action::Palette).is_none() {
        return Vec::new();
    }
    vec![
        Piece::word("first time here? ", Role::Accent),
        Piece::own(scene.model.keymap.command("tour"), Role::Key),
        Piece::word(" looks round  ", Role::TextMuted),
    ]
}

fn hint(scene: Scene, action: Action) -> Vec<Piece<'static>> {
    let Some(key) = key(scene, action) else {
        return Vec::new();
    };
    let title = match action {
        // What a word names best depends on where it stands.
        Action::Back if scene.model.details.is_empty() && !searching(scene.model) => "leave the tour",
        Action::Back if scene.model.details.is_empty() => "end search",
        Action::Zoom if scene.model.layout.zoom == Zoom::Yes => "unzoom",
        Action::Pause if scene.model.paused.is_some() => "go on",
        Action::MatchesOnly if matches!(scene.model.detail(), Some(Detail::Comparison(_, _))) => {
            match scene.model.traces.comparison.as_ref().map(|open| open.listed) {
                Some(Listed::Differing) => "all calls",
                Some(Listed::All) | None => "what differs",
            }
        }
        other => other.row().title,
    };
    vec![
        Piece::own(key, Role::Key),
        Piece::own(format!(" {title}  "), Role::TextMuted),
    ]
}

fn wanted(scene: Scene) -> Vec<Action> {
    let model = scene.model;
    let mut actions = Vec::new();
    if model.paused.is_some() {
        actions.push(Action::Pause);
    }
    match model.detail() {
        Some(Detail::Slo(_)) => actions.extend([Action::Back, Action::Pivot, Action::Scope, Action::Copy]),
        Some(Detail::Alert(fingerprint)) => {
            actions.push(Action::Back);
            let alert = model.alerts.alert(*fingerprint);
            actions.extend(taking(alert.map(|a| &a.ack)));
            actions.extend([
                Action::Runbook,
                Action::Link,
                Action::Pivot,
                Action::Copy,
                Action::SilenceList,
            ]);
        }
        Some(Detail::Silences) => actions.extend([
            Action::Back,
            Action::ExtendSilence,
            Action::ExpireSilence,
            Action::Open,
            Action::ShowExpired,
            Action::Filter,
            Action::Copy,
        ]),
        Some(Detail::Incident(id)) => {
            actions.push(Action::Back);
            match model.incidents.incident(id).map(|listed| listed.status.is_open()) {
                Some(true) => actions.extend([
                    Action::TakeIncident,
                    Action::Escalate,
                    Action::Annotate,
                    Action::Resolve,
                ]),
                Some(false) => actions.push(Action::Annotate),
                None => {}
            }
            if model.incidents.known(id).is_some() {
                actions.extend([
                    Action::StarEvent,
                    Action::FilterKinds,
                    Action::Search,
                    Action::Copy,
                ]);
            }
        }
        Some(Detail::LogLine(_)) => actions.extend([
            Action::Back,
            Action::Pivot,
            Action::LogBookmark,
            Action::LogContext,
            Action::Scope,
            Action::Annotate,
            Action::Copy,
        ]),
        Some(Detail::Patterns) => actions.extend([Action::Back, Action::Open, Action::Copy]),
        Some(Detail::Trace(id))
            if model
                .traces
                .opened(*id)
                .is_some_and(|open| open.study().is_none()) =>
        {
            actions.push(Action::Back);
            if model.traces.opened(*id).is_some_and(Waterfall::is_failed) {
                actions.push(Action::Open);
            }
        }
        Some(Detail::Trace(id)) => {
            actions.push(Action::Back);
            // While a search is kept its keys are others than elsewhere.
            if model.traces.opened(*id).is_some_and(|open| open.sought.is_some()) {
                actions.extend([Action::NextHit, Action::PreviousHit, Action::MatchesOnly]);
            }
            actions.extend([
                Action::Open,
                Action::NextError,
                Action::NextOnPath,
                Action::TraceZoomSpan,
                Action::FoldAll,
                Action::TraceFacts,
                Action::Pivot,
                Action::Search,
                Action::Copy,
            ]);
        }
        Some(Detail::Span(_, _)) => actions.extend([
            Action::Back,
            Action::NextError,
            Action::Pivot,
            Action::Scope,
            Action::Annotate,
            Action::Copy,
        ]),
        Some(Detail::Comparison(_, _)) => {
            actions.extend([
                Action::Back,
                Action::Open,
                Action::MatchesOnly,
                Action::Pivot,
                Action::Scope,
                Action::PageDown,
            ]);
        }
        Some(Detail::ServiceGraph) => actions.extend([Action::Back, Action::Pivot, Action::PageDown]),
        Some(Detail::TraceFacts(_)) => {
            actions.extend([Action::Back, Action::Open, Action::Copy, Action::PageDown]);
        }
        Some(Detail::Runbook(_)) => {
            actions.push(Action::Back);
            if model.running.is_some() {
                actions.push(Action::StopCommand);
            }
            match model.runbook.as_ref().map(|page| page.rows.is_empty()) {
                Some(false) => actions.extend([
                    Action::TickStep,
                    Action::RunCommand,
                    Action::Annotate,
                    Action::Copy,
                    Action::Pivot,
                ]),
                // The page itself says what copies its link.
                Some(true) | None => actions.extend([Action::Refresh, Action::Annotate, Action::Pivot]),
            }
        }
        Some(Detail::Page(Page::Contexts)) => {
            actions.extend([Action::Back, Action::Open, Action::Refresh, Action::Copy]);
        }
        Some(Detail::Page(Page::Query)) => {
            actions.extend([Action::Back, Action::Refresh, Action::Copy, Action::PageDown]);
        }
        Some(Detail::Page(Page::WriteUp(_) | Page::OnCall)) => {
            actions.extend([Action::Back, Action::Copy, Action::PageDown]);
        }
        Some(Detail::Case(_)) => actions.extend([
            Action::Back,
            Action::Open,
            Action::Suspect1,
            Action::Annotate,
            Action::Refresh,
            Action::PageDown,
        ]),
        Some(Detail::Outbox) => actions.extend([
            Action::Back,
            Action::RetryEntry,
            Action::SendEntry,
            Action::DropEntry,
            Action::Copy,
        ]),
        None => {
            if searching(model) {
                actions.extend([Action::NextHit, Action::PreviousHit, Action::Back]);
            } else if model.tour.stage == Stage::On && !model.tour.waits_for(Action::Back) {
                actions.push(Action::Back);
            }
            match model.focus {
                PaneId::Traces if model.focused_rows() == 0 => {
                    actions.extend([Action::FailedTraces, Action::TraceQuery, Action::TraceTime]);
                }
                PaneId::Slo | PaneId::Alerts | PaneId::Logs | PaneId::Incident
                    if model.focused_rows() == 0 => {}
                PaneId::Slo => actions.extend([Action::Open, Action::Pivot]),
                PaneId::Alerts => {
                    let ack = model.alerts.selected().map(|a| &a.ack);
                    actions.extend(taking(ack));
                    actions.extend([Action::Open, Action::Mark]);
                }
                PaneId::Logs => actions.extend([
                    Action::FollowLogs,
                    Action::Open,
                    Action::Search,
                    Action::Filter,
                    Action::LogLevel,
                    Action::LogPatterns,
                ]),
                PaneId::Traces => actions.extend([
                    Action::Open,
                    Action::TraceOrder,
                    Action::FailedTraces,
                    Action::TraceQuery,
                    Action::TraceTime,
                    Action::GroupTraces,
                    Action::TraceScatter,
                    Action::Pivot,
                ]),
                PaneId::Incident => actions.extend([
                    Action::TakeIncident,
                    Action::Escalate,
                    Action::Annotate,
                    Action::Open,
                    Action::Resolve,
                    Action::Mark,
                ]),
            }
            if model.scope.current().is_some() {
                // Whoever was led here wants the way back in sight on any screen.
                actions.insert(actions.len().min(2), Action::ScopeBack);
            } else if model.focused_rows() > 0 {
                actions.push(Action::Scope);
            }
            actions.extend([
                Action::Search,
                Action::Filter,
                Action::Palette,
                Action::FocusNext,
                Action::Zoom,
                Action::GroupBy,
                Action::ShowSuppressed,
                Action::Pivot,
                Action::SilenceList,
                Action::Copy,
                Action::Health,
                Action::Quit,
            ]);
        }
    }
    if layout::stands_alone(scene.model, scene.now) {
        actions.retain(|action| *action != Action::Zoom);
    }
    let mut seen = Vec::new();
    actions.retain(|action| {
        let new = !seen.contains(action);
        seen.push(*action);
        new
    });
    actions
}

fn taking(ack: Option<&AckState>) -> [Action; 2] {
    match ack {
        Some(AckState::Held(_)) => [Action::HandBack, Action::Silence],
        Some(AckState::None | AckState::Partly(_) | AckState::HiddenBy(_)) | None => {
            [Action::Acknowledge, Action::Silence]
        }
    }
}

fn searching(model: &Model) -> bool {
    match model.focus {
        PaneId::Slo => model.slo.search.is_some(),
        PaneId::Alerts => model.alerts.search.is_some(),
        PaneId::Logs => model.logs.search.is_some(),
        PaneId::Traces => model.traces.search.is_some(),
        PaneId::Incident => model.incidents.search.is_some(),
    }
}

/// What the keys of a layer over everything do, from `[dialog]` of the live keymap.
fn of_modal(scene: Scene, modal: &Modal) -> Vec<Piece<'static>> {
    use Action as A;
    let (leave, accept): (&[Action], &[Action]) = (&[A::DialogLeave], &[A::DialogAccept]);
    let keys: &[(&[Action], &'static str)] = match modal {
        Modal::Help { .. } | Modal::Health { .. } => &[(&[A::Back], "close"), (&[A::Down, A::Up], "scroll")],
        Modal::Palette(_) => &[
            (accept, "run"),
            (&[A::DialogNext], "complete"),
            (&[A::DialogUp], "before"),
            (&[A::DialogDown], "choose"),
            (leave, "close"),
        ],
        Modal::Prompt(_) => &[],
        Modal::Confirm(confirm) if confirm.typed.is_empty() && matches!(confirm.then, Then::Run(_)) => &[
            (&[A::DialogRun], "run it"),
            (&[A::DialogLeave, A::DialogNo], "leave it"),
        ],
        Modal::Confirm(confirm) if confirm.typed.is_empty() => &[
            (&[A::DialogAccept, A::DialogYes], "do it"),
            (&[A::DialogLeave, A::DialogNo], "leave it"),
        ],
        Modal::Confirm(_) => &[(accept, "confirm what is typed"), (leave, "leave it")],
        Modal::Composer(_) => &[
            (&[A::DialogNext], "next field"),
            (accept, "send from why"),
            (leave, "put away"),
            (&[A::DialogClear], "start over"),
        ],
        Modal::Compose(open) => match open.body {
            Body::Prose(_) => &[
                (&[A::DialogSend], "send"),
                (leave, "keep as draft"),
                (&[A::DialogReference], "reference"),
                (&[A::DialogEditor], "your editor"),
                (&[A::DialogClear], "clear"),
            ],
            Body::Form(_) => &[
                (&[A::DialogNext], "next field"),
                (&[A::DialogSend], "declare"),
                (leave, "keep as draft"),
                (&[A::DialogEditor], "your editor"),
            ],
        },
        Modal::Menu(_) => &[(accept, "take"), (leave, "close")],
        Modal::Pick(_) => &[
            (accept, "take"),
            (&[A::DialogUp, A::DialogDown], "choose"),
            (leave, "leave it"),
        ],
    };
    keys.iter()
        .filter_map(|(actions, what)| Some((over(scene, actions)?, what)))
        .flat_map(|(keys, what)| {
            [
                Piece::own(keys, Role::Key),
                Piece::own(format!(" {what}  "), Role::TextMuted),
            ]
        })
        .collect()
}

/// What is said of a line that is being typed, then what its keys do; what has no key is left out.
pub(super) fn says(scene: Scene, first: &str, keys: &[(Action, &str)]) -> String {
    let told = keys
        .iter()
        .filter_map(|(action, does)| Some(format!("{} {does}", over(scene, &[*action])?)));
    let first = Some(first.to_owned()).filter(|first| !first.is_empty());
    first.into_iter().chain(told).collect::<Vec<_>>().join(" · ")
}

/// The first key of each of these actions while something lies over the panes; nothing where none has one.
pub(super) fn over(scene: Scene, actions: &[Action]) -> Option<String> {
    let keys: Vec<String> = actions
        .iter()
        .filter_map(|action| {
            // Help and health move by the keys of lists.
            let places: &[Place] = if action.row().place == Place::Dialog {
                &[Place::Dialog]
            } else {
                &[Place::List, Place::Global]
            };
            scene.model.keymap.hint(places, *action, scene.theme.glyphs)
        })
        .collect();
    (!keys.is_empty()).then(|| keys.join(" "))
}
