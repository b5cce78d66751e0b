//! Label matchers as amtool writes them and Alertmanager means them.
//!
//! `name=value`, `name!="quoted"`, `name=~regex`, `"utf-8 name"!~regex`; regexes are anchored at both ends
//! (`^(?:…)$`, as Alertmanager's `pkg/labels` does), and a missing label is the empty string. Start at
//! [`parse`] for text and at [`Matchers`] for matching.

use std::fmt::{self, Write as _};

use regex::{Regex, RegexBuilder};

use super::{Labels, MatchOp, Matcher};
use crate::problem::Mistyped;

/// Compiled programs above this size are refused: a remote silence must not cost the console its memory.
const REGEX_SIZE: usize = 1 << 20;

const SHAPE: &str = r#"write name=value, name!=value, name=~"regex" or name!~"regex""#;

/// Reads one matcher. An unquoted value runs to the end of the text.
pub fn parse(text: &str) -> Result<Matcher, Mistyped> {
    let mut cursor = Cursor::new(text);
    let matcher = cursor.matcher(ValueEnd::Text)?;
    cursor.skip_space();
    match cursor.peek() {
        None => Ok(matcher),
        Some(_) => Err(Mistyped::new(
            cursor.column(),
            "there is more after the matcher",
            "quote a value that holds blanks or quotes",
        )),
    }
}

/// Reads matchers separated by commas, with or without braces around: `{a="b", c=~"d|e"}`.
pub fn parse_list(text: &str) -> Result<Vec<Matcher>, Mistyped> {
    let mut cursor = Cursor::new(text);
    cursor.skip_space();
    let braced = cursor.take('{');
    let mut matchers = Vec::new();
    loop {
        cursor.skip_space();
        if cursor.peek().is_none() || (braced && cursor.peek() == Some('}')) {
            break;
        }
        matchers.push(cursor.matcher(if braced { ValueEnd::Brace } else { ValueEnd::Comma })?);
        cursor.skip_space();
        if !cursor.take(',') {
            break;
        }
    }
    let closed = !braced || cursor.take('}');
    cursor.skip_space();
    if !closed {
        return Err(Mistyped::new(
            cursor.column(),
            "the brace is not closed",
            "end with }",
        ));
    }
    if cursor.peek().is_some() {
        return Err(Mistyped::new(
            cursor.column(),
            "there is more after the matchers",
            "separate matchers by commas",
        ));
    }
    if matchers.is_empty() {
        return Err(Mistyped::new(1, "there is no matcher", SHAPE));
    }
    Ok(matchers)
}

/// Reads command-line arguments, a matcher each; as amtool has it, a first bare word is the alert's name.
pub fn parse_arguments<S: AsRef<str>>(arguments: &[S]) -> Result<Vec<Matcher>, Mistyped> {
    let mut matchers = Vec::new();
    for (position, argument) in arguments.iter().enumerate() {
        let argument = argument.as_ref();
        if position == 0 && !argument.is_empty() && !argument.contains(['=', '~', '!', '{', '"', ',']) {
            matchers.push(Matcher {
                name: "alertname".into(),
                op: MatchOp::Equal,
                value: argument.trim().into(),
            });
        } else if argument.trim_start().starts_with('{') {
            matchers.extend(parse_list(argument)?);
        } else {
            matchers.push(parse(argument)?);
        }
    }
    if matchers.is_empty() {
        return Err(Mistyped::new(1, "there is no matcher", SHAPE));
    }
    Ok(matchers)
}

/// A label name that needs no quotes.
fn is_plain_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Refuses an unquoted name that needs quotes: no alert has such a label by accident, and a matcher of a label
/// that nothing has may match everything.
pub(super) fn check_plain(name: &str, column: usize) -> Result<(), Mistyped> {
    if is_plain_name(name) {
        return Ok(());
    }
    Err(Mistyped::new(
        column,
        format!("{name} is no label name as it stands"),
        format!("if it is one, quote it: {}", quoted(name)),
    ))
}

/// Writes a text in double quotes, with the escapes that [`parse`] reads back.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

impl fmt::Display for Matcher {
    /// As amtool and the server's page write it: `name="value"`; raw, so not yet fit for a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_plain_name(&self.name) {
            f.write_str(&self.name)?;
        } else {
            f.write_str(&quoted(&self.name))?;
        }
        f.write_str(self.op.symbol())?;
        f.write_str(&quoted(&self.value))
    }
}

