//! A headless act: journaled, sent by a courier of the command's own, waited for, told.
//!
//! Start at [`Sending::open`] and [`Sending::carry`]. What is not confirmed when the wait is over stays in the
//! outbox: the next console or `midwatch outbox retry` goes on with it, and that is said.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::CliError;
use super::gather::{Deadline, Scene};
use crate::domain::alert::json::{ActOutcome, ActState};
use crate::journal::outbox::{self, Author, Taking};
use crate::journal::{Journal, JournalError, Opening};
use crate::outbox::courier::Setup;
use crate::outbox::decide::Undecided;
use crate::outbox::post::Poster;
use crate::outbox::spread::{Spread, Standing, worst};
use crate::outbox::{Courier, CourierHandle, Decision, Draft, Entry, EntryId, Timings, story};
use crate::runtime::audit_forward;
use crate::text::SafeText;
use crate::time::{Clock, prometheus_duration};

/// The outbox of one command.
pub struct Sending {
    journal: Journal,
    courier: CourierHandle,
    author: Author,
    clock: Clock,
    /// Whether the audit log is sent on.
    forwards: bool,
    /// Ends the courier when the command ends.
    tasks: JoinSet<()>,
}

impl From<JournalError> for CliError {
    fn from(error: JournalError) -> Self {
        Self::Unexpected(error.into())
    }
}

/// The journal of a configuration; what to do where there is none.
pub fn journal(scene: &Scene) -> Result<Journal, CliError> {
    let opening = Opening::of(&scene.config).ok_or_else(|| {
        CliError::Usage(
            "nothing was done: there is no place for the journal, where an act is kept before it is sent; set \
             state_dir in the configuration, or HOME"
                .to_owned(),
        )
    })?;
    Ok(Journal::open(&opening)?)
}

