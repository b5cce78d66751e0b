//! An SLO opened: how fast it burns over every window, what its rules say, what is left and for how long.

use std::fmt::Write as _;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Pages;
use super::budget::budget;
use crate::backend::annotations::Annotation;
use crate::domain::alert::{Alert, AlertState, Labels, SeverityRank};
use crate::domain::service_map::Caller;
use crate::domain::slo::{Reachable, Reading, RuleState, Severity, SloReport, Staleness, WindowReport};
use crate::text::{Cut, SafeText, cut, fit, fit_right, width};
use crate::theme::Role;
use crate::view::pane::belief::{self, Heard};
use crate::view::pane::{slo, standing};
use crate::view::sheet::Sheet;
use crate::view::widget::chart::{self, Chart, Limit, Series, Shape};
use crate::view::widget::{self, Piece, bar, words};
use crate::view::{Audience, Scene, figures};

/// Marks that are named under the chart.
const MARKED: usize = 3;
/// What was marked longer than this after the chart's last point is not on it yet.
const LATEST: TimeDelta = TimeDelta::minutes(5);
/// Alerts of its service that are listed.
const LISTED: usize = 8;

/// The whole detail.
pub(in crate::view) fn pages<'a>(scene: Scene<'a>, report: &'a SloReport) -> Pages<'a> {
    let mut first = head(scene, report);
    burn(scene, report, &mut first);
    rules(report, &mut first);
    remarks(report, &mut first);
    let mut second = Sheet::default();
    budget(scene, report, &mut second);
    service_alerts(scene, report, &mut second);
    Pages {
        title: format!("SLO {}", report.slo.name),
        fresh: Some(slo::freshness(scene)),
        first,
        second,
    }
}

/// State, promise and the sentence that says it all.
fn head<'a>(scene: Scene<'a>, report: &'a SloReport) -> Sheet<'a> {
    let mut sheet = Sheet::default();
    let mut line = vec![slo::state_of(scene, report), Piece::word("  ", Role::Text)];
    line.push(Piece::safe(SafeText::line(&report.slo.service), Role::TextStrong));
    line.push(Piece::word(" ", Role::Text));
    line.push(Piece::safe(SafeText::line(slo::short_name(report)), Role::Text));
    line.push(Piece::own(
        format!("  {}% over {}", report.slo.objective, report.slo.period),
        Role::TextMuted,
    ));
    if let Some(lost) = slo::lost(scene, report) {
        line.push(Piece::own(format!("  {lost}"), Role::SloUnknown));
    }
    sheet.line(line);
    if !report.words.is_empty() && slo::shows_words(scene, report) {
        sheet.prose(&report.words, Role::Text);
    }
    if let Some(partial) = &report.partial {
        sheet.prose(&format!("! partial: {partial}"), Role::StateStale);
    }
    sheet
}

/// Every window against the lines of the rules that look at it.
fn burn<'a>(scene: Scene<'a>, report: &'a SloReport, sheet: &mut Sheet<'a>) {
    sheet.heading("Burn");
    if report.windows.is_empty() {
        sheet.prose("no window has been read yet", Role::TextMuted);
        return;
    }
    let full = full_scale(report);
    for window in &report.windows {
        sheet.figure(1, move |buffer, area| {
            window_row(scene, buffer, area, report, window, full);
        });
    }
    let until = slo::points_until(scene, report);
    if until > 2 {
        sheet.blank();
        let points: Vec<(f64, f64)> = report
            .spark
            .iter()
            .take(until)
            .enumerate()
            .map(|(x, y)| (x as f64, *y))
            .collect();
        let last = until as f64 - 1.0;
        let mut marks = marks(scene, report);
        marks.retain(|(x, _)| *x <= last);
        let mut columns: Vec<f64> = marks.iter().map(|(x, _)| *x).collect();
        let moment = scene.model.moment;
        let chosen = moment.and_then(|moment| place(moment.at, &report.spark_at));
        let chosen = chosen.filter(|x| *x <= last);
        columns.extend(chosen);
        sheet.chart(
            scene,
            7,
            || trend_words(scene, report, until),
            move |buffer, area| {
                trend(scene, buffer, area, report, (&points, &columns));
            },
        );
        legend(scene, &marks, sheet);
        if let (Some(_), Some(moment)) = (chosen, moment) {
            sheet.line(chosen_point(scene, report, moment.at));
        }
    } else if until < report.spark.len() {
        sheet.prose(
            "the chart does not reach back to the time of the scope",
            Role::StateStale,
        );
    }
}

