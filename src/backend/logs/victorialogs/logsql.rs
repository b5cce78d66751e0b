//! `LogsQL`: the scope of the console written in front of what the user wrote, every value quoted.
//!
//! A query is a filter and pipes behind it. What the user writes is passed through; the scope is joined to its filter
//! by AND, in parentheses. <https://docs.victoriametrics.com/victorialogs/logsql/>

use std::sync::Arc;

use crate::backend::logs::words::{LEVEL_NAMES, quoted, words_below};
use crate::domain::environment;
use crate::domain::log::{Level, Wanted};
use crate::domain::trace_id::TraceId;

/// Fields that hold a trace id.
const TRACE_NAMES: [&str; 5] = ["trace_id", "trace.id", "traceId", "traceID", "TraceId"];

/// The query for what is wanted. `labels` may each say the service, `selector` is the configured stream filter.
pub(super) fn query(wanted: &Wanted, labels: &[Arc<str>], selector: Option<&str>) -> String {
    let (filter, pipes) = split(wanted.query.trim());
    let mut parts: Vec<String> = selector.map(str::to_owned).into_iter().collect();
    if let Some(service) = &wanted.service {
        let value = quoted(service);
        parts.push(any(labels
            .iter()
            .map(|label| format!("{}:={value}", quoted(label)))));
    }
    // What tells no environment may be of this one.
    parts.extend(
        environment::conditions(&wanted.environment)
            .into_iter()
            .map(|(name, value)| {
                let name = quoted(name);
                format!("({name}:={} or {name}:\"\")", quoted(value))
            }),
    );
    parts.extend(wanted.trace.map(trace));
    parts.extend(wanted.at_least.and_then(level));
    let mut refused = String::new();
    if closes_too_much(filter) {
        // It would end the parenthesis that keeps it within the scope: behind a bar it is the server's to refuse.
        refused = format!("\n| filter {filter}");
    } else if filter.contains('#') {
        // A comment would swallow the parenthesis.
        parts.push(format!("({filter}\n)"));
    } else if !matches!(filter, "" | "*") {
        parts.push(format!("({filter})"));
    }
    if parts.is_empty() {
        parts.push("*".to_owned());
    }
    let filter = parts.join(" ") + &refused;
    if pipes.is_empty() {
        filter
    } else {
        // On a line of its own: a comment at the end of one part does not swallow the next.
        format!("{filter}\n{pipes}")
    }
}

fn any(filters: impl Iterator<Item = String>) -> String {
    format!("({})", filters.collect::<Vec<_>>().join(" or "))
}

/// In one of the usual fields, or in the text; hex in either case, with or without the zeros in front.
fn trace(id: TraceId) -> String {
    let hex = id.to_string();
    let hex = hex.trim_start_matches('0');
    let fields = TRACE_NAMES.iter();
    let fields = fields.map(|name| format!("{}:~{}", quoted(name), quoted(&format!("(?i)^0*{hex}$"))));
    any(fields.chain([format!("_msg:~{}", quoted(&format!("(?i){hex}")))]))
}

/// Leaves out the levels below; lines that tell none stay, the store reads their text.
fn level(at_least: Level) -> Option<String> {
    let below = words_below(at_least);
    if below.is_empty() {
        return None;
    }
    let words = quoted(&format!("(?i)^({})$", below.join("|")));
    let fields = LEVEL_NAMES
        .iter()
        .map(|name| format!("{}:~{words}", quoted(name)));
    Some(format!("!{}", any(fields)))
}

/// Whether a filter closes a bracket that it did not open.
fn closes_too_much(filter: &str) -> bool {
    let mut open = 0_u32;
    bare(filter).any(|(_, c)| match c {
        '(' | '{' | '[' => {
            open += 1;
            false
        }
        // a range may end with the other kind of bracket than it began with
        ')' | '}' | ']' => match open.checked_sub(1) {
            Some(rest) => {
                open = rest;
                false
            }
            None => true,
        },
        _ => false,
    })
}

/// The filter, and the pipes with the bar in front of them: the first bar within neither quotes nor brackets.
fn split(query: &str) -> (&str, &str) {
    let mut depth = 0_u32;
    for (at, c) in bare(query) {
        match c {
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => {
                let (filter, pipes) = query.split_at(at);
                return (filter.trim_end(), pipes);
            }
            _ => {}
        }
    }
    (query, "")
}

