//! The command palette: everything by name, fuzzy, with its key; commands with what is typed behind them; what was typed before.
//!
//! This file lists, `ranking` puts in order, `words` reads lines that take something, `carry` does what was chosen.

mod carry;
mod places;
mod ranking;
mod words;

use std::collections::BTreeSet;
use std::sync::Arc;

use tui_textarea::{CursorMove, TextArea};

use super::traces::whole_id;
use chrono::DateTime;

use crate::action::{Action, Place, TABLE};
use crate::app::Model;
use crate::app::alone;
use crate::app::incidents::short;
use crate::app::modal::{Command, Fits, Modal, Palette, PaletteItem, Word};
use crate::backend::traces::read_id;
use crate::domain::alert::plan::hand_back_plan;
use crate::text::{SafeText, width};
use crate::theme;

pub(super) use carry::carry;
use ranking::is_slip;
pub use ranking::ranked;
use words::Line;
pub use words::Offers;

/// Completions of an argument that are listed.
const MOST_OFFERED: usize = 12;

/// A palette with everything in it.
pub(super) fn open(model: &Model) -> Palette {
    let item = |command, name: String, title: String| PaletteItem {
        command,
        name,
        title,
        keys: String::new(),
        fits: Fits::Now,
    };
    // What is pressed while something is open cannot be chosen from something that is.
    let rows = TABLE.iter().filter(|row| row.place != Place::Dialog);
    let actions = rows.map(|row| PaletteItem {
        command: Command::Run(row.action),
        name: row.name.to_owned(),
        title: row.doc.trim_end_matches('.').to_owned(),
        keys: model.keymap.keys_for(row.action).join(" "),
        fits: fits(model, row.action),
    });
    let board = model.incidents.feed.value();
    let listed = board.map_or(&[][..], |board| board.incidents.as_slice());
    let incidents = listed.iter().map(|incident| {
        let title = SafeText::line(&incident.title).into_string();
        item(
            Command::Incident(incident.id.clone()),
            format!("open {}", short(incident)),
            title,
        )
    });
    let views = model.kept.views.iter().map(|(name, view)| {
        let title = SafeText::line(&view.words()).into_string();
        item(
            Command::View(name.clone()),
            format!("view {}", SafeText::line(name)),
            title,
        )
    });
    let here = model.scope.current();
    let scopes = model.kept.scopes.iter().filter(|scope| Some(*scope) != here);
    // Scopes of before may be of days before.
    let scopes = scopes.map(|scope| {
        item(
            Command::Scope(Box::new(scope.clone())),
            format!(
                "scope {}",
                SafeText::line(&scope.words(model.zone, DateTime::UNIX_EPOCH))
            ),
            "Turn every pane to this scope of before".to_owned(),
        )
    });
    let others = model.settings.contexts.iter();
    let contexts = others
        .filter(|name| **name != model.settings.context)
        .map(|name| {
            item(
                Command::Context(name.clone()),
                format!("context {name}"),
                "Open this context".to_owned(),
            )
        });
    // The present one first: a look at the list changes nothing before the cursor is moved.
    let shelf = model.settings.themes.iter().map(|name| &**name);
    let (present, others): (Vec<_>, Vec<_>) = shelf
        .chain(std::iter::once(theme::AUTO))
        .partition(|name| *name == model.themes.chosen());
    let themes = present.into_iter().chain(others).map(|name| {
        let title = if name == theme::AUTO {
            format!(
                "By the background: {} now",
                SafeText::line(model.themes.resolved(name))
            )
        } else if name == model.themes.chosen() {
            "The theme that is drawn with".to_owned()
        } else {
            "Draw with it; the cursor shows it".to_owned()
        };
        item(
            Command::Theme(name.into()),
            format!("theme {}", SafeText::line(name)),
            title,
        )
    });
    let items: Vec<PaletteItem> = actions
        .chain(incidents)
        .chain(views)
        .chain(scopes)
        .chain(contexts)
        .chain(themes)
        .collect();
    let hits = ranked(&items, "");
    Palette {
        input: TextArea::default(),
        fixed: items.len(),
        items,
        hits,
        cursor: 0,
        offers: Arc::new(Offers::of(model)),
        past: None,
        tab: None,
    }
}

