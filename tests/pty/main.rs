//! The built binary on a pseudo-terminal: it starts, answers, and gives the terminal back, whatever happens.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a test that fails says so by panicking, and builds the environment it starts programs in"
)]

mod drill;
mod editor;
mod harness;
mod input;
mod journey;
mod lifecycle;
mod lines;
mod odd_terminals;
mod stand_in;
mod surroundings;
