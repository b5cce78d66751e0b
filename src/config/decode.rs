//! From the checked tree to [`Config`]: defaults, references, and what takes two keys to be wrong.
//!
//! Types were said by `check`; here a value of the wrong type is simply not there, and only a key that is
//! really missing is called so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{Map, Value, ValueKind};
use indexmap::IndexMap;

use super::check::{self, Findings};
use super::endpoint;
use super::forward;
use super::load::Environment;
use super::logs;
use super::problem::{Place, nearest};
use super::runbooks::{self, RunbooksConfig};
use super::slos;
use super::tree::KeyPath;
use super::{
    AlertmanagerConfig, AnnotationsConfig, Config, Context, Endpoint, JournalConfig, MetricsConfig,
    SignalConfig,
};
use super::{notify, oncall};
use crate::backend::incidents::Whose;
use crate::backend::metrics::Flavor;
use crate::backend::metrics::prometheus::TRACE_LABELS;
use crate::backend::traces::ui;
use crate::domain::alert::Matcher;
use crate::domain::alert::matcher::{self, Matchers};
use crate::domain::service_map::{Caller, DEFAULT_LABELS, ServiceMap};
use crate::time::parse_duration;

/// How often a backend is asked, where nothing says otherwise.
pub(super) const POLL: Duration = Duration::from_secs(15);
/// Alertmanager serves few readers at once (its limit counts all clients).
const ALERTMANAGER_CONCURRENCY: usize = 2;

/// What a file's words depend on: where it lies, and who runs it.
pub(super) struct Surroundings<'a> {
    file: Option<PathBuf>,
    env: &'a Environment,
}

impl<'a> Surroundings<'a> {
    pub(super) fn new(file: Option<PathBuf>, env: &'a Environment) -> Self {
        Self { file, env }
    }

    /// Where the configuration file lies.
    pub(super) fn dir(&self) -> Option<&Path> {
        self.file.as_deref().and_then(Path::parent)
    }

    /// The home directory.
    pub(super) fn home(&self) -> Option<PathBuf> {
        self.env.home()
    }

    /// A path as written: `~/` is the home, and what is relative lies beside the configuration.
    pub(super) fn path(&self, written: &str) -> PathBuf {
        if let (Some(rest), Some(home)) = (written.strip_prefix("~/"), self.home()) {
            return home.join(rest);
        }
        match self.dir() {
            Some(dir) => dir.join(written),
            None => PathBuf::from(written),
        }
    }
}

/// A table being read.
pub(super) struct Section<'a> {
    values: &'a Map<String, Value>,
    /// Where it stands.
    pub(super) path: KeyPath,
    /// What its words depend on.
    pub(super) around: &'a Surroundings<'a>,
}

impl<'a> Section<'a> {
    pub(super) fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    pub(super) fn at(&self, key: &str) -> KeyPath {
        self.path.key(key)
    }

