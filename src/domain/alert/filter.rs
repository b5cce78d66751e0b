//! The console's filter over alerts: `service=checkout @age>15m @state=active timeout`.
//!
//! Terms stand side by side, separated by blanks or commas outside quotes, and all must hold:
//! - `label=v`, `label!=v`, `label=~re`, `label!~re`: regexes anchored, a missing label is empty;
//! - `@field`, with an operator where it takes one (the fields are in [`FIELDS`]);
//! - a bare or quoted word: substring of name, a label's value or the summary; any capital makes it case-sensitive.
//!
//! Start at [`Filter::parse`].

mod missed;

use std::time::Duration;

use regex::{Regex, RegexBuilder};

use super::matcher::{Cursor, Matchers, ValueEnd, anchored, check_plain, quoted};
use super::{AckState, Alert, MatchOp};
use crate::domain::compare::Compare;
use crate::problem::Mistyped;
use crate::time::{Now, parse_duration};

pub use missed::Missed;

/// An alert is new for this long.
pub const NEW: Duration = Duration::from_secs(300);

/// Every `@field`, with what it means: for help and completion.
pub const FIELDS: [(&str, &str); 15] = [
    (
        "@state",
        "active, suppressed, unprocessed, resolved or gone, as the server says: @state=active",
    ),
    ("@age", "how long it fires: @age>15m, @age<=1h"),
    ("@acked", "somebody has this occurrence; @acked=false"),
    ("@owner", "who has it: @owner=mara, @owner=~\"ma.*\""),
    ("@source", "an Alertmanager that lists it: @source=eu-0"),
    ("@name", "alertname"),
    ("@severity", "the severity label's raw value"),
    ("@service", "the service, by the context's service labels"),
    ("@receiver", "a receiver that gets it"),
    ("@fingerprint", "16 hex digits; = takes a prefix"),
    ("@silenced_by", "silenced at all, or the silence's id"),
    ("@inhibited_by", "the inhibiting alert's fingerprint"),
    ("@inhibited", "some other alert inhibits it; @inhibited=false"),
    ("@flap", "times it fired within the hour: @flap>3"),
    ("@new", "fired within the last five minutes; @new=false"),
];

/// A filter, compiled.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    terms: Vec<Term>,
}

#[derive(Debug, Clone)]
enum Term {
    Label(Matchers),
    Word(Regex),
    Text(TextField, TextTest),
    Flag(FlagField, bool),
    Age(Compare, Duration),
    Flap(Compare, u64),
}

#[derive(Debug, Clone, Copy)]
enum TextField {
    State,
    Owner,
    Source,
    Name,
    Severity,
    Service,
    Receiver,
    Fingerprint,
    SilencedBy,
    InhibitedBy,
}

#[derive(Debug, Clone, Copy)]
enum FlagField {
    Acked,
    Inhibited,
    New,
    Owned,
    Silenced,
}

/// How a set of texts is tested: a negative operator holds where no text of the set hits.
#[derive(Debug, Clone)]
struct TextTest {
    negative: bool,
    how: TextHow,
}

#[derive(Debug, Clone)]
enum TextHow {
    Equal(String),
    Prefix(String),
    Regex(Regex),
}

impl TextTest {
    fn hits<'a>(&self, mut texts: impl Iterator<Item = &'a str>) -> bool {
        let hit = texts.any(|text| match &self.how {
            TextHow::Equal(wanted) => wanted == text,
            TextHow::Prefix(wanted) => text.starts_with(wanted.as_str()),
            TextHow::Regex(regex) => regex.is_match(text),
        });
        hit != self.negative
    }
}

impl Filter {
    /// Reads a filter; an empty text lets everything through.
    pub fn parse(text: &str) -> Result<Self, Mistyped> {
        let mut cursor = Cursor::new(text);
        let mut terms = Vec::new();
        loop {
            while cursor.peek().is_some_and(|c| c.is_whitespace() || c == ',') {
                cursor.bump();
            }
            match cursor.peek() {
                None => return Ok(Self { terms }),
                Some('@') => terms.push(field(&mut cursor)?),
                Some(_) => terms.push(label_or_word(&mut cursor)?),
            }
        }
    }

