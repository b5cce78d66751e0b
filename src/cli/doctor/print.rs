//! What was found out, as text.

use super::super::Session;
use super::super::record_checks::RecordCheck;
use super::{Checkup, Cluster};
use crate::config::{Config, Context};

/// Everything that was found out, to be printed.
pub(super) struct Found<'a> {
    pub(super) checkups: &'a [Checkup],
    pub(super) clusters: &'a [Cluster],
    pub(super) record: Option<&'a RecordCheck>,
    pub(super) off: &'a [String],
    pub(super) warnings: &'a [String],
}

/// Prints it as text.
pub(super) fn print(
    session: &mut Session,
    config: &Config,
    context: &Context,
    found: &Found<'_>,
) -> std::io::Result<()> {
    let out = &mut session.out;
    let read_only = if config.read_only { ", read-only" } else { "" };
    out.line(&format!(
        "context {}, as {}{read_only}",
        context.name, config.identity
    ))?;
    for checkup in found.checkups {
        out.line("")?;
        let state = match (checkup.reachable, &checkup.failure) {
            (true, None) => "ok  ",
            (true, Some(_)) => "FAIL",
            (false, _) => "DOWN",
        };
        let version = match &checkup.version {
            Some(version) => version,
            None if checkup.reachable && checkup.url.is_some() => "(version not told)",
            None => "",
        };
        out.line(&format!(
            "{state} {}  {} {version}",
            checkup.backend, checkup.kind
        ))?;
        if let Some(url) = &checkup.url {
            out.line(&format!("     {url}"))?;
        }
        if let Some(failure) = &checkup.failure {
            out.line(&format!("     {}", failure.message))?;
        }
        for file in &checkup.files {
            out.line(&format!("     {}", file.words(session.clock.now().utc)))?;
        }
        // files are read where they lie
        if checkup.url.is_none() {
            continue;
        }
        let mut facts = vec![format!("auth {}", checkup.auth)];
        facts.extend(checkup.acts_as.iter().map(|who| format!("acts as {who}")));
        facts.extend(
            checkup
                .latency_seconds
                .map(|s| format!("answers in {:.0} ms", s * 1_000.0)),
        );
        facts.extend(checkup.clock_skew_seconds.map(|s| format!("clock {s:+.1} s")));
        out.line(&format!("     {}", facts.join(" · ")))?;
        if let Some(writes) = &checkup.writes {
            out.line(&format!("     {}", writes.words()))?;
        }
        let passed = &checkup.counters;
        out.line(&format!(
            "     {} requests, {} bytes, {} failed",
            passed.requests, passed.bytes, passed.errors
        ))?;
    }
    for cluster in found.clusters {
        out.line("")?;
        out.line(&format!(
            "cluster of {}: {} configured ({})",
            cluster.members,
            cluster.configured.len(),
            cluster.configured.join(", ")
        ))?;
    }
    if let Some(record) = found.record {
        out.line("")?;
        let state = if record.warnings().is_empty() {
            "ok  "
        } else {
            "FAIL"
        };
        out.line(&format!("{state} {}", record.words()))?;
    }
    if !found.off.is_empty() {
        out.line("")?;
    }
    for off in found.off {
        out.line(&format!("off: {off}"))?;
    }
    if !found.warnings.is_empty() {
        out.line("")?;
    }
    for warning in found.warnings {
        out.line(&format!("warning: {warning}"))?;
    }
    Ok(())
}
