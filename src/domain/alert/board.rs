//! What the alert pane shows, and how it reads: severities, standing, groups, counts, pipeline health.
//!
//! Made by [`desk`](super::desk); pure values here. Start at [`AlertBoard`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Alert, Fingerprint, Labels, Silence};
use crate::backend::BackendFailure;
use crate::time::{JUST_NOW, Now, Tick, short_age, stepped_age};

/// Rank of a severity label: what matters first. Unknown words rank between warning and info.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SeverityRank {
    /// critical, page, error, emergency, fatal, high, sev1, p1, …
    Critical,
    /// warning, ticket, medium, …
    Warning,
    /// A word that is not known, or no label.
    Other,
    /// info, none, low, debug.
    Info,
}

impl SeverityRank {
    /// Ranks a raw label value, whatever its case.
    pub fn of(word: &str) -> Self {
        const CRITICAL: [&str; 16] = [
            "critical",
            "crit",
            "page",
            "pager",
            "error",
            "err",
            "emergency",
            "emerg",
            "fatal",
            "disaster",
            "high",
            "major",
            "sev0",
            "sev1",
            "p0",
            "p1",
        ];
        const WARNING: [&str; 12] = [
            "warning", "warn", "ticket", "medium", "moderate", "minor", "average", "sev2", "sev3", "p2",
            "p3", "degraded",
        ];
        const INFO: [&str; 11] = [
            "info",
            "informational",
            "information",
            "none",
            "low",
            "debug",
            "notice",
            "ok",
            "sev4",
            "sev5",
            "p4",
        ];
        let is = |words: &[&str]| words.iter().any(|w| w.eq_ignore_ascii_case(word.trim()));
        if is(&CRITICAL) {
            Self::Critical
        } else if is(&WARNING) {
            Self::Warning
        } else if is(&INFO) {
            Self::Info
        } else {
            Self::Other
        }
    }
}

/// What an alert asks of the engineer; the first key of the ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Nobody has it: firing, or hidden only by an acknowledgement that was not for this occurrence.
    Unacknowledged,
    /// Somebody has it.
    Acknowledged,
    /// Silenced, inhibited or muted.
    Suppressed,
    /// Gone or resolved.
    Over,
}

/// A group on the board.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertGroup {
    /// The labels it is grouped by.
    pub key: Labels,
    /// The severest member's raw severity.
    pub severity: Option<Arc<str>>,
    /// Its rank.
    pub rank: SeverityRank,
    /// Members that pass the filter, most urgent first.
    pub alerts: Vec<Arc<Alert>>,
}

/// How the board is grouped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grouping {
    /// Alertmanager's own groups.
    Server,
    /// By these labels.
    Labels(Vec<Arc<str>>),
    /// One alert a group.
    Flat,
}

/// Which states the board shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateChoice {
    /// Active or acknowledged.
    Active,
    /// Suppressed, acknowledged ones left out.
    Suppressed,
    /// All, recently gone and resolved ones included.
    All,
}

/// Counts over the whole board, filter aside; an alert in several groups counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AlertCounts {
    /// Active and nobody has it.
    pub active: usize,
    /// Somebody has it.
    pub acknowledged: usize,
    /// Silenced, inhibited or muted.
    pub suppressed: usize,
    /// Shown after the filter.
    pub shown: usize,
    /// Those of them that the scope leaves out.
    pub outside: Outside,
}

/// Counts of what the scope leaves out, filter aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outside {
    /// Active and nobody has it.
    pub active: usize,
    /// Somebody has it.
    pub acknowledged: usize,
    /// Silenced, inhibited or muted.
    pub suppressed: usize,
}

impl AlertCounts {
    /// What the scope leaves in: active ones, acknowledged ones, suppressed ones.
    pub fn within(&self) -> (usize, usize, usize) {
        let Outside {
            active,
            acknowledged,
            suppressed,
        } = self.outside;
        (
            self.active.saturating_sub(active),
            self.acknowledged.saturating_sub(acknowledged),
            self.suppressed.saturating_sub(suppressed),
        )
    }
}

