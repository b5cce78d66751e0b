//! The tour's step, in the rows above the last one: the console below it is the real one.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::widget::{self, Piece};
use super::{Scene, hints};
use crate::action::{Action, Place};
use crate::app::Model;
use crate::app::tour::STEPS;
use crate::theme::Role;

/// Rows that a step has on a terminal so wide; none while there is no tour.
pub(super) fn rows(model: &Model) -> u16 {
    match (model.tour.step(), model.size.width) {
        (None, _) => 0,
        (Some(_), 100..) => 1,
        (Some(_), 76..) => 2,
        (Some(_), _) => 3,
    }
}

/// Draws it.
pub(super) fn draw(scene: Scene, buffer: &mut Buffer, area: Rect) {
    let Some((number, step)) = scene.model.tour.step().filter(|_| !area.is_empty()) else {
        return;
    };
    buffer.set_style(area, scene.theme.style(Role::Overlay));
    let key = step
        .by
        .first()
        .map_or_else(String::new, |action| key_of(scene, *action));
    let head = format!("tour {number}/{}", STEPS.len());
    let (before, after) = step.says.split_once("{}").unwrap_or((step.says, ""));
    // The words are broken with the key in them, which is found again by where it stands.
    let whole = format!("{head} {before}{key}{after}");
    let from = head.len() + 1 + before.len();
    let width = usize::from(area.width.saturating_sub(2)).max(8);
    let mut told = 0;
    for (index, line) in textwrap::wrap(&whole, width).iter().enumerate() {
        let at = whole
            .get(told..)
            .and_then(|rest| rest.find(line.as_ref()))
            .unwrap_or(0)
            + told;
        told = at + line.len();
        let row = widget::after(widget::row(area, u16::try_from(index).unwrap_or(u16::MAX)), 1);
        scene.line(
            buffer,
            row,
            &coloured(line, at, (head.len(), from, from + key.len())),
        );
    }
}

/// A line in its parts: the head, the key, and the words.
fn coloured(line: &str, at: usize, (head, from, to): (usize, usize, usize)) -> Vec<Piece<'static>> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut role = Role::Text;
    for (offset, character) in line.char_indices() {
        let here = at + offset;
        let its = if here < head {
            Role::Accent
        } else if (from..to).contains(&here) {
            Role::Key
        } else {
            Role::Text
        };
        if its != role && !text.is_empty() {
            pieces.push(Piece::own(std::mem::take(&mut text), role));
        }
        role = its;
        text.push(character);
    }
    pieces.push(Piece::own(text, role));
    pieces
}

/// The key of an action: here, else anywhere, else how the palette calls it.
fn key_of(scene: Scene, action: Action) -> String {
    let keymap = &scene.model.keymap;
    let glyphs = scene.theme.glyphs;
    let here = if action.row().place == Place::Dialog {
        keymap.hint(&[Place::Dialog], action, glyphs)
    } else {
        hints::key(scene, action)
    };
    here.or_else(|| keymap.keys_for(action).into_iter().next())
        .unwrap_or_else(|| format!("{} in the palette", action.name()))
}