/// The theme that the cursor was moved to, or that is asked for by name.
pub(super) fn theme_looked_at(modal: Option<&Modal>) -> Option<&str> {
    let Some(Modal::Palette(palette)) = modal else {
        return None;
    };
    let hit = palette.hits.get(palette.cursor)?;
    let Some(Command::Theme(name)) = palette.items.get(*hit).map(|item| &item.command) else {
        return None;
    };
    // What comes first by chance for a few letters is nobody's wish.
    let named = palette
        .input
        .lines()
        .first()
        .is_some_and(|typed| typed.trim_start().starts_with("th"));
    (palette.cursor > 0 || named).then_some(name)
}

/// Whether an action applies where one is: pressed as a key it would do something here.
fn fits(model: &Model, action: Action) -> Fits {
    if alone::lacks(model, action).is_some() {
        return Fits::Not;
    }
    let holds = super::places(model).contains(&action.row().place);
    match action {
        Action::HandBack if holds && !hands_back(model) => Fits::Not,
        _ if holds => Fits::Now,
        _ => match action.row().place {
            Place::Silences
            | Place::Outbox
            | Place::Case
            | Place::Runbook
            | Place::Trace
            | Place::Patterns
            | Place::Search
            | Place::Dialog => Fits::Not,
            Place::Slo
            | Place::Alerts
            | Place::Logs
            | Place::Traces
            | Place::Incident
            | Place::Global
            | Place::List => Fits::Elsewhere,
        },
    }
}

/// Whether an acknowledgement of ours is under the cursor.
fn hands_back(model: &Model) -> bool {
    let Some(board) = model.alerts.board.as_deref() else {
        return false;
    };
    let chosen = super::alerts::chosen(model);
    !hand_back_plan(&chosen, board, &model.settings.identity)
        .alerts
        .is_empty()
}

/// Ranks the entries for what is typed and puts the cursor on the best.
pub(super) fn rank(palette: &mut Palette) {
    let typed = palette.input.lines().join(" ");
    palette.items.truncate(palette.fixed);
    palette.hits = ranked(&palette.items, &typed);
    palette.cursor = 0;
    let line = words::read(&typed);
    let mut ahead: Vec<PaletteItem> = of_trace(&typed).into_iter().collect();
    if let Some(word) = words::opened(&typed) {
        let offered = palette.offers.arguments(word, "");
        ahead.extend(offered.iter().take(MOST_OFFERED).map(|offer| with(word, offer)));
    }
    match line {
        Line::With {
            word: Word::Trace, ..
        }
        | Line::Other => ahead.extend(only_remembered(palette, &typed)),
        Line::With { word, argument } => {
            let mut offered = palette.offers.arguments(word, &argument);
            offered.retain(|offer| *offer != argument);
            offered.truncate(MOST_OFFERED);
            let is_one = palette.offers.is_whole(word, &argument);
            ahead.extend(offered.iter().map(|offer| with(word, offer)));
            // Free text is meant as it stands, and so is what names something; what could still become one of a list is not.
            let at = if words::is_free(word) || is_one {
                0
            } else {
                ahead.len()
            };
            ahead.insert(at, with(word, &argument));
        }
        // Before the names that there are: nobody keeps or drops a view by a name that was not chosen.
        Line::Unnamed(word) => ahead.insert(0, unnamed(word)),
        Line::Listed(word) => {
            let begins = format!("{word} ");
            let mut found = palette.hits.iter().filter_map(|&hit| palette.items.get(hit));
            match words::begun(&typed) {
                _ if found.any(|item| item.name.starts_with(&begins)) => {}
                Some(word) => ahead.push(unnamed(word)),
                None => ahead.push(none_listed(palette, word, &typed)),
            }
        }
        Line::TakesNone(action) => {
            let rest = typed.trim().split_once(char::is_whitespace);
            let rest = rest.map_or("", |(_, rest)| rest.trim()).to_lowercase();
            // Words of its own description are no argument.
            let is_described = palette
                .hits
                .first()
                .and_then(|&hit| palette.items.get(hit))
                .is_some_and(|item| {
                    item.name.contains(&rest.replace(' ', "_")) || item.title.to_lowercase().contains(&rest)
                });
            if !is_described {
                ahead.push(PaletteItem {
                    command: Command::Refused(format!(
                        "{} takes nothing behind it: type it alone",
                        action.name()
                    )),
                    name: SafeText::line(typed.trim()).into_string(),
                    title: format!("{} takes nothing behind it", action.name()),
                    keys: String::new(),
                    fits: Fits::Not,
                });
            }
        }
    }
    // Nobody means a word of a description by what stands behind a word that takes something.
    if !ahead.is_empty() && matches!(words::read(&typed), Line::With { word, .. } if words::is_free(word)) {
        palette.hits.clear();
    }
    if let Some(word) = words::followed(&typed) {
        // A word with a blank behind it is to become one of its own lines: what has its letters somewhere is not meant.
        let (blank, family) = (format!("{word} "), format!("{word}."));
        let named = |begins: &str| -> Vec<usize> {
            let hits = palette.hits.iter().copied();
            hits.filter(|&hit| {
                palette
                    .items
                    .get(hit)
                    .is_some_and(|item| item.name.starts_with(begins))
            })
            .collect()
        };
        let own = [named(&blank), named(&family)].concat();
        if !own.is_empty() || !ahead.is_empty() {
            palette.hits = own;
        }
    } else if let Line::Listed(word) = words::read(&typed) {
        let begins = format!("{word} ");
        let items = &palette.items;
        let is_other = |hit: &usize| !items.get(*hit).is_some_and(|item| item.name.starts_with(&begins));
        palette.hits.sort_by_key(is_other);
    }
    for item in ahead.into_iter().rev() {
        palette.hits.insert(0, palette.items.len());
        palette.items.push(item);
    }
}

