//! A PromQL query typed in the palette, and what came of it: a page of series, bounded in number and points.
//!
//! It knows the metrics store's types and nothing of how it is asked. Start at [`QueryPane`].

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::effect::Deed;
use super::scope::TimeRange;
use crate::backend::metrics::{Answered, Series};
use crate::backend::{BackendError, ErrorKind};
use crate::domain::alert::Labels;
use crate::domain::alert::matcher::quoted;
use crate::text::SafeText;
use crate::time::{Now, Tick, after};

/// Series that are kept: beyond that a query wants narrowing, not reading.
pub const MOST_SERIES: usize = 50;
/// Points of a series: more than a screen has columns for.
const POINTS: u32 = 240;
/// How far back is asked, where the scope names no range.
const BACK: TimeDelta = TimeDelta::hours(1);
/// The finest step: what is scraped less often has the same value twice.
const FINEST: i64 = 5;

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryAsk {
    /// Its number: the answer to another is dropped.
    pub seq: u64,
    /// The query as typed.
    pub text: String,
    /// From when.
    pub from: DateTime<Utc>,
    /// Up to when.
    pub to: DateTime<Utc>,
    /// How far the points lie apart.
    pub step: Duration,
}

impl QueryAsk {
    /// Over a range, or the last hour; its ends on multiples of the step, so that asking again does not shimmer.
    pub fn over(seq: u64, text: &str, range: Option<TimeRange>, now: Now) -> Self {
        let to = range.map_or(now.utc, |range| range.end(now.utc)).min(now.utc);
        let from = range
            .map_or(to - BACK, |range| range.from)
            .min(to - TimeDelta::minutes(1));
        let step = ((to - from).num_seconds() / i64::from(POINTS)).max(FINEST);
        let floor = |at: DateTime<Utc>| {
            let seconds = at.timestamp().div_euclid(step) * step;
            DateTime::from_timestamp(seconds, 0).unwrap_or(at)
        };
        Self {
            seq,
            text: text.to_owned(),
            from: floor(from),
            to: floor(to),
            step: Duration::from_secs(step.unsigned_abs()),
        }
    }
}

