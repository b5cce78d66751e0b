//! Jaeger's small answers. What a server leaves out is its zero.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::backend::traces::numbers::whole;
use crate::backend::traces::{CountedCall, OperationName, ids};
use crate::domain::trace::summary::{Lasted, Whole};
use crate::domain::trace::{Kind, Nanos, ServiceShare, Summary};

/// `{"services":["a"]}`
#[derive(Deserialize)]
pub(super) struct Services {
    #[serde(default)]
    pub(super) services: Vec<Arc<str>>,
}

/// `{"operations":[…]}`
#[derive(Deserialize)]
pub(super) struct Operations {
    #[serde(default)]
    pub(super) operations: Vec<Operation>,
}

/// The older envelope, whose `data` may be null.
#[derive(Deserialize)]
pub(super) struct Older<T> {
    #[serde(default = "Option::default")]
    pub(super) data: Option<Vec<T>>,
}

/// An operation: an object with its kind, or a name alone.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Operation {
    Name(Arc<str>),
    Full {
        #[serde(default)]
        name: Arc<str>,
        #[serde(default, rename = "spanKind", alias = "span_kind")]
        kind: String,
    },
}

impl Operation {
    pub(super) fn named(self) -> OperationName {
        match self {
            Self::Name(name) => OperationName {
                name,
                kind: Kind::Unspecified,
            },
            Self::Full { name, kind } => OperationName {
                name,
                kind: Kind::from_word(kind.as_bytes()),
            },
        }
    }
}

/// A call between services.
#[derive(Deserialize)]
pub(super) struct Dependency {
    parent: Arc<str>,
    child: Arc<str>,
    #[serde(default, rename = "callCount", deserialize_with = "whole")]
    calls: u64,
}

impl Dependency {
    pub(super) fn counted(self) -> CountedCall {
        CountedCall {
            caller: self.parent,
            called: self.child,
            calls: self.calls,
            errors: None,
        }
    }
}

/// `{"summaries":[…]}`
#[derive(Deserialize)]
pub(super) struct Summaries {
    #[serde(default)]
    pub(super) summaries: Vec<Told>,
}

/// A trace as v3 sums it up.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(super) struct Told {
    trace_id: String,
    root_service_name: Arc<str>,
    root_operation_name: Arc<str>,
    #[serde(deserialize_with = "whole")]
    min_start_time_unix_nano: u64,
    #[serde(deserialize_with = "whole")]
    max_end_time_unix_nano: u64,
    #[serde(deserialize_with = "whole")]
    span_count: u64,
    #[serde(deserialize_with = "whole")]
    error_span_count: u64,
    #[serde(deserialize_with = "whole")]
    orphan_span_count: u64,
    services: Vec<Share>,
}

/// A service's part.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Share {
    name: Arc<str>,
    #[serde(deserialize_with = "whole")]
    span_count: u64,
    #[serde(deserialize_with = "whole")]
    error_span_count: u64,
}

fn count(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl Told {
    /// `None` without an id: it could not be opened.
    pub(super) fn summary(self) -> Option<Summary> {
        let named = |name: Arc<str>| Some(name).filter(|name| !name.is_empty());
        let (from, to) = (self.min_start_time_unix_nano, self.max_end_time_unix_nano);
        Some(Summary {
            id: ids::trace(self.trace_id.as_bytes())?,
            service: named(self.root_service_name),
            operation: named(self.root_operation_name),
            start: Nanos(i64::try_from(from).unwrap_or(i64::MAX)),
            duration: Duration::from_nanos(to.saturating_sub(from)),
            lasted: Lasted::Whole,
            spans: Some(count(self.span_count)),
            errors: Some(count(self.error_span_count)),
            orphans: Some(count(self.orphan_span_count)),
            services: self
                .services
                .into_iter()
                .map(|share| ServiceShare {
                    name: share.name,
                    spans: count(share.span_count),
                    errors: count(share.error_span_count),
                })
                .collect(),
            whole: Whole::Yes,
        })
    }
}
