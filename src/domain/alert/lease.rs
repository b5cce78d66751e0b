//! How long an acknowledgement is kept: a lease, extended while somebody is there to answer for it.
//!
//! kthxbye's rule (extend when it is about to lapse and still hides an alert) with three limits of our own:
//! never for an occurrence that was not acknowledged, not beyond the longest age, not without a key for long.
//! Start at [`extension_due`].

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{AckState, AlertBoard, AlertState, BoardSilence, Occurrence, SilenceState};
use crate::time::{Now, after, prometheus_duration};

/// Extended when no more than this share of a lease is left.
const RENEW_SHARE: u32 = 3;
/// The bell goes so long before it lapses.
pub const BELL: Duration = Duration::from_secs(120);
/// Times within this are the same: servers keep milliseconds.
const SAME: TimeDelta = TimeDelta::seconds(2);

/// An acknowledgement that this console holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Where its silence lives.
    pub cluster: Arc<str>,
    /// The silence's id, as the last answer gave it.
    pub id: Arc<str>,
    /// What was acknowledged.
    pub covers: Vec<Occurrence>,
    /// When it was first made: its age counts from here.
    pub started_at: DateTime<Utc>,
    /// The end that we set last.
    pub set_until: DateTime<Utc>,
}

/// The limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Length of a lease and of each extension.
    pub lease: Duration,
    /// Not extended past this age.
    pub max: Duration,
    /// Not extended after so long without a key.
    pub idle: Duration,
}

/// Why a lease is not extended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It has reached its longest age.
    Oldest,
    /// No key was pressed for long.
    Idle,
    /// It also hides what fired later and nobody acknowledged.
    HidesOthers,
    /// Somebody else had kept it and does so no more, or a kthxbye keeps it.
    KeptElsewhere,
}

/// What to do about a lease now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing yet.
    Wait,
    /// Extend it until then.
    Extend {
        /// The new end.
        until: DateTime<Utc>,
        /// When it lapses, once that is so near that the earlier attempts must have failed: ring and say so.
        lapses: Option<DateTime<Utc>>,
    },
    /// Ring and say so: it lapses, and will not be extended.
    Bell {
        /// When.
        at: DateTime<Utc>,
        /// Why.
        why: Why,
    },
    /// What it was for fires no more: let it run out in silence.
    Done,
    /// It is in force no more: forget it, and say so where something still fires.
    Lapsed,
}

impl Why {
    /// In words, with the mend.
    pub fn words(self, terms: &Terms) -> String {
        match self {
            Self::Oldest => format!(
                "it was kept for {}, the longest; acknowledge again to keep it",
                prometheus_duration(terms.max)
            ),
            Self::Idle => format!(
                "no key for {}; acknowledge again to keep it",
                prometheus_duration(terms.idle)
            ),
            Self::HidesOthers => {
                "it also hides alerts that fired later; acknowledge again what you have".to_owned()
            }
            Self::KeptElsewhere => "another program keeps it and is about to let it go".to_owned(),
        }
    }
}

/// What a lease needs, on the board as it stands. `idle` is how long ago the last key was.
pub fn extension_due(lease: &Lease, board: &AlertBoard, terms: &Terms, idle: Duration, now: Now) -> Step {
    let Some(row) = find(lease, board) else {
        // a board that has not caught up with a silence just made does not say that it lapsed
        return if now.utc < lease.set_until {
            Step::Wait
        } else {
            Step::Lapsed
        };
    };
    let silence = &row.silence;
    if silence.state == SilenceState::Expired || silence.ends_at <= now.utc {
        return Step::Lapsed;
    }
    let living = || {
        let all = board.by_fingerprint.values();
        all.filter(|alert| !matches!(alert.state, AlertState::Gone | AlertState::Resolved))
    };
    let still_fires = living().any(|alert| {
        lease.covers.iter().any(|o| {
            o.fingerprint == alert.occurrence.fingerprint && alert.occurrence.starts_at <= silence.starts_at
        })
    });
    if !still_fires {
        return Step::Done;
    }
    let left = (silence.ends_at - now.utc).to_std().unwrap_or_default();
    let why_not = if silence.ends_at > lease.set_until + SAME {
        Some(Why::KeptElsewhere)
    } else if living()
        .any(|alert| alert.silenced_by.contains(&silence.id) && matches!(alert.ack, AckState::HiddenBy(_)))
    {
        Some(Why::HidesOthers)
    } else if idle >= terms.idle {
        Some(Why::Idle)
    } else {
        None
    };
    let oldest = after(lease.started_at, terms.max);
    let until = after(now.utc, terms.lease).min(oldest);
    let why_not = why_not
        .or((until <= silence.ends_at + SAME && left <= terms.lease / RENEW_SHARE).then_some(Why::Oldest));
    match why_not {
        Some(why) if left <= BELL => Step::Bell {
            at: silence.ends_at,
            why,
        },
        None if left <= terms.lease / RENEW_SHARE => Step::Extend {
            until,
            lapses: (left <= BELL.min(terms.lease / RENEW_SHARE / 2)).then_some(silence.ends_at),
        },
        Some(_) | None => Step::Wait,
    }
}

fn find<'a>(lease: &Lease, board: &'a AlertBoard) -> Option<&'a Arc<BoardSilence>> {
    board
        .silences
        .iter()
        .find(|row| row.cluster == lease.cluster && row.silence.id == lease.id)
}

