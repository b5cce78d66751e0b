//! `--log-file`: what is asked of backends and how it ended, for whoever looks into midwatch itself.
//!
//! Off unless asked for, and only our own events: what they carry was redacted where it was made, which a
//! library's are not. Start at [`start`].

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

use super::{CliError, Globals};

/// Writes what was logged until it is dropped.
#[must_use]
pub struct Log {
    _writer: Option<WorkerGuard>,
}

/// Begins to log where that is asked for; `-v` says more, twice everything.
pub fn start(globals: &Globals) -> Result<Log, CliError> {
    let Some(path) = &globals.log_file else {
        return Ok(Log { _writer: None });
    };
    let file = open(path).map_err(|error| {
        let path = path.display();
        CliError::Usage(format!(
            "--log-file {path}: {error}; name a file that you may write"
        ))
    })?;
    let level = match globals.verbose {
        0 => "midwatch=info",
        1 => "midwatch=debug",
        _ => "midwatch=trace",
    };
    let (writer, guard) = tracing_appender::non_blocking(file);
    // Only fails where one is set already, which then stays.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level))
        .with_ansi(false)
        .with_writer(writer)
        .try_init();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "midwatch begins");
    Ok(Log { _writer: Some(guard) })
}

/// Appends; a new file is its owner's alone.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
