//! Pages of text: a write-up in Markdown, read as it is written; who is on call, by policy and level.

use chrono::{DateTime, Utc};

use crate::app::effect::WriteUp;
use crate::app::focus::Page;
use crate::domain::oncall::{Duty, Roster};
use crate::text::SafeText;
use crate::theme::Role;
use crate::view::Scene;
use crate::view::pane::{Freshness, Lack};
use crate::view::sheet::Sheet;
use crate::view::widget::Piece;
use crate::view::{figures, hints};

use super::Pages;

/// A page of text: one part, never beside another.
pub(super) fn pages<'a>(scene: Scene<'a>, page: &'a Page) -> Pages<'a> {
    let (title, sheet) = match page {
        Page::WriteUp(what) => (title(scene, what), write_up(scene, what)),
        Page::OnCall => ("On call".to_owned(), on_call(scene)),
        Page::Query => return super::query::pages(scene),
        // Drawn as a list; this page is never asked for its text.
        Page::Contexts => ("Contexts".to_owned(), Sheet::default()),
    };
    let fresh = match page {
        Page::WriteUp(_) | Page::Query | Page::Contexts => None,
        Page::OnCall => {
            let feed = &scene.model.incidents.roster;
            Some(Freshness {
                age: feed.age(scene.now.tick),
                interval: feed.interval,
                failure: feed.failure(),
                lack: Lack::Answer,
            })
        }
    };
    Pages {
        title,
        fresh,
        first: sheet,
        second: Sheet::default(),
    }
}

fn title(scene: Scene, what: &WriteUp) -> String {
    match what {
        WriteUp::PostMortem(id) => {
            let incident = scene.model.incidents.incident(id);
            match incident.and_then(|incident| incident.number) {
                Some(number) => format!("Post-mortem of #{number}"),
                None => format!("Post-mortem of {id}"),
            }
        }
        WriteUp::HandOff => "Hand-over".to_owned(),
        WriteUp::Stats => "Figures".to_owned(),
        WriteUp::Audit => "Audit log".to_owned(),
    }
}

fn write_up<'a>(scene: Scene<'a>, what: &WriteUp) -> Sheet<'a> {
    let mut sheet = Sheet::default();
    match &scene.model.written {
        Some((written, Ok(text))) if written == what => match what {
            WriteUp::Audit => audit(&mut sheet, text, scene.model.size.width),
            WriteUp::PostMortem(_) | WriteUp::HandOff | WriteUp::Stats => markdown(&mut sheet, text),
        },
        Some((written, Err(why))) if written == what => {
            sheet.prose(
                &format!("✗ it could not be put together: {why}"),
                Role::StateFailed,
            );
            if let Some(key) = hints::key(scene, crate::action::Action::Back) {
                sheet.prose(
                    &format!("{key} goes back; asking again tries again."),
                    Role::TextMuted,
                );
            }
        }
        Some(_) | None => sheet.prose("being put together…", Role::StateBusy),
    }
    sheet
}

/// The table of the audit log; where that is too wide, each entry beside its number, wrapped: what came of it stands last,
/// and is not to be cut.
fn audit(sheet: &mut Sheet, text: &str, width: u16) {
    /// The frame, and a cell on either side.
    const AROUND: usize = 4;
    let widest = text.lines().map(crate::text::width).max().unwrap_or(0);
    if widest + AROUND <= usize::from(width) {
        for (row, line) in text.lines().enumerate() {
            let role = if row == 0 { Role::TextDim } else { Role::Text };
            sheet.line(vec![Piece::own(SafeText::line(line).into_string(), role)]);
        }
        return;
    }
    for line in text.lines() {
        match entry(line) {
            Some((number, told)) => sheet.pair(number, &told, Role::Text),
            None if line.starts_with("SEQ") => {}
            None => sheet.prose(line, Role::Text),
        }
    }
}

/// A row of the audit table: its number, and its cells one behind the other.
fn entry(line: &str) -> Option<(&str, String)> {
    let mut cells = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty());
    let number = cells.next().filter(|cell| cell.parse::<u64>().is_ok())?;
    Some((number, cells.collect::<Vec<_>>().join(" · ")))
}

