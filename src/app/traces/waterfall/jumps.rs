//! Going to the next span of a kind, and saying why where there is none.

use super::{Sought, Waterfall, within};
use crate::app::list::Direction;
use crate::domain::trace::Row;

/// What a jump goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// A failed span.
    Failed,
    /// A span with time of its own on the critical path.
    OnPath,
    /// A span that was found.
    Match,
}

/// Why a jump went nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nowhere {
    /// There is no such span at all.
    NoneAtAll,
    /// There are so many, but not under the span that is shown alone.
    Outside(usize),
    /// The cursor is on the only one.
    OnlyThis,
}

/// Where a jump arrived: its number, of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived {
    /// The span.
    pub row: Row,
    /// Its number, from 1.
    pub number: usize,
    /// Of how many.
    pub of: usize,
}

impl Waterfall {
    /// To the next or previous span of a kind, round the end.
    pub fn jump(&mut self, to: To, towards: Direction) -> Result<Arrived, Nowhere> {
        let Some(study) = self.study().cloned() else {
            return Err(Nowhere::NoneAtAll);
        };
        let found = self.sought.as_ref().and_then(Sought::found);
        let among = match to {
            To::Failed => &study.errors[..],
            To::OnPath => &study.aspect(self.clocks).on_path,
            To::Match => found.as_ref().map_or(&[][..], |found| &found.hits),
        };
        let here = within(among, &self.range());
        let (next, of) = (here.partition_point(|row| *row <= self.cursor), here.len());
        let number = match towards {
            _ if of == 0 && among.is_empty() => return Err(Nowhere::NoneAtAll),
            _ if of == 0 => return Err(Nowhere::Outside(among.len())),
            Direction::Down => next % of,
            Direction::Up => {
                let before = here.partition_point(|row| *row < self.cursor);
                (before + of - 1) % of
            }
        };
        let row = here[number];
        if row == self.cursor {
            return Err(Nowhere::OnlyThis);
        }
        self.go_to(row);
        Ok(Arrived {
            row,
            number: number + 1,
            of,
        })
    }

    /// To the span with the most self time; from there to the next, round the end.
    pub fn jump_to_slowest(&mut self) -> Result<Arrived, Nowhere> {
        let Some(study) = self.study().cloned() else {
            return Err(Nowhere::NoneAtAll);
        };
        let (slowest, range) = (&study.aspect(self.clocks).slowest, self.range());
        let last = self.rank.filter(|rank| slowest.get(*rank) == Some(&self.cursor));
        let begin = last.map_or(0, |rank| rank + 1);
        let shown = |(_, row): &(usize, &Row)| range.contains(&row.index());
        let mut ranked = slowest.iter().enumerate().skip(begin).filter(shown);
        let found = ranked.next().or_else(|| slowest.iter().enumerate().find(shown));
        let Some((rank, row)) = found.map(|(rank, row)| (rank, *row)) else {
            return Err(if slowest.is_empty() {
                Nowhere::NoneAtAll
            } else {
                Nowhere::Outside(slowest.len())
            });
        };
        if row == self.cursor && last.is_some() {
            return Err(Nowhere::OnlyThis);
        }
        self.rank = Some(rank);
        if row != self.cursor {
            self.go_to(row);
        }
        Ok(Arrived {
            row,
            number: rank + 1,
            of: slowest.len(),
        })
    }
}
