//! The figures of a span: how many incidents, how fast they were answered, against the configured targets.
//!
//! Means are over the incidents that reached the moment in question; how many those are is always said.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::domain::alert::plan::counted;
use crate::domain::alert::table::{columns, safe};
use crate::domain::document::{Remarks, document, time};
use crate::domain::incident::Facts;
use crate::domain::timeline::reading::length_in_words;

/// How fast incidents of a severity are to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `SEV2`.
    pub severity: String,
    /// From begin to acknowledged.
    pub acknowledge: Option<Duration>,
    /// From begin to resolved.
    pub resolve: Option<Duration>,
}

/// A mean, and over how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mean {
    /// The mean; none where there are none.
    pub mean: Option<Duration>,
    /// Over how many.
    pub of: usize,
}

/// How many were answered in time, of those whose time is known or over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InTime {
    /// The target.
    pub target: Duration,
    /// In time.
    pub met: usize,
    /// In time or too late.
    pub of: usize,
}

/// The figures of one group of incidents.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// `all`, `SEV2`, `checkout`.
    pub name: String,
    /// How many.
    pub count: usize,
    /// Of them not over.
    pub open: usize,
    /// Mean time to acknowledge.
    pub mtta: Mean,
    /// Mean time to escalate, of those that were.
    pub mtte: Mean,
    /// Mean time to mitigate.
    pub mttm: Mean,
    /// Mean time to resolve.
    pub mttr: Mean,
    /// Acknowledged in time, where there is a target.
    pub acknowledged: Option<InTime>,
    /// Resolved in time, where there is a target.
    pub resolved: Option<InTime>,
}

/// The figures of a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// From when on incidents are counted.
    pub since: DateTime<Utc>,
    /// All of them.
    pub all: Figures,
    /// By severity, in the order of their names.
    pub by_severity: Vec<Figures>,
    /// By service, the most incidents first.
    pub by_service: Vec<Figures>,
}

/// Counts.
pub fn stats(facts: &[Facts], targets: &[Target], since: DateTime<Utc>, now: DateTime<Utc>) -> Stats {
    let counted: Vec<&Facts> = facts.iter().filter(|facts| facts.created_at >= since).collect();
    let mut severities: BTreeMap<&str, Vec<&Facts>> = BTreeMap::new();
    let mut services: BTreeMap<&str, Vec<&Facts>> = BTreeMap::new();
    for &facts in &counted {
        severities
            .entry(facts.severity.as_deref().unwrap_or("none"))
            .or_default()
            .push(facts);
        services
            .entry(facts.service.as_deref().unwrap_or("none"))
            .or_default()
            .push(facts);
    }
    let target = |name: &str| {
        targets
            .iter()
            .find(|target| target.severity.eq_ignore_ascii_case(name))
    };
    let mut by_service: Vec<Figures> = services
        .iter()
        .map(|(name, facts)| figures(name, facts, None, now))
        .collect();
    by_service.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    Stats {
        since,
        all: figures("all", &counted, None, now),
        by_severity: severities
            .iter()
            .map(|(name, facts)| figures(name, facts, target(name), now))
            .collect(),
        by_service,
    }
}

fn figures(name: &str, facts: &[&Facts], target: Option<&Target>, now: DateTime<Utc>) -> Figures {
    let mean = |of: fn(&Facts) -> Option<Duration>| {
        let all: Vec<Duration> = facts.iter().filter_map(|facts| of(facts)).collect();
        let sum: Duration = all.iter().sum();
        Mean {
            mean: u32::try_from(all.len()).ok().and_then(|n| sum.checked_div(n)),
            of: all.len(),
        }
    };
    let in_time = |target: Duration, of: fn(&Facts) -> Option<Duration>| {
        let mut in_time = InTime {
            target,
            met: 0,
            of: 0,
        };
        for facts in facts {
            let reached = of(facts);
            let spent = reached.unwrap_or_else(|| (now - facts.created_at).to_std().unwrap_or_default());
            // what is still to come counts once it is too late
            if reached.is_some() || spent > target {
                in_time.of += 1;
            }
            if reached.is_some() && spent <= target {
                in_time.met += 1;
            }
        }
        in_time
    };
    Figures {
        name: name.to_owned(),
        count: facts.len(),
        open: facts.iter().filter(|facts| facts.resolved_at.is_none()).count(),
        mtta: mean(Facts::to_acknowledge),
        mtte: mean(Facts::to_escalate),
        mttm: mean(Facts::to_mitigate),
        mttr: mean(Facts::to_resolve),
        acknowledged: target
            .and_then(|target| target.acknowledge)
            .map(|target| in_time(target, acknowledged)),
        resolved: target
            .and_then(|target| target.resolve)
            .map(|target| in_time(target, Facts::to_resolve)),
    }
}

