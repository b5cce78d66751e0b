//! A command line of a runbook as an argument vector, filled from an alert's labels.
//!
//! The line is split into words as POSIX splits them (Shell Command Language, 2.2 Quoting), and that is all: whatever
//! only a shell could do (pipes, substitution, patterns, variables) makes it a line to be read, not one to be run. A
//! label's value fills a place within one word and never becomes a second one. Start at [`Template::read`].

use std::fmt::{self, Write as _};

use unicode_width::UnicodeWidthChar as _;

use crate::domain::alert::Labels;
use crate::text::is_unsafe;

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

/// Marks above and below one letter; what has more of them covers the lines around it.
const MOST_MARKS: usize = 4;

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
        let bare = line.trim_end_matches(BLANKS).replace('\t', " ");
        if let Some((at, c)) = unseen(&bare) {
            return Err(hidden(at + 1, c));
        }
        Self::of(Reader::new(line).words()?)
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
        if let Some((at, c)) = unseen(text) {
            return Err(hidden(at + 1, c));
        }
        let mut reader = Reader {
            rest: text.chars().peekable(),
            taken: 0,
            words: Vec::new(),
            word: Some(Word::default()),
        };
        while let Some(c) = reader.next() {
            if c == '{' && reader.rest.peek() == Some(&'{') {
                reader.place()?;
            } else {
                reader.push(c);
            }
        }
        Ok(Self(reader.word.unwrap_or_default()))
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
    /// The program in it that reads its arguments once more: `sh`, `/bin/sh`, `--shell=/bin/sh`.
    /// This word, where by custom what stands behind it is a command or program of its own.
    fn hands_on(&self) -> Option<&str> {
        let Some(Part::Text(text)) = self.0.first() else {
            return None;
        };
        let name = text.split_once('=').map_or(text.as_str(), |(name, _)| name);
        HANDS_ON.contains(&name).then_some(name)
    }

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

/// The hyphen and what Unicode has that looks like it (general category Pd, and the minus sign).
fn is_dash(c: char) -> bool {
    matches!(
        c,
        '-' | '\u{58A}' | '\u{5BE}' | '\u{1400}' | '\u{1806}' | '\u{2010}'
            ..='\u{2015}'
                | '\u{2212}'
                | '\u{2E17}'
                | '\u{2E1A}'
                | '\u{2E3A}'
                | '\u{2E3B}'
                | '\u{2E40}'
                | '\u{2E5D}'
                | '\u{301C}'
                | '\u{3030}'
                | '\u{30A0}'
                | '\u{FE31}'
                | '\u{FE32}'
                | '\u{FE58}'
                | '\u{FE63}'
                | '\u{FF0D}'
                | '\u{10EAD}'
    )
}

/// What parts words. Whatever else is blank is no blank to any shell, and is not seen to be none.
const BLANKS: [char; 2] = [' ', '\t'];

/// The first character that is not seen as what it is, and its place.
fn unseen(text: &str) -> Option<(usize, char)> {
    let mut marks = 0;
    text.chars().enumerate().find(|(_, c)| {
        let is_mark = c.width() == Some(0);
        marks = if is_mark { marks + 1 } else { 0 };
        is_hidden(*c) || marks > MOST_MARKS
    })
}

/// What is not seen where it stands, or changes how what is beside it is seen: controls, formatting, fillers, blanks
/// other than the space, variation selectors (Unicode's `Default_Ignorable_Code_Point`, and the controls), and what
/// every font draws as it likes (private use).
fn is_hidden(c: char) -> bool {
    is_unsafe(c)
        || c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200c}' | '\u{200d}' | '\u{2065}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0080}'..='\u{e0fff}'
            | '\u{f0000}'..='\u{10ffff}')
}

/// Whether a value is a name: of a pod, a host with its port, a path, an image.
fn is_name(value: &str) -> bool {
    let is_of_names = |c: char| c.is_ascii_alphanumeric() || "._:/@-".contains(c);
    value.chars().all(is_of_names)
        && !value.starts_with(['@', '-'])
        && !value.split('/').any(|part| part == "..")
}

/// What is typed without quotes.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._:/@%+=,-".contains(c)
}

fn reads_again(program: &str) -> bool {
    let name = program.to_ascii_lowercase();
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    READS_AGAIN.contains(&name)
}

/// One argument with its places filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// What the program is handed.
    pub text: String,
    /// The labels whose values stand in it.
    pub from: Vec<String>,
}

