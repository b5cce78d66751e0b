//! The error budget opened: what is left, what follows from it, how it went down and when it is gone.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::slo::{Budget, Policy, Reading, RollingExhaustion, SloReport, SloState};
use crate::theme::Role;
use crate::time::after;
use crate::view::Audience;
use crate::view::pane::slo;
use crate::view::sheet::Sheet;
use crate::view::widget::chart::{self, Chart, Limit, Series, Shape};
use crate::view::widget::{Piece, bar, words};
use crate::view::{Scene, figures};

/// What is left, the policy, the exhaustion, the burn-down.
pub(super) fn budget<'a>(scene: Scene<'a>, report: &'a SloReport, sheet: &mut Sheet<'a>) {
    sheet.heading("Error budget");
    let Some(left) = &report.budget else {
        sheet.prose(
            &format!("not known: {}", why_unknown(scene, report)),
            Role::SloUnknown,
        );
        return;
    };
    let role = slo::budget_role(left.status);
    let words = || match left.remaining {
        over if over < 0.0 => format!("{} over", bar::percent(-over)),
        left => format!("{} left", bar::percent(left)),
    };
    sheet.chart(scene, 1, words, move |buffer, area| {
        bar::draw(buffer, area, scene.theme, left.remaining, role);
    });
    sheet.line(vec![
        Piece::word(left.status.word(), role),
        Piece::own(format!(" · {} min of outage", minutes(left)), Role::TextMuted),
        Piece::own(
            left.events_left.map_or_else(String::new, |events| {
                format!(" · {} bad events left", words::count(events))
            }),
            Role::TextMuted,
        ),
    ]);
    // How much is left says nothing of how fast it goes.
    let burns = matches!(report.state, SloState::Page | SloState::Ticket);
    let policy = if burns && left.policy == Policy::Normal {
        "policy once it burns no more"
    } else {
        "policy"
    };
    sheet.prose(&format!("{policy}: {}", left.policy.consequence()), Role::Text);
    exhaustion(scene, left, sheet);
    let points = burn_down(report, left);
    if points.len() > 1 {
        sheet.blank();
        let rate = hourly(report);
        if scene.audience == Audience::Eyes {
            let ahead = rate.map_or("", |_| ", then at the 1h burn");
            sheet.prose(&format!("left up to now{ahead}"), Role::TextMuted);
        }
        sheet.chart(
            scene,
            10,
            || burn_down_words(scene, &burn_down(report, left)),
            move |buffer, area| {
                burn_down_chart(scene, buffer, area, (report, rate), &points);
            },
        );
    }
}

/// Why there is no budget to show.
fn why_unknown(scene: Scene, report: &SloReport) -> String {
    match report.windows.last().map(|window| &window.reading) {
        Some(Reading::Error(why)) => why.to_string(),
        Some(Reading::Pending) | None => match slo::freshness(scene).failure {
            Some(cause) => cause.to_owned(),
            None => "the period has not been read yet".to_owned(),
        },
        Some(Reading::Ratio { .. } | Reading::NoTraffic | Reading::NoData) => {
            "the period has no data".to_owned()
        }
    }
}

fn minutes(budget: &Budget) -> String {
    if budget.remaining_minutes.abs() < 10.0 {
        format!("{:.1}", budget.remaining_minutes)
    } else {
        format!("{:.0}", budget.remaining_minutes)
    }
}

fn exhaustion<'a>(scene: Scene<'a>, budget: &Budget, sheet: &mut Sheet<'a>) {
    let at = |left: Duration| {
        let at = after(scene.still.utc, left);
        figures::moment(at, scene.still.utc, scene.model.zone)
    };
    if let Some(left) = budget.exhausts_in {
        sheet.line(vec![
            Piece::own(format!("empty in {}", words::span(left)), Role::TextStrong),
            Piece::own(format!(" ({}) at the 1h burn", at(left)), Role::TextMuted),
        ]);
    }
    match budget.exhausts_rolling {
        Some(RollingExhaustion::In(left)) => sheet.line(vec![
            Piece::own(format!("empty in {}", words::span(left)), Role::Text),
            Piece::own(format!(" ({}), old errors leaving", at(left)), Role::TextMuted),
        ]),
        Some(RollingExhaustion::Never) => {
            sheet.line(vec![Piece::word(
                "rolling: never empty, no more burns than leaves the window",
                Role::TextMuted,
            )]);
        }
        None => {}
    }
}

