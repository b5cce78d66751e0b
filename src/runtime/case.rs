//! What lines, traces and deploy marks say around the beginning of a trouble: asked for a case, each part by itself.
//!
//! The time before the beginning is held against the time since. Where there are more lines than can be read, a few
//! stretches of each are, from their begin on, and what they cover is counted: a rate is of that time alone. All of it is
//! bounded: twelve pages of lines, four searches, five traces. Start at [`lines`] and [`traces`].

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt as _;

use crate::backend::annotations::{Annotation, Annotations};
use crate::backend::logs::{self, Direction, Logs, Page, PageQuestion, Reach};
use crate::backend::traces::{self as spans, Listed, SearchQuestion};
use crate::backend::{BackendError, BackendResult};
use crate::domain::case::{
    Change, Deploy, Deploys, Evidence, Explained, Known, Lines, PatternSeen, Seen, Slower, SpanSeen,
    TraceSeen, Traces, Why, change,
};
use crate::domain::log::{Level, Nanos, Wanted as WantedLines};
use crate::domain::pattern::{Bounds, Pattern, PatternId, Patterns};
use crate::domain::trace::critical::BOTTLENECK;
use crate::domain::trace::json::Findings;
use crate::domain::trace::summary::Outcome;
use crate::domain::trace::{Stretch, Summary, Trace, Wanted};
use crate::logstore::{Limits, Store};
use crate::text::SafeText;

/// What is said so long before the beginning may belong to it: a burn is seen minutes after it began.
const JUST_BEFORE: TimeDelta = TimeDelta::minutes(5);
/// So long before that is what it is held against.
const BEFORE: TimeDelta = TimeDelta::hours(1);
/// So long after the beginning things are of it.
const SINCE: TimeDelta = TimeDelta::minutes(30);
/// Stretches of each side that lines are read of.
const STRETCHES: i32 = 3;
/// Lines of a stretch that warn or worse.
const GRAVE: usize = 500;
/// Lines of a stretch of any level.
const ANY: usize = 300;
/// Lines that a file is read for.
const AT_HAND: usize = 20_000;
/// Pages that are asked for at once.
const AT_ONCE: usize = 3;
/// Failed traces that are listed of each side.
const FAILED: usize = 100;
/// Traces of whatever outcome.
const LISTED: usize = 200;
/// Fewer say nothing of the slowest twentieth.
const ENOUGH: usize = 20;
/// Traces that are read at once.
const READ_AT_ONCE: usize = 2;
/// Patterns that are told.
const MOST_PATTERNS: usize = 200;

/// The times that are held against each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    from: DateTime<Utc>,
    /// What is before this is before the beginning.
    turn: DateTime<Utc>,
    to: DateTime<Utc>,
}

impl Window {
    /// Around a beginning.
    pub fn around(began: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let turn = began - JUST_BEFORE;
        Self {
            from: turn - BEFORE,
            turn,
            to: (began + SINCE).min(now).max(turn),
        }
    }

    fn before(self) -> Stretch {
        stretch(self.from, self.turn)
    }

    fn since(self) -> Stretch {
        stretch(self.turn, self.to)
    }
}

fn stretch(from: DateTime<Utc>, to: DateTime<Utc>) -> Stretch {
    Stretch {
        from: Nanos::of(from),
        to: Nanos::of(to),
    }
}

fn between(from: Nanos, to: Nanos) -> Duration {
    Duration::from_nanos(to.0.saturating_sub(from.0).max(0).unsigned_abs())
}

fn why(error: &BackendError) -> String {
    SafeText::line(&format!("{}: {}", error.backend, error.cause())).into_string()
}

/// What was rolled out from two hours before the beginning on: what led to it may have begun an hour earlier elsewhere.
pub async fn deploys(source: &dyn Annotations, began: DateTime<Utc>, now: DateTime<Utc>) -> Known<Deploys> {
    let tags = source.deploy_tags();
    let from = began - Evidence::BEFORE * 2;
    match source.list(from, now.max(began), tags.to_vec()).await {
        Err(error) => Known::Failed(why(&error)),
        Ok(marks) => {
            let deploys = marks.annotations.iter().filter(|mark| mark.is_deploy(tags));
            Known::Known(Deploys {
                list: deploys.map(deploy).collect(),
                partial: marks.partial,
            })
        }
    }
}

