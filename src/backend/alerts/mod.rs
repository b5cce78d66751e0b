//! Alerts: Alertmanager API v2, several clusters at once, and the acts on it.
//!
//! [`Alerts`] is the signal's trait, one value a configured Alertmanager; `alertmanager` implements it;
//! `cluster` knows which stand for one another; `write` makes, extends and expires a silence in one cluster: one
//! write, at the next member only where nothing was sent, and looks for what became of one whose answer is lost.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;

use super::BackendResult;
use crate::domain::alert::{AlertSnapshot, Matcher, Silence};

pub mod alertmanager;
pub mod cluster;
pub mod write;

/// A silence to be made or changed.
#[derive(Debug, Clone, PartialEq)]
pub struct SilenceDraft {
    /// Present = change that one; the server may answer with a new id.
    pub id: Option<Arc<str>>,
    /// All must match; never one that matches the empty string alone.
    pub matchers: Vec<Matcher>,
    /// From.
    pub starts_at: DateTime<Utc>,
    /// To.
    pub ends_at: DateTime<Utc>,
    /// Who.
    pub created_by: String,
    /// Why; never empty.
    pub comment: String,
}

/// What an Alertmanager says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertmanagerStatus {
    /// Version.
    pub version: String,
    /// `ready`, `settling`, `disabled`.
    pub cluster_status: String,
    /// Its own name in the gossip.
    pub name: Option<String>,
    /// Names of all members, its own included: two with a common member are one cluster.
    pub peers: Vec<String>,
}

/// One Alertmanager.
pub trait Alerts: Send + Sync {
    /// Its configured name.
    fn name(&self) -> &Arc<str>;

    /// Alerts, groups and silences, in one picture.
    fn snapshot(&self) -> BoxFuture<'_, BackendResult<AlertSnapshot>>;

    /// Silences alone: read-back after a write.
    fn silences(&self) -> BoxFuture<'_, BackendResult<Vec<Silence>>>;

    /// Makes or changes a silence; the id that holds from now on. Never repeated by itself.
    fn put_silence(&self, draft: SilenceDraft) -> BoxFuture<'_, BackendResult<Arc<str>>>;

    /// Expires a silence; one that is already expired is done.
    fn expire_silence(&self, id: Arc<str>) -> BoxFuture<'_, BackendResult<()>>;

    /// Version and cluster.
    fn status(&self) -> BoxFuture<'_, BackendResult<AlertmanagerStatus>>;
}
