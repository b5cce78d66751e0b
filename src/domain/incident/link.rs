//! Which alerts of the board and which incidents are the same trouble, and by what that is known.
//!
//! Three clues, strongest first: a key that both carry; the labels that stand in the incident's alert bodies
//! (Alertmanager's PagerDuty integration writes them as `Labels:\n - name = value`, other senders as fields);
//! the service, by the configuration's map. Pure. Start at [`Links::between`].

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::{IncidentId, Named};
use crate::domain::alert::{Alert, Fingerprint, Labels};

/// By what two are linked, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Link {
    /// A key that both carry: surely the same.
    Key,
    /// The alert's labels stand in the incident's alert body.
    Body,
    /// The configuration says that their services are one: perhaps the same trouble.
    Service,
}

impl Link {
    /// Why, and how sure, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Key => "by key",
            Self::Body => "by labels",
            Self::Service => "by service, perhaps another trouble",
        }
    }

    /// Whether the two are one trouble beyond doubt: what is linked otherwise is asked about before it is acted on.
    pub fn is_sure(self) -> bool {
        match self {
            Self::Key | Self::Body => true,
            Self::Service => false,
        }
    }
}

/// Names and values in the body of an incident's alert.
pub type Body = [(Arc<str>, Arc<str>)];

/// What an incident and its alerts tell.
#[derive(Debug, Clone)]
pub struct IncidentClues<'a> {
    /// Which.
    pub id: &'a IncidentId,
    /// Its keys and those of its alerts.
    pub keys: Vec<&'a str>,
    /// The details of each of its alerts.
    pub bodies: Vec<&'a Body>,
    /// Its service, while it is open: what is over is nobody's by its service alone.
    pub service: Option<&'a Named>,
}

/// What an alert of the board tells.
#[derive(Debug, Clone, Copy)]
pub struct AlertClues<'a> {
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Its labels.
    pub labels: &'a Labels,
    /// The keys of the groups that it is notified in, as [`group_key`] makes them.
    pub groups: &'a [Arc<str>],
    /// Its service, as the board tells it.
    pub service: &'a str,
}

impl<'a> AlertClues<'a> {
    /// Those of an alert, with the keys of the groups that each is notified in.
    pub(crate) fn of(alert: &'a Alert, groups: &'a HashMap<Fingerprint, Vec<Arc<str>>>) -> Self {
        let fingerprint = alert.occurrence.fingerprint;
        Self {
            fingerprint,
            labels: &alert.labels,
            groups: groups.get(&fingerprint).map_or(&[], Vec::as_slice),
            service: &alert.service,
        }
    }
}

/// The most alerts that one incident is linked to by its service alone.
const BY_SERVICE: usize = 200;

/// Every link there is between the incidents and the alerts of a moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Links {
    alerts: BTreeMap<Fingerprint, Vec<(IncidentId, Link)>>,
    incidents: BTreeMap<IncidentId, Vec<(Fingerprint, Link)>>,
}

