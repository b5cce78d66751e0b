//! Runbooks: where one is looked for, Markdown read as a checklist, and the commands in it as argument vectors that no
//! shell ever sees.
//!
//! Pure: fetching a runbook and running a command are the runtime's (`runtime::runbooks`), what is drawn is the view's.
//! Start at [`source::places`] for where it lies, at [`Checklist::read`] for a document, at
//! [`command::Template::read`] for a command in it, at [`Policy::offer`] for whether it may be run.
#![deny(clippy::indexing_slicing, clippy::string_slice)]

mod checklist;
pub mod command;
mod ended;
pub mod json;
mod playbook;
mod policy;
mod record;
mod script;
pub mod source;
pub mod table;

pub use checklist::{Block, Checklist, Document, Kind, LONGEST, MOST, Offer, Origin, StepId};
pub use ended::{End, Ended};
pub use playbook::{Check, Comparison, Expect, PlayStep, Playbook, Verify};
pub use policy::{Identity, Means, Offered, Policy, Program};
pub use record::{Mark, Ticked, TicksOf, Told};
