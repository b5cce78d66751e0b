//! The incident pane and the open timeline: what was listed, which incident is followed, what is shown of it.

use std::sync::Arc;

use chrono::TimeDelta;

use super::gone::Before;
use super::{frozen, say, scope};
use crate::action::Action;
use crate::app::acts::{Act, Stage};
use crate::app::case::CaseOf;
use crate::app::feed::Feed;
use crate::app::focus::{Detail, PaneId};
use crate::app::incidents::{IncidentBoard, Kinds, Times, short};
use crate::app::list::{ListState, Step};
use crate::app::news::News;
use crate::app::preview::REST;
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::backend::incidents::Whose;
use crate::domain::incident::link::{Link, Links};
use crate::domain::incident::{Incident, IncidentId};
use crate::domain::timeline::{Starred, Timeline, merge};
use crate::text::SafeText;
use crate::time::Now;

/// How far back ended incidents are listed, where they are.
const RECENT: TimeDelta = TimeDelta::hours(24);

/// Incidents were listed. What is frozen stays on screen, and is acted on as it stands there.
pub(super) fn listed(model: &mut Model, feed: Feed<IncidentBoard>, now: Now) -> Vec<Effect> {
    if model.paused.is_some() {
        model.incidents.unseen = Some(feed);
        return Vec::new();
    }
    let answered = feed.failure().is_none();
    let before = Before::of(model);
    let listed = model.incidents.feed.value().map(|board| {
        board
            .incidents
            .iter()
            .map(|incident| incident.id.clone())
            .collect()
    });
    model.incidents.feed = feed;
    if answered {
        // The list shows by now what came of them.
        model.acts.pending.retain(|pending| {
            let shown = matches!(pending.act, Act::Incident { .. } | Act::Declare(_));
            !(shown && matches!(pending.stage, Stage::Confirmed { .. }))
        });
        let pane = &mut model.incidents;
        if let Some(board) = pane.feed.shared() {
            pane.marks.retain(|id| board.incident(id).is_some());
        }
    }
    scope::arrange_incidents(model);
    let news = News::of_incidents(model, listed.as_ref());
    let mut effects = before.said(model, now);
    effects.extend(super::feeds::told(model, news));
    effects
}

/// The screen moves again: what was listed meanwhile is shown.
pub(super) fn thaw(model: &mut Model, now: Now) -> Vec<Effect> {
    if let Some(links) = model.incidents.unseen_links.take() {
        model.incidents.links = links;
    }
    match model.incidents.unseen.take() {
        Some(feed) => listed(model, feed, now),
        None => Vec::new(),
    }
}

/// A timeline was put together; one that is followed no more is dropped, and what is frozen stays.
pub(super) fn followed(model: &mut Model, incident: &IncidentId, feed: Feed<Timeline>) -> Vec<Effect> {
    let frozen = model.paused.is_some() && model.incidents.timeline.value().is_some();
    if model.incidents.followed.as_ref() == Some(incident) && !frozen {
        let pane = &mut model.incidents;
        // A failed attempt keeps what was known.
        let last = feed.last.or_else(|| pane.timeline.last.take());
        pane.timeline = Feed { last, ..feed };
        pane.arrange_events();
    }
    Vec::new()
}

/// Keeps what is known of incidents that are open over the panes.
pub(super) fn keep_open(model: &mut Model) {
    let pane = &model.incidents;
    let open = model.details.iter().filter_map(|view| view.detail.incident());
    let kept = open.filter_map(|id| pane.known(id).cloned()).collect();
    model.incidents.kept = kept;
}

/// Follows the open incident, or the one under the cursor once that rests.
pub(super) fn settle_followed(model: &mut Model, now: Now) -> Option<Effect> {
    let open = model
        .details
        .iter()
        .rev()
        .find_map(|view| view.detail.incident().cloned());
    let opened = open.is_some();
    let wanted = open.or_else(|| model.incidents.selected().map(|incident| incident.id.clone()));
    model.incidents.follow_due = None;
    if wanted == model.incidents.followed {
        return None;
    }
    let rests = model.last_key + REST;
    if !opened && model.incidents.followed.is_some() && now.tick < rests {
        model.incidents.follow_due = Some(rests);
        return None;
    }
    model.incidents.turn_to(wanted.clone());
    Some(Effect::Follow(wanted))
}

/// Alerts and incidents were linked anew.
pub(super) fn linked(model: &mut Model, links: Arc<Links>) {
    if model.paused.is_some() {
        model.incidents.unseen_links = Some(links);
    } else {
        model.incidents.links = links;
        scope::arrange_incidents(model);
    }
}

