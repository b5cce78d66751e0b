//! Where views, scopes and commands are kept: two TOML files in the state directory, for their owner's eyes only.
//!
//! `views.toml` may be edited by hand. It is read strictly and never lost: one that does not read stays where it is until
//! something is saved, and is then put aside under a name of its own. `recent.toml` holds what nobody misses: a failure there
//! is quiet. Every change is made to the file as it is at that moment, one process at a time. Start at [`Keeper`].

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::layout_file::make_private;
use crate::app::kept::{
    Keep, Kept, LONGEST_COMMAND, MOST_COMMANDS, MOST_SCOPES, MOST_VIEWS, SavedView, ViewsKept, remember,
    visit,
};
use crate::app::scope::Scope;
use crate::text::SafeText;

/// A file of views or of what was recent is never so large; one that is was not written here.
const MOST_BYTES: u64 = 4 << 20;
/// The form of the file of views that is written here.
const VERSION: u32 = 1;
const VIEWS: &str = "views.toml";
const RECENT: &str = "recent.toml";
const HEAD: &str =
    "# Views saved in the console with `:view save NAME`, by context. It may be edited by hand.\n";

/// The file of views.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Views {
    version: u32,
    /// Context → name → view.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    views: BTreeMap<String, BTreeMap<String, SavedView>>,
}

impl Default for Views {
    fn default() -> Self {
        Self {
            version: VERSION,
            views: BTreeMap::new(),
        }
    }
}

/// The file of what was recent.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Recent {
    commands: Vec<String>,
    /// Context → its last scopes.
    scopes: BTreeMap<String, Vec<Scope>>,
}

/// What is kept for a context; without a state directory, nothing.
pub fn load(state_dir: Option<&Path>, context: &str) -> Kept {
    let Some(dir) = state_dir else {
        return Kept::default();
    };
    let mut recent: Recent = read(&dir.join(RECENT)).unwrap_or_default().unwrap_or_default();
    let scopes = recent.scopes.remove(context).unwrap_or_default();
    let (views, trouble) = match views(dir) {
        Ok(mut file) => (file.views.remove(context).unwrap_or_default(), None),
        Err(why) => (BTreeMap::new(), Some(why)),
    };
    Kept {
        views,
        scopes: scopes.into_iter().take(MOST_SCOPES).collect(),
        commands: recent.commands.into_iter().take(MOST_COMMANDS).collect(),
        trouble,
    }
}

/// Keeps what changes in one context.
#[derive(Debug)]
pub struct Keeper {
    state_dir: PathBuf,
    context: String,
    /// Changes of this process are made one after the other, in the order they were put.
    queue: Mutex<Vec<Keep>>,
    writing: Mutex<()>,
}

impl Keeper {
    /// Keeps them in this directory.
    pub fn new(state_dir: PathBuf, context: &str) -> Self {
        Self {
            state_dir,
            context: context.to_owned(),
            queue: Mutex::default(),
            writing: Mutex::default(),
        }
    }

    /// Takes a change on. Does not touch the disk.
    pub fn put(&self, change: Keep) {
        self.queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(change);
    }

    /// Makes what was put. Blocks. The views, where it was a change to them; what could not be kept of those is an error
    /// in words, of the rest it is none.
    pub fn write(&self) -> Result<Option<ViewsKept>, String> {
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = std::mem::take(&mut *self.queue.lock().unwrap_or_else(PoisonError::into_inner));
        let mut views = Vec::new();
        let mut recent = Vec::new();
        for change in changes {
            match change {
                Keep::View { name, view } => views.push((name, view)),
                other => recent.push(other),
            }
        }
        if !recent.is_empty() {
            // Losing it costs nothing.
            let _ = self.change_recent(recent);
        }
        if views.is_empty() {
            return Ok(None);
        }
        self.change_views(views).map(Some)
    }

    fn change_recent(&self, changes: Vec<Keep>) -> std::io::Result<()> {
        let _lock = lock(&self.state_dir)?;
        let path = self.state_dir.join(RECENT);
        let mut recent: Recent = read(&path).unwrap_or_default().unwrap_or_default();
        for change in changes {
            match change {
                Keep::Command(command) if command.len() <= LONGEST_COMMAND => {
                    remember(&mut recent.commands, command, MOST_COMMANDS);
                }
                Keep::Scope(scope) => {
                    let scopes = recent.scopes.entry(self.context.clone()).or_default();
                    visit(scopes, *scope);
                }
                Keep::Command(_) | Keep::View { .. } => {}
            }
        }
        let text = toml::to_string(&recent).map_err(std::io::Error::other)?;
        replace(&path, &text, Durable::No)
    }

