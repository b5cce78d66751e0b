//! Keys as people have them: arrows alone, keymaps of their own also over the panes, sequences that say what may follow.

use std::sync::Arc;

use midwatch::action::{Action, Impact, Place};
use midwatch::app::focus::PaneId;
use midwatch::app::modal::Modal;
use midwatch::app::toast::Level;
use midwatch::app::{Model, Msg};
use midwatch::keymap;
use midwatch::outbox::State;
use midwatch::theme::{self, ColorDepth, Glyphs, Means};
use midwatch::view;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::fixtures::{self as shop, incidents, press, size, tell, type_text};

/// The screen as text.
pub fn screen(model: &Model) -> Vec<String> {
    let means = Means {
        depth: ColorDepth::None,
        glyphs: Glyphs::Unicode,
    };
    let theme = theme::load("midwatch", None, means).unwrap();
    let mut buffer = Buffer::empty(Rect::new(0, 0, model.size.width, model.size.height));
    view::draw(model, &theme, shop::now(), &mut buffer);
    let row = |y| {
        (0..buffer.area.width)
            .map(|x| buffer[(x, y)].symbol())
            .collect::<String>()
    };
    (0..buffer.area.height)
        .map(|y| row(y).trim_end().to_owned())
        .collect()
}

fn bar(model: &Model) -> String {
    screen(model).pop().unwrap()
}

fn said(model: &Model) -> String {
    model
        .toasts
        .current()
        .map(|toast| toast.text.clone())
        .unwrap_or_default()
}

fn on(pane: PaneId, mut model: Model) -> Model {
    shop::focus(&mut model, pane);
    model
}

fn pressed(mut model: Model, keys: &str) -> Model {
    press(&mut model, keys);
    model
}

type Build = fn(u16, u16) -> Model;

fn trace(w: u16, h: u16) -> Model {
    shop::waterfalls::opened(size(w, h), &shop::waterfalls::story())
}

fn by_name(mut model: Model, name: &str) -> Model {
    press(&mut model, ":");
    type_text(&mut model, name);
    press(&mut model, "enter");
    model
}

fn escalating(w: u16, h: u16) -> Model {
    let mut model = pressed(on(PaneId::Incident, shop::shop(size(w, h))), "e");
    let (incident, result) = (incidents::checkout().id, Ok(incidents::ladder().into()));
    tell(&mut model, Msg::LadderFetched { incident, result });
    model
}

fn outbox(w: u16, h: u16) -> Model {
    let mut model = on(PaneId::Incident, shop::shop(size(w, h)));
    let entries = [(17, State::Pending), (18, State::NeedsDecision)];
    let entries = entries.map(|(id, state)| incidents::escalation(id, 40, state));
    tell(&mut model, incidents::outbox(entries.into()));
    pressed(model, "U")
}

