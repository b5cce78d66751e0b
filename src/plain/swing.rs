//! What comes and goes again and again is told once: that it began, and that it has ended for good.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::time::Tick;

/// What has been away for so long has ended.
pub(super) const STEADY: Duration = Duration::from_secs(120);

/// What is told of something that is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It began.
    Began,
    /// It is back, so soon that it will not be told of again until it holds.
    Returned,
}

/// When the end of something is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// At once; only what came back is waited for.
    AtOnce,
    /// When it has held: a wrong all-clear is worse than a late one.
    Held,
}

/// What was told of things that come and go, by name.
#[derive(Debug, Clone)]
pub(super) struct Swings<K> {
    end: End,
    told: BTreeMap<K, Told>,
}

#[derive(Debug, Clone, Copy)]
struct Told {
    /// Away since then.
    away: Option<Tick>,
    /// Its end waits until it has held.
    waits: bool,
}

impl<K: Ord + Clone> Swings<K> {
    pub(super) fn new(end: End) -> Self {
        Self {
            end,
            told: BTreeMap::new(),
        }
    }

    /// Everything is news again.
    pub(super) fn clear(&mut self) {
        self.told.clear();
    }

    /// Whether nothing was told whose end was not.
    pub(super) fn is_over(&self) -> bool {
        self.told.values().all(|told| told.away.is_some() && !told.waits)
    }

    /// It is so; what is to be told of that.
    pub(super) fn on(&mut self, name: &K, now: Tick) -> Option<Turn> {
        let Some(told) = self.told.get_mut(name).filter(|told| !told.is_forgotten(now)) else {
            let waits = self.end == End::Held;
            self.told.insert(name.clone(), Told { away: None, waits });
            return Some(Turn::Began);
        };
        let was_away = told.away.take().is_some();
        // An end that was not told needs no word of the return.
        (was_away && !std::mem::replace(&mut told.waits, true)).then_some(Turn::Returned)
    }

    /// It is not so; whether its end is to be told.
    pub(super) fn off(&mut self, name: &K, now: Tick) -> bool {
        let Some(told) = self.told.get_mut(name) else {
            return false;
        };
        let is_new = told.away.is_none();
        let since = *told.away.get_or_insert(now);
        if told.waits && now.since(since) >= STEADY {
            self.told.remove(name);
            return true;
        }
        is_new && !told.waits
    }

    /// Names of which something was told.
    pub(super) fn names(&self) -> Vec<K> {
        self.told.keys().cloned().collect()
    }
}

impl Told {
    /// So long ago that the next time is the first again.
    fn is_forgotten(self, now: Tick) -> bool {
        !self.waits && self.away.is_some_and(|since| now.since(since) >= STEADY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Tick = Tick::from_secs;

    #[test]
    fn what_comes_and_goes_is_told_to_be_back_once_and_to_be_over_once_it_holds() {
        let mut swings = Swings::new(End::AtOnce);
        assert!(!swings.off(&"a", S(0)), "it never was");
        assert_eq!(swings.on(&"a", S(0)), Some(Turn::Began));
        assert_eq!(swings.on(&"a", S(1)), None);
        assert!(swings.off(&"a", S(2)));
        assert!(swings.is_over());
        assert_eq!(swings.on(&"a", S(5)), Some(Turn::Returned));
        for at in 6..30 {
            assert!(!swings.off(&"a", S(2 * at)));
            assert_eq!(swings.on(&"a", S(2 * at + 1)), None);
        }
        assert!(!swings.off(&"a", S(60)));
        assert!(!swings.is_over());
        assert!(!swings.off(&"a", S(179)));
        assert!(swings.off(&"a", S(180)));
        assert!(!swings.off(&"a", S(400)));
        assert_eq!(
            swings.on(&"a", S(401)),
            Some(Turn::Began),
            "long after it is news"
        );
    }

    #[test]
    fn an_end_that_has_to_hold_is_told_late_and_once() {
        let mut swings = Swings::new(End::Held);
        assert_eq!(swings.on(&"a", S(0)), Some(Turn::Began));
        assert!(!swings.off(&"a", S(1)));
        assert_eq!(swings.on(&"a", S(100)), None);
        assert!(!swings.off(&"a", S(101)));
        assert!(!swings.is_over());
        assert!(swings.off(&"a", S(221)));
        assert!(swings.is_over() && swings.names().is_empty());
    }
}
