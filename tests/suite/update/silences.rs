//! The composer, its guards and its grace time; extending and ending silences.

use std::sync::Arc;
use std::time::Duration;

use midwatch::app::acts::{Act, PendingAct, Stage};
use midwatch::app::focus::PaneId;
use midwatch::app::modal::{Composer, Field, Modal, Past};
use midwatch::app::msg::ActState;
use midwatch::app::{Effect, Msg, Settings};
use midwatch::backend::annotations::AnnotationDraft;
use midwatch::domain::alert::{Alert, AlertBoard, StateChoice};
use midwatch::outbox::{Payload, State};

use super::{Hand, pod};
use crate::fixtures::{alert, alert_board, board_of, settings};

#[track_caller]
fn composer(hand: &Hand) -> &Composer {
    match &hand.model.modal {
        Some(Modal::Composer(composer)) => composer,
        other => panic!("no composer but {other:?}; said {:?}", hand.said()),
    }
}

fn matchers(hand: &Hand) -> String {
    composer(hand).matchers.lines().join(" ")
}

fn dangerous() -> Settings {
    Settings {
        danger: true,
        ..settings()
    }
}

#[test]
fn it_opens_on_what_the_targets_have_in_common() {
    let mut hand = Hand::with(vec![pod("A", "1"), pod("A", "2")]);
    hand.press("s");
    assert_eq!(
        matchers(&hand),
        r#"alertname="A" env="prod" service="checkout" severity="warning""#
    );
    assert_eq!(composer(&hand).duration.lines(), ["2h"]);
    assert!(matches!(
        hand.taken().as_slice(),
        [Effect::FetchSilencePast { .. }]
    ));
}

#[test]
fn a_function_key_in_the_composer_says_its_keys_and_types_nothing() {
    let mut hand = Hand::with(vec![pod("A", "1")]);
    hand.press("s");
    hand.press("f1");
    hand.assert_said("esc puts away");
    assert_eq!(composer(&hand).comment.lines(), [""]);
}

#[test]
fn esc_keeps_a_draft_for_what_it_is_about_and_starting_over_stays_with_that() {
    let mut hand = Hand::with(vec![pod("A", "1"), pod("B", "1")]);
    hand.press("s ctrl-g");
    hand.assert_said("nothing is typed here");
    hand.write("half a thought");
    hand.press("esc");
    assert!(hand.model.modal.is_none());
    hand.assert_said("the draft is kept");
    hand.press("s");
    assert!(composer(&hand).is_draft);
    assert_eq!(composer(&hand).comment.lines(), ["half a thought"]);
    hand.press("ctrl-g");
    assert!(!composer(&hand).is_draft);
    assert_eq!(composer(&hand).comment.lines(), [""]);
    assert!(matchers(&hand).contains("alertname=\"A\""));
    hand.assert_said("ctrl-g again brings it back");
    hand.press("ctrl-g");
    assert_eq!(composer(&hand).comment.lines(), ["half a thought"]);
    hand.press("ctrl-g");
    hand.press("esc");
    hand.assert_said("nothing was typed");
    assert!(hand.model.alerts.drafts.is_empty());
}

