//! Acts carried out: planned on the board as it stands, sent over clusters, told in one line.

use std::sync::Arc;
use std::time::Duration;

use crate::app::acts::{Act, Renewal, SilenceRequest};
use crate::app::msg::{ActResult, ActState};
use crate::backend::Backends;
use crate::backend::alerts::acts::{self, Cluster, Order};
use crate::domain::alert::ack::is_ack;
use crate::domain::alert::json::{self, ActOutcome};
use crate::domain::alert::lease::Lease;
use crate::domain::alert::matcher::display_list;
use crate::domain::alert::plan::{ack_plan, hand_back_plan};
use crate::domain::alert::{AlertBoard, BoardSilence, Fingerprint, IsAck, Occurrence};
use crate::text::SafeText;
use crate::time::Now;

/// What an act needs, taken when it starts.
pub(super) struct Work {
    pub(super) backends: Arc<Backends>,
    pub(super) board: Arc<AlertBoard>,
    pub(super) identity: Arc<str>,
    pub(super) lease: Duration,
    pub(super) now: Now,
}

/// What is said of an act that found no room.
pub(super) fn not_started() -> ActResult {
    ActResult {
        state: ActState::Failed,
        message: "not sent: too much is under way; try again when it is done".to_owned(),
        leases: Vec::new(),
    }
}

impl Work {
    /// Carries out an act.
    pub(super) async fn carry(&self, act: Act) -> ActResult {
        let clusters = acts::clusters(&self.board.sources, &self.backends.writable);
        match act {
            Act::Acknowledge { alerts, note } => {
                let plan = ack_plan(&alerts, &self.board);
                let done = acts::acknowledge(&plan, &clusters, &self.order(note, self.lease)).await;
                result(&done.outcomes, done.leases)
            }
            Act::HandBack { alerts } => {
                let plan = hand_back_plan(&self.occurrences(&alerts), &self.board, &self.identity);
                result(&acts::hand_back(&plan, &clusters).await, Vec::new())
            }
            Act::Silence(request) => self.silence(request, clusters).await,
            Act::Extend { cluster, id, until } => match self.find(&cluster, &id, &clusters) {
                Ok((row, cluster)) => result(
                    &[acts::extend(&row.silence, &row.source, cluster, until).await],
                    Vec::new(),
                ),
                Err(failed) => failed,
            },
            Act::Expire { cluster, id } => match self.find(&cluster, &id, &clusters) {
                Ok((row, cluster)) => {
                    let target = (Arc::clone(&row.source), cluster.clone(), id);
                    result(&acts::expire(&[target]).await, Vec::new())
                }
                Err(failed) => failed,
            },
            Act::Renew(renewals) => self.renew(renewals, &clusters).await,
            Act::Incident { .. } | Act::Annotate(_) | Act::Declare(_) => ActResult {
                state: ActState::Failed,
                message: "not sent: no keeper of incidents is connected".to_owned(),
                leases: Vec::new(),
            },
        }
    }

    /// Makes a silence where it is known what it hides; a cluster that does not answer is left out, and said.
    async fn silence(&self, request: SilenceRequest, clusters: Vec<Cluster>) -> ActResult {
        let wanted =
            |cluster: &Cluster| request.clusters.is_empty() || request.clusters.contains(&cluster.name);
        let (seen, unseen): (Vec<Cluster>, Vec<Cluster>) = clusters
            .into_iter()
            .filter(wanted)
            .partition(|cluster| self.board.answers(&cluster.name));
        let mut outcomes = Vec::new();
        if !seen.is_empty() {
            let order = self.order(request.comment, request.duration);
            outcomes.push(acts::make(&request.matchers, &seen, &order).await);
        }
        outcomes.extend(unseen.iter().map(|cluster| ActOutcome {
            target: display_list(&request.matchers),
            state: json::ActState::Failed,
            outbox_id: None,
            remote_ids: Vec::new(),
            message: format!(
                "not silenced at {}: it does not answer, so what would be hidden there is not known",
                cluster.name
            ),
        }));
        result(&outcomes, Vec::new())
    }

