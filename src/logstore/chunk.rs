//! A chunk: some megabytes of text and a compact index of its lines. Never changed once made.

use std::ops::Deref;
use std::sync::Arc;

use crate::domain::log::{Level, Nanos, Stream};
use crate::domain::trace_id::TraceId;

/// Which line: stays the same while others come, go and are filled in before it. Ordered as lines stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineId {
    pub(super) key: i64,
    pub(super) serial: i64,
}

/// Bytes of a line: borrowed from a chunk, or shared with a block that was read from a file.
#[derive(Debug, Clone)]
pub enum Text<'a> {
    /// In memory.
    Held(&'a [u8]),
    /// Read from a file when it was looked at.
    Read(Arc<[u8]>),
}

impl Deref for Text<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Held(bytes) => bytes,
            Self::Read(bytes) => bytes,
        }
    }
}

/// A line, as it is looked at. Remote text, not yet safe.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// Which.
    pub id: LineId,
    /// When: as the source told, else as the text says, else as the line before it.
    pub at: Nanos,
    /// Where [`Entry::at`] comes from.
    pub told: Told,
    /// How grave.
    pub level: Level,
    /// Of which service: by the stream's labels, else by the text.
    pub service: Option<&'a str>,
    /// Where from.
    pub stream: &'a Arc<Stream>,
    /// The trace it belongs to.
    pub trace: Option<TraceId>,
    /// The span it belongs to, as hex digits.
    pub span: Option<String>,
    /// The message, any bytes; `\n` within for an entry of many lines.
    pub text: Text<'a>,
    /// What the source knows beside it: one flat JSON object, or empty.
    pub extra: &'a [u8],
}

/// Who told the time of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Told {
    /// The source.
    Source,
    /// The text of the line.
    Text,
    /// Nobody: it is the time of the line before it.
    Inherited,
}

#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) lines: Vec<Row>,
}

#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: LineId,
    pub(super) level: Level,
    pub(super) stream: Arc<Stream>,
    pub(super) text: Vec<u8>,
    pub(super) extra: Vec<u8>,
}

impl Row {
    pub(super) fn entry(&self) -> Entry<'_> {
        Entry {
            id: self.id,
            at: Nanos(self.id.key),
            told: Told::Source,
            level: self.level,
            service: self.stream.service.as_deref(),
            stream: &self.stream,
            trace: None,
            span: None,
            text: Text::Held(&self.text),
            extra: &self.extra,
        }
    }
}
