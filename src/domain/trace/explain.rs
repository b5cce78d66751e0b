//! What a trace comes to: the one line that explains it, and who owns its time.
//!
//! Names within are remote; whoever shows the line passes it through [`crate::text::SafeText`].

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::blame::{Fate, NOT_SAID, Origins};
use super::critical::{BOTTLENECK, CriticalPath};
use super::scale::lasting;
use super::selftime::SelfTimes;
use super::summary::Lasted;
use super::{Kind, Nanos, Remark, Row, Status, Timing, Trace};
use crate::text::{Cut, cut};

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

/// The one line: `checkout 2.31 s: 71% payments.Charge, 3 failed attempts, origin card-gw 503 at +412 ms, handled at
/// api`.
pub fn line(trace: &Trace, timing: &Timing, path: &CriticalPath, origins: &Origins) -> String {
    let root = trace.span(trace.primary());
    let whole = timing.of(root.row);
    let mut parts: Vec<String> = Vec::new();
    let bottlenecks = path.bottlenecks(trace, BOTTLENECK);
    if let Some(first) = bottlenecks.first() {
        let operation = trace.operation(first.operation);
        let mut part = format!(
            "{} {}",
            share(first.nanos, path),
            joined(&operation.service, &operation.name)
        );
        if first.spans > 1 {
            let _ = write!(part, " ×{}", first.spans); // writing to a String cannot fail
        }
        if is_cut_short(trace, origins, first.row) {
            part.push_str(" (cancelled)");
        }
        parts.push(part);
    } else {
        parts.extend(spread(trace, path));
    }
    if let Some(origin) = origins.origins.first() {
        if origin.attempts.len() > 1 {
            parts.push(format!("{} failed attempts", origin.attempts.len()));
        }
        let span = trace.span(origin.row);
        let what = match (origin.what.as_str(), &origin.message) {
            (NOT_SAID, Some(message)) => cut(first_line(message), MOST_SAID, Cut::End),
            (what, _) => what.into(),
        };
        let since = |at: Nanos| lasting(at.0.saturating_sub(whole.from.0).max(0) as u64);
        // What happened behind the end of the request was felt when somebody gave up waiting for it.
        let when = if origin.at > whole.to && origin.showed < origin.at {
            format!(", given up at +{}", since(origin.showed))
        } else {
            format!(" at +{}", since(origin.at))
        };
        parts.push(format!("origin {} {what}{when}", span.service));
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

/// Services that are named where no operation stands out.
const NAMED: usize = 2;
/// Cells of what a failure says of itself.
const MOST_SAID: usize = 60;

fn share(nanos: u64, path: &CriticalPath) -> String {
    let share = nanos as f64 / path.whole().nanos().max(1) as f64;
    format!("{:.0}%", (share * 100.0).min(100.0))
}

fn first_line(text: &str) -> &str {
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default()
}

/// Whose the path is where no operation has much of it: `28% checkout in 10 spans`, the largest services.
fn spread(trace: &Trace, path: &CriticalPath) -> Vec<String> {
    let mut services: BTreeMap<&Arc<str>, (u64, usize)> = BTreeMap::new();
    for step in path.steps().iter().filter(|step| step.own > 0) {
        let (nanos, spans) = services.entry(trace.span(step.row).service).or_default();
        *nanos = nanos.saturating_add(step.own);
        *spans += 1;
    }
    let mut services: Vec<(&Arc<str>, (u64, usize))> = services.into_iter().collect();
    services.sort_by_key(|(_, (nanos, _))| std::cmp::Reverse(*nanos));
    let named = services.into_iter().take(NAMED);
    named
        .map(|(service, (nanos, spans))| {
            let of = if spans == 1 { "span" } else { "spans" };
            format!("{} {service} in {spans} {of}", share(nanos, path))
        })
        .collect()
}

/// Whether a span was cancelled because something else failed: itself, the client of it, or the server behind it.
fn is_cut_short(trace: &Trace, origins: &Origins, row: Row) -> bool {
    let is_victim = |row: Row| origins.victims.binary_search(&row).is_ok();
    let server = |row: &Row| trace.span(*row).kind == Kind::Server;
    let client = trace.parent(row).filter(|_| server(&row));
    is_victim(row)
        || client.is_some_and(is_victim)
        || trace.span(row).kind == Kind::Client && trace.children(row).filter(server).any(is_victim)
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

/// An operation with whose it is: `payments.Charge`. Remote.
pub fn joined(service: &str, operation: &str) -> String {
    if operation.is_empty() {
        service.to_owned()
    } else {
        format!("{service}.{operation}")
    }
}

#[cfg(test)]
mod tests {
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
            "checkout 2.31 s: 74% payments.Charge, 2 failed attempts, origin card-gw no at +412 ms, handled at checkout"
        );
        let times = SelfTimes::of(&trace, trace.timing());
        let totals = services(&trace, &times, &path);
        let names: Vec<&str> = totals.iter().map(|total| &*total.service).collect();
        assert_eq!(names, ["payments", "card-gw", "checkout"]);
        let on_path: u64 = totals.iter().map(|total| total.on_path).sum();
        assert_eq!(on_path, path.whole().nanos());
    }

    fn line_of(spans: &[super::super::tests::Made]) -> String {
        let trace = trace(spans);
        let path = CriticalPath::of(&trace, trace.timing(), trace.primary());
        let origins = Origins::of(&trace, trace.timing(), Some(&path));
        line(&trace, trace.timing(), &path, &origins)
    }

    #[test]
    fn where_no_operation_stands_out_the_services_are_named() {
        let names = ["shop.a", "shop.b", "shop.c", "pay.d", "pay.e", "web.f"];
        let mut spans = vec![made(1, 0, 1_000, 1_090, "web.get").kind(Kind::Server)];
        for (index, name) in (0..).zip(names) {
            let from = 1_000 + 15 * index;
            spans.push(made(2 + index as u64, 1, from, from + 15, name));
        }
        assert_eq!(
            line_of(&spans),
            "web 90 ms: 50% shop in 3 spans, 33% pay in 2 spans"
        );
    }

    #[test]
    fn attempts_that_failed_are_counted_though_the_last_one_went_well() {
        let call = |id, from| made(id, 1, from, from + 100, "web.pay").kind(Kind::Client);
        let said = line_of(&[
            made(1, 0, 1_000, 1_500, "web.get").kind(Kind::Server),
            call(2, 1_010).failed("503"),
            call(3, 1_150).failed("503"),
            call(4, 1_300),
        ]);
        assert!(said.contains("2 failed attempts, origin web 503"), "{said}");
    }

    #[test]
    fn what_was_given_up_is_dated_by_that_and_a_cancelled_call_is_called_so() {
        let said = line_of(&[
            made(1, 0, 1_000, 3_010, "web.pay")
                .kind(Kind::Server)
                .failed("500"),
            made(2, 1, 1_005, 3_000, "web.confirm")
                .kind(Kind::Client)
                .failed("Read timed out"),
            made(3, 2, 1_008, 3_800, "shop.acquire").failed("pool exhausted\nsecond line"),
            made(5, 1, 1_004, 3_005, "web.hold")
                .kind(Kind::Client)
                .failed("context canceled"),
        ]);
        assert_eq!(
            said,
            "web 2.01 s: 100% web.hold (cancelled), origin shop pool exhausted, given up at +2 s"
        );
    }
}
