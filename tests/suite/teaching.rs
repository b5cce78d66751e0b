//! What is empty says why, and what helps; what is offered below is for what has the keys.

use midwatch::app::focus::PaneId;
use midwatch::app::{Model, Msg, Settings};

use crate::fixtures::{self as shop, incidents, press, size, type_text};
use crate::keys::screen;

/// Words that help: a key, a command, or what to write where.
const HELPS: [&str; 19] = [
    "asks for all",
    "asks further",
    "takes the filter away",
    "changes the query",
    "cycles what",
    "kept on the disk",
    "is the server running",
    "midwatch init",
    "midwatch doctor",
    "[contexts.",
    "[[contexts.",
    "undoes the scope",
    "changes the filter",
    "changes it",
    "asked again by itself",
    "shows",
    "goes back",
    "opens",
    "declares",
];

fn bare() -> Settings {
    Settings {
        has_metrics: false,
        alertmanagers: Vec::new(),
        writable: Vec::new(),
        incidents: None,
        ..shop::settings()
    }
}

fn on(pane: PaneId, mut model: Model) -> Model {
    shop::focus(&mut model, pane);
    model
}

fn filtered(pane: PaneId, mut model: Model) -> Model {
    shop::focus(&mut model, pane);
    press(&mut model, "&");
    type_text(&mut model, "nothing-is-called-so");
    press(&mut model, "enter");
    model
}

/// Every pane with nothing in it, in each way that happens.
fn empties() -> Vec<(&'static str, Model)> {
    let at = size(80, 24);
    let opened = |keys: &str| {
        let mut model = shop::calm(at);
        press(&mut model, keys);
        model
    };
    let no_incident = |mut model: Model| {
        shop::tell(&mut model, Msg::IncidentsFetched(incidents::listed(Vec::new())));
        model
    };
    vec![
        (
            "slo without a backend",
            on(PaneId::Slo, shop::silent_with(bare(), at)),
        ),
        ("slo that failed", on(PaneId::Slo, shop::failed(at))),
        ("slo filtered", filtered(PaneId::Slo, shop::shop(at))),
        (
            "alerts without a backend",
            on(PaneId::Alerts, shop::silent_with(bare(), at)),
        ),
        ("alerts that failed", on(PaneId::Alerts, shop::deaf(at))),
        (
            "incidents, none",
            no_incident(on(PaneId::Incident, shop::calm(at))),
        ),
        ("incidents filtered", filtered(PaneId::Incident, shop::shop(at))),
        ("traces, none", on(PaneId::Traces, shop::tracelist::none(at))),
        (
            "traces that failed",
            on(PaneId::Traces, shop::tracelist::failed(at)),
        ),
        (
            "traces not asked",
            on(PaneId::Traces, shop::tracelist::not_asked(at)),
        ),
        (
            "traces filtered",
            filtered(PaneId::Traces, shop::tracelist::listed(at)),
        ),
        ("silences", opened("S")),
        ("outbox", opened("U")),
    ]
}

#[test]
fn every_empty_pane_and_page_says_why_it_is_empty_and_what_helps() {
    let mut wrong = Vec::new();
    for (name, model) in empties() {
        let rows = screen(&model);
        // Neither the bars nor the frame are words about what is missing.
        let body = rows[2..rows.len() - 1].join(" ");
        let words: Vec<&str> = body.split_whitespace().filter(|word| word.len() > 1).collect();
        let helps = HELPS.iter().any(|word| words.join(" ").contains(word));
        if words.len() < 6 || !helps {
            wrong.push(format!("{name}:\n{}", rows.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn at_eighty_columns_the_last_row_has_what_matters_for_what_has_the_keys() {
    let at = size(80, 24);
    let shop = || shop::shop(at);
    let mut held = on(PaneId::Incident, shop());
    press(&mut held, "enter");
    let bars = vec![
        (
            "slo",
            on(PaneId::Slo, shop()),
            &["enter open", "t pivot", "? help"][..],
        ),
        (
            "alerts",
            on(PaneId::Alerts, shop()),
            &["a ack", "s silence", "enter open", "? help"],
        ),
        (
            "incident",
            on(PaneId::Incident, shop()),
            &["e escalate", "n note", "enter open", "? help"],
        ),
        ("timeline", held, &["esc back", "e escalate", "n note", "? help"]),
        (
            "logs",
            on(PaneId::Logs, shop::logs::reading(at)),
            &["F follow", "enter open", "/ search", "? help"],
        ),
        (
            "traces",
            on(PaneId::Traces, shop::tracelist::listed(at)),
            &["enter open", "o order", "? help"],
        ),
    ];
    for (name, model, wanted) in bars {
        let bar = screen(&model).pop().unwrap();
        for hint in wanted {
            assert!(bar.contains(hint), "{name}: {hint}: {bar}");
        }
    }
    // What is refused is not offered.
    let read_only = Settings {
        read_only: true,
        ..shop::settings()
    };
    let bar = screen(&on(PaneId::Alerts, shop::shop_with(read_only, at)))
        .pop()
        .unwrap();
    assert!(!bar.contains("a ack") && bar.contains("enter open"), "{bar}");
}
