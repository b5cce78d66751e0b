//! Who is woken and how fast: `[nudges]`, `[[severities]]`, and a context's `[[people]]`, `[[schedules]]`,
//! `[[escalation_policies]]` and `[[declare]]`.
//!
//! ```toml
//! [nudges]                                # when the console reminds
//! update = "15m"                          # no update to those who wait
//! progress = "30m"                        # nothing happened
//!
//! [[severities]]                          # what is left out is as built in
//! name = "SEV1"                           # SEV1 to SEV4
//! acknowledge = "5m"
//! update = "15m"
//! resolve = "4h"
//!
//! [[contexts.prod.people]]
//! name = "Jun"
//! id = "jun"                              # what the others call them by; the name where there is none
//! email = "jun@example.com"
//! phone = "+49 30 1234"
//!
//! [[contexts.prod.schedules]]
//! name = "primary"
//! time_zone = "Europe/Berlin"
//! rotation = "weekly"                     # or daily
//! weekday = "monday"                      # weekly only; the start's own day where there is none
//! handoff = "09:00"                       # skipped by the clock: at the change; twice: the first
//! start = "2026-01-05"
//! people = ["jun", "mara"]                # by id or name
//! [[contexts.prod.schedules.overrides]]
//! from = "2026-12-24T18:00"               # on the schedule's clock, or with an offset
//! to = "2026-12-27T09:00"
//! person = "sam"
//!
//! [[contexts.prod.escalation_policies]]
//! name = "default"
//! services = ["checkout"]                 # every service that no other names, where left out
//! [[contexts.prod.escalation_policies.levels]]
//! notify = ["primary"]                    # schedules or people
//! delay = "5m"                            # then the next level; none on the last
//!
//! [[contexts.prod.declare]]
//! matchers = 'severity="critical"'
//! severity = "SEV2"
//! title = "Checkout fails"                # the alert's name and service where there is none
//! service = "checkout"                    # the alert's where there is none
//! policy = "default"                      # the service's where there is none
//! ```

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, Utc, Weekday};
use chrono_tz::Tz;

use super::Nudges;
use super::check::Findings;
use super::decode::{self, Section};
use super::problem::nearest;
use crate::domain::incident::watch::DeclareRule;
use crate::domain::incident::{Person, ResponseTimes, Severities, Severity};
use crate::domain::oncall::{
    OnCall, Override, Policy, PolicyLevel, Rotation, Schedule, Target, rotation::instant,
};

/// Handed over then, where nothing says when.
const HANDOFF: NaiveTime = match NaiveTime::from_hms_opt(9, 0, 0) {
    Some(time) => time,
    None => NaiveTime::MIN,
};

/// Woken after that, where a level that is not the last says nothing.
const DELAY: Duration = Duration::from_secs(5 * 60);

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Mon),
    ("tuesday", Weekday::Tue),
    ("wednesday", Weekday::Wed),
    ("thursday", Weekday::Thu),
    ("friday", Weekday::Fri),
    ("saturday", Weekday::Sat),
    ("sunday", Weekday::Sun),
];

/// As written in a file.
pub(super) fn weekday_word(day: Weekday) -> &'static str {
    WEEKDAYS
        .iter()
        .find(|(_, each)| *each == day)
        .map_or("monday", |(word, _)| word)
}

/// Reads a day.
pub(super) fn day(text: &str) -> Option<NaiveDate> {
    // A year of four digits: no shift is ever computed near the ends of the calendar.
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .ok()
        .filter(|day| (1970..=9999).contains(&day.year()))
}

/// Reads a time of day.
pub(super) fn time_of_day(text: &str) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(text, "%H:%M").ok()
}

/// A day and time, with or without an offset.
pub(super) enum Moment {
    /// With one.
    Exact(DateTime<Utc>),
    /// On a clock that is not told.
    Local(NaiveDateTime),
}

impl Moment {
    /// Reads it.
    pub(super) fn read(text: &str) -> Option<Self> {
        let local = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"];
        let moment = match DateTime::parse_from_rfc3339(text) {
            Ok(at) => Self::Exact(at.to_utc()),
            Err(_) => Self::Local(
                local
                    .iter()
                    .find_map(|shape| NaiveDateTime::parse_from_str(text, shape).ok())?,
            ),
        };
        let year = match moment {
            Self::Exact(at) => at.year(),
            Self::Local(at) => at.year(),
        };
        (1970..=9999).contains(&year).then_some(moment)
    }

