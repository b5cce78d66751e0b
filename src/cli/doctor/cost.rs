//! `midwatch doctor --cost`: what the console costs at rest on this host and these backends.
//!
//! It is the real loop on the real session, drawn onto a screen of 120x40 that only counts. It is read-only, so that
//! nothing is renewed, declared or sent; nobody presses a key. What is printed beside a figure is what midwatch promises
//! where nothing changes; a production that does change costs what its changes cost. A figure beyond it is marked `over`, which
//! is no failure; a backend that did not answer is one, for then what was measured is a console that waits.

use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Size;
use serde::Serialize;

use super::super::opening::{Opener, Threads};
use super::super::{Exit, Outcome, Session, console};
use crate::app::cost::{MOST_BYTES, MOST_CPU, MOST_MEMORY, MOST_WAKES, Rates, Usage};
use crate::app::feed::Status;
use crate::app::focus::Layout;
use crate::app::{BackendHealth, Model};
use crate::backend::http::Counters;
use crate::keymap;
use crate::runtime::console::{Console, World as _};
use crate::runtime::usage;
use crate::terminal::counted::Counted;
use crate::terminal::signals::Signals;
use crate::theme;
use crate::time::Tick;
use crate::view::widget::words;

const SIZE: Size = Size::new(120, 40);
/// First answers, clients, the journal's check: over by then.
const SETTLES: Duration = Duration::from_secs(5);
/// Whoever has not answered after this long hangs.
const HANGS: Duration = Duration::from_secs(5);

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
    /// Figures beyond what midwatch promises: bytes of a production that lives, the others where nothing changes.
    over: Vec<&'static str>,
    /// Backends that did not answer.
    errors: Vec<Failure>,
}

/// How often one backend is asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Asked {
    backend: String,
    requests_per_minute: f64,
    /// Requests that failed while it was measured.
    failed_requests: u64,
}

/// Why one did not answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Failure {
    backend: String,
    message: String,
}

impl Measured {
    /// Names the figures that are over their bounds.
    fn judged(mut self) -> Self {
        let over = [
            ("bytes_per_second", self.bytes_per_second.round() > MOST_BYTES),
            ("cpu", self.cpu.is_some_and(|share| share > MOST_CPU)),
            (
                "resident_bytes",
                self.resident_bytes.is_some_and(|bytes| bytes > MOST_MEMORY),
            ),
            (
                "wakes_per_second",
                self.wakes_per_second.is_some_and(|wakes| wakes > MOST_WAKES),
            ),
        ];
        self.over = over
            .into_iter()
            .filter_map(|(name, is_over)| is_over.then_some(name))
            .collect();
        self
    }

    /// The word before a bound, where the figure is over it.
    fn mark(&self, name: &str) -> &'static str {
        if self.over.contains(&name) { "over: " } else { "" }
    }
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
        let asked = counted(&console.model);
        console.model.cost.begin_anew();
        console.read_cost();
        let ended = tokio::time::timeout(during, console.run(&mut world)).await;
        console.read_cost();
        world.rest().await;
        drop(world.close());
        if ended.is_ok() {
            return Err(std::io::Error::from(std::io::ErrorKind::Interrupted));
        }
        Ok(measured(
            name,
            start_bytes,
            (&console.model, clock.tick()),
            &asked,
        ))
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
    Ok(if measured.errors.is_empty() {
        Exit::Done
    } else {
        Exit::Backend
    })
}

fn counted(model: &Model) -> Vec<Counters> {
    model.health.iter().map(|backend| backend.counters).collect()
}

/// Why a backend is one that did not answer in the end, whatever it said before: its last question failed or hangs, or
/// what it said is older than two questions.
fn failure(backend: &BackendHealth, now: Tick) -> Option<Failure> {
    let said = backend.last_good.map(|at| now.since(at));
    let message = match &backend.status {
        Status::Failed { cause, .. } => cause.to_string(),
        Status::InFlight { since } => match said {
            None => "asked, and no answer came in that time".to_owned(),
            Some(ago) if now.since(*since) >= HANGS || ago > backend.interval * 2 => {
                format!("asked, and no answer came since {} ago", words::span(ago))
            }
            Some(_) => return None,
        },
        // Who is polled answers once an interval.
        Status::Idle => match said {
            Some(ago) if ago > backend.interval * 2 + HANGS => {
                format!("no answer came since {} ago", words::span(ago))
            }
            Some(_) | None => return None,
        },
        Status::NotAsked { .. } => return None,
    };
    Some(Failure {
        backend: backend.name.to_string(),
        message,
    })
}

