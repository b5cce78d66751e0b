//! What happens in the shop, and when: deploys, faults, restarts. No metric names, no servers.
//!
//! Later signals (logs, traces, incidents) read the same [`Story`], so that they agree with the metrics.
//! Times are story seconds; zero is the moment the demo starts. What matters lies before it too, so that
//! the long windows burn from the first second. The checkout incident comes again every [`LOOP`]. A drill has no story
//! of its own: its [`Incident`] befalls the healthy fates.

use super::flow::Levels;
use super::incident::Incident;
use crate::domain::drill::Cause;

/// How far the world reaches back: past every window that is asked for.
pub const BEGIN: f64 = -60.0 * DAY;
/// Seconds between two rounds of the checkout incident.
pub const LOOP: f64 = 2.0 * HOUR;
/// Rounds that are laid out; after the last the shop stays healthy.
const ROUNDS: u32 = 84;
/// Seconds in a minute.
pub const MIN: f64 = 60.0;
/// Seconds in an hour.
pub const HOUR: f64 = 3_600.0;
/// Seconds in a day.
pub const DAY: f64 = 86_400.0;

/// Which world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scenario {
    /// A deploy of checkout leaks database connections; see the module.
    #[default]
    Leak,
    /// Nothing moves: constant rates, constant ratios, a few old low alerts.
    Calm,
    /// All is well, and then an incident of this kind, which the seed makes; see [`Incident`].
    Drill(Cause),
}

impl Scenario {
    /// All, default first.
    pub const ALL: [Self; 9] = [
        Self::Leak,
        Self::Calm,
        Self::Drill(Cause::BadDeploy),
        Self::Drill(Cause::DependencyTimeout),
        Self::Drill(Cause::CacheStampede),
        Self::Drill(Cause::CertificateExpiry),
        Self::Drill(Cause::NoisyNeighbour),
        Self::Drill(Cause::DiskFull),
        Self::Drill(Cause::RegionLoss),
    ];

    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Leak => "leak",
            Self::Calm => "calm",
            Self::Drill(cause) => cause.word(),
        }
    }
}

impl std::str::FromStr for Scenario {
    type Err = UnknownScenario;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|s| s.word() == text)
            .ok_or_else(|| UnknownScenario(text.to_owned()))
    }
}

/// No scenario has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no scenario {0:?}; there are {known}", known = known())]
pub struct UnknownScenario(String);

/// All of their words, the default one said to be that.
fn known() -> String {
    let words: Vec<&str> = Scenario::ALL.into_iter().map(Scenario::word).collect();
    words.join(", ").replacen("leak", "leak (the default)", 1)
}

/// Something that was rolled out.
#[derive(Debug, Clone, PartialEq)]
pub struct Deploy {
    /// When it began to serve.
    pub at: f64,
    /// The version.
    pub version: String,
    /// Forward or back.
    pub kind: DeployKind,
}

/// Forward or back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeployKind {
    /// A new version.
    Release,
    /// Back to the last good one.
    Rollback,
}

/// A service as it is built, whatever happens to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Service {
    /// Its name.
    pub name: &'static str,
    /// Requests per second, the mean of a day.
    pub rps: f64,
    /// Share of requests that fail on a good day.
    pub errors: f64,
    /// Median latency, seconds.
    pub median: f64,
    /// Database connections a pod may hold; zero = no database.
    pub pool: u32,
    /// The version before anything happens.
    pub version: &'static str,
}

/// The shop.
pub const SERVICES: [Service; 12] = [
    service("storefront", 180.0, 0.000_25, 0.045, 0, "9.14.2"),
    service("checkout", 42.0, 0.000_30, 0.090, 50, "2.3.0"),
    service("payment", 38.0, 0.000_12, 0.120, 40, "4.0.7"),
    service("cart", 75.0, 0.000_20, 0.030, 0, "3.9.1"),
    service("search", 120.0, 0.000_20, 0.070, 0, "7.2.0"),
    service("catalog", 210.0, 0.000_20, 0.025, 60, "5.31.0"),
    service("inventory", 64.0, 0.000_30, 0.035, 40, "1.18.4"),
    service("shipping", 21.0, 0.000_60, 0.080, 30, "2.11.0"),
    service("auth", 95.0, 0.000_08, 0.020, 40, "6.4.3"),
    service("recommendation", 140.0, 0.001_80, 0.060, 0, "5.12.0"),
    service("giftcard", 3.0, 0.000_50, 0.050, 0, "1.2.9"),
    service("loyalty", 9.0, 0.000_40, 0.040, 0, "0.8.5"),
];

const fn service(
    name: &'static str,
    rps: f64,
    errors: f64,
    median: f64,
    pool: u32,
    version: &'static str,
) -> Service {
    Service {
        name,
        rps,
        errors,
        median,
        pool,
        version,
    }
}

/// Pods of every service.
pub const PODS: usize = 2;

