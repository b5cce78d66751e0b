//! What was tried, and whether the servers hold each of it as often as they should.

use std::fmt;

use midwatch::demo::faults::Exchange;
use midwatch::domain::incident::IncidentAct;
use midwatch::journal::drafts::Draft;
use midwatch::outbox::{Entry, Payload, State};

use super::End;
use super::shop::{Books, Shop};

/// A kind of act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    Note,
    Acknowledge,
    Escalate,
    Silence,
    Mark,
}

/// One act that somebody was killed over.
#[derive(Debug)]
pub struct Round {
    pub deed: Deed,
    /// The incident, or what is silenced.
    pub subject: String,
    /// What is said with it; no other round says the same.
    pub text: String,
    pub end: End,
}

impl Round {
    /// Whether an entry of the outbox is this act; what was typed may have gone out with what was typed later.
    fn is(&self, entry: &Entry) -> bool {
        match &entry.payload {
            Payload::Incident { incident, act, .. } => match act {
                IncidentAct::Note { text } => self.deed == Deed::Note && text.contains(&self.text),
                IncidentAct::Acknowledge => self.deed == Deed::Acknowledge && *incident.0 == *self.subject,
                IncidentAct::Escalate { .. } => self.deed == Deed::Escalate && *incident.0 == *self.subject,
                other => panic!("nobody asked for {other:?}"),
            },
            Payload::Silence { comment, .. } => self.deed == Deed::Silence && comment.contains(&self.text),
            Payload::Annotation(draft) => self.deed == Deed::Mark && draft.text.contains(&self.text),
            other @ (Payload::ExtendSilence { .. } | Payload::ExpireSilence { .. }) => {
                panic!("nobody asked for {other:?}")
            }
        }
    }

    /// How often a server has it.
    pub fn received(&self, books: &Books) -> usize {
        let said =
            |texts: &[String]| -> usize { texts.iter().map(|text| text.matches(&self.text).count()).sum() };
        match self.deed {
            Deed::Note => said(&books.notes),
            Deed::Acknowledge => books.taken[&self.subject],
            Deed::Escalate => books.raised[&self.subject],
            Deed::Silence => said(&books.silences),
            Deed::Mark => said(&books.marks),
        }
    }
}

/// What became of all rounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// At a server, once.
    pub once: usize,
    /// Refused for good; what was typed is a draft again.
    pub refused: usize,
    /// The engineer is asked.
    pub asked: usize,
    /// Killed before it was accepted.
    pub never: usize,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} received once, {} refused, {} ask, {} never accepted",
            self.once, self.refused, self.asked, self.never
        )
    }
}

/// Judges every round by what the servers hold; the journal has to agree with them.
pub fn judge(rounds: &[Round], books: &Books, entries: &[Entry], drafts: &[Draft]) -> Tally {
    let mut tally = Tally::default();
    for round in rounds {
        let received = round.received(books);
        let of_it: Vec<&Entry> = entries.iter().filter(|entry| round.is(entry)).collect();
        let stands = |state| of_it.iter().filter(|entry| entry.state == state).count();
        assert!(received <= 1, "received {received} times: {round:?} {of_it:?}");
        assert_eq!(stands(State::Confirmed), received, "{round:?} {of_it:?}");
        if round.end == End::Confirmed {
            assert_eq!(received, 1, "said to be confirmed, and lost: {round:?}");
        }
        let kept: Vec<&Draft> = drafts
            .iter()
            .filter(|draft| draft.text.contains(&round.text))
            .collect();
        if matches!(round.deed, Deed::Note | Deed::Mark) {
            assert!(
                kept.len() + received <= 1,
                "received {received} times: {round:?} {of_it:?} {kept:?}"
            );
        }
        match (received, of_it.is_empty()) {
            (1, _) => tally.once += 1,
            (_, true) => tally.never += 1,
            (_, false) => {
                let (asked, refused) = (stands(State::NeedsDecision), stands(State::Failed));
                assert_eq!(asked + refused, of_it.len(), "lost: {round:?} {of_it:?}");
                if asked > 0 {
                    tally.asked += 1;
                } else {
                    let typed = matches!(round.deed, Deed::Note | Deed::Mark);
                    assert_eq!(kept.len(), usize::from(typed), "refused and gone: {round:?}");
                    tally.refused += 1;
                }
            }
        }
    }
    tally
}

/// What the servers did is what they hold: nothing was done twice and then hidden by what came later.
///
/// What one of them itself refused was not done: PagerDuty's rate is used up by this many consoles now and then.
///
/// What they refused themselves, with the status.
pub fn assert_sent_once(shop: &Shop, rounds: &[Round], books: &Books) -> Vec<String> {
    let heard = shop.doors.iter().flat_map(super::shop::Door::had);
    let (done, turned_away): (Vec<Exchange>, Vec<Exchange>) = heard
        .filter(|exchange| exchange.asked.is_write() && exchange.answered.is_some())
        .partition(Exchange::done);
    let had: Vec<String> = done
        .iter()
        .map(|exchange| format!("{} {}", exchange.asked.method, exchange.asked.target))
        .collect();
    let sent = |holds: &dyn Fn(&str) -> bool| had.iter().filter(|line| holds(line)).count();
    assert_eq!(sent(&|line| line.ends_with("/notes")), books.notes.len(), "notes");
    let ours = |texts: &[String], deed| {
        let said = |text: &&String| {
            rounds
                .iter()
                .any(|round| round.deed == deed && text.contains(&round.text))
        };
        texts.iter().filter(said).count()
    };
    let silences = sent(&|line| line.starts_with("POST") && line.ends_with("/silences"));
    assert_eq!(silences, ours(&books.silences, Deed::Silence), "silences");
    let marks = sent(&|line| line.ends_with("/annotations"));
    assert_eq!(marks, ours(&books.marks, Deed::Mark), "annotations");
    for round in rounds {
        if matches!(round.deed, Deed::Acknowledge | Deed::Escalate) {
            let put = sent(&|line| line.starts_with("PUT") && line.ends_with(&round.subject));
            assert_eq!(put, round.received(books), "{round:?}");
        }
    }
    let said = |exchange: Exchange| {
        let status = exchange.answered.unwrap_or_default();
        format!("{} {} {status}", exchange.asked.method, exchange.asked.target)
    };
    turned_away.into_iter().map(said).collect()
}
