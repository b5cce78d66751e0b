//! What the palette keeps from session to session: views by name, the last scopes, the commands typed.
//!
//! A view is what one looks at and how: layout, scope, filters. It names no thing on the screen, so that it means the same
//! tomorrow. Where all of it lies on the disk is the runtime's to know. Start at [`Kept`].

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use serde::{Deserialize, Serialize};

use super::focus::{Layout, PaneId, Zoom};
use super::scope::Scope;
use super::{Model, Zone};
use crate::domain::alert::{Grouping, StateChoice};
use crate::domain::log::Level;
use crate::domain::trace::summary::Outcome;

/// The last scopes that are offered again.
pub const MOST_SCOPES: usize = 10;
/// The last commands that are offered again.
pub const MOST_COMMANDS: usize = 100;
/// Bytes of a command that is kept: a longer one is no line that anybody wants back.
pub const LONGEST_COMMAND: usize = 2_000;
/// Views of a context at most.
pub const MOST_VIEWS: usize = 100;
/// Characters of a view's name at most.
pub const LONGEST_NAME: usize = 40;

/// What is kept for the open context.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// Its views, by name.
    pub views: BTreeMap<String, SavedView>,
    /// Its last scopes, the newest first.
    pub scopes: Vec<Scope>,
    /// The last commands, of whatever context, the newest first.
    pub commands: Vec<String>,
    /// Why the views could not be read, in safe words; then none are listed, and their file stays as it is.
    pub trouble: Option<String>,
}

impl Kept {
    /// Puts a command in front; whether that changed anything.
    pub fn remember(&mut self, command: &str) -> bool {
        remember(&mut self.commands, command.to_owned(), MOST_COMMANDS)
    }

    /// Puts a scope in front; whether that changed anything.
    pub fn visit(&mut self, scope: &Scope) -> bool {
        visit(&mut self.scopes, scope.clone())
    }
}

/// Puts an entry in front of those before it, once, and lets the oldest go.
pub fn remember<T: PartialEq>(list: &mut Vec<T>, entry: T, most: usize) -> bool {
    if list.first() == Some(&entry) {
        return false;
    }
    list.retain(|known| *known != entry);
    list.insert(0, entry);
    list.truncate(most);
    true
}

/// Puts a scope in front. Times of the same thing are one scope to come back to, with the last of them.
pub fn visit(scopes: &mut Vec<Scope>, scope: Scope) -> bool {
    if scopes.first() == Some(&scope) {
        return false;
    }
    let timeless = scope.with_range(None);
    scopes.retain(|known| known.with_range(None) != timeless);
    remember(scopes, scope, MOST_SCOPES)
}

/// A change to what is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keep {
    /// A view of the open context; nothing drops it.
    View {
        /// Its name.
        name: String,
        /// It.
        view: Option<Box<SavedView>>,
    },
    /// A scope of the open context that was turned to.
    Scope(Box<Scope>),
    /// A command that was typed.
    Command(String),
}

/// The views of the open context as they are on the disk after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewsKept {
    /// By name.
    pub views: BTreeMap<String, SavedView>,
    /// Something worth saying, in safe words: where a damaged file was put.
    pub said: Option<String>,
}

/// Why a name cannot be a view's, or the name without blanks around it.
pub fn name_of(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() {
        return Err("a view needs a name: view save NAME".to_owned());
    }
    if name.chars().count() > LONGEST_NAME {
        return Err(format!("a view's name has at most {LONGEST_NAME} characters"));
    }
    if name.chars().any(char::is_control) {
        return Err("a view's name is one line of text".to_owned());
    }
    if matches!(name.split_whitespace().next(), Some("save" | "drop")) {
        return Err("`save` and `drop` are commands; take another name".to_owned());
    }
    Ok(name.to_owned())
}

/// A view: layout, scope and filters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SavedView {
    /// The pane that has the keys.
    pub focus: PaneWord,
    /// Whether it has the whole screen.
    pub zoom: bool,
    /// Panes out of sight.
    pub hidden: BTreeSet<PaneWord>,
    /// Per cent of a shared column's rows that the SLO pane has.
    pub slo_share: u16,
    /// Per cent of a shared column's rows that the incident pane has.
    pub incident_share: u16,
    /// What the panes are turned to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// The SLO pane's filter.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub slo_filter: String,
    /// The incident pane's filter.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub incident_filter: String,
    /// The alert pane.
    pub alerts: AlertsPart,
    /// The log pane.
    pub logs: LogsPart,
    /// The trace pane.
    pub traces: TracesPart,
}

