//! `update` as a function: a model, a message, and what follows, on a fixed clock.

mod acks;
mod case;
mod chosen;
pub mod compose;
mod drill;
mod incidents;
mod leases;
mod links;
mod logs;
mod looking;
mod narrowing;
mod news;
mod outbox;
mod pages;
mod palette;
mod quitting;
pub mod runbook;
mod scope;
mod silences;
mod traces;
mod waterfall;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use midwatch::app::acts::{Act, ActId};
use midwatch::app::kept::Keep;
use midwatch::app::modal::{ConfirmLine, Modal};
use midwatch::app::msg::{ActResult, ActState};
use midwatch::app::update::update;
use midwatch::app::{Effect, Model, Msg, Settings};
use midwatch::domain::alert::lease::Lease;
use midwatch::domain::alert::{Alert, AlertBoard};
use midwatch::keymap;
use midwatch::outbox::EntryId;
use midwatch::terminal::Input;
use midwatch::theme::{Glyphs, Theme};
use midwatch::time::Now;
use midwatch::view;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::fixtures::{alert, board_of, look, now, settings, silent_with, size, tell};

/// A console at a moment, and everything it asked for so far.
pub struct Hand {
    pub model: Model,
    pub now: Now,
    pub effects: Vec<Effect>,
    /// Every passing word, in turn.
    pub heard: Vec<String>,
}

impl Hand {
    /// On the alert pane of these settings, with this board on screen for long.
    pub fn on(settings: Settings, board: AlertBoard) -> Self {
        let mut model = silent_with(settings, size(120, 40));
        tell(&mut model, Msg::AlertsArranged(Arc::new(board)));
        let mut hand = Self {
            model,
            now: now(),
            effects: Vec::new(),
            heard: Vec::new(),
        };
        hand.press("2");
        hand.wait(5_000);
        hand.effects.clear();
        hand
    }

    /// The same, with the usual settings.
    pub fn with(alerts: Vec<Alert>) -> Self {
        Self::on(settings(), board_of(alerts))
    }

    pub fn tell(&mut self, msg: Msg) {
        self.effects.extend(update(&mut self.model, msg, self.now));
        look(&mut self.model, self.now);
        let said = self.said().to_owned();
        if self.heard.last() != Some(&said) {
            self.heard.push(said);
        }
    }

    pub fn board(&mut self, alerts: Vec<Alert>) {
        self.tell(Msg::AlertsArranged(Arc::new(board_of(alerts))));
    }

    /// Time passes; deadlines that come on the way are heard.
    pub fn wait(&mut self, milliseconds: u64) {
        self.now = self.now.later(Duration::from_millis(milliseconds));
        self.tell(Msg::Timer);
    }

    /// Presses keys, spelt as in a keymap.
    pub fn press(&mut self, keys: &str) {
        for chord in keymap::parse_sequence(keys).unwrap() {
            let key = crossterm::event::KeyEvent::new(chord.code, chord.modifiers);
            self.tell(Msg::Input(Input::Key(key)));
        }
    }

    pub fn write(&mut self, text: &str) {
        for c in text.chars() {
            let key = crossterm::event::KeyEvent::from(crossterm::event::KeyCode::Char(c));
            self.tell(Msg::Input(Input::Key(key)));
        }
    }

    pub fn paste(&mut self, text: &str) {
        self.tell(Msg::Input(Input::Paste(text.to_owned())));
    }

    /// What was asked for since the last time, beside what the palette keeps of commands and scopes.
    pub fn taken(&mut self) -> Vec<Effect> {
        let recent = |effect: &Effect| matches!(effect, Effect::Keep(Keep::Command(_) | Keep::Scope(_)));
        let mut taken = std::mem::take(&mut self.effects);
        taken.retain(|effect| !recent(effect));
        taken
    }

    /// Types a command into the palette and takes what it finds first.
    pub fn command(&mut self, line: &str) {
        self.press(":");
        self.write(line);
        self.press("enter");
    }

    /// The acts handed over since the last time; nothing else was asked for.
    #[track_caller]
    pub fn acts(&mut self) -> Vec<(ActId, Act)> {
        self.taken()
            .into_iter()
            .flat_map(|effect| match effect {
                Effect::Carry { id, act } => vec![(id, act)],
                Effect::CarryAll(acts) => acts,
                other => panic!("not an act: {other:?}"),
            })
            .collect()
    }

    #[track_caller]
    pub fn one_act(&mut self) -> (ActId, Act) {
        let mut acts = self.acts();
        assert_eq!(acts.len(), 1, "{acts:?} {:?}", self.said());
        acts.remove(0)
    }

    /// The journal has it.
    pub fn journaled(&mut self, id: ActId) {
        self.tell(Msg::ActJournaled {
            id,
            result: Ok(vec![EntryId(1)]),
        });
    }

    /// The journal says whether an act was taken back in time.
    pub fn taken_back(&mut self, id: ActId, in_time: bool) {
        let result = if in_time {
            Ok(())
        } else {
            Err("it is confirmed already".to_owned())
        };
        self.tell(Msg::TakenBack { id, result });
    }

    pub fn finish(&mut self, id: ActId, state: ActState, leases: Vec<Lease>) {
        let result = ActResult {
            state,
            message: "the server's word".to_owned(),
            leases,
        };
        self.tell(Msg::ActFinished { id, result });
    }

    /// What is on the screen.
    pub fn screen(&self) -> String {
        let size = self.model.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, size.width, size.height));
        let theme = Theme::from_styles("plain", Glyphs::Unicode, |_| Style::new());
        view::draw(&self.model, &theme, self.now, &mut buffer);
        let row = |y| {
            (0..size.width)
                .map(|x| buffer[(x, y)].symbol())
                .collect::<String>()
        };
        (0..size.height).map(row).collect::<Vec<_>>().join("\n")
    }

    /// The newest passing word.
    pub fn said(&self) -> &str {
        self.model.toasts.current().map_or("", |toast| &toast.text)
    }

    #[track_caller]
    pub fn assert_said(&self, part: &str) {
        assert!(self.said().contains(part), "{part:?} is not in {:?}", self.said());
    }

    /// It was said at some time, whether it has passed or not.
    #[track_caller]
    pub fn assert_heard(&self, part: &str) {
        assert!(
            self.heard.iter().any(|said| said.contains(part)),
            "{part:?} is not in {:?}",
            self.heard
        );
    }

    /// The lines of the question that is open; warnings are marked.
    #[track_caller]
    pub fn asked(&self) -> Vec<String> {
        match &self.model.modal {
            Some(Modal::Confirm(confirm)) => confirm
                .lines
                .iter()
                .map(|line| match line {
                    ConfirmLine::Plain(text) | ConfirmLine::Argument { text, .. } => text.clone(),
                    ConfirmLine::Warning(text) => format!("! {text}"),
                })
                .collect(),
            other => panic!("no question but {other:?}; said {:?}", self.said()),
        }
    }
}

/// One alert of `checkout` in group `name`.
pub fn pod(name: &str, pod: &str) -> Alert {
    alert(name, "warning", "checkout", 12, &[("pod", pod)])
}
