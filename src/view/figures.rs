//! Numbers, ages and times as the screen shows them: short, of steady width, with their units.

use std::time::Duration;

use chrono::{DateTime, Local, Utc};

use super::widget::words;
use crate::app::Zone;
use crate::time::short_age;

/// A burn rate that may be missing.
pub(super) fn burn(rate: Option<f64>) -> String {
    words::burn(rate.unwrap_or(f64::NAN))
}

/// A ratio as per cent with what it takes to tell it from zero: `2.13%`, `0.004%`, `<0.001%`.
pub(super) fn ratio(ratio: f64) -> String {
    let percent = ratio * 100.0;
    if !percent.is_finite() {
        "–".to_owned()
    } else if percent == 0.0 {
        "0%".to_owned()
    } else if (percent - 100.0).abs() < 1e-9 {
        "100%".to_owned()
    } else if percent < 0.001 {
        "<0.001%".to_owned()
    } else if percent < 0.1 {
        format!("{percent:.3}%")
    } else {
        format!("{percent:.2}%")
    }
}

/// A latency: `0.8ms`, `12ms`, `1.20s`.
pub(super) fn latency(latency: Option<Duration>) -> String {
    match latency.map(|l| l.as_secs_f64() * 1e3) {
        None => "–".to_owned(),
        Some(ms) if ms < 10.0 => format!("{ms:.1}ms"),
        Some(ms) if ms < 1000.0 => format!("{ms:.0}ms"),
        Some(ms) => format!("{:.2}s", ms / 1e3),
    }
}

/// The age of a row, which must not tick every second: `<1m`, `12m`, `3h`, `41d`.
pub(super) fn row_age(age: Duration) -> String {
    if age < Duration::from_secs(60) {
        "<1m".to_owned()
    } else {
        short_age(age)
    }
}

/// Until something ahead, rounded up to five seconds below a minute: `5s`, `40s`, `3m`.
pub(super) fn until(left: Duration) -> String {
    let seconds = left.as_secs_f64().ceil() as u64;
    if seconds < 60 {
        format!("{}s", seconds.div_ceil(5).max(1) * 5)
    } else {
        words::span(left)
    }
}

/// Since when, as an age; zero where it lies ahead.
pub(super) fn since(then: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (now - then).to_std().unwrap_or_default()
}

/// The clock of the top bar: `03:14:07Z`, or local time without the `Z`.
pub(super) fn clock(at: DateTime<Utc>, zone: Zone, ticks: Ticks) -> String {
    let local = |format: &str| at.with_timezone(&Local).format(format).to_string();
    match (zone, ticks) {
        (Zone::Utc, Ticks::Seconds) => at.format("%H:%M:%SZ").to_string(),
        (Zone::Utc, Ticks::Minutes) => at.format("%H:%MZ").to_string(),
        (Zone::Local, Ticks::Seconds) => local("%H:%M:%S %:z"),
        (Zone::Local, Ticks::Minutes) => local("%H:%M %:z"),
    }
}

/// How finely the clock tells the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ticks {
    Seconds,
    /// Where the link is spared.
    Minutes,
}

/// What goes over the link of what may: `1.2 kB/s of 2.0`.
pub(super) fn bandwidth(per_second: u32, cap: u32) -> String {
    let thousands = |bytes: u32| format!("{:.1}", f64::from(bytes) / 1e3);
    format!("{} kB/s of {}", thousands(per_second), thousands(cap))
}

/// A moment near now: `03:02Z`, with its date where it is not today's.
pub(super) fn moment(at: DateTime<Utc>, now: DateTime<Utc>, zone: Zone) -> String {
    near(at, now, zone, "%H:%M")
}

/// The same to the second: `03:02:07Z`.
pub(super) fn moment_to_the_second(at: DateTime<Utc>, now: DateTime<Utc>, zone: Zone) -> String {
    near(at, now, zone, "%H:%M:%S")
}

fn near(at: DateTime<Utc>, now: DateTime<Utc>, zone: Zone, time: &str) -> String {
    let dated = format!("%m-%d {time}");
    let told = |today: bool| if today { time } else { dated.as_str() };
    match zone {
        Zone::Utc => {
            let today = at.date_naive() == now.date_naive();
            format!("{}Z", at.format(told(today)))
        }
        Zone::Local => {
            let (at, now) = (at.with_timezone(&Local), now.with_timezone(&Local));
            at.format(told(at.date_naive() == now.date_naive())).to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_its_date_where_it_is_not_todays() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let now = at("2026-11-20T03:14:07Z");
        let said = |text: &str| {
            let exact = moment_to_the_second(at(text), now, Zone::Utc);
            (moment(at(text), now, Zone::Utc), exact)
        };
        assert_eq!(
            said("2026-11-20T03:02:09Z"),
            ("03:02Z".into(), "03:02:09Z".into())
        );
        assert_eq!(
            said("2026-11-19T23:59:59Z"),
            ("11-19 23:59Z".into(), "11-19 23:59:59Z".into())
        );
    }

    #[test]
    fn a_count_down_moves_in_fives() {
        assert_eq!(until(Duration::from_millis(11_200)), "15s");
        assert_eq!(until(Duration::ZERO), "5s");
        assert_eq!(until(Duration::from_secs(180)), "3m");
    }

    #[test]
    fn the_clock_of_a_spared_link_has_no_seconds() {
        let at = "2026-11-20T03:14:07Z".parse().unwrap();
        assert_eq!(clock(at, Zone::Utc, Ticks::Seconds), "03:14:07Z");
        assert_eq!(clock(at, Zone::Utc, Ticks::Minutes), "03:14Z");
        assert_eq!(bandwidth(1_234, 2_000), "1.2 kB/s of 2.0");
    }

    #[test]
    fn small_ratios_are_told_from_none() {
        assert_eq!(
            [
                ratio(0.0213),
                ratio(0.000_04),
                ratio(1e-9),
                ratio(0.0),
                ratio(1.0)
            ],
            ["2.13%", "0.004%", "<0.001%", "0%", "100%"]
        );
    }
}
