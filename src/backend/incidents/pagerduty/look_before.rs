//! How an incident stands right before an escalation that was never sent goes out: one read of its log, and of
//! the incident and its policy where whoever asked saw neither.
//!
//! What came into the log since whoever asked saw the incident is compared by PagerDuty's own clock, so that
//! ours does not matter; only what they know from the outbox besides is put on it. An escalation, whoever made
//! it, is news to them, and so is what others did; what we did ourselves is not.

use chrono::{DateTime, TimeDelta, Utc};

use super::PagerDuty;
use super::act::names;
use super::errors::Refusal;
use super::look_back::{DOUBT, ROUNDING, Sent};
use super::read::entries;
use super::wire::{IncidentWire, LogEntry};
use crate::backend::http::Call;
use crate::backend::incidents::{IncidentOrder, LookBack, Unsent};
use crate::domain::incident::{IncidentAct, Ladder, Level, Person, Status};
use crate::outbox::Sight;

/// Pages of the log at most: more than a page since somebody looked is too much to be told in a line.
const LOG: usize = 1;

impl PagerDuty {
    pub(super) async fn find_before(
        &self,
        order: &IncidentOrder,
        unsent: &Unsent,
    ) -> Result<LookBack, Refusal> {
        let IncidentAct::Escalate { to } = order.act else {
            return self.find(order, (unsent.asked, Sent::No), &unsent.seen).await;
        };
        let me = self.me().await?;
        if unsent.sight == Sight::Unseen
            && let Some(found) = self.hinders(order, to).await?
        {
            return Ok(found);
        }
        let skew = self.asker.skew();
        let (off, doubt) = (
            skew.unwrap_or_else(TimeDelta::zero),
            skew.map_or(DOUBT, |_| ROUNDING),
        );
        // By PagerDuty's clock: what whoever asked can have heard of the incident ends there.
        let seen = match unsent.sight {
            Sight::Seen => unsent.seen.changed_at,
            Sight::Unseen => unsent.asked + off - doubt - ROUNDING,
        };
        let call = Call::get(self.path(&order.incident, "log_entries")?)
            .by_user()
            .param("since", super::utc(seen))
            .param("is_overview", "true");
        let (entries, cut) = match self.pages(call, "log_entries", LOG).await {
            Ok(pages) => (entries(pages.elements), pages.cut),
            Err(refusal) if refusal.is_gone() => return Ok(LookBack::Vanished),
            Err(refusal) => return Err(refusal),
        };
        let known = unsent.known.map(|at| at + off + doubt);
        let case = Case {
            me: &me.acting.person,
            seen: seen + ROUNDING,
            known,
        };
        // newest first: the last thing that happened is what is asked about
        Ok(match entries.iter().find_map(|entry| case.news(entry)) {
            Some(words) => LookBack::Changed(words),
            None if cut.is_some() => LookBack::Unclear(
                "so much happened meanwhile that its log was not read to the end".to_owned(),
            ),
            None => LookBack::Absent,
        })
    }

    /// Why an incident that was not seen may not be meant to be escalated so, as it stands; nothing where nobody has
    /// it and the level is above where it is.
    async fn hinders(&self, order: &IncidentOrder, to: u32) -> Result<Option<LookBack>, Refusal> {
        let Some(wire) = self.fetch(&order.incident).await? else {
            return Ok(Some(LookBack::Vanished));
        };
        let mut why = taken(&wire);
        if why.is_none() {
            why = misplaced(to, &self.read_ladder(&order.incident).await?);
        }
        Ok(why.map(LookBack::Changed))
    }
}

/// Why waking somebody is not what was meant of an incident that is not triggered any more.
fn taken(wire: &IncidentWire) -> Option<String> {
    match wire.known_status() {
        Some(Status::Triggered) => None,
        Some(Status::Resolved) => {
            let who = wire.last_status_change_by.label();
            Some(format!(
                "resolved by {}",
                who.unwrap_or_else(|| "somebody".into())
            ))
        }
        Some(Status::Acknowledged | Status::Investigating | Status::Identified | Status::Monitoring) => {
            let who = names(
                wire.acknowledgements
                    .iter()
                    .filter_map(|ack| ack.assignee.label()),
            );
            Some(format!("acknowledged by {who}: waking a level takes that away"))
        }
        None => Some("how it stands cannot be read".to_owned()),
    }
}

/// Why a level is not simply the next to be woken.
fn misplaced(to: u32, ladder: &Ladder) -> Option<String> {
    let Some(rung) = ladder.rung(to) else {
        return Some(format!(
            "its policy has no level {to}; its last is {}",
            ladder.rungs.len()
        ));
    };
    if rung.people.is_empty() {
        return Some(format!("nobody is on call on level {to}"));
    }
    let woken = || names(rung.people.iter().map(|person| person.name.clone()));
    match &ladder.current {
        Level::Known(level) if *level >= to => {
            Some(format!("it is at level {level}: this pages {} again", woken()))
        }
        Level::OneOf(levels) if levels.iter().any(|level| *level >= to) => Some(format!(
            "it is at {}: this may page {} again",
            ladder.current.words(),
            woken()
        )),
        Level::Unknown => Some(format!(
            "which level it is at cannot be told: this may page {} again",
            woken()
        )),
        Level::Known(_) | Level::OneOf(_) => None,
    }
}

/// Who asks, and what they know.
struct Case<'a> {
    me: &'a Person,
    /// The incident was seen as it stood then, by PagerDuty's clock.
    seen: DateTime<Utc>,
    /// Escalations until then were in sight, by PagerDuty's clock.
    known: Option<DateTime<Utc>>,
}

impl Case<'_> {
    /// What an entry tells that whoever asked did not know, in words.
    fn news(&self, entry: &LogEntry) -> Option<String> {
        let at = entry.created_at.filter(|at| *at > self.seen)?;
        let ours = entry.agent.id.as_ref() == Some(&self.me.id);
        // Where the key is an account's, what we did ourselves may name no user.
        let nobody = !entry.agent.is("user") && entry.channel.kind.as_deref() == Some("api");
        let unknown = Some(at) > self.known;
        let (done, is_news) = match entry.step() {
            "escalate" | "repeat_escalation_path" => ("escalated", unknown),
            "resolve" => ("resolved", true),
            "acknowledge" => ("acknowledged", !ours && !nobody),
            "unacknowledge" => ("given up", !ours && !nobody && unknown),
            "assign" | "delegate" => ("reassigned", !ours && !nobody && unknown),
            _ => return None,
        };
        is_news.then(|| {
            let who = if ours {
                "you, from elsewhere".into()
            } else if entry.agent.is("user") {
                entry.agent.label().unwrap_or_else(|| "somebody".into())
            } else if nobody {
                "somebody".into()
            } else {
                "itself".into()
            };
            format!("{done} meanwhile by {who} at {} UTC", at.format("%H:%M:%S"))
        })
    }
}
