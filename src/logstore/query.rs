//! What is looked for: terms side by side, separated by blanks, all of which must hold.
//!
//! - `pool`, `"two words"`: the text holds it; any capital makes it case-sensitive;
//! - `/re.*x/`: a regex, with the same rule of case;
//! - `name=v*`, `name!=v`, `name=~re`, `name!~re`: a field by its glob or regex, at both ends; a missing one is empty;
//! - `name>=500`, `took>250ms`, `size<4MB`: a field by its size, a missing one never holds;
//! - `level>=warn`, `level=error`; `service=…`, `trace=…` and labels of the stream are fields too;
//! - `-` before any of them: not so.
//!
//! Start at [`Query::parse`].

use std::collections::BTreeMap;
use std::ops::Range;

use regex::bytes::Regex;

use super::chunk::Entry;
use super::field::{FieldTest, SERVICE};
use super::needle::{Case, Needle, pattern};
use crate::domain::compare::Compare;
use crate::domain::environment;
use crate::domain::log::detect::level_of;
use crate::domain::log::{Level, Wanted};
use crate::problem::Mistyped;

/// What is looked for, compiled.
#[derive(Debug, Clone, Default)]
pub struct Query {
    pub(super) terms: Vec<Term>,
}

/// A term, and whether it must hold or must not.
#[derive(Debug, Clone)]
pub(super) struct Term {
    pub test: Test,
    pub keep: Keep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    With,
    Without,
}

impl Keep {
    pub(super) fn of(self, holds: bool) -> bool {
        match self {
            Self::With => holds,
            Self::Without => !holds,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) enum Test {
    Text(Needle),
    Pattern(Pattern),
    Level(Compare, Level),
    Field(FieldTest),
    /// Tells no other environment.
    Environment(BTreeMap<String, String>),
}

/// A regex, and whether it may run over many lines at once.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    pub regex: Regex,
    pub reach: Reach,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Ends of lines are all that it can tell of where it is.
    Many,
    /// It may ask for the ends of the text, or has flags of its own.
    One,
}

impl Query {
    /// Reads a query; an empty one lets every line through. Quotes and slashes that are not closed yet do not
    /// trouble anybody who still types.
    pub fn parse(text: &str) -> Result<Self, Mistyped> {
        let mut reader = Reader {
            rest: text,
            column: 1,
        };
        let mut terms = Vec::new();
        loop {
            reader.skip_while(char::is_whitespace);
            if reader.rest.is_empty() {
                return Ok(Self { terms });
            }
            terms.push(reader.term()?);
        }
    }

    /// The scope of a question, for lines whose source was not asked it: its service, its trace, its level, and its
    /// words as a file's are looked for.
    pub fn of_scope(wanted: &Wanted) -> Self {
        let service = wanted.service.as_deref();
        let service = service.map(|service| FieldTest::exactly(SERVICE, service));
        let fields = service.into_iter().chain(wanted.trace.map(FieldTest::traced));
        let level = wanted.at_least;
        let level = level.map(|level| Test::Level(Compare::MoreEqual, level));
        let words = Some(wanted.query.trim()).filter(|words| !words.is_empty());
        let words = words.and_then(|words| Needle::of(words).ok()).map(Test::Text);
        let tests = fields.map(Test::Field).chain(level).chain(words);
        let scope = Self {
            terms: tests
                .map(|test| Term {
                    test,
                    keep: Keep::With,
                })
                .collect(),
        };
        scope.and(Self::of_environment(wanted))
    }

    /// Leaves out the lines that tell another environment, where the source does not.
    pub fn of_environment(wanted: &Wanted) -> Self {
        let environment = Some(wanted.environment.clone()).filter(|labels| !labels.is_empty());
        let terms = environment.map(|labels| Term {
            test: Test::Environment(labels),
            keep: Keep::With,
        });
        Self {
            terms: terms.into_iter().collect(),
        }
    }

    /// What holds for both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.terms.extend(other.terms);
        self
    }

