//! Cases by tables: what is a suspect, what is none, and in which order.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::domain::oneself::Us;
use crate::domain::trace::TraceId;

fn began() -> DateTime<Utc> {
    "2026-11-20T03:01:00Z".parse().unwrap()
}

fn clock(at: DateTime<Utc>) -> String {
    at.format("%H:%MZ").to_string()
}

fn minutes(minutes: i64) -> TimeDelta {
    TimeDelta::minutes(minutes)
}

/// A case of `checkout` of which everything is known, and nothing points anywhere.
fn quiet() -> Evidence {
    Evidence {
        now: began() + minutes(13),
        of: Of::Service,
        service: Some("checkout".into()),
        names: Arc::default(),
        began: Began {
            at: began(),
            by: By::Burn("checkout-availability".into()),
        },
        alert: Known::Known(None),
        related: Known::Known(Vec::new()),
        elsewhere: Vec::new(),
        slos: Known::Known(Vec::new()),
        deploys: Known::Known(Deploys::default()),
        logs: Known::Known(Lines {
            before: 2_000,
            since: 500,
            ..Lines::default()
        }),
        traces: Known::Known(Traces {
            before: seen(2, 60),
            since: seen(1, 18),
            ..Traces::default()
        }),
        incidents: Known::Known(Vec::new()),
        on_call: Known::Known(Vec::new()),
        us: Us::default(),
        remarks: Vec::new(),
    }
}

fn seen(count: u64, over: u64) -> Seen {
    Seen {
        count,
        covered: Duration::from_secs(over * 60),
    }
}

/// A deploy so many minutes after the beginning.
fn deploy(service: &str, version: &str, after: i64) -> Deploy {
    Deploy {
        at: began() + minutes(after),
        services: (!service.is_empty())
            .then(|| Arc::from(service))
            .into_iter()
            .collect(),
        version: Some(version.into()),
        text: format!("{service}: deploy {version}").into(),
    }
}

/// A pattern that came so often before and since, first so many minutes after the beginning.
fn pattern(
    template: &str,
    level: crate::domain::log::Level,
    (before, since): (u64, u64),
    after: i64,
) -> PatternSeen {
    PatternSeen {
        service: Some("checkout".into()),
        level,
        template: template.into(),
        before: seen(before, 60),
        since: seen(since, 18),
        first: began() + minutes(after),
        last: began() + minutes(13),
    }
}

fn span(service: &str, operation: &str, what: &str) -> SpanSeen {
    SpanSeen {
        service: service.into(),
        operation: operation.into(),
        what: what.to_owned(),
        took: Duration::from_millis(2_100),
    }
}

/// A trace with this origin, or this bottleneck where it was read for being slow.
fn trace(number: u8, why: Why, found: SpanSeen) -> TraceSeen {
    let (origins, bottleneck) = if why.is_failed() {
        (vec![found], None)
    } else {
        (Vec::new(), Some(found))
    };
    TraceSeen {
        id: TraceId([number; 16]),
        why,
        at: began() + minutes(2),
        took: Duration::from_millis(2_300),
        explained: Ok(Explained {
            line: "checkout 2.3 s: …".to_owned(),
            origins,
            bottleneck,
            whole: Duration::from_millis(2_300),
        }),
    }
}

fn failing(origins: &[SpanSeen]) -> Traces {
    Traces {
        before: seen(0, 60),
        since: seen(96, 18),
        read: (1..)
            .zip(origins)
            .map(|(number, origin)| trace(number, Why::Worst, origin.clone()))
            .collect(),
        ..Traces::default()
    }
}

fn suspects(evidence: &Evidence) -> Vec<String> {
    let case = Case::of(evidence, Numbers::Ranked, &clock);
    let told = |suspect: &Suspect| format!("{} · {}", suspect.words, suspect.evidence);
    case.suspects.iter().map(told).collect()
}

fn of_deploys(list: Vec<Deploy>) -> Evidence {
    Evidence {
        deploys: Known::Known(Deploys { list, partial: None }),
        ..quiet()
    }
}