/// Why an empty (or any) queue can be believed, or not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PipelineHealth {
    /// What is wrong, worst first; empty means the pipeline is believed.
    pub faults: Vec<PipelineFault>,
    /// Age of the oldest good answer that the verdict rests on; `None` where no Alertmanager is believed.
    pub age: Option<Duration>,
    /// What could not be checked, in words (no metrics backend, no watchdog configured, …).
    pub unknown: Vec<String>,
}

/// Something between a rule and this console that is broken.
#[derive(Debug, Clone, PartialEq)]
pub enum PipelineFault {
    /// The dead man's switch is absent: nothing may be getting through.
    WatchdogAbsent {
        /// When this console last saw it, or first missed it.
        since: Tick,
        /// The matcher that was looked for.
        matcher: String,
    },
    /// A source cannot be asked.
    SourceDown {
        /// Which.
        source: Arc<str>,
        /// Why.
        cause: String,
        /// Since when.
        since: Tick,
    },
    /// Prometheus fires it, and no Alertmanager has it after two minutes.
    NotDelivered {
        /// Alert name and how many.
        name: Arc<str>,
        /// How many label sets.
        count: usize,
        /// Since when the longest has been firing.
        since: DateTime<Utc>,
    },
    /// Rules that Prometheus failed to evaluate.
    RulesFailing {
        /// How many.
        count: usize,
        /// The first, with its error.
        example: String,
    },
}

/// What the alert pane shows: merged, filtered, grouped, ranked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlertBoard {
    /// Most urgent first.
    pub groups: Vec<Arc<AlertGroup>>,
    /// Every alert by fingerprint, filtered out or not: what an act is checked against.
    pub by_fingerprint: Arc<BTreeMap<Fingerprint, Arc<Alert>>>,
    /// Every silence with how many alerts it matches now.
    pub silences: Vec<Arc<BoardSilence>>,
    /// Counts.
    pub counts: AlertCounts,
    /// Can it be believed.
    pub pipeline: PipelineHealth,
    /// Fingerprints that became active and unacknowledged since the last board.
    pub newly_firing: Vec<Fingerprint>,
    /// Backend failures, as `errors` in JSON.
    pub errors: Vec<BackendFailure>,
    /// Every configured source, its cluster resolved, its health apart.
    pub sources: Vec<BoardSource>,
    /// The dead man's switch, where it is there: never in a group, never counted.
    pub watchdog: Vec<Fingerprint>,
    /// What is wrong with the filter, where it could not be read; nothing is hidden then.
    pub filter_error: Option<String>,
}

/// A source as the board has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardSource {
    /// Its configured name.
    pub name: Arc<str>,
    /// Its cluster: the configured one, else told apart by gossip, else its own name.
    pub cluster: Arc<str>,
    /// Age of its last good answer.
    pub age: Option<Duration>,
    /// Why it is not believed now; its last alerts stay, marked stale.
    pub fault: Option<Arc<str>>,
}

/// A silence on the board.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardSilence {
    /// Where it lives.
    pub source: Arc<str>,
    /// That source's cluster.
    pub cluster: Arc<str>,
    /// The silence.
    pub silence: Arc<Silence>,
    /// Alerts it hides now, as the server says; for a pending one those it would hide; 0 for an expired one.
    pub matches: usize,
    /// Whether it is an acknowledgement.
    pub ack: IsAck,
}

/// Whether a silence is an acknowledgement by its comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IsAck {
    /// It opens with `ACK!`.
    Yes,
    /// A plain silence.
    No,
}

impl BoardSilence {
    /// In force, and ends within `window`.
    pub fn expires_within(&self, window: Duration, now: Now) -> bool {
        self.silence.state == super::SilenceState::Active
            && (self.silence.ends_at - now.utc)
                .to_std()
                .map_or(true, |left| left <= window)
    }

    /// In force or to come, and matches no alert.
    pub fn is_unused(&self) -> bool {
        self.silence.state != super::SilenceState::Expired && self.matches == 0
    }
}