    fn change_views(&self, changes: Vec<(String, Option<Box<SavedView>>)>) -> Result<ViewsKept, String> {
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            let why = SafeText::line(&format!("the views were not saved: {what}: {error}")).into_string();
            Err(why)
        };
        let lock = match lock(&self.state_dir) {
            Ok(lock) => lock,
            Err(error) => return failed(&self.state_dir.display().to_string(), &error),
        };
        let path = self.state_dir.join(VIEWS);
        let (mut file, said) = match views(&self.state_dir) {
            Ok(file) => (file, None),
            Err(why) => match put_aside(&path) {
                Ok(aside) => {
                    let said = format!(
                        "{why}; the file is kept as {}, and a new one begun",
                        aside.display()
                    );
                    (Views::default(), Some(SafeText::line(&said).into_string()))
                }
                Err(error) => return failed(&path.display().to_string(), &error),
            },
        };
        let ours = file.views.entry(self.context.clone()).or_default();
        for (name, view) in changes {
            match view {
                Some(view) if ours.len() < MOST_VIEWS || ours.contains_key(&name) => {
                    ours.insert(name, *view);
                }
                Some(_) => {
                    return Err(format!(
                        "not saved: {MOST_VIEWS} views are kept already; `view drop NAME` makes room"
                    ));
                }
                None => {
                    ours.remove(&name);
                }
            }
        }
        let ours = ours.clone();
        file.views.retain(|_, views| !views.is_empty());
        let text = match toml::to_string_pretty(&file) {
            Ok(text) => format!("{HEAD}{text}"),
            Err(error) => return failed(VIEWS, &error),
        };
        if let Err(error) = replace(&path, &text, Durable::Yes) {
            return failed(&path.display().to_string(), &error);
        }
        drop(lock);
        Ok(ViewsKept { views: ours, said })
    }
}

/// The file of views, or what is wrong with it and where, in safe words.
fn views(dir: &Path) -> Result<Views, String> {
    let path = dir.join(VIEWS);
    let file: Views = read(&path)
        .map_err(|why| SafeText::line(&format!("{}: {why}", path.display())).into_string())?
        .unwrap_or_default();
    if file.version == VERSION {
        Ok(file)
    } else {
        Err(format!(
            "{}: version {} is not read here, only {VERSION}",
            SafeText::line(&path.display().to_string()),
            file.version
        ))
    }
}

