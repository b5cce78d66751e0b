//! Log lines: their levels, where they come from, and batches of them on their way from a source to the store.
//!
//! A [`Batch`] is what every source makes of its own wire format; the store ([`crate::logstore`]) reads level, time,
//! service and trace id out of it once and keeps the text as it came. Nothing here is safe for a terminal: text
//! passes [`crate::text::SafeText`] where it is drawn. Start at [`Batch`].

pub mod batch;
pub mod detect;
pub mod fields;
pub mod joint;
mod json;
pub mod level;
mod logfmt;
pub mod moment;
pub mod place;
pub mod prefix;
pub mod scan;
pub mod volume;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

pub use batch::{Batch, Line};
pub use level::Level;
pub use place::Place;
pub use volume::Volume;

use crate::domain::trace_id::TraceId;

/// A moment, in nanoseconds since the epoch: the precision that log backends have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(pub i64);

impl Nanos {
    /// Of a time; the ends of the range for one that nanoseconds cannot hold.
    pub fn of(at: DateTime<Utc>) -> Self {
        let end = if at.timestamp() < 0 { i64::MIN } else { i64::MAX };
        Self(at.timestamp_nanos_opt().unwrap_or(end))
    }

    /// As a time.
    pub fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_nanos(self.0)
    }

    /// Later by so much, or at the end of the range.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(span.as_nanos().try_into().unwrap_or(i64::MAX)),
        )
    }

    /// Earlier by so much, or at the begin of the range.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(span.as_nanos().try_into().unwrap_or(i64::MAX)),
        )
    }
}

/// Where lines come from: labels that many lines share. Remote text, not yet safe.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Stream {
    /// Name and value, in the source's order.
    pub labels: Vec<(Arc<str>, Arc<str>)>,
    /// The service, where the labels tell it.
    pub service: Option<Arc<str>>,
    /// What the source calls it: VictoriaLogs' `_stream_id`, an index, a file's path.
    pub native_id: Option<Arc<str>>,
}

impl Stream {
    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        let found = self.labels.iter().find(|(label, _)| &**label == name);
        found.map(|(_, value)| &**value)
    }
}

/// A stretch of time of which lines are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// From this moment on (the last line known good).
    pub from: Nanos,
    /// Up to, not including.
    pub to: Nanos,
    /// Why.
    pub reason: GapReason,
}

/// Why lines are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GapReason {
    /// The server said that it dropped lines for a slow reader: so many at least.
    Dropped(u64),
    /// The connection was lost.
    Disconnected,
    /// More lines than a page may have share a moment, or a limit of the server was hit.
    LimitHit,
    /// The server's answer was not whole.
    Partial,
    /// They are still being read.
    Reading,
    /// Nobody asked for them yet: they lie between the time that is looked at and now.
    Unread,
}

impl GapReason {
    /// As `logs --json` writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Dropped(_) => "dropped",
            Self::Disconnected => "disconnected",
            Self::LimitHit => "limit_hit",
            Self::Partial => "partial",
            Self::Reading => "reading",
            Self::Unread => "unread",
        }
    }
}

impl fmt::Display for GapReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dropped(count) => write!(f, "the server dropped {count} lines or more"),
            Self::Disconnected => f.write_str("the connection was lost"),
            Self::LimitHit => f.write_str("the server's limit was hit"),
            Self::Partial => f.write_str("the server's answer was not whole"),
            Self::Reading => f.write_str("they are still being read"),
            Self::Unread => f.write_str("not read yet:"),
        }
    }
}

/// Which lines of a source are wanted; the source says it in its own language, every value quoted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Wanted {
    /// Of this service.
    pub service: Option<Arc<str>>,
    /// That tell no other environment than this, by the names of [`crate::domain::environment`].
    pub environment: BTreeMap<String, String>,
    /// That carry this trace id.
    pub trace: Option<TraceId>,
    /// Of this level at least, where the source can tell levels; the store filters again.
    pub at_least: Option<Level>,
    /// In the source's own language, passed through as it is. Empty for all.
    pub query: String,
}
