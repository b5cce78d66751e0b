//! Which service calls which: callers above those they call, the scope's service by itself first.

use std::sync::Arc;

use super::Pages;
use crate::app::traces::calls::{Calling, Counted};
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
    let by = match calling.counted {
        Counted::BySource => format!(
            "Calls as the source counted them from {from} to {to}; durations are those of {} traces that were read.",
            calling.read
        ),
        Counted::InTraces => format!(
            "Counted in {} traces that were read: the source does not count. A sample, and not the traffic.",
            calling.read
        ),
    };
    sheet.prose(&by, Role::TextMuted);
    if calling.graph.calls().any(|(_, _, calls)| calls.errors.is_none()) {
        sheet.prose("It does not tell which failed.", Role::TextMuted);
    }
    if calling.graph.calls().next().is_none() {
        sheet.blank();
        sheet.prose("No service calls another.", Role::Text);
        return sheet;
    }
    if let Some(scope) = scene.model.scope.service() {
        sheet.heading("Around the scope");
        let mut callers: Vec<_> = calling.graph.callers(scope).collect();
        callers.sort_by_key(|(_, calls)| std::cmp::Reverse(calls.count));
        for (caller, calls) in &callers {
            sheet.line(vec![
                named(scene, caller),
                Piece::word(" → ", Role::TextMuted),
                named(scene, scope),
            ]);
            sheet.line(told(calls));
        }
        for (called, calls) in calling.graph.called(scope) {
            sheet.line(vec![
                named(scene, scope),
                Piece::word(" → ", Role::TextMuted),
                named(scene, called),
            ]);
            sheet.line(told(calls));
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
        .filter(|(_, _, calls)| calls.errors > Some(0))
        .collect();
    worst.sort_by_key(|(_, _, calls)| std::cmp::Reverse(calls.errors));
    if !worst.is_empty() {
        sheet.heading("Failing");
    }
    for (caller, called, calls) in worst.into_iter().take(WORST) {
        sheet.line(vec![
            named(scene, caller),
            Piece::word(" → ", Role::TextMuted),
            named(scene, called),
        ]);
        sheet.line(told(calls));
    }
    sheet
}

fn whole<'a>(scene: Scene<'a>, calling: &'a Calling) -> Sheet<'a> {
    let mut sheet = Sheet::default();
    sheet.heading("Who calls whom");
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
            let mut line = vec![Piece::word("    → ", Role::TextMuted), named(scene, called)];
            line.extend(told(calls));
            sheet.line(line);
        }
    }
    sheet
}

/// A service in its colour; the scope's stands out.
fn named(scene: Scene, service: &str) -> Piece<'static> {
    let role = if scene.model.scope.service() == Some(service) {
        Role::Accent
    } else {
        service_role(service)
    };
    Piece::safe(SafeText::line(service).into_owned(), role)
}

fn told(calls: &Calls) -> Vec<Piece<'static>> {
    let many = words::count(calls.count as f64);
    let mut pieces = vec![Piece::own(format!("  {many} calls"), Role::Text)];
    if let Some(errors) = calls.errors.filter(|errors| *errors > 0) {
        let share = errors as f64 / (calls.count.max(1)) as f64;
        let text = format!(
            " · {} failed, {}",
            words::count(errors as f64),
            figures::ratio(share)
        );
        pieces.push(Piece::own(text, Role::SeverityCritical));
    }
    let (measured, whose) = match calls.ends {
        Ends::Both => (&calls.served, ""),
        Ends::CallerAlone => (&calls.waited, " as the caller saw it"),
    };
    if let Some(p95) = measured.quantile(0.95) {
        let text = format!(" · p95 {} of {}{whose}", took(p95), measured.n());
        pieces.push(Piece::own(text, Role::TextMuted));
    }
    pieces
}
