//! What happens to local incidents by itself while a console is open: rules declare, levels pass on,
//! notifications go out.
//!
//! Rules and delays run in one console of the journal at a time, the one that holds its watch
//! ([`crate::journal::watches`]); notifications are sent by whichever claims them. What is due is decided by
//! [`crate::domain::incident::watch`]; here it is only asked at the right moments. An idle turn writes nothing
//! but the watch's renewal. A read-only console runs none of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{RwLock, watch};
use tokio::task::JoinSet;

use crate::app::record::Watching;
use crate::backend::incidents::local::{House, Look};
use crate::domain::alert::AlertBoard;
use crate::journal::watches::{self, Held, RENEWED, Watcher};
use crate::journal::{Journal, JournalResult};
use crate::notify::Courier;
use crate::time::{Clock, Stamp};

/// After a failure of the journal.
const RETRY: Duration = Duration::from_secs(5);
/// Looked again so soon at the latest, while something is under way.
const SOONEST: Duration = Duration::from_millis(100);

/// Notifications at a time, beyond which no more are claimed: each may be a process.
const AT_ONCE: usize = 64;

/// After a notification's own limit, until what came of it is kept.
const KEPT: Duration = Duration::from_secs(2);

/// Watches over the local incidents of one context.
pub struct Warden {
    journal: Journal,
    house: Arc<House>,
    courier: Courier,
    clock: Clock,
    watcher: Watcher,
    board: watch::Receiver<Arc<AlertBoard>>,
    duty: watch::Receiver<Duty>,
    held: Option<(Stamp, Stamp)>,
    /// Each by itself: a way that hangs holds up neither another nor a level.
    sending: JoinSet<JournalResult<Option<Duration>>>,
    /// Passed by each notification from before it is claimed until its outcome is kept.
    passage: Arc<RwLock<()>>,
}

/// Whether the watch may be taken by this process at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Duty {
    On,
    Off,
}

/// Relieves a [`Warden`] before its process stops, and sends it back.
#[derive(Clone)]
pub struct Relief {
    journal: Journal,
    context: Arc<str>,
    watcher: Watcher,
    clock: Clock,
    duty: watch::Sender<Duty>,
    passage: Arc<RwLock<()>>,
    longest: Duration,
}

impl Relief {
    /// Hands the watch back: the next console takes it at once. When this returns it is free, or the journal
    /// failed and it is within a minute. Whatever the warden is in the middle of takes it no more.
    /// Notifications under way are waited for, up to the limit of their ways: cut off, nobody would know whether they
    /// arrived.
    pub async fn rest(&self) {
        self.duty.send_replace(Duty::Off);
        let (context, watcher, now) = (
            Arc::clone(&self.context),
            self.watcher.clone(),
            self.clock.stamp(),
        );
        // The journal does one thing after the other: a renewal that went before is undone here, one that comes
        // after finds that it is off duty.
        let _ = self
            .journal
            .write(move |tx| watches::hand_back(tx, &context, &watcher, &now))
            .await;
        let _ = tokio::time::timeout(self.longest + KEPT, self.passage.write()).await;
    }

    /// Has the warden watch again, if nobody else does by now.
    pub fn resume(&self) {
        self.duty.send_replace(Duty::On);
    }
}

impl Warden {
    /// Ready to run. `board` is the alert board of the context.
    pub fn new(
        journal: Journal,
        house: Arc<House>,
        courier: Courier,
        clock: Clock,
        board: watch::Receiver<Arc<AlertBoard>>,
    ) -> (Self, Relief) {
        let pid = std::process::id();
        let born = clock.stamp();
        let watcher = Watcher {
            token: format!("{pid}-{}-{:08x}", born.boot_ms, token_bits()),
            who: format!("{}, pid {pid}", house.identity),
        };
        let (duty_out, duty) = watch::channel(Duty::On);
        let relief = Relief {
            journal: journal.clone(),
            context: Arc::clone(&house.context),
            watcher: watcher.clone(),
            clock,
            duty: duty_out,
            passage: Arc::default(),
            longest: courier.longest(),
        };
        let warden = Self {
            journal,
            house,
            courier,
            clock,
            watcher,
            board,
            duty,
            held: None,
            sending: JoinSet::new(),
            passage: Arc::clone(&relief.passage),
        };
        (warden, relief)
    }

    /// Runs until it is dropped; whoever ends it relieves it first ([`Relief::rest`]). `said` is told whenever who
    /// watches changes.
    pub async fn run(mut self, said: watch::Sender<Watching>) {
        let mut changes = self.journal.changes();
        loop {
            changes.borrow_and_update();
            self.board.borrow_and_update();
            let (watching, next) = match self.turn().await {
                Ok(turn) => turn,
                Err(error) => (Watching::Failed(error.to_string()), RETRY),
            };
            said.send_if_modified(|before| {
                let is_new = *before != watching;
                *before = watching;
                is_new
            });
            tokio::select! {
                moved = changes.changed() => if moved.is_err() { return },
                Ok(()) = self.board.changed() => {}
                // Relieved in between, it may have been another's since.
                Ok(()) = self.duty.changed() => self.held = None,
                Some(sent) = self.sending.join_next() => match sent {
                    Ok(Err(error)) => {
                        said.send_replace(Watching::Failed(error.to_string()));
                        tokio::time::sleep(SOONEST).await;
                    }
                    Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                    // When it is tried again stands in the journal.
                    Ok(Ok(_)) | Err(_) => {}
                },
                () = tokio::time::sleep(next.max(SOONEST)) => {}
            }
        }
    }

