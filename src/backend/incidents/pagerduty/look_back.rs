//! What became of an act whose answer was lost, or that waited long: told from what PagerDuty shows now.
//!
//! Done only where it surely is; absent only where it surely is not and nobody else touched the incident
//! meanwhile; everything between is said in words, and the engineer decides.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::PagerDuty;
use super::act::names;
use super::errors::Refusal;
use super::wire::{IncidentWire, LogEntry};
use crate::backend::http::Call;
use crate::backend::incidents::{IncidentOrder, LookBack, Receipt, Seen};
use crate::domain::alert::ack::Marker;
use crate::domain::incident::{IncidentAct, IncidentId, LONGEST_SNOOZE, Person, Status};

/// How far PagerDuty's clock may be off ours where it does not tell: this long before the request, an entry of
/// ours may be this act's or the one before it.
pub(super) const DOUBT: TimeDelta = TimeDelta::seconds(30);
/// Its times, and what it tells of its clock, are whole seconds: this long before the request is not before it.
pub(super) const ROUNDING: TimeDelta = TimeDelta::seconds(2);
/// Pages of the log at most.
const LOG: usize = 5;
/// A snooze ends this near to what was asked.
const NEAR: TimeDelta = TimeDelta::seconds(120);

/// The time of the request by PagerDuty's clock.
#[derive(Debug, Clone, Copy)]
struct Asked {
    at: DateTime<Utc>,
    /// How far off that may be.
    doubt: TimeDelta,
}

impl Asked {
    /// Surely not before the request.
    fn precedes(self, at: DateTime<Utc>) -> bool {
        at >= self.at - ROUNDING
    }

    /// Surely before the request.
    fn follows(self, at: DateTime<Utc>) -> bool {
        at < self.at - self.doubt
    }
}

/// Whether a request for the act has gone out that may have arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    Maybe,
    No,
}

/// What a log shows of an act of ours.
enum Trace {
    /// It is there.
    Ours(Arc<str>),
    /// There is one of ours that may be this or an earlier one.
    Maybe(DateTime<Utc>),
    /// Not there.
    Missing,
}

impl PagerDuty {
    pub(super) async fn find(
        &self,
        order: &IncidentOrder,
        (since, sent): (DateTime<Utc>, Sent),
        seen: &Seen,
    ) -> Result<LookBack, Refusal> {
        // Whose a trace is is known only with who we are.
        let me = self.me().await?;
        let Some(wire) = self.fetch(&order.incident).await? else {
            return Ok(LookBack::Vanished);
        };
        let asked = match self.asker.skew() {
            Some(skew) => Asked {
                at: since + skew,
                doubt: ROUNDING,
            },
            None => Asked {
                at: since,
                doubt: DOUBT,
            },
        };
        let case = Case {
            me: &me.acting.person,
            wire: &wire,
            seen,
            asked,
            sent,
        };
        Ok(match &order.act {
            IncidentAct::Acknowledge => self.done_or(case.acknowledged(), &wire),
            IncidentAct::Resolve { .. } => self.done_or(case.resolved(), &wire),
            IncidentAct::Escalate { to } => {
                let woken = self.people_of(&wire, *to).await;
                self.find_in_log(order, &case, (&["escalate"], &woken)).await?
            }
            IncidentAct::ReassignPolicy { .. } => {
                self.find_in_log(order, &case, (&["delegate", "assign"], &[]))
                    .await?
            }
            IncidentAct::ReassignTo { people } => self.done_or(case.reassigned(people), &wire),
            IncidentAct::Page { people, .. } => self.done_or(case.paged(people), &wire),
            IncidentAct::Snooze { length } => {
                let length = (*length).min(LONGEST_SNOOZE);
                let ends = since + length;
                let snoozed = wire.incident(&self.name).is_some_and(|incident| {
                    incident.due.iter().any(|due| {
                        due.what == crate::domain::incident::DueWhat::Unacknowledge
                            && (due.at - ends).abs() <= NEAR
                    })
                });
                if snoozed {
                    self.done_or(Found::Done, &wire)
                } else {
                    self.find_in_log(order, &case, (&["snooze"], &[])).await?
                }
            }
            IncidentAct::Merge { from } => match self.all_merged(from, &order.incident).await {
                Some(true) => self.done_or(Found::Done, &wire),
                Some(false) => LookBack::Unclear("some of them are merged, others are not".to_owned()),
                None => self.done_or(case.untouched(), &wire),
            },
            IncidentAct::Priority { priority } => {
                if wire.priority.id.as_ref() == Some(&priority.id) {
                    self.done_or(Found::Done, &wire)
                } else {
                    self.done_or(case.untouched(), &wire)
                }
            }
            IncidentAct::Note { .. } => self.find_note(&order.incident, &order.marker).await?,
            IncidentAct::StatusUpdate { .. } => self.find_update(order, &case).await?,
            IncidentAct::Advance { .. } | IncidentAct::Assign { .. } => {
                LookBack::Unclear("PagerDuty knows no such state".to_owned())
            }
        })
    }

