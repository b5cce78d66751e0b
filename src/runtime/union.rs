//! Watches the contexts that are not open, as long as somebody looks: slowly, a few at a time, with the code that every
//! command asks by. One that does not answer is asked less often. Start at [`Watcher::run`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::{Notify, Semaphore, watch};

use crate::app::union::{Answered, Belief, ContextReport, INTERVAL, Said, mark_old, rows_of};
use crate::backend::http::Wires;
use crate::backend::incidents::Question;
use crate::backend::metrics::engine::{Discover, Engine, Settings};
use crate::backend::{BackendError, Backends};
use crate::config::{Config, Context};
use crate::domain::alert::desk::{self, Arrangement, Desk, Inputs, RulesInput, SourceInput};
use crate::domain::alert::{AlertBoard, AlertSnapshot};
use crate::domain::incident::Incident;
use crate::domain::slo::{SloBoard, SloState};
use crate::text::SafeText;
use crate::time::{Clock, Now, Tick};

/// Contexts that are asked at once.
const AT_ONCE: usize = 3;
/// A context that has not answered as a whole by then is told with what answered.
const MOST_WAIT: Duration = Duration::from_secs(20);
/// Wait before a context of which nothing answers is asked again.
const DEAD_WAIT: Duration = Duration::from_secs(90);

/// A context is asked no sooner than this after an answer, however often that is pressed for.
const DEAF: Duration = Duration::from_secs(5);

/// What is known of the watched contexts, in the order of the configuration.
pub(super) type Reports = Vec<Arc<ContextReport>>;

/// Watches contexts.
pub(super) struct Watcher {
    pub config: Arc<Config>,
    /// The open context: it is not asked twice.
    pub own: String,
    pub wires: Arc<Wires>,
    pub clock: Clock,
    /// Asked now, out of turn.
    pub wake: Arc<Notify>,
    pub out: watch::Sender<Reports>,
}

impl Watcher {
    /// Watches until it is dropped.
    pub async fn run(self) {
        let others: Vec<&Context> = self
            .config
            .contexts
            .values()
            .filter(|context| context.name != self.own)
            .collect();
        self.out.send_replace(
            others
                .iter()
                .map(|context| Arc::new(ContextReport::waiting(&context.name, context.danger)))
                .collect(),
        );
        let gate = Semaphore::new(AT_ONCE);
        let watching = others.iter().enumerate().map(|(place, context)| {
            let watched = Watched {
                context,
                backends: Backends::open(context, &self.wires, self.clock),
                engine: Engine::new(
                    context.slos.clone(),
                    Settings {
                        poll: INTERVAL,
                        discover: Discover::Yes,
                    },
                ),
                desk: Desk::new(),
                settings: Arc::new(desk_settings(&self.config, context)),
                clock: self.clock,
                slos: None,
                metrics: None,
                alerts: None,
                incidents: Vec::new(),
                heard: Vec::new(),
                good: BTreeMap::new(),
                whole: None,
            };
            self.watch(watched, place, &gate)
        });
        join_all(watching).await;
    }

    async fn watch(&self, mut watched: Watched<'_>, place: usize, gate: &Semaphore) {
        let tell = |report: &ContextReport| {
            self.out.send_modify(|reports| {
                if let Some(slot) = reports.get_mut(place) {
                    *slot = Arc::new(report.clone());
                }
            });
        };
        loop {
            let report = {
                // Never closed.
                let _turn = gate.acquire().await;
                // What fires is told before what takes long to measure.
                watched.listen().await;
                tell(&watched.report());
                watched.measure().await;
                watched.report()
            };
            tell(&report);
            let wait = if report.is_dead() { DEAD_WAIT } else { INTERVAL };
            // A held key asks no sooner than this.
            let pressed = async {
                tokio::time::sleep(DEAF).await;
                self.wake.notified().await;
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = pressed => {}
            }
        }
    }
}

/// What the desk arranges a context's alerts by.
fn desk_settings(config: &Config, context: &Context) -> desk::Settings {
    let labels = context.service_labels.iter();
    desk::Settings {
        watchdog: context.watchdog_matchers(),
        service_labels: labels.map(|label| Arc::from(label.as_str())).collect(),
        identity: Arc::from(config.identity.as_str()),
    }
}

/// The last good answers of Alertmanagers by name, and when they came.
type Good = BTreeMap<Arc<str>, (Arc<AlertSnapshot>, Tick)>;

/// Puts the last good answer in the place of one that failed: its alerts stay, as of then.
fn keep(good: &mut Good, sources: &mut [SourceInput], now: Tick) {
    for source in sources {
        if let Some(snapshot) = &source.snapshot {
            good.insert(Arc::clone(&source.name), (Arc::clone(snapshot), now));
        } else if let Some((snapshot, at)) = good.get(&source.name) {
            source.snapshot = Some(Arc::clone(snapshot));
            source.age = Some(now.since(*at));
        }
    }
}

