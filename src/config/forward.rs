//! `audit_forward`: where each line of the audit log is sent as it is written.

use std::fmt;
use std::path::PathBuf;

use super::check::Findings;
use super::decode::{Section, unknown_kind};
use super::{Endpoint, endpoint};

/// Where the lines go.
#[derive(Debug, Clone, PartialEq)]
pub enum AuditForward {
    /// To a syslog daemon.
    Syslog(SyslogAddress),
    /// A POST of each line, as JSON.
    Webhook(Box<Endpoint>),
}

/// Where a syslog daemon listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyslogAddress {
    /// A datagram socket of this host: `/dev/log`.
    Local(PathBuf),
    /// `host:port`, as `udp://host:port`: what is lost on the way is not noticed.
    Udp(String),
}

impl fmt::Display for SyslogAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => write!(f, "{}", path.display()),
            Self::Udp(address) => write!(f, "udp://{address}"),
        }
    }
}

/// Decodes the table of the top.
pub(super) fn audit_forward(top: &Section<'_>, findings: &mut Findings) -> Option<AuditForward> {
    const KINDS: [&str; 2] = ["syslog", "webhook"];
    let section = top.section("audit_forward")?;
    let kind = section.required("kind", &format!("write one of: {}", KINDS.join(", ")), findings)?;
    match kind.as_str() {
        "syslog" => Some(AuditForward::Syslog(address(&section, findings)?)),
        "webhook" => {
            let endpoint = endpoint::endpoint(&section, "audit_forward", findings)?;
            Some(AuditForward::Webhook(Box::new(endpoint)))
        }
        _ => {
            unknown_kind(&section, &kind, &KINDS, findings);
            None
        }
    }
}

fn address(section: &Section<'_>, findings: &mut Findings) -> Option<SyslogAddress> {
    let Some(written) = section.text("address") else {
        return Some(SyslogAddress::Local(PathBuf::from("/dev/log")));
    };
    if written.starts_with('/') {
        return Some(SyslogAddress::Local(PathBuf::from(written)));
    }
    let udp = written.strip_prefix("udp://").filter(|address| {
        address
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
    });
    if udp.is_none() {
        findings.error(
            &section.at("address"),
            "is no address of a syslog daemon",
            "write a socket's path (/dev/log) or udp://host:514",
        );
    }
    Some(SyslogAddress::Udp(udp?.to_owned()))
}