impl AlertBoard {
    /// The alerts that inhibit this one, by name where the board knows them, else the fingerprint as given.
    pub fn inhibitors<'a>(
        &'a self,
        alert: &'a Alert,
    ) -> impl Iterator<Item = Result<&'a Alert, &'a str>> + use<'a> {
        alert.inhibited_by.iter().map(|hex| {
            let known = hex.parse().ok();
            let known = known.and_then(|fingerprint: Fingerprint| self.by_fingerprint.get(&fingerprint));
            known.map(|alert| &**alert).ok_or(&**hex)
        })
    }

    /// The silences that hide this alert, one row a cluster and id.
    pub fn silences_of<'a>(&'a self, alert: &'a Alert) -> impl Iterator<Item = &'a Arc<BoardSilence>> {
        self.silences
            .iter()
            .filter(|row| alert.silenced_by.contains(&row.silence.id))
    }

    /// No source that lists it can be asked at present: what is shown of it is old.
    pub fn is_stale(&self, alert: &Alert) -> bool {
        !alert.sources.is_empty()
            && alert.sources.iter().all(|name| {
                self.sources
                    .iter()
                    .any(|source| source.name == *name && source.fault.is_some())
            })
    }

    /// Whether a member of the cluster is believed now: only then is it known what it lists.
    pub fn answers(&self, cluster: &str) -> bool {
        let mut members = self.sources.iter().filter(|source| *source.cluster == *cluster);
        members.any(|source| source.fault.is_none())
    }

    /// The cluster a source belongs to.
    pub fn cluster_of(&self, source: &str) -> Option<&Arc<str>> {
        self.sources
            .iter()
            .find(|s| s.name.as_ref() == source)
            .map(|s| &s.cluster)
    }

    /// Why no source has told anything; none where one has, or where nothing failed yet.
    pub fn untold(&self) -> Option<&Arc<str>> {
        let told = self.sources.iter().any(|source| source.age.is_some());
        let mut faults = self.sources.iter().filter_map(|source| source.fault.as_ref());
        faults.next().filter(|_| !told)
    }

    /// What sources fail that may have told more, a sentence for each of them.
    pub fn not_up_to_date(&self) -> impl Iterator<Item = String> {
        self.sources.iter().filter_map(|source| {
            let why = source.fault.as_deref()?;
            Some(format!("not up to date: {}: {why}", source.name))
        })
    }

    /// Whether any source is believed now: without one, an empty list says nothing.
    pub fn is_known(&self) -> bool {
        self.pipeline.age.is_some()
    }

    /// The queue in one sentence: what fires, and why an empty queue can be believed or not.
    pub fn sentence(&self, now: Now) -> String {
        let pipeline = self.pipeline.sentence(now);
        match (self.counts.active, self.is_known()) {
            (0, false) => format!("not known whether anything fires: {pipeline}"),
            (0, true) => format!("none firing, {pipeline}"),
            (n, false) => format!("{n} firing when last heard, {pipeline}"),
            (n, true) => format!("{n} firing, {pipeline}"),
        }
    }

    /// Why the silences are not known, where they are not.
    pub fn silences_unknown(&self) -> Option<String> {
        (!self.is_known()).then(|| {
            let mut errors = self.errors.iter();
            let why = errors.next().map_or_else(
                || "no Alertmanager has answered".to_owned(),
                |error| format!("{}: {}", error.backend, error.message),
            );
            match errors.count() {
                0 => why,
                more => format!("{why} (and {more} more)"),
            }
        })
    }
}

impl PipelineHealth {
    /// `pipeline ok 9s`, or what is wrong first, or what is not known.
    pub fn sentence(&self, now: Now) -> String {
        if let Some(worst) = self.faults.first() {
            let more = self.faults.len() - 1;
            return if more == 0 {
                worst.words(now)
            } else {
                format!("{} (and {more} more)", worst.words(now))
            };
        }
        match (self.age, self.unknown.first()) {
            (Some(age), None) => format!("pipeline ok {}", short_age(age)),
            (Some(age), Some(unknown)) => format!("as of {}; not proven: {unknown}", short_age(age)),
            (None, Some(unknown)) => unknown.clone(),
            (None, None) => "nothing has answered yet".to_owned(),
        }
    }
}

