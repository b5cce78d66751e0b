//! What a trace comes down to: its critical path in parts that make a hundred per cent, whose time it was, where it failed,
//! what repeats, where nobody tells what went on, and what was odd about it.

use crate::app::traces::Study;
use crate::domain::trace::blame::{Fate, Origin};
use crate::domain::trace::scale::lasting;
use crate::domain::trace::{OperationId, Row, TraceId};
use crate::text::{SafeText, fit_right};
use crate::theme::Role;
use crate::view::Scene;
use crate::view::detail::Pages;
use crate::view::pane::logs::service_role;
use crate::view::sheet::Sheet;
use crate::view::widget::{self, Piece};

use super::head::{grouped, percent, since};

/// Parts of the path, services, repeats and the like that are listed.
const MOST: usize = 12;

/// The path and the failures at the left, services and the rest at the right.
pub(in crate::view) fn pages(scene: Scene<'_>, id: TraceId) -> Option<Pages<'_>> {
    let open = scene.model.traces.opened(id)?;
    let (study, aspect) = (open.study()?, open.aspect()?);
    let mut first = Sheet::default();
    first.prose(&aspect.line, Role::TextStrong);
    path(&mut first, study, aspect);
    failures(&mut first, study, aspect);
    let mut second = Sheet::default();
    services(&mut second, aspect);
    repeats(&mut second, study);
    gaps(&mut second, study, aspect);
    if !study.shifts.is_empty() {
        second.heading("Clocks that are off");
        for shift in study.shifts.iter().take(MOST) {
            second.prose(&shift.said(), Role::StateStale);
        }
    }
    let remarks = study.trace.remarks();
    if !remarks.is_empty() {
        second.heading("What is odd about it");
        for remark in remarks {
            let role = if remark.is_loss() {
                Role::StateFailed
            } else {
                Role::StateStale
            };
            second.prose(&remark.to_string(), role);
        }
    }
    Some(Pages {
        title: format!("What trace {id} comes down to"),
        fresh: None,
        first,
        second,
    })
}

fn named(study: &Study, row: Row) -> [Piece<'_>; 3] {
    let span = study.trace.span(row);
    [
        widget::remote(span.service, service_role(span.service)),
        Piece::word(" ", Role::Text),
        widget::remote(span.operation, Role::Text),
    ]
}

/// A part of the path: an operation with all its spans on it.
struct Part {
    operation: OperationId,
    row: Row,
    nanos: u64,
    spans: usize,
}

fn parts(study: &Study, aspect: &crate::app::traces::Aspect) -> Vec<Part> {
    let mut all: std::collections::BTreeMap<OperationId, Part> = std::collections::BTreeMap::new();
    for step in aspect.path.steps().iter().filter(|step| step.own > 0) {
        let operation = study.trace.operation_of(step.row);
        let part = all.entry(operation).or_insert(Part {
            operation,
            row: step.row,
            nanos: 0,
            spans: 0,
        });
        part.nanos += step.own;
        part.spans += 1;
    }
    let mut all: Vec<Part> = all.into_values().collect();
    all.sort_by_key(|part| std::cmp::Reverse(part.nanos));
    all
}

/// Shares of a whole in thousandths that sum up to all of it: what rounding down leaves goes to those it cut most.
fn thousandths(parts: &[u64], whole: u64) -> Vec<u64> {
    let whole = u128::from(whole.max(1));
    let exact = |part: &u64| u128::from(*part) * 1_000;
    let mut shares: Vec<u64> = parts.iter().map(|part| (exact(part) / whole) as u64).collect();
    let mut cut: Vec<usize> = (0..parts.len()).collect();
    cut.sort_by_key(|index| std::cmp::Reverse(exact(&parts[*index]) % whole));
    let left = 1_000_u64.saturating_sub(shares.iter().sum()) as usize;
    for index in cut.into_iter().take(left) {
        shares[index] += 1;
    }
    shares
}

fn path<'a>(sheet: &mut Sheet<'a>, study: &'a Study, aspect: &'a crate::app::traces::Aspect) {
    sheet.heading("Critical path");
    let whole = aspect.path.whole().nanos();
    let all = parts(study, aspect);
    if all.is_empty() {
        sheet.prose("None: the root took no time.", Role::TextMuted);
        return;
    }
    let shown = if all.len() > MOST { MOST - 1 } else { all.len() };
    let rest: u64 = all.iter().skip(shown).map(|part| part.nanos).sum();
    let listed = all.iter().take(shown).map(|part| part.nanos);
    let nanos: Vec<u64> = listed.chain((rest > 0).then_some(rest)).collect();
    let row = |(nanos, tenths): (u64, u64)| {
        let share = format!("{}.{}%", tenths / 10, tenths % 10);
        vec![
            Piece::own(fit_right(&share, 7), Role::TextStrong),
            Piece::own(format!("{}  ", fit_right(&lasting(nanos), 9)), Role::TextMuted),
        ]
    };
    let mut rows = nanos.iter().copied().zip(thousandths(&nanos, whole)).map(row);
    for (part, mut pieces) in all.iter().take(shown).zip(rows.by_ref()) {
        pieces.extend(named(study, part.row));
        if part.spans > 1 {
            pieces.push(Piece::own(format!(" ×{}", grouped(part.spans)), Role::TextStrong));
        }
        if aspect
            .bottlenecks
            .iter()
            .any(|one| one.operation == part.operation)
        {
            pieces.push(Piece::word("  bottleneck", Role::StateStale));
        }
        sheet.line(pieces);
    }
    if let Some(mut pieces) = rows.next() {
        let text = format!("{} other operations", all.len() - shown);
        pieces.push(Piece::own(text, Role::TextMuted));
        sheet.line(pieces);
    }
    if aspect.path.clipped() > whole / 100 {
        let text = format!(
            "Approximate: spans on it stand {} out of their parents.",
            lasting(aspect.path.clipped())
        );
        sheet.prose(&text, Role::StateStale);
    }
}

