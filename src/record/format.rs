//! What lies in a recording.
//!
//! The first line is [`MAGIC`] and the version. Behind it stand frames: five little-endian numbers of 32 bits (bytes of
//! the payload, bytes of the meta part, bytes of both parts, CRC-32 of the payload, CRC-32 of these four), then the
//! payload, which is the JSON of a [`Meta`] and the bytes of a body behind it, deflated together (RFC 1951). The first
//! frame is the [`Header`]. A frame stands for itself: none needs another to be read, but for a body that is the same
//! as an earlier one's.

use std::io::{self, Read as _, Write as _};

use chrono::{DateTime, Utc};
use crossterm::event::{KeyEvent, MouseEvent};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};

use crate::backend::Delivery;
use crate::backend::http::{TRACE_BODY_CAP, TransportError};
use crate::terminal::{Focused, Input};

/// What the first line begins with; the version and a line feed follow.
pub const MAGIC: &str = "midwatch-recording ";
/// The version that is written, and the newest that is read.
pub const VERSION: u32 = 1;
/// Bytes of a frame's numbers.
pub const HEAD: usize = 20;
/// The largest meta part, bytes: a batch of questions is far below.
pub const META_CAP: usize = 4 * 1024 * 1024;
/// The largest frame before deflation, bytes: the largest answer that a client takes.
pub const RAW_CAP: usize = TRACE_BODY_CAP + META_CAP;

/// What a replay needs before the first event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The midwatch that recorded.
    pub midwatch: String,
    /// The wall clock when the recording process's own clock stood at zero.
    pub utc: DateTime<Utc>,
    /// When the console opened, microseconds on that clock.
    pub opened: u64,
    /// What pollers drew their jitter from, so that a replay asks when the session did.
    pub seed: u64,
    /// The context that was opened.
    pub context: String,
    /// The configuration as TOML, without credentials.
    pub config: String,
    /// Columns of the terminal.
    pub width: u16,
    /// Rows of the terminal.
    pub height: u16,
    /// The layout, as it is remembered.
    pub layout: String,
    /// Name of the keymap.
    pub keymap: String,
    /// The text of a keymap that is not shipped.
    pub keymap_text: Option<String>,
    /// Whether only ASCII was drawn.
    pub ascii: bool,
    /// When a drill's incident is mended, where it was one: the console tells that.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub drill: Option<DateTime<Utc>>,
}

/// A frame's first part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// What it tells.
    #[serde(flatten)]
    pub entry: Entry,
    /// The frame, counted from the header as 0, whose body is this one's too.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub same: Option<u32>,
}

/// One thing that happened. Times are microseconds on the recording process's clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Entry {
    /// The first.
    Header(Box<Header>),
    /// A question was answered; the body is the frame's.
    Answer {
        /// Which question ([`super::key`]).
        key: String,
        /// When it was asked.
        asked: u64,
        /// When the answer was there.
        at: u64,
        /// HTTP status.
        status: u16,
        /// Those headers that are read.
        headers: Vec<(String, String)>,
    },
    /// A question was not answered.
    Failure {
        /// Which question.
        key: String,
        /// When it was asked.
        asked: u64,
        /// When that was known.
        at: u64,
        /// Why.
        fault: Fault,
    },
    /// A long answer began.
    Opened {
        /// Which question.
        key: String,
        /// When it was asked.
        asked: u64,
        /// When it began.
        at: u64,
        /// Names it in what follows.
        stream: u64,
        /// Whether both directions are open.
        socket: bool,
        /// Those headers that are read.
        headers: Vec<(String, String)>,
    },
    /// A piece of a long answer; the bytes are the frame's.
    Piece {
        /// Of which.
        stream: u64,
        /// When it came.
        at: u64,
    },
    /// A long answer ended by itself.
    Ended {
        /// Which.
        stream: u64,
        /// When.
        at: u64,
        /// Why, where it broke.
        fault: Option<Fault>,
    },
    /// Something was pressed, pasted, clicked, or the window changed.
    Input {
        /// When it was taken in.
        at: u64,
        /// What.
        input: Typed,
    },
    /// An editor was closed.
    Edited {
        /// When.
        at: u64,
        /// The text, or why there is none.
        result: Result<String, String>,
    },
    /// Events that came faster than they could be kept.
    Lost {
        /// When that was known.
        at: u64,
        /// How many.
        count: u64,
    },
    /// The console was closed in order.
    End {
        /// When.
        at: u64,
    },
}

