//! What the model looks like: pure drawing into a buffer.
//!
//! [`layout`] says where, `pane` draws the panes and their details, `overlay` what lies over them, `widget`
//! are the pieces. A view sees `&Model`, `&Theme` and `Now`, and changes nothing.

pub mod layout;
pub mod widget;
