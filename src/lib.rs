//! midwatch: a terminal operations console for on-call engineers.
//!
//! These docs are the architecture in its living form; where they and any other page disagree, they win.
//!
//! # Data flow
//!
//! ```text
//!  terminal input ──┐ terminal::decoder: pure, rejoins what a slow link split; bounded, scrolls coalesced
//!  signals ─────────┤
//!  slots ───────────┤ latest value of each source, whole: SLO board, alert board, health
//!  results ─────────┤ of effects: bounded, never dropped
//!  timers ──────────┘
//!           │ Msg
//!           ▼
//!    app::update::update(&mut Model, Msg, Now) ──► Effects (data) ──► runtime: fetch, act, copy, quit
//!           │                                                              │
//!           ▼                                                              └──► Msg back
//!    runtime::frame (pure: input is drawn at once, the cap is for floods; no frame while the writer is busy)
//!           ▼
//!    view::draw(&Model, &Theme, Now) → Buffer → terminal::Screen: diff, encode → one-frame slot → writer thread
//! ```
//!
//! - [`app::update`] and [`view`] are pure and synchronous: no I/O, no clock, no environment. They are handed a
//!   [`time::Now`]: `utc` only for what is shown and sent; ages, deadlines and backoff from the boot-time clock.
//! - A stalled link blocks only the writer thread: the diff's base is what was written, stale frames never queue.
//! - How fast it is fed is measured where it can be: a cap in the writer ([`terminal::pace`], `--slow`) leaves a reserve for the answer to a key,
//!   and behind a large frame the terminal is asked how far it has got ([`terminal::asking`]). The scheduler holds back what the world
//!   changed alone ([`terminal::Link`]).
//! - [`plain`] is a second view over the same model, for ears and pipes: it remembers what it told and tells what is otherwise, what swings
//!   once; a page that waits ([`app::awaited`]) is read again when its answer is there, an SLO's bars and charts in words. [`runtime::plain`] is its loop, over the same
//!   session and the same `update`.
//! - The loop ([`runtime::console`]) never awaits a send. Each channel's declaration says its capacity, what
//!   happens when it is full, and who closes it.
//! - Heavy work runs in the session's tasks: parsing in the pollers, merging, filtering and ranking of alerts at
//!   the desk ([`domain::alert::desk`]), SLO arithmetic in the engine ([`backend::metrics::engine`]).
//! - An act is planned on the board as it stands, written to the [`journal`], and only then sent by the courier of the
//!   [`outbox`], which follows it until it is confirmed, has failed, or asks. Killed at any moment, it leaves entries
//!   that the next process can judge. What needs the journal or incidents (their keepers, timelines, the roster,
//!   drafts, recording, figures, the watch, links) starts behind the first frame, in `runtime::room`. What only a running
//!   process may hold (leases, the watch) is handed back before it quits or is stopped, and pages under way are waited
//!   for. A command that acts does at its end what a console does behind its panes: it notifies, and sends the audit log
//!   on ([`cli::closing`]).
//! - A log tail ([`backend::logs`]) tells every line once: seams are read again with an overlap, what is lost is a
//!   gap until it is read; where it polls, the last minutes are read again now and then. Whoever reads pages beside it keeps each
//!   line once ([`logstore::seam`]): the console and `logs --follow` alike. The reader of a socket never waits for whoever draws. Files are told once under whatever name:
//!   page and tail share where the one ends and the other begins, and a renamed file is handed from name to name.
//! - One task keeps the lines of the log pane (`runtime::logs`): it owns the store, filters, searches and learns patterns
//!   in slices, and publishes a snapshot at most ten times a second. What belongs to the line before it, [`domain::log::joint`] knows;
//!   files are cut into entries where they are read, lines of other sources joined where the store takes them, and by the same rules
//!   where a command prints them (`cli::logs::entries`).
//! - An opened trace is studied once, off the UI task (`app::traces::Study`); what of it is in sight is kept as lines that are worked
//!   out when something is folded, so that a frame costs what is on the screen. Searches in it run in a task too.
//! - A trace has one duration ([`domain::trace::Trace::took`], [`domain::trace::summary::Lasted`]), whoever tells it. A list that is
//!   only the newest of its time has older failed ones beside it, in no figure (`runtime::traces`, `app::traces::list`).
//! - A trace that may still grow is read again by the clock; what one did with it is carried over by span ids
//!   (`app::traces::waterfall`). From a latency SLO the way to its slow requests is its exemplars (`app::update::traces`).
//! - A trace is kept as the bytes it came in, with columns over them ([`domain::trace`]); what is said of it is worked out once, off the
//!   loop ([`app::traces::Study`]), and attributes are read when they are looked at.
//! - A runbook ([`runbook`]) is read when it is opened, its ticks live in the journal and are followed there (`runtime::runbooks`). A
//!   command of it goes out only as the answer to a question that showed every argument ([`app::update`], `runbook`): it is written down
//!   before it starts, what it says loses its secrets before anybody hears it ([`backend::http::Redactor::passage`]), one runs at a time, in a session of its own, and its process group ends with it, with its time, or with the console.
//!   A playbook ([`app::play`]) is such commands in their order, each verified by what the metrics answer.
//! - A yes counts only for what was before somebody's eyes ([`app::attention`]): the loop says which frame of a question has left for the
//!   terminal, `update` holds every answer against it.
//! - What the panes are turned to is a stack of whole scopes ([`app::scope`]); `app::update::scope` reads one from whatever is under the
//!   cursor and turns every pane that is not pinned. A pivot leaves where it was made on [`app::trail`]. The moment chosen last
//!   ([`app::moment`]) is every other pane's to mark; `view::strip` has all signals on its axis, for which [`app::strip`] asks beyond what the panes hold.
//!   What of a signal is of a scope, [`domain::selector`] says, and whether two names are one service, [`domain::service_map`]; what is outside is counted where it burns, and what a signal cannot be narrowed by
//!   is said (`view::pane`). Rows of pages are places to go on from (`app::update::spot`). A service goes by one name here and by each
//!   backend's own on the way out ([`domain::service_map`]).
//! - A case ([`domain::case`]) is laid out anew from the panes' feeds and what [`runtime::case`] asked around the beginning, off the UI task and
//!   whatever the panes show; a suspect is only what was seen, its score a sum of named weights, and what is not known is a row. Its number is a key, so it is
//!   given once ([`domain::case::Numbers`]).
//! - The palette ([`app::update`], `palette`) ranks what there is, and reads lines whose words take what is typed behind them; what it keeps from
//!   session to session ([`app::kept`]) is changed in the file as it stands, one process at a time ([`runtime::kept_file`]). A view names no
//!   thing on the screen. A PromQL query ([`app::query`]) is asked by key alone, and bounded in series and points.
//! - Sources have several names for whoever acts here; wherever people are told of it is `you`, and in what is written for others the one name that the
//!   keeper of incidents has ([`domain::oneself`]).
//! - The contexts that are not open are watched (`runtime::union`) only while their page is open; the open one is shown from its own feeds
//!   ([`app::union`]). Nothing is done from that page: an act belongs to the open context.
//! - What lies over the panes reads one spelling of each key; `app::update::dialog` turns what the keymap's `[dialog]` binds into it. The tour
//!   ([`app::tour`]) draws no screen and presses nothing: it waits until an action was asked for, by whatever key.
//! - A failed feed keeps its last good value with its age; poll data never overwrites a pending act.
//! - A recording ([`record`]) is taken before each transport and in the loop; a replay ([`runtime::replay`]) is the same loop and session
//!   over it, on one thread and tokio's paused time. What would make it differ (clocks, the seed of jitter, threads that answer) goes
//!   through [`time::Clock`]: whoever waits for a thread of its own under a clock that stands has to be seen to wait ([`journal::Journal::under`]).
//! - What the console costs ([`app::cost`]) is counted by the loop and read from the kernel ([`runtime::usage`]) only while it is shown;
//!   `doctor --cost` is the same loop on a screen that counts. At rest it wakes little: the loop has a runtime of its own and its tasks one
//!   thread (`cli::opening`), the clock's second comes from one timer of the kernel ([`time::alarm`]), all that is asked at one pace is asked at
//!   one moment ([`time::Tick::next_beat`]), answers of one breath are heard together, a second in which nothing else happened draws the first row
//!   alone ([`app::still`]), nothing looks for what would have told it.
//! - Start: arguments are parsed before the runtime exists; the skeleton is painted before any HTTP client is
//!   made. Clients are made off the UI task, one wire per TLS set-up.
//!
//! - A drill is the console on a world with an incident ([`demo::world::incident`]: one description, from which metrics, logs,
//!   traces, deploys and pages follow). The model keeps what was opened (`app::drill`), the journal what was done, the demo's judge
//!   ([`demo::drill`]) knows the truth from the seed alone, and [`domain::drill`] holds one against the other.
//!
//! # Modules
//!
//! | module | holds |
//! | --- | --- |
//! | [`cli`] | the commands: clap types, one file a subcommand, text and JSON from the same domain values |
//! | [`config`] | defaults ← file ← environment ← flags; our own strict walk collects every problem with its place and mend |
//! | [`domain`] | pure values and mathematics: SLOs, alerts, incidents, log lines and their patterns, traces and what explains them, cases and what they point at, timelines, rotations, write-ups. No ratatui, tokio, reqwest |
//! | [`backend`] | one trait a signal, one file or folder a system; `http` is the one client |
//! | [`journal`] | the durable record, SQLite on one thread: outbox, audit log, local incidents, events, drafts |
//! | [`outbox`] | acts from journaled to known: pure rules of what to do next, and the courier that sends |
//! | [`logstore`] | a million lines in hand: bounded chunks in order, immutable snapshots, search and filter |
//! | [`record`] | tap and replay at the transport: what a recording holds, its writer, its reader |
//! | [`notify`] | how people are woken by a local incident: webhooks, Slack, a command; each at most once |
//! | [`action`] | THE table of actions: help, palette, hints, keymaps and the README's table derive from it |
//! | [`app`] | the model, messages, effects, `update` (one file an area) |
//! | [`runtime`] | the loop, pollers, acts under way, `room` (what needs the journal or incidents), the frame scheduler, `replay` |
//! | [`keymap`], [`theme`] | files → tries per place, roles per colour depth; conflicts and unknown names are errors with a place; which theme is drawn follows from configuration, background, choice and preview in [`app::themes`] |
//! | [`problem`], [`shelf`] | mistakes in what people write, with place and mend; shipped and own files by name |
//! | [`runbook`] | where a runbook lies, Markdown checklists, the commands in them as argument vectors that no shell sees, playbooks, and what may run |
//! | [`view`] | layout (pure rectangles, shared with the mouse), panes, details, overlays, widgets |
//! | [`text`] | [`text::SafeText`], the only remote text that a view or text output accepts; cutting and padding by cells |
//! | [`plain`] | the console as lines: events in words, questions, pages; `--plain` |
//! | [`terminal`] | guard, decoder, encoder (our own ratatui `Backend`), writer thread and its pace, questions to the terminal, suspend, OSC 8, 52, 9 |
//! | [`demo`] | the simulated production and its HTTP servers, in the shape of the real APIs |
//! | [`time`] | the clocks, and durations in Prometheus's spelling |
//!
//! # Where do I add…
//!
//! **an action:** one row in [`action`]'s table, a key in `keymaps/default.toml` (or the palette-only list in its
//! test), an arm in `app::update::run`. Help, palette, hints and the README's key table follow; tests fail on an orphan.
//!
//! **a word of the palette that takes something:** a variant of [`app::modal::Word`], a row in `app::update::palette::words`, what it offers
//! in `Offers::arguments`, an arm in `carry`.
//!
//! **a pane:** a variant of [`app::focus::PaneId`] and of [`action::Place`], its state in [`app::panes`], its
//! drawing in `view::pane`; the compiler names every other place, because matches on our own enums are exhaustive.
//!
//! **a kind of incident for drills:** a variant of [`domain::drill::Cause`], its layout in `demo::world::incident::causes`; the tests there
//! hold it against its own truth.
//!
//! **a backend:** for a signal that exists, a file beside its siblings that implements the signal's trait over
//! [`backend::http::Asker`], and its `kind` in [`config`]. For a new signal, a trait in a folder of [`backend`],
//! a poller in `runtime::session`, and a slot.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::float_cmp,
        reason = "a test that fails says so by panicking"
    )
)]

pub mod action;
pub mod app;
pub mod backend;
pub mod cli;
pub mod config;
pub mod demo;
pub mod domain;
pub mod journal;
pub mod keymap;
pub mod logstore;
pub mod notify;
pub mod outbox;
pub mod plain;
pub mod problem;
pub mod record;
pub mod runbook;
pub mod runtime;
pub mod shelf;
pub mod terminal;
pub mod text;
pub mod theme;
pub mod time;
pub mod view;
