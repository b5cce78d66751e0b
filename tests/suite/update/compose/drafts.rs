//! Drafts: what was typed is kept until the act is on the disk, and comes back.

use std::time::Duration;

use midwatch::app::msg::ActState;
use midwatch::app::{Draft, DraftKind, Effect, Msg};
use midwatch::outbox::EntryId;
use midwatch::terminal::Input;

use super::{carried, compose, draft, dropped, hand, text};

#[test]
fn the_draft_is_dropped_when_the_act_is_on_the_disk_and_not_before() {
    let mut hand = hand();
    hand.press("n");
    hand.write("text");
    hand.press("ctrl-d");
    let (id, _) = carried(&hand.taken());
    hand.wait(1_000);
    assert_eq!(hand.taken(), []);
    hand.tell(Msg::ActJournaled {
        id,
        result: Ok(vec![EntryId(1)]),
    });
    assert_eq!(hand.taken(), [dropped()]);
}

#[test]
fn a_note_that_could_not_be_saved_comes_back_with_the_reason() {
    let mut hand = hand();
    hand.press("n");
    hand.write("text");
    hand.press("alt-enter");
    let (id, _) = carried(&hand.taken());
    hand.tell(Msg::ActJournaled {
        id,
        result: Err("the disk is full".to_owned()),
    });
    assert_eq!(text(&hand), "text");
    let error = compose(&hand).error.clone().unwrap();
    assert!(error.contains("disk is full"), "{error}");
    assert!(hand.model.acts.pending.is_empty());
    assert!(!hand.taken().contains(&dropped()));
}

#[test]
fn a_note_that_could_not_be_saved_waits_as_a_draft_where_something_else_is_open() {
    for keys in ["?", "n"] {
        let mut hand = hand();
        hand.press("n");
        hand.write("first");
        hand.press("alt-enter");
        let (id, _) = carried(&hand.taken());
        hand.press(keys);
        if keys == "n" {
            hand.write("second");
        }
        hand.tell(Msg::ActJournaled {
            id,
            result: Err("the disk is full".to_owned()),
        });
        if keys == "?" {
            hand.assert_said("kept as a draft");
            hand.press("esc esc n");
            assert_eq!(text(&hand), "first");
        } else {
            assert_eq!(text(&hand), "first\n\nsecond", "neither is lost");
        }
    }
}

#[test]
fn an_act_that_never_reached_the_journal_gives_its_text_back() {
    let mut hand = hand();
    hand.press("n");
    hand.write("text");
    hand.press("alt-enter");
    let (id, _) = carried(&hand.taken());
    hand.finish(id, ActState::Failed, Vec::new());
    assert_eq!(text(&hand), "text");
    assert!(
        compose(&hand)
            .error
            .as_deref()
            .unwrap()
            .contains("the server's word")
    );
}

#[test]
fn undo_takes_a_note_back_and_its_text_is_a_draft_again() {
    for journaled in [true, false] {
        let mut hand = hand();
        hand.press("n");
        hand.write("too soon");
        hand.press("alt-enter");
        let (id, _) = carried(&hand.taken());
        if journaled {
            hand.tell(Msg::ActJournaled {
                id,
                result: Ok(vec![EntryId(1)]),
            });
            hand.taken();
        }
        hand.press("u");
        if journaled {
            assert_eq!(
                hand.taken(),
                [Effect::TakeBack { id }, Effect::SaveDraft(draft("too soon"))]
            );
        } else {
            // Its late word drops no draft: only now is there something to take back.
            assert_eq!(hand.taken(), []);
            hand.tell(Msg::ActJournaled {
                id,
                result: Ok(vec![EntryId(1)]),
            });
            assert_eq!(hand.taken(), [Effect::TakeBack { id }]);
        }
        assert!(!hand.said().contains("undone"), "{:?}", hand.said());
        hand.taken_back(id, true);
        assert_eq!(hand.taken(), [Effect::SaveDraft(draft("too soon"))]);
        hand.assert_said("undone: note was not sent; its text is kept as a draft");
        hand.press("n");
        assert_eq!(text(&hand), "too soon");
    }
}

