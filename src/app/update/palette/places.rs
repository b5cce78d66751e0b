//! What `scope` takes: a service, labels of the environment, or both; and which of these anything in hand is of.
//!
//! A name that nothing here has is taken nevertheless, for a backend may have it; that is said ([`Places::unknown`]).

use std::collections::BTreeSet;

use crate::app::Model;
use crate::app::scope::Scope;
use crate::domain::environment;
use crate::domain::service_map::Caller;
use crate::problem::nearest;
use crate::text::SafeText;

/// So many of the newest lines in hand are looked at.
const LINES: usize = 1_000;

/// Services by our own names, and environments as they are typed (`cluster=eu`), of what is in hand. Remote text, not
/// yet safe.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) services: BTreeSet<String>,
    pub(super) environments: BTreeSet<String>,
}

impl Places {
    /// From the feeds in hand; of alerts, so many at most.
    pub(super) fn of(model: &Model, alerts: usize) -> Self {
        let services = &model.settings.services;
        let mut known = Self::default();
        let slos = model.slo.board().into_iter().flat_map(|board| &board.slos);
        for report in slos {
            known.service(services.ours(Caller::Slos, &report.slo.service));
        }
        let listed = model.alerts.shown().into_iter();
        let listed = listed.flat_map(|board| board.by_fingerprint.values());
        for alert in listed.take(alerts) {
            known.service(services.ours(Caller::Alerts, &alert.service));
            known.environment(|name| alert.labels.get(name));
        }
        let incidents = model.incidents.feed.value().into_iter();
        for incident in incidents.flat_map(|board| &board.incidents) {
            if let Some(service) = &incident.service {
                known.service(services.ours(Caller::Incidents, &service.name));
            }
        }
        let traces = model.traces.drawn().into_iter().flat_map(|list| &list.traces);
        for trace in traces {
            let shares = trace.services.iter().map(|share| &share.name);
            for service in shares.chain(&trace.service) {
                known.service(services.ours(Caller::Traces, service));
            }
        }
        if let Some(view) = model.logs.drawn() {
            let lines = &view.snapshot;
            for entry in (lines.len().saturating_sub(LINES)..lines.len()).filter_map(|at| lines.entry_at(at))
            {
                known.service(services.ours(Caller::Logs, entry.service.unwrap_or_default()));
                known.environment(|name| entry.stream.label(name));
            }
        }
        known
    }

    fn service(&mut self, name: &str) {
        if !name.is_empty() && !self.services.contains(name) {
            self.services.insert(name.to_owned());
        }
    }

    fn environment<'a>(&mut self, label: impl Fn(&str) -> Option<&'a str>) {
        let told = environment::of(label);
        self.environments
            .extend(told.iter().map(|(name, value)| format!("{name}={value}")));
    }

    /// `checkout`, `cluster=eu`, `checkout cluster=eu`: the scope that is typed. A name that no service has, and one
    /// environment does, is that environment.
    pub(super) fn read(&self, typed: &str) -> Scope {
        let mut scope = Scope::default();
        let mut typed = typed.trim();
        // A name that is known is taken whole, blanks and all.
        while let Some((before, (name, value))) = self.environments.iter().find_map(|known| {
            let before = typed.strip_suffix(known.as_str())?;
            (before.is_empty() || before.ends_with(' ')).then_some((before, known.split_once('=')?))
        }) {
            scope.labels.insert(name.to_owned(), value.to_owned());
            typed = before.trim_end();
        }
        let mut service = Vec::new();
        for word in typed.split_whitespace() {
            match word.split_once('=') {
                Some((name, value)) if !name.is_empty() && !value.is_empty() => {
                    let name = environment::one_name(name).to_owned();
                    scope.labels.insert(name, value.trim_matches('"').to_owned());
                }
                Some(_) | None => service.push(word),
            }
        }
        let named = service.join(" ");
        match self.environment_called(&named) {
            Some((name, value)) => {
                scope.labels.insert(name.to_owned(), value.to_owned());
            }
            None => scope.service = Some(named).filter(|named| !named.is_empty()),
        }
        scope
    }

    /// The only environment of a value that no service has for its name.
    fn environment_called(&self, value: &str) -> Option<(&str, &str)> {
        let all = self.environments.iter().filter_map(|known| known.split_once('='));
        let mut called = all.filter(|(_, known)| *known == value);
        let only = called.next().filter(|_| called.next().is_none());
        only.filter(|_| !self.services.contains(value))
    }

    /// That nothing in hand is of what was typed, with what is near it; nothing where something is, or where nothing is
    /// in hand. In one safe line.
    pub(super) fn unknown(&self, scope: &Scope) -> Option<String> {
        // Of a label that is none of an environment nothing is known here.
        let told = |name: &str| {
            let mut names = self.environments.iter().filter_map(|known| known.split_once('='));
            names.any(|(known, _)| known == name)
        };
        let labels = scope.labels.iter().filter(|(name, _)| told(name));
        let labels = labels.map(|(name, value)| format!("{name}={value}"));
        let mut missing: Vec<(String, &BTreeSet<String>)> =
            labels.map(|label| (label, &self.environments)).collect();
        missing.extend(scope.service.clone().map(|service| (service, &self.services)));
        missing.retain(|(name, known)| !known.is_empty() && !known.contains(name));
        let near = missing.iter().filter_map(|(name, known)| near(name, known));
        let near: Vec<&str> = near.collect();
        let names: Vec<&str> = missing.iter().map(|(name, _)| name.as_str()).collect();
        let mut said = match names.as_slice() {
            [] => return None,
            names => format!("not seen so far: {}", names.join(" or ")),
        };
        if !near.is_empty() {
            said.push_str("; near: ");
            said.push_str(&near.join(", "));
        }
        Some(SafeText::line(&said).into_string())
    }
}

