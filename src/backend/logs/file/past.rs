//! The past of a file as its tail tells it: the end first, so that it can be looked at at once, then the rest from the
//! begin. The text stays in the file. Blocking; runs where that is allowed.

use std::fs::File;
use std::io;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::history::{Backward, Forward, Piece, begin_of};
use super::sift::{self, Sieve};
use crate::backend::logs::TailEvent;
use crate::domain::log::{Gap, GapReason, Nanos, Place, Stream};

/// Whom a file's past is told.
pub(super) struct Past {
    /// The file, as who keeps its lines reads them again.
    pub place: Arc<Place>,
    /// What its lines are of.
    pub stream: Arc<Stream>,
    /// Who listens; once nobody does, reading ends.
    pub pieces: mpsc::Sender<TailEvent>,
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
            return self.tell_forward(&mut Forward::new(file, sieve, 0, end));
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
            return self.tell_forward(&mut Forward::new(file, sieve, 0, end));
        }
        let gap = begin
            .zip(reach)
            .filter(|(from, to)| from < to)
            .map(|(from, to)| Gap {
                from,
                to,
                reason: GapReason::Reading,
            });
        if self.tell(last) == Heard::No {
            return Ok(());
        }
        if let Some(gap) = &gap
            && self.send(TailEvent::Gap(gap.clone())) == Heard::No
        {
            return Ok(());
        }
        if first.is_some_and(|first| self.tell(first) == Heard::No) {
            return Ok(());
        }
        self.tell_forward(&mut forward)?;
        if let Some(gap) = gap {
            self.send(TailEvent::Filled(gap));
        }
        Ok(())
    }

    fn tell_forward(&self, forward: &mut Forward<'_>) -> io::Result<()> {
        while let Some(piece) = forward.piece()? {
            if self.tell(piece) == Heard::No {
                break;
            }
        }
        Ok(())
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