fn deploy(mark: &Annotation) -> Deploy {
    let tagged = |name: &'static str| mark.tags.iter().filter_map(move |tag| tag.strip_prefix(name));
    Deploy {
        at: mark.at,
        services: tagged("service:").map(Arc::from).collect(),
        version: tagged("version:").next().map(Arc::from),
        text: Arc::clone(&mark.text),
    }
}

/// Lines of one kind, and how much of the time they cover.
#[derive(Default)]
struct Sample {
    /// Each with where it begins.
    pages: Vec<(Nanos, Page)>,
    before: Duration,
    since: Duration,
    is_cut: bool,
    warnings: Vec<String>,
}

/// What the lines of a service say.
pub async fn lines(source: &dyn Logs, service: Arc<str>, window: Window) -> Known<Lines> {
    let wanted = |at_least| WantedLines {
        service: Some(Arc::clone(&service)),
        at_least,
        ..WantedLines::default()
    };
    let (grave, any) = match source.reach() {
        Reach::Present => {
            let grave = sample(source, wanted(Some(Level::Warn)), GRAVE, window);
            let any = sample(source, wanted(None), ANY, window);
            let (grave, any) = futures::join!(grave, any);
            (grave, Some(any))
        }
        Reach::AtHand | Reach::Whole => (at_hand(source, wanted(None), window).await, None),
    };
    let (grave, any) = match (grave, any.transpose()) {
        (Ok(grave), Ok(any)) => (grave, any),
        (Err(error), _) | (_, Err(error)) => return Known::Failed(why(&error)),
    };
    let counting = tokio::task::spawn_blocking(move || counted(&service, window, grave, any));
    match counting.await {
        Ok(lines) => Known::Known(lines),
        Err(_) => Known::Failed("the lines could not be counted: a defect of midwatch".to_owned()),
    }
}

/// Some stretches of both sides, each from its begin on.
async fn sample(
    source: &dyn Logs,
    wanted: WantedLines,
    limit: usize,
    window: Window,
) -> BackendResult<Sample> {
    let parts = |of: Stretch| {
        let step = of.to.0.saturating_sub(of.from.0) / i64::from(STRETCHES);
        (0..i64::from(STRETCHES)).map(move |part| {
            let from = of.from.0.saturating_add(step * part);
            let to = if part + 1 == i64::from(STRETCHES) {
                of.to.0
            } else {
                from + step
            };
            (Nanos(from), Nanos(to))
        })
    };
    let before = parts(window.before()).map(|part| (part, true));
    let since = parts(window.since()).map(|part| (part, false));
    let asked: Vec<_> = before.chain(since).filter(|((from, to), _)| from < to).collect();
    let mut answers = futures::stream::iter(asked)
        .map(|((from, to), is_before)| {
            let question = PageQuestion {
                wanted: wanted.clone(),
                from,
                to,
                direction: Direction::Forward,
                limit,
            };
            async move { (from, to, is_before, source.page(question).await) }
        })
        .buffer_unordered(AT_ONCE);
    let mut sample = Sample::default();
    while let Some((from, to, is_before, page)) = answers.next().await {
        let mut page = page?;
        let covered = match page.more {
            logs::More::No => between(from, to),
            logs::More::Yes => {
                sample.is_cut = true;
                let last = page.batch.lines.iter().filter_map(|line| line.at).max();
                last.map_or(Duration::ZERO, |last| between(from, last))
            }
        };
        if is_before {
            sample.before += covered;
        } else {
            sample.since += covered;
        }
        sample.warnings.append(&mut page.warnings);
        sample.pages.push((from, page));
    }
    // They came in any order; the store takes them as they were written.
    sample.pages.sort_by_key(|(from, _)| *from);
    Ok(sample)
}