    fn on(self, zone: Tz) -> DateTime<Utc> {
        match self {
            Self::Exact(at) => at,
            Self::Local(at) => instant(zone, at),
        }
    }
}

/// `[nudges]`.
pub(super) fn nudges(top: &Section<'_>) -> Nudges {
    let default = Nudges::default();
    let Some(section) = top.section("nudges") else {
        return default;
    };
    Nudges {
        update: section.duration("update").unwrap_or(default.update),
        progress: section.duration("progress").unwrap_or(default.progress),
    }
}

/// `[[severities]]`.
pub(super) fn severities(top: &Section<'_>, findings: &mut Findings) -> Severities {
    let mut severities = Severities::default();
    let mut seen = Vec::new();
    for section in top.sections("severities") {
        section.demand("name", "write name = \"SEV1\"", findings);
        let Some(name) = severity(&section, "name", findings) else {
            continue;
        };
        if seen.contains(&name) {
            findings.error(
                &section.at("name"),
                format!("{name} is described above too"),
                "describe each severity once",
            );
        }
        seen.push(name);
        let built_in = severities.of(name);
        let time = |key, default| section.duration(key).unwrap_or(default);
        let times = ResponseTimes {
            acknowledge: time("acknowledge", built_in.acknowledge),
            update: time("update", built_in.update),
            resolve: time("resolve", built_in.resolve),
        };
        if times.acknowledge > times.resolve {
            findings.warn(
                &section.at("acknowledge"),
                "is longer than resolve",
                "it would have to be over before anybody has it",
            );
        }
        severities.set(name, times);
    }
    severities
}

fn severity(section: &Section<'_>, key: &str, findings: &mut Findings) -> Option<Severity> {
    let word = section.text(key)?;
    let found = Severity::by_word(&word);
    if found.is_none() {
        let known = Severity::ALL.map(Severity::word);
        unknown(section, key, "severity", &word, &known, findings);
    }
    found
}

/// Says that a name is not there, with the nearest that is.
pub(super) fn unknown(
    section: &Section<'_>,
    key: &str,
    what: &str,
    word: &str,
    known: &[&str],
    findings: &mut Findings,
) {
    let mend = match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None if known.is_empty() => format!("the context has no {what} at all"),
        None => format!("write one of: {}", known.join(", ")),
    };
    findings.error(&section.at(key), format!("there is no {what} \"{word}\""), mend);
}

/// `[[people]]`, `[[schedules]]`, `[[escalation_policies]]`.
pub(super) fn on_call(context: &Section<'_>, findings: &mut Findings) -> OnCall {
    let mut on_call = OnCall {
        people: people(context, findings),
        ..OnCall::default()
    };
    for section in context.sections("schedules") {
        let schedule = schedule(&section, &on_call, findings);
        let taken = schedule
            .as_ref()
            .is_some_and(|new| on_call.schedule(&new.name).is_some() || on_call.person(&new.name).is_some());
        if taken {
            findings.error(
                &section.at("name"),
                "names another schedule or a person of this context too",
                "give it its own name: levels name both",
            );
        }
        on_call.schedules.extend(schedule);
    }
    for section in context.sections("escalation_policies") {
        let policy = policy(&section, &on_call, findings);
        if policy
            .as_ref()
            .is_some_and(|new| on_call.policy(&new.name).is_some())
        {
            findings.error(
                &section.at("name"),
                "names another policy of this context too",
                "give each its own name",
            );
        }
        on_call.policies.extend(policy);
    }
    general_policies(context, &on_call, findings);
    on_call
}

fn general_policies(context: &Section<'_>, on_call: &OnCall, findings: &mut Findings) {
    let mut general = on_call
        .policies
        .iter()
        .filter(|policy| policy.services.is_empty());
    if let (Some(first), Some(second)) = (general.next(), general.next()) {
        findings.warn(
            &context.at("escalation_policies"),
            format!(
                "`{}` and `{}` are both for every service",
                first.name, second.name
            ),
            format!("the first one is taken; say `services` in `{}`", second.name),
        );
    }
}

