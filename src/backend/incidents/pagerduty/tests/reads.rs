use super::*;
use crate::backend::incidents::{Over, Whose};
use crate::domain::incident::{AssignedVia, Level, Status};
use crate::domain::timeline::EventKind;

fn page(ids: std::ops::Range<usize>, more: bool) -> Value {
    let incidents: Vec<Value> = ids
        .map(|n| changed(&json!({"id": format!("Q{n}"), "incident_number": n})))
        .collect();
    json!({"incidents": incidents, "limit": 100, "offset": 0, "more": more, "total": null})
}

fn question(whose: Whose) -> Question {
    Question {
        whose,
        ended_since: None,
    }
}

#[tokio::test]
async fn open_ones_are_asked_for_however_old_they_are() {
    let (pagerduty, stand) = account(&incident())
        .gets("incidents", &page(0..1, false))
        .open(None);
    let listing = pagerduty.list(question(Whose::All)).await.unwrap();
    assert_eq!((listing.incidents.len(), listing.partial), (1, None));
    let call = &stand.asked()[0];
    assert_eq!(param(call, "date_range"), ["all"]);
    assert_eq!(param(call, "statuses[]"), ["triggered", "acknowledged"]);
    assert_eq!(
        header(call, "accept"),
        Some("application/vnd.pagerduty+json;version=2")
    );
}

#[tokio::test]
async fn an_incident_reads_with_all_that_the_answer_holds() {
    let (pagerduty, _) = account(&incident()).open(None);
    let read = pagerduty.incident(ID.into()).await.unwrap().expect("there");
    assert_eq!(
        (read.number, read.status, &*read.title),
        (Some(812), Status::Triggered, "api error rate above 5%")
    );
    assert_eq!(read.level, Level::Known(1));
    assert_eq!(read.assignees[0].name.as_ref(), "Sam");
    assert_eq!((read.alert_count, read.due.len(), read.severity), (3, 1, None));
    assert_eq!(read.changed_at, at("02:04:10"), "updated_at moves with notes too");
    assert_eq!(read.source.as_ref(), "incidents");
}

#[tokio::test]
async fn a_whole_object_reads_where_a_reference_may_stand() {
    let expanded = changed(&json!({
        "priority": {"id": "PPRI", "type": "priority", "name": "P1", "summary": "P1", "color": "f00"},
        "assignments": [{"at": "2026-11-20T02:04:10Z", "assignee": {"id": "PUSR002", "type": "user", "name": "Sam Lee",
            "summary": "Sam", "email": "sam@example.com"}}],
        "incident_number": "812", "alert_counts": null, "pending_actions": null, "teams": null,
        "html_url": "javascript:alert(1)", "something_new": [{}]}));
    let (pagerduty, _) = account(&expanded).open(None);
    let read = pagerduty.incident(ID.into()).await.unwrap().expect("there");
    assert_eq!(read.severity.as_deref(), Some("P1"));
    assert_eq!(read.assignees[0].email.as_deref(), Some("sam@example.com"));
    assert_eq!((read.number, read.alert_count, read.url), (Some(812), 0, None));
}

#[tokio::test]
async fn what_people_were_given_by_hand_says_so() {
    let direct = changed(&json!({"assigned_via": "direct_assignment"}));
    let (pagerduty, _) = account(&direct).open(None);
    let read = pagerduty.incident("812".into()).await.unwrap();
    assert_eq!(read, None, "this server knows it by its id only");
    let read = pagerduty.incident(ID.into()).await.unwrap().expect("there");
    assert_eq!(
        (read.assigned_via, read.level),
        (AssignedVia::Direct, Level::Unknown)
    );
}

#[tokio::test]
async fn an_id_that_would_lead_elsewhere_is_never_asked() {
    let (pagerduty, stand) = account(&incident()).open(None);
    for id in ["", "../users", "Q1/merge", "local-7", "Q1?x=1", "\u{1b}[2J"] {
        assert_eq!(pagerduty.incident(id.into()).await.unwrap(), None, "{id}");
        assert!(pagerduty.alerts(id.into()).await.is_err());
    }
    assert!(stand.asked().is_empty());
}

