//! Bytes from the terminal → [`Input`], one byte at a time.
//!
//! Owns the grammar of what a terminal sends: keys, pastes, the mouse, focus, and replies to queries nobody
//! here asked. It is a machine that looks at one byte and never ahead, so how a link chops the stream can't
//! change what comes out of it; only silence can, through [`Decode::deadline`]. It knows neither file
//! descriptors nor clocks. What a whole CSI or SS3 sequence means is in `sequence`; start at
//! `Decoder::step`.
//!
//! Grammar: ECMA-48 5.4; xterm's ctlseqs ("PC-Style Function Keys", "Mouse Tracking", "Bracketed Paste").

mod sequence;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::Input;
use super::asking::Knows;
use crate::time::Tick;
use sequence::Meaning;

/// What turns bytes into inputs. The reader thread holds one; tests inject their own.
pub trait Decode: Send {
    /// Takes what arrived and appends the inputs it completes.
    fn feed(&mut self, bytes: &[u8], now: Tick, out: &mut Vec<Input>);

    /// When to call [`Decode::timeout`] if nothing more arrives; `None` at rest.
    fn deadline(&self) -> Option<Tick>;

    /// Settles what was waiting for more bytes, if its time is up.
    fn timeout(&mut self, now: Tick, out: &mut Vec<Input>);

    /// What the terminal answered since the last time, in its order.
    fn replies(&mut self) -> Vec<Reply> {
        Vec::new()
    }
}

/// An answer of the terminal to a question of ours: for whoever asked, never for a keymap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// It has got so far (DSR: `CSI 0 n`).
    Status,
    /// Whether it knows synchronized output (DECRPM of mode 2026).
    Sync(Knows),
}

/// How long incomplete input is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// A lone ESC: after this it was the Esc key.
    pub escape: Duration,
    /// A sequence that has begun: after this it is dropped.
    pub sequence: Duration,
    /// A paste that has gone silent: after this it is handed over as it is.
    pub paste: Duration,
}

impl Patience {
    /// For a link on which an ESC and its sequence may lie `escape` apart. Sequences and pastes are waited for
    /// much longer: their tail, once given up, would be read as keys.
    pub const fn with_escape(escape: Duration) -> Self {
        Self {
            escape,
            sequence: Duration::from_secs(1),
            paste: Duration::from_secs(3),
        }
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self::with_escape(Duration::from_millis(40))
    }
}

/// A paste beyond this is cut: 1 MiB is more than any field here takes.
pub const PASTE_CAP: usize = 1 << 20;
/// Parameters and intermediates of a CSI beyond this make it a sequence nobody knows.
const SEQUENCE_CAP: usize = 64;
/// A reply longer than this is swallowed unread. The one we read takes some 30 bytes.
const STRING_CAP: usize = 256;
/// A chunk no longer than this, after a paste went silent, was typed.
const TYPED_CHUNK: usize = 16;

/// Answers that are kept until they are asked for; nobody asks more at once.
const REPLIES: usize = 8;

const PASTE_END: &[u8] = b"\x1b[201~";
const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;
const CAN: u8 = 0x18;
const SUB: u8 = 0x1a;

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Ground,
    /// The first bytes of a character, of how many.
    Utf8 {
        bytes: [u8; 4],
        have: usize,
        need: usize,
        modifiers: KeyModifiers,
    },
    Escape,
    /// After `ESC [`: parameters and intermediates; `None` once there were too many.
    Csi(Option<Vec<u8>>),
    /// After `ESC [ [`: the Linux console's F1–F5.
    LinuxFunction,
    /// After `ESC [ M`: X10 mouse bytes still to swallow.
    X10Mouse(u8),
    /// After `ESC O`.
    Ss3(Vec<u8>),
    /// OSC, DCS, APC, PM or SOS, up to BEL or ST.
    Str {
        kind: StringKind,
        body: Option<Vec<u8>>,
        introducer: u8,
    },
    /// In a string, after an ESC: `\` ends it.
    StrEscape {
        kind: StringKind,
        body: Option<Vec<u8>>,
    },
    Paste {
        body: Vec<u8>,
        /// How many bytes of the end mark have been seen.
        matched: usize,
        silence: Silence,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StringKind {
    Osc,
    Other,
}

/// Whether a paste was given up on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Silence {
    No,
    /// What had come was handed over; the next chunk tells whether the rest follows or a person typed.
    Reported,
}

