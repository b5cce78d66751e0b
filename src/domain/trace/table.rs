//! Traces as text: a list in columns.

use chrono::SecondsFormat;

use super::scale::lasting;
use super::summary::Lasted;
use super::{Nanos, Stretch, Summary};
use crate::domain::alert::table::{columns, safe};

/// `traces` as text, newest first; where there are none, of which time that is said.
pub fn traces_text(traces: &[Summary], during: Stretch) -> String {
    if traces.is_empty() {
        let said = |at: Nanos| at.utc().to_rfc3339_opts(SecondsFormat::Secs, true);
        return format!("no traces from {} to {}\n", said(during.from), said(during.to));
    }
    let whole = traces.iter().any(|trace| trace.lasted == Lasted::Whole);
    let head = [
        "START",
        // From the first moment to the last, where the source does not tell how long the root took.
        if whole { "WHOLE" } else { "DURATION" },
        "SPANS",
        "ERRORS",
        "SERVICE",
        "OPERATION",
        "TRACE",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(traces.iter().map(row));
    columns(&rows)
}

fn row(trace: &Summary) -> Vec<String> {
    let count = |count: Option<u32>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
    let name = |name: Option<&str>| safe(name.unwrap_or("-"));
    vec![
        trace.start.utc().to_rfc3339_opts(SecondsFormat::Millis, true),
        lasting(u64::try_from(trace.duration.as_nanos()).unwrap_or(u64::MAX)),
        count(trace.spans),
        count(trace.errors),
        name(trace.service.as_deref()),
        name(trace.operation.as_deref()),
        trace.id.to_string(),
    ]
}
