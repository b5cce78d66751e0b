//! The SLO pane: one row an objective, most urgent first, as the board ranks them.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{
    Border, Freshness, Lack, cells_of, framed, look, mark_hits, message, narrowed, position, skeleton, thumb,
    timed,
};
use crate::action::Action;
use crate::app::focus::PaneId;
use crate::domain::service_map::Caller;
use crate::domain::slo::{
    BudgetStatus, HadData, Reading, Severity, SloBoard, SloReport, SloState, Staleness,
};
use crate::terminal::Focused;
use crate::text::SafeText;
use crate::theme::Role;
use crate::view::widget::columns::{self, Align, Width, column, flex};
use crate::view::widget::scrollbar::Extent;
use crate::view::widget::sparkline::{self, Sparkline};
use crate::view::widget::{self, Look, Piece, bar, words};
use crate::view::{Scene, figures, hints, moment};

/// Marks a row whose numbers are old, as a light that is stale.
const STALE: &str = "○";
const TREND: usize = 5;
const BUDGET: usize = 6;

/// Columns, the least important dropped first; the widths do not depend on what is in them.
const COLUMNS: [columns::Column; 8] = [
    column("state", Width::Fixed(10), Align::Left, 0),
    column("service", flex(9, 18, 2), Align::Left, 0),
    column("objective", flex(12, 36, 3), Align::Left, 1),
    column("goal", Width::Fixed(6), Align::Right, 5),
    column("burn", Width::Fixed(6), Align::Right, 0),
    column("trend", flex(5, 24, 2), Align::Right, 4),
    column("budget", flex(9, 20, 2), Align::Right, 2),
    column("empty", Width::Fixed(7), Align::Right, 3),
];

/// A state's word on screen, and its role.
pub(in crate::view) fn state(state: SloState) -> Piece<'static> {
    match state {
        SloState::Page => Piece::word("PAGE", Role::SloPage),
        SloState::Ticket => Piece::word("TICKET", Role::SloTicket),
        SloState::Error => Piece::word("ERROR", Role::StateFailed),
        SloState::NoData => Piece::word("NO DATA", Role::SloUnknown),
        SloState::NoTraffic => Piece::word("no traffic", Role::SloUnknown),
        SloState::Starting => Piece::word("starting", Role::SloTicket),
        SloState::Spent => Piece::word("spent", Role::BudgetCritical),
        SloState::Ok => Piece::word("ok", Role::SloOk),
    }
}

/// The same for a row: what has not been read yet is neither lost nor well.
pub(in crate::view) fn state_of(scene: Scene, report: &SloReport) -> Piece<'static> {
    match shortest(report) {
        Some(Reading::Pending) if freshness(scene).failure.is_some() => {
            Piece::word("NO ANSWER", Role::StateFailed)
        }
        Some(_) if is_unread(report) => Piece::word("waiting", Role::StateBusy),
        Some(_) | None => state(report.state),
    }
}

/// Whether its sentence holds: "waiting" does not, once the answer was a failure.
pub(in crate::view) fn shows_words(scene: Scene, report: &SloReport) -> bool {
    !is_unread(report) || freshness(scene).failure.is_none()
}

/// What was read over the shortest window.
fn shortest(report: &SloReport) -> Option<&Reading> {
    report.windows.first().map(|window| &window.reading)
}

/// Nothing has been read over the shortest window yet, and nothing pages or tickets over longer ones; or these
/// still decide whether something does.
fn is_unread(report: &SloReport) -> bool {
    lacks_shortest(report) || report.is_waiting()
}

/// No number of it is known that a row could show.
fn lacks_shortest(report: &SloReport) -> bool {
    matches!(shortest(report), Some(Reading::Pending))
        && !matches!(report.state, SloState::Page | SloState::Ticket)
}

/// The shortest window's reading is too old for its tier.
fn is_stale(report: &SloReport) -> bool {
    report
        .windows
        .first()
        .is_some_and(|window| window.stale == Staleness::Stale)
}

/// The role of a budget's number and bar.
pub(in crate::view) fn budget_role(status: BudgetStatus) -> Role {
    match status {
        BudgetStatus::Healthy => Role::BudgetHealthy,
        BudgetStatus::Warning => Role::BudgetWarning,
        BudgetStatus::Critical | BudgetStatus::Breached => Role::BudgetCritical,
    }
}

