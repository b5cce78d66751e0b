//! Where the journal may lie: on a local disk, in a directory and files that nobody else can change.
//!
//! Private is 0700 and 0600; shared is 2770 and 0660 with a group. What stands otherwise and is ours is put
//! right, what is somebody else's is refused with the mend. Start at [`prepare`].

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::{Access, OFlags};
use rustix::process::Gid;

use super::{JournalError, JournalResult, Opening};

/// Who may read and write the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// Their owner alone.
    Private,
    /// This group.
    Group(Gid),
}

impl Sharing {
    fn file_mode(self) -> u32 {
        match self {
            Self::Private => 0o600,
            Self::Group(_) => 0o660,
        }
    }

    fn directory_mode(self) -> u32 {
        match self {
            Self::Private => 0o700,
            Self::Group(_) => 0o2770,
        }
    }
}

/// A refusal about one path.
struct About<'a>(&'a Path);

impl About<'_> {
    fn refuse(&self, why: impl Into<String>, mend: impl Into<String>) -> JournalError {
        JournalError::Unusable {
            path: self.0.display().to_string(),
            why: why.into(),
            mend: mend.into(),
        }
    }

    fn failed(&self, error: &io::Error) -> JournalError {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => JournalError::Full,
            _ => self.refuse(
                error.to_string(),
                "make its directory one that you can write to, or set state_dir (or journal) to another",
            ),
        }
    }
}

/// Makes the directory and the empty database where they are not there, and refuses what is not safe.
pub(super) fn prepare(opening: &Opening) -> JournalResult<Sharing> {
    let about = About(&opening.path);
    let sharing = match &opening.group {
        Some(name) => Sharing::Group(group(name).map_err(|(why, mend)| about.refuse(why, mend))?),
        None => Sharing::Private,
    };
    let directory = match opening.path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    make_directory(directory, sharing)?;
    refuse_network(directory)?;
    if rustix::fs::access(directory, Access::WRITE_OK).is_err() {
        return Err(JournalError::ReadOnly);
    }
    make_file(&opening.path, sharing)?;
    Ok(sharing)
}

fn make_directory(directory: &Path, sharing: Sharing) -> JournalResult<()> {
    let about = About(directory);
    let failed = |error: io::Error| about.failed(&error);
    if !directory.exists() {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(sharing.directory_mode() & 0o777);
        builder.create(directory).map_err(failed)?;
        if let Sharing::Group(gid) = sharing {
            own(directory, gid, sharing.directory_mode()).map_err(failed)?;
        }
    }
    let found = std::fs::metadata(directory).map_err(failed)?;
    if !found.is_dir() {
        return Err(about.refuse("it is no directory", "set state_dir (or journal) to another"));
    }
    let (mode, mine, roots) = (found.mode(), is_mine(&found), found.uid() == 0);
    if mode & 0o1002 == 0o002 {
        return Err(about.refuse(
            "anybody may replace files in it",
            format!("take that away: chmod o-w {}", directory.display()),
        ));
    }
    match sharing {
        // Root's files in a user's directory would lock that user out.
        Sharing::Private if !mine && !roots => Err(about.refuse(
            format!("it belongs to another user (uid {})", found.uid()),
            "run as that user, or set state_dir to a directory of your own",
        )),
        Sharing::Private => Ok(()),
        Sharing::Group(gid) => {
            let right = found.gid() == gid.as_raw() && mode & 0o2070 == 0o2070;
            if right {
                Ok(())
            } else if mine {
                own(directory, gid, sharing.directory_mode()).map_err(failed)
            } else {
                let (gid, at) = (gid.as_raw(), directory.display());
                Err(about.refuse(
                    "it is not its group's to write to",
                    format!("let its owner run: chgrp {gid} {at} && chmod 2770 {at}"),
                ))
            }
        }
    }
}

/// Makes an empty file, or checks the one that is there. It is never opened then: to close a second handle on
/// a database would take the locks away that another connection of this process holds.
fn make_file(path: &Path, sharing: Sharing) -> JournalResult<()> {
    let about = About(path);
    let failed = |error: io::Error| about.failed(&error);
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(sharing.file_mode())
        .open(path);
    match made {
        Ok(_) => {
            if let Sharing::Group(gid) = sharing {
                own(path, gid, sharing.file_mode()).map_err(failed)?;
            }
            return Ok(());
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(error)),
    }
    let found = std::fs::metadata(path).map_err(failed)?;
    check_file(path, &found, sharing)?;
    match rustix::fs::access(path, Access::READ_OK | Access::WRITE_OK) {
        Ok(()) => Ok(()),
        Err(_) => Err(JournalError::ReadOnly),
    }
}

