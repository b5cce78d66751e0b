use std::sync::Mutex;

use chrono::{DateTime, Utc};
use futures::executor::block_on;
use futures::future::BoxFuture;
use regex::Regex;

use super::*;
use crate::backend::metrics::{AlertingRule, Answered, Flavor, Sample, Series};
use crate::backend::{BackendError, BackendResult, Delivery, ErrorKind};
use crate::domain::slo::{Objective, RuleOrigin, SloOrigin, SloState, workbook_rules};
use crate::domain::trace::exemplar::Exemplar;

/// Whether a query is answered, and whether in part.
type Answering = dyn Fn(&str) -> BackendResult<Option<Arc<str>>> + Send + Sync;

/// From when to when, and each how long.
type Ranged = (DateTime<Utc>, DateTime<Utc>, Duration);

/// A server that answers every tagged branch by a rule, and remembers its queries.
pub(crate) struct Fake {
    asked: Mutex<Vec<String>>,
    /// The times and the step of each question about a range.
    pub(crate) ranges: Mutex<Vec<Ranged>>,
    answer: Box<Answering>,
    /// Value of a branch, by its own text.
    value: fn(&str) -> f64,
}

impl Fake {
    fn healthy() -> Self {
        Self::answering(|_| Ok(None))
    }

    pub(crate) fn answering(
        answer: impl Fn(&str) -> BackendResult<Option<Arc<str>>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            asked: Mutex::default(),
            ranges: Mutex::default(),
            answer: Box::new(answer),
            value: |branch| if branch.contains("err") { 0.0 } else { 1.0 },
        }
    }

    /// One whose branches have these values.
    pub(crate) fn valued(value: fn(&str) -> f64) -> Self {
        Self {
            value,
            ..Self::healthy()
        }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    fn series(&self, query: &str) -> BackendResult<(Vec<Sample>, Option<Arc<str>>)> {
        self.asked.lock().unwrap().push(query.to_owned());
        let partial = (self.answer)(query)?;
        let tag = Regex::new(r#""midwatch_slo", "(\d+:[a-z])""#).unwrap();
        let mut start = 0;
        let samples = tag
            .captures_iter(query)
            .map(|c| {
                let whole = c.get(0).unwrap();
                let branch = query.get(start..whole.start()).unwrap();
                start = whole.end();
                Sample {
                    labels: [(plan::TAG.to_owned(), c[1].to_owned())].into_iter().collect(),
                    value: (self.value)(branch),
                    at: 0.0,
                }
            })
            .collect();
        Ok((samples, partial))
    }
}

fn answered<T>(value: T, partial: Option<Arc<str>>) -> Answered<T> {
    Answered {
        value,
        partial,
        warnings: Vec::new(),
        date: None,
    }
}

impl Metrics for Fake {
    fn name(&self) -> &'static str {
        "metrics"
    }

    fn instant(
        &self,
        query: String,
        _: Option<DateTime<Utc>>,
        _: Option<Duration>,
    ) -> BoxFuture<'_, BackendResult<Answered<Vec<Sample>>>> {
        Box::pin(async move { self.series(&query).map(|(v, p)| answered(v, p)) })
    }

    fn range_within(
        &self,
        query: String,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        step: Duration,
        _: Option<Duration>,
    ) -> BoxFuture<'_, BackendResult<Answered<Vec<Series>>>> {
        Box::pin(async move {
            self.ranges.lock().unwrap().push((from, to, step));
            let (samples, partial) = self.series(&format!("range {query}"))?;
            let series = samples
                .into_iter()
                .map(|s| Series {
                    labels: s.labels,
                    points: vec![(from.timestamp() as f64, s.value)],
                })
                .collect();
            Ok(answered(series, partial))
        })
    }

    fn exemplars(
        &self,
        _: String,
        _: DateTime<Utc>,
        _: DateTime<Utc>,
    ) -> BoxFuture<'_, BackendResult<Answered<Vec<Exemplar>>>> {
        Box::pin(async { Ok(answered(Vec::new(), None)) })
    }

    fn alerting_rules(&self) -> BoxFuture<'_, BackendResult<Option<Vec<AlertingRule>>>> {
        Box::pin(async { Ok(None) })
    }

    fn version(&self) -> BoxFuture<'_, BackendResult<(Flavor, String)>> {
        Box::pin(async { Ok((Flavor::Prometheus, "2.42.0".to_owned())) })
    }
}

