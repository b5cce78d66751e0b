//! The first and the last row: where one is and whether it can be trusted; what the keys do and what is under way.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::pane::incident_rows::who;
use super::widget::text_block::shortened;
use super::widget::{self, Piece, width_of};
use super::{Scene, figures, hints};
use crate::action::Action;
use crate::app::BackendHealth;
use crate::app::acts::{PendingAct, Stage};
use crate::app::banner::on_call;
use crate::app::drill::DrillLog;
use crate::app::feed::Status;
use crate::app::focus::PaneId;
use crate::app::incidents::called;
use crate::app::modal::{Modal, Prompt, PromptKind, PromptTarget};
use crate::app::record::{ForwardState, Trouble, Watching};
use crate::app::toast::{Level, Toast};
use crate::keymap::Lookup;
use crate::outbox::State;
use crate::text::{Cut, SafeText, cut, width};
use crate::theme::Role;
use crate::time::Now;

/// How well a backend answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Light {
    /// It answers.
    Lit,
    /// It answers, and is asked less often: its allowance runs low.
    Slowed,
    /// It has not answered for the first time yet.
    Waiting,
    /// Its last good answer is too old.
    Stale,
    /// Its last attempt failed.
    Out,
}

impl Light {
    pub(super) fn of(health: &BackendHealth, now: Now) -> Self {
        let age = health.last_good.map(|at| now.tick.since(at));
        match (&health.status, age) {
            (Status::Failed { .. }, _) => Self::Out,
            (Status::Idle | Status::InFlight { .. } | Status::NotAsked { .. }, None) => Self::Waiting,
            (Status::Idle | Status::InFlight { .. } | Status::NotAsked { .. }, Some(age))
                if age > health.interval * 2 =>
            {
                Self::Stale
            }
            (Status::Idle | Status::InFlight { .. } | Status::NotAsked { .. }, Some(_))
                if health.low.is_some() =>
            {
                Self::Slowed
            }
            (Status::Idle | Status::InFlight { .. } | Status::NotAsked { .. }, Some(_)) => Self::Lit,
        }
    }

    pub(super) fn shape(self) -> &'static str {
        match self {
            Self::Lit => "●",
            Self::Slowed => "◆",
            Self::Waiting => "◇",
            Self::Stale => "○",
            Self::Out => "✗",
        }
    }

    pub(super) fn role(self) -> Role {
        match self {
            Self::Lit => Role::StateOk,
            Self::Waiting => Role::StateBusy,
            Self::Slowed | Self::Stale => Role::StateStale,
            Self::Out => Role::StateFailed,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Lit => "ok",
            Self::Slowed => "slowed",
            Self::Waiting => "waiting",
            Self::Stale => "stale",
            Self::Out => "failed",
        }
    }
}

/// Whether there are backends and none of them answers.
pub(super) fn nobody_answers(scene: Scene) -> bool {
    let health = &scene.model.health;
    let out = |backend| matches!(Light::of(backend, scene.now), Light::Out | Light::Stale);
    !health.is_empty() && health.iter().all(out)
}

/// What of a backend's trouble is said beside its light, what can be done without last.
fn trouble(health: &BackendHealth, now: Now) -> Vec<String> {
    let stale = health
        .last_good
        .map(|at| format!(" stale {}", figures::stepped(now.tick.since(at))));
    match (Light::of(health, now), &health.status) {
        (Light::Lit, _) => Vec::new(),
        (Light::Slowed, _) => health
            .low
            .map(|low| format!(" {} of {} requests left", low.remaining, low.limit))
            .into_iter()
            .collect(),
        (Light::Waiting, _) => vec![" waiting".to_owned()],
        (Light::Stale, _) => stale.into_iter().collect(),
        (Light::Out, status) => {
            let mut said = vec![stale.unwrap_or_else(|| " down".to_owned())];
            if let Status::Failed { next_try, .. } = status {
                let retry = figures::until(next_try.since(now.tick));
                said.push(format!(", retry in {retry}"));
            }
            said
        }
    }
}

