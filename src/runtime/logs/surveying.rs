//! How the files are that lines come from: looked at now and then, for whoever asks whether all is well.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::backend::logs::{Logs, Survey};
use crate::time::Tick;

/// How often they are looked at.
const EVERY: Duration = Duration::from_secs(10);

/// Files, looked at again and again.
#[derive(Default)]
pub(super) struct Surveying {
    /// Under way.
    pub asking: Option<BoxFuture<'static, Option<Survey>>>,
    /// How they were last.
    pub files: Option<Arc<Survey>>,
    /// When they are looked at again; never where a server keeps the lines.
    pub next: Option<Tick>,
}

impl Surveying {
    /// Looks at them.
    pub fn ask(&mut self, source: &Arc<dyn Logs>) {
        let source = Arc::clone(source);
        self.next = None;
        self.asking = Some(Box::pin(async move { source.survey().await }));
    }

    /// They were looked at; whether anything is new.
    pub fn answered(&mut self, survey: Option<Survey>, now: Tick) -> bool {
        self.asking = None;
        let Some(survey) = survey else { return false };
        self.next = Some(now + EVERY);
        let is_new = self.files.as_deref() != Some(&survey);
        if is_new {
            self.files = Some(Arc::new(survey));
        }
        is_new
    }
}

/// Waits for what is under way; for ever where nothing is.
pub(super) async fn surveyed(asking: &mut Option<BoxFuture<'static, Option<Survey>>>) -> Option<Survey> {
    match asking {
        Some(asking) => asking.await,
        None => pending().await,
    }
}
