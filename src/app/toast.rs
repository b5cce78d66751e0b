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

/// Whether a dialog stands over what was said before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covered {
    /// One does.
    Yes,
    /// None is open.
    No,
}

/// How long words stand: louder ones longer.
fn stay(level: Level) -> Duration {
    match level {
        Level::Info => Duration::from_secs(4),
        Level::Warn => Duration::from_secs(8),
        Level::Error => Duration::from_secs(15),
    }
}

impl Toasts {
    /// The most that are held; the oldest goes first.
    const DEPTH: usize = 8;

    /// Says something; louder words stay longer. Text from outside must be safe already.
    pub fn say(&mut self, level: Level, text: impl Into<String>, now: Tick) {
        let text = text.into();
        self.said.retain(|toast| toast.text != text);
        self.below.retain(|below| *below != text);
        if self.said.len() == Self::DEPTH {
            self.said.remove(0);
        }
        self.said.push(Toast {
            level,
            text,
            until: now + stay(level),
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

    /// Takes away what has passed. What nobody can read beneath a dialog, and should, waits for its end.
    pub fn expire(&mut self, now: Tick, covered: Covered) {
        let below = &self.below;
        self.said
            .retain(|toast| toast.until > now || waits(toast, below, covered));
    }

    /// The dialog was closed: what waited beneath it stands as long as if it were said now.
    pub fn uncover(&mut self, now: Tick) {
        for toast in &mut self.said {
            if waits(toast, &self.below, Covered::Yes) {
                toast.until = now + stay(toast.level);
            }
        }
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
    pub fn deadline(&self, covered: Covered) -> Option<Tick> {
        let passing = self
            .said
            .iter()
            .filter(|toast| !waits(toast, &self.below, covered));
        passing.map(|toast| toast.until).min()
    }
}

/// Whether somebody is to read this who cannot now.
fn waits(toast: &Toast, below: &[String], covered: Covered) -> bool {
    covered == Covered::Yes && toast.level > Level::Info && below.contains(&toast.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_should_be_read_waits_beneath_a_dialog_and_stands_from_its_end() {
        let at = Tick::from_secs;
        let mut toasts = Toasts::default();
        toasts.say(Level::Info, "counted", at(0));
        toasts.say(Level::Error, "not sent", at(1));
        toasts.stay_below();
        toasts.say(Level::Warn, "no such key", at(2));
        assert_eq!(
            toasts.of_dialog().map(|toast| toast.text.as_str()),
            Some("no such key")
        );
        assert_eq!(toasts.deadline(Covered::Yes), Some(at(4)));
        toasts.expire(at(60), Covered::Yes);
        let left: Vec<&str> = toasts.all().iter().map(|toast| toast.text.as_str()).collect();
        assert_eq!(left, ["not sent"]);
        assert_eq!(toasts.deadline(Covered::Yes), None, "nothing is to be woken for");
        toasts.uncover(at(60));
        assert_eq!(toasts.deadline(Covered::No), Some(at(75)));
        toasts.expire(at(75), Covered::No);
        assert!(toasts.all().is_empty());
    }
}
