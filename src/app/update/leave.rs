//! Leaving: step by step what lies over the panes, the program, the terminal for a while.

use std::collections::BTreeSet;

use super::panes::{arrange_slos, arrangement, save_layout};
use super::{logs, outbox, say, scope, tour, traces, waterfall};
use crate::action::Action;
use crate::app::focus::{Detail, PaneId, Zoom};
use crate::app::logs::Refusal;
use crate::app::modal::{Confirm, ConfirmLine, Modal, Then};
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::domain::alert::StateChoice;
use crate::notify::Stage;
use crate::text::SafeText;
use crate::time::Now;

pub(super) fn back(model: &mut Model, now: Now) -> Vec<Effect> {
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
    let drill = model.drill.as_ref().filter(|drill| now.utc < drill.over_at);
    lines.extend(drill.map(|_| {
        ConfirmLine::Plain("it is not over, and an ended drill cannot be taken up again".to_owned())
    }));
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
    model.modal = Some(Modal::Confirm(Confirm {
        title: match drill {
            Some(_) => "Quit the drill?".to_owned(),
            None => "Quit midwatch?".to_owned(),
        },
        lines,
        typed: Vec::new(),
        then: Then::Quit,
        hits: BTreeSet::new(),
        scroll: 0,
    }));
    Vec::new()
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::app::drill::DrillLog;
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

    #[test]
    fn a_drill_asks_before_it_is_quit_until_it_is_over() {
        let now = Now::fixed(chrono::DateTime::UNIX_EPOCH, 1_000);
        let mut model = model(now);
        let over_at = now.utc + chrono::TimeDelta::minutes(10);
        model.drill = Some(DrillLog::between(now.utc, over_at));
        assert_eq!(quit(&mut model, now), []);
        let Some(Modal::Confirm(asked)) = model.modal.take() else {
            panic!("it asks");
        };
        assert_eq!(asked.title, "Quit the drill?");
        let later = now.later(std::time::Duration::from_secs(600));
        assert_eq!(quit(&mut model, later), [Effect::Quit]);
    }
}
