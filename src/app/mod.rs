//! The application: one [`Model`], [`Msg`] in, [`Effect`]s out; all of it pure.
//!
//! [`update::update`] is the only writer of the model and has no I/O, no clock and no environment; the view
//! reads it; the runtime carries out the effects and answers with messages. Start at [`Model`].

pub mod acts;
pub mod alone;
pub mod attention;
pub mod awaited;
pub mod banner;
pub mod case;
pub mod compose;
pub mod cost;
pub mod drill;
pub mod effect;
pub mod feed;
pub mod focus;
pub mod incidents;
pub mod kept;
pub mod links;
pub mod list;
pub mod logs;
pub mod modal;
pub mod moment;
pub mod msg;
pub mod news;
pub mod oneself;
pub mod panes;
pub mod play;
pub mod preview;
pub mod query;
pub mod record;
pub mod reference;
pub mod runbook;
pub mod scope;
pub mod still;
pub mod strip;
pub mod themes;
pub mod toast;
pub mod tour;
pub mod traces;
pub mod trail;
pub mod union;
pub mod update;

use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Size;

pub use effect::Effect;
pub use msg::Msg;

use crate::domain::incident::IncidentId;
use crate::domain::service_map::ServiceMap;
use crate::keymap::{Chord, Keymap};
use crate::outbox::{EntryId, OutboxView};
use crate::runbook::Policy;
use crate::time::{Now, Tick};
use acts::{ActId, Acts};
use focus::{Detail, Layout, PaneId};
use incidents::IncidentPane;
use list::ListState;
use logs::LogPane;
use modal::Modal;
use panes::{AlertPane, SilencePane, SloPane};
use runbook::{RunbookPage, Running};
use scope::ScopeStack;
use toast::{Covered, Toasts};
use traces::TracePane;

/// Seconds between two looks at the clock where the link is spared: ages and figures move in such steps.
const SPARED_STEP: u64 = 10;

/// What the console needs to know of the configuration, fixed for a context.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The open context.
    pub context: String,
    /// All contexts, in file order.
    pub contexts: Vec<String>,
    /// Theme name or path, or `auto`.
    pub theme: String,
    /// Themes that can be switched to.
    pub themes: Vec<String>,
    /// Dangerous acts ask for the context's name.
    pub danger: bool,
    /// Every act is refused.
    pub read_only: bool,
    /// Who acts.
    pub identity: String,
    /// Length of an acknowledgement and of each extension.
    pub ack_lease: Duration,
    /// An acknowledgement is not extended past this age.
    pub ack_max: Duration,
    /// Nor past this long without a key.
    pub ack_idle: Duration,
    /// Longest silence.
    pub silence_max: Duration,
    /// How long a silence waits for `undo` before it is sent.
    pub grace: Duration,
    /// A metrics backend is configured.
    pub has_metrics: bool,
    /// Alertmanagers, by name.
    pub alertmanagers: Vec<Arc<str>>,
    /// Those of them that may be written to.
    pub writable: Vec<Arc<str>>,
    /// The log backend, by name, where one is configured.
    pub logs: Option<Arc<str>>,
    /// The trace backend, by name, where one is configured.
    pub traces: Option<Arc<str>>,
    /// Where traces are shown in a browser: an address with `{trace}` for the id.
    pub trace_ui: Option<String>,
    /// What each backend calls a service.
    pub services: Arc<ServiceMap>,
    /// The configured keeper of incidents, by name; local ones are always there where a journal is.
    pub incidents: Option<Arc<str>>,
    /// Why nothing can be journaled, so that every act is refused; nothing where a journal is.
    pub no_journal: Option<String>,
    /// Whether moments can be marked at an annotations backend.
    pub annotations: Option<Arc<str>>,
    /// After how long without a status update one is due.
    pub update_due: Duration,
    /// After how long without anything done that is said.
    pub progress_due: Duration,
    /// Where runbooks lie, and what of them may be run.
    pub runbooks: Policy,
    /// Standing warnings (TLS verification off, …), said in the health overlay.
    pub warnings: Vec<String>,
}

