//! Moving, finding, narrowing: what changes on screen and nothing else.

use std::sync::Arc;

use midwatch::action::Action;
use midwatch::app::focus::{Detail, Layout, PaneId};
use midwatch::app::modal::{Command, Modal};
use midwatch::app::panes::AlertRow;
use midwatch::app::toast::Level;
use midwatch::app::{Effect, Model, Msg};
use midwatch::domain::alert::desk::Arrangement;
use midwatch::domain::alert::{Grouping, StateChoice};
use midwatch::domain::incident::Incident;
use midwatch::keymap;
use midwatch::terminal::Input;

use super::{Hand, pod};
use crate::fixtures::{
    ago, alert, alert_board, board_of, calm, crowd, incidents, now, settings, shop, size, slo_board,
};

/// The shop on fire, the keys on its alerts.
fn shop_hand() -> Hand {
    let mut hand = Hand {
        model: shop(size(120, 40)),
        now: now(),
        effects: Vec::new(),
        heard: Vec::new(),
    };
    hand.press("2");
    hand
}

#[test]
fn a_screen_is_still_until_something_on_it_counts_seconds() {
    fn still(build: impl Fn(&mut Hand)) -> bool {
        let mut hand = shop_hand();
        hand.model = calm(size(120, 40));
        build(&mut hand);
        hand.model.is_still(hand.now)
    }
    let has = |incident: Incident| {
        still(|hand| hand.tell(Msg::IncidentsFetched(incidents::listed(vec![incident.clone()]))))
    };
    assert!(still(|_| {}));
    assert!(!still(|hand| hand.press(":")), "what has the keys");
    assert!(!still(|hand| hand.model.toasts.say(
        Level::Info,
        "passing words",
        hand.now.tick
    )));
    assert!(has(incidents::checkout()), "in twenty minutes");
    assert!(!has(incidents::search()), "in four");
    let mut over = incidents::search();
    over.due[0].at = ago(1);
    assert!(has(over), "it stands at nought");
}

#[test]
fn zoom_and_shares_say_why_they_change_nothing_where_one_pane_stands_alone() {
    for key in ["z", "<", ">"] {
        let mut hand = shop_hand();
        hand.model.size = size(80, 24);
        let before = hand.model.layout.clone();
        hand.press(key);
        hand.assert_said("one pane stands alone at this size");
        assert_eq!(
            hand.model.layout, before,
            "{key} is not kept for a larger terminal"
        );
    }
}

fn selected(hand: &Hand) -> String {
    match &hand.model.alerts.list.selected {
        Some(AlertRow::Alert { fingerprint, .. }) => {
            let alert = hand.model.alerts.alert(*fingerprint).unwrap();
            format!("{} {}", alert.name, alert.labels.value("pod"))
                .trim()
                .to_owned()
        }
        Some(AlertRow::Group(key)) => format!("group {}", key.value("alertname")),
        None => "nothing".to_owned(),
    }
}

#[test]
fn a_key_that_is_not_bound_says_so_and_names_help() {
    let mut hand = shop_hand();
    hand.press("ctrl-k");
    hand.assert_said("ctrl-k is not bound here · ? shows the keys");
    assert_eq!(hand.taken(), []);
}

#[test]
fn a_key_that_is_bound_in_another_place_says_where_and_what_it_does_there() {
    let mut hand = shop_hand();
    hand.press("P");
    hand.assert_said("P is not bound here; it is in the logs pane (patterns) and an open trace (facts)");
    assert_eq!(hand.taken(), []);
}