/// Matchers side by side: `a="b", c=~"d"`.
pub fn display_list(matchers: &[Matcher]) -> String {
    let mut out = String::new();
    for (i, matcher) in matchers.iter().enumerate() {
        let _ = write!(out, "{}{matcher}", if i == 0 { "" } else { ", " }); // a String takes all
    }
    out
}

/// Where an unquoted value ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueEnd {
    /// At the end of the text.
    Text,
    /// At a comma.
    Comma,
    /// At a comma or a closing brace.
    Brace,
    /// At a blank or a comma: the filter.
    Word,
}

/// Walks a text by characters and knows its column.
pub(super) struct Cursor<'a> {
    rest: &'a str,
    column: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            column: 1,
        }
    }

    pub(super) fn column(&self) -> usize {
        self.column
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = &self.rest[c.len_utf8()..];
        self.column += 1;
        Some(c)
    }

    pub(super) fn take(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        if there {
            self.bump();
        }
        there
    }

    pub(super) fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.bump();
        }
    }

    pub(super) fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !keep(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.column += taken.chars().count();
        self.rest = rest;
        taken
    }

    /// A text in double quotes; `\"`, `\\`, `\n` and `\t` are escapes, any other backslash stands for itself
    /// (so that a regex needs no doubling).
    pub(super) fn quoted(&mut self) -> Result<String, Mistyped> {
        let opened = self.column;
        self.bump();
        let mut out = String::new();
        loop {
            match self.bump() {
                Some('"') => return Ok(out),
                Some('\\') => match self.peek() {
                    Some(c @ ('"' | '\\')) => {
                        self.bump();
                        out.push(c);
                    }
                    Some('n') => {
                        self.bump();
                        out.push('\n');
                    }
                    Some('t') => {
                        self.bump();
                        out.push('\t');
                    }
                    Some(_) | None => out.push('\\'),
                },
                Some(c) => out.push(c),
                None => {
                    return Err(Mistyped::new(
                        opened,
                        "the quote is not closed",
                        "end the value with \"",
                    ));
                }
            }
        }
    }

    pub(super) fn op(&mut self) -> Option<MatchOp> {
        for (symbol, op) in [
            ("=~", MatchOp::Regex),
            ("!~", MatchOp::NotRegex),
            ("!=", MatchOp::NotEqual),
            ("=", MatchOp::Equal),
        ] {
            if let Some(rest) = self.rest.strip_prefix(symbol) {
                self.rest = rest;
                self.column += symbol.len();
                return Some(op);
            }
        }
        None
    }

    pub(super) fn value(&mut self, end: ValueEnd) -> Result<String, Mistyped> {
        if self.peek() == Some('"') {
            return self.quoted();
        }
        let value = self.take_while(|c| match end {
            ValueEnd::Text => true,
            ValueEnd::Comma => c != ',',
            ValueEnd::Brace => c != ',' && c != '}',
            ValueEnd::Word => c != ',' && !c.is_whitespace(),
        });
        Ok(value.trim().to_owned())
    }

    pub(super) fn matcher(&mut self, end: ValueEnd) -> Result<Matcher, Mistyped> {
        self.skip_space();
        let start = self.column;
        let is_quoted = self.peek() == Some('"');
        let name = if is_quoted {
            self.quoted()?
        } else {
            self.take_while(|c| !c.is_whitespace() && !"{}!=~,\"'`".contains(c))
                .to_owned()
        };
        if name.is_empty() {
            return Err(Mistyped::new(start, "a label name is missing", SHAPE));
        }
        if !is_quoted {
            check_plain(&name, start)?;
        }
        self.skip_space();
        let op = self.op().ok_or_else(|| {
            Mistyped::new(
                self.column,
                format!("no operator follows {}", quoted(&name)),
                SHAPE,
            )
        })?;
        if end != ValueEnd::Word {
            self.skip_space();
        }
        let at = self.column;
        let value = self.value(end)?;
        let matcher = Matcher {
            name: name.into(),
            op,
            value: value.into(),
        };
        Compiled::new(&matcher).map_err(|error| Mistyped { column: at, ..error })?;
        Ok(matcher)
    }
}

