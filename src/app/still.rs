//! Whether anything but the clock moves by the second.

use std::time::Duration;

use super::Model;
use super::cost::Shown;
use crate::time::Now;

/// A count-down tells its seconds only where they matter: a screen at rest costs nothing.
pub const SECONDS_BELOW: Duration = Duration::from_secs(300);

/// Where only the clock moves, everything is drawn again at least so often: ages and marks of time go in steps that
/// are no smaller.
pub const STEP: Duration = Duration::from_secs(5);

impl Model {
    /// Whether time alone changes nothing on the screen within [`STEP`] but the clock of the first row, and ages by a
    /// step. What counts seconds is not still: what is about to be done or running, passing words, a count-down of
    /// an incident; nor is what has the keys, or lies open, whatever it shows.
    pub fn is_still(&self, now: Now) -> bool {
        let counts_down = self.incidents.feed.value().is_some_and(|board| {
            let due = board.incidents.iter().flat_map(|incident| &incident.due);
            let below = SECONDS_BELOW + STEP;
            due.map(|due| (due.at - now.utc).to_std().unwrap_or_default())
                .any(|left| left < below)
        });
        !counts_down
            && self.modal.is_none()
            && self.details.is_empty()
            && self.pending_keys.is_empty()
            && self.toasts.all().is_empty()
            && self.acts.pending.is_empty()
            && self.running.is_none()
            && self.drill.is_none()
            && self.cost.shown == Shown::No
    }
}
