//! What every pane is turned to: by a thing, by time; pinned, undone, and the way back from a pivot.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use midwatch::app::focus::{Detail, PaneId};
use midwatch::app::logs::LogsAsk;
use midwatch::app::modal::{Choice, Goal, Modal};
use midwatch::app::scope::{Scope, TimeRange};
use midwatch::app::{Effect, Msg, Settings};
use midwatch::domain::alert::desk::Arrangement;
use midwatch::domain::service_map::{Caller, ServiceMap};
use midwatch::domain::timeline::EventKind;

use super::Hand;
use crate::fixtures::incidents::{event, tell_story};
use crate::fixtures::logs::{store, story, tell_lines, with_logs};
use crate::fixtures::{
    ago, alert, board_of, incidents, now, shop_with, size, slo_board, slo_feed, waterfalls,
};

/// Every signal, two alerts of one service in two clusters.
fn settings() -> Settings {
    let traces = waterfalls::with_traces();
    Settings {
        logs: with_logs().logs,
        ..traces
    }
}

fn hand_with(settings: Settings) -> Hand {
    let alerts = vec![
        alert("Slow", "critical", "checkout", 12, &[("cluster", "eu")]),
        alert("Full", "warning", "payment", 3, &[("cluster", "us")]),
    ];
    let mut hand = Hand::on(settings, board_of(alerts));
    hand.tell(Msg::SloFetched(slo_feed(slo_board())));
    hand.effects.clear();
    hand
}

fn hand() -> Hand {
    hand_with(settings())
}

fn arranged(hand: &mut Hand) -> Arrangement {
    let arranged = hand.taken().into_iter().filter_map(|effect| match effect {
        Effect::Arrange(arrangement) => Some(arrangement),
        _ => None,
    });
    arranged.last().expect("arranged anew")
}

/// Takes the entry of the open menu that leads there.
fn take(hand: &mut Hand, leads: impl Fn(&Goal) -> bool) {
    let Some(Modal::Menu(menu)) = &hand.model.modal else {
        panic!("no menu: {:?}", hand.said());
    };
    let item = menu
        .items
        .iter()
        .find(|item| matches!(&item.choice, Choice::Go { goal, .. } if leads(goal)));
    let key = item.expect("offered").key.to_string();
    hand.press(&key);
}

#[test]
fn an_alert_turns_the_panes_to_its_service_environment_and_time() {
    let mut hand = hand();
    hand.press("2 g .");
    let scope = hand.model.scope.current().cloned().unwrap();
    assert_eq!(scope.service.as_deref(), Some("checkout"));
    assert_eq!(scope.labels.get("cluster").map(String::as_str), Some("eu"));
    assert_eq!(scope.range, Some(TimeRange::since(ago(12 + 15))));
    let arranged = arranged(&mut hand);
    assert_eq!(arranged.scope.labels, scope.labels);
    // its traces go back as far as the trouble does, and on up to now
    let asked = hand.model.traces.asked.clone().unwrap();
    assert_eq!((asked.until, asked.back.as_secs() / 60), (None, 27));
    hand.press(",");
    assert_eq!(hand.model.scope.current(), None);
    assert_eq!(hand.model.traces.asked.as_ref().unwrap().back.as_secs(), 3_600);
}

#[test]
fn what_tells_no_time_is_looked_at_in_the_time_that_holds() {
    let mut hand = hand();
    hand.press("[");
    let range = hand.model.scope.range().unwrap();
    let back = |minutes| hand.now.utc - TimeDelta::minutes(minutes);
    assert_eq!(range, TimeRange::between(back(90), back(30)));
    // an SLO that burns not tells none
    let calm = hand.model.slo.rows.len();
    hand.press("1 G .");
    let scope = hand.model.scope.current().unwrap();
    assert!(scope.service.is_some() && calm > 1);
    assert_eq!(scope.range, Some(range));
}

#[test]
fn times_go_back_by_halves_and_forth_to_the_present() {
    let mut hand = hand();
    hand.press("2 g . ]");
    hand.assert_said("this is the present");
    hand.press("[");
    let closed = hand.model.scope.range().unwrap();
    assert!(closed.to.is_some_and(|to| to < now().utc));
    let traces = hand.model.traces.asked.clone().unwrap();
    assert_eq!(traces.until, closed.to);
    assert_eq!(
        hand.model.logs.at.map(midwatch::domain::log::Nanos::utc),
        closed.middle(),
        "lines around its middle"
    );
    hand.press("[");
    assert!(hand.model.scope.range().unwrap().from < closed.from);
    hand.press("] ]");
    let scope = hand.model.scope.current().unwrap();
    assert_eq!(
        scope.range,
        Some(TimeRange::since(ago(27))),
        "as the alert told it"
    );
    assert_eq!(hand.model.logs.at, None, "and the lines are the newest again");
    hand.press(",");
    assert_eq!(
        hand.model.scope.current(),
        None,
        "times gone through are no steps"
    );
}

