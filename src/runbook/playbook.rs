//! Playbooks of the configuration: commands in their order for the alerts that match, each with what is asked of the
//! metrics afterwards, and what the answer has to be.
//!
//! Its commands are argument vectors as they are written, filled from labels like those of a runbook; who wrote them is
//! known, and they run by the same rules. Pure: waiting and asking are the runtime's. Start at [`Playbook`].

use std::fmt;
use std::time::Duration;

use super::command::{NotRunnable, Phrase, Refused, Template};
use crate::domain::alert::matcher::Matchers;
use crate::domain::alert::{Labels, Matcher};

/// Of an answer, so many values are told.
const TOLD: usize = 5;

/// Commands for some alerts, one after another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playbook {
    /// What it is called.
    pub name: String,
    /// The alerts it is for.
    pub matchers: Vec<Matcher>,
    /// What is done, in order.
    pub steps: Vec<PlayStep>,
}

impl Playbook {
    /// Whether it is for an alert of these labels.
    pub fn is_for(&self, labels: &Labels) -> bool {
        Matchers::compile(&self.matchers).is_ok_and(|matchers| matchers.is_match(labels))
    }
}

/// One command, and what is asked after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayStep {
    /// The words as they are written.
    pub written: Vec<String>,
    /// The same as a command.
    pub template: Template,
    /// How long to wait after it.
    pub wait: Duration,
    /// What is asked then.
    pub verify: Option<Verify>,
}

/// A question to the metrics, before its places are filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verify {
    /// `PromQL`.
    pub query: Phrase,
    /// What its answer has to be.
    pub expect: Expect,
}

impl PlayStep {
    /// Reads a step's words.
    ///
    /// # Errors
    /// Why that can't be run, whatever the labels are.
    pub fn read(written: Vec<String>, wait: Duration, verify: Option<Verify>) -> Result<Self, NotRunnable> {
        Ok(Self {
            template: Template::of_words(&written)?,
            written,
            wait,
            verify,
        })
    }

    /// What follows its command, its places filled; nothing where nothing does.
    ///
    /// # Errors
    /// A label that is missing, or whose value is more than a plain name.
    pub fn check(&self, labels: &Labels) -> Result<Option<Check>, Refused> {
        let query = match &self.verify {
            Some(verify) => Some((verify.query.fill(labels)?, verify.expect)),
            None => None,
        };
        Ok((query.is_some() || !self.wait.is_zero()).then_some(Check {
            wait: self.wait,
            query,
        }))
    }
}

/// What follows a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// How long to wait.
    pub wait: Duration,
    /// What is asked then, and what the answer has to be.
    pub query: Option<(String, Expect)>,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wait = crate::time::prometheus_duration(self.wait);
        match &self.query {
            Some((query, expect)) if self.wait.is_zero() => write!(f, "then asks {query} and wants {expect}"),
            Some((query, expect)) => write!(f, "then waits {wait}, asks {query} and wants {expect}"),
            None => write!(f, "then waits {wait}"),
        }
    }
}

/// What an answer has to be: one series at least, and every one so; or none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Expect {
    /// Every value compares so.
    Each(Comparison, f64),
    /// There is no series.
    Nothing,
}

/// Written configuration holds no NaN: equality is what it seems.
impl Eq for Expect {}

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
    /// `!=`
    Unequal,
}

