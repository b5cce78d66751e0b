//! Who acts here, by whatever name a source has for them: the identity of the configuration, and the person that the
//! keeper of incidents takes its token for. Where people are told of, that is `you`. Start at [`Us::of`].

use std::sync::Arc;

use super::incident::Person;

/// What whoever acts here is called.
pub const YOU: &str = "you";

/// Names by which sources know whoever acts here; the default is nobody.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Us {
    names: Vec<Arc<str>>,
    /// The keeper's name for us, by which colleagues know us.
    known_as: Option<Arc<str>>,
}

impl Us {
    /// The identity, and whom the keeper takes us for, as far as it told. Who is written with an address is known by its
    /// first half, too.
    pub fn of(identity: &str, keeper: Option<&Person>) -> Self {
        let short = identity.split_once('@').map(|(short, _)| short);
        let own = [Some(identity), short].into_iter().flatten().map(Arc::from);
        let theirs = keeper.into_iter().flat_map(|person| {
            let named = [&person.id, &person.name].into_iter();
            named.chain(&person.email).cloned()
        });
        Self {
            names: own.chain(theirs).filter(|name| !name.is_empty()).collect(),
            known_as: keeper
                .map(|person| Arc::clone(&person.name))
                .filter(|name| !name.is_empty()),
        }
    }

    /// The one name for what others read: the keeper's for us where a name is ours and it told; nothing where the name
    /// stays as it is.
    pub fn known_as(&self, name: &str) -> Option<&Arc<str>> {
        self.known_as.as_ref().filter(|_| self.are(name))
    }

    /// Whether a name, an address or an id is one of ours.
    pub fn are(&self, name: &str) -> bool {
        self.names.iter().any(|ours| ours.eq_ignore_ascii_case(name))
    }

    /// Whether a person is who acts here.
    pub fn are_person(&self, person: &Person) -> bool {
        let email = person.email.as_deref();
        self.are(&person.id) || self.are(&person.name) || email.is_some_and(|email| self.are(email))
    }

    /// A name, which is `you` for whoever acts here; remote text, not yet safe.
    pub fn called<'n>(&self, name: &'n str) -> &'n str {
        if self.are(name) { YOU } else { name }
    }

    /// A person's name, which is `you` for whoever acts here; remote text, not yet safe.
    pub fn person<'n>(&self, person: &'n Person) -> &'n str {
        if self.are_person(person) {
            YOU
        } else {
            &person.name
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: &str, name: &str, email: Option<&str>) -> Person {
        Person {
            id: id.into(),
            name: name.into(),
            email: email.map(Into::into),
            phone: None,
        }
    }

    #[test]
    fn who_acts_here_is_known_by_identity_its_first_half_and_whom_the_keeper_takes_us_for() {
        let us = Us::of(
            "jun@example.com",
            Some(&person("P7", "Jun Ito", Some("j.ito@corp.example"))),
        );
        for name in [
            "jun@example.com",
            "Jun@Example.com",
            "jun",
            "P7",
            "jun ito",
            "J.Ito@corp.example",
        ] {
            assert!(us.are(name), "{name}");
        }
        for name in ["", "mara", "junior", "ito"] {
            assert!(!us.are(name), "{name}");
        }
        assert_eq!(us.called("Jun"), "you");
        assert_eq!(
            us.known_as("jun@example.com").map(|name| &**name),
            Some("Jun Ito")
        );
        assert_eq!(us.known_as("mara"), None);
        assert_eq!(Us::of("jun@example.com", None).known_as("jun"), None);
        assert_eq!(us.called("Mara"), "Mara");
        let by = |person| us.person(&person).to_owned();
        assert_eq!(by(person("P7", "J. Ito", None)), "you", "by the id");
        assert_eq!(
            by(person("X", "J. Ito", Some("JUN@example.com"))),
            "you",
            "by the address"
        );
        assert_eq!(by(person("X", "Jun Ito", None)), "you", "by the name");
        assert_eq!(by(person("X", "Mara", Some("mara@example.com"))), "Mara");
    }

    #[test]
    fn without_an_identity_nobody_is_meant() {
        let us = Us::of("", None);
        assert_eq!(us, Us::default());
        assert!(!us.are("") && !us.are_person(&person("", "", Some(""))));
        assert!(!Us::of("@", None).are(""));
    }
}
