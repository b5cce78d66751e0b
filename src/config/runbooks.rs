//! `[runbooks]` and `[contexts.X.runbooks]`: where runbooks lie; `allowed_programs`: what of them may be run.

use std::path::PathBuf;
use std::time::Duration;

use super::check::Findings;
use super::decode::Section;
use super::show::{Rows, spelled, tls};
use super::tree::KeyPath;
use super::{
    AuditForward, Auth, Channel, Config, Endpoint, LogsConfig, Secret, TlsConfig, endpoint, load, playbooks,
};
use crate::backend::http::is_secret_name;
use crate::runbook::Playbook;

/// How long a command may take, where nothing says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What a context says of runbooks: what it leaves out, the top of the file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunbooksConfig {
    /// A directory of Markdown files.
    pub dir: Option<PathBuf>,
    /// How long a command of a runbook may take.
    pub timeout: Duration,
    /// Variables that a command of a runbook is given here.
    pub env: Vec<(String, String)>,
    /// Programs that a runbook may run here: names, or absolute paths.
    pub allowed_programs: Vec<String>,
    /// Those of them to which labels are handed whatever they hold: to these, arguments are text.
    pub plain_programs: Vec<String>,
    /// TLS towards links.
    pub tls: TlsConfig,
    /// The proxy towards links.
    pub proxy: Option<String>,
    /// Commands in their order, for the alerts that match.
    pub playbooks: Vec<Playbook>,
}

impl Default for RunbooksConfig {
    fn default() -> Self {
        Self {
            dir: None,
            timeout: TIMEOUT,
            env: Vec::new(),
            allowed_programs: Vec::new(),
            plain_programs: Vec::new(),
            tls: TlsConfig::default(),
            proxy: None,
            playbooks: Vec::new(),
        }
    }
}

pub(super) fn runbooks(top: &Section<'_>, context: &Section<'_>, findings: &mut Findings) -> RunbooksConfig {
    let (own, all) = (context.section("runbooks"), top.section("runbooks"));
    let sections = [own, all];
    let mut said = sections.iter().flatten();
    let dir = said.clone().find_map(|section| section.file("dir"));
    let timeout = said.clone().find_map(|section| section.duration("timeout"));
    let with_tls = said.clone().find(|section| section.has("tls"));
    let tls = with_tls.map(|section| endpoint::tls(section, "", findings));
    let proxy = said.clone().find_map(|section| section.text("proxy"));
    let env = said.find_map(|section| section.section("env"));
    let env = env
        .map(|variables| of_variables(&variables, findings))
        .unwrap_or_default();
    let allowed_programs = context.texts("allowed_programs").unwrap_or_default();
    for (index, written) in allowed_programs.iter().enumerate() {
        let is_name = !written.is_empty() && !written.contains('/');
        if !is_name && !written.starts_with('/') {
            findings.error(
                &context.at("allowed_programs").index(index),
                format!("`{written}` is neither a program's name nor an absolute path"),
                "write \"kubectl\" or \"/usr/bin/kubectl\"",
            );
        }
    }
    let plain_programs = context.texts("plain_programs").unwrap_or_default();
    for (index, written) in plain_programs.iter().enumerate() {
        if !allowed_programs.contains(written) {
            findings.error(
                &context.at("plain_programs").index(index),
                format!("`{written}` is not among allowed_programs"),
                "write it there as it is written here, or leave it out",
            );
        }
    }
    RunbooksConfig {
        dir,
        timeout: timeout.unwrap_or(TIMEOUT),
        env,
        allowed_programs,
        plain_programs,
        tls: tls.unwrap_or_default(),
        proxy,
        playbooks: playbooks::playbooks(context, findings),
    }
}

fn of_variables(section: &Section<'_>, findings: &mut Findings) -> Vec<(String, String)> {
    let mut env = Vec::new();
    for name in section.keys(findings) {
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name || load::is_setting(name) {
            findings.error(
                &section.at(name),
                "is no variable that a command can be given",
                "name it as shells do (KUBECONFIG), and none of this program's own",
            );
        } else if let Some(value) = section.text(name) {
            if value.chars().any(char::is_control) {
                findings.error(&section.at(name), "holds a control character", "leave that out");
            }
            env.push((name.to_owned(), value));
        }
    }
    env.sort();
    env
}

