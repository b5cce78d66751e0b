//! What acts, and what the journal keeps of it: incidents, pages that reached nobody, a journal that cannot be read.

use super::*;

#[test]
fn an_incident_is_taken_where_no_alertmanager_may_be_written_to_and_an_alert_is_not() {
    let home = tempfile::tempdir().expect("a directory");
    let config = format!(
        "state_dir = \"{}\"\n[[contexts.prod.alertmanagers]]\nname = \"eu-0\"\nurl = \"http://127.0.0.1:1\"\n\
         read_only = true\n",
        home.path().display()
    );
    let declared = run_with(
        &[
            "declare",
            "--title",
            "checkout errors",
            "--severity",
            "SEV2",
            "--json",
        ],
        &config,
    );
    let document: serde_json::Value = serde_json::from_str(&declared.out).expect("JSON");
    let id = document["results"][0]["target"]
        .as_str()
        .expect("an id")
        .to_owned();
    for command in ["ack", "unack"] {
        let run = run_with(&[command, &id], &config);
        assert!(
            run.out.contains("confirmed") && !run.diagnostics.contains("read_only"),
            "{command}: {} {}",
            run.out,
            run.diagnostics
        );
    }
}

/// Local incidents alone, with somebody on call.
fn local_alone(home: &std::path::Path) -> String {
    format!(
        "state_dir = \"{}\"\n[contexts.prod]\nincidents = {{ kind = \"local\" }}\npeople = [{{ name = \"mara\" }}]\n\
         escalation_policies = [{{ name = \"default\", levels = [{{ notify = [\"mara\"] }}] }}]\n",
        home.display()
    )
}

#[test]
fn a_journal_that_cannot_be_read_is_not_taken_for_a_quiet_night() {
    let home = tempfile::tempdir().expect("a directory");
    let config = local_alone(home.path());
    run_with(
        &["declare", "--title", "orders fail", "--severity", "SEV1"],
        &config,
    );
    let file = home.path().join("midwatch.db");
    let journal = rusqlite::Connection::open(&file).expect("a journal");
    journal
        .pragma_update(None, "user_version", 99)
        .expect("a newer one");
    drop(journal);
    for command in [
        &["incidents"][..],
        &["incidents", "--stats"],
        &["handoff"],
        &["timeline"],
        &["timeline", "local-1"],
        &["postmortem", "local-1"],
        &["doctor"],
    ] {
        let run = run_with(command, &config);
        assert_eq!(
            run.exit,
            Exit::Backend,
            "{command:?}: {}{}",
            run.out,
            run.diagnostics
        );
        let said = format!("{}{}", run.out, run.diagnostics);
        assert!(said.contains("newer midwatch"), "{command:?}: {said}");
        for calm in ["no incidents", "0 incidents", "open incidents,", "not found"] {
            assert!(!said.contains(calm), "{command:?}: {said}");
        }
    }
    let document = run_with(&["incidents", "--json"], &config).out;
    let document: serde_json::Value = serde_json::from_str(&document).expect("JSON");
    assert_eq!(document["errors"][0]["backend"], "local");
    // Who is on call stands in the configuration.
    let on_call = run_with(&["oncall"], &config);
    assert!(
        on_call.exit == Exit::Done && on_call.out.contains("mara"),
        "{}",
        on_call.out
    );
}

#[test]
fn local_incidents_are_known_to_be_configured_before_the_first_one() {
    let home = tempfile::tempdir().expect("a directory");
    let config = local_alone(home.path());
    let on_call = run_with(&["oncall"], &config);
    assert_eq!(on_call.exit, Exit::Done, "{}", on_call.diagnostics);
    assert!(on_call.out.contains("mara"), "{}", on_call.out);
    assert!(
        !home.path().join("midwatch.db").exists(),
        "reading makes no journal"
    );
    for command in [&["incidents"][..], &["timeline"], &["incidents", "--stats"]] {
        let run = run_with(command, &config);
        assert_eq!(run.exit, Exit::Done, "{command:?}");
        assert!(!run.diagnostics.contains("add [contexts"), "{}", run.diagnostics);
    }
    let checked = run_with(&["config", "check"], &config);
    let said = checked.out + &checked.diagnostics;
    assert!(!said.contains("nothing to see"), "{said}");
}

#[test]
fn one_that_wakes_nobody_says_where_the_numbers_are() {
    let home = tempfile::tempdir().expect("a directory");
    let config = format!(
        "state_dir = \"{}\"\n[contexts.prod]\nincidents = {{ kind = \"local\" }}\n",
        home.path().display()
    );
    let run = run_with(
        &["declare", "--title", "orders fail", "--severity", "SEV1"],
        &config,
    );
    assert!(
        run.diagnostics
            .contains("no escalation policy is for it. Phone somebody: `midwatch oncall` has the numbers"),
        "{}",
        run.diagnostics
    );
}

#[test]
fn a_check_warns_of_credentials_that_are_not_here() {
    let config = "[contexts.prod.metrics]\nurl = \"http://127.0.0.1:1\"\nauth = { bearer_env = \"NOT_SET\" }\n\
                  [[contexts.prod.alertmanagers]]\nname = \"eu-0\"\nurl = \"http://127.0.0.1:1\"\n\
                  auth = { token_file = \"/nonexistent/token\" }\n";
    let run = run_with(&["config", "check"], config);
    assert_eq!(run.exit, Exit::Done, "the console may be started elsewhere");
    for said in [
        "warning: ",
        "key contexts.prod.metrics.auth: environment variable NOT_SET is not set here",
        "key contexts.prod.alertmanagers[0].auth: /nonexistent/token is no file here",
    ] {
        assert!(run.diagnostics.contains(said), "{}", run.diagnostics);
    }
}