#[test]
fn what_is_typed_is_saved_within_a_second_and_whenever_the_composer_closes() {
    let mut hand = hand();
    hand.press("n");
    hand.write("half a thought");
    assert_eq!(hand.taken(), []);
    assert!(hand.model.next_deadline(hand.now) <= hand.now.tick + Duration::from_secs(1));
    hand.wait(1_000);
    assert_eq!(hand.taken(), [Effect::SaveDraft(draft("half a thought"))]);
    hand.wait(5_000);
    assert_eq!(hand.taken(), [], "nothing new to save");
    // (what closes it, what else follows)
    let closings: [(&str, &[Effect]); 3] = [
        ("esc", &[]),
        ("ctrl-z", &[Effect::Suspend]),
        ("ctrl-c", &[Effect::Quit]),
    ];
    for (key, also) in closings {
        let mut hand = self::hand();
        hand.press("n");
        hand.write("half a thought");
        hand.press(key);
        let mut want = vec![Effect::SaveDraft(draft("half a thought"))];
        want.extend_from_slice(also);
        assert_eq!(hand.taken(), want, "{key}");
    }
    for end in [Msg::ShutDown, Msg::Input(Input::Closed)] {
        let mut hand = self::hand();
        hand.press("n");
        hand.write("half a thought");
        hand.tell(end);
        assert_eq!(
            hand.taken(),
            [Effect::SaveDraft(draft("half a thought")), Effect::Quit]
        );
    }
}

#[test]
fn esc_keeps_a_draft_for_its_own_incident_and_says_how_it_comes_back() {
    let mut hand = hand();
    hand.press("n");
    hand.write("half");
    hand.press("esc");
    hand.assert_said("draft kept; n opens it again");
    hand.press("esc j enter n");
    assert_eq!(text(&hand), "", "another incident's note is another note");
    hand.press("esc esc k enter n");
    assert_eq!(text(&hand), "half");
}

#[test]
fn a_composer_that_was_emptied_leaves_no_draft() {
    let mut hand = hand();
    hand.press("n");
    hand.write("x");
    hand.wait(1_000);
    hand.press("backspace esc");
    assert_eq!(hand.taken(), [Effect::SaveDraft(draft("x")), dropped()]);
    assert_eq!(hand.model.drafts, []);
    hand.press("n esc");
    assert_eq!(
        hand.taken(),
        [],
        "nothing typed, nothing kept, nothing said to the disk"
    );
}

#[test]
fn drafts_of_a_session_that_crashed_come_back() {
    let mut hand = hand();
    hand.tell(Msg::DraftsRead(vec![draft("from before")]));
    hand.assert_said("a draft of yours from before: n opens the note on its incident");
    hand.press("n");
    assert_eq!(text(&hand), "from before");
    let mut declared = self::hand();
    declared.tell(Msg::DraftsRead(vec![Draft {
        kind: DraftKind::Declaration,
        incident: None,
        text: "title: orders fail\nseverity: SEV2\nservice: shop".to_owned(),
    }]));
    declared.assert_said("a draft of yours from before: i opens the declaration");
    declared.press("i");
    assert!(compose(&declared).written().contains("orders fail"));
    // One that arrives while its composer is open already is put before what is typed.
    let mut hand = self::hand();
    hand.press("n");
    hand.write("now");
    hand.tell(Msg::DraftsRead(vec![draft("before")]));
    assert_eq!(text(&hand), "before\n\nnow");
}

#[test]
fn what_could_not_be_undone_any_more_is_said_to_be_sent_and_is_no_draft() {
    let mut hand = hand();
    hand.press("n");
    hand.write("gone");
    hand.press("alt-enter");
    let (id, _) = carried(&hand.taken());
    hand.journaled(id);
    hand.press("u");
    hand.taken();
    hand.taken_back(id, false);
    hand.assert_said("NOT undone, note is sent: it is confirmed already");
    assert_eq!(hand.taken(), [dropped(), Effect::Ring]);
    hand.press("n");
    assert_eq!(text(&hand), "");
}

#[test]
fn a_draft_from_before_and_what_was_put_away_since_are_both_kept() {
    let mut hand = hand();
    hand.press("n");
    hand.write("now");
    hand.press("esc");
    hand.taken();
    hand.tell(Msg::DraftsRead(vec![draft("before")]));
    assert_eq!(hand.taken(), [Effect::SaveDraft(draft("before\n\nnow"))]);
    hand.press("n");
    assert_eq!(text(&hand), "before\n\nnow");
}
