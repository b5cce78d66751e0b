//! The desk: what every source last said, in; the board that is shown, out.
//!
//! Stateful but pure: it remembers what it saw (what vanished, what flaps, when the watchdog was last there)
//! and is handed the time. `merge` makes one alert of what several sources say and follows it through time,
//! `arrange` filters, groups and ranks, `pipeline` judges whether the queue can be believed. Start at
//! [`Desk::arrange`]. Its cost on 10,000 alerts is a bench: unchanged alerts and groups keep their `Arc`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::cluster::{self, Membership};
use super::filter::Filter;
use super::matcher::Matchers;
use super::{
    AlertBoard, AlertGroup, AlertSnapshot, BoardSilence, BoardSource, Fingerprint, Grouping, IsAck, Matcher,
    Silence, SilenceState, Standing, StateChoice, ack,
};
use crate::backend::BackendFailure;
use crate::backend::metrics::AlertingRule;
use crate::domain::selector::Selector;
use crate::time::{Now, Tick, short_age};

mod arrange;
mod merge;
mod pipeline;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

use merge::Entry;

/// How long a vanished alert is remembered: for `all`, and for what a silence would have hidden.
pub const GONE_KEPT: Duration = Duration::from_secs(6 * 3600);
/// At most so many of them.
const GONE_CAP: usize = 5_000;

/// Everything the board is made from.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// One a configured Alertmanager, always in the same order.
    pub sources: Vec<SourceInput>,
    /// What Prometheus says of its alerting rules.
    pub rules: RulesInput,
    /// The context's settings; the same `Arc` while they do not change.
    pub settings: Arc<Settings>,
}

/// What is known of one Alertmanager.
#[derive(Debug, Clone)]
pub struct SourceInput {
    /// Its configured name: `eu-0`.
    pub name: Arc<str>,
    /// Its last good answer.
    pub snapshot: Option<Arc<AlertSnapshot>>,
    /// Age of that answer.
    pub age: Option<Duration>,
    /// How often it is asked; past twice this an answer is stale.
    pub interval: Duration,
    /// Why the last attempt failed, and for how long it has been failing.
    pub failure: Option<(Arc<str>, Duration)>,
}

impl SourceInput {
    /// Why it is not believed now.
    fn fault(&self) -> Option<Arc<str>> {
        if let Some((cause, _)) = &self.failure {
            return Some(Arc::clone(cause));
        }
        match self.age {
            Some(age) if age > self.interval * 2 => Some(format!("no answer for {}", short_age(age)).into()),
            Some(_) | None => None,
        }
    }

    fn believed(&self) -> Option<&Arc<AlertSnapshot>> {
        self.snapshot.as_ref().filter(|_| self.fault().is_none())
    }
}

/// What is known of the alerting rules.
#[derive(Debug, Clone)]
pub enum RulesInput {
    /// No metrics backend is configured.
    NotConfigured,
    /// The store cannot know its rules.
    CannotKnow,
    /// Asked, not answered yet.
    Waiting,
    /// Asked, with the last good answer where there is one.
    Asked {
        /// The backend's name in words: `metrics`.
        source: Arc<str>,
        /// The last good answer.
        rules: Option<Arc<Vec<AlertingRule>>>,
        /// Its age.
        age: Option<Duration>,
        /// How often they are asked.
        interval: Duration,
        /// Why the last attempt failed, and for how long it has been failing.
        failure: Option<(Arc<str>, Duration)>,
    },
}

impl RulesInput {
    /// The rules, where the answer is fresh enough to be believed.
    fn believed(&self) -> Option<(&Arc<Vec<AlertingRule>>, Duration)> {
        match self {
            Self::Asked {
                rules: Some(rules),
                age: Some(age),
                interval,
                failure: None,
                ..
            } if *age <= *interval * 2 => Some((rules, *age)),
            Self::Asked { .. } | Self::NotConfigured | Self::CannotKnow | Self::Waiting => None,
        }
    }
}

/// A context's settings that bear on alerts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// The dead man's switch.
    pub watchdog: Option<Vec<Matcher>>,
    /// Label names that say the service; the first that is there holds.
    pub service_labels: Vec<Arc<str>>,
    /// Who acts here.
    pub identity: Arc<str>,
}

