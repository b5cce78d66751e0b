use super::super::test_support::{blank, hostile_areas, lines, theme};
use super::*;

fn chart(points: &[(f64, f64)], shape: Shape) -> Chart<'_> {
    Chart {
        series: vec![Series {
            points,
            shape,
            role: Role::Chart,
        }],
        limits: vec![Limit {
            y: 14.4,
            label: "page".to_owned(),
            role: Role::ChartLimit,
        }],
        x: [0.0, 10.0],
        y: [0.0, 20.0],
        y_label: |y| format!("{y:.0}"),
        marks: Vec::new(),
        x_labels: vec![
            (0.0, "03:00".to_owned()),
            (5.0, "03:05".to_owned()),
            (10.0, "03:10".to_owned()),
        ],
    }
}

fn drawn(chart: &Chart, glyphs: Glyphs) -> Vec<String> {
    let mut buffer = blank(30, 8);
    let area = buffer.area;
    draw(&mut buffer, area, &theme(glyphs), chart);
    lines(&buffer)
        .iter()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

#[test]
fn a_line_rises_over_axes_and_limit() {
    let points = [(0.0, 0.0), (5.0, 5.0), (10.0, 20.0)];
    let drawn = drawn(&chart(&points, Shape::Line), Glyphs::Ascii);
    assert_eq!(
        drawn,
        [
            "20                          **",
            "15 - page ---------------***--",
            "                     ****",
            "10                ***",
            " 5        ********",
            " 0 *******",
            "   +------------+------------+",
            "   03:00      03:05      03:10",
        ]
    );
}

#[test]
fn a_marked_moment_is_a_column_of_its_own_and_none_where_it_is_off_the_chart() {
    let points = [(0.0, 0.0), (5.0, 5.0), (10.0, 20.0)];
    let marked = Chart {
        marks: vec![4.0, 10.5, -1.0, f64::NAN],
        ..chart(&points, Shape::Area)
    };
    let column = |glyphs, x: usize| -> String {
        let lines = drawn(&marked, glyphs);
        lines
            .iter()
            .take(6)
            .filter_map(|line| line.chars().nth(x))
            .collect()
    };
    // 27 columns from the fourth on: 4 of 10 is the tenth step
    assert_eq!(column(Glyphs::Ascii, 13), "v:::::");
    assert_eq!(column(Glyphs::Unicode, 13), "▾┊┊┊┊┊");
    let text = drawn(&marked, Glyphs::Ascii).concat();
    assert_eq!(
        (text.matches('v').count(), text.matches(':').count()),
        (1, 5 + 3),
        "the ruler has three"
    );
}

#[test]
fn a_gap_in_the_data_is_a_gap_in_the_line() {
    let whole = [(0.0, 5.0), (4.0, 5.0), (6.0, 5.0), (10.0, 5.0)];
    let broken = [(0.0, 5.0), (4.0, 5.0), (5.0, f64::NAN), (6.0, 5.0), (10.0, 5.0)];
    let stars = |points: &[(f64, f64)]| {
        let mut plain = chart(points, Shape::Line);
        plain.limits.clear();
        drawn(&plain, Glyphs::Ascii).concat().matches('*').count()
    };
    assert_eq!(stars(&whole), 27);
    assert_eq!(stars(&broken), 22);
}

#[test]
fn no_area_and_no_data_break_it() {
    let nothing = chart(&[], Shape::Area);
    let odd = [
        (0.0, f64::INFINITY),
        (3.0, f64::NAN),
        (5.0, 1e300),
        (99.0, 1.0),
        (10.0, -5.0),
    ];
    let odd = chart(&odd, Shape::Area);
    let mut point = chart(&[(0.0, 1.0)], Shape::Line);
    point.x = [0.0, 0.0];
    point.y = [1.0, 1.0];
    for area in hostile_areas() {
        for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
            let mut buffer = blank(10, 5);
            for chart in [&nothing, &odd, &point] {
                draw(&mut buffer, area, &theme(glyphs), chart);
            }
        }
    }
}