/// Health of one backend, as the top bar and the health overlay show it.
#[derive(Debug, Clone, PartialEq)]
pub struct BackendHealth {
    /// Its name: `metrics`, `alertmanager eu-0`.
    pub name: Arc<str>,
    /// How its present attempt stands.
    pub status: feed::Status,
    /// When it last answered well.
    pub last_good: Option<Tick>,
    /// How often it is asked.
    pub interval: Duration,
    /// Requests, bytes, errors, latency.
    pub counters: crate::backend::http::Counters,
    /// Difference between its clock and ours, where it tells.
    pub skew: Option<chrono::TimeDelta>,
    /// What is left of its allowance, while that is so low that it is asked less often.
    pub low: Option<crate::backend::http::Allowance>,
}

/// What a composer was left with; kept in the journal, so that a crash loses nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What it is for.
    pub kind: DraftKind,
    /// Of which incident; nothing for a declaration.
    pub incident: Option<IncidentId>,
    /// What was typed.
    pub text: String,
}

/// What a draft is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DraftKind {
    /// A note.
    Note,
    /// A status update.
    StatusUpdate,
    /// The declaration of an incident.
    Declaration,
    /// A mark at the annotations backend.
    Mark,
}

impl DraftKind {
    /// All.
    pub const ALL: [Self; 4] = [Self::Note, Self::StatusUpdate, Self::Declaration, Self::Mark];

    /// As the journal writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::StatusUpdate => "status_update",
            Self::Declaration => "declare",
            Self::Mark => "mark",
        }
    }

    /// By its word.
    pub fn by_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// A row of the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutboxRow {
    /// An act that could not be put on the disk.
    Unsaved(ActId),
    /// An entry of the journal.
    Entry(EntryId),
    /// A page that reached nobody, by the first of its notifications.
    Unreached(i64),
}

/// Which clock times are shown in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Zone {
    /// UTC, marked `Z`.
    #[default]
    Utc,
    /// The host's local time.
    Local,
}

/// Whether the correlation strip is in sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strip {
    /// Above the panes, where there is room.
    Shown,
    /// Not.
    #[default]
    Hidden,
}

/// A frozen view: polling goes on, what is drawn does not change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paused {
    /// Since when.
    pub since: Tick,
    /// Pages that arrived meanwhile and broke in.
    pub new_pages: usize,
}

