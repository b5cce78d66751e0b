//! Acts on local incidents, and whether those were reached whom they woke: by what is said and by the exit status.

use super::*;

/// Where local incidents are kept and two levels are woken by `notify`.
struct House {
    home: tempfile::TempDir,
    config: PathBuf,
}

impl House {
    fn new(notify: &str) -> Self {
        let home = tempfile::tempdir().expect("a home");
        let config = home.path().join("config.toml");
        let text = format!(
            "state_dir = \"{}\"\nidentity = \"jun\"\n[contexts.prod]\nincidents = {{ kind = \"local\" }}\nmetrics = \
             {{ url = \"http://127.0.0.1:1\" }}\npeople = [{{ name = \"jun\", phone = \"+15550101\" }}, {{ name = \
             \"mara\", phone = \"+15550102\" }}]\nescalation_policies = [{{ name = \"default\", levels = [{{ notify = \
             [\"jun\"], delay = \"1h\" }}, {{ notify = [\"mara\"] }}] }}]\n{notify}\n",
            home.path().join("state").display()
        );
        std::fs::write(&config, text).expect("written");
        Self { home, config }
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        run(self.home.path(), &self.config, arguments)
    }

    fn declare(&self) -> Ended {
        self.run(&["declare", "--title", "orders fail", "--severity", "SEV1"])
    }

    fn escalate(&self) -> Ended {
        self.run(&["escalate", "local-1", "--to", "2"])
    }
}

fn by_command(status: u8) -> String {
    format!(
        "notify = [{{ name = \"pager\", kind = \"command\", command = [\"/bin/sh\", \"-c\", \"exit {status}\"] }}]"
    )
}

#[test]
fn an_act_that_woke_somebody_is_done() {
    let house = House::new(&by_command(0));
    house.declare().with(0);
    let ended = house.escalate().with(0);
    assert!(!ended.said.contains("nobody"), "{}", ended.said);
}

#[test]
fn an_act_whose_page_reached_nobody_fails_and_says_whom_to_phone() {
    let house = House::new(&by_command(1));
    let declared = house.declare().with(4);
    assert!(
        declared.out.contains("local-1"),
        "it is declared all the same: {}",
        declared.out
    );
    assert!(
        declared.said.contains("phone jun (+15550101)"),
        "{}",
        declared.said
    );
    let escalated = house.escalate().with(4);
    assert!(
        escalated
            .said
            .contains("local-1 level 2: nobody was reached: phone mara (+15550102)"),
        "{}",
        escalated.said
    );
    let listed = house.run(&["incidents", "--json"]).with(0).json();
    assert_eq!(listed["incidents"][0]["escalation_level"], 2, "{listed}");
}

#[test]
fn an_act_whose_page_is_still_tried_is_unconfirmed() {
    // nobody listens there: it is tried again, for longer than a command waits
    let webhook = "notify = [{ name = \"hook\", kind = \"webhook\", url_file = \"hook\" }]";
    let house = House::new(webhook);
    std::fs::write(house.home.path().join("hook"), "http://127.0.0.1:1/").expect("written");
    house.declare().with(5);
    let escalated = house.escalate().with(5);
    assert!(
        escalated
            .said
            .contains("local-1 level 2: mara (+15550102): not notified yet"),
        "{}",
        escalated.said
    );
}

#[test]
fn where_no_channel_is_configured_the_act_says_so_and_names_the_setting() {
    let house = House::new("");
    let words = [
        "nobody was reached: phone ",
        "no channel is configured",
        "[[contexts.prod.notify]]",
    ];
    let declared = house.declare().with(4);
    assert!(
        words.iter().all(|words| declared.said.contains(words)),
        "{}",
        declared.said
    );
    let escalated = house.escalate().with(4);
    let told = format!("{}{}", escalated.out, escalated.said);
    assert!(words.iter().all(|words| told.contains(words)), "{told}");
    assert!(
        told.contains("escalated to level 2") && told.contains("mara (+15550102)"),
        "{told}"
    );
    let waiting = house.run(&["outbox"]).with(0);
    assert!(
        waiting
            .out
            .contains("local-1 level 2: nobody was reached: phone mara (+15550102)")
            && !waiting.out.contains("level 1"),
        "{}",
        waiting.out
    );
}

#[test]
fn one_person_of_a_level_whom_no_channel_takes_is_named_and_fails_the_act() {
    let house = House::new(
        "notify = [{ name = \"pager\", kind = \"command\", command = [\"true\"], people = [\"mara\"] }]",
    );
    std::fs::write(
        &house.config,
        std::fs::read_to_string(&house.config)
            .expect("there")
            .replace("[{ notify = [\"jun\"]", "[{ notify = [\"jun\", \"mara\"]"),
    )
    .expect("written");
    let declared = house.declare().with(4);
    assert!(
        declared
            .said
            .contains("local-1 level 1: not notified: phone jun (+15550101)")
            && !declared.said.contains("phone mara"),
        "{}",
        declared.said
    );
    let told = house.run(&["timeline", "local-1"]).with(0);
    assert!(told.out.contains("notified mara by pager"), "{}", told.out);
    house.run(&["outbox", "drop", "page-2"]).with(0);
    let left = house.run(&["outbox"]).with(0);
    assert!(left.out.starts_with("nothing waits"), "{}", left.out);
}
