//! Pure values and mathematics: what the console is about, without a terminal, a network or a clock.
//!
//! Nothing here may know ratatui, tokio, reqwest or the environment. One folder a concept:
//! [`slo`] (objectives, burn rates, budgets) and [`alert`] (alerts, groups, silences, acknowledgement).

pub mod alert;
pub mod slo;
