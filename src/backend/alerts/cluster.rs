//! Gossip clusters: which Alertmanagers stand for one another, and which of them may be written to.
//!
//! It sends nothing: see [`write`](super::write). Start at [`clusters`].

use std::sync::Arc;

use super::Alerts;
use crate::domain::alert::BoardSource;

/// One gossip cluster: its members that may be written to, the preferred one first.
#[derive(Clone)]
pub struct Cluster {
    /// As the board names it.
    pub name: Arc<str>,
    /// Never empty where it is to be written to.
    pub members: Vec<Arc<dyn Alerts>>,
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