/// Markdown as it is written, its headings set off: whoever copies it wants it so.
fn markdown(sheet: &mut Sheet, text: &str) {
    for line in text.lines() {
        if line.trim().is_empty() {
            sheet.blank();
        } else if line.starts_with('#') {
            sheet.prose(line, Role::TextStrong);
        } else if line.starts_with('>') || line.starts_with("<!--") {
            sheet.prose(line, Role::TextMuted);
        } else {
            sheet.prose(line, Role::Text);
        }
    }
}

fn on_call(scene: Scene<'_>) -> Sheet<'_> {
    let mut sheet = Sheet::default();
    let feed = &scene.model.incidents.roster;
    let Some(roster) = feed.value() else {
        match feed.failure() {
            Some(why) => sheet.prose(&format!("✗ not known: {why}"), Role::StateFailed),
            None => sheet.prose("asking…", Role::StateBusy),
        }
        return sheet;
    };
    if let Some(missing) = &roster.partial {
        sheet.prose(&format!("! {missing}"), Role::StateStale);
    }
    if roster.duties.is_empty() {
        sheet.prose("Nobody is on call as far as is known.", Role::StateStale);
        return sheet;
    }
    for group in levels(roster) {
        let Some(first) = group.first() else { continue };
        sheet.line(vec![
            Piece::safe(SafeText::line(&first.policy.name), Role::Accent),
            Piece::own(format!("  level {}", first.level), Role::TextMuted),
        ]);
        let on_duty = |duty: &Duty| {
            group
                .iter()
                .any(|now| now.holds(scene.now.utc) && now.person.id == duty.person.id)
        };
        let mut now = group.iter().filter(|duty| duty.holds(scene.now.utc)).peekable();
        if now.peek().is_none() {
            sheet.prose("  nobody now", Role::StateStale);
        }
        for duty in now {
            sheet.line(duty_line(
                scene,
                "  now  ",
                duty,
                duty.end.map(|end| ("until", end)),
            ));
        }
        let next = group
            .iter()
            .find(|duty| duty.start.is_some_and(|start| start > scene.now.utc));
        if let Some(duty) = next {
            let again = if on_duty(duty) { "again from" } else { "from" };
            sheet.line(duty_line(
                scene,
                "  then ",
                duty,
                duty.start.map(|start| (again, start)),
            ));
        }
    }
    sheet
}

/// Duties by policy and level; the roster has them in this order.
fn levels(roster: &Roster) -> impl Iterator<Item = &[Duty]> {
    roster
        .duties
        .chunk_by(|one, other| one.policy.id == other.policy.id && one.level == other.level)
}

fn duty_line<'a>(
    scene: Scene<'a>,
    label: &'static str,
    duty: &'a Duty,
    bound: Option<(&'static str, DateTime<Utc>)>,
) -> Vec<Piece<'a>> {
    let mut line = vec![
        Piece::word(label, Role::TextMuted),
        Piece::safe(SafeText::line(&duty.person.name), Role::Text),
    ];
    // The number is what this page is opened for: it is never what is cut off.
    if let Some(phone) = &duty.person.phone {
        line.push(Piece::word("  ", Role::TextMuted));
        line.push(Piece::safe(SafeText::line(phone), Role::Text));
    }
    if let Some((word, at)) = bound {
        let moment = figures::moment(at, scene.now.utc, scene.model.zone);
        line.push(Piece::own(format!("  {word} {moment}"), Role::TextMuted));
    }
    if let Some(schedule) = &duty.schedule {
        line.push(Piece::word("  ", Role::TextMuted));
        line.push(Piece::safe(SafeText::line(&schedule.name), Role::TextDim));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_the_audit_table_is_read_cell_by_cell() {
        let line = "214  2026-11-20 03:09:02Z  jun@example.com  prod-eu  runbook.run          kubectl rollout undo    exit 0";
        let told =
            "2026-11-20 03:09:02Z · jun@example.com · prod-eu · runbook.run · kubectl rollout undo · exit 0";
        assert_eq!(entry(line), Some(("214", told.to_owned())));
        assert_eq!(entry("nothing has been done"), None);
        assert_eq!(entry("SEQ  AT  WHO"), None);
    }
}
