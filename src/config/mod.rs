//! Configuration: defaults ← file ← environment ← flags, decoded strictly.
//!
//! This file holds what the rest of the program sees: plain, decoded values. `load` finds and merges the
//! layers, `decode` walks the tree and collects every problem at once with key, place and mend.
//! Secrets are references here ([`Secret`]); they are read when a client is built, and never printed.
#![deny(clippy::indexing_slicing, clippy::string_slice)]

pub mod slo_files;

use std::path::PathBuf;
use std::time::Duration;

use indexmap::IndexMap;

use crate::backend::incidents::Whose;
use crate::domain::alert::{Matcher, matcher};
use crate::domain::incident::Severities;
use crate::domain::incident::watch::DeclareRule;
use crate::domain::oncall::OnCall;
use crate::domain::service_map::ServiceMap;
use crate::domain::slo::Slo;

mod check;
mod decode;
mod endpoint;
mod forward;
mod load;
mod logs;
mod notify;
mod oncall;
mod playbooks;
mod problem;
mod runbooks;
mod schema;
mod show;
mod show_oncall;
mod slo_paths;
mod slos;
mod tree;
mod ui;

#[cfg(test)]
mod tests;

pub use forward::{AuditForward, SyslogAddress};
pub use load::{Environment, Examined, Flags, Loaded, candidates, decode_text, examine, find, load};
pub use logs::{LogsConfig, LogsSource};
pub use notify::{Channel, Hook, NotifyConfig, Updates};
pub use problem::{ConfigError, Gravity, Place, Problem};
pub use runbooks::RunbooksConfig;
pub use show::show;
pub use ui::{SLOWEST, Ui};

/// Everything configured.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The file it came from, where there was one.
    pub path: Option<PathBuf>,
    /// The context to open.
    pub default_context: Option<String>,
    /// Theme name or path.
    pub theme: String,
    /// Keymap name or path.
    pub keymap: String,
    /// Who acts: `jun@example.com`.
    pub identity: String,
    /// Refuse every act.
    pub read_only: bool,
    /// Mouse reporting.
    pub mouse: bool,
    /// `[ui]`: what the terminal at hand wants otherwise than its name tells.
    pub ui: Ui,
    /// Where the layout, history and logs live; `None` where no directory could be had (no HOME).
    pub state_dir: Option<PathBuf>,
    /// Shared journal, for later use by incidents.
    pub journal: Option<JournalConfig>,
    /// Where each line of the audit log is sent as it is written.
    pub audit_forward: Option<AuditForward>,
    /// Extra directory of themes and keymaps: beside the file.
    pub config_dir: Option<PathBuf>,
    /// `[[burn_rules]]`; empty means the workbook's table.
    pub burn_rules: Vec<BurnRuleConfig>,
    /// Longest silence.
    pub silence_max: Duration,
    /// An acknowledgement is not extended past this age.
    pub ack_max: Duration,
    /// Length of an acknowledgement, and of each extension.
    pub ack_lease: Duration,
    /// An acknowledgement is not extended past this long without a key.
    pub ack_idle: Duration,
    /// `grace`: how long a note or silence can be taken back before it is sent.
    pub grace: Duration,
    /// `[nudges]`.
    pub nudges: Nudges,
    /// `[[severities]]`: response times of local incidents.
    pub severities: Severities,
    /// By name, in file order.
    pub contexts: IndexMap<String, Context>,
}

impl Config {
    /// The context of a name, or the default one, or the only one.
    pub fn context(&self, name: Option<&str>) -> Result<&Context, ConfigError> {
        let known = || self.contexts.keys().cloned().collect::<Vec<_>>().join(", ");
        let Some(name) = name.or(self.default_context.as_deref()) else {
            return match self.contexts.values().next() {
                Some(only) if self.contexts.len() == 1 => Ok(only),
                Some(_) | None => Err(ConfigError::Context(format!(
                    "there are several contexts and none is chosen; give --context or set default_context to one of: {}",
                    known()
                ))),
            };
        };
        self.contexts.get(name).ok_or_else(|| {
            let mend = problem::nearest(name, self.contexts.keys().map(String::as_str)).map_or_else(
                || format!("the contexts are: {}", known()),
                |near| format!("did you mean `{near}`?"),
            );
            ConfigError::Context(format!("there is no context `{name}`; {mend}"))
        })
    }
}

