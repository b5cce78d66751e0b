//! Themes as people and scripts read them: `midwatch themes` and its JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::load::{Means, SHELF, load};
use super::{AUTO, Appearance, ColorDepth, Glyphs, Role, for_background};
use crate::text::fit;

/// What `midwatch themes --json` prints: the shipped themes, and every role with what it is for.
pub fn document() -> Value {
    let themes: Vec<Value> = shipped()
        .map(|(name, appearance)| json!({ "name": name, "appearance": appearance }))
        .collect();
    let roles: Vec<Value> = Role::ALL
        .iter()
        .map(|role| json!({ "role": role.name(), "doc": role.doc() }))
        .collect();
    json!({ "themes": themes, "roles": roles })
}

/// What `midwatch themes` prints.
pub fn text() -> String {
    let mut out = String::from("themes\n");
    for (name, appearance) in shipped() {
        let _ = writeln!(out, "  {}  {appearance}", fit(name, 20)); // writing to a String cannot fail
    }
    let _ = writeln!(
        out,
        "  {}  {} or {}, by the terminal's background",
        fit(AUTO, 20),
        for_background(Appearance::Dark),
        for_background(Appearance::Light)
    );
    out.push_str("\nroles\n");
    for role in Role::ALL {
        let _ = writeln!(out, "  {}  {}", fit(role.name(), 20), role.doc());
    }
    out
}

fn shipped() -> impl Iterator<Item = (&'static str, &'static str)> {
    let means = Means {
        depth: ColorDepth::TrueColor,
        glyphs: Glyphs::Unicode,
    };
    SHELF.names().map(move |name| {
        let appearance = match load(name, None, means).map(|theme| theme.appearance) {
            Ok(Appearance::Light) => "for light backgrounds",
            Ok(Appearance::Dark) | Err(_) => "for dark backgrounds",
        };
        (name, appearance)
    })
}
