//! What a request asks for, read as Loki reads it, and its words for what does not read.

use axum::http::StatusCode;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use chrono::DateTime;

use super::logql::{self, LogQuery, Query};
use super::{MAX_ENTRIES, MAX_LENGTH, MAX_POINTS, SECOND};

/// An error answer: plain text.
#[derive(Debug)]
pub struct Refused(pub StatusCode, pub String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        (self.0, headers, format!("{}\n", self.1)).into_response()
    }
}

/// 400.
pub fn bad(text: impl Into<String>) -> Refused {
    Refused(StatusCode::BAD_REQUEST, text.into())
}

/// The parameters of a request.
pub struct Params(pub Vec<(String, String)>);

/// From which end lines are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The newest first.
    Backward,
    /// The oldest first.
    Forward,
}

/// A stretch of time; nanoseconds.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// Inclusive.
    pub from: i64,
    /// Exclusive.
    pub to: i64,
}

impl Params {
    /// A parameter that is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self
            .0
            .iter()
            .find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }

    /// The query.
    pub fn query(&self) -> Result<Query, Refused> {
        logql::parse(self.get("query").unwrap_or_default()).map_err(bad)
    }

    /// The query, which must be one for lines.
    pub fn log_query(&self, otherwise: &str) -> Result<LogQuery, Refused> {
        match self.query()? {
            Query::Log(query) => Ok(query),
            Query::Metric(_) => Err(bad(otherwise)),
        }
    }

    fn time(&self, name: &str) -> Result<Option<i64>, Refused> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let told = timestamp(text)
            .ok_or_else(|| bad(format!("could not parse '{name}' parameter: {text:?} is no time")))?;
        Ok(Some(told))
    }

    /// Start and end; an hour up to now where they are not told.
    pub fn range(&self, now: i64) -> Result<Range, Refused> {
        let to = self.time("end")?.unwrap_or(now);
        let since = match self.get("since") {
            None => 3_600 * SECOND,
            Some(text) => {
                duration(text).ok_or_else(|| bad(format!("could not parse 'since' parameter: {text:?}")))?
            }
        };
        let from = self.time("start")?.unwrap_or(to.saturating_sub(since));
        if to <= from {
            return Err(bad("end timestamp must not be before or equal to start time"));
        }
        let length = to.saturating_sub(from) / SECOND;
        if length > MAX_LENGTH {
            return Err(bad(format!(
                "the query time range exceeds the limit (query length: {}, limit: 30d1h)",
                spelt(length)
            )));
        }
        Ok(Range { from, to })
    }

    /// The moment of an instant query.
    pub fn moment(&self, now: i64) -> Result<i64, Refused> {
        Ok(self.time("time")?.unwrap_or(now))
    }

    /// Where a tail begins.
    pub fn tail_start(&self, now: i64) -> Result<i64, Refused> {
        Ok(self.time("start")?.unwrap_or(now - 3_600 * SECOND))
    }

    /// Seconds that a tail lags behind.
    pub fn delay(&self) -> Result<i64, Refused> {
        let seconds = self.get("delay_for").map_or(Some(0), |text| text.parse().ok());
        match seconds {
            Some(seconds @ 0..=5) => Ok(seconds * SECOND),
            Some(_) => Err(bad("delay_for can't be greater than 5")),
            None => Err(bad("could not parse 'delay_for' parameter")),
        }
    }

    /// Lines at most.
    pub fn limit(&self) -> Result<usize, Refused> {
        let limit = self.get("limit").map_or(Ok(100), str::parse::<i64>);
        match limit.map(usize::try_from) {
            Ok(Ok(0) | Err(_)) => Err(bad("limit must be a positive value")),
            Ok(Ok(limit)) if limit > MAX_ENTRIES => Err(bad(format!(
                "max entries limit per query exceeded, limit > max_entries_limit_per_query ({limit} > {MAX_ENTRIES})"
            ))),
            Ok(Ok(limit)) => Ok(limit),
            Err(error) => Err(bad(format!("could not parse 'limit' parameter: {error}"))),
        }
    }

    /// Which end comes first.
    pub fn direction(&self) -> Result<Direction, Refused> {
        match self
            .get("direction")
            .unwrap_or("backward")
            .to_ascii_lowercase()
            .as_str()
        {
            "backward" => Ok(Direction::Backward),
            "forward" => Ok(Direction::Forward),
            other => Err(bad(format!("invalid direction {other:?}"))),
        }
    }

    /// Nanoseconds from one point to the next.
    pub fn step(&self, range: Range) -> Result<i64, Refused> {
        let length = range.to - range.from;
        let step = match self.get("step") {
            None => (length / SECOND / 250).max(1) * SECOND,
            Some(text) => {
                duration(text).ok_or_else(|| bad(format!("could not parse 'step' parameter: {text:?}")))?
            }
        };
        if step <= 0 {
            return Err(bad(
                "zero or negative query resolution step widths are not accepted. Try a positive integer",
            ));
        }
        if length / step > MAX_POINTS {
            return Err(bad(
                "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step \
                 parameter",
            ));
        }
        Ok(step)
    }
}

/// A time as Loki reads it: up to ten digits are seconds, more are nanoseconds, a point makes float seconds.
pub fn timestamp(text: &str) -> Option<i64> {
    if text.contains('.')
        && let Ok(seconds) = text.parse::<f64>()
    {
        return Some((seconds * 1_000.0).round() as i64 * 1_000_000);
    }
    if let Ok(number) = text.parse::<i64>() {
        return if text.len() <= 10 {
            number.checked_mul(SECOND)
        } else {
            Some(number)
        };
    }
    DateTime::parse_from_rfc3339(text).ok()?.timestamp_nanos_opt()
}

/// `30s`, `5m`, or seconds; nanoseconds.
fn duration(text: &str) -> Option<i64> {
    let seconds = text.parse::<f64>().ok().or_else(|| logql::seconds(text))?;
    seconds.is_finite().then_some((seconds * 1e9) as i64)
}

/// As Go's model.Duration spells it.
fn spelt(seconds: i64) -> String {
    let parts = [
        (seconds / 86_400, 'd'),
        (seconds / 3_600 % 24, 'h'),
        (seconds / 60 % 60, 'm'),
        (seconds % 60, 's'),
    ];
    let mut out = String::new();
    for (count, unit) in parts.into_iter().filter(|(count, _)| *count > 0) {
        out.push_str(&count.to_string());
        out.push(unit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_by_their_length_as_loki_reads_them() {
        for (text, expected) in [
            ("1795143600", Some(1_795_143_600_000_000_000)),
            ("1795143600123456789", Some(1_795_143_600_123_456_789)),
            ("1795143600123", Some(1_795_143_600_123)),
            ("1795143600.5", Some(1_795_143_600_500_000_000)),
            ("2026-11-20T03:00:00Z", Some(1_795_143_600_000_000_000)),
            ("yesterday", None),
        ] {
            assert_eq!(timestamp(text), expected, "{text}");
        }
        assert_eq!(
            (spelt(2_595_601), duration("5m")),
            ("30d1h1s".to_owned(), Some(300 * SECOND))
        );
    }
}