    fn kind(&self, key: &str) -> Option<&'a ValueKind> {
        self.values.get(key).map(|value| &value.kind)
    }

    pub(super) fn text(&self, key: &str) -> Option<String> {
        match self.kind(key)? {
            ValueKind::String(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// Text that must be there.
    pub(super) fn required(&self, key: &str, mend: &str, findings: &mut Findings) -> Option<String> {
        self.demand(key, mend, findings);
        self.text(key)
    }

    /// Says that a key is missing, if it is.
    pub(super) fn demand(&self, key: &str, mend: &str, findings: &mut Findings) {
        if !self.has(key) {
            findings.error(&self.at(key), "is missing", mend);
        }
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        matches!(self.kind(key), Some(ValueKind::Boolean(true)))
    }

    pub(super) fn number(&self, key: &str) -> Option<f64> {
        check::number(self.values.get(key)?)
    }

    pub(super) fn whole(&self, key: &str) -> Option<usize> {
        usize::try_from(check::whole(self.values.get(key)?)?).ok()
    }

    pub(super) fn duration(&self, key: &str) -> Option<Duration> {
        parse_duration(&self.text(key)?).ok()
    }

    pub(super) fn texts(&self, key: &str) -> Option<Vec<String>> {
        let ValueKind::Array(elements) = self.kind(key)? else {
            return None;
        };
        Some(
            elements
                .iter()
                .filter_map(|element| match &element.kind {
                    ValueKind::String(text) => Some(text.clone()),
                    _ => None,
                })
                .collect(),
        )
    }

    /// Whole numbers of at least 1.
    pub(super) fn wholes(&self, key: &str) -> Option<Vec<u32>> {
        let ValueKind::Array(elements) = self.kind(key)? else {
            return None;
        };
        Some(
            elements
                .iter()
                .filter_map(|element| u32::try_from(check::whole(element)?).ok())
                .collect(),
        )
    }

    pub(super) fn file(&self, key: &str) -> Option<PathBuf> {
        Some(self.around.path(&self.text(key)?))
    }

    pub(super) fn section(&self, key: &str) -> Option<Section<'a>> {
        match self.kind(key)? {
            ValueKind::Table(values) => Some(Section {
                values,
                path: self.at(key),
                around: self.around,
            }),
            _ => None,
        }
    }

    pub(super) fn sections(&self, key: &str) -> Vec<Section<'a>> {
        let Some(ValueKind::Array(elements)) = self.kind(key) else {
            return Vec::new();
        };
        let path = self.at(key);
        elements
            .iter()
            .enumerate()
            .filter_map(|(index, element)| match &element.kind {
                ValueKind::Table(values) => Some(Section {
                    values,
                    path: path.index(index),
                    around: self.around,
                }),
                _ => None,
            })
            .collect()
    }

    /// Its keys in the order of the file (merging lost it), those of the environment last.
    pub(super) fn keys(&self, findings: &Findings) -> Vec<&'a str> {
        let mut keys: Vec<&'a str> = self.values.keys().map(String::as_str).collect();
        keys.sort_by_cached_key(|key| match findings.place(&self.at(key)) {
            Place::At { line, column } => (0, line, column, String::new()),
            Place::Somewhere | Place::Env(_) => (1, 0, 0, (*key).to_owned()),
        });
        keys
    }
}

/// Decodes a checked tree. What is wrong is in the findings; the value is good only where they hold no error.
pub(super) fn decode(
    values: &Map<String, Value>,
    around: &Surroundings<'_>,
    findings: &mut Findings,
) -> Config {
    let top = Section {
        values,
        path: KeyPath::default(),
        around,
    };
    let burn_rules = slos::burn_rules(&top, findings);
    let contexts = contexts(&top, &burn_rules, findings);
    let default_context = default_context(&top, &contexts, findings);
    let limit = |key, default| top.duration(key).unwrap_or(Duration::from_secs(default));
    let config = Config {
        path: around.file.clone(),
        default_context,
        theme: top.text("theme").unwrap_or_else(|| crate::theme::AUTO.to_owned()),
        keymap: top.text("keymap").unwrap_or_else(|| "default".to_owned()),
        identity: top.text("identity").unwrap_or_else(|| identity(around.env)),
        read_only: top.flag("read_only"),
        mouse: top.flag("mouse") || !top.has("mouse"),
        ui: super::ui::ui(&top, findings),
        state_dir: top.file("state_dir").or_else(|| around.env.state_dir()),
        journal: journal(&top, findings),
        audit_forward: forward::audit_forward(&top, findings),
        config_dir: around
            .file
            .as_deref()
            .and_then(Path::parent)
            .map(Path::to_path_buf),
        burn_rules,
        silence_max: limit("silence_max", 24 * 3_600),
        ack_max: limit("ack_max", 4 * 3_600),
        ack_lease: limit("ack_lease", 15 * 60),
        ack_idle: limit("ack_idle", 60 * 60),
        grace: limit("grace", 5),
        nudges: oncall::nudges(&top),
        severities: oncall::severities(&top, findings),
        contexts,
    };
    if config.ack_lease > config.ack_max {
        findings.warn(
            &top.at("ack_lease"),
            "is longer than ack_max",
            "an acknowledgement would end before its first lease does",
        );
    }
    config
}

/// Who acts, where nobody says: `$MIDWATCH_USER`, else the login user at this host.
fn identity(env: &Environment) -> String {
    if let Some(user) = env.get("MIDWATCH_USER") {
        return user.to_owned();
    }
    let user = env
        .get("LOGNAME")
        .or_else(|| env.get("USER"))
        .map_or_else(login_name, str::to_owned);
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{user}@{host}")
}

