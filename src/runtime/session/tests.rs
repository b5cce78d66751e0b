use chrono::DateTime;

use super::*;
use crate::app::{Draft, DraftKind};
use crate::backend::incidents::Seen;
use crate::config::{Environment, decode_text};
use crate::domain::incident::{IncidentAct, Status as Stand};
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
