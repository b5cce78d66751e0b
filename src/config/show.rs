//! The effective configuration as TOML, secrets as references.
//!
//! What is printed decodes again; only a value that stands in the file itself and may be secret is `***`.

use toml::{Table, Value};

use super::{
    AlertmanagerConfig, AnnotationsConfig, AuditForward, Auth, BurnRuleConfig, Config, Context, Endpoint,
    MetricsConfig, Secret, SignalConfig, Threshold, TlsConfig, logs, runbooks, show_oncall,
};
use crate::backend::http::is_secret_name;
use crate::backend::metrics::Flavor;
use crate::domain::service_map::Caller;
use crate::domain::slo::{RuleOrigin, Sli, Slo};
use crate::time::prometheus_duration;

/// The effective configuration, defaults included.
pub fn show(config: &Config) -> String {
    let mut top = Rows::default();
    top.text_of("default_context", config.default_context.as_deref());
    top.text("theme", &config.theme);
    top.text("keymap", &config.keymap);
    top.text("identity", &config.identity);
    top.put("read_only", Value::Boolean(config.read_only));
    top.put("mouse", Value::Boolean(config.mouse));
    top.table("ui", super::ui::show(config.ui));
    if let Some(dir) = &config.state_dir {
        top.text("state_dir", &dir.to_string_lossy());
    }
    if let Some(journal) = &config.journal {
        let mut rows = Rows::default();
        rows.text("path", &journal.path.to_string_lossy());
        rows.text_of("group", journal.group.as_deref());
        top.table("journal", rows);
    }
    if let Some(forward) = &config.audit_forward {
        top.table("audit_forward", audit_forward(forward));
    }
    for (key, limit) in [
        ("silence_max", config.silence_max),
        ("ack_max", config.ack_max),
        ("ack_lease", config.ack_lease),
        ("ack_idle", config.ack_idle),
    ] {
        top.text(key, &spelled(limit));
    }
    show_oncall::top(&mut top, config);
    top.list("burn_rules", config.burn_rules.iter().map(burn_rule));
    let mut contexts = Rows::default();
    for (name, each) in &config.contexts {
        contexts.table(name, context(each));
    }
    top.table("contexts", contexts);
    toml::to_string(&top.0).unwrap_or_default()
}

/// Like `prometheus_duration`, but below a second in milliseconds.
pub(super) fn spelled(duration: std::time::Duration) -> String {
    if duration.subsec_millis() == 0 {
        prometheus_duration(duration)
    } else {
        format!("{}ms", duration.as_millis())
    }
}

/// The keys of one table.
#[derive(Default)]
pub(super) struct Rows(Table);

impl Rows {
    pub(super) fn put(&mut self, key: &str, value: Value) {
        self.0.insert(key.to_owned(), value);
    }

    pub(super) fn text(&mut self, key: &str, text: &str) {
        self.put(key, Value::String(text.to_owned()));
    }

