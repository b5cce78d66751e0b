//! What an act will hit, before it is done: acknowledgements, hand-backs, silences and their guards.
//!
//! All pure, on the board as it stands when the key is pressed. Start at [`ack_plan`], [`hand_back_plan`] and
//! [`silence_preview`]; [`Preview::guard`] is what a headless silence is refused for.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::matcher::{self, Matchers};
use super::{
    Ack, AckState, Alert, AlertBoard, AlertState, Fingerprint, IsAck, Labels, MatchOp, Matcher, Occurrence,
    SeverityRank, SilenceState, Standing,
};
use crate::problem::Mistyped;
use crate::time::{prometheus_duration, short_age};

/// A silence that hides more alerts than this is refused without a confirmed count.
pub const GUARD_COUNT: usize = 20;

/// One silence that an acknowledgement makes, in one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedAck {
    /// Where.
    pub cluster: Arc<str>,
    /// Match no alert there but those covered.
    pub matchers: Vec<Matcher>,
    /// The occurrences it is for.
    pub covers: Vec<Occurrence>,
}

/// Why a selected alert is left out of an acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftOut {
    /// It is listed no more.
    Gone,
    /// It fired anew since it was selected: look again.
    Refired,
    /// Somebody has it already.
    Held(Ack),
    /// It is the dead man's switch: hiding it would hide that nothing gets through.
    Watchdog,
    /// No source that lists it is known.
    NoSource,
}

impl LeftOut {
    /// In words; the author is remote text.
    pub fn words(&self) -> String {
        match self {
            Self::Gone => "is listed no more".to_owned(),
            Self::Refired => "has fired anew since it was selected; look again".to_owned(),
            Self::Held(ack) => format!("is acknowledged by {} since {}", ack.by, ack.at.format("%H:%MZ")),
            Self::Watchdog => "is the watchdog, which is never acknowledged".to_owned(),
            Self::NoSource => "is at no known Alertmanager".to_owned(),
        }
    }
}

/// What an acknowledgement will do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AckPlan {
    /// The silences to make.
    pub silences: Vec<PlannedAck>,
    /// What was selected and will not be hit, and why: the difference to show.
    pub left_out: Vec<(Occurrence, LeftOut)>,
}

impl AckPlan {
    /// How many alerts will be acknowledged.
    pub fn alerts(&self) -> usize {
        self.silences
            .iter()
            .flat_map(|s| &s.covers)
            .collect::<BTreeSet<_>>()
            .len()
    }
}

/// The silences that acknowledge the selected occurrences: one a cluster where its matchers hit nothing else,
/// else one an alert by its full label set.
pub fn ack_plan(selected: &[Occurrence], board: &AlertBoard) -> AckPlan {
    let mut plan = AckPlan::default();
    let mut chosen: Vec<&Arc<Alert>> = Vec::new();
    for occurrence in selected.iter().collect::<BTreeSet<_>>() {
        match selectable(occurrence, board) {
            Ok(alert) => chosen.push(alert),
            Err(why) => plan.left_out.push((*occurrence, why)),
        }
    }
    let clusters: BTreeSet<&Arc<str>> = chosen.iter().flat_map(|alert| lacking(alert, board)).collect();
    for cluster in clusters {
        let lists = |alert: &Alert| clusters_of(alert, board).any(|c| c == cluster);
        let lacks = |alert: &Alert| lacking(alert, board).any(|c| c == cluster);
        let mine: Vec<&Arc<Alert>> = chosen.iter().copied().filter(|alert| lacks(alert)).collect();
        let wanted: BTreeSet<Fingerprint> = mine.iter().map(|alert| alert.occurrence.fingerprint).collect();
        let others: Vec<&Arc<Alert>> = board
            .by_fingerprint
            .values()
            .filter(|alert| {
                !wanted.contains(&alert.occurrence.fingerprint) && !is_over(alert) && lists(alert)
            })
            .collect();
        let planned = |matchers, covers: &[&Arc<Alert>]| PlannedAck {
            cluster: Arc::clone(cluster),
            matchers,
            covers: covers.iter().map(|alert| alert.occurrence).collect(),
        };
        match shared_matchers(&mine, &others) {
            Some(matchers) if mine.len() > 1 => plan.silences.push(planned(matchers, &mine)),
            Some(_) | None => {
                for alert in mine {
                    plan.silences.push(planned(full_matchers(alert, board), &[alert]));
                }
            }
        }
    }
    plan
}

