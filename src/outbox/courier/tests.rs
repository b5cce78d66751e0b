use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::backend::annotations::AnnotationDraft;
use crate::backend::incidents::Seen;
use crate::domain::alert::Fingerprint;
use crate::domain::alert::ack::Marker;
use crate::domain::incident::{IncidentAct, IncidentId, Status};
use crate::journal::{Opening, audit};
use crate::outbox::post::{Delivered, Found};
use crate::outbox::{Decision, Draft, Extension, Payload, Purpose};

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It arrives, its answer is lost.
    AnswerLost,
    /// It does not arrive, and nobody knows.
    Lost,
    /// It never comes back.
    Hangs,
    Refused(u16),
}

/// Which acts something happens to.
type Which = fn(&Payload) -> bool;

/// A backend that keeps what it is sent.
#[derive(Default)]
struct Script {
    fates: Mutex<VecDeque<Fate>>,
    down: AtomicBool,
    /// What has arrived, and how often.
    kept: Mutex<HashMap<Marker, usize>>,
    /// Entries in the order of their arrival.
    order: Mutex<Vec<EntryId>>,
    changed: AtomicBool,
    /// What is answered 403, again and again.
    refusing: Mutex<Option<Which>>,
    /// What never comes back.
    hanging: Mutex<Option<Which>>,
    /// How much longer than [`TOTAL`] a request may take.
    patience: Mutex<Duration>,
}

impl Script {
    fn arrives(&self, entry: &Entry) {
        *self.kept.lock().unwrap().entry(entry.marker.clone()).or_default() += 1;
        self.order.lock().unwrap().push(entry.id);
    }

    fn order(&self) -> Vec<EntryId> {
        self.order.lock().unwrap().clone()
    }

    fn refuse(&self, what: Which) {
        *self.refusing.lock().unwrap() = Some(what);
    }

    fn hang(&self, what: Which) {
        *self.hanging.lock().unwrap() = Some(what);
    }

    fn doom(&self, fates: &[Fate]) {
        self.fates.lock().unwrap().extend(fates);
    }
}

fn trouble(delivery: Delivery, status: Option<u16>) -> BackendError {
    BackendError {
        kind: if status.is_some() {
            ErrorKind::Rejected
        } else {
            ErrorKind::Unreachable
        },
        backend: "incidents".into(),
        tried: "PUT".to_owned(),
        detail: "trouble".to_owned(),
        mend: String::new(),
        status,
        retry_after: None,
        delivery,
    }
}

const TOTAL: Duration = Duration::from_secs(10);

impl Post for Script {
    fn total_timeout(&self, _: &Payload) -> Duration {
        TOTAL + *self.patience.lock().unwrap()
    }

    fn send(&self, entry: Arc<Entry>) -> BoxFuture<'_, BackendResult<Delivered>> {
        Box::pin(async move {
            if self.down.load(Ordering::SeqCst) {
                return Err(trouble(Delivery::NotSent, None));
            }
            let refused = self
                .refusing
                .lock()
                .unwrap()
                .is_some_and(|what| what(&entry.payload));
            if refused {
                return Err(trouble(Delivery::Answered, Some(403)));
            }
            let hangs = self
                .hanging
                .lock()
                .unwrap()
                .is_some_and(|what| what(&entry.payload));
            if hangs {
                return std::future::pending().await;
            }
            let fate = self.fates.lock().unwrap().pop_front();
            match fate {
                None => {
                    self.arrives(&entry);
                    Ok(Delivered::default())
                }
                Some(Fate::AnswerLost) => {
                    self.arrives(&entry);
                    Err(trouble(Delivery::Unknown, None))
                }
                Some(Fate::Lost) => Err(trouble(Delivery::Unknown, None)),
                Some(Fate::Hangs) => std::future::pending().await,
                Some(Fate::Refused(status)) => Err(trouble(Delivery::Answered, Some(status))),
            }
        })
    }

    fn look_back(&self, entry: Arc<Entry>, _: DateTime<Utc>) -> BoxFuture<'_, BackendResult<Found>> {
        Box::pin(async move {
            if self.down.load(Ordering::SeqCst) {
                return Err(trouble(Delivery::NotSent, None));
            }
            if self.kept.lock().unwrap().contains_key(&entry.marker) {
                return Ok(Found::Done(Delivered::default()));
            }
            if self.changed.load(Ordering::SeqCst) {
                return Ok(Found::Changed("mara has it".to_owned()));
            }
            Ok(Found::Absent)
        })
    }
}

