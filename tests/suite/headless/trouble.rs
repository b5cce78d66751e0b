//! What goes wrong around a command: servers that are dead, files that are wrong, a reader that leaves.

use std::io::Read as _;
use std::process::Stdio;

use serde_json::Value;

use super::{Stage, command};

#[test]
fn what_does_not_answer_is_an_error_and_the_rest_is_still_said() {
    let stage = Stage::open();
    let dead = |text: String, url: &str| text.replace(url, "http://127.0.0.1:1");
    let endpoints = &stage.announcement.endpoints;

    let one = stage.changed(|text| dead(text, &endpoints.alertmanagers["eu-1"]));
    let alerts = stage.run_on(&one, &["alerts", "--json"]).with(4).json();
    assert_eq!(alerts["errors"][0]["backend"], "alertmanager eu-1");
    assert!(
        !alerts["groups"].as_array().expect("a list").is_empty(),
        "what eu-0 has"
    );
    let text = stage.run_on(&one, &["alerts"]).with(4);
    assert!(text.said.contains("error: alertmanager eu-1"), "{}", text.said);
    let id = stage.alerts(&["--filter", "@state=active"])[0]["id"].clone();
    let acked = stage
        .run_on(&one, &["ack", id.as_str().expect("text"), "--json"])
        .with(0)
        .json();
    assert_eq!(
        acked["errors"][0]["backend"], "alertmanager eu-1",
        "done through the other member"
    );

    let none = stage.changed(|text| {
        let text = dead(text, &endpoints.alertmanagers["eu-0"]);
        dead(dead(text, &endpoints.alertmanagers["eu-1"]), &endpoints.metrics)
    });
    let slo = stage
        .run_on(&none, &["slo", "--json", "--fail-on", "ticket"])
        .with(4)
        .json();
    assert_eq!(slo["errors"][0]["backend"], "metrics");
    assert!(
        slo["slos"]
            .as_array()
            .expect("a list")
            .iter()
            .all(|one| one["state"] == "error")
    );
    stage.run_on(&none, &["silences"]).with(4);
    stage
        .run_on(&none, &["ack", "0123456789abcdef"])
        .refused(4, "nothing was done");
    let case = stage.run_on(&none, &["case", "checkout-availability"]).with(4);
    for untrue in ["no alert of checkout fires", "no other alert"] {
        assert!(!case.out.contains(untrue), "{}", case.out);
    }
    let silence = ["silence", "a=b", "--for", "1h", "--comment", "x"];
    let unseen = stage.run_on(&none, &silence).with(4);
    assert!(unseen.out.contains("not silenced at eu"), "{}", unseen.out);
}

#[test]
fn a_wrong_slo_file_keeps_nobody_out_and_is_an_error_of_the_check() {
    let stage = Stage::open();
    stage.run(&["config", "check"]).with(0);
    let slos = stage.announcement.config.with_file_name("slos");
    std::fs::write(
        slos.join("bad.yaml"),
        "slos:\n- {name: broken, objective: 99.9}\n",
    )
    .expect("written");
    let check = stage.run(&["config", "check"]).with(3);
    assert!(
        check.said.contains("slos/bad.yaml") && check.said.contains("broken"),
        "{}",
        check.said
    );
    let slo = stage.run(&["slo", "--json"]).with(0).json();
    let warnings = slo["warnings"].to_string();
    assert!(warnings.contains("slos/bad.yaml"), "{warnings}");

    let wrong = stage.changed(|text| text.replace("watchdog = '", "watchdog = '=~"));
    stage
        .run_on(&wrong, &["alerts"])
        .refused(3, "contexts.demo.watchdog");
    let bare = stage.changed(|text| text.split("[[contexts").next().unwrap_or_default().to_owned());
    stage
        .run_on(&bare, &["alerts"])
        .refused(3, "[[contexts.demo.alertmanagers]]");
}

#[test]
fn keys_and_themes_need_no_configuration_and_check_what_is_asked_for() {
    let home = tempfile::tempdir().expect("a home");
    let run = |arguments: &[&str]| {
        let output = command(home.path(), arguments).output().expect("runs");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    for line in [vec!["keys"], vec!["keys", "--keymap", "vim"], vec!["themes"]] {
        let (status, out, said) = run(&line);
        assert_eq!((status, said.as_str()), (Some(0), ""), "{line:?}");
        assert!(out.lines().count() > 10, "{out}");
        let (status, out, _) = run(&[&line[..], &["--json"]].concat());
        assert_eq!(status, Some(0));
        let _: Value = serde_json::from_str(&out).expect("JSON");
    }
    for line in [["keys", "--keymap", "emac"], ["themes", "--theme", "ligt"]] {
        let (status, out, said) = run(&line);
        assert_eq!((status, out.as_str()), (Some(3), ""), "{line:?}");
        assert!(said.contains("did you mean"), "{said}");
    }
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let home = tempfile::tempdir().expect("a home");
    let mut child = command(home.path(), &["keys", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    drop(child.stdout.take());
    let mut said = String::new();
    let mut diagnostics = child.stderr.take().expect("piped");
    diagnostics.read_to_string(&mut said).expect("text");
    assert_eq!((child.wait().expect("ends").code(), said.as_str()), (Some(0), ""));
}

#[test]
fn a_log_is_written_where_asked_and_holds_no_secret() {
    let stage = Stage::open();
    let secret = "hunter2-in-the-dark";
    let signed = stage.changed(|text| {
        let metrics = "kind = \"prometheus\"\n";
        text.replace(
            metrics,
            &format!("{metrics}auth = {{ bearer_file = \"token\" }}\n"),
        )
    });
    std::fs::write(stage.home.path().join("token"), secret).expect("written");
    let log = stage.home.path().join("midwatch.log");
    let path = log.to_str().expect("text");
    let ended = stage
        .run_on(&signed, &["alerts", "--json", "-v", "--log-file", path])
        .with(0);
    ended.json();
    let text = std::fs::read_to_string(&log).expect("written");
    assert!(
        text.contains("midwatch begins") && text.contains("api/v1/rules"),
        "{text}"
    );
    assert!(!text.contains(secret) && !text.contains('\u{1b}'), "{text}");
    stage
        .run(&["alerts", "--log-file", "/nowhere/midwatch.log"])
        .refused(2, "--log-file /nowhere/midwatch.log");
}
