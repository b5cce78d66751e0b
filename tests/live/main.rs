//! midwatch against real servers, started here on loopback. A missing binary is said loudly and skipped.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "a test that fails says so by panicking"
)]

mod alertmanager;
mod cli;
mod killed;
mod prometheus;
mod victorialogs;
