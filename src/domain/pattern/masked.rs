//! A message as tokens, its values masked by their kind before anything is compared.
//!
//! `pool exhausted after 1.5s (20/20 in use)` becomes `pool exhausted after <dur> (<num>/<num> in use)`. The
//! buffers are kept from line to line, so that a line costs no allocation. Start at [`Masked::scan`].

use super::typed::{self, at, is_word};

/// What a token tells when lines are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Words: two lines that share them are alike.
    Words,
    /// A key with a masked value, punctuation, a mask: lines that share it need not be alike.
    Quiet,
    /// Nothing but a number or an id, which are often hard to tell from each other.
    Id,
}

/// A token: a stretch of the masked text without blanks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    /// Where it begins in the masked text.
    pub from: usize,
    /// Where it ends.
    pub to: usize,
    /// Of its text.
    pub hash: u64,
    /// Where its key ends, `=` included; `from` for one without.
    pub key_to: usize,
    /// Of its key, zero for none.
    pub key: u64,
    /// What it tells.
    pub told: Told,
    /// Whether it stands in the line's message field.
    pub in_message: bool,
}

/// A kind of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mask {
    Number,
    Duration,
    Id,
    Uuid,
    Hex,
    Address,
    Path,
    Moment,
    Quoted,
}

impl Mask {
    fn word(self) -> &'static [u8] {
        match self {
            Self::Number => b"<num>",
            Self::Duration => b"<dur>",
            Self::Id => b"<id>",
            Self::Uuid => b"<uuid>",
            Self::Hex => b"<hex>",
            Self::Address => b"<ip>",
            Self::Path => b"<path>",
            Self::Moment => b"<ts>",
            Self::Quoted => b"<q>",
        }
    }

    fn is_id(self) -> bool {
        match self {
            Self::Number | Self::Id | Self::Uuid | Self::Hex => true,
            Self::Duration | Self::Address | Self::Path | Self::Moment | Self::Quoted => false,
        }
    }
}

/// How much of a line is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    /// Bytes of a message.
    pub bytes: usize,
    /// Tokens of it.
    pub tokens: usize,
}

/// What stands for the rest of a line that is longer.
const REST: &[u8] = "…".as_bytes();

/// A letter-only word of this length is an id (a base-64 blob).
const LONG_WORD: usize = 33;

/// The token that is being written.
#[derive(Debug, Default)]
struct Open {
    from: usize,
    key_to: usize,
    /// Words outside masks, after the key.
    words: bool,
    /// Pieces so far: a mask or a stretch of other text.
    pieces: u32,
    /// The one mask it is made of.
    only: Option<Mask>,
    in_message: bool,
}

/// The masked text of one line and its tokens.
#[derive(Debug)]
pub(super) struct Masked {
    reach: Reach,
    pub text: Vec<u8>,
    pub tokens: Vec<Token>,
    open: Option<Open>,
    full: bool,
}

/// A hash of a token: eight bytes at a time, as `FxHash` of rustc mixes them. Not proof against someone who
/// makes tokens collide: they spoil only the patterns of their own lines.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let mut state = bytes.len() as u64;
    let mut whole = bytes.chunks_exact(8);
    for chunk in &mut whole {
        state = mix(state, chunk.try_into().map_or(0, u64::from_le_bytes));
    }
    let rest = whole
        .remainder()
        .iter()
        .fold(0, |word, b| word << 8 | u64::from(*b));
    mix(state, rest)
}

/// Takes a word into a hash.
pub(super) fn mix(state: u64, word: u64) -> u64 {
    (state.rotate_left(5) ^ word)
        .wrapping_mul(0x517c_c1b7_2722_0a95)
        .rotate_left(26)
}

impl Masked {
    pub fn new(reach: Reach) -> Self {
        Self {
            reach,
            text: Vec::new(),
            tokens: Vec::new(),
            open: None,
            full: false,
        }
    }

