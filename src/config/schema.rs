//! THE table of configuration keys: what exists, and what type each takes.
//!
//! The strict walk, the nearest known key of a misspelt one, and the reading of environment variables all
//! derive from it. To add a key, add a row here and read it in `decode`.

/// What a key takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Text that is not empty.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number of at least 1.
    Whole,
    /// Any finite number.
    Number,
    /// `"5s"`, more than nothing.
    Duration,
    /// `"128MiB"`, more than nothing.
    Size,
    /// A day, as in `"2026-01-05"`.
    Day,
    /// A time of day, as in `"09:00"`.
    TimeOfDay,
    /// A day and time, as in `"2026-12-24T18:00"`, on the clock of its table unless it says an offset.
    Moment,
    /// A base URL: http or https, no user info, no query.
    Url,
    /// The same, or empty for none.
    Proxy,
    /// A list of texts.
    Texts,
    /// A list of whole numbers of at least 1.
    Wholes,
    /// Text, or a table that says where to read it (`env`, `file`, `command`).
    SecretText,
    /// A table of these keys.
    Table(&'static [Group]),
    /// A table of any keys, each taking this.
    Map(&'static Kind),
    /// An array of tables of these keys.
    Tables(&'static [Group]),
}

/// One key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    /// As written.
    pub(super) name: &'static str,
    /// What it takes.
    pub(super) kind: Kind,
}

/// Keys that go together.
pub(super) type Group = &'static [Key];

const fn key(name: &'static str, kind: Kind) -> Key {
    Key { name, kind }
}

/// The row of a key in a table.
pub(super) fn find(groups: &[Group], name: &str) -> Option<&'static Key> {
    groups
        .iter()
        .flat_map(|group| group.iter())
        .find(|key| key.name == name)
}

/// All keys of a table.
pub(super) fn names(groups: &[Group]) -> impl Iterator<Item = &'static str> + '_ {
    groups.iter().flat_map(|group| group.iter()).map(|key| key.name)
}

/// The top of the file.
pub(super) const TOP: &[Group] = &[&[
    key("default_context", Kind::Text),
    key("theme", Kind::Text),
    key("keymap", Kind::Text),
    key("identity", Kind::Text),
    key("read_only", Kind::Flag),
    key("mouse", Kind::Flag),
    key("ui", Kind::Table(&[UI])),
    key("state_dir", Kind::Text),
    key("journal", Kind::Table(&[JOURNAL])),
    key("audit_forward", Kind::Table(&[AUDIT_FORWARD, ENDPOINT])),
    key("silence_max", Kind::Duration),
    key("ack_max", Kind::Duration),
    key("ack_lease", Kind::Duration),
    key("ack_idle", Kind::Duration),
    key("grace", Kind::Duration),
    key("nudges", Kind::Table(&[NUDGES])),
    key("runbooks", Kind::Table(&[RUNBOOKS])),
    key("severities", Kind::Tables(&[SEVERITY])),
    key("burn_rules", Kind::Tables(&[BURN_RULE])),
    key("contexts", Kind::Map(&Kind::Table(&[CONTEXT]))),
]];

const UI: Group = &[
    key("slow", Kind::Whole),
    key("hyperlinks", Kind::Text),
    key("bell", Kind::Text),
    key("notify", Kind::Text),
];

const JOURNAL: Group = &[key("path", Kind::Text), key("group", Kind::Text)];

const AUDIT_FORWARD: Group = &[key("kind", Kind::Text), key("address", Kind::Text)];
const NUDGES: Group = &[key("update", Kind::Duration), key("progress", Kind::Duration)];
const PLAYBOOK: Group = &[
    key("name", Kind::Text),
    key("match", Kind::Text),
    key("steps", Kind::Tables(&[PLAY_STEP])),
];

const PLAY_STEP: Group = &[
    key("run", Kind::Texts),
    key("wait", Kind::Duration),
    key("verify", Kind::Text),
    key("expect", Kind::Text),
];

const RUNBOOKS: Group = &[
    key("dir", Kind::Text),
    key("timeout", Kind::Duration),
    key("env", Kind::Map(&Kind::Text)),
    key("tls", Kind::Table(&[TLS])),
    key("proxy", Kind::Proxy),
];

const SEVERITY: Group = &[
    key("name", Kind::Text),
    key("acknowledge", Kind::Duration),
    key("update", Kind::Duration),
    key("resolve", Kind::Duration),
];

const BURN_RULE: Group = &[
    key("severity", Kind::Text),
    key("budget", Kind::Number),
    key("factor", Kind::Number),
    key("long", Kind::Duration),
    key("short", Kind::Duration),
];

const CONTEXT: Group = &[
    key("danger", Kind::Flag),
    key("watchdog", Kind::Text),
    key("service_labels", Kind::Texts),
    key("service_map", Kind::Table(&[SERVICE_MAP])),
    key("slo_files", Kind::Texts),
    key("runbooks", Kind::Table(&[RUNBOOKS])),
    key("allowed_programs", Kind::Texts),
    key("plain_programs", Kind::Texts),
    key("playbooks", Kind::Tables(&[PLAYBOOK])),
    key("metrics", Kind::Table(&[METRICS, ENDPOINT])),
    key("alertmanagers", Kind::Tables(&[ALERTMANAGER, ENDPOINT])),
    key("logs", Kind::Table(&[LOGS, ENDPOINT])),
    key("traces", Kind::Table(&[TRACES, ENDPOINT])),
    key("incidents", Kind::Table(&[INCIDENTS, ENDPOINT])),
    key("annotations", Kind::Table(&[ANNOTATIONS, ENDPOINT])),
    key("people", Kind::Tables(&[PERSON])),
    key("schedules", Kind::Tables(&[SCHEDULE])),
    key("escalation_policies", Kind::Tables(&[POLICY])),
    key("declare", Kind::Tables(&[DECLARE])),
    key("notify", Kind::Tables(&[NOTIFY])),
    key("slos", Kind::Tables(&[SLO])),
];

