//! What else is odd on the day of an incident, and means nothing: each is true, and none pages.

use super::super::flow::Levels;
use super::super::story::{DAY, DeployKind, Fate, HOUR, MIN};
use super::{Dice, Incident, Murmur, Rollout, next_version};

/// Something odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Herring {
    /// A slow index: a ticket for days.
    SlowSearch,
    /// Recommendations that load their model too often since their release.
    SlowRecommendation,
    /// Metrics of loyalty are not scraped.
    SilentLoyalty,
    /// The carrier had a bad quarter of an hour, which is over.
    ShippingBlip,
    /// Nobody redeems gift cards.
    QuietGiftcard,
    /// A night nine days ago took the month's budget.
    SpentInventory,
}

const ALL: [Herring; 6] = [
    Herring::SlowSearch,
    Herring::SlowRecommendation,
    Herring::SilentLoyalty,
    Herring::ShippingBlip,
    Herring::QuietGiftcard,
    Herring::SpentInventory,
];

impl Herring {
    fn service(self) -> &'static str {
        match self {
            Self::SlowSearch => "search",
            Self::SlowRecommendation => "recommendation",
            Self::SilentLoyalty => "loyalty",
            Self::ShippingBlip => "shipping",
            Self::QuietGiftcard => "giftcard",
            Self::SpentInventory => "inventory",
        }
    }

    /// Happens to its service.
    pub fn befall(self, fates: &mut [Fate]) {
        let Some(fate) = fates.iter_mut().find(|fate| fate.service.name == self.service()) else {
            return;
        };
        match self {
            Self::SlowSearch => fate.slow.then(-54.0 * HOUR, 0.017),
            Self::SlowRecommendation => {
                fate.deploy(-36.0 * MIN, "5.12.1", DeployKind::Release);
                fate.slow.then(-35.0 * MIN, 0.03);
            }
            Self::SilentLoyalty => fate.scraped_until = -25.0 * MIN,
            Self::ShippingBlip => fate.fail(-46.0 * MIN, -35.0 * MIN, 0.6),
            Self::QuietGiftcard => fate.traffic.then(-5.0 * HOUR, 0.0),
            Self::SpentInventory => fate.fail(-9.0 * DAY, -9.0 * DAY + 6.0 * HOUR, 0.9),
        }
    }
}

/// Two oddities, a release of somebody innocent shortly before, and a log that grumbles.
pub fn add(incident: &mut Incident, dice: Dice) {
    let touched = incident.struck();
    let free = |service: &str| !touched.contains(&service) && incident.culprit != service;
    let mut odd: Vec<Herring> = ALL
        .into_iter()
        .filter(|herring| free(herring.service()))
        .collect();
    odd.sort_by(|a, b| {
        let lot = |herring: &Herring| dice.share(&format!("herring {}", herring.service()));
        lot(a).total_cmp(&lot(b))
    });
    odd.truncate(2);
    let innocent = ["search", "auth", "loyalty", "giftcard"]
        .into_iter()
        .filter(|service| free(service) && odd.iter().all(|herring| herring.service() != *service))
        .max_by(|a, b| {
            let lot = |service: &str| dice.share(&format!("innocent {service}"));
            lot(a).total_cmp(&lot(b))
        });
    if let Some(service) = innocent {
        incident.rollouts.push(Rollout {
            service,
            at: incident.onset - dice.seconds("innocent at", 40.0, 8.0 * MIN),
            version: next_version(service),
            kind: DeployKind::Release,
        });
    }
    let mut always = Levels::flat(0.0);
    always.then(-6.0 * HOUR, 0.15);
    incident.murmurs.push(Murmur {
        name: "clock drifts",
        service: "storefront",
        level: "warn",
        rate: always,
        text: "clock of node-c is {n:200-220}ms ahead of ours".to_owned(),
    });
    incident.herrings = odd;
}
