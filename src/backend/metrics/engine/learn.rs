//! What the engine learns from an outcome: readings, bounds, history, who is refused, how long to wait.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;

use crate::backend::metrics::discovery::Found;
use crate::backend::metrics::plan::{self, Values};
use crate::backend::metrics::{AlertingRule, Firing};
use crate::backend::{BackendError, ErrorKind};
use crate::domain::slo::{Reading, Severity, Sli, Slo, SloOrigin, TimedReading, Window};
use crate::time::{Now, Tick};

use super::batch::{Said, Unreadable};
use super::{
    Engine, Entry, FIVE_MINUTES, Failure, HOUR, Outcome, OwnerSays, Question, Refusal, SPARK_STEP, interval,
};

/// A refused expression is tried again after ten tiers, at least this; doubling to an hour.
const REFUSED_FLOOR: Duration = Duration::from_secs(600);
/// A recorded SLO is forgotten when so many good searches in a row did not find it and its period is void.
const FORGOTTEN_AFTER: u32 = 3;
/// A server that does not answer is asked again at least this often, however long the tier.
const BACKOFF_MAX: Duration = Duration::from_secs(120);

impl Engine {
    pub(super) fn add(&mut self, slo: Slo) {
        let name: Arc<str> = Arc::from(slo.name.as_str());
        self.entries.entry(name).or_insert_with(|| Entry::new(slo));
    }

    /// Learns what came of a batch.
    pub fn apply(&mut self, outcome: Outcome, now: Now) {
        let Outcome {
            question,
            asked,
            size,
            items,
            said,
            found,
            failure,
            partial,
            warnings,
        } = outcome;
        let clock = self.clocks.entry(question.clone()).or_default();
        clock.in_flight = clock.in_flight.saturating_sub(1);
        let round_failed = self
            .failures
            .get(&question)
            .is_some_and(|f| f.asked == asked.tick);
        if let Some(error) = failure {
            self.failed(&question, &error, (asked.tick, now.tick));
            if error.kind == ErrorKind::TimedOut {
                self.timed_out(&question, size, items.len(), now.tick);
            }
            self.leave_gaps(&question, &items, asked.tick);
        } else if !round_failed {
            // One batch that is answered does not make up for another of its round that was not.
            clock.failures = 0;
            self.failures.remove(&question);
            self.answered.insert(question.clone(), now.tick);
        }
        if warnings.is_empty() {
            self.notices.remove(&question);
        } else {
            self.notices.insert(question.clone(), warnings);
        }
        if let Some(found) = found {
            self.found(found);
        }
        let fresh_for = interval(&question, self.settings.poll) * 2;
        for (name, said) in said {
            let Some(entry) = self.entries.get_mut(&name) else {
                continue;
            };
            match &partial {
                Some(words) => entry.partial.insert(question.clone(), Arc::clone(words)),
                None => entry.partial.remove(&question),
            };
            entry.readings.partial = entry.partial.values().next().cloned();
            if let Said::Refused { why, unreadable } = &said {
                entry.refuse(&question, why, *unreadable, (asked.tick, fresh_for));
                continue;
            }
            if entry.accept(&question) {
                entry.owe_all();
            }
            match (&question, said) {
                (Question::Window(length), Said::Instant(values)) => {
                    entry.learn_window(*length, &values, (asked.tick, fresh_for));
                }
                (Question::Bounds, Said::Bounds(bounds)) => {
                    if entry.learn_bounds(&bounds, (asked.tick, fresh_for)) {
                        entry.owe_all();
                    }
                }
                (Question::Spark, Said::Range(points)) => entry.learn_spark(&points),
                (Question::History { period, step }, Said::Range(points)) => {
                    entry.learn_history(&points, *period, *step, asked);
                }
                (Question::FirstSample { from, .. }, Said::Range(points)) => {
                    let first = points.keys().next().copied().unwrap_or(*from);
                    entry.readings.first_sample = DateTime::from_timestamp(first, 0);
                    entry.begins = None;
                }
                // A question gets the kind of answer it asks for; nothing else is built.
                (_, Said::Instant(_) | Said::Bounds(_) | Said::Range(_) | Said::Refused { .. }) => {}
            }
        }
    }

