//! Nobody is paged twice by accident: the look before an escalation, and couriers that escalate at once.

use super::*;
use crate::backend::Backends;
use crate::backend::incidents::Unsent;
use crate::domain::incident::Status;
use crate::journal::outbox::{self, Author};
use crate::journal::{Journal, Opening};
use crate::outbox::courier::Setup;
use crate::outbox::post::Poster;
use crate::outbox::{Courier, CourierHandle, Draft, Entry, EntryId, Payload, Sight, State, Timings};

fn seen(escalation: Option<EntryId>) -> Seen {
    Seen {
        status: Status::Triggered,
        changed_at: at("02:04:10"),
        escalation,
    }
}

fn with_log(entries: &[Value]) -> Stand {
    account(&incident()).gets(&format!("incidents/{ID}/log_entries"), &log(entries))
}

/// Asked for at 02:05:00, the incident seen as in the contract.
async fn look(stand: Stand, known: Option<&str>) -> LookBack {
    let (pagerduty, stand) = stand.open(Some("jun@example.com"));
    let unsent = Unsent {
        asked: at("02:05:00"),
        seen: seen(None),
        known: known.map(at),
        sight: Sight::Seen,
    };
    let found = pagerduty
        .look_before(order(IncidentAct::Escalate { to: 2 }), unsent)
        .await
        .expect("answers");
    let asked: Vec<String> = stand.asked().iter().map(|call| call.path.clone()).collect();
    assert_eq!(
        asked,
        ["users/me".to_owned(), format!("incidents/{ID}/log_entries")],
        "who we are is asked once a process, the log once an escalation"
    );
    found
}

fn is_news(found: &LookBack) -> bool {
    matches!(found, LookBack::Changed(_))
}

#[tokio::test]
async fn an_escalation_that_its_maker_did_not_see_is_news_whoever_made_it() {
    let by = |kind: &str, time: &str, id: &str| entry("L5", kind, time, &user(id, "Mara"));
    assert_eq!(look(with_log(&[]), None).await, LookBack::Absent);
    assert_eq!(
        look(with_log(&[by("escalate", "02:04:40", "PUSR003")]), None).await,
        LookBack::Changed("escalated meanwhile by Mara at 02:04:40 UTC".to_owned())
    );
    assert_eq!(
        look(with_log(&[by("escalate", "02:04:40", "PUSR001")]), None).await,
        LookBack::Changed("escalated meanwhile by you, from elsewhere at 02:04:40 UTC".to_owned())
    );
    let policy = json!({"id": "PEP0001", "type": "escalation_policy_reference"});
    let mut timed_out = entry("L5", "escalate", "02:04:40", &policy);
    timed_out["channel"] = json!({"type": "timeout"});
    assert_eq!(
        look(with_log(&[timed_out]), None).await,
        LookBack::Changed("escalated meanwhile by itself at 02:04:40 UTC".to_owned())
    );
    let shown = [
        by("escalate", "02:04:10", "PUSR003"),
        by("trigger", "02:04:10", "PSVC001"),
    ];
    assert_eq!(
        look(with_log(&shown), None).await,
        LookBack::Absent,
        "it was in sight"
    );
}

#[tokio::test]
async fn what_others_did_is_news_and_what_we_did_ourselves_is_not() {
    let by = |kind: &str, id: &str| entry("L5", kind, "02:04:40", &user(id, "Somebody"));
    for (kind, is_theirs_news, is_ours_news) in [
        ("acknowledge", true, false),
        ("assign", true, false),
        ("resolve", true, true),
        ("annotate", false, false),
        ("notify", false, false),
    ] {
        let theirs = look(with_log(&[by(kind, "PUSR003")]), None).await;
        assert_eq!(is_news(&theirs), is_theirs_news, "{kind}: {theirs:?}");
        let ours = look(with_log(&[by(kind, "PUSR001")]), None).await;
        assert_eq!(is_news(&ours), is_ours_news, "{kind}: {ours:?}");
    }
}

#[tokio::test]
async fn one_that_was_in_sight_in_the_outbox_is_no_news_though_the_list_did_not_show_it_yet() {
    let ours = || entry("L5", "escalate", "02:04:40", &user("PUSR001", "Jun"));
    assert_eq!(
        look(with_log(&[ours()]), Some("02:04:41")).await,
        LookBack::Absent
    );
    let exact = |entries: &[Value]| Stand {
        skew: Some(TimeDelta::zero()),
        ..with_log(entries)
    };
    let theirs = entry("L6", "escalate", "02:04:50", &user("PUSR003", "Mara"));
    let found = look(exact(&[theirs, ours()]), Some("02:04:41")).await;
    assert!(is_news(&found), "Mara's came after it: {found:?}");
}