/// The chosen moment, and how fast it burnt then.
fn chosen_point(scene: Scene, report: &SloReport, at: DateTime<Utc>) -> Vec<Piece<'static>> {
    let before = report
        .spark_at
        .partition_point(|point| *point <= at)
        .checked_sub(1);
    let burn = before.and_then(|point| report.spark.get(point).copied());
    let said = figures::moment_to_the_second(at, scene.still.utc, scene.model.zone);
    let sign = match scene.audience {
        Audience::Eyes => "▾ ",
        Audience::Ears => "",
    };
    vec![
        Piece::word(sign, Role::Accent),
        Piece::own(format!("chosen {said}"), Role::Accent),
        Piece::own(
            format!("  burn {}", figures::burn(burn.filter(|burn| burn.is_finite()))),
            Role::Text,
        ),
    ]
}

/// The marks of the last hour that concern its service, oldest first, each with its place between the points.
fn marks<'a>(scene: Scene<'a>, report: &SloReport) -> Vec<(f64, &'a Annotation)> {
    let feed = &scene.model.slo.marks;
    let told = feed.value().map_or(&[][..], |marks| &marks.annotations);
    told.iter()
        .filter(|mark| mark.concerns(&report.slo.service))
        .filter_map(|mark| Some((place(mark.at, &report.spark_at)?, mark)))
        .collect()
}

/// Where a moment lies among others, in steps between them; what came after the last lies on it, for a while.
fn place(at: DateTime<Utc>, among: &[DateTime<Utc>]) -> Option<f64> {
    let next = among.partition_point(|point| *point <= at);
    let before = *among.get(next.checked_sub(1)?)?;
    let since = (at - before).as_seconds_f64();
    match among.get(next) {
        Some(after) => Some((next - 1) as f64 + since / (*after - before).as_seconds_f64()),
        None => (at - before <= LATEST).then_some((next - 1) as f64),
    }
}

