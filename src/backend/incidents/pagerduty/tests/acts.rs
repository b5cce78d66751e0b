use super::*;
use crate::domain::incident::{Offer, Role, Status};

fn path() -> String {
    format!("incidents/{ID}")
}

async fn send(pagerduty: &PagerDuty, act: IncidentAct) -> BackendResult<Receipt> {
    pagerduty.send(order(act)).await
}

#[tokio::test]
async fn each_act_is_one_request_with_one_kind_of_change() {
    let people = || vec![person("PUSR003", "Mara")];
    let text = "looking".to_owned();
    let marked = Marker::from_bits(7).mark("looking");
    let cases: Vec<(IncidentAct, Method, &str, Value)> = vec![
        (
            IncidentAct::Acknowledge,
            Method::Put,
            "",
            json!({"incident": {"type": "incident_reference", "status": "acknowledged"}}),
        ),
        (
            IncidentAct::Resolve {
                resolution: "rolled back".into(),
            },
            Method::Put,
            "",
            json!({"incident": {"type": "incident_reference", "status": "resolved", "resolution": "rolled back"}}),
        ),
        (
            IncidentAct::Escalate { to: 2 },
            Method::Put,
            "",
            json!({"incident": {"type": "incident_reference", "escalation_level": 2}}),
        ),
        (
            IncidentAct::ReassignTo { people: people() },
            Method::Put,
            "",
            json!({"incident": {"type": "incident_reference",
                "assignments": [{"assignee": {"id": "PUSR003", "type": "user_reference"}}]}}),
        ),
        (
            IncidentAct::ReassignPolicy {
                policy: named("PEP2"),
            },
            Method::Put,
            "",
            json!({"incident": {"type": "incident_reference",
                "escalation_policy": {"id": "PEP2", "type": "escalation_policy_reference"}}}),
        ),
        (
            IncidentAct::Page {
                people: people(),
                message: "need db".into(),
            },
            Method::Post,
            "/responder_requests",
            json!({"requester_id": "PUSR001", "message": "need db", "responder_request_targets":
                [{"responder_request_target": {"id": "PUSR003", "type": "user_reference"}}]}),
        ),
        (
            IncidentAct::Snooze {
                length: Duration::from_secs(9_000_000),
            },
            Method::Post,
            "/snooze",
            json!({"duration": 604_800}),
        ),
        (
            IncidentAct::Snooze {
                length: Duration::ZERO,
            },
            Method::Post,
            "/snooze",
            json!({"duration": 1}),
        ),
        (
            IncidentAct::Merge {
                from: vec!["Q2".into()],
            },
            Method::Put,
            "/merge",
            json!({"source_incidents": [{"id": "Q2", "type": "incident_reference"}]}),
        ),
        (
            IncidentAct::Priority {
                priority: named("PPRI"),
            },
            Method::Put,
            "",
            json!({"incident": {"type": "incident_reference", "priority": {"id": "PPRI", "type": "priority_reference"}}}),
        ),
        (
            IncidentAct::StatusUpdate { text: text.clone() },
            Method::Post,
            "/status_updates",
            json!({"message": marked}),
        ),
        (
            IncidentAct::Note { text },
            Method::Post,
            "/notes",
            json!({"note": {"content": marked}}),
        ),
    ];
    for (act, method, below, body) in cases {
        let at = format!("{}{below}", path());
        let (pagerduty, stand) = account(&incident())
            .with(method, &at, 200, &json!({"incident": incident()}))
            .open(Some("jun@example.com"));
        send(&pagerduty, act.clone())
            .await
            .unwrap_or_else(|error| panic!("{act:?}: {error}"));
        let writes = stand.writes();
        assert_eq!(writes.len(), 1, "{act:?}");
        assert_eq!(
            (writes[0].method, &writes[0].path, sent(&writes[0])),
            (method, &at, body)
        );
        assert_eq!(writes[0].repeat, crate::backend::http::Repeat::Never);
        let is_page = matches!(act, IncidentAct::Page { .. });
        assert_eq!(
            header(&writes[0], "from"),
            (!is_page).then_some("jun@example.com")
        );
    }
}