    pub fn clear(&mut self) {
        self.text.clear();
        self.tokens.clear();
        self.open = None;
        self.full = false;
    }

    /// Adds the first line of a message.
    pub fn scan(&mut self, message: &[u8]) {
        let start = message
            .iter()
            .position(|b| !b.is_ascii_whitespace())
            .unwrap_or(message.len());
        let message = message.get(start..).unwrap_or_default();
        let whole = message.iter().position(|b| *b == b'\n').unwrap_or(message.len());
        let reach = whole.min(self.reach.bytes);
        self.range(message.get(..reach).unwrap_or_default(), false);
        if reach < whole {
            // What was cut in the middle is no token.
            if let Some(open) = self.open.take() {
                self.text.truncate(open.from);
            }
            self.rest();
        }
        self.end_token();
    }

    /// Adds a field that has no message: its key is a constant, its value masked.
    pub fn pair(&mut self, key: &[u8], value: &[u8]) {
        self.literal(key, false);
        self.equals();
        match value {
            [b'"', inside @ .., b'"'] if inside.iter().any(u8::is_ascii_whitespace) => {
                self.mask(Mask::Quoted);
            }
            [b'"', inside @ .., b'"'] => self.range(inside.get(..self.reach.bytes).unwrap_or(inside), false),
            [b'{', ..] => self.literal("{…}".as_bytes(), false),
            [b'[', ..] => self.literal("[…]".as_bytes(), false),
            other => self.range(other, false),
        }
        self.end_token();
    }

    fn rest(&mut self) {
        if !self.full {
            self.end_token();
            self.full = true;
            let from = self.text.len();
            self.text.extend_from_slice(REST);
            self.tokens.push(Token {
                from,
                to: self.text.len(),
                hash: hash(REST),
                key_to: from,
                key: 0,
                told: Told::Quiet,
                in_message: false,
            });
        }
    }

    fn range(&mut self, text: &[u8], in_message: bool) {
        let mut i = 0;
        while i < text.len() && !self.full {
            let byte = at(text, i);
            if byte <= b' ' || byte == 0x7f {
                self.end_token();
                i = past_escape(text, i);
                continue;
            }
            if self.open.is_none() && self.tokens.len() >= self.reach.tokens {
                return self.rest();
            }
            self.opened().in_message |= in_message;
            let before = if i == 0 { 0 } else { at(text, i - 1) };
            i = match byte {
                b'0'..=b'9' => self.digits(text, i),
                _ if is_word(byte) => self.letters(text, i),
                b'/' | b'.' | b'~' if !is_word(before) && before != b'/' && typed::begins_path(text, i) => {
                    self.mask(Mask::Path);
                    typed::path(text, i)
                }
                b'/' if self.is_root_path(text, i) => {
                    self.mask(Mask::Path);
                    i + 1
                }
                b'"' | b'\'' | b'`' if !is_word(before) => self.quotation(text, i),
                b'\\' if at(text, i + 1) == b'"' => self.escaped_quotation(text, i),
                b':' if matches!(before, 0 | b' ' | b'[' | b'=') && typed::ipv6(text, i).is_some() => {
                    self.mask(Mask::Address);
                    typed::ipv6(text, i).unwrap_or(i + 1)
                }
                b'-' | b'+'
                    if at(text, i + 1).is_ascii_digit()
                        && matches!(before, 0..=b' ' | b'=' | b'(' | b'[' | b',') =>
                {
                    i + 1
                }
                b'=' => {
                    self.equals();
                    self.message_value(text, i + 1)
                }
                _ => {
                    self.literal(&[byte], false);
                    i + 1
                }
            };
        }
    }