/// What the marked columns are, the newest where there is no room for all.
fn legend<'a>(scene: Scene<'a>, marks: &[(f64, &'a Annotation)], sheet: &mut Sheet<'a>) {
    let left_out = marks.len().saturating_sub(MARKED);
    for (_, mark) in marks.iter().skip(left_out) {
        let at = figures::moment(mark.at, scene.still.utc, scene.model.zone);
        let more = match left_out {
            0 => String::new(),
            several => format!("  and {several} before"),
        };
        let last = marks.last().is_some_and(|(_, newest)| newest.id == mark.id);
        sheet.line(vec![
            match scene.audience {
                Audience::Eyes => Piece::word("▾ ", chart::MARK),
                Audience::Ears => Piece::word("marked: ", chart::MARK),
            },
            Piece::own(
                cut(SafeText::line(&mark.text).as_str(), 60, Cut::End).into_owned(),
                Role::Text,
            ),
            Piece::own(format!("  {at}"), Role::TextMuted),
            Piece::own(if last { more } else { String::new() }, Role::TextMuted),
        ]);
    }
    if let Some(why) = scene.model.slo.marks.failure() {
        sheet.prose(&format!("deploy marks are not known: {why}"), Role::StateFailed);
    }
}

/// The burn that fills a bar: all factors are on it, and a wild burn does not squeeze them into a corner.
fn full_scale(report: &SloReport) -> f64 {
    let factor = report
        .slo
        .rules
        .iter()
        .map(|rule| rule.factor)
        .fold(1.0, f64::max);
    let burns = report.windows.iter().filter_map(|window| window.burn_rate);
    let highest = burns.filter(|burn| burn.is_finite()).fold(factor, f64::max);
    (highest * 1.1).min(factor * 2.5)
}

fn window_row(
    scene: Scene,
    buffer: &mut Buffer,
    area: Rect,
    report: &SloReport,
    window: &WindowReport,
    full: f64,
) {
    let role = window_role(report, window);
    let mut x = scene.line(
        buffer,
        area,
        &[
            Piece::own(fit(window.window.name(), 4), Role::TextMuted),
            Piece::own(fit_right(&figures::burn(window.burn_rate), 6), role),
            Piece::word("  ", Role::Text),
        ],
    );
    let note = note(scene, window);
    let note_width = 16.min(area.width.saturating_sub(x) / 2);
    let track_width = area.width.saturating_sub(x + note_width + 2);
    if scene.audience == Audience::Eyes && track_width >= 6 && window.burn_rate.is_some() {
        let track = Rect {
            width: track_width,
            ..widget::after(area, x)
        };
        let burn = window.burn_rate.unwrap_or(0.0);
        bar::draw_track(buffer, track, scene.theme, burn / full, role);
        for rule in &report.slo.rules {
            if rule.long != window.window && rule.short != window.window {
                continue;
            }
            let at = (rule.factor / full * f64::from(track_width)).floor();
            if at >= 0.0 && at < f64::from(track_width) {
                let cell = Rect {
                    width: 1,
                    ..widget::after(track, at as u16)
                };
                scene.line(buffer, cell, &[Piece::word("│", Role::ChartLimit)]);
            }
        }
    }
    if scene.audience == Audience::Eyes && track_width >= 6 {
        x += track_width + 2;
    }
    scene.line(buffer, widget::after(area, x), &note);
}

/// A window over a rule's factor takes that rule's role.
fn window_role(report: &SloReport, window: &WindowReport) -> Role {
    let Some(burn) = window.burn_rate else {
        return Role::SloUnknown;
    };
    let over = |severity| {
        report.slo.rules.iter().any(|rule| {
            rule.severity == severity
                && (rule.long == window.window || rule.short == window.window)
                && burn > rule.factor
        })
    };
    if over(Severity::Page) {
        Role::SloPage
    } else if over(Severity::Ticket) {
        Role::SloTicket
    } else {
        Role::SloOk
    }
}

fn note(scene: Scene, window: &WindowReport) -> Vec<Piece<'static>> {
    let mut pieces = Vec::new();
    if window.stale == Staleness::Stale {
        pieces.push(Piece::own(
            format!("stale {} ", words::stepped(window.age)),
            Role::StateStale,
        ));
    }
    pieces.push(match &window.reading {
        Reading::Ratio { error_ratio, .. } => Piece::own(
            format!("{} errors", figures::ratio(*error_ratio)),
            Role::TextMuted,
        ),
        Reading::NoTraffic => Piece::word("no traffic", Role::SloUnknown),
        Reading::NoData => Piece::word("no data", Role::SloUnknown),
        Reading::Error(why) => Piece::own(SafeText::line(why).into_string(), Role::StateFailed),
        Reading::Pending if slo::freshness(scene).failure.is_some() => {
            Piece::word("no answer", Role::StateFailed)
        }
        Reading::Pending => Piece::word("not read yet", Role::StateBusy),
    });
    if let Some(events) = window.low_traffic {
        pieces.push(Piece::own(
            format!(" few: {} events", words::count(events)),
            Role::StateStale,
        ));
    }
    pieces
}

/// What the recent past is of: `burn over 5m`.
fn trend_of(report: &SloReport) -> String {
    let shortest = report.windows.first();
    shortest.map_or_else(String::new, |window| format!("burn over {}", window.window))
}

/// A point that is no older is of now: the chart has one each two minutes, asked for as often.
const YOUNG: TimeDelta = TimeDelta::minutes(5);

/// When the last of so many points is of: `now` only where it is young, for data may have ended long ago.
fn trend_end(scene: Scene, report: &SloReport, points: usize) -> String {
    match report.spark_at.get(points.saturating_sub(1)) {
        Some(end) if scene.still.utc - *end > YOUNG => {
            figures::moment(*end, scene.still.utc, scene.model.zone)
        }
        Some(_) | None => "now".to_owned(),
    }
}

/// The lowest burn that a rule pages for.
fn paging_line(report: &SloReport) -> Option<f64> {
    let rules = report.slo.rules.iter();
    let pages = rules.filter(|rule| rule.severity == Severity::Page);
    pages.map(|rule| rule.factor).min_by(f64::total_cmp)
}