impl Argument {
    /// As it is shown to whoever says yes: typed as [`fmt::Display`] does, and what is not ASCII by its number
    /// (`<U+2013>`), for there are letters that look like others, and terminals that draw one for the other.
    pub fn exposed(&self) -> String {
        exposed(&self.to_string())
    }

    /// Whether something of it is shown by its number.
    pub fn is_ascii(&self) -> bool {
        self.text.is_ascii()
    }
}

/// A text with what is not ASCII by its number.
pub fn exposed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            let _ = write!(out, "<U+{:04X}>", u32::from(c)); // a String takes it
        }
    }
    out
}

impl fmt::Display for Argument {
    /// As it could be typed: in single quotes where it is not plain, so that where it ends is seen.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.text.is_empty() && self.text.chars().all(is_plain) {
            f.write_str(&self.text)
        } else {
            write!(f, "'{}'", self.text.replace('\'', r"'\''"))
        }
    }
}

/// A command with every place filled: the program, then its arguments. What is shown is what is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argv(Vec<Argument>);

impl Argv {
    /// The program.
    pub fn program(&self) -> &str {
        self.0.first().map_or("", |program| program.text.as_str())
    }

    /// All of it on one line, as it is shown to whoever says yes: [`Argument::exposed`].
    pub fn exposed(&self) -> String {
        exposed(&self.to_string())
    }

    /// Its arguments.
    pub fn arguments(&self) -> &[Argument] {
        self.0.get(1..).unwrap_or_default()
    }
}

impl fmt::Display for Argv {
    /// On one line, as it could be typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, argument) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            argument.fmt(f)?;
        }
        Ok(())
    }
}

/// Splits a line.
struct Reader<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    /// Characters taken.
    taken: usize,
    words: Vec<Word>,
    /// The word that is being read; `None` between words.
    word: Option<Word>,
}

impl<'a> Reader<'a> {
    fn new(line: &'a str) -> Self {
        let trimmed = line.trim_start_matches(BLANKS);
        let bare = trimmed.strip_prefix("$ ").unwrap_or(trimmed);
        Self {
            rest: bare.chars().peekable(),
            taken: line.chars().count() - bare.chars().count(),
            words: Vec::new(),
            word: None,
        }
    }

    fn next(&mut self) -> Option<char> {
        let next = self.rest.next();
        self.taken += usize::from(next.is_some());
        next
    }

    /// Adds to the word that is being read, or begins one.
    fn push(&mut self, c: char) {
        let Word(parts) = self.word.get_or_insert_default();
        match parts.last_mut() {
            Some(Part::Text(text)) => text.push(c),
            Some(Part::Label(_)) | None => parts.push(Part::Text(c.to_string())),
        }
    }

    fn words(mut self) -> Result<Vec<Word>, NotRunnable> {
        while let Some(c) = self.next() {
            let column = self.taken;
            match c {
                '{' if self.rest.peek() == Some(&'{') => self.place()?,
                ' ' | '\t' => self.words.extend(self.word.take()),
                '\'' => self.single(column)?,
                '"' => self.double(column)?,
                '\\' => match self.next() {
                    Some('\t') => return Err(hidden(self.taken, '\t')),
                    Some(c) => self.push(c),
                    None => return Err(shell(column, '\\')),
                },
                '#' if self.word.is_none() => break,
                '|' | '&' | ';' | '<' | '>' | '(' | ')' | '$' | '`' | '*' | '?' | '[' | '{' | '}' | '!' => {
                    return Err(shell(column, c));
                }
                '~' if self.word.is_none() => return Err(shell(column, c)),
                // An assignment before the program.
                '=' if self.words.is_empty() => return Err(shell(column, c)),
                c => self.push(c),
            }
        }
        self.words.extend(self.word.take());
        Ok(self.words)
    }

    fn single(&mut self, opened: usize) -> Result<(), NotRunnable> {
        self.word.get_or_insert_default();
        loop {
            match self.next() {
                None => return Err(NotRunnable::Unclosed { column: opened }),
                Some('\'') => return Ok(()),
                Some('\t') => return Err(hidden(self.taken, '\t')),
                Some('{') if self.rest.peek() == Some(&'{') => self.place()?,
                Some(c) => self.push(c),
            }
        }
    }

