//! What is written of incidents: the post-mortem's draft, the hand-over of a shift, the figures.
//!
//! Pure: values in, Markdown out. Every remote text passes [`markdown`], which makes it safe for a terminal and
//! keeps it from acting as Markdown. Start at [`postmortem`], [`handoff`] and [`stats`].

pub mod handoff;
pub mod markdown;
pub mod postmortem;
pub mod stats;
#[cfg(test)]
mod tests;
