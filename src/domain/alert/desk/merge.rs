//! One alert of what several sources say, followed through time: new, flapping, gone, resolved.
//!
//! Entries and what the sources list are both sorted by fingerprint, so one walk joins them. An alert whose
//! parts are the very same keeps its `Arc`; one that was parsed anew but says the same keeps it too.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Desk, GONE_CAP, GONE_KEPT, RulesInput, Sources, pipeline};
use crate::domain::alert::{
    Ack, AckState, Alert, AlertState, Fingerprint, Flaps, Labels, MatchOp, Occurrence, PartAck, SeverityRank,
    Silence, SourceAlert, Standing, ack,
};
use crate::time::{Now, Tick};

/// Window of the flap count.
const FLAP_WINDOW: Duration = Duration::from_secs(3600);

/// What the desk keeps of one alert.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) alert: Arc<Alert>,
    pub(super) standing: Standing,
    pub(super) rank: SeverityRank,
    pub(super) watchdog: bool,
    /// Something silences it: most alerts need not be looked at for that.
    pub(super) silenced: bool,
    /// Of the alert, at hand without following it.
    occurrence: Occurrence,
    /// What was listed of it, in the desk's parts.
    parts: Range<usize>,
    /// When it (re-)fired within the last hour, oldest first.
    fires: Vec<Tick>,
    /// Since when this occurrence is listed.
    since: Tick,
    /// Since when it is gone.
    over: Option<Tick>,
}

impl Entry {
    pub(super) fn fingerprint(&self) -> Fingerprint {
        self.occurrence.fingerprint
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.is_some()
    }
}

/// What one source lists.
#[derive(Debug, Clone)]
pub(super) struct Part {
    fingerprint: Fingerprint,
    source: usize,
    alert: Arc<SourceAlert>,
}

/// What the sources list of one alert; never empty.
#[derive(Debug, Clone, Copy)]
struct Listed<'a> {
    first: &'a Part,
    all: &'a [Part],
    /// Where they begin in the desk's parts.
    at: usize,
}

impl<'a> Listed<'a> {
    fn new(all: &'a [Part], at: usize) -> Option<Self> {
        all.first().map(|first| Self { first, all, at })
    }

    fn range(self) -> Range<usize> {
        self.at..self.at + self.all.len()
    }

    fn newest(self) -> &'a SourceAlert {
        let newer = |a: &'a Part, b: &'a Part| {
            if b.alert.updated_at > a.alert.updated_at {
                b
            } else {
                a
            }
        };
        &self.all.iter().fold(self.first, newer).alert
    }

    fn starts_at(self) -> DateTime<Utc> {
        let first = self.first.alert.occurrence.starts_at;
        self.all
            .iter()
            .fold(first, |at, part| at.min(part.alert.occurrence.starts_at))
    }
}

/// How far an acknowledgement reaches at one cluster; of several members the first of these holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// It holds there.
    Held,
    /// Something else keeps the alert quiet there.
    Quiet,
    /// Nobody has it there.
    Missing,
}

/// What has changed beside the alerts themselves, so that kept ones must be made anew.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doubt {
    /// Everything.
    pub(super) rebuild: bool,
    /// Whatever is silenced.
    pub(super) acks_changed: bool,
}

/// The last handles on what is no more.
#[derive(Debug, Default)]
pub(super) struct Spent {
    parts: Vec<Part>,
    shared: Arc<BTreeMap<Fingerprint, Arc<Alert>>>,
}

pub(super) struct Merged {
    pub(super) newly_firing: Vec<Fingerprint>,
}

