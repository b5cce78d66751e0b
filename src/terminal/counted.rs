//! A screen that shows nothing and counts what a terminal would be sent: what `doctor --cost` draws on.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Size};
use tokio::sync::Notify;

use super::encoder::{Encoder, SyncOutput};
use super::{Copied, Screen};

/// Always ready: it has no link that could stall.
#[derive(Debug)]
pub struct Counted {
    size: Size,
    encoder: Encoder,
    drained: Arc<Notify>,
    sent: u64,
}

impl Counted {
    /// A screen of a size.
    pub fn new(size: Size) -> Self {
        Self {
            size,
            encoder: Encoder::new(SyncOutput::Marked),
            drained: Arc::default(),
            sent: 0,
        }
    }
}

impl Screen for Counted {
    fn size(&self) -> Size {
        self.size
    }

    fn is_ready(&self) -> bool {
        true
    }

    fn drained(&self) -> Arc<Notify> {
        Arc::clone(&self.drained)
    }

    fn present(&mut self, frame: &Buffer, cursor: Option<Position>) {
        self.encoder.encode(frame, cursor);
        self.sent += self.encoder.take().len() as u64;
    }

    fn present_row(&mut self, frame: &Buffer, y: u16) {
        self.encoder.encode_row(frame, y);
        self.sent += self.encoder.take().len() as u64;
    }

    fn invalidate(&mut self) {
        self.encoder.invalidate();
    }

    fn sent(&self) -> u64 {
        self.sent
    }

    fn ring(&mut self) {
        self.sent += 1;
    }

    fn copy(&mut self, _text: &str) -> Copied {
        Copied::Sent
    }

    fn lend(&mut self) {}

    fn take_back(&mut self) -> std::io::Result<()> {
        Ok(())
    }

    fn suspend(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