/// Every pane, page and layer that there is, as somebody finds it.
fn everywhere() -> Vec<(&'static str, Build)> {
    use shop::logs::reading;
    use shop::shop as shopped;
    use shop::tracelist::listed;
    vec![
        ("pane slo", |w, h| shopped(size(w, h))),
        ("pane alerts", |w, h| on(PaneId::Alerts, shopped(size(w, h)))),
        ("pane incident", |w, h| on(PaneId::Incident, shopped(size(w, h)))),
        ("pane logs", |w, h| on(PaneId::Logs, reading(size(w, h)))),
        ("pane traces", |w, h| on(PaneId::Traces, listed(size(w, h)))),
        ("detail slo", |w, h| pressed(shopped(size(w, h)), "enter")),
        ("detail alert", |w, h| {
            pressed(on(PaneId::Alerts, shopped(size(w, h))), "right down enter")
        }),
        ("detail silences", |w, h| pressed(shopped(size(w, h)), "S")),
        ("detail log line", |w, h| {
            pressed(on(PaneId::Logs, reading(size(w, h))), "up up enter")
        }),
        ("detail patterns", |w, h| {
            pressed(on(PaneId::Logs, reading(size(w, h))), "P")
        }),
        ("detail trace", trace),
        ("detail span", |w, h| pressed(trace(w, h), "down down enter")),
        ("detail facts", |w, h| pressed(trace(w, h), "P")),
        ("detail comparison", |w, h| shop::tracelist::compared(size(w, h))),
        ("detail graph", |w, h| {
            pressed(on(PaneId::Traces, listed(size(w, h))), "D")
        }),
        ("detail incident", |w, h| {
            pressed(on(PaneId::Incident, shopped(size(w, h))), "enter")
        }),
        ("detail outbox", outbox),
        ("detail runbook", |w, h| {
            pressed(on(PaneId::Alerts, shopped(size(w, h))), "right down o")
        }),
        ("detail on call", |w, h| pressed(shopped(size(w, h)), "W")),
        ("detail contexts", |w, h| pressed(shopped(size(w, h)), "X")),
        ("detail query", |w, h| by_name(shopped(size(w, h)), "query up")),
        ("detail hand-over", |w, h| {
            by_name(shopped(size(w, h)), "handoff.write")
        }),
        ("detail case", |w, h| shop::cases::rich(size(w, h))),
        ("layer help", |w, h| pressed(shopped(size(w, h)), "?")),
        ("layer health", |w, h| pressed(shop::stale(size(w, h)), "H")),
        ("layer palette", |w, h| pressed(shopped(size(w, h)), ":")),
        ("layer prompt", |w, h| {
            pressed(on(PaneId::Alerts, shopped(size(w, h))), "/")
        }),
        ("layer menu", |w, h| {
            pressed(on(PaneId::Alerts, shopped(size(w, h))), "y")
        }),
        ("layer composer", |w, h| {
            pressed(on(PaneId::Alerts, shopped(size(w, h))), "s")
        }),
        ("layer note", |w, h| {
            pressed(on(PaneId::Incident, shopped(size(w, h))), "n")
        }),
        ("layer declaration", |w, h| {
            pressed(on(PaneId::Alerts, shopped(size(w, h))), "i")
        }),
        ("layer question", |w, h| {
            pressed(on(PaneId::Incident, shopped(size(w, h))), "r")
        }),
        ("layer list", escalating),
    ]
}

