//! A command line of a runbook as an argument vector, filled from an alert's labels.
//!
//! The line is split into words as POSIX splits them (Shell Command Language, 2.2 Quoting), and that is all: whatever
//! only a shell could do (pipes, substitution, patterns, variables) makes it a line to be read, not one to be run. A
//! label's value fills a place within one word and never becomes a second one. Start at [`Template::read`].

mod argv;
mod characters;
mod reader;

use std::fmt;

pub use self::argv::{Argument, Argv, exposed};
use self::characters::{is_dash, is_name, is_plain, unseen};
use crate::domain::alert::Labels;

/// The longest value that is filled in, in bytes.
const LONGEST: usize = 1024;

/// The longest command with every place filled, in bytes.
const LONGEST_COMMAND: usize = 4096;

/// Programs that read one of their arguments as a command or program once more. Names with a version behind
/// (`python3.12`) count as the name. What keeps values harmless is [`Takes::Names`], which needs no list; this one and the next
/// only catch, for programs that the configuration calls plain, words that make such a program of something else
/// (`kubectl exec … -- sh -c`).
const READS_AGAIN: &[&str] = &[
    "ash",
    "awk",
    "bash",
    "busybox",
    "csh",
    "dash",
    "doas",
    "env",
    "eval",
    "find",
    "fish",
    "gawk",
    "jq",
    "ksh",
    "logcli",
    "lua",
    "mawk",
    "mosh",
    "mysql",
    "nc",
    "node",
    "nsenter",
    "parallel",
    "perl",
    "php",
    "promtool",
    "psql",
    "python",
    "redis-cli",
    "ruby",
    "sed",
    "sh",
    "sqlite",
    "ssh",
    "su",
    "sudo",
    "tcsh",
    "watch",
    "xargs",
    "zsh",
];

/// Options behind which many programs take a command, a program or a query, `--` among them: what follows is somebody
/// else's to read. Programs that are in no list are caught by these.
const HANDS_ON: &[&str] = &[
    "--",
    "-a",
    "-c",
    "-e",
    "-q",
    "-x",
    "--args",
    "--cmd",
    "--command",
    "--eval",
    "--exec",
    "--execute",
    "--expression",
    "--parameters",
    "--query",
    "--script",
];

/// A command of a runbook before its places are filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    words: Vec<Word>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Word(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// The value of the label of that name.
    Label(String),
}

/// Why a line is for reading only.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRunnable {
    /// There is no word in it.
    #[error("nothing to run")]
    Empty,
    /// Only a shell could do that.
    #[error(
        "column {column}: `{what}` needs a shell, and none is used; run it by hand or put it in a script"
    )]
    Shell {
        /// Where, in characters from 1.
        column: usize,
        /// What needs it.
        what: String,
    },
    /// A quotation mark without its other.
    #[error("column {column}: the quote is not closed")]
    Unclosed {
        /// Where it was opened, in characters from 1.
        column: usize,
    },
    /// A place that is not a label's.
    #[error("column {column}: `{what}` is no label; write {{{{ labels.NAME }}}}")]
    Place {
        /// Where, in characters from 1.
        column: usize,
        /// What stands there.
        what: String,
    },
    /// A character that is not seen, or that reorders what is: what would be run could not be shown.
    #[error("column {column}: a character that cannot be seen (U+{code:04X}); write the line anew")]
    Hidden {
        /// Where, in characters from 1.
        column: usize,
        /// Which.
        code: u32,
    },
    /// Its block is a script: its lines are nothing by themselves.
    #[error("{why} in line {line} of this block makes it a script; run it by hand or put it in a file")]
    Script {
        /// Of the block, from 1.
        line: usize,
        /// What makes it one.
        why: String,
    },
    /// It did not come from where commands are taken from.
    #[error(
        "it came over plain http, where anybody on the way can change it; serve it by https, or put it into [runbooks] dir"
    )]
    Plaintext,
    /// What is run would depend on a label.
    #[error("the program itself may not come from a label")]
    Program,
}

