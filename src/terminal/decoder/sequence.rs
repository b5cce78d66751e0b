//! What a whole escape sequence means. Unknown ones mean nothing: a late reply must never become keys.
//!
//! Tables: xterm's ctlseqs, rxvt's and the Linux console's variants, `CSI u` as in fixterms and kitty's
//! keyboard protocol.

use crossterm::event::{KeyCode, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::{Reply, character, key};
use crate::terminal::asking::Knows;
use crate::terminal::{Focused, Input};

/// What a CSI sequence means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    Input(Input),
    PasteBegins,
    /// Three bytes of an old mouse report follow.
    X10Mouse,
    Nothing,
}

impl From<Option<Input>> for Meaning {
    fn from(input: Option<Input>) -> Self {
        input.map_or(Self::Nothing, Self::Input)
    }
}

/// Numeric parameters, each with its subparameters; a missing one reads as `None`.
struct Parameters<'a>(&'a str);

impl Parameters<'_> {
    fn sub(&self, index: usize, sub: usize) -> Option<u32> {
        self.0.split(';').nth(index)?.split(':').nth(sub)?.parse().ok()
    }

    fn get(&self, index: usize) -> Option<u32> {
        self.sub(index, 0)
    }

    /// The modifier parameter is a bit set plus one (xterm, "PC-Style Function Keys").
    fn modifiers(&self, index: usize) -> KeyModifiers {
        modifiers(self.get(index).unwrap_or(1))
    }

    /// Whether the event type (kitty: 1 press, 2 repeat, 3 release) says the key went up.
    fn is_release(&self, index: usize) -> bool {
        self.sub(index, 1) == Some(3)
    }
}

fn modifiers(parameter: u32) -> KeyModifiers {
    let bits = parameter.saturating_sub(1);
    [
        (1, KeyModifiers::SHIFT),
        (2, KeyModifiers::ALT),
        (4, KeyModifiers::CONTROL),
        (8, KeyModifiers::SUPER),
        (16, KeyModifiers::HYPER),
        (32, KeyModifiers::META),
    ]
    .into_iter()
    .filter(|(bit, _)| bits & bit != 0)
    .fold(KeyModifiers::NONE, |all, (_, one)| all | one)
}

/// An answer to a question of ours: `CSI 0 n` (DSR), `CSI ? 2026 ; setting $ y` (DECRPM).
pub(super) fn reply(parameters: &[u8], last: u8) -> Option<Reply> {
    match (parameters, last) {
        // 3 is "malfunction", said by nobody since.
        (b"0" | b"3", b'n') => Some(Reply::Status),
        ([b'?', b'2', b'0', b'2', b'6', b';', setting, b'$'], b'y') => Some(Reply::Sync(match setting {
            // Set, reset, always set.
            b'1' | b'2' | b'3' => Knows::Yes,
            _ => Knows::No,
        })),
        _ => None,
    }
}

