//! What lies over the panes and has the keys: one enum, so that two can never be open at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use tui_textarea::TextArea;

use super::acts::Act;
use super::compose::Compose;
use super::effect::Deed;
use super::focus::PaneId;
use super::runbook::{Rehearsed, RunOrder};
use super::scope::Scope;
use super::update::Offers;
use crate::action::Action;
use crate::domain::alert::Fingerprint;
use crate::domain::incident::{IncidentAct, IncidentId, Role};
use crate::domain::trace::{Nanos, SpanId, TraceId};
use crate::outbox::{Decision, EntryId};

/// What is open.
#[derive(Debug, Clone)]
pub enum Modal {
    /// Every key, for what is focused first.
    Help {
        /// First line shown.
        scroll: u16,
    },
    /// Every backend.
    Health {
        /// First line shown.
        scroll: u16,
    },
    /// Everything by name.
    Palette(Palette),
    /// Search or filter, typed in the bottom bar.
    Prompt(Prompt),
    /// A question before something is done.
    Confirm(Confirm),
    /// The silence composer.
    Composer(Box<Composer>),
    /// Something is being written: a note, a status update, a mark, a declaration.
    Compose(Box<Compose>),
    /// A short list to choose from: copy, snooze, role.
    Menu(Menu),
    /// A long list to choose from, found by typing: people, levels, priorities.
    Pick(Box<Pick>),
}

/// What a palette entry does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Runs an action.
    Run(Action),
    /// Opens an incident.
    Incident(IncidentId),
    /// Opens a trace, by the id that is typed.
    Trace(TraceId),
    /// Opens another context.
    Context(String),
    /// Draws with another theme.
    Theme(String),
    /// Does what a word does with what is typed behind it.
    With(Word, String),
    /// Takes a saved view up.
    View(String),
    /// Turns the panes to a scope of before.
    Scope(Box<Scope>),
    /// Nothing: says why what is typed cannot be done.
    Refused(String),
}

/// A word of the palette that takes what is typed behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// A PromQL query.
    Query,
    /// A query of the log backend.
    Logs,
    /// A query of the trace backend.
    Traces,
    /// A trace's id.
    Trace,
    /// Alerts or an incident, to be acknowledged.
    Ack,
    /// The same, to be handed back.
    Unack,
    /// Matchers, or alerts by name.
    Silence,
    /// An SLO by name.
    Slo,
    /// A service.
    Scope,
    /// The name of a new view.
    SaveView,
    /// The name of a view.
    DropView,
    /// An incident, for an act on it.
    On(Action),
}

/// One entry of the palette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaletteItem {
    /// What it does.
    pub command: Command,
    /// `alerts.acknowledge`, `context prod`, `theme light`.
    pub name: String,
    /// In words.
    pub title: String,
    /// Its keys, from the live keymap.
    pub keys: String,
    /// Whether it applies where one is.
    pub fits: Fits,
}

/// Whether an entry of the palette applies where one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fits {
    /// It does.
    Now,
    /// In another pane, where the palette takes one.
    Elsewhere,
    /// Not before something else is opened or there is something to do it to.
    Not,
}

/// The palette.
#[derive(Debug, Clone)]
pub struct Palette {
    /// What is typed.
    pub input: TextArea<'static>,
    /// All entries; behind the first `fixed` those that follow from what is typed.
    pub items: Vec<PaletteItem>,
    /// Entries that are there whatever is typed.
    pub fixed: usize,
    /// Indices of those that match, best first.
    pub hits: Vec<usize>,
    /// The one enter takes, an index into `hits`.
    pub cursor: usize,
    /// What could be typed.
    pub offers: Arc<Offers>,
    /// Which of the commands of before is typed, the newest first, and what was typed before that.
    pub past: Option<(usize, String)>,
    /// What tab was pressed on, and which of its completions is typed.
    pub tab: Option<(String, usize)>,
}

/// What a prompt is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptKind {
    /// Jumps from hit to hit.
    Search,
    /// Hides what does not match.
    Filter,
    /// The log backend's own query, asked on enter.
    Query,
    /// A time to jump to.
    Time,
    /// Names of fields to show as columns.
    Columns,
    /// The id of a trace to open.
    TraceId,
}