/// What a view says of the alert pane.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlertsPart {
    /// As typed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub filter: String,
    /// Which states.
    pub show: Shown,
    /// Labels that it is grouped by; none of them lists alerts one by one. As Alertmanager groups them where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_by: Option<Vec<String>>,
}

/// Which alerts are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shown {
    /// Active or acknowledged.
    #[default]
    Active,
    /// Suppressed ones.
    Suppressed,
    /// Every one.
    All,
}

/// What a view says of the log pane.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogsPart {
    /// The backend's own query.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub query: String,
    /// As typed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub filter: String,
    /// The least level shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<LevelWord>,
}

/// What a view says of the trace pane.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TracesPart {
    /// As typed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub query: String,
    /// As typed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub filter: String,
    /// Failed ones only.
    pub failed: bool,
}

/// A pane by its word: `slo`, `alerts`, `logs`, `traces`, `incident`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PaneWord(pub PaneId);

impl TryFrom<String> for PaneWord {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        let mut panes = PaneId::ALL.into_iter();
        let named = panes.find(|pane| pane.place().name() == word);
        named
            .map(Self)
            .ok_or_else(|| format!("{word:?} is no pane: slo, alerts, logs, traces or incident"))
    }
}

impl From<PaneWord> for String {
    fn from(pane: PaneWord) -> Self {
        pane.0.place().name().to_owned()
    }
}

/// A level by its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LevelWord(pub Level);

impl TryFrom<String> for LevelWord {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        let named = Level::ALL.into_iter().find(|level| level.word() == word);
        named
            .map(Self)
            .ok_or_else(|| format!("{word:?} is no level: trace, debug, info, warn, error or fatal"))
    }
}

impl From<LevelWord> for String {
    fn from(level: LevelWord) -> Self {
        level.0.word().to_owned()
    }
}

impl Default for SavedView {
    fn default() -> Self {
        let layout = Layout::default();
        Self {
            focus: PaneWord(PaneId::Slo),
            zoom: false,
            hidden: BTreeSet::new(),
            slo_share: layout.slo_share,
            incident_share: layout.incident_share,
            scope: None,
            slo_filter: String::new(),
            incident_filter: String::new(),
            alerts: AlertsPart::default(),
            logs: LogsPart::default(),
            traces: TracesPart::default(),
        }
    }
}

impl SavedView {
    /// What is looked at now.
    pub fn of(model: &Model) -> Self {
        let (alerts, logs, traces) = (&model.alerts, &model.logs, &model.traces);
        Self {
            focus: PaneWord(model.focus),
            zoom: model.layout.zoom == Zoom::Yes,
            hidden: model.layout.hidden.iter().copied().map(PaneWord).collect(),
            slo_share: model.layout.slo_share,
            incident_share: model.layout.incident_share,
            scope: model
                .scope
                .current()
                .cloned()
                .filter(|scope| !scope.is_everything()),
            slo_filter: model.slo.filter.clone(),
            incident_filter: model.incidents.filter.clone(),
            alerts: AlertsPart {
                filter: alerts.filter.clone(),
                show: match alerts.states {
                    StateChoice::Active => Shown::Active,
                    StateChoice::Suppressed => Shown::Suppressed,
                    StateChoice::All => Shown::All,
                },
                group_by: match &alerts.grouping {
                    Grouping::Server => None,
                    Grouping::Labels(labels) => Some(labels.iter().map(ToString::to_string).collect()),
                    Grouping::Flat => Some(Vec::new()),
                },
            },
            logs: LogsPart {
                query: logs.query.clone(),
                // A filter that is lifted for a look around a line holds again afterwards.
                filter: logs
                    .lifted
                    .as_ref()
                    .map_or(&logs.filter, |lifted| &lifted.filter)
                    .clone(),
                level: logs
                    .lifted
                    .as_ref()
                    .map_or(logs.at_least, |lifted| lifted.at_least)
                    .map(LevelWord),
            },
            traces: TracesPart {
                query: traces.query.clone(),
                filter: traces.filter.clone(),
                failed: traces.outcome == Outcome::Failed,
            },
        }
    }

