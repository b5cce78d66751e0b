//! Commands that take what is typed behind their word: `query PROMQL`, `ack #4711`, `view save NAME`.
//!
//! Pure: what a line means ([`read`]), and what could be typed there ([`Offers`]). Doing it is `carry`'s.

use std::collections::BTreeSet;

use promql_parser::parser::{self, Expr};

use super::places::Places;
use crate::action::{Action, TABLE};
use crate::app::Model;
use crate::app::incidents::short;
use crate::app::modal::Word;
use crate::domain::alert::Standing;
use crate::domain::service_map::Caller;
use crate::domain::slo::{Sli, Slo};
use crate::text::SafeText;

/// Values that are offered of one kind at most.
const MOST: usize = 200;

/// Every word that takes something, with what it takes and what it does.
const WORDS: [(&str, Word, &str); 18] = [
    ("query", Word::Query, "Ask the metrics backend in PromQL"),
    ("logs", Word::Logs, "Ask the log backend in its own language"),
    ("traces", Word::Traces, "Ask the trace backend"),
    ("trace", Word::Trace, "Open a trace by its id"),
    (
        "ack",
        Word::Ack,
        "Acknowledge alerts by name, service or id, or an incident (asks)",
    ),
    (
        "unack",
        Word::Unack,
        "Give up an acknowledgement, of alerts or of an incident (asks)",
    ),
    (
        "silence",
        Word::Silence,
        "Compose a silence of these matchers, or of the alerts so named",
    ),
    ("slo", Word::Slo, "Open an SLO"),
    (
        "scope",
        Word::Scope,
        "Turn every pane to a service, cluster=eu, or both",
    ),
    (
        "view save",
        Word::SaveView,
        "Keep layout, scope and filters under a name",
    ),
    ("view drop", Word::DropView, "Forget a view"),
    (
        "escalate",
        Word::On(Action::Escalate),
        "Escalate an incident: shows who, then asks",
    ),
    ("resolve", Word::On(Action::Resolve), "Resolve an incident (asks)"),
    (
        "reassign",
        Word::On(Action::Reassign),
        "Give an incident to somebody",
    ),
    (
        "page",
        Word::On(Action::PageSomebody),
        "Ask somebody to help with an incident",
    ),
    ("snooze", Word::On(Action::Snooze), "Let an incident rest"),
    (
        "priority",
        Word::On(Action::SetPriority),
        "Set an incident's priority",
    ),
    (
        "role",
        Word::On(Action::AssignRole),
        "Give somebody a role in an incident",
    ),
];

/// Words of entries that are listed by name: `context prod`, `theme light`, `open #4711`, `view night`.
const LISTED: [&str; 4] = ["context", "theme", "open", "view"];

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// A word and what it is to be done with.
    With {
        /// The word.
        word: Word,
        /// What was typed behind it.
        argument: String,
    },
    /// The name of an entry that is listed by its word: `view night`, `context prod`.
    Listed(&'static str),
    /// A word of two that wants a name, without one: `view save`.
    Unnamed(Word),
    /// Words behind the name of an action that takes none.
    TakesNone(Action),
    /// Something to be found by its letters.
    Other,
}

/// Reads a line.
pub(super) fn read(typed: &str) -> Line {
    let typed = typed.trim_start();
    // Two words before one: `view save x` is no `view`.
    for (name, word, _) in WORDS {
        if let Some(rest) = behind(typed, name)
            && !rest.trim().is_empty()
            && !is_an_action(name, rest)
        {
            let argument = rest.trim().to_owned();
            return Line::With { word, argument };
        }
    }
    let unnamed = WORDS
        .iter()
        .find(|(name, _, _)| name.contains(' ') && *name == typed.trim_end());
    if let Some((_, word, _)) = unnamed {
        return Line::Unnamed(*word);
    }
    let (first, rest) = typed.split_once(char::is_whitespace).unwrap_or((typed, ""));
    if rest.trim().is_empty() || is_an_action(first, rest) {
        return Line::Other;
    }
    if let Some(listed) = LISTED.into_iter().find(|listed| *listed == first) {
        return Line::Listed(listed);
    }
    if is_a_word(first) {
        return Line::Other;
    }
    let named = TABLE.iter().find(|row| row.name == first);
    // An own word that several have means none of them.
    let mut own = TABLE
        .iter()
        .filter(|row| row.name.rsplit('.').next() == Some(first));
    let named = named.or_else(|| own.next().filter(|_| own.next().is_none()));
    named.map_or(Line::Other, |row| Line::TakesNone(row.action))
}

