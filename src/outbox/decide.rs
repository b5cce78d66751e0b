//! What to do next with an entry: pure rules over what the journal keeps of it and what a backend said.
//!
//! [`next`] looks at an entry that is at hand; [`begun`] is what is written before a request goes out, so that
//! whoever finds the entry after a crash knows that it may have arrived; [`answered`] and [`looked`] take in
//! what came back; [`decided`] what the engineer says. They must not know the journal or the network.
//!
//! The rules: nothing is repeated without a read-back. What says the same thing twice (acknowledge, resolve) is
//! repeated once a look shows that it still stands as it was. What carries a marker is sent again only when two
//! looks, [`Timings::look_gap`] apart, missed it. What wakes people is never sent again by itself, and an
//! escalation is not sent at all before a look shows that its incident is as its maker saw it. What is late,
//! or meets an incident that has changed, asks. Trouble on the way keeps an entry pending for ever; a refusal of
//! what it says ends it.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::post::{Delivered, Found};
use super::record::{Consent, LONGEST_WAIT, Record, Repeat, Timings};
use super::{Decision, Payload, Sight, State};
use crate::backend::{BackendError, BackendResult, Delivery, ErrorKind};
use crate::text::SafeText;
use crate::time::{Stamp, prometheus_duration};

/// The next step with an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing before then.
    Wait(Stamp),
    /// Nothing until the engineer has decided, or ever.
    Rest,
    /// Ask its backend whether it is there, and how things stand.
    Look,
    /// Send it.
    Send,
    /// It is over, or it asks: with what is said.
    Settle(State, String),
}

/// What to do with an entry now.
pub fn next(record: &Record, now: &Stamp, timings: &Timings) -> Next {
    if let Some(at) = record.facts.not_before
        && !now.until(&at, LONGEST_WAIT).is_zero()
    {
        return Next::Wait(at);
    }
    match record.entry.state {
        State::NeedsDecision | State::Confirmed | State::Failed | State::Cancelled => Next::Rest,
        // Its answer was lost, or its process: it may be there.
        State::Sending => Next::Look,
        State::Pending => pending(record, now, timings),
    }
}

impl Next {
    /// Whether it is done for an entry whose lane is held up too: it asks, ends, or looks for what was sent already.
    /// None of that changes anything at a backend.
    pub fn passes(&self, record: &Record) -> bool {
        match self {
            Self::Settle(..) => true,
            Self::Look => record.entry.state == State::Sending,
            Self::Wait(_) | Self::Rest | Self::Send => false,
        }
    }
}

fn pending(record: &Record, now: &Stamp, timings: &Timings) -> Next {
    let facts = &record.facts;
    let payload = &record.entry.payload;
    let age = now.since(&facts.created);
    if let Some(end) = end_of(payload)
        && (end - record.entry.created_at).to_std().unwrap_or_default() <= age
    {
        return Next::Settle(
            State::Cancelled,
            format!(
                "its end, {}, passed before it could be delivered; nothing was changed",
                clock(end)
            ),
        );
    }
    if payload.asks_when_late() && age > timings.late && facts.consent == Consent::None {
        return Next::Settle(
            State::NeedsDecision,
            format!(
                "not delivered within {}: is it still wanted?",
                prometheus_duration(timings.late)
            ),
        );
    }
    let may_have_arrived = facts.requested.is_some();
    // What pages people, and what was kept unseen, is looked at each time; other acts while they are young go without.
    let first = payload.escalation().is_some() || facts.sight == Sight::Unseen;
    let may_have_changed = is_incident_act(payload) && (first || age > timings.fresh);
    let looked = facts
        .checked
        .is_some_and(|at| now.since(&at) <= timings.fresh && at.boot == now.boot);
    if (may_have_arrived || may_have_changed) && !looked {
        Next::Look
    } else {
        Next::Send
    }
}