/// Everything that is shown, and everything that is about to be done.
#[derive(Debug)]
pub struct Model {
    /// From the configuration.
    pub settings: Settings,
    /// Keys to actions.
    pub keymap: Arc<Keymap>,
    /// Terminal size in cells.
    pub size: Size,
    /// Pane sizes, zoom, hidden panes: remembered.
    pub layout: Layout,
    /// The pane that has the keys, under details and modals.
    pub focus: PaneId,
    /// Detail views opened over the panes, innermost last.
    pub details: Vec<DetailView>,
    /// What lies over everything and has the keys.
    pub modal: Option<Modal>,
    /// What of the open question was seen.
    pub attention: attention::Attention,
    /// The SLO pane.
    pub slo: SloPane,
    /// The alert pane.
    pub alerts: AlertPane,
    /// The list of silences.
    pub silences: SilencePane,
    /// The log pane.
    pub logs: LogPane,
    /// The trace pane, and the traces that are open.
    pub traces: TracePane,
    /// Incidents, and the timeline of the followed one.
    pub incidents: IncidentPane,
    /// Acts that are not over, as the journal has them.
    pub outbox: Arc<OutboxView>,
    /// Its escalations: since when each is known, and which were refused.
    pub escalations: banner::Escalations,
    /// Rows of the outbox: what could not be saved, then what the journal has.
    pub outbox_rows: Vec<OutboxRow>,
    /// Cursor over the outbox.
    pub outbox_list: ListState<OutboxRow>,
    /// What the composer was left with, from the journal.
    pub drafts: Vec<Draft>,
    /// Texts that went out and whose acts are not on the disk yet.
    pub sent_texts: Vec<compose::Sent>,
    /// What was lately put into the story, so that it is told once.
    pub deeds: Vec<(effect::Deed, Tick)>,
    /// The last write-up: which, and its Markdown or why there is none; nothing while it is put together.
    pub written: Option<(effect::WriteUp, Result<Arc<str>, String>)>,
    /// The case that was opened last.
    pub case: Option<case::OpenCase>,
    /// Questions asked for cases: the number of the next.
    pub cases: u64,
    /// The runbook that was opened last.
    pub runbook: Option<RunbookPage>,
    /// The command of a runbook that is running.
    pub running: Option<Running>,
    /// What lies open beside the lists.
    pub preview: preview::Preview,
    /// Every backend's health, in the order of the configuration.
    pub health: Vec<BackendHealth>,
    /// How the record of what is done stands, once that is known.
    pub record: Option<record::RecordHealth>,
    /// Who does what is due by itself of local incidents.
    pub watching: record::Watching,
    /// What the panes are turned to.
    pub scope: ScopeStack,
    /// The moment that was chosen last, for every pane to mark.
    pub moment: Option<moment::Moment>,
    /// Whether the correlation strip stands above the panes.
    pub strip: Strip,
    /// What was asked for it, and what came of that.
    pub strip_facts: strip::StripFacts,
    /// Questions asked for it: the number of the next.
    pub strips: u64,
    /// Where pivots were made from, the last one last.
    pub trail: Vec<trail::Whence>,
    /// What the palette keeps: saved views, recent scopes, commands.
    pub kept: kept::Kept,
    /// The PromQL query that was asked last.
    pub query: query::QueryPane,
    /// Every context at once.
    pub union: union::UnionPane,
    /// Which theme is drawn.
    pub themes: themes::Themes,
    /// Passing words.
    pub toasts: Toasts,
    /// Acts under way, in grace, and leases held.
    pub acts: Acts,
    /// Keys of a sequence that is not finished.
    pub pending_keys: Vec<Chord>,
    /// Which clock times are shown in.
    pub zone: Zone,
    /// Drawn frozen.
    pub paused: Option<Paused>,
    /// When a key was last pressed.
    pub last_key: Tick,
    /// Since a writing key was refused: when what was typed after it was typed last.
    pub unwritten: Option<Tick>,
    /// The last seconds of quitting: the loop ends when this is set.
    pub quitting: bool,
    /// What the way to the terminal carries.
    pub traffic: crate::terminal::Traffic,
    /// When the console was opened: what fired before is no news.
    pub opened: chrono::DateTime<chrono::Utc>,
    /// Which pages ring, and which were told.
    pub news: news::News,
    /// What is kept of a drill, in one.
    pub drill: Option<drill::DrillLog>,
    /// What this console costs.
    pub cost: cost::Cost,
    /// The tour.
    pub tour: tour::Tour,
}

/// A detail view with its own scroll.
#[derive(Debug, Clone, PartialEq)]
pub struct DetailView {
    /// What of.
    pub detail: Detail,
    /// First line shown.
    pub scroll: u16,
}

