//! Which Alertmanagers are one gossip cluster: one write reaches all of them.
//!
//! Two sources are one cluster where their configured cluster is the same, or where their status names a
//! gossip member in common. Start at [`resolve`].

use std::collections::HashMap;
use std::sync::Arc;

/// What is known of one source.
#[derive(Debug, Clone, Copy)]
pub struct Membership<'a> {
    /// Its configured name.
    pub source: &'a Arc<str>,
    /// Its configured cluster; its own name where none is.
    pub cluster: &'a Arc<str>,
    /// Gossip members that its status names.
    pub peers: &'a [Arc<str>],
}

/// The cluster of each source, in order: the configured name of any member, else the first member's own name.
pub fn resolve(members: &[Membership<'_>]) -> Vec<Arc<str>> {
    let mut root: Vec<usize> = (0..members.len()).collect();
    let mut first: HashMap<(bool, &str), usize> = HashMap::new();
    for (i, member) in members.iter().enumerate() {
        let configured = std::iter::once((true, member.cluster.as_ref()));
        for key in configured.chain(member.peers.iter().map(|peer| (false, peer.as_ref()))) {
            let other = *first.entry(key).or_insert(i);
            let (a, b) = (find(&root, i), find(&root, other));
            root[a.max(b)] = a.min(b);
        }
    }
    let name_of = |i: usize| {
        let top = find(&root, i);
        let mine = || {
            members
                .iter()
                .enumerate()
                .filter(|(j, _)| find(&root, *j) == top)
                .map(|(_, m)| m)
        };
        mine()
            .find(|m| m.cluster != m.source)
            .or_else(|| mine().next())
            .map_or_else(|| Arc::clone(members[i].source), |m| Arc::clone(m.cluster))
    };
    (0..members.len()).map(name_of).collect()
}

fn find(root: &[usize], mut i: usize) -> usize {
    while root[i] != i {
        i = root[i];
    }
    i
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(members: &[(&str, &str, &[&str])]) -> Vec<String> {
        let shared = |text: &str| -> Arc<str> { text.into() };
        let owned: Vec<_> = members
            .iter()
            .map(|(s, c, p)| {
                (
                    shared(s),
                    shared(c),
                    p.iter().map(|p| shared(p)).collect::<Vec<_>>(),
                )
            })
            .collect();
        let members: Vec<Membership<'_>> = owned
            .iter()
            .map(|(source, cluster, peers)| Membership {
                source,
                cluster,
                peers,
            })
            .collect();
        resolve(&members).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn configured_clusters_hold() {
        assert_eq!(
            names(&[("eu-0", "eu", &[]), ("us-0", "us", &[]), ("eu-1", "eu", &[])]),
            ["eu", "us", "eu"]
        );
    }

    #[test]
    fn sources_that_share_a_gossip_member_are_one() {
        assert_eq!(
            names(&[
                ("a", "a", &["1", "2"]),
                ("b", "b", &["2", "3"]),
                ("c", "c", &["9"])
            ]),
            ["a", "a", "c"]
        );
        assert_eq!(
            names(&[("a", "a", &["1"]), ("b", "b", &["2"]), ("c", "c", &["1", "2"])]),
            ["a", "a", "a"]
        );
        assert_eq!(
            names(&[("a", "a", &["1"]), ("b", "main", &["1"])]),
            ["main", "main"]
        );
    }

    #[test]
    fn sources_that_say_nothing_stand_alone() {
        assert_eq!(names(&[("a", "a", &[]), ("b", "b", &[])]), ["a", "b"]);
        assert!(names(&[]).is_empty());
    }
}