#[cfg(test)]
mod tests {
    use super::super::desk::{Desk, sample};
    use super::*;

    const TERMS: Terms = Terms {
        lease: Duration::from_secs(900),
        max: Duration::from_secs(4 * 3600),
        idle: Duration::from_secs(3600),
    };

    struct World {
        ends_in: TimeDelta,
        newcomer: bool,
        firing: bool,
    }

    /// An acknowledgement made half a minute after the alert, 15 minutes long.
    fn step(world: &World, idle: Duration, change: impl FnOnce(&mut Lease)) -> Step {
        let now = sample::now().later(Duration::from_secs(600));
        let mut silence = sample::silence("s1", "ACK! jun@midwatch", "jun", "alertname=A");
        silence.ends_at = now.utc + world.ends_in;
        let mut alerts = Vec::new();
        if world.firing {
            let mut alert = sample::source_alert(&[("alertname", "A")]);
            alert.silenced_by = vec!["s1".into()];
            alert.state = AlertState::Suppressed;
            alerts.push(alert);
        }
        if world.newcomer {
            let mut alert = sample::source_alert(&[("alertname", "A"), ("instance", "2")]);
            alert.occurrence.starts_at += TimeDelta::minutes(5);
            alert.silenced_by = vec!["s1".into()];
            alert.state = AlertState::Suppressed;
            alerts.push(alert);
        }
        let mut lease = Lease {
            cluster: "eu-0".into(),
            id: "s1".into(),
            covers: vec![sample::source_alert(&[("alertname", "A")]).occurrence],
            started_at: silence.starts_at,
            set_until: silence.ends_at,
        };
        change(&mut lease);
        let inputs = sample::inputs_of(vec![sample::source(sample::snapshot(
            "eu-0",
            alerts,
            vec![silence],
        ))]);
        let board = Desk::new().arrange(&inputs, &super::super::desk::Arrangement::default(), now);
        extension_due(&lease, &board, &TERMS, idle, now)
    }

    const FRESH: World = World {
        ends_in: TimeDelta::minutes(10),
        newcomer: false,
        firing: true,
    };
    const ENDING: World = World {
        ends_in: TimeDelta::minutes(4),
        newcomer: false,
        firing: true,
    };
    const LAPSING: World = World {
        ends_in: TimeDelta::minutes(1),
        newcomer: false,
        firing: true,
    };
    const BUSY: Duration = Duration::from_secs(5);

    #[test]
    fn a_lease_is_extended_in_its_last_third_while_somebody_is_there() {
        assert_eq!(step(&FRESH, BUSY, |_| {}), Step::Wait);
        let until = sample::utc() + TimeDelta::minutes(25);
        assert_eq!(step(&ENDING, BUSY, |_| {}), Step::Extend { until, lapses: None });
    }

    #[test]
    fn one_whose_extensions_fail_rings_before_it_lapses_and_is_tried_on() {
        let now = sample::utc() + TimeDelta::minutes(10);
        assert_eq!(
            step(&LAPSING, BUSY, |_| {}),
            Step::Extend {
                until: now + TimeDelta::minutes(15),
                lapses: Some(now + TimeDelta::minutes(1)),
            }
        );
    }

    #[test]
    fn nobody_there_for_an_hour_lets_it_lapse_with_a_bell() {
        let idle = Duration::from_secs(3600);
        assert_eq!(step(&ENDING, idle, |_| {}), Step::Wait);
        assert!(matches!(
            step(&LAPSING, idle, |_| {}),
            Step::Bell { why: Why::Idle, .. }
        ));
    }

    #[test]
    fn it_is_not_extended_for_what_fired_later() {
        assert!(matches!(
            step(
                &World {
                    newcomer: true,
                    ..LAPSING
                },
                BUSY,
                |_| {}
            ),
            Step::Bell {
                why: Why::HidesOthers,
                ..
            }
        ));
    }

    #[test]
    fn it_is_not_extended_past_its_longest_age() {
        let age = |lease: &mut Lease| lease.started_at -= TimeDelta::hours(4);
        assert!(matches!(
            step(&LAPSING, BUSY, age),
            Step::Bell { why: Why::Oldest, .. }
        ));
        let nearly = |lease: &mut Lease| lease.started_at -= TimeDelta::minutes(3 * 60 + 40);
        let Step::Extend { until, .. } = step(&ENDING, BUSY, nearly) else {
            panic!("extends by what is left")
        };
        assert!(until < sample::utc() + TimeDelta::minutes(25));
    }

    #[test]
    fn a_kthxbye_that_keeps_it_is_left_to_it() {
        let moved = |lease: &mut Lease| lease.set_until -= TimeDelta::minutes(5);
        assert_eq!(step(&ENDING, BUSY, moved), Step::Wait);
    }

    #[test]
    fn what_fires_no_more_is_let_run_out() {
        assert_eq!(
            step(
                &World {
                    firing: false,
                    ..ENDING
                },
                BUSY,
                |_| {}
            ),
            Step::Done
        );
    }

    #[test]
    fn what_is_in_force_no_more_has_lapsed() {
        assert_eq!(
            step(
                &World {
                    ends_in: TimeDelta::seconds(-1),
                    ..FRESH
                },
                BUSY,
                |_| {}
            ),
            Step::Lapsed
        );
        assert_eq!(step(&FRESH, BUSY, |lease| lease.id = "other".into()), Step::Wait);
    }
}
