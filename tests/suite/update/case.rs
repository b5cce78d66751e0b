//! The case view: what is asked, what its rows open, and what stays when one comes back.

use chrono::TimeDelta;
use midwatch::app::Effect;
use midwatch::app::Msg;
use midwatch::app::case::{CaseAsk, CaseOf, Gathered};
use midwatch::app::focus::{Detail, PaneId};
use midwatch::domain::case::{Began, Known, Target, Tone};
use midwatch::domain::slo::{RuleState, SloBoard, SloState};
use midwatch::domain::trace::TraceId;

use super::Hand;
use crate::fixtures::{cases, now, report, shop_with, size, slo_feed};

fn hand() -> Hand {
    Hand {
        model: shop_with(cases::asked(), size(120, 40)),
        now: now(),
        effects: Vec::new(),
        heard: Vec::new(),
    }
}

/// The questions asked since the last time.
fn asked(hand: &mut Hand) -> Vec<CaseAsk> {
    hand.taken()
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::GatherCase(ask) => Some(ask),
            _ => None,
        })
        .collect()
}

fn answer_all(hand: &mut Hand) {
    let began = cases::began(&hand.model);
    let seq = hand.model.case.as_ref().unwrap().ask.seq;
    for part in [cases::deploys(began), cases::lines(began), cases::traces(began)] {
        hand.tell(Msg::CaseGathered { seq, part });
    }
}

#[test]
fn a_case_is_of_an_alert_an_slo_or_an_incident_and_of_the_service_of_the_rest() {
    let mut hand = hand();
    for (pane, is) in [("2", "alert"), ("1", "slo"), ("5", "incident")] {
        hand.press(pane);
        hand.press("C");
        let Some(Detail::Case(of)) = hand.model.detail() else {
            panic!("{pane}: {:?}", hand.said());
        };
        let named = match of {
            CaseOf::Alert(_) => "alert",
            CaseOf::Slo(_) => "slo",
            CaseOf::Incident(_) => "incident",
            CaseOf::Service(_) => "service",
        };
        assert_eq!(named, is);
        let [ask] = &asked(&mut hand)[..] else {
            panic!("one question");
        };
        assert_eq!(ask.service.as_deref(), Some("checkout"), "{is}");
        assert!(ask.began < hand.now.utc, "{is}");
        hand.press("esc");
    }
    hand.press("4 C");
    hand.assert_said("no case here");
}

#[test]
fn an_slo_that_begins_to_burn_is_not_called_ok_and_one_that_is_overspent_has_nothing_left() {
    let mut hand = hand();
    let mut begins = report("checkout-availability", "checkout", 99.9, 0.2, 0.41);
    begins.state = SloState::Starting;
    let mut spent = report("checkout-latency", "checkout", 99.9, 0.1, -0.12);
    spent.words = "the month's budget spent 1.1×".to_owned();
    hand.tell(Msg::SloFetched(slo_feed(SloBoard {
        slos: vec![begins.into(), spent.into()],
        ..SloBoard::default()
    })));
    hand.press("1 C");
    let case = &hand.model.case.as_ref().unwrap().case;
    let rows = case.sections.iter().flat_map(|section| &section.rows);
    let slos: Vec<_> = rows.filter(|row| row.id.0.starts_with("slos/")).collect();
    assert_eq!([&*slos[0].lead, &*slos[1].lead], ["starting", "spent"]);
    let words = "checkout-latency · the month's budget spent 1.1× · ";
    assert!(slos[1].text.starts_with(words), "{}", slos[1].text);
    assert!(!slos[1].text.contains("left"), "{}", slos[1].text);
}

#[test]
fn enter_goes_on_opening_the_details() {
    let mut hand = hand();
    hand.press("1 enter");
    assert!(matches!(hand.model.detail(), Some(Detail::Slo(_))));
    hand.press("C");
    assert!(matches!(hand.model.detail(), Some(Detail::Case(CaseOf::Slo(_)))));
    hand.press("esc");
    assert!(matches!(hand.model.detail(), Some(Detail::Slo(_))));
}