/// Puts the permissions right where the file is ours, and refuses one that others could have written.
fn check_file(path: &Path, found: &Metadata, sharing: Sharing) -> JournalResult<()> {
    let about = About(path);
    let failed = |error: io::Error| about.failed(&error);
    if !found.is_file() {
        return Err(about.refuse("it is no file", "set state_dir (or journal) to another"));
    }
    let (mode, mine) = (found.mode() & 0o777, is_mine(found));
    match sharing {
        Sharing::Private if !mine => Err(about.refuse(
            format!("it belongs to another user (uid {})", found.uid()),
            "run as that user, set state_dir to a directory of your own, or share it: journal = { path = \"…\", group = \"…\" }",
        )),
        Sharing::Private if mode & 0o077 != 0 => {
            std::fs::set_permissions(path, Permissions::from_mode(mode & 0o700)).map_err(failed)
        }
        Sharing::Private => Ok(()),
        Sharing::Group(gid) => {
            let right = found.gid() == gid.as_raw() && mode & 0o067 == 0o060;
            if right {
                Ok(())
            } else if mine {
                own(path, gid, sharing.file_mode()).map_err(failed)
            } else {
                let (gid, at) = (gid.as_raw(), path.display());
                Err(about.refuse(
                    "it is not its group's alone to read and write",
                    format!("let its owner run: chgrp {gid} {at} && chmod 660 {at}"),
                ))
            }
        }
    }
}

/// Opens the audit log for appending, made with its permissions where it is not there.
pub(super) fn open_log(path: &Path, sharing: Sharing) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // A link in its place would send the lines elsewhere.
    let flags = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0);
    options.read(true).append(true).custom_flags(flags);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => return opened,
    }
    let file = options.create(true).mode(sharing.file_mode()).open(path)?;
    if let Sharing::Group(gid) = sharing {
        own(path, gid, sharing.file_mode())?;
    }
    // The name must outlast a power cut, as the lines do.
    if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        File::open(directory)?.sync_all()?;
    }
    Ok(file)
}

fn is_mine(found: &Metadata) -> bool {
    found.uid() == rustix::process::geteuid().as_raw()
}

/// Gives a path to a group; the mode after, because a change of owner takes the setgid bit away.
fn own(path: &Path, gid: Gid, mode: u32) -> io::Result<()> {
    rustix::fs::chown(path, None, Some(gid))?;
    std::fs::set_permissions(path, Permissions::from_mode(mode))
}

/// A group of this host that we are in; the problem and its mend otherwise.
fn group(name: &str) -> Result<Gid, (String, String)> {
    let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
    let Some(gid) = group_id(&groups, name) else {
        return Err((
            format!("there is no group `{name}` on this host"),
            format!("make it (groupadd {name}), or write its number where a directory service knows it"),
        ));
    };
    let member = rustix::process::geteuid().is_root()
        || rustix::process::getegid() == gid
        || rustix::process::getgroups().is_ok_and(|all| all.contains(&gid));
    if member {
        Ok(gid)
    } else {
        Err((
            format!("you are not in the group `{name}`"),
            format!(
                "add yourself (usermod -aG {name} YOU) and sign in anew, or leave `journal` out of the configuration"
            ),
        ))
    }
}

/// The number of a group in the text of `/etc/group` (`name:password:number:members`); a number is taken as it is.
fn group_id(groups: &str, name: &str) -> Option<Gid> {
    let named = groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (found, number) = (fields.next()?, fields.nth(1)?);
        (found == name).then(|| number.parse().ok())?
    });
    named.or_else(|| name.parse().ok()).map(Gid::from_raw)
}

#[cfg(target_os = "linux")]
fn refuse_network(directory: &Path) -> JournalResult<()> {
    let Ok(found) = rustix::fs::statfs(directory) else {
        return Ok(());
    };
    // The field's width differs between processors; the numbers are of 32 bits.
    let magic = found.f_type as u32;
    let name = network_name(magic).map(str::to_owned).or_else(|| {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
        let device = std::fs::metadata(directory).ok()?.dev();
        let device = (rustix::fs::major(device), rustix::fs::minor(device));
        (magic == FUSE).then(|| remote_fuse(&mounts, device))?
    });
    match name {
        None => Ok(()),
        Some(name) => Err(About(directory).refuse(
            format!("it lies on a network filesystem ({name}), where two hosts would damage it"),
            "put it on a local disk: set state_dir (or journal.path) to one",
        )),
    }
}

#[cfg(not(target_os = "linux"))]
fn refuse_network(_directory: &Path) -> JournalResult<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
const FUSE: u32 = 0x6573_5546;

/// What `statfs(2)` calls a network filesystem by (`linux/magic.h`, and the filesystems' own headers).
#[cfg(target_os = "linux")]
fn network_name(magic: u32) -> Option<&'static str> {
    Some(match magic {
        0x6969 => "nfs",
        0x517B => "smb",
        0xFF53_4D42 => "cifs",
        0xFE53_4D42 => "smb2",
        0x0102_1997 => "9p",
        0x00C3_6400 => "ceph",
        0x5346_414F | 0x6B41_4653 => "afs",
        0x7375_7245 => "coda",
        0x0BD0_0BD0 => "lustre",
        _ => return None,
    })
}

