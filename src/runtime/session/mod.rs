//! Every task of one open context: pollers, the desk, the SLO engine, acts under way. They end together when it
//! is dropped.

mod keeping;
mod opening;
mod slots;
mod work;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use self::keeping::{directory, keepers, ladder, left_asleep};
use self::slots::Slots;
use super::console::{Carried, Event, World};
use super::logs::Order;
use super::outbox::{Followed, Office};
use super::room::Doors;
use super::tray::Tray;
use super::union::Reports;
use super::{acts, history, kept_file, layout_file, querying, runbooks, traces};
use crate::app::acts::Act;
use crate::app::effect::WriteUp;
use crate::app::logs::LogsAsk;
use crate::app::query::QueryTrouble;
use crate::app::toast::Level;
use crate::app::traces::TracesAsk;
use crate::app::{Effect, Msg};
use crate::backend::Backends;
use crate::backend::http::Wires;
use crate::config::{Config, Context, RunbooksConfig};
use crate::domain::alert::desk::Arrangement;
use crate::outbox::OutboxView;
use crate::runbook::source::Unread;
use crate::terminal::Input;
use crate::terminal::signals::Signals;
use crate::theme::Theme;
use crate::time::Clock;

/// Results of effects that wait for the loop. When full, the task that acted waits; none is dropped.
const RESULTS: usize = 64;
/// Effects under way at once; beyond this a key says `busy`.
const MAX_TASKS: usize = 64;

/// How themes are loaded at the terminal's own colour depth.
pub type ThemeLoader = Box<dyn Fn(&str) -> Result<Theme, String> + Send>;

/// Puts a write-up together: Markdown, or why there is none. The keeper of local incidents is not among the
/// backends that it knows; it opens the journal itself.
pub type Writer = Arc<dyn Fn(WriteUp) -> BoxFuture<'static, Result<String, String>> + Send + Sync>;

/// What a session is opened with.
pub struct Opening {
    /// The configuration.
    pub config: Arc<Config>,
    /// The context to open.
    pub context: Arc<Context>,
    /// Its backends.
    pub backends: Backends,
    /// How whatever else is asked is reached: what alerts link to, other contexts.
    pub wires: Arc<Wires>,
    /// The clocks.
    pub clock: Clock,
    /// Loads a theme by name.
    pub themes: ThemeLoader,
    /// Puts write-ups together.
    pub writer: Writer,
    /// Listened for since before the terminal was taken, so that none is missed.
    pub signals: Signals,
}

/// What the keeper of log lines is asked.
struct LogDoors {
    ask: watch::Sender<LogsAsk>,
    orders: mpsc::Sender<Order>,
}

impl LogDoors {
    fn order(&self, order: Order) -> Carried {
        // Full: the same was asked for just now.
        let _ = self.orders.try_send(order);
        Carried::Done
    }
}

/// One open context.
pub struct Session {
    office: Office,
    /// What the tasks say.
    slots: Slots,
    doors: Doors,
    writer: Writer,
    followed: Followed,
    tray: Tray,
    books: runbooks::Books,
    wires: Arc<Wires>,
    logs: LogDoors,
    /// What the searcher of traces is asked.
    traces: watch::Sender<TracesAsk>,
    backends: Arc<Backends>,
    identity: Arc<str>,
    lease: Duration,
    grace: Duration,
    layouts: Option<Arc<layout_file::Keeper>>,
    kept: Option<Arc<kept_file::Keeper>>,
    config: Arc<Config>,
    /// The open context.
    context: Arc<str>,
    reports_out: watch::Sender<Reports>,
    /// The task that watches them, and what wakes it.
    watcher: Option<AbortHandle>,
    wake_others: Arc<Notify>,
    /// Gives up the query that is under way.
    query: CancellationToken,
    clock: Clock,
    themes: ThemeLoader,
    tasks: JoinSet<()>,
    /// Where tasks run: where the session was opened, whoever asks for them.
    runtime: Handle,
    results: mpsc::Sender<Msg>,
    result_inbox: mpsc::Receiver<Msg>,
    /// What is said at once without a task: drained before the inbox.
    said: VecDeque<Msg>,
    arrangement: watch::Sender<Arrangement>,
    /// Wakes every task that asks.
    wake: Vec<Arc<Notify>>,
    /// Wakes the Alertmanagers': an act changes nothing elsewhere.
    wake_alerts: Vec<Arc<Notify>>,
    /// Gives up the question about a silence's past that is under way.
    past: CancellationToken,
    /// Gives up what is counted for the strip.
    strip: CancellationToken,
    signals: Signals,
}

