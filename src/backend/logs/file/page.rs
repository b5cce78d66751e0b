//! Pages of files: the newest or the oldest entries of all of them. Blocking; runs where that is allowed.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};

use super::follow::FileId;
use super::history::{Backward, Forward, Piece, begin_of};
use super::memory::Memory;
use super::sift::Sieve;
use super::{Direction, MOST_FILES, expand, lock, settled_end, stream};
use crate::backend::logs::{More, Page, PageQuestion};
use crate::domain::log::{Batch, Level, Nanos, Stream};

/// An entry of a page.
struct Entry {
    at: Option<Nanos>,
    /// Whether it tells that itself.
    own: bool,
    /// When, where its text does not tell it whole.
    told: Option<Nanos>,
    text: Vec<u8>,
    /// Where it begins and where the next one does.
    place: Range<u64>,
}

/// What one file gives to a page.
struct Share {
    id: FileId,
    stream: Arc<Stream>,
    /// Oldest first.
    entries: VecDeque<Entry>,
    more: More,
}

/// Reads a page. A file that cannot be read is a warning; where none can, an error in words.
pub(super) fn read(
    paths: &[String],
    question: &PageQuestion,
    memory: &Mutex<Memory>,
    now: DateTime<Utc>,
) -> Result<Page, String> {
    let mut page = Page::default();
    let mut shares: Vec<Share> = Vec::new();
    let found = expand(paths);
    if found.len() > MOST_FILES {
        page.warnings.push(format!(
            "{} files match, the first {MOST_FILES} are read: name fewer",
            found.len()
        ));
    }
    for path in found.iter().take(MOST_FILES) {
        match share(path, question, memory, now) {
            Ok(share) => {
                if question.direction == Direction::Backward {
                    lock(memory).page_read(path, &question.wanted);
                }
                shares.push(share);
            }
            Err(error) => page.warnings.push(format!("{}: {error}", path.display())),
        }
    }
    if shares.is_empty() {
        return Err(if page.warnings.is_empty() {
            format!("nothing matches {}", paths.join(", "))
        } else {
            page.warnings.join("; ")
        });
    }
    page.batch = merged(&mut shares, question);
    if shares.iter().any(|share| share.more == More::Yes) {
        page.more = More::Yes;
    }
    remember(&shares, question, memory);
    Ok(page)
}

fn share(
    path: &Path,
    question: &PageQuestion,
    memory: &Mutex<Memory>,
    now: DateTime<Utc>,
) -> io::Result<Share> {
    let mut file = File::open(path)?;
    let mut id = FileId::of(&file.metadata()?);
    let sieve = Sieve::new(&question.wanted).about(Nanos::of(now));
    let mut share = Share {
        id,
        stream: stream(path),
        entries: VecDeque::new(),
        more: More::No,
    };
    let length = file.metadata()?.len();
    let resumed = resumed(id, question, memory).filter(|at| *at <= length);
    // one more tells whether there is more
    let most = question.limit.saturating_add(1);
    // behind a page it is the position that parts what was told from what was not, whatever the times say
    let within = |at: Nanos| match (question.direction, resumed) {
        (Direction::Backward, Some(_)) => question.from <= at,
        (Direction::Forward, Some(_)) => at < question.to,
        (Direction::Backward | Direction::Forward, None) => question.from <= at && at < question.to,
    };
    match question.direction {
        Direction::Backward => {
            let end = if let Some(at) = resumed {
                at
            } else {
                let begin = lock(memory).end_of_page(path, &question.wanted, now)?;
                file = begin.file;
                id = FileId::of(&file.metadata()?);
                share.id = id;
                begin.at
            };
            let mut backward = Backward::new(&file, &sieve, end);
            while share.entries.len() < most
                && let Some(piece) = backward.piece()?
            {
                let passed = passed(&piece, |at| at < question.from);
                for entry in taken(piece, within).into_iter().rev() {
                    share.entries.push_front(entry);
                }
                if passed {
                    break;
                }
            }
            while share.entries.len() > question.limit {
                share.entries.pop_front();
                share.more = More::Yes;
            }
        }
        Direction::Forward => {
            let end = if lock(memory).is_told_whole(&question.wanted, id) {
                0
            } else {
                settled_end(&file, now)?
            };
            let begin = match resumed {
                Some(at) => at,
                None => begin_of(&file, &sieve, question.from, end)?,
            };
            let mut forward = Forward::new(&file, &sieve, begin, end);
            while share.entries.len() < most
                && let Some(piece) = forward.piece()?
            {
                let passed = passed(&piece, |at| at >= question.to);
                share.entries.extend(taken(piece, within));
                if passed {
                    break;
                }
            }
            if share.entries.len() > question.limit {
                share.entries.truncate(question.limit);
                share.more = More::Yes;
            }
        }
    }
    Ok(share)
}

