use super::*;
use crate::domain::incident::Status;
use crate::outbox::Sight;

/// Asked for at 02:05:00, when it stood as in the contract.
async fn look(stand: Stand, act: IncidentAct) -> LookBack {
    let (pagerduty, stand) = stand.open(Some("jun@example.com"));
    let seen = Seen {
        status: Status::Triggered,
        changed_at: at("02:04:10"),
        escalation: None,
    };
    let found = pagerduty
        .look_back(order(act), at("02:05:00"), seen)
        .await
        .expect("answers");
    assert!(stand.writes().is_empty(), "a look changes nothing");
    found
}

fn logged(of: &Value, entries: &[Value]) -> Stand {
    account(of).gets(&format!("incidents/{ID}/log_entries"), &log(entries))
}

fn is_done(found: &LookBack) -> bool {
    matches!(found, LookBack::Done(_))
}

fn resolve() -> IncidentAct {
    IncidentAct::Resolve {
        resolution: String::new(),
    }
}

fn resolved_by(id: &str, name: &str) -> Value {
    changed(
        &json!({"status": "resolved", "resolved_at": "2026-11-20T02:06:00Z", "assignments": [],
        "last_status_change_at": "2026-11-20T02:06:00Z", "last_status_change_by": user(id, name)}),
    )
}

#[tokio::test]
async fn an_acknowledgement_is_absent_while_nothing_changed_and_done_where_it_is_ours() {
    assert_eq!(
        look(account(&incident()), IncidentAct::Acknowledge).await,
        LookBack::Absent
    );
    let ours = acknowledged_by("PUSR001", "Jun", "02:05:01");
    assert!(is_done(&look(account(&ours), IncidentAct::Acknowledge).await));
}

#[tokio::test]
async fn an_acknowledgement_is_repeated_only_while_nobody_has_had_it_since() {
    // Ours may have been there and have lapsed: it is triggered, but not still.
    let again = changed(&json!({"last_status_change_at": "2026-11-20T02:05:40Z"}));
    let found = look(account(&again), IncidentAct::Acknowledge).await;
    assert!(
        matches!(&found, LookBack::Unclear(why) if why.contains("triggered again at 02:05:40")),
        "{found:?}"
    );
    let earlier = changed(&json!({"last_status_change_at": "2026-11-20T02:04:12Z"}));
    assert_eq!(
        look(account(&earlier), IncidentAct::Acknowledge).await,
        LookBack::Absent,
        "that was before the request"
    );
    // Mara had it when it was asked for and has it still: one that was never sent goes out, one that was is not
    // repeated.
    let hers = acknowledged_by("PUSR003", "Mara", "02:04:10");
    let seen = Seen {
        status: Status::Acknowledged,
        changed_at: at("02:04:10"),
        escalation: None,
    };
    let (pagerduty, _) = account(&hers).open(Some("jun@example.com"));
    let order = || order(IncidentAct::Acknowledge);
    let unsent = Unsent {
        asked: at("02:05:00"),
        seen: seen.clone(),
        known: None,
        sight: Sight::Seen,
    };
    assert_eq!(
        pagerduty.look_before(order(), unsent).await.unwrap(),
        LookBack::Absent
    );
    let found = pagerduty.look_back(order(), at("02:05:00"), seen).await.unwrap();
    assert_eq!(
        found,
        LookBack::Unclear("Mara has it as before, and yours does not show".to_owned())
    );
}

#[tokio::test]
async fn what_others_did_meanwhile_is_said() {
    let mara = acknowledged_by("PUSR003", "Mara", "02:05:01");
    assert_eq!(
        look(account(&mara), IncidentAct::Acknowledge).await,
        LookBack::Changed("acknowledged by Mara meanwhile".into())
    );
    assert_eq!(
        look(account(&mara), resolve()).await,
        LookBack::Changed("acknowledged meanwhile by Mara".into())
    );
    let over = resolved_by("PUSR003", "Mara");
    for act in [IncidentAct::Acknowledge, resolve()] {
        assert_eq!(
            look(account(&over), act).await,
            LookBack::Changed("resolved by Mara meanwhile".into())
        );
    }
    assert!(is_done(
        &look(account(&resolved_by("PUSR001", "Jun")), resolve()).await
    ));
    let up = changed(
        &json!({"assignments": [{"at": "2026-11-20T02:09:10Z", "assignee": user("PUSR003", "Mara")}]}),
    );
    assert_eq!(
        look(account(&up), IncidentAct::Acknowledge).await,
        LookBack::Changed("went to Mara meanwhile".into())
    );
}

