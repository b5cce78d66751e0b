use std::sync::Mutex;

use futures::future::BoxFuture;

use super::super::AlertmanagerStatus;
use super::*;
use crate::domain::alert::{AlertSnapshot, matcher};
use crate::outbox::decide::{Trouble, trouble};

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
    /// Its name in the gossip and its peers', where it tells.
    gossip: Option<(&'static str, &'static [&'static str])>,
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
        Box::pin(async move {
            let Some((name, peers)) = self.gossip.filter(|_| self.lists) else {
                return Err(error(Delivery::NotSent, None));
            };
            Ok(AlertmanagerStatus {
                version: "0.34.0".to_owned(),
                cluster_status: "ready".to_owned(),
                name: Some(name.to_owned()),
                peers: peers.iter().map(ToString::to_string).collect(),
            })
        })
    }
}

struct World {
    all: Vec<Arc<dyn Alerts>>,
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
                gossip: None,
            })
        })
        .collect();
    let all = members.iter().map(|m| Arc::clone(m) as Arc<dyn Alerts>).collect();
    World { all, members, store }
}

fn marker() -> Marker {
    Marker::from_bits(7)
}

fn draft() -> SilenceDraft {
    let at: DateTime<Utc> = "2026-11-20T03:14:07Z".parse().expect("a time");
    SilenceDraft {
        id: None,
        matchers: vec![matcher::parse("alertname=A").expect("reads")],
        starts_at: at,
        ends_at: at + TimeDelta::hours(2),
        created_by: "jun".into(),
        comment: marker().mark("looking"),
    }
}

fn silence_in(world: &World) -> BackendResult<Delivered> {
    futures::executor::block_on(make(&world.all, draft(), &marker()))
}

fn found_in(world: &World) -> BackendResult<Found> {
    let known: Vec<Arc<str>> = world.all.iter().map(|member| Arc::clone(member.name())).collect();
    futures::executor::block_on(find(&world.all, "eu", &known, &marker()))
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
    let made_there = silence_in(&world).unwrap();
    assert_eq!(made_there.remote_ids, [("eu-0".into(), "id-0".into())]);
    assert_eq!((writes(&world), made(&world)), (vec![1, 0], 1));
}

#[test]
fn the_next_member_is_written_to_where_nothing_was_sent() {
    let world = world(&[(Mood::Refuses, true), (Mood::Well, true)]);
    assert!(silence_in(&world).is_ok());
    assert_eq!((writes(&world), made(&world)), (vec![1, 1], 1));
}

#[test]
fn a_lost_answer_ends_the_write_and_the_marker_tells_what_became_of_it() {
    // (the members, whether it is found; nothing where nobody answers)
    let cases = [
        ([(Mood::Forgets, true), (Mood::Well, true)], Some(true)),
        ([(Mood::Swallows, true), (Mood::Well, true)], Some(false)),
        ([(Mood::Forgets, false), (Mood::Well, true)], Some(true)),
        ([(Mood::Swallows, false), (Mood::Well, false)], None),
    ];
    for (moods, there) in cases {
        let world = world(&moods);
        let error = silence_in(&world).unwrap_err();
        assert_eq!(trouble(&error), Trouble::Lost, "{moods:?}");
        assert_eq!(writes(&world), [1, 0], "{moods:?}: nobody else is written to");
        let found = found_in(&world);
        match there {
            Some(true) => assert!(
                matches!(&found, Ok(Found::Done(done)) if done.words.contains("found by its marker")),
                "{moods:?} {found:?}"
            ),
            Some(false) => assert_eq!(found.unwrap(), Found::Absent, "{moods:?}"),
            None => assert!(found.is_err(), "{moods:?}"),
        }
    }
}

#[test]
fn one_that_a_silent_member_may_have_is_not_said_to_be_absent() {
    let world = world(&[(Mood::Swallows, false), (Mood::Well, true)]);
    silence_in(&world).unwrap_err();
    let found = found_in(&world).unwrap();
    assert!(
        matches!(&found, Found::Unasked(why) if why.contains("eu-0 cannot be asked")),
        "{found:?}"
    );
}

