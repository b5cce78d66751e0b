//! `midwatch doctor --cost`: what the console costs at rest on this host and these backends.
//!
//! It is the real loop on the real session, drawn onto a screen of 120x40 that only counts. It is read-only, so that
//! nothing is renewed, declared or sent; nobody presses a key. What is printed beside a figure is what midwatch promises
//! where nothing changes; a production that does change costs what its changes cost.

use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Size;
use serde::Serialize;

use super::super::opening::{Opener, Threads};
use super::super::{Exit, Outcome, Session, console};
use crate::app::Model;
use crate::app::cost::{Rates, Usage};
use crate::app::focus::Layout;
use crate::keymap;
use crate::runtime::console::{Console, World as _};
use crate::runtime::usage;
use crate::terminal::counted::Counted;
use crate::terminal::signals::Signals;
use crate::theme;
use crate::view::widget::words;

const SIZE: Size = Size::new(120, 40);
/// First answers, clients, the journal's check: over by then.
const SETTLES: Duration = Duration::from_secs(5);

/// At rest no more than this, per figure: product figures, which `cargo bench` measures against.
const BYTES: f64 = 35.0;
const CPU: f64 = 0.002;
const MEMORY: u64 = 15 << 20;
const WAKES: f64 = 5.0;

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Measured {
    context: String,
    seconds: f64,
    /// Until all first answers were drawn.
    start_bytes: u64,
    frames_per_second: f64,
    bytes_per_second: f64,
    draw_median_seconds: Option<f64>,
    draw_slowest_seconds: Option<f64>,
    /// Share of one core.
    cpu: Option<f64>,
    resident_bytes: Option<u64>,
    threads: Option<usize>,
    wakes_per_second: Option<f64>,
    requests_per_minute: f64,
    backends: Vec<Asked>,
}

/// How often one backend is asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Asked {
    backend: String,
    requests_per_minute: f64,
}

/// Runs the command.
pub fn run(session: &mut Session, during: Duration) -> Outcome {
    let (mut config, context) = session.context()?;
    config.read_only = true;
    let settled = words::span(SETTLES + during);
    session.out.progress(&format!(
        "watching the console on {} for {settled}…",
        context.name
    ))?;
    let means = console::means(session);
    let dir = config.config_dir.clone();
    let theme = theme::load(&config.theme, dir.as_deref(), means)?;
    let keymap = Arc::new(keymap::load(&config.keymap, dir.as_deref())?);
    let clock = session.clock;
    let policy = console::runbooks(session, &context);
    let settings = console::settings(&config, &context, policy);
    let model = Model::new(settings, keymap, Layout::default(), SIZE, clock.now());
    let threads = Threads::start()?;
    let measured = threads.run(async {
        let signals = Signals::listen()?;
        // Nobody types: the sender is kept, so that the terminal does not seem gone.
        let (_keys, inputs) = tokio::sync::mpsc::channel(1);
        let mut console = Console::new(model, theme, Counted::new(SIZE), inputs, clock);
        console.usage = usage::read;
        let name = context.name.clone();
        let opener = Opener {
            session,
            threads: &threads,
            config: Arc::new(config),
            wires: Arc::default(),
            means,
            lines: None,
        };
        let mut world = opener.open(&Arc::new(context), signals);
        let _ = tokio::time::timeout(SETTLES, console.run(&mut world)).await;
        let start_bytes = console.model.cost.bytes();
        let asked = requests(&console.model);
        console.model.cost.begin_anew();
        console.read_cost();
        let ended = tokio::time::timeout(during, console.run(&mut world)).await;
        console.read_cost();
        world.rest().await;
        drop(world.close());
        if ended.is_ok() {
            return Err(std::io::Error::from(std::io::ErrorKind::Interrupted));
        }
        Ok(measured(name, start_bytes, &console.model, &asked))
    });
    threads.end();
    let Some(measured) = measured? else {
        return Err(super::super::CliError::Usage(
            "--for: nothing passes in so short a time; try 30s".to_owned(),
        ));
    };
    if session.globals.json {
        session.out.json(&measured)?;
    } else {
        for line in lines(&measured) {
            session.out.line(&line)?;
        }
    }
    Ok(Exit::Done)
}

fn requests(model: &Model) -> Vec<u64> {
    model
        .health
        .iter()
        .map(|backend| backend.counters.requests)
        .collect()
}

