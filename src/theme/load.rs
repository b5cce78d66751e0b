//! Finds theme files, follows `inherits`, resolves roles and brings colours down to the terminal's depth.
//!
//! A role without a style takes its group's (`severity.critical` → `severity`), then that of `text`.

use std::collections::BTreeMap;
use std::path::Path;

use ratatui::style::{Modifier, Style};

use super::background::{AUTO, for_background};
use super::depth::reduce;
use super::file::{self, Palette, RawColor, RawStyle};
use super::{Appearance, ColorDepth, Glyphs, Role, Theme};
use crate::problem::{Problem, Problems};
use crate::shelf::{Found, Shelf};

/// Where themes are found.
pub const SHELF: Shelf = Shelf {
    kind: "theme",
    folder: "themes",
    shipped: &[
        ("midwatch", include_str!("../../themes/midwatch.toml")),
        ("light", include_str!("../../themes/light.toml")),
        ("solarized-dark", include_str!("../../themes/solarized-dark.toml")),
        (
            "solarized-light",
            include_str!("../../themes/solarized-light.toml"),
        ),
        ("slate", include_str!("../../themes/slate.toml")),
        ("colorblind", include_str!("../../themes/colorblind.toml")),
        ("high-contrast", include_str!("../../themes/high-contrast.toml")),
        ("ansi16", include_str!("../../themes/ansi16.toml")),
        ("mono", include_str!("../../themes/mono.toml")),
    ],
};

/// What a theme is loaded for: the terminal's means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Means {
    /// Colours it shows.
    pub depth: ColorDepth,
    /// Shapes it shows.
    pub glyphs: Glyphs,
}

/// Loads a theme by name or path, as [`Shelf::find`] finds it; for `auto` the one for dark backgrounds.
pub fn load(name: &str, config_dir: Option<&Path>, means: Means) -> Result<Theme, Problems> {
    let name = match name {
        AUTO => for_background(Appearance::Dark),
        name => name,
    };
    let found = SHELF
        .find(name, config_dir)
        .map_err(|problem| Problems(vec![problem]))?;
    build(&found, config_dir, means)
}

/// Loads a theme from its text; `file` names it in messages.
pub fn parse(file: &str, text: &str, config_dir: Option<&Path>, means: Means) -> Result<Theme, Problems> {
    build(&Found::given(file, text), config_dir, means)
}

/// Files joined, roles still by name.
#[derive(Default)]
struct Joined {
    appearance: Option<Appearance>,
    palette: Palette,
    roles: BTreeMap<String, RawStyle>,
}

fn build(found: &Found, config_dir: Option<&Path>, means: Means) -> Result<Theme, Problems> {
    let mut problems = Vec::new();
    let joined = join(found, config_dir, &mut Vec::new(), &mut problems);
    if !problems.is_empty() {
        return Err(Problems(problems));
    }
    let joined = if means.depth == ColorDepth::None {
        without_colors(joined, config_dir)?
    } else {
        joined
    };
    let theme = Theme::from_styles(&found.name, means.glyphs, |role| {
        resolve(&joined, role, means.depth)
    });
    Ok(theme.made_for(joined.appearance.unwrap_or(Appearance::Dark), means.depth))
}

/// A theme's attributes were chosen to stand beside its colours; without them states would look alike. So where
/// no colour is shown, `mono` stands in, unless the theme has no colours itself.
fn without_colors(joined: Joined, config_dir: Option<&Path>) -> Result<Joined, Problems> {
    if joined
        .roles
        .values()
        .all(|style| style.fg.is_none() && style.bg.is_none())
    {
        return Ok(joined);
    }
    let mono = SHELF
        .find("mono", None)
        .map_err(|problem| Problems(vec![problem]))?;
    let mut problems = Vec::new();
    let mut stand_in = join(&mono, config_dir, &mut Vec::new(), &mut problems);
    stand_in.appearance = joined.appearance;
    if problems.is_empty() {
        Ok(stand_in)
    } else {
        Err(Problems(problems))
    }
}

fn join(
    found: &Found,
    config_dir: Option<&Path>,
    below: &mut Vec<String>,
    problems: &mut Vec<Problem>,
) -> Joined {
    let mut joined = Joined::default();
    below.push(found.file.clone());
    match file::parent(found.source()) {
        Ok(None) => {}
        Ok(Some((parent, span))) => match SHELF.parent_of(found, (&parent, &span), config_dir, below) {
            Ok(next) => joined = join(&next, config_dir, below, problems),
            Err(problem) => problems.push(problem),
        },
        Err(problem) => problems.push(problem),
    }
    let read = file::read(found.source(), &joined.palette);
    problems.extend(read.problems);
    joined.appearance = read.appearance.or(joined.appearance);
    joined.palette.extend(read.palette);
    joined.roles.extend(read.roles);
    joined
}

fn resolve(joined: &Joined, role: Role, depth: ColorDepth) -> Style {
    let mut name = role.name();
    let raw = loop {
        if let Some(style) = joined.roles.get(name) {
            break style;
        }
        name = match name.rsplit_once('.') {
            Some((group, _)) => group,
            None if name == "text" => return Style::default(),
            None => "text",
        };
    };
    let color = |raw: &Option<RawColor>| {
        let color = match raw.as_ref()? {
            RawColor::Is(color) => Some(*color),
            RawColor::Named(name) => joined.palette.get(name).copied(),
        };
        color.and_then(|color| reduce(color, depth))
    };
    Style {
        fg: color(&raw.fg),
        bg: color(&raw.bg),
        add_modifier: raw.attributes,
        sub_modifier: Modifier::empty(),
        ..Style::default()
    }
}