/// A member of its own store, as its gossip knows it.
fn member(name: &str, lists: bool, gossip: (&'static str, &'static [&'static str])) -> Arc<dyn Alerts> {
    Arc::new(Member {
        name: name.into(),
        mood: Mood::Well,
        lists,
        store: Arc::default(),
        writes: Mutex::default(),
        gossip: Some(gossip),
    })
}

#[test]
fn whoever_is_in_the_cluster_when_it_is_looked_for_is_asked() {
    let two = ["one", "two"].as_slice();
    let find = |all: &[Arc<dyn Alerts>], known: &[&str]| {
        let known: Vec<Arc<str>> = known.iter().map(|&name| name.into()).collect();
        futures::executor::block_on(find(all, "eu", &known, &marker())).unwrap()
    };
    let first = || member("eu-0", true, ("one", &["one", "two"]));
    // One that joined since, and has heard of it; another cluster's is none of it.
    let joined = member("eu-1", true, ("two", two));
    let elsewhere = member("us-0", true, ("three", &["three"]));
    futures::executor::block_on(joined.put_silence(draft())).unwrap();
    futures::executor::block_on(elsewhere.put_silence(draft())).unwrap();
    let found = find(&[first(), joined, Arc::clone(&elsewhere)], &["eu-0"]);
    assert!(
        matches!(&found, Found::Done(done) if &*done.remote_ids[0].0 == "eu-1"),
        "{found:?}"
    );
    assert_eq!(find(&[first(), elsewhere], &["eu-0"]), Found::Absent);
    // One that the configuration names no more: it may have it, unless all of the cluster have answered.
    let gone = find(&[first()], &["eu-0", "eu-1"]);
    assert!(
        matches!(&gone, Found::Unasked(why) if why.contains("eu-1 cannot be asked")),
        "{gone:?}"
    );
    let second = member("eu-2", true, ("two", two));
    assert_eq!(find(&[first(), second], &["eu-0", "eu-1"]), Found::Absent);
}

#[test]
fn what_one_member_knows_to_be_expired_is_not_revived_by_way_of_another() {
    // The second has not heard of the end yet.
    let (stale, told) = (world(&[(Mood::Well, true)]), world(&[(Mood::Well, true)]));
    for world in [&stale, &told] {
        silence_in(world).unwrap();
    }
    told.store.0.lock().unwrap()[0].state = SilenceState::Expired;
    let members = [Arc::clone(&stale.all[0]), Arc::clone(&told.all[0])];
    let until = draft().ends_at + TimeDelta::hours(1);
    let error = futures::executor::block_on(extend(&members, &"id-0".into(), until)).unwrap_err();
    assert_eq!(trouble(&error), Trouble::Refused);
    assert!(error.to_string().contains("has expired"), "{error}");
    assert_eq!(
        (writes(&stale), writes(&told)),
        (vec![1], vec![1]),
        "nothing but the two that were made"
    );
}

#[test]
fn one_that_a_member_does_not_list_yet_is_extended_where_it_is_listed() {
    let (empty, holds) = (world(&[(Mood::Well, true)]), world(&[(Mood::Well, true)]));
    silence_in(&holds).unwrap();
    let members = [Arc::clone(&empty.all[0]), Arc::clone(&holds.all[0])];
    let until = draft().ends_at + TimeDelta::hours(1);
    assert!(futures::executor::block_on(extend(&members, &"id-0".into(), until)).is_ok());
    assert_eq!((writes(&empty), writes(&holds)), (vec![0], vec![2]));
}

#[test]
fn what_has_expired_is_not_extended_into_a_new_one() {
    let world = world(&[(Mood::Well, true), (Mood::Well, true)]);
    silence_in(&world).unwrap();
    let until = draft().ends_at + TimeDelta::hours(1);
    let extended = || futures::executor::block_on(extend(&world.all, &"id-0".into(), until)).unwrap_err();
    world.store.0.lock().unwrap()[0].state = SilenceState::Expired;
    let error = extended();
    assert_eq!((trouble(&error), writes(&world)), (Trouble::Refused, vec![1, 0]));
    assert!(error.to_string().contains("has expired"), "{error}");
    world.store.0.lock().unwrap().clear();
    let error = extended();
    assert_eq!((trouble(&error), writes(&world)), (Trouble::Refused, vec![1, 0]));
    assert!(error.to_string().contains("not listed"), "{error}");
}

#[test]
fn a_refusal_is_final_and_nobody_else_is_asked() {
    let world = world(&[(Mood::Rejects, true), (Mood::Well, true)]);
    let error = silence_in(&world).unwrap_err();
    assert_eq!((trouble(&error), writes(&world)), (Trouble::Refused, vec![1, 0]));
}

#[test]
fn all_down_is_a_failure_that_names_each_and_was_never_sent() {
    let world = world(&[(Mood::Refuses, true), (Mood::Refuses, true)]);
    let error = silence_in(&world).unwrap_err();
    assert_eq!(error.delivery, Delivery::NotSent);
    assert_eq!(error.to_string().matches("trouble").count(), 2, "{error}");
}

#[test]
fn what_cannot_be_read_back_is_looked_for() {
    let world = world(&[(Mood::Well, false)]);
    let error = silence_in(&world).unwrap_err();
    assert_eq!((trouble(&error), made(&world)), (Trouble::Lost, 1));
}

#[test]
fn a_silence_is_extended_in_place_and_expired() {
    let world = world(&[(Mood::Well, true), (Mood::Well, true)]);
    silence_in(&world).unwrap();
    let id: Arc<str> = "id-0".into();
    let until = draft().ends_at + TimeDelta::hours(1);
    let absent = futures::executor::block_on(find_extended(&world.all, &id, until)).unwrap();
    assert_eq!(absent, Found::Absent);
    let extended = futures::executor::block_on(extend(&world.all, &id, until)).unwrap();
    assert_eq!(extended.remote_ids, [("eu-0".into(), Arc::clone(&id))]);
    assert_eq!(world.store.0.lock().unwrap()[0].ends_at, until);
    let found = futures::executor::block_on(find_extended(&world.all, &id, until)).unwrap();
    assert!(matches!(found, Found::Done(_)), "{found:?}");
    for _ in 0..2 {
        assert!(futures::executor::block_on(expire(&world.all, &id)).is_ok());
        assert_eq!(made(&world), 0);
    }
    let found = futures::executor::block_on(find_expired(&world.all, &id, "ended")).unwrap();
    assert!(matches!(found, Found::Done(done) if done.words == "ended"));
}

#[test]
fn markers_are_not_alike() {
    let many: std::collections::HashSet<Marker> = (0..1_000).map(|_| fresh_marker()).collect();
    assert_eq!(many.len(), 1_000);
}
