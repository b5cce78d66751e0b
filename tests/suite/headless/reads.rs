//! What only reads: the documents of the contract, and the same as text for people.

use chrono::DateTime;
use serde_json::Value;

use super::{HEAD, Holds, Stage, fits};

#[test]
fn the_reads_are_the_documents_of_the_contract() {
    let stage = Stage::open();

    let slo = stage.run(&["slo", "--json"]).with(0).json();
    fits(&slo, &HEAD);
    let slos = slo["slos"].as_array().expect("a list");
    for one in slos {
        fits(
            one,
            &[
                ("name", Holds::Text),
                ("service", Holds::Text),
                ("objective", Holds::Number),
                ("period_seconds", Holds::Number),
                ("windows", Holds::Table),
                ("state", Holds::Text),
                ("rules", Holds::List),
                ("budget_remaining", Holds::NumberOrNull),
                ("budget_status", Holds::TextOrNull),
                ("exhausts_in_seconds", Holds::NumberOrNull),
                ("exhausts_rolling", Holds::Anything),
                ("policy", Holds::TextOrNull),
                ("covered_seconds", Holds::NumberOrNull),
                ("last_known_state", Holds::TextOrNull),
                ("last_known_at", Holds::TimeOrNull),
                ("warnings", Holds::List),
                ("partial", Holds::Flag),
            ],
        );
        for window in one["windows"].as_object().expect("a table").values() {
            fits(
                window,
                &[
                    ("error_ratio", Holds::NumberOrNull),
                    ("burn_rate", Holds::NumberOrNull),
                ],
            );
        }
        for rule in one["rules"].as_array().expect("a list") {
            fits(
                rule,
                &[
                    ("severity", Holds::Text),
                    ("factor", Holds::Number),
                    ("long", Holds::Text),
                    ("short", Holds::Text),
                    ("state", Holds::Text),
                    ("origin", Holds::Text),
                ],
            );
        }
    }
    let named = |name: &str| slos.iter().any(|one| one["name"] == name);
    assert!(named("checkout-availability"), "of the configuration");
    assert!(named("search-requests-availability"), "of an SLO file: {slos:#?}");

    let alerts = stage.run(&["alerts", "--json"]).with(0).json();
    fits(&alerts, &HEAD);
    fits(
        &alerts["counts"],
        &[
            ("active", Holds::Number),
            ("acknowledged", Holds::Number),
            ("suppressed", Holds::Number),
        ],
    );
    for group in alerts["groups"].as_array().expect("a list") {
        fits(
            group,
            &[
                ("key", Holds::Table),
                ("severity", Holds::TextOrNull),
                ("count", Holds::Number),
                ("alerts", Holds::List),
            ],
        );
    }
    let listed = stage.alerts(&[]);
    assert!(!listed.is_empty(), "something fires: {alerts:#}");
    for alert in &listed {
        fits(
            alert,
            &[
                ("id", Holds::Text),
                ("fingerprint", Holds::Text),
                ("sources", Holds::List),
                ("name", Holds::Text),
                ("severity", Holds::TextOrNull),
                ("service", Holds::TextOrNull),
                ("state", Holds::Text),
                ("silenced_by", Holds::List),
                ("inhibited_by", Holds::List),
                ("muted_by", Holds::List),
                ("acknowledged_by", Holds::TextOrNull),
                ("acknowledged_at", Holds::TimeOrNull),
                ("acknowledged_until", Holds::TimeOrNull),
                ("starts_at", Holds::Time),
                ("updated_at", Holds::Time),
                ("ends_at", Holds::TimeOrNull),
                ("summary", Holds::TextOrNull),
                ("description", Holds::TextOrNull),
                ("runbook_url", Holds::TextOrNull),
                ("labels", Holds::Table),
                ("annotations", Holds::Table),
            ],
        );
        assert_ne!(alert["name"], "Watchdog", "it is never listed");
    }
    let filter = format!(
        "alertname={}, @acked=false",
        listed[0]["name"].as_str().expect("text")
    );
    let some = stage.alerts(&["--filter", &filter]);
    assert!(some.iter().all(|a| a["name"] == listed[0]["name"]) && !some.is_empty());
    stage
        .run(&["alerts", "--filter", "@bogus=1"])
        .refused(2, "@bogus is no field");

    // As text, for people: one line an alert with its id, and the sentence about the queue.
    let text = stage.run(&["alerts"]).with(0).out;
    for alert in &listed {
        assert!(text.contains(alert["id"].as_str().expect("text")), "{text}");
    }
    assert!(text.contains("firing"), "{text}");
    let text = stage.run(&["slo"]).with(0).out;
    assert!(
        text.starts_with("STATE") && text.contains("checkout-availability"),
        "{text}"
    );
    let text = stage
        .run(&["silences", "--expiring", "1m", "--json"])
        .with(0)
        .json();
    assert_eq!(text["silences"].as_array().map(Vec::len), Some(0));
    stage
        .run(&["silences", "--unused", "--expired"])
        .refused(2, "give one of them");

    stage.run(&["alerts", "--fail-on", "firing"]).with(10);
    stage
        .run(&[
            "alerts",
            "--fail-on",
            "firing",
            "--filter",
            "alertname=NoSuchAlert",
        ])
        .with(0);
}

