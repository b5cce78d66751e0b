//! The board's layout: which alerts pass, in which groups, most urgent first.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Arrangement, Desk, Sources};
use crate::domain::alert::{AlertGroup, Grouping, Labels, SeverityRank, Standing, StateChoice};
use crate::time::Now;

/// Members of a group to be: places in the ranking, so that sorting them ranks them.
struct Bucket {
    key: Labels,
    places: Vec<u32>,
}

impl Desk {
    /// The groups, and how many alerts they show (each once).
    pub(super) fn groups(
        &mut self,
        sources: &Sources<'_>,
        question: &Arrangement,
        now: Now,
    ) -> (Vec<Arc<AlertGroup>>, usize) {
        // place[i] = where entry i stands in the ranking, or none where it does not pass
        let mut place: Vec<Option<u32>> = vec![None; self.entries.len()];
        let mut shown = 0;
        for (rank, &i) in (0u32..).zip(&self.order) {
            let entry = &self.entries[i as usize];
            let alert = &entry.alert;
            let passes = !entry.watchdog
                && chosen(question.states, entry.standing)
                && question.scope.selects(alert)
                && self.filter.filter.is_match(alert, now);
            if passes {
                place[i as usize] = Some(rank);
                shown += 1;
            }
        }
        let mut buckets = match &question.grouping {
            Grouping::Server => self.by_server(sources, &place),
            Grouping::Labels(names) => self.by_labels(names, &place),
            Grouping::Flat => self.flat(&place),
        };
        for bucket in &mut buckets {
            bucket.places.sort_unstable();
            bucket.places.dedup();
        }
        // a group is as urgent as its most urgent member
        buckets.sort_by(|a, b| {
            a.places
                .first()
                .cmp(&b.places.first())
                .then_with(|| a.key.cmp(&b.key))
        });
        let groups: Vec<Arc<AlertGroup>> = buckets
            .into_iter()
            .filter_map(|bucket| self.group(bucket))
            .collect();
        self.groups = groups
            .iter()
            .filter_map(|group| Some((group.alerts.first()?.occurrence.fingerprint, Arc::clone(group))))
            .collect();
        (groups, shown)
    }

    fn by_server(&self, sources: &Sources<'_>, place: &[Option<u32>]) -> Vec<Bucket> {
        let mut buckets: Vec<Bucket> = Vec::new();
        let mut index: HashMap<&Labels, usize> = HashMap::new();
        let mut grouped = vec![false; place.len()];
        for (_, snapshot) in sources.heard() {
            for group in &snapshot.groups {
                // the same labels for several receivers, or at several sources, are one group to a reader
                let at = *index.entry(&group.key).or_insert_with(|| {
                    buckets.push(Bucket {
                        key: group.key.clone(),
                        places: Vec::with_capacity(group.members.len()),
                    });
                    buckets.len() - 1
                });
                for member in &group.members {
                    let Ok(i) = self.fingerprints.binary_search(member) else {
                        continue;
                    };
                    grouped[i] = true;
                    buckets[at].places.extend(place[i]);
                }
            }
        }
        // what no group of the server's holds any more: gone and resolved
        let mut rest: HashMap<Arc<str>, Vec<u32>> = HashMap::new();
        for (i, place) in place.iter().enumerate().filter(|(i, _)| !grouped[*i]) {
            if let Some(place) = place {
                rest.entry(Arc::clone(&self.entries[i].alert.name))
                    .or_default()
                    .push(*place);
            }
        }
        buckets.extend(rest.into_iter().map(|(name, places)| Bucket {
            key: Labels::from_iter([(Arc::from("alertname"), name)]),
            places,
        }));
        buckets.retain(|bucket| !bucket.places.is_empty());
        buckets
    }

    fn by_labels(&self, names: &[Arc<str>], place: &[Option<u32>]) -> Vec<Bucket> {
        let mut index: HashMap<Vec<Option<&Arc<str>>>, Vec<u32>> = HashMap::new();
        for (i, place) in place.iter().enumerate() {
            if let Some(place) = place {
                let labels = &self.entries[i].alert.labels;
                index
                    .entry(names.iter().map(|n| labels.shared(n)).collect())
                    .or_default()
                    .push(*place);
            }
        }
        let key = |values: Vec<Option<&Arc<str>>>| -> Labels {
            let there = names
                .iter()
                .zip(values)
                .filter_map(|(name, value)| Some((name, value?)));
            there
                .map(|(name, value)| (Arc::clone(name), Arc::clone(value)))
                .collect()
        };
        index
            .into_iter()
            .map(|(values, places)| Bucket {
                key: key(values),
                places,
            })
            .collect()
    }

    fn flat(&self, place: &[Option<u32>]) -> Vec<Bucket> {
        let shown = self.entries.iter().zip(place);
        shown
            .filter_map(|(entry, place)| {
                Some(Bucket {
                    key: entry.alert.labels.clone(),
                    places: vec![(*place)?],
                })
            })
            .collect()
    }

    /// The group of a bucket: the last board's own, where it is the same.
    fn group(&self, bucket: Bucket) -> Option<Arc<AlertGroup>> {
        let entries = || {
            bucket
                .places
                .iter()
                .map(|place| &self.entries[self.order[*place as usize] as usize])
        };
        let first = entries().next()?;
        if let Some(last) = self.groups.get(&first.fingerprint())
            && last.key == bucket.key
            && last.alerts.len() == bucket.places.len()
            && last
                .alerts
                .iter()
                .zip(entries())
                .all(|(a, entry)| Arc::ptr_eq(a, &entry.alert))
        {
            return Some(Arc::clone(last));
        }
        let severest = entries().min_by_key(|entry| entry.rank);
        Some(Arc::new(AlertGroup {
            severity: severest.and_then(|entry| entry.alert.severity.clone()),
            rank: severest.map_or(SeverityRank::Other, |entry| entry.rank),
            alerts: entries().map(|entry| Arc::clone(&entry.alert)).collect(),
            key: bucket.key,
        }))
    }
}

fn chosen(states: StateChoice, standing: Standing) -> bool {
    match (states, standing) {
        (StateChoice::All, _)
        | (StateChoice::Active, Standing::Unacknowledged | Standing::Acknowledged)
        | (StateChoice::Suppressed, Standing::Suppressed) => true,
        (StateChoice::Active, Standing::Suppressed | Standing::Over)
        | (StateChoice::Suppressed, Standing::Unacknowledged | Standing::Acknowledged | Standing::Over) => {
            false
        }
    }
}