#[tokio::test]
async fn pages_are_followed_and_what_comes_twice_is_kept_once() {
    let stand = account(&incident())
        .gets("incidents", &page(0..100, true))
        .gets("incidents", &page(99..150, false));
    let (pagerduty, stand) = stand.open(None);
    let listing = pagerduty.list(question(Whose::All)).await.unwrap();
    assert_eq!((listing.incidents.len(), listing.partial), (150, None));
    assert_eq!(param(&stand.asked()[1], "offset"), ["100"]);
}

#[tokio::test]
async fn a_server_that_repeats_its_page_cannot_hold_us() {
    let (pagerduty, stand) = account(&incident())
        .gets("incidents", &page(0..100, true))
        .open(None);
    let listing = pagerduty.list(question(Whose::All)).await.unwrap();
    assert_eq!(listing.incidents.len(), 100);
    assert!(listing.partial.unwrap().contains("same page again"));
    let lists = stand
        .asked()
        .iter()
        .filter(|call| call.path == "incidents")
        .count();
    assert_eq!(lists, 2);
}

#[tokio::test]
async fn a_list_without_end_is_cut_within_the_reach_of_offsets_and_it_is_said() {
    let stand = (0..120).fold(account(&incident()), |stand, n| {
        stand.gets("incidents", &page(n * 100..(n + 1) * 100, true))
    });
    let (pagerduty, stand) = stand.open(None);
    let listing = pagerduty.list(question(Whose::All)).await.unwrap();
    assert!(listing.partial.unwrap().contains("only the first 2000"));
    for call in stand.asked().iter().filter(|call| call.path == "incidents") {
        assert!(param(call, "offset")[0].parse::<u64>().unwrap() + 100 <= 10_000);
    }
}

#[tokio::test]
async fn a_later_page_that_fails_leaves_what_there_is_and_says_so() {
    let stand = account(&incident()).gets("incidents", &page(0..100, true)).told(
        Method::Get,
        "incidents",
        Told::Fails(broken(Delivery::Unknown)),
    );
    let (pagerduty, _) = stand.open(None);
    let listing = pagerduty.list(question(Whose::All)).await.unwrap();
    assert_eq!(listing.incidents.len(), 100);
    assert!(listing.partial.unwrap().contains("the connection broke"));
}

#[tokio::test]
async fn mine_and_my_teams_are_asked_for_by_who_we_are() {
    let (pagerduty, stand) = account(&incident())
        .gets("incidents", &page(0..1, false))
        .open(None);
    pagerduty.list(question(Whose::Mine)).await.unwrap();
    pagerduty.list(question(Whose::Team)).await.unwrap();
    let lists: Vec<Call> = stand
        .asked()
        .into_iter()
        .filter(|call| call.path == "incidents")
        .collect();
    assert_eq!(param(&lists[0], "user_ids[]"), ["PUSR001"]);
    assert_eq!(param(&lists[1], "team_ids[]"), ["PTEAM01"]);
    let asked_who = stand
        .asked()
        .iter()
        .filter(|call| call.path == "users/me")
        .count();
    assert_eq!(asked_who, 1, "asked once and kept");
}