/// How fresh the board is.
pub(in crate::view) fn freshness(scene: Scene<'_>) -> Freshness<'_> {
    let feed = &scene.model.slo.feed;
    // A board of nothing but questions is no answer, and has no age.
    let answered = feed
        .value()
        .is_some_and(|board| board.slos.is_empty() || board.slos.iter().any(|report| !is_unread(report)));
    Freshness {
        age: feed.age(scene.now.tick).filter(|_| answered),
        interval: feed.interval,
        failure: feed.failure(),
        lack: Lack::Answer,
    }
}

/// The burn that a row shows: over the shortest window.
pub(in crate::view) fn burn_now(report: &SloReport) -> Option<f64> {
    report.windows.first().and_then(|window| window.burn_rate)
}

/// The name without the service in front, which has a column of its own.
pub(in crate::view) fn short_name(report: &SloReport) -> &str {
    let name = report.slo.name.as_str();
    let rest = name
        .strip_prefix(report.slo.service.as_str())
        .map(|rest| rest.trim_start_matches(['-', '_', '.', '/', ':', ' ']));
    match rest {
        Some(rest) if !rest.is_empty() && rest.len() < name.len() => rest,
        Some(_) | None => name,
    }
}

/// `page, data lost 4m`: what a row says in place of numbers when its data is lost.
pub(in crate::view) fn lost(scene: Scene, report: &SloReport) -> Option<String> {
    if lacks_shortest(report) {
        let failed = freshness(scene).failure.is_some();
        return Some(if failed { "never read" } else { "not read yet" }.to_owned());
    }
    if report.state != SloState::NoData || report.is_waiting() {
        return None;
    }
    match (&report.last_known, report.had_data) {
        (Some((state, at)), _) => {
            let age = figures::row_age(figures::since(*at, scene.still.utc));
            Some(format!("{}, data lost {age}", state.word()))
        }
        (None, HadData::Yes) => Some("data lost".to_owned()),
        (None, HadData::No) => Some("never seen".to_owned()),
    }
}

/// Draws the pane.
pub(in crate::view) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect) {
    let pane = &scene.model.slo;
    let fresh = freshness(scene);
    let total = pane.rows.len();
    let shown = crate::view::layout::list_rows(area);
    let border = Border {
        count: pane
            .board()
            .map_or_else(Vec::new, |board| count(&within(scene, board))),
        filter: narrowed(scene, PaneId::Slo, &pane.filter),
        fresh,
        foot: timed(
            scene,
            PaneId::Slo,
            foot(scene, pane.board(), position(pane.list.index, total, shown)),
        ),
    };
    let inside = framed(scene, buffer, area, PaneId::Slo, border);
    if pane.rows.is_empty() {
        empty(scene, buffer, inside, fresh);
        return;
    }
    let body = cells_of(inside);
    let slots = columns::layout(&COLUMNS, body.width, 1);
    columns::draw_header(buffer, widget::row(body, 0), scene.theme, &COLUMNS, &slots);
    for (line, index) in (pane.list.offset..total).take(shown).enumerate() {
        let whole = widget::row(inside, line as u16 + crate::view::layout::HEADER_ROWS);
        let row = cells_of(whole);
        let Some(report) = pane.rows.get(index).and_then(|name| pane.report(name)) else {
            continue;
        };
        let selected = index == pane.list.index;
        let old = fresh.is_stale() || is_stale(report);
        draw_row(scene, buffer, row, (&slots, report), look(selected, old));
        if old {
            let mark = Rect {
                width: 1.min(whole.width.saturating_sub(1)),
                ..widget::after(whole, 1)
            };
            scene.line(buffer, mark, &[Piece::word(STALE, Role::StateStale)]);
        }
        if selected {
            columns::draw_cursor(buffer, whole, scene.theme);
        }
        mark_hits(scene, buffer, row, pane.search.as_ref());
    }
    let extent = Extent {
        first: pane.list.offset,
        shown,
        total,
    };
    thumb(scene, buffer, area, extent, focus(scene, PaneId::Slo));
}

pub(super) fn focus(scene: Scene, pane: PaneId) -> Focused {
    if scene.model.focus == pane {
        Focused::Gained
    } else {
        Focused::Lost
    }
}