/// When what a silence is for has passed. Acknowledgements ask instead.
fn end_of(payload: &Payload) -> Option<DateTime<Utc>> {
    match payload {
        Payload::Silence { ends_at, .. } => (!payload.asks_when_late()).then_some(*ends_at),
        Payload::ExtendSilence { until, .. } => Some(*until),
        Payload::ExpireSilence { .. } | Payload::Incident { .. } | Payload::Annotation(_) => None,
    }
}

fn is_incident_act(payload: &Payload) -> bool {
    matches!(payload, Payload::Incident { .. }) && payload.asks_when_late()
}

fn clock(at: DateTime<Utc>) -> impl std::fmt::Display {
    at.format("%Y-%m-%d %H:%MZ")
}

/// What stands in the journal before a request is written. `total` is how long it may be under way: whoever
/// finds the entry so waits until the lease and the request are over before the first look.
pub fn begun(record: &mut Record, now: &Stamp, total: Duration, timings: &Timings) {
    record.entry.state = State::Sending;
    record.entry.attempts = record.entry.attempts.saturating_add(1);
    record.entry.payload.restart(now);
    let facts = &mut record.facts;
    facts.requested.get_or_insert(*now);
    facts.missed = None;
    facts.unasked = None;
    facts.checked = None;
    if facts.consent == Consent::Send {
        // It was for this one request. Lateness has been answered for good.
        facts.consent = Consent::Late;
    }
    wait(record, now, timings.hold + total);
}

fn wait(record: &mut Record, now: &Stamp, by: Duration) {
    let at = now.later(by);
    record.facts.not_before = Some(at);
    record.entry.next_attempt_at = Some(at.utc);
}

/// Ends it, or has it ask.
pub fn settle(record: &mut Record, state: State, words: &str) {
    let words: Arc<str> = SafeText::line(words).as_str().into();
    record.entry.state = state;
    record.facts.not_before = None;
    record.entry.next_attempt_at = None;
    match state {
        State::Confirmed => {
            record.entry.outcome = words;
            record.entry.last_error = None;
        }
        State::NeedsDecision | State::Failed => {
            record.entry.last_error = Some(Arc::clone(&words));
            record.entry.outcome = words;
        }
        State::Cancelled | State::Pending | State::Sending => record.entry.outcome = words,
    }
}

/// How a request went wrong, as far as the outbox decides by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It was certainly not acted on; another time it may be.
    Later,
    /// It may have been acted on.
    Lost,
    /// It is refused, and will be.
    Refused,
}

/// What an error says of a write. A server that fails (5xx), a proxy in its place or an answer that does not
/// read may come after the act; 401, 403 and 429 come before it, and credentials are renewed in mid-incident.
pub fn trouble(error: &BackendError) -> Trouble {
    match (error.delivery, error.status) {
        // What is refused here, before anything is sent, is refused the next time too. A refusal with a status is
        // a server's, to a question that came before the act.
        (Delivery::NotSent, None) if error.kind == ErrorKind::Rejected => Trouble::Refused,
        (Delivery::NotSent, _) | (Delivery::Answered, Some(401 | 403 | 429)) => Trouble::Later,
        // A login page or a proxy's question stands before the server: nobody acted.
        (Delivery::Answered, _) if matches!(error.kind, ErrorKind::NotSignedIn | ErrorKind::Credentials) => {
            Trouble::Later
        }
        (Delivery::Unknown, _) | (Delivery::Answered, Some(408)) => Trouble::Lost,
        (Delivery::Answered, Some(300..=499)) => Trouble::Refused,
        (Delivery::Answered, _) => match error.kind {
            ErrorKind::Rejected => Trouble::Refused,
            ErrorKind::NotSignedIn
            | ErrorKind::Credentials
            | ErrorKind::RateLimited
            | ErrorKind::Unreachable
            | ErrorKind::Tls
            | ErrorKind::TimedOut
            | ErrorKind::ServerFault
            | ErrorKind::TooLarge
            | ErrorKind::BadAnswer
            | ErrorKind::Cancelled => Trouble::Lost,
        },
    }
}

