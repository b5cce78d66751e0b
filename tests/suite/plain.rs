//! The console as lines: what is told, once, in words, and what a typed line does.

use std::sync::Arc;
use std::time::Duration;

use midwatch::app::attention::Window;
use midwatch::app::effect::WriteUp;
use midwatch::app::focus::{Detail, Page};
use midwatch::app::modal::Modal;
use midwatch::app::query::{QueryAnswer, QuerySeries, QueryTrouble};
use midwatch::app::update::update;
use midwatch::app::{Effect, Model, Msg};
use midwatch::backend::BackendFailure;
use midwatch::domain::alert::{Ack, AckState, Alert, AlertState, PartAck, PipelineFault, PipelineHealth};
use midwatch::domain::incident::{Incident, Level, Status};
use midwatch::domain::slo::{Reading, SloReport, SloState};
use midwatch::plain::{Plain, SIZE, Stamp, Wish};
use midwatch::time::Now;

use crate::fixtures::incidents::{board, checkout, feed, links, person, with_alerts};
use crate::fixtures::{ago, alert, board_of, healthy, now, report, shop, silent, slo_board, slo_feed, tell};

/// A console as lines, and whoever listens.
struct Ear {
    model: Model,
    plain: Plain,
    now: Now,
    effects: Vec<Effect>,
}

impl Ear {
    fn on(model: Model) -> Self {
        let mut ear = Self {
            model,
            plain: Plain::new(Stamp::Time),
            now: now(),
            effects: Vec::new(),
        };
        ear.hear();
        ear
    }

    /// What is told now; a question among it has been heard a moment later.
    fn hear(&mut self) -> Vec<String> {
        let lines = self.plain.tell(&self.model, self.now);
        if let Some(total) = self.plain.asks() {
            let drawn = self.model.attention.drawn(Window {
                size: self.model.size,
                first: 0,
                rows: total,
                shown: total,
                total,
            });
            self.model.attention.presented(drawn, self.now.tick);
        }
        self.now = self.now.later(Duration::from_secs(1));
        lines
    }

    fn tell(&mut self, msg: Msg) -> Vec<String> {
        self.effects.extend(update(&mut self.model, msg, self.now));
        self.hear()
    }

    fn types(&mut self, line: &str) -> Vec<String> {
        self.tell(Msg::Typed(line.to_owned()))
    }

    fn board(&mut self, alerts: Vec<Alert>) -> Vec<String> {
        self.tell(Msg::AlertsArranged(Arc::new(board_of(alerts))))
    }
}

fn quiet() -> Ear {
    let mut ear = Ear::on(silent(SIZE));
    ear.board(vec![alert("Slow", "warning", "search", 12, &[])]);
    ear
}

fn has(lines: &[String], words: &str) -> bool {
    lines.iter().any(|line| line.contains(words))
}

#[test]
fn at_first_everything_is_told_as_it_stands_and_then_nothing_until_something_changes() {
    let mut ear = Ear {
        model: shop(SIZE),
        plain: Plain::new(Stamp::Moment),
        now: now(),
        effects: Vec::new(),
    };
    let lines = ear.hear();
    for words in [
        "alerts: ",
        "SLOs: ",
        "incidents: ",
        "backend metrics answers",
        "alert critical ",
        "SLO page: ",
    ] {
        assert!(has(&lines, words), "no {words:?} in {lines:#?}");
    }
    assert!(
        lines.iter().all(|line| line.starts_with("2026-11-20T03:14:")),
        "{lines:#?}"
    );
    assert_eq!(ear.hear(), Vec::<String>::new());
    let again = ear.plain.answer(Wish::Status, &ear.model, ear.now);
    assert!(has(&again, "alerts: ") && has(&again, "SLO page: "), "{again:#?}");
}

