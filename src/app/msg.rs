//! What happened, past tense: everything that can change the model.

use std::sync::Arc;

use super::acts::ActId;
use super::case::Gathered;
use super::feed::Feed;
use super::incidents::IncidentBoard;
use super::kept::ViewsKept;
use super::logs::LogView;
use super::panes::Firings;
use super::query::QueryResult;
use super::record::{RecordHealth, Watching};
use super::runbook::RunOrder;
use super::strip::StripPart;
use super::traces::calls::Calling;
use super::traces::comparison::Aligned;
use super::traces::exemplars::ExemplarsAsk;
use super::traces::waterfall::Found;
use super::traces::{Study, TraceList};
use super::union::ContextReport;
use super::{BackendHealth, Draft, effect::WriteUp};
use crate::backend::annotations::Marks;
use crate::backend::incidents::Directory;
use crate::domain::alert::lease::Lease;
use crate::domain::alert::{AlertBoard, Fingerprint};
use crate::domain::incident::link::Links;
use crate::domain::incident::{IncidentId, Ladder};
use crate::domain::oncall::Roster;
use crate::domain::slo::SloBoard;
use crate::domain::timeline::Timeline;
use crate::domain::trace::TraceId;
use crate::domain::trace::exemplar::Exemplar;
use crate::outbox::{EntryId, OutboxView};
use crate::runbook::source::{Unread, Wanted};
use crate::runbook::{Document, Ended, Ticked, TicksOf};
use crate::terminal::Input;