impl Desk {
    pub(super) fn merge(
        &mut self,
        sources: &Sources<'_>,
        rules: &RulesInput,
        doubt: Doubt,
        now: Now,
    ) -> Merged {
        let mut parts: Vec<Part> = Vec::new();
        for (source, snapshot) in sources.heard() {
            parts.reserve(snapshot.alerts.len());
            parts.extend(snapshot.alerts.iter().map(|alert| Part {
                fingerprint: alert.occurrence.fingerprint,
                source,
                alert: Arc::clone(alert),
            }));
        }
        parts.sort_by_key(|part| (part.fingerprint, part.source));
        parts.dedup_by_key(|part| (part.fingerprint, part.source));

        let mut old = std::mem::take(&mut self.entries).into_iter().peekable();
        let mut entries: Vec<Entry> = Vec::with_capacity(parts.len());
        let mut newly_firing = Vec::new();
        let mut changed = false;
        let mut vanished = Vec::new();
        let mut at = 0;
        for listed in parts.chunk_by(|a, b| a.fingerprint == b.fingerprint) {
            let Some(listed) = Listed::new(listed, at) else {
                continue;
            };
            at += listed.all.len();
            let fingerprint = listed.first.fingerprint;
            while let Some(gone) = old.next_if(|entry| entry.fingerprint() < fingerprint) {
                vanished.push(gone);
            }
            let before = old.next_if(|entry| entry.fingerprint() == fingerprint);
            let was = before
                .as_ref()
                .map(|entry| (entry.standing, entry.alert.occurrence, Arc::as_ptr(&entry.alert)));
            let entry = self.follow(before, listed, sources, doubt, now);
            changed |= was.is_none_or(|(_, _, alert)| alert != Arc::as_ptr(&entry.alert));
            let was_unacknowledged = was.is_some_and(|(standing, occurrence, _)| {
                standing == Standing::Unacknowledged && occurrence == entry.alert.occurrence
            });
            if entry.standing == Standing::Unacknowledged
                && !was_unacknowledged
                && !entry.watchdog
                && self.is_news(listed, sources)
            {
                newly_firing.push(fingerprint);
            }
            entries.push(entry);
        }
        vanished.extend(old);
        changed |= retire(vanished, &mut entries, rules, now);

        self.entries = entries;
        self.spent.parts = std::mem::replace(&mut self.parts, parts);
        if changed {
            self.fingerprints = self.entries.iter().map(Entry::fingerprint).collect();
            let shared = self
                .entries
                .iter()
                .map(|e| (e.fingerprint(), Arc::clone(&e.alert)));
            self.spent.shared = std::mem::replace(&mut self.shared, Arc::new(shared.collect()));
            self.rank();
        }
        Merged { newly_firing }
    }

    /// What the console opens on is no news; what comes after is, and what began after it opened.
    fn is_news(&self, listed: Listed<'_>, sources: &Sources<'_>) -> bool {
        let Some(first) = self.first else { return false };
        listed.all.iter().any(|part| {
            self.answered.contains(&sources.inputs[part.source].name)
                || part.alert.occurrence.starts_at > first.utc
        })
    }

    /// The entry of an alert that is listed now, from the one there was.
    fn follow(
        &self,
        before: Option<Entry>,
        listed: Listed<'_>,
        sources: &Sources<'_>,
        doubt: Doubt,
        now: Now,
    ) -> Entry {
        let window_start = now.tick.before(FLAP_WINDOW);
        let starts_at = listed.starts_at();
        let mut fires = Vec::new();
        let mut kept = None;
        // a source's first answer does not say since when it has listed what it lists
        let first_answers = !listed
            .all
            .iter()
            .any(|part| self.answered.contains(&sources.inputs[part.source].name));
        let mut since = if first_answers { Tick::ZERO } else { now.tick };
        match before {
            Some(mut entry) => {
                fires = std::mem::take(&mut entry.fires);
                // one that was lost from sight and is back is the same: a server that restarts forgets for a while
                if starts_at <= entry.alert.occurrence.starts_at {
                    since = entry.since;
                }
                if entry.is_over() || starts_at > entry.alert.occurrence.starts_at {
                    fires.push(now.tick);
                }
                kept = Some(entry);
            }
            None if self.is_news(listed, sources) => fires.push(now.tick),
            None => {
                // the console opened on it: it fired before, perhaps within the hour
                let age = (now.utc - starts_at).to_std().unwrap_or_default();
                if age < FLAP_WINDOW {
                    fires.push(now.tick.before(age));
                }
            }
        }
        // a process younger than an hour has nothing to forget, and its first ticks stand for what came before
        if window_start > Tick::ZERO {
            fires.retain(|at| *at > window_start);
        }
        let flaps = Flaps(u16::try_from(fires.len()).unwrap_or(u16::MAX));

        if let Some(mut entry) = kept {
            let had = self.parts.get(entry.parts.clone()).unwrap_or_default();
            let same_parts = had.len() == listed.all.len()
                && had
                    .iter()
                    .zip(listed.all)
                    .all(|(a, b)| a.source == b.source && Arc::ptr_eq(&a.alert, &b.alert));
            let holds = same_parts
                && !entry.is_over()
                && !doubt.rebuild
                && entry.alert.flaps == flaps
                && (entry.alert.silenced_by.is_empty() || !doubt.acks_changed);
            if !holds {
                let alert = self.build(listed, sources, since, flaps);
                if *entry.alert != alert || entry.is_over() || doubt.rebuild {
                    return self.entry(alert, listed, since, fires);
                }
            }
            entry.parts = listed.range();
            entry.fires = fires;
            return entry;
        }
        self.entry(self.build(listed, sources, since, flaps), listed, since, fires)
    }