/// Rank of what never gives way: the context, and a light that is not lit.
const KEPT: u8 = 0;
/// Rank of a light that says nothing but that all is well.
const LIT: u8 = 5;
/// Rank of people: who acts, who is on call.
const PEOPLE: u8 = 6;
/// Rank of the program's own name.
const NAME: u8 = 7;
/// From this rank on a segment goes before a light in trouble loses its age.
const SPARE: u8 = 4;

/// A segment of the top bar; the highest rank gives way first.
struct Segment<'a> {
    pieces: Vec<Piece<'a>>,
    rank: u8,
    /// Pieces at least, where the last ones can be done without.
    least: usize,
}

impl<'a> Segment<'a> {
    fn new(pieces: Vec<Piece<'a>>, rank: u8) -> Self {
        let least = pieces.len();
        Self { pieces, rank, least }
    }
}

/// Cells between two segments.
const GAP: usize = 2;

/// Makes segments fit: when a light is tried again goes first, then the program's own name, then the names of lights
/// that are lit, then what says that all is well, then the age of the trouble, then the rest by rank. Of a light that
/// is not lit, shape and name stay.
fn squeeze(segments: &mut Vec<Segment>, room: usize) {
    let fits =
        |segments: &[Segment]| segments.iter().map(|s| width_of(&s.pieces) + GAP).sum::<usize>() <= room;
    let steps: [fn(&mut Vec<Segment>); 3] = [
        |segments| shorten(segments, 1),
        |segments| segments.retain(|segment| segment.rank != NAME),
        join_lit,
    ];
    for step in steps {
        step(segments);
        if fits(segments) {
            return;
        }
    }
    while !fits(segments) && drop_above(segments, SPARE) {}
    if fits(segments) {
        return;
    }
    shorten(segments, 0);
    while !fits(segments) && drop_above(segments, KEPT) {}
}

/// What is well needs no name: one light tells how many are lit, where the first of them stood.
fn join_lit(segments: &mut Vec<Segment>) {
    let lit = segments.iter().filter(|segment| segment.rank == LIT).count();
    let Some(first) = segments.iter_mut().find(|segment| segment.rank == LIT) else {
        return;
    };
    // Its shape and the space behind it stay.
    first.pieces.truncate(2);
    first
        .pieces
        .push(Piece::own(format!("{lit} ok"), Role::TextMuted));
    let mut seen = false;
    segments.retain(|segment| segment.rank != LIT || !std::mem::replace(&mut seen, true));
}

/// Leaves segments that can be shortened so many of their spare pieces.
fn shorten(segments: &mut [Segment], spare: usize) {
    for segment in segments {
        segment.pieces.truncate(segment.least + spare);
    }
}

/// Drops the segment of the highest rank above `kept`; whether there was one.
fn drop_above(segments: &mut Vec<Segment>, kept: u8) -> bool {
    let found = (0..segments.len())
        .filter(|&at| segments[at].rank > kept)
        .max_by_key(|&at| (segments[at].rank, at));
    if let Some(at) = found {
        segments.remove(at);
    }
    found.is_some()
}

/// Draws the top bar.
pub(super) fn top(scene: Scene, buffer: &mut Buffer, area: Rect) {
    buffer.set_style(area, scene.theme.style(Role::BarTop));
    let model = scene.model;
    let clock = vec![Piece::own(
        figures::clock(scene.now.utc, model.zone, ticks(scene)),
        Role::TextMuted,
    )];
    let mut segments = vec![
        Segment::new(vec![Piece::word("midwatch", Role::TextStrong)], NAME),
        Segment::new(vec![context(scene)], KEPT),
    ];
    segments.extend(model.drill.as_ref().map(|drill| of_drill(drill, scene.now)));
    if let Some(paused) = &model.paused {
        segments.push(Segment::new(paused_pieces(paused, scene.now), 1));
    }
    segments.extend(lights(scene));
    if model.scope.current().is_some() {
        let crumbs = SafeText::line(&model.scope.breadcrumb(model.zone, scene.still.utc)).into_owned();
        let scope = vec![
            Piece::word("scope ", Role::TextMuted),
            Piece::safe(crumbs, Role::Accent),
        ];
        segments.push(Segment::new(scope, 3));
    }
    segments.extend(people(scene));
    if model.settings.read_only {
        segments.push(Segment::new(vec![Piece::word("READ-ONLY", Role::StateStale)], 2));
    }
    let room = usize::from(area.width).saturating_sub(width_of(&clock) + 3);
    if segments.iter().map(|s| width_of(&s.pieces) + GAP).sum::<usize>() > room {
        squeeze(&mut segments, room);
    }
    let mut rest = widget::after(area, 1);
    for segment in &segments {
        let used = scene.line(buffer, rest, &segment.pieces);
        rest = widget::after(rest, used + GAP as u16);
    }
    let at = area.width.saturating_sub(width_of(&clock) as u16 + 1);
    let right = widget::after(area, at);
    if right.x >= rest.x.saturating_sub(1) {
        scene.line(buffer, right, &clock);
    }
}