    /// Lets everything through.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether every term holds.
    pub fn is_match(&self, alert: &Alert, now: Now) -> bool {
        self.terms.iter().all(|term| term.holds(alert, now))
    }
}

impl Term {
    fn holds(&self, alert: &Alert, now: Now) -> bool {
        match self {
            Self::Label(matchers) => matchers.is_match(&alert.labels),
            Self::Word(word) => {
                word.is_match(&alert.name)
                    || alert.labels.iter().any(|(_, value)| word.is_match(value))
                    || alert.summary().is_some_and(|summary| word.is_match(summary))
            }
            Self::Text(field, test) => field.test(alert, test),
            Self::Flag(field, wanted) => field.is_set(alert, now) == *wanted,
            Self::Age(compare, wanted) => compare.holds(alert.age(now).cmp(wanted)),
            Self::Flap(compare, wanted) => compare.holds(u64::from(alert.flaps.0).cmp(wanted)),
        }
    }
}

impl FlagField {
    fn is_set(self, alert: &Alert, now: Now) -> bool {
        match self {
            Self::Acked | Self::Owned => matches!(alert.ack, AckState::Held(_)),
            Self::Inhibited => !alert.inhibited_by.is_empty(),
            Self::New => alert.ended_at.is_none() && alert.age(now) < NEW,
            Self::Silenced => !alert.silenced_by.is_empty(),
        }
    }
}

impl TextField {
    fn test(self, alert: &Alert, test: &TextTest) -> bool {
        let one = |text: &str| test.hits(std::iter::once(text));
        let many = |texts: &[std::sync::Arc<str>]| test.hits(texts.iter().map(AsRef::as_ref));
        match self {
            Self::State => one(alert.state.word()),
            Self::Owner => match &alert.ack {
                AckState::Held(ack) => one(&ack.by),
                AckState::Partly(part) => one(&part.ack.by),
                AckState::None | AckState::HiddenBy(_) => one(""),
            },
            Self::Source => many(&alert.sources),
            Self::Name => one(&alert.name),
            Self::Severity => one(alert.severity.as_deref().unwrap_or_default()),
            Self::Service => one(&alert.service),
            Self::Receiver => many(&alert.receivers),
            Self::Fingerprint => one(&alert.occurrence.fingerprint.to_string()),
            Self::SilencedBy => many(&alert.silenced_by),
            Self::InhibitedBy => many(&alert.inhibited_by),
        }
    }
}

fn is_word_end(c: char) -> bool {
    c.is_whitespace() || c == ','
}

/// `name op value`, or a word to look for.
fn label_or_word(cursor: &mut Cursor<'_>) -> Result<Term, Mistyped> {
    let start = cursor.column();
    let is_quoted = cursor.peek() == Some('"');
    let word = if is_quoted {
        cursor.quoted()?
    } else {
        cursor
            .take_while(|c| !is_word_end(c) && !"=!~<>\"".contains(c))
            .to_owned()
    };
    match cursor.peek() {
        Some(c @ ('<' | '>')) => Err(Mistyped::new(
            cursor.column(),
            format!("a label cannot be compared with {c}"),
            "only @age and @flap take < and >; labels take = != =~ !~",
        )),
        Some('=' | '!' | '~') => {
            if word.is_empty() {
                return Err(Mistyped::new(
                    start,
                    "a label name is missing",
                    "write label=value",
                ));
            }
            let op = cursor.op().ok_or_else(|| unknown_operator(cursor))?;
            if !is_quoted {
                check_plain(&word, start)?;
            }
            let at = cursor.column();
            let value = cursor.value(ValueEnd::Word)?;
            let matcher = super::Matcher {
                name: word.into(),
                op,
                value: value.into(),
            };
            Matchers::compile(&[matcher])
                .map(Term::Label)
                .map_err(|error| Mistyped { column: at, ..error })
        }
        Some(_) | None => {
            if word.is_empty() {
                // only a quote pair or a lone quote can come to this
                return Err(Mistyped::new(
                    start,
                    "there is nothing to look for",
                    "write a word between the quotes",
                ));
            }
            let any_case = !word.chars().any(char::is_uppercase);
            RegexBuilder::new(&regex::escape(&word))
                .case_insensitive(any_case)
                .build()
                .map(Term::Word)
                .map_err(|_| Mistyped::new(start, "the word is too long", "look for a shorter one"))
        }
    }
}