#[tokio::test]
async fn a_note_tells_its_id_and_whatever_else_a_success_holds_is_one() {
    let notes = format!("{}/notes", path());
    let act = || IncidentAct::Note { text: "x".into() };
    let (pagerduty, _) = Stand::default()
        .with(Method::Post, &notes, 201, &json!({"note": {"id": "N1"}}))
        .told(Method::Post, &notes, Told::Status(200, Vec::new()))
        .told(Method::Post, &notes, Told::Status(200, b"[1".to_vec()))
        .open(Some("jun@example.com"));
    assert_eq!(
        send(&pagerduty, act()).await.unwrap().remote_id.as_deref(),
        Some("N1")
    );
    assert_eq!(send(&pagerduty, act()).await.unwrap(), Receipt::default());
    assert_eq!(send(&pagerduty, act()).await.unwrap(), Receipt::default());
}

#[tokio::test]
async fn without_from_an_accounts_key_sends_nothing_and_a_users_own_address_is_taken() {
    let (pagerduty, stand) = Stand::default()
        .with(Method::Get, "users/me", 400, &Value::Null)
        .open(None);
    let error = send(&pagerduty, IncidentAct::Acknowledge).await.unwrap_err();
    assert_eq!(
        (error.kind, error.delivery),
        (ErrorKind::Credentials, Delivery::NotSent)
    );
    assert!(error.mend.contains("from"));
    assert!(stand.writes().is_empty());

    let (pagerduty, stand) = account(&incident())
        .with(Method::Put, &path(), 200, &json!({"incident": incident()}))
        .open(None);
    send(&pagerduty, IncidentAct::Acknowledge).await.unwrap();
    assert_eq!(header(&stand.writes()[0], "from"), Some("jun@example.com"));

    let (pagerduty, stand) = Stand::default()
        .told(Method::Get, "users/me", Told::Fails(broken(Delivery::Unknown)))
        .open(None);
    let error = send(&pagerduty, IncidentAct::Acknowledge).await.unwrap_err();
    assert_eq!((error.delivery, stand.writes().len()), (Delivery::NotSent, 0));
}

#[tokio::test]
async fn a_lost_answer_is_passed_on_as_unknown_and_nothing_is_repeated() {
    let (pagerduty, stand) = Stand::default()
        .told(Method::Put, &path(), Told::Fails(broken(Delivery::Unknown)))
        .open(Some("jun@example.com"));
    let error = send(&pagerduty, IncidentAct::Escalate { to: 2 })
        .await
        .unwrap_err();
    assert_eq!((error.delivery, stand.asked().len()), (Delivery::Unknown, 1));
}

#[tokio::test]
async fn what_a_gateway_says_leaves_open_whether_the_write_was_done() {
    for (status, expected) in [
        (500, Delivery::Unknown),
        (502, Delivery::Unknown),
        (504, Delivery::Unknown),
        (408, Delivery::Unknown),
        (429, Delivery::Answered),
        (413, Delivery::Answered),
        (400, Delivery::Answered),
    ] {
        let (pagerduty, stand) = Stand::default()
            .with(Method::Put, &path(), status, &Value::Null)
            .open(Some("jun@example.com"));
        let error = send(&pagerduty, IncidentAct::Acknowledge).await.unwrap_err();
        assert_eq!((error.delivery, stand.writes().len()), (expected, 1), "{status}");
    }
    let mut odd = broken(Delivery::Answered);
    (odd.kind, odd.status) = (ErrorKind::BadAnswer, Some(200));
    let (pagerduty, _) = Stand::default()
        .told(Method::Put, &path(), Told::Fails(odd))
        .open(Some("jun@example.com"));
    let error = send(&pagerduty, IncidentAct::Acknowledge).await.unwrap_err();
    assert_eq!(error.delivery, Delivery::Unknown);
}