impl Session {
    /// Ends every task; the signals are for whoever comes next.
    pub fn close(self) -> Signals {
        self.signals
    }

    /// What the outbox now says of the acts that were followed: what was done shows with the next answer, which is
    /// asked for.
    fn settle(&mut self, view: &OutboxView) {
        let before = self.said.len();
        self.followed.settle(view, &mut self.said);
        if self.said.len() > before {
            for wake in &self.wake_alerts {
                wake.notify_one();
            }
        }
    }
}

impl World for Session {
    fn carry(&mut self, effect: Effect) -> Carried {
        let runtime = self.runtime.clone();
        let _inside = runtime.enter();
        match effect {
            Effect::Arrange(question) => {
                self.arrangement.send_if_modified(|held| {
                    let changed = *held != question;
                    *held = question;
                    changed
                });
                Carried::Done
            }
            Effect::Refresh => {
                for wake in &self.wake {
                    wake.notify_one();
                }
                self.wake_others.notify_waiters();
                Carried::Done
            }
            Effect::Carry { id, act } => {
                let is_journaled = !matches!(act, Act::Renew(_));
                if let Carried::Busy(_) = self.carry_act(id, act) {
                    // Said as what became of the act, so that none is pending for ever: one that was to be kept
                    // stays in sight as not saved, to be tried again.
                    self.said.push_back(if is_journaled {
                        let result = Err(acts::NO_ROOM.to_owned());
                        Msg::ActJournaled { id, result }
                    } else {
                        let result = acts::failed(&format!("not sent: {}", acts::NO_ROOM));
                        Msg::ActFinished { id, result }
                    });
                }
                Carried::Done
            }
            Effect::CarryAll(acts) => {
                self.carry_all(acts);
                Carried::Done
            }
            Effect::FetchSilencePast { seq, matchers } => {
                // The answer to an older question would be dropped: nobody need work it out.
                self.past.cancel();
                self.past = CancellationToken::new();
                let token = self.past.clone();
                let metrics = self.backends.metrics.clone();
                let now = self.clock.now();
                let asked = async move {
                    Some(Msg::SilencePast {
                        seq,
                        result: history::would_have_hidden(metrics, &matchers, now).await,
                    })
                };
                self.start(async move { token.run_until_cancelled(asked).await.flatten() })
            }
            Effect::FetchAlertHistory { fingerprint, labels } => {
                let metrics = self.backends.metrics.clone();
                let now = self.clock.now();
                self.start(async move {
                    let result = history::firings(metrics, &labels, now).await;
                    Some(Msg::AlertHistory { fingerprint, result })
                })
            }
            Effect::GatherCase(ask) => self.gather_case(ask),
            Effect::CountStrip(ask) => self.count_strip(ask),
            Effect::AskQuery(asked) => {
                // The answer to an older question would be dropped.
                self.query.cancel();
                self.query = CancellationToken::new();
                let given_up = self.query.clone();
                let metrics = self.backends.metrics.clone();
                let seq = asked.seq;
                let busy = Msg::QueryAnswered {
                    seq,
                    result: Err(QueryTrouble::busy()),
                };
                let answer = async move {
                    let result = querying::ask(metrics, &asked).await;
                    Some(Msg::QueryAnswered { seq, result })
                };
                match self.start(async move { given_up.run_until_cancelled(answer).await.flatten() }) {
                    Carried::Busy(_) => Carried::Busy(busy),
                    taken => taken,
                }
            }
            Effect::Keep(change) => {
                self.keep(change);
                Carried::Done
            }
            Effect::WatchContexts(watched) => {
                self.watch_contexts(watched);
                Carried::Done
            }
            Effect::SaveLayout(layout) => {
                if let Some(layouts) = self.layouts.clone() {
                    layouts.put(layout);
                    self.tasks.spawn_blocking(move || {
                        // A layout that cannot be kept costs nothing; the next start has the default.
                        let _ = layouts.write();
                    });
                }
                Carried::Done
            }
            Effect::SwitchTheme(name) => match (self.themes)(&name) {
                Ok(theme) => Carried::Theme(Box::new(theme)),
                Err(text) => {
                    self.said.push_back(Msg::Said {
                        level: Level::Error,
                        text,
                    });
                    Carried::Done
                }
            },
            Effect::TakeBack { id } => {
                let office = self.office.clone();
                let asked = self.followed.ask_back(id);
                // No more of them than acts are pending.
                self.start_always(async move {
                    let result = match asked {
                        Some(entries) => office.take_back(entries).await,
                        None => Err("it is over".to_owned()),
                    };
                    Some(Msg::TakenBack { id, result })
                });
                Carried::Done
            }
            Effect::Decide { entry, decision } => {
                let office = self.office.clone();
                self.start(async move { said_of(office.decide(entry, decision).await) })
            }
            Effect::AnswerFor { notices } => {
                let office = self.office.clone();
                self.start(async move { said_of(office.answer_for(notices).await) })
            }
            Effect::ListIncidents(question) => {
                self.doors.question.send_replace(question);
                Carried::Done
            }
            Effect::Follow(incident) => {
                self.doors.follow.send_replace(incident);
                Carried::Done
            }
            Effect::FetchLadder(incident) => {
                let keepers = self.doors.keepers.clone();
                self.start(async move {
                    let result = ladder(keepers, &incident).await;
                    Some(Msg::LadderFetched { incident, result })
                })
            }
            Effect::LeaveMissed(incident) => {
                let known = self.doors.keepers.clone();
                let wake = Arc::clone(&self.doors.wake);
                self.start(async move {
                    let said = left_asleep(keepers(known).await, &incident).await;
                    // What was done shows with the next answer: ask now.
                    wake.notify_one();
                    let (level, text) = match said {
                        Ok(()) => (Level::Info, "left asleep: nobody is woken".to_owned()),
                        Err(why) => (Level::Error, why),
                    };
                    Some(Msg::Said { level, text })
                })
            }
            Effect::FetchDirectory => {
                let keepers = self.doors.keepers.clone();
                self.start(async move { Some(Msg::DirectoryFetched(directory(keepers).await)) })
            }
            Effect::SaveDraft(draft) => {
                self.tray.put(draft.kind, draft.incident, draft.text);
                Carried::Done
            }
            Effect::DropDraft { kind, incident } => {
                self.tray.put(kind, incident, String::new());
                Carried::Done
            }
            Effect::Star {
                incident,
                names,
                starred,
            } => {
                let office = self.office.clone();
                self.start(async move { said_of(office.star(incident, names, starred).await) })
            }
            Effect::Record(deed) => {
                let office = self.office.clone();
                let now = self.clock.now();
                self.start(async move { said_of(office.record(deed, now).await) })
            }
            Effect::ReadRunbook(wanted) => {
                let wires = Arc::clone(&self.wires);
                let busy = Msg::RunbookRead {
                    wanted: wanted.clone(),
                    result: Err(Unread::new("too much is under way", "look again when it is done")),
                };
                let config = Arc::clone(&self.config);
                let context = Arc::clone(&self.context);
                let carried = self.start(async move {
                    let none = RunbooksConfig::default();
                    let known = config.contexts.get(&*context);
                    let links = runbooks::read::Links {
                        wires: &wires,
                        runbooks: known.map_or(&none, |context| &context.runbooks),
                    };
                    let result = runbooks::read::read(&wanted, &links).await.map(Arc::new);
                    Some(Msg::RunbookRead { wanted, result })
                });
                match carried {
                    Carried::Busy(_) => Carried::Busy(busy),
                    taken => taken,
                }
            }
            Effect::FollowTicks(of) => {
                self.books.follow.send_replace(Some(of));
                Carried::Done
            }
            Effect::Tick { of, step, mark, told } => {
                let office = self.office.clone();
                let now = self.clock.now();
                self.start(async move { said_of(runbooks::tick(&office, of, (step, mark), *told, now).await) })
            }
            Effect::RunCommand(order) => {
                let metrics = self.backends.metrics.clone();
                let work = self.books.begin(self.office.clone(), order, metrics, self.clock);
                // One at a time, so that there is always room for it.
                self.start_always(work);
                Carried::Done
            }
            Effect::StopCommand => {
                self.books.stop();
                Carried::Done
            }
            Effect::Write(what) => {
                let writing = (self.writer)(what.clone());
                self.start(async move {
                    let result = writing.await;
                    Some(Msg::Written { what, result })
                })
            }
            Effect::AskLogs(ask) => {
                self.logs.ask.send_if_modified(|held| {
                    let changed = *held != ask;
                    *held = ask;
                    changed
                });
                Carried::Done
            }
            Effect::AskTraces(ask) => {
                self.traces.send_if_modified(|held| {
                    let changed = *held != ask;
                    *held = ask;
                    changed
                });
                Carried::Done
            }
            Effect::ReadTrace(id) => {
                let Some(source) = self.backends.traces.clone() else {
                    return Carried::Done;
                };
                let carried = self.start(async move {
                    let result = traces::once::read(&*source, id).await;
                    Some(Msg::TraceRead { id, result })
                });
                match carried {
                    Carried::Busy(_) => Carried::Busy(Msg::TraceRead {
                        id,
                        result: Err("too much is under way; open it again when that is done".to_owned()),
                    }),
                    taken => taken,
                }
            }
            Effect::AlignTraces(aligning) => {
                self.start(async move { traces::once::align(aligning).await.map(Msg::TracesAligned) })
            }
            Effect::ReadCalls(ask) => {
                let Some(source) = self.backends.traces.clone() else {
                    return Carried::Done;
                };
                self.start(async move { Some(Msg::CallsRead(traces::once::calls(&*source, ask).await)) })
            }
            Effect::ReadExemplars(asked) => {
                let metrics = self.backends.metrics.clone();
                let busy = Msg::ExemplarsRead {
                    asked: asked.clone(),
                    result: Err("too much is under way".to_owned()),
                };
                let carried = self.start(async move {
                    let result = traces::once::exemplars(metrics, &asked).await;
                    Some(Msg::ExemplarsRead { asked, result })
                });
                match carried {
                    Carried::Busy(_) => Carried::Busy(busy),
                    taken => taken,
                }
            }
            Effect::SeekSpans(seeking) => {
                let (id, text) = (seeking.id(), seeking.text.clone());
                let carried = self.start(async move {
                    let result = traces::once::seek(&seeking).await;
                    let text = seeking.text;
                    Some(Msg::SpansFound { id, text, result })
                });
                match carried {
                    Carried::Busy(_) => Carried::Busy(Msg::SpansFound {
                        id,
                        text,
                        result: Err("too much is under way; search again when that is done".to_owned()),
                    }),
                    taken => taken,
                }
            }
            Effect::ReadOlderLogs => self.logs.order(Order::Older),
            Effect::SeekLogs(Some(to)) => self.logs.order(Order::Until(to)),
            Effect::SeekLogs(None) => self.logs.order(Order::Stop),
            Effect::RefetchLogs(gap) => self.logs.order(Order::Refetch(gap)),
            Effect::Edit(_)
            // The loop's own: they need the screen.
            | Effect::Copy { .. }
            | Effect::Ring
            | Effect::Notify { .. }
            | Effect::Repaint
            | Effect::Suspend
            | Effect::SwitchContext(_)
            | Effect::Quit => Carried::Done,
        }
    }

