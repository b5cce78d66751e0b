//! `[ui]`: what the terminal at hand wants otherwise than its name tells.
//!
//! ```toml
//! [ui]
//! slow = 2000            # bytes a second that the link carries; --slow says the same
//! hyperlinks = "auto"    # auto, on, off
//! bell = "mine"          # whose new pages ring: mine, all, off (off: nothing rings at all)
//! notify = "auto"        # notices on the desktop, by the terminal: auto, off, osc9, osc777, osc99
//! ```

use std::num::NonZeroU32;

use super::check::Findings;
use super::decode::Section;
use super::show::Rows;
use crate::app::news::Whose;
use crate::terminal::hyperlink::Hyperlinks;
use crate::terminal::notice::Notices;

/// Fewer bytes a second show nothing that anybody could wait for.
pub const SLOWEST: u32 = 100;

/// `[ui]`; nothing of a choice is `auto`: by the terminal's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ui {
    /// Bytes a second that the link carries.
    pub slow: Option<NonZeroU32>,
    /// Whether text can be a link.
    pub hyperlinks: Option<Hyperlinks>,
    /// Whose new pages ring and are shown on the desktop.
    pub bell: Whose,
    /// How notices on the desktop are told.
    pub notify: Option<Notices>,
}

const HYPERLINKS: [(&str, Option<Hyperlinks>); 3] = [
    ("auto", None),
    ("on", Some(Hyperlinks::On)),
    ("off", Some(Hyperlinks::Off)),
];

const NOTIFY: [(&str, Option<Notices>); 5] = [
    ("auto", None),
    ("off", Some(Notices::Off)),
    ("osc9", Some(Notices::Osc9)),
    ("osc777", Some(Notices::Osc777)),
    ("osc99", Some(Notices::Osc99)),
];

/// Reads it.
pub(super) fn ui(top: &Section<'_>, findings: &mut Findings) -> Ui {
    let Some(section) = top.section("ui") else {
        return Ui::default();
    };
    let slow = section.whole("slow").and_then(|rate| u32::try_from(rate).ok());
    if slow.is_some_and(|rate| rate < SLOWEST) {
        findings.error(
            &section.at("slow"),
            "is too little to draw with",
            format!("write bytes a second, at least {SLOWEST}: 800 for a line of 9600 baud"),
        );
    }
    Ui {
        slow: slow.and_then(NonZeroU32::new),
        hyperlinks: word(&section, "hyperlinks", &HYPERLINKS, findings).unwrap_or_default(),
        bell: word(&section, "bell", &Whose::WORDS, findings).unwrap_or_default(),
        notify: word(&section, "notify", &NOTIFY, findings).unwrap_or_default(),
    }
}

/// One of these words.
fn word<T: Copy>(
    section: &Section<'_>,
    key: &str,
    words: &[(&str, T)],
    findings: &mut Findings,
) -> Option<T> {
    let text = section.text(key)?;
    let known = words.iter().find(|(word, _)| *word == text);
    if known.is_none() {
        let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        findings.error(
            &section.at(key),
            format!("there is no {key} \"{text}\""),
            format!("write one of: {}", all.join(", ")),
        );
    }
    known.map(|(_, value)| *value)
}

/// Tells it as it is in force.
pub(super) fn show(ui: Ui) -> Rows {
    let mut rows = Rows::default();
    if let Some(slow) = ui.slow {
        rows.whole("slow", usize::try_from(slow.get()).unwrap_or(usize::MAX));
    }
    rows.text("hyperlinks", spelt(&HYPERLINKS, ui.hyperlinks));
    rows.text("bell", spelt(&Whose::WORDS, ui.bell));
    rows.text("notify", spelt(&NOTIFY, ui.notify));
    rows
}

fn spelt<T: Copy + PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    let known = words.iter().find(|(_, known)| *known == value);
    known.map_or("auto", |(word, _)| word)
}