fn of_patterns(patterns: Vec<PatternSeen>) -> Evidence {
    Evidence {
        logs: Known::Known(Lines {
            patterns,
            before: 2_000,
            since: 900,
            ..Lines::default()
        }),
        ..quiet()
    }
}

use crate::domain::log::Level::{Error, Info, Warn};

#[test]
fn where_nothing_points_anywhere_nobody_is_named_and_that_is_said() {
    let evidence = quiet();
    assert_eq!(suspects(&evidence), [""; 0]);
    let case = Case::of(&evidence, Numbers::Ranked, &clock);
    let said = &case.sections[0].rows[0].text;
    assert!(said.starts_with("nothing points anywhere: no deploy"), "{said}");
}

#[test]
fn a_deploy_counts_where_it_is_of_the_service_and_came_before() {
    for (list, expected) in [
        (
            vec![deploy("checkout", "2.3.1", -3)],
            vec!["deploy checkout 2.3.1 · 3 min before the burn began"],
        ),
        (
            vec![deploy("Checkout", "2.3.1", -59)],
            vec!["deploy Checkout 2.3.1 · 59 min before the burn began"],
        ),
        // another service's, however near
        (vec![deploy("recommendation", "5.12.1", -1)], vec![]),
        // behind the beginning: a rollback, or a hot fix
        (vec![deploy("checkout", "2.3.0", 4)], vec![]),
        // too long before
        (vec![deploy("checkout", "2.2.9", -61)], vec![]),
        (
            vec![deploy("", "7", -3)],
            vec!["deploy mark \": deploy 7\" · 3 min before the burn began; it names no service"],
        ),
        (
            vec![
                deploy("checkout", "2.3.0", -50),
                deploy("search", "7.2.1", -2),
                deploy("checkout", "2.3.1", -3),
                deploy("checkout", "2.3.0", 8),
            ],
            vec![
                "deploy checkout 2.3.1 · 3 min before the burn began",
                "deploy checkout 2.3.0 · 50 min before the burn began",
            ],
        ),
    ] {
        assert_eq!(suspects(&of_deploys(list.clone())), expected, "{list:?}");
    }
}

#[test]
fn a_pattern_counts_where_it_is_new_or_far_more_frequent() {
    for (patterns, expected) in [
        (
            vec![pattern("pool exhausted: <num> of 50", Error, (0, 412), 0)],
            vec!["pattern 'pool exhausted: <num> of 50' · new since 03:01Z, 412 lines"],
        ),
        // it was always there
        (vec![pattern("retrying order write", Error, (40, 14), -5)], vec![]),
        (
            vec![pattern("upstream answered 503", Warn, (30, 90), -5)],
            vec!["pattern 'upstream answered 503' · 10× as often as before, 90 lines"],
        ),
        // two lines are nothing
        (vec![pattern("disk is full", Error, (0, 2), 1)], vec![]),
        // it went away
        (vec![pattern("order placed", Info, (4_000, 3), 0)], vec![]),
        (
            vec![
                pattern("started in <dur>", Info, (0, 6), 1),
                pattern("gave up", Error, (0, 30), 12),
                pattern("pool exhausted", Error, (0, 400), 0),
                pattern("order refused", Error, (0, 390), 0),
            ],
            // no more than two, the gravest and nearest
            vec![
                "pattern 'pool exhausted' · new since 03:01Z, 400 lines",
                "pattern 'order refused' · new since 03:01Z, 390 lines",
            ],
        ),
    ] {
        assert_eq!(suspects(&of_patterns(patterns.clone())), expected, "{patterns:?}");
    }
}

#[test]
fn what_may_have_been_there_before_is_not_called_new() {
    let mut seen_late = pattern("pool exhausted", Error, (0, 12), 0);
    seen_late.before.covered = Duration::from_secs(4);
    assert_eq!(suspects(&of_patterns(vec![seen_late])), [""; 0]);
}

