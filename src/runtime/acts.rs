//! Acts carried out: planned on the board as it stands, sent over clusters, told in one line.

use std::sync::Arc;
use std::time::Duration;

use super::outbox::Office;
use crate::app::acts::{Act, Declaration, Renewal};
use crate::app::msg::{ActResult, ActState};
use crate::backend::Backends;
use crate::backend::alerts::cluster::clusters;
use crate::backend::incidents::local::Local;
use crate::domain::alert::ack::is_ack;
use crate::domain::alert::lease::Lease;
use crate::domain::alert::plan::{ack_plan, hand_back_plan};
use crate::domain::alert::{AlertBoard, Fingerprint, IsAck, Occurrence};
use crate::domain::incident::Severity;
use crate::domain::incident::local::{self, LinkedAlert};
use crate::outbox::{Draft, Entry, Extension, Payload, State, plan};
use crate::text::SafeText;
use crate::time::Now;

/// What an act needs, taken when it starts.
pub(super) struct Work {
    pub(super) backends: Arc<Backends>,
    pub(super) board: Arc<AlertBoard>,
    pub(super) identity: Arc<str>,
    pub(super) lease: Duration,
    /// How long silences, notes, updates and marks can still be taken back.
    pub(super) grace: Duration,
    pub(super) now: Now,
}

/// How long a renewal is waited for. One that takes longer goes on in the outbox, and is not asked for again
/// meanwhile.
const RENEWAL: Duration = Duration::from_secs(60);

/// What is said of an act that found no room.
pub(super) const NO_ROOM: &str = "too much is under way; try again when it is done";

/// What an act becomes in the outbox, and what was left out of it, in words.
pub(super) struct Planned {
    pub(super) drafts: Vec<Draft>,
    pub(super) left_out: Vec<String>,
}

impl Work {
    /// Plans an act on the board as it stands. Renewals are planned by [`Work::renewed`].
    pub(super) fn plan(&self, act: Act) -> Planned {
        let mut left_out = Vec::new();
        let grace = if act.has_grace() {
            self.grace
        } else {
            Duration::ZERO
        };
        let drafts = match act {
            Act::Acknowledge { alerts, note } => {
                let planned = ack_plan(&alerts, &self.board);
                left_out.extend(planned.left_out.iter().map(|(_, why)| why.words()));
                plan::acknowledge(&planned, &self.board, &self.planning(note, self.lease, grace))
            }
            Act::HandBack { alerts } => {
                let planned = hand_back_plan(&self.occurrences(&alerts), &self.board, &self.identity);
                left_out.extend(planned.refused.iter().map(|(_, why)| why.clone()));
                plan::hand_back(&planned, &self.board)
            }
            Act::Silence(request) => {
                let clusters = clusters(&self.board.sources, &self.backends.writable);
                let wanted = clusters
                    .into_iter()
                    .map(|cluster| cluster.name)
                    .filter(|name| request.clusters.is_empty() || request.clusters.contains(name));
                let (seen, unseen): (Vec<_>, Vec<_>) = wanted.partition(|name| self.board.answers(name));
                left_out.extend(unseen.iter().map(|name| {
                    format!("not silenced at {name}: it does not answer, so what would be hidden there is not known")
                }));
                let order = self.planning(request.comment, request.duration, grace);
                plan::silence(&request.matchers, &seen, &self.board, &order)
            }
            Act::Extend { cluster, id, until } => {
                vec![plan::extend(&self.board, &cluster, &id, until, Extension::Asked)]
            }
            Act::Expire { cluster, id } => vec![plan::expire(&self.board, &cluster, &id)],
            Act::Incident {
                incident,
                act,
                seen,
                label,
            } => vec![Draft::new(
                Payload::Incident {
                    incident,
                    act,
                    seen,
                    label,
                },
                grace,
            )],
            Act::Annotate(draft) => vec![Draft::new(Payload::Annotation(draft), grace)],
            Act::Renew(_) | Act::Declare(_) => Vec::new(),
        };
        Planned { drafts, left_out }
    }