#[tokio::test]
async fn our_own_acknowledgement_before_a_resolve_is_no_conflict() {
    let ours = acknowledged_by("PUSR001", "Jun", "02:05:01");
    assert_eq!(look(account(&ours), resolve()).await, LookBack::Absent);
}

#[tokio::test]
async fn an_incident_that_is_gone_has_vanished() {
    let stand = Stand::default().gets("users/me", &me());
    assert_eq!(look(stand, IncidentAct::Acknowledge).await, LookBack::Vanished);
}

#[tokio::test]
async fn an_escalation_is_confirmed_by_our_entry_after_the_request_and_by_no_other() {
    let act = || IncidentAct::Escalate { to: 2 };
    let by = |id: &str, time: &str| entry("L5", "escalate", time, &user(id, "Somebody"));
    assert!(is_done(
        &look(logged(&incident(), &[by("PUSR001", "02:05:00")]), act()).await
    ));
    assert!(is_done(
        &look(logged(&incident(), &[by("PUSR001", "02:05:03")]), act()).await
    ));
    let earlier = logged(&incident(), &[by("PUSR001", "02:04:20")]);
    assert_eq!(
        look(earlier, act()).await,
        LookBack::Absent,
        "that was another one"
    );
    let near = look(logged(&incident(), &[by("PUSR001", "02:04:45")]), act()).await;
    assert!(matches!(near, LookBack::Unclear(_)), "clocks differ: {near:?}");
    let others = look(logged(&incident(), &[by("PUSR003", "02:05:03")]), act()).await;
    assert_eq!(
        others,
        LookBack::Changed("escalated by Somebody meanwhile".into())
    );
    let service = json!({"id": "PEP0001", "type": "escalation_policy_reference"});
    let mut timed_out = entry("L5", "escalate", "02:05:03", &service);
    timed_out["channel"] = json!({"type": "timeout"});
    assert_eq!(
        look(logged(&incident(), &[timed_out]), act()).await,
        LookBack::Changed("escalated by itself meanwhile".into())
    );
    let nobody = entry("L5", "escalate", "02:05:03", &Value::Null);
    let found = look(logged(&incident(), &[nobody]), act()).await;
    assert!(
        matches!(found, LookBack::Unclear(_)),
        "an account's key may hide us: {found:?}"
    );
    assert_eq!(look(logged(&incident(), &[]), act()).await, LookBack::Absent);
}

#[tokio::test]
async fn an_escalation_of_ours_that_woke_another_level_may_be_another_act() {
    let mut other = entry("L5", "escalate", "02:05:03", &user("PUSR001", "Jun"));
    other["assignees"] = json!([user("PUSR002", "Sam")]);
    let found = look(logged(&incident(), &[other]), IncidentAct::Escalate { to: 2 }).await;
    assert!(matches!(found, LookBack::Unclear(_)), "{found:?}");
}

#[tokio::test]
async fn a_known_clock_moves_the_request() {
    let ours = entry("L5", "escalate", "02:04:00", &user("PUSR001", "Jun"));
    let behind = Stand {
        skew: Some(TimeDelta::seconds(-60)),
        ..logged(&incident(), std::slice::from_ref(&ours))
    };
    assert!(is_done(&look(behind, IncidentAct::Escalate { to: 2 }).await));
    let exact = Stand {
        skew: Some(TimeDelta::zero()),
        ..logged(&incident(), &[ours])
    };
    assert_eq!(
        look(exact, IncidentAct::Escalate { to: 2 }).await,
        LookBack::Absent
    );
}

#[tokio::test]
async fn a_log_that_is_too_long_is_not_taken_for_silence() {
    let full = json!({"log_entries": (0..100).map(|n| entry(&format!("L{n}"), "notify", "02:06:00", &Value::Null))
        .collect::<Vec<_>>(), "more": true});
    let stand = account(&incident()).gets(&format!("incidents/{ID}/log_entries"), &full);
    let found = look(stand, IncidentAct::Escalate { to: 2 }).await;
    assert!(matches!(found, LookBack::Unclear(_)), "{found:?}");
}

