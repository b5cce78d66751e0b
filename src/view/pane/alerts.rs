//! The alert pane: groups that fold, what nobody has and what is severe first, and whether the queue can be believed.

use std::collections::BTreeSet;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::alert_rows::{alert_cells, head_cells};
use super::belief::{self, Heard};
use super::standing::is_quiet;
use super::{
    Border, Freshness, Lack, cells_of, framed, look, mark_hits, message, narrowed, position, skeleton, thumb,
    timed,
};
use crate::app::feed::Status;
use crate::app::focus::PaneId;
use crate::app::scope::TimeRange;
use crate::domain::alert::filter::Filter;
use crate::domain::alert::{Alert, AlertBoard, AlertGroup, Fingerprint, Grouping, StateChoice};
use crate::domain::environment;
use crate::text::SafeText;
use crate::theme::Role;
use crate::view::layout::{HEADER_ROWS, list_rows};
use crate::view::widget::columns::{self, Align, Column, Width, column, flex};
use crate::view::widget::scrollbar::Extent;
use crate::view::widget::{self, Piece};
use crate::view::{Scene, figures, hints, moment};

/// Columns, the least important dropped first; the widths do not depend on what is in them.
const COLUMNS: [Column; 5] = [
    column("sev", Width::Fixed(4), Align::Left, 0),
    column("alert", flex(14, 52, 4), Align::Left, 0),
    column("service", flex(8, 18, 1), Align::Left, 1),
    column("age", Width::Fixed(4), Align::Right, 0),
    column("state", flex(12, 40, 4), Align::Left, 0),
];

/// The state's column where there is room for its longest words.
const STATE_ROOMY: u16 = 21;

/// The columns for a width: the state has room for its words before the name has more than it needs.
fn columns_for(width: u16) -> [Column; 5] {
    let mut columns = COLUMNS;
    if (39..46).contains(&width) {
        // Two rows of one name are told apart by their services: name and state give way before that one goes.
        columns[1].width = flex(11, 52, 4);
        columns[4].width = flex(8, 40, 2);
    }
    if (51..62).contains(&width) {
        // `HighErrorRate ×3` and `acked mara 4m`.
        columns[1].width = flex(18, 52, 4);
        columns[4].width = flex(13, 40, 4);
    }
    if width >= 62 {
        columns[4].width = flex(STATE_ROOMY, 40, 2);
    }
    columns
}

/// So many alerts are looked at for what they tell.
const LOOKED_AT: usize = 1_000;

/// Whether any alert tells this label of the environment; where there is none nobody knows.
pub(super) fn tells(scene: Scene, label: &str) -> bool {
    let Some(board) = scene
        .model
        .alerts
        .shown()
        .filter(|board| !board.by_fingerprint.is_empty())
    else {
        return true;
    };
    let mut alerts = board.by_fingerprint.values().take(LOOKED_AT);
    alerts.any(|alert| environment::told(label, |name| alert.labels.get(name)).is_some())
}

/// Sources whose last good answer is too old.
fn stale_sources(scene: Scene<'_>) -> Vec<&str> {
    let health = scene.model.health.iter();
    health
        .filter(|h| {
            h.last_good
                .is_some_and(|at| scene.now.tick.since(at) > h.interval * 2)
        })
        .filter_map(|h| h.name.strip_prefix("alertmanager "))
        .collect()
}

/// No source that lists it answers: what is shown of it is old.
fn is_stale(old: &[&str], alert: &Alert) -> bool {
    !old.is_empty()
        && !alert.sources.is_empty()
        && alert.sources.iter().all(|source| old.contains(&source.as_ref()))
}

