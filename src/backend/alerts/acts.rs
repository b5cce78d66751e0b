//! Acts on Alertmanagers: acknowledge, silence, extend, hand back, expire, over clusters.
//!
//! Making a silence is not idempotent, so it is written to one member of a gossip cluster; to the next only
//! where nothing was sent; and after a lost answer only when the silences were listed and its [`Marker`] was
//! not among them. What was made is read back at the member that made it (gossip takes seconds). Nothing here
//! waits or repeats by itself: what is not known ends as pending. Clusters are written to side by side.
//! Start at [`acknowledge`] and [`make`].

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;

use super::{Alerts, SilenceDraft};
use crate::backend::{BackendError, Delivery};
use crate::domain::alert::ack::{self, Marker};
use crate::domain::alert::json::{ActOutcome, ActState};
use crate::domain::alert::lease::Lease;
use crate::domain::alert::plan::{AckPlan, HandBackPlan};
use crate::domain::alert::{BoardSource, Fingerprint, Matcher, Occurrence, Silence, SilenceState, matcher};

/// Times within this are the same: servers keep milliseconds, and set a start that has passed to their own now.
const SAME: TimeDelta = TimeDelta::seconds(2);

/// One gossip cluster: its members that may be written to, the preferred one first.
#[derive(Clone)]
pub struct Cluster {
    /// As the board names it.
    pub name: Arc<str>,
    /// Never empty where it is to be written to.
    pub members: Vec<Arc<dyn Alerts>>,
}

impl Cluster {
    /// The same cluster, `source` asked first: it is known to have what is acted on.
    #[must_use]
    fn preferring(&self, source: &str) -> Self {
        let mut members = self.members.clone();
        members.sort_by_key(|member| member.name().as_ref() != source);
        Self {
            name: Arc::clone(&self.name),
            members,
        }
    }
}

/// The clusters of a board, from its sources and the backends that may be written to; members that are not
/// down come first.
pub fn clusters(sources: &[BoardSource], backends: &[Arc<dyn Alerts>]) -> Vec<Cluster> {
    let mut clusters: Vec<Cluster> = Vec::new();
    let mut ordered: Vec<&BoardSource> = sources.iter().collect();
    ordered.sort_by_key(|source| source.fault.is_some());
    for source in ordered {
        let Some(backend) = backends.iter().find(|backend| *backend.name() == source.name) else {
            continue;
        };
        match clusters.iter_mut().find(|cluster| cluster.name == source.cluster) {
            Some(cluster) => cluster.members.push(Arc::clone(backend)),
            None => clusters.push(Cluster {
                name: Arc::clone(&source.cluster),
                members: vec![Arc::clone(backend)],
            }),
        }
    }
    clusters
}

/// A marker nobody else has: fifty bits from the standard library's randomly keyed hasher.
pub fn fresh_marker() -> Marker {
    Marker::from_bits(RandomState::new().hash_one(0u8))
}

/// Who acts, when, and what they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Who; becomes the silence's author.
    pub identity: String,
    /// The note of an acknowledgement, the comment of a silence.
    pub text: String,
    /// Now.
    pub at: DateTime<Utc>,
    /// How long it is to last.
    pub length: Duration,
}

impl Order {
    fn until(&self) -> DateTime<Utc> {
        self.at + TimeDelta::from_std(self.length).unwrap_or(TimeDelta::MAX)
    }
}

/// What came of acknowledging.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Acknowledged {
    /// One an alert, in the plan's order.
    pub outcomes: Vec<ActOutcome>,
    /// What this console now holds and has to keep.
    pub leases: Vec<Lease>,
}

/// What came of one write at one cluster.
#[derive(Debug, Clone)]
struct Placed {
    state: ActState,
    /// The member and the silence's id there.
    remote: Option<(Arc<str>, Arc<str>)>,
    message: String,
}

impl Placed {
    fn failed(message: String) -> Self {
        Self {
            state: ActState::Failed,
            remote: None,
            message,
        }
    }

