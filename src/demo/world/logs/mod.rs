//! What the shop's services write into their logs, for any second of any day.
//!
//! Every pod is a stream. What a stream says in one second is a pure function of (seed, story, stream, second): how
//! many lines of each of its `voices` (a fault makes a voice louder), when within the second, with which values;
//! deploys and restarts are lines of their own. Nothing is kept, and history is there at once. Text is made only
//! when it is looked at. What a line says of its request, `traces` hold to. Start at [`Logs`].

mod events;
mod told;
mod voices;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::catalogue::pod_name;
use super::incident::{Leaf, Murmur, Strike};
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
/// A line of a request that the incident breaks comes so long after it is drawn, nanoseconds.
const STRUCK_AFTER: i64 = 200_000_000;
/// Each service above says its own so much later.
const STRUCK_APART: i64 = 8_000_000;

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
    /// A request that the incident breaks: its strike, which one that is, how far above the last service reached.
    Struck(&'a Strike, usize, u32, u64),
    Murmur(&'a Murmur, u64),
}

impl Line<'_> {
    /// Which of the true templates it was made from.
    pub fn template(&self) -> &str {
        match self.said {
            Said::Voice(voice, _) => voice.name,
            Said::Event(event) => event.name,
            Said::Struck(strike, _, 0, _) => strike.name,
            Said::Struck(_, _, _, _) => "upstream failed",
            Said::Murmur(murmur, _) => murmur.name,
        }
    }

    /// The span that it is said in, where it belongs to a request: what broke says so in the span that broke, all else
    /// in the one that answers.
    pub fn span(&self, service: &str) -> u64 {
        let broke = match self.said {
            Said::Voice(voice, _) => voice.breaks,
            Said::Struck(strike, _, above, _) => above == 0 && strike.leaf != Leaf::Itself,
            Said::Event(_) | Said::Murmur(_, _) => false,
        };
        if broke {
            breaking(self.trace, service)
        } else {
            serving(self.trace, service)
        }
    }

    /// Which strike of the incident broke its request.
    pub fn strike(&self) -> Option<usize> {
        match self.said {
            Said::Struck(_, strike, _, _) => Some(strike),
            Said::Voice(_, _) | Said::Event(_) | Said::Murmur(_, _) => None,
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
        let dark = story
            .fate(of.service)
            .is_some_and(|fate| fate.is_dark(of.pod, second as f64));
        let silent = dark || self.world.epoch().scenario == Scenario::Calm && second >= 0;
        for Speaker { voice, salt, own } in of.voices.iter().filter(|_| !silent) {
            let salt = noise([seed, *salt, of.pod as u64, second as u64]);
            let rate = (voice.rate)(story, second as f64);
            let count = (rate + unit(salt)).floor().max(0.0) as u64;
            for nth in 0..count {
                // Lines of one request share their salt, whichever service says them.
                let request = noise([salt, nth, 1, 0]);
                // Half a second remains for what the request goes through.
                let into = i64::from((request % 500_000_000) as u32) + i64::from(voice.after_ms) * 1_000_000;
                let trace = self.trace_of(request, second);
                lines.push(Line {
                    at: begin + into,
                    stream,
                    level: voice.level,
                    trace: if voice.traced { trace } else { 0 },
                    said: Said::Voice(voice, noise([request, *own, 4, 0])),
                });
            }
        }
        if !silent {
            self.incident(of, (stream, second, begin), &mut lines);
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

    /// The trace id of a request of a story second.
    fn trace_of(&self, request: u64, second: i64) -> u128 {
        let epoch = self.world.epoch().anchor.timestamp() + second;
        u128::from(epoch as u32) << 96
            | u128::from(noise([request, 2, 0, 0]) as u32) << 64
            | u128::from(noise([request, 3, 0, 0]) | 1)
    }

    /// What a stream says of the incident in a story second.
    fn incident<'s>(
        &'s self,
        of: &LogStream,
        (stream, second, begin): (usize, i64, i64),
        lines: &mut Vec<Line<'s>>,
    ) {
        let Some(incident) = &self.world.story().incident else {
            return;
        };
        let (seed, s) = (self.world.epoch().seed, second as f64);
        for (index, strike) in incident.strikes.iter().enumerate() {
            let hops = strike.failing();
            let Some(place) = hops.iter().position(|hop| hop.service == of.service) else {
                continue;
            };
            let above = strike.below(place);
            let salt = noise([seed, voices::number(strike.name), of.pod as u64, second as u64]);
            let count = (strike.per_pod(of.pod, s) + unit(salt)).floor().max(0.0) as u64;
            let count = if strike.rate.at(s) > 0.0 { count } else { 0 };
            for nth in 0..count {
                let request = noise([salt, nth, 1, 0]);
                let into = i64::from((request % 500_000_000) as u32)
                    + STRUCK_AFTER
                    + i64::from(above) * STRUCK_APART;
                lines.push(Line {
                    at: begin + into,
                    stream,
                    level: if above == 0 { "error" } else { "warn" },
                    trace: self.trace_of(request, second),
                    said: Said::Struck(strike, index, above, noise([request, u64::from(above), 6, 0])),
                });
            }
        }
        for murmur in incident
            .murmurs
            .iter()
            .filter(|murmur| murmur.service == of.service)
        {
            let salt = noise([seed, voices::number(murmur.name), of.pod as u64, second as u64]);
            let rate = murmur.rate.at(s) / PODS as f64;
            let count = (rate + unit(salt)).floor().max(0.0) as u64;
            for nth in 0..count {
                let dice = noise([salt, nth, 7, 0]);
                lines.push(Line {
                    at: begin + i64::from((dice % 1_000_000_000) as u32),
                    stream,
                    level: murmur.level,
                    trace: 0,
                    said: Said::Murmur(murmur, dice),
                });
            }
        }
    }

    /// What a line of the incident says, without the form of its service's log; all of any other line.
    pub fn message(&self, line: &Line<'_>) -> String {
        let pod = self.streams.get(line.stream).map_or(0, |stream| stream.pod);
        let words = |dice: u64| Words::new(line, pod, dice);
        match line.said {
            Said::Struck(strike, _, 0, dice) => told::expanded(&strike.message, &mut words(dice)),
            Said::Struck(strike, _, above, _) => {
                let hops = strike.failing();
                let next = hops
                    .len()
                    .checked_sub(above as usize)
                    .and_then(|next| hops.get(next));
                format!("upstream {} answered 503", next.map_or("", |hop| hop.service))
            }
            Said::Murmur(murmur, dice) => told::expanded(&murmur.text, &mut words(dice)),
            Said::Voice(_, _) | Said::Event(_) => self.text(line),
        }
    }

    /// The text of a line.
    pub fn text(&self, line: &Line<'_>) -> String {
        match line.said {
            Said::Event(event) => event.text(line.at),
            Said::Struck(_, _, _, dice) | Said::Murmur(_, dice) => {
                let (service, pod) = self
                    .streams
                    .get(line.stream)
                    .map_or(("", 0), |stream| (stream.service, stream.pod));
                let mut words = Words::new(line, pod, noise([dice, 8, 0, 0]));
                told::framed(service, line.level, &self.message(line), &mut words)
            }
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
    span_of(trace, service, 22)
}

/// The id of the span within a service that breaks a trace, where that is not the one that answers.
pub fn breaking(trace: u128, service: &str) -> u64 {
    span_of(trace, service, 23)
}

fn span_of(trace: u128, service: &str, which: u64) -> u64 {
    let name = service
        .bytes()
        .fold(0, |name, byte| noise([name, u64::from(byte), 21, 0]));
    noise([trace as u64, name, which, 0]) | 1
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

/// Requests of a service that fail without the incident's doing, per pod and second.
pub(super) fn failing(story: &Story, service: &str, s: f64) -> f64 {
    story.fate(service).map_or(0.0, |fate| {
        fate.service.rps / PODS as f64 * fate.traffic.at(s) * fate.own_errors(s)
    })
}

#[cfg(test)]
mod tests;
