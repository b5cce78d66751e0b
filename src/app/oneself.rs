//! Who acts here, by whatever name a source has for them: the identity of the configuration, and the person that the
//! keeper of incidents takes its token for. Everywhere on the screen that is `you`; the top bar says by which name.

use super::Model;
use crate::domain::incident::Person;
use crate::domain::timeline::Us;

impl Model {
    /// The names by which sources know who acts here.
    pub fn us(&self) -> Us {
        Us(self.our_names().map(Into::into).collect())
    }

    /// Whether a name, an address or an id is that of who acts here.
    pub fn is_us(&self, who: &str) -> bool {
        self.our_names().any(|ours| ours.eq_ignore_ascii_case(who))
    }

    /// Whether a person is who acts here.
    pub fn is_our_person(&self, person: &Person) -> bool {
        let email = person.email.as_deref();
        self.is_us(&person.id) || self.is_us(&person.name) || email.is_some_and(|email| self.is_us(email))
    }

    /// Whether what wakes a person wakes who acts here: by the id that their keeper gave, where it did. A namesake's page
    /// is not ours, and a namesake in the roster tells nothing of us.
    pub fn is_paged_with(&self, person: &Person) -> bool {
        let board = self.incidents.feed.value();
        match board.and_then(|board| board.acting_as.as_ref()) {
            Some(acting) => acting.person.id == person.id,
            None => self.is_our_person(person),
        }
    }

    fn our_names(&self) -> impl Iterator<Item = &str> {
        let identity = self.settings.identity.as_str();
        // Who is written with an address is known by its first half, too.
        let short = identity.split_once('@').map(|(short, _)| short);
        let board = self.incidents.feed.value();
        let acting = board.and_then(|board| board.acting_as.as_ref());
        let theirs = acting.into_iter().flat_map(|acting| {
            let person = &acting.person;
            [Some(&*person.id), Some(&*person.name), person.email.as_deref()]
        });
        [Some(identity), short]
            .into_iter()
            .chain(theirs)
            .flatten()
            .filter(|name| !name.is_empty())
    }
}