    /// One look at what is due; returns who watches, and when to look again at the latest.
    pub async fn turn(&mut self) -> JournalResult<(Watching, Duration)> {
        if self.duty.has_changed().unwrap_or(false) {
            self.held = None;
        }
        if *self.duty.borrow_and_update() == Duty::Off {
            // Notifications wait too: one that is claimed and not sent would be lost.
            return Ok((Watching::Relieved, RENEWED));
        }
        let watching = self.watch().await?;
        let mut next = RENEWED;
        if let (Watching::Ours, Some((_, watched_since))) = (&watching, self.held) {
            next = next.min(self.do_what_is_due(watched_since).await?);
        }
        if let Some(left) = self.send().await? {
            next = next.min(left);
        }
        Ok((watching, next))
    }

    /// Has what is due sent, without waiting for it; returns when more is.
    async fn send(&mut self) -> JournalResult<Option<Duration>> {
        if self.sending.len() >= AT_ONCE {
            // The next that ends is heard.
            return Ok(None);
        }
        let passing = Arc::new(Arc::clone(&self.passage).read_owned().await);
        if *self.duty.borrow() == Duty::Off {
            return Ok(None);
        }
        let due = self.courier.claim().await?;
        for parcel in due.to_send {
            let (courier, passing) = (self.courier.clone(), Arc::clone(&passing));
            self.sending.spawn(async move {
                let sent = courier.send(parcel).await;
                drop(passing);
                sent
            });
        }
        Ok(due.next)
    }

    async fn watch(&mut self) -> JournalResult<Watching> {
        if !self.house.acts_by_itself() {
            return Ok(Watching::Nothing);
        }
        let now = self.clock.stamp();
        if self
            .held
            .is_some_and(|(renewed, _)| now.since(&renewed) < RENEWED)
        {
            return Ok(Watching::Ours);
        }
        let house = Arc::clone(&self.house);
        if self.held.is_none() {
            let other = self
                .journal
                .read(move |tx| watches::watching(tx, &house.context, &now))
                .await?;
            if let Some(who) = other {
                return Ok(Watching::Theirs(who));
            }
        }
        let (house, watcher, duty) = self.on_duty();
        self.held = None;
        let held = self
            .journal
            .write(move |tx| match *duty.borrow() {
                Duty::On => watches::hold(tx, &house.context, &watcher, &now).map(Some),
                Duty::Off => Ok(None),
            })
            .await?;
        Ok(match held {
            Some(Held::Ours { watched_since }) => {
                self.held = Some((now, watched_since));
                Watching::Ours
            }
            Some(Held::Theirs { who }) => Watching::Theirs(who),
            None => Watching::Relieved,
        })
    }

    /// What a transaction takes along that renews the watch: it asks again there whether this is still wanted.
    fn on_duty(&self) -> (Arc<House>, Watcher, watch::Receiver<Duty>) {
        (Arc::clone(&self.house), self.watcher.clone(), self.duty.clone())
    }

    async fn do_what_is_due(&mut self, watched_since: Stamp) -> JournalResult<Duration> {
        let board = Arc::clone(&self.board.borrow());
        let now = self.clock.stamp();
        let seen = {
            let (house, board) = (Arc::clone(&self.house), Arc::clone(&board));
            self.journal
                .read(move |tx| house.look(tx, believed(&board), &watched_since, &now))
                .await?
        };
        match seen {
            Look::Due => {}
            Look::In(left) => return Ok(left),
            Look::Nothing => return Ok(RENEWED),
        }
        let (house, watcher, duty) = self.on_duty();
        let held = self
            .journal
            .write(move |tx| {
                if *duty.borrow() == Duty::Off {
                    return Ok(None);
                }
                // Decided anew where nobody else can change it, and only while the watch is ours.
                let held = watches::hold(tx, &house.context, &watcher, &now)?;
                if let Held::Ours { watched_since } = &held {
                    house.turn(tx, believed(&board), watched_since, &now)?;
                }
                Ok(Some(held))
            })
            .await?;
        self.held = match held {
            Some(Held::Ours { watched_since }) => Some((now, watched_since)),
            Some(Held::Theirs { .. }) | None => None,
        };
        Ok(SOONEST)
    }
}

/// A board that no source vouches for says nothing.
fn believed(board: &AlertBoard) -> Option<&AlertBoard> {
    board.is_known().then_some(board)
}

/// Tells two consoles of one process apart.
fn token_bits() -> u32 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(()) as u32
}

#[cfg(test)]
#[path = "warden_tests.rs"]
mod tests;
