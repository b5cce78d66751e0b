//! Alerts and the incidents that they belong to; from one to the other; what is told of looking.

use std::sync::Arc;

use chrono::TimeDelta;
use midwatch::app::effect::Deed;
use midwatch::app::focus::{Detail, PaneId};
use midwatch::app::modal::Modal;
use midwatch::app::msg::ActState;
use midwatch::app::{Effect, Msg, Settings};
use midwatch::domain::alert::Alert;
use midwatch::domain::incident::{Due, DueWhat, Incident, IncidentId, Level, Named, Status};

use super::Hand;
use super::incidents::firing_alert;
use crate::fixtures::incidents::{checkout, links, listed, search, with_alerts};
use crate::fixtures::{alert, board_of, now, settings, shop, size};

fn latency() -> Alert {
    alert("HighLatency", "warning", "checkout", 8, &[])
}

/// Triggered, and nobody has it.
fn free(id: &str, number: u64) -> Incident {
    Incident {
        id: IncidentId::from(id),
        number: Some(number),
        status: Status::Triggered,
        acknowledgements: Vec::new(),
        level: Level::Known(1),
        ..checkout()
    }
}

/// The alert pane, with two alerts of checkout and these incidents.
fn with(incidents: Vec<Incident>, services: &[(&str, &str)]) -> Hand {
    let mut hand = Hand::with(vec![firing_alert(), latency()]);
    hand.tell(Msg::IncidentsFetched(listed(incidents)));
    let links = links(&hand.model, services);
    hand.tell(links);
    hand.effects.clear();
    hand
}

#[track_caller]
fn menu(hand: &Hand) -> Vec<String> {
    match &hand.model.modal {
        Some(Modal::Menu(menu)) => menu.items.iter().map(|item| item.label.clone()).collect(),
        other => panic!("no menu but {other:?}; said {:?}", hand.said()),
    }
}

fn deeds(hand: &mut Hand) -> Vec<Deed> {
    let taken = hand.taken().into_iter();
    taken
        .filter_map(|effect| match effect {
            Effect::Record(deed) => Some(deed),
            _ => None,
        })
        .collect()
}

#[test]
fn where_an_alert_is_in_several_incidents_a_key_asks_which() {
    let firing = firing_alert();
    let (one, other) = (free("QA", 1), free("QB", 2));
    let by_service = free("QC", 3);
    let incidents = vec![
        with_alerts(one, [&firing]),
        with_alerts(other, [&firing]),
        by_service,
    ];
    let mut hand = with(incidents, &[("checkout", "checkout")]);
    hand.press("e");
    assert_eq!(
        menu(&hand),
        [
            "#1 · triggered, Mara · by key · checkout errors",
            "#2 · triggered, Mara · by key · checkout errors"
        ],
        "what is sure leaves no room for what may be"
    );
    assert!(hand.taken().is_empty());
    hand.press("2");
    assert_eq!(hand.taken(), [Effect::FetchLadder(IncidentId::from("QB"))]);
}

#[test]
fn a_scope_from_before_the_links_were_known_is_about_the_incident_of_its_services_alerts() {
    let mut hand = Hand::with(vec![firing_alert(), latency()]);
    hand.press(".");
    let incidents = vec![free("QB", 2), with_alerts(free("QA", 1), [&firing_alert()])];
    hand.tell(Msg::IncidentsFetched(listed(incidents)));
    hand.effects.clear();
    hand.press("1 e");
    hand.assert_said("no incident under the cursor");
    let links = links(&hand.model, &[]);
    hand.tell(links);
    hand.effects.clear();
    hand.press("e");
    let asked = Effect::FetchLadder(IncidentId::from("QA"));
    assert!(hand.taken().contains(&asked), "said {:?}", hand.said());
}

#[test]
fn what_only_the_service_links_is_asked_about_before_it_is_acted_on() {
    let mut hand = with(vec![free("QC", 3)], &[("checkout", "checkout")]);
    hand.press("e");
    assert_eq!(
        menu(&hand),
        ["#3 · triggered, Mara · by service, perhaps another trouble · checkout errors"]
    );
    hand.press("enter");
    assert_eq!(hand.taken(), [Effect::FetchLadder(IncidentId::from("QC"))]);

    // It may end while the menu is open.
    let mut hand = with(vec![free("QC", 3)], &[("checkout", "checkout")]);
    hand.press("r");
    hand.tell(Msg::IncidentsFetched(listed(Vec::new())));
    hand.press("enter");
    hand.assert_said("listed no more");
    assert!(hand.taken().is_empty());
}