fn draw_row(scene: Scene, buffer: &mut Buffer, row: Rect, what: (&columns::Slots, &SloReport), look: Look) {
    let (slots, report) = what;
    let (text, muted) = (Role::Text, Role::TextMuted);
    let dimmed = matches!(look, Look::Dimmed | Look::DimmedCursor);
    let burn = burn_now(report);
    let burn_role = match report.state {
        SloState::Page => Role::SloPage,
        SloState::Ticket | SloState::Starting => Role::SloTicket,
        SloState::Spent | SloState::Ok | SloState::NoData | SloState::NoTraffic | SloState::Error => muted,
    };
    let name = SafeText::line(short_name(report));
    let mut cells = vec![
        vec![state_of(scene, report)],
        vec![Piece::safe(SafeText::line(&report.slo.service), text)],
        vec![Piece::safe(name, muted)],
        vec![Piece::own(report.slo.objective.to_string(), muted)],
        vec![Piece::own(figures::burn(burn), burn_role)],
    ];
    let instead = lost(scene, report).or_else(|| error_of(report));
    if let Some(words) = instead {
        cells.truncate(4);
        columns::draw_row(buffer, row, scene.theme, (&COLUMNS, slots), &cells, look);
        let start = slots.rect(4, row).map_or(row.right(), |slot| slot.x);
        let rest = widget::after(row, start - row.x);
        scene.line(
            buffer,
            rest,
            &[Piece::own(
                words,
                if dimmed { Role::TextDim } else { Role::SloUnknown },
            )],
        );
        return;
    }
    cells.push(Vec::new());
    cells.push(Vec::new());
    cells.push(vec![empty_in(report, muted)]);
    columns::draw_row(buffer, row, scene.theme, (&COLUMNS, slots), &cells, look);
    if let Some(slot) = slots.rect(TREND, row) {
        spark(scene, buffer, slot, report, dimmed);
    }
    if let Some(slot) = slots.rect(BUDGET, row) {
        budget(scene, buffer, slot, report, dimmed);
    }
}

/// The reason an expression failed, in the row itself.
fn error_of(report: &SloReport) -> Option<String> {
    if report.state != SloState::Error {
        return None;
    }
    let why = report.windows.iter().find_map(|window| match &window.reading {
        Reading::Error(why) => Some(SafeText::line(why).into_string()),
        Reading::Ratio { .. } | Reading::NoTraffic | Reading::NoData | Reading::Pending => None,
    });
    Some(why.unwrap_or_else(|| "the expression failed".to_owned()))
}

/// The trend, scaled so that a calm line looks calm: full is the lowest page factor.
fn spark(scene: Scene, buffer: &mut Buffer, slot: Rect, report: &SloReport, dimmed: bool) {
    let factor = |severity| {
        let rules = report
            .slo
            .rules
            .iter()
            .filter(move |rule| rule.severity == severity);
        rules.map(|rule| rule.factor).fold(f64::INFINITY, f64::min)
    };
    let limit = factor(Severity::Page).min(1e3);
    let values = &report.spark[..points_until(scene, report)];
    let line = Sparkline {
        values,
        full: limit,
        limit,
        // What is calm needs no eye.
        role: if dimmed || matches!(report.state, SloState::Spent | SloState::Ok) {
            Role::TextDim
        } else {
            Role::Chart
        },
        over: if dimmed { Role::TextDim } else { Role::ChartLimit },
    };
    sparkline::draw(buffer, slot, scene.theme, &line);
    let at = moment::elsewhere(scene, PaneId::Slo).and_then(|at| point_at(report, at));
    if let Some(cell) = at.and_then(|point| sparkline::cell_of(point, values.len(), slot.width)) {
        scene.line(
            buffer,
            Rect {
                width: 1,
                ..widget::after(slot, cell)
            },
            &[Piece::word("│", Role::Accent)],
        );
    }
}

/// How many of the points of a report's recent past lie within the scope's time: its chart ends where that does.
pub(in crate::view) fn points_until(scene: Scene, report: &SloReport) -> usize {
    let all = report.spark.len();
    let end = scene.model.scope.range_of(PaneId::Slo).and_then(|range| range.to);
    match end {
        Some(end) if report.spark_at.len() == all => report.spark_at.partition_point(|at| *at <= end),
        Some(_) | None => all,
    }
}