fn act(incident: &str, act: IncidentAct) -> Draft {
    let payload = Payload::Incident {
        incident: IncidentId::from(incident),
        act,
        seen: Seen {
            status: Status::Triggered,
            changed_at: DateTime::UNIX_EPOCH,
            escalation: None,
        },
        label: incident.into(),
    };
    Draft::new(payload, Duration::ZERO)
}

fn note(incident: &str) -> Draft {
    act(
        incident,
        IncidentAct::Note {
            text: "looking".to_owned(),
        },
    )
}

fn acknowledge(incident: &str) -> Draft {
    act(incident, IncidentAct::Acknowledge)
}

fn escalate(incident: &str) -> Draft {
    act(incident, IncidentAct::Escalate { to: 2 })
}

fn author() -> Author {
    Author {
        context: "prod".into(),
        actor: "jun".into(),
    }
}

fn opening(directory: &tempfile::TempDir) -> Opening {
    Opening {
        path: directory.path().join("midwatch.db"),
        group: None,
    }
}

/// A console's outbox under paused time that moves only when it is told to.
struct Scene {
    journal: Journal,
    post: Arc<Script>,
    clock: Clock,
    handle: CourierHandle,
    tasks: tokio::task::JoinSet<()>,
    /// While its receiver waits on a thread of the runtime, time stands still by itself.
    _still: std::sync::mpsc::Sender<()>,
    directory: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (still, held) = std::sync::mpsc::channel::<()>();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn_blocking(move || {
            let _ = held.recv();
        });
        let journal = Journal::open(&opening(&directory)).unwrap();
        let clock = Clock::with_tokio(DateTime::from_timestamp(1_790_000_000, 0).unwrap());
        let post = Arc::new(Script::default());
        let (courier, handle) = Courier::new(Setup {
            journal: journal.clone(),
            post: Arc::clone(&post),
            clock,
            author: author(),
            timings: Timings::default(),
        });
        tasks.spawn(courier.run());
        Self {
            journal,
            post,
            clock,
            handle,
            tasks,
            _still: still,
            directory,
        }
    }

    /// The process dies, and another takes its place: nothing is handed back.
    async fn restart(&mut self) {
        self.tasks.abort_all();
        self.quiet().await;
        self.journal = Journal::open(&opening(&self.directory)).unwrap();
        let (courier, handle) = Courier::new(Setup {
            journal: self.journal.clone(),
            post: Arc::clone(&self.post),
            clock: self.clock,
            author: author(),
            timings: Timings::default(),
        });
        self.handle = handle;
        self.tasks.spawn(courier.run());
        self.quiet().await;
    }

    async fn add(&self, drafts: Vec<Draft>) -> Vec<EntryId> {
        let now = self.clock.stamp();
        let ids = self
            .journal
            .write(move |tx| outbox::insert(tx, &author(), &drafts, &now))
            .await
            .unwrap();
        self.quiet().await;
        ids
    }

    /// Everything that can happen at this moment has.
    async fn quiet(&self) {
        for _ in 0..12 {
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
            self.journal.read(|_| Ok(())).await.unwrap();
        }
    }

    async fn pass(&self, seconds: u64) {
        for _ in 0..seconds {
            tokio::time::advance(Duration::from_secs(1)).await;
            self.quiet().await;
        }
    }

    async fn leap(&self, by: Duration) {
        tokio::time::advance(by).await;
        self.quiet().await;
    }

    fn entry(&self, id: EntryId) -> Entry {
        self.handle.view().borrow().entry(id).cloned().unwrap()
    }

    fn state(&self, id: EntryId) -> State {
        self.entry(id).state
    }

    fn now(&self) -> Taking {
        Taking {
            actor: "jun".into(),
            now: self.clock.stamp(),
        }
    }

    async fn decide(&self, id: EntryId, decision: Decision) -> Result<Entry, decide::Undecided> {
        let at = self.now();
        let decided = self
            .journal
            .write(move |tx| outbox::decide(tx, id, decision, &at));
        decided.await.unwrap()
    }

    async fn cancel(&self, id: EntryId) -> Result<Entry, decide::Undecided> {
        let at = self.now();
        self.journal
            .write(move |tx| outbox::cancel(tx, id, &at))
            .await
            .unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_journaled_is_sent_and_shown_as_confirmed() {
    let scene = Scene::new();
    let ids = scene.add(vec![note("Q1"), acknowledge("Q2")]).await;
    assert!(ids.iter().all(|id| scene.state(*id) == State::Confirmed));
    assert_eq!(scene.post.order().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_acts_are_journaled_in_one_transaction_and_each_is_sent_once() {
    let scene = Scene::new();
    let changes = scene.journal.changes();
    let acts: Vec<Vec<Draft>> = (0..100)
        .map(|number| vec![acknowledge(&format!("Q{number}"))])
        .collect();
    let now = scene.clock.stamp();
    scene.handle.rest().await;
    let rested = *changes.borrow();
    let journaled = scene
        .journal
        .write(move |tx| outbox::insert_all(tx, &author(), &acts, &now));
    let ids = journaled.await.unwrap();
    assert_eq!(*changes.borrow(), rested + 1, "one commit, one fsync");
    let shape: Vec<usize> = ids.iter().map(Vec::len).collect();
    assert_eq!(shape, [1; 100]);
    let ids = ids.concat();
    assert!(ids.is_sorted(), "in the order they were asked for");
    scene.handle.resume().await;
    for _ in 0..30 {
        scene.quiet().await;
    }
    let mut order = scene.post.order();
    order.sort_unstable();
    assert_eq!(order, ids);
}

#[tokio::test(start_paused = true)]
async fn acts_that_cannot_all_be_kept_are_none_of_them_kept() {
    let scene = Scene::new();
    let twin = acknowledge("Q2");
    let acts = vec![vec![acknowledge("Q1")], vec![twin.clone(), twin]];
    let now = scene.clock.stamp();
    let journaled = scene
        .journal
        .write(move |tx| outbox::insert_all(tx, &author(), &acts, &now));
    assert!(journaled.await.is_err(), "one marker is two entries' here");
    scene.quiet().await;
    assert!(scene.post.order().is_empty());
    assert_eq!(
        scene.journal.read(|tx| outbox::open(tx, "prod")).await.unwrap(),
        []
    );
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_found_again_and_nothing_is_sent_twice() {
    let scene = Scene::new();
    scene.post.doom(&[Fate::AnswerLost]);
    let ids = scene.add(vec![note("Q1")]).await;
    assert_eq!(scene.state(ids[0]), State::Sending);
    scene.pass(2).await;
    assert_eq!(scene.state(ids[0]), State::Confirmed);
    assert_eq!(scene.post.order(), ids);
}

#[tokio::test(start_paused = true)]
async fn a_note_that_two_looks_missed_is_sent_again_once() {
    let scene = Scene::new();
    scene.post.doom(&[Fate::Lost]);
    let ids = scene.add(vec![note("Q1")]).await;
    scene.pass(30).await;
    assert_eq!(
        (scene.state(ids[0]), scene.post.order().len()),
        (State::Sending, 0)
    );
    scene.pass(3).await;
    assert_eq!(scene.state(ids[0]), State::Confirmed);
    assert_eq!(scene.post.order(), ids);
}

#[tokio::test(start_paused = true)]
async fn an_escalation_that_is_lost_asks_and_later_notes_pass_it() {
    let scene = Scene::new();
    scene.post.doom(&[Fate::Lost]);
    let ids = scene.add(vec![escalate("Q1"), note("Q1")]).await;
    scene.pass(2).await;
    assert!(
        scene.post.order().is_empty(),
        "order is kept while it is looked for"
    );
    scene.pass(30).await;
    assert_eq!(scene.state(ids[0]), State::NeedsDecision);
    assert_eq!(scene.state(ids[1]), State::Confirmed);
    scene.pass(600).await;
    assert_eq!(scene.post.order(), ids[1..]);
    scene.decide(ids[0], Decision::Send).await.unwrap();
    scene.pass(2).await;
    assert_eq!(scene.state(ids[0]), State::Confirmed);
    assert_eq!(scene.post.order(), [ids[1], ids[0]]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_hangs_is_cut_off_and_looked_for() {
    let scene = Scene::new();
    scene.post.doom(&[Fate::Hangs]);
    let ids = scene.add(vec![acknowledge("Q1")]).await;
    scene.pass(9).await;
    assert_eq!(scene.state(ids[0]), State::Sending);
    scene.pass(3).await;
    assert_eq!(scene.state(ids[0]), State::Confirmed);
    assert_eq!(scene.entry(ids[0]).attempts, 2);
    assert_eq!(scene.post.order(), ids);
}

#[tokio::test(start_paused = true)]
async fn after_an_hour_without_a_backend_notes_go_out_in_order_and_the_rest_asks() {
    let scene = Scene::new();
    scene.post.down.store(true, Ordering::SeqCst);
    let ids = scene
        .add(vec![
            note("Q1"),
            acknowledge("Q1"),
            note("Q1"),
            note("Q2"),
            escalate("Q2"),
            note("Q2"),
        ])
        .await;
    for _ in 0..60 {
        scene.leap(Duration::from_secs(60)).await;
    }
    assert!(scene.post.order().is_empty());
    let waiting = [0, 2, 3, 5].map(|i| scene.state(ids[i]));
    assert_eq!(waiting, [State::Pending; 4], "network trouble ends nothing");
    scene.post.down.store(false, Ordering::SeqCst);
    scene.pass(65).await;
    assert_eq!(scene.state(ids[1]), State::NeedsDecision);
    assert_eq!(scene.state(ids[4]), State::NeedsDecision);
    let order = scene.post.order();
    assert_eq!(order.len(), 4);
    let place = |i: usize| order.iter().position(|id| *id == ids[i]).unwrap();
    assert!(place(0) < place(2) && place(3) < place(5), "{order:?}");
}

#[tokio::test(start_paused = true)]
async fn a_conflict_that_came_up_while_it_waited_asks() {
    let scene = Scene::new();
    scene.post.down.store(true, Ordering::SeqCst);
    let ids = scene.add(vec![acknowledge("Q1")]).await;
    scene.pass(100).await;
    scene.post.changed.store(true, Ordering::SeqCst);
    scene.post.down.store(false, Ordering::SeqCst);
    scene.pass(65).await;
    assert_eq!(scene.state(ids[0]), State::NeedsDecision);
    assert_eq!(scene.entry(ids[0]).last_error.as_deref(), Some("mara has it"));
    assert!(scene.post.order().is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_lane_that_is_stuck_holds_up_no_other() {
    let scene = Scene::new();
    scene.post.doom(&[Fate::Refused(401)]);
    let ids = scene.add(vec![note("Q1")]).await;
    let later = scene.add(vec![note("Q1"), note("Q2"), note("Q3")]).await;
    assert_eq!(scene.state(ids[0]), State::Pending);
    assert_eq!(
        scene.state(later[0]),
        State::Pending,
        "order is kept within an incident"
    );
    assert_eq!(scene.post.order(), later[1..]);
    scene.pass(3).await;
    assert_eq!(scene.post.order(), [later[1], later[2], ids[0], later[0]]);
}

fn is_note(payload: &Payload) -> bool {
    matches!(
        payload,
        Payload::Incident {
            act: IncidentAct::Note { .. },
            ..
        }
    )
}

fn is_silence(payload: &Payload) -> bool {
    matches!(payload, Payload::Silence { .. })
}

#[tokio::test(start_paused = true)]
async fn what_wakes_people_passes_a_note_that_is_refused_again_and_again() {
    let scene = Scene::new();
    scene.post.refuse(is_note);
    let stuck = scene.add(vec![note("Q1")]).await;
    let urgent = scene
        .add(vec![acknowledge("Q1"), escalate("Q1"), note("Q1")])
        .await;
    scene.pass(1).await;
    assert_eq!(scene.state(stuck[0]), State::Pending);
    assert_eq!(scene.state(urgent[0]), State::Confirmed);
    assert_eq!(scene.state(urgent[1]), State::Confirmed);
    assert_eq!(scene.state(urgent[2]), State::Pending, "notes keep their order");
    assert_eq!(scene.post.order(), urgent[..2], "and so do acts that wake people");
}

#[tokio::test(start_paused = true)]
async fn an_act_behind_one_that_is_stuck_asks_when_it_is_late() {
    let scene = Scene::new();
    let is_snooze = |payload: &Payload| {
        matches!(
            payload,
            Payload::Incident {
                act: IncidentAct::Snooze { .. },
                ..
            }
        )
    };
    scene.post.refuse(is_snooze);
    let length = Duration::from_secs(4 * 3_600);
    let snooze = act("Q1", IncidentAct::Snooze { length });
    let ids = scene.add(vec![snooze, escalate("Q1")]).await;
    scene.decide(ids[0], Decision::Send).await.unwrap();
    scene.pass(60).await;
    assert_eq!(scene.state(ids[1]), State::Pending, "order is kept");
    for _ in 0..10 {
        scene.leap(Duration::from_secs(60)).await;
    }
    scene.pass(35).await;
    assert_eq!(scene.state(ids[0]), State::Pending);
    assert_eq!(scene.state(ids[1]), State::NeedsDecision);
    assert!(scene.post.order().is_empty());
}

fn silence(cluster: &str) -> Draft {
    let starts_at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
    let payload = Payload::Silence {
        cluster: cluster.into(),
        members: Vec::new(),
        matchers: Vec::new(),
        starts_at,
        ends_at: starts_at + TimeDelta::hours(1),
        comment: "deploy".to_owned(),
        purpose: Purpose::Silence,
    };
    Draft::new(payload, Duration::ZERO)
}

fn mark() -> Draft {
    let draft = AnnotationDraft {
        at: DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
        until: None,
        text: "rollback".to_owned(),
        tags: Vec::new(),
    };
    Draft::new(Payload::Annotation(draft), Duration::ZERO)
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_hangs_takes_no_place_from_another_s_acts() {
    let scene = Scene::new();
    scene.post.hang(is_note);
    let hanging: Vec<Draft> = (0..8).map(|number| note(&format!("Q{number}"))).collect();
    scene.add(hanging).await;
    let others = scene.add(vec![silence("eu"), mark()]).await;
    let arrived: BTreeSet<EntryId> = scene.post.order().into_iter().collect();
    assert_eq!(arrived, others.into_iter().collect());
}

#[tokio::test(start_paused = true)]
async fn what_wakes_people_goes_first_and_finds_a_place_among_notes_that_hang() {
    let scene = Scene::new();
    scene.post.hang(is_note);
    let mut drafts: Vec<Draft> = (0..8).map(|number| note(&format!("Q{number}"))).collect();
    drafts.extend([escalate("Q8"), acknowledge("Q9")]);
    let ids = scene.add(drafts).await;
    assert_eq!(scene.post.order(), ids[8..]);
    let later = scene.add(vec![acknowledge("Q10")]).await;
    assert_eq!(scene.post.order().last(), later.last());
}

fn renewal(id: &str) -> Draft {
    let payload = Payload::ExtendSilence {
        cluster: "eu".into(),
        members: Vec::new(),
        id: id.into(),
        until: DateTime::from_timestamp(1_790_003_600, 0).unwrap(),
        why: Extension::Renewal,
    };
    Draft::new(payload, Duration::ZERO)
}

fn is_renewal(payload: &Payload) -> bool {
    payload.is_renewal()
}

fn hand_back(id: &str) -> Draft {
    let payload = Payload::ExpireSilence {
        cluster: "eu".into(),
        members: Vec::new(),
        id: id.into(),
        hands_back: vec![Fingerprint(7)],
    };
    Draft::new(payload, Duration::ZERO)
}

impl Scene {
    async fn renew(&self, id: &str) -> Option<EntryId> {
        let (now, draft) = (self.clock.stamp(), renewal(id));
        let renewed = self
            .journal
            .write(move |tx| outbox::renew(tx, &author(), &[draft], &now));
        let ids = renewed.await.unwrap();
        self.quiet().await;
        ids[0]
    }

    async fn stored(&self, id: EntryId) -> State {
        let loaded = self.journal.read(move |tx| outbox::load(tx, id)).await.unwrap();
        loaded.unwrap().entry.state
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_is_told_in_the_audit_log_and_is_no_news_while_it_goes_well() {
    let scene = Scene::new();
    let id = scene.renew("s1").await.unwrap();
    assert_eq!(scene.post.order(), [id]);
    assert_eq!(scene.stored(id).await, State::Confirmed);
    let lines = scene
        .journal
        .read(|tx| audit::lines_after(tx, 0, 10))
        .await
        .unwrap();
    let told: Vec<(String, String)> = lines
        .iter()
        .map(|(_, line)| serde_json::from_str::<audit::Line>(line).unwrap())
        .map(|line| (line.action, line.result))
        .collect();
    let renew = |result: &str| ("renew".to_owned(), result.to_owned());
    assert_eq!(told, [renew("journaled"), renew("confirmed")]);
    assert_eq!(scene.handle.view().borrow().entries, []);
    scene.post.refuse(is_renewal);
    let failing = scene.renew("s2").await.unwrap();
    assert_eq!(scene.state(failing), State::Pending, "trouble is shown");
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_is_renewed_once_at_a_time_and_not_when_its_end_was_asked_for() {
    let scene = Scene::new();
    scene.post.down.store(true, Ordering::SeqCst);
    let first = scene.renew("s1").await;
    assert!(first.is_some());
    assert_eq!(scene.renew("s1").await, first);
    scene.add(vec![hand_back("s2")]).await;
    assert_eq!(
        scene.renew("s2").await,
        None,
        "what is handed back is not revived"
    );
}

#[tokio::test(start_paused = true)]
async fn a_hand_back_waits_for_a_renewal_that_may_still_arrive_and_for_none_that_never_left() {
    let scene = Scene::new();
    scene.post.hang(is_renewal);
    scene.renew("s1").await;
    let waits = scene.add(vec![hand_back("s1")]).await;
    scene.pass(3).await;
    assert_eq!(scene.state(waits[0]), State::Pending, "it would be undone");
    scene.post.refuse(is_renewal);
    scene.renew("s2").await;
    let passes = scene.add(vec![hand_back("s2")]).await;
    scene.pass(1).await;
    assert_eq!(scene.state(passes[0]), State::Confirmed);
}

#[tokio::test(start_paused = true)]
async fn more_acts_than_a_view_lists_are_waited_for_to_the_end() {
    let scene = Scene::new();
    scene.post.hang(is_silence);
    let mut drafts: Vec<Draft> = (0..260).map(|number| note(&format!("Q{number}"))).collect();
    drafts.push(silence("eu"));
    let ids = scene.add(drafts).await;
    for _ in 0..120 {
        scene.quiet().await;
    }
    assert_eq!(scene.post.order().len(), 260);
    let (sent, hanging) = ids.split_at(260);
    let waited = |ids: Vec<EntryId>| {
        let handle = scene.handle.clone();
        async move {
            tokio::select! {
                biased;
                () = handle.settled(&ids) => true,
                () = std::future::ready(()) => false,
            }
        }
    };
    assert!(waited(sent.to_vec()).await, "all of them are settled");
    assert!(!waited(hanging.to_vec()).await);
    let unknown = EntryId(hanging[0].0 + 1);
    assert!(
        !waited(vec![unknown]).await,
        "one that the view knows nothing of yet"
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_drops_what_is_under_way_however_long_its_backend_may_take() {
    let scene = Scene::new();
    *scene.post.patience.lock().unwrap() = Duration::from_secs(30);
    scene.post.hang(is_note);
    let ids = scene.add(vec![note("Q1")]).await;
    scene.pass(25).await;
    assert_eq!(
        scene.decide(ids[0], Decision::Drop).await.unwrap_err(),
        decide::Undecided::UnderWay,
        "the first 15 s are over, the request is not"
    );
    scene.pass(20).await;
    assert!(scene.decide(ids[0], Decision::Drop).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_request_is_not_begun_unless_its_lease_covers_all_of_it() {
    let scene = Scene::new();
    scene.handle.rest().await;
    let ids = scene.add(vec![note("Q1")]).await;
    let id = ids[0];
    let mut record = scene
        .journal
        .read(move |tx| outbox::load(tx, id))
        .await
        .unwrap()
        .unwrap();
    let holder = Holder { pid: 1, token: 1 };
    let desk = Desk {
        setup: Setup {
            journal: scene.journal.clone(),
            post: Arc::clone(&scene.post),
            clock: scene.clock,
            author: author(),
            timings: Timings::default(),
        },
        holder,
    };
    record.hold = Some(Hold::from(holder, &scene.clock.stamp(), Duration::from_secs(9)));
    let answer = desk.send(&record).await;
    assert_eq!(answer.unwrap_err().delivery, Delivery::NotSent);
    assert!(scene.post.order().is_empty());
    record.hold = Some(Hold::from(holder, &scene.clock.stamp(), TOTAL));
    assert!(desk.send(&record).await.is_ok());
    assert_eq!(scene.post.order(), ids);
}

#[tokio::test(start_paused = true)]
async fn who_takes_over_from_a_dead_process_waits_out_its_lease_and_its_request() {
    let mut scene = Scene::new();
    scene.post.doom(&[Fate::Hangs]);
    let ids = scene.add(vec![note("Q1")]).await;
    scene.pass(1).await;
    scene.restart().await;
    assert_eq!(scene.state(ids[0]), State::Sending);
    // It arrives late, after its process has died.
    let entry = scene.entry(ids[0]);
    scene.pass(22).await;
    scene.post.arrives(&entry);
    assert_eq!(
        scene.state(ids[0]),
        State::Sending,
        "15 s of lease and 10 s of request are not over"
    );
    scene.pass(5).await;
    assert_eq!(scene.state(ids[0]), State::Confirmed);
    assert_eq!(scene.post.order(), ids);
}

#[tokio::test(start_paused = true)]
async fn what_was_only_journaled_when_the_process_died_is_sent_once_by_the_next() {
    let mut scene = Scene::new();
    scene.tasks.abort_all();
    let now = scene.clock.stamp();
    let drafts = vec![note("Q1"), acknowledge("Q2")];
    scene
        .journal
        .write(move |tx| outbox::insert(tx, &author(), &drafts, &now))
        .await
        .unwrap();
    scene.restart().await;
    scene.pass(1).await;
    assert_eq!(scene.post.order().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn before_it_stops_it_hands_back_what_it_holds() {
    let scene = Scene::new();
    scene.post.doom(&[Fate::Hangs]);
    let ids = scene.add(vec![note("Q1"), note("Q2")]).await;
    let resting = {
        let handle = scene.handle.clone();
        async move { handle.rest().await }
    };
    let ((), ()) = futures::join!(resting, scene.pass(2));
    let id = ids[0];
    let left = scene
        .journal
        .read(move |tx| outbox::load(tx, id))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((left.hold, left.entry.state), (None, State::Sending));
    scene.add(vec![note("Q3")]).await;
    scene.pass(60).await;
    assert_eq!(scene.post.order(), [ids[1]], "nothing is sent while it rests");
    scene.handle.resume().await;
    scene.pass(35).await;
    assert_eq!(scene.post.order().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_back_in_its_grace_time_is_never_sent() {
    let scene = Scene::new();
    let grace = Duration::from_secs(5);
    let ids = scene
        .add(vec![
            Draft { grace, ..note("Q1") },
            Draft { grace, ..note("Q1") },
            acknowledge("Q1"),
        ])
        .await;
    assert_eq!(scene.post.order(), ids[2..], "an acknowledgement goes at once");
    scene.pass(4).await;
    let undone = scene.cancel(ids[0]).await;
    assert_eq!(undone.unwrap().state, State::Cancelled);
    scene.pass(2).await;
    assert_eq!(scene.post.order(), [ids[2], ids[1]]);
    assert!(scene.cancel(ids[1]).await.is_err(), "it has gone out");
    assert_eq!(scene.state(ids[0]), State::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_silence_that_comes_too_late_is_dropped_and_said() {
    let scene = Scene::new();
    scene.post.down.store(true, Ordering::SeqCst);
    let starts_at = scene.clock.now().utc;
    let payload = Payload::Silence {
        cluster: "eu".into(),
        members: Vec::new(),
        matchers: Vec::new(),
        starts_at,
        ends_at: starts_at + TimeDelta::minutes(2),
        comment: "deploy".to_owned(),
        purpose: Purpose::Silence,
    };
    let ids = scene.add(vec![Draft::new(payload, Duration::ZERO)]).await;
    scene.pass(200).await;
    assert_eq!(scene.state(ids[0]), State::Cancelled);
    assert!(
        scene
            .entry(ids[0])
            .outcome
            .contains("passed before it could be delivered")
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_sends_what_another_identity_made() {
    let scene = Scene::new();
    let now = scene.clock.stamp();
    let mara = Author {
        actor: "mara".into(),
        ..author()
    };
    let drafts = vec![note("Q1")];
    let theirs = scene
        .journal
        .write(move |tx| outbox::insert(tx, &mara, &drafts, &now))
        .await
        .unwrap();
    let ours = scene.add(vec![note("Q1")]).await;
    scene.pass(60).await;
    assert_eq!(
        scene.post.order(),
        ours,
        "and what they left open holds up nothing of ours"
    );
    assert_eq!(scene.state(theirs[0]), State::Pending);
    let dropped = scene.decide(theirs[0], Decision::Drop).await;
    assert_eq!(dropped, Err(decide::Undecided::NotOurs));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_consoles_on_one_journal_send_each_of_two_hundred_acts_once() {
    let directory = tempfile::tempdir().unwrap();
    let post = Arc::new(Script::default());
    let clock = Clock::start();
    let timings = Timings {
        first_look: Duration::from_millis(20),
        poll: Duration::from_millis(50),
        ..Timings::default()
    };
    // The answers to the first twenty requests are lost, after these have arrived.
    post.doom(&[Fate::AnswerLost; 20]);
    let mut tasks = tokio::task::JoinSet::new();
    let mut consoles = Vec::new();
    for _ in 0..2 {
        let journal = Journal::open(&opening(&directory)).unwrap();
        let (courier, handle) = Courier::new(Setup {
            journal: journal.clone(),
            post: Arc::clone(&post),
            clock,
            author: author(),
            timings,
        });
        tasks.spawn(courier.run());
        consoles.push((journal, handle));
    }
    let acting = consoles
        .iter()
        .enumerate()
        .map(|(console, (journal, _))| async move {
            let mut ids = Vec::new();
            for i in 0..100 {
                let draft = match i % 3 {
                    0 => acknowledge(&format!("Q{}", i % 10)),
                    1 => note(&format!("Q{}", i % 10)),
                    _ => note(&format!("R{console}{}", i % 5)),
                };
                let now = clock.stamp();
                let made = journal.write(move |tx| outbox::insert(tx, &author(), &[draft], &now));
                ids.extend(made.await.unwrap());
            }
            ids
        });
    let ids: Vec<EntryId> = futures::future::join_all(acting).await.concat();
    let waited = tokio::time::timeout(Duration::from_secs(120), async {
        for (_, handle) in &consoles {
            handle.settled(&ids).await;
        }
    });
    waited.await.expect("all of them settle");
    assert_eq!(ids.len(), 200);
    let kept = post.kept.lock().unwrap();
    assert_eq!(kept.len(), 200, "none is lost");
    assert!(kept.values().all(|times| *times == 1), "none is doubled");
    let confirmed = consoles[0].1.view();
    let confirmed = confirmed.borrow();
    let all = ids
        .iter()
        .all(|id| confirmed.entry(*id).unwrap().state == State::Confirmed);
    assert!(all);
}
