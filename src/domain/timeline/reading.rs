//! How a timeline is read: which kinds are shown, how its times are written, which follow-ups stand in it.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Event, EventKind, Starred, Timeline, Todo};
use crate::time::short_age;

/// Which kinds of event are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Group {
    /// All.
    #[default]
    All,
    /// What people did and said.
    People,
    /// Alerts and burn.
    Alerts,
    /// What changed in production: deploys, silences.
    Changes,
    /// Key moments.
    Starred,
}

impl Group {
    /// All, in the order in which a key goes through them.
    pub const ALL: [Self; 5] = [
        Self::All,
        Self::People,
        Self::Alerts,
        Self::Changes,
        Self::Starred,
    ];

    /// As a title writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::People => "people",
            Self::Alerts => "alerts and burn",
            Self::Changes => "changes",
            Self::Starred => "starred",
        }
    }

    /// The next one; after the last the first.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::All => Self::People,
            Self::People => Self::Alerts,
            Self::Alerts => Self::Changes,
            Self::Changes => Self::Starred,
            Self::Starred => Self::All,
        }
    }

    /// Whether an event is shown. What opens and ends an incident belongs to people and to alerts.
    pub fn shows(self, event: &Event) -> bool {
        use EventKind as K;
        match self {
            Self::All => true,
            Self::Starred => event.starred == Starred::Yes,
            Self::People => matches!(
                event.kind,
                K::Triggered
                    | K::Acknowledged
                    | K::Unacknowledged
                    | K::Assigned
                    | K::Escalated
                    | K::Note
                    | K::StatusUpdate
                    | K::Command
                    | K::Resolved
            ),
            Self::Alerts => matches!(
                event.kind,
                K::AlertFired
                    | K::AlertResolved
                    | K::AlertGone
                    | K::BurnStarted
                    | K::BurnStopped
                    | K::Triggered
                    | K::Resolved
            ),
            Self::Changes => matches!(event.kind, K::Deploy | K::Silence),
        }
    }
}

/// How the times of a timeline are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Stamp {
    /// `03:02:11Z`, with the date where it is not today's.
    #[default]
    Absolute,
    /// `12m ago`.
    Ago,
    /// `+4m` from the begin of the incident.
    SinceStart,
}

impl Stamp {
    /// The next one; after the last the first.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Absolute => Self::Ago,
            Self::Ago => Self::SinceStart,
            Self::SinceStart => Self::Absolute,
        }
    }

    /// A moment, as of `now`, in an incident that began at `start`.
    pub fn write(self, at: DateTime<Utc>, now: DateTime<Utc>, start: DateTime<Utc>) -> String {
        match self {
            Self::Absolute if at.date_naive() == now.date_naive() => at.format("%H:%M:%SZ").to_string(),
            Self::Absolute => at.format("%m-%d %H:%MZ").to_string(),
            Self::Ago => match (now - at).to_std() {
                Ok(age) => format!("{} ago", short_age(age)),
                Err(_) => format!("in {}", short_age((at - now).to_std().unwrap_or_default())),
            },
            Self::SinceStart => match (at - start).to_std() {
                Ok(after) => format!("+{}", short_age(after)),
                Err(_) => format!("-{}", short_age((start - at).to_std().unwrap_or_default())),
            },
        }
    }
}

/// A length as a sentence writes it: `45 s`, `12 min`, `3 h 5 min`, `2 d 4 h`.
pub fn length_in_words(length: Duration) -> String {
    let s = length.as_secs();
    let two = |big: u64, unit: &str, small: u64, part: &str| match small {
        0 => format!("{big} {unit}"),
        small => format!("{big} {unit} {small} {part}"),
    };
    match s {
        0..60 => format!("{s} s"),
        60..3_600 => format!("{} min", s / 60),
        3_600..86_400 => two(s / 3_600, "h", s % 3_600 / 60, "min"),
        _ => two(s / 86_400, "d", s % 86_400 / 3_600, "h"),
    }
}

/// The follow-ups in a timeline, in its order: lines of notes and updates with `TODO`, less those of which a later line
/// with `DONE` and the same words says that they are done.
pub fn todos(timeline: &Timeline) -> Vec<Todo> {
    let mut open: Vec<Todo> = Vec::new();
    for event in &timeline.events {
        if !matches!(event.kind, EventKind::Note | EventKind::StatusUpdate) || super::is_void(event) {
            continue;
        }
        for line in event.text.lines() {
            if let Some(text) = after_word(line, "DONE") {
                open.retain(|todo| !todo.text.eq_ignore_ascii_case(&text));
            } else if let Some(text) = after_word(line, "TODO")
                && !open.iter().any(|todo| todo.text == text)
            {
                open.push(Todo {
                    event: event.id.clone(),
                    actor: event.actor.clone(),
                    at: event.at,
                    text,
                });
            }
        }
    }
    open
}