    fn done_or(&self, found: Found, wire: &IncidentWire) -> LookBack {
        match found {
            Found::Done => LookBack::Done(Receipt {
                remote_id: wire.id.clone(),
                incident: self.told(wire, None),
                remark: None,
            }),
            Found::Absent => LookBack::Absent,
            Found::Changed(words) => LookBack::Changed(words),
            Found::Unclear(words) => LookBack::Unclear(words),
        }
    }

    /// The log from a little before the request on.
    async fn log_since(
        &self,
        id: &IncidentId,
        asked: Asked,
    ) -> Result<(Vec<LogEntry>, Option<String>), Refusal> {
        let since = super::utc(asked.at - asked.doubt - DOUBT);
        self.read_log(id, &[("since", since)], LOG).await
    }

    /// Ids of who is on call on a level of its policy now; nobody where that cannot be had.
    async fn people_of(&self, wire: &IncidentWire, level: u32) -> Vec<Arc<str>> {
        let Some(policy) = wire.escalation_policy.id.as_ref() else {
            return Vec::new();
        };
        let duties = self.duties_now(std::slice::from_ref(policy)).await;
        duties
            .unwrap_or_default()
            .iter()
            .filter(|duty| duty.escalation_level == Some(u64::from(level)))
            .filter_map(|duty| duty.user.id.clone())
            .collect()
    }

    async fn find_in_log(
        &self,
        order: &IncidentOrder,
        case: &Case<'_>,
        (steps, woken): (&[&str], &[Arc<str>]),
    ) -> Result<LookBack, Refusal> {
        let (entries, cut) = self.log_since(&order.incident, case.asked).await?;
        let found = case.trace(&entries, steps, woken);
        Ok(match found {
            Trace::Ours(id) => LookBack::Done(Receipt {
                remote_id: Some(id),
                incident: self.told(case.wire, None),
                remark: None,
            }),
            Trace::Maybe(at) => LookBack::Unclear(format!(
                "the log has one of {} by you, and it may be this one or another",
                at.format("%H:%M:%S UTC")
            )),
            Trace::Missing if cut.is_some() => {
                LookBack::Unclear("its log is too long to be looked through".to_owned())
            }
            Trace::Missing => match case.others(&entries, steps) {
                Some(words) => LookBack::Changed(words),
                None => self.done_or(case.untouched(), case.wire),
            },
        })
    }

    async fn find_note(&self, id: &IncidentId, marker: &Marker) -> Result<LookBack, Refusal> {
        let notes = match self.read_notes(id).await {
            Ok(notes) => notes,
            Err(refusal) if refusal.is_gone() => return Ok(LookBack::Vanished),
            Err(refusal) => return Err(refusal),
        };
        let mark = marker.to_string();
        let ours = notes
            .into_iter()
            .find(|note| note.content.as_deref().is_some_and(|text| text.contains(&mark)));
        Ok(match ours {
            Some(note) => LookBack::Done(Receipt {
                remote_id: note.id,
                ..Receipt::default()
            }),
            None => LookBack::Absent,
        })
    }

