//! The reader: a thread that waits for bytes, has them decoded, and hands inputs on.
//!
//! It sleeps in `poll` on the terminal and a pipe that tells it to stop; a time-out is set only while the decoder
//! waits for the rest of something, so at rest nothing wakes. Once stopped (before a suspend or an editor) it
//! reads no further byte: they are the shell's. Start at [`Reader::start`].

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossterm::event::MouseEventKind;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::{Notify, mpsc};

use super::Input;
use super::asking::Asking;
use super::decoder::{Decode, Reply};
use crate::time::{Clock, Tick};

/// Inputs that may wait for the loop. When full, the reader waits, and the kernel's buffer holds what is typed.
pub const CAPACITY: usize = 256;
/// Of scrolls in one direction that arrive together, so many count: the wheel must not outrun the screen.
const SCROLLS_AT_ONCE: usize = 3;
const READ_AT_ONCE: usize = 4_096;

/// What was asked of the terminal, and who is told when it has answered.
#[derive(Debug, Clone)]
pub struct Ear {
    /// The questions.
    pub asking: Arc<Mutex<Asking>>,
    /// Notified when an answer came that frames wait for.
    pub answered: Arc<Notify>,
}

impl Ear {
    fn hear(&self, reply: Reply, now: Tick) {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        match reply {
            Reply::Status => {
                asking.answered(now);
                drop(asking);
                self.answered.notify_one();
            }
            Reply::Sync(knows) => asking.told_sync(knows),
        }
    }

    /// Whether an input is somebody's: a colour that nobody waits for is not.
    fn is_meant(&self, input: &Input, now: Tick) -> bool {
        let Input::Background { .. } = input else {
            return true;
        };
        self.asking
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .takes_background(now)
    }
}

/// The running reader. Dropping it stops it.
#[derive(Debug)]
pub struct Reader {
    stopped: Arc<Mutex<Stopped>>,
    /// Closing it wakes the thread.
    _wake: PipeWriter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stopped {
    No,
    Yes,
}

impl Reader {
    /// Starts reading. The thread ends when stopped, when the terminal is gone (after [`Input::Closed`]), or when
    /// nobody receives any more.
    pub fn start(
        tty: Arc<File>,
        decoder: Box<dyn Decode>,
        clock: Clock,
        (inputs, ear): (mpsc::Sender<Input>, Ear),
    ) -> io::Result<Self> {
        let (woken, wake) = io::pipe()?;
        let stopped = Arc::new(Mutex::new(Stopped::No));
        let thread = Thread {
            tty,
            woken,
            stopped: Arc::clone(&stopped),
            decoder,
            clock,
            inputs,
            ear,
        };
        std::thread::Builder::new()
            .name("terminal-reader".into())
            .spawn(move || thread.run())?;
        Ok(Self { stopped, _wake: wake })
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // The lock is held while a read is under way, so no byte is taken after this.
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = Stopped::Yes;
    }
}

struct Thread {
    tty: Arc<File>,
    woken: PipeReader,
    stopped: Arc<Mutex<Stopped>>,
    decoder: Box<dyn Decode>,
    clock: Clock,
    inputs: mpsc::Sender<Input>,
    ear: Ear,
}

enum Wait {
    Ready,
    Gone,
    Stopped,
}

enum Read {
    Bytes(usize),
    Nothing,
    Gone,
    Stopped,
}

impl Thread {
    fn run(mut self) {
        let mut buffer = vec![0; READ_AT_ONCE];
        let mut decoded = Vec::new();
        loop {
            let read = match self.wait() {
                Wait::Ready => self.read(&mut buffer),
                Wait::Gone => Read::Gone,
                Wait::Stopped => return,
            };
            let now = self.clock.tick();
            match read {
                Read::Stopped => return,
                Read::Bytes(count) => {
                    let bytes = buffer.get(..count).unwrap_or_default();
                    self.decoder.feed(bytes, now, &mut decoded);
                }
                Read::Nothing => self.decoder.timeout(now, &mut decoded),
                Read::Gone => {
                    if let Some(deadline) = self.decoder.deadline() {
                        self.decoder.timeout(deadline, &mut decoded);
                    }
                    decoded.push(Input::Closed);
                }
            }
            for reply in self.decoder.replies() {
                self.ear.hear(reply, now);
            }
            decoded.retain(|input| self.ear.is_meant(input, now));
            coalesce(&mut decoded);
            for input in decoded.drain(..) {
                if self.inputs.blocking_send(input).is_err() {
                    return;
                }
            }
            if matches!(read, Read::Gone) {
                return;
            }
        }
    }