    /// Only lines of this level at least; those that tell none are of none.
    #[must_use]
    pub fn at_least(mut self, level: Level) -> Self {
        let test = Test::Level(Compare::MoreEqual, level);
        self.terms.push(Term {
            test,
            keep: Keep::With,
        });
        self
    }

    /// Whether more is done with each line than to look for a text in it.
    pub(super) fn is_costly(&self) -> bool {
        self.terms.iter().any(|term| match term.test {
            Test::Pattern(_) | Test::Field(_) | Test::Environment(_) => true,
            Test::Text(_) | Test::Level(..) => false,
        })
    }

    /// The names of the fields that it asks for.
    pub fn fields(&self) -> Vec<String> {
        let names = self.terms.iter().filter_map(|term| match &term.test {
            Test::Field(field) => Some(field.name.clone()),
            Test::Text(_) | Test::Pattern(_) | Test::Level(..) | Test::Environment(_) => None,
        });
        names.collect()
    }

    /// Whether lines that tell no level are not shown because they tell none.
    pub fn leaves_out_unlevelled(&self) -> bool {
        self.terms.iter().any(|term| match term.test {
            Test::Level(compare, level) => !term.keep.of(compare.holds(Level::Unknown.cmp(&level))),
            Test::Text(_) | Test::Pattern(_) | Test::Field(_) | Test::Environment(_) => false,
        })
    }

    /// Lets every line through.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether every term holds for a line.
    pub fn is_match(&self, entry: &Entry<'_>) -> bool {
        self.terms.iter().all(|term| term.keep.of(term.test.holds(entry)))
    }

    /// Where terms that must hold lie in a text, to mark them there: in order, none over another.
    pub fn spans(&self, text: &[u8]) -> Vec<Range<usize>> {
        const MOST: usize = 1_000;
        let mut all: Vec<Range<usize>> = Vec::new();
        for term in self.terms.iter().filter(|term| term.keep == Keep::With) {
            match &term.test {
                Test::Text(needle) => {
                    let mut from = 0;
                    while let Some((start, end)) = needle.find(text, from)
                        && all.len() < MOST
                    {
                        all.push(start..end);
                        from = end.max(start + 1);
                    }
                }
                Test::Pattern(pattern) => {
                    all.extend(
                        pattern
                            .regex
                            .find_iter(text)
                            .map(|found| found.range())
                            .take(MOST),
                    );
                }
                Test::Level(..) | Test::Field(_) | Test::Environment(_) => {}
            }
        }
        all.retain(|span| !span.is_empty());
        all.sort_by_key(|span| (span.start, span.end));
        all.dedup_by(|next, before| {
            let overlap = next.start < before.end;
            if overlap {
                before.end = before.end.max(next.end);
            }
            overlap
        });
        all
    }
}

impl Test {
    pub(super) fn holds(&self, entry: &Entry<'_>) -> bool {
        match self {
            Self::Text(needle) => needle.find(&entry.text, 0).is_some(),
            Self::Pattern(pattern) => pattern.regex.is_match(&entry.text),
            Self::Level(compare, level) => compare.holds(entry.level.cmp(level)),
            Self::Field(field) => field.holds(entry),
            Self::Environment(labels) => !is_elsewhere(labels, entry),
        }
    }
}

/// Whether a line tells another environment: by the labels of its stream, else by its own fields.
fn is_elsewhere(labels: &BTreeMap<String, String>, entry: &Entry<'_>) -> bool {
    let fields = entry.fields();
    environment::is_elsewhere(labels, |name| {
        let of_line = || {
            let named = fields.iter().find(|field| field.name == name);
            named.map(|field| field.value.as_str())
        };
        entry.stream.label(name).or_else(of_line)
    })
}

/// Operators, longer ones before those they begin with.
const OPERATORS: [&str; 8] = ["=~", "!~", "!=", ">=", "<=", "=", ">", "<"];

struct Reader<'a> {
    rest: &'a str,
    column: usize,
}

