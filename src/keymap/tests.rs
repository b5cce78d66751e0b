use super::*;
use crate::action::TABLE;

/// Actions that only the palette reaches in the default keymap, on purpose.
const PALETTE_ONLY: &[Action] = &[
    Action::MarkMoment,
    Action::Stats,
    Action::Cost,
    Action::AuditLog,
    Action::HandoffNote,
    Action::PostMortem,
    Action::Tour,
    Action::TourAnew,
];

fn shipped(name: &str) -> Keymap {
    load(name, None).unwrap_or_else(|problems| panic!("{problems}"))
}

fn keys(text: &str) -> Vec<Chord> {
    parse_sequence(text).unwrap()
}

fn own(text: &str) -> Keymap {
    parse("own.toml", text, None).unwrap_or_else(|problems| panic!("{problems}"))
}

const ALERTS: [Place; 3] = [Place::Alerts, Place::List, Place::Global];

#[test]
fn every_shipped_keymap_loads_and_reaches_every_action() {
    for name in SHELF.names() {
        let keymap = shipped(name);
        assert_eq!(keymap.name, name);
        for row in TABLE {
            let places: Vec<Place> = match row.place {
                // Log lines and waterfalls have that key for something of their own.
                Place::Global if row.action == Action::OpenCase => vec![Place::Alerts, Place::Global],
                // Lines and traces have times of their own under the same key: it is bound place by place.
                Place::Global if row.action == Action::ScopeTime => vec![Place::Alerts],
                Place::Global => vec![Place::Global],
                Place::List => vec![Place::Search, Place::List, Place::Global],
                inner => vec![inner, Place::List, Place::Global],
            };
            let reached = !keymap.labels(&places, row.action, Glyphs::Ascii).is_empty();
            assert_eq!(
                reached,
                !PALETTE_ONLY.contains(&row.action),
                "{name}: {} from {places:?}",
                row.name
            );
        }
    }
}

#[test]
fn no_shipped_keymap_hides_a_key_or_has_one_that_others_take_on_the_way() {
    for name in SHELF.names() {
        let keymap = shipped(name);
        // A case gives the numbers to its suspects: panes are a step back from it.
        let hides = keymap
            .shadows()
            .into_iter()
            .filter(|shadow| shadow.inner.place != Place::Case);
        assert_eq!(hides.collect::<Vec<_>>(), [], "{name}");
        assert_eq!(keymap.surprises(), [], "{name}: what we ship is meant");
        for binding in keymap.bindings() {
            let doubt = Doubt::of(binding).map(|doubt| doubt.to_string());
            assert_eq!(doubt, None, "{name}");
        }
        assert!(
            !text(&keymap).contains("may never arrive") && !text(&keymap).contains("hidden where"),
            "{name}"
        );
    }
}

#[test]
fn own_keys_that_others_take_are_told_with_their_place_and_why() {
    let keymap = own(
        "inherits = \"default\"\n[list]\n\"ctrl-b\" = \"list.page_up\"\n\"ctrl-a x\" = \"list.top\"\n\
         [global]\n\"ctrl-s\" = \"view.zoom\"\n\"ctrl-q\" = \"view.hide\"\n\"ctrl-z\" = \"view.zoom\"\n\"~\" = \"view.help\"\n",
    );
    let told: Vec<String> = keymap.doubts().iter().map(ToString::to_string).collect();
    for (place, who) in [
        ("own.toml:3: `ctrl-b` for list.page_up in [list]", "tmux"),
        ("own.toml:4: `ctrl-a x` for list.top in [list]", "screen"),
        ("own.toml:6: `ctrl-s` for view.zoom in [global]", "flow control"),
        ("own.toml:7: `ctrl-q` for view.hide in [global]", "flow control"),
        ("own.toml:8: `ctrl-z` for view.zoom in [global]", "suspends"),
        ("own.toml:9: `~` for view.help in [global]", "ssh"),
    ] {
        assert!(
            told.iter().any(|one| one.starts_with(place) && one.contains(who)),
            "{place}: {told:#?}"
        );
    }
    assert_eq!(told.len(), 6);
    assert!(text(&keymap).contains("\nmay never arrive\nown.toml:"));
    assert_eq!(document(&keymap)["doubts"].as_array().map(Vec::len), Some(6));
    // What ctrl-z and ctrl-c are everywhere else they may be here.
    let usual = own(
        "inherits = \"default\"\n[global]\n\"ctrl-z\" = \"app.suspend\"\n\"ctrl-c\" = \"app.quit_now\"\n",
    );
    assert_eq!(usual.doubts(), []);
}