/// Which list a prompt is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptTarget {
    /// A pane.
    Pane(PaneId),
    /// The list of silences.
    Silences,
    /// The open timeline.
    Timeline,
    /// The open trace.
    Trace,
    /// Every pane at once.
    Scope,
}

/// Search or filter being typed.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// What for.
    pub kind: PromptKind,
    /// Of which list.
    pub target: PromptTarget,
    /// What is typed.
    pub input: TextArea<'static>,
    /// What held before, for esc.
    pub before: String,
    /// Rows with what is sought in them; nothing where they are not counted.
    pub hits: Option<usize>,
}

/// What a yes leads to.
#[derive(Debug, Clone, PartialEq)]
pub enum Then {
    /// An act goes out.
    Act(Act),
    /// The program ends.
    Quit,
    /// Another context opens.
    SwitchContext(String),
    /// Several acts go out, each for itself.
    Acts(Vec<Act>),
    /// The notice of a refused escalation goes.
    Dismiss(EntryId),
    /// Takes the notice of a page that reached nobody down: its notifications.
    AnswerFor(Vec<i64>),
    /// An entry of the outbox is decided.
    Decide(EntryId, Decision),
    /// A command of a runbook runs, as it was shown. Not at enter, which may be held down.
    Run(Box<RunOrder>),
    /// A playbook was looked over, and its first step is asked for.
    Rehearsed(Box<Rehearsed>),
}

/// A word that must be typed before a yes counts.
#[derive(Debug, Clone)]
pub struct Typed {
    /// The word: a context's name, a count.
    pub want: String,
    /// What it is, for the label.
    pub what: &'static str,
    /// What is typed.
    pub input: TextArea<'static>,
}

/// A question.
#[derive(Debug, Clone)]
pub struct Confirm {
    /// What is about to be done.
    pub title: String,
    /// What it will hit, one safe line each; warnings first.
    pub lines: Vec<ConfirmLine>,
    /// Words to type, in turn; empty = enter or y is enough.
    pub typed: Vec<Typed>,
    /// What a yes leads to.
    pub then: Then,
    /// The alerts that it would hit, as they are listed here: an answer holds for no others.
    pub hits: BTreeSet<Fingerprint>,
    /// First line shown.
    pub scroll: u16,
}

/// A line of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfirmLine {
    /// Told.
    Plain(String),
    /// Told as a warning.
    Warning(String),
    /// An argument of a command: wrapped and never cut, for it has to be seen whole.
    Argument {
        /// As it could be typed.
        text: String,
        /// The labels whose values stand in it.
        from: Vec<String>,
    },
}

/// Fields of the composer, in the order of tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// One matcher a line.
    Matchers,
    /// How long.
    Duration,
    /// Why; required.
    Comment,
}

impl Field {
    /// The next in the order of tab.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Matchers => Self::Duration,
            Self::Duration => Self::Comment,
            Self::Comment => Self::Matchers,
        }
    }

    /// The one before.
    #[must_use]
    pub fn previous(self) -> Self {
        self.next().next()
    }
}

/// What a silence would have hidden of the last hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Past {
    /// Not asked: no metrics backend, or the matchers do not read.
    Unasked,
    /// Asked.
    Waiting,
    /// (alert name, label sets).
    Known(Vec<(Arc<str>, usize)>),
    /// Why it is not known.
    Failed(String),
}

/// The silence composer.
#[derive(Debug, Clone)]
pub struct Composer {
    /// The matchers that it offered first: what it is about, whatever was typed since.
    pub about: Vec<String>,
    /// The alerts that it is for, where matchers do not tell: it was sent and not made, or they have nothing in common.
    pub hits: BTreeSet<Fingerprint>,
    /// Whether it was put away once, and taken up again.
    pub is_draft: bool,
    /// As it stood when it was cleared.
    pub cleared: Option<Box<Composer>>,
    /// One matcher a line.
    pub matchers: TextArea<'static>,
    /// `2h`.
    pub duration: TextArea<'static>,
    /// Why.
    pub comment: TextArea<'static>,
    /// The field that has the keys.
    pub field: Field,
    /// What is wrong with what is typed, said when it was tried.
    pub error: Option<String>,
    /// What it would have hidden.
    pub past: Past,
    /// Number of the last question about the past.
    pub seq: u64,
}

