//! From what is typed to a query. What is not closed yet does not trouble anybody who still types.

use regex::{Regex, RegexBuilder};

use super::{Amount, Clocked, Compare, Glob, Query, Term, Test, Want};
use crate::domain::trace::{Kind, SpanId, Status};
use crate::problem::Mistyped;

/// Programs and caches above this size are refused: a pattern must not cost the console its memory.
const REGEX_SIZE: usize = 4 * 1024 * 1024;

/// Longer ones first, so that `>=` is not read as `>`.
const OPERATORS: [&str; 9] = ["!=", "!~", "=~", ">=", "<=", "=", ">", "<", ":"];

struct Reader<'a> {
    rest: &'a str,
    column: usize,
}

pub(super) fn query(text: &str) -> Result<Query, Mistyped> {
    let mut reader = Reader {
        rest: text,
        column: 1,
    };
    let mut terms = Vec::new();
    loop {
        reader.take_while(char::is_whitespace);
        if reader.rest.is_empty() {
            return Ok(Query { terms });
        }
        terms.push(reader.term()?);
    }
}

impl<'a> Reader<'a> {
    fn skip(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.column += taken.chars().count();
        self.rest = rest;
        taken
    }

    fn take_while(&mut self, of: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|char| !of(char)).unwrap_or(self.rest.len());
        self.skip(end)
    }

    fn take(&mut self, text: &str) -> bool {
        let here = self.rest.starts_with(text);
        if here {
            self.skip(text.len());
        }
        here
    }

    fn term(&mut self) -> Result<Term, Mistyped> {
        let begin = self.column;
        let negated = self.take("!") || self.take("-");
        if self.rest.is_empty() || self.rest.starts_with(char::is_whitespace) {
            return Err(Mistyped::new(
                begin,
                "nothing stands behind the sign",
                "write what must not hold: !err",
            ));
        }
        let test = if self.rest.starts_with('"') {
            let column = self.column;
            Test::Text(plain(&self.quoted('"'), column)?)
        } else if self.rest.starts_with('/') {
            let column = self.column;
            Test::Text(pattern(&self.quoted('/'), column)?)
        } else {
            return self.named(negated);
        };
        Ok(Term { test, negated })
    }

    /// A field with its operator, a word that stands for something, or a text.
    fn named(&mut self, negated: bool) -> Result<Term, Mistyped> {
        let column = self.column;
        let word = self.rest;
        let name_end = word.find(|char: char| char.is_whitespace() || "=<>!~:\"".contains(char));
        let name = self.skip(name_end.unwrap_or(word.len()));
        let operator = OPERATORS
            .into_iter()
            .find(|operator| self.rest.starts_with(operator));
        let Some(operator) = operator.filter(|operator| !name.is_empty() && *operator != ":") else {
            let tail = self.take_while(|char| !char.is_whitespace());
            let test = match (name, tail) {
                ("err" | "error", "") => Test::Failed,
                ("path", "") => Test::OnPath,
                ("orphan", "") => Test::Orphan,
                _ => Test::Text(plain(&format!("{name}{tail}"), column)?),
            };
            return Ok(Term { test, negated });
        };
        self.skip(operator.len());
        let at = self.column;
        let value = if self.rest.starts_with('"') {
            self.quoted('"')
        } else if operator.ends_with('~') && self.rest.starts_with('/') {
            self.quoted('/')
        } else {
            self.take_while(|char| !char.is_whitespace()).to_owned()
        };
        if value.is_empty() && !matches!(operator, "=" | "!=") {
            return Err(Mistyped::new(
                at,
                "a value is missing",
                format!("write {name}{operator}1"),
            ));
        }
        let test = field(name, operator, &value, (column, at))?;
        let negated = negated != matches!(operator, "!=" | "!~");
        Ok(Term { test, negated })
    }

    /// The inside of what begins with a quote or slash; up to the end where it is not closed.
    fn quoted(&mut self, quote: char) -> String {
        self.skip(quote.len_utf8());
        let mut inside = String::new();
        let mut escaped = false;
        let mut end = self.rest.len();
        for (at, char) in self.rest.char_indices() {
            if escaped {
                // In a regex a backslash means something of its own.
                if char != quote {
                    inside.push('\\');
                }
                inside.push(char);
                escaped = false;
            } else if char == '\\' {
                escaped = true;
            } else if char == quote {
                end = at + quote.len_utf8();
                break;
            } else {
                inside.push(char);
            }
        }
        if escaped {
            inside.push('\\');
        }
        self.skip(end);
        inside
    }
}

