//! The past: the newest lines that are wanted, page by page.

use std::collections::VecDeque;

use chrono::SecondsFormat;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::entries::Older;
use super::row::{Reader, Row, gap as gap_object};
use super::source::{Past, Source, mended};
use super::{Question, noted};
use crate::backend::BackendFailure;
use crate::backend::logs::{Direction, More, PageQuestion, TAIL_CAPACITY, TailEvent};
use crate::cli::Session;
use crate::domain::document::Remarks;
use crate::domain::log::{Gap, GapReason, Nanos};

/// Lines of a page: what is looked at for a few that match.
const PAGE: (usize, usize) = (500, 5_000);
/// Lines that are looked at in all.
const MOST: u64 = 2_000_000;

/// What was read.
#[derive(Default)]
pub struct Gathered {
    /// Oldest first.
    pub rows: Vec<Row>,
    /// There are more lines than were asked for.
    pub truncated: bool,
    /// Lines that were looked at for them.
    pub counts: Counts,
    /// What is known to be missing.
    pub gaps: Vec<Gap>,
    /// What else there is to say.
    pub remarks: Remarks,
}

/// Lines that were looked at, whether they are wanted or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All.
    pub read: u64,
    /// Those that only `--grep` may have kept out.
    pub grepped: u64,
}

impl Counts {
    /// Counts one; whether it is wanted.
    pub fn take(&mut self, row: &Row, question: &Question) -> bool {
        self.read += 1;
        let asked = row.is_wanted(&question.wanted, None);
        self.grepped += u64::from(asked);
        asked && row.is_wanted(&question.wanted, question.grep.as_ref())
    }
}

impl Gathered {
    /// As `logs --json` writes it.
    pub fn body(&self) -> Value {
        let lines: Vec<Value> = self.rows.iter().map(Row::object).collect();
        let gaps: Vec<Value> = self.gaps.iter().map(gap_object).collect();
        json!({"lines": lines, "truncated": self.truncated, "gaps": gaps})
    }
}

/// Reads the newest lines that are wanted up to `now`.
pub async fn past(session: &mut Session, source: &Source, question: &Question, now: Nanos) -> Gathered {
    // with nobody to see it, nothing is lost with it
    let _ = session
        .out
        .progress(&format!("reading logs of {}…", source.context));
    let mut gathered = match source.past {
        Past::Kept => pages(source, question, now).await,
        Past::None => all(source, question).await,
    };
    if !source.unreadable.is_empty() {
        // named by whoever asks, they are no remark of the source's
        let remarks = &mut gathered.remarks;
        remarks
            .warnings
            .retain(|words| !source.unreadable.contains(words));
        remarks.errors.push(BackendFailure {
            backend: source.logs.name().to_string(),
            message: mended(&source.unreadable),
        });
    }
    gathered
}

async fn pages(source: &Source, question: &Question, now: Nanos) -> Gathered {
    let mut gathered = Gathered::default();
    let mut found: VecDeque<Row> = VecDeque::new();
    let mut unlevelled = 0;
    let mut older = Older::default();
    // a file tells times of its own, be they ahead of ours
    let mut to = if source.since.is_none() {
        Nanos(i64::MAX)
    } else {
        now
    };
    loop {
        let asked = PageQuestion {
            wanted: question.wanted.clone(),
            from: question.from,
            to,
            direction: Direction::Backward,
            limit: question.limit.saturating_add(1).clamp(PAGE.0, PAGE.1),
        };
        let page = match source.logs.page(asked).await {
            Ok(page) => page,
            Err(error) => {
                gathered.remarks.errors.extend(noted(&error).errors);
                break;
            }
        };
        note(&mut gathered, page.gaps, page.warnings);
        let (more, empty) = (page.more, page.batch.is_empty());
        let told = page.batch.lines.iter().filter_map(|line| line.at).min();
        let ends = more == More::No || empty;
        let rows = Reader::default().rows(&older.entries(page.batch, if ends { More::No } else { more }));
        let oldest = told.or_else(|| rows.iter().filter_map(|row| row.at).min());
        unlevelled += front((&mut found, &mut gathered.counts), rows, question);
        if found.len() > question.limit {
            gathered.truncated = true;
            break;
        }
        if ends {
            break;
        }
        if gathered.counts.read >= MOST {
            gathered.truncated = true;
            let words = format!(
                "the latest {} lines were looked at, and no more: narrow the query",
                gathered.counts.read
            );
            gathered.remarks.warnings.push(words);
            break;
        }
        // without a moment to go on from, a file goes on where it was read to
        to = oldest.unwrap_or(to);
    }
    let rest = Reader::default().rows(&older.rest());
    unlevelled += front((&mut found, &mut gathered.counts), rest, question);
    if older.moved {
        // lines that waited for the page before stand among those of other streams
        found.make_contiguous().sort_by_key(|row| row.at);
    }
    if found.len() > question.limit {
        gathered.truncated = true;
        found.drain(..found.len() - question.limit);
    }
    gathered.rows = found.into();
    gathered.remarks.warnings.extend(left_out(unlevelled));
    gathered.gaps.sort_by_key(|gap| (gap.from, gap.to));
    gathered.gaps.dedup();
    gathered
}

/// Puts those that are wanted before what was found, oldest first; how many only lack a level.
fn front((found, counts): (&mut VecDeque<Row>, &mut Counts), rows: Vec<Row>, question: &Question) -> u64 {
    let mut unlevelled = 0;
    for row in rows.into_iter().rev() {
        unlevelled += u64::from(row.lacks_level(&question.wanted, question.grep.as_ref()));
        if counts.take(&row, question) {
            found.push_front(row);
        }
    }
    unlevelled
}

