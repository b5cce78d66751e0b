//! Texts that are looked for: exactly, or whatever the case.

use memchr::{memchr2, memmem};
use regex::bytes::{Regex, RegexBuilder};

/// Programs and caches above this size are refused: a pattern must not cost the console its memory.
const REGEX_SIZE: usize = 4 * 1024 * 1024;

/// A text that is looked for.
#[derive(Debug, Clone)]
pub(super) enum Needle {
    Exact(Box<memmem::Finder<'static>>),
    Folded(Folded),
    /// Beyond ASCII, whatever the case.
    Pattern(Regex),
}

impl Needle {
    pub(super) fn exact(text: &str) -> Self {
        Self::Exact(Box::new(memmem::Finder::new(text.as_bytes()).into_owned()))
    }

    /// Any capital makes it case-sensitive.
    pub(super) fn of(text: &str) -> Result<Self, regex::Error> {
        if text.chars().any(char::is_uppercase)
            || !text
                .bytes()
                .any(|byte| byte.is_ascii_alphabetic() || byte >= 0x80)
        {
            Ok(Self::exact(text))
        } else if text.is_ascii() {
            Ok(Self::Folded(Folded::of(text.as_bytes())))
        } else {
            pattern(&regex::escape(text), Case::Ignored).map(Self::Pattern)
        }
    }

    /// The first at or after `from`: where it begins and ends.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        match self {
            Self::Exact(finder) => {
                let at = from + finder.find(text.get(from..)?)?;
                Some((at, at + finder.needle().len()))
            }
            Self::Folded(folded) => folded.find(text, from).map(|at| (at, at + folded.lower.len())),
            Self::Pattern(regex) => (from <= text.len())
                .then(|| regex.find_at(text, from))
                .flatten()
                .map(|found| (found.start(), found.end())),
        }
    }
}

/// Whether capitals matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Kept,
    Ignored,
}

/// A regex over lines: `^` and `$` are the ends of each, and `.` stays within one.
pub(super) fn pattern(pattern: &str, case: Case) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern)
        .case_insensitive(case == Case::Ignored)
        .multi_line(true)
        .size_limit(REGEX_SIZE)
        .dfa_size_limit(REGEX_SIZE)
        .build()
}

/// An ASCII text, whatever the case.
#[derive(Debug, Clone)]
pub(super) struct Folded {
    lower: Vec<u8>,
    /// The two rarest bytes of it, and where they stand: both are compared before anything else is.
    rare: [Rare; 2],
}

#[derive(Debug, Clone, Copy, Default)]
struct Rare {
    at: usize,
    byte: u8,
    /// What makes both cases one: 0x20 for a letter.
    fold: u8,
}

/// Bytes that are compared at once: plain loops over as many become vector instructions.
const WINDOW: usize = 64;

/// Bytes of log lines, the most frequent first; what is not in it is rare.
const COMMON: &[u8] = br#" "e0t1a,:2i3on4s5r6-87d9cl_pu=.mf/hbg{}vTkyw[]x()ZzjqI"#;

fn rareness(byte: u8) -> usize {
    COMMON
        .iter()
        .position(|common| *common == byte)
        .unwrap_or(COMMON.len())
}

impl Folded {
    fn of(text: &[u8]) -> Self {
        let lower = text.to_ascii_lowercase();
        let mut places: Vec<usize> = (0..lower.len()).collect();
        places.sort_by_key(|at| std::cmp::Reverse(lower.get(*at).copied().map_or(0, rareness)));
        let rare = [0, 1].map(|nth| {
            let at = places.get(nth).or(places.first()).copied().unwrap_or(0);
            let byte = lower.get(at).copied().unwrap_or(0);
            let fold = if byte.is_ascii_alphabetic() { 0x20 } else { 0 };
            Rare { at, byte, fold }
        });
        Self { lower, rare }
    }

    fn is_at(&self, text: &[u8], at: usize) -> bool {
        let here = text.get(at..).and_then(|rest| rest.get(..self.lower.len()));
        here.is_some_and(|here| here.eq_ignore_ascii_case(&self.lower))
    }

    fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        let [a, b] = self.rare;
        if self.lower.len() == 1 {
            return Some(from + memchr2(a.byte, a.byte.to_ascii_uppercase(), text.get(from..)?)?);
        }
        let mut at = from;
        loop {
            let window =
                |rare: Rare| -> Option<&[u8; WINDOW]> { text.get(at + rare.at..)?.first_chunk::<WINDOW>() };
            let (Some(left), Some(right)) = (window(a), window(b)) else {
                break;
            };
            let both = |(left, right): (&u8, &u8)| {
                u8::from(left | a.fold == a.byte) & u8::from(right | b.fold == b.byte)
            };
            let hits = left.iter().zip(right).fold(0, |hits, pair| hits | both(pair));
            if hits != 0 {
                let rare = left
                    .iter()
                    .zip(right)
                    .enumerate()
                    .filter(|(_, pair)| both(*pair) != 0);
                let found = rare
                    .map(|(within, _)| at + within)
                    .find(|at| self.is_at(text, *at));
                if found.is_some() {
                    return found;
                }
            }
            at += WINDOW;
        }
        (at..text.len()).find(|at| self.is_at(text, *at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_folded_text_is_found_where_lowercase_has_it(
            text in "[aAbB -]{0,300}",
            wanted in "[ab -]{0,3}[ab]",
            from in 0_usize..300,
        ) {
            let needle = Needle::of(&wanted).unwrap();
            let expected = text.get(from..).and_then(|rest| rest.to_lowercase().find(&wanted)).map(|at| at + from);
            prop_assert_eq!(needle.find(text.as_bytes(), from).map(|(at, _)| at), expected);
        }
    }

    #[test]
    fn a_capital_makes_it_case_sensitive_beyond_ascii_too() {
        for (wanted, text, found) in [
            ("Err", "err", false),
            ("err", "ERR", true),
            ("größe", "GRÖSSE größe", true),
            ("größe", "GRÖßE", true),
            ("Größe", "größe", false),
            ("k", "K", true),
        ] {
            let needle = Needle::of(wanted).unwrap();
            assert_eq!(
                needle.find(text.as_bytes(), 0).is_some(),
                found,
                "{wanted} in {text}"
            );
        }
    }
}