    /// `/` alone as what is asked of a web server: `GET / 200`.
    fn is_root_path(&self, text: &[u8], i: usize) -> bool {
        let alone =
            matches!(at(text, i + 1), 0 | b' ' | b'"') && self.open.as_ref().is_some_and(|o| o.pieces == 0);
        let word = |token: &Token| self.text.get(token.from..token.to);
        let asked = self.tokens.last().and_then(word).unwrap_or_default();
        let verb: &[u8] = asked.strip_prefix(b"\"").unwrap_or(asked);
        alone && verb.len() > 2 && verb.iter().all(u8::is_ascii_uppercase)
    }

    fn digits(&mut self, text: &[u8], i: usize) -> usize {
        let word_to = typed::word_end(text, i);
        let next = at(text, word_to);
        // Only what stands between these can be more than a number, a duration or an id.
        if matches!(next, b'-' | b':' | b'.' | b'/') {
            let kinds = [
                (Mask::Moment, typed::moment as fn(&[u8], usize) -> Option<usize>),
                (Mask::Uuid, typed::uuid),
                (Mask::Address, typed::ipv4),
                (Mask::Hex, typed::hardware),
                (Mask::Address, typed::ipv6),
            ];
            for (mask, end_of) in kinds {
                if let Some(end) = end_of(text, i) {
                    self.mask(mask);
                    return end;
                }
            }
        }
        let word = text.get(i..word_to).unwrap_or_default();
        if let [b'0', b'x' | b'X', hex @ ..] = word
            && !hex.is_empty()
            && hex.iter().all(u8::is_ascii_hexdigit)
        {
            self.mask(Mask::Hex);
            return word_to;
        }
        if let Some(end) = typed::duration(text, i) {
            self.mask(Mask::Duration);
            return end;
        }
        let end = typed::number(text, i).unwrap_or(i + 1);
        if !is_word(at(text, end)) {
            self.mask(Mask::Number);
            return end;
        }
        let suffix_to = typed::word_end(text, end);
        let suffix = text.get(end..suffix_to).unwrap_or_default();
        let unit = suffix.len() <= 5 && !suffix.iter().any(u8::is_ascii_digit);
        if unit && !is_hex_id(word) {
            self.mask(Mask::Number);
            self.literal(suffix, false);
            return suffix_to;
        }
        self.mixed(word);
        word_to
    }

    fn letters(&mut self, text: &[u8], i: usize) -> usize {
        let to = typed::word_end(text, i);
        let word = text.get(i..to).unwrap_or_default();
        match (at(text, to), at(text, to + 1)) {
            (b':', b'/') if at(text, to + 2) == b'/' => {
                self.mask(Mask::Path);
                return typed::path(text, i);
            }
            (b'-', _) if word.len() == 8 && word.iter().all(u8::is_ascii_hexdigit) => {
                if let Some(end) = typed::uuid(text, i) {
                    self.mask(Mask::Uuid);
                    return end;
                }
            }
            (b':', _) if word.len() <= 4 && word.iter().all(u8::is_ascii_hexdigit) => {
                if let Some(end) = typed::hardware(text, i) {
                    self.mask(Mask::Hex);
                    return end;
                }
                if let Some(end) = typed::ipv6(text, i) {
                    self.mask(Mask::Address);
                    return end;
                }
            }
            _ => {}
        }
        if word.iter().any(u8::is_ascii_digit) {
            self.mixed(word);
        } else if word.len() >= 16 && word.iter().all(u8::is_ascii_hexdigit) {
            self.mask(Mask::Hex);
        } else if word.len() >= LONG_WORD && word.is_ascii() {
            self.mask(Mask::Id);
        } else {
            self.literal(word, true);
        }
        to
    }

    /// A word of letters and digits.
    fn mixed(&mut self, word: &[u8]) {
        if is_hex_id(word) {
            return self.mask(Mask::Hex);
        }
        let turns = word
            .windows(2)
            .filter(|pair| matches!(pair, [a, b] if a.is_ascii_digit() != b.is_ascii_digit()))
            .count();
        let letters = word.iter().position(u8::is_ascii_digit).unwrap_or(word.len());
        match turns {
            // `worker12`: the name stays.
            1 if letters > 0 => {
                self.literal(word.get(..letters).unwrap_or_default(), true);
                self.mask(Mask::Number);
            }
            // `k8s`, `i18n`.
            _ if word.len() < 5 => self.literal(word, true),
            _ => self.mask(Mask::Id),
        }
    }