/// What resolved without anybody taking it was answered when it resolved.
fn acknowledged(facts: &Facts) -> Option<Duration> {
    facts.to_acknowledge().or_else(|| facts.to_resolve())
}

/// The figures as text: all, by severity, by service.
pub fn stats_text(stats: &Stats) -> String {
    let mut out = String::new();
    let Figures { count, open, .. } = stats.all;
    let since = stats.since.format("%Y-%m-%d %H:%MZ");
    let incidents = counted(count, "incident");
    let _ = writeln!(out, "{incidents} since {since}, {open} open"); // a String takes all
    if count == 0 {
        return out;
    }
    out.push('\n');
    let head = |what: &str| {
        let heads = [
            what,
            "COUNT",
            "OPEN",
            "MTTA",
            "MTTE",
            "MTTM",
            "MTTR",
            "ACKED IN TIME",
            "RESOLVED IN TIME",
        ];
        heads.map(str::to_owned).to_vec()
    };
    let mut rows = vec![head("SEVERITY"), row(&stats.all)];
    rows.extend(stats.by_severity.iter().map(row));
    out.push_str(&columns(&rows));
    out.push('\n');
    let mut rows = vec![head("SERVICE")];
    rows.extend(stats.by_service.iter().map(row));
    out.push_str(&columns(&rows));
    out
}

fn row(figures: &Figures) -> Vec<String> {
    let mean = |mean: Mean| {
        mean.mean.map_or_else(
            || "-".to_owned(),
            |length| format!("{} n={}", length_in_words(length), mean.of),
        )
    };
    let in_time = |in_time: Option<InTime>| {
        in_time.map_or_else(
            || "-".to_owned(),
            |t| format!("{} of {} in {}", t.met, t.of, length_in_words(t.target)),
        )
    };
    vec![
        safe(&figures.name),
        figures.count.to_string(),
        figures.open.to_string(),
        mean(figures.mtta),
        mean(figures.mtte),
        mean(figures.mttm),
        mean(figures.mttr),
        in_time(figures.acknowledged),
        in_time(figures.resolved),
    ]
}

/// The document of `incidents --stats --json`; durations in seconds.
pub fn stats_document(context: &str, stats: &Stats, remarks: &Remarks, now: DateTime<Utc>) -> String {
    let body = json!({
        "stats": {
            "since": time(stats.since),
            "all": figures_json(&stats.all),
            "by_severity": stats.by_severity.iter().map(figures_json).collect::<Vec<_>>(),
            "by_service": stats.by_service.iter().map(figures_json).collect::<Vec<_>>(),
        }
    });
    document(context, now, body, remarks)
}

