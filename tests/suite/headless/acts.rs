//! What acts on alerts: taken and handed back, silenced and not.

use serde_json::Value;

use super::{HEAD, Holds, Stage, fits};

#[test]
fn a_taken_alert_says_who_has_it_until_it_is_handed_back() {
    let stage = Stage::open();
    let firing = stage.alerts(&["--filter", "@state=active"]);
    let id = firing[0]["id"].as_str().expect("text").to_owned();

    let document = stage
        .run(&["ack", &id[..8], "--comment", "looking", "--json"])
        .with(0)
        .json();
    fits(&document, &HEAD);
    let result = &document["results"][0];
    fits(
        result,
        &[
            ("target", Holds::Text),
            ("ok", Holds::Flag),
            ("state", Holds::Text),
            ("outbox_id", Holds::TextOrNull),
            ("remote_ids", Holds::Table),
            ("message", Holds::Text),
        ],
    );
    assert_eq!(
        (&result["target"], &result["state"]),
        (&Value::from(&*id), &"confirmed".into())
    );
    let warning = document["warnings"][0].as_str().expect("a warning");
    assert!(warning.contains("ends by itself after 15m"), "{warning}");

    let taken = stage.alert(&id);
    assert_eq!(
        (&taken["acknowledged_by"], &taken["state"]),
        (&"jun@example.com".into(), &"suppressed".into())
    );
    let remote: Vec<&Value> = result["remote_ids"]
        .as_object()
        .expect("a table")
        .values()
        .collect();
    assert_eq!(remote.len(), 1, "one write for one cluster");
    let silences = stage.silences(&[]);
    let silence = silences
        .iter()
        .find(|one| &one["id"] == remote[0])
        .expect("listed");
    fits(
        silence,
        &[
            ("id", Holds::Text),
            ("source", Holds::Text),
            ("state", Holds::Text),
            ("matchers", Holds::List),
            ("created_by", Holds::Text),
            ("comment", Holds::Text),
            ("starts_at", Holds::Time),
            ("ends_at", Holds::Time),
            ("matches", Holds::Number),
            ("is_ack", Holds::Flag),
        ],
    );
    assert_eq!(silence["is_ack"], true);

    // Somebody has it: refused, and said who.
    let again = stage.run(&["ack", &id]).with(4);
    assert!(
        again.out.contains("is acknowledged by jun@example.com"),
        "{}",
        again.out
    );

    let back = stage.run(&["unack", &id]).with(0);
    let first = silence["id"].as_str().expect("text");
    assert!(back.out.starts_with(first), "the remote id first: {}", back.out);
    let free = stage.alert(&id);
    assert_eq!(
        (&free["acknowledged_by"], &free["state"]),
        (&Value::Null, &"active".into())
    );

    for (wrong, words) in [
        ("#12", "no incident that is known here"),
        ("local-1", "no incident that is known here"),
        ("abc", "too short"),
        ("0000000000000000", "not found"),
    ] {
        stage.run(&["ack", &id, wrong]).refused(2, words);
    }
    assert_eq!(stage.alert(&id)["acknowledged_by"], Value::Null, "all or nothing");
    stage
        .run(&["ack", &id, "--read-only"])
        .refused(6, "read-only: nothing was done");
    stage
        .run(&["ack", &id, "--confirm", "other"])
        .refused(2, "the context is demo");
}

#[test]
fn a_silence_passes_every_guard_or_is_not_made() {
    let stage = Stage::open();
    let firing = stage.alerts(&["--filter", "@state=active"]);
    let name = firing[0]["name"].as_str().expect("text");
    let matcher = format!("alertname={name}");
    // Its whole label set, as a script would quote it: this one alert and no other.
    let labels = firing[0]["labels"].as_object().expect("a table").iter();
    let whole: Vec<String> = labels.map(|(name, value)| format!("{name}={value}")).collect();
    let whole: Vec<&str> = whole.iter().map(String::as_str).collect();
    let silence =
        |more: &[&str]| stage.run(&[&["silence", "--for", "2h", "--comment", "deploy"], more].concat());

    let before = stage.silences(&["--expired"]);
    silence(&["alertname=Watchdog"]).refused(2, "a dead pipeline would go unnoticed");
    silence(&["alertname!=NoSuchAlert"]).refused(2, "would hide everything");
    silence(&["alertname=~.+", "nosuchlabel!=x"]).refused(2, "without the label nosuchlabel");
    silence(&["alertname=~\".+\""]).refused(2, "--confirm-count");
    silence(&["alertname=~\".+\"", "--confirm-count", "9999"]).refused(2, "look again");
    silence(&[&matcher, "--source", "nowhere"]).refused(2, "no such Alertmanager");
    stage
        .run(&["silence", &matcher, "--for", "25h", "--comment", "deploy"])
        .refused(2, "silence_max");
    stage
        .run(&["silence", &matcher, "--for", "2h", "--comment", " "])
        .refused(2, "say why");
    let dangerous =
        stage.changed(|text| text.replace("[contexts.demo]\n", "[contexts.demo]\ndanger = true\n"));
    let ready = ["silence", "job=nothing", "--for", "2h", "--comment", "deploy"];
    stage.run_on(&dangerous, &ready).refused(2, "--confirm demo");
    assert_eq!(stage.silences(&["--expired"]), before, "nothing was made");
    stage
        .run_on(&dangerous, &[&ready[..], &["--confirm", "demo"]].concat())
        .with(0);

    let confirmed = [&whole[..], &["--confirm-count", "1", "--json"]].concat();
    let done = silence(&confirmed).with(0).json();
    let result = &done["results"][0];
    assert_eq!(result["ok"], true, "{done:#}");
    let message = result["message"].as_str().expect("text");
    assert!(
        message.contains("hides") && message.contains("silenced until"),
        "{message}"
    );
    let id = result["remote_ids"]
        .as_object()
        .expect("a table")
        .values()
        .next()
        .expect("an id");
    let id = id.as_str().expect("text");
    let hidden = stage.alert(firing[0]["id"].as_str().expect("text"));
    assert_eq!(hidden["silenced_by"], Value::from(vec![id]));
    assert_eq!(
        hidden["acknowledged_by"],
        Value::Null,
        "a silence is no acknowledgement"
    );
    let unused = stage.silences(&["--unused"]);
    assert!(
        unused.iter().any(|one| one["matchers"][0]["value"] == "nothing"),
        "{unused:#?}"
    );
    assert!(unused.iter().all(|one| one["id"] != id), "{unused:#?}");

    stage.run(&["unsilence", "ffffffff-0000"]).refused(2, "not found");
    let ended = stage.run(&["unsilence", &id[..12], "--source", "eu-1"]).with(0);
    assert!(ended.out.contains("expired"), "{}", ended.out);
    let free = stage.alert(firing[0]["id"].as_str().expect("text"));
    assert_eq!(free["state"], "active");
    let standing = stage.run(&["silences"]).with(0).out;
    assert!(!standing.contains(id), "{standing}");
    let all = stage.run(&["silences", "--expired"]).with(0).out;
    assert!(all.contains(id), "{all}");
}
