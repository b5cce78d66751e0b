//! To come.

pub mod promql;
pub mod world;
