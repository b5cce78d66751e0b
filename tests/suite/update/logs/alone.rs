//! Contexts without a log backend, and those with nothing else.

use midwatch::app::Settings;
use midwatch::app::focus::{Detail, PaneId};
use midwatch::app::logs::LogsAsk;

use super::super::Hand;
use super::reading;
use crate::fixtures::logs::{store, story, tell_lines, with_logs};
use crate::fixtures::{board_of, settings};

#[test]
fn without_a_log_backend_its_key_says_what_to_add() {
    let mut hand = Hand::on(settings(), board_of(Vec::new()));
    hand.press("3");
    hand.assert_said("no log backend is configured; add [contexts.prod-eu.logs]");
    assert_ne!(hand.model.focus, PaneId::Logs);
}

#[test]
fn a_context_without_logs_shows_the_panes_that_another_hid() {
    let layout = midwatch::app::focus::Layout {
        hidden: [PaneId::Slo, PaneId::Alerts, PaneId::Incident].into(),
        ..midwatch::app::focus::Layout::default()
    };
    let keymap = midwatch::keymap::load("default", None).unwrap();
    let without: Settings = settings();
    let model = midwatch::app::Model::new(
        without,
        keymap.into(),
        layout,
        crate::fixtures::size(80, 24),
        crate::fixtures::now(),
    );
    assert!(model.layout.visible().next().is_some());
    assert!(model.layout.shows(model.focus));
}

/// A console on the lines of one file, and nothing else.
fn on_lines_alone() -> Hand {
    let mut hand = Hand::on(
        Settings {
            context: "/var/log/app.log".to_owned(),
            has_metrics: false,
            alertmanagers: Vec::new(),
            writable: Vec::new(),
            incidents: None,
            no_journal: Some("nothing is kept".to_owned()),
            ..with_logs()
        },
        board_of(Vec::new()),
    );
    hand.model.keep_to_lines();
    tell_lines(&mut hand.model, &store(&[story()]), LogsAsk::default());
    hand
}

#[test]
fn where_lines_alone_are_open_everything_else_says_so_and_the_keys_stay_with_them() {
    for keys in [
        "1",
        "2",
        "4",
        "5",
        "tab",
        "S",
        "U",
        ": declare",
        ": escalate",
        ": on call",
    ] {
        let mut hand = on_lines_alone();
        if let Some(command) = keys.strip_prefix(": ") {
            hand.press(":");
            hand.write(command);
            hand.press("enter");
        } else {
            hand.press(keys);
        }
        assert_eq!(
            hand.said(),
            "only the lines of /var/log/app.log are open here: start midwatch without naming lines for all the rest",
            "{keys}"
        );
        assert_eq!(hand.model.focus, PaneId::Logs, "{keys}");
        assert!(
            hand.model.details.is_empty() && hand.model.modal.is_none(),
            "{keys}"
        );
        assert!(hand.effects.is_empty(), "{keys}");
    }
    let mut hand = on_lines_alone();
    hand.press("F");
    hand.press("P");
    assert_eq!(
        hand.model.detail(),
        Some(&Detail::Patterns),
        "what is of lines is there"
    );
}

#[test]
fn a_context_with_little_configured_is_not_taken_for_lines_alone() {
    let mut hand = reading();
    hand.press("1");
    assert_eq!(hand.model.focus, PaneId::Slo);
}
