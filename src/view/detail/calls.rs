//! Which service calls which: callers above those they call, the scope's service by itself first.

use std::cmp::Reverse;
use std::sync::Arc;

use super::Pages;
use crate::app::traces::calls::{Calling, Counted};
use crate::domain::service_map::Caller;
use crate::domain::trace::graph::{Calls, Circle, Ends};
use crate::text::SafeText;
use crate::theme::Role;
use crate::view::pane::logs::service_role;
use crate::view::pane::traces::took;
use crate::view::sheet::Sheet;
use crate::view::widget::{Piece, words};
use crate::view::{Scene, figures};

/// Calls that are listed as the worst.
const WORST: usize = 8;

/// The graph in two parts: around the scope, or the worst calls; and all of it.
pub(super) fn pages(scene: Scene<'_>) -> Pages<'_> {
    let (mut first, mut second) = (Sheet::default(), Sheet::default());
    match &scene.model.traces.calls {
        None => first.prose("Counting the calls…", Role::StateBusy),
        Some(Err(why)) => {
            first.prose("Nothing could be counted.", Role::StateFailed);
            first.prose(why, Role::TextMuted);
        }
        Some(Ok(calling)) => {
            first = head(scene, calling);
            second = whole(scene, calling);
        }
    }
    Pages {
        title: "Service graph".to_owned(),
        fresh: None,
        first,
        second,
    }
}

fn head<'a>(scene: Scene<'a>, calling: &'a Calling) -> Sheet<'a> {
    let mut sheet = Sheet::default();
    let said = |at: crate::domain::trace::Nanos| figures::moment(at.utc(), scene.now.utc, scene.model.zone);
    let (from, to) = (said(calling.during.from), said(calling.during.to));
    for (text, role) in provenance(calling, &from, &to) {
        sheet.prose(&text, role);
    }
    if calling.graph.calls().next().is_none() {
        sheet.blank();
        sheet.prose("No service calls another.", Role::Text);
        return sheet;
    }
    if let Some(scope) = scene.model.scope.service() {
        sheet.heading("Around the scope");
        let mut callers: Vec<_> = calling.graph.callers(scope).collect();
        callers.sort_by_key(|(_, calls)| Reverse(calls.count()));
        for (caller, calls) in &callers {
            sheet.line(vec![
                named(scene, caller),
                Piece::word(" → ", Role::TextMuted),
                named(scene, scope),
            ]);
            sheet.line(told(calling, calls, None));
        }
        for (called, calls) in calling.graph.called(scope) {
            sheet.line(vec![
                named(scene, scope),
                Piece::word(" → ", Role::TextMuted),
                named(scene, called),
            ]);
            sheet.line(told(calling, calls, None));
        }
        if callers.is_empty() && calling.graph.called(scope).next().is_none() {
            let text = format!("{scope} neither calls nor is called here.");
            sheet.prose(&text, Role::Text);
        }
        return sheet;
    }
    let mut worst: Vec<_> = calling
        .graph
        .calls()
        .filter(|(_, _, calls)| calls.failures().0 > 0)
        .collect();
    // By the share, for some calls are counted over the whole time and others in a few traces.
    worst.sort_by(|(_, _, a), (_, _, b)| {
        let share = b.failing().total_cmp(&a.failing());
        share.then(b.failures().0.cmp(&a.failures().0))
    });
    if !worst.is_empty() {
        sheet.heading("Failing");
    }
    for (caller, called, calls) in worst.into_iter().take(WORST) {
        sheet.line(vec![
            named(scene, caller),
            Piece::word(" → ", Role::TextMuted),
            named(scene, called),
        ]);
        sheet.line(told(calling, calls, None));
    }
    sheet
}

/// Where the numbers come from, and what is missing of them.
fn provenance(calling: &Calling, from: &str, to: &str) -> Vec<(String, Role)> {
    let read = match calling.read {
        1 => "the newest trace of the list".to_owned(),
        many => format!("the {many} newest traces of the list"),
    };
    let mut said = Vec::new();
    match (calling.counted, &calling.uncounted) {
        (Counted::BySource, _) if calling.read == 0 => {
            said.push((
                format!("Calls as the source counted them from {from} to {to}; no trace was read for more."),
                Role::TextMuted,
            ));
        }
        (Counted::BySource, _) => {
            let silent = |calls: &Calls| calls.told.is_some_and(|told| told.errors.is_none());
            let failed = if calling.graph.calls().any(|(_, _, calls)| silent(calls)) {
                "Durations, and what failed, for it does not tell that,"
            } else {
                "Durations"
            };
            said.push((
                format!(
                    "Calls as the source counted them from {from} to {to}. {failed} are those in {read}."
                ),
                Role::TextMuted,
            ));
        }
        (Counted::InTraces, None) => said.push((
            format!("Counted in {read}: the source does not count. A sample, and not the traffic."),
            Role::TextMuted,
        )),
        (Counted::InTraces, Some(why)) => {
            said.push((
                format!("Counted in {read}. A sample, and not the traffic."),
                Role::TextMuted,
            ));
            said.push((
                format!("What the source counted could not be read: {why}"),
                Role::StateFailed,
            ));
        }
    }
    if let Some(unread) = &calling.unread {
        let text = format!("{} more could not be read: {}", traces(unread.traces), unread.why);
        said.push((text, Role::StateFailed));
    }
    if calling.gone > 0 {
        let text = format!("The source no longer has {} of the list.", traces(calling.gone));
        said.push((text, Role::StateStale));
    }
    said
}

fn traces(many: usize) -> String {
    match many {
        1 => "1 trace".to_owned(),
        many => format!("{many} traces"),
    }
}

fn whole<'a>(scene: Scene<'a>, calling: &'a Calling) -> Sheet<'a> {
    let mut sheet = Sheet::default();
    sheet.heading("Who calls whom");
    // One column of names and one of counts: that is what is compared.
    let all = || calling.graph.calls();
    let widest = all()
        .map(|(_, called, _)| named(scene, called).width())
        .max()
        .unwrap_or(0);
    let digits = all().map(|(_, _, calls)| counted(calls).len()).max().unwrap_or(0);
    for placed in calling.graph.placed() {
        let mut line = vec![
            Piece::own(format!("{:>2} ", placed.rank + 1), Role::TextMuted),
            named(scene, &placed.service),
        ];
        if placed.circle == Circle::Within {
            line.push(Piece::word("  in a circle of calls", Role::StateStale));
        }
        sheet.line(line);
        let name: &Arc<str> = &placed.service;
        for (called, calls) in calling.graph.called(name) {
            let called = named(scene, called);
            let pad = " ".repeat(widest.saturating_sub(called.width()));
            let mut line = vec![
                Piece::word("    → ", Role::TextMuted),
                called,
                Piece::own(pad, Role::Text),
            ];
            line.extend(told(calling, calls, Some(digits)));
            sheet.line(line);
        }
    }
    sheet
}

/// A service in its colour; the scope's stands out.
fn named(scene: Scene, service: &str) -> Piece<'static> {
    let services = &scene.model.settings.services;
    let scoped = scene.model.scope.service();
    let role = if scoped.is_some_and(|ours| services.is_of(Caller::Traces, service, ours)) {
        Role::Accent
    } else {
        service_role(service)
    };
    Piece::safe(SafeText::line(service).into_owned(), role)
}