/// How the board is to be laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrangement {
    /// Grouping.
    pub grouping: Grouping,
    /// Which states.
    pub states: StateChoice,
    /// The filter's text; one that cannot be read hides nothing and is said.
    pub filter: String,
    /// Only what is of the scope.
    pub scope: Selector,
}

impl Default for Arrangement {
    fn default() -> Self {
        Self {
            grouping: Grouping::Server,
            states: StateChoice::Active,
            filter: String::new(),
            scope: Selector::default(),
        }
    }
}

/// Remembers what the sources said before, and makes the board. Start at [`Desk::arrange`].
#[derive(Debug, Default)]
pub struct Desk {
    /// Every alert known, vanished ones included, by fingerprint.
    entries: Vec<Entry>,
    /// The entries' fingerprints, close together: they are searched for every member of every group.
    fingerprints: Vec<Fingerprint>,
    /// What the sources listed at the last arrangement, sorted; the entries point into it.
    parts: Vec<merge::Part>,
    /// Most urgent first: indices into `entries`.
    order: Vec<u32>,
    /// `entries` as the board hands it out; shared while nothing changes.
    shared: Arc<std::collections::BTreeMap<Fingerprint, Arc<super::Alert>>>,
    /// What the last arrangement replaced: freed by [`Desk::tidy`], when nobody waits for the board.
    spent: merge::Spent,
    /// Active acknowledgements by silence id.
    acks: HashMap<Arc<str>, Arc<Silence>>,
    /// When each of them was first seen: what is listed only later was not before the eyes of its maker.
    ack_seen: HashMap<Arc<str>, Tick>,
    /// Each source's cluster, and whether it was believed: how far an acknowledgement reaches follows from both.
    standing: Vec<(Arc<str>, bool)>,
    /// Sources that had answered before, by name.
    answered: Vec<Arc<str>>,
    /// Compiled matchers of pending silences; `None` where they do not compile.
    pending: HashMap<Arc<str>, Option<Matchers>>,
    filter: CompiledFilter,
    settings: CompiledSettings,
    pipeline: pipeline::Memory,
    /// The last board's groups by their first alert, to be handed out again where they did not change.
    groups: HashMap<Fingerprint, Arc<AlertGroup>>,
    /// The first arrangement's moment.
    first: Option<Now>,
}

#[derive(Debug, Default)]
struct CompiledFilter {
    text: String,
    filter: Filter,
    error: Option<String>,
}

#[derive(Debug, Default)]
struct CompiledSettings {
    from: Arc<Settings>,
    watchdog: Option<Matchers>,
}

/// What one arrangement knows of the sources.
struct Sources<'a> {
    inputs: &'a [SourceInput],
    clusters: Vec<Arc<str>>,
    /// Whether each is heard: a failed member is not, while another of its cluster answers.
    heard: Vec<bool>,
}

impl<'a> Sources<'a> {
    fn new(inputs: &'a [SourceInput]) -> Self {
        let memberships: Vec<Membership<'_>> = inputs
            .iter()
            .map(|input| {
                let snapshot = input.snapshot.as_deref();
                Membership {
                    source: &input.name,
                    cluster: snapshot.map_or(&input.name, |s| &s.cluster),
                    peers: snapshot.map_or(&[], |s| &s.peers),
                }
            })
            .collect();
        let clusters = cluster::resolve(&memberships);
        let answers = |cluster: &Arc<str>| {
            inputs
                .iter()
                .zip(&clusters)
                .any(|(input, c)| c == cluster && input.believed().is_some())
        };
        let heard = inputs
            .iter()
            .zip(&clusters)
            .map(|(i, c)| i.believed().is_some() || !answers(c))
            .collect();
        Self {
            inputs,
            clusters,
            heard,
        }
    }

    /// The snapshots that are heard, with their source's index.
    fn heard(&self) -> impl Iterator<Item = (usize, &'a Arc<AlertSnapshot>)> {
        let heard = self.inputs.iter().enumerate().filter(|(i, _)| self.heard[*i]);
        heard.filter_map(|(i, input)| input.snapshot.as_ref().map(|snapshot| (i, snapshot)))
    }

