//! What the shop's services write into their logs, for any second of any day.
//!
//! Every pod is a stream. What a stream says in one second is a pure function of (seed, story, stream, second): how
//! many lines of each of its `voices` (a fault makes a voice louder), when within the second, with which values;
//! deploys and restarts are lines of their own. Nothing is kept, and history is there at once. Text is made only
//! when it is looked at. What a line says of its request, `traces` hold to. Start at [`Logs`].

mod events;
mod voices;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::catalogue::pod_name;
use super::story::PODS;
use super::{Scenario, Story, World};
use events::Event;
use voices::Voice;
use words::Words;

/// How long lines are kept.
pub const RETENTION: f64 = super::story::DAY;
/// The service that rolls out the others.
pub const DEPLOYER: &str = "deployer";
/// The service whose bursts a tail does not get whole.
pub const BURSTING: &str = "catalog";

const SECOND: i64 = 1_000_000_000;

/// A stream: the log of one pod.
#[derive(Debug)]
pub struct LogStream {
    /// The service.
    pub service: &'static str,
    /// Its labels.
    pub labels: BTreeMap<&'static str, String>,
    /// Which pod of the service.
    pub pod: usize,
    voices: Vec<Speaker>,
    /// By the story second they fall into.
    events: BTreeMap<i64, Vec<Event>>,
}

/// A voice with what its noise is drawn by.
#[derive(Debug)]
struct Speaker {
    voice: &'static Voice,
    salt: u64,
    own: u64,
}

impl Speaker {
    fn new(voice: &'static Voice) -> Self {
        Self {
            voice,
            salt: voice.salt(),
            own: voice.own_salt(),
        }
    }
}

/// A line; its text is made by [`Logs::text`].
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// Nanoseconds since the epoch.
    pub at: i64,
    /// Of which stream, by position.
    pub stream: usize,
    /// The level, as Loki detects it.
    pub level: &'static str,
    /// The request it belongs to; zero for none.
    pub trace: u128,
    said: Said<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Said<'a> {
    Voice(&'static Voice, u64),
    Event(&'a Event),
}

impl Line<'_> {
    /// Which of the true templates it was made from.
    pub fn template(&self) -> &str {
        match self.said {
            Said::Voice(voice, _) => voice.name,
            Said::Event(event) => event.name,
        }
    }
}

/// The logs of a world.
#[derive(Debug)]
pub struct Logs {
    world: Arc<World>,
    streams: Vec<LogStream>,
}

impl Logs {
    /// Of a world.
    pub fn new(world: Arc<World>) -> Self {
        let story = world.story();
        let mut streams = Vec::new();
        for fate in &story.fates {
            for pod in 0..PODS {
                let service = fate.service.name;
                streams.push(LogStream {
                    service,
                    labels: labels(service, pod_name(service, pod)),
                    pod,
                    voices: voices::of(service).iter().map(Speaker::new).collect(),
                    events: events::of_pod(fate, pod),
                });
            }
        }
        streams.push(LogStream {
            service: DEPLOYER,
            labels: labels(DEPLOYER, pod_name(DEPLOYER, 0)),
            pod: 0,
            voices: Vec::new(),
            events: events::of_deployer(story),
        });
        Self { world, streams }
    }

    /// The streams.
    pub fn streams(&self) -> &[LogStream] {
        &self.streams
    }

    /// The first second of the world that a moment (nanoseconds) lies in, as a story second.
    pub fn second_of(&self, at: i64) -> i64 {
        at.div_euclid(SECOND) - self.world.epoch().anchor.timestamp()
    }

    /// What a stream says in a story second, oldest first.
    pub fn second(&self, stream: usize, second: i64) -> Vec<Line<'_>> {
        let mut lines = Vec::new();
        let Some(of) = self.streams.get(stream) else {
            return lines;
        };
        let (story, seed) = (self.world.story(), self.world.epoch().seed);
        let begin = (self.world.epoch().anchor.timestamp() + second) * SECOND;
        // A calm world stands still from its begin on: it has a past to read, and nothing new to say.
        let silent = self.world.epoch().scenario == Scenario::Calm && second >= 0;
        for Speaker { voice, salt, own } in of.voices.iter().filter(|_| !silent) {
            let salt = noise([seed, *salt, of.pod as u64, second as u64]);
            let rate = (voice.rate)(story, second as f64);
            let count = (rate + unit(salt)).floor().max(0.0) as u64;
            for nth in 0..count {
                // Lines of one request share their salt, whichever service says them.
                let request = noise([salt, nth, 1, 0]);
                // Half a second remains for what the request goes through.
                let into = i64::from((request % 500_000_000) as u32) + i64::from(voice.after_ms) * 1_000_000;
                let epoch = self.world.epoch().anchor.timestamp() + second;
                let trace = u128::from(epoch as u32) << 96
                    | u128::from(noise([request, 2, 0, 0]) as u32) << 64
                    | u128::from(noise([request, 3, 0, 0]) | 1);
                lines.push(Line {
                    at: begin + into,
                    stream,
                    level: voice.level,
                    trace: if voice.traced { trace } else { 0 },
                    said: Said::Voice(voice, noise([request, *own, 4, 0])),
                });
            }
        }
        for event in of.events.get(&second).into_iter().flatten() {
            lines.push(Line {
                at: begin + event.into,
                stream,
                level: event.level,
                trace: 0,
                said: Said::Event(event),
            });
        }
        lines.sort_by_key(|line| line.at);
        lines
    }

    /// The text of a line.
    pub fn text(&self, line: &Line<'_>) -> String {
        match line.said {
            Said::Event(event) => event.text(line.at),
            Said::Voice(voice, dice) => {
                let pod = self.streams.get(line.stream).map_or(0, |stream| stream.pod);
                (voice.say)(&mut Words::new(line, pod, dice))
            }
        }
    }
}

fn labels(service: &'static str, pod: String) -> BTreeMap<&'static str, String> {
    [
        ("cluster", "eu-1".to_owned()),
        ("namespace", "prod".to_owned()),
        ("service_name", service.to_owned()),
        ("pod", pod),
    ]
    .into()
}

/// The id of the span by which a service answers in a trace, or takes up its message: the first of it there.
pub fn serving(trace: u128, service: &str) -> u64 {
    let name = service
        .bytes()
        .fold(0, |name, byte| noise([name, u64::from(byte), 21, 0]));
    noise([trace as u64, name, 22, 0]) | 1
}

/// Noise without state, as [`super::flow::mix`] makes it, of numbers.
pub(super) fn noise(of: [u64; 4]) -> u64 {
    of.into_iter().fold(0x9e37_79b9_7f4a_7c15, |state, word| {
        let mut z = (state ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

/// A share in [0, 1).
pub(super) fn unit(noise: u64) -> f64 {
    (noise >> 11) as f64 / (1_u64 << 53) as f64
}

/// Requests of a service that fail, per pod and second.
pub(super) fn failing(story: &Story, service: &str, s: f64) -> f64 {
    story.fate(service).map_or(0.0, |fate| {
        fate.service.rps / PODS as f64 * fate.traffic.at(s) * fate.errors.at(s)
    })
}

#[cfg(test)]
mod tests;
