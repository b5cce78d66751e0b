//! Conditions on labels: `status >= 500 and path != "/"`.

use super::{Fields, Matcher};

/// A condition.
#[derive(Debug)]
pub enum Condition {
    /// On the text of a label.
    Text(Matcher),
    /// On its number: a plain one, or seconds.
    Number {
        /// The label.
        name: String,
        /// How it is compared.
        compare: Compare,
        /// With what.
        value: f64,
        /// Whether both are durations.
        unit: Unit,
    },
    /// Both.
    And(Box<Condition>, Box<Condition>),
    /// One of them.
    Or(Box<Condition>, Box<Condition>),
}

/// How numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `<`
    Below,
    /// `<=`
    AtMost,
}

/// What a number means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Itself.
    Plain,
    /// Seconds, written with a unit.
    Seconds,
}

impl Condition {
    /// Whether a line's labels pass. A label that is no number leaves the line and marks it, as Loki does.
    pub fn passes(&self, fields: &mut Fields<'_>) -> bool {
        match self {
            Self::Text(matcher) => matcher.test.passes(fields.get(&matcher.name).unwrap_or_default()),
            Self::And(one, other) => one.passes(fields) && other.passes(fields),
            Self::Or(one, other) => one.passes(fields) || other.passes(fields),
            Self::Number {
                name,
                compare,
                value,
                unit,
            } => {
                let Some(text) = fields.get(name) else {
                    return false;
                };
                let found = match unit {
                    Unit::Plain => text.parse().ok(),
                    Unit::Seconds => seconds(text),
                };
                let Some(found) = found else {
                    fields.fail("LabelFilterErr", &format!("{text:?} is not comparable"));
                    return true;
                };
                compare.holds(found, *value)
            }
        }
    }
}

impl Compare {
    fn holds(self, found: f64, wanted: f64) -> bool {
        match self {
            Self::Equal => (found - wanted).abs() < f64::EPSILON,
            Self::NotEqual => (found - wanted).abs() >= f64::EPSILON,
            Self::Above => found > wanted,
            Self::AtLeast => found >= wanted,
            Self::Below => found < wanted,
            Self::AtMost => found <= wanted,
        }
    }
}

/// A duration as Go writes it: `1h2m`, `1.5s`, `250µs`.
pub fn seconds(text: &str) -> Option<f64> {
    let mut rest = text;
    let mut total = 0.0;
    (!text.is_empty()).then_some(())?;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, after) = tail.split_at(end);
        let factor = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            "w" => 604_800.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * factor;
        rest = after;
    }
    Some(total)
}
