//! The list of traces: which rows there are, in which order, and how each trace compares with its like.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use super::TracePane;
use crate::app::list::Direction;
use crate::domain::trace::stats::{Anomaly, Measured, Statistics, TELLING};
use crate::domain::trace::summary::Whole;
use crate::domain::trace::{Nanos, Operation, Stretch, Summary, TraceId};

use super::TracesAsk;

/// Traces as a source listed them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TraceList {
    /// What was asked.
    pub ask: TracesAsk,
    /// The traces, in whatever order they came.
    pub traces: Vec<Arc<Summary>>,
    /// Whether these are all that there are; else the newest.
    pub whole: Whole,
    /// Failed ones older than those, where these are only the newest and were not asked for by their outcome; or why
    /// they are not known. Remote, not yet safe.
    pub older: Option<Result<Older, String>>,
    /// Those older than these that took as long as the slowest twentieth of these, likewise.
    pub slow: Option<Result<Older, String>>,
    /// How the operations were before, where that was asked for; or why that is not known. Remote, not yet safe.
    pub before: Option<Result<Arc<Before>, String>>,
    /// What the source said of its answer. Remote, not yet safe.
    pub remarks: Vec<String>,
}

/// Failed or slow traces that are older than the newest ones of a list: who looks for these wants them as well.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Older {
    /// The traces.
    pub traces: Vec<Arc<Summary>>,
    /// Whether these are all of them; else the newest.
    pub whole: Whole,
}

impl TraceList {
    /// The failed ones that are older than the rest.
    pub fn older_failed(&self) -> &[Arc<Summary>] {
        match &self.older {
            Some(Ok(older)) => &older.traces,
            Some(Err(_)) | None => &[],
        }
    }

    /// The slow ones that are older than the rest.
    pub fn older_slow(&self) -> &[Arc<Summary>] {
        match &self.slow {
            Some(Ok(older)) => &older.traces,
            Some(Err(_)) | None => &[],
        }
    }

    /// All that are listed. Figures are of [`Self::traces`] alone: with some picked out among older ones they
    /// would be of no time at all.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Summary>> + Clone {
        let older = self.older_failed().iter().chain(self.older_slow());
        self.traces.iter().chain(older)
    }

    /// How many of them failed.
    pub fn failed(&self) -> usize {
        self.all().filter(|trace| is_failed(trace)).count()
    }
}

/// Operations in the time before that of the list, by which they are judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// When that was.
    pub during: Stretch,
    /// Whether every trace of that time was measured; else the newest of it, from then on.
    pub from: Option<Nanos>,
    /// What was measured.
    pub statistics: Statistics,
}

/// How an operation is, compared with the time before.
#[derive(Debug, Clone, PartialEq)]
pub enum Against {
    /// The time before is being asked for.
    Awaited,
    /// It could not be asked, in words. Remote, not yet safe.
    NotKnown(String),
    /// There was none of it.
    NoneThen,
    /// There are too few to tell.
    TooFew {
        /// Now.
        now: usize,
        /// Then.
        then: usize,
    },
    /// What is out of the ordinary; nothing where it is as it was.
    Told(Vec<Anomaly>),
}

/// In which order traces stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Failed ones, the slowest of them first; then the others likewise.
    #[default]
    ErrorsFirst,
    /// The slowest first.
    SlowestFirst,
    /// The newest first.
    NewestFirst,
}

impl Order {
    /// The next one.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::ErrorsFirst => Self::SlowestFirst,
            Self::SlowestFirst => Self::NewestFirst,
            Self::NewestFirst => Self::ErrorsFirst,
        }
    }

    /// As the border says it.
    pub fn words(self) -> &'static str {
        match self {
            Self::ErrorsFirst => "errors, slowest first",
            Self::SlowestFirst => "slowest first",
            Self::NewestFirst => "newest first",
        }
    }
}

/// Whether traces stand one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grouped {
    /// One by one.
    #[default]
    No,
    /// Those of one operation under its figures.
    ByOperation,
}

