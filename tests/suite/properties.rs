//! What holds whatever happens: random keys, pastes, sizes, boards, late and repeated replies, in any order.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use midwatch::app::acts::{Act, ActId, Acts, Stage};
use midwatch::app::modal::Modal;
use midwatch::app::msg::{ActResult, ActState};
use midwatch::app::toast::Level;
use midwatch::app::update::update;
use midwatch::app::{Effect, Model, Msg, Zone};
use midwatch::domain::alert::{Alert, AlertBoard, Fingerprint};
use midwatch::domain::incident::{Incident, Status};
use midwatch::keymap;
use midwatch::outbox::State;
use midwatch::terminal::Input;
use midwatch::theme::{Glyphs, Theme};
use midwatch::time::Now;
use midwatch::view;
use proptest::prelude::*;
use proptest::sample::select;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::fixtures::incidents::{
    checkout, directory, escalation, ladder, listed, local, outbox, roster_feed, search, story, timeline_feed,
};
use crate::fixtures::{alert, board_of, healthy, now, settings, shop, silences, silent_with, size};

/// Something that happens, small enough to be shrunk.
#[derive(Debug, Clone)]
enum Event {
    Key(&'static str),
    Paste(String),
    Resize(u16, u16),
    /// Which of twelve alerts fire, and how they are grouped.
    Board(u16, bool),
    /// The result of the nth act asked for so far, first come or again.
    Finish(usize, ActState),
    /// A result of an act that nobody asked for.
    Stray(u64),
    Past(u64),
    History(usize),
    Said,
    Health(bool),
    /// Which of three incidents are listed, and how the first stands.
    Incidents(u8, bool),
    /// A story of so many events, of the followed incident or of another.
    Story(usize, bool),
    Ladder(bool),
    Directory(bool),
    Roster,
    /// States of the outbox's entries.
    Outbox(Vec<usize>),
    /// The nth act asked for is on the disk, or could not be put there.
    Journaled(usize, bool),
    Wait(u64),
}

const KEYS: &[&str] = &[
    "j",
    "k",
    "g",
    "G",
    "h",
    "l",
    "pgdn",
    "pgup",
    "ctrl-d",
    "ctrl-u",
    "enter",
    "enter",
    "esc",
    "esc",
    "x",
    "a",
    "a",
    "A",
    "s",
    "S",
    "+",
    "D",
    "u",
    "v",
    "b",
    ".",
    ",",
    "t",
    "z",
    "Z",
    "<",
    ">",
    "?",
    "H",
    "L",
    "p",
    "R",
    ":",
    "/",
    "&",
    "n",
    "N",
    "5",
    "5",
    "e",
    "r",
    "m",
    "M",
    "P",
    "@",
    "*",
    "d",
    "f",
    "i",
    "U",
    "W",
    "y",
    "y",
    "Y",
    "o",
    "O",
    "1",
    "2",
    "tab",
    "shift-tab",
    "backspace",
    "ctrl-c",
    "ctrl-l",
    "ctrl-g",
    "q",
    "w",
    "up",
    "down",
    "space",
    "5",
    "i",
    "W",
    "e",
    "r",
    "alt-enter",
    "ctrl-o",
    "ctrl-z",
];

fn event() -> impl Strategy<Value = Event> {
    let state = select(vec![ActState::Confirmed, ActState::Unknown, ActState::Failed]);
    prop_oneof![
        12 => select(KEYS).prop_map(Event::Key),
        1 => "\\PC{0,12}|[a-z=~\"!\n\r\u{1b}\u{9b}]{0,12}".prop_map(Event::Paste),
        1 => (0u16..=250, 0u16..=80).prop_map(|(w, h)| Event::Resize(w, h)),
        3 => (any::<u16>(), any::<bool>()).prop_map(|(set, flat)| Event::Board(set, flat)),
        2 => (0usize..8, state).prop_map(|(n, state)| Event::Finish(n, state)),
        1 => any::<u64>().prop_map(Event::Stray),
        1 => (0u64..6).prop_map(Event::Past),
        1 => (0usize..12).prop_map(Event::History),
        1 => Just(Event::Said),
        1 => any::<bool>().prop_map(Event::Health),
        3 => (any::<u8>(), any::<bool>()).prop_map(|(set, free)| Event::Incidents(set, free)),
        2 => (0usize..40, any::<bool>()).prop_map(|(n, own)| Event::Story(n, own)),
        1 => any::<bool>().prop_map(Event::Ladder),
        1 => any::<bool>().prop_map(Event::Directory),
        1 => Just(Event::Roster),
        1 => proptest::collection::vec(0usize..6, 0..4).prop_map(Event::Outbox),
        2 => (0usize..8, any::<bool>()).prop_map(|(n, saved)| Event::Journaled(n, saved)),
        3 => select(vec![0, 1, 300, 900, 5_000, 20_000, 600_000]).prop_map(Event::Wait),
    ]
}

/// Some of three incidents; the first as Mara has it, or free.
fn some(set: u8, free: bool) -> Vec<Incident> {
    let mut first = checkout();
    if free {
        first.status = Status::Triggered;
        first.acknowledgements.clear();
    }
    let all = [first, search(), local()];
    let listed = all.into_iter().enumerate().filter(|(n, _)| set & (1 << n) != 0);
    listed.map(|(_, incident)| incident).collect()
}

/// One of twelve alerts: four names of three pods each.
fn one(n: usize) -> Alert {
    let name = ["PoolExhausted", "Latency", "ディスク", "Watch"][n / 3];
    let severity = ["critical", "warning", "info", "odd"][n % 4];
    alert(
        name,
        severity,
        "checkout",
        10,
        &[("pod", &format!("pod-{}", n % 3))],
    )
}

fn board(set: u16, flat: bool) -> AlertBoard {
    let fires = |n: &usize| set & (1 << n) != 0;
    let mut all: Vec<Alert> = (0..12).filter(fires).map(one).collect();
    if flat {
        all.reverse();
    }
    let mut board = board_of(all);
    board.silences = silences();
    board.silences.truncate(usize::from(set) % 5);
    board.newly_firing = board.by_fingerprint.keys().copied().take(1).collect();
    board
}

struct Run {
    model: Model,
    now: Now,
    /// Acts asked for and not answered.
    open: BTreeSet<ActId>,
    asked: Vec<ActId>,
    theme: Theme,
}

impl Run {
    fn new(model: Model) -> Self {
        Self {
            model,
            now: now(),
            open: BTreeSet::new(),
            asked: Vec::new(),
            theme: Theme::from_styles("plain", Glyphs::Unicode, |_| Style::new()),
        }
    }

