//! What of a line is compared: the message of a JSON document or a logfmt line, else the line.

use std::sync::Arc;

use super::json::{self, Field};
use super::masked::{Masked, Reach, hash};

/// How a line is written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Form {
    /// Text.
    Plain,
    /// `key=value`.
    Logfmt,
    /// A JSON document with these keys, sorted, as `level, msg, ts`. Remote text, not yet safe.
    Json(Arc<str>),
}

/// The form of a line that was just read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Plain,
    Logfmt,
    /// With this set of keys.
    Json(u64),
}

/// Keys under which documents carry their message, the likeliest first.
const MESSAGE: [&[u8]; 9] = [
    b"message",
    b"msg",
    b"body",
    b"log",
    b"text",
    b"event",
    b"error",
    b"err",
    b"exception",
];

/// Characters of a document's keys that are kept to be shown.
const KEYS_SHOWN: usize = 160;

/// Reads lines one after the other into the same buffers.
#[derive(Debug)]
pub(super) struct Reader {
    reach: Reach,
    pub masked: Masked,
    plain: Vec<u8>,
}

impl Reader {
    pub fn new(reach: Reach) -> Self {
        Self {
            reach,
            masked: Masked::new(reach),
            plain: Vec::new(),
        }
    }

    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// Reads a line; a line without text is what stands beside it.
    pub fn read(&mut self, text: &[u8], extra: &[u8]) -> Written {
        self.masked.clear();
        let line = spoken(text, extra);
        if line.first() == Some(&b'{')
            && let Some(keys) = self.document(line)
        {
            return Written::Json(keys);
        }
        self.masked.scan(line);
        if self.masked.is_logfmt() {
            self.masked.hush_all_but_message();
            return Written::Logfmt;
        }
        Written::Plain
    }

    /// The set of a document's keys, whatever their order; none where it is no document.
    fn document(&mut self, line: &[u8]) -> Option<u64> {
        let mut keys = 0_u64;
        let mut message: Option<(usize, &[u8])> = None;
        let whole = json::fields(line, |Field { key, value }| {
            keys = keys.wrapping_add(hash(key));
            if let [b'"', inside @ .., b'"'] = value
                && !inside.is_empty()
                && let Some(rank) = MESSAGE.iter().position(|name| *name == key)
                && message.is_none_or(|(best, _)| rank < best)
            {
                message = Some((rank, inside));
            }
        });
        if !whole {
            return None;
        }
        if let Some((_, inside)) = message {
            if inside.contains(&b'\\') {
                json::unescape(inside, self.reach.bytes + 1, &mut self.plain);
                self.masked.scan(&self.plain);
            } else {
                self.masked.scan(inside);
            }
        }
        if self.masked.tokens.is_empty() {
            self.masked.clear();
            let most = self.reach.tokens;
            let mut nth = 0;
            json::fields(line, |Field { key, value }| {
                nth += 1;
                if nth <= most {
                    self.masked.pair(key, value);
                }
            });
        }
        Some(keys)
    }
}

/// What a line says: its text, or what stands beside it; without blanks around.
pub(super) fn spoken<'a>(text: &'a [u8], extra: &'a [u8]) -> &'a [u8] {
    match text.trim_ascii() {
        [] => extra.trim_ascii(),
        text => text,
    }
}

impl Written {
    /// With the keys by name.
    pub fn form(self, line: &[u8]) -> Form {
        match self {
            Self::Plain => Form::Plain,
            Self::Logfmt => Form::Logfmt,
            Self::Json(_) => {
                let mut keys = Vec::new();
                json::fields(line, |field| keys.push(field.key));
                keys.sort_unstable();
                keys.dedup();
                let joined = keys.join(b", ".as_slice());
                let shown: String = String::from_utf8_lossy(&joined)
                    .chars()
                    .take(KEYS_SHOWN)
                    .collect();
                Form::Json(shown.into())
            }
        }
    }

    /// For the tree: lines of different writing or with different keys are never alike.
    pub fn number(self) -> u64 {
        match self {
            Self::Plain => 0,
            Self::Logfmt => 1,
            Self::Json(keys) => keys.max(2),
        }
    }
}
