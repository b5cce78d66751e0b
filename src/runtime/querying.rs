//! A PromQL query that somebody typed, asked once.

use std::sync::Arc;

use crate::app::query::{QueryAsk, QueryResult, QueryTrouble, read, trouble};
use crate::backend::metrics::Metrics;

/// Asks it over its range.
pub(super) async fn ask(metrics: Option<Arc<dyn Metrics>>, ask: &QueryAsk) -> QueryResult {
    let Some(metrics) = metrics else {
        return Err(QueryTrouble {
            words: "no metrics backend is configured".to_owned(),
            mend: None,
            place: None,
        });
    };
    let asked = metrics.range(ask.text.clone(), ask.from, ask.to, ask.step).await;
    match asked {
        Ok(answered) => Ok(Arc::new(read(answered, ask))),
        Err(error) => Err(trouble(&error)),
    }
}
