//! What is over, or has lain about for long, when the story begins.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use crate::demo::world::Scenario;
use crate::demo::world::story::{DAY, HOUR, MIN};

use super::account::{Account, on_call, settle};
use super::catalogue::{PRIORITIES, Priority, User, service_named, user};
use super::record::{Agent, Alert, Urgency, id};

/// A past incident: times in seconds after its begin.
struct Past {
    /// Seconds after the anchor.
    at: f64,
    service: &'static str,
    title: &'static str,
    urgency: Urgency,
    priority: Option<usize>,
    acknowledged: Option<(f64, &'static str)>,
    notes: &'static [(f64, &'static str, &'static str)],
    resolved: Option<(f64, &'static str)>,
}

const OLD_TICKET: Past = Past {
    at: -41.0 * DAY,
    service: "legacy-basket",
    title: "certificate of legacy-basket.internal ends in 90 days",
    urgency: Urgency::Low,
    priority: None,
    acknowledged: None,
    notes: &[],
    resolved: None,
};

const QUIET_NIGHT: Past = Past {
    at: -12.0 * DAY,
    service: "platform",
    title: "node-b:9100 cannot be scraped",
    urgency: Urgency::High,
    priority: None,
    acknowledged: Some((4.0 * MIN, "PSAM00C")),
    notes: &[(9.0 * MIN, "PSAM00C", "a kernel update, back in a minute")],
    resolved: Some((11.0 * MIN, "PSAM00C")),
};

const BURNT_BUDGET: Past = Past {
    at: -9.0 * DAY + 2.0 * MIN,
    service: "inventory",
    title: "inventory fails 90% of its requests",
    urgency: Urgency::High,
    priority: Some(0),
    acknowledged: Some((21.0 * MIN, "PMARA0B")),
    notes: &[
        (
            40.0 * MIN,
            "PMARA0B",
            "TODO the stock import must not lock the whole table",
        ),
        (
            3.0 * HOUR,
            "PJUN0A1",
            "import stopped; the lock is held by a session that is gone",
        ),
    ],
    resolved: Some((6.0 * HOUR, "PMARA0B")),
};

const SLOW_SEARCH: Past = Past {
    at: -2.0 * DAY,
    service: "storefront",
    title: "p99 of storefront is 1.4 s",
    urgency: Urgency::High,
    priority: Some(1),
    acknowledged: Some((3.0 * MIN, "PJUN0A1")),
    notes: &[(
        8.0 * MIN,
        "PJUN0A1",
        "the search index is slow; a ticket, not a page",
    )],
    resolved: Some((26.0 * MIN, "PJUN0A1")),
};

/// Writes the past of the account's scenario.
pub fn write(account: &mut Account) {
    let past: &[Past] = match account.epoch().scenario {
        Scenario::Leak => &[OLD_TICKET, QUIET_NIGHT, BURNT_BUDGET, SLOW_SEARCH],
        Scenario::Calm => &[OLD_TICKET, QUIET_NIGHT],
        Scenario::Drill(_) => &[OLD_TICKET, QUIET_NIGHT, SLOW_SEARCH],
    };
    for past in past {
        tell(account, past);
    }
}

fn tell(account: &mut Account, past: &Past) {
    let service = service_named(past.service);
    let begin = account.anchor() + span(past.at);
    let at = |offset: f64| -> DateTime<Utc> { begin + span(offset) };
    let index = account.open(
        (service, None),
        (past.title.to_owned(), past.urgency),
        (begin, Agent::Service(service)),
        (None, None),
    );
    let seed = account.epoch().seed;
    let on_call = on_call(account.anchor());
    let Some(incident) = account.incidents.get_mut(index) else {
        return;
    };
    // These came from a prober that knows no labels: text and a key of its own.
    incident.alerts.push(Alert {
        id: id('Q', seed, &format!("past {}", past.title), 14),
        key: format!("prober/{}/{}", past.service, begin.timestamp()),
        summary: past.title.to_owned(),
        severity: match past.urgency {
            Urgency::High => "error".to_owned(),
            Urgency::Low => "warning".to_owned(),
        },
        created: begin,
        resolved: None,
        details: json!({"prober": "outside-in", "runs": [{"from": "eu-central", "failed": 3}]}),
    });
    let known = |id: &str| -> Option<&'static User> { user(id) };
    let taken = at(past.acknowledged.map_or(0.0, |(offset, _)| offset));
    while let Some(due) = incident.escalate_at.filter(|due| *due < taken) {
        incident.time_out_level(due, &on_call);
    }
    settle(incident);
    if let Some((offset, who)) = past.acknowledged
        && let Some(who) = known(who)
    {
        incident.acknowledge(who, at(offset), "mobile");
    }
    let priority: Option<&'static Priority> = past.priority.and_then(|index| PRIORITIES.get(index));
    for (offset, who, text) in past.notes {
        if let Some(who) = known(who) {
            incident.note(who, at(*offset), text);
        }
    }
    if let Some(priority) = priority
        && let Some((offset, who)) = past.acknowledged
        && let Some(who) = known(who)
    {
        // Those that somebody took were rated by them right after.
        incident.set_priority(Some(priority), who, at(offset) + TimeDelta::minutes(1));
        incident.log.sort_by_key(|entry| entry.at);
    }
    if let Some((offset, who)) = past.resolved
        && let Some(who) = known(who)
    {
        incident.resolve(Agent::User(who), at(offset), None);
    }
    settle(incident);
}

fn span(seconds: f64) -> TimeDelta {
    TimeDelta::milliseconds((seconds * 1_000.0) as i64)
}
