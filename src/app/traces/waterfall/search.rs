//! What is sought in an open trace, and what was found of it.

use std::sync::Arc;

use super::Waterfall;
use crate::app::traces::study::Clocks;
use crate::app::traces::{Study, within};
use crate::domain::trace::query::{Query, Shown, Sight, sift};
use crate::domain::trace::{Row, TraceId};

/// Whether only what was found is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Narrowed {
    /// All spans are.
    No,
    /// What was found, and what that hangs on.
    ToMatches,
}

/// A search to be carried out, off the UI task.
#[derive(Debug, Clone)]
pub struct Seeking {
    /// In which trace.
    pub study: Arc<Study>,
    /// By which clocks.
    pub clocks: Clocks,
    /// The query, as it was typed.
    pub text: String,
}

impl PartialEq for Seeking {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.study, &other.study) && self.clocks == other.clocks && self.text == other.text
    }
}

impl Seeking {
    /// In which trace.
    pub fn id(&self) -> TraceId {
        self.study.trace.id()
    }

    /// Carries it out; tenths of a second where attributes of a hundred thousand spans have to be read. Else what is wrong
    /// with the query, and where.
    pub fn run(&self) -> Result<Found, String> {
        let query = Query::parse(&self.text).map_err(|error| error.to_string())?;
        let aspect = self.study.aspect(self.clocks);
        let trace = &self.study.trace;
        let sifted = sift(
            &query,
            Sight {
                trace,
                timing: self.study.timing(self.clocks),
                times: &aspect.own,
                path: &aspect.path,
            },
        );
        let kept = |row: &Row| sifted.shown[*row] != Shown::Hidden;
        Ok(Found {
            kept: trace.rows().filter(kept).collect(),
            hits: sifted.hits,
        })
    }
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The spans that match, in order.
    pub hits: Vec<Row>,
    /// They and all that they hang on, in order.
    pub kept: Vec<Row>,
}

/// A search in an open trace.
#[derive(Debug, Clone)]
pub struct Sought {
    /// The query, as it was typed.
    pub text: String,
    /// What was found, of this query or, while that is carried out, of the one before; what is wrong with it.
    pub answer: Option<Result<Arc<Found>, String>>,
    /// Whether the answer is still to come.
    awaited: bool,
}

impl Sought {
    /// The spans that match.
    pub fn hits(&self) -> &[Row] {
        match &self.answer {
            Some(Ok(found)) => &found.hits,
            Some(Err(_)) | None => &[],
        }
    }

    /// What was found, where that is known.
    pub fn found(&self) -> Option<Arc<Found>> {
        self.answer.as_ref()?.as_ref().ok().cloned()
    }

    /// They and what they hang on; nothing where there is no answer yet.
    pub fn kept(&self) -> Option<&[Row]> {
        match &self.answer {
            Some(Ok(found)) => Some(&found.kept),
            Some(Err(_)) | None => None,
        }
    }

    /// Whether the answer is still to come.
    pub fn is_awaited(&self) -> bool {
        self.awaited
    }
}

impl Waterfall {
    /// Spans that are left out because they neither match nor lead to a match.
    pub fn hidden(&self) -> usize {
        let kept = match self.narrowed {
            Narrowed::ToMatches => self.sought.as_ref().and_then(Sought::kept),
            Narrowed::No => None,
        };
        let range = self.range();
        kept.map_or(0, |kept| range.len() - within(kept, &range).len())
    }

    /// Shows all spans, or what was found alone: whatever of it was folded away is opened.
    pub fn narrow(&mut self, narrowed: Narrowed) {
        self.narrowed = narrowed;
        self.open_found();
        self.arrange();
    }

    fn open_found(&mut self) {
        if self.narrowed == Narrowed::ToMatches
            && let Some(found) = self.sought.as_ref().and_then(Sought::found)
        {
            self.folds.open(&found.kept);
        }
    }

    /// Seeks something, or nothing more; what is to be carried out for it.
    pub fn seek(&mut self, text: Option<String>) -> Option<Seeking> {
        let before = self.sought.take();
        match text {
            None => {
                if self.narrowed == Narrowed::ToMatches {
                    self.narrowed = Narrowed::No;
                    self.arrange();
                }
                None
            }
            Some(text) => {
                self.sought = Some(Sought {
                    text,
                    answer: before.and_then(|sought| sought.answer),
                    awaited: true,
                });
                self.seeking()
            }
        }
    }

    /// The search that is on, to be carried out.
    pub fn seeking(&self) -> Option<Seeking> {
        Some(Seeking {
            study: Arc::clone(self.study()?),
            clocks: self.clocks,
            text: self.sought.as_ref()?.text.clone(),
        })
    }

    /// Takes in what was found, unless something else is sought by now; the cursor goes to the nearest match.
    pub fn found(&mut self, text: &str, found: Result<Arc<Found>, String>) {
        let Some(sought) = self.sought.as_mut().filter(|sought| sought.text == text) else {
            return;
        };
        sought.answer = Some(found);
        let fresh = std::mem::take(&mut sought.awaited);
        self.open_found();
        self.arrange();
        if fresh {
            self.go_to_nearest_match();
        }
    }

    /// To the match at the cursor or behind it, round the end; whether there is one.
    pub fn go_to_nearest_match(&mut self) -> bool {
        let range = self.range();
        let hits = self.sought.as_ref().map_or(&[][..], Sought::hits);
        let hits = super::within(hits, &range);
        let next = hits.partition_point(|row| *row < self.cursor);
        match hits.get(next).or_else(|| hits.first()).copied() {
            Some(row) if row == self.cursor => true,
            Some(row) => {
                self.go_to(row);
                true
            }
            None => false,
        }
    }
}