#[test]
fn a_filter_of_alerts_that_lets_nothing_through_says_which_word_of_it_is_wrong() {
    let stage = Stage::open();
    let typo = ["alerts", "--filter", "severty=critical"];
    let ended = stage.run(&typo).with(0);
    assert!(
        ended.said.contains(
            "warning: None of the alerts matches `severty=critical`. No alert has a label severty; near: severity."
        ),
        "{}",
        ended.said
    );
    let document = stage.run(&[&typo[..], &["--json"]].concat()).with(0);
    assert!(document.said.contains("near: severity"), "{}", document.said);
    assert_eq!(document.json()["groups"].as_array().map(Vec::len), Some(0));
    let right = stage.run(&["alerts", "--filter", "severity=critical"]).with(0);
    assert_eq!(right.said, "");
}

#[test]
fn traces_are_told_as_a_list_a_waterfall_a_document_and_otlp() {
    let stage = Stage::open();
    let list = stage
        .run(&["traces", "--errors", "--since", "30m", "--limit", "5", "--json"])
        .with(0)
        .json();
    fits(&list, &HEAD);
    let traces = list["traces"].as_array().expect("a list");
    assert!((1..=5).contains(&traces.len()), "{list:#}");
    for trace in traces {
        fits(
            trace,
            &[
                ("trace_id", Holds::Text),
                ("service", Holds::TextOrNull),
                ("operation", Holds::TextOrNull),
                ("start", Holds::Time),
                ("duration_seconds", Holds::Number),
                ("span_count", Holds::NumberOrNull),
                ("error_count", Holds::NumberOrNull),
                ("services", Holds::List),
            ],
        );
        assert_ne!(trace["error_count"], 0, "{trace:#}");
    }
    let starts: Vec<&str> = traces
        .iter()
        .filter_map(|trace| trace["start"].as_str())
        .collect();
    assert!(starts.is_sorted_by(|a, b| a >= b), "newest first: {starts:?}");
    let id = traces[0]["trace_id"].as_str().expect("text");
    assert!(
        id.len() == 32
            && id
                .chars()
                .all(|c| c.is_ascii_hexdigit() && !c.is_ascii_uppercase())
    );

    let trace = stage.run(&["trace", id, "--json"]).with(0).json();
    fits(&trace, &HEAD);
    fits(
        &trace,
        &[
            ("trace_id", Holds::Text),
            ("root", Holds::Table),
            ("start", Holds::Time),
            ("duration_seconds", Holds::Number),
            ("span_count", Holds::Number),
            ("error_count", Holds::Number),
            ("service_count", Holds::Number),
            ("critical_path", Holds::List),
            ("bottlenecks", Holds::List),
            ("root_cause", Holds::Table),
            ("summary", Holds::Text),
            ("spans", Holds::List),
        ],
    );
    fits(
        &trace["root_cause"],
        &[
            ("span_id", Holds::Text),
            ("service", Holds::Text),
            ("operation", Holds::Text),
            ("message", Holds::TextOrNull),
        ],
    );
    let path = trace["critical_path"].as_array().expect("a list");
    let sum: f64 = path
        .iter()
        .filter_map(|section| section["section_seconds"].as_f64())
        .sum();
    let whole = trace["duration_seconds"].as_f64().expect("a number");
    assert!((sum - whole).abs() < 1e-6, "{sum} of {whole}");
    let spans = trace["spans"].as_array().expect("a list");
    assert_eq!(Some(spans.len() as u64), trace["span_count"].as_u64());
    for span in spans {
        fits(
            span,
            &[
                ("span_id", Holds::Text),
                ("parent_id", Holds::TextOrNull),
                ("service", Holds::Text),
                ("operation", Holds::Text),
                ("kind", Holds::Text),
                ("start", Holds::Time),
                ("offset_seconds", Holds::Number),
                ("duration_seconds", Holds::Number),
                ("self_seconds", Holds::Number),
                ("depth", Holds::Number),
                ("status", Holds::Text),
                ("skew_offset_seconds", Holds::Number),
                ("attributes", Holds::Table),
                ("events", Holds::List),
                ("links", Holds::List),
                ("warnings", Holds::List),
            ],
        );
    }

    let text = stage.run(&["trace", &id.to_ascii_uppercase()]).with(0).out;
    let summary = trace["summary"].as_str().expect("text");
    assert!(text.starts_with(summary) && text.contains(id), "{text}");
    let rows: Vec<&str> = text.lines().skip(3).collect();
    assert_eq!(rows.len(), spans.len(), "{text}");
    assert!(
        rows.iter().any(|row| row.starts_with('!')),
        "a failure is marked: {text}"
    );
    assert!(rows.iter().all(|row| midwatch::text::width(row) == 80), "{text}");
    let short = stage
        .run(&["trace", id, "--critical-path", "--ascii"])
        .with(0)
        .out;
    assert!(
        short.is_ascii() && short.lines().count() <= text.lines().count(),
        "{short}"
    );

    let otlp = stage.run(&["trace", id, "--format", "otlp"]).with(0);
    let reading = midwatch::backend::traces::otlp::read(otlp.out.into_bytes());
    assert_eq!(reading.traces.len(), 1);
    assert_eq!((reading.traces[0].len(), reading.lost.len()), (spans.len(), 0));
    assert_eq!(reading.traces[0].id().to_string(), id);

    stage
        .run(&["trace", "0badc0de"])
        .refused(4, "asked for whole ids");
    let absent = "f".repeat(32);
    stage.run(&["trace", &absent]).refused(4, "not sampled");
    let missing = stage.run(&["trace", "0badc0de", "--json"]).with(4);
    let said = &missing.json()["errors"][0]["message"];
    assert!(
        said.as_str().is_some_and(|said| said.contains("not found")),
        "{said}"
    );
    stage.run(&["trace", "no-id"]).refused(2, "hex digits");
    stage.run(&["traces", "dur>fast"]).refused(2, "column 1");
    stage.run(&["traces", "{ status = error }"]).with(4);
    let slow = stage
        .run(&["traces", "--min-duration", "10m", "--service", "checkout"])
        .with(0)
        .out;
    assert!(
        slow.starts_with("no traces from 20") && slow.trim_end().ends_with('Z'),
        "{slow}"
    );
    let listed = stage.run(&["traces", "--limit", "3"]).with(0).out;
    assert!(
        listed.starts_with("START") && listed.lines().count() <= 4,
        "{listed}"
    );
}