#[test]
fn a_sequence_waits_for_its_end_and_esc_leaves_it() {
    let keymap = Arc::new(keymap::load("vim", None).unwrap());
    let model = Model::new(settings(), keymap, Layout::default(), size(120, 40), now());
    let mut hand = Hand {
        model,
        now: now(),
        effects: Vec::new(),
        heard: Vec::new(),
    };
    hand.tell(Msg::AlertsArranged(Arc::new(alert_board())));
    hand.press("2 G");
    let bottom = selected(&hand);
    hand.press("g");
    assert_eq!(selected(&hand), bottom);
    assert_eq!(hand.model.pending_keys.len(), 1);
    hand.press("g");
    assert_ne!(selected(&hand), bottom);
    assert!(hand.model.pending_keys.is_empty());
    hand.press("z esc");
    assert!(hand.model.pending_keys.is_empty());
    assert_eq!(hand.said(), "", "out of the sequence, and nothing else");
    hand.press("z 9");
    hand.assert_said("z 9 is not bound here");
    hand.press("Z Z");
    assert_eq!(hand.taken(), [Effect::Quit]);
}

#[test]
fn a_paste_is_text_or_nothing() {
    let mut hand = shop_hand();
    for _ in 0..2 {
        hand.paste("q\nq\ra\n");
        hand.assert_said("nothing here takes text");
        assert_eq!(hand.taken(), []);
        assert!(hand.model.acts.pending.is_empty());
        hand.press("?");
    }
    hand.press("esc esc &");
    hand.paste("pay\u{1b}[31mment\r\n");
    assert!(
        !hand.model.alerts.filter.contains('\u{1b}'),
        "{:?}",
        hand.model.alerts.filter
    );
    assert!(hand.model.alerts.filter.starts_with("pay"));
}

#[test]
fn a_filter_holds_as_it_is_typed_and_esc_brings_the_old_one_back() {
    let mut hand = shop_hand();
    hand.press("&");
    hand.write("pa");
    let filters: Vec<String> = hand
        .taken()
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Arrange(Arrangement { filter, .. }) => Some(filter),
            _ => None,
        })
        .collect();
    assert_eq!(filters, ["p", "pa"]);
    hand.press("enter &");
    hand.write("yment");
    hand.press("esc");
    assert_eq!(hand.model.alerts.filter, "pa");
    assert!(matches!(hand.taken().last(), Some(Effect::Arrange(a)) if a.filter == "pa"));
    hand.press("1 &");
    hand.write("cart");
    assert_eq!(hand.model.slo.rows, ["cart-availability"]);
    hand.press("esc");
    assert_eq!(hand.model.slo.rows.len(), slo_board().slos.len());
}

#[test]
fn a_search_goes_to_its_hits_and_round() {
    let mut hand = Hand::with(vec![pod("A", "1"), pod("B", "1"), pod("C", "1"), pod("B2", "1")]);
    hand.press("N");
    hand.assert_said("N is not bound here");
    hand.press("/");
    hand.write("B");
    assert_eq!(selected(&hand), "B 1", "as it is typed");
    hand.press("enter n");
    assert_eq!(selected(&hand), "B2 1");
    hand.press("n");
    assert_eq!(selected(&hand), "B 1", "round the end");
    hand.press("N");
    assert_eq!(selected(&hand), "B2 1");
    hand.press("/");
    hand.write("ZZZ");
    hand.press("enter n");
    hand.assert_said("no hit");
    assert_eq!(selected(&hand), "B2 1", "the cursor stays");
}

#[test]
fn scopes_stack_are_undone_in_turn_and_reach_every_pane() {
    let mut hand = shop_hand();
    hand.press("1 .");
    assert_eq!(hand.model.scope.service(), Some("checkout"));
    assert!(
        matches!(hand.taken().last(), Some(Effect::Arrange(a)) if a.scope.service.as_deref() == Some("checkout"))
    );
    assert_eq!(hand.model.slo.rows, ["checkout-availability"]);
    hand.press(".");
    hand.assert_said("already the scope");
    hand.press("2 G .");
    hand.press(", ,");
    assert_eq!(hand.model.scope.service(), None);
    assert!(matches!(hand.taken().last(), Some(Effect::Arrange(a)) if a.scope.service.is_none()));
    hand.press(",");
    hand.assert_said("no scope to undo");
}

