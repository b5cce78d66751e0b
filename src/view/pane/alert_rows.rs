//! The cells of the alert pane's rows: an alert, a member of a group, a group's head with its tally.

use std::collections::BTreeSet;

use super::standing::{severity, standing, urgency};
use crate::domain::alert::{AckState, Alert, AlertGroup, AlertState, Flaps, Labels};
use crate::text::{Cut, SafeText, cut};
use crate::theme::Role;
use crate::view::widget::{Piece, width_of, words};
use crate::view::{Scene, figures};

/// An alert's cells; `name_width` is the room of its name.
pub(super) fn alert_cells<'a>(
    scene: Scene,
    group: &AlertGroup,
    alert: &'a Alert,
    name_width: usize,
) -> Vec<Vec<Piece<'a>>> {
    let member = group.alerts.len() > 1;
    let name = SafeText::line(&alert.name);
    // The end of a pod's name tells it from the next one: it is cut in the middle.
    let telling = |room: usize| {
        let value = SafeText::line(alert.telling_label(&group.key)?);
        (room > 3).then(|| {
            Piece::own(
                cut(value.as_str(), room, Cut::Middle).into_owned(),
                Role::TextMuted,
            )
        })
    };
    let mut pieces = Vec::new();
    // The head above has the name, so a member is named by what tells it from its siblings.
    let named_above = member && group.key.get("alertname").is_some();
    if member {
        pieces.push(Piece::word("  ", Role::Text));
    }
    match telling(name_width.saturating_sub(2)) {
        Some(value) if named_above => pieces.push(value),
        Some(_) | None => {
            let rest = name_width.saturating_sub(width_of(&pieces) + name.width() + 1);
            pieces.push(Piece::safe(name, Role::Text));
            pieces.push(Piece::word(" ", Role::TextMuted));
            pieces.extend(telling(rest));
        }
    }
    let age = figures::since(alert.occurrence.starts_at, scene.still.utc);
    vec![
        vec![severity(alert.severity.as_deref())],
        pieces,
        vec![Piece::safe(SafeText::line(&alert.service), Role::TextMuted)],
        vec![Piece::own(figures::row_age(age), Role::TextMuted)],
        standing(scene, alert),
    ]
}

/// A group's head; `name_width` is the room of its name, behind which stands how many they are.
pub(super) fn head_cells<'a>(scene: Scene, group: &'a AlertGroup, name_width: usize) -> Vec<Vec<Piece<'a>>> {
    let open = scene.model.alerts.unfolded.contains(&group.key);
    let tally = Tally::of(scene, group);
    let role = if tally.free > 0 {
        Role::Text
    } else {
        Role::TextMuted
    };
    let mut severity = severity(group.severity.as_deref());
    if tally.free + tally.taken == 0 {
        severity.role = Role::TextDim;
    }
    let first = group.alerts.first();
    let same = |of: fn(&Alert) -> &str| {
        let value = of(first?);
        group
            .alerts
            .iter()
            .all(|alert| of(alert) == value)
            .then_some(value)
    };
    let mut name = vec![Piece::word(if open { "▾ " } else { "▸ " }, Role::Accent)];
    let many = Piece::own(
        format!(" ×{}", words::count(group.alerts.len() as f64)),
        Role::TextStrong,
    );
    if let Some(value) = same(|alert| &alert.name) {
        let room = name_width.saturating_sub(width_of(&name) + many.width());
        let value = SafeText::line(value);
        name.push(Piece::own(cut(value.as_str(), room, Cut::End).into_owned(), role));
    } else if let Some(worst) = first {
        // Named by its worst, and how many other names it holds.
        let names: BTreeSet<&str> = group.alerts.iter().map(|alert| &*alert.name).collect();
        name.push(Piece::safe(SafeText::line(&worst.name), role));
        name.push(Piece::own(format!(" +{}", names.len() - 1), Role::TextMuted));
    } else {
        name.push(Piece::own(key_words(&group.key), role));
    }
    name.push(many);
    let service = match same(|alert| &alert.service) {
        Some(value) => Piece::safe(SafeText::line(value), Role::TextMuted),
        None => Piece::word("several", Role::TextDim),
    };
    let age = tally.oldest.map_or_else(String::new, |at| {
        figures::row_age(figures::since(at, scene.still.utc))
    });
    vec![
        vec![severity],
        name,
        vec![service],
        vec![Piece::own(age, Role::TextMuted)],
        tally.pieces(urgency(group.severity.as_deref())),
    ]
}

/// A group's key as words: `service=checkout env=prod`; what it is where there is none.
pub(in crate::view) fn key_words(key: &Labels) -> String {
    if key.is_empty() {
        return "(no labels in common)".to_owned();
    }
    let mut text = String::new();
    for (name, value) in key.iter() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(SafeText::line(name).as_str());
        text.push('=');
        text.push_str(SafeText::line(value).as_str());
    }
    text
}

/// How a group's alerts stand.
#[derive(Default)]
struct Tally {
    free: usize,
    taken: usize,
    hidden: usize,
    over: usize,
    busy: usize,
    /// What is being done to those that are busy.
    doing: &'static str,
    flapping: usize,
    oldest: Option<chrono::DateTime<chrono::Utc>>,
}

impl Tally {
    fn of(scene: Scene, group: &AlertGroup) -> Self {
        let acting = !scene.model.acts.pending.is_empty();
        let mut tally = Self::default();
        for alert in &group.alerts {
            let slot = match (alert.state, &alert.ack) {
                (AlertState::Gone | AlertState::Resolved, _) => &mut tally.over,
                (_, AckState::Held(_)) => &mut tally.taken,
                (AlertState::Suppressed, AckState::None) => &mut tally.hidden,
                (AlertState::Active | AlertState::Unprocessed, AckState::None)
                | (_, AckState::Partly(_) | AckState::HiddenBy(_)) => &mut tally.free,
            };
            *slot += 1;
            tally.flapping += usize::from(alert.flaps.0 >= Flaps::MARK);
            if acting && let Some(act) = scene.model.acts.on_alert(alert.occurrence.fingerprint) {
                tally.busy += 1;
                tally.doing = act.word();
            }
            let starts_at = alert.occurrence.starts_at;
            tally.oldest = Some(tally.oldest.map_or(starts_at, |oldest| oldest.min(starts_at)));
        }
        tally
    }

    fn pieces(&self, urgency: Role) -> Vec<Piece<'static>> {
        let all = self.free + self.taken + self.hidden + self.over;
        let parts = [
            (self.busy, self.doing, Role::StateBusy),
            (self.free, "unacked", urgency),
            (self.taken, "acked", Role::AckOther),
            (self.hidden, "suppressed", Role::TextDim),
            (self.over, "over", Role::TextDim),
            (self.flapping, "flapping", Role::StateStale),
        ];
        let mut pieces = Vec::new();
        for (count, word, role) in parts {
            if count == 0 {
                continue;
            }
            if !pieces.is_empty() {
                pieces.push(Piece::word(" · ", Role::TextDim));
            }
            // All of them: the count stands beside the name already.
            if count == all && word != "flapping" {
                pieces.push(Piece::word(word, role));
            } else {
                pieces.push(Piece::own(format!("{count} {word}"), role));
            }
        }
        pieces
    }
}
