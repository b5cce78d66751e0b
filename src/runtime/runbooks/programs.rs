//! Where the programs that the configuration allows lie: looked up in `PATH` once, so that what is shown is what runs, and
//! held against what lies there when it is run.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::runbook::command::Takes;
use crate::runbook::{Identity, Program};

/// Looks each up; those that are plain take more than names.
pub fn resolve(allowed: &[String], plain: &[String], search: Option<&str>) -> Vec<Program> {
    let find = |written: &String| {
        let path = find(written, search.unwrap_or_default());
        Program {
            written: written.clone(),
            identity: path.as_deref().ok().and_then(identity),
            path,
            takes: if plain.contains(written) {
                Takes::Text
            } else {
                Takes::Names
            },
        }
    };
    allowed.iter().map(find).collect()
}

/// What lies at a path, its links followed.
fn identity(path: &Path) -> Option<Identity> {
    let found = fs::metadata(path).ok()?;
    Some(Identity {
        inode: (found.dev(), found.ino()),
        size: found.size(),
        written: (found.mtime(), found.mtime_nsec()),
        changed: (found.ctime(), found.ctime_nsec()),
    })
}

/// Whether what lies at a path is still what was looked up, and may still be run.
///
/// # Errors
/// What is different, and what to do.
pub fn verify(path: &Path, known: Option<Identity>) -> Result<(), String> {
    let shown = path.display();
    if !is_program(path) {
        return Err(format!("{shown} is no program that can be run any more"));
    }
    if mode(path) & 0o002 != 0 {
        return Err(format!(
            "anybody can write to {shown} by now; look at it, and chmod o-w {shown}"
        ));
    }
    match known {
        Some(known) if identity(path) != Some(known) => Err(format!(
            "{shown} is not what lay there when this console began: it was changed or replaced; look at it, and start \
             the console again to run it"
        )),
        Some(_) | None => Ok(()),
    }
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
        let found = resolve(&allowed, &allowed[..1], Some(&search));
        assert_eq!((found[0].takes, found[1].takes), (Takes::Text, Takes::Names));
        assert_eq!(found[0].path, Ok(tool.clone()));
        assert!(found[1].path.is_err(), "it is not executable");
        assert!(found[2].path.as_ref().unwrap_err().contains("not in PATH"));
        let absolute = resolve(
            &[tool.display().to_string(), plain.display().to_string()],
            &[],
            None,
        );
        assert_eq!(absolute[0].path, Ok(tool.clone()));
        assert!(absolute[1].path.is_err());
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o777)).unwrap();
        let open = resolve(&["tool".to_owned()], &[], Some(&search));
        assert!(
            open[0]
                .path
                .as_ref()
                .unwrap_err()
                .contains("anybody can write to it")
        );
    }

    #[test]
    fn what_was_replaced_or_written_to_since_it_was_looked_up_is_not_run() {
        let dir = tempfile::tempdir().unwrap();
        let (tool, other) = (dir.path().join("tool"), dir.path().join("other"));
        let write = |path: &Path, text: &str| {
            fs::write(path, text).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        };
        write(&tool, "one");
        let known = identity(&tool);
        assert_eq!(verify(&tool, known), Ok(()));
        write(&other, "two");
        fs::rename(&other, &tool).unwrap();
        let why = verify(&tool, known).unwrap_err();
        assert!(why.contains("changed or replaced"), "{why}");
        let known = identity(&tool);
        write(&tool, "three");
        assert!(verify(&tool, known).is_err(), "written to in place");
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o757)).unwrap();
        assert!(verify(&tool, None).unwrap_err().contains("anybody can write"));
        fs::remove_file(&tool).unwrap();
        assert!(verify(&tool, None).is_err());
    }
}
