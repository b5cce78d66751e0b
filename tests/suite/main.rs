//! Integration tests that need no terminal and no real servers; one target, one link.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    reason = "a test that fails says so by panicking"
)]

mod audit;
mod awaited;
mod commands;
mod config_corpus;
mod corpus;
mod fixtures;
mod headless;
mod journeys;
mod keymap_corpus;
mod keys;
mod laws;
mod logs;
mod outbox;
mod packaging;
mod permissions;
mod plain;
mod properties;
mod replay;
mod screens;
mod teaching;
mod theme_corpus;
mod tour;
mod update;