    fn order(&self, text: String, length: Duration) -> Order {
        Order {
            identity: self.identity.to_string(),
            text,
            at: self.now.utc,
            length,
        }
    }

    fn occurrences(&self, alerts: &[Fingerprint]) -> Vec<Occurrence> {
        alerts
            .iter()
            .filter_map(|f| self.board.by_fingerprint.get(f))
            .map(|alert| alert.occurrence)
            .collect()
    }

    fn find<'a>(
        &'a self,
        cluster: &str,
        id: &str,
        clusters: &'a [Cluster],
    ) -> Result<(&'a BoardSilence, &'a Cluster), ActResult> {
        let row = self
            .board
            .silences
            .iter()
            .find(|row| *row.cluster == *cluster && *row.silence.id == *id);
        let cluster = clusters.iter().find(|held| *held.name == *cluster);
        match (row, cluster) {
            (Some(row), Some(cluster)) => Ok((row, cluster)),
            (None, _) => Err(failed("the silence is listed no more")),
            (_, None) => Err(failed("no member of its cluster may be written to")),
        }
    }

    /// Lets acknowledgements last longer. Said only where it fails: a renewal that works is no news.
    async fn renew(&self, renewals: Vec<Renewal>, clusters: &[Cluster]) -> ActResult {
        let mut leases = Vec::new();
        let mut worst = ActState::Confirmed;
        let mut message = String::new();
        for Renewal { lease, until } in renewals {
            let outcome = match self.find(&lease.cluster, &lease.id, clusters) {
                // Somebody may have edited the comment since: then it is no acknowledgement any more.
                Ok((row, _)) if is_ack(&row.silence.comment) == IsAck::No => continue,
                Ok((row, members)) => acts::extend(&row.silence, &row.source, members, until).await,
                Err(failed) => {
                    worst = worst.max(failed.state);
                    message = failed.message;
                    continue;
                }
            };
            let state = state_of(&outcome);
            worst = worst.max(state);
            if state == ActState::Confirmed {
                // The server may have made it anew under another id.
                let id = outcome
                    .remote_ids
                    .first()
                    .map_or_else(|| Arc::clone(&lease.id), |(_, id)| Arc::clone(id));
                leases.push(Lease {
                    id,
                    set_until: until,
                    ..lease
                });
            } else {
                message = format!(
                    "an acknowledgement was not extended: {}",
                    SafeText::line(&outcome.message)
                );
            }
        }
        ActResult {
            state: worst,
            message,
            leases,
        }
    }
}

fn failed(why: &str) -> ActResult {
    ActResult {
        state: ActState::Failed,
        message: why.to_owned(),
        leases: Vec::new(),
    }
}

fn state_of(outcome: &ActOutcome) -> ActState {
    match outcome.state {
        json::ActState::Confirmed => ActState::Confirmed,
        json::ActState::Pending | json::ActState::NeedsDecision => ActState::Unknown,
        json::ActState::Failed => ActState::Failed,
    }
}

/// The worst of the outcomes, in one line: the message of the first that is as bad.
fn result(outcomes: &[ActOutcome], leases: Vec<Lease>) -> ActResult {
    let state = outcomes.iter().map(state_of).max().unwrap_or(ActState::Failed);
    let alike: Vec<&ActOutcome> = outcomes
        .iter()
        .filter(|outcome| state_of(outcome) == state)
        .collect();
    let message = match alike.as_slice() {
        [] => "nothing to do: it fires no more".to_owned(),
        [one] => SafeText::line(&one.message).into_string(),
        [first, ..] => format!("{} · {} alerts", SafeText::line(&first.message), alike.len()),
    };
    ActResult {
        state,
        message,
        leases,
    }
}