/// `ESC [ parameters last`.
pub(super) fn csi(parameters: &[u8], last: u8) -> Meaning {
    let Ok(text) = std::str::from_utf8(parameters) else {
        return Meaning::Nothing;
    };
    if let Some(mouse) = text.strip_prefix('<') {
        return sgr_mouse(&Parameters(mouse), last).into();
    }
    // A private prefix or an intermediate marks a reply: device attributes, modes, kitty flags.
    if text
        .bytes()
        .any(|b| !b.is_ascii_digit() && b != b';' && b != b':')
    {
        return Meaning::Nothing;
    }
    let p = Parameters(text);
    let code = match last {
        b'~' => match p.get(0) {
            Some(200) => return Meaning::PasteBegins,
            Some(27) => return unicode_key(p.get(2), None, p.modifiers(1)).into(),
            number => number.and_then(numbered),
        },
        // rxvt: control and control-shift.
        b'^' => {
            return p
                .get(0)
                .and_then(numbered)
                .map(|code| key(code, KeyModifiers::CONTROL))
                .into();
        }
        b'@' => {
            let both = KeyModifiers::CONTROL | KeyModifiers::SHIFT;
            return p.get(0).and_then(numbered).map(|code| key(code, both)).into();
        }
        b'u' if !text.is_empty() => {
            if p.is_release(1) {
                return Meaning::Nothing;
            }
            return unicode_key(p.get(0), p.sub(0, 1), p.modifiers(1)).into();
        }
        b'M' if text.is_empty() => return Meaning::X10Mouse,
        b'I' if text.is_empty() => return Meaning::Input(Input::Focus(Focused::Gained)),
        b'O' if text.is_empty() => return Meaning::Input(Input::Focus(Focused::Lost)),
        b'Z' => return Meaning::Input(key(KeyCode::BackTab, p.modifiers(1) | KeyModifiers::SHIFT)),
        // rxvt: shifted arrows.
        b'a'..=b'd' if text.is_empty() => {
            return cursor_key(last.to_ascii_uppercase())
                .map(|code| key(code, KeyModifiers::SHIFT))
                .into();
        }
        // With parameters this is a cursor position report.
        b'R' if !text.is_empty() => None,
        _ => cursor_key(last),
    };
    match code {
        Some(code) if !p.is_release(1) => Meaning::Input(key(code, p.modifiers(1))),
        _ => Meaning::Nothing,
    }
}

/// `ESC O parameters last`: keys in application mode, and the keypad.
pub(super) fn ss3(parameters: &[u8], last: u8) -> Option<Input> {
    let text = std::str::from_utf8(parameters).ok()?;
    let p = Parameters(text);
    // `ESC O 5 A` and `ESC O 1 ; 5 A` are both in use.
    let modifiers = modifiers(p.get(1).or_else(|| p.get(0)).unwrap_or(1));
    match last {
        b'M' => Some(key(KeyCode::Enter, modifiers)),
        b'I' => Some(key(KeyCode::Tab, modifiers)),
        b'X' => Some(character('=', modifiers)),
        b'a'..=b'd' => {
            cursor_key(last.to_ascii_uppercase()).map(|code| key(code, modifiers | KeyModifiers::CONTROL))
        }
        b'j'..=b'y' => Some(character(char::from(last - b'j' + b'*'), modifiers)),
        _ => cursor_key(last).map(|code| key(code, modifiers)),
    }
}

fn cursor_key(last: u8) -> Option<KeyCode> {
    Some(match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'E' => KeyCode::KeypadBegin,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'P' => KeyCode::F(1),
        b'Q' => KeyCode::F(2),
        b'R' => KeyCode::F(3),
        b'S' => KeyCode::F(4),
        _ => return None,
    })
}

fn numbered(number: u32) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        // F-keys skip the numbers a VT220 gave to nothing: 16, 22, 27, 30.
        11..=15 => KeyCode::F((number - 10) as u8),
        17..=21 => KeyCode::F((number - 11) as u8),
        23..=26 => KeyCode::F((number - 12) as u8),
        28..=29 => KeyCode::F((number - 13) as u8),
        31..=34 => KeyCode::F((number - 14) as u8),
        _ => return None,
    })
}

