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

use super::audit_forward::{self, Forwarder};
use super::poller::{HealthLine, Poller};
use super::warden::{Relief, Warden};
use crate::app::feed::Feed;
use crate::app::incidents::IncidentBoard;
use crate::app::record::{RecordHealth, Watching};
use crate::app::{BackendHealth, Msg};
use crate::backend::Backends;
use crate::backend::annotations::Marks;
use crate::backend::http::Wires;
use crate::backend::incidents::local::Local;
use crate::backend::incidents::{Incidents, Question};
use crate::config::{Config, Context};
use crate::domain::alert::{AlertBoard, AlertSnapshot};
use crate::domain::incident::link::Links;
use crate::domain::incident::{ActingAs, IncidentId};
use crate::domain::oncall::Roster;
use crate::domain::slo::SloBoard;
use crate::journal::Journal;
use crate::journal::outbox::Author;
use crate::outbox::OutboxView;
use crate::time::Clock;

mod board;
mod chronicle;
pub(super) mod drafts;
mod duties;
mod figures;
mod ladders;
mod linker;
mod record;
mod recorder;
#[cfg(test)]
mod sample;
mod sweep;

use chronicle::{Chronicle, Followed};
use duties::Duties;
use figures::Figures;
use linker::Linker;
use sweep::Forwards;

/// How often who is on call is asked; their keeper answers from its own memory within a minute.
const ROSTER: Duration = Duration::from_secs(60);
/// How often marks are asked for, and how far back: the charts show the last hour.
const MARKS: Duration = Duration::from_secs(60);
const CHARTS: TimeDelta = TimeDelta::minutes(90);
/// How often who we act as is asked again where it was not told.
const ACTING_AS: Duration = Duration::from_secs(60);

/// What the session holds of it.
pub(super) struct Doors {
    pub question: watch::Sender<Question>,
    pub follow: watch::Sender<Option<IncidentId>>,
    /// Everybody who keeps incidents, once the journal is open or known not to be.
    pub keepers: watch::Receiver<Option<Keepers>>,
    /// Relieves the watch over local incidents, where this console may hold it.
    pub relief: watch::Receiver<Option<Relief>>,
    /// Wakes everything that asks.
    pub wake: Arc<Notify>,
}

/// What the session is told.
pub(super) struct Told {
    pub incidents: watch::Receiver<Feed<IncidentBoard>>,
    /// Which alerts and incidents are the same trouble.
    pub links: watch::Receiver<Arc<Links>>,
    /// Marks for the charts.
    pub marks: watch::Receiver<Feed<Marks>>,
    pub timeline: watch::Receiver<Followed>,
    pub roster: watch::Receiver<Feed<Roster>>,
    /// How the record of what is done stands, once that is known.
    pub record: watch::Receiver<Option<RecordHealth>>,
    /// Who has the watch over local incidents.
    pub watching: watch::Receiver<Watching>,
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
    pub sources: Vec<watch::Receiver<Feed<AlertSnapshot>>>,
    pub slos: watch::Receiver<Feed<SloBoard>>,
    pub outbox: watch::Receiver<Arc<OutboxView>>,
    pub health: watch::Sender<Vec<BackendHealth>>,
    links: watch::Sender<Arc<Links>>,
    question: watch::Receiver<Question>,
    follow: watch::Receiver<Option<IncidentId>>,
    incidents: watch::Sender<Feed<IncidentBoard>>,
    marks: watch::Sender<Feed<Marks>>,
    timeline: watch::Sender<Followed>,
    roster: watch::Sender<Feed<Roster>>,
    keepers: watch::Sender<Option<Keepers>>,
    pub record: watch::Sender<Option<RecordHealth>>,
    relief: watch::Sender<Option<Relief>>,
    watching: watch::Sender<Watching>,
    wake: Arc<Notify>,
}

/// What [`doors`] is made of, beside the channels that it makes.
pub(super) struct Frame {
    pub config: Arc<Config>,
    pub context: Arc<Context>,
    pub clock: Clock,
    pub results: mpsc::Sender<Msg>,
    pub alerts: watch::Receiver<Arc<AlertBoard>>,
    /// What each Alertmanager said itself.
    pub sources: Vec<watch::Receiver<Feed<AlertSnapshot>>>,
    pub slos: watch::Receiver<Feed<SloBoard>>,
    pub outbox: watch::Receiver<Arc<OutboxView>>,
    pub health: watch::Sender<Vec<BackendHealth>>,
}