    fn standing(&self) -> impl Iterator<Item = (Arc<str>, bool)> {
        let clusters = self.clusters.iter().map(Arc::clone);
        clusters.zip(self.inputs.iter().map(|input| input.believed().is_some()))
    }

    fn board(&self) -> Vec<BoardSource> {
        self.inputs
            .iter()
            .zip(&self.clusters)
            .map(|(input, cluster)| BoardSource {
                name: Arc::clone(&input.name),
                cluster: Arc::clone(cluster),
                age: input.age,
                fault: input.fault(),
            })
            .collect()
    }
}

impl Desk {
    /// A desk that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in what the sources last said and lays the board out.
    pub fn arrange(&mut self, inputs: &Inputs, question: &Arrangement, now: Now) -> AlertBoard {
        let sources = Sources::new(&inputs.sources);
        let rebuild = self.compile(&inputs.settings);
        self.compile_filter(&question.filter);

        let acks = active_acks(&sources);
        let standing: Vec<(Arc<str>, bool)> = sources.standing().collect();
        let acks_changed = acks != self.acks || standing != self.standing;
        self.acks = acks;
        self.standing = standing;
        self.ack_seen.retain(|id, _| self.acks.contains_key(id));
        for id in self.acks.keys() {
            self.ack_seen.entry(Arc::clone(id)).or_insert(now.tick);
        }
        let merged = self.merge(
            &sources,
            &inputs.rules,
            merge::Doubt {
                rebuild,
                acks_changed,
            },
            now,
        );
        let silences = self.silences(&sources);
        let pipeline = self.judge(&sources, &inputs.rules, now);
        let (groups, shown) = self.groups(&sources, question, now);

        let mut board = AlertBoard {
            groups,
            by_fingerprint: Arc::clone(&self.shared),
            silences,
            counts: self.counts(question),
            pipeline,
            newly_firing: merged.newly_firing,
            errors: failures(inputs),
            sources: sources.board(),
            watchdog: self
                .entries
                .iter()
                .filter(|e| e.watchdog && !e.is_over())
                .map(Entry::fingerprint)
                .collect(),
            filter_error: self.filter.error.clone(),
        };
        board.counts.shown = shown;
        for input in inputs.sources.iter().filter(|i| i.snapshot.is_some()) {
            if !self.answered.contains(&input.name) {
                self.answered.push(Arc::clone(&input.name));
            }
        }
        self.first.get_or_insert(now);
        board
    }

    /// Frees what the last arrangement replaced, ten thousand alerts perhaps. Call it once the board is handed out;
    /// otherwise the next arrangement does it.
    pub fn tidy(&mut self) {
        self.spent = merge::Spent::default();
    }

    /// Compiles what follows from the settings; true where they changed, so that nothing kept holds.
    fn compile(&mut self, settings: &Arc<Settings>) -> bool {
        if self.first.is_some()
            && (Arc::ptr_eq(&self.settings.from, settings) || self.settings.from == *settings)
        {
            return false;
        }
        self.settings = CompiledSettings {
            from: Arc::clone(settings),
            watchdog: settings
                .watchdog
                .as_deref()
                .and_then(|m| Matchers::compile(m).ok()),
        };
        true
    }

    fn compile_filter(&mut self, text: &str) {
        if self.filter.text == text {
            return;
        }
        let (filter, error) = match Filter::parse(text) {
            Ok(filter) => (filter, None),
            Err(error) => (Filter::default(), Some(error.to_string())),
        };
        self.filter = CompiledFilter {
            text: text.to_owned(),
            filter,
            error,
        };
    }