/// Takes in what came of a request. `before` is the entry as it was before the request: one that never left
/// leaves no trace. `jitter` in [0, 1) spreads those that lost a backend together.
pub fn answered(
    record: &mut Record,
    before: &Record,
    answer: BackendResult<Delivered>,
    now: &Stamp,
    timings: &Timings,
    jitter: f64,
) {
    let error = match answer {
        Ok(delivered) => return confirmed(record, delivered),
        Err(error) => error,
    };
    match trouble(&error) {
        Trouble::Later => {
            record.entry.state = State::Pending;
            record.facts.requested = before.facts.requested;
            record.facts.missed = before.facts.missed;
            record.facts.unasked = before.facts.unasked;
            record.facts.consent = before.facts.consent;
            back_off(record, &error, now, timings, jitter);
        }
        Trouble::Lost => {
            record.facts.troubles = record.facts.troubles.saturating_add(1);
            say(record, &error);
            let first = grown(timings.first_look, record.facts.troubles, timings.backoff_max);
            wait(record, now, first.max(error.retry_after.unwrap_or_default()));
        }
        Trouble::Refused => settle(record, State::Failed, &error.to_string()),
    }
}

/// Takes in what a look found.
pub fn looked(record: &mut Record, found: BackendResult<Found>, now: &Stamp, timings: &Timings, jitter: f64) {
    let marked =
        record.entry.payload.repeat() == Repeat::AfterTwoLooks && !is_incident_act(&record.entry.payload);
    let whatever = record.facts.consent == Consent::Send;
    let never_asked = record.facts.requested.is_none();
    match found {
        Ok(Found::Done(delivered)) => confirmed(record, delivered),
        Ok(Found::Vanished(why)) => settle(record, State::Failed, &why),
        Ok(Found::Absent) => absent(record, now, timings),
        Ok(Found::Changed(_)) if marked || whatever => absent(record, now, timings),
        // Words that were never sent cannot have arrived.
        Ok(Found::Unclear(_)) if whatever || (never_asked && record.entry.payload.is_words()) => {
            absent(record, now, timings);
        }
        Ok(Found::Unasked(_)) if whatever || never_asked => absent(record, now, timings),
        Ok(Found::Unasked(why)) => unasked(record, &why, now, timings),
        Ok(Found::Changed(why) | Found::Unclear(why)) => settle(record, State::NeedsDecision, &why),
        Err(error) if trouble(&error) == Trouble::Refused => {
            let what = if never_asked {
                "how the incident stands"
            } else {
                "whether it arrived"
            };
            let words = format!("{what} cannot be looked up: {error}");
            settle(record, State::NeedsDecision, &words);
        }
        Err(error) => back_off(record, &error, now, timings, jitter),
    }
}

/// It is not there.
fn absent(record: &mut Record, now: &Stamp, timings: &Timings) {
    let never_asked = record.facts.requested.is_none();
    if never_asked || record.facts.consent == Consent::Send {
        return allow(record, now);
    }
    let missed_for = record.facts.missed.map(|first| now.since(&first));
    match record.entry.payload.repeat() {
        Repeat::AfterLook => allow(record, now),
        Repeat::AfterTwoLooks => match missed_for {
            Some(gap) if gap >= timings.look_gap => allow(record, now),
            first => look_again(
                record,
                now,
                timings.look_gap.saturating_sub(first.unwrap_or_default()),
            ),
        },
        Repeat::Never => match missed_for {
            Some(gap) if gap >= timings.ask_gap => settle(
                record,
                State::NeedsDecision,
                "its answer was lost and it is not to be found: look at the incident, then send it or drop it",
            ),
            first => look_again(
                record,
                now,
                timings.ask_gap.saturating_sub(first.unwrap_or_default()),
            ),
        },
    }
}

/// Some of those who may have it cannot be asked: they may come back, so it is looked for once more before the
/// engineer is asked.
fn unasked(record: &mut Record, why: &str, now: &Stamp, timings: &Timings) {
    let waited = now.since(record.facts.unasked.get_or_insert(*now));
    if waited >= timings.look_gap {
        settle(record, State::NeedsDecision, why);
    } else {
        wait(record, now, timings.look_gap.saturating_sub(waited));
    }
}