/// A console whose every backend is down: nobody was ever heard, and only what the journal keeps is listed.
fn outage() -> Ear {
    let mut ear = Ear::on(silent(SIZE));
    let mut dead = board_of(Vec::new());
    dead.pipeline = PipelineHealth {
        faults: vec![PipelineFault::SourceDown {
            source: "metrics".into(),
            cause: "connection refused".into(),
            since: now().tick,
        }],
        age: None,
        unknown: Vec::new(),
    };
    dead.errors = vec![BackendFailure {
        backend: "alertmanager eu-0".to_owned(),
        message: "connection refused".to_owned(),
    }];
    ear.tell(Msg::AlertsArranged(Arc::new(dead)));
    let mut slos = slo_feed(slo_board());
    slos.last = None;
    slos.status = midwatch::app::feed::Status::Failed {
        cause: "connection refused".into(),
        since: now().tick,
        next_try: now().tick,
    };
    ear.tell(Msg::SloFetched(slos));
    let mut kept = board(Vec::new());
    kept.errors = vec!["pagerduty: connection refused".to_owned()];
    ear.tell(Msg::IncidentsFetched(feed(kept)));
    ear
}

#[test]
fn in_a_total_outage_nothing_is_counted_and_every_status_says_what_is_not_known() {
    let mut ear = outage();
    for _ in 0..2 {
        let lines = ear.plain.answer(Wish::Status, &ear.model, ear.now);
        for words in [
            "alerts: not known (alertmanager eu-0: connection refused)",
            "SLOs: not known (metrics: connection refused)",
            "incidents: not known (pagerduty: connection refused)",
            "alerts may not arrive: metrics cannot be asked",
        ] {
            assert!(has(&lines, words), "no {words:?} in {lines:#?}");
        }
        assert!(
            !has(&lines, "on the board") && !has(&lines, " open"),
            "{lines:#?}"
        );
    }
    assert_eq!(ear.hear(), Vec::<String>::new(), "told once");
    let back = ear.board(vec![alert("Slow", "warning", "search", 12, &[])]);
    assert!(
        has(&back, "alerts: known again") && has(&back, "alerts: 1 on the board"),
        "{back:#?}"
    );
}

#[test]
fn what_has_not_answered_yet_is_named_where_everything_is_wanted() {
    let mut ear = Ear::on(silent(SIZE));
    assert_eq!(ear.hear(), Vec::<String>::new());
    let lines = ear.plain.answer(Wish::Status, &ear.model, ear.now);
    for what in ["alerts", "SLOs", "incidents"] {
        assert!(has(&lines, &format!("{what}: not known (no ")), "{lines:#?}");
    }
}

#[test]
fn an_alert_is_told_when_it_fires_is_taken_is_silenced_and_is_over() {
    let mut ear = quiet();
    let down = alert("Down", "critical", "cart", 0, &[]);
    let slow = || alert("Slow", "warning", "search", 12, &[]);
    let held = Alert {
        state: AlertState::Suppressed,
        ack: AckState::Held(Ack {
            by: "mara".into(),
            at: now().utc,
            until: ago(-15),
            silences: vec![("eu-0".into(), "a".into())],
            note: "".into(),
        }),
        silenced_by: vec!["a".into()],
        ..down.clone()
    };
    let mut of_us = held.clone();
    if let AckState::Held(ack) = &mut of_us.ack {
        ack.by = "jun@example.com".into();
    }
    let fires = ear.board(vec![slow(), down.clone()]);
    assert_eq!(fires.len(), 1, "{fires:?}");
    assert!(
        has(&fires, "03:14:09Z alert new: critical Down cart, for "),
        "{fires:?}"
    );
    assert!(has(&fires, ", nobody has it: Down on cart"), "{fires:?}");
    assert_eq!(ear.board(vec![slow(), down.clone()]), Vec::<String>::new());
    assert_eq!(
        ear.board(vec![slow(), held]),
        ["03:14:11Z alert acknowledged: Down cart, by mara until 03:29Z"]
    );
    let taken_over = ear.board(vec![slow(), of_us]);
    assert!(
        has(&taken_over, "alert acknowledged: Down cart, by you until"),
        "{taken_over:?}"
    );
    let freed = ear.board(vec![slow(), down]);
    assert!(
        has(&freed, "alert acknowledged no more: critical Down cart"),
        "{freed:?}"
    );
    let over = ear.board(vec![slow()]);
    assert!(has(&over, "alert over: Down cart"), "{over:?}");
}