/// The chart of the recent past for whoever hears it: `burn over 5m: now 21.3×, highest 25.0× at 03:02Z, rising`.
fn trend_words(scene: Scene, report: &SloReport, until: usize) -> String {
    let values = &report.spark[..until.min(report.spark.len())];
    let known = values.iter().enumerate().filter(|(_, burn)| !burn.is_nan());
    let (of, end) = (trend_of(report), trend_end(scene, report, until));
    let Some((at, highest)) = known.max_by(|a, b| a.1.total_cmp(b.1)) else {
        return format!("{of}: not known for the time of the chart");
    };
    let last = figures::burn(values.last().copied().filter(|burn| !burn.is_nan()));
    let mut said = format!("{of}: {end} {last}, highest {}", words::burn(*highest));
    // Writing to a string cannot fail.
    if let Some(at) = report.spark_at.get(at) {
        let at = figures::moment(*at, scene.still.utc, scene.model.zone);
        let _ = write!(said, " at {at}");
    }
    if let Some(course) = words::course(values, 0.1) {
        let _ = write!(said, ", {course}");
    }
    if let Some(line) = paging_line(report) {
        let _ = write!(said, "; pages over {}", words::burn(line));
    }
    said
}

/// The recent past of the shortest window, with the lowest paging line.
fn trend(
    scene: Scene,
    buffer: &mut Buffer,
    area: Rect,
    report: &SloReport,
    (points, marks): (&[(f64, f64)], &[f64]),
) {
    let limits = paging_line(report).map(|line| Limit {
        y: line,
        label: format!("page {}", words::burn(line)),
        role: Role::ChartLimit,
    });
    let last = points.len().saturating_sub(1) as f64;
    let (label, end) = (trend_of(report), trend_end(scene, report, points.len()));
    chart::draw(
        buffer,
        area,
        scene.theme,
        &Chart {
            series: vec![Series {
                points,
                shape: Shape::Area,
                role: Role::Chart,
            }],
            limits: limits.into_iter().collect(),
            x: [0.0, last],
            y: [0.0, 1.0],
            // Room for four digits, so that the line does not move when the burn grows.
            y_label: |y| format!("{y:>4.0}×"),
            marks: marks.to_vec(),
            x_labels: vec![(0.0, label), (last, end)],
        },
    );
}

fn rules<'a>(report: &'a SloReport, sheet: &mut Sheet<'a>) {
    sheet.heading("Rules");
    if report.rules.is_empty() {
        sheet.prose("none: nothing pages or tickets on this burn", Role::TextMuted);
    }
    for rule in &report.rules {
        let role = match (rule.state, rule.rule.severity) {
            (RuleState::Firing, Severity::Page) => Role::SloPage,
            (RuleState::Firing, Severity::Ticket) | (RuleState::Starting | RuleState::Recovering, _) => {
                Role::SloTicket
            }
            (RuleState::Quiet, _) => Role::TextMuted,
            (RuleState::Unknown, _) => Role::SloUnknown,
        };
        let mut line = vec![
            Piece::own(fit(rule.rule.severity.word(), 7), Role::Text),
            Piece::own(fit(rule.state.word(), 10), role),
            Piece::own(
                fit_right(&format!(">{}", words::burn(rule.rule.factor)), 7),
                Role::Text,
            ),
        ];
        let over = if rule.rule.long == rule.rule.short {
            format!(" over {}", rule.rule.long)
        } else {
            format!(" over {}, {}", rule.rule.long, rule.rule.short)
        };
        line.push(Piece::own(fit(&over, 15), Role::TextMuted));
        line.push(Piece::word(rule.rule.origin.word(), Role::TextDim));
        if rule.reachable == Reachable::Never {
            line.push(Piece::word("  can never fire", Role::StateStale));
        }
        sheet.line(line);
    }
}

fn remarks<'a>(report: &'a SloReport, sheet: &mut Sheet<'a>) {
    let covered = report
        .covered
        .filter(|covered| *covered < report.slo.period.length());
    if report.warnings.is_empty() && report.slo.notes.is_empty() && covered.is_none() {
        return;
    }
    sheet.heading("Remarks");
    if let Some(covered) = covered {
        let text = format!(
            "covered {} of {}: the rest of the period has no data and counts as good",
            spaced(covered),
            spaced(report.slo.period.length())
        );
        sheet.prose(&text, Role::TextMuted);
    }
    for warning in report.warnings.iter().chain(&report.slo.notes) {
        sheet.prose(&format!("! {warning}"), Role::StateStale);
    }
}

