//! Every metric of the shop and its series.
//!
//! One function a family; a service's counters share one [`Flow`] per pod, so that requests, errors and
//! latency buckets agree with each other.

use std::f64::consts::TAU;
use std::sync::Arc;

use crate::domain::alert::Labels;

use super::Epoch;
use super::flow::{Flow, Levels, Steps, Wave, share};
use super::incident::{Course, Incident};
use super::series::{Counter, Gauge, Grain, Series, Shape, Span};
use super::story::{BEGIN, DAY, Fate, HOUR, MIN, PODS, Scenario, Story};

/// Upper bounds of the latency buckets, seconds, as exposed.
const BOUNDS: [(&str, f64); 12] = [
    ("0.005", 0.005),
    ("0.01", 0.01),
    ("0.025", 0.025),
    ("0.05", 0.05),
    ("0.1", 0.1),
    ("0.2", 0.2),
    ("0.3", 0.3),
    ("0.5", 0.5),
    ("1", 1.0),
    ("2.5", 2.5),
    ("5", 5.0),
    ("+Inf", f64::INFINITY),
];

/// Median of a slow request, seconds.
const SLOW_MEDIAN: f64 = 1.9;
/// Shape of the log-logistic latency distribution.
const SHAPE: f64 = 4.0;

const SLOTH_WINDOWS: [(&str, f64); 8] = [
    ("5m", 5.0 * MIN),
    ("30m", 30.0 * MIN),
    ("1h", HOUR),
    ("2h", 2.0 * HOUR),
    ("6h", 6.0 * HOUR),
    ("1d", DAY),
    ("3d", 3.0 * DAY),
    ("30d", 30.0 * DAY),
];

const PYRRA_WINDOWS: [(&str, f64); 7] = [
    ("5m", 5.0 * MIN),
    ("30m", 30.0 * MIN),
    ("1h", HOUR),
    ("2h", 2.0 * HOUR),
    ("6h", 6.0 * HOUR),
    ("1d", DAY),
    ("4d", 4.0 * DAY),
];

/// All series of a world.
pub fn series(epoch: &Epoch, story: &Story) -> Vec<Series> {
    let mut made = Maker {
        epoch,
        calm: story.scenario == Scenario::Calm,
        out: Vec::new(),
    };
    for fate in &story.fates {
        made.service(fate);
    }
    made.platform(story.incident.as_ref());
    for name in ["auth", "cart"] {
        if let Some(fate) = story.fate(name) {
            made.sloth(fate, if name == "auth" { 0.9995 } else { 0.999 });
        }
    }
    if let Some(fate) = story.fate("recommendation") {
        made.pyrra(fate, 0.99);
    }
    made.out
}

/// Pod names as a deployment controller forms them.
pub fn pod_name(service: &str, pod: usize) -> String {
    const SUFFIX: [&str; PODS] = ["x7k2p", "m4c9d"];
    format!("{service}-6d5f9c7b8-{}", SUFFIX.get(pod).copied().unwrap_or("zz"))
}

struct Maker<'a> {
    epoch: &'a Epoch,
    calm: bool,
    out: Vec<Series>,
}

/// The counters of one pod.
struct PodFlows {
    flow: Arc<Flow>,
    resets: Arc<[f64]>,
    bounds: Vec<f64>,
}

impl PodFlows {
    fn counter(&self, weight: impl Fn(f64) -> f64) -> Counter {
        Counter {
            flow: Arc::clone(&self.flow),
            steps: Arc::new(Steps::new(&self.flow, BEGIN, &self.bounds, weight)),
            resets: Arc::clone(&self.resets),
        }
    }
}

