//! Whatever is done while somebody writes, no word is lost: not in the console, and not on the disk when it crashes.

use std::collections::{BTreeMap, BTreeSet};

use midwatch::app::acts::{Act, ActId};
use midwatch::app::modal::Modal;
use midwatch::app::update::update;
use midwatch::app::{Draft, DraftKind, Effect, Msg};
use midwatch::domain::incident::IncidentAct;
use midwatch::outbox::EntryId;
use midwatch::theme::{Glyphs, Theme};
use midwatch::view;
use proptest::prelude::*;
use proptest::sample::select;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::compose::{incident, listed};
use super::{Hand, pod};
use crate::fixtures::{board_of, settings};

#[derive(Debug, Clone)]
enum Event {
    Key(&'static str),
    /// Types a word that is told from all others.
    Word,
    /// Pastes one among what breaks terminals.
    Paste(String),
    /// The nth act that is not answered is on the disk, or is not.
    Journaled(usize, bool),
    /// The editor is closed: it adds a word, or fails.
    Edited(bool),
    /// Drafts of another session come in.
    Drafts,
    /// Which incidents are listed.
    Listed(u8),
    Wait(u64),
    Size(u16, u16),
}

const KEYS: &[&str] = &[
    "n",
    "n",
    "n",
    "N",
    "i",
    "esc",
    "esc",
    "esc",
    "alt-enter",
    "alt-enter",
    "ctrl-d",
    "u",
    "u",
    "ctrl-r",
    "ctrl-o",
    "enter",
    "tab",
    "shift-tab",
    "?",
    "5",
    "2",
    "1",
    "S",
    "ctrl-z",
    "f1",
];

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        10 => select(KEYS).prop_map(Event::Key),
        8 => Just(Event::Word),
        1 => "[a-z \n\t\u{1b}\u{202e}é日👩‍🚒א]{0,30}".prop_map(Event::Paste),
        4 => (0usize..4, any::<bool>()).prop_map(|(n, ok)| Event::Journaled(n, ok)),
        3 => any::<bool>().prop_map(Event::Edited),
        1 => Just(Event::Drafts),
        1 => (0u8..4).prop_map(Event::Listed),
        3 => select(vec![100, 1_000, 6_000]).prop_map(Event::Wait),
        1 => (0u16..=140, 0u16..=60).prop_map(|(w, h)| Event::Size(w, h)),
    ]
}

type Key = (DraftKind, Option<String>);

fn key_of(kind: DraftKind, incident: Option<&midwatch::domain::incident::IncidentId>) -> Key {
    (kind, incident.map(ToString::to_string))
}

/// A console, the disk beside it, and every word that was typed.
struct Run {
    hand: Hand,
    words: BTreeSet<String>,
    drafts: BTreeMap<Key, String>,
    /// Handed over and not answered.
    asked: Vec<(ActId, String)>,
    journal: BTreeMap<ActId, String>,
    /// What an editor has, while one has the terminal and every key.
    lent: Option<String>,
}

fn text_of(act: &Act) -> String {
    match act {
        Act::Incident {
            act: IncidentAct::Note { text } | IncidentAct::StatusUpdate { text },
            ..
        } => text.clone(),
        Act::Declare(declaration) => {
            let service = declaration.service.clone().unwrap_or_default();
            format!("{} {service}", declaration.title)
        }
        other => panic!("nobody wrote {other:?}"),
    }
}

impl Run {
    fn new() -> Self {
        let mut hand = Hand::on(settings(), board_of(vec![pod("A", "1")]));
        hand.tell(listed(vec![incident(1, "one"), incident(2, "two")]));
        hand.press("5");
        Self {
            hand,
            words: BTreeSet::new(),
            drafts: BTreeMap::new(),
            asked: Vec::new(),
            journal: BTreeMap::new(),
            lent: None,
        }
    }

    fn take(&mut self, msg: Msg) {
        for effect in update(&mut self.hand.model, msg, self.hand.now) {
            match effect {
                Effect::SaveDraft(Draft { kind, incident, text }) => {
                    self.drafts.insert(key_of(kind, incident.as_ref()), text);
                }
                Effect::DropDraft { kind, incident } => {
                    self.drafts.remove(&key_of(kind, incident.as_ref()));
                }
                Effect::Carry { id, act } => self.asked.push((id, text_of(&act))),
                Effect::TakeBack { id } => {
                    self.asked.retain(|(asked, _)| *asked != id);
                    self.journal.remove(&id);
                    self.take(Msg::TakenBack { id, result: Ok(()) });
                }
                Effect::Edit(text) => self.lent = Some(text),
                _ => {}
            }
        }
    }

    fn press(&mut self, keys: &str) {
        let chord = midwatch::keymap::parse_chord(keys).unwrap();
        let key = crossterm::event::KeyEvent::new(chord.code, chord.modifiers);
        self.take(Msg::Input(midwatch::terminal::Input::Key(key)));
    }

    fn open(&self) -> Option<String> {
        match &self.hand.model.modal {
            Some(Modal::Compose(compose)) => Some(compose.written()),
            _ => None,
        }
    }

