//! Keys as people write them: `a`, `A`, `ctrl-d`, `shift-tab`, `f1`, and sequences with spaces (`g g`).
//!
//! A chord is refused where no terminal could ever send it apart from another key (`ctrl-i` arrives as tab),
//! because a binding that can't be pressed is a mistake worth hearing of. Start at [`parse_sequence`].

use std::fmt;

use crossterm::event::{KeyCode, KeyModifiers};

use super::Chord;
use crate::theme::Glyphs;

/// Named keys: canonical name, code. Aliases are in [`named`].
const NAMED: [(&str, KeyCode); 15] = [
    ("space", KeyCode::Char(' ')),
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backspace", KeyCode::Backspace),
    ("del", KeyCode::Delete),
    ("ins", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
];

/// Why a key could not be read: what is wrong, and the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {mend}")]
pub struct ChordError {
    /// What is wrong, naming the key.
    pub what: String,
    /// What to write instead.
    pub mend: String,
}

fn error(what: impl Into<String>, mend: impl Into<String>) -> ChordError {
    ChordError {
        what: what.into(),
        mend: mend.into(),
    }
}

/// Reads one or several chords with spaces between.
pub fn parse_sequence(text: &str) -> Result<Vec<Chord>, ChordError> {
    let chords: Vec<Chord> = text
        .split_whitespace()
        .map(parse_chord)
        .collect::<Result<_, _>>()?;
    if chords.is_empty() {
        return Err(error(
            "an empty key",
            "name a key, such as `a`, `ctrl-d` or `space`",
        ));
    }
    Ok(chords)
}

/// Reads one chord: modifiers with `-` between, then a character or a key's name.
pub fn parse_chord(text: &str) -> Result<Chord, ChordError> {
    let mut rest = text;
    let mut modifiers = KeyModifiers::NONE;
    // `-` itself is a key: a modifier is cut off only where something follows its dash.
    while let Some((head, tail)) = rest.split_once('-')
        && !head.is_empty()
        && !tail.is_empty()
    {
        modifiers |= match head.to_ascii_lowercase().as_str() {
            "ctrl" | "control" => KeyModifiers::CONTROL,
            "alt" | "meta" => KeyModifiers::ALT,
            "shift" => KeyModifiers::SHIFT,
            "c" | "a" | "m" | "s" => {
                return Err(error(
                    format!("`{text}`: `{head}-` is no modifier"),
                    "write ctrl-, alt- or shift- in full",
                ));
            }
            _ => {
                return Err(error(
                    format!("`{text}`: `{head}` is no modifier"),
                    "modifiers are ctrl-, alt- and shift-",
                ));
            }
        };
        rest = tail;
    }
    let code = key_code(rest, text)?;
    normalise(Chord { code, modifiers }, text)
}

fn key_code(name: &str, whole: &str) -> Result<KeyCode, ChordError> {
    let mut chars = name.chars();
    if let (Some(only), None) = (chars.next(), chars.next()) {
        return Ok(KeyCode::Char(only));
    }
    let lower = name.to_ascii_lowercase();
    if let Some(code) = named(&lower) {
        return Ok(code);
    }
    if let Some(number) = lower
        .strip_prefix('f')
        .and_then(|digits| digits.parse::<u8>().ok())
    {
        return if (1..=12).contains(&number) {
            Ok(KeyCode::F(number))
        } else {
            Err(error(format!("`{whole}`: no such function key"), "f1 to f12"))
        };
    }
    let known = NAMED.iter().map(|(name, _)| *name);
    let mend = if crate::problem::nearest(&lower, known.clone()).is_none() && name.chars().count() < 5 {
        // `gg` is far more often meant as two keys than as a name.
        let spaced: Vec<String> = name.chars().map(String::from).collect();
        format!("for a sequence put spaces between: `{}`", spaced.join(" "))
    } else {
        crate::problem::did_you_mean(&lower, known)
    };
    Err(error(format!("`{whole}`: no key is called `{name}`"), mend))
}

fn named(name: &str) -> Option<KeyCode> {
    let name = match name {
        "return" => "enter",
        "escape" => "esc",
        "delete" => "del",
        "insert" => "ins",
        "pageup" | "page_up" => "pgup",
        "pagedown" | "page_down" => "pgdn",
        other => other,
    };
    NAMED
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, code)| *code)
}

/// Folds shift as a terminal does, and refuses what no terminal can tell apart.
fn normalise(mut chord: Chord, text: &str) -> Result<Chord, ChordError> {
    let ctrl = chord.modifiers.contains(KeyModifiers::CONTROL);
    if chord.modifiers.contains(KeyModifiers::SHIFT) {
        match chord.code {
            KeyCode::Tab => {
                chord.code = KeyCode::BackTab;
                chord.modifiers.remove(KeyModifiers::SHIFT);
            }
            KeyCode::Char(c) if c.is_ascii_lowercase() && !ctrl => {
                chord.code = KeyCode::Char(c.to_ascii_uppercase());
                chord.modifiers.remove(KeyModifiers::SHIFT);
            }
            KeyCode::Char(_) => {
                return Err(error(
                    format!("`{text}`: shift does not reach midwatch with this key"),
                    "write the character it types, without shift",
                ));
            }
            _ => {}
        }
    }
    if let (true, KeyCode::Char(c)) = (ctrl, chord.code) {
        let arrives_as = match c.to_ascii_lowercase() {
            'i' => Some("tab"),
            'm' => Some("enter"),
            '[' => Some("esc"),
            'h' => Some("backspace"),
            _ => None,
        };
        if let Some(other) = arrives_as {
            return Err(error(
                format!("`{text}`: terminals send it as {other}"),
                format!("bind `{other}`, or another key"),
            ));
        }
        if c.is_ascii_uppercase() {
            return Err(error(
                format!(
                    "`{text}`: terminals can't tell it from ctrl-{}",
                    c.to_ascii_lowercase()
                ),
                "write the letter small",
            ));
        }
    }
    Ok(chord)
}

