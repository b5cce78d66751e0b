//! The table of acts that are not yet known to have happened. What may be done with one is [`crate::outbox`]'s.

/// The acts.
pub(super) const TABLES: &str = "";
