//! What needs the journal, or incidents: the keepers of incidents, timelines, who is on call, drafts, the recording
//! of what the boards show and of what is counted of incidents, the watch over local incidents.
//!
//! [`Doors`] are the slots and questions that the session holds; [`run`] starts the tasks behind them once the
//! journal is open, and without one where it cannot be: then everything but acts works.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::audit_forward::Forwarder;
use super::poller::{HealthLine, Poller};
use super::warden::{Warden, Watching};
use crate::app::feed::{Feed, Status};
use crate::app::incidents::IncidentBoard;
use crate::app::{BackendHealth, Msg};
use crate::backend::Backends;
use crate::backend::http::Wires;
use crate::backend::incidents::local::Local;
use crate::backend::incidents::{Incidents, Question};
use crate::config::{Config, Context};
use crate::domain::alert::AlertBoard;
use crate::domain::incident::{ActingAs, IncidentId};
use crate::domain::oncall::Roster;
use crate::domain::slo::SloBoard;
use crate::journal::Journal;
use crate::outbox::OutboxView;
use crate::time::Clock;

mod board;
mod chronicle;
pub(super) mod drafts;
mod figures;
mod recorder;

use chronicle::{Chronicle, Followed};

/// How often who is on call is asked; their keeper answers from its own memory within a minute.
const ROSTER: Duration = Duration::from_secs(60);
/// Who follows is looked for that far ahead.
const AHEAD: TimeDelta = TimeDelta::days(7);
/// How often who we act as is asked again where it was not told.
const ACTING_AS: Duration = Duration::from_secs(60);

/// What the session holds of it.
pub(super) struct Doors {
    pub question: watch::Sender<Question>,
    pub follow: watch::Sender<Option<IncidentId>>,
    pub incidents: watch::Receiver<Feed<IncidentBoard>>,
    pub timeline: watch::Receiver<Followed>,
    pub roster: watch::Receiver<Feed<Roster>>,
    /// Everybody who keeps incidents, once the journal is open or known not to be.
    pub keepers: watch::Receiver<Option<Keepers>>,
    /// Wakes everything that asks.
    pub wake: Arc<Notify>,
}

/// Everybody who keeps incidents of the context.
#[derive(Clone, Default)]
pub(super) struct Keepers {
    all: Vec<Arc<dyn Incidents>>,
    pub local: Option<Local>,
}

impl Keepers {
    /// Who keeps this one.
    pub fn of(&self, id: &IncidentId) -> Option<Arc<dyn Incidents>> {
        let local = |keeper: &&Arc<dyn Incidents>| {
            id.is_local() == (**keeper.name() == *crate::domain::incident::local::SOURCE)
        };
        self.all.iter().find(local).cloned()
    }

    /// The one that people are picked from: the configured one, else the local.
    pub fn first(&self) -> Option<Arc<dyn Incidents>> {
        self.all.first().cloned()
    }
}

/// The far side of the doors, and what the tasks look at.
pub(super) struct Behind {
    pub config: Arc<Config>,
    pub context: Arc<Context>,
    pub clock: Clock,
    pub results: mpsc::Sender<Msg>,
    pub alerts: watch::Receiver<Arc<AlertBoard>>,
    pub slos: watch::Receiver<Feed<SloBoard>>,
    pub outbox: watch::Receiver<Arc<OutboxView>>,
    pub health: watch::Sender<Vec<BackendHealth>>,
    question: watch::Receiver<Question>,
    follow: watch::Receiver<Option<IncidentId>>,
    incidents: watch::Sender<Feed<IncidentBoard>>,
    timeline: watch::Sender<Followed>,
    roster: watch::Sender<Feed<Roster>>,
    keepers: watch::Sender<Option<Keepers>>,
    wake: Arc<Notify>,
}

/// What [`doors`] is made of, beside the channels that it makes.
pub(super) struct Frame {
    pub config: Arc<Config>,
    pub context: Arc<Context>,
    pub clock: Clock,
    pub results: mpsc::Sender<Msg>,
    pub alerts: watch::Receiver<Arc<AlertBoard>>,
    pub slos: watch::Receiver<Feed<SloBoard>>,
    pub outbox: watch::Receiver<Arc<OutboxView>>,
    pub health: watch::Sender<Vec<BackendHealth>>,
}

