//! The command palette: everything by name, fuzzy, with its key.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use tui_textarea::TextArea;

use super::traces::whole_id;
use crate::action::TABLE;
use crate::app::Model;
use crate::app::modal::{Command, Palette, PaletteItem};
use crate::backend::traces::read_id;
use crate::text::SafeText;

/// A palette with everything in it.
pub(super) fn open(model: &Model) -> Palette {
    let actions = TABLE.iter().map(|row| PaletteItem {
        command: Command::Run(row.action),
        name: row.name.to_owned(),
        title: row.doc.trim_end_matches('.').to_owned(),
        keys: model.keymap.keys_for(row.action).join(" "),
    });
    let contexts = model
        .settings
        .contexts
        .iter()
        .filter(|name| **name != model.settings.context)
        .map(|name| PaletteItem {
            command: Command::Context(name.clone()),
            name: format!("context {name}"),
            title: "Open this context".to_owned(),
            keys: String::new(),
        });
    let themes = model.settings.themes.iter().map(|name| PaletteItem {
        command: Command::Theme(name.clone()),
        name: format!("theme {name}"),
        title: "Draw with this theme".to_owned(),
        keys: String::new(),
    });
    let board = model.incidents.feed.value();
    let listed = board.map_or(&[][..], |board| board.incidents.as_slice());
    let incidents = listed.iter().map(|incident| {
        let name = match incident.number {
            Some(number) => format!("open #{number}"),
            None => format!("open {}", SafeText::line(&incident.id.0)),
        };
        PaletteItem {
            command: Command::Incident(incident.id.clone()),
            name,
            title: SafeText::line(&incident.title).into_string(),
            keys: String::new(),
        }
    });
    let items: Vec<PaletteItem> = actions.chain(incidents).chain(contexts).chain(themes).collect();
    let hits = (0..items.len()).collect();
    Palette {
        input: TextArea::default(),
        items,
        hits,
        cursor: 0,
    }
}

/// Ranks the entries for what is typed and puts the cursor on the best.
pub(super) fn rank(palette: &mut Palette) {
    let typed = palette.input.lines().join(" ");
    palette
        .items
        .retain(|item| !matches!(item.command, Command::Trace(_)));
    palette.hits = ranked(&palette.items, &typed);
    if let Some(item) = of_trace(&typed) {
        palette.hits.insert(0, palette.items.len());
        palette.items.push(item);
    }
    palette.cursor = 0;
}

/// `trace ID`, or an id alone: the trace with that id.
fn of_trace(typed: &str) -> Option<PaletteItem> {
    let typed = typed.trim();
    let id = match typed.strip_prefix("trace ") {
        Some(id) => read_id(id),
        None => whole_id(typed),
    }?;
    Some(PaletteItem {
        command: Command::Trace(id),
        name: "trace".to_owned(),
        title: format!("Open trace {id}"),
        keys: String::new(),
    })
}

/// Indices of the entries that match, best first; all of them in order where nothing is typed.
pub fn ranked(items: &[PaletteItem], typed: &str) -> Vec<usize> {
    if typed.trim().is_empty() {
        return (0..items.len()).collect();
    }
    // `:q` and friends, as every hand types them.
    let typed = match typed.trim() {
        "q" | "quit" | "exit" => "app.quit",
        "h" => "view.help",
        "annotate" => "incident.note",
        "hand over" | "handover" | "hand-over" => "handoff",
        other => other,
    };
    let pattern = Pattern::parse(typed, CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut buffer = Vec::new();
    let mut scored: Vec<(u32, usize)> = items
        .iter()
        .enumerate()
        .filter_map(|(index, item)| {
            let name = pattern.score(Utf32Str::new(&item.name, &mut buffer), &mut matcher);
            let title = pattern.score(Utf32Str::new(&item.title, &mut buffer), &mut matcher);
            // A hit in the name counts double: names are what is typed from memory; and most of all the
            // action whose own word opens with it (`sil` means `alerts.silence` before `silences.extend`).
            let own = item.name.rsplit(['.', ' ']).next().unwrap_or_default();
            // After those what stands in a family of that name (`hand` means `handoff.write` as well).
            let typed = typed.to_lowercase();
            let opens = if own.starts_with(&typed) {
                1_000
            } else if item.name.starts_with(&typed) {
                500
            } else {
                0
            };
            let score = name.map(|s| s * 2).max(title)?;
            Some((score + opens, index))
        })
        .collect();
    scored.sort_by_key(|&(score, index)| (std::cmp::Reverse(score), index));
    scored.into_iter().map(|(_, index)| index).collect()
}
