//! Lines between a source's wire format and a batch.

use std::collections::HashMap;
use std::sync::Arc;

use super::seen::LineKey;
use crate::domain::log::{Batch, Level, Nanos, Stream};

/// One line as it came.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) at: Nanos,
    pub(super) stream: Arc<Stream>,
    pub(super) level: Level,
    pub(super) text: String,
    /// A flat JSON object, or empty.
    pub(super) extra: String,
    pub(super) key: LineKey,
}

impl Entry {
    /// About what it takes in memory.
    pub(super) fn weight(&self) -> usize {
        size_of::<Self>() + self.text.len() + self.extra.len()
    }
}

/// Lines as a batch, in their order.
pub(super) fn batch<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Batch {
    let mut batch = Batch::default();
    let mut known: HashMap<*const Stream, u32> = HashMap::new();
    for entry in entries {
        let stream = *known.entry(Arc::as_ptr(&entry.stream)).or_insert_with(|| {
            batch.streams.push(Arc::clone(&entry.stream));
            u32::try_from(batch.streams.len() - 1).unwrap_or(u32::MAX)
        });
        let (text, extra) = (entry.text.as_bytes(), entry.extra.as_bytes());
        batch.push(Some(entry.at), stream, entry.level, text, extra);
    }
    batch
}

/// What an answer brought.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// As sent, in any order.
    pub(super) entries: Vec<Entry>,
    /// Remote text.
    pub(super) warnings: Vec<String>,
}
