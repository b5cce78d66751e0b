//! What the evidence points at.
//!
//! Each suspect is something that was seen, with what was seen of it. Its score is a sum of named weights ([`Score`]):
//!
//! | weight | of what | up to |
//! | --- | --- | --- |
//! | kind | a deploy of the service itself, or of one that its traces lead to, 70; an alert of that one 50; a deploy that names no service 20; a span that fails or got slow 40; a log pattern by its level: error 20, warning 14, other 6 | 70 |
//! | time | how near to the beginning: all of it within five minutes, nothing an hour before, or half an hour behind it | 30 |
//! | novelty | new 20, more often 8 to 16 by how many times, slower 12 | 20 |
//! | share | of the failed or slow traces that were read, of the lines of its level since | 15 |
//!
//! A change is named before its symptoms, so that a deploy of the service in the hour before stands above the pattern
//! and the span that it brought, unless these are much nearer to the beginning. What came after the beginning, what was
//! there before, and what is another service's is none. Of a service that the traces lead to it is held against the first of
//! its own alerts, where one fired before: its trouble is the older one.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::evidence::{Deploy, Evidence, Explained, PatternSeen, SpanSeen, TraceSeen};
use super::rate::{Change, change};
use super::{By, Case, Clock, PatternAt, RowId, Target};
use crate::domain::alert::Alert;
use crate::domain::log::Level;
use crate::domain::pattern::told_first;
use crate::domain::service_map::Caller;
use crate::domain::slo::duration_in_words;
use crate::domain::trace::scale::lasting;
use crate::text::{Cut, cut, grouped};

/// Patterns among the suspects: one trouble says the same in many ways.
const MOST_PATTERNS: usize = 2;
/// Spans among them.
const MOST_SPANS: usize = 2;
/// Clocks of those who mark and those who measure differ, and a burn is measured over minutes: what was marked so
/// little after the beginning may still be before it.
const SLACK: TimeDelta = TimeDelta::seconds(60);
/// Within this of the beginning all of the weight of time is given.
const NEAR: Duration = Duration::from_secs(5 * 60);
/// So long before the beginning none of it is.
const EARLY: Duration = Duration::from_secs(60 * 60);
/// Nor so long behind it.
const LATE: Duration = Duration::from_secs(30 * 60);
/// A span is named where it explains so much of the traces that were read.
const HALF: f64 = 0.5;
/// Cells of a template that are told.
const TEMPLATE: usize = 60;

/// Something that the evidence points at.
#[derive(Debug, Clone, PartialEq)]
pub struct Suspect {
    /// Names it for as long as the case is open, whatever is learnt of it.
    pub id: RowId,
    /// What: `deploy checkout 2.3.1`. Remote.
    pub words: String,
    /// What was seen of it. Remote.
    pub evidence: String,
    /// What shows it.
    pub target: Option<Target>,
    /// Why it stands where it does.
    pub score: Score,
    /// Whether it was there when the numbers were given.
    pub stands: Stands,
}

/// How a suspect stands to the numbers that were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stands {
    /// It was there then, or no numbers are given yet.
    Ranked,
    /// It came since.
    Since,
    /// It was there, and what is known now points there no more.
    Gone,
}

/// Which numbers suspects have: a number that was shown means the same as long as the case is open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Numbers<'a> {
    /// None yet: answers are on their way, and the likeliest may be among them.
    Awaited,
    /// By how likely they are.
    Ranked,
    /// Those that were told keep theirs; who came since stands below.
    Held(&'a [Suspect]),
}

/// The weights of a suspect; they are summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Score {
    /// What it is.
    pub kind: u32,
    /// How near to the beginning.
    pub time: u32,
    /// How new.
    pub novelty: u32,
    /// How much of the failures it has.
    pub share: u32,
}

impl Score {
    /// The sum.
    pub fn sum(self) -> u32 {
        self.kind + self.time + self.novelty + self.share
    }
}

/// What the evidence points at, the likeliest first.
pub(super) fn of(evidence: &Evidence, clock: Clock<'_>) -> Vec<Suspect> {
    let mut all = deploys(evidence);
    all.extend(elsewhere(evidence, clock));
    all.extend(spans(evidence));
    all.extend(patterns(evidence, clock));
    all.sort_by_key(|suspect| Reverse(suspect.score.sum()));
    // Twice the same is a deploy that was marked twice.
    let mut ids: Vec<RowId> = Vec::new();
    all.retain(|suspect| {
        let is_new = !ids.contains(&suspect.id);
        ids.extend(is_new.then(|| suspect.id.clone()));
        is_new
    });
    all.truncate(Case::MOST_SUSPECTS);
    all
}