impl Links {
    /// The links between these. `services` maps our services to the id or name of the incidents'.
    ///
    /// Each alert looks its incidents up; no incident is held against every alert.
    pub fn between<'a, 'm>(
        incidents: &[IncidentClues<'_>],
        alerts: impl IntoIterator<Item = AlertClues<'a>>,
        services: impl IntoIterator<Item = (&'m str, &'m str)>,
    ) -> Self {
        let known = Known::of(incidents, services);
        let mut links = Self::default();
        for alert in alerts {
            for (at, by) in known.links(&alert) {
                let Some(incident) = incidents.get(at) else {
                    continue;
                };
                let theirs = links.incidents.entry(incident.id.clone()).or_default();
                if by == Link::Service && theirs.len() >= BY_SERVICE {
                    continue;
                }
                theirs.push((alert.fingerprint, by));
                let ours = links.alerts.entry(alert.fingerprint).or_default();
                ours.push((incident.id.clone(), by));
            }
        }
        for theirs in links.incidents.values_mut() {
            theirs.sort_by_key(|(fingerprint, by)| (*by, *fingerprint));
        }
        links
    }

    /// The incidents of an alert, those that it surely belongs to first.
    pub fn of_alert(&self, alert: Fingerprint) -> &[(IncidentId, Link)] {
        self.alerts.get(&alert).map_or(&[], Vec::as_slice)
    }

    /// The alerts of an incident, those that surely belong to it first.
    pub fn of_incident(&self, incident: &IncidentId) -> &[(Fingerprint, Link)] {
        self.incidents.get(incident).map_or(&[], Vec::as_slice)
    }
}

/// What one place of a body says of labels.
enum Told<'a> {
    /// A block of labels: all of them are the alert's.
    Block(Vec<(&'a str, &'a str)>),
    /// Fields, some of which may be labels.
    Fields(&'a Body),
}

/// The incidents by what alerts are looked up with; numbers are places in the list.
#[derive(Default)]
struct Known<'a> {
    keys: HashMap<&'a str, Vec<(usize, Link)>>,
    /// What bodies tell, by the alert name that they tell it of.
    names: HashMap<&'a str, Vec<(usize, Told<'a>)>>,
    services: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Known<'a> {
    fn of<'m: 'a>(
        incidents: &'a [IncidentClues<'_>],
        services: impl IntoIterator<Item = (&'m str, &'m str)>,
    ) -> Self {
        let mut known = Self::default();
        for (at, incident) in incidents.iter().enumerate() {
            for &key in &incident.keys {
                known.keys.entry(key).or_default().push((at, Link::Key));
            }
            for &body in &incident.bodies {
                known.read(at, body);
            }
        }
        for (ours, theirs) in services {
            let is = |named: &Named| *named.id == *theirs || *named.name == *theirs;
            let places = incidents.iter().enumerate();
            let places = places.filter(|(_, incident)| incident.service.is_some_and(is));
            known
                .services
                .entry(ours)
                .or_default()
                .extend(places.map(|(at, _)| at));
        }
        known
    }

    fn read(&mut self, at: usize, body: &'a Body) {
        for (name, value) in body {
            match &**name {
                "fingerprint" => self.keys.entry(value).or_default().push((at, Link::Body)),
                "alertname" => {
                    let told = (at, Told::Fields(body));
                    self.names.entry(value).or_default().push(told);
                }
                _ => {}
            }
            for block in blocks(value) {
                let named = block.iter().find(|(name, _)| *name == "alertname");
                if let Some(&(_, alert)) = named {
                    let told = (at, Told::Block(block));
                    self.names.entry(alert).or_default().push(told);
                }
            }
        }
    }

    /// The incidents of an alert with the strongest link to each: surest first, then in the order of the list.
    fn links(&self, alert: &AlertClues<'_>) -> Vec<(usize, Link)> {
        let fingerprint = alert.fingerprint.to_string();
        let keys = std::iter::once(&*fingerprint).chain(alert.groups.iter().map(|key| &**key));
        let mut found: Vec<(usize, Link)> = keys
            .filter_map(|key| self.keys.get(key))
            .flatten()
            .copied()
            .collect();
        let told = self.names.get(alert.labels.value("alertname"));
        found.extend(
            told.into_iter()
                .flatten()
                .filter(|(_, told)| told.tells_of(alert.labels))
                .map(|(at, _)| (*at, Link::Body)),
        );
        let service = self
            .services
            .get(alert.service)
            .filter(|_| !alert.service.is_empty());
        found.extend(service.into_iter().flatten().map(|at| (*at, Link::Service)));
        // The strongest of each incident first: it is the one that stays.
        found.sort_unstable();
        found.dedup_by_key(|(at, _)| *at);
        found.sort_by_key(|(_, by)| *by);
        found
    }
}

impl Told<'_> {
    fn tells_of(&self, labels: &Labels) -> bool {
        match self {
            Self::Block(block) => fits(block, labels),
            // Fields that carry labels' names: all of them have to agree, and the alert's name has to be among them.
            Self::Fields(body) => {
                let named = body.iter().map(|(name, value)| (&**name, &**value));
                let fields: Vec<(&str, &str)> =
                    named.filter(|(name, _)| labels.get(name).is_some()).collect();
                fits(&fields, labels)
            }
        }
    }
}

/// The dedup key that Alertmanager gives PagerDuty for a group of its root route: the SHA-256 of
/// `{}:{name="value", …}` in hex (Alertmanager, `notify.Key.Hash` of `dispatch`'s group key). Deeper routes have
/// their matchers in it, which its API does not tell: their alerts are known by their bodies.
pub fn group_key(group: &Labels) -> Arc<str> {
    let mut text = String::from("{}:{");
    for (index, (name, value)) in group.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let _ = write!(text, "{comma}{name}={value:?}"); // writing to a String cannot fail
    }
    text.push('}');
    let hex = Sha256::digest(text.as_bytes())
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
    hex.into()
}

