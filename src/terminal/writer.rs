//! The writer: one slot of bytes and the thread that alone may wait for a stalled link.
//!
//! Whoever draws hands bytes over and goes on; what the terminal takes at once is written there and then, and the thread
//! sleeps on. A frame is only drawn when the slot is empty and the thread idle, so stale frames never queue and the encoder's base is always what was (or is being) written. The thread
//! waits in `poll`, not in `write`, so that it can be told to stop while the link hangs. The descriptor must
//! be non-blocking. Where the link is known to be slow it hands on no more than that carries ([`Pace`]), and a row of a
//! frame as one, lest half of it stand beside half of the old one and be read. Start at
//! [`Writer::submit`].

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Write as _};
use std::num::NonZeroU32;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::Notify;
use tokio::sync::mpsc;

use super::Input;
use super::pace::{Meter, Pace};
use crate::time::{Clock, Tick};

/// What waits behind a frame (bells, copies) beyond this is refused. A frame itself finds the slot empty.
const SLOT_CAP: usize = 1 << 18;

/// Where no row forbids it, bytes for a slow link are parted after so many.
const PARTED: usize = 32;

/// Where bytes for the terminal go. Clones share the one thread.
#[derive(Debug, Clone)]
pub struct Writer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    slot: Mutex<Slot>,
    /// The slot or the thread's state has changed.
    changed: Condvar,
    /// Notified when all is written.
    drained: Arc<Notify>,
    stop: PipeWriter,
    /// Not blocking.
    tty: Arc<File>,
    clock: Clock,
}

/// Bytes to be written.
#[derive(Debug, Default)]
struct Load {
    bytes: Vec<u8>,
    /// The lengths of what goes as one, in order, where the pace is capped.
    units: Vec<usize>,
    /// How many of the bytes are frames.
    frames: usize,
}

impl Load {
    fn clear(&mut self) {
        self.bytes.clear();
        self.units.clear();
        self.frames = 0;
    }
}

#[derive(Debug)]
struct Slot {
    load: Load,
    thread: Thread,
    gate: Gate,
    /// What went to the terminal so far.
    meter: Meter,
    /// How fast it may, where that is capped.
    pace: Option<Pace>,
}

/// How the writer is to write.
#[derive(Debug, Clone, Copy)]
pub struct Flow {
    /// Bytes a second at most; nothing where the link sets its own pace.
    pub cap: Option<NonZeroU32>,
    /// The clock that this goes by.
    pub clock: Clock,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thread {
    Idle,
    Writing,
    /// Ended: told to, or the terminal is gone.
    Ended,
}

/// Whether bytes are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    Open,
    /// The terminal is the shell's; what is submitted is dropped.
    Shut,
    /// For good.
    Ending,
}

/// How a writer came to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// All it had begun was written.
    Finished,
    /// It was stopped within a frame: the link stalls.
    Interrupted,
}

impl Writer {
    /// Starts the thread. `drained` is notified whenever all has left; `gone` hears [`Input::Closed`] when the terminal no longer takes bytes.
    pub fn start(
        tty: Arc<File>,
        drained: Arc<Notify>,
        gone: mpsc::Sender<Input>,
        flow: Flow,
    ) -> io::Result<Self> {
        let (stopped, stop) = io::pipe()?;
        let shared = Arc::new(Shared {
            slot: Mutex::new(Slot {
                load: Load::default(),
                thread: Thread::Idle,
                gate: Gate::Open,
                meter: Meter::default(),
                pace: flow.cap.map(|cap| Pace::new(cap, flow.clock.tick())),
            }),
            changed: Condvar::new(),
            drained,
            stop,
            tty,
            clock: flow.clock,
        });
        let theirs = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("terminal-writer".into())
            .spawn(move || theirs.run(&stopped, &gone))?;
        Ok(Self { shared })
    }

    /// Hands bytes over; they are written in order, after what is being written. Returns at once.
    pub fn submit(&self, bytes: &[u8]) {
        let ends: Vec<usize> = (PARTED..bytes.len()).step_by(PARTED).collect();
        self.hand_over(bytes, &ends, 0);
    }

    /// The same for a frame, which is parted at the ends of its rows only (offsets, ascending) and then stands for a
    /// while where the pace is capped.
    pub fn submit_frame(&self, bytes: &[u8], row_ends: &[usize]) {
        self.hand_over(bytes, row_ends, bytes.len());
    }

