//! The guard: takes the terminal, and gives it back as it was.
//!
//! Giving back happens once, whichever comes first: the guard is dropped (exit, an error, SIGTERM or SIGHUP as the
//! loop sees them), the terminal is lent to the shell or an editor, or somebody panics, and then before the
//! panic is printed. It must succeed on a link that hangs, so nothing here waits for more than a moment.

use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use rustix::termios::{OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr};

use super::writer::{Rest, Writer, write_all};

/// Whether the terminal reports the mouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mouse {
    /// It does; selecting text then needs shift.
    Reported,
    /// It keeps it.
    Left,
}

/// How long a frame under way may take to leave before the terminal is given back regardless.
const LAST_FRAME: Duration = Duration::from_millis(150);
/// How long the terminal may take nothing of what restores it.
const LAST_WORD: Duration = Duration::from_millis(150);

/// Alternate screen, no autowrap (an odd width must not wrap a row), bracketed paste.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?7l\x1b[?2004h";
/// Buttons, movement with a button held, in SGR form.
const MOUSE_ON: &[u8] = b"\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1002l";
/// Plain pen, paste, autowrap, cursor, main screen. Where there is but one screen (a VT, the Linux console), the shell goes
/// on below what was drawn, not in the middle of it.
const LEAVE: &[u8] = b"\x1b[m\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[999H\r\n\x1b[?1049l";
/// Ends whatever was cut: a string, a synchronized frame, a scroll region.
const AFTER_A_CUT: &[u8] = b"\x1b\\\x1b[?2026l\x1b[r";

/// Holds the terminal in raw mode. Dropping it gives the terminal back.
#[derive(Debug)]
pub struct Guard {
    hold: Arc<Hold>,
}

#[derive(Debug)]
struct Hold {
    tty: Arc<File>,
    mouse: Mouse,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The modes to give back; `None` while they are the shell's.
    saved: Option<Termios>,
    /// Whether the screen was entered: bytes are sent with the first frame, not before.
    screen: ScreenState,
    writer: Writer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ScreenState {
    Main,
    Alternate,
}

impl Guard {
    /// Puts the terminal in raw mode and chains a panic hook that gives it back first.
    pub fn take(tty: Arc<File>, mouse: Mouse, writer: Writer) -> io::Result<Self> {
        let hold = Arc::new(Hold {
            tty,
            mouse,
            state: Mutex::new(State {
                saved: None,
                screen: ScreenState::Main,
                writer,
            }),
        });
        hold.make_raw()?;
        let watched: Weak<Hold> = Arc::downgrade(&hold);
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if let Some(hold) = watched.upgrade() {
                hold.give_back();
            }
            previous(panic);
        }));
        Ok(Self { hold })
    }

    /// The bytes that enter the screen, to be sent ahead of a whole frame; from here on, giving back leaves it.
    pub fn enter(&self) -> Vec<u8> {
        self.hold.lock().screen = ScreenState::Alternate;
        let mouse = match self.hold.mouse {
            Mouse::Reported => MOUSE_ON,
            Mouse::Left => &[],
        };
        [ENTER, mouse].concat()
    }

    /// Gives the terminal back until [`Guard::retake`].
    pub fn give_back(&self) {
        self.hold.give_back();
    }

    /// Takes the terminal again, remembering the modes it has now; `writer` is the one to stop next time.
    pub fn retake(&self, writer: Writer) -> io::Result<()> {
        self.hold.lock().writer = writer;
        self.hold.make_raw()
    }

    /// Puts the terminal in raw mode again after somebody else changed it, keeping what is to be given back.
    pub fn assert_raw(&self) -> io::Result<()> {
        let mut modes = tcgetattr(&self.hold.tty)?;
        modes.make_raw();
        Ok(tcsetattr(&self.hold.tty, OptionalActions::Now, &modes)?)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.hold.give_back();
    }
}

impl Hold {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make_raw(&self) -> io::Result<()> {
        let saved = tcgetattr(&self.tty)?;
        let mut raw = saved.clone();
        raw.make_raw();
        tcsetattr(&self.tty, OptionalActions::Now, &raw)?;
        self.lock().saved = Some(saved);
        Ok(())
    }

    fn give_back(&self) {
        let mut state = self.lock();
        let Some(saved) = state.saved.take() else {
            return;
        };
        let rest = state.writer.shut(LAST_FRAME);
        if rest == Rest::Interrupted {
            // The rest of that frame would only delay what follows.
            let _ = tcflush(&self.tty, QueueSelector::OFlush);
        }
        if state.screen == ScreenState::Alternate {
            state.screen = ScreenState::Main;
            let cut = match rest {
                Rest::Interrupted => AFTER_A_CUT,
                Rest::Finished => &[],
            };
            let mouse = match self.mouse {
                Mouse::Reported => MOUSE_OFF,
                Mouse::Left => &[],
            };
            // A terminal that is gone, or takes nothing even now, can't be helped.
            let _ = write_all(&self.tty, &[cut, mouse, LEAVE].concat(), None, Some(LAST_WORD));
        }
        let _ = tcsetattr(&self.tty, OptionalActions::Now, &saved);
    }
}
