//! How the metrics store itself is, told from how its questions fare. Start at [`Engine::pulse`].

use std::sync::Arc;
use std::time::Duration;

use super::{Engine, Question, interval};
use crate::time::Tick;

/// How the backend itself is, judged by what is asked most often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulse {
    /// How often that is asked.
    pub interval: Duration,
    /// When it last answered well; none where it never did.
    pub last_good: Option<Tick>,
    /// Why the latest attempt failed, in short, and since when it has.
    pub failure: Option<(Arc<str>, Tick)>,
}

impl Engine {
    /// How the backend is. The shortest windows tell, or the search for recorded SLOs where there are none; a
    /// slow month that times out says nothing of a server that answers every five minutes.
    pub fn pulse(&self) -> Pulse {
        let poll = self.settings.poll;
        let questions = self.questions();
        let tier = |question: &Question| interval(question, poll);
        let askable = |length| {
            self.entries
                .values()
                .any(|e| e.is_askable() && e.window(length).is_some())
        };
        let (windows, ground): (Vec<&Question>, Vec<&Question>) = questions
            .iter()
            .filter(|q| !matches!(q, Question::Window(length) if !askable(*length)))
            .partition(|q| matches!(q, Question::Window(_)));
        let shortest = windows.iter().copied().map(tier).min();
        let telling: Vec<&Question> = match shortest {
            Some(shortest) => windows.into_iter().filter(|q| tier(q) == shortest).collect(),
            None => ground,
        };
        let last_good = telling.iter().filter_map(|q| self.answered.get(q)).max().copied();
        let failure = telling
            .iter()
            .filter_map(|q| self.failures.get(q))
            // Before the first answer any failure is the server's.
            .chain(self.failures.values().filter(|_| last_good.is_none()))
            .min_by_key(|failure| failure.since)
            .map(|failure| (Arc::clone(&failure.cause), failure.since));
        Pulse {
            interval: shortest.unwrap_or_else(|| telling.into_iter().map(tier).min().unwrap_or(poll)),
            last_good,
            failure,
        }
    }
}