#[tokio::test]
async fn a_note_is_found_by_its_marker_alone() {
    let note = || IncidentAct::Note {
        text: "looking".into(),
    };
    let notes = |content: &str| {
        account(&incident()).gets(
            &format!("incidents/{ID}/notes"),
            &json!({"notes": [{"id": "N1", "content": content, "created_at": "2026-11-20T02:05:00Z"}]}),
        )
    };
    let found = look(notes(&Marker::from_bits(7).mark("looking")), note()).await;
    assert!(matches!(found, LookBack::Done(Receipt { remote_id: Some(id), .. }) if &*id == "N1"));
    assert_eq!(look(notes("looking"), note()).await, LookBack::Absent);
    assert_eq!(
        look(notes(&Marker::from_bits(8).mark("looking")), note()).await,
        LookBack::Absent
    );
}

#[tokio::test]
async fn a_status_update_is_found_in_the_log_or_asked_about() {
    let update = || IncidentAct::StatusUpdate { text: "soon".into() };
    let mut ours = entry("L7", "status_update", "02:05:01", &user("PUSR001", "Jun"));
    ours["message"] = Marker::from_bits(7).mark("soon").into();
    assert!(is_done(&look(logged(&incident(), &[ours]), update()).await));
    let found = look(logged(&incident(), &[]), update()).await;
    assert!(matches!(found, LookBack::Unclear(_)), "{found:?}");
}

#[tokio::test]
async fn assignments_priority_responders_and_snoozes_are_told_by_what_the_incident_shows() {
    let mara = || vec![person("PUSR003", "Mara")];
    let given = changed(&json!({"assigned_via": "direct_assignment",
        "assignments": [{"at": "2026-11-20T02:05:01Z", "assignee": user("PUSR003", "Mara")}]}));
    assert!(is_done(
        &look(account(&given), IncidentAct::ReassignTo { people: mara() }).await
    ));
    assert_eq!(
        look(account(&incident()), IncidentAct::ReassignTo { people: mara() }).await,
        LookBack::Absent
    );

    let rated = changed(&json!({"priority": {"id": "PPRI", "summary": "P1"}}));
    let rate = || IncidentAct::Priority {
        priority: named("PPRI"),
    };
    assert!(is_done(&look(account(&rated), rate()).await));
    assert_eq!(look(account(&incident()), rate()).await, LookBack::Absent);

    let asked = |time: &str| {
        changed(
            &json!({"incident_responders": [{"state": "pending", "user": user("PUSR003", "Mara"),
            "requested_at": format!("2026-11-20T{time}Z")}]}),
        )
    };
    let page = || IncidentAct::Page {
        people: mara(),
        message: String::new(),
    };
    assert!(is_done(&look(account(&asked("02:05:01")), page()).await));
    let found = look(account(&asked("02:00:00")), page()).await;
    assert!(matches!(found, LookBack::Unclear(_)), "{found:?}");
    assert_eq!(look(account(&incident()), page()).await, LookBack::Absent);

    let mut snoozed = acknowledged_by("PUSR001", "Jun", "02:04:30");
    snoozed["pending_actions"] = json!([{"type": "unacknowledge", "at": "2026-11-20T03:05:01Z"}]);
    let snooze = || IncidentAct::Snooze {
        length: Duration::from_secs(3_600),
    };
    assert!(is_done(&look(logged(&snoozed, &[]), snooze()).await));
    let endless = IncidentAct::Snooze {
        length: Duration::MAX,
    };
    assert_eq!(look(logged(&snoozed, &[]), endless).await, LookBack::Absent);
    snoozed["pending_actions"] = json!([{"type": "unacknowledge", "at": "2026-11-20T02:34:10Z"}]);
    assert_eq!(look(logged(&snoozed, &[]), snooze()).await, LookBack::Absent);
}

#[tokio::test]
async fn a_merge_is_told_by_its_sources() {
    let merged = changed(&json!({"id": "Q2", "status": "resolved",
        "resolve_reason": {"type": "merge_resolve_reason", "incident": {"id": ID}}}));
    let act = |ids: &[&str]| IncidentAct::Merge {
        from: ids.iter().map(|&id| id.into()).collect(),
    };
    let stand = || {
        account(&incident())
            .gets("incidents/Q2", &json!({"incident": merged}))
            .gets(
                "incidents/Q3",
                &json!({"incident": changed(&json!({"id": "Q3"}))}),
            )
    };
    assert!(is_done(&look(stand(), act(&["Q2"])).await));
    assert_eq!(look(stand(), act(&["Q3"])).await, LookBack::Absent);
    let found = look(stand(), act(&["Q2", "Q3"])).await;
    assert!(matches!(found, LookBack::Unclear(_)), "{found:?}");
}
