use std::sync::Mutex;

use futures::future::ready;

use super::*;
use crate::app::feed::{Fetched, Status as Attempt};
use crate::backend::incidents::{Directory, IncidentOrder, LookBack, Over, Question, Receipt, Seen};
use crate::backend::{BackendError, Delivery, ErrorKind};
use crate::domain::alert::desk::{Arrangement, Desk, sample as alerts};
use crate::domain::incident::link::Link;
use crate::domain::incident::sample::{incident, triggered};
use crate::domain::incident::{ActingAs, Ladder, Listing, Offer, Status, Verb};
use crate::domain::oncall::Roster;
use crate::domain::timeline::{Event, Timeline};

const NAME: &str = "incidents";

/// A keeper that is asked for nothing but the alerts of its incidents.
struct Keeper {
    name: Arc<str>,
    told: Mutex<Result<Vec<IncidentAlert>, ErrorKind>>,
    asked: Mutex<Vec<IncidentId>>,
    slow: bool,
}

impl Keeper {
    fn error(&self, kind: ErrorKind) -> BackendError {
        BackendError {
            kind,
            backend: Arc::clone(&self.name),
            tried: "GET /incidents/Q1/alerts".to_owned(),
            detail: "no".to_owned(),
            mend: String::new(),
            status: None,
            retry_after: None,
            delivery: Delivery::Answered,
        }
    }

    fn never<T: Send + 'static>(&self) -> BoxFuture<'_, BackendResult<T>> {
        Box::pin(ready(Err(self.error(ErrorKind::Rejected))))
    }
}

impl Incidents for Keeper {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn total_timeout(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn no_sooner_than(&self) -> Duration {
        Duration::from_secs(if self.slow { 60 } else { 0 })
    }

    fn acting_as(&self) -> BoxFuture<'_, BackendResult<ActingAs>> {
        self.never()
    }

    fn list(&self, _: Question) -> BoxFuture<'_, BackendResult<Listing>> {
        self.never()
    }

    fn incident(&self, _: IncidentId) -> BoxFuture<'_, BackendResult<Option<Incident>>> {
        self.never()
    }

    fn alerts(&self, id: IncidentId) -> BoxFuture<'_, BackendResult<Vec<IncidentAlert>>> {
        self.asked.lock().unwrap().push(id);
        let told = self.told.lock().unwrap().clone();
        Box::pin(ready(told.map_err(|kind| self.error(kind))))
    }

    fn story(&self, _: IncidentId) -> BoxFuture<'_, BackendResult<Timeline>> {
        self.never()
    }

    fn story_since(&self, _: DateTime<Utc>) -> BoxFuture<'_, BackendResult<Vec<(IncidentId, Event)>>> {
        self.never()
    }

    fn on_call(&self, _: DateTime<Utc>, _: DateTime<Utc>) -> BoxFuture<'_, BackendResult<Roster>> {
        self.never()
    }

    fn ladder(&self, _: IncidentId) -> BoxFuture<'_, BackendResult<Ladder>> {
        self.never()
    }

    fn directory(&self) -> BoxFuture<'_, BackendResult<Directory>> {
        self.never()
    }

    fn offers(&self, _: &Incident, _: Verb) -> Offer {
        Offer::No("nothing is done here".into())
    }

    fn send(&self, _: IncidentOrder) -> BoxFuture<'_, BackendResult<Receipt>> {
        self.never()
    }

    fn look_back(
        &self,
        _: IncidentOrder,
        _: DateTime<Utc>,
        _: Seen,
    ) -> BoxFuture<'_, BackendResult<LookBack>> {
        self.never()
    }
}

/// A linker between a keeper and an alert of checkout, and what came of it.
struct Bench {
    keeper: Arc<Keeper>,
    linker: Linker,
    board: watch::Sender<Feed<IncidentBoard>>,
    links: watch::Receiver<Arc<Links>>,
    fingerprint: Fingerprint,
    heard: HashMap<IncidentId, Heard>,
}

