//! Acts carried out: planned on the board as it stands, sent over clusters, told in one line.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::app::acts::{Act, Declaration, Renewal};
use crate::app::msg::{ActResult, ActState};
use crate::backend::alerts::cluster::{Cluster, clusters};
use crate::backend::alerts::{Alerts, write};
use crate::backend::incidents::local::Local;
use crate::backend::{BackendResult, Backends};
use crate::domain::alert::ack::is_ack;
use crate::domain::alert::lease::Lease;
use crate::domain::alert::plan::{ack_plan, hand_back_plan};
use crate::domain::alert::{AlertBoard, BoardSilence, Fingerprint, IsAck, Occurrence};
use crate::domain::incident::Severity;
use crate::domain::incident::local::{self, LinkedAlert};
use crate::outbox::decide::{Trouble, trouble};
use crate::outbox::post::{Delivered, Found};
use crate::outbox::{Draft, Payload, plan};
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
    /// Whether an extension is under way of an acknowledgement that the act ends.
    pub(super) renewal: RenewalUnderWay,
    pub(super) now: Now,
}

/// Whether an extension is under way of an acknowledgement that an act ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RenewalUnderWay {
    /// The act waits for it in the outbox.
    Yes,
    /// It goes out at once.
    No,
}

/// How long what ends an acknowledgement waits in the outbox for an extension of it that is under way, at most:
/// once that is over, it goes out at once. Only a console that ended meanwhile leaves it waiting so long.
const RENEWAL: Duration = Duration::from_secs(60);

/// What is said of an act that found no room.
pub(super) const NO_ROOM: &str = "too much is under way; try again when it is done";

/// What an act becomes in the outbox, and what was left out of it, in words.
pub(super) struct Planned {
    pub(super) drafts: Vec<Draft>,
    pub(super) left_out: Vec<String>,
}

impl Work {
    /// Plans an act on the board as it stands. A renewal is none: it says nothing new, is decided afresh on every
    /// board, and one that comes late would be wrong; it goes out by [`Work::renewed`].
    pub(super) fn plan(&self, act: Act) -> Planned {
        let mut left_out = Vec::new();
        let grace = if act.has_grace() {
            self.grace
        } else {
            Duration::ZERO
        };
        let mut drafts = match act {
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
            Act::Extend { cluster, id, until } => vec![plan::extend(&self.board, &cluster, &id, until)],
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
        if self.renewal == RenewalUnderWay::Yes {
            for draft in &mut drafts {
                draft.grace = RENEWAL;
            }
        }
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
        Ok(ActResult {
            state: ActState::Confirmed,
            message: format!("declared {}: {}", declared.id(), SafeText::line(&asked.title)),
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

    /// Extends acknowledgements; nothing else goes out beside the outbox.
    pub(super) async fn renewed(&self, renewals: Vec<Renewal>) -> ActResult {
        let clusters = clusters(&self.board.sources, &self.backends.writable);
        self.renew(renewals, &clusters).await
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
            let extended = match self.find(&lease.cluster, &lease.id, clusters) {
                // Somebody may have edited the comment since: then it is no acknowledgement any more.
                Ok((row, _)) if is_ack(&row.silence.comment) == IsAck::No => continue,
                Ok((row, cluster)) => extend(&cluster.preferring(&row.source), &lease.id, until).await,
                Err(failed) => {
                    worst = worst.max(failed.state);
                    message = failed.message;
                    continue;
                }
            };
            match extended {
                Ok(delivered) => {
                    // The server may have made it anew under another id.
                    let id = delivered.remote_ids.into_iter().next().map(|(_, id)| id);
                    leases.push(Lease {
                        id: id.unwrap_or_else(|| Arc::clone(&lease.id)),
                        set_until: until,
                        ..lease
                    });
                }
                Err(error) => {
                    worst = worst.max(match trouble(&error) {
                        Trouble::Lost => ActState::Unknown,
                        Trouble::Later | Trouble::Refused => ActState::Failed,
                    });
                    let why = error.to_string();
                    message = format!("an acknowledgement was not extended: {}", SafeText::line(&why));
                }
            }
        }
        ActResult {
            state: worst,
            message,
            leases,
        }
    }
}

/// Lets a silence last until then. An answer that is lost is looked for once: the next extension is due before the
/// silence ends.
async fn extend(
    members: &[Arc<dyn Alerts>],
    id: &Arc<str>,
    until: DateTime<Utc>,
) -> BackendResult<Delivered> {
    let extended = write::extend(members, id, until).await;
    match extended {
        Err(error) if trouble(&error) == Trouble::Lost => {
            match write::find_extended(members, id, until).await {
                Ok(Found::Done(delivered)) => Ok(delivered),
                Ok(_) | Err(_) => Err(error),
            }
        }
        known => known,
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