/// Both sides, nothing running yet.
pub(super) fn doors(frame: Frame) -> (Doors, Told, Behind) {
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
    let (links_out, links) = watch::channel(Arc::default());
    let (marks_out, marks) = watch::channel(Feed::new(MARKS));
    let (timeline_out, timeline) = watch::channel(None);
    let (roster_out, roster) = watch::channel(Feed::new(ROSTER));
    let (keepers_out, keepers) = watch::channel(None);
    let (record_out, record) = watch::channel(None);
    let (relief_out, relief) = watch::channel(None);
    let (watching_out, watching) = watch::channel(Watching::Nothing);
    let wake = Arc::new(Notify::new());
    let doors = Doors {
        question: question_out,
        follow: follow_out,
        keepers,
        relief,
        wake: Arc::clone(&wake),
    };
    let told = Told {
        incidents,
        links,
        marks,
        timeline,
        roster,
        record,
        watching,
    };
    let behind = Behind {
        config: frame.config,
        context: frame.context,
        clock: frame.clock,
        results: frame.results,
        alerts: frame.alerts,
        sources: frame.sources,
        slos: frame.slos,
        outbox: frame.outbox,
        health: frame.health,
        links: links_out,
        question,
        follow,
        incidents: incidents_out,
        marks: marks_out,
        timeline: timeline_out,
        roster: roster_out,
        keepers: keepers_out,
        record: record_out,
        relief: relief_out,
        watching: watching_out,
        wake,
    };
    (doors, told, behind)
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
        // A journal that cannot be read keeps some as well: which is not known, and that is said.
        all: backends
            .incidents
            .iter()
            .chain(&backends.local_incidents)
            .cloned()
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
            let ask = || {
                let asked = question.borrow().clone();
                keeper.list(asked)
            };
            poller.run_no_sooner(ask, || keeper.no_sooner_than()).await;
        });
    }
    if keepers.all.is_empty() {
        // There is nobody to wait for: an empty list that is known.
        stir.notify_one();
    }
    let (delays_out, delays) = watch::channel(Arc::default());
    tasks.spawn(ladders::learn(
        keepers.clone(),
        behind.incidents.subscribe(),
        delays_out,
        Arc::clone(&stir),
        behind.clock,
    ));
    let beside = board::Beside {
        acting_as: acting_as.clone(),
        delays,
        remarks,
    };
    tasks.spawn(board::gather(
        told,
        beside,
        behind.incidents.clone(),
        Arc::clone(&stir),
    ));
    if let Some(keeper) = &backends.incidents {
        tasks.spawn(who_we_are(Arc::clone(keeper), acting_out, Arc::clone(&stir)));
    }
    if !keepers.all.is_empty() {
        let duties = Duties {
            keepers: keepers.all.clone(),
            journal: journal.clone(),
            context: behind.context.name.as_str().into(),
            out: behind.roster.clone(),
            clock: behind.clock,
        };
        tasks.spawn(duties.run());
    }
    if let Some(marks) = &backends.annotations {
        let poller = Poller {
            out: behind.marks.clone(),
            health: line(&backends, marks.name(), &behind.health),
            wake: Arc::new(Notify::new()),
            stir: Arc::new(Notify::new()),
            clock: behind.clock,
        };
        wakes.push(Arc::clone(&poller.wake));
        let (marks, clock) = (Arc::clone(marks), behind.clock);
        tasks.spawn(async move {
            poller
                .run(|| {
                    let now = clock.now().utc;
                    marks.list(now - CHARTS, now, Vec::new())
                })
                .await;
        });
    }
    let services = behind.context.incidents.as_ref().map(|signal| &signal.services);
    let linker = Linker {
        keepers: keepers.all.clone(),
        services: services
            .into_iter()
            .flatten()
            .map(|(ours, theirs)| (ours.clone(), theirs.clone()))
            .collect(),
        board: behind.incidents.subscribe(),
        alerts: behind.alerts.clone(),
        sources: behind.sources.clone(),
        out: behind.links.clone(),
        clock: behind.clock,
    };
    tasks.spawn(linker.run());
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
        links: behind.links.subscribe(),
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
        with_journal(&mut tasks, &behind, keepers, (journal, local));
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

fn with_journal(
    tasks: &mut JoinSet<()>,
    behind: &Behind,
    keepers: Keepers,
    (journal, local): (Journal, Option<Local>),
) {
    let context: Arc<str> = Arc::from(behind.context.name.as_str());
    tasks.spawn(recorder::record(
        journal.clone(),
        Arc::clone(&context),
        (behind.alerts.clone(), behind.slos.clone()),
        behind.results.clone(),
        behind.clock,
    ));
    let author = Author {
        context: Arc::clone(&context),
        actor: behind.config.identity.as_str().into(),
    };
    let (outbox, results) = (behind.outbox.clone(), behind.results.clone());
    tasks.spawn(drafts::take_over(
        journal.clone(),
        author.clone(),
        results.clone(),
        behind.clock,
    ));
    tasks.spawn(drafts::bring_back(
        journal.clone(),
        author,
        outbox,
        results,
        behind.clock,
    ));
    let forwards = match &behind.config.audit_forward {
        Some(_) => Forwards::Yes,
        None => Forwards::No,
    };
    if !behind.config.read_only {
        let (journal, context) = (journal.clone(), Arc::clone(&context));
        tasks.spawn(sweep::sweep(journal, context, forwards, behind.clock));
    }
    let figures = Figures {
        journal: journal.clone(),
        context,
        keepers,
        board: behind.incidents.subscribe(),
        clock: behind.clock,
    };
    tasks.spawn(figures.keep());
    let mut forward = None;
    if let Some(to) = &behind.config.audit_forward {
        let forwarder = Forwarder::new(journal.clone(), to, &Wires::default(), behind.clock);
        forward = Some((audit_forward::place(to).into(), forwarder.status()));
        tasks.spawn(async move { forwarder.run().await });
    }
    tasks.spawn(record::tell(journal.clone(), forward, behind.record.clone()));
    if let Some(local) = local
        && !behind.config.read_only
    {
        let courier = local.courier(Arc::new(Wires::default()));
        let (warden, relief) = Warden::new(
            journal,
            Arc::clone(local.house()),
            courier,
            behind.clock,
            behind.alerts.clone(),
        );
        behind.relief.send_replace(Some(relief));
        tasks.spawn(warden.run(behind.watching.clone()));
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
