//! What happens to local incidents by itself.

use std::sync::Arc;

use super::Severity;
use crate::domain::alert::Matcher;

/// `[[declare]]`: alerts that open an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclareRule {
    /// All must match.
    pub matchers: Vec<Matcher>,
    /// How bad.
    pub severity: Severity,
    /// Its title; made from the alerts where none.
    pub title: Option<Arc<str>>,
    /// Its service; the alert's where none.
    pub service: Option<Arc<str>>,
    /// Its policy; the service's where none.
    pub policy: Option<Arc<str>>,
}