/// How fresh the queue is: as old as its oldest source.
pub(in crate::view) fn freshness(scene: Scene<'_>) -> Freshness<'_> {
    let sources = scene
        .model
        .health
        .iter()
        .filter(|h| h.name.starts_with("alertmanager"));
    let age = |health: &crate::app::BackendHealth| health.last_good.map(|at| scene.now.tick.since(at));
    let board_age = scene
        .model
        .alerts
        .board
        .as_ref()
        .and_then(|board| board.pipeline.age);
    // One that has never answered is a fault of the pipeline and said as such; the age is of what is shown.
    let oldest = sources.clone().filter_map(age).max();
    let failure = sources.clone().find_map(|health| match &health.status {
        Status::Failed { cause, .. } => Some(cause.as_ref()),
        Status::Idle | Status::InFlight { .. } | Status::NotAsked { .. } => None,
    });
    Freshness {
        age: oldest.or(board_age),
        interval: sources
            .map(|h| h.interval)
            .max()
            .unwrap_or(std::time::Duration::from_secs(15)),
        failure,
        lack: Lack::Answer,
    }
}

/// Draws the pane.
pub(in crate::view) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect) {
    let pane = &scene.model.alerts;
    let fresh = freshness(scene);
    let total = pane.rows.len();
    let shown = list_rows(area);
    let border = Border {
        count: pane.shown().map_or_else(Vec::new, |board| count(scene, board)),
        filter: narrowed(scene, PaneId::Alerts, in_force(scene)),
        fresh,
        foot: timed(
            scene,
            PaneId::Alerts,
            foot(scene, position(pane.list.index, total, shown)),
        ),
    };
    let inside = framed(scene, buffer, area, PaneId::Alerts, border);
    let head = widget::row(inside, 0);
    // An empty queue says in full what is wrong, and does not say it twice.
    let says_itself =
        pane.rows.is_empty() && pane.shown().is_some_and(|board| !is_narrowed_away(scene, board));
    let told = !says_itself && first_line(scene, buffer, widget::after(head, 1));
    if pane.rows.is_empty() {
        let below = Rect {
            y: inside.y + u16::from(told),
            height: inside.height.saturating_sub(u16::from(told)),
            ..inside
        };
        empty(scene, buffer, below, fresh);
        return;
    }
    let body = cells_of(inside);
    let old = stale_sources(scene);
    let table = columns_for(body.width);
    let slots = columns::layout(&table, body.width, 1);
    if !told {
        columns::draw_header(buffer, widget::row(body, 0), scene.theme, &table, &slots);
    }
    for (line, index) in (pane.list.offset..total).take(shown).enumerate() {
        let whole = widget::row(inside, line as u16 + HEADER_ROWS);
        let row = cells_of(whole);
        let Some((group, alert)) = pane.at(index) else {
            continue;
        };
        let selected = index == pane.list.index;
        let name_width = slots.rect(1, row).map_or(0, |slot| usize::from(slot.width));
        let (cells, dimmed) = match alert {
            Some(alert) => (
                alert_cells(scene, group, alert, name_width),
                is_quiet(alert) || is_stale(&old, alert),
            ),
            None => (head_cells(scene, group, name_width), false),
        };
        let look = look(selected, dimmed);
        columns::draw_row(buffer, row, scene.theme, (&table, &slots), &cells, look);
        if is_marked(scene, group, alert) {
            let mark = widget::after(whole, 1);
            scene.line(
                buffer,
                Rect {
                    width: 1.min(mark.width),
                    ..mark
                },
                &[Piece::word("✓", Role::Mark)],
            );
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
    thumb(
        scene,
        buffer,
        area,
        extent,
        super::slo::focus(scene, PaneId::Alerts),
    );
}

/// The pipeline's worst fault, or what is wrong with the filter, in place of the column titles.
fn first_line(scene: Scene, buffer: &mut Buffer, row: Rect) -> bool {
    let Some(board) = scene.model.alerts.shown() else {
        return false;
    };
    let piece = if let Some(fault) = board.pipeline.faults.first() {
        let more = match board.pipeline.faults.len() - 1 {
            0 => String::new(),
            more => format!(" (+{more} more)"),
        };
        let text = belief::fault_words(scene, fault);
        Piece::own(format!("✗ {text}{more}"), Role::SeverityCritical)
    } else if let Some(wrong) = &board.filter_error {
        Piece::own(
            format!("! filter: {}; nothing is hidden", SafeText::line(wrong)),
            Role::StateStale,
        )
    } else {
        return false;
    };
    scene.line(buffer, row, &[piece]);
    true
}

fn is_marked(scene: Scene, group: &AlertGroup, alert: Option<&Arc<Alert>>) -> bool {
    let marks = &scene.model.alerts.marks;
    if marks.is_empty() {
        return false;
    }
    match alert {
        Some(alert) => marks.contains(&alert.occurrence.fingerprint),
        None => group
            .alerts
            .iter()
            .all(|a| marks.contains(&a.occurrence.fingerprint)),
    }
}

fn count(scene: Scene, board: &AlertBoard) -> Vec<Piece<'static>> {
    let (active, acknowledged, suppressed) = board.counts.within();
    let mut pieces = vec![match (belief::heard(board), active) {
        (Heard::Nobody, 0) => Piece::word("not known", Role::SeverityCritical),
        (Heard::Nobody, active) => Piece::own(format!("{active} firing when last heard"), Role::StateStale),
        (Heard::Some, 0) => Piece::word("none seen firing", Role::StateStale),
        (Heard::All, 0) => Piece::word("none firing", Role::TextMuted),
        (Heard::All | Heard::Some, active) => Piece::own(format!("{active} firing"), Role::TextStrong),
    }];
    for (count, word) in [(acknowledged, "acked"), (suppressed, "suppressed")] {
        if count > 0 {
            pieces.push(Piece::own(format!(" · {count} {word}"), Role::TextMuted));
        }
    }
    match scene.model.alerts.states {
        StateChoice::Active => {}
        StateChoice::All => pieces.push(Piece::word("  all states", Role::Accent)),
        StateChoice::Suppressed => pieces.push(Piece::word("  suppressed only", Role::Accent)),
    }
    pieces
}

/// How many of the alerts in the list began within a range: those that did not are listed all the same, for they fire.
pub(super) fn began_within(scene: Scene, range: TimeRange) -> usize {
    let groups = scene.model.alerts.shown().map(|board| &board.groups);
    let listed = groups.into_iter().flatten().flat_map(|group| &group.alerts);
    let began: BTreeSet<Fingerprint> = listed
        .map(|alert| alert.occurrence)
        .filter(|occurrence| range.holds(occurrence.starts_at))
        .map(|occurrence| occurrence.fingerprint)
        .collect();
    began.len()
}

/// How many alerts fired already at the moment that was chosen elsewhere.
fn then(scene: Scene) -> Option<Piece<'static>> {
    let at = moment::elsewhere(scene, PaneId::Alerts)?;
    let board = scene.model.alerts.shown()?;
    let firing = board
        .by_fingerprint
        .values()
        .filter(|alert| alert.occurrence.starts_at <= at && alert.ended_at.is_none_or(|end| at < end));
    let said = figures::moment_to_the_second(at, scene.still.utc, scene.model.zone);
    // The list beside it may show fewer: the count is of the whole board.
    let of = if is_narrowed(scene) { " in all" } else { "" };
    Some(Piece::own(
        format!("{} {said}: {}{of} fired already", moment::SIGN, firing.count()),
        Role::Accent,
    ))
}

