//! The write-ups of made-up incidents, as they are printed.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::handoff::{MOST_LINES, Shift, Subject, handoff};
use super::postmortem::{Case, postmortem};
use crate::backend::BackendFailure;
use crate::domain::alert::desk::{Arrangement, Desk, sample as alerts};
use crate::domain::alert::{AlertBoard, Standing};
use crate::domain::document::Remarks;
use crate::domain::incident::link::{AlertClues, IncidentClues, Links};
use crate::domain::incident::sample::{incident, named, person};
use crate::domain::incident::{Facts, Incident, IncidentId, Role, Status};
use crate::domain::oncall::{Duty, Roster};
use crate::domain::slo::{Peak, Spent};
use crate::domain::timeline::sample::{at, ours, story, told, with};
use crate::domain::timeline::{Delivery, Event, EventKind, Starred, Timeline, todos};
use crate::text::is_unsafe;

fn spent() -> Spent {
    Spent {
        slo: "checkout-availability".into(),
        service: "checkout".into(),
        objective: "99.9".into(),
        span: Duration::from_secs(4_800),
        burn: Some(21.3),
        peak: Some(Peak {
            burn: 48.2,
            over: Duration::from_secs(300),
        }),
        spent: Some(0.039_4),
        left: Some(0.41),
        why: None,
    }
}

fn events() -> Vec<Event> {
    let burn = |id, seconds, kind, burn, budget| {
        with(
            told(id, seconds, kind, "", "checkout-availability page 1h/5m"),
            &[
                ("slo", "checkout-availability"),
                ("burn", burn),
                ("budget", budget),
                ("value", "burn 1h 18.2× 5m 24.0×"),
            ],
        )
    };
    let mut rollback = with(
        ours(
            Delivery::Confirmed,
            told(
                "outbox-7",
                420,
                EventKind::Note,
                "Jun",
                "rollback of 2.3.1 started\nTODO: pin the pool size",
            ),
        ),
        &[("query", "sum(rate(x{a=\"b|c\"}[5m]))"), ("trace", "7f3a91c0")],
    );
    rollback.starred = Starred::Yes;
    vec![
        told(
            "ann-1",
            -240,
            EventKind::Deploy,
            "ci",
            "checkout 2.3.1 rolled out",
        ),
        told(
            "j1",
            -30,
            EventKind::AlertFired,
            "",
            "HighErrorRate checkout: 5 % of requests fail",
        ),
        told("R1", 0, EventKind::Triggered, "", "Triggered through the API"),
        burn("j2", 20, EventKind::BurnStarted, "18.2", "0.45"),
        told("R2", 90, EventKind::Acknowledged, "Mara", "Acknowledged by Mara"),
        told("R3", 300, EventKind::Escalated, "Mara", "escalated to level 2"),
        rollback,
        told(
            "R4",
            600,
            EventKind::StatusUpdate,
            "Mara",
            "Checkout fails for 5 %; a rollback runs.",
        ),
        ours(
            Delivery::Failed,
            told("outbox-8", 700, EventKind::StatusUpdate, "Jun", "never said"),
        ),
        with(
            told("outbox-9", 1_200, EventKind::Other, "Mara", "monitoring"),
            &[("status", "monitoring")],
        ),
        burn("j3", 1_500, EventKind::BurnStopped, "2.0", "0.41"),
        told(
            "R5",
            4_800,
            EventKind::Resolved,
            "Mara",
            "Resolved: the rollback held",
        ),
    ]
}

fn case(incident: &Incident, timeline: &Timeline, spent: &[Spent], missing: &[String]) -> String {
    let facts = Facts::with_story(incident, timeline);
    let todos = todos(timeline);
    postmortem(&Case {
        context: "prod",
        incident,
        facts: &facts,
        timeline,
        spent,
        todos: &todos,
        missing,
        now: at(90_000),
    })
}

#[test]
fn a_post_mortem_is_drafted_from_what_was_recorded() {
    let mut over = incident("Q1AB2CD3EF4GH5", Status::Resolved);
    over.url = Some("https://acme.pagerduty.example/incidents/Q1AB2CD3EF4GH5".into());
    over.roles = vec![(Role::Commander, person("Mara"))];
    insta::assert_snapshot!(case(&over, &story(events()), &[spent()], &[]));
}