#[test]
fn siblings_are_told_apart_by_the_label_that_tells_them_apart() {
    let mut ear = quiet();
    let sibling = |pod: &str| alert("Down", "critical", "cart", 0, &[("pod", pod)]);
    let fires = ear.board(vec![sibling("cart-1"), sibling("cart-2")]);
    for pod in ["cart-1", "cart-2"] {
        assert!(has(&fires, &format!("Down cart {pod}, for ")), "{fires:?}");
    }
}

#[test]
fn a_storm_is_told_in_part_and_counted_whole() {
    let mut ear = quiet();
    let lines = ear.board(
        (0..300)
            .map(|n| alert(&format!("Down{n}"), "critical", "cart", 0, &[]))
            .collect(),
    );
    assert!(lines.len() < 50, "{}", lines.len());
    assert!(has(&lines, "more alerts"), "{lines:#?}");
}

#[test]
fn slos_incidents_and_backends_are_told_when_their_state_changes() {
    let mut ear = quiet();
    let mut slos = slo_board();
    ear.tell(Msg::SloFetched(slo_feed(slos.clone())));
    let mut worse = report("cart-availability", "cart", 99.9, 21.3, 0.4);
    worse.state = SloState::Page;
    slos.slos.retain(|report| report.slo.name != "cart-availability");
    slos.slos.push(Arc::new(worse));
    let lines = ear.tell(Msg::SloFetched(slo_feed(slos)));
    assert!(has(&lines, "SLO page: cart-availability"), "{lines:?}");

    ear.tell(Msg::IncidentsFetched(feed(board(vec![checkout()]))));
    let mut moved = checkout();
    moved.status = Status::Resolved;
    moved.assignees = vec![person("Sam"), person("Jun")];
    let lines = ear.tell(Msg::IncidentsFetched(feed(board(vec![moved]))));
    assert!(
        has(
            &lines,
            "incident #4711: resolved, was acknowledged; assigned to Sam, you"
        ),
        "{lines:?}"
    );

    ear.tell(Msg::HealthChanged(healthy()));
    let mut health = healthy();
    health[0].status = midwatch::app::feed::Status::Failed {
        cause: "connection refused".into(),
        since: ear.now.tick,
        next_try: ear.now.tick,
    };
    let lines = ear.tell(Msg::HealthChanged(health));
    assert!(
        has(&lines, "backend metrics fails: connection refused"),
        "{lines:?}"
    );
    let lines = ear.tell(Msg::HealthChanged(healthy()));
    assert!(has(&lines, "backend metrics answers again"), "{lines:?}");
}

#[test]
fn an_acknowledgement_is_typed_asked_about_and_answered() {
    let mut ear = quiet();
    let asked = ear.types("ack Slow search");
    assert!(
        asked.first().is_some_and(|line| line.starts_with("question: ")),
        "{asked:?}"
    );
    assert!(
        has(&asked, "y or yes does it, anything else leaves it undone [y/N]"),
        "{asked:?}"
    );
    ear.effects.clear();
    ear.types("");
    assert!(
        ear.model.modal.is_none() && ear.effects.is_empty(),
        "an empty line leaves it undone"
    );
    ear.types("ack Slow search");
    ear.types("yes");
    assert!(
        ear.effects
            .iter()
            .any(|effect| matches!(effect, Effect::Carry { .. })),
        "{:?}",
        ear.effects
    );
}

