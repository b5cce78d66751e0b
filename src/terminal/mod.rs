//! The terminal: what enters it is decoded here, what leaves it is encoded here, and it is always restored.
//!
//! `guard` enters and leaves (exit, error, panic, SIGTERM/SIGHUP); `decoder` turns bytes into [`Input`] and
//! rejoins what a slow link split; `encoder` is our own ratatui `Backend` (stock crossterm resends resets and
//! cursor state every frame); `writer` is the thread that alone may block on a stalled link. Everything above
//! sees [`Input`] and [`Screen`] only, so tests inject the one and record the other.

pub mod capability;
pub mod clipboard;
pub mod decoder;
pub mod encoder;
pub mod guard;
pub mod input;
pub mod signals;
#[cfg(test)]
mod tests;
pub mod tty;
pub mod writer;

use std::sync::Arc;

use crossterm::event::{KeyEvent, MouseEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Size};
use tokio::sync::Notify;

/// Something the person at the terminal did, whole, however it was split on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key.
    Key(KeyEvent),
    /// A bracketed paste, whole; line breaks normalised to `\n`, not yet sanitised.
    Paste(String),
    /// The mouse, where reporting is on. Scrolls are coalesced.
    Mouse(MouseEvent),
    /// The window has this size now.
    Resize(Size),
    /// The terminal told its background colour.
    Background {
        /// 0–255 each.
        rgb: [u8; 3],
    },
    /// The window has the focus, or lost it.
    Focus(Focused),
    /// The terminal is gone: end of file or hang-up.
    Closed,
}

/// Whether the terminal window has the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focused {
    /// It has.
    Gained,
    /// It has not.
    Lost,
}

/// What became of a copy to the clipboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copied {
    /// Handed to the terminal by OSC 52 (whether it obeys, it does not say).
    Sent,
    /// Too large for what terminals take.
    TooLarge {
        /// Bytes asked for.
        bytes: usize,
        /// Bytes that can be had.
        cap: usize,
    },
}

/// Where frames go. The real one is the terminal; tests record.
pub trait Screen: Send {
    /// Present size in cells.
    fn size(&self) -> Size;

    /// Whether the last frame has left: no frame is due while the writer is busy.
    fn is_ready(&self) -> bool;

    /// Whether anybody looks: for nobody nothing is drawn.
    fn is_looked_at(&self) -> bool {
        true
    }

    /// Notified when the writer becomes idle.
    fn drained(&self) -> Arc<Notify>;

    /// Shows a frame: only what differs from what was last written is sent. Call only when ready.
    fn present(&mut self, frame: &Buffer, cursor: Option<Position>);

    /// Forgets what was written: the next frame is sent whole.
    fn invalidate(&mut self);

    /// Rings the bell.
    fn ring(&mut self);

    /// Copies to the clipboard of the person's own machine.
    fn copy(&mut self, text: &str) -> Copied;

    /// Gives the terminal, as it was found, to an editor. No key meant for that is read here, and nothing is drawn
    /// until [`Screen::take_back`].
    fn lend(&mut self);

    /// Takes the terminal again after [`Screen::lend`]; the next frame is sent whole.
    fn take_back(&mut self) -> std::io::Result<()>;

    /// Gives the terminal back, stops the process group as ctrl-z does, and takes it again on SIGCONT.
    fn suspend(&mut self) -> std::io::Result<()>;

    /// Takes the terminal again after a SIGCONT; nothing is done where that ended a [`Screen::suspend`].
    fn resume(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