/// What a file holds of the time; its pages know no stretches.
async fn at_hand(source: &dyn Logs, wanted: WantedLines, window: Window) -> BackendResult<Sample> {
    let mut page = source
        .page(PageQuestion {
            wanted,
            from: Nanos::of(window.from),
            to: Nanos::of(window.to),
            direction: Direction::Backward,
            limit: AT_HAND,
        })
        .await?;
    let first = page.batch.lines.iter().filter_map(|line| line.at).min();
    let turn = Nanos::of(window.turn);
    let from = match page.more {
        logs::More::No => Nanos::of(window.from),
        logs::More::Yes => first.unwrap_or(turn).max(Nanos::of(window.from)),
    };
    Ok(Sample {
        before: between(from, turn),
        since: between(from.max(turn), Nanos::of(window.to)),
        is_cut: page.more == logs::More::Yes,
        warnings: std::mem::take(&mut page.warnings),
        pages: vec![(from, page)],
    })
}

/// What the lines have in common; those that warn by the sample of such lines, the others by the one of all.
fn counted(service: &str, window: Window, grave: Sample, any: Option<Sample>) -> Lines {
    let mut lines = Lines::default();
    let is_whole = any.is_none();
    for (sample, is_grave) in std::iter::once((grave, true)).chain(any.map(|any| (any, false))) {
        let takes = |level: Level| is_whole || (level >= Level::Warn) == is_grave;
        learn(service, window, &sample, &takes, &mut lines);
    }
    lines
        .patterns
        .sort_by_key(|pattern| std::cmp::Reverse(pattern.since.count));
    lines.patterns.truncate(MOST_PATTERNS);
    lines.remarks.sort();
    lines.remarks.dedup();
    lines
}

/// A pattern's lines on both sides.
#[derive(Default)]
struct Count {
    before: u64,
    since: u64,
    first: Option<Nanos>,
    last: Option<Nanos>,
}

fn learn(service: &str, window: Window, sample: &Sample, takes: &dyn Fn(Level) -> bool, lines: &mut Lines) {
    let mut store = Store::new(Limits::default());
    for (_, page) in &sample.pages {
        store.ingest(&page.batch);
    }
    let snapshot = store.snapshot();
    let mut patterns = Patterns::new(Bounds::default());
    let mut counts: HashMap<PatternId, Count> = HashMap::new();
    let (from, turn, to) = (
        Nanos::of(window.from),
        Nanos::of(window.turn),
        Nanos::of(window.to),
    );
    // Learnt first and counted then: what a pattern takes is known only when it has seen all.
    for is_known in [false, true] {
        for place in 0..snapshot.len() {
            let Some(entry) = snapshot.entry_at(place) else {
                continue;
            };
            let Some(at) = entry.time().filter(|at| (from..=to).contains(at)) else {
                continue;
            };
            let is_of = entry.service.is_none_or(|named| named == service);
            if !is_of || !takes(entry.level) {
                continue;
            }
            let id = patterns.learn(at, entry.level, entry.service, &entry.text, entry.extra);
            if !is_known {
                continue;
            }
            let is_before = at < turn;
            if is_before {
                lines.before += 1;
            } else {
                lines.since += 1;
            }
            let Some(id) = id else {
                continue;
            };
            let count = counts.entry(id).or_default();
            if is_before {
                count.before += 1;
            } else {
                count.since += 1;
                count.first = Some(count.first.map_or(at, |first| first.min(at)));
                count.last = Some(count.last.map_or(at, |last| last.max(at)));
            }
        }
    }
    lines.is_sample |= sample.is_cut;
    lines.remarks.extend(sample.warnings.iter().cloned());
    for pattern in patterns.list(to) {
        let seen = counts
            .get(&pattern.id)
            .and_then(|count| seen(&pattern, count, sample));
        lines.patterns.extend(seen);
    }
}

fn seen(pattern: &Pattern, count: &Count, sample: &Sample) -> Option<PatternSeen> {
    Some(PatternSeen {
        service: pattern.service.clone(),
        level: pattern.level,
        template: Arc::clone(&pattern.template),
        before: Seen {
            count: count.before,
            covered: sample.before,
        },
        since: Seen {
            count: count.since,
            covered: sample.since,
        },
        first: count.first?.utc(),
        last: count.last?.utc(),
    })
}

