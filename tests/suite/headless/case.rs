//! `case` on the demo: what it names first is what the world itself let go wrong, and in the calm one nobody is named.

use midwatch::demo::world::story::{DeployKind, SERVICES};
use midwatch::demo::world::{Scenario, Story};

use super::{Ended, HEAD, Holds, Stage, fits};

/// The releases of the world that began to serve in the hour before the alerts of its start: whose, and which.
fn truth(scenario: Scenario, service: &str) -> Vec<String> {
    let story = Story::new(scenario, 7);
    let fate = story.fate(service).expect("a service of the shop");
    let released = fate
        .deploys
        .iter()
        .filter(|deploy| deploy.kind == DeployKind::Release);
    let before = released.filter(|deploy| (-3_600.0..0.0).contains(&deploy.at));
    before
        .map(|deploy| format!("deploy {service} {}", deploy.version))
        .collect()
}

#[test]
fn the_case_of_what_pages_names_what_the_world_let_go_wrong() {
    let stage = Stage::open();
    let [truth] = &truth(Scenario::Leak, "checkout")[..] else {
        panic!("one release is to blame");
    };
    // The others flap: this one goes on for minutes.
    let paging = stage.alerts(&["--filter", "alertname=ErrorBudgetBurn service=checkout"]);
    assert!(!paging.is_empty());
    for alert in &paging {
        let id = alert["id"].as_str().expect("an id");
        let document = stage.run(&["case", id, "--json"]).with(0).json();
        fits(&document, &HEAD);
        fits(
            &document,
            &[
                ("service", Holds::Text),
                ("began", Holds::Time),
                ("began_by", Holds::Text),
                ("suspects", Holds::List),
                ("sections", Holds::List),
            ],
        );
        let suspects = document["suspects"].as_array().expect("suspects");
        assert_eq!(suspects[0]["suspect"], **truth, "{document:#}");
        let named: Vec<&str> = suspects
            .iter()
            .filter_map(|suspect| suspect["suspect"].as_str())
            .collect();
        assert!(named.iter().any(|named| named.contains("exhausted")), "{named:?}");
        assert!(
            named
                .iter()
                .any(|named| named.contains("checkout.pool.acquire fails")),
            "{named:?}"
        );
        // rolled out nearer to the beginning, and another service's
        assert!(
            named.iter().all(|named| !named.contains("recommendation")),
            "{named:?}"
        );
        let text = stage.run(&["case", id]).with(0).out;
        assert!(text.contains("› 1  ") && text.contains(truth.as_str()), "{text}");
    }
    // the SLO that burns, and whoever suffers by it, lead to the same
    let document = stage
        .run(&["case", "checkout-availability", "--json"])
        .with(0)
        .json();
    assert_eq!(document["suspects"][0]["suspect"], **truth, "{document:#}");
    // Whoever suffers by it is led there.
    let document = stage
        .run(&["case", "payment-availability", "--json"])
        .with(0)
        .json();
    let led = document["suspects"].as_array().expect("suspects").iter();
    let led: Vec<String> = led.map(|suspect| suspect["suspect"].to_string()).collect();
    assert!(
        led.iter().take(2).any(|suspect| suspect.contains("checkout")),
        "{led:?}"
    );
    stage
        .run(&["case", "nothing-of-that-name"])
        .refused(2, "nothing-of-that-name");
}

#[test]
fn in_a_calm_world_nobody_is_named() {
    let stage = Stage::of(Scenario::Calm);
    assert!(
        SERVICES
            .iter()
            .all(|service| truth(Scenario::Calm, service.name).is_empty())
    );
    let mut asked = 0;
    let listed = |ended: &Ended| ended.json()["suspects"].as_array().expect("suspects").clone();
    for alert in stage.alerts(&["--state", "all"]) {
        let id = alert["id"].as_str().expect("an id");
        let ended = stage.run(&["case", id, "--json"]).with(0);
        assert_eq!(listed(&ended), [serde_json::Value::Null; 0], "{}", ended.out);
        asked += 1;
    }
    for report in stage.run(&["slo", "--json"]).json()["slos"]
        .as_array()
        .expect("slos")
        .iter()
        .take(3)
    {
        let name = report["name"].as_str().expect("a name");
        let ended = stage.run(&["case", name, "--json"]).with(0);
        assert_eq!(
            listed(&ended),
            [serde_json::Value::Null; 0],
            "{name}: {}",
            ended.out
        );
        asked += 1;
    }
    assert!(asked > 3, "{asked}");
}
