//! Patterns: lines that say the same with other values, counted together while they come.
//!
//! The method is Drain (He et al., "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS 2017) with
//! typed masking first: `masked` turns a line into tokens in which numbers, durations, ids, addresses, paths,
//! times and quotations are already named by their kind; a shallow tree (service and level, form, token count,
//! first word) leads to the few clusters a line may belong to; the alike one takes it in and widens where it
//! differs. Everything is bounded ([`Bounds`]), and the counts always sum up ([`Tally`]): lines that belong to no
//! pattern are counted too. It knows nothing of a screen; text in a [`Pattern`] is remote and not yet safe.
//! Start at [`Patterns`].

mod cluster;
mod json;
mod line;
mod masked;
mod matcher;
mod report;
mod told;
mod tree;
mod trend;
mod typed;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use line::Form;
pub use matcher::Matcher;
pub use report::{Beginning, Example, Pattern, Standing};
pub use told::told_first;
pub use tree::Patterns;
pub use trend::BUCKETS;

/// Names a pattern for as long as these [`Patterns`] live; never used again for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PatternId(pub u64);

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Patterns of one service and level.
    pub per_tree: usize,
    /// Patterns in all.
    pub in_all: usize,
    /// Pairs of service and level.
    pub trees: usize,
    /// Bytes of a message that are looked at; what is longer ends in `…`.
    pub message_bytes: usize,
    /// Tokens of a message that are looked at.
    pub tokens: usize,
    /// Bytes of an example that are kept.
    pub example_bytes: usize,
    /// The width of a trend's bucket; there are [`BUCKETS`].
    pub bucket: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            per_tree: 256,
            in_all: 4_096,
            trees: 512,
            message_bytes: 2_048,
            tokens: 64,
            example_bytes: 512,
            bucket: Duration::from_secs(60),
        }
    }
}

/// Where every line went: `seen = clustered + unclustered + forgotten + blank`, always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Lines learnt.
    pub seen: u64,
    /// In a pattern that is listed.
    pub clustered: u64,
    /// In none, as there was no room for another.
    pub unclustered: u64,
    /// Of patterns that gave way to others.
    pub forgotten: u64,
    /// Without a word in them.
    pub blank: u64,
}