#[test]
fn who_has_what_is_named_already_is_said_before_it_is_taken() {
    let ack = || Ack {
        by: "mara".into(),
        at: ago(4),
        until: ago(-15),
        silences: vec![("eu-0".into(), "a".into())],
        note: "".into(),
    };
    let fires = |name: &str, ack| Alert {
        ack,
        ..alert(name, "critical", "cart", 0, &[])
    };
    let part = PartAck {
        ack: ack(),
        at: vec!["eu-0".into()],
        missing: vec!["us-0".into()],
    };
    let down = fires("Down", AckState::None);
    let mut ear = quiet();
    ear.board(vec![
        down.clone(),
        fires("Full", AckState::Held(ack())),
        fires("Slow", AckState::Partly(part)),
        fires("Old", AckState::HiddenBy(ack())),
    ]);
    let asked = ear.types("ack cart");
    for words in [
        "question: Acknowledge 3 alerts?",
        "warning: left out: mara has Full cart",
        "warning: Slow cart: mara has it at eu-0",
        "warning: Old cart: an older acknowledgement of mara hides it",
    ] {
        assert!(asked.iter().any(|line| line == words), "{words}: {asked:#?}");
    }
    assert!(asked.iter().any(|line| line == "Down cart"), "{asked:#?}");
    ear.types("");

    let mut taken = with_alerts(checkout(), [&down]);
    taken.status = Status::Acknowledged;
    taken.acknowledgements = vec![(person("Sam"), ago(3))];
    ear.tell(Msg::IncidentsFetched(feed(board(vec![taken]))));
    let linked = links(&ear.model, &[]);
    ear.tell(linked);
    let asked = ear.types("ack Down cart");
    assert!(has(&asked, "warning: Down cart: Sam has #4711"), "{asked:#?}");
}

#[test]
fn a_yes_typed_before_the_question_was_told_is_none() {
    let mut ear = quiet();
    update(&mut ear.model, Msg::Typed("ack Slow search".into()), ear.now);
    ear.effects = update(&mut ear.model, Msg::Typed("y".into()), ear.now);
    assert!(
        !ear.effects
            .iter()
            .any(|effect| matches!(effect, Effect::Carry { .. }))
    );
    assert!(
        matches!(ear.model.modal, Some(Modal::Confirm(_))),
        "it is still asked"
    );
}

#[test]
fn what_is_merely_like_a_command_is_offered_and_not_done() {
    let mut ear = quiet();
    let said = ear.types("quiet");
    assert!(has(&said, "nothing is called quiet"), "{said:?}");
    let said = ear.types("esca");
    assert!(
        has(&said, "did you mean: ") && ear.model.modal.is_none(),
        "{said:?}"
    );
    for (typed, near) in [
        ("ack", "a name is wanted: ack NAME"),
        ("escallate", "did you mean: incident.escalate, escalate?"),
        ("akc checkout", "did you mean: ack?"),
        ("them", "did you mean: theme "),
    ] {
        let said = ear.types(typed);
        assert!(has(&said, near), "{typed}: {said:?}");
    }
    // Their letters stand in many a description.
    for typed in ["frobnicate", "hello", "tree"] {
        let said = ear.types(typed);
        assert!(!has(&said, "did you mean"), "{typed}: {said:?}");
    }
    ear.types("quit");
    assert!(ear.effects.contains(&Effect::Quit));
}

#[test]
fn what_needs_a_screen_is_left_again_and_where_it_is_done_is_said() {
    let mut ear = quiet();
    for line in ["silence service=search", "help", "alerts.filter", "global.help"] {
        let said = ear.types(line);
        assert!(ear.model.modal.is_none(), "{line}: {said:?}");
    }
    let said = ear.types("silence service=search");
    assert!(has(&said, "midwatch silence"), "{said:?}");
}

#[test]
fn an_opened_page_is_read_without_frames_and_colours() {
    let mut model = shop(SIZE);
    let name = model.slo.board().unwrap().slos[0].slo.name.clone();
    model.size = SIZE;
    let mut ear = Ear::on(model);
    let page = ear.types(&format!("slo {name}"));
    assert!(page.len() > 5 && has(&page, &name), "{page:#?}");
    for line in &page {
        assert!(
            !line
                .chars()
                .any(|c| c.is_control() || ('\u{2500}'..='\u{259f}').contains(&c)),
            "{line:?}"
        );
    }
    assert_eq!(ear.hear(), Vec::<String>::new(), "read once");
    assert_eq!(
        ear.plain.answer(Wish::Page, &ear.model, ear.now).first(),
        page.first()
    );
    let closed = ear.types("back");
    assert!(has(&closed, "closed"), "{closed:?}");
}