pub(crate) fn slo(name: &str) -> Slo {
    let period = Window::named("30d").unwrap();
    Slo {
        name: name.to_owned(),
        service: String::new(),
        objective: Objective::from_percent(99.9).unwrap(),
        rules: workbook_rules(&period, RuleOrigin::Default),
        period,
        sli: Sli::Events {
            errors: format!("err_{name}[{{{{window}}}}]"),
            total: format!("all_{name}[{{{{window}}}}]"),
        },
        origin: SloOrigin::Config,
        low_traffic: None,
        notes: Vec::new(),
    }
}

fn engine(count: usize) -> Engine {
    let slos = (0..count).map(|i| slo(&format!("s{i:03}"))).collect();
    Engine::new(
        slos,
        Settings {
            poll: Duration::from_secs(15),
            discover: Discover::No,
        },
    )
}

fn at(seconds: u64) -> Now {
    let utc = chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap();
    Now::fixed(utc, 1).later(Duration::from_secs(seconds))
}

pub(crate) fn error(kind: ErrorKind, status: Option<u16>, detail: &str) -> BackendError {
    BackendError {
        kind,
        backend: "metrics".into(),
        tried: "GET api/v1/query".into(),
        detail: detail.into(),
        mend: String::new(),
        status,
        retry_after: None,
        delivery: Delivery::Answered,
    }
}

fn step(engine: &mut Engine, fake: &Fake, seconds: u64) -> Vec<String> {
    block_on(engine.step(fake, at(seconds), |_| {}));
    fake.take()
}

fn windows(queries: &[String]) -> Vec<String> {
    let window = Regex::new(r"all_s\d+\[(\w+)\]").unwrap();
    queries
        .iter()
        .filter(|q| !q.starts_with("range"))
        .map(|q| window.captures(q).unwrap()[1].to_owned())
        .collect()
}

#[test]
fn five_minutes_and_an_hour_come_first_then_each_window_once() {
    let (mut engine, fake) = (engine(50), Fake::healthy());
    let asked = windows(&step(&mut engine, &fake, 0));
    assert_eq!(asked[..2], ["5m", "1h"]);
    let mut sorted = asked.clone();
    sorted.sort();
    assert_eq!(
        sorted,
        ["1d", "1h", "2h", "30d", "30m", "3d", "5m", "6h"],
        "one request a window"
    );
}

#[test]
fn the_tiers_are_kept_and_no_window_takes_two_requests_for_fifty_slos() {
    let (mut engine, fake) = (engine(50), Fake::healthy());
    step(&mut engine, &fake, 0);
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for poll in 1..=240u64 {
        for window in windows(&step(&mut engine, &fake, poll * 15)) {
            *count.entry(window).or_default() += 1;
        }
    }
    let of = |w: &str| count[w];
    assert_eq!((of("5m"), of("30m")), (240, 240), "every poll of an hour");
    assert_eq!((of("1h"), of("2h")), (60, 60), "each minute");
    assert_eq!((of("6h"), of("1d")), (12, 12), "every five minutes");
    assert_eq!((of("3d"), of("30d")), (4, 4), "every fifteen");
}

#[test]
fn a_window_whose_partner_is_over_is_asked_at_every_poll() {
    let (mut engine, mut fake) = (engine(2), Fake::healthy());
    // 5m alone is over 14.4: errors 2% of s000 in every short window.
    fake.value = |branch| match branch {
        b if b.contains("err_s000[5m]") => 0.02,
        b if b.contains("err_") => 0.0,
        _ => 1.0,
    };
    step(&mut engine, &fake, 0);
    let queries = step(&mut engine, &fake, 15);
    let hour = queries.iter().find(|q| q.contains("[1h]")).expect("1h is asked");
    assert!(
        hour.contains("s000") && !hour.contains("s001"),
        "only the SLO that burns: {hour}"
    );
    assert!(!queries.iter().any(|q| q.contains("[2h]")));
}

