//! Pictures of the screens: `cargo run --example screens -- DIRECTORY [NAME...]` writes one PNG and one SVG each,
//! `cargo run --example screens -- --story FILE` the demo's story as one SVG that moves.
#![allow(
    missing_docs,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a tool for developers fails by saying so"
)]

mod beside;
#[path = "../suite/fixtures.rs"]
mod fixtures;
mod gallery;
mod render;
mod shapes;
mod story;
mod widgets;

use std::io::Write as _;
use std::path::PathBuf;

use midwatch::theme::Theme;
use ratatui::buffer::Buffer;

/// A screen to picture.
pub struct Screen {
    /// The file's name.
    pub name: String,
    /// What is on it.
    pub buffer: Buffer,
    /// What it was drawn with.
    pub theme: Theme,
}

fn main() -> Result<(), String> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: screens DIRECTORY [NAME...], or screens --story FILE";
    let first = arguments.next().ok_or(usage)?;
    if first == "--story" {
        let dark = gallery::dark();
        let moving = story::svg(&story::frames(&dark), render::terminal_for(&dark));
        return std::fs::write(arguments.next().ok_or(usage)?, moving).map_err(|e| e.to_string());
    }
    let directory = PathBuf::from(first);
    let wanted: Vec<String> = arguments.collect();
    std::fs::create_dir_all(&directory).map_err(|e| e.to_string())?;
    let press = render::Press::new()?;
    let mut out = std::io::stdout();
    let among = |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str()));
    for screen in gallery::screens(among) {
        let svg = render::svg(&screen.buffer, render::terminal_for(&screen.theme));
        let path = directory.join(&screen.name);
        std::fs::write(path.with_extension("png"), press.png(&svg, 1.0)?).map_err(|e| e.to_string())?;
        std::fs::write(path.with_extension("svg"), svg).map_err(|e| e.to_string())?;
        writeln!(out, "{}", path.with_extension("png").display()).map_err(|e| e.to_string())?;
    }
    Ok(())
}