#[test]
fn a_draft_is_taken_up_only_for_what_it_is_about() {
    let mut hand = Hand::with(vec![pod("A", "1"), pod("B", "1")]);
    hand.press("s");
    hand.write("deploy of A");
    hand.press("esc j s");
    assert!(!composer(&hand).is_draft);
    assert_eq!(composer(&hand).comment.lines(), [""]);
    assert!(matchers(&hand).contains("alertname=\"B\""), "{}", matchers(&hand));
    hand.write("disks of B");
    hand.press("esc");
    // Each is there for its own, whatever was edited in it.
    hand.press("k s");
    assert_eq!(composer(&hand).comment.lines(), ["deploy of A"]);
    hand.press("shift-tab shift-tab backspace backspace esc");
    hand.press("j s");
    assert_eq!(composer(&hand).comment.lines(), ["disks of B"]);
    hand.press("enter");
    assert_eq!(
        hand.model.alerts.drafts.len(),
        1,
        "the one that is sent is no draft"
    );
    hand.press("k s");
    assert_eq!(composer(&hand).comment.lines(), ["deploy of A"]);
    hand.press("esc");
    // And where its alert is out of sight, the palette has it.
    hand.board(vec![pod("B", "1")]);
    hand.press(":");
    hand.write("silence ");
    hand.press("tab");
    let Some(Modal::Palette(palette)) = &hand.model.modal else {
        panic!("no palette")
    };
    assert!(
        palette.input.lines().join(" ").contains("alertname=\"A\""),
        "{:?}",
        palette.input.lines()
    );
    hand.press("enter");
    assert_eq!(composer(&hand).comment.lines(), ["deploy of A"]);
}

#[test]
fn alerts_with_nothing_in_common_take_up_a_draft_of_their_own_and_no_other() {
    let lone = |name: &str| {
        let labels = [(name, name)].into_iter().collect();
        Alert {
            labels,
            ..pod(name, "1")
        }
    };
    let mut hand = Hand::with(vec![lone("A"), lone("B"), lone("C"), lone("D")]);
    hand.press("x x s");
    assert_eq!(composer(&hand).about, [""; 0]);
    hand.write("a and b");
    hand.press("esc");
    hand.model.alerts.marks.clear();
    hand.press("x x s");
    assert_eq!(composer(&hand).comment.lines(), [""], "that is of others");
    hand.press("esc");
    hand.model.alerts.marks.clear();
    hand.press("g g x x s");
    assert_eq!(composer(&hand).comment.lines(), ["a and b"]);
}

#[test]
fn an_error_goes_to_its_field_and_goes_when_that_is_mended() {
    // (keys to get to the field, what to type there, the field that gets the error)
    let cases = [
        ("", "", Field::Comment, "say why"),
        ("tab", "no matcher", Field::Matchers, ""),
        ("tab tab", "x", Field::Duration, "duration"),
        ("tab tab", "0", Field::Duration, ""),
        ("tab tab", "4w", Field::Duration, "silence_max"),
    ];
    for (way, text, field, part) in cases {
        let mut hand = Hand::with(vec![pod("A", "1")]);
        hand.press("s");
        if !text.is_empty() {
            hand.write("why");
        }
        if !way.is_empty() {
            hand.press(way);
        }
        if field == Field::Matchers {
            hand.press("enter");
        }
        hand.write(text);
        while composer(&hand).field != Field::Comment {
            hand.press("tab");
        }
        hand.taken();
        hand.press("enter");
        assert!(
            hand.model.modal.is_some(),
            "{text:?} passed: {:?}",
            hand.model.acts.pending
        );
        assert_eq!(composer(&hand).field, field, "{text:?}");
        let error = composer(&hand).error.clone().unwrap_or_default();
        assert!(!error.is_empty() && error.contains(part), "{text:?}: {error:?}");
        assert_eq!(hand.taken(), []);
        assert_eq!(hand.model.acts.pending, []);
        hand.write("m");
        assert_eq!(composer(&hand).error, None, "typing takes the error away");
    }
}