/// How finely time is told: a link that is spared has better to carry than seconds.
fn ticks(scene: Scene) -> figures::Ticks {
    if scene.model.traffic.is_spared() {
        figures::Ticks::Minutes
    } else {
        figures::Ticks::Seconds
    }
}

/// Who acts, where that is not who it should be or there is room; and who is on call, now and next.
fn people(scene: Scene) -> Vec<Segment<'static>> {
    let mut segments = Vec::new();
    let board = scene.model.incidents.feed.value();
    if let Some(acting) = board.and_then(|board| board.acting_as.as_ref()) {
        let name = called(&acting.person);
        segments.push(match &acting.conflict {
            Some(conflict) => Segment {
                pieces: vec![
                    Piece::own(format!(" ACTING AS {name} "), Role::ContextDanger),
                    Piece::own(format!(" {}", SafeText::line(conflict)), Role::StateFailed),
                ],
                rank: KEPT,
                least: 1,
            },
            None => Segment::new(
                vec![
                    Piece::word("you: ", Role::TextMuted),
                    Piece::own(name, Role::TextMuted),
                ],
                PEOPLE,
            ),
        });
    }
    if let Some(duty) = on_call(scene.model, scene.now) {
        let stale = scene.model.incidents.roster.is_stale(scene.now.tick);
        let role = if stale { Role::StateStale } else { Role::TextMuted };
        let mut pieces = vec![
            Piece::own(on_call_of(duty.policy), Role::TextMuted),
            Piece::own(who(scene, duty.now), role),
        ];
        let least = pieces.len();
        let next = duty.next.map(|next| who(scene, next));
        pieces.extend(next.map(|next| Piece::own(format!(" → {next}"), role)));
        segments.push(Segment {
            pieces,
            rank: PEOPLE,
            least,
        });
    }
    segments
}

/// `on call `, and of what where there are several policies.
fn on_call_of(policy: Option<&str>) -> String {
    /// Cells of a policy's name.
    const NAME: usize = 16;
    let Some(policy) = policy else {
        return "on call ".to_owned();
    };
    let name = SafeText::line(policy);
    format!("on call {}: ", cut(name.as_str(), NAME, Cut::End))
}

/// The context, marked by exclamation marks where acts are dangerous, for eyes without colour.
fn context(scene: Scene) -> Piece<'static> {
    let settings = &scene.model.settings;
    let name = SafeText::line(&settings.context);
    if settings.danger {
        Piece::own(format!(" !{name}! "), Role::ContextDanger)
    } else {
        Piece::safe(name.into_owned(), Role::Context)
    }
}

/// That all of it is a drill, and for how long: nobody takes it for the real thing, however good the story is.
fn of_drill(drill: &DrillLog, now: Now) -> Segment<'static> {
    let seconds = (now.utc - drill.began).num_seconds().max(0);
    let words = format!("DRILL {}:{:02}", seconds / 60, seconds % 60);
    Segment::new(vec![Piece::own(words, Role::Accent)], KEPT)
}

fn paused_pieces(paused: &crate::app::Paused, now: Now) -> Vec<Piece<'static>> {
    let age = figures::row_age(now.tick.since(paused.since));
    let mut pieces = vec![Piece::own(format!("PAUSED {age}"), Role::StateStale)];
    match paused.new_pages {
        0 => {}
        1 => pieces.push(Piece::word(" · 1 new page", Role::SeverityCritical)),
        pages => pieces.push(Piece::own(
            format!(" · {pages} new pages"),
            Role::SeverityCritical,
        )),
    }
    pieces
}