#[test]
fn the_same_byte_as_another_key_is_refused_in_an_own_file_with_its_place() {
    for (key, is) in [
        ("ctrl-i", "tab"),
        ("ctrl-m", "enter"),
        ("ctrl-[", "esc"),
        ("ctrl-h", "backspace"),
    ] {
        let file = format!("inherits = \"default\"\n[list]\n\"{key}\" = \"list.top\"\n");
        let refused = parse("own.toml", &file, None).unwrap_err().to_string();
        assert!(
            refused.contains("own.toml:3") && refused.contains(&format!("terminals send it as {is}")),
            "{refused}"
        );
    }
}

#[test]
fn a_shadow_is_told_where_a_person_made_it_with_both_places() {
    let keymap = own("inherits = \"default\"\n[alerts]\n\"q\" = \"alerts.link\"");
    let printed = text(&keymap);
    assert!(
        printed.contains("in [alerts] `q` is alerts.link (own.toml:3), not app.quit (keymaps/default.toml:"),
        "{printed}"
    );
    let told = document(&keymap)["shadows"].clone();
    assert_eq!(told.as_array().map(Vec::len), Some(1), "{told}");
    // A number that is bound anew is hidden in a case, and that is news.
    let keymap = own("inherits = \"default\"\n[global]\n\"1\" = \"view.zoom\"");
    assert_eq!(keymap.surprises().len(), 1, "{:#?}", keymap.surprises());
}

#[test]
fn where_text_is_typed_only_keys_that_type_nothing_can_be_bound() {
    for (line, why) in [
        ("\"a\" = \"dialog.accept\"", "text that is typed"),
        ("\"space\" = \"dialog.down\"", "text that is typed"),
        ("\"ctrl-x s\" = \"dialog.send\"", "one key, not several"),
        ("\"q\" = \"list.down\"", "does nothing in [dialog]"),
    ] {
        let file = format!("inherits = \"default\"\n[dialog]\n{line}\n");
        let refused = parse("own.toml", &file, None).unwrap_err().to_string();
        assert!(
            refused.contains("own.toml:3") && refused.contains(why),
            "{refused}"
        );
    }
    let keymap = own("inherits = \"default\"\n[dialog]\n\"f5\" = \"dialog.send\"\n\"j\" = \"dialog.yes\"\n");
    assert_eq!(
        keymap.lookup(&[Place::Dialog], &keys("f5")),
        Lookup::Action(Action::DialogSend)
    );
}

#[test]
fn a_file_that_begins_from_nothing_can_still_answer_a_question() {
    let keymap = own("[global]\n\"q\" = \"app.quit\"\n");
    assert_eq!(
        keymap.lookup(&[Place::Dialog], &keys("enter")),
        Lookup::Action(Action::DialogAccept)
    );
    assert_eq!(keymap.lookup(&[Place::List], &keys("j")), Lookup::Unbound);
}

#[test]
fn a_key_is_found_in_the_innermost_place_that_binds_it() {
    let keymap = own("inherits = \"default\"\n[alerts]\n\"q\" = \"alerts.link\"");
    assert_eq!(keymap.lookup(&ALERTS, &keys("q")), Lookup::Action(Action::Link));
    assert_eq!(
        keymap.lookup(&[Place::Slo, Place::List, Place::Global], &keys("q")),
        Lookup::Action(Action::Quit)
    );
    assert_eq!(keymap.lookup(&ALERTS, &keys("f9")), Lookup::Unbound);
    let hidden = keymap
        .shadows()
        .into_iter()
        .filter(|shadow| shadow.inner.place == Place::Alerts);
    assert_eq!(
        hidden.map(|shadow| shadow.outer.action).collect::<Vec<_>>(),
        [Action::Quit]
    );
    assert_eq!(
        keymap.hint(&ALERTS, Action::Quit, Glyphs::Unicode),
        None,
        "hidden here"
    );
}

