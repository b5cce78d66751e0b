//! Acts on alerts as outbox entries: planned on the board as it stands, so that they can be sent later without
//! it.
//!
//! One entry a silence and cluster. What is left out of an act is said beside it. Start at [`acknowledge`],
//! [`hand_back`] and [`silence`].

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Draft, Extension, Payload, Purpose, Sight};
use crate::backend::alerts::write::fresh_marker;
use crate::domain::alert::ack;
use crate::domain::alert::plan::{AckPlan, HandBackPlan};
use crate::domain::alert::{AlertBoard, Fingerprint, Matcher};
use crate::time::after;

/// Who acts, when, what they say, and how it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Who; becomes the silence's author.
    pub identity: Arc<str>,
    /// The note of an acknowledgement, the comment of a silence.
    pub text: String,
    /// Now.
    pub at: DateTime<Utc>,
    /// How long it is to last.
    pub length: Duration,
    /// How long it can still be taken back.
    pub grace: Duration,
}

impl Order {
    /// What it waits before it is sent is not taken from its length.
    fn until(&self) -> DateTime<Utc> {
        after(self.at, self.length.saturating_add(self.grace))
    }
}

/// The members of a cluster that a board knows, those that are not down first; `first` before them all.
pub fn members(board: &AlertBoard, cluster: &str, first: Option<&str>) -> Vec<Arc<str>> {
    let mut sources: Vec<_> = board
        .sources
        .iter()
        .filter(|source| *source.cluster == *cluster)
        .collect();
    sources.sort_by_key(|source| (first != Some(&*source.name), source.fault.is_some()));
    sources
        .into_iter()
        .map(|source| Arc::clone(&source.name))
        .collect()
}

/// The silences that acknowledge, one entry each.
pub fn acknowledge(plan: &AckPlan, board: &AlertBoard, order: &Order) -> Vec<Draft> {
    let planned = plan.silences.iter().map(|planned| {
        let marker = fresh_marker();
        let payload = Payload::Silence {
            cluster: Arc::clone(&planned.cluster),
            members: members(board, &planned.cluster, None),
            matchers: planned.matchers.clone(),
            starts_at: order.at,
            ends_at: order.until(),
            comment: ack::comment(&order.identity, order.at, &order.text, &marker),
            purpose: Purpose::Acknowledge {
                covers: planned.covers.clone(),
            },
        };
        Draft {
            payload,
            marker,
            grace: order.grace,
            sight: Sight::Seen,
        }
    });
    planned.collect()
}

/// The silences that end with a hand-back.
pub fn hand_back(plan: &HandBackPlan, board: &AlertBoard) -> Vec<Draft> {
    let planned = plan.expire.iter().map(|(cluster, id)| {
        let gives_up = |fingerprint: &&Fingerprint| {
            let alert = board.by_fingerprint.get(*fingerprint);
            alert.is_some_and(|alert| {
                board
                    .silences_of(alert)
                    .any(|row| row.cluster == *cluster && row.silence.id == *id)
            })
        };
        let payload = Payload::ExpireSilence {
            cluster: Arc::clone(cluster),
            members: members(board, cluster, lister(board, cluster, id)),
            id: Arc::clone(id),
            hands_back: plan
                .alerts
                .iter()
                .chain(&plan.also)
                .filter(gives_up)
                .copied()
                .collect(),
        };
        Draft::new(payload, Duration::ZERO)
    });
    planned.collect()
}

fn lister<'a>(board: &'a AlertBoard, cluster: &str, id: &str) -> Option<&'a str> {
    let row = board
        .silences
        .iter()
        .find(|row| *row.cluster == *cluster && *row.silence.id == *id)?;
    Some(&row.source)
}

/// One silence in each of these clusters.
pub fn silence(matchers: &[Matcher], clusters: &[Arc<str>], board: &AlertBoard, order: &Order) -> Vec<Draft> {
    let planned = clusters.iter().map(|cluster| {
        let marker = fresh_marker();
        let payload = Payload::Silence {
            cluster: Arc::clone(cluster),
            members: members(board, cluster, None),
            matchers: matchers.to_vec(),
            starts_at: order.at,
            ends_at: order.until(),
            comment: marker.mark(&order.text),
            purpose: Purpose::Silence,
        };
        Draft {
            payload,
            marker,
            grace: order.grace,
            sight: Sight::Seen,
        }
    });
    planned.collect()
}

/// Lets a silence last longer.
pub fn extend(
    board: &AlertBoard,
    cluster: &Arc<str>,
    id: &Arc<str>,
    until: DateTime<Utc>,
    why: Extension,
) -> Draft {
    let payload = Payload::ExtendSilence {
        cluster: Arc::clone(cluster),
        members: members(board, cluster, lister(board, cluster, id)),
        id: Arc::clone(id),
        until,
        why,
    };
    Draft::new(payload, Duration::ZERO)
}

/// Ends a silence.
pub fn expire(board: &AlertBoard, cluster: &Arc<str>, id: &Arc<str>) -> Draft {
    let payload = Payload::ExpireSilence {
        cluster: Arc::clone(cluster),
        members: members(board, cluster, lister(board, cluster, id)),
        id: Arc::clone(id),
        hands_back: Vec::new(),
    };
    Draft::new(payload, Duration::ZERO)
}