    fn hand_over(&self, bytes: &[u8], ends: &[usize], frames: usize) {
        let mut slot = self.shared.lock();
        if slot.gate != Gate::Open || slot.thread == Thread::Ended {
            return;
        }
        let unhindered = slot.load.bytes.is_empty() && slot.thread == Thread::Idle && slot.pace.is_none();
        let taken = if unhindered { self.shared.at_once(bytes) } else { 0 };
        if taken > 0 {
            slot.meter.sent(taken, self.shared.clock.tick());
        }
        let left = bytes.get(taken..).unwrap_or_default();
        let fits = slot.load.bytes.is_empty() || slot.load.bytes.len() + left.len() <= SLOT_CAP;
        if fits && !left.is_empty() {
            if slot.pace.is_some() {
                slot.load.units.extend(units(ends, bytes.len()));
                slot.load.frames += frames;
            }
            slot.load.bytes.extend_from_slice(left);
            // Woken while the lock is held, the thread would only go to sleep on it again.
            drop(slot);
            self.shared.changed.notify_all();
        }
    }

    /// Whether all that was submitted has left.
    pub fn is_idle(&self) -> bool {
        let slot = self.shared.lock();
        slot.load.bytes.is_empty() && slot.thread != Thread::Writing
    }

    /// When what the world changes may be sent, where the pace is capped: a key's reserve is whole again then, and the
    /// last frame has stood for as long as it took.
    pub fn whole_at(&self) -> Option<Tick> {
        self.shared.lock().pace.as_ref().map(Pace::whole_at)
    }

    /// Bytes that went: all, and a second of late.
    pub fn sent(&self, now: Tick) -> (u64, u32) {
        let slot = self.shared.lock();
        (slot.meter.total(), slot.meter.per_second(now))
    }

    /// Takes no more bytes, and waits at most `patience` for what was handed over. After this the
    /// thread does not touch the terminal until [`Writer::open`].
    pub fn shut(&self, patience: Duration) -> Rest {
        let mut slot = self.shared.lock();
        if slot.gate == Gate::Open {
            slot.gate = Gate::Shut;
        }
        let busy = |slot: &mut Slot| slot.thread == Thread::Writing || !slot.load.bytes.is_empty();
        let ended = |slot: &Slot| slot.thread == Thread::Ended;
        if !ended(&slot) {
            slot = self
                .shared
                .changed
                .wait_timeout_while(slot, patience, |s| busy(s) && !ended(s))
                .map_or_else(|poisoned| poisoned.into_inner().0, |(slot, _)| slot);
        }
        if ended(&slot) || !busy(&mut slot) {
            return Rest::Finished;
        }
        slot.load.clear();
        slot.gate = Gate::Ending;
        drop(slot);
        // The link hangs within a write: wake the thread from its wait. It ends, and with it this writer.
        let _ = (&self.shared.stop).write_all(b"!");
        let slot = self.shared.lock();
        drop(
            self.shared
                .changed
                .wait_timeout_while(slot, patience, |s| s.thread == Thread::Writing),
        );
        Rest::Interrupted
    }

    /// Takes bytes again after [`Writer::shut`], unless the thread has ended and another must be started.
    pub fn open(&self) -> Reopened {
        let mut slot = self.shared.lock();
        if slot.gate == Gate::Ending || slot.thread == Thread::Ended {
            return Reopened::No;
        }
        slot.gate = Gate::Open;
        Reopened::Yes
    }

    /// Ends the thread once it has written what it has. Does not wait.
    pub fn end(&self) {
        self.shared.lock().gate = Gate::Ending;
        self.shared.changed.notify_all();
    }
}

/// Whether a writer takes bytes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reopened {
    /// It does.
    Yes,
    /// Its thread has ended.
    No,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        // Nothing that holds the lock can leave the slot half changed.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, stopped: &PipeReader, gone: &mpsc::Sender<Input>) {
        let mut load = Load::default();
        let outcome = loop {
            load.clear();
            let mut slot = self.lock();
            if slot.thread == Thread::Writing && slot.load.bytes.is_empty() {
                slot.thread = Thread::Idle;
                self.changed.notify_all();
                self.drained.notify_one();
            }
            while slot.load.bytes.is_empty() && slot.gate != Gate::Ending {
                slot = self.changed.wait(slot).unwrap_or_else(PoisonError::into_inner);
            }
            if slot.load.bytes.is_empty() {
                break Ok(());
            }
            std::mem::swap(&mut load, &mut slot.load);
            slot.thread = Thread::Writing;
            drop(slot);
            match self.write(&load, stopped) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        {
            let mut slot = self.lock();
            slot.thread = Thread::Ended;
            slot.load.clear();
            self.changed.notify_all();
        }
        self.drained.notify_one();
        if outcome.is_err() {
            // May wait for room; there is nothing left to write.
            let _ = gone.blocking_send(Input::Closed);
        }
    }
}

