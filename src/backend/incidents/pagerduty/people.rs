//! Who is on call, who could be woken, and the ladder of an incident.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize as _;
use serde_json::Value;

use super::errors::Refusal;
use super::wire::{IncidentWire, OnCall, PolicyWire, Ref};
use super::{PagerDuty, remember, utc, wire};
use crate::backend::http::Call;
use crate::backend::incidents::Directory;
use crate::domain::incident::{IncidentId, Ladder, Level, Named, Person, Rung, Status};
use crate::domain::oncall::{Duty, Roster};

/// `GET /oncalls` has a rate limit of its own.
const ON_CALL_FOR: Duration = Duration::from_secs(60);
const PHONE_FOR: Duration = Duration::from_secs(3_600);
/// Telephone numbers looked up at one time: each is a request.
const PHONES: usize = 5;
/// Policies asked about at one time, their ids in the URL.
const POLICIES_AT_ONCE: usize = 50;
/// Pages at most.
const ON_CALLS: usize = 20;
const USERS: usize = 20;
const POLICIES: usize = 10;
/// `until` lies 90 days ahead at most.
const AHEAD: TimeDelta = TimeDelta::days(90);

impl PagerDuty {
    /// Hears who is on call now on the policies of these incidents, for their levels.
    pub(super) async fn learn_duties(&self, wires: &[IncidentWire]) {
        let mut policies: Vec<Arc<str>> = wires
            .iter()
            .filter(|wire| wire.known_status().is_some_and(Status::is_open))
            .filter_map(|wire| wire.escalation_policy.id.clone())
            .collect();
        policies.sort();
        policies.dedup();
        // Where it cannot be had, what was heard before stands; without that the level is unknown, and shown so.
        let _ = self.duties_now(&policies).await;
    }

    /// Who is on call now on these policies, as it was at most a minute ago.
    pub(super) async fn duties_now(&self, policies: &[Arc<str>]) -> Result<Vec<OnCall>, Refusal> {
        let now = self.clock.tick();
        let stale: Vec<Arc<str>> = {
            let memory = self.memory();
            policies
                .iter()
                .filter(|policy| {
                    memory
                        .on_call
                        .get(*policy)
                        .is_none_or(|(at, _)| now.since(*at) >= ON_CALL_FOR)
                })
                .cloned()
                .collect()
        };
        let mut failed = None;
        for some in stale.chunks(POLICIES_AT_ONCE) {
            let call = some.iter().fold(Call::get("oncalls"), |call, policy| {
                call.param("escalation_policy_ids[]", &**policy)
            });
            match self
                .pages(call.param("include[]", "users"), "oncalls", ON_CALLS)
                .await
            {
                Ok(pages) => {
                    let duties = on_calls(pages.elements);
                    let mut memory = self.memory();
                    for policy in some {
                        let theirs: Vec<OnCall> = duties
                            .iter()
                            .filter(|duty| duty.escalation_policy.id.as_ref() == Some(policy))
                            .cloned()
                            .collect();
                        remember(&mut memory.on_call, Arc::clone(policy), (now, theirs));
                    }
                }
                Err(refusal) => failed = Some(refusal),
            }
        }
        let memory = self.memory();
        let known: Vec<OnCall> = policies
            .iter()
            .filter_map(|policy| memory.on_call.get(policy))
            .flat_map(|(_, duties)| duties.iter().cloned())
            .collect();
        match failed {
            Some(refusal) if known.is_empty() => Err(refusal),
            Some(_) | None => Ok(known),
        }
    }