/// `[nudges]`: when the console reminds of what is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nudges {
    /// No update to those who wait for this long.
    pub update: Duration,
    /// Nothing at all happened for this long.
    pub progress: Duration,
}

impl Default for Nudges {
    fn default() -> Self {
        Self {
            update: Duration::from_secs(15 * 60),
            progress: Duration::from_secs(30 * 60),
        }
    }
}

/// `journal = { path, group }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalConfig {
    /// The database.
    pub path: PathBuf,
    /// Unix group that shares it.
    pub group: Option<String>,
}

/// One environment with its backends.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    /// Its name.
    pub name: String,
    /// Dangerous acts ask for the name.
    pub danger: bool,
    /// The dead man's switch, as matchers; its absence is critical, it is never counted.
    pub watchdog: Option<String>,
    /// Label names that say the service, first that is there.
    pub service_labels: Vec<String>,
    /// `[contexts.X.service_map]`: what each backend calls a service.
    pub service_map: ServiceMap,
    /// SLO files as given (globs), relative to the config file.
    pub slo_files: Vec<String>,
    /// `[contexts.X.metrics]`.
    pub metrics: Option<MetricsConfig>,
    /// `[[contexts.X.alertmanagers]]`.
    pub alertmanagers: Vec<AlertmanagerConfig>,
    /// `[contexts.X.logs]`.
    pub logs: Option<LogsConfig>,
    /// `[contexts.X.traces]`.
    pub traces: Option<SignalConfig>,
    /// `[contexts.X.incidents]`.
    pub incidents: Option<SignalConfig>,
    /// `[contexts.X.annotations]`.
    pub annotations: Option<AnnotationsConfig>,
    /// `[[contexts.X.people]]`, `[[contexts.X.schedules]]`, `[[contexts.X.escalation_policies]]`.
    pub on_call: OnCall,
    /// `[[contexts.X.declare]]`: alerts that open a local incident by themselves.
    pub declare: Vec<DeclareRule>,
    /// `[[contexts.X.notify]]`: how people are woken.
    pub notify: Vec<NotifyConfig>,
    /// `[runbooks]`, `[contexts.X.runbooks]`, `allowed_programs`.
    pub runbooks: RunbooksConfig,
    /// `[[contexts.X.slos]]` decoded, and those of `slo_files`, rules resolved.
    pub slos: Vec<Slo>,
    /// What is wrong with an SLO file, said in the pane and by `config check`.
    pub slo_warnings: Vec<String>,
}

impl Context {
    /// The dead man's switch, read.
    pub fn watchdog_matchers(&self) -> Option<Vec<Matcher>> {
        // Decoding refused what does not read.
        matcher::parse_list(self.watchdog.as_deref()?).ok()
    }

    /// Whether its incidents are those of this host's journal: `incidents = { kind = "local" }`.
    pub fn keeps_locally(&self) -> bool {
        self.incidents
            .as_ref()
            .is_some_and(|incidents| incidents.kind == "local")
    }
}

/// How to reach one HTTP backend.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// Name in errors and health: `metrics`, `alertmanager eu-0`.
    pub name: String,
    /// Base URL, its path kept as a prefix.
    pub url: String,
    /// Auth.
    pub auth: Auth,
    /// Extra headers; values may be secret, so they are never shown.
    pub headers: Vec<(String, Secret)>,
    /// Extra query parameters on every call (`dedup`, `extra_label`).
    pub params: Vec<(String, String)>,
    /// TLS.
    pub tls: TlsConfig,
    /// Proxy URL; `None` = from the environment, `Some("")` = none.
    pub proxy: Option<String>,
    /// Whole call.
    pub timeout: Duration,
    /// Connecting.
    pub connect_timeout: Duration,
    /// Requests in flight at most.
    pub max_concurrency: usize,
}