/// One series of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct QuerySeries {
    /// `up{job="checkout"}`: remote text, not yet safe. Empty for what has no labels.
    pub name: String,
    /// The same without what all series of the answer have in common.
    pub short: String,
    /// A value for each step, oldest first; NaN where there is none.
    pub values: Vec<f64>,
    /// The newest value, of whenever it is.
    pub last: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// When its last value is of, `NaN` among them, where that is not of the end of what was asked for.
    pub ended: Option<DateTime<Utc>>,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct QueryAnswer {
    /// The greatest last value first.
    pub series: Vec<QuerySeries>,
    /// What all series have in common, as PromQL writes it; empty where there is one series, or nothing in common.
    pub common: String,
    /// Series beyond [`MOST_SERIES`] that are not shown.
    pub left_out: usize,
    /// What the server said beside it, in safe words.
    pub notices: Vec<String>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryTrouble {
    /// The server's words, safe.
    pub words: String,
    /// What to do about it, where that is known.
    pub mend: Option<&'static str>,
    /// Where in the query, line and column from 1, where the server tells.
    pub place: Option<(usize, usize)>,
}

impl QueryTrouble {
    /// Too much is under way to ask it.
    pub fn busy() -> Self {
        Self {
            words: "not asked: too much is under way".to_owned(),
            mend: None,
            place: None,
        }
    }
}

/// What comes of a query.
pub type QueryResult = Result<Arc<QueryAnswer>, QueryTrouble>;

/// The query that is open, and what came of it.
#[derive(Debug, Default)]
pub struct QueryPane {
    /// What was asked last.
    pub asked: Option<QueryAsk>,
    /// What came of it or of the one before of the same text, and when.
    pub answer: Option<(Tick, QueryResult)>,
    /// What is told of it once it is answered: a refused one is no part of a story.
    pub untold: Option<Deed>,
    /// Questions asked so far.
    pub count: u64,
}

impl QueryPane {
    /// Asks a text; what is known of the same text stays until the answer comes.
    pub fn ask(&mut self, text: &str, range: Option<TimeRange>, now: Now) -> QueryAsk {
        if self.asked.as_ref().is_none_or(|asked| asked.text != text) {
            self.answer = None;
        }
        self.count += 1;
        let ask = QueryAsk::over(self.count, text, range, now);
        self.asked = Some(ask.clone());
        ask
    }

    /// Takes an answer in, unless something else was asked since; whether it did.
    pub fn answered(&mut self, seq: u64, result: QueryResult, now: Now) -> bool {
        let awaited = self.asked.as_ref().is_some_and(|asked| asked.seq == seq);
        if awaited {
            self.answer = Some((now.tick, result));
        }
        awaited
    }

    /// The answer as a table of tab-separated columns, with the query above it.
    pub fn copied(&self) -> Option<String> {
        let asked = self.asked.as_ref()?;
        let (_, Ok(answer)) = self.answer.as_ref()? else {
            return None;
        };
        let (from, to) = (asked.from.to_rfc3339(), asked.to.to_rfc3339());
        let mut out = format!("# {}\n# {from} to {to}\nseries\tlast\tmin\tmax\n", asked.text);
        for series in &answer.series {
            let QuerySeries {
                name, last, min, max, ..
            } = series;
            let _ = writeln!(out, "{}\t{last}\t{min}\t{max}", SafeText::line(name)); // a String takes all
        }
        if answer.left_out > 0 {
            let _ = writeln!(out, "# {} more series not shown", answer.left_out);
        }
        Some(out)
    }
}

/// An answer as it is shown.
pub fn read(answered: Answered<Vec<Series>>, ask: &QueryAsk) -> QueryAnswer {
    let count = answered.value.len();
    let common = common(&answered.value);
    let rows = answered.value.iter().map(|series| row(series, &common, ask));
    let mut series: Vec<QuerySeries> = rows.collect();
    // A value that is none comes last; equal ones by name, so that rows stay where they are.
    let rank = |value: f64| if value.is_nan() { f64::NEG_INFINITY } else { value };
    series.sort_by(|a, b| {
        let by_value = rank(b.last).total_cmp(&rank(a.last));
        by_value.then_with(|| a.name.cmp(&b.name))
    });
    series.truncate(MOST_SERIES);
    let partial = answered.partial.map(|words| format!("not whole: {words}"));
    let notices = partial.into_iter().chain(answered.warnings);
    QueryAnswer {
        left_out: count - series.len(),
        common: name(&common),
        series,
        notices: notices
            .map(|words| SafeText::line(&words).into_string())
            .collect(),
    }
}

/// Labels that every one of several series has with the same value.
fn common(series: &[Series]) -> Labels {
    let [first, others @ ..] = series else {
        return Labels::default();
    };
    let shared = first.labels.iter().filter(|(name, value)| {
        !others.is_empty() && others.iter().all(|other| other.labels.get(name) == Some(*value))
    });
    shared.collect()
}

fn row(series: &Series, common: &Labels, ask: &QueryAsk) -> QuerySeries {
    let step = ask.step.as_secs_f64().max(1.0);
    let begin = ask.from.timestamp() as f64;
    let cells = ((ask.to - ask.from).num_seconds() as f64 / step) as usize + 1;
    let mut values = vec![f64::NAN; cells.min(2 * POINTS as usize)];
    let mut newest = None;
    for (at, value) in &series.points {
        let cell = ((at - begin) / step).round();
        if cell >= 0.0
            && let Some(slot) = values.get_mut(cell as usize)
        {
            *slot = *value;
            newest = newest.max(Some(cell as usize));
        }
    }
    // The newest step alone may lack a value: it may not have been read by then.
    let ended = newest
        .filter(|newest| values.len() - 1 - newest > 1)
        .and_then(|newest| ask.step.checked_mul(u32::try_from(newest).ok()?))
        .map(|passed| after(ask.from, passed));
    let told = || series.points.iter().map(|(_, value)| *value);
    let known = || told().filter(|value| !value.is_nan());
    QuerySeries {
        name: name(&series.labels),
        short: {
            let own = series
                .labels
                .iter()
                .filter(|(name, _)| common.get(name).is_none());
            name(&own.collect())
        },
        values,
        last: told().next_back().unwrap_or(f64::NAN),
        min: known().reduce(f64::min).unwrap_or(f64::NAN),
        max: known().reduce(f64::max).unwrap_or(f64::NAN),
        ended,
    }
}

/// As PromQL writes a series.
fn name(labels: &Labels) -> String {
    let metric = labels.get("__name__").unwrap_or_default();
    let others = labels.iter().filter(|(name, _)| *name != "__name__");
    let pairs: Vec<String> = others
        .map(|(name, value)| format!("{name}={}", quoted(value)))
        .collect();
    if pairs.is_empty() {
        metric.to_owned()
    } else {
        format!("{metric}{{{}}}", pairs.join(", "))
    }
}

/// A failure as it is shown: the server's own words where it found fault with the query.
pub fn trouble(error: &BackendError) -> QueryTrouble {
    let refused = matches!(error.kind, ErrorKind::Rejected);
    let words = if refused {
        error.detail.clone()
    } else {
        error.to_string()
    };
    let lower = words.to_lowercase();
    let mend = if lower.contains("range vector") && lower.contains("invalid expression type") {
        Some("a range has no single value: wrap it, as in rate(…[5m]) or max_over_time(…[5m])")
    } else if lower.contains("exceeded maximum resolution") || lower.contains("too many samples") {
        Some("narrow it with labels, or aggregate it, as in sum by (service) (…)")
    } else {
        None
    };
    QueryTrouble {
        place: refused.then(|| place(&words)).flatten(),
        words: SafeText::line(&words).into_string(),
        mend,
    }
}

/// `1:16: parse error: …` as Prometheus tells it, wherever it stands in the words.
fn place(words: &str) -> Option<(usize, usize)> {
    let before = words
        .split(": parse error")
        .next()
        .filter(|before| before.len() < words.len())?;
    let spot = before.rsplit([' ', '"']).next()?;
    // A range of places begins where the trouble does.
    let (line, column) = spot
        .split_once('-')
        .map_or(spot, |(from, _)| from)
        .split_once(':')?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Delivery;

    fn now() -> Now {
        Now::fixed(DateTime::from_timestamp(1_790_000_003, 0).unwrap(), 1_000)
    }

    fn series(labels: &[(&str, &str)], points: &[(f64, f64)]) -> Series {
        Series {
            labels: labels.iter().copied().collect(),
            points: points.to_vec(),
        }
    }

    fn answered(value: Vec<Series>) -> Answered<Vec<Series>> {
        Answered {
            value,
            partial: None,
            warnings: Vec::new(),
            date: None,
        }
    }

    fn refused(detail: &str) -> BackendError {
        BackendError {
            kind: ErrorKind::Rejected,
            backend: "metrics".into(),
            tried: "GET api/v1/query_range".to_owned(),
            detail: detail.to_owned(),
            mend: String::new(),
            status: Some(400),
            retry_after: None,
            delivery: Delivery::Answered,
        }
    }

    #[test]
    fn an_hour_is_asked_for_on_a_grid_and_a_range_of_the_scope_is_kept_to() {
        let ask = QueryAsk::over(1, "up", None, now());
        assert_eq!(
            (ask.step.as_secs(), (ask.to - ask.from).num_seconds()),
            (15, 3_600)
        );
        assert_eq!(ask.to.timestamp() % 15, 0);
        let long = TimeRange::between(now().utc - TimeDelta::days(30), now().utc + TimeDelta::days(1));
        let ask = QueryAsk::over(1, "up", Some(long), now());
        assert!(ask.to <= now().utc, "nothing is asked of what is to come");
        assert!((ask.to - ask.from).num_seconds() / 10_800 <= 241 && ask.step.as_secs() == 10_800);
        let none = TimeRange::between(now().utc, now().utc);
        let ask = QueryAsk::over(1, "up", Some(none), now());
        assert!(ask.from < ask.to);
    }

    #[test]
    fn series_stand_by_their_last_value_with_gaps_where_there_was_none() {
        let ask = QueryAsk::over(1, "up", None, now());
        let at = |step: f64| ask.from.timestamp() as f64 + 15.0 * step;
        let answer = read(
            answered(vec![
                series(
                    &[("__name__", "up"), ("job", "a\"b")],
                    &[(at(0.0), 3.0), (at(2.0), 1.0)],
                ),
                series(&[], &[(at(240.0), f64::NAN)]),
                series(&[("job", "c")], &[(at(1.0), 7.0)]),
            ]),
            &ask,
        );
        let names: Vec<&str> = answer.series.iter().map(|series| series.name.as_str()).collect();
        assert_eq!(names, ["{job=\"c\"}", "up{job=\"a\\\"b\"}", ""]);
        let second = &answer.series[1];
        assert_eq!((second.last, second.min, second.max), (1.0, 1.0, 3.0));
        assert_eq!((second.values[0], second.values[2]), (3.0, 1.0));
        assert!(second.values[1].is_nan() && second.values.len() == 241);
        assert!(answer.series[2].min.is_nan());
        assert_eq!(second.ended, Some(ask.from + TimeDelta::seconds(30)));
        assert_eq!(
            answer.series[2].ended, None,
            "a value that is no number is one all the same"
        );
        let goes_on = |step: f64| {
            let whole = series(&[], &[(at(0.0), 1.0), (at(step), 1.0)]);
            row(&whole, &Labels::default(), &ask).ended
        };
        assert_eq!((goes_on(240.0), goes_on(239.0)), (None, None));
        assert!(goes_on(238.0).is_some());
    }

    #[test]
    fn no_more_series_are_kept_than_so_many_and_the_rest_is_counted() {
        let ask = QueryAsk::over(1, "up", None, now());
        let many = (0..MOST_SERIES + 7).map(|n| {
            let pod = n.to_string();
            series(
                &[("pod", pod.as_str())],
                &[(ask.from.timestamp() as f64, n as f64)],
            )
        });
        let answer = read(answered(many.collect()), &ask);
        assert_eq!((answer.series.len(), answer.left_out), (MOST_SERIES, 7));
        assert_eq!(answer.series[0].last, (MOST_SERIES + 6) as f64);
    }

    #[test]
    fn a_fault_in_the_query_is_told_in_the_servers_words_with_its_place() {
        let told = trouble(&refused(
            "invalid parameter \"query\": 1:16: parse error: unclosed left parenthesis",
        ));
        assert_eq!(told.place, Some((1, 16)));
        assert!(told.words.ends_with("unclosed left parenthesis"));
        for (words, at) in [
            ("1:3-9: parse error: unexpected identifier", Some((1, 3))),
            ("parse error: unexpected end of input", None),
            ("unparsed data left: \")\"", None),
            (": parse error", None),
        ] {
            assert_eq!(trouble(&refused(words)).place, at, "{words}");
        }
        let range =
            "invalid expression type \"range vector\" for range query, must be Scalar or instant Vector";
        assert!(
            trouble(&refused(range))
                .mend
                .is_some_and(|mend| mend.contains("rate("))
        );
        let down = BackendError {
            kind: ErrorKind::Unreachable,
            ..refused("connection refused")
        };
        assert!(trouble(&down).words.starts_with("metrics: "), "{down}");
    }

    #[test]
    fn an_answer_to_what_is_not_asked_any_more_is_dropped_and_the_same_text_keeps_its_own() {
        let mut pane = QueryPane::default();
        let first = pane.ask("up", None, now());
        let second = pane.ask("down", None, now());
        let empty = || Ok(Arc::new(QueryAnswer::default()));
        pane.answered(first.seq, empty(), now());
        assert!(pane.answer.is_none());
        pane.answered(second.seq, empty(), now());
        assert!(pane.answer.is_some());
        pane.ask("down", None, now());
        assert!(
            pane.answer.is_some(),
            "the old answer stays until the new one comes"
        );
        assert!(pane.copied().unwrap().starts_with("# down\n"));
        pane.ask("up", None, now());
        assert!(pane.answer.is_none() && pane.copied().is_none());
    }
}