/// `scope back`, `logs follow`: an action by its name, with a blank for what joins it.
fn is_an_action(word: &str, rest: &str) -> bool {
    let name = format!("{word}.{}", rest.trim().replace(' ', "_"));
    TABLE.iter().any(|row| row.name == name)
}

fn is_a_word(first: &str) -> bool {
    WORDS
        .iter()
        .any(|(name, _, _)| name.split(' ').next() == Some(first))
}

/// What stands behind a word, where the line begins with it.
fn behind<'a>(typed: &'a str, word: &str) -> Option<&'a str> {
    typed
        .strip_prefix(word)
        .filter(|rest| rest.starts_with(char::is_whitespace))
}

/// The word that a line consists of, with a blank behind it: an argument is to follow.
pub(super) fn opened(typed: &str) -> Option<Word> {
    let (typed, is_open) = (typed.trim(), typed.ends_with(char::is_whitespace));
    let named = WORDS.iter().find(|(name, _, _)| *name == typed && is_open);
    named.map(|(_, word, _)| *word)
}

/// The word, of those that take something and those that list entries, that a line consists of with a blank behind it.
pub(super) fn followed(typed: &str) -> Option<&'static str> {
    let (word, is_open) = (typed.trim(), typed.ends_with(char::is_whitespace));
    let known = WORDS.iter().map(|(name, _, _)| *name).chain(LISTED);
    known.filter(|_| is_open).find(|name| *name == word)
}

/// The word of two that what is typed could become: `view sa` is `view save` before it is finished.
pub(super) fn begun(typed: &str) -> Option<Word> {
    let typed = typed.trim_start();
    let mut words = WORDS.iter().filter(|(name, _, _)| name.contains(' '));
    let found = words.find(|(name, _, _)| typed.contains(' ') && name.starts_with(typed))?;
    Some(found.1)
}

/// What a word does, for its row.
pub(super) fn title(word: Word) -> &'static str {
    let known = WORDS.iter().find(|(_, known, _)| *known == word);
    known.map_or("", |(_, _, title)| title)
}

/// A word as it is typed.
pub(super) fn name(word: Word) -> &'static str {
    let known = WORDS.iter().find(|(_, known, _)| *known == word);
    known.map_or("", |(name, _, _)| name)
}

/// Whether the argument is free text, so that it is taken as typed before anything that begins like it.
pub(super) fn is_free(word: Word) -> bool {
    match word {
        Word::Query | Word::Logs | Word::Traces | Word::Trace | Word::Silence | Word::SaveView => true,
        Word::Ack | Word::Unack | Word::Slo | Word::Scope | Word::DropView | Word::On(_) => false,
    }
}

/// What could be typed, from what is live when the palette opens: raw, made safe where it is drawn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offers {
    /// The open context's name.
    context: String,
    services: Vec<String>,
    /// Labels of the environment, as they are typed: `cluster=eu`.
    environments: Vec<String>,
    slos: Vec<String>,
    /// Services that have SLOs.
    measured: BTreeSet<String>,
    /// What alerts are named by beside their names, in small letters: their services and labels' values.
    marks: BTreeSet<String>,
    alerts: Vec<String>,
    incidents: Vec<String>,
    matchers: Vec<String>,
    /// What silences are about that were begun.
    drafts: Vec<String>,
    metrics: Vec<String>,
    views: Vec<String>,
}