const LABELS: [(&str, &str); 2] = [("alertname", "HighErrorRate"), ("service", "checkout")];

impl Bench {
    fn new(told: Result<Vec<IncidentAlert>, ErrorKind>, slow: bool) -> Self {
        let keeper = Arc::new(Keeper {
            name: NAME.into(),
            told: Mutex::new(told),
            asked: Mutex::default(),
            slow,
        });
        let alert = alerts::source_alert(&LABELS);
        let fingerprint = alert.occurrence.fingerprint;
        let inputs = alerts::inputs(vec![alert]);
        let arranged = Desk::new().arrange(&inputs, &Arrangement::default(), alerts::now());
        let (board, board_in) = watch::channel(Feed::new(Duration::from_secs(20)));
        let (_, alerts) = watch::channel(Arc::new(arranged));
        let (out, links) = watch::channel(Arc::default());
        Self {
            linker: Linker {
                keepers: vec![Arc::clone(&keeper) as Arc<dyn Incidents>],
                services: Vec::new(),
                board: board_in,
                alerts,
                sources: Vec::new(),
                out,
                clock: Clock::start(),
            },
            keeper,
            board,
            links,
            fingerprint,
            heard: HashMap::new(),
        }
    }

    fn list(&self, incidents: Vec<Incident>) {
        let board = IncidentBoard {
            incidents: incidents.into_iter().map(Arc::new).collect(),
            ..IncidentBoard::default()
        };
        self.board.send_replace(Feed {
            last: Some(Fetched {
                value: Arc::new(board),
                at: Tick::ZERO,
            }),
            status: Attempt::Idle,
            interval: Duration::from_secs(20),
        });
    }

    /// One round: what is due is asked and heard, then all is linked. The links of the alert.
    async fn round(&mut self, now: Tick) -> Vec<(IncidentId, Link)> {
        if let Next::Asks(asking) = self.linker.ask(&self.heard, now) {
            let (id, stand, told) = asking.await;
            self.linker.hear(&mut self.heard, (id, stand), told);
        }
        self.linker.link(&mut self.heard);
        self.links.borrow().of_alert(self.fingerprint).to_vec()
    }

    fn asked(&self) -> Vec<IncidentId> {
        std::mem::take(&mut self.keeper.asked.lock().unwrap())
    }
}

fn told(details: &[(&str, &str)]) -> IncidentAlert {
    IncidentAlert {
        id: "A1".into(),
        key: None,
        title: "HighErrorRate".into(),
        severity: None,
        created_at: alerts::utc(),
        resolved: Over::No,
        details: details.iter().map(|&(n, v)| (n.into(), v.into())).collect(),
    }
}

fn open(id: &str) -> Incident {
    Incident {
        alert_count: 1,
        ..triggered(id)
    }
}

#[tokio::test]
async fn an_incident_is_asked_for_its_alerts_once_and_again_when_it_changed() {
    let mut bench = Bench::new(Ok(vec![told(&LABELS)]), false);
    let now = bench.linker.clock.tick();
    assert!(bench.round(now).await.is_empty(), "nothing is listed yet");
    bench.list(vec![
        open("Q1"),
        incident("Q2", Status::Resolved),
        open("local-3"),
    ]);
    assert_eq!(bench.round(now).await, [(IncidentId::from("Q1"), Link::Body)]);
    assert_eq!(
        bench.asked(),
        [IncidentId::from("Q1")],
        "what is over, or kept here, is not asked for"
    );
    bench.round(now).await;
    assert!(bench.asked().is_empty());
    let mut grown = open("Q1");
    grown.alert_count = 2;
    bench.list(vec![grown]);
    bench.round(now).await;
    assert_eq!(bench.asked(), [IncidentId::from("Q1")]);
    bench.list(Vec::new());
    assert!(bench.round(now).await.is_empty());
    assert!(bench.heard.is_empty(), "what is listed no more is forgotten");
}