/// The command that a line means by its whole name, where nobody sees what else it could mean; else names that are like it.
pub(super) fn meant(model: &Model, line: &str) -> Result<Command, Vec<String>> {
    let mut palette = open(model);
    write(&mut palette, line);
    rank(&mut palette);
    if let Line::With { word, argument } = words::read(line) {
        return Ok(Command::With(word, argument));
    }
    let hits = || palette.hits.iter().filter_map(|&hit| palette.items.get(hit));
    let whole = hits().find(|item| item.name.eq_ignore_ascii_case(line));
    // The own word of an action, where several do not have the same.
    let word = line.replace(' ', "_");
    let own = |item: &&PaletteItem| {
        let is_action = matches!(item.command, Command::Run(_));
        is_action
            && item
                .name
                .rsplit('.')
                .next()
                .is_some_and(|own| own.eq_ignore_ascii_case(&word))
    };
    let mut owned = hits().filter(own);
    let refused = hits().find(|item| matches!(item.command, Command::Refused(_)));
    // A word that takes a name, and nothing behind it.
    let alone = words::opened(&format!("{line} ")).map(unnamed);
    let only = whole
        .or_else(|| owned.next().filter(|_| owned.next().is_none()))
        .or(refused)
        .or(alone.as_ref());
    match only {
        Some(item) => Ok(item.command.clone()),
        None => Err(alike(&palette, line)),
    }
}

/// Names that are offered in place of one that is not known.
const MOST_ALIKE: usize = 5;

