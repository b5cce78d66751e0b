//! Commands with what is typed behind them, completion, history; queries, saved views, every context at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use midwatch::action::Action;
use midwatch::app::focus::{Detail, Page, PaneId, Zoom};
use midwatch::app::kept::{Keep, SavedView, ViewsKept};
use midwatch::app::logs::Watched;
use midwatch::app::modal::{Command, Modal};
use midwatch::app::query::{QueryAnswer, QueryAsk, QueryTrouble};
use midwatch::app::scope::{Scope, TimeRange};
use midwatch::app::union::{Answered, ContextReport, Thing, UnionRow, rows_of};
use midwatch::app::{Effect, Msg, Settings};
use midwatch::domain::alert::{Grouping, StateChoice};
use midwatch::domain::slo::{Reading, SloState};
use midwatch::time::Tick;

use super::{Hand, pod};
use crate::fixtures::logs::with_logs;
use crate::fixtures::{
    alert, board_of, incidents, now, report as slo_report, settings, shop_with, size, slo_board,
};
use crate::keys::screen;

/// The shop on fire, the keys on its alerts.
fn shop_hand() -> Hand {
    shop_of(with_logs())
}

fn shop_of(settings: Settings) -> Hand {
    let mut hand = Hand {
        model: shop_with(settings, size(120, 40)),
        now: now(),
        effects: Vec::new(),
        heard: Vec::new(),
    };
    hand.press("2");
    hand.wait(5_000);
    hand.taken();
    hand
}

/// The names that are listed for what is typed, best first.
fn listed(hand: &Hand) -> Vec<String> {
    let Some(Modal::Palette(palette)) = &hand.model.modal else {
        panic!("no palette: {:?}", hand.model.modal)
    };
    let hits = palette.hits.iter();
    hits.map(|&hit| palette.items[hit].name.clone()).collect()
}

fn typed(hand: &Hand) -> String {
    let Some(Modal::Palette(palette)) = &hand.model.modal else {
        panic!("no palette: {:?}", hand.model.modal)
    };
    palette.input.lines().join(" ")
}

fn asked_query(hand: &mut Hand) -> QueryAsk {
    let asked = hand.taken().into_iter().find_map(|effect| match effect {
        Effect::AskQuery(ask) => Some(ask),
        _ => None,
    });
    asked.expect("a query was asked")
}

#[test]
fn a_query_is_asked_over_the_last_hour_or_the_scope_and_again_by_the_key_that_refreshes() {
    let mut hand = shop_hand();
    hand.command("query sum(rate(http_requests_total[5m]))");
    let first = asked_query(&mut hand);
    assert_eq!(first.text, "sum(rate(http_requests_total[5m]))");
    assert_eq!((first.to - first.from).num_minutes(), 60);
    assert_eq!(hand.model.detail(), Some(&Detail::Page(Page::Query)));
    let range = TimeRange::between(now().utc - chrono::TimeDelta::hours(6), now().utc);
    hand.model.scope.push(Scope::default().with_range(Some(range)));
    hand.press("R");
    let again = asked_query(&mut hand);
    assert_eq!((again.text, (again.to - again.from).num_hours()), (first.text, 6));
    // The answer to the first is nobody's any more.
    hand.tell(Msg::QueryAnswered {
        seq: first.seq,
        result: Err(QueryTrouble::busy()),
    });
    assert!(hand.model.query.answer.is_none());
    hand.tell(Msg::QueryAnswered {
        seq: again.seq,
        result: Ok(Arc::new(QueryAnswer::default())),
    });
    let told = hand.taken();
    let words = "asked the metrics `sum(rate(http_requests_total[5m]))`";
    assert!(
        matches!(told.as_slice(), [Effect::Record(deed)] if deed.text == words),
        "{told:?}"
    );
    hand.press("y");
    let copied = hand.taken();
    assert!(
        matches!(copied.as_slice(), [Effect::Copy { text, .. }] if text.contains("sum(rate(")),
        "{copied:?}"
    );
    hand.press("esc");
    assert_eq!(hand.model.detail(), None);
}

