//! Arguments of what opens the console, or is about midwatch itself.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use clap_complete::Shell;

use crate::time::parse_duration;

/// `demo`
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// Which story is told: `leak`, `calm`, which stands still, or one of those that `drill --list` tells
    #[arg(long, value_name = "NAME")]
    pub scenario: Option<String>,
    /// The same seed makes the same world
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Serve only: one line of JSON says where
    #[arg(long)]
    pub headless: bool,
    /// Begin so far into the story
    #[arg(long, hide = true, value_name = "DURATION", value_parser = parse_duration)]
    pub into: Option<Duration>,
}

/// `doctor`
#[derive(Debug, Clone, Args)]
pub struct DoctorArgs {
    /// Open the console without a terminal, read-only, and say what it costs at rest
    #[arg(long)]
    pub cost: bool,
    /// How long it is watched
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration, default_value = "30s", requires = "cost")]
    pub during: Duration,
}

/// `drill`
#[derive(Debug, Clone, Args)]
pub struct DrillArgs {
    /// Which kind of incident; without it one is drawn, and not told before the end
    #[arg(value_name = "SCENARIO")]
    pub scenario: Option<String>,
    /// The same seed makes the same incident
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Say which kinds there are, and end
    #[arg(long)]
    pub list: bool,
    /// Begin so far into the story
    #[arg(long, hide = true, value_name = "DURATION", value_parser = parse_duration)]
    pub into: Option<Duration>,
    /// Keep the score in a file as well
    #[arg(long, value_name = "FILE")]
    pub keep: Option<PathBuf>,
}

/// `replay`
#[derive(Debug, Clone, Args)]
pub struct ReplayArgs {
    /// The recording
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How fast it is shown; what is shown stays the same
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = speed)]
    pub speed: f64,
    /// Print the screens as text instead, each that differs from the one before
    #[arg(long)]
    pub dump: bool,
    /// Print the screen that stands at each multiple of this
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub every: Option<Duration>,
    /// Print the screen that stands so long after the console opened
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, conflicts_with = "every")]
    pub at: Option<Duration>,
    /// Draw at this size, in columns and rows, rather than at the recorded one
    #[arg(long, value_name = "COLSxROWS", value_parser = cells)]
    pub size: Option<(u16, u16)>,
    /// Of a damaged recording, play what stands before the damage
    #[arg(long)]
    pub partial: bool,
}

/// Reads a pace.
fn speed(text: &str) -> Result<f64, String> {
    let speed = text.trim_end_matches(['x', '×']).parse::<f64>().ok();
    speed
        .filter(|speed| speed.is_finite() && *speed > 0.0)
        .ok_or_else(|| "write a number above 0, as in 2 or 0.5".to_owned())
}

/// Reads a size in cells.
fn cells(text: &str) -> Result<(u16, u16), String> {
    let sides = text.split_once('x');
    let read = sides.and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    read.filter(|(width, height)| (1..=1_000).contains(width) && (1..=1_000).contains(height))
        .ok_or_else(|| "write columns and rows, as in 80x24".to_owned())
}

/// `launch-apart`
#[derive(Debug, Clone, Args)]
pub struct LaunchArgs {
    /// The program's file
    pub program: OsString,
    /// What it is handed
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<OsString>,
}

/// `init`
#[derive(Debug, Clone, Args)]
pub struct InitArgs {
    /// Base URLs of backends, or amtool's configuration file; `-` prints instead of writing. Without any, the
    /// environment and the well-known ports of this host are looked at
    #[arg(value_name = "URL")]
    pub urls: Vec<String>,
    /// Name of the context
    #[arg(long, value_name = "NAME", default_value = "prod")]
    pub name: String,
}

/// `config`
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// `config check|show|path`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum ConfigCommand {
    /// Every mistake at once; no network
    Check,
    /// The effective configuration, secrets as references
    Show,
    /// Which file is used
    Path,
}

/// `completions`
#[derive(Debug, Clone, Args)]
pub struct CompletionsArgs {
    /// For which shell
    pub shell: Shell,
}

/// `man`
#[derive(Debug, Clone, Args)]
pub struct ManArgs {
    /// Write a page for each command into this directory, as packages want them, instead of printing one with all
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}
