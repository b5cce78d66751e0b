//! Writing on incidents: what is typed is never lost, and goes out once.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use midwatch::app::acts::{Act, Declaration, Stage};
use midwatch::app::compose::{Body, Compose};
use midwatch::app::effect::WriteUp;
use midwatch::app::feed::{Feed, Fetched};
use midwatch::app::focus::{Detail, Page};
use midwatch::app::incidents::IncidentBoard;
use midwatch::app::modal::Modal;
use midwatch::app::msg::ActState;
use midwatch::app::{Draft, DraftKind, Effect, Model, Msg, Settings};
use midwatch::domain::incident::LONGEST_TEXT;
use midwatch::domain::incident::{
    AssignedVia, Incident, IncidentAct, IncidentId, Level, Named, Person, Status,
};
use midwatch::domain::oncall::{Duty, Roster};
use midwatch::outbox::EntryId;
use midwatch::terminal::Input;
use midwatch::time::Tick;

use super::{Hand, pod};
use crate::fixtures::{ago, board_of, now, settings, shop, size};

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

fn hand() -> Hand {
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
    hand.press("ctrl-u");
    assert_eq!(text(&hand), "precious");
}

#[test]
fn a_write_up_opens_a_page_is_asked_for_and_copied_whole() {
    let mut hand = hand();
    hand.press(":");
    hand.write("handoff");
    hand.press("enter");
    let page = Detail::Page(Page::WriteUp(WriteUp::HandOff));
    assert_eq!(hand.model.detail(), Some(&page));
    assert_eq!(hand.taken(), [Effect::Write(WriteUp::HandOff)]);
    hand.press("y");
    hand.assert_said("nothing to copy yet");
    let words = "# Hand-over\n\n- one incident\n";
    hand.tell(Msg::Written {
        what: WriteUp::Stats,
        result: Ok("not asked for".to_owned()),
    });
    assert_eq!(hand.model.written, None);
    hand.tell(Msg::Written {
        what: WriteUp::HandOff,
        result: Ok(words.to_owned()),
    });
    hand.press("y");
    let taken = hand.taken();
    let copied = Effect::Copy {
        what: "the hand-over",
        text: words.to_owned(),
    };
    assert_eq!(taken[0], copied);
    assert!(
        matches!(&taken[1..], [Effect::Record(deed)] if deed.text == "copied the hand-over"),
        "{taken:?}"
    );
    hand.press("esc");
    assert!(matches!(hand.model.detail(), Some(Detail::Incident(_))));
}

#[test]
fn who_is_on_call_is_copied_as_lines() {
    let mut hand = hand();
    let duty = |person: &str, level, start, end| Duty {
        policy: Named {
            id: "P1".into(),
            name: "Checkout".into(),
        },
        level,
        person: self::person(person),
        schedule: None,
        start,
        end,
    };
    let shift = now().utc + TimeDelta::hours(4);
    hand.tell(Msg::RosterFetched(feed(Roster {
        duties: vec![
            duty("Jun", 1, None, Some(shift)),
            duty("Mara", 1, Some(shift), None),
            duty("Sam", 2, None, None),
        ],
        ..Roster::default()
    })));
    hand.press("W y");
    assert_eq!(
        hand.taken(),
        [Effect::Copy {
            what: "who is on call",
            text: "Checkout level 1: Jun until 2026-11-20 07:14Z\nCheckout level 2: Sam\n".to_owned()
        }]
    );
}

#[test]
fn every_listed_incident_can_be_opened_from_the_palette_by_its_number() {
    let mut hand = hand();
    hand.press("esc :");
    hand.write("open #4712");
    hand.press("enter");
    assert_eq!(hand.model.detail(), Some(&Detail::Incident("Q4712".into())));
}

#[test]
fn every_headless_command_on_incidents_is_found_in_the_palette_by_its_name() {
    let commands = [
        ("ack", "acknowledge"),
        ("resolve", "incident.resolve"),
        ("escalate", "incident.escalate"),
        ("reassign", "incident.reassign"),
        ("page", "incident.page"),
        ("snooze", "incident.snooze"),
        ("merge", "incident.merge"),
        ("priority", "incident.priority"),
        ("annotate", "incident.note"),
        ("update", "incident.update"),
        ("declare", "incident.declare"),
        ("incident", "incident"),
        ("timeline", "timeline."),
        ("outbox", "outbox.list"),
        ("oncall", "oncall.list"),
        ("postmortem", "incident.postmortem"),
        ("handoff", "handoff.write"),
        ("stats", "incident.stats"),
        ("audit", "audit.list"),
        ("mark", "annotations.mark"),
        ("hand", "handoff.write"),
        ("hand over", "handoff.write"),
        ("hand", "incident.hand_back"),
        ("role", "incident.role"),
        ("advance", "incident.advance"),
        ("whose", "incident.whose"),
        ("star", "timeline.star"),
        ("todos", "timeline.todos"),
        ("kinds", "timeline.kinds"),
    ];
    for (typed, name) in commands {
        let mut hand = hand();
        hand.press(":");
        hand.write(typed);
        let Some(Modal::Palette(palette)) = &hand.model.modal else {
            panic!("{:?}", hand.model.modal)
        };
        let first: Vec<&str> = palette
            .hits
            .iter()
            .take(3)
            .map(|&hit| palette.items[hit].name.as_str())
            .collect();
        assert!(
            first.iter().any(|found| found.contains(name)),
            "{typed}: {first:?}"
        );
    }
}

#[test]
fn a_command_of_the_shell_leads_the_palette_and_nobody_quits_by_a_word_of_a_description() {
    for (typed, name) in [
        ("unack", "incident.hand_back"),
        ("page", "incident.page"),
        ("incidents", "focus.incident"),
        ("audit verify", "audit.list"),
        ("quit", "app.quit"),
        ("quit now", "app.quit_now"),
    ] {
        let mut hand = hand();
        hand.press(":");
        hand.write(typed);
        let Some(Modal::Palette(palette)) = &hand.model.modal else {
            panic!("{:?}", hand.model.modal)
        };
        assert_eq!(palette.items[palette.hits[0]].name, name, "{typed}");
        if !typed.starts_with("quit") {
            let quits = palette
                .hits
                .iter()
                .any(|&hit| palette.items[hit].name.starts_with("app.quit"));
            assert!(!quits, "{typed}");
        }
    }
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