#[test]
fn a_span_counts_where_traces_fail_more_often_and_half_of_them_lead_to_it() {
    let pool = || span("checkout", "pool.acquire", "*pool.ExhaustedError");
    let other = || span("shipping", "GET /v2/quotes", "502");
    let of = |traces| Evidence {
        traces: Known::Known(traces),
        ..quiet()
    };
    let named = "span checkout.pool.acquire fails · origin of";
    let all = failing(&[pool(), pool(), pool()]);
    assert_eq!(
        suspects(&of(all.clone())),
        [format!(
            "{named} 3 of 3 failed traces read (*pool.ExhaustedError)"
        )]
    );
    let most = failing(&[pool(), pool(), other()]);
    assert_eq!(
        suspects(&of(most)),
        [format!(
            "{named} 2 of 3 failed traces read (*pool.ExhaustedError)"
        )]
    );
    let scattered = failing(&[pool(), other(), span("cart", "GET /cart", "500")]);
    assert_eq!(suspects(&of(scattered)), [""; 0]);
    // they failed as often before
    let as_before = Traces {
        before: seen(320, 60),
        ..all
    };
    assert_eq!(suspects(&of(as_before)), [""; 0]);
}

#[test]
fn the_time_that_the_newest_failed_traces_cover_is_not_told_as_how_long_it_lasts() {
    let text = |is_cut| {
        let evidence = Evidence {
            traces: Known::Known(Traces {
                before: seen(1, 60),
                since: Seen {
                    count: 100,
                    covered: Duration::from_secs(20),
                },
                is_cut,
                ..Traces::default()
            }),
            ..quiet()
        };
        let case = Case::of(&evidence, Numbers::Ranked, &clock);
        let mut sections = case.sections.into_iter();
        let section = sections.find(|section| section.part == Part::Traces).unwrap();
        section.rows[0].text.clone()
    };
    let cut = text(true);
    assert!(
        cut.starts_with("the newest 100 failed traces came within 20 s, 1 in 60 min before: "),
        "{cut}"
    );
    assert!(text(false).starts_with("100 failed traces in 20 s since, "));
}

#[test]
fn a_slow_span_counts_where_traces_got_slower() {
    let slow = |before, since| Evidence {
        traces: Known::Known(Traces {
            slower: Some(Slower {
                before: Duration::from_millis(before),
                since: Duration::from_millis(since),
            }),
            read: (1..=4)
                .map(|number| trace(number, Why::Slowest, span("payment", "charge", "")))
                .collect(),
            ..Traces::default()
        }),
        ..quiet()
    };
    assert_eq!(
        suspects(&slow(400, 2_200)),
        ["span payment.charge slow · 2.1 s of 2.3 s in one, most of 4 of 4 slow traces read"]
    );
    assert_eq!(suspects(&slow(1_500, 2_200)), [""; 0]);
}