/// A file's content; nothing where there is no such file.
fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, String> {
    let size = match std::fs::metadata(path) {
        Ok(about) => about.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    if size > MOST_BYTES {
        return Err(format!("{size} bytes are more than was ever written here"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    toml::from_str(&text)
        .map(Some)
        .map_err(|error| at_place(&error, &text))
}

/// What is wrong, with the line it stands in.
fn at_place(error: &toml::de::Error, text: &str) -> String {
    let line = error
        .span()
        .and_then(|span| text.get(..span.start))
        .map(|before| before.matches('\n').count() + 1);
    match line {
        Some(line) => format!("line {line}: {}", error.message()),
        None => error.message().to_owned(),
    }
}

/// One process at a time; held as long as the file is.
fn lock(dir: &Path) -> std::io::Result<File> {
    make_private(dir)?;
    let file = private().truncate(false).open(dir.join("views.lock"))?;
    file.lock()?;
    Ok(file)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Whether a file is waited for until the disk has it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Durable {
    Yes,
    No,
}

/// Written beside and renamed: whoever dies in between leaves the old one.
fn replace(path: &Path, text: &str, durable: Durable) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let beside = PathBuf::from(beside);
    let mut file = private().truncate(true).open(&beside)?;
    file.write_all(text.as_bytes())?;
    if durable == Durable::Yes {
        file.sync_all()?;
    }
    std::fs::rename(&beside, path)?;
    if let Some(dir) = path.parent().filter(|_| durable == Durable::Yes) {
        // The name as well; a filesystem that cannot has put it there all the same.
        let _ = File::open(dir).and_then(|dir| dir.sync_all());
    }
    Ok(())
}

/// Gives a file that does not read a name that none has yet.
fn put_aside(path: &Path) -> std::io::Result<PathBuf> {
    for number in 1..1_000 {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".damaged-{number}"));
        let aside = PathBuf::from(name);
        if !aside.exists() {
            std::fs::rename(path, &aside)?;
            return Ok(aside);
        }
    }
    Err(std::io::Error::other("too many damaged files lie there already"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::focus::PaneId;
    use crate::app::kept::{LevelWord, PaneWord, Shown};
    use crate::app::scope::TimeRange;
    use crate::domain::log::Level;

    fn view() -> SavedView {
        let mut view = SavedView {
            focus: PaneWord(PaneId::Logs),
            zoom: true,
            hidden: [PaneWord(PaneId::Traces)].into(),
            scope: Some(Scope {
                range: Some(TimeRange::since(chrono::DateTime::UNIX_EPOCH)),
                ..Scope::of_service("checkout")
            }),
            slo_filter: "page".to_owned(),
            ..SavedView::default()
        };
        view.alerts.show = Shown::All;
        view.alerts.group_by = Some(vec!["service".to_owned()]);
        view.logs.query = "{app=\"checkout\"} |= \"time out\"".to_owned();
        view.logs.level = Some(LevelWord(Level::Warn));
        view.traces.failed = true;
        view
    }

    fn save(keeper: &Keeper, name: &str, view: Option<SavedView>) -> Result<ViewsKept, String> {
        keeper.put(Keep::View {
            name: name.to_owned(),
            view: view.map(Box::new),
        });
        keeper.write().map(Option::unwrap)
    }

    #[test]
    fn a_view_comes_back_as_it_was_saved_in_its_own_context_alone() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        let keeper = Keeper::new(state.clone(), "prod");
        let kept = save(&keeper, "night", Some(view())).unwrap();
        assert_eq!(kept.views["night"], view());
        let loaded = load(Some(&state), "prod");
        assert_eq!((loaded.views["night"].clone(), loaded.trouble), (view(), None));
        assert_eq!(load(Some(&state), "staging").views, BTreeMap::new());
        // Another process saved meanwhile: nothing of it is lost.
        save(
            &Keeper::new(state.clone(), "staging"),
            "calm",
            Some(SavedView::default()),
        )
        .unwrap();
        save(&keeper, "night", None).unwrap();
        assert_eq!(load(Some(&state), "prod").views, BTreeMap::new());
        assert_eq!(load(Some(&state), "staging").views.len(), 1);
    }

    #[test]
    fn a_damaged_file_is_said_with_its_line_and_kept_aside_when_something_is_saved() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(VIEWS);
        let text = "version = 1\n[views.prod.night]\nfocus = \"alarms\"\n";
        std::fs::write(&path, text).unwrap();
        let trouble = load(Some(dir.path()), "prod").trouble.unwrap();
        assert!(
            trouble.contains("line 3") && trouble.contains("\"alarms\" is no pane"),
            "{trouble}"
        );
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            text,
            "looking changes nothing"
        );
        let changed = save(&Keeper::new(dir.path().to_owned(), "prod"), "day", Some(view())).unwrap();
        assert!(changed.said.unwrap().contains("views.toml.damaged-1"));
        assert_eq!(
            std::fs::read_to_string(dir.path().join("views.toml.damaged-1")).unwrap(),
            text
        );
        assert_eq!(load(Some(dir.path()), "prod").views.len(), 1);
    }

    #[test]
    fn unknown_keys_and_other_versions_are_damage() {
        let dir = tempfile::tempdir().unwrap();
        for (text, said) in [
            ("version = 1\n[views.prod.a]\nzom = true\n", "zom"),
            ("version = 2\n", "version 2"),
            ("views = 3", "line 1"),
            ("version = 1\n[views.prod.a.logs]\nlevel = \"loud\"", "no level"),
        ] {
            std::fs::write(dir.path().join(VIEWS), text).unwrap();
            let trouble = load(Some(dir.path()), "prod").trouble.unwrap();
            assert!(trouble.contains(said), "{trouble}");
        }
    }

    #[test]
    fn commands_and_scopes_are_kept_newest_first_once_and_no_more_than_so_many() {
        let dir = tempfile::tempdir().unwrap();
        let keeper = Keeper::new(dir.path().to_owned(), "prod");
        for number in 0..MOST_COMMANDS + 5 {
            keeper.put(Keep::Command(format!("query up{number}")));
            keeper.put(Keep::Scope(Box::new(Scope::of_service(&format!("s{number}")))));
        }
        keeper.put(Keep::Command("query up7".to_owned()));
        keeper.put(Keep::Command("x".repeat(LONGEST_COMMAND + 1)));
        assert_eq!(keeper.write().unwrap(), None);
        let kept = load(Some(dir.path()), "prod");
        assert_eq!(
            (kept.commands.len(), kept.commands[0].as_str()),
            (MOST_COMMANDS, "query up7")
        );
        assert_eq!(
            (kept.scopes.len(), kept.scopes[0].name()),
            (MOST_SCOPES, "s104".to_owned())
        );
        assert_eq!(load(Some(dir.path()), "staging").scopes, []);
        std::fs::write(dir.path().join(RECENT), "commands = 3").unwrap();
        assert_eq!(load(Some(dir.path()), "prod"), Kept::default());
    }

    #[cfg(unix)]
    #[test]
    fn what_is_kept_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        let keeper = Keeper::new(state.clone(), "prod");
        keeper.put(Keep::Command("logs secret".to_owned()));
        save(&keeper, "a", Some(view())).unwrap();
        for file in std::fs::read_dir(&state).unwrap() {
            let file = file.unwrap();
            let mode = file.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{:?}", file.file_name());
        }
    }
}
