//! The tour, from offer to end, in the console itself.

use midwatch::app::Model;
use midwatch::app::focus::PaneId;
use midwatch::app::tour::{STEPS, Stage, Tour};
use midwatch::time::Tick;

use crate::fixtures::{self as shop, press, size, type_text};
use crate::keys::screen;

fn begun(w: u16, h: u16) -> Model {
    let mut model = shop::shop_with(shop::logs::with_logs(), size(w, h));
    press(&mut model, ":");
    type_text(&mut model, "tour");
    press(&mut model, "enter");
    model
}

/// What is said, with its lines joined.
fn step(model: &Model) -> String {
    let rows = screen(model);
    let from = rows.iter().position(|row| row.trim_start().starts_with("tour "));
    from.map_or_else(String::new, |from| rows[from..rows.len() - 1].join(" "))
}

#[test]
fn twelve_keys_lead_through_the_console_on_every_terminal() {
    for (w, h) in [(40, 10), (80, 24), (120, 40), (200, 60)] {
        let mut model = begun(w, h);
        let keys = [
            "2", "down", "enter", "esc", ".", "C", "tab", "/", "enter", ",", ":", "esc",
        ];
        assert_eq!(keys.len(), STEPS.len());
        for (index, key) in keys.into_iter().enumerate() {
            let said = step(&model);
            assert!(
                said.contains(&format!("tour {}/12", index + 1)),
                "{w}x{h} before {key}: {said}"
            );
            let shown = if key == "down" { "↓" } else { key };
            let named = ["j", shown].into_iter().any(|key| said.contains(key));
            assert!(named, "{w}x{h}: step {} names its key {key}: {said}", index + 1);
            let cut = said.ends_with('…') || said.contains("… ");
            assert!(!cut, "{w}x{h}: all of it is in sight: {said}");
            // Another key does what it does, and the tour waits.
            if index == 0 {
                press(&mut model, "H");
                press(&mut model, "esc");
                assert!(step(&model).contains("tour 1/12"));
            }
            if key == "enter" && index == 8 {
                type_text(&mut model, "pool");
            }
            press(&mut model, key);
        }
        assert_eq!(model.tour, Tour::default(), "{w}x{h}");
        let said = model
            .toasts
            .current()
            .map(|toast| toast.text.clone())
            .unwrap_or_default();
        assert!(
            said.contains("that was the tour") && said.contains(":tour"),
            "{said}"
        );
        assert_eq!(step(&model), "", "{w}x{h}: its rows are the panes' again");
    }
}

#[test]
fn esc_leaves_it_where_there_is_nothing_to_go_back_from_and_it_goes_on_there() {
    let mut model = begun(80, 24);
    press(&mut model, "2 down");
    let bar = screen(&model).pop().unwrap();
    assert!(bar.contains("esc leave the tour"), "{bar}");
    assert!(step(&model).contains("tour 3/12"));
    press(&mut model, "esc");
    assert_eq!((model.tour.stage, step(&model).as_str()), (Stage::Off, ""));
    press(&mut model, ":");
    type_text(&mut model, "tour");
    press(&mut model, "enter");
    assert!(step(&model).contains("tour 3/12"), "{}", step(&model));
    let said = model
        .toasts
        .current()
        .map(|toast| toast.text.clone())
        .unwrap_or_default();
    assert!(said.contains(":tour anew begins it again"), "{said}");
    // In a detail esc is the step back that it always is.
    press(&mut model, "enter");
    assert!(model.detail().is_some());
    press(&mut model, "esc");
    assert!(
        model.detail().is_none() && step(&model).contains("tour 5/12"),
        "{}",
        step(&model)
    );
}

#[test]
fn it_is_offered_in_the_last_row_forces_nobody_and_passes() {
    for (w, h) in [(40, 10), (80, 24), (120, 40)] {
        let mut model = shop::shop(size(w, h));
        shop::focus(&mut model, PaneId::Alerts);
        model.tour = Tour::offered(Tick::from_secs(2_000));
        let bar = screen(&model).pop().unwrap();
        assert!(bar.contains(":tour looks round"), "{w}x{h}: {bar}");
        if w >= 80 {
            assert!(bar.contains("a ack") && bar.contains("? help"), "{w}x{h}: {bar}");
        }
        assert_eq!(step(&model), "", "nothing else of it is there");
        press(&mut model, "down");
        press(&mut model, "esc");
        press(&mut model, "esc");
        assert_eq!(model.tour.stage, Stage::Off, "esc declines");
        assert!(!screen(&model).pop().unwrap().contains(":tour"));
    }
}

#[test]
fn nobody_is_offered_it_unasked() {
    // What a drill and a replay begin with.
    assert_eq!(shop::shop(size(80, 24)).tour, Tour::default());
    assert!(!screen(&shop::shop(size(80, 24))).join("\n").contains("tour"));
}

#[test]
fn it_goes_on_where_an_earlier_console_left_it_and_is_begun_anew_by_name() {
    let mut model = shop::shop_with(shop::logs::with_logs(), size(80, 24));
    model.tour = Tour::default().going_on_at(6);
    press(&mut model, ":");
    type_text(&mut model, "tour");
    press(&mut model, "enter");
    assert!(step(&model).contains("tour 7/12"), "{}", step(&model));
    assert_eq!(model.tour.goes_on_at(), 6);
    press(&mut model, "esc");
    press(&mut model, ":");
    type_text(&mut model, "tour anew");
    press(&mut model, "enter");
    assert!(step(&model).contains("tour 1/12"), "{}", step(&model));
    assert_eq!(model.tour.goes_on_at(), 0);
    // What another version kept is no step.
    assert_eq!(Tour::default().going_on_at(STEPS.len()), Tour::default());
}
