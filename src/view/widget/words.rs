//! Numbers as the screen says them: short, with their unit, and never an invented digit.

use std::time::Duration;

pub use crate::time::stepped_age as stepped;

/// A burn rate in five cells or fewer: `0.2×`, `21.3×`, `140×`, `9.9k×`; `–` where there is none.
pub fn burn(rate: f64) -> String {
    match rate {
        r if r.is_nan() => "–".to_owned(),
        r if r < 0.0 => "–".to_owned(),
        r if r.is_infinite() => "∞×".to_owned(),
        r if r < 99.95 => format!("{r:.1}×"),
        r if r < 9_999.5 => format!("{r:.0}×"),
        r => format!("{}×", count(r)),
    }
}

/// A count in four cells or fewer: `7`, `980`, `1.2k`, `12k`, `3.4M`.
pub fn count(number: f64) -> String {
    scaled(number, 1_000.0, &["", "k", "M", "G", "T"])
}

/// Bytes: `812B`, `1.2kB`, `64MB` (powers of 1000).
pub fn bytes(number: u64) -> String {
    format!("{}B", count(number as f64))
}

/// Memory as the configuration spells it: `812B`, `1.2KiB`, `128MiB` (powers of 1024).
pub fn memory(bytes: u64) -> String {
    scaled(bytes as f64, 1_024.0, &["B", "KiB", "MiB", "GiB"])
}

fn scaled(number: f64, base: f64, units: &[&str]) -> String {
    if !number.is_finite() {
        return "–".to_owned();
    }
    let mut value = number;
    let mut unit = 0;
    // 999.5 would print as four digits.
    while value.abs() >= base - 0.5 && unit + 1 < units.len() {
        value /= base;
        unit += 1;
    }
    if unit > 0 && value.abs() < 9.95 {
        format!("{value:.1}{}", units[unit])
    } else {
        format!("{value:.0}{}", units[unit])
    }
}

/// A span ahead, two units at most: `45s`, `12m`, `13h 47m`, `3d 4h`, `90d`.
pub fn span(duration: Duration) -> String {
    let s = duration.as_secs();
    let two = |large: u64, l: &str, small: u64, u: &str| {
        if small == 0 {
            format!("{large}{l}")
        } else {
            format!("{large}{l} {small}{u}")
        }
    };
    match s {
        0..60 => format!("{s}s"),
        60..3_600 => format!("{}m", s / 60),
        3_600..86_400 => two(s / 3_600, "h", s % 3_600 / 60, "m"),
        86_400..864_000 => two(s / 86_400, "d", s % 86_400 / 3_600, "h"),
        _ => format!("{}d", s / 86_400),
    }
}

/// The age of polled data: `live` inside its interval, then in steps, ten seconds at least.
pub fn data_age(age: Duration, interval: Duration) -> String {
    if age <= interval {
        "live".to_owned()
    } else {
        stepped(age.max(Duration::from_secs(10)))
    }
}

/// Where a series of numbers goes: its newest quarter against the one before. What moves by less than `least`, or by
/// less than a tenth, is steady; nothing is said of too few.
pub fn course(values: &[f64], least: f64) -> Option<&'static str> {
    let quarter = values.len() / 4;
    let (before, newest) = values.split_at(values.len() - quarter);
    let mean = |values: &[f64]| {
        let known = || values.iter().filter(|value| value.is_finite());
        let count = known().count();
        (count > 0).then(|| known().sum::<f64>() / count as f64)
    };
    let (was, is) = (mean(&before[before.len() - quarter..])?, mean(newest)?);
    let moved = is - was;
    Some(if moved.abs() <= least.max(0.1 * was.abs().max(is.abs())) {
        "steady"
    } else if moved > 0.0 {
        "rising"
    } else {
        "falling"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_numbers_go_is_said_of_their_newest_quarter() {
        for (values, said) in [
            (&[9.0, 9.0, 9.0, 9.0, 1.0, 1.0, 4.0, 4.0][..], Some("rising")),
            (&[0.0, 0.0, 0.0, 0.0, 4.0, 4.0, 1.0, 1.0][..], Some("falling")),
            (&[0.0, 0.0, 0.0, 0.0, 20.0, 20.0, 21.0, 21.0][..], Some("steady")),
            (&[0.0, 0.0, 0.0, 0.05][..], Some("steady")),
            (&[1.0, 1.0, f64::NAN, 3.0][..], None),
            (
                &[1.0, 1.0, 1.0, f64::NAN, 1.0, f64::NAN, f64::NAN, 3.0][..],
                Some("rising"),
            ),
            (&[1.0, 2.0, 3.0][..], None),
        ] {
            assert_eq!(course(values, 0.1), said, "{values:?}");
        }
    }

    #[test]
    fn burn_rates_stay_in_five_cells() {
        for (rate, said) in [
            (0.0, "0.0×"),
            (21.34, "21.3×"),
            (99.96, "100×"),
            (1440.0, "1440×"),
            (1e6, "1.0M×"),
            (f64::INFINITY, "∞×"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(burn(rate), said);
            assert!(said.chars().count() <= 5);
        }
    }

    #[test]
    fn counts_and_bytes_are_short() {
        for (number, said) in [
            (0.0, "0"),
            (999.0, "999"),
            (999.6, "1.0k"),
            (12_345.0, "12k"),
            (3.4e6, "3.4M"),
        ] {
            assert_eq!(count(number), said);
        }
        assert_eq!(bytes(1_234), "1.2kB");
        assert_eq!(bytes(812), "812B");
        assert_eq!(memory(128 << 20), "128MiB");
        assert_eq!(memory(1_300), "1.3KiB");
    }

    #[test]
    fn spans_ahead_have_two_units_at_most() {
        for (seconds, said) in [
            (45, "45s"),
            (720, "12m"),
            (49_660, "13h 47m"),
            (7_200, "2h"),
            (273_600, "3d 4h"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), said);
        }
    }

    #[test]
    fn data_is_live_inside_its_interval_and_ages_in_steps() {
        let interval = Duration::from_secs(15);
        for (seconds, said) in [
            (15, "live"),
            (16, "10s"),
            (59, "30s"),
            (60, "1m"),
            (450, "7m"),
            (3_599, "59m"),
            (4_000, "1h"),
            (90_000, "25h"),
            (200_000, "2d"),
        ] {
            assert_eq!(data_age(Duration::from_secs(seconds), interval), said);
        }
        let short = Duration::from_secs(5);
        assert_eq!(data_age(Duration::from_secs(8), short), "10s");
    }
}
