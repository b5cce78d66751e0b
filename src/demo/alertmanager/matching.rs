//! Fingerprints, and matchers that are ready to match.

use regex::Regex;

use crate::domain::alert::{Fingerprint, Labels, MatchOp, Matcher};

/// The label set's hash as Prometheus's `model.LabelSet.Fingerprint` has it: 64-bit FNV-1a over
/// `name 0xff value 0xff`, by name.
pub fn fingerprint(labels: &Labels) -> Fingerprint {
    let hash = |seed: u64, bytes: &[u8]| {
        bytes.iter().chain(&[0xff]).fold(seed, |h, b| {
            (h ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    };
    Fingerprint(labels.iter().fold(0xcbf2_9ce4_8422_2325, |h, (name, value)| {
        hash(hash(h, name.as_bytes()), value.as_bytes())
    }))
}

/// A matcher whose pattern is compiled.
#[derive(Debug, Clone)]
pub struct Rule {
    /// As written.
    pub matcher: Matcher,
    regex: Option<Regex>,
}

impl Rule {
    /// Compiles a matcher; the error is the regex engine's first line.
    pub fn new(matcher: Matcher) -> Result<Self, String> {
        let regex = match matcher.op {
            MatchOp::Regex | MatchOp::NotRegex => {
                Some(Regex::new(&format!("^(?:{})$", matcher.value)).map_err(|_| {
                    format!(
                        "invalid regular expression {:?}: error parsing regexp: `{}`",
                        matcher.value, matcher.value
                    )
                })?)
            }
            MatchOp::Equal | MatchOp::NotEqual => None,
        };
        Ok(Self { matcher, regex })
    }

    /// Whether a value passes; a missing label is the empty string.
    pub fn passes(&self, value: &str) -> bool {
        let found = self
            .regex
            .as_ref()
            .map_or_else(|| value == self.matcher.value.as_ref(), |r| r.is_match(value));
        match self.matcher.op {
            MatchOp::Equal | MatchOp::Regex => found,
            MatchOp::NotEqual | MatchOp::NotRegex => !found,
        }
    }

    /// Whether a label set passes.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.passes(labels.value(&self.matcher.name))
    }

    /// Reads `name="value"`, `=~`, `!=`, `!~`; quotes may be left out.
    pub fn parse(text: &str) -> Result<Self, String> {
        let bad = || format!("bad matcher format: {text}");
        let trimmed = text.trim();
        let end = trimmed
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
            .filter(|end| *end > 0)
            .ok_or_else(bad)?;
        let (name, rest) = trimmed.split_at(end);
        let rest = rest.trim_start();
        let (op, value) = [
            ("=~", MatchOp::Regex),
            ("!~", MatchOp::NotRegex),
            ("!=", MatchOp::NotEqual),
            ("=", MatchOp::Equal),
        ]
        .into_iter()
        .find_map(|(symbol, op)| Some((op, rest.strip_prefix(symbol)?)))
        .ok_or_else(bad)?;
        let value = value.trim();
        let value = match value.strip_prefix('"') {
            Some(open) => unquoted(open.strip_suffix('"').ok_or_else(bad)?),
            None => value.to_owned(),
        };
        Self::new(Matcher {
            name: name.into(),
            op,
            value: value.into(),
        })
        .map_err(|_| bad())
    }
}

fn unquoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some(other) => out.push(other),
                None => out.push(c),
            },
            other => out.push(other),
        }
    }
    out
}
