//! TraceQL: what is wanted, written so that no value can end its quotes.
//! <https://grafana.com/docs/tempo/latest/traceql/>

use std::fmt::Write as _;

use crate::backend::traces::words::{go_duration, is_traceql};
use crate::domain::trace::Wanted;
use crate::domain::trace::summary::Outcome;

/// The query for what is wanted. TraceQL that was typed stays as it is; the scope is a second set of spans beside it.
pub(super) fn query(wanted: &Wanted) -> String {
    let conditions = conditions(wanted);
    let typed = wanted.query.trim();
    if !is_traceql(typed) {
        return format!("{{ {} }}", conditions.join(" && "));
    }
    if conditions.is_empty() {
        return typed.to_owned();
    }
    let (spans, rest) = typed.split_at(pipeline(typed));
    format!("{{ {} }} && ({}) {rest}", conditions.join(" && "), spans.trim())
        .trim_end()
        .to_owned()
}

/// Spans of one service.
pub(super) fn of_service(service: &str) -> String {
    format!("{{ resource.service.name = {} }}", quoted(service))
}

fn conditions(wanted: &Wanted) -> Vec<String> {
    let mut conditions = Vec::new();
    if let Some(service) = &wanted.service {
        conditions.push(format!("resource.service.name = {}", quoted(service)));
    }
    if let Some(operation) = &wanted.operation {
        conditions.push(format!("name = {}", quoted(operation)));
    }
    if let Some(least) = wanted.at_least {
        conditions.push(format!("duration >= {}", go_duration(least)));
    }
    if let Some(most) = wanted.at_most {
        conditions.push(format!("duration <= {}", go_duration(most)));
    }
    match wanted.outcome {
        Outcome::Any => {}
        Outcome::Failed => conditions.push("status = error".to_owned()),
    }
    conditions.extend(wanted.tags.iter().map(|(key, value)| attribute(key, value)));
    conditions
}

/// Attributes have types: what reads as a number or a truth may have been sent as one.
fn attribute(key: &str, value: &str) -> String {
    let name = name(key);
    let text = format!("{name} = {}", quoted(value));
    let whole = !value.is_empty() && value.len() < 18 && value.bytes().all(|byte| byte.is_ascii_digit());
    if whole || matches!(value, "true" | "false") {
        format!("({text} || {name} = {value})")
    } else {
        text
    }
}

/// `.key` of whatever scope, or of the one that it names; odd characters in quotes.
fn name(key: &str) -> String {
    let scopes = ["resource.", "span.", "event.", "link.", "instrumentation."];
    let (scope, key) = scopes
        .into_iter()
        .find_map(|scope| Some((scope, key.strip_prefix(scope)?)))
        .unwrap_or((".", key));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/');
    if !key.is_empty() && key.chars().all(plain) {
        format!("{scope}{key}")
    } else {
        format!("{scope}{}", quoted(key))
    }
}

/// In double quotes, as Go escapes it: only what ends or breaks the text.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c)); // writing to a String cannot fail
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Where the pipeline or the hints behind the spans begin: a single `|`, or `with`, outside of braces, parentheses and
/// quotes.
fn pipeline(query: &str) -> usize {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    let bytes = query.as_bytes();
    for (at, byte) in bytes.iter().copied().enumerate() {
        if let Some(open) = quote {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if open == b'"' => escaped = true,
                byte if byte == open => quote = None,
                _ => {}
            }
            continue;
        }
        let beside = |at: Option<usize>| at.and_then(|at| bytes.get(at)).copied();
        match byte {
            b'"' | b'`' => quote = Some(byte),
            b'{' | b'(' => depth += 1,
            b'}' | b')' => depth = depth.saturating_sub(1),
            b'|' if depth == 0 => {
                let doubled =
                    beside(at.checked_sub(1)) == Some(b'|') || beside(at.checked_add(1)) == Some(b'|');
                if !doubled {
                    return at;
                }
            }
            b'w' if depth == 0
                && bytes.get(at..).is_some_and(|rest| rest.starts_with(b"with"))
                && beside(at.checked_sub(1)).is_some_and(|byte| byte.is_ascii_whitespace()) =>
            {
                return at;
            }
            _ => {}
        }
    }
    query.len()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn scoped(query: &str) -> Wanted {
        Wanted {
            service: Some("pay\"ments\\".into()),
            query: query.to_owned(),
            ..Wanted::default()
        }
    }

    #[test]
    fn every_value_is_quoted() {
        let wanted = Wanted {
            operation: Some("POST \"/pay\"\n".into()),
            at_least: Some(Duration::from_millis(500)),
            at_most: Some(Duration::from_micros(1_500_500)),
            outcome: Outcome::Failed,
            tags: vec![
                ("http.status_code".into(), "500".into()),
                ("a key".into(), "x\" } || { true".into()),
                ("resource.k8s.pod".into(), "p-1".into()),
            ],
            ..scoped("")
        };
        assert_eq!(
            query(&wanted),
            "{ resource.service.name = \"pay\\\"ments\\\\\" && name = \"POST \\\"/pay\\\"\\n\" && duration >= 500ms \
             && duration <= 1500500us && status = error \
             && (.http.status_code = \"500\" || .http.status_code = 500) \
             && .\"a key\" = \"x\\\" } || { true\" && resource.k8s.pod = \"p-1\" }"
        );
        assert_eq!(query(&Wanted::default()), "{  }");
    }

    #[test]
    fn typed_traceql_stays_as_it_is_beside_the_scope() {
        let scope = "{ resource.service.name = \"pay\\\"ments\\\\\" }";
        for (typed, sent) in [
            ("{ status = error }", "({ status = error })"),
            ("{ a } || { b }", "({ a } || { b })"),
            ("{ .x = \"|\" } | count() > 2", "({ .x = \"|\" }) | count() > 2"),
            (
                "{ a } >> { b } with (most_recent=true)",
                "({ a } >> { b }) with (most_recent=true)",
            ),
        ] {
            assert_eq!(query(&scoped(typed)), format!("{scope} && {sent}"));
            let alone = Wanted {
                service: None,
                ..scoped(typed)
            };
            assert_eq!(query(&alone), typed);
        }
    }
}
