//! Runbooks of a session: read where they lie, their ticks followed in the journal, one command at a time run.
//!
//! A command is written down before it starts, and is not run where that cannot be. Start at `Books::open`.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::{OnceCell, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::outbox::Office;
use crate::app::Msg;
use crate::app::runbook::RunOrder;
use crate::backend::http::{Begin, Redactor, process_env, read_secret};
use crate::backend::metrics::Metrics;
use crate::config::{Config, Environment, Secret};
use crate::journal::{Journal, runbooks};
use crate::runbook::{Check, Ended, Mark, Ticked, TicksOf, Told};
use crate::time::{Clock, Now};

pub mod programs;
pub mod read;
pub mod run;

#[cfg(test)]
mod tests;

/// How long the end of a command that was stopped is waited for, so that it is written down.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The command under way.
struct UnderWay {
    stop: CancellationToken,
    over: CancellationToken,
}

/// What a session holds of runbooks.
pub(super) struct Books {
    /// Whose ticks are told.
    pub(super) follow: watch::Sender<Option<TicksOf>>,
    /// Variables that no command is given.
    without: Vec<String>,
    /// What is left out of what it says.
    known: Arc<Known>,
    under_way: Option<UnderWay>,
}

impl Books {
    /// Those of a session, with the task that follows ticks.
    pub(super) fn open(
        config: &Config,
        office: Office,
        results: mpsc::Sender<Msg>,
    ) -> (Self, impl Future<Output = ()> + use<>) {
        let (follow, asked) = watch::channel(None);
        let books = Self {
            follow,
            without: config.secret_variables(Environment::names_of_process()),
            known: Arc::new(Known {
                secrets: config.secrets().into_iter().cloned().collect(),
                of_commands: OnceCell::new(),
            }),
            under_way: None,
        };
        (books, followed(office, asked, results))
    }

    /// Runs a command that somebody said yes to.
    pub(super) fn begin(
        &mut self,
        office: Office,
        order: Arc<RunOrder>,
        metrics: Option<Arc<dyn Metrics>>,
        clock: Clock,
    ) -> impl Future<Output = Option<Msg>> + Send + use<> {
        let busy = self
            .under_way
            .as_ref()
            .is_some_and(|last| !last.over.is_cancelled());
        let (stop, over) = (CancellationToken::new(), CancellationToken::new());
        if !busy {
            self.under_way = Some(UnderWay {
                stop: stop.clone(),
                over: over.clone(),
            });
        }
        let run = run::Run {
            program: order.program.clone(),
            identity: order.identity,
            arguments: order
                .argv
                .arguments()
                .iter()
                .map(|each| each.text.clone())
                .collect(),
            means: order.means.clone(),
            without: self.without.clone(),
        };
        let known = Arc::clone(&self.known);
        async move {
            let _over = over.drop_guard();
            let ended = if busy {
                Ended::not_started("another command is running")
            } else {
                let desk = Desk {
                    office: &office,
                    known: &known,
                    metrics: metrics.as_deref(),
                    clock,
                };
                carried_out(&desk, &order, &run, &stop).await
            };
            Some(Msg::CommandEnded { order, ended })
        }
    }

    /// Kills the command under way, with everything it started.
    pub(super) fn stop(&self) {
        if let Some(under_way) = &self.under_way {
            under_way.stop.cancel();
        }
    }

    /// The same before the process stops or ends, waiting until that is written down.
    pub(super) async fn rest(&self) {
        self.stop();
        if let Some(under_way) = &self.under_way {
            // Past that it is killed as the session is dropped.
            let _ = tokio::time::timeout(LAST_WORDS, under_way.over.cancelled()).await;
        }
    }
}

/// The secrets of the configuration, wherever they are read from: a command may print them.
struct Known {
    secrets: Vec<Secret>,
    /// Those that a program tells, read once: it may ask for a touch.
    of_commands: OnceCell<Vec<SecretString>>,
}

impl Known {
    /// Who blots them out. One that cannot be read is none that is in use.
    async fn redactor(&self) -> Redactor {
        let is_command = |secret: &&Secret| matches!(secret, Secret::Command(_));
        let of_commands = self
            .of_commands
            .get_or_init(|| read(self.secrets.iter().filter(is_command)))
            .await;
        let mut all = read(self.secrets.iter().filter(|secret| !is_command(secret))).await;
        all.extend(of_commands.iter().cloned());
        Redactor::new(all)
    }
}

async fn read(secrets: impl Iterator<Item = &Secret>) -> Vec<SecretString> {
    let reading = secrets.map(|secret| read_secret(secret, process_env));
    futures::future::join_all(reading)
        .await
        .into_iter()
        .flatten()
        .collect()
}

