//! An alert opened: what it says, where to read on, who has it, what hides it, when it fired before.

use chrono::{DateTime, TimeDelta, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Pages;
use crate::app::focus::Detail;
use crate::app::incidents::short;
use crate::app::panes::{AlertPane, FIRINGS_STEP};
use crate::domain::alert::{AckState, Alert, BoardSilence, Standing};
use crate::text::{Cut, SafeText, cut};
use crate::theme::Role;
use crate::view::pane::{alerts, incident_rows, standing};
use crate::view::sheet::{Sheet, moment_pieces};
use crate::view::widget::{self, Piece, words};
use crate::view::{Scene, figures, hints};

/// Firings that are listed, newest first.
const LISTED: usize = 8;
/// Incidents that are listed, the open and the surest first.
const INCIDENTS: usize = 3;
/// Annotations that have a place of their own.
const SHOWN_APART: [&str; 6] = [
    "summary",
    "description",
    "message",
    "runbook_url",
    "runbook",
    "playbook_url",
];

/// The whole detail.
pub(in crate::view) fn pages<'a>(scene: Scene<'a>, alert: &'a Alert) -> Pages<'a> {
    let mut first = head(scene, alert);
    said(alert, &mut first);
    labels(alert, &mut first);
    let mut second = Sheet::default();
    taken(scene, alert, &mut second);
    hidden(scene, alert, &mut second);
    history(scene, alert, &mut second);
    route(alert, &mut second);
    Pages {
        title: format!("Alert {}", alert.name),
        fresh: Some(alerts::freshness(scene)),
        first,
        second,
    }
}

/// The same under the cursor: who has it and what it is before what there is to read, its link in one line at the end.
pub(in crate::view) fn preview<'a>(scene: Scene<'a>, alert: &'a Alert) -> Sheet<'a> {
    let mut sheet = head(scene, alert);
    summary(alert, &mut sheet);
    taken(scene, alert, &mut sheet);
    labels(alert, &mut sheet);
    hidden(scene, alert, &mut sheet);
    described(alert, &mut sheet);
    sheet.heading("Read on");
    runbook(alert, &mut sheet);
    route(alert, &mut sheet);
    if !alert.generator_url.is_empty() {
        sheet.line(vec![
            Piece::word("graph  ", Role::TextMuted),
            Piece::safe(SafeText::line(&alert.generator_url), Role::Text),
        ]);
    }
    sheet
}

fn head<'a>(scene: Scene<'a>, alert: &'a Alert) -> Sheet<'a> {
    let mut sheet = Sheet::default();
    let mut line = vec![
        standing::severity(alert.severity.as_deref()),
        Piece::word("  ", Role::Text),
        Piece::safe(SafeText::line(&alert.name), Role::TextStrong),
        Piece::word("  ", Role::Text),
        Piece::safe(SafeText::line(&alert.service), Role::Text),
        Piece::word("  ", Role::Text),
    ];
    line.extend(standing::standing(scene, alert));
    sheet.line(line);
    let mut since = vec![Piece::word("since ", Role::TextMuted)];
    since.extend(moment_pieces(scene, alert.occurrence.starts_at));
    sheet.line(since);
    incidents(scene, alert, &mut sheet);
    sheet
}

/// What its rule's author had to say.
fn said<'a>(alert: &'a Alert, sheet: &mut Sheet<'a>) {
    summary(alert, sheet);
    described(alert, sheet);
    sheet.heading("Read on");
    runbook(alert, sheet);
    if !alert.generator_url.is_empty() {
        sheet.pair("graph", &alert.generator_url, Role::Text);
    }
}

fn annotation<'a>(alert: &'a Alert, name: &str) -> Option<&'a str> {
    let text = alert.annotations.get(name)?;
    (!text.trim().is_empty()).then_some(text)
}

fn summary<'a>(alert: &'a Alert, sheet: &mut Sheet<'a>) {
    if let Some(summary) = annotation(alert, "summary") {
        sheet.blank();
        sheet.prose(summary, Role::TextStrong);
    }
}

