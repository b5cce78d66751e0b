//! The text of a chunk: held in memory, or left in the file it came from and read in blocks when looked at.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::chunk::Text;
use crate::domain::log::place::Place;

/// The text of lines.
#[derive(Debug)]
pub(super) enum Body {
    /// In memory: line after line, each with a newline at its end.
    Held { bytes: Box<[u8]>, starts: Box<[u32]> },
    /// In a file; starts and ends are counted from `base`.
    InFile {
        place: Arc<Place>,
        base: u64,
        starts: Box<[u32]>,
        ends: Box<[u32]>,
    },
}

/// All text of a chunk at hand, for a search: lines in order, never overlapping.
#[derive(Debug)]
pub(super) struct Laid<'a> {
    pub bytes: Cow<'a, [u8]>,
    starts: &'a [u32],
    ends: Option<&'a [u32]>,
    /// Newlines stand between all lines, so that what runs over them sees where each ends.
    apart: bool,
}

impl Laid<'_> {
    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Where a line lies in the bytes.
    pub(super) fn range(&self, line: usize) -> Range<usize> {
        range(self.starts, self.ends, self.bytes.len(), line)
    }

    pub(super) fn is_apart(&self) -> bool {
        self.apart
    }

    pub(super) fn text(&self, line: usize) -> &[u8] {
        self.bytes.get(self.range(line)).unwrap_or_default()
    }

    /// The line in which an offset lies, or after which; `from` is a line known to begin at or before it.
    pub(super) fn line_at(&self, offset: usize, from: usize) -> usize {
        let rest = self.starts.get(from..).unwrap_or_default();
        // Hits lie near each other more often than not.
        let mut reach = 1;
        while rest.get(reach).is_some_and(|start| *start as usize <= offset) {
            reach *= 2;
        }
        let near = rest.get(..rest.len().min(reach + 1)).unwrap_or_default();
        (from + near.partition_point(|start| *start as usize <= offset)).saturating_sub(1)
    }
}

fn range(starts: &[u32], ends: Option<&[u32]>, length: usize, line: usize) -> Range<usize> {
    let Some(start) = starts.get(line) else {
        return 0..0;
    };
    let end = match ends {
        Some(ends) => ends.get(line).map_or(0, |end| *end as usize),
        None => starts
            .get(line + 1)
            .map_or(length, |next| *next as usize)
            .saturating_sub(1),
    };
    *start as usize..end
}

/// Makes newlines of what a file has between its lines (`\r\n`, what the source left out); says whether it has
/// something between all of them.
fn set_apart(bytes: &mut [u8], starts: &[u32], ends: &[u32]) -> bool {
    let mut apart = true;
    for (end, next) in ends.iter().zip(starts.iter().skip(1)) {
        if let Some(between) = bytes.get_mut(*end as usize..*next as usize) {
            apart &= !between.is_empty();
            between.fill(b'\n');
        }
    }
    apart
}

impl Body {
    /// Bytes in memory.
    pub(super) fn held(&self) -> usize {
        match self {
            Self::Held { bytes, starts } => bytes.len() + size_of_val(&**starts),
            Self::InFile { starts, ends, .. } => size_of_val(&**starts) + size_of_val(&**ends),
        }
    }

    pub(super) fn text(&self, line: usize) -> Text<'_> {
        match self {
            Self::Held { bytes, starts } => {
                let range = range(starts, None, bytes.len(), line);
                Text::Held(bytes.get(range).unwrap_or_default())
            }
            Self::InFile {
                place,
                base,
                starts,
                ends,
            } => {
                let range = range(starts, Some(ends), 0, line);
                let (block, within) = place.read(*base + range.start as u64, range.len());
                Text::Read(block, within)
            }
        }
    }

    /// All of it at hand; what a file has lost is missing at the end.
    pub(super) fn laid(&self) -> Laid<'_> {
        match self {
            Self::Held { bytes, starts } => Laid {
                bytes: Cow::Borrowed(bytes),
                starts,
                ends: None,
                apart: true,
            },
            Self::InFile {
                place,
                base,
                starts,
                ends,
            } => {
                let length = ends.last().map_or(0, |end| *end as usize);
                let mut bytes = place.read_through(*base, length);
                let apart = set_apart(&mut bytes, starts, ends);
                Laid {
                    bytes: Cow::Owned(bytes),
                    starts,
                    ends: Some(ends),
                    apart,
                }
            }
        }
    }

    /// What is looked through when it is searched.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Held { bytes, .. } => bytes.len(),
            Self::InFile { ends, .. } => ends.last().map_or(0, |end| *end as usize),
        }
    }
}