/// What the traces of a service say.
pub async fn traces(source: &dyn spans::Traces, service: Arc<str>, window: Window) -> Known<Traces> {
    let search = |outcome, during, limit| {
        source.search(SearchQuestion {
            wanted: Wanted {
                service: Some(Arc::clone(&service)),
                outcome,
                ..Wanted::default()
            },
            during,
            limit,
        })
    };
    let (failed_before, failed, before, since) = futures::join!(
        search(Outcome::Failed, window.before(), FAILED),
        search(Outcome::Failed, window.since(), FAILED),
        search(Outcome::Any, window.before(), LISTED),
        search(Outcome::Any, window.since(), LISTED),
    );
    let failed = match failed {
        Ok(failed) => failed,
        Err(error) => return Known::Failed(why(&error)),
    };
    let mut told = Traces {
        since: rate(&failed, window.since()),
        is_cut: failed.more == spans::More::Yes,
        ..Traces::default()
    };
    match &failed_before {
        Ok(listed) => told.before = rate(listed, window.before()),
        Err(error) => told.remarks.push(format!("failed traces before: {}", why(error))),
    }
    match (&before, &since) {
        (Ok(before), Ok(since)) => told.slower = slower(&before.traces, &since.traces),
        (Err(error), _) | (_, Err(error)) => told.remarks.push(format!("how slow they are: {}", why(error))),
    }
    let all = since.as_ref().map_or(&[][..], |listed| &listed.traces);
    let chosen = chosen(&told, &failed.traces, all);
    let reading = futures::stream::iter(chosen)
        .map(|(why, summary)| async move {
            TraceSeen {
                id: summary.id,
                why,
                at: summary.start.utc(),
                took: summary.duration,
                explained: explained(source, &summary).await,
            }
        })
        .buffered(READ_AT_ONCE);
    told.read = reading.collect().await;
    Known::Known(told)
}

/// How many in how much time: where the list was cut, in that from its oldest on.
fn rate(listed: &Listed, during: Stretch) -> Seen {
    let oldest = listed.traces.iter().map(|trace| trace.start).min();
    let from = match listed.more {
        spans::More::No => during.from,
        spans::More::Yes => oldest.unwrap_or(during.to).max(during.from),
    };
    Seen {
        count: listed.traces.len() as u64,
        covered: between(from, during.to),
    }
}

/// Where the slowest twentieth begins, before and since.
fn slower(before: &[Summary], since: &[Summary]) -> Option<Slower> {
    let twentieth = |traces: &[Summary]| {
        let mut durations: Vec<Duration> = traces.iter().map(|trace| trace.duration).collect();
        durations.sort_unstable();
        let from = durations.get(durations.len() * 19 / 20).copied();
        from.filter(|from| durations.len() >= ENOUGH && !from.is_zero())
    };
    Some(Slower {
        before: twentieth(before)?,
        since: twentieth(since)?,
    })
}

/// Which are read: the worst and the newest failed ones, and the slowest where they got slower.
fn chosen(told: &Traces, failed: &[Summary], all: &[Summary]) -> Vec<(Why, Summary)> {
    let fails = !matches!(
        change(told.before, told.since),
        Change::Fallen | Change::Same | Change::Unknown
    );
    let slow = told.slower.is_some_and(Slower::is_slower);
    let (worst, newest, slowest) = match (fails, slow) {
        (true, false) => (3, 2, 0),
        (true, true) => (2, 1, 2),
        (false, true) => (0, 1, 4),
        (false, false) => (1, 1, 0),
    };
    let mut chosen: Vec<(Why, Summary)> = Vec::new();
    let mut take = |why: Why, most: usize, from: Vec<&Summary>| {
        let mut left = most;
        for summary in from {
            if left > 0 && chosen.iter().all(|(_, known)| known.id != summary.id) {
                chosen.push((why, summary.clone()));
                left -= 1;
            }
        }
    };
    let by_duration = |of: &[Summary]| -> Vec<Summary> {
        let mut sorted = of.to_vec();
        sorted.sort_by_key(|trace| std::cmp::Reverse(trace.duration));
        sorted
    };
    take(Why::Worst, worst, by_duration(failed).iter().collect());
    let mut by_time: Vec<&Summary> = failed.iter().collect();
    by_time.sort_by_key(|trace| std::cmp::Reverse(trace.start));
    take(Why::Newest, newest, by_time);
    let ok: Vec<Summary> = all
        .iter()
        .filter(|trace| trace.errors.unwrap_or(0) == 0)
        .cloned()
        .collect();
    take(Why::Slowest, slowest, by_duration(&ok).iter().collect());
    chosen
}