impl Shared {
    /// How much of it the terminal takes without a wait. On most links that is all, and the thread need not be woken;
    /// what is wrong with the terminal is found out by the thread.
    fn at_once(&self, bytes: &[u8]) -> usize {
        if bytes.is_empty() {
            return 0;
        }
        (&*self.tty).write(bytes).unwrap_or(0)
    }

    /// Writes all of it, as fast as it may go.
    fn write(&self, load: &Load, stopped: &PipeReader) -> io::Result<()> {
        let (mut bytes, mut units) = (load.bytes.as_slice(), load.units.as_slice());
        while !bytes.is_empty() {
            let now = self.clock.tick();
            let (piece, wait) = match &mut self.lock().pace {
                None => (bytes.len(), Duration::ZERO),
                Some(pace) => {
                    let (due, later) = units.split_at(pace.take(units, now));
                    units = later;
                    (due.iter().sum(), pace.wait(later, now))
                }
            };
            if piece > 0 {
                let (now, later) = bytes.split_at(piece);
                write_all(&self.tty, now, Some(stopped), None)?;
                bytes = later;
                let at = self.clock.tick();
                self.lock().meter.sent(piece, at);
            }
            if !bytes.is_empty() {
                rest(stopped, wait)?;
            }
        }
        let at = self.clock.tick();
        if let Some(pace) = &mut self.lock().pace {
            pace.finished(load.frames, at);
        }
        Ok(())
    }
}

/// The lengths of what lies between these offsets (ascending), up to `all`. None is empty.
fn units(ends: &[usize], all: usize) -> impl Iterator<Item = usize> {
    let ends = ends.iter().copied().filter(move |end| *end < all).chain([all]);
    ends.scan(0, |before, end| {
        Some(end.saturating_sub(std::mem::replace(before, end)))
    })
    .filter(|unit| *unit > 0)
}

/// Waits for so long, or until it is told to stop.
fn rest(stopped: &PipeReader, wait: Duration) -> io::Result<()> {
    // A little late rather than early: a wake before there is something to send sends nothing.
    let limit = Timespec::try_from(wait + Duration::from_micros(100)).ok();
    match poll(&mut [PollFd::new(stopped, PollFlags::IN)], limit.as_ref()) {
        Ok(0) | Err(rustix::io::Errno::INTR) => Ok(()),
        Ok(_) => Err(io::ErrorKind::Interrupted.into()),
        Err(errno) => Err(errno.into()),
    }
}

/// Writes all of it to a non-blocking descriptor, waiting while the other side takes nothing: until `stopped` is
/// readable (an `Interrupted` error) or each wait has lasted `patience` (`TimedOut`).
pub(super) fn write_all(
    mut tty: &File,
    mut bytes: &[u8],
    stopped: Option<&PipeReader>,
    patience: Option<Duration>,
) -> io::Result<()> {
    let limit = patience.and_then(|p| Timespec::try_from(p).ok());
    while !bytes.is_empty() {
        match tty.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let mut waited = vec![PollFd::new(&tty, PollFlags::OUT)];
                waited.extend(stopped.map(|pipe| PollFd::new(pipe, PollFlags::IN)));
                match poll(&mut waited, limit.as_ref()) {
                    Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
                    Ok(_) if waited.get(1).is_some_and(|pipe| !pipe.revents().is_empty()) => {
                        return Err(io::ErrorKind::Interrupted.into());
                    }
                    Ok(_) | Err(rustix::io::Errno::INTR) => {}
                    Err(errno) => return Err(errno.into()),
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_as_one_ends_where_a_row_does() {
        let lengths = |ends: &[usize], all| units(ends, all).collect::<Vec<_>>();
        assert_eq!(lengths(&[3, 3, 10, 20], 20), [3, 7, 10]);
        assert_eq!(lengths(&[3, 10], 24), [3, 7, 14], "what follows the last row");
        assert_eq!(lengths(&[], 5), [5]);
        assert!(lengths(&[], 0).is_empty());
    }
}