/// The decoder for real terminals.
#[derive(Debug, Clone)]
pub struct Decoder {
    state: State,
    patience: Patience,
    /// When the present state stops being waited for.
    deadline: Option<Tick>,
    /// Until when a chunk that opens with `[` may be the tail of an ESC already taken for the Esc key.
    late_tail_until: Option<Tick>,
    replies: Vec<Reply>,
}

impl Decoder {
    /// A decoder at rest.
    pub const fn new(patience: Patience) -> Self {
        Self {
            state: State::Ground,
            patience,
            deadline: None,
            late_tail_until: None,
            replies: Vec::new(),
        }
    }

    /// One byte: into the next state, and perhaps an input.
    fn step(&mut self, byte: u8, out: &mut Vec<Input>) {
        self.state = match std::mem::replace(&mut self.state, State::Ground) {
            State::Ground => ground(byte, KeyModifiers::NONE, out),
            State::Utf8 {
                bytes,
                have,
                need,
                modifiers,
            } => utf8(bytes, have, need, modifiers, byte, out),
            State::Escape => escape(byte, out),
            State::Csi(parameters) => {
                if let Some(reply) = parameters.as_deref().and_then(|p| sequence::reply(p, byte))
                    && self.replies.len() < REPLIES
                {
                    self.replies.push(reply);
                }
                csi(parameters, byte, out)
            }
            State::LinuxFunction => {
                if let Some(offset) = byte.checked_sub(b'A').filter(|&n| n < 5) {
                    out.push(key(KeyCode::F(offset + 1), KeyModifiers::NONE));
                }
                State::Ground
            }
            State::X10Mouse(left) if left > 1 => State::X10Mouse(left - 1),
            State::X10Mouse(_) => State::Ground,
            State::Ss3(parameters) => ss3(parameters, byte, out),
            State::Str { kind, body, .. } => string(kind, body, byte, out),
            State::StrEscape { kind, body } => {
                if byte == b'\\' {
                    end_string(kind, body, out);
                    State::Ground
                } else {
                    // An ESC that does not end the string cancels it and opens something new.
                    escape(byte, out)
                }
            }
            State::Paste { body, matched, .. } => paste(body, matched, byte, out),
        };
    }

    fn patience_for(&self) -> Option<Duration> {
        match &self.state {
            State::Ground => None,
            State::Escape => Some(self.patience.escape),
            State::Paste { silence, .. } => match silence {
                Silence::No => Some(self.patience.paste),
                Silence::Reported => None,
            },
            State::Utf8 { .. }
            | State::Csi(_)
            | State::LinuxFunction
            | State::X10Mouse(_)
            | State::Ss3(_)
            | State::Str { .. }
            | State::StrEscape { .. } => Some(self.patience.sequence),
        }
    }
}

impl Decode for Decoder {
    fn feed(&mut self, bytes: &[u8], now: Tick, out: &mut Vec<Input>) {
        let late_tail = self.late_tail_until.take().is_some_and(|until| now < until);
        if late_tail && self.state == State::Ground && bytes.len() > 1 && bytes.first() == Some(&b'[') {
            // ESC came so early that it was taken for the Esc key, and here is the rest, in one piece as no
            // person types it. Read as keys, an arrow's `[A` would hand back an acknowledgement.
            self.state = State::Escape;
        }
        if let State::Paste {
            silence: Silence::Reported,
            ..
        } = self.state
            && bytes.len() <= TYPED_CHUNK
            && !bytes.windows(PASTE_END.len()).any(|w| w == PASTE_END)
        {
            self.state = State::Ground;
        }
        for &byte in bytes {
            self.step(byte, out);
        }
        self.deadline = self.patience_for().map(|patience| now + patience);
    }

    fn deadline(&self) -> Option<Tick> {
        self.deadline
    }