#[tokio::test]
async fn an_incident_whose_alerts_cannot_be_had_is_left_alone_for_a_while_and_keeps_its_links() {
    let mut bench = Bench::new(Ok(vec![told(&LABELS)]), false);
    let now = bench.linker.clock.tick();
    bench.list(vec![open("Q1")]);
    bench.round(now).await;
    *bench.keeper.told.lock().unwrap() = Err(ErrorKind::ServerFault);
    let mut grown = open("Q1");
    grown.alert_count = 2;
    bench.list(vec![grown]);
    bench.asked();
    assert_eq!(bench.round(now).await.len(), 1, "what was known stays");
    assert_eq!(bench.asked().len(), 1);
    bench.round(now).await;
    assert!(bench.asked().is_empty(), "not at once again");
    bench.round(now + AGAIN * 2).await;
    assert_eq!(bench.asked().len(), 1);
}

#[tokio::test]
async fn an_allowance_that_runs_low_is_left_to_what_people_ask_for() {
    let mut bench = Bench::new(Ok(vec![told(&LABELS)]), true);
    let now = bench.linker.clock.tick();
    let mut keyed = open("Q1");
    keyed.alert_keys = vec![bench.fingerprint.to_string().into()];
    bench.list(vec![keyed]);
    assert_eq!(bench.round(now).await, [(IncidentId::from("Q1"), Link::Key)]);
    assert!(bench.asked().is_empty());
}

#[tokio::test]
async fn where_there_is_nothing_to_ask_it_sleeps_until_something_changes() {
    let mut bench = Bench::new(Ok(vec![told(&LABELS)]), false);
    let now = bench.linker.clock.tick();
    assert!(
        matches!(bench.linker.ask(&bench.heard, now), Next::Change),
        "nothing is listed"
    );
    bench.list(vec![open("Q1")]);
    assert!(matches!(bench.linker.ask(&bench.heard, now), Next::Asks(_)));
    bench.round(now).await;
    assert!(
        matches!(bench.linker.ask(&bench.heard, now), Next::Change),
        "all is known"
    );
    *bench.keeper.told.lock().unwrap() = Err(ErrorKind::ServerFault);
    bench.list(vec![open("Q2")]);
    bench.round(now).await;
    let Next::At(at) = bench.linker.ask(&bench.heard, now) else {
        panic!("what failed is asked for again");
    };
    assert!(at >= now + AGAIN);
    let scarce = Bench::new(Ok(Vec::new()), true);
    scarce.list(vec![open("Q1")]);
    let Next::At(at) = scarce.linker.ask(&scarce.heard, now) else {
        panic!("its allowance may have grown by then");
    };
    assert_eq!(at, now + Duration::from_secs(60));
}

#[tokio::test]
async fn a_group_of_alertmanagers_own_links_by_the_key_that_it_gave_pagerduty() {
    let mut bench = Bench::new(Ok(Vec::new()), false);
    let now = bench.linker.clock.tick();
    let group = alerts::labels(&[("alertname", "HighErrorRate")]);
    let mut snapshot = alerts::snapshot("am", Vec::new(), Vec::new());
    snapshot.groups = vec![crate::domain::alert::SourceGroup {
        key: group.clone(),
        receiver: "pager".into(),
        members: vec![bench.fingerprint],
    }];
    let (_, source) = watch::channel(Feed {
        last: Some(Fetched {
            value: Arc::new(snapshot),
            at: Tick::ZERO,
        }),
        status: Attempt::Idle,
        interval: Duration::from_secs(5),
    });
    bench.linker.sources = vec![source];
    let mut keyed = open("Q1");
    keyed.alert_keys = vec![group_key(&group)];
    bench.list(vec![keyed]);
    assert_eq!(bench.round(now).await, [(IncidentId::from("Q1"), Link::Key)]);
}