#[test]
fn a_question_is_asked_once_answers_come_in_any_order_and_old_ones_are_dropped() {
    let mut hand = hand();
    hand.press("2 C");
    let [ask] = &asked(&mut hand)[..] else {
        panic!("one question");
    };
    hand.press("j j k");
    hand.tell(Msg::Timer);
    assert_eq!(asked(&mut hand), []);
    let part = Gathered::Logs(Known::Failed("of long ago".to_owned()));
    hand.tell(Msg::CaseGathered {
        seq: ask.seq - 1,
        part,
    });
    assert_eq!(hand.model.case.as_ref().unwrap().logs, Known::Looking);
    answer_all(&mut hand);
    let open = hand.model.case.as_ref().unwrap();
    assert!(!open.is_looking());
    assert_eq!(open.case.suspects[0].words, "deploy checkout 2.3.1");
    // back at once, and nothing is asked again
    hand.press("esc C");
    assert_eq!(asked(&mut hand), []);
    assert!(!hand.model.case.as_ref().unwrap().is_looking());
    // after a minute it is, and what was known stays in sight
    hand.wait(61_000);
    assert_eq!(asked(&mut hand).len(), 1);
    assert_eq!(
        hand.model.case.as_ref().unwrap().case.suspects[0].words,
        "deploy checkout 2.3.1"
    );
    hand.press("R");
    assert_eq!(asked(&mut hand).len(), 1);
}

#[test]
fn numbers_open_suspects_and_enter_the_row() {
    let mut hand = hand();
    hand.press("2 C");
    answer_all(&mut hand);
    let targets: Vec<_> = {
        let case = &hand.model.case.as_ref().unwrap().case;
        case.suspects
            .iter()
            .map(|suspect| suspect.target.clone().unwrap())
            .collect()
    };
    let span = targets
        .iter()
        .position(|target| matches!(target, Target::Trace(_)))
        .unwrap()
        + 1;
    hand.press(&span.to_string());
    assert_eq!(hand.model.detail(), Some(&Detail::Trace(TraceId([1; 16]))));
    hand.press("esc");
    let pattern = targets
        .iter()
        .position(|target| matches!(target, Target::Pattern(_)))
        .unwrap()
        + 1;
    hand.press(&pattern.to_string());
    assert_eq!((hand.model.detail(), hand.model.focus), (None, PaneId::Logs));
    assert!(
        hand.model.logs.filter.contains("exhausted"),
        "{}",
        hand.model.logs.filter
    );
    assert_eq!(hand.model.scope.service(), Some("checkout"));
    // the first suspect is a deploy: the lines around it
    hand.press("2 C enter");
    assert_eq!((hand.model.detail(), hand.model.focus), (None, PaneId::Logs));
    hand.press("2 C 5");
    hand.assert_said("there is no suspect 5");
}

#[test]
fn every_row_that_names_something_opens_it() {
    let mut hand = hand();
    hand.press("2 C");
    answer_all(&mut hand);
    let rows = hand.model.case.as_ref().unwrap().rows.len();
    for row in 0..rows {
        let open = hand.model.case.as_ref().unwrap();
        assert_eq!(open.list.index, row);
        let told = open
            .case
            .row(open.list.selected.as_ref().unwrap())
            .unwrap()
            .clone();
        let before = hand.model.details.clone();
        hand.press("enter");
        match told.target {
            None => {
                assert_eq!(hand.model.details, before, "{}", told.text);
                hand.assert_said("opens nothing");
                assert_ne!(
                    told.tone,
                    Tone::Strong,
                    "a suspect shows what it stands on: {}",
                    told.text
                );
            }
            Some(target) => {
                assert_ne!(hand.model.details, before, "{target:?}");
                while hand.model.details.len() > 1 {
                    hand.press("esc");
                }
                if hand.model.details.is_empty() {
                    hand.press("2 C");
                }
            }
        }
        hand.press("j");
    }
}

#[test]
fn a_frozen_screen_keeps_its_case() {
    let mut hand = hand();
    hand.press("2 C p");
    answer_all(&mut hand);
    let case = |hand: &Hand| hand.model.case.as_ref().unwrap().case.clone();
    assert!(case(&hand).suspects.is_empty());
    hand.press("p");
    assert!(!case(&hand).suspects.is_empty());
}

#[test]
fn nobody_is_asked_for_a_service_where_none_is_named_and_the_rows_say_so() {
    let mut hand = Hand::with(vec![crate::fixtures::alert(
        "NodeDown",
        "warning",
        "",
        12,
        &[("instance", "n1")],
    )]);
    hand.press("C");
    let [ask] = &asked(&mut hand)[..] else {
        panic!("one question");
    };
    assert_eq!(ask.service, None);
    let case = hand.model.case.as_ref().unwrap().case.clone();
    assert!(case.rows().all(|row| row.tone != Tone::Looking
        || row.id.0.starts_with("slos")
        || row.id.0.starts_with("people")));
    assert!(!hand.model.case.as_ref().unwrap().is_looking());
}

#[test]
fn a_note_from_a_case_takes_the_row_along_and_goes_to_its_incident() {
    let mut hand = hand();
    hand.press("5 C");
    answer_all(&mut hand);
    hand.press("g n");
    let Some(midwatch::app::modal::Modal::Compose(compose)) = &hand.model.modal else {
        panic!("a composer: {:?}", hand.said());
    };
    let text = format!("{compose:?}");
    assert!(text.contains("ref: case of incident Q1CHECKOUT"), "{text}");
    assert!(text.contains("deploy checkout 2.3.1"), "{text}");
}