#[test]
fn the_shift_is_told_and_handed_over() {
    let stage = Stage::open();
    let document = stage.run(&["timeline", "--json"]).with(0).json();
    assert_eq!(
        (&document["context"], &document["incident"]),
        (&"demo".into(), &Value::Null)
    );
    let events = document["events"].as_array().expect("events");
    let of = |kind: &str| events.iter().filter(|event| event["kind"] == kind).count();
    assert!(of("alert_fired") > 0 && of("silence") > 0, "{document}");
    let times: Vec<DateTime<chrono::Utc>> = events
        .iter()
        .map(|event| event["at"].as_str().expect("a time").parse().expect("RFC 3339"))
        .collect();
    assert!(times.is_sorted(), "oldest first");
    let handed = stage.run(&["handoff", "--since", "8h"]).with(0);
    assert!(handed.out.lines().count() <= 60, "{}", handed.out);
    for section in [
        "# Hand-over: demo",
        "## Firing, nobody has it",
        "## Budgets",
        "## Silences made",
    ] {
        assert!(handed.out.contains(section), "{section}: {}", handed.out);
    }
    assert!(
        handed.out.contains("checkout-availability page, spent "),
        "{}",
        handed.out
    );
    stage
        .run(&["timeline", "local-999"])
        .refused(2, "local-999 not found");
    stage.run(&["postmortem", "Q1"]).refused(2, "too short");
}

#[test]
fn a_runbook_is_printed_with_its_commands_filled_and_runs_nothing() {
    let stage = Stage::open();
    let alerts = stage.alerts(&[]);
    let alert = alerts
        .iter()
        .find(|alert| {
            ["HighErrorRate", "ErrorBudgetBurn", "PoolExhausted"].contains(&alert["name"].as_str().unwrap())
        })
        .expect("one with a runbook fires");
    let id = alert["id"].as_str().unwrap();
    let document = stage.run(&["runbook", id, "--json"]).with(0).json();
    fits(&document, &HEAD);
    assert_eq!(document["alert"]["fingerprint"], alert["fingerprint"]);
    let blocks = document["runbook"]["blocks"].as_array().expect("blocks");
    assert!(blocks.iter().any(|block| block["kind"] == "step"), "{blocks:?}");
    let commands: Vec<&Value> = blocks.iter().filter(|block| block["kind"] == "command").collect();
    assert!(!commands.is_empty());
    for command in &commands {
        assert!(command["argv"].is_array(), "{command}");
        // The program that the demo allows is the one it was started as, which here is the test itself.
        assert!(
            command["refused"]
                .as_str()
                .unwrap()
                .contains("allowed_programs of [contexts.demo]"),
            "{command}"
        );
    }
    let text = stage.run(&["runbook", id]).with(0).out;
    assert!(
        text.contains("[ ]  1 ") && text.contains("$ midwatch --read-only"),
        "{text}"
    );
    assert!(!text.contains("{{"), "{text}");

    let file = stage.home.path().join("own.md");
    std::fs::write(&file, "- [ ] a\n\n  ```sh\n  ls {{ labels.pod }}\n  ```\n").unwrap();
    let text = stage.run(&["runbook", file.to_str().unwrap()]).with(0).out;
    assert!(text.contains("by hand: the alert has no label pod"), "{text}");
    stage.run(&["runbook", "./nothing.md"]).with(4);
    stage.run(&["runbook", "NoSuchAlert"]).with(2);
}