impl Sending {
    /// Opens the journal and sets a courier out.
    pub fn open(scene: &Scene) -> Result<Self, CliError> {
        let journal = journal(scene)?;
        let author = Author {
            context: scene.context.name.as_str().into(),
            actor: scene.config.identity.as_str().into(),
        };
        let (courier, handle) = Courier::new(Setup {
            journal: journal.clone(),
            post: Arc::new(Poster::new(Arc::new(scene.backends.clone()))),
            clock: scene.clock(),
            author: author.clone(),
            timings: Timings::default(),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(courier.run());
        Ok(Self {
            journal,
            courier: handle,
            author,
            clock: scene.clock(),
            forwards: scene.config.audit_forward.is_some(),
            tasks,
        })
    }

    /// Journals acts, waits for them, hands back what is left; the entries as they stand, in order.
    pub async fn carry(self, drafts: Vec<Draft>, deadline: &Deadline) -> Result<Vec<Entry>, CliError> {
        let (author, now) = (self.author.clone(), self.clock.stamp());
        let ids = self
            .journal
            .write(move |tx| outbox::insert(tx, &author, &drafts, &now))
            .await?;
        self.wait(&ids, deadline).await
    }

    /// Takes a decision about an entry.
    pub async fn decide(
        &self,
        id: EntryId,
        decision: Decision,
    ) -> Result<Result<Entry, Undecided>, CliError> {
        let at = Taking {
            actor: Arc::clone(&self.author.actor),
            now: self.clock.stamp(),
        };
        let decided = self
            .journal
            .write(move |tx| outbox::decide(tx, id, decision, &at));
        Ok(decided.await?)
    }

    /// Every open entry of the context, oldest first.
    pub async fn open_entries(&self) -> Result<Vec<Entry>, CliError> {
        let context = Arc::clone(&self.author.context);
        let records = self.journal.read(move |tx| outbox::open(tx, &context)).await?;
        Ok(records.into_iter().map(|record| record.entry).collect())
    }

    /// Those of these entries that this identity may send.
    pub fn is_ours(&self, entry: &Entry) -> bool {
        entry.actor == self.author.actor
    }

    /// Waits for entries, hands back what is left; the entries as they stand, in order.
    pub async fn wait(mut self, ids: &[EntryId], deadline: &Deadline) -> Result<Vec<Entry>, CliError> {
        // What is not over by then stays in the outbox.
        let _ = deadline.within(self.courier.settled(ids)).await;
        self.courier.rest().await;
        self.tasks.shutdown().await;
        let (context, now) = (Arc::clone(&self.author.context), self.clock.now().utc);
        let forwards = self.forwards;
        // Best effort: the next act or console goes on with it.
        let _ = self
            .journal
            .write(move |tx| {
                let forwarded = forwards.then(|| audit_forward::position(tx)).transpose()?;
                outbox::forget(tx, &context, now, forwarded)
            })
            .await;
        let ids = ids.to_vec();
        let entries = self.journal.read(move |tx| {
            let loaded = ids.iter().map(|id| outbox::load(tx, *id));
            loaded.collect::<Result<Vec<_>, _>>()
        });
        let records = entries.await?.into_iter().flatten();
        let entries: Vec<Entry> = records.map(|record| record.entry).collect();
        match self.journal.checked().await {
            Ok(()) => Ok(entries),
            Err(damage) => Err(CliError::Unexpected(color_eyre::eyre::eyre!(
                "{}",
                found_late(&damage, &entries)
            ))),
        }
    }
}

/// The damage of a journal that showed only after it was used, with what became of the acts that went through it.
fn found_late(damage: &JournalError, entries: &[Entry]) -> String {
    let done: Vec<String> = entries
        .iter()
        .map(|entry| {
            let (action, target) = (entry.payload.action(), entry.payload.target());
            SafeText::line(&format!("{action} {target}: {}", entry.state.word())).into_string()
        })
        .collect();
    format!(
        "{damage}; this was found after it was used: {}",
        if done.is_empty() {
            "nothing was done".to_owned()
        } else {
            format!("{}; look there whether it is so", done.join(", "))
        }
    )
}

/// What became of one target: as good as the worst of its entries. `wait` is how long they were waited for.
pub fn outcome(target: String, entries: &[&Entry], wait: Duration) -> ActOutcome {
    let (standing, alike) = worst(entries).unwrap_or((Standing::NotDone, Vec::new()));
    let state = match standing {
        Standing::Done => ActState::Confirmed,
        Standing::UnderWay => ActState::Pending,
        Standing::Asks => ActState::NeedsDecision,
        Standing::NotDone => ActState::Failed,
    };
    let spread = Spread::of(entries);
    let mut words: Vec<String> = spread.iter().map(ToString::to_string).collect();
    if spread.is_some() && state != ActState::Failed {
        words.push("`midwatch outbox` lists what is left".to_owned());
    }
    for entry in alike.into_iter().filter(|_| spread.is_none()) {
        let said = match state {
            // A backend that has nothing to say of it: then what was done is said.
            ActState::Confirmed if entry.outcome.is_empty() => {
                SafeText::line(&story::event(entry).text).into_string()
            }
            ActState::Confirmed | ActState::Failed => entry.outcome.to_string(),
            ActState::Pending => {
                let why = entry
                    .last_error
                    .as_deref()
                    .map(|why| format!(" ({why})"))
                    .unwrap_or_default();
                format!(
                    "journaled, not confirmed within {}{why}; the next console sends it, or `midwatch outbox retry`",
                    prometheus_duration(wait)
                )
            }
            ActState::NeedsDecision => format!(
                "{}; decide with `midwatch outbox send {id}` or `midwatch outbox drop {id}`",
                entry.outcome,
                id = entry.id
            ),
        };
        if !said.is_empty() && !words.contains(&said) {
            words.push(said);
        }
    }
    let ids: Vec<String> = entries.iter().map(|entry| entry.id.to_string()).collect();
    ActOutcome {
        target,
        state,
        outbox_id: (!ids.is_empty()).then(|| ids.join(",")),
        remote_ids: entries
            .iter()
            .flat_map(|entry| entry.remote_ids.clone())
            .collect(),
        message: words.join("; "),
    }
}

/// A target that never came into the outbox.
pub fn refused(target: String, why: String) -> ActOutcome {
    ActOutcome {
        target,
        state: ActState::Failed,
        outbox_id: None,
        remote_ids: Vec::new(),
        message: why,
    }
}
