//! How far up its policy an incident has gone. PagerDuty never tells: it is worked out, and doubted aloud.
//!
//! Two witnesses: who is assigned, against who is on call on which level; and the log, which says when it was
//! triggered, escalated, and started anew. Where both are sure and agree, or only one speaks and is sure, the
//! level is known; where they disagree or somebody stands on several levels, it is one of those. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::incident::{AssignedVia, Level, Status};

/// A repeated path wakes level 1 right away: the escalation that the log tells within this time is that one.
const SAME_MOMENT: TimeDelta = TimeDelta::seconds(60);

/// What is known of one incident.
#[derive(Debug, Clone, Copy)]
pub(super) struct Evidence<'a> {
    pub(super) status: Status,
    pub(super) via: AssignedVia,
    /// Ids of who is assigned.
    pub(super) assignees: &'a [Arc<str>],
    /// Who is on call now: (level, user's id).
    pub(super) duties: &'a [(u32, Arc<str>)],
    /// How many levels the policy has, where known.
    pub(super) levels: Option<u32>,
    /// What the log tells, oldest first; empty where it was not read.
    pub(super) log: &'a [Step],
}

/// A line of the log that says something of the level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) at: DateTime<Utc>,
    pub(super) what: StepWhat,
}

/// What it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StepWhat {
    /// It opened: level 1.
    Triggered,
    /// A time-out, or the next level: one up.
    TimedOut(Vec<Arc<str>>),
    /// Somebody chose a level, whose people these are.
    Chosen(Vec<Arc<str>>),
    /// Somebody gave it to these.
    Reassigned(Vec<Arc<str>>),
    /// Somebody gave it to a policy.
    Delegated,
    /// The policy begins again.
    Repeated,
}

/// The level of an incident.
pub(super) fn infer(evidence: &Evidence<'_>) -> Level {
    if evidence.status == Status::Resolved || evidence.via == AssignedVia::Direct {
        return Level::Unknown;
    }
    let by_people = by_people(evidence, evidence.assignees);
    let by_log = by_log(evidence);
    let common: BTreeSet<u32> = by_people.intersection(&by_log).copied().collect();
    if by_people.is_empty() || by_log.is_empty() {
        // One of them is silent.
        level(by_people.union(&by_log))
    } else if common.is_empty() {
        // A shift changed meanwhile, or somebody acknowledged who stands elsewhere.
        level(by_people.union(&by_log))
    } else {
        level(common.iter())
    }
}

fn level<'a>(levels: impl Iterator<Item = &'a u32>) -> Level {
    let levels: Vec<u32> = levels.copied().collect();
    match levels.as_slice() {
        [] => Level::Unknown,
        [only] => Level::Known(*only),
        _ => Level::OneOf(levels),
    }
}

/// The levels that some of these people are on call on.
fn by_people(evidence: &Evidence<'_>, people: &[Arc<str>]) -> BTreeSet<u32> {
    evidence
        .duties
        .iter()
        .filter(|(level, user)| is_there(evidence, *level) && people.contains(user))
        .map(|(level, _)| *level)
        .collect()
}

fn is_there(evidence: &Evidence<'_>, level: u32) -> bool {
    level >= 1 && evidence.levels.is_none_or(|levels| level <= levels)
}