/// Which incident a key is about.
pub(super) enum Meant {
    /// This one.
    Surely(Arc<Incident>),
    /// One of these, or none: they are linked to the alert there.
    Perhaps(Vec<(Arc<Incident>, Link)>),
    /// None at all.
    Nothing,
}

/// The incident that is meant: the open one, the one under the cursor, that of the alert there, or that of the scope.
pub(super) fn meant(model: &Model) -> Meant {
    let alert = match model.detail() {
        Some(Detail::Incident(id) | Detail::Case(CaseOf::Incident(id))) => {
            return Meant::this(model.incidents.incident(id));
        }
        Some(
            Detail::Alert(fingerprint)
            | Detail::Runbook(fingerprint)
            | Detail::Case(CaseOf::Alert(fingerprint)),
        ) => Some(*fingerprint),
        Some(
            Detail::Slo(_)
            | Detail::Silences
            | Detail::Outbox
            | Detail::LogLine(_)
            | Detail::Patterns
            | Detail::Trace(_)
            | Detail::Span(_, _)
            | Detail::TraceFacts(_)
            | Detail::Comparison(_, _)
            | Detail::ServiceGraph
            | Detail::Page(_),
        ) => None,
        Some(Detail::Case(of @ (CaseOf::Slo(_) | CaseOf::Service(_)))) => {
            match super::case::incidents(model, of).as_slice() {
                [] => None,
                [only] => return Meant::this(Some(only)),
                several => {
                    let perhaps = several.iter().map(|one| (Arc::clone(one), Link::Service));
                    return Meant::Perhaps(perhaps.collect());
                }
            }
        }
        None => match model.focus {
            PaneId::Incident => return Meant::this(model.incidents.selected()),
            PaneId::Alerts => model.alerts.selected().map(|alert| alert.occurrence.fingerprint),
            PaneId::Slo | PaneId::Logs | PaneId::Traces => None,
        },
    };
    match alert
        .map(|alert| model.meant_by(alert))
        .unwrap_or_default()
        .as_slice()
    {
        // Nothing under the cursor names one: it is the one that the panes were turned to.
        [] if alert.is_none() => Meant::this(scope::incident(model)),
        [] => Meant::Nothing,
        [(only, by)] if by.is_sure() => Meant::Surely(Arc::clone(only)),
        several => Meant::Perhaps(
            several
                .iter()
                .map(|(incident, by)| (Arc::clone(incident), *by))
                .collect(),
        ),
    }
}

impl Meant {
    fn this(incident: Option<&Arc<Incident>>) -> Self {
        incident.map_or(Self::Nothing, |incident| Self::Surely(Arc::clone(incident)))
    }
}

/// An incident as one that is linked to an alert: `#4711 · acknowledged, Mara · by key · checkout errors`. What tells it from
/// others comes first: titles are long.
pub(super) fn linked_words(model: &Model, incident: &Incident, by: Link) -> String {
    let standing = super::incident_asks::standing(model, incident);
    let title = SafeText::line(&incident.title);
    format!("{} · {standing} · {} · {title}", short(incident), by.words())
}

/// Why no incident is meant, in words.
pub(super) fn none_meant(model: &Model) -> String {
    let pane = &model.incidents;
    let open = model.detail().and_then(Detail::incident);
    if let Some((kept, over)) = open.and_then(|id| pane.known(id).zip(pane.over(id, &model.us()))) {
        return format!("{} is over: {over}", short(kept));
    }
    let on_alert = match model.detail() {
        Some(detail) => detail.alert().is_some(),
        None => model.focus == PaneId::Alerts,
    };
    let pane = PaneId::Incident.number();
    if on_alert {
        format!("no open incident is known of this alert; {pane} shows the incidents")
    } else {
        format!("no incident under the cursor; {pane} shows the incidents")
    }
}

/// The service an incident is about.
pub(super) fn service(incident: &Incident) -> Option<String> {
    incident.service.as_ref().map(|service| service.name.to_string())
}

/// What only looks at incidents and timelines.
pub(super) fn look(model: &mut Model, action: Action, now: Now) -> Vec<Effect> {
    match action {
        Action::WhoseIncidents => whose(model, now),
        Action::TimelineTimes => {
            let (times, said) = match model.incidents.times {
                Times::Clock => (Times::SinceStart, "times since the incident opened"),
                Times::SinceStart => (Times::Clock, "times by the clock"),
            };
            model.incidents.times = times;
            say(model, Level::Info, said, now)
        }
        Action::StarEvent => star(model, now),
        Action::FilterKinds => {
            let next = model.incidents.kinds.next();
            kinds(model, next, now)
        }
        Action::Todos => {
            let next = match model.incidents.kinds {
                Kinds::Todos => Kinds::All,
                Kinds::All | Kinds::People | Kinds::Signals | Kinds::Changes | Kinds::Starred => Kinds::Todos,
            };
            kinds(model, next, now)
        }
        other => not_here(model, other, now),
    }
}

