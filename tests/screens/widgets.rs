//! Every widget at work on one sheet, in each theme: where a change to a theme or a widget is looked at first.

use midwatch::action::{Action, Place};
use midwatch::keymap;
use midwatch::terminal::Focused;
use midwatch::text::{Cut, SafeText};
use midwatch::theme::{self, ColorDepth, Glyphs, Means, Role, Theme};
use midwatch::view::widget::chart::{self, Chart, Limit, Series, Shape};
use midwatch::view::widget::columns::{self, Align, Column, Width};
use midwatch::view::widget::frame::{self, Frame};
use midwatch::view::widget::scrollbar::{self, Extent};
use midwatch::view::widget::sparkline::{self, Sparkline};
use midwatch::view::widget::text_block::{self, Block};
use midwatch::view::widget::{Look, Piece, after, ascii, bar, put_pieces, row, words};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};

use crate::Screen;

/// The sheet in every theme, and brought down to fewer colours.
pub fn screens() -> Vec<Screen> {
    let sheets = [
        ("midwatch", ColorDepth::TrueColor, Glyphs::Unicode, 120, 40),
        ("midwatch", ColorDepth::TrueColor, Glyphs::Unicode, 80, 24),
        ("midwatch", ColorDepth::Ansi16, Glyphs::Unicode, 120, 40),
        ("light", ColorDepth::TrueColor, Glyphs::Unicode, 120, 40),
        ("high-contrast", ColorDepth::TrueColor, Glyphs::Unicode, 120, 40),
        ("ansi16", ColorDepth::Ansi16, Glyphs::Unicode, 120, 40),
        ("mono", ColorDepth::None, Glyphs::Ascii, 80, 24),
    ];
    sheets
        .into_iter()
        .map(|(name, depth, glyphs, width, height)| {
            let theme = theme::load(name, None, Means { depth, glyphs }).unwrap_or_else(|p| panic!("{p}"));
            let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
            sheet(&mut buffer, &theme);
            if glyphs == Glyphs::Ascii {
                let area = buffer.area;
                ascii::fold(&mut buffer, area);
            }
            Screen {
                name: format!("gallery-{name}-{depth:?}-{width}x{height}").to_lowercase(),
                buffer,
                theme,
            }
        })
        .collect()
}

fn sheet(buffer: &mut Buffer, theme: &Theme) {
    let area = buffer.area;
    let [top, body, bottom] =
        Layout::vertical([Constraint::Length(1), Constraint::Fill(1), Constraint::Length(1)]).areas(area);
    top_bar(buffer, top, theme);
    if area.width < 100 {
        let [upper, lower] = Layout::vertical([Constraint::Fill(1); 2]).areas(body);
        slo_pane(buffer, upper, theme);
        alert_pane(buffer, lower, theme);
    } else {
        let [left, right] = Layout::horizontal([Constraint::Fill(1); 2]).areas(body);
        let [slos, alerts] = Layout::vertical([Constraint::Fill(1); 2]).areas(left);
        let [burn, text] = Layout::vertical([Constraint::Fill(1); 2]).areas(right);
        slo_pane(buffer, slos, theme);
        alert_pane(buffer, alerts, theme);
        burn_pane(buffer, burn, theme);
        text_pane(buffer, text, theme);
    }
    hints(buffer, bottom, theme);
}

fn own(text: &str, role: Role) -> Piece<'static> {
    Piece::own(text.to_owned(), role)
}

fn top_bar(buffer: &mut Buffer, area: Rect, theme: &Theme) {
    let dot = match theme.glyphs {
        Glyphs::Unicode => "●",
        Glyphs::Ascii => "*",
    };
    let pieces = [
        own(" midwatch  ", Role::TextMuted),
        own(" prod-eu ", Role::ContextDanger),
        own("  ", Role::Text),
        own(dot, Role::StateOk),
        own(" metrics  ", Role::TextMuted),
        own(dot, Role::StateOk),
        own(" alerts(2)  ", Role::TextMuted),
        own(dot, Role::StateFailed),
        own(" eu-1 refused", Role::StateFailed),
    ];
    put_pieces(buffer, area, theme, &pieces, Cut::End, Look::Plain);
    let clock = own("03:14:07Z ", Role::TextStrong);
    let room = after(area, area.width.saturating_sub(10));
    put_pieces(buffer, room, theme, &[clock], Cut::End, Look::Plain);
}

fn hints(buffer: &mut Buffer, area: Rect, theme: &Theme) {
    let keymap = keymap::load("default", None).unwrap_or_default();
    let places = [Place::Alerts, Place::List, Place::Global];
    let actions = [
        Action::Acknowledge,
        Action::Silence,
        Action::Scope,
        Action::Open,
        Action::Search,
        Action::Filter,
        Action::Palette,
        Action::Help,
    ];
    let mut pieces = vec![own(" ", Role::Text)];
    for action in actions {
        if let Some(key) = keymap.hint(&places, action, theme.glyphs) {
            pieces.push(Piece::own(key, Role::Key));
            pieces.push(Piece::own(format!(" {}  ", action.row().title), Role::BarBottom));
        }
    }
    put_pieces(buffer, area, theme, &pieces, Cut::End, Look::Plain);
}

