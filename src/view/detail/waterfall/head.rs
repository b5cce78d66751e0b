//! What the trace is and what it comes to, the way one came, what is sought; and below, the span under the cursor in full.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Sight;
use crate::action::Action;
use crate::app::Model;
use crate::app::traces::waterfall::{Growth, Narrowed, Sought, Waterfall};
use crate::app::traces::{Clocks, within};
use crate::domain::trace::scale::lasting;
use crate::domain::trace::summary::Lasted;
use crate::domain::trace::{Nanos, Remark, Row, Status, Trace, explain, skew};
use crate::text::{Cut, SafeText, cut};
use crate::theme::Role;
use crate::view::pane::logs::{clock, service_role};
use crate::view::widget::{self, Piece, width_of};
use crate::view::{Scene, hints};

/// Ancestors that the way to a root names.
const MOST_ABOVE: usize = 3;

/// Rows that the line which explains the trace has at most.
const MOST_LINES: usize = 3;

/// Rows that it wants in a frame so wide.
pub(in crate::view) fn rows(open: &Waterfall, width: u16) -> u16 {
    let Some(study) = open.study() else {
        return 0;
    };
    let said = [
        true,
        open.sought.is_some(),
        open.root().is_some(),
        !study.shifts.is_empty(),
        !study.trace.remarks().is_empty(),
    ];
    let explained = explained(open, width.saturating_sub(2)).len() as u16;
    explained + said.into_iter().map(u16::from).sum::<u16>()
}

/// What explains the trace, without the name and the duration that stand above it.
fn explanation(open: &Waterfall) -> Option<&str> {
    let aspect = open.aspect()?;
    let study = open.study()?;
    let head = explain::head(&study.trace, study.timing(open.clocks));
    aspect.line.strip_prefix(&head)?.strip_prefix(": ")
}

/// The same in lines; what is too long for the last of them is cut at its end.
fn explained(open: &Waterfall, width: u16) -> Vec<SafeText<'static>> {
    let Some(said) = explanation(open) else {
        return Vec::new();
    };
    let said = SafeText::line(said);
    let room = usize::from(width.saturating_sub(2)).max(1);
    let wrapped = textwrap::wrap(said.as_str(), room);
    let mut lines: Vec<String> = wrapped.into_iter().map(std::borrow::Cow::into_owned).collect();
    if lines.len() > MOST_LINES {
        let rest = lines.split_off(MOST_LINES - 1).join(" ");
        lines.push(rest);
    }
    lines
        .iter()
        .map(|line| SafeText::line(line).into_owned())
        .collect()
}

/// Draws it; where there is less room than it wants, the last lines are left out.
pub(super) fn draw(sight: Sight, buffer: &mut Buffer, area: Rect) {
    let mut lines = vec![title(sight, usize::from(area.width.saturating_sub(2)))];
    let explained = explained(sight.open, area.width).into_iter();
    lines.extend(explained.map(|said| vec![Piece::safe(said, Role::TextStrong)]));
    lines.extend(sight.open.sought.as_ref().map(|sought| search(sight, sought)));
    lines.extend(sight.open.root().map(|root| way(sight, root)));
    lines.extend(clocks(sight));
    lines.extend(remarks(sight));
    for (index, pieces) in lines.iter().enumerate() {
        let mut row = widget::after(widget::row(area, index as u16), 1);
        row.width = row.width.saturating_sub(1);
        sight.scene.line(buffer, row, pieces);
    }
}

