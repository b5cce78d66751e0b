//! Annotations: deploy marks and others, read onto the timeline and the charts; moments marked from here.

pub mod grafana;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::BackendResult;
use crate::domain::alert::ack::Marker;

pub mod story;

/// A mark on the time axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// The backend's id.
    pub id: Arc<str>,
    /// From.
    pub at: DateTime<Utc>,
    /// To, where it is a span.
    pub until: Option<DateTime<Utc>>,
    /// Remote text, not yet safe; our marker taken off.
    pub text: Arc<str>,
    /// As they are.
    pub tags: Vec<Arc<str>>,
    /// Who made it, where told.
    pub author: Option<Arc<str>>,
    /// Our marker, where we made it.
    pub marker: Option<Marker>,
}

impl Annotation {
    /// What its tags say of the service that it is about: `service:checkout`.
    pub fn service(&self) -> Option<&str> {
        self.tags.iter().find_map(|tag| tag.strip_prefix("service:"))
    }

    /// Whether it belongs to the story of a service: it names it, or names none and may be anybody's.
    pub fn concerns(&self, service: &str) -> bool {
        let mut named = self.tags.iter().filter_map(|tag| tag.strip_prefix("service:"));
        let is = |named: &str| named.eq_ignore_ascii_case(service);
        self.service().is_none() || named.any(is)
    }

    /// Whether it is a deploy, where a mark with any of these tags is one.
    pub fn is_deploy(&self, deploy_tags: &[String]) -> bool {
        deploy_tags.is_empty()
            || self
                .tags
                .iter()
                .any(|tag| deploy_tags.iter().any(|wanted| **wanted == **tag))
    }
}

/// A mark to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnotationDraft {
    /// From.
    pub at: DateTime<Utc>,
    /// To, where it is a span.
    pub until: Option<DateTime<Utc>>,
    /// What; never empty.
    pub text: String,
    /// Tags, our marker aside.
    pub tags: Vec<String>,
}

/// The annotations backend of one context.
pub trait Annotations: Send + Sync {
    /// Its configured name.
    fn name(&self) -> &Arc<str>;

    /// The longest that a request of it may be under way.
    fn total_timeout(&self) -> Duration;

    /// A mark with any of these tags is a deploy; every mark is one where there are none.
    fn deploy_tags(&self) -> &[String];

    /// Marks from `from` to `to` with any of these tags (all where empty), oldest first; bounded, and whether
    /// some were cut.
    fn list(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        tags: Vec<String>,
    ) -> BoxFuture<'_, BackendResult<Marks>>;

    /// Makes a mark, once; its id. The marker goes into its tags.
    fn create(&self, draft: AnnotationDraft, marker: Marker) -> BoxFuture<'_, BackendResult<Arc<str>>>;

    /// Looks for a mark of ours.
    fn find(&self, at: DateTime<Utc>, marker: Marker) -> BoxFuture<'_, BackendResult<Option<Arc<str>>>>;
}

/// Marks of one answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Marks {
    /// Oldest first.
    pub annotations: Vec<Annotation>,
    /// What is missing, in words.
    pub partial: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_concerns_the_services_that_it_names_or_everybody() {
        let tagged = |tags: &[&str]| Annotation {
            id: "1".into(),
            at: DateTime::UNIX_EPOCH,
            until: None,
            text: "deploy".into(),
            tags: tags.iter().map(|&tag| tag.into()).collect(),
            author: None,
            marker: None,
        };
        assert!(tagged(&["deploy", "service:Checkout"]).concerns("checkout"));
        assert!(tagged(&["service:search", "service:checkout"]).concerns("checkout"));
        assert!(!tagged(&["service:search"]).concerns("checkout"));
        assert!(tagged(&["deploy"]).concerns("checkout") && tagged(&[]).concerns(""));
    }
}
