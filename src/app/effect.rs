//! What `update` asks the runtime to do: data, so that a test can compare it.

use std::sync::Arc;

use super::acts::{Act, ActId};
use super::focus::Layout;
use crate::domain::alert::desk::Arrangement;
use crate::domain::alert::{Fingerprint, Labels, Matcher};

/// Something to be done outside the model.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Arrange the alert board so, now and from now on.
    Arrange(Arrangement),
    /// Ask every backend now.
    Refresh,
    /// Carry out an act; answered by `Msg::ActFinished`.
    Carry {
        /// Its number.
        id: ActId,
        /// What.
        act: Act,
    },
    /// What a silence would have hidden of the last hours; answered by `Msg::SilencePast`.
    FetchSilencePast {
        /// The question's number.
        seq: u64,
        /// Its matchers.
        matchers: Vec<Matcher>,
    },
    /// When an alert fired during the last day; answered by `Msg::AlertHistory`.
    FetchAlertHistory {
        /// Which.
        fingerprint: Fingerprint,
        /// Its labels.
        labels: Labels,
    },
    /// Copy to the person's clipboard; answered by a toast.
    Copy {
        /// What it is, for the toast.
        what: &'static str,
        /// The text.
        text: String,
    },
    /// Ring the bell.
    Ring,
    /// Repaint the whole screen.
    Repaint,
    /// Stop the process as ctrl-z does.
    Suspend,
    /// Remember the layout.
    SaveLayout(Layout),
    /// Open another context.
    SwitchContext(String),
    /// Draw with another theme.
    SwitchTheme(Arc<str>),
    /// End.
    Quit,
}
