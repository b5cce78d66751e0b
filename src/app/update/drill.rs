//! In a drill: what is opened is kept, and its end is told.

use crate::action::Action;
use crate::app::drill::End;
use crate::app::toast::Level;
use crate::app::{Effect, Model};
use crate::time::Now;

/// After every message.
pub(super) fn settle(model: &mut Model, now: Now) -> Option<Effect> {
    model.drill.as_ref()?;
    let seen = model.seen();
    let drill = model.drill.as_mut()?;
    drill.look(seen, now);
    let end = drill.end(now)?;
    let quit = model.keymap.first_or_name(Action::Quit);
    let words = format!("the drill's incident is over: {quit} ends the drill and shows how it went");
    model.toasts.say(Level::Warn, words, now.tick);
    match end {
        End::News => Some(Effect::Ring),
        End::Reminder => None,
    }
}