    /// Hears what Prometheus says of alerting rules (polled elsewhere), so that an owner's own alert that
    /// disagrees with the state here is shown beside it.
    pub fn hear_rules(&mut self, rules: &[AlertingRule]) {
        for entry in self.entries.values_mut() {
            let matcher = match entry.slo.origin {
                SloOrigin::Sloth => format!("sloth_id={}", plan::quote(&entry.slo.name)),
                SloOrigin::Pyrra => {
                    let name = entry.slo.name.rsplit('/').next().unwrap_or_default();
                    format!("slo={}", plan::quote(name))
                }
                SloOrigin::Config | SloOrigin::File(_) => continue,
            };
            let mut says = None;
            for rule in rules.iter().filter(|rule| rule.query.contains(&matcher)) {
                let word = match rule.labels.get("sloth_severity") {
                    Some(word) => word,
                    None => rule.labels.value("severity"),
                };
                let severity = if matches!(word, "page" | "critical") {
                    Severity::Page
                } else {
                    Severity::Ticket
                };
                let fires = rule.alerts.iter().any(|alert| alert.firing == Firing::Firing);
                says = match says {
                    Some(OwnerSays::Firing(loudest)) if fires => {
                        Some(OwnerSays::Firing(severity.min(loudest)))
                    }
                    None | Some(OwnerSays::Quiet) if fires => Some(OwnerSays::Firing(severity)),
                    None | Some(OwnerSays::Quiet) => Some(OwnerSays::Quiet),
                    Some(OwnerSays::Firing(loudest)) => Some(OwnerSays::Firing(loudest)),
                };
            }
            entry.owner = says;
        }
    }

    fn failed(&mut self, question: &Question, error: &BackendError, (asked, now): (Tick, Tick)) {
        let tier = interval(question, self.settings.poll);
        let known = self.failures.get(question);
        let round_failed = known.is_some_and(|known| known.asked == asked);
        let failure = Failure {
            said: error.failure(),
            cause: Arc::from(error.cause()),
            asked,
            since: known.map_or(now, |known| known.since),
        };
        self.failures.insert(question.clone(), failure);
        if let Some(wish) = error.retry_after {
            self.left_alone = self.left_alone.max(now + wish);
        }
        let is_load = matches!(question, Question::Window(_) | Question::History { .. });
        if error.kind == ErrorKind::TimedOut && is_load {
            // Less load is the answer to that; the next try is the tier's own.
            return;
        }
        if let Some(clock) = self.clocks.get_mut(question) {
            // A round that fails in several batches has failed once.
            clock.failures = clock.failures.saturating_add(u32::from(!round_failed));
            let grown = self.settings.poll * 2u32.saturating_pow(clock.failures.min(6));
            let wait = grown.min(BACKOFF_MAX).max(self.settings.poll);
            clock.next = (now + wait.min(tier)).max(self.left_alone);
        }
    }

    /// Half the load for an hour. Halved from what the batch was sent with, so that all batches of one round say
    /// the same; one that half the size would not have divided (the rest of a round, a few hot windows, a retry
    /// alone) says nothing.
    fn timed_out(&mut self, question: &Question, sent: usize, carried: usize, now: Tick) {
        let half = (sent / 2).max(1);
        if carried <= half {
            return;
        }
        let held = self.batch_size(question, now);
        let tier = interval(question, self.settings.poll);
        self.halved.insert(tier, (half.min(held), now + HOUR));
    }

    /// What was asked, not answered and never read is not missing from the server: it is not known, and why.
    fn leave_gaps(&mut self, question: &Question, items: &[Arc<str>], asked: Tick) {
        let Some(failure) = self.failures.get(question) else {
            return;
        };
        let fresh_for = interval(question, self.settings.poll) * 2;
        for name in items {
            if let Some(entry) = self.entries.get_mut(name) {
                entry.leave_gap(question, &failure.cause, (asked, fresh_for));
            }
        }
    }