/// Why a command is not filled in, and so not offered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The alert has no such label, or it is empty.
    #[error("the alert has no label {label}")]
    Missing {
        /// Which.
        label: String,
    },
    /// The value would be taken for an option.
    #[error("the value of {label} looks like an option")]
    Option {
        /// Which.
        label: String,
    },
    /// The value holds a control character, a line break, or one that hides or reorders text.
    #[error("the value of {label} holds a control character")]
    Control {
        /// Which.
        label: String,
    },
    /// All of it is more than anybody reads before saying yes.
    #[error("it is longer than {LONGEST_COMMAND} bytes; put it in a script")]
    Whole,
    /// The value is longer than any name is.
    #[error("the value of {label} is longer than {LONGEST} bytes")]
    Long {
        /// Which.
        label: String,
    },
    /// The value is more than a name.
    #[error(
        "the value of {label} is no name (letters, digits, ._:/@- and no @ or .. to begin with); {program} gets no other \
         unless it is in plain_programs"
    )]
    NoName {
        /// Which.
        label: String,
        /// Whoever would get it.
        program: String,
    },
    /// The value would be read as a command by what is run.
    #[error(
        "{program} would read the value of {label} once more; it may hold letters, digits and ._:/@- only"
    )]
    ReadAgain {
        /// Which.
        label: String,
        /// By whom.
        program: String,
    },
}

/// What a program is handed of labels, whose values whoever sends an alert chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Takes {
    /// Names alone: letters, digits and `._:/@-`, with no sign in front that programs give a meaning (`-x`, `@file`, `+x`),
    /// and no way up (`..`). No program is known well enough to take more unasked.
    #[default]
    Names,
    /// Whatever can be seen, and looks like no option: the configuration says that to this program its arguments are
    /// nothing but text.
    Text,
}

impl Template {
    /// Reads one line of a runbook; a prompt (`$ `) before it is left out, as is a comment behind it.
    ///
    /// # Errors
    /// [`NotRunnable`], with the column, where it is a line to be read only.
    pub fn read(line: &str) -> Result<Self, NotRunnable> {
        Self::of(reader::line(line)?)
    }

    /// Reads words that are written one by one: nothing splits them, and nothing but places is read in them.
    ///
    /// # Errors
    /// [`NotRunnable`], with the column within the word.
    pub fn of_words(words: &[String]) -> Result<Self, NotRunnable> {
        let words: Result<Vec<Word>, NotRunnable> =
            words.iter().map(|word| Ok(Phrase::read(word)?.0)).collect();
        Self::of(words?)
    }

    fn of(words: Vec<Word>) -> Result<Self, NotRunnable> {
        match words.first() {
            None => Err(NotRunnable::Empty),
            Some(program) if program.0.is_empty() => Err(NotRunnable::Empty),
            Some(program) if program.0.iter().any(|part| matches!(part, Part::Label(_))) => {
                Err(NotRunnable::Program)
            }
            Some(_) => Ok(Self { words }),
        }
    }

    /// The program, as it stands: a name or a path.
    pub fn program(&self) -> &str {
        match self.words.first().map(|word| word.0.as_slice()) {
            Some([Part::Text(text)]) => text,
            _ => "",
        }
    }

    /// The labels that are filled in, each once, in the order of their first place.
    pub fn labels(&self) -> Vec<&str> {
        let mut seen = Vec::new();
        for part in self.words.iter().flat_map(|word| &word.0) {
            if let Part::Label(label) = part
                && !seen.contains(&label.as_str())
            {
                seen.push(label.as_str());
            }
        }
        seen
    }