    pub(super) fn text_of(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    pub(super) fn whole(&mut self, key: &str, number: usize) {
        self.put(key, Value::Integer(i64::try_from(number).unwrap_or(i64::MAX)));
    }

    pub(super) fn texts(&mut self, key: &str, texts: &[String]) {
        if !texts.is_empty() {
            self.put(
                key,
                Value::Array(texts.iter().cloned().map(Value::String).collect()),
            );
        }
    }

    pub(super) fn table(&mut self, key: &str, rows: Self) {
        if !rows.0.is_empty() {
            self.put(key, Value::Table(rows.0));
        }
    }

    pub(super) fn list(&mut self, key: &str, rows: impl Iterator<Item = Self>) {
        let rows: Vec<Value> = rows.map(|rows| Value::Table(rows.0)).collect();
        if !rows.is_empty() {
            self.put(key, Value::Array(rows));
        }
    }
}

fn audit_forward(forward: &AuditForward) -> Rows {
    let mut rows = Rows::default();
    match forward {
        AuditForward::Syslog(address) => {
            rows.text("kind", "syslog");
            rows.text("address", &address.to_string());
        }
        AuditForward::Webhook(each) => {
            rows.text("kind", "webhook");
            endpoint(&mut rows, each);
        }
    }
    rows
}

fn service_map(context: &Context) -> Rows {
    let mut rows = Rows::default();
    for caller in Caller::ALL {
        let mut names = Rows::default();
        for (ours, theirs) in context.service_map.names(caller).into_iter().flatten() {
            names.text(ours, theirs);
        }
        rows.table(caller.word(), names);
    }
    rows
}

fn context(context: &Context) -> Rows {
    let mut rows = Rows::default();
    rows.put("danger", Value::Boolean(context.danger));
    rows.text_of("watchdog", context.watchdog.as_deref());
    rows.texts("service_labels", &context.service_labels);
    rows.table("service_map", service_map(context));
    rows.texts("slo_files", &context.slo_files);
    runbooks::show(&mut rows, &context.runbooks);
    if let Some(each) = &context.metrics {
        rows.table("metrics", metrics(each));
    }
    rows.list("alertmanagers", context.alertmanagers.iter().map(alertmanager));
    if let Some(each) = &context.logs {
        rows.table("logs", logs::rows(each));
    }
    for (key, each) in [("traces", &context.traces), ("incidents", &context.incidents)] {
        if let Some(each) = each {
            rows.table(key, signal(each));
        }
    }
    if let Some(each) = &context.annotations {
        rows.table("annotations", annotations(each));
    }
    show_oncall::context(&mut rows, context);
    rows.list("slos", context.slos.iter().map(slo));
    rows
}

fn metrics(metrics: &MetricsConfig) -> Rows {
    let mut rows = Rows::default();
    let kind = metrics.flavor.map(|flavor| match flavor {
        Flavor::Prometheus => "prometheus",
        Flavor::Thanos => "thanos",
        Flavor::Mimir => "mimir",
        Flavor::VictoriaMetrics => "victoriametrics",
    });
    rows.text_of("kind", kind);
    endpoint(&mut rows, &metrics.endpoint);
    rows.text("poll", &spelled(metrics.poll));
    rows.texts("exemplar_labels", &metrics.exemplar_labels);
    if let Some(rules) = &metrics.rules {
        let mut below = Rows::default();
        endpoint(&mut below, rules);
        rows.table("rules", below);
    }
    rows
}

fn alertmanager(member: &AlertmanagerConfig) -> Rows {
    let mut rows = Rows::default();
    rows.text("name", &member.name);
    rows.text_of("cluster", member.cluster.as_deref());
    endpoint(&mut rows, &member.endpoint);
    rows.text("poll", &spelled(member.poll));
    rows.put("read_only", Value::Boolean(member.read_only));
    rows
}

fn signal(signal: &SignalConfig) -> Rows {
    let mut rows = Rows::default();
    rows.text("kind", &signal.kind);
    for (key, value) in &signal.settings {
        rows.text(key, value);
    }
    let mut services = Rows::default();
    for (name, theirs) in &signal.services {
        services.text(name, theirs);
    }
    rows.table("services", services);
    if let Some(each) = &signal.endpoint {
        endpoint(&mut rows, each);
    }
    rows
}

fn annotations(annotations: &AnnotationsConfig) -> Rows {
    let mut rows = Rows::default();
    rows.text("kind", "grafana");
    endpoint(&mut rows, &annotations.endpoint);
    rows.text("poll", &spelled(annotations.poll));
    rows.texts("tags", &annotations.tags);
    rows
}

pub(super) fn endpoint(rows: &mut Rows, endpoint: &Endpoint) {
    rows.text("url", &endpoint.url);
    rows.table("auth", auth(&endpoint.auth));
    let mut headers = Rows::default();
    for (name, value) in &endpoint.headers {
        match value {
            Secret::Inline(_) => headers.text(name, "***"),
            Secret::Env(_) | Secret::File(_) | Secret::Command(_) => {
                let mut below = Rows::default();
                reference(&mut below, "", value);
                headers.table(name, below);
            }
        }
    }
    rows.table("headers", headers);
    let mut params = Rows::default();
    for (name, value) in &endpoint.params {
        params.text(name, if is_secret_name(name) { "***" } else { value });
    }
    rows.table("params", params);
    rows.table("tls", tls(&endpoint.tls));
    rows.text_of("proxy", endpoint.proxy.as_deref());
    rows.text("timeout", &spelled(endpoint.timeout));
    rows.text("connect_timeout", &spelled(endpoint.connect_timeout));
    rows.whole("max_concurrency", endpoint.max_concurrency);
}

pub(super) fn tls(tls: &TlsConfig) -> Rows {
    let mut rows = Rows::default();
    for (key, path) in [
        ("ca_file", &tls.ca_file),
        ("client_cert_file", &tls.client_cert_file),
        ("client_key_file", &tls.client_key_file),
    ] {
        rows.text_of(key, path.as_ref().map(|path| path.to_string_lossy()).as_deref());
    }
    if tls.insecure_skip_verify {
        rows.put("insecure_skip_verify", Value::Boolean(true));
    }
    rows
}

fn auth(auth: &Auth) -> Rows {
    let mut rows = Rows::default();
    match auth {
        Auth::None => {}
        Auth::Bearer(secret) => reference(&mut rows, "bearer_", secret),
        Auth::Token(secret) => reference(&mut rows, "token_", secret),
        Auth::Basic { user, password } => {
            let mut basic = Rows::default();
            basic.text("user", user);
            reference(&mut basic, "password_", password);
            rows.table("basic", basic);
        }
    }
    rows
}

pub(super) fn reference(rows: &mut Rows, prefix: &str, secret: &Secret) {
    match secret {
        Secret::Inline(_) => rows.text(prefix.trim_end_matches('_'), "***"),
        Secret::Env(name) => rows.text(&format!("{prefix}env"), name),
        Secret::File(path) => rows.text(&format!("{prefix}file"), &path.to_string_lossy()),
        Secret::Command(argv) => rows.texts(&format!("{prefix}command"), argv),
    }
}

fn burn_rule(rule: &BurnRuleConfig) -> Rows {
    let mut rows = Rows::default();
    rows.text("severity", rule.severity.word());
    match rule.threshold {
        Threshold::Budget(share) => rows.put("budget", Value::Float(share)),
        Threshold::Factor(factor) => rows.put("factor", Value::Float(factor)),
    }
    rows.text("long", rule.long.name());
    rows.text_of("short", rule.short.as_ref().map(crate::domain::slo::Window::name));
    rows
}

fn slo(slo: &Slo) -> Rows {
    let mut rows = Rows::default();
    rows.text("name", &slo.name);
    rows.text_of(
        "service",
        Some(slo.service.as_str()).filter(|service| !service.is_empty()),
    );
    // As written: 99.9 and not 99.90000000000001.
    let percent = slo.objective.to_string().parse().unwrap_or_default();
    rows.put("objective", Value::Float(percent));
    rows.text("window", slo.period.name());
    match &slo.sli {
        Sli::Events { errors, total } => {
            rows.text("errors", errors);
            rows.text("total", total);
        }
        Sli::Ratio { error_ratio } => rows.text("error_ratio", error_ratio),
        Sli::Latency {
            histogram,
            selector,
            threshold,
        } => {
            let mut latency = Rows::default();
            latency.text("histogram", histogram);
            latency.text_of(
                "selector",
                Some(selector.as_str()).filter(|selector| !selector.is_empty()),
            );
            latency.text(
                "threshold",
                &spelled(std::time::Duration::from_secs_f64(*threshold)),
            );
            rows.table("latency", latency);
        }
        // Found on a server, never written in a file.
        Sli::Recorded { .. } => {}
    }
    if let Some(events) = slo.low_traffic {
        rows.put("low_traffic", Value::Float(events));
    }
    let own = slo.rules.iter().filter(|rule| rule.origin != RuleOrigin::Default);
    rows.list(
        "burn_rules",
        own.map(|rule| {
            let mut rows = Rows::default();
            rows.text("severity", rule.severity.word());
            rows.put("factor", Value::Float(rule.factor));
            rows.text("long", rule.long.name());
            rows.text("short", rule.short.name());
            rows
        }),
    );
    rows
}