fn described<'a>(alert: &'a Alert, sheet: &mut Sheet<'a>) {
    for text in ["description", "message"]
        .iter()
        .filter_map(|name| annotation(alert, name))
    {
        sheet.blank();
        sheet.prose(text, Role::Text);
    }
}

fn runbook<'a>(alert: &'a Alert, sheet: &mut Sheet<'a>) {
    let runbook = ["runbook_url", "runbook", "playbook_url"]
        .iter()
        .find_map(|name| annotation(alert, name));
    match runbook {
        Some(url) => {
            sheet.pair("runbook", url, Role::Accent);
        }
        None => sheet.pair(
            "runbook",
            "none: the rule has no annotation runbook_url",
            Role::TextDim,
        ),
    }
}

fn labels<'a>(alert: &'a Alert, sheet: &mut Sheet<'a>) {
    sheet.heading("Labels");
    for (name, value) in alert.labels.iter() {
        sheet.pair(name, value, Role::Text);
    }
    let mut others = alert
        .annotations
        .iter()
        .filter(|(name, _)| !SHOWN_APART.contains(name))
        .peekable();
    if others.peek().is_some() {
        sheet.heading("Annotations");
    }
    for (name, value) in others {
        sheet.pair(name, value, Role::Text);
    }
}

/// The incidents that it belongs to, and by what that is known.
fn incidents<'a>(scene: Scene<'a>, alert: &'a Alert, sheet: &mut Sheet<'a>) {
    let linked = scene.model.incidents_of(alert.occurrence.fingerprint);
    let more = linked.len().saturating_sub(INCIDENTS);
    for (incident, by) in linked.into_iter().take(INCIDENTS) {
        let role = if by.is_sure() {
            Role::TextStrong
        } else {
            Role::Text
        };
        let mut line = vec![
            Piece::word("in ", Role::TextMuted),
            Piece::own(short(incident), role),
            Piece::word("  ", Role::Text),
        ];
        line.extend(incident_rows::standing_words(scene, incident));
        line.push(Piece::own(format!("  {}  ", by.words()), Role::TextMuted));
        line.push(Piece::safe(SafeText::line(&incident.title), role));
        sheet.line(line);
    }
    if more > 0 {
        sheet.prose(&format!("and {more} more incidents"), Role::TextMuted);
    }
}

fn taken<'a>(scene: Scene<'a>, alert: &'a Alert, sheet: &mut Sheet<'a>) {
    sheet.heading("Acknowledgement");
    let (ack, held) = match &alert.ack {
        AckState::None => {
            let key = hints::key(scene, crate::action::Action::Acknowledge);
            let how = key.map_or_else(String::new, |key| format!("; {key} takes it"));
            sheet.prose(&format!("nobody has it{how}"), Role::Text);
            return;
        }
        AckState::Held(ack) => (ack, true),
        AckState::Partly(part) => {
            sheet.prose(
                &format!(
                    "nobody has it at {}; at {} only:",
                    part.missing.join(", "),
                    part.at.join(", ")
                ),
                Role::StateStale,
            );
            (&part.ack, true)
        }
        AckState::HiddenBy(ack) => (ack, false),
    };
    let zone = scene.model.zone;
    let until = figures::moment(ack.until, scene.still.utc, zone);
    if held {
        let mut line = vec![
            Piece::own(standing::person(scene, &ack.by), Role::AckOther),
            Piece::word(" since ", Role::TextMuted),
        ];
        line.extend(moment_pieces(scene, ack.at));
        line.push(Piece::own(
            format!(", until {until} unless extended"),
            Role::TextMuted,
        ));
        sheet.line(line);
    } else {
        let text = format!(
            "not acknowledged: it fired anew, and the older acknowledgement of {} still hides it until {until}",
            standing::person(scene, &ack.by)
        );
        sheet.prose(&text, Role::StateStale);
    }
    if !ack.note.trim().is_empty() {
        sheet.prose(&ack.note, Role::Text);
    }
}