/// The likeliest in the places that were given before: who was told stays where he stood, also where nothing points there any
/// more; who came since stands behind them. Those without a number of their own are only told while they are likely.
pub(super) fn held(before: &[Suspect], likeliest: &[Suspect]) -> Vec<Suspect> {
    let known = |id: &RowId| before.iter().any(|suspect| suspect.id == *id);
    let kept = before.iter().enumerate().filter_map(|(place, old)| {
        let now = likeliest.iter().find(|suspect| suspect.id == old.id);
        match (now, old.stands) {
            (Some(now), stands) => Some(Suspect {
                stands: if stands == Stands::Since {
                    Stands::Since
                } else {
                    Stands::Ranked
                },
                ..now.clone()
            }),
            (None, _) if place >= Case::MOST_SUSPECTS => None,
            (None, _) => Some(Suspect {
                evidence: "what is known now points there no more".to_owned(),
                target: None,
                score: Score::default(),
                stands: Stands::Gone,
                ..old.clone()
            }),
        }
    });
    let came = likeliest
        .iter()
        .filter(|suspect| !known(&suspect.id))
        .map(|suspect| Suspect {
            stands: Stands::Since,
            ..suspect.clone()
        });
    kept.chain(came).collect()
}

/// How something stands in time to the beginning; within a minute nobody can tell which was first.
pub(super) fn away(at: DateTime<Utc>, began: DateTime<Utc>, what: &str) -> String {
    let age = began - at;
    if age.abs() < SLACK {
        let when = if what == By::NOW { "" } else { "when " };
        return format!("within a minute of {when}{what}");
    }
    let side = if age > TimeDelta::zero() {
        "before"
    } else {
        "after"
    };
    format!(
        "{} {side} {what}",
        duration_in_words(age.abs().to_std().unwrap_or_default())
    )
}

/// Between the beginning and another moment: how much of the weight of time it gets.
fn nearness(at: DateTime<Utc>, began: DateTime<Utc>) -> u32 {
    const ALL: f64 = 30.0;
    let away = (began - at).abs().to_std().unwrap_or_default();
    let none = if at <= began { EARLY } else { LATE };
    let left = none.saturating_sub(away).as_secs_f64() / none.saturating_sub(NEAR).as_secs_f64();
    (ALL * left.min(1.0)).round() as u32
}

fn share(part: f64) -> u32 {
    (15.0 * part.clamp(0.0, 1.0)).round() as u32
}

/// Services that the failures of what was read began in, or its time was spent in, beside its own.
fn blamed(evidence: &Evidence) -> Vec<Arc<str>> {
    let found = spans_found(evidence);
    let own = evidence.service.as_deref();
    let mut services: Vec<Arc<str>> = found
        .into_iter()
        .map(|found| span_of(evidence, &found.service))
        .collect();
    services.retain(|service| Some(&**service) != own);
    services
}

/// What we call the service of a span.
fn span_of(evidence: &Evidence, theirs: &Arc<str>) -> Arc<str> {
    match evidence.names.ours(Caller::Traces, theirs) {
        same if *same == **theirs => Arc::clone(theirs),
        ours => Arc::from(ours),
    }
}

fn is_of(evidence: &Evidence, alert: &Alert, service: &str) -> bool {
    evidence.names.is_of(Caller::Alerts, &alert.service, service)
}

fn deploys(evidence: &Evidence) -> Vec<Suspect> {
    let Some(known) = evidence.deploys.known() else {
        return Vec::new();
    };
    let blamed = blamed(evidence);
    let suspect = |deploy: &Deploy| {
        let names = &evidence.names;
        let own = evidence.service.as_deref().filter(|own| deploy.names(own, names));
        let led_to = blamed.iter().find(|service| deploy.names(service, names));
        let at_first = (evidence.began.at, evidence.began.by.words());
        let (kind, of, (began, what)) = match (own, led_to) {
            (Some(_), _) => (70, "", at_first),
            (None, Some(service)) => {
                let fired = first_alert(evidence, service);
                let fired = fired.map(|alert| {
                    (
                        alert.occurrence.starts_at,
                        format!("{} {service} fired", alert.name),
                    )
                });
                (70, "; its traces lead there", fired.unwrap_or(at_first))
            }
            (None, None) if deploy.services.is_empty() && evidence.service.is_some() => {
                (20, "; it names no service", at_first)
            }
            (None, None) => return None,
        };
        if deploy.at < began - Evidence::BEFORE || began + SLACK < deploy.at {
            return None;
        }
        let service = own
            .map(Arc::from)
            .or_else(|| led_to.cloned())
            .or_else(|| evidence.service.clone());
        Some(Suspect {
            id: id(&[
                "deploy",
                &deploy.at.timestamp_millis().to_string(),
                &deploy.title(),
            ]),
            words: deploy.title(),
            evidence: format!("{}{of}", away(deploy.at, began, &what)),
            target: service.map(|service| Target::Logs(service, deploy.at)),
            score: Score {
                kind,
                time: nearness(deploy.at, began),
                ..Score::default()
            },
            stands: Stands::Ranked,
        })
    };
    known.list.iter().filter_map(suspect).collect()
}

