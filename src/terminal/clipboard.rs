//! Copying by OSC 52, which reaches the clipboard of the person's own machine through any number of hops.
//!
//! xterm's ctlseqs ("Manipulate Selection Data"); tmux: "allow-passthrough"; GNU screen: "ESC P".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Copied;

/// The most base64 terminals take: of xterm's and hterm's limit of 100,000 bytes, what many implementations kept to.
pub const BASE64_CAP: usize = 74_994;
/// The longest text that can be copied, bytes: base64 is four for each three begun.
pub const MOST_BYTES: usize = BASE64_CAP / 4 * 3;
/// GNU screen cuts strings longer than 768 bytes.
const SCREEN_PIECE: usize = 700;

/// What stands between midwatch and the terminal, and must be told to let a sequence through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Multiplexer {
    /// Nothing.
    None,
    /// tmux.
    Tmux,
    /// GNU screen.
    Screen,
}

impl Multiplexer {
    /// From the environment's `TMUX`, `STY` and `TERM`. Over ssh only `TERM` is left of them, and `screen-256color` was
    /// tmux's for long.
    pub fn detect(tmux: Option<&str>, sty: Option<&str>, term: Option<&str>) -> Self {
        let is_set = |value: Option<&str>| value.is_some_and(|value| !value.is_empty());
        let term = term.unwrap_or_default();
        if is_set(tmux) {
            Self::Tmux
        } else if is_set(sty) || term == "screen" || term.starts_with("screen.") {
            Self::Screen
        } else if term.starts_with("tmux") || term.starts_with("screen-") {
            Self::Tmux
        } else {
            Self::None
        }
    }

    /// A sequence for the terminal beyond, wrapped so that what lies between lets it through (tmux: where
    /// `allow-passthrough` is on).
    pub(super) fn wrap(self, plain: &str) -> Vec<u8> {
        match self {
            Self::None => plain.as_bytes().to_vec(),
            Self::Tmux => {
                let inner = plain.replace('\x1b', "\x1b\x1b");
                format!("\x1bPtmux;{inner}\x1b\\").into_bytes()
            }
            Self::Screen => plain
                .as_bytes()
                .chunks(SCREEN_PIECE)
                .flat_map(|piece| [b"\x1bP", piece, b"\x1b\\"].concat())
                .collect(),
        }
    }
}

/// The bytes that copy `text`, or none where it is too large.
pub(super) fn copy(text: &str, multiplexer: Multiplexer) -> (Copied, Vec<u8>) {
    if text.len() > MOST_BYTES {
        let too_large = Copied::TooLarge {
            bytes: text.len(),
            cap: MOST_BYTES,
        };
        return (too_large, Vec::new());
    }
    let plain = format!("\x1b]52;c;{}\x07", STANDARD.encode(text));
    let bytes = match multiplexer {
        // tmux obeys the plain form where `set-clipboard` is on, the wrapped where `allow-passthrough` is; which
        // it is can't be told, and copying twice does no harm.
        Multiplexer::Tmux => [plain.as_bytes(), &multiplexer.wrap(&plain)].concat(),
        Multiplexer::None | Multiplexer::Screen => multiplexer.wrap(&plain),
    };
    (Copied::Sent, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copied(text: &str, multiplexer: Multiplexer) -> String {
        String::from_utf8(copy(text, multiplexer).1).unwrap()
    }

    #[test]
    fn text_travels_as_base64_wrapped_for_what_lies_between() {
        let plain = "\x1b]52;c;aGVsbG8=\x07";
        assert_eq!(copied("hello", Multiplexer::None), plain);
        assert_eq!(
            copied("hello", Multiplexer::Tmux),
            format!("{plain}\x1bPtmux;\x1b\x1b]52;c;aGVsbG8=\x07\x1b\\")
        );
        assert_eq!(
            copied("hello", Multiplexer::Screen),
            format!("\x1bP{plain}\x1b\\")
        );
        let long = copied(&"x".repeat(3_000), Multiplexer::Screen);
        assert!(long.split("\x1b\\").all(|piece| piece.len() <= SCREEN_PIECE + 2));
    }

    #[test]
    fn what_terminals_would_cut_is_refused_with_its_size() {
        let most = MOST_BYTES;
        assert_eq!(copy(&"x".repeat(most), Multiplexer::None).0, Copied::Sent);
        let (outcome, bytes) = copy(&"x".repeat(most + 1), Multiplexer::None);
        let too_large = Copied::TooLarge {
            bytes: most + 1,
            cap: most,
        };
        assert_eq!((outcome, bytes), (too_large, Vec::new()));
    }

    #[test]
    fn multiplexers_are_told_by_the_environment() {
        use Multiplexer::{None as Nothing, Screen, Tmux};
        for (tmux, sty, term, expected) in [
            (Some("/tmp/tmux-0/default,1,0"), None, "screen", Tmux),
            (None, None, "screen.xterm-256color", Screen),
            (None, Some("1.pts-0"), "screen-256color", Screen),
            (None, None, "screen-256color", Tmux),
            (None, None, "tmux-256color", Tmux),
            (Some(""), Some(""), "xterm", Nothing),
        ] {
            assert_eq!(Multiplexer::detect(tmux, sty, Some(term)), expected, "{term}");
        }
    }
}
