//! Drafts on their way to the disk: of each the newest alone, so that none is ever refused, however slow the disk is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::outbox::Office;
use crate::app::toast::Level;
use crate::app::{DraftKind, Msg};
use crate::domain::incident::IncidentId;

/// What could not be kept is tried again so much later, unless something newer takes its place before.
const RETRY: Duration = Duration::from_secs(5);

/// Which draft.
type Key = (DraftKind, Option<IncidentId>);

/// What waits to be kept. Cheap to clone.
#[derive(Clone)]
pub(super) struct Tray(Arc<watch::Sender<BTreeMap<Key, String>>>);

impl Tray {
    /// An empty one.
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(BTreeMap::new())))
    }

    /// Has a text kept in the place of what waits for the same; an empty one is forgotten on the disk too.
    pub(super) fn put(&self, kind: DraftKind, incident: Option<IncidentId>, text: String) {
        self.0.send_modify(|waiting| {
            waiting.insert((kind, incident), text);
        });
    }

    fn take(&self) -> Option<(Key, String)> {
        let mut taken = None;
        self.0.send_if_modified(|waiting| {
            taken = waiting.pop_first();
            false
        });
        taken
    }

    /// Keeps what is put in, for ever.
    pub(super) async fn run(self, office: Office, results: mpsc::Sender<Msg>) {
        let mut put = self.0.subscribe();
        let mut said = None;
        loop {
            let Some((key, text)) = self.take() else {
                if put.changed().await.is_err() {
                    return;
                }
                continue;
            };
            match keep(&office, &key, &text).await {
                Ok(()) => said = None,
                Err(why) => {
                    // What was put in meanwhile is newer.
                    self.0.send_if_modified(|waiting| {
                        waiting.entry(key).or_insert(text);
                        false
                    });
                    if said.as_ref() != Some(&why) {
                        said = Some(why.clone());
                        let level = Level::Warn;
                        let _ = results.send(Msg::Said { level, text: why }).await; // nobody is left to tell
                    }
                    let _ = tokio::time::timeout(RETRY, put.changed()).await; // the time is over, or there is more
                }
            }
        }
    }

    /// Keeps what waits now: the process is about to stop.
    pub(super) async fn empty(&self, office: &Office) {
        while let Some((key, text)) = self.take() {
            // Nobody is left to be told of a disk that does not take it.
            let _ = keep(office, &key, &text).await;
        }
    }
}

async fn keep(office: &Office, (kind, incident): &Key, text: &str) -> Result<(), String> {
    office.keep_draft(*kind, incident.as_ref(), text).await
}
