//! What a scope leaves of each pane, what it cannot narrow and says so, and rows of pages as something to go on from.

use std::sync::Arc;

use chrono::TimeDelta;
use midwatch::app::case::CaseOf;
use midwatch::app::feed::Fetched;
use midwatch::app::focus::{Detail, PaneId};
use midwatch::app::list::Placed;
use midwatch::app::logs::{Learnt, LogView, LogsAsk, Past};
use midwatch::app::modal::{Choice, Goal, Modal};
use midwatch::app::scope::{Scope, TimeRange};
use midwatch::app::strip::{Failures, StripAsk, StripPart};
use midwatch::app::{Effect, Model, Msg, Settings};
use midwatch::backend::logs::TailMode;
use midwatch::domain::alert::{AlertBoard, Outside};
use midwatch::domain::incident::{Incident, IncidentId};
use midwatch::domain::log::{Level, Nanos, Volume};
use midwatch::domain::oncall::Duty;
use midwatch::domain::pattern::{BUCKETS, Form, Pattern, PatternId, Standing};
use midwatch::domain::trace::TraceId;
use midwatch::domain::trace::summary::{Outcome, Whole};
use midwatch::theme::{Glyphs, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::Hand;
use crate::fixtures::logs::{store, story, tell_lines, view, with_logs};
use crate::fixtures::{
    self, ago, alert, alert_board, board_of, cases, incidents, now, shop_with, size, tracelist, waterfalls,
};

fn hand_of(model: Model) -> Hand {
    Hand {
        model,
        now: now(),
        effects: Vec::new(),
        heard: Vec::new(),
    }
}

/// Every signal, and the incidents of the night.
fn settings() -> Settings {
    Settings {
        logs: with_logs().logs,
        ..waterfalls::with_traces()
    }
}

fn hand() -> Hand {
    let mut model = shop_with(settings(), size(160, 44));
    incidents::happen(&mut model);
    hand_of(model)
}

/// What is on screen.
fn screen(model: &Model) -> String {
    let mut buffer = Buffer::empty(Rect::new(0, 0, model.size.width, model.size.height));
    let theme = Theme::from_styles("plain", Glyphs::Unicode, |_| Style::new());
    midwatch::view::draw(model, &theme, now(), &mut buffer);
    let area = buffer.area;
    let row = |y| {
        (0..area.width)
            .map(|x| buffer[(x, y)].symbol())
            .collect::<String>()
    };
    (0..area.height).map(row).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn shows(model: &Model, part: &str) {
    let screen = screen(model);
    assert!(screen.contains(part), "{part:?} is not in\n{screen}");
}

fn ids(hand: &Hand) -> Vec<String> {
    let rows = hand.model.incidents.rows.iter();
    rows.map(|id| id.0.to_string()).collect()
}

fn logs_asked(hand: &mut Hand) -> LogsAsk {
    let asked = hand.taken().into_iter().filter_map(|effect| match effect {
        Effect::AskLogs(ask) => Some(ask),
        _ => None,
    });
    asked.last().expect("lines are asked for")
}

#[test]
fn incidents_of_another_service_are_outside_and_counted() {
    let mut hand = hand();
    assert_eq!(ids(&hand), ["Q2SEARCH", "Q1CHECKOUT", "local-7"]);
    hand.press("1 g .");
    assert_eq!(hand.model.scope.service(), Some("checkout"));
    assert_eq!(ids(&hand), ["Q1CHECKOUT"]);
    hand.press("5");
    shows(&hand.model, "2 outside, 1 unacked");
    // a new one elsewhere is counted at once, one of ours is a row
    let ours = Incident {
        id: IncidentId::from("Q3MORE"),
        ..incidents::checkout()
    };
    let elsewhere = Incident {
        id: IncidentId::from("Q4CART"),
        service: Some(incidents::named("cart")),
        ..incidents::search()
    };
    let all = vec![incidents::search(), incidents::checkout(), ours, elsewhere];
    hand.tell(Msg::IncidentsFetched(incidents::listed(all)));
    assert_eq!(ids(&hand), ["Q1CHECKOUT", "Q3MORE"]);
    shows(&hand.model, "2 outside, 2 unacked");
    hand.press(",");
    assert_eq!(ids(&hand).len(), 4);
}

#[test]
fn what_burns_or_fires_outside_of_the_scope_is_counted_in_its_border() {
    let mut hand = hand();
    hand.press("1 g .");
    // Within: checkout pages. Outside: payment pages, search tickets, gateway has an error, login lost its data, cart spent its budget.
    shows(&hand.model, "⟨checkout⟩  1 page ─");
    shows(&hand.model, "4 not ok outside, 1 page");
    let mut board = alert_board();
    board.counts.outside = Outside {
        active: 6,
        acknowledged: 1,
        suppressed: 2,
    };
    let mut hand = Hand::on(settings(), board);
    hand.model.size = size(160, 44);
    shows(&hand.model, "2 firing · 1 acked");
    shows(&hand.model, "6 outside");
    hand.press("2");
    shows(&hand.model, "6 outside");
}

#[test]
fn a_comparison_is_scoped_and_gone_on_from_by_the_call_under_the_cursor() {
    let mut hand = hand_of(tracelist::compared(size(120, 40)));
    let other = hand.model.traces.comparison.as_ref().unwrap().other;
    hand.press(".");
    assert_eq!(hand.model.scope.current().unwrap().trace, Some(other));
    hand.press(", t");
    assert!(
        matches!(hand.model.modal, Some(Modal::Menu(_))),
        "{:?}",
        hand.model.modal
    );
}

#[test]
fn the_service_graph_leads_to_the_traces_of_each_service_and_says_why_it_has_no_scope() {
    let mut hand = hand_of(fixtures::pages::service_graph(size(120, 40)));
    hand.press(".");
    hand.assert_said("no cursor to scope by");
    hand.press("t");
    let Some(Modal::Menu(menu)) = &hand.model.modal else {
        panic!("no menu")
    };
    let labels: Vec<&str> = menu.items.iter().map(|item| &*item.label).collect();
    assert_eq!(
        labels[..2],
        ["traces of checkout", "traces of payment"],
        "what fails first"
    );
    hand.taken();
    hand.press("2");
    let asked = hand.taken().into_iter().find_map(|effect| match effect {
        Effect::AskTraces(ask) => ask.wanted.service,
        _ => None,
    });
    assert_eq!(asked.as_deref(), Some("payment"));
}

#[test]
fn whoever_acts_here_is_known_by_every_name_and_the_top_bar_says_of_which_policy_somebody_is_on_call() {
    let mut hand = hand();
    for name in ["jun@example.com", "Jun@Example.com", "jun", "Jun"] {
        assert!(hand.model.us().are(name), "{name}");
    }
    for name in ["", "mara@example.com", "junior"] {
        assert!(!hand.model.us().are(name), "{name}");
    }
    shows(&hand.model, "on call Sam → you");
    let mut roster = incidents::roster();
    roster.duties.push(Duty {
        policy: incidents::named("payments"),
        ..roster.duties[0].clone()
    });
    let last = hand.model.incidents.roster.last.clone().unwrap();
    let mut feed = hand.model.incidents.roster.clone();
    feed.last = Some(Fetched {
        value: Arc::new(roster),
        ..last
    });
    hand.tell(Msg::RosterFetched(feed));
    shows(&hand.model, "on call primary: Sam → you");
}

#[test]
fn an_incident_is_of_what_its_alerts_are_of_and_one_that_tells_nothing_may_be_of_anything() {
    let alerts = vec![
        alert("Slow", "critical", "checkout", 12, &[("cluster", "eu")]),
        alert("Full", "critical", "checkout", 12, &[("cluster", "us")]),
    ];
    let mut hand = Hand::on(settings(), board_of(alerts.clone()));
    let named = |id: &str, service: Option<&str>, of: &[usize]| {
        let of = of.iter().map(|at| &alerts[*at]);
        let incident = Incident {
            id: IncidentId::from(id),
            service: service.map(incidents::named),
            ..incidents::search()
        };
        incidents::with_alerts(incident, of)
    };
    let all = vec![
        named("by alert", Some("Shop frontend"), &[0]),
        named("other cluster", Some("checkout"), &[1]),
        named("nameless", None, &[]),
        named("of cart", Some("cart"), &[]),
    ];
    hand.tell(Msg::IncidentsFetched(incidents::listed(all)));
    let links = incidents::links(&hand.model, &[]);
    hand.tell(links);
    hand.press("2 g");
    let row = hand
        .model
        .alerts
        .selected()
        .unwrap()
        .labels
        .get("cluster")
        .map(str::to_owned);
    assert_eq!(row.as_deref(), Some("eu"));
    hand.press(".");
    assert_eq!(ids(&hand), ["by alert", "nameless"]);
}

#[test]
fn a_cursor_that_a_scope_took_away_comes_back_with_its_incident() {
    let mut hand = hand();
    hand.press("5 g");
    let search = incidents::search().id;
    assert_eq!(hand.model.incidents.list.selected, Some(search.clone()));
    hand.press("1 g .");
    assert_eq!(hand.model.incidents.list.selected, Some(incidents::checkout().id));
    assert_ne!(
        hand.model.incidents.list.placed,
        Placed::Bereft,
        "nothing is over"
    );
    hand.press(",");
    assert_eq!(hand.model.incidents.list.selected, Some(search));
    // where nothing is left no key hits what nobody sees
    hand.model.scope.push(Scope::of_service("email"));
    hand.press("1 g");
    hand.tell(Msg::IncidentsFetched(incidents::listed(
        vec![incidents::search()],
    )));
    assert_eq!(ids(&hand), Vec::<String>::new());
    assert_eq!(hand.model.incidents.selected(), None);
    hand.press("5");
    shows(&hand.model, "No incident of email is listed.");
    shows(&hand.model, "1 open outside of the scope, 1 of them unacked.");
}

#[test]
fn the_environment_narrows_lines_and_is_said_where_it_cannot_narrow() {
    let mut hand = Hand::on(
        settings(),
        board_of(vec![alert(
            "Slow",
            "critical",
            "checkout",
            12,
            &[("cluster", "eu")],
        )]),
    );
    hand.press("2 g .");
    let asked = logs_asked(&mut hand);
    assert_eq!(
        asked.wanted.environment.get("cluster").map(String::as_str),
        Some("eu")
    );
    hand.press("4");
    shows(&hand.model, "checkout · any cl");
    hand.press("3");
    shows(&hand.model, "checkout · eu");
}

#[test]
fn a_trace_in_the_scope_shows_its_lines_is_stood_on_and_is_said_where_it_does_not_apply() {
    let mut model = tracelist::listed(size(160, 44));
    model.settings.logs = with_logs().logs;
    let mut hand = hand_of(model);
    hand.press("j j");
    let trace = hand.model.traces.selected().unwrap().id;
    hand.press(".");
    assert_eq!(hand.model.scope.current().unwrap().trace, Some(trace));
    let asked = logs_asked(&mut hand);
    assert_eq!((asked.wanted.trace, asked.wanted.service), (Some(trace), None));
    assert!(asked.at.is_some(), "its lines are of its time");
    tracelist::answer(&mut hand.model, tracelist::traces(), Whole::Yes);
    assert_eq!(hand.model.traces.selected().unwrap().id, trace);
    hand.press("1");
    shows(&hand.model, "edge · not by trace");
    // whoever comes to it from elsewhere is led to its row
    hand.press(", 4 G");
    assert_ne!(hand.model.traces.selected().unwrap().id, trace);
    let scope = Scope {
        trace: Some(trace),
        ..Scope::default()
    };
    hand.model.scope.push(scope);
    hand.press("! !");
    assert_eq!(hand.model.traces.selected().unwrap().id, trace);
    let few = tracelist::traces()
        .into_iter()
        .filter(|listed| listed.id != trace)
        .collect();
    tracelist::answer(&mut hand.model, few, Whole::Yes);
    shows(&hand.model, "not listed: tr");
}

/// The case of what is under the cursor, answered.
fn with_case(keys: &str) -> Hand {
    let mut model = shop_with(cases::asked(), size(160, 44));
    incidents::happen(&mut model);
    let mut hand = hand_of(model);
    hand.press(keys);
    let began = cases::began(&hand.model);
    let seq = hand.model.case.as_ref().unwrap().ask.seq;
    for part in [cases::deploys(began), cases::lines(began), cases::traces(began)] {
        hand.tell(Msg::CaseGathered { seq, part });
    }
    hand
}

/// Puts the cursor on the first row with such a text.
fn to_row(hand: &mut Hand, text: &str) {
    let open = hand.model.case.as_ref().unwrap();
    let row = open.case.rows().position(|row| row.text.contains(text));
    let row = row.unwrap_or_else(|| {
        panic!(
            "{text}: {:?}",
            open.case.rows().map(|r| &r.text).collect::<Vec<_>>()
        )
    });
    hand.press("g");
    for _ in 0..row {
        hand.press("j");
    }
}

fn offered(hand: &Hand) -> Vec<Goal> {
    let Some(Modal::Menu(menu)) = &hand.model.modal else {
        panic!("no menu: {:?}", hand.said());
    };
    let goals = menu.items.iter().filter_map(|item| match &item.choice {
        Choice::Go { goal, .. } => Some(goal.clone()),
        _ => None,
    });
    goals.collect()
}

#[test]
fn rows_of_a_case_are_gone_on_from_by_themselves() {
    let mut hand = with_case("2 g C");
    let began = cases::began(&hand.model);
    // a deploy: its time
    to_row(&mut hand, "deploy checkout 2.3.1");
    hand.press(".");
    let scope = hand.model.scope.current().cloned().unwrap();
    assert_eq!(scope.service.as_deref(), Some("checkout"));
    let rolled_out = began - TimeDelta::minutes(3);
    assert_eq!(
        scope.range,
        Some(TimeRange::around(rolled_out, TimeDelta::minutes(5)))
    );
    assert_eq!(scope.incident, Some(incidents::checkout().id), "that of the case");
    hand.press(", t");
    let at = Nanos::of(rolled_out);
    let goals = offered(&hand);
    assert!(
        goals
            .iter()
            .any(|goal| matches!(goal, Goal::Logs(_, Some(there)) if *there == at)),
        "{goals:?}"
    );
    // a trace: that trace
    hand.press("esc");
    to_row(&mut hand, "pool.acquire");
    hand.press("t");
    let trace = TraceId([1; 16]);
    assert_eq!(offered(&hand).first(), Some(&Goal::Trace(trace)));
    hand.press("esc .");
    assert_eq!(hand.model.scope.current().unwrap().trace, Some(trace));
    // a row that names nothing is the case's own
    to_row(&mut hand, "Mara");
    hand.press(", .");
    let scope = hand.model.scope.current().cloned().unwrap();
    assert_eq!((scope.service.as_deref(), scope.trace), (Some("checkout"), None));
}

#[test]
fn a_note_from_a_case_is_on_its_own_incident_whatever_is_followed() {
    let mut hand = with_case("1 g C");
    assert!(matches!(
        hand.model.detail(),
        Some(Detail::Case(CaseOf::Slo(name))) if name.starts_with("checkout")
    ));
    // another one is followed, and the panes are turned to it
    hand.model.scope.push(Scope {
        incident: Some(incidents::search().id),
        ..Scope::of_service("search")
    });
    hand.model.incidents.followed = Some(incidents::search().id);
    to_row(&mut hand, "pool.acquire");
    hand.press("n");
    let Some(Modal::Compose(compose)) = &hand.model.modal else {
        panic!("a composer: {:?}", hand.said());
    };
    let text = format!("{:?}", compose.purpose);
    assert!(text.contains("Q1CHECKOUT"), "{text}");
}

fn pattern(standing: Standing, first: i64, last: i64) -> Pattern {
    Pattern {
        id: PatternId(1),
        service: Some("payment".into()),
        level: Level::Error,
        form: Form::Plain,
        template: "connection reset".into(),
        count: 12,
        share: 0.1,
        first: Nanos::of(ago(first)),
        last: Nanos::of(ago(last)),
        known_from: Nanos::of(ago(90)),
        trend: [0; BUCKETS],
        standing,
        examples: Vec::new(),
    }
}

#[test]
fn a_pattern_is_gone_on_from_by_its_service_and_time() {
    for (standing, range) in [
        (Standing::New, TimeRange::since(ago(24 + 15))),
        (
            Standing::Steady,
            TimeRange::around(ago(20), TimeDelta::minutes(5)),
        ),
    ] {
        let mut hand = hand();
        hand.press("3");
        let learnt = Learnt {
            patterns: vec![pattern(standing, 24, 20)],
            ..Learnt::default()
        };
        let lines = store(&[story()]).snapshot();
        let told = LogView {
            learnt: Some(learnt.into()),
            ..view(lines, LogsAsk::default())
        };
        hand.tell(Msg::LogsChanged(Arc::new(told)));
        hand.press("P g");
        assert_eq!(hand.model.detail(), Some(&Detail::Patterns));
        hand.press(".");
        let scope = hand.model.scope.current().cloned().unwrap_or_default();
        assert_eq!(
            (scope.service.as_deref(), scope.range),
            (Some("payment"), Some(range))
        );
        hand.press(", t");
        let goals = offered(&hand);
        assert!(matches!(goals.first(), Some(Goal::Logs(service, Some(_))) if &**service == "payment"));
    }
}

#[test]
fn a_silence_is_gone_on_from_by_what_its_matchers_name_and_what_it_hides() {
    let mut hand = hand();
    hand.model.settings.services = Arc::new(midwatch::domain::service_map::ServiceMap::new(
        vec!["service".to_owned()],
        std::collections::BTreeMap::new(),
    ));
    hand.press("2 S g");
    let on = hand.model.silences.rows[0].1.to_string();
    assert!(on.starts_with("0b9e"), "{on}");
    hand.press(".");
    assert_eq!(hand.model.scope.service(), Some("checkout"));
    // this one names no service; what it hides does
    hand.press("j .");
    assert_eq!(hand.model.scope.service(), Some("catalog"));
    hand.press("t");
    let hidden = alert_board();
    let disk = hidden
        .by_fingerprint
        .values()
        .find(|alert| &*alert.name == "DiskWillFill");
    let disk = disk.unwrap().occurrence.fingerprint;
    assert_eq!(offered(&hand).first(), Some(&Goal::Alert(disk)));
    // of an environment alone
    hand.press("esc j .");
    let scope = hand.model.scope.current().unwrap();
    assert_eq!(
        (
            scope.service.as_deref(),
            scope.labels.get("env").map(String::as_str)
        ),
        (None, Some("staging"))
    );
}

fn counted(hand: &mut Hand) -> Vec<StripAsk> {
    let taken = hand.taken().into_iter().filter_map(|effect| match effect {
        Effect::CountStrip(ask) => Some(ask),
        _ => None,
    });
    taken.collect()
}

#[test]
fn the_strip_asks_for_its_axis_while_it_is_open_and_again_when_that_changes() {
    let mut hand = hand();
    hand.wait(1_000);
    assert_eq!(counted(&mut hand), []);
    hand.press("V");
    let [ask] = &counted(&mut hand)[..] else {
        panic!("one question");
    };
    assert_eq!(ask.to - ask.from, TimeDelta::hours(1));
    assert_eq!(ask.traces.as_ref().unwrap().outcome, Outcome::Failed);
    let seq = ask.seq;
    let volume = Volume {
        from: Some(Nanos::of(ask.from)),
        step: 60_000_000_000,
        buckets: (0..60).map(|minute| [0, 0, 0, 0, 0, minute % 2, 0]).collect(),
    };
    let (from, to) = (ask.from, ask.to);
    hand.tell(Msg::StripCounted {
        seq,
        part: StripPart::Lines(Ok(Some(volume))),
    });
    let row = |hand: &Hand, name: &str| {
        let screen = screen(&hand.model);
        let row = screen.lines().find(|line| line.starts_with(name));
        row.unwrap_or_else(|| panic!("no {name} in\n{screen}")).to_owned()
    };
    assert!(!row(&hand, " errors").contains('·'), "{}", row(&hand, " errors"));
    assert!(row(&hand, " traces").contains("····"), "nobody answered yet");
    let failures = Failures {
        at: vec![ago(30)],
        known: vec![(from + TimeDelta::minutes(20), to)],
    };
    hand.tell(Msg::StripCounted {
        seq,
        part: StripPart::Traces(Ok(failures)),
    });
    let traces = row(&hand, " traces");
    assert!(traces.contains('█') && traces.contains("····"), "{traces}");
    hand.wait(59_000);
    assert_eq!(counted(&mut hand), []);
    hand.wait(1_100);
    assert_eq!(counted(&mut hand).len(), 1);
    // another scope is another question, and what was known of the one before is not shown for it
    hand.press("1 g .");
    let [ask] = &counted(&mut hand)[..] else {
        panic!("one question");
    };
    assert_eq!(ask.lines.as_ref().unwrap().service.as_deref(), Some("checkout"));
    assert!(row(&hand, " errors").contains("····"));
    hand.press("V");
    hand.wait(120_000);
    assert_eq!(counted(&mut hand), []);
}

#[test]
fn a_part_of_the_lines_is_not_taken_for_all_of_them_and_nobody_heard_is_not_nothing() {
    let mut hand = hand_of(fixtures::silent_with(settings(), size(120, 40)));
    hand.press("V");
    hand.tell(Msg::AlertsArranged(Arc::new(AlertBoard::default())));
    tell_lines(&mut hand.model, &store(&[story()]), LogsAsk::default());
    let row = |hand: &Hand, name: &str| {
        let screen = screen(&hand.model);
        screen
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap()
            .to_owned()
    };
    assert!(row(&hand, " alerts").contains("····"));
    assert!(row(&hand, " errors").contains('█'));
    let of_cart = LogsAsk {
        wanted: midwatch::domain::log::Wanted {
            service: Some("cart".into()),
            ..Default::default()
        },
        ..LogsAsk::default()
    };
    tell_lines(&mut hand.model, &store(&[story()]), of_cart);
    assert!(!row(&hand, " errors").contains('█'), "{}", row(&hand, " errors"));
}

#[test]
fn esc_where_nothing_is_left_names_the_key_that_leads_back() {
    let mut hand = hand();
    hand.press("5 esc esc esc");
    hand.assert_said("nothing to go back from; q quits");
    hand.press("esc 1 g .");
    hand.press("esc esc");
    hand.assert_said(", undoes the scope; q quits");
    hand.press("esc , 2 g t");
    let logs = offered(&hand)
        .iter()
        .position(|goal| matches!(goal, Goal::Logs(..)))
        .unwrap()
        + 1;
    hand.press(&logs.to_string());
    assert_eq!(hand.model.focus, PaneId::Logs);
    hand.press("esc");
    hand.press("esc");
    hand.assert_said(", goes back to where you came from; q quits");
}

#[test]
fn while_lines_are_looked_for_the_body_says_what_and_then_that_there_is_none() {
    let mut model = waterfalls::opened(size(120, 40), &waterfalls::story());
    model.settings.logs = with_logs().logs;
    let mut hand = hand_of(model);
    hand.press("t");
    let span = offered(&hand)
        .iter()
        .position(|goal| matches!(goal, Goal::SpanLogs(..)));
    hand.press(&(span.unwrap() + 1).to_string());
    let ask = logs_asked(&mut hand);
    let nothing = || store(&[]);
    tell_lines(&mut hand.model, &nothing(), ask.clone());
    shows(&hand.model, "Looking for the lines that name span");
    let at = ask.at.unwrap();
    let told = LogView {
        seek: Some(midwatch::app::logs::Seek::Ended(at)),
        past: Past::Whole,
        ..view(nothing().snapshot(), ask)
    };
    hand.tell(Msg::LogsChanged(Arc::new(told)));
    shows(&hand.model, "No line names span");
}

#[test]
fn a_moment_that_is_out_of_sight_is_pointed_to() {
    let mut hand = hand();
    let many: Vec<(i64, &str, Level, &str)> = (0..400)
        .rev()
        .map(|at| (at * 3, "cart", Level::Info, "GET /healthz 200"))
        .collect();
    let batch = crate::fixtures::logs::batch(&many);
    tell_lines(&mut hand.model, &store(&[batch]), LogsAsk::default());
    hand.press("2 g j k");
    assert_eq!(hand.model.moment.map(|moment| moment.pane), Some(PaneId::Alerts));
    hand.press("3");
    shows(&hand.model, "◂ 03:02Z above");
}

#[test]
fn where_no_alert_says_its_cluster_the_border_does_not_claim_one() {
    let scoped = |labels: &[(&str, &str)]| {
        let board = board_of(vec![alert("Down", "critical", "cart", 3, labels)]);
        let mut model = shop_with(settings(), size(160, 44));
        fixtures::tell(&mut model, Msg::AlertsArranged(Arc::new(board)));
        let mut hand = hand_of(model);
        hand.command("scope cluster=eu-1");
        screen(&hand.model)
    };
    assert!(scoped(&[("cluster", "eu-1")]).contains("Alerts  ⟨eu-1⟩"));
    let none = scoped(&[]);
    assert!(none.contains("Alerts  ⟨any cluster⟩"), "{none}");
}

#[test]
fn lines_that_are_there_before_the_tail_are_not_said_to_be_awaited() {
    let mut hand = hand();
    let connecting = |snapshot| LogView {
        mode: Some(TailMode::Connecting),
        ..view(snapshot, LogsAsk::default())
    };
    hand.tell(Msg::LogsChanged(connecting(store(&[]).snapshot()).into()));
    shows(&hand.model, "connecting…");
    hand.tell(Msg::LogsChanged(connecting(store(&[story()]).snapshot()).into()));
    shows(&hand.model, "not live yet…");
    assert!(!screen(&hand.model).contains("connecting…"));
}
