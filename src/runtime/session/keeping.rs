//! What is asked of whoever keeps incidents, once it is known who that is.

use std::sync::Arc;

use tokio::sync::watch;

use crate::backend::incidents::Directory;
use crate::domain::incident::{IncidentId, Ladder};
use crate::runtime::room::Keepers;

/// Everybody who keeps incidents, once that is known.
pub(super) async fn keepers(mut keepers: watch::Receiver<Option<Keepers>>) -> Keepers {
    match keepers.wait_for(Option::is_some).await {
        Ok(known) => known.clone().unwrap_or_default(),
        // The session is ending.
        Err(_) => Keepers::default(),
    }
}

pub(super) async fn ladder(
    known: watch::Receiver<Option<Keepers>>,
    incident: &IncidentId,
) -> Result<Arc<Ladder>, String> {
    let Some(keeper) = keepers(known).await.of(incident) else {
        return Err("nobody keeps this incident here any more".to_owned());
    };
    let asked = keeper.ladder(incident.clone()).await;
    asked.map(Arc::new).map_err(|error| error.cause())
}

pub(super) async fn left_asleep(keepers: Keepers, incident: &IncidentId) -> Result<(), String> {
    let Some(local) = keepers.local else {
        return Err("not left asleep: there is no journal that keeps it".to_owned());
    };
    match local.leave(incident).await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err("nothing to leave: no level of it waits for a decision".to_owned()),
        Err(error) => Err(format!("not left asleep: {error}")),
    }
}

pub(super) async fn directory(known: watch::Receiver<Option<Keepers>>) -> Result<Arc<Directory>, String> {
    let Some(keeper) = keepers(known).await.first() else {
        return Err("nobody keeps incidents here; add [contexts.X.incidents]".to_owned());
    };
    let asked = keeper.directory().await;
    asked.map(Arc::new).map_err(|error| error.cause())
}
