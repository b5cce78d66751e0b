//! The time that traces are asked for, as a person types it: `15m`, `around 03:14`, `03:00 03:30`, `now`.

use std::time::Duration;

use chrono::{DateTime, Local, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _, Utc};

use super::BACK;
use crate::app::Zone;
use crate::text::SafeText;
use crate::time::parse_duration;

/// No source keeps traces for longer, and none answers that much.
const MOST: Duration = Duration::from_secs(90 * 86_400);

/// A time to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// How far back.
    pub back: Duration,
    /// From when; from now on, always anew, where nothing.
    pub until: Option<DateTime<Utc>>,
}

/// Reads it; times of day are those of the zone that is shown, and lie in the past. `back` is the length that a moment
/// has around it.
pub fn read(text: &str, back: Duration, zone: Zone, now: DateTime<Utc>) -> Result<Range, String> {
    let text = text.trim();
    if text.is_empty() || text == "now" {
        return Ok(Range {
            back: BACK,
            until: None,
        });
    }
    let span = text.trim_start_matches("last").trim().trim_start_matches('-');
    if let Ok(back) = parse_duration(span) {
        if back.is_zero() || back > MOST {
            return Err("from a second to 90 days, please".to_owned());
        }
        return Ok(Range { back, until: None });
    }
    let around = text.strip_prefix("around").unwrap_or(text).trim();
    if let Some(at) = moment(around, zone, now) {
        let until = (at + back / 2).min(now);
        let reach = (until - at).to_std().unwrap_or_default();
        return Ok(Range {
            back: reach + back / 2,
            until: Some(until),
        });
    }
    let ends = [" to ", "–", " - ", " "].into_iter().find_map(|between| {
        let (from, to) = text.split_once(between)?;
        Some((moment(from.trim(), zone, now)?, moment(to.trim(), zone, now)?))
    });
    if let Some((from, to)) = ends {
        let back = (to - from)
            .to_std()
            .ok()
            .filter(|back| !back.is_zero() && *back <= MOST);
        let Some(back) = back else {
            return Err("the range ends before it begins".to_owned());
        };
        return Ok(Range {
            back,
            until: Some(to),
        });
    }
    let text = SafeText::line(text);
    Err(format!(
        "no time reads as {text}; try 15m, 6h, around 03:14, 03:00 03:30, or now"
    ))
}

/// The latest moment that is meant by this and is over.
pub fn moment(text: &str, zone: Zone, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if let Ok(at) = text.parse::<DateTime<Utc>>() {
        return (at <= now).then_some(at);
    }
    let (text, zone) = match text.strip_suffix('Z') {
        Some(text) => (text, Zone::Utc),
        None => (text, zone),
    };
    let here = |local: NaiveDateTime| match zone {
        Zone::Utc => Some(local.and_utc()),
        Zone::Local => Local.from_local_datetime(&local).earliest().map(|at| at.to_utc()),
    };
    let today: NaiveDate = match zone {
        Zone::Utc => now.date_naive(),
        Zone::Local => now.with_timezone(&Local).date_naive(),
    };
    for format in ["%H:%M:%S%.f", "%H:%M"] {
        if let Ok(time) = NaiveTime::parse_from_str(text, format) {
            let at = here(today.and_time(time))?;
            // A time that is still to come was meant of yesterday.
            return if at > now {
                here(today.pred_opt()?.and_time(time))
            } else {
                Some(at)
            };
        }
    }
    let formats = [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%d %H:%M",
    ];
    let local = formats
        .into_iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())?;
    here(local).filter(|at| *at <= now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn read_at(text: &str) -> Result<(u64, Option<DateTime<Utc>>), String> {
        let range = read(text, BACK, Zone::Utc, at("2026-11-21T03:20:00Z"))?;
        Ok((range.back.as_secs(), range.until))
    }

    #[test]
    fn a_length_reaches_back_from_now_and_now_is_the_way_back() {
        assert_eq!(read_at("15m"), Ok((900, None)));
        assert_eq!(read_at("last 6h"), Ok((21_600, None)));
        assert_eq!(read_at("now"), Ok((3_600, None)));
        assert!(read_at("9000d").is_err());
    }

    #[test]
    fn around_a_time_reaches_as_far_before_as_behind_it_and_never_beyond_now() {
        let early = Some(at("2026-11-21T01:30:00Z"));
        assert_eq!(read_at("around 01:00"), Ok((3_600, early)));
        assert_eq!(read_at("01:00"), Ok((3_600, early)));
        let late = Some(at("2026-11-21T03:20:00Z"));
        assert_eq!(read_at("around 03:14"), Ok((2_160, late)));
        let yesterday = Some(at("2026-11-21T00:14:00Z"));
        assert_eq!(read_at("around 23:44Z"), Ok((3_600, yesterday)));
    }

    #[test]
    fn two_times_are_a_range() {
        let until = Some(at("2026-11-21T03:10:00Z"));
        for text in ["03:00 03:10", "03:00 to 03:10", "03:00–03:10"] {
            assert_eq!(read_at(text), Ok((600, until)), "{text}");
        }
        assert!(read_at("03:10 03:00").is_err());
    }

    #[test]
    fn what_is_no_time_is_said_with_what_would_be() {
        let why = read_at("tea time\u{1b}[2J").unwrap_err();
        assert!(why.contains("around 03:14") && !why.contains('\u{1b}'), "{why}");
    }
}