    /// Its layout, in a context that lacks these panes.
    pub fn layout(&self, absent: &BTreeSet<PaneId>) -> Layout {
        let mut layout = Layout {
            zoom: if self.zoom { Zoom::Yes } else { Zoom::No },
            hidden: self.hidden.iter().map(|pane| pane.0).collect(),
            absent: absent.clone(),
            slo_share: self.slo_share.clamp(20, 80),
            incident_share: self.incident_share.clamp(20, 80),
        };
        if layout.visible().next().is_none() {
            layout.hidden.clear();
        }
        layout
    }

    /// How its alerts are grouped.
    pub fn grouping(&self) -> Grouping {
        match &self.alerts.group_by {
            None => Grouping::Server,
            Some(labels) if labels.is_empty() => Grouping::Flat,
            Some(labels) => Grouping::Labels(labels.iter().map(|label| label.as_str().into()).collect()),
        }
    }

    /// Which alerts it shows.
    pub fn states(&self) -> StateChoice {
        match self.alerts.show {
            Shown::Active => StateChoice::Active,
            Shown::Suppressed => StateChoice::Suppressed,
            Shown::All => StateChoice::All,
        }
    }

    /// In a few words, for whoever chooses among several; remote text, not yet safe.
    pub fn words(&self) -> String {
        let mut words = Vec::new();
        // It is read on any day: times have theirs.
        let scope = self.scope.as_ref();
        words.extend(scope.map(|scope| scope.words(Zone::Utc, DateTime::UNIX_EPOCH)));
        let filters = [
            ("slo", &self.slo_filter),
            ("alerts", &self.alerts.filter),
            ("logs", &self.logs.query),
            ("logs", &self.logs.filter),
            ("traces", &self.traces.query),
            ("traces", &self.traces.filter),
            ("incidents", &self.incident_filter),
        ];
        let set = filters.iter().filter(|(_, filter)| !filter.trim().is_empty());
        words.extend(set.map(|(pane, filter)| format!("{pane}: {filter}")));
        words.push(format!("on {}", self.focus.0.title()));
        words.join(" · ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::scope::TimeRange;

    #[test]
    fn what_is_remembered_stands_once_the_newest_first_and_no_more_than_so_many() {
        let mut list = Vec::new();
        for entry in ["a", "b", "a", "c", "d"] {
            remember(&mut list, entry, 3);
        }
        assert_eq!(list, ["d", "c", "a"]);
        assert!(!remember(&mut list, "d", 3), "it stands in front already");
    }

    #[test]
    fn times_of_the_same_scope_are_one_to_come_back_to() {
        let at = |hour| TimeRange::since(chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(hour));
        let cart = |hour| Scope::of_service("cart").with_range(Some(at(hour)));
        let mut scopes = Vec::new();
        visit(&mut scopes, Scope::of_service("search"));
        for hour in 1..5 {
            assert!(visit(&mut scopes, cart(hour)));
        }
        assert!(!visit(&mut scopes, cart(4)));
        assert_eq!(scopes, [cart(4), Scope::of_service("search")]);
    }

    #[test]
    fn a_name_that_would_be_read_as_a_command_is_refused() {
        assert_eq!(name_of("  night shift "), Ok("night shift".to_owned()));
        for bad in ["", "  ", "save", "drop it", "a\tb", &"x".repeat(41)] {
            assert!(name_of(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_view_without_any_pane_in_sight_shows_them_all() {
        let view = SavedView {
            hidden: PaneId::ALL.into_iter().map(PaneWord).collect(),
            slo_share: 99,
            ..SavedView::default()
        };
        let layout = view.layout(&BTreeSet::from([PaneId::Logs]));
        assert!(layout.hidden.is_empty() && layout.shows(PaneId::Slo) && !layout.shows(PaneId::Logs));
        assert_eq!(layout.slo_share, 80);
    }
}