    fn happen(&mut self, event: &Event) {
        match event {
            Event::Key(_) | Event::Word | Event::Paste(_) if self.lent.is_some() => {}
            Event::Key(keys) => self.press(keys),
            Event::Word if self.open().is_some() => {
                let word = format!("<{}>", self.words.len());
                for c in word.chars() {
                    self.press(&c.to_string());
                }
                // A field that takes no letters took none.
                if self.open().is_some_and(|open| open.contains(&word)) {
                    self.words.insert(word);
                }
            }
            Event::Word => {}
            Event::Paste(text) => self.take(Msg::Input(midwatch::terminal::Input::Paste(text.clone()))),
            Event::Journaled(n, ok) => {
                if *n < self.asked.len() {
                    let (id, text) = self.asked.remove(*n);
                    if *ok {
                        self.journal.insert(id, text);
                    }
                    let result = if *ok {
                        Ok(vec![EntryId(1)])
                    } else {
                        Err("the disk is full".to_owned())
                    };
                    self.take(Msg::ActJournaled { id, result });
                }
            }
            Event::Edited(well) => {
                let Some(lent) = self.lent.take() else { return };
                let word = format!("<{}>", self.words.len());
                let result = if *well {
                    self.words.insert(word.clone());
                    Ok(format!("{word}\n{lent}"))
                } else {
                    Err("status 1".to_owned())
                };
                self.take(Msg::Edited(result));
            }
            Event::Drafts => {
                let word = format!("<{}>", self.words.len());
                let draft = Draft {
                    kind: DraftKind::Note,
                    incident: Some("Q1".into()),
                    text: word.clone(),
                };
                let key = key_of(draft.kind, draft.incident.as_ref());
                // Only ever read at the start, before anything was kept.
                if self.drafts.is_empty() && self.asked.is_empty() && self.hand.model.drafts.is_empty() {
                    self.words.insert(word.clone());
                    self.drafts.insert(key, word);
                    self.take(Msg::DraftsRead(vec![draft]));
                }
            }
            Event::Listed(which) => {
                let mut all = vec![incident(1, "one"), incident(2, "two"), incident(3, "three")];
                all.truncate(usize::from(*which));
                self.take(listed(all));
            }
            Event::Wait(milliseconds) => {
                self.hand.now = self
                    .hand
                    .now
                    .later(std::time::Duration::from_millis(*milliseconds));
                self.take(Msg::Timer);
            }
            Event::Size(width, height) => {
                let size = crate::fixtures::size(*width, *height);
                self.take(Msg::Input(midwatch::terminal::Input::Resize(size)));
            }
        }
    }

    fn check(&self) {
        let model = &self.hand.model;
        let open = self.open().unwrap_or_default();
        let unsaved = match &model.modal {
            Some(Modal::Compose(compose)) => compose.save_due.is_some(),
            _ => false,
        };
        for word in &self.words {
            let in_drafts = model.drafts.iter().any(|draft| draft.text.contains(word));
            let in_flight = self.asked.iter().any(|(_, text)| text.contains(word));
            let journaled = self.journal.values().any(|text| text.contains(word));
            assert!(
                open.contains(word) || in_drafts || in_flight || journaled,
                "{word} is lost to the console"
            );
            let on_disk = self.drafts.values().any(|text| text.contains(word));
            let soon = unsaved && open.contains(word);
            assert!(
                on_disk || journaled || in_flight || soon,
                "{word} would be lost by a crash"
            );
        }
    }

    fn draw(&self) {
        let size = self.hand.model.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, size.width, size.height));
        let theme = Theme::from_styles("plain", Glyphs::Unicode, |_| Style::new());
        let cursor = view::draw(&self.hand.model, &theme, self.hand.now, &mut buffer);
        if let Some(at) = cursor {
            assert!(buffer.area.contains(at), "{at:?} of {:?}", buffer.area);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_shrink_iters: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn no_word_is_lost(events in proptest::collection::vec(event(), 1..60)) {
        let mut run = Run::new();
        for (n, event) in events.iter().enumerate() {
            run.happen(event);
            run.check();
            if n % 8 == 0 || n + 1 == events.len() {
                run.draw();
            }
        }
    }
}

#[test]
fn a_hundred_kilobytes_in_one_line_are_taken_and_drawn_at_once() {
    let mut run = Run::new();
    run.press("n");
    for text in ["x".repeat(100_000), "👩‍🚒".repeat(9_000), "word ".repeat(20_000)] {
        run.take(Msg::Input(midwatch::terminal::Input::Paste(text)));
        run.draw();
    }
    run.press("alt-enter");
    assert!(
        run.open().is_some_and(|open| open.len() > 290_000),
        "too long to send, and kept"
    );
}

#[test]
fn a_hundred_kilobytes_in_a_field_of_one_line_are_drawn_at_once() {
    for keys in ["i", "/", ":"] {
        let mut run = Run::new();
        run.press(keys);
        let text = "ab cd 日本 ".repeat(8_000);
        run.take(Msg::Input(midwatch::terminal::Input::Paste(text)));
        run.draw();
    }
}
