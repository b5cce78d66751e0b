//! The loop and what drives it. `frame` says when to draw.

pub mod frame;
