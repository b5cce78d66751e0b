//! One write to a gossip cluster, and looks for what became of it: what the outbox sends silences with.
//!
//! A write goes to the first member that it reaches; the next one is tried only where nothing was sent. An
//! answer that is lost is an error whose delivery is not known; what became of it is the caller's to find out,
//! through [`find`], [`find_extended`] or [`find_expired`]. What was made is read back at the member that made
//! it (gossip takes seconds).

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;

use super::{Alerts, SilenceDraft};
use crate::backend::{BackendError, BackendResult, Delivery, ErrorKind};
use crate::domain::alert::ack::Marker;
use crate::domain::alert::{Silence, SilenceState};
use crate::outbox::post::{Delivered, Found};

/// Times within this are the same: servers keep milliseconds, and set a start that has passed to their own now.
const SAME: TimeDelta = TimeDelta::seconds(2);

type Members = [Arc<dyn Alerts>];

/// A marker nobody else has: fifty bits from the standard library's randomly keyed hasher.
pub fn fresh_marker() -> Marker {
    Marker::from_bits(RandomState::new().hash_one(0_u8))
}

fn delivered(member: &Arc<dyn Alerts>, id: &Arc<str>, words: &str) -> Delivered {
    Delivered {
        remote_ids: vec![(Arc::clone(member.name()), Arc::clone(id))],
        words: words.to_owned(),
    }
}

/// Accepted, but it is not known to be there: to be looked for.
fn unread(member: &Arc<dyn Alerts>, detail: String) -> BackendError {
    BackendError {
        kind: ErrorKind::BadAnswer,
        backend: format!("alertmanager {}", member.name()).into(),
        tried: "GET /api/v2/silences".to_owned(),
        detail,
        mend: String::new(),
        status: None,
        retry_after: None,
        delivery: Delivery::Unknown,
    }
}

fn refused(member: &Arc<dyn Alerts>, detail: String) -> BackendError {
    BackendError {
        kind: ErrorKind::Rejected,
        delivery: Delivery::Answered,
        ..unread(member, detail)
    }
}

/// What the members said, none of whom was reached.
fn unreached(errors: Vec<BackendError>) -> BackendError {
    let words: Vec<String> = errors.iter().map(BackendError::cause).collect();
    let wait = errors.iter().filter_map(|error| error.retry_after).max();
    match errors.into_iter().next_back() {
        Some(last) => BackendError {
            detail: words.join("; "),
            mend: String::new(),
            retry_after: wait,
            ..last
        },
        None => BackendError {
            kind: ErrorKind::Unreachable,
            backend: "alertmanagers".into(),
            tried: "sending".to_owned(),
            detail: "there is no Alertmanager that may be written to".to_owned(),
            mend: String::new(),
            status: None,
            retry_after: None,
            delivery: Delivery::NotSent,
        },
    }
}

/// Makes a silence.
pub async fn make(members: &Members, draft: SilenceDraft, marker: &Marker) -> BackendResult<Delivered> {
    let mut tried = Vec::new();
    for member in members {
        match member.put_silence(draft.clone()).await {
            Ok(id) => return made(member, &id, &draft, marker).await,
            Err(error) if error.delivery == Delivery::NotSent => tried.push(error),
            Err(error) => return Err(error),
        }
    }
    Err(unreached(tried))
}

/// Reads back what was made, and ends twins that a lost answer left behind.
async fn made(
    member: &Arc<dyn Alerts>,
    id: &Arc<str>,
    draft: &SilenceDraft,
    marker: &Marker,
) -> BackendResult<Delivered> {
    let silences = match member.silences().await {
        Ok(silences) => silences,
        Err(error) => return Err(unread(member, format!("accepted, but not read back: {error}"))),
    };
    end_twins(member, &silences, id, marker).await;
    let Some(made) = silences.iter().find(|silence| silence.id == *id) else {
        let detail = format!("accepted, but {} does not list it", member.name());
        return Err(unread(member, detail));
    };
    let same_matchers = made.matchers.len() == draft.matchers.len()
        && draft.matchers.iter().all(|m| made.matchers.contains(m));
    let words = match (same_matchers, made.state) {
        (false, _) => "what the server lists has other matchers: look at it in the silences",
        (true, SilenceState::Active) => "",
        (true, SilenceState::Pending) => {
            "it is not in force yet: this machine's clock is ahead of the server's"
        }
        (true, SilenceState::Expired) => "the server lists it as expired",
    };
    Ok(delivered(member, id, words))
}

async fn end_twins(member: &Arc<dyn Alerts>, silences: &[Silence], id: &Arc<str>, marker: &Marker) {
    let in_force = |silence: &&Silence| silence.state != SilenceState::Expired && carries(silence, marker);
    for twin in silences.iter().filter(in_force).filter(|twin| twin.id != *id) {
        // best effort: a twin hides the same alerts for the same time
        let _ = member.expire_silence(Arc::clone(&twin.id)).await;
    }
}

