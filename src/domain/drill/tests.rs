use super::report::Again;
use super::*;

pub(super) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

/// Payment is broken from 30 s on, the page comes at 90 s, all is well at 900 s.
pub(super) fn truth() -> Truth {
    Truth {
        cause: Cause::CertificateExpiry,
        culprit: "payment".to_owned(),
        felt: "checkout".to_owned(),
        shown_by: vec!["payment".to_owned(), "checkout".to_owned()],
        struck: vec!["checkout".to_owned(), "storefront".to_owned()],
        signal: Signal::Log,
        sign: "x509".to_owned(),
        told: "its certificate ended".to_owned(),
        help: Help::NotNeeded,
        onset: at(30),
        mended: at(900),
        paged: Some(at(90)),
        pages: vec![Page {
            at: at(90),
            service: "checkout".to_owned(),
        }],
    }
}

/// Nobody did anything until the end.
pub(super) fn idle() -> Run {
    Run {
        truth: truth(),
        began: at(0),
        ended: at(900),
        services: ["checkout", "storefront", "payment", "giftcard"]
            .map(str::to_owned)
            .into(),
        update_due: TimeDelta::minutes(5),
        looks: Vec::new(),
        deeds: Vec::new(),
        answer: None,
    }
}

fn look(seconds: i64, view: View, service: &str) -> Look {
    Look {
        at: at(seconds),
        view,
        service: Some(service.to_owned()),
        words: format!("{view:?} of {service}"),
        struck: Struck::No,
    }
}

fn deed(seconds: i64, kind: DeedKind) -> Deed {
    Deed {
        at: at(seconds),
        kind,
    }
}

fn ack(seconds: i64) -> Deed {
    ack_of(seconds, "checkout")
}

pub(super) fn ack_of(seconds: i64, service: &str) -> Deed {
    let service = Some(service.to_owned());
    deed(seconds, DeedKind::Acknowledged { service })
}

fn note(seconds: i64, text: &str) -> Deed {
    deed(
        seconds,
        DeedKind::Noted {
            on: Some("#4711 checkout fails".to_owned()),
            text: text.to_owned(),
        },
    )
}

fn update(seconds: i64) -> Deed {
    let text = "looking".to_owned();
    let on = None;
    deed(seconds, DeedKind::Updated { on, text })
}

fn silence(seconds: i64, hides: &[&str]) -> Deed {
    deed(
        seconds,
        DeedKind::Silenced {
            matchers: "severity=\"critical\"".to_owned(),
            hides: hides.iter().map(|name| (*name).to_owned()).collect(),
        },
    )
}

fn escalation(seconds: i64) -> Deed {
    let words = "escalated to level 2".to_owned();
    deed(seconds, DeedKind::Escalated { words })
}

fn answer(cause: Option<Cause>, culprit: Option<&str>) -> Answer {
    Answer {
        at: at(905),
        cause,
        culprit: culprit.map(str::to_owned),
    }
}

pub(super) fn points(run: &Run, name: &str) -> u32 {
    let score = run.score();
    score.parts.iter().find(|part| part.name == name).unwrap().points
}

#[test]
fn who_does_everything_well_has_a_hundred_and_who_does_nothing_keeps_only_restraint() {
    let mut run = idle();
    assert_eq!(run.score().points, Some(4 + 10 - 2));
    run.looks = vec![
        look(40, View::Pane, "checkout"),
        look(150, View::LogLine, "checkout"),
    ];
    run.deeds = vec![
        ack(120),
        update(200),
        note(300, "the certificate of payment expired, x509 in checkout's log"),
        update(490),
        update(780),
    ];
    let score = run.score();
    assert_eq!(score.points, Some(100), "{:#?}", score.parts);
    let of: u32 = score.parts.iter().map(|part| part.of).sum();
    assert_eq!(of, 100);
}

#[test]
fn an_acknowledgement_loses_points_from_two_minutes_to_eight() {
    let table = [(60, 20), (120, 20), (300, 10), (480, 0), (700, 0)];
    for (after, expected) in table {
        let mut run = idle();
        run.deeds.push(ack(90 + after));
        assert_eq!(points(&run, "acknowledge"), expected, "after {after} s");
    }
    let mut run = idle();
    run.deeds.push(deed(
        100,
        DeedKind::Acknowledged {
            service: Some("giftcard".to_owned()),
        },
    ));
    run.deeds.push(ack(60));
    assert_eq!(
        points(&run, "acknowledge"),
        0,
        "of something else, or before the page"
    );
}

