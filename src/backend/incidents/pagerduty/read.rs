//! Reading incidents, their alerts and their logs.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize as _;
use serde_json::Value;

use super::ask::Pages;
use super::errors::Refusal;
use super::level::{Evidence, infer};
use super::wire::{IncidentWire, LogEntry, Note};
use super::{PagerDuty, log, place, remember, utc, wire};
use crate::backend::http::Call;
use crate::backend::incidents::{IncidentAlert, LOG_CUT, Listing, Question, Whose};
use crate::domain::incident::{Incident, IncidentId, Level, Status};
use crate::domain::timeline::{Event, EventKind, Timeline};

/// Pages at most: of open incidents, of ended ones, of alerts, of a log's overview, of the rest of a log, of
/// everybody's log.
const OPEN: usize = 20;
const ENDED: usize = 5;
const ALERTS: usize = 10;
const OVERVIEW: usize = 10;
const REST: usize = 3;
const EVERYBODY: usize = 30;
/// A log is read this far back for a level.
const LEVEL: usize = 3;
/// `since` and `until` may lie six months apart at most.
const FARTHEST: TimeDelta = TimeDelta::days(180);
/// `since` looks at the begin of incidents: those that ended since may have begun this long before.
const LONGEST: TimeDelta = TimeDelta::days(30);

impl PagerDuty {
    pub(super) async fn read_list(&self, question: Question) -> Result<Listing, Refusal> {
        let mut said: Vec<String> = Vec::new();
        let whose = self.scope(question.whose, &mut said).await?;
        // Without `date_range=all` what is open for longer than a month is left out.
        let mut open = Call::get("incidents")
            .param("statuses[]", "triggered")
            .param("statuses[]", "acknowledged")
            .param("date_range", "all")
            .param("sort_by", "created_at:desc");
        open = match &whose {
            Scope::All => open,
            Scope::Teams(teams) => in_teams(open, teams),
            Scope::Me(me) => open.param("user_ids[]", &**me),
        };
        let pages = self.pages(open, "incidents", OPEN).await?;
        let mut wires = wires_of(pages, &mut said);
        wires.retain(|wire| wire.known_status() != Some(Status::Resolved));
        if let Some(since) = question.ended_since {
            let now = self.clock.now().utc;
            let since = since.max(now - FARTHEST);
            let from = (since - LONGEST).max(now - FARTHEST);
            let mut ended = Call::get("incidents")
                .param("statuses[]", "resolved")
                .param("since", utc(from))
                .param("until", utc(now + TimeDelta::minutes(5)))
                .param("sort_by", "resolved_at:desc");
            if let Scope::Teams(teams) = &whose {
                ended = in_teams(ended, teams);
            }
            // The last to end come first: the page that goes past the time asked for is the last.
            let pages = self
                .pages_while(ended, "incidents", ENDED, |found| {
                    found
                        .last()
                        .and_then(IncidentWire::read)
                        .and_then(|wire| wire.changed_at())
                        .is_none_or(|at| at >= since)
                })
                .await?;
            let mut ended = wires_of(pages, &mut said);
            ended.retain(|wire| {
                let since = wire.changed_at().is_some_and(|at| at >= since);
                // PagerDuty forgets who had an incident once it is over.
                let ours = match &whose {
                    Scope::Me(me) => wire.last_status_change_by.id.as_ref() == Some(me),
                    Scope::All | Scope::Teams(_) => true,
                };
                since && ours
            });
            // What ended between the two answers is in both.
            wires.retain(|wire| !ended.iter().any(|over| over.id == wire.id));
            wires.extend(ended);
        }
        // On call is a help for the levels: without it they are unknown, and that shows.
        self.learn_duties(&wires).await;
        let mut incidents: Vec<Incident> = wires.iter().filter_map(|wire| self.told(wire, None)).collect();
        incidents.sort_by(|a, b| {
            let over = |incident: &Incident| !incident.status.is_open();
            over(a)
                .cmp(&over(b))
                .then_with(|| b.created_at.cmp(&a.created_at))
                .then_with(|| a.id.cmp(&b.id))
        });
        Ok(Listing {
            incidents,
            partial: (!said.is_empty()).then(|| said.join("; ")),
        })
    }

    /// Whose incidents are asked for. Without a user, or in no team, those are everybody's, and it is said.
    async fn scope(&self, whose: Whose, said: &mut Vec<String>) -> Result<Scope, Refusal> {
        match whose {
            Whose::All => Ok(Scope::All),
            Whose::Mine => Ok(Scope::Me(self.me().await?.acting.person.id)),
            Whose::Team => match self.me().await {
                Ok(me) if me.teams.is_empty() => {
                    said.push("everybody's: you are in no team".to_owned());
                    Ok(Scope::All)
                }
                Ok(me) => Ok(Scope::Teams(me.teams)),
                Err(error) if error.is_passing() && error.status != Some(403) => Err(error.into()),
                Err(error) => {
                    said.push(format!(
                        "everybody's, as your teams are not known: {}",
                        error.cause()
                    ));
                    Ok(Scope::All)
                }
            },
        }
    }