#[test]
fn taking_an_alert_says_of_its_incident_that_it_is_not_taken_and_pages_on() {
    let firing = firing_alert();
    let soon = Incident {
        due: vec![Due {
            at: now().utc + TimeDelta::seconds(150),
            what: DueWhat::Escalate,
        }],
        ..free("QB", 2)
    };
    let (soon, taken) = (with_alerts(soon, [&firing]), with_alerts(checkout(), [&firing]));
    let said = |incidents: Vec<Incident>, state| {
        let mut hand = with(incidents, &[("checkout", "checkout")]);
        hand.press("a");
        let (id, _) = hand.one_act();
        hand.journaled(id);
        hand.finish(id, state, Vec::new());
        hand.said().to_owned()
    };
    assert_eq!(
        said(vec![soon.clone()], ActState::Confirmed),
        "the server's word, but #2 is not taken and escalates in 2 min · :ack #2 takes it"
    );
    let other = with_alerts(free("QA", 1), [&firing]);
    assert_eq!(
        said(vec![other, soon.clone()], ActState::Confirmed),
        "the server's word, but #2 is not taken and escalates in 2 min, nor 1 other · :ack #2 takes it"
    );
    for (incidents, state) in [
        (vec![taken], ActState::Confirmed),
        (vec![free("QC", 3)], ActState::Confirmed),
        (vec![soon.clone()], ActState::Failed),
    ] {
        assert_eq!(said(incidents, state), "the server's word");
    }

    // Its own acknowledgement has arrived, and is not listed yet.
    let mut hand = with(vec![soon], &[]);
    hand.press("5 a");
    let (id, _) = hand.one_act();
    hand.journaled(id);
    hand.finish(id, ActState::Confirmed, Vec::new());
    hand.press("2 a");
    let (id, _) = hand.one_act();
    hand.journaled(id);
    hand.finish(id, ActState::Confirmed, Vec::new());
    assert_eq!(hand.said(), "the server's word");
}

#[test]
fn an_incident_that_is_over_is_shown_and_not_acted_on() {
    let over = Incident {
        status: Status::Resolved,
        ..with_alerts(checkout(), [&firing_alert()])
    };
    let mut hand = with(vec![over], &[]);
    hand.press("r");
    hand.assert_said("no open incident is known of this alert");
    hand.press("t");
    assert_eq!(hand.model.detail(), Some(&Detail::Incident(checkout().id)));
}

#[test]
fn a_pivot_goes_from_an_alert_to_its_incident_and_back_to_its_alerts() {
    let (firing, slow) = (firing_alert(), latency());
    let mut hand = with(vec![search(), with_alerts(checkout(), [&firing, &slow])], &[]);
    hand.press("t");
    assert_eq!(hand.model.detail(), Some(&Detail::Incident(checkout().id)));
    hand.press("t");
    assert_eq!(
        menu(&hand),
        [
            "alert HighErrorRate checkout · active · by key",
            "alert HighLatency checkout · active · by key"
        ]
    );
    hand.press("2");
    assert_eq!(hand.model.focus, PaneId::Alerts);
    assert_eq!(hand.model.detail(), None);
    assert_eq!(&*hand.model.alerts.selected().unwrap().name, "HighLatency");
}

#[test]
fn an_alert_that_the_list_hides_is_opened_by_a_pivot() {
    let (firing, slow) = (firing_alert(), latency());
    let mut hand = with(vec![with_alerts(checkout(), [&slow])], &[]);
    let mut board = board_of(vec![firing]);
    board.by_fingerprint = board_of(vec![firing_alert(), slow.clone()]).by_fingerprint;
    hand.tell(Msg::AlertsArranged(Arc::new(board)));
    hand.press("5 t");
    assert_eq!(
        hand.model.detail(),
        Some(&Detail::Alert(slow.occurrence.fingerprint))
    );
}

#[test]
fn an_incident_without_known_alerts_leads_to_those_of_its_service_and_to_its_slos() {
    let mut hand = Hand {
        model: shop(size(120, 40)),
        now: now(),
        effects: Vec::new(),
        heard: Vec::new(),
    };
    let bare = Incident {
        service: Some(Named {
            id: "P1".into(),
            name: "payment".into(),
        }),
        ..checkout()
    };
    hand.tell(Msg::IncidentsFetched(listed(vec![bare])));
    let none = links(&hand.model, &[]);
    hand.tell(none);
    hand.press("5 t");
    let ways = menu(&hand);
    assert!(ways[0].ends_with("of the same service"), "{ways:?}");
    assert!(ways[1].starts_with("SLO payment-availability"), "{ways:?}");
    hand.press("2");
    assert_eq!(hand.model.slo.selected().unwrap().slo.service, "payment");
}

