//! The account as time goes: what the monitoring tells opens and ends incidents, timers run out, colleagues act.
//!
//! Everything but what is asked for through the API follows from (seed, scenario, anchor, time);
//! [`Account::advance`] brings it up to a moment, in the order in which things happen, so that it does not
//! matter how often it is asked.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::demo::rules::Rules;
use crate::demo::world::story::{LOOP, MIN};
use crate::demo::world::{Epoch, Scenario};

use super::catalogue::{Policy, Service, User, user};
use super::incident::{Incident, Opening};
use super::record::{Agent, Status, Urgency};
use super::watch::{Firing, Signal, Watch};
use super::{history, incident};

/// The number of the first incident that is still known.
const FIRST_NUMBER: u64 = 4_688;

/// Something a colleague will do, if it still makes sense then.
#[derive(Debug, Clone, PartialEq)]
struct Plan {
    at: DateTime<Utc>,
    incident: String,
    user: &'static User,
    deed: Deed,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Deed {
    Acknowledge,
    Note(&'static str),
    Resolve,
}

/// Everything that is known, at a moment.
pub struct Account {
    epoch: Epoch,
    watch: Watch,
    told: VecDeque<(DateTime<Utc>, Signal)>,
    plans: Vec<Plan>,
    /// Oldest first.
    pub incidents: Vec<Incident>,
}

/// Who is on call on a level of a policy.
pub fn on_call(
    anchor: DateTime<Utc>,
) -> impl Fn(&'static Policy, usize, DateTime<Utc>) -> Vec<&'static User> {
    move |policy, level, at| {
        let rung = level.checked_sub(1).and_then(|index| policy.levels.get(index));
        rung.map(|rung| rung.on_call(anchor, at)).unwrap_or_default()
    }
}

/// What is due next.
enum Due {
    Told,
    Planned(usize),
    Ack(usize),
    Level(usize),
}

impl Account {
    /// The account of a world before anything of it has happened, its past written.
    pub fn new(rules: Arc<Rules>) -> Self {
        let epoch = *rules.epoch();
        let mut account = Self {
            epoch,
            watch: Watch::new(rules),
            told: VecDeque::new(),
            plans: Vec::new(),
            incidents: Vec::new(),
        };
        history::write(&mut account);
        account
    }

    /// The story's zero.
    pub fn anchor(&self) -> DateTime<Utc> {
        self.epoch.anchor
    }

    /// Its epoch.
    pub fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// Opens an incident; its place.
    pub fn open(
        &mut self,
        (service, policy): (&'static Service, Option<&'static Policy>),
        (title, urgency): (String, Urgency),
        (at, agent): (DateTime<Utc>, Agent),
        (key, details): (Option<String>, Option<String>),
    ) -> usize {
        let opening = Opening {
            number: FIRST_NUMBER + self.incidents.len() as u64,
            seed: self.epoch.seed,
            title,
            service,
            policy,
            urgency,
            at,
            agent,
            key,
            details,
        };
        let on_call = on_call(self.epoch.anchor);
        self.incidents.push(Incident::open(opening, &on_call));
        self.incidents.len() - 1
    }

    /// Lets everything happen up to `to`. Time that goes back brings nothing back.
    pub fn advance(&mut self, to: DateTime<Utc>) {
        self.told.extend(self.watch.until(to));
        while let Some((at, due)) = self.next_due(to) {
            let on_call = on_call(self.epoch.anchor);
            match due {
                Due::Told => {
                    if let Some((at, signal)) = self.told.pop_front() {
                        match signal {
                            Signal::Fires(firing) => self.fires(&firing, at),
                            Signal::Ends(key) => self.ends(&key, at),
                        }
                    }
                }
                Due::Planned(index) => {
                    let plan = self.plans.remove(index);
                    self.carry_out(&plan);
                }
                Due::Ack(index) => {
                    if let Some(incident) = self.incidents.get_mut(index) {
                        incident.time_out_ack(at, &on_call);
                    }
                }
                Due::Level(index) => {
                    if let Some(incident) = self.incidents.get_mut(index) {
                        incident.time_out_level(at, &on_call);
                    }
                }
            }
        }
    }

    /// The first thing to happen up to a moment; of those at once the monitoring's first.
    fn next_due(&self, to: DateTime<Utc>) -> Option<(DateTime<Utc>, Due)> {
        let told = self.told.front().map(|(at, _)| (*at, Due::Told));
        let plans = self
            .plans
            .iter()
            .enumerate()
            .map(|(index, plan)| (plan.at, Due::Planned(index)));
        let timers = self.incidents.iter().enumerate().flat_map(|(index, incident)| {
            let ack = incident.unack_at.map(|at| (at, Due::Ack(index)));
            let level = incident.escalate_at.map(|at| (at, Due::Level(index)));
            ack.into_iter().chain(level)
        });
        told.into_iter()
            .chain(plans)
            .chain(timers)
            .filter(|(at, _)| *at <= to)
            .min_by_key(|(at, _)| *at)
    }

    /// An alert joins the open incident of its service and urgency, or opens one.
    fn fires(&mut self, firing: &Arc<Firing>, at: DateTime<Utc>) {
        let open = self.incidents.iter().position(|incident| {
            !incident.is_resolved()
                && incident.service == firing.service
                && incident.urgency == firing.urgency
                && incident.alerts.iter().any(|alert| alert.resolved.is_none())
        });
        let index = open.unwrap_or_else(|| {
            let agent = Agent::Service(firing.service);
            let index = self.open(
                (firing.service, None),
                (firing.summary.clone(), firing.urgency),
                (at, agent),
                (None, None),
            );
            self.colleagues(index, at);
            index
        });
        if let Some(incident) = self.incidents.get_mut(index) {
            incident.alert(firing, at);
        }
    }

    /// With its last alert an incident ends.
    fn ends(&mut self, key: &str, at: DateTime<Utc>) {
        for incident in self.incidents.iter_mut().filter(|i| !i.is_resolved()) {
            let mut found = false;
            for alert in incident
                .alerts
                .iter_mut()
                .filter(|a| a.key == key && a.resolved.is_none())
            {
                alert.resolved = Some(at);
                found = true;
            }
            if found && incident.alerts.iter().all(|alert| alert.resolved.is_some()) {
                incident.resolve(Agent::Service(incident.service), at, None);
            }
        }
    }

    /// What colleagues will do about a new incident. Mara takes payment's, and checkout's before a round's turning
    /// point, which she believes mended too soon; the one after that is nobody's until somebody takes it.
    fn colleagues(&mut self, index: usize, at: DateTime<Utc>) {
        let Some(incident) = self.incidents.get(index) else {
            return;
        };
        // In a drill the trainee is alone.
        if let Scenario::Drill(_) = self.epoch.scenario {
            return;
        }
        let (Some(mara), Some(sam)) = (user("PMARA0B"), user("PSAM00C")) else {
            return;
        };
        let id = incident.id.clone();
        let mut plan = |at: DateTime<Utc>, user: &'static User, deed: Deed| {
            self.plans.push(Plan {
                at,
                incident: id.clone(),
                user,
                deed,
            });
        };
        // Seconds to the round's turning point.
        let into = ((at - self.epoch.anchor).as_seconds_f64() + LOOP / 2.0).rem_euclid(LOOP) - LOOP / 2.0;
        let round = at - TimeDelta::milliseconds((into * 1_000.0) as i64);
        match incident.service.name {
            "payment" => {
                plan(at + TimeDelta::seconds(75), mara, Deed::Acknowledge);
                plan(
                    at + TimeDelta::seconds(130),
                    mara,
                    Deed::Note("payment waits for checkout: its calls hang and hold our connections"),
                );
            }
            "checkout" if into < -10.0 * MIN && incident.urgency == Urgency::High => {
                plan(at + TimeDelta::minutes(2), mara, Deed::Acknowledge);
                if into > -20.0 * MIN {
                    let text = "looking at checkout, restarting its pods by hand";
                    plan(round - TimeDelta::seconds(780), mara, Deed::Note(text));
                    plan(round - TimeDelta::seconds(510), mara, Deed::Resolve);
                }
            }
            "shipping" if incident.urgency == Urgency::High => {
                plan(at + TimeDelta::minutes(3), sam, Deed::Acknowledge);
            }
            _ => {}
        }
    }

    fn carry_out(&mut self, plan: &Plan) {
        let Some(incident) = self.incidents.iter_mut().find(|i| i.id == plan.incident) else {
            return;
        };
        match (plan.deed, incident.status) {
            (Deed::Acknowledge, Status::Triggered) => incident.acknowledge(plan.user, plan.at, "mobile"),
            (Deed::Note(text), Status::Triggered | Status::Acknowledged) => {
                incident.note(plan.user, plan.at, text);
            }
            // Only whoever has it ends it.
            (Deed::Resolve, Status::Acknowledged)
                if incident.acks.iter().any(|(who, _)| *who == plan.user) =>
            {
                incident.resolve(Agent::User(plan.user), plan.at, None);
            }
            (Deed::Acknowledge, Status::Acknowledged | Status::Resolved)
            | (Deed::Note(_), Status::Resolved)
            | (Deed::Resolve, Status::Triggered | Status::Acknowledged | Status::Resolved) => {}
        }
    }

    /// An incident by id or number.
    pub fn find(&self, wanted: &str) -> Option<usize> {
        let number = wanted.parse::<u64>().ok();
        self.incidents
            .iter()
            .position(|i| i.id == wanted || Some(i.number) == number)
    }
}

/// Writes a past incident without its timers: it happened as it is told.
pub fn settle(incident: &mut incident::Incident) {
    incident.escalate_at = None;
    incident.unack_at = None;
}
