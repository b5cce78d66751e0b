//! `midwatch logs`: lines of the configured source, of files, or of standard input.
//!
//! `source` finds out what is meant, `entries` joins lines that belong together, `row` reads one for people and
//! scripts, `told` writes lines, `gather` reads the past, `follow` the present, `trouble` what keeps it from coming,
//! `patterns` what lines have in common. Files and standard input that are named alone, on a
//! terminal, open the console; everything else prints text and JSON alike without a terminal of its own.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;

use regex::bytes::Regex;

use self::source::{Past, Seen, Source};
use self::told::Teller;
use super::args::LogsArgs;
use super::gather::say_remarks;
use super::{CliError, Exit, Outcome, Session};
use crate::backend::BackendError;
use crate::domain::document::{Remarks, document};
use crate::domain::log::{Nanos, Wanted};

mod entries;
mod follow;
mod gather;
mod patterns;
mod row;
mod source;
mod told;
mod trouble;

/// Lines where nothing else is said.
const LINES: usize = 1_000;
/// Lines that patterns are found in, where nothing else is said.
const PATTERN_LINES: usize = 50_000;

/// What is asked, read.
struct Question {
    wanted: Wanted,
    grep: Option<Regex>,
    /// From this moment on; from the begin of a file where nothing is said.
    from: Nanos,
    limit: usize,
}

impl Question {
    /// The flags that narrow it but `--grep`, as they would be typed.
    fn asked(&self) -> Vec<String> {
        let Wanted {
            service,
            // no flag narrows to one
            environment: _,
            trace,
            at_least,
            query,
        } = &self.wanted;
        let mut asked = Vec::new();
        if !query.is_empty() {
            asked.push(query.clone());
        }
        asked.extend(service.as_ref().map(|service| format!("--service {service}")));
        asked.extend(at_least.map(|level| format!("--level {}", level.word())));
        asked.extend(trace.map(|trace| format!("--trace {trace}")));
        asked
    }
}

/// Runs the command, or opens the console where that is meant.
pub fn run(session: &mut Session, args: &LogsArgs) -> Outcome {
    let seen = if std::io::stdout().is_terminal() && is_bare(session, args) {
        Seen::ByConsole
    } else {
        Seen::AsText
    };
    // checked before anything is opened: a pipe is read once
    let grep = args.grep.as_deref().map(Regex::new).transpose();
    let grep = grep.map_err(|error| CliError::Usage(format!("--grep: {error}")))?;
    let source = Source::open(session, args, seen)?;
    if source.seen == Seen::ByConsole {
        return super::console::on_lines(session, &source.context, &source.logs);
    }
    super::block_on(print(session, args, &source, grep))
}

/// Whether nothing says how lines are to be printed, or which of them: the console asks that itself.
fn is_bare(session: &Session, args: &LogsArgs) -> bool {
    let LogsArgs {
        what: _,
        service,
        since,
        limit,
        follow,
        grep,
        level,
        trace,
        patterns,
    } = args;
    let narrowed =
        service.is_some() || since.is_some() || level.is_some() || trace.is_some() || grep.is_some();
    !(narrowed || limit.is_some() || *follow || *patterns || session.globals.json)
}

/// Prints. An interrupt is a quiet end.
async fn print(session: &mut Session, args: &LogsArgs, source: &Source, grep: Option<Regex>) -> Outcome {
    let now = Nanos::of(session.clock.now().utc);
    let question = Question {
        wanted: Wanted {
            environment: BTreeMap::new(),
            service: args.service.as_deref().map(Into::into),
            trace: args.trace,
            at_least: args.level.map(Into::into),
            query: source.query.clone(),
        },
        grep,
        from: args
            .since
            .or(source.since)
            .map_or(Nanos(i64::MIN), |since| now.minus(since)),
        limit: args
            .limit
            .unwrap_or(if args.patterns { PATTERN_LINES } else { LINES }),
    };
    let interrupted = tokio::signal::ctrl_c();
    tokio::select! {
        ended = tell(session, args, source, &question, now) => ended,
        _ = interrupted => {
            session.out.flush()?;
            Ok(Exit::Done)
        }
    }
}

async fn tell(
    session: &mut Session,
    args: &LogsArgs,
    source: &Source,
    question: &Question,
    now: Nanos,
) -> Outcome {
    // who pipes into us sees lines as they come; a document, patterns and the latest lines need the end
    let streams =
        source.past == Past::None && !session.globals.json && !args.patterns && args.limit.is_none();
    if args.follow || streams {
        return follow::run(session, source, question, now).await;
    }
    let gathered = gather::past(session, source, question, now).await;
    let body = if args.patterns {
        patterns::tell(session, &gathered, now)?
    } else {
        let mut teller = Teller::new(session, source.names);
        if session.globals.json {
            Some(gathered.body())
        } else {
            for row in &gathered.rows {
                teller.row(session, row)?;
            }
            None
        }
    };
    if let Some(body) = body {
        let at = session.clock.now().utc;
        let text = document(&source.context, at, body, &gathered.remarks);
        session.out.text(&text)?;
        session.out.text("\n")?;
    } else {
        if gathered.rows.is_empty() && gathered.remarks.errors.is_empty() {
            let words = gather::nothing_found(gathered.counts, question);
            session.out.diagnose(&words)?;
        }
        if gathered.truncated && !gathered.rows.is_empty() {
            let words = format!("the latest {} lines; --limit shows more", gathered.rows.len());
            session.out.diagnose(&words)?;
        }
        for gap in &gathered.gaps {
            told::say_gap(session, gap)?;
        }
        say_remarks(session, &gathered.remarks)?;
    }
    session.out.flush()?;
    Ok(if gathered.remarks.errors.is_empty() {
        Exit::Done
    } else {
        Exit::Backend
    })
}

/// An error among the remarks.
fn noted(error: &BackendError) -> Remarks {
    Remarks {
        errors: vec![error.failure()],
        ..Remarks::default()
    }
}
