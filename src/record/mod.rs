//! Recordings: what the backends said and what was pressed, kept in a file, and played again.
//!
//! [`Tape`] writes one (`--record FILE`), fed by [`Tap`]s: one before each transport ([`Tapped`]) and one in the loop.
//! [`Recording`] reads one, and [`Replayed`] is the transport that answers from it; [`crate::runtime::replay`] runs
//! the console over that. [`mod@format`] says what lies in the file, [`key`] which question is which.
//!
//! A file is a line that names the format and its version, then frames, each written whole and at once: what is
//! there of a console that was killed reads to its last frame. No header of a request is kept, and of an answer's
//! only those that are read; the secrets in use are blotted out of URLs, bodies and errors, and people's numbers out of
//! whole bodies; of the configuration is kept what a replay needs, without credentials. What a backend says is otherwise kept as it is, and so are keys and
//! pastes: the words of a note, the lines of a log.
//!
//! It must not know panes, the model or the journal. Start at [`format::Entry`].
#![deny(clippy::indexing_slicing, clippy::string_slice)]

mod config;
pub mod format;
pub mod key;
mod phones;
mod reader;
mod replayed;
mod tape;
mod tapped;

#[cfg(test)]
mod tests;

/// What a console says that is being recorded; its replay says it too.
pub const SAID: &str = "recording: what backends say and what you press is kept";

pub use config::{keepable, readable};
pub use reader::{Ending, Event, Moment, Recording, RecordingError, Strictness};
pub use replayed::Replayed;
pub use tape::{Summary, Tap, Tape, TapeError};
pub use tapped::Tapped;