#[test]
fn arrows_enter_esc_and_tab_do_something_everywhere_and_lead_back_from_everywhere() {
    let mut wrong = Vec::new();
    for (w, h) in [(80, 24), (40, 10)] {
        for (name, build) in everywhere() {
            let model = build(w, h);
            let opened = match name.split_once(' ').unwrap().0 {
                "detail" => model.detail().is_some() && model.modal.is_none(),
                "layer" => model.modal.is_some(),
                _ => model.detail().is_none() && model.modal.is_none(),
            };
            if !opened {
                wrong.push(format!("{name} at {w}x{h} is not what is open: {}", said(&model)));
                continue;
            }
            let (details, was_modal) = (model.details.len(), model.modal.is_some());
            for key in [
                "down",
                "up",
                "right",
                "left",
                "pgdn",
                "pgup",
                "home",
                "end",
                "enter",
                "tab",
                "shift-tab",
            ] {
                let mut model = build(w, h);
                press(&mut model, key);
                let words = said(&model);
                if words.contains("not bound") || words.contains("taken away") {
                    wrong.push(format!("{name} at {w}x{h}: {key}: {words}"));
                }
            }
            // One step back, by one key, again and again, leads to the panes and no further.
            let mut model = model;
            for _ in 0..4 {
                press(&mut model, "esc");
            }
            if model.modal.is_some() || !model.details.is_empty() || model.quitting {
                wrong.push(format!(
                    "{name} at {w}x{h}: esc does not lead back ({details}, {was_modal})"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn arrows_move_in_whatever_has_more_than_fits() {
    for name in [
        "pane slo",
        "pane alerts",
        "pane logs",
        "pane traces",
        "detail slo",
        "detail silences",
        "detail trace",
        "detail comparison",
        "detail incident",
        "detail outbox",
        "detail case",
        "layer help",
        "layer palette",
        "layer menu",
        "layer list",
    ] {
        let all = everywhere();
        let build = all.iter().find(|(known, _)| *known == name).unwrap().1;
        let mut model = build(80, 24);
        // A list may stand at its end, a page at its beginning.
        let before = screen(&model);
        press(&mut model, "down");
        let below = screen(&model);
        press(&mut model, "up");
        press(&mut model, "up");
        let above = screen(&model);
        assert!(
            before != below || below != above,
            "{name} does not move:\n{}",
            before.join("\n")
        );
    }
}

#[test]
fn with_arrows_enter_esc_and_tab_alone_one_gets_from_the_start_into_each_pane_and_what_it_opens() {
    let mut model = shop::shop(size(80, 24));
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..5 {
        seen.insert(model.focus);
        press(&mut model, "down");
        press(&mut model, "right");
        press(&mut model, "enter");
        assert!(
            model.detail().is_some() || model.modal.is_some(),
            "{:?}: {}",
            model.focus,
            said(&model)
        );
        press(&mut model, "esc");
        press(&mut model, "esc");
        assert!(model.detail().is_none() && model.modal.is_none());
        press(&mut model, "tab");
    }
    let all: std::collections::BTreeSet<PaneId> = model.layout.visible().collect();
    assert_eq!(seen, all);
}

/// The shop with a keymap of one's own.
fn with_keys(mut model: Model, text: &str) -> Model {
    let text = format!("inherits = \"default\"\n{text}");
    model.keymap = Arc::new(keymap::parse("own.toml", &text, None).unwrap_or_else(|wrong| panic!("{wrong}")));
    model
}

const OWN: &str = "[dialog]\n\"enter\" = \"none\"\n\"f5\" = \"dialog.accept\"\n\"esc\" = \"none\"\n\"f6\" = \"dialog.leave\"\n\
    \"y\" = \"none\"\n\"j\" = \"dialog.yes\"\n\"down\" = \"none\"\n\"f8\" = \"dialog.down\"\n\"alt-enter\" = \"none\"\n\
    \"ctrl-d\" = \"none\"\n\"f9\" = \"dialog.send\"\n\"tab\" = \"none\"\n\"f7\" = \"dialog.next_field\"\n";

#[test]
fn what_lies_over_the_panes_is_bound_anew_and_what_is_taken_away_does_nothing() {
    let at = size(80, 24);
    // The palette.
    let mut model = with_keys(shop::shop(at), OWN);
    press(&mut model, ":");
    type_text(&mut model, "view.help");
    for gone in ["enter", "esc", "down", "tab"] {
        press(&mut model, gone);
        assert!(matches!(model.modal, Some(Modal::Palette(_))), "{gone}");
        assert!(
            said(&model).contains("not bound here"),
            "{gone}: {}",
            said(&model)
        );
    }
    press(&mut model, "f5");
    assert!(matches!(model.modal, Some(Modal::Help { .. })));
    // A prompt, and what is typed stays text.
    let mut model = with_keys(on(PaneId::Alerts, shop::shop(at)), OWN);
    press(&mut model, "/");
    type_text(&mut model, "jy");
    press(&mut model, "enter");
    assert!(matches!(model.modal, Some(Modal::Prompt(_))));
    press(&mut model, "f5");
    assert_eq!(
        model.alerts.search.as_ref().map(|search| search.text.as_str()),
        Some("jy")
    );
    // A menu.
    press(&mut model, "y f8");
    assert!(matches!(&model.modal, Some(Modal::Menu(menu)) if menu.cursor == 1));
    press(&mut model, "esc");
    assert!(matches!(model.modal, Some(Modal::Menu(_))));
    press(&mut model, "f6");
    assert!(model.modal.is_none());
    // A question: the old yes is none, the new one is, and the words on it are the new ones.
    let mut model = with_keys(on(PaneId::Incident, shop::shop(at)), OWN);
    press(&mut model, "r");
    let asked = screen(&model).join("\n");
    assert!(
        asked.contains("f5 j does it") && asked.contains("f6 n leaves it undone"),
        "{asked}"
    );
    press(&mut model, "y");
    press(&mut model, "enter");
    assert!(matches!(model.modal, Some(Modal::Confirm(_))), "{}", said(&model));
    press(&mut model, "j");
    assert!(
        model.modal.is_none() && !said(&model).contains("left undone"),
        "{}",
        said(&model)
    );
    // A text: enter is a line's end in it, whatever the keymap says of enter elsewhere.
    let mut model = with_keys(on(PaneId::Incident, shop::shop(at)), OWN);
    press(&mut model, "n");
    type_text(&mut model, "one");
    press(&mut model, "enter");
    type_text(&mut model, "two");
    press(&mut model, "alt-enter");
    let Some(Modal::Compose(open)) = &model.modal else {
        panic!("alt-enter is taken away: {}", said(&model));
    };
    assert_eq!(open.written(), "one\ntwo");
    assert!(
        bar(&pressed(
            with_keys(on(PaneId::Incident, shop::shop(at)), OWN),
            "n"
        ))
        .contains("f9 send")
    );
    press(&mut model, "f9");
    assert!(model.modal.is_none());
    // A form.
    let mut model = with_keys(on(PaneId::Alerts, shop::shop(at)), OWN);
    press(&mut model, "s");
    let field = |model: &Model| match &model.modal {
        Some(Modal::Composer(open)) => open.field,
        other => panic!("{other:?}"),
    };
    let before = field(&model);
    press(&mut model, "f7");
    assert_ne!(field(&model), before);
    // The way out that no keymap takes.
    press(&mut model, "ctrl-c");
    assert!(!matches!(model.modal, Some(Modal::Composer(_))));
}

#[test]
fn the_key_that_asked_is_no_answer_whatever_the_keymap_makes_of_it() {
    let keys = "[incident]\n\"f5\" = \"incident.resolve\"\n[dialog]\n\"f5\" = \"dialog.accept\"\n";
    let mut model = with_keys(on(PaneId::Incident, shop::shop(size(80, 24))), keys);
    press(&mut model, "f5");
    press(&mut model, "f5");
    assert!(matches!(model.modal, Some(Modal::Confirm(_))));
    assert!(
        said(&model).contains("the key that asked is no answer"),
        "{}",
        said(&model)
    );
}

#[test]
fn any_key_of_a_pane_is_unbound_and_says_so() {
    let mut model = with_keys(
        on(PaneId::Alerts, shop::shop(size(80, 24))),
        "[alerts]\n\"a\" = false\n[global]\n\"q\" = \"none\"\n",
    );
    let before = model.acts.pending.len();
    press(&mut model, "a");
    assert!(said(&model).contains("a is not bound here"), "{}", said(&model));
    assert_eq!(model.acts.pending.len(), before);
    press(&mut model, "q");
    assert!(!model.quitting);
}

#[test]
fn the_keys_of_flow_control_say_whose_they_are_and_what_does_what_was_meant() {
    let left = "is left to the terminal's flow control";
    for (key, instead) in [("ctrl-s", "/ searches"), ("ctrl-q", "q quits")] {
        let model = pressed(shop::shop(size(120, 40)), key);
        assert_eq!(said(&model), format!("{key} {left} · {instead}"));
    }
}

#[test]
fn a_sequence_says_what_may_follow_at_once_on_every_terminal() {
    let vim = Arc::new(keymap::load("vim", None).unwrap());
    for (w, h) in [(40, 10), (80, 24), (120, 40)] {
        for (name, build) in everywhere() {
            if name.starts_with("layer") {
                continue;
            }
            let mut model = build(w, h);
            model.keymap = Arc::clone(&vim);
            press(&mut model, "ctrl-w");
            let shown = screen(&model).join("\n");
            for follows in [
                "w next pane",
                "W previous pane",
                "o zoom",
                "c hide pane",
                "+ grow pane",
                "- shrink pane",
            ] {
                assert!(shown.contains(follows), "{name} at {w}x{h}: {follows}\n{shown}");
            }
            assert!(bar(&model).contains("ctrl-w …"), "{name} at {w}x{h}");
            press(&mut model, "esc");
            assert!(
                !screen(&model).join("\n").contains("ctrl-w …"),
                "esc leaves the sequence"
            );
        }
    }
}

#[test]
fn every_shipped_keymap_has_the_hints_of_its_own_keys_over_the_panes() {
    for name in keymap::SHELF.names() {
        let mut model = on(PaneId::Incident, shop::shop(size(120, 40)));
        model.keymap = Arc::new(keymap::load(name, None).unwrap());
        press(&mut model, "n");
        let leave = if name == "emacs" {
            "ctrl-g keep as draft"
        } else {
            "esc keep as draft"
        };
        assert!(bar(&model).contains(leave), "{name}: {}", bar(&model));
        press(&mut model, if name == "emacs" { "ctrl-g" } else { "esc" });
        assert!(model.modal.is_none(), "{name}");
    }
}

#[test]
fn every_action_is_in_the_palette_but_those_that_are_pressed_while_something_is_open() {
    let model = pressed(shop::shop(size(80, 24)), ":");
    let Some(Modal::Palette(palette)) = &model.modal else {
        panic!("the palette is open");
    };
    for row in midwatch::action::TABLE {
        let listed = palette.items.iter().any(|item| item.name == row.name);
        let over_the_panes = row.place == midwatch::action::Place::Dialog;
        assert_eq!(listed, !over_the_panes, "{}", row.name);
        // Those are on the help page, with the others.
        if over_the_panes {
            assert!(row.name.starts_with("dialog."));
        }
    }
    // And one that is taken from it says why where it cannot be done, and never nothing.
    for action in shop::actions().filter(|action| action.row().place != midwatch::action::Place::Dialog) {
        let quits = matches!(action, Action::Quit | Action::QuitNow | Action::Suspend);
        let mut model = pressed(shop::calm(size(80, 24)), ":");
        type_text(&mut model, action.name());
        let before = screen(&model);
        press(&mut model, "enter");
        let came = model.modal.is_some() || model.detail().is_some() || !said(&model).is_empty();
        assert!(quits || came || screen(&model) != before, "{}", action.name());
    }
}

#[test]
fn help_names_the_keys_of_hits_though_no_search_is_on() {
    let mut model = shop::shop(size(160, 200));
    press(&mut model, "?");
    let rows = screen(&model);
    let row = rows.iter().find(|row| row.contains("next hit")).unwrap();
    assert!(row.split_whitespace().any(|word| word == "n"), "{row}");
}

#[test]
fn every_line_that_is_typed_names_the_keys_that_hold() {
    let mut seen = std::collections::BTreeSet::new();
    for pane in [PaneId::Alerts, PaneId::Logs, PaneId::Traces, PaneId::Incident] {
        for row in midwatch::action::TABLE {
            if row.impact != Impact::View || row.place == Place::Dialog {
                continue;
            }
            let built = shop::shop_with(shop::logs::with_logs(), size(160, 40));
            let mut model = with_keys(on(pane, built), OWN);
            press(&mut model, ":");
            type_text(&mut model, row.name);
            press(&mut model, "f5");
            if !matches!(model.modal, Some(Modal::Prompt(_))) {
                continue;
            }
            let bar = bar(&model);
            if bar.ends_with("waiting for lines") {
                continue;
            }
            seen.insert(row.name);
            for gone in ["enter ", "esc ", "tab:"] {
                assert!(!bar.contains(gone), "{} on {pane:?}: {bar}", row.name);
            }
            assert!(bar.contains("f5 "), "{} on {pane:?}: {bar}", row.name);
        }
    }
    assert!(seen.len() >= 4, "{seen:?}");
}

#[test]
fn what_is_said_in_passing_names_the_key_that_goes_back() {
    let own =
        "[global]\n\"esc\" = \"none\"\n\"f4\" = \"view.back\"\n\"q\" = \"none\"\n\"f10\" = \"app.quit\"\n";
    let mut model = with_keys(on(PaneId::Alerts, shop::shop(size(120, 40))), own);
    press(&mut model, "f4");
    assert!(said(&model).ends_with("f10 quits"), "{}", said(&model));
    press(&mut model, "H R");
    assert!(
        said(&model).starts_with("close this first (f4)"),
        "{}",
        said(&model)
    );
}

#[test]
fn a_search_in_a_list_counts_what_it_finds() {
    let mut model = on(PaneId::Alerts, shop::shop(size(120, 40)));
    press(&mut model, "/");
    assert!(!bar(&model).contains("hit"), "nothing is sought: {}", bar(&model));
    type_text(&mut model, "checkout");
    let said = bar(&model);
    let hits: usize = said
        .split_once(" hits · enter keeps · esc ends")
        .and_then(|(before, _)| before.rsplit(' ').next()?.parse().ok())
        .unwrap_or_else(|| panic!("{said}"));
    assert!((2..=model.alerts.rows.len()).contains(&hits), "{said}");
    type_text(&mut model, "zzz");
    assert!(bar(&model).contains("no hit · "), "{}", bar(&model));

    let mut model = shop::tracelist::listed(size(120, 40));
    press(&mut model, "/");
    type_text(&mut model, "post");
    assert!(bar(&model).contains(" hit"), "{}", bar(&model));
}

/// A keymap with a sequence of its own for every action, and the sequences with where they hold.
fn every_action_bound() -> (String, Vec<(Place, String)>) {
    let letter = |n: usize| char::from(b'a' + u8::try_from(n).unwrap());
    let rows = midwatch::action::TABLE
        .iter()
        .filter(|row| row.place != Place::Dialog);
    let sequence = |n: usize| format!("f12 {} {}", letter(n / 26), letter(n % 26));
    let bound: Vec<_> = rows.enumerate().map(|(n, row)| (row, sequence(n))).collect();
    let table = |place: &Place| {
        let here = bound.iter().filter(|(row, _)| row.place == *place);
        let lines = here.map(|(row, keys)| format!("\"{keys}\" = \"{}\"\n", row.name));
        format!("[{}]\n{}", place.name(), lines.collect::<String>())
    };
    let text = Place::ALL.iter().map(table).collect();
    (
        text,
        bound.into_iter().map(|(row, keys)| (row.place, keys)).collect(),
    )
}

#[test]
fn no_passing_word_is_cut_whatever_is_asked_for_and_wherever() {
    let (keys, sequences) = every_action_bound();
    let keymap = with_keys(shop::shop(size(80, 24)), &keys).keymap;
    let mut words = std::collections::BTreeSet::new();
    for (name, build) in everywhere() {
        let Some(pane) = name.strip_prefix("pane ") else {
            continue;
        };
        let here = |place: &Place| matches!(place, Place::Global | Place::List) || place.name() == pane;
        for (_, keys) in sequences.iter().filter(|(place, _)| here(place)) {
            let mut model = build(80, 24);
            model.keymap = Arc::clone(&keymap);
            press(&mut model, keys);
            words.insert(said(&model));
        }
    }
    assert!(words.len() > 30, "{words:?}");
    for (w, h) in [(80, 24), (40, 10)] {
        for words in &words {
            let mut model = shop::shop(size(w, h));
            model.toasts.say(Level::Warn, words, shop::now().tick);
            let shown = screen(&model).join(" ");
            let shown: Vec<&str> = shown.split_whitespace().collect();
            assert!(shown.join(" ").contains(words), "{w}x{h}: {words}\n{shown:?}");
        }
    }
}

#[test]
fn a_narrow_palette_says_below_the_names_what_the_chosen_entry_does() {
    let mut model = pressed(shop::shop(size(40, 10)), ":");
    for name in ["view.health", "list.down"] {
        type_text(&mut model, name);
        let Some(Modal::Palette(open)) = &model.modal else {
            panic!("the palette is open");
        };
        let chosen = &open.items[open.hits[open.cursor]];
        assert_eq!(chosen.name, name);
        let rows = screen(&model);
        let bare = |row: &String| row.trim_matches(|c: char| c == '│' || c == ' ').to_owned();
        let shown: Vec<String> = rows.iter().map(bare).collect();
        assert!(shown.join(" ").contains(&chosen.title), "{}", rows.join("\n"));
        press(&mut model, "ctrl-u");
    }
}
