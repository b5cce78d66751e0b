//! `[[contexts.X.playbooks]]`: commands in their order for the alerts that match.
//!
//! ```toml
//! [[contexts.prod.playbooks]]
//! name = "roll the last release back"
//! match = 'alertname="HighErrorRate", service=~".+"'
//!
//! [[contexts.prod.playbooks.steps]]
//! run = ["kubectl", "-n", "shop", "rollout", "undo", "deploy/{{ labels.service }}"]
//! wait = "2m"
//! verify = 'job:error_ratio:rate5m{service="{{ labels.service }}"}'
//! expect = "< 0.01"
//! ```
//!
//! They belong to a context: so do the programs that may run, and the metrics that are asked.

use std::collections::BTreeSet;
use std::time::Duration;

use super::check::Findings;
use super::decode::{Section, matchers};
use super::show::{Rows, spelled};
use crate::domain::alert::matcher;
use crate::runbook::command::Phrase;
use crate::runbook::{Expect, PlayStep, Playbook, Verify};

pub(super) fn playbooks(context: &Section<'_>, findings: &mut Findings) -> Vec<Playbook> {
    let mut names = BTreeSet::new();
    let mut books = Vec::new();
    for section in context.sections("playbooks") {
        let name = section.required("name", "write name = \"roll back\"", findings);
        section.demand("match", "write match = 'alertname=\"HighErrorRate\"'", findings);
        section.demand(
            "steps",
            "write [[contexts.X.playbooks.steps]] with run = [\"kubectl\", …]",
            findings,
        );
        let matchers = matchers(&section, "match", findings);
        let sections = section.sections("steps");
        let steps: Vec<Option<PlayStep>> = sections.iter().map(|each| step(each, findings)).collect();
        if section.has("steps") && sections.is_empty() {
            findings.error(
                &section.at("steps"),
                "holds no step",
                "write one, or leave the playbook out",
            );
        }
        if let Some(name) = &name
            && !names.insert(name.clone())
        {
            findings.error(
                &section.at("name"),
                "is the name of another playbook",
                "call it something else",
            );
        }
        let steps: Option<Vec<PlayStep>> = steps.into_iter().collect();
        if let (Some(name), Some(matchers), Some(steps)) = (name, matchers, steps) {
            books.push(Playbook {
                name,
                matchers,
                steps,
            });
        }
    }
    books
}

fn step(section: &Section<'_>, findings: &mut Findings) -> Option<PlayStep> {
    section.demand(
        "run",
        "write run = [\"kubectl\", \"get\", \"pods\"], one text a word",
        findings,
    );
    let wait = section.duration("wait").unwrap_or(Duration::ZERO);
    let verify = match verify(section, findings) {
        Asked::Nothing => None,
        Asked::This(verify) => Some(verify),
        Asked::Wrong => return None,
    };
    match PlayStep::read(section.texts("run")?, wait, verify) {
        Ok(step) => Some(step),
        Err(why) => {
            let mend = "write the words as they are handed over; labels as {{ labels.NAME }}";
            findings.error(&section.at("run"), why.to_string(), mend);
            None
        }
    }
}

/// What is asked after a step.
enum Asked {
    Nothing,
    This(Verify),
    /// It is written wrong, which was said.
    Wrong,
}

fn verify(section: &Section<'_>, findings: &mut Findings) -> Asked {
    const EXPECT: &str = "write expect = \"< 0.05\" (or <=, >, >=, ==, !=), or \"nothing\" for no series";
    let Some(text) = section.text("verify") else {
        if !section.has("expect") {
            return Asked::Nothing;
        }
        let what = "says what an answer has to be, and nothing is asked";
        findings.error(&section.at("expect"), what, "add verify");
        return Asked::Wrong;
    };
    section.demand("expect", EXPECT, findings);
    let query = match Phrase::read(&text) {
        Ok(query) => query,
        Err(why) => {
            let mend = "labels are written {{ labels.NAME }}";
            findings.error(&section.at("verify"), why.to_string(), mend);
            return Asked::Wrong;
        }
    };
    if let Err(why) = promql_parser::parser::parse(&query.with_every_place("x")) {
        let what = format!("is no PromQL: {why}");
        findings.error(&section.at("verify"), what, "mend the expression");
        return Asked::Wrong;
    }
    let Some(written) = section.text("expect") else {
        return Asked::Wrong;
    };
    let Some(expect) = Expect::read(&written) else {
        let what = format!("`{written}` is no expectation");
        findings.error(&section.at("expect"), what, EXPECT);
        return Asked::Wrong;
    };
    Asked::This(Verify { query, expect })
}

