//! What every key does, from the live keymap: the place that has the keys first, then lists, then everywhere.

use crate::action::{Impact, Place, TABLE};
use crate::app::focus::Detail;
use crate::text::{fit, width};
use crate::theme::Role;
use crate::view::sheet::Sheet;
use crate::view::widget::Piece;
use crate::view::{Scene, hints};

fn heading(place: Place) -> &'static str {
    match place {
        Place::Global => "Everywhere",
        Place::List => "In every list",
        Place::Slo => "SLO burn",
        Place::Alerts => "Alerts",
        Place::Logs => "Logs",
        Place::Patterns => "Log patterns",
        Place::Traces => "Traces",
        Place::Trace => "Trace",
        Place::Silences => "Silences",
        Place::Incident => "Incident",
        Place::Outbox => "Outbox",
        Place::Case => "Case",
        Place::Runbook => "Runbook",
        Place::Search => "While a search is on",
        Place::Dialog => "While something is open",
    }
}

/// What a page within a place is called, where it has keys of its own.
fn headed(scene: Scene, place: Place) -> &'static str {
    match (place, scene.model.detail()) {
        (Place::Trace, Some(Detail::Comparison(_, _))) => "Comparison",
        (Place::Trace, Some(Detail::TraceFacts(_))) => "Facts of the trace",
        (Place::List, Some(Detail::ServiceGraph)) => "Service graph",
        _ => heading(place),
    }
}

/// The page.
pub(super) fn sheet(scene: Scene<'_>, cells: u16) -> Sheet<'_> {
    let here = hints::places(scene.model);
    let rest = Place::ALL.into_iter().filter(|place| !here.contains(place));
    let mut order: Vec<Place> = here.iter().copied().chain(rest).collect();
    // A page's own place may be that of lists.
    order.dedup();
    let sections: Vec<(Place, Vec<Entry>)> = order
        .iter()
        .map(|&place| (place, entries(scene, place)))
        .collect();
    let keys_width = sections
        .iter()
        .flat_map(|(_, entries)| entries)
        .map(|entry| width(&entry.keys))
        .max()
        .unwrap_or(0)
        .min(22);
    let mut sheet = Sheet::default();
    for (place, entries) in sections {
        if entries.is_empty() {
            continue;
        }
        sheet.heading(headed(scene, place));
        for entry in entries {
            entry.lines(&mut sheet, keys_width + 2, usize::from(cells));
        }
    }
    sheet.line(vec![
        Piece::own(fit("ctrl-c", keys_width + 2), Role::Key),
        Piece::word("closes it; twice it always ends midwatch", Role::TextMuted),
    ]);
    sheet
}

struct Entry {
    keys: String,
    title: &'static str,
    doc: &'static str,
    note: &'static str,
}

/// Cells of a title.
const TITLE: usize = 16;

impl Entry {
    /// Keys, title, and the sentence wrapped beside them, or below where it is narrow.
    fn lines(self, sheet: &mut Sheet, keys: usize, cells: usize) {
        let beside = keys + TITLE;
        let roomy = cells >= beside + 24;
        let indent = if roomy { beside } else { keys.min(4) };
        let doc = textwrap::wrap(self.doc, cells.saturating_sub(indent).max(8));
        let mut head = vec![
            Piece::own(fit(&self.keys, keys), Role::Key),
            Piece::own(fit(self.title, TITLE), Role::Text),
        ];
        let mut doc = doc
            .into_iter()
            .map(|line| Piece::own(line.into_owned(), Role::TextMuted));
        if roomy {
            head.extend(doc.next());
        }
        if doc.len() == 0 {
            head.push(Piece::word(self.note, Role::StateStale));
        }
        sheet.line(head);
        let mut rest = doc.peekable();
        while let Some(line) = rest.next() {
            let note = if rest.peek().is_none() { self.note } else { "" };
            sheet.line(vec![
                Piece::own(" ".repeat(indent), Role::Text),
                line,
                Piece::word(note, Role::StateStale),
            ]);
        }
    }
}

fn entries(scene: Scene, place: Place) -> Vec<Entry> {
    let mut places = if place == Place::Dialog {
        vec![place]
    } else {
        vec![place, Place::List, Place::Global]
    };
    // Of the places that hold here, an inner one may hide a key of an outer one.
    let here = hints::places(scene.model);
    if here.contains(&place) {
        places = here;
    }
    places.dedup();
    TABLE
        .iter()
        .filter(|row| row.place == place && crate::app::update::holds(scene.model, row.action))
        .map(|row| {
            let mut keys = scene.model.keymap.labels(&places, row.action, scene.theme.glyphs);
            if keys.is_empty() {
                // What has a key only while a search is on is not without one: its sentence says when.
                let searching = [&[Place::Search][..], &places].concat();
                keys = scene
                    .model
                    .keymap
                    .labels(&searching, row.action, scene.theme.glyphs);
            }
            if place == Place::Dialog {
                // Its long keys must not take the sentences' room; one of them does.
                keys.truncate(1);
            }
            let refused = scene.model.settings.read_only && row.impact != Impact::View;
            Entry {
                keys: if keys.is_empty() {
                    ":".to_owned()
                } else {
                    keys.join(" ")
                },
                title: row.title,
                doc: row.doc,
                note: if refused { " (refused: read-only)" } else { "" },
            }
        })
        .collect()
}
