//! Makes the spans of one request: each laid into a part of its parent's time, with the attributes of its kind.

use std::borrow::Cow;

use super::super::World;
use super::super::catalogue::pod_name;
use super::super::logs::{breaking, noise, serving, unit};
use super::super::story::PODS;
use super::span::{Body, Event, Link, Resource, Span, SpanKind, Trace, Value};

/// The node whose clock is ahead.
pub const SKEWED_HOST: &str = "node-c";
/// By so much, nanoseconds.
pub const SKEW: i64 = 212_000_000;
/// Nanoseconds in a millisecond.
pub const MS: i64 = 1_000_000;

/// A pod of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The service.
    pub service: &'static str,
    /// Which of its pods.
    pub pod: usize,
}

impl Place {
    /// The node it runs on.
    pub fn host(self) -> &'static str {
        match (self.service, self.pod) {
            ("shipping", 1) => SKEWED_HOST,
            ("checkout" | "storefront" | "catalog" | "search" | "auth", 0) => "node-a",
            ("checkout" | "storefront" | "catalog" | "search" | "auth", _) | (_, 0) => "node-b",
            (_, _) => "node-a",
        }
    }

    /// How far its clock is ahead, nanoseconds.
    pub fn skew(self) -> i64 {
        if self.host() == SKEWED_HOST { SKEW } else { 0 }
    }
}

/// A span in the making, by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node(usize);

/// Begin and end.
pub type Time = (i64, i64);

/// A call over HTTP.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// The method.
    pub method: &'static str,
    /// The route, as the one that answers names it.
    pub route: &'static str,
}

/// `GET` of a route.
pub const fn get(route: &'static str) -> Call {
    Call { method: "GET", route }
}

/// `POST` to a route.
pub const fn post(route: &'static str) -> Call {
    Call {
        method: "POST",
        route,
    }
}

impl Call {
    fn name(self) -> String {
        format!("{} {}", self.method, self.route)
    }
}

/// What the spans of one trace are made on.
pub struct Loom<'a> {
    world: &'a World,
    id: u128,
    dice: u64,
    places: Vec<Place>,
    spans: Vec<Span>,
    ran_in: Vec<Place>,
}

impl<'a> Loom<'a> {
    /// For a trace; `dice` decides what is left open.
    pub fn new(world: &'a World, id: u128, dice: u64) -> Self {
        Self {
            world,
            id,
            dice,
            places: Vec::new(),
            spans: Vec::new(),
            ran_in: Vec::new(),
        }
    }

    /// A throw of the dice.
    pub fn draw(&mut self) -> u64 {
        self.dice = noise([self.dice, 11, 0, 0]);
        self.dice
    }

    /// A share in [0, 1).
    pub fn share(&mut self) -> f64 {
        unit(self.draw())
    }

    /// A number from `from` up to `to`, not included.
    pub fn number(&mut self, from: i64, to: i64) -> i64 {
        from + (self.draw() % (to - from).max(1).cast_unsigned()).cast_signed()
    }

    /// One of the pods of a service.
    pub fn some(&mut self, service: &'static str) -> Place {
        let mut pod = self.draw() as usize % PODS;
        // A pod that is gone answers nobody.
        let s = (self.id >> 96) as f64 - self.world.anchor();
        let fate = self.world.story().fate(service);
        if fate.is_some_and(|fate| fate.is_dark(pod, s)) {
            pod = (pod + 1) % PODS;
        }
        Place { service, pod }
    }