/// `2 outside`: firing ones that nobody has and that the scope leaves out.
fn outside(scene: Scene) -> Option<Piece<'static>> {
    let board = scene.model.alerts.shown()?;
    let count = board.counts.outside.active;
    (count > 0).then(|| Piece::own(format!("{count} outside"), Role::StateStale))
}

/// How it is grouped, and where in it one is.
fn foot(scene: Scene, position: Vec<Piece<'static>>) -> Vec<Piece<'static>> {
    let mut pieces = match &scene.model.alerts.grouping {
        Grouping::Server => Vec::new(),
        Grouping::Flat => vec![Piece::word("not grouped", Role::TextMuted)],
        Grouping::Labels(labels) => {
            let labels: Vec<String> = labels.iter().map(|l| SafeText::line(l).into_string()).collect();
            vec![Piece::own(format!("by {}", labels.join(", ")), Role::TextMuted)]
        }
    };
    let outside = outside(scene).into_iter().collect();
    for more in [outside, then(scene).into_iter().collect(), position] {
        if !pieces.is_empty() && !more.is_empty() {
            pieces.push(Piece::word("  ", Role::Text));
        }
        pieces.extend(more);
    }
    pieces
}

/// Alerts that the board has, filter and scope aside.
fn held(board: &AlertBoard) -> usize {
    board.counts.active + board.counts.acknowledged + board.counts.suppressed
}

/// The filter that holds: one that cannot be read hides nothing.
fn in_force(scene: Scene<'_>) -> &str {
    let pane = &scene.model.alerts;
    let is_read = pane.shown().is_none_or(|board| board.filter_error.is_none());
    if is_read { pane.filter.trim() } else { "" }
}

/// Whether a filter or the scope shows less than there is.
fn is_narrowed(scene: Scene) -> bool {
    !in_force(scene).is_empty() || scene.model.scope.of(PaneId::Alerts).is_some()
}

/// Whether it is the filter or the scope that shows nothing.
fn is_narrowed_away(scene: Scene, board: &AlertBoard) -> bool {
    is_narrowed(scene) && held(board) > 0
}

/// The empty queue in one sentence: no data is never "no alerts".
fn sentence(scene: Scene, board: &AlertBoard) -> String {
    let fault = board.pipeline.faults.first();
    match (belief::heard(board), fault) {
        (Heard::Nobody, Some(fault)) => format!(
            "not known whether anything fires: {}",
            belief::fault_words(scene, fault)
        ),
        (Heard::Nobody, None) => "not known whether anything fires: no Alertmanager has answered".to_owned(),
        (Heard::Some, Some(fault)) => {
            format!("none seen firing, but {}", belief::fault_words(scene, fault))
        }
        (Heard::All, Some(fault)) => format!("none firing, but {}", belief::fault_words(scene, fault)),
        (Heard::All | Heard::Some, None) => SafeText::line(&board.sentence(scene.still)).into_string(),
    }
}

/// Which word of a filter lets nothing through, and what it may have been meant to be.
fn missed(filter: &str, board: &AlertBoard) -> Option<String> {
    let missed = Filter::parse(filter)
        .ok()?
        .missed(&board.by_fingerprint.values())?;
    Some(SafeText::line(&missed.words()).into_string())
}

/// Why the queue is empty, and why that can be believed or not.
fn empty(scene: Scene, buffer: &mut Buffer, area: Rect, fresh: Freshness) {
    let model = scene.model;
    let pane = &model.alerts;
    let key = |action| hints::key(scene, action).unwrap_or_else(|| ":".to_owned());
    if model.settings.alertmanagers.is_empty() {
        let more = [
            format!(
                "Add [[contexts.{}.alertmanagers]] with a name and a url,",
                model.settings.context
            ),
            "or let `midwatch init URL` find out and write the configuration.".to_owned(),
        ];
        return message(
            scene,
            buffer,
            area,
            ("No Alertmanager in this context.", Role::Text),
            &more,
        );
    }
    let Some(board) = pane.shown() else {
        if let Some(cause) = fresh.failure {
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
                    &format!("✗ Not known whether anything fires: {}", SafeText::line(cause)),
                    Role::SeverityCritical,
                ),
                &more,
            );
        }
        let count = model.settings.alertmanagers.len();
        let text = match count {
            1 => "◇ Waiting for Alertmanager.".to_owned(),
            count => format!("◇ Waiting for {count} Alertmanagers."),
        };
        scene.line(
            buffer,
            widget::after(widget::row(area, 0), 1),
            &[Piece::own(text, Role::StateBusy)],
        );
        let below = Rect {
            y: area.y + 2.min(area.height),
            height: area.height.saturating_sub(2),
            ..area
        };
        return skeleton(scene, buffer, below);
    };
    let counts = board.counts;
    let held = held(board);
    if is_narrowed_away(scene, board) {
        let what = narrowed(scene, PaneId::Alerts, &pane.filter).unwrap_or_default();
        let none = format!("None of {held} alerts matches `{what}`.");
        let mut more = Vec::new();
        if !pane.filter.trim().is_empty() {
            more.extend(missed(&pane.filter, board));
            more.push(format!(
                "{} changes the filter; an empty one shows all.",
                key(crate::action::Action::Filter)
            ));
        }
        if model.scope.current().is_some() {
            more.push(format!(
                "{} undoes the scope.",
                key(crate::action::Action::ScopeBack)
            ));
        }
        return message(scene, buffer, area, (&none, Role::Text), &more);
    }
    let (shape, role) = if belief::is_proven(board) {
        ("✓ ", Role::StateOk)
    } else if board.pipeline.faults.is_empty() {
        ("", Role::Text)
    } else {
        ("✗ ", Role::SeverityCritical)
    };
    let sentence = format!("{shape}{}", sentence(scene, board));
    let mut more: Vec<String> = board
        .pipeline
        .faults
        .iter()
        .skip(1)
        .map(|fault| belief::fault_words(scene, fault))
        .collect();
    more.extend(
        board
            .pipeline
            .unknown
            .iter()
            .map(|unknown| format!("not proven: {unknown}")),
    );
    if held > 0 {
        more.push(format!(
            "{} acknowledged, {} suppressed: {} shows them.",
            counts.acknowledged,
            counts.suppressed,
            key(crate::action::Action::ShowSuppressed)
        ));
    }
    message(scene, buffer, area, (&sentence, role), &more);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_stays_where_two_rows_of_one_name_would_look_alike() {
        for width in 39..200 {
            let columns = columns_for(width);
            let slots = columns::layout(&columns, width, 1);
            assert!(slots.shows(2), "{width}");
        }
        // A terminal of a hundred columns with lines to read beside.
        let columns = columns_for(42);
        let slots = columns::layout(&columns, 42, 1);
        let service = slots.rect(2, Rect::new(0, 0, 42, 1)).map(|slot| slot.width);
        assert!(service >= Some(8), "{service:?}");
    }
}
