//! The list of traces by its keys: what is asked, where the cursor stays, what two traces come to.

use std::sync::Arc;

use midwatch::app::feed::Status;
use midwatch::app::focus::{Detail, PaneId};
use midwatch::app::modal::{Choice, Goal, Modal};
use midwatch::app::traces::TraceRow;
use midwatch::app::traces::comparison::Listed;
use midwatch::app::traces::exemplars::ExemplarsAsk;
use midwatch::app::update::update;
use midwatch::app::{Effect, Model, Msg};
use midwatch::domain::slo::Sli;
use midwatch::domain::trace::exemplar::Exemplar;
use midwatch::domain::trace::summary::{Outcome, Whole};
use midwatch::domain::trace::{Nanos, SpanId, TraceId};
use midwatch::keymap;
use midwatch::terminal::Input;

use crate::fixtures::{
    focus, now, press, shop_with, size, slo_board, slo_feed, tell, tracelist, type_text, waterfalls,
};

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
fn a_query_is_told_once_it_is_answered_and_never_where_it_is_refused() {
    let told = |effects: Vec<Effect>| {
        let told = effects.into_iter().filter_map(|effect| match effect {
            Effect::Record(deed) => Some(deed.text),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    let fetched = |feed| Msg::TracesFetched(feed);
    let mut model = tracelist::listed(size(120, 40));
    press(&mut model, "Q");
    type_text(&mut model, "dur>1s");
    assert_eq!(told(keyed(&mut model, "enter")), [""; 0], "nothing was seen yet");
    let mut refused = model.traces.feed.clone();
    refused.status = Status::Failed {
        cause: "400 from traces: the query does not parse".into(),
        since: now().tick,
        next_try: now().tick,
    };
    let effects = update(&mut model, fetched(refused), now());
    assert_eq!(told(effects), [""; 0]);
    let ask = model.traces.asked.clone().unwrap();
    let answer = || fetched(tracelist::feed(ask.clone(), tracelist::traces(), Whole::Yes));
    let effects = update(&mut model, answer(), now());
    assert_eq!(told(effects), ["asked for traces with `dur>1s`"]);
    let effects = update(&mut model, answer(), now());
    assert_eq!(told(effects), [""; 0], "told once");
}

#[test]
fn an_id_opens_its_trace_wherever_it_is_typed() {
    let id = tracelist::id(0x7f3a_0000_0000_0000_0000_0000_0000_0042);
    for (key, text) in [
        ("Q", id.to_string()),
        ("I", id.to_string()),
        (":", id.to_string()),
        (":", format!("trace {id}")),
    ] {
        let mut model = tracelist::listed(size(120, 40));
        press(&mut model, key);
        type_text(&mut model, &text);
        let effects = keyed(&mut model, "enter");
        assert!(
            effects.contains(&Effect::ReadTrace(id)),
            "{key} {text}: {effects:?}"
        );
        assert_eq!(model.detail(), Some(&Detail::Trace(id)));
        assert_eq!(model.traces.query, "", "nothing else is asked");
    }
}

#[test]
fn ctrl_u_takes_away_what_is_typed() {
    let mut model = tracelist::listed(size(120, 40));
    press(&mut model, "Q");
    type_text(&mut model, "dur>soon");
    press(&mut model, "ctrl-u");
    type_text(&mut model, "err");
    press(&mut model, "enter");
    assert_eq!(model.traces.query, "err");
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
                goal: Goal::Traces(_, _),
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
    let start = |id| model.traces.summary(id).unwrap().start;
    let oldest_read = ask.traces.iter().map(|id| start(*id)).min();
    let list = &model.traces.drawn().unwrap().traces;
    let newer = list.iter().filter(|trace| Some(trace.start) > oldest_read);
    assert!(
        newer.count() < 20,
        "the newest, and not those that stand first for being the worst"
    );
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

/// The shop with a latency SLO under the cursor, of which the menu's way to its exemplars was taken.
fn exemplars_asked() -> (Model, ExemplarsAsk) {
    let mut model = shop_with(waterfalls::with_traces(), size(120, 40));
    let mut board = slo_board();
    let report = board
        .slos
        .iter_mut()
        .find(|report| report.slo.name == "search-latency-200ms");
    let report = Arc::make_mut(report.unwrap());
    Arc::make_mut(&mut report.slo).sli = Sli::Latency {
        histogram: "http_request_duration_seconds".to_owned(),
        selector: "service=\"search\"".to_owned(),
        threshold: 0.2,
    };
    tell(&mut model, Msg::SloFetched(slo_feed(board)));
    focus(&mut model, PaneId::Slo);
    while model.slo.selected().unwrap().slo.name != "search-latency-200ms" {
        press(&mut model, "j");
    }
    press(&mut model, "t");
    let Some(Modal::Menu(menu)) = &model.modal else {
        panic!("{:?}", model.modal);
    };
    let leads = |choice: &Choice| {
        matches!(
            choice,
            Choice::Go {
                goal: Goal::Exemplars(_),
                ..
            }
        )
    };
    let key = menu
        .items
        .iter()
        .find(|item| leads(&item.choice))
        .expect("offered")
        .key
        .to_string();
    let effects = keyed(&mut model, &key);
    let [Effect::ReadExemplars(ask)] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    let ask = ask.clone();
    (model, ask)
}

fn exemplar(trace: u8, value: f64) -> Exemplar {
    Exemplar {
        trace: TraceId([trace; 16]),
        span: Some(SpanId(u64::from(trace))),
        value,
        at: Nanos::of(now().utc),
        series: [("pod", "search-1")].into_iter().collect(),
    }
}

fn came(model: &mut Model, asked: &ExemplarsAsk, result: Result<Vec<Exemplar>, String>) -> Vec<Effect> {
    let asked = asked.clone();
    update(model, Msg::ExemplarsRead { asked, result }, now())
}

#[test]
fn a_latency_slo_leads_to_its_slow_requests_by_its_exemplars() {
    let (mut model, ask) = exemplars_asked();
    assert_eq!(
        ask.query,
        "http_request_duration_seconds_bucket{service=\"search\"}"
    );
    assert_eq!((ask.bound, ask.to), (0.2, now().utc));
    assert!(ask.from <= ask.to - chrono::TimeDelta::hours(1));
    let all = vec![
        exemplar(1, 0.1),
        exemplar(2, 0.9),
        exemplar(3, 2.31),
        exemplar(2, 0.4),
    ];
    came(&mut model, &ask, Ok(all));
    let Some(Modal::Menu(menu)) = &model.modal else {
        panic!("{:?}", model.modal);
    };
    let labels: Vec<&str> = menu.items.iter().map(|item| item.label.as_str()).collect();
    assert_eq!(labels.len(), 2, "{labels:?}");
    assert!(
        labels[0].starts_with("2.31s") && labels[0].contains("pod search-1"),
        "{labels:?}"
    );
    let effects = keyed(&mut model, "2");
    assert!(
        effects.contains(&Effect::ReadTrace(TraceId([2; 16]))),
        "{effects:?}"
    );
    assert_eq!(model.detail(), Some(&Detail::Trace(TraceId([2; 16]))));
}

#[test]
fn one_slow_exemplar_is_gone_to_at_once_and_whoever_went_on_stays_there() {
    let (mut model, ask) = exemplars_asked();
    let effects = came(&mut model, &ask, Ok(vec![exemplar(1, 0.1), exemplar(3, 2.31)]));
    assert!(
        effects.contains(&Effect::ReadTrace(TraceId([3; 16]))),
        "{effects:?}"
    );
    let (mut model, ask) = exemplars_asked();
    focus(&mut model, PaneId::Alerts);
    assert_eq!(came(&mut model, &ask, Ok(vec![exemplar(3, 2.31)])), []);
    assert_eq!((model.focus, model.detail()), (PaneId::Alerts, None));
    assert_eq!(
        came(&mut model, &ask, Ok(vec![exemplar(3, 2.31)])),
        [],
        "answered once"
    );
}

#[test]
fn without_exemplars_the_slow_traces_of_the_service_are_searched_and_why_is_said() {
    for (result, why) in [
        (Ok(Vec::new()), "exemplar-storage"),
        (Ok(vec![exemplar(1, 0.1)]), "none of 1"),
        (Err("404 from metrics".to_owned()), "404 from metrics"),
    ] {
        let (mut model, ask) = exemplars_asked();
        let effects = came(&mut model, &ask, result);
        let Some(Effect::AskTraces(ask)) = effects.iter().find(|e| matches!(e, Effect::AskTraces(_))) else {
            panic!("{effects:?}");
        };
        assert_eq!(ask.wanted.service.as_deref(), Some("search"));
        assert_eq!(
            (model.focus, ask.wanted.query.as_str()),
            (PaneId::Traces, "dur>200ms")
        );
        let said = &model.toasts.current().unwrap().text;
        assert!(said.contains(why) && said.contains("200ms"), "{said}");
    }
}

#[test]
fn keys_that_arrange_traces_say_why_nothing_happens_before_any_were_read() {
    let mut model = shop_with(waterfalls::with_traces(), size(120, 40));
    focus(&mut model, PaneId::Traces);
    for key in ["o", "b", "w", "l"] {
        assert_eq!(keyed(&mut model, key), []);
        let said = model.toasts.dismiss().map(|toast| toast.text).unwrap_or_default();
        assert!(said.contains("no traces yet"), "{key}: {said}");
    }
}

#[test]
fn the_key_of_the_order_says_the_new_one() {
    let mut model = shop_with(waterfalls::with_traces(), size(120, 40));
    tracelist::answer(&mut model, tracelist::traces(), Whole::Yes);
    focus(&mut model, PaneId::Traces);
    for order in ["slowest first", "newest first", "errors, slowest first"] {
        keyed(&mut model, "o");
        let said = model.toasts.dismiss().map(|toast| toast.text).unwrap_or_default();
        assert_eq!(said, format!("ordered: {order}"));
    }
}

#[test]
fn a_comparison_lists_only_what_differs_by_the_key_of_matches() {
    let mut model = tracelist::compared(size(120, 40));
    let listed = |model: &Model| model.traces.comparison.as_ref().unwrap().listed;
    press(&mut model, "v");
    assert_eq!(listed(&model), Listed::Differing);
    press(&mut model, "v");
    assert_eq!(listed(&model), Listed::All);
    press(&mut model, "f");
    assert!(model.toasts.current().unwrap().text.contains("single trace"));
}