const ONE: std::time::Duration = std::time::Duration::from_nanos(1);

/// Whether all of a piece lies beyond the stretch that is asked for.
fn passed(piece: &Piece, beyond: impl Fn(Nanos) -> bool) -> bool {
    !piece.entries.is_empty() && piece.entries.iter().all(|entry| entry.at.is_some_and(&beyond))
}

/// The wanted entries within the stretch; those without any time are within every one.
fn taken(piece: Piece, within: impl Fn(Nanos) -> bool) -> Vec<Entry> {
    let Piece { stretch, entries } = piece;
    let begins = entries.iter().skip(1).map(|entry| entry.text.start);
    let ends: Vec<usize> = begins.chain([stretch.bytes.len()]).collect();
    entries
        .into_iter()
        .zip(ends)
        .filter(|(entry, _)| entry.wanted && entry.at.is_none_or(&within))
        .map(|(entry, end)| Entry {
            at: entry.at,
            own: entry.own,
            told: entry.told,
            place: stretch.at + entry.text.start as u64..stretch.at + end as u64,
            text: stretch.bytes.get(entry.text).unwrap_or_default().to_vec(),
        })
        .collect()
}

/// Where the page before ended, if this is the one behind it.
fn resumed(id: FileId, question: &PageQuestion, memory: &Mutex<Memory>) -> Option<u64> {
    let moments = match question.direction {
        // up to the oldest line told, or with it: there may be more of its moment
        Direction::Backward => [question.to, question.to.minus(ONE)],
        // what follows the newest line told is asked from the nanosecond behind it
        Direction::Forward => [question.from.minus(ONE), question.from],
    };
    lock(memory).resumed(id, question.direction, &question.wanted, &moments)
}

/// The entries of all files in one batch, oldest first, no more than asked; what is too much goes back.
fn merged(shares: &mut [Share], question: &PageQuestion) -> Batch {
    let all: usize = shares.iter().map(|share| share.entries.len()).sum();
    for _ in question.limit..all {
        // of several files, the one goes whose entry lies furthest off
        let ends = shares.iter_mut().filter(|share| !share.entries.is_empty());
        let furthest = match question.direction {
            Direction::Backward => ends.min_by_key(|share| share.entries.front().and_then(|entry| entry.at)),
            Direction::Forward => ends.max_by_key(|share| share.entries.back().and_then(|entry| entry.at)),
        };
        if let Some(share) = furthest {
            match question.direction {
                Direction::Backward => share.entries.pop_front(),
                Direction::Forward => share.entries.pop_back(),
            };
            share.more = More::Yes;
        }
    }
    let mut batch = Batch {
        streams: shares.iter().map(|share| Arc::clone(&share.stream)).collect(),
        ..Batch::default()
    };
    let mut queues: Vec<_> = shares
        .iter()
        .map(|share| share.entries.iter().peekable())
        .collect();
    loop {
        let heads = queues.iter_mut().enumerate();
        let next = heads
            .filter_map(|(position, queue)| queue.peek().map(|entry| (entry.at, position)))
            .min();
        let Some((_, position)) = next else { break };
        if let Some(entry) = queues.get_mut(position).and_then(Iterator::next) {
            let stream = u32::try_from(position).unwrap_or(u32::MAX);
            batch.push(entry.told, stream, Level::Unknown, &entry.text, b"");
        }
    }
    batch
}

/// Remembers where each file was read to, under the moment that the next page is asked with.
fn remember(shares: &[Share], question: &PageQuestion, memory: &Mutex<Memory>) {
    let furthest = |entries: &mut dyn Iterator<Item = &Entry>| {
        let moments = entries.filter_map(|entry| entry.at);
        match question.direction {
            Direction::Backward => moments.min(),
            Direction::Forward => moments.max(),
        }
    };
    let all = || shares.iter().flat_map(|share| share.entries.iter());
    // who reads the page may know of the times alone that its own lines tell; of none, it asks as before
    let own = furthest(&mut all().filter(|entry| entry.own)).or(match question.direction {
        Direction::Backward => Some(question.to),
        Direction::Forward => Some(question.from.minus(ONE)),
    });
    let moments = [furthest(&mut all()), own];
    let mut memory = lock(memory);
    for share in shares {
        let place = match question.direction {
            Direction::Backward => share.entries.front().map(|entry| entry.place.start),
            Direction::Forward => share.entries.back().map(|entry| entry.place.end),
        };
        if let Some(place) = place {
            for moment in moments {
                memory.mark(share.id, question.direction, &question.wanted, (moment, place));
            }
        }
    }
}
