use std::sync::Mutex;

use futures::future::BoxFuture;

use super::super::AlertmanagerStatus;
use super::*;
use crate::backend::{BackendResult, ErrorKind};
use crate::domain::alert::AlertSnapshot;
use crate::domain::alert::plan::{LeftOut, PlannedAck};

/// What a stand-in does with the next write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Well,
    /// Nothing is sent.
    Refuses,
    /// The write arrives, its answer is lost.
    Forgets,
    /// The write is lost, and nobody knows.
    Swallows,
    /// The server answers 400.
    Rejects,
}

/// The silences of one gossip cluster, shared by its members.
#[derive(Default)]
struct Store(Mutex<Vec<Silence>>);

struct Member {
    name: Arc<str>,
    mood: Mood,
    lists: bool,
    store: Arc<Store>,
    writes: Mutex<usize>,
}

fn error(delivery: Delivery, status: Option<u16>) -> BackendError {
    BackendError {
        kind: ErrorKind::TimedOut,
        backend: "alertmanager x".into(),
        tried: "POST /api/v2/silences".into(),
        detail: "trouble".into(),
        mend: String::new(),
        status,
        retry_after: None,
        delivery,
    }
}

impl Member {
    fn put(&self, draft: SilenceDraft) -> BackendResult<Arc<str>> {
        *self.writes.lock().unwrap() += 1;
        let arrives = |draft: SilenceDraft| {
            let mut all = self.store.0.lock().unwrap();
            if let Some(known) = all.iter_mut().find(|s| draft.id.as_ref() == Some(&s.id)) {
                known.ends_at = draft.ends_at;
                return Arc::clone(&known.id);
            }
            let id: Arc<str> = format!("id-{}", all.len()).into();
            all.push(Silence {
                id: Arc::clone(&id),
                state: SilenceState::Active,
                matchers: draft.matchers,
                created_by: draft.created_by.into(),
                comment: draft.comment.into(),
                starts_at: draft.starts_at,
                ends_at: draft.ends_at,
                updated_at: draft.starts_at,
            });
            id
        };
        match self.mood {
            Mood::Well => Ok(arrives(draft)),
            Mood::Refuses => Err(error(Delivery::NotSent, None)),
            Mood::Forgets => {
                arrives(draft);
                Err(error(Delivery::Unknown, None))
            }
            Mood::Swallows => Err(error(Delivery::Unknown, None)),
            Mood::Rejects => Err(error(Delivery::Answered, Some(400))),
        }
    }

    fn list(&self) -> BackendResult<Vec<Silence>> {
        if self.lists {
            Ok(self.store.0.lock().unwrap().clone())
        } else {
            Err(error(Delivery::Unknown, None))
        }
    }
}

impl Alerts for Member {
    fn name(&self) -> &Arc<str> {
        &self.name
    }
    fn snapshot(&self) -> BoxFuture<'_, BackendResult<AlertSnapshot>> {
        Box::pin(async { Ok(AlertSnapshot::default()) })
    }
    fn silences(&self) -> BoxFuture<'_, BackendResult<Vec<Silence>>> {
        Box::pin(async { self.list() })
    }
    fn put_silence(&self, draft: SilenceDraft) -> BoxFuture<'_, BackendResult<Arc<str>>> {
        Box::pin(async move { self.put(draft) })
    }
    fn expire_silence(&self, id: Arc<str>) -> BoxFuture<'_, BackendResult<()>> {
        Box::pin(async move {
            *self.writes.lock().unwrap() += 1;
            if self.mood != Mood::Well {
                return Err(error(Delivery::NotSent, None));
            }
            for silence in self.store.0.lock().unwrap().iter_mut().filter(|s| s.id == id) {
                silence.state = SilenceState::Expired;
            }
            Ok(())
        })
    }
    fn status(&self) -> BoxFuture<'_, BackendResult<AlertmanagerStatus>> {
        Box::pin(async { Err(error(Delivery::NotSent, None)) })
    }
}

struct World {
    cluster: Cluster,
    members: Vec<Arc<Member>>,
    store: Arc<Store>,
}

fn world(moods: &[(Mood, bool)]) -> World {
    let store = Arc::new(Store::default());
    let members: Vec<Arc<Member>> = moods
        .iter()
        .enumerate()
        .map(|(i, (mood, lists))| {
            Arc::new(Member {
                name: format!("eu-{i}").into(),
                mood: *mood,
                lists: *lists,
                store: Arc::clone(&store),
                writes: Mutex::default(),
            })
        })
        .collect();
    let cluster = Cluster {
        name: "eu".into(),
        members: members.iter().map(|m| Arc::clone(m) as Arc<dyn Alerts>).collect(),
    };
    World {
        cluster,
        members,
        store,
    }
}

