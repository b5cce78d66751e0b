//! The first row: where one is, whether it can be trusted, and who has it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::light::{Light, trouble};
use super::pane::incident_rows::who;
use super::widget::{self, Piece, width_of};
use super::{Scene, figures};
use crate::app::BackendHealth;
use crate::app::banner::on_call;
use crate::app::drill::DrillLog;
use crate::app::incidents::called;
use crate::app::record::{ForwardState, Trouble, Watching};
use crate::text::{Cut, SafeText, cut};
use crate::theme::Role;
use crate::time::Now;

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