fn figures_json(figures: &Figures) -> Value {
    let mean = |mean: Mean| mean.mean.map(|mean| mean.as_secs());
    let in_time = |in_time: Option<InTime>| {
        in_time.map(|t| json!({"target_seconds": t.target.as_secs(), "met": t.met, "of": t.of}))
    };
    json!({
        "name": figures.name,
        "count": figures.count,
        "open": figures.open,
        "mtta_seconds": mean(figures.mtta),
        "mtte_seconds": mean(figures.mtte),
        "mttm_seconds": mean(figures.mttm),
        "mttr_seconds": mean(figures.mttr),
        "mtta_of": figures.mtta.of,
        "mtte_of": figures.mtte.of,
        "mttm_of": figures.mttm.of,
        "mttr_of": figures.mttr.of,
        "acknowledged_in_time": in_time(figures.acknowledged),
        "resolved_in_time": in_time(figures.resolved),
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::domain::alert::desk::sample::utc;

    fn facts(id: &str, severity: Option<&str>, service: &str, minutes: [Option<i64>; 3]) -> Facts {
        let at = |n: Option<i64>| n.map(|n| utc() + TimeDelta::minutes(n));
        let [acknowledged, escalated, resolved] = minutes;
        Facts {
            incident: id.into(),
            severity: severity.map(Into::into),
            service: Some(service.into()),
            created_at: utc(),
            acknowledged_at: at(acknowledged),
            escalated_at: at(escalated),
            mitigated_at: None,
            resolved_at: at(resolved),
        }
    }

    fn sample() -> Stats {
        let mut old = facts("0", None, "cart", [None; 3]);
        old.created_at = utc() - TimeDelta::days(3);
        let all = [
            old,
            facts("1", Some("SEV1"), "checkout", [Some(4), None, Some(60)]),
            facts("2", Some("SEV1"), "checkout", [Some(8), Some(5), None]),
            facts("3", Some("SEV1"), "search", [None, None, None]),
            facts("4", None, "search\u{1b}", [None, None, Some(2)]),
        ];
        let targets = [Target {
            severity: "sev1".into(),
            acknowledge: Some(Duration::from_secs(300)),
            resolve: Some(Duration::from_secs(7_200)),
        }];
        stats(&all, &targets, utc(), utc() + TimeDelta::minutes(90))
    }

    #[test]
    fn means_are_over_those_that_got_there() {
        let stats = sample();
        let minutes = |n: u64| Some(Duration::from_secs(n * 60));
        assert_eq!((stats.all.count, stats.all.open), (4, 2));
        assert_eq!((stats.all.mtta.mean, stats.all.mtta.of), (minutes(6), 2));
        assert_eq!((stats.all.mttr.mean, stats.all.mttr.of), (minutes(31), 2));
        assert_eq!((stats.all.mtte.mean, stats.all.mttm.mean), (minutes(5), None));
        let services: Vec<_> = stats.by_service.iter().map(|f| (&*f.name, f.count)).collect();
        assert_eq!(services, [("checkout", 2), ("search", 1), ("search\u{1b}", 1)]);
    }

    #[test]
    fn what_nobody_took_counts_as_late_once_it_is() {
        let stats = sample();
        let sev1 = stats
            .by_severity
            .iter()
            .find(|f| f.name == "SEV1")
            .expect("counted");
        let acknowledged = sev1.acknowledged.expect("a target");
        assert_eq!(
            (acknowledged.met, acknowledged.of),
            (1, 3),
            "8 min is late, so is never"
        );
        let resolved = sev1.resolved.expect("a target");
        assert_eq!((resolved.met, resolved.of), (1, 1), "two hours are not over");
        assert_eq!(stats.by_severity[1].acknowledged, None, "no severity, no target");
    }

    #[test]
    fn the_figures_read_and_the_document_holds_no_nan() {
        let now = utc() + TimeDelta::minutes(90);
        insta::assert_snapshot!(stats_text(&sample()));
        let document: Value =
            serde_json::from_str(&stats_document("prod", &sample(), &Remarks::default(), now)).expect("JSON");
        assert_eq!(document["stats"]["all"]["mtta_seconds"], 360);
        assert_eq!(document["stats"]["all"]["mtta_of"], 2);
        assert_eq!(document["stats"]["all"]["mttm_seconds"], Value::Null);
        assert_eq!(document["stats"]["all"]["mttm_of"], 0);
        let nothing = stats(&[], &[], utc(), now);
        assert_eq!(
            stats_text(&nothing),
            "0 incidents since 2026-11-20 03:14Z, 0 open\n"
        );
    }
}
