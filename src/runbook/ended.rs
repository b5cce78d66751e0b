//! How a command of a runbook ended, and what it said.

use std::fmt;
use std::time::Duration;

use crate::text::SafeText;

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// By itself, with this status.
    Exit(i32),
    /// By a signal that was not ours.
    Signal(i32),
    /// It was killed with its children: its time was over, after so long.
    TimedOut(Duration),
    /// It was killed with its children: somebody stopped it, or the console was left.
    Stopped,
    /// It never ran; why, in words.
    NotStarted(String),
}

impl End {
    /// Whether it did what it was run for, as far as its status tells.
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Exit(0))
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(status) => write!(f, "exit status {status}"),
            Self::Signal(signal) => write!(f, "ended by signal {signal}"),
            Self::TimedOut(limit) => {
                write!(f, "killed: it did not end within {} s", limit.as_secs_f64())
            }
            Self::Stopped => f.write_str("killed: it was stopped"),
            Self::NotStarted(why) => write!(f, "not run: {why}"),
        }
    }
}

/// A command that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// How.
    pub end: End,
    /// How long it ran.
    pub took: Duration,
    /// The last of what it said on both its outputs, in the order it came; not yet safe.
    pub output: String,
    /// Bytes before that, which were not kept.
    pub left_out: u64,
    /// What was asked of the metrics afterwards answered so: as it had to be, or not; nothing where nothing was asked.
    pub verdict: Option<Result<String, String>>,
}

impl Ended {
    /// One that never ran.
    pub fn not_started(why: impl Into<String>) -> Self {
        Self {
            end: End::NotStarted(why.into()),
            took: Duration::ZERO,
            output: String::new(),
            left_out: 0,
            verdict: None,
        }
    }

    /// Why it did not do what it was run for, as far as its status and what was asked afterwards tell.
    pub fn failure(&self) -> Option<String> {
        match &self.verdict {
            _ if !self.end.is_good() => Some(self.end.to_string()),
            Some(Err(why)) => Some(format!("not verified: {why}")),
            Some(Ok(_)) | None => None,
        }
    }

    /// As the audit log says it.
    pub fn audited(&self) -> String {
        self.failure()
            .map_or_else(|| "confirmed".to_owned(), |why| format!("failed: {why}"))
    }

    /// The last lines of its output within so many lines and bytes, each safe; what was left out is said first.
    pub fn tail(&self, lines: usize, bytes: usize) -> Vec<String> {
        let all: Vec<SafeText> = SafeText::lines(&self.output).collect();
        let mut room = bytes;
        let mut kept: Vec<String> = Vec::new();
        for line in all.iter().rev().take(lines) {
            if line.as_str().len() > room {
                break;
            }
            room -= line.as_str().len();
            kept.push(line.as_str().to_owned());
        }
        let above = all.len() - kept.len();
        if above > 0 || self.left_out > 0 {
            let bytes = match self.left_out {
                0 => String::new(),
                bytes => format!(", and {bytes} bytes that were not kept"),
            };
            kept.push(format!("… {above} lines before{bytes}"));
        }
        kept.reverse();
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(output: &str) -> Ended {
        Ended {
            end: End::Exit(1),
            took: Duration::from_secs(1),
            output: output.to_owned(),
            left_out: 0,
            verdict: None,
        }
    }

    #[test]
    fn the_tail_is_the_last_lines_made_safe_and_says_what_it_leaves_out() {
        let ended = said("one\ntwo \u{1b}[31m\nthree\n");
        assert_eq!(ended.tail(2, 100), ["… 1 lines before", "two ␛[31m", "three"]);
        assert_eq!(ended.tail(9, 100).len(), 3);
        assert_eq!(ended.tail(9, 6), ["… 2 lines before", "three"]);
        let cut = Ended {
            left_out: 7,
            ..said("a")
        };
        assert_eq!(
            cut.tail(9, 9),
            ["… 0 lines before, and 7 bytes that were not kept", "a"]
        );
    }

    #[test]
    fn only_a_status_of_zero_is_good_and_only_where_what_was_asked_says_so_too() {
        let ended = |end: End, verdict| Ended {
            end,
            verdict,
            ..said("")
        };
        assert_eq!(ended(End::Exit(0), None).audited(), "confirmed");
        assert_eq!(
            ended(End::Exit(0), Some(Ok("1".to_owned()))).audited(),
            "confirmed"
        );
        assert_eq!(ended(End::Exit(2), None).audited(), "failed: exit status 2");
        assert_eq!(
            ended(End::Exit(0), Some(Err("it answers 3".to_owned()))).audited(),
            "failed: not verified: it answers 3"
        );
        let late = End::TimedOut(Duration::from_millis(1_500));
        assert_eq!(late.to_string(), "killed: it did not end within 1.5 s");
    }
}
