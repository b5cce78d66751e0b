//! Where an alert stands, in words: who has it, what hides it, how it ended, how severe its team calls it.

use crate::domain::alert::{AckState, Alert, AlertState, Flaps, SeverityRank};
use crate::domain::oneself::YOU;
use crate::text::SafeText;
use crate::theme::Role;
use crate::view::widget::Piece;
use crate::view::{Scene, figures};

/// The role of a severity.
fn severity_role(rank: SeverityRank) -> Role {
    match rank {
        SeverityRank::Critical => Role::SeverityCritical,
        SeverityRank::Warning => Role::SeverityWarning,
        SeverityRank::Info => Role::SeverityInfo,
        SeverityRank::Other => Role::Text,
    }
}

/// `CRIT`, `WARN`, `SEV1`: the label as its team writes it, in four cells.
pub(in crate::view) fn severity(raw: Option<&str>) -> Piece<'static> {
    let Some(raw) = raw.filter(|raw| !raw.is_empty()) else {
        return Piece::word("–", Role::TextMuted);
    };
    let word: String = SafeText::line(raw).as_str().chars().take(4).collect();
    Piece::own(word.to_uppercase(), severity_role(SeverityRank::of(raw)))
}

/// A person as a row names them: without the domain, and `you` for oneself.
pub(in crate::view) fn person(scene: Scene, who: &str) -> String {
    if scene.us.are(who) {
        return YOU.to_owned();
    }
    let short = who.split_once('@').map_or(who, |(name, _)| name);
    SafeText::line(if short.is_empty() { who } else { short }).into_string()
}

/// Whether a row is shown as something that needs nobody now.
pub(super) fn is_quiet(alert: &Alert) -> bool {
    match alert.state {
        AlertState::Gone | AlertState::Resolved => true,
        AlertState::Suppressed => matches!(alert.ack, AckState::None),
        AlertState::Active | AlertState::Unprocessed => false,
    }
}

/// Where an alert stands, in words: who has it, what hides it, how it ended.
pub(in crate::view) fn standing(scene: Scene, alert: &Alert) -> Vec<Piece<'static>> {
    let mut pieces = vec![standing_word(scene, alert)];
    if alert.flaps.0 >= Flaps::MARK {
        pieces.push(Piece::own(
            format!(" · flaps {}×", alert.flaps.0),
            Role::StateStale,
        ));
    }
    pieces
}

fn standing_word(scene: Scene, alert: &Alert) -> Piece<'static> {
    if let Some(act) = scene.model.acts.on_alert(alert.occurrence.fingerprint) {
        return Piece::word(act.word(), Role::StateBusy);
    }
    let now = scene.still.utc;
    let ended = |word| {
        let at = alert.ended_at.unwrap_or(alert.updated_at);
        format!("{word} {}", figures::row_age(figures::since(at, now)))
    };
    match (alert.state, &alert.ack) {
        (AlertState::Gone, _) => return Piece::own(ended("gone"), Role::TextDim),
        (AlertState::Resolved, _) => return Piece::own(ended("resolved"), Role::StateOk),
        (AlertState::Active | AlertState::Suppressed | AlertState::Unprocessed, _) => {}
    }
    match &alert.ack {
        AckState::Held(ack) => {
            let role = if scene.us.are(&ack.by) {
                Role::AckMine
            } else {
                Role::AckOther
            };
            let age = figures::row_age(figures::since(ack.at, now));
            Piece::own(format!("acked {} {age}", person(scene, &ack.by)), role)
        }
        AckState::Partly(part) => {
            let at = SafeText::line(&part.at.join(", ")).into_string();
            Piece::own(
                format!("acked {} at {at} only", person(scene, &part.ack.by)),
                Role::StateStale,
            )
        }
        AckState::HiddenBy(ack) => Piece::own(
            format!("hidden by ack of {}", person(scene, &ack.by)),
            Role::StateStale,
        ),
        AckState::None if alert.state == AlertState::Suppressed => {
            Piece::own(hidden_by(scene, alert), Role::TextDim)
        }
        AckState::None if alert.state == AlertState::Unprocessed => {
            Piece::word("not routed yet", Role::TextMuted)
        }
        AckState::None => Piece::word("unacked", urgency(alert.severity.as_deref())),
    }
}

/// What nobody has stands out only where it is critical: a screen full of bold words shows none.
pub(super) fn urgency(severity: Option<&str>) -> Role {
    match SeverityRank::of(severity.unwrap_or_default()) {
        SeverityRank::Critical => Role::TextStrong,
        SeverityRank::Warning | SeverityRank::Other | SeverityRank::Info => Role::Text,
    }
}

/// What suppresses an alert, in a word.
fn hidden_by(scene: Scene, alert: &Alert) -> String {
    if !alert.silenced_by.is_empty() {
        return "silenced".to_owned();
    }
    let board = scene.model.alerts.shown();
    if let Some(first) = board.and_then(|board| board.inhibitors(alert).next()) {
        return match first {
            Ok(by) => format!("inhibited by {}", SafeText::line(&by.name)),
            Err(_) => "inhibited".to_owned(),
        };
    }
    match alert.muted_by.first() {
        Some(interval) => format!("muted: {}", SafeText::line(interval)),
        None => "suppressed".to_owned(),
    }
}
