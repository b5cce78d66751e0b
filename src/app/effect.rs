//! What `update` asks the runtime to do: data, so that a test can compare it.

use std::sync::Arc;

use super::acts::{Act, ActId};
use super::case::CaseAsk;
use super::focus::Layout;
use super::kept::Keep;
use super::logs::{LogsAsk, Watched};
use super::query::QueryAsk;
use super::runbook::RunOrder;
use super::strip::StripAsk;
use super::traces::TracesAsk;
use super::traces::calls::CallsAsk;
use super::traces::comparison::Aligning;
use super::traces::exemplars::ExemplarsAsk;
use super::traces::waterfall::Seeking;
use super::{Draft, DraftKind};
use crate::backend::incidents::Question;
use crate::domain::alert::desk::Arrangement;
use crate::domain::alert::{Fingerprint, Labels, Matcher};
use crate::domain::incident::IncidentId;
use crate::domain::log::{Gap, Nanos};
use crate::domain::timeline::Starred;
use crate::domain::trace::TraceId;
use crate::outbox::{Decision, EntryId};
use crate::runbook::source::Wanted;
use crate::runbook::{Mark, TicksOf, Told};

/// What is written up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum WriteUp {
    /// The post-mortem draft of an incident.
    PostMortem(IncidentId),
    /// The shift's hand-over.
    HandOff,
    /// Times to acknowledge and to resolve, and what was done, over the last weeks.
    Stats,
    /// The last lines of the audit log.
    Audit,
}

/// Something that the engineer did in the console, beside acts, that is worth telling afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// For which incident; nothing = the shift's, told by every incident that takes its service.
    pub incident: Option<IncidentId>,
    /// In words; remote text, not yet safe.
    pub text: String,
    /// What it points at: `alert`, `service`, `url`, `query`, …
    pub refs: Vec<(&'static str, String)>,
}

/// Something to be done outside the model.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Arrange the alert board so, now and from now on.
    Arrange(Arrangement),
    /// Ask every backend now.
    Refresh,
    /// Carry out an act; answered by `Msg::ActFinished`.
    Carry {
        /// Its number.
        id: ActId,
        /// What.
        act: Act,
    },
    /// Leave the missed level of a local incident asleep.
    LeaveMissed(IncidentId),
    /// Carry out many acts at once, each for itself; answered by one `Msg::ActFinished` each.
    CarryAll(Vec<(ActId, Act)>),
    /// Take an act back while it is in its grace time; answered by `Msg::TakenBack`.
    TakeBack {
        /// Its number.
        id: ActId,
    },
    /// A page reached nobody, and somebody sees to it.
    AnswerFor {
        /// Its notifications in the journal.
        notices: Vec<i64>,
    },
    /// Say what is to become of an entry of the outbox.
    Decide {
        /// Which.
        entry: EntryId,
        /// What.
        decision: Decision,
    },
    /// List these incidents, now and from now on.
    ListIncidents(Question),
    /// Put this incident's timeline together, now and from now on; none where nothing.
    Follow(Option<IncidentId>),
    /// Show these log lines, now and from now on.
    AskLogs(LogsAsk),
    /// Read lines older than the oldest.
    ReadOlderLogs,
    /// Read older lines until this time is in hand; give that up where none.
    SeekLogs(Option<Nanos>),
    /// Ask for the lines of a gap again.
    RefetchLogs(Gap),
    /// List these traces, now and from now on.
    AskTraces(TracesAsk),
    /// Read a trace; answered by `Msg::TraceRead`.
    ReadTrace(TraceId),
    /// Look for spans in an open trace; answered by `Msg::SpansFound`.
    SeekSpans(Seeking),
    /// Align two traces; answered by `Msg::TracesAligned`.
    AlignTraces(Aligning),
    /// Ask for the exemplars of a latency SLO; answered by `Msg::ExemplarsRead`.
    ReadExemplars(ExemplarsAsk),
    /// Count who calls whom; answered by `Msg::CallsRead`.
    ReadCalls(CallsAsk),
    /// Ask for the escalation policy of an incident; answered by `Msg::LadderFetched`.
    FetchLadder(IncidentId),
    /// Ask for people, policies, priorities; answered by `Msg::DirectoryFetched`.
    FetchDirectory,
    /// Keep what is being typed.
    SaveDraft(Draft),
    /// Forget it: it was sent, or thrown away.
    DropDraft {
        /// What it was for.
        kind: DraftKind,
        /// Of which incident.
        incident: Option<IncidentId>,
    },
    /// Hand a text to the engineer's own editor; answered by `Msg::Edited`.
    Edit(String),
    /// Mark an event as a key moment, or not.
    Star {
        /// The incident.
        incident: IncidentId,
        /// Every name that the event is known by.
        names: Vec<Arc<str>>,
        /// Whether.
        starred: Starred,
    },
    /// Put a deed into the story.
    Record(Deed),
    /// Read a runbook; answered by `Msg::RunbookRead`.
    ReadRunbook(Wanted),
    /// Tell which steps of a runbook are done, now and from now on; answered by `Msg::StepsTicked`.
    FollowTicks(TicksOf),
    /// Tick a step, or take its tick off, and tell of it.
    Tick {
        /// Where it is kept.
        of: TicksOf,
        /// Which step.
        step: String,
        /// Which of the two.
        mark: Mark,
        /// What is told.
        told: Box<Told>,
    },
    /// Run a command of a runbook that somebody said yes to; answered by `Msg::CommandEnded`.
    RunCommand(Arc<RunOrder>),
    /// Stop the command that is running.
    StopCommand,
    /// Put a write-up together; answered by `Msg::Written`.
    Write(WriteUp),
    /// Ask a PromQL query; answered by `Msg::QueryAnswered`.
    AskQuery(QueryAsk),
    /// Keep a view, a scope or a command; views are answered by `Msg::ViewsKept`.
    Keep(Keep),
    /// Watch the contexts that are not open, or no longer; told by `Msg::ContextsHeard`.
    WatchContexts(Watched),
    /// What a silence would have hidden of the last hours; answered by `Msg::SilencePast`.
    FetchSilencePast {
        /// The question's number.
        seq: u64,
        /// Its matchers.
        matchers: Vec<Matcher>,
    },
    /// Ask what lines, traces and deploy marks say around a beginning; answered by `Msg::CaseGathered`, part by part.
    GatherCase(CaseAsk),
    /// Count lines and failed traces over the strip's axis; answered by `Msg::StripCounted`, part by part.
    CountStrip(StripAsk),
    /// When an alert fired during the last day; answered by `Msg::AlertHistory`.
    FetchAlertHistory {
        /// Which.
        fingerprint: Fingerprint,
        /// Its labels.
        labels: Labels,
    },
    /// Copy to the person's clipboard; answered by a toast.
    Copy {
        /// What it is, for the toast.
        what: &'static str,
        /// The text.
        text: String,
    },
    /// Ring the bell.
    Ring,
    /// Show a notice on the person's desktop, where the terminal can.
    Notify {
        /// What it is about, in a few words; not yet safe.
        title: String,
        /// The rest; not yet safe.
        body: String,
    },
    /// Repaint the whole screen.
    Repaint,
    /// Stop the process as ctrl-z does.
    Suspend,
    /// Remember the layout.
    SaveLayout(Layout),
    /// Open another context.
    SwitchContext(String),
    /// Draw with another theme.
    SwitchTheme(Arc<str>),
    /// End.
    Quit,
}