/// Both sides, nothing running yet.
pub(super) fn doors(frame: Frame) -> (Doors, Behind) {
    let poll = frame
        .context
        .incidents
        .as_ref()
        .map_or(Duration::from_secs(20), crate::config::SignalConfig::poll);
    let whose = frame
        .context
        .incidents
        .as_ref()
        .map(crate::config::SignalConfig::whose);
    let (question_out, question) = watch::channel(Question {
        whose: whose.unwrap_or_default(),
        ended_since: None,
    });
    let (follow_out, follow) = watch::channel(None);
    let (incidents_out, incidents) = watch::channel(Feed::new(poll));
    let (timeline_out, timeline) = watch::channel(None);
    let (roster_out, roster) = watch::channel(Feed::new(ROSTER));
    let (keepers_out, keepers) = watch::channel(None);
    let wake = Arc::new(Notify::new());
    let doors = Doors {
        question: question_out,
        follow: follow_out,
        incidents,
        timeline,
        roster,
        keepers,
        wake: Arc::clone(&wake),
    };
    let behind = Behind {
        config: frame.config,
        context: frame.context,
        clock: frame.clock,
        results: frame.results,
        alerts: frame.alerts,
        slos: frame.slos,
        outbox: frame.outbox,
        health: frame.health,
        question,
        follow,
        incidents: incidents_out,
        timeline: timeline_out,
        roster: roster_out,
        keepers: keepers_out,
        wake,
    };
    (doors, behind)
}

/// The local keeper, where there is a journal for it.
pub(super) fn local(journal: &Journal, config: &Config, context: &Context, clock: Clock) -> Local {
    Local::new(journal.clone(), config, context, clock)
}

/// Starts everything behind the doors and sees to it for ever. A task that dies of a defect takes this one along.
pub(super) async fn run(behind: Behind, backends: Arc<Backends>, local: Option<(Journal, Local)>) {
    let mut tasks = JoinSet::new();
    let (journal, local) = local.unzip();
    let keepers = Keepers {
        all: backends
            .incidents
            .iter()
            .cloned()
            .chain(
                local
                    .iter()
                    .map(|local| Arc::new(local.clone()) as Arc<dyn Incidents>),
            )
            .collect(),
        local: local.clone(),
    };
    behind.keepers.send_replace(Some(keepers.clone()));

    let remarks = local.as_ref().map_or_else(Vec::new, Local::remarks);
    let (acting_out, acting_as) = watch::channel(None);
    let stir = Arc::new(Notify::new());
    let mut wakes = Vec::new();
    let mut told = Vec::new();
    for keeper in &keepers.all {
        let interval = behind.incidents.borrow().interval;
        let (out, listing) = watch::channel(Feed::new(interval));
        let poller = Poller {
            out,
            health: line(&backends, keeper.name(), &behind.health),
            wake: Arc::new(Notify::new()),
            stir: Arc::clone(&stir),
            clock: behind.clock,
        };
        wakes.push(Arc::clone(&poller.wake));
        told.push(board::Told {
            name: Arc::clone(keeper.name()),
            listing,
        });
        let (keeper, question) = (Arc::clone(keeper), behind.question.clone());
        tasks.spawn(async move {
            poller
                .run(|| {
                    let asked = question.borrow().clone();
                    keeper.list(asked)
                })
                .await;
        });
    }
    if keepers.all.is_empty() {
        // There is nobody to wait for: an empty list that is known.
        stir.notify_one();
    }
    tasks.spawn(board::gather(
        told,
        acting_as.clone(),
        remarks,
        behind.incidents.clone(),
        Arc::clone(&stir),
    ));
    if let Some(keeper) = &backends.incidents {
        tasks.spawn(who_we_are(Arc::clone(keeper), acting_out, Arc::clone(&stir)));
    }
    if let Some(keeper) = keepers.first() {
        tasks.spawn(duties(keeper, behind.roster.clone(), behind.clock));
    }
    if let Some(marks) = &backends.annotations {
        // Its light: nobody else asks it while no timeline is open.
        if let Some(light) = line(&backends, marks.name(), &behind.health) {
            tasks.spawn(light_of(Arc::clone(marks), light, behind.clock));
        }
    }
    let chronicle_wake = Arc::new(Notify::new());
    let chronicle = Chronicle {
        context: Arc::from(behind.context.name.as_str()),
        journal: journal.clone(),
        keepers: keepers.all.clone(),
        annotations: backends.annotations.clone(),
        identity: Arc::from(behind.config.identity.as_str()),
        acting_as,
        followed: behind.follow.clone(),
        board: behind.incidents.subscribe(),
        outbox: behind.outbox.clone(),
        alerts: behind.alerts.clone(),
        out: behind.timeline.clone(),
        wake: Arc::clone(&chronicle_wake),
        clock: behind.clock,
    };
    tasks.spawn(chronicle.run());
    wakes.push(chronicle_wake);
    tasks.spawn(asked_again(
        behind.question.clone(),
        behind.outbox.clone(),
        Arc::clone(&behind.wake),
        wakes,
    ));
    if let Some(journal) = journal {
        with_journal(&mut tasks, &behind, journal, local);
    }
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }
    // A task that ends is looked after like a dead one: this one lives as long as its session.
    std::future::pending::<()>().await;
}

