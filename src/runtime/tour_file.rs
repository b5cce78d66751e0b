//! What is known of the tour from console to console, in the state directory: whether it was offered before, an empty file,
//! and at which step it goes on. Whoever cannot keep that is not offered it, rather than at every start.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::layout_file::make_private;

/// Whether this is the first time that it is asked here; every later answer is no.
pub fn first_time(state_dir: &Path) -> bool {
    if make_private(state_dir).is_err() {
        return false;
    }
    create(
        OpenOptions::new().create_new(true),
        &state_dir.join("tour-offered"),
    )
    .is_ok()
}

/// The step it goes on at, an index; the first where none is kept.
pub fn step(state_dir: &Path) -> usize {
    let text = std::fs::read_to_string(path(state_dir)).unwrap_or_default();
    text.trim().parse().unwrap_or_default()
}

/// Keeps the step it goes on at. Losing it costs nothing, so a failure is quiet.
pub fn keep(state_dir: &Path, step: usize) {
    let path = path(state_dir);
    let _ = match step {
        0 => std::fs::remove_file(path),
        step => make_private(state_dir)
            .and_then(|()| create(OpenOptions::new().create(true).truncate(true), &path))
            .and_then(|mut file| writeln!(file, "{step}")),
    };
}

fn path(state_dir: &Path) -> PathBuf {
    state_dir.join("tour-step")
}

/// For its owner alone.
fn create(options: &mut OpenOptions, path: &Path) -> std::io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.write(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tour_is_offered_once_and_never_where_that_cannot_be_kept() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state/midwatch");
        assert!(first_time(&state));
        assert!(!first_time(&state));
        std::fs::write(dir.path().join("file"), "").unwrap();
        assert!(!first_time(&dir.path().join("file/below")));
    }

    #[test]
    fn the_step_is_kept_until_the_tour_is_at_its_beginning_again() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state/midwatch");
        assert_eq!(step(&state), 0);
        keep(&state, 7);
        assert_eq!(step(&state), 7);
        keep(&state, 3);
        assert_eq!(step(&state), 3);
        keep(&state, 0);
        assert_eq!(step(&state), 0);
        std::fs::write(state.join("tour-step"), "soon").unwrap();
        assert_eq!(step(&state), 0, "what cannot be read is no step");
    }
}
