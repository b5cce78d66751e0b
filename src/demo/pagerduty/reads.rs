//! What only asks: lists with their pages and spans, and single objects.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value as Json, json};

use super::account::Account;
use super::catalogue::{
    POLICIES, PRIORITIES, SCHEDULES, SERVICES, TEAMS, Target, USERS, policy, schedule, service_by_id, team,
    user,
};
use super::http::Params;
use super::incident::Incident;
use super::record::{Entry, id};
use super::refusal::Refusal;
use super::wire::{self, Included};
use super::{Key, MONTH, PagerDuty};

/// Rows in a page where nothing is said, and at most.
const PAGE: (usize, usize) = (25, 100);
/// No row past this one can be had.
const REACH: usize = 10_000;
/// A list covers no more than this.
const LONGEST: TimeDelta = TimeDelta::days(184);
/// On-call is known this far ahead.
const AHEAD: TimeDelta = TimeDelta::days(90);

/// What the plan holds.
const ABILITIES: [&str; 8] = [
    "teams",
    "urgencies",
    "coordinated_responding",
    "advanced_reports",
    "permissions_service",
    "on_call_selection",
    "service_support_hours",
    "response_operations",
];

type Answered = Result<Json, Refusal>;
/// Begin and end of a span, where they are said.
type Span = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// Answers a question.
pub fn answer_to(server: &PagerDuty, key: Key, path: &[&str], params: &Params) -> Answered {
    let (account, now) = server.account();
    let included = Included(params.all("include"));
    let found = |body: Option<Json>, name: &str| Ok(json!({name: body.ok_or_else(Refusal::not_found)?}));
    let one = |id: &str| {
        let index = account.find(id).ok_or_else(Refusal::not_found)?;
        account.incidents.get(index).ok_or_else(Refusal::not_found)
    };
    match path {
        ["abilities"] => Ok(json!({"abilities": ABILITIES})),
        ["users", "me"] => match key {
            Key::User(user) => Ok(json!({"user": wire::user_json(user, &included)})),
            Key::Account => Err(Refusal::input(
                "The user cannot be inferred from an account-level API token",
            )),
        },
        ["users"] => {
            let rows = USERS
                .iter()
                .filter(|user| named(params, &[user.name, user.email]))
                .filter(|user| wanted(params, "team_ids", user.teams))
                .map(|user| wire::user_json(user, &included));
            page(params, "users", rows.collect())
        }
        ["users", id] => found(user(id).map(|user| wire::user_json(user, &included)), "user"),
        ["users", id, "contact_methods"] => found(user(id).map(wire::contact_methods), "contact_methods"),
        ["teams"] => {
            let rows = TEAMS.iter().filter(|team| named(params, &[team.name]));
            page(params, "teams", rows.map(wire::team_json).collect())
        }
        ["teams", id] => found(team(id).map(wire::team_json), "team"),
        ["teams", id, "members"] => {
            let team = team(id).ok_or_else(Refusal::not_found)?;
            let members = USERS.iter().filter(|user| user.teams.contains(&team.id));
            let rows = members.map(|user| json!({"user": wire::user_ref(user), "role": "responder"}));
            page(params, "members", rows.collect())
        }
        ["services"] => {
            let rows = SERVICES.iter().filter(|service| {
                named(params, &[service.name]) && wanted(params, "team_ids", &[service.team])
            });
            page(params, "services", rows.map(wire::service_json).collect())
        }
        ["services", id] => found(service_by_id(id).map(wire::service_json), "service"),
        ["services", id, "change_events"] => {
            let service = service_by_id(id).ok_or_else(Refusal::not_found)?;
            change_events(server, params, now, Some(service.name))
        }
        ["change_events"] => change_events(server, params, now, None),
        ["escalation_policies"] => {
            let rows = POLICIES
                .iter()
                .filter(|policy| named(params, &[policy.name]) && wanted(params, "team_ids", &[policy.team]))
                .map(|policy| wire::policy_json(policy, &included));
            page(params, "escalation_policies", rows.collect())
        }
        ["escalation_policies", id] => found(
            policy(id).map(|policy| wire::policy_json(policy, &included)),
            "escalation_policy",
        ),
        ["schedules"] => {
            let rows = SCHEDULES
                .iter()
                .filter(|schedule| named(params, &[schedule.name]));
            page(params, "schedules", rows.map(wire::schedule_json).collect())
        }
        ["schedules", id] => calendar(account.anchor(), id, params, now),
        ["oncalls"] => on_calls(account.anchor(), params, &included, now),
        ["priorities"] => page(
            params,
            "priorities",
            PRIORITIES.iter().map(wire::priority).collect(),
        ),
        ["incidents"] => incidents(&account, params, &included, now),
        ["incidents", id] => Ok(json!({"incident": wire::incident_json(one(id)?, &included)})),
        ["incidents", id, "notes"] => {
            let notes: Vec<Json> = one(id)?.notes.iter().rev().map(wire::note_json).collect();
            Ok(json!({"notes": notes}))
        }
        ["incidents", id, "alerts"] => {
            let incident = one(id)?;
            let (statuses, keys) = (params.all("statuses"), params.all("alert_key"));
            let rows = incident
                .alerts
                .iter()
                .filter(|alert| keys.is_empty() || keys.contains(&alert.key))
                .map(|alert| wire::alert_json(alert, incident))
                .filter(|row| statuses.is_empty() || statuses.iter().any(|status| row["status"] == **status));
            page(params, "alerts", rows.collect())
        }
        ["incidents", id, "alerts", alert] => {
            let incident = one(id)?;
            let alert = incident.alerts.iter().find(|a| a.id == *alert);
            found(alert.map(|alert| wire::alert_json(alert, incident)), "alert")
        }
        ["incidents", id, "log_entries"] => {
            let incident = one(id)?;
            // The log of one incident is whole unless a span is asked for.
            let span = span(params)?;
            log(
                params,
                &included,
                incident.log.iter().map(|entry| (entry, incident)),
                span,
            )
        }
        ["log_entries"] => {
            let (since, until) = span(params)?;
            let until = until.unwrap_or(now);
            let all = account
                .incidents
                .iter()
                .flat_map(|i| i.log.iter().map(move |entry| (entry, i)));
            log(
                params,
                &included,
                all,
                (since.or(Some(until - MONTH)), Some(until)),
            )
        }
        ["log_entries", id] => {
            let mut all = account
                .incidents
                .iter()
                .flat_map(|i| i.log.iter().map(move |entry| (entry, i)));
            let entry = all.find(|(entry, _)| entry.id == *id);
            found(
                entry.map(|(entry, i)| entry_shown(entry, i, &included)),
                "log_entry",
            )
        }
        [
            "incidents",
            id,
            "past_incidents" | "related_incidents" | "outlier_incident" | "related_change_events",
        ] => {
            one(id)?;
            Err(Refusal::plan())
        }
        _ => Err(Refusal::not_found()),
    }
}