    /// One incident as it was sent; `None` where there is none.
    pub(super) async fn fetch(&self, id: &IncidentId) -> Result<Option<IncidentWire>, Refusal> {
        let Some(path) = place(id, "") else {
            return Ok(None);
        };
        let tried = format!("GET /{path}");
        match self.ask(Call::get(path).by_user()).await {
            Ok(answer) => wire::wrapped::<Value>(&answer.body, "incident")
                .and_then(|value| IncidentWire::read(&value))
                .map(Some)
                .ok_or_else(|| self.unreadable(tried, "it is no incident", &answer).into()),
            Err(refusal) if refusal.is_gone() => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    pub(super) async fn read_incident(&self, id: &IncidentId) -> Result<Option<Incident>, Refusal> {
        let Some(wire) = self.fetch(id).await? else {
            return Ok(None);
        };
        self.learn_duties(std::slice::from_ref(&wire)).await;
        let first = self.told(&wire, None);
        let sure = first.as_ref().is_some_and(|incident| {
            !incident.status.is_open() || incident.level.known().is_some() || incident.assignees.is_empty()
        });
        if sure {
            return Ok(first);
        }
        let log = self.level_log(&wire).await;
        Ok(self.told(&wire, Some(&log)))
    }

    /// What a log says of the level; nothing where it cannot be had.
    pub(super) async fn level_log(&self, wire: &IncidentWire) -> Vec<LogEntry> {
        let Some(id) = wire.id.clone().map(IncidentId) else {
            return Vec::new();
        };
        match self
            .read_log(&id, &[("is_overview", "true".to_owned())], LEVEL)
            .await
        {
            Ok((entries, _)) => entries,
            Err(_) => Vec::new(),
        }
    }

    /// An incident as the console knows it, with what is remembered of it and what can be said of its level.
    pub(super) fn told(&self, wire: &IncidentWire, log: Option<&[LogEntry]>) -> Option<Incident> {
        let mut incident = wire.incident(&self.name)?;
        let policy = wire.escalation_policy.id.as_ref();
        let mut memory = self.memory();
        // As heard last: who was on call a moment ago tells more of a level than nobody.
        let duties: Vec<(u32, Arc<str>)> = policy
            .and_then(|policy| memory.on_call.get(policy))
            .into_iter()
            .flat_map(|(_, duties)| duties)
            .filter_map(|duty| Some((u32::try_from(duty.escalation_level?).ok()?, duty.user.id.clone()?)))
            .collect();
        let assignees: Vec<Arc<str>> = incident
            .assignees
            .iter()
            .map(|person| Arc::clone(&person.id))
            .collect();
        let level = infer(&Evidence {
            status: incident.status,
            via: incident.assigned_via,
            assignees: &assignees,
            duties: &duties,
            levels: policy
                .and_then(|policy| memory.policies.get(policy))
                .and_then(|(_, policy)| u32::try_from(policy.escalation_rules.len()).ok())
                .filter(|levels| *levels > 0),
            log: &log.map(log::steps).unwrap_or_default(),
        });
        let remembered = memory
            .levels
            .get(&incident.id)
            .filter(|(at, _)| *at == incident.changed_at)
            .map(|(_, level)| level.clone());
        incident.level = match (log, remembered) {
            (None, Some(level)) => level,
            (None, None) => level,
            (Some(_), _) => {
                let told = (incident.changed_at, level.clone());
                remember(&mut memory.levels, incident.id.clone(), told);
                level
            }
        };
        if let Some(keys) = memory.alert_keys.get(&incident.id) {
            for key in keys {
                if !incident.alert_keys.contains(key) {
                    incident.alert_keys.push(Arc::clone(key));
                }
            }
        }
        if wire.is_mergeable == Some(false) {
            if memory.unmergeable.len() >= super::REMEMBERED {
                memory.unmergeable.clear();
            }
            memory.unmergeable.insert(incident.id.clone());
        } else {
            memory.unmergeable.remove(&incident.id);
        }
        if !incident.status.is_open() {
            incident.level = Level::Unknown;
        }
        Some(incident)
    }

    pub(super) async fn read_alerts(&self, id: &IncidentId) -> Result<Vec<IncidentAlert>, Refusal> {
        let path = self.path(id, "alerts")?;
        let pages = self.pages(Call::get(path), "alerts", ALERTS).await?;
        let mut alerts: Vec<IncidentAlert> = pages.elements.into_iter().filter_map(wire::alert).collect();
        alerts.sort_by(|a, b| a.created_at.cmp(&b.created_at).then_with(|| a.id.cmp(&b.id)));
        let keys = alerts.iter().filter_map(|alert| alert.key.clone()).collect();
        remember(&mut self.memory().alert_keys, id.clone(), keys);
        Ok(alerts)
    }

    pub(super) fn path(&self, id: &IncidentId, below: &str) -> Result<String, Refusal> {
        place(id, below).ok_or_else(|| {
            self.not_sent(
                "GET /incidents",
                format!("there is no incident `{id}`"),
                "list them with: incidents",
            )
            .into()
        })
    }

    /// Log entries of one incident, newest first, and what is missing.
    pub(super) async fn read_log(
        &self,
        id: &IncidentId,
        params: &[(&str, String)],
        most: usize,
    ) -> Result<(Vec<LogEntry>, Option<String>), Refusal> {
        let mut call = Call::get(self.path(id, "log_entries")?);
        for (name, value) in params {
            call = call.param(*name, value.clone());
        }
        let pages = self.pages(call, "log_entries", most).await?;
        Ok((entries(pages.elements), pages.cut))
    }

    pub(super) async fn read_notes(&self, id: &IncidentId) -> Result<Vec<Note>, Refusal> {
        let path = self.path(id, "notes")?;
        let tried = format!("GET /{path}");
        let answer = self.ask(Call::get(path)).await?;
        let (elements, _) = wire::elements(&answer.body, "notes")
            .ok_or_else(|| self.unreadable(tried, "it has no list `notes`", &answer))?;
        Ok(elements
            .into_iter()
            .filter_map(|note| Note::deserialize(note).ok())
            .collect())
    }

    pub(super) async fn read_story(&self, id: &IncidentId) -> Result<Timeline, Refusal> {
        // What matters first, so that a storm of notifications cannot push it out.
        let overview = [("is_overview", "true".to_owned())];
        let (mut found, cut) = self.read_log(id, &overview, OVERVIEW).await?;
        let mut partial: Vec<String> = cut.map(|cut| format!("log: {cut}")).into_iter().collect();
        match self.read_log(id, &[], REST).await {
            Ok((rest, cut)) => {
                found.extend(rest);
                if cut.is_some() {
                    partial.push("older notifications are left out".to_owned());
                }
            }
            Err(refusal) => partial.push(format!("notifications: {}", refusal.error.cause())),
        }
        let notes = match self.read_notes(id).await {
            Ok(notes) => notes,
            Err(refusal) => {
                partial.push(format!("notes: {}", refusal.error.cause()));
                Vec::new()
            }
        };
        Ok(Timeline {
            events: log::story(&found, &notes),
            partial,
        })
    }

    pub(super) async fn read_story_since(
        &self,
        since: DateTime<Utc>,
    ) -> Result<Vec<(IncidentId, Event)>, Refusal> {
        let now = self.clock.now().utc;
        let call = Call::get("log_entries")
            .param("since", utc(since.max(now - FARTHEST)))
            .param("until", utc(now + TimeDelta::minutes(5)))
            .param("is_overview", "true");
        let pages = self.pages(call, "log_entries", EVERYBODY).await?;
        let mut told: Vec<(IncidentId, Event)> = entries(pages.elements)
            .iter()
            .filter_map(|entry| {
                let id = IncidentId(entry.incident.id.clone()?);
                Some((id, log::event(entry, None)?))
            })
            .collect();
        told.sort_by(|(_, a), (_, b)| a.at.cmp(&b.at).then_with(|| a.id.cmp(&b.id)));
        if let Some(cut) = pages.cut
            && let Some((id, oldest)) = told.first()
        {
            // A hand-over must not pass for whole where it is not.
            let mark = Event {
                id: LOG_CUT.into(),
                kind: EventKind::Other,
                actor: None,
                text: format!("PagerDuty's log before this is left out: {cut}").into(),
                refs: std::collections::BTreeMap::new(),
                ..oldest.clone()
            };
            told.insert(0, (id.clone(), mark));
        }
        Ok(told)
    }
}

/// Whose incidents are asked for, worked out.
enum Scope {
    All,
    Teams(Vec<Arc<str>>),
    Me(Arc<str>),
}

/// The incidents of an answer; what does not read is counted and said.
fn wires_of(pages: Pages, said: &mut Vec<String>) -> Vec<IncidentWire> {
    said.extend(pages.cut);
    let wires: Vec<IncidentWire> = pages.elements.iter().filter_map(IncidentWire::read).collect();
    let lost = pages.elements.len() - wires.len();
    if lost > 0 {
        said.push(format!("{lost} left out: they do not read"));
    }
    wires
}

fn in_teams(call: Call, teams: &[Arc<str>]) -> Call {
    teams
        .iter()
        .fold(call, |call, team| call.param("team_ids[]", &**team))
}

pub(super) fn entries(elements: Vec<Value>) -> Vec<LogEntry> {
    elements
        .into_iter()
        .filter_map(|entry| LogEntry::deserialize(entry).ok())
        .collect()
}