fn carries(silence: &Silence, marker: &Marker) -> bool {
    Marker::of(&silence.comment).as_ref() == Some(marker)
}

/// What the members of a cluster list.
struct Listed<'a> {
    /// Those that answer, each with its silences.
    lists: Vec<(&'a Arc<dyn Alerts>, Vec<Silence>)>,
}

/// Every member's silences; an error where none of them answers.
async fn listed(members: &Members) -> BackendResult<Listed<'_>> {
    let asked = join_all(
        members
            .iter()
            .map(|member| async move { (member, member.silences().await) }),
    )
    .await;
    let mut lists = Vec::new();
    let mut errors = Vec::new();
    for (member, answer) in asked {
        match answer {
            Ok(silences) => lists.push((member, silences)),
            Err(error) => errors.push(error),
        }
    }
    if lists.is_empty() {
        return Err(unreached(errors));
    }
    Ok(Listed { lists })
}

/// Looks for a silence by its marker, at every member that its cluster has now: the one that was written to may not
/// have told the others yet. `all` are the Alertmanagers of the context; `known` names the members of `cluster` that
/// were known when it was asked for, whose gossip names the others. One that has ended since was made all the same.
/// It is absent only where every member says so: one that is silent may be the one that has it.
pub async fn find(all: &Members, cluster: &str, known: &[Arc<str>], marker: &Marker) -> BackendResult<Found> {
    let asked = join_all(all.iter().map(|member| async move {
        let (status, silences) = futures::future::join(member.status(), member.silences()).await;
        (member, status.ok(), silences)
    }))
    .await;
    let is_known = |member: &Arc<dyn Alerts>| **member.name() == *cluster || known.contains(member.name());
    let of_known = asked.iter().filter(|(member, ..)| is_known(member));
    let peers: BTreeSet<&str> = of_known
        .filter_map(|(_, status, _)| status.as_ref())
        .flat_map(|status| status.peers.iter().map(String::as_str))
        .collect();
    let mut unheard = peers.clone();
    let mut lists = Vec::new();
    let mut errors = Vec::new();
    let mut silent: Vec<&str> = Vec::new();
    for (member, status, silences) in &asked {
        let peer = status.as_ref().and_then(|status| status.name.as_deref());
        let peer = peer.filter(|peer| peers.contains(peer));
        if !is_known(member) && peer.is_none() {
            continue;
        }
        match silences {
            Ok(silences) => {
                lists.push((*member, silences));
                if let Some(peer) = peer {
                    unheard.remove(peer);
                }
            }
            Err(error) => {
                silent.push(member.name());
                errors.push(error.clone());
            }
        }
    }
    if lists.is_empty() {
        return Err(unreached(errors));
    }
    // One that the configuration names no more may be the one that was written to, unless it has left the cluster:
    // then all who are in it have answered.
    if peers.is_empty() || !unheard.is_empty() {
        let named = |name: &&Arc<str>| all.iter().any(|member| member.name() == *name);
        silent.extend(known.iter().filter(|name| !named(name)).map(AsRef::as_ref));
    }
    let mut found: Option<(&Arc<dyn Alerts>, &Silence)> = None;
    for (member, silences) in &lists {
        for silence in silences.iter().filter(|silence| carries(silence, marker)) {
            let better = found.is_none_or(|(_, held)| {
                held.state == SilenceState::Expired && silence.state != SilenceState::Expired
            });
            if better {
                found = Some((member, silence));
            }
        }
    }
    let Some((member, silence)) = found else {
        return Ok(if silent.is_empty() {
            Found::Absent
        } else {
            Found::Unasked(format!(
                "whether it was made is not known: no member that answers lists it, and {} cannot be asked",
                silent.join(", ")
            ))
        });
    };
    if let Some((_, silences)) = lists.iter().find(|(held, _)| held.name() == member.name()) {
        end_twins(member, silences, &silence.id, marker).await;
    }
    let words = if silence.state == SilenceState::Expired {
        "it was made, and has ended since"
    } else {
        "the answer was lost; found by its marker"
    };
    Ok(Found::Done(delivered(member, &silence.id, words)))
}