#[test]
fn a_query_is_part_of_a_story_once_it_is_answered() {
    let mut hand = shop_hand();
    hand.command("query sum(");
    let seq = asked_query(&mut hand).seq;
    let result = Err(QueryTrouble::busy());
    hand.tell(Msg::QueryAnswered { seq, result });
    assert_eq!(hand.taken(), [], "nothing was answered");
    hand.press("R");
    let seq = asked_query(&mut hand).seq;
    let result = Ok(Arc::new(QueryAnswer::default()));
    hand.tell(Msg::QueryAnswered { seq, result });
    assert!(
        matches!(hand.taken().as_slice(), [Effect::Record(_)]),
        "told once"
    );
    hand.press("R");
    let seq = asked_query(&mut hand).seq;
    let result = Ok(Arc::new(QueryAnswer::default()));
    hand.tell(Msg::QueryAnswered { seq, result });
    assert_eq!(hand.taken(), []);
}

#[test]
fn where_nobody_answered_what_is_named_is_not_known() {
    let mut hand = Hand {
        model: crate::fixtures::deaf(size(120, 40)),
        ..shop_hand()
    };
    hand.command("slo checkout");
    hand.assert_said("SLO checkout is not known: nobody has answered yet");
    hand.command("ack Nosuch");
    hand.assert_said("alert or incident Nosuch is not known: nobody has answered yet");
}

#[test]
fn without_a_metrics_backend_a_query_says_what_to_add() {
    let mut hand = shop_of(Settings {
        has_metrics: false,
        ..settings()
    });
    hand.command("query up");
    hand.assert_said("add [contexts.prod-eu.metrics]");
    assert_eq!(hand.model.detail(), None);
}

#[test]
fn a_log_query_is_asked_in_the_pane_that_shows_it() {
    let mut hand = shop_hand();
    hand.command("logs {app=\"checkout\"} |= \"timeout\"");
    assert_eq!(hand.model.focus, PaneId::Logs);
    assert_eq!(hand.model.logs.query, "{app=\"checkout\"} |= \"timeout\"");
    let asks = hand
        .taken()
        .into_iter()
        .any(|effect| matches!(effect, Effect::AskLogs(ask) if ask.wanted.query.contains("timeout")));
    assert!(asks);
    let mut without = shop_of(settings());
    without.command("logs x");
    without.assert_said("no log backend is configured");
    assert_eq!(without.model.focus, PaneId::Alerts);
}

#[test]
fn alerts_that_are_named_are_listed_before_they_are_acknowledged() {
    let mut hand = Hand::with(vec![pod("Slow", "1"), pod("Slow", "2"), pod("Other", "1")]);
    hand.press("1");
    hand.command("ack slow checkout");
    assert_eq!(hand.asked(), ["Slow checkout 1", "Slow checkout 2"]);
    assert_eq!(hand.taken(), []);
    // the key that asked answers nothing
    hand.press("enter y");
    assert_eq!(hand.acts().len(), 1);
    hand.command("ack nothing-such");
    hand.assert_said("no alert or incident nothing-such is listed here");
    hand.command("unack Other");
    hand.assert_said("Other checkout 1 is not acknowledged");
}

#[test]
fn an_incident_that_is_named_by_its_number_is_what_the_act_is_done_to() {
    let mut hand = shop_hand();
    hand.command("escalate #4712");
    assert_eq!(hand.model.detail(), Some(&Detail::Incident("Q2SEARCH".into())));
    assert!(matches!(&hand.model.modal, Some(Modal::Pick(pick)) if *pick.incident.0 == *"Q2SEARCH"));
    let mut hand = shop_hand();
    hand.command("resolve 99");
    hand.assert_said("no incident 99 is listed here");
    hand.press(":");
    hand.write("snooze #4711 30m");
    hand.press("enter");
    hand.assert_said(":snooze #4711 asks for the rest by itself");
    assert_eq!(hand.model.focus, PaneId::Alerts);
}