/// Said of what nobody carries out here.
pub(super) fn not_here(model: &mut Model, action: Action, now: Now) -> Vec<Effect> {
    let title = action.row().title;
    say(
        model,
        Level::Info,
        format!("{title} cannot be done from here"),
        now,
    )
}

/// Opens the timeline of the incident under the cursor where only the pane is in sight; whether one is open.
fn opened(model: &mut Model) -> bool {
    if matches!(model.detail(), Some(Detail::Incident(_))) {
        return true;
    }
    let Some(id) = model.incidents.selected().map(|incident| incident.id.clone()) else {
        return false;
    };
    super::details::show(model, Detail::Incident(id));
    true
}

fn kinds(model: &mut Model, kinds: Kinds, now: Now) -> Vec<Effect> {
    if !opened(model) {
        let why = none_meant(model);
        return say(model, Level::Info, why, now);
    }
    model.incidents.kinds = kinds;
    model.incidents.arrange_events();
    let shown = match kinds.word() {
        Some(word) => format!("timeline: {word} alone"),
        None => "timeline: everything".to_owned(),
    };
    say(model, Level::Info, shown, now)
}

fn star(model: &mut Model, now: Now) -> Vec<Effect> {
    let open = matches!(model.detail(), Some(Detail::Incident(_)));
    let chosen = model.incidents.event().filter(|_| open);
    let (Some(event), Some(incident)) = (chosen, model.incidents.followed.clone()) else {
        return say(
            model,
            Level::Info,
            "open the incident, then star an event of its timeline",
            now,
        );
    };
    let starred = match event.starred {
        Starred::Yes => Starred::No,
        Starred::No => Starred::Yes,
    };
    let names: Vec<Arc<str>> = merge::names(event).cloned().collect();
    let event = Arc::clone(&event.id);
    if let Some(last) = &mut model.incidents.timeline.last {
        // Shown at once; the journal's word comes with the next answer.
        let events = &mut Arc::make_mut(&mut last.value).events;
        if let Some(shown) = events.iter_mut().find(|shown| shown.id == event) {
            shown.starred = starred;
        }
    }
    model.incidents.arrange_events();
    vec![Effect::Star {
        incident,
        names,
        starred,
    }]
}

fn whose(model: &mut Model, now: Now) -> Vec<Effect> {
    if let Some(why) = frozen(model) {
        return say(model, Level::Info, why, now);
    }
    let question = &mut model.incidents.question;
    let (whose, recent, words) = match (question.whose, question.ended_since) {
        (Whose::All, None) => (Whose::Team, false, "my teams' incidents"),
        (Whose::Team, _) => (Whose::Mine, false, "my incidents"),
        (Whose::Mine, _) => (Whose::All, true, "all incidents, those of the last 24h too"),
        (Whose::All, Some(_)) => (Whose::All, false, "all open incidents"),
    };
    question.whose = whose;
    question.ended_since = recent.then(|| now.utc - RECENT);
    let question = question.clone();
    model.toasts.say(Level::Info, words, now.tick);
    vec![Effect::ListIncidents(question)]
}

/// Marks the incident under the cursor, or takes the mark away, and goes on.
pub(super) fn mark(model: &mut Model, now: Now) -> Vec<Effect> {
    let pane = &mut model.incidents;
    let Some(id) = pane.selected().map(|incident| incident.id.clone()) else {
        return say(model, Level::Info, "the list is empty", now);
    };
    if !pane.marks.remove(&id) {
        pane.marks.insert(id);
    }
    pane.list.step(&pane.rows, Step::Rows(1));
    Vec::new()
}

/// Moves the cursor of the open timeline.
pub(super) fn step_event(model: &mut Model, step: Step) {
    let pane = &mut model.incidents;
    pane.event_list.step(&pane.events, step);
}

/// Shows the event under the cursor whole, or in one line again.
pub(super) fn unfold_event(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some(id) = model.incidents.event_list.selected.clone() else {
        return say(model, Level::Info, "the timeline is empty", now);
    };
    let unfolded = &mut model.incidents.unfolded;
    if !unfolded.remove(&id) {
        unfolded.insert(id);
    }
    Vec::new()
}

/// Opens an incident over the panes, with the cursor on the newest event.
pub(super) fn open(model: &mut Model, id: IncidentId) {
    if model.incidents.followed.as_ref() == Some(&id) {
        model.incidents.event_list = ListState {
            page: model.incidents.event_list.page,
            ..ListState::default()
        };
        let pane = &mut model.incidents;
        pane.event_list.step(&pane.events, Step::Bottom);
    }
    super::details::show(model, Detail::Incident(id));
}