fn order() -> Order {
    Order {
        identity: "jun".into(),
        text: "looking".into(),
        at: "2026-11-20T03:14:07Z".parse().expect("a time"),
        length: Duration::from_secs(900),
    }
}

fn silence_in(world: &World) -> ActOutcome {
    let matchers = [matcher::parse("alertname=A").expect("reads")];
    futures::executor::block_on(make(&matchers, std::slice::from_ref(&world.cluster), &order()))
}

fn writes(world: &World) -> Vec<usize> {
    world.members.iter().map(|m| *m.writes.lock().unwrap()).collect()
}

fn made(world: &World) -> usize {
    world
        .store
        .0
        .lock()
        .unwrap()
        .iter()
        .filter(|s| s.state == SilenceState::Active)
        .count()
}

#[test]
fn one_member_of_a_cluster_is_written_to() {
    let world = world(&[(Mood::Well, true), (Mood::Well, true)]);
    let outcome = silence_in(&world);
    assert_eq!(outcome.state, ActState::Confirmed);
    assert_eq!(outcome.remote_ids, [("eu-0".into(), "id-0".into())]);
    assert_eq!(outcome.message, "silenced until 2026-11-20 03:29Z");
    assert_eq!((writes(&world), made(&world)), (vec![1, 0], 1));
    let comment = world.store.0.lock().unwrap()[0].comment.clone();
    assert!(
        comment.starts_with("looking [mw:") && Marker::of(&comment).is_some(),
        "{comment}"
    );
}

#[test]
fn the_next_member_is_written_to_where_nothing_was_sent() {
    let world = world(&[(Mood::Refuses, true), (Mood::Well, true)]);
    let outcome = silence_in(&world);
    assert_eq!(
        (outcome.state, writes(&world), made(&world)),
        (ActState::Confirmed, vec![1, 1], 1)
    );
}

#[test]
fn a_lost_answer_is_found_by_its_marker_and_not_repeated() {
    let world = world(&[(Mood::Forgets, true), (Mood::Well, true)]);
    let outcome = silence_in(&world);
    assert_eq!(
        (outcome.state, writes(&world), made(&world)),
        (ActState::Confirmed, vec![1, 0], 1)
    );
    assert!(outcome.message.contains("found by its marker"));
    assert_eq!(outcome.remote_ids.len(), 1);
}

#[test]
fn a_lost_write_is_tried_at_the_next_member_only_after_a_look() {
    let seen = world(&[(Mood::Swallows, true), (Mood::Well, true)]);
    assert_eq!(
        (silence_in(&seen).state, writes(&seen), made(&seen)),
        (ActState::Confirmed, vec![1, 1], 1)
    );
    let elsewhere = world(&[(Mood::Forgets, false), (Mood::Well, true)]);
    assert_eq!(
        (silence_in(&elsewhere).state, writes(&elsewhere)),
        (ActState::Confirmed, vec![1, 0])
    );
    let blind = world(&[(Mood::Swallows, false), (Mood::Well, false)]);
    let outcome = silence_in(&blind);
    assert_eq!((outcome.state, writes(&blind)), (ActState::Pending, vec![1, 0]));
    assert!(outcome.message.contains("not known"), "{}", outcome.message);
}

#[test]
fn a_lost_write_that_is_not_listed_may_still_land() {
    for moods in [
        &[(Mood::Swallows, true)] as &[_],
        &[(Mood::Swallows, true), (Mood::Refuses, true)],
        &[(Mood::Swallows, true), (Mood::Rejects, true)],
    ] {
        let world = world(moods);
        let outcome = silence_in(&world);
        assert_eq!(outcome.state, ActState::Pending, "{moods:?}");
        assert!(outcome.message.contains("not known"), "{}", outcome.message);
    }
}

