//! One line: JSON of fixed keys in a fixed order, whose last is the SHA-256 of everything before it.
//!
//! `{"seq":7,…,"prev":"…","hash":"…"}`: the hash is taken of the line's bytes without `,"hash":"…"`, in hex of
//! lower case. Anybody can check it with `sed` and `sha256sum`.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Act, Origin};
use crate::journal::{JournalError, JournalResult};
use crate::text::escape_json;

/// Stands for the hash before the first line.
pub(super) const NONE: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Characters kept of a text: a line stays within what syslog and a reader take.
const TEXT: usize = 1_000;
/// Characters kept of a name.
const NAME: usize = 200;
/// Length of a hash in hex.
const HEX: usize = 64;
const HASH_KEY: &[u8] = br#","hash":""#;

/// A line of the log, read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its number, from 1.
    pub seq: u64,
    /// When, RFC 3339.
    pub at: String,
    /// Who.
    pub actor: String,
    /// On which host.
    pub host: String,
    /// At which terminal; null for a process without.
    pub terminal: Option<String>,
    /// The process.
    pub pid: u32,
    /// In which context.
    pub context: String,
    /// What was done.
    pub action: String,
    /// On what.
    pub target: String,
    /// Why; may be empty.
    pub why: String,
    /// What came of it.
    pub result: String,
    /// Hash of the line before; zeros in the first.
    pub prev: String,
    /// Its own; empty while it is made.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hash: String,
}

/// A line as it is kept.
pub(super) struct Made {
    pub(super) hash: String,
    pub(super) text: String,
}

/// Makes a line, its texts capped, control and bidi characters escaped.
pub(super) fn compose(seq: u64, act: &Act, origin: &Origin, prev: &str) -> JournalResult<Made> {
    let line = Line {
        seq,
        at: act.at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        actor: capped(&act.actor, NAME),
        host: capped(&origin.host, NAME),
        terminal: origin.terminal.as_deref().map(|name| capped(name, NAME)),
        pid: origin.pid,
        context: capped(&act.context, NAME),
        action: capped(&act.action, NAME),
        target: capped(&act.target, TEXT),
        why: capped(&act.why, TEXT),
        result: capped(&act.result, TEXT),
        prev: prev.to_owned(),
        hash: String::new(),
    };
    let body = serde_json::to_string(&line).map_err(|error| JournalError::Failed(error.to_string()))?;
    let body = escape_json(&body);
    let hash = hash_of(body.as_bytes());
    let open = body.strip_suffix('}').unwrap_or(&body);
    let text = format!(r#"{open},"hash":"{hash}"}}"#);
    Ok(Made { hash, text })
}

fn capped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => {
            let (kept, _) = text.split_at(end);
            format!("{kept}…")
        }
    }
}

fn hash_of(body: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut hex = String::with_capacity(HEX);
    for byte in Sha256::digest(body) {
        let _ = write!(hex, "{byte:02x}"); // writing to a String cannot fail
    }
    hex
}

/// What the bytes of a line say, its line break left off.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// A line whose hash is that of its words.
    Sound(Box<Line>),
    /// A line whose words and hash are not each other's.
    Changed(Box<Line>),
    /// No line of this log.
    Foreign,
}

/// Reads a line and holds its words against its hash.
pub(super) fn read(bytes: &[u8]) -> Reading {
    let Some((body, hash)) = take_apart(bytes) else {
        return Reading::Foreign;
    };
    let Ok(mut line) = serde_json::from_slice::<Line>(&body) else {
        return Reading::Foreign;
    };
    let sound = hash_of(&body).as_bytes() == hash;
    line.hash = String::from_utf8_lossy(hash).into_owned();
    if sound {
        Reading::Sound(Box::new(line))
    } else {
        Reading::Changed(Box::new(line))
    }
}

/// What was hashed, and the hash that the line gives.
fn take_apart(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let rest = bytes.strip_suffix(br#""}"#)?;
    let (rest, hash) = rest.split_at_checked(rest.len().checked_sub(HEX)?)?;
    let mut body = rest.strip_suffix(HASH_KEY)?.to_vec();
    body.push(b'}');
    Some((body, hash))
}
