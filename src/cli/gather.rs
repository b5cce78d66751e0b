//! What the headless commands share: the context's backends asked once, ids resolved against what they
//! answered, guards before an act, and how an act ends.
//!
//! Start at [`Scene::open`] and [`Scene::board`].

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{join_all, ready};
use futures::join;

use super::args::ActArgs;
use super::{CliError, Exit, Outcome, Session, sending};
use crate::backend::alerts::Alerts;
use crate::backend::alerts::cluster::clusters;
use crate::backend::http::Wires;
use crate::backend::incidents::local::{Closed, Local};
use crate::backend::{BackendFailure, Backends};
use crate::config::{Config, ConfigError, Context};
use crate::domain::alert::desk::{Arrangement, Desk, Inputs, RulesInput, Settings, SourceInput};
use crate::domain::alert::json::{ActOutcome, ActReport, ActState, acts_document};
use crate::domain::alert::table::acts_text;
use crate::domain::alert::{Alert, AlertBoard, AlertState};
use crate::domain::document::Remarks;
use crate::journal::{Journal, Opening};
use crate::time::{Clock, Now, prometheus_duration};

/// The shortest prefix of an id that is taken for it.
pub const SHORTEST_PREFIX: usize = 6;

/// One context, its backends opened; nothing is asked yet.
pub struct Scene {
    /// Everything configured.
    pub config: Config,
    /// The context that is meant.
    pub context: Context,
    /// Its backends.
    pub backends: Backends,
    clock: Clock,
}

/// Whether the alerting rules are asked beside the Alertmanagers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// They are: whether the queue can be believed depends on them.
    Ask,
    /// Only alerts and silences matter.
    Leave,
}

impl Scene {
    /// Reads the configuration and opens the context's backends.
    pub fn open(session: &mut Session) -> Result<Self, CliError> {
        let (config, context) = session.context()?;
        let backends = Backends::open(&context, &Wires::default(), session.clock);
        Ok(Self::on(config, context, backends, session.clock))
    }

    /// The same, with the keeper of local incidents: reading makes no journal where there is none. One that cannot be
    /// read fails to answer, so that nobody takes its silence for a quiet night.
    pub fn with_local(session: &mut Session) -> Result<Self, CliError> {
        let mut scene = Self::open(session)?;
        let opening = Opening::of(&scene.config).filter(|opening| opening.path.exists());
        match opening.map(|opening| Journal::open(&opening)) {
            Some(Ok(journal)) => {
                scene.keep_locally(&journal);
            }
            Some(Err(error)) => {
                let closed =
                    Closed::unreadable(&scene.config, &scene.context, scene.clock, &error.to_string());
                scene.backends.local_incidents = Some(Arc::new(closed));
            }
            None if scene.context.keeps_locally() || !scene.context.on_call.policies.is_empty() => {
                let closed = Closed::empty(&scene.config, &scene.context, scene.clock);
                scene.backends.local_incidents = Some(Arc::new(closed));
            }
            None => {}
        }
        Ok(scene)
    }

    /// Has local incidents kept in this journal.
    pub fn keep_locally(&mut self, journal: &Journal) -> Local {
        let local = Local::new(journal.clone(), &self.config, &self.context, self.clock);
        self.backends.local_incidents = Some(Arc::new(local.clone()));
        local
    }

    /// The same on backends of the caller's making.
    pub fn on(config: Config, context: Context, backends: Backends, clock: Clock) -> Self {
        Self {
            config,
            context,
            backends,
            clock,
        }
    }

    /// The same, for what needs an Alertmanager.
    pub fn with_alertmanagers(session: &mut Session) -> Result<Self, CliError> {
        let scene = Self::open(session)?;
        if scene.backends.alertmanagers.is_empty() {
            return Err(scene.lacks(
                "alertmanagers",
                "add [[contexts.NAME.alertmanagers]] with a name and a url",
            ));
        }
        Ok(scene)
    }

    /// The same, for an act on alerts: what forbids it before anything is asked.
    pub fn for_act(session: &mut Session, act: &ActArgs, danger: Danger) -> Result<Self, CliError> {
        let scene = Self::with_alertmanagers(session)?;
        scene.may_act(act, danger)?;
        scene.can_write_to_alertmanagers()?;
        scene.begins(session, act)?;
        Ok(scene)
    }