#[test]
fn an_slos_bars_and_charts_are_told_in_words() {
    let mut board = slo_board();
    let mut told = (*board.slos[0]).clone();
    let name = told.slo.name.clone();
    // A minute's step; a hill twenty minutes ago, and a slope at the end.
    told.spark = (0..40)
        .map(|at| match at {
            19 => 25.0,
            30.. => 20.0,
            _ => 2.0,
        })
        .collect();
    told.spark_at = (0..40).map(|at| ago(39 - at)).collect();
    board.slos[0] = Arc::new(told);
    let mut model = shop(SIZE);
    tell(&mut model, Msg::SloFetched(slo_feed(board)));
    let mut ear = Ear::on(model);
    let page = ear.types(&format!("slo {name}"));
    let said = "burn over 5m: now 20.0x, highest 25.0x at 02:54Z, rising; pages over 6.0x";
    assert!(has(&page, said), "{page:#?}");
    for signs in ["##", "--", "==", "**", "|"] {
        assert!(!has(&page, signs), "{signs}: {page:#?}");
    }
    assert!(has(&page, "% left"), "{page:#?}");
    assert!(
        page.iter()
            .any(|line| line.starts_with("left: ") && line.contains("% a day ago, ")),
        "{page:#?}"
    );
}

#[test]
fn of_an_slo_that_was_overspent_and_lost_its_data_nothing_is_told_as_left_or_as_of_now() {
    let mut board = slo_board();
    let mut told = report("inventory", "inventory", 99.5, 0.1, -0.88);
    told.spark = vec![0.1; 20];
    told.spark_at = (0..20).map(|at| ago(49 - at)).collect();
    board.slos.push(told.into());
    let mut model = shop(SIZE);
    tell(&mut model, Msg::SloFetched(slo_feed(board)));
    let page = Ear::on(model).types("slo inventory");
    assert!(has(&page, "88% over") && !has(&page, "88% left"), "{page:#?}");
    let chart = page
        .iter()
        .find(|line| line.starts_with("burn over 5m: "))
        .unwrap();
    assert!(
        !chart.contains("now"),
        "the last point is half an hour old: {chart}"
    );
}

#[test]
fn what_a_backend_says_cannot_write_to_the_terminal() {
    let mut ear = quiet();
    let hostile = "Down\u{1b}]52;c;eA==\u{7}\u{9b}31m\u{202e}";
    let lines = ear.board(vec![alert(hostile, "critical", hostile, 0, &[])]);
    assert!(!lines.is_empty());
    let mut model = silent(SIZE);
    tell(
        &mut model,
        Msg::AlertsArranged(Arc::new(board_of(vec![alert(hostile, "critical", "x", 0, &[])]))),
    );
    let asked = {
        let mut ear = Ear::on(model);
        ear.types("ack x")
    };
    for line in lines.iter().chain(&asked) {
        assert!(
            !line.chars().any(|c| c.is_control() || c == '\u{202e}'),
            "{line:?}"
        );
    }
}

fn series(last: f64) -> QueryAnswer {
    QueryAnswer {
        series: vec![QuerySeries {
            name: "up{job=\"cart\"}".to_owned(),
            short: "up{job=\"cart\"}".to_owned(),
            values: vec![last; 3],
            last,
            min: last,
            max: last,
            ended: None,
        }],
        ..QueryAnswer::default()
    }
}

#[test]
fn a_querys_answer_is_read_when_it_comes_and_so_is_the_next_one() {
    let mut ear = quiet();
    let answer = |ear: &Ear, last| Msg::QueryAnswered {
        seq: ear.model.query.count,
        result: Ok(Arc::new(series(last))),
    };
    let asked = ear.types("query up");
    assert!(has(&asked, "asking the metrics backend"), "{asked:#?}");
    assert_eq!(ear.hear(), Vec::<String>::new());
    let lines = ear.tell(answer(&ear, 17.0));
    assert!(has(&lines, "17") && !has(&lines, "asking"), "{lines:#?}");
    assert_eq!(ear.hear(), Vec::<String>::new(), "read once");
    // The same page, another question.
    let asked = ear.types("query down");
    assert!(has(&asked, "asking the metrics backend"), "{asked:#?}");
    let lines = ear.tell(answer(&ear, 23.0));
    assert!(has(&lines, "down") && has(&lines, "23"), "{lines:#?}");
    // The same question once more, with the same answer.
    ear.types("query down");
    let lines = ear.tell(answer(&ear, 23.0));
    assert!(has(&lines, "23"), "{lines:#?}");
}