/// What becomes of one service over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Fate {
    /// The service.
    pub service: Service,
    /// Traffic, relative to its mean.
    pub traffic: Levels,
    /// Share of requests that fail.
    pub errors: Levels,
    /// Share of requests that are slow (seconds instead of milliseconds).
    pub slow: Levels,
    /// Connections in use, per pod: (story second, connections), straight lines between.
    pub connections: Vec<(f64, f64)>,
    /// Starts of each pod, in order.
    pub restarts: [Vec<f64>; PODS],
    /// What was rolled out, in order.
    pub deploys: Vec<Deploy>,
    /// Its metrics are scraped until here.
    pub scraped_until: f64,
    /// Of the failing requests, those that the incident breaks.
    pub struck: Levels,
    /// Of the slow requests, those that the incident slows.
    pub dragged: Levels,
    /// When each pod is gone, from and to.
    pub dark: [Option<(f64, f64)>; PODS],
}

/// Everything that happens.
#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    /// Which.
    pub scenario: Scenario,
    /// By service, in [`SERVICES`]' order.
    pub fates: Vec<Fate>,
    /// The incident of a drill.
    pub incident: Option<Incident>,
}

impl Story {
    /// Lays a scenario out; what of a drill is left open, the seed decides.
    pub fn new(scenario: Scenario, seed: u64) -> Self {
        let mut fates: Vec<Fate> = SERVICES
            .iter()
            .map(|service| {
                let mut fate = Fate::healthy(*service);
                match scenario {
                    Scenario::Leak => fate.befall(),
                    Scenario::Calm => fate.rest(),
                    Scenario::Drill(_) => {}
                }
                fate
            })
            .collect();
        let incident = match scenario {
            Scenario::Drill(cause) => Some(Incident::new(cause, seed)),
            Scenario::Leak | Scenario::Calm => None,
        };
        if let Some(incident) = &incident {
            incident.befall(&mut fates);
        }
        Self {
            scenario,
            fates,
            incident,
        }
    }

    /// The fate of a service.
    pub fn fate(&self, service: &str) -> Option<&Fate> {
        self.fates.iter().find(|f| f.service.name == service)
    }
}

impl Fate {
    fn healthy(service: Service) -> Self {
        Self {
            service,
            traffic: Levels::flat(1.0),
            errors: Levels::flat(service.errors),
            slow: Levels::flat(0.000_5),
            connections: vec![(BEGIN, f64::from(service.pool) * 0.24)],
            restarts: [vec![BEGIN], vec![BEGIN]],
            deploys: Vec::new(),
            scraped_until: f64::INFINITY,
            struck: Levels::flat(0.0),
            dragged: Levels::flat(0.0),
            dark: [None; PODS],
        }
    }

    /// Share of requests that fail without the incident's doing.
    pub fn own_errors(&self, s: f64) -> f64 {
        (self.errors.at(s) - self.struck.at(s)).max(0.0)
    }

    /// Share of requests that are slow without the incident's doing.
    pub fn own_slow(&self, s: f64) -> f64 {
        (self.slow.at(s) - self.dragged.at(s)).max(0.0)
    }

    /// Whether a pod is gone at a moment.
    pub fn is_dark(&self, pod: usize, s: f64) -> bool {
        let dark = self.dark.get(pod).copied().flatten();
        dark.is_some_and(|(from, to)| (from..to).contains(&s))
    }

    /// A pod is gone, and starts anew when it is back.
    pub(super) fn go_dark(&mut self, pod: usize, from: f64, to: f64) {
        if let (Some(dark), Some(starts)) = (self.dark.get_mut(pod), self.restarts.get_mut(pod)) {
            *dark = Some((from, to));
            starts.push(to);
        }
    }

    /// Every connection of the pool is taken from one moment to another.
    pub(super) fn drain(&mut self, from: f64, to: f64) {
        let (idle, full) = (f64::from(self.service.pool) * 0.24, f64::from(self.service.pool));
        let ramps = [
            (from - 15.0, idle),
            (from + 5.0, full),
            (to, full),
            (to + 60.0, idle),
        ];
        self.connections.extend(ramps);
    }

    /// What was told in any order stands in time's.
    pub(super) fn put_in_order(&mut self) {
        for starts in &mut self.restarts {
            starts.sort_by(f64::total_cmp);
        }
        self.deploys.sort_by(|a, b| a.at.total_cmp(&b.at));
    }

    /// From `from` to `to` this share of requests fails; then the service is itself again.
    pub(super) fn fail(&mut self, from: f64, to: f64, share: f64) {
        self.errors.then(from, share);
        self.errors.then(to, self.service.errors);
    }

    fn restart(&mut self, s: f64) {
        for (pod, starts) in self.restarts.iter_mut().enumerate() {
            starts.push(s + pod as f64 * 6.0);
        }
    }

    fn rest(&mut self) {
        if self.service.name == "giftcard" {
            self.traffic.then(-20.0 * DAY, 0.0);
        }
    }