    pub(super) fn found(&mut self, found: Found) {
        self.found_warnings = found.warnings;
        let names: BTreeSet<&str> = found.slos.iter().map(|slo| slo.name.as_str()).collect();
        self.entries.retain(|name, entry| {
            if names.contains(&**name) || !entry.is_found() {
                entry.absences = 0;
                return true;
            }
            entry.absences = entry.absences.saturating_add(1);
            // One search may fall into a gap of the recording, and lost data is to be seen, not hidden.
            entry.absences < FORGOTTEN_AFTER || !entry.is_void()
        });
        let configured: Vec<(String, String)> = self
            .entries
            .values()
            .filter(|e| !e.is_found())
            .map(|e| (e.slo.service.clone(), e.slo.name.clone()))
            .collect();
        for slo in found.slos {
            // Configured ones win over the same SLO found recorded.
            let known = configured.iter().any(|(service, name)| {
                *name == slo.name || (!service.is_empty() && format!("{service}-{name}") == slo.name)
            });
            if known {
                continue;
            }
            // Redefined by its owner: what was read of the old promise says nothing of the new one.
            let redefined = self
                .entries
                .get(slo.name.as_str())
                .is_some_and(|entry| *entry.slo != slo);
            if redefined {
                self.entries.remove(slo.name.as_str());
            }
            let name: Arc<str> = Arc::from(slo.name.as_str());
            self.entries.entry(name).or_insert_with(|| {
                let mut entry = Entry::new(slo);
                entry.owe_all();
                entry
            });
        }
    }
}

type Asked = (Tick, Duration);

impl Entry {
    fn put(&mut self, window: &str, reading: Reading, (at, fresh_for): Asked) {
        let timed = TimedReading {
            reading,
            at,
            fresh_for,
        };
        self.readings.windows.insert(window.to_owned(), timed);
    }

    /// A question that was refused before is answered: true where all windows were held back by it.
    fn accept(&mut self, question: &Question) -> bool {
        if self.refused.remove(question).is_none() {
            return false;
        }
        let windows = self.refused.len();
        if matches!(question, Question::Window(_)) {
            self.refused.clear();
        }
        windows > 0 && self.refused.is_empty()
    }

    fn refuse(&mut self, question: &Question, why: &Arc<str>, unreadable: Unreadable, asked: Asked) {
        // A second batch that was under way with the first says nothing new.
        let tries = match self.refused.get(question) {
            Some(known) if asked.0 < known.next => known.tries,
            Some(known) => known.tries + 1,
            None => 1,
        };
        let wait = (asked.1 * 5).max(REFUSED_FLOOR) * 2u32.saturating_pow((tries - 1).min(4));
        let next = asked.0 + wait.min(HOUR);
        let shortest = self.windows.first().map(|w| Question::Window(w.length()));
        let mut held = vec![(question.clone(), next)];
        if unreadable == Unreadable::Always {
            // No window of it reads: one retry stands for all.
            let far = asked.0 + HOUR * 24 * 365;
            for window in &self.windows {
                let of = Question::Window(window.length());
                let when = if Some(&of) == shortest.as_ref() { next } else { far };
                held.push((of, when));
            }
            held.push((Question::Spark, far));
            held.extend(self.history_question().map(|q| (q, far)));
        }
        for (held, next) in held {
            if let Question::Window(length) = &held
                && let Some(window) = self.window(*length).cloned()
            {
                self.put(window.name(), Reading::Error(Arc::clone(why)), asked);
            }
            self.refused.insert(held, Refusal { next, tries });
        }
    }

    fn leave_gap(&mut self, question: &Question, cause: &Arc<str>, asked: Asked) {
        let hidden: Vec<Window> = match question {
            Question::Window(length) => self.window(*length).cloned().into_iter().collect(),
            // Without its bucket no window of a latency SLO can be asked.
            Question::Bounds if self.le.is_none() => self.windows.clone(),
            Question::Discovery
            | Question::Bounds
            | Question::Spark
            | Question::History { .. }
            | Question::FirstSample { .. } => Vec::new(),
        };
        for window in hidden {
            let of = Question::Window(window.length());
            let unread = match self.readings.windows.get(window.name()).map(|t| &t.reading) {
                None | Some(Reading::Pending) => true,
                Some(Reading::Error(_)) => !self.refused.contains_key(&of),
                Some(Reading::Ratio { .. } | Reading::NoTraffic | Reading::NoData) => false,
            };
            if unread {
                self.put(window.name(), Reading::Error(Arc::clone(cause)), asked);
            }
        }
    }