impl<'a> Reader<'a> {
    /// Passes over so many bytes, which end between characters.
    fn pass(&mut self, bytes: usize) -> &'a str {
        let (passed, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.column += passed.chars().count();
        self.rest = rest;
        passed
    }

    fn skip_while(&mut self, goes: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|char| !goes(char)).unwrap_or(self.rest.len());
        self.pass(end)
    }

    fn term(&mut self) -> Result<Term, Mistyped> {
        let after = self.rest.strip_prefix('-');
        let negated = after.is_some_and(|after| after.starts_with(|char: char| !char.is_whitespace()));
        if negated {
            self.pass(1);
        }
        let keep = if negated { Keep::Without } else { Keep::With };
        let test = self.test()?;
        Ok(Term { test, keep })
    }

    fn test(&mut self) -> Result<Test, Mistyped> {
        let column = self.column;
        if self.rest.starts_with('"') {
            let text = self.quoted();
            return needle(&text, column);
        }
        if let Some(end) = self.regex_end() {
            let inside = self.pass(end + 1);
            let inside = inside.get(1..end).unwrap_or_default();
            return compiled(inside, column + 1);
        }
        if let Some((name, operator)) = self.field() {
            self.pass(name.len());
            let operator_column = self.column;
            self.pass(operator.len());
            let value_column = self.column;
            let quoted = self.rest.starts_with('"');
            let value = if quoted {
                self.quoted()
            } else {
                self.skip_while(|char| !char.is_whitespace()).to_owned()
            };
            if value.is_empty() && !quoted {
                return Err(Mistyped::new(
                    value_column,
                    format!("{name}{operator} has no value"),
                    format!("write {name}{operator}value, or quote it to look for the text"),
                ));
            }
            return field(name, operator, &value, (operator_column, value_column));
        }
        let word = self.skip_while(|char| !char.is_whitespace());
        needle(word, column)
    }

    /// A text in quotes, `\"` and `\\` within; to the end where they are not closed.
    fn quoted(&mut self) -> String {
        let mut text = String::new();
        let mut escaped = false;
        let mut end = self.rest.len();
        for (at, char) in self.rest.char_indices().skip(1) {
            match (escaped, char) {
                (false, '\\') => escaped = true,
                (false, '"') => {
                    end = at + 1;
                    break;
                }
                (true, char) if !matches!(char, '"' | '\\') => {
                    text.push('\\');
                    text.push(char);
                    escaped = false;
                }
                (_, char) => {
                    text.push(char);
                    escaped = false;
                }
            }
        }
        self.pass(end);
        text
    }

    /// Where the slash stands that closes the regex which begins here: before a blank or at the end. A path is none.
    fn regex_end(&self) -> Option<usize> {
        let after = self.rest.strip_prefix('/')?;
        let mut escaped = false;
        for (at, char) in after.char_indices() {
            if char == '/' && !escaped && at > 0 {
                let next = after.get(at + 1..).unwrap_or_default();
                if next.is_empty() || next.starts_with(char::is_whitespace) {
                    return Some(at + 1);
                }
            }
            escaped = char == '\\' && !escaped;
        }
        None
    }

    /// A name with an operator after it.
    fn field(&self) -> Option<(&'a str, &'static str)> {
        let rest = self.rest;
        let end =
            rest.find(|char: char| !(char.is_alphanumeric() || matches!(char, '_' | '.' | '@' | '-' | '/')))?;
        let name = rest.get(..end)?;
        let starts = |char: char| char.is_alphabetic() || matches!(char, '_' | '@');
        if !name.starts_with(starts) {
            return None;
        }
        let after = rest.get(end..)?;
        let operator = OPERATORS.iter().find(|operator| after.starts_with(**operator))?;
        Some((name, operator))
    }
}

