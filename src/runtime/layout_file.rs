//! The remembered layout: a few lines of TOML in the state directory. Losing it costs nothing, so every
//! failure is quiet.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::app::focus::{Layout, PaneId, Zoom};

fn path(state_dir: &Path) -> PathBuf {
    state_dir.join("layout.toml")
}

/// The layout as it was left, or the default.
pub fn load(state_dir: Option<&Path>) -> Layout {
    let text = state_dir
        .and_then(|dir| std::fs::read_to_string(path(dir)).ok())
        .unwrap_or_default();
    parse(&text)
}

/// Keeps the layout for the next time.
pub fn save(state_dir: &Path, layout: &Layout) -> std::io::Result<()> {
    std::fs::create_dir_all(state_dir)?;
    // Written beside and renamed: a console that dies in between leaves the old one.
    let beside = state_dir.join("layout.toml.new");
    std::fs::write(&beside, render(layout))?;
    std::fs::rename(beside, path(state_dir))
}

fn render(layout: &Layout) -> String {
    let hidden: Vec<String> = layout
        .hidden
        .iter()
        .map(|pane| pane.number().to_string())
        .collect();
    let zoom = layout.zoom == Zoom::Yes;
    format!(
        "zoom = {zoom}\nhidden = [{}]\nslo_share = {}\n",
        hidden.join(", "),
        layout.slo_share
    )
}

fn parse(text: &str) -> Layout {
    let mut layout = Layout::default();
    let Ok(table) = text.parse::<toml::Table>() else {
        return layout;
    };
    if table.get("zoom").and_then(toml::Value::as_bool) == Some(true) {
        layout.zoom = Zoom::Yes;
    }
    if let Some(share) = table.get("slo_share").and_then(toml::Value::as_integer) {
        layout.slo_share = u16::try_from(share.clamp(20, 80)).unwrap_or(layout.slo_share);
    }
    let hidden: BTreeSet<PaneId> = table
        .get("hidden")
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(toml::Value::as_integer)
        .filter_map(|number| {
            PaneId::ALL
                .into_iter()
                .find(|pane| i64::from(pane.number()) == number)
        })
        .collect();
    if hidden.len() < PaneId::ALL.len() {
        layout.hidden = hidden;
    }
    layout
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_comes_back_as_it_was_left() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout {
            zoom: Zoom::Yes,
            hidden: BTreeSet::from([PaneId::Slo]),
            slo_share: 60,
        };
        save(dir.path(), &layout).unwrap();
        assert_eq!(load(Some(dir.path())), layout);
    }

    #[test]
    fn a_damaged_layout_is_the_default_and_never_hides_every_pane() {
        assert_eq!(parse("zoom = 3 ]["), Layout::default());
        assert_eq!(
            parse("hidden = [1, 2]\nslo_share = 900"),
            Layout {
                slo_share: 80,
                ..Layout::default()
            }
        );
        assert_eq!(load(None), Layout::default());
    }
}
