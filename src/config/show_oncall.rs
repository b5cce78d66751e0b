//! People, schedules, policies, rules and notifications as `config show` prints them.

use chrono::SecondsFormat;
use toml::Value;

use super::notify::{Hook, NotifyConfig, Updates};
use super::oncall::weekday_word;
use super::show::{Rows, reference, spelled, tls};
use super::{Channel, Config, Context};
use crate::domain::alert::matcher;
use crate::domain::incident::watch::DeclareRule;
use crate::domain::incident::{Person, Severity};
use crate::domain::oncall::{Policy, PolicyLevel, Rotation, Schedule, Target};

/// What stands at the top.
pub(super) fn top(rows: &mut Rows, config: &Config) {
    rows.text("grace", &spelled(config.grace));
    let mut nudges = Rows::default();
    nudges.text("update", &spelled(config.nudges.update));
    nudges.text("progress", &spelled(config.nudges.progress));
    rows.table("nudges", nudges);
    rows.list(
        "severities",
        Severity::ALL.into_iter().map(|severity| {
            let times = config.severities.of(severity);
            let mut rows = Rows::default();
            rows.text("name", severity.word());
            rows.text("acknowledge", &spelled(times.acknowledge));
            rows.text("update", &spelled(times.update));
            rows.text("resolve", &spelled(times.resolve));
            rows
        }),
    );
}

/// What stands in a context.
pub(super) fn context(rows: &mut Rows, context: &Context) {
    let on_call = &context.on_call;
    rows.list("people", on_call.people.iter().map(person));
    rows.list("schedules", on_call.schedules.iter().map(schedule));
    rows.list("escalation_policies", on_call.policies.iter().map(policy));
    rows.list("declare", context.declare.iter().map(rule));
    rows.list("notify", context.notify.iter().map(notify));
}

fn owned(words: &[std::sync::Arc<str>]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

fn person(person: &Person) -> Rows {
    let mut rows = Rows::default();
    rows.text("name", &person.name);
    rows.text("id", &person.id);
    rows.text_of("email", person.email.as_deref());
    rows.text_of("phone", person.phone.as_deref());
    rows
}

fn schedule(schedule: &Schedule) -> Rows {
    let mut rows = Rows::default();
    rows.text("name", &schedule.name);
    rows.text("time_zone", schedule.time_zone.name());
    match schedule.rotation {
        Rotation::Daily => rows.text("rotation", "daily"),
        Rotation::Weekly(day) => {
            rows.text("rotation", "weekly");
            rows.text("weekday", weekday_word(day));
        }
    }
    rows.text("handoff", &schedule.handoff.format("%H:%M").to_string());
    rows.text("start", &schedule.start.to_string());
    rows.texts("people", &owned(&schedule.people));
    rows.list(
        "overrides",
        schedule.overrides.iter().map(|each| {
            let mut rows = Rows::default();
            rows.text("from", &each.from.to_rfc3339_opts(SecondsFormat::AutoSi, true));
            rows.text("to", &each.to.to_rfc3339_opts(SecondsFormat::AutoSi, true));
            rows.text("person", &each.person);
            rows
        }),
    );
    rows
}

fn policy(policy: &Policy) -> Rows {
    let mut rows = Rows::default();
    rows.text("name", &policy.name);
    rows.texts("services", &owned(&policy.services));
    rows.list("levels", policy.levels.iter().map(level));
    rows
}

fn level(level: &PolicyLevel) -> Rows {
    let mut rows = Rows::default();
    let names: Vec<String> = level
        .notify
        .iter()
        .map(|target| match target {
            Target::Person(name) | Target::Schedule(name) => name.to_string(),
        })
        .collect();
    rows.texts("notify", &names);
    rows.text_of("delay", level.delay.map(spelled).as_deref());
    rows
}

fn rule(rule: &DeclareRule) -> Rows {
    let mut rows = Rows::default();
    rows.text("matchers", &matcher::display_list(&rule.matchers));
    rows.text("severity", rule.severity.word());
    rows.text_of("title", rule.title.as_deref());
    rows.text_of("service", rule.service.as_deref());
    rows.text_of("policy", rule.policy.as_deref());
    rows
}

fn notify(notify: &NotifyConfig) -> Rows {
    let mut rows = Rows::default();
    rows.text("name", &notify.name);
    rows.text("kind", notify.channel.word());
    match &notify.channel {
        Channel::Webhook(hook) | Channel::Slack(hook) => self::hook(&mut rows, hook),
        Channel::Command(argv) => rows.texts("command", argv),
    }
    rows.texts("people", &owned(&notify.people));
    let levels: Vec<Value> = notify
        .levels
        .iter()
        .map(|level| Value::Integer(i64::from(*level)))
        .collect();
    if !levels.is_empty() {
        rows.put("levels", Value::Array(levels));
    }
    rows.put("updates", Value::Boolean(notify.updates == Updates::Told));
    rows.text("timeout", &spelled(notify.timeout));
    rows
}

fn hook(rows: &mut Rows, hook: &Hook) {
    reference(rows, "url_", &hook.url);
    rows.text_of("proxy", hook.proxy.as_deref());
    rows.table("tls", tls(&hook.tls));
}