/// One context while it is watched: what each of its backends said last.
struct Watched<'a> {
    context: &'a Context,
    backends: Backends,
    engine: Engine,
    desk: Desk,
    settings: Arc<desk::Settings>,
    clock: Clock,
    slos: Option<SloBoard>,
    metrics: Option<Answered>,
    alerts: Option<AlertBoard>,
    incidents: Vec<Arc<Incident>>,
    heard: Vec<Answered>,
    /// The last good answer of each Alertmanager and when it came.
    good: Good,
    /// When everything answered last.
    whole: Option<Tick>,
}

impl Watched<'_> {
    /// What is known by now.
    fn report(&mut self) -> ContextReport {
        let mut rows = rows_of(self.slos.as_ref(), self.alerts.as_ref(), &self.incidents);
        if self
            .metrics
            .as_ref()
            .is_some_and(|metrics| metrics.failure.is_some())
        {
            // One store that does not answer is one trouble, not one for each SLO.
            rows.retain(|row| row.said != Said::Burns(SloState::Error));
        }
        let answered: Vec<Answered> = self.metrics.iter().chain(&self.heard).cloned().collect();
        mark_old(&mut rows, &answered);
        let is_measured = self.metrics.is_some() || self.backends.metrics.is_none();
        let mut belief = Belief::of(self.alerts.as_ref());
        if !is_measured {
            belief.unproven.push("its SLOs are being measured".to_owned());
        } else if answered.iter().all(|answered| answered.failure.is_none()) {
            self.whole = Some(self.clock.tick());
        }
        ContextReport {
            at: self.whole,
            answered,
            rows,
            belief,
            ..ContextReport::waiting(&self.context.name, self.context.danger)
        }
    }

    /// Asks for alerts and incidents, side by side.
    async fn listen(&mut self) {
        let (mut alerts, rules, incidents) = futures::join!(
            snapshots(&self.backends, self.context),
            rules(&self.backends, self.context),
            listed(&self.backends)
        );
        self.heard.clear();
        for source in &alerts {
            let failure = source.failure.as_ref().map(|(why, _)| why.to_string());
            let name = format!("alertmanager {}", source.name);
            self.heard.push(told(name.into(), failure));
        }
        keep(&mut self.good, &mut alerts, self.clock.tick());
        self.alerts = Some(self.arrange(alerts, rules));
        if let Some((name, listing)) = incidents {
            let failure = match listing {
                Ok(listing) => {
                    self.incidents = listing.incidents.into_iter().map(Arc::new).collect();
                    None
                }
                // What was listed stays, as of then.
                Err(why) => Some(why),
            };
            self.heard.push(told(name, failure));
        }
    }

    /// Measures what is due of its SLOs.
    async fn measure(&mut self) {
        let now = self.clock.now();
        let Some(measured) = measure(&self.backends, &mut self.engine, now).await else {
            return;
        };
        let failure = match measured {
            Ok(board) => {
                let failure = board.errors.first().map(|failure| failure.message.clone());
                // What was read before stays while it is not read again; what never was is no row.
                self.slos = Some(board);
                failure
            }
            Err(why) => Some(why),
        };
        let failure = failure.map(|why| without_request(&why).to_owned());
        self.metrics = Some(told("metrics".into(), failure));
    }

    fn arrange(&mut self, sources: Vec<SourceInput>, rules: RulesInput) -> AlertBoard {
        let inputs = Inputs {
            sources,
            rules,
            settings: Arc::clone(&self.settings),
        };
        let board = self
            .desk
            .arrange(&inputs, &Arrangement::default(), self.clock.now());
        self.desk.tidy();
        board
    }
}

fn told(backend: Arc<str>, failure: Option<String>) -> Answered {
    Answered {
        backend,
        failure: failure.map(|why| SafeText::line(&why).into_string()),
    }
}

/// A failure without what was asked, for a row that has no room for it.
fn without_request(message: &str) -> &str {
    let is_request = |head: &str| {
        ["GET ", "POST ", "query "]
            .iter()
            .any(|verb| head.starts_with(verb))
    };
    match message.split_once(": ") {
        Some((head, cause)) if is_request(head) => cause,
        Some(_) | None => message,
    }
}

const LATE: &str = "no whole answer in time";

async fn measure(backends: &Backends, engine: &mut Engine, now: Now) -> Option<Result<SloBoard, String>> {
    let metrics = backends.metrics.as_deref()?;
    let mut seen = None;
    let step = engine.step(metrics, now, |board| seen = Some(board));
    let is_whole = tokio::time::timeout(MOST_WAIT, step).await.is_ok();
    // Nothing was due: what is known holds.
    let board = match seen {
        Some(board) => board,
        None if is_whole => engine.board(now),
        None => return Some(Err(LATE.to_owned())),
    };
    Some(Ok(board))
}

