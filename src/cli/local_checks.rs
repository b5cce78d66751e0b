//! What `doctor` says of local incidents: who sees them, who would be woken, what runs only while a console is open.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use crate::backend::incidents::local::House;
use crate::config::{Config, Context};
use crate::domain::oncall::Policy;
use crate::journal::{Journal, JournalResult, Opening, watches};
use crate::time::Stamp;

/// How far ahead the rotations are looked at.
const AHEAD: TimeDelta = TimeDelta::days(7);

/// Worth saying before the shift; empty where the context has nothing to do with local incidents.
pub(super) async fn warnings(config: &Config, context: &Context, now: &Stamp) -> Vec<String> {
    let house = House::new(config, context);
    let keeps = context
        .incidents
        .as_ref()
        .is_some_and(|incidents| incidents.kind == "local");
    if !keeps && !house.acts_by_itself() && house.on_call.people.is_empty() {
        return Vec::new();
    }
    let mut warnings = Vec::new();
    if house.acts_by_itself() {
        let watching = match watching(config, &house, now).await {
            Ok(Some(who)) => format!("{who} watches now"),
            Ok(None) => "none does now".to_owned(),
            Err(error) => error.to_string(),
        };
        warnings.push(format!("{} ({watching})", house.remarks().join("; ")));
    }
    warnings.extend(of_the_house(&house, now));
    warnings
        .into_iter()
        .map(|warning| format!("local incidents: {warning}"))
        .collect()
}

async fn watching(config: &Config, house: &House, now: &Stamp) -> JournalResult<Option<String>> {
    let Some(opening) = Opening::of(config).filter(|opening| opening.path.exists()) else {
        return Ok(None);
    };
    let (context, now) = (house.context.clone(), *now);
    let journal = Journal::open(&opening)?;
    journal
        .read(move |tx| watches::watching(tx, &context, &now))
        .await
}

fn of_the_house(house: &House, now: &Stamp) -> Vec<String> {
    let mut warnings = Vec::new();
    let (context, on_call) = (&house.context, &house.on_call);
    if house.notify.is_empty() {
        warnings.push(format!(
            "nobody is notified, whoever is woken; add [[contexts.{context}.notify]]"
        ));
    } else {
        let top = on_call.policies.iter().map(Policy::top).max();
        for level in 1..=top.unwrap_or_default() {
            let is_taken =
                |each: &crate::config::NotifyConfig| each.levels.is_empty() || each.levels.contains(&level);
            if !house.notify.iter().any(is_taken) {
                warnings.push(format!(
                    "nobody is notified when level {level} is woken; no [[contexts.{context}.notify]] is for it"
                ));
                continue;
            }
            let people = on_call.policies.iter().filter_map(|policy| policy.level(level));
            let people: BTreeSet<_> = people.flat_map(|each| on_call.may_wake(each)).collect();
            for person in people {
                let is_for = |each: &&crate::config::NotifyConfig| {
                    each.people.is_empty() || each.people.contains(&person)
                };
                if !house
                    .notify
                    .iter()
                    .filter(|each| is_taken(each))
                    .any(|each| is_for(&each))
                {
                    warnings.push(format!(
                        "{person} is not notified when level {level} is woken; no [[contexts.{context}.notify]] is \
                         for them"
                    ));
                }
            }
        }
    }
    if on_call.policies.is_empty() {
        warnings.push(format!(
            "nobody is woken by one; add [[contexts.{context}.escalation_policies]]"
        ));
    }
    if !on_call.people.is_empty() && on_call.person(&house.identity).is_none() {
        warnings.push(format!(
            "you act as {}, who is none of [[contexts.{context}.people]]; set identity to somebody's id, name or email",
            house.identity
        ));
    }
    warnings.extend(on_call.roster(now.utc, now.utc + AHEAD).partial);
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, decode_text};
    use crate::time::BootId;

    async fn said(text: &str) -> Vec<String> {
        let text = format!(
            "identity = \"jun@example.com\"\n[contexts.p]\nmetrics = {{ url = \"http://h\" }}\n{text}"
        );
        let config = decode_text(&text, None, &Environment::default()).unwrap().config;
        let now = Stamp {
            utc: "2026-11-20T03:00:00Z".parse().unwrap(),
            boot: BootId(1),
            boot_ms: 0,
        };
        warnings(&config, &config.contexts["p"], &now).await
    }

    #[tokio::test]
    async fn a_context_without_local_incidents_hears_nothing_of_them() {
        assert_eq!(said("").await, Vec::<String>::new());
    }

    #[tokio::test]
    async fn what_would_go_wrong_in_the_night_is_said_before() {
        let said = said(
            r#"
people = [{ name = "mara" }]
schedules = [{ name = "primary", time_zone = "UTC", rotation = "daily", start = "2026-11-22", people = ["mara"] }]
escalation_policies = [{ name = "default", levels = [{ notify = ["primary"] }, { notify = ["mara"] }] }]
notify = [{ kind = "command", command = ["page"], levels = [1] }]
"#,
        )
        .await;
        assert_eq!(
            said,
            [
                "local incidents: local to you; escalates only while a console is open (none does now)",
                "local incidents: nobody is notified when level 2 is woken; no [[contexts.p.notify]] is for it",
                "local incidents: you act as jun@example.com, who is none of [[contexts.p.people]]; set identity to somebody's id, name or email",
                "local incidents: nobody is on call on primary from 2026-11-20T03:00:00Z to 2026-11-22T09:00:00Z",
            ]
        );
    }

    #[tokio::test]
    async fn a_person_of_a_level_whom_no_way_is_for_is_named() {
        let said = said(
            r#"
people = [{ name = "jun", email = "jun@example.com" }, { name = "mara" }, { name = "sam" }]
schedules = [{ name = "primary", time_zone = "UTC", rotation = "daily", start = "2026-11-01", people = ["jun", "sam"] }]
escalation_policies = [{ name = "default", levels = [{ notify = ["primary", "mara"] }] }]
notify = [{ kind = "command", command = ["page"], people = ["jun", "mara"] }]
"#,
        )
        .await;
        assert_eq!(
            said,
            [
                "local incidents: sam is not notified when level 1 is woken; no [[contexts.p.notify]] is for them"
            ]
        );
    }

    #[tokio::test]
    async fn a_keeper_without_anybody_to_wake_says_so() {
        assert_eq!(
            said("incidents = { kind = \"local\" }\n").await,
            [
                "local incidents: nobody is notified, whoever is woken; add [[contexts.p.notify]]",
                "local incidents: nobody is woken by one; add [[contexts.p.escalation_policies]]",
            ]
        );
    }
}
