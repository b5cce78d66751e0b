//! Configurations that must decode, and configurations that must not, each with its whole message pinned in
//! the `.txt` beside it. `MIDWATCH_BLESS=1` writes the messages anew.

use std::path::{Path, PathBuf};

use midwatch::config::{ConfigError, Environment, Loaded, decode_text, show};

fn corpus(folder: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/suite/configs")
        .join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&dir)
        .expect("the corpus")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending != "txt"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", dir.display());
    files
}

fn environment() -> Environment {
    [("HOME", "/home/jun"), ("MIDWATCH_USER", "jun@example.com")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into_iter()
        .collect()
}

fn decode(path: &Path) -> Result<Loaded, ConfigError> {
    let text = std::fs::read_to_string(path).expect("the file");
    // Messages begin with the file's name alone, wherever the repository lies.
    decode_text(
        &text,
        Some(Path::new(path.file_name().expect("a name"))),
        &environment(),
    )
}

#[test]
fn valid_configurations_decode_without_a_warning() {
    for path in corpus("valid") {
        let loaded = decode(&path).unwrap_or_else(|error| panic!("{}:\n{error}", path.display()));
        assert!(
            loaded.warnings.is_empty(),
            "{}: {:#?}",
            path.display(),
            loaded.warnings
        );
    }
}

#[test]
fn what_config_show_prints_decodes_to_the_same() {
    for path in corpus("valid") {
        let first = decode(&path).expect("valid").config;
        let shown = show(&first);
        let mut again = decode_text(&shown, Some(Path::new("config.toml")), &environment())
            .unwrap_or_else(|error| panic!("{}:\n{error}\n{shown}", path.display()))
            .config;
        again.path.clone_from(&first.path);
        assert_eq!(show(&again), shown, "{}", path.display());
        assert_eq!(again.contexts.len(), first.contexts.len());
    }
}

#[test]
fn invalid_configurations_say_every_mistake_with_place_and_mend() {
    let bless = std::env::vars().any(|(name, _)| name == "MIDWATCH_BLESS");
    for path in corpus("invalid") {
        let said = match decode(&path) {
            Ok(loaded) => panic!("{} was accepted: {:#?}", path.display(), loaded.warnings),
            Err(error) => format!("{error}\n"),
        };
        let pinned = path.with_extension("txt");
        if bless {
            std::fs::write(&pinned, &said).expect("written");
        }
        let expected = std::fs::read_to_string(&pinned).unwrap_or_default();
        assert_eq!(said, expected, "{}", path.display());
    }
}
