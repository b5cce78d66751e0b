//! A timeline as text: one line an event, further lines of a note below it.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::{Delivery, Event, Starred, Timeline};
use crate::text::{SafeText, fit};

/// Cells of the columns before the words.
const KIND: usize = 14;
const ACTOR: usize = 16;

/// The incident that an event is of, where a story over several says so.
fn incident(event: &Event) -> &str {
    event.refs.get("incident").map_or("-", |id| id)
}

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
    // Of several incidents, which: where events say so.
    let widths = timeline
        .events
        .iter()
        .map(|event| incident(event).chars().count());
    let of = widths.max().filter(|cells| *cells > 1);
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
        let of = match of {
            Some(cells) => format!("{}  ", fit(SafeText::line(incident(event)).as_str(), cells)),
            None => String::new(),
        };
        let head = format!("{star} {}  {of}{kind}  {actor}  ", event.at.format(format));
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

#[cfg(test)]
mod tests {
    use super::super::EventKind;
    use super::super::sample::told;
    use super::*;

    #[test]
    fn a_story_over_several_incidents_says_of_which_each_event_is() {
        let mut events = vec![
            told("a", 0, EventKind::Resolved, "Mara", "resolved"),
            told("b", 10, EventKind::Resolved, "Jun", "resolved"),
            told("c", 20, EventKind::Deploy, "", "deploy 2.3.1"),
        ];
        let now = events[2].at;
        let text = |events: &[Event]| {
            let events = events.to_vec();
            let text = timeline_text(
                &Timeline {
                    events,
                    partial: Vec::new(),
                },
                now,
            );
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        };
        let of_one = text(&events);
        for (event, id) in events.iter_mut().zip(["local-1", "Q1AB2CD3EF4GH5"]) {
            event.refs.insert("incident".into(), id.into());
        }
        let of_all = text(&events);
        assert!(of_all[0].contains("Z  local-1         resolved"), "{of_all:?}");
        assert!(of_all[1].contains("Z  Q1AB2CD3EF4GH5  resolved"), "{of_all:?}");
        assert!(of_all[2].contains("Z  -               deploy"), "{of_all:?}");
        assert!(of_one[0].contains("Z  resolved"), "{of_one:?}");
    }
}