    /// Status updates cannot be listed: only a log that happens to hold its words tells of one.
    async fn find_update(&self, order: &IncidentOrder, case: &Case<'_>) -> Result<LookBack, Refusal> {
        let since = super::utc(case.asked.at - case.asked.doubt - DOUBT);
        let path = self.path(&order.incident, "log_entries")?;
        let pages = self
            .pages(
                Call::get(path).by_user().param("since", since),
                "log_entries",
                LOG,
            )
            .await?;
        let mark = order.marker.to_string();
        let ours = pages
            .elements
            .iter()
            .find(|entry| entry.to_string().contains(&mark));
        Ok(match ours {
            Some(entry) => LookBack::Done(Receipt {
                remote_id: entry.get("id").and_then(super::wire::text_of),
                ..Receipt::default()
            }),
            None => LookBack::Unclear(
                "PagerDuty does not list status updates: ask somebody who follows it".to_owned(),
            ),
        })
    }
}

/// What a look found, before it is handed up.
enum Found {
    Done,
    Absent,
    Changed(String),
    Unclear(String),
}

/// One act looked for.
struct Case<'a> {
    me: &'a Person,
    wire: &'a IncidentWire,
    seen: &'a Seen,
    asked: Asked,
    sent: Sent,
}

impl Case<'_> {
    fn status_changed_by_others(&self) -> Option<String> {
        let by = &self.wire.last_status_change_by;
        let since = self
            .wire
            .last_status_change_at
            .is_some_and(|at| at > self.seen.changed_at);
        let status = self.wire.known_status()?;
        if !since || status == self.seen.status || by.id.as_ref() == Some(&self.me.id) {
            return None;
        }
        Some(format!(
            "{} meanwhile by {}",
            status.word(),
            by.label().unwrap_or_else(|| "somebody".into())
        ))
    }

    /// Whether all stands as when the act was asked for; what we did ourselves since is no change.
    fn untouched(&self) -> Found {
        if let Some(words) = self.status_changed_by_others() {
            return Found::Changed(words);
        }
        if self.wire.known_status() == Some(Status::Resolved) && self.seen.status != Status::Resolved {
            return Found::Changed("resolved meanwhile".to_owned());
        }
        let to_others = self.wire.assignments.iter().any(|each| {
            each.at.is_some_and(|at| at > self.seen.changed_at)
                && each.assignee.id.as_ref() != Some(&self.me.id)
        });
        if to_others {
            let who = names(
                self.wire
                    .assignments
                    .iter()
                    .filter_map(|each| each.assignee.label()),
            );
            return Found::Changed(format!("went to {who} meanwhile"));
        }
        Found::Absent
    }

    fn acknowledged(&self) -> Found {
        match self.wire.known_status() {
            Some(Status::Acknowledged) => {
                let acks = &self.wire.acknowledgements;
                if acks
                    .iter()
                    .any(|ack| ack.assignee.id.as_ref() == Some(&self.me.id))
                {
                    return Found::Done;
                }
                let who = names(acks.iter().filter_map(|ack| ack.assignee.label()));
                let as_seen = self.seen.status == Status::Acknowledged
                    && self.wire.changed_at() <= Some(self.seen.changed_at);
                match (as_seen, self.sent) {
                    (true, Sent::No) => Found::Absent,
                    // It is repeated only while nobody has it.
                    (true, Sent::Maybe) => {
                        Found::Unclear(format!("{who} has it as before, and yours does not show"))
                    }
                    (false, Sent::No | Sent::Maybe) => {
                        Found::Changed(format!("acknowledged by {who} meanwhile"))
                    }
                }
            }
            Some(Status::Resolved) => {
                let who = self.wire.last_status_change_by.label();
                let who = who.unwrap_or_else(|| "somebody".into());
                Found::Changed(format!("resolved by {who} meanwhile"))
            }
            Some(Status::Triggered) => match (self.untouched(), self.retriggered()) {
                (Found::Absent, Some(words)) => Found::Unclear(words),
                (found, _) => found,
            },
            Some(Status::Investigating | Status::Identified | Status::Monitoring) | None => self.untouched(),
        }
    }

    /// Whether it may have been acknowledged by the request and have lost that since: it is triggered, but not
    /// still.
    fn retriggered(&self) -> Option<String> {
        let at = self.wire.last_status_change_at?;
        let since_the_request = at > self.seen.changed_at && !self.asked.follows(at);
        (self.sent == Sent::Maybe && since_the_request).then(|| {
            format!(
                "triggered again at {} UTC: yours may have been there and have lapsed",
                at.format("%H:%M:%S")
            )
        })
    }

    fn resolved(&self) -> Found {
        if self.wire.known_status() != Some(Status::Resolved) {
            return self.untouched();
        }
        if let Some(into) = self.wire.merged_into() {
            return Found::Changed(format!("merged into {into} meanwhile"));
        }
        let by = &self.wire.last_status_change_by;
        if by.id.as_ref() == Some(&self.me.id) {
            Found::Done
        } else {
            let who = by.label().unwrap_or_else(|| "somebody".into());
            Found::Changed(format!("resolved by {who} meanwhile"))
        }
    }

    fn reassigned(&self, people: &[Person]) -> Found {
        let has = |person: &Person| {
            self.wire
                .assignments
                .iter()
                .any(|each| each.assignee.id.as_ref() == Some(&person.id))
        };
        let exactly = self.wire.assignments.len() == people.len() && people.iter().all(has);
        if exactly && self.wire.via() == crate::domain::incident::AssignedVia::Direct {
            Found::Done
        } else {
            self.untouched()
        }
    }

    fn paged(&self, people: &[Person]) -> Found {
        let asked: Vec<bool> = people
            .iter()
            .filter_map(|person| {
                self.wire
                    .incidents_responders
                    .iter()
                    .find(|each| each.user.id.as_ref() == Some(&person.id))
            })
            .map(|each| each.requested_at.is_none_or(|at| self.asked.follows(at)))
            .collect();
        match asked.as_slice() {
            [] => self.untouched(),
            all if all.len() == people.len() && all.iter().all(|earlier| !earlier) => Found::Done,
            all if all.len() == people.len() => {
                Found::Unclear("they were asked to help, perhaps by an earlier request".to_owned())
            }
            _ => Found::Unclear("some of them were asked to help, others not".to_owned()),
        }
    }

    /// Looks for an entry of ours of these kinds since the request. One that woke others than it should have
    /// may be another act's.
    fn trace(&self, entries: &[LogEntry], steps: &[&str], woken: &[Arc<str>]) -> Trace {
        let mut maybe = None;
        for entry in entries.iter().filter(|entry| steps.contains(&entry.step())) {
            let Some(at) = entry.created_at else { continue };
            if self.asked.follows(at) {
                continue;
            }
            // Where the key is an account's, some entries name no user.
            let nobody = !entry.agent.is("user") && entry.channel.kind.as_deref() == Some("api");
            if entry.agent.id.as_ref() == Some(&self.me.id) {
                let woke = |id: &Arc<str>| entry.assignees.iter().any(|each| each.id.as_ref() == Some(id));
                let fits = woken.is_empty() || entry.assignees.is_empty() || woken.iter().any(woke);
                if self.asked.precedes(at) && fits {
                    return Trace::Ours(entry.id.clone().unwrap_or_default());
                }
                maybe = Some(at);
            } else if nobody {
                maybe = Some(at);
            }
        }
        maybe.map_or(Trace::Missing, Trace::Maybe)
    }

    /// What others, or PagerDuty itself, did of the same kind since the request.
    fn others(&self, entries: &[LogEntry], steps: &[&str]) -> Option<String> {
        let entry = entries.iter().find(|entry| {
            steps.contains(&entry.step())
                && entry.created_at.is_some_and(|at| !self.asked.follows(at))
                && entry.agent.id.as_ref() != Some(&self.me.id)
        })?;
        let done = match entry.step() {
            "escalate" => "escalated",
            "snooze" => "snoozed",
            _ => "reassigned",
        };
        Some(if entry.agent.is("user") {
            let who = entry.agent.label().unwrap_or_else(|| "somebody".into());
            format!("{done} by {who} meanwhile")
        } else {
            format!("{done} by itself meanwhile")
        })
    }
}