/// The point of a report's recent past that a moment is of.
fn point_at(report: &SloReport, at: DateTime<Utc>) -> Option<usize> {
    let known = report
        .spark_at
        .last()
        .is_some_and(|last| at <= *last + chrono::TimeDelta::minutes(5));
    let before = report.spark_at.partition_point(|point| *point <= at);
    before.checked_sub(1).filter(|_| known)
}

fn budget(scene: Scene, buffer: &mut Buffer, slot: Rect, report: &SloReport, dimmed: bool) {
    let Some(budget) = &report.budget else {
        let dash = widget::after(slot, slot.width.saturating_sub(1));
        scene.line(buffer, dash, &[Piece::word("–", Role::TextDim)]);
        return;
    };
    let role = if dimmed {
        Role::TextDim
    } else {
        budget_role(budget.status)
    };
    bar::draw(buffer, slot, scene.theme, budget.remaining, role);
}

fn empty_in(report: &SloReport, role: Role) -> Piece<'static> {
    let Some(budget) = &report.budget else {
        return Piece::word("", role);
    };
    match (budget.status, budget.empties_in()) {
        (BudgetStatus::Breached, _) => Piece::word("spent", Role::BudgetCritical),
        (BudgetStatus::Healthy | BudgetStatus::Warning | BudgetStatus::Critical, Some(left)) => {
            Piece::own(words::span(left), role)
        }
        (BudgetStatus::Healthy | BudgetStatus::Warning | BudgetStatus::Critical, None) => {
            Piece::word("–", Role::TextDim)
        }
    }
}

/// States that are not well, as titles and badges count them.
pub(super) const COUNTED: [(SloState, &str, Role); 6] = [
    (SloState::Page, "page", Role::SloPage),
    (SloState::Ticket, "ticket", Role::SloTicket),
    (SloState::Error, "error", Role::StateFailed),
    (SloState::NoData, "no data", Role::SloUnknown),
    (SloState::Starting, "starting", Role::SloTicket),
    (SloState::Spent, "spent", Role::BudgetCritical),
];

/// How many are in a state, those left out that have not been read yet.
pub(super) fn count_of<'a>(reports: impl IntoIterator<Item = &'a Arc<SloReport>>, state: SloState) -> usize {
    let read = reports.into_iter().filter(|report| !is_unread(report));
    read.filter(|report| report.state == state).count()
}

fn within<'a>(scene: Scene, board: &'a SloBoard) -> Vec<&'a Arc<SloReport>> {
    let selector = scene.model.selector_of(PaneId::Slo, Caller::Slos);
    let all = board.slos.iter();
    all.filter(|report| selector.selects_service(&report.slo.service))
        .collect()
}

/// `2 not ok outside, 1 page`: those that burn or cannot be read, and that the scope leaves out.
fn outside(scene: Scene, board: &SloBoard) -> Vec<Piece<'static>> {
    let selector = scene.model.selector_of(PaneId::Slo, Caller::Slos);
    let left_out = || {
        let all = board.slos.iter();
        all.filter(|report| !selector.selects_service(&report.slo.service))
    };
    // A budget that was spent at some time is no trouble now.
    let troubles = COUNTED
        .into_iter()
        .filter(|(state, ..)| *state != SloState::Spent);
    let counts = troubles.map(|(state, ..)| count_of(left_out(), state));
    let mut pieces = Vec::new();
    let all: usize = counts.sum();
    if all > 0 {
        pieces.push(Piece::own(format!("{all} not ok outside"), Role::StateStale));
    }
    let pages = count_of(left_out(), SloState::Page);
    if pages > 0 {
        pieces.push(Piece::own(format!(", {pages} page"), Role::SloPage));
    }
    pieces
}

fn count(reports: &[&Arc<SloReport>]) -> Vec<Piece<'static>> {
    let of = |state| count_of(reports.iter().copied(), state);
    let mut pieces = Vec::new();
    for (state, word, role) in COUNTED {
        let count = of(state);
        if count > 0 {
            if !pieces.is_empty() {
                pieces.push(Piece::word(" · ", Role::TextDim));
            }
            pieces.push(Piece::own(format!("{count} {word}"), role));
        }
    }
    let unread = reports.iter().filter(|report| is_unread(report)).count();
    if unread > 0 {
        let gap = if pieces.is_empty() { "" } else { " · " };
        pieces.push(Piece::own(format!("{gap}{unread} not read"), Role::StateBusy));
    }
    if pieces.is_empty() && !reports.is_empty() {
        let idle = match of(SloState::NoTraffic) {
            0 => String::new(),
            idle => format!(" · {idle} no traffic"),
        };
        let ok = of(SloState::Ok);
        pieces.push(Piece::own(format!("{ok} ok{idle}"), Role::TextMuted));
    }
    pieces
}

