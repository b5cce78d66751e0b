//! Lines on their way from a source to the store: one buffer of text, and where each line lies in it.

use std::ops::Range;
use std::sync::Arc;

use super::place::Place;
use super::{Level, Nanos, Stream};

/// Lines that arrived together, in the order that the source tells (oldest first where it knows times).
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// All text, as it came: any bytes.
    pub bytes: Vec<u8>,
    /// The lines.
    pub lines: Vec<Line>,
    /// The streams that lines name by position.
    pub streams: Vec<Arc<Stream>>,
    /// Where the text lies besides: [`Batch::bytes`] are then a stretch of that file, as it stands, from this
    /// position on, and the store leaves it there. Lines must come in the file's order.
    pub place: Option<(Arc<Place>, u64)>,
}

/// A line of a batch. Multi-line entries (a stack trace) are one line with `\n` in its text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// When, as the source tells it; the store reads the text where it does not.
    pub at: Option<Nanos>,
    /// Of which of the batch's streams.
    pub stream: u32,
    /// How grave, where the source's labels or metadata tell it.
    pub level: Level,
    /// Where the message lies in the batch's bytes.
    pub text: Range<usize>,
    /// Where what the source knows beside the message lies (structured metadata, the other fields of a
    /// document): one flat JSON object, or empty. Fields are read from it and from the text when looked at.
    pub extra: Range<usize>,
}

impl Batch {
    /// Adds a line at the end; `extra` is a flat JSON object or empty.
    pub fn push(&mut self, at: Option<Nanos>, stream: u32, level: Level, text: &[u8], extra: &[u8]) {
        let text = self.append(text);
        let extra = self.append(extra);
        self.lines.push(Line {
            at,
            stream,
            level,
            text,
            extra,
        });
    }

    fn append(&mut self, bytes: &[u8]) -> Range<usize> {
        let from = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        from..self.bytes.len()
    }

    /// The message of a line; empty for a range that is not this batch's.
    pub fn text(&self, line: &Line) -> &[u8] {
        self.bytes.get(line.text.clone()).unwrap_or_default()
    }

    /// What stands beside it.
    pub fn extra(&self, line: &Line) -> &[u8] {
        self.bytes.get(line.extra.clone()).unwrap_or_default()
    }

    /// No lines.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}