pub(super) fn show(rows: &mut Rows, runbooks: &RunbooksConfig) {
    let mut below = Rows::default();
    if let Some(dir) = &runbooks.dir {
        below.text("dir", &dir.to_string_lossy());
    }
    below.text("timeout", &spelled(runbooks.timeout));
    if !runbooks.env.is_empty() {
        let mut variables = Rows::default();
        for (name, value) in &runbooks.env {
            variables.text(name, value);
        }
        below.table("env", variables);
    }
    below.table("tls", tls(&runbooks.tls));
    below.text_of("proxy", runbooks.proxy.as_deref());
    rows.table("runbooks", below);
    rows.texts("allowed_programs", &runbooks.allowed_programs);
    rows.texts("plain_programs", &runbooks.plain_programs);
    playbooks::show(rows, &runbooks.playbooks);
}

impl Config {
    /// Every credential of this configuration, of every context.
    pub fn secrets(&self) -> Vec<&Secret> {
        let keyed = self.keyed_secrets().into_iter();
        keyed.map(|(_, secret)| secret).collect()
    }

    /// The same, each with the key that it stands at: `contexts.prod.metrics.auth`.
    pub fn keyed_secrets(&self) -> Vec<(String, &Secret)> {
        let mut secrets = Vec::new();
        for (name, context) in &self.contexts {
            let at = KeyPath::default().key("contexts").key(name);
            if let Some(metrics) = &context.metrics {
                let at = at.key("metrics");
                of_endpoint(&at, &metrics.endpoint, &mut secrets);
                if let Some(rules) = &metrics.rules {
                    of_endpoint(&at.key("rules"), rules, &mut secrets);
                }
            }
            for (index, each) in context.alertmanagers.iter().enumerate() {
                of_endpoint(
                    &at.key("alertmanagers").index(index),
                    &each.endpoint,
                    &mut secrets,
                );
            }
            let others = [
                ("logs", context.logs.as_ref().and_then(LogsConfig::endpoint)),
                (
                    "annotations",
                    context.annotations.as_ref().map(|each| &each.endpoint),
                ),
                (
                    "traces",
                    context.traces.as_ref().and_then(|each| each.endpoint.as_ref()),
                ),
                (
                    "incidents",
                    context.incidents.as_ref().and_then(|each| each.endpoint.as_ref()),
                ),
            ];
            for (key, endpoint) in others {
                if let Some(endpoint) = endpoint {
                    of_endpoint(&at.key(key), endpoint, &mut secrets);
                }
            }
            for (index, notify) in context.notify.iter().enumerate() {
                match &notify.channel {
                    Channel::Webhook(hook) | Channel::Slack(hook) => {
                        let at = at.key("notify").index(index);
                        secrets.push((at.as_str().to_owned(), &hook.url));
                    }
                    Channel::Command(_) => {}
                }
            }
        }
        if let Some(AuditForward::Webhook(endpoint)) = &self.audit_forward {
            of_endpoint(&KeyPath::default().key("audit_forward"), endpoint, &mut secrets);
        }
        secrets
    }

    /// The variables of the environment that credentials of this configuration are read from: a program that a runbook runs
    /// is not given them.
    /// Those of the process that are settings of this program go too: whatever is set by one may be a credential.
    pub fn secret_variables(&self, process: impl Iterator<Item = String>) -> Vec<String> {
        let of_environment = |secret: &Secret| match secret {
            Secret::Env(name) => Some(name.clone()),
            Secret::Inline(_) | Secret::File(_) | Secret::Command(_) => None,
        };
        let secrets = self.secrets().into_iter();
        let mut names: Vec<String> = secrets.filter_map(of_environment).collect();
        names.extend(process.filter(|name| load::is_setting(name)));
        names.sort();
        names.dedup();
        names
    }
}

fn of_endpoint<'a>(at: &KeyPath, endpoint: &'a Endpoint, secrets: &mut Vec<(String, &'a Secret)>) {
    let auth = at.key("auth").as_str().to_owned();
    match &endpoint.auth {
        Auth::None => {}
        Auth::Bearer(secret) | Auth::Token(secret) => secrets.push((auth, secret)),
        Auth::Basic { password, .. } => secrets.push((auth, password)),
    }
    // A tenant's name in the open is no secret.
    let is_secret =
        |(name, secret): &&(String, Secret)| !matches!(secret, Secret::Inline(_)) || is_secret_name(name);
    secrets.extend(endpoint.headers.iter().filter(is_secret).map(|(name, secret)| {
        let header = at.key("headers").key(name);
        (header.as_str().to_owned(), secret)
    }));
}