#[test]
fn a_budget_that_goes_is_asked_for_every_five_minutes_and_when_somebody_asks_again_at_once() {
    let (mut engine, mut fake) = (engine(2), Fake::healthy());
    fake.value = |branch| match branch {
        b if b.contains("err_s000[30d]") => 0.0005,
        b if b.contains("err_s000") => 0.02,
        b if b.contains("err_") => 0.0,
        _ => 1.0,
    };
    step(&mut engine, &fake, 0);
    let months = |queries: &[String]| -> Vec<bool> {
        let months = queries.iter().filter(|query| query.contains("[30d]"));
        months.map(|query| query.contains("s001")).collect()
    };
    let mut hour = Vec::new();
    for poll in 1..=59u64 {
        hour.extend(months(&step(&mut engine, &fake, poll * 15)));
    }
    assert_eq!(hour, [false, false], "of what burns alone, at 300 and 600");
    engine.hurry();
    assert_eq!(months(&step(&mut engine, &fake, 890)), [true], "of all of them");
    engine.hurry();
    assert_eq!(
        months(&step(&mut engine, &fake, 891)),
        [false; 0],
        "a minute is spared"
    );
}

#[test]
fn a_refused_batch_is_bisected_and_the_offender_fails_alone_and_retries_slowly() {
    let mut engine = engine(50);
    let fake = Fake::answering(|query| {
        if query.contains("s017") {
            Err(error(ErrorKind::Rejected, Some(400), "1:5: parse error: no"))
        } else {
            Ok(None)
        }
    });
    step(&mut engine, &fake, 0);
    let board = engine.board(at(0));
    let state = |name: &str| board.slos.iter().find(|r| r.slo.name == name).unwrap().state;
    assert_eq!(state("s017"), SloState::Error);
    assert_eq!((state("s016"), state("s018")), (SloState::Ok, SloState::Ok));
    assert!(board.errors.is_empty(), "the backend itself is well");
    let calm = step(&mut engine, &fake, 15);
    assert!(
        !calm.iter().any(|q| q.contains("s017")),
        "not asked again at once"
    );
    assert_eq!(calm.len(), 2, "5m and 30m, one request each: {calm:?}");
    let later = step(&mut engine, &fake, 700);
    let retries: Vec<&String> = later.iter().filter(|q| q.contains("s017")).collect();
    assert_eq!(retries.len(), 1, "once, alone");
    assert!(!retries[0].contains("s016"));
    // Mended: it answers again, and all its windows come back.
    let mended = Fake::healthy();
    step(&mut engine, &mended, 3_700);
    step(&mut engine, &mended, 3_715);
    let board = engine.board(at(3_715));
    assert!(
        board.slos.iter().all(|r| r.state == SloState::Ok),
        "{:?}",
        board.slos[0].words
    );
}

#[test]
fn a_time_out_halves_its_tiers_batch_for_an_hour_and_is_not_bisected() {
    let mut engine = engine(50);
    let sick = Fake::answering(|query| {
        if query.contains("[30d]") {
            Err(error(ErrorKind::TimedOut, None, "no answer in 60 s"))
        } else {
            Ok(None)
        }
    });
    let asked = step(&mut engine, &sick, 0);
    assert_eq!(
        asked.iter().filter(|q| q.contains("[30d]")).count(),
        1,
        "not bisected"
    );
    assert_eq!(engine.board(at(0)).errors.len(), 1);
    let well = Fake::healthy();
    let of = |queries: Vec<String>, window: &str| windows(&queries).iter().filter(|w| *w == window).count();
    let queries = step(&mut engine, &well, 900);
    assert_eq!(of(queries.clone(), "30d"), 2, "half the batch");
    assert_eq!(of(queries, "5m"), 1, "other tiers are whole");
    assert!(engine.board(at(900)).errors.is_empty());
    let queries = step(&mut engine, &well, 4_600);
    assert_eq!(of(queries, "30d"), 1, "an hour later it is whole again");
}

