//! Notices on the desktop of the person's own machine, told through the terminal.
//!
//! OSC 9 (iTerm2: `OSC 9 ; text`), OSC 777 (urxvt: `OSC 777 ; notify ; title ; body`), OSC 99 (kitty's desktop
//! notifications: `OSC 99 ; ; text`). A terminal that does not know its own ignores it; which one it knows cannot be asked.

use crate::text::{Cut, SafeText, cut};

/// How notices are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notices {
    /// Not at all.
    Off,
    /// iTerm2's way, which `WezTerm` and Ghostty know too.
    Osc9,
    /// urxvt's way, which foot and contour know too.
    Osc777,
    /// kitty's way.
    Osc99,
}

/// Cells of a title and of what follows it: desktops cut what is longer.
const TITLE: usize = 60;
const BODY: usize = 180;

/// What tells it; nothing where none is told. Control characters never get in, nor what separates the parts.
pub(super) fn sequence(notices: Notices, title: &str, body: &str) -> String {
    let plain = |text: &str, cells: usize| {
        let safe = SafeText::line(text);
        cut(safe.as_str(), cells, Cut::End).replace(';', ",")
    };
    let (title, body) = (plain(title, TITLE), plain(body, BODY));
    match notices {
        Notices::Off => String::new(),
        // `9;4` and other numbers are commands of their own there.
        Notices::Osc9 => format!("\x1b]9;{title}: {body}\x07"),
        Notices::Osc777 => format!("\x1b]777;notify;{title};{body}\x07"),
        Notices::Osc99 => format!("\x1b]99;;{title}: {body}\x1b\\"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_terminal_is_told_its_own_way() {
        let told = |notices| sequence(notices, "midwatch prod", "HighErrorRate checkout");
        assert_eq!(told(Notices::Off), "");
        assert_eq!(
            told(Notices::Osc9),
            "\x1b]9;midwatch prod: HighErrorRate checkout\x07"
        );
        assert_eq!(
            told(Notices::Osc777),
            "\x1b]777;notify;midwatch prod;HighErrorRate checkout\x07"
        );
        assert_eq!(
            told(Notices::Osc99),
            "\x1b]99;;midwatch prod: HighErrorRate checkout\x1b\\"
        );
    }

    #[test]
    fn what_an_alert_is_called_cannot_leave_its_place() {
        let hostile = "a\x07\x1b]52;c;eA==\x07;b\u{9c}";
        for notices in [Notices::Osc9, Notices::Osc777, Notices::Osc99] {
            let told = sequence(notices, hostile, hostile);
            let inner = told
                .trim_start_matches('\x1b')
                .trim_end_matches('\x07')
                .trim_end_matches("\x1b\\");
            assert!(!inner.chars().any(char::is_control), "{told:?}");
            let parts = match notices {
                Notices::Osc777 => 4,
                Notices::Off | Notices::Osc9 => 2,
                Notices::Osc99 => 3,
            };
            assert_eq!(told.split(';').count(), parts, "{told:?}");
        }
    }
}
