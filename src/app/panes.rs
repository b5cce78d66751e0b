//! The state of each pane: what it shows, where its cursor is, what it is filtered to.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::feed::Feed;
use super::list::ListState;
use super::modal::Composer;
use crate::backend::annotations::Marks;
use crate::domain::alert::{
    Alert, AlertBoard, AlertGroup, BoardSilence, Fingerprint, Grouping, IsAck, Labels, Silence, SilenceState,
    StateChoice,
};
use crate::domain::selector::Selector;
use crate::domain::slo::{SloBoard, SloReport};
use crate::problem::nearest;
use crate::text::SafeText;
use crate::time::{Now, Tick};

/// A change on screen that is younger than this may not have been seen by whoever presses a key.
const UNSEEN: Duration = Duration::from_millis(700);

/// Boards remembered at once: more within that time are answers in a burst.
const MOST_REMEMBERED: usize = 16;

/// Text sought in a list; `n` and `N` are bound to it while it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// What is sought, smart case.
    pub text: String,
}

impl Search {
    /// Smart case: a capital in the sought text makes it exact.
    pub fn hits(&self, text: &str) -> bool {
        if self.text.chars().any(char::is_uppercase) {
            text.contains(&self.text)
        } else {
            text.to_lowercase().contains(&self.text)
        }
    }
}

/// The SLO pane.
#[derive(Debug)]
pub struct SloPane {
    /// What was measured.
    pub feed: Feed<SloBoard>,
    /// Deploys and other marks of the last hour and a half, as the annotations backend tells them.
    pub marks: Feed<Marks>,
    /// Frozen board while paused.
    pub frozen: Option<Arc<SloBoard>>,
    /// Names of the rows shown, filtered, in board order.
    pub rows: Vec<String>,
    /// Cursor.
    pub list: ListState<String>,
    /// Bare words over name, service and state; empty shows all.
    pub filter: String,
    /// Search, while one is on.
    pub search: Option<Search>,
}

impl Default for SloPane {
    fn default() -> Self {
        Self {
            feed: Feed::new(Duration::from_secs(15)),
            marks: Feed::new(Duration::from_secs(60)),
            frozen: None,
            rows: Vec::new(),
            list: ListState::default(),
            filter: String::new(),
            search: None,
        }
    }
}

impl SloPane {
    /// The board that is drawn.
    pub fn board(&self) -> Option<&SloBoard> {
        self.frozen.as_deref().or_else(|| self.feed.value())
    }

    /// A report by name.
    pub fn report(&self, name: &str) -> Option<&Arc<SloReport>> {
        self.board()?.slos.iter().find(|report| report.slo.name == name)
    }

    /// The report under the cursor.
    pub fn selected(&self) -> Option<&Arc<SloReport>> {
        self.report(self.list.selected.as_deref()?)
    }

    /// Works out the rows again, for what is selected.
    pub fn arrange(&mut self, selector: &Selector) {
        let words: Vec<String> = self.filter.split_whitespace().map(str::to_lowercase).collect();
        let rows = self.board().map_or_else(Vec::new, |board| {
            board
                .slos
                .iter()
                .filter(|r| selector.selects_service(&r.slo.service))
                .filter(|r| {
                    words.iter().all(|word| {
                        r.slo.name.to_lowercase().contains(word)
                            || r.slo.service.to_lowercase().contains(word)
                            || r.state.word().contains(word.as_str())
                    })
                })
                .map(|r| r.slo.name.clone())
                .collect()
        });
        self.rows = rows;
        self.list.follow(&self.rows);
    }
}

/// A row of the alert pane, by identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlertRow {
    /// One alert of a group.
    Alert {
        /// Which.
        fingerprint: Fingerprint,
        /// In which group: an alert may stand in several.
        group: Labels,
    },
    /// The head of a group of several.
    Group(Labels),
}

/// Where a row stands in the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowPlace {
    /// Index of its group.
    pub group: usize,
    /// Index within the group; `None` for the head.
    pub member: Option<usize>,
}

/// How often within the last day it is looked whether an alert fired.
pub const FIRINGS_STEP: Duration = Duration::from_secs(300);

