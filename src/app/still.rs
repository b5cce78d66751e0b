//! Whether anything but the clock moves by the second.

use std::time::Duration;

use super::Model;
use super::cost::Shown;
use crate::outbox::State;
use crate::time::Now;

/// A count-down tells its seconds only where they matter: a screen at rest costs nothing.
pub const SECONDS_BELOW: Duration = Duration::from_secs(300);

/// Where only the clock moves, everything is drawn again at least so often: ages go in steps that are larger, and an
/// axis moves by a cell or two.
pub const STEP: Duration = Duration::from_secs(5);

impl Model {
    /// Whether time alone changes nothing on the screen within [`STEP`] but the clock of the first row, and ages by a
    /// step. What counts seconds is not still: what is about to be done, sent or running, passing words, a count-down
    /// of an incident; nor is what has the keys, or lies open, whatever it shows.
    pub fn is_still(&self, now: Now) -> bool {
        self.modal.is_none()
            && self.details.is_empty()
            && self.pending_keys.is_empty()
            && self.toasts.all().is_empty()
            && self.acts.pending.is_empty()
            // How long an escalation waits is told of by time alone.
            && self.outbox.open().all(|entry| entry.state == State::NeedsDecision)
            && self.running.is_none()
            && self.drill.is_none()
            && self.cost.shown == Shown::No
            && (self.paused.is_some() || !self.counts_down(now))
    }

    /// Whether a count-down of an incident tells its seconds, or will within [`STEP`].
    fn counts_down(&self, now: Now) -> bool {
        let Some(board) = self.incidents.feed.value() else {
            return false;
        };
        let next = board
            .incidents
            .iter()
            .filter_map(|incident| incident.due.iter().map(|due| due.at).min());
        // One that is over stands at nought.
        next.filter_map(|at| (at - now.utc).to_std().ok())
            .any(|left| left < SECONDS_BELOW + STEP)
    }
}
