//! What is known of the row under the cursor without reading its trace: for the preview.

use std::time::Duration;

use super::rows::{against, operation, service};
use super::took;
use crate::action::Action;
use crate::app::traces::list::{Against, is_failed, operation_of};
use crate::app::traces::{TraceRow, list};
use crate::domain::trace::stats::{Measured, TELLING};
use crate::domain::trace::summary::{Lasted, Whole};
use crate::domain::trace::{Nanos, Operation, Summary};
use crate::theme::Role;
use crate::view::figures::moment;
use crate::view::sheet::{Sheet, moment_pieces};
use crate::view::widget::{Piece, words};
use crate::view::{Scene, hints};

/// Services and traces that are listed.
const LISTED: usize = 12;

/// The title and the text; nothing where the row is gone.
pub(in crate::view) fn sheet<'a>(scene: Scene<'a>, row: &'a TraceRow) -> Option<(String, Sheet<'a>)> {
    match row {
        TraceRow::Trace(id) => {
            let trace = scene.model.traces.summary(*id)?;
            Some((format!("Trace {}", trace.id), of_trace(scene, trace)))
        }
        TraceRow::Group(of) => Some(("Operation".to_owned(), of_group(scene, of))),
    }
}

fn of_trace<'a>(scene: Scene<'a>, trace: &'a Summary) -> Sheet<'a> {
    let pane = &scene.model.traces;
    let mut sheet = Sheet::default();
    sheet.line(vec![
        service(trace.service.as_deref()),
        Piece::word(" ", Role::Text),
        operation(trace.operation.as_deref()),
    ]);
    let failed = if is_failed(trace) {
        Role::SeverityCritical
    } else {
        Role::Text
    };
    let mut told = vec![Piece::own(took(trace.duration), failed)];
    if trace.lasted == Lasted::Whole {
        told.push(Piece::word(" from its first moment to its last", Role::TextMuted));
    }
    let mut also = |text: String, role| told.push(Piece::own(format!(" · {text}"), role));
    if let Some(spans) = trace.spans {
        also(format!("{spans} spans"), Role::Text);
    }
    match trace.errors {
        Some(0) => also("none failed".to_owned(), Role::TextMuted),
        Some(errors) => also(format!("{errors} failed"), Role::SeverityCritical),
        None => also("failures not told".to_owned(), Role::TextMuted),
    }
    if let Some(orphans) = trace.orphans.filter(|orphans| *orphans > 0) {
        also(format!("{orphans} without their parent"), Role::StateStale);
    }
    sheet.line(told);
    sheet.line(moment_pieces(scene, trace.start.utc()));
    if trace.whole == Whole::No {
        sheet.prose("The source says that this is not all of it.", Role::StateStale);
    }
    if let Some(measured) = pane.statistics.operation(&operation_of(trace)) {
        sheet.heading("Among its like");
        figures(&mut sheet, measured);
        if let Some(share) = measured.percentile_of(trace.duration) {
            let text = format!("Longer than {:.0}% of them.", (share * 100.0).floor());
            sheet.prose(&text, Role::Text);
        }
    }
    if !trace.services.is_empty() {
        sheet.heading("Services");
        let mut shares: Vec<_> = trace.services.iter().collect();
        shares.sort_by_key(|share| (std::cmp::Reverse(share.errors), std::cmp::Reverse(share.spans)));
        for share in shares.into_iter().take(LISTED) {
            let mut line = vec![
                service(Some(&share.name)),
                Piece::own(
                    format!("  {} spans", words::count(f64::from(share.spans))),
                    Role::TextMuted,
                ),
            ];
            if share.errors > 0 {
                line.push(Piece::own(
                    format!(" · {} failed", share.errors),
                    Role::SeverityCritical,
                ));
            }
            sheet.line(line);
        }
    }
    sheet.blank();
    let key = hints::key(scene, Action::Open).unwrap_or_default();
    sheet.prose(&format!("{key} opens the waterfall."), Role::TextMuted);
    sheet
}

fn figures(sheet: &mut Sheet, measured: &Measured) {
    let said = |q: f64| measured.quantile(q).map_or_else(|| "–".to_owned(), took);
    let text = format!(
        "n {} · p50 {} · p95 {} · p99 {}",
        measured.count(),
        said(0.5),
        said(0.95),
        said(0.99)
    );
    let role = if measured.n() < TELLING {
        Role::TextMuted
    } else {
        Role::Text
    };
    sheet.prose(&text, role);
    if measured.errors() > 0 {
        let share = measured.error_rate().unwrap_or_default() * 100.0;
        let text = format!("{} failed, {share:.0} %", measured.errors());
        sheet.prose(&text, Role::SeverityCritical);
    }
    if measured.n() < TELLING {
        sheet.prose("So few tell little.", Role::TextMuted);
    }
}

fn of_group<'a>(scene: Scene<'a>, of: &'a Operation) -> Sheet<'a> {
    let pane = &scene.model.traces;
    let mut sheet = Sheet::default();
    sheet.line(vec![
        service(Some(&of.service)),
        Piece::word(" ", Role::Text),
        operation(Some(&of.name)),
    ]);
    if let Some(measured) = pane.statistics.operation(of) {
        figures(&mut sheet, measured);
    }
    sheet.heading("The time before");
    let before = pane.drawn().and_then(|list| list.before.as_ref()?.as_ref().ok());
    if let Some(before) = before {
        let said = |at: Nanos| moment(at.utc(), scene.now.utc, scene.model.zone);
        let (from, to) = (before.from.unwrap_or(before.during.from), said(before.during.to));
        let how = match before.from {
            Some(_) => format!("The newest {} of it, ", before.statistics.traces()),
            None => String::new(),
        };
        let text = format!("{how}{} to {to}", said(from).trim_end_matches('Z'));
        sheet.prose(&text, Role::TextMuted);
    }
    if let Some(measured) = before.and_then(|before| before.statistics.operation(of)) {
        figures(&mut sheet, measured);
    }
    match pane.against(of) {
        Against::Awaited => sheet.prose("Being asked for.", Role::StateBusy),
        Against::NotKnown(why) => {
            sheet.prose("Not known: the trace backend was asked, and", Role::StateFailed);
            sheet.prose(&why, Role::TextMuted);
        }
        Against::NoneThen => sheet.prose("None of this operation.", Role::TextMuted),
        Against::TooFew { .. } => {
            let text = format!("Compared from {TELLING} of each time on.");
            sheet.prose(&text, Role::TextMuted);
        }
        Against::Told(odd) if odd.is_empty() => sheet.prose("As it was.", Role::TextMuted),
        told @ Against::Told(_) => sheet.line(against(&told)),
    }
    sheet.heading("Its traces");
    for trace in pane.members(of).take(LISTED) {
        sheet.line(brief(trace));
    }
    sheet
}

fn brief(trace: &Summary) -> Vec<Piece<'static>> {
    let (sign, role) = if list::is_failed(trace) {
        ("✗ ", Role::SeverityCritical)
    } else {
        ("  ", Role::Text)
    };
    let took: Duration = trace.duration;
    vec![
        Piece::word(sign, role),
        Piece::own(super::took(took), role),
        Piece::own(format!("  {}", trace.id), Role::TextMuted),
    ]
}