    /// Lays a span.
    pub fn open(
        &mut self,
        parent: Option<Node>,
        place: Place,
        (kind, name): (SpanKind, impl Into<Cow<'static, str>>),
        (start, end): Time,
    ) -> Node {
        let index = self.spans.len();
        let resource = self.places.iter().position(|p| *p == place).unwrap_or_else(|| {
            self.places.push(place);
            self.places.len() - 1
        });
        // What a service says while it answers names the span that answers.
        let answers = |kind: SpanKind| matches!(kind, SpanKind::Server | SpanKind::Consumer);
        let served = |(span, ran): (&Span, &Place)| answers(span.kind) && ran.service == place.service;
        let first = answers(kind) && !self.spans.iter().zip(&self.ran_in).any(served);
        self.ran_in.push(place);
        self.spans.push(Span {
            id: if first {
                serving(self.id, place.service)
            } else {
                noise([self.id as u64, index as u64, 12, 0]) | 1
            },
            parent: parent.and_then(|node| self.spans.get(node.0)).map(|span| span.id),
            resource,
            name: name.into(),
            kind,
            start,
            end: end.max(start + 1_000),
            failure: None,
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
        });
        Node(index)
    }

    /// When a span is, by the true clock.
    pub fn time(&self, node: Node) -> Time {
        self.spans
            .get(node.0)
            .map_or((0, 0), |span| (span.start, span.end))
    }

    /// A part of a span's time, between two shares of it.
    pub fn part(&self, of: Node, (from, to): (f64, f64)) -> Time {
        let (start, end) = self.time(of);
        let at = |share: f64| start + ((end - start) as f64 * share) as i64;
        (at(from), at(to))
    }

    /// Where a span runs.
    pub fn place(&self, node: Node) -> Place {
        let known = self.ran_in.get(node.0).copied();
        known.unwrap_or(Place { service: "", pod: 0 })
    }

    /// The trace's id.
    pub fn trace_id(&self) -> u128 {
        self.id
    }

    /// A span's id.
    pub fn span_id(&self, node: Node) -> u64 {
        self.spans.get(node.0).map_or(0, |span| span.id)
    }

    /// What breaks the trace: what is said of that names this span.
    pub fn breaks(&mut self, node: Node) {
        let id = breaking(self.id, self.place(node).service);
        if let Some(span) = self.spans.get_mut(node.0) {
            span.id = id;
        }
    }

    /// Sets an attribute.
    pub fn set(&mut self, node: Node, key: &'static str, value: impl Into<Value>) {
        if let Some(span) = self.spans.get_mut(node.0) {
            let value = value.into();
            match span.attributes.iter_mut().find(|(known, _)| *known == key) {
                Some((_, before)) => *before = value,
                None => span.attributes.push((key, value)),
            }
        }
    }

    /// Sets no attribute after all: no answer has no status.
    pub fn unset(&mut self, node: Node, key: &str) {
        if let Some(span) = self.spans.get_mut(node.0) {
            span.attributes.retain(|(known, _)| *known != key);
        }
    }

    /// Says that something went wrong.
    pub fn fail(&mut self, node: Node, message: impl Into<Cow<'static, str>>) {
        if let Some(span) = self.spans.get_mut(node.0) {
            span.failure = Some(message.into());
        }
    }

    /// An HTTP answer that is an error.
    pub fn refuse(&mut self, node: Node, status: i64, message: impl Into<Cow<'static, str>>) {
        self.set(node, "http.response.status_code", status);
        self.set(node, "error.type", status.to_string());
        self.fail(node, message);
    }

    /// The same, told to whoever asked: the client's span fails with it.
    pub fn refuse_asker(&mut self, answer: Node, status: i64, message: impl Into<Cow<'static, str>>) {
        self.refuse(answer, status, message);
        let asking = self.spans.get(answer.0).and_then(|span| span.parent);
        if let Some(asking) = self.spans.iter().position(|span| Some(span.id) == asking) {
            self.refuse(Node(asking), status, format!("upstream answered {status}"));
        }
    }

    /// Something happens in a span.
    pub fn event(&mut self, node: Node, at: i64, name: &'static str, attributes: Vec<(&'static str, Value)>) {
        if let Some(span) = self.spans.get_mut(node.0) {
            span.events.push(Event { at, name, attributes });
        }
    }

    /// An exception at a span's end, as OpenTelemetry records it.
    pub fn throw(&mut self, node: Node, kind: &'static str, message: &str, stack: &str) {
        let (_, end) = self.time(node);
        let attributes = vec![
            ("exception.type", kind.into()),
            ("exception.message", message.to_owned().into()),
            ("exception.stacktrace", stack.to_owned().into()),
        ];
        self.event(node, end, "exception", attributes);
        self.set(node, "error.type", kind);
        self.fail(node, message.to_owned());
    }

    /// Ties a span to another one that is not its parent.
    pub fn link(&mut self, node: Node, trace: u128, span: u64) {
        if let Some(of) = self.spans.get_mut(node.0) {
            of.links.push(Link {
                trace,
                span,
                attributes: vec![("opentracing.ref_type", "follows_from".into())],
            });
        }
    }

    /// Its parent is said to be a span that never came.
    pub fn lose_parent(&mut self, node: Node) {
        let lost = self.draw() | 1;
        if let Some(span) = self.spans.get_mut(node.0) {
            span.parent = Some(lost);
        }
    }

