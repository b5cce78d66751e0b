//! What the screen shows, drawn from the model and a theme into a buffer; pure.

pub mod widget;