impl Comparison {
    /// All, longer words first: `<=` begins as `<` does.
    const ALL: [(Self, &'static str); 6] = [
        (Self::AtMost, "<="),
        (Self::AtLeast, ">="),
        (Self::Equal, "=="),
        (Self::Unequal, "!="),
        (Self::Less, "<"),
        (Self::More, ">"),
    ];

    fn holds(self, value: f64, than: f64) -> bool {
        match self {
            Self::Less => value < than,
            Self::AtMost => value <= than,
            Self::More => value > than,
            Self::AtLeast => value >= than,
            Self::Equal => (value - than).abs() == 0.0,
            Self::Unequal => !value.is_nan() && (value - than).abs() > 0.0,
        }
    }
}

impl Expect {
    /// `< 0.05`, `== 0`, `>= 3`, `nothing`; `None` where it is none of these.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if text == "nothing" {
            return Some(Self::Nothing);
        }
        let (comparison, rest) = Comparison::ALL
            .iter()
            .find_map(|(comparison, word)| Some((*comparison, text.strip_prefix(word)?)))?;
        let value: f64 = rest.trim().parse().ok()?;
        value.is_finite().then_some(Self::Each(comparison, value))
    }

    /// Whether an answer is as it has to be: what it was, in words, either way.
    ///
    /// # Errors
    /// What it was instead.
    pub fn judge(self, values: &[f64]) -> Result<String, String> {
        let said: Vec<String> = values.iter().take(TOLD).map(f64::to_string).collect();
        let said = match values.len().saturating_sub(TOLD) {
            0 if values.is_empty() => "no series".to_owned(),
            0 => said.join(", "),
            more => format!("{} and {more} more", said.join(", ")),
        };
        let holds = match self {
            Self::Nothing => values.is_empty(),
            Self::Each(comparison, than) => {
                !values.is_empty() && values.iter().all(|value| comparison.holds(*value, than))
            }
        };
        let words = format!("it answers {said}; wanted {self}");
        if holds { Ok(words) } else { Err(words) }
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Each(comparison, value) => {
                let word = Comparison::ALL.iter().find(|(known, _)| known == comparison);
                write!(f, "{} {value}", word.map_or("", |(_, word)| *word))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::command::Takes;
    use super::*;

    fn labels(value: &str) -> Labels {
        [("service", value)].into_iter().collect()
    }

    fn step(query: &str) -> PlayStep {
        let verify = Verify {
            query: Phrase::read(query).unwrap(),
            expect: Expect::read("< 0.05").unwrap(),
        };
        let words = ["kubectl", "rollout", "undo", "deploy/{{ labels.service }}"].map(str::to_owned);
        PlayStep::read(words.to_vec(), Duration::from_secs(30), Some(verify)).unwrap()
    }

    #[test]
    fn an_expectation_reads_as_it_is_written() {
        for text in ["< 0.05", "<= 3", "> -1", ">= 3", "== 0", "!= 0", "nothing"] {
            assert_eq!(Expect::read(text).unwrap().to_string(), text);
        }
        assert_eq!(Expect::read("  <0.5 "), Expect::read("< 0.5"));
        for text in ["", "0", "<", "< x", "= 0", "< NaN", "> inf", "none", "<> 3"] {
            assert_eq!(Expect::read(text), None, "{text}");
        }
    }

    #[test]
    fn every_series_has_to_be_so_and_there_has_to_be_one() {
        let judge = |expect: &str, values: &[f64]| Expect::read(expect).unwrap().judge(values);
        assert_eq!(
            judge("< 0.05", &[0.01, 0.02]).unwrap(),
            "it answers 0.01, 0.02; wanted < 0.05"
        );
        assert_eq!(
            judge("< 0.05", &[0.01, 0.2]).unwrap_err(),
            "it answers 0.01, 0.2; wanted < 0.05"
        );
        assert!(judge("< 0.05", &[]).unwrap_err().contains("no series"));
        assert!(judge("< 0.05", &[f64::NAN]).is_err());
        assert!(judge("!= 0", &[f64::NAN]).is_err());
        assert!(judge("nothing", &[]).is_ok());
        assert!(judge("nothing", &[0.0]).is_err());
        assert!(judge("== 1", &[1.0; 9]).unwrap().contains("and 4 more"));
    }

    #[test]
    fn what_is_asked_is_filled_by_plain_names_alone() {
        let step = step("rate(errors_total{service=\"{{ labels.service }}\"}[5m])");
        let check = step.check(&labels("checkout")).unwrap().unwrap();
        assert_eq!(
            check.to_string(),
            "then waits 30s, asks rate(errors_total{service=\"checkout\"}[5m]) and wants < 0.05"
        );
        for value in ["x\"} or vector(0) or up{a=\"", "a b", "a\\", "ünï", ""] {
            assert!(step.check(&labels(value)).is_err(), "{value}");
        }
    }

    #[test]
    fn a_word_of_a_step_stays_one_word_whatever_stands_in_it() {
        let words = ["echo", "a; b | $(c)", "'quoted'", "{{ labels.service }}"].map(str::to_owned);
        let step = PlayStep::read(words.to_vec(), Duration::ZERO, None).unwrap();
        let argv = step.template.fill(&labels("a b"), Takes::Text).unwrap();
        let texts: Vec<&str> = argv.arguments().iter().map(|each| each.text.as_str()).collect();
        assert_eq!(texts, ["a; b | $(c)", "'quoted'", "a b"]);
        assert_eq!(step.check(&labels("x")).unwrap(), None);
    }

    #[test]
    fn what_could_never_be_run_is_refused_where_it_is_written() {
        let read = |words: &[&str]| {
            let words = words.iter().map(|word| (*word).to_owned()).collect();
            PlayStep::read(words, Duration::ZERO, None).map(|_| ())
        };
        assert_eq!(read(&[]), Err(NotRunnable::Empty));
        assert_eq!(read(&[""]), Err(NotRunnable::Empty));
        assert_eq!(read(&["{{ labels.a }}"]), Err(NotRunnable::Program));
        assert!(matches!(
            read(&["a", "{{ .Value }}"]),
            Err(NotRunnable::Place { .. })
        ));
        assert!(matches!(
            read(&["a", "b\u{202e}c"]),
            Err(NotRunnable::Hidden { .. })
        ));
        assert!(matches!(read(&["a", "b\nc"]), Err(NotRunnable::Hidden { .. })));
    }
}