#[test]
fn a_silence_is_handed_over_at_the_key_and_can_be_undone_in_its_grace() {
    let mut hand = Hand::with(vec![pod("A", "1")]);
    hand.press("s");
    hand.write("known");
    hand.taken();
    hand.press("enter");
    assert!(hand.model.modal.is_none(), "one warning is not worth a question");
    hand.assert_said("goes out in 5s · u undoes it");
    let (id, act) = hand.one_act();
    let Act::Silence(request) = act else {
        panic!("{act:?}")
    };
    assert_eq!(request.duration, Duration::from_secs(7_200));
    assert_eq!(request.comment, "known");
    assert_eq!(request.matchers.len(), 5);
    let word = |hand: &Hand| {
        let on = hand.model.acts.on_alert(pod("A", "1").occurrence.fingerprint);
        on.map(PendingAct::word)
    };
    assert_eq!(word(&hand), Some("saving…"));
    hand.journaled(id);
    assert_eq!(word(&hand), Some("silence…"));
    assert_eq!(
        hand.model.next_deadline(hand.now),
        hand.now.tick + Duration::from_secs(1)
    );
    hand.wait(60_000);
    assert_eq!(hand.taken(), [], "once");
    hand.press("u");
    hand.assert_said("nothing is in its grace time");
    assert_eq!(word(&hand), Some("silence…"), "the outbox is at it");
    hand.finish(id, ActState::Confirmed, Vec::new());
    hand.board(vec![pod("A", "1")]);
    assert_eq!(word(&hand), None);
}

#[test]
fn a_silence_that_waits_is_in_no_acknowledgements_way() {
    let mut hand = Hand::with(vec![pod("A", "1")]);
    hand.press("s");
    hand.write("known");
    hand.press("enter");
    hand.taken();
    hand.press("a");
    assert!(matches!(hand.one_act().1, Act::Acknowledge { .. }));
}

#[test]
fn what_is_undone_before_it_is_saved_is_taken_back_when_it_is() {
    let mut hand = Hand::with(vec![pod("A", "1")]);
    hand.press("s");
    hand.write("known");
    hand.taken();
    hand.press("enter");
    let (id, _) = hand.one_act();
    hand.press("u");
    assert_eq!(hand.taken(), [], "nothing is there yet");
    hand.journaled(id);
    assert_eq!(hand.taken(), [Effect::TakeBack { id }]);
}

#[test]
fn a_silence_that_could_not_be_saved_stays_in_sight_and_asks_before_it_hides_more() {
    for newcomer in [true, false] {
        let mut hand = Hand::with(vec![page("1")]);
        narrowed_to_a(&mut hand);
        hand.write("1");
        hand.press("enter");
        let (id, act) = hand.one_act();
        hand.tell(Msg::ActJournaled {
            id,
            result: Err("the disk is full".to_owned()),
        });
        hand.assert_said("NOT SAVED");
        if newcomer {
            hand.board(vec![page("1"), page("2")]);
        }
        hand.taken();
        hand.press("U a");
        if newcomer {
            assert_eq!(hand.asked()[0], "! new: A checkout 2");
            assert_eq!(hand.taken(), []);
            hand.press("esc esc esc s");
            assert_eq!(composer(&hand).comment.lines(), ["why"]);
        } else {
            assert_eq!(hand.acts(), [(id, act)]);
        }
    }
}

#[test]
fn undo_within_the_grace_takes_back_the_newest() {
    let mut hand = Hand::with(vec![pod("A", "1"), pod("B", "1")]);
    for text in ["first", "second"] {
        hand.press("s");
        hand.write(text);
        hand.press("enter j");
    }
    let ids: Vec<_> = hand.model.acts.pending.iter().map(|act| act.id).collect();
    let &[first, second] = ids.as_slice() else {
        panic!("{ids:?}")
    };
    hand.journaled(first);
    hand.journaled(second);
    hand.taken();
    hand.press("u");
    assert_eq!(hand.taken(), [Effect::TakeBack { id: second }]);
    assert!(!hand.said().contains("undone"), "not before the journal says so");
    hand.taken_back(second, true);
    hand.assert_said("undone: silence was not sent");
    hand.wait(6_000);
    assert_eq!(hand.taken(), []);
    assert_eq!(hand.model.acts.pending[0].id, first);
}