/// The login name of the process's user, by the local password file; `uid1000` where it is not there.
fn login_name() -> String {
    let uid = rustix::process::getuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, id) = (fields.next()?, fields.nth(1)?);
        (id == uid && !name.is_empty()).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| format!("uid{uid}"))
}

fn journal(top: &Section<'_>, findings: &mut Findings) -> Option<JournalConfig> {
    let section = top.section("journal")?;
    section.demand(
        "path",
        "write journal = { path = \"/srv/oncall/midwatch.db\" }",
        findings,
    );
    Some(JournalConfig {
        path: section.file("path")?,
        group: section.text("group"),
    })
}

fn default_context(
    top: &Section<'_>,
    contexts: &IndexMap<String, Context>,
    findings: &mut Findings,
) -> Option<String> {
    let Some(name) = top.text("default_context") else {
        // One context needs no choice.
        return match contexts.len() {
            1 => contexts.keys().next().cloned(),
            _ => None,
        };
    };
    if !contexts.contains_key(&name) && !contexts.is_empty() {
        let mend = match nearest(&name, contexts.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "the contexts are: {}",
                contexts.keys().cloned().collect::<Vec<_>>().join(", ")
            ),
        };
        findings.error(
            &top.at("default_context"),
            format!("there is no context `{name}`"),
            mend,
        );
    }
    Some(name)
}

fn contexts(
    top: &Section<'_>,
    burn_rules: &[super::BurnRuleConfig],
    findings: &mut Findings,
) -> IndexMap<String, Context> {
    const MEND: &str =
        "add [contexts.prod.metrics] with url = \"http://…\"; or let `midwatch init URL` write it";
    let Some(all) = top.section("contexts") else {
        top.demand("contexts", MEND, findings);
        return IndexMap::new();
    };
    let names = all.keys(findings);
    if names.is_empty() {
        findings.error(&all.path, "holds no context", MEND);
    }
    names
        .into_iter()
        .filter_map(|name| {
            let section = all.section(name)?;
            let mut context = context(name, &section, burn_rules, findings);
            context.runbooks = runbooks::runbooks(top, &section, findings);
            Some((name.to_owned(), context))
        })
        .collect()
}

fn context(
    name: &str,
    section: &Section<'_>,
    burn_rules: &[super::BurnRuleConfig],
    findings: &mut Findings,
) -> Context {
    let metrics = metrics(section, findings);
    let alertmanagers = alertmanagers(section, findings);
    let seen = ["metrics", "alertmanagers", "logs", "traces", "incidents"];
    if !seen.iter().any(|signal| section.has(signal)) {
        findings.warn(
            &section.path,
            "has neither metrics nor alertmanagers, logs, traces or incidents",
            "there will be nothing to see in it",
        );
    }
    let slos = slos::slos(section, burn_rules, findings);
    if !slos.is_empty() && !section.has("metrics") {
        findings.warn(
            &section.at("slos"),
            "cannot be measured: the context has no metrics",
            "add metrics = { url = \"http://…\" }",
        );
    }
    let on_call = oncall::on_call(section, findings);
    let declare = oncall::declare(section, &on_call, findings);
    let notify = notify::notify(section, &on_call, findings);
    let service_map = service_map(section, findings);
    Context {
        name: name.to_owned(),
        danger: section.flag("danger"),
        watchdog: watchdog(section, findings),
        service_labels: service_map.labels.clone(),
        service_map,
        slo_files: section.texts("slo_files").unwrap_or_default(),
        metrics,
        alertmanagers,
        logs: logs::logs(section, findings),
        traces: signal(section, "traces", &["jaeger", "tempo", "zipkin"], findings),
        incidents: signal(section, "incidents", &["pagerduty", "local"], findings),
        annotations: annotations(section, findings),
        on_call,
        declare,
        notify,
        runbooks: RunbooksConfig::default(),
        slos,
        slo_warnings: Vec::new(),
    }
}