    /// Declares a local incident: the journal that keeps it is its backend, so that it is confirmed once it is kept.
    pub(super) async fn declare(
        &self,
        asked: Declaration,
        local: Option<Local>,
    ) -> Result<ActResult, String> {
        let Some(local) = local else {
            return Err("not declared: there is no journal that would keep it".to_owned());
        };
        let severity = Severity::by_word(&asked.severity)
            .ok_or_else(|| format!("not declared: there is no severity {}", asked.severity))?;
        let linked = asked.alerts.iter().filter_map(|alert| {
            let alert = self.board.by_fingerprint.get(alert)?;
            Some(LinkedAlert {
                occurrence: alert.occurrence,
                name: Arc::from(&*alert.name),
                severity: alert.severity.clone(),
            })
        });
        let declaration = local::Declaration {
            title: asked.title.as_str().into(),
            severity,
            service: asked.service.as_deref().map(Arc::from),
            policy: None,
            alerts: linked.collect(),
            by: Arc::clone(&self.identity),
            rule: None,
        };
        let declared = local.declare(declaration).await;
        let declared = declared.map_err(|error| format!("not declared: {error}"))?;
        let (state, message) = match declared.nobody_woken() {
            None => (
                ActState::Confirmed,
                format!("declared {}: {}", declared.id(), SafeText::line(&asked.title)),
            ),
            Some(why) => (
                ActState::Unheard,
                format!(
                    "declared {}; {why}. Phone somebody: the page `on call` has the numbers",
                    declared.id()
                ),
            ),
        };
        Ok(ActResult {
            state,
            message,
            leases: Vec::new(),
        })
    }

    fn planning(&self, text: String, length: Duration, grace: Duration) -> plan::Order {
        plan::Order {
            identity: Arc::clone(&self.identity),
            text,
            at: self.now.utc,
            length,
            grace,
        }
    }

    fn occurrences(&self, alerts: &[Fingerprint]) -> Vec<Occurrence> {
        alerts
            .iter()
            .filter_map(|f| self.board.by_fingerprint.get(f))
            .map(|alert| alert.occurrence)
            .collect()
    }

    /// Lets acknowledgements last longer, through the outbox: what ends one of them meanwhile waits its turn there,
    /// and is not undone. Said only where it fails: a renewal that works is no news.
    pub(super) async fn renewed(&self, renewals: Vec<Renewal>, office: &Office) -> ActResult {
        let mut told = Renewed::default();
        let mut wanted = Vec::new();
        let mut drafts = Vec::new();
        for Renewal { lease, until } in renewals {
            let listed = self
                .board
                .silences
                .iter()
                .find(|row| row.cluster == lease.cluster && row.silence.id == lease.id);
            match listed {
                // Somebody may have edited the comment since: then it is no acknowledgement any more.
                Some(row) if is_ack(&row.silence.comment) == IsAck::No => {}
                Some(_) => {
                    let why = Extension::Renewal;
                    drafts.push(plan::extend(&self.board, &lease.cluster, &lease.id, until, why));
                    wanted.push(lease);
                }
                None => told.not_extended(ActState::Failed, "the silence is listed no more"),
            }
        }
        if drafts.is_empty() {
            return told.0;
        }
        match office.renew(drafts, RENEWAL).await {
            Ok(entries) => {
                for (lease, entry) in wanted.into_iter().zip(entries) {
                    // Without an entry its end is under way.
                    if let Some(entry) = entry {
                        told.add(lease, &entry);
                    }
                }
            }
            Err(why) => told.not_extended(ActState::Failed, &why),
        }
        told.0
    }
}

/// What became of renewals, added up.
struct Renewed(ActResult);

impl Default for Renewed {
    fn default() -> Self {
        Self(ActResult {
            state: ActState::Confirmed,
            message: String::new(),
            leases: Vec::new(),
        })
    }
}

impl Renewed {
    fn add(&mut self, lease: Lease, entry: &Entry) {
        let words = [entry.last_error.as_deref(), Some(&*entry.outcome)];
        let why = words.into_iter().flatten().find(|words| !words.is_empty());
        match entry.state {
            State::Confirmed => self.0.leases.extend(entry.renewed(lease)),
            State::Pending | State::Sending | State::NeedsDecision => {
                self.not_extended(ActState::Unknown, why.unwrap_or("no answer yet"));
            }
            State::Failed | State::Cancelled => {
                self.not_extended(ActState::Failed, why.unwrap_or("refused"));
            }
        }
    }

    fn not_extended(&mut self, state: ActState, why: &str) {
        self.0.state = self.0.state.max(state);
        self.0.message = format!("an acknowledgement was not extended: {}", SafeText::line(why));
    }
}

/// What is said of an act of which nothing was left.
pub(super) fn nothing_left(left_out: &[String]) -> ActResult {
    match left_out.first() {
        Some(why) => failed(SafeText::line(why).as_str()),
        None => failed("nothing to do: it fires no more"),
    }
}

/// That it was not saved, and why.
pub(super) fn failed(why: &str) -> ActResult {
    ActResult {
        state: ActState::Failed,
        message: why.to_owned(),
        leases: Vec::new(),
    }
}