fn unknown_operator(cursor: &Cursor<'_>) -> Mistyped {
    Mistyped::new(
        cursor.column(),
        "this is no operator",
        "use = != =~ !~, or quote the word to look for it",
    )
}

/// What a field takes.
#[derive(Clone, Copy)]
enum Takes {
    Text(TextField),
    TextOrNothing(TextField, FlagField),
    Flag(FlagField),
    Age,
    Flap,
}

fn takes(name: &str) -> Option<Takes> {
    Some(match name {
        "@state" => Takes::Text(TextField::State),
        "@age" => Takes::Age,
        "@acked" => Takes::Flag(FlagField::Acked),
        "@owner" => Takes::TextOrNothing(TextField::Owner, FlagField::Owned),
        "@source" | "@alertmanager" => Takes::Text(TextField::Source),
        "@name" => Takes::Text(TextField::Name),
        "@severity" => Takes::Text(TextField::Severity),
        "@service" => Takes::Text(TextField::Service),
        "@receiver" => Takes::Text(TextField::Receiver),
        "@fingerprint" => Takes::Text(TextField::Fingerprint),
        "@silenced_by" => Takes::TextOrNothing(TextField::SilencedBy, FlagField::Silenced),
        "@inhibited_by" => Takes::TextOrNothing(TextField::InhibitedBy, FlagField::Inhibited),
        "@inhibited" => Takes::Flag(FlagField::Inhibited),
        "@flap" => Takes::Flap,
        "@new" => Takes::Flag(FlagField::New),
        _ => return None,
    })
}

fn field(cursor: &mut Cursor<'_>) -> Result<Term, Mistyped> {
    let start = cursor.column();
    let name = cursor.take_while(|c| !is_word_end(c) && !"=!~<>\"".contains(c));
    let Some(takes) = takes(name) else {
        let known: Vec<&str> = FIELDS.iter().map(|(field, _)| *field).collect();
        return Err(Mistyped::new(
            start,
            format!("{name} is no field"),
            format!("known: {}", known.join(" ")),
        ));
    };
    match takes {
        Takes::Text(field) => text_term(cursor, name, field),
        Takes::TextOrNothing(field, flag) => {
            if cursor.peek().is_none_or(is_word_end) {
                Ok(Term::Flag(flag, true))
            } else {
                text_term(cursor, name, field)
            }
        }
        Takes::Flag(flag) => flag_term(cursor, name, flag),
        Takes::Age => {
            let (compare, at, value) = comparison(cursor, name, "@age>15m")?;
            let age = parse_duration(&value).map_err(|_| {
                Mistyped::new(
                    at,
                    format!("{} is no duration", quoted(&value)),
                    "write @age>15m, @age<2h",
                )
            })?;
            Ok(Term::Age(compare, age))
        }
        Takes::Flap => {
            let (compare, at, value) = comparison(cursor, name, "@flap>3")?;
            let count = value.parse().map_err(|_| {
                Mistyped::new(at, format!("{} is no number", quoted(&value)), "write @flap>3")
            })?;
            Ok(Term::Flap(compare, count))
        }
    }
}

