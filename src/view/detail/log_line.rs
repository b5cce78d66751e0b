//! A log line, whole: what it says, and every field of it and of what the source knows beside it.

use super::Pages;
use crate::domain::log::scan::{Graded, Looking, scan};
use crate::domain::log::{Level, fields};
use crate::logstore::LineId;
use crate::logstore::chunk::{Entry, Told};
use crate::text::SafeText;
use crate::theme::Role;
use crate::view::pane::logs::{clock, level_word, role_of, service_role};
use crate::view::sheet::Sheet;
use crate::view::widget::Piece;
use crate::view::{Scene, hints};

/// Bytes of a message that are shown; a note or a copy has all of it.
const MOST_BYTES: usize = 64 * 1024;
/// Fields that are shown.
const MOST_FIELDS: usize = 400;

/// What says how grave a line is, where neither the source nor the line does.
fn graded_by(entry: &Entry<'_>) -> Option<&'static str> {
    let graded = |text: &[u8]| scan(text, Looking::ALL).graded;
    let told_by_line = |text: &[u8]| graded(text) == Graded::ByLine;
    let by_label = ["level", "detected_level", "severity"]
        .into_iter()
        .any(|name| entry.stream.label(name).is_some());
    let by_extra = scan(entry.extra, Looking::ALL).level != Level::Unknown && told_by_line(entry.extra);
    if by_label || by_extra {
        return None;
    }
    match (graded(&entry.text), graded(entry.extra)) {
        (Graded::ByTrace, _) => Some("The line tells no level; it is an error because it is a stack trace."),
        (Graded::ByStatus, _) | (_, Graded::ByStatus) => {
            Some("The line tells no level; it is an error by its status.")
        }
        (Graded::ByLine, Graded::ByLine | Graded::ByTrace) => None,
    }
}

/// The line at the left, its fields at the right.
pub(in super::super) fn pages(scene: Scene<'_>, id: LineId) -> Option<Pages<'_>> {
    let entry = scene.model.logs.drawn()?.snapshot.entry(id)?;
    let mut first = Sheet::default();
    let nanos = entry.at.0.rem_euclid(1_000_000_000);
    let day = entry.at.utc().format("%Y-%m-%d");
    let second: String = clock(scene, entry.at).chars().take(8).collect();
    let mut head = match entry.time() {
        Some(_) => vec![
            Piece::own(format!("{day} "), Role::TextMuted),
            Piece::own(second, Role::TextStrong),
            Piece::own(format!(".{nanos:09}  "), Role::TextMuted),
        ],
        None => vec![Piece::word("--:--:--  ", Role::TextMuted)],
    };
    head.push(Piece::word(level_word(entry.level), role_of(entry.level)));
    if let Some(service) = entry.service {
        let service = SafeText::line(service).into_owned();
        let role = service_role(service.as_str());
        head.push(Piece::word("  ", Role::Text));
        head.push(Piece::safe(service, role));
    }
    first.line(head);
    match entry.told {
        Told::Source => {}
        Told::Text => first.prose("The time stands in the line itself.", Role::TextMuted),
        Told::Nobody => first.prose(
            "The line tells no time; it has that of the line before it.",
            Role::TextMuted,
        ),
        Told::Order => first.prose(
            "Neither the line nor one before it tells a time; it stands where it arrived.",
            Role::TextMuted,
        ),
    }
    let parts = entry.parts().len();
    if parts > 1 {
        let said = format!("One entry of {parts} lines that came one by one.");
        first.prose(&said, Role::TextMuted);
    }
    if let Some(by) = graded_by(&entry) {
        first.prose(by, Role::TextMuted);
    }
    first.blank();
    let shown = entry.text.get(..MOST_BYTES).unwrap_or(&entry.text);
    let text = String::from_utf8_lossy(shown);
    let mut role = Role::Text;
    if let Some(message) = fields::message(shown) {
        first.prose(&message, Role::TextStrong);
        first.blank();
        // As it came, below what it says.
        role = Role::TextMuted;
    }
    for line in text.lines() {
        first.prose(line, role);
    }
    if entry.text.len() > MOST_BYTES {
        first.prose(
            &format!(
                "… {} bytes more: too much to show, and to copy.",
                entry.text.len() - MOST_BYTES
            ),
            Role::TextMuted,
        );
    }
    if let Some(trace) = entry.trace {
        first.blank();
        first.pair("trace", &trace.to_string(), Role::TextStrong);
        if let Some(span) = entry.span() {
            first.pair("span", &span, Role::Text);
        }
        if let Some(key) = hints::key(scene, crate::action::Action::Copy) {
            first.prose(&format!("{key} copies the id."), Role::TextMuted);
        }
    }
    let mut second = Sheet::default();
    let found = fields::fields(&entry.text, entry.extra);
    if !found.is_empty() {
        second.heading("Fields");
        for field in found.iter().take(MOST_FIELDS) {
            second.pair(&field.name, &field.value, Role::Text);
        }
        if found.len() > MOST_FIELDS {
            second.prose(
                &format!("and {} more", found.len() - MOST_FIELDS),
                Role::TextMuted,
            );
        }
    }
    if !entry.stream.labels.is_empty() {
        second.heading("Stream");
        for (name, value) in &entry.stream.labels {
            second.pair(name, value, Role::Text);
        }
    }
    Some(Pages {
        title: "Log line".to_owned(),
        fresh: None,
        first,
        second,
    })
}
