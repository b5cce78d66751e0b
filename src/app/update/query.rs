//! A PromQL query from the palette: asked, opened as a page, asked again.

use super::{deeds, details, say};
use crate::app::focus::{Detail, Page};
use crate::app::query::QueryResult;
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::time::Now;

/// Opens the page of a query and asks it.
pub(super) fn open(model: &mut Model, text: &str, now: Now) -> Vec<Effect> {
    if !model.settings.has_metrics {
        let why = format!(
            "no metrics backend is configured; add [contexts.{}.metrics]",
            model.settings.context
        );
        return say(model, Level::Info, why, now);
    }
    details::show(model, Detail::Page(Page::Query));
    // Another query begins at its top.
    if let Some(view) = model.details.last_mut() {
        view.scroll = 0;
    }
    let range = model.scope.range();
    let asked = Effect::AskQuery(model.query.ask(text, range, now));
    model.query.untold = Some(deeds::of_query(model, text));
    vec![asked]
}

/// An answer came, or why there is none.
pub(super) fn answered(model: &mut Model, seq: u64, result: QueryResult, now: Now) -> Vec<Effect> {
    let is_answer = result.is_ok();
    if !model.query.answered(seq, result, now) {
        return Vec::new();
    }
    // Asked again and answered, it is told then.
    let deed = model.query.untold.take_if(|_| is_answer);
    deed.and_then(|deed| deeds::record(model, deed, now))
        .into_iter()
        .collect()
}

/// The same query once more, where its page is open: up to now, or over the scope's range.
pub(super) fn again(model: &mut Model, now: Now) -> Option<Effect> {
    if model.detail() != Some(&Detail::Page(Page::Query)) {
        return None;
    }
    let text = model.query.asked.as_ref()?.text.clone();
    let range = model.scope.range();
    Some(Effect::AskQuery(model.query.ask(&text, range, now)))
}
