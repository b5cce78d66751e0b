//! The past: the newest lines that are wanted, page by page.

use std::collections::VecDeque;

use chrono::SecondsFormat;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::entries::Older;
use super::row::{Reader, Row, gap as gap_object};
use super::source::{Past, Source};
use super::{Question, noted};
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
    pub looked_at: u64,
    /// What is known to be missing.
    pub gaps: Vec<Gap>,
    /// What else there is to say.
    pub remarks: Remarks,
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
    match source.past {
        Past::Kept => pages(source, question, now).await,
        Past::None => all(source, question).await,
    }
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
        gathered.looked_at += page.batch.lines.len() as u64;
        let (more, empty) = (page.more, page.batch.is_empty());
        let told = page.batch.lines.iter().filter_map(|line| line.at).min();
        let ends = more == More::No || empty;
        let rows = Reader::default().rows(&older.entries(page.batch, if ends { More::No } else { more }));
        let oldest = told.or_else(|| rows.iter().filter_map(|row| row.at).min());
        unlevelled += front(&mut found, rows, question);
        if found.len() > question.limit {
            gathered.truncated = true;
            break;
        }
        if ends {
            break;
        }
        if gathered.looked_at >= MOST {
            gathered.truncated = true;
            let words = format!(
                "the latest {} lines were looked at, and no more: narrow the query",
                gathered.looked_at
            );
            gathered.remarks.warnings.push(words);
            break;
        }
        // without a moment to go on from, a file goes on where it was read to
        to = oldest.unwrap_or(to);
    }
    let rest = Reader::default().rows(&older.rest());
    unlevelled += front(&mut found, rest, question);
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
fn front(found: &mut VecDeque<Row>, rows: Vec<Row>, question: &Question) -> u64 {
    let mut unlevelled = 0;
    for row in rows.into_iter().rev() {
        unlevelled += u64::from(row.lacks_level(&question.wanted, question.grep.as_ref()));
        if row.is_wanted(&question.wanted, question.grep.as_ref()) {
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
pub fn nothing_found(looked_at: u64, question: &Question) -> String {
    let back_to = if question.from == Nanos(i64::MIN) {
        String::new()
    } else {
        let from = question.from.utc().to_rfc3339_opts(SecondsFormat::Secs, true);
        format!(" since {from}")
    };
    let asked = question.asked();
    let of = if asked.is_empty() {
        String::new()
    } else {
        format!(" {}", asked.join(" "))
    };
    match looked_at {
        0 if back_to.is_empty() => "there is no line to be read".to_owned(),
        0 => format!("no line{back_to}{of}; --since looks further back"),
        1 => format!("1 line read{back_to}, and it is none of those wanted:{of}"),
        lines => format!("{lines} lines read{back_to}, none of them wanted:{of}"),
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
            gathered.looked_at += batch.lines.len() as u64;
            for row in reader.rows(&batch) {
                let late = row.at.is_none_or(|at| at >= question.from);
                unlevelled += u64::from(late && row.lacks_level(&question.wanted, question.grep.as_ref()));
                if late && row.is_wanted(&question.wanted, question.grep.as_ref()) {
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