    fn learn_window(&mut self, length: Duration, values: &Values, asked: Asked) {
        let Some(window) = self.window(length).cloned() else {
            return;
        };
        let reading = plan::reading(&self.slo, length, values);
        if window == self.slo.period {
            self.readings.total_rate = match &reading {
                Reading::Ratio {
                    events: Some(events), ..
                } => Some(events / length.as_secs_f64()),
                Reading::Ratio { events: None, .. }
                | Reading::NoTraffic
                | Reading::NoData
                | Reading::Error(_)
                | Reading::Pending => None,
            };
            self.readings.errors_never_seen =
                matches!(self.slo.sli, Sli::Events { .. }).then(|| values.errors_missing());
        }
        self.put(window.name(), reading, asked);
    }

    /// True where the bucket became known just now.
    fn learn_bounds(&mut self, bounds: &[String], asked: Asked) -> bool {
        let Sli::Latency { threshold, .. } = self.slo.sli else {
            return false;
        };
        let reading = match plan::bucket(threshold, bounds) {
            Some(Ok(matcher)) => {
                let anew = self.le.as_deref() != Some(matcher.as_str());
                self.le = Some(matcher);
                return anew;
            }
            Some(Err(why)) => Reading::Error(Arc::from(why)),
            None if self.le.is_some() => return false, // gone for now: the windows say so themselves
            None => Reading::NoData,
        };
        self.le = None;
        for window in self.windows.clone() {
            self.put(window.name(), reading.clone(), asked);
        }
        false
    }

    fn learn_spark(&mut self, points: &BTreeMap<i64, Values>) {
        let Some(window) = self.windows.first() else {
            return;
        };
        let budget = self.slo.objective.budget();
        let (at, burns) = points
            .iter()
            .filter_map(|(at, values)| {
                let burn = match plan::reading(&self.slo, window.length(), values) {
                    Reading::Ratio { error_ratio, .. } => error_ratio / budget,
                    Reading::NoTraffic => 0.0,
                    Reading::NoData | Reading::Error(_) | Reading::Pending => return None,
                };
                Some((DateTime::from_timestamp(*at, 0)?, burn))
            })
            .unzip();
        (self.readings.spark_at, self.readings.spark) = (at, burns);
        self.readings.spark_step = SPARK_STEP;
    }

    fn learn_history(
        &mut self,
        points: &BTreeMap<i64, Values>,
        period: Duration,
        step: Duration,
        asked: Now,
    ) {
        let mut history = Vec::with_capacity(points.len());
        let mut events_in = Vec::with_capacity(points.len());
        for (at, values) in points {
            let Some(at) = DateTime::from_timestamp(*at, 0) else {
                continue;
            };
            match plan::reading(&self.slo, step, values) {
                Reading::Ratio { error_ratio, events } => {
                    history.push((at, error_ratio));
                    events_in.push(events);
                }
                Reading::NoTraffic => {
                    history.push((at, 0.0));
                    events_in.push(Some(0.0));
                }
                Reading::NoData | Reading::Error(_) | Reading::Pending => {}
            }
        }
        self.readings.history = history.into();
        // All or nothing: a step without a number would weigh like none.
        self.readings.history_events = events_in
            .into_iter()
            .collect::<Option<Vec<f64>>>()
            .unwrap_or_default();
        let Some(first) = points.keys().next().copied() else {
            return;
        };
        let seconds = |d: Duration| i64::try_from(d.as_secs()).unwrap_or(i64::MAX);
        let begin = asked.utc.timestamp() - seconds(period);
        let from = first - seconds(step);
        if from <= begin {
            // The first point looks back to before the period began.
            self.readings.first_sample = DateTime::from_timestamp(begin.max(from), 0);
            self.begins = None;
            return;
        }
        let known = self
            .readings
            .first_sample
            .is_some_and(|at| (from - seconds(FIVE_MINUTES)..=first).contains(&at.timestamp()));
        if !known {
            self.readings.first_sample = DateTime::from_timestamp(from, 0);
            self.begins = Some((from, first));
        }
    }
}
