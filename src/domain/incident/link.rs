//! Whether an alert of the board and an incident of PagerDuty's are the same trouble, and by what that is known.
//!
//! Three clues, strongest first: a key that both carry; the labels that stand in the incident's alert bodies
//! (Alertmanager's PagerDuty integration writes them as `Labels:\n - name = value`, other senders as fields);
//! the service, by the configuration's map. Pure.

use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::Named;
use crate::domain::alert::{Fingerprint, Labels};

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
    /// Why, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Key => "by its key",
            Self::Body => "by its labels",
            Self::Service => "by its service",
        }
    }
}

/// What an incident and its alerts tell.
#[derive(Debug, Clone, Copy, Default)]
pub struct IncidentClues<'a> {
    /// Its keys and those of its alerts.
    pub keys: &'a [Arc<str>],
    /// The details of each of its alerts.
    pub bodies: &'a [&'a [(Arc<str>, Arc<str>)]],
    /// Its service.
    pub service: Option<&'a Named>,
}

/// What an alert of the board tells.
#[derive(Debug, Clone, Copy)]
pub struct AlertClues<'a> {
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Its labels.
    pub labels: &'a Labels,
    /// The labels of the groups that it is notified in.
    pub groups: &'a [Labels],
    /// Its service, as the board tells it.
    pub service: Option<&'a str>,
}

/// By what they are linked, if they are. `services` maps our services to the id or name of the incident's.
pub fn link<'m>(
    incident: &IncidentClues<'_>,
    alert: &AlertClues<'_>,
    services: impl IntoIterator<Item = (&'m str, &'m str)>,
) -> Option<Link> {
    if by_key(incident, alert) {
        return Some(Link::Key);
    }
    if incident.bodies.iter().any(|body| is_in(body, alert)) {
        return Some(Link::Body);
    }
    let (theirs, ours) = (incident.service?, alert.service?);
    services
        .into_iter()
        .any(|(name, mapped)| name == ours && (mapped == &*theirs.id || mapped == &*theirs.name))
        .then_some(Link::Service)
}

fn by_key(incident: &IncidentClues<'_>, alert: &AlertClues<'_>) -> bool {
    let fingerprint = alert.fingerprint.to_string();
    let groups: Vec<String> = alert.groups.iter().map(root_group_key).collect();
    incident
        .keys
        .iter()
        .any(|key| **key == *fingerprint || groups.iter().any(|group| **key == **group))
}

/// The dedup key that Alertmanager gives PagerDuty for a group of its root route: the SHA-256 of
/// `{}:{name="value", …}` in hex (Alertmanager, `notify.Key.Hash` of `dispatch`'s group key). Deeper routes have
/// their matchers in it, which its API does not tell: their alerts are known by their bodies.
fn root_group_key(group: &Labels) -> String {
    let mut text = String::from("{}:{");
    for (index, (name, value)) in group.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let _ = write!(text, "{comma}{name}={value:?}"); // writing to a String cannot fail
    }
    text.push('}');
    Sha256::digest(text.as_bytes())
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

/// Whether a body tells of this alert: a block of labels of it, its fingerprint, or its fields one by one.
fn is_in(body: &[(Arc<str>, Arc<str>)], alert: &AlertClues<'_>) -> bool {
    let fingerprint = alert.fingerprint.to_string();
    if body
        .iter()
        .any(|(name, value)| &**name == "fingerprint" && **value == *fingerprint)
    {
        return true;
    }
    if body
        .iter()
        .any(|(_, text)| blocks(text).any(|block| fits(&block, alert.labels)))
    {
        return true;
    }
    // Fields that carry labels' names: all of them have to agree, and the alert's name has to be among them.
    let fields: Vec<(&str, &str)> = body
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .filter(|(name, _)| alert.labels.get(name).is_some())
        .collect();
    fits(&fields, alert.labels)
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

    fn linked(given: &Given<'_>) -> Option<Link> {
        let keys: Vec<Arc<str>> = given.keys.iter().map(|&key| key.into()).collect();
        let body: Vec<(Arc<str>, Arc<str>)> = given.body.iter().map(|&(n, v)| (n.into(), v.into())).collect();
        let service = Named {
            id: "PSVC001".into(),
            name: "Checkout (prod)".into(),
        };
        let incident = IncidentClues {
            keys: &keys,
            bodies: &[&body],
            service: Some(&service),
        };
        let labels = checkout();
        let alert = AlertClues {
            fingerprint: Fingerprint(0x01ec_e5ca_1c36_9d6a),
            labels: &labels,
            groups: given.groups,
            service: Some("checkout"),
        };
        link(&incident, &alert, given.map.iter().copied())
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
        let key = root_group_key(&group);
        assert_eq!(key.len(), 64);
        let (keys, groups) = ([key.as_str()], [group]);
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
}