    fn entry(&self, alert: Alert, listed: Listed<'_>, since: Tick, fires: Vec<Tick>) -> Entry {
        Entry {
            occurrence: alert.occurrence,
            silenced: !alert.silenced_by.is_empty(),
            standing: alert.standing(),
            rank: alert.rank(),
            watchdog: self
                .settings
                .watchdog
                .as_ref()
                .is_some_and(|m| m.is_match(&alert.labels)),
            alert: Arc::new(alert),
            parts: listed.range(),
            fires,
            since,
            over: None,
        }
    }

    fn build(&self, listed: Listed<'_>, sources: &Sources<'_>, since: Tick, flaps: Flaps) -> Alert {
        let newest = listed.newest();
        let starts_at = listed.starts_at();
        let listed = listed.all;
        let occurrence = Occurrence {
            fingerprint: newest.occurrence.fingerprint,
            starts_at,
        };
        let labels = newest.labels.clone();
        let shared = |name: &str| labels.shared(name).map(Arc::clone);
        let service = self
            .settings
            .from
            .service_labels
            .iter()
            .find_map(|name| shared(name));
        Alert {
            occurrence,
            sources: listed
                .iter()
                .map(|p| Arc::clone(&sources.inputs[p.source].name))
                .collect(),
            state: state(listed),
            name: shared("alertname").unwrap_or_default(),
            severity: shared("severity"),
            service: service.unwrap_or_default(),
            silenced_by: union(listed, |alert| &alert.silenced_by),
            inhibited_by: union(listed, |alert| &alert.inhibited_by),
            muted_by: union(listed, |alert| &alert.muted_by),
            ack: self.ack_state((occurrence, since), listed, sources),
            updated_at: newest.updated_at,
            ended_at: None,
            annotations: newest.annotations.clone(),
            generator_url: Arc::clone(&newest.generator_url),
            receivers: union(listed, |alert| &alert.receivers),
            flaps,
            labels,
        }
    }

    /// Held where an acknowledgement is not older than this occurrence, at every cluster that lists it; else it
    /// merely hides it.
    fn ack_state(
        &self,
        (occurrence, since): (Occurrence, Tick),
        listed: &[Part],
        sources: &Sources<'_>,
    ) -> AckState {
        let mut found: Vec<(&Arc<Silence>, Arc<str>)> = Vec::new();
        for part in listed {
            for id in &part.alert.silenced_by {
                if let Some(silence) = self.acks.get(id) {
                    found.push((silence, Arc::clone(&sources.inputs[part.source].name)));
                }
            }
        }
        // what began before it and was listed only after it was not before its maker's eyes, unless named in full
        let meant = |silence: &Silence| {
            self.ack_seen.get(&silence.id).is_none_or(|seen| since <= *seen)
                || listed
                    .first()
                    .is_some_and(|part| names_all(silence, &part.alert.labels))
        };
        let holds = |silence: &Silence| occurrence.starts_at <= silence.starts_at && meant(silence);
        let any_holds = found.iter().any(|(silence, _)| holds(silence));
        // several: who has had it longest has it; it lapses when the last one does
        let chosen = || found.iter().filter(|(silence, _)| !any_holds || holds(silence));
        let Some((holder, _)) = chosen().min_by_key(|(silence, _)| (silence.starts_at, &silence.id)) else {
            return AckState::None;
        };
        let ack = Ack {
            by: Arc::clone(&holder.created_by),
            at: holder.starts_at,
            until: chosen()
                .map(|(silence, _)| silence.ends_at)
                .max()
                .unwrap_or(holder.ends_at),
            silences: chosen()
                .map(|(silence, source)| (Arc::clone(source), Arc::clone(&silence.id)))
                .collect(),
            note: ack::note(&holder.comment).into(),
        };
        if !any_holds {
            return AckState::HiddenBy(ack);
        }
        let (at, missing) = self.reach(listed, sources, holds);
        if missing.is_empty() {
            AckState::Held(ack)
        } else {
            AckState::Partly(PartAck { ack, at, missing })
        }
    }