    /// Until there may be something to read or to settle.
    fn wait(&self) -> Wait {
        let limit = self.decoder.deadline().and_then(|deadline| {
            // A little late rather than early: a wake before the deadline settles nothing.
            let left = deadline.0.saturating_sub(self.clock.tick().0);
            Timespec::try_from(left + Duration::from_micros(100)).ok()
        });
        let mut waited = [
            PollFd::new(&self.tty, PollFlags::IN),
            PollFd::new(&self.woken, PollFlags::IN),
        ];
        match poll(&mut waited, limit.as_ref()) {
            Ok(_) if waited.last().is_some_and(|woken| !woken.revents().is_empty()) => Wait::Stopped,
            Ok(_) | Err(rustix::io::Errno::INTR) => Wait::Ready,
            // Nothing one can wait for; trying again would spin.
            Err(_) => Wait::Gone,
        }
    }

    fn read(&self, buffer: &mut [u8]) -> Read {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        if *stopped == Stopped::Yes {
            return Read::Stopped;
        }
        match (&*self.tty).read(buffer) {
            Ok(0) => Read::Gone,
            Ok(count) => Read::Bytes(count),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) =>
            {
                Read::Nothing
            }
            // EIO: hung up.
            Err(_) => Read::Gone,
        }
    }
}

/// Of a run of scrolls in one direction keeps a few, of a run of movements the last.
fn coalesce(inputs: &mut Vec<Input>) {
    let kind = |input: &Input| match input {
        Input::Mouse(mouse) => Some(mouse.kind),
        Input::Key(_)
        | Input::Paste(_)
        | Input::Resize(_)
        | Input::Background { .. }
        | Input::Focus(_)
        | Input::Closed => None,
    };
    let mut kept: Vec<Input> = Vec::with_capacity(inputs.len());
    let mut run = 0;
    for input in inputs.drain(..) {
        let this = kind(&input);
        let continues = this.is_some() && kept.last().and_then(kind) == this;
        run = if continues { run + 1 } else { 1 };
        match this {
            Some(MouseEventKind::Moved | MouseEventKind::Drag(_)) if continues => {
                kept.pop();
                kept.push(input);
            }
            Some(
                MouseEventKind::ScrollDown
                | MouseEventKind::ScrollUp
                | MouseEventKind::ScrollLeft
                | MouseEventKind::ScrollRight,
            ) if run > SCROLLS_AT_ONCE => {}
            _ => kept.push(input),
        }
    }
    *inputs = kept;
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseEvent};

    use super::*;

    fn mouse(kind: MouseEventKind, row: u16) -> Input {
        Input::Mouse(MouseEvent {
            kind,
            column: 1,
            row,
            modifiers: KeyModifiers::NONE,
        })
    }

    #[test]
    fn a_flood_of_scrolls_counts_as_a_few_and_keys_are_all_kept() {
        let key = Input::Key(KeyEvent::new(KeyCode::Char('j'), KeyModifiers::NONE));
        let mut inputs = vec![key.clone(); 5];
        inputs.extend((0..50).map(|row| mouse(MouseEventKind::ScrollDown, row)));
        inputs.push(mouse(MouseEventKind::ScrollUp, 7));
        inputs.push(key);
        coalesce(&mut inputs);
        assert_eq!(inputs.len(), 5 + SCROLLS_AT_ONCE + 1 + 1);
    }

    #[test]
    fn of_movements_the_last_counts() {
        let mut inputs: Vec<_> = (0..9).map(|row| mouse(MouseEventKind::Moved, row)).collect();
        coalesce(&mut inputs);
        assert_eq!(inputs, [mouse(MouseEventKind::Moved, 8)]);
    }
}