fn failures<'a>(sheet: &mut Sheet<'a>, study: &'a Study, aspect: &'a crate::app::traces::Aspect) {
    let origins = &aspect.origins;
    if study.errors.is_empty() {
        return;
    }
    sheet.heading("Failures");
    for origin in origins.origins.iter().take(MOST) {
        failure(sheet, study, (origin, aspect.whole.from));
    }
    let more = origins.origins.len().saturating_sub(MOST) + origins.more;
    if more > 0 {
        sheet.prose(
            &format!("and {} more that began by themselves", grouped(more)),
            Role::TextMuted,
        );
    }
    if !origins.victims.is_empty() {
        let text = format!("{} cancelled because of them", grouped(origins.victims.len()));
        sheet.prose(&text, Role::TextMuted);
    }
}

fn failure<'a>(
    sheet: &mut Sheet<'a>,
    study: &'a Study,
    (origin, begin): (&'a Origin, crate::domain::trace::Nanos),
) {
    let mut pieces = vec![Piece::own(
        format!("✗ {}  ", since(begin, origin.at)),
        Role::TraceError,
    )];
    pieces.extend(named(study, origin.row));
    pieces.push(Piece::word("  ", Role::Text));
    pieces.push(widget::remote(&origin.what, Role::TraceError));
    if origin.attempts.len() > 1 {
        let text = format!("  {} attempts", grouped(origin.attempts.len()));
        pieces.push(Piece::own(text, Role::TextStrong));
    }
    sheet.line(pieces);
    if let Some(message) = &origin.message {
        sheet.prose(message, Role::TextMuted);
    }
    let fate = match origin.fate {
        Fate::ReachedRoot => "  it failed the whole request".to_owned(),
        Fate::HandledAt(row) => {
            let span = study.trace.span(row);
            format!(
                "  {} {} went on in spite of it",
                SafeText::line(span.service),
                SafeText::line(span.operation)
            )
        }
        Fate::Unawaited => "  nobody waited for it".to_owned(),
    };
    sheet.prose(&fate, Role::TextMuted);
}