/// `query` is looked for in any of the names, letter case aside.
fn named(params: &Params, names: &[&str]) -> bool {
    params.one("query").is_none_or(|query| {
        let query = query.to_lowercase();
        names.iter().any(|name| name.to_lowercase().contains(&query))
    })
}

/// Whether a list of ids, where one is given, holds any of these.
fn wanted(params: &Params, name: &str, ids: &[&str]) -> bool {
    let listed = params.all(name);
    listed.is_empty() || listed.iter().any(|id| ids.contains(&id.as_str()))
}

fn time(params: &Params, name: &str) -> Result<Option<DateTime<Utc>>, Refusal> {
    params
        .one(name)
        .map(|text| {
            DateTime::parse_from_rfc3339(text)
                .map(|at| at.with_timezone(&Utc))
                .map_err(|_| Refusal::input(format!("{name} must be a valid ISO 8601 time")))
        })
        .transpose()
}

fn span(params: &Params) -> Result<Span, Refusal> {
    Ok((time(params, "since")?, time(params, "until")?))
}

/// One page of rows under their name.
fn page(params: &Params, name: &str, rows: Vec<Json>) -> Answered {
    let number = |name: &str, default: usize| match params.one(name) {
        Some(text) => text
            .parse::<usize>()
            .map_err(|_| Refusal::input(format!("{name} must be a number"))),
        None => Ok(default),
    };
    let (default, most) = PAGE;
    let limit = number("limit", default)?.clamp(1, most);
    let offset = number("offset", 0)?;
    if offset + limit > REACH {
        return Err(Refusal::input("Offset plus limit must not exceed 10000"));
    }
    let total = params.flag("total").then_some(rows.len());
    let more = rows.len() > offset + limit;
    let rows: Vec<Json> = rows.into_iter().skip(offset).take(limit).collect();
    Ok(json!({name: rows, "limit": limit, "offset": offset, "more": more, "total": total}))
}