/// The kind of a FUSE mount that is remote; many are local (a container's overlay, NTFS).
#[cfg(target_os = "linux")]
fn remote_fuse(mounts: &str, device: (u32, u32)) -> Option<String> {
    const REMOTE: [&str; 9] = [
        "sshfs",
        "s3fs",
        "rclone",
        "glusterfs",
        "ceph",
        "gcsfuse",
        "juicefs",
        "davfs",
        "smbnetfs",
    ];
    let wanted = format!("{}:{}", device.0, device.1);
    mounts.lines().find_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        if place.split(' ').nth(2)? != wanted {
            return None;
        }
        let kind = kind.split(' ').next()?;
        let below = kind.strip_prefix("fuse.")?;
        REMOTE
            .iter()
            .any(|remote| below.contains(remote))
            .then(|| kind.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(path: &Path, group: Option<&str>) -> Opening {
        Opening {
            path: path.to_path_buf(),
            group: group.map(str::to_owned),
        }
    }

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn what_is_made_is_private() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("state/midwatch/midwatch.db");
        assert_eq!(prepare(&opening(&path, None)), Ok(Sharing::Private));
        assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o700, 0o600));
    }

    #[test]
    fn a_file_of_ours_that_others_could_read_is_put_right() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("midwatch.db");
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o664)).unwrap();
        prepare(&opening(&path, None)).unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn what_is_shared_is_its_groups() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("shared/midwatch.db");
        let own = rustix::process::getegid().as_raw().to_string();
        prepare(&opening(&path, Some(&own))).unwrap();
        assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o2770, 0o660));
        let log = path.with_file_name("audit.jsonl");
        open_log(&log, Sharing::Group(rustix::process::getegid())).unwrap();
        assert_eq!(mode(&log), 0o660);
    }

    #[test]
    fn a_group_that_is_not_there_is_refused_with_the_mend() {
        let home = tempfile::tempdir().unwrap();
        let error = prepare(&opening(&home.path().join("x.db"), Some("no-such-group"))).unwrap_err();
        assert!(error.to_string().contains("groupadd no-such-group"), "{error}");
        assert!(!home.path().join("x.db").exists(), "nothing was made");
    }

    #[test]
    fn a_directory_that_anybody_may_write_to_is_refused_unless_it_is_sticky() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("midwatch.db");
        std::fs::set_permissions(home.path(), Permissions::from_mode(0o777)).unwrap();
        let error = prepare(&opening(&path, None)).unwrap_err();
        assert!(error.to_string().contains("chmod o-w"), "{error}");
        std::fs::set_permissions(home.path(), Permissions::from_mode(0o1777)).unwrap();
        assert!(prepare(&opening(&path, None)).is_ok());
    }

    #[test]
    fn a_directory_in_the_files_place_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let error = prepare(&opening(home.path(), None));
        // The parent of a temporary directory may be refused first; a file it is in no case.
        assert!(matches!(error, Err(JournalError::Unusable { .. })), "{error:?}");
    }

    #[test]
    fn the_audit_log_is_no_link() {
        let home = tempfile::tempdir().unwrap();
        let log = home.path().join("audit.jsonl");
        std::os::unix::fs::symlink(home.path().join("elsewhere"), &log).unwrap();
        assert!(open_log(&log, Sharing::Private).is_err());
    }

    #[test]
    fn a_group_is_found_by_its_whole_name_or_is_a_number() {
        let groups = "root:x:0:\noncall-old:x:7:\noncall:x:1201:jun,mara\nodd:x:\n";
        let id = |name| group_id(groups, name).map(Gid::as_raw);
        assert_eq!(id("oncall"), Some(1201));
        assert_eq!(id("1300"), Some(1300));
        assert_eq!((id("on"), id("odd")), (None, None));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn network_filesystems_are_known_and_local_ones_pass() {
        assert_eq!(network_name(0x6969), Some("nfs"));
        assert_eq!(network_name(0xFE53_4D42), Some("smb2"));
        for local in [0xEF53, 0x9123_683E, 0x5846_5342, 0x0102_1994, 0x794C_7630] {
            assert_eq!(network_name(local), None, "{local:x}");
        }
        let mounts = "36 35 0:52 / /mnt/far rw - fuse.sshfs far: rw\n37 35 0:53 / /var rw - fuse.fuse-overlayfs o rw\n";
        assert_eq!(remote_fuse(mounts, (0, 52)).as_deref(), Some("fuse.sshfs"));
        assert_eq!(remote_fuse(mounts, (0, 53)), None);
    }
}