    async fn rest(&mut self) {
        let relief = self.doors.relief.borrow().clone();
        let relieved = async {
            if let Some(relief) = relief {
                relief.rest().await;
            }
        };
        if let Some(kept) = self.kept.clone() {
            // What was put a moment ago is on the disk before anybody leaves; who is to be told of it is going.
            let _ = tokio::task::spawn_blocking(move || kept.write()).await;
        }
        self.books.rest().await;
        self.tray.empty(&self.office).await;
        futures::future::join(self.office.rest(), relieved).await;
    }

    async fn resume(&mut self) {
        self.office.resume().await;
        if let Some(relief) = &*self.doors.relief.borrow() {
            relief.resume();
        }
    }

    async fn next(&mut self, inputs: &mut mpsc::Receiver<Input>) -> Event {
        if let Some(msg) = self.said.pop_front() {
            return Event::Result(msg);
        }
        loop {
            tokio::select! {
                biased;
                // Ending comes first: a terminal that is gone must not be drawn to.
                signal = self.signals.next() => return Event::Signal(signal),
                // Results before input: a key pressed on a row must see what the last act did to it.
                Some(msg) = self.result_inbox.recv() => {
                    if let Msg::ActJournaled { id, result: Ok(entries) } = &msg {
                        self.followed.add(*id, entries.clone());
                        let view = self.slots.outbox.borrow().clone();
                        self.followed.settle(&view, &mut self.said);
                    }
                    if let Msg::TakenBack { id, result } = &msg {
                        self.followed.answered(*id, result);
                        let view = self.slots.outbox.borrow().clone();
                        self.followed.settle(&view, &mut self.said);
                    }
                    return Event::Result(msg);
                }
                // A task that panicked has given the terminal back already: end, rather than go on half blind.
                Some(Err(error)) = self.tasks.join_next() => {
                    if error.is_panic() {
                        return Event::Died;
                    }
                }
                // Input before slots: a flood of answers never delays a key.
                input = inputs.recv() => {
                    self.slots.listen();
                    return Event::Input(input);
                }
                new = self.slots.next() => {
                    for msg in &new {
                        if let Msg::OutboxChanged(view) = msg {
                            self.settle(view);
                        }
                    }
                    return Event::Slots(new);
                }
            }
        }
    }
}

fn said_of(done: Result<(), String>) -> Option<Msg> {
    done.err().map(|text| Msg::Said {
        level: Level::Warn,
        text,
    })
}

#[cfg(test)]
mod tests;
