//! The remembered layout: a few lines of TOML in the state directory. Losing it costs nothing, so every
//! failure is quiet.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::app::focus::{Layout, PaneId, Zoom};

fn path(state_dir: &Path) -> PathBuf {
    state_dir.join("layout.toml")
}

/// The layout as it was left, or the default.
pub fn load(state_dir: Option<&Path>) -> Layout {
    let text = state_dir
        .and_then(|dir| std::fs::read_to_string(path(dir)).ok())
        .unwrap_or_default();
    parse(&text)
}

/// Where layouts are kept for the next time: one save at a time, and the latest layout wins.
#[derive(Debug)]
pub struct Keeper {
    state_dir: PathBuf,
    latest: Mutex<Option<Layout>>,
    writing: Mutex<()>,
}

impl Keeper {
    /// Keeps them in this directory.
    pub fn new(state_dir: PathBuf) -> Self {
        Self {
            state_dir,
            latest: Mutex::default(),
            writing: Mutex::default(),
        }
    }

    /// Remembers what is to be written next. Does not touch the disk.
    pub fn put(&self, layout: Layout) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(layout);
    }

    /// Writes what was put last, unless somebody has. Blocks.
    pub fn write(&self) -> std::io::Result<()> {
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner).take();
        latest.map_or(Ok(()), |layout| save(&self.state_dir, &layout))
    }
}

/// Keeps the layout for the next time, for its owner's eyes only.
pub fn save(state_dir: &Path, layout: &Layout) -> std::io::Result<()> {
    make_private(state_dir)?;
    // Written beside and renamed: a console that dies in between leaves the old one. Two consoles do not write
    // into one file.
    let beside = state_dir.join(format!("layout.toml.{}", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&beside)?.write_all(render(layout).as_bytes())?;
    std::fs::rename(beside, path(state_dir))
}

/// Makes the directory, where there is none, for nobody but its owner.
pub(super) fn make_private(dir: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// The layout as it is written.
pub fn render(layout: &Layout) -> String {
    let hidden: Vec<String> = layout
        .hidden
        .iter()
        .map(|pane| pane.number().to_string())
        .collect();
    let zoom = layout.zoom == Zoom::Yes;
    format!(
        "zoom = {zoom}\nhidden = [{}]\nslo_share = {}\nincident_share = {}\n",
        hidden.join(", "),
        layout.slo_share,
        layout.incident_share
    )
}

/// The layout as it is read; the default where it says nothing.
pub fn parse(text: &str) -> Layout {
    let mut layout = Layout::default();
    let Ok(table) = text.parse::<toml::Table>() else {
        return layout;
    };
    if table.get("zoom").and_then(toml::Value::as_bool) == Some(true) {
        layout.zoom = Zoom::Yes;
    }
    if let Some(share) = table.get("slo_share").and_then(toml::Value::as_integer) {
        layout.slo_share = u16::try_from(share.clamp(20, 80)).unwrap_or(layout.slo_share);
    }
    if let Some(share) = table.get("incident_share").and_then(toml::Value::as_integer) {
        layout.incident_share = u16::try_from(share.clamp(20, 80)).unwrap_or(layout.incident_share);
    }
    let hidden: BTreeSet<PaneId> = table
        .get("hidden")
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(toml::Value::as_integer)
        .filter_map(|number| {
            PaneId::ALL
                .into_iter()
                .find(|pane| i64::from(pane.number()) == number)
        })
        .collect();
    if hidden.len() < PaneId::ALL.len() {
        layout.hidden = hidden;
    }
    layout
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_comes_back_as_it_was_left() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout {
            zoom: Zoom::Yes,
            hidden: BTreeSet::from([PaneId::Slo]),
            slo_share: 60,
            incident_share: 30,
            absent: BTreeSet::new(),
        };
        save(dir.path(), &layout).unwrap();
        assert_eq!(load(Some(dir.path())), layout);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_kept_is_for_its_owner_alone_and_nothing_lies_beside() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state/midwatch");
        save(&state, &Layout::default()).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&state), 0o700);
        assert_eq!(mode(&path(&state)), 0o600);
        assert_eq!(std::fs::read_dir(&state).unwrap().count(), 1);
    }

    #[test]
    fn of_several_layouts_put_the_last_is_written_once() {
        let dir = tempfile::tempdir().unwrap();
        let keeper = Keeper::new(dir.path().to_owned());
        for slo_share in [30, 40, 50] {
            keeper.put(Layout {
                slo_share,
                ..Layout::default()
            });
        }
        keeper.write().unwrap();
        assert_eq!(load(Some(dir.path())).slo_share, 50);
        std::fs::remove_file(path(dir.path())).unwrap();
        keeper.write().unwrap();
        assert!(!path(dir.path()).exists(), "nothing new, nothing written");
    }

    #[test]
    fn a_damaged_layout_is_the_default_and_never_hides_every_pane() {
        assert_eq!(parse("zoom = 3 ]["), Layout::default());
        assert_eq!(
            parse("hidden = [1, 2, 3, 4, 5]\nslo_share = 900"),
            Layout {
                slo_share: 80,
                ..Layout::default()
            }
        );
        assert_eq!(load(None), Layout::default());
    }
}
