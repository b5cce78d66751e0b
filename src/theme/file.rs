//! One theme file: TOML → what it says, with every mistake in it.
//!
//! A file has `inherits`, `appearance`, `[palette]` (name → colour) and `[roles]` (role or group of roles →
//! style). Colour names are checked here against the palette so far, which is why `load` reads parents first.

use std::collections::BTreeMap;
use std::ops::Range;

use ratatui::style::{Color, Modifier};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::depth::NAMED;
use super::{Appearance, Role};
use crate::problem::{Problem, Source, did_you_mean};
use crate::shelf::{Row, rows};

/// Palette: name → colour.
pub(super) type Palette = BTreeMap<String, Color>;

/// A style as written; colours by palette name stay names, so that an heir's palette reaches its parent's roles.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct RawStyle {
    pub(super) fg: Option<RawColor>,
    pub(super) bg: Option<RawColor>,
    pub(super) attributes: Modifier,
}

/// A colour as written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum RawColor {
    Is(Color),
    Named(String),
}

/// What one file says.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) appearance: Option<Appearance>,
    pub(super) palette: Palette,
    pub(super) roles: BTreeMap<String, RawStyle>,
    pub(super) problems: Vec<Problem>,
}

/// The parent a file names, read before the rest because the rest is checked against it.
pub(super) fn parent(source: Source) -> Result<Option<(String, Range<usize>)>, Problem> {
    let (root, _) = DeTable::parse_recoverable(source.text);
    let Some(value) = root.get_ref().get("inherits") else {
        return Ok(None);
    };
    match value.get_ref() {
        DeValue::String(name) => Ok(Some((name.to_string(), value.span()))),
        _ => Err(source.problem(
            &value.span(),
            "`inherits` is not a text",
            "write the name of a theme: inherits = \"midwatch\"",
        )),
    }
}

/// Reads a file to its end, whatever is wrong with it.
pub(super) fn read(source: Source, inherited: &Palette) -> File {
    let (root, errors) = DeTable::parse_recoverable(source.text);
    let mut file = File {
        problems: errors.iter().map(|e| source.syntax(e)).collect(),
        ..File::default()
    };
    // The palette first, wherever it stands: roles refer to it.
    if let Some((_, value)) = root.get_ref().iter().find(|(key, _)| key.get_ref() == "palette") {
        read_palette(source, value, &mut file);
    }
    let mut known = inherited.clone();
    known.extend(file.palette.clone());
    for (key, value) in root.get_ref() {
        match key.get_ref().as_ref() {
            "inherits" | "palette" => {}
            "appearance" => match value.get_ref() {
                DeValue::String(word) if word == "dark" => file.appearance = Some(Appearance::Dark),
                DeValue::String(word) if word == "light" => file.appearance = Some(Appearance::Light),
                _ => file.problems.push(source.problem(
                    &value.span(),
                    "`appearance` is neither dark nor light",
                    "write \"dark\" or \"light\": the background it is made for",
                )),
            },
            "roles" => read_roles(source, value, &known, &mut file),
            name => file.problems.push(source.problem(
                &key.span(),
                format!("a theme has no `{name}`"),
                did_you_mean(name, ["inherits", "appearance", "palette", "roles"]),
            )),
        }
    }
    file.problems.sort_by_key(|problem| problem.at);
    file
}

fn read_palette(source: Source, value: &Spanned<DeValue>, file: &mut File) {
    let Some(table) = table(
        source,
        value,
        "palette",
        "accent = \"#87afff\"",
        &mut file.problems,
    ) else {
        return;
    };
    for (name, value) in table {
        if NAMED.iter().any(|(known, _)| *known == name.get_ref()) {
            file.problems.push(source.problem(
                &name.span(),
                format!("`{}` is already the name of a terminal's colour", name.get_ref()),
                "give the palette's colour a name of its own",
            ));
            continue;
        }
        let color = match value.get_ref() {
            DeValue::String(text) => literal(text).unwrap_or_else(|| Err(format!("`{text}` is no colour"))),
            _ => Err("a palette's colour is a text".to_owned()),
        };
        match color {
            Ok(color) => {
                file.palette.insert(name.get_ref().to_string(), color);
            }
            Err(what) => {
                file.problems.push(source.problem(&value.span(), what, COLOURS));
                // The name stays known: one mistake is reported once.
                file.palette.insert(name.get_ref().to_string(), Color::Reset);
            }
        }
    }
}

const COLOURS: &str = "write #rrggbb, #rgb, ansi:0 to ansi:255, a name such as bright-red, or default";

fn read_roles(source: Source, value: &Spanned<DeValue>, palette: &Palette, file: &mut File) {
    let Some(table) = table(
        source,
        value,
        "roles",
        "\"severity.critical\" = \"red\"",
        &mut file.problems,
    ) else {
        return;
    };
    for (name, value) in table {
        let style = match value.get_ref() {
            DeValue::Table(fields) => read_style(source, fields, palette, &mut file.problems),
            _ => RawStyle {
                fg: read_color(source, value, palette, &mut file.problems),
                ..RawStyle::default()
            },
        };
        if is_role_or_group(name.get_ref()) {
            file.roles.insert(name.get_ref().to_string(), style);
        } else {
            let names = Role::ALL.iter().map(|role| role.name());
            let mend = match crate::problem::nearest(name.get_ref(), names) {
                Some(candidate) => format!("did you mean `{candidate}`?"),
                None => "`midwatch themes` lists every role".to_owned(),
            };
            let what = format!("no role is called `{}`", name.get_ref());
            file.problems.push(source.problem(&name.span(), what, mend));
        }
    }
}