    fn take(&mut self, msg: Msg) {
        for effect in update(&mut self.model, msg, self.now) {
            match effect {
                Effect::Carry { id, .. } => self.ask(id),
                Effect::CarryAll(acts) => acts.into_iter().for_each(|(id, _)| self.ask(id)),
                // Undone by hand.
                Effect::TakeBack { id } => {
                    self.open.remove(&id);
                    self.take(Msg::TakenBack { id, result: Ok(()) });
                }
                _ => {}
            }
        }
    }

    fn ask(&mut self, id: ActId) {
        assert!(!self.asked.contains(&id), "{id:?} is asked for twice");
        self.asked.push(id);
        self.open.insert(id);
    }

    fn happen(&mut self, event: &Event) {
        let grace = |model: &Model| {
            let in_grace = model
                .acts
                .pending
                .iter()
                .filter(|p| matches!(p.stage, Stage::Grace { .. }));
            in_grace.map(|p| p.id).collect::<BTreeSet<_>>()
        };
        let waiting = grace(&self.model);
        match event {
            Event::Key(keys) => {
                let chord = keymap::parse_chord(keys).unwrap();
                let key = crossterm::event::KeyEvent::new(chord.code, chord.modifiers);
                self.take(Msg::Input(Input::Key(key)));
            }
            Event::Paste(text) => self.take(Msg::Input(Input::Paste(text.clone()))),
            Event::Resize(width, height) => self.take(Msg::Input(Input::Resize(size(*width, *height)))),
            Event::Board(set, flat) => self.take(Msg::AlertsArranged(Arc::new(board(*set, *flat)))),
            Event::Finish(n, state) => {
                if let Some(&id) = self.asked.get(*n) {
                    self.open.remove(&id);
                    self.finish(id, *state);
                }
            }
            Event::Stray(id) => self.finish(ActId(1_000_000 + id / 2), ActState::Failed),
            Event::Past(seq) => self.take(Msg::SilencePast {
                seq: *seq,
                result: Ok(vec![("PoolExhausted".into(), 3)]),
            }),
            Event::History(n) => self.take(Msg::AlertHistory {
                fingerprint: one(*n).occurrence.fingerprint,
                result: Err("no metrics".to_owned()),
            }),
            Event::Said => self.take(Msg::Said {
                level: Level::Warn,
                text: "a word".to_owned(),
            }),
            Event::Health(well) => {
                let health = if *well { healthy() } else { Vec::new() };
                self.take(Msg::HealthChanged(health));
            }
            Event::Incidents(set, free) => self.take(Msg::IncidentsFetched(listed(some(*set, *free)))),
            Event::Story(events, own) => {
                let followed = self.model.incidents.followed.clone();
                let incident = followed.filter(|_| *own).unwrap_or_else(|| "another".into());
                let mut story = story();
                story.events = story.events.iter().cycle().take(*events).cloned().collect();
                for (n, event) in story.events.iter_mut().enumerate() {
                    event.id = n.to_string().as_str().into();
                }
                let feed = timeline_feed(story);
                self.take(Msg::TimelineFetched { incident, feed });
            }
            Event::Ladder(known) => {
                let result = if *known {
                    Ok(Arc::new(ladder()))
                } else {
                    Err("no answer".to_owned())
                };
                let incident = checkout().id;
                self.take(Msg::LadderFetched { incident, result });
            }
            Event::Directory(known) => self.take(Msg::DirectoryFetched(if *known {
                Ok(Arc::new(directory()))
            } else {
                Err("no answer".to_owned())
            })),
            Event::Roster => self.take(Msg::RosterFetched(roster_feed())),
            Event::Outbox(states) => {
                let entries = (1..)
                    .zip(states)
                    .map(|(id, state)| escalation(id, id * 7, State::ALL[*state]));
                self.take(outbox(entries.collect()));
            }
            Event::Journaled(n, saved) => {
                if let Some(&id) = self.asked.get(*n) {
                    let mut pending = self.model.acts.pending.iter();
                    let sent = pending.any(|p| p.id == id && matches!(p.stage, Stage::Sent { .. }));
                    let written = self.model.sent_texts.iter().any(|sent| sent.id == id);
                    let result = if *saved {
                        Ok(Vec::new())
                    } else {
                        Err("disk full".to_owned())
                    };
                    self.take(Msg::ActJournaled { id, result });
                    if written && !saved {
                        // Its text is back where it was written: see `update::writing`.
                        self.open.remove(&id);
                    } else if sent && !saved {
                        let mut pending = self.model.acts.pending.iter();
                        assert!(pending.any(|p| p.id == id), "what is not saved stays in sight");
                        // From here on it is tried again, or dropped, by hand.
                        self.open.remove(&id);
                        self.asked.retain(|asked| *asked != id);
                    }
                }
            }
            Event::Wait(milliseconds) => {
                self.now = self.now.later(Duration::from_millis(*milliseconds));
                self.take(Msg::Timer);
            }
        }
        // What waits out its grace is sent when that is over, or undone by hand: nothing else takes it away.
        let left: Vec<ActId> = waiting.difference(&grace(&self.model)).copied().collect();
        let undone = usize::from(matches!(event, Event::Key("u" | "enter")));
        assert!(
            left.iter().filter(|id| !self.asked.contains(id)).count() <= undone,
            "lost {left:?} by {event:?}"
        );
    }