    fn pending(message: String) -> Self {
        Self {
            state: ActState::Pending,
            remote: None,
            message,
        }
    }
}

/// Carries out an acknowledgement's plan.
pub async fn acknowledge(plan: &AckPlan, clusters: &[Cluster], order: &Order) -> Acknowledged {
    let per_cluster = join_all(clusters.iter().map(|cluster| async move {
        let mut placed = Vec::new();
        for planned in plan
            .silences
            .iter()
            .filter(|planned| planned.cluster == cluster.name)
        {
            let marker = fresh_marker();
            let draft = SilenceDraft {
                id: None,
                matchers: planned.matchers.clone(),
                starts_at: order.at,
                ends_at: order.until(),
                created_by: order.identity.clone(),
                comment: ack::comment(&order.identity, order.at, &order.text, &marker),
            };
            placed.push((planned, place(cluster, draft, &marker).await));
        }
        placed
    }))
    .await;
    let placed: Vec<_> = per_cluster.into_iter().flatten().collect();

    let mut by_alert: BTreeMap<Fingerprint, Vec<Placed>> = BTreeMap::new();
    let mut acknowledged = Acknowledged::default();
    for planned in &plan.silences {
        let there = placed
            .iter()
            .filter(|(p, _)| std::ptr::eq(*p, planned))
            .map(|(_, placed)| placed.clone())
            .next();
        let unknown = || {
            Placed::failed(format!(
                "cluster {} has no member that may be written to",
                planned.cluster
            ))
        };
        let placed = there.unwrap_or_else(unknown);
        if let Some((_, id)) = &placed.remote {
            acknowledged.leases.push(Lease {
                cluster: Arc::clone(&planned.cluster),
                id: Arc::clone(id),
                covers: planned.covers.clone(),
                started_at: order.at,
                set_until: order.until(),
            });
        }
        for Occurrence { fingerprint, .. } in &planned.covers {
            by_alert.entry(*fingerprint).or_default().push(placed.clone());
        }
    }
    let done = format!("acknowledged until {}", order.until().format("%H:%MZ"));
    acknowledged.outcomes.extend(
        by_alert
            .into_iter()
            .map(|(f, placed)| merged(f.to_string(), placed, &done)),
    );
    acknowledged
        .outcomes
        .extend(plan.left_out.iter().map(|(occurrence, why)| ActOutcome {
            target: occurrence.fingerprint.to_string(),
            state: ActState::Failed,
            outbox_id: None,
            remote_ids: Vec::new(),
            message: why.words(),
        }));
    acknowledged
}

/// Makes one silence in each of these clusters.
pub async fn make(matchers: &[Matcher], clusters: &[Cluster], order: &Order) -> ActOutcome {
    let target = matcher::display_list(matchers);
    let placed = join_all(clusters.iter().map(|cluster| {
        let marker = fresh_marker();
        let draft = SilenceDraft {
            id: None,
            matchers: matchers.to_vec(),
            starts_at: order.at,
            ends_at: order.until(),
            created_by: order.identity.clone(),
            comment: marker.mark(&order.text),
        };
        async move { place(cluster, draft, &marker).await }
    }))
    .await;
    merged(
        target,
        placed,
        &format!("silenced until {}", order.until().format("%Y-%m-%d %H:%MZ")),
    )
}

/// Lets a silence last until `until`; the server may give it a new id, which is the one that holds.
pub async fn extend(silence: &Silence, source: &str, cluster: &Cluster, until: DateTime<Utc>) -> ActOutcome {
    let target = silence.id.to_string();
    let placed = extend_at(silence, &cluster.preferring(source), until).await;
    merged(
        target,
        vec![placed],
        &format!("extended until {}", until.format("%Y-%m-%d %H:%MZ")),
    )
}