pub(super) fn show(rows: &mut Rows, books: &[Playbook]) {
    rows.list(
        "playbooks",
        books.iter().map(|book| {
            let mut rows = Rows::default();
            rows.text("name", &book.name);
            rows.text("match", &matcher::display_list(&book.matchers));
            rows.list(
                "steps",
                book.steps.iter().map(|step| {
                    let mut rows = Rows::default();
                    rows.texts("run", &step.written);
                    if !step.wait.is_zero() {
                        rows.text("wait", &spelled(step.wait));
                    }
                    if let Some(verify) = &step.verify {
                        rows.text("verify", &verify.query.to_string());
                        rows.text("expect", &verify.expect.to_string());
                    }
                    rows
                }),
            );
            rows
        }),
    );
}

#[cfg(test)]
mod tests {
    use super::super::{Environment, decode_text};
    use super::*;

    const TEXT: &str = r#"
[contexts.a]
metrics = { url = "http://x" }

[[contexts.a.playbooks]]
name = "roll back"
match = 'alertname="HighErrorRate"'

[[contexts.a.playbooks.steps]]
run = ["kubectl", "rollout", "undo", "deploy/{{ labels.service }}"]
wait = "2m"
verify = 'up{service="{{ labels.service }}"}'
expect = "== 1"

[[contexts.a.playbooks.steps]]
run = ["kubectl", "get", "pods"]
"#;

    #[test]
    fn a_playbook_is_read_with_its_steps_in_order() {
        let config = decode_text(TEXT, None, &Environment::default()).unwrap().config;
        let books = &config.contexts["a"].runbooks.playbooks;
        assert_eq!(books.len(), 1);
        let steps = &books[0].steps;
        assert_eq!(steps.len(), 2);
        assert_eq!(steps[0].wait, Duration::from_secs(120));
        assert_eq!(steps[0].written[3], "deploy/{{ labels.service }}");
        assert_eq!(steps[1].verify, None);
        let labels = |name: &str| [("alertname", name)].into_iter().collect();
        assert!(books[0].is_for(&labels("HighErrorRate")) && !books[0].is_for(&labels("Other")));
    }

    #[test]
    fn what_is_written_wrong_says_where_and_how_it_is_mended() {
        for (right, wrong, words) in [
            ("name = \"roll back\"", "", "name: is missing"),
            ("match = 'alertname=\"HighErrorRate\"'", "", "match: is missing"),
            ("alertname=\"HighErrorRate\"", "alertname~", "column"),
            ("== 1", "about 1", "is no expectation"),
            ("expect = \"== 1\"", "", "expect: is missing"),
            (
                "verify = 'up{service=\"{{ labels.service }}\"}'",
                "",
                "nothing is asked",
            ),
            ("up{service=", "up{service", "is no PromQL"),
            (
                "\"kubectl\", \"rollout\"",
                "\"{{ labels.service }}\", \"rollout\"",
                "may not come from a label",
            ),
            ("deploy/{{ labels.service }}", "{{ .Value }}", "is no label"),
        ] {
            let text = TEXT.replacen(right, wrong, 1);
            assert_ne!(text, TEXT, "{right}");
            let error = decode_text(&text, None, &Environment::default())
                .unwrap_err()
                .to_string();
            assert!(error.contains(words), "{right}: {error}");
        }
    }
}