    /// Fills the places from an alert's labels.
    ///
    /// # Errors
    /// [`Refused`] for the first value that is missing or could do more than stand in its place.
    pub fn fill(&self, labels: &Labels, takes: Takes) -> Result<Argv, Refused> {
        // `kubectl exec pod -- sh -c …`: whichever word it is that reads on.
        let again = self.words.iter().find_map(Word::reads_again);
        let again = again.or_else(|| self.words.iter().find_map(Word::hands_on));
        let mut arguments = Vec::with_capacity(self.words.len());
        for word in &self.words {
            // A word with more than a plain name beside a place is most often a command or a query for somebody else.
            let phrase = word
                .0
                .iter()
                .any(|part| matches!(part, Part::Text(text) if !text.chars().all(is_plain)));
            let (mut filled, mut from) = (String::new(), Vec::new());
            for part in &word.0 {
                match part {
                    Part::Text(text) => filled.push_str(text),
                    Part::Label(label) => {
                        let value = checked(label, labels)?;
                        let is_name = is_name(value);
                        if takes == Takes::Names && !is_name {
                            return Err(Refused::NoName {
                                label: label.clone(),
                                program: self.program().to_owned(),
                            });
                        }
                        if (again.is_some() || phrase) && !is_name {
                            return Err(Refused::ReadAgain {
                                label: label.clone(),
                                program: again.unwrap_or(self.program()).to_owned(),
                            });
                        }
                        filled.push_str(value);
                        if !from.contains(label) {
                            from.push(label.clone());
                        }
                    }
                }
            }
            arguments.push(Argument { text: filled, from });
        }
        if arguments
            .iter()
            .map(|argument| argument.text.len())
            .sum::<usize>()
            > LONGEST_COMMAND
        {
            return Err(Refused::Whole);
        }
        Ok(Argv(arguments))
    }
}

/// A text with places for labels: one word of a command, or a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase(Word);

impl Phrase {
    /// Reads a text; nothing but places means anything in it.
    ///
    /// # Errors
    /// [`NotRunnable`], with the column, where something in it is not seen or is no label's place.
    pub fn read(text: &str) -> Result<Self, NotRunnable> {
        reader::text(text).map(Self)
    }

    /// The same text in every place, to see whether it reads.
    pub fn with_every_place(&self, value: &str) -> String {
        let parts = self.0.0.iter().map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Label(_) => value,
        });
        parts.collect()
    }

    /// Fills the places of a query: by plain names alone, for it is read once more.
    ///
    /// # Errors
    /// [`Refused`] for the first value that is missing or is more than a plain name.
    pub fn fill(&self, labels: &Labels) -> Result<String, Refused> {
        let mut filled = String::new();
        for part in &self.0.0 {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Label(label) => {
                    let value = checked(label, labels)?;
                    if !is_name(value) {
                        return Err(Refused::ReadAgain {
                            label: label.clone(),
                            program: "the query".to_owned(),
                        });
                    }
                    filled.push_str(value);
                }
            }
        }
        Ok(filled)
    }
}

impl fmt::Display for Phrase {
    /// As it is written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.0.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Label(label) => write!(f, "{{{{ labels.{label} }}}}"),
        })
    }
}

impl Word {
    /// This word, where by custom what stands behind it is a command or program of its own.
    fn hands_on(&self) -> Option<&str> {
        let Some(Part::Text(text)) = self.0.first() else {
            return None;
        };
        let name = text.split_once('=').map_or(text.as_str(), |(name, _)| name);
        HANDS_ON.contains(&name).then_some(name)
    }

    /// The program in it that reads its arguments once more: `sh`, `/bin/sh`, `--shell=/bin/sh`.
    fn reads_again(&self) -> Option<&str> {
        self.0.iter().find_map(|part| match part {
            Part::Text(text) => text.split(['/', '=', ' ']).find(|name| reads_again(name)),
            Part::Label(_) => None,
        })
    }
}

/// A label's value, where it can stand in a command.
fn checked<'a>(label: &str, labels: &'a Labels) -> Result<&'a str, Refused> {
    let label_owned = || label.to_owned();
    let value = labels.value(label);
    if value.is_empty() {
        return Err(Refused::Missing { label: label_owned() });
    }
    if value.len() > LONGEST {
        return Err(Refused::Long { label: label_owned() });
    }
    if unseen(value).is_some() {
        return Err(Refused::Control { label: label_owned() });
    }
    if value.trim_start().starts_with(is_dash) {
        return Err(Refused::Option { label: label_owned() });
    }
    Ok(value)
}

fn reads_again(program: &str) -> bool {
    let name = program.to_ascii_lowercase();
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    READS_AGAIN.contains(&name)
}

#[cfg(test)]
mod tests;