/// A name that stays the same whatever is learnt.
fn id(parts: &[&str]) -> RowId {
    RowId(Arc::from(format!("suspects/{}", parts.join("/"))))
}

/// The first alert of another service that fired before this trouble, or with it; the gravest of several at once.
fn first_alert<'a>(evidence: &'a Evidence, service: &str) -> Option<&'a Arc<Alert>> {
    let before = evidence.began.at + SLACK;
    let of = |alert: &&Arc<Alert>| is_of(evidence, alert, service) && alert.occurrence.starts_at <= before;
    let all = evidence.elsewhere.iter().filter(of);
    all.min_by_key(|alert| (alert.occurrence.starts_at, alert.rank()))
}

/// Of each service that the failed traces lead to, the first of its alerts that fired before or with this trouble.
fn elsewhere(evidence: &Evidence, clock: Clock<'_>) -> Vec<Suspect> {
    let began = evidence.began.at;
    let mut services = blamed(evidence);
    services.sort();
    services.dedup();
    let suspect = |service: Arc<str>| {
        let of = |alert: &&Arc<Alert>| {
            is_of(evidence, alert, &service) && alert.occurrence.starts_at <= began + SLACK
        };
        let first = evidence.elsewhere.iter().filter(of);
        let alert = first.min_by_key(|alert| (alert.rank(), alert.occurrence.starts_at))?;
        let since = alert.occurrence.starts_at;
        let fingerprint = alert.occurrence.fingerprint;
        Some(Suspect {
            id: id(&["alert", &fingerprint.to_string()]),
            words: format!("alert {} {service}", alert.name),
            evidence: format!(
                "fires since {}, {}; its traces lead there",
                clock(since),
                away(since, began, &evidence.began.by.words())
            ),
            target: Some(Target::Alert(fingerprint)),
            score: Score {
                kind: 50,
                time: nearness(since, began),
                ..Score::default()
            },
            stands: Stands::Ranked,
        })
    };
    services.into_iter().filter_map(suspect).collect()
}

/// Operations that fail or got slow in the traces that were read.
struct Found {
    service: Arc<str>,
    operation: Arc<str>,
    fails: bool,
    /// In how many traces.
    traces: usize,
    /// Of how many.
    of: usize,
    what: String,
    example: (super::TraceId, Duration, Duration),
}

/// Operations that explain at least half of the failed traces that were read, where these fail more often than before;
/// the same of slow ones.
fn spans_found(evidence: &Evidence) -> Vec<Found> {
    let Some(traces) = evidence.traces.known() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if !matches!(
        change(traces.before, traces.since),
        Change::Fallen | Change::Same | Change::Unknown
    ) {
        let failed = |trace: &&TraceSeen| trace.why.is_failed();
        found.extend(common(traces.read.iter().filter(failed), true, |explained| {
            &explained.origins
        }));
    }
    if traces.slower.is_some_and(super::Slower::is_slower) {
        let slow = |trace: &&TraceSeen| !trace.why.is_failed();
        found.extend(common(traces.read.iter().filter(slow), false, bottleneck));
    }
    found
}

fn bottleneck(explained: &Explained) -> &[SpanSeen] {
    explained.bottleneck.as_slice()
}

fn common<'a>(
    traces: impl Iterator<Item = &'a TraceSeen>,
    fails: bool,
    spans: impl Fn(&'a Explained) -> &'a [SpanSeen],
) -> Vec<Found> {
    let mut of = 0;
    let mut by: BTreeMap<(&Arc<str>, &Arc<str>), Found> = BTreeMap::new();
    for trace in traces {
        let Ok(explained) = &trace.explained else {
            continue;
        };
        of += 1;
        let mut here: Vec<&SpanSeen> = spans(explained).iter().collect();
        here.sort_by_key(|span| (&span.service, &span.operation));
        here.dedup_by_key(|span| (&span.service, &span.operation));
        for span in here {
            let entry = by
                .entry((&span.service, &span.operation))
                .or_insert_with(|| Found {
                    service: Arc::clone(&span.service),
                    operation: Arc::clone(&span.operation),
                    fails,
                    traces: 0,
                    of: 0,
                    what: span.what.clone(),
                    example: (trace.id, span.took, explained.whole),
                });
            entry.traces += 1;
        }
    }
    let mut found: Vec<Found> = by
        .into_values()
        .filter(|found| found.traces as f64 >= HALF * f64::from(of))
        .map(|found| Found {
            of: of as usize,
            ..found
        })
        .collect();
    found.sort_by_key(|found| Reverse(found.traces));
    found.truncate(MOST_SPANS);
    found
}

