//! `midwatch audit`: who did what, and whether the log of it is as it was written. Asks no backend.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::args::{AuditArgs, AuditCommand};
use super::{CliError, Exit, Outcome, Session};
use crate::config::ConfigError;
use crate::domain::alert::table::columns;
use crate::journal::Opening;
use crate::journal::audit::{self, FileRead, Line, UNDETECTABLE, Verdict};
use crate::text::SafeText;
use crate::time::before;

/// Faults that are listed as text; the document has all.
const LISTED: usize = 20;

/// Runs the command.
pub fn run(session: &mut Session, args: &AuditArgs) -> Outcome {
    let place = place(session)?;
    let path = place.opening.audit_path();
    session
        .out
        .progress(&format!("reading the audit log {}…", path.display()))?;
    let read = audit::read(&place.opening).map_err(|error| {
        let said = format!("the audit log {} cannot be read", path.display());
        CliError::Unexpected(color_eyre::eyre::Report::new(error).wrap_err(said))
    })?;
    match args.command {
        None => list(session, args, &read),
        Some(AuditCommand::Verify) if args.since.is_some() || args.limit.is_some() => Err(CliError::Usage(
            "a chain is verified as a whole: leave --since and --limit out".to_owned(),
        )),
        Some(AuditCommand::Verify) => verify(session, &place, &read),
    }
}

/// Where the log lies, and whether its lines also go elsewhere.
struct Place {
    opening: Opening,
    forwarded: bool,
}

/// As configured; in the state directory where there is no configuration.
fn place(session: &mut Session) -> Result<Place, CliError> {
    let (opening, forwarded) = match session.config() {
        Ok(config) => (Opening::of(&config), config.audit_forward.is_some()),
        Err(CliError::Config(ConfigError::NotFound { .. })) => {
            let state = session.env.state_dir();
            (state.map(|dir| Opening::private(dir.join("midwatch.db"))), false)
        }
        Err(error) => return Err(error),
    };
    let opening = opening.ok_or_else(|| {
        CliError::Usage("there is no state directory: set HOME or state_dir, or `journal`".to_owned())
    })?;
    Ok(Place { opening, forwarded })
}

#[derive(Serialize)]
struct Listing<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<&'a str>,
    at: String,
    entries: &'a [Line],
    errors: [String; 0],
    warnings: Vec<String>,
}

fn list(session: &mut Session, args: &AuditArgs, read: &FileRead) -> Outcome {
    let now = session.clock.now().utc;
    let since = args.since.map(|since| before(now, since));
    let context = session.globals.context.clone();
    let wanted = |line: &Line| {
        let late = since.is_none_or(|since| at(line).is_none_or(|at| at >= since));
        late && context.as_ref().is_none_or(|context| line.context == *context)
    };
    let mut foreign = 0_usize;
    let mut entries = Vec::new();
    for bytes in read
        .bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        match serde_json::from_slice::<Line>(bytes) {
            Ok(line) if wanted(&line) => entries.push(line),
            Ok(_) => {}
            Err(_) => foreign += 1,
        }
    }
    let over = entries.len().saturating_sub(args.limit.unwrap_or(usize::MAX));
    entries.drain(..over);
    let mut warnings = Vec::new();
    if foreign > 0 {
        warnings.push(format!(
            "{foreign} lines of the audit log do not read; `midwatch audit verify` names them"
        ));
    }
    if session.globals.json {
        session.out.json(&Listing {
            context: context.as_deref(),
            at: stamp(now),
            entries: &entries,
            errors: [],
            warnings,
        })?;
    } else {
        session.out.text(&table(&entries))?;
        for warning in warnings {
            session.out.diagnose(&format!("warning: {warning}"))?;
        }
    }
    session.out.flush()?;
    Ok(Exit::Done)
}

fn at(line: &Line) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(&line.at).ok().map(|at| at.to_utc())
}

