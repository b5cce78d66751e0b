//! The last row: what is typed, what is said in passing, what the keys do, and what is under way.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::widget::text_block::shortened;
use super::widget::{self, Piece, width_of, words};
use super::{Scene, figures, hints};
use crate::action::Action;
use crate::app::acts::{PendingAct, Stage};
use crate::app::focus::PaneId;
use crate::app::modal::{Modal, Prompt, PromptKind, PromptTarget};
use crate::app::toast::{Level, Toast};
use crate::keymap::Lookup;
use crate::outbox::State;
use crate::text::{SafeText, width};
use crate::theme::Role;

/// Draws the bottom bar: what is typed, else the keys of an unfinished sequence, else a toast, else hints.
pub(super) fn bottom(scene: Scene, buffer: &mut Buffer, area: Rect) -> Option<Position> {
    buffer.set_style(area, scene.theme.style(Role::BarBottom));
    let inner = Rect {
        width: area.width.saturating_sub(2),
        x: area.x + 1.min(area.width),
        ..area
    };
    if let Some(Modal::Prompt(prompt)) = &scene.model.modal {
        return prompt_line(scene, buffer, inner, prompt);
    }
    let mut right = under_way(scene);
    // What is under way may take half the bar, the keys have the rest.
    if width_of(&right) > usize::from(inner.width) / 2 {
        right.truncate(1);
    }
    let right_width = width_of(&right) as u16;
    let left = Rect {
        width: inner
            .width
            .saturating_sub(right_width + u16::from(right_width > 0) * 2),
        ..inner
    };
    if !scene.model.pending_keys.is_empty() {
        sequence(scene, buffer, left);
    } else if let Some(toast) = passing(scene)
        && said(scene, buffer, inner, left.width, toast) == Last::Used
    {
    } else {
        let pieces = hints::fitting(scene, usize::from(left.width));
        scene.line(buffer, left, &pieces);
    }
    scene.line(
        buffer,
        widget::after(inner, inner.width.saturating_sub(right_width)),
        &right,
    );
    None
}

/// What was said in passing; beneath a dialog that was opened since it is not shown, for there the keys are what is looked for.
fn passing(scene: Scene<'_>) -> Option<&Toast> {
    let toasts = &scene.model.toasts;
    match scene.model.modal {
        None => toasts.current(),
        Some(_) => toasts.of_dialog(),
    }
}

/// Whether passing words took the last row, or only rows above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Used,
    Free,
}

/// Rows above the last one that words may take at most.
const ROWS_ABOVE: u16 = 3;

fn rows_above(last: Rect) -> usize {
    usize::from(ROWS_ABOVE.min(last.y / 3))
}

/// Passing words: in the first `beside` cells of the last row, and over rows above it where they are longer than that.
fn said(scene: Scene, buffer: &mut Buffer, inner: Rect, beside: u16, toast: &Toast) -> Last {
    let (mark, role) = match toast.level {
        Level::Info => ("", Role::ToastInfo),
        Level::Warn => ("! ", Role::ToastWarn),
        Level::Error => ("✗ ", Role::ToastError),
    };
    // Nothing lies over what somebody is asked or writes.
    let most = match scene.model.modal {
        None => rows_above(inner),
        Some(_) => 0,
    };
    let text = format!("{mark}{}", SafeText::line(&toast.text));
    let beside = usize::from(beside);
    let whole = usize::from(inner.width);
    let rows = match most {
        _ if width(&text) <= beside => vec![text],
        0 => shortened(&text, beside, 1),
        _ => shortened(&text, whole, most + usize::from(beside == whole)),
    };
    let (above, last) = match rows.split_last() {
        Some((last, above)) if width(last) <= beside => (above, Some(last)),
        _ => (rows.as_slice(), None),
    };
    over_rows(scene, buffer, inner, above, role);
    if let Some(last) = last {
        scene.line(buffer, inner, &[Piece::own(last.clone(), role)]);
    }
    last.map_or(Last::Free, |_| Last::Used)
}

/// Words in rows right above the last one, over whatever stood there.
fn over_rows(scene: Scene, buffer: &mut Buffer, inner: Rect, rows: &[String], role: Role) {
    let top = inner.y - rows.len() as u16;
    let over = Rect::new(buffer.area.x, top, buffer.area.width, rows.len() as u16);
    widget::clear(buffer, over);
    buffer.set_style(over, scene.theme.style(Role::BarBottom));
    for (y, text) in (top..).zip(rows) {
        scene.line(buffer, Rect { y, ..inner }, &[Piece::own(text.clone(), role)]);
    }
}

