//! The page of a PromQL query: a row a series with what it is, was and how it moved; or why there is none.

use std::fmt::Write as _;

use ratatui::layout::Rect;

use super::Pages;
use crate::action::Action;
use crate::app::query::{QueryAnswer, QueryAsk, QuerySeries, QueryTrouble};
use crate::text::SafeText;
use crate::theme::Role;
use crate::view::sheet::Sheet;
use crate::view::widget::chart::{self, Chart, Series, Shape};
use crate::view::widget::columns::{self, Align, Column, Width, column, flex};
use crate::view::widget::sparkline::{self, Sparkline};
use crate::view::widget::words;
use crate::view::widget::{self, Look, Piece};
use crate::view::{Scene, figures, hints};

const COLUMNS: [Column; 5] = [
    column("series", flex(16, 90, 3), Align::Left, 0),
    column("last", Width::Fixed(9), Align::Right, 0),
    column("min", Width::Fixed(9), Align::Right, 2),
    column("max", Width::Fixed(9), Align::Right, 1),
    column("trend", flex(10, 60, 2), Align::Right, 0),
];
const TREND: usize = 4;
/// Rows of the chart of a single series.
const CHART_ROWS: u16 = 10;

/// The page.
pub(super) fn pages(scene: Scene<'_>) -> Pages<'_> {
    let pane = &scene.model.query;
    let mut sheet = Sheet::default();
    let Some(asked) = &pane.asked else {
        sheet.prose(
            "Nothing was asked yet: `query PROMQL` in the palette asks.",
            Role::Text,
        );
        return page(sheet);
    };
    let is_pointed_at = matches!(&pane.answer, Some((_, Err(trouble))) if trouble.place.is_some());
    if !is_pointed_at {
        sheet.prose(&asked.text, Role::TextStrong);
    }
    match &pane.answer {
        Some((_, Err(trouble))) => in_trouble(scene, &mut sheet, asked, trouble),
        Some((_, Ok(answer))) => {
            sheet.line(over(scene, asked, Some(answer)));
            told(scene, &mut sheet, asked, answer);
        }
        None => {
            sheet.line(over(scene, asked, None));
            sheet.blank();
            sheet.prose("asking the metrics backend…", Role::StateBusy);
        }
    }
    page(sheet)
}

fn page(first: Sheet<'_>) -> Pages<'_> {
    Pages {
        title: "Query".to_owned(),
        // It is asked by key alone, and says itself how long ago: nothing is late.
        fresh: None,
        first,
        second: Sheet::default(),
    }
}

/// Which time it is of, and how many series there are.
fn over(scene: Scene, asked: &QueryAsk, answer: Option<&QueryAnswer>) -> Vec<Piece<'static>> {
    let moment = |at| figures::moment(at, scene.now.utc, scene.model.zone);
    let mut words = format!(
        "{} to {}, a point each {}",
        moment(asked.from),
        moment(asked.to),
        crate::time::prometheus_duration(asked.step)
    );
    if let Some(answer) = answer {
        let all = answer.series.len() + answer.left_out;
        let _ = write!(words, " · {all} series"); // a String takes all
    }
    if let Some((at, _)) = &scene.model.query.answer {
        let age = scene.now.tick.since(*at);
        if age >= std::time::Duration::from_secs(10) {
            let _ = write!(words, " · asked {} ago", words::stepped(age));
        }
    }
    if let Some(key) = hints::key(scene, Action::Refresh) {
        let _ = write!(words, " · {key} asks again");
    }
    vec![Piece::own(words, Role::TextMuted)]
}

fn in_trouble(scene: Scene, sheet: &mut Sheet, asked: &QueryAsk, trouble: &QueryTrouble) {
    // The place is pointed at where the line it is in can be shown whole above the pointer.
    let pointed = trouble.place.and_then(|(line, column)| {
        let text = asked.text.lines().nth(line.checked_sub(1)?)?;
        let before: String = text.chars().take(column.checked_sub(1)?).collect();
        Some((
            SafeText::line(text).into_string(),
            SafeText::line(&before).width(),
        ))
    });
    match pointed {
        Some((text, cells)) => {
            sheet.line(vec![Piece::own(text, Role::TextStrong)]);
            let caret = format!("{}^", " ".repeat(cells));
            sheet.line(vec![Piece::own(caret, Role::StateFailed)]);
        }
        None if trouble.place.is_some() => sheet.prose(&asked.text, Role::TextStrong),
        None => {}
    }
    sheet.prose(&format!("✗ {}", trouble.words), Role::StateFailed);
    if let Some((line, column)) = trouble.place {
        sheet.prose(&format!("at line {line}, column {column}"), Role::TextMuted);
    }
    if let Some(mend) = trouble.mend {
        sheet.prose(mend, Role::TextMuted);
    }
    let back = hints::key(scene, Action::Palette).zip(hints::over(scene, &[Action::DialogUp]));
    if let Some((palette, up)) = back {
        let words = format!("{palette} and {up} bring it back to be mended.");
        sheet.prose(&words, Role::TextMuted);
    }
}

fn told<'a>(scene: Scene<'a>, sheet: &mut Sheet<'a>, asked: &'a QueryAsk, answer: &'a QueryAnswer) {
    for notice in &answer.notices {
        sheet.prose(&format!("! {notice}"), Role::StateStale);
    }
    sheet.blank();
    match answer.series.as_slice() {
        [] => {
            sheet.prose("No series: nothing matched within that time.", Role::Text);
            return;
        }
        // A number that never moved, of nobody in particular.
        [scalar] if scalar.name.is_empty() && never_moved(scalar) => {
            sheet.line(vec![Piece::own(number(scalar.last), Role::TextStrong)]);
            return;
        }
        [single] => {
            sheet.figure(CHART_ROWS, move |buffer, area| {
                let points = points(asked, single);
                let (low, high) = (single.min.min(0.0), single.max);
                let chart = Chart {
                    series: vec![Series {
                        points: &points,
                        shape: Shape::Area,
                        role: Role::Chart,
                    }],
                    limits: Vec::new(),
                    x: [asked.from.timestamp() as f64, asked.to.timestamp() as f64],
                    y: [
                        if low.is_finite() { low } else { 0.0 },
                        if high.is_finite() { high } else { 1.0 },
                    ],
                    y_label: number,
                    marks: Vec::new(),
                    x_labels: [asked.from, asked.to]
                        .map(|at| {
                            let said = figures::moment(at, scene.now.utc, scene.model.zone);
                            (at.timestamp() as f64, said)
                        })
                        .to_vec(),
                };
                let height = area.height.min(CHART_ROWS);
                chart::draw(buffer, Rect { height, ..area }, scene.theme, &chart);
            });
            sheet.blank();
        }
        _ => {}
    }
    if !answer.common.is_empty() {
        let words = format!("all of {}", SafeText::line(&answer.common));
        sheet.line(vec![Piece::own(words, Role::TextMuted)]);
    }
    sheet.figure(1, move |buffer, area| {
        let slots = columns::layout(&COLUMNS, area.width, 2);
        columns::draw_header(buffer, widget::row(area, 0), scene.theme, &COLUMNS, &slots);
    });
    for series in &answer.series {
        sheet.figure(1, move |buffer, area| {
            row(scene, buffer, widget::row(area, 0), series);
        });
    }
    if answer.left_out > 0 {
        let words = format!(
            "{} more series are not shown: narrow it with labels, or topk(…) picks some.",
            answer.left_out
        );
        sheet.prose(&words, Role::StateStale);
    }
}

