//! What a request asks for, read as Jaeger reads it, and its words for what does not read.

use std::collections::BTreeMap;

use chrono::DateTime;

use super::search::Question;
use super::{MAX_TRACES, SECOND};

/// Traces of an answer where nothing else is said.
const DEPTH: usize = 100;

/// Why a request is not answered.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// It does not read: 400.
    Bad(String),
    /// It reads, and the storage refuses it: 500.
    Storage(String),
    /// There is nothing: 404.
    Missing(&'static str),
    /// It is not part of this server: 501.
    NotBuilt(&'static str),
}

type Read<T> = Result<T, Refused>;

/// The parameters of a request.
pub struct Params(pub Vec<(String, String)>);

fn malformed(name: &str, why: impl std::fmt::Display) -> Refused {
    Refused::Bad(format!("malformed parameter {name}: {why}"))
}

fn unreadable(name: &str, why: impl std::fmt::Display) -> Refused {
    Refused::Bad(format!("unable to parse param '{name}': {why}"))
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

    /// Every value of a parameter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let found = self.0.iter().filter(move |(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A parameter of v3 under its name, or under one it had before; with the name it was found by.
    pub fn either<'a>(&'a self, names: &[&'a str]) -> Option<(&'a str, &'a str)> {
        names.iter().find_map(|name| Some((*name, self.get(name)?)))
    }

    /// What `query.*` asks for.
    pub fn v3(&self) -> Read<Question> {
        let text = |names: &[&str]| {
            self.0
                .iter()
                .find(|(key, value)| names.contains(&key.as_str()) && !value.is_empty())
                .map_or_else(String::new, |(_, value)| value.clone())
        };
        let time = |names: &[&str; 2]| -> Read<Option<i64>> {
            let Some((name, text)) = self.either(names) else {
                return Ok(None);
            };
            moment(name, text).map(Some)
        };
        let from = time(&["query.startTimeMin", "query.start_time_min"])?;
        let to = time(&["query.startTimeMax", "query.start_time_max"])?;
        let (Some(from), Some(to)) = (from, to) else {
            let words = "query.startTimeMin and query.startTimeMax are required";
            return Err(Refused::Bad(words.to_owned()));
        };
        if from >= to {
            let words = "query.startTimeMin must be before query.startTimeMax";
            return Err(Refused::Bad(words.to_owned()));
        }
        if self.get("query.filter").is_some() {
            let words = "query.filter is not enabled; start Jaeger with the feature gate jaeger.query.filter";
            return Err(Refused::Bad(words.to_owned()));
        }
        let length = |names: &[&str; 2]| -> Read<Option<i64>> {
            let Some((name, text)) = self.either(names) else {
                return Ok(None);
            };
            go_duration(text)
                .map(Some)
                .ok_or_else(|| malformed(name, invalid(text)))
        };
        let shortest = length(&["query.durationMin", "query.duration_min"])?;
        let longest = length(&["query.durationMax", "query.duration_max"])?;
        let depth = match self.either(&["query.searchDepth", "query.search_depth", "query.num_traces"]) {
            None => DEPTH,
            Some((name, text)) => text.parse().map_err(|_| malformed(name, number(text)))?,
        };
        let attributes = match self.get("query.attributes") {
            None => Vec::new(),
            Some(text) => pairs(text).map_err(|why| malformed("query.attributes", why))?,
        };
        self.raw(&["query.rawTraces", "query.raw_traces"])?;
        storable(depth)?;
        Ok(Question {
            service: text(&["query.serviceName", "query.service_name"]),
            operation: text(&["query.operationName", "query.operation_name"]),
            from,
            to,
            shortest: shortest.unwrap_or(0),
            longest,
            attributes,
            depth,
        })
    }

    /// What a search of the UI asks for; `now` in nanoseconds.
    pub fn ui(&self, now: i64) -> Read<Question> {
        let service = self.get("service");
        let service = service.ok_or_else(|| Refused::Bad("parameter 'service' is required".to_owned()))?;
        let from = self.micros("start")?.unwrap_or(now - 48 * 3_600 * SECOND);
        let to = self.micros("end")?.unwrap_or(now);
        let length = |name: &str| -> Read<Option<i64>> {
            let Some(text) = self.get(name) else {
                return Ok(None);
            };
            go_duration(text)
                .map(Some)
                .ok_or_else(|| unreadable(name, invalid(text)))
        };
        let (shortest, longest) = (length("minDuration")?, length("maxDuration")?);
        if let (Some(shortest), Some(longest)) = (shortest, longest)
            && longest < shortest
        {
            let words = "'maxDuration' should be greater than 'minDuration'";
            return Err(Refused::Bad(words.to_owned()));
        }
        let depth = match self.get("limit") {
            None => DEPTH,
            Some(text) => text.parse().map_err(|_| unreadable("limit", number(text)))?,
        };
        let mut attributes = Vec::new();
        for tag in self.all("tag") {
            let (key, value) = tag.split_once(':').ok_or_else(|| {
                Refused::Bad(format!(
                    "malformed 'tag' parameter, expecting key:value, received: {tag}"
                ))
            })?;
            attributes.push((key.to_owned(), value.to_owned()));
        }
        for tags in self.all("tags").filter(|text| !text.is_empty()) {
            let read = pairs(tags).map_err(|why| {
                Refused::Bad(format!(
                    "malformed 'tags' parameter, cannot unmarshal JSON: {why}"
                ))
            })?;
            attributes.extend(read);
        }
        storable(depth)?;
        Ok(Question {
            service: service.to_owned(),
            operation: self.get("operation").unwrap_or_default().to_owned(),
            from,
            to,
            shortest: shortest.unwrap_or(0),
            longest,
            attributes,
            depth,
        })
    }

    /// A moment in microseconds, as nanoseconds.
    fn micros(&self, name: &str) -> Read<Option<i64>> {
        self.whole(name).map(|told| told.map(|n| n.saturating_mul(1_000)))
    }

    /// A whole number.
    fn whole(&self, name: &str) -> Read<Option<i64>> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let told = text.parse().map_err(|_| unreadable(name, number(text)))?;
        Ok(Some(told))
    }

    /// Begin and end that `/dependencies` asks for; nanoseconds.
    pub fn lookback(&self) -> Read<(i64, i64)> {
        let end = self
            .whole("endTs")?
            .ok_or_else(|| unreadable("endTs", number("")))?;
        let back = self.whole("lookback")?.unwrap_or(86_400_000);
        let ns = |ms: i64| ms.saturating_mul(1_000_000);
        Ok((ns(end.saturating_sub(back)), ns(end)))
    }

    /// Whether traces are wanted as they were stored.
    pub fn raw(&self, names: &[&str]) -> Read<Form> {
        let Some((name, text)) = self.either(names) else {
            return Ok(Form::Adjusted);
        };
        match text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Form::Raw),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Form::Adjusted),
            _ => {
                let why = format!("strconv.ParseBool: parsing \"{text}\": invalid syntax");
                Err(malformed(name, why))
            }
        }
    }

    /// Checks the moments that may narrow a trace; they narrow nothing here, where the id says when it was.
    pub fn moments(&self, names: &[&str]) -> Read<()> {
        names
            .iter()
            .filter_map(|name| Some((name, self.get(name)?)))
            .try_for_each(|(name, text)| moment(name, text).map(drop))
    }
}

