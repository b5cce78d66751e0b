//! midwatch: a terminal operations console for on-call engineers.
//!
//! These docs are the living architecture; they are completed with the code.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::float_cmp,
        reason = "a test that fails says so by panicking"
    )
)]

pub mod action;
pub mod app;
pub mod backend;
pub mod cli;
pub mod config;
pub mod demo;
pub mod domain;
pub mod keymap;
pub mod problem;
pub mod runtime;
pub mod shelf;
pub mod terminal;
pub mod text;
pub mod theme;
pub mod time;
pub mod view;