/// Names that are near a line: those a word of which begins so, then those that are a slip away. What has its letters
/// somewhere is not meant.
fn alike(palette: &Palette, line: &str) -> Vec<String> {
    let line = line.trim().to_lowercase();
    let first = line.split_whitespace().next().unwrap_or_default();
    let fixed = palette.items.iter().take(palette.fixed);
    let names = || fixed.clone().map(|item| item.name.as_str());
    let begins = |name: &&str| {
        let mut words = name.split(['.', ' ']).skip(1).chain([*name]);
        words.any(|word| word.starts_with(&line))
    };
    let slips = |name: &&str| {
        let own = name.rsplit('.').next().unwrap_or(name);
        is_slip(&line, name) || is_slip(&line.replace(' ', "_"), own)
    };
    // A word that takes something is a slip away in its first word, whatever stands behind it.
    let takes = words::beginnings("").filter(|word| is_slip(first, word.trim_end()));
    let takes = takes.map(|word| word.trim_end().to_owned());
    let mut found: Vec<String> = Vec::new();
    let near = names().filter(begins).chain(names().filter(slips));
    for name in near.map(str::to_owned).chain(takes) {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found.truncate(MOST_ALIKE);
    found
}

/// Names of what there is take so many characters at most: they stand in the rows above the last one.
const NAMED: usize = 160;

/// That there is nothing of that word by that name, and what there is, or how there comes to be something.
fn none_listed(palette: &Palette, word: &str, typed: &str) -> PaletteItem {
    let begins = format!("{word} ");
    let fixed = palette.items.iter().take(palette.fixed);
    let known: Vec<&str> = fixed.filter_map(|item| item.name.strip_prefix(&begins)).collect();
    let name = SafeText::line(typed.trim()).into_string();
    let why = match (word, known.as_slice()) {
        ("context", []) => format!(
            "{}, which is open, is the only one; [contexts.NAME] in the configuration adds another",
            SafeText::line(palette.offers.context())
        ),
        ("context", known) => format!(
            "there are {}, which is open, and {}",
            SafeText::line(palette.offers.context()),
            listed(known, word)
        ),
        // One that is over is none of those.
        ("open", [_, ..]) => format!(
            "listed are {}; incident.whose lists those that are over as well",
            listed(&known, word)
        ),
        ("view", []) => "none is kept; view save NAME keeps one".to_owned(),
        (_, []) => "none is listed".to_owned(),
        (_, [only]) => format!("there is {} alone", SafeText::line(only)),
        (_, known) => format!("there are {}", listed(known, word)),
    };
    let why = format!("no {name}: {why}");
    refused(name, why)
}

/// Names, as many as there is room for; how the rest is come by.
fn listed(known: &[&str], word: &str) -> String {
    let mut room = NAMED;
    let fit = known.iter().take_while(|name| {
        let wanted = width(name) + 2;
        let is_room = wanted <= room;
        room = room.saturating_sub(wanted);
        is_room
    });
    let named: Vec<&str> = fit.copied().collect();
    let more = match known.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more: {word} and a blank lists them, tab goes through them"),
    };
    format!("{}{more}", named.join(", "))
}

/// That nothing is called so, where a scope of before is what fits best: a word that was mistyped turns no pane.
fn only_remembered(palette: &Palette, typed: &str) -> Option<PaletteItem> {
    let first = typed.split_whitespace().next()?;
    let best = palette.items.get(*palette.hits.first()?);
    let scope = best.filter(|item| is_remembered(item) && !"scope".starts_with(first))?;
    let name = SafeText::line(typed.trim()).into_string();
    let why = format!(
        "nothing is called {name}; {} is a scope of before, to be chosen below it",
        scope.name
    );
    Some(refused(name, why))
}

/// A row that does nothing but say why.
fn refused(name: String, why: String) -> PaletteItem {
    PaletteItem {
        command: Command::Refused(why.clone()),
        name,
        title: why,
        keys: String::new(),
        fits: Fits::Not,
    }
}

fn is_remembered(item: &PaletteItem) -> bool {
    matches!(item.command, Command::Scope(_))
}

/// That a name is wanted behind a word.
fn unnamed(word: Word) -> PaletteItem {
    let name = words::name(word);
    refused(name.to_owned(), format!("a name is wanted: {name} NAME"))
}

fn with(word: Word, argument: &str) -> PaletteItem {
    PaletteItem {
        command: Command::With(word, argument.to_owned()),
        name: words::shown(word, argument),
        title: words::title(word).to_owned(),
        keys: String::new(),
        fits: Fits::Now,
    }
}

/// `trace ID`, or an id alone: the trace with that id.
fn of_trace(typed: &str) -> Option<PaletteItem> {
    let typed = typed.trim();
    let id = match typed.strip_prefix("trace ") {
        Some(id) => read_id(id),
        None => whole_id(typed),
    }?;
    Some(PaletteItem {
        command: Command::Trace(id),
        name: "trace".to_owned(),
        title: format!("Open trace {id}"),
        keys: String::new(),
        fits: Fits::Now,
    })
}