/// Whether Jaeger adds what it has to say of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it was stored.
    Raw,
    /// With warnings.
    Adjusted,
}

/// The memory storage refuses what it could not hold.
fn storable(depth: usize) -> Read<()> {
    if (1..=MAX_TRACES).contains(&depth) {
        return Ok(());
    }
    let words = "search depth must be greater than 0 and less than max traces";
    Err(Refused::Storage(words.to_owned()))
}

fn number(text: &str) -> String {
    format!("strconv.ParseInt: parsing \"{text}\": invalid syntax")
}

fn invalid(text: &str) -> String {
    format!("time: invalid duration \"{text}\"")
}

fn moment(name: &str, text: &str) -> Read<i64> {
    let read = DateTime::parse_from_rfc3339(text).ok();
    read.and_then(|at| at.timestamp_nanos_opt()).ok_or_else(|| {
        let form = "2006-01-02T15:04:05.999999999Z07:00";
        malformed(
            name,
            format!("parsing time \"{text}\" as \"{form}\": cannot parse \"{text}\""),
        )
    })
}

/// A JSON object of texts.
fn pairs(text: &str) -> Result<Vec<(String, String)>, serde_json::Error> {
    let read: BTreeMap<String, String> = serde_json::from_str(text)?;
    Ok(read.into_iter().collect())
}

/// An id: up to 32 hexadecimal digits.
pub fn trace_id(text: &str) -> Result<u128, String> {
    if text.len() > 32 {
        return Err(format!("TraceID cannot be longer than 32 hex characters: {text}"));
    }
    u128::from_str_radix(text, 16)
        .ok()
        .filter(|_| !text.starts_with('+'))
        .ok_or_else(|| format!("strconv.ParseUint: parsing \"{text}\": invalid syntax"))
}

/// A duration as Go reads it; nanoseconds.
fn go_duration(text: &str) -> Option<i64> {
    if text == "0" {
        return Some(0);
    }
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut total = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (amount, after) = rest.split_at(digits);
        let unit = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, left) = after.split_at(unit);
        let each = match unit {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3_600e9,
            _ => return None,
        };
        total += amount.parse::<f64>().ok()? * each;
        rest = left;
    }
    Some((sign * total) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, expected) in [
            ("500ms", Some(500_000_000)),
            ("1.5s", Some(1_500_000_000)),
            ("1h2m3s", Some(3_723_000_000_000)),
            ("10µs", Some(10_000)),
            ("-1s", Some(-1_000_000_000)),
            ("0", Some(0)),
            ("5", None),
            ("", None),
            ("5 s", None),
            ("1d", None),
        ] {
            assert_eq!(go_duration(text), expected, "{text:?}");
        }
    }

    #[test]
    fn ids_are_up_to_thirty_two_digits() {
        assert_eq!(trace_id("0Aff"), Ok(0xaff));
        assert!(trace_id("+1").is_err());
        assert!(trace_id("").is_err());
        assert!(trace_id(&"1".repeat(33)).unwrap_err().contains("longer than 32"));
    }
}
