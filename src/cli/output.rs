//! How a command speaks and how it ends: standard output, standard error, exit status.
//!
//! A broken pipe is a quiet end: who has seen enough of the output is not told that it failed.

use std::io::{self, IsTerminal as _, Write};

use serde::Serialize;

use crate::config::ConfigError;
use crate::problem::Problems;
use crate::text::{SafeText, escape_json};

/// How the process ends; the numbers are a contract with scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Unexpected failure, or tampering found.
    Failure = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The configuration is wrong or missing.
    Configuration = 3,
    /// A backend could not be reached or refused.
    Backend = 4,
    /// Journaled, not yet confirmed.
    Unconfirmed = 5,
    /// Refused by read-only.
    ReadOnly = 6,
    /// What `--fail-on` names holds.
    FailOn = 10,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// How a command ended, or why it could not.
pub type Outcome = Result<Exit, CliError>;

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The command line asks for what cannot be.
    #[error("{0}")]
    Usage(String),
    /// No configuration, or a wrong one.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A theme's or keymap's file is wrong.
    #[error(transparent)]
    Files(#[from] Problems),
    /// A backend could not be reached or refused, so that nothing was done.
    #[error("{0}")]
    Backend(String),
    /// `--read-only`, or `read_only = true`.
    #[error("{0}")]
    ReadOnly(String),
    /// Output could not be written.
    #[error("output: {0}")]
    Output(#[from] io::Error),
    /// Anything else.
    #[error("{0:#}")]
    Unexpected(color_eyre::eyre::Report),
}

impl CliError {
    /// The exit status that it means.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Config(_) | Self::Files(_) => Exit::Configuration,
            Self::Backend(_) => Exit::Backend,
            Self::ReadOnly(_) => Exit::ReadOnly,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
            Self::Output(_) | Self::Unexpected(_) => Exit::Failure,
        }
    }

    /// What to say of it; nothing for a broken pipe.
    pub fn words(&self) -> Option<String> {
        match self {
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            Self::Config(error @ ConfigError::NotFound { .. }) => Some(super::no_configuration(error)),
            Self::Usage(_)
            | Self::Config(_)
            | Self::Files(_)
            | Self::Backend(_)
            | Self::ReadOnly(_)
            | Self::Output(_)
            | Self::Unexpected(_) => Some(self.to_string()),
        }
    }
}

/// Whether somebody watches standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Watched {
    Yes,
    No,
}

/// Standard output and standard error of a command.
pub struct Output {
    out: Box<dyn Write + Send>,
    diagnostics: Box<dyn Write + Send>,
    watched: Watched,
}

impl Output {
    /// The process's own.
    pub fn standard() -> Self {
        Self {
            out: Box::new(io::BufWriter::new(io::stdout())),
            diagnostics: Box::new(io::stderr()),
            watched: if io::stderr().is_terminal() {
                Watched::Yes
            } else {
                Watched::No
            },
        }
    }

    /// Anywhere else; nobody watches.
    pub fn into(out: impl Write + Send + 'static, diagnostics: impl Write + Send + 'static) -> Self {
        Self {
            out: Box::new(out),
            diagnostics: Box::new(diagnostics),
            watched: Watched::No,
        }
    }

    /// A line of text, made safe.
    pub fn line(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{}", SafeText::line(line).as_str())
    }

    /// Text of our own with line breaks: completions, a manual page, a configuration.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())
    }

    /// One JSON document, control and bidi characters escaped.
    pub fn json<T: Serialize>(&mut self, document: &T) -> io::Result<()> {
        let text = serde_json::to_string(document).map_err(io::Error::other)?;
        writeln!(self.out, "{}", escape_json(&text))
    }

    /// Standard output itself, for what writes while it runs.
    pub fn writer(&mut self) -> &mut dyn Write {
        &mut self.out
    }

    /// Lines on standard error, each made safe.
    pub fn diagnose(&mut self, words: &str) -> io::Result<()> {
        self.out.flush()?;
        for line in SafeText::lines(words) {
            writeln!(self.diagnostics, "{}", line.as_str())?;
        }
        Ok(())
    }

    /// The same, and somebody watches.
    #[cfg(test)]
    pub fn watched(out: impl Write + Send + 'static, diagnostics: impl Write + Send + 'static) -> Self {
        Self {
            watched: Watched::Yes,
            ..Self::into(out, diagnostics)
        }
    }

    /// What is under way and how to leave it, where somebody watches: said before the first answer is waited for.
    pub fn progress(&mut self, words: &str) -> io::Result<()> {
        match self.watched {
            Watched::Yes => self.diagnose(&format!("{words} (ctrl-c ends it)")),
            Watched::No => Ok(()),
        }
    }

    /// Everything written so far leaves.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