/// Puts a line in the place of what is typed.
fn write(palette: &mut Palette, line: &str) {
    palette.input = TextArea::from([line.to_owned()]);
    palette.input.move_cursor(CursorMove::End);
}

/// Goes back to the command before; whether there is one.
pub(super) fn older(palette: &mut Palette, commands: &[String]) -> bool {
    let (at, stem) = match &palette.past {
        Some((at, stem)) => (at + 1, stem.clone()),
        None => (0, palette.input.lines().join(" ")),
    };
    let Some(command) = commands.get(at) else {
        return false;
    };
    write(palette, command);
    rank(palette);
    palette.past = Some((at, stem));
    true
}

/// Goes on to the command after, at last to what was typed; whether one was among those of before.
pub(super) fn newer(palette: &mut Palette, commands: &[String]) -> bool {
    let Some((at, stem)) = palette.past.take() else {
        return false;
    };
    match at.checked_sub(1).and_then(|at| Some((at, commands.get(at)?))) {
        Some((at, command)) => {
            write(palette, command);
            palette.past = Some((at, stem));
        }
        None => write(palette, &stem),
    }
    rank(palette);
    true
}

/// Completes what is typed: as far as all that begin so agree, then one after the other; whether there is anything.
pub(super) fn complete(palette: &mut Palette) -> bool {
    let typed = palette.input.lines().join(" ");
    if let Some((stem, at)) = palette.tab.take() {
        let all = completions(palette, &stem);
        if all.get(at) == Some(&typed) && all.len() > 1 {
            let next = (at + 1) % all.len();
            if let Some(line) = all.get(next) {
                write(palette, line);
                rank(palette);
            }
            palette.tab = Some((stem, next));
            return true;
        }
    }
    let all = completions(palette, &typed);
    let Some(first) = all.first() else {
        return false;
    };
    let shared = all
        .iter()
        .skip(1)
        .fold(first.as_str(), |shared, other| common(shared, other));
    if shared.len() > typed.len() && all.len() > 1 {
        let shared = shared.to_owned();
        write(palette, &shared);
    } else {
        let first = first.clone();
        write(palette, &first);
        palette.tab = Some((typed, 0));
    }
    rank(palette);
    true
}

/// Whole lines that what is typed could become.
fn completions(palette: &Palette, typed: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    if let Line::With { word, .. } = words::read(typed) {
        let argument = typed
            .trim_start()
            .get(words::name(word).len()..)
            .unwrap_or_default();
        let offered = palette.offers.arguments(word, argument.trim_start());
        lines.extend(offered.iter().map(|offer| words::shown(word, offer)));
    } else if let Some(word) = words::opened(typed) {
        let offered = palette.offers.arguments(word, "");
        lines.extend(offered.iter().map(|offer| words::shown(word, offer)));
    }
    let known = palette
        .items
        .iter()
        .take(palette.fixed)
        .map(|item| item.name.clone());
    let known = known.filter(|name| !typed.is_empty() && name.starts_with(typed));
    let mut seen: BTreeSet<String> = lines.iter().cloned().collect();
    for line in words::beginnings(typed).chain(known) {
        if seen.insert(line.clone()) {
            lines.push(line);
        }
    }
    lines.retain(|line| line != typed);
    if lines.is_empty() {
        // Nothing begins so: the best that was found by its letters.
        let found = palette.hits.first().and_then(|&hit| palette.items.get(hit));
        lines.extend(found.map(|item| item.name.clone()).filter(|name| name != typed));
    }
    lines
}

fn common<'a>(one: &'a str, other: &str) -> &'a str {
    let mut end = 0;
    for ((at, a), b) in one.char_indices().zip(other.chars()) {
        if a != b {
            break;
        }
        end = at + a.len_utf8();
    }
    one.get(..end).unwrap_or_default()
}