    fn quotation(&mut self, text: &[u8], i: usize) -> usize {
        if let Some(close) = typed::closing(text, i) {
            self.mask(Mask::Quoted);
            return close + 1;
        }
        self.literal(text.get(i..=i).unwrap_or_default(), false);
        i + 1
    }

    /// `\"…\"` within a message that is quoted itself.
    fn escaped_quotation(&mut self, text: &[u8], i: usize) -> usize {
        let inside = text.get(i + 2..).unwrap_or_default();
        if let Some(length) = inside.windows(2).position(|pair| pair == b"\\\"") {
            self.mask(Mask::Quoted);
            return i + 2 + length + 2;
        }
        self.literal(b"\"", false);
        i + 2
    }

    /// After a `=`: the message of a logfmt line is text, not a value.
    fn message_value(&mut self, text: &[u8], i: usize) -> usize {
        let Some(open) = &mut self.open else { return i };
        let key = self
            .text
            .get(open.from..open.key_to.max(open.from + 1) - 1)
            .unwrap_or_default();
        if !matches!(key, b"msg" | b"message" | b"event") {
            return i;
        }
        open.in_message = true;
        if at(text, i) != b'"' {
            return i;
        }
        let Some(close) = typed::closing(text, i) else {
            return i;
        };
        self.literal(b"\"", false);
        self.range(text.get(i + 1..close).unwrap_or_default(), true);
        if !self.full {
            self.opened().in_message = true;
            self.literal(b"\"", false);
        }
        close + 1
    }

    fn opened(&mut self) -> &mut Open {
        let from = self.text.len();
        self.open.get_or_insert_with(|| Open {
            from,
            key_to: from,
            ..Open::default()
        })
    }

    fn mask(&mut self, mask: Mask) {
        let open = self.opened();
        open.pieces += 1;
        open.only = (open.pieces == 1).then_some(mask);
        self.text.extend_from_slice(mask.word());
    }

    fn literal(&mut self, bytes: &[u8], words: bool) {
        let open = self.opened();
        open.pieces += 1;
        open.only = None;
        open.words |= words;
        self.text.extend_from_slice(bytes);
    }

    /// The first `=` of a token ends its key.
    fn equals(&mut self) {
        self.literal(b"=", false);
        let to = self.text.len();
        let open = self.opened();
        if open.key_to == open.from && to > open.from + 1 {
            open.key_to = to;
            open.words = false;
        }
    }

    fn end_token(&mut self) {
        let Some(open) = self.open.take() else { return };
        let Some(text) = self.text.get(open.from..).filter(|text| !text.is_empty()) else {
            return;
        };
        let told = match open.only {
            _ if open.words => Told::Words,
            Some(mask) if mask.is_id() => Told::Id,
            Some(_) | None => Told::Quiet,
        };
        let key = self
            .text
            .get(open.from..open.key_to)
            .filter(|key| !key.is_empty());
        self.tokens.push(Token {
            from: open.from,
            to: self.text.len(),
            hash: hash(text),
            key_to: open.key_to,
            key: key.map_or(0, |key| hash(key).max(1)),
            told,
            in_message: open.in_message,
        });
    }

    /// Only the message of a logfmt line tells whether two lines are alike, where it has one.
    pub fn hush_all_but_message(&mut self) {
        if self
            .tokens
            .iter()
            .any(|token| token.in_message && token.told == Told::Words)
        {
            for token in self.tokens.iter_mut().filter(|token| !token.in_message) {
                token.told = Told::Quiet;
            }
        }
    }