#[test]
fn a_silence_is_composed_of_the_matchers_or_of_the_alerts_that_are_named() {
    let mut hand = Hand::with(vec![pod("Slow", "1"), pod("Slow", "2")]);
    hand.command("silence alertname=\"Slow\", pod=~\"1|2\"");
    let lines = |hand: &Hand| match &hand.model.modal {
        Some(Modal::Composer(composer)) => composer.matchers.lines().to_vec(),
        other => panic!("no composer: {other:?}, said {:?}", hand.said()),
    };
    assert_eq!(lines(&hand), ["alertname=\"Slow\"", "pod=~\"1|2\""]);
    hand.write("known");
    hand.press("esc");
    // A draft of other matchers is in no one's way.
    hand.command("silence slow");
    assert!(
        !lines(&hand).iter().any(|line| line.starts_with("pod")),
        "{:?}",
        lines(&hand)
    );
    hand.press("esc");
    hand.command("silence a=\"x");
    assert!(
        !hand.said().is_empty() && hand.model.modal.is_none(),
        "{:?}",
        hand.said()
    );
}

#[test]
fn a_word_that_takes_nothing_says_so_and_does_nothing() {
    let mut hand = shop_hand();
    hand.command("pause 5m");
    hand.assert_said("view.pause takes nothing behind it: type it alone");
    assert!(hand.model.paused.is_none() && hand.model.kept.commands.is_empty());
    hand.command("pause");
    assert!(hand.model.paused.is_some());
}

#[test]
fn tab_completes_words_names_and_values_and_goes_round() {
    let mut hand = shop_hand();
    hand.press(":");
    hand.write("que");
    hand.press("tab");
    assert_eq!(typed(&hand), "query ");
    hand.press("esc :");
    hand.write("context st");
    hand.press("tab");
    assert_eq!(typed(&hand), "context staging");
    hand.press("esc :");
    hand.write("ack #47");
    hand.press("tab");
    let first = typed(&hand);
    assert!(first.starts_with("ack #471"), "{first}");
    hand.press("tab");
    let second = typed(&hand);
    hand.press("tab");
    assert_ne!(typed(&hand), second);
    hand.press("esc :");
    hand.write("zzzz");
    hand.press("tab");
    hand.assert_said("nothing completes that");
}

#[test]
fn values_that_could_stand_there_are_listed_below_what_is_typed() {
    let mut hand = shop_hand();
    hand.press(":");
    hand.write("scope check");
    assert_eq!(listed(&hand)[0], "scope checkout");
    hand.press("enter");
    assert_eq!(hand.model.scope.service(), Some("checkout"));
    hand.press(":");
    hand.write("escalate ");
    assert_eq!(
        listed(&hand)[..2],
        ["escalate #4712", "escalate #4711"],
        "as in the pane"
    );
    hand.press("esc :");
    hand.write("ack rate");
    assert!(
        listed(&hand)[0].starts_with("ack HighErrorRate"),
        "{:?}",
        listed(&hand)
    );
    hand.press("esc :");
    hand.write("query up + ");
    assert_eq!(
        listed(&hand),
        ["query up +"],
        "what is found by its letters is not meant here"
    );
}

#[test]
fn a_scope_is_a_service_or_an_environment_and_what_nothing_here_is_of_is_taken_and_said() {
    let labels = [("cluster", "prod-eu")];
    let mut hand = Hand::with(vec![alert("Down", "critical", "checkout", 3, &labels)]);
    hand.command("scope chekout");
    hand.assert_said("not seen so far: chekout; near: checkout");
    assert_eq!(
        hand.model.scope.service(),
        Some("chekout"),
        "a backend may have it"
    );
    hand.press(":");
    hand.write("scope cl");
    assert_eq!(listed(&hand)[0], "scope cluster=prod-eu");
    hand.press("enter");
    let scope = hand.model.scope.current().unwrap();
    assert_eq!(scope.service, None);
    assert_eq!(scope.labels["cluster"], "prod-eu");
    hand.command("scope checkout cluster=prod-eu");
    let scope = hand.model.scope.current().unwrap();
    assert_eq!(
        (scope.service.as_deref(), scope.labels.len()),
        (Some("checkout"), 1)
    );
}

