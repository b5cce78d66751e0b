//! Configurations that must decode, and configurations that must not, each with its whole message pinned in
//! the `.txt` beside it. `MIDWATCH_BLESS=1` writes the messages anew.

use std::path::{Path, PathBuf};

use midwatch::config::{ConfigError, Environment, Loaded, decode_text, show};
use proptest::prelude::*;

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

fn boundary(text: &str, near: usize) -> usize {
    (0..=near.min(text.len()))
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_damaged_configuration_is_decoded_or_refused_in_words(
        cut in 0_usize..2_500,
        length in 0_usize..40,
        patch in "[\\[\\]{}=\"'.,:# \n\ta-z0-9é-]{0,12}",
        ending in prop::sample::select(vec!["toml", "yaml", "json"]),
    ) {
        let whole = include_str!("configs/valid/everything.toml");
        let (head, rest) = whole.split_at(boundary(whole, cut));
        let (_, tail) = rest.split_at(boundary(rest, length));
        let path = PathBuf::from(format!("config.{ending}"));
        if let Err(error) = decode_text(&format!("{head}{patch}{tail}"), Some(&path), &environment()) {
            let said = error.to_string();
            prop_assert!(!said.is_empty());
            prop_assert!(said.lines().all(|line| line.starts_with("config.")), "{}", said);
        }
    }
}