/// What a line says beside a word in capitals that stands alone in it; nothing where it says nothing else.
fn after_word(line: &str, word: &str) -> Option<String> {
    let alone = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
    let (before, after) = line.match_indices(word).find_map(|(at, _)| {
        let (before, rest) = line.split_at(at);
        let after = rest.get(word.len()..)?;
        (alone(before.chars().next_back()) && alone(after.chars().next())).then_some((before, after))
    })?;
    let trimmed = |text: &str| {
        let bare = text.trim_matches(|c: char| {
            c.is_whitespace() || matches!(c, ':' | '-' | '*' | '[' | ']' | '(' | ')')
        });
        bare.to_owned()
    };
    [after, before]
        .map(trimmed)
        .into_iter()
        .find(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::Delivery;
    use super::super::sample::{at, ours, story, told, utc};
    use super::*;

    fn texts(events: Vec<Event>) -> Vec<String> {
        let open = todos(&story(events)).into_iter();
        open.map(|todo| todo.text).collect()
    }

    #[test]
    fn todos_are_collected_as_scribes_write_them() {
        let note = |text: &str| told("R1", 0, EventKind::Note, "Jun", text);
        for (text, expected) in [
            ("TODO pin the pool", Some("pin the pool")),
            ("- TODO: pin the pool", Some("pin the pool")),
            ("- [ ] TODO(jun): pin", Some("jun): pin")),
            ("pin the pool TODO", Some("pin the pool")),
            ("first line\n  * TODO pin\nlast", Some("pin")),
            ("TODOs are many", None),
            ("a todo in passing", None),
            ("TODO", None),
            ("MY_TODO x", None),
            ("日本TODO 語", None),
            ("日 TODO 語", Some("語")),
        ] {
            assert_eq!(
                texts(vec![note(text)]).first().map(String::as_str),
                expected,
                "{text:?}"
            );
        }
    }

    #[test]
    fn what_is_done_or_was_taken_back_is_no_todo() {
        let note = |id: &str, text: &str| told(id, 0, EventKind::Note, "Jun", text);
        let two = note("R1", "TODO pin the pool\nTODO raise the limit\nTODO pin the pool");
        assert_eq!(texts(vec![two.clone()]), ["pin the pool", "raise the limit"]);
        assert_eq!(
            texts(vec![two, note("R2", "DONE: Pin the pool")]),
            ["raise the limit"]
        );
        let void = ours(Delivery::Cancelled, note("outbox-1", "TODO never said"));
        let alert = told(
            "j1",
            0,
            EventKind::AlertFired,
            "",
            "TODO an alert's words are nobody's promise",
        );
        assert!(texts(vec![void, alert]).is_empty());
    }

    #[test]
    fn times_are_written_as_asked() {
        let now = at(750);
        assert_eq!(Stamp::Absolute.write(at(60), now, utc()), "03:03:00Z");
        assert_eq!(Stamp::Absolute.write(at(-86_400), now, utc()), "11-19 03:02Z");
        assert_eq!(Stamp::Ago.write(at(30), now, utc()), "12m ago");
        assert_eq!(Stamp::Ago.write(at(810), now, utc()), "in 1m");
        assert_eq!(Stamp::SinceStart.write(at(240), now, utc()), "+4m");
        assert_eq!(Stamp::SinceStart.write(at(-30), now, utc()), "-30s");
        for (seconds, words) in [
            (45, "45 s"),
            (720, "12 min"),
            (11_100, "3 h 5 min"),
            (187_200, "2 d 4 h"),
        ] {
            assert_eq!(length_in_words(Duration::from_secs(seconds)), words);
        }
    }

    #[test]
    fn every_kind_is_in_a_group_or_only_in_all() {
        let alone: Vec<&str> = EventKind::ALL
            .into_iter()
            .map(|kind| told("x", 0, kind, "", ""))
            .filter(|event| {
                !Group::ALL
                    .iter()
                    .any(|group| *group != Group::All && group.shows(event))
            })
            .map(|event| event.kind.word())
            .collect();
        assert_eq!(alone, ["other"]);
        assert!(Group::ALL.iter().all(|group| Group::ALL.contains(&group.next())));
    }
}
