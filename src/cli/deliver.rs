//! Acts from the command line, through the outbox: journaled, sent at once, waited for.
//!
//! What is not confirmed in time stays in the journal; the next console of the same identity, or `midwatch outbox
//! retry`, goes on with it. Start at [`Scene::deliver`].

use std::sync::Arc;

use super::CliError;
use super::gather::{Deadline, Scene};
use crate::domain::alert::json::{ActOutcome, ActState};
use crate::journal::{Journal, JournalError, Opening, outbox};
use crate::outbox::courier::Setup;
use crate::outbox::post::Poster;
use crate::outbox::{Courier, Draft, Entry, EntryId, State, Timings};

impl Scene {
    /// Whose acts are made here, for which context.
    pub fn author(&self) -> outbox::Author {
        outbox::Author {
            context: Arc::from(self.context.name.as_str()),
            actor: Arc::from(self.config.identity.as_str()),
        }
    }

    /// Opens the journal; without one nothing is done.
    pub fn journal(&self) -> Result<Journal, CliError> {
        let opening = Opening::of(&self.config).ok_or_else(|| {
            not_saved(&JournalError::Unusable {
                path: "midwatch.db".to_owned(),
                why: "there is no state directory".to_owned(),
                mend: "set state_dir, XDG_STATE_HOME or HOME".to_owned(),
            })
        })?;
        Journal::open(&opening).map_err(|error| not_saved(&error))
    }

    /// Journals acts, sends them and waits for them until the deadline: how each stands then, in their order.
    pub async fn deliver(&self, deadline: &Deadline, drafts: Vec<Draft>) -> Result<Vec<Entry>, CliError> {
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        let journal = self.journal()?;
        let (author, stamp) = (self.author(), self.clock().stamp());
        let ids = journal
            .write(move |tx| outbox::insert(tx, &author, &drafts, &stamp))
            .await
            .map_err(|error| not_saved(&error))?;
        self.follow(&journal, deadline, &ids).await
    }

    /// Runs a courier until these entries are settled or ask, or the deadline has passed; how each stands then.
    pub async fn follow(
        &self,
        journal: &Journal,
        deadline: &Deadline,
        ids: &[EntryId],
    ) -> Result<Vec<Entry>, CliError> {
        let setup = Setup {
            journal: journal.clone(),
            post: Arc::new(Poster::new(Arc::new(self.backends.clone()))),
            clock: self.clock(),
            author: self.author(),
            timings: Timings::default(),
        };
        let (courier, handle) = Courier::new(setup);
        let waiting = async {
            // Past the deadline it is said how they stand: that is no failure of the wait.
            let _ = deadline.ask(handle.settled(ids)).await;
            handle.rest().await;
        };
        tokio::select! {
            () = courier.run() => {}
            () = waiting => {}
        }
        let asked = ids.to_vec();
        let entries = journal
            .read(move |tx| {
                asked
                    .into_iter()
                    .map(|id| Ok(outbox::load(tx, id)?.map(|record| record.entry)))
                    .collect::<Result<Vec<_>, _>>()
            })
            .await
            .map_err(|error| CliError::Backend(error.to_string()))?;
        Ok(entries.into_iter().flatten().collect())
    }
}

fn not_saved(error: &JournalError) -> CliError {
    CliError::Backend(format!("nothing was done: {error}"))
}

/// One outcome for what several entries did together, as good as the worst of them.
pub fn together<'a>(target: String, entries: impl IntoIterator<Item = &'a Entry>) -> Option<ActOutcome> {
    let mut outcomes = entries.into_iter().map(outcome);
    let mut merged = outcomes.next()?;
    merged.target = target;
    for other in outcomes {
        if other.state > merged.state {
            merged.state = other.state;
            merged.outbox_id = other.outbox_id;
        }
        if !merged.message.contains(&other.message) {
            merged.message = format!("{}; {}", merged.message, other.message);
        }
        merged.remote_ids.extend(other.remote_ids);
    }
    Some(merged)
}

/// How an entry stands, as the result of an act.
pub fn outcome(entry: &Entry) -> ActOutcome {
    let state = match entry.state {
        State::Confirmed => ActState::Confirmed,
        State::Pending | State::Sending => ActState::Pending,
        State::NeedsDecision => ActState::NeedsDecision,
        State::Failed | State::Cancelled => ActState::Failed,
    };
    let said = match (&entry.last_error, state) {
        (_, ActState::Confirmed) => entry.outcome.to_string(),
        (Some(error), _) => error.to_string(),
        (None, _) => entry.outcome.to_string(),
    };
    let message = match state {
        ActState::Pending => format!(
            "journaled as {}, not yet confirmed: {said}; the next console or `midwatch outbox retry` goes on",
            entry.id
        ),
        ActState::NeedsDecision => format!(
            "{said}; decide with `midwatch outbox send {}` or `midwatch outbox drop {}`",
            entry.id, entry.id
        ),
        ActState::Confirmed | ActState::Failed => said,
    };
    ActOutcome {
        target: entry.payload.target(),
        state,
        outbox_id: Some(entry.id),
        remote_ids: entry.remote_ids.clone(),
        message,
    }
}