/// Expires silences: (source that lists it, its cluster, id).
pub async fn expire(silences: &[(Arc<str>, Cluster, Arc<str>)]) -> Vec<ActOutcome> {
    join_all(silences.iter().map(|(source, cluster, id)| async move {
        let placed = expire_at(&cluster.preferring(source), id).await;
        merged(id.to_string(), vec![placed], "expired")
    }))
    .await
}

/// Carries out a hand-back: the plan's silences expire, and what was refused says why.
pub async fn hand_back(plan: &HandBackPlan, clusters: &[Cluster]) -> Vec<ActOutcome> {
    let placed = join_all(plan.expire.iter().map(|(cluster, id)| async move {
        match clusters.iter().find(|c| c.name == *cluster) {
            Some(cluster) => expire_at(cluster, id).await,
            None => Placed::failed(format!("cluster {cluster} has no member that may be written to")),
        }
    }))
    .await;
    let also = match plan.also.len() {
        0 => String::new(),
        1 => "; one more alert shared it and alerts again".to_owned(),
        n => format!("; {n} more alerts shared it and alert again"),
    };
    let done = format!("handed back{also}");
    let handed = plan
        .alerts
        .iter()
        .map(|fingerprint| merged(fingerprint.to_string(), placed.clone(), &done));
    let refused = plan.refused.iter().map(|(occurrence, why)| ActOutcome {
        target: occurrence.fingerprint.to_string(),
        state: ActState::Failed,
        outbox_id: None,
        remote_ids: Vec::new(),
        message: why.clone(),
    });
    handed.chain(refused).collect()
}

/// One outcome of what came of the clusters: as good as the worst of them.
fn merged(target: String, placed: Vec<Placed>, done: &str) -> ActOutcome {
    let any = |state| placed.iter().any(|p| p.state == state);
    let state = if placed.is_empty() || any(ActState::Failed) {
        ActState::Failed
    } else if any(ActState::Pending) {
        ActState::Pending
    } else {
        ActState::Confirmed
    };
    let mut words: Vec<&str> = Vec::new();
    if state == ActState::Confirmed {
        words.push(done);
    }
    for p in &placed {
        if !p.message.is_empty() && !words.contains(&p.message.as_str()) {
            words.push(&p.message);
        }
    }
    if placed.is_empty() {
        words.push("there is no Alertmanager that may be written to");
    }
    ActOutcome {
        target,
        state,
        outbox_id: None,
        message: words.join("; "),
        remote_ids: placed.into_iter().filter_map(|p| p.remote).collect(),
    }
}

/// Whether the request may have been acted on though no answer of the server's came: time ran out, or a proxy
/// answered in its place.
fn is_lost(error: &BackendError) -> bool {
    error.delivery == Delivery::Unknown || matches!(error.status, Some(502 | 504))
}

/// What a cluster's members said to a write, none of which was a success.
#[derive(Default)]
struct Tried {
    words: Vec<String>,
    /// One may have been acted on, or may be yet: a list that does not show it proves nothing.
    lost: bool,
}

impl Tried {
    fn add(&mut self, error: &BackendError) {
        self.lost |= is_lost(error);
        self.words.push(error.to_string());
    }

    /// Nobody else is to be asked.
    fn end(self, cluster: &Cluster) -> Placed {
        if self.words.is_empty() {
            return Placed::failed(format!(
                "cluster {} has no member that may be written to",
                cluster.name
            ));
        }
        let words = self.words.join("; ");
        if self.lost {
            Placed::pending(format!("{words}; whether it will arrive yet is not known"))
        } else {
            Placed::failed(words)
        }
    }
}

/// Makes a silence at one cluster.
async fn place(cluster: &Cluster, draft: SilenceDraft, marker: &Marker) -> Placed {
    let mut tried = Tried::default();
    for member in &cluster.members {
        match member.put_silence(draft.clone()).await {
            Ok(id) => return confirm(member, id, &draft, marker).await,
            Err(error) if error.delivery == Delivery::NotSent => tried.add(&error),
            Err(error) if is_lost(&error) => match look(cluster, member, marker).await {
                Look::Found { source, id } => {
                    return Placed {
                        state: ActState::Confirmed,
                        remote: Some((source, id)),
                        message: "the answer was lost; found by its marker".to_owned(),
                    };
                }
                Look::Absent => tried.add(&error),
                Look::Unknown(why) => {
                    return Placed::pending(format!("{error}; whether it arrived is not known: {why}"));
                }
            },
            Err(error) => {
                tried.add(&error);
                break;
            }
        }
    }
    tried.end(cluster)
}