fn spans(evidence: &Evidence) -> Vec<Suspect> {
    let Some(traces) = evidence.traces.known() else {
        return Vec::new();
    };
    let suspect = |found: Found| {
        let (id, took, whole) = found.example;
        let nanos = |span: Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        let service = span_of(evidence, &found.service);
        let name = crate::domain::trace::explain::joined(&service, &found.operation);
        let how = if found.fails { "fails" } else { "slow" };
        let (words, seen, novelty) = if found.fails {
            let rise = change(traces.before, traces.since);
            let what = if found.what.is_empty() {
                String::new()
            } else {
                format!(" ({})", found.what)
            };
            let seen = format!(
                "origin of {} of {} failed traces read{what}",
                found.traces, found.of
            );
            (format!("span {name} fails"), seen, novelty(rise))
        } else {
            let seen = format!(
                "{} of {} in one, most of {} of {} slow traces read",
                lasting(nanos(took)),
                lasting(nanos(whole)),
                found.traces,
                found.of
            );
            (format!("span {name} slow"), seen, 12)
        };
        Suspect {
            id: self::id(&["span", how, &found.service, &found.operation]),
            words,
            evidence: seen,
            target: Some(Target::Trace(id)),
            score: Score {
                kind: 40,
                novelty,
                share: share(found.traces as f64 / found.of.max(1) as f64),
                time: 0,
            },
            stands: Stands::Ranked,
        }
    };
    spans_found(evidence).into_iter().map(suspect).collect()
}

fn novelty(change: Change) -> u32 {
    match change {
        Change::New => 20,
        Change::Risen(times) => (8.0 + times.log2().max(0.0)).min(16.0).round() as u32,
        Change::Fallen | Change::Same | Change::Unknown => 0,
    }
}

fn patterns(evidence: &Evidence, clock: Clock<'_>) -> Vec<Suspect> {
    let Some(lines) = evidence.logs.known() else {
        return Vec::new();
    };
    let began = evidence.began.at;
    let mut by_level: BTreeMap<Level, u64> = BTreeMap::new();
    for pattern in &lines.patterns {
        *by_level.entry(pattern.level).or_default() += pattern.since.count;
    }
    let suspect = |pattern: &PatternSeen| {
        let change = change(pattern.before, pattern.since);
        let kind = match pattern.level {
            Level::Fatal | Level::Error => 20,
            Level::Warn => 14,
            Level::Info | Level::Debug | Level::Trace | Level::Unknown => 6,
        };
        let told = told(pattern, change, lines.is_sample, clock)?;
        let of_level = by_level.get(&pattern.level).copied().unwrap_or(0).max(1);
        Some(Suspect {
            id: id(&[
                "pattern",
                pattern.level.word(),
                pattern.service.as_deref().unwrap_or_default(),
                &pattern.template,
            ]),
            words: format!(
                "pattern '{}'",
                cut(&told_first(&pattern.template), TEMPLATE, Cut::End)
            ),
            evidence: told,
            target: Some(target(pattern)),
            score: Score {
                kind,
                time: nearness(pattern.first, began),
                novelty: novelty(change),
                share: share(pattern.since.count as f64 / of_level as f64),
            },
            stands: Stands::Ranked,
        })
    };
    let mut all: Vec<Suspect> = lines.patterns.iter().filter_map(suspect).collect();
    all.sort_by_key(|suspect| Reverse(suspect.score.sum()));
    all.truncate(MOST_PATTERNS);
    all
}

/// What opens a pattern.
pub(super) fn target(pattern: &PatternSeen) -> Target {
    Target::Pattern(PatternAt {
        service: pattern.service.clone(),
        level: pattern.level,
        template: Arc::clone(&pattern.template),
        at: pattern.first,
    })
}

/// `new since 03:01Z, 412 lines`; nothing where it is neither new nor more frequent.
pub(super) fn told(
    pattern: &PatternSeen,
    change: Change,
    is_sample: bool,
    clock: Clock<'_>,
) -> Option<String> {
    let lines = match (pattern.since.count, is_sample) {
        (1, _) => "1 line".to_owned(),
        (count, false) => format!("{} lines", grouped(count)),
        (count, true) => format!("{} lines of those read", grouped(count)),
    };
    let about = if is_sample { "about " } else { "" };
    match change {
        Change::New => Some(format!("new since {about}{}, {lines}", clock(pattern.first))),
        Change::Risen(times) => Some(format!("{times:.0}× as often as before, {lines}")),
        Change::Fallen | Change::Same | Change::Unknown => None,
    }
}