#[tokio::test]
async fn already_is_a_success_where_it_is_so() {
    let already = |code: u64| {
        json!({"error": {"message": "Invalid Input Provided", "code": code,
        "errors": ["Incident has already been resolved"]}})
    };
    let resolved = changed(
        &json!({"status": "resolved", "resolved_at": "2026-11-20T02:10:00Z",
        "last_status_change_at": "2026-11-20T02:10:00Z", "last_status_change_by": user("PUSR003", "Mara")}),
    );
    let resolve = || IncidentAct::Resolve {
        resolution: String::new(),
    };
    for code in [1001, 2001] {
        let (pagerduty, stand) = account(&resolved)
            .with(Method::Put, &path(), 400, &already(code))
            .open(Some("jun@example.com"));
        let receipt = send(&pagerduty, resolve()).await.unwrap();
        assert_eq!(receipt.remark.as_deref(), Some("was resolved already by Mara"));
        assert_eq!(receipt.incident.unwrap().status, Status::Resolved);
        let error = send(&pagerduty, IncidentAct::Acknowledge).await.unwrap_err();
        assert_eq!(
            (error.kind, error.delivery),
            (ErrorKind::Rejected, Delivery::Answered)
        );
        assert!(error.mend.contains("resolved meanwhile by Mara"), "{error}");
        assert_eq!(stand.writes().len(), 2);
    }
    let (pagerduty, _) = account(&acknowledged_by("PUSR003", "Mara", "02:05:00"))
        .with(Method::Put, &path(), 400, &already(1002))
        .open(Some("jun@example.com"));
    let receipt = send(&pagerduty, IncidentAct::Acknowledge).await.unwrap();
    assert_eq!(
        receipt.remark.as_deref(),
        Some("was acknowledged already by Mara")
    );
    // refused as resolved, and it is not: no success
    let (pagerduty, _) = account(&incident())
        .with(Method::Put, &path(), 400, &already(2001))
        .open(Some("jun@example.com"));
    assert!(send(&pagerduty, resolve()).await.is_err());
}

#[tokio::test]
async fn codes_say_what_to_do() {
    for (code, status, words) in [
        (1005, 400, "changed it meanwhile"),
        (1006, 400, "past the last one"),
        (1008, 400, "set `from`"),
        (1012, 400, "acknowledge it first"),
        (2001, 400, "level 2 may be past the last one"),
        (2010, 403, "may not do this"),
        (2016, 400, "set `from`"),
        (2100, 404, "gone"),
    ] {
        let message = if code == 2016 {
            "You must specify a user's email address in the \"From\" header"
        } else {
            "No"
        };
        let (pagerduty, _) = account(&incident())
            .with(
                Method::Put,
                &path(),
                status,
                &json!({"error": {"message": message, "code": code}}),
            )
            .open(Some("jun@example.com"));
        let error = send(&pagerduty, IncidentAct::Escalate { to: 2 })
            .await
            .unwrap_err();
        assert!(error.mend.contains(words), "{code}: {error}");
    }
}