#[tokio::test]
async fn a_log_that_is_gone_or_too_long_is_said() {
    let full = json!({"log_entries": (0..100).map(|n| entry(&format!("L{n}"), "notify", "02:06:00", &Value::Null))
        .collect::<Vec<_>>(), "more": true});
    let stand = account(&incident()).gets(&format!("incidents/{ID}/log_entries"), &full);
    assert!(matches!(look(stand, None).await, LookBack::Unclear(_)));
    assert_eq!(look(account(&incident()), None).await, LookBack::Vanished);
}

/// Asked for at 02:05:00 by our clock, by somebody who could not see the incident.
async fn look_unseen(stand: Stand, to: u32) -> LookBack {
    let (pagerduty, stand) = stand.open(Some("jun@example.com"));
    let unsent = Unsent {
        asked: at("02:05:00"),
        seen: Seen {
            changed_at: at("02:05:00"),
            ..seen(None)
        },
        known: None,
        sight: Sight::Unseen,
    };
    let found = pagerduty
        .look_before(order(IncidentAct::Escalate { to }), unsent)
        .await
        .expect("answers");
    assert!(stand.writes().is_empty(), "a look changes nothing");
    found
}

#[tokio::test]
async fn an_escalation_that_was_asked_for_unseen_asks_where_somebody_has_the_incident() {
    let with = |of: &Value| account(of).gets(&format!("incidents/{ID}/log_entries"), &log(&[]));
    assert_eq!(
        look_unseen(with(&acknowledged_by("PUSR003", "Mara", "01:00:00")), 2).await,
        LookBack::Changed("acknowledged by Mara: waking a level takes that away".to_owned()),
        "long before it was asked for"
    );
    let over = changed(
        &json!({"status": "resolved", "last_status_change_at": "2026-11-20T01:00:00Z",
        "last_status_change_by": user("PUSR003", "Mara")}),
    );
    assert_eq!(
        look_unseen(with(&over), 2).await,
        LookBack::Changed("resolved by Mara".to_owned())
    );
    assert_eq!(look_unseen(with(&incident()), 2).await, LookBack::Absent);
    assert_eq!(
        look_unseen(Stand::default().gets("users/me", &me()), 2).await,
        LookBack::Vanished
    );
}

#[tokio::test]
async fn an_escalation_that_was_asked_for_unseen_asks_where_its_level_is_not_above_the_present_one() {
    let at_level = |who: Value| {
        let of = changed(&json!({"assignments": [{"at": "2026-11-20T02:00:00Z", "assignee": who}]}));
        account(&of).gets(&format!("incidents/{ID}/log_entries"), &log(&[]))
    };
    for (who, to, words) in [
        (
            user("PUSR002", "Sam"),
            9,
            "its policy has no level 9; its last is 2",
        ),
        (
            user("PUSR002", "Sam"),
            1,
            "it is at level 1: this pages Sam again",
        ),
        (
            user("PUSR003", "Mara"),
            1,
            "it is at level 2: this pages Sam again",
        ),
        (
            user("PUSR003", "Mara"),
            2,
            "it is at level 2: this pages Mara again",
        ),
        (
            user("PUSR009", "Nora"),
            2,
            "which level it is at cannot be told: this may page Mara again",
        ),
    ] {
        assert_eq!(
            look_unseen(at_level(who), to).await,
            LookBack::Changed(words.to_owned())
        );
    }
}

#[tokio::test]
async fn an_escalation_younger_than_one_asked_for_unseen_is_news_by_pagerdutys_own_clock() {
    let behind = |time: &str| Stand {
        skew: Some(TimeDelta::seconds(-60)),
        ..with_log(&[entry("L5", "escalate", time, &user("PUSR003", "Mara"))])
    };
    assert_eq!(
        look_unseen(behind("02:04:10"), 2).await,
        LookBack::Changed("escalated meanwhile by Mara at 02:04:10 UTC".to_owned()),
        "ten seconds after it was asked for"
    );
    assert_eq!(look_unseen(behind("02:03:50"), 2).await, LookBack::Absent);
    let unknown = with_log(&[entry("L5", "escalate", "02:04:40", &user("PUSR003", "Mara"))]);
    assert!(
        is_news(&look_unseen(unknown, 2).await),
        "the clocks may differ so much"
    );
}

/// A console or a command: a process of its own on the journal, before the same PagerDuty.
struct Process {
    journal: Journal,
    handle: CourierHandle,
    author: Author,
    clock: Clock,
    _tasks: tokio::task::JoinSet<()>,
}

