//! A scripted backend, and a console before it under paused time.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::TimeDelta;

use super::*;
use crate::backend::annotations::AnnotationDraft;
use crate::backend::incidents::Seen;
use crate::domain::alert::Fingerprint;
use crate::domain::alert::ack::Marker;
use crate::domain::incident::{IncidentAct, IncidentId, Status};
use crate::journal::{Opening, audit};
use crate::outbox::post::{Delivered, Found};
use crate::outbox::{Decision, Draft, Extension, Payload, Purpose};

mod lanes;
mod leases;
mod renewals;
mod sending;

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