#[test]
fn a_right_pane_shows_the_culprit_or_where_it_is_felt_and_is_no_list() {
    let run = idle();
    let mut trace = look(200, View::Trace, "");
    let table = [
        (look(200, View::Alert, "payment"), true),
        (look(200, View::Slo, "checkout"), true),
        (look(200, View::Case, "payment"), true),
        (look(200, View::Logs, "payment"), true),
        (look(200, View::Traces, "storefront"), false),
        (look(20, View::Slo, "payment"), false),
        (look(200, View::Incident, "checkout"), false),
        (look(200, View::Pane, "payment"), false),
        (trace.clone(), false),
    ];
    for (look, right) in &table {
        assert_eq!(run.is_right(look), *right, "{look:?}");
    }
    trace.struck = Struck::Yes;
    assert!(run.is_right(&trace));
    let mut run = idle();
    run.looks = vec![
        look(200, View::Traces, "storefront"),
        look(90 + 390, View::Slo, "payment"),
    ];
    assert_eq!(
        points(&run, "first right pane"),
        10,
        "half way from three minutes to ten"
    );
}

#[test]
fn the_cause_is_named_by_a_note_or_in_the_end_and_a_late_one_keeps_two_fifths() {
    let table: [(Vec<Deed>, Option<Answer>, u32, u32); 8] = [
        (vec![note(300, "payment: certificate expired")], None, 25, 15),
        (vec![note(300, "payment is down")], None, 0, 15),
        (vec![note(300, "a certificate expired somewhere")], None, 0, 0),
        (vec![note(300, "repayments: certificate")], None, 0, 0),
        (
            vec![],
            Some(answer(Some(Cause::CertificateExpiry), Some("payment"))),
            10,
            15,
        ),
        (
            vec![],
            Some(answer(Some(Cause::BadDeploy), Some("payment"))),
            0,
            15,
        ),
        // Who changed their mind did not know.
        (
            vec![note(300, "payment: certificate expired")],
            Some(answer(Some(Cause::BadDeploy), Some("checkout"))),
            0,
            0,
        ),
        (
            vec![note(300, "payment: certificate expired")],
            Some(answer(None, None)),
            25,
            15,
        ),
    ];
    for (deeds, answer, cause, culprit) in table {
        let mut run = idle();
        run.deeds = deeds;
        run.answer = answer;
        let told = format!("{:?} {:?}", run.deeds, run.answer);
        assert_eq!(
            (points(&run, "cause"), points(&run, "culprit")),
            (cause, culprit),
            "{told}"
        );
    }
}

#[test]
fn a_silence_is_needless_where_it_hides_what_is_wrong_before_that_is_known() {
    let named = note(300, "payment: certificate expired");
    let table = [
        (vec![silence(200, &["checkout"])], 1),
        (vec![silence(200, &[])], 0),
        (vec![named.clone(), silence(301, &["checkout"])], 0),
        (vec![silence(10, &["checkout"])], 0),
        (
            vec![
                silence(200, &["checkout"]),
                silence(210, &["storefront"]),
                silence(220, &["checkout"]),
            ],
            3,
        ),
    ];
    for (deeds, needless) in table {
        let mut run = idle();
        run.deeds = deeds;
        assert_eq!(run.score().needless_silences.len(), needless, "{:?}", run.deeds);
        let expected = 10_u32.saturating_sub(5 * u32::try_from(needless).unwrap());
        assert_eq!(points(&run, "restraint"), expected);
    }
}

#[test]
fn an_escalation_is_needless_before_anything_was_looked_at_and_once_the_cause_is_known() {
    let seen = look(150, View::Slo, "checkout");
    let table = [
        // (looks, deeds, needless)
        (vec![], vec![escalation(120)], 1),
        (vec![seen.clone()], vec![escalation(200)], 0),
        (vec![], vec![escalation(90 + 301)], 0),
        (
            vec![seen.clone()],
            vec![note(300, "payment: certificate expired"), escalation(310)],
            1,
        ),
        (vec![seen], vec![escalation(60)], 1),
    ];
    for (looks, deeds, needless) in table {
        let mut run = idle();
        run.looks = looks;
        run.deeds = deeds;
        assert_eq!(
            run.score().needless_escalations.len(),
            needless,
            "{:?}",
            run.deeds
        );
        run.truth.help = Help::Wanted;
        assert_eq!(
            run.score().needless_escalations.len(),
            0,
            "where help is wanted none is"
        );
    }
}

