//! Writing on incidents: what is typed is never lost, and goes out once.

mod drafts;

use std::sync::Arc;
use std::time::Duration;

use midwatch::app::acts::{Act, Declaration, Stage};
use midwatch::app::compose::{Body, Compose};
use midwatch::app::feed::{Feed, Fetched};
use midwatch::app::incidents::IncidentBoard;
use midwatch::app::modal::Modal;
use midwatch::app::{Draft, DraftKind, Effect, Model, Msg, Settings};
use midwatch::domain::incident::{
    AssignedVia, Incident, IncidentAct, IncidentId, LONGEST_TEXT, Level, Named, Person, Status,
};
use midwatch::outbox::EntryId;
use midwatch::time::Tick;

use super::{Hand, pod};
use crate::fixtures::{ago, board_of, settings, shop, size};

pub fn person(name: &str) -> Person {
    Person {
        id: name.into(),
        name: name.into(),
        email: None,
        phone: None,
    }
}

pub fn incident(number: u64, title: &str) -> Incident {
    Incident {
        id: IncidentId(format!("Q{number}").into()),
        number: Some(number),
        source: "incidents".into(),
        title: title.into(),
        severity: Some("SEV2".into()),
        status: Status::Acknowledged,
        urgency: None,
        service: Some(Named {
            id: "S1".into(),
            name: "checkout".into(),
        }),
        assignees: vec![person("Jun")],
        assigned_via: AssignedVia::Policy,
        acknowledgements: Vec::new(),
        policy: None,
        level: Level::Known(1),
        created_at: ago(12),
        acknowledged_at: Some(ago(9)),
        resolved_at: None,
        changed_at: ago(9),
        url: None,
        alert_count: 2,
        alert_keys: Vec::new(),
        due: Vec::new(),
        roles: Vec::new(),
        responders: Vec::new(),
        merged_into: None,
    }
}

pub fn feed<T>(value: T) -> Feed<T> {
    let mut feed = Feed::new(Duration::from_secs(20));
    feed.last = Some(Fetched {
        value: Arc::new(value),
        at: Tick::from_secs(995),
    });
    feed
}

pub fn listed(incidents: Vec<Incident>) -> Msg {
    Msg::IncidentsFetched(feed(IncidentBoard {
        incidents: incidents.into_iter().map(Arc::new).collect(),
        ..IncidentBoard::default()
    }))
}

/// On the alerts, with two incidents listed and the first one open.
fn hand_with(settings: Settings) -> Hand {
    let mut hand = Hand::on(settings, board_of(vec![pod("A", "1"), pod("B", "2")]));
    hand.tell(listed(vec![
        incident(4711, "checkout errors"),
        incident(4712, "search slow"),
    ]));
    hand.press("5 enter");
    hand.taken();
    hand
}

pub fn hand() -> Hand {
    hand_with(settings())
}

#[track_caller]
fn compose(hand: &Hand) -> &Compose {
    open(&hand.model).unwrap_or_else(|| panic!("no composer but {:?}", hand.model.modal))
}

fn open(model: &Model) -> Option<&Compose> {
    match &model.modal {
        Some(Modal::Compose(compose)) => Some(compose),
        _ => None,
    }
}

fn text(hand: &Hand) -> String {
    match &compose(hand).body {
        Body::Prose(prose) => prose.area.lines().join("\n"),
        Body::Form(form) => form.title.lines().join("\n"),
    }
}

fn refs(hand: &Hand) -> Vec<String> {
    match &compose(hand).body {
        Body::Prose(prose) => prose.refs.clone(),
        Body::Form(_) => Vec::new(),
    }
}

fn draft(text: &str) -> Draft {
    Draft {
        kind: DraftKind::Note,
        incident: Some("Q4711".into()),
        text: text.to_owned(),
    }
}

fn dropped() -> Effect {
    Effect::DropDraft {
        kind: DraftKind::Note,
        incident: Some("Q4711".into()),
    }
}

/// The one act that went out, with whatever else was asked for.
#[track_caller]
fn carried(effects: &[Effect]) -> (midwatch::app::acts::ActId, Act) {
    let mut acts = effects.iter().filter_map(|effect| match effect {
        Effect::Carry { id, act } => Some((*id, act.clone())),
        _ => None,
    });
    let first = acts.next().unwrap_or_else(|| panic!("no act in {effects:?}"));
    assert_eq!(acts.next(), None, "one act");
    first
}

