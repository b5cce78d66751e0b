//! What each backend calls a service, where that is not what the others call it.
//!
//! The console speaks of a service by one name, that of its SLOs and alerts unless the configuration says otherwise
//! (`[contexts.X.service_map]`). On the way to a backend it becomes that backend's name ([`ServiceMap::theirs`]), and
//! what a backend tells becomes ours again ([`ServiceMap::ours`]). A backend may have a service of its own by the name of
//! one of ours that it calls otherwise: that one goes by `logs:checkout` here, and is none of ours.

use std::collections::BTreeMap;
use std::fmt;

/// Labels that name a service, the first that is there, where the configuration names none.
pub const DEFAULT_LABELS: [&str; 5] = ["service", "service_name", "service.name", "job", "app"];

/// Who calls a service by a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Caller {
    /// SLOs, however they are defined.
    Slos,
    /// Alerts.
    Alerts,
    /// The log backend.
    Logs,
    /// The trace backend.
    Traces,
    /// The keeper of incidents.
    Incidents,
}

impl Caller {
    /// All.
    pub const ALL: [Self; 5] = [
        Self::Slos,
        Self::Alerts,
        Self::Logs,
        Self::Traces,
        Self::Incidents,
    ];

    /// As the configuration writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Slos => "slos",
            Self::Alerts => "alerts",
            Self::Logs => "logs",
            Self::Traces => "traces",
            Self::Incidents => "incidents",
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// What each backend calls each service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceMap {
    /// Label names that say the service, as alerts and lines are read; for what is said where nothing is found.
    pub labels: Vec<String>,
    names: BTreeMap<Caller, BTreeMap<String, String>>,
    /// Services that bear the name of one of ours there and are another: theirs to what they go by here.
    strangers: BTreeMap<Caller, BTreeMap<String, String>>,
}

impl ServiceMap {
    /// Of the labels that name a service, and names that differ: ours to theirs.
    pub fn new(labels: Vec<String>, names: BTreeMap<Caller, BTreeMap<String, String>>) -> Self {
        let strangers = names.iter().map(|(caller, names)| {
            let is_called = |name: &String| names.values().any(|theirs| theirs == name);
            let strange = names.keys().filter(|name| !is_called(name));
            let called = strange.map(|name| (name.clone(), format!("{caller}:{name}")));
            (*caller, called.collect())
        });
        Self {
            strangers: strangers.collect(),
            labels,
            names,
        }
    }

    /// What somebody calls a service of ours.
    pub fn theirs<'a>(&'a self, caller: Caller, ours: &'a str) -> &'a str {
        let mapped = self.names(caller).and_then(|names| names.get(ours));
        let of_their_own = || {
            let strangers = self.strangers.get(&caller).into_iter().flatten();
            let mut known = strangers.filter(|(_, name)| *name == ours);
            known.next().map(|(theirs, _)| theirs)
        };
        mapped.or_else(of_their_own).map_or(ours, String::as_str)
    }

    /// Whether a name that somebody has for a service is the one of a service of ours. What names none is of none.
    pub fn is_of(&self, caller: Caller, theirs: &str, ours: &str) -> bool {
        !theirs.is_empty() && self.theirs(caller, ours) == theirs
    }

    /// What we call a service of theirs.
    pub fn ours<'a>(&'a self, caller: Caller, theirs: &'a str) -> &'a str {
        let names = self.names(caller).into_iter().flatten();
        let mut ours = names.filter(|(_, known)| *known == theirs).map(|(ours, _)| ours);
        let strange = || self.strangers.get(&caller)?.get(theirs);
        ours.next().or_else(strange).map_or(theirs, String::as_str)
    }

    /// Whether a name is one that anybody here has for a service of ours.
    pub fn means(&self, name: &str, ours: &str) -> bool {
        let theirs = self.names.values().filter_map(|names| names.get(ours));
        theirs
            .map(String::as_str)
            .chain([ours])
            .any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Names that differ, for somebody: ours to theirs.
    pub fn names(&self, caller: Caller) -> Option<&BTreeMap<String, String>> {
        self.names.get(&caller)
    }

    /// `checkout (logs: checkout-api)`: under which names a service is looked for, for those who call it otherwise.
    pub fn tried(&self, ours: &str, callers: &[Caller]) -> String {
        let others: Vec<String> = callers
            .iter()
            .filter_map(|caller| {
                let theirs = self.theirs(*caller, ours);
                (theirs != ours).then(|| format!("{caller}: {theirs}"))
            })
            .collect();
        if others.is_empty() {
            ours.to_owned()
        } else {
            format!("{ours} ({})", others.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_theirs_on_the_way_out_and_ours_on_the_way_in() {
        let names = BTreeMap::from([("checkout".to_owned(), "checkout-api".to_owned())]);
        let map = ServiceMap::new(Vec::new(), BTreeMap::from([(Caller::Logs, names)]));
        assert_eq!(map.theirs(Caller::Logs, "checkout"), "checkout-api");
        assert_eq!(map.theirs(Caller::Traces, "checkout"), "checkout");
        assert_eq!(map.ours(Caller::Logs, "checkout-api"), "checkout");
        assert_eq!(map.ours(Caller::Logs, "cart"), "cart");
        assert!(
            map.is_of(Caller::Logs, "checkout-api", "checkout") && map.is_of(Caller::Logs, "cart", "cart")
        );
        assert!(
            !map.is_of(Caller::Logs, "checkout", "checkout"),
            "theirs is another service"
        );
        let strange = map.ours(Caller::Logs, "checkout");
        assert_eq!(strange, "logs:checkout", "nor does it bear our name here");
        assert_eq!(
            map.theirs(Caller::Logs, strange),
            "checkout",
            "it is asked for by its own"
        );
        assert!(map.is_of(Caller::Logs, "checkout", strange));
        assert_eq!(map.ours(Caller::Traces, "checkout"), "checkout");
        let swapped = [("a", "b"), ("b", "a"), ("c", "c")].map(|(ours, theirs)| (ours.into(), theirs.into()));
        let swapped = ServiceMap::new(Vec::new(), BTreeMap::from([(Caller::Logs, swapped.into())]));
        for (theirs, ours) in [("a", "b"), ("b", "a"), ("c", "c")] {
            assert_eq!(swapped.ours(Caller::Logs, theirs), ours);
        }
        assert!(!map.is_of(Caller::Logs, "", ""));
        assert!(map.means("checkout-api", "checkout") && map.means("Checkout", "checkout"));
        assert!(!map.means("checkout-api", "cart") && !map.means("cart", "checkout"));
        assert_eq!(
            map.tried("checkout", &[Caller::Alerts, Caller::Logs]),
            "checkout (logs: checkout-api)"
        );
        assert_eq!(map.tried("cart", &Caller::ALL), "cart");
    }
}