#[test]
fn a_typed_time_turns_every_pane_and_one_that_does_not_read_is_said() {
    let mut hand = hand();
    hand.press("2 T");
    hand.write("tea time");
    hand.press("enter");
    assert!(hand.model.modal.is_some(), "it stays to be mended");
    hand.press("ctrl-u");
    hand.write("around 01:00");
    hand.press("enter");
    let range = hand.model.scope.range().unwrap();
    assert!(range.to.is_some());
    assert_eq!(hand.model.traces.asked.as_ref().unwrap().until, range.to);
    hand.press("T");
    hand.write("now");
    hand.press("enter");
    assert_eq!(hand.model.scope.range(), None);
    hand.press("3 T");
    hand.write("01:00 01:30");
    hand.press("enter");
    let half = hand.model.scope.range().unwrap();
    assert_eq!(half.to.map(|to| to - half.from), Some(TimeDelta::minutes(30)));
    hand.press("T");
    hand.write("01:10");
    hand.press("enter");
    assert_eq!(hand.model.scope.range(), Some(half), "a moment is gone to within");
}

#[test]
fn a_pinned_pane_is_passed_by() {
    let mut hand = hand();
    hand.press("4 !");
    hand.assert_said("Traces pinned: the scope passes it by");
    hand.press("2 g .");
    let asked = hand.model.traces.asked.clone().unwrap();
    assert_eq!(asked.wanted.service, None);
    assert_eq!(arranged(&mut hand).scope.service.as_deref(), Some("checkout"));
    hand.press("4 !");
    let asked = hand.model.traces.asked.clone().unwrap();
    assert_eq!(asked.wanted.service.as_deref(), Some("checkout"));
    // whoever goes to a pane on purpose lets it follow
    hand.press("3 ! 2 t");
    take(&mut hand, |goal| matches!(goal, Goal::Logs(..)));
    assert!(!hand.model.scope.is_pinned(PaneId::Logs));
}

#[test]
fn a_pivot_is_undone_with_all_that_it_changed() {
    let mut hand = hand();
    hand.press("4 Q");
    hand.write("dur>1s");
    hand.press("enter 2 g enter");
    let details = hand.model.details.clone();
    assert!(!details.is_empty());
    hand.press("t");
    take(
        &mut hand,
        |goal| matches!(goal, Goal::Traces(service, Some(_)) if &**service == "checkout"),
    );
    assert_eq!(
        (hand.model.focus, hand.model.traces.query.as_str()),
        (PaneId::Traces, "")
    );
    assert_eq!(hand.model.scope.service(), Some("checkout"));
    // a pin is no step: the way back leads over it
    hand.press("5 ! ,");
    assert_eq!(hand.model.focus, PaneId::Alerts);
    assert_eq!(hand.model.details, details);
    assert_eq!(hand.model.traces.query, "dur>1s");
    assert_eq!(hand.model.scope.current(), None);
}

#[test]
fn a_list_that_was_drawn_is_there_at_once_when_it_is_come_back_to() {
    use crate::fixtures::tracelist;
    let mut model = tracelist::listed(size(120, 40));
    let before = model.traces.rows.clone();
    assert!(!before.is_empty());
    crate::fixtures::press(&mut model, ".");
    assert!(model.scope.service().is_some());
    assert!(
        model.traces.drawn().is_none(),
        "another question has no answer yet"
    );
    crate::fixtures::press(&mut model, ",");
    assert!(model.traces.drawn().is_some(), "within the frame of the key");
    assert_eq!(model.traces.rows, before);
}

#[test]
fn each_backend_is_asked_by_the_name_that_it_has_for_a_service() {
    let theirs = |name: &str| BTreeMap::from([("checkout".to_owned(), name.to_owned())]);
    let names = BTreeMap::from([
        (Caller::Logs, theirs("checkout-api")),
        (Caller::Traces, theirs("checkoutservice")),
        (Caller::Slos, theirs("shop/checkout")),
    ]);
    let labels = vec!["service".to_owned(), "job".to_owned()];
    let mut hand = hand_with(Settings {
        services: Arc::new(ServiceMap::new(labels, names)),
        ..settings()
    });
    hand.press("2 g .");
    assert_eq!(hand.model.scope.service(), Some("checkout"));
    let asked = hand.model.traces.asked.clone().unwrap();
    assert_eq!(asked.wanted.service.as_deref(), Some("checkoutservice"));
    let logs = hand.taken().into_iter().find_map(|effect| match effect {
        Effect::AskLogs(ask) => ask.wanted.service,
        _ => None,
    });
    assert_eq!(logs.as_deref(), Some("checkout-api"));
    assert!(hand.model.slo.rows.is_empty(), "its SLOs go by another name");
}