/// A key by its Unicode code point (`CSI u`, modifyOtherKeys). `shifted` is what shift makes of it, where the
/// terminal says so.
fn unicode_key(code: Option<u32>, shifted: Option<u32>, modifiers: KeyModifiers) -> Option<Input> {
    let plain = |code| Some(key(code, modifiers));
    match code? {
        8 | 127 => plain(KeyCode::Backspace),
        9 if modifiers.contains(KeyModifiers::SHIFT) => plain(KeyCode::BackTab),
        9 => plain(KeyCode::Tab),
        13 | 57_414 => plain(KeyCode::Enter),
        27 => plain(KeyCode::Esc),
        // kitty's keypad, in the private use area; the rest of that block is modifiers and media keys.
        pad @ 57_399..=57_408 => Some(character(char::from(b'0' + (pad - 57_399) as u8), modifiers)),
        57_417 => plain(KeyCode::Left),
        57_418 => plain(KeyCode::Right),
        57_419 => plain(KeyCode::Up),
        57_420 => plain(KeyCode::Down),
        57_421 => plain(KeyCode::PageUp),
        57_422 => plain(KeyCode::PageDown),
        57_423 => plain(KeyCode::Home),
        57_424 => plain(KeyCode::End),
        57_425 => plain(KeyCode::Insert),
        57_426 => plain(KeyCode::Delete),
        57_344..=63_743 => None,
        code => {
            let c = char::from_u32(code).filter(|c| !c.is_control())?;
            let c = if modifiers.contains(KeyModifiers::SHIFT) {
                shifted
                    .and_then(char::from_u32)
                    .filter(|c| !c.is_control())
                    .unwrap_or(c.to_ascii_uppercase())
            } else {
                c
            };
            Some(character(c, modifiers))
        }
    }
}

/// `CSI < button ; column ; row M|m` (xterm, "SGR (1006)"): `m` is a release; places count from one.
fn sgr_mouse(p: &Parameters<'_>, last: u8) -> Option<Input> {
    let button = p.get(0)?;
    let place = |index| u16::try_from(p.get(index)?.checked_sub(1)?).ok();
    let (column, row) = (place(1)?, place(2)?);
    let which = match button & 0b11 {
        0 => Some(MouseButton::Left),
        1 => Some(MouseButton::Middle),
        2 => Some(MouseButton::Right),
        _ => None,
    };
    let moving = button & 32 != 0;
    let kind = match (button & 0b1100_0000, last) {
        (64, b'M') => match button & 0b11 {
            0 => MouseEventKind::ScrollUp,
            1 => MouseEventKind::ScrollDown,
            2 => MouseEventKind::ScrollLeft,
            _ => MouseEventKind::ScrollRight,
        },
        (0, b'M') if moving => which.map_or(MouseEventKind::Moved, MouseEventKind::Drag),
        (0, b'M') => MouseEventKind::Down(which?),
        (0, b'm') => MouseEventKind::Up(which?),
        // Buttons 8 and up.
        _ => return None,
    };
    let modifiers = [
        (4, KeyModifiers::SHIFT),
        (8, KeyModifiers::ALT),
        (16, KeyModifiers::CONTROL),
    ]
    .into_iter()
    .filter(|(bit, _)| button & bit != 0)
    .fold(KeyModifiers::NONE, |all, (_, one)| all | one);
    Some(Input::Mouse(MouseEvent {
        kind,
        column,
        row,
        modifiers,
    }))
}

/// `11;rgb:RRRR/GGGG/BBBB` (one to four digits each, `XParseColor`) or `11;#RRGGBB`.
pub(super) fn background(body: &[u8]) -> Option<Input> {
    let value = std::str::from_utf8(body).ok()?.strip_prefix("11;")?;
    let rgb = if let Some(hex) = value.strip_prefix('#') {
        let number = u32::from_str_radix(hex, 16).ok().filter(|_| hex.len() == 6)?;
        let [_, r, g, b] = number.to_be_bytes();
        [r, g, b]
    } else {
        let (_, channels) = value
            .split_once(':')
            .filter(|(space, _)| matches!(*space, "rgb" | "rgba"))?;
        let mut channels = channels.split('/').map(channel);
        [channels.next()??, channels.next()??, channels.next()??]
    };
    Some(Input::Background { rgb })
}

/// A channel of one to four hexadecimal digits, scaled to a byte.
fn channel(digits: &str) -> Option<u8> {
    if !(1..=4).contains(&digits.len()) {
        return None;
    }
    let value = u32::from_str_radix(digits, 16).ok()?;
    let largest = (1 << (4 * digits.len())) - 1;
    u8::try_from((value * 255 + largest / 2) / largest).ok()
}