fn measured(context: String, start_bytes: u64, model: &Model, before: &[u64]) -> Option<Measured> {
    let Rates {
        over,
        frames,
        bytes,
        requests,
        cpu,
        wakes,
    } = model.cost.rates()?;
    let Usage {
        resident, threads, ..
    } = model.cost.usage().unwrap_or_default();
    let draws = model.cost.draws();
    let minutes = over.as_secs_f64() / 60.0;
    let backends = model.health.iter().enumerate().map(|(index, backend)| Asked {
        backend: backend.name.to_string(),
        requests_per_minute: backend
            .counters
            .requests
            .saturating_sub(before.get(index).copied().unwrap_or(0)) as f64
            / minutes,
    });
    Some(Measured {
        context,
        seconds: over.as_secs_f64(),
        start_bytes,
        frames_per_second: frames,
        bytes_per_second: bytes,
        draw_median_seconds: draws.map(|(median, _)| median.as_secs_f64()),
        draw_slowest_seconds: draws.map(|(_, slowest)| slowest.as_secs_f64()),
        cpu,
        resident_bytes: resident,
        threads,
        wakes_per_second: wakes,
        requests_per_minute: requests,
        backends: backends.collect(),
    })
}

/// The same as text: a figure a line, and what it should stay within where nothing changes.
fn lines(measured: &Measured) -> Vec<String> {
    const UNKNOWN: &str = "not told by this system";
    let line = |name: &str, value: String, more: String| {
        format!("{name:<10} {value:>11}  {more}").trim_end().to_owned()
    };
    let told = |value: Option<String>| value.unwrap_or_else(|| UNKNOWN.to_owned());
    let millis = |seconds: f64| format!("{:.1} ms", seconds * 1_000.0);
    let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
    let draws = measured.draw_median_seconds.zip(measured.draw_slowest_seconds);
    let mut lines = vec![
        format!(
            "the console on {}, {}x{}, read-only, nobody at the keys, over {:.0} s; at most: where nothing changes",
            measured.context, SIZE.width, SIZE.height, measured.seconds
        ),
        line(
            "start",
            words::bytes(measured.start_bytes),
            format!("written in the first {:.0} s", SETTLES.as_secs_f64()),
        ),
        line(
            "frames",
            format!("{:.1}/s", measured.frames_per_second),
            draws
                .map(|(median, slowest)| format!("{} each, {} the slowest", millis(median), millis(slowest)))
                .unwrap_or_default(),
        ),
        line(
            "written",
            format!("{:.0} B/s", measured.bytes_per_second),
            format!("at most {BYTES:.0} B/s"),
        ),
        line(
            "processor",
            told(measured.cpu.map(|share| format!("{:.2} %", share * 100.0))),
            format!("of a core; at most {:.1} %", CPU * 100.0),
        ),
        line(
            "memory",
            told(measured.resident_bytes.map(mib)),
            format!("at most {}, log lines beyond", mib(MEMORY)),
        ),
        line(
            "woken",
            told(measured.wakes_per_second.map(|wakes| format!("{wakes:.1}/s"))),
            format!("at most {WAKES:.0}/s"),
        ),
        line(
            "requests",
            format!("{:.0}/min", measured.requests_per_minute),
            String::new(),
        ),
    ];
    for Asked {
        backend,
        requests_per_minute,
    } in &measured.backends
    {
        lines.push(line("", format!("{requests_per_minute:.0}/min"), backend.clone()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_stands_beside_what_it_should_stay_within() {
        let measured = Measured {
            context: "prod".to_owned(),
            seconds: 30.0,
            start_bytes: 5_120,
            frames_per_second: 1.03,
            bytes_per_second: 31.4,
            draw_median_seconds: Some(0.0003),
            draw_slowest_seconds: Some(0.0021),
            cpu: Some(0.0012),
            resident_bytes: Some(14 << 20),
            threads: None,
            wakes_per_second: None,
            requests_per_minute: 36.0,
            backends: vec![Asked {
                backend: "metrics".to_owned(),
                requests_per_minute: 24.0,
            }],
        };
        let text = lines(&measured).join("\n");
        assert!(text.contains("written         31 B/s  at most 35 B/s"), "{text}");
        assert!(
            text.contains("processor       0.12 %  of a core; at most 0.2 %"),
            "{text}"
        );
        assert!(
            text.contains("memory        14.0 MiB  at most 15.0 MiB"),
            "{text}"
        );
        assert!(text.contains("woken      not told by this system"), "{text}");
        assert!(text.contains("24/min  metrics"), "{text}");
    }
}