fn text_term(cursor: &mut Cursor<'_>, name: &str, field: TextField) -> Result<Term, Mistyped> {
    let op = cursor.op().ok_or_else(|| {
        Mistyped::new(
            cursor.column(),
            format!("{name} wants = != =~ or !~"),
            format!("write {name}=value"),
        )
    })?;
    let at = cursor.column();
    let value = cursor.value(ValueEnd::Word)?;
    if let (TextField::State, MatchOp::Equal | MatchOp::NotEqual) = (field, op) {
        const STATES: [&str; 5] = ["active", "suppressed", "unprocessed", "resolved", "gone"];
        if !STATES.contains(&value.as_str()) {
            return Err(Mistyped::new(
                at,
                format!("{} is no state", quoted(&value)),
                format!("one of {}; acknowledged ones are @acked", STATES.join(", ")),
            ));
        }
    }
    let (negative, how) = match op {
        MatchOp::Equal | MatchOp::NotEqual => {
            let negative = op == MatchOp::NotEqual;
            match field {
                TextField::Fingerprint => (negative, TextHow::Prefix(value.to_ascii_lowercase())),
                _ => (negative, TextHow::Equal(value)),
            }
        }
        MatchOp::Regex | MatchOp::NotRegex => {
            let regex = anchored(&value).map_err(|why| {
                Mistyped::new(
                    at,
                    format!("{} is no regex: {why}", quoted(&value)),
                    "escape ( [ . with \\",
                )
            })?;
            (op == MatchOp::NotRegex, TextHow::Regex(regex))
        }
    };
    Ok(Term::Text(field, TextTest { negative, how }))
}

fn flag_term(cursor: &mut Cursor<'_>, name: &str, flag: FlagField) -> Result<Term, Mistyped> {
    if cursor.peek().is_none_or(is_word_end) {
        return Ok(Term::Flag(flag, true));
    }
    let wrong = |column| {
        Mistyped::new(
            column,
            format!("{name} is yes or no"),
            format!("write {name} or {name}=false"),
        )
    };
    let at = cursor.column();
    let equal = match cursor.op() {
        Some(MatchOp::Equal) => true,
        Some(MatchOp::NotEqual) => false,
        Some(MatchOp::Regex | MatchOp::NotRegex) | None => return Err(wrong(at)),
    };
    let at = cursor.column();
    match cursor.value(ValueEnd::Word)?.as_str() {
        "true" | "yes" => Ok(Term::Flag(flag, equal)),
        "false" | "no" => Ok(Term::Flag(flag, !equal)),
        _ => Err(wrong(at)),
    }
}