/// Lets a silence last until `until`. Lists first, at every member: a write to a silence that has expired would
/// make a new one, and one to a member that has not heard of its end yet would undo it, which nobody asked for.
pub async fn extend(members: &Members, id: &Arc<str>, until: DateTime<Utc>) -> BackendResult<Delivered> {
    let Listed { lists } = listed(members).await.map_err(|error| BackendError {
        // a list changes nothing, whatever became of it
        delivery: Delivery::NotSent,
        ..error
    })?;
    let mut standing = Vec::new();
    let mut unlisted = None;
    for (member, silences) in &lists {
        match in_force(silences, id) {
            Ok(silence) => standing.push((*member, silence)),
            Err(why) if silences.iter().any(|silence| silence.id == *id) => return Err(refused(member, why)),
            Err(why) => unlisted = Some(refused(member, why)),
        }
    }
    if let (true, Some(nowhere)) = (standing.is_empty(), unlisted) {
        return Err(nowhere);
    }
    let mut tried = Vec::new();
    for (member, silence) in standing {
        let draft = SilenceDraft {
            id: Some(Arc::clone(id)),
            matchers: silence.matchers.clone(),
            starts_at: silence.starts_at, // unchanged, else the server makes a new one
            ends_at: until,
            created_by: silence.created_by.to_string(),
            comment: silence.comment.to_string(),
        };
        match member.put_silence(draft).await {
            Ok(new) => return lasting(member, &new, id, until).await,
            Err(error) if error.delivery == Delivery::NotSent => tried.push(error),
            Err(error) => return Err(error),
        }
    }
    Err(unreached(tried))
}

fn in_force<'a>(silences: &'a [Silence], id: &str) -> Result<&'a Silence, String> {
    match silences.iter().find(|silence| *silence.id == *id) {
        None => Err("it is not listed; make a new one to hide anew".to_owned()),
        Some(silence) if silence.state == SilenceState::Expired => {
            Err("it has expired; make a new one to hide anew".to_owned())
        }
        Some(silence) => Ok(silence),
    }
}

async fn lasting(
    member: &Arc<dyn Alerts>,
    new: &Arc<str>,
    old: &Arc<str>,
    until: DateTime<Utc>,
) -> BackendResult<Delivered> {
    let listed = member.silences().await;
    let there = listed.as_ref().is_ok_and(|all| {
        all.iter()
            .any(|silence| silence.id == *new && lasts(silence, until))
    });
    if !there {
        return Err(unread(member, "accepted, but not read back".to_owned()));
    }
    let words = if new == old {
        String::new()
    } else {
        format!("the server made it anew as {new}")
    };
    Ok(delivered(member, new, &words))
}

fn lasts(silence: &Silence, until: DateTime<Utc>) -> bool {
    silence.state != SilenceState::Expired && silence.ends_at + SAME >= until
}

/// Looks whether a silence lasts as was asked: under its own id, or under the one that the server made of it.
pub async fn find_extended(members: &Members, id: &Arc<str>, until: DateTime<Utc>) -> BackendResult<Found> {
    let Listed { lists } = listed(members).await?;
    let marker = lists
        .iter()
        .flat_map(|(_, silences)| silences)
        .find(|silence| silence.id == *id)
        .and_then(|silence| Marker::of(&silence.comment));
    let is_it = |silence: &Silence| {
        silence.id == *id || marker.as_ref().is_some_and(|marker| carries(silence, marker))
    };
    for (member, silences) in &lists {
        if let Some(silence) = silences
            .iter()
            .find(|silence| is_it(silence) && lasts(silence, until))
        {
            return Ok(Found::Done(delivered(
                member,
                &silence.id,
                "the answer was lost; it lasts as asked",
            )));
        }
    }
    let standing = lists.iter().map(|(_, silences)| in_force(silences, id));
    let mut why = String::new();
    for standing in standing {
        match standing {
            Ok(_) => return Ok(Found::Absent),
            Err(words) => why = words,
        }
    }
    Ok(Found::Vanished(why))
}

/// Expires a silence. Expiring twice is expiring.
pub async fn expire(members: &Members, id: &Arc<str>) -> BackendResult<Delivered> {
    let mut tried = Vec::new();
    for member in members {
        match member.expire_silence(Arc::clone(id)).await {
            Ok(()) => {
                let silences = match member.silences().await {
                    Ok(silences) => silences,
                    Err(error) => {
                        return Err(unread(member, format!("accepted, but not read back: {error}")));
                    }
                };
                if is_in_force(&silences, id) {
                    let detail = format!("accepted, but {} still lists it in force", member.name());
                    return Err(unread(member, detail));
                }
                return Ok(delivered(member, id, ""));
            }
            Err(error) if error.delivery == Delivery::NotSent => tried.push(error),
            Err(error) => return Err(error),
        }
    }
    Err(unreached(tried))
}

/// One that is listed no more is expired too: the server forgets it in time.
fn is_in_force(silences: &[Silence], id: &str) -> bool {
    let standing = |silence: &Silence| *silence.id == *id && silence.state != SilenceState::Expired;
    silences.iter().any(standing)
}

/// Looks whether a silence has ended.
pub async fn find_expired(members: &Members, id: &Arc<str>, done: &str) -> BackendResult<Found> {
    let Listed { lists } = listed(members).await?;
    match lists.iter().find(|(_, silences)| !is_in_force(silences, id)) {
        Some((member, _)) => Ok(Found::Done(delivered(member, id, done))),
        None => Ok(Found::Absent),
    }
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
