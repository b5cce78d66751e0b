//! Laws of the tree that no lint can say.

use std::path::{Path, PathBuf};

/// Themes decide colours, the terminal encodes them; everything else names roles.
const MAY_NAME_COLOURS: [&str; 2] = ["src/theme", "src/terminal"];

#[test]
fn colours_are_named_by_themes_and_the_terminal_alone() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    rust_files(&root.join("src"), &mut files);
    assert!(
        files.iter().any(|file| file.ends_with("src/view/mod.rs")),
        "the tree is found"
    );
    let offenders: Vec<String> = files
        .iter()
        .filter(|file| {
            !MAY_NAME_COLOURS
                .iter()
                .any(|allowed| file.starts_with(root.join(allowed)))
        })
        .filter(|file| {
            let text = std::fs::read_to_string(file).unwrap();
            text.contains("Color::") || text.contains("style::Color") || text.contains("Stylize")
        })
        .map(|file| file.display().to_string())
        .collect();
    assert_eq!(offenders, [""; 0], "name a Role instead");
}

fn rust_files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, out);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            out.push(path);
        }
    }
}