impl fmt::Display for Chord {
    /// The canonical spelling: what a keymap file may say.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.modifiers.contains(KeyModifiers::CONTROL) {
            f.write_str("ctrl-")?;
        }
        if self.modifiers.contains(KeyModifiers::ALT) {
            f.write_str("alt-")?;
        }
        if self.modifiers.contains(KeyModifiers::SHIFT) {
            f.write_str("shift-")?;
        }
        if let Some((name, _)) = NAMED.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            KeyCode::BackTab => f.write_str("shift-tab"),
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::F(number) => write!(f, "f{number}"),
            // No file can name the other keys; they are shown as crossterm calls them.
            other => write!(f, "{other}"),
        }
    }
}

/// The canonical spelling of a sequence: `g g`.
pub fn display_sequence(keys: &[Chord]) -> String {
    let parts: Vec<String> = keys.iter().map(Chord::to_string).collect();
    parts.join(" ")
}

/// The spelling for hints and help: arrows as arrows where the terminal has them.
pub fn label(keys: &[Chord], glyphs: Glyphs) -> String {
    let parts: Vec<String> = keys
        .iter()
        .map(|chord| {
            let arrow = match (glyphs, chord.code) {
                (Glyphs::Unicode, KeyCode::Up) => "↑",
                (Glyphs::Unicode, KeyCode::Down) => "↓",
                (Glyphs::Unicode, KeyCode::Left) => "←",
                (Glyphs::Unicode, KeyCode::Right) => "→",
                _ => return chord.to_string(),
            };
            if chord.modifiers.is_empty() {
                arrow.to_owned()
            } else {
                chord.to_string()
            }
        })
        .collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::KeyEvent;

    #[test]
    fn every_spelling_reads_and_prints_canonically() {
        for (written, canonical) in [
            ("a", "a"),
            ("A", "A"),
            ("shift-a", "A"),
            ("ctrl-d", "ctrl-d"),
            ("Ctrl-d", "ctrl-d"),
            ("alt-x", "alt-x"),
            ("alt-X", "alt-X"),
            ("ctrl-alt-x", "ctrl-alt-x"),
            ("alt-ctrl-x", "ctrl-alt-x"),
            ("shift-tab", "shift-tab"),
            ("Escape", "esc"),
            ("return", "enter"),
            ("space", "space"),
            ("ctrl-space", "ctrl-space"),
            ("PageUp", "pgup"),
            ("f12", "f12"),
            ("?", "?"),
            ("-", "-"),
            ("ctrl--", "ctrl--"),
            ("shift-up", "shift-up"),
            ("g  g", "g g"),
            ("é", "é"),
        ] {
            let keys = parse_sequence(written).unwrap_or_else(|e| panic!("{written}: {e}"));
            assert_eq!(display_sequence(&keys), canonical, "{written}");
            assert_eq!(parse_sequence(canonical).unwrap(), keys, "{canonical} reads back");
        }
    }

    #[test]
    fn what_is_written_is_what_the_terminal_sends() {
        let sent = |code, modifiers| Chord::from(KeyEvent::new(code, modifiers));
        for (written, key) in [
            ("A", sent(KeyCode::Char('A'), KeyModifiers::SHIFT)),
            ("?", sent(KeyCode::Char('?'), KeyModifiers::SHIFT)),
            ("shift-tab", sent(KeyCode::BackTab, KeyModifiers::SHIFT)),
            ("ctrl-c", sent(KeyCode::Char('c'), KeyModifiers::CONTROL)),
            ("shift-up", sent(KeyCode::Up, KeyModifiers::SHIFT)),
        ] {
            assert_eq!(parse_chord(written).unwrap(), key, "{written}");
        }
    }

    #[test]
    fn keys_that_cannot_be_pressed_say_why() {
        for (written, message) in [
            ("", "an empty key; name a key, such as `a`, `ctrl-d` or `space`"),
            (
                "ctrl-i",
                "`ctrl-i`: terminals send it as tab; bind `tab`, or another key",
            ),
            (
                "ctrl-D",
                "`ctrl-D`: terminals can't tell it from ctrl-d; write the letter small",
            ),
            (
                "C-d",
                "`C-d`: `C-` is no modifier; write ctrl-, alt- or shift- in full",
            ),
            (
                "super-x",
                "`super-x`: `super` is no modifier; modifiers are ctrl-, alt- and shift-",
            ),
            (
                "gg",
                "`gg`: no key is called `gg`; for a sequence put spaces between: `g g`",
            ),
            ("entr", "`entr`: no key is called `entr`; did you mean `enter`?"),
            ("f13", "`f13`: no such function key; f1 to f12"),
            (
                "shift-/",
                "`shift-/`: shift does not reach midwatch with this key; write the character it types, without shift",
            ),
        ] {
            let refused = parse_sequence(written).expect_err(written);
            assert_eq!(refused.to_string(), message);
        }
    }

    #[test]
    fn arrows_are_drawn_where_the_terminal_has_them() {
        let keys = parse_sequence("g up").unwrap();
        assert_eq!(label(&keys, Glyphs::Unicode), "g ↑");
        assert_eq!(label(&keys, Glyphs::Ascii), "g up");
    }
}