/// What it is, how it went and when: in cells that are too few for that its last span and the operation's name give way.
fn title(sight: Sight<'_>, cells: usize) -> Vec<Piece<'_>> {
    let trace = &sight.study.trace;
    let root = trace.span(trace.primary());
    let errors = sight.study.errors.len();
    let whole = sight.aspect.bars.nanos();
    let (took, until) = match trace.took() {
        // What goes on behind the root is no part of what was waited for.
        (took, Lasted::Root) => {
            let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
            let more = lasting(whole) != lasting(took);
            let until = more.then(|| format!(", {} to its last span", lasting(whole)));
            (took, until.unwrap_or_default())
        }
        (_, Lasted::Whole) => (whole, String::new()),
    };
    let counted = |count: usize, one: &str, several: &str| {
        let word = if count == 1 { one } else { several };
        format!(" · {} {word}", grouped(count))
    };
    let took = Piece::own(format!("  {}", lasting(took)), Role::TextStrong);
    let until = Piece::own(until, Role::TextMuted);
    let mut pieces = Vec::new();
    if errors > 0 {
        pieces.push(Piece::own(
            format!(" · ✗ {} failed", grouped(errors)),
            Role::TraceError,
        ));
    } else {
        pieces.push(Piece::word(" · none failed", Role::TextMuted));
    }
    if let Growth::Young { came, .. } = sight.open.growth {
        pieces.push(match came {
            0 => Piece::word(" · may still grow", Role::StateBusy),
            _ => Piece::own(
                format!(" · still growing, {} came", grouped(came)),
                Role::StateBusy,
            ),
        });
    }
    let day = sight.aspect.whole.from.utc().format("%m-%d");
    let begin = clock(sight.scene, sight.aspect.whole.from);
    pieces.push(Piece::own(format!("  {day} {begin}"), Role::TextMuted));
    let service = widget::remote(root.service, service_role(root.service));
    let left = cells.saturating_sub(service.width() + 1 + took.width() + width_of(&pieces));
    // Where its last span ends is told again below, by the bars.
    let until = Some(until).filter(|until| until.width() + LEAST_NAME <= left);
    let left = left - until.as_ref().map_or(0, Piece::width);
    let operation = SafeText::line(root.operation);
    let operation = cut(operation.as_str(), left.max(LEAST_NAME), Cut::End).into_owned();
    let name = [
        service,
        Piece::word(" ", Role::Text),
        Piece::own(operation, Role::TextStrong),
        took,
    ];
    // What may be cut stands last.
    let counts = [
        counted(trace.len(), "span", "spans"),
        counted(sight.aspect.services.len(), "service", "services"),
    ];
    let counts = counts.map(|text| Piece::own(text, Role::TextMuted));
    let told = name.into_iter().chain(until).chain(pieces);
    told.chain(counts).collect()
}

/// Cells that an operation's name keeps.
const LEAST_NAME: usize = 12;

/// Whose clocks are off, and whether the bars go by that: whoever reads the bars has to know before they ask.
fn clocks(sight: Sight<'_>) -> Option<Vec<Piece<'static>>> {
    let shifts = &sight.study.shifts;
    if shifts.is_empty() {
        return None;
    }
    let key = hints::key(sight.scene, Action::ClockSkew);
    let (head, tail) = match sight.open.clocks {
        Clocks::Sent => (
            "clocks differ: ",
            key.map_or_else(String::new, |key| format!(" · {key} aligns")),
        ),
        Clocks::Moved => (
            "clocks set right: ",
            " · ···· as it came; the path is approximate".to_owned(),
        ),
    };
    Some(vec![
        Piece::word(head, Role::StateStale),
        Piece::own(skew::said(shifts), Role::Text),
        Piece::own(tail, Role::TextMuted),
    ])
}

/// The way from the trace's root to the root that is shown.
fn way(sight: Sight<'_>, root: Row) -> Vec<Piece<'_>> {
    let trace = &sight.study.trace;
    let mut above: Vec<Row> = trace.ancestors(root).take(MOST_ABOVE + 1).collect();
    let more = above.len() > MOST_ABOVE;
    above.truncate(MOST_ABOVE);
    let mut pieces = vec![Piece::word("only  ", Role::Accent)];
    if more {
        pieces.push(Piece::word("… › ", Role::TextMuted));
    }
    for row in above.into_iter().rev() {
        let span = trace.span(row);
        pieces.push(widget::remote(span.service, service_role(span.service)));
        pieces.push(Piece::word(" ", Role::Text));
        pieces.push(widget::remote(span.operation, Role::TextMuted));
        pieces.push(Piece::word(" › ", Role::TextMuted));
    }
    let span = trace.span(root);
    pieces.push(widget::remote(span.service, service_role(span.service)));
    pieces.push(Piece::word(" ", Role::Text));
    pieces.push(widget::remote(span.operation, Role::TextStrong));
    if let Some(key) = hints::key(sight.scene, Action::Back) {
        pieces.push(Piece::own(format!("  {key} one step back"), Role::TextMuted));
    }
    pieces
}

fn search<'a>(sight: Sight<'a>, sought: &'a Sought) -> Vec<Piece<'a>> {
    let mut pieces = vec![
        Piece::word("/", Role::Key),
        widget::remote(&sought.text, Role::Input),
    ];
    pieces.push(Piece::word("  ", Role::Text));
    pieces.extend(found(sight.open, sought));
    if sight.open.narrowed == Narrowed::ToMatches {
        pieces.push(Piece::own(
            format!(" · {} others hidden", grouped(sight.open.hidden())),
            Role::StateStale,
        ));
    }
    let keys = [Action::NextHit, Action::PreviousHit, Action::MatchesOnly];
    for action in keys.into_iter().filter(|_| !sought.hits().is_empty()) {
        if let Some(key) = hints::key(sight.scene, action) {
            let title = match action {
                Action::MatchesOnly if sight.open.narrowed == Narrowed::ToMatches => "all",
                other => other.row().title,
            };
            pieces.push(Piece::own(format!("  {key}"), Role::Key));
            pieces.push(Piece::own(format!(" {title}"), Role::TextMuted));
        }
    }
    pieces
}

fn found(open: &Waterfall, sought: &Sought) -> Vec<Piece<'static>> {
    match &sought.answer {
        Some(Err(why)) if !sought.is_awaited() => {
            vec![Piece::safe(SafeText::line(why).into_owned(), Role::StateFailed)]
        }
        _ if sought.is_awaited() => vec![Piece::word("looking…", Role::StateBusy)],
        _ => {
            let here = within(sought.hits(), &open.range());
            let before = here.partition_point(|row| *row < open.cursor);
            let on_one = here.get(before) == Some(&open.cursor);
            let number = if on_one {
                format!("{} of ", grouped(before + 1))
            } else {
                String::new()
            };
            let word = if here.len() == 1 { "match" } else { "matches" };
            let role = if here.is_empty() {
                Role::StateStale
            } else {
                Role::Text
            };
            let mut pieces = vec![Piece::own(
                format!("{number}{} {word}", grouped(here.len())),
                role,
            )];
            let elsewhere = sought.hits().len() - here.len();
            if elsewhere > 0 {
                pieces.push(Piece::own(
                    format!(" · {} outside of this root", grouped(elsewhere)),
                    Role::StateStale,
                ));
            }
            pieces
        }
    }
}

/// What a search that is typed says of its matches.
pub(in crate::view) fn matches_said(scene: Scene) -> Piece<'static> {
    let keys = [(Action::DialogAccept, "keeps"), (Action::DialogLeave, "ends")];
    let example = Piece::own(
        hints::says(scene, "dur>5% err svc=pay self>10ms /re/", &keys),
        Role::TextMuted,
    );
    let Some(open) = searched(scene.model) else {
        return example;
    };
    let Some(sought) = &open.sought else {
        return example;
    };
    let said = found(open, sought);
    let role = said.first().map_or(Role::TextMuted, |piece| piece.role);
    let text: String = said.iter().map(Piece::as_str).collect();
    Piece::own(text, role)
}

fn searched(model: &Model) -> Option<&Waterfall> {
    model.traces.opened(model.detail()?.trace()?)
}

/// What was odd about it, the first of it in words.
fn remarks(sight: Sight) -> Option<Vec<Piece<'static>>> {
    let all = sight.study.trace.remarks();
    let first = all.first()?;
    let role = if all.iter().any(Remark::is_loss) {
        Role::StateFailed
    } else {
        Role::StateStale
    };
    let text = first.to_string();
    let mut pieces = vec![
        Piece::word("! ", role),
        Piece::safe(SafeText::line(&text).into_owned(), role),
    ];
    if all.len() > 1 {
        pieces.push(Piece::own(format!(" · {} more", all.len() - 1), Role::TextMuted));
        if let Some(key) = hints::key(sight.scene, Action::TraceFacts) {
            pieces.push(Piece::own(format!(": {key}"), Role::TextMuted));
        }
    }
    Some(pieces)
}

