//! THE table of actions: name, title, doc, where it applies, how dangerous it is.
//!
//! Help, palette, hints, keymap files and README's table all derive from it: to add an action, add one row
//! here, a key in `keymaps/default.toml` (or none: the palette has it), and a match arm in `app::update`.

use std::fmt;

/// Where an action applies: which pane or layer has to have the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Everywhere, unless the layer on top binds the key itself.
    Global,
    /// Any list: move, open, mark.
    List,
    /// The SLO pane and an SLO's detail.
    Slo,
    /// The alert pane and an alert's detail.
    Alerts,
    /// The log pane and a line's detail.
    Logs,
    /// The list of log patterns.
    Patterns,
    /// The list of traces.
    Traces,
    /// A trace's waterfall and a span's detail.
    Trace,
    /// The list of silences.
    Silences,
    /// The incident pane and an incident's timeline.
    Incident,
    /// The outbox.
    Outbox,
    /// A case: what is known around a trouble.
    Case,
    /// An alert's runbook.
    Runbook,
    /// Whatever list is being searched, as long as the search is on.
    Search,
    /// What lies over the panes and has the keys: questions, forms, lists to choose from, the palette.
    Dialog,
}

impl Place {
    /// All, outermost first.
    pub const ALL: [Self; 15] = [
        Self::Global,
        Self::List,
        Self::Slo,
        Self::Alerts,
        Self::Logs,
        Self::Patterns,
        Self::Traces,
        Self::Trace,
        Self::Silences,
        Self::Incident,
        Self::Outbox,
        Self::Case,
        Self::Runbook,
        Self::Search,
        Self::Dialog,
    ];

    /// Its name in keymap files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::List => "list",
            Self::Slo => "slo",
            Self::Alerts => "alerts",
            Self::Logs => "logs",
            Self::Patterns => "patterns",
            Self::Traces => "traces",
            Self::Trace => "trace",
            Self::Silences => "silences",
            Self::Incident => "incident",
            Self::Outbox => "outbox",
            Self::Case => "case",
            Self::Runbook => "runbook",
            Self::Search => "search",
            Self::Dialog => "dialog",
        }
    }

    /// Where it is, for whoever is elsewhere; nothing for what is no place to go to.
    pub fn words(self) -> Option<&'static str> {
        match self {
            Self::Slo => Some("the SLO pane"),
            Self::Alerts => Some("the alerts pane"),
            Self::Logs => Some("the logs pane"),
            Self::Patterns => Some("the log patterns"),
            Self::Traces => Some("the traces pane"),
            Self::Trace => Some("an open trace"),
            Self::Silences => Some("the list of silences"),
            Self::Incident => Some("the incident pane"),
            Self::Outbox => Some("the outbox"),
            Self::Case => Some("a case"),
            Self::Runbook => Some("a runbook"),
            Self::Search => Some("a search"),
            Self::Global | Self::List | Self::Dialog => None,
        }
    }
}

/// What an action does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Impact {
    /// Looks, moves, arranges.
    View,
    /// Changes state at a backend: refused in read-only.
    Act,
    /// The same, and in a `danger` context the context's name is typed first.
    DangerousAct,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Which.
    pub action: Action,
    /// Its name in keymaps and the palette: `alerts.acknowledge`.
    pub name: &'static str,
    /// A word or two, for hints and the palette.
    pub title: &'static str,
    /// One sentence, for help.
    pub doc: &'static str,
    /// Where it applies.
    pub place: Place,
    /// What it does to the world.
    pub impact: Impact,
}

macro_rules! actions {
    ($($variant:ident $name:literal $title:literal $place:ident $impact:ident $doc:literal;)*) => {
        /// Everything a key or the palette can ask for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $(#[doc = $doc] $variant,)*
        }

        /// The table, in the order of help.
        pub const TABLE: &[Row] = &[
            $(Row {
                action: Action::$variant,
                name: $name,
                title: $title,
                doc: $doc,
                place: Place::$place,
                impact: Impact::$impact,
            },)*
        ];
    };
}

