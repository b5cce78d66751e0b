//! `midwatch trace ID`: a waterfall for people, a document for scripts, OTLP for other tools.

use std::io::{self, IsTerminal as _};

use rustix::termios::tcgetwinsize;

use super::args::{ColorChoice, TraceArgs, TraceFormat};
use super::gather::{Scene, say_remarks};
use super::traces::MEND;
use super::{CliError, Exit, Outcome, Session};
use crate::backend::{BackendFailure, BackendResult};
use crate::domain::document::{Remarks, document};
use crate::domain::trace::chart::{self, Colours, Glyphs, Style};
use crate::domain::trace::json::{Findings, Frame, Told, write_trace};
use crate::domain::trace::{Trace, TraceId, otlp, skew};
use serde_json::json;

/// Cells of a line where there is no terminal.
const WIDTH: usize = 80;

/// Runs the command.
pub async fn run(session: &mut Session, args: &TraceArgs) -> Outcome {
    let scene = Scene::open(session)?;
    let Some(source) = scene.backends.traces.clone() else {
        return Err(scene.lacks("traces", MEND));
    };
    let format = args.format.unwrap_or(if session.globals.json {
        TraceFormat::Json
    } else {
        TraceFormat::Text
    });
    session
        .out
        .progress(&format!("asking {} for {}…", scene.context.name, args.id))?;
    let missing = match found(source.trace(args.id, None).await) {
        Ok(Some(trace)) => return tell(session, &scene, args, format, &trace),
        Ok(None) => BackendFailure {
            backend: source.name().to_string(),
            message: if is_short(args.id) {
                format!(
                    "trace {} not found: a source is asked for whole ids, 16 or 32 digits, not for the beginning of \
                     one; `midwatch traces` lists them",
                    args.id
                )
            } else {
                format!(
                    "trace {} not found: it was not sampled, is gone, or has not arrived yet",
                    args.id
                )
            },
        },
        Err(failure) => failure,
    };
    if format == TraceFormat::Json {
        let remarks = Remarks {
            errors: vec![missing.clone()],
            ..Remarks::default()
        };
        let body = json!({"trace_id": args.id.to_string()});
        let text = document(&scene.context.name, scene.now().utc, body, &remarks);
        session.out.text(&text)?;
        session.out.text("\n")?;
        session.out.flush()?;
    }
    Err(CliError::Backend(format!(
        "{}: {}",
        missing.backend, missing.message
    )))
}

/// Whether it was more likely the beginning of an id: ids are random, so that one of 8 bytes with four zeros in front
/// comes once in 65,536.
fn is_short(id: TraceId) -> bool {
    id.0.starts_with(&[0; 10])
}

fn found<T>(asked: BackendResult<T>) -> Result<T, BackendFailure> {
    asked.map_err(|error| error.failure())
}

fn tell(
    session: &mut Session,
    scene: &Scene,
    args: &TraceArgs,
    format: TraceFormat,
    trace: &Trace,
) -> Outcome {
    let findings = Findings::of(trace);
    let told = if args.critical_path { Told::Path } else { Told::All };
    let mut remarks = Remarks::default();
    for remark in trace.remarks() {
        let list = if remark.is_loss() {
            &mut remarks.partial
        } else {
            &mut remarks.warnings
        };
        list.push(remark.to_string());
    }
    let shifts = &findings.unskewed.shifts;
    // The text says it above its bars.
    if !shifts.is_empty() && format != TraceFormat::Text {
        remarks.warnings.push(format!(
            "clocks differ: {}; times are as they came",
            skew::said(shifts)
        ));
    }
    match format {
        TraceFormat::Json => {
            let frame = Frame {
                context: &scene.context.name,
                at: scene.now().utc,
                remarks: &remarks,
            };
            write_trace(session.out.writer(), &frame, trace, &findings, told)?;
        }
        TraceFormat::Otlp => {
            otlp::write(session.out.writer(), trace, |row| told.includes(&findings, row))?;
            say_remarks(session, &remarks)?;
        }
        TraceFormat::Text => {
            let style = style(session);
            chart::write(session.out.writer(), trace, &findings, told, style)?;
            say_remarks(session, &remarks)?;
        }
    }
    session.out.flush()?;
    Ok(Exit::Done)
}

/// As the flags, the environment and standard output want it.
fn style(session: &Session) -> Style {
    let terminal = io::stdout().is_terminal();
    let cells = tcgetwinsize(io::stdout()).ok().filter(|_| terminal);
    let colours = match session.globals.color {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => terminal && session.env.get("NO_COLOR").is_none(),
    };
    Style {
        width: cells
            .map(|size| usize::from(size.ws_col))
            .filter(|cells| *cells > 0)
            .unwrap_or(WIDTH),
        glyphs: if session.globals.ascii {
            Glyphs::Ascii
        } else {
            Glyphs::Blocks
        },
        colours: if colours { Colours::Yes } else { Colours::No },
    }
}
