//! LogQL: the scope of the console written into what the user wrote, every value quoted.
//!
//! A query is a stream selector (`{…}`) and a pipeline behind it. What the user writes is passed through: a whole
//! query, or a pipeline alone. The configured selector and the service are matchers more in its selector; trace and
//! level are stages in front of its pipeline. <https://grafana.com/docs/loki/latest/query/>

use crate::backend::logs::words::{quoted, words_below};
use crate::domain::environment;
use crate::domain::log::{Level, Wanted};
use crate::domain::trace_id::TraceId;

/// What a query consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    /// `{…}`, at least one matcher in it.
    pub(super) selector: String,
    /// Stages; may be empty.
    pub(super) pipeline: String,
}

impl Query {
    /// As it is sent.
    pub(super) fn text(&self) -> String {
        // On a line of its own: a comment at the end of one part does not swallow the next.
        if self.pipeline.is_empty() {
            self.selector.clone()
        } else {
            format!("{}\n{}", self.selector, self.pipeline)
        }
    }
}

/// What stands in neither form that is passed through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoLogQuery {
    /// It opens with neither a selector nor a stage.
    #[error("the query opens with neither a selector nor a filter")]
    Opening,
    /// A selector without its closing brace.
    #[error("the selector of the query is not closed")]
    Unclosed,
}

/// The queries that together find what is wanted: one; two for a trace, which stands in the metadata of some lines
/// and in the text of others. `label` says the service, `selector` is the configured one.
pub(super) fn queries(
    wanted: &Wanted,
    label: &str,
    selector: Option<&str>,
) -> Result<Vec<Query>, NoLogQuery> {
    let (theirs, pipeline) = split(wanted.query.trim())?;
    let mut matchers: Vec<String> = Vec::new();
    matchers.extend(selector.and_then(inside).map(str::to_owned));
    if let Some(service) = &wanted.service {
        matchers.push(format!("{label}={}", quoted(service)));
    }
    matchers.extend(theirs.map(str::to_owned));
    if matchers.is_empty() {
        // A selector must have a matcher that does not match the empty value.
        matchers.push(format!("{label}=~\".+\""));
    }
    matchers.extend(environment(wanted));
    let selector = format!("{{{}}}", matchers.join(", "));
    let level = wanted.at_least.and_then(level_stage);
    let with = |trace: Option<String>| Query {
        selector: selector.clone(),
        pipeline: [trace, level.clone(), Some(pipeline.to_owned())]
            .into_iter()
            .flatten()
            .filter(|stage| !stage.is_empty())
            .collect::<Vec<_>>()
            .join("\n"),
    };
    Ok(match wanted.trace {
        None => vec![with(None)],
        Some(id) => trace_stages(id).map(|stage| with(Some(stage))).to_vec(),
    })
}

/// Streams of another environment are left out; those that tell none stay: their label has the empty value, which the
/// expression matches. Names that are none of a label here are no stream's.
fn environment(wanted: &Wanted) -> impl Iterator<Item = String> {
    let all = environment::conditions(&wanted.environment).into_iter();
    let labels = all.filter(|(name, _)| !name.contains('.'));
    labels.map(|(name, value)| format!("{name}=~{}", quoted(&format!("({})?", regex::escape(value)))))
}

/// A selector's matchers, and the pipeline behind them.
fn split(query: &str) -> Result<(Option<&str>, &str), NoLogQuery> {
    if query.is_empty() || query.starts_with('|') || query.starts_with("!=") || query.starts_with("!~") {
        return Ok((None, query));
    }
    let Some(rest) = query.strip_prefix('{') else {
        return Err(NoLogQuery::Opening);
    };
    let end = closing(rest).ok_or(NoLogQuery::Unclosed)?;
    let (matchers, rest) = rest.split_at(end);
    let pipeline = rest.strip_prefix('}').unwrap_or(rest).trim();
    let matchers = matchers.trim().trim_end_matches(',').trim_end();
    Ok((Some(matchers).filter(|matchers| !matchers.is_empty()), pipeline))
}

/// Where the brace that closes a selector stands: not within a string.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some('"'), '\\') if !escaped => {
                escaped = true;
                continue;
            }
            (Some(open), c) if open == c && !escaped => quote = None,
            (None, '"' | '`') => quote = Some(c),
            (None, '}') => return Some(at),
            (Some(_) | None, _) => {}
        }
        escaped = false;
    }
    None
}

/// What stands between the braces of a selector.
fn inside(selector: &str) -> Option<&str> {
    let inner = selector.trim().strip_prefix('{')?.strip_suffix('}')?;
    let inner = inner.trim().trim_end_matches(',').trim_end();
    Some(inner).filter(|inner| !inner.is_empty())
}