#[test]
fn a_scope_that_nothing_here_is_of_is_not_kept() {
    let kept = |hand: &mut Hand| {
        let effects = std::mem::take(&mut hand.effects).into_iter();
        let kept = effects.filter_map(|effect| match effect {
            Effect::Keep(Keep::Scope(scope)) => scope.service,
            _ => None,
        });
        kept.collect::<Vec<_>>()
    };
    let mut hand = Hand::with(vec![alert("Down", "critical", "checkout", 3, &[])]);
    hand.command("scope chekout");
    assert_eq!(hand.model.scope.service(), Some("chekout"));
    hand.press("[");
    assert_eq!(kept(&mut hand), [""; 0], "nor at another time");
    hand.command("scope crat");
    hand.press(",");
    assert_eq!(hand.model.scope.service(), Some("chekout"));
    hand.press("[");
    assert_eq!(kept(&mut hand), [""; 0], "nor once one comes back to it");
    hand.command("scope checkout");
    assert_eq!(kept(&mut hand), ["checkout"]);
}

#[test]
fn commands_of_before_come_back_the_newest_first_and_what_was_typed_after_them() {
    let mut hand = shop_hand();
    hand.command("query up");
    hand.command("scope cart");
    hand.command("query up");
    let kept: Vec<_> = std::mem::take(&mut hand.effects)
        .into_iter()
        .filter(|effect| matches!(effect, Effect::Keep(Keep::Command(_))))
        .collect();
    assert_eq!(kept.len(), 3);
    hand.press(":");
    hand.write("the");
    hand.press("up");
    assert_eq!(typed(&hand), "query up");
    hand.press("ctrl-p");
    assert_eq!(typed(&hand), "scope cart");
    hand.press("up");
    assert_eq!(typed(&hand), "scope cart", "there is none before");
    hand.press("down down");
    assert_eq!(typed(&hand), "the");
    hand.press("up enter");
    assert_eq!(asked_query(&mut hand).text, "up");
}

#[test]
fn what_applies_where_one_is_comes_before_what_does_not() {
    let first = |hand: &mut Hand, line: &str| {
        hand.press(":");
        hand.write(line);
        let first = listed(hand)[0].clone();
        hand.press("esc");
        first
    };
    let mut hand = shop_hand();
    assert_eq!(first(&mut hand, "hand"), "handoff.write");
    hand.press("1");
    assert_eq!(first(&mut hand, "hand"), "handoff.write");
    hand.press("5");
    assert_eq!(first(&mut hand, "hand"), "incident.hand_back");
    assert_eq!(first(&mut hand, "ack"), "incident.acknowledge");
    hand.press("2");
    assert_eq!(first(&mut hand, "ack"), "alerts.acknowledge");
    assert_eq!(first(&mut hand, "alerts.hand_back"), "alerts.hand_back");
}

#[test]
fn an_act_that_finds_nothing_to_be_done_to_leaves_one_where_one_was() {
    let mut hand = Hand::with(vec![pod("Slow", "1")]);
    hand.press("enter");
    let open = hand.model.detail().cloned();
    hand.command("alerts.hand_back");
    hand.assert_said("Slow checkout 1 is not acknowledged");
    assert_eq!(hand.model.detail().cloned(), open);
    hand.press("esc S");
    hand.command("alerts.hand_back");
    hand.assert_said("Slow checkout 1 is not acknowledged");
    assert_eq!(hand.model.detail(), Some(&Detail::Silences));
    hand.press("esc 1");
    hand.command("alerts.hand_back");
    assert_eq!(hand.model.focus, PaneId::Slo);
}

