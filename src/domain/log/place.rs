//! A file whose lines stay in it: read in blocks by position, through a bounded cache; never mapped, because a
//! mapping whose file is truncated ends the process.

use std::collections::VecDeque;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What is read at once.
const BLOCK: u64 = 64 * 1024;

/// Blocks that are kept: 8 MiB.
const KEPT: usize = 128;

/// A file that is read by position. What it has lost since it was indexed reads as nothing.
#[derive(Debug)]
pub struct Place {
    file: File,
    /// It was emptied: what stands in it now is not what was indexed.
    emptied: AtomicBool,
    /// The block looked at last stands at the end.
    blocks: Mutex<VecDeque<(u64, Arc<[u8]>)>>,
}

impl Place {
    /// Of an open file; it is read by position alone, so whoever follows it may share it.
    pub fn of(file: File) -> Arc<Self> {
        Arc::new(Self {
            file,
            emptied: AtomicBool::new(false),
            blocks: Mutex::default(),
        })
    }

    /// The file was emptied, and perhaps written anew: all that was indexed reads as nothing from now on.
    pub fn empty(&self) {
        self.emptied.store(true, Ordering::Relaxed);
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// So many bytes at a position: a block and where they lie in it. Fewer where the file ends before.
    pub fn read(&self, at: u64, length: usize) -> (Arc<[u8]>, Range<usize>) {
        let number = at / BLOCK;
        let from = (at % BLOCK) as usize;
        if from + length <= BLOCK as usize {
            let block = self.block(number);
            let to = (from + length).min(block.len());
            return (block, from.min(to)..to);
        }
        let bytes = self.read_through(at, length);
        let length = bytes.len();
        (bytes.into(), 0..length)
    }

    fn block(&self, number: u64) -> Arc<[u8]> {
        {
            let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
            let had = blocks.iter().rposition(|(of, _)| *of == number);
            if let Some((number, block)) = had.and_then(|index| blocks.remove(index)) {
                blocks.push_back((number, Arc::clone(&block)));
                return block;
            }
        }
        let block: Arc<[u8]> = self.read_through(number * BLOCK, BLOCK as usize).into();
        // A block that the file's growth will change is not kept.
        if block.len() == BLOCK as usize {
            let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
            if blocks.len() >= KEPT {
                blocks.pop_front();
            }
            blocks.push_back((number, Arc::clone(&block)));
        }
        block
    }

    /// So many bytes at a position, past the cache.
    pub fn read_through(&self, at: u64, length: usize) -> Vec<u8> {
        if self.emptied.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let mut bytes = vec![0; length];
        let mut had = 0;
        while let Some(rest) = bytes.get_mut(had..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, at + had as u64) {
                Ok(0) => break,
                Ok(more) => had += more,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        bytes.truncate(had);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn bytes_are_read_within_a_block_across_blocks_and_past_the_end() {
        let mut file = tempfile::tempfile().unwrap();
        let all: Vec<u8> = (0..200_000_u32).map(|at| (at % 251) as u8).collect();
        file.write_all(&all).unwrap();
        let place = Place::of(file);
        for (at, length) in [
            (0, 10),
            (65_530, 100),
            (130_000, 70_000),
            (199_990, 50),
            (300_000, 5),
            (7, 0),
        ] {
            let (block, range) = place.read(at, length);
            let at = (at as usize).min(all.len());
            let end = (at + length).min(all.len());
            assert_eq!(&block[range], &all[at..end], "{length} at {at}");
        }
    }

    #[test]
    fn a_file_that_shrank_reads_as_nothing() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[b'x'; 1_000]).unwrap();
        let place = Place::of(file.try_clone().unwrap());
        file.set_len(10).unwrap();
        let (block, range) = place.read(500, 20);
        assert!(block[range].is_empty());
        file.write_all(&[b'y'; 1_000]).unwrap();
        assert!(!place.read_through(500, 20).is_empty());
        place.empty();
        let (block, range) = place.read(500, 20);
        assert!(block[range].is_empty(), "another text is not shown for it");
    }
}