/// Silences, inhibiting alerts and muted times.
fn hidden<'a>(scene: Scene<'a>, alert: &'a Alert, sheet: &mut Sheet<'a>) {
    if alert.silenced_by.is_empty() && alert.inhibited_by.is_empty() && alert.muted_by.is_empty() {
        return;
    }
    sheet.heading("Hidden by");
    if let Some(board) = scene.model.alerts.shown() {
        for row in board.silences_of(alert) {
            silence(scene, row, sheet);
        }
        for by in board.inhibitors(alert) {
            let text = match by {
                Ok(other) => format!("inhibited by {} {}", other.name, other.service),
                Err(by) => format!("inhibited by an alert that is not on the board ({by})"),
            };
            sheet.prose(&text, Role::Text);
        }
    }
    for interval in &alert.muted_by {
        sheet.prose(&format!("muted during {interval}"), Role::Text);
    }
}

fn silence<'a>(scene: Scene<'a>, row: &BoardSilence, sheet: &mut Sheet<'a>) {
    let silence = &row.silence;
    let id = cut(&silence.id, 13, Cut::Middle).into_owned();
    let until = figures::moment(silence.ends_at, scene.still.utc, scene.model.zone);
    let matchers: Vec<String> = silence.matchers.iter().map(ToString::to_string).collect();
    sheet.line(vec![
        Piece::own(format!("silence {}", SafeText::line(&id)), Role::Text),
        Piece::own(
            format!(
                " by {} until {until}",
                standing::person(scene, &silence.created_by)
            ),
            Role::TextMuted,
        ),
    ]);
    sheet.prose(&matchers.join(" "), Role::TextMuted);
    if !silence.comment.trim().is_empty() {
        sheet.prose(&silence.comment, Role::Text);
    }
}

/// The last day: a strip, then the newest firings.
///
/// Only of an opened alert: of one under the cursor nobody has asked.
fn history<'a>(scene: Scene<'a>, alert: &'a Alert, sheet: &mut Sheet<'a>) {
    if scene.model.detail() != Some(&Detail::Alert(alert.occurrence.fingerprint)) {
        return;
    }
    sheet.heading("The last day");
    let now = scene.still.utc;
    let found = match of_this(&scene.model.alerts, alert) {
        None if scene.model.settings.has_metrics => {
            sheet.prose("asking Prometheus…", Role::StateBusy);
            return;
        }
        None => {
            sheet.prose("not known: no metrics backend to ask", Role::TextMuted);
            return;
        }
        Some(Err(why)) => {
            sheet.prose(&format!("not known: {why}"), Role::StateFailed);
            return;
        }
        Some(Ok(found)) => found,
    };
    let told = as_told(alert, found, now);
    let count = told.len();
    if count == 0 {
        sheet.prose("it did not fire", Role::TextMuted);
        return;
    }
    let rows: Vec<Vec<Piece>> = told
        .iter()
        .rev()
        .take(LISTED)
        .map(|firing| firing_row(scene, *firing))
        .collect();
    sheet.figure(2, move |buffer, area| strip(scene, buffer, area, &told));
    for row in rows {
        sheet.line(row);
    }
    if count > LISTED {
        sheet.prose(&format!("and {} before", count - LISTED), Role::TextMuted);
    }
}

fn firing_row(scene: Scene, (from, to): Firing) -> Vec<Piece<'static>> {
    let now = scene.still.utc;
    let end = if to == now {
        "now".to_owned()
    } else {
        figures::moment(to, now, scene.model.zone)
    };
    let lasted = (to - from).to_std().unwrap_or_default();
    let lasted = if lasted.is_zero() && to < now {
        format!("under {}", words::span(FIRINGS_STEP))
    } else {
        words::span(lasted)
    };
    vec![
        Piece::own(figures::moment(from, now, scene.model.zone), Role::Text),
        Piece::own(format!(" – {end}"), Role::TextMuted),
        Piece::own(format!("  {lasted}"), Role::Text),
    ]
}

