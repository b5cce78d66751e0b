//! The present: what there is already, then every line as it comes.

use tokio::sync::mpsc;

use super::row::Reader;
use super::source::{Past, Source};
use super::told::Teller;
use super::{Question, gather, told};
use crate::backend::logs::{TAIL_CAPACITY, TailEvent, TailMode};
use crate::cli::gather::say_remarks;
use crate::cli::{Exit, Outcome, Session};
use crate::domain::log::Nanos;

/// Follows until the source ends, refuses, or nobody reads any more.
pub async fn run(session: &mut Session, source: &Source, question: &Question, now: Nanos) -> Outcome {
    let mut teller = Teller::new(session);
    let mut reader = Reader::default();
    if source.past == Past::Kept {
        let gathered = gather::past(session, source, question, now).await;
        for gap in &gathered.gaps {
            told::gap(session, gap)?;
        }
        for row in &gathered.rows {
            teller.followed(session, row)?;
        }
        say_remarks(session, &gathered.remarks)?;
        session.out.flush()?;
    }
    let (sender, mut events) = mpsc::channel(TAIL_CAPACITY);
    // a file's past was told to its end, whatever its lines say of their time
    let from = if source.since.is_none() {
        Nanos(i64::MAX)
    } else {
        now
    };
    let mut tail = source.logs.tail(question.wanted.clone(), from, sender);
    let mut ended = None;
    let mut unlevelled = 0;
    let (mut read, mut told_any) = (0, false);
    loop {
        let event = tokio::select! {
            biased;
            event = events.recv() => event,
            end = &mut tail, if ended.is_none() => {
                ended = Some(end);
                continue;
            }
        };
        // what was told before the end comes before the end
        let Some(event) = event else { break };
        match event {
            TailEvent::Lines(batch) => {
                read += batch.lines.len() as u64;
                for row in reader.rows(&batch) {
                    unlevelled += u64::from(row.lacks_level(&question.wanted, question.grep.as_ref()));
                    if row.is_wanted(&question.wanted, question.grep.as_ref()) {
                        told_any = true;
                        teller.followed(session, &row)?;
                    }
                }
            }
            TailEvent::Gap(gap) => told::gap(session, &gap)?,
            TailEvent::Mode(TailMode::Polling(why)) if !why.is_empty() => {
                session.out.diagnose(&format!("polling: {why}"))?;
            }
            // its lines came before
            TailEvent::Filled(gap) => told::filled(session, &gap)?,
            TailEvent::Mode(
                TailMode::Polling(_) | TailMode::Connecting | TailMode::Live | TailMode::Ended,
            ) => {}
            TailEvent::Failed(error) => session.out.diagnose(&format!("{error}; trying again"))?,
        }
        if events.is_empty() {
            session.out.flush()?;
        }
    }
    session.out.flush()?;
    // a pipe that is over told all it had
    if source.past == Past::None && !told_any && !session.globals.json && matches!(ended, Some(Ok(())) | None)
    {
        let words = gather::nothing_found(read, question);
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
