//! Pure values and mathematics: what the console is about, without a terminal, a network or a clock.
//!
//! Nothing here may know ratatui, tokio, reqwest or the environment. One folder a concept:
//! [`slo`] (objectives, burn rates, budgets), [`alert`] (alerts, groups, silences, acknowledgement), [`incident`],
//! [`oncall`] and [`timeline`]; [`writeup`] is what is written of them, [`document`] what all
//! JSON documents share; [`log`] (lines, levels, batches), [`pattern`] (what they say, counted) and [`trace`] (spans as a
//! tree, and what explains them; [`trace_id`] names one). [`drill`] scores an exercise. [`service_map`] and
//! [`environment`]: by which names backends know the same service, the same cluster; [`selector`]: what is of them;
//! [`oneself`]: by which names they know whoever acts here. [`case`] lays out what all of them say around a trouble, and
//! ranks what that points at. [`compare`] is how filters and queries compare.

pub mod alert;
pub mod case;
pub mod compare;
pub mod document;
pub mod drill;
pub mod environment;
pub mod incident;
pub mod log;
pub mod oncall;
pub mod oneself;
pub mod pattern;
pub mod selector;
pub mod service_map;
pub mod slo;
pub mod timeline;
pub mod trace;
pub mod trace_id;
pub mod writeup;