/// What is near of what is known: of a label's value among the values of that label, for the label is theirs alike.
fn near<'a>(name: &str, known: &'a BTreeSet<String>) -> Option<&'a str> {
    let label = name
        .split_once('=')
        .map_or("", |(label, _)| &name[..=label.len()]);
    let values = known.iter().filter_map(|known| known.strip_prefix(label));
    let value = nearest(&name[label.len()..], values)?;
    known.get(&format!("{label}{value}")).map(String::as_str)
}

/// As which label of the environment a bare name was taken.
pub(super) fn taken_as(typed: &str, scope: &Scope) -> Option<String> {
    let (name, value) = scope.labels.first_key_value()?;
    let said = format!("taken as {name}={value}: no service in hand is called so");
    (typed.trim() == value).then(|| SafeText::line(&said).into_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Places {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Places {
            services: set(&["checkout", "payment"]),
            environments: set(&[
                "cluster=prod-eu",
                "cluster=prod-us",
                "namespace=shop",
                "region=shop eu",
            ]),
        }
    }

    fn read(typed: &str) -> (Option<String>, Vec<String>) {
        let scope = known().read(typed);
        let labels = scope.labels.iter().map(|(name, value)| format!("{name}={value}"));
        (scope.service, labels.collect())
    }

    #[test]
    fn a_service_an_environment_or_both_are_typed() {
        let service = |name: &str| Some(name.to_owned());
        assert_eq!(read("checkout"), (service("checkout"), vec![]));
        assert_eq!(
            read("cluster=prod-eu"),
            (None, vec!["cluster=prod-eu".to_owned()])
        );
        assert_eq!(
            read("checkout k8s_cluster_name=\"prod-eu\" tier=gold"),
            (
                service("checkout"),
                vec!["cluster=prod-eu".to_owned(), "tier=gold".to_owned()]
            )
        );
        assert_eq!(read("prod-us"), (None, vec!["cluster=prod-us".to_owned()]));
        assert_eq!(
            read("payment region=shop eu"),
            (service("payment"), vec!["region=shop eu".to_owned()])
        );
        assert_eq!(read("prod"), (service("prod"), vec![]));
        assert_eq!(read("my shop cluster="), (service("my shop cluster="), vec![]));
    }

    #[test]
    fn what_nothing_in_hand_is_of_is_said_with_what_is_near() {
        let said = |typed: &str| known().unknown(&known().read(typed));
        assert_eq!(said("checkout cluster=prod-eu"), None);
        assert_eq!(
            said("chekout").unwrap(),
            "not seen so far: chekout; near: checkout"
        );
        assert_eq!(said("qqq").unwrap(), "not seen so far: qqq");
        assert_eq!(
            said("cluster=nosuch").unwrap(),
            "not seen so far: cluster=nosuch",
            "that both are clusters makes them no nearer"
        );
        assert_eq!(said("checkout tier=gold"), None, "a label that is not looked at");
        assert_eq!(
            said("chekout cluster=prod-ue").unwrap(),
            "not seen so far: cluster=prod-ue or chekout; near: cluster=prod-eu, checkout"
        );
        assert_eq!(
            Places::default().unknown(&Scope::of_service("chekout")),
            None,
            "nothing is known"
        );
    }
}