    /// One row a cluster and id, in force first, then those to come, then the expired; soonest end first.
    fn silences(&mut self, sources: &Sources<'_>) -> Vec<Arc<BoardSilence>> {
        let mut hidden: HashMap<&str, usize> = HashMap::new();
        for entry in self.entries.iter().filter(|e| e.silenced && !e.is_over()) {
            for id in &entry.alert.silenced_by {
                *hidden.entry(id).or_default() += 1;
            }
        }
        let mut rows: Vec<(Arc<BoardSilence>, Option<usize>)> = Vec::new();
        let mut seen: HashMap<(&str, &str), usize> = HashMap::new();
        for (i, snapshot) in sources.heard() {
            for silence in &snapshot.silences {
                match seen.entry((&sources.clusters[i], &silence.id)) {
                    std::collections::hash_map::Entry::Occupied(at) => {
                        // the member that heard of the latest change is right
                        let row = &mut rows[*at.get()].0;
                        if silence.updated_at > row.silence.updated_at {
                            Arc::make_mut(row).silence = Arc::clone(silence);
                        }
                    }
                    std::collections::hash_map::Entry::Vacant(free) => {
                        free.insert(rows.len());
                        rows.push((
                            Arc::new(BoardSilence {
                                source: Arc::clone(&sources.inputs[i].name),
                                cluster: Arc::clone(&sources.clusters[i]),
                                silence: Arc::clone(silence),
                                matches: 0,
                                ack: ack::is_ack(&silence.comment),
                            }),
                            None,
                        ));
                    }
                }
            }
        }
        let mut compiled = HashMap::new();
        for (row, _) in &mut rows {
            let matches = match row.silence.state {
                SilenceState::Active => hidden.get(row.silence.id.as_ref()).copied().unwrap_or(0),
                SilenceState::Expired => 0,
                SilenceState::Pending => {
                    let id = &row.silence.id;
                    let known = self
                        .pending
                        .remove(id)
                        .unwrap_or_else(|| Matchers::compile(&row.silence.matchers).ok());
                    let living = self.entries.iter().filter(|e| !e.is_over());
                    let count = known.as_ref().map_or(0, |matchers| {
                        living.filter(|e| matchers.is_match(&e.alert.labels)).count()
                    });
                    compiled.insert(Arc::clone(id), known);
                    count
                }
            };
            Arc::make_mut(row).matches = matches;
        }
        self.pending = compiled;
        let mut rows: Vec<Arc<BoardSilence>> = rows.into_iter().map(|(row, _)| row).collect();
        rows.sort_by(|a, b| {
            let key = |row: &BoardSilence| (row.silence.state, row.silence.ends_at);
            let ends = match a.silence.state {
                SilenceState::Expired => key(b).1.cmp(&key(a).1), // the latest expired first
                SilenceState::Active | SilenceState::Pending => key(a).1.cmp(&key(b).1),
            };
            a.silence
                .state
                .cmp(&b.silence.state)
                .then(ends)
                .then_with(|| a.silence.id.cmp(&b.silence.id))
        });
        rows
    }

    fn counts(&self, question: &Arrangement) -> super::AlertCounts {
        let mut counts = super::AlertCounts::default();
        for entry in self.entries.iter().filter(|e| !e.watchdog) {
            let outside = usize::from(!question.scope.selects(&entry.alert));
            let (count, without) = match entry.standing {
                Standing::Unacknowledged => (&mut counts.active, &mut counts.outside.active),
                Standing::Acknowledged => (&mut counts.acknowledged, &mut counts.outside.acknowledged),
                Standing::Suppressed => (&mut counts.suppressed, &mut counts.outside.suppressed),
                Standing::Over => continue,
            };
            *count += 1;
            *without += outside;
        }
        counts
    }
}

fn active_acks(sources: &Sources<'_>) -> HashMap<Arc<str>, Arc<Silence>> {
    let silences = sources.heard().flat_map(|(_, snapshot)| &snapshot.silences);
    silences
        .filter(|s| s.state == SilenceState::Active && ack::is_ack(&s.comment) == IsAck::Yes)
        .map(|s| (Arc::clone(&s.id), Arc::clone(s)))
        .collect()
}

fn failures(inputs: &Inputs) -> Vec<BackendFailure> {
    let mut failures: Vec<BackendFailure> = inputs
        .sources
        .iter()
        .filter_map(|input| {
            input.fault().map(|cause| BackendFailure {
                backend: format!("alertmanager {}", input.name),
                message: cause.to_string(),
            })
        })
        .collect();
    if let RulesInput::Asked {
        source,
        failure: Some((cause, _)),
        ..
    } = &inputs.rules
    {
        failures.push(BackendFailure {
            backend: source.to_string(),
            message: cause.to_string(),
        });
    }
    failures
}