impl Entry {
    /// When it happened; the header has no time.
    pub fn at(&self) -> Option<u64> {
        match self {
            Self::Header(_) => None,
            Self::Answer { at, .. }
            | Self::Failure { at, .. }
            | Self::Opened { at, .. }
            | Self::Piece { at, .. }
            | Self::Ended { at, .. }
            | Self::Input { at, .. }
            | Self::Edited { at, .. }
            | Self::Lost { at, .. }
            | Self::End { at } => Some(*at),
        }
    }
}

/// A [`TransportError`] in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    kind: FaultKind,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FaultKind {
    Connect,
    Tls,
    TimeoutUnsent,
    Timeout,
    Broken,
    Truncated,
    TooLarge,
    Setup,
    NotRecorded,
}

impl Fault {
    /// As kept; `safe` takes the secrets out of the words.
    pub fn of(error: &TransportError, safe: impl Fn(&str) -> String) -> Self {
        let (kind, why) = match error {
            TransportError::Connect(why) => (FaultKind::Connect, safe(why)),
            TransportError::Tls(why) => (FaultKind::Tls, safe(why)),
            TransportError::Timeout {
                sent: Delivery::NotSent,
            } => (FaultKind::TimeoutUnsent, String::new()),
            TransportError::Timeout {
                sent: Delivery::Unknown | Delivery::Answered,
            } => (FaultKind::Timeout, String::new()),
            TransportError::Broken(why) => (FaultKind::Broken, safe(why)),
            TransportError::Truncated(why) => (FaultKind::Truncated, safe(why)),
            TransportError::TooLarge => (FaultKind::TooLarge, String::new()),
            TransportError::Setup(why) => (FaultKind::Setup, safe(why)),
            TransportError::NotRecorded(why) => (FaultKind::NotRecorded, safe(why)),
        };
        Self { kind, why }
    }
}

impl From<Fault> for TransportError {
    fn from(fault: Fault) -> Self {
        match fault.kind {
            FaultKind::Connect => Self::Connect(fault.why),
            FaultKind::Tls => Self::Tls(fault.why),
            FaultKind::TimeoutUnsent => Self::Timeout {
                sent: Delivery::NotSent,
            },
            FaultKind::Timeout => Self::Timeout {
                sent: Delivery::Unknown,
            },
            FaultKind::Broken => Self::Broken(fault.why),
            FaultKind::Truncated => Self::Truncated(fault.why),
            FaultKind::TooLarge => Self::TooLarge,
            FaultKind::Setup => Self::Setup(fault.why),
            FaultKind::NotRecorded => Self::NotRecorded(fault.why),
        }
    }
}

/// An [`Input`] in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Typed {
    /// A key.
    Key(KeyEvent),
    /// A paste.
    Paste(String),
    /// The mouse.
    Mouse(MouseEvent),
    /// Columns and rows.
    Resize(u16, u16),
    /// Red, green, blue.
    Background([u8; 3]),
    /// Whether the window has the focus.
    Focus(bool),
    /// The terminal was gone.
    Closed,
}

impl From<&Input> for Typed {
    fn from(input: &Input) -> Self {
        match input {
            Input::Key(key) => Self::Key(*key),
            Input::Paste(text) => Self::Paste(text.clone()),
            Input::Mouse(mouse) => Self::Mouse(*mouse),
            Input::Resize(size) => Self::Resize(size.width, size.height),
            Input::Background { rgb } => Self::Background(*rgb),
            Input::Focus(focused) => Self::Focus(*focused == Focused::Gained),
            Input::Closed => Self::Closed,
        }
    }
}