/// From–to of each firing, oldest first; or why that is not known.
///
/// They were looked for at every [`FIRINGS_STEP`]: a beginning or an end lies anywhere within one of it.
pub type Firings = Result<Vec<(DateTime<Utc>, DateTime<Utc>)>, String>;

/// The alert pane.
#[derive(Debug)]
pub struct AlertPane {
    /// What was arranged last.
    pub board: Option<Arc<AlertBoard>>,
    /// Boards that were replaced of late, and when, oldest first: what a hand on a key may still have seen.
    pub before: Vec<(Arc<AlertBoard>, Tick)>,
    /// Frozen board while paused.
    pub frozen: Option<Arc<AlertBoard>>,
    /// Rows shown.
    pub rows: Vec<AlertRow>,
    /// Where each row stands.
    pub places: Vec<RowPlace>,
    /// Cursor.
    pub list: ListState<AlertRow>,
    /// Groups that are unfolded.
    pub unfolded: BTreeSet<Labels>,
    /// Marked alerts, filtered out or not.
    pub marks: BTreeSet<Fingerprint>,
    /// How it is grouped.
    pub grouping: Grouping,
    /// Which states are shown.
    pub states: StateChoice,
    /// The filter as typed.
    pub filter: String,
    /// Search, while one is on.
    pub search: Option<Search>,
    /// The row under the cursor changed without a key: what it was, and when.
    pub displaced: Option<(String, Tick)>,
    /// Silences that were being composed and not sent, the newest last: each for what it is about.
    pub drafts: Vec<Composer>,
    /// Questions asked so far about what a silence would have hidden: the newest one's number.
    pub past_asked: u64,
    /// When the next one is asked, where typing has not rested yet.
    pub past_due: Option<Tick>,
    /// When the opened alert fired during the last day.
    pub history: Option<(Fingerprint, Firings)>,
}

impl AlertPane {
    /// What drafts of silences are about, as it is typed, the newest first.
    pub fn drafted(&self) -> Vec<String> {
        let mut told: Vec<String> = Vec::new();
        for draft in self.drafts.iter().rev() {
            let subject = SafeText::line(&draft.subject().join(", ")).into_string();
            if !subject.is_empty() && !told.contains(&subject) {
                told.push(subject);
            }
        }
        told
    }
}

impl Default for AlertPane {
    fn default() -> Self {
        Self {
            board: None,
            before: Vec::new(),
            frozen: None,
            rows: Vec::new(),
            places: Vec::new(),
            list: ListState::default(),
            unfolded: BTreeSet::new(),
            marks: BTreeSet::new(),
            grouping: Grouping::Server,
            states: StateChoice::Active,
            filter: String::new(),
            search: None,
            displaced: None,
            drafts: Vec::new(),
            past_asked: 0,
            past_due: None,
            history: None,
        }
    }
}

impl AlertPane {
    /// The board that is drawn.
    pub fn shown(&self) -> Option<&Arc<AlertBoard>> {
        self.frozen.as_ref().or(self.board.as_ref())
    }

    /// The group and, unless it is a head, the alert of a row.
    pub fn at(&self, row: usize) -> Option<(&Arc<AlertGroup>, Option<&Arc<Alert>>)> {
        let place = self.places.get(row)?;
        let group = self.shown()?.groups.get(place.group)?;
        Some((group, place.member.and_then(|member| group.alerts.get(member))))
    }

    /// The alert under the cursor; of a group's head, its most urgent.
    pub fn selected(&self) -> Option<&Arc<Alert>> {
        let (group, alert) = self.at(self.list.index)?;
        alert.or_else(|| group.alerts.first())
    }

    /// An alert by fingerprint, filtered out or not.
    pub fn alert(&self, fingerprint: Fingerprint) -> Option<&Arc<Alert>> {
        self.shown()?.by_fingerprint.get(&fingerprint)
    }