fn note(gathered: &mut Gathered, gaps: Vec<Gap>, warnings: Vec<String>) {
    let partial = gaps.iter().any(|gap| gap.reason == GapReason::Partial);
    let remarks = if partial {
        &mut gathered.remarks.partial
    } else {
        &mut gathered.remarks.warnings
    };
    for words in warnings {
        if !remarks.contains(&words) {
            remarks.push(words);
        }
    }
    if partial && gathered.remarks.partial.is_empty() {
        gathered
            .remarks
            .partial
            .push("the answer is not whole".to_owned());
    }
    gathered.gaps.extend(gaps);
}

/// What is said where no line is told: how many were looked at, and what kept them out.
pub fn nothing_found(counts: Counts, question: &Question) -> String {
    let back_to = if question.from == Nanos(i64::MIN) {
        String::new()
    } else {
        let from = question.from.utc().to_rfc3339_opts(SecondsFormat::Secs, true);
        format!(" since {from}")
    };
    let asked = question.asked().join(" ");
    let grep = question.grep.as_ref().map(|grep| format!("--grep {grep}"));
    let before = |word: &str, text: &str| match text {
        "" => String::new(),
        text => format!("{word} {text}"),
    };
    // what was asked for beside it, and found, is not what kept them out
    let (lines, of, wanted) = match &grep {
        Some(grep) if counts.grepped > 0 => (counts.grepped, before(" of", &asked), grep.clone()),
        Some(_) | None if counts.read > 0 => (counts.read, String::new(), asked),
        Some(grep) => (
            0,
            String::new(),
            [asked, grep.clone()].join(" ").trim().to_owned(),
        ),
        None => (0, String::new(), asked),
    };
    match lines {
        0 if back_to.is_empty() => "there is no line to be read".to_owned(),
        0 => format!(
            "no line{back_to}{}; --since looks further back",
            before("", &wanted)
        ),
        1 => format!(
            "1 line{of} read, and it is none of those wanted{back_to}{}",
            before(":", &wanted)
        ),
        lines => format!(
            "{lines} lines{of} read, none of them wanted{back_to}{}",
            before(":", &wanted)
        ),
    }
}

/// What is said of lines that tell no level where one was asked for.
pub fn left_out(lines: u64) -> Option<String> {
    match lines {
        0 => None,
        1 => Some("1 line that tells no level is left out by --level".to_owned()),
        lines => Some(format!(
            "{lines} lines that tell no level are left out by --level"
        )),
    }
}

/// Reads a pipe to its end, and keeps the last lines.
async fn all(source: &Source, question: &Question) -> Gathered {
    let mut gathered = Gathered::default();
    let mut found: VecDeque<Row> = VecDeque::new();
    let mut reader = Reader::default();
    let mut unlevelled = 0;
    let (sender, mut events) = mpsc::channel(TAIL_CAPACITY);
    let tail = source.logs.tail(question.wanted.clone(), question.from, sender);
    let taking = async {
        while let Some(event) = events.recv().await {
            let TailEvent::Lines(batch) = event else { continue };
            for row in reader.rows(&batch) {
                if row.at.is_some_and(|at| at < question.from) {
                    gathered.counts.read += 1;
                    continue;
                }
                unlevelled += u64::from(row.lacks_level(&question.wanted, question.grep.as_ref()));
                if gathered.counts.take(&row, question) {
                    found.push_back(row);
                    if found.len() > question.limit {
                        found.pop_front();
                        gathered.truncated = true;
                    }
                }
            }
        }
    };
    let (ended, ()) = futures::join!(tail, taking);
    if let Err(error) = ended {
        gathered.remarks = noted(&error);
    }
    gathered.remarks.warnings.extend(left_out(unlevelled));
    gathered.rows = found.into();
    gathered
}

#[cfg(test)]
mod tests {
    use regex::bytes::Regex;

    use super::*;
    use crate::domain::log::{Level, Wanted};

    fn question(at_least: Option<Level>, grep: Option<&str>) -> Question {
        Question {
            wanted: Wanted {
                at_least,
                ..Wanted::default()
            },
            grep: grep.map(|grep| Regex::new(grep).unwrap()),
            from: Nanos(i64::MIN),
            limit: 10,
        }
    }

    #[test]
    fn what_kept_lines_out_is_told_of_the_lines_that_it_kept_out() {
        let both = question(Some(Level::Error), Some("zzzz"));
        let counts = |read, grepped| Counts { read, grepped };
        assert_eq!(
            nothing_found(counts(2_000, 185), &both),
            "185 lines of --level error read, none of them wanted: --grep zzzz"
        );
        assert_eq!(
            nothing_found(counts(2_000, 0), &both),
            "2000 lines read, none of them wanted: --level error"
        );
        assert_eq!(
            nothing_found(counts(4, 4), &question(None, Some("zzzz"))),
            "4 lines read, none of them wanted: --grep zzzz"
        );
        let since = Question {
            from: Nanos(0),
            ..question(None, None)
        };
        assert_eq!(
            nothing_found(counts(7, 0), &since),
            "7 lines read, none of them wanted since 1970-01-01T00:00:00Z",
            "nothing stands behind a colon that is not there"
        );
        assert_eq!(
            nothing_found(
                counts(0, 0),
                &Question {
                    from: Nanos(0),
                    ..both
                }
            ),
            "no line since 1970-01-01T00:00:00Z --level error --grep zzzz; --since looks further back"
        );
    }
}