#[test]
fn numbers_are_given_when_all_have_answered_and_then_nothing_moves_under_the_fingers() {
    let mut hand = hand();
    hand.press("2 C");
    let seq = hand.model.case.as_ref().unwrap().ask.seq;
    let began = cases::began(&hand.model);
    let tell = |hand: &mut Hand, part| hand.tell(Msg::CaseGathered { seq, part });
    tell(&mut hand, cases::traces(began));
    hand.press("1");
    hand.assert_said("suspects get their numbers when all have answered");
    // Whoever does not answer in two seconds is not waited for.
    hand.wait(2_100);
    let first = |hand: &Hand| hand.model.case.as_ref().unwrap().case.suspect(1).cloned();
    let span = first(&hand).expect("numbered");
    assert!(span.words.starts_with("span"), "{span:?}");
    // Put there by hand, and so it stays.
    hand.press("j k");
    let cursor = hand.model.case.as_ref().unwrap().list.selected.clone();
    // The likelier one comes late: the first stays the first, and the cursor on its row.
    tell(&mut hand, cases::deploys(began));
    tell(&mut hand, cases::lines(began));
    assert_eq!(first(&hand).unwrap().id, span.id);
    assert_eq!(hand.model.case.as_ref().unwrap().list.selected, cursor);
    let text: Vec<String> = {
        let case = &hand.model.case.as_ref().unwrap().case;
        case.sections[0].rows.iter().map(|row| row.text.clone()).collect()
    };
    assert!(
        text.iter()
            .any(|text| text.starts_with("new: deploy checkout 2.3.1")),
        "{text:?}"
    );
    assert!(
        text.iter().any(|text| text.contains("the likeliest now is 2")),
        "{text:?}"
    );
    // By a key, or when it is opened again, they are numbered anew.
    hand.press("R");
    assert_eq!(first(&hand).unwrap().words, "deploy checkout 2.3.1");
}

#[test]
fn coming_back_from_a_suspect_keeps_the_numbers_and_opening_the_case_again_gives_them_anew() {
    let mut hand = hand();
    hand.press("2 C");
    let seq = hand.model.case.as_ref().unwrap().ask.seq;
    let began = cases::began(&hand.model);
    hand.tell(Msg::CaseGathered {
        seq,
        part: cases::traces(began),
    });
    hand.wait(2_100);
    let first = |hand: &Hand| {
        hand.model
            .case
            .as_ref()
            .unwrap()
            .case
            .suspect(1)
            .unwrap()
            .words
            .clone()
    };
    let span = first(&hand);
    hand.press("1");
    assert_eq!(hand.model.detail(), Some(&Detail::Trace(TraceId([1; 16]))));
    hand.tell(Msg::CaseGathered {
        seq,
        part: cases::deploys(began),
    });
    hand.press("esc");
    assert_eq!(first(&hand), span);
    hand.press("esc C");
    assert_eq!(first(&hand), "deploy checkout 2.3.1");
}

#[test]
fn a_frozen_case_wakes_nobody_when_it_is_due() {
    let mut hand = hand();
    hand.press("2 C");
    answer_all(&mut hand);
    hand.press("p");
    hand.wait(120_000);
    assert_eq!(asked(&mut hand).len(), 1, "when it was opened");
    let next = hand.model.next_deadline(hand.now);
    assert!(next > hand.now.tick, "{next:?} at {:?}", hand.now.tick);
}

#[test]
fn a_burn_whose_newest_minutes_are_well_began_where_it_did_while_a_rule_fires() {
    let mut burnt = report("checkout-availability", "checkout", 99.9, 0.3, 0.5);
    burnt.state = SloState::Page;
    for line in &mut burnt.rules {
        let goes_on = line.rule.long.name() == "6h";
        line.state = if goes_on {
            RuleState::Firing
        } else {
            RuleState::Quiet
        };
    }
    // Forty minutes over, then twenty without.
    let ago = |minutes: i64| now().utc - TimeDelta::minutes(minutes);
    (burnt.spark_at, burnt.spark) = (0..=90)
        .rev()
        .map(|minutes| (ago(minutes), if (20..60).contains(&minutes) { 40.0 } else { 0.3 }))
        .unzip();
    let began = Began::of(None, None, &[], &[&burnt], now().utc);
    assert_eq!(
        (began.at, began.by.words()),
        (ago(59), "the burn began".to_owned())
    );
    burnt.state = SloState::Ok;
    let began = Began::of(None, None, &[], &[&burnt], now().utc);
    assert_eq!(began.at, now().utc, "nothing burns");
}
