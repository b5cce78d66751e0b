//! What a trace comes to: the one line that explains it, and who owns its time.
//!
//! Names within are remote; whoever shows the line passes it through [`crate::text::SafeText`].

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::blame::{Fate, Origins};
use super::critical::{BOTTLENECK, CriticalPath};
use super::scale::lasting;
use super::selftime::SelfTimes;
use super::summary::Lasted;
use super::{Remark, Status, Timing, Trace};

/// A service's part in a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceTotal {
    /// Which. Remote.
    pub service: Arc<str>,
    /// Its spans.
    pub spans: u32,
    /// Those that failed.
    pub errors: u32,
    /// Their self time, in nanoseconds: who owns the time.
    pub own: u64,
    /// What of it is on the critical path, in nanoseconds.
    pub on_path: u64,
}

/// Services by their part in the critical path, then by self time.
pub fn services(trace: &Trace, times: &SelfTimes, path: &CriticalPath) -> Vec<ServiceTotal> {
    let mut totals: BTreeMap<&Arc<str>, ServiceTotal> = BTreeMap::new();
    for span in trace.spans() {
        let total = totals.entry(span.service).or_insert_with(|| ServiceTotal {
            service: Arc::clone(span.service),
            spans: 0,
            errors: 0,
            own: 0,
            on_path: 0,
        });
        total.spans += 1;
        total.errors += u32::from(span.status == Status::Error);
        total.own = total.own.saturating_add(times.nanos(span.row));
    }
    for step in path.steps() {
        if let Some(total) = totals.get_mut(trace.span(step.row).service) {
            total.on_path = total.on_path.saturating_add(step.own);
        }
    }
    let mut all: Vec<ServiceTotal> = totals.into_values().collect();
    all.sort_by_key(|total| std::cmp::Reverse((total.on_path, total.own)));
    all
}

/// The one line: `checkout 2.31 s: 71% payments.Charge, 2 retries, origin card-gw 503 at +412 ms, handled at
/// api`.
pub fn line(trace: &Trace, timing: &Timing, path: &CriticalPath, origins: &Origins) -> String {
    let root = trace.span(trace.primary());
    let whole = timing.of(root.row);
    let mut parts: Vec<String> = Vec::new();
    let bottlenecks = path.bottlenecks(trace, BOTTLENECK);
    if let Some(first) = bottlenecks.first() {
        let operation = trace.operation(first.operation);
        let share = first.nanos as f64 / path.whole().nanos().max(1) as f64;
        let mut part = format!(
            "{:.0}% {}",
            (share * 100.0).min(100.0),
            joined(&operation.service, &operation.name)
        );
        if first.spans > 1 {
            let _ = write!(part, " ×{}", first.spans); // writing to a String cannot fail
        }
        parts.push(part);
    }
    if let Some(origin) = origins.origins.first() {
        let again = origin.attempts.len() - 1;
        if again > 0 {
            parts.push(format!(
                "{again} {}",
                if again == 1 { "retry" } else { "retries" }
            ));
        }
        let span = trace.span(origin.row);
        let after = lasting(origin.after(whole.from).as_nanos() as u64);
        parts.push(format!("origin {} {} at +{after}", span.service, origin.what));
        match origin.fate {
            Fate::ReachedRoot => {}
            Fate::HandledAt(row) => parts.push(format!("handled at {}", trace.span(row).service)),
            Fate::Unawaited => parts.push("nobody waited for it".to_owned()),
        }
        let others = origins.origins.len() - 1 + origins.more;
        if others > 0 {
            parts.push(format!(
                "{others} more {}",
                if others == 1 { "failure" } else { "failures" }
            ));
        }
    }
    if trace.remarks().iter().any(Remark::is_loss) {
        parts.push("not whole".to_owned());
    }
    let head = head(trace, timing);
    if parts.is_empty() {
        return head;
    }
    format!("{head}: {}", parts.join(", "))
}

/// How the one line begins: whose trace it is and how long that took, and of how much where others stand beside it.
pub fn head(trace: &Trace, timing: &Timing) -> String {
    let root = trace.span(trace.primary());
    let took = lasting(timing.of(root.row).nanos());
    match trace.took() {
        (_, Lasted::Root) => format!("{} {took}", root.service),
        (whole, Lasted::Whole) => {
            let whole = lasting(u64::try_from(whole.as_nanos()).unwrap_or(u64::MAX));
            if whole == took {
                format!("{} {took}", root.service)
            } else {
                format!("{} {took} of {whole}", root.service)
            }
        }
    }
}

fn joined(service: &str, operation: &str) -> String {
    if operation.is_empty() {
        service.to_owned()
    } else {
        format!("{service}.{operation}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::tests::{made, trace};
    use super::*;

    #[test]
    fn a_trace_of_several_roots_lasts_from_its_first_moment_to_its_last() {
        let head_of = |spans: &[super::super::tests::Made]| {
            let trace = trace(spans);
            (trace.took(), head(&trace, trace.timing()))
        };
        let alone = [
            made(1, 0, 1_000, 1_200, "web.get"),
            made(2, 1, 1_100, 4_000, "mail.send").kind(Kind::Consumer),
        ];
        let ms = std::time::Duration::from_millis;
        assert_eq!(
            head_of(&alone),
            ((ms(200), Lasted::Root), "web 200 ms".to_owned())
        );
        let [root, mail] = alone;
        let other = made(3, 0, 1_300, 1_400, "web.poll");
        let both = head_of(&[root, mail, other]);
        assert_eq!(both, ((ms(3_000), Lasted::Whole), "web 200 ms of 3 s".to_owned()));
        // A span whose parent did not come is no second root.
        let orphan = made(3, 9, 1_300, 1_400, "web.lost");
        assert_eq!(head_of(&[root, orphan]).0, (ms(200), Lasted::Root));
        let lost = [made(3, 9, 1_300, 1_400, "web.lost")];
        assert_eq!(head_of(&lost).0, (ms(100), Lasted::Whole));
    }

    #[test]
    fn one_line_says_who_took_the_time_where_it_failed_and_what_became_of_it() {
        let trace = trace(&[
            made(1, 0, 1_000, 3_310, "checkout.post").kind(Kind::Server),
            made(2, 1, 1_010, 3_300, "payments.Charge")
                .kind(Kind::Server)
                .failed("gave up"),
            made(3, 2, 1_020, 1_412, "card-gw.auth")
                .kind(Kind::Server)
                .failed("no"),
            made(4, 2, 1_500, 1_700, "card-gw.auth")
                .kind(Kind::Server)
                .failed("no"),
        ]);
        let path = CriticalPath::of(&trace, trace.timing(), trace.primary());
        let origins = Origins::of(&trace, trace.timing(), Some(&path));
        assert_eq!(
            line(&trace, trace.timing(), &path, &origins),
            "checkout 2.31 s: 74% payments.Charge, 1 retry, origin card-gw error at +412 ms, handled at checkout"
        );
        let times = SelfTimes::of(&trace, trace.timing());
        let totals = services(&trace, &times, &path);
        let names: Vec<&str> = totals.iter().map(|total| &*total.service).collect();
        assert_eq!(names, ["payments", "card-gw", "checkout"]);
        let on_path: u64 = totals.iter().map(|total| total.on_path).sum();
        assert_eq!(on_path, path.whole().nanos());
    }
}
