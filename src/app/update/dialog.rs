//! Keys of what lies over the panes, as the keymap has them.
//!
//! Each layer reads one spelling of what it can do (enter, esc, tab, …). Whatever the keymap's `[dialog]` binds is
//! turned into that spelling here, and a spelling that the keymap took away means nothing: so every layer can be bound
//! anew, and none knows of it. Start at [`read`].

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::action::{Action, Place};
use crate::app::Model;
use crate::app::compose::Body;
use crate::app::modal::{Field, Modal};
use crate::keymap::{Chord, Keymap, Lookup};
use crate::theme::Glyphs;

/// What a key is to the layer that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// What it was, where the keymap says nothing of it: text, most often.
    Itself,
    /// This action, in the layer's own spelling.
    As(Action, KeyEvent),
    /// Nothing: the keymap has taken it away.
    Nothing,
}

/// What a key is to the open layer.
pub(super) fn read(model: &Model, key: KeyEvent) -> Read {
    let Some(layer) = &model.modal else {
        return Read::Itself;
    };
    let chord = Chord::from(key);
    if let Lookup::Action(action) = model.keymap.lookup(&[Place::Dialog], &[chord])
        && takes(layer, action)
    {
        let (code, modifiers) = own(action);
        return Read::As(
            action,
            KeyEvent {
                code,
                modifiers,
                ..key
            },
        );
    }
    let taken_away = ACTIONS
        .into_iter()
        .any(|action| takes(layer, action) && spelt(action).contains(&chord));
    if taken_away { Read::Nothing } else { Read::Itself }
}

/// The first key of each of these actions, for words: `enter or y`.
pub(super) fn names(keymap: &Keymap, actions: &[Action]) -> String {
    let keys: Vec<String> = actions
        .iter()
        .filter_map(|action| keymap.hint(&[Place::Dialog], *action, Glyphs::Ascii))
        .collect();
    if keys.is_empty() {
        "no key".to_owned()
    } else {
        keys.join(" or ")
    }
}

const ACTIONS: [Action; 15] = [
    Action::DialogAccept,
    Action::DialogLeave,
    Action::DialogDown,
    Action::DialogUp,
    Action::DialogPageDown,
    Action::DialogPageUp,
    Action::DialogNext,
    Action::DialogPrevious,
    Action::DialogSend,
    Action::DialogEditor,
    Action::DialogReference,
    Action::DialogClear,
    Action::DialogYes,
    Action::DialogNo,
    Action::DialogRun,
];

/// Whether a layer does anything at an action; where it does not, the key is text.
fn takes(modal: &Modal, action: Action) -> bool {
    use Action as A;
    let takes: &[Action] = match modal {
        // Their keys are those of lists.
        Modal::Help { .. } | Modal::Health { .. } => &[],
        Modal::Palette(_) => &[
            A::DialogAccept,
            A::DialogLeave,
            A::DialogDown,
            A::DialogUp,
            A::DialogPageDown,
            A::DialogPageUp,
            A::DialogNext,
        ],
        Modal::Pick(_) => &[
            A::DialogAccept,
            A::DialogLeave,
            A::DialogDown,
            A::DialogUp,
            A::DialogPageDown,
            A::DialogPageUp,
        ],
        Modal::Prompt(_) => &[A::DialogAccept, A::DialogLeave, A::DialogNext],
        Modal::Confirm(open) if open.typed.is_empty() => &[
            A::DialogAccept,
            A::DialogLeave,
            A::DialogDown,
            A::DialogUp,
            A::DialogYes,
            A::DialogNo,
            A::DialogRun,
        ],
        Modal::Menu(_) | Modal::Confirm(_) => &[A::DialogAccept, A::DialogLeave, A::DialogDown, A::DialogUp],
        Modal::Composer(open) if open.field == Field::Duration => &[
            A::DialogAccept,
            A::DialogLeave,
            A::DialogDown,
            A::DialogUp,
            A::DialogNext,
            A::DialogPrevious,
            A::DialogClear,
        ],
        Modal::Composer(_) => &[
            A::DialogAccept,
            A::DialogLeave,
            A::DialogNext,
            A::DialogPrevious,
            A::DialogClear,
        ],
        Modal::Compose(open) => match open.body {
            // There enter and the arrows are the text's.
            Body::Prose(_) => &[
                A::DialogLeave,
                A::DialogSend,
                A::DialogEditor,
                A::DialogReference,
                A::DialogClear,
            ],
            Body::Form(_) => &[
                A::DialogAccept,
                A::DialogLeave,
                A::DialogDown,
                A::DialogUp,
                A::DialogNext,
                A::DialogPrevious,
                A::DialogSend,
                A::DialogEditor,
                A::DialogReference,
                A::DialogClear,
            ],
        },
    };
    takes.contains(&action)
}

/// How the layers spell an action.
fn own(action: Action) -> (KeyCode, KeyModifiers) {
    let ctrl = |letter| (KeyCode::Char(letter), KeyModifiers::CONTROL);
    let bare = |code| (code, KeyModifiers::NONE);
    match action {
        Action::DialogAccept => bare(KeyCode::Enter),
        Action::DialogDown => bare(KeyCode::Down),
        Action::DialogUp => bare(KeyCode::Up),
        Action::DialogPageDown => bare(KeyCode::PageDown),
        Action::DialogPageUp => bare(KeyCode::PageUp),
        Action::DialogNext => bare(KeyCode::Tab),
        Action::DialogPrevious => bare(KeyCode::BackTab),
        Action::DialogSend => (KeyCode::Enter, KeyModifiers::ALT),
        Action::DialogEditor => ctrl('o'),
        Action::DialogReference => ctrl('r'),
        Action::DialogClear => ctrl('g'),
        Action::DialogYes => bare(KeyCode::Char('y')),
        Action::DialogNo => bare(KeyCode::Char('n')),
        Action::DialogRun => bare(KeyCode::Char('Y')),
        // `DialogLeave`; no other is asked for, and to leave is safe.
        _ => bare(KeyCode::Esc),
    }
}

/// Every key that the layers read as an action by themselves.
fn spelt(action: Action) -> Vec<Chord> {
    let chord = |(code, modifiers)| Chord { code, modifiers };
    let mut all = vec![chord(own(action))];
    let ctrl = |code| chord((code, KeyModifiers::CONTROL));
    match action {
        Action::DialogDown => all.push(ctrl(KeyCode::Char('n'))),
        Action::DialogUp => all.push(ctrl(KeyCode::Char('p'))),
        Action::DialogSend => all.extend([ctrl(KeyCode::Enter), ctrl(KeyCode::Char('d'))]),
        Action::DialogNo => all.push(chord((KeyCode::Char('q'), KeyModifiers::NONE))),
        _ => {}
    }
    all
}
