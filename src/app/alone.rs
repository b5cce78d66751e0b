//! A console that was opened on lines alone (`logs FILE`, `logs -`): what it does not have, and how that is said.
//!
//! It has no configuration to be mended: whoever wants the rest starts the console without naming lines. It knows
//! nothing of keys and panes' contents. Start at [`lacks`].

use super::Model;
use crate::action::{Action, Place};
use crate::text::SafeText;

/// Why an action is not to be had, where only lines were opened; `None` where it is, or where a context was opened.
pub fn lacks(model: &Model, action: Action) -> Option<String> {
    (model.has_lines_alone() && !is_of_lines(action)).then(|| words(model))
}

/// What a console on lines alone says of everything else.
pub fn words(model: &Model) -> String {
    let name = match model.settings.context.as_str() {
        "-" => "standard input".to_owned(),
        name => SafeText::line(name).into_string(),
    };
    format!("only the lines of {name} are open here: start midwatch without naming lines for all the rest")
}

fn is_of_lines(action: Action) -> bool {
    match action.row().place {
        Place::List | Place::Logs | Place::Patterns | Place::Search | Place::Dialog => true,
        Place::Slo
        | Place::Alerts
        | Place::Traces
        | Place::Trace
        | Place::Silences
        | Place::Incident
        | Place::Outbox
        | Place::Case
        | Place::Runbook => false,
        Place::Global => !matches!(
            action,
            Action::FocusSlo
                | Action::FocusAlerts
                | Action::FocusTraces
                | Action::FocusIncident
                | Action::FocusNext
                | Action::FocusPrevious
                | Action::Annotate
                | Action::OutboxList
                | Action::OnCallList
                | Action::Contexts
                | Action::MarkMoment
                | Action::Stats
                | Action::AuditLog
                | Action::HandoffNote
                | Action::SilenceList
                | Action::Declare
                | Action::OpenTraceById
                | Action::Escalate
                | Action::Resolve
                | Action::OpenCase
                | Action::Tour
                | Action::TourAnew
        ),
    }
}