#[tokio::test]
async fn recent_ones_are_told_apart_by_when_they_ended() {
    let ended = |id: &str, time: &str| {
        changed(
            &json!({"id": id, "status": "resolved", "resolved_at": format!("2026-11-20T{time}Z"),
            "created_at": "2026-11-19T22:00:00Z", "last_status_change_at": format!("2026-11-20T{time}Z"), "assignments": []}),
        )
    };
    let resolved = json!({"incidents": [ended("QNEW", "02:30:00"), ended("QOLD", "01:00:00")], "more": true});
    let stand = account(&incident())
        .gets("incidents", &page(0..1, false))
        .gets("incidents", &resolved);
    let stand = stand.gets("oncalls", &duties());
    let (pagerduty, stand) = stand.open(None);
    let question = Question {
        whose: Whose::All,
        ended_since: Some(at("02:20:00") - TimeDelta::minutes(20)),
    };
    let listing = pagerduty.list(question).await.unwrap();
    let ids: Vec<&str> = listing.incidents.iter().map(|each| &*each.id.0).collect();
    // QOLD is older than asked for, so no other page was asked; Q0 is open and comes first
    assert_eq!(ids, ["Q0", "QNEW"]);
    let lists: Vec<Call> = stand
        .asked()
        .into_iter()
        .filter(|call| call.path == "incidents")
        .collect();
    assert_eq!(lists.len(), 2);
    assert!(!param(&lists[1], "since").is_empty() && param(&lists[1], "date_range").is_empty());
}

#[tokio::test]
async fn incidents_that_do_not_read_are_counted_and_said() {
    let odd = json!({"incidents": [incident(), {"id": "QX", "status": "paused"}, 7, null], "more": false});
    let (pagerduty, _) = account(&incident()).gets("incidents", &odd).open(None);
    let listing = pagerduty.list(question(Whose::All)).await.unwrap();
    assert_eq!(listing.incidents.len(), 1);
    assert!(listing.partial.unwrap().contains("3 left out"));
}

#[tokio::test]
async fn an_accounts_key_acts_as_whom_from_names_exactly() {
    let accounts_key = json!({"error": {"message": "Invalid", "code": 2001}});
    let users = json!({"users": [{"id": "PX", "name": "Junior", "email": "jun@example.com.au"},
        {"id": "PUSR001", "name": "Jun", "email": "Jun@Example.com"}], "more": false});
    let stand = || Stand::default().with(Method::Get, "users/me", 400, &accounts_key);
    let (pagerduty, asked) = stand().gets("users", &users).open(Some("jun@example.com"));
    let acting = pagerduty.acting_as().await.unwrap();
    assert_eq!((&*acting.person.id, acting.conflict), ("PUSR001", None));
    assert_eq!(param(&asked.asked()[1], "query"), ["jun@example.com"]);

    let (pagerduty, _) = stand()
        .gets("users", &json!({"users": []}))
        .open(Some("jun@example.com"));
    let error = pagerduty.acting_as().await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("no user of this account has the address jun@example.com")
    );

    let (pagerduty, _) = stand().open(None);
    let error = pagerduty.acting_as().await.unwrap_err();
    assert_eq!(
        (error.kind, error.delivery),
        (ErrorKind::Credentials, Delivery::NotSent)
    );
    assert!(error.mend.contains("set from ="), "{error}");
}

#[tokio::test]
async fn a_key_of_somebody_else_than_from_is_said() {
    let (pagerduty, _) = account(&incident()).open(Some("mara@example.com"));
    let acting = pagerduty.acting_as().await.unwrap();
    assert_eq!(acting.person.phone.as_deref(), Some("+1 5550100"));
    let words = acting.conflict.unwrap();
    assert!(
        words.contains("Jun (jun@example.com)") && words.contains("mara@example.com"),
        "{words}"
    );
}

