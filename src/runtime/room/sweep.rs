//! Forgets what was settled long ago, a slice at a time: the journal of a host stays small however long it is used.

use std::sync::Arc;
use std::time::Duration;

use crate::journal::{Journal, outbox};
use crate::runtime::audit_forward;
use crate::time::Clock;

/// Between two slices, so that no act waits long for the journal.
const PAUSE: Duration = Duration::from_secs(1);
/// Between two rounds.
const ROUND: Duration = Duration::from_secs(6 * 3_600);

/// Whether the audit log is sent on: then what was not sent is not forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Forwards {
    Yes,
    No,
}

/// Sweeps for ever. Without an act that is old enough it reads a few index pages a round.
pub(super) async fn sweep(journal: Journal, context: Arc<str>, forwards: Forwards, clock: Clock) {
    loop {
        let (of, now) = (Arc::clone(&context), clock.now().utc);
        let forgotten = journal
            .write(move |tx| {
                let forwarded = match forwards {
                    Forwards::Yes => Some(audit_forward::position(tx)?),
                    Forwards::No => None,
                };
                outbox::forget(tx, &of, now, forwarded)
            })
            .await;
        // What cannot be forgotten now can be the next time.
        let wait = if forgotten.is_ok_and(|forgotten| forgotten > 0) {
            PAUSE
        } else {
            ROUND
        };
        tokio::time::sleep(wait).await;
    }
}