/// Compiles a pattern as the server anchors it.
pub(super) fn anchored(pattern: &str) -> Result<Regex, String> {
    let build = |text: &str| RegexBuilder::new(text).size_limit(REGEX_SIZE).build();
    // alone first: `a)(b` is no pattern, though anchoring would make it one
    build(pattern)
        .and_then(|_| build(&format!("^(?:{pattern})$")))
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "the regex is too large".to_owned(),
            other => other
                .to_string()
                .lines()
                .last()
                .unwrap_or_default()
                .trim()
                .trim_start_matches("error: ")
                .to_owned(),
        })
}

/// One matcher, ready.
#[derive(Debug, Clone)]
struct Compiled {
    matcher: Matcher,
    regex: Option<Regex>,
}

impl Compiled {
    fn new(matcher: &Matcher) -> Result<Self, Mistyped> {
        let regex = match matcher.op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Regex | MatchOp::NotRegex => Some(anchored(&matcher.value).map_err(|why| {
                Mistyped::new(
                    1,
                    format!("{} is no regex: {why}", quoted(&matcher.value)),
                    "RE2 syntax, without look-around or back-references; escape ( [ . with \\",
                )
            })?),
        };
        Ok(Self {
            matcher: matcher.clone(),
            regex,
        })
    }

    fn is_match(&self, value: &str) -> bool {
        let hit = self
            .regex
            .as_ref()
            .map_or_else(|| *self.matcher.value == *value, |regex| regex.is_match(value));
        match self.matcher.op {
            MatchOp::Equal | MatchOp::Regex => hit,
            MatchOp::NotEqual | MatchOp::NotRegex => !hit,
        }
    }

    fn is_negative(&self) -> bool {
        matches!(self.matcher.op, MatchOp::NotEqual | MatchOp::NotRegex)
    }
}

/// Matchers that must all match, compiled once.
#[derive(Debug, Clone)]
pub struct Matchers(Vec<Compiled>);

impl Matchers {
    /// Compiles them; the first pattern that is no regex is the error.
    pub fn compile(matchers: &[Matcher]) -> Result<Self, Mistyped> {
        matchers
            .iter()
            .map(Compiled::new)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether all match; none at all match nothing.
    pub fn is_match(&self, labels: &Labels) -> bool {
        !self.0.is_empty() && self.0.iter().all(|m| m.is_match(labels.value(&m.matcher.name)))
    }

    /// The labels they speak of.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|m| &*m.matcher.name)
    }

    /// Whether an alert without any label would match: the server refuses such a silence.
    pub fn match_everything_absent(&self) -> bool {
        self.0.iter().all(|m| m.is_match(""))
    }

    /// Names of labels that a negative matcher speaks of and this alert does not have: it matches, perhaps unmeant.
    pub fn lacking<'a>(&'a self, labels: &Labels) -> Vec<&'a str> {
        self.0
            .iter()
            .filter(|m| m.is_negative() && labels.get(&m.matcher.name).is_none() && m.is_match(""))
            .map(|m| m.matcher.name.as_ref())
            .collect()
    }
}