/// How traces are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// A row each.
    #[default]
    Rows,
    /// A dot each: duration over time.
    Dots,
}

/// A row of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TraceRow {
    /// The traces of an operation; its service and name are empty where the source does not tell.
    Group(Operation),
    /// A trace.
    Trace(TraceId),
}

/// The operation that a trace is counted under: its root's.
pub fn operation_of(trace: &Summary) -> Operation {
    Operation {
        service: trace.service.clone().unwrap_or_else(|| Arc::from("")),
        name: trace.operation.clone().unwrap_or_else(|| Arc::from("")),
    }
}

/// Whether something in it failed, as far as the source tells.
pub fn is_failed(trace: &Summary) -> bool {
    trace.errors.is_some_and(|errors| errors > 0)
}

/// Durations and failures of whole traces, by their roots' operations.
pub fn statistics_of<'a>(traces: impl IntoIterator<Item = &'a Summary>) -> Statistics {
    let mut all: HashMap<Operation, (Vec<u64>, u64)> = HashMap::new();
    let mut count = 0;
    for trace in traces {
        count += 1;
        let (durations, failed) = all.entry(operation_of(trace)).or_default();
        durations.push(u64::try_from(trace.duration.as_nanos()).unwrap_or(u64::MAX));
        *failed += u64::from(is_failed(trace));
    }
    let measured = all
        .into_iter()
        .map(|(operation, (durations, failed))| (operation, Measured::new(durations, failed)));
    Statistics::measured(measured, count)
}

/// What a trace is filtered and searched by. Remote, not yet safe.
pub fn text_of(trace: &Summary) -> String {
    let mut text = format!(
        "{} {} {}",
        trace.service.as_deref().unwrap_or_default(),
        trace.operation.as_deref().unwrap_or_default(),
        trace.id
    );
    for share in &trace.services {
        text.push(' ');
        text.push_str(&share.name);
    }
    text
}

impl TracePane {
    /// The list that is drawn: the answer to what is asked now. That to another question is not shown under this one's
    /// name.
    pub fn drawn(&self) -> Option<&TraceList> {
        if let Some(frozen) = self.frozen.as_deref() {
            return Some(frozen);
        }
        let fits = |list: &&TraceList| self.asked.as_ref().is_none_or(|ask| ask.asks_like(&list.ask));
        let kept = || self.kept.iter().rev().map(AsRef::as_ref).find(fits);
        self.feed.value().filter(fits).or_else(kept)
    }

    /// A trace of the list.
    pub fn summary(&self, id: TraceId) -> Option<&Arc<Summary>> {
        self.drawn()?.all().find(|trace| trace.id == id)
    }

    /// The row under the cursor.
    pub fn row(&self) -> Option<&TraceRow> {
        self.rows.get(self.list.index)
    }

    /// The trace under the cursor; none on a group.
    pub fn selected(&self) -> Option<&Arc<Summary>> {
        match self.row()? {
            TraceRow::Trace(id) => self.summary(*id),
            TraceRow::Group(_) => None,
        }
    }

    /// The listed traces of an operation that the filter lets through, in order.
    pub fn members<'a>(&'a self, operation: &'a Operation) -> impl Iterator<Item = &'a Arc<Summary>> {
        let all = self.filtered().into_iter();
        all.filter(move |trace| operation_of(trace) == *operation)
    }

    /// What the filter lets through, in order.
    pub fn filtered(&self) -> Vec<&Arc<Summary>> {
        let words: Vec<String> = self.filter.split_whitespace().map(str::to_lowercase).collect();
        let traces = self.drawn().into_iter().flat_map(TraceList::all);
        let mut shown: Vec<&Arc<Summary>> = traces
            .filter(|trace| {
                let text = text_of(trace).to_lowercase();
                words.iter().all(|word| text.contains(word.as_str()))
            })
            .collect();
        match self.order {
            Order::ErrorsFirst => {
                shown.sort_by_key(|trace| (!is_failed(trace), Reverse(trace.duration), trace.id));
            }
            Order::SlowestFirst => shown.sort_by_key(|trace| (Reverse(trace.duration), trace.id)),
            Order::NewestFirst => shown.sort_by_key(|trace| (Reverse(trace.start), trace.id)),
        }
        shown
    }

