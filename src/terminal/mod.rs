//! The terminal: what enters it is decoded here, what leaves it is encoded here, and it is always restored.
//!
//! `guard` enters and leaves (exit, error, panic, SIGTERM/SIGHUP); `decoder` turns bytes into [`Input`] and
//! rejoins what a slow link split; `encoder` is our own ratatui `Backend` (stock crossterm resends resets and
//! cursor state every frame); `writer` is the thread that alone may block on a stalled link, and that paces a slow one (`pace`); `asking` measures how
//! far away the terminal is, where it answers. Everything above sees [`Input`] and [`Screen`] only, so tests inject the one and record the other.

pub mod asking;
pub mod capability;
pub mod clipboard;
pub mod counted;
pub mod decoder;
pub mod encoder;
pub mod guard;
pub mod hyperlink;
pub mod input;
pub mod notice;
pub mod pace;
pub mod signals;
#[cfg(test)]
mod tests;
pub mod tty;
pub mod writer;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyEvent, MouseEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Size};
use tokio::sync::Notify;

use crate::time::Tick;
use hyperlink::{Hyperlink, Hyperlinks};

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

/// What of frames the way to the terminal takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Any: nothing is on its way.
    Idle,
    /// What a person asked for; what the world changed not before this moment, so that a key finds the way free.
    Rests(Tick),
    /// What a person asked for; what the world changed when the terminal has answered, of which one is notified as of
    /// a writer that becomes idle.
    Awaited,
    /// None: the last one is still being sent.
    Busy,
}

/// What the way to the terminal carries, for whoever looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Bytes sent so far.
    pub bytes: u64,
    /// Bytes a second, over the last five.
    pub per_second: u32,
    /// The most that may go in a second, where that is capped (`--slow`).
    pub cap: Option<NonZeroU32>,
    /// There and back, with the frame that went ahead of the question; nothing where the terminal does not answer.
    pub round_trip: Option<Duration>,
}

impl Traffic {
    /// Whether the console spares the link: no seconds on the clock, nothing that moves by itself.
    pub fn is_spared(&self) -> bool {
        self.cap.is_some()
    }
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

    /// What of frames is taken at this moment.
    fn link(&self, _now: Tick) -> Link {
        if self.is_ready() { Link::Idle } else { Link::Busy }
    }

    /// What the way to the terminal carries.
    fn traffic(&self, _now: Tick) -> Traffic {
        Traffic::default()
    }

    /// Whether text can be a link.
    fn hyperlinks(&self) -> Hyperlinks {
        Hyperlinks::Off
    }

    /// These cells of the frame that is presented next lead somewhere, and no others.
    fn link_cells(&mut self, _links: &[Hyperlink]) {}

    /// Shows a notice on the desktop of the person's own machine, where the terminal can.
    fn notify(&mut self, _title: &str, _body: &str) {}

    /// Whether anybody looks: for nobody nothing is drawn.
    fn is_looked_at(&self) -> bool {
        true
    }

    /// Notified when the writer becomes idle.
    fn drained(&self) -> Arc<Notify>;

    /// Shows a frame: only what differs from what was last written is sent. Call only when ready.
    fn present(&mut self, frame: &Buffer, cursor: Option<Position>);

    /// Shows a frame that differs from the last in one row alone, and in no link; no cursor is in it.
    fn present_row(&mut self, frame: &Buffer, _y: u16) {
        self.present(frame, None);
    }

    /// Forgets what was written: the next frame is sent whole.
    fn invalidate(&mut self);

    /// Bytes handed to the terminal so far; nothing where nobody counts.
    fn sent(&self) -> u64 {
        0
    }

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
