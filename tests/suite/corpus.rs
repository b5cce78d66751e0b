//! Corpora: files that must load, and files that must be refused with the messages pinned beside them.
//!
//! `MIDWATCH_BLESS=1 cargo test` writes the messages anew; the diff is then read like any other.

use std::path::{Path, PathBuf};

/// Runs a loader over every file of `tests/suite/FOLDER/{valid,invalid}`.
///
/// `load` is handed the file's name and text, and gives what the file means, or its messages. Both are pinned in
/// a `.txt` beside the file.
pub fn check(folder: &str, load: impl Fn(&str, &str) -> Result<String, String>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/suite")
        .join(folder);
    for kind in ["valid", "invalid"] {
        let files = toml_files(&root.join(kind));
        assert!(!files.is_empty(), "{folder}/{kind} holds no files");
        for path in files {
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let said = match (kind, load(&name, &text)) {
                ("valid", Ok(meaning)) => meaning,
                ("valid", Err(messages)) => panic!("{name} is refused:\n{messages}"),
                (_, Err(messages)) => messages,
                (_, Ok(_)) => panic!("{name} is accepted"),
            };
            compare(&path.with_extension("txt"), said.trim_end());
        }
    }
}

fn compare(pinned: &Path, said: &str) {
    if std::env::var_os("MIDWATCH_BLESS").is_some() {
        std::fs::write(pinned, format!("{said}\n")).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(pinned).unwrap_or_default();
    assert_eq!(said, expected.trim_end(), "{}", pinned.display());
}

fn toml_files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "toml"))
        .collect();
    files.sort();
    files
}