fn foot(scene: Scene, board: Option<&SloBoard>, position: Vec<Piece<'static>>) -> Vec<Piece<'static>> {
    let mut pieces = board.map_or_else(Vec::new, |board| outside(scene, board));
    let warned = board.is_some_and(|board| !board.warnings.is_empty());
    if !pieces.is_empty() && (warned || !position.is_empty()) {
        pieces.push(Piece::word("  ", Role::Text));
    }
    if let Some(first) = board.and_then(|board| board.warnings.first()) {
        let more = board.map_or(0, |board| board.warnings.len() - 1);
        let more = match (more, hints::key(scene, Action::Health)) {
            (0, _) => String::new(),
            (more, Some(key)) => format!(" (+{more}, {key} shows)"),
            (more, None) => format!(" (+{more})"),
        };
        pieces.push(Piece::own(
            format!("! {}{more}", SafeText::line(first)),
            Role::StateStale,
        ));
        if !position.is_empty() {
            pieces.push(Piece::word("  ", Role::Text));
        }
    }
    pieces.extend(position);
    pieces
}

/// Why there is nothing to see, and what to do about it.
fn empty(scene: Scene, buffer: &mut Buffer, area: Rect, fresh: Freshness) {
    let model = scene.model;
    let pane = &model.slo;
    let key = |action| crate::view::hints::key(scene, action).unwrap_or_else(|| ":".to_owned());
    if !model.settings.has_metrics {
        let more = [
            format!(
                "Burn rates come from a Prometheus: add [contexts.{}.metrics] with its url,",
                model.settings.context
            ),
            "or let `midwatch init URL` find out and write the configuration.".to_owned(),
        ];
        return message(
            scene,
            buffer,
            area,
            ("No metrics backend in this context.", Role::Text),
            &more,
        );
    }
    let Some(board) = pane.board() else {
        if let Some(cause) = fresh.failure {
            let cause = SafeText::line(cause);
            let more = [
                "It is asked again by itself; nothing needs to be pressed.".to_owned(),
                format!(
                    "{} shows every backend, `midwatch doctor` looks closer.",
                    key(crate::action::Action::Health)
                ),
            ];
            return message(
                scene,
                buffer,
                area,
                (
                    &format!("✗ The metrics backend does not answer: {cause}"),
                    Role::StateFailed,
                ),
                &more,
            );
        }
        let text = "◇ Waiting for metrics: the shortest windows come first.";
        scene.line(
            buffer,
            widget::after(widget::row(area, 0), 1),
            &[Piece::word(text, Role::StateBusy)],
        );
        let below = Rect {
            y: area.y + 2.min(area.height),
            height: area.height.saturating_sub(2),
            ..area
        };
        return skeleton(scene, buffer, below);
    };
    if board.slos.is_empty() {
        let mut more = vec![
            format!(
                "Define one under [[contexts.{}.slos]], or point slo_files at Sloth, OpenSLO or Pyrra files;",
                model.settings.context
            ),
            "what Sloth or Pyrra record on the server is found by itself.".to_owned(),
        ];
        more.extend(board.warnings.iter().map(|warning| format!("! {warning}")));
        return message(scene, buffer, area, ("No SLO is known here.", Role::Text), &more);
    }
    let count = board.slos.len();
    if pane.filter.trim().is_empty() {
        let service = SafeText::line(model.scope.service_of(PaneId::Slo).unwrap_or_default()).into_string();
        let more = [format!(
            "{} undoes the scope; {count} SLOs are outside it.",
            key(crate::action::Action::ScopeBack)
        )];
        return message(
            scene,
            buffer,
            area,
            (&format!("No SLO of service {service}."), Role::Text),
            &more,
        );
    }
    let head = format!("None of {count} SLOs matches `{}`.", pane.filter);
    let more = [format!(
        "{} changes the filter; an empty one shows all.",
        key(crate::action::Action::Filter)
    )];
    message(scene, buffer, area, (&head, Role::Text), &more);
}