fn row(scene: Scene, buffer: &mut ratatui::buffer::Buffer, area: Rect, series: &QuerySeries) {
    let slots = columns::layout(&COLUMNS, area.width, 2);
    let name = if series.short.is_empty() {
        Piece::word("(no labels)", Role::TextMuted)
    } else {
        Piece::safe(SafeText::line(&series.short), Role::Text)
    };
    let (mut name, mut role) = (vec![name], Role::TextStrong);
    if let Some(at) = series.ended {
        let at = figures::moment(at, scene.now.utc, scene.model.zone);
        name.insert(0, Piece::own(format!("ended {at} · "), Role::StateStale));
        role = Role::TextMuted;
    }
    let cells = [
        name,
        vec![Piece::own(number(series.last), role)],
        vec![Piece::own(number(series.min), Role::TextMuted)],
        vec![Piece::own(number(series.max), Role::TextMuted)],
        Vec::new(),
    ];
    columns::draw_row(buffer, area, scene.theme, (&COLUMNS, &slots), &cells, Look::Plain);
    if let Some(trend) = slots.rect(TREND, area) {
        // From the least to the greatest: what matters here is how it moved.
        let low = if series.min.is_finite() { series.min } else { 0.0 };
        let values: Vec<f64> = series.values.iter().map(|value| value - low).collect();
        let line = Sparkline {
            values: &values,
            full: (series.max - low).max(f64::MIN_POSITIVE),
            limit: f64::INFINITY,
            role: Role::Chart,
            over: Role::Chart,
        };
        sparkline::draw(buffer, trend, scene.theme, &line);
    }
}

/// Whether it had one value all the time.
fn never_moved(series: &QuerySeries) -> bool {
    series.min.total_cmp(&series.max).is_eq()
}

fn points(asked: &QueryAsk, series: &QuerySeries) -> Vec<(f64, f64)> {
    let (begin, step) = (asked.from.timestamp() as f64, asked.step.as_secs_f64());
    let values = series.values.iter().enumerate();
    values
        .map(|(index, value)| (begin + index as f64 * step, *value))
        .collect()
}

/// A number in at most nine cells, whatever its size.
pub(in crate::view) fn number(value: f64) -> String {
    if value.is_nan() {
        return "–".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let size = value.abs();
    if value == 0.0 {
        return "0".to_owned();
    }
    if value.fract() == 0.0 && size < 1e7 {
        return format!("{value:.0}");
    }
    if (1e-3..1e6).contains(&size) {
        let digits = if size >= 1_000.0 {
            1
        } else if size >= 1.0 {
            3
        } else {
            5
        };
        return format!("{value:.digits$}");
    }
    format!("{value:.2e}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_size_fit_their_column() {
        for (value, text) in [
            (0.0, "0"),
            (3.0, "3"),
            (-12_345.0, "-12345"),
            (0.012_34, "0.01234"),
            (1.5, "1.500"),
            (123_456.78, "123456.8"),
            (1.5e9, "1.50e9"),
            (0.000_012_3, "1.23e-5"),
            (f64::NAN, "–"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(number(value), text);
            assert!(number(value).chars().count() <= 9);
        }
        assert!(number(-f64::MAX).len() <= 9, "{}", number(-f64::MAX));
    }
}
