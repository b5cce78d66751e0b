//! An open trace by its keys: what they do, what they say, and what goes out of it.

use midwatch::app::focus::Detail;
use midwatch::app::logs::LogsAsk;
use midwatch::app::modal::{Choice, Goal, Modal};
use midwatch::app::{Effect, Model, Msg};
use midwatch::domain::trace::SpanId;

use crate::fixtures::{focus, logs, press, shop_with, size, tell, type_text, waterfalls};
use crate::keys::screen;

fn opened() -> Model {
    waterfalls::opened(size(120, 40), &waterfalls::story())
}

fn press_all(model: &mut Model, keys: &str) {
    for key in keys.split(' ') {
        press(model, key);
    }
}

/// The span under the cursor.
fn cursor(model: &Model) -> SpanId {
    let open = model.traces.opened(waterfalls::id()).unwrap();
    open.study().unwrap().trace.span(open.cursor).id
}

fn said(model: &Model) -> String {
    let toast = model.toasts.current();
    toast.map(|toast| toast.text.clone()).unwrap_or_default()
}

#[test]
fn a_trace_that_could_not_be_read_is_read_again_on_enter() {
    let mut model = waterfalls::opening(size(120, 40), &waterfalls::story());
    let id = waterfalls::id();
    let result = Err("503 from traces".to_owned());
    tell(&mut model, Msg::TraceRead { id, result });
    assert!(model.traces.opened(id).unwrap().is_failed());
    let key = crossterm::event::KeyEvent::from(crossterm::event::KeyCode::Enter);
    let effects = midwatch::app::update::update(
        &mut model,
        Msg::Input(midwatch::terminal::Input::Key(key)),
        crate::fixtures::now(),
    );
    assert_eq!(effects, [Effect::ReadTrace(id)]);
    assert_eq!(model.details.len(), 1);
}

#[test]
fn a_trace_opens_at_the_span_that_explains_it_and_its_facts_lead_there() {
    let mut model = waterfalls::come(size(120, 40), &waterfalls::story());
    assert_eq!(cursor(&model), SpanId(41), "where the failure began");
    press_all(&mut model, "g g");
    assert_eq!(cursor(&model), SpanId(1));
    press_all(&mut model, "P enter");
    assert_eq!(model.detail(), Some(&Detail::Trace(waterfalls::id())));
    assert_eq!(cursor(&model), SpanId(41));
    // Where nothing failed, at what took the time.
    let slow = [
        waterfalls::span(1, 0, "a", "all", (0, 100)),
        waterfalls::span(2, 1, "b", "short", (1, 20)),
        waterfalls::span(3, 1, "b", "long", (21, 99)),
    ];
    let model = waterfalls::come(size(120, 40), &slow);
    assert_eq!(cursor(&model), SpanId(3));
}

#[test]
fn keys_jump_to_failures_and_an_open_span_turns_with_them() {
    let mut model = opened();
    press(&mut model, ")");
    assert_eq!(
        (cursor(&model), said(&model).as_str()),
        (SpanId(2), "failed span 1 of 7")
    );
    press(&mut model, "enter");
    assert!(matches!(model.detail(), Some(Detail::Span(_, _))));
    press_all(&mut model, ") )");
    let Some(Detail::Span(_, row)) = model.detail() else {
        panic!("a span is open")
    };
    let open = model.traces.opened(waterfalls::id()).unwrap();
    assert_eq!(*row, open.cursor);
    assert_eq!(cursor(&model), SpanId(41));
    press(&mut model, "j");
    assert_eq!(cursor(&model), SpanId(42), "the next span");
    press(&mut model, "esc");
    assert_eq!(model.detail(), Some(&Detail::Trace(waterfalls::id())));
}

#[test]
fn beside_an_open_span_the_tree_has_its_keys_and_the_span_turns_with_its_cursor() {
    let row = |model: &Model| match model.detail() {
        Some(Detail::Span(_, row)) => *row,
        other => panic!("{other:?}"),
    };
    let mut model = opened();
    press_all(&mut model, "j enter j");
    assert_eq!(row(&model), model.traces.opened(waterfalls::id()).unwrap().cursor);
    let (before, lines) = (
        row(&model),
        model.traces.opened(waterfalls::id()).unwrap().lines.len(),
    );
    press_all(&mut model, "k h");
    let open = model.traces.opened(waterfalls::id()).unwrap();
    assert!(open.lines.len() < lines, "folded beside it");
    assert!(row(&model) < before);
    // What is read of the span is scrolled by the page.
    press(&mut model, "pgdn");
    assert_eq!(row(&model), model.traces.opened(waterfalls::id()).unwrap().cursor);

    // Where there is no room for both, the page has the keys, and left and right go from span to span.
    let mut model = waterfalls::opened(size(80, 24), &waterfalls::story());
    press_all(&mut model, "j enter");
    let before = row(&model);
    press(&mut model, "j");
    assert_eq!(row(&model), before);
    press(&mut model, "l");
    assert!(row(&model) > before);
}

