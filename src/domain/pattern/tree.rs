//! The tree, and what happens to a line in it.

use std::collections::HashMap;
use std::sync::Arc;

use super::cluster::{Cluster, Likeness, Template};
use super::line::{Reader, Written, spoken};
use super::masked::{Reach, Token, Told, mix};
use super::trend::{Course, Trend, bucket};
use super::{Bounds, Matcher, Pattern, PatternId, Tally};
use crate::domain::log::{Level, Nanos};

/// First words of lines of the same length that have a leaf of their own; the others share one.
const CHILDREN: u32 = 32;

/// Words of which this share must be the same: `failed to fetch` and `failed to write` are not alike.
const ALIKE: f64 = 0.6;

/// A leaf of more clusters than these asks for less, so that words nobody masked become `<*>` in the end.
const CROWDED: [(usize, f64); 2] = [(48, 0.34), (16, 0.5)];

/// Where there is no room, patterns of so few lines give way, the one that is longest away first.
const RARE: u64 = 4;

/// Else one of which no line was among so many gives way.
const AWAY: u64 = 10_000;

/// The clusters of one service and level.
#[derive(Debug)]
struct Tree {
    service: Option<Arc<str>>,
    level: Level,
    members: Vec<usize>,
}

/// The trees of one service.
#[derive(Debug, Default)]
struct Service {
    trees: [Option<usize>; Level::ALL.len()],
    known_from: Option<Nanos>,
}

/// Learns lines and tells their patterns. One owner; nothing in it grows past its [`Bounds`].
#[derive(Debug)]
pub struct Patterns {
    bounds: Bounds,
    reader: Reader,
    services: HashMap<Arc<str>, Service>,
    nameless: Service,
    trees: Vec<Tree>,
    clusters: Vec<Option<(Cluster, Written)>>,
    marks: Vec<Mark>,
    free: Vec<usize>,
    leaves: HashMap<u64, Vec<usize>>,
    /// Leaves by writing and length.
    children: HashMap<u64, u32>,
    next: u64,
    tally: Tally,
    newest: Option<Nanos>,
}

/// A line on its way.
struct Arrival<'a> {
    at: Nanos,
    tree: usize,
    written: Written,
    /// What it says, whole.
    line: &'a [u8],
    /// As much of it as an example keeps.
    cut: &'a [u8],
}

/// Where a line of this writing, length and first word belongs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    branch: u64,
    leaf: u64,
}

/// What is needed of a cluster to find those that may give way, close together in memory.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    /// Lines.
    count: u64,
    /// Lines seen in all when its last one came.
    touched: u64,
}