enum Look {
    Found { source: Arc<str>, id: Arc<str> },
    Absent,
    Unknown(String),
}

/// Looks for a marker in the cluster's silences: at the member that was written to, else at the others.
async fn look(cluster: &Cluster, written: &Arc<dyn Alerts>, marker: &Marker) -> Look {
    let mut why = Vec::new();
    let others = cluster
        .members
        .iter()
        .filter(|member| member.name() != written.name());
    for member in std::iter::once(written).chain(others) {
        match member.silences().await {
            Ok(silences) => {
                let found = silences.into_iter().find(|s| carries(s, marker));
                return found.map_or(Look::Absent, |s| Look::Found {
                    source: Arc::clone(member.name()),
                    id: s.id,
                });
            }
            Err(error) => why.push(error.to_string()),
        }
    }
    Look::Unknown(why.join("; "))
}

fn carries(silence: &Silence, marker: &Marker) -> bool {
    silence.state != SilenceState::Expired && Marker::of(&silence.comment).as_ref() == Some(marker)
}

/// Reads back what was made, at the member that made it, and ends twins that a lost answer left behind.
async fn confirm(member: &Arc<dyn Alerts>, id: Arc<str>, draft: &SilenceDraft, marker: &Marker) -> Placed {
    let remote = Some((Arc::clone(member.name()), Arc::clone(&id)));
    let pending = |message: String| Placed {
        state: ActState::Pending,
        remote: remote.clone(),
        message,
    };
    let silences = match member.silences().await {
        Ok(silences) => silences,
        Err(error) => return pending(format!("accepted, but not read back: {error}")),
    };
    for twin in silences.iter().filter(|s| s.id != id && carries(s, marker)) {
        // best effort: a twin hides the same alerts for the same time
        let _ = member.expire_silence(Arc::clone(&twin.id)).await;
    }
    let Some(made) = silences.iter().find(|s| s.id == id) else {
        return pending(format!("accepted, but {} does not list it", member.name()));
    };
    let same_matchers = made.matchers.len() == draft.matchers.len()
        && draft.matchers.iter().all(|m| made.matchers.contains(m));
    if !same_matchers {
        return pending(
            "accepted, but what the server lists has other matchers; look at it in the silences".to_owned(),
        );
    }
    let message = match made.state {
        SilenceState::Active => String::new(),
        SilenceState::Pending => {
            "it is not in force yet: this machine's clock is ahead of the server's".to_owned()
        }
        SilenceState::Expired => return pending("accepted, but the server lists it as expired".to_owned()),
    };
    Placed {
        state: ActState::Confirmed,
        remote,
        message,
    }
}

/// Lists first: a write to a silence that has expired would make a new one, which nobody asked for.
async fn extend_at(silence: &Silence, cluster: &Cluster, until: DateTime<Utc>) -> Placed {
    let draft = SilenceDraft {
        id: Some(Arc::clone(&silence.id)),
        matchers: silence.matchers.clone(),
        starts_at: silence.starts_at, // unchanged, else the server makes a new one
        ends_at: until,
        created_by: silence.created_by.to_string(),
        comment: silence.comment.to_string(),
    };
    let mut tried = Tried::default();
    for member in &cluster.members {
        match member.silences().await {
            Ok(all) => {
                if let Some(why) = not_in_force(&all, &silence.id, member.name()) {
                    tried.words.push(why);
                    break;
                }
            }
            Err(error) => {
                // a list changes nothing, whatever became of it
                tried.words.push(error.to_string());
                continue;
            }
        }
        match member.put_silence(draft.clone()).await {
            Ok(id) => return lasting(member, id, silence, until).await,
            Err(error) if error.delivery == Delivery::NotSent => tried.add(&error),
            Err(error) if is_lost(&error) => match found_again(member, silence, until).await {
                Ok(Some(placed)) => return placed,
                // the same write again is the same silence: the next member may have it
                Ok(None) => tried.add(&error),
                Err(unread) => {
                    return Placed::pending(format!("{error}; whether it arrived is not known: {unread}"));
                }
            },
            Err(error) => {
                tried.add(&error);
                break;
            }
        }
    }
    tried.end(cluster)
}