#[test]
fn quitting_within_the_grace_asks() {
    let mut hand = Hand::with(vec![pod("A", "1")]);
    hand.press("s");
    hand.write("why");
    hand.taken();
    hand.press("enter");
    let (id, _) = hand.one_act();
    hand.press("q");
    assert_eq!(hand.asked(), ["! 1 not confirmed yet: it may be lost"]);
    hand.press("esc");
    hand.journaled(id);
    let mut entry = crate::fixtures::incidents::escalation(1, 0, State::Pending);
    entry.payload = Payload::Annotation(AnnotationDraft {
        at: hand.now.utc,
        until: None,
        text: "any".to_owned(),
        tags: Vec::new(),
    });
    hand.tell(crate::fixtures::incidents::outbox(vec![entry]));
    hand.press("q");
    assert_eq!(
        hand.asked(),
        ["1 act waits in the outbox: the next console sends it, or asks"]
    );
    assert!(matches!(hand.model.acts.pending[0].stage, Stage::Grace { .. }));
}

#[test]
fn a_dangerous_context_wants_its_name() {
    let mut hand = Hand::on(dangerous(), board_of(vec![pod("A", "1")]));
    hand.press("s");
    hand.write("why");
    hand.taken();
    hand.press("enter");
    hand.asked();
    for wrong in ["", "prod", "PROD-EU", "prod-eu2"] {
        hand.write(wrong);
        hand.press("enter");
        hand.assert_said("that is not the context's name");
        assert_eq!(hand.model.acts.pending, []);
        hand.press("ctrl-u");
    }
    hand.write("prod-eu");
    hand.press("enter");
    assert!(hand.model.modal.is_none());
    assert_eq!(hand.model.acts.pending.len(), 1);
}

#[test]
fn acknowledging_never_asks_for_the_context() {
    let mut hand = Hand::on(dangerous(), board_of(vec![pod("A", "1")]));
    hand.press("a");
    hand.one_act();
}

#[test]
fn what_hides_much_or_a_page_wants_the_count() {
    let many: Vec<Alert> = (0..21).map(|n| pod("A", &n.to_string())).collect();
    let page = vec![alert("A", "critical", "checkout", 12, &[("pod", "1")])];
    for (alerts, count, settings, warning) in [
        (many, "21", settings(), "! 21 alerts, more than 20"),
        (page.clone(), "1", settings(), "! 1 alert of page severity"),
        (page, "1", dangerous(), "! 1 alert of page severity"),
    ] {
        let danger = settings.danger;
        let mut hand = Hand::on(settings, board_of(alerts));
        hand.press("s");
        hand.write("why");
        hand.press("enter");
        assert_eq!(hand.asked()[0], warning);
        if danger {
            hand.write("prod-eu");
            hand.press("enter");
            hand.asked();
        }
        // A y alone is no answer here: it is typed.
        hand.press("y enter");
        hand.assert_said("that is not how many it hides");
        hand.press("backspace");
        hand.write(count);
        hand.press("enter");
        assert_eq!(hand.model.acts.pending.len(), 1);
    }
}

#[test]
fn left_undone_at_the_question_the_draft_is_kept() {
    let mut hand = Hand::on(dangerous(), board_of(vec![pod("A", "1")]));
    hand.press("s");
    hand.write("a long reason");
    hand.press("enter esc");
    assert_eq!(hand.model.acts.pending, []);
    hand.press("s");
    assert_eq!(composer(&hand).comment.lines(), ["a long reason"]);
}

#[test]
fn only_the_last_answer_about_the_past_counts() {
    let mut hand = Hand::with(vec![pod("A", "1")]);
    let mut asked = Vec::new();
    hand.press("s tab enter");
    hand.write("a=\"b\"");
    hand.press("ctrl-g");
    hand.press("esc");
    hand.press("s");
    for effect in hand.taken() {
        if let Effect::FetchSilencePast { seq, .. } = effect {
            asked.push(seq);
        }
    }
    let last = asked.pop().unwrap();
    assert!(
        !asked.contains(&last),
        "{asked:?} {last}: no number is used twice"
    );
    for seq in asked {
        hand.tell(Msg::SilencePast {
            seq,
            result: Ok(vec![("Old".into(), 3)]),
        });
        assert_eq!(composer(&hand).past, Past::Waiting, "{seq} of {last}");
    }
    hand.tell(Msg::SilencePast {
        seq: last,
        result: Ok(vec![("New".into(), 1)]),
    });
    assert_eq!(composer(&hand).past, Past::Known(vec![("New".into(), 1)]));
}