    /// Works out the rows again; the cursor stays on what it is on.
    pub fn arrange(&mut self) {
        let shown = self.filtered();
        let rows = match self.grouped {
            Grouped::No => shown.iter().map(|trace| TraceRow::Trace(trace.id)).collect(),
            Grouped::ByOperation => {
                // A group stands where the first of its traces would.
                let mut groups: Vec<(Operation, Vec<TraceId>)> = Vec::new();
                let mut places: HashMap<Operation, usize> = HashMap::new();
                for trace in &shown {
                    let operation = operation_of(trace);
                    let place = *places.entry(operation.clone()).or_insert_with(|| {
                        groups.push((operation, Vec::new()));
                        groups.len() - 1
                    });
                    groups[place].1.push(trace.id);
                }
                let mut rows = Vec::new();
                for (operation, members) in groups {
                    let open = self.unfolded.contains(&operation);
                    rows.push(TraceRow::Group(operation));
                    if open {
                        rows.extend(members.into_iter().map(TraceRow::Trace));
                    }
                }
                rows
            }
        };
        let statistics = self
            .drawn()
            .map(|list| statistics_of(list.traces.iter().map(|trace| &**trace)));
        self.statistics = statistics.unwrap_or_default();
        self.rows = rows;
        self.list.follow(&self.rows);
        self.stand();
    }

    /// Goes to the trace that the scope is of, once it is there; its operation is unfolded for that.
    fn stand(&mut self) {
        let Some(summary) = self.stand_on.and_then(|id| self.summary(id)) else {
            return;
        };
        let (id, operation) = (summary.id, operation_of(summary));
        if self.grouped == Grouped::ByOperation && !self.unfolded.contains(&operation) {
            self.unfolded.insert(operation);
            return self.arrange();
        }
        let row = self.rows.iter().position(|row| *row == TraceRow::Trace(id));
        if let Some(row) = row {
            self.stand_on = None;
            self.list.select(&self.rows, row);
        }
    }

    /// Puts the cursor on the trace that began next, or before; false where there is none.
    pub fn step_in_time(&mut self, direction: Direction) -> bool {
        let Some(at) = self.selected().map(|trace| (trace.start, trace.id)) else {
            return false;
        };
        let began = self.filtered().into_iter().map(|trace| (trace.start, trace.id));
        let next = match direction {
            Direction::Up => began.filter(|other| *other < at).max(),
            Direction::Down => began.filter(|other| *other > at).min(),
        };
        let row = next.map(|(_, id)| TraceRow::Trace(id));
        let index = row.and_then(|row| self.rows.iter().position(|other| *other == row));
        if let Some(index) = index {
            self.list.select(&self.rows, index);
        }
        index.is_some()
    }

    /// The operation of the row under the cursor.
    pub fn operation(&self) -> Option<Operation> {
        match self.row()? {
            TraceRow::Group(operation) => Some(operation.clone()),
            TraceRow::Trace(id) => self.summary(*id).map(|trace| operation_of(trace)),
        }
    }

    /// Unfolds or folds an operation's traces; the cursor goes to its row.
    pub fn fold(&mut self, operation: &Operation) {
        if !self.unfolded.remove(operation) {
            self.unfolded.insert(operation.clone());
        }
        self.arrange();
        let head = TraceRow::Group(operation.clone());
        if let Some(index) = self.rows.iter().position(|row| *row == head) {
            self.list.select(&self.rows, index);
        }
    }

