//! A wait that one descriptor of the kernel's ends, instead of the runtime's timer wheel.
//!
//! The wheel finds a moment a second away in several steps, each a wake-up of a worker, and is told of each new moment
//! through another: for a clock that ticks once a second, five wake-ups where two do. It is for what waits all the time.
//! Where time stands (tests, replays), and where there is no timerfd(2), it is the wheel. Start at [`Alarm::after`].

use std::time::Duration;

use super::Clock;

/// Rings once, for the wait that it was set to last.
#[derive(Debug, Default)]
pub struct Alarm {
    #[cfg(target_os = "linux")]
    timer: Option<timerfd::Timer>,
}

impl Alarm {
    /// An alarm on the machine's own time, wherever the clock stands.
    pub fn of_the_machine() -> Self {
        Self {
            #[cfg(target_os = "linux")]
            timer: timerfd::Timer::new().ok(),
        }
    }

    /// An alarm under this clock. Needs a runtime with I/O, or falls back to the runtime's timers.
    pub fn new(clock: Clock) -> Self {
        if clock.stands() {
            Self::default()
        } else {
            Self::of_the_machine()
        }
    }

    /// Waits. Cancel-safe; the next wait sets it anew.
    pub async fn after(&self, wait: Duration) {
        #[cfg(target_os = "linux")]
        if let Some(timer) = &self.timer
            && timer.ring_after(wait).await.is_ok()
        {
            return;
        }
        tokio::time::sleep(wait).await;
    }
}

#[cfg(target_os = "linux")]
mod timerfd {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    /// A timer of the kernel on the clock that counts suspend.
    #[derive(Debug)]
    pub(super) struct Timer(AsyncFd<OwnedFd>);

    impl Timer {
        pub(super) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Boottime, flags)?;
            // Deprecated for what closes its descriptor early; an owned one does not.
            #[expect(deprecated, reason = "its successor is unsafe, which is forbidden here")]
            let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
            Ok(Self(timer))
        }

        /// Waits so long: setting a timer forgets that it rang before.
        pub(super) async fn ring_after(&self, wait: Duration) -> io::Result<()> {
            // A timer of zero is one that never rings.
            let wait = wait.max(Duration::from_nanos(1));
            let moment = Itimerspec {
                it_interval: Timespec::default(),
                it_value: Timespec::try_from(wait).map_err(|_| io::ErrorKind::InvalidInput)?,
            };
            timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &moment)?;
            loop {
                let mut ready = self.0.readable().await?;
                // Readiness may be that of an earlier moment: only the count that is read says that it rang.
                let rang = ready.try_io(|timer| {
                    let mut count = [0; 8];
                    rustix::io::read(timer.get_ref(), &mut count)
                        .map(|_| ())
                        .map_err(io::Error::from)
                });
                match rang {
                    Ok(result) => return result,
                    Err(_would_block) => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_rings_after_the_wait_that_was_set_last_whatever_was_waited_for_before() {
        let clock = Clock::start();
        let alarm = Alarm::new(clock);
        let cut = tokio::time::timeout(Duration::from_millis(1), alarm.after(Duration::from_secs(600)));
        assert!(cut.await.is_err());
        alarm.after(Duration::ZERO).await;
        let set = clock.tick();
        alarm.after(Duration::from_millis(30)).await;
        assert!(clock.tick().since(set) >= Duration::from_millis(30));
    }

    #[tokio::test(start_paused = true)]
    async fn where_time_stands_it_moves_it() {
        let clock = Clock::with_tokio(chrono::DateTime::UNIX_EPOCH);
        let set = clock.tick();
        Alarm::new(clock).after(Duration::from_secs(3_600)).await;
        assert_eq!(clock.tick().since(set), Duration::from_secs(3_600));
    }
}