    fn finish(&mut self, id: ActId, state: ActState) {
        self.take(Msg::ActFinished {
            id,
            result: ActResult {
                state,
                message: "done, or not".to_owned(),
                leases: Vec::new(),
            },
        });
    }

    fn check(&self) {
        let model = &self.model;
        for id in &self.open {
            assert!(model.acts.pending.iter().any(|p| p.id == *id), "{id:?} is lost");
        }
        assert!(model.acts.pending.len() <= Acts::MAX_PENDING + 1);
        assert!(model.alerts.before.len() <= 16);
        assert!(
            model
                .scope
                .breadcrumb(Zone::Utc, self.now.utc)
                .split(" › ")
                .count()
                <= 16
        );
        on_a_row(
            &model.alerts.rows,
            model.alerts.list.selected.as_ref(),
            model.alerts.list.index,
        );
        on_a_row(
            &model.slo.rows,
            model.slo.list.selected.as_ref(),
            model.slo.list.index,
        );
        on_a_row(
            &model.silences.rows,
            model.silences.list.selected.as_ref(),
            model.silences.list.index,
        );
        let incidents = &model.incidents;
        on_a_row(
            &incidents.rows,
            incidents.list.selected.as_ref(),
            incidents.list.index,
        );
        on_a_row(
            &incidents.events,
            incidents.event_list.selected.as_ref(),
            incidents.event_list.index,
        );
        assert_eq!(incidents.event_at(incidents.events.len()), None);
        on_a_row(
            &model.outbox_rows,
            model.outbox_list.selected.as_ref(),
            model.outbox_list.index,
        );
        for (row, place) in model.alerts.rows.iter().zip(&model.alerts.places) {
            assert!(
                model
                    .alerts
                    .shown()
                    .is_some_and(|board| board.groups.len() > place.group),
                "{row:?}"
            );
        }
        assert!(
            model.layout.visible().any(|pane| pane == model.focus),
            "the keys go to a pane that shows"
        );
        assert!(model.next_deadline(self.now) <= self.now.tick + Duration::from_secs(1));
        if let Some(Modal::Palette(palette)) = &model.modal {
            assert!(palette.cursor < palette.hits.len().max(1));
        }
        if let Some(Modal::Pick(pick)) = &model.modal {
            assert!(pick.cursor < pick.hits.len().max(1));
        }
        if let Some(Modal::Menu(menu)) = &model.modal {
            assert!(menu.cursor < menu.items.len());
        }
    }