#[cfg(test)]
mod tests {
    use super::super::{Environment, decode_text};
    use super::*;

    fn config(text: &str) -> Config {
        decode_text(text, None, &Environment::default()).unwrap().config
    }

    #[test]
    fn a_context_says_it_before_the_top_of_the_file_and_nothing_is_allowed_unsaid() {
        let config = config(
            "[runbooks]\ndir = \"/srv/all\"\ntimeout = \"5s\"\n\
             [contexts.a.metrics]\nurl = \"http://x\"\n\
             [contexts.b]\nallowed_programs = [\"kubectl\", \"/opt/tool\"]\nrunbooks = { dir = \"/srv/b\" }\n\
             metrics = { url = \"http://x\" }\n",
        );
        let (a, b) = (&config.contexts["a"].runbooks, &config.contexts["b"].runbooks);
        assert_eq!(a.dir, Some(PathBuf::from("/srv/all")));
        assert_eq!(
            (a.timeout, b.timeout),
            (Duration::from_secs(5), Duration::from_secs(5))
        );
        assert!(a.allowed_programs.is_empty());
        assert_eq!(b.dir, Some(PathBuf::from("/srv/b")));
        assert_eq!(b.allowed_programs, ["kubectl", "/opt/tool"]);
    }

    #[test]
    fn variables_are_a_contexts_own_and_none_of_this_programs() {
        let text = "[contexts.a]\nrunbooks = { env = { KUBECONFIG = \"/srv/prod\" } }\nmetrics = { url = \"http://x\" }\n";
        let env = &config(text).contexts["a"].runbooks.env;
        assert_eq!(
            env.as_slice(),
            [("KUBECONFIG".to_owned(), "/srv/prod".to_owned())]
        );
        for name in ["MIDWATCH__THEME", "\"A B\"", "\"A=B\""] {
            let error =
                decode_text(&text.replace("KUBECONFIG", name), None, &Environment::default()).unwrap_err();
            assert!(error.to_string().contains("variable"), "{error}");
        }
    }

    #[test]
    fn a_program_is_a_name_or_an_absolute_path() {
        let text = "[contexts.a]\nallowed_programs = [\"./kubectl\"]\nmetrics = { url = \"http://x\" }\n";
        let error = decode_text(text, None, &Environment::default()).unwrap_err();
        assert!(error.to_string().contains("allowed_programs"), "{error}");
    }

    #[test]
    fn only_an_allowed_program_is_plain_and_links_have_a_way_of_their_own() {
        let text = "[runbooks]\nproxy = \"http://proxy:3128\"\ntls = { insecure_skip_verify = true }\n\
                    [contexts.a]\nallowed_programs = [\"notify\"]\nplain_programs = [\"notify\"]\n\
                    metrics = { url = \"http://x\" }\n";
        let runbooks = &config(text).contexts["a"].runbooks;
        assert_eq!(runbooks.plain_programs, ["notify"]);
        assert_eq!(runbooks.proxy.as_deref(), Some("http://proxy:3128"));
        assert!(runbooks.tls.insecure_skip_verify);
        let wrong = text.replace("plain_programs = [\"notify\"]", "plain_programs = [\"psql\"]");
        let error = decode_text(&wrong, None, &Environment::default()).unwrap_err();
        assert!(
            error.to_string().contains("`psql` is not among allowed_programs"),
            "{error}"
        );
    }

    #[test]
    fn the_variables_of_credentials_are_known() {
        let config = config(
            "[contexts.a.metrics]\nurl = \"http://x\"\nauth = { bearer_env = \"PROM_TOKEN\" }\n\
             headers = { X-Key = { env = \"HEADER_KEY\" } }\n\
             [contexts.b.incidents]\nkind = \"pagerduty\"\nfrom = \"a@example.com\"\nauth = { token_env = \"PD_KEY\" }\n\
             [contexts.b.metrics]\nurl = \"http://x\"\nauth = { basic = { user = \"u\", password_env = \"PASS\" } }\n",
        );
        let process = [
            "PATH",
            "MIDWATCH__CONTEXTS__A__METRICS__AUTH__BEARER",
            "midwatch__x",
            "MIDWATCH",
        ];
        assert_eq!(
            config.secret_variables(process.map(str::to_owned).into_iter()),
            [
                "HEADER_KEY",
                "MIDWATCH__CONTEXTS__A__METRICS__AUTH__BEARER",
                "PASS",
                "PD_KEY",
                "PROM_TOKEN",
                "midwatch__x"
            ]
        );
    }
}
