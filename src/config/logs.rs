//! `[contexts.X.logs]`: which source of logs, how it is reached, and how much of it is kept in memory.

use std::path::Path;
use std::time::Duration;

use super::Endpoint;
use super::check::Findings;
use super::decode::{Section, unknown_kind};
use super::endpoint;
use super::show::{self, Rows};

/// Lines that the store keeps, where nothing says otherwise.
const LINES: usize = 1_000_000;
/// Bytes that the store keeps, where nothing says otherwise.
const BYTES: usize = 128 * MIB;
/// Less than this holds no page of any source.
const LEAST_BYTES: usize = MIB;
/// How often a tail that must poll asks.
const POLL: Duration = Duration::from_secs(2);
const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const GIB: usize = 1024 * MIB;

const KINDS: [&str; 5] = ["loki", "elasticsearch", "opensearch", "victorialogs", "file"];
/// Keys that only some kinds read, and which.
const OWN: [(&str, &[&str]); 3] = [
    ("selector", &["loki", "victorialogs"]),
    ("index", &["elasticsearch", "opensearch"]),
    ("paths", &["file"]),
];
/// What a file has no use for.
const REMOTE: [&str; 8] = [
    "url",
    "auth",
    "headers",
    "params",
    "tls",
    "proxy",
    "connect_timeout",
    "max_concurrency",
];

/// `[contexts.X.logs]`.
#[derive(Debug, Clone, PartialEq)]
pub struct LogsConfig {
    /// Which source.
    pub source: LogsSource,
    /// The label or field that says a line's service; the source's own convention where none.
    pub service_label: Option<String>,
    /// Lines kept in memory at most.
    pub lines: usize,
    /// Bytes kept in memory at most.
    pub bytes: usize,
    /// How often a tail that has to poll asks.
    pub poll: Duration,
}

/// Which source of logs, with what it alone needs.
#[derive(Debug, Clone, PartialEq)]
pub enum LogsSource {
    /// Loki.
    Loki {
        /// Where.
        endpoint: Endpoint,
        /// `{namespace="prod"}`: all that is ever asked for; everything where none.
        selector: Option<String>,
    },
    /// Elasticsearch or OpenSearch, told apart by asking.
    Elasticsearch {
        /// Where.
        endpoint: Endpoint,
        /// `logs-*`; that where it exists and everything else, where none.
        index: Option<String>,
    },
    /// VictoriaLogs.
    VictoriaLogs {
        /// Where.
        endpoint: Endpoint,
        /// A stream filter, as Loki's.
        selector: Option<String>,
    },
    /// Files of this host.
    Files {
        /// Globs, absolute or below the configuration's directory.
        paths: Vec<String>,
    },
}

impl LogsConfig {
    /// How it is reached; files need no way.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match &self.source {
            LogsSource::Loki { endpoint, .. }
            | LogsSource::Elasticsearch { endpoint, .. }
            | LogsSource::VictoriaLogs { endpoint, .. } => Some(endpoint),
            LogsSource::Files { .. } => None,
        }
    }

    /// As the configuration writes it.
    pub fn kind(&self) -> &'static str {
        match self.source {
            LogsSource::Loki { .. } => "loki",
            LogsSource::Elasticsearch { .. } => "elasticsearch",
            LogsSource::VictoriaLogs { .. } => "victorialogs",
            LogsSource::Files { .. } => "file",
        }
    }
}

pub(super) fn logs(context: &Section<'_>, findings: &mut Findings) -> Option<LogsConfig> {
    let section = context.section("logs")?;
    let one_of = format!("write one of: {}", KINDS.join(", "));
    let kind = section.required("kind", &one_of, findings)?;
    if !KINDS.contains(&kind.as_str()) {
        unknown_kind(&section, &kind, &KINDS, findings);
        return None;
    }
    unused(&section, &kind, findings);
    let source = if kind == "file" {
        LogsSource::Files {
            paths: paths(&section, findings)?,
        }
    } else {
        let endpoint = endpoint::endpoint(&section, "logs", findings);
        let selector = selector(&section, findings);
        let endpoint = endpoint?;
        match kind.as_str() {
            "loki" => LogsSource::Loki { endpoint, selector },
            "victorialogs" => LogsSource::VictoriaLogs { endpoint, selector },
            _ => LogsSource::Elasticsearch {
                endpoint,
                index: section.text("index"),
            },
        }
    };
    Some(LogsConfig {
        source,
        service_label: section.text("service_label"),
        lines: section.whole("lines").unwrap_or(LINES),
        bytes: bytes(&section, findings),
        poll: section.duration("poll").unwrap_or(POLL),
    })
}