/// Where a secret is read from. `Debug` shows the reference, never the secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// Stands in the configuration itself (headers that are no secret; shown as `***` all the same).
    Inline(String),
    /// An environment variable.
    Env(String),
    /// A file, trailing newline stripped.
    File(PathBuf),
    /// Standard output of an argument vector, trailing newline stripped.
    Command(Vec<String>),
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Inline(_) => f.write_str("Inline(***)"),
            Self::Env(name) => write!(f, "Env({name})"),
            Self::File(path) => write!(f, "File({})", path.display()),
            Self::Command(argv) => write!(f, "Command({})", argv.first().map_or("", String::as_str)),
        }
    }
}

/// Auth of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// None.
    None,
    /// `Authorization: Bearer …`
    Bearer(Secret),
    /// `Authorization: Token token=…` (PagerDuty).
    Token(Secret),
    /// Basic.
    Basic {
        /// User.
        user: String,
        /// Password.
        password: Secret,
    },
}

/// TLS of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct TlsConfig {
    /// Extra CA.
    pub ca_file: Option<PathBuf>,
    /// Client certificate.
    pub client_cert_file: Option<PathBuf>,
    /// Its key.
    pub client_key_file: Option<PathBuf>,
    /// Shows a standing warning.
    pub insecure_skip_verify: bool,
}

/// `[contexts.X.metrics]`.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricsConfig {
    /// Which server; `None` = find out.
    pub flavor: Option<crate::backend::metrics::Flavor>,
    /// Where.
    pub endpoint: Endpoint,
    /// How often the shortest windows are asked.
    pub poll: Duration,
    /// A vmalert or Thanos ruler that knows the rules, where the store does not.
    pub rules: Option<Endpoint>,
    /// Labels by which exemplars name their trace, the first that is there.
    pub exemplar_labels: Vec<String>,
}

/// `[[contexts.X.alertmanagers]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertmanagerConfig {
    /// Its name.
    pub name: String,
    /// Its gossip cluster; `None` = told apart by their status.
    pub cluster: Option<String>,
    /// Where; the endpoint's name is `alertmanager NAME`.
    pub endpoint: Endpoint,
    /// How often it is asked.
    pub poll: Duration,
    /// Never written to.
    pub read_only: bool,
}

/// `[contexts.X.annotations]`.
#[derive(Debug, Clone, PartialEq)]
pub struct AnnotationsConfig {
    /// Where.
    pub endpoint: Endpoint,
    /// How often it is asked.
    pub poll: Duration,
    /// Which marks are deploys: those with any of these tags.
    pub tags: Vec<String>,
}

/// A backend of a later signal: decoded and checked, so that a whole configuration can be written today.
#[derive(Debug, Clone, PartialEq)]
pub struct SignalConfig {
    /// `jaeger`, `pagerduty`, …
    pub kind: String,
    /// Where; `None` for kinds without one (`local`).
    pub endpoint: Option<Endpoint>,
    /// The kind's own settings (`from`, `whose`, …).
    pub settings: IndexMap<String, String>,
    /// `services`: a service of ours → the incident backend's id or name of it; alerts and incidents of the two
    /// are linked.
    pub services: IndexMap<String, String>,
}

impl SignalConfig {
    /// How often it is asked: `poll`, else 20 s (PagerDuty wants 15 to 30 s, and counts 960 requests a minute
    /// for all that a user runs).
    pub fn poll(&self) -> Duration {
        self.settings
            .get("poll")
            .and_then(|text| crate::time::parse_duration(text).ok())
            .unwrap_or(Duration::from_secs(20))
    }

    /// Whose incidents are listed at first: `whose`, else those of the teams that we are in.
    pub fn whose(&self) -> Whose {
        self.settings
            .get("whose")
            .and_then(|word| Whose::by_word(word))
            .unwrap_or(Whose::Team)
    }
}

/// `[[burn_rules]]`, before it is resolved for an SLO's period.
#[derive(Debug, Clone, PartialEq)]
pub struct BurnRuleConfig {
    /// How loud.
    pub severity: crate::domain::slo::Severity,
    /// Share of the budget spent within `long`; or `factor`.
    pub threshold: Threshold,
    /// Long window.
    pub long: crate::domain::slo::Window,
    /// Short window; long/12 where none.
    pub short: Option<crate::domain::slo::Window>,
}

/// What a rule's factor comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// Budget share in (0, 1].
    Budget(f64),
    /// The burn rate itself.
    Factor(f64),
}
