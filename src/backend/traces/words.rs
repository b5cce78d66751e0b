//! What is typed to search for traces: `op="POST /pay" dur>500ms dur<2s http.status=500 err`.
//!
//! Conditions stand side by side, and all must hold: `svc=`, `op=`, `dur>` and `dur<`, `err`, and any other name for an
//! attribute. Values with blanks stand in double quotes, with `\"` and `\\` in them. What stands in braces is TraceQL
//! and is not read here.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::trace::Wanted;
use crate::domain::trace::summary::Outcome;
use crate::time::parse_duration;

/// What does not read as a search.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}; {MEND}")]
pub struct Unread {
    /// Where, from 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub problem: String,
}

/// How a search is written.
pub const MEND: &str = "write conditions like op=\"POST /pay\" dur>500ms err http.status_code=500";

/// Whether it is TraceQL, passed through to Tempo.
pub fn is_traceql(query: &str) -> bool {
    matches!(query.trim_start().as_bytes(), [b'{' | b'(', ..])
}

/// Joins what was typed with what is wanted besides; what was typed goes before. TraceQL is left as it is.
pub fn read(wanted: &Wanted) -> Result<Wanted, Unread> {
    if is_traceql(&wanted.query) {
        return Ok(wanted.clone());
    }
    let mut sought = Wanted {
        query: String::new(),
        ..wanted.clone()
    };
    let mut scanner = Scanner {
        rest: wanted.query.as_str(),
        column: 1,
    };
    while let Some(condition) = scanner.next()? {
        apply(&mut sought, condition)?;
    }
    if let (Some(least), Some(most)) = (sought.at_least, sought.at_most)
        && least > most
    {
        return Err(Unread {
            column: 1,
            problem: "nothing is longer than dur> and shorter than dur<".to_owned(),
        });
    }
    Ok(sought)
}

struct Condition {
    column: usize,
    name: String,
    value: Option<(Relation, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Is,
    Above,
    Below,
}

fn apply(sought: &mut Wanted, condition: Condition) -> Result<(), Unread> {
    let Condition { column, name, value } = condition;
    let wrong = |problem: String| Err(Unread { column, problem });
    let Some((relation, value)) = value else {
        return match name.as_str() {
            "err" | "error" | "errors" => {
                sought.outcome = Outcome::Failed;
                Ok(())
            }
            _ => wrong(format!("`{name}` is no condition")),
        };
    };
    match (name.as_str(), relation) {
        ("dur" | "duration", Relation::Above | Relation::Below) => {
            let Ok(duration) = parse_duration(&value) else {
                return wrong(format!("`{value}` is no duration: write it as 500ms, 2s, 1m"));
            };
            if relation == Relation::Above {
                sought.at_least = Some(sought.at_least.map_or(duration, |least| least.max(duration)));
            } else {
                sought.at_most = Some(sought.at_most.map_or(duration, |most| most.min(duration)));
            }
        }
        ("dur" | "duration", Relation::Is) => return wrong("write dur>500ms or dur<2s".to_owned()),
        (_, Relation::Above | Relation::Below) => {
            return wrong(format!("`{name}` is asked for with =; > and < are for dur"));
        }
        ("svc" | "service" | "service.name", Relation::Is) => sought.service = Some(value.into()),
        ("op" | "operation" | "name", Relation::Is) => sought.operation = Some(value.into()),
        (_, Relation::Is) => sought.tags.push((Arc::from(name), Arc::from(value))),
    }
    Ok(())
}

struct Scanner<'a> {
    rest: &'a str,
    column: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next()?;
        self.rest = chars.as_str();
        self.column += 1;
        Some(next)
    }

    fn wrong(&self, problem: impl Into<String>) -> Unread {
        Unread {
            column: self.column,
            problem: problem.into(),
        }
    }

    fn next(&mut self) -> Result<Option<Condition>, Unread> {
        while self.peek().is_some_and(|c| c.is_whitespace() || c == ',') {
            self.take();
        }
        let column = self.column;
        if self.peek().is_none() {
            return Ok(None);
        }
        let name = self.word(&['=', '>', '<'])?;
        let relation = match self.peek() {
            Some('=') => Relation::Is,
            Some('>') => Relation::Above,
            Some('<') => Relation::Below,
            Some(_) | None => {
                let value = None;
                return Ok(Some(Condition { column, name, value }));
            }
        };
        if name.is_empty() {
            return Err(self.wrong("a name is missing in front of it"));
        }
        self.take();
        // `dur>=500ms` is the same.
        if relation != Relation::Is && self.peek() == Some('=') {
            self.take();
        }
        let at = self.column;
        let quoted = self.peek() == Some('"');
        let value = self.word(&[])?;
        if value.is_empty() && !quoted {
            return Err(Unread {
                column: at,
                problem: format!("a value is missing behind `{name}`"),
            });
        }
        let value = Some((relation, value));
        Ok(Some(Condition { column, name, value }))
    }

    /// Up to a blank or one of these; or what stands in quotes.
    fn word(&mut self, ends: &[char]) -> Result<String, Unread> {
        let mut word = String::new();
        if self.peek() == Some('"') {
            let open = self.column;
            self.take();
            loop {
                match self.take() {
                    Some('"') => return Ok(word),
                    Some('\\') => word.extend(self.take()),
                    Some(c) => word.push(c),
                    None => {
                        return Err(Unread {
                            column: open,
                            problem: "the quote is not closed".to_owned(),
                        });
                    }
                }
            }
        }
        while let Some(c) = self.peek().filter(|c| !c.is_whitespace() && !ends.contains(c)) {
            word.push(c);
            self.take();
        }
        Ok(word)
    }
}

