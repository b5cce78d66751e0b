//! Pages that are written or listed, and the palette that finds them, and every command, by name.

use chrono::TimeDelta;
use midwatch::app::effect::WriteUp;
use midwatch::app::focus::{Detail, Page};
use midwatch::app::modal::Modal;
use midwatch::app::{Effect, Msg};
use midwatch::domain::incident::Named;
use midwatch::domain::oncall::{Duty, Roster};

use super::compose::{feed, hand, person};
use crate::fixtures::now;

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