fn measured(
    context: String,
    start_bytes: u64,
    (model, now): (&Model, Tick),
    before: &[Counters],
) -> Option<Measured> {
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
    let backends = model.health.iter().enumerate().map(|(index, backend)| {
        let before = before.get(index).copied().unwrap_or_default();
        let now = backend.counters;
        Asked {
            backend: backend.name.to_string(),
            requests_per_minute: now.requests.saturating_sub(before.requests) as f64 / minutes,
            failed_requests: now.errors.saturating_sub(before.errors),
        }
    });
    let measured = Measured {
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
        over: Vec::new(),
        errors: model
            .health
            .iter()
            .filter_map(|backend| failure(backend, now))
            .collect(),
    };
    Some(measured.judged())
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
            format!("{}at most {MOST_BYTES:.0} B/s", measured.mark("bytes_per_second")),
        ),
        line(
            "processor",
            told(measured.cpu.map(|share| format!("{:.2} %", share * 100.0))),
            format!(
                "{}of a core; at most {:.1} %",
                measured.mark("cpu"),
                MOST_CPU * 100.0
            ),
        ),
        line(
            "memory",
            told(measured.resident_bytes.map(mib)),
            format!(
                "{}at most {}, log lines beyond",
                measured.mark("resident_bytes"),
                mib(MOST_MEMORY)
            ),
        ),
        line(
            "woken",
            told(measured.wakes_per_second.map(|wakes| format!("{wakes:.1}/s"))),
            format!("{}at most {MOST_WAKES:.0}/s", measured.mark("wakes_per_second")),
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
        failed_requests,
    } in &measured.backends
    {
        let failed = match failed_requests {
            0 => String::new(),
            failed => format!("; {failed} failed"),
        };
        lines.push(line(
            "",
            format!("{requests_per_minute:.0}/min"),
            format!("{backend}{failed}"),
        ));
    }
    for Failure { backend, message } in &measured.errors {
        lines.push(format!("no answer from {backend}: {message}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_rest() -> Measured {
        Measured {
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
                failed_requests: 0,
            }],
            over: Vec::new(),
            errors: Vec::new(),
        }
    }

    #[test]
    fn each_figure_stands_beside_what_it_should_stay_within() {
        let measured = at_rest().judged();
        assert_eq!(measured.over, Vec::<&str>::new());
        let text = lines(&measured).join("\n");
        assert!(text.contains("written         31 B/s  at most 900 B/s"), "{text}");
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

    #[test]
    fn a_figure_over_its_bound_says_so_in_a_word_and_by_name() {
        let measured = Measured {
            bytes_per_second: 1_080.0,
            cpu: Some(0.0021),
            wakes_per_second: Some(5.0),
            ..at_rest()
        };
        let measured = measured.judged();
        assert_eq!(measured.over, ["bytes_per_second", "cpu"]);
        let text = lines(&measured).join("\n");
        assert!(
            text.contains("1080 B/s  over: at most 900 B/s")
                && text.contains("over: of a core; at most 0.2 %"),
            "{text}"
        );
        assert_eq!(text.matches("over: ").count(), 2, "{text}");
    }

    #[test]
    fn who_fails_or_hangs_is_named_and_who_is_well_or_never_asked_is_not() {
        let backend = |status, last_good| BackendHealth {
            name: "metrics".into(),
            status,
            last_good,
            interval: Duration::from_secs(15),
            counters: Counters::default(),
            skew: None,
            low: None,
        };
        let since = Tick::ZERO;
        let good = Some(since);
        let dead = Status::Failed {
            cause: "connection refused".into(),
            since,
            next_try: since,
        };
        let later = |seconds: u64| since + Duration::from_secs(seconds);
        let after = |seconds: u64, backend: BackendHealth| {
            failure(&backend, later(seconds)).map(|failure| failure.message)
        };
        let failed = |backend: BackendHealth| after(1, backend);
        assert_eq!(failed(backend(dead, good)).as_deref(), Some("connection refused"));
        let hangs = failed(backend(Status::InFlight { since }, None)).unwrap_or_default();
        assert!(hangs.contains("no answer came"), "{hangs}");
        assert_eq!(failed(backend(Status::InFlight { since }, good)), None);
        assert_eq!(failed(backend(Status::Idle, good)), None);
        // A poller that hangs stays idle: two intervals and a while without an answer tell it.
        assert_eq!(after(35, backend(Status::Idle, good)), None);
        assert_eq!(
            after(36, backend(Status::Idle, good)).as_deref(),
            Some("no answer came since 36s ago")
        );
        // It answered, and then hangs, or is asked again and again for nothing.
        let asked = |seconds| Status::InFlight {
            since: later(seconds),
        };
        let hangs = after(25, backend(asked(20), Some(later(12)))).unwrap_or_default();
        assert_eq!(hangs, "asked, and no answer came since 13s ago");
        assert_eq!(after(24, backend(asked(20), Some(later(12)))), None);
        assert!(after(40, backend(asked(39), Some(later(9)))).is_some());
        let measured = Measured {
            errors: vec![Failure {
                backend: "metrics".to_owned(),
                message: "connection refused".to_owned(),
            }],
            ..at_rest()
        };
        let text = lines(&measured).join("\n");
        assert!(
            text.contains("no answer from metrics: connection refused"),
            "{text}"
        );
        let json = serde_json::to_value(&measured).unwrap();
        assert_eq!(json["errors"][0]["backend"], "metrics");
    }
}
