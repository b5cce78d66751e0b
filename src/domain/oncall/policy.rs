//! Who is woken, by the configuration: people, schedules, and policies with their levels.
//!
//! [`OnCall`] is all of it for one context. References were checked when it was decoded: a person or schedule
//! that is named is there. Start at [`OnCall::ladder`] and [`OnCall::roster`].

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::rotation::Schedule;
use super::{Duty, Roster};
use crate::domain::incident::{Ladder, Level, Named, Person, Rung};

/// How far around a span duties are followed to their true ends.
const AROUND: TimeDelta = TimeDelta::days(35);

/// Who a level wakes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A person, by id.
    Person(Arc<str>),
    /// Whoever this schedule has on call.
    Schedule(Arc<str>),
}

/// One level of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyLevel {
    /// Who is woken.
    pub notify: Vec<Target>,
    /// How long it may stay unacknowledged before the next level is woken; the last level has none.
    pub delay: Option<Duration>,
}

/// An escalation policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its name.
    pub name: Arc<str>,
    /// The services it is for; for all others too where it names none.
    pub services: Vec<Arc<str>>,
    /// The lowest first.
    pub levels: Vec<PolicyLevel>,
}

impl Policy {
    /// A level by its number, from 1.
    pub fn level(&self, level: u32) -> Option<&PolicyLevel> {
        self.levels.get(usize::try_from(level.checked_sub(1)?).ok()?)
    }

    /// Its highest level.
    pub fn top(&self) -> u32 {
        u32::try_from(self.levels.len()).unwrap_or(u32::MAX)
    }

    /// As others are told of it; its name is its id.
    pub fn named(&self) -> Named {
        named(&self.name)
    }
}

fn named(name: &Arc<str>) -> Named {
    Named {
        id: Arc::clone(name),
        name: Arc::clone(name),
    }
}

/// People, schedules and policies of one context.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OnCall {
    /// In the order of the configuration.
    pub people: Vec<Person>,
    /// In the order of the configuration.
    pub schedules: Vec<Schedule>,
    /// In the order of the configuration.
    pub policies: Vec<Policy>,
}

impl OnCall {
    /// A person by id, name or address.
    pub fn person(&self, word: &str) -> Option<&Person> {
        let by = |matches: fn(&Person, &str) -> bool| self.people.iter().find(|person| matches(person, word));
        by(|person, word| *person.id == *word)
            .or_else(|| by(|person, word| *person.name == *word))
            .or_else(|| by(|person, word| person.email.as_deref() == Some(word)))
    }

    /// A schedule by name.
    pub fn schedule(&self, name: &str) -> Option<&Schedule> {
        self.schedules.iter().find(|schedule| *schedule.name == *name)
    }

    /// A policy by name.
    pub fn policy(&self, name: &str) -> Option<&Policy> {
        self.policies.iter().find(|policy| *policy.name == *name)
    }

    /// The policy of a service: the first that names it, else the first that names none.
    pub fn policy_for(&self, service: Option<&str>) -> Option<&Policy> {
        let names = |policy: &&Policy| {
            service.is_some_and(|service| policy.services.iter().any(|each| **each == *service))
        };
        self.policies
            .iter()
            .find(names)
            .or_else(|| self.policies.iter().find(|policy| policy.services.is_empty()))
    }

    /// Who a level wakes at that moment, each once.
    pub fn woken(&self, level: &PolicyLevel, at: DateTime<Utc>) -> Vec<Person> {
        let mut people: Vec<Person> = Vec::new();
        for target in &level.notify {
            let id = match target {
                Target::Person(id) => Some(id),
                Target::Schedule(name) => self.schedule(name).and_then(|schedule| schedule.on_call(at)),
            };
            if let Some(person) = id.and_then(|id| self.person(id))
                && !people.contains(person)
            {
                people.push(person.clone());
            }
        }
        people
    }