/// Without `date_range=all` a list covers what began within a month, open or not.
fn incidents(account: &Account, params: &Params, included: &Included, now: DateTime<Utc>) -> Answered {
    let (since, until) = span(params)?;
    let covered = match params.one("date_range") {
        Some("all") => None,
        Some(_) => return Err(Refusal::input("Date range must be all")),
        None => {
            let until = until.unwrap_or(now);
            let since = since.unwrap_or(until - MONTH);
            if until - since > LONGEST {
                return Err(Refusal::input("The date range must not exceed six months"));
            }
            Some((since, until))
        }
    };
    let statuses = params.all("statuses");
    if let Some(bad) = statuses
        .iter()
        .find(|word| !matches!(word.as_str(), "triggered" | "acknowledged" | "resolved"))
    {
        return Err(Refusal::input(format!("Status {bad} is invalid")));
    }
    let (urgencies, people) = (params.all("urgencies"), params.all("user_ids"));
    let keep = |incident: &&Incident| {
        covered.is_none_or(|(since, until)| (since..=until).contains(&incident.created))
            && (statuses.is_empty() || statuses.iter().any(|word| word == incident.status.word()))
            && (urgencies.is_empty() || urgencies.iter().any(|word| word == incident.urgency.word()))
            && wanted(params, "service_ids", &[incident.service.id])
            && wanted(params, "team_ids", &[incident.service.team])
            // Nobody is assigned to what is over, so this finds open ones only.
            && (people.is_empty()
                || incident.assignees.iter().any(|(user, _)| people.iter().any(|id| id == user.id)))
            && params
                .one("incident_key")
                .is_none_or(|key| incident.key.as_deref() == Some(key))
    };
    let mut found: Vec<&Incident> = account.incidents.iter().filter(keep).collect();
    sort(&mut found, params.one("sort_by").unwrap_or("created_at:asc"))?;
    let rows = found.into_iter().map(|i| wire::incident_json(i, included));
    page(params, "incidents", rows.collect())
}

fn sort(rows: &mut [&Incident], by: &str) -> Result<(), Refusal> {
    let bad = || Refusal::input("Sort by is invalid");
    let fields: Vec<&str> = by.split(',').collect();
    if fields.len() > 2 {
        return Err(bad());
    }
    // The last named is sorted by first: the sort is stable.
    for field in fields.into_iter().rev() {
        let (name, way) = field.split_once(':').unwrap_or((field, "asc"));
        match name {
            "incident_number" => rows.sort_by_key(|i| i.number),
            "created_at" => rows.sort_by_key(|i| (i.created, i.number)),
            "resolved_at" => rows.sort_by_key(|i| i.resolved),
            "urgency" => rows.sort_by_key(|i| i.urgency.word()),
            _ => return Err(bad()),
        }
        match way {
            "asc" => {}
            "desc" => rows.reverse(),
            _ => return Err(bad()),
        }
    }
    Ok(())
}

/// Newest first.
fn log<'a>(
    params: &Params,
    included: &Included,
    entries: impl Iterator<Item = (&'a Entry, &'a Incident)>,
    (since, until): Span,
) -> Answered {
    let overview = params.flag("is_overview");
    let mut found: Vec<(&Entry, &Incident)> = entries
        .filter(|(entry, _)| since.is_none_or(|since| entry.at >= since))
        .filter(|(entry, _)| until.is_none_or(|until| entry.at <= until))
        .filter(|(entry, _)| !overview || !matches!(entry.kind, "notify" | "field_value_change"))
        .filter(|(_, incident)| wanted(params, "team_ids", &[incident.service.team]))
        .collect();
    found.sort_by_key(|(entry, _)| entry.at);
    found.reverse();
    let rows = found
        .into_iter()
        .map(|(entry, incident)| entry_shown(entry, incident, included));
    page(params, "log_entries", rows.collect())
}

/// A channel's details come only where they are asked for.
fn entry_shown(entry: &Entry, incident: &Incident, included: &Included) -> Json {
    let mut row = wire::entry_json(entry, incident);
    if !included.0.iter().any(|name| name == "channels") {
        let channel = &row["channel"];
        let mut brief = json!({"type": channel["type"]});
        if let Some(summary) = channel.get("summary") {
            brief["summary"] = summary.clone();
        }
        row["channel"] = brief;
    }
    if included.0.iter().any(|name| name == "incidents") {
        row["incident"] = wire::incident_json(incident, &Included::default());
    }
    row
}

fn calendar(anchor: DateTime<Utc>, id: &str, params: &Params, now: DateTime<Utc>) -> Answered {
    let schedule = schedule(id).ok_or_else(Refusal::not_found)?;
    let (since, until) = span(params)?;
    let since = since.unwrap_or(now);
    let until = until.unwrap_or(since + TimeDelta::weeks(2));
    let entries: Vec<Json> = schedule
        .shifts(anchor, since, until)
        .into_iter()
        .map(|shift| {
            json!({
                "start": wire::stamp(shift.start.max(since)),
                "end": wire::stamp(shift.end.min(until)),
                "user": wire::user_ref(shift.user),
            })
        })
        .collect();
    let mut body = wire::schedule_json(schedule);
    body["final_schedule"] = json!({
        "name": "Final Schedule",
        "rendered_schedule_entries": entries,
        "rendered_coverage_percentage": 100.0,
    });
    Ok(json!({"schedule": body}))
}

