//! Secrets: read where they are used, kept only as [`SecretString`], read again when a server says 401.
//!
//! [`Credentials`] turns an endpoint's `auth` and `headers` into header lines. Nothing here prints a value:
//! an error names the reference (variable, file, command) and the mend.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::AsyncReadExt as _;
use tokio::sync::Mutex;

use super::redact::{Redactor, is_secret_name};
use crate::config::{Auth, Secret};

/// How long a secret's command may take; a password manager may ask for a touch.
const COMMAND_LIMIT: Duration = Duration::from_secs(15);

/// The longest secret, bytes: a file that is larger is not a token.
const SECRET_CAP: u64 = 64 * 1024;

/// Looks a variable up; a plain function, so that a test can hand in its own.
pub type EnvLookup = fn(&str) -> Option<String>;

/// Reads the process's own environment.
#[expect(
    clippy::disallowed_methods,
    reason = "a secret is read where it is used, and nowhere held in the configuration"
)]
pub fn process_env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Why a secret could not be had; names the reference, never a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct CredentialError {
    /// What failed.
    pub what: String,
    /// What to do.
    pub mend: String,
}

/// Header lines in use, and what has to be blotted out of errors.
pub(super) struct Held {
    /// Name, value.
    pub(super) headers: Vec<(String, SecretString)>,
    /// Knows every value.
    pub(super) redactor: Arc<Redactor>,
}

impl Held {
    fn same_as(&self, other: &Self) -> bool {
        self.headers.len() == other.headers.len()
            && self
                .headers
                .iter()
                .zip(&other.headers)
                .all(|((a, x), (b, y))| a == b && x.expose_secret() == y.expose_secret())
    }
}

/// What reading the secrets again brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reread {
    /// Other values: worth another try.
    Changed,
    /// The same ones.
    Same,
}

/// An endpoint's auth and headers, read at first use.
pub struct Credentials {
    auth: Auth,
    headers: Vec<(String, Secret)>,
    env: EnvLookup,
    held: Mutex<Option<Arc<Held>>>,
}

impl Credentials {
    /// Nothing is read yet.
    pub fn new(auth: Auth, headers: Vec<(String, Secret)>, env: EnvLookup) -> Self {
        Self {
            auth,
            headers,
            env,
            held: Mutex::new(None),
        }
    }