fn selectable<'a>(occurrence: &Occurrence, board: &'a AlertBoard) -> Result<&'a Arc<Alert>, LeftOut> {
    let alert = board
        .by_fingerprint
        .get(&occurrence.fingerprint)
        .filter(|a| !is_over(a))
        .ok_or(LeftOut::Gone)?;
    if alert.occurrence.starts_at > occurrence.starts_at {
        return Err(LeftOut::Refired);
    }
    if board.watchdog.contains(&occurrence.fingerprint) {
        return Err(LeftOut::Watchdog);
    }
    if let AckState::Held(ack) = &alert.ack {
        return Err(LeftOut::Held(ack.clone()));
    }
    if clusters_of(alert, board).next().is_none() {
        return Err(LeftOut::NoSource);
    }
    Ok(alert)
}

fn is_over(alert: &Alert) -> bool {
    matches!(alert.state, AlertState::Gone | AlertState::Resolved)
}

fn clusters_of<'a>(alert: &'a Alert, board: &'a AlertBoard) -> impl Iterator<Item = &'a Arc<str>> {
    alert.sources.iter().filter_map(|source| board.cluster_of(source))
}

/// The clusters where an acknowledgement is to be made: all that list the alert and do not carry one yet.
fn lacking<'a>(alert: &'a Alert, board: &'a AlertBoard) -> impl Iterator<Item = &'a Arc<str>> {
    let missing = match &alert.ack {
        AckState::Partly(part) => Some(&part.missing),
        AckState::None | AckState::Held(_) | AckState::HiddenBy(_) => None,
    };
    clusters_of(alert, board).filter(move |cluster| missing.is_none_or(|missing| missing.contains(cluster)))
}

fn equal(name: &Arc<str>, value: &Arc<str>) -> Matcher {
    Matcher {
        name: Arc::clone(name),
        op: MatchOp::Equal,
        value: Arc::clone(value),
    }
}

fn carries(labels: &Labels, matchers: &[Matcher]) -> bool {
    matchers.iter().all(|m| labels.value(&m.name) == &*m.value)
}

/// The labels that all of them have in common, where no other alert has them all.
fn shared_matchers(mine: &[&Arc<Alert>], others: &[&Arc<Alert>]) -> Option<Vec<Matcher>> {
    let first = mine.first()?;
    let common: Vec<Matcher> = first
        .labels
        .pairs()
        .iter()
        .filter(|(name, value)| !value.is_empty() && mine.iter().all(|a| a.labels.value(name) == &**value))
        .map(|(name, value)| equal(name, value))
        .collect();
    let hits_no_other = !common.is_empty() && !others.iter().any(|other| carries(&other.labels, &common));
    hits_no_other.then_some(common)
}

/// The full label set; where another alert has all of these labels and more, also that it lacks those.
fn full_matchers(alert: &Alert, board: &AlertBoard) -> Vec<Matcher> {
    let labels = alert.labels.pairs().iter().filter(|(_, value)| !value.is_empty());
    let mut matchers: Vec<Matcher> = labels.map(|(name, value)| equal(name, value)).collect();
    for other in board.by_fingerprint.values() {
        let another = other.occurrence.fingerprint != alert.occurrence.fingerprint && !is_over(other);
        if another
            && other.name == alert.name
            && carries(&other.labels, &matchers)
            && let Some((name, _)) = other
                .labels
                .pairs()
                .iter()
                .find(|(n, v)| !v.is_empty() && alert.labels.value(n).is_empty())
        {
            matchers.push(equal(name, &Arc::default()));
        }
    }
    matchers
}

/// What handing back will do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HandBackPlan {
    /// Silences of ours to expire: (cluster, id).
    pub expire: Vec<(Arc<str>, Arc<str>)>,
    /// What alerts again.
    pub alerts: Vec<Fingerprint>,
    /// What alerts again though it was not selected: it shares a silence.
    pub also: Vec<Fingerprint>,
    /// What cannot be handed back, and why.
    pub refused: Vec<(Occurrence, String)>,
}

