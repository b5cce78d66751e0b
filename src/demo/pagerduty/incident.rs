//! One incident and what can become of it: every change writes its log entries, as the service does.
//!
//! No server and no account here: [`Incident`] is told what happens and when. Timers are due times that the
//! account looks after.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value as Json, json};

use super::catalogue::{Policy, Priority, Service, Team, User, team};
use super::record::{Agent, Alert, Cause, Channel, Entry, Note, Responder, Status, Urgency, Via, id};

/// An acknowledgement ends after this, where the service sets no other time.
pub const ACK_TIMEOUT: TimeDelta = TimeDelta::minutes(30);

/// What one is made of.
pub struct Opening {
    /// Account-wide number.
    pub number: u64,
    /// Seeds ids.
    pub seed: u64,
    /// Title.
    pub title: String,
    /// For which service.
    pub service: &'static Service,
    /// By which policy; the service's own where none.
    pub policy: Option<&'static Policy>,
    /// How loud.
    pub urgency: Urgency,
    /// When.
    pub at: DateTime<Utc>,
    /// By whom.
    pub agent: Agent,
    /// The key its maker gave it.
    pub key: Option<String>,
    /// What its maker wrote into its body.
    pub details: Option<String>,
}

/// An incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// Id.
    pub id: String,
    /// Account-wide number.
    pub number: u64,
    seed: u64,
    /// Title.
    pub title: String,
    /// For which service.
    pub service: &'static Service,
    /// Its policy.
    pub policy: &'static Policy,
    /// How loud.
    pub urgency: Urgency,
    /// Where it stands.
    pub status: Status,
    /// The level that is being paged, from 1. The API never tells it.
    pub level: usize,
    /// How often the policy may start again.
    pub loops_left: u32,
    /// Who has it or is paged, since when.
    pub assignees: Vec<(&'static User, DateTime<Utc>)>,
    /// How it came to them.
    pub via: Via,
    /// Who acknowledged.
    pub acks: Vec<(&'static User, DateTime<Utc>)>,
    /// Begin.
    pub created: DateTime<Utc>,
    /// Last change of anything.
    pub updated: DateTime<Utc>,
    /// End.
    pub resolved: Option<DateTime<Utc>>,
    /// Last change of status.
    pub changed: DateTime<Utc>,
    /// By whom.
    pub changed_by: Agent,
    /// When the next level is paged.
    pub escalate_at: Option<DateTime<Utc>>,
    /// When the acknowledgement or snooze ends.
    pub unack_at: Option<DateTime<Utc>>,
    /// Priority.
    pub priority: Option<&'static Priority>,
    /// Alerts, oldest first.
    pub alerts: Vec<Alert>,
    /// Notes, oldest first.
    pub notes: Vec<Note>,
    /// Log, oldest first.
    pub log: Vec<Entry>,
    /// The key its maker gave it.
    pub key: Option<String>,
    /// Who was asked to help.
    pub responders: Vec<Responder>,
    /// Number and URL of the bridge.
    pub bridge: Option<Json>,
    /// What its maker wrote into its body.
    pub details: Option<String>,
    made: u64,
}

fn names(users: &[&'static User]) -> String {
    users.iter().map(|user| user.name).collect::<Vec<_>>().join(", ")
}

/// Who is on call on a level at a moment; the account knows.
pub type OnCall<'a> = &'a dyn Fn(&'static Policy, usize, DateTime<Utc>) -> Vec<&'static User>;

impl Incident {
    /// Opens one and pages its first level.
    pub fn open(opening: Opening, on_call: OnCall<'_>) -> Self {
        let Opening {
            number,
            seed,
            title,
            service,
            policy,
            urgency,
            at,
            agent,
            key,
            details,
        } = opening;
        let policy = policy.unwrap_or_else(|| service.policy());
        let mut incident = Self {
            id: id('Q', seed, &format!("incident {number}"), 14),
            number,
            seed,
            title,
            service,
            policy,
            urgency,
            status: Status::Triggered,
            level: 1,
            loops_left: policy.loops,
            assignees: Vec::new(),
            via: Via::Policy,
            acks: Vec::new(),
            created: at,
            updated: at,
            resolved: None,
            changed: at,
            changed_by: agent,
            escalate_at: None,
            unack_at: None,
            priority: None,
            alerts: Vec::new(),
            notes: Vec::new(),
            log: Vec::new(),
            key,
            responders: Vec::new(),
            bridge: None,
            details,
            made: 0,
        };
        let summary = match agent {
            Agent::User(user) => format!("Triggered by {} through the API.", user.name),
            Agent::Service(service) => format!("Triggered through the monitoring of {}.", service.name),
        };
        incident.write("trigger", Cause::new(at, agent, "api"), summary);
        incident.page("assign", Cause::new(at, agent, "auto"), on_call);
        incident
    }

    fn next_id(&mut self, letter: char, what: &str, length: usize) -> String {
        self.made += 1;
        id(
            letter,
            self.seed,
            &format!("{} {what} {}", self.id, self.made),
            length,
        )
    }

    fn write(&mut self, kind: &'static str, cause: Cause, summary: String) {
        let id = self.next_id('R', "log", 26);
        self.updated = cause.at;
        self.log.push(Entry {
            id,
            kind,
            at: cause.at,
            agent: cause.by,
            channel: cause.channel,
            summary,
            assignees: Vec::new(),
            fields: json!({}),
        });
    }

    fn last(&mut self, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.log.last_mut() {
            change(entry);
        }
    }

    fn stand(&mut self, status: Status, at: DateTime<Utc>, by: Agent) {
        self.status = status;
        self.changed = at;
        self.changed_by = by;
    }

    /// Whether it is over.
    pub fn is_resolved(&self) -> bool {
        self.status == Status::Resolved
    }

    /// Its team.
    pub fn team(&self) -> Option<&'static Team> {
        team(self.service.team)
    }

    /// Assigns and notifies the level's people; the clock to the next level starts.
    fn page(&mut self, kind: &'static str, cause: Cause, on_call: OnCall<'_>) {
        let at = cause.at;
        let users = on_call(self.policy, self.level, at);
        let verb = if kind == "escalate" {
            "Escalated"
        } else {
            "Assigned"
        };
        self.assign(kind, &users, cause, verb);
        self.via = Via::Policy;
        let delay = self.policy.levels.get(self.level - 1).map(|level| level.delay);
        self.escalate_at = match self.urgency {
            Urgency::High => delay.map(|delay| at + TimeDelta::minutes(delay)),
            Urgency::Low => None,
        };
    }

    /// When the next level is paged, where there is one; after the last the log says that nobody is left.
    pub fn next_page(&self) -> Option<DateTime<Utc>> {
        let goes_on = self.level < self.policy.levels.len() || self.loops_left > 0;
        self.escalate_at.filter(|_| goes_on)
    }

    fn assign(&mut self, kind: &'static str, users: &[&'static User], cause: Cause, verb: &str) {
        let at = cause.at;
        let summary = match cause.by {
            Agent::User(user) => format!("{verb} to {} by {}.", names(users), user.name),
            Agent::Service(_) => format!("{verb} to {}.", names(users)),
        };
        self.write(kind, cause, summary);
        self.last(|entry| entry.assignees = users.to_vec());
        self.assignees = users.iter().map(|user| (*user, at)).collect();
        let service = Agent::Service(self.service);
        for user in users {
            let way = match self.urgency {
                Urgency::High => "push_notification",
                Urgency::Low => "email",
            };
            let summary = format!("Notified {} by {}.", user.name, way.replace('_', " "));
            let channel = Channel {
                kind: "auto",
                fields: json!({"notification": {"type": way, "address": user.email, "status": "success"}}),
            };
            self.write(
                "notify",
                Cause {
                    at,
                    by: service,
                    channel,
                },
                summary,
            );
            self.last(|entry| entry.fields = json!({"user": super::wire::user_ref(user)}));
        }
    }

    /// Takes it: escalation stops.
    pub fn acknowledge(&mut self, user: &'static User, at: DateTime<Utc>, channel: &'static str) {
        let by = Agent::User(user);
        self.acks.retain(|(who, _)| *who != user);
        self.acks.push((user, at));
        if !self.assignees.iter().any(|(who, _)| *who == user) {
            self.assignees.push((user, at));
        }
        self.escalate_at = None;
        self.unack_at = Some(at + ACK_TIMEOUT);
        self.stand(Status::Acknowledged, at, by);
        let summary = format!("Acknowledged by {}.", user.name);
        self.write("acknowledge", Cause::new(at, by, channel), summary);
    }

    /// The acknowledgement, or the snooze, has run out: it pages again where it was.
    pub fn time_out_ack(&mut self, at: DateTime<Utc>, on_call: OnCall<'_>) {
        let by = Agent::Service(self.service);
        self.acks.clear();
        self.unack_at = None;
        self.stand(Status::Triggered, at, by);
        let summary = "Unacknowledged: the time of the acknowledgement ran out.".to_owned();
        self.write("unacknowledge", Cause::new(at, by, "timeout"), summary);
        match self.via {
            Via::Policy => self.page("assign", Cause::new(at, by, "auto"), on_call),
            Via::Direct => {
                let users: Vec<&'static User> = self.assignees.iter().map(|(user, _)| *user).collect();
                self.assign("assign", &users, Cause::new(at, by, "auto"), "Assigned");
            }
        }
    }

    fn unacknowledge_by_change(&mut self, at: DateTime<Utc>, by: Agent) {
        self.unack_at = None;
        if self.status == Status::Acknowledged {
            self.acks.clear();
            self.stand(Status::Triggered, at, by);
        }
    }

    /// Nobody acknowledged in time.
    pub fn time_out_level(&mut self, at: DateTime<Utc>, on_call: OnCall<'_>) {
        let by = Agent::Service(self.service);
        self.escalate_at = None;
        if self.level < self.policy.levels.len() {
            self.level += 1;
            self.page("escalate", Cause::new(at, by, "timeout"), on_call);
        } else if self.loops_left > 0 {
            self.loops_left -= 1;
            self.level = 1;
            let summary = "The escalation path starts again.".to_owned();
            self.write("repeat_escalation_path", Cause::new(at, by, "timeout"), summary);
            self.page("escalate", Cause::new(at, by, "timeout"), on_call);
        } else {
            let summary = "The escalation path is exhausted: nobody else is paged.".to_owned();
            self.write("exhaust_escalation_path", Cause::new(at, by, "timeout"), summary);
        }
    }

    /// Pages a level, from 1; an acknowledgement ends.
    pub fn escalate(&mut self, level: usize, user: &'static User, at: DateTime<Utc>, on_call: OnCall<'_>) {
        let by = Agent::User(user);
        self.unacknowledge_by_change(at, by);
        self.level = level;
        self.page("escalate", Cause::new(at, by, "api"), on_call);
    }

    /// Gives it to people by hand: nothing escalates any more.
    pub fn reassign(&mut self, users: &[&'static User], user: &'static User, at: DateTime<Utc>) {
        let by = Agent::User(user);
        self.unacknowledge_by_change(at, by);
        self.via = Via::Direct;
        self.escalate_at = None;
        self.assign("assign", users, Cause::new(at, by, "api"), "Reassigned");
    }

    /// Gives it to a policy: it starts at its first level.
    pub fn start_policy(
        &mut self,
        policy: &'static Policy,
        user: &'static User,
        at: DateTime<Utc>,
        on_call: OnCall<'_>,
    ) {
        let by = Agent::User(user);
        self.unacknowledge_by_change(at, by);
        self.policy = policy;
        self.loops_left = policy.loops;
        self.level = 1;
        self.page("assign", Cause::new(at, by, "api"), on_call);
    }

    /// Ends it, its alerts with it.
    pub fn resolve(&mut self, by: Agent, at: DateTime<Utc>, words: Option<&str>) {
        self.stand(Status::Resolved, at, by);
        self.resolved = Some(at);
        self.assignees.clear();
        self.acks.clear();
        self.escalate_at = None;
        self.unack_at = None;
        for alert in &mut self.alerts {
            alert.resolved.get_or_insert(at);
        }
        let summary = match by {
            Agent::User(user) => format!("Resolved by {}.", user.name),
            Agent::Service(_) => "Resolved through the monitoring: every alert is over.".to_owned(),
        };
        let channel = match (by, words) {
            (_, Some(words)) => Channel {
                kind: "api",
                fields: json!({"details": {"resolution": words}}),
            },
            (Agent::User(_), None) => Channel::plain("api"),
            (Agent::Service(_), None) => Channel::plain("auto"),
        };
        self.write("resolve", Cause { at, by, channel }, summary);
    }

    /// Puts it aside until then.
    pub fn snooze(&mut self, user: &'static User, at: DateTime<Utc>, until: DateTime<Utc>) {
        let by = Agent::User(user);
        self.unack_at = Some(until);
        self.escalate_at = None;
        let summary = format!("Snoozed by {}.", user.name);
        self.write("snooze", Cause::new(at, by, "api"), summary);
        let changed = json!([{"type": "unacknowledge", "at": super::wire::stamp(until)}]);
        self.last(|entry| entry.fields = json!({"changed_actions": changed}));
    }

    /// Writes a note; it.
    pub fn note(&mut self, user: &'static User, at: DateTime<Utc>, content: &str) -> Note {
        let note = Note {
            id: self.next_id('P', "note", 14),
            user,
            content: content.to_owned(),
            at,
            updated: at,
        };
        self.notes.push(note.clone());
        let channel = Channel {
            kind: "note",
            fields: json!({"summary": content, "content": content}),
        };
        let summary = format!("Note added by {}.", user.name);
        self.write(
            "annotate",
            Cause {
                at,
                by: Agent::User(user),
                channel,
            },
            summary,
        );
        note
    }

    /// Tells those who follow it; the update's id.
    pub fn status_update(&mut self, user: &'static User, at: DateTime<Utc>, message: &str) -> String {
        let id = self.next_id('P', "status update", 14);
        let channel = Channel {
            kind: "api",
            fields: json!({"message": message}),
        };
        let summary = format!("Status update sent by {}.", user.name);
        self.write(
            "status_update",
            Cause {
                at,
                by: Agent::User(user),
                channel,
            },
            summary,
        );
        self.last(|entry| entry.fields = json!({"message": message}));
        id
    }

    /// Asks people to help.
    pub fn ask_for_help(
        &mut self,
        users: &[&'static User],
        requester: &'static User,
        at: DateTime<Utc>,
        message: &str,
    ) {
        for user in users {
            self.responders.retain(|responder| responder.user != *user);
            self.responders.push(Responder {
                user,
                requester,
                message: message.to_owned(),
                at,
                state: "pending",
            });
            let channel = Channel {
                kind: "api",
                fields: json!({"message": message}),
            };
            let summary = format!("{} asked {} to help: {message}", requester.name, user.name);
            self.write(
                "responder_request",
                Cause {
                    at,
                    by: Agent::User(requester),
                    channel,
                },
                summary,
            );
        }
    }

    /// Sets or takes off its priority.
    pub fn set_priority(
        &mut self,
        priority: Option<&'static Priority>,
        user: &'static User,
        at: DateTime<Utc>,
    ) {
        let named = |priority: Option<&'static Priority>| priority.map_or("none", |p| p.name);
        let summary = format!(
            "Priority changed from \"{}\" to \"{}\" by {}.",
            named(self.priority),
            named(priority),
            user.name
        );
        let shown = |priority: Option<&'static Priority>| priority.map(super::wire::priority);
        let channel = Channel {
            kind: "api",
            fields: json!({"old_priority": shown(self.priority), "new_priority": shown(priority)}),
        };
        self.priority = priority;
        self.write(
            "priority_change",
            Cause {
                at,
                by: Agent::User(user),
                channel,
            },
            summary,
        );
    }

    /// Makes it louder or quieter.
    pub fn set_urgency(&mut self, urgency: Urgency, user: &'static User, at: DateTime<Utc>) {
        self.urgency = urgency;
        if urgency == Urgency::Low {
            self.escalate_at = None;
        }
        let summary = format!("Urgency changed to {} by {}.", urgency.word(), user.name);
        let by = Agent::User(user);
        self.write("urgency_change", Cause::new(at, by, "api"), summary);
    }

    /// Changes a plain field, and says so in the log.
    pub fn set_title(&mut self, title: &str, user: &'static User, at: DateTime<Utc>) {
        title.clone_into(&mut self.title);
        let summary = format!("Title changed by {}.", user.name);
        let by = Agent::User(user);
        self.write("field_value_change", Cause::new(at, by, "api"), summary);
    }

    /// Takes another's alerts in; the other is resolved by its own account of it.
    pub fn take_in(&mut self, number: u64, alerts: Vec<Alert>, user: &'static User, at: DateTime<Utc>) {
        self.alerts.extend(alerts);
        let summary = format!("Incident #{number} was merged into this one by {}.", user.name);
        self.write("merge", Cause::new(at, Agent::User(user), "api"), summary);
    }

    /// Was merged away.
    pub fn merged_into(&mut self, target: &Json, user: &'static User, at: DateTime<Utc>) -> Vec<Alert> {
        let alerts = std::mem::take(&mut self.alerts);
        self.resolve(Agent::User(user), at, None);
        let target = target.clone();
        self.last(|entry| {
            entry.channel = Channel {
                kind: "merge",
                fields: json!({"target": target}),
            };
        });
        alerts
    }

    /// Adds an alert of its monitoring.
    pub fn alert(&mut self, firing: &Arc<super::watch::Firing>, at: DateTime<Utc>) {
        let id = self.next_id('Q', "alert", 14);
        self.updated = at;
        self.alerts.push(Alert {
            id,
            key: firing.key.clone(),
            summary: firing.summary.clone(),
            severity: firing.severity.clone(),
            created: at,
            resolved: None,
            details: firing.details.clone(),
        });
    }
}
