//! `[[contexts.X.notify]]`: how people are woken by a local incident.
//!
//! ```toml
//! [[contexts.prod.notify]]
//! kind = "slack"                          # Slack's shape; webhook: generic JSON; command: a program of yours
//! url_env = "SLACK_URL"                   # or url_file, url_command: such a URL is a secret in itself
//! name = "team channel"                   # said in the incident's story; the kind where there is none
//! people = ["jun"]                        # only when one of these is woken; anybody where left out
//! levels = [1]                            # only for these levels; any where left out
//! updates = true                          # status updates and the end too
//! timeout = "10s"                         # gives up after that
//!
//! [[contexts.prod.notify]]
//! kind = "command"                        # run once a person, without a shell; the incident is JSON on its
//! command = ["page", "{phone}", "{title}"]  # standard input; each placeholder is a whole argument
//! ```

use std::sync::Arc;
use std::time::Duration;

use super::check::Findings;
use super::decode::{Section, unknown_kind};
use super::oncall;
use super::{Secret, TlsConfig, endpoint};
use crate::domain::oncall::OnCall;

/// Gives up after that.
const TIMEOUT: Duration = Duration::from_secs(10);

const KINDS: [&str; 3] = ["webhook", "slack", "command"];

/// What may stand for a whole argument of a command.
pub(super) const PLACEHOLDERS: [&str; 9] = [
    "{incident}",
    "{title}",
    "{severity}",
    "{service}",
    "{level}",
    "{message}",
    "{person}",
    "{email}",
    "{phone}",
];

/// One way to wake people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifyConfig {
    /// What the story calls it.
    pub name: Arc<str>,
    /// How.
    pub channel: Channel,
    /// Only when one of these (by id) is woken; anybody where it is empty.
    pub people: Vec<Arc<str>>,
    /// Only for these levels; any where it is empty.
    pub levels: Vec<u32>,
    /// Whether it tells status updates and the end as well.
    pub updates: Updates,
    /// The longest that one notification may take.
    pub timeout: Duration,
}

/// Whether somebody who is woken is also told how it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Updates {
    /// Status updates and the end too.
    Told,
    /// Woken only.
    Untold,
}

/// How a notification goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Channel {
    /// Our own JSON, posted.
    Webhook(Hook),
    /// Slack's incoming webhook.
    Slack(Hook),
    /// A program, once a person.
    Command(Vec<String>),
}

/// Where something is posted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// The whole URL; its path is a secret.
    pub url: Secret,
    /// TLS.
    pub tls: TlsConfig,
    /// As an endpoint's.
    pub proxy: Option<String>,
}

impl Channel {
    /// As the configuration writes it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Slack(_) => "slack",
            Self::Command(_) => "command",
        }
    }
}

/// `[[notify]]`.
pub(super) fn notify(context: &Section<'_>, on_call: &OnCall, findings: &mut Findings) -> Vec<NotifyConfig> {
    let mut found: Vec<NotifyConfig> = Vec::new();
    for section in context.sections("notify") {
        let Some(each) = one(&section, on_call, findings) else {
            continue;
        };
        if found.iter().any(|other| other.name == each.name) {
            findings.error(
                &section.at("name"),
                format!("`{}` names another way to notify of this context too", each.name),
                "give each its own name: an incident's story tells them apart by it",
            );
        }
        found.push(each);
    }
    found
}

fn one(section: &Section<'_>, on_call: &OnCall, findings: &mut Findings) -> Option<NotifyConfig> {
    let kind = section.required("kind", "write one of: webhook, slack, command", findings)?;
    let channel = match kind.as_str() {
        "webhook" => hook(section, findings).map(Channel::Webhook),
        "slack" => hook(section, findings).map(Channel::Slack),
        "command" => command(section, findings).map(Channel::Command),
        _ => {
            unknown_kind(section, &kind, &KINDS, findings);
            None
        }
    };
    let people = section.texts("people").unwrap_or_default();
    let people = people
        .iter()
        .filter_map(|word| oncall::person(section, "people", word, on_call, findings))
        .collect();
    Some(NotifyConfig {
        name: section.text("name").unwrap_or(kind).into(),
        channel: channel?,
        people,
        levels: section.wholes("levels").unwrap_or_default(),
        updates: if section.flag("updates") {
            Updates::Told
        } else {
            Updates::Untold
        },
        timeout: section.duration("timeout").unwrap_or(TIMEOUT),
    })
}

fn hook(section: &Section<'_>, findings: &mut Findings) -> Option<Hook> {
    if section.has("command") {
        findings.error(
            &section.at("command"),
            "is for kind = \"command\"",
            "a URL's is url_command",
        );
    }
    let mut urls = endpoint::references(section, "url");
    if urls.len() != 1 && !endpoint::wrongly_typed(section, "url") {
        findings.error(
            &section.path,
            if urls.is_empty() {
                "says no URL"
            } else {
                "says more than one URL"
            },
            "write one of url_env, url_file, url_command",
        );
    }
    Some(Hook {
        url: urls.pop()?.1,
        // Which scheme the URL has is not known before it is read.
        tls: endpoint::tls(section, "", findings),
        proxy: section.text("proxy"),
    })
}

fn command(section: &Section<'_>, findings: &mut Findings) -> Option<Vec<String>> {
    for key in ["url_env", "url_file", "url_command", "tls", "proxy"] {
        if section.has(key) {
            findings.error(
                &section.at(key),
                "is for kind = \"webhook\" or \"slack\"",
                "leave it out",
            );
        }
    }
    section.demand("command", "write command = [\"page\", \"{phone}\"]", findings);
    let argv = section.texts("command")?;
    let at = section.at("command");
    for argument in &argv {
        if !argument.contains('{') || PLACEHOLDERS.contains(&argument.as_str()) {
            continue;
        }
        let known = PLACEHOLDERS.join(", ");
        if PLACEHOLDERS.iter().any(|known| argument.contains(known)) {
            findings.error(
                &at,
                format!("{argument:?} has a placeholder inside an argument"),
                "a placeholder is an argument of its own, so that no text can be read as anything else",
            );
        } else if argument.starts_with('{') && argument.ends_with('}') {
            findings.error(
                &at,
                format!("there is no placeholder {argument:?}"),
                format!("known are: {known}"),
            );
        }
    }
    if argv.first().is_some_and(|program| program.starts_with('{')) {
        findings.error(&at, "has a placeholder for its program", "name a program first");
    }
    Some(argv)
}