impl Offers {
    /// From the feeds in hand.
    pub(super) fn of(model: &Model) -> Self {
        let Places {
            services,
            environments,
        } = Places::of(model, 10 * MOST);
        let (mut alerts, mut matchers) = (BTreeSet::new(), BTreeSet::new());
        let (mut metrics, mut slos) = (BTreeSet::new(), Vec::new());
        let (mut measured, mut marks) = (BTreeSet::new(), BTreeSet::new());
        let board = model.slo.board();
        for report in board.into_iter().flat_map(|board| &board.slos) {
            let ours = model.settings.services.ours(Caller::Slos, &report.slo.service);
            measured.insert(ours.to_owned());
            slos.push(report.slo.name.clone());
            metrics.extend(metrics_of(&report.slo));
        }
        let firing = model
            .alerts
            .board
            .iter()
            .flat_map(|board| board.by_fingerprint.values());
        for alert in firing
            .filter(|alert| alert.standing() != Standing::Over)
            .take(10 * MOST)
        {
            let values = alert.labels.iter().map(|(_, value)| value);
            marks.extend(
                values
                    .chain([&*alert.name, &*alert.service])
                    .map(|value| SafeText::line(value).as_str().to_lowercase()),
            );
            alerts.insert(alert.name.to_string());
            alerts.insert(format!("{} {}", alert.name, alert.service));
            for label in ["alertname", "service", "severity", "cluster", "namespace"] {
                if let Some(value) = alert.labels.get(label) {
                    let value = crate::domain::alert::matcher::quoted(value);
                    matchers.insert(format!("{label}={value}"));
                }
            }
        }
        let listed = model.incidents.feed.value();
        let listed = listed.map_or(&[][..], |board| board.incidents.as_slice());
        let open = listed.iter().filter(|incident| incident.status.is_open());
        // What is completed is typed, and so drawn: safe from here on.
        let held = |values: BTreeSet<String>| -> Vec<String> {
            let safe = values
                .into_iter()
                .map(|value| SafeText::line(&value).into_string());
            safe.filter(|value| !value.trim().is_empty()).take(MOST).collect()
        };
        Self {
            context: model.settings.context.clone(),
            services: held(services),
            environments: held(environments),
            measured,
            marks,
            slos: held(slos.into_iter().collect()),
            alerts: held(alerts),
            incidents: open.map(|incident| short(incident)).take(MOST).collect(),
            matchers: held(matchers),
            drafts: model.alerts.drafted(),
            metrics: held(metrics),
            views: model.kept.views.keys().cloned().collect(),
        }
    }

    /// The name of the context that is open.
    pub(super) fn context(&self) -> &str {
        &self.context
    }

    /// Whether what is typed names something by itself, so that it is meant before anything that begins like it.
    pub(super) fn is_whole(&self, word: Word, typed: &str) -> bool {
        let lower = typed.to_lowercase();
        if matches!(word, Word::Ack | Word::Unack) {
            let mut known = self.incidents.iter().chain(&self.alerts);
            return known.any(|known| known.to_lowercase() == lower)
                || lower.split_whitespace().all(|part| self.marks.contains(part));
        }
        let is_measured = word == Word::Slo && self.measured.contains(typed);
        is_measured || self.arguments(word, typed).iter().any(|known| known == typed)
    }

    /// Whole arguments that begin like what is typed, then those that hold it.
    pub(super) fn arguments(&self, word: Word, typed: &str) -> Vec<String> {
        let (head, tail) = match word {
            // The last word of a query is what is being typed.
            Word::Query => split_at_name(typed),
            // So is the last of what a scope consists of; a service's name may have blanks.
            Word::Scope if self.services.iter().any(|known| known.starts_with(typed)) => ("", typed),
            Word::Scope => typed.rfind(' ').map_or(("", typed), |at| typed.split_at(at + 1)),
            Word::Silence => typed.rsplit_once([',', ' ']).map_or(("", typed), |(head, tail)| {
                let at = typed.len() - tail.len();
                debug_assert!(head.len() < at);
                typed.split_at(at)
            }),
            _ => ("", typed),
        };
        let known: Vec<&String> = match word {
            Word::Query => self.metrics.iter().collect(),
            Word::Ack | Word::Unack => self.incidents.iter().chain(&self.alerts).collect(),
            Word::Silence => self.matchers.iter().collect(),
            Word::Slo => self.slos.iter().collect(),
            Word::Scope if !head.is_empty() => self.environments.iter().collect(),
            Word::Scope => self.services.iter().chain(&self.environments).collect(),
            Word::Traces => self.services.iter().collect(),
            Word::DropView | Word::SaveView => self.views.iter().collect(),
            Word::On(_) => self.incidents.iter().collect(),
            Word::Logs | Word::Trace => Vec::new(),
        };
        let is_begun = |draft: &&String| word == Word::Silence && draft.starts_with(typed);
        let mut begin: Vec<String> = self.drafts.iter().filter(is_begun).cloned().collect();
        // A name is offered once it has begun; a closed list always.
        if tail.is_empty() && matches!(word, Word::Query | Word::Silence | Word::Traces) {
            return begin;
        }
        let wanted = tail.to_lowercase();
        let mut hold = Vec::new();
        for value in known {
            let lower = value.to_lowercase();
            if lower.starts_with(&wanted) {
                begin.push(format!("{head}{value}"));
            } else if lower.contains(&wanted) {
                hold.push(format!("{head}{value}"));
            }
        }
        begin.append(&mut hold);
        begin
    }
}