impl Model {
    /// A console that has not heard from anybody yet.
    pub fn new(settings: Settings, keymap: Arc<Keymap>, mut layout: Layout, size: Size, now: Now) -> Self {
        if settings.logs.is_none() {
            layout.absent.insert(PaneId::Logs);
        }
        if settings.traces.is_none() {
            layout.absent.insert(PaneId::Traces);
        }
        // What another context left in sight may be absent here.
        if layout.visible().next().is_none() {
            layout.hidden.clear();
        }
        let wanted = if settings.has_metrics {
            PaneId::Slo
        } else {
            PaneId::Alerts
        };
        // A remembered layout may hide it.
        let focus = Some(wanted)
            .filter(|pane| layout.shows(*pane))
            .or_else(|| layout.visible().next())
            .unwrap_or(wanted);
        Self {
            themes: themes::Themes::of(&settings.theme),
            settings,
            keymap,
            size,
            layout,
            focus,
            details: Vec::new(),
            modal: None,
            attention: attention::Attention::default(),
            slo: SloPane::default(),
            alerts: AlertPane::default(),
            silences: SilencePane::default(),
            logs: LogPane::default(),
            traces: TracePane::default(),
            incidents: IncidentPane::default(),
            outbox: Arc::default(),
            escalations: banner::Escalations::default(),
            outbox_rows: Vec::new(),
            outbox_list: ListState::default(),
            drafts: Vec::new(),
            sent_texts: Vec::new(),
            deeds: Vec::new(),
            written: None,
            case: None,
            cases: 1,
            runbook: None,
            running: None,
            preview: preview::Preview::default(),
            health: Vec::new(),
            record: None,
            watching: record::Watching::default(),
            scope: ScopeStack::default(),
            moment: None,
            strip: Strip::default(),
            strip_facts: strip::StripFacts::default(),
            strips: 1,
            trail: Vec::new(),
            kept: kept::Kept::default(),
            query: query::QueryPane::default(),
            union: union::UnionPane::default(),
            toasts: Toasts::default(),
            acts: Acts::default(),
            pending_keys: Vec::new(),
            zone: Zone::Utc,
            paused: None,
            last_key: now.tick,
            unwritten: None,
            quitting: false,
            traffic: crate::terminal::Traffic::default(),
            opened: now.utc,
            news: news::News::default(),
            drill: None,
            cost: cost::Cost::default(),
            tour: tour::Tour::default(),
        }
    }

    /// Shows log lines and nothing else: there is nothing else to be asked.
    pub fn keep_to_lines(&mut self) {
        self.layout.absent = PaneId::ALL
            .into_iter()
            .filter(|pane| *pane != PaneId::Logs)
            .collect();
        self.layout.hidden.clear();
        self.focus = PaneId::Logs;
    }

    /// Whether log lines are all there is, and so nothing that could be acted on.
    pub fn has_lines_alone(&self) -> bool {
        self.layout.absent.len() + 1 == PaneId::ALL.len() && self.layout.shows(PaneId::Logs)
    }

    /// Whether a dialog stands over what was said in passing.
    pub fn covered(&self) -> Covered {
        match self.modal {
            Some(_) => Covered::Yes,
            None => Covered::No,
        }
    }

    /// The next moment something changes by itself, at the latest the clock's next second. The loop wakes then and
    /// sends [`Msg::Timer`].
    pub fn next_deadline(&self, now: Now) -> Tick {
        // A link that is spared is not told each second.
        let step = if self.traffic.is_spared() { SPARED_STEP } else { 1 };
        let passed = u64::try_from(now.utc.timestamp()).unwrap_or_default() % step;
        let to_next_second = 1_000_000_000 - u64::from(now.utc.timestamp_subsec_nanos() % 1_000_000_000);
        let clock = now.tick + Duration::from_nanos(to_next_second) + Duration::from_secs(step - 1 - passed);
        self.next_due(now).map_or(clock, |due| due.min(clock))
    }

    /// The next moment something but the clock changes by itself: a toast ends, a grace time is over, a lease wants
    /// extending, the cursor rests, the tour is offered no more.
    pub fn next_due(&self, now: Now) -> Option<Tick> {
        let due = [
            self.toasts.deadline(self.covered()),
            self.acts.deadline(),
            self.preview.due,
            self.alerts.past_due,
            self.save_due(),
            self.incidents.follow_due,
            self.tour.offered_until(),
            update::case_due(self),
            update::strip_due(self, now),
        ];
        due.into_iter().flatten().min()
    }

    /// When what is being written is put on the disk.
    fn save_due(&self) -> Option<Tick> {
        match &self.modal {
            Some(Modal::Compose(compose)) => compose.save_due,
            _ => None,
        }
    }

    /// Rows of the focused pane's list.
    pub fn focused_rows(&self) -> usize {
        match self.focus {
            PaneId::Slo => self.slo.rows.len(),
            PaneId::Alerts => self.alerts.rows.len(),
            PaneId::Logs => self.logs.len(),
            PaneId::Traces => self.traces.rows.len(),
            PaneId::Incident => self.incidents.rows.len(),
        }
    }

    /// The open detail view, if any.
    pub fn detail(&self) -> Option<&Detail> {
        self.details.last().map(|view| &view.detail)
    }
}