/// What is remembered of a command that was chosen.
pub(super) fn remembered(item: &PaletteItem, typed: &str) -> Option<String> {
    match &item.command {
        Command::Refused(_) => None,
        // With blanks and all, as it was typed or completed.
        Command::With(word, argument) => Some(format!("{} {argument}", words::name(*word))),
        Command::Trace(id) => Some(format!("trace {id}")),
        Command::Run(_)
        | Command::Incident(_)
        | Command::Context(_)
        | Command::Theme(_)
        | Command::View(_)
        | Command::Scope(_) => (!typed.trim().is_empty()).then(|| item.name.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_not_finished_stands_before_the_word_that_nothing_is_called_so() {
        for (typed, name) in [("view sa", "view save"), ("view d", "view drop")] {
            let mut palette = typed_into(typed);
            rank(&mut palette);
            assert_eq!(palette.items[palette.hits[0]].name, name);
        }
        let mut palette = typed_into("view night");
        rank(&mut palette);
        assert!(
            matches!(&palette.items[palette.hits[0]].command, Command::Refused(why) if why.contains("night"))
        );
    }

    #[test]
    fn behind_a_word_with_a_blank_stand_only_its_own_lines() {
        let named = |name: &str, command| PaletteItem {
            command,
            name: name.to_owned(),
            title: "Draw with another theme than before".to_owned(),
            keys: String::new(),
            fits: Fits::Now,
        };
        let found = |typed: &str| {
            let mut palette = typed_into(typed);
            palette.items = vec![
                named("view.the_empty", Command::Run(Action::Help)),
                named("theme light", Command::Theme("light".into())),
                named("theme dark", Command::Theme("dark".into())),
            ];
            palette.fixed = palette.items.len();
            rank(&mut palette);
            let listed = palette.hits.iter().map(|&hit| palette.items[hit].name.clone());
            listed.collect::<Vec<_>>()
        };
        assert_eq!(found("theme "), ["theme light", "theme dark"]);
        assert_eq!(found("theme").len(), 3, "a word alone is sought everywhere");
        assert_eq!(found("theme da")[0], "theme dark");
    }

    fn typed_into(typed: &str) -> Palette {
        Palette {
            input: TextArea::from([typed.to_owned()]),
            fixed: 0,
            items: Vec::new(),
            hits: Vec::new(),
            cursor: 0,
            offers: Arc::default(),
            past: None,
            tab: None,
        }
    }

    #[test]
    fn a_word_that_only_a_scope_of_before_has_chooses_nothing() {
        let item = |command, name: &str| PaletteItem {
            command,
            name: name.to_owned(),
            title: "Turn every pane to this scope of before".to_owned(),
            keys: String::new(),
            fits: Fits::Now,
        };
        let found = |typed: &str| {
            let mut palette = typed_into(typed);
            let scope = crate::app::scope::Scope::of_service("checkout");
            palette.items = vec![
                item(Command::Scope(Box::new(scope)), "scope checkout"),
                item(Command::Run(Action::Help), "view.help"),
                item(Command::Run(Action::Open), "clock hardly checks"),
            ];
            palette.fixed = palette.items.len();
            rank(&mut palette);
            let listed = palette.hits.iter().map(|&hit| palette.items[hit].command.clone());
            listed.collect::<Vec<_>>()
        };
        assert_eq!(found("chkt"), [], "its letters are not its name");
        let listed = found("check");
        assert!(matches!(&listed[0], Command::Refused(why) if why.starts_with("nothing is called check")));
        assert!(
            listed[1..]
                .iter()
                .any(|command| matches!(command, Command::Scope(_))),
            "it is there to be chosen"
        );
        assert!(
            matches!(found("sco")[0], Command::Scope(_)),
            "whoever begins to type scope means one"
        );
        assert!(matches!(
            found("scope checkout")[0],
            Command::With(Word::Scope, _)
        ));
    }

    #[test]
    fn a_word_that_wants_a_name_says_so_before_any_name() {
        let mut palette = typed_into("view save ");
        rank(&mut palette);
        let first = &palette.items[palette.hits[0]];
        let why = "a name is wanted: view save NAME";
        assert_eq!(first.command, Command::Refused(why.to_owned()));
    }
}
