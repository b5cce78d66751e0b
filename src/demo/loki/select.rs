//! Queries run over the logs: lines, and their counts over time.

use std::collections::BTreeMap;

use super::logql::{Entry, Function, LogQuery, MetricQuery};
use super::params::{Direction, Range};
use super::{Loki, SECOND};
use crate::demo::world::logs::Line;

/// A line that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Nanoseconds since the epoch.
    pub at: i64,
    /// Of which stream.
    pub stream: usize,
    /// Its text.
    pub text: String,
    /// What stands beside it.
    pub metadata: BTreeMap<&'static str, String>,
    /// What stages read out of it.
    pub parsed: BTreeMap<String, String>,
}

/// What was looked at for an answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Looked {
    /// Lines.
    pub lines: u64,
    /// Their bytes, where their text was needed.
    pub bytes: u64,
}

/// Points by labels: where they are counted, and how much.
pub type Series = BTreeMap<BTreeMap<String, String>, BTreeMap<i64, f64>>;

/// More series than an answer may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany;

impl Loki {
    /// The streams that a selector takes.
    pub fn streams(&self, query: &LogQuery) -> Vec<usize> {
        let all = self.logs.streams().iter().enumerate();
        let taken = all.filter(|(_, stream)| {
            query.selector.iter().all(|matcher| {
                let value = stream.labels.get(matcher.name.as_str());
                matcher.test.passes(value.map_or("", String::as_str))
            })
        });
        taken.map(|(index, _)| index).collect()
    }

    /// As much of a range as there are lines of: none older than are kept, none from the future.
    pub fn clip(&self, range: Range) -> Range {
        Range {
            from: range.from.max(self.oldest()),
            to: range.to.min(self.now()),
        }
    }

    /// A line before the stages of a query.
    fn entry<'a>(&'a self, line: Line<'a>) -> Option<Entry<'a>> {
        let stream = self.logs.streams().get(line.stream)?;
        Some(Entry::new(
            &stream.labels,
            metadata(stream.service, &line),
            move || self.logs.text(&line),
        ))
    }