#[tokio::test]
async fn a_level_past_the_last_is_refused_here_once_its_policy_was_seen() {
    let (pagerduty, stand) = account(&incident()).open(Some("jun@example.com"));
    pagerduty.ladder(ID.into()).await.unwrap();
    for to in [0, 3] {
        let error = send(&pagerduty, IncidentAct::Escalate { to }).await.unwrap_err();
        assert_eq!(error.delivery, Delivery::NotSent);
        assert!(error.detail.contains("its last level is 2"), "{error}");
    }
    assert!(stand.writes().is_empty());
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_anything_is() {
    let (pagerduty, stand) = account(&incident()).open(Some("jun@example.com"));
    for act in [
        IncidentAct::ReassignTo { people: Vec::new() },
        IncidentAct::Page {
            people: Vec::new(),
            message: String::new(),
        },
        IncidentAct::Merge {
            from: vec![ID.into()],
        },
        IncidentAct::Merge { from: Vec::new() },
        IncidentAct::Advance {
            to: Status::Monitoring,
        },
        IncidentAct::Assign {
            role: Role::Scribe,
            person: person("P", "Sam"),
        },
    ] {
        let error = send(&pagerduty, act).await.unwrap_err();
        assert_eq!(error.delivery, Delivery::NotSent);
    }
    let mut elsewhere = order(IncidentAct::Acknowledge);
    elsewhere.incident = "../users".into();
    assert_eq!(
        pagerduty.send(elsewhere).await.unwrap_err().delivery,
        Delivery::NotSent
    );
    assert!(stand.asked().is_empty());
}

#[tokio::test]
async fn hostile_text_goes_out_as_it_was_written() {
    let text = "a\u{1b}[2J\u{202e}\"}\n😀".repeat(4_000);
    let notes = format!("{}/notes", path());
    let (pagerduty, stand) = Stand::default()
        .with(Method::Post, &notes, 200, &json!({"note": {"id": "N1"}}))
        .open(Some("jun@example.com"));
    send(&pagerduty, IncidentAct::Note { text: text.clone() })
        .await
        .unwrap();
    let content = sent(&stand.writes()[0])["note"]["content"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(crate::domain::alert::ack::without_marker(&content), text);
}

#[tokio::test]
async fn offers_say_why_not() {
    let no = |offer: Offer| match offer {
        Offer::No(why) => why.to_string(),
        Offer::Yes => String::new(),
    };
    let low = changed(&json!({"urgency": "low", "is_mergeable": false}));
    let (pagerduty, _) = account(&low)
        .gets("escalation_policies/PEP0001", &policy(1))
        .open(None);
    let read = pagerduty.incident(ID.into()).await.unwrap().unwrap();
    assert!(no(pagerduty.offers(&read, Verb::Escalate)).contains("low-urgency"));
    assert!(no(pagerduty.offers(&read, Verb::Merge)).contains("cannot be merged"));
    assert!(no(pagerduty.offers(&read, Verb::Snooze)).contains("acknowledge it first"));
    assert!(no(pagerduty.offers(&read, Verb::Advance)).contains("PagerDuty knows"));
    assert_eq!(pagerduty.offers(&read, Verb::Reassign), Offer::Yes);

    let stand = Stand::default()
        .gets(
            &path(),
            &json!({"incident": acknowledged_by("PUSR001", "Jun", "02:05:00")}),
        )
        .gets("users/me", &me())
        .gets("oncalls", &duties())
        .gets("escalation_policies/PEP0001", &policy(1))
        .with(
            Method::Post,
            &format!("{}/responder_requests", path()),
            402,
            &Value::Null,
        );
    let (pagerduty, _) = stand.open(None);
    pagerduty.acting_as().await.unwrap();
    pagerduty.ladder(ID.into()).await.unwrap();
    let read = pagerduty.incident(ID.into()).await.unwrap().unwrap();
    assert!(no(pagerduty.offers(&read, Verb::Escalate)).contains("there is no level above"));
    assert!(no(pagerduty.offers(&read, Verb::Acknowledge)).contains("you have it already"));
    assert_eq!(pagerduty.offers(&read, Verb::Snooze), Offer::Yes);
    assert_eq!(pagerduty.offers(&read, Verb::Page), Offer::Yes);
    let page = IncidentAct::Page {
        people: vec![person("P", "Sam")],
        message: String::new(),
    };
    send(&pagerduty, page).await.unwrap_err();
    assert!(
        no(pagerduty.offers(&read, Verb::Page)).contains("plan"),
        "remembered for the session"
    );

    let resolved = changed(&json!({"status": "resolved"}));
    let (pagerduty, _) = account(&resolved).open(None);
    let read = pagerduty.incident(ID.into()).await.unwrap().unwrap();
    assert!(no(pagerduty.offers(&read, Verb::Acknowledge)).contains("resolved"));
    assert_eq!(pagerduty.offers(&read, Verb::Note), Offer::Yes);
}