    /// Remembers a board that has just been taken from the screen, as long as a hand may have it in mind.
    pub fn remember(&mut self, board: Arc<AlertBoard>, now: Now) {
        self.before
            .retain(|(_, replaced)| now.tick.since(*replaced) < UNSEEN);
        if self.before.len() == MOST_REMEMBERED {
            // The oldest says most: it is the one that is compared with.
            self.before.pop();
        }
        self.before.push((board, now.tick));
    }

    /// The board that was on screen when a change could last have been seen, where there was a change since.
    pub fn last_seen(&self, now: Now) -> Option<&Arc<AlertBoard>> {
        let unseen = |(_, replaced): &&(Arc<AlertBoard>, Tick)| now.tick.since(*replaced) < UNSEEN;
        self.frozen
            .as_ref()
            .or_else(|| self.before.iter().find(unseen).map(|(board, _)| board))
    }

    /// What the row under the cursor was until a moment ago, where it changed without a key.
    pub fn displaced(&self, now: Now) -> Option<&str> {
        let (was, at) = self.displaced.as_ref()?;
        (now.tick.since(*at) < UNSEEN).then_some(was)
    }

    /// Works out the rows again and finds the cursor's alert among them.
    pub fn arrange(&mut self) {
        let mut rows = Vec::new();
        let mut places = Vec::new();
        if let Some(board) = self.frozen.as_ref().or(self.board.as_ref()) {
            for (index, group) in board.groups.iter().enumerate() {
                let single = group.alerts.len() == 1;
                if !single {
                    rows.push(AlertRow::Group(group.key.clone()));
                    places.push(RowPlace {
                        group: index,
                        member: None,
                    });
                }
                if single || self.unfolded.contains(&group.key) {
                    for (member, alert) in group.alerts.iter().enumerate() {
                        rows.push(AlertRow::Alert {
                            fingerprint: alert.occurrence.fingerprint,
                            group: group.key.clone(),
                        });
                        places.push(RowPlace {
                            group: index,
                            member: Some(member),
                        });
                    }
                }
            }
        }
        self.rows = rows;
        self.places = places;
        self.adopt();
        self.list.follow(&self.rows);
    }

    /// Where the row under the cursor is gone but its alert is still on the board (folded, regrouped), the
    /// cursor goes to the row that holds the alert now.
    fn adopt(&mut self) {
        let Some(selected) = &self.list.selected else {
            return;
        };
        if self.rows.contains(selected) {
            return;
        }
        let wanted = match selected {
            AlertRow::Alert { fingerprint, .. } => *fingerprint,
            // Of a group that shrank to one, that one has the row now.
            AlertRow::Group(key) => {
                let left = self
                    .rows
                    .iter()
                    .find(|row| matches!(row, AlertRow::Alert { group, .. } if group == key));
                if let Some(row) = left {
                    self.list.selected = Some(row.clone());
                }
                return;
            }
        };
        let Some(board) = self.frozen.as_ref().or(self.board.as_ref()) else {
            return;
        };
        let found = self.rows.iter().zip(&self.places).find(|(row, place)| match row {
            AlertRow::Alert { fingerprint, .. } => *fingerprint == wanted,
            AlertRow::Group(_) => board
                .groups
                .get(place.group)
                .is_some_and(|group| group.alerts.iter().any(|a| a.occurrence.fingerprint == wanted)),
        });
        if let Some((row, _)) = found {
            self.list.selected = Some(row.clone());
        }
    }
}

/// Which silences are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SilenceChoice {
    /// Active and pending.
    #[default]
    InForce,
    /// Ending within twelve hours.
    Expiring,
    /// Active, and hiding nothing now.
    Unused,
    /// Expired ones as well.
    All,
}

impl SilenceChoice {
    /// The next in the cycle.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::InForce => Self::Expiring,
            Self::Expiring => Self::Unused,
            Self::Unused => Self::All,
            Self::All => Self::InForce,
        }
    }

    /// In words, for the title.
    pub fn word(self) -> &'static str {
        match self {
            Self::InForce => "in force",
            Self::Expiring => "ending within 12h",
            Self::Unused => "hiding nothing",
            Self::All => "all",
        }
    }
}

/// The identity of a silence: its cluster and its id there, whichever member was heard first.
pub type SilenceKey = (Arc<str>, Arc<str>);