#[test]
fn what_has_expired_is_not_extended_into_a_new_one() {
    let world = world(&[(Mood::Well, true), (Mood::Well, true)]);
    silence_in(&world);
    let silence = world.store.0.lock().unwrap()[0].clone();
    let until = silence.ends_at + TimeDelta::hours(1);
    let extended = || futures::executor::block_on(extend(&silence, "eu-1", &world.cluster, until));
    world.store.0.lock().unwrap()[0].state = SilenceState::Expired;
    let outcome = extended();
    assert_eq!((outcome.state, writes(&world)), (ActState::Failed, vec![1, 0]));
    assert!(outcome.message.contains("has expired"), "{}", outcome.message);
    world.store.0.lock().unwrap().clear();
    let outcome = extended();
    assert_eq!((outcome.state, writes(&world)), (ActState::Failed, vec![1, 0]));
    assert!(
        outcome.message.contains("does not list it"),
        "{}",
        outcome.message
    );
}

#[test]
fn a_refusal_is_final_and_nobody_else_is_asked() {
    let world = world(&[(Mood::Rejects, true), (Mood::Well, true)]);
    let outcome = silence_in(&world);
    assert_eq!((outcome.state, writes(&world)), (ActState::Failed, vec![1, 0]));
}

#[test]
fn all_down_is_a_failure_that_names_each() {
    let world = world(&[(Mood::Refuses, true), (Mood::Refuses, true)]);
    let outcome = silence_in(&world);
    assert_eq!(outcome.state, ActState::Failed);
    assert_eq!(outcome.message.matches("trouble").count(), 2);
}

#[test]
fn what_cannot_be_read_back_is_pending_with_its_id() {
    let world = world(&[(Mood::Well, false)]);
    let outcome = silence_in(&world);
    assert_eq!((outcome.state, outcome.remote_ids.len()), (ActState::Pending, 1));
}

#[test]
fn an_acknowledgement_is_one_result_an_alert_and_a_lease_a_silence() {
    let eu = world(&[(Mood::Well, true)]);
    let mut us = world(&[(Mood::Refuses, true)]);
    us.cluster.name = "us".into();
    let occurrence = |n| Occurrence {
        fingerprint: Fingerprint(n),
        starts_at: order().at,
    };
    let planned = |cluster: &str, covers: &[u64]| PlannedAck {
        cluster: cluster.into(),
        matchers: vec![matcher::parse("alertname=A").expect("reads")],
        covers: covers.iter().map(|n| occurrence(*n)).collect(),
    };
    let plan = AckPlan {
        silences: vec![planned("eu", &[1, 2]), planned("us", &[2]), planned("gone", &[3])],
        left_out: vec![(occurrence(4), LeftOut::Gone)],
    };
    let done = futures::executor::block_on(acknowledge(
        &plan,
        &[eu.cluster.clone(), us.cluster.clone()],
        &order(),
    ));
    let states: Vec<ActState> = done.outcomes.iter().map(|o| o.state).collect();
    assert_eq!(
        states,
        [
            ActState::Confirmed,
            ActState::Failed,
            ActState::Failed,
            ActState::Failed
        ]
    );
    assert_eq!(done.outcomes[0].message, "acknowledged until 03:29Z");
    assert_eq!(
        done.outcomes[1].remote_ids.len(),
        1,
        "what was done is said though another cluster failed"
    );
    assert!(
        done.outcomes[2].message.contains("cluster gone") && done.outcomes[3].message == "is listed no more"
    );
    assert_eq!((done.leases.len(), done.leases[0].covers.len()), (1, 2));
    let comment = eu.store.0.lock().unwrap()[0].comment.clone();
    assert!(
        comment.starts_with("ACK! jun@midwatch 2026-11-20T03:14Z: looking [mw:"),
        "{comment}"
    );
}

#[test]
fn a_silence_is_extended_in_place_and_expired_at_the_next_member() {
    let world = world(&[(Mood::Well, true), (Mood::Well, true)]);
    silence_in(&world);
    let silence = world.store.0.lock().unwrap()[0].clone();
    let until = silence.ends_at + TimeDelta::hours(1);
    let outcome = futures::executor::block_on(extend(&silence, "eu-1", &world.cluster, until));
    assert_eq!((outcome.state, writes(&world)), (ActState::Confirmed, vec![1, 1]));
    assert_eq!(world.store.0.lock().unwrap()[0].ends_at, until);
    assert_eq!(made(&world), 1);

    let targets = [(Arc::from("eu-1"), world.cluster.clone(), silence.id)];
    let outcome = futures::executor::block_on(expire(&targets));
    assert_eq!(
        (outcome[0].state, made(&world), outcome[0].message.as_str()),
        (ActState::Confirmed, 0, "expired")
    );
}

#[test]
fn markers_are_not_alike() {
    let many: std::collections::HashSet<Marker> = (0..1_000).map(|_| fresh_marker()).collect();
    assert_eq!(many.len(), 1_000);
}