impl Composer {
    /// The matchers that a draft is found again by: those that it offered first, or, where it had none to offer, those
    /// that were typed. May be empty.
    pub fn subject(&self) -> Vec<String> {
        if !self.about.is_empty() {
            return self.about.clone();
        }
        let typed = self.matchers.lines().iter().map(|line| line.trim());
        typed.filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }
}

/// One entry of a menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MenuItem {
    /// Chosen by this key as well.
    pub key: char,
    /// What it is.
    pub label: String,
    /// What it leads to.
    pub choice: Choice,
}

/// Where a pivot leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// The log lines of a service, around a moment where one is meant.
    Logs(Arc<str>, Option<Nanos>),
    /// The log lines that carry a trace id, around the moment of one of them.
    TraceLogs(TraceId, Nanos),
    /// The log lines that carry a trace id and a span id, around a moment.
    SpanLogs(TraceId, SpanId, Nanos),
    /// The traces of a service, of the time of a moment where one is meant.
    Traces(Arc<str>, Option<Nanos>),
    /// The slow requests of a latency SLO, by name: its exemplars.
    Exemplars(String),
    /// A trace: its id, until there is more to show of it.
    Trace(TraceId),
    /// A trace, with the cursor on a span or on what ran at a moment.
    Moment {
        /// Which trace.
        trace: TraceId,
        /// The span, where it is known.
        span: Option<SpanId>,
        /// The moment.
        at: Nanos,
    },
    /// An incident.
    Incident(IncidentId),
    /// An alert.
    Alert(Fingerprint),
    /// An SLO, by name.
    Slo(String),
}

/// What a menu entry leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Copies a text.
    Copy {
        /// What it is, for the toast.
        what: &'static str,
        /// The text.
        text: String,
        /// What is told of it, where that is evidence.
        deed: Option<Deed>,
    },
    /// Does something to the incident that an action was found to be about.
    On {
        /// Which.
        incident: IncidentId,
        /// What.
        action: Action,
    },
    /// Goes somewhere else.
    Go {
        /// Where.
        goal: Goal,
        /// What is told of it.
        deed: Option<Deed>,
    },
    /// Runs an action.
    Run(Action),
    /// Opens the runbook of an alert.
    Runbook(Fingerprint),
    /// Does something to an incident.
    Incident {
        /// Which.
        incident: IncidentId,
        /// What.
        act: IncidentAct,
    },
    /// Asks who is to be something in an incident.
    Role {
        /// In which.
        incident: IncidentId,
        /// What.
        role: Role,
    },
}

/// What a pick-list is for: what fills it when its answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PickFor {
    /// Levels of the escalation policy.
    Escalate,
    /// People and policies.
    Reassign,
    /// People to ask for help.
    Page,
    /// Priorities or severities.
    Priority,
    /// Somebody for a role.
    Role(Role),
}

/// One line of a pick-list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PickItem {
    /// What it is; safe text, found by typing.
    pub name: String,
    /// More about it; safe text.
    pub note: String,
    /// What choosing it does, or why it cannot be chosen.
    pub leads: Result<Lead, String>,
}

/// What choosing a line of a pick-list does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lead {
    /// An act on the incident.
    Act(IncidentAct),
    /// The level that was missed while no console was open is left asleep.
    LeaveMissed,
    /// It is given to somebody else instead.
    Reassign,
}

/// A list to choose from by typing.
#[derive(Debug, Clone)]
pub struct Pick {
    /// What is chosen, safe text.
    pub title: String,
    /// What fills it.
    pub what: PickFor,
    /// Of which incident.
    pub incident: IncidentId,
    /// Said above the list, safe text; warnings first.
    pub lines: Vec<ConfirmLine>,
    /// The list; nothing while it is asked for, or why there is none.
    pub items: Option<Result<Vec<PickItem>, String>>,
    /// What is typed.
    pub input: TextArea<'static>,
    /// Indices of the items found, best first.
    pub hits: Vec<usize>,
    /// The one enter takes, an index into `hits`.
    pub cursor: usize,
    /// Whether the number of a level is taken though it is not listed: nobody can say which there are.
    pub any_level: bool,
}

/// A short list to choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Menu {
    /// What is chosen.
    pub title: &'static str,
    /// The entries.
    pub items: Vec<MenuItem>,
    /// The one under the cursor.
    pub cursor: usize,
}
