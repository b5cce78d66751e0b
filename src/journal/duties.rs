//! Who is on call, as each keeper of incidents told last: for the time when one cannot be asked.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::incidents::to_json;
use super::{JournalResult, Tx, state};
use crate::domain::oncall::Duty;

/// The key of a keeper's duties among what the journal keeps.
const KEY: &str = "on_call ";

/// What a keeper told. Kept as JSON: fields are only ever added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// When.
    pub at: DateTime<Utc>,
    /// Who is on call, and who follows.
    pub duties: Vec<Duty>,
    /// What was missing from it, in words.
    #[serde(default)]
    pub partial: Option<String>,
}

/// Keeps what a keeper told in the place of what it told before.
pub fn keep(tx: &Tx<'_>, context: &str, keeper: &str, told: &Told) -> JournalResult<()> {
    state::put(tx, context, &format!("{KEY}{keeper}"), &to_json(told)?)
}

/// What a keeper told last. What another version wrote and this one does not read is as good as nothing.
pub fn recall(tx: &Tx<'_>, context: &str, keeper: &str) -> JournalResult<Option<Told>> {
    let text = state::get(tx, context, &format!("{KEY}{keeper}"))?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}