#[test]
fn keys_of_the_waterfall_change_nothing_that_is_out_of_sight() {
    let mut model = opened();
    press(&mut model, "P");
    press(&mut model, "F");
    assert!(
        said(&model).contains("a key of the waterfall"),
        "{}",
        said(&model)
    );
    press(&mut model, ")");
    assert!(
        matches!(model.detail(), Some(Detail::Trace(_))),
        "it goes to the span"
    );
}

#[test]
fn esc_takes_one_step_back_after_the_other_and_leaves_last() {
    let mut model = opened();
    press_all(&mut model, "j j o + /");
    type_text(&mut model, "SELECT");
    press(&mut model, "enter");
    let open = |model: &Model| {
        let open = model.traces.opened(waterfalls::id()).unwrap();
        (open.sought.is_some(), open.view.is_some(), open.roots.len())
    };
    assert_eq!(open(&model), (true, true, 1));
    press(&mut model, "esc");
    assert_eq!(open(&model), (false, true, 1));
    press(&mut model, "esc");
    assert_eq!(open(&model), (false, false, 1));
    press(&mut model, "esc");
    assert_eq!(open(&model), (false, false, 0));
    press(&mut model, "esc");
    assert_eq!(model.detail(), None);
}

#[test]
fn a_search_moves_the_cursor_when_its_answer_comes_and_n_goes_on() {
    let mut model = opened();
    press(&mut model, "/");
    type_text(&mut model, "svc=payment err");
    press(&mut model, "enter");
    assert_eq!(cursor(&model), SpanId(41));
    press(&mut model, "n");
    assert_eq!(cursor(&model), SpanId(43));
    press(&mut model, "N");
    assert_eq!(cursor(&model), SpanId(41));
    press(&mut model, "v");
    let open = model.traces.opened(waterfalls::id()).unwrap();
    assert!(open.lines.len() < open.range().len());
}

#[test]
fn clocks_that_are_off_are_named_and_none_is_said_where_none_is() {
    let mut model = opened();
    press(&mut model, "K");
    assert_eq!(said(&model), "clocks set right: host b 21.5 ms behind (3 calls)");
    let fine = [waterfalls::span(1, 0, "a", "all", (0, 10))];
    let mut model = waterfalls::opened(size(120, 40), &fine);
    press(&mut model, "K");
    assert_eq!(said(&model), "no host's clock is off, as far as its calls tell");
    press(&mut model, ")");
    assert_eq!(said(&model), "no span failed");
    press(&mut model, "v");
    assert_eq!(said(&model), "no search is on; / starts one");
}

fn goals(model: &Model) -> Vec<Goal> {
    let Some(Modal::Menu(menu)) = &model.modal else {
        return Vec::new();
    };
    let goal = |choice: &Choice| match choice {
        Choice::Go { goal, .. } => Some(goal.clone()),
        _ => None,
    };
    menu.items.iter().filter_map(|item| goal(&item.choice)).collect()
}

#[test]
fn from_a_span_there_are_ways_to_its_lines_its_alerts_and_its_slos() {
    let mut model = opened();
    press_all(&mut model, ") t");
    let goals = goals(&model);
    let lines = |goal: &Goal| matches!(goal, Goal::TraceLogs(id, _) if *id == waterfalls::id());
    assert!(goals.iter().any(lines));
    let logs = |goal: &Goal| matches!(goal, Goal::Logs(service, Some(_)) if &**service == "checkout");
    assert!(goals.iter().any(logs));
    assert!(goals.iter().any(|goal| matches!(goal, Goal::Alert(_))));
    assert!(goals.iter().any(|goal| matches!(goal, Goal::Slo(_))));
    assert!(goals.len() <= 9, "each has a key");
}

#[test]
fn a_log_line_leads_to_its_trace_at_its_time() {
    let settings = midwatch::app::Settings {
        logs: Some("logs".into()),
        ..waterfalls::with_traces()
    };
    let mut model = shop_with(settings, size(120, 40));
    logs::tell_lines(&mut model, &logs::store(&[logs::story()]), LogsAsk::default());
    focus(&mut model, midwatch::app::focus::PaneId::Logs);
    for _ in 0..12 {
        press(&mut model, "t");
        if goals(&model)
            .iter()
            .any(|goal| matches!(goal, Goal::Moment { .. }))
        {
            break;
        }
        press_all(&mut model, "esc k");
    }
    press(&mut model, "enter");
    assert_eq!(model.detail(), Some(&Detail::Trace(waterfalls::id())));
    let study = midwatch::app::traces::Study::of(waterfalls::trace(&waterfalls::story()));
    let result = Ok(std::sync::Arc::new(study));
    let id = waterfalls::id();
    tell(&mut model, Msg::TraceRead { id, result });
    assert!(model.traces.opened(id).unwrap().mark.is_some());
}