#[test]
fn a_view_brings_back_layout_scope_and_filters() {
    let mut hand = shop_hand();
    hand.model.scope.push(Scope::of_service("checkout"));
    hand.model.alerts.filter = "severity=critical".to_owned();
    hand.model.alerts.states = StateChoice::All;
    hand.model.alerts.grouping = Grouping::Flat;
    hand.model.logs.query = "{app=\"checkout\"}".to_owned();
    hand.model.slo.filter = "page".to_owned();
    hand.model.layout.zoom = Zoom::Yes;
    hand.command("view save night shift");
    let kept = hand.taken();
    let [
        Effect::Keep(Keep::View {
            name,
            view: Some(view),
        }),
    ] = kept.as_slice()
    else {
        panic!("{kept:?} {:?}", hand.said());
    };
    assert_eq!(name, "night shift");
    let views = BTreeMap::from([(name.clone(), (**view).clone())]);
    let kept = ViewsKept { views, said: None };
    hand.tell(Msg::ViewsKept(Ok(kept)));
    hand.assert_said("view night shift is kept");

    let saved = hand.model.kept.clone();
    let mut fresh = shop_hand();
    fresh.model.kept = saved;
    fresh.press("4 5");
    fresh.command("view night shift");
    let model = &fresh.model;
    assert_eq!((model.focus, model.layout.zoom), (PaneId::Alerts, Zoom::Yes));
    assert_eq!(model.scope.service(), Some("checkout"));
    assert_eq!(SavedView::of(model), SavedView::of(&hand.model));
    let effects = fresh.taken();
    let arranged = effects.iter().any(|effect| match effect {
        Effect::Arrange(asked) => {
            asked.filter == "severity=critical" && asked.scope.service.as_deref() == Some("checkout")
        }
        _ => false,
    });
    assert!(arranged, "{effects:?}");
    let asks = effects
        .iter()
        .any(|effect| matches!(effect, Effect::AskLogs(ask) if ask.wanted.query.contains("app")));
    assert!(asks, "{effects:?}");
    // The scope of before is a step back.
    fresh.press(",");
    assert_eq!(fresh.model.scope.service(), None);
}

#[test]
fn a_view_is_dropped_by_name_and_what_could_not_be_kept_is_said() {
    let mut hand = shop_hand();
    hand.command("view drop night");
    hand.assert_said("there is no view night");
    hand.command("view night");
    hand.assert_said("no view night: none is kept; view save NAME keeps one");
    hand.command("context moon");
    hand.assert_said("no context moon: there are prod-eu, which is open, and staging");
    hand.model
        .kept
        .views
        .insert("night".to_owned(), SavedView::default());
    hand.command("view drop night");
    assert_eq!(
        hand.taken(),
        [Effect::Keep(Keep::View {
            name: "night".to_owned(),
            view: None
        })]
    );
    hand.tell(Msg::ViewsKept(Err(
        "the views were not saved: no space".to_owned()
    )));
    hand.assert_said("no space");
    assert!(
        hand.model.kept.views.contains_key("night"),
        "until it is gone from the disk"
    );
    hand.command("view save drop it");
    hand.assert_said("take another name");
    assert_eq!(hand.taken(), []);
}

#[test]
fn scopes_of_before_are_offered_and_turned_to() {
    let mut hand = shop_hand();
    hand.press(".");
    let service = hand.model.scope.service().unwrap().to_owned();
    assert!(hand.effects.iter().any(|effect| {
        matches!(effect, Effect::Keep(Keep::Scope(scope)) if scope.service.as_deref() == Some(service.as_str()))
    }));
    hand.press(", :");
    hand.write("scope ");
    assert!(
        listed(&hand).contains(&format!("scope {service}")),
        "{:?}",
        listed(&hand)
    );
    hand.write(&service);
    hand.press("enter");
    assert_eq!(hand.model.scope.service(), Some(service.as_str()));
}