/// One light a backend; Alertmanagers share one while all is well, and lit ones go before those in trouble.
fn lights(scene: Scene) -> Vec<Segment<'static>> {
    let health = &scene.model.health;
    let is_alerts = |h: &&BackendHealth| h.name.starts_with("alertmanager");
    let mut segments = Vec::new();
    for backend in health.iter().filter(|h| !is_alerts(h)) {
        segments.push(light(
            Light::of(backend, scene.now),
            SafeText::line(&backend.name).into_string(),
            trouble(backend, scene.now),
        ));
    }
    let alerts: Vec<&BackendHealth> = health.iter().filter(is_alerts).collect();
    let worst = alerts.iter().max_by_key(|h| Light::of(h, scene.now));
    if let Some(worst) = worst {
        let state = Light::of(worst, scene.now);
        let all = alerts.len();
        let hurt = alerts.iter().filter(|h| Light::of(h, scene.now) == state).count();
        let name = match (state, all) {
            (_, 1) => "alerts".to_owned(),
            (Light::Lit, all) => format!("alerts({all})"),
            (_, all) => {
                let name = worst.name.strip_prefix("alertmanager ").unwrap_or(&worst.name);
                format!("alerts {hurt}/{all} {}", SafeText::line(name))
            }
        };
        segments.push(light(state, name, trouble(worst, scene.now)));
    }
    segments.extend(record(scene));
    segments.extend(watching(scene));
    segments
}

/// That nobody does what is due by itself of local incidents, or that another console does.
fn watching(scene: Scene) -> Option<Segment<'static>> {
    match &scene.model.watching {
        Watching::Nothing | Watching::Ours | Watching::Relieved => None,
        Watching::Theirs(_) => Some(Segment::new(
            vec![Piece::word("local: another console escalates", Role::TextMuted)],
            PEOPLE,
        )),
        Watching::Failed(_) => {
            let words = vec![" nothing escalates".to_owned()];
            Some(light(Light::Out, "local incidents".to_owned(), words))
        }
    }
}

/// What is wrong with the record of what is done; nothing while all is well.
fn record(scene: Scene) -> Vec<Segment<'static>> {
    let Some(record) = scene
        .model
        .record
        .as_ref()
        .filter(|_| !scene.model.has_lines_alone())
    else {
        return Vec::new();
    };
    let mut segments = Vec::new();
    let trouble = record.trouble.as_ref().map(|trouble| match trouble {
        Trouble::NoJournal(_) => ("journal", " nothing can be done"),
        Trouble::AuditLog(_) => ("audit log", " not written"),
    });
    segments.extend(trouble.map(|(what, words)| light(Light::Out, what.to_owned(), vec![words.to_owned()])));
    if let Some(forward) = &record.forward
        && matches!(forward.state, ForwardState::Failing(_))
    {
        segments.push(light(
            Light::Out,
            "audit forward".to_owned(),
            vec![format!(" {} waiting", forward.waiting)],
        ));
    }
    segments
}

fn light(state: Light, name: String, trouble: Vec<String>) -> Segment<'static> {
    let mut pieces = vec![
        Piece::word(state.shape(), state.role()),
        Piece::word(" ", Role::Text),
        Piece::own(
            name,
            if state == Light::Lit {
                Role::TextMuted
            } else {
                Role::Text
            },
        ),
    ];
    let least = pieces.len();
    let said = trouble.into_iter().map(|words| Piece::own(words, state.role()));
    pieces.extend(said);
    let rank = if state == Light::Lit { LIT } else { KEPT };
    Segment { pieces, rank, least }
}

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
    } else if let Some(toast) = scene.model.toasts.current()
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
        let age = figures::stepped(first.saving_slowly(scene.now.tick).unwrap_or_default());
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
    widget::clear(buffer, area);
    buffer.set_style(
        area,
        scene
            .theme
            .style(Role::Text)
            .patch(scene.theme.style(Role::Overlay)),
    );
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