/// What each backend calls a service. Two of ours that somebody calls the same cannot be told apart on the way back.
fn service_map(context: &Section<'_>, findings: &mut Findings) -> ServiceMap {
    let section = context.section("service_map");
    let own = section.as_ref().and_then(|section| section.texts("labels"));
    if own.is_some() && context.has("service_labels") {
        findings.error(
            &context.at("service_labels"),
            "stands beside service_map.labels, which says the same",
            "keep one of them",
        );
    }
    let defaults = || DEFAULT_LABELS.map(str::to_owned).to_vec();
    let labels = own
        .or_else(|| context.texts("service_labels"))
        .unwrap_or_else(defaults);
    let mut names = BTreeMap::new();
    for caller in Caller::ALL {
        let Some(theirs) = section
            .as_ref()
            .and_then(|section| section.section(caller.word()))
        else {
            continue;
        };
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        for ours in theirs.keys(findings) {
            let Some(name) = theirs.text(ours) else {
                continue;
            };
            if let Some((other, _)) = known.iter().find(|(_, known)| **known == name) {
                findings.error(
                    &theirs.at(ours),
                    format!("is {name}, as {other} is"),
                    "a name there stands for one service here",
                );
            }
            known.insert(ours.to_owned(), name);
        }
        names.insert(caller, known);
    }
    ServiceMap::new(labels, names)
}

/// The dead man's switch, which must read as matchers: a switch that can never be seen is none.
fn watchdog(context: &Section<'_>, findings: &mut Findings) -> Option<String> {
    let text = context.text("watchdog")?;
    matchers(context, "watchdog", findings);
    Some(text)
}

/// Matchers that read and compile.
pub(super) fn matchers(section: &Section<'_>, key: &str, findings: &mut Findings) -> Option<Vec<Matcher>> {
    let text = section.text(key)?;
    match matcher::parse_list(&text).and_then(|m| Matchers::compile(&m).map(|_| m)) {
        Ok(matchers) => Some(matchers),
        Err(error) => {
            let what = format!("column {}: {}", error.column, error.problem);
            findings.error(&section.at(key), what, error.mend);
            None
        }
    }
}

fn metrics(context: &Section<'_>, findings: &mut Findings) -> Option<MetricsConfig> {
    let section = context.section("metrics")?;
    let flavors = [
        ("prometheus", Flavor::Prometheus),
        ("thanos", Flavor::Thanos),
        ("mimir", Flavor::Mimir),
        ("victoriametrics", Flavor::VictoriaMetrics),
    ];
    let flavor = section.text("kind").and_then(|kind| {
        let found = flavors
            .iter()
            .find(|(name, _)| *name == kind)
            .map(|(_, flavor)| *flavor);
        if found.is_none() {
            unknown_kind(&section, &kind, &flavors.map(|(name, _)| name), findings);
        }
        found
    });
    Some(MetricsConfig {
        flavor,
        endpoint: endpoint::endpoint(&section, "metrics", findings)?,
        poll: section.duration("poll").unwrap_or(POLL),
        rules: section
            .section("rules")
            .and_then(|rules| endpoint::endpoint(&rules, "metrics rules", findings)),
        exemplar_labels: section
            .texts("exemplar_labels")
            .unwrap_or_else(|| TRACE_LABELS.map(str::to_owned).to_vec()),
    })
}

fn alertmanagers(context: &Section<'_>, findings: &mut Findings) -> Vec<AlertmanagerConfig> {
    let mut members: Vec<AlertmanagerConfig> = Vec::new();
    for section in context.sections("alertmanagers") {
        let name = section.text("name").or_else(|| host_of(&section.text("url")?));
        let Some(mut endpoint) = endpoint::endpoint(
            &section,
            &format!("alertmanager {}", name.as_deref().unwrap_or_default()),
            findings,
        ) else {
            continue;
        };
        if !section.has("max_concurrency") {
            endpoint.max_concurrency = ALERTMANAGER_CONCURRENCY;
        }
        let name = name.unwrap_or_default();
        if members.iter().any(|member| member.name == name) {
            findings.error(
                &section.at("name"),
                format!("`{name}` names another alertmanager of this context too"),
                "give each its own name: silences and health are told apart by it",
            );
        }
        members.push(AlertmanagerConfig {
            name,
            cluster: section.text("cluster"),
            endpoint,
            poll: section.duration("poll").unwrap_or(POLL),
            read_only: section.flag("read_only"),
        });
    }
    members
}