    /// The same, for an act on whatever the context has.
    pub fn for_any_act(session: &mut Session, act: &ActArgs, danger: Danger) -> Result<Self, CliError> {
        let mut scene = Self::open(session)?;
        scene.may_act(act, danger)?;
        scene.begins(session, act)?;
        if Opening::of(&scene.config).is_some() {
            let journal = sending::journal(&scene)?;
            scene.keep_locally(&journal);
        }
        Ok(scene)
    }

    /// Says that an act is under way, and for how long it may be.
    fn begins(&self, session: &mut Session, act: &ActArgs) -> Result<(), CliError> {
        let name = &self.context.name;
        let longest = prometheus_duration(act.wait);
        session.out.progress(&format!(
            "asking {name}, then waiting for confirmation, {longest} at most; what is journaled stays in the outbox…"
        ))?;
        Ok(())
    }

    fn may_act(&self, act: &ActArgs, danger: Danger) -> Result<(), CliError> {
        if self.config.read_only {
            return Err(CliError::ReadOnly(
                "read-only: nothing was done; leave out --read-only, or set read_only = false".to_owned(),
            ));
        }
        self.confirmed(act.confirm.as_deref(), danger)
    }

    /// That some Alertmanager may be written to.
    pub fn can_write_to_alertmanagers(&self) -> Result<(), CliError> {
        if self.backends.alertmanagers.is_empty() || !self.backends.writable.is_empty() {
            return Ok(());
        }
        Err(CliError::ReadOnly(format!(
            "nothing was done: every Alertmanager of {} is configured with read_only = true",
            self.context.name
        )))
    }

    fn confirmed(&self, confirm: Option<&str>, danger: Danger) -> Result<(), CliError> {
        let name = &self.context.name;
        match (confirm, danger) {
            (Some(confirm), _) if confirm != name => Err(CliError::Usage(format!(
                "--confirm {confirm} was given and the context is {name}: nothing was done; look which one is meant"
            ))),
            (None, Danger::Confirm) if self.context.danger => Err(CliError::Usage(format!(
                "{name} is a dangerous context: nothing was done; to do it all the same: --confirm {name}"
            ))),
            (Some(_) | None, Danger::Confirm | Danger::Free) => Ok(()),
        }
    }

    /// That the context lacks what the command asks.
    pub fn lacks(&self, what: &str, mend: &str) -> CliError {
        let name = &self.context.name;
        let mend = mend.replace("NAME", name);
        ConfigError::Context(format!("the context {name} has no {what}; {mend}")).into()
    }

    /// Now.
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// Asks every Alertmanager at once, and the rules where they matter, and lays the board out.
    pub async fn board(&self, question: &Arrangement, rules: Rules) -> AlertBoard {
        let asked = self
            .backends
            .alertmanagers
            .iter()
            .zip(&self.context.alertmanagers);
        let sources = join_all(asked.map(|(source, config)| snapshot(source, config.poll)));
        let (sources, rules) = match rules {
            Rules::Ask => join!(sources, self.rules()),
            Rules::Leave => join!(sources, ready(RulesInput::NotConfigured)),
        };
        let labels = self.context.service_labels.iter();
        let settings = Settings {
            watchdog: self.context.watchdog_matchers(),
            service_labels: labels.map(|label| Arc::from(label.as_str())).collect(),
            identity: Arc::from(self.config.identity.as_str()),
        };
        let inputs = Inputs {
            sources,
            rules,
            settings: Arc::new(settings),
        };
        Desk::new().arrange(&inputs, question, self.now())
    }

    async fn rules(&self) -> RulesInput {
        let (Some(rules), Some(config)) = (&self.backends.rules, &self.context.metrics) else {
            return RulesInput::NotConfigured;
        };
        let (rules, age, failure) = match rules.alerting_rules().await {
            Ok(None) => return RulesInput::CannotKnow,
            Ok(Some(rules)) => (Some(Arc::new(rules)), Some(Duration::ZERO), None),
            Err(error) => (None, None, Some((error.failure().message.into(), Duration::ZERO))),
        };
        let endpoint = config.rules.as_ref().unwrap_or(&config.endpoint);
        RulesInput::Asked {
            source: Arc::from(endpoint.name.as_str()),
            rules,
            age,
            interval: config.poll,
            failure,
        }
    }