#[test]
fn a_check_names_a_wrong_theme_and_keymap_beside_every_other_mistake() {
    let config = "theme = \"nightt\"\nkeymap = \"vmi\"\nsilence_max = \"soon\"\n[contexts.prod.metrics]\n\
                  url = \"http://127.0.0.1:1\"\nauth = { bearer_env = \"NOT_SET\" }\n";
    let run = run_with(&["config", "check"], config);
    assert_eq!(run.exit, Exit::Configuration);
    for said in [
        "key silence_max: ",
        "key theme: ",
        "key keymap: ",
        "NOT_SET",
        "3 errors",
    ] {
        assert!(run.diagnostics.contains(said), "{said}: {}", run.diagnostics);
    }
    let document = run_with(&["config", "check", "--json"], config);
    assert_eq!(document.exit, Exit::Configuration);
    assert!(document.out.contains("\"contexts\":[]"), "{}", document.out);
}

#[test]
fn a_page_that_reached_nobody_stands_in_the_outbox_until_it_is_answered_for() {
    let home = tempfile::tempdir().expect("a directory");
    let config = format!(
        "state_dir = \"{}\"\n[contexts.prod]\nincidents = {{ kind = \"local\" }}\n\
         metrics = {{ url = \"http://127.0.0.1:1\" }}\n\
         people = [{{ name = \"mara\", phone = \"+49 30 5550 114\" }}]\n\
         escalation_policies = [{{ name = \"default\", levels = [{{ notify = [\"mara\"] }}] }}]\n\
         notify = [{{ name = \"pager\", kind = \"command\", command = [\"/nonexistent/pager\"] }}]\n",
        home.path().display()
    );
    assert!(run_with(&["outbox"], &config).out.starts_with("nothing waits"));
    run_with(
        &["declare", "--title", "orders fail", "--severity", "SEV2"],
        &config,
    );
    let listed = run_with(&["outbox"], &config);
    assert_eq!(listed.exit, Exit::Done);
    assert!(
        listed.out.contains("page-1")
            && listed
                .out
                .contains("local-1 level 1: nobody was reached: phone mara (+49 30 5550 114) (pager: "),
        "{}",
        listed.out
    );
    let document = run_with(&["outbox", "--json"], &config).out;
    let document: serde_json::Value = serde_json::from_str(&document).expect("JSON");
    let page = &document["unreached"][0];
    assert_eq!(
        (&page["id"], &page["incident"], &page["level"]),
        (&"page-1".into(), &"local-1".into(), &1.into())
    );
    assert_eq!(page["people"][0]["phone"], "+49 30 5550 114");
    for reading in ["incidents", "handoff"] {
        let run = run_with(&[reading], &config);
        let said = run.out + &run.diagnostics;
        assert!(
            said.contains("local-1 level 1: nobody was reached"),
            "{reading}: {said}"
        );
    }
    let refused = run_with(&["--read-only", "outbox", "drop", "page-1"], &config);
    assert_eq!(refused.exit, Exit::ReadOnly);
    assert!(run_with(&["outbox"], &config).out.contains("page-1"));
    let noted = run_with(&["outbox", "drop", "page-1"], &config);
    assert!(
        noted.out.contains("phone") && noted.exit == Exit::Done,
        "{} {}",
        noted.out,
        noted.diagnostics
    );
    assert!(run_with(&["outbox"], &config).out.starts_with("nothing waits"));
    let again = run_with(&["outbox", "drop", "page-1"], &config);
    assert_eq!(again.exit, Exit::Usage);
    assert!(
        again.diagnostics.contains("nothing was done"),
        "{}",
        again.diagnostics
    );
}

#[test]
fn a_declaration_cuts_no_pager_off_however_short_its_wait() {
    let home = tempfile::tempdir().expect("a directory");
    let config = format!(
        "state_dir = \"{}\"\n[contexts.prod]\nincidents = {{ kind = \"local\" }}\nmetrics = {{ url = \
         \"http://127.0.0.1:1\" }}\npeople = [{{ name = \"jun\" }}]\nescalation_policies = [{{ name = \"default\", \
         levels = [{{ notify = [\"jun\"] }}] }}]\nnotify = [{{ name = \"pager\", kind = \"command\", command = \
         [\"sleep\", \"3\"] }}]\n",
        home.path().display()
    );
    let declared = run_with(
        &[
            "declare",
            "--title",
            "checkout errors",
            "--severity",
            "SEV2",
            "--wait",
            "1s",
        ],
        &config,
    );
    assert!(
        declared.out.contains("declared SEV2 checkout errors"),
        "{}",
        declared.out
    );
    assert_eq!(declared.exit, Exit::Done, "{}", declared.diagnostics);
    assert!(
        !declared.diagnostics.contains("notified"),
        "{}",
        declared.diagnostics
    );
    let told = run_with(&["timeline", "local-1"], &config);
    assert!(told.out.contains("notified jun by pager"), "{}", told.out);
}