    /// A span within the same pod.
    pub fn inside(&mut self, parent: Node, name: &'static str, cut: (f64, f64)) -> Node {
        let time = self.part(parent, cut);
        let place = self.place(parent);
        self.open(Some(parent), place, (SpanKind::Internal, name), time)
    }

    /// The span that answers somebody outside of what is traced.
    pub fn answer(&mut self, parent: Option<Node>, place: Place, call: Call, time: Time) -> Node {
        let node = self.open(parent, place, (SpanKind::Server, call.name()), time);
        self.set(node, "http.request.method", call.method);
        self.set(node, "http.route", call.route);
        self.set(node, "url.scheme", "http");
        self.set(node, "http.response.status_code", 200);
        node
    }

    /// The span of one who asks another service.
    pub fn ask(&mut self, parent: Node, of: &'static str, call: Call, time: Time) -> Node {
        let place = self.place(parent);
        let node = self.open(Some(parent), place, (SpanKind::Client, call.name()), time);
        self.set(node, "http.request.method", call.method);
        self.set(node, "url.full", format!("http://{of}:8080{}", call.route));
        self.set(node, "server.address", of);
        self.set(node, "server.port", 8_080);
        self.set(node, "peer.service", of);
        self.set(node, "http.response.status_code", 200);
        node
    }

    /// One asks, another answers: the span of the answer.
    pub fn call(&mut self, parent: Node, to: Place, call: Call, cut: (f64, f64)) -> Node {
        let time = self.part(parent, cut);
        let asking = self.ask(parent, to.service, call, time);
        // The network has its share on both sides.
        let within = self.part(asking, (0.06, 0.95));
        self.answer(Some(asking), to, call, within)
    }

    /// A statement to the database of the parent's service.
    pub fn query(&mut self, parent: Node, statement: &'static str, cut: (f64, f64)) -> Node {
        let time = self.part(parent, cut);
        let place = self.place(parent);
        let mut words = statement.split(' ');
        let verb = words.next().unwrap_or_default();
        let table = match verb {
            "INSERT" | "DELETE" => words.nth(1),
            "UPDATE" => words.next(),
            _ => words.skip_while(|word| *word != "FROM").nth(1),
        };
        let name = table.map_or_else(
            || Cow::Borrowed(verb),
            |table| Cow::Owned(format!("{verb} {table}")),
        );
        let node = self.open(Some(parent), place, (SpanKind::Client, name), time);
        self.set(node, "db.system.name", "postgresql");
        self.set(node, "db.namespace", place.service);
        self.set(node, "db.operation.name", verb);
        if let Some(table) = table {
            self.set(node, "db.collection.name", table);
        }
        self.set(node, "db.query.text", statement);
        self.set(node, "server.address", format!("postgres-{}-0", place.service));
        self.set(node, "peer.service", "postgres");
        node
    }

    /// A command to the cache.
    pub fn cache(&mut self, parent: Node, verb: &'static str, cut: (f64, f64)) -> Node {
        let time = self.part(parent, cut);
        let place = self.place(parent);
        let node = self.open(Some(parent), place, (SpanKind::Client, verb), time);
        self.set(node, "db.system.name", "redis");
        self.set(node, "db.operation.name", verb);
        self.set(node, "server.address", "redis-0");
        self.set(node, "peer.service", "redis");
        node
    }

    /// The trace; spans of the skewed host tell its own time.
    pub fn done(mut self) -> Trace {
        for (span, place) in self.spans.iter_mut().zip(&self.ran_in) {
            let skew = place.skew();
            span.start += skew;
            span.end += skew;
            for event in &mut span.events {
                event.at += skew;
            }
        }
        let begin = self.spans.first().map_or(0, |span| span.start);
        let resources = self
            .places
            .iter()
            .map(|place| resource(self.world, *place, begin));
        Trace {
            id: self.id,
            resources: resources.collect(),
            body: Body::Made(self.spans),
        }
    }
}

/// What a pod is at a moment.
pub fn resource(world: &World, place: Place, at: i64) -> Resource {
    let s = at as f64 / 1e9 - world.anchor();
    let version = world.story().fate(place.service).map_or("1.0.0", |fate| {
        let deployed = fate.deploys.iter().rev().find(|deploy| deploy.at <= s);
        deployed.map_or(fate.service.version, |deploy| &deploy.version)
    });
    Resource {
        service: place.service,
        version: version.to_owned(),
        pod: pod_name(place.service, place.pod),
        host: place.host(),
    }
}
