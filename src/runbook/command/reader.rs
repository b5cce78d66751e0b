//! A line read into words, and a text into the one word it is.

use super::characters::unseen;
use super::{NotRunnable, Part, Word};

/// What parts words. Whatever else is blank is no blank to any shell, and is not seen to be none.
const BLANKS: [char; 2] = [' ', '\t'];

/// The words of a line.
pub(super) fn line(line: &str) -> Result<Vec<Word>, NotRunnable> {
    all_seen(&line.trim_end_matches(BLANKS).replace('\t', " "))?;
    Reader::new(line).words()
}

/// A text as one word: nothing but places means anything in it.
pub(super) fn text(text: &str) -> Result<Word, NotRunnable> {
    all_seen(text)?;
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
    Ok(reader.word.unwrap_or_default())
}

/// Everything in a text is seen as what it is.
fn all_seen(text: &str) -> Result<(), NotRunnable> {
    unseen(text).map_or(Ok(()), |(at, c)| Err(hidden(at + 1, c)))
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
