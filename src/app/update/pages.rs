//! Pages of text: write-ups, and who is on call. Read, scrolled, copied whole.

use super::{deeds, details, say};
use crate::app::effect::{Deed, WriteUp};
use crate::app::focus::{Detail, Page};
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::domain::oncall::Roster;
use crate::time::Now;

/// Opens the page of a write-up and asks for it, anew each time: the story goes on.
pub(super) fn write(model: &mut Model, what: WriteUp) -> Vec<Effect> {
    model.written = None;
    details::show(model, Detail::Page(Page::WriteUp(what.clone())));
    vec![Effect::Write(what)]
}

/// The post-mortem of the current incident.
pub(super) fn post_mortem(model: &mut Model, now: Now) -> Vec<Effect> {
    match super::compose::current(model).map(|incident| incident.id.clone()) {
        Some(id) => write(model, WriteUp::PostMortem(id)),
        None => say(
            model,
            Level::Info,
            "no incident is open or under the cursor to write up",
            now,
        ),
    }
}

/// Who is on call.
pub(super) fn on_call(model: &mut Model) -> Vec<Effect> {
    details::show(model, Detail::Page(Page::OnCall));
    Vec::new()
}

/// A write-up was put together; one that is not wanted any more is dropped.
pub(super) fn written(model: &mut Model, what: WriteUp, result: Result<String, String>) -> Vec<Effect> {
    let open = Detail::Page(Page::WriteUp(what.clone()));
    if model.details.iter().any(|view| view.detail == open) {
        model.written = Some((what, result.map(Into::into)));
    }
    Vec::new()
}

/// Copies a page whole.
pub(super) fn copy(model: &mut Model, page: &Page, now: Now) -> Vec<Effect> {
    let (what, text) = match page {
        Page::WriteUp(wanted) => {
            let text = match &model.written {
                Some((what, Ok(text))) if what == wanted => Some(text.to_string()),
                Some(_) | None => None,
            };
            (name(wanted), text)
        }
        Page::OnCall => {
            let roster = model.incidents.roster.value();
            ("who is on call", roster.map(|roster| on_call_text(roster, now)))
        }
        Page::Query => ("the query's answer", model.query.copied()),
        Page::Contexts => ("the row", model.union.copied()),
    };
    match text {
        Some(text) => {
            let told = told(page).and_then(|deed| deeds::record(model, deed, now));
            std::iter::once(Effect::Copy { what, text }).chain(told).collect()
        }
        None => say(model, Level::Info, "nothing to copy yet", now),
    }
}

/// What is told of a page that was copied, where it is of an incident or of the shift.
fn told(page: &Page) -> Option<Deed> {
    let (incident, what) = match page {
        Page::WriteUp(what @ WriteUp::PostMortem(id)) => (Some(id.clone()), what),
        Page::WriteUp(what @ WriteUp::HandOff) => (None, what),
        Page::WriteUp(WriteUp::Stats | WriteUp::Audit) | Page::OnCall | Page::Query | Page::Contexts => {
            return None;
        }
    };
    Some(Deed {
        incident,
        text: format!("copied {}", name(what)),
        refs: Vec::new(),
    })
}

/// What a write-up is called.
pub(crate) fn name(what: &WriteUp) -> &'static str {
    match what {
        WriteUp::PostMortem(_) => "the post-mortem",
        WriteUp::HandOff => "the hand-over",
        WriteUp::Stats => "the figures",
        WriteUp::Audit => "the audit log",
    }
}

fn on_call_text(roster: &Roster, now: Now) -> String {
    let mut text = String::new();
    for duty in roster.at(now.utc) {
        let until = duty.end.map_or_else(String::new, |end| {
            format!(" until {}", end.format("%Y-%m-%d %H:%MZ"))
        });
        text.push_str(
            &format_args!(
                "{} level {}: {}{until}\n",
                duty.policy.name, duty.level, duty.person.name
            )
            .to_string(),
        );
    }
    text
}
