//! One act over several clusters: which of them took it and which did not, told in one line.
//!
//! It knows states and words, not what is sent. Start at [`Spread::of`].

use std::fmt;

use super::{Entry, Payload, State};
use crate::text::SafeText;

/// How an entry stands for whoever waits for its act, the better first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It is done.
    Done,
    /// It is on its way.
    UnderWay,
    /// It asks.
    Asks,
    /// It is not done, and will not be.
    NotDone,
}

impl From<State> for Standing {
    fn from(state: State) -> Self {
        match state {
            State::Confirmed => Self::Done,
            State::Pending | State::Sending => Self::UnderWay,
            State::NeedsDecision => Self::Asks,
            State::Failed | State::Cancelled => Self::NotDone,
        }
    }
}

/// How an act stands, which is as its worst entry does, and the entries that stand so; nothing where it has none.
pub fn worst<'a>(entries: &[&'a Entry]) -> Option<(Standing, Vec<&'a Entry>)> {
    let worst = entries.iter().map(|entry| Standing::from(entry.state)).max()?;
    let alike = entries
        .iter()
        .filter(|entry| Standing::from(entry.state) == worst);
    Some((worst, alike.copied().collect()))
}

/// An act that some clusters took and others did not, or not yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread<'a> {
    /// What it does.
    action: &'static str,
    /// The clusters that have all of it.
    took: Vec<&'a str>,
    /// The others, each with the entry that is furthest from it.
    missing: Vec<(&'a str, &'a Entry)>,
}

impl<'a> Spread<'a> {
    /// Of the entries of one act; nothing where all clusters stand alike.
    pub fn of(entries: &[&'a Entry]) -> Option<Self> {
        let mut took: Vec<&str> = Vec::new();
        let mut missing: Vec<(&str, &Entry)> = Vec::new();
        for entry in entries {
            let cluster = entry.payload.cluster()?;
            if entry.state == State::Confirmed {
                if !took.contains(&cluster) {
                    took.push(cluster);
                }
                continue;
            }
            match missing.iter_mut().find(|(known, _)| *known == cluster) {
                Some((_, worst)) if entry.state > worst.state => *worst = entry,
                Some(_) => {}
                None => missing.push((cluster, entry)),
            }
        }
        took.retain(|cluster| !missing.iter().any(|(short, _)| short == cluster));
        let action = entries.first()?.payload.action();
        (!took.is_empty() && !missing.is_empty()).then_some(Self {
            action,
            took,
            missing,
        })
    }

    /// Whether each that is missing has been tried, so that there is something to say of it.
    pub fn was_tried(&self) -> bool {
        let tried = |entry: &Entry| !entry.outcome.is_empty() || entry.last_error.is_some();
        self.missing.iter().all(|(_, entry)| tried(entry))
    }
}

impl fmt::Display for Spread<'_> {
    /// `silence taken by eu, NOT by us: connection refused; the outbox keeps it until us takes it`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took: Vec<SafeText> = self.took.iter().map(|cluster| SafeText::line(cluster)).collect();
        let took: Vec<&str> = took.iter().map(SafeText::as_str).collect();
        write!(
            f,
            "{} taken by {}",
            self.action.replace('_', " "),
            took.join(", ")
        )?;
        for (cluster, entry) in &self.missing {
            let cluster = SafeText::line(cluster);
            let why = SafeText::line(why(entry));
            write!(f, ", NOT by {cluster}: {why}")?;
            match entry.state {
                State::Pending | State::Sending => {
                    write!(f, "; the outbox keeps it until {cluster} takes it")?;
                }
                State::NeedsDecision => write!(f, "; decide in the outbox ({})", entry.id)?,
                State::Confirmed | State::Failed | State::Cancelled => {}
            }
        }
        Ok(())
    }
}

fn why(entry: &Entry) -> &str {
    let words = [&*entry.outcome, entry.last_error.as_deref().unwrap_or_default()];
    words
        .into_iter()
        .find(|words| !words.is_empty())
        .unwrap_or("no answer yet")
}

