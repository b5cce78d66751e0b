//! Tempo's lists. Ids come with their leading zeros stripped, times as texts or numbers, zeros not at all.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::backend::traces::ids;
use crate::backend::traces::numbers::whole;
use crate::domain::trace::summary::{Lasted, Whole};
use crate::domain::trace::{Nanos, ServiceShare, Summary};

/// What a search found.
#[derive(Deserialize)]
pub(super) struct Found {
    #[serde(default = "Vec::new")]
    pub(super) traces: Vec<Told>,
}

/// A trace of a list.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Told {
    #[serde(rename = "traceID", alias = "traceId")]
    trace_id: String,
    root_service_name: Arc<str>,
    root_trace_name: Arc<str>,
    #[serde(deserialize_with = "whole")]
    start_time_unix_nano: u64,
    #[serde(deserialize_with = "whole")]
    duration_ms: u64,
    service_stats: Option<BTreeMap<Arc<str>, Stats>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Stats {
    span_count: u32,
    error_count: u32,
}

impl Told {
    /// `None` without an id: it could not be opened.
    pub(super) fn summary(self) -> Option<Summary> {
        // `<root span not yet received>`
        let named = |name: Arc<str>| Some(name).filter(|name| !name.is_empty() && !name.starts_with('<'));
        let sum = |count: fn(&Stats) -> u32| {
            let stats = self.service_stats.as_ref()?;
            Some(stats.values().map(count).fold(0, u32::saturating_add))
        };
        Some(Summary {
            id: ids::trace(self.trace_id.as_bytes())?,
            service: named(self.root_service_name),
            operation: named(self.root_trace_name),
            start: Nanos(i64::try_from(self.start_time_unix_nano).unwrap_or(i64::MAX)),
            duration: Duration::from_millis(self.duration_ms),
            lasted: Lasted::Whole,
            spans: sum(|stats| stats.span_count),
            errors: sum(|stats| stats.error_count),
            orphans: None,
            services: self
                .service_stats
                .into_iter()
                .flatten()
                .map(|(name, stats)| ServiceShare {
                    name,
                    spans: stats.span_count,
                    errors: stats.error_count,
                })
                .collect(),
            whole: Whole::Yes,
        })
    }
}

/// Values of an attribute.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Values {
    #[serde(default = "Vec::new")]
    pub(super) tag_values: Vec<Value>,
}

/// A value: with its type since v2, a text before.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Value {
    Text(Arc<str>),
    Typed {
        #[serde(default)]
        value: Arc<str>,
    },
}

impl Value {
    pub(super) fn text(self) -> Arc<str> {
        match self {
            Self::Text(text) | Self::Typed { value: text } => text,
        }
    }
}
