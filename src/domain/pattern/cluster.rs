//! A cluster: what the lines of a pattern have in common, position by position.

use std::sync::Arc;

use super::masked::{Masked, Token, Told, hash};
use super::tree::Place;
use super::trend::Trend;
use super::{Example, Form, PatternId};
use crate::domain::log::Nanos;

/// Examples that are kept, the newest.
pub(super) const EXAMPLES: usize = 3;

/// What a position of a pattern takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// This token.
    Same,
    /// Any number or id.
    AnyId,
    /// Any value of this key.
    AnyValue,
    /// Anything.
    Any,
}

#[derive(Debug, Clone)]
struct Slot {
    takes: Takes,
    hash: u64,
    key: u64,
    told: Told,
    text: Box<[u8]>,
    key_bytes: usize,
}

impl Slot {
    fn of(masked: &Masked, token: &Token) -> Self {
        let text = masked.text.get(token.from..token.to).unwrap_or_default();
        Self {
            takes: Takes::Same,
            hash: token.hash,
            key: token.key,
            told: token.told,
            text: text.into(),
            key_bytes: token.key_to - token.from,
        }
    }

    fn takes(&self, token: &Token) -> bool {
        match self.takes {
            Takes::Same => self.hash == token.hash,
            Takes::AnyId => token.told == Told::Id,
            Takes::AnyValue => self.key == token.key,
            Takes::Any => true,
        }
    }

    fn covers(&self, other: &Self) -> bool {
        match self.takes {
            Takes::Same => other.takes == Takes::Same && self.hash == other.hash,
            Takes::AnyId => {
                other.takes == Takes::AnyId || (other.takes == Takes::Same && other.told == Told::Id)
            }
            Takes::AnyValue => self.key == other.key && other.takes != Takes::Any,
            Takes::Any => true,
        }
    }

    /// Widens so that it takes a token that it did not.
    fn widen(&mut self, token: &Token) {
        if self.told == Told::Id && token.told == Told::Id {
            self.takes = Takes::AnyId;
            self.text = b"<id>".as_slice().into();
        } else if self.key != 0 && self.key == token.key {
            self.takes = Takes::AnyValue;
            let key = self.text.get(..self.key_bytes).unwrap_or_default();
            self.text = [key, b"<*>"].concat().into();
        } else {
            self.takes = Takes::Any;
            self.text = b"<*>".as_slice().into();
            self.key = 0;
        }
        self.hash = hash(&self.text);
    }
}

/// The positions of a pattern.
#[derive(Debug, Clone)]
pub(super) struct Template(Vec<Slot>);

/// How a line lies to a template of as many positions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Likeness {
    /// It fits; so many positions take more than one token.
    Fits(usize),
    /// It differs; this share of its words is the same.
    Share(f64),
}

impl Template {
    pub fn of(masked: &Masked) -> Self {
        Self(
            masked
                .tokens
                .iter()
                .map(|token| Slot::of(masked, token))
                .collect(),
        )
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn fits(&self, masked: &Masked) -> bool {
        self.len() == masked.tokens.len()
            && self
                .0
                .iter()
                .zip(&masked.tokens)
                .all(|(slot, token)| slot.takes(token))
    }

    pub fn likeness(&self, tokens: &[Token]) -> Likeness {
        let (mut differ, mut open, mut same, mut words) = (false, 0, 0_u32, 0_u32);
        for (slot, token) in self.0.iter().zip(tokens) {
            let told = slot.told == Told::Words || token.told == Told::Words;
            words += u32::from(told);
            if !slot.takes(token) {
                differ = true;
            } else if slot.takes == Takes::Same {
                same += u32::from(told);
            } else {
                open += 1;
            }
        }
        if differ {
            Likeness::Share(f64::from(same) / f64::from(words.max(1)))
        } else {
            Likeness::Fits(open)
        }
    }

    pub fn widen(&mut self, tokens: &[Token]) {
        for (slot, token) in self.0.iter_mut().zip(tokens) {
            if !slot.takes(token) {
                slot.widen(token);
            }
        }
    }

    /// Whether every line of the other fits this one too.
    pub fn covers(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self
                .0
                .iter()
                .zip(&other.0)
                .all(|(slot, other)| slot.covers(other))
    }

    /// As it is shown.
    pub fn words(&self) -> String {
        let words: Vec<_> = self
            .0
            .iter()
            .map(|slot| String::from_utf8_lossy(&slot.text))
            .collect();
        words.join(" ")
    }
}

/// The lines of a pattern, summed up.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
    pub id: PatternId,
    pub tree: usize,
    pub place: Place,
    pub form: Form,
    pub template: Template,
    /// As it is shown; made again when it widens.
    pub words: Arc<str>,
    pub count: u64,
    pub first: Nanos,
    pub last: Nanos,
    pub trend: Trend,
    /// The newest lines; the bytes of the oldest are written over.
    pub examples: Vec<Example>,
}

impl Cluster {
    /// Takes a line in.
    pub fn take(&mut self, at: Nanos, bucket: u32, line: &[u8]) {
        self.count += 1;
        self.first = self.first.min(at);
        self.last = self.last.max(at);
        self.trend.add(bucket, 1);
        if self.examples.len() < EXAMPLES {
            self.examples.push(Example {
                at,
                text: line.to_vec(),
            });
        } else if let Some(oldest) = self.examples.iter_mut().min_by_key(|example| example.at)
            && at >= oldest.at
        {
            oldest.at = at;
            oldest.text.clear();
            oldest.text.extend_from_slice(line);
        }
    }

    /// Takes the lines of another in.
    pub fn absorb(&mut self, other: Self) {
        self.count += other.count;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.trend.absorb(&other.trend);
        self.examples.extend(other.examples);
        self.examples.sort_by_key(|example| std::cmp::Reverse(example.at));
        self.examples.truncate(EXAMPLES);
    }
}