fn not_in_force(all: &[Silence], id: &str, member: &str) -> Option<String> {
    match all.iter().find(|silence| *silence.id == *id) {
        None => Some(format!("{member} does not list it; make a new one to hide anew")),
        Some(silence) if silence.state == SilenceState::Expired => {
            Some("it has expired; make a new one to hide anew".to_owned())
        }
        Some(_) => None,
    }
}

/// Reads back an extension that was accepted.
async fn lasting(member: &Arc<dyn Alerts>, id: Arc<str>, silence: &Silence, until: DateTime<Utc>) -> Placed {
    let listed = member.silences().await;
    let there = listed
        .as_ref()
        .is_ok_and(|all| all.iter().any(|s| s.id == id && lasts(s, until)));
    let message = match (there, id == silence.id) {
        (false, _) => "accepted, but not read back".to_owned(),
        (true, true) => String::new(),
        (true, false) => format!("the server made it anew as {id}"),
    };
    Placed {
        state: if there {
            ActState::Confirmed
        } else {
            ActState::Pending
        },
        remote: Some((Arc::clone(member.name()), id)),
        message,
    }
}

/// Looks for an extension whose answer was lost.
async fn found_again(
    member: &Arc<dyn Alerts>,
    silence: &Silence,
    until: DateTime<Utc>,
) -> Result<Option<Placed>, BackendError> {
    let marker = Marker::of(&silence.comment);
    let is_it = |s: &Silence| s.id == silence.id || marker.as_ref().is_some_and(|m| carries(s, m));
    let all = member.silences().await?;
    let found = all.iter().find(|s| is_it(s) && lasts(s, until));
    Ok(found.map(|found| Placed {
        state: ActState::Confirmed,
        remote: Some((Arc::clone(member.name()), Arc::clone(&found.id))),
        message: "the answer was lost; it lasts as asked".to_owned(),
    }))
}

fn lasts(silence: &Silence, until: DateTime<Utc>) -> bool {
    silence.state != SilenceState::Expired && silence.ends_at + SAME >= until
}

/// Expiring twice is expiring: any member will do, and the next is tried whenever one did not answer.
async fn expire_at(cluster: &Cluster, id: &Arc<str>) -> Placed {
    let mut tried = Tried::default();
    for member in &cluster.members {
        match member.expire_silence(Arc::clone(id)).await {
            Ok(()) => {
                let remote = Some((Arc::clone(member.name()), Arc::clone(id)));
                let (state, message) = match member.silences().await {
                    // one that is listed no more is expired too: the server forgets it in time
                    Ok(all)
                        if all
                            .iter()
                            .all(|s| s.id != *id || s.state == SilenceState::Expired) =>
                    {
                        (ActState::Confirmed, String::new())
                    }
                    Ok(_) => (
                        ActState::Pending,
                        format!("accepted, but {} still lists it in force", member.name()),
                    ),
                    Err(error) => (ActState::Pending, format!("accepted, but not read back: {error}")),
                };
                return Placed {
                    state,
                    remote,
                    message,
                };
            }
            Err(error) if error.delivery == Delivery::NotSent || is_lost(&error) => tried.add(&error),
            Err(error) => {
                tried.add(&error);
                break;
            }
        }
    }
    tried.end(cluster)
}

#[cfg(test)]
mod tests;