fn stamp(now: DateTime<Utc>) -> String {
    now.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn table(entries: &[Line]) -> String {
    if entries.is_empty() {
        return "nothing has been done\n".to_owned();
    }
    let safe = |text: &str| SafeText::line(text).into_string();
    let mut rows = vec![
        ["SEQ", "AT", "WHO", "CONTEXT", "ACTION", "TARGET", "RESULT", "WHY"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(entries.iter().map(|line| {
        let when = at(line).map_or_else(
            || safe(&line.at),
            |at| at.format("%Y-%m-%d %H:%M:%SZ").to_string(),
        );
        vec![
            line.seq.to_string(),
            when,
            safe(&line.actor),
            safe(&line.context),
            safe(&line.action),
            safe(&line.target),
            safe(&line.result),
            safe(&line.why),
        ]
    }));
    columns(&rows)
}

#[derive(Serialize)]
struct FaultRow {
    line: u64,
    seq: Option<u64>,
    message: String,
}

#[derive(Serialize)]
struct Report<'a> {
    at: String,
    file: String,
    journal: String,
    whole: bool,
    lines: u64,
    waiting: u64,
    faults: Vec<FaultRow>,
    undetectable: &'a str,
    errors: Vec<String>,
    warnings: Vec<String>,
}

fn verify(session: &mut Session, place: &Place, read: &FileRead) -> Outcome {
    let books = read.books.as_ref().ok().and_then(Option::as_ref);
    let verdict = audit::verify(&read.bytes, books);
    let errors = without_books(read);
    let mut warnings = Vec::new();
    if !place.forwarded {
        warnings.push(
            "audit_forward is not configured: no copy of the log is out of this host's reach".to_owned(),
        );
    }
    let whole = verdict.is_whole() && errors.is_empty();
    let (file, journal) = (place.opening.audit_path(), &place.opening.path);
    if session.globals.json {
        let row = |fault: &audit::Fault| FaultRow {
            line: fault.line,
            seq: fault.seq,
            message: fault.to_string(),
        };
        session.out.json(&Report {
            at: stamp(session.clock.now().utc),
            file: file.display().to_string(),
            journal: journal.display().to_string(),
            whole,
            lines: verdict.lines,
            waiting: verdict.waiting,
            faults: verdict.faults.iter().map(row).collect(),
            undetectable: UNDETECTABLE,
            errors,
            warnings,
        })?;
    } else {
        for line in words(&verdict, &file.display().to_string(), whole) {
            session.out.line(&line)?;
        }
        for error in errors {
            session.out.diagnose(&format!("error: {error}"))?;
        }
        for warning in warnings {
            session.out.diagnose(&format!("warning: {warning}"))?;
        }
    }
    session.out.flush()?;
    Ok(if whole { Exit::Done } else { Exit::Failure })
}

/// Why the journal cannot vouch for the log.
fn without_books(read: &FileRead) -> Vec<String> {
    match &read.books {
        Ok(Some(_)) => Vec::new(),
        Ok(None) if read.bytes.is_empty() => Vec::new(),
        Ok(None) => vec![
            "there is no journal beside the audit log: a cut end, or a log written anew, would not show"
                .to_owned(),
        ],
        Err(error) => vec![format!(
            "{error}; a cut end of the audit log, or one written anew, would not show"
        )],
    }
}

fn words(verdict: &Verdict, file: &str, whole: bool) -> Vec<String> {
    let mut said = Vec::new();
    for fault in verdict.faults.iter().take(LISTED) {
        said.push(format!("{file}: {fault}"));
    }
    let more = verdict.faults.len().saturating_sub(LISTED);
    if more > 0 {
        said.push(format!("{file}: and {more} more; --json lists all"));
    }
    if whole {
        let lines = verdict.lines;
        said.push(format!("{file}: {lines} lines, as they were written"));
    } else if verdict.is_whole() {
        said.push(format!("{file}: {} lines, sound in themselves", verdict.lines));
    }
    if verdict.waiting > 0 {
        said.push(format!(
            "{} more stand in the journal alone; the next console appends them",
            verdict.waiting
        ));
    }
    said.push(format!("not detectable here: {UNDETECTABLE}"));
    said
}
