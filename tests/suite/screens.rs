//! Screens as text and styles: each pane in every state at every breakpoint, overlays where room is scarce.
//!
//! A snapshot is the screen's rows, then what is styled: runs of cells by role, so that a change of a theme's
//! colours changes nothing here.

mod case;
mod incident;
mod palette;
mod panes;
mod promises;
mod runbook;
mod trace;

use std::fmt::Write as _;
use std::sync::Arc;

use midwatch::app::focus::PaneId;
use midwatch::app::{Model, Msg};
use midwatch::theme::{Glyphs, Role, Theme};
use midwatch::view;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Style};

use crate::fixtures::{self as shop, press};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];
const SMALL: [(u16, u16); 2] = [(80, 24), (40, 10)];

/// A theme in which a role's style is its number, so that roles can be read back from a buffer.
fn numbered(glyphs: Glyphs) -> Theme {
    Theme::from_styles("numbered", glyphs, |role| {
        Style::new().fg(Color::Indexed(role as u8))
    })
}

fn drawn(model: &Model) -> (Buffer, Option<Position>) {
    let mut buffer = Buffer::empty(Rect::new(0, 0, model.size.width, model.size.height));
    let cursor = view::draw(model, &numbered(Glyphs::Unicode), shop::now(), &mut buffer);
    (buffer, cursor)
}

#[test]
fn a_drill_says_that_it_is_one_whatever_else_the_top_bar_has_to_say() {
    for (width, height) in [(80, 24), (120, 40), (40, 10)] {
        let mut model = shop::failed(shop::size(width, height));
        assert!(!rows(&drawn(&model).0)[0].contains("DRILL"));
        let now = shop::now().utc;
        let ago = chrono::TimeDelta::seconds(252);
        model.drill = Some(midwatch::app::drill::DrillLog::between(now - ago, now + ago));
        let (buffer, _) = drawn(&model);
        let top = rows(&buffer).remove(0);
        assert!(top.contains("DRILL 4:12"), "{top}");
        let at = (0..width)
            .find(|x| buffer[(*x, 0)].symbol() == "D")
            .expect("there");
        assert_eq!(buffer[(at, 0)].fg, Color::Indexed(Role::Accent as u8));
    }
}

#[test]
fn rows_of_every_context_that_are_old_or_say_nothing_are_dimmed_and_no_other() {
    use midwatch::app::union::{Answered, ContextReport, rows_of};
    let mut model = shop::shop_with(shop::settings(), shop::size(120, 40));
    shop::press(&mut model, "X");
    let board = shop::board_of(vec![
        shop::alert("Down", "critical", "cart", 1, &[]),
        shop::alert("Slow", "critical", "cart", 2, &[]),
    ]);
    let mut two = rows_of(None, Some(&board), &[]);
    assert_eq!(two.len(), 2);
    two[0].is_old = true;
    "old words".clone_into(&mut two[0].words);
    "new words".clone_into(&mut two[1].words);
    let report = |name: &str, rows| {
        std::sync::Arc::new(ContextReport {
            at: Some(midwatch::time::Tick::from_secs(970)),
            answered: vec![Answered {
                backend: "metrics".into(),
                failure: None,
            }],
            rows,
            ..ContextReport::waiting(name, false)
        })
    };
    shop::tell(
        &mut model,
        midwatch::app::Msg::ContextsHeard(vec![report("staging", two)]),
    );
    // the cursor has a look of its own
    shop::press(&mut model, "G");
    let (buffer, _) = drawn(&model);
    let role_of = |words: &str| {
        let rows = rows(&buffer);
        let y = rows
            .iter()
            .position(|row| row.contains(words))
            .unwrap_or_else(|| panic!("{words}: {rows:#?}"));
        let before = rows[y].split(words).next().unwrap_or_default();
        buffer[(midwatch::text::width(before) as u16, y as u16)].fg
    };
    assert_eq!(role_of("old words"), Color::Indexed(Role::TextDim as u8));
    assert_eq!(role_of("new words"), Color::Indexed(Role::Text as u8));
}