#[tokio::test]
async fn errors_read_in_every_shape() {
    let shapes: [(&str, &str); 7] = [
        (
            r#"{"error":{"message":"Invalid Input Provided","code":2001,"errors":["Too long","Too wide"]}}"#,
            "Too long: Too wide",
        ),
        (r#"{"error":"it is a string"}"#, "it is a string"),
        (r#""bare""#, "bare"),
        ("", "no words"),
        ("null", "no words"),
        (
            r#"{"error":{"message":"\u001b[31mred","code":"2001","errors":"one"}}"#,
            "␛[31mred: one",
        ),
        (r#"{"error":{"errors":[{"a":1},null]}}"#, "no words"),
    ];
    for (body, words) in shapes {
        let told = Told::Status(400, body.as_bytes().to_vec());
        let (pagerduty, _) = Stand::default().told(Method::Get, "incidents", told).open(None);
        let error = pagerduty.list(question(Whose::All)).await.unwrap_err();
        assert!(error.detail.contains(words), "{body}: {}", error.detail);
        assert_eq!(error.kind, ErrorKind::Rejected);
    }
}

#[tokio::test]
async fn an_answer_that_is_no_list_is_no_empty_list() {
    for body in ["{}", "[]", r#"{"incidents":"none"}"#, "not json"] {
        let told = Told::Status(200, body.as_bytes().to_vec());
        let (pagerduty, _) = Stand::default().told(Method::Get, "incidents", told).open(None);
        let error = pagerduty.list(question(Whose::All)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::BadAnswer, "{body}");
    }
}

#[tokio::test]
async fn alerts_are_flattened_to_what_links_them() {
    let alerts = json!({"alerts": [
        {"id": "A1", "type": "alert", "status": "triggered", "alert_key": "01ece5ca1c369d6a", "severity": "critical",
         "summary": "Errors", "created_at": "2026-11-20T02:04:10Z", "body": {"type": "alert_body",
            "details": {"firing": "Labels:\n - alertname = Errors\n", "num_firing": 1, "nested": {"team": "pay"}}}},
        {"id": "A2", "status": "resolved", "alert_key": "", "created_at": "2026-11-20T02:03:00Z", "body": null},
        {"id": "A3"}], "more": false});
    let (pagerduty, _) = account(&incident())
        .gets(&format!("incidents/{ID}/alerts"), &alerts)
        .open(None);
    let read = pagerduty.alerts(ID.into()).await.unwrap();
    assert_eq!(read.len(), 2);
    assert_eq!(
        (&*read[0].id, read[0].resolved, &read[0].key),
        ("A2", Over::Yes, &None)
    );
    let details: Vec<(&str, &str)> = read[1].details.iter().map(|(n, v)| (&**n, &**v)).collect();
    assert!(details.contains(&("num_firing", "1")) && details.contains(&("team", "pay")));
    let keys = pagerduty.incident(ID.into()).await.unwrap().unwrap().alert_keys;
    assert_eq!(keys, [Arc::from("01ece5ca1c369d6a")]);
}

#[tokio::test]
async fn a_note_is_told_once_whether_the_log_or_the_list_has_it() {
    let jun = user("PUSR001", "Jun");
    let marked = Marker::from_bits(9).mark("looking\nat it");
    let mut third = entry("L3", "annotate", "02:06:01", &jun);
    third["channel"] = json!({"type": "note", "summary": "looking"});
    let overview = [
        third,
        entry("L2", "acknowledge", "02:05:00", &jun),
        entry(
            "L1",
            "trigger",
            "02:04:10",
            &json!({"id": "PSVC001", "type": "service_reference", "summary": "api"}),
        ),
    ];
    let mut all = overview.to_vec();
    all.insert(1, entry("L9", "never_heard_of", "02:05:30", &jun));
    let notes = json!({"notes": [
        {"id": "N1", "user": jun, "content": marked, "created_at": "2026-11-20T02:06:00Z"},
        {"id": "N2", "user": user("PUSR003", "Mara"), "content": "me too", "created_at": "2026-11-20T02:07:00Z"}]});
    let path = format!("incidents/{ID}/log_entries");
    let (pagerduty, stand) = Stand::default()
        .gets(&path, &log(&overview))
        .gets(&path, &log(&all))
        .gets(&format!("incidents/{ID}/notes"), &notes)
        .open(None);
    let story = pagerduty.story(ID.into()).await.unwrap();
    let told: Vec<(&str, EventKind, &str, Option<&str>)> = story
        .events
        .iter()
        .map(|event| (&*event.id, event.kind, &*event.text, event.actor.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            ("L1", EventKind::Triggered, "trigger!", None),
            ("L2", EventKind::Acknowledged, "acknowledge!", Some("Jun")),
            ("L9", EventKind::Other, "never_heard_of!", Some("Jun")),
            ("L3", EventKind::Note, "looking\nat it", Some("Jun")),
            ("N2", EventKind::Note, "me too", Some("Mara")),
        ]
    );
    let refs = &story.events[3].refs;
    assert_eq!(refs["note"].as_ref(), "N1");
    assert_eq!(refs["marker"].as_ref(), Marker::from_bits(9).digits());
    assert!(story.partial.is_empty());
    assert_eq!(param(&stand.asked()[0], "is_overview"), ["true"]);
}

#[tokio::test]
async fn a_story_without_its_notes_says_what_is_missing() {
    let path = format!("incidents/{ID}/log_entries");
    let (pagerduty, _) = Stand::default()
        .gets(&path, &log(&[entry("L1", "trigger", "02:04:10", &Value::Null)]))
        .told(
            Method::Get,
            &format!("incidents/{ID}/notes"),
            Told::Fails(broken(Delivery::Unknown)),
        )
        .open(None);
    let story = pagerduty.story(ID.into()).await.unwrap();
    assert_eq!(story.events.len(), 1);
    assert_eq!(story.partial, ["notes: the connection broke"]);
}

#[tokio::test]
async fn every_kind_of_entry_has_its_place() {
    let kinds = [
        ("unacknowledge", EventKind::Unacknowledged),
        ("assign", EventKind::Assigned),
        ("delegate", EventKind::Assigned),
        ("escalate", EventKind::Escalated),
        ("repeat_escalation_path", EventKind::Escalated),
        ("exhaust_escalation_path", EventKind::Other),
        ("reach_ack_limit", EventKind::Other),
        ("notify", EventKind::Other),
        ("snooze", EventKind::Other),
        ("urgency_change", EventKind::Other),
        ("resolve", EventKind::Resolved),
        ("status_update", EventKind::StatusUpdate),
    ];
    let entries: Vec<Value> = kinds
        .iter()
        .map(|(kind, _)| entry(kind, kind, "02:04:10", &Value::Null))
        .collect();
    let (pagerduty, _) = Stand::default().gets("log_entries", &log(&entries)).open(None);
    let told = pagerduty.story_since(at("01:00:00")).await.unwrap();
    for (kind, expected) in kinds {
        let (id, event) = told.iter().find(|(_, event)| *event.id == *kind).expect("told");
        assert_eq!((event.kind, &*id.0), (expected, ID), "{kind}");
    }
}

#[tokio::test]
async fn the_ladder_shows_who_is_on_each_level_and_doubts_aloud() {
    let both =
        json!({"oncalls": [duty(1, "PUSR002", "Sam"), duty(1, "PUSR002", "Sam"), duty(3, "PUSR002", "Sam")]});
    let stand = || {
        Stand::default()
            .gets(&format!("incidents/{ID}"), &json!({"incident": incident()}))
            .gets("oncalls", &both)
            .gets("escalation_policies/PEP0001", &policy(3))
    };
    let (pagerduty, _) = stand().open(None);
    let ladder = pagerduty.ladder(ID.into()).await.unwrap();
    assert_eq!(ladder.current, Level::OneOf(vec![1, 3]), "its log cannot be had");
    let people: Vec<usize> = ladder.rungs.iter().map(|rung| rung.people.len()).collect();
    assert_eq!(people, [1, 0, 1]);
    assert_eq!(ladder.rungs[0].delay_minutes, Some(5));

    let triggered = log(&[entry("L1", "trigger", "02:04:10", &Value::Null)]);
    let (pagerduty, stand) = stand()
        .gets(&format!("incidents/{ID}/log_entries"), &triggered)
        .open(None);
    assert_eq!(
        pagerduty.ladder(ID.into()).await.unwrap().current,
        Level::Known(1)
    );
    pagerduty.ladder(ID.into()).await.unwrap();
    let asked = stand.asked().iter().filter(|call| call.path == "oncalls").count();
    assert_eq!(asked, 1, "kept for a minute");
}

#[tokio::test(start_paused = true)]
async fn who_is_on_call_is_kept_for_a_minute() {
    let (pagerduty, stand) = account(&incident())
        .gets(
            "users/PUSR002",
            &json!({"user": {"id": "PUSR002", "name": "Sam",
            "contact_methods": [{"type": "phone_contact_method", "address": "+15550101"}]}}),
        )
        .open(None);
    let asked = || stand.asked().iter().filter(|call| call.path == "oncalls").count();
    let roster = pagerduty.on_call(at("03:00:00"), at("04:00:00")).await.unwrap();
    assert_eq!(roster.duties[0].person.phone.as_deref(), Some("+15550101"));
    assert_eq!((roster.duties.len(), roster.duties[1].level), (2, 2));
    tokio::time::advance(Duration::from_secs(59)).await;
    pagerduty.on_call(at("03:00:59"), at("04:00:59")).await.unwrap();
    assert_eq!(asked(), 1);
    pagerduty.on_call(at("03:00:59"), at("09:00:00")).await.unwrap();
    assert_eq!(asked(), 2, "another span is another question");
    tokio::time::advance(Duration::from_secs(61)).await;
    pagerduty.on_call(at("03:02:00"), at("09:01:00")).await.unwrap();
    assert_eq!(asked(), 3);
}

#[tokio::test]
async fn what_a_plan_lacks_leaves_the_rest_of_the_directory() {
    let stand = Stand::default()
        .gets("users", &json!({"users": [{"id": "PUSR002", "name": "Sam"}]}))
        .gets(
            "escalation_policies",
            &json!({"escalation_policies": [{"id": "PEP0001", "name": "Platform"}]}),
        )
        .gets("oncalls", &duties())
        .with(
            Method::Get,
            "priorities",
            402,
            &json!({"error": {"message": "no", "code": 2014}}),
        );
    let (pagerduty, _) = stand.open(None);
    let directory = pagerduty.directory().await.unwrap();
    assert_eq!(directory.policies[0].1[0].name.as_ref(), "Sam");
    assert_eq!(directory.partial, ["this account has no priorities"]);
}

#[test]
fn polls_slow_down_where_less_than_a_fifth_is_left() {
    for (remaining, expected) in [(960, 0), (192, 0), (191, 30), (0, 30)] {
        let stand = Stand {
            allowance: Some(Allowance {
                limit: 960,
                remaining,
                reset: Duration::from_secs(20),
            }),
            ..Stand::default()
        };
        let (pagerduty, _) = stand.open(None);
        assert_eq!(
            pagerduty.no_sooner_than(),
            Duration::from_secs(expected),
            "{remaining}"
        );
    }
}

#[test]
fn missing_abilities_are_said_and_an_odd_answer_says_nothing() {
    assert_eq!(
        abilities_missing(br#"{"abilities":["teams","coordinated_responding"]}"#),
        Vec::<String>::new()
    );
    assert_eq!(abilities_missing(br#"{"abilities":["teams"]}"#).len(), 1);
    assert_eq!(abilities_missing(b"oops"), Vec::<String>::new());
}

#[test]
fn a_whole_id_is_told_from_a_number_a_prefix_and_a_fingerprint() {
    let whole = |word: &str| super::super::whole_id(word).map(|id| id.0.to_string());
    assert_eq!(whole("q1ab2cd3ef4gh5").as_deref(), Some("Q1AB2CD3EF4GH5"));
    assert_eq!(whole("PT4KHLK").as_deref(), Some("PT4KHLK"));
    for other in [
        "",
        "812",
        "#812",
        "Q1AB2CD",
        "Q1AB2CD3EF4GH56",
        "PT4KHL",
        "Q1AB2CD3EF4GH/",
        "00000000000000f2",
        "local-1",
        "Qäöüäöü",
    ] {
        assert_eq!(whole(other), None, "{other}");
    }
}