    /// Everybody a level may wake, whoever is on call, by id.
    pub fn may_wake(&self, level: &PolicyLevel) -> Vec<Arc<str>> {
        let mut ids = Vec::new();
        for target in &level.notify {
            match target {
                Target::Person(id) => ids.push(Arc::clone(id)),
                Target::Schedule(name) => {
                    let people = self
                        .schedule(name)
                        .map(|schedule| schedule.people.iter().cloned());
                    ids.extend(people.into_iter().flatten());
                }
            }
        }
        ids
    }

    /// A policy as it stands at that moment for an incident that has gone up to `current`.
    pub fn ladder(&self, policy: &Policy, at: DateTime<Utc>, current: Level) -> Ladder {
        let rungs = (1..).zip(&policy.levels).map(|(number, level)| Rung {
            level: number,
            // Rounded up: the next level is never said to be woken before it is.
            delay_minutes: level
                .delay
                .map(|delay| u32::try_from(delay.as_secs().div_ceil(60)).unwrap_or(u32::MAX)),
            people: self.woken(level, at),
        });
        Ladder {
            missed: None,
            policy: policy.named(),
            rungs: rungs.collect(),
            current,
        }
    }

    /// Who is on call from `from` to `to`, over all policies; a schedule that no policy uses stands for itself.
    pub fn roster(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Roster {
        let mut roster = Roster::default();
        let mut gaps = Vec::new();
        for policy in &self.policies {
            for (number, level) in (1..).zip(&policy.levels) {
                for target in &level.notify {
                    self.duties(
                        target,
                        &policy.named(),
                        number,
                        (from, to),
                        &mut roster,
                        &mut gaps,
                    );
                }
            }
        }
        for schedule in &self.schedules {
            let target = Target::Schedule(Arc::clone(&schedule.name));
            let is_used = |policy: &Policy| policy.levels.iter().any(|level| level.notify.contains(&target));
            if !self.policies.iter().any(is_used) {
                self.duties(
                    &target,
                    &named(&schedule.name),
                    1,
                    (from, to),
                    &mut roster,
                    &mut gaps,
                );
            }
        }
        gaps.dedup();
        if !gaps.is_empty() {
            roster.partial = Some(gaps.join("; "));
        }
        roster
    }

    fn duties(
        &self,
        target: &Target,
        policy: &Named,
        level: u32,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        roster: &mut Roster,
        gaps: &mut Vec<String>,
    ) {
        let name = match target {
            Target::Person(id) => {
                roster.duties.extend(self.person(id).map(|person| Duty {
                    policy: policy.clone(),
                    level,
                    person: person.clone(),
                    schedule: None,
                    start: None,
                    end: None,
                }));
                return;
            }
            Target::Schedule(name) => name,
        };
        let Some(schedule) = self.schedule(name) else {
            return;
        };
        // Followed past what was asked for, so that a duty tells when it really ends.
        let (wide_from, wide_to) = (from - AROUND, to + AROUND);
        for span in schedule.spans(wide_from, wide_to) {
            if span.end <= from || span.start >= to {
                continue;
            }
            match span.person.as_deref().and_then(|id| self.person(id)) {
                Some(person) => roster.duties.push(Duty {
                    policy: policy.clone(),
                    level,
                    person: person.clone(),
                    schedule: Some(named(name)),
                    start: (span.start > wide_from).then_some(span.start),
                    end: (span.end < wide_to).then_some(span.end),
                }),
                None => gaps.push(format!(
                    "nobody is on call on {name} from {} to {}",
                    span.start.max(from).to_rfc3339_opts(SecondsFormat::Secs, true),
                    span.end.min(to).to_rfc3339_opts(SecondsFormat::Secs, true)
                )),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::oncall::rotation::Rotation;
    use chrono::{NaiveDate, NaiveTime, Weekday};

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn person(name: &str) -> Person {
        Person {
            id: name.into(),
            name: name.to_uppercase().into(),
            email: Some(format!("{name}@example.com").into()),
            phone: None,
        }
    }

    fn on_call() -> OnCall {
        let level = |notify, minutes: Option<u64>| PolicyLevel {
            notify,
            delay: minutes.map(|m| Duration::from_secs(m * 60)),
        };
        OnCall {
            people: vec![person("jun"), person("mara"), person("sam")],
            schedules: vec![Schedule {
                name: "primary".into(),
                time_zone: chrono_tz::UTC,
                rotation: Rotation::Weekly(Weekday::Mon),
                handoff: NaiveTime::from_hms_opt(9, 0, 0).unwrap(),
                start: NaiveDate::from_ymd_opt(2026, 1, 5).unwrap(),
                people: vec!["jun".into(), "mara".into()],
                overrides: Vec::new(),
            }],
            policies: vec![
                Policy {
                    name: "payments".into(),
                    services: vec!["checkout".into()],
                    levels: vec![level(vec![Target::Person("sam".into())], None)],
                },
                Policy {
                    name: "default".into(),
                    services: Vec::new(),
                    levels: vec![
                        level(vec![Target::Schedule("primary".into())], Some(5)),
                        level(
                            vec![Target::Person("sam".into()), Target::Schedule("primary".into())],
                            None,
                        ),
                    ],
                },
            ],
        }
    }

    #[test]
    fn a_service_has_the_policy_that_names_it_and_every_other_the_general_one() {
        let on_call = on_call();
        let policy = |service| on_call.policy_for(service).map(|policy| &*policy.name);
        assert_eq!(policy(Some("checkout")), Some("payments"));
        assert_eq!(policy(Some("search")), Some("default"));
        assert_eq!(policy(None), Some("default"));
    }

    #[test]
    fn a_person_is_found_by_id_name_and_address() {
        let on_call = on_call();
        for word in ["mara", "MARA", "mara@example.com"] {
            assert_eq!(on_call.person(word).map(|p| &*p.id), Some("mara"), "{word}");
        }
        assert_eq!(on_call.person("ma"), None);
    }

    #[test]
    fn a_ladder_shows_who_is_woken_now() {
        let on_call = on_call();
        let policy = on_call.policy("default").unwrap();
        let ladder = on_call.ladder(policy, utc("2026-01-12T09:00:00Z"), Level::Known(1));
        let told: Vec<_> = ladder
            .rungs
            .iter()
            .map(|rung| {
                let people: Vec<&str> = rung.people.iter().map(|person| &*person.id).collect();
                (rung.level, rung.delay_minutes, people)
            })
            .collect();
        assert_eq!(told, [(1, Some(5), vec!["mara"]), (2, None, vec!["sam", "mara"])]);
        assert_eq!(ladder.next().map(|rung| rung.level), Some(2));
    }

    #[test]
    fn a_roster_tells_when_a_duty_really_ends_and_who_is_next() {
        let roster = on_call().roster(utc("2026-01-10T00:00:00Z"), utc("2026-01-13T00:00:00Z"));
        let first: Vec<_> = roster
            .duties
            .iter()
            .filter(|duty| &*duty.policy.name == "default" && duty.level == 1)
            .map(|duty| (&*duty.person.id, duty.start.unwrap(), duty.end.unwrap()))
            .collect();
        assert_eq!(
            first,
            [
                ("jun", utc("2026-01-05T09:00:00Z"), utc("2026-01-12T09:00:00Z")),
                ("mara", utc("2026-01-12T09:00:00Z"), utc("2026-01-19T09:00:00Z")),
            ]
        );
        assert_eq!(roster.partial, None);
    }

    #[test]
    fn a_time_without_anybody_is_said() {
        let roster = on_call().roster(utc("2026-01-04T00:00:00Z"), utc("2026-01-06T00:00:00Z"));
        assert_eq!(
            roster.partial.as_deref(),
            Some("nobody is on call on primary from 2026-01-04T00:00:00Z to 2026-01-05T09:00:00Z")
        );
    }
}