fn comparison(cursor: &mut Cursor<'_>, name: &str, mend: &str) -> Result<(Compare, usize, String), Mistyped> {
    let at = cursor.column();
    let compare = match (cursor.take('<'), cursor.take('>')) {
        (true, _) => Some(if cursor.take('=') {
            Compare::LessEqual
        } else {
            Compare::Less
        }),
        (false, true) => Some(if cursor.take('=') {
            Compare::MoreEqual
        } else {
            Compare::More
        }),
        (false, false) => match cursor.op() {
            Some(MatchOp::Equal) => Some(Compare::Equal),
            Some(MatchOp::NotEqual) => Some(Compare::NotEqual),
            Some(MatchOp::Regex | MatchOp::NotRegex) | None => None,
        },
    };
    let compare = compare.ok_or_else(|| {
        Mistyped::new(
            at,
            format!("{name} wants < <= > >= = or !="),
            format!("write {mend}"),
        )
    })?;
    let at = cursor.column();
    Ok((compare, at, cursor.value(ValueEnd::Word)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::desk::sample;
    use super::*;

    fn alert() -> Alert {
        let mut alert = sample::alert(&[
            ("alertname", "HighErrorRate"),
            ("service", "checkout"),
            ("severity", "critical"),
            ("instance", "node-7:9100"),
        ]);
        alert.annotations = [("summary", "Pool exhausted: 20/20")].into_iter().collect();
        alert.sources = vec!["eu-0".into(), "eu-1".into()];
        alert.receivers = vec!["pager".into()];
        alert.flaps = super::super::Flaps(4);
        alert
    }

    fn hit(text: &str) -> bool {
        let now = sample::now().later(Duration::from_secs(20 * 60));
        Filter::parse(text).expect(text).is_match(&alert(), now)
    }

    #[test]
    fn every_kind_of_term_holds_where_it_should() {
        for text in [
            "",
            " , ",
            "service=checkout",
            r#"service="checkout" severity!=warning"#,
            "service=~check.*,severity=~critical|page",
            "env!=prod",
            "env=",
            "instance=node-7:9100",
            "@state=active",
            "@state!=suppressed @state=~act.*",
            "@age>15m @age<=1h @age!=5m",
            "@acked=false",
            "@owner!=mara @owner=",
            "@source=eu-1",
            "@receiver=pager @flap>3 @flap>=4",
            "@new=false @inhibited=no",
            "@fingerprint=00000000",
            "pool checkout",
            "HighErr",
            r#""exhausted: 20""#,
            "@service=checkout @name=~High.* @severity=critical",
        ] {
            assert!(hit(text), "{text}");
        }
    }

    #[test]
    fn every_kind_of_term_fails_where_it_should() {
        for text in [
            "service=check",
            "service=~check",
            "service!~checkout",
            "env=~.+",
            "@state=suppressed",
            "@age>30m",
            "@acked",
            "@owner",
            "@owner=mara",
            "@source!=eu-0",
            "@silenced_by",
            "@new",
            "@flap<4",
            "Pool checkout missing",
            "higherr HIGHERR",
            "service=checkout nothing",
        ] {
            assert!(!hit(text), "{text}");
        }
    }

    #[test]
    fn an_acknowledgement_has_an_owner_but_what_it_happens_to_hide_has_none() {
        let now = sample::now();
        let mut held = alert();
        held.ack = AckState::Held(sample::ack("mara"));
        assert!(
            Filter::parse("@acked @owner=mara")
                .expect("reads")
                .is_match(&held, now)
        );
        held.ack = AckState::HiddenBy(sample::ack("mara"));
        assert!(!Filter::parse("@acked").expect("reads").is_match(&held, now));
        assert!(!Filter::parse("@owner=mara").expect("reads").is_match(&held, now));
    }

    #[test]
    fn what_cannot_be_read_names_column_and_mend() {
        for (text, column, mend) in [
            ("a=b bogus@@=", 5, "quote it"),
            ("service=~(", 10, "RE2"),
            ("a=b @bogus=1", 5, "@age"),
            ("@age", 5, "@age>15m"),
            ("@age>soon", 6, "@age>15m"),
            ("@flap>x", 7, "@flap>3"),
            ("@state=firing", 8, "active"),
            ("cpu>3", 4, "@flap"),
            ("=x", 1, "label=value"),
            ("a~b", 2, "quote"),
            (r#"ok "open"#, 4, "\""),
            ("@acked=maybe", 8, "@acked=false"),
            ("@source", 8, "@source=value"),
        ] {
            let error = Filter::parse(text).expect_err(text);
            assert_eq!(error.column, column, "{text}: {error}");
            assert!(error.mend.contains(mend), "{text}: {error}");
        }
    }

    #[test]
    fn every_listed_field_is_understood() {
        for (field, _) in FIELDS {
            assert!(takes(field).is_some(), "{field}");
        }
    }

    proptest! {
        #[test]
        fn a_filter_of_any_shape_never_panics(text in "\\PC{0,60}") {
            if let Ok(filter) = Filter::parse(&text) {
                let _ = filter.is_match(&alert(), sample::now());
            }
        }

        #[test]
        fn columns_lie_within_the_text(text in "[a-z@=!~<>\"(, ]{0,20}") {
            if let Err(error) = Filter::parse(&text) {
                prop_assert!(error.column >= 1 && error.column <= text.chars().count() + 1, "{}", error);
            }
        }
    }

    #[test]
    fn the_readme_lists_every_field() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
        let readme = std::fs::read_to_string(path).expect("it is there");
        let (_, list) = readme
            .split_once("Filters (`&`)")
            .expect("README tells of filters");
        let (list, _) = list.split_once("bare words").expect("and of words");
        let listed: Vec<&str> = list.split(|c: char| c.is_whitespace() || c == '`').collect();
        for (field, _) in FIELDS {
            assert!(listed.contains(&field), "{field}");
        }
    }
}