impl Maker<'_> {
    fn push(&mut self, name: &str, labels: &[(&str, &str)], shape: Shape, present: Arc<[Span]>) {
        let target = labels
            .iter()
            .find(|(k, _)| *k == "instance")
            .map_or("recording", |(_, v)| *v);
        // No business of the seed's: when an alert fires hangs on when its target is scraped.
        let phase = (share(0, target) * 15.0).floor();
        let nameless: Labels = labels.iter().copied().collect();
        let labels: Labels = labels
            .iter()
            .chain(std::iter::once(&("__name__", name)))
            .map(|(k, v)| (*k, *v))
            .collect();
        self.out.push(Series {
            labels,
            nameless,
            shape,
            anchor: self.epoch.anchor_seconds(),
            phase,
            present,
        });
    }

    fn wave(&self, salt: &str, amplitude: f64, period: f64) -> Vec<Wave> {
        if self.calm {
            return Vec::new();
        }
        vec![Wave {
            amplitude,
            period,
            phase: TAU * share(self.epoch.seed, salt),
        }]
    }

    /// Busiest at 18:00 UTC, quietest at 06:00, with some unrest on top; a constant when calm.
    fn flow(&self, fate: &Fate) -> Arc<Flow> {
        let mut waves = Vec::new();
        if !self.calm {
            let into_day = self.epoch.anchor_seconds().rem_euclid(DAY) - 18.0 * HOUR;
            waves.push(Wave {
                amplitude: 0.35,
                period: DAY,
                phase: TAU * into_day / DAY,
            });
            waves.extend(self.wave(&format!("{} slow", fate.service.name), 0.05, 1_310.0));
            waves.extend(self.wave(&format!("{} quick", fate.service.name), 0.03, 223.0));
        }
        Arc::new(Flow::new(fate.service.rps / PODS as f64, waves))
    }

    fn ever(&self, until: f64) -> Arc<[Span]> {
        let anchor = self.epoch.anchor_seconds();
        Arc::new([Span {
            from: anchor + BEGIN,
            to: anchor + until,
        }])
    }

    fn pods(&self, fate: &Fate) -> Vec<PodFlows> {
        let flow = self.flow(fate);
        let mut bounds: Vec<f64> = fate
            .traffic
            .bounds()
            .chain(fate.errors.bounds())
            .chain(fate.slow.bounds())
            .collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        fate.restarts
            .iter()
            .map(|starts| PodFlows {
                flow: Arc::clone(&flow),
                resets: starts.as_slice().into(),
                bounds: bounds.clone(),
            })
            .collect()
    }

    /// When a pod is scraped.
    fn lit(&self, fate: &Fate, pod: usize) -> Arc<[Span]> {
        let anchor = self.epoch.anchor_seconds();
        let span = |from: f64, to: f64| Span {
            from: anchor + from,
            to: anchor + to,
        };
        match fate.dark.get(pod).copied().flatten() {
            Some((from, to)) => Arc::new([span(BEGIN, from), span(to, fate.scraped_until)]),
            None => Arc::new([span(BEGIN, fate.scraped_until)]),
        }
    }

    fn service(&mut self, fate: &Fate) {
        let name = fate.service.name;
        for (pod, flows) in self.pods(fate).into_iter().enumerate() {
            let present = self.lit(fate, pod);
            let pod_name = pod_name(name, pod);
            let instance = format!("{name}-{pod}:8080");
            let base = [
                ("job", "shop"),
                ("namespace", "prod"),
                ("service", name),
                ("instance", instance.as_str()),
                ("pod", pod_name.as_str()),
            ];
            self.requests(fate, &flows, &base, &present);
            self.latency(fate, &flows, &base, &present);
            self.process(fate, pod, &base, &present);
            if fate.service.pool > 0 {
                self.pool(fate, pod, &base, &present);
            }
        }
    }

    fn requests(&mut self, fate: &Fate, flows: &PodFlows, base: &[(&str, &str)], present: &Arc<[Span]>) {
        // Share of the good and of the bad answers; a service that never fails still has its series.
        let codes = [
            ("200", Answer::Good, 0.962),
            ("201", Answer::Good, 0.030),
            ("404", Answer::Good, 0.008),
            ("500", Answer::Bad, 0.25),
            ("503", Answer::Bad, 0.75),
        ];
        for (code, answer, part) in codes {
            let counter = flows.counter(|s| {
                let bad = fate.errors.at(s);
                let share = match answer {
                    Answer::Good => 1.0 - bad,
                    Answer::Bad => bad,
                };
                fate.traffic.at(s) * share * part
            });
            let labels = [base, &[("status_code", code)]].concat();
            self.push(
                "http_requests_total",
                &labels,
                Shape::Counter(counter),
                Arc::clone(present),
            );
        }
    }

    fn latency(&mut self, fate: &Fate, flows: &PodFlows, base: &[(&str, &str)], present: &Arc<[Span]>) {
        for (le, bound) in BOUNDS {
            let counter = flows.counter(|s| {
                let slow = fate.slow.at(s);
                let within =
                    (1.0 - slow) * below(bound, fate.service.median) + slow * below(bound, SLOW_MEDIAN);
                fate.traffic.at(s) * within
            });
            let labels = [base, &[("le", le)]].concat();
            self.push(
                "http_request_duration_seconds_bucket",
                &labels,
                Shape::Counter(counter),
                Arc::clone(present),
            );
        }
        let count = flows.counter(|s| fate.traffic.at(s));
        let sum = flows.counter(|s| {
            let slow = fate.slow.at(s);
            fate.traffic.at(s) * ((1.0 - slow) * mean(fate.service.median) + slow * mean(SLOW_MEDIAN))
        });
        for (name, counter) in [
            ("http_request_duration_seconds_count", count),
            ("http_request_duration_seconds_sum", sum),
        ] {
            self.push(name, base, Shape::Counter(counter), Arc::clone(present));
        }
    }

    fn process(&mut self, fate: &Fate, pod: usize, base: &[(&str, &str)], present: &Arc<[Span]>) {
        let anchor = self.epoch.anchor_seconds();
        let mut started = Levels::default();
        for start in fate.restarts.get(pod).into_iter().flatten() {
            started.then(anchor + start, anchor + start);
        }
        self.push(
            "process_start_time_seconds",
            base,
            Shape::Held(started),
            Arc::clone(present),
        );
        let mut up = Levels::flat(1.0);
        if fate.scraped_until.is_finite() {
            up.then(anchor + fate.scraped_until, 0.0);
        }
        if let Some((from, to)) = fate.dark.get(pod).copied().flatten() {
            up.then(anchor + from, 0.0);
            up.then(anchor + to, 1.0);
        }
        self.push("up", base, Shape::Held(up), self.ever(f64::INFINITY));
        let waves = self.wave(&format!("{} memory {pod}", fate.service.name), 6e6, 1_900.0);
        let memory = Gauge {
            points: Arc::new([(BEGIN, 1.8e8 + 4e5 * fate.service.rps)]),
            waves,
            ceiling: f64::INFINITY,
            grain: Grain::Whole,
        };
        self.push(
            "process_resident_memory_bytes",
            base,
            Shape::Gauge(memory),
            Arc::clone(present),
        );
        let mut from = anchor + BEGIN;
        let mut version = fate.service.version.to_owned();
        let ends = fate.deploys.iter().map(|d| (anchor + d.at, d.version.clone()));
        let mut spans: std::collections::BTreeMap<String, Vec<Span>> = std::collections::BTreeMap::new();
        for (at, next) in ends.chain(std::iter::once((anchor + fate.scraped_until, String::new()))) {
            let served = present.iter().map(|lit| Span {
                from: lit.from.max(from),
                to: lit.to.min(at),
            });
            let of = spans.entry(version).or_default();
            of.extend(served.filter(|span| span.from < span.to));
            (from, version) = (at, next);
        }
        for (version, spans) in spans {
            let labels = [base, &[("version", version.as_str())]].concat();
            self.push(
                "build_info",
                &labels,
                Shape::Held(Levels::flat(1.0)),
                spans.into(),
            );
        }
        if pod == 0 {
            self.deploys(fate);
        }
    }

    /// When each version was last rolled out.
    fn deploys(&mut self, fate: &Fate) {
        let anchor = self.epoch.anchor_seconds();
        let mut by_version: std::collections::BTreeMap<&str, (f64, Levels)> =
            std::collections::BTreeMap::new();
        for deploy in &fate.deploys {
            let (_, levels) = by_version
                .entry(&deploy.version)
                .or_insert_with(|| (anchor + deploy.at, Levels::default()));
            levels.then(anchor + deploy.at, anchor + deploy.at);
        }
        for (version, (first, levels)) in by_version {
            let labels = [
                ("job", "deployer"),
                ("instance", "deployer:9091"),
                ("namespace", "prod"),
                ("service", fate.service.name),
                ("version", version),
            ];
            let span = Span {
                from: first,
                to: f64::INFINITY,
            };
            self.push(
                "deployment_started_timestamp_seconds",
                &labels,
                Shape::Held(levels),
                Arc::new([span]),
            );
        }
    }

    fn pool(&mut self, fate: &Fate, pod: usize, base: &[(&str, &str)], present: &Arc<[Span]>) {
        let max = f64::from(fate.service.pool);
        let gauge = Gauge {
            points: fate.connections.as_slice().into(),
            waves: self.wave(&format!("{} pool {pod}", fate.service.name), 1.6, 97.0),
            ceiling: max,
            grain: Grain::Whole,
        };
        let labels = [base, &[("pool", "primary")]].concat();
        self.push(
            "db_pool_connections_in_use",
            &labels,
            Shape::Gauge(gauge),
            Arc::clone(present),
        );
        let max = Shape::Held(Levels::flat(max));
        self.push("db_pool_connections_max", &labels, max, Arc::clone(present));
    }

    fn platform(&mut self, incident: Option<&Incident>) {
        let ever = self.ever(f64::INFINITY);
        let lost = incident.and_then(|incident| Some((incident.lost?, incident.onset, incident.mended)));
        let anchor = self.epoch.anchor_seconds();
        let course = |of: Option<&Course>, node: &str| of.filter(|course| course.node == node).cloned();
        let held = |value: f64| Shape::Held(Levels::flat(value));
        for (node, free) in [("node-a", 0.46), ("node-b", 0.38), ("node-c", 0.11)] {
            let instance = format!("{node}:9100");
            let labels = [("job", "node"), ("instance", instance.as_str())];
            let (mut up, mut there) = (Levels::flat(1.0), Arc::clone(&ever));
            if let Some((_, from, to)) = lost.filter(|(lost, _, _)| *lost == node) {
                up.then(anchor + from, 0.0);
                up.then(anchor + to, 1.0);
                let span = |from: f64, to: f64| Span {
                    from: anchor + from,
                    to: anchor + to,
                };
                there = Arc::new([span(BEGIN, from), span(to, f64::INFINITY)]);
            }
            self.push("up", &labels, Shape::Held(up), Arc::clone(&ever));
            let disk = [labels.as_slice(), &[("mountpoint", "/data")]].concat();
            self.push(
                "node_filesystem_size_bytes",
                &disk,
                held(5e11),
                Arc::clone(&there),
            );
            let filling = course(incident.and_then(|incident| incident.disk.as_ref()), node);
            let room = match filling {
                None => held(5e11 * free),
                Some(course) => Shape::Gauge(Gauge {
                    points: course.points.iter().map(|(s, free)| (*s, free * 5e11)).collect(),
                    waves: Vec::new(),
                    ceiling: f64::INFINITY,
                    grain: Grain::Whole,
                }),
            };
            self.push("node_filesystem_avail_bytes", &disk, room, Arc::clone(&there));
            let loaded = course(incident.and_then(|incident| incident.load.as_ref()), node);
            let load = Gauge {
                points: loaded.map_or_else(
                    || Arc::new([(BEGIN, 2.0 + free)]) as Arc<[_]>,
                    |course| course.points.into(),
                ),
                waves: self.wave(node, 0.9, 2_711.0),
                ceiling: f64::INFINITY,
                grain: Grain::Fine,
            };
            self.push("node_load1", &labels, Shape::Gauge(load), there);
        }
        let mut down = Levels::flat(1.0);
        down.then(anchor - 26.0 * HOUR, 0.0);
        let reports = [
            ("job", "reports"),
            ("instance", "reports-0:9102"),
            ("service", "reports"),
        ];
        self.push("up", &reports, Shape::Held(down), Arc::clone(&ever));
        let depth = Gauge {
            points: Arc::new([(BEGIN, 40.0)]),
            waves: self.wave("mail queue", 18.0, 840.0),
            ceiling: f64::INFINITY,
            grain: Grain::Whole,
        };
        let queue = [
            ("job", "mailer"),
            ("instance", "mailer-0:8080"),
            ("queue", "mail"),
        ];
        self.push("queue_depth", &queue, Shape::Gauge(depth), ever);
    }

    fn good_and_bad(&self, fate: &Fate) -> (Vec<Counter>, Vec<Counter>) {
        self.pods(fate)
            .iter()
            .map(|flows| {
                (
                    flows.counter(|s| fate.traffic.at(s) * fate.errors.at(s)),
                    flows.counter(|s| fate.traffic.at(s)),
                )
            })
            .unzip()
    }

    /// What Sloth's recording rules leave behind for one SLO. Its period ratio, a mean of 5-minute ratios in
    /// the original, is a ratio of sums here; at a steady error ratio they are the same.
    fn sloth(&mut self, fate: &Fate, objective: f64) {
        let (errors, total) = self.good_and_bad(fate);
        let ever = self.ever(f64::INFINITY);
        let name = fate.service.name;
        let id = format!("{name}-requests-availability");
        let base = [
            ("sloth_id", id.as_str()),
            ("sloth_service", name),
            ("sloth_slo", "requests-availability"),
        ];
        for (window, seconds) in SLOTH_WINDOWS {
            let labels = [base.as_slice(), &[("sloth_window", window)]].concat();
            let shape = Shape::Ratio {
                errors: errors.clone(),
                total: total.clone(),
                window: seconds,
            };
            let record = format!("slo:sli_error:ratio_rate{window}");
            self.push(&record, &labels, shape, Arc::clone(&ever));
        }
        for (record, value) in [
            ("slo:objective:ratio", objective),
            ("slo:error_budget:ratio", 1.0 - objective),
            ("slo:time_period:days", 30.0),
        ] {
            let shape = Shape::Held(Levels::flat(value));
            self.push(record, &base, shape, Arc::clone(&ever));
        }
        let percent = format!("{}", (objective * 1e8).round() / 1e6);
        let info = [
            base.as_slice(),
            &[
                ("sloth_mode", "cli-gen-prom"),
                ("sloth_objective", percent.as_str()),
                ("sloth_spec", "prometheus/v1"),
                ("sloth_version", "v0.12.0"),
            ],
        ]
        .concat();
        self.push("sloth_slo_info", &info, Shape::Held(Levels::flat(1.0)), ever);
    }

    /// What Pyrra's rules (generic ones included) leave behind for one SLO over four weeks.
    fn pyrra(&mut self, fate: &Fate, objective: f64) {
        let (errors, total) = self.good_and_bad(fate);
        let ever = self.ever(f64::INFINITY);
        let slo = format!("{}-errors", fate.service.name);
        let month = 28.0 * DAY;
        let labels = [("service", fate.service.name), ("slo", slo.as_str())];
        for (window, seconds) in PYRRA_WINDOWS {
            let shape = Shape::Ratio {
                errors: errors.clone(),
                total: total.clone(),
                window: seconds,
            };
            let record = format!("http_requests:burnrate{window}");
            self.push(&record, &labels, shape, Arc::clone(&ever));
        }
        for (code, of) in [("200", &total), ("503", &errors)] {
            let labels = [labels.as_slice(), &[("status_code", code)]].concat();
            let shape = Shape::Increase {
                of: of.clone(),
                window: month,
            };
            self.push("http_requests:increase4w", &labels, shape, Arc::clone(&ever));
        }
        let slo = [("slo", slo.as_str())];
        let held = |value: f64| Shape::Held(Levels::flat(value));
        self.push("pyrra_objective", &slo, held(objective), Arc::clone(&ever));
        self.push("pyrra_window", &slo, held(month), Arc::clone(&ever));
        let availability = Shape::Ratio {
            errors: self.good(fate),
            total,
            window: month,
        };
        self.push("pyrra_availability", &slo, availability, ever);
    }

    fn good(&self, fate: &Fate) -> Vec<Counter> {
        self.pods(fate)
            .iter()
            .map(|flows| flows.counter(|s| fate.traffic.at(s) * (1.0 - fate.errors.at(s))))
            .collect()
    }
}

#[derive(Debug, Clone, Copy)]
enum Answer {
    Good,
    Bad,
}

/// Share of requests below a bound: the log-logistic distribution function.
fn below(bound: f64, median: f64) -> f64 {
    if bound.is_infinite() {
        return 1.0;
    }
    1.0 / (1.0 + (median / bound).powf(SHAPE))
}

/// The mean that goes with [`below`].
fn mean(median: f64) -> f64 {
    let angle = std::f64::consts::PI / SHAPE;
    median * angle / angle.sin()
}