#[test]
fn the_page_of_an_slo_has_the_alerts_that_go_by_the_alerts_name_for_its_service() {
    let names = BTreeMap::from([("checkout".to_owned(), "shop/checkout".to_owned())]);
    let services = ServiceMap::new(
        vec!["service".to_owned()],
        BTreeMap::from([(Caller::Alerts, names)]),
    );
    let settings = Settings {
        services: Arc::new(services),
        ..settings()
    };
    let alerts = vec![
        alert("Slow", "critical", "shop/checkout", 12, &[]),
        // by the name that is ours, of which the alerts mean another service
        alert("Full", "warning", "checkout", 3, &[]),
    ];
    let mut hand = Hand::on(settings, board_of(alerts));
    hand.tell(Msg::SloFetched(slo_feed(slo_board())));
    hand.press("1 enter");
    assert_eq!(
        hand.model.detail(),
        Some(&Detail::Slo("checkout-availability".to_owned()))
    );
    let screen = super::acks::screen(&hand);
    let (_, alerts) = screen.split_once("Alerts of the service").expect("said");
    assert!(alerts.contains("Slow") && !alerts.contains("Full"), "{alerts}");
}

#[test]
fn a_pivot_that_finds_nothing_says_by_which_names_it_looked() {
    let names = BTreeMap::from([("checkout".to_owned(), "shop/checkout".to_owned())]);
    let services = ServiceMap::new(
        vec!["service".to_owned(), "app".to_owned()],
        BTreeMap::from([(Caller::Slos, names)]),
    );
    // nobody to ask for lines or traces
    let mut hand = hand_with(Settings {
        services: Arc::new(services),
        ..crate::fixtures::settings()
    });
    hand.press("2 g t");
    hand.assert_said("no incident, and no SLO by service, app: checkout (slos: shop/checkout)");
}

#[test]
fn an_event_of_a_timeline_leads_to_what_it_names_and_to_its_time() {
    let mut model = shop_with(settings(), size(120, 40));
    incidents::happen(&mut model);
    let mut deploy = event(20, EventKind::Deploy, None, "checkout: deploy 2.3.1");
    deploy.refs = [("service".into(), "checkout".into())].into();
    let mut story = incidents::story();
    story.events.insert(0, deploy);
    tell_story(&mut model, story);
    let mut hand = Hand {
        model,
        now: now(),
        effects: Vec::new(),
        heard: Vec::new(),
    };
    hand.press("5 enter g t");
    let at = ago(20);
    take(
        &mut hand,
        |goal| matches!(goal, Goal::Logs(service, Some(there)) if &**service == "checkout" && there.utc() == at),
    );
    assert_eq!(hand.model.scope.range(), Some(TimeRange::since(ago(35))));
    hand.press(", .");
    let scope = hand.model.scope.current().unwrap();
    assert_eq!(scope.range, Some(TimeRange::around(at, TimeDelta::minutes(5))));
    assert!(matches!(hand.model.detail(), Some(Detail::Incident(_))));
}

#[test]
fn a_moment_is_chosen_by_moving_and_stays_when_another_pane_is_gone_to() {
    let mut hand = hand();
    tell_lines(&mut hand.model, &store(&[story()]), LogsAsk::default());
    hand.press("3 k k");
    let chosen = hand.model.moment.expect("a line is of a moment");
    assert_eq!(chosen.pane, PaneId::Logs);
    hand.press("1 2");
    assert_eq!(hand.model.moment, Some(chosen), "going elsewhere chooses nothing");
    hand.press("G");
    let moment = hand.model.moment.unwrap();
    assert_eq!((moment.pane, moment.at), (PaneId::Alerts, ago(3)));
    hand.press("esc esc esc");
    assert_eq!(hand.model.moment, None);
}

#[test]
fn the_chart_of_an_slo_is_gone_along() {
    let mut hand = hand();
    let mut board = slo_board();
    let report = Arc::make_mut(&mut board.slos[0]);
    report.spark_at = (0..).map(ago).take(report.spark.len()).collect();
    report.spark_at.reverse();
    hand.tell(Msg::SloFetched(slo_feed(board)));
    hand.press("1 g enter h h");
    let moment = hand.model.moment.expect("a point is of a moment");
    assert_eq!((moment.pane, moment.at), (PaneId::Slo, ago(1)));
    hand.press("l l");
    assert_eq!(hand.model.moment.unwrap().at, ago(0));
    hand.assert_said("the chart has no point further on");
}

#[test]
fn a_note_is_on_the_incident_that_the_panes_were_turned_to_for() {
    let mut model = shop_with(settings(), size(120, 40));
    incidents::happen(&mut model);
    let other = model
        .incidents
        .rows
        .iter()
        .position(|id| *id != incidents::checkout().id);
    let rows = model.incidents.rows.clone();
    model.incidents.list.select(&rows, other.unwrap());
    model.scope.push(Scope {
        incident: Some(incidents::checkout().id),
        ..Scope::of_service("checkout")
    });
    let mut hand = Hand {
        model,
        now: now(),
        effects: Vec::new(),
        heard: Vec::new(),
    };
    hand.press("3 e");
    let asked = hand.taken().into_iter().find_map(|effect| match effect {
        Effect::FetchLadder(id) => Some(id),
        _ => None,
    });
    assert_eq!(asked, Some(incidents::checkout().id));
}