#[test]
fn the_beginning_of_a_sequence_offers_what_may_follow_from_every_place() {
    let keymap = shipped("vim");
    let Lookup::Prefix(next) = keymap.lookup(&ALERTS, &keys("g")) else {
        panic!("g begins g g and g x");
    };
    let offered: Vec<String> = next.iter().map(|(key, title)| format!("{key} {title}")).collect();
    assert_eq!(offered, ["x link", "g top"]);
    assert_eq!(keymap.lookup(&ALERTS, &keys("g g")), Lookup::Action(Action::Top));
    assert_eq!(keymap.lookup(&ALERTS, &keys("g q")), Lookup::Unbound);
}

#[test]
fn a_file_wins_over_what_it_inherits_even_where_one_key_begins_the_other() {
    let keymap = own("inherits = \"default\"\n[list]\n\"g g\" = \"list.top\"\n\"x\" = false");
    assert_eq!(keymap.lookup(&ALERTS, &keys("g g")), Lookup::Action(Action::Top));
    assert_eq!(keymap.lookup(&ALERTS, &keys("x")), Lookup::Unbound);
    assert_eq!(keymap.keys_for(Action::Top), ["g g", "home"], "own keys first");
}

#[test]
fn a_users_own_default_builds_on_the_shipped_one() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("keymaps")).unwrap();
    std::fs::write(
        dir.path().join("keymaps/default.toml"),
        "inherits = \"default\"\n[global]\n\"Q\" = \"app.quit\"\n",
    )
    .unwrap();
    let keymap = load("default", Some(dir.path())).unwrap();
    assert_eq!(keymap.keys_for(Action::Quit), ["Q", "q"]);
}

#[test]
fn files_that_inherit_in_a_circle_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("keymaps")).unwrap();
    for (name, parent) in [("one", "two"), ("two", "one")] {
        std::fs::write(
            dir.path().join(format!("keymaps/{name}.toml")),
            format!("inherits = \"{parent}\"\n"),
        )
        .unwrap();
    }
    let problems = load("one", Some(dir.path())).unwrap_err().to_string();
    assert!(problems.contains("inherits from itself"), "{problems}");
    assert!(problems.contains("two.toml:1:12"), "{problems}");
}

#[test]
fn a_name_nobody_knows_and_a_path_that_is_not_there_say_so() {
    let unknown = load("defualt", None).unwrap_err().to_string();
    assert_eq!(
        unknown,
        "keymap: no keymap is called `defualt`; did you mean `default`?"
    );
    let missing = load("/nowhere/keys.toml", None).unwrap_err().to_string();
    assert!(
        missing.starts_with("/nowhere/keys.toml: the keymap can't be read"),
        "{missing}"
    );
}

#[test]
fn the_documents_hold_every_action() {
    let keymap = shipped("default");
    let printed = text(&keymap);
    let table = readme_table();
    for row in TABLE {
        assert!(
            printed.contains(row.name) && table.contains(row.name),
            "{}",
            row.name
        );
    }
    assert!(
        table.contains("| `j` `↓` | `list.down` | One row down |"),
        "{table}"
    );
    let document = document(&keymap);
    assert_eq!(document["actions"].as_array().map(Vec::len), Some(TABLE.len()));
    assert_eq!(document["actions"][0]["keys"][0]["keys"], "1");
}

#[test]
fn the_readme_has_the_key_table_of_the_default_keymap() {
    const BEGIN: &str = "<!-- keys:begin -->\n";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = readme
        .split_once(BEGIN)
        .expect("README.md marks where the table begins");
    let (table, tail) = rest
        .split_once("<!-- keys:end -->")
        .expect("README.md marks where the table ends");
    // The one way to bring it up to date: MIDWATCH_BLESS=1 cargo test the_readme_has
    if std::env::var_os("MIDWATCH_BLESS").is_some() {
        let blessed = format!("{head}{BEGIN}{}<!-- keys:end -->{tail}", super::readme_table());
        std::fs::write(&path, blessed).unwrap();
        return;
    }
    assert_eq!(table, super::readme_table());
}
