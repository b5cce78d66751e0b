//! Runbooks: Markdown read as a checklist, and the commands in it as argument vectors that no shell ever sees.
//!
//! Pure: fetching a runbook and running a command are the runtime's, what is drawn is the view's. Start at
//! [`Checklist::read`] for a document, at [`command::Template::read`] for a command in it.
#![deny(clippy::indexing_slicing, clippy::string_slice)]

mod checklist;
pub mod command;

pub use checklist::{Block, Checklist, Kind, Offer, StepId};