/// A regex by smart case: escapes such as `\S` are no capitals.
fn compiled(text: &str, column: usize) -> Result<Test, Mistyped> {
    let mut escaped = false;
    let capital = text.chars().any(|char| {
        let counts = !escaped && char.is_uppercase();
        escaped = char == '\\' && !escaped;
        counts
    });
    let case = if capital { Case::Kept } else { Case::Ignored };
    let flagged = text.match_indices("(?").any(|(at, _)| {
        let next = text.get(at + 2..).and_then(|rest| rest.chars().next());
        !matches!(next, Some(':' | '<' | 'P'))
    });
    let reach = if flagged || ["\\A", "\\z"].iter().any(|anchor| text.contains(anchor)) {
        Reach::One
    } else {
        Reach::Many
    };
    match pattern(text, case) {
        Ok(regex) => Ok(Test::Pattern(Pattern { regex, reach })),
        Err(error) => Err(regex_error(&error, column)),
    }
}

fn regex_error(error: &regex::Error, column: usize) -> Mistyped {
    let said = error.to_string();
    let last = said.lines().last().unwrap_or_default();
    let problem = match error {
        regex::Error::CompiledTooBig(_) => "the regex is too large".to_owned(),
        _ => format!("not a regex: {}", last.trim_start_matches("error: ")),
    };
    Mistyped::new(column, problem, "mend it, or quote it to look for the text")
}

fn needle(text: &str, column: usize) -> Result<Test, Mistyped> {
    Needle::of(text)
        .map(Test::Text)
        .map_err(|error| regex_error(&error, column))
}

fn field(
    name: &str,
    operator: &str,
    value: &str,
    (operator_at, value_at): (usize, usize),
) -> Result<Test, Mistyped> {
    if name == "level" {
        let compare = match operator {
            "=" => Compare::Equal,
            "!=" => Compare::NotEqual,
            operator => Compare::of(operator).ok_or_else(|| {
                let mend = "write level>=warn or level=error";
                Mistyped::new(
                    operator_at,
                    format!("levels are not compared by {operator}"),
                    mend,
                )
            })?,
        };
        let level = level_of(value.as_bytes());
        if level == Level::Unknown && value != Level::Unknown.word() {
            let mend = "write trace, debug, info, warn, error, fatal or unknown";
            return Err(Mistyped::new(value_at, format!("{value} is no level"), mend));
        }
        return Ok(Test::Level(compare, level));
    }
    FieldTest::of(name, operator, value)
        .map(Test::Field)
        .map_err(|problem| {
            Mistyped::new(
                value_at,
                problem,
                "mend it, or quote all of it to look for the text",
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn error(text: &str) -> (usize, String) {
        let error = Query::parse(text).unwrap_err();
        (error.column, error.problem)
    }

    #[test]
    fn what_is_still_being_typed_is_no_mistake() {
        for text in [
            "", " ", "\"two wo", "/pool", "-", "/api/v1", "a b", "-\"x", "\"a\\",
        ] {
            assert!(Query::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn mistakes_are_told_with_their_column() {
        assert_eq!(error("pool /(/").0, 7);
        assert_eq!(
            error("status>=abc"),
            (9, "abc is neither a number, a duration nor a size".to_owned())
        );
        assert_eq!(error("ä status="), (10, "status= has no value".to_owned()));
        assert_eq!(error("level>=wanr"), (8, "wanr is no level".to_owned()));
        assert_eq!(error("level=~warn").0, 6);
    }

    #[test]
    fn spans_are_where_the_terms_lie_and_never_overlap() {
        let query = Query::parse("pool /ol p/ -gone").unwrap();
        assert_eq!(query.spans(b"pool pool gone").first(), Some(&(0..9)));
        assert_eq!(query.spans(b"a POOL, POOL"), [2..6, 8..12]);
    }

    proptest! {
        #[test]
        fn nothing_typed_panics(text in r#"([-"/=<>!~*?.\\(\[a1ä ]|level|>=|=~){0,24}"#) {
            if let Ok(query) = Query::parse(&text) {
                let _ = query.spans(b"a1 level=a \xff");
            }
        }
    }
}
