//! Whole numbers as servers write them: as numbers, or as texts where JavaScript could not hold them.

use serde::{Deserialize, Deserializer};

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Whole(u64),
    Text(String),
    /// A float, a negative one, null: nothing that counts.
    Other(serde::de::IgnoredAny),
}

/// A whole number; 0 for what is none.
pub(super) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Ok(match Written::deserialize(deserializer)? {
        Written::Whole(number) => number,
        Written::Text(text) => text.trim().parse().unwrap_or(0),
        Written::Other(_) => 0,
    })
}
