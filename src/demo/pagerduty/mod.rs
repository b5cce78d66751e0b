//! PagerDuty's REST API v2 over the shop: what the alerting tells opens incidents, levels time out, colleagues act.
//!
//! `catalogue` is the account's set-up, `watch` hears the shop's rules, `incident` is what can become of one (`record` its parts),
//! `account` lets time pass. `http` lets in and pages, `reads` and `acts` answer (`change` what a `PUT` asks), `wire` writes, `refusal` says
//! no. What is asked for through the API is kept in memory and changes the course; everything else follows from
//! (seed, scenario, anchor, time). Two keys are known: a person's, and the account's, with which `From` decides
//! who acts. Start at [`PagerDuty`].

mod account;
mod acts;
mod catalogue;
mod change;
mod history;
mod http;
mod incident;
mod reads;
mod record;
mod refusal;
mod watch;
mod wire;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::clock::DemoClock;
use super::rules::Rules;
use super::world::World;

use account::Account;
use catalogue::{USERS, User};

pub use http::router;

/// The key of a person, who is `From` as well: Jun.
pub const USER_KEY: &str = "u+demoKeyOfJun000000";
/// The account's key: nobody's in particular.
pub const ACCOUNT_KEY: &str = "a+demoKeyOfAccount00";
/// The login of [`USER_KEY`]'s owner.
pub const EMAIL: &str = "jun@shop.example";

/// Requests a minute and key.
const RATE: u32 = 960;

/// The server.
pub struct PagerDuty {
    world: Arc<World>,
    clock: DemoClock,
    account: Mutex<Account>,
    rate: Mutex<Rate>,
}

/// Requests within the running minute, all keys together (they are one person's).
#[derive(Debug, Default)]
struct Rate {
    minute: i64,
    spent: u32,
}

/// What is left of the minute's requests.
#[derive(Debug, Clone, Copy)]
struct Left {
    requests: u32,
    /// Seconds until it is whole again.
    reset: i64,
    refused: bool,
}

/// Whose key a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    User(&'static User),
    Account,
}

impl PagerDuty {
    /// The account of a world.
    pub fn new(world: Arc<World>, rules: Arc<Rules>, clock: DemoClock) -> Self {
        Self {
            world,
            clock,
            account: Mutex::new(Account::new(rules)),
            rate: Mutex::default(),
        }
    }

    /// The account as it is at this moment.
    fn account(&self) -> (MutexGuard<'_, Account>, DateTime<Utc>) {
        let mut account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        account.advance(now);
        (account, now)
    }

    /// Counts a request. Under a clock that stands no minute ever ends, so none fills.
    fn spend(&self) -> Left {
        let now = self.clock.now();
        let reset = 60 - now.timestamp().rem_euclid(60);
        if let DemoClock::Fixed(_) = self.clock {
            return Left {
                requests: RATE,
                reset,
                refused: false,
            };
        }
        let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = now.timestamp().div_euclid(60);
        if rate.minute != minute {
            *rate = Rate { minute, spent: 0 };
        }
        let refused = rate.spent >= RATE;
        rate.spent = rate.spent.saturating_add(1);
        Left {
            requests: RATE.saturating_sub(rate.spent),
            reset,
            refused,
        }
    }
}

impl Key {
    /// By an `Authorization` header: `Token token=…`, or a bearer token.
    fn of(header: &str) -> Option<Self> {
        let key = header
            .strip_prefix("Token token=")
            .or_else(|| header.strip_prefix("Bearer "))?;
        let [jun, ..] = &USERS;
        match key.trim() {
            USER_KEY => Some(Self::User(jun)),
            ACCOUNT_KEY => Some(Self::Account),
            _ => None,
        }
    }
}

/// The span that lists cover where nothing is said: a month.
const MONTH: TimeDelta = TimeDelta::days(30);

#[cfg(test)]
mod tests;