#[test]
fn a_server_that_is_down_is_asked_with_growing_pauses_and_rows_keep_their_values() {
    let mut engine = engine(3);
    step(&mut engine, &Fake::healthy(), 0);
    let down = Fake::answering(|_| Err(error(ErrorKind::Unreachable, None, "connection refused")));
    for poll in 1..=20 {
        step(&mut engine, &down, poll * 15);
    }
    let board = engine.board(at(300));
    assert_eq!(board.errors.len(), 1, "said once: {:?}", board.errors);
    assert!(board.slos.iter().all(|r| r.state == SloState::Ok));
    assert!(
        board.slos[0].warnings.iter().any(|w| w.starts_with("stale: 5m")),
        "{:?}",
        board.slos[0].warnings
    );
    assert!(
        engine.next_due(at(300).tick) <= at(300 + 120).tick,
        "never gives up"
    );
    step(&mut engine, &Fake::healthy(), 500);
    assert!(engine.board(at(500)).errors.is_empty());
}

#[test]
fn a_partial_answer_marks_its_slos_until_a_whole_one_comes() {
    let mut engine = engine(2);
    let thanos = Fake::answering(|_| Ok(Some("store unavailable".into())));
    step(&mut engine, &thanos, 0);
    let report = Arc::clone(&engine.board(at(0)).slos[0]);
    assert_eq!(report.partial.as_deref(), Some("store unavailable"));
    assert!(report.warnings.iter().any(|w| w.starts_with("partial: ")));
    step(&mut engine, &Fake::healthy(), 3_700);
    assert_eq!(engine.board(at(3_700)).slos[0].partial, None);
}

#[test]
fn headless_a_dead_server_is_an_error_and_never_healthy() {
    let mut engine = engine(1);
    let down = Fake::answering(|_| Err(error(ErrorKind::Unreachable, None, "connection refused")));
    let board = block_on(engine.run_all(&down, at(0)));
    assert_eq!(board.slos[0].state, SloState::Error);
    assert!(!board.errors.is_empty());
}

#[test]
fn what_is_due_next_lies_ahead_once_everything_was_asked() {
    let (mut engine, fake) = (engine(1), Fake::healthy());
    assert_eq!(engine.next_due(at(0).tick), Tick::ZERO);
    step(&mut engine, &fake, 0);
    assert_eq!(engine.next_due(at(0).tick), Tick::from_secs(15));
    assert_eq!(
        super::timeout(&Question::Window(HOUR), Duration::from_secs(15)),
        None
    );
    let of = |seconds| {
        super::timeout(
            &Question::Window(Duration::from_secs(seconds)),
            Duration::from_secs(15),
        )
    };
    assert_eq!(of(7_200), Some(Duration::from_secs(30)));
    assert_eq!(of(2_592_000), Some(Duration::from_secs(60)));
}

#[test]
fn an_owners_alert_that_disagrees_is_shown_beside_ours() {
    let mut of = slo("s000");
    of.origin = SloOrigin::Sloth;
    let settings = Settings {
        poll: Duration::from_secs(15),
        discover: Discover::No,
    };
    let mut engine = Engine::new(vec![of], settings);
    step(&mut engine, &Fake::healthy(), 0);
    let rule = |firing: bool| AlertingRule {
        name: "Burn".into(),
        query: "slo:sli_error:ratio_rate5m{sloth_id=\"s000\"} > (14.4 * 0.001)".into(),
        labels: [("sloth_severity", "page")].into_iter().collect(),
        health: crate::backend::metrics::RuleHealth::Ok,
        last_evaluation: None,
        hold: Duration::ZERO,
        alerts: firing
            .then(|| crate::backend::metrics::RuleAlert {
                labels: crate::domain::alert::Labels::default(),
                firing: crate::backend::metrics::Firing::Firing,
                active_at: at(0).utc,
            })
            .into_iter()
            .collect(),
    };
    let disagrees = |engine: &mut Engine| {
        let board = engine.board(at(1));
        board.slos[0]
            .warnings
            .iter()
            .any(|w| w.contains("its owner's own page alert fires"))
    };
    engine.hear_rules(&[rule(true)]);
    assert!(disagrees(&mut engine));
    engine.hear_rules(&[rule(false)]);
    assert!(!disagrees(&mut engine));
}