/// Reads a trace and explains it, off the loop.
async fn explained(source: &dyn spans::Traces, summary: &Summary) -> Result<Explained, String> {
    let about = Stretch {
        from: summary.start,
        to: summary.start.plus(summary.duration),
    };
    let trace = match source.trace(summary.id, Some(about)).await {
        Ok(Some(trace)) => trace,
        Ok(None) => return Err("it is gone".to_owned()),
        Err(error) => return Err(why(&error)),
    };
    tokio::task::spawn_blocking(move || explain(&trace))
        .await
        .map_err(|_| "it could not be studied: a defect of midwatch".to_owned())
}

fn explain(trace: &Trace) -> Explained {
    let findings = Findings::of(trace);
    let spent = |nanos: u64| Duration::from_nanos(nanos);
    let bottleneck = findings.path.bottlenecks(trace, BOTTLENECK).into_iter().next();
    Explained {
        line: findings.line,
        origins: findings
            .origins
            .origins
            .iter()
            .map(|origin| {
                let span = trace.span(origin.row);
                SpanSeen {
                    service: Arc::clone(span.service),
                    operation: Arc::clone(span.operation),
                    what: origin.what.clone(),
                    took: Duration::ZERO,
                }
            })
            .collect(),
        bottleneck: bottleneck.map(|bottleneck| {
            let operation = trace.operation(bottleneck.operation);
            SpanSeen {
                service: Arc::clone(&operation.service),
                operation: Arc::clone(&operation.name),
                what: String::new(),
                took: spent(bottleneck.nanos),
            }
        }),
        whole: spent(findings.path.whole().nanos()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::log::{Batch, Stream};
    use crate::domain::trace::TraceId;
    use crate::domain::trace::summary::{Lasted, Whole};
    use Why::{Newest, Slowest, Worst};

    fn began() -> DateTime<Utc> {
        "2026-11-20T03:01:00Z".parse().unwrap()
    }

    fn window() -> Window {
        Window::around(began(), began() + TimeDelta::minutes(13))
    }

    fn minutes(minutes: i64) -> Nanos {
        Nanos::of(began() + TimeDelta::minutes(minutes))
    }

    /// A page of lines, each so many minutes after the beginning.
    fn page(lines: &[(i64, &str)]) -> (Nanos, Page) {
        let stream = Stream {
            service: Some("checkout".into()),
            ..Stream::default()
        };
        let mut batch = Batch {
            streams: vec![Arc::new(stream)],
            ..Batch::default()
        };
        for (after, text) in lines {
            batch.push(Some(minutes(*after)), 0, Level::Error, text.as_bytes(), b"");
        }
        let from = lines.first().map_or(minutes(0), |(after, _)| minutes(*after));
        let page = Page {
            batch,
            ..Page::default()
        };
        (from, page)
    }

    fn sample(pages: Vec<(Nanos, Page)>) -> Sample {
        Sample {
            pages,
            before: Duration::from_secs(3_600),
            since: Duration::from_secs(18 * 60),
            ..Sample::default()
        }
    }

    #[test]
    fn the_hour_before_ends_just_before_the_beginning_and_the_time_since_goes_on_to_now() {
        let window = window();
        assert_eq!(
            window.before(),
            stretch(began() - TimeDelta::minutes(65), began() - JUST_BEFORE)
        );
        assert_eq!(
            window.since(),
            stretch(began() - JUST_BEFORE, began() + TimeDelta::minutes(13))
        );
        let long_ago = Window::around(began(), began() + TimeDelta::days(2));
        assert_eq!(long_ago.to, began() + SINCE);
        let now = Window::around(began(), began());
        assert_eq!(now.to, began());
    }

    #[test]
    fn lines_are_counted_on_the_side_that_they_are_of() {
        let before: Vec<(i64, String)> = (-60..-6).map(|at| (at, format!("retry {at} of 3"))).collect();
        let before: Vec<(i64, &str)> = before.iter().map(|(at, text)| (*at, text.as_str())).collect();
        let since = [
            (-4, "retry 7 of 3"),
            (1, "pool exhausted: 50 of 50"),
            (2, "pool exhausted: 49 of 50"),
            (3, "pool exhausted: 50 of 50"),
        ];
        let lines = counted(
            "checkout",
            window(),
            sample(vec![page(&before), page(&since)]),
            None,
        );
        assert_eq!((lines.before, lines.since), (54, 4));
        let told: Vec<(&str, u64, u64)> = lines
            .patterns
            .iter()
            .map(|pattern| (&*pattern.template, pattern.before.count, pattern.since.count))
            .collect();
        let pool = told.iter().find(|told| told.0.starts_with("pool")).expect("told");
        assert_eq!((pool.1, pool.2), (0, 3));
        let retry = told
            .iter()
            .find(|told| told.0.starts_with("retry"))
            .expect("told");
        assert_eq!((retry.1, retry.2), (54, 1));
        let first = lines
            .patterns
            .iter()
            .find(|pattern| pattern.template.starts_with("pool"));
        assert_eq!(first.unwrap().first, began() + TimeDelta::minutes(1));
    }

    #[test]
    fn lines_that_warn_are_judged_by_their_own_sample() {
        let grave = sample(vec![page(&[(1, "pool exhausted"), (2, "pool exhausted")])]);
        let any = sample(vec![page(&[(1, "pool exhausted")])]);
        let lines = counted("checkout", window(), grave, Some(any));
        assert_eq!((lines.since, lines.patterns.len()), (2, 1));
        assert_eq!(lines.patterns[0].since.count, 2);
    }

    fn summary(number: u8, millis: u64, minute: i64, errors: u32) -> Summary {
        Summary {
            id: TraceId([number; 16]),
            service: None,
            operation: None,
            start: minutes(minute),
            duration: Duration::from_millis(millis),
            lasted: Lasted::Root,
            spans: None,
            errors: Some(errors),
            orphans: None,
            services: Vec::new(),
            whole: Whole::Yes,
        }
    }

    #[test]
    fn the_worst_and_the_newest_failed_traces_are_read_and_the_slowest_where_they_got_slower() {
        let failed: Vec<Summary> = (1..=9)
            .map(|n| summary(n, 100 * u64::from(n), -i64::from(n), 1))
            .collect();
        let all: Vec<Summary> = (11..=19).map(|n| summary(n, 10 * u64::from(n), 0, 0)).collect();
        let told = |fails: bool, slow: bool| Traces {
            before: Seen {
                count: u64::from(!fails) * 100,
                covered: Duration::from_secs(3_600),
            },
            since: Seen {
                count: 9,
                covered: Duration::from_secs(600),
            },
            slower: Some(Slower {
                before: Duration::from_millis(100),
                since: Duration::from_millis(if slow { 900 } else { 100 }),
            }),
            ..Traces::default()
        };
        let ids = |told: &Traces| -> Vec<(Why, u8)> {
            let chosen = chosen(told, &failed, &all);
            chosen
                .into_iter()
                .map(|(why, summary)| (why, summary.id.0[0]))
                .collect()
        };
        assert_eq!(
            ids(&told(true, false)),
            [(Worst, 9), (Worst, 8), (Worst, 7), (Newest, 1), (Newest, 2)]
        );
        assert_eq!(
            ids(&told(true, true)),
            [(Worst, 9), (Worst, 8), (Newest, 1), (Slowest, 19), (Slowest, 18)]
        );
        assert_eq!(ids(&told(false, false)), [(Worst, 9), (Newest, 1)]);
        assert_eq!(ids(&told(false, true)).len(), 5);
    }

    #[test]
    fn of_a_list_that_was_cut_only_the_time_that_it_covers_counts() {
        let traces = vec![summary(1, 10, 12, 1), summary(2, 10, 11, 1)];
        let listed = |more| Listed {
            traces: traces.clone(),
            more,
            ..Listed::default()
        };
        let during = stretch(began(), began() + TimeDelta::minutes(13));
        assert_eq!(
            rate(&listed(spans::More::No), during).covered,
            Duration::from_secs(13 * 60)
        );
        assert_eq!(
            rate(&listed(spans::More::Yes), during).covered,
            Duration::from_secs(2 * 60)
        );
    }
}