/// Whether a body can link anything at all: most of what senders write cannot, and need not be kept.
pub fn is_telling(body: &Body) -> bool {
    body.iter()
        .any(|(name, text)| matches!(&**name, "fingerprint" | "alertname") || text.contains("Labels:"))
}

/// Whether these labels are an alert's: its name among them, none of them different.
fn fits(block: &[(&str, &str)], labels: &Labels) -> bool {
    let named = |(name, _): &&(&str, &str)| *name == "alertname";
    // a name alone says too little where the alert has more to tell it by
    let enough = block.len() > 1 || labels.len() == 1;
    block.iter().any(|pair| named(&pair))
        && enough
        && block.iter().all(|(name, value)| labels.value(name) == *value)
}

/// The label blocks of a text, as Alertmanager's templates write them (`__text_alert_list`).
fn blocks(text: &str) -> impl Iterator<Item = Vec<(&str, &str)>> {
    text.split("Labels:").skip(1).map(|block| {
        block
            .lines()
            .skip_while(|line| line.trim().is_empty())
            .map_while(|line| line.trim_start().strip_prefix("- "))
            .filter_map(|line| line.split_once(" = "))
            .map(|(name, value)| (name.trim(), value))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().copied().collect()
    }

    fn checkout() -> Labels {
        labels(&[
            ("alertname", "Errors"),
            ("cluster", "eu"),
            ("service", "checkout"),
        ])
    }

    type Pairs<'a> = &'a [(&'a str, &'a str)];

    struct Given<'a> {
        keys: &'a [&'a str],
        body: Pairs<'a>,
        groups: &'a [Labels],
        map: Pairs<'a>,
    }

    const ALERT: Fingerprint = Fingerprint(0x01ec_e5ca_1c36_9d6a);

    /// The one link between checkout's alert and an incident of which that is known.
    fn linked(given: &Given<'_>) -> Option<Link> {
        let body: Vec<(Arc<str>, Arc<str>)> = given.body.iter().map(|&(n, v)| (n.into(), v.into())).collect();
        let service = Named {
            id: "PSVC001".into(),
            name: "Checkout (prod)".into(),
        };
        let id = IncidentId::from("Q1");
        let incident = IncidentClues {
            id: &id,
            keys: given.keys.to_vec(),
            bodies: vec![&body],
            service: Some(&service),
        };
        let labels = checkout();
        let groups: Vec<Arc<str>> = given.groups.iter().map(group_key).collect();
        let alert = AlertClues {
            fingerprint: ALERT,
            labels: &labels,
            groups: &groups,
            service: "checkout",
        };
        let links = Links::between(&[incident], [alert], given.map.iter().copied());
        let by = links.of_alert(ALERT).first().map(|(_, by)| *by);
        assert_eq!(links.of_incident(&id).first().map(|(_, by)| *by), by);
        by
    }

    const NOTHING: Given<'_> = Given {
        keys: &[],
        body: &[],
        groups: &[],
        map: &[],
    };

    #[test]
    fn a_fingerprint_as_key_or_in_the_body_links() {
        let keys = ["01ece5ca1c369d6a"];
        assert_eq!(
            linked(&Given {
                keys: &keys,
                ..NOTHING
            }),
            Some(Link::Key)
        );
        let body = [("fingerprint", "01ece5ca1c369d6a")];
        assert_eq!(
            linked(&Given {
                body: &body,
                ..NOTHING
            }),
            Some(Link::Body)
        );
        assert_eq!(linked(&NOTHING), None);
    }

    #[test]
    fn the_hash_of_a_group_of_the_root_route_links() {
        // sha256 of `{}:{alertname="Errors", service="checkout"}`
        let group = labels(&[("alertname", "Errors"), ("service", "checkout")]);
        let key = group_key(&group);
        assert_eq!(key.len(), 64);
        let (keys, groups) = ([&*key], [group]);
        let given = Given {
            keys: &keys,
            groups: &groups,
            ..NOTHING
        };
        assert_eq!(linked(&given), Some(Link::Key));
    }

    #[test]
    fn labels_as_alertmanager_writes_them_link_and_others_do_not() {
        let firing = "Labels:\n - alertname = Errors\n - cluster = eu\n - service = checkout\nAnnotations:\n - summary = it burns\nSource: http://prometheus\n";
        assert_eq!(
            linked(&Given {
                body: &[("firing", firing)],
                ..NOTHING
            }),
            Some(Link::Body)
        );
        let other = firing.replace("cluster = eu", "cluster = us");
        assert_eq!(
            linked(&Given {
                body: &[("firing", &other)],
                ..NOTHING
            }),
            None
        );
        let both = format!("{other}{firing}");
        assert_eq!(
            linked(&Given {
                body: &[("firing", &both)],
                ..NOTHING
            }),
            Some(Link::Body)
        );
    }

    #[test]
    fn fields_link_where_all_of_them_agree_and_the_name_is_among_them() {
        let cases: [(Pairs<'_>, Option<Link>); 4] = [
            (
                &[
                    ("alertname", "Errors"),
                    ("service", "checkout"),
                    ("num_firing", "1"),
                ],
                Some(Link::Body),
            ),
            (&[("alertname", "Errors"), ("service", "search")], None),
            (&[("service", "checkout"), ("cluster", "eu")], None),
            (&[("alertname", "Errors")], None),
        ];
        for (body, expected) in cases {
            assert_eq!(linked(&Given { body, ..NOTHING }), expected, "{body:?}");
        }
    }

    #[test]
    fn the_service_map_links_by_id_or_name_and_only_where_nothing_stronger_does() {
        for theirs in ["PSVC001", "Checkout (prod)"] {
            let map = [("checkout", theirs)];
            assert_eq!(linked(&Given { map: &map, ..NOTHING }), Some(Link::Service));
        }
        let map = [("search", "PSVC001")];
        assert_eq!(linked(&Given { map: &map, ..NOTHING }), None);
        let (keys, map) = (["01ece5ca1c369d6a"], [("checkout", "PSVC001")]);
        let given = Given {
            keys: &keys,
            map: &map,
            ..NOTHING
        };
        assert_eq!(linked(&given), Some(Link::Key));
    }

    #[test]
    fn hostile_bodies_are_only_text() {
        let wild = "Labels:\n - \u{1b}[2J = \u{202e}x\n - alertname = \nLabels:Labels:\n= = =\n - =\n";
        assert_eq!(
            linked(&Given {
                body: &[("firing", wild), ("", ""), ("alertname", "")],
                ..NOTHING
            }),
            None
        );
    }

    #[test]
    fn an_alert_lists_the_surest_incident_first_and_an_incident_the_surest_alert() {
        let (sure, told, perhaps) = (
            IncidentId::from("Q3"),
            IncidentId::from("Q2"),
            IncidentId::from("Q1"),
        );
        let service = Named {
            id: "PSVC001".into(),
            name: "Checkout".into(),
        };
        let body: Vec<(Arc<str>, Arc<str>)> = vec![("fingerprint".into(), ALERT.to_string().into())];
        let key = ALERT.to_string();
        let clues = |id, keys, bodies| IncidentClues {
            id,
            keys,
            bodies,
            service: Some(&service),
        };
        let incidents = [
            clues(&perhaps, vec![], vec![]),
            clues(&told, vec![], vec![&*body]),
            clues(&sure, vec![&*key, &*key], vec![&*body]),
        ];
        let labels = checkout();
        let alert = |fingerprint| AlertClues {
            fingerprint,
            labels: &labels,
            groups: &[],
            service: "checkout",
        };
        let other = Fingerprint(1);
        let links = Links::between(
            &incidents,
            [alert(other), alert(ALERT)],
            [("checkout", "PSVC001")],
        );
        let of_alert = links.of_alert(ALERT);
        assert_eq!(
            of_alert,
            [
                (sure.clone(), Link::Key),
                (told, Link::Body),
                (perhaps, Link::Service)
            ]
        );
        assert_eq!(
            links.of_incident(&sure),
            [(ALERT, Link::Key), (other, Link::Service)]
        );
        assert!(links.of_alert(Fingerprint(2)).is_empty());
    }

    #[test]
    fn a_service_alone_links_no_more_than_a_list_can_show() {
        let service = Named {
            id: "PSVC001".into(),
            name: "Checkout".into(),
        };
        let id = IncidentId::from("Q1");
        let last = Fingerprint(10_000).to_string();
        let incident = IncidentClues {
            id: &id,
            keys: vec![&last],
            bodies: Vec::new(),
            service: Some(&service),
        };
        let labels = checkout();
        let alerts = (1..=10_000).map(|number| AlertClues {
            fingerprint: Fingerprint(number),
            labels: &labels,
            groups: &[],
            service: "checkout",
        });
        let links = Links::between(&[incident], alerts, [("checkout", "PSVC001")]);
        let theirs = links.of_incident(&id);
        assert_eq!(theirs.len(), BY_SERVICE + 1);
        assert_eq!(
            theirs[0],
            (Fingerprint(10_000), Link::Key),
            "a sure one is never left out"
        );
    }
}