#[test]
fn a_pivot_goes_to_the_same_service_in_the_other_pane_and_back() {
    let mut hand = shop_hand();
    hand.press("1 j t");
    assert_eq!(hand.model.focus, PaneId::Alerts);
    assert_eq!(&*hand.model.alerts.selected().unwrap().service, "payment");
    hand.press("enter t");
    assert_eq!(hand.model.focus, PaneId::Slo);
    assert_eq!(hand.model.detail(), None);
    assert_eq!(hand.model.slo.selected().unwrap().slo.service, "payment");
    hand.press("2 G t");
    hand.assert_said("names a service");
}

#[test]
fn the_palette_ranks_names_and_knows_the_words_every_hand_types() {
    for (typed, action) in [
        ("q", Action::Quit),
        ("quit", Action::Quit),
        ("ack", Action::Acknowledge),
        ("alerts.silence", Action::Silence),
        ("pause", Action::Pause),
        ("hand back", Action::HandBack),
    ] {
        let mut hand = shop_hand();
        hand.press(":");
        hand.write(typed);
        let Some(Modal::Palette(palette)) = &hand.model.modal else {
            panic!("no palette")
        };
        let first = &palette.items[palette.hits[0]];
        assert_eq!(first.command, Command::Run(action), "{typed}: {}", first.name);
    }
    let mut hand = shop_hand();
    hand.press(":");
    hand.write("zzzzz");
    hand.press("enter");
    hand.assert_said("nothing by that name");
    assert!(hand.model.modal.is_some());
}

#[test]
fn the_palette_runs_an_action_where_it_belongs() {
    let mut hand = shop_hand();
    hand.press("1 :");
    hand.write("alerts.show_all");
    hand.press("enter");
    assert_eq!(hand.model.focus, PaneId::Alerts);
    assert_eq!(hand.model.alerts.states, StateChoice::All);
    hand.press(":");
    hand.write("context staging");
    hand.press("enter");
    assert_eq!(
        hand.taken().last(),
        Some(&Effect::SwitchContext("staging".to_owned()))
    );
}

#[test]
fn another_context_asks_while_an_act_is_under_way() {
    let mut hand = Hand::with(vec![pod("A", "1")]);
    hand.press("a :");
    hand.write("context staging");
    hand.taken();
    hand.press("enter");
    hand.asked();
    hand.press("esc");
    assert_eq!(hand.taken(), []);
    assert_eq!(hand.model.acts.pending.len(), 1);
}

#[test]
fn the_cursor_stays_on_its_alert_while_rows_move() {
    let rows = || vec![pod("A", "1"), pod("B", "1"), pod("C", "1"), pod("D", "1")];
    let mut hand = Hand::with(rows());
    hand.press("j j");
    assert_eq!(selected(&hand), "C 1");
    let mut turned = rows();
    turned.reverse();
    turned.insert(0, alert("Page", "critical", "cart", 1, &[]));
    hand.board(turned);
    assert_eq!(selected(&hand), "C 1");
    assert!(hand.model.alerts.displaced.is_none());
    // A moment without any row does not lose it.
    hand.board(Vec::new());
    hand.board(rows());
    assert_eq!(selected(&hand), "C 1");
    // Gone, the cursor keeps its row.
    hand.board(vec![pod("A", "1"), pod("B", "1"), pod("D", "1")]);
    assert_eq!(selected(&hand), "D 1");
    assert!(hand.model.alerts.displaced.is_some());
}

