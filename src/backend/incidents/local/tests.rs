use super::*;
use crate::config::{Environment, decode_text};
use crate::domain::alert::ack::Marker;
use crate::domain::incident::Status;
use crate::domain::timeline::EventKind;
use crate::journal::Opening;
use crate::outbox::Sight;

const CONFIG: &str = r#"
identity = "jun@example.com"
[contexts.prod]
incidents = { kind = "local" }
metrics = { url = "http://127.0.0.1:1" }
people = [{ name = "Jun", id = "jun", email = "jun@example.com", phone = "+49 30 1234" }, { name = "mara" }]
escalation_policies = [{ name = "default", levels = [{ notify = ["jun"], delay = "5m" }, { notify = ["mara"] }] }]
[contexts.other]
metrics = { url = "http://127.0.0.1:1" }
"#;

struct Bench {
    opening: Opening,
    config: Config,
    clock: Clock,
    _dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            opening: Opening {
                path: dir.path().join("midwatch.db"),
                group: None,
            },
            config: decode_text(CONFIG, None, &Environment::default()).unwrap().config,
            clock: Clock::with_tokio("2026-11-20T03:00:00Z".parse().unwrap()),
            _dir: dir,
        }
    }

    /// A keeper as another process would have it.
    fn keeper(&self, context: &str) -> Local {
        let journal = Journal::open(&self.opening).unwrap();
        Local::new(journal, &self.config, &self.config.contexts[context], self.clock)
    }
}

fn asked() -> Declaration {
    Declaration {
        title: "orders fail".into(),
        severity: Severity::Sev1,
        service: Some("checkout".into()),
        policy: None,
        alerts: Vec::new(),
        by: "jun@example.com".into(),
        rule: None,
    }
}

fn order(incident: &IncidentId, act: IncidentAct, key: &str) -> IncidentOrder {
    IncidentOrder {
        incident: incident.clone(),
        act,
        marker: Marker::from_bits(7),
        actor: "jun@example.com".into(),
        key: key.into(),
    }
}

fn note(text: &str) -> IncidentAct {
    IncidentAct::Note { text: text.into() }
}

async fn notes(keeper: &Local, id: &IncidentId) -> Vec<String> {
    let story = keeper.story(id.clone()).await.unwrap();
    let of_notes = story.events.iter().filter(|event| event.kind == EventKind::Note);
    of_notes.map(|event| event.text.to_string()).collect()
}

#[tokio::test]
async fn a_declared_incident_is_listed_with_its_ladder_and_story() {
    let bench = Bench::new();
    let keeper = bench.keeper("prod");
    let id = keeper.declare(asked()).await.unwrap().id();
    assert_eq!(id.to_string(), "local-1");
    let listing = keeper.list(Question::default()).await.unwrap();
    assert_eq!(listing.incidents.len(), 1);
    let mine = Question {
        whose: Whose::Mine,
        ended_since: None,
    };
    assert_eq!(keeper.list(mine).await.unwrap().incidents.len(), 1);
    let ladder = keeper.ladder(id.clone()).await.unwrap();
    assert_eq!(ladder.next().map(|rung| rung.level), Some(2));
    let story = keeper.story(id.clone()).await.unwrap().events;
    let told: Vec<(EventKind, &str)> = story.iter().map(|event| (event.kind, &*event.text)).collect();
    assert_eq!(
        told,
        [
            (EventKind::Triggered, "declared SEV1: orders fail"),
            (EventKind::Assigned, "level 1 of default woken: Jun"),
            (
                EventKind::Other,
                "nobody was notified: no channel is configured: add [[contexts.prod.notify]] with a name and a kind (webhook, slack or command); phone Jun (+49 30 1234)"
            ),
        ]
    );
    // Another context of the same journal has its own.
    let elsewhere = bench.keeper("other");
    assert_eq!(elsewhere.incident(id).await.unwrap(), None);
    assert_eq!(elsewhere.list(Question::default()).await.unwrap().incidents, []);
}

