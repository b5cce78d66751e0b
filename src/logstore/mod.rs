//! Lines in hand: bounded, ordered, searched, and handed out as immutable snapshots.
//!
//! One task owns the [`Store`]: it takes batches, reads level, time, service and trace id out of each line once, and
//! keeps the text in chunks of some megabytes. A [`Snapshot`] shares those chunks: it copies nothing per line, never
//! changes, and stays readable for as long as somebody holds it. [`query::Query`] says what is looked for,
//! [`search::Search`] finds it in slices, and [`found::Found`] is what it has.
//!
//! Lines stand in order of time; of equal times the order of arrival decides. What no source tells the time of stands
//! in the order of its stream, whatever its text says. A [`LineId`] names a line for as long as it is in hand.
//!
//! Nothing here knows of panes, sources or tasks. Start at [`store`].

#![deny(clippy::indexing_slicing, clippy::string_slice)]

mod body;
mod builder;
pub mod chunk;
mod field;
pub mod found;
mod intake;
mod joined;
mod needle;
pub mod query;
pub mod seam;
pub mod search;
mod sift;
pub mod snapshot;
pub mod store;
#[cfg(test)]
mod tests;

pub use chunk::{Entry, LineId, Text, Told};
pub use found::Found;
pub use joined::{Part, join};
pub use query::Query;
pub use search::{Budget, Progress, Search};
pub use snapshot::{Counts, Snapshot};
pub use store::{Limits, Room, Store};
