//! What stands beside the code: that it names what is there, and can be built and brought up as it says.

use std::path::{Path, PathBuf};

use midwatch::config::{Environment, decode_text};
use serde_json::Value;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What stands in single backquotes and looks like a file of this tree.
fn files_in(text: &str) -> Vec<String> {
    let quoted = text.split('`').skip(1).step_by(2);
    let named = quoted.filter(|word| {
        let word = word.trim_end_matches('/');
        let known = [".rs", ".toml", ".md", ".yaml"]
            .iter()
            .any(|end| word.ends_with(end));
        let below = [
            "src/",
            "tests/",
            "keymaps/",
            "themes/",
            "packaging/",
            ".ci/",
            "screenshots/",
        ]
        .iter()
        .any(|start| word.starts_with(start));
        !word.contains([' ', '*', '…', '{', '(', ':', '~', '$']) && (known && word.contains('/') || below)
    });
    named.map(|word| word.trim_end_matches('/').to_owned()).collect()
}

#[test]
fn every_file_that_the_pages_for_contributors_name_is_there() {
    for page in ["CONTRIBUTING.md", "SECURITY.md", "tests/live/compose.yaml"] {
        let files = files_in(&read(page));
        for file in &files {
            assert!(root().join(file).exists(), "{page} names {file}");
        }
        assert!(page.ends_with("yaml") || !files.is_empty(), "{page}");
    }
    let contributing = read("CONTRIBUTING.md");
    assert!(
        files_in(&contributing).len() > 25,
        "{:?}",
        files_in(&contributing)
    );
    for section in [
        "## A pane",
        "## An action",
        "## A backend",
        "## A theme",
        "## A static binary",
        "## A Debian package",
    ] {
        assert!(contributing.contains(section), "{section}");
    }
}

#[test]
fn the_backends_that_compose_brings_are_pinned_on_loopback_and_asked_by_the_live_tests() {
    let text = read("tests/live/compose.yaml");
    let tree: Value = serde_saphyr::from_str(&text).unwrap();
    let services = tree["services"].as_object().unwrap();
    let live = read("tests/live/composed.rs");
    let mut ports = std::collections::BTreeSet::new();
    for (name, service) in services {
        let image = service["image"].as_str().unwrap();
        let (_, tag) = image
            .rsplit_once(':')
            .unwrap_or_else(|| panic!("{name}: {image} has no version"));
        let numbers = tag
            .trim_start_matches('v')
            .split('.')
            .filter(|part| part.parse::<u32>().is_ok());
        assert!(numbers.count() >= 2, "{name}: {tag} is no version");
        for port in service["ports"].as_array().unwrap() {
            let port = port.as_str().unwrap();
            let ours = port
                .strip_prefix("127.0.0.1:")
                .unwrap_or_else(|| panic!("{name}: {port} is open to all"));
            assert!(
                ports.insert(ours.split(':').next().unwrap().to_owned()),
                "{port} twice"
            );
        }
        let variable = format!("MIDWATCH_LIVE_{}", name.to_uppercase());
        assert!(
            live.contains(&format!("\"{variable}\"")),
            "{variable} is asked for by no test"
        );
        let said = text.split(&format!("{variable}=http://127.0.0.1:")).nth(1);
        let port: String = said
            .unwrap_or_default()
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        assert!(ports.contains(&port), "{variable}: {port} is no port of {name}");
    }
    for wanted in [
        "prometheus",
        "alertmanager",
        "loki",
        "victorialogs",
        "elasticsearch",
        "opensearch",
        "jaeger",
        "tempo",
        "zipkin",
        "grafana",
    ] {
        assert!(services.contains_key(wanted), "{wanted}");
    }
    for config in tree["configs"].as_object().unwrap().values() {
        let _: Value = serde_saphyr::from_str(config["content"].as_str().unwrap()).unwrap();
    }
}

#[test]
fn the_example_configuration_is_one() {
    let text = read("packaging/config.toml");
    let loaded = decode_text(&text, None, &Environment::default()).unwrap_or_else(|error| panic!("{error}"));
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    // What is commented out is right as well.
    let all: Vec<&str> = text
        .lines()
        .map(|line| {
            let bare = line.strip_prefix("# ").unwrap_or(line);
            let says = bare.starts_with('[') || bare.contains(" = ");
            if says { bare } else { line }
        })
        .collect();
    let loaded =
        decode_text(&all.join("\n"), None, &Environment::default()).unwrap_or_else(|error| panic!("{error}"));
    assert!(loaded.config.contexts["prod"].traces.is_some());
}

#[test]
fn the_debian_package_holds_what_is_there_or_what_the_recipe_makes() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let deb = &manifest["package"]["metadata"]["deb"];
    let stage = read("packaging/stage");
    let assets = deb["assets"].as_array().unwrap();
    let mut places = Vec::new();
    for asset in assets {
        let asset = asset.as_array().unwrap();
        let (source, place) = (asset[0].as_str().unwrap(), asset[1].as_str().unwrap());
        places.push(place);
        if let Some(made) = source.strip_prefix("target/package/") {
            let name = Path::new(made).file_name().unwrap().to_str().unwrap();
            assert!(stage.contains(name) || name == "*.1", "nothing makes {source}");
        } else if source != "target/release/midwatch" {
            let folder = source.strip_suffix("/*.toml").unwrap_or(source);
            assert!(root().join(folder).exists(), "{source}");
        }
    }
    for place in [
        "usr/bin/",
        "usr/share/man/man1/",
        "usr/share/bash-completion/completions/midwatch",
        "usr/share/zsh/vendor-completions/",
        "usr/share/fish/vendor_completions.d/",
        "usr/share/doc/midwatch/examples/",
    ] {
        assert!(places.contains(&place), "{place}: {places:?}");
    }
    // No address is better than one that nobody reads.
    let maintainer = deb["maintainer"].as_str().unwrap();
    assert!(
        !maintainer.is_empty() && !maintainer.contains(".invalid"),
        "{maintainer}"
    );
}

#[test]
fn the_changelog_begins_with_what_is_not_released_yet() {
    let changelog = read("CHANGELOG.md");
    let first = changelog.lines().find(|line| line.starts_with("## ")).unwrap();
    assert_eq!(first, "## Unreleased");
    let version = env!("CARGO_PKG_VERSION");
    assert!(version.split('.').count() == 3, "{version}");
}