/// The span under the cursor: its times, whatever of its name was cut.
pub(super) fn foot(sight: Sight, buffer: &mut Buffer, area: Rect) {
    if area.is_empty() {
        return;
    }
    let (open, aspect) = (sight.open, sight.aspect);
    let (row, whole) = (open.cursor, aspect.whole);
    let (span, time) = (sight.study.trace.span(row), sight.time(row));
    let took = took_nanos(&sight.study.trace);
    // What took longer than the root is no share of it.
    let share = |nanos: u64| (nanos <= took).then(|| percent(nanos, took));
    let mut pieces = vec![
        Piece::word("▌", Role::Accent),
        Piece::own(format!("{}  ", since(whole.from, time.from)), Role::TextStrong),
    ];
    match span.times.odd() {
        Some(odd) => pieces.push(Piece::own(format!("? {odd}"), Role::StateStale)),
        None => pieces.extend([
            Piece::own(lasting(time.nanos()), Role::TextStrong),
            Piece::own(
                share(time.nanos()).map_or_else(
                    || ", longer than the root".to_owned(),
                    |share| format!(" {share}"),
                ),
                Role::TextMuted,
            ),
            Piece::own(
                format!(
                    "  self {}{}",
                    lasting(aspect.own.nanos(row)),
                    share(aspect.own.nanos(row)).map_or_else(String::new, |share| format!(" {share}"))
                ),
                Role::TextMuted,
            ),
        ]),
    }
    let line = open.lines.get(open.index()).copied();
    if let Some(run) = line.and_then(|line| open.run_of(line)) {
        let text = format!(
            "  ×{} equal, {} in all, the longest {}",
            run.count,
            lasting(run.total.as_nanos() as u64),
            lasting(sight.time(run.longest).nanos())
        );
        pieces.push(Piece::own(text, Role::TextStrong));
    } else if let Some(step) = aspect.path.step(row).filter(|step| step.own > 0) {
        let share = percent(step.own, aspect.path.whole().nanos());
        let text = format!("  on the path {} {share}", lasting(step.own));
        pieces.push(Piece::own(text, Role::TraceCriticalPath));
    }
    if span.status == Status::Error {
        let why = sight
            .study
            .trace
            .detail(row)
            .message
            .map(std::borrow::Cow::into_owned);
        let why = why
            .filter(|why| !why.is_empty())
            .unwrap_or_else(|| "failed".to_owned());
        pieces.push(Piece::word("  ✗ ", Role::TraceError));
        pieces.push(Piece::safe(SafeText::line(&why).into_owned(), Role::TraceError));
    }
    pieces.push(Piece::word("  ", Role::Text));
    pieces.push(widget::remote(span.service, service_role(span.service)));
    pieces.push(Piece::word(" ", Role::Text));
    pieces.push(widget::remote(span.operation, Role::Text));
    sight.scene.line(buffer, area, &pieces);
}

/// How long a trace took, in nanoseconds: what its spans' shares are of.
pub(super) fn took_nanos(trace: &Trace) -> u64 {
    u64::try_from(trace.took().0.as_nanos()).unwrap_or(u64::MAX)
}

/// `+412 ms`.
pub(super) fn since(begin: Nanos, at: Nanos) -> String {
    let far = i128::from(at.0) - i128::from(begin.0);
    if far == 0 {
        return "+0".to_owned();
    }
    let sign = if far < 0 { "−" } else { "+" };
    let nanos = u64::try_from(far.unsigned_abs()).unwrap_or(u64::MAX);
    format!("{sign}{}", lasting(nanos))
}

/// A share in whole per cent; `<1%` of what is not nothing.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let share = part as f64 / whole.max(1) as f64 * 100.0;
    if part > 0 && share < 1.0 {
        "<1%".to_owned()
    } else {
        format!("{share:.0}%")
    }
}

/// A count with its thousands set apart.
pub(super) fn grouped(number: usize) -> String {
    crate::text::grouped(number as u64)
}