/// For how long, behind a blank; nothing of what was only just seen, for it may have been so for long.
fn lasting(age: Duration) -> String {
    if age < JUST_NOW {
        return String::new();
    }
    format!(" {}", stepped_age(age))
}

impl PipelineFault {
    /// In words, as of now; raw.
    pub fn words(&self, now: Now) -> String {
        match self {
            Self::WatchdogAbsent { since, matcher } => format!(
                "watchdog absent{}: no alert matches {matcher}; alerts may not get through",
                lasting(now.tick.since(*since))
            ),
            Self::SourceDown { source, cause, since } => {
                format!("{source} down{}: {cause}", lasting(now.tick.since(*since)))
            }
            Self::NotDelivered { name, count, since } => {
                let firing_for = (now.utc - since).to_std().unwrap_or_default();
                let several = match count {
                    0 | 1 => String::new(),
                    count => format!(" ({count} label sets)"),
                };
                format!(
                    "{name} fires in Prometheus for {}{several}, and no Alertmanager has it",
                    stepped_age(firing_for)
                )
            }
            Self::RulesFailing { count: 1, example } => format!("an alerting rule fails: {example}"),
            Self::RulesFailing { count, example } => format!("{count} alerting rules fail: {example}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_rank_by_what_they_mean_whatever_their_case() {
        for (word, rank) in [
            ("critical", SeverityRank::Critical),
            ("Page", SeverityRank::Critical),
            ("SEV1", SeverityRank::Critical),
            ("warning", SeverityRank::Warning),
            ("ticket", SeverityRank::Warning),
            ("INFO", SeverityRank::Info),
            ("none", SeverityRank::Info),
            ("purple", SeverityRank::Other),
            ("", SeverityRank::Other),
        ] {
            assert_eq!(SeverityRank::of(word), rank, "{word}");
        }
        assert!(SeverityRank::Critical < SeverityRank::Warning && SeverityRank::Other < SeverityRank::Info);
    }

    #[test]
    fn an_empty_queue_says_why_it_can_be_believed() {
        let now = Now::fixed(DateTime::UNIX_EPOCH, 7_200);
        let mut board = AlertBoard::default();
        assert_eq!(
            board.sentence(now),
            "not known whether anything fires: nothing has answered yet"
        );
        board.pipeline.age = Some(Duration::from_secs(9));
        assert_eq!(board.sentence(now), "none firing, pipeline ok 9s");
        board.pipeline.unknown.push("no watchdog is configured".into());
        assert_eq!(
            board.sentence(now),
            "none firing, as of 9s; not proven: no watchdog is configured"
        );
        board.pipeline.faults.push(PipelineFault::RulesFailing {
            count: 2,
            example: "X: boom".into(),
        });
        assert_eq!(board.sentence(now), "none firing, 2 alerting rules fail: X: boom");
        board.pipeline.age = None;
        assert_eq!(
            board.sentence(now),
            "not known whether anything fires: 2 alerting rules fail: X: boom"
        );
        board.counts.active = 2;
        assert!(
            board.sentence(now).starts_with("2 firing when last heard, "),
            "{}",
            board.sentence(now)
        );
    }

    #[test]
    fn a_fault_ages_between_two_boards() {
        let now = Now::fixed(DateTime::UNIX_EPOCH, 7_200);
        let down = PipelineFault::SourceDown {
            source: "eu-0".into(),
            cause: "refused".into(),
            since: now.tick,
        };
        let missing = PipelineFault::NotDelivered {
            name: "A".into(),
            count: 2,
            since: now.utc - chrono::TimeDelta::seconds(170),
        };
        let later = now.later(Duration::from_secs(30));
        assert_eq!(down.words(later), "eu-0 down 30s: refused");
        assert_eq!(
            down.words(now),
            "eu-0 down: refused",
            "seen just now, down for who knows how long"
        );
        assert_eq!(
            missing.words(later),
            "A fires in Prometheus for 3m (2 label sets), and no Alertmanager has it"
        );
    }
}
