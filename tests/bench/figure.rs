//! A figure: what was measured, the bound it is held to, and whether it keeps it.

use std::time::{Duration, Instant};

/// Samples of one figure, in its unit.
pub struct Samples(Vec<f64>);

impl Samples {
    pub fn new(mut all: Vec<f64>) -> Self {
        all.sort_unstable_by(f64::total_cmp);
        Self(all)
    }

    /// Milliseconds of `runs` runs after `warm` that do not count. What a run is given is made outside the time,
    /// and what it gives back is dropped outside it.
    pub fn of_runs<I, O>(
        warm: usize,
        runs: usize,
        mut give: impl FnMut() -> I,
        mut run: impl FnMut(I) -> O,
    ) -> Self {
        let mut all = Vec::with_capacity(runs);
        for index in 0..warm + runs {
            let input = give();
            let start = Instant::now();
            let output = std::hint::black_box(run(std::hint::black_box(input)));
            let took = start.elapsed();
            drop(output);
            if index >= warm {
                all.push(millis(took));
            }
        }
        Self::new(all)
    }

    /// The sample that `share` of all do not pass.
    pub fn quantile(&self, share: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let at = (last as f64 * share).round() as usize;
        self.0.get(at).copied().unwrap_or(f64::NAN)
    }

    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// Which sample is held to the bound.
#[derive(Clone, Copy)]
pub enum Held {
    Median,
    P99,
}

pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// Load now: whether the figures can be believed.
pub fn machine() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split(' ').take(3).collect();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("load average {} on {cores} cores", load.join(" "))
}

/// Time of all cores since the machine was started, in its own unit.
#[derive(Clone, Copy)]
pub struct CoreTime {
    all: u64,
    /// What the host of a virtual machine gave to others.
    stolen: u64,
}

impl CoreTime {
    /// Reads `/proc/stat`, where there is one.
    pub fn so_far() -> Option<Self> {
        let text = std::fs::read_to_string("/proc/stat").ok()?;
        let fields = text.lines().next()?.split_whitespace().skip(1);
        // user, nice, system, idle, iowait, irq, softirq, steal; what guests use is in the first two
        let fields: Vec<u64> = fields.take(8).filter_map(|field| field.parse().ok()).collect();
        Some(Self {
            all: fields.iter().sum(),
            stolen: *fields.get(7)?,
        })
    }

    /// In words, how much was stolen from then to now: what makes times worse than the program is.
    pub fn stolen_since(self) -> Option<String> {
        let now = Self::so_far()?;
        let share = (now.stolen - self.stolen) as f64 / (now.all - self.all).max(1) as f64;
        let percent = share * 100.0;
        Some(format!(
            "the machine's host gave {percent:.1} % of its cores to others meanwhile"
        ))
    }
}

pub fn heading() -> String {
    format!(
        "{:<58} {:>10} {:>10} {:>10} {:>6}  {:<14} said",
        "figure", "median", "p99", "worst", "n", "bound"
    )
}

/// Prints a figure that is held to a bound.
pub fn held(what: &str, unit: &str, samples: &Samples, (which, bound): (Held, f64)) {
    let (word, value) = match which {
        Held::Median => ("median", samples.median()),
        Held::P99 => ("p99", samples.quantile(0.99)),
    };
    let said = if value <= bound { "PASS" } else { "over" };
    let bound = if bound < 1.0 {
        bound.to_string()
    } else {
        // a rate turned into a time has no end of digits
        ((bound * 10.0).round() / 10.0).to_string()
    };
    row(what, unit, samples, &format!("{word} {bound} {unit}"), said);
}

/// Prints a figure that nothing is promised of.
pub fn told(what: &str, unit: &str, samples: &Samples) {
    row(what, unit, samples, "", "");
}

fn row(what: &str, unit: &str, samples: &Samples, bound: &str, said: &str) {
    println!(
        "{:<58} {:>10} {:>10} {:>10} {:>6}  {bound:<14} {said}",
        format!("{what}, {unit}"),
        short(samples.median()),
        short(samples.quantile(0.99)),
        short(samples.quantile(1.0)),
        samples.count(),
    );
}

fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        ..0.1 => format!("{value:.4}"),
        ..10.0 => format!("{value:.2}"),
        _ => format!("{value:.1}"),
    }
}