actions! {
    FocusSlo         "focus.slo"            "SLO burn"       Global View "Focus the SLO pane.";
    FocusAlerts      "focus.alerts"         "alerts"         Global View "Focus the alert pane.";
    FocusLogs        "focus.logs"           "logs"           Global View "Focus the log pane.";
    FocusTraces      "focus.traces"         "traces"         Global View "Focus the trace pane.";
    FocusIncident    "focus.incident"       "incident"       Global View "Focus the incident pane.";
    FocusNext        "focus.next"           "next pane"      Global View "Focus the next pane.";
    FocusPrevious    "focus.previous"       "previous pane"  Global View "Focus the previous pane.";
    Back             "view.back"            "back"           Global View "One step back: closes what is on top, ends a search or a zoom. Never quits.";
    Zoom             "view.zoom"            "zoom"           Global View "Give the focused pane the whole screen, or take it back.";
    HidePane         "view.hide"            "hide pane"      Global View "Hide the focused pane; focusing it by number brings it back.";
    GrowPane         "view.grow"            "grow pane"      Global View "Give the focused pane more rows.";
    ShrinkPane       "view.shrink"          "shrink pane"    Global View "Give the focused pane fewer rows.";
    Help             "view.help"            "help"           Global View "What every key does here, from the live keymap.";
    Palette          "view.palette"         "command"        Global View "Everything by name, fuzzy; some words take what is typed behind them: query, logs, ack, silence, view save.";
    Health           "view.health"          "health"         Global View "Each backend: state, age, latency, requests, bytes, errors.";
    Cost             "view.cost"            "cost"           Global View "What this console costs, in a corner: frames, bytes, processor, memory, wake-ups, requests.";
    LocalTime        "view.local_time"      "local time"     Global View "Show times in local time, or in UTC again; in the logs also since the line under the cursor.";
    Pause            "view.pause"           "pause"          Global View "Freeze what is drawn, never the polling; a new page still breaks in.";
    Refresh          "view.refresh"         "refresh"        Global View "Ask every backend now.";
    Tour             "view.tour"            "tour"           Global View "A look round in twelve keys: the console says one, and waits until it is pressed. Goes on where it was left.";
    TourAnew         "view.tour_anew"       "tour anew"      Global View "The tour from its first key.";
    Redraw           "view.redraw"          "redraw"         Global View "Repaint the whole screen.";
    Scope            "scope.here"           "scope here"     Global View "Turn every pane to the service, environment and time of what is under the cursor.";
    ScopeBack        "scope.back"           "scope back"     Global View "Undo the last scope, or the last pivot: back to where it was made.";
    Earlier          "scope.earlier"        "earlier"        Global View "Turn every pane to the time before.";
    Later            "scope.later"          "later"          Global View "Turn every pane to the time after, up to now.";
    ScopeTime        "scope.time"           "time range"     Global View "Turn every pane to a time: 15m, since 03:00, around 03:14, 03:00 03:30, now.";
    Strip            "view.strip"           "time strip"     Global View "Show burn, alerts, deploys, error lines and failed traces on one axis of time above the panes, or hide them.";
    Pin              "scope.pin"            "pin"            Global View "Keep this pane to what it shows, whatever the scope, or let it follow again.";
    Pivot            "scope.pivot"          "pivot"          Global View "From anything to what belongs to it: alerts, SLOs, incidents, logs, traces.";
    Annotate         "incident.note"        "note"           Global Act "Write a note on the incident, with a reference to what is under the cursor.";
    OutboxList       "outbox.list"          "outbox"         Global View "Acts that are not over: where each stands, and what is to be decided.";
    OnCallList       "oncall.list"          "on call"        Global View "Who is on call now and next, on every level.";
    Contexts         "context.all"          "contexts"       Global View "Every context at once: how each answers, and what burns, fires and is open anywhere.";
    MarkMoment       "annotations.mark"     "mark moment"    Global Act "Mark this moment at the annotations backend, with a text.";
    Stats            "incident.stats"       "stats"          Global View "How soon incidents were taken and resolved of late.";
    AuditLog         "audit.list"           "audit"          Global View "The last lines of the audit log: who did what, and what came of it.";
    HandoffNote      "handoff.write"        "handoff"        Global View "Write the shift's hand-over, and show it.";
    Undo             "act.undo"             "undo"           Global View "Cancel an act that is still in its grace time.";
    Quit             "app.quit"             "quit"           Global View "Close a detail view; at the top, quit. Asks where this console holds acknowledgements.";
    QuitNow          "app.quit_now"         "quit"           Global View "Quit from anywhere. Asks where an act is unsent or acknowledgements are held.";
    Suspend          "app.suspend"          "suspend"        Global View "Hand the terminal back to the shell; fg resumes.";

    Down             "list.down"            "down"           List View "One row down.";
    Up               "list.up"              "up"             List View "One row up.";
    HalfPageDown     "list.half_page_down"  "half page down" List View "Half a page down.";
    HalfPageUp       "list.half_page_up"    "half page up"   List View "Half a page up.";
    PageDown         "list.page_down"       "page down"      List View "A page down.";
    PageUp           "list.page_up"         "page up"        List View "A page up.";
    Top              "list.top"             "top"            List View "To the first row.";
    Bottom           "list.bottom"          "bottom"         List View "To the last row.";
    Collapse         "list.collapse"        "collapse"       List View "Fold the group under the cursor, or go to its head.";
    Expand           "list.expand"          "expand"         List View "Unfold the group under the cursor.";
    Open             "list.open"            "open"           List View "Open the thing under the cursor; again: deeper.";
    Mark             "list.mark"            "mark"           List View "Mark the row for an act on several, or take the mark away.";
    Search           "list.search"          "search"         List View "Find text in this list, as you type.";
    NextHit          "list.next_hit"        "next hit"       List View "Next hit while a search is on.";
    PreviousHit      "list.previous_hit"    "previous hit"   List View "Previous hit while a search is on.";
    Filter           "list.filter"          "filter"         List View "Show only what matches; empty shows all again.";
    Copy             "list.copy"            "copy"           List View "Copy from the thing under the cursor: id, link, line, JSON, command.";

    Acknowledge      "alerts.acknowledge"   "ack"            Alerts Act "Acknowledge the alert, group or marked alerts: a short silence in your name, kept while you are here.";
    HandBack         "alerts.hand_back"     "hand back"      Alerts Act "Give up an acknowledgement: it alerts again.";
    Silence          "alerts.silence"       "silence"        Alerts DangerousAct "Compose a silence from the thing under the cursor, with a preview of what it hides.";
    SilenceList      "alerts.silences"      "silences"       Global View "Every silence: who, why, until when, what it hides.";
    Runbook          "alerts.runbook"       "runbook"        Alerts View "Open the alert's runbook as a checklist.";
    Link             "alerts.link"          "link"           Alerts View "Show the alert's source link, and copy it.";
    Declare          "incident.declare"     "declare"        Global DangerousAct "Declare a local incident, from the alert under the cursor or from nothing.";
    GroupBy          "alerts.group_by"      "group by"       Alerts View "Cycle the grouping: Alertmanager's own, by alert name, by service, none.";
    ShowSuppressed   "alerts.show_all"      "which"     Alerts View "Cycle what is shown: active, all, suppressed only.";

    FollowLogs       "logs.follow"          "follow"         Logs View "Follow the newest line, or stand still; lines go on arriving either way.";
    LogLevel         "logs.level"           "level"          Logs View "Cycle the least level shown: all, info, warn, error.";
    LogQuery         "logs.query"           "query"          Logs View "Ask the log backend in its own language.";
    LogContext       "logs.context"         "context"        Logs View "Lift the filter around the line under the cursor, which stays where it is; again: filter again.";
    LogWrap          "logs.wrap"            "wrap"           Logs View "Wrap long lines, or cut them.";
    LogColumns       "logs.columns"         "columns"        Logs View "Choose fields to be shown as columns.";
    LogTime          "logs.time"            "jump to time"   Logs View "Jump to a time: 03:14, 14m ago, or a date with time.";
    LogBookmark      "logs.bookmark"        "bookmark"       Logs View "Mark the line under the cursor, or take the mark away.";
    NextBookmark     "logs.next_bookmark"   "next bookmark"  Logs View "To the next bookmark, round the end.";
    LogPatterns      "logs.patterns"        "patterns"       Logs View "What the lines have in common: counts, trends, what is new.";
    LogRefetch       "logs.refetch"         "refetch gap"    Logs View "Ask again for the lines that the gap under the cursor lost.";

    TraceOrder       "traces.order"         "order"          Traces View "Cycle the order: errors first, slowest first, newest first.";
    FailedTraces     "traces.failed"        "failed only"    Traces View "Ask for failed traces only, or for all again.";
    TraceQuery       "traces.query"         "query"          Traces View "Ask the trace backend: op=\"POST /pay\" dur>500ms tag=value; on Tempo TraceQL in braces.";
    TraceTime        "traces.time"          "time range"     Traces View "How far back traces are asked for: 15m, 1h, 6h, or around a time.";
    GroupTraces      "traces.group"         "group"          Traces View "Group the traces by operation, or list them one by one.";
    TraceScatter     "traces.scatter"       "scatter"        Traces View "Show the traces as dots, duration over time, or as rows; among dots left and right go along time.";
    CompareTraces    "traces.compare"       "compare"        Traces View "Compare the marked trace with the one under the cursor.";
    ServiceGraph     "traces.graph"         "service graph"  Traces View "Which service calls which, in the traces at hand.";
    OpenTraceById    "trace.open"           "open trace"     Global View "Open a trace by its id.";
    TraceZoomIn      "trace.zoom_in"        "zoom in"        Trace View "Stretch the time around the span under the cursor.";
    TraceZoomOut     "trace.zoom_out"       "zoom out"       Trace View "Show more time around the span under the cursor.";
    TraceZoomSpan    "trace.zoom_span"      "zoom to span"   Trace View "Show just the time of the span under the cursor.";
    TraceZoomAll     "trace.zoom_all"       "whole trace"    Trace View "Show all of the trace's time.";
    TracePanLeft     "trace.pan_left"       "earlier"        Trace View "Show the time before.";
    TracePanRight    "trace.pan_right"      "later"          Trace View "Show the time behind.";
    NextError        "trace.next_error"     "next error"     Trace View "To the next failed span, round the end.";
    PreviousError    "trace.previous_error" "previous error" Trace View "To the previous failed span, round the end.";
    NextOnPath       "trace.next_path"      "on the path"    Trace View "To the next span on the critical path.";
    PreviousOnPath   "trace.previous_path"  "back on path"   Trace View "To the previous span on the critical path.";
    NextSlowest      "trace.next_slowest"   "next slowest"   Trace View "To the span with the next most time of its own.";
    FoldAll          "trace.fold_all"       "fold all"       Trace View "Fold every span, or unfold all again.";
    FoldLevel        "trace.fold_level"     "fold level"     Trace View "Fold the spans as deep as the one under the cursor, or unfold them.";
    FoldService      "trace.fold_service"   "fold service"   Trace View "Fold every span of the service under the cursor, or unfold them again.";
    Reroot           "trace.reroot"         "only this"      Trace View "Show only the span under the cursor and what is below it; again: all.";
    MatchesOnly      "trace.matches_only"   "matches only"   Trace View "Show only spans that match the search, with what they hang on; in a comparison only the calls that differ.";
    ClockSkew        "trace.skew"           "clock skew"     Trace View "Take the hosts' clock skew out of the bars, or show them as they came.";
    TraceFacts       "trace.facts"          "facts"          Trace View "What the trace comes down to: path, bottlenecks, time by service, repeats, gaps.";

    ExtendSilence    "silences.extend"      "extend"         Silences DangerousAct "Let the silence under the cursor last longer.";
    ExpireSilence    "silences.expire"      "expire"         Silences Act "End the silence under the cursor now (asks).";
    ShowExpired      "silences.show_all"    "which"        Silences View "Cycle what is listed: in force, expiring soon, matching nothing, all.";

    Escalate         "incident.escalate"    "escalate"       Global DangerousAct "Wake a level of the escalation policy: shows who, then asks. On an alert: of its incident.";
    Resolve          "incident.resolve"     "resolve"        Global DangerousAct "Resolve the incident, or the alert's (asks).";
    TakeIncident     "incident.acknowledge" "ack"            Incident Act "Acknowledge the incident, or all marked ones.";
    ReleaseIncident  "incident.hand_back"   "hand back"      Incident Act "Give up an acknowledgement, where the incident's keeper can; else offers to reassign.";
    Reassign         "incident.reassign"    "reassign"       Incident DangerousAct "Give the incident to somebody, or to another policy.";
    PageSomebody     "incident.page"        "page"           Incident DangerousAct "Ask somebody to help; wakes them.";
    Snooze           "incident.snooze"      "snooze"         Incident Act "Let the incident rest for a while.";
    MergeIncidents   "incident.merge"       "merge"          Incident DangerousAct "Merge the marked incidents into the one under the cursor. Cannot be undone.";
    SetPriority      "incident.priority"    "priority"       Incident Act "Set the priority or severity.";
    StatusUpdate     "incident.update"      "update"         Incident Act "Write a status update for those who wait.";
    Advance          "incident.advance"     "advance"        Incident Act "Move a local incident along: investigating, identified, monitoring.";
    AssignRole       "incident.role"        "role"           Incident Act "Make somebody commander, technical lead, communications, scribe or liaison.";
    StarEvent        "timeline.star"        "star"           Incident View "Mark the event under the cursor as a key moment, or take the mark away.";
    FilterKinds      "timeline.kinds"       "kinds"          Incident View "Cycle what the timeline shows: all, people, alerts and burn, changes.";
    TimelineTimes    "timeline.times"       "times"          Incident View "Show the timeline's times by the clock, or since the incident opened.";
    Todos            "timeline.todos"       "todos"          Incident View "Every TODO of the timeline.";
    WhoseIncidents   "incident.whose"       "whose"          Incident View "Cycle whose incidents are listed: mine, my teams', all; open or recent ones too.";
    IncidentRunbook  "incident.runbook"     "runbook"        Incident View "Open the runbook of the incident's alert as a checklist; a menu where there are several.";
    PostMortem       "incident.postmortem"  "post-mortem"    Incident View "Write the post-mortem draft, and show it.";

    RetryEntry       "outbox.retry"         "retry"          Outbox Act "Try the act under the cursor again now.";
    SendEntry        "outbox.send"          "send"           Outbox DangerousAct "Send the act under the cursor, whatever was unclear.";
    DropEntry        "outbox.drop"          "drop"           Outbox Act "Do not send the act under the cursor.";

    OpenCase         "case.open"            "case"           Global View "Open the case of the alert, SLO or incident: what is known around it, and what that points at.";
    Suspect1         "case.suspect_1"       "suspect 1"      Case View "Open what shows suspect 1.";
    Suspect2         "case.suspect_2"       "suspect 2"      Case View "Open what shows suspect 2.";
    Suspect3         "case.suspect_3"       "suspect 3"      Case View "Open what shows suspect 3.";
    Suspect4         "case.suspect_4"       "suspect 4"      Case View "Open what shows suspect 4.";
    Suspect5         "case.suspect_5"       "suspect 5"      Case View "Open what shows suspect 5.";
    TickStep         "runbook.tick"         "tick"           Runbook View "Tick the step under the cursor as done, or take the tick off; the timeline tells of it.";
    RunCommand       "runbook.run"          "run"            Runbook DangerousAct "Ask whether the command under the cursor, or of the step there, is to run: every argument is shown first.";
    StopCommand      "runbook.stop"         "stop"           Runbook View "Stop the command that is running, with everything it started.";

    DialogAccept     "dialog.accept"        "take"           Dialog View "Take what is chosen or typed; to a question, yes.";
    DialogLeave      "dialog.leave"         "leave"          Dialog View "Close what is open; what was written is kept as a draft.";
    DialogDown       "dialog.down"          "down"           Dialog View "The next entry, the rest of a question, or a shorter time.";
    DialogUp         "dialog.up"            "up"             Dialog View "The entry before, or a longer time; in the palette also what was typed before.";
    DialogPageDown   "dialog.page_down"     "page down"      Dialog View "Ten entries on.";
    DialogPageUp     "dialog.page_up"       "page up"        Dialog View "Ten entries back.";
    DialogNext       "dialog.next_field"    "next field"     Dialog View "The next field of a form; completes what is typed in a line.";
    DialogPrevious   "dialog.previous_field" "field before"  Dialog View "The field of a form before.";
    DialogSend       "dialog.send"          "send"           Dialog View "Send what is being written.";
    DialogEditor     "dialog.editor"        "your editor"    Dialog View "Write on in your own editor.";
    DialogReference  "dialog.reference"     "reference"      Dialog View "Refer to what is under the cursor, or no longer.";
    DialogClear      "dialog.clear"         "clear"          Dialog View "Empty what is being written, or start it over.";
    DialogYes        "dialog.yes"           "yes"            Dialog View "Yes to a question that wants nothing typed.";
    DialogNo         "dialog.no"            "no"             Dialog View "Leave what is asked undone.";
    DialogRun        "dialog.run"           "run it"         Dialog View "Yes to running a command: a key that does nothing else.";
}

impl Action {
    /// Its row.
    pub fn row(self) -> &'static Row {
        // The enum is made from the table, in the table's order: the discriminant is the index.
        &TABLE[self as usize]
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Whether it answers a question to which nothing is typed: it may be a letter.
    pub fn answers(self) -> bool {
        matches!(self, Self::DialogYes | Self::DialogNo | Self::DialogRun)
    }

    /// By name.
    pub fn by_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.name == name).map(|row| row.action)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_finds_its_own_row_by_name_and_by_value() {
        for row in TABLE {
            assert_eq!(row.action.row().name, row.name);
            assert_eq!(Action::by_name(row.name), Some(row.action));
        }
    }

    #[test]
    fn names_are_unique_and_docs_are_sentences() {
        let mut names: Vec<_> = TABLE.iter().map(|r| r.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
        for row in TABLE {
            assert!(
                row.doc.ends_with('.') && row.doc.starts_with(char::is_uppercase),
                "{}",
                row.name
            );
            assert!(row.name.contains('.'), "{}", row.name);
        }
    }
}