#[test]
fn the_silence_under_the_cursor_is_extended_ended_and_followed() {
    let board = || {
        let mut board = alert_board();
        board.silences.rotate_left(1);
        board
    };
    let mut hand = Hand::on(settings(), board());
    hand.press("S +");
    let (_, act) = hand.one_act();
    assert!(
        matches!(&act, Act::Extend { cluster, id, .. } if &**cluster == "eu" && id.starts_with("5f1d")),
        "{act:?}"
    );
    hand.press("D");
    assert_eq!(
        hand.asked()[0],
        "by ops@example.com: disks are being replaced, CHG-2211"
    );
    hand.press("y");
    assert!(matches!(hand.one_act().1, Act::Expire { id, .. } if id.starts_with("5f1d")));
    hand.press("enter");
    let effects = hand.taken();
    assert_eq!(hand.model.focus, PaneId::Alerts);
    assert_eq!(hand.model.detail(), None);
    assert!(
        matches!(&effects[..], [Effect::Arrange(a)] if a.states == StateChoice::All && a.filter.contains("DiskWillFill"))
    );
}

#[test]
fn a_silence_of_ours_that_is_to_end_is_yours() {
    let mut board = alert_board();
    board.silences.rotate_left(1);
    let row = Arc::make_mut(&mut board.silences[0]);
    Arc::make_mut(&mut row.silence).created_by = "jun@example.com".into();
    let mut hand = Hand::on(settings(), board);
    hand.press("S D");
    assert_eq!(hand.asked()[0], "by you: disks are being replaced, CHG-2211");
}

#[test]
fn a_silence_is_not_extended_past_the_longest() {
    let mut board = alert_board();
    board.silences.rotate_left(1);
    let row = Arc::make_mut(&mut board.silences[0]);
    Arc::make_mut(&mut row.silence).ends_at += chrono::TimeDelta::hours(5);
    let mut hand = Hand::on(settings(), board);
    hand.press("S +");
    assert_eq!(hand.taken(), []);
    hand.assert_said("silence_max");
}

fn page(pod: &str) -> Alert {
    alert("A", "critical", "checkout", 12, &[("pod", pod)])
}

/// Asks for a silence of every A, up to the question.
fn narrowed_to_a(hand: &mut Hand) {
    hand.press("s shift-tab shift-tab");
    for _ in 0..120 {
        hand.press("backspace");
    }
    hand.write("alertname=\"A\"");
    hand.press("tab tab");
    hand.write("why");
    hand.press("enter");
    hand.asked();
    hand.taken();
}

#[test]
fn a_count_that_was_confirmed_holds_for_what_was_listed() {
    let mut hand = Hand::with(vec![page("1")]);
    narrowed_to_a(&mut hand);
    hand.write("1");
    hand.board(vec![page("1"), page("2")]);
    hand.taken();
    hand.press("enter");
    assert_eq!(hand.asked()[0], "! new: A checkout 2");
    assert_eq!(hand.model.acts.pending, []);
    hand.write("2");
    hand.press("enter");
    assert_eq!(hand.model.acts.pending.len(), 1);
    let (id, _) = hand.one_act();
    hand.journaled(id);
    hand.board(vec![page("1"), page("2")]);
    assert_eq!(hand.taken(), [], "as it was shown");
    // And it is taken back where another page comes while it waits; the text is not lost.
    hand.board(vec![page("1"), page("2"), page("3")]);
    assert_eq!(hand.taken(), [Effect::TakeBack { id }]);
    hand.taken_back(id, true);
    assert_eq!(hand.taken(), [Effect::Ring]);
    hand.assert_said("silence taken back: it would hide 3 alerts by now; its text is kept as a draft");
    assert_eq!(hand.model.acts.pending, []);
    hand.press("s");
    assert_eq!(composer(&hand).comment.lines(), ["why"]);
    assert_eq!(matchers(&hand), "alertname=\"A\"");
}

