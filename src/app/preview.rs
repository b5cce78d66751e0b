//! What lies open beside the lists. It follows the cursor once that rests: a key that is held sends the moves
//! alone and not forty rows of what is passed by, which a slow link would have to carry.

use std::time::Duration;

use super::Model;
use super::focus::PaneId;
use super::panes::AlertRow;
use super::traces::TraceRow;
use crate::domain::incident::IncidentId;
use crate::logstore::LineId;
use crate::time::{Now, Tick};

/// How long the cursor stands before what is under it is opened: longer than a held key's repeat, shorter than a
/// reader's eye takes to arrive.
pub const REST: Duration = Duration::from_millis(120);

/// What can lie open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// An SLO, by name.
    Slo(String),
    /// A row of the alert pane.
    Alert(AlertRow),
    /// A log line.
    LogLine(LineId),
    /// A row of the trace pane.
    Trace(TraceRow),
    /// An incident.
    Incident(IncidentId),
}

impl Subject {
    /// Whether the cursor leads from the one to the other: both lie in one list.
    fn beside(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Slo(_), Self::Slo(_))
            | (Self::Alert(_), Self::Alert(_))
            | (Self::LogLine(_), Self::LogLine(_))
            | (Self::Trace(_), Self::Trace(_))
            | (Self::Incident(_), Self::Incident(_)) => true,
            (Self::Slo(_) | Self::Alert(_) | Self::LogLine(_) | Self::Trace(_) | Self::Incident(_), _) => {
                false
            }
        }
    }
}

/// What lies open, and when it is looked at again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preview {
    /// Open now; what is under the cursor where nothing is.
    pub open: Option<Subject>,
    /// When the cursor will have rested.
    pub due: Option<Tick>,
}

impl Model {
    /// Opens what is under the cursor, or says when.
    pub(super) fn settle_preview(&mut self, now: Now) {
        let under = match self.focus {
            PaneId::Slo => self
                .slo
                .list
                .selected
                .as_ref()
                .map(|name| match &self.preview.open {
                    Some(Subject::Slo(open)) if open == name => None,
                    _ => Some(Subject::Slo(name.clone())),
                }),
            PaneId::Alerts => self
                .alerts
                .list
                .selected
                .as_ref()
                .map(|row| match &self.preview.open {
                    Some(Subject::Alert(open)) if open == row => None,
                    _ => Some(Subject::Alert(row.clone())),
                }),
            PaneId::Logs => self.logs.cursor.map(|id| match self.preview.open {
                Some(Subject::LogLine(open)) if open == id => None,
                _ => Some(Subject::LogLine(id)),
            }),
            PaneId::Traces => self.traces.row().map(|row| match &self.preview.open {
                Some(Subject::Trace(open)) if open == row => None,
                _ => Some(Subject::Trace(row.clone())),
            }),
            PaneId::Incident => self
                .incidents
                .list
                .selected
                .as_ref()
                .map(|id| match &self.preview.open {
                    Some(Subject::Incident(open)) if open == id => None,
                    _ => Some(Subject::Incident(id.clone())),
                }),
        };
        let Some(Some(under)) = under else {
            if under.is_none() {
                self.preview.open = None;
            }
            self.preview.due = None;
            return;
        };
        let rests = self.last_key + REST;
        let travels = self.preview.open.as_ref().is_some_and(|open| open.beside(&under));
        if travels && now.tick < rests {
            self.preview.due = Some(rests);
        } else {
            self.preview = Preview {
                open: Some(under),
                due: None,
            };
        }
    }
}

#[cfg(test)]
pub(in crate::app) mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::app::Settings;
    use crate::app::focus::Layout;
    use crate::keymap;

    pub(in crate::app) fn model(now: Now) -> Model {
        let size = ratatui::layout::Size::new(120, 40);
        let settings = Settings {
            context: "prod".to_owned(),
            contexts: Vec::new(),
            theme: "midwatch".to_owned(),
            themes: Vec::new(),
            danger: false,
            read_only: false,
            identity: "jun@example.com".to_owned(),
            ack_lease: Duration::from_secs(900),
            ack_max: Duration::from_secs(14_400),
            ack_idle: Duration::from_secs(3_600),
            silence_max: Duration::from_secs(86_400),
            grace: Duration::from_secs(5),
            has_metrics: true,
            logs: None,
            traces: None,
            trace_ui: None,
            services: Arc::default(),
            alertmanagers: Vec::new(),
            writable: Vec::new(),
            incidents: None,
            no_journal: None,
            annotations: None,
            runbooks: crate::runbook::Policy::default(),
            update_due: Duration::from_secs(900),
            progress_due: Duration::from_secs(1_800),
            warnings: Vec::new(),
        };
        let keymap = Arc::new(keymap::load("default", None).unwrap());
        Model::new(settings, keymap, Layout::default(), size, now)
    }

    fn now() -> Now {
        Now::fixed(chrono::DateTime::UNIX_EPOCH, 1_000)
    }

    fn slo(name: &str) -> Subject {
        Subject::Slo(name.to_owned())
    }

    #[test]
    fn it_opens_at_once_what_the_first_answer_brings_and_waits_for_a_cursor_that_moves() {
        let mut model = model(now());
        model.focus = PaneId::Slo;
        model.slo.list.selected = Some("search".to_owned());
        model.settle_preview(now());
        assert_eq!(
            (model.preview.open.clone(), model.preview.due),
            (Some(slo("search")), None)
        );

        model.last_key = now().tick;
        model.slo.list.selected = Some("checkout".to_owned());
        model.settle_preview(now());
        let rests = now().tick + REST;
        assert_eq!(
            (model.preview.open.clone(), model.preview.due),
            (Some(slo("search")), Some(rests))
        );
        assert!(model.next_deadline(now()) <= rests, "it wakes the loop");

        model.settle_preview(now().later(REST));
        assert_eq!(
            (model.preview.open.clone(), model.preview.due),
            (Some(slo("checkout")), None)
        );
    }

    #[test]
    fn the_other_pane_is_opened_at_once() {
        let mut model = model(now());
        model.focus = PaneId::Slo;
        model.slo.list.selected = Some("search".to_owned());
        model.settle_preview(now());
        model.last_key = now().tick;
        model.focus = PaneId::Alerts;
        let row = AlertRow::Group(crate::domain::alert::Labels::default());
        model.alerts.list.selected = Some(row.clone());
        model.settle_preview(now());
        assert_eq!(model.preview.open, Some(Subject::Alert(row)));
    }
}