    fn replies(&mut self) -> Vec<Reply> {
        std::mem::take(&mut self.replies)
    }

    fn timeout(&mut self, now: Tick, out: &mut Vec<Input>) {
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return;
        }
        self.deadline = None;
        match std::mem::replace(&mut self.state, State::Ground) {
            State::Escape => {
                out.push(key(KeyCode::Esc, KeyModifiers::NONE));
                self.late_tail_until = Some(now + self.patience.sequence);
            }
            // Two bytes and then nothing: alt with a character that happens to open sequences.
            State::Csi(Some(parameters)) if parameters.is_empty() => {
                out.push(key(KeyCode::Char('['), KeyModifiers::ALT));
            }
            State::Ss3(parameters) if parameters.is_empty() => {
                out.push(character('O', KeyModifiers::ALT));
            }
            State::Str {
                body: Some(body),
                introducer,
                ..
            } if body.is_empty() => {
                out.push(character(char::from(introducer), KeyModifiers::ALT));
            }
            State::Paste {
                mut body, matched, ..
            } => {
                body.extend_from_slice(PASTE_END.get(..matched).unwrap_or_default());
                push_paste(&body, out);
                self.state = State::Paste {
                    body: Vec::new(),
                    matched: 0,
                    silence: Silence::Reported,
                };
            }
            State::Ground
            | State::Utf8 { .. }
            | State::Csi(_)
            | State::LinuxFunction
            | State::X10Mouse(_)
            | State::Ss3(_)
            | State::Str { .. }
            | State::StrEscape { .. } => {}
        }
    }
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Input {
    Input::Key(KeyEvent::new(code, modifiers))
}

/// A character key; a capital carries shift, as crossterm reports it.
fn character(c: char, mut modifiers: KeyModifiers) -> Input {
    if c.is_uppercase() {
        modifiers |= KeyModifiers::SHIFT;
    }
    key(KeyCode::Char(c), modifiers)
}

/// A byte outside of any sequence, or after the ESC that alt sends.
fn ground(byte: u8, modifiers: KeyModifiers, out: &mut Vec<Input>) -> State {
    let control = modifiers | KeyModifiers::CONTROL;
    let input = match byte {
        ESC => return State::Escape,
        b'\t' => key(KeyCode::Tab, modifiers),
        b'\r' => key(KeyCode::Enter, modifiers),
        0x7f => key(KeyCode::Backspace, modifiers),
        0x00 => key(KeyCode::Char(' '), control),
        0x01..=0x1a => key(KeyCode::Char(char::from(byte - 1 + b'a')), control),
        0x1c..=0x1f => key(KeyCode::Char(char::from(byte + 0x40)), control),
        0x20..=0x7e => character(char::from(byte), modifiers),
        0x80.. => {
            let need = match byte {
                0xc2..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf4 => 4,
                // Never the start of a character: line noise.
                _ => return State::Ground,
            };
            return State::Utf8 {
                bytes: [byte, 0, 0, 0],
                have: 1,
                need,
                modifiers,
            };
        }
    };
    out.push(input);
    State::Ground
}

fn utf8(
    mut bytes: [u8; 4],
    have: usize,
    need: usize,
    modifiers: KeyModifiers,
    byte: u8,
    out: &mut Vec<Input>,
) -> State {
    if !(0x80..=0xbf).contains(&byte) {
        // The character was cut short; what cuts it stands for itself.
        return ground(byte, KeyModifiers::NONE, out);
    }
    if let Some(slot) = bytes.get_mut(have) {
        *slot = byte;
    }
    let have = have + 1;
    if have < need {
        return State::Utf8 {
            bytes,
            have,
            need,
            modifiers,
        };
    }
    let decoded = bytes.get(..need).and_then(|b| std::str::from_utf8(b).ok());
    // C1 controls are no keys.
    if let Some(c) = decoded.and_then(|s| s.chars().next()).filter(|c| !c.is_control()) {
        out.push(character(c, modifiers));
    }
    State::Ground
}