#[test]
fn what_is_copied_is_what_it_says() {
    let mut model = opened();
    press_all(&mut model, ") y");
    let Some(Modal::Menu(menu)) = &model.modal else {
        panic!("a menu is open")
    };
    let texts: Vec<&str> = menu
        .items
        .iter()
        .filter_map(|item| match &item.choice {
            Choice::Copy { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(texts[0], waterfalls::TRACE);
    assert_eq!(texts[1], "0000000000000002");
    assert!(
        texts[2].starts_with("checkout POST /checkout  +9 ms  2.29 s  self "),
        "{}",
        texts[2]
    );
    assert!(
        texts
            .iter()
            .any(|text| text.contains("\"spanId\":\"0000000000000002\""))
    );
    assert!(
        texts
            .iter()
            .any(|text| text.starts_with("ref: span checkout POST /checkout 2.29 s at +9 ms failed"))
    );
}

#[test]
fn what_is_sought_before_the_trace_is_here_is_found_when_it_is() {
    let mut model = waterfalls::opening(size(120, 40), &waterfalls::story());
    press(&mut model, "/");
    type_text(&mut model, "svc=mailer");
    press(&mut model, "enter");
    let study = midwatch::app::traces::Study::of(waterfalls::trace(&waterfalls::story()));
    let result = Ok(std::sync::Arc::new(study));
    let id = waterfalls::id();
    tell(&mut model, Msg::TraceRead { id, result });
    assert_eq!(cursor(&model), SpanId(61));
}

#[test]
fn a_trace_has_its_address_in_a_browser_copied() {
    let mut model = opened();
    model.settings.trace_ui = Some("https://traces.example.com/trace/{trace}".to_owned());
    press(&mut model, "y");
    let Some(Modal::Menu(menu)) = &model.modal else {
        panic!("{:?}", model.modal);
    };
    let link = menu.items.iter().find_map(|item| match &item.choice {
        Choice::Copy {
            what: "link", text, ..
        } => Some(text.clone()),
        _ => None,
    });
    let address = format!("https://traces.example.com/trace/{}", waterfalls::id());
    assert_eq!(link, Some(address));
}

#[test]
fn a_refresh_reads_the_open_trace_again_and_an_open_span_stays_that_span() {
    let mut model = opened();
    press_all(&mut model, ") ) enter");
    let before = cursor(&model);
    let id = waterfalls::id();
    let key = crossterm::event::KeyEvent::from(crossterm::event::KeyCode::Char('R'));
    let effects = midwatch::app::update::update(
        &mut model,
        Msg::Input(midwatch::terminal::Input::Key(key)),
        crate::fixtures::now(),
    );
    assert_eq!(effects, [Effect::Refresh, Effect::ReadTrace(id)]);
    let mut more = waterfalls::story();
    // In front of what is open.
    more.push(crate::fixtures::spans::span(300, 1, "edge", "admit", (100, 900)));
    let study = midwatch::app::traces::Study::of(waterfalls::trace(&more));
    tell(
        &mut model,
        Msg::TraceRead {
            id,
            result: Ok(std::sync::Arc::new(study)),
        },
    );
    assert_eq!(cursor(&model), before);
    let Some(Detail::Span(_, row)) = model.detail() else {
        panic!("a span is open")
    };
    assert_eq!(*row, model.traces.opened(id).unwrap().cursor);
}

#[test]
fn a_span_that_outlasts_its_root_is_no_share_of_the_trace() {
    let spans = [
        waterfalls::span(1, 0, "edge", "POST /checkout", (0, 100)),
        waterfalls::span(2, 1, "mail", "send the receipt", (10, 510)),
    ];
    let mut model = waterfalls::opened(size(120, 40), &spans);
    press(&mut model, "j");
    let rows = screen(&model);
    let foot = rows
        .iter()
        .find(|row| row.contains("longer than the root"))
        .unwrap();
    let (of_the_trace, _) = foot.split_once("on the path").unwrap_or((foot, ""));
    assert!(!of_the_trace.contains('%'), "{foot}");
    press(&mut model, "enter");
    let page = screen(&model).join("\n");
    assert!(page.contains("500 µs  longer than the root"), "{page}");
}

#[test]
fn the_head_of_a_trace_keeps_its_date_whatever_its_name() {
    let name = "POST /api/v2/customers/{customer}/carts/{cart}/checkout/confirmations/{confirmation}/payment";
    let spans = [
        waterfalls::span(1, 0, "edge-gateway", name, (0, 2_310)),
        waterfalls::span(2, 1, "mail", "send", (10, 2_700)).failed("no"),
    ];
    for (w, h) in [(80, 24), (120, 40)] {
        let rows = screen(&waterfalls::opened(size(w, h), &spans));
        let head = rows.iter().find(|row| row.contains("edge-gateway POST")).unwrap();
        assert!(head.contains(" failed  11-20 03:"), "{w}x{h}: {head}");
    }
}