/// Acts under way, acknowledgements held, marks: the first piece matters most.
fn under_way(scene: Scene) -> Vec<Piece<'static>> {
    let acts = &scene.model.acts;
    let mut parts: Vec<(String, Role)> = Vec::new();
    let unsaved = acts
        .pending
        .iter()
        .filter(|act| matches!(act.stage, Stage::Unsaved { .. }))
        .count();
    if unsaved > 0 {
        parts.push((format!("{unsaved} NOT SAVED"), Role::StateFailed));
    }
    if let Some(running) = &scene.model.running {
        let program = SafeText::line(running.order.argv.program());
        let age = scene.now.tick.since(running.since).as_secs();
        parts.push((format!("{program} runs {age}s"), Role::StateBusy));
    }
    let slow = |act: &&PendingAct| act.saving_slowly(scene.now.tick).is_some();
    let saving = acts.pending.iter().filter(slow);
    if let Some(first) = saving.clone().max_by_key(|act| act.saving_slowly(scene.now.tick)) {
        let age = words::stepped(first.saving_slowly(scene.now.tick).unwrap_or_default());
        let what = match saving.count() {
            1 => first.doing().trim_end_matches('…').to_owned(),
            acts => format!("{acts} acts"),
        };
        parts.push((format!("saving {what}… {age}"), Role::StateStale));
    }
    let asks = scene
        .model
        .outbox
        .open()
        .filter(|entry| entry.state == State::NeedsDecision);
    let asks = asks.count();
    let waiting = scene.model.outbox.open().count() - asks;
    match (asks, waiting) {
        (0, 0) => {}
        (0, waiting) => parts.push((format!("outbox {waiting} pending"), Role::StateBusy)),
        (asks, 0) => parts.push((format!("outbox {asks} asks"), Role::StateStale)),
        (asks, waiting) => parts.push((format!("outbox {asks} asks, {waiting} pending"), Role::StateStale)),
    }
    let grace = acts.pending.iter().rev().find_map(|act| match act.stage {
        Stage::Grace { until } => (!slow(&act)).then_some((act, until)),
        Stage::Sent { .. } | Stage::TakingBack { .. } | Stage::Confirmed { .. } | Stage::Unsaved { .. } => {
            None
        }
    });
    if let Some((act, until)) = grace {
        let left = until.since(scene.now.tick).as_secs_f64().ceil();
        let undo = hints::key(scene, crate::action::Action::Undo).unwrap_or_default();
        parts.push((
            format!(
                "{} in {left:.0}s · {undo} undoes",
                act.doing().trim_end_matches('…')
            ),
            Role::StateBusy,
        ));
    }
    let asked_back = |act: &&PendingAct| matches!(act.stage, Stage::TakingBack { .. });
    if let Some(act) = acts.pending.iter().find(asked_back) {
        let what = act.doing().trim_end_matches('…');
        parts.push((format!("undoing {what}…"), Role::StateBusy));
    }
    let sent = |act: &&PendingAct| matches!(act.stage, Stage::Sent { .. }) && !slow(act);
    let mut sent = acts.pending.iter().filter(sent);
    match (sent.next(), sent.count()) {
        (None, _) => {}
        (Some(act), 0) if act.is_saving() => parts.push((act.word().to_owned(), Role::StateBusy)),
        (Some(act), 0) => parts.push((format!("sending {}", act.word()), Role::StateBusy)),
        (Some(_), more) => parts.push((format!("{} acts pending", more + 1), Role::StateBusy)),
    }
    let marks = scene.model.alerts.marks.len() + scene.model.incidents.marks.len();
    // On a page the keys act on what it shows.
    if marks > 0 && scene.model.details.is_empty() {
        parts.push((format!("{marks} marked"), Role::Mark));
    }
    if let Some(first) = acts.held.iter().map(|held| held.lease.set_until).min() {
        let soon = (first - scene.now.utc).to_std().unwrap_or_default() < Duration::from_secs(120);
        let until = figures::moment(first, scene.now.utc, scene.model.zone);
        parts.push((
            if scene.model.size.width < ROOMY {
                format!("acks held {}", acts.held.len())
            } else {
                format!("acks held {} until {until}", acts.held.len())
            },
            if soon { Role::StateStale } else { Role::AckMine },
        ));
    }
    let traffic = scene.model.traffic;
    if let Some(cap) = traffic.cap {
        parts.push((figures::bandwidth(traffic.per_second, cap.get()), Role::TextMuted));
    }
    let mut pieces = Vec::new();
    for (text, role) in parts {
        if !pieces.is_empty() {
            pieces.push(Piece::word("  ", Role::Text));
        }
        pieces.push(Piece::own(text, role));
    }
    pieces
}

