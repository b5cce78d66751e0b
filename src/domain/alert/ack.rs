//! Acknowledgement by silence, in karma's and kthxbye's convention.
//!
//! A silence whose comment opens with [`PREFIX`] is an acknowledgement; its author has the alert. kthxbye
//! keeps every silence with that prefix alive while alerts list it, so an acknowledgement made here is kept
//! by one that runs already. The comment also carries a [`Marker`], by which a write whose answer was lost
//! is found again. Start at [`comment`] and [`note`].

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::IsAck;

/// What an acknowledgement's comment opens with.
pub const PREFIX: &str = "ACK!";

const MARK_OPEN: &str = "[mw:";
const MARK_LEN: usize = 10;
const BASE32: [u8; 32] = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Whether a silence with this comment is an acknowledgement.
pub fn is_ack(comment: &str) -> IsAck {
    if comment.starts_with(PREFIX) {
        IsAck::Yes
    } else {
        IsAck::No
    }
}

/// Fifty random bits in a comment, ` [mw:XXXXXXXXXX]`, by which a write is found again when its answer was lost.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Marker(Arc<str>);

impl Marker {
    /// From random bits; the upper 14 are not used.
    pub fn from_bits(bits: u64) -> Self {
        let digit = |i: usize| char::from(BASE32[(bits >> (5 * i)) as usize & 31]);
        Self((0..MARK_LEN).map(digit).collect::<String>().into())
    }

    /// The marker that ends a comment, where there is one.
    pub fn of(comment: &str) -> Option<Self> {
        let (_, tail) = comment.trim_end().rsplit_once(MARK_OPEN)?;
        let digits = tail.strip_suffix(']')?;
        Self::from_digits(digits)
    }

    /// Its ten digits alone: as a tag, where text is no place for it.
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// From its ten digits.
    pub fn from_digits(digits: &str) -> Option<Self> {
        (digits.len() == MARK_LEN && digits.bytes().all(|b| BASE32.contains(&b))).then(|| Self(digits.into()))
    }

    /// The comment with this marker at its end.
    pub fn mark(&self, comment: &str) -> String {
        format!("{} {self}", comment.trim_end())
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MARK_OPEN}{}]", self.0)
    }
}

/// A comment without its marker: what people read.
pub fn without_marker(comment: &str) -> &str {
    match Marker::of(comment) {
        Some(_) => comment
            .rsplit_once(MARK_OPEN)
            .map_or(comment, |(text, _)| text.trim_end()),
        None => comment,
    }
}

/// The comment of an acknowledgement: `ACK! jun@midwatch 2026-11-20T23:19Z: looking [mw:…]`.
pub fn comment(identity: &str, at: DateTime<Utc>, note: &str, marker: &Marker) -> String {
    let note = note.trim();
    let colon = if note.is_empty() { "" } else { ": " };
    marker.mark(&format!(
        "{PREFIX} {identity}@midwatch {}{colon}{note}",
        at.format("%Y-%m-%dT%H:%MZ")
    ))
}

/// The note in an acknowledgement's comment: prefix, our own stamp and marker taken off.
pub fn note(comment: &str) -> &str {
    let text = without_marker(comment.strip_prefix(PREFIX).unwrap_or(comment)).trim();
    let Some((_, stamped)) = text.split_once("@midwatch ") else {
        return text;
    };
    let (stamp, note) = stamped.split_once(": ").unwrap_or((stamped, ""));
    let is_stamp =
        stamp.len() == 17 && stamp.ends_with('Z') && stamp.starts_with(|c: char| c.is_ascii_digit());
    if is_stamp { note.trim() } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at() -> DateTime<Utc> {
        "2026-11-20T23:19:43Z".parse().expect("a time")
    }

    #[test]
    fn our_comment_is_read_back() {
        let marker = Marker::from_bits(0x0123_4567_89ab_cdef);
        let text = comment("jun@example.com", at(), " looking: at it ", &marker);
        assert!(
            text.starts_with("ACK! jun@example.com@midwatch 2026-11-20T23:19Z: looking: at it [mw:"),
            "{text}"
        );
        assert_eq!(is_ack(&text), IsAck::Yes);
        assert_eq!(note(&text), "looking: at it");
        assert_eq!(Marker::of(&text), Some(marker.clone()));
        assert_eq!(note(&comment("jun", at(), "", &marker)), "");
    }

    #[test]
    fn karmas_and_peoples_comments_are_read_too() {
        let karma = "ACK! This alert was acknowledged using karma on Fri, 20 Nov 2026 23:19:43 GMT";
        assert_eq!(
            note(karma),
            "This alert was acknowledged using karma on Fri, 20 Nov 2026 23:19:43 GMT"
        );
        assert_eq!(note("ACK!mine"), "mine");
        assert_eq!(is_ack("planned work ACK!"), IsAck::No);
        assert_eq!(Marker::of("see [mw:notbase321]"), None);
        assert_eq!(without_marker("a [mw:AAAAAAAAAA]"), "a");
    }

    proptest! {
        #[test]
        fn comments_of_any_shape_never_panic(text in "\\PC{0,80}", bits: u64) {
            let _ = note(&text);
            let marker = Marker::from_bits(bits);
            prop_assert_eq!(Marker::of(&marker.mark(&text)), Some(marker));
        }
    }
}