fn people(context: &Section<'_>, findings: &mut Findings) -> Vec<Person> {
    let mut people: Vec<Person> = Vec::new();
    for section in context.sections("people") {
        let Some(name) = section.required("name", "write name = \"…\"", findings) else {
            continue;
        };
        let id = section.text("id").unwrap_or_else(|| name.clone());
        if people
            .iter()
            .any(|other| *other.id == *id || *other.name == *name)
        {
            findings.error(
                &section.at(if section.has("id") { "id" } else { "name" }),
                "names somebody else of this context too",
                "give each their own: schedules and levels call people by it",
            );
        }
        people.push(Person {
            id: id.into(),
            name: name.into(),
            email: section.text("email").map(Arc::from),
            phone: section.text("phone").map(Arc::from),
        });
    }
    people
}

/// The id of somebody who is called by id or name.
pub(super) fn person(
    section: &Section<'_>,
    key: &str,
    word: &str,
    on_call: &OnCall,
    findings: &mut Findings,
) -> Option<Arc<str>> {
    if let Some(person) = on_call.person(word) {
        return Some(Arc::clone(&person.id));
    }
    let known: Vec<&str> = on_call.people.iter().map(|person| &*person.id).collect();
    unknown(section, key, "person", word, &known, findings);
    None
}

fn schedule(section: &Section<'_>, on_call: &OnCall, findings: &mut Findings) -> Option<Schedule> {
    let name = section.required("name", "write name = \"primary\"", findings);
    let zone = time_zone(section, findings);
    section.demand(
        "start",
        "write start = \"2026-01-05\": the first shift's day",
        findings,
    );
    section.demand("people", "write people = [\"…\"]: in turn", findings);
    let start = section.text("start").as_deref().and_then(day);
    let rotation = rotation(section, start, findings);
    let people = section.texts("people").unwrap_or_default();
    let people = people
        .iter()
        .filter_map(|word| person(section, "people", word, on_call, findings))
        .collect();
    // What follows needs a clock; where the zone is wrong that was said.
    let clock = zone.unwrap_or(Tz::UTC);
    let overrides = section
        .sections("overrides")
        .iter()
        .filter_map(|each| stand_in(each, clock, on_call, findings))
        .collect();
    Some(Schedule {
        name: name?.into(),
        time_zone: zone?,
        rotation: rotation?,
        handoff: section
            .text("handoff")
            .as_deref()
            .and_then(time_of_day)
            .unwrap_or(HANDOFF),
        start: start?,
        people,
        overrides,
    })
}

fn time_zone(section: &Section<'_>, findings: &mut Findings) -> Option<Tz> {
    let mend = "write time_zone = \"Europe/Berlin\"";
    let word = section.required("time_zone", mend, findings)?;
    let zone = word.parse().ok();
    if zone.is_none() {
        let mend = nearest(&word, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())).map_or_else(
            || "write a name of the IANA database, as in \"Europe/Berlin\" or \"UTC\"".to_owned(),
            |near| format!("did you mean \"{near}\"?"),
        );
        findings.error(
            &section.at("time_zone"),
            format!("there is no time zone \"{word}\""),
            mend,
        );
    }
    zone
}

fn rotation(section: &Section<'_>, start: Option<NaiveDate>, findings: &mut Findings) -> Option<Rotation> {
    let word = section.required("rotation", "write \"weekly\" or \"daily\"", findings)?;
    match word.as_str() {
        "weekly" => {
            let Some(day) = section.text("weekday") else {
                return Some(Rotation::Weekly(start?.weekday()));
            };
            let found = WEEKDAYS.iter().find(|(word, _)| *word == day.to_lowercase());
            if found.is_none() {
                let known = WEEKDAYS.map(|(word, _)| word);
                unknown(section, "weekday", "weekday", &day, &known, findings);
            }
            found.map(|(_, day)| Rotation::Weekly(*day))
        }
        "daily" => {
            if section.has("weekday") {
                findings.error(
                    &section.at("weekday"),
                    "is for weekly rotations",
                    "leave it out, or write rotation = \"weekly\"",
                );
            }
            Some(Rotation::Daily)
        }
        _ => {
            unknown(
                section,
                "rotation",
                "rotation",
                &word,
                &["weekly", "daily"],
                findings,
            );
            None
        }
    }
}