    /// The clusters where an acknowledgement holds, and those that still alert or would but for an older one.
    ///
    /// A member that has not heard of it yet does not speak for its cluster; nor does a source that is not
    /// believed, where others are; and what something else silences, inhibits or mutes asks for nobody.
    fn reach(
        &self,
        listed: &[Part],
        sources: &Sources<'_>,
        holds: impl Fn(&Silence) -> bool,
    ) -> (Vec<Arc<str>>, Vec<Arc<str>>) {
        let believed = |part: &Part| sources.inputs[part.source].believed().is_some();
        let any_believed = listed.iter().any(believed);
        let mut reached: BTreeMap<&Arc<str>, Reach> = BTreeMap::new();
        for part in listed.iter().filter(|part| !any_believed || believed(part)) {
            let alert = &part.alert;
            let here = if alert
                .silenced_by
                .iter()
                .any(|id| self.acks.get(id).is_some_and(|silence| holds(silence)))
            {
                Reach::Held
            } else if alert.state == AlertState::Suppressed
                && (!alert.inhibited_by.is_empty()
                    || !alert.muted_by.is_empty()
                    || alert.silenced_by.iter().any(|id| !self.acks.contains_key(id)))
            {
                Reach::Quiet
            } else {
                Reach::Missing
            };
            let cluster = reached.entry(&sources.clusters[part.source]).or_insert(here);
            *cluster = here.min(*cluster);
        }
        let those = |wanted| {
            let found = reached.iter().filter(move |(_, reach)| **reach == wanted);
            found.map(|(cluster, _)| Arc::clone(cluster)).collect()
        };
        (those(Reach::Held), those(Reach::Missing))
    }

    /// Unacknowledged first, then severe, then what has just fired, which is what woke somebody.
    fn rank(&mut self) {
        let key = |entry: &Entry| {
            let starts = entry.occurrence.starts_at.timestamp_millis();
            (
                entry.standing,
                entry.rank,
                std::cmp::Reverse(starts),
                entry.fingerprint(),
            )
        };
        let count = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let mut order: Vec<_> = self.entries.iter().map(key).zip(0..count).collect();
        order.sort_unstable();
        self.order = order.into_iter().map(|(_, i)| i).collect();
    }
}

/// Whether a silence says the value of every label: it was made for this alert and no other.
fn names_all(silence: &Silence, labels: &Labels) -> bool {
    let said = |name: &str| {
        let mut matchers = silence.matchers.iter();
        matchers.any(|matcher| matcher.op == MatchOp::Equal && *matcher.name == *name)
    };
    labels.pairs().iter().all(|(name, _)| said(name))
}

/// What is listed no more: gone, or resolved where Prometheus says so; forgotten in time.
fn retire(mut vanished: Vec<Entry>, entries: &mut Vec<Entry>, rules: &RulesInput, now: Now) -> bool {
    if vanished.is_empty() {
        return false;
    }
    let mut changed = false;
    let known = rules.believed().map(|(rules, _)| rules);
    let forgotten = now.tick.before(GONE_KEPT);
    // where there is no room for all, the latest stay
    vanished.sort_by_key(|entry| std::cmp::Reverse(entry.over.unwrap_or(now.tick)));
    let mut room = GONE_CAP;
    for mut entry in vanished {
        let gone_at = *entry.over.get_or_insert(now.tick);
        if room == 0 || (gone_at < forgotten && forgotten > Tick::ZERO) {
            changed = true;
            continue;
        }
        room -= 1;
        if entry.alert.state != AlertState::Resolved {
            let resolved = known.is_some_and(|rules| pipeline::says_resolved(rules, &entry.alert));
            let state = if resolved {
                AlertState::Resolved
            } else {
                AlertState::Gone
            };
            if entry.alert.state != state {
                let alert = Arc::make_mut(&mut entry.alert);
                alert.state = state;
                alert.ended_at.get_or_insert(now.utc);
                entry.standing = Standing::Over;
                changed = true;
            }
        }
        entries.push(entry);
    }
    entries.sort_by_key(Entry::fingerprint);
    changed
}

fn state(listed: &[Part]) -> AlertState {
    let any = |state| listed.iter().any(|part| part.alert.state == state);
    if any(AlertState::Active) {
        AlertState::Active
    } else if any(AlertState::Suppressed) {
        AlertState::Suppressed
    } else {
        AlertState::Unprocessed
    }
}

fn union(listed: &[Part], of: impl Fn(&SourceAlert) -> &Vec<Arc<str>>) -> Vec<Arc<str>> {
    match listed {
        [only] => of(&only.alert).clone(),
        several => {
            let mut all: Vec<Arc<str>> = several
                .iter()
                .flat_map(|p| of(&p.alert).iter().map(Arc::clone))
                .collect();
            all.sort();
            all.dedup();
            all
        }
    }
}

/// Alerts by name: what the pipeline's check asks for.
pub(super) fn by_name(entries: &[Entry]) -> HashMap<&str, Vec<&Entry>> {
    let mut names: HashMap<&str, Vec<&Entry>> = HashMap::new();
    for entry in entries.iter().filter(|e| !e.is_over()) {
        names.entry(&entry.alert.name).or_default().push(entry);
    }
    names
}