fn down() -> Fake {
    Fake::answering(|_| Err(error(ErrorKind::Unreachable, None, "connection refused")))
}

#[test]
fn a_server_that_is_dead_from_the_start_leaves_errors_with_the_cause_and_no_good_moment() {
    let mut engine = engine(2);
    step(&mut engine, &down(), 0);
    let board = engine.board(at(0));
    let report = &board.slos[0];
    assert_eq!(report.state, SloState::Error);
    assert_eq!(
        report.windows[0].reading,
        Reading::Error("connection refused".into()),
        "short: what was tried stands in the board's errors"
    );
    assert_eq!(report.budget, None);
    let pulse = engine.pulse();
    assert_eq!(pulse.last_good, None);
    assert_eq!(pulse.failure, Some(("connection refused".into(), at(0).tick)));
    // It comes to life: not a trace is left.
    step(&mut engine, &Fake::healthy(), 130);
    step(&mut engine, &Fake::healthy(), 1_100);
    let board = engine.board(at(1_100));
    assert!(board.slos.iter().all(|r| r.state == SloState::Ok));
    assert_eq!(engine.pulse().failure, None);
}

#[test]
fn a_server_that_dies_keeps_its_last_good_moment_and_fails_since_the_first_refusal() {
    let mut engine = engine(2);
    step(&mut engine, &Fake::healthy(), 0);
    step(&mut engine, &down(), 15);
    step(&mut engine, &down(), 60);
    let pulse = engine.pulse();
    assert_eq!(pulse.last_good, Some(at(0).tick));
    assert_eq!(pulse.failure, Some(("connection refused".into(), at(15).tick)));
    assert_eq!(engine.board(at(60)).slos[0].state, SloState::Ok, "as last read");
}

#[test]
fn a_slow_month_is_not_a_dead_server() {
    let mut engine = engine(2);
    let slow = Fake::answering(|query| {
        if query.contains("[30d]") {
            Err(error(ErrorKind::TimedOut, None, "no answer in 60 s"))
        } else {
            Ok(None)
        }
    });
    step(&mut engine, &slow, 0);
    assert_eq!(engine.pulse().failure, None);
    let board = engine.board(at(0));
    assert!(
        board.slos[0].words.contains("30d failed: no answer in 60 s"),
        "{}",
        board.slos[0].words
    );
}

#[test]
fn one_batch_that_is_answered_does_not_make_up_for_another_of_its_round() {
    let mut engine = engine(60);
    let half = Fake::answering(|query| {
        if query.contains("s000") {
            Err(error(ErrorKind::ServerFault, Some(500), "out of memory"))
        } else {
            Ok(None)
        }
    });
    step(&mut engine, &half, 0);
    assert_eq!(
        engine.pulse().failure.map(|(cause, _)| cause),
        Some("out of memory".into())
    );
}

#[test]
fn a_round_of_time_outs_halves_the_batch_once() {
    let mut engine = engine(200);
    let sick = Fake::answering(|query| {
        if query.contains("[30d]") || query.contains("[3d]") {
            Err(error(ErrorKind::TimedOut, None, "no answer in 60 s"))
        } else {
            Ok(None)
        }
    });
    let of = |queries: &[String], window: &str| windows(queries).iter().filter(|w| *w == window).count();
    let asked = step(&mut engine, &sick, 0);
    assert_eq!((of(&asked, "30d"), of(&asked, "3d")), (4, 4));
    let asked = step(&mut engine, &sick, 900);
    assert_eq!((of(&asked, "30d"), of(&asked, "3d")), (8, 8), "by 25");
    let asked = step(&mut engine, &sick, 1_800);
    assert_eq!(of(&asked, "30d"), 17, "by 12: each round halves once");
}

