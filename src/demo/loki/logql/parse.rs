//! Text into a [`Query`], with Loki's words for what does not read.

use regex::Regex;

use super::condition::{Unit, seconds};
use super::{
    Compare, Condition, Function, Keep, LineFilter, LogQuery, Matcher, MetricQuery, Needle, Query, Stage,
    Test,
};

/// Conditions within each other at most.
const DEPTH: usize = 32;

/// Reads a query. The error is the text of Loki's answer.
pub fn parse(text: &str) -> Result<Query, String> {
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
    };
    let query = parser.query()?;
    parser.blank();
    if parser.rest().is_empty() {
        return Ok(query);
    }
    Err(parser.unexpected())
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

type Parsed<T> = Result<T, String>;

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Past blanks and comments.
    fn blank(&mut self) {
        loop {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start().len();
            if !self.rest().starts_with('#') {
                return;
            }
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    fn eat(&mut self, token: &str) -> bool {
        self.blank();
        let found = self.rest().starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    fn need(&mut self, token: &str) -> Parsed<()> {
        if self.eat(token) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn word(&mut self) -> Option<&'a str> {
        self.blank();
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
            .unwrap_or(rest.len());
        let word = rest
            .get(..end)
            .filter(|w| w.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))?;
        self.at += end;
        Some(word)
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let before = self.at;
        let found = self.word() == Some(keyword);
        if !found {
            self.at = before;
        }
        found
    }

    fn at_error(&self, what: &str) -> String {
        let before = self.text.get(..self.at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        format!("parse error at line {line}, col {column}: {what}")
    }

    fn unexpected(&mut self) -> String {
        self.blank();
        let token = match self.rest().chars().next() {
            None => "$end".to_owned(),
            Some('"' | '`') => "STRING".to_owned(),
            Some(c) if c.is_ascii_digit() => "NUMBER".to_owned(),
            Some(c) if c.is_ascii_alphabetic() || c == '_' => "IDENTIFIER".to_owned(),
            Some(c) => c.to_string(),
        };
        self.at_error(&format!("syntax error: unexpected {token}"))
    }

    fn query(&mut self) -> Parsed<Query> {
        self.blank();
        if self.rest().starts_with('{') {
            return self.log().map(Query::Log);
        }
        let before = self.at;
        if self.word() != Some("sum") {
            self.at = before;
            return self.function().map(Query::Metric);
        }
        let mut by = self.by()?;
        self.need("(")?;
        let mut metric = self.function()?;
        self.need(")")?;
        if by.is_none() {
            by = self.by()?;
        }
        metric.by = Some(by.unwrap_or_default());
        Ok(Query::Metric(metric))
    }

    fn by(&mut self) -> Parsed<Option<Vec<String>>> {
        if !self.keyword("by") {
            return Ok(None);
        }
        self.need("(")?;
        let mut labels = Vec::new();
        while !self.eat(")") {
            labels.push(self.word().ok_or_else(|| self.unexpected())?.to_owned());
            if !self.eat(",") {
                self.need(")")?;
                break;
            }
        }
        Ok(Some(labels))
    }

    fn function(&mut self) -> Parsed<MetricQuery> {
        self.blank();
        let before = self.at;
        let function = match self.word() {
            Some("count_over_time") => Function::Count,
            Some("rate") => Function::Rate,
            Some("bytes_over_time") => Function::Bytes,
            _ => {
                self.at = before;
                return Err(self.unexpected());
            }
        };
        self.need("(")?;
        let lines = self.log()?;
        self.need("[")?;
        let end = self.rest().find(']').ok_or_else(|| self.unexpected())?;
        let text = self.rest().get(..end).unwrap_or_default().trim();
        let range = seconds(text)
            .filter(|s| *s > 0.0)
            .ok_or_else(|| self.unexpected())?;
        self.at += end + 1;
        self.need(")")?;
        Ok(MetricQuery {
            lines,
            range: (range * 1e9) as i64,
            function,
            by: None,
        })
    }

    fn log(&mut self) -> Parsed<LogQuery> {
        let selector = self.selector()?;
        let mut stages = Vec::new();
        while let Some(stage) = self.stage()? {
            stages.push(stage);
        }
        Ok(LogQuery { selector, stages })
    }

    fn selector(&mut self) -> Parsed<Vec<Matcher>> {
        self.need("{")?;
        let mut all = Vec::new();
        while !self.eat("}") {
            all.push(self.matcher()?);
            if !self.eat(",") {
                self.need("}")?;
                break;
            }
        }
        let narrows = |matcher: &Matcher| match &matcher.test {
            Test::Is(value) => !value.is_empty(),
            Test::Like(regex) => !regex.is_match(""),
            Test::IsNot(_) | Test::Unlike(_) => false,
        };
        if all.iter().any(narrows) {
            return Ok(all);
        }
        Err("parse error : queries require at least one regexp or equality matcher that does not have an \
             empty-compatible value. For instance, app=~\".*\" does not meet this requirement, but app=~\".+\" will"
            .to_owned())
    }

    fn matcher(&mut self) -> Parsed<Matcher> {
        let name = self.word().ok_or_else(|| self.unexpected())?.to_owned();
        let test = self.test()?;
        Ok(Matcher { name, test })
    }

    /// An operator and a text.
    fn test(&mut self) -> Parsed<Test> {
        let like = |parser: &mut Self| {
            let pattern = parser.string()?;
            parser.regex(&format!("^(?s:{pattern})$"))
        };
        if self.eat("=~") {
            return like(self).map(Test::Like);
        }
        if self.eat("!~") {
            return like(self).map(Test::Unlike);
        }
        if self.eat("!=") {
            return self.string().map(Test::IsNot);
        }
        self.need("=")?;
        self.string().map(Test::Is)
    }

    fn regex(&mut self, pattern: &str) -> Parsed<Regex> {
        Regex::new(pattern).map_err(|_| self.at_error(&format!("error parsing regexp: `{pattern}`")))
    }

    fn string(&mut self) -> Parsed<String> {
        self.blank();
        let start = self.at;
        let mut chars = self.rest().char_indices();
        let Some((_, quote @ ('"' | '`'))) = chars.next() else {
            return Err(self.unexpected());
        };
        let mut out = String::new();
        while let Some((at, c)) = chars.next() {
            match c {
                c if c == quote => {
                    self.at = start + at + c.len_utf8();
                    return Ok(out);
                }
                '\\' if quote == '"' => match chars.next().map(|(_, c)| c) {
                    Some('n') => out.push('\n'),
                    Some('t') => out.push('\t'),
                    Some('r') => out.push('\r'),
                    Some('x') => out.extend(code(&mut chars, 2)),
                    Some('u') => out.extend(code(&mut chars, 4)),
                    Some(c @ ('"' | '\\')) => out.push(c),
                    _ => return Err(self.at_error("invalid char escape")),
                },
                '\n' if quote == '"' => break,
                c => out.push(c),
            }
        }
        Err(self.at_error("literal not terminated"))
    }

    fn stage(&mut self) -> Parsed<Option<Stage>> {
        for (token, keep, regex) in [
            ("|=", Keep::Matching, false),
            ("|~", Keep::Matching, true),
            ("!=", Keep::Others, false),
            ("!~", Keep::Others, true),
        ] {
            if self.eat(token) {
                let mut any = Vec::new();
                loop {
                    let text = self.string()?;
                    any.push(if regex {
                        Needle::Regex(self.regex(&text)?)
                    } else {
                        Needle::Text(text)
                    });
                    if !self.keyword("or") {
                        break;
                    }
                }
                return Ok(Some(Stage::Line(LineFilter { keep, any })));
            }
        }
        if !self.eat("|") {
            return Ok(None);
        }
        if self.keyword("json") {
            return Ok(Some(Stage::Json));
        }
        if self.keyword("logfmt") {
            return Ok(Some(Stage::Logfmt));
        }
        self.either().map(|condition| Some(Stage::Labels(condition)))
    }

    fn either(&mut self) -> Parsed<Condition> {
        let mut left = self.both()?;
        while self.keyword("or") {
            left = Condition::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Parsed<Condition> {
        let mut left = self.one()?;
        while self.keyword("and") || self.eat(",") {
            left = Condition::And(Box::new(left), Box::new(self.one()?));
        }
        Ok(left)
    }

    fn one(&mut self) -> Parsed<Condition> {
        if self.eat("(") {
            self.depth += 1;
            if self.depth > DEPTH {
                return Err(self.at_error("the conditions lie too deep"));
            }
            let inner = self.either()?;
            self.need(")")?;
            self.depth -= 1;
            return Ok(inner);
        }
        let name = self.word().ok_or_else(|| self.unexpected())?.to_owned();
        let before = self.at;
        let compares = [
            ("==", Compare::Equal),
            (">=", Compare::AtLeast),
            ("<=", Compare::AtMost),
            (">", Compare::Above),
            ("<", Compare::Below),
            ("!=", Compare::NotEqual),
            ("=", Compare::Equal),
        ];
        for (token, compare) in compares {
            if self.eat(token) {
                if let Some((value, unit)) = self.number() {
                    return Ok(Condition::Number {
                        name,
                        compare,
                        value,
                        unit,
                    });
                }
                break;
            }
        }
        self.at = before;
        let test = self.test()?;
        Ok(Condition::Text(Matcher { name, test }))
    }

    fn number(&mut self) -> Option<(f64, Unit)> {
        self.blank();
        let rest = self.rest();
        let signed = rest.strip_prefix('-').unwrap_or(rest);
        if !signed.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return None;
        }
        let length = signed
            .find(|c: char| !(c.is_alphanumeric() || c == '.'))
            .unwrap_or(signed.len());
        let whole = rest.len() - signed.len() + length;
        let text = rest.get(..whole)?;
        let told = text.parse().map(|value| (value, Unit::Plain)).ok();
        let told = told.or_else(|| seconds(text).map(|value| (value, Unit::Seconds)))?;
        self.at += whole;
        Some(told)
    }
}

/// The character of so many hex digits.
fn code(chars: &mut std::str::CharIndices<'_>, digits: usize) -> Option<char> {
    let text: String = chars.by_ref().take(digits).map(|(_, c)| c).collect();
    char::from_u32(u32::from_str_radix(&text, 16).ok()?)
}