#[test]
fn the_cursor_stays_on_its_alert_through_folds_and_regrouping() {
    let mut hand = Hand::with(vec![pod("Z", "0"), pod("A", "1"), pod("A", "2"), pod("A", "3")]);
    hand.press("j l j j");
    assert_eq!(selected(&hand), "A 2");
    hand.press("h");
    assert_eq!(selected(&hand), "group A", "folded away, its head has the cursor");
    hand.press("l j j");
    assert_eq!(selected(&hand), "A 2");
    // Flat: the same alert in a group of its own.
    let mut flat = board_of(vec![pod("Z", "0"), pod("A", "1"), pod("A", "2"), pod("A", "3")]);
    let groups = flat.groups.iter().flat_map(|group| {
        group.alerts.iter().map(|alert| {
            let mut one = (**group).clone();
            one.key = alert.labels.clone();
            one.alerts = vec![Arc::clone(alert)];
            Arc::new(one)
        })
    });
    flat.groups = groups.collect();
    hand.tell(Msg::AlertsArranged(Arc::new(flat)));
    assert_eq!(selected(&hand), "A 2");
    // And back among folded groups: the head that holds it.
    hand.press("2");
    hand.model.alerts.unfolded.clear();
    hand.board(vec![pod("Z", "0"), pod("A", "1"), pod("A", "2"), pod("A", "3")]);
    assert_eq!(selected(&hand), "group A");
}