impl Patterns {
    /// None yet.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            reader: Reader::new(reach(&bounds)),
            services: HashMap::new(),
            nameless: Service::default(),
            trees: Vec::new(),
            clusters: Vec::new(),
            marks: Vec::new(),
            free: Vec::new(),
            leaves: HashMap::new(),
            children: HashMap::new(),
            next: 0,
            tally: Tally::default(),
            newest: None,
        }
    }

    /// Takes a line in: any bytes, at any time, in any order. `extra` is what its source knows beside it (a flat
    /// JSON object or empty), which speaks where there is no text. Tells its pattern; none for a blank line and
    /// for one there is no room for.
    pub fn learn(
        &mut self,
        at: Nanos,
        level: Level,
        service: Option<&str>,
        text: &[u8],
        extra: &[u8],
    ) -> Option<PatternId> {
        self.tally.seen += 1;
        self.newest = self.newest.max(Some(at));
        let written = self.reader.read(text, extra);
        if self.reader.masked.tokens.is_empty() {
            self.tally.blank += 1;
            return None;
        }
        let line = spoken(text, extra);
        let cut = line.get(..self.bounds.example_bytes).unwrap_or(line);
        let id = self.tree(at, level, service).and_then(|tree| {
            let arrival = Arrival {
                at,
                tree,
                written,
                line,
                cut,
            };
            self.settle(&arrival)
        });
        match id {
            Some(_) => self.tally.clustered += 1,
            None => self.tally.unclustered += 1,
        }
        id
    }

    /// Where all lines went.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// The patterns, the most frequent first.
    pub fn list(&self, now: Nanos) -> Vec<Pattern> {
        // A tail that stands still does not make its patterns vanish.
        let now = self.newest.map_or(now, |newest| newest.min(now));
        let last = bucket(now, self.bounds.bucket);
        let seen = self.tally.seen.max(1) as f64;
        let told = |(cluster, _): &(Cluster, Written)| {
            let tree = self.trees.get(cluster.tree)?;
            let known_from = self.service(tree.service.as_deref())?.known_from?;
            let trend = cluster.trend.until(last);
            let course = Course {
                trend: &trend,
                width: self.bounds.bucket,
                count: cluster.count,
                first: cluster.first,
                last: cluster.last,
                known_from,
            };
            let standing = course.standing(now);
            let mut examples = cluster.examples.clone();
            examples.sort_by_key(|example| std::cmp::Reverse(example.at));
            Some(Pattern {
                id: cluster.id,
                service: tree.service.clone(),
                level: tree.level,
                form: cluster.form.clone(),
                template: Arc::clone(&cluster.words),
                count: cluster.count,
                share: cluster.count as f64 / seen,
                first: cluster.first,
                last: cluster.last,
                known_from,
                trend,
                standing,
                examples,
            })
        };
        let mut all: Vec<Pattern> = self.clusters.iter().flatten().filter_map(told).collect();
        all.sort_by_key(|pattern| (std::cmp::Reverse(pattern.count), pattern.id));
        all
    }

    /// Tells whether lines belong to a pattern; none where it gave way to others.
    pub fn matcher(&self, id: PatternId) -> Option<Matcher> {
        let (cluster, written) = self.clusters.iter().flatten().find(|(c, _)| c.id == id)?;
        let tree = self.trees.get(cluster.tree)?;
        let whose = (tree.service.clone(), tree.level);
        let reader = Reader::new(reach(&self.bounds));
        Some(Matcher::new(whose, *written, cluster.template.clone(), reader))
    }

    fn service(&self, name: Option<&str>) -> Option<&Service> {
        name.map_or(Some(&self.nameless), |name| self.services.get(name))
    }

    /// The tree of a service and level; none where there is no room for another.
    fn tree(&mut self, at: Nanos, level: Level, name: Option<&str>) -> Option<usize> {
        let full = self.trees.len() >= self.bounds.trees;
        let service = match name {
            None => &mut self.nameless,
            Some(name) => {
                if !self.services.contains_key(name) {
                    if full {
                        return None;
                    }
                    self.services.insert(name.into(), Service::default());
                }
                self.services.get_mut(name)?
            }
        };
        service.known_from = Some(service.known_from.map_or(at, |known| known.min(at)));
        let place = service.trees.get_mut(level as usize)?;
        if place.is_none() && !full {
            *place = Some(self.trees.len());
            self.trees.push(Tree {
                service: name
                    .and_then(|name| self.services.get_key_value(name))
                    .map(|(name, _)| Arc::clone(name)),
                level,
                members: Vec::new(),
            });
            return Some(self.trees.len() - 1);
        }
        *place
    }

    /// Finds the cluster of the line that was just read, or makes one.
    fn settle(&mut self, arrival: &Arrival) -> Option<PatternId> {
        let place = self.place(arrival);
        let tokens = &self.reader.masked.tokens;
        let when = bucket(arrival.at, self.bounds.bucket);
        let leaf = self
            .leaves
            .get(&place.leaf)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let Some((nth, likeness)) = self.nearest(leaf, tokens) else {
            return self.found(arrival, place, when);
        };
        let &index = leaf.get(nth)?;
        let (cluster, _) = self.clusters.get_mut(index)?.as_mut()?;
        cluster.take(arrival.at, when, arrival.cut);
        let id = cluster.id;
        self.marks.get_mut(index)?.touch(self.tally.seen);
        match likeness {
            Likeness::Fits(_) => {
                // The frequent ones come first, so that they are found first.
                if nth > 0
                    && let Some(leaf) = self.leaves.get_mut(&place.leaf)
                {
                    leaf.swap(nth, nth - 1);
                }
            }
            Likeness::Share(_) => {
                cluster.template.widen(tokens);
                cluster.words = cluster.template.words().into();
                self.gather(index);
            }
        }
        Some(id)
    }

    fn place(&self, arrival: &Arrival) -> Place {
        let tokens = &self.reader.masked.tokens;
        let branch = mix(
            mix(arrival.tree as u64, arrival.written.number()),
            tokens.len() as u64,
        );
        let first = tokens
            .iter()
            .find(|token| token.told == Told::Words)
            .map_or(0, |token| token.hash);
        let leaf = mix(branch, first);
        let own = self.leaves.contains_key(&leaf) || self.children.get(&branch).is_none_or(|n| *n < CHILDREN);
        Place {
            branch,
            leaf: if own { leaf } else { branch },
        }
    }

    /// The cluster of a leaf that a line fits best, or is like enough to.
    fn nearest(&self, leaf: &[usize], tokens: &[Token]) -> Option<(usize, Likeness)> {
        let wanted = CROWDED
            .iter()
            .find(|(from, _)| leaf.len() >= *from)
            .map_or(ALIKE, |(_, share)| *share);
        let mut best: Option<(usize, Likeness)> = None;
        for (nth, index) in leaf.iter().enumerate() {
            let Some(Some((cluster, _))) = self.clusters.get(*index) else {
                continue;
            };
            let likeness = cluster.template.likeness(tokens);
            let better = match (likeness, best) {
                (Likeness::Fits(0), _) => return Some((nth, likeness)),
                (Likeness::Fits(open), Some((_, Likeness::Fits(least)))) => open < least,
                (Likeness::Fits(_), _) => true,
                (Likeness::Share(_), Some((_, Likeness::Fits(_)))) => false,
                (Likeness::Share(share), Some((_, Likeness::Share(most)))) => share > most,
                (Likeness::Share(share), None) => share >= wanted,
            };
            if better {
                best = Some((nth, likeness));
            }
        }
        best
    }

    /// A new cluster, where there is room.
    fn found(&mut self, arrival: &Arrival, place: Place, when: u32) -> Option<PatternId> {
        let members = self.trees.get(arrival.tree)?.members.len();
        let in_all = self.clusters.len() - self.free.len();
        if members >= self.bounds.per_tree || in_all >= self.bounds.in_all {
            self.give_way(arrival.tree)?;
        }
        let id = PatternId(self.next);
        self.next += 1;
        let template = Template::of(&self.reader.masked);
        let mut cluster = Cluster {
            id,
            tree: arrival.tree,
            place,
            form: arrival.written.form(arrival.line),
            words: template.words().into(),
            template,
            count: 0,
            first: arrival.at,
            last: arrival.at,
            trend: Trend::default(),
            examples: Vec::new(),
        };
        cluster.take(arrival.at, when, arrival.cut);
        let entry = Some((cluster, arrival.written));
        let mut mark = Mark::default();
        mark.touch(self.tally.seen);
        let index = if let Some(index) = self.free.pop() {
            *self.clusters.get_mut(index)? = entry;
            *self.marks.get_mut(index)? = mark;
            index
        } else {
            self.clusters.push(entry);
            self.marks.push(mark);
            self.clusters.len() - 1
        };
        self.trees.get_mut(arrival.tree)?.members.push(index);
        let leaf = self.leaves.entry(place.leaf).or_default();
        if leaf.is_empty() && place.leaf != place.branch {
            *self.children.entry(place.branch).or_default() += 1;
        }
        leaf.push(index);
        Some(id)
    }

    /// Makes room in a tree: of the patterns of few lines, else of those that are long away, the one that is
    /// away longest gives way. None where there is none such.
    fn give_way(&mut self, tree: usize) -> Option<()> {
        let own = &self.trees.get(tree)?.members;
        let fullest = || self.trees.iter().max_by_key(|tree| tree.members.len());
        let members = if own.is_empty() { &fullest()?.members } else { own };
        let mark = |index: &usize| self.marks.get(*index).copied().unwrap_or_default();
        let away = |index: &&usize| mark(index).touched;
        let rare = members
            .iter()
            .filter(|index| mark(index).count < RARE)
            .min_by_key(away);
        let gone = || {
            let oldest = members.iter().min_by_key(away)?;
            (self.tally.seen - mark(oldest).touched >= AWAY).then_some(oldest)
        };
        let victim = *rare.or_else(gone)?;
        let (cluster, _) = self.release(victim)?;
        self.tally.clustered -= cluster.count;
        self.tally.forgotten += cluster.count;
        Some(())
    }

    /// A template that widened may cover others of its leaf: their lines become its own.
    fn gather(&mut self, index: usize) {
        let Some(Some((wide, _))) = self.clusters.get(index) else {
            return;
        };
        let leaf = self
            .leaves
            .get(&wide.place.leaf)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let covered: Vec<usize> = leaf
            .iter()
            .copied()
            .filter(|other| *other != index)
            .filter(|other| {
                let other = self.clusters.get(*other).and_then(Option::as_ref);
                other.is_some_and(|(other, _)| wide.template.covers(&other.template))
            })
            .collect();
        for other in covered {
            if let Some((other, _)) = self.release(other)
                && let Some(Some((wide, _))) = self.clusters.get_mut(index)
                && let Some(mark) = self.marks.get_mut(index)
            {
                mark.count += other.count;
                wide.absorb(other);
            }
        }
    }

    /// Takes a cluster out of the tree.
    fn release(&mut self, index: usize) -> Option<(Cluster, Written)> {
        let entry = self.clusters.get_mut(index)?.take()?;
        self.free.push(index);
        let (cluster, _) = &entry;
        if let Some(tree) = self.trees.get_mut(cluster.tree) {
            tree.members.retain(|member| *member != index);
        }
        let Place { branch, leaf } = cluster.place;
        if let Some(members) = self.leaves.get_mut(&leaf) {
            members.retain(|member| *member != index);
            if members.is_empty() {
                self.leaves.remove(&leaf);
                if leaf != branch
                    && let Some(children) = self.children.get_mut(&branch)
                {
                    *children -= 1;
                    if *children == 0 {
                        self.children.remove(&branch);
                    }
                }
            }
        }
        Some(entry)
    }
}

impl Mark {
    fn touch(&mut self, seen: u64) {
        self.count += 1;
        self.touched = seen;
    }
}

fn reach(bounds: &Bounds) -> Reach {
    Reach {
        bytes: bounds.message_bytes,
        tokens: bounds.tokens,
    }
}