    /// How it signs in, in a word: `none`, `bearer`, `token`, `basic`.
    pub fn scheme(&self) -> &'static str {
        match self.auth {
            Auth::None => "none",
            Auth::Bearer(_) => "bearer",
            Auth::Token(_) => "token",
            Auth::Basic { .. } => "basic",
        }
    }

    /// The header lines, read once and kept.
    pub(super) async fn held(&self) -> Result<Arc<Held>, CredentialError> {
        let mut held = self.held.lock().await;
        if let Some(held) = held.as_ref() {
            return Ok(Arc::clone(held));
        }
        let read = Arc::new(self.read().await?);
        *held = Some(Arc::clone(&read));
        Ok(read)
    }

    /// Reads everything again: a rotated token, a renewed file.
    pub(super) async fn reread(&self) -> Result<Reread, CredentialError> {
        let read = Arc::new(self.read().await?);
        let mut held = self.held.lock().await;
        let same = held.as_ref().is_some_and(|old| old.same_as(&read));
        *held = Some(read);
        Ok(if same { Reread::Same } else { Reread::Changed })
    }

    async fn read(&self) -> Result<Held, CredentialError> {
        let mut headers = Vec::with_capacity(self.headers.len() + 1);
        let mut blotted = Vec::new();
        match &self.auth {
            Auth::None => {}
            Auth::Bearer(secret) => {
                let token = read_secret(secret, self.env).await?;
                headers.push((
                    "authorization".to_owned(),
                    SecretString::from(format!("Bearer {}", token.expose_secret())),
                ));
                blotted.push(token);
            }
            Auth::Token(secret) => {
                let token = read_secret(secret, self.env).await?;
                headers.push((
                    "authorization".to_owned(),
                    SecretString::from(format!("Token token={}", token.expose_secret())),
                ));
                blotted.push(token);
            }
            Auth::Basic { user, password } => {
                let password = read_secret(password, self.env).await?;
                let pair = base64::engine::general_purpose::STANDARD
                    .encode(format!("{user}:{}", password.expose_secret()));
                headers.push((
                    "authorization".to_owned(),
                    SecretString::from(format!("Basic {pair}")),
                ));
                blotted.extend([password, SecretString::from(pair)]);
            }
        }
        for (name, secret) in &self.headers {
            let value = read_secret(secret, self.env).await?;
            // A tenant's name in an error is a help; a key in a header is not.
            if !matches!(secret, Secret::Inline(_)) || is_secret_name(name) {
                blotted.push(value.clone());
            }
            headers.push((name.clone(), value));
        }
        Ok(Held {
            headers,
            redactor: Arc::new(Redactor::new(blotted)),
        })
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // `Auth` and `Secret` show references only.
        f.debug_struct("Credentials")
            .field("auth", &self.auth)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

/// Reads one secret: its text, a line without its end.
pub async fn read_secret(secret: &Secret, env: EnvLookup) -> Result<SecretString, CredentialError> {
    let (value, whence) = match secret {
        Secret::Inline(value) => (value.clone(), "the configuration".to_owned()),
        Secret::Env(name) => {
            let value = env(name).ok_or_else(|| CredentialError {
                what: format!("environment variable {name} is not set"),
                mend: format!("export {name} before starting, or use a file or a command"),
            })?;
            (value, format!("environment variable {name}"))
        }
        Secret::File(path) => (read_file(path).await?, format!("{}", path.display())),
        Secret::Command(argv) => {
            let program = argv.first().map_or("", String::as_str);
            (run(argv).await?, format!("command {program}"))
        }
    };
    let value = value.trim_end_matches(['\r', '\n']);
    if value.is_empty() {
        return Err(CredentialError {
            what: format!("{whence} holds an empty secret"),
            mend: "put the token there, on one line".to_owned(),
        });
    }
    if value.chars().any(char::is_control) {
        return Err(CredentialError {
            what: format!("the secret from {whence} has a line break or control character in it"),
            mend: "it must be one line of text".to_owned(),
        });
    }
    Ok(SecretString::from(value.to_owned()))
}

async fn read_file(path: &Path) -> Result<String, CredentialError> {
    let failed = |why: String| CredentialError {
        what: format!("secret file {}: {why}", path.display()),
        mend: "check that it exists and that you may read it".to_owned(),
    };
    let file = tokio::fs::File::open(path)
        .await
        .map_err(|e| failed(e.to_string()))?;
    let mut bytes = Vec::new();
    file.take(SECRET_CAP + 1)
        .read_to_end(&mut bytes)
        .await
        .map_err(|e| failed(e.to_string()))?;
    text_of(bytes).map_err(failed)
}

fn text_of(bytes: Vec<u8>) -> Result<String, String> {
    if u64::try_from(bytes.len()).is_ok_and(|len| len > SECRET_CAP) {
        return Err("more than 64 KiB, which is no token".to_owned());
    }
    String::from_utf8(bytes).map_err(|_| "is not text".to_owned())
}

async fn run(argv: &[String]) -> Result<String, CredentialError> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(CredentialError {
            what: "the secret's command is empty".to_owned(),
            mend: "name a program, as in [\"pass\", \"show\", \"prom\"]".to_owned(),
        });
    };
    let failed = |why: String| CredentialError {
        what: format!("secret command {program}: {why}"),
        mend: "run it in a shell and see what it prints; only its standard output is used".to_owned(),
    };
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        // No prompt can appear in the middle of the screen.
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| failed(e.to_string()))?;
    let stdout = child.stdout.take();
    let read = async {
        let mut bytes = Vec::new();
        if let Some(stdout) = stdout {
            stdout.take(SECRET_CAP + 1).read_to_end(&mut bytes).await?;
        }
        Ok::<_, std::io::Error>((bytes, child.wait().await?))
    };
    let (bytes, status) = tokio::time::timeout(COMMAND_LIMIT, read)
        .await
        .map_err(|_| failed(format!("gave nothing within {} s", COMMAND_LIMIT.as_secs())))?
        .map_err(|e| failed(e.to_string()))?;
    if !status.success() {
        return Err(failed(format!("ended with {status}")));
    }
    text_of(bytes).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        (name == "PROM_TOKEN").then(|| "tok-en".to_owned())
    }

    fn credentials(auth: Auth, headers: Vec<(String, Secret)>) -> Credentials {
        Credentials::new(auth, headers, env)
    }

    async fn header(credentials: &Credentials, name: &str) -> String {
        let held = credentials.held().await.expect("readable");
        held.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.expose_secret().to_owned())
            .expect("the header")
    }

    #[tokio::test]
    async fn each_scheme_makes_its_header() {
        let token = || Secret::Env("PROM_TOKEN".into());
        let cases = [
            (Auth::Bearer(token()), "Bearer tok-en"),
            (Auth::Token(token()), "Token token=tok-en"),
            (
                Auth::Basic {
                    user: "u".into(),
                    password: token(),
                },
                "Basic dTp0b2stZW4=",
            ),
        ];
        for (auth, line) in cases {
            assert_eq!(header(&credentials(auth, vec![]), "authorization").await, line);
        }
    }

    #[tokio::test]
    async fn a_file_that_changes_is_seen_when_read_again() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("token");
        std::fs::write(&path, "first\n").expect("written");
        let credentials = credentials(Auth::Bearer(Secret::File(path.clone())), vec![]);
        assert_eq!(header(&credentials, "authorization").await, "Bearer first");
        assert_eq!(credentials.reread().await, Ok(Reread::Same));
        std::fs::write(&path, "second\n").expect("written");
        assert_eq!(header(&credentials, "authorization").await, "Bearer first");
        assert_eq!(credentials.reread().await, Ok(Reread::Changed));
        assert_eq!(header(&credentials, "authorization").await, "Bearer second");
    }

    #[tokio::test]
    async fn a_command_gives_its_standard_output() {
        let argv = ["sh", "-c", "echo noise >&2; echo s3cret"]
            .map(str::to_owned)
            .to_vec();
        let credentials = credentials(Auth::Bearer(Secret::Command(argv)), vec![]);
        assert_eq!(header(&credentials, "authorization").await, "Bearer s3cret");
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_named_and_never_shown() {
        let sh = |script: &str| Secret::Command(["sh", "-c", script].map(str::to_owned).to_vec());
        let cases = [
            (Secret::Env("NOT_SET".into()), "NOT_SET is not set"),
            (Secret::File("/nonexistent/token".into()), "/nonexistent/token"),
            (
                sh("echo leaked; exit 3"),
                "secret command sh: ended with exit status: 3",
            ),
            (sh("true"), "empty"),
            (sh("printf 'leaked\\nx'"), "line break"),
            (
                Secret::Command(vec!["/nonexistent/program".into()]),
                "/nonexistent/program",
            ),
        ];
        for (secret, words) in cases {
            let credentials = credentials(Auth::Bearer(secret), vec![]);
            let error = credentials.held().await.err().expect("a failure");
            assert!(error.to_string().contains(words), "{error}");
            assert!(!error.mend.is_empty());
            assert!(!format!("{error:?}{credentials:?}").contains("leaked\n"));
        }
    }

    #[tokio::test]
    async fn debug_shows_references_only() {
        let credentials = credentials(
            Auth::Bearer(Secret::Env("PROM_TOKEN".into())),
            vec![("X-Api-Key".into(), Secret::Inline("inline-key".into()))],
        );
        credentials.held().await.expect("readable");
        let shown = format!("{credentials:?}");
        assert!(
            !shown.contains("tok-en") && !shown.contains("inline-key"),
            "{shown}"
        );
        assert!(shown.contains("PROM_TOKEN"));
    }
}
