//! What is read of a span when it is looked at: attributes, events, links; borrowed from the bytes it came
//! in.

use std::borrow::Cow;
use std::fmt;
use std::ops::ControlFlow;

use super::{Nanos, SpanId, Tie, TraceId};

/// A value of an attribute. Remote, not yet safe.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any number, infinite ones and NaN too.
    Double(f64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Values in a row.
    Array(Vec<Value<'a>>),
    /// Values by name.
    Map(Vec<Attribute<'a>>),
    /// What could not be read as any of these, as it came.
    Raw(Cow<'a, str>),
    /// No value.
    #[default]
    Empty,
}

impl Value<'_> {
    /// The text, where it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Raw(text) => Some(text),
            Self::Bool(_)
            | Self::Int(_)
            | Self::Double(_)
            | Self::Bytes(_)
            | Self::Array(_)
            | Self::Map(_)
            | Self::Empty => None,
        }
    }

    /// The number, where it is one or a text that spells one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Double(number) => Some(*number),
            Self::Text(text) | Self::Raw(text) => text.parse().ok(),
            Self::Bool(_) | Self::Bytes(_) | Self::Array(_) | Self::Map(_) | Self::Empty => None,
        }
    }
}

impl fmt::Display for Value<'_> {
    /// Text as it is, all else as JSON would have it; bytes as hex.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Raw(text) => f.write_str(text),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Double(value) => write!(f, "{value}"),
            Self::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Self::Array(values) => {
                f.write_str("[")?;
                for (index, value) in values.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { ", " })?;
                    write!(f, "{value}")?;
                }
                f.write_str("]")
            }
            Self::Map(members) => {
                f.write_str("{")?;
                for (index, member) in members.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { ", " })?;
                    write!(f, "{}: {}", member.key, member.value)?;
                }
                f.write_str("}")
            }
            Self::Empty => Ok(()),
        }
    }
}

/// A name and what it holds. Names may come twice.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute<'a> {
    /// The name.
    pub key: Cow<'a, str>,
    /// What it holds.
    pub value: Value<'a>,
}

/// Something that happened within a span.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Event<'a> {
    /// When, where it is said.
    pub at: Option<Nanos>,
    /// What: `exception`.
    pub name: Cow<'a, str>,
    /// With what.
    pub attributes: Vec<Attribute<'a>>,
    /// Attributes the sender dropped.
    pub dropped: u32,
}

impl Event<'_> {
    /// The value of an attribute.
    pub fn attribute(&self, key: &str) -> Option<&Value<'_>> {
        value_of(&self.attributes, key)
    }
}

/// A span of this or of another trace that has to do with this one.
#[derive(Debug, Clone, PartialEq)]
pub struct Link<'a> {
    /// Of which trace.
    pub trace: TraceId,
    /// Which span.
    pub span: SpanId,
    /// How, where the source says it.
    pub tie: Option<Tie>,
    /// With what.
    pub attributes: Vec<Attribute<'a>>,
}

/// All that a span tells beyond its row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Detail<'a> {
    /// What its status says.
    pub message: Option<Cow<'a, str>>,
    /// Its attributes, in the order they came.
    pub attributes: Vec<Attribute<'a>>,
    /// What happened, in the order it came.
    pub events: Vec<Event<'a>>,
    /// What it is linked to.
    pub links: Vec<Link<'a>>,
    /// What the source warns of.
    pub warnings: Vec<Cow<'a, str>>,
    /// Its `tracestate`.
    pub state: Option<Cow<'a, str>>,
    /// Attributes, events and links the sender dropped.
    pub dropped: u32,
}

impl Detail<'_> {
    /// The value of an attribute.
    pub fn attribute(&self, key: &str) -> Option<&Value<'_>> {
        value_of(&self.attributes, key)
    }
}

fn value_of<'a, 'b>(attributes: &'b [Attribute<'a>], key: &str) -> Option<&'b Value<'a>> {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    found.map(|attribute| &attribute.value)
}

/// How to read the bytes of a format. What cannot be read is left out, or kept as [`Value::Raw`]; nothing
/// fails.
pub trait Wire: fmt::Debug + Send + Sync {
    /// A span's bytes, whole. A span that came in parts is read part by part; what they tell is joined.
    fn detail<'a>(&self, span: &'a [u8]) -> Detail<'a>;

    /// A span's attributes one by one, until the visitor breaks off.
    fn attributes<'a>(
        &self,
        span: &'a [u8],
        visit: &mut dyn FnMut(Attribute<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()>;

    /// The attributes of a resource (a process, an endpoint), from its bytes.
    fn resource<'a>(&self, resource: &'a [u8]) -> Vec<Attribute<'a>>;

    /// Name, version and attributes of an instrumentation scope, from its bytes.
    fn scope<'a>(&self, scope: &'a [u8]) -> Vec<Attribute<'a>>;
}

/// The inside of a JSON text without its escapes; what is not valid stays as it is, lossy.
pub fn unescaped(inside: &[u8]) -> Cow<'_, str> {
    let lossy = String::from_utf8_lossy(inside);
    if memchr::memchr(b'\\', inside).is_none() {
        return lossy;
    }
    // Raw control characters are no JSON, yet they come.
    let plain = lossy.chars().filter(|char| !char.is_control());
    let quoted: String = std::iter::once('"')
        .chain(plain)
        .chain(std::iter::once('"'))
        .collect();
    serde_json::from_str(&quoted).map_or(lossy, Cow::Owned)
}
