//! A hundred thousand spans on the screen: from the bytes of an answer to the first frame, and every frame after it.

use std::sync::Arc;

use midwatch::app::Msg;
use midwatch::app::traces::Study;
use midwatch::backend::traces::otlp;
use midwatch::theme;
use midwatch::view;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::figure::{Held, Samples, held, told};
use crate::fixtures::{self, waterfalls};
use crate::traces::{Shape, body, chain, fan, tree};

pub fn measure() {
    for (what, shape) in [
        ("a tree", tree as Shape),
        ("a chain", chain),
        ("side by side", fan),
    ] {
        one(what, shape);
    }
}

fn one(what: &str, shape: Shape) {
    const SPANS: usize = 100_000;
    let means = theme::Means {
        depth: theme::ColorDepth::TrueColor,
        glyphs: theme::Glyphs::Unicode,
    };
    let theme = theme::load("midwatch", None, means).expect("a theme");
    let mut buffer = Buffer::empty(Rect::new(0, 0, 200, 60));
    let body = body(SPANS, shape);
    let id = otlp::read(body.clone()).traces[0].id();
    let asked = || {
        let mut model = fixtures::shop_with(waterfalls::with_traces(), fixtures::size(200, 60));
        model.traces.turn_to(id, fixtures::now().tick);
        model.details.push(midwatch::app::DetailView {
            detail: midwatch::app::focus::Detail::Trace(id),
            scroll: 0,
        });
        model
    };
    let first = Samples::of_runs(
        1,
        5,
        || (body.clone(), asked()),
        |(body, mut model)| {
            let trace = otlp::read(body).traces.swap_remove(0);
            let result = Ok(Arc::new(Study::of(Arc::new(trace))));
            fixtures::tell(&mut model, Msg::TraceRead { id, result });
            buffer.reset();
            view::draw(&model, &theme, fixtures::now(), &mut buffer);
        },
    );
    let figure = format!("waterfall: {what} of 100,000, from bytes to the first frame");
    held(&figure, "ms", &first, (Held::Median, 700.0));

    let trace = Arc::new(otlp::read(body).traces.swap_remove(0));
    let studied = Samples::of_runs(1, 5, || Arc::clone(&trace), Study::of);
    told(&format!("waterfall: {what}, studied"), "ms", &studied);
    let mut model = asked();
    let result = Ok(Arc::new(Study::of(trace)));
    fixtures::tell(&mut model, Msg::TraceRead { id, result });
    let mut turn = 0;
    let drawn = Samples::of_runs(
        3,
        100,
        || (),
        |()| {
            turn += 1;
            let keys = ["G", "g", "pgdn", "ctrl-d", "+", "}", "pgup", "0", "c", "j"][turn % 10];
            fixtures::press(&mut model, keys);
            buffer.reset();
            view::draw(&model, &theme, fixtures::now(), &mut buffer);
        },
    );
    let figure = format!("waterfall: {what}, a key and the 200x60 frame after it");
    held(&figure, "ms", &drawn, (Held::P99, 2.0));
    let folded = Samples::of_runs(2, 20, || (), |()| fixtures::press(&mut model, "F"));
    let figure = format!("waterfall: {what}, fold all and unfold all");
    held(&figure, "ms", &folded, (Held::P99, 20.0));
}