impl Process {
    fn start(home: &tempfile::TempDir, actor: &str, stand: &Arc<Stand>) -> Self {
        let settings = Settings {
            name: "incidents".into(),
            from: Some("jun@example.com".to_owned()),
            timeout: Duration::from_secs(5),
        };
        let clock = Clock::start();
        let pagerduty = PagerDuty::new(settings, Arc::clone(stand) as Arc<dyn Asker>, clock);
        let backends = Backends {
            incidents: Some(Arc::new(pagerduty)),
            ..Backends::default()
        };
        let journal = Journal::open(&Opening::private(home.path().join("midwatch.db"))).unwrap();
        let author = Author {
            context: "prod".into(),
            actor: actor.into(),
        };
        let (courier, handle) = Courier::new(Setup {
            journal: journal.clone(),
            post: Arc::new(Poster::new(Arc::new(backends))),
            clock,
            author: author.clone(),
            timings: Timings {
                poll: Duration::from_millis(50),
                ..Timings::default()
            },
        });
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(courier.run());
        Self {
            journal,
            handle,
            author,
            clock,
            _tasks: tasks,
        }
    }

    /// Journals an escalation to level 2 and waits for what becomes of it.
    async fn escalate(&self, in_sight: Option<EntryId>) -> Entry {
        let payload = Payload::Incident {
            incident: ID.into(),
            act: IncidentAct::Escalate { to: 2 },
            seen: seen(in_sight),
            label: "#812 api error rate above 5%".into(),
        };
        let (author, now) = (self.author.clone(), self.clock.stamp());
        let draft = Draft::new(payload, Duration::ZERO);
        let made = self
            .journal
            .write(move |tx| outbox::insert(tx, &author, &[draft], &now));
        let ids = made.await.unwrap();
        let settled = self.handle.settled(&ids);
        tokio::time::timeout(Duration::from_secs(60), settled)
            .await
            .expect("it is sent, or asks");
        let id = ids[0];
        let loaded = self.journal.read(move |tx| outbox::load(tx, id)).await.unwrap();
        loaded.unwrap().entry
    }
}

fn taking(entries: &[Value]) -> Arc<Stand> {
    let stand = with_log(entries).with(
        Method::Put,
        &format!("incidents/{ID}"),
        200,
        &json!({"incident": incident()}),
    );
    Arc::new(stand)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_that_escalate_at_once_one_does_and_the_other_asks() {
    // Two consoles of one engineer; two engineers who share the journal.
    for others in ["jun", "mara"] {
        let home = tempfile::tempdir().unwrap();
        let stand = taking(&[]);
        let first = Process::start(&home, "jun", &stand);
        let second = Process::start(&home, others, &stand);
        let (one, other) = tokio::join!(first.escalate(None), second.escalate(None));
        assert_eq!(stand.writes().len(), 1, "nobody is paged twice");
        let (sent, asking) = if one.state == State::Confirmed {
            (one, other)
        } else {
            (other, one)
        };
        assert_eq!((sent.state, sent.attempts), (State::Confirmed, 1));
        assert_eq!((asking.state, asking.attempts), (State::NeedsDecision, 0));
        let words = asking.last_error.as_deref().unwrap();
        assert!(
            words.contains(&format!("escalated to level 2 by {} at ", sent.actor))
                && words.ends_with("escalate again?"),
            "{words}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_saw_the_first_may_escalate_again_without_being_asked_and_a_command_that_did_not_is() {
    let home = tempfile::tempdir().unwrap();
    let stand = taking(&[]);
    let console = Process::start(&home, "jun", &stand);
    let first = console.escalate(None).await;
    let again = console.escalate(Some(first.id)).await;
    assert_eq!((first.state, again.state), (State::Confirmed, State::Confirmed));
    assert_eq!(stand.writes().len(), 2);
    let command = Process::start(&home, "jun", &stand);
    assert_eq!(command.escalate(None).await.state, State::NeedsDecision);
    assert_eq!(stand.writes().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_host_escalated_meanwhile_is_asked_about_before_anything_is_sent() {
    let home = tempfile::tempdir().unwrap();
    let mara = user("PUSR003", "Mara");
    let stand = taking(&[entry("L5", "escalate", "02:04:40", &mara)]);
    let entry = Process::start(&home, "jun", &stand).escalate(None).await;
    assert_eq!(entry.state, State::NeedsDecision);
    assert_eq!(
        entry.last_error.as_deref(),
        Some("escalated meanwhile by Mara at 02:04:40 UTC")
    );
    assert_eq!(stand.writes().len(), 0);
}