    fn draw(&self) {
        let mut buffer = Buffer::empty(Rect::new(0, 0, self.model.size.width, self.model.size.height));
        let cursor = view::draw(&self.model, &self.theme, self.now, &mut buffer);
        if let Some(at) = cursor {
            assert!(
                buffer.area.contains(at),
                "the cursor is at {at:?} of {:?}",
                buffer.area
            );
        }
    }
}

/// The cursor is on a row that is there, or there is none.
fn on_a_row<Id: PartialEq + std::fmt::Debug>(rows: &[Id], selected: Option<&Id>, index: usize) {
    if rows.is_empty() {
        assert_eq!(index, 0);
    } else {
        assert_eq!(rows.get(index), selected);
    }
}

fn toasts_are_few(model: &Model) {
    let mut toasts = model.toasts.clone();
    let count = std::iter::from_fn(|| toasts.dismiss()).count();
    assert!(count <= 8, "{count} words at once");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_model_holds_together_and_draws(
        events in proptest::collection::vec(event(), 1..70),
        danger in any::<bool>(),
        full in any::<bool>(),
    ) {
        let settings = midwatch::app::Settings { danger, ..settings() };
        let model = if full { shop(size(120, 40)) } else { silent_with(settings, size(80, 24)) };
        let mut run = Run::new(model);
        for (n, event) in events.iter().enumerate() {
            run.happen(event);
            run.check();
            toasts_are_few(&run.model);
            // Drawing is the slow part; the last state and each tenth are enough to find what breaks it.
            if n % 10 == 0 || matches!(event, Event::Resize(..)) || n + 1 == events.len() {
                run.draw();
            }
        }
    }

    #[test]
    fn the_cursor_follows_its_alert_through_every_order_of_boards(
        sets in proptest::collection::vec((any::<u16>(), any::<bool>()), 1..12),
        down in 0usize..12,
    ) {
        let mut run = Run::new(silent_with(settings(), size(80, 24)));
        run.take(Msg::AlertsArranged(Arc::new(board(0xfff, false))));
        run.happen(&Event::Key("2"));
        run.happen(&Event::Key("l"));
        for _ in 0..down {
            run.happen(&Event::Key("j"));
        }
        for (set, flat) in sets {
            let before = selected(&run.model);
            run.happen(&Event::Board(set | 1, flat));
            run.check();
            if let Some(fingerprint) = before
                && run.model.alerts.alert(fingerprint).is_some()
            {
                let (group, alert) = run.model.alerts.at(run.model.alerts.list.index).unwrap();
                let there = match alert {
                    Some(alert) => alert.occurrence.fingerprint == fingerprint,
                    None => group.alerts.iter().any(|a| a.occurrence.fingerprint == fingerprint),
                };
                prop_assert!(there, "the cursor left {fingerprint}");
            }
        }
    }
}

/// The alert under the cursor, where it is on an alert's own row.
fn selected(model: &Model) -> Option<Fingerprint> {
    let (_, alert) = model.alerts.at(model.alerts.list.index)?;
    alert.map(|alert| alert.occurrence.fingerprint)
}

#[test]
fn a_renewal_is_no_way_round_the_cap() {
    // The one act that is not asked for by hand: at most one is under way, so the cap is passed by one at most.
    let mut run = Run::new(silent_with(settings(), size(80, 24)));
    for _ in 0..Acts::MAX_PENDING {
        run.model.acts.add(
            Act::HandBack { alerts: Vec::new() },
            Stage::Sent { since: run.now.tick },
            run.now.tick,
        );
    }
    run.happen(&Event::Board(0xfff, false));
    for key in ["2", "a", "A", "s"] {
        run.happen(&Event::Key(key));
    }
    assert_eq!(run.model.acts.pending.len(), Acts::MAX_PENDING);
    assert!(run.model.modal.is_none());
}
