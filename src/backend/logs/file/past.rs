//! The past of a file as its tail tells it: the end first, so that it can be looked at at once, then the rest from the
//! begin. The text stays in the file. Blocking; runs where that is allowed.

use std::fs::File;
use std::io;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::history::{Backward, Forward, Piece, begin_of};
use super::sift::{self, Sieve};
use crate::backend::logs::{TailEvent, TailMode};
use crate::domain::log::{Gap, GapReason, Nanos, Place, Stream};

/// Between two words on how far reading came, so many bytes are read.
const SAID: u64 = 4 * 1024 * 1024;

/// Whom a file's past is told.
pub(super) struct Past {
    /// The file, as who keeps its lines reads them again.
    pub place: Arc<Place>,
    /// What its lines are of.
    pub stream: Arc<Stream>,
    /// Who listens; once nobody does, reading ends.
    pub pieces: mpsc::Sender<TailEvent>,
    /// Where it stands among all that are read.
    pub share: Share,
}

/// Where a file stands among all whose past is told, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Share {
    /// What was told before it.
    pub before: u64,
    /// All there is to tell.
    pub of: u64,
    /// Files behind it.
    pub left: usize,
}

impl Share {
    /// How reading is had once so many bytes of the file were read.
    fn mode(self, read: u64) -> TailMode {
        let percent = (self.before + read).saturating_mul(100) / self.of.max(1);
        TailMode::Reading {
            percent: percent.min(99) as u8,
            left: self.left,
        }
    }
}

/// Whether somebody still listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    Yes,
    No,
}

impl Past {
    /// Tells the entries from a moment on.
    pub(super) fn tell_since(&self, file: &File, sieve: &Sieve, (from, end): (Nanos, u64)) -> io::Result<()> {
        let mut forward = Forward::new(file, sieve, begin_of(file, sieve, from, end)?, end);
        while let Some(mut piece) = forward.piece()? {
            piece
                .entries
                .retain(|entry| entry.at.is_some_and(|at| at >= from));
            if self.tell(piece) == Heard::No {
                break;
            }
        }
        Ok(())
    }

    /// Tells every entry: those of the last block, then all before them. What is in between is a gap meanwhile.
    pub(super) fn tell_all(&self, file: &File, sieve: &Sieve, end: u64) -> io::Result<()> {
        let last = Backward::new(file, sieve, end).piece()?;
        let last = last.filter(|last| last.stretch.at > 0);
        let Some(last) = last else {
            self.tell_forward(Forward::new(file, sieve, 0, end), (0, None))?;
            return Ok(());
        };
        let mut forward = Forward::new(file, sieve, 0, last.stretch.at);
        let first = forward.piece()?;
        let begin = first.as_ref().and_then(|piece| piece.entries.first()?.at);
        let reach = last.entries.first().and_then(|entry| entry.at);
        // an end that tells no times has those of what is before it, where that tells any
        if reach.is_none()
            && first
                .iter()
                .any(|piece| piece.entries.iter().any(|entry| entry.own))
        {
            self.send(TailEvent::Mode(self.share.mode(0)));
            self.tell_forward(Forward::new(file, sieve, 0, end), (0, None))?;
            return Ok(());
        }
        let gap = begin
            .zip(reach)
            .filter(|(from, to)| from < to)
            .map(|(from, to)| Gap {
                from,
                to,
                reason: GapReason::Reading,
            });
        let read = end - last.stretch.at;
        // told before its ends: who goes to a time in between knows that it is still to come
        let is_heard = std::iter::once(TailEvent::Mode(self.share.mode(read)))
            .chain(gap.clone().map(TailEvent::Gap))
            .all(|event| self.send(event) == Heard::Yes);
        if !is_heard || self.tell(last) == Heard::No {
            return Ok(());
        }
        if first.is_some_and(|first| self.tell(first) == Heard::No) {
            return Ok(());
        }
        if let Some(gap) = self.tell_forward(forward, (read, gap))? {
            self.send(TailEvent::Filled(gap));
        }
        Ok(())
    }

    /// Tells the pieces in order; what of a gap they are to fill is left at the end. It grows smaller, and how far
    /// reading came is said, on the way: `read` bytes were before.
    fn tell_forward(
        &self,
        mut forward: Forward<'_>,
        (mut read, mut gap): (u64, Option<Gap>),
    ) -> io::Result<Option<Gap>> {
        let mut said = read;
        while let Some(piece) = forward.piece()? {
            read += piece.stretch.bytes.len() as u64;
            let reached = piece.entries.iter().rev().find_map(|entry| entry.at);
            if self.tell(piece) == Heard::No {
                break;
            }
            if read - said < SAID {
                continue;
            }
            said = read;
            self.send(TailEvent::Mode(self.share.mode(read)));
            if let Some((gap, reached)) = gap.as_mut().zip(reached)
                && (gap.from..gap.to).contains(&reached)
            {
                let before = gap.clone();
                gap.from = reached;
                self.send(TailEvent::Gap(gap.clone()));
                self.send(TailEvent::Filled(before));
            }
        }
        Ok(gap)
    }

    fn tell(&self, piece: Piece) -> Heard {
        let Some(mut batch) = sift::batch(piece.stretch.bytes, piece.entries, &self.stream) else {
            return Heard::Yes;
        };
        // what is there already need not be held twice; what comes is, as files are emptied while they grow
        batch.place = Some((Arc::clone(&self.place), piece.stretch.at));
        self.send(TailEvent::Lines(batch))
    }

    fn send(&self, event: TailEvent) -> Heard {
        match self.pieces.blocking_send(event) {
            Ok(()) => Heard::Yes,
            Err(_) => Heard::No,
        }
    }
}