async fn snapshots(backends: &Backends, context: &Context) -> Vec<SourceInput> {
    let asked = backends.alertmanagers.iter().zip(&context.alertmanagers);
    join_all(asked.map(async |(source, _)| {
        let answer = tokio::time::timeout(MOST_WAIT, source.snapshot()).await;
        let (snapshot, failure) = match answer {
            Ok(Ok(snapshot)) => (Some(Arc::new(snapshot)), None),
            Ok(Err(error)) => (None, Some((error.cause().into(), Duration::ZERO))),
            Err(_) => (None, Some((LATE.into(), Duration::ZERO))),
        };
        SourceInput {
            name: Arc::clone(source.name()),
            age: snapshot.is_some().then_some(Duration::ZERO),
            snapshot,
            interval: INTERVAL,
            failure,
        }
    }))
    .await
}

/// What Prometheus fires by itself: proof that it arrives. Not asked where there is nowhere to arrive.
async fn rules(backends: &Backends, context: &Context) -> RulesInput {
    let (Some(rules), Some(config)) = (&backends.rules, &context.metrics) else {
        return RulesInput::NotConfigured;
    };
    if backends.alertmanagers.is_empty() {
        return RulesInput::NotConfigured;
    }
    let answer = tokio::time::timeout(MOST_WAIT, rules.alerting_rules()).await;
    let (rules, failure) = match answer {
        Ok(Ok(None)) => return RulesInput::CannotKnow,
        Ok(Ok(Some(rules))) => (Some(Arc::new(rules)), None),
        Ok(Err(error)) => (None, Some((error.cause().into(), Duration::ZERO))),
        Err(_) => (None, Some((LATE.into(), Duration::ZERO))),
    };
    let endpoint = config.rules.as_ref().unwrap_or(&config.endpoint);
    RulesInput::Asked {
        source: Arc::from(endpoint.name.as_str()),
        age: rules.is_some().then_some(Duration::ZERO),
        rules,
        interval: INTERVAL,
        failure,
    }
}

type Listed = (Arc<str>, Result<crate::domain::incident::Listing, String>);

/// Open incidents of the configured keeper. Local ones are kept in one journal for all contexts: the open one lists them.
async fn listed(backends: &Backends) -> Option<Listed> {
    let keeper = backends.incidents.as_deref()?;
    let answer = tokio::time::timeout(MOST_WAIT, keeper.list(Question::default())).await;
    let listing = match answer {
        Ok(answer) => answer.map_err(|error: BackendError| error.cause()),
        Err(_) => Err(LATE.to_owned()),
    };
    Some((Arc::clone(keeper.name()), listing))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, decode_text};

    #[tokio::test]
    async fn contexts_that_nobody_answers_for_are_told_as_dead_and_the_open_one_is_left_alone() {
        // Ports that nobody listens on.
        let text = "[contexts.own.metrics]\nurl = \"http://127.0.0.1:1\"\n\
                    [contexts.eu]\ndanger = true\n\
                    [contexts.eu.metrics]\nurl = \"http://127.0.0.1:1\"\n\
                    [[contexts.eu.slos]]\nname = \"a\"\nservice = \"a\"\nobjective = 99.9\nwindow = \"30d\"\n\
                    error_ratio = 'x[{{window}}]'\n\
                    [[contexts.us.alertmanagers]]\nname = \"us-0\"\nurl = \"http://127.0.0.1:1\"\n";
        let config = decode_text(text, None, &Environment::default()).unwrap().config;
        let clock = Clock::with_tokio(chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap());
        let (out, mut reports) = watch::channel(Vec::new());
        let watcher = Watcher {
            config: Arc::new(config),
            wires: Arc::default(),
            own: "own".to_owned(),
            clock,
            wake: Arc::default(),
            out,
        };
        let heard = async {
            // What fires is told first, before it is known whether the metrics answer.
            let all = |reports: &Reports| reports.len() == 2 && reports.iter().all(|report| report.is_dead());
            reports.wait_for(all).await.unwrap().clone()
        };
        let reports = tokio::select! {
            () = watcher.run() => panic!("it watches for ever"),
            reports = tokio::time::timeout(Duration::from_secs(60), heard) => reports.expect("both are dead"),
        };
        let names: Vec<(&str, bool)> = reports
            .iter()
            .map(|report| (&*report.context, report.danger))
            .collect();
        assert_eq!(names, [("eu", true), ("us", false)]);
        assert!(
            reports.iter().all(|report| report.at.is_none()),
            "an age of what was never heard would be a lie"
        );
        assert_eq!(reports[0].belief.unproven[0], "no Alertmanager is configured");
    }

    #[test]
    fn an_alertmanager_that_fails_is_shown_as_it_answered_last_with_its_age() {
        let source = |snapshot: Option<Arc<AlertSnapshot>>| SourceInput {
            name: "eu-0".into(),
            age: snapshot.is_some().then_some(Duration::ZERO),
            failure: snapshot.is_none().then(|| ("503".into(), Duration::ZERO)),
            snapshot,
            interval: INTERVAL,
        };
        let mut good = Good::new();
        keep(&mut good, &mut [source(Some(Arc::default()))], Tick::from_secs(5));
        let mut failed = [source(None)];
        keep(&mut good, &mut failed, Tick::from_secs(65));
        assert!(failed[0].snapshot.is_some() && failed[0].failure.is_some());
        assert_eq!(failed[0].age, Some(Duration::from_secs(60)));
    }
}