#[test]
fn links_stand_still_with_a_frozen_screen() {
    let firing = firing_alert();
    let fingerprint = firing.occurrence.fingerprint;
    let mut hand = with(vec![with_alerts(checkout(), [&firing])], &[]);
    hand.press("p");
    hand.tell(Msg::Linked(Arc::default()));
    assert_eq!(hand.model.incidents_of(fingerprint).len(), 1);
    hand.press("p");
    assert!(hand.model.incidents_of(fingerprint).is_empty());
}

#[test]
fn evidence_that_is_taken_along_is_told_once_and_moving_is_not_told() {
    let mut firing = firing_alert();
    firing.annotations = [("runbook_url", "https://runbooks.example/errors")]
        .into_iter()
        .collect();
    let mut hand = Hand::with(vec![firing.clone()]);
    hand.tell(Msg::IncidentsFetched(listed(vec![with_alerts(
        checkout(),
        [&firing],
    )])));
    let links = links(&hand.model, &[]);
    hand.tell(links);
    hand.press("j k g g G o esc o esc");
    let told = deeds(&mut hand);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].text, "opened the runbook of HighErrorRate");
    assert_eq!(told[0].incident, Some(checkout().id));
    assert!(
        told[0]
            .refs
            .contains(&("url", "https://runbooks.example/errors".to_owned()))
    );
    assert!(told[0].refs.contains(&("service", "checkout".to_owned())));
    hand.press("y j");
    assert_eq!(deeds(&mut hand)[0].text, "copied alert HighErrorRate as JSON");
    hand.press("y i");
    assert!(deeds(&mut hand).is_empty(), "an id is no evidence");
    hand.wait(301_000);
    hand.press("o");
    assert_eq!(deeds(&mut hand).len(), 1, "later it is news again");
}

#[test]
fn a_search_a_filter_and_a_pivot_are_told_when_they_are_made() {
    let mut hand = with(vec![with_alerts(checkout(), [&firing_alert()])], &[]);
    hand.press("5 j k 2 /");
    hand.write("late");
    assert!(deeds(&mut hand).is_empty(), "it is still being typed");
    hand.press("enter");
    let told = deeds(&mut hand);
    assert_eq!(told[0].text, "searched the alerts for `late`");
    assert_eq!(
        told[0].incident,
        Some(checkout().id),
        "the one that was turned to"
    );
    hand.press("esc &");
    hand.write("late");
    hand.press("esc");
    assert!(deeds(&mut hand).is_empty(), "it was given up");
    hand.press("g g t");
    let told = deeds(&mut hand);
    assert_eq!(
        told[0].text,
        "went on from alert HighErrorRate to incident #4711 checkout errors"
    );
}

#[test]
fn what_is_looked_up_is_told_of_an_incident_that_was_turned_to_or_is_ours_and_of_no_other() {
    let of = |incident: Incident, before: &str| {
        let mut hand = with(vec![incident], &[]);
        hand.press(before);
        hand.press("1 /");
        hand.write("late");
        hand.press("enter");
        deeds(&mut hand)[0].incident.clone()
    };
    assert_eq!(of(checkout(), "2"), None, "it only stands in its pane");
    assert_eq!(of(checkout(), "1 shift-tab tab"), None, "it was passed by");
    assert_eq!(of(checkout(), "5"), Some(checkout().id), "it was turned to");
    assert_eq!(
        of(checkout(), "1 shift-tab j k"),
        Some(checkout().id),
        "it was moved on"
    );
    assert_eq!(of(search(), "2"), Some(search().id), "it pages whoever looks");
}

#[test]
fn without_a_journal_nothing_is_told_and_nothing_complains() {
    let settings = Settings {
        no_journal: Some("no state_dir".to_owned()),
        ..settings()
    };
    let mut hand = Hand::on(settings, board_of(vec![firing_alert()]));
    hand.press("y j");
    assert!(matches!(hand.taken().as_slice(), [Effect::Copy { .. }]));
}

#[test]
fn a_note_on_an_alert_is_about_its_incident() {
    let mut hand = with(vec![search(), with_alerts(checkout(), [&firing_alert()])], &[]);
    hand.press("5 g g 2 n");
    match &hand.model.modal {
        Some(Modal::Compose(compose)) => {
            assert_eq!(compose.purpose.key().1, Some(&checkout().id));
        }
        other => panic!("{other:?} {:?}", hand.said()),
    }
}