/// `host:port` of a URL: the name of an Alertmanager that was given none.
fn host_of(url: &str) -> Option<String> {
    let url = reqwest::Url::parse(url).ok()?;
    let host = url.host_str()?;
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// PagerDuty wants one request at a time of a token.
const PAGERDUTY_CONCURRENCY: usize = 1;
/// PagerDuty's own API, where no other is named.
const PAGERDUTY: &str = "https://api.pagerduty.com";

fn signal(
    context: &Section<'_>,
    signal: &str,
    kinds: &[&str],
    findings: &mut Findings,
) -> Option<SignalConfig> {
    let section = context.section(signal)?;
    let kind = section.required("kind", &format!("write one of: {}", kinds.join(", ")), findings)?;
    if !kinds.contains(&kind.as_str()) {
        unknown_kind(&section, &kind, kinds, findings);
        return None;
    }
    let endpoint: Option<Endpoint> = match kind.as_str() {
        "local" => None,
        "pagerduty" => {
            let url = section.text("url").unwrap_or_else(|| PAGERDUTY.to_owned());
            check_pagerduty(&section, findings);
            let mut endpoint = endpoint::with_url(&section, signal, url, findings);
            if !section.has("max_concurrency") {
                endpoint.max_concurrency = PAGERDUTY_CONCURRENCY;
            }
            Some(endpoint)
        }
        _ => endpoint::endpoint(&section, signal, findings),
    };
    check_ui(&section, &kind, findings);
    let settings = ["from", "whose", "poll", "ui_url"]
        .into_iter()
        .filter_map(|key| Some((key.to_owned(), section.text(key)?)))
        .collect();
    Some(SignalConfig {
        kind,
        endpoint,
        settings,
        services: services(&section, findings),
    })
}

/// Where traces are shown: a web address, and one that says where the id goes where that is not known of the kind.
fn check_ui(section: &Section<'_>, kind: &str, findings: &mut Findings) {
    let Some(url) = section.text("ui_url") else {
        return;
    };
    let web = reqwest::Url::parse(&url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if !web {
        findings.error(
            &section.at("ui_url"),
            "is no http or https address",
            "write where people look at traces, as in \"https://jaeger.example.com\"",
        );
    } else if kind == "tempo" && !url.contains(ui::ID) {
        findings.error(
            &section.at("ui_url"),
            "does not say where the trace id goes",
            "copy the address of a trace from Grafana's Explore and write {trace} for its id",
        );
    }
}

/// The service map, in the order of the file.
fn services(section: &Section<'_>, findings: &Findings) -> IndexMap<String, String> {
    let Some(map) = section.section("services") else {
        return IndexMap::new();
    };
    map.keys(findings)
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), map.text(name)?)))
        .collect()
}

fn check_pagerduty(section: &Section<'_>, findings: &mut Findings) {
    if let Some(from) = section.text("from")
        && (!from.contains('@') || from.chars().any(|c| c.is_whitespace() || c.is_control()))
    {
        findings.error(
            &section.at("from"),
            "is no e-mail address",
            "write the address of your PagerDuty user: acts are done in its name",
        );
    }
    if let Some(whose) = section.text("whose")
        && Whose::by_word(&whose).is_none()
    {
        findings.error(
            &section.at("whose"),
            format!("there is no \"{whose}\""),
            "write one of: mine, team, all",
        );
    }
}

/// The tag of a mark that is a deploy, where nothing else is written.
const DEPLOY: &str = "deploy";

fn annotations(context: &Section<'_>, findings: &mut Findings) -> Option<AnnotationsConfig> {
    const KINDS: [&str; 1] = ["grafana"];
    let section = context.section("annotations")?;
    let kind = section.required("kind", &format!("write one of: {}", KINDS.join(", ")), findings)?;
    if !KINDS.contains(&kind.as_str()) {
        unknown_kind(&section, &kind, &KINDS, findings);
        return None;
    }
    let tags = section.texts("tags").unwrap_or_else(|| vec![DEPLOY.to_owned()]);
    if tags.is_empty() {
        findings.warn(
            &section.at("tags"),
            "names no tag: every mark is a deploy",
            "write tags = [\"deploy\"]",
        );
    }
    Some(AnnotationsConfig {
        endpoint: endpoint::endpoint(&section, "annotations", findings)?,
        poll: section.duration("poll").unwrap_or(POLL),
        tags,
    })
}

pub(super) fn unknown_kind(section: &Section<'_>, kind: &str, kinds: &[&str], findings: &mut Findings) {
    let mend = match nearest(kind, kinds.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("write one of: {}", kinds.join(", ")),
    };
    findings.error(&section.at("kind"), format!("there is no kind \"{kind}\""), mend);
}