fn report(context: &str, rows: Vec<UnionRow>) -> Arc<ContextReport> {
    Arc::new(ContextReport {
        at: Some(Tick::from_secs(999)),
        answered: vec![Answered {
            backend: "alertmanager eu-0".into(),
            failure: None,
        }],
        rows,
        ..ContextReport::waiting(context, true)
    })
}

/// The page of every context, with a critical alert in the other one.
fn watching() -> Hand {
    let mut hand = shop_hand();
    hand.press("X");
    assert_eq!(hand.taken(), [Effect::WatchContexts(Watched::Yes)]);
    let board = board_of(vec![alert("Down", "critical", "cart", 1, &[])]);
    hand.tell(Msg::ContextsHeard(vec![report(
        "staging",
        rows_of(None, Some(&board), &[]),
    )]));
    hand
}

#[test]
fn the_other_contexts_are_watched_only_while_their_page_is_open() {
    let mut hand = watching();
    assert_eq!(hand.model.union.reports.len(), 2);
    // Deeper in, it is still open below.
    hand.press("H esc");
    assert_eq!(hand.taken(), []);
    hand.press("esc");
    assert_eq!(hand.taken(), [Effect::WatchContexts(Watched::No)]);
}

#[test]
fn enter_goes_to_the_context_of_the_row_and_there_to_the_thing() {
    let mut hand = watching();
    let at = hand
        .model
        .union
        .keys
        .iter()
        .position(|key| &*key.context == "staging")
        .unwrap();
    assert_eq!(
        at, 0,
        "a critical alert of a dangerous context is first: {:?}",
        hand.model.union.rows
    );
    hand.press("g enter");
    assert_eq!(hand.taken(), [Effect::SwitchContext("staging".to_owned())]);
    let Some((context, Thing::Alert(fingerprint))) = hand.model.union.bound.clone() else {
        panic!("{:?}", hand.model.union.bound);
    };
    assert_eq!(context, "staging");

    let mut there = Hand::on(
        Settings {
            context: "staging".to_owned(),
            ..settings()
        },
        board_of(Vec::new()),
    );
    there.model.alerts.board = None;
    there.model.union.bound = Some((context, Thing::Alert(fingerprint)));
    there.board(vec![alert("Down", "critical", "cart", 1, &[])]);
    assert_eq!(there.model.detail(), Some(&Detail::Alert(fingerprint)));
    assert_eq!(there.model.focus, PaneId::Alerts);
    assert_eq!(there.model.union.bound, None);
}

#[test]
fn whoever_has_pressed_a_key_there_is_not_taken_to_the_thing_any_more() {
    let mut there = Hand::with(vec![pod("Slow", "1")]);
    there.model.union.bound = Some(("prod-eu".to_owned(), Thing::Incident("Q2SEARCH".into())));
    there.press("j");
    there.tell(Msg::IncidentsFetched(incidents::listed(
        vec![incidents::search()],
    )));
    assert_eq!((there.model.detail(), there.said()), (None, ""));
}

#[test]
fn a_thing_that_is_gone_by_then_is_said_to_be_and_a_row_of_the_open_context_is_opened_at_once() {
    let mut there = Hand::with(vec![pod("Slow", "1")]);
    there.model.union.bound = Some(("prod-eu".to_owned(), Thing::Incident("Q1".into())));
    there.tell(Msg::IncidentsFetched(incidents::listed(
        vec![incidents::search()],
    )));
    there.assert_said("the incident Q1 is not listed here any more");
    assert_eq!(there.model.union.bound, None);

    let mut hand = watching();
    let own = hand
        .model
        .union
        .keys
        .iter()
        .position(|key| &*key.context == "prod-eu" && key.thing.is_some());
    for _ in 0..own.unwrap() {
        hand.press("j");
    }
    hand.taken();
    hand.press("enter");
    let left = hand.taken();
    assert!(
        !left
            .iter()
            .any(|effect| matches!(effect, Effect::SwitchContext(_))),
        "{left:?}"
    );
    assert!(left.contains(&Effect::WatchContexts(Watched::No)));
    assert!(hand.model.detail().is_some());
}