    /// The clocks.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Whether a cluster of a board has a member that may be written to.
    pub fn writes_to(&self, board: &AlertBoard, cluster: &str) -> bool {
        let clusters = clusters(&board.sources, &self.backends.writable);
        clusters.iter().any(|held| *held.name == *cluster)
    }
}

/// Whether an act asks for the name of a dangerous context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Danger {
    /// It does.
    Confirm,
    /// It never does.
    Free,
}

async fn snapshot(source: &Arc<dyn Alerts>, interval: Duration) -> SourceInput {
    let (snapshot, failure) = match source.snapshot().await {
        Ok(snapshot) => (Some(Arc::new(snapshot)), None),
        Err(error) => (None, Some((error.failure().message.into(), Duration::ZERO))),
    };
    SourceInput {
        name: Arc::clone(source.name()),
        age: snapshot.is_some().then_some(Duration::ZERO),
        snapshot,
        interval,
        failure,
    }
}

/// How long an act may take in all, the asking before it included.
pub struct Deadline {
    at: tokio::time::Instant,
    wait: Duration,
}

impl Deadline {
    /// From now on.
    pub fn start(wait: Duration) -> Self {
        Self {
            at: tokio::time::Instant::now() + wait,
            wait,
        }
    }

    /// Asks within it; past it nothing has been done.
    pub async fn ask<T>(&self, asking: impl Future<Output = T>) -> Result<T, CliError> {
        tokio::time::timeout_at(self.at, asking).await.map_err(|_| {
            CliError::Backend(format!(
                "no answer within {}: nothing was done; give it longer with --wait",
                prometheus_duration(self.wait)
            ))
        })
    }

    /// Half of what is left: what may be spent on looking up what is meant, so that the act has time as well.
    pub fn half(&self) -> Duration {
        self.at.saturating_duration_since(tokio::time::Instant::now()) / 2
    }

    /// Waits within it; nothing past it.
    pub async fn within<T>(&self, waiting: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout_at(self.at, waiting).await.ok()
    }
}

/// The living alerts whose fingerprint this is, or begins with this; none where it is too short for that.
pub fn alerts_of<'a>(id: &str, board: &'a AlertBoard) -> Vec<&'a Arc<Alert>> {
    let wanted = id.to_ascii_lowercase();
    if !is_hex(id) || long_enough(id).is_err() {
        return Vec::new();
    }
    let living = |alert: &&Arc<Alert>| !matches!(alert.state, AlertState::Gone | AlertState::Resolved);
    board
        .by_fingerprint
        .values()
        .filter(living)
        .filter(|alert| alert.occurrence.fingerprint.to_string().starts_with(&wanted))
        .collect()
}

/// An alert as a candidate is listed.
pub fn alert_in_words(alert: &Alert) -> String {
    format!(
        "{} {} {}",
        alert.occurrence.fingerprint, alert.name, alert.service
    )
}

/// Whether an alert may be meant: a fingerprint or the beginning of one.
pub fn is_hex(id: &str) -> bool {
    !id.is_empty() && id.len() <= 16 && id.chars().all(|c| c.is_ascii_hexdigit())
}

/// That an id means no alert here, and why it cannot.
pub fn no_alert(id: &str, board: &AlertBoard) -> CliError {
    if !is_hex(id) {
        return CliError::Usage(format!(
            "{id} is no alert's fingerprint (16 hex digits, or a unique prefix of at least {SHORTEST_PREFIX}) and \
             no incident that is known here; `midwatch alerts` and `midwatch incidents` list the ids"
        ));
    }
    match long_enough(id) {
        Err(short) => short,
        Ok(()) => not_found("alert", id, board),
    }
}

/// Refuses what is too short to be taken for an id.
pub fn long_enough(id: &str) -> Result<(), CliError> {
    if id.chars().count() >= SHORTEST_PREFIX {
        return Ok(());
    }
    Err(CliError::Usage(format!(
        "{id} is too short: give an id, or a unique prefix of at least {SHORTEST_PREFIX}"
    )))
}

