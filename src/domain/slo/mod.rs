//! Service level objectives: what is promised, how fast the budget burns, when it is gone.
//!
//! The arithmetic is that of the Google SRE workbook, chapter "Alerting on SLOs". Values here are plain
//! numbers; where they come from (queries, batches, tiers) is `backend::metrics`' business. Start at
//! [`Slo`] (the promise), then [`Readings`] (what was measured), then [`evaluate()`], which turns the two
//! into the [`SloReport`] (what is said); [`rank()`] orders the board.

mod budget;
mod evaluate;
mod exhaustion;
pub mod json;
mod last_known;
mod promise;
mod rank;
mod reading;
mod report;
mod rule;
mod spent;
pub mod table;
mod words;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use budget::{policy_for, status_for};
pub use evaluate::evaluate;
pub use exhaustion::{linear_exhaustion, rolling_exhaustion};
pub use last_known::LastKnown;
pub use promise::*;
pub use rank::{headline_burn, rank};
pub use reading::*;
pub use report::*;
pub use rule::{
    BudgetShare, RuleWindows, WORKBOOK, default_short, factor, rule, unreachable_notes, workbook_rules,
};
pub use spent::{Peak, Spent};
pub use words::duration_in_words;