#[test]
fn an_act_in_the_page_of_every_context_is_done_to_nothing() {
    let mut hand = watching();
    for keys in ["r", "e", "n", "i"] {
        hand.press(keys);
        hand.assert_said("nothing is done from here: acts are prod-eu's own");
        assert!(hand.model.modal.is_none());
    }
    for command in [
        "ack HighErrorRate",
        "resolve #4711",
        "alerts.acknowledge",
        "silence a=\"b\"",
    ] {
        hand.command(command);
        hand.assert_said("nothing is done from here");
    }
    hand.press("a");
    hand.assert_said("a is not bound here");
    assert_eq!(hand.taken(), []);
    assert_eq!(hand.model.detail(), Some(&Detail::Page(Page::Contexts)));
}

#[test]
fn switching_asks_while_an_act_is_under_way_and_left_undone_goes_nowhere() {
    let mut hand = Hand::with(vec![pod("A", "1")]);
    hand.press("a X");
    hand.taken();
    let board = board_of(vec![alert("Down", "critical", "cart", 1, &[])]);
    hand.tell(Msg::ContextsHeard(vec![report(
        "staging",
        rows_of(None, Some(&board), &[]),
    )]));
    hand.press("g enter");
    assert!(!hand.asked().is_empty());
    hand.press("esc");
    assert_eq!(hand.taken(), []);
    assert_eq!(hand.model.detail(), Some(&Detail::Page(Page::Contexts)));
}

#[test]
fn the_page_of_every_context_is_found_by_its_word() {
    let mut hand = shop_hand();
    hand.press(":");
    hand.write("contexts");
    let Some(Modal::Palette(palette)) = &hand.model.modal else {
        panic!("no palette")
    };
    let first = &palette.items[palette.hits[0]];
    assert_eq!(first.command, Command::Run(Action::Contexts));
}

/// The themes that were asked for since the last time.
fn themes_drawn(hand: &mut Hand) -> Vec<String> {
    let drawn = hand.taken().into_iter().filter_map(|effect| match effect {
        Effect::SwitchTheme(name) => Some(name.to_string()),
        _ => None,
    });
    drawn.collect()
}

fn hand_with_themes(theme: &str) -> Hand {
    shop_of(Settings {
        theme: theme.to_owned(),
        themes: ["midwatch", "light", "mono"].map(str::to_owned).into(),
        ..settings()
    })
}

#[test]
fn a_theme_is_shown_while_the_cursor_is_on_it_esc_brings_the_old_one_back_and_enter_keeps_it() {
    let mut hand = hand_with_themes("mono");
    hand.press(":");
    hand.write("theme");
    assert_eq!(
        listed(&hand)[..3],
        ["theme mono", "theme midwatch", "theme light"]
    );
    assert!(themes_drawn(&mut hand).is_empty(), "the present one stands first");
    hand.press("down");
    assert_eq!(themes_drawn(&mut hand), ["midwatch"]);
    hand.press("down");
    assert_eq!(themes_drawn(&mut hand), ["light"]);
    hand.press("esc");
    assert_eq!(themes_drawn(&mut hand), ["mono"]);
    hand.press(":");
    hand.write("theme");
    hand.press("down down");
    assert_eq!(themes_drawn(&mut hand), ["midwatch", "light"]);
    hand.press("enter");
    assert!(themes_drawn(&mut hand).is_empty(), "it is in sight already");
    hand.assert_said("theme = \"light\"");
}

#[test]
fn the_theme_by_the_background_is_chosen_by_its_name() {
    let mut hand = hand_with_themes("light");
    hand.press(":");
    hand.write("theme auto");
    assert_eq!(listed(&hand)[0], "theme auto");
    assert_eq!(
        themes_drawn(&mut hand),
        ["midwatch"],
        "dark until a background is known"
    );
    hand.press("enter");
    hand.assert_said("theme = \"auto\"");
    assert_eq!(hand.model.themes.chosen(), "auto");
}