    /// Whether most of it is `key=value`.
    pub fn is_logfmt(&self) -> bool {
        let outside = || {
            self.tokens
                .iter()
                .filter(|token| !token.in_message || token.key != 0)
        };
        let keyed = outside().filter(|token| token.key != 0).count();
        keyed >= 2 && keyed * 3 >= outside().count() * 2
    }
}

/// Eight hex digits or more, of which one at least is no letter and one no number.
fn is_hex_id(word: &[u8]) -> bool {
    word.len() >= 8
        && word.iter().all(u8::is_ascii_hexdigit)
        && word.iter().any(u8::is_ascii_digit)
        && !word.iter().all(u8::is_ascii_digit)
}

/// Past a blank, a control character, or a whole terminal colour.
fn past_escape(text: &[u8], i: usize) -> usize {
    if at(text, i) != 0x1b || at(text, i + 1) != b'[' {
        return i + 1;
    }
    let inside = text.get(i + 2..).unwrap_or_default();
    let parameters = inside.iter().take_while(|b| (0x20..0x40).contains(*b)).count();
    i + 2 + parameters + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        let mut masked = Masked::new(Reach {
            bytes: 2_048,
            tokens: 64,
        });
        masked.scan(text.as_bytes());
        let words: Vec<_> = masked
            .tokens
            .iter()
            .map(|t| String::from_utf8_lossy(&masked.text[t.from..t.to]).into_owned())
            .collect();
        words.join(" ")
    }

    #[test]
    fn every_kind_of_value_has_its_mask() {
        for (text, expected) in [
            (
                "pool exhausted after 1.5s (20/20 in use)",
                "pool exhausted after <dur> (<num>/<num> in use)",
            ),
            ("took 250µs, 12.5% of 3m20s", "took <dur>, <num>% of <dur>"),
            (
                "user 7f3c2a10-1b2c-4d5e-8f90-0123456789ab from 10.2.3.4:8080",
                "user <uuid> from <ip>",
            ),
            ("trace=4bf92f3577b34da6a3ce929d0e0e4736", "trace=<hex>"),
            ("at 0x7ffe12 read 12MiB", "at <hex> read <num>MiB"),
            ("GET /api/cart/17?x=1 200", "GET <path> <num>"),
            ("GET / 200", "GET <path> <num>"),
            ("see https://example.com/a,b", "see <path>,b"),
            ("open \"config file\": don't", "open <q>: don't"),
            (
                "2026-11-20 03:14:07,123 [worker-12] INFO x",
                "<ts> [worker-<num>] INFO x",
            ),
            (
                "pod checkout-6d5f9c7b8-x7k2p on node3",
                "pod checkout-<hex>-<id> on node<num>",
            ),
            ("delta=-5 k8s v2 sha256", "delta=<num> k8s v<num> sha<num>"),
            ("\u{1b}[31mERROR\u{1b}[0m boom", "ERROR boom"),
            ("peer [2001:db8::1]:80", "peer [<ip>]:<num>"),
            ("20/Nov/2026:03:14:07 +0000", "<ts>"),
        ] {
            assert_eq!(masked(text), expected, "{text}");
        }
    }

    #[test]
    fn the_message_of_logfmt_is_text_and_other_quoted_values_are_not() {
        assert_eq!(
            masked(r#"ts=2026-11-20T03:14:07Z level=warn msg="retry 3 of \"charge\"" err="a b""#),
            r#"ts=<ts> level=warn msg="retry <num> of <q>" err=<q>"#,
        );
    }

    #[test]
    fn only_the_first_line_counts_and_what_is_too_long_ends_in_an_ellipsis() {
        assert_eq!(masked("boom at x\n  at y"), "boom at x");
        assert_eq!(masked(&"word ".repeat(70)), format!("{}…", "word ".repeat(64)));
        assert!(masked(&"x".repeat(3_000)).ends_with('…'));
        assert_eq!(masked(" \t "), "");
    }
}