fn escape(byte: u8, out: &mut Vec<Input>) -> State {
    let string = |kind| State::Str {
        kind,
        body: Some(Vec::new()),
        introducer: byte,
    };
    match byte {
        b'[' => State::Csi(Some(Vec::new())),
        b'O' => State::Ss3(Vec::new()),
        b']' => string(StringKind::Osc),
        b'P' | b'X' | b'^' | b'_' => string(StringKind::Other),
        // A late end mark of a string given up on.
        b'\\' | CAN | SUB => State::Ground,
        ESC => {
            out.push(key(KeyCode::Esc, KeyModifiers::NONE));
            State::Escape
        }
        _ => ground(byte, KeyModifiers::ALT, out),
    }
}

fn csi(parameters: Option<Vec<u8>>, byte: u8, out: &mut Vec<Input>) -> State {
    match byte {
        0x20..=0x3f => State::Csi(parameters.and_then(|mut p| {
            p.push(byte);
            (p.len() <= SEQUENCE_CAP).then_some(p)
        })),
        0x40..=0x7e => {
            let Some(parameters) = parameters else {
                return State::Ground;
            };
            if parameters.is_empty() && byte == b'[' {
                return State::LinuxFunction;
            }
            match sequence::csi(&parameters, byte) {
                Meaning::Input(input) => out.push(input),
                Meaning::PasteBegins => {
                    return State::Paste {
                        body: Vec::new(),
                        matched: 0,
                        silence: Silence::No,
                    };
                }
                Meaning::X10Mouse => return State::X10Mouse(3),
                Meaning::Nothing => {}
            }
            State::Ground
        }
        CAN | SUB => State::Ground,
        // Cut short; what cuts it stands for itself.
        _ => ground(byte, KeyModifiers::NONE, out),
    }
}

fn ss3(mut parameters: Vec<u8>, byte: u8, out: &mut Vec<Input>) -> State {
    match byte {
        b'0'..=b'9' | b';' if parameters.len() < SEQUENCE_CAP => {
            parameters.push(byte);
            State::Ss3(parameters)
        }
        0x20..=0x7e => {
            out.extend(sequence::ss3(&parameters, byte));
            State::Ground
        }
        CAN | SUB => State::Ground,
        _ => ground(byte, KeyModifiers::NONE, out),
    }
}

fn string(kind: StringKind, body: Option<Vec<u8>>, byte: u8, out: &mut Vec<Input>) -> State {
    match byte {
        BEL => {
            end_string(kind, body, out);
            State::Ground
        }
        ESC => State::StrEscape { kind, body },
        CAN | SUB => State::Ground,
        _ => State::Str {
            kind,
            body: body.and_then(|mut b| {
                b.push(byte);
                (b.len() <= STRING_CAP).then_some(b)
            }),
            introducer: byte,
        },
    }
}

fn end_string(kind: StringKind, body: Option<Vec<u8>>, out: &mut Vec<Input>) {
    match (kind, body) {
        (StringKind::Osc, Some(body)) => out.extend(sequence::background(&body)),
        (StringKind::Osc, None) | (StringKind::Other, _) => {}
    }
}

fn paste(mut body: Vec<u8>, mut matched: usize, byte: u8, out: &mut Vec<Input>) -> State {
    if PASTE_END.get(matched) != Some(&byte) {
        // No end mark after all: what looked like one was text. The mark holds one ESC, its first byte, so
        // the only place a new match can start is here.
        body.extend_from_slice(PASTE_END.get(..matched).unwrap_or_default());
        matched = 0;
    }
    if PASTE_END.get(matched) == Some(&byte) {
        matched += 1;
    } else {
        body.push(byte);
    }
    body.truncate(PASTE_CAP);
    if matched == PASTE_END.len() {
        push_paste(&body, out);
        return State::Ground;
    }
    State::Paste {
        body,
        matched,
        silence: Silence::No,
    }
}

/// Terminals send a paste's line breaks as CR, some as CR LF.
fn push_paste(body: &[u8], out: &mut Vec<Input>) {
    if !body.is_empty() {
        let text = String::from_utf8_lossy(body);
        out.push(Input::Paste(text.replace("\r\n", "\n").replace('\r', "\n")));
    }
}
