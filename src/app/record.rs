//! How the record of what is done stands: whether it can be written, and sent on.

use std::sync::Arc;

use chrono::{DateTime, Utc};

/// The record as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordHealth {
    /// What keeps it from being written just now.
    pub trouble: Option<Trouble>,
    /// How sending it on goes, where that is configured.
    pub forward: Option<Forwarding>,
}

/// What keeps the record from being written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// There is no journal, or one that is damaged, so nothing can be done at all; why, in words.
    NoJournal(Arc<str>),
    /// The audit log's file takes no line; its lines wait in the journal. Why, in words.
    AuditLog(Arc<str>),
}

/// How sending the audit log on goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarding {
    /// Where to, in words.
    pub to: Arc<str>,
    /// How it goes.
    pub state: ForwardState,
    /// The last line that was handed over, by this process or another.
    pub last: Option<Sent>,
    /// Lines that were not handed over yet.
    pub waiting: u64,
}

/// A line of the audit log that was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Its number.
    pub seq: u64,
    /// When; nothing where that was not kept.
    pub at: Option<DateTime<Utc>>,
}

/// How an attempt to send lines on ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ForwardState {
    /// Nothing was tried yet.
    #[default]
    Starting,
    /// Every line there was is handed over.
    UpToDate,
    /// Another process on this journal does it.
    ByAnother,
    /// It fails, and is tried again; why, in words.
    Failing(Arc<str>),
}

/// Whether what is due by itself of local incidents is done, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Watching {
    /// Nothing can come due here.
    #[default]
    Nothing,
    /// By this console.
    Ours,
    /// By another one, for people.
    Theirs(String),
    /// By nobody that is known: the journal failed.
    Failed(String),
    /// Not by this console: it is about to stop.
    Relieved,
}
