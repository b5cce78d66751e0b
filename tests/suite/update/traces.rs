//! The list of traces by its keys: what is asked, where the cursor stays, what two traces come to.

use midwatch::app::focus::{Detail, PaneId};
use midwatch::app::modal::{Choice, Goal, Modal};
use midwatch::app::traces::TraceRow;
use midwatch::app::update::update;
use midwatch::app::{Effect, Model, Msg};
use midwatch::domain::trace::summary::{Outcome, Whole};
use midwatch::keymap;
use midwatch::terminal::Input;

use crate::fixtures::{focus, now, press, shop_with, size, tell, tracelist, type_text, waterfalls};

fn keyed(model: &mut Model, key: &str) -> Vec<Effect> {
    let chord = keymap::parse_sequence(key).unwrap()[0];
    let key = crossterm::event::KeyEvent::new(chord.code, chord.modifiers);
    update(model, Msg::Input(Input::Key(key)), now())
}

#[test]
fn the_first_message_asks_and_only_another_question_asks_again() {
    let mut model = shop_with(waterfalls::with_traces(), size(120, 40));
    let asked = model.traces.asked.clone().expect("asked by itself");
    assert_eq!(keyed(&mut model, "j"), []);
    focus(&mut model, PaneId::Traces);
    let effects = keyed(&mut model, "v");
    let [Effect::AskTraces(ask)] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!(
        (asked.wanted.outcome, ask.wanted.outcome),
        (Outcome::Any, Outcome::Failed)
    );
}

#[test]
fn a_refresh_leaves_the_cursor_on_its_trace() {
    let mut model = tracelist::listed(size(120, 40));
    press(&mut model, "j");
    press(&mut model, "j");
    let before = model.traces.row().cloned();
    let mut traces = tracelist::traces();
    traces.reverse();
    traces.truncate(30);
    tracelist::answer(&mut model, traces, Whole::Yes);
    assert!(matches!(before, Some(TraceRow::Trace(_))));
    assert_eq!(model.traces.row().cloned(), before);
}

#[test]
fn what_does_not_read_stays_to_be_mended_and_asks_nothing() {
    let mut model = tracelist::listed(size(120, 40));
    for (key, text) in [("Q", "dur>soon"), ("T", "tea time")] {
        press(&mut model, key);
        type_text(&mut model, text);
        assert_eq!(keyed(&mut model, "enter"), []);
        assert!(matches!(model.modal, Some(Modal::Prompt(_))), "{text}");
        press(&mut model, "esc");
    }
    assert_eq!(model.traces.query, "");
}

#[test]
fn what_narrows_the_list_is_taken_away_step_by_step() {
    let mut model = tracelist::narrowed(size(120, 40));
    assert_eq!(model.traces.query, "dur>1s");
    for _ in 0..8 {
        press(&mut model, "esc");
    }
    let pane = &model.traces;
    assert_eq!(
        (pane.query.as_str(), pane.outcome, pane.until),
        ("", Outcome::Any, None)
    );
}

#[test]
fn an_alert_leads_to_the_traces_of_its_service() {
    let mut model = shop_with(waterfalls::with_traces(), size(120, 40));
    focus(&mut model, PaneId::Alerts);
    press(&mut model, "t");
    let Some(Modal::Menu(menu)) = &model.modal else {
        panic!("{:?}", model.modal);
    };
    let leads = |choice: &Choice| {
        matches!(
            choice,
            Choice::Go {
                goal: Goal::Traces(_),
                ..
            }
        )
    };
    let item = menu
        .items
        .iter()
        .find(|item| leads(&item.choice))
        .expect("offered");
    let key = item.key.to_string();
    let effects = keyed(&mut model, &key);
    assert_eq!(model.focus, PaneId::Traces);
    let service = model.scope.service().map(str::to_owned);
    assert!(service.is_some());
    let asks = |effect: &Effect| matches!(effect, Effect::AskTraces(ask) if ask.wanted.service.as_deref() == service.as_deref());
    assert!(effects.iter().any(asks), "{effects:?}");
}

#[test]
fn two_traces_are_read_and_aligned_and_a_call_opens_its_waterfall() {
    let mut model = tracelist::listed(size(120, 40));
    assert_eq!(keyed(&mut model, "="), [], "nothing is marked");
    let mut model = tracelist::compared(size(120, 40));
    let open = model.traces.comparison.as_ref().unwrap();
    let aligned = open.aligned.as_ref().expect("aligned");
    assert_eq!((aligned.gone, aligned.added > 0), (0, true));
    let other = open.other;
    assert!(matches!(model.detail(), Some(Detail::Comparison(_, _))));
    press(&mut model, "enter");
    assert_eq!(model.detail(), Some(&Detail::Trace(other)));
    press(&mut model, "esc");
    assert!(matches!(model.detail(), Some(Detail::Comparison(_, _))));
}

#[test]
fn the_graph_is_asked_for_with_the_traces_at_hand() {
    let mut model = tracelist::listed(size(120, 40));
    let effects = keyed(&mut model, "D");
    let [Effect::ReadCalls(ask)] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!(ask.traces.len(), 20);
    tell(&mut model, Msg::CallsRead(Err("503 from traces".to_owned())));
    assert_eq!(model.detail(), Some(&Detail::ServiceGraph));
}

#[test]
fn a_paused_list_stands_still() {
    let mut model = tracelist::listed(size(120, 40));
    let rows = model.traces.rows.clone();
    press(&mut model, "p");
    tracelist::answer(&mut model, Vec::new(), Whole::Yes);
    assert_eq!(model.traces.rows, rows);
    press(&mut model, "p");
    assert_eq!(model.traces.rows, []);
}