/// From when to when an alert fired.
type Firing = (DateTime<Utc>, DateTime<Utc>);

/// The firings that Prometheus remembers, and the one that goes on as the alert itself tells it: what was looked for every
/// few minutes only was found later than it began.
fn as_told(alert: &Alert, found: &[Firing], now: DateTime<Utc>) -> Vec<Firing> {
    let mut told = found.to_vec();
    if alert.standing() == Standing::Over {
        return told;
    }
    // Clocks of several evaluators differ by less.
    let a_moment = TimeDelta::minutes(1);
    let began = alert.occurrence.starts_at;
    let is_this = |(from, to): &Firing| *to >= began && *from > began - a_moment;
    told.retain(|firing| firing.0 < began && !is_this(firing));
    if let Some((_, to)) = told.last_mut() {
        *to = began.min(*to);
    }
    told.push((began, now));
    told
}

type Firings = Result<Vec<Firing>, String>;

fn of_this<'a>(pane: &'a AlertPane, alert: &Alert) -> Option<&'a Firings> {
    let (fingerprint, firings) = pane.history.as_ref()?;
    (*fingerprint == alert.occurrence.fingerprint).then_some(firings)
}

fn strip(scene: Scene, buffer: &mut Buffer, area: Rect, firings: &[Firing]) {
    let now = scene.still.utc;
    let day = TimeDelta::hours(24);
    let cells = i32::from(area.width.max(1));
    let mut pieces = Vec::new();
    for cell in 0..cells {
        let from = now - day + day * cell / cells;
        let to = now - day + day * (cell + 1) / cells;
        let fired = firings.iter().any(|(start, end)| *start < to && *end >= from);
        pieces.push(if fired {
            Piece::word("▇", Role::SeverityCritical)
        } else {
            Piece::word("─", Role::ChartAxis)
        });
    }
    scene.line(buffer, widget::row(area, 0), &pieces);
    let ruler = widget::row(area, 1);
    scene.line(buffer, ruler, &[Piece::word("24h ago", Role::ChartAxis)]);
    for (share, label) in [(0.5, "12h"), (0.75, "6h")] {
        let at = (f64::from(area.width) * share) as u16;
        if area.width > 40 {
            scene.line(
                buffer,
                widget::after(ruler, at),
                &[Piece::word(label, Role::ChartAxis)],
            );
        }
    }
    scene.line(
        buffer,
        widget::after(ruler, area.width.saturating_sub(3)),
        &[Piece::word("now", Role::ChartAxis)],
    );
}

/// Where it comes from and where it goes.
fn route<'a>(alert: &'a Alert, sheet: &mut Sheet<'a>) {
    sheet.heading("Where");
    sheet.pair("sources", &alert.sources.join(", "), Role::Text);
    if !alert.receivers.is_empty() {
        sheet.pair("receivers", &alert.receivers.join(", "), Role::Text);
    }
    sheet.pair("id", &alert.occurrence.fingerprint.to_string(), Role::TextMuted);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::desk::sample;

    #[test]
    fn a_firing_that_goes_on_begins_when_the_alert_says_and_not_when_it_was_first_seen() {
        let at = |minutes: i64| DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes);
        let mut alert = sample::alert(&[("alertname", "A")]);
        alert.occurrence.starts_at = at(55);
        // Looked for at 58 for the first time since: the page was opened then, and is read two minutes later.
        let found = [(at(10), at(20)), (at(58), at(58))];
        assert_eq!(
            as_told(&alert, &found, at(60)),
            [(at(10), at(20)), (at(55), at(60))]
        );
        // Not seen at all yet; and one that seems to go on from the one before.
        assert_eq!(as_told(&alert, &[], at(56)), [(at(55), at(56))]);
        assert_eq!(
            as_told(&alert, &[(at(48), at(58))], at(60)),
            [(at(48), at(55)), (at(55), at(60))]
        );
    }
}
