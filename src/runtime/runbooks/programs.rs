//! Where the programs that the configuration allows lie: looked up in `PATH` once, so that what is shown is what runs.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::runbook::Program;

/// Looks each up.
pub fn resolve(allowed: &[String], search: Option<&str>) -> Vec<Program> {
    let find = |written: &String| Program {
        written: written.clone(),
        path: find(written, search.unwrap_or_default()),
    };
    allowed.iter().map(find).collect()
}

fn find(written: &str, search: &str) -> Result<PathBuf, String> {
    let path = Path::new(written);
    let found = if path.is_absolute() {
        let why = format!("{written} is allowed, but is no program that can be run");
        is_program(path).then(|| path.to_owned()).ok_or(why)?
    } else {
        std::env::split_paths(search)
            // A relative entry would find another file from another directory.
            .filter(|dir| dir.is_absolute())
            .map(|dir| dir.join(written))
            .find(|path| is_program(path))
            .ok_or_else(|| format!("{written} is allowed, but is not in PATH"))?
    };
    if mode(&found) & 0o002 == 0 {
        Ok(found)
    } else {
        let shown = found.display();
        Err(format!(
            "{shown} is allowed, but anybody can write to it; chmod o-w {shown}"
        ))
    }
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file()) && mode(path) & 0o111 != 0
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).map_or(0, |found| found.permissions().mode())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_up_in_the_absolute_entries_of_the_path_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (tool, plain) = (dir.path().join("tool"), dir.path().join("plain"));
        fs::write(&tool, "").unwrap();
        fs::write(&plain, "").unwrap();
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
        let search = format!(".:/nowhere:{}", dir.path().display());
        let allowed: Vec<String> = ["tool", "plain", "absent"].map(str::to_owned).to_vec();
        let found = resolve(&allowed, Some(&search));
        assert_eq!(found[0].path, Ok(tool.clone()));
        assert!(found[1].path.is_err(), "it is not executable");
        assert!(found[2].path.as_ref().unwrap_err().contains("not in PATH"));
        let absolute = resolve(&[tool.display().to_string(), plain.display().to_string()], None);
        assert_eq!(absolute[0].path, Ok(tool.clone()));
        assert!(absolute[1].path.is_err());
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o777)).unwrap();
        let open = resolve(&["tool".to_owned()], Some(&search));
        assert!(
            open[0]
                .path
                .as_ref()
                .unwrap_err()
                .contains("anybody can write to it")
        );
    }
}