/// A duration as Go reads it, in the largest unit that holds it exactly: `500ms`.
pub(super) fn go_duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    if nanos.is_multiple_of(1_000_000) {
        format!("{}ms", nanos / 1_000_000)
    } else if nanos.is_multiple_of(1_000) {
        format!("{}us", nanos / 1_000)
    } else {
        format!("{nanos}ns")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(query: &str) -> Result<Wanted, Unread> {
        read(&Wanted {
            service: Some("checkout".into()),
            query: query.to_owned(),
            ..Wanted::default()
        })
    }

    #[test]
    fn conditions_are_joined_with_what_is_wanted_besides() {
        let sought =
            typed(r#"op="POST /pay" dur>500ms dur<2s http.status_code=500 err a="x \"y\" \\""#).unwrap();
        assert_eq!(sought.service.as_deref(), Some("checkout"));
        assert_eq!(sought.operation.as_deref(), Some("POST /pay"));
        assert_eq!(sought.at_least, Some(Duration::from_millis(500)));
        assert_eq!(sought.at_most, Some(Duration::from_secs(2)));
        assert_eq!(sought.outcome, Outcome::Failed);
        let tags: Vec<(&str, &str)> = sought.tags.iter().map(|(k, v)| (&**k, &**v)).collect();
        assert_eq!(tags, [("http.status_code", "500"), ("a", "x \"y\" \\")]);
        assert_eq!(typed("svc=pay").unwrap().service.as_deref(), Some("pay"));
        assert_eq!(typed("  ").unwrap().query, "");
        assert_eq!(typed(r#"user="""#).unwrap().tags.len(), 1);
    }

    #[test]
    fn what_does_not_read_is_said_by_its_column() {
        for (query, column, words) in [
            ("err foo", 5, "no condition"),
            ("op=", 4, "value is missing"),
            ("err =x", 5, "name is missing"),
            ("dur>fast", 1, "no duration"),
            ("dur=5s", 1, "dur>500ms"),
            ("err a>5", 5, "for dur"),
            ("op=\"x", 4, "not closed"),
            ("dur>2s dur<1s", 1, "nothing is longer"),
        ] {
            let error = typed(query).expect_err(query);
            assert_eq!(error.column, column, "{query}: {error}");
            assert!(error.to_string().contains(words), "{query}: {error}");
        }
    }

    #[test]
    fn traceql_is_not_touched() {
        assert_eq!(
            typed("{ status = error } | count() > 2").unwrap().query,
            "{ status = error } | count() > 2"
        );
    }

    #[test]
    fn durations_are_exact() {
        for (nanos, text) in [
            (500_000_000, "500ms"),
            (1_500_000, "1500us"),
            (7, "7ns"),
            (0, "0ms"),
        ] {
            assert_eq!(go_duration(Duration::from_nanos(nanos)), text);
        }
    }
}