#[tokio::test]
async fn an_act_is_done_once_a_key_whoever_sends_it_however_often() {
    let bench = Bench::new();
    let (one, other) = (bench.keeper("prod"), bench.keeper("prod"));
    let id = one.declare(asked()).await.unwrap().id();
    let tries = (0..20).map(|n| {
        let keeper = if n % 2 == 0 { &one } else { &other };
        keeper.send(order(&id, note("rolled back"), "outbox-1"))
    });
    for receipt in futures::future::join_all(tries).await {
        assert_eq!(receipt.unwrap().remote_id.as_deref(), Some("local-1"));
    }
    assert_eq!(notes(&one, &id).await, ["rolled back"]);
}

#[tokio::test]
async fn two_consoles_acting_at_once_lose_nothing() {
    let bench = Bench::new();
    let (one, other) = (bench.keeper("prod"), bench.keeper("prod"));
    let id = one.declare(asked()).await.unwrap().id();
    let acts = (0..60).map(|n| {
        let keeper = if n % 2 == 0 { &one } else { &other };
        keeper.send(order(&id, note(&format!("note {n}")), &format!("outbox-{n}")))
    });
    for receipt in futures::future::join_all(acts).await {
        receipt.unwrap();
    }
    let mut told = notes(&other, &id).await;
    told.sort();
    let mut expected: Vec<String> = (0..60).map(|n| format!("note {n}")).collect();
    expected.sort();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_look_back_knows_what_is_there_and_what_changed() {
    let bench = Bench::new();
    let keeper = bench.keeper("prod");
    let id = keeper.declare(asked()).await.unwrap().id();
    let incident = keeper.incident(id.clone()).await.unwrap().unwrap();
    let seen = Seen {
        status: incident.status,
        changed_at: incident.changed_at,
        escalation: None,
    };
    let since = incident.created_at;
    let acknowledge = order(&id, IncidentAct::Acknowledge, "outbox-1");
    let look = |order: IncidentOrder| keeper.look_back(order, since, seen.clone());
    assert_eq!(look(acknowledge.clone()).await.unwrap(), LookBack::Absent);
    keeper.send(acknowledge.clone()).await.unwrap();
    assert!(matches!(look(acknowledge).await.unwrap(), LookBack::Done(_)));
    let late = order(&id, IncidentAct::Escalate { to: 2 }, "outbox-2");
    let LookBack::Changed(words) = look(late).await.unwrap() else {
        panic!("it changed");
    };
    assert_eq!(
        words,
        "it is acknowledged now and was triggered (acknowledged by Jun at 03:00Z)"
    );
    assert_eq!(
        look(order(&id, note("x"), "outbox-3")).await.unwrap(),
        LookBack::Absent
    );
    let gone = order(&IncidentId::from("local-99"), note("x"), "outbox-4");
    assert_eq!(look(gone).await.unwrap(), LookBack::Vanished);
}

#[tokio::test]
async fn what_is_refused_is_an_answer_in_words_and_keeps_no_key() {
    let bench = Bench::new();
    let keeper = bench.keeper("prod");
    let id = keeper.declare(asked()).await.unwrap().id();
    let refused = keeper
        .send(order(&id, IncidentAct::Escalate { to: 5 }, "outbox-1"))
        .await
        .unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Rejected);
    assert_eq!(refused.delivery, Delivery::Answered);
    assert!(refused.detail.contains("no level 5"), "{refused}");
    keeper
        .send(order(&id, IncidentAct::Escalate { to: 2 }, "outbox-1"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_merge_ends_the_others_in_one_step_or_not_at_all() {
    let bench = Bench::new();
    let keeper = bench.keeper("prod");
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(keeper.declare(asked()).await.unwrap().id());
    }
    let merge = |from: Vec<IncidentId>, key: &str| order(&ids[0], IncidentAct::Merge { from }, key);
    for wrong in [
        ids[0].clone(),
        IncidentId::from("Q1ABC"),
        IncidentId::from("local-77"),
    ] {
        let both = merge(vec![ids[1].clone(), wrong], "outbox-1");
        keeper.send(both).await.unwrap_err();
        let untouched = keeper.incident(ids[1].clone()).await.unwrap().unwrap();
        assert_eq!(untouched.status, Status::Triggered);
    }
    let all = vec![ids[1].clone(), ids[2].clone(), ids[1].clone()];
    keeper.send(merge(all, "outbox-2")).await.unwrap();
    let open = keeper.list(Question::default()).await.unwrap().incidents;
    assert_eq!(open.len(), 1);
    let merged = keeper.incident(ids[2].clone()).await.unwrap().unwrap();
    assert_eq!(merged.merged_into, Some(ids[0].clone()));
}

#[tokio::test]
async fn what_ended_is_listed_as_far_back_as_asked() {
    let bench = Bench::new();
    let keeper = bench.keeper("prod");
    let id = keeper.declare(asked()).await.unwrap().id();
    let resolve = IncidentAct::Resolve {
        resolution: String::new(),
    };
    keeper.send(order(&id, resolve, "outbox-1")).await.unwrap();
    let now = bench.clock.now().utc;
    let listed = async |ended_since| {
        let question = Question {
            whose: Whose::All,
            ended_since,
        };
        keeper.list(question).await.unwrap().incidents.len()
    };
    assert_eq!(listed(None).await, 0);
    assert_eq!(listed(Some(now - chrono::TimeDelta::hours(1))).await, 1);
    assert_eq!(listed(Some(now + chrono::TimeDelta::hours(1))).await, 0);
    let since = keeper
        .story_since(now - chrono::TimeDelta::hours(1))
        .await
        .unwrap();
    assert!(since.iter().all(|(told, _)| *told == id) && since.len() >= 3);
}

#[test]
fn a_private_journal_is_said() {
    let bench = Bench::new();
    assert_eq!(
        House::new(&bench.config, &bench.config.contexts["prod"]).remarks(),
        ["local to you", ONLY_WHILE_OPEN]
    );
    let mut shared = bench.config.clone();
    shared.journal = Some(crate::config::JournalConfig {
        path: "/srv/oncall/midwatch.db".into(),
        group: Some("oncall".into()),
    });
    assert_eq!(Sharing::of(&shared).words(), "shared with oncall");
    assert_eq!(
        House::new(&shared, &shared.contexts["other"]).remarks(),
        Vec::<String>::new()
    );
}

#[tokio::test(start_paused = true)]
async fn before_an_escalation_whatever_its_maker_did_not_see_is_news_but_their_own_acts() {
    let bench = Bench::new();
    let keeper = bench.keeper("prod");
    let id = keeper.declare(asked()).await.unwrap().id();
    let incident = keeper.incident(id.clone()).await.unwrap().unwrap();
    let unsent = |known| Unsent {
        asked: incident.created_at,
        seen: Seen {
            status: incident.status,
            changed_at: incident.changed_at,
            escalation: None,
        },
        known,
        sight: Sight::Seen,
    };
    let look = |known| {
        let wanted = order(&id, IncidentAct::Escalate { to: 2 }, "outbox-9");
        keeper.look_before(wanted, unsent(known))
    };
    assert_eq!(look(None).await.unwrap(), LookBack::Absent);
    tokio::time::advance(Duration::from_secs(5)).await;
    keeper
        .send(order(&id, IncidentAct::Acknowledge, "outbox-1"))
        .await
        .unwrap();
    assert_eq!(
        look(None).await.unwrap(),
        LookBack::Absent,
        "they took it themselves"
    );
    tokio::time::advance(Duration::from_secs(5)).await;
    let theirs = IncidentOrder {
        actor: "mara".into(),
        ..order(&id, IncidentAct::Escalate { to: 2 }, "outbox-2")
    };
    keeper.send(theirs).await.unwrap();
    assert_eq!(
        look(None).await.unwrap(),
        LookBack::Changed("escalated to level 2 of default: mara by mara at 03:00:10 UTC".to_owned())
    );
    let known = keeper.incident(id.clone()).await.unwrap().unwrap().changed_at;
    assert_eq!(
        look(Some(known)).await.unwrap(),
        LookBack::Absent,
        "it was in sight"
    );
    let gone = order(&"local-99".into(), IncidentAct::Escalate { to: 2 }, "outbox-3");
    assert_eq!(
        keeper.look_before(gone, unsent(None)).await.unwrap(),
        LookBack::Vanished
    );
}