#[test]
fn the_text_of_a_silence_that_was_not_made_is_the_draft() {
    for undone in [true, false] {
        let mut hand = Hand::with(vec![pod("A", "1")]);
        hand.press("s");
        let typed = matchers(&hand);
        hand.write("a long reason");
        hand.press("tab tab up tab enter");
        if undone {
            let id = hand.model.acts.pending[0].id;
            hand.journaled(id);
            hand.press("u");
            hand.taken_back(id, true);
        } else {
            hand.wait(5_000);
            let id = hand.model.acts.pending[0].id;
            hand.finish(id, ActState::Failed, Vec::new());
            hand.assert_said("the server's word; its text is kept as a draft");
        }
        hand.press("s");
        let composer = composer(&hand);
        assert_eq!(composer.comment.lines(), ["a long reason"]);
        assert_eq!(composer.duration.lines(), ["4h"]);
        assert_eq!(matchers(&hand), typed);
    }
}

/// The board, with these sources not believed.
fn without(down: &[&str], mut board: AlertBoard) -> AlertBoard {
    for source in &mut board.sources {
        if down.contains(&&*source.name) {
            source.fault = Some("connection refused".into());
        }
    }
    board
}

#[test]
fn nothing_is_hidden_where_nobody_can_say_what() {
    let mut dead = Hand::on(
        settings(),
        without(&["eu-0", "eu-1"], board_of(vec![pod("A", "1")])),
    );
    let mut unheard = Hand::with(vec![pod("A", "1")]);
    unheard.model.alerts.board = None;
    for hand in [&mut dead, &mut unheard] {
        hand.press("s shift-tab shift-tab enter");
        hand.paste("alertname=~\".+\"");
        hand.press("tab tab");
        hand.write("why");
        hand.taken();
        hand.press("enter");
        assert_eq!(
            composer(hand).error.as_deref(),
            Some("what it hides is not known: no Alertmanager answers")
        );
        hand.wait(10_000);
        assert_eq!(hand.model.acts.pending, []);
    }
}

#[test]
fn a_cluster_that_does_not_answer_is_left_out_and_said() {
    let mut board = board_of(vec![pod("A", "1")]);
    board.sources[1].cluster = "us".into();
    let mut hand = Hand::on(settings(), without(&["eu-1"], board));
    hand.press("s");
    hand.write("why");
    hand.press("enter");
    assert_eq!(
        hand.asked()[0],
        "! not at us: it does not answer, so what it would hide there is not known"
    );
    hand.press("y");
    hand.wait(5_000);
    let act = hand.taken().into_iter().find_map(|effect| match effect {
        Effect::Carry {
            act: Act::Silence(request),
            ..
        } => Some(request),
        _ => None,
    });
    assert_eq!(act.unwrap().clusters, ["eu".into()]);
}

#[test]
fn a_silence_of_a_cluster_that_does_not_answer_is_not_extended() {
    let mut board = alert_board();
    board.silences.rotate_left(1);
    let mut hand = Hand::on(settings(), without(&["eu-0", "eu-1"], board));
    hand.press("S +");
    assert_eq!(hand.taken(), []);
    hand.assert_said("what it hides is not known");
}

