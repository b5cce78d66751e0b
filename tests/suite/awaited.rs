//! What was asked for and has not been answered: each page says so from the first frame on, and names the key that leaves it.

use midwatch::app::Model;
use midwatch::app::focus::PaneId;

use crate::fixtures::{self as shop, logs::with_logs, press, size, type_text};
use crate::keys::screen;

/// A page that is opened by what is typed into the palette, from a pane.
struct Asked {
    pane: PaneId,
    typed: &'static str,
    /// What its first frame says.
    says: &'static str,
}

const PAGES: [Asked; 9] = [
    asked(PaneId::Alerts, "query up", "asking the metrics backend…"),
    asked(PaneId::Alerts, "handoff.write", "being put together…"),
    asked(PaneId::Alerts, "incident.stats", "being put together…"),
    asked(PaneId::Alerts, "audit.list", "being put together…"),
    asked(PaneId::Incident, "incident.postmortem", "being put together…"),
    asked(PaneId::Alerts, "context.all", "staging waiting"),
    asked(PaneId::Alerts, "case.open", "looking"),
    asked(PaneId::Traces, "traces.graph", "Counting the calls…"),
    asked(PaneId::Alerts, "alerts.runbook", "being read…"),
];

const fn asked(pane: PaneId, typed: &'static str, says: &'static str) -> Asked {
    Asked { pane, typed, says }
}

fn opened(page: &Asked, (w, h): (u16, u16)) -> Model {
    let mut model = match page.pane {
        PaneId::Traces => shop::tracelist::listed(size(w, h)),
        _ => shop::shop_with(with_logs(), size(w, h)),
    };
    shop::focus(&mut model, page.pane);
    press(&mut model, ":");
    type_text(&mut model, page.typed);
    press(&mut model, "enter");
    model
}

#[test]
fn every_page_that_waits_says_so_at_once_and_how_to_leave_it() {
    for page in &PAGES {
        for at in [(80, 24), (120, 40)] {
            let mut model = opened(page, at);
            assert!(model.is_page_awaited(), "{}: {:?}", page.typed, model.detail());
            let rows = screen(&model);
            let has = |words: &str| rows.iter().any(|row| row.contains(words));
            assert!(has(page.says), "{} at {at:?}:\n{}", page.typed, rows.join("\n"));
            let bar = rows.last().cloned().unwrap_or_default();
            assert!(bar.contains("esc back"), "{} at {at:?}: {bar}", page.typed);
            press(&mut model, "esc");
            assert!(!model.is_page_awaited(), "{} is left while it waits", page.typed);
        }
    }
}
