//! Numbers and results as the API writes them.

use serde_json::{Value as Json, json};

use crate::domain::alert::Labels;

use super::{Line, Point, Value};

/// A sample's value: decimal, with an exponent below 1e-6 and from 1e21 on, as Prometheus prints it.
pub fn number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.into();
    }
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        return exponent(value);
    }
    format!("{value}")
}

/// Go's `%e` with the fewest digits: `1.8e-02`, `0e+00`. Alerts' values are written so.
pub fn exponent(value: f64) -> String {
    if !value.is_finite() {
        return number(value);
    }
    let text = format!("{value:e}");
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = match power.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', power),
    };
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// A time as a JSON number of unix seconds: whole where it is, else to the millisecond.
pub fn time(t: f64) -> Json {
    let millis = (t * 1000.0).round() as i64;
    if millis % 1000 == 0 {
        json!(millis / 1000)
    } else {
        json!(millis as f64 / 1000.0)
    }
}

/// Labels as a JSON object.
pub fn labels(labels: &Labels) -> Json {
    labels
        .iter()
        .map(|(k, v)| (k.to_owned(), Json::from(v)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// `data` of an instant query.
pub fn instant(value: &Value, t: f64) -> Json {
    match value {
        Value::Vector(points) => {
            let result: Vec<Json> = points
                .iter()
                .map(|Point { labels: l, value }| json!({"metric": labels(l), "value": [time(t), number(*value)]}))
                .collect();
            json!({"resultType": "vector", "result": result})
        }
        Value::Matrix(lines) => matrix(lines),
        Value::Scalar(value) => json!({"resultType": "scalar", "result": [time(t), number(*value)]}),
        Value::Text(text) => json!({"resultType": "string", "result": [time(t), text]}),
    }
}

/// `data` of a range query.
pub fn matrix(lines: &[Line]) -> Json {
    let result: Vec<Json> = lines
        .iter()
        .map(|line| {
            let values: Vec<Json> = line
                .points
                .iter()
                .map(|(t, v)| json!([time(*t), number(*v)]))
                .collect();
            json!({"metric": labels(&line.labels), "values": values})
        })
        .collect();
    json!({"resultType": "matrix", "result": result})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spelled_as_prometheus_spells_them() {
        let cases = [
            (0.0, "0"),
            (17.0, "17"),
            (0.0179, "0.0179"),
            (1e-7, "1e-07"),
            (1e21, "1e+21"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
        assert_eq!(exponent(0.018), "1.8e-02");
        assert_eq!(exponent(0.0), "0e+00");
        assert_eq!(exponent(17.0), "1.7e+01");
    }

    #[test]
    fn times_are_whole_or_to_the_millisecond() {
        assert_eq!(time(1_793_000_000.0).to_string(), "1793000000");
        assert_eq!(time(1_793_000_000.123_4).to_string(), "1793000000.123");
    }
}