    fn befall(&mut self) {
        match self.service.name {
            "checkout" => self.leak_connections(),
            "payment" => self.wait_for_checkout(),
            "storefront" => {
                for round in rounds() {
                    self.errors.then(round - 32.0 * MIN, 0.002_8);
                    self.errors.then(round - 60.0, 0.005_5);
                    self.errors.then(round + 8.5 * MIN, self.service.errors);
                }
            }
            "search" => {
                // A slow index: a ticket, not a page.
                self.slow.then(-54.0 * HOUR, 0.017);
            }
            "catalog" => {
                // A shard that times out: three times the budget's pace for a day is a ticket.
                self.errors.then(-20.0 * HOUR, 0.004_5);
            }
            "inventory" => {
                // The budget went in one night nine days ago; it has been quiet since.
                self.fail(-9.0 * DAY, -9.0 * DAY + 6.0 * HOUR, 0.9);
                self.restart(-9.0 * DAY + 6.0 * HOUR);
            }
            "shipping" => {
                // Burned and recovered: the hour remembers, the last five minutes do not.
                self.fail(-46.0 * MIN, -35.0 * MIN, 0.6);
                self.restart(-35.0 * MIN);
            }
            "recommendation" => {
                self.deploy(-36.0 * MIN, "5.12.1", DeployKind::Release);
                self.slow.then(-35.0 * MIN, 0.03);
            }
            "giftcard" => self.traffic.then(-5.0 * HOUR, 0.0),
            "loyalty" => self.scraped_until = -25.0 * MIN,
            _ => {}
        }
    }

    pub(super) fn deploy(&mut self, at: f64, version: &str, kind: DeployKind) {
        self.restart(at);
        self.deploys.push(Deploy {
            at,
            version: version.to_owned(),
            kind,
        });
    }

    /// The main thread: a release leaks connections until the pool is dry; killed pods come back and leak
    /// faster, which is why its alerts flap; the rollback mends it.
    fn leak_connections(&mut self) {
        let (idle, full) = (f64::from(self.service.pool) * 0.24, f64::from(self.service.pool));
        self.connections.clear();
        self.connections.push((BEGIN, idle));
        for (number, round) in rounds().enumerate() {
            let version = format!("2.3.{}", number + 1);
            self.deploy(round - 50.0 * MIN, &version, DeployKind::Release);
            // (pods start, pool dry, share that fails while dry)
            let spells = [
                (-50.0, -32.0, [0.05, 0.10, 0.12]),
                (-21.0, -16.0, [0.09, 0.14, 0.18]),
                (-9.5, -6.5, [0.16, 0.18, 0.22]),
                (2.5, 4.0, [0.20, 0.24, 0.27]),
            ];
            let ends = [-21.0, -9.5, 2.5, 8.0];
            for ((start, dry, shares), end) in spells.into_iter().zip(ends) {
                if start > -50.0 {
                    self.restart(round + start * MIN);
                }
                self.connections.push((round + start * MIN, idle));
                self.connections.push((round + dry * MIN, full));
                self.connections.push((round + end * MIN - 1.0, full));
                for (third, share) in shares.into_iter().enumerate() {
                    let from = dry + (end - dry) * third as f64 / 3.0;
                    self.errors.then(round + from * MIN, share);
                    self.slow.then(round + from * MIN, share * 1.5);
                }
                self.errors.then(round + end * MIN, self.service.errors * 2.0);
                self.slow.then(round + end * MIN, 0.004);
            }
            self.connections.push((round + 8.0 * MIN, idle));
            self.deploy(round + 8.0 * MIN, "2.3.0", DeployKind::Rollback);
            self.errors.then(round + 9.0 * MIN, self.service.errors);
            self.slow.then(round + 9.0 * MIN, 0.000_5);
        }
    }

    /// Payment holds its own connections open while checkout's calls hang, and fails a little later.
    fn wait_for_checkout(&mut self) {
        let idle = f64::from(self.service.pool) * 0.24;
        self.connections.clear();
        self.connections.push((BEGIN, idle));
        for round in rounds() {
            self.connections.push((round - 6.5 * MIN, idle));
            self.connections.push((round - MIN, idle * 2.8));
            self.connections.push((round + 8.5 * MIN, idle * 2.8));
            self.connections.push((round + 10.0 * MIN, idle));
            for (from, share, slow) in [
                (-6.5, 0.012, 0.03),
                (-0.75, 0.14, 0.10),
                (2.7, 0.012, 0.02),
                (4.2, 0.11, 0.09),
            ] {
                self.errors.then(round + from * MIN, share);
                self.slow.then(round + from * MIN, slow);
            }
            self.errors.then(round + 8.5 * MIN, self.service.errors);
            self.slow.then(round + 8.5 * MIN, 0.000_5);
        }
    }
}

/// Story seconds of each round's turning point; the first is the demo's start.
fn rounds() -> impl Iterator<Item = f64> {
    (0..ROUNDS).map(|n| f64::from(n) * LOOP)
}
