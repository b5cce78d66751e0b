//! Who is on call as text: now, and who comes next.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Duty, Roster};
use crate::domain::alert::table::{columns, safe};

/// Who is on call now, lowest level first within a policy, with who follows.
pub fn oncall_text(roster: &Roster, now: DateTime<Utc>) -> String {
    let mut rows = vec![
        ["POLICY", "LEVEL", "NOW", "UNTIL", "NEXT", "SCHEDULE", "REACH"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(roster.at(now).map(|duty| row(roster, duty)));
    if rows.len() == 1 {
        return "nobody is on call now\n".to_owned();
    }
    columns(&rows)
}

/// Who follows on the same level of the same policy and schedule.
pub fn next<'a>(roster: &'a Roster, duty: &Duty) -> Option<&'a Duty> {
    let end = duty.end?;
    roster
        .duties
        .iter()
        .filter(|other| {
            other.policy.id == duty.policy.id
                && other.level == duty.level
                && other.schedule == duty.schedule
                && other
                    .start
                    .is_some_and(|start| start >= end - TimeDelta::minutes(1))
        })
        .min_by_key(|other| other.start)
}

fn row(roster: &Roster, duty: &Duty) -> Vec<String> {
    let end = duty.end.map(|end| end.format("%m-%d %H:%MZ").to_string());
    let person = &duty.person;
    let next = next(roster, duty).map(|next| {
        let again = if next.person.id == person.id { " again" } else { "" };
        format!("{}{again}", next.person.name)
    });
    vec![
        safe(&duty.policy.name),
        duty.level.to_string(),
        safe(&person.name),
        end.unwrap_or_else(|| "always".to_owned()),
        safe(next.as_deref().unwrap_or("-")),
        safe(duty.schedule.as_ref().map_or("-", |schedule| &schedule.name)),
        safe(person.phone.as_deref().or(person.email.as_deref()).unwrap_or("-")),
    ]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::incident::{Named, Person};

    #[test]
    fn whoever_follows_upon_themselves_is_on_call_again() {
        let at = |hour: i64| DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::hours(hour);
        let named = |name: &str| Named {
            id: name.into(),
            name: name.into(),
        };
        let duty = |who: &str, from: i64| Duty {
            policy: named("primary"),
            level: 1,
            schedule: None,
            person: Person {
                id: who.into(),
                name: Arc::from(who),
                email: None,
                phone: None,
            },
            start: Some(at(from)),
            end: Some(at(from + 8)),
        };
        let text = |duties: Vec<Duty>| {
            let roster = Roster {
                duties,
                ..Roster::default()
            };
            oncall_text(&roster, at(1))
        };
        let again = text(vec![duty("Sam", 0), duty("Sam", 8)]);
        assert!(again.contains("Sam again"), "{again}");
        let other = text(vec![duty("Sam", 0), duty("Jun", 8)]);
        assert!(other.contains("Jun") && !other.contains("again"), "{other}");
    }
}