/// Refuses what the server would refuse: no matcher at all, or only such as match the empty string.
pub fn check_silence(matchers: &[Matcher]) -> Result<Matchers, Mistyped> {
    let compiled = Matchers::compile(matchers)?;
    if compiled.match_everything_absent() {
        return Err(Mistyped::new(
            1,
            "every matcher also matches an absent label, so the silence would hide everything",
            "add a matcher that needs a value, such as alertname=\"…\"",
        ));
    }
    Ok(compiled)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().copied().collect()
    }

    fn matches(matcher: &str, pairs: &[(&str, &str)]) -> bool {
        Matchers::compile(&[parse(matcher).expect(matcher)])
            .expect(matcher)
            .is_match(&labels(pairs))
    }

    #[test]
    fn matchers_are_read_as_amtool_writes_them() {
        for (text, shown) in [
            ("service=checkout", r#"service="checkout""#),
            (r#"service = "check out""#, r#"service="check out""#),
            ("job!=api", r#"job!="api""#),
            ("job=~api|web", r#"job=~"api|web""#),
            (r#"job!~"a.+""#, r#"job!~"a.+""#),
            (r#""http.status"=500"#, r#""http.status"="500""#),
            (r#""http.status"=500"#, r#""http.status"="500""#),
            (r#"a="quo\"te\\back{slash}""#, r#"a="quo\"te\\back{slash}""#),
            ("a=", r#"a="""#),
            (r#""größe"="ü""#, r#""größe"="ü""#),
        ] {
            let matcher = parse(text).expect(text);
            assert_eq!(matcher.to_string(), shown);
            assert_eq!(parse(&matcher.to_string()).expect(shown), matcher, "reads back");
        }
    }

    #[test]
    fn what_is_no_matcher_is_refused_with_column_and_mend() {
        for (text, column) in [
            ("", 1),
            ("=x", 1),
            ("service", 8),
            ("bogus@@=", 1),
            (" http.status=500", 2),
            ("1st=x", 1),
            (r#"service="open"#, 9),
            ("a=~(", 4),
            ("a=~x)(y", 4),
            (r#"a="b" c"#, 7),
        ] {
            let error = parse(text).expect_err(text);
            assert_eq!(error.column, column, "{text}: {error}");
            assert!(!error.mend.is_empty());
        }
    }

    #[test]
    fn lists_take_commas_and_braces() {
        let list = parse_list(r#"{alertname="A,B", job=~"x|y",}"#).expect("reads");
        assert_eq!(display_list(&list), r#"alertname="A,B", job=~"x|y""#);
        assert_eq!(parse_list("a=1,b=2").expect("reads").len(), 2);
        assert!(parse_list("{a=1").is_err() && parse_list("").is_err() && parse_list("{}").is_err());
    }

    #[test]
    fn a_first_bare_word_is_the_alerts_name() {
        let list = parse_arguments(&["Watchdog", "job=x"]).expect("reads");
        assert_eq!(display_list(&list), r#"alertname="Watchdog", job="x""#);
        assert!(parse_arguments(&["job=x", "Watchdog"]).is_err());
    }

    #[test]
    fn regexes_are_anchored_at_both_ends() {
        assert!(matches("job=~api|web", &[("job", "web")]));
        assert!(!matches("job=~api", &[("job", "api-2")]));
        assert!(!matches("job=~api|web", &[("job", "my-web")]));
        assert!(matches("job!~api", &[("job", "api-2")]));
    }

    #[test]
    fn a_missing_label_is_the_empty_string() {
        assert!(matches("env=", &[("job", "x")]));
        assert!(matches("env!=prod", &[("job", "x")]));
        assert!(matches("env=~.*", &[("job", "x")]));
        assert!(!matches("env=~.+", &[("job", "x")]));
    }

    #[test]
    fn a_silence_that_would_match_anything_is_refused() {
        for refused in ["a=", "a=~.*", "a!=b", "a!~b"] {
            assert!(
                check_silence(&[parse(refused).expect(refused)]).is_err(),
                "{refused}"
            );
        }
        assert!(check_silence(&[]).is_err());
        let both = [parse("a!=b").expect("a"), parse("c=d").expect("c")];
        assert!(check_silence(&both).is_ok());
    }

    #[test]
    fn alerts_that_lack_a_negatively_matched_label_are_named() {
        let m = check_silence(&[parse("alertname=X").expect("x"), parse("env!=prod").expect("e")])
            .expect("compiles");
        assert_eq!(m.lacking(&labels(&[("alertname", "X")])), ["env"]);
        assert!(
            m.lacking(&labels(&[("alertname", "X"), ("env", "dev")]))
                .is_empty()
        );
    }

    #[test]
    fn a_regex_that_would_cost_the_memory_is_refused() {
        assert!(parse("a=~(((x{1000}){1000}){1000})").is_err());
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_what_reads_reads_back(text in "\\PC{0,40}") {
            if let Ok(matcher) = parse(&text) {
                prop_assert_eq!(parse(&matcher.to_string()).expect("reads back"), matcher);
            }
            let _ = parse_list(&text);
            let _ = parse_arguments(&[text]);
        }

        #[test]
        fn equality_says_what_it_says(name in "[a-z]{1,8}", value in "\\PC{0,20}", other in "\\PC{0,20}") {
            let equal = Matcher { name: name.as_str().into(), op: MatchOp::Equal, value: value.as_str().into() };
            let set = Labels::from_iter([(name.as_str(), other.as_str())]);
            let hit = Matchers::compile(&[equal]).expect("compiles").is_match(&set);
            prop_assert_eq!(hit, value == other);
        }
    }
}