fn counted(calls: &Calls) -> String {
    words::count(calls.count() as f64)
}

/// What is known of some calls; what is of traces alone says so beside what the source counted.
///
/// In a column its count takes so many cells, and what follows stands below each other.
fn told(calling: &Calling, calls: &Calls, column: Option<usize>) -> Vec<Piece<'static>> {
    let many = counted(calls);
    let calls_said = match (calls.count(), column) {
        (1, None) => "call",
        (1, Some(_)) => "call ",
        (_, _) => "calls",
    };
    let digits = column.unwrap_or_default();
    let mut pieces = vec![Piece::own(format!("  {many:>digits$} {calls_said}"), Role::Text)];
    if calling.counted == Counted::BySource && calls.told.is_none() {
        let text = format!(" (in {})", traces(calling.read));
        pieces.push(Piece::own(text, Role::StateStale));
    }
    let (failed, of) = calls.failures();
    if failed > 0 {
        let failed = words::count(failed as f64);
        let text = if of == calls.count() {
            format!(" · {failed} failed, {}", figures::ratio(calls.failing()))
        } else {
            format!(" · {failed} of {} read failed", words::count(of as f64))
        };
        pieces.push(Piece::own(text, Role::SeverityCritical));
    }
    // Who was called tells how long that took; where it does not, its caller tells how long it waited.
    let (measured, what) = match calls.ends {
        Ends::Both => (&calls.served, ""),
        Ends::CallerAlone => (&calls.waited, "waited "),
    };
    if let Some(p95) = measured.quantile(0.95) {
        let text = format!(" · {what}p95 {} of {}", took(p95), measured.n());
        pieces.push(Piece::own(text, Role::TextMuted));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::traces::calls::Unread;
    use crate::domain::trace::graph::{Graph, Told};
    use crate::domain::trace::{Nanos, Stretch};

    fn calling(counted: Counted) -> Calling {
        Calling {
            during: Stretch {
                from: Nanos(0),
                to: Nanos(1),
            },
            graph: Graph::default(),
            counted,
            read: 20,
            gone: 0,
            unread: None,
            uncounted: None,
        }
    }

    fn text(pieces: &[Piece<'_>]) -> String {
        pieces.iter().map(Piece::as_str).collect()
    }

    #[test]
    fn what_is_of_traces_alone_is_not_mistaken_for_what_the_source_counted() {
        let calling = calling(Counted::BySource);
        let mut calls = Calls {
            seen: 12,
            failed: 3,
            ..Calls::default()
        };
        assert_eq!(
            text(&told(&calling, &calls, None)),
            "  12 calls (in 20 traces) · 3 failed, 25.00%"
        );
        calls.told = Some(Told {
            calls: 166_000,
            errors: None,
        });
        assert_eq!(
            text(&told(&calling, &calls, None)),
            "  166k calls · 3 of 12 read failed"
        );
    }

    #[test]
    fn what_could_not_be_read_for_the_graph_is_said_on_it() {
        let calling = Calling {
            gone: 1,
            unread: Some(Unread {
                traces: 2,
                why: "HTTP 500".to_owned(),
            }),
            uncounted: Some("HTTP 503: no room".to_owned()),
            ..calling(Counted::InTraces)
        };
        let said: Vec<String> = provenance(&calling, "03:00Z", "04:00Z")
            .into_iter()
            .map(|(text, _)| text)
            .collect();
        assert_eq!(
            said,
            [
                "Counted in the 20 newest traces of the list. A sample, and not the traffic.",
                "What the source counted could not be read: HTTP 503: no room",
                "2 traces more could not be read: HTTP 500",
                "The source no longer has 1 trace of the list.",
            ]
        );
    }
}
