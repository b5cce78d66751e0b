//! A journal that the caller may not use, or that others could have written: the built binary as an ordinary user.
//!
//! Root may do anything, so as root the binary is run under the id of nobody, through `setpriv`.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::geteuid;

/// `nobody`, on every system that has it.
const NOBODY: u32 = 65_534;

/// A directory whose files an ordinary user reaches, and that user.
struct Ground {
    root: tempfile::TempDir,
    user: u32,
}

impl Ground {
    /// None where this runs as root and nothing gives root's rights up.
    fn new() -> Option<Self> {
        let root = tempfile::tempdir().expect("a directory");
        let user = if geteuid().is_root() {
            let there = Command::new("setpriv").arg("--version").output();
            if !there.is_ok_and(|ended| ended.status.success()) {
                println!("SKIPPED: this runs as root and there is no setpriv to run as an ordinary user");
                return None;
            }
            std::fs::set_permissions(root.path(), Permissions::from_mode(0o755)).expect("sets");
            NOBODY
        } else {
            geteuid().as_raw()
        };
        let ground = Self { root, user };
        std::fs::create_dir(ground.state()).expect("made");
        ground.own(&ground.state(), 0o700);
        let config = format!(
            "state_dir = \"{}\"\n[contexts.shop.metrics]\nurl = \"http://127.0.0.1:1\"\n",
            ground.state().display()
        );
        let path = ground.root.path().join("config.toml");
        std::fs::write(&path, config).expect("writes");
        // The binary where that user may run it.
        let (built, at) = (env!("CARGO_BIN_EXE_midwatch"), ground.program());
        if std::fs::hard_link(built, &at).is_err() {
            std::fs::copy(built, &at).expect("copies");
        }
        Some(ground)
    }

    fn state(&self) -> PathBuf {
        self.root.path().join("state")
    }

    fn program(&self) -> PathBuf {
        self.root.path().join("midwatch")
    }

    fn journal(&self) -> PathBuf {
        self.state().join("midwatch.db")
    }

    fn own(&self, path: &Path, mode: u32) {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("sets");
        if geteuid().is_root() {
            chown(path, Some(self.user), Some(self.user)).expect("owns");
        }
    }

    /// `outbox list` by that user: its status, and what it says.
    fn list(&self) -> (Option<i32>, String) {
        let mut command = if geteuid().is_root() {
            let mut command = Command::new("setpriv");
            let (user, group) = (format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"));
            command
                .args([&user, &group, "--clear-groups", "--"])
                .arg(self.program());
            command
        } else {
            Command::new(self.program())
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let output = command
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.root.path())
            .arg("--config")
            .arg(self.root.path().join("config.toml"))
            .args(["outbox", "list"])
            .stdin(Stdio::null())
            .output()
            .expect("runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).expect("text"))
    }

    #[track_caller]
    fn refused(&self, words: &[&str]) {
        let (status, said) = self.list();
        assert!(status.is_some_and(|status| status != 0), "{said}");
        for word in words {
            assert!(said.contains(word), "no {word:?} in {said}");
        }
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("there").mode() & 0o777
}

#[test]
fn a_journal_of_ones_own_is_used_and_kept_to_oneself() {
    let Some(ground) = Ground::new() else { return };
    assert_eq!(
        ground.list(),
        (Some(0), "nothing waits in the outbox\n".to_owned())
    );
    assert_eq!(mode(&ground.journal()), 0o600);
    // Readable and writable to a group by mistake: put right before it is used again.
    ground.own(&ground.journal(), 0o664);
    assert_eq!(ground.list().0, Some(0));
    assert_eq!(mode(&ground.journal()), 0o600);
}

#[test]
fn a_directory_that_anybody_may_write_to_is_refused_with_the_mend() {
    let Some(ground) = Ground::new() else { return };
    ground.own(&ground.state(), 0o777);
    ground.refused(&["anybody may replace files in it", "chmod o-w"]);
    assert!(!ground.journal().exists());
    // With the sticky bit nobody can.
    ground.own(&ground.state(), 0o1777);
    assert_eq!(ground.list().0, Some(0));
}

#[test]
fn what_may_not_be_written_to_is_said_to_be_read_only() {
    let Some(ground) = Ground::new() else { return };
    assert_eq!(ground.list().0, Some(0));
    ground.own(&ground.journal(), 0o400);
    ground.refused(&["read-only", "permissions"]);
    ground.own(&ground.journal(), 0o600);
    ground.own(&ground.state(), 0o500);
    ground.refused(&["read-only"]);
    ground.own(&ground.state(), 0o700);
    assert_eq!(ground.list().0, Some(0));
}

#[test]
fn what_belongs_to_somebody_else_is_refused() {
    let Some(ground) = Ground::new() else { return };
    if !geteuid().is_root() {
        println!("SKIPPED: only root can make files of two users");
        return;
    }
    // Root's, in one's own directory, readable and writable to all.
    std::fs::write(ground.journal(), []).expect("writes");
    std::fs::set_permissions(ground.journal(), Permissions::from_mode(0o666)).expect("sets");
    ground.refused(&["belongs to another user (uid 0)", "journal ="]);

    // A third user's directory.
    std::fs::remove_dir_all(ground.state()).expect("removed");
    std::fs::create_dir(ground.state()).expect("made");
    chown(ground.state(), Some(NOBODY - 1), Some(NOBODY)).expect("owns");
    std::fs::set_permissions(ground.state(), Permissions::from_mode(0o770)).expect("sets");
    ground.refused(&["belongs to another user (uid 65533)", "a directory of your own"]);
}