    fn double(&mut self, opened: usize) -> Result<(), NotRunnable> {
        self.word.get_or_insert_default();
        loop {
            match self.next() {
                None => return Err(NotRunnable::Unclosed { column: opened }),
                Some('"') => return Ok(()),
                Some('\t') => return Err(hidden(self.taken, '\t')),
                Some('{') if self.rest.peek() == Some(&'{') => self.place()?,
                Some(c @ ('$' | '`')) => return Err(shell(self.taken, c)),
                Some('\\') => match self.next() {
                    Some(c @ ('"' | '\\' | '$' | '`')) => self.push(c),
                    Some(c) => {
                        self.push('\\');
                        self.push(c);
                    }
                    None => return Err(NotRunnable::Unclosed { column: opened }),
                },
                Some(c) => self.push(c),
            }
        }
    }

    /// `{{ $labels.NAME }}` as Prometheus writes it, `{{ .Labels.NAME }}` as Alertmanager does, `{{ labels.NAME }}`.
    fn place(&mut self) -> Result<(), NotRunnable> {
        let column = self.taken;
        self.next();
        let mut inner = String::new();
        loop {
            match self.next() {
                Some('}') if self.rest.peek() == Some(&'}') => break,
                Some(c) => inner.push(c),
                None => return Err(NotRunnable::Unclosed { column }),
            }
        }
        self.next();
        let words = inner.trim();
        let label = ["$labels.", ".Labels.", ".CommonLabels.", "labels."]
            .iter()
            .find_map(|before| words.strip_prefix(before))
            .filter(|name| is_label(name));
        let Some(label) = label else {
            return Err(NotRunnable::Place {
                column,
                what: format!("{{{{{inner}}}}}"),
            });
        };
        let Word(parts) = self.word.get_or_insert_default();
        parts.push(Part::Label(label.to_owned()));
        Ok(())
    }
}

fn shell(column: usize, what: char) -> NotRunnable {
    NotRunnable::Shell {
        column,
        what: what.to_string(),
    }
}

fn hidden(column: usize, what: char) -> NotRunnable {
    NotRunnable::Hidden {
        column,
        code: u32::from(what),
    }
}