fn stand_in(section: &Section<'_>, zone: Tz, on_call: &OnCall, findings: &mut Findings) -> Option<Override> {
    for key in ["from", "to"] {
        section.demand(key, &format!("write {key} = \"2026-12-24T18:00\""), findings);
    }
    let moment = |key: &str| Some(Moment::read(&section.text(key)?)?.on(zone));
    let (from, to) = (moment("from"), moment("to"));
    let word = section.required("person", "write person = \"…\"", findings);
    let person = word.and_then(|word| person(section, "person", &word, on_call, findings));
    let (from, to) = (from?, to?);
    if to <= from {
        findings.error(&section.at("to"), "is not after from", "write a later time");
    }
    Some(Override {
        from,
        to,
        person: person?,
    })
}

fn policy(section: &Section<'_>, on_call: &OnCall, findings: &mut Findings) -> Option<Policy> {
    let name = section.required("name", "write name = \"default\"", findings);
    let sections = section.sections("levels");
    if sections.is_empty() {
        findings.error(
            &section.at("levels"),
            "is missing or empty",
            "add [[contexts.X.escalation_policies.levels]] with notify = [\"…\"]",
        );
    }
    let last = sections.len().saturating_sub(1);
    let levels = sections
        .iter()
        .enumerate()
        .map(|(index, level)| {
            level.demand("notify", "write notify = [\"…\"]: schedules or people", findings);
            if index == last && level.has("delay") {
                findings.warn(
                    &level.at("delay"),
                    "is not used: no level comes after this one",
                    "leave it out",
                );
            }
            let words = level.texts("notify").unwrap_or_default();
            PolicyLevel {
                notify: words
                    .iter()
                    .filter_map(|word| target(level, word, on_call, findings))
                    .collect(),
                delay: (index != last).then(|| level.duration("delay").unwrap_or(DELAY)),
            }
        })
        .collect();
    Some(Policy {
        name: name?.into(),
        services: section
            .texts("services")
            .unwrap_or_default()
            .into_iter()
            .map(Arc::from)
            .collect(),
        levels,
    })
}

fn target(level: &Section<'_>, word: &str, on_call: &OnCall, findings: &mut Findings) -> Option<Target> {
    if let Some(schedule) = on_call.schedule(word) {
        return Some(Target::Schedule(Arc::clone(&schedule.name)));
    }
    if let Some(person) = on_call.person(word) {
        return Some(Target::Person(Arc::clone(&person.id)));
    }
    let schedules = on_call.schedules.iter().map(|schedule| &*schedule.name);
    let known: Vec<&str> = schedules
        .chain(on_call.people.iter().map(|person| &*person.id))
        .collect();
    unknown(level, "notify", "schedule or person", word, &known, findings);
    None
}

/// `[[declare]]`.
pub(super) fn declare(context: &Section<'_>, on_call: &OnCall, findings: &mut Findings) -> Vec<DeclareRule> {
    context
        .sections("declare")
        .iter()
        .filter_map(|section| rule(section, on_call, findings))
        .collect()
}

fn rule(section: &Section<'_>, on_call: &OnCall, findings: &mut Findings) -> Option<DeclareRule> {
    section.demand("matchers", "write matchers = 'severity=\"critical\"'", findings);
    section.demand("severity", "write severity = \"SEV2\"", findings);
    let matchers = decode::matchers(section, "matchers", findings);
    let severity = severity(section, "severity", findings);
    let policy = section.text("policy").and_then(|word| {
        let found = on_call.policy(&word).map(|policy| Arc::clone(&policy.name));
        if found.is_none() {
            let known: Vec<&str> = on_call.policies.iter().map(|policy| &*policy.name).collect();
            unknown(section, "policy", "escalation policy", &word, &known, findings);
        }
        found
    });
    Some(DeclareRule {
        matchers: matchers?,
        severity: severity?,
        title: section.text("title").map(Arc::from),
        service: section.text("service").map(Arc::from),
        policy,
    })
}