#[track_caller]
fn note_of(act: &Act) -> &str {
    match act {
        Act::Incident {
            act: IncidentAct::Note { text },
            ..
        } => text,
        other => panic!("no note but {other:?}"),
    }
}

#[test]
fn a_note_has_lines_and_goes_out_in_its_grace_time() {
    let mut hand = hand();
    hand.press("n");
    hand.write("rolled back");
    hand.press("enter");
    hand.write("watching");
    hand.press("alt-enter");
    assert!(hand.model.modal.is_none());
    hand.assert_said("sending in 5 s, u undoes");
    let effects = hand.taken();
    assert_eq!(
        effects[0],
        Effect::SaveDraft(draft("rolled back\nwatching")),
        "kept before it is sent"
    );
    let (id, act) = carried(&effects);
    assert_eq!(note_of(&act), "rolled back\nwatching");
    let Act::Incident { incident, label, .. } = &act else {
        panic!("{act:?}")
    };
    assert_eq!((incident, &**label), (&"Q4711".into(), "#4711 checkout errors"));
    // The outbox waits out the grace time, not this console: it is not handed over twice.
    hand.wait(5_000);
    assert_eq!(hand.taken(), []);
    hand.tell(Msg::ActJournaled {
        id,
        result: Ok(vec![EntryId(7)]),
    });
    assert_eq!(hand.taken(), [dropped()]);
}

#[test]
fn what_is_under_the_cursor_is_referred_to_and_can_be_taken_off() {
    let mut hand = hand();
    hand.press("esc 2");
    hand.press("n");
    assert_eq!(refs(&hand).len(), 1);
    let line = refs(&hand).remove(0);
    assert!(line.starts_with("ref: alert A checkout ("), "{line}");
    assert!(line.ends_with("firing since 03:02Z"), "{line}");
    hand.press("ctrl-r");
    assert_eq!(refs(&hand), [""; 0]);
    hand.press("ctrl-r");
    hand.write("this one");
    hand.press("alt-enter");
    let (_, act) = carried(&hand.taken());
    assert_eq!(note_of(&act), format!("this one\n\n{line}"));
}

#[test]
fn a_reference_lives_through_its_draft_and_another_can_be_added() {
    let mut hand = hand();
    hand.press("esc 2 n");
    hand.write("both");
    hand.press("esc j n");
    assert_eq!(refs(&hand).len(), 1, "the draft's own");
    hand.press("ctrl-r");
    let names: Vec<bool> = refs(&hand)
        .iter()
        .map(|line| line.contains("alert A") || line.contains("alert B"))
        .collect();
    assert_eq!(names, [true, true]);
}

#[test]
fn nothing_written_is_not_sent_and_neither_is_too_much() {
    let mut hand = hand();
    hand.press("n");
    hand.press("alt-enter");
    assert!(
        compose(&hand)
            .error
            .as_deref()
            .unwrap()
            .contains("nothing is written")
    );
    hand.paste(&"é".repeat(50_000));
    assert_eq!(compose(&hand).error, None, "mended by typing");
    hand.press("alt-enter");
    let error = compose(&hand).error.clone().unwrap();
    assert!(
        error.contains("50000") && error.contains(&LONGEST_TEXT.to_string()),
        "{error}"
    );
    assert_eq!(text(&hand).chars().count(), 50_000, "kept");
    let acts = hand
        .taken()
        .iter()
        .filter(|e| matches!(e, Effect::Carry { .. }))
        .count();
    assert_eq!(acts, 0);
}

#[test]
fn a_paste_keeps_its_lines_and_loses_its_control_characters() {
    let mut hand = hand();
    hand.press("n");
    hand.paste("a\u{1b}[31m\r\n\tb\u{0} שלום 👩‍🚒");
    hand.press("alt-enter");
    let (_, act) = carried(&hand.taken());
    assert_eq!(note_of(&act), "a[31m\n\tb שלום 👩‍🚒");
}