/// `2 d`, with the space that prose wants.
fn spaced(duration: Duration) -> String {
    match duration.as_secs() {
        s if s >= 172_800 => format!("{} d", s / 86_400),
        s if s >= 3_600 => format!("{} h", s / 3_600),
        s => format!("{} min", s / 60),
    }
}

/// What fires for its service.
fn service_alerts<'a>(scene: Scene<'a>, report: &'a SloReport, sheet: &mut Sheet<'a>) {
    if report.slo.service.is_empty() {
        return;
    }
    let Some(board) = scene.model.alerts.shown() else {
        return;
    };
    let services = &scene.model.settings.services;
    let service = services.ours(Caller::Slos, &report.slo.service);
    let mut found: Vec<&Alert> = board
        .by_fingerprint
        .values()
        .map(AsRef::as_ref)
        .filter(|alert| services.is_of(Caller::Alerts, &alert.service, service))
        .filter(|alert| !matches!(alert.state, AlertState::Gone | AlertState::Resolved))
        .collect();
    found.sort_by_key(|alert| {
        let rank = SeverityRank::of(alert.severity.as_deref().unwrap_or_default());
        (rank, alert.occurrence.starts_at)
    });
    sheet.heading("Alerts of the service");
    match belief::heard(board) {
        Heard::Nobody => sheet.prose("what fires now is not known", Role::StateStale),
        Heard::All | Heard::Some if found.is_empty() => sheet.prose("none", Role::TextMuted),
        Heard::All | Heard::Some => {}
    }
    for &alert in found.iter().take(LISTED) {
        sheet.figure(1, move |buffer, row| {
            alert_row(scene, buffer, row, alert, &Labels::default());
        });
    }
    if found.len() > LISTED {
        let more = format!("and {} more", found.len() - LISTED);
        sheet.prose(&more, Role::TextMuted);
    }
}

/// An alert in one row of a page: the name gives way before its standing does.
pub(in crate::view) fn alert_row(
    scene: Scene,
    buffer: &mut Buffer,
    row: Rect,
    alert: &Alert,
    above: &Labels,
) {
    let stands = standing::standing(scene, alert);
    // The same for every row of a page, whatever stands in it: columns do not jump.
    let name_width = usize::from(row.width).saturating_sub(10 + 20).clamp(14, 36);
    let severity = standing::severity(alert.severity.as_deref());
    let gap = 5usize.saturating_sub(severity.width());
    let age = figures::row_age(figures::since(alert.occurrence.starts_at, scene.still.utc));
    let mut line = vec![
        severity,
        Piece::own(" ".repeat(gap), Role::Text),
        Piece::own(fit(&named(alert, above, name_width), name_width), Role::Text),
        Piece::own(fit_right(&age, 5), Role::TextMuted),
        Piece::word("  ", Role::Text),
    ];
    line.extend(stands);
    scene.line(buffer, row, &line);
}

/// The name and what tells it from its siblings; the latter alone where the name stands above.
fn named(alert: &Alert, above: &Labels, room: usize) -> String {
    let name = SafeText::line(&alert.name).into_string();
    let Some(value) = alert.telling_label(above) else {
        return name;
    };
    let value = SafeText::line(value);
    if above.get("alertname").is_some() {
        return cut(value.as_str(), room, Cut::Middle).into_owned();
    }
    // The end of a pod's name tells it from the next one.
    let rest = room.saturating_sub(width(&name) + 1);
    if rest > 3 {
        format!("{name} {}", cut(value.as_str(), rest, Cut::Middle))
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_lies_between_the_points_around_it() {
        let minute = |minutes: i64| DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes);
        // a point between 2 and 6 was never measured
        let among = [minute(0), minute(2), minute(6)];
        for (at, expected) in [
            (0, Some(0.0)),
            (1, Some(0.5)),
            (4, Some(1.5)),
            (6, Some(2.0)),
            (9, Some(2.0)),
            (12, None),
            (-1, None),
        ] {
            assert_eq!(place(minute(at), &among), expected, "{at}");
        }
        assert_eq!(place(minute(0), &[]), None);
    }
}