/// Which silences hand the selected alerts back; only those that `identity` made.
pub fn hand_back_plan(selected: &[Occurrence], board: &AlertBoard, identity: &str) -> HandBackPlan {
    let mut plan = HandBackPlan::default();
    for occurrence in selected {
        let Some(alert) = board.by_fingerprint.get(&occurrence.fingerprint) else {
            plan.refused.push((*occurrence, LeftOut::Gone.words()));
            continue;
        };
        // what merely hides this occurrence is an acknowledgement too, and its maker may end it
        let acks: Vec<_> = board
            .silences_of(alert)
            .filter(|row| row.ack == IsAck::Yes && row.silence.state == SilenceState::Active)
            .collect();
        let (ours, theirs): (Vec<_>, Vec<_>) = acks
            .into_iter()
            .partition(|row| *row.silence.created_by == *identity);
        if ours.is_empty() {
            let why = theirs.first().map_or_else(
                || "is not acknowledged".to_owned(),
                |row| {
                    let by = &row.silence.created_by;
                    format!(
                        "is acknowledged by {by}, who alone hands it back; expire the silence to override"
                    )
                },
            );
            plan.refused.push((*occurrence, why));
            continue;
        }
        plan.alerts.push(occurrence.fingerprint);
        for row in ours {
            let target = (Arc::clone(&row.cluster), Arc::clone(&row.silence.id));
            if !plan.expire.contains(&target) {
                plan.expire.push(target);
            }
        }
    }
    let touched = board.by_fingerprint.values().filter(|alert| !is_over(alert));
    plan.also = touched
        .filter(|alert| {
            alert
                .silenced_by
                .iter()
                .any(|id| plan.expire.iter().any(|(_, expired)| expired == id))
        })
        .map(|alert| alert.occurrence.fingerprint)
        .filter(|fingerprint| !plan.alerts.contains(fingerprint))
        .collect();
    plan
}

/// What a silence would hide.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preview {
    /// Every alert it matches now, the watchdog and what is suppressed already included.
    pub matched: Vec<Fingerprint>,
    /// Groups of the board with a matched alert.
    pub groups: usize,
    /// Of those matched: page-severity ones.
    pub pages: Vec<Fingerprint>,
    /// Of those matched: acknowledged ones.
    pub acknowledged: usize,
    /// Of those matched: hidden already by something else.
    pub suppressed: usize,
    /// It matches the dead man's switch.
    pub watchdog: Vec<Fingerprint>,
    /// Alerts that lack a label which a negative matcher speaks of, with that label: matched, perhaps unmeant.
    pub lacking: Vec<(Fingerprint, Arc<str>)>,
    /// Services hit, most alerts first.
    pub services: Vec<(Arc<str>, usize)>,
    /// What it would have hidden of the alerts that went within the last hours.
    pub past: Vec<Fingerprint>,
}

/// What these matchers hide now, and would have hidden of late. `clusters` empty means every cluster.
pub fn silence_preview(
    matchers: &[Matcher],
    board: &AlertBoard,
    clusters: &[Arc<str>],
) -> Result<Preview, Mistyped> {
    let compiled: Matchers = matcher::check_silence(matchers)?;
    let mut preview = Preview::default();
    let reached =
        |alert: &Alert| clusters.is_empty() || clusters_of(alert, board).any(|c| clusters.contains(c));
    for alert in board
        .by_fingerprint
        .values()
        .filter(|a| compiled.is_match(&a.labels) && reached(a))
    {
        let fingerprint = alert.occurrence.fingerprint;
        match alert.standing() {
            Standing::Over => {
                preview.past.push(fingerprint);
                continue;
            }
            Standing::Acknowledged => preview.acknowledged += 1,
            Standing::Suppressed => preview.suppressed += 1,
            Standing::Unacknowledged => {}
        }
        preview.matched.push(fingerprint);
        if board.watchdog.contains(&fingerprint) {
            preview.watchdog.push(fingerprint);
        }
        if alert.rank() == SeverityRank::Critical {
            preview.pages.push(fingerprint);
        }
        if let Some(label) = compiled.lacking(&alert.labels).first() {
            preview.lacking.push((fingerprint, (*label).into()));
        }
        match preview
            .services
            .iter_mut()
            .find(|(service, _)| *service == alert.service)
        {
            Some((_, count)) => *count += 1,
            None => preview.services.push((Arc::clone(&alert.service), 1)),
        }
    }
    preview
        .services
        .sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let hit: BTreeSet<&Fingerprint> = preview.matched.iter().collect();
    let any_hit = |group: &&Arc<super::AlertGroup>| {
        group
            .alerts
            .iter()
            .any(|a| hit.contains(&a.occurrence.fingerprint))
    };
    preview.groups = board.groups.iter().filter(any_hit).count();
    Ok(preview)
}

