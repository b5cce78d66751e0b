//! The engineer's own editor: a text goes to it in a private file and comes back when it is closed.
//!
//! The loop gives the terminal back before, and goes on with everything but keys and frames meanwhile. Start at
//! [`Editor::open`].

use std::fs::{DirBuilder, File, OpenOptions};
use std::future::pending;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use tokio::process::{Child, Command};

use crate::app::compose::MOST_BYTES;

/// Where nobody says which.
const USUAL: &str = "vi";
/// Names that may be taken by files of a session that was killed.
const TRIES: u32 = 64;

/// How a text is handed to an editor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Editor {
    program: String,
    arguments: Vec<String>,
    directory: PathBuf,
}

impl Editor {
    /// An editor as `$VISUAL` or `$EDITOR` names it: a program and its arguments, split at white space; no shell
    /// reads it. Texts pass through `directory`.
    pub fn new(command: &str, directory: PathBuf) -> Self {
        let mut words = command.split_whitespace().map(str::to_owned);
        Self {
            program: words.next().unwrap_or_else(|| USUAL.to_owned()),
            arguments: words.collect(),
            directory,
        }
    }

    /// Writes the text into a file of its own and starts the editor on it. Needs a tokio runtime. An error says
    /// what could not be done, and where.
    pub fn open(&self, text: &str) -> Result<Editing, String> {
        let file = PrivateFile::create(&self.directory, text).map_err(|error| {
            format!(
                "no file for the editor could be made in {}: {error}",
                self.directory.display()
            )
        })?;
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .arg(&file.path)
            .spawn()
            .map_err(|error| {
                format!(
                    "the editor {} could not be started: {error}; is $VISUAL or $EDITOR right?",
                    self.program
                )
            })?;
        Ok(Editing {
            program: self.program.clone(),
            child,
            file,
        })
    }
}

/// An editor that is open. Dropping it leaves the editor alone and removes the file.
#[derive(Debug)]
pub struct Editing {
    program: String,
    child: Child,
    file: PrivateFile,
}

impl Editing {
    /// Waits until it is closed; the text, or why there is none. Cancel-safe.
    async fn closed(&mut self) -> Result<String, String> {
        let program = &self.program;
        let status = self.child.wait().await;
        let status = status.map_err(|error| format!("the editor {program} is lost: {error}"))?;
        if !status.success() {
            return Err(match status.code() {
                Some(code) => format!("the editor {program} ended with status {code}"),
                None => format!("the editor {program} was ended by a signal"),
            });
        }
        self.file.read()
    }
}

/// Waits until the editor that is open is closed; for ever where none is. Cancel-safe.
pub async fn closed(editing: &mut Option<Editing>) -> Result<String, String> {
    match editing {
        Some(open) => open.closed().await,
        None => pending().await,
    }
}

/// A file that only its owner may read, gone when it is dropped.
#[derive(Debug)]
struct PrivateFile {
    path: PathBuf,
    /// Left where it is: it holds what could not be taken in.
    left: bool,
}

impl PrivateFile {
    fn create(directory: &Path, text: &str) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let process = std::process::id();
        let mut tried = 0;
        loop {
            let path = directory.join(format!("midwatch-{process}-{tried}.md"));
            // Created anew or not at all: a file or link that waits there is not written to.
            let created = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path);
            match created {
                Ok(mut open) => {
                    let file = Self { path, left: false };
                    open.write_all(text.as_bytes())?;
                    if !text.is_empty() && !text.ends_with('\n') {
                        open.write_all(b"\n")?;
                    }
                    return Ok(file);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tried < TRIES => tried += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Read by its name: many editors put another file in its place.
    fn read(&mut self) -> Result<String, String> {
        let mut bytes = Vec::new();
        let read =
            File::open(&self.path).and_then(|file| file.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes));
        if let Err(error) = read {
            return Err(format!("{} could not be read: {error}", self.path.display()));
        }
        if bytes.len() > MOST_BYTES {
            self.left = true;
            return Err(format!(
                "what the editor wrote is far too long to be sent; it stays in {}",
                self.path.display()
            ));
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl Drop for PrivateFile {
    fn drop(&mut self) {
        if !self.left {
            // Gone already is as good.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// An editor that is a shell script, its argument the file.
    fn scripted(directory: &Path, script: &str) -> Editor {
        let path = directory.join("editor.sh");
        std::fs::write(&path, script).unwrap();
        Editor::new(&format!("sh {}", path.display()), directory.join("texts"))
    }

    async fn edited(directory: &Path, script: &str, text: &str) -> Result<String, String> {
        let mut editing = Some(scripted(directory, script).open(text)?);
        let result = closed(&mut editing).await;
        drop(editing);
        result
    }

    #[tokio::test]
    async fn the_text_goes_there_and_comes_back_and_the_file_is_private_and_gone() {
        let directory = tempfile::tempdir().unwrap();
        let script = "stat -c %a \"$1\" >> \"$1\"; stat -c %a \"$(dirname \"$1\")\" >> \"$1\"";
        let text = edited(directory.path(), script, "rolled back").await.unwrap();
        assert_eq!(text, "rolled back\n600\n700\n");
        let left = std::fs::read_dir(directory.path().join("texts")).unwrap().count();
        assert_eq!(left, 0);
    }

    #[tokio::test]
    async fn an_editor_that_puts_another_file_in_its_place_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let script = "echo anew > \"$1.tmp\"; mv \"$1.tmp\" \"$1\"";
        assert_eq!(edited(directory.path(), script, "old").await.unwrap(), "anew\n");
    }

    #[tokio::test]
    async fn an_editor_that_fails_is_named_with_its_status() {
        let directory = tempfile::tempdir().unwrap();
        let why = edited(directory.path(), "exit 3", "text").await.unwrap_err();
        assert_eq!(why, "the editor sh ended with status 3");
    }

    #[tokio::test]
    async fn an_editor_that_is_not_there_is_said_with_what_to_mend() {
        let directory = tempfile::tempdir().unwrap();
        let editor = Editor::new("/no/such/editor", directory.path().into());
        let why = editor.open("text").unwrap_err();
        assert!(
            why.contains("/no/such/editor") && why.contains("$EDITOR"),
            "{why}"
        );
    }

    #[tokio::test]
    async fn what_is_far_too_long_stays_in_its_file() {
        let directory = tempfile::tempdir().unwrap();
        let script = "head -c 2000000 /dev/zero > \"$1\"";
        let why = edited(directory.path(), script, "").await.unwrap_err();
        let path = why.rsplit(' ').next().unwrap();
        assert_eq!(std::fs::metadata(path).unwrap().len(), 2_000_000);
    }

    #[test]
    fn a_file_that_waits_under_the_name_is_not_written_to() {
        let directory = tempfile::tempdir().unwrap();
        let trap = directory
            .path()
            .join(format!("midwatch-{}-0.md", std::process::id()));
        std::fs::write(&trap, "theirs").unwrap();
        let file = PrivateFile::create(directory.path(), "ours").unwrap();
        assert_ne!(file.path, trap);
        assert_eq!(std::fs::read_to_string(&trap).unwrap(), "theirs");
        let mode = std::fs::metadata(&file.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn its_words_are_split_at_white_space_and_vi_is_usual() {
        let here = PathBuf::from(".");
        let code = Editor::new(" code  --wait ", here.clone());
        assert_eq!(
            (code.program.as_str(), code.arguments.as_slice()),
            ("code", &["--wait".to_owned()][..])
        );
        assert_eq!(Editor::new("  ", here).program, "vi");
    }
}
