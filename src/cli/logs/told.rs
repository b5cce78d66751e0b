//! Lines as they are written: text that a terminal may be given, levels in colour where one looks on; or JSON.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};

use chrono::SecondsFormat;
use serde_json::json;

use super::row::{Row, gap as gap_object};
use super::source::Names;
use crate::cli::Session;
use crate::cli::args::ColorChoice;
use crate::domain::document::written;
use crate::domain::log::fields::{Field, fields, message};
use crate::domain::log::prefix::without;
use crate::domain::log::{Gap, Level};
use crate::text::SafeText;

/// Fields behind a message at most.
const FIELDS: usize = 24;

/// Bytes of a line that are made safe at once.
const PIECE: usize = 64 * 1024;

/// Writes lines.
pub struct Teller {
    colours: Colours,
    names: Names,
}

/// Whether levels are coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Colours {
    Yes,
    No,
}

impl Teller {
    /// As the flags, the environment and standard output want it.
    pub fn new(session: &Session, names: Names) -> Self {
        let colours = match session.globals.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => io::stdout().is_terminal() && session.env.get("NO_COLOR").is_none(),
        };
        Self {
            colours: if colours { Colours::Yes } else { Colours::No },
            names,
        }
    }

    /// A line, as text.
    pub fn row(&mut self, session: &mut Session, row: &Row) -> io::Result<()> {
        session.out.text(&self.text(row))
    }

    /// A line as it came while it is followed: text, or its object alone.
    pub fn followed(&mut self, session: &mut Session, row: &Row) -> io::Result<()> {
        if session.globals.json {
            let text = written(&row.object());
            writeln!(session.out.writer(), "{text}")
        } else {
            self.row(session, row)
        }
    }

    fn text(&self, row: &Row) -> String {
        let time = row.at.map_or_else(
            || "-".to_owned(),
            |at| at.utc().to_rfc3339_opts(SecondsFormat::Millis, true),
        );
        let level = match row.level {
            Level::Unknown => "-    ".to_owned(),
            level => format!("{:<5}", level.word()),
        };
        let level = match (self.colours, sgr(row.level)) {
            (Colours::Yes, Some(sgr)) => format!("\u{1b}[{sgr}m{level}\u{1b}[0m"),
            (Colours::Yes | Colours::No, _) => level,
        };
        let service = SafeText::line(row.service.as_deref().unwrap_or("-")).into_string();
        let words = words(row);
        let mut lines = words.lines();
        let mut text = format!("{time} {level} {service} ");
        if self.names == Names::Told
            && let Some(file) = row.stream.label("file")
        {
            push_safe(&mut text, file);
            text.push(' ');
        }
        push_safe(&mut text, lines.next().unwrap_or_default());
        text.push('\n');
        for line in lines {
            text.push_str("    ");
            push_safe(&mut text, line);
            text.push('\n');
        }
        text
    }
}

/// A line made safe piece by piece: as one, it would be cut where a screen has no more use for it.
fn push_safe(text: &mut String, line: &str) {
    let mut rest = line;
    while !rest.is_empty() {
        let most = rest.len().min(PIECE);
        let end = (most..=rest.len()).find(|end| rest.is_char_boundary(*end));
        let (piece, behind) = rest.split_at(end.unwrap_or(rest.len()));
        SafeText::lines(piece).for_each(|safe| text.push_str(safe.as_str()));
        rest = behind;
    }
}

/// The message, and behind it what else a document tells.
fn words(row: &Row) -> String {
    // the fields of a document stand behind its message, not behind the trace that follows it
    let behind = row.behind().map(std::borrow::Cow::into_owned);
    let mut words = row.message();
    if let Some(behind) = &behind {
        words.truncate(words.len() - behind.len() - 1);
    }
    if message(&row.text).is_none() {
        let rest = without(&words, row.at, row.level).len();
        words.drain(..words.len() - rest);
        // what is no document is told whole already
        if row.extra.is_empty() {
            return words;
        }
    }
    let told = [
        "message",
        "msg",
        "level",
        "detected_level",
        "time",
        "timestamp",
        "ts",
        "service",
    ];
    let beside = if message(&row.text).is_none() {
        fields(b"", &row.extra)
    } else {
        fields(&row.text, &row.extra)
    };
    // what the text tells already the server tells again: labels it found, a trace id it read out of the text
    let mut names = HashSet::new();
    let rest = beside.iter().filter(|field| {
        !told.contains(&field.name.as_str()) && names.insert(&field.name) && !is_told(&row.text, field)
    });
    for field in rest.take(FIELDS) {
        let _ = write!(words, " {}={}", field.name, field.value); // writing to a String cannot fail
    }
    if let Some(behind) = behind {
        words.push('\n');
        words.push_str(&behind);
    }
    words
}