#[test]
fn a_server_that_asks_to_be_left_alone_is_not_hurried_and_then_asked_again() {
    let mut engine = engine(2);
    step(&mut engine, &Fake::healthy(), 0);
    let busy = Fake::answering(|_| {
        Err(BackendError {
            retry_after: Some(Duration::from_secs(300)),
            ..error(ErrorKind::RateLimited, Some(429), "too many requests")
        })
    });
    step(&mut engine, &busy, 15);
    engine.hurry();
    assert_eq!(engine.next_due(at(20).tick), at(315).tick);
    assert_eq!(step(&mut engine, &Fake::healthy(), 310), Vec::<String>::new());
    assert!(!step(&mut engine, &Fake::healthy(), 315).is_empty());
}

#[test]
fn a_failing_server_that_is_pressed_for_gets_a_breath_between_attempts() {
    let mut engine = engine(2);
    for second in 0..20 {
        step(&mut engine, &down(), second * 15);
    }
    engine.hurry();
    step(&mut engine, &down(), 400);
    engine.hurry();
    assert_eq!(engine.next_due(at(400).tick), at(401).tick);
}

#[test]
fn a_search_for_slos_that_was_not_answered_is_made_again_soon_and_at_once_where_that_is_pressed_for() {
    let settings = Settings {
        poll: Duration::from_secs(15),
        discover: Discover::Yes,
    };
    let mut engine = Engine::new(Vec::new(), settings);
    let hanging = Fake::answering(|_| Err(error(ErrorKind::TimedOut, None, "no whole answer within 5s")));
    step(&mut engine, &hanging, 0);
    let due = engine.next_due(at(0).tick);
    assert!((at(15).tick..=at(120).tick).contains(&due), "{due:?}");
    engine.hurry();
    assert_eq!(engine.next_due(at(0).tick), at(1).tick);
}

#[test]
fn an_slo_that_is_found_later_is_asked_alone_and_the_others_keep_their_tiers() {
    let (mut engine, fake) = (engine(3), Fake::healthy());
    step(&mut engine, &fake, 0);
    let mut newcomer = slo("fresh");
    newcomer.origin = SloOrigin::Sloth;
    engine.found(crate::backend::metrics::discovery::Found {
        slos: vec![newcomer],
        warnings: Vec::new(),
    });
    assert_eq!(engine.next_due(at(1).tick), Tick::ZERO);
    let asked = step(&mut engine, &fake, 1);
    assert!(asked.iter().any(|q| q.contains("all_fresh[30d]")), "{asked:?}");
    assert!(!asked.iter().any(|q| q.contains("all_s000")), "{asked:?}");
    assert!(engine.next_due(at(1).tick) > at(1).tick, "once");
}

#[test]
fn a_found_slo_is_forgotten_once_several_searches_miss_it_and_its_period_is_void() {
    use crate::backend::metrics::discovery::Found;
    let mut engine = engine(1);
    let found = |name: &str| Slo {
        origin: SloOrigin::Sloth,
        ..slo(name)
    };
    let both = Found {
        slos: vec![found("gone"), found("lost")],
        warnings: Vec::new(),
    };
    engine.found(both.clone());
    let timed = |reading| TimedReading {
        reading,
        at: at(0).tick,
        fresh_for: HOUR,
    };
    for (name, reading) in [
        ("gone", Reading::NoData),
        (
            "lost",
            Reading::Ratio {
                error_ratio: 0.5,
                events: None,
            },
        ),
    ] {
        let windows = &mut engine.entries.get_mut(name).unwrap().readings.windows;
        windows.insert("30d".to_owned(), timed(reading));
    }
    let names = |engine: &Engine| engine.slos().map(|slo| slo.name.clone()).collect::<Vec<_>>();
    engine.found(Found::default());
    engine.found(Found::default());
    assert_eq!(names(&engine), ["gone", "lost", "s000"], "two misses are none");
    engine.found(both);
    engine.found(Found::default());
    engine.found(Found::default());
    assert_eq!(names(&engine), ["gone", "lost", "s000"], "in a row");
    engine.found(Found::default());
    assert_eq!(
        names(&engine),
        ["lost", "s000"],
        "lost data and configured ones stay"
    );
}
