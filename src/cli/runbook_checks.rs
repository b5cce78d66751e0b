//! What `doctor` says of runbooks: the directory they lie in, and the programs that may run.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::runbook::Policy;
use crate::text::SafeText;

/// Anybody may write.
const BY_OTHERS: u32 = 0o002;

/// Worth saying before a runbook is needed; empty where none is configured.
pub(super) fn warnings(policy: &Policy) -> Vec<String> {
    let mut warnings = Vec::new();
    warnings.extend(policy.dir.as_deref().and_then(of_dir));
    for program in &policy.programs {
        warnings.extend(program.path.as_ref().err().cloned());
    }
    for book in &policy.playbooks {
        for (at, step) in book.steps.iter().enumerate() {
            if let Err(why) = policy.program(step.template.program()) {
                warnings.push(format!("playbook {}: step {}: {why}", book.name, at + 1));
            }
        }
    }
    let safe = |warning: String| format!("runbooks: {}", SafeText::line(&warning));
    warnings.into_iter().map(safe).collect()
}

fn of_dir(dir: &Path) -> Option<String> {
    let shown = dir.display();
    let found = match fs::metadata(dir) {
        Ok(found) => found,
        Err(error) => {
            return Some(format!(
                "[runbooks] dir {shown}: {error}; make it, or leave it out"
            ));
        }
    };
    if !found.is_dir() {
        return Some(format!(
            "[runbooks] dir {shown} is no directory; name the one that holds the files"
        ));
    }
    if found.permissions().mode() & BY_OTHERS != 0 {
        return Some(format!(
            "[runbooks] dir {shown} can be written to by anybody, and commands are offered from it; chmod o-w {shown}"
        ));
    }
    let files = match fs::read_dir(dir) {
        Ok(files) => files.flatten(),
        Err(error) => return Some(format!("[runbooks] dir {shown} cannot be read: {error}")),
    };
    let mut documents = files.filter(|file| {
        let name = file.file_name();
        Path::new(&name)
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("md"))
    });
    let writable = documents.try_fold(0_usize, |count, file| {
        let open = file
            .metadata()
            .is_ok_and(|found| found.permissions().mode() & BY_OTHERS != 0);
        if open { Err(file.path()) } else { Ok(count + 1) }
    });
    match writable {
        Ok(0) => Some(format!("[runbooks] dir {shown} holds no Markdown file (*.md)")),
        Ok(_) => None,
        Err(file) => Some(format!(
            "{} can be written to by anybody, and commands are offered from it; chmod o-w it",
            file.display()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::runbooks::programs::resolve;

    fn policy(dir: &Path, programs: &[&Path]) -> Policy {
        let written: Vec<String> = programs.iter().map(|each| each.display().to_string()).collect();
        Policy {
            dir: Some(dir.to_owned()),
            programs: resolve(&written, &[], None),
            ..Policy::default()
        }
    }

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_would_fail_or_could_be_changed_by_anybody_is_said() {
        let home = tempfile::tempdir().unwrap();
        let (dir, tool) = (home.path().join("books"), home.path().join("tool"));
        let said = |dir: &Path| warnings(&policy(dir, &[&tool])).join("\n");
        fs::write(&tool, "").unwrap();
        assert!(said(&dir).contains("books: No such file"), "{}", said(&dir));
        assert!(
            said(&dir).contains("no program that can be run"),
            "{}",
            said(&dir)
        );
        assert!(said(&tool).contains("no directory"), "{}", said(&tool));
        mode(&tool, 0o755);
        fs::create_dir(&dir).unwrap();
        mode(&dir, 0o755);
        assert!(said(&dir).contains("no Markdown file"), "{}", said(&dir));
        let page = dir.join("Pool.md");
        fs::write(&page, "# Pool").unwrap();
        mode(&page, 0o644);
        assert_eq!(said(&dir), "");
        mode(&page, 0o646);
        assert!(
            said(&dir).contains("Pool.md can be written to by anybody"),
            "{}",
            said(&dir)
        );
        mode(&dir, 0o757);
        assert!(
            said(&dir).contains("books can be written to by anybody"),
            "{}",
            said(&dir)
        );
        mode(&tool, 0o757);
        assert!(
            said(&dir).contains("tool is allowed, but anybody can write to it"),
            "{}",
            said(&dir)
        );
    }

    #[test]
    fn a_context_without_runbooks_hears_nothing_of_them() {
        assert_eq!(warnings(&Policy::default()), Vec::<String>::new());
    }
}