/// A query before the name that it ends with, and that name.
fn split_at_name(query: &str) -> (&str, &str) {
    let is_of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
    let at = query
        .char_indices()
        .rev()
        .take_while(|(_, c)| is_of_name(*c))
        .last()
        .map_or(query.len(), |(at, _)| at);
    query.split_at(at)
}

/// Names of metrics that an SLO is measured by.
fn metrics_of(slo: &Slo) -> Vec<String> {
    let queries: Vec<&String> = match &slo.sli {
        Sli::Events { errors, total } => vec![errors, total],
        Sli::Ratio { error_ratio } => vec![error_ratio],
        Sli::Latency { histogram, .. } => {
            return ["_bucket", "_count", "_sum"]
                .map(|end| format!("{histogram}{end}"))
                .into();
        }
        Sli::Recorded { by_window, .. } => by_window.values().collect(),
    };
    let mut names = Vec::new();
    for query in queries {
        if let Ok(expr) = parser::parse(&query.replace("{{window}}", "5m")) {
            selected(&expr, &mut names);
        }
    }
    names
}

fn selected(expr: &Expr, names: &mut Vec<String>) {
    match expr {
        Expr::VectorSelector(selector) => names.extend(selector.name.clone()),
        Expr::MatrixSelector(selector) => names.extend(selector.vs.name.clone()),
        Expr::Aggregate(inner) => selected(&inner.expr, names),
        Expr::Unary(inner) => selected(&inner.expr, names),
        Expr::Paren(inner) => selected(&inner.expr, names),
        Expr::Subquery(inner) => selected(&inner.expr, names),
        Expr::Binary(both) => {
            selected(&both.lhs, names);
            selected(&both.rhs, names);
        }
        Expr::Call(call) => {
            for argument in &call.args.args {
                selected(argument, names);
            }
        }
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

/// Words that a line could begin with: those that take something, and those of listed entries.
pub(super) fn beginnings(typed: &str) -> impl Iterator<Item = String> + '_ {
    let words = WORDS.iter().map(|(name, _, _)| *name);
    let listed = LISTED.into_iter();
    words
        .chain(listed)
        .filter(move |name| name.starts_with(typed))
        .map(|name| format!("{name} "))
}

/// The argument of a line as its row names it.
pub(super) fn shown(word: Word, argument: &str) -> String {
    format!("{} {}", name(word), SafeText::line(argument))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(word: Word, argument: &str) -> Line {
        Line::With {
            word,
            argument: argument.to_owned(),
        }
    }

    #[test]
    fn what_stands_behind_a_word_is_its_argument() {
        assert_eq!(
            read("query sum(rate(x[5m]))"),
            with(Word::Query, "sum(rate(x[5m]))")
        );
        assert_eq!(read(" ack  #4711 "), with(Word::Ack, "#4711"));
        assert_eq!(read("view save night shift"), with(Word::SaveView, "night shift"));
        assert_eq!(read("traces dur>1s"), with(Word::Traces, "dur>1s"));
        assert_eq!(read("view night"), Line::Listed("view"));
        assert_eq!(read("view save"), Line::Unnamed(Word::SaveView));
        assert_eq!(read("view drop "), Line::Unnamed(Word::DropView));
        assert_eq!(read("context prod"), Line::Listed("context"));
        for other in [
            "query",
            "query ",
            "view zoom",
            "logs follow",
            "scope back",
            "queryx y",
            "ack",
            "hand over",
            "",
        ] {
            assert_eq!(read(other), Line::Other, "{other}");
        }
    }

    #[test]
    fn a_word_that_takes_nothing_is_told_from_words_to_be_found_by() {
        assert_eq!(read("view.refresh now"), Line::TakesNone(Action::Refresh));
        assert_eq!(read("refresh now"), Line::TakesNone(Action::Refresh));
        assert_eq!(read("pause 5m"), Line::TakesNone(Action::Pause));
        assert_eq!(read("hand back"), Line::Other);
        // Several have it for their own word.
        assert_eq!(read("list x"), Line::Other);
    }

    #[test]
    fn the_name_that_a_query_ends_with_is_completed_and_what_is_before_it_stays() {
        let offers = Offers {
            metrics: vec!["http_requests_total".into(), "up".into()],
            matchers: vec!["service=\"cart\"".into()],
            incidents: vec!["#4711".into()],
            alerts: vec!["HighErrorRate".into()],
            ..Offers::default()
        };
        assert_eq!(
            offers.arguments(Word::Query, "sum(rate(http_r"),
            ["sum(rate(http_requests_total"]
        );
        assert_eq!(offers.arguments(Word::Query, "sum("), [""; 0]);
        assert_eq!(
            offers.arguments(Word::Silence, "alertname=\"A\", ser"),
            ["alertname=\"A\", service=\"cart\""]
        );
        assert_eq!(offers.arguments(Word::Ack, "rate"), ["HighErrorRate"]);
        assert_eq!(offers.arguments(Word::Ack, ""), ["#4711", "HighErrorRate"]);
        assert_eq!(split_at_name("größe{a=\"ü"), ("größe{a=\"", "ü"));
    }

    #[test]
    fn a_scope_is_completed_by_services_and_environments_and_behind_one_by_environments() {
        let offers = Offers {
            services: vec!["cart".into(), "checkout".into()],
            environments: vec!["cluster=eu".into(), "namespace=cart".into()],
            ..Offers::default()
        };
        assert_eq!(
            offers.arguments(Word::Scope, "c"),
            ["cart", "checkout", "cluster=eu", "namespace=cart"]
        );
        assert_eq!(offers.arguments(Word::Scope, "eu"), ["cluster=eu"]);
        assert_eq!(
            offers.arguments(Word::Scope, "checkout c"),
            ["checkout cluster=eu", "checkout namespace=cart"]
        );
        assert!(offers.is_whole(Word::Scope, "checkout cluster=eu"));
    }

    #[test]
    fn what_names_something_by_itself_is_told_from_the_beginning_of_a_name() {
        let offers = Offers {
            slos: vec!["checkout-availability".into()],
            measured: ["checkout".to_owned()].into(),
            marks: ["checkout".to_owned(), "errorbudgetburn".to_owned()].into(),
            incidents: vec!["#4711".into()],
            alerts: vec!["ErrorBudgetBurn checkout".into()],
            ..Offers::default()
        };
        for whole in ["checkout", "Checkout", "#4711", "errorbudgetburn checkout"] {
            assert!(offers.is_whole(Word::Ack, whole), "{whole}");
        }
        assert!(!offers.is_whole(Word::Ack, "check"));
        assert!(offers.is_whole(Word::Slo, "checkout"));
        assert!(offers.is_whole(Word::Slo, "checkout-availability"));
        assert!(!offers.is_whole(Word::Slo, "checkout-"));
    }

    #[test]
    fn metrics_are_known_by_the_queries_of_slos() {
        let names = |query: &str| {
            let mut names = Vec::new();
            selected(&parser::parse(query).unwrap(), &mut names);
            names
        };
        assert_eq!(
            names("1 - sum(rate(a_total{x=\"y\"}[5m])) / sum(b:rate5m) > bool 0"),
            ["a_total", "b:rate5m"]
        );
    }
}
