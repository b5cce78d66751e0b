//! Which entries match what is typed, best first.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::is_remembered;
use crate::action::{Action, Place};
use crate::app::modal::{Command, Fits, PaletteItem};

/// The commands of the shell whose action has another name here.
const COMMANDS: [(&str, &[&str]); 9] = [
    ("contexts", &["context.all"]),
    ("ack", &["alerts.acknowledge", "incident.acknowledge"]),
    ("unack", &["alerts.hand_back", "incident.hand_back"]),
    ("page", &["incident.page"]),
    ("incidents", &["focus.incident"]),
    ("incidents --stats", &["incident.stats"]),
    ("audit verify", &["audit.list"]),
    ("timeline", &["focus.incident"]),
    ("oncall", &["oncall.list"]),
];

/// Whether an entry is an act of one place, and not one that is there wherever one is.
fn is_at_home(item: &PaletteItem) -> bool {
    matches!(item.command, Command::Run(action)
        if !matches!(action.row().place, Place::Global | Place::List))
}

/// Indices of the entries that match, best first; where nothing is typed all of them, what applies where one is first.
pub fn ranked(items: &[PaletteItem], typed: &str) -> Vec<usize> {
    if typed.trim().is_empty() {
        let mut all: Vec<usize> = (0..items.len()).collect();
        // What belongs to the very place stands before what applies everywhere.
        all.sort_by_key(|&index| items.get(index).map(|item| (item.fits, !is_at_home(item))));
        return all;
    }
    // `:q` and friends, as every hand types them.
    let typed = match typed.trim() {
        "q" | "quit" | "exit" => "app.quit",
        "h" => "view.help",
        "annotate" => "incident.note",
        "hand over" | "handover" | "hand-over" => "handoff",
        other => other,
    };
    let pattern = Pattern::parse(typed, CaseMatching::Ignore, Normalization::Smart);
    let lowered = typed.to_lowercase();
    // Letters that stand written somewhere were meant; a word of which nothing has the letters so may be a slip (`ackk`).
    let is_written = |item: &PaletteItem| {
        let written = |text: &str| text.to_lowercase().contains(&lowered);
        written(&item.name) || written(&item.title)
    };
    let may_slip = !lowered.contains(' ') && !items.iter().any(is_written);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut buffer = Vec::new();
    let mut scored: Vec<(u32, usize)> = items
        .iter()
        .enumerate()
        .filter_map(|(index, item)| {
            // What is only remembered is meant by its own words, and not by letters that happen to stand in it.
            let held = item.name.to_lowercase();
            let mut words = typed.split_whitespace().map(str::to_lowercase);
            if is_remembered(item) && !words.all(|word| held.contains(&word)) {
                return None;
            }
            let name = pattern.score(Utf32Str::new(&item.name, &mut buffer), &mut matcher);
            let title = pattern.score(Utf32Str::new(&item.title, &mut buffer), &mut matcher);
            // A hit in the name counts double: names are what is typed from memory; and most of all the
            // action whose own word opens with it (`sil` means `alerts.silence` before `silences.extend`).
            let own = item.name.rsplit(['.', ' ']).next().unwrap_or_default();
            // After those what stands in a family of that name (`hand` means `handoff.write` as well).
            let typed = lowered.as_str();
            // What does not apply where one is comes after what does (`hand` means `handoff.write` before an
            // acknowledgement that nobody holds), unless all of it was typed.
            let exact = own == typed || item.name == typed;
            let slips = may_slip && is_slip(typed, own);
            let (by_own, by_family) = match item.fits {
                Fits::Now => (1_000, 500),
                Fits::Elsewhere => (450, 250),
                Fits::Not => (300, 150),
            };
            let opens = if own.starts_with(typed) || slips {
                by_own
            } else if item.name.starts_with(typed) {
                by_family
            } else {
                0
            } + if exact { 1_200 } else { 0 };
            let quits = matches!(item.command, Command::Run(Action::Quit | Action::QuitNow));
            // Nobody leaves by a word that happens to stand in a description.
            if quits && !item.name.contains(&typed.replace(' ', "_")) {
                return None;
            }
            let score = name.map(|s| s * 2).max(title).or(slips.then_some(0))?;
            Some((score + opens, index))
        })
        .collect();
    scored.sort_by_key(|&(score, index)| (std::cmp::Reverse(score), index));
    let mut commands = COMMANDS.iter();
    let meant = commands
        .find(|(command, _)| command.eq_ignore_ascii_case(typed) || may_slip && is_slip(&lowered, command));
    let named = meant.iter().flat_map(|(_, names)| *names);
    let mut hits: Vec<usize> = named
        .filter_map(|name| items.iter().position(|item| item.name == *name))
        .collect();
    // Of several that go by the command's word, the one that applies here.
    hits.sort_by_key(|&hit| items.get(hit).map(|item| item.fits));
    for (_, index) in scored {
        if !hits.contains(&index) {
            hits.push(index);
        }
    }
    hits
}

/// Whether a word is another one with a slip of the hand in it, two in a long one.
pub(super) fn is_slip(typed: &str, name: &str) -> bool {
    let most = (name.chars().count() / 4).clamp(1, 2);
    name.chars().count() > 2 && strsim::damerau_levenshtein(typed, &name.to_lowercase()) <= most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_nothing_typed_what_applies_where_one_is_stands_first() {
        let item = |action: Action, fits| PaletteItem {
            command: Command::Run(action),
            name: action.name().to_owned(),
            title: String::new(),
            keys: String::new(),
            fits,
        };
        let items = [
            item(Action::HandBack, Fits::Not),
            item(Action::Quit, Fits::Now),
            item(Action::Acknowledge, Fits::Now),
            item(Action::TakeIncident, Fits::Elsewhere),
        ];
        assert_eq!(ranked(&items, " "), [2, 1, 3, 0]);
    }

    #[test]
    fn a_slip_means_the_word_beside_it_before_letters_that_happen_to_stand_somewhere() {
        let item = |action: Action, title: &str| PaletteItem {
            command: Command::Run(action),
            name: action.name().to_owned(),
            title: title.to_owned(),
            keys: String::new(),
            fits: Fits::Now,
        };
        let mut items = vec![
            item(Action::HandBack, "Take back an acknowledgement"),
            item(Action::Acknowledge, "Take what is chosen"),
        ];
        let first = |items: &[PaletteItem]| ranked(items, "ackk")[0];
        assert_eq!(first(&items), 1);
        items.push(item(Action::Help, "whatever is written ackk"));
        assert_eq!(first(&items), 2, "what has the letters as they stand was meant");
    }
}
