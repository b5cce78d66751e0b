//! From a latency SLO to its slow requests: by the exemplars of its histogram, and where there are none by a search.

use std::time::Duration;

use super::super::{deeds, logs, pivot, say};
use super::{BACK, turn_to_service};
use crate::app::modal::{Choice, Goal, Menu, MenuItem, Modal};
use crate::app::toast::Level;
use crate::app::traces::exemplars::ExemplarsAsk;
use crate::app::{Effect, Model};
use crate::backend::metrics::plan;
use crate::domain::slo::{RuleState, Sli, SloReport};
use crate::domain::trace::exemplar::{Exemplar, above};
use crate::domain::trace::scale::lasting_in_column;
use crate::text::SafeText;
use crate::time::{Now, before, prometheus_duration};

/// Exemplars are kept in memory, and what burns now is looked for: no further back.
const FURTHEST: Duration = Duration::from_secs(24 * 3_600);

/// What is asked for an SLO; nothing where it has no bound that a request can be above.
pub(in super::super) fn question(report: &SloReport, now: Now) -> Option<ExemplarsAsk> {
    let Sli::Latency { threshold, .. } = &report.slo.sli else {
        return None;
    };
    let firing = report.rules.iter().filter(|rule| rule.state == RuleState::Firing);
    let longest = firing.map(|rule| rule.rule.long.length()).max();
    let back = longest.unwrap_or(BACK).clamp(BACK, FURTHEST);
    Some(ExemplarsAsk {
        slo: report.slo.name.clone(),
        service: report.slo.service.clone(),
        query: plan::exemplars_query(&report.slo)?,
        bound: *threshold,
        from: before(now.utc, back),
        to: now.utc,
    })
}

/// Asks for them.
pub(in super::super) fn ask(model: &mut Model, name: &str, now: Now) -> Option<Vec<Effect>> {
    let ask = question(model.slo.report(name)?, now)?;
    let said = format!("asking for exemplars of {}…", SafeText::line(name));
    model.toasts.say(Level::Info, said, now.tick);
    model.traces.exemplars = Some(ask.clone());
    Some(vec![Effect::ReadExemplars(ask)])
}

/// They have come: to the trace where it is one, else a list to choose from, else the search.
pub(in super::super) fn came(
    model: &mut Model,
    asked: &ExemplarsAsk,
    result: Result<Vec<Exemplar>, String>,
    now: Now,
) -> Vec<Effect> {
    // What was asked last is what is wanted.
    if model.traces.exemplars.take_if(|wanted| wanted == asked).is_none() {
        return Vec::new();
    }
    let name = SafeText::line(&asked.slo).into_string();
    let stayed = model.modal.is_none() && pivot::is_on_slo(model, &asked.slo);
    if !stayed {
        // Whoever went on is not torn away.
        return say(
            model,
            Level::Info,
            format!("exemplars of {name} came; ask again to see them"),
            now,
        );
    }
    let bound = took(asked.bound);
    let none = match result {
        Ok(all) if all.is_empty() => format!(
            "no exemplars of {name} in {}: its traces over {bound} (Prometheus keeps them with exemplar-storage on)",
            within(asked)
        ),
        Ok(all) => {
            let count = all.len();
            let slow = above(all, asked.bound);
            if !slow.is_empty() {
                return choose(model, asked, &slow, now);
            }
            format!(
                "none of {count} exemplars of {name} in {} is over {bound}: its traces that are",
                within(asked)
            )
        }
        Err(why) => format!(
            "no exemplars of {name}: its traces over {bound} instead; {}",
            SafeText::line(&why)
        ),
    };
    if asked.service.is_empty() {
        // There is nothing to search instead.
        let said = format!(
            "no exemplar of {name} over {bound} in {}, and it names no service",
            within(asked)
        );
        return say(model, Level::Warn, said, now);
    }
    let effects = turn_to_service(model, &asked.service, None, now);
    model.traces.query = format!("dur>{:.0}ms", (asked.bound * 1e3).max(1.0));
    model.toasts.say(Level::Warn, none, now.tick);
    effects
}

fn within(asked: &ExemplarsAsk) -> String {
    let back = (asked.to - asked.from).to_std().unwrap_or_default();
    format!("the last {}", prometheus_duration(back))
}

fn choose(model: &mut Model, asked: &ExemplarsAsk, slow: &[Exemplar], now: Now) -> Vec<Effect> {
    let deed = model.slo.report(&asked.slo).cloned().map(|report| {
        let text = format!("went on from SLO {}", asked.slo);
        deeds::of_slo(model, &report, text)
    });
    let goal = |each: &Exemplar| Goal::Moment {
        trace: each.trace,
        span: each.span,
        at: each.at,
    };
    if let [only] = slow {
        return pivot::go(model, &goal(only), deed, now);
    }
    let items = slow.iter().zip('1'..='9').map(|(each, key)| MenuItem {
        key,
        label: label(model, each),
        choice: Choice::Go {
            goal: goal(each),
            deed: deed.clone(),
        },
    });
    model.modal = Some(Modal::Menu(Menu {
        title: "Slow requests, the slowest first",
        items: items.collect(),
        cursor: 0,
    }));
    Vec::new()
}

fn took(seconds: f64) -> String {
    lasting_in_column((seconds * 1e9) as u64)
}

/// `2.31s  14:02:11  pod checkout-1  4bf92f35…`: what tells one from the other.
fn label(model: &Model, each: &Exemplar) -> String {
    let place = ["pod", "instance", "host", "job"]
        .into_iter()
        .find_map(|name| Some((name, each.series.get(name)?)))
        .map(|(name, value)| format!("{name} {}  ", SafeText::line(value)))
        .unwrap_or_default();
    format!(
        "{}  {}  {place}trace {}",
        took(each.value),
        logs::time_of_day(each.at, model.zone),
        each.trace
    )
}
