//! How the record of acts stands, for the header and the health screen: what the journal and the forwarder say.

use std::sync::Arc;

use tokio::sync::watch;

use crate::app::record::{ForwardState, Forwarding, RecordHealth, Trouble};
use crate::journal::Journal;
use crate::runtime::audit_forward::{self, ForwardStatus};

/// Where lines are forwarded to, in words, and how that goes.
pub(super) type Forward = (Arc<str>, watch::Receiver<ForwardStatus>);

/// Tells it whenever something of it changed. An idle console reads nothing.
pub(super) async fn tell(
    journal: Journal,
    mut forward: Option<Forward>,
    out: watch::Sender<Option<RecordHealth>>,
) {
    let mut trouble = journal.trouble();
    let mut damage = journal.damage();
    let mut changes = journal.changes();
    loop {
        changes.mark_unchanged();
        let why = trouble.borrow_and_update().clone();
        let damaged = damage.borrow_and_update().clone();
        let damaged = damaged.map(|error| Trouble::NoJournal(error.to_string().into()));
        let said = RecordHealth {
            trouble: damaged.or(why.map(Trouble::AuditLog)),
            forward: match &mut forward {
                Some((to, status)) => {
                    let status = status.borrow_and_update().clone();
                    Some(stand(&journal, Arc::clone(to), &status).await)
                }
                None => None,
            },
        };
        out.send_if_modified(|held| {
            let is_new = held.as_ref() != Some(&said);
            *held = Some(said);
            is_new
        });
        let forwards = forward.is_some();
        let stepped = async {
            match &mut forward {
                Some((_, status)) => status.changed().await.is_ok(),
                None => std::future::pending().await,
            }
        };
        let goes_on = tokio::select! {
            heard = trouble.changed() => heard.is_ok(),
            heard = damage.changed() => heard.is_ok(),
            heard = stepped => heard,
            // Lines of others wait too, or were sent by them.
            heard = changes.changed(), if forwards => heard.is_ok(),
        };
        if !goes_on {
            return;
        }
    }
}

async fn stand(journal: &Journal, to: Arc<str>, status: &ForwardStatus) -> Forwarding {
    let (last, waiting) = journal.read(audit_forward::stand).await.unwrap_or_default();
    Forwarding {
        to,
        state: match status {
            ForwardStatus::Starting => ForwardState::Starting,
            ForwardStatus::UpToDate(_) => ForwardState::UpToDate,
            ForwardStatus::ByAnother => ForwardState::ByAnother,
            ForwardStatus::Failing { why, .. } => ForwardState::Failing(Arc::clone(why)),
        },
        last,
        waiting,
    }
}