/// That an id means nothing here; where somebody did not answer it may be there.
pub fn not_found(what: &str, id: &str, board: &AlertBoard) -> CliError {
    let silent: Vec<String> = board.errors.iter().map(in_words).collect();
    if silent.is_empty() {
        CliError::Usage(format!(
            "{what} {id} not found; `midwatch {what}s` lists what there is"
        ))
    } else {
        CliError::Backend(format!(
            "{what} {id} not found at those that answered: nothing was done; {}",
            silent.join("; ")
        ))
    }
}

/// That an id means several things, with what they are.
pub fn ambiguous(id: &str, candidates: impl Iterator<Item = String>) -> CliError {
    let listed: Vec<String> = candidates.map(|candidate| format!("\n  {candidate}")).collect();
    CliError::Usage(format!(
        "{id} is ambiguous: nothing was done; it may be{}",
        listed.concat()
    ))
}

/// `BACKEND: what it said`.
pub fn in_words(failure: &BackendFailure) -> String {
    format!("{}: {}", failure.backend, failure.message)
}

/// Says on standard error who did not answer; for text, where no document has it.
pub fn say_errors(session: &mut Session, errors: &[BackendFailure]) -> Result<(), CliError> {
    for failure in errors {
        session.out.diagnose(&format!("error: {}", in_words(failure)))?;
    }
    Ok(())
}

/// Says on standard error what stands beside an answer; for text, where no document has it.
pub fn say_remarks(session: &mut Session, remarks: &Remarks) -> Result<(), CliError> {
    say_errors(session, &remarks.errors)?;
    for words in remarks.warnings.iter().chain(&remarks.partial) {
        session.out.diagnose(&format!("warning: {words}"))?;
    }
    Ok(())
}

/// Prints what came of an act; the status is the worst of its results.
pub fn finish(session: &mut Session, scene: &Scene, report: &ActReport) -> Outcome {
    if session.globals.json {
        let document = acts_document(&scene.context.name, report, scene.now());
        session.out.text(&document)?;
        session.out.text("\n")?;
    } else {
        session.out.text(&acts_text(&report.outcomes))?;
        say_errors(session, &report.errors)?;
        for warning in &report.warnings {
            session.out.diagnose(&format!("warning: {warning}"))?;
        }
    }
    session.out.flush()?;
    Ok(exit_of(&report.outcomes))
}

/// The worst of refused (4), not confirmed (5), done (0).
fn exit_of(outcomes: &[ActOutcome]) -> Exit {
    let any = |state| outcomes.iter().any(|outcome| outcome.state == state);
    if any(ActState::Failed) {
        Exit::Backend
    } else if any(ActState::Pending) || any(ActState::NeedsDecision) {
        Exit::Unconfirmed
    } else {
        Exit::Done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(state: ActState) -> ActOutcome {
        ActOutcome {
            target: "x".to_owned(),
            state,
            outbox_id: None,
            remote_ids: Vec::new(),
            message: String::new(),
        }
    }

    #[test]
    fn several_acts_end_as_the_worst_of_them() {
        use ActState::{Confirmed, Failed, Pending};
        for (states, exit) in [
            (vec![Confirmed], Exit::Done),
            (vec![Confirmed, Pending], Exit::Unconfirmed),
            (vec![Pending, Failed, Confirmed], Exit::Backend),
            (vec![], Exit::Done),
        ] {
            let outcomes: Vec<ActOutcome> = states.into_iter().map(outcome).collect();
            assert_eq!(exit_of(&outcomes), exit, "{outcomes:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn past_the_wait_asking_did_nothing() {
        let deadline = Deadline::start(Duration::from_secs(3));
        let asked = deadline.ask(std::future::pending::<()>()).await;
        let error = asked.expect_err("nobody answers");
        assert_eq!(error.exit(), Exit::Backend);
        assert!(
            error.to_string().contains("within 3s: nothing was done"),
            "{error}"
        );
        assert_eq!(deadline.within(std::future::pending::<()>()).await, None);
    }
}
