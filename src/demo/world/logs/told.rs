//! What an incident is told with: phrases with numbers in them, in the form that each service's log has.

use super::voices::json;
use super::words::Words;

/// A phrase with its gaps filled: `{n:3-9}` is a number from 3 up to 9, 9 not included. Any other brace stands.
pub fn expanded(phrase: &str, w: &mut Words) -> String {
    let mut out = String::new();
    let mut rest = phrase;
    while let Some((before, gap, after)) = next_gap(rest) {
        out.push_str(before);
        out.push_str(&w.number(gap.0, gap.1).to_string());
        rest = after;
    }
    out.push_str(rest);
    out
}

/// What is before the first gap, its bounds, and what is behind.
fn next_gap(text: &str) -> Option<(&str, (u64, u64), &str)> {
    let (before, rest) = text.split_once("{n:")?;
    let (bounds, after) = rest.split_once('}')?;
    let (from, to) = bounds.split_once('-')?;
    Some((before, (from.parse().ok()?, to.parse().ok()?), after))
}

/// A message as a service writes it. It holds no quotation mark.
pub fn framed(service: &str, level: &str, message: &str, w: &mut Words) -> String {
    match service {
        "checkout" | "search" | "inventory" | "giftcard" => json(w, level, message, |_| String::new()),
        "payment" => format!(
            "{} {:<5} [http-nio-8080-exec-{}] c.s.payment.ChargeHandler - {message}",
            w.time("%Y-%m-%d %H:%M:%S%.3f"),
            level.to_uppercase(),
            w.number(1, 40)
        ),
        "cart" => format!(
            "{}{} {} handler.go:{}] {message}",
            if level == "error" { "E" } else { "W" },
            w.time("%m%d %H:%M:%S%.6f"),
            w.pod + 1,
            w.number(88, 92)
        ),
        "shipping" => format!(
            "{} [{}] {message}",
            w.time("%Y/%m/%d %H:%M:%S"),
            level.to_uppercase()
        ),
        _ => {
            let trace = if w.is_traced() {
                format!(" trace_id={}", w.trace())
            } else {
                String::new()
            };
            format!(
                "ts={} level={level} msg=\"{message}\"{trace}",
                w.time("%Y-%m-%dT%H:%M:%S%.3fZ")
            )
        }
    }
}
