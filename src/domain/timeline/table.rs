//! A timeline as text: one line an event, further lines of a note below it.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::{Delivery, Starred, Timeline};
use crate::text::{SafeText, fit};

/// Cells of the columns before the words.
const KIND: usize = 14;
const ACTOR: usize = 16;

/// The timeline as text, oldest first; what is missing from it last.
pub fn timeline_text(timeline: &Timeline, now: DateTime<Utc>) -> String {
    let mut out = String::new();
    if timeline.events.is_empty() {
        out.push_str("nothing happened\n");
    }
    let date = |at: DateTime<Utc>| at.date_naive();
    let one_day = timeline.events.iter().all(|event| date(event.at) == date(now));
    let format = if one_day {
        "%H:%M:%SZ"
    } else {
        "%Y-%m-%d %H:%M:%SZ"
    };
    for event in &timeline.events {
        let star = match event.starred {
            Starred::Yes => '*',
            Starred::No => ' ',
        };
        let kind = fit(event.kind.word(), KIND);
        let actor = fit(
            SafeText::line(event.actor.as_deref().unwrap_or("-")).as_str(),
            ACTOR,
        );
        let head = format!("{star} {}  {kind}  {actor}  ", event.at.format(format));
        let indent = " ".repeat(head.chars().count());
        let mut lines = SafeText::lines(&event.text);
        let first = lines.next().unwrap_or_default();
        let delivery = match event.delivery {
            Delivery::Local | Delivery::Confirmed => String::new(),
            Delivery::Pending
            | Delivery::Sending
            | Delivery::NeedsDecision
            | Delivery::Failed
            | Delivery::Cancelled => {
                format!("  [{}]", event.delivery.word().replace('_', " "))
            }
        };
        let _ = writeln!(out, "{}", format!("{head}{first}{delivery}").trim_end());
        for line in lines {
            let _ = writeln!(out, "{}", format!("{indent}{line}").trim_end());
        }
    }
    for missing in &timeline.partial {
        let _ = writeln!(out, "! not whole: {}", SafeText::line(missing)); // a String takes all
    }
    out
}
