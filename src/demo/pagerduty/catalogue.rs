//! The account as it is set up: people, teams, services, policies, schedules, priorities. Nothing happens here.
//!
//! Weekly rotations turn on Mondays at 09:00 UTC; whoever has a shift follows from the anchor's week, so that the
//! story's people are on call when it starts.

use chrono::{DateTime, Datelike, Days, NaiveTime, TimeDelta, Utc};

/// Somebody with a login.
#[derive(Debug, PartialEq, Eq)]
pub struct User {
    /// Id.
    pub id: &'static str,
    /// Name.
    pub name: &'static str,
    /// Login, and what `From` says.
    pub email: &'static str,
    /// Number, without the country's code.
    pub phone: &'static str,
    /// Their teams.
    pub teams: &'static [&'static str],
}

/// A team.
#[derive(Debug, PartialEq, Eq)]
pub struct Team {
    /// Id.
    pub id: &'static str,
    /// Name.
    pub name: &'static str,
}

/// A service that is paged for.
#[derive(Debug, PartialEq, Eq)]
pub struct Service {
    /// Id.
    pub id: &'static str,
    /// Name: the `service` label of its alerts.
    pub name: &'static str,
    /// Its escalation policy.
    pub policy: &'static str,
    /// Its team.
    pub team: &'static str,
}

/// Who a level pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Whoever is on call in a schedule, by id.
    Schedule(&'static str),
    /// Always the same person, by id.
    User(&'static str),
}

/// A level of a policy.
#[derive(Debug, PartialEq, Eq)]
pub struct Level {
    /// Id of the rule.
    pub id: &'static str,
    /// Minutes without an acknowledgement until the next level.
    pub delay: i64,
    /// Who is paged.
    pub targets: &'static [Target],
}

/// An escalation policy.
#[derive(Debug, PartialEq, Eq)]
pub struct Policy {
    /// Id.
    pub id: &'static str,
    /// Name.
    pub name: &'static str,
    /// Its team.
    pub team: &'static str,
    /// From the first level up.
    pub levels: &'static [Level],
    /// How often it starts again after the last level.
    pub loops: u32,
}

/// A schedule with a weekly rotation.
#[derive(Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Id.
    pub id: &'static str,
    /// Name.
    pub name: &'static str,
    /// Who has the anchor's week, the next, …; then again.
    pub rotation: &'static [&'static str],
}

/// A priority.
#[derive(Debug, PartialEq, Eq)]
pub struct Priority {
    /// Id.
    pub id: &'static str,
    /// Name.
    pub name: &'static str,
    /// In words.
    pub description: &'static str,
    /// Hex colour without `#`.
    pub color: &'static str,
    /// Higher is more urgent.
    pub order: u64,
}

/// Everybody.
pub const USERS: [User; 3] = [
    User {
        id: "PJUN0A1",
        name: "Jun",
        email: "jun@shop.example",
        phone: "5550101",
        teams: &["PTSHOP1", "PTPLAT1"],
    },
    User {
        id: "PMARA0B",
        name: "Mara",
        email: "mara@shop.example",
        phone: "5550102",
        teams: &["PTSHOP1"],
    },
    User {
        id: "PSAM00C",
        name: "Sam",
        email: "sam@shop.example",
        phone: "5550103",
        teams: &["PTPLAT1"],
    },
];

/// Every team.
pub const TEAMS: [Team; 2] = [
    Team {
        id: "PTSHOP1",
        name: "Shop",
    },
    Team {
        id: "PTPLAT1",
        name: "Platform",
    },
];

const fn service(id: &'static str, name: &'static str, policy: &'static str, team: &'static str) -> Service {
    Service {
        id,
        name,
        policy,
        team,
    }
}