/// What a command is run with beside itself.
struct Desk<'a> {
    office: &'a Office,
    known: &'a Known,
    metrics: Option<&'a dyn Metrics>,
    clock: Clock,
}

/// Writes down that it begins, runs it, and writes down how it ended. Secrets leave with what it said nowhere, so they are
/// read before.
async fn carried_out(desk: &Desk<'_>, order: &RunOrder, run: &run::Run, stop: &CancellationToken) -> Ended {
    let Desk {
        office,
        known,
        metrics,
        clock,
    } = *desk;
    if let Err(why) = tell(office, order.begins(), clock.now()).await {
        return Ended::not_started(format!("it could not be recorded: {why}"));
    }
    let redactor = known.redactor().await;
    let mut ended = run::run(run, stop, clock).await;
    let begin = if ended.left_out > 0 {
        Begin::Cut
    } else {
        Begin::Whole
    };
    ended.output = redactor.passage(&ended.output, begin);
    if let Some(check) = order.check.as_ref().filter(|_| ended.end.is_good()) {
        ended.verdict = tokio::select! {
            biased;
            () = stop.cancelled() => Some(Err("it was stopped before that was known".to_owned())),
            verdict = verified(check, metrics) => verdict,
        };
    }
    if let Err(why) = tell(office, order.is_over(&ended), clock.now()).await {
        let lost = format!(
            "
how it ended is not in the timeline: {why}"
        );
        ended.output.push_str(&lost);
    }
    ended
}

/// Waits, asks, and says whether the answer is as it has to be; nothing where nothing is asked.
async fn verified(check: &Check, metrics: Option<&dyn Metrics>) -> Option<Result<String, String>> {
    tokio::time::sleep(check.wait).await;
    let (query, expect) = check.query.as_ref()?;
    let Some(metrics) = metrics else {
        return Some(Err("no metrics backend is configured".to_owned()));
    };
    Some(match metrics.instant(query.clone(), None, None).await {
        Ok(answer) => {
            let values: Vec<f64> = answer.value.iter().map(|sample| sample.value).collect();
            expect.judge(&values)
        }
        Err(error) => Err(error.to_string()),
    })
}

async fn tell(office: &Office, told: Told, now: Now) -> Result<(), String> {
    let (journal, author) = office.desk().await?;
    let kept = journal
        .write(move |tx| runbooks::tell(tx, &author, told, now))
        .await;
    kept.map_err(|error| error.to_string())
}

/// Ticks a step, or takes its tick off.
pub(super) async fn tick(
    office: &Office,
    of: TicksOf,
    (step, mark): (String, Mark),
    told: Told,
    now: Now,
) -> Result<(), String> {
    let (journal, author) = office.desk().await?;
    let kept = journal
        .write(move |tx| runbooks::mark(tx, &author, &of, (&step, mark), told, now))
        .await;
    kept.map_err(|error| format!("the tick was not kept: {error}"))
}

/// Tells which steps are done, at once and whenever the journal says otherwise, whoever ticked them.
async fn followed(office: Office, mut asked: watch::Receiver<Option<TicksOf>>, results: mpsc::Sender<Msg>) {
    if asked.wait_for(Option::is_some).await.is_err() {
        return;
    }
    let mut opened = office.desk().await;
    let mut changes = opened.as_ref().ok().map(|(journal, _)| journal.changes());
    let mut told = None;
    loop {
        let of = asked.borrow_and_update().clone();
        if opened.is_err() {
            // What kept the journal from being opened may be gone when it is asked for again.
            opened = office.desk().await;
            changes = opened.as_ref().ok().map(|(journal, _)| journal.changes());
        }
        if let Some(of) = of {
            let result = match &opened {
                Ok((journal, author)) => ticks(journal, Arc::clone(&author.context), of.clone()).await,
                Err(why) => Err(why.clone()),
            };
            let now = Some((of.clone(), result.clone()));
            // The journal changes for much else.
            if now != told {
                told = now;
                if results.send(Msg::StepsTicked { of, result }).await.is_err() {
                    return;
                }
            }
        }
        let moved_on = async {
            match &mut changes {
                Some(changes) => changes.changed().await.is_ok(),
                None => std::future::pending().await,
            }
        };
        let goes_on = tokio::select! {
            asked = asked.changed() => {
                // Asked anew, as a page that was opened again is: it is answered whatever was told before.
                told = None;
                asked.is_ok()
            }
            goes_on = moved_on => goes_on,
        };
        if !goes_on {
            return;
        }
    }
}

async fn ticks(journal: &Journal, context: Arc<str>, of: TicksOf) -> Result<Vec<Ticked>, String> {
    let read = journal.read(move |tx| runbooks::ticks(tx, &context, &of)).await;
    read.map_err(|error| error.to_string())
}