/// A field by its name; columns are those of the name and of the value.
fn field(name: &str, operator: &str, value: &str, (column, at): (usize, usize)) -> Result<Test, Mistyped> {
    let compare = match operator {
        ">" => Some(Compare::More),
        ">=" => Some(Compare::MoreEqual),
        "<" => Some(Compare::Less),
        "<=" => Some(Compare::LessEqual),
        "=~" | "!~" => None,
        _ => Some(Compare::Equal),
    };
    let equal = matches!(operator, "=" | "!=");
    let only_equal = |test: Result<Test, Mistyped>| {
        if equal {
            test
        } else {
            let problem = format!("{name} is no number");
            Err(Mistyped::new(column, problem, format!("write {name}={value}")))
        }
    };
    let timed = |of: Clocked| {
        let Some(compare) = compare else {
            return Err(Mistyped::new(
                column,
                "a time has no pattern",
                format!("write {name}>10ms"),
            ));
        };
        Ok(Test::Time(of, compare, amount(value, at)?))
    };
    match name {
        "dur" | "duration" => timed(Clocked::Duration),
        "self" => timed(Clocked::Own),
        "start" => timed(Clocked::Start),
        "svc" | "service" => only_equal_or_pattern(operator, value, at).map(Test::Service),
        "op" | "operation" | "name" => only_equal_or_pattern(operator, value, at).map(Test::Operation),
        "kind" => only_equal(kind(value, at)),
        "status" => only_equal(status(value, at)),
        "id" | "span" => only_equal(
            SpanId::from_hex(value.as_bytes())
                .map(Test::Id)
                .ok_or_else(|| Mistyped::new(at, "that is no span id", "write up to 16 hex digits")),
        ),
        "depth" => match (compare, value.parse()) {
            (Some(compare), Ok(depth)) => Ok(Test::Depth(compare, depth)),
            _ => Err(Mistyped::new(at, "depth is a number", "write depth<3")),
        },
        _ => attribute(name, compare, equal, value, at),
    }
}

fn attribute(
    name: &str,
    compare: Option<Compare>,
    equal: bool,
    value: &str,
    at: usize,
) -> Result<Test, Mistyped> {
    let want = match compare {
        None => Want::Pattern(pattern(value, at)?),
        Some(_) if equal => Want::Like(glob(value, at)?),
        Some(compare) => {
            let number = value.parse().map_err(|_| {
                let mend =
                    format!("write a number as in {name}>500, or put it in quotes to look for it as text");
                Mistyped::new(at, "that is no number", &mend)
            })?;
            Want::Number(compare, number)
        }
    };
    Ok(Test::Attribute(name.to_owned(), want))
}

fn only_equal_or_pattern(operator: &str, value: &str, at: usize) -> Result<Glob, Mistyped> {
    match operator {
        "=" | "!=" => glob(value, at),
        "=~" | "!~" => pattern(value, at).map(Glob),
        _ => Err(Mistyped::new(
            at,
            "names have no order",
            "write svc=pay or svc=~\"pay|cart\"",
        )),
    }
}

fn kind(value: &str, at: usize) -> Result<Test, Mistyped> {
    let kind = Kind::from_word(value.as_bytes());
    let known = kind != Kind::Unspecified || value.is_empty();
    known.then_some(Test::Kind(kind)).ok_or_else(|| {
        let mend = "write internal, server, client, producer or consumer";
        Mistyped::new(at, "that is no kind of span", mend)
    })
}

fn status(value: &str, at: usize) -> Result<Test, Mistyped> {
    let all = [Status::Unset, Status::Ok, Status::Error];
    let found = all
        .into_iter()
        .find(|status| status.word().eq_ignore_ascii_case(value));
    found
        .map(Test::Status)
        .ok_or_else(|| Mistyped::new(at, "that is no status", "write ok, error or unset"))
}

/// A time or a share of the trace: `10ms`, `1.5s`, `5%`.
fn amount(value: &str, at: usize) -> Result<Amount, Mistyped> {
    let wrong = || Mistyped::new(at, "that is no time", "write 10ms, 1.5s, 200us or 5%");
    let unit_at = value
        .find(|char: char| !char.is_ascii_digit() && char != '.')
        .ok_or_else(wrong)?;
    let (number, unit) = value.split_at(unit_at);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    Ok(match unit {
        "%" => Amount::Share(number / 100.0),
        "ns" => Amount::Nanos(number),
        "us" | "µs" | "μs" => Amount::Nanos(number * 1e3),
        "ms" => Amount::Nanos(number * 1e6),
        "s" => Amount::Nanos(number * 1e9),
        "m" | "min" => Amount::Nanos(number * 60e9),
        "h" => Amount::Nanos(number * 3_600e9),
        _ => return Err(wrong()),
    })
}

fn built(pattern: &str, ignore_case: bool, column: usize) -> Result<Regex, Mistyped> {
    RegexBuilder::new(pattern)
        .case_insensitive(ignore_case)
        .size_limit(REGEX_SIZE)
        .dfa_size_limit(REGEX_SIZE)
        .build()
        .map_err(|problem| {
            let last = problem.to_string();
            let last = last
                .lines()
                .last()
                .unwrap_or("it is no regex")
                .trim_start_matches("error: ");
            Mistyped::new(
                column,
                format!("the pattern cannot be read: {last}"),
                "put plain text in quotes",
            )
        })
}

/// Any capital makes it case-sensitive.
fn pattern(text: &str, column: usize) -> Result<Regex, Mistyped> {
    built(text, !text.chars().any(char::is_uppercase), column)
}

fn plain(text: &str, column: usize) -> Result<Regex, Mistyped> {
    built(
        &regex::escape(text),
        !text.chars().any(char::is_uppercase),
        column,
    )
}

fn glob(text: &str, column: usize) -> Result<Glob, Mistyped> {
    let parts: Vec<String> = text.split('*').map(regex::escape).collect();
    built(&format!("^(?s:{})$", parts.join(".*")), true, column).map(Glob)
}
