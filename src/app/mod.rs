//! The application: one `Model`, messages in, effects out, all of it pure.

pub mod feed;
