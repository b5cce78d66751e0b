//! The present: what there is already, then every line as it comes.

use std::time::Duration;

use tokio::sync::mpsc;

use super::entries::Newest;
use super::row::Reader;
use super::source::{Past, Source};
use super::told::Teller;
use super::trouble::{Trouble, is_well};
use super::{Question, gather, told};
use crate::backend::logs::{TAIL_CAPACITY, TailEvent, TailMode, tail_begin};
use crate::cli::gather::{in_words, say_remarks};
use crate::cli::{Exit, Outcome, Session};
use crate::domain::log::Nanos;
use crate::logstore::seam::Seam;

/// How long a line is waited for where nothing is held for it: it ends no wait that matters.
const IDLE: Duration = Duration::from_secs(3_600);

/// Follows until the source ends, refuses, or nobody reads any more.
pub async fn run(session: &mut Session, source: &Source, question: &Question, now: Nanos) -> Outcome {
    let mut teller = Teller::new(session, source.names);
    let mut reader = Reader::default();
    let mut seam = None;
    let mut trouble = Trouble::default();
    if source.past == Past::Kept {
        let gathered = gather::past(session, source, question, now).await;
        for gap in &gathered.gaps {
            told::gap(session, gap)?;
        }
        for row in &gathered.rows {
            teller.followed(session, row)?;
        }
        let mut remarks = gathered.remarks;
        let now = session.clock.tick();
        for failure in std::mem::take(&mut remarks.errors) {
            // the tail is about to meet the same, and goes on trying
            if let Some(words) = trouble.met(in_words(&failure), now) {
                session.out.diagnose(&words)?;
            }
        }
        say_remarks(session, &remarks)?;
        session.out.flush()?;
        seam = gathered.seam;
    }
    let (sender, mut events) = mpsc::channel(TAIL_CAPACITY);
    // a file's past was told to its end, whatever its lines say of their time; a server's lines come late
    let (from, mut seam) = if source.since.is_none() {
        (Nanos(i64::MAX), Seam::default())
    } else {
        seam.unwrap_or_else(|| {
            let begin = tail_begin(&*source.logs, now).max(question.from);
            (begin, Seam::default())
        })
    };
    let mut tail = source.logs.tail(question.wanted.clone(), from, sender);
    let mut ended = None;
    let mut unlevelled = 0;
    let (mut counts, mut told_any) = (gather::Counts::default(), false);
    let mut polling = None;
    let mut newest = Newest::default();
    let mut over = false;
    while !over {
        let now = session.clock.tick();
        let wait = newest.due().map_or(IDLE, |due| due.since(now));
        let heard = tokio::select! {
            biased;
            heard = tokio::time::timeout(wait, events.recv()) => heard,
            end = &mut tail, if ended.is_none() => {
                ended = Some(end);
                continue;
            }
        };
        let now = session.clock.tick();
        // what was told before the end comes before the end
        over = matches!(heard, Ok(None));
        // a file that cannot be read is not well again because another one grows
        if source.since.is_some()
            && let Ok(Some(event)) = &heard
            && is_well(event)
            && let Some(words) = trouble.over(now)
        {
            session.out.diagnose(words)?;
        }
        let (whole, event) = match heard {
            Err(_) => (newest.ready(now), None),
            Ok(None) => (newest.rest(), None),
            Ok(Some(TailEvent::Lines(mut batch))) => {
                seam.tail(&mut batch);
                (newest.take(batch, now), None)
            }
            // nothing belongs together over what is missing
            Ok(Some(event @ TailEvent::Gap(_))) => (newest.rest(), Some(event)),
            Ok(Some(event)) => (newest.ready(now), Some(event)),
        };
        for row in reader.rows(&whole) {
            unlevelled += u64::from(row.lacks_level(&question.wanted, question.grep.as_ref()));
            if counts.take(&row, question) {
                told_any = true;
                teller.followed(session, &row)?;
            }
        }
        match event {
            Some(TailEvent::Gap(gap)) => told::gap(session, &gap)?,
            Some(TailEvent::Mode(TailMode::Polling(why))) if !why.is_empty() => {
                if polling.replace(why) != Some(why) {
                    session.out.diagnose(&format!("polling: {why}"))?;
                }
            }
            Some(TailEvent::Mode(TailMode::Live)) => polling = None,
            // its lines came before
            Some(TailEvent::Filled(gap)) => told::filled(session, &gap)?,
            Some(TailEvent::Failed(error)) => {
                if let Some(words) = trouble.met(error.to_string(), now) {
                    session.out.diagnose(&words)?;
                }
            }
            None
            | Some(
                TailEvent::Lines(_)
                | TailEvent::Mode(
                    TailMode::Polling(_) | TailMode::Reading { .. } | TailMode::Connecting | TailMode::Ended,
                ),
            ) => {}
        }
        if events.is_empty() {
            session.out.flush()?;
        }
    }
    session.out.flush()?;
    // a pipe that is over told all it had
    if source.past == Past::None && !told_any && !session.globals.json && matches!(ended, Some(Ok(())) | None)
    {
        let words = gather::nothing_found(counts, question);
        session.out.diagnose(&words)?;
    }
    if let Some(words) = gather::left_out(unlevelled) {
        session.out.diagnose(&words)?;
    }
    match ended {
        Some(Err(error)) => {
            session.out.diagnose(&error.to_string())?;
            Ok(Exit::Backend)
        }
        Some(Ok(())) | None => Ok(Exit::Done),
    }
}