    pub(super) async fn read_on_call(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Roster, Refusal> {
        let now = self.clock.tick();
        let near = |a: DateTime<Utc>, b: DateTime<Utc>| (a - b).abs() <= TimeDelta::seconds(90);
        {
            let memory = self.memory();
            if let Some((at, since, until, roster)) = &memory.roster
                && now.since(*at) < ON_CALL_FOR
                && near(*since, from)
                && near(*until, to)
            {
                return Ok(roster.clone());
            }
        }
        let until = to.min(self.clock.now().utc + AHEAD);
        let call = Call::get("oncalls")
            .param("since", utc(from))
            .param("until", utc(until.max(from)))
            .param("include[]", "users");
        let pages = self.pages(call, "oncalls", ON_CALLS).await?;
        let mut duties: Vec<Duty> = on_calls(pages.elements).iter().filter_map(duty).collect();
        duties.sort_by(|a, b| {
            let key = |duty: &Duty| {
                (
                    duty.policy.name.clone(),
                    duty.policy.id.clone(),
                    duty.level,
                    duty.start,
                )
            };
            key(a).cmp(&key(b)).then_with(|| a.person.id.cmp(&b.person.id))
        });
        duties.dedup();
        let mut partial: Vec<String> = pages.cut.into_iter().collect();
        if until < to {
            partial.push("PagerDuty tells 90 days ahead at most".to_owned());
        }
        self.phone_book(&mut duties).await;
        let roster = Roster {
            duties,
            partial: (!partial.is_empty()).then(|| partial.join("; ")),
            ..Roster::default()
        };
        self.memory().roster = Some((now, from, to, roster.clone()));
        Ok(roster)
    }

    /// Fills in who can be phoned, low levels first, a few at a time; a number that is hidden stays so.
    async fn phone_book(&self, duties: &mut [Duty]) {
        let now = self.clock.tick();
        let mut wanted: Vec<(u32, Arc<str>)> = duties
            .iter()
            .filter(|duty| duty.person.phone.is_none())
            .map(|duty| (duty.level, Arc::clone(&duty.person.id)))
            .collect();
        wanted.sort();
        let mut asked: Vec<Arc<str>> = Vec::new();
        for (_, id) in wanted {
            let known = self
                .memory()
                .phones
                .get(&id)
                .is_some_and(|(at, _)| now.since(*at) < PHONE_FOR);
            if known
                || asked.contains(&id)
                || asked.len() >= PHONES
                || !id.bytes().all(|b| b.is_ascii_alphanumeric())
            {
                continue;
            }
            let call = Call::get(format!("users/{id}")).param("include[]", "contact_methods");
            let phone = match self.ask(call).await {
                Ok(answer) => wire::wrapped::<Ref>(&answer.body, "user")
                    .and_then(|user| user.person())
                    .and_then(|person| person.phone),
                Err(refusal) if refusal.error.is_passing() && !refusal.is_gone() => break,
                Err(_) => None,
            };
            remember(&mut self.memory().phones, Arc::clone(&id), (now, phone));
            asked.push(id);
        }
        let memory = self.memory();
        for duty in duties.iter_mut().filter(|duty| duty.person.phone.is_none()) {
            duty.person.phone = memory
                .phones
                .get(&duty.person.id)
                .and_then(|(_, phone)| phone.clone());
        }
    }

    async fn policy(&self, id: &Arc<str>) -> Result<PolicyWire, Refusal> {
        let now = self.clock.tick();
        let known = self.memory().policies.get(id).cloned();
        if let Some((at, policy)) = known
            && now.since(at) < ON_CALL_FOR
        {
            return Ok(policy);
        }
        let path = format!("escalation_policies/{id}");
        let tried = format!("GET /{path}");
        let answer = self.ask(Call::get(path).by_user()).await?;
        let policy: PolicyWire = wire::wrapped(&answer.body, "escalation_policy")
            .ok_or_else(|| self.unreadable(tried, "it is no escalation policy", &answer))?;
        remember(&mut self.memory().policies, Arc::clone(id), (now, policy.clone()));
        Ok(policy)
    }

    pub(super) async fn read_ladder(&self, id: &IncidentId) -> Result<Ladder, Refusal> {
        let Some(wire) = self.fetch(id).await? else {
            let gone = self.not_sent("GET /incidents", format!("there is no incident `{id}`"), "");
            return Err(gone.into());
        };
        let Some(named) = wire.escalation_policy.named() else {
            let without = self.not_sent(
                "GET /incidents",
                "it has no escalation policy",
                "reassign it, or page somebody",
            );
            return Err(without.into());
        };
        let policy = self.policy(&named.id).await?;
        let duties = self.duties_now(std::slice::from_ref(&named.id)).await?;
        let log = self.level_log(&wire).await;
        let current = self
            .told(&wire, Some(&log))
            .map_or(Level::Unknown, |incident| incident.level);
        if let Ok(height) = u32::try_from(policy.escalation_rules.len())
            && height > 0
        {
            remember(&mut self.memory().heights, id.clone(), height);
        }
        let rungs = (1_u32..)
            .zip(&policy.escalation_rules)
            .map(|(level, rule)| Rung {
                level,
                delay_minutes: rule
                    .escalation_delay_in_minutes
                    .and_then(|minutes| u32::try_from(minutes).ok()),
                people: on_level(&duties, &named.id, level),
            })
            .collect();
        Ok(Ladder {
            missed: None,
            policy: policy.itself.named().unwrap_or(named),
            rungs,
            current,
        })
    }

    pub(super) async fn read_directory(&self) -> Result<Directory, Refusal> {
        let mut directory = Directory::default();
        let mut first_failure = None;
        let mut heard = 0;
        let mut keep = |what: &str, partial: &mut Vec<String>, refusal: Refusal| {
            partial.push(format!("{what}: {}", refusal.error.cause()));
            first_failure.get_or_insert(refusal);
        };
        let users = Call::get("users").param("include[]", "contact_methods").by_user();
        match self.pages(users, "users", USERS).await {
            Ok(pages) => {
                heard += 1;
                directory
                    .partial
                    .extend(pages.cut.map(|cut| format!("people: {cut}")));
                directory.people = refs(pages.elements).iter().filter_map(Ref::person).collect();
                directory
                    .people
                    .sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.id.cmp(&b.id)));
            }
            Err(refusal) => keep("people", &mut directory.partial, refusal),
        }
        match self
            .pages(
                Call::get("escalation_policies").by_user(),
                "escalation_policies",
                POLICIES,
            )
            .await
        {
            Ok(pages) => {
                heard += 1;
                directory
                    .partial
                    .extend(pages.cut.map(|cut| format!("policies: {cut}")));
                let mut policies: Vec<Named> = refs(pages.elements).iter().filter_map(Ref::named).collect();
                policies.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.id.cmp(&b.id)));
                let ids: Vec<Arc<str>> = policies.iter().map(|policy| Arc::clone(&policy.id)).collect();
                let duties = match self.duties_now(&ids).await {
                    Ok(duties) => duties,
                    Err(refusal) => {
                        let words = format!("who a policy wakes: {}", refusal.error.cause());
                        directory.partial.push(words);
                        Vec::new()
                    }
                };
                directory.policies = policies
                    .into_iter()
                    .map(|policy| {
                        let woken = on_level(&duties, &policy.id, 1);
                        (policy, woken)
                    })
                    .collect();
            }
            Err(refusal) => keep("policies", &mut directory.partial, refusal),
        }
        match self
            .pages(Call::get("priorities").by_user(), "priorities", 1)
            .await
        {
            Ok(pages) => {
                heard += 1;
                directory.priorities = refs(pages.elements).iter().filter_map(Ref::named).collect();
                if directory.priorities.is_empty() {
                    directory
                        .partial
                        .push("this account has no priorities".to_owned());
                }
            }
            Err(refusal) if refusal.is_beyond_plan() || refusal.is_gone() => {
                directory
                    .partial
                    .push("this account has no priorities".to_owned());
            }
            Err(refusal) => keep("priorities", &mut directory.partial, refusal),
        }
        match first_failure {
            Some(refusal) if heard == 0 => Err(refusal),
            Some(_) | None => Ok(directory),
        }
    }
}

fn refs(elements: Vec<Value>) -> Vec<Ref> {
    elements
        .into_iter()
        .filter_map(|element| Ref::deserialize(element).ok())
        .collect()
}

fn on_calls(elements: Vec<Value>) -> Vec<OnCall> {
    elements
        .into_iter()
        .filter_map(|element| OnCall::deserialize(element).ok())
        .collect()
}

/// Who is on call on a level of a policy, each once (a person may stand on it by several schedules).
fn on_level(duties: &[OnCall], policy: &Arc<str>, level: u32) -> Vec<Person> {
    let mut people: Vec<Person> = Vec::new();
    for duty in duties {
        let here = duty.escalation_policy.id.as_ref() == Some(policy)
            && duty.escalation_level == Some(u64::from(level));
        if let Some(person) = duty.user.person().filter(|_| here)
            && !people.iter().any(|known| known.id == person.id)
        {
            people.push(person);
        }
    }
    people
}

fn duty(wire: &OnCall) -> Option<Duty> {
    Some(Duty {
        policy: wire.escalation_policy.named()?,
        level: u32::try_from(wire.escalation_level?).ok()?,
        person: wire.user.person()?,
        schedule: wire.schedule.named(),
        start: wire.start,
        end: wire.end,
    })
}