#[test]
fn a_change_stands_before_its_symptoms_and_a_far_one_behind_them() {
    let pool = span("checkout", "pool.acquire", "*pool.ExhaustedError");
    let with = |after| Evidence {
        deploys: Known::Known(Deploys {
            list: vec![
                deploy("checkout", "2.3.1", after),
                deploy("recommendation", "5.12.1", -4),
            ],
            partial: None,
        }),
        traces: Known::Known(failing(&[pool.clone(), pool.clone()])),
        ..of_patterns(vec![pattern("pool exhausted", Error, (0, 412), 0)])
    };
    let kinds = |evidence: &Evidence| -> Vec<String> {
        let told = suspects(evidence);
        told.iter()
            .map(|told| told.split(' ').next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(kinds(&with(-18)), ["deploy", "pattern", "span"]);
    assert_eq!(kinds(&with(-57)), ["pattern", "span", "deploy"]);
}

#[test]
fn a_deploy_of_another_service_counts_where_the_failed_traces_lead_there() {
    let charge = span("payment", "POST /charge", "500");
    let evidence = Evidence {
        traces: Known::Known(failing(&[charge.clone(), charge])),
        ..of_deploys(vec![
            deploy("payment", "4.1.0", -6),
            deploy("search", "7.2.1", -6),
        ])
    };
    let told = suspects(&evidence);
    assert_eq!(
        told[0],
        "deploy payment 4.1.0 · 6 min before the burn began; its traces lead there"
    );
    assert!(told.iter().all(|told| !told.contains("search")), "{told:?}");
}

#[test]
fn an_alert_of_the_service_that_the_failed_traces_lead_to_stands_before_the_symptoms_here() {
    let pool = span("checkout", "pool.acquire", "*pool.ExhaustedError");
    let alert = |name, service, minutes_before| {
        let mut alert =
            crate::domain::alert::desk::sample::alert(&[("alertname", name), ("service", service)]);
        alert.occurrence.starts_at = began() - minutes(minutes_before);
        Arc::new(alert)
    };
    let evidence = Evidence {
        service: Some("payment".into()),
        elsewhere: vec![
            alert("ErrorBudgetBurn", "checkout", 15),
            alert("Later", "checkout", -10),
            alert("HighLatency", "search", 5),
        ],
        traces: Known::Known(failing(&[pool.clone(), pool])),
        ..of_patterns(vec![pattern("charge failed", Warn, (0, 412), 0)])
    };
    let told = suspects(&evidence);
    let others = told.iter().filter(|told| told.starts_with("alert"));
    assert_eq!(others.count(), 1, "{told:?}");
    assert!(
        told.contains(
            &"alert ErrorBudgetBurn checkout · fires since 02:46Z, 15 min before the burn began; its traces lead there"
                .to_owned()
        ),
        "{told:?}"
    );
    // What was rolled out there is held against its own beginning, and stands before every symptom.
    let rolled_out = Evidence {
        deploys: Known::Known(Deploys {
            list: vec![deploy("checkout", "2.3.1", -30), deploy("checkout", "2.3.0", -4)],
            partial: None,
        }),
        ..evidence
    };
    assert_eq!(
        suspects(&rolled_out)[0],
        "deploy checkout 2.3.1 · 15 min before ErrorBudgetBurn checkout fired; its traces lead there"
    );
    assert!(suspects(&rolled_out).iter().all(|told| !told.contains("2.3.0")));
}

#[test]
fn what_is_not_known_is_a_row_and_never_silence() {
    let evidence = Evidence {
        logs: Known::Looking,
        traces: Known::Failed("traces: connection refused".to_owned()),
        deploys: Known::Absent("not asked: no annotations backend is configured".to_owned()),
        ..quiet()
    };
    let case = Case::of(&evidence, Numbers::Ranked, &clock);
    let rows = |part: Part| -> Vec<(Tone, String)> {
        let section = case.sections.iter().find(|section| section.part == part).unwrap();
        section
            .rows
            .iter()
            .map(|row| (row.tone, row.text.clone()))
            .collect()
    };
    assert_eq!(rows(Part::Logs), [(Tone::Looking, "looking".to_owned())]);
    assert_eq!(
        rows(Part::Traces),
        [(Tone::Unknown, "not known: traces: connection refused".to_owned())]
    );
    assert_eq!(rows(Part::Deploys)[0].0, Tone::Quiet);
    let suspects = rows(Part::Suspects);
    assert_eq!(suspects[0], (Tone::Looking, "looking at logs".to_owned()));
    assert_eq!(suspects[1].0, Tone::Unknown);
    assert!(suspects[1].1.contains("traces"), "{suspects:?}");
    assert!(case.sections.iter().all(|section| !section.rows.is_empty()));
}

#[test]
fn every_row_has_a_name_of_its_own() {
    let pool = span("checkout", "pool.acquire", "*pool.ExhaustedError");
    let evidence = Evidence {
        traces: Known::Known(failing(&[pool.clone(), pool])),
        ..of_patterns(vec![
            pattern("pool exhausted", Error, (0, 412), 0),
            pattern("gave up", Warn, (0, 12), 0),
        ])
    };
    let case = Case::of(&evidence, Numbers::Ranked, &clock);
    let mut ids: Vec<_> = case.rows().map(|row| row.id.clone()).collect();
    let count = ids.len();
    ids.sort_by(|one, other| one.0.cmp(&other.0));
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[test]
fn the_document_tells_suspects_with_their_weights_and_every_row() {
    let evidence = of_deploys(vec![deploy("checkout", "2.3.1", -3)]);
    let case = Case::of(&evidence, Numbers::Ranked, &clock);
    let text = case_document(
        "prod",
        evidence.now,
        &evidence,
        &case,
        &crate::domain::document::Remarks::default(),
    );
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["suspects"][0]["suspect"], "deploy checkout 2.3.1");
    assert_eq!(document["suspects"][0]["score"]["sum"], 100);
    assert_eq!(document["began"], "2026-11-20T03:01:00Z");
    assert_eq!(document["sections"].as_array().unwrap().len(), 8);
    assert!(
        case_text(&case).starts_with("Suspects\n› 1"),
        "{}",
        case_text(&case)
    );
}

/// What the trace backend, the alerts and whatever rolls out call what we call checkout and payment.
fn named_otherwise() -> Arc<crate::domain::service_map::ServiceMap> {
    use crate::domain::service_map::{Caller, ServiceMap};
    let names = |suffix: &str| {
        ["checkout", "payment"]
            .map(|service| (service.to_owned(), format!("{service}{suffix}")))
            .into()
    };
    let of = [(Caller::Traces, names("-svc")), (Caller::Alerts, names("-api"))];
    Arc::new(ServiceMap::new(Vec::new(), of.into()))
}

#[test]
fn a_span_is_its_own_services_by_whatever_name_the_traces_call_that() {
    let own = span("checkout-svc", "pool.acquire", "*pool.ExhaustedError");
    let evidence = Evidence {
        names: named_otherwise(),
        traces: Known::Known(failing(&[own.clone(), own])),
        ..of_deploys(vec![deploy("checkout-svc", "2.3.1", -3)])
    };
    assert_eq!(
        suspects(&evidence),
        [
            "deploy checkout-svc 2.3.1 · 3 min before the burn began",
            "span checkout.pool.acquire fails · origin of 2 of 2 failed traces read (*pool.ExhaustedError)",
        ]
    );
}

#[test]
fn an_alert_and_a_deploy_of_the_service_that_traces_lead_to_are_known_by_their_own_names_for_it() {
    let charge = span("payment-svc", "POST /charge", "500");
    let mut alert =
        crate::domain::alert::desk::sample::alert(&[("alertname", "Burn"), ("service", "payment-api")]);
    alert.occurrence.starts_at = began() - minutes(10);
    let evidence = Evidence {
        names: named_otherwise(),
        elsewhere: vec![Arc::new(alert)],
        traces: Known::Known(failing(&[charge.clone(), charge])),
        ..of_deploys(vec![deploy("payment", "4.1.0", -16)])
    };
    assert_eq!(
        suspects(&evidence),
        [
            "deploy payment 4.1.0 · 6 min before Burn payment fired; its traces lead there",
            "alert Burn payment · fires since 02:51Z, 10 min before the burn began; its traces lead there",
            "span payment.POST /charge fails · origin of 2 of 2 failed traces read (500)",
        ]
    );
}

#[test]
fn what_came_within_a_minute_is_not_said_to_have_come_first() {
    let near = |seconds: i64| {
        let mut deploy = deploy("checkout", "2.3.1", 0);
        deploy.at += TimeDelta::seconds(seconds);
        suspects(&of_deploys(vec![deploy]))
    };
    for seconds in [-59, -20, 0, 1, 59] {
        assert_eq!(
            near(seconds),
            ["deploy checkout 2.3.1 · within a minute of when the burn began"],
            "{seconds}"
        );
    }
    assert_eq!(near(-60), ["deploy checkout 2.3.1 · 1 min before the burn began"]);
    assert_eq!(near(61), [""; 0]);
}

/// Numbers, words and how they stand, as the page has them.
fn rows(case: &Case) -> Vec<(String, String, Tone)> {
    let rows = case.sections[0].rows.iter();
    rows.map(|row| {
        let words = row.text.split(" · ").next().unwrap().to_owned();
        (row.lead.clone(), words, row.tone)
    })
    .collect()
}

fn told(lead: &str, words: &str, tone: Tone) -> (String, String, Tone) {
    (lead.to_owned(), words.to_owned(), tone)
}

#[test]
fn a_number_that_was_told_means_the_same_whatever_comes_and_goes() {
    let gave_up = || pattern("gave up", Error, (0, 30), 0);
    let first = of_patterns(vec![gave_up()]);
    let case = Case::of(&first, Numbers::Ranked, &clock);
    assert_eq!(rows(&case), [told("1", "pattern 'gave up'", Tone::Strong)]);

    // A likelier one comes: it stands below, and the page says so.
    let second = Evidence {
        deploys: of_deploys(vec![deploy("checkout", "2.3.1", -3)]).deploys,
        ..first.clone()
    };
    let case = Case::of(&second, Numbers::Held(&case.suspects), &clock);
    let new = "1 came since the numbers were given; the likeliest now is 2";
    assert_eq!(
        rows(&case),
        [
            told("1", "pattern 'gave up'", Tone::Strong),
            told("2", "new: deploy checkout 2.3.1", Tone::Strong),
            told("!", new, Tone::Plain),
        ]
    );
    // It still came since when it is looked at again; and who is gone keeps his place, and opens nothing.
    let third = Evidence {
        logs: quiet().logs,
        ..second.clone()
    };
    let case = Case::of(&third, Numbers::Held(&case.suspects), &clock);
    assert_eq!(
        rows(&case)[..2],
        [
            told("1", "pattern 'gave up'", Tone::Quiet),
            told("2", "new: deploy checkout 2.3.1", Tone::Strong),
        ]
    );
    assert_eq!(case.suspect(1).unwrap().target, None);
    assert_eq!(case.suspect(2).unwrap().words, "deploy checkout 2.3.1");
    // It comes back to its own number.
    let case = Case::of(&second, Numbers::Held(&case.suspects), &clock);
    assert_eq!(case.suspect(1).unwrap().stands, Stands::Ranked);
    assert!(case.suspect(1).unwrap().target.is_some());
    // Opened again, the likeliest is the first.
    let case = Case::of(&second, Numbers::Ranked, &clock);
    assert_eq!(case.suspect(1).unwrap().words, "deploy checkout 2.3.1");
    assert_eq!(rows(&case).len(), 2);
}

#[test]
fn nobody_beyond_the_numbers_takes_one_over_and_there_are_never_many() {
    let deploys = |from: i64| {
        let list = (from..from + 5).map(|n| deploy("checkout", &format!("2.3.{n}"), -n));
        of_deploys(list.collect())
    };
    let mut case = Case::of(&deploys(20), Numbers::Ranked, &clock);
    let numbered: Vec<RowId> = case.suspects.iter().map(|suspect| suspect.id.clone()).collect();
    for from in [15, 10, 5] {
        case = Case::of(&deploys(from), Numbers::Held(&case.suspects), &clock);
        assert!(case.suspects.len() <= 2 * Case::MOST_SUSPECTS);
        for (number, id) in (1..).zip(&numbered) {
            assert_eq!(case.suspect(number).unwrap().id, *id);
        }
        assert_eq!(case.suspect(6), None);
        assert_eq!(rows(&case)[5].0, "·");
    }
    let said = rows(&case).pop().unwrap().1;
    assert!(said.ends_with("the likeliest now has no number"), "{said}");
}

#[test]
fn there_are_no_numbers_while_the_likeliest_may_still_come() {
    let evidence = Evidence {
        traces: Known::Looking,
        ..of_deploys(vec![deploy("checkout", "2.3.1", -3)])
    };
    let case = Case::of(&evidence, Numbers::Awaited, &clock);
    assert_eq!(
        rows(&case),
        [
            told("·", "deploy checkout 2.3.1", Tone::Strong),
            told(
                "…",
                "looking at traces; numbers when these have answered",
                Tone::Looking
            ),
        ]
    );
    assert_eq!(case.suspect(1), None);
}