/// Says what stands there and is read by another kind alone.
fn unused(section: &Section<'_>, kind: &str, findings: &mut Findings) {
    let files = kind == "file";
    let others = OWN
        .into_iter()
        .filter(|(_, kinds)| !kinds.contains(&kind))
        .map(|(key, _)| key);
    let remote = REMOTE.into_iter().filter(|_| files);
    for key in others.chain(remote).filter(|key| section.has(key)) {
        findings.warn(
            &section.at(key),
            format!("is not used by kind \"{kind}\""),
            "leave it out, or write another kind",
        );
    }
}

/// A stream selector: what the server cannot read would fail every question.
fn selector(section: &Section<'_>, findings: &mut Findings) -> Option<String> {
    let text = section.text("selector")?;
    let trimmed = text.trim();
    let inner = trimmed.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    if inner.is_none_or(|inner| inner.trim().is_empty()) {
        findings.error(
            &section.at("selector"),
            "is no stream selector",
            "write matchers in braces, as in '{namespace=\"prod\"}'; a filter behind them belongs into the query",
        );
    }
    Some(trimmed.to_owned())
}

fn paths(section: &Section<'_>, findings: &mut Findings) -> Option<Vec<String>> {
    section.demand("paths", "write paths = [\"/var/log/app/*.log\"]", findings);
    let written = section.texts("paths")?;
    let mut found = Vec::with_capacity(written.len());
    for (index, path) in written.iter().enumerate() {
        if path.trim().is_empty() {
            findings.error(
                &section.at("paths").index(index),
                "is empty",
                "write a path, with * and ? for what varies",
            );
            continue;
        }
        let path = section.around.path(path).to_string_lossy().into_owned();
        if let Err(error) = glob::Pattern::new(&path) {
            findings.error(
                &section.at("paths").index(index),
                format!("is no pattern: {error}"),
                "write a path, with * and ? for what varies",
            );
        } else if !is_pattern(&path) && !Path::new(&path).exists() {
            findings.warn(
                &section.at("paths").index(index),
                format!("{path} is not there"),
                "relative paths start at the configuration's directory; it is read once it appears",
            );
        }
        found.push(path);
    }
    Some(found)
}

fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

fn bytes(section: &Section<'_>, findings: &mut Findings) -> usize {
    let Some(bytes) = section.text("bytes").and_then(|text| read_size(&text)) else {
        return BYTES;
    };
    if bytes < LEAST_BYTES {
        findings.error(
            &section.at("bytes"),
            "is too little to keep one page of lines",
            "write at least \"1MiB\"",
        );
    }
    bytes
}

/// Reads an amount of memory: `"64KiB"`, `"128MiB"`, `"2GiB"`.
pub(super) fn read_size(text: &str) -> Option<usize> {
    let (number, unit) = [("KiB", KIB), ("MiB", MIB), ("GiB", GIB)]
        .into_iter()
        .find_map(|(unit, size)| Some((text.strip_suffix(unit)?, size)))?;
    let number: usize = number.trim_end().parse().ok()?;
    number.checked_mul(unit).filter(|size| *size > 0)
}

/// The same, written with the largest unit that divides it.
fn spelled_size(bytes: usize) -> String {
    let (unit, size) = [("GiB", GIB), ("MiB", MIB)]
        .into_iter()
        .find(|(_, size)| bytes.is_multiple_of(*size))
        .unwrap_or(("KiB", KIB));
    format!("{}{unit}", bytes / size)
}