impl Payload {
    /// The gossip cluster that it is for; nothing where it is not about a silence.
    fn cluster(&self) -> Option<&str> {
        match self {
            Self::Silence { cluster, .. }
            | Self::ExtendSilence { cluster, .. }
            | Self::ExpireSilence { cluster, .. } => Some(cluster),
            Self::Incident { .. } | Self::Annotation(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::super::{EntryId, Purpose};
    use super::*;
    use crate::domain::alert::Fingerprint;
    use crate::domain::alert::ack::Marker;
    use crate::domain::alert::desk::sample::utc;

    fn at(cluster: &str, state: State, last_error: Option<&str>) -> Entry {
        Entry {
            id: EntryId(7),
            context: "prod".into(),
            created_at: utc(),
            actor: "jun@example.com".into(),
            marker: Marker::from_bits(0),
            payload: Payload::Silence {
                cluster: cluster.into(),
                members: Vec::new(),
                matchers: Vec::new(),
                starts_at: utc(),
                ends_at: utc() + TimeDelta::hours(2),
                comment: "why".to_owned(),
                purpose: Purpose::Silence,
            },
            state,
            attempts: 1,
            last_error: last_error.map(Into::into),
            next_attempt_at: None,
            outcome: "".into(),
            remote_ids: Vec::new(),
        }
    }

    fn told(entries: &[Entry]) -> Option<String> {
        let entries: Vec<&Entry> = entries.iter().collect();
        Spread::of(&entries).map(|spread| spread.to_string())
    }

    #[test]
    fn a_cluster_that_did_not_take_it_is_named_with_its_reason() {
        let refused = Some("refused: no such receiver");
        let cases = [
            (
                State::Failed,
                refused,
                "silence taken by eu, NOT by us: refused: no such receiver",
            ),
            (
                State::Pending,
                Some("connection refused"),
                "silence taken by eu, NOT by us: connection refused; the outbox keeps it until us takes it",
            ),
            (
                State::Pending,
                None,
                "silence taken by eu, NOT by us: no answer yet; the outbox keeps it until us takes it",
            ),
            (
                State::NeedsDecision,
                Some("lost"),
                "silence taken by eu, NOT by us: lost; decide in the outbox (7)",
            ),
        ];
        for (state, error, words) in cases {
            let entries = [at("eu", State::Confirmed, None), at("us", state, error)];
            assert_eq!(told(&entries).as_deref(), Some(words));
        }
    }

    #[test]
    fn a_cluster_that_took_a_part_did_not_take_it() {
        let entries = [
            at("eu", State::Confirmed, None),
            at("us", State::Confirmed, None),
            at("us", State::Failed, Some("too many silences")),
        ];
        assert_eq!(
            told(&entries).as_deref(),
            Some("silence taken by eu, NOT by us: too many silences")
        );
    }

    #[test]
    fn an_alert_is_told_by_its_own_silences_and_an_act_by_the_worst_of_its_entries() {
        let hands_back = |fingerprint, state| Entry {
            payload: Payload::ExpireSilence {
                cluster: "eu".into(),
                members: Vec::new(),
                id: "s".into(),
                hands_back: vec![Fingerprint(fingerprint)],
            },
            ..at("eu", state, None)
        };
        let entries = [
            hands_back(1, State::Confirmed),
            hands_back(1, State::Confirmed),
            hands_back(2, State::Failed),
        ];
        let standing = |fingerprint| {
            let about = entries.iter();
            let about: Vec<&Entry> = about
                .filter(|entry| entry.payload.is_about_alert(Fingerprint(fingerprint)))
                .collect();
            worst(&about).map(|(standing, alike)| (standing, alike.len()))
        };
        assert_eq!(standing(1), Some((Standing::Done, 2)));
        assert_eq!(standing(2), Some((Standing::NotDone, 1)));
        assert_eq!(standing(3), None);
        let all: Vec<&Entry> = entries.iter().collect();
        assert_eq!(
            worst(&all).map(|(standing, alike)| (standing, alike.len())),
            Some((Standing::NotDone, 1))
        );
    }

    #[test]
    fn where_all_stand_alike_there_is_nothing_to_tell_apart() {
        for state in State::ALL {
            assert_eq!(told(&[at("eu", state, None), at("us", state, None)]), None);
        }
        assert_eq!(told(&[]), None);
    }

    #[test]
    fn one_that_nobody_has_tried_yet_is_not_told() {
        let (eu, us) = (at("eu", State::Confirmed, None), at("us", State::Pending, None));
        let untried = Spread::of(&[&eu, &us]).unwrap();
        assert!(!untried.was_tried());
        let us = at("us", State::Pending, Some("down"));
        assert!(Spread::of(&[&eu, &us]).unwrap().was_tried());
    }
}