fn on_calls(anchor: DateTime<Utc>, params: &Params, included: &Included, now: DateTime<Utc>) -> Answered {
    let (since, until) = span(params)?;
    let since = since.unwrap_or(now);
    let until = until.unwrap_or(since.max(now));
    if until < since {
        return Err(Refusal::input("Until must be after since"));
    }
    if until - now > AHEAD {
        return Err(Refusal::input("Until must be within 90 days"));
    }
    let whole = |name: &str| included.0.iter().any(|i| i == name);
    let person = |found: &super::catalogue::User| {
        if whole("users") {
            wire::user_json(found, &Included::default())
        } else {
            wire::user_ref(found)
        }
    };
    let mut rows = Vec::new();
    let listed = POLICIES
        .iter()
        .filter(|policy| wanted(params, "escalation_policy_ids", &[policy.id]));
    for policy in listed {
        for (index, target) in policy
            .levels
            .iter()
            .enumerate()
            .flat_map(|(index, level)| level.targets.iter().map(move |target| (index, target)))
        {
            let mut push = |user: &super::catalogue::User, schedule: Json, (start, end): (Json, Json)| {
                if wanted(params, "user_ids", &[user.id]) {
                    rows.push(json!({
                        "user": person(user),
                        "schedule": schedule,
                        "escalation_policy": if whole("escalation_policies") {
                            wire::policy_json(policy, &Included::default())
                        } else {
                            wire::policy_ref(policy)
                        },
                        "escalation_level": index + 1,
                        "start": start,
                        "end": end,
                    }));
                }
            };
            match target {
                Target::User(id) => {
                    // Standing on a policy directly, one is always on call.
                    if let Some(user) = user(id).filter(|_| params.all("schedule_ids").is_empty()) {
                        push(user, Json::Null, (Json::Null, Json::Null));
                    }
                }
                Target::Schedule(id) => {
                    let Some(schedule) = schedule(id).filter(|s| wanted(params, "schedule_ids", &[s.id]))
                    else {
                        continue;
                    };
                    let shown = if whole("schedules") {
                        wire::schedule_json(schedule)
                    } else {
                        wire::schedule_ref(schedule)
                    };
                    let mut seen = Vec::new();
                    for shift in schedule.shifts(anchor, since, until) {
                        if params.flag("earliest") && seen.contains(&shift.user.id) {
                            continue;
                        }
                        seen.push(shift.user.id);
                        let times = (json!(wire::stamp(shift.start)), json!(wire::stamp(shift.end)));
                        push(shift.user, shown.clone(), times);
                    }
                }
            }
        }
    }
    page(params, "oncalls", rows)
}

/// What was rolled out. Times must be told in UTC.
fn change_events(server: &PagerDuty, params: &Params, now: DateTime<Utc>, service: Option<&str>) -> Answered {
    for name in ["since", "until"] {
        if params.one(name).is_some_and(|text| !text.ends_with('Z')) {
            return Err(Refusal::input(format!("{name} must be in UTC")));
        }
    }
    let (since, until) = span(params)?;
    let until = until.unwrap_or(now).min(now);
    let since = since.unwrap_or(until - MONTH);
    let mut rows = Vec::new();
    let epoch = server.world.epoch();
    for fate in &server.world.story().fates {
        let listed = SERVICES.iter().find(|s| s.name == fate.service.name);
        let Some(listed) = listed.filter(|s| service.is_none_or(|wanted| wanted == s.name)) else {
            continue;
        };
        for deploy in &fate.deploys {
            let at = epoch.anchor + TimeDelta::milliseconds((deploy.at * 1_000.0) as i64);
            if !(since..=until).contains(&at) {
                continue;
            }
            let salt = format!("change {} {}", listed.name, deploy.at);
            rows.push((
                at,
                json!({
                    "id": id('0', epoch.seed, &salt, 20),
                    "type": "change_event",
                    "summary": format!("{} {} rolled out", listed.name, deploy.version),
                    "source": "deployer",
                    "timestamp": wire::stamp(at),
                    "services": [wire::service_ref(listed)],
                    "links": [],
                    "custom_details": {"service": listed.name, "version": deploy.version},
                }),
            ));
        }
    }
    rows.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    page(
        params,
        "change_events",
        rows.into_iter().map(|(_, row)| row).collect(),
    )
}