impl From<Typed> for Input {
    fn from(typed: Typed) -> Self {
        match typed {
            Typed::Key(key) => Self::Key(key),
            Typed::Paste(text) => Self::Paste(text),
            Typed::Mouse(mouse) => Self::Mouse(mouse),
            Typed::Resize(width, height) => Self::Resize(ratatui::layout::Size::new(width, height)),
            Typed::Background(rgb) => Self::Background { rgb },
            Typed::Focus(true) => Self::Focus(Focused::Gained),
            Typed::Focus(false) => Self::Focus(Focused::Lost),
            Typed::Closed => Self::Closed,
        }
    }
}

/// A frame's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Bytes of the payload.
    pub payload: usize,
    /// Bytes of the meta part, inflated.
    pub meta: usize,
    /// Bytes of both parts, inflated.
    pub raw: usize,
    /// CRC-32 of the payload.
    pub crc: u32,
}

/// CRC-32 as gzip has it (RFC 1952, 8).
pub fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

impl Head {
    fn bytes(self) -> io::Result<Vec<u8>> {
        let small = |size: usize| u32::try_from(size).map_err(io::Error::other);
        let numbers = [
            small(self.payload)?,
            small(self.meta)?,
            small(self.raw)?,
            self.crc,
        ];
        let mut bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        bytes.extend(crc(&bytes).to_le_bytes());
        Ok(bytes)
    }

    /// Reads the numbers; why they cannot be right, where they cannot.
    pub fn read(bytes: &[u8; HEAD]) -> Result<Self, &'static str> {
        let mut numbers = bytes.chunks_exact(4).map(|four| {
            let four: [u8; 4] = four.try_into().unwrap_or_default();
            u32::from_le_bytes(four)
        });
        let mut next = || numbers.next().unwrap_or_default();
        let (payload, meta, raw, of_payload, of_head) = (next(), next(), next(), next(), next());
        let (numbers, _) = bytes.split_at(HEAD - 4);
        if crc(numbers) != of_head {
            return Err("a frame's head does not match its checksum");
        }
        let head = Self {
            payload: payload as usize,
            meta: meta as usize,
            raw: raw as usize,
            crc: of_payload,
        };
        if head.meta > META_CAP || head.raw > RAW_CAP || head.meta > head.raw {
            return Err("a frame claims to be larger than any can be");
        }
        // Deflation adds at most 5 bytes to each 16 KiB of what it cannot shorten.
        if head.payload > head.raw + head.raw / 1024 + 64 {
            return Err("a frame claims more bytes than its content can take");
        }
        Ok(head)
    }
}

/// One frame, ready to be written at once.
pub fn frame(meta: &Meta, body: &[u8]) -> io::Result<Vec<u8>> {
    let meta = serde_json::to_vec(meta).map_err(io::Error::other)?;
    let raw = meta.len() + body.len();
    if meta.len() > META_CAP || raw > RAW_CAP {
        return Err(io::Error::other("larger than a frame can be"));
    }
    let mut deflater = DeflateEncoder::new(Vec::new(), Compression::fast());
    deflater.write_all(&meta)?;
    deflater.write_all(body)?;
    let payload = deflater.finish()?;
    let head = Head {
        payload: payload.len(),
        meta: meta.len(),
        raw,
        crc: crc(&payload),
    };
    let mut frame = head.bytes()?;
    frame.extend(payload);
    Ok(frame)
}

/// The meta part of a payload that matches its checksum.
pub fn meta(head: Head, payload: &[u8]) -> Result<Meta, String> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(head.meta).unwrap_or_default();
    DeflateDecoder::new(payload)
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("does not inflate: {error}"))?;
    serde_json::from_slice(&bytes).map_err(|error| format!("does not read: {error}"))
}

/// The body part, never more than the head says.
pub fn body(head: Head, payload: &[u8]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(head.raw).unwrap_or_default();
    DeflateDecoder::new(payload)
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("does not inflate: {error}"))?;
    if bytes.len() != head.raw {
        return Err("is shorter than it claims".to_owned());
    }
    Ok(bytes.split_off(head.meta))
}
