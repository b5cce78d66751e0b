//! Signals, as something to await.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// What the system told the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// End, orderly: SIGTERM.
    Terminate,
    /// End, orderly, unless the key was pressed for an editor that has the terminal: SIGINT, SIGQUIT.
    Interrupt,
    /// The terminal was hung up: end, orderly, and expect nothing of it.
    HangUp,
    /// The window changed its size; the screen knows the new one.
    Resized,
    /// The process goes on after a stop: the terminal may be in any state.
    Continued,
}

/// The signals a console obeys. Needs a tokio runtime.
#[derive(Debug)]
pub struct Signals(Option<Listening>);

#[derive(Debug)]
struct Listening {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    quit: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
    resized: tokio::signal::unix::Signal,
    continued: tokio::signal::unix::Signal,
}

impl Signals {
    /// Starts to listen. From here on these signals no longer end the process by themselves.
    pub fn listen() -> io::Result<Self> {
        // Linux and the BSDs differ on SIGCONT's number, and tokio names none.
        let continued = SignalKind::from_raw(rustix::process::Signal::CONT.as_raw());
        Ok(Self(Some(Listening {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hang_up: signal(SignalKind::hangup())?,
            resized: signal(SignalKind::window_change())?,
            continued: signal(continued)?,
        })))
    }

    /// None ever comes: a console that is played is not told what its player is.
    pub fn silent() -> Self {
        Self(None)
    }

    /// The next one. Cancelling loses none; several of a kind may arrive as one.
    pub async fn next(&mut self) -> Signal {
        let Some(listening) = &mut self.0 else {
            return std::future::pending().await;
        };
        tokio::select! {
            biased;
            _ = listening.terminate.recv() => Signal::Terminate,
            _ = listening.interrupt.recv() => Signal::Interrupt,
            _ = listening.quit.recv() => Signal::Interrupt,
            _ = listening.hang_up.recv() => Signal::HangUp,
            _ = listening.continued.recv() => Signal::Continued,
            _ = listening.resized.recv() => Signal::Resized,
        }
    }
}