#[test]
fn a_theme_that_is_hit_by_chance_is_not_shown() {
    let mut hand = hand_with_themes("midwatch");
    hand.press(":");
    hand.write("mono");
    assert_eq!(listed(&hand)[0], "theme mono");
    assert!(themes_drawn(&mut hand).is_empty());
}

#[test]
fn the_terminals_background_decides_until_a_person_does() {
    let white = || Msg::Input(midwatch::terminal::Input::Background { rgb: [255; 3] });
    let mut hand = hand_with_themes("auto");
    hand.tell(white());
    assert_eq!(themes_drawn(&mut hand), ["light"]);
    hand.tell(white());
    assert!(themes_drawn(&mut hand).is_empty());
    let mut hand = hand_with_themes("auto");
    hand.command("theme mono");
    assert_eq!(themes_drawn(&mut hand), ["mono"]);
    hand.tell(white());
    assert!(themes_drawn(&mut hand).is_empty(), "a person chose");
    let mut hand = hand_with_themes("mono");
    hand.tell(white());
    assert!(themes_drawn(&mut hand).is_empty(), "it is configured");
}

#[test]
fn a_service_opens_the_most_urgent_of_its_slos_and_says_of_how_many() {
    let mut hand = shop_hand();
    let board = hand.model.slo.board().unwrap();
    let of = |service: &str| -> Vec<String> {
        let reports = board.slos.iter().filter(|report| report.slo.service == service);
        reports.map(|report| report.slo.name.clone()).collect()
    };
    let services: std::collections::BTreeSet<String> = board
        .slos
        .iter()
        .map(|report| report.slo.service.clone())
        .collect();
    let one = services.iter().find(|service| of(service).len() == 1).cloned();
    let several = services.iter().find(|service| of(service).len() > 1).cloned();
    let (one, several) = (one.expect("one SLO"), several.expect("several SLOs"));
    for (service, names) in [(&one, of(&one)), (&several, of(&several))] {
        hand.press(":");
        hand.write(&format!("slo {service}"));
        hand.press("enter");
        assert_eq!(
            hand.model.detail(),
            Some(&Detail::Slo(names[0].clone())),
            "{service}"
        );
        if names.len() > 1 {
            hand.assert_said(&format!("the most urgent of {service}'s {} SLOs", names.len()));
        }
        hand.press("esc");
    }
    hand.press(":");
    hand.write("slo nobody");
    hand.press("enter");
    assert_eq!(hand.model.detail(), None);
}

#[test]
fn an_slo_that_waits_for_its_first_answer_is_waited_for_and_not_without_data() {
    let mut waiting = slo_report("cart-availability", "cart", 99.9, 0.0, 1.0);
    waiting.state = SloState::NoData;
    waiting.words = "waiting for the first answer".to_owned();
    waiting.windows[0].reading = Reading::Pending;
    let mut lost = slo_report("voucher-latency", "search", 99.0, 0.0, 1.0);
    lost.state = SloState::NoData;
    lost.words = "no series in the last 5m".to_owned();
    let mut slos = slo_board();
    slos.slos = vec![Arc::new(waiting), Arc::new(lost)];
    let json = midwatch::domain::slo::json::slo_json(&slos.slos[0]);
    assert_eq!(
        (&json["state"], &json["waiting"]),
        (&"no_data".into(), &true.into())
    );
    let json = midwatch::domain::slo::json::slo_json(&slos.slos[1]);
    assert_eq!(json["waiting"], false);

    let mut hand = shop_hand();
    hand.press("X");
    let rows = rows_of(Some(&slos), None, &[]);
    hand.tell(Msg::ContextsHeard(vec![report("staging", rows)]));
    let rows = screen(&hand.model);
    let row = |name: &str| rows.iter().find(|row| row.contains(name)).unwrap();
    let waiting = row("cart-availability");
    assert!(
        waiting.contains("waiting  ") && !waiting.contains("NO DATA"),
        "{waiting}"
    );
    assert!(row("voucher-latency").contains("NO DATA"));
}
