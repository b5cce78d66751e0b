use chrono::DateTime;

use super::*;
use crate::app::acts::ActId;
use crate::app::kept::Keep;
use crate::app::logs::Watched;
use crate::app::query::QueryAsk;
use crate::app::{Draft, DraftKind};
use crate::backend::incidents::Seen;
use crate::config::{Environment, decode_text};
use crate::domain::incident::{IncidentAct, IncidentId, Status as Stand};
use crate::journal;

fn session(state: Option<&std::path::Path>) -> Session {
    let state = state.map_or_else(String::new, |at| format!("state_dir = \"{}\"\n", at.display()));
    let text = format!(
        "identity = \"jun@example.com\"\n{state}[contexts.prod.metrics]\nurl = \"http://127.0.0.1:1\"\n"
    );
    let config = decode_text(&text, None, &Environment::default()).unwrap().config;
    Session::open(Opening {
        context: Arc::new(config.contexts["prod"].clone()),
        config: Arc::new(config),
        backends: Backends::default(),
        wires: Arc::default(),
        clock: Clock::start(),
        themes: Box::new(|name| Err(format!("no theme {name}"))),
        writer: Arc::new(|_| Box::pin(std::future::ready(Err("nobody writes".to_owned())))),
        signals: Signals::listen().unwrap(),
    })
}

fn acknowledge(number: u64) -> (ActId, Act) {
    let act = Act::Incident {
        incident: IncidentId::from(format!("Q{number}").as_str()),
        act: IncidentAct::Acknowledge,
        seen: Seen {
            status: Stand::Triggered,
            changed_at: DateTime::UNIX_EPOCH,
            escalation: None,
        },
        label: "#1 one".into(),
    };
    (ActId(number), act)
}

#[tokio::test]
async fn where_all_room_is_taken_many_acts_go_out_at_once_and_no_draft_or_undo_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let mut session = session(Some(home.path()));
    for _ in 0..MAX_TASKS {
        session.tasks.spawn(std::future::pending());
    }
    let (id, act) = acknowledge(1_000);
    assert!(matches!(session.carry(Effect::Carry { id, act }), Carried::Done));
    let (_keys, mut inputs) = mpsc::channel(1);
    let Event::Result(Msg::ActJournaled { result: Err(why), .. }) = session.next(&mut inputs).await else {
        panic!("what finds no room stays in sight as not saved");
    };
    assert!(why.contains("too much is under way"), "{why}");
    let acts = (0..100).map(acknowledge).collect();
    assert!(matches!(session.carry(Effect::CarryAll(acts)), Carried::Done));
    let kept = |text: String| {
        Effect::SaveDraft(Draft {
            kind: DraftKind::Note,
            incident: Some("Q1".into()),
            text,
        })
    };
    for n in 0..200 {
        assert!(matches!(session.carry(kept(n.to_string())), Carried::Done));
    }
    let unknown = Effect::TakeBack { id: ActId(2_000) };
    assert!(matches!(session.carry(unknown), Carried::Done));

    let (mut journaled, mut answered) = (Vec::new(), None);
    while journaled.len() < 100 || answered.is_none() {
        match session.next(&mut inputs).await {
            Event::Result(Msg::ActJournaled { id, result }) => {
                journaled.push((id.0, result.map(|entries| entries.len())));
            }
            Event::Result(Msg::TakenBack { result, .. }) => answered = Some(result),
            _ => {}
        }
    }
    assert!(
        journaled.iter().all(|(_, entries)| *entries == Ok(1)),
        "{journaled:?}"
    );
    assert!(
        answered.is_some_and(|answer| answer.is_err()),
        "what is not there is not undone"
    );
    session.rest().await;
    let path = home.path().join("midwatch.db");
    let journal = journal::Journal::open(&journal::Opening::private(path)).unwrap();
    let drafts = journal
        .read(|tx| journal::drafts::load(tx, "jun@example.com", "prod"))
        .await
        .unwrap();
    let texts: Vec<&str> = drafts.iter().map(|draft| draft.text.as_str()).collect();
    assert_eq!(texts, ["199"], "the newest alone");
}

#[tokio::test]
async fn a_task_that_dies_of_a_defect_ends_the_console() {
    let mut session = session(None);
    session.tasks.spawn(async { panic!("a defect") });
    let (_keys, mut inputs) = mpsc::channel(1);
    assert!(matches!(session.next(&mut inputs).await, Event::Died));
}

fn saved(name: &str) -> Effect {
    Effect::Keep(Keep::View {
        name: name.to_owned(),
        view: Some(Box::default()),
    })
}

#[tokio::test]
async fn a_view_is_said_to_be_kept_once_it_is_on_the_disk_and_not_where_there_is_no_place_for_it() {
    let home = tempfile::tempdir().unwrap();
    let (_keys, mut inputs) = mpsc::channel(1);
    let mut session = session(Some(home.path()));
    assert!(matches!(session.carry(saved("night")), Carried::Done));
    let kept = loop {
        if let Event::Result(Msg::ViewsKept(result)) = session.next(&mut inputs).await {
            break result.unwrap();
        }
    };
    assert!(kept.views.contains_key("night"));
    let text = std::fs::read_to_string(home.path().join("views.toml")).unwrap();
    assert!(text.contains("[views.prod.night]"), "{text}");

    let mut nowhere = self::session(None);
    nowhere.kept = None;
    assert!(matches!(nowhere.carry(saved("night")), Carried::Done));
    let Event::Result(Msg::ViewsKept(Err(why))) = nowhere.next(&mut inputs).await else {
        panic!("it is said at once");
    };
    assert!(why.contains("set state_dir"), "{why}");
}

#[tokio::test]
async fn watching_other_contexts_begins_and_ends_without_ending_the_session() {
    let (_keys, mut inputs) = mpsc::channel(1);
    let mut session = session(None);
    for watched in [Watched::Yes, Watched::Yes, Watched::No] {
        assert!(matches!(
            session.carry(Effect::WatchContexts(watched)),
            Carried::Done
        ));
    }
    assert!(session.watcher.is_none());
    let ended = async {
        loop {
            if let Event::Died = session.next(&mut inputs).await {
                break;
            }
        }
    };
    let wait = Duration::from_millis(300);
    assert!(tokio::time::timeout(wait, ended).await.is_err(), "it goes on");
}

#[tokio::test]
async fn an_older_query_is_given_up_for_the_newer_one() {
    let (_keys, mut inputs) = mpsc::channel(1);
    let mut session = session(None);
    let now = Clock::start().now();
    for seq in [1, 2] {
        let ask = QueryAsk::over(seq, "up", None, now);
        assert!(matches!(session.carry(Effect::AskQuery(ask)), Carried::Done));
    }
    let first = loop {
        if let Event::Result(Msg::QueryAnswered { seq, result }) = session.next(&mut inputs).await {
            break (seq, result.unwrap_err().words);
        }
    };
    assert_eq!(first, (2, "no metrics backend is configured".to_owned()));
}