/// `severity` stands for every `severity.…` that has no style of its own.
fn is_role_or_group(name: &str) -> bool {
    Role::ALL.iter().any(|role| {
        let own = role.name();
        own == name || own.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
    })
}

fn read_style(source: Source, fields: &DeTable, palette: &Palette, problems: &mut Vec<Problem>) -> RawStyle {
    const ATTRIBUTES: [(&str, Modifier); 5] = [
        ("bold", Modifier::BOLD),
        ("dim", Modifier::DIM),
        ("italic", Modifier::ITALIC),
        ("underline", Modifier::UNDERLINED),
        ("reverse", Modifier::REVERSED),
    ];
    let mut style = RawStyle::default();
    for (key, value) in fields {
        let name = key.get_ref().as_ref();
        if name == "fg" {
            style.fg = read_color(source, value, palette, problems);
        } else if name == "bg" {
            style.bg = read_color(source, value, palette, problems);
        } else if let Some((_, attribute)) = ATTRIBUTES.iter().find(|(known, _)| *known == name) {
            match value.get_ref() {
                DeValue::Boolean(true) => style.attributes |= *attribute,
                DeValue::Boolean(false) => {}
                _ => problems.push(source.problem(
                    &value.span(),
                    format!("`{name}` is neither true nor false"),
                    format!("write {name} = true"),
                )),
            }
        } else {
            problems.push(source.problem(
                &key.span(),
                format!("a style has no `{name}`"),
                did_you_mean(
                    name,
                    ["fg", "bg", "bold", "dim", "italic", "underline", "reverse"],
                ),
            ));
        }
    }
    style
}

fn read_color(
    source: Source,
    value: &Spanned<DeValue>,
    palette: &Palette,
    problems: &mut Vec<Problem>,
) -> Option<RawColor> {
    let DeValue::String(text) = value.get_ref() else {
        problems.push(source.problem(&value.span(), "a colour is a text", COLOURS));
        return None;
    };
    match literal(text) {
        Some(Ok(color)) => Some(RawColor::Is(color)),
        Some(Err(what)) => {
            problems.push(source.problem(&value.span(), what, COLOURS));
            None
        }
        None if palette.contains_key(text.as_ref()) => Some(RawColor::Named(text.to_string())),
        None => {
            let names = palette
                .keys()
                .map(String::as_str)
                .chain(NAMED.iter().map(|(name, _)| *name));
            let mend = match crate::problem::nearest(text, names) {
                Some(candidate) => format!("did you mean `{candidate}`?"),
                None => format!("name it under [palette], or {COLOURS}"),
            };
            problems.push(source.problem(&value.span(), format!("no colour is called `{text}`"), mend));
            None
        }
    }
}

/// A colour that needs no palette; `None` where the text may be a palette's name.
fn literal(text: &str) -> Option<Result<Color, String>> {
    if let Some(hex) = text.strip_prefix('#') {
        return Some(hex_color(hex).ok_or_else(|| format!("`{text}` is no colour")));
    }
    if let Some(number) = text.strip_prefix("ansi:") {
        return Some(match number.parse::<u8>() {
            Ok(index) => Ok(NAMED
                .get(usize::from(index))
                .map_or(Color::Indexed(index), |(_, named)| *named)),
            Err(_) => Err(format!("`{text}`: the 256 colours go from ansi:0 to ansi:255")),
        });
    }
    let name = match text {
        "default" => return Some(Ok(Color::Reset)),
        "grey" | "gray" => "bright-black",
        other => other,
    };
    NAMED
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, color)| Ok(*color))
}

fn hex_color(hex: &str) -> Option<Color> {
    if !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let number = u32::from_str_radix(hex, 16).ok()?;
    let byte = |shift: u32| (number >> shift & 0xff) as u8;
    let nibble = |shift: u32| (number >> shift & 0xf) as u8 * 17;
    match hex.len() {
        6 => Some(Color::Rgb(byte(16), byte(8), byte(0))),
        3 => Some(Color::Rgb(nibble(8), nibble(4), nibble(0))),
        _ => None,
    }
}

/// The rows of a table in file order, or a problem where it is none.
fn table<'a, 'i>(
    source: Source,
    value: &'a Spanned<DeValue<'i>>,
    name: &str,
    example: &str,
    problems: &mut Vec<Problem>,
) -> Option<Vec<Row<'a, 'i>>> {
    let DeValue::Table(table) = value.get_ref() else {
        problems.push(source.problem(
            &value.span(),
            format!("`{name}` is not a table"),
            format!("write [{name}] and under it lines such as {example}"),
        ));
        return None;
    };
    Some(rows(table))
}