fn look_again(record: &mut Record, now: &Stamp, after: Duration) {
    record.facts.missed.get_or_insert(*now);
    wait(record, now, after);
}

/// It may be sent (again).
fn allow(record: &mut Record, now: &Stamp) {
    record.entry.state = State::Pending;
    record.facts.checked = Some(*now);
    record.facts.not_before = None;
    record.entry.next_attempt_at = None;
}

/// Whether there is something to do with it at once.
pub fn goes_on(record: &Record) -> bool {
    record.entry.state == State::Pending && record.facts.not_before.is_none()
}

fn confirmed(record: &mut Record, delivered: Delivered) {
    record.entry.remote_ids = delivered.remote_ids;
    settle(record, State::Confirmed, &delivered.words);
}

fn say(record: &mut Record, error: &BackendError) {
    record.entry.last_error = Some(SafeText::line(&error.to_string()).as_str().into());
}

fn back_off(record: &mut Record, error: &BackendError, now: &Stamp, timings: &Timings, jitter: f64) {
    record.facts.troubles = record.facts.troubles.saturating_add(1);
    say(record, error);
    let bound = grown(timings.backoff, record.facts.troubles, timings.backoff_max);
    // Between half of it and all of it: those that lost a backend together do not come back together.
    let spread = bound.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0);
    wait(record, now, spread.max(error.retry_after.unwrap_or_default()));
}

/// Doubles with each trouble from the second on.
fn grown(first: Duration, troubles: u32, longest: Duration) -> Duration {
    first
        .saturating_mul(2_u32.saturating_pow(troubles.saturating_sub(1)))
        .min(longest)
}

/// Why a decision was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Undecided {
    /// There is no such entry.
    #[error("there is no such entry; `midwatch outbox` lists them")]
    Unknown,
    /// It is over.
    #[error("it is {} already", .0.word())]
    Over(State),
    /// Its question came up meanwhile.
    #[error("it asks by now, and is sent only when that is answered")]
    Asks,
    /// Some process is on it at this moment.
    #[error("it is under way at this moment; look again in a few seconds")]
    UnderWay,
    /// Somebody else made it.
    #[error("somebody else made it; only they decide about it")]
    NotOurs,
}

/// Takes in what the engineer says. One that may have arrived is looked for first whatever they say: then
/// nothing is doubled.
pub fn decided(record: &mut Record, decision: Decision, now: &Stamp) -> Result<(), Undecided> {
    let state = record.entry.state;
    if !state.is_open() {
        return Err(Undecided::Over(state));
    }
    match decision {
        Decision::Drop => {
            let words = match (state, record.facts.requested) {
                (_, Some(_)) => "dropped; an earlier request may have arrived",
                (_, None) => "dropped",
            };
            settle(record, State::Cancelled, words);
            return Ok(());
        }
        Decision::Hurry if state == State::NeedsDecision => return Err(Undecided::Asks),
        Decision::Hurry => {}
        Decision::Retry => {
            if state == State::NeedsDecision {
                record.facts.consent = record.facts.consent.max_with(Consent::Late);
            }
        }
        Decision::Send => record.facts.consent = Consent::Send,
    }
    if state == State::NeedsDecision {
        record.entry.state = if record.facts.requested.is_some() {
            State::Sending
        } else {
            State::Pending
        };
        record.facts.missed = None;
        record.facts.unasked = None;
        record.entry.outcome = Arc::default();
    }
    record.facts.checked = None;
    record.facts.troubles = 0;
    // The moment a request may still be under way is not ours to shorten; a backoff or a grace time is.
    if record.entry.state == State::Pending || state == State::NeedsDecision {
        record.facts.not_before = Some(*now);
        record.entry.next_attempt_at = Some(now.utc);
    }
    Ok(())
}

impl Consent {
    /// The stronger of the two.
    fn max_with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Send, _) | (_, Self::Send) => Self::Send,
            (Self::Late, _) | (_, Self::Late) => Self::Late,
            (Self::None, Self::None) => Self::None,
        }
    }
}

#[cfg(test)]
mod tests;
