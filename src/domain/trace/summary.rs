//! Traces in a list: what a search asks for, and what it tells of each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Nanos, Status, Trace, TraceId};

/// Which traces of a source are wanted; the source says it in its own language, every value quoted. All that
/// is given must hold; backends differ in whether of one span or of several.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Wanted {
    /// With a span of this service.
    pub service: Option<Arc<str>>,
    /// With a span of this operation.
    pub operation: Option<Arc<str>>,
    /// With a span that took so long at least.
    pub at_least: Option<Duration>,
    /// With a span that took no longer.
    pub at_most: Option<Duration>,
    /// Which outcome.
    pub outcome: Outcome,
    /// With a span that has these attributes.
    pub tags: Vec<(Arc<str>, Arc<str>)>,
    /// In the source's own language (TraceQL), passed through as it is. Empty for all.
    pub query: String,
}

/// Which outcome a search is after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Outcome {
    /// Any.
    #[default]
    Any,
    /// With an error in it.
    Failed,
}

/// A trace in a list. What the source does not tell is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Which.
    pub id: TraceId,
    /// The service of its root.
    pub service: Option<Arc<str>>,
    /// The operation of its root.
    pub operation: Option<Arc<str>>,
    /// When it began.
    pub start: Nanos,
    /// How long it took.
    pub duration: Duration,
    /// What that is the duration of.
    pub lasted: Lasted,
    /// How many spans.
    pub spans: Option<u32>,
    /// How many of them failed.
    pub errors: Option<u32>,
    /// How many have no parent that came.
    pub orphans: Option<u32>,
    /// Its services, by name.
    pub services: Vec<ServiceShare>,
    /// Whether the source had all of it.
    pub whole: Whole,
}

/// What the duration of a trace is of. Wherever a trace has one duration it is this one: in lists, their order and
/// percentiles, at the head of its waterfall, in comparisons and documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Lasted {
    /// Of its root: what whoever sent the request waited for. Consumers may well go on for long behind it.
    Root,
    /// From its first moment to its last: it has no root, or several, or the source tells no more.
    #[default]
    Whole,
}

impl Lasted {
    /// As documents say it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Whole => "trace",
        }
    }
}

/// Whether something is all there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Whole {
    /// As far as the source says.
    #[default]
    Yes,
    /// The source says that it is not.
    No,
}

/// A service's part in a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceShare {
    /// Which service.
    pub name: Arc<str>,
    /// Its spans.
    pub spans: u32,
    /// Those of them that failed.
    pub errors: u32,
}

impl Summary {
    /// Of a trace in hand.
    pub fn of(trace: &Trace) -> Self {
        let root = trace.span(trace.primary());
        let mut services: BTreeMap<&Arc<str>, (u32, u32)> = BTreeMap::new();
        let (mut errors, mut orphans) = (0, 0);
        for span in trace.spans() {
            let failed = u32::from(span.status == Status::Error);
            let share = services.entry(span.service).or_default();
            share.0 += 1;
            share.1 += failed;
            errors += failed;
            orphans += u32::from(matches!(span.standing, super::Standing::Orphan { .. }));
        }
        let (duration, lasted) = trace.took();
        Self {
            id: trace.id(),
            service: Some(Arc::clone(root.service)),
            operation: Some(Arc::clone(root.operation)),
            start: trace.extent().from,
            duration,
            lasted,
            spans: Some(trace.len() as u32),
            errors: Some(errors),
            orphans: Some(orphans),
            services: services
                .into_iter()
                .map(|(name, (spans, errors))| ServiceShare {
                    name: Arc::clone(name),
                    spans,
                    errors,
                })
                .collect(),
            whole: if trace.remarks().iter().any(super::Remark::is_loss) {
                Whole::No
            } else {
                Whole::Yes
            },
        }
    }
}
