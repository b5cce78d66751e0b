//! The tour: which of its keys were pressed, how it begins, and how it is left.

use super::say;
use crate::action::Action;
use crate::app::toast::Level;
use crate::app::tour::{Rows, STEPS, Stage, Tour, Went};
use crate::app::{Effect, Model};
use crate::time::Now;

/// Begins the tour, or goes on with it.
pub(super) fn begin(model: &mut Model, now: Now) -> Vec<Effect> {
    let step = model.tour.begin();
    if step == 1 {
        return Vec::new();
    }
    let anew = by_palette(model, Action::TourAnew);
    let words = format!(
        "the tour goes on at {step} of {}; {anew} begins it again",
        STEPS.len()
    );
    say(model, Level::Info, words, now)
}

/// Begins the tour at its first step.
pub(super) fn begin_anew(model: &mut Model, now: Now) -> Vec<Effect> {
    model.tour = Tour::default();
    begin(model, now)
}

/// An action was asked for.
pub(super) fn pressed(model: &mut Model, action: Action) {
    model.tour.pressed(action);
}

/// The last step back leaves it; whether it did.
pub(super) fn leave(model: &mut Model, now: Now) -> bool {
    let was_on = model.tour.stage == Stage::On;
    let left = model.tour.leave();
    if left && was_on {
        let words = format!(
            "the tour is left; {} goes on with it",
            by_palette(model, Action::Tour)
        );
        model.toasts.say(Level::Info, words, now.tick);
    }
    left
}

/// After every message.
pub(super) fn settle(model: &mut Model, now: Now) -> Option<Effect> {
    let rows = if model.details.is_empty() && model.focused_rows() > 0 {
        Rows::Unopened
    } else {
        Rows::Opened
    };
    match model.tour.settle(now.tick, rows) {
        Went::Nowhere => {}
        // What was said of the last key would hide the bar that the next step speaks of.
        Went::On => model.toasts.pass(),
        Went::Through => {
            let help = model.keymap.keys_for(Action::Help).into_iter().next();
            let words = format!(
                "that was the tour: {} shows every key here, {} begins it again",
                help.unwrap_or_else(|| "view.help in the palette".to_owned()),
                by_palette(model, Action::Tour)
            );
            model.toasts.say(Level::Info, words, now.tick);
        }
    }
    None
}

/// How it is begun by name.
fn by_palette(model: &Model, action: Action) -> String {
    let palette = model.keymap.keys_for(Action::Palette).into_iter().next();
    match palette.as_deref() {
        Some(":") => format!(":{}", action.row().title),
        Some(key) => format!("{key} and {}", action.row().title),
        None => action.name().to_owned(),
    }
}
