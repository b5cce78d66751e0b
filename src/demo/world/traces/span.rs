//! A span, what it ran in, and a whole trace, in OpenTelemetry's terms. Moments are nanoseconds since the epoch.

use std::borrow::Cow;

use super::batch::Batch;

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text.
    Text(Cow<'static, str>),
    /// A whole number.
    Whole(i64),
    /// A number.
    Real(f64),
    /// Yes or no.
    Flag(bool),
    /// Several texts.
    List(Vec<String>),
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Whole(number.into())
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Whole(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Whole(number)
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Whole(number) => number.fmt(f),
            Self::Real(number) => number.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
            Self::List(all) => f.write_str(&all.join(",")),
        }
    }
}

/// Attributes in the order they were set.
pub type Attributes = Vec<(&'static str, Value)>;

/// The part a span has in its exchange; the discriminant is OTLP's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SpanKind {
    /// Within a service.
    Internal = 1,
    /// Answers a call.
    Server = 2,
    /// Makes a call.
    Client = 3,
    /// Sends a message.
    Producer = 4,
    /// Works on a message.
    Consumer = 5,
}

impl SpanKind {
    /// Its word in Jaeger.
    pub fn word(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }
}

/// Something at a moment of a span.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When.
    pub at: i64,
    /// What.
    pub name: &'static str,
    /// More of it.
    pub attributes: Attributes,
}

/// A span elsewhere that this one has to do with.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Its trace.
    pub trace: u128,
    /// Itself.
    pub span: u64,
    /// In which way.
    pub attributes: Attributes,
}

/// One span.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Never zero.
    pub id: u64,
    /// None for a root.
    pub parent: Option<u64>,
    /// Where it ran, by position in its trace.
    pub resource: usize,
    /// The operation.
    pub name: Cow<'static, str>,
    /// Its part.
    pub kind: SpanKind,
    /// Begin, by its own host's clock.
    pub start: i64,
    /// End, by its own host's clock.
    pub end: i64,
    /// What went wrong; its status is unset where nothing did.
    pub failure: Option<Cow<'static, str>>,
    /// Attributes.
    pub attributes: Attributes,
    /// Events, oldest first.
    pub events: Vec<Event>,
    /// Links.
    pub links: Vec<Link>,
}

/// What a span ran in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The service.
    pub service: &'static str,
    /// Its version then.
    pub version: String,
    /// Its pod.
    pub pod: String,
    /// The pod's node.
    pub host: &'static str,
}

impl Resource {
    /// As OpenTelemetry's resource attributes.
    pub fn attributes(&self) -> Attributes {
        vec![
            ("service.name", self.service.into()),
            ("service.namespace", "shop".into()),
            ("service.version", self.version.clone().into()),
            ("service.instance.id", self.pod.clone().into()),
            ("deployment.environment.name", "prod".into()),
            ("k8s.cluster.name", "eu-1".into()),
            ("k8s.namespace.name", "prod".into()),
            ("k8s.pod.name", self.pod.clone().into()),
            ("host.name", self.host.into()),
            ("telemetry.sdk.name", "opentelemetry".into()),
            ("telemetry.sdk.language", language(self.service).into()),
        ]
    }

    /// The library that made its spans.
    pub fn scope(&self) -> &'static str {
        match language(self.service) {
            "java" => "io.opentelemetry.servlet",
            "python" => "opentelemetry.instrumentation.asgi",
            _ => "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp",
        }
    }
}

fn language(service: &str) -> &'static str {
    match service {
        "payment" => "java",
        "recommendation" | "reindex" => "python",
        _ => "go",
    }
}

/// All spans of one request.
#[derive(Debug, Clone)]
pub struct Trace {
    /// Its id.
    pub id: u128,
    /// What its spans ran in.
    pub resources: Vec<Resource>,
    /// The spans.
    pub body: Body,
}

/// How the spans of a trace are had. A parent comes before its children.
#[derive(Debug, Clone)]
pub enum Body {
    /// They are there.
    Made(Vec<Span>),
    /// Too many to hold: each is made when it is reached.
    Batch(Batch),
}

impl Trace {
    /// How many spans.
    pub fn count(&self) -> usize {
        match &self.body {
            Body::Made(spans) => spans.len(),
            Body::Batch(_) => super::batch::SPANS,
        }
    }

    /// The spans, one after the other.
    pub fn spans(&self) -> impl Iterator<Item = Cow<'_, Span>> {
        (0..self.count()).filter_map(|index| self.span(index))
    }

    /// One span, by position.
    pub fn span(&self, index: usize) -> Option<Cow<'_, Span>> {
        match &self.body {
            Body::Made(spans) => spans.get(index).map(Cow::Borrowed),
            Body::Batch(batch) => (index < super::batch::SPANS).then(|| Cow::Owned(batch.span(index))),
        }
    }

    /// The resource of a span.
    pub fn resource(&self, span: &Span) -> Option<&Resource> {
        self.resources.get(span.resource)
    }
}
