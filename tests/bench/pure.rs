//! What needs no process: SLO arithmetic, a frame, an update.

use std::sync::Arc;

use midwatch::app::Msg;
use midwatch::app::focus::PaneId;
use midwatch::app::update::update;
use midwatch::domain::slo::{LastKnown, evaluate, rank};
use midwatch::keymap;
use midwatch::terminal::Input;
use midwatch::theme;
use midwatch::view;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::figure::{Held, Samples, held};
use crate::{crowd, fixtures};

pub fn measure() {
    slos();
    frame();
    keys();
    timelines();
}

fn slos() {
    let now = fixtures::now();
    let all = crowd::slos(now);
    let memory = LastKnown::default();
    let samples = Samples::of_runs(
        20,
        200,
        || (),
        |()| {
            let mut reports: Vec<_> = all
                .iter()
                .map(|(slo, readings)| Arc::new(evaluate(Arc::clone(slo), readings, &memory, now)))
                .collect();
            rank(&mut reports);
            reports
        },
    );
    held(
        "500 SLOs x 8 windows evaluated and ranked",
        "ms",
        &samples,
        (Held::Median, 2.0),
    );
}

fn frame() {
    let size = fixtures::size(200, 60);
    let means = theme::Means {
        depth: theme::ColorDepth::Ansi256,
        glyphs: theme::Glyphs::Unicode,
    };
    let theme = theme::load("midwatch", None, means).unwrap();
    let area = Rect::new(0, 0, size.width, size.height);
    let mut buffer = Buffer::empty(area);
    for (what, model) in [
        (
            "a full 200x60 frame, 10,000 alerts and 500 SLOs held",
            Box::new(fixtures::crowded(size, crowd::ALERTS)),
        ),
        (
            "a full 200x60 frame, the shop on fire",
            Box::new(fixtures::shop(size)),
        ),
    ] {
        let samples = Samples::of_runs(
            20,
            300,
            || (),
            |()| {
                buffer.reset();
                view::draw(&model, &theme, fixtures::now(), &mut buffer)
            },
        );
        held(what, "ms", &samples, (Held::Median, 2.0));
    }
}

/// A timeline of ten thousand events: taken in and opened, and drawn.
fn timelines() {
    let size = fixtures::size(200, 60);
    let theme = midwatch::theme::Theme::from_styles("plain", theme::Glyphs::Unicode, |_| {
        ratatui::style::Style::new()
    });
    let mut buffer = Buffer::empty(Rect::new(0, 0, size.width, size.height));
    let story = fixtures::incidents::timeline_feed(fixtures::incidents::long_story());
    let shop = || {
        let mut model = fixtures::shop(size);
        fixtures::focus(&mut model, PaneId::Incident);
        model
    };
    let opened = |model: &mut midwatch::app::Model| {
        let incident = fixtures::incidents::checkout().id;
        let feed = story.clone();
        let told = Msg::TimelineFetched { incident, feed };
        update(model, told, fixtures::now());
        fixtures::press(model, "enter");
    };
    let samples = Samples::of_runs(5, 50, shop, |mut model| {
        opened(&mut model);
        buffer.reset();
        view::draw(&model, &theme, fixtures::now(), &mut buffer);
        model
    });
    held(
        "10,000 events taken in, opened and drawn",
        "ms",
        &samples,
        (Held::P99, 50.0),
    );
    let mut model = shop();
    opened(&mut model);
    fixtures::press(&mut model, "k k enter");
    let samples = Samples::of_runs(
        20,
        300,
        || (),
        |()| {
            buffer.reset();
            view::draw(&model, &theme, fixtures::now(), &mut buffer)
        },
    );
    held(
        "a full 200x60 frame, 10,000 events open",
        "ms",
        &samples,
        (Held::Median, 2.0),
    );
}

fn keys() {
    let mut model = fixtures::crowded(fixtures::size(200, 60), crowd::ALERTS);
    fixtures::focus(&mut model, PaneId::Alerts);
    for (what, spelt) in [
        ("update on j and k, 10,000 alerts held", "j j j k"),
        (
            "update on G, ctrl-u, g, ctrl-d, 10,000 alerts held",
            "G ctrl-u g ctrl-d",
        ),
        ("update on enter and esc, 10,000 alerts held", "j enter esc"),
    ] {
        let chords = keymap::parse_sequence(spelt).unwrap();
        let mut nth = 0;
        let samples = Samples::of_runs(
            100,
            2_000,
            || {
                let chord = &chords[nth % chords.len()];
                nth += 1;
                Msg::Input(Input::Key(crossterm::event::KeyEvent::new(
                    chord.code,
                    chord.modifiers,
                )))
            },
            |msg| update(&mut model, msg, fixtures::now()),
        );
        held(what, "ms", &samples, (Held::P99, 0.05));
    }
}
