//! The keymap as people and scripts read it: `midwatch keys`, its JSON, and README's table.
//!
//! Everything comes from the action table and the loaded keymap, so that no page about keys can be wrong.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::chord::display_sequence;
use super::{Binding, Doubt, Keymap, SHELF, Shadow, load};
use crate::action::{Action, Impact, Place, TABLE};
use crate::text::{fit, width};
use crate::theme::Glyphs;

/// What `midwatch keys --json` prints: every action with its keys, and keys that hide others.
pub fn document(keymap: &Keymap) -> Value {
    let actions: Vec<Value> = TABLE
        .iter()
        .map(|row| {
            json!({
                "action": row.action.name(),
                "title": row.title,
                "doc": row.doc,
                "place": row.place.name(),
                "acts": row.impact != Impact::View,
                "keys": places_and_keys(keymap, row.action),
            })
        })
        .collect();
    let shadows: Vec<Value> = keymap
        .surprises()
        .iter()
        .map(|shadow| json!({ "inner": line(&shadow.inner), "outer": line(&shadow.outer) }))
        .collect();
    json!({
        "keymap": keymap.name,
        "known": SHELF.names().collect::<Vec<_>>(),
        "actions": actions,
        "shadows": shadows,
        "doubts": keymap.doubts().iter().map(doubt).collect::<Vec<_>>(),
    })
}

fn places_and_keys(keymap: &Keymap, action: Action) -> Vec<Value> {
    keymap
        .bindings()
        .iter()
        .filter(|binding| binding.action == action)
        .map(|binding| json!({ "keys": display_sequence(&binding.keys), "place": binding.place.name() }))
        .collect()
}

fn line(binding: &Binding) -> Value {
    json!({
        "place": binding.place.name(),
        "keys": display_sequence(&binding.keys),
        "action": binding.action.name(),
        "said_in": binding.said.to_string(),
    })
}

fn doubt(doubt: &Doubt) -> Value {
    json!({
        "place": doubt.place.name(),
        "keys": doubt.keys,
        "action": doubt.action.name(),
        "said_in": doubt.said.to_string(),
        "why": doubt.why,
    })
}

/// What `midwatch keys` prints: one line an action, by place.
pub fn text(keymap: &Keymap) -> String {
    let keys: Vec<String> = TABLE
        .iter()
        .map(|row| keymap.keys_for(row.action).join("  "))
        .collect();
    let key_width = keys.iter().map(|k| width(k)).max().unwrap_or(0);
    let name_width = TABLE.iter().map(|row| row.name.len()).max().unwrap_or(0);
    let mut out = format!("keymap {}\n", keymap.name);
    for place in Place::ALL {
        let rows: Vec<_> = TABLE
            .iter()
            .zip(&keys)
            .filter(|(row, _)| row.place == place)
            .collect();
        if rows.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n[{}]", place.name()); // writing to a String cannot fail
        for (row, keys) in rows {
            let shown = if keys.is_empty() { ":" } else { keys };
            let _ = writeln!(
                out,
                "{}  {}  {}",
                fit(shown, key_width),
                fit(row.name, name_width),
                row.doc
            );
        }
    }
    let shadows = keymap.surprises();
    if !shadows.is_empty() {
        out.push_str("\nhidden where a pane has a key of its own\n");
        for Shadow { inner, outer } in shadows {
            let _ = writeln!(
                out,
                "in [{}] `{}` is {} ({}), not {} ({})",
                inner.place.name(),
                display_sequence(&inner.keys),
                inner.action,
                inner.said,
                outer.action,
                outer.said
            );
        }
    }
    let doubts = keymap.doubts();
    if !doubts.is_empty() {
        out.push_str("\nmay never arrive\n");
        for doubt in doubts {
            let _ = writeln!(out, "{doubt}");
        }
    }
    out
}

/// README's table of keys, in Markdown, from the action table and the default keymap.
pub fn readme_table() -> String {
    let keymap = load("default", None).unwrap_or_default();
    let mut out = String::from("| key | action | does |\n| --- | --- | --- |\n");
    for row in TABLE {
        let mut keys: Vec<String> = keymap
            .bindings()
            .iter()
            .filter(|binding| binding.action == row.action)
            .map(|binding| {
                format!(
                    "`{}`",
                    super::label(&binding.keys, Glyphs::Unicode).replace('|', "\\|")
                )
            })
            .collect();
        // One that holds in several places is one key.
        keys.dedup();
        let shown = if keys.is_empty() {
            "`:`".to_owned()
        } else {
            keys.join(" ")
        };
        let doc = row.doc.trim_end_matches('.');
        let _ = writeln!(out, "| {shown} | `{}` | {doc} |", row.name); // writing to a String cannot fail
    }
    out
}