pub(super) fn rows(logs: &LogsConfig) -> Rows {
    let mut rows = Rows::default();
    rows.text("kind", logs.kind());
    match &logs.source {
        LogsSource::Loki { selector, .. } | LogsSource::VictoriaLogs { selector, .. } => {
            rows.text_of("selector", selector.as_deref());
        }
        LogsSource::Elasticsearch { index, .. } => rows.text_of("index", index.as_deref()),
        LogsSource::Files { paths } => rows.texts("paths", paths),
    }
    if let Some(each) = logs.endpoint() {
        show::endpoint(&mut rows, each);
    }
    rows.text_of("service_label", logs.service_label.as_deref());
    rows.whole("lines", logs.lines);
    rows.text("bytes", &spelled_size(logs.bytes));
    rows.text("poll", &show::spelled(logs.poll));
    rows
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{ConfigError, Environment, Loaded, decode_text, show};

    fn decoded(rest: &str) -> Result<Loaded, ConfigError> {
        let text =
            format!("[contexts.p.metrics]\nurl = \"http://127.0.0.1:9090\"\n[contexts.p.logs]\n{rest}\n");
        decode_text(&text, Some(Path::new("c.toml")), &Environment::default())
    }

    fn read(rest: &str) -> LogsConfig {
        let loaded = decoded(rest).unwrap_or_else(|error| panic!("{error}"));
        assert!(loaded.warnings.is_empty(), "{:#?}", loaded.warnings);
        let shown = show(&loaded.config);
        let again = decode_text(&shown, None, &Environment::default()).expect("what is shown decodes");
        assert_eq!(again.config.contexts["p"].logs, loaded.config.contexts["p"].logs);
        loaded.config.contexts["p"].logs.clone().expect("logs")
    }

    fn refused(rest: &str) -> String {
        decoded(rest).expect_err("refused").to_string()
    }

    #[test]
    fn a_million_lines_or_128_mebibytes_are_kept_unless_said() {
        let logs = read("kind = \"loki\"\nurl = \"http://127.0.0.1:3100\"");
        assert_eq!((logs.lines, logs.bytes), (1_000_000, 134_217_728));
        assert_eq!((logs.poll, logs.kind()), (Duration::from_secs(2), "loki"));
        let logs = read("kind = \"file\"\npaths = [\"/var/log/*.log\"]\nlines = 5\nbytes = \"2GiB\"");
        assert_eq!((logs.lines, logs.bytes), (5, 2_147_483_648));
        assert_eq!(logs.endpoint(), None);
    }

    #[test]
    fn opensearch_is_read_as_what_it_speaks() {
        let logs = read("kind = \"opensearch\"\nurl = \"http://127.0.0.1:9200\"\nindex = \"logs-*\"");
        assert_eq!(logs.kind(), "elasticsearch");
        assert!(
            matches!(&logs.source, LogsSource::Elasticsearch { index: Some(index), .. } if index == "logs-*")
        );
    }

    #[test]
    fn sizes_are_amounts_with_a_unit() {
        for (text, size) in [
            ("64KiB", Some(65_536)),
            ("128 MiB", Some(134_217_728)),
            ("0MiB", None),
            ("128", None),
            ("128MB", None),
            ("-1MiB", None),
            ("99999999999999999999GiB", None),
            ("18446744073709551615GiB", None),
        ] {
            assert_eq!(read_size(text), size, "{text}");
        }
        assert_eq!(spelled_size(BYTES), "128MiB");
        assert_eq!(spelled_size(3 * GIB), "3GiB");
        assert_eq!(spelled_size(1_536 * KIB), "1536KiB");
    }

    #[test]
    fn a_selector_that_no_server_reads_is_refused_here() {
        for selector in ["namespace=prod", "{}", "{ }", "{a=\"b\"} |= \"x\""] {
            let said = refused(&format!(
                "kind = \"loki\"\nurl = \"http://127.0.0.1:3100\"\nselector = '{selector}'"
            ));
            assert!(
                said.contains("logs.selector") && said.contains("{namespace="),
                "{said}"
            );
        }
    }

    #[test]
    fn what_another_kind_reads_is_said_to_be_unused() {
        let loaded = decoded(
            "kind = \"file\"\npaths = [\"/var/log/*.log\"]\nurl = \"http://127.0.0.1:1\"\nindex = \"x\"",
        )
        .expect("valid");
        let said: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(
            said.iter().all(|line| line.contains("not used by kind \"file\"")),
            "{said:?}"
        );
    }

    #[test]
    fn what_is_missing_is_said_with_the_mend() {
        for (rest, words) in [
            ("kind = \"file\"", "paths = ["),
            ("kind = \"loki\"", "url = "),
            ("url = \"http://127.0.0.1:1\"", "loki, elasticsearch"),
            ("kind = \"lokki\"", "did you mean \"loki\"?"),
            ("kind = \"file\"\npath = \"/var/log/x\"", "did you mean `paths`?"),
            (
                "kind = \"loki\"\nurl = \"http://127.0.0.1:1\"\nbytes = \"128MB\"",
                "128MiB",
            ),
            (
                "kind = \"loki\"\nurl = \"http://127.0.0.1:1\"\nbytes = \"4KiB\"",
                "1MiB",
            ),
        ] {
            let said = refused(rest);
            assert!(said.contains(words), "{rest}: {said}");
        }
    }
}