/// Seconds from now → budget left, from the period's error ratios; it ends at what is left now.
fn burn_down(report: &SloReport, budget: &Budget) -> Vec<(f64, f64)> {
    let Some((now, _)) = report.history.last() else {
        return Vec::new();
    };
    let whole = report.slo.objective.budget() * report.slo.period.length().as_secs_f64();
    let mut spent = 0.0;
    let mut before: Option<f64> = None;
    let mut points: Vec<(f64, f64)> = Vec::with_capacity(report.history.len());
    for (at, ratio) in report.history.iter() {
        let x = (*at - *now).num_seconds() as f64;
        if let Some(before) = before
            && ratio.is_finite()
        {
            spent += ratio.max(0.0) * (x - before) / whole;
        }
        before = Some(x);
        points.push((x, 1.0 - spent));
    }
    let shift = budget.remaining - points.last().map_or(budget.remaining, |(_, left)| *left);
    for (_, left) in &mut points {
        *left = (*left + shift).min(1.0);
    }
    points
}

/// The burn-down for whoever hears it: `left: 97% on 10-23, 60% a day ago, 41% now`.
fn burn_down_words(scene: Scene, points: &[(f64, f64)]) -> String {
    const DAY: f64 = 86_400.0;
    let left = |(_, left): &(f64, f64)| bar::percent(*left);
    let first = points.first().map(|point| (point, date(scene, point.0)));
    let first = first.map(|(point, day)| format!("{} on {day}", left(point)));
    let before = points.iter().rev().find(|(at, _)| *at <= -DAY);
    let before = before.map(|point| format!("{} a day ago", left(point)));
    let now = points.last().map(|point| format!("{} now", left(point)));
    let told: Vec<String> = [first, before, now].into_iter().flatten().collect();
    format!("left: {}", told.join(", "))
}

/// The day of a moment, in seconds from now.
fn date(scene: Scene, seconds: f64) -> String {
    let at = scene.still.utc + chrono::TimeDelta::seconds(seconds as i64);
    at.format("%m-%d").to_string()
}

/// The burn of the last hour, where it was measured.
fn hourly(report: &SloReport) -> Option<f64> {
    let hour = Duration::from_secs(3_600);
    let mut windows = report.windows.iter();
    windows.find(|window| window.window.length() == hour)?.burn_rate
}

/// What is left up to now, and what would be where it goes on at a rate; without one, what is behind alone.
fn burn_down_chart(
    scene: Scene,
    buffer: &mut Buffer,
    area: Rect,
    (report, rate): (&SloReport, Option<f64>),
    points: &[(f64, f64)],
) {
    let start = points.first().map_or(0.0, |(x, _)| *x);
    let left = points.last().map_or(1.0, |(_, left)| *left);
    let span = -start;
    let per_second = rate.unwrap_or(0.0) / report.slo.period.length().as_secs_f64();
    // As far as the budget lasts, within a third of what is behind.
    let ahead = if per_second > 0.0 && left > 0.0 {
        (left / per_second).clamp(span * 0.05, span / 3.0)
    } else {
        span * 0.05
    };
    let projected: Vec<(f64, f64)> = (0..=24)
        .map(|step| {
            let x = ahead * f64::from(step) / 24.0;
            let y = left - per_second * x;
            (x, if y < 0.0 || rate.is_none() { f64::NAN } else { y })
        })
        .collect();
    let lowest = points.iter().map(|(_, y)| *y).fold(0.0, f64::min);
    let date = |x: f64| date(scene, x);
    chart::draw(
        buffer,
        area,
        scene.theme,
        &Chart {
            series: vec![
                Series {
                    points,
                    shape: Shape::Line,
                    role: Role::Chart,
                },
                Series {
                    points: &projected,
                    shape: Shape::Line,
                    role: Role::ChartSecond,
                },
            ],
            limits: vec![Limit {
                y: 0.0,
                label: "empty".to_owned(),
                role: Role::ChartLimit,
            }],
            x: [start, ahead],
            y: [lowest, 1.0],
            y_label: |y| format!("{:.0}%", y * 100.0),
            marks: Vec::new(),
            x_labels: vec![
                (start, date(start)),
                (start / 2.0, date(start / 2.0)),
                (0.0, "now".to_owned()),
                (ahead, date(ahead)),
            ],
        },
    );
}