fn with_journal(tasks: &mut JoinSet<()>, behind: &Behind, journal: Journal, local: Option<Local>) {
    let context: Arc<str> = Arc::from(behind.context.name.as_str());
    tasks.spawn(recorder::record(
        journal.clone(),
        Arc::clone(&context),
        behind.alerts.clone(),
        behind.slos.clone(),
        behind.clock,
    ));
    tasks.spawn(figures::keep(
        journal.clone(),
        Arc::clone(&context),
        behind.incidents.subscribe(),
    ));
    if let Some(to) = &behind.config.audit_forward {
        let forwarder = Forwarder::new(journal.clone(), to, &Wires::default(), behind.clock);
        tasks.spawn(async move { forwarder.run().await });
    }
    if let Some(local) = local
        && !behind.config.read_only
    {
        let courier = local.courier(Arc::new(Wires::default()));
        let warden = Warden::new(
            journal,
            Arc::clone(local.house()),
            courier,
            behind.clock,
            behind.alerts.clone(),
        );
        let (said, _) = watch::channel(Watching::Nothing);
        // Dropping the task lets the watch go; it is free for others within a minute.
        tasks.spawn(warden.run(CancellationToken::new(), said));
    }
}

fn line(backends: &Backends, name: &str, health: &watch::Sender<Vec<BackendHealth>>) -> Option<HealthLine> {
    let index = backends
        .clients
        .iter()
        .position(|counted| *counted.name == *name)?;
    Some(HealthLine {
        health: health.clone(),
        index,
        client: backends
            .clients
            .get(index)
            .map(|counted| Arc::clone(&counted.client)),
    })
}

/// Asks who the keeper takes us for until it tells.
async fn who_we_are(keeper: Arc<dyn Incidents>, out: watch::Sender<Option<ActingAs>>, stir: Arc<Notify>) {
    loop {
        if let Ok(acting_as) = keeper.acting_as().await {
            out.send_replace(Some(acting_as));
            stir.notify_one();
            return;
        }
        tokio::time::sleep(ACTING_AS).await;
    }
}

/// Asks who is on call, for ever.
async fn duties(keeper: Arc<dyn Incidents>, out: watch::Sender<Feed<Roster>>, clock: Clock) {
    let poller = Poller {
        out,
        health: None,
        wake: Arc::new(Notify::new()),
        stir: Arc::new(Notify::new()),
        clock,
    };
    poller
        .run(|| {
            let now = clock.now().utc;
            keeper.on_call(now, now + AHEAD)
        })
        .await;
}

/// Asks for the marks of the last minutes now and then, for the light in the bar.
async fn light_of(marks: Arc<dyn crate::backend::annotations::Annotations>, light: HealthLine, clock: Clock) {
    loop {
        let now = clock.now();
        let asked = marks
            .list(now.utc - TimeDelta::minutes(5), now.utc, Vec::new())
            .await;
        let tick = clock.tick();
        match asked {
            Ok(_) => light.tell(&Status::Idle, Some(tick), ROSTER),
            Err(error) => {
                let failed = Status::Failed {
                    cause: error.cause().into(),
                    since: tick,
                    next_try: tick + ROSTER,
                };
                light.tell(&failed, None, ROSTER);
            }
        }
        tokio::time::sleep(ROSTER).await;
    }
}

/// Has everybody asked again: when told to, when the question changed, and when an act came through.
async fn asked_again(
    mut question: watch::Receiver<Question>,
    mut outbox: watch::Receiver<Arc<OutboxView>>,
    wake: Arc<Notify>,
    wakes: Vec<Arc<Notify>>,
) {
    loop {
        tokio::select! {
            () = wake.notified() => {}
            changed = question.changed() => if changed.is_err() { return },
            changed = outbox.changed() => if changed.is_err() { return },
        }
        for wake in &wakes {
            wake.notify_one();
        }
    }
}