fn rows(buffer: &Buffer) -> Vec<String> {
    let area = buffer.area;
    (0..area.height)
        .map(|y| {
            let mut row = String::new();
            let mut skip = 0;
            for x in 0..area.width {
                let symbol = buffer[(x, y)].symbol();
                if skip == 0 {
                    row.push_str(symbol);
                    skip = midwatch::text::width(symbol).max(1);
                }
                skip -= 1;
            }
            row.trim_end().to_owned()
        })
        .collect()
}

fn role_at(buffer: &Buffer, x: u16, y: u16) -> Option<Role> {
    match buffer[(x, y)].fg {
        Color::Indexed(number) => Role::ALL.get(usize::from(number)).copied(),
        _ => None,
    }
}

/// Rows, then a line of roles for each row that has more than plain text.
fn pictured(model: &Model) -> String {
    let (buffer, cursor) = drawn(model);
    let mut out = String::new();
    for row in rows(&buffer) {
        let _ = writeln!(out, "{row}");
    }
    out.push_str("--- roles\n");
    for y in 0..buffer.area.height {
        let mut runs: Vec<(Role, u16)> = Vec::new();
        for x in 0..buffer.area.width {
            let blank = buffer[(x, y)].symbol() == " ";
            let Some(role) = role_at(&buffer, x, y).filter(|_| !blank) else {
                continue;
            };
            if runs.last().is_none_or(|(last, _)| *last != role) {
                runs.push((role, x));
            }
        }
        let line: Vec<String> = runs
            .iter()
            .map(|(role, x)| format!("{x}:{}", role.name()))
            .collect();
        if !line.is_empty() {
            let _ = writeln!(out, "{y:>2} {}", line.join(" "));
        }
    }
    if let Some(cursor) = cursor {
        let _ = writeln!(out, "--- cursor {},{}", cursor.x, cursor.y);
    }
    out
}

fn at_each(sizes: &[(u16, u16)], name: &str, build: impl Fn(u16, u16) -> Model) {
    for (width, height) in sizes {
        let model = build(*width, *height);
        assert_only_the_clock_goes_on(&model, name);
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), pictured(&model));
    }
}

/// Of a screen that says it is still, the first row drawn anew some seconds later makes the screen of that moment.
fn assert_only_the_clock_goes_on(model: &Model, name: &str) {
    let theme = numbered(Glyphs::Unicode);
    let at = |now| {
        let mut frame = Buffer::empty(Rect::new(0, 0, model.size.width, model.size.height));
        view::draw(model, &theme, now, &mut frame);
        frame
    };
    // Not from the whole minute on, at which spans ahead go a step.
    let mut frame = at(shop::later(1));
    for seconds in 2..=5 {
        let later = shop::later(seconds);
        if !model.is_still(later) {
            return;
        }
        view::draw_clock(model, &theme, later, &mut frame);
        let (shown, wanted) = (rows(&frame), rows(&at(later)));
        for (y, row) in shown.iter().zip(&wanted).enumerate() {
            assert_eq!(row.0, row.1, "{name}, row {y}, {seconds} s later");
        }
        assert!(frame == at(later), "{name}: colours, {seconds} s later");
    }
}

#[test]
fn what_is_still_is_drawn_by_its_first_row() {
    for (width, height) in SIZES {
        let at = |build: fn(ratatui::layout::Size) -> Model| build(shop::size(width, height));
        let fires = |mut model: Model| {
            // Nothing of its incidents counts seconds, and nothing waits to be sent.
            shop::tell(&mut model, Msg::OutboxChanged(Arc::default()));
            let listed = vec![shop::incidents::checkout()];
            shop::tell(&mut model, Msg::IncidentsFetched(shop::incidents::listed(listed)));
            while model.toasts.dismiss().is_some() {}
            model
        };
        let still = |name: &str, model: &Model| {
            assert!(model.is_still(shop::later(5)), "{name}");
            assert_only_the_clock_goes_on(model, name);
        };
        still("calm", &at(shop::calm));
        still("shop", &fires(at(shop::shop)));
        still("stale", &fires(at(shop::stale)));
        still("failed", &fires(at(shop::failed)));
        still("deaf", &fires(at(shop::deaf)));
        still("silent", &at(shop::silent));
    }
}

fn on(pane: PaneId, mut model: Model) -> Model {
    shop::focus(&mut model, pane);
    model
}

fn press_all(model: &mut Model, keys: &str) {
    if !keys.is_empty() {
        press(model, keys);
    }
}