/// Whether a text that is told as it stands says `name=value` or `name: value` itself.
fn is_told(text: &[u8], field: &Field) -> bool {
    if message(text).is_some() || field.value.is_empty() {
        return false;
    }
    let text = String::from_utf8_lossy(text);
    let ends = |at: usize, told: &str| {
        let behind = text.get(at + told.len()..).and_then(|rest| rest.chars().next());
        behind.is_none_or(|next| !next.is_alphanumeric())
    };
    ["=", "=\"", ": ", ":"].into_iter().any(|sign| {
        let told = format!("{}{sign}{}", field.name, field.value);
        text.match_indices(&told).any(|(at, told)| ends(at, told))
    })
}

/// The colour of a level (ECMA-48, select graphic rendition); the terminal's own palette is used.
fn sgr(level: Level) -> Option<&'static str> {
    match level {
        Level::Fatal => Some("1;31"),
        Level::Error => Some("31"),
        Level::Warn => Some("33"),
        Level::Debug | Level::Trace => Some("2"),
        Level::Info | Level::Unknown => None,
    }
}

/// A gap as it came while lines are followed.
pub fn gap(session: &mut Session, gap: &Gap) -> io::Result<()> {
    if session.globals.json {
        let text = written(&json!({"gap": gap_object(gap)}));
        writeln!(session.out.writer(), "{text}")
    } else {
        say_gap(session, gap)
    }
}

/// A gap that was filled: what was told as missing came after all.
pub fn filled(session: &mut Session, gap: &Gap) -> io::Result<()> {
    if session.globals.json {
        let text = written(&json!({"filled": gap_object(gap)}));
        writeln!(session.out.writer(), "{text}")
    } else {
        let (from, to) = (moment(gap.from), moment(gap.to));
        session.out.diagnose(&format!(
            "the gap from {from} to {to} is filled: its lines were told late"
        ))
    }
}

fn moment(at: crate::domain::log::Nanos) -> String {
    at.utc().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A gap in words, on standard error.
pub fn say_gap(session: &mut Session, gap: &Gap) -> io::Result<()> {
    session.out.diagnose(&format!(
        "gap: lines are missing from {} to {}: {}",
        moment(gap.from),
        moment(gap.to),
        gap.reason
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cli::logs::row::Reader;
    use crate::domain::log::Batch;

    fn text(line: &[u8], colours: Colours) -> String {
        text_beside(line, b"", colours)
    }

    fn text_beside(line: &[u8], extra: &[u8], colours: Colours) -> String {
        let mut batch = Batch::default();
        batch.streams.push(Arc::default());
        batch.push(None, 0, Level::Unknown, line, extra);
        let row = Reader::default().rows(&batch).remove(0);
        let names = Names::Untold;
        Teller { colours, names }.text(&row)
    }

    #[test]
    fn no_byte_of_a_line_reaches_a_terminal_unsafe() {
        let evil = text(
            b"2026-11-20T03:14:07Z ERROR \x1b]0;x\x07 \xff\x00 \xe2\x80\xae\n\x1b[2J next",
            Colours::No,
        );
        assert!(
            !evil.chars().any(|c| c != '\n' && crate::text::is_unsafe(c)),
            "{evil:?}"
        );
        assert!(
            evil.starts_with("2026-11-20T03:14:07.000Z error - ") && evil.lines().count() == 2,
            "{evil:?}"
        );
    }

    #[test]
    fn a_document_is_its_message_and_the_rest_of_it() {
        let line =
            br#"{"ts":"2026-11-20T03:14:07Z","level":"warn","service":"pay","msg":"slow","took":"3s"}"#;
        assert_eq!(
            text(line, Colours::No),
            "2026-11-20T03:14:07.000Z warn  pay slow took=3s\n"
        );
        assert!(text(line, Colours::Yes).contains("\u{1b}[33mwarn \u{1b}[0m"));
        assert_eq!(text(b"plain", Colours::Yes), "- -     - plain\n");
    }

    #[test]
    fn what_text_and_server_both_tell_is_told_once() {
        let beside = br#"{"trace_id":"abc1","detected_level":"error","pod":"pay-1"}"#;
        for line in [
            r#"{"level":"error","msg":"refused","trace_id":"abc1"}"#,
            "level=error msg=refused trace_id=abc1",
            "refused trace_id=abc1",
        ] {
            let told = text_beside(line.as_bytes(), beside, Colours::No);
            assert_eq!(told.matches("abc1").count(), 1, "{told}");
            assert!(
                told.contains("pod=pay-1") && !told.contains("detected_level"),
                "{told}"
            );
        }
        // alike is not the same
        let told = text_beside(b"refused trace_id=abc12", br#"{"trace_id":"abc1"}"#, Colours::No);
        assert!(told.ends_with(" trace_id=abc1\n"), "{told}");
    }
}