    /// How an operation is, compared with the time before.
    pub fn against(&self, operation: &Operation) -> Against {
        let before = match self.drawn().and_then(|list| list.before.as_ref()) {
            None => return Against::Awaited,
            Some(Err(why)) => return Against::NotKnown(why.clone()),
            Some(Ok(before)) => &before.statistics,
        };
        let count = |statistics: &Statistics| statistics.operation(operation).map_or(0, Measured::n);
        let (now, then) = (count(&self.statistics), count(before));
        if then == 0 {
            return Against::NoneThen;
        }
        if now.min(then) < TELLING {
            return Against::TooFew { now, then };
        }
        let found = self.statistics.anomalies(before).into_iter();
        let odd = found.filter(|(of, _)| *of == operation);
        Against::Told(odd.map(|(_, anomaly)| anomaly).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::app::feed::{Feed, Fetched};
    use crate::app::list::Step;
    use crate::domain::trace::summary::Lasted;
    use crate::time::Tick;

    fn trace_id(id: u128) -> TraceId {
        TraceId(id.to_be_bytes())
    }

    fn summary(id: u128, operation: &str, millis: u64, errors: u32) -> Arc<Summary> {
        Arc::new(Summary {
            id: trace_id(id),
            service: Some("web".into()),
            operation: Some(operation.into()),
            start: Nanos(i64::try_from(id).unwrap() * 1_000_000_000),
            duration: Duration::from_millis(millis),
            lasted: Lasted::Root,
            spans: Some(3),
            errors: Some(errors),
            orphans: None,
            services: Vec::new(),
            whole: Whole::Yes,
        })
    }

    fn listed(traces: Vec<Arc<Summary>>) -> Feed<TraceList> {
        let mut feed = Feed::new(Duration::from_secs(15));
        feed.last = Some(Fetched {
            value: Arc::new(TraceList {
                traces,
                ..TraceList::default()
            }),
            at: Tick::default(),
        });
        feed
    }

    fn pane(traces: Vec<Arc<Summary>>) -> TracePane {
        let mut pane = TracePane {
            feed: listed(traces),
            ..TracePane::default()
        };
        pane.arrange();
        pane
    }

    fn ids(pane: &TracePane) -> Vec<u128> {
        let rows = pane.rows.iter();
        rows.map(|row| match row {
            TraceRow::Group(_) => 0,
            TraceRow::Trace(id) => u128::from_be_bytes(id.0),
        })
        .collect()
    }

    fn four() -> Vec<Arc<Summary>> {
        vec![
            summary(1, "GET /a", 500, 0),
            summary(2, "GET /b", 20, 1),
            summary(3, "GET /a", 40, 2),
            summary(4, "GET /b", 900, 0),
        ]
    }

    #[test]
    fn failed_ones_stand_first_and_each_order_has_its_own_first() {
        let mut pane = pane(four());
        assert_eq!(ids(&pane), [3, 2, 4, 1]);
        pane.order = Order::SlowestFirst;
        pane.arrange();
        assert_eq!(ids(&pane), [4, 1, 3, 2]);
        pane.order = Order::NewestFirst;
        pane.arrange();
        assert_eq!(ids(&pane), [4, 3, 2, 1]);
        pane.filter = "web /A".to_owned();
        pane.arrange();
        assert_eq!(ids(&pane), [3, 1]);
    }

    #[test]
    fn older_failed_ones_stand_among_the_others_and_in_no_figure() {
        let mut pane = pane(four());
        let a = operation_of(&summary(1, "GET /a", 1, 0));
        let before = pane.statistics.operation(&a).cloned();
        let mut list = (*pane.feed.shared().unwrap()).clone();
        list.older = Some(Ok(Older {
            traces: vec![summary(7, "GET /a", 3_000, 1)],
            whole: Whole::Yes,
        }));
        assert_eq!(list.failed(), 3);
        pane.feed.last.as_mut().unwrap().value = Arc::new(list);
        pane.arrange();
        assert_eq!(ids(&pane), [7, 3, 2, 4, 1]);
        assert_eq!(pane.summary(trace_id(7)).unwrap().id, trace_id(7));
        assert_eq!(pane.statistics.operation(&a).cloned(), before);
    }

    #[test]
    fn new_traces_do_not_move_the_cursor_off_its_own() {
        let mut pane = pane(four());
        pane.list.step(&pane.rows.clone(), Step::Rows(2));
        assert_eq!(pane.selected().unwrap().id, trace_id(4));
        let mut more = four();
        more.extend([summary(9, "GET /c", 5_000, 1), summary(8, "GET /c", 4_000, 1)]);
        pane.feed = listed(more);
        pane.arrange();
        assert_eq!(pane.selected().unwrap().id, trace_id(4));
        assert_eq!(pane.list.index, 4);
    }

    #[test]
    fn a_group_stands_where_its_first_trace_would_and_unfolds_under_itself() {
        let mut pane = pane(four());
        pane.grouped = Grouped::ByOperation;
        pane.arrange();
        let a = operation_of(&summary(1, "GET /a", 1, 0));
        assert_eq!(pane.rows[0], TraceRow::Group(a.clone()));
        assert_eq!(ids(&pane), [0, 0]);
        pane.fold(&a);
        assert_eq!(ids(&pane), [0, 3, 1, 0]);
        let measured = pane.statistics.operation(&a).unwrap();
        assert_eq!((measured.count(), measured.errors()), (2, 1));
        pane.list.select(&pane.rows.clone(), 2);
        pane.fold(&a);
        assert_eq!((ids(&pane), pane.list.index), (vec![0, 0], 0));
    }

    #[test]
    fn an_answer_to_another_question_is_not_shown() {
        let mut pane = pane(four());
        pane.asked = Some(TracesAsk {
            back: Duration::from_secs(60),
            ..TracesAsk::default()
        });
        pane.arrange();
        assert_eq!(pane.rows, []);
        pane.asked = Some(TracesAsk {
            watched: crate::app::logs::Watched::Yes,
            ..TracesAsk::default()
        });
        pane.arrange();
        assert_eq!(pane.rows.len(), 4, "who looks on makes no other question");
    }

    #[test]
    fn an_operation_is_judged_by_the_time_before() {
        let many = |millis: u64| -> Vec<Arc<Summary>> {
            (1..=30).map(|id| summary(id, "GET /a", millis, 0)).collect()
        };
        let mut pane = pane(many(500));
        let a = operation_of(&summary(1, "GET /a", 1, 0));
        assert_eq!(pane.against(&a), Against::Awaited);
        let before = many(100);
        let list = TraceList {
            before: Some(Ok(Arc::new(Before {
                during: Stretch {
                    from: Nanos(0),
                    to: Nanos(1),
                },
                from: None,
                statistics: statistics_of(before.iter().map(|trace| &**trace)),
            }))),
            ..(*pane.feed.shared().unwrap()).clone()
        };
        pane.feed.last.as_mut().unwrap().value = Arc::new(list.clone());
        pane.arrange();
        assert_eq!(pane.against(&a), Against::Told(vec![Anomaly::Slow(5.0)]));
        let few = TraceList {
            traces: list.traces[..3].to_vec(),
            ..list.clone()
        };
        pane.feed.last.as_mut().unwrap().value = Arc::new(few);
        pane.arrange();
        assert_eq!(pane.against(&a), Against::TooFew { now: 3, then: 30 });
        let other = operation_of(&summary(1, "GET /b", 1, 0));
        assert_eq!(pane.against(&other), Against::NoneThen);
        let unread = TraceList {
            before: Some(Err("503 from traces".to_owned())),
            ..list
        };
        pane.feed.last.as_mut().unwrap().value = Arc::new(unread);
        assert_eq!(pane.against(&a), Against::NotKnown("503 from traces".to_owned()));
    }

    #[test]
    fn among_dots_the_cursor_goes_along_time_whatever_their_order() {
        let mut pane = pane(vec![
            summary(5, "GET /a", 900, 0),
            summary(2, "GET /a", 100, 0),
            summary(9, "GET /a", 400, 1),
            summary(7, "GET /a", 200, 0),
        ]);
        pane.list.step(&pane.rows, Step::Top);
        let mut met = Vec::new();
        while pane.step_in_time(Direction::Up) {}
        loop {
            met.push(pane.selected().unwrap().start.0 / 1_000_000_000);
            if !pane.step_in_time(Direction::Down) {
                break;
            }
        }
        assert_eq!(met, [2, 5, 7, 9]);
    }
}