/// Every service; the last takes what names no other.
pub const SERVICES: [Service; 8] = [
    service("PCHECK1", "checkout", "PESHOP1", "PTSHOP1"),
    service("PPAYMT2", "payment", "PEPAYM2", "PTSHOP1"),
    service("PSTORE3", "storefront", "PESHOP1", "PTSHOP1"),
    service("PCATAL4", "catalog", "PESHOP1", "PTSHOP1"),
    service("PINVEN5", "inventory", "PESHOP1", "PTSHOP1"),
    service("PSHIPP6", "shipping", "PEPLAT3", "PTPLAT1"),
    service("PLEGAC7", "legacy-basket", "PEPLAT3", "PTPLAT1"),
    service("PPLATF8", "platform", "PEPLAT3", "PTPLAT1"),
];

/// Every policy: three levels; one; and one on which somebody stands twice.
pub const POLICIES: [Policy; 3] = [
    Policy {
        id: "PESHOP1",
        name: "Shop",
        team: "PTSHOP1",
        levels: &[
            Level {
                id: "PRSHOP1",
                delay: 8,
                targets: &[Target::Schedule("PSSHOP1")],
            },
            Level {
                id: "PRSHOP2",
                delay: 10,
                targets: &[Target::Schedule("PSSHOP2")],
            },
            Level {
                id: "PRSHOP3",
                delay: 15,
                targets: &[Target::User("PSAM00C")],
            },
        ],
        loops: 1,
    },
    Policy {
        id: "PEPAYM2",
        name: "Payments",
        team: "PTSHOP1",
        levels: &[Level {
            id: "PRPAYM1",
            delay: 30,
            targets: &[Target::User("PMARA0B")],
        }],
        loops: 0,
    },
    Policy {
        id: "PEPLAT3",
        name: "Platform",
        team: "PTPLAT1",
        levels: &[
            Level {
                id: "PRPLAT1",
                delay: 15,
                targets: &[Target::Schedule("PSPLAT3")],
            },
            Level {
                id: "PRPLAT2",
                delay: 15,
                targets: &[Target::User("PJUN0A1")],
            },
            Level {
                id: "PRPLAT3",
                delay: 30,
                targets: &[Target::User("PSAM00C")],
            },
        ],
        loops: 0,
    },
];

/// Every schedule.
pub const SCHEDULES: [Schedule; 3] = [
    Schedule {
        id: "PSSHOP1",
        name: "Shop primary",
        rotation: &["PJUN0A1", "PMARA0B"],
    },
    Schedule {
        id: "PSSHOP2",
        name: "Shop secondary",
        rotation: &["PMARA0B", "PJUN0A1"],
    },
    Schedule {
        id: "PSPLAT3",
        name: "Platform",
        rotation: &["PSAM00C", "PSAM00C", "PJUN0A1"],
    },
];

/// Every priority, the highest first.
pub const PRIORITIES: [Priority; 3] = [
    Priority {
        id: "PP1HIGH",
        name: "P1",
        description: "customers cannot buy",
        color: "a8171c",
        order: 4_000,
    },
    Priority {
        id: "PP2MIDD",
        name: "P2",
        description: "customers are hindered",
        color: "eb6016",
        order: 3_000,
    },
    Priority {
        id: "PP3LOWW",
        name: "P3",
        description: "nobody outside notices",
        color: "f9b406",
        order: 2_000,
    },
];

/// A user by id.
pub fn user(id: &str) -> Option<&'static User> {
    USERS.iter().find(|user| user.id == id)
}

/// A user by login.
pub fn user_by_email(email: &str) -> Option<&'static User> {
    USERS.iter().find(|user| user.email.eq_ignore_ascii_case(email))
}

/// A team by id.
pub fn team(id: &str) -> Option<&'static Team> {
    TEAMS.iter().find(|team| team.id == id)
}

/// A service by id.
pub fn service_by_id(id: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.id == id)
}

/// The service of that name; the platform's where none has it.
pub fn service_named(name: &str) -> &'static Service {
    let [.., last] = &SERVICES;
    SERVICES
        .iter()
        .find(|service| service.name == name)
        .unwrap_or(last)
}