/// Something happened.
#[derive(Debug, Clone)]
pub enum Msg {
    /// Somebody did something at the terminal.
    Input(Input),
    /// The SLO engine published.
    SloFetched(Feed<SloBoard>),
    /// Marks were read for the charts.
    MarksFetched(Feed<Marks>),
    /// The desk arranged.
    AlertsArranged(Arc<AlertBoard>),
    /// Health of every backend.
    HealthChanged(Vec<BackendHealth>),
    /// How the record of what is done stands.
    RecordChanged(RecordHealth),
    /// Who watches over local incidents changed.
    WatchingChanged(Watching),
    /// Incidents were listed.
    IncidentsFetched(Feed<IncidentBoard>),
    /// Which alerts and incidents are the same trouble was worked out.
    Linked(Arc<Links>),
    /// The followed incident's timeline was put together.
    TimelineFetched {
        /// Whose it is.
        incident: IncidentId,
        /// What happened.
        feed: Feed<Timeline>,
    },
    /// Log lines were read, filtered or searched.
    LogsChanged(Arc<LogView>),
    /// Traces were listed.
    TracesFetched(Feed<TraceList>),
    /// A trace was read, or could not be.
    TraceRead {
        /// Which.
        id: TraceId,
        /// With what can be said of it, or why it is not there.
        result: Result<Arc<Study>, String>,
    },
    /// Two traces were aligned.
    TracesAligned(Arc<Aligned>),
    /// Who calls whom, or why that is not known.
    CallsRead(Result<Arc<Calling>, String>),
    /// Exemplars of a latency SLO came, or could not be had.
    ExemplarsRead {
        /// What was asked.
        asked: ExemplarsAsk,
        /// Them, or why not.
        result: Result<Vec<Exemplar>, String>,
    },
    /// Spans were looked for in an open trace.
    SpansFound {
        /// In which.
        id: TraceId,
        /// The query; an answer to another than the present one is dropped.
        text: String,
        /// What was found, or what is wrong with the query.
        result: Result<Arc<Found>, String>,
    },
    /// Who is on call was asked.
    RosterFetched(Feed<Roster>),
    /// The outbox changed, by this process or another.
    OutboxChanged(Arc<OutboxView>),
    /// An escalation policy was asked for.
    LadderFetched {
        /// For which incident.
        incident: IncidentId,
        /// The policy, or why it is not known.
        result: Result<Arc<Ladder>, String>,
    },
    /// What can be picked from was asked for.
    DirectoryFetched(Result<Arc<Directory>, String>),
    /// An act is on the disk, or could not be put there; until then its rows say `saving…`.
    ActJournaled {
        /// Its number.
        id: ActId,
        /// Its entries in the outbox, or why it was not saved.
        result: Result<Vec<EntryId>, String>,
    },
    /// Whether an act could be taken back in its grace time.
    TakenBack {
        /// Its number.
        id: ActId,
        /// Why it could not, in words.
        result: Result<(), String>,
    },
    /// What the composers were left with.
    DraftsRead(Vec<Draft>),
    /// The engineer's own editor was closed.
    Edited(Result<String, String>),
    /// A write-up was put together.
    Written {
        /// Which.
        what: WriteUp,
        /// Markdown, or why there is none.
        result: Result<String, String>,
    },
    /// A runbook was read.
    RunbookRead {
        /// What was looked for.
        wanted: Wanted,
        /// It, or why it could not be.
        result: Result<Arc<Document>, Unread>,
    },
    /// Which steps of a runbook are done, by this console and others.
    StepsTicked {
        /// Of which.
        of: TicksOf,
        /// They, or why that is not known.
        result: Result<Vec<Ticked>, String>,
    },
    /// A command of a runbook is over.
    CommandEnded {
        /// Which.
        order: Arc<RunOrder>,
        /// How.
        ended: Ended,
    },
    /// An act came to an end.
    ActFinished {
        /// Its number.
        id: ActId,
        /// How.
        result: ActResult,
    },
    /// A PromQL query was answered.
    QueryAnswered {
        /// The question's number; the answer to another is dropped.
        seq: u64,
        /// What came of it.
        result: QueryResult,
    },
    /// The saved views as they are kept now, or why they could not be.
    ViewsKept(Result<ViewsKept, String>),
    /// The contexts that are not open were heard of.
    ContextsHeard(Vec<Arc<ContextReport>>),
    /// What a silence would have hidden of the last hours.
    SilencePast {
        /// The question's number; an older answer is dropped.
        seq: u64,
        /// Alert names with how many label sets, or why it is not known.
        result: Result<Vec<(Arc<str>, usize)>, String>,
    },
    /// A part of what was asked for a case.
    CaseGathered {
        /// The question's number; an older answer is dropped.
        seq: u64,
        /// The part.
        part: Gathered,
    },
    /// A part of what was asked for the strip.
    StripCounted {
        /// The question's number; an older answer is dropped.
        seq: u64,
        /// The part.
        part: StripPart,
    },
    /// When an alert fired during the last day.
    AlertHistory {
        /// Which.
        fingerprint: Fingerprint,
        /// From–to, oldest first, or why it is not known.
        result: Firings,
    },
    /// Words from the runtime: a copy done, a theme that could not be read.
    Said {
        /// How loud.
        level: super::toast::Level,
        /// Safe text.
        text: String,
    },
    /// A whole line was typed, where lines are all there is (`--plain`).
    Typed(String),
    /// A deadline of the model has come.
    Timer,
    /// SIGTERM, SIGHUP, or the terminal is gone: end without asking.
    ShutDown,
}

/// How an act ended.
#[derive(Debug, Clone, PartialEq)]
pub struct ActResult {
    /// Done, not known, or refused.
    pub state: ActState,
    /// One line for the toast, safe text.
    pub message: String,
    /// Acknowledgements that this console holds now, made or renewed.
    pub leases: Vec<Lease>,
}

/// How certain the end of an act is; the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActState {
    /// The backend has it.
    Confirmed,
    /// The backend has it, and nobody was woken whom it should have woken.
    Unheard,
    /// Sent, and nobody knows; said, and looked for again by the next polls.
    Unknown,
    /// Some clusters have it, others refused it or never got it.
    Partly,
    /// Refused, or never sent.
    Failed,
}