const SERVICE_MAP: Group = &[
    key("labels", Kind::Texts),
    key("slos", Kind::Map(&Kind::Text)),
    key("alerts", Kind::Map(&Kind::Text)),
    key("logs", Kind::Map(&Kind::Text)),
    key("traces", Kind::Map(&Kind::Text)),
    key("incidents", Kind::Map(&Kind::Text)),
];

const METRICS: Group = &[
    key("kind", Kind::Text),
    key("poll", Kind::Duration),
    key("rules", Kind::Table(&[ENDPOINT])),
    key("exemplar_labels", Kind::Texts),
];

const ALERTMANAGER: Group = &[
    key("name", Kind::Text),
    key("cluster", Kind::Text),
    key("poll", Kind::Duration),
    key("read_only", Kind::Flag),
];

const LOGS: Group = &[
    key("kind", Kind::Text),
    key("poll", Kind::Duration),
    key("selector", Kind::Text),
    key("index", Kind::Text),
    key("service_label", Kind::Text),
    key("paths", Kind::Texts),
    key("lines", Kind::Whole),
    key("bytes", Kind::Size),
];

const TRACES: Group = &[
    key("kind", Kind::Text),
    key("poll", Kind::Duration),
    key("ui_url", Kind::Text),
];

const INCIDENTS: Group = &[
    key("kind", Kind::Text),
    key("poll", Kind::Duration),
    key("from", Kind::Text),
    key("whose", Kind::Text),
    key("services", Kind::Map(&Kind::Text)),
];

const ANNOTATIONS: Group = &[
    key("kind", Kind::Text),
    key("poll", Kind::Duration),
    key("tags", Kind::Texts),
];

const PERSON: Group = &[
    key("id", Kind::Text),
    key("name", Kind::Text),
    key("email", Kind::Text),
    key("phone", Kind::Text),
];

const SCHEDULE: Group = &[
    key("name", Kind::Text),
    key("time_zone", Kind::Text),
    key("rotation", Kind::Text),
    key("weekday", Kind::Text),
    key("handoff", Kind::TimeOfDay),
    key("start", Kind::Day),
    key("people", Kind::Texts),
    key("overrides", Kind::Tables(&[OVERRIDE])),
];

const OVERRIDE: Group = &[
    key("from", Kind::Moment),
    key("to", Kind::Moment),
    key("person", Kind::Text),
];

const POLICY: Group = &[
    key("name", Kind::Text),
    key("services", Kind::Texts),
    key("levels", Kind::Tables(&[LEVEL])),
];

const LEVEL: Group = &[key("notify", Kind::Texts), key("delay", Kind::Duration)];

const DECLARE: Group = &[
    key("matchers", Kind::Text),
    key("severity", Kind::Text),
    key("title", Kind::Text),
    key("service", Kind::Text),
    key("policy", Kind::Text),
];

const NOTIFY: Group = &[
    key("name", Kind::Text),
    key("kind", Kind::Text),
    key("url_env", Kind::Text),
    key("url_file", Kind::Text),
    key("url_command", Kind::Texts),
    key("command", Kind::Texts),
    key("people", Kind::Texts),
    key("levels", Kind::Wholes),
    key("updates", Kind::Flag),
    key("timeout", Kind::Duration),
    key("proxy", Kind::Proxy),
    key("tls", Kind::Table(&[TLS])),
];

const ENDPOINT: Group = &[
    key("url", Kind::Url),
    key("auth", Kind::Table(&[AUTH])),
    key("headers", Kind::Map(&Kind::SecretText)),
    key("params", Kind::Map(&Kind::Text)),
    key("tls", Kind::Table(&[TLS])),
    key("proxy", Kind::Proxy),
    key("timeout", Kind::Duration),
    key("connect_timeout", Kind::Duration),
    key("max_concurrency", Kind::Whole),
];

const AUTH: Group = &[
    key("bearer_env", Kind::Text),
    key("bearer_file", Kind::Text),
    key("bearer_command", Kind::Texts),
    key("token_env", Kind::Text),
    key("token_file", Kind::Text),
    key("token_command", Kind::Texts),
    key("basic", Kind::Table(&[BASIC])),
];

const BASIC: Group = &[
    key("user", Kind::Text),
    key("password_env", Kind::Text),
    key("password_file", Kind::Text),
    key("password_command", Kind::Texts),
];

/// Where the value of a header is read from.
pub(super) const SECRET: Group = &[
    key("env", Kind::Text),
    key("file", Kind::Text),
    key("command", Kind::Texts),
];

const TLS: Group = &[
    key("ca_file", Kind::Text),
    key("client_cert_file", Kind::Text),
    key("client_key_file", Kind::Text),
    key("insecure_skip_verify", Kind::Flag),
];

const SLO: Group = &[
    key("name", Kind::Text),
    key("service", Kind::Text),
    key("objective", Kind::Number),
    key("window", Kind::Duration),
    key("errors", Kind::Text),
    key("total", Kind::Text),
    key("error_ratio", Kind::Text),
    key("latency", Kind::Table(&[LATENCY])),
    key("low_traffic", Kind::Number),
    key("burn_rules", Kind::Tables(&[BURN_RULE])),
];

const LATENCY: Group = &[
    key("histogram", Kind::Text),
    key("selector", Kind::Text),
    key("threshold", Kind::Duration),
];
