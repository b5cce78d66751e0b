//! The line below the top bar that says, for as long as it holds, that nobody was woken and who to phone.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::widget::{self, Piece};
use super::{Scene, figures, hints};
use crate::action::Action;
use crate::app::banner::{Hindrance, undelivered};
use crate::app::incidents::called;
use crate::text::SafeText;
use crate::theme::Role;

/// Draws the banner into its row; nothing where all was delivered.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect) {
    let Some((first, count)) = undelivered(scene.model, scene.now).filter(|_| !area.is_empty()) else {
        return;
    };
    let role = Role::ContextDanger;
    buffer.set_style(area, scene.theme.style(role));
    let word = match first.why {
        Hindrance::Saving => "ESCALATION NOT SAVED YET",
        Hindrance::NotSaved => "ESCALATION NOT SAVED",
        Hindrance::Refused => "ESCALATION REFUSED",
        Hindrance::Asks => "ESCALATION NOT CLEAR",
        Hindrance::NotDelivered => "ESCALATION NOT DELIVERED",
    };
    let mut text = format!(
        "! {word} {}: {} to level {}",
        figures::stepped(first.age),
        SafeText::line(first.label.split_whitespace().next().unwrap_or_default()),
        first.to
    );
    let phone: Vec<String> = first
        .phone
        .iter()
        .map(|person| match &person.phone {
            Some(number) => format!("{} {}", called(person), SafeText::line(number)),
            None => format!("{} (no number known)", called(person)),
        })
        .collect();
    let phone = if phone.is_empty() {
        "whoever is on call there".to_owned()
    } else {
        phone.join(", ")
    };
    text.push_str("; phone ");
    text.push_str(&phone);
    if let (Hindrance::Refused | Hindrance::NotSaved, Some(said)) = (first.why, first.said) {
        let said = format!(" · {}", SafeText::line(said));
        text.push_str(&said);
    }
    if count > 1 {
        let more = format!(" · {} more", count - 1);
        text.push_str(&more);
    }
    if first.why == Hindrance::Refused
        && let Some(key) = hints::key(scene, Action::Back)
    {
        let how = format!(" · {key} takes this down");
        text.push_str(&how);
    }
    if let Some(key) = hints::key(scene, Action::OutboxList) {
        let how = format!(" · {key} outbox");
        text.push_str(&how);
    }
    scene.line(buffer, widget::after(area, 1), &[Piece::own(text, role)]);
}