fn column(title: &'static str, width: Width, align: Align, rank: u8) -> Column {
    Column {
        title,
        width,
        align,
        cut: Cut::End,
        rank,
    }
}

fn slo_pane(buffer: &mut Buffer, area: Rect, theme: &Theme) {
    let rows: [(&str, Role, &str, &str, f64, f64); 7] = [
        ("PAGE", Role::SloPage, "checkout", "availability", 21.3, 0.41),
        ("PAGE", Role::SloPage, "payment", "latency<250ms", 15.1, -0.08),
        (
            "no data",
            Role::SloUnknown,
            "inventory",
            "availability",
            f64::NAN,
            f64::NAN,
        ),
        ("TICKET", Role::SloTicket, "search", "latency<200ms", 3.4, 0.19),
        ("ok", Role::SloOk, "cart", "availability", 0.2, 0.982),
        ("ok", Role::SloOk, "catalogue", "availability", 0.0, 1.0),
        ("ok", Role::SloOk, "recommendation", "freshness", 0.6, 0.75),
    ];
    let columns = [
        column("state", Width::Fixed(7), Align::Left, 0),
        column(
            "service",
            Width::Flex {
                min: 9,
                max: 20,
                weight: 2,
            },
            Align::Left,
            0,
        ),
        column(
            "objective",
            Width::Flex {
                min: 10,
                max: 24,
                weight: 2,
            },
            Align::Left,
            2,
        ),
        column("burn", Width::Fixed(6), Align::Right, 0),
        column("1h", Width::Fixed(6), Align::Left, 3),
        column("budget", Width::Fixed(11), Align::Left, 1),
    ];
    let frame = Frame {
        number: Some(1),
        count: vec![own("2 page", Role::SloPage), own(" · 1 ticket", Role::TextMuted)],
        age: vec![own("live", Role::TextMuted)],
        ..Frame::titled(SafeText::line("SLO burn"), Focused::Lost)
    };
    let within = after(frame::draw(buffer, area, theme, &frame), 1);
    let slots = columns::layout(&columns, within.width, 1);
    columns::draw_header(buffer, row(within, 0), theme, &columns, &slots);
    for (index, (state, role, service, name, burn, left)) in rows.into_iter().enumerate() {
        let line = row(within, index as u16 + 1);
        let cells = [
            vec![own(state, role)],
            vec![own(service, Role::Text)],
            vec![own(name, Role::TextMuted)],
            vec![Piece::own(words::burn(burn), role)],
        ];
        columns::draw_row(buffer, line, theme, (&columns, &slots), &cells, Look::Plain);
        let history: Vec<f64> = (0..6).map(|t| burn * (f64::from(t) / 5.0).powi(3)).collect();
        let spark = Sparkline {
            values: &history,
            full: 14.4,
            limit: 14.4,
            role: Role::TextMuted,
            over: Role::ChartLimit,
        };
        if let Some(slot) = slots.rect(4, line) {
            sparkline::draw(buffer, slot, theme, &spark);
        }
        let budget = match left {
            l if l.is_nan() => Role::SloUnknown,
            l if l <= 0.1 => Role::BudgetCritical,
            l if l <= 0.25 => Role::BudgetWarning,
            _ => Role::BudgetHealthy,
        };
        if let Some(slot) = slots.rect(5, line) {
            bar::draw(buffer, slot, theme, left, budget);
        }
    }
}