/// A policy by id.
pub fn policy(id: &str) -> Option<&'static Policy> {
    POLICIES.iter().find(|policy| policy.id == id)
}

/// A schedule by id.
pub fn schedule(id: &str) -> Option<&'static Schedule> {
    SCHEDULES.iter().find(|schedule| schedule.id == id)
}

impl Service {
    /// Its policy.
    pub fn policy(&self) -> &'static Policy {
        let [first, ..] = &POLICIES;
        policy(self.policy).unwrap_or(first)
    }
}

/// Somebody's week in a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// Who.
    pub user: &'static User,
    /// From.
    pub start: DateTime<Utc>,
    /// To.
    pub end: DateTime<Utc>,
}

/// The hand-over before, or at, a moment: Monday, 09:00 UTC.
fn handover(at: DateTime<Utc>) -> DateTime<Utc> {
    let monday = at.date_naive() - Days::new(u64::from(at.weekday().num_days_from_monday()));
    let nine = NaiveTime::from_hms_opt(9, 0, 0).unwrap_or_default();
    let start = monday.and_time(nine).and_utc();
    if start > at {
        start - TimeDelta::weeks(1)
    } else {
        start
    }
}

impl Schedule {
    /// The shifts that touch a span, in order; at least the one that holds at its start.
    pub fn shifts(&self, anchor: DateTime<Utc>, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Shift> {
        let first = handover(anchor);
        let mut shifts = Vec::new();
        let mut start = handover(from);
        loop {
            let weeks = (start - first).num_weeks();
            let length = i64::try_from(self.rotation.len()).unwrap_or(1);
            let id = self.rotation.get(weeks.rem_euclid(length) as usize);
            if let Some(user) = id.and_then(|id| user(id)) {
                shifts.push(Shift {
                    user,
                    start,
                    end: start + TimeDelta::weeks(1),
                });
            }
            start += TimeDelta::weeks(1);
            if start >= to {
                return shifts;
            }
        }
    }
}

impl Level {
    /// Who is on call on it at a moment.
    pub fn on_call(&self, anchor: DateTime<Utc>, at: DateTime<Utc>) -> Vec<&'static User> {
        self.targets
            .iter()
            .filter_map(|target| match target {
                Target::User(id) => user(id),
                Target::Schedule(id) => schedule(id)?.shifts(anchor, at, at).first().map(|s| s.user),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    #[test]
    fn shifts_turn_on_mondays_at_nine_and_jun_has_the_storys_week() {
        let anchor = at("2026-11-20T03:00:00Z");
        let [primary, ..] = &SCHEDULES;
        let shifts = primary.shifts(anchor, anchor, anchor + TimeDelta::weeks(1));
        let told: Vec<(&str, String)> = shifts
            .iter()
            .map(|s| (s.user.name, s.start.to_rfc3339()))
            .collect();
        assert_eq!(
            told,
            [
                ("Jun", "2026-11-16T09:00:00+00:00".to_owned()),
                ("Mara", "2026-11-23T09:00:00+00:00".to_owned())
            ]
        );
        let before = primary.shifts(anchor, anchor - TimeDelta::weeks(3), anchor - TimeDelta::weeks(3));
        assert_eq!(before[0].user.name, "Mara");
        let monday = at("2026-11-16T08:59:59Z");
        assert_eq!(handover(monday), at("2026-11-09T09:00:00Z"));
    }

    #[test]
    fn everything_that_is_referred_to_is_there() {
        for service in &SERVICES {
            assert!(policy(service.policy).is_some() && team(service.team).is_some());
        }
        for level in POLICIES.iter().flat_map(|policy| policy.levels) {
            assert!(
                !level
                    .on_call(at("2026-11-20T03:00:00Z"), at("2027-03-01T00:00:00Z"))
                    .is_empty()
            );
        }
    }
}