fn is_label(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().copied().collect()
    }

    fn filled(line: &str, value: &str) -> Result<Vec<String>, Refused> {
        let argv = Template::read(line)
            .unwrap()
            .fill(&labels(&[("pod", value)]), Takes::Text)?;
        Ok(argv.0.into_iter().map(|argument| argument.text).collect())
    }

    #[test]
    fn a_line_is_split_as_a_shell_would_split_it() {
        let argv = |line| filled(line, "unused").unwrap();
        assert_eq!(argv("kubectl get pods"), ["kubectl", "get", "pods"]);
        assert_eq!(argv("  $ kubectl  get\tpods # all"), ["kubectl", "get", "pods"]);
        assert_eq!(
            argv(r#"a 'b c' "d \"e\" \n" f\ g ''"#),
            ["a", "b c", r#"d "e" \n"#, "f g", ""]
        );
        assert_eq!(argv("a --x='y z'w"), ["a", "--x=y zw"]);
    }

    #[test]
    fn what_only_a_shell_can_do_is_for_reading() {
        for (line, column) in [
            ("a | b", 3),
            ("a; b", 2),
            ("a $(b)", 3),
            ("a `b`", 3),
            ("a \"$B\"", 4),
            ("a > b", 3),
            ("a *.log", 3),
            ("a ~/b", 3),
            ("A=b c", 2),
            ("$ a && b", 5),
            ("a {b,c}", 3),
        ] {
            match Template::read(line) {
                Err(NotRunnable::Shell { column: at, .. }) => assert_eq!(at, column, "{line}"),
                other => panic!("{line}: {other:?}"),
            }
        }
        assert_eq!(Template::read("a 'b"), Err(NotRunnable::Unclosed { column: 3 }));
        assert_eq!(Template::read("# only words"), Err(NotRunnable::Empty));
        assert_eq!(Template::read("{{ labels.pod }} x"), Err(NotRunnable::Program));
        assert!(matches!(
            Template::read("a {{ .Value }}"),
            Err(NotRunnable::Place { column: 3, .. })
        ));
    }

    #[test]
    fn a_value_stands_in_its_place_and_nowhere_else() {
        for line in [
            "kubectl delete pod {{ $labels.pod }}",
            "kubectl delete pod {{.Labels.pod}}",
            "kubectl delete pod '{{ labels.pod }}'",
            "kubectl delete pod \"{{ labels.pod }}\"",
        ] {
            for value in [
                "a-1",
                "a b",
                "a;b",
                "$(reboot)",
                "`x`",
                "a'b",
                "a\"b",
                "a|b",
                "..",
                "ünï",
            ] {
                assert_eq!(
                    filled(line, value).unwrap(),
                    ["kubectl", "delete", "pod", value],
                    "{line}"
                );
            }
        }
        assert_eq!(
            filled("x pod/{{labels.pod}}.eu", "a b").unwrap(),
            ["x", "pod/a b.eu"]
        );
    }

    #[test]
    fn values_that_could_do_more_than_stand_there_are_refused() {
        let line = "kubectl delete pod {{ labels.pod }}";
        for value in [
            "-A",
            "--all",
            " --all",
            "\u{2010}-all",
            "\u{2013}x",
            "\u{2212}x",
            "\u{FF0D}A",
        ] {
            assert!(
                matches!(filled(line, value), Err(Refused::Option { .. })),
                "{value:?}"
            );
        }
        for value in [
            "a\nb",
            "a\rb",
            "a\0b",
            "\u{1b}[2J",
            "a\u{202e}b",
            "a\u{85}b",
            "a\u{2028}b",
            "a\u{200b}b",
        ] {
            assert!(
                matches!(filled(line, value), Err(Refused::Control { .. })),
                "{value:?}"
            );
        }
        assert!(matches!(filled(line, ""), Err(Refused::Missing { .. })));
        assert!(matches!(
            filled(line, &"a".repeat(1025)),
            Err(Refused::Long { .. })
        ));
    }

    #[test]
    fn names_are_what_any_program_takes_and_nothing_else_is() {
        let fill = |value: &str| {
            let template = Template::read("kubectl logs {{ labels.pod }}").unwrap();
            template.fill(&labels(&[("pod", value)]), Takes::Names)
        };
        for value in [
            "checkout-6d5f9c7b8-x7k2p",
            "10.0.0.1:9100",
            "shop/checkout:2.3.1",
            "registry.example/shop@sha256:0a1b",
            "/dev/sda1",
            "a..b",
        ] {
            assert!(fill(value).is_ok(), "{value}");
        }
        for value in [
            "@/etc/passwd",
            "+x",
            "a+x",
            "a b",
            "a;b",
            "a=b",
            "a,b",
            "a%2e",
            "$(reboot)",
            "a*",
            "~root",
            "ünï",
            "..",
            "../../etc/shadow",
            "logs/../../x",
            "a\\b",
            "[::1]:9100",
        ] {
            let refused = fill(value).unwrap_err();
            assert!(matches!(refused, Refused::NoName { .. }), "{value}: {refused}");
        }
        assert!(fill("a b").unwrap_err().to_string().contains("plain_programs"));
    }

    #[test]
    fn a_value_that_another_program_reads_as_a_command_must_be_plain() {
        for line in [
            "ssh host uptime {{ labels.pod }}",
            "/usr/bin/python3.12 -c {{ labels.pod }}",
            "mysql -e 'select * from pods where name = {{ labels.pod }}'",
            "kubectl exec db-0 -- /bin/rbash {{ labels.pod }}",
            "pwsh -c {{ labels.pod }}",
            "clickhouse-client --query={{ labels.pod }}",
            "aws ssm send-command --parameters {{ labels.pod }}",
        ] {
            assert!(
                matches!(filled(line, "a;reboot"), Err(Refused::ReadAgain { .. })),
                "{line}"
            );
            assert!(filled(line, "checkout-6d5f9c7b8-x7k2p").is_ok(), "{line}");
        }
    }

    #[test]
    fn a_line_that_hides_something_is_for_reading() {
        for line in [
            "kubectl get\u{202e} pods",
            "a \u{200b}b",
            "a 'b\tc'",
            "a b\u{ad}",
            "a \u{3164}",
        ] {
            let read = Template::read(line);
            assert!(
                matches!(read, Err(NotRunnable::Hidden { .. })),
                "{line:?}: {read:?}"
            );
        }
        assert!(Template::read("\tkubectl get pods").is_ok());
        let line = "kubectl delete pod {{ labels.pod }}";
        assert!(matches!(filled(line, "a\u{ad}b"), Err(Refused::Control { .. })));
    }

    #[test]
    fn blanks_and_marks_that_deceive_the_eye_are_refused_on_both_sides() {
        let line = "kubectl delete pod {{ labels.pod }}";
        for hidden in [
            "a\u{a0}b",
            "a\u{2003}b",
            "a\u{3000}b",
            "a\u{2800}b",
            "a\u{e000}b",
            "a\u{f8ff}",
            "a\u{10ffff}",
            "a\u{301}\u{301}\u{301}\u{301}\u{301}",
        ] {
            assert!(
                matches!(filled(line, hidden), Err(Refused::Control { .. })),
                "{hidden:?}"
            );
            let written = format!("kubectl delete {hidden}");
            assert!(
                matches!(Template::read(&written), Err(NotRunnable::Hidden { .. })),
                "{hidden:?}"
            );
        }
        assert!(filled(line, "e\u{301}\u{323}").is_ok(), "a letter may have marks");
        // What a shell takes for part of a word parts no words here.
        assert!(Template::read("\u{a0}kubectl get").is_err());
    }

    #[test]
    fn whichever_word_reads_on_the_value_must_be_plain() {
        for line in [
            "kubectl exec web -- sh -c {{ labels.pod }}",
            "nice /bin/bash {{ labels.pod }}",
            "tool --shell=/bin/sh {{ labels.pod }}",
            "mysql -e {{ labels.pod }}",
            "sqlite3 a.db {{ labels.pod }}",
            "redis-cli eval {{ labels.pod }}",
            "promtool query instant {{ labels.pod }}",
            "logcli query {{ labels.pod }}",
            "tool '--query=up{pod=\"{{ labels.pod }}\"}'",
            "tool 'a;{{ labels.pod }}'",
        ] {
            let refused = filled(line, "a\"}; drop");
            assert!(
                matches!(refused, Err(Refused::ReadAgain { .. })),
                "{line}: {refused:?}"
            );
            assert!(filled(line, "checkout-6d5f").is_ok(), "{line}");
        }
    }

    #[test]
    fn what_is_not_ascii_is_shown_by_its_number() {
        let argument = |text: &str| Argument {
            text: text.to_owned(),
            from: Vec::new(),
        };
        assert_eq!(argument("a\u{2013}b").exposed(), "'a<U+2013>b'");
        // A Cyrillic letter beside the Latin one it looks like.
        assert_ne!(argument("\u{430}").exposed(), argument("a").exposed());
        assert_eq!(argument("plain-1").exposed(), "plain-1");
    }

    #[test]
    fn a_command_too_long_to_be_looked_over_is_not_offered() {
        let line = format!("a {}", "b".repeat(5_000));
        assert_eq!(
            Template::read(&line).unwrap().fill(&labels(&[]), Takes::Names),
            Err(Refused::Whole)
        );
    }

    #[test]
    fn what_is_shown_tells_where_each_argument_ends() {
        let argument = |text: &str| Argument {
            text: text.to_owned(),
            from: Vec::new(),
        };
        let argv = Argv(["a", "b c", "", "d'e", "f=g"].map(argument).to_vec());
        assert_eq!(argv.to_string(), r"a 'b c' '' 'd'\''e' f=g");
    }

    proptest! {
        #[test]
        fn whatever_a_value_is_the_number_of_arguments_stays(value in any::<String>()) {
            let template = Template::read("kubectl logs -n shop {{ labels.pod }} --tail=5").unwrap();
            if let Ok(argv) = template.fill(&labels(&[("pod", &value)]), Takes::Text) {
                prop_assert_eq!(argv.arguments().len(), 5);
                prop_assert_eq!(&argv.arguments()[3].text, &value);
                prop_assert_eq!(&argv.arguments()[3].from, &["pod"]);
                prop_assert!(!value.trim_start().starts_with('-'));
                // What is shown reads back as what is run, where the value is no place itself.
                if !value.contains("{{") {
                    let again = Template::read(&argv.to_string()).unwrap().fill(&labels(&[]), Takes::Names).unwrap();
                    let texts = |argv: &Argv| argv.0.iter().map(|a| a.text.clone()).collect::<Vec<_>>();
                    prop_assert_eq!(texts(&again), texts(&argv));
                }
            }
        }

        #[test]
        fn a_program_that_nobody_calls_plain_gets_names_alone(value in "[!-~ü ]{1,12}") {
            let template = Template::read("tool {{ labels.pod }}").unwrap();
            if template.fill(&labels(&[("pod", &value)]), Takes::Names).is_ok() {
                prop_assert!(value.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:/@-".contains(&b)), "{}", value);
                prop_assert!(!value.starts_with(['@', '+', '-']), "{}", value);
            }
        }

        #[test]
        fn no_line_breaks_the_reader(line in any::<String>()) {
            let _ = Template::read(&line);
        }
    }
}