/// The levels that the log leaves possible.
fn by_log(evidence: &Evidence<'_>) -> BTreeSet<u32> {
    let first = || BTreeSet::from([1]);
    let mut at: BTreeSet<u32> = BTreeSet::new();
    let mut repeated: Option<DateTime<Utc>> = None;
    for step in evidence.log {
        match &step.what {
            StepWhat::Triggered | StepWhat::Delegated => at = first(),
            StepWhat::Repeated => {
                at = first();
                repeated = Some(step.at);
            }
            StepWhat::TimedOut(_) if repeated.is_some_and(|since| step.at - since < SAME_MOMENT) => {
                at = first();
            }
            StepWhat::TimedOut(people) => {
                at = if at.is_empty() {
                    by_people(evidence, people)
                } else {
                    at.iter()
                        .map(|level| level.saturating_add(1))
                        .filter(|level| is_there(evidence, *level))
                        .collect()
                };
            }
            StepWhat::Chosen(people) => at = by_people(evidence, people),
            // To a policy, if these are whom its first level wakes; what was given to people was left out above.
            StepWhat::Reassigned(people) => {
                if by_people(evidence, people).contains(&1) {
                    at = first();
                }
            }
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Arc<str> {
        text.into()
    }

    fn step(minute: i64, what: StepWhat) -> Step {
        Step {
            at: DateTime::from_timestamp(1_790_000_000 + minute * 60, 0).expect("a time"),
            what,
        }
    }

    fn inferred(assignees: &[&str], duties: &[(u32, &str)], log: &[Step]) -> Level {
        let assignees: Vec<Arc<str>> = assignees.iter().map(|&a| id(a)).collect();
        let duties: Vec<(u32, Arc<str>)> = duties.iter().map(|&(l, u)| (l, id(u))).collect();
        infer(&Evidence {
            status: Status::Triggered,
            via: AssignedVia::Policy,
            assignees: &assignees,
            duties: &duties,
            levels: Some(3),
            log,
        })
    }

    const DUTIES: &[(u32, &str)] = &[(1, "SAM"), (2, "MARA"), (3, "JUN")];

    #[test]
    fn who_is_on_call_on_one_level_tells_it() {
        assert_eq!(inferred(&["MARA"], DUTIES, &[]), Level::Known(2));
    }

    #[test]
    fn somebody_on_two_levels_leaves_both_open_until_the_log_tells() {
        let duties = &[(1, "SAM"), (2, "MARA"), (3, "SAM")];
        assert_eq!(inferred(&["SAM"], duties, &[]), Level::OneOf(vec![1, 3]));
        let triggered = [step(0, StepWhat::Triggered)];
        assert_eq!(inferred(&["SAM"], duties, &triggered), Level::Known(1));
        let up = [
            step(0, StepWhat::Triggered),
            step(5, StepWhat::TimedOut(vec![id("MARA")])),
            step(10, StepWhat::TimedOut(vec![id("SAM")])),
        ];
        assert_eq!(inferred(&["SAM"], duties, &up), Level::Known(3));
    }

    #[test]
    fn a_shift_that_changed_meanwhile_is_doubted_aloud() {
        let log = [
            step(0, StepWhat::Triggered),
            step(5, StepWhat::TimedOut(vec![id("SAM")])),
        ];
        assert_eq!(inferred(&["SAM"], DUTIES, &log), Level::OneOf(vec![1, 2]));
    }

    #[test]
    fn who_is_on_no_level_leaves_it_to_the_log() {
        let log = [
            step(0, StepWhat::Triggered),
            step(5, StepWhat::TimedOut(vec![id("X")])),
        ];
        assert_eq!(inferred(&["X"], DUTIES, &log), Level::Known(2));
        assert_eq!(inferred(&["X"], DUTIES, &[]), Level::Unknown);
        assert_eq!(inferred(&[], DUTIES, &[]), Level::Unknown);
    }

    #[test]
    fn a_repeated_path_begins_again_at_the_first_level() {
        let mut log = vec![
            step(0, StepWhat::Triggered),
            step(5, StepWhat::TimedOut(vec![])),
            step(10, StepWhat::TimedOut(vec![])),
            step(15, StepWhat::Repeated),
            step(15, StepWhat::TimedOut(vec![])),
        ];
        assert_eq!(inferred(&["X"], DUTIES, &log), Level::Known(1));
        log.push(step(20, StepWhat::TimedOut(vec![])));
        assert_eq!(inferred(&["X"], DUTIES, &log), Level::Known(2));
        log.push(step(25, StepWhat::Repeated));
        assert_eq!(inferred(&["X"], DUTIES, &log), Level::Known(1));
    }

    #[test]
    fn a_chosen_level_is_told_by_its_people_and_a_policy_given_anew_starts_at_one() {
        let mut log = vec![
            step(0, StepWhat::Triggered),
            step(1, StepWhat::Chosen(vec![id("JUN")])),
        ];
        assert_eq!(inferred(&["JUN"], DUTIES, &log), Level::Known(3));
        log.push(step(2, StepWhat::Reassigned(vec![id("SAM")])));
        assert_eq!(inferred(&["SAM"], DUTIES, &log), Level::Known(1));
    }

    #[test]
    fn past_the_last_level_there_is_nothing() {
        let log = [
            step(0, StepWhat::Triggered),
            step(1, StepWhat::TimedOut(vec![])),
            step(2, StepWhat::TimedOut(vec![])),
            step(3, StepWhat::TimedOut(vec![])),
        ];
        assert_eq!(inferred(&["X"], DUTIES, &log), Level::Unknown);
    }

    #[test]
    fn what_people_were_given_by_hand_and_what_is_over_has_no_level() {
        let assignees = [id("SAM")];
        let duties = [(1, id("SAM"))];
        let evidence = Evidence {
            status: Status::Triggered,
            via: AssignedVia::Direct,
            assignees: &assignees,
            duties: &duties,
            levels: None,
            log: &[],
        };
        assert_eq!(infer(&evidence), Level::Unknown);
        let over = Evidence {
            status: Status::Resolved,
            via: AssignedVia::Policy,
            ..evidence
        };
        assert_eq!(infer(&over), Level::Unknown);
    }
}