/// The keys pressed so far and what each next key would do.
fn sequence(scene: Scene, buffer: &mut Buffer, area: Rect) {
    let pressed = &scene.model.pending_keys;
    let spelt = crate::keymap::label(pressed, scene.theme.glyphs);
    let head = [Piece::own(spelt, Role::Key), Piece::word(" …  ", Role::TextMuted)];
    let next: Vec<[Piece; 2]> = match scene.model.keymap.lookup(&hints::places(scene.model), pressed) {
        Lookup::Prefix(next) => next
            .into_iter()
            .map(|(chord, title)| {
                [
                    Piece::own(crate::keymap::label(&[chord], scene.theme.glyphs), Role::Key),
                    Piece::own(format!(" {title}   "), Role::TextMuted),
                ]
            })
            .collect(),
        Lookup::Action(_) | Lookup::Unbound => Vec::new(),
    };
    let used = scene.line(buffer, area, &head);
    let room = usize::from(area.width.saturating_sub(used));
    if next.iter().map(|entry| width_of(entry)).sum::<usize>() <= room {
        let pieces: Vec<Piece> = next.into_iter().flatten().collect();
        scene.line(buffer, widget::after(area, used), &pieces);
    } else {
        which_key(scene, buffer, area.y, &next);
    }
}

/// What each next key would do, in columns above the last row: there are more of them than fit into it.
fn which_key(scene: Scene, buffer: &mut Buffer, below: u16, next: &[[Piece; 2]]) {
    let screen = buffer.area;
    let inside = screen.width.saturating_sub(2);
    let widest = next.iter().map(|entry| width_of(entry)).max().unwrap_or(1);
    let cell = u16::try_from(widest).unwrap_or(u16::MAX).clamp(1, inside.max(1));
    let columns = usize::from((inside / cell).max(1));
    // The first row stays: it says where one is.
    let most = usize::from(below.saturating_sub(1));
    let rows = next.len().div_ceil(columns).min(most);
    let area = Rect {
        y: below - rows as u16,
        height: rows as u16,
        ..screen
    };
    widget::ground(buffer, area, scene.theme);
    for (index, entry) in next.iter().take(rows * columns).enumerate() {
        let row = widget::row(area, (index % rows.max(1)) as u16);
        let at = widget::after(row, 1 + (index / rows.max(1)) as u16 * cell);
        scene.line(
            buffer,
            Rect {
                width: cell.min(at.width),
                ..at
            },
            entry,
        );
    }
}

/// From this width on a prompt says what it is for, and acknowledgements until when they are held.
const ROOMY: u16 = 60;