/// The characters within neither quotes nor comments, and where they stand.
fn bare(query: &str) -> impl Iterator<Item = (usize, char)> {
    let mut within = None;
    let mut escaped = false;
    query.char_indices().filter(move |&(_, c)| {
        let was_escaped = std::mem::take(&mut escaped);
        match (within, c) {
            (None, '"' | '\'' | '`' | '#') => within = Some(c),
            (None, _) => return true,
            (Some('#'), '\n') => within = None,
            (Some('"' | '\''), '\\') => escaped = !was_escaped,
            (Some(open), c) if open == c && open != '#' && !was_escaped => within = None,
            (Some(_), _) => {}
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(query: &str) -> Wanted {
        Wanted {
            query: query.to_owned(),
            ..Wanted::default()
        }
    }

    #[test]
    fn nothing_wanted_is_everything() {
        assert_eq!(query(&wanted(" "), &[], None), "*");
        assert_eq!(query(&wanted("*"), &[], Some("{app=\"a\"}")), "{app=\"a\"}");
        assert_eq!(
            query(&wanted("error | fields _msg"), &[], None),
            "(error)\n| fields _msg"
        );
        assert_eq!(query(&wanted("| limit 5"), &[], None), "*\n| limit 5");
    }

    #[test]
    fn the_scope_stands_in_front_of_the_filter_and_every_value_is_quoted() {
        let wanted = Wanted {
            service: Some("pay\"ments) or (x".into()),
            ..wanted("a or b | sort by (x)")
        };
        assert_eq!(
            query(
                &wanted,
                &["service.name".into(), "app".into()],
                Some("{ns=\"prod\"}")
            ),
            "{ns=\"prod\"} (\"service.name\":=\"pay\\\"ments) or (x\" or \"app\":=\"pay\\\"ments) or (x\") (a or b)\n| sort by (x)"
        );
    }

    #[test]
    fn neither_a_comment_nor_a_parenthesis_too_many_leaves_the_scope() {
        let scoped = |text: &str| {
            let wanted = Wanted {
                service: Some("pay".into()),
                ..wanted(text)
            };
            query(&wanted, &["app".into()], None)
        };
        assert_eq!(scoped("error # why (|"), "(\"app\":=\"pay\") (error # why (|\n)");
        assert_eq!(scoped("a) or (b"), "(\"app\":=\"pay\")\n| filter a) or (b");
        assert_eq!(scoped("\")\" or x"), "(\"app\":=\"pay\") (\")\" or x)");
        assert_eq!(
            scoped("took:range(1, 5] # )\n| limit 3"),
            "(\"app\":=\"pay\") (took:range(1, 5] # )\n)\n| limit 3"
        );
    }

    #[test]
    fn a_bar_within_quotes_or_brackets_begins_no_pipe() {
        for filter in [
            "a:~\"x|y\"",
            "'it\\'s | so'",
            "`a|b`",
            "user:in(_time:5m error | fields user)",
            "{app=~\"a|b\"}",
        ] {
            assert_eq!(
                split(&format!("{filter} | stats count()")),
                (filter, "| stats count()")
            );
        }
    }

    #[test]
    fn what_tells_another_environment_is_left_out_and_what_tells_none_stays() {
        let wanted = Wanted {
            environment: [("region".to_owned(), "eu".to_owned())].into(),
            ..wanted("")
        };
        let text = query(&wanted, &[], None);
        assert!(
            text.starts_with("(\"region\":=\"eu\" or \"region\":\"\")"),
            "{text}"
        );
        assert!(
            text.contains("(\"cloud.region\":=\"eu\" or \"cloud.region\":\"\")"),
            "{text}"
        );
    }

    #[test]
    fn a_trace_is_looked_for_in_fields_and_text() {
        let wanted = Wanted {
            trace: Some("abc".parse().expect("an id")),
            ..wanted("")
        };
        let text = query(&wanted, &[], None);
        assert!(text.contains("\"trace_id\":~\"(?i)^0*abc$\""), "{text}");
        assert!(text.ends_with("_msg:~\"(?i)abc\")"), "{text}");
    }

    #[test]
    fn levels_below_are_left_out_and_lines_without_one_stay() {
        let wanted = Wanted {
            at_least: Some(Level::Warn),
            ..wanted("")
        };
        let text = query(&wanted, &[], None);
        assert!(
            text.starts_with("!(\"detected_level\":~\"(?i)^(trace|debug|info"),
            "{text}"
        );
        assert!(!text.contains("warn"), "{text}");
        let all = Wanted {
            at_least: Some(Level::Trace),
            ..Wanted::default()
        };
        assert_eq!(query(&all, &[], None), "*");
    }
}