#[test]
fn a_querys_series_are_told_whole_and_their_charts_in_words() {
    let mut ear = quiet();
    ear.types("query up");
    let name =
        "up{cluster=\"eu-central-1\",instance=\"checkout-7c9f4d5b8-x2v4q:9090\",job=\"kubernetes-pods\"}";
    let mut answer = series(0.25);
    answer.series[0].short = name.to_owned();
    answer.series[0].max = 3.0;
    answer.series[0].ended = Some(now().utc);
    let calm = series(1.0).series;
    answer.series.extend(calm);
    let lines = ear.tell(Msg::QueryAnswered {
        seq: ear.model.query.count,
        result: Ok(Arc::new(answer)),
    });
    for words in [
        "a point each 15s, 2 series".to_owned(),
        format!("{name}: ended 03:14Z, last 0.25000, least 0.25000, most 3"),
        "up{job=\"cart\"}: 1 all the time".to_owned(),
    ] {
        assert!(has(&lines, &words), "{words}: {lines:#?}");
    }
    assert_eq!(lines.len(), 5, "{lines:#?}");
}

#[test]
fn a_query_that_is_refused_tells_the_place_in_numbers_and_names_no_key() {
    let mut ear = quiet();
    ear.types("query up{");
    let lines = ear.tell(Msg::QueryAnswered {
        seq: ear.model.query.count,
        result: Err(QueryTrouble {
            words: "unexpected end of input inside braces".to_owned(),
            mend: None,
            place: Some((1, 4)),
        }),
    });
    for words in [
        "not answered: unexpected end of input inside braces",
        "at line 1, column 4",
        "query and the mended text ask again",
    ] {
        assert!(has(&lines, words), "{words}: {lines:#?}");
    }
    assert!(!has(&lines, "^") && !has(&lines, "bring it back"), "{lines:#?}");
}

#[test]
fn a_write_up_is_read_when_it_is_there() {
    let mut ear = quiet();
    let what = WriteUp::Audit;
    ear.types("audit.list");
    let open = ear.model.detail().cloned();
    assert_eq!(open, Some(Detail::Page(Page::WriteUp(what.clone()))));
    let lines = ear.tell(Msg::Written {
        what,
        result: Ok("nobody did anything".into()),
    });
    assert!(has(&lines, "nobody did anything"), "{lines:#?}");
}

#[test]
fn the_tour_says_that_it_needs_the_screen() {
    let mut ear = quiet();
    let said = ear.types("tour");
    assert!(has(&said, "the tour needs the screen"), "{said:?}");
    assert!(ear.model.tour.step().is_none());
    let said = ear.types("tour anew");
    assert!(has(&said, "the tour needs the screen"), "{said:?}");
    assert_eq!(ear.hear(), Vec::<String>::new());
}

#[test]
fn a_source_that_flaps_is_told_of_once_and_so_is_its_end() {
    let mut ear = quiet();
    let board = |down: bool, now: Now| {
        let mut board = board_of(vec![alert("Slow", "warning", "search", 12, &[])]);
        if down {
            board.pipeline.faults = vec![PipelineFault::SourceDown {
                source: "metrics".into(),
                cause: "connection refused".into(),
                since: now.tick,
            }];
        }
        Msg::AlertsArranged(Arc::new(board))
    };
    let mut told = Vec::new();
    for round in 0..40 {
        let msg = board(round % 2 == 0, ear.now);
        told.extend(ear.tell(msg));
    }
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(
        has(&told, "alerts may not arrive: metrics cannot be asked"),
        "{told:#?}"
    );
    let mut told = Vec::new();
    for _ in 0..3 {
        ear.now = ear.now.later(Duration::from_secs(60));
        let msg = board(false, ear.now);
        told.extend(ear.tell(msg));
    }
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(has(&told, "alerts arrive again"), "{told:#?}");
}