#[test]
fn grouping_and_states_go_round() {
    let mut hand = shop_hand();
    hand.press("b b b b");
    let asked: Vec<Grouping> = hand
        .taken()
        .into_iter()
        .map(|effect| match effect {
            Effect::Arrange(arrangement) => arrangement.grouping,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        asked,
        [
            Grouping::Labels(vec!["alertname".into()]),
            Grouping::Labels(vec!["service".into()]),
            Grouping::Flat,
            Grouping::Server
        ]
    );
    hand.press("v v v");
    assert_eq!(hand.model.alerts.states, StateChoice::Active);
}

#[test]
fn a_resize_keeps_the_cursor_in_sight_and_makes_the_page() {
    let mut hand = Hand::on(settings(), crowd(2_000));
    hand.press("G");
    let last = hand.model.alerts.list.index;
    assert_eq!(last, hand.model.alerts.rows.len() - 1);
    for (width, height) in [(120, 40), (80, 24), (40, 10), (1, 1), (0, 0), (250, 80), (80, 24)] {
        hand.tell(Msg::Input(Input::Resize(size(width, height))));
        let cursor = &hand.model.alerts.list;
        assert_eq!(cursor.index, last);
        assert!(
            cursor.offset <= last && last < cursor.offset + cursor.page.max(1),
            "{width}x{height}: {cursor:?}"
        );
    }
    let page = hand.model.alerts.list.page;
    hand.press("pgup");
    assert_eq!(hand.model.alerts.list.index, last - page);
}

#[test]
fn a_late_answer_about_a_closed_alert_does_not_take_the_open_ones_place() {
    let mut hand = Hand::with(vec![pod("A", "1"), pod("B", "1")]);
    hand.press("enter esc j enter");
    let Some(Detail::Alert(open)) = hand.model.detail().cloned() else {
        panic!("none is open")
    };
    let closed = pod("A", "1").occurrence.fingerprint;
    for fingerprint in [open, closed] {
        hand.tell(Msg::AlertHistory {
            fingerprint,
            result: Ok(Vec::new()),
        });
    }
    assert_eq!(hand.model.alerts.history.as_ref().map(|(of, _)| *of), Some(open));
}

#[test]
fn paused_the_rows_stand_still_and_a_new_page_breaks_in() {
    let mut hand = Hand::with(vec![pod("A", "1")]);
    hand.press("p");
    let mut board = board_of(vec![alert("Page", "critical", "cart", 0, &[]), pod("A", "1")]);
    board.newly_firing = vec![board.groups[0].alerts[0].occurrence.fingerprint];
    hand.tell(Msg::AlertsArranged(Arc::new(board)));
    assert!(hand.taken().contains(&Effect::Ring));
    assert_eq!(hand.model.alerts.rows.len(), 1);
    assert_eq!(hand.model.paused.as_ref().map(|p| p.new_pages), Some(1));
    hand.press("p");
    assert_eq!(hand.model.alerts.rows.len(), 2);
}

#[test]
fn the_first_board_does_not_ring_for_what_was_there_already() {
    let mut hand = Hand {
        model: crate::fixtures::silent(size(80, 24)),
        now: now(),
        effects: Vec::new(),
        heard: Vec::new(),
    };
    for rings in [false, true] {
        let mut board = alert_board();
        board.newly_firing = vec![board.groups[0].alerts[0].occurrence.fingerprint];
        hand.tell(Msg::AlertsArranged(Arc::new(board)));
        assert_eq!(hand.taken().contains(&Effect::Ring), rings);
    }
}

#[test]
fn a_remembered_layout_never_leaves_the_keys_with_a_hidden_pane() {
    for hidden in PaneId::ALL {
        let layout = Layout {
            hidden: [hidden].into(),
            ..Layout::default()
        };
        let keymap = Arc::new(keymap::load("default", None).unwrap());
        let model = Model::new(settings(), keymap, layout, size(80, 24), now());
        assert_ne!(model.focus, hidden);
    }
}

#[test]
fn what_turns_to_a_hidden_pane_shows_it() {
    for way in ["1 t enter", ": a l e r t s . g r o u p enter", "S j enter"] {
        let mut hand = shop_hand();
        hand.press("Z");
        assert_eq!(hand.model.focus, PaneId::Slo);
        hand.press(way);
        assert_eq!(hand.model.focus, PaneId::Alerts, "{way}");
        assert!(hand.model.layout.hidden.is_empty(), "{way}");
    }
}

#[test]
fn a_row_that_was_worked_on_keeps_the_cursor() {
    let page = || alert("Page", "critical", "cart", 0, &[]);
    for keys in ["l", "enter", "l h", "x k"] {
        let group = || vec![pod("A", "1"), pod("A", "2")];
        let mut hand = Hand::with(group());
        assert_eq!(selected(&hand), "group A");
        hand.press(keys);
        hand.press("esc");
        let mut more = vec![page()];
        more.extend(group());
        hand.board(more);
        assert_eq!(selected(&hand), "group A", "{keys}");
    }
    // Who chose the pane reads the row under its cursor.
    let mut hand = Hand::with(vec![pod("A", "1")]);
    hand.board(vec![page(), pod("A", "1")]);
    assert_eq!(selected(&hand), "A 1");
}

#[test]
fn while_paused_nothing_changes_that_the_frozen_rows_would_not_show() {
    for keys in ["v", "b", ".", ",", "&"] {
        let mut hand = Hand::with(vec![pod("A", "1"), pod("B", "1")]);
        hand.press("p");
        let title = |hand: &Hand| {
            (
                hand.model.alerts.grouping.clone(),
                hand.model.alerts.states,
                hand.model.scope.service().map(str::to_owned),
            )
        };
        let before = title(&hand);
        hand.taken();
        hand.press(keys);
        assert_eq!(hand.taken(), [], "{keys}");
        assert_eq!(title(&hand), before, "{keys}");
        assert!(hand.model.modal.is_none(), "{keys}");
        hand.assert_said("paused; p lets go");
    }
}

#[test]
fn a_context_is_not_left_with_a_draft_unasked() {
    let mut hand = Hand::with(vec![pod("A", "1")]);
    hand.press("s");
    hand.write("half a thought");
    hand.press("esc :");
    hand.write("context staging");
    hand.taken();
    hand.press("enter");
    assert_eq!(
        hand.asked(),
        ["! the draft of a silence waits here until you come back; it is lost when midwatch ends"]
    );
    assert_eq!(hand.taken(), []);
    hand.press("y");
    assert_eq!(hand.taken(), [Effect::SwitchContext("staging".to_owned())]);
}
