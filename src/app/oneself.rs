//! Who acts here ([`Us`]), and whose pages are theirs. Everywhere on the screen that is `you`; the top bar says by which name.

use super::Model;
use crate::domain::incident::Person;
use crate::domain::oneself::Us;

impl Model {
    /// The names by which sources know who acts here.
    pub fn us(&self) -> Us {
        let board = self.incidents.feed.value();
        let acting = board.and_then(|board| board.acting_as.as_ref());
        Us::of(&self.settings.identity, acting.map(|acting| &acting.person))
    }

    /// Whether what wakes a person wakes who acts here: by the id that their keeper gave, where it did. A namesake's page
    /// is not ours, and a namesake in the roster tells nothing of us.
    pub fn is_paged_with(&self, person: &Person) -> bool {
        let board = self.incidents.feed.value();
        match board.and_then(|board| board.acting_as.as_ref()) {
            Some(acting) => acting.person.id == person.id,
            None => self.us().are_person(person),
        }
    }
}