#[test]
fn a_backend_that_flaps_is_said_to_and_then_left_alone() {
    let mut ear = quiet();
    ear.tell(Msg::HealthChanged(healthy()));
    let mut told = Vec::new();
    for round in 0..40 {
        let mut health = healthy();
        if round % 2 == 0 {
            health[0].status = midwatch::app::feed::Status::Failed {
                cause: "connection refused".into(),
                since: ear.now.tick,
                next_try: ear.now.tick,
            };
        }
        told.extend(ear.tell(Msg::HealthChanged(health)));
    }
    assert!(has(&told, "backend metrics fails on and off"), "{told:#?}");
    let of_it = told.iter().filter(|line| line.contains("backend metrics"));
    assert_eq!(of_it.count(), 3, "{told:#?}");
}

#[test]
fn a_level_is_told_where_it_is_surely_another_and_not_where_it_becomes_known() {
    let mut ear = quiet();
    let mut at = |level| {
        let incident = Incident { level, ..checkout() };
        ear.tell(Msg::IncidentsFetched(feed(board(vec![incident]))))
    };
    at(Level::Unknown);
    for same in [Level::OneOf(vec![1, 2]), Level::Known(1), Level::Unknown] {
        assert_eq!(at(same), [""; 0]);
    }
    let lines = at(Level::Known(2));
    assert!(has(&lines, "incident #4711: now at level 2"), "{lines:?}");
}

#[test]
fn an_slo_is_not_told_as_spent_since_before_its_budget_was_read() {
    let mut ear = quiet();
    let board = |report: &SloReport| {
        let mut board = slo_board();
        board.slos = vec![Arc::new(report.clone())];
        Msg::SloFetched(slo_feed(board))
    };
    let mut spent = report("cart-availability", "cart", 99.9, 0.4, -0.7);
    spent.state = SloState::Spent;
    let mut unread = spent.clone();
    (unread.state, unread.budget) = (SloState::Ok, None);
    ear.tell(board(&unread));
    let lines = ear.tell(board(&spent));
    assert!(
        has(&lines, "SLO spent: cart-availability") && !has(&lines, "was ok"),
        "{lines:?}"
    );
    spent.state = SloState::Ok;
    ear.tell(board(&spent));
    spent.state = SloState::Spent;
    let lines = ear.tell(board(&spent));
    assert!(has(&lines, "SLO spent: cart-availability, was ok"), "{lines:?}");
}

#[test]
fn an_slo_that_waits_for_its_first_answer_is_counted_and_told_when_it_is_read() {
    let mut ear = quiet();
    let read = report("search-latency", "search", 99.0, 0.0, 1.0);
    let mut worse = report("cart-availability", "cart", 99.9, 21.3, 0.4);
    worse.state = SloState::Page;
    let mut waits = worse.clone();
    waits.state = SloState::NoData;
    waits.windows[0].reading = Reading::Pending;
    let board = |reports: [SloReport; 2]| {
        let mut board = slo_board();
        board.slos = reports.into_iter().map(Arc::new).collect();
        Msg::SloFetched(slo_feed(board))
    };
    let first = ear.tell(board([read.clone(), waits]));
    assert!(has(&first, "SLOs: 1 of 2 ok, 1 waited for"), "{first:?}");
    assert!(!has(&first, "cart-availability"), "{first:?}");
    let then = ear.tell(board([read.clone(), worse.clone()]));
    assert!(has(&then, "SLOs: 1 of 2 ok"), "all are read now: {then:?}");
    assert!(has(&then, "SLO page: cart-availability"), "{then:?}");
    assert!(!has(&then, "was"), "it was nothing that was told: {then:?}");
    assert!(!has(&ear.tell(board([read, worse])), "SLOs:"), "counted once");
}