/// What a silence must keep to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest silence.
    pub silence_max: Duration,
    /// The count that was confirmed, where one was.
    pub confirmed: Option<usize>,
}

/// Why a silence is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Longer than `silence_max`; no confirmation helps.
    #[error("{} is longer than silence_max, {}; ask for less or change silence_max", prometheus_duration(*asked), prometheus_duration(*max))]
    TooLong {
        /// What was asked for.
        asked: Duration,
        /// The longest.
        max: Duration,
    },
    /// It lasts no time.
    #[error("a silence must last; write a duration such as 2h")]
    NoTime,
    /// It hides what is not hidden unawares.
    #[error("this would hide {}; to do it all the same: --confirm-count {count}", reasons.join("; "))]
    Unconfirmed {
        /// Each in words.
        reasons: Vec<String>,
        /// The count to confirm: every alert matched now.
        count: usize,
    },
    /// The confirmed count is not what it hides now.
    #[error(
        "{confirmed} alerts were confirmed, and it would hide {count} now; look again, then --confirm-count {count}"
    )]
    CountDiffers {
        /// What was confirmed.
        confirmed: usize,
        /// What it is.
        count: usize,
    },
}

impl Preview {
    /// Reasons to ask twice: more than [`GUARD_COUNT`] alerts, page severity, the watchdog, absent labels.
    pub fn reasons(&self) -> Vec<String> {
        let count = self.matched.len();
        let mut reasons = Vec::new();
        if count > GUARD_COUNT {
            reasons.push(format!("{count} alerts, more than {GUARD_COUNT}"));
        }
        if !self.watchdog.is_empty() {
            reasons.push("the watchdog, so that a dead pipeline would go unnoticed".to_owned());
        }
        if !self.pages.is_empty() {
            reasons.push(format!("{} of page severity", counted(self.pages.len(), "alert")));
        }
        if let Some((_, label)) = self.lacking.first() {
            reasons.push(format!(
                "{} without the label {label} that is matched negatively",
                counted(self.lacking.len(), "alert")
            ));
        }
        reasons
    }

    /// Refuses a silence of this length, unless its count was confirmed where that is needed.
    pub fn guard(&self, length: Duration, limits: Limits) -> Result<(), Refusal> {
        if length.is_zero() {
            return Err(Refusal::NoTime);
        }
        if length > limits.silence_max {
            return Err(Refusal::TooLong {
                asked: length,
                max: limits.silence_max,
            });
        }
        let count = self.matched.len();
        match limits.confirmed {
            Some(confirmed) if confirmed != count => Err(Refusal::CountDiffers { confirmed, count }),
            Some(_) => Ok(()),
            None => {
                let reasons = self.reasons();
                if reasons.is_empty() {
                    Ok(())
                } else {
                    Err(Refusal::Unconfirmed { reasons, count })
                }
            }
        }
    }

    /// One line: `hides 14 alerts in 3 groups (2 of page severity, 1 hidden already), 31 of the last hours'`.
    pub fn sentence(&self) -> String {
        let mut out = format!(
            "hides {} in {}",
            counted(self.matched.len(), "alert"),
            counted(self.groups, "group")
        );
        let mut notes = Vec::new();
        if !self.pages.is_empty() {
            notes.push(format!("{} of page severity", self.pages.len()));
        }
        if self.suppressed > 0 {
            notes.push(format!("{} hidden already", self.suppressed));
        }
        if self.acknowledged > 0 {
            notes.push(format!("{} acknowledged", self.acknowledged));
        }
        if !notes.is_empty() {
            let _ = write!(out, " ({})", notes.join(", ")); // a String takes all
        }
        if !self.past.is_empty() {
            let window = short_age(super::desk::GONE_KEPT);
            let _ = write!(
                out,
                "; would have hidden {} of the last {window}'s",
                self.past.len()
            );
        }
        out
    }
}

/// `1 alert`, `3 alerts`.
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