#[test]
fn a_peak_that_the_journal_saw_names_its_window_and_stands_beside_no_mean() {
    let mut events = events();
    for event in &mut events {
        if event.kind == EventKind::BurnStarted {
            event.refs.insert("rule".into(), "page 1h/5m".into());
        }
    }
    let over = incident("Q1AB2CD3EF4GH5", Status::Resolved);
    let row = |spent: &[Spent]| {
        let text = case(&over, &story(events.clone()), spent, &[]);
        let row = text.lines().find(|line| line.starts_with("| checkout-avail"));
        row.expect("an SLO").to_owned()
    };
    assert!(
        row(&[]).contains("| not measured | 18.2× over 1h, as recorded |"),
        "{}",
        row(&[])
    );
    let unknown = Spent {
        peak: None,
        ..spent()
    };
    let told = row(&[unknown]);
    assert!(
        told.contains("| 21.3× over 1 h 20 min | not measured |"),
        "{told}"
    );
}

#[test]
fn a_post_mortem_of_next_to_nothing_says_what_is_not_known() {
    let text = case(
        &incident("local-1", Status::Triggered),
        &Timeline::default(),
        &[],
        &["metrics: connection refused".into()],
    );
    for said in [
        "Not whole: metrics: connection refused",
        "Nothing was recorded.",
        "| Ended | not yet |",
        "not recorded",
        "No SLO of its service is known here.",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn the_journals_burns_tell_the_budget_where_nothing_was_measured() {
    let text = case(&incident("Q1", Status::Resolved), &story(events()), &[], &[]);
    let row = "| checkout-availability | not known | not measured | 18.2×, as recorded | 4.0 % | 41.0 % |";
    assert!(text.contains(row), "{text}");
}

#[test]
fn hostile_text_stays_in_its_cell_and_touches_no_terminal() {
    let evil = "x | y\n# heading\n\u{1b}]0;t\u{7}\u{202e}<img src=x> [a](b) `c`";
    let mut open = incident("Q1", Status::Acknowledged);
    open.title = evil.into();
    open.service = Some(named(evil));
    open.assignees = vec![person(evil)];
    let event = with(
        told("R1", 5, EventKind::Note, evil, &format!("{evil}\nTODO {evil}")),
        &[("query", evil), ("value", evil), ("url", evil)],
    );
    let text = case(&open, &story(vec![event]), &[], &[evil.into()]);
    assert!(!text.chars().any(|c| c != '\n' && is_unsafe(c)), "{text}");
    assert!(!text.lines().any(|line| line.starts_with("# heading")), "{text}");
    assert!(!text.contains(" <img"), "{text}");
    // every row of the timeline has three cells, whatever pipes its texts hold
    for row in text.lines().filter(|line| line.starts_with("| 2026-")) {
        let bars = row.replace("\\|", "").matches('|').count();
        assert_eq!(bars, 4, "{row}");
    }
}

#[test]
fn a_note_of_a_hundred_kilobytes_makes_a_row_not_a_wall() {
    let long = "🙂é".repeat(20_000);
    let note = told("R1", 5, EventKind::Note, "Jun", &long);
    let text = case(
        &incident("Q1", Status::Acknowledged),
        &story(vec![note]),
        &[],
        &[],
    );
    assert!(text.lines().all(|line| line.len() < 4_000));
}

fn board(count: usize) -> AlertBoard {
    let names: Vec<String> = (0..count).map(|n| format!("HighErrorRate{n}")).collect();
    let mut all = Vec::new();
    for (n, name) in names.iter().enumerate() {
        let mut alert = alerts::source_alert(&[
            ("alertname", name.as_str()),
            ("service", "checkout"),
            ("severity", if n % 2 == 0 { "page" } else { "ticket" }),
        ]);
        alert.occurrence.starts_at = alerts::utc() - TimeDelta::minutes(12);
        if n % 5 == 1 {
            alert.silenced_by = vec!["s1".into()];
            alert.state = crate::domain::alert::AlertState::Suppressed;
        }
        all.push(alert);
    }
    let ack = alerts::silence(
        "s1",
        "ACK! mara@midwatch 2026-11-20T03:00Z: mine [mw:AAAAAAAAAA]",
        "mara",
        "service=checkout",
    );
    let plain = alerts::silence("s2", "planned work [mw:BBBBBBBBBB]", "Jun", "service=search");
    let snapshot = alerts::snapshot("eu-0", all, vec![ack, plain]);
    let inputs = alerts::inputs_of(vec![alerts::source(snapshot)]);
    Desk::new().arrange(&inputs, &Arrangement::default(), alerts::now())
}

fn fired(n: usize, minute: i64) -> (Option<IncidentId>, Event) {
    let mut event = with(
        told(&format!("j{n}-{minute}"), 0, EventKind::AlertFired, "", "x"),
        &[("name", &format!("Flappy{n}")), ("alert", "f1")],
    );
    event.at = alerts::utc() - TimeDelta::minutes(minute);
    (None, event)
}

fn roster(now: DateTime<Utc>) -> Roster {
    let duty = |name: &str, from: i64, to: i64| Duty {
        policy: named("Platform"),
        level: 1,
        person: person(name),
        schedule: Some(named("primary")),
        start: Some(now + TimeDelta::hours(from)),
        end: Some(now + TimeDelta::hours(to)),
    };
    Roster {
        duties: vec![duty("Mara", -6, 6), duty("Jun", 6, 18)],
        ..Roster::default()
    }
}

/// A shift of twelve hours of which there is nothing to tell.
fn quiet<'a>(links: &'a Links, remarks: &'a Remarks) -> Shift<'a> {
    let now = alerts::utc();
    Shift {
        context: "prod",
        since: now - TimeDelta::hours(12),
        now,
        board: None,
        incidents: &[],
        links,
        events: &[],
        slos: None,
        spent: &[],
        todos: &[],
        roster: None,
        undelivered: &[],
        unheard: &[],
        remarks,
    }
}

fn shift(size: usize, remarks: &Remarks) -> String {
    let now = alerts::utc();
    let board = board(size);
    let mut incidents = vec![
        incident("Q1", Status::Acknowledged),
        incident("Q2", Status::Resolved),
    ];
    for n in 0..size {
        incidents.push(incident(&format!("local-{n}"), Status::Triggered));
    }
    incidents[1].resolved_at = Some(now - TimeDelta::hours(1));
    incidents[1].created_at = now - TimeDelta::hours(2);
    let events: Vec<_> = (0..size)
        .flat_map(|n| (0..4).map(move |m| fired(n, m * 3)))
        .collect();
    let todo = story(vec![told("R1", 0, EventKind::Note, "Jun", "TODO pin the pool")]);
    let todos: Vec<_> = todos(&todo)
        .into_iter()
        .map(|todo| ("#4711".to_owned(), todo))
        .collect();
    handoff(&Shift {
        board: Some(&board),
        incidents: &incidents,
        events: &events,
        spent: &[spent()],
        todos: &todos,
        roster: Some(&roster(now)),
        ..quiet(&Links::default(), remarks)
    })
}

#[test]
fn a_hand_over_tells_what_the_next_one_must_know() {
    insta::assert_snapshot!(shift(2, &Remarks::default()));
}

#[test]
fn an_alert_whose_incident_somebody_has_is_not_nobodys() {
    let board = board(1);
    let (fingerprint, alert) = board.by_fingerprint.iter().next().expect("one");
    assert_eq!(alert.standing(), Standing::Unacknowledged);
    let told = |status: Status, keys: &[&str], services: &[(&str, &str)]| {
        let mut incident = incident("Q1", status);
        incident.service = Some(named("checkout"));
        let clues = IncidentClues {
            id: &incident.id,
            keys: keys.to_vec(),
            bodies: Vec::new(),
            service: incident.service.as_ref(),
        };
        let of_board = AlertClues {
            fingerprint: *fingerprint,
            labels: &alert.labels,
            groups: &[],
            service: &alert.service,
        };
        let links = Links::between(&[clues], [of_board], services.iter().copied());
        handoff(&Shift {
            board: Some(&board),
            incidents: std::slice::from_ref(&incident),
            ..quiet(&links, &Remarks::default())
        })
    };
    let key = fingerprint.to_string();
    let taken = told(Status::Acknowledged, &[&key], &[]);
    assert!(
        taken.contains("## Acknowledged, still firing (1)") && !taken.contains("nobody has it"),
        "{taken}"
    );
    let row = taken
        .lines()
        .find(|line| line.contains("HighErrorRate0"))
        .expect("a row");
    assert!(
        row.contains("has #4711 Q1 for") && row.contains("fires for 12m"),
        "{row}"
    );
    let section = taken.split("## Open incidents").nth(1).expect("open ones");
    // taken a minute and a half after its begin, which is another figure
    assert!(
        section.contains("- #4711 Q1 SEV2 acknowledged for 10m, 12m old, Mara: "),
        "{section}"
    );
    // Nobody has it; it is over; it is only of the same service, and perhaps another trouble.
    for text in [
        told(Status::Triggered, &[&key], &[]),
        told(Status::Resolved, &[&key], &[]),
        told(Status::Acknowledged, &[], &[("checkout", "checkout")]),
    ] {
        assert!(text.contains("## Firing, nobody has it (1)"), "{text}");
    }
}

#[test]
fn a_hand_over_never_passes_its_lines_and_counts_what_it_leaves_out() {
    let remarks = Remarks {
        errors: (0..20)
            .map(|n| BackendFailure {
                backend: format!("backend {n}"),
                message: "GET /x: refused\u{1b}".into(),
            })
            .collect(),
        ..Remarks::default()
    };
    for size in [0, 1, 3, 9, 40, 400] {
        let text = shift(size, &remarks);
        let lines = text.lines().count();
        assert!(lines <= MOST_LINES, "{lines} lines of {size}");
        assert!(text.contains("… and 17 more"), "{text}");
        assert!(size < 40 || text.matches("… and ").count() > 3, "{text}");
        for section in ["Open incidents", "Silences made", "On call", "Follow-ups"] {
            assert!(text.contains(&format!("## {section}")), "{section}: {text}");
        }
        assert!(!text.chars().any(|c| c != '\n' && is_unsafe(c)));
    }
}

#[test]
fn titles_stand_whole_in_a_hand_over() {
    let mut long = incident("Q1", Status::Triggered);
    let title = format!(
        "checkout fails {}as seen by deploy 2.3.1",
        "again and ".repeat(40)
    );
    long.title = title.as_str().into();
    let text = handoff(&Shift {
        incidents: &[long],
        ..quiet(&Links::default(), &Remarks::default())
    });
    assert!(text.contains(&title), "{text}");
}

#[test]
fn what_could_not_be_asked_is_not_said_to_be_nothing() {
    let remarks = Remarks::default();
    let mut inputs = alerts::inputs(Vec::new());
    let text = |inputs: &_| {
        let board = Desk::new().arrange(inputs, &Arrangement::default(), alerts::now());
        handoff(&Shift {
            board: Some(&board),
            ..quiet(&Links::default(), &remarks)
        })
    };
    let calm = text(&inputs);
    assert!(
        calm.contains("Nothing: firing unacknowledged, acknowledged and firing,"),
        "{calm}"
    );
    assert!(!calm.contains("budgets"), "there are no SLOs to speak of: {calm}");
    inputs.sources[0].snapshot = None;
    inputs.sources[0].failure = Some(("refused".into(), std::time::Duration::ZERO));
    let blind = text(&inputs);
    assert!(blind.contains("> Not known: alerts are not known"), "{blind}");
    assert!(
        !blind.contains("firing unacknowledged") && !blind.contains("silences made"),
        "{blind}"
    );
}

#[test]
fn a_keeper_that_did_not_answer_has_not_nothing_to_tell() {
    let told = |unheard: &[Subject]| {
        handoff(&Shift {
            roster: Some(&Roster::default()),
            undelivered: &["7 escalate #4697 to level 3 by jun: needs_decision".to_owned()],
            unheard,
            ..quiet(&Links::default(), &Remarks::default())
        })
    };
    let heard = told(&[]);
    for nothing in ["open incidents", "incidents that ended", "follow-ups", "on call"] {
        assert!(heard.contains(nothing), "{nothing}: {heard}");
    }
    assert!(heard.contains("## Escalations not delivered (1)"), "{heard}");
    let silent = told(&[Subject::Incidents, Subject::Stories, Subject::OnCall]);
    let nothing = silent.lines().find(|line| line.starts_with("Nothing:"));
    assert_eq!(nothing, Some("Nothing: flappers."), "{silent}");
}
