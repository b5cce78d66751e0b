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

mod adoption;
mod alertmanager;
mod cli;
mod composed;
mod exemplars;
#[path = "../pty/harness.rs"]
#[allow(
    dead_code,
    clippy::disallowed_methods,
    reason = "shared with the terminal tests, which use the rest of it"
)]
mod harness;
mod killed;
mod loki;
mod prometheus;
mod server;
mod traces;
mod two_consoles;
mod two_escalations;
mod victorialogs;