#[test]
fn the_cursor_stays_on_its_silence_when_another_member_is_heard_first() {
    let board = |source: &str| {
        let mut board = alert_board();
        for row in &mut board.silences {
            Arc::make_mut(row).source = source.into();
        }
        board
    };
    let mut hand = Hand::on(settings(), board("eu-0"));
    hand.press("S j");
    let chosen = hand.model.silences.list.selected.clone();
    let mut next = board("eu-1");
    let newer = next.silences[3].clone();
    next.silences.insert(0, newer);
    Arc::make_mut(&mut next.silences[0]).cluster = "us".into();
    hand.tell(Msg::AlertsArranged(Arc::new(next)));
    assert_eq!(hand.model.silences.list.selected, chosen);
    assert_eq!(hand.model.silences.list.index, 2);
}

#[test]
fn what_may_not_be_written_to_is_refused_at_the_key() {
    let of = |writable: &[&str]| Settings {
        writable: writable.iter().map(|name| (*name).into()).collect(),
        ..settings()
    };
    let mut board = alert_board();
    board.sources[1].cluster = "us".into();
    for (writable, word) in [
        (&[][..], "every Alertmanager here is configured"),
        (&["eu-1"][..], "eu is read-only"),
    ] {
        let mut hand = Hand::on(of(writable), board.clone());
        for keys in ["S +", "S D"] {
            hand.press(keys);
            hand.assert_said(word);
            assert!(hand.model.modal.is_none());
            assert_eq!(hand.taken(), []);
        }
    }
    let mut only_eu = pod("A", "1");
    only_eu.sources = vec!["eu-0".into()];
    let mut board = board_of(vec![only_eu]);
    board.sources[1].cluster = "us".into();
    let mut hand = Hand::on(of(&["eu-1"]), board);
    hand.press("a");
    assert_eq!(hand.taken(), []);
    hand.assert_said("read_only = true");
}

#[test]
fn the_past_is_asked_about_once_typing_rests() {
    let mut hand = Hand::with(vec![pod("A", "1")]);
    hand.press("s shift-tab shift-tab enter");
    hand.taken();
    for letter in ["a", "=", "b"] {
        hand.write(letter);
        hand.wait(200);
    }
    assert_eq!(hand.taken(), [], "a question reads hours of every firing alert");
    assert!(hand.model.next_deadline(hand.now) <= hand.now.tick + Duration::from_millis(100));
    hand.wait(100);
    assert!(matches!(&hand.taken()[..], [Effect::FetchSilencePast { matchers, .. }] if matchers.len() == 6));
    hand.wait(10_000);
    assert_eq!(hand.taken(), [], "once");
}

#[test]
fn a_filter_that_hides_every_silence_says_so_and_which_word_it_is() {
    let mut hand = Hand::on(settings(), alert_board());
    hand.press("S");
    let listed = hand.model.silences.rows.len();
    assert!(listed > 0);
    hand.press("&");
    hand.write("alertnam=Disk");
    hand.press("enter");
    let board = hand.model.alerts.board.clone().unwrap();
    let pane = &hand.model.silences;
    assert_eq!((pane.rows.len(), pane.hidden), (0, listed));
    assert_eq!(
        pane.missed(&board),
        Some(("alertnam=disk".to_owned(), Some("alertname".to_owned())))
    );
    let screen = hand.screen();
    assert!(screen.contains(&format!("0 of {listed} in force")), "{screen}");
    assert!(
        screen.contains("No silence has alertnam=disk; near: alertname."),
        "{screen}"
    );
    assert!(!screen.contains("No silence (in force)"), "{screen}");
}

#[test]
fn ctrl_u_in_a_form_deletes_to_the_head_of_the_line() {
    let mut hand = Hand::with(vec![pod("A", "1")]);
    hand.press("s");
    hand.write("not this");
    hand.press("ctrl-u");
    assert_eq!(composer(&hand).comment.lines(), [""]);
    hand.press("shift-tab ctrl-u");
    hand.write("4h");
    assert_eq!(composer(&hand).duration.lines(), ["4h"]);
}