/// Leaves out the levels below; lines whose level the server does not know stay, the store reads their text.
fn level_stage(at_least: Level) -> Option<String> {
    let below = words_below(at_least);
    (!below.is_empty()).then(|| format!("| detected_level!~\"(?i)({})\"", below.join("|")))
}

/// In the metadata, and in the text. Ids are hex in either case, with or without the zeros in front.
fn trace_stages(id: TraceId) -> [String; 2] {
    let hex = id.to_string();
    let hex = hex.trim_start_matches('0');
    let named = ["trace_id", "traceID", "traceid", "TraceID"];
    let metadata = named.map(|name| format!("{name}=~\"(?i)0*{hex}\""));
    [
        format!("| {}", metadata.join(" or ")),
        format!("|~ \"(?i){hex}\""),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(wanted: &Wanted, selector: Option<&str>) -> String {
        let found = queries(wanted, "service_name", selector).expect("a query");
        assert_eq!(found.len(), 1);
        found[0].text()
    }

    fn query(query: &str) -> Wanted {
        Wanted {
            query: query.to_owned(),
            ..Wanted::default()
        }
    }

    #[test]
    fn nothing_wanted_is_everything() {
        assert_eq!(text(&query("  "), None), "{service_name=~\".+\"}");
        assert_eq!(
            text(&query(""), Some("{namespace=\"prod\",}")),
            "{namespace=\"prod\"}"
        );
    }

    #[test]
    fn streams_of_another_environment_are_left_out_and_those_that_tell_none_stay() {
        let wanted = Wanted {
            service: Some("checkout".into()),
            environment: [("cluster".to_owned(), "eu.1".to_owned())].into(),
            ..Wanted::default()
        };
        assert_eq!(
            text(&wanted, None),
            "{service_name=\"checkout\", cluster=~\"(eu\\\\.1)?\", k8s_cluster_name=~\"(eu\\\\.1)?\"}"
        );
    }

    #[test]
    fn the_scope_joins_what_the_user_wrote() {
        let wanted = Wanted {
            service: Some("pay\"ments".into()),
            at_least: Some(Level::Warn),
            ..query("{pod=~\"a}b.*\", x=`}`} |= \"boom\" # why")
        };
        assert_eq!(
            text(&wanted, Some("{namespace=\"prod\"}")),
            "{namespace=\"prod\", service_name=\"pay\\\"ments\", pod=~\"a}b.*\", x=`}`}\n\
             | detected_level!~\"(?i)(trace|debug|info|information|notice)\"\n|= \"boom\" # why"
        );
    }

    #[test]
    fn a_pipeline_alone_is_a_query() {
        for pipeline in ["|= \"x\"", "!= \"x\"", "!~ `x`", "| json | status >= 500"] {
            assert_eq!(
                text(&query(pipeline), None),
                format!("{{service_name=~\".+\"}}\n{pipeline}")
            );
        }
    }

    #[test]
    fn what_cannot_be_a_log_query_is_refused() {
        let refused = |text: &str| queries(&query(text), "app", None).expect_err("refused");
        assert_eq!(refused("sum(rate({a=\"b\"}[5m]))"), NoLogQuery::Opening);
        assert_eq!(refused("timeout"), NoLogQuery::Opening);
        assert_eq!(refused("{a=\"}\\\"}"), NoLogQuery::Unclosed);
    }

    #[test]
    fn a_trace_is_looked_for_in_metadata_and_text_whatever_its_spelling() {
        let wanted = Wanted {
            trace: Some("0000000000000000ABCDEF0123456789".parse().expect("an id")),
            ..query("| json")
        };
        let found = queries(&wanted, "app", Some("{a=\"b\"}")).expect("queries");
        let texts: Vec<String> = found.iter().map(Query::text).collect();
        assert_eq!(
            texts[0],
            "{a=\"b\"}\n| trace_id=~\"(?i)0*abcdef0123456789\" or traceID=~\"(?i)0*abcdef0123456789\" or \
             traceid=~\"(?i)0*abcdef0123456789\" or TraceID=~\"(?i)0*abcdef0123456789\"\n| json"
        );
        assert_eq!(texts[1], "{a=\"b\"}\n|~ \"(?i)abcdef0123456789\"\n| json");
    }

    #[test]
    fn every_value_is_quoted() {
        assert_eq!(quoted("a\"b\\c\n\u{1}é"), "\"a\\\"b\\\\c\\n\\u0001é\"");
        let wanted = Wanted {
            service: Some("x\"} or {a=\"b".into()),
            ..query("")
        };
        assert_eq!(text(&wanted, None), "{service_name=\"x\\\"} or {a=\\\"b\"}");
    }
}