fn alert_pane(buffer: &mut Buffer, area: Rect, theme: &Theme) {
    let rows: [(&str, Role, &str, &str, &str, &str, Role); 6] = [
        (
            "CRIT",
            Role::SeverityCritical,
            "HighErrorRate",
            "checkout ×3",
            "12m",
            "unacked",
            Role::SeverityCritical,
        ),
        (
            "CRIT",
            Role::SeverityCritical,
            "ErrorBudgetBurn",
            "checkout",
            "9m",
            "acked mara",
            Role::AckOther,
        ),
        (
            "CRIT",
            Role::SeverityCritical,
            "PoolExhausted",
            "payment",
            "8m",
            "acked by you",
            Role::AckMine,
        ),
        (
            "WARN",
            Role::SeverityWarning,
            "HighLatency",
            "search",
            "4m",
            "",
            Role::Text,
        ),
        (
            "info",
            Role::SeverityInfo,
            "DeployRunning",
            "checkout",
            "31m",
            "",
            Role::Text,
        ),
        (
            "WARN",
            Role::SeverityWarning,
            "DiskFilling",
            "catalogue-7",
            "3h",
            "silenced",
            Role::TextDim,
        ),
    ];
    let columns = [
        column("", Width::Fixed(5), Align::Left, 0),
        column(
            "alert",
            Width::Flex {
                min: 10,
                max: 30,
                weight: 2,
            },
            Align::Left,
            0,
        ),
        column(
            "service",
            Width::Flex {
                min: 8,
                max: 20,
                weight: 1,
            },
            Align::Left,
            1,
        ),
        column("age", Width::Fixed(4), Align::Right, 0),
        column(
            "",
            Width::Flex {
                min: 8,
                max: 16,
                weight: 1,
            },
            Align::Left,
            0,
        ),
    ];
    let frame = Frame {
        number: Some(2),
        count: vec![
            own("14 firing", Role::TextStrong),
            own(" · 3 silenced", Role::TextMuted),
        ],
        filter: Some(SafeText::line("env=prod")),
        age: vec![own("STALE 3m", Role::StateStale)],
        foot: vec![own("2 of 14", Role::TextMuted)],
        ..Frame::titled(SafeText::line("Alerts"), Focused::Gained)
    };
    let within = frame::draw(buffer, area, theme, &frame);
    let extent = Extent {
        first: 0,
        shown: usize::from(within.height),
        total: 24,
    };
    let border = Rect::new(within.right(), within.y, 1, within.height);
    scrollbar::draw(buffer, border, theme, extent, Role::BorderFocused);
    let text = after(within, 1);
    let slots = columns::layout(&columns, text.width, 1);
    for (index, (severity, role, name, service, age, state, state_role)) in rows.into_iter().enumerate() {
        let line = row(text, index as u16);
        let cells = [
            vec![own(severity, role)],
            vec![own(name, Role::Text)],
            vec![own(service, Role::TextMuted)],
            vec![own(age, Role::TextMuted)],
            vec![own(state, state_role)],
        ];
        let look = match index {
            1 => Look::Cursor,
            5 => Look::Dimmed,
            _ => Look::Plain,
        };
        columns::draw_row(buffer, line, theme, (&columns, &slots), &cells, look);
        if index == 1 {
            columns::draw_cursor(buffer, row(within, 1), theme);
        }
    }
}

fn burn_pane(buffer: &mut Buffer, area: Rect, theme: &Theme) {
    let burn: Vec<(f64, f64)> = (0..=180)
        .map(|minute| {
            let t = f64::from(minute);
            let y = if (60..70).contains(&minute) {
                f64::NAN
            } else {
                0.8 + (t / 14.0).sin().abs() * 0.9
            };
            let leak = if t > 110.0 {
                ((t - 110.0) / 12.0).powi(2).min(22.0)
            } else {
                0.0
            };
            (t, y + leak)
        })
        .collect();
    let long: Vec<(f64, f64)> = burn
        .iter()
        .map(|&(t, y)| (t, if t < 115.0 { 0.9 } else { y * 0.5 }))
        .collect();
    let frame = Frame {
        count: vec![
            own("5m", Role::Chart),
            own(" · ", Role::TextMuted),
            own("1h", Role::ChartSecond),
        ],
        age: vec![own("live", Role::TextMuted)],
        ..Frame::titled(SafeText::line("checkout availability"), Focused::Lost)
    };
    let within = frame::draw(buffer, area, theme, &frame);
    let chart = Chart {
        series: vec![
            Series {
                points: &burn,
                shape: Shape::Area,
                role: Role::Chart,
            },
            Series {
                points: &long,
                shape: Shape::Line,
                role: Role::ChartSecond,
            },
        ],
        limits: vec![Limit {
            y: 14.4,
            label: "page 14.4×".to_owned(),
            role: Role::ChartLimit,
        }],
        x: [0.0, 180.0],
        y: [0.0, 20.0],
        y_label: |y| format!("{y:.0}×"),
        marks: Vec::new(),
        x_labels: (0..=6)
            .map(|i| (f64::from(i) * 30.0, format!("{:02}:{:02}", i / 2, i % 2 * 30)))
            .collect(),
    };
    chart::draw(buffer, within, theme, &chart);
}

fn text_pane(buffer: &mut Buffer, area: Rect, theme: &Theme) {
    let pair = |label: &'static str, text: &'static str, role| Block::Pair {
        label: SafeText::line(label),
        lines: SafeText::lines(text).collect(),
        role,
    };
    let blocks = [
        Block::Heading("Annotations"),
        pair(
            "summary",
            "5xx ratio of checkout above 2 % for 10 minutes: connection pool exhausted, 20 of 20 in use",
            Role::TextStrong,
        ),
        pair(
            "runbook",
            "https://runbooks.example/checkout/pool-exhausted",
            Role::Accent,
        ),
        Block::Heading("Labels"),
        pair("alertname", "HighErrorRate", Role::Text),
        pair("service", "checkout", Role::Text),
        pair("kubernetes_io_instance", "checkout-5d8f7c9b8-x2vqp", Role::Text),
        Block::Heading("Acknowledged"),
        pair("by", "mara, 4 minutes ago, until 03:29Z", Role::AckOther),
    ];
    let frame = Frame::titled(SafeText::line("HighErrorRate"), Focused::Lost);
    let mut within = after(frame::draw(buffer, area, theme, &frame), 1);
    within.width = within.width.saturating_sub(1);
    let lines = text_block::layout(&blocks, within.width);
    text_block::draw(buffer, within, theme, &lines, 0);
}
