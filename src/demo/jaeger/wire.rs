//! Traces piece by piece: an answer of fifty thousand spans begins at once, and is never held.

use std::convert::Infallible;
use std::ops::Range;

use axum::body::Body;

use super::params::Form;
use super::{otlp, ui, warnings};
use crate::demo::world::traces::Trace;

/// Spans of a piece.
const PIECE: usize = 500;

/// The two forms of traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// OTLP, all traces in one.
    Otlp,
    /// The UI's, one object a trace.
    Ui,
}

/// A trace, and what is said beside it.
struct Sent {
    trace: Trace,
    warnings: Vec<Vec<String>>,
}

/// The pieces of an answer, each made when it is asked for; `end` closes the UI's envelope.
pub fn pieces(
    traces: Vec<Trace>,
    dialect: Dialect,
    form: Form,
    end: String,
) -> impl Iterator<Item = String> + Send + 'static {
    let (open, close) = match dialect {
        Dialect::Otlp => ("{\"result\":{\"resourceSpans\":[".to_owned(), "]}}".to_owned()),
        Dialect::Ui => ("{\"data\":[".to_owned(), end),
    };
    let mut first = true;
    let told = traces.into_iter().flat_map(move |trace| {
        let warnings = match form {
            Form::Raw => Vec::new(),
            Form::Adjusted => warnings::of(&trace),
        };
        let comma = if std::mem::take(&mut first) { "" } else { "," };
        let sent = Sent { trace, warnings };
        let cuts = (0..sent.trace.count()).step_by(PIECE);
        cuts.map(move |from| {
            let to = (from + PIECE).min(sent.trace.count());
            let before = if from == 0 { comma } else { "," };
            match dialect {
                Dialect::Otlp => format!("{before}{}", sent.otlp(from..to)),
                Dialect::Ui => sent.ui(from..to, before),
            }
        })
    });
    std::iter::once(open).chain(told).chain(std::iter::once(close))
}

impl Sent {
    fn otlp(&self, of: Range<usize>) -> String {
        otlp::resource_spans(&self.trace, of, &self.warnings)
    }

    fn ui(&self, of: Range<usize>, before: &str) -> String {
        let (from, to) = (of.start, of.end);
        let spans = ui::spans(&self.trace, of, &self.warnings);
        let head = if from == 0 {
            format!("{{\"traceID\":\"{:032x}\",\"spans\":[", self.trace.id)
        } else {
            String::new()
        };
        let tail = if to == self.trace.count() {
            let processes = ui::processes(&self.trace);
            format!("],\"processes\":{processes},\"warnings\":null}}")
        } else {
            String::new()
        };
        format!("{before}{head}{spans}{tail}")
    }
}

/// As a body.
pub fn body(pieces: impl Iterator<Item = String> + Send + 'static) -> Body {
    Body::from_stream(futures::stream::iter(pieces.map(Ok::<_, Infallible>)))
}
