//! Whether the tour was offered before: an empty file in the state directory. Whoever cannot keep that is not offered it,
//! rather than at every start.

use std::fs::OpenOptions;
use std::path::Path;

use super::layout_file::make_private;

/// Whether this is the first time that it is asked here; every later answer is no.
pub fn first_time(state_dir: &Path) -> bool {
    if make_private(state_dir).is_err() {
        return false;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(state_dir.join("tour-offered")).is_ok()
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
}
