//! Times as log lines write them.

use std::time::Duration;

use chrono::{Datelike as _, NaiveDate};
use memchr::memchr;

use super::Nanos;

const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// How far into a line the time of an access log may stand: after addresses and names.
const ACCESS_LOG_LEAD: usize = 160;

/// A field's value: RFC 3339 or near it, or a count since the epoch in seconds to nanoseconds by its size.
pub(super) fn value(text: &[u8]) -> Option<Nanos> {
    date_time(text).or_else(|| since_epoch(text))
}

/// The time that a line of plain text begins with, brackets, colours and a syslog priority before it passed over;
/// else that of an access log, in brackets after the first words.
///
/// Times without a year (RFC 3164, glog) tell no moment by themselves: see [`without_year`].
pub(super) fn leading(text: &[u8]) -> Option<Nanos> {
    date_time(begin_of(text)?).or_else(|| access_log(text))
}

/// The time that a line of plain text begins with, and how many bytes it and what stands before it take.
pub fn leading_end(text: &[u8]) -> Option<(Nanos, usize)> {
    let rest = begin_of(text)?;
    let at = date_time(rest)?;
    let digits_from = |from: usize| {
        let rest = rest.get(from..).unwrap_or_default();
        rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let mut end = 19;
    if matches!(rest.get(end), Some(b'.' | b',')) {
        end += 1 + digits_from(end + 1);
    }
    let apart = usize::from(rest.get(end) == Some(&b' '));
    match rest.get(end + apart) {
        Some(b'Z' | b'z') if apart == 0 => end += 1,
        Some(b'+' | b'-') if digits_from(end + apart + 1) >= 2 => {
            end += apart + 1 + digits_from(end + apart + 1);
            if rest.get(end) == Some(&b':') {
                end += 1 + digits_from(end + 1);
            }
        }
        _ => {}
    }
    Some((at, text.len() - rest.len() + end))
}

/// The time without a year that a line begins with: `Nov 21 10:00:00` (RFC 3164, 4.1.2), `E1121 10:00:00.123456`
/// (glog). It is of the year that puts it last before `about`, a day ahead of it at most; UTC, as no zone is told.
pub fn without_year(text: &[u8], about: Nanos) -> Option<Nanos> {
    let rest = begin_of(text)?;
    let (month, day, clock) = syslog(rest).or_else(|| glog(rest))?;
    let year = i64::from(about.utc().year());
    let latest = about.plus(Duration::from_secs(86_400));
    let in_years = [year + 1, year, year - 1, year - 2, year - 3, year - 4];
    in_years
        .into_iter()
        .filter_map(|year| moment((year, month, day), clock))
        .find(|at| *at <= latest)
}

/// `Nov 21 10:00:00`, the day padded with a blank or a zero.
fn syslog(text: &[u8]) -> Option<(i64, i64, &[u8])> {
    let month = month_of(text.get(..3)?)?;
    let day = match text.get(3..6)? {
        [b' ', b' ', digit] => digits(&[*digit], 0, 1)?,
        [b' ', ..] => digits(text, 4, 2)?,
        _ => return None,
    };
    (text.get(6) == Some(&b' ')).then_some((month, day, text.get(7..)?))
}

fn glog(text: &[u8]) -> Option<(i64, i64, &[u8])> {
    let letter = matches!(text.first()?, b'I' | b'W' | b'E' | b'F');
    let plain = letter && text.get(5) == Some(&b' ');
    plain.then_some((digits(text, 1, 2)?, digits(text, 3, 2)?, text.get(6..)?))
}

fn month_of(name: &[u8]) -> Option<i64> {
    (1..)
        .zip(MONTHS)
        .find_map(|(number, month)| (month == name).then_some(number))
}

/// What a line begins with behind brackets, colours and a syslog priority.
fn begin_of(text: &[u8]) -> Option<&[u8]> {
    let mut rest = text;
    loop {
        rest = match rest {
            [b' ' | b'[' | b'(' | b'"', after @ ..] => after,
            [0x1b, b'[', after @ ..] => {
                let end = after.iter().position(u8::is_ascii_alphabetic)?;
                after.get(end + 1..)?
            }
            [b'<', after @ ..] => {
                let after = after.get(memchr(b'>', after.get(..5.min(after.len()))?)? + 1..)?;
                after.strip_prefix(b"1 ").unwrap_or(after)
            }
            _ => return Some(rest),
        };
    }
}

fn access_log(text: &[u8]) -> Option<Nanos> {
    let lead = text.get(..text.len().min(ACCESS_LOG_LEAD))?;
    let rest = lead.get(memchr(b'[', lead)? + 1..)?;
    let day = digits(rest, 0, 2)?;
    let month = month_of(rest.get(3..6)?)?;
    if rest.get(2) != Some(&b'/') || rest.get(6) != Some(&b'/') || rest.get(11) != Some(&b':') {
        return None;
    }
    moment((digits(rest, 7, 4)?, month, day), rest.get(12..)?)
}

fn date_time(text: &[u8]) -> Option<Nanos> {
    let year = digits(text, 0, 4)?;
    let between = *text.get(4)?;
    if !matches!(between, b'-' | b'/') || text.get(7) != Some(&between) {
        return None;
    }
    if !matches!(text.get(10)?, b'T' | b't' | b' ' | b'_') {
        return None;
    }
    moment((year, digits(text, 5, 2)?, digits(text, 8, 2)?), text.get(11..)?)
}

/// `HH:MM:SS`, a fraction, a zone (UTC where there is none).
fn moment((year, month, day): (i64, i64, i64), clock: &[u8]) -> Option<Nanos> {
    let (hour, minute, second) = (digits(clock, 0, 2)?, digits(clock, 3, 2)?, digits(clock, 6, 2)?);
    if clock.get(2) != Some(&b':') || clock.get(5) != Some(&b':') {
        return None;
    }
    let mut rest = clock.get(8..)?;
    let mut nanos = 0;
    if let [b'.' | b',', after @ ..] = rest {
        let length = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mut unit = 100_000_000;
        for byte in after.iter().take(length) {
            nanos += i64::from(byte - b'0') * unit;
            unit /= 10;
        }
        rest = after.get(length..)?;
    }
    // A leap second is the last second before it.
    let second = if second == 60 { 59 } else { second };
    let date = NaiveDate::from_ymd_opt(year as i32, month as u32, day as u32)?;
    let utc = date
        .and_hms_nano_opt(hour as u32, minute as u32, second as u32, nanos as u32)?
        .and_utc();
    let offset = zone(rest) * 1_000_000_000;
    Some(Nanos(utc.timestamp_nanos_opt()?.saturating_sub(offset)))
}

/// Seconds east of Greenwich.
fn zone(text: &[u8]) -> i64 {
    let text = text.strip_prefix(b" ").unwrap_or(text);
    let (sign, rest) = match text {
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return 0,
    };
    let minutes_at = if rest.get(2) == Some(&b':') { 3 } else { 2 };
    let Some(hours) = digits(rest, 0, 2) else { return 0 };
    let minutes = digits(rest, minutes_at, 2).unwrap_or(0);
    sign * (hours * 3_600 + minutes * 60)
}

/// Seconds, milli-, micro- or nanoseconds since the epoch, with a fraction or without. None before 2001: a small
/// number is something else.
fn since_epoch(text: &[u8]) -> Option<Nanos> {
    let whole_length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(text, 0, whole_length)?;
    let unit = match whole_length {
        10 | 11 => 1_000_000_000,
        12..=14 => 1_000_000,
        15..=17 => 1_000,
        18 | 19 => 1,
        _ => return None,
    };
    let mut nanos = whole.checked_mul(unit)?;
    match text.get(whole_length..)? {
        [] => {}
        [b'.', fraction @ ..] => {
            let mut unit = unit;
            for byte in fraction {
                if !byte.is_ascii_digit() {
                    return None;
                }
                unit /= 10;
                nanos = nanos.checked_add(i64::from(byte - b'0') * unit)?;
            }
        }
        _ => return None,
    }
    Some(Nanos(nanos))
}

fn digits(text: &[u8], at: usize, length: usize) -> Option<i64> {
    let text = text.get(at..at.checked_add(length)?)?;
    if text.is_empty() || length > 19 {
        return None;
    }
    text.iter().try_fold(0_i64, |sum, byte| {
        byte.is_ascii_digit()
            .then(|| sum.checked_mul(10)?.checked_add(i64::from(byte - b'0')))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn utc(text: &str) -> Nanos {
        Nanos::of(DateTime::parse_from_rfc3339(text).unwrap().to_utc())
    }

    #[test]
    fn values_are_read_as_they_are_written() {
        let at = utc("2026-11-21T08:10:03.25Z");
        for text in [
            "2026-11-21T08:10:03.25Z",
            "2026-11-21T09:10:03,250+01:00",
            "2026-11-21 03:10:03.250 -0500",
            "2026/11/21 08:10:03.25",
            "1795248603.25",
            "1795248603250",
            "1795248603250000",
            "1795248603250000000",
        ] {
            assert_eq!(value(text.as_bytes()), Some(at), "{text}");
        }
    }

    #[test]
    fn lines_begin_with_times_in_many_ways() {
        let at = utc("2026-11-21T08:10:03Z");
        for text in [
            "2026-11-21T08:10:03Z hello",
            "[2026-11-21 08:10:03] hello",
            "\u{1b}[2m2026-11-21T08:10:03.000Z\u{1b}[0m INFO hello",
            "<34>1 2026-11-21T08:10:03Z host app - - - hello",
            "127.0.0.1 - - [21/Nov/2026:09:10:03 +0100] \"GET / HTTP/1.1\" 200",
        ] {
            assert_eq!(leading(text.as_bytes()), Some(at), "{text}");
        }
    }

    #[test]
    fn where_a_leading_time_ends_is_told() {
        for (text, rest) in [
            ("2026-11-21T08:10:03.123Z INFO x", " INFO x"),
            ("[2026-11-21 08:10:03,123] x", "] x"),
            ("2026-11-21 08:10:03.1 +0100 x", " x"),
            ("2026-11-21T08:10:03+01:00 x", " x"),
            ("2026-11-21 08:10:03 - x", " - x"),
            ("2026-11-21 08:10:03", ""),
        ] {
            let (_, end) = leading_end(text.as_bytes()).unwrap();
            assert_eq!(&text[end..], rest, "{text}");
        }
        assert_eq!(leading_end(b"x 2026-11-21T08:10:03Z"), None);
    }

    #[test]
    fn a_time_without_a_year_is_of_the_last_year_that_it_can_be_of() {
        let about = utc("2027-01-02T00:00:00Z");
        for (text, at) in [
            ("Nov 21 08:10:03 host app[1]: x", Some("2026-11-21T08:10:03Z")),
            ("<34>Jan  2 23:10:03 host app: x", Some("2027-01-02T23:10:03Z")),
            ("Jan  4 00:00:00 host", Some("2026-01-04T00:00:00Z")),
            (
                "E1121 08:10:03.250000 1 a.go:7] x",
                Some("2026-11-21T08:10:03.25Z"),
            ),
            (
                "I0101 00:00:00.000001    7 b.cc:1] x",
                Some("2027-01-01T00:00:00.000001Z"),
            ),
            ("Feb 29 01:00:00 host", Some("2024-02-29T01:00:00Z")),
            ("Nov 41 08:10:03 host", None),
            ("Now 21 08:10:03 host", None),
            ("E1121: 3", None),
            ("", None),
        ] {
            assert_eq!(without_year(text.as_bytes(), about), at.map(utc), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "12",
            "2026-13-01T00:00:00Z",
            "99999999999999999999",
            "2026-11-21",
            "Nov 21 08:10:03 host",
        ] {
            assert_eq!(
                value(text.as_bytes()).or(leading(text.as_bytes())),
                None,
                "{text}"
            );
        }
    }
}