#[test]
fn nothing_is_written_where_it_could_not_be_kept_or_nothing_may_change() {
    let read_only = Settings {
        read_only: true,
        ..settings()
    };
    let no_journal = Settings {
        no_journal: Some("the journal is damaged".to_owned()),
        ..settings()
    };
    for (settings, why) in [(read_only, "read-only"), (no_journal, "journal is damaged")] {
        for key in ["n", "N", "i"] {
            let mut hand = hand_with(settings.clone());
            hand.press(key);
            assert!(hand.model.modal.is_none(), "{key}");
            hand.assert_said(why);
        }
    }
}

#[test]
fn without_an_incident_it_says_so_and_offers_what_can_be_done() {
    let annotations = Settings {
        annotations: Some("grafana".into()),
        ..settings()
    };
    for (settings, offers) in [(settings(), 1), (annotations, 2)] {
        let mut hand = Hand::on(settings, board_of(vec![pod("A", "1")]));
        hand.press("n");
        hand.assert_said("no incident");
        let Some(Modal::Menu(menu)) = &hand.model.modal else {
            panic!("{:?}", hand.model.modal)
        };
        assert_eq!(menu.items.len(), offers);
        hand.press("i");
        assert!(
            matches!(hand.model.modal, Some(Modal::Menu(_))),
            "no letter of a note chooses"
        );
        hand.wait(1_500);
        if offers == 2 {
            hand.press("m");
            hand.write("failover begins");
            hand.press("alt-enter");
            let (_, act) = carried(&hand.taken());
            let Act::Annotate(mark) = act else {
                panic!("{act:?}")
            };
            assert_eq!((mark.text.as_str(), mark.at), ("failover begins", hand.now.utc));
        } else {
            hand.press("i");
            assert!(matches!(compose(&hand).body, Body::Form(_)));
        }
    }
}

#[test]
fn a_declaration_is_filled_in_from_the_alert_under_the_cursor() {
    let mut hand = hand();
    hand.press("esc 2 i");
    assert_eq!(text(&hand), "A checkout 1");
    hand.press("esc");
    assert_eq!(hand.model.drafts, [], "nobody wrote that");
    hand.press("i tab 1 tab enter");
    let (id, act) = carried(&hand.taken());
    let Act::Declare(declaration) = act else {
        panic!("{act:?}")
    };
    assert_eq!(declaration.severity, "SEV1");
    assert_eq!(declaration.service.as_deref(), Some("checkout"));
    assert_eq!(declaration.alerts.len(), 1);
    assert!(
        matches!(hand.model.acts.pending[0].stage, Stage::Sent { .. }),
        "no grace"
    );
    hand.tell(Msg::ActJournaled {
        id,
        result: Ok(Vec::new()),
    });
    assert_eq!(
        hand.taken(),
        [Effect::DropDraft {
            kind: DraftKind::Declaration,
            incident: None
        }]
    );
}

#[test]
fn a_declaration_needs_a_title_and_the_contexts_name_where_acts_are_dangerous() {
    let dangerous = Settings {
        danger: true,
        ..settings()
    };
    let mut hand = hand_with(dangerous);
    hand.press("esc 1 i alt-enter");
    assert!(compose(&hand).error.as_deref().unwrap().contains("title"));
    hand.write("All is down");
    hand.press("alt-enter");
    assert!(matches!(hand.model.modal, Some(Modal::Confirm(_))));
    hand.press("esc i");
    assert_eq!(text(&hand), "All is down", "the no lost nothing");
    hand.press("alt-enter");
    hand.taken();
    hand.write("prod-eu");
    hand.press("enter");
    let (_, act) = carried(&hand.taken());
    assert_eq!(
        act,
        Act::Declare(Declaration {
            title: "All is down".to_owned(),
            severity: "SEV3".to_owned(),
            service: None,
            alerts: Vec::new(),
        })
    );
}

#[test]
fn a_status_update_is_written_like_a_note_and_has_a_draft_of_its_own() {
    let mut hand = hand();
    hand.press("n");
    hand.write("a note");
    hand.press("esc N");
    assert_eq!(text(&hand), "");
    hand.write("we are on it");
    hand.press("alt-enter");
    let (_, act) = carried(&hand.taken());
    assert!(
        matches!(&act, Act::Incident { act: IncidentAct::StatusUpdate { text }, .. } if text == "we are on it"),
        "{act:?}"
    );
    assert_eq!(hand.model.drafts, [draft("a note")]);
}

