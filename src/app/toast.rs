//! Passing words: what was done, what was refused and why. The newest is shown; none is repeated in a row.

use std::time::Duration;

use crate::time::Tick;

/// How loud a toast is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Said in passing.
    Info,
    /// Wants a look.
    Warn,
    /// Something was not done.
    Error,
}

/// One passing word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// How loud.
    pub level: Level,
    /// Safe text, one line.
    pub text: String,
    /// When it goes by itself.
    pub until: Tick,
}

/// The toasts that have not passed yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Toasts {
    /// Oldest first.
    said: Vec<Toast>,
    /// Words that were said before the dialog that is open: it shows its keys in their place.
    below: Vec<String>,
}

impl Toasts {
    /// The most that are held; the oldest goes first.
    const DEPTH: usize = 8;

    /// Says something; louder words stay longer. Text from outside must be safe already.
    pub fn say(&mut self, level: Level, text: impl Into<String>, now: Tick) {
        let stay = match level {
            Level::Info => Duration::from_secs(4),
            Level::Warn => Duration::from_secs(8),
            Level::Error => Duration::from_secs(15),
        };
        let text = text.into();
        self.said.retain(|toast| toast.text != text);
        self.below.retain(|below| *below != text);
        if self.said.len() == Self::DEPTH {
            self.said.remove(0);
        }
        self.said.push(Toast {
            level,
            text,
            until: now + stay,
        });
    }

    /// All, oldest first.
    pub fn all(&self) -> &[Toast] {
        &self.said
    }

    /// What has been said so far was said below whatever opens next.
    pub fn stay_below(&mut self) {
        self.below = self.said.iter().map(|toast| toast.text.clone()).collect();
    }

    /// The newest that was said since the open dialog was opened.
    pub fn of_dialog(&self) -> Option<&Toast> {
        self.current().filter(|toast| !self.below.contains(&toast.text))
    }

    /// The newest.
    pub fn current(&self) -> Option<&Toast> {
        self.said.last()
    }

    /// Takes away what has passed.
    pub fn expire(&mut self, now: Tick) {
        self.said.retain(|toast| toast.until > now);
    }

    /// Takes away what was only said in passing: another key was pressed.
    pub fn pass(&mut self) {
        self.said.retain(|toast| toast.level != Level::Info);
    }

    /// Takes the newest away; whether there was one.
    pub fn dismiss(&mut self) -> Option<Toast> {
        self.said.pop()
    }

    /// When the next one passes.
    pub fn deadline(&self) -> Option<Tick> {
        self.said.iter().map(|toast| toast.until).min()
    }
}
