//! The line below the top bar that says, for as long as it holds, that nobody was woken and who to phone.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::widget::{self, Piece, words};
use super::{Scene, hints};
use crate::action::Action;
use crate::app::Model;
use crate::app::banner::{Hindrance, Undelivered, undelivered};
use crate::app::incidents::called;
use crate::text::SafeText;
use crate::theme::Role;
use crate::time::Now;

/// Draws the banner into its row; nothing where all was delivered.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect) {
    let Some((first, count)) = undelivered(scene.model, scene.now).filter(|_| !area.is_empty()) else {
        return;
    };
    let role = Role::ContextDanger;
    buffer.set_style(area, scene.theme.style(role));
    let word = word(first.why);
    let mut text = format!(
        "! {word} {}: {}",
        words::stepped(first.age),
        whom(&first, scene.now)
    );
    if count > 1 {
        let more = format!(" · {} more", count - 1);
        text.push_str(&more);
    }
    if matches!(
        first.why,
        Hindrance::Refused | Hindrance::NobodyReached | Hindrance::NotAllReached
    ) && let Some(key) = hints::key(scene, Action::Back)
    {
        let how = format!(" · {key} takes this down");
        text.push_str(&how);
    }
    if let Some(key) = hints::key(scene, Action::OutboxList) {
        let how = format!(" · {key} outbox");
        text.push_str(&how);
    }
    // What was said comes last: it may be long, and the keys must stay in sight.
    let says = match first.why {
        Hindrance::Refused
        | Hindrance::NotSaved
        | Hindrance::Asks
        | Hindrance::NobodyReached
        | Hindrance::NotAllReached => true,
        Hindrance::Saving | Hindrance::NotDelivered => false,
    };
    if let Some(said) = first.said.filter(|_| says) {
        let said = format!(" · {}", SafeText::line(said));
        text.push_str(&said);
    }
    scene.line(buffer, widget::after(area, 1), &[Piece::own(text, role)]);
}

/// The same as a line for ears; its age aside, which is nothing to be told anew.
pub(crate) fn words(model: &Model, now: Now) -> Option<String> {
    let (first, count) = undelivered(model, now)?;
    let more = match count {
        0 | 1 => String::new(),
        count => format!(", and {} more", count - 1),
    };
    Some(format!("{}: {}{more}", word(first.why), whom(&first, now)))
}

fn word(why: Hindrance) -> &'static str {
    match why {
        Hindrance::Saving => "ESCALATION NOT SAVED YET",
        Hindrance::NotSaved => "ESCALATION NOT SAVED",
        Hindrance::Refused => "ESCALATION REFUSED",
        Hindrance::Asks => "ESCALATION NOT CLEAR",
        Hindrance::NobodyReached => "NOBODY WAS REACHED",
        Hindrance::NotAllReached => "NOT EVERYBODY WAS REACHED",
        Hindrance::NotDelivered => "ESCALATION NOT DELIVERED",
    }
}

/// Which incident and level it is about, and who is to be phoned.
fn whom(first: &Undelivered<'_>, now: Now) -> String {
    let label = first.label.split_whitespace().next().unwrap_or_default();
    let mut text = SafeText::line(label).into_string();
    if let Some(level) = first.to {
        let to = match first.why {
            Hindrance::NobodyReached | Hindrance::NotAllReached => "on",
            Hindrance::Saving
            | Hindrance::NotSaved
            | Hindrance::Refused
            | Hindrance::Asks
            | Hindrance::NotDelivered => "to",
        };
        let level = format!(" {to} level {level}");
        text.push_str(&level);
    }
    let phone: Vec<String> = first
        .phone
        .iter()
        .map(|phone| {
            let who = called(phone.person);
            let policy = phone
                .policy
                .map_or_else(String::new, |policy| format!(" of {}", SafeText::line(policy)));
            match &phone.person.phone {
                Some(number) => format!("{who}{policy} {}", SafeText::line(number)),
                None => format!("{who}{policy} (no number known)"),
            }
        })
        .collect();
    let phone = if phone.is_empty() {
        "whoever is on call there".to_owned()
    } else {
        phone.join(", ")
    };
    text.push_str("; phone ");
    text.push_str(&phone);
    // The oldest word of them is as good as all of it.
    if let Some(as_of) = first.phone.iter().filter_map(|phone| phone.as_of).min() {
        let day = now.utc.date_naive() == as_of.date_naive();
        let form = if day { "%H:%MZ" } else { "%Y-%m-%d %H:%MZ" };
        let as_of = format!(" (as of {})", as_of.format(form));
        text.push_str(&as_of);
    }
    text
}