#[test]
fn the_editor_gets_the_text_and_what_it_gives_back_is_saved_at_once() {
    let mut hand = hand();
    hand.press("n");
    hand.write("short");
    hand.press("ctrl-o");
    assert_eq!(
        hand.taken(),
        [
            Effect::SaveDraft(draft("short")),
            Effect::Edit("short".to_owned())
        ]
    );
    hand.tell(Msg::Edited(Ok("long\nand clear\n".to_owned())));
    assert_eq!(text(&hand), "long\nand clear");
    assert_eq!(hand.taken(), [Effect::SaveDraft(draft("long\nand clear"))]);
    hand.press("ctrl-o");
    hand.taken();
    hand.tell(Msg::Edited(Err("the editor vi ended with status 1".to_owned())));
    assert!(compose(&hand).error.as_deref().unwrap().contains("status 1"));
    assert_eq!(text(&hand), "long\nand clear", "as it was");
}

#[test]
fn what_was_cleared_by_mistake_comes_back() {
    let mut hand = hand();
    hand.press("n");
    hand.write("precious");
    hand.press("ctrl-l");
    assert_eq!(
        hand.taken().pop(),
        Some(Effect::Repaint),
        "what repaints clears nothing"
    );
    assert_eq!(text(&hand), "precious");
    hand.press("ctrl-g");
    assert_eq!(text(&hand), "");
    hand.assert_said("again brings it back");
    hand.press("ctrl-g");
    assert_eq!(text(&hand), "precious");
}

#[test]
fn ctrl_u_deletes_to_the_head_of_the_line_wherever_somebody_types() {
    let mut hand = hand();
    hand.press("n");
    hand.write("first");
    hand.press("enter");
    hand.write("some more words");
    hand.press("ctrl-w");
    assert_eq!(text(&hand), "first\nsome more ");
    hand.press("left left left left left ctrl-u");
    assert_eq!(text(&hand), "first\nmore ");
    hand.press("ctrl-u");
    assert_eq!(text(&hand), "first\nmore ", "the line above stays");
    hand.press("ctrl-k");
    assert_eq!(text(&hand).trim_end(), "first");
    hand.press("esc i");
    hand.write("wrong title");
    hand.press("ctrl-u");
    hand.write("right");
    let Some(Modal::Compose(open)) = &hand.model.modal else {
        panic!("nothing is declared")
    };
    assert!(open.written().starts_with("title: right\n"), "{}", open.written());
}

#[test]
fn a_note_refers_to_an_event_that_was_chosen_and_not_to_the_last_word() {
    let mut hand = hand();
    hand.model = shop(size(120, 40));
    hand.press("5 enter n");
    assert_eq!(refs(&hand), [""; 0]);
    hand.press("esc k k n");
    let line = refs(&hand).pop().unwrap_or_default();
    assert!(line.starts_with("ref: event 03:"), "{line}");
}

#[test]
fn a_grace_time_begins_when_the_act_is_on_the_disk() {
    let mut hand = hand();
    hand.press("n");
    hand.write("slow disk");
    hand.press("alt-enter");
    let (id, _) = carried(&hand.taken());
    hand.wait(60_000);
    hand.journaled(id);
    hand.taken();
    hand.wait(4_000);
    hand.press("u");
    assert!(hand.taken().contains(&Effect::TakeBack { id }));
}

#[test]
fn what_is_typed_after_a_refused_note_is_run_as_no_key() {
    let read_only = Settings {
        read_only: true,
        ..settings()
    };
    let mut hand = hand_with(read_only);
    let before = (hand.model.focus, hand.model.details.clone());
    hand.press("n");
    hand.assert_said("read-only");
    hand.write("1 q pool is dry");
    hand.press("enter");
    assert_eq!((hand.model.focus, hand.model.details.clone()), before);
    assert!(!hand.model.quitting && hand.model.modal.is_none());
    hand.assert_said("not written anywhere");
    hand.wait(1_500);
    hand.press("?");
    assert!(
        matches!(hand.model.modal, Some(Modal::Help { .. })),
        "after a pause keys act"
    );
    hand.press("esc n esc ?");
    assert!(
        matches!(hand.model.modal, Some(Modal::Help { .. })),
        "after esc too"
    );
}