fn services<'a>(sheet: &mut Sheet<'a>, aspect: &'a crate::app::traces::Aspect) {
    sheet.heading("Time by service");
    let whole: u64 = aspect.services.iter().map(|total| total.own).sum();
    for total in aspect.services.iter().take(MOST) {
        let mut pieces = vec![
            Piece::own(fit_right(&percent(total.own, whole), 5), Role::TextStrong),
            Piece::own(
                format!("{}  ", fit_right(&lasting(total.own), 9)),
                Role::TextMuted,
            ),
            widget::remote(&total.service, service_role(&total.service)),
            Piece::own(
                format!(
                    "  {} {}",
                    grouped(total.spans as usize),
                    if total.spans == 1 { "span" } else { "spans" }
                ),
                Role::TextMuted,
            ),
        ];
        if total.on_path > 0 {
            let share = percent(total.on_path, aspect.path.whole().nanos());
            pieces.push(Piece::own(
                format!("  {share} of the path"),
                Role::TraceCriticalPath,
            ));
        }
        if total.errors > 0 {
            let text = format!("  ✗ {} failed", grouped(total.errors as usize));
            pieces.push(Piece::own(text, Role::TraceError));
        }
        sheet.line(pieces);
    }
    if aspect.services.len() > MOST {
        sheet.prose(
            &format!("and {} more", aspect.services.len() - MOST),
            Role::TextMuted,
        );
    }
}

fn repeats<'a>(sheet: &mut Sheet<'a>, study: &'a Study) {
    if study.runs.is_empty() {
        return;
    }
    sheet.heading("Again and again");
    let mut runs: Vec<_> = study.runs.iter().collect();
    runs.sort_by_key(|run| std::cmp::Reverse(run.total));
    for run in runs.iter().take(MOST) {
        let mut pieces = named(study, run.first).to_vec();
        pieces.push(Piece::own(
            format!(" ×{}", grouped(run.count as usize)),
            Role::TextStrong,
        ));
        let total = lasting(run.total.as_nanos() as u64);
        let longest = lasting(study.trace.span(run.longest).duration.as_nanos() as u64);
        pieces.push(Piece::own(
            format!("  {total} in all, the longest {longest}"),
            Role::TextMuted,
        ));
        if let Some(parent) = study.trace.parent(run.first) {
            pieces.push(Piece::word("  under ", Role::TextMuted));
            pieces.push(widget::remote(
                study.trace.span(parent).operation,
                Role::TextMuted,
            ));
        }
        sheet.line(pieces);
    }
    if runs.len() > MOST {
        sheet.prose(
            &format!("and {} more", grouped(runs.len() - MOST)),
            Role::TextMuted,
        );
    }
}

fn gaps<'a>(sheet: &mut Sheet<'a>, study: &'a Study, aspect: &'a crate::app::traces::Aspect) {
    if aspect.gaps.is_empty() {
        return;
    }
    sheet.heading("Nobody tells what went on");
    for gap in &aspect.gaps {
        let mut pieces = vec![
            Piece::own(fit_right(&lasting(gap.stretch.nanos()), 9), Role::TextStrong),
            Piece::own(
                format!(" at {}  in ", since(aspect.whole.from, gap.stretch.from)),
                Role::TextMuted,
            ),
        ];
        pieces.extend(named(study, gap.row));
        sheet.line(pieces);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shares_that_tile_the_whole_make_a_hundred_per_cent(parts in proptest::collection::vec(1_u64..1 << 40, 1..40)) {
            let whole = parts.iter().sum();
            let shares = thousandths(&parts, whole);
            prop_assert_eq!(shares.iter().sum::<u64>(), 1_000);
            for (share, part) in shares.iter().zip(&parts) {
                let exact = *part as f64 * 1_000.0 / whole as f64;
                prop_assert!((*share as f64 - exact).abs() < 1.0 + 1e-6);
            }
        }
    }
}