/// The list of silences.
#[derive(Debug, Default)]
pub struct SilencePane {
    /// Rows shown.
    pub rows: Vec<SilenceKey>,
    /// How many of those that are listed the filter hides.
    pub hidden: usize,
    /// Cursor.
    pub list: ListState<SilenceKey>,
    /// Which are listed.
    pub choice: SilenceChoice,
    /// Bare words over matchers, author and comment.
    pub filter: String,
    /// Search, while one is on.
    pub search: Option<Search>,
}

impl SilencePane {
    /// Works out the rows again.
    pub fn arrange(&mut self, board: Option<&AlertBoard>, now: Now) {
        let words = words_of(&self.filter);
        let silences = board.map_or(&[][..], |board| board.silences.as_slice());
        let listed: Vec<&Arc<BoardSilence>> = silences.iter().filter(|s| self.wants(s, now)).collect();
        let has_all = |s: &&&Arc<BoardSilence>| {
            let text = silence_text(&s.silence);
            words.iter().all(|word| text.contains(word))
        };
        self.rows = listed
            .iter()
            .filter(has_all)
            .map(|s| (Arc::clone(&s.cluster), Arc::clone(&s.silence.id)))
            .collect();
        self.hidden = listed.len() - self.rows.len();
        self.list.follow(&self.rows);
    }

    /// The first word of the filter that no silence of a board has, and the matchers' label that is nearest to its
    /// own where it names one.
    pub fn missed(&self, board: &AlertBoard) -> Option<(String, Option<String>)> {
        let texts: Vec<String> = board.silences.iter().map(|s| silence_text(&s.silence)).collect();
        let nobody_has = |word: &String| !texts.iter().any(|text| text.contains(word.as_str()));
        let word = words_of(&self.filter).into_iter().find(nobody_has)?;
        let label = word.split_once(['=', '!', '~']).map(|(label, _)| label);
        let matchers = board.silences.iter().flat_map(|s| &s.silence.matchers);
        let names: BTreeSet<&str> = matchers.map(|matcher| &*matcher.name).collect();
        let is_known = |label: &&str| names.iter().any(|name| name.eq_ignore_ascii_case(label));
        let unknown = label.filter(|label| !is_known(label));
        let near = unknown.and_then(|label| nearest(label, names));
        Some((word.clone(), near.map(str::to_owned)))
    }

    fn wants(&self, silence: &BoardSilence, now: Now) -> bool {
        let in_force = silence.silence.state != SilenceState::Expired;
        match self.choice {
            SilenceChoice::All => true,
            SilenceChoice::InForce => in_force,
            SilenceChoice::Expiring => {
                in_force
                    && silence.silence.ends_at - now.utc <= chrono::TimeDelta::hours(12)
                    && silence.ack == IsAck::No
            }
            SilenceChoice::Unused => silence.silence.state == SilenceState::Active && silence.matches == 0,
        }
    }
}

fn words_of(filter: &str) -> Vec<String> {
    filter.split_whitespace().map(str::to_lowercase).collect()
}

/// The silence under the cursor.
pub fn selected_silence<'a>(pane: &SilencePane, board: &'a AlertBoard) -> Option<&'a Arc<BoardSilence>> {
    silence_by(board, pane.list.selected.as_ref()?)
}

/// A silence by its identity.
pub fn silence_by<'a>(board: &'a AlertBoard, (cluster, id): &SilenceKey) -> Option<&'a Arc<BoardSilence>> {
    board
        .silences
        .iter()
        .find(|s| s.cluster == *cluster && s.silence.id == *id)
}

/// What a silence is searched by, in lower case.
pub fn silence_text(silence: &Silence) -> String {
    let mut text = format!("{} {} {}", silence.id, silence.created_by, silence.comment);
    for matcher in &silence.matchers {
        text.push(' ');
        text.push_str(&matcher.name);
        text.push_str(matcher.op.symbol());
        text.push_str(&matcher.value);
        // And as its row shows it.
        text.push(' ');
        text.push_str(&matcher.to_string());
    }
    text.to_lowercase()
}