    /// The lines of a second that lie in a range, of some streams, oldest first.
    fn lines_of(&self, streams: &[usize], second: i64, range: Range) -> Vec<Line<'_>> {
        let mut lines: Vec<Line<'_>> = streams
            .iter()
            .flat_map(|stream| self.logs.second(*stream, second))
            .filter(|line| (range.from..range.to).contains(&line.at))
            .collect();
        lines.sort_by_key(|line| line.at);
        lines
    }

    /// A line as it is told, where it passes the stages.
    fn take(&self, line: Line<'_>, query: &LogQuery, looked: &mut Looked) -> Option<Found> {
        let mut entry = self.entry(line)?;
        looked.lines += 1;
        entry.passes(&query.stages).then_some(())?;
        let text = entry.text().to_owned();
        looked.bytes += text.len() as u64;
        Some(Found {
            at: line.at,
            stream: line.stream,
            text,
            metadata: entry.fields.metadata,
            parsed: entry.fields.parsed,
        })
    }

    /// The first lines of a range, from one of its ends.
    pub fn select(
        &self,
        query: &LogQuery,
        range: Range,
        direction: Direction,
        limit: usize,
    ) -> (Vec<Found>, Looked) {
        let (mut found, mut looked) = (Vec::new(), Looked::default());
        let range = self.clip(range);
        let streams = self.streams(query);
        if range.to <= range.from || streams.is_empty() {
            return (found, looked);
        }
        let (first, last) = (self.logs.second_of(range.from), self.logs.second_of(range.to - 1));
        for nth in 0..=last - first {
            let lines = match direction {
                Direction::Forward => self.lines_of(&streams, first + nth, range),
                Direction::Backward => {
                    let mut lines = self.lines_of(&streams, last - nth, range);
                    lines.reverse();
                    lines
                }
            };
            for line in lines {
                found.extend(self.take(line, query, &mut looked));
                if found.len() >= limit {
                    return (found, looked);
                }
            }
        }
        (found, looked)
    }

    /// Counts of lines: at each point, those of the range up to it (without its begin, with its end).
    pub fn count(&self, query: &MetricQuery, points: Range, step: i64) -> Result<(Series, Looked), TooMany> {
        let (mut series, mut looked) = (Series::new(), Looked::default());
        let range = self.clip(Range {
            from: points.from.saturating_sub(query.range).saturating_add(1),
            to: points.to.saturating_add(1),
        });
        let streams = self.streams(&query.lines);
        if range.to <= range.from || streams.is_empty() {
            return Ok((series, looked));
        }
        let by_level = query.function == Function::Count
            && query.lines.stages.is_empty()
            && query.by.as_deref().is_some_and(|by| by == ["detected_level"]);
        for second in self.logs.second_of(range.from)..=self.logs.second_of(range.to - 1) {
            for line in self.lines_of(&streams, second, range) {
                looked.lines += 1;
                // The question that is asked most needs no text.
                let (group, value) = if by_level {
                    let level = ("detected_level".to_owned(), line.level.to_owned());
                    ([level].into(), 1.0)
                } else if let Some(counted) = self.counted(line, query) {
                    counted
                } else {
                    continue;
                };
                let known = series.len();
                let points_of = series.entry(group).or_default();
                // The points whose range holds the line.
                let begin = (line.at - points.from).max(0).div_euclid(step)
                    + i64::from((line.at - points.from).max(0) % step != 0);
                let mut point = points.from + begin * step;
                while point <= points.to && point < line.at + query.range {
                    *points_of.entry(point).or_default() += value;
                    point += step;
                }
                if series.len() > known && series.len() > super::MAX_SERIES {
                    return Err(TooMany);
                }
            }
        }
        series.retain(|_, points| !points.is_empty());
        Ok((series, looked))
    }

    /// By which labels a line is counted, and as how much; none where it does not pass.
    fn counted(&self, line: Line<'_>, query: &MetricQuery) -> Option<(BTreeMap<String, String>, f64)> {
        let mut entry = self.entry(line)?;
        entry.passes(&query.lines.stages).then_some(())?;
        let value = match query.function {
            Function::Count => 1.0,
            Function::Rate => SECOND as f64 / query.range as f64,
            Function::Bytes => entry.text().len() as f64,
        };
        Some((group(&entry, query.by.as_deref()), value))
    }

    /// Lines and bytes of some streams in a range.
    pub fn weigh(&self, streams: &[usize], range: Range) -> BTreeMap<usize, (u64, u64)> {
        let mut weights: BTreeMap<usize, (u64, u64)> = BTreeMap::new();
        let range = self.clip(range);
        if range.to <= range.from {
            return weights;
        }
        for second in self.logs.second_of(range.from)..=self.logs.second_of(range.to - 1) {
            for line in self.lines_of(streams, second, range) {
                let (entries, bytes) = weights.entry(line.stream).or_default();
                *entries += 1;
                *bytes += self.logs.text(&line).len() as u64;
            }
        }
        weights
    }

    /// The labels of a stream.
    pub fn labels(&self, stream: usize) -> BTreeMap<&'static str, String> {
        self.logs
            .streams()
            .get(stream)
            .map(|stream| stream.labels.clone())
            .unwrap_or_default()
    }

    /// The service of a stream.
    pub fn service(&self, stream: usize) -> &'static str {
        self.logs
            .streams()
            .get(stream)
            .map_or("", |stream| stream.service)
    }
}

fn metadata(service: &str, line: &Line<'_>) -> BTreeMap<&'static str, String> {
    let mut all = BTreeMap::from([("detected_level", line.level.to_owned())]);
    if line.trace != 0 {
        all.insert("trace_id", format!("{:032x}", line.trace));
        all.insert("span_id", format!("{:016x}", line.span(service)));
    }
    all
}

/// The labels that a line is counted by; all of them where it is not summed.
fn group(entry: &Entry<'_>, by: Option<&[String]>) -> BTreeMap<String, String> {
    let fields = &entry.fields;
    if let Some(by) = by {
        let told = by
            .iter()
            .filter_map(|name| Some((name.clone(), fields.get(name)?.to_owned())));
        return told.collect();
    }
    let own = fields.stream.iter().chain(&fields.metadata);
    let own = own.map(|(name, value)| ((*name).to_owned(), value.clone()));
    own.chain(fields.parsed.clone()).collect()
}