#[test]
fn updates_are_missed_by_the_nudges_own_time_from_the_page_to_the_end() {
    let table = [
        (vec![], 900, 2),
        (vec![update(380)], 900, 1),
        (vec![update(380), update(670)], 900, 0),
        (vec![], 380, 0),
        (vec![], 395, 1),
        (vec![update(60)], 900, 2),
    ];
    for (deeds, ended, missed) in table {
        let mut run = idle();
        run.deeds = deeds;
        run.ended = at(ended);
        assert_eq!(run.score().updates_missed, missed, "{:?} {ended}", run.deeds);
    }
    let mut run = idle();
    run.ended = at(90_000);
    assert_eq!(run.score().updates_missed, 2, "not after it is mended");
    run.update_due = TimeDelta::zero();
    assert_eq!(run.score().updates_missed, 0);
}

#[test]
fn whoever_leaves_before_the_page_has_a_timeline_and_no_points() {
    let mut run = idle();
    run.ended = at(80);
    let score = run.score();
    assert_eq!((score.points, score.parts.len()), (None, 0));
    let words: Vec<&str> = score
        .timeline
        .iter()
        .map(|moment| moment.words.as_str())
        .collect();
    assert_eq!(
        words,
        [
            "sat down",
            "requests of checkout, storefront begin to fail",
            "closed the console"
        ]
    );
    run.truth.paged = None;
    run.ended = at(900);
    assert_eq!(run.score().points, None);
}

#[test]
fn the_report_says_everything_and_how_to_have_it_again() {
    let mut run = idle();
    run.looks = vec![look(150, View::LogLine, "checkout")];
    run.deeds = vec![ack(120), silence(200, &["checkout"])];
    run.answer = Some(answer(Some(Cause::BadDeploy), None));
    let again = Again {
        scenario: run.truth.cause.word(),
        seed: 77,
    };
    let score = run.score();
    let text = run.text(&again, &score);
    for words in [
        "drill: ",
        "certificate-expiry: its certificate ended",
        "culprit       payment",
        "20/20  acknowledge       30s after the page",
        "1m after the page: LogLine of checkout",
        "you said: a release that cannot work",
        "needless silence  severity=\"critical\": hid what fires for checkout before the cause was named",
        "+2m you    acknowledged checkout",
        "opened LogLine of checkout (the first right pane)",
        "midwatch drill certificate-expiry --seed 77",
    ] {
        assert!(text.contains(words), "{words:?} is not in:\n{text}");
    }
    let json = serde_json::to_value(run.document(&again, &score)).unwrap();
    assert_eq!(json["truth"]["cause"], "certificate-expiry");
    assert_eq!(json["score"]["points"], score.points.unwrap());
    assert_eq!(json["update_due_seconds"], 300);
    assert_eq!(json["drill"]["seed"], 77);
}

#[test]
fn causes_are_known_by_their_words() {
    for cause in Cause::ALL {
        assert_eq!(Cause::by_word(cause.word()), Some(cause));
        assert_eq!(serde_json::to_value(cause).unwrap(), cause.word());
    }
    assert_eq!(Cause::by_word("gremlins"), None);
}

#[test]
fn what_is_written_on_an_incident_of_something_else_neither_names_nor_updates() {
    let elsewhere = Some("#4712 giftcard fails".to_owned());
    let text = "payment: certificate expired".to_owned();
    let table = [
        (elsewhere.clone(), (0, 0), 2),
        (Some("#4711 checkout fails".to_owned()), (25, 15), 1),
        (None, (25, 15), 1),
    ];
    for (on, named, missed) in table {
        let mut run = idle();
        let text = text.clone();
        run.deeds = vec![deed(380, DeedKind::Updated { on, text })];
        assert_eq!(
            (points(&run, "cause"), points(&run, "culprit")),
            named,
            "{:?}",
            run.deeds
        );
        assert_eq!(run.score().updates_missed, missed, "{:?}", run.deeds);
    }
}
