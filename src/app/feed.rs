//! What is known of a polled source: the last good value, its age, and how the present attempt stands.

use std::sync::Arc;
use std::time::Duration;

use crate::time::Tick;

/// A value with the moment it was fetched.
#[derive(Debug, Clone, PartialEq)]
pub struct Fetched<T> {
    /// The value.
    pub value: Arc<T>,
    /// When the answer came.
    pub at: Tick,
}

/// How the present attempt stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Status {
    /// Nothing under way.
    #[default]
    Idle,
    /// Asked, not answered.
    InFlight {
        /// When it was asked.
        since: Tick,
    },
    /// The last attempt failed.
    Failed {
        /// Why, one line, with the mend.
        cause: Arc<str>,
        /// Since when it has been failing.
        since: Tick,
        /// When it is tried next.
        next_try: Tick,
    },
    /// The source cannot be asked this: nothing was sent, or it found fault with the question itself. It is not tried
    /// again until something else is asked.
    NotAsked {
        /// Why, one line, with the mend.
        cause: Arc<str>,
    },
}

/// A polled source: a failed feed keeps its last good value.
#[derive(Debug, Clone, PartialEq)]
pub struct Feed<T> {
    /// The last good value.
    pub last: Option<Fetched<T>>,
    /// The present attempt.
    pub status: Status,
    /// How often it is asked; past twice this a value is stale.
    pub interval: Duration,
}

impl<T> Feed<T> {
    /// A feed that has not been asked yet.
    pub fn new(interval: Duration) -> Self {
        Self {
            last: None,
            status: Status::Idle,
            interval,
        }
    }

    /// The last good value.
    pub fn value(&self) -> Option<&T> {
        self.last.as_ref().map(|f| f.value.as_ref())
    }

    /// The last good value, shared.
    pub fn shared(&self) -> Option<Arc<T>> {
        self.last.as_ref().map(|f| Arc::clone(&f.value))
    }

    /// Age of the last good value.
    pub fn age(&self, now: Tick) -> Option<Duration> {
        self.last.as_ref().map(|f| now.since(f.at))
    }

    /// Older than twice its interval.
    pub fn is_stale(&self, now: Tick) -> bool {
        self.age(now).is_some_and(|age| age > self.interval * 2)
    }

    /// Why the last attempt failed, or was none, where it did.
    pub fn failure(&self) -> Option<&str> {
        match &self.status {
            Status::Failed { cause, .. } | Status::NotAsked { cause } => Some(cause),
            Status::Idle | Status::InFlight { .. } => None,
        }
    }
}