/// Search or filter being typed, with what it finds at the right.
fn prompt_line(scene: Scene, buffer: &mut Buffer, area: Rect, prompt: &Prompt) -> Option<Position> {
    let model = scene.model;
    let (sign, what) = match prompt.kind {
        PromptKind::Search => ("/", "search"),
        PromptKind::Filter => ("&", "filter"),
        PromptKind::Query => ("Q", "query"),
        PromptKind::Time => ("T", "time"),
        PromptKind::Columns => ("C", "columns"),
        PromptKind::TraceId => (":", "trace id"),
    };
    let unread = crate::app::update::unread(model, prompt, scene.now);
    let (shown, wrong) = match prompt.target {
        PromptTarget::Pane(PaneId::Slo) => (model.slo.rows.len(), None),
        PromptTarget::Pane(PaneId::Alerts) => {
            let board = model.alerts.shown();
            (
                board.map_or(0, |board| board.counts.shown),
                board.and_then(|board| board.filter_error.as_deref()),
            )
        }
        PromptTarget::Pane(PaneId::Logs) => (model.logs.len(), model.logs.filter_error.as_deref()),
        PromptTarget::Pane(PaneId::Traces) => (model.traces.rows.len(), unread.as_deref()),
        PromptTarget::Pane(PaneId::Incident) => (model.incidents.rows.len(), None),
        PromptTarget::Trace => (0, None),
        PromptTarget::Scope => (0, unread.as_deref()),
        PromptTarget::Silences => (model.silences.rows.len(), None),
        PromptTarget::Timeline => (model.incidents.events.len(), None),
    };
    let muted = |first: &str, keys: &[(Action, &str)]| {
        Piece::own(super::hints::says(scene, first, keys), Role::TextMuted)
    };
    let (keeps, undoes) = ((Action::DialogAccept, "keeps"), (Action::DialogLeave, "undoes"));
    let says = match (prompt.kind, wrong) {
        (PromptKind::Filter, Some(wrong)) => {
            Piece::safe(SafeText::line(wrong).into_owned(), Role::StateFailed)
        }
        (PromptKind::Filter, None) if prompt.target == PromptTarget::Pane(PaneId::Logs) => {
            super::pane::logs::filter_said(scene)
        }
        (PromptKind::Filter, None) => muted(&format!("{shown} shown"), &[keeps, undoes]),
        (PromptKind::Search, _) if prompt.target == PromptTarget::Pane(PaneId::Logs) => {
            super::pane::logs::hits_said(scene)
        }
        (PromptKind::Search, _) if prompt.target == PromptTarget::Trace => {
            super::detail::waterfall::matches_said(scene)
        }
        (PromptKind::Search, _) => {
            let found = match prompt.hits {
                None => String::new(),
                Some(0) => "no hit".to_owned(),
                Some(1) => "1 hit".to_owned(),
                Some(hits) => format!("{hits} hits"),
            };
            muted(&found, &[keeps, (Action::DialogLeave, "ends")])
        }
        (PromptKind::TraceId, _) => muted("as its source writes it", &[(Action::DialogAccept, "opens")]),
        (PromptKind::Query | PromptKind::Time, Some(wrong)) if unread.is_some() => {
            Piece::safe(SafeText::line(wrong).into_owned(), Role::StateFailed)
        }
        (PromptKind::Query, _) if prompt.target == PromptTarget::Pane(PaneId::Traces) => muted(
            "op=\"POST /pay\" dur>500ms err name=value, or an id",
            &[(Action::DialogAccept, "asks")],
        ),
        (PromptKind::Time, _) if prompt.target == PromptTarget::Pane(PaneId::Traces) => {
            muted("15m · 6h · around 03:14 · now", &[(Action::DialogAccept, "asks")])
        }
        (PromptKind::Time, _) if prompt.target == PromptTarget::Scope => muted(
            "15m · since 03:00 · around 03:14 · 03:00 03:30 · now",
            &[(Action::DialogAccept, "turns all panes")],
        ),
        (PromptKind::Query, _) => super::pane::logs::query_said(scene),
        (PromptKind::Time, _) => muted("03:14 · 15m ago", &[(Action::DialogAccept, "jumps")]),
        (PromptKind::Columns, _) => super::pane::logs::columns_said(scene, &prompt.input.lines().join(" ")),
    };
    // Where it is narrow the sign has to do: the room is for what is typed.
    let name = match area.width {
        ROOMY.. => format!(" {what}: "),
        _ => " ".to_owned(),
    };
    let head = [Piece::word(sign, Role::Key), Piece::own(name, Role::TextMuted)];
    let typed = prompt.input.lines().iter().map(|line| width(line)).max();
    let typed = typed.unwrap_or_default().max(LEAST_TYPED) + 1;
    let says = beside_typed(scene, buffer, area, says, width_of(&head) + typed);
    let says_width = says.width() as u16;
    let left = Rect {
        width: area.width.saturating_sub(says_width + 2),
        ..area
    };
    let used = scene.line(buffer, left, &head);
    let right = widget::after(area, area.width.saturating_sub(says_width));
    scene.line(buffer, right, &[says]);
    super::overlay::input::draw(scene, buffer, widget::after(left, used), &prompt.input)
}

/// Cells that what is typed has at least.
const LEAST_TYPED: usize = 3;

/// What is said beside what is typed, which has so many cells with its head: hints give way, what is wrong goes above.
fn beside_typed(
    scene: Scene,
    buffer: &mut Buffer,
    area: Rect,
    says: Piece<'static>,
    typed: usize,
) -> Piece<'static> {
    let cells = usize::from(area.width);
    let room = cells.saturating_sub(typed + 2).max(cells / 2);
    if says.width() <= room {
        return says;
    }
    if says.role != Role::StateFailed {
        return Piece::own(fewer(says.as_str(), room), says.role);
    }
    let rows = shortened(says.as_str(), cells, rows_above(area));
    over_rows(scene, buffer, area, &rows, says.role);
    Piece::word("", says.role)
}

/// As many parts of a hint as fit, or as many words of the first.
fn fewer(hint: &str, cells: usize) -> String {
    let mut ends = hint.rmatch_indices(" · ").map(|(at, _)| &hint[..at]);
    let whole = ends.find(|head| width(head) <= cells).map(str::to_owned);
    whole.unwrap_or_else(|| shortened(hint, cells, 1).concat())
}
