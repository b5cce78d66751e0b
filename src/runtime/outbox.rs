//! The outbox of a session: opens the journal off the loop, runs the courier, and tells when acts are over.
//!
//! An act is planned on the board, journaled, and only then handed over to the courier; what becomes of its
//! entries comes back through the view. Start at [`Office::open`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::room;
use crate::app::DraftKind;
use crate::app::Msg;
use crate::app::acts::ActId;
use crate::app::effect::Deed;
use crate::app::msg::{ActResult, ActState};
use crate::app::record::{RecordHealth, Trouble};
use crate::app::toast::Level;
use crate::backend::Backends;
use crate::backend::incidents::local::Closed;
use crate::domain::incident::IncidentId;
use crate::domain::timeline::Starred;
use crate::domain::timeline::record::Command;
use crate::journal::drafts::{self, DraftKey};
use crate::journal::outbox::{self, Author, Taking};
use crate::journal::{Journal, JournalError, JournalResult, Opening, events, notices};
use crate::outbox::courier::Setup;
use crate::outbox::decide::Undecided;
use crate::outbox::post::Poster;
use crate::outbox::spread::{Spread, Standing, worst};
use crate::outbox::{Courier, CourierHandle, Decision, Draft, Entry, EntryId, OutboxView, State, Timings};
use crate::text::SafeText;
use crate::time::{Clock, Now};

/// Where acts are journaled.
#[derive(Clone)]
struct Counter {
    journal: Journal,
    courier: CourierHandle,
}

/// Not open yet, open, or why it cannot be.
type Opened = Option<Result<Counter, Arc<str>>>;

/// The outbox of one session. Cheap to clone.
#[derive(Clone)]
pub(super) struct Office {
    counter: watch::Receiver<Opened>,
    author: Author,
    clock: Clock,
}

impl Office {
    /// One that opens with its task, which the session owns; the view changes with every step of any entry.
    pub(super) fn open(
        opening: Option<Opening>,
        backends: Arc<Backends>,
        author: Author,
        clock: Clock,
        view_out: watch::Sender<Arc<OutboxView>>,
        behind: room::Behind,
    ) -> (Self, impl Future<Output = ()>) {
        let (counter_out, counter) = watch::channel(None);
        let office = Self {
            counter,
            author: author.clone(),
            clock,
        };
        let serving = async move {
            let has_place = opening.is_some();
            let journal = match opened(opening, clock).await {
                Ok(journal) => journal,
                Err(why) => {
                    let mut backends = backends;
                    if has_place {
                        let (config, context) = (&behind.config, &behind.context);
                        let closed = Closed::unreadable(config, context, clock, &why);
                        let mut without = (*backends).clone();
                        without.local_incidents = Some(Arc::new(closed));
                        backends = Arc::new(without);
                    }
                    behind.record.send_replace(Some(RecordHealth {
                        trouble: Some(Trouble::NoJournal(Arc::clone(&why))),
                        forward: None,
                    }));
                    counter_out.send_replace(Some(Err(why)));
                    return room::run(behind, backends, None).await;
                }
            };
            room::drafts::tell(&journal, &behind).await;
            let local = room::local(&journal, &behind.config, &behind.context, clock);
            let mut complete = (*backends).clone();
            complete.local_incidents = Some(Arc::new(local.clone()));
            let backends = Arc::new(complete);
            let (courier, handle) = Courier::new(Setup {
                journal: journal.clone(),
                post: Arc::new(Poster::new(Arc::clone(&backends))),
                clock,
                author,
                timings: Timings::default(),
            });
            let mut steps = handle.view();
            counter_out.send_replace(Some(Ok(Counter {
                journal: journal.clone(),
                courier: handle,
            })));
            let telling = async {
                while steps.changed().await.is_ok() {
                    view_out.send_replace(Arc::new(steps.borrow_and_update().clone()));
                }
            };
            let here = room::run(behind, backends, Some((journal, local)));
            futures::future::join3(courier.run(), telling, here).await;
        };
        (office, serving)
    }

    async fn counter(&self) -> Result<Counter, String> {
        let mut counter = self.counter.clone();
        let opened = counter.wait_for(Option::is_some).await;
        let opened = opened.map_err(|_| "not saved: the console is ending".to_owned())?;
        match opened.as_ref() {
            Some(Ok(counter)) => Ok(counter.clone()),
            Some(Err(why)) => Err(why.to_string()),
            None => Err("not saved: the journal is not open yet; try again".to_owned()),
        }
    }

    /// Journals an act; the numbers of what it became, or why it was not saved.
    pub(super) async fn journal(&self, drafts: Vec<Draft>) -> Result<Vec<EntryId>, String> {
        let journaled = self.journal_all(vec![drafts]).await?;
        Ok(journaled.concat())
    }

    /// Journals many acts in one transaction: the numbers of what each became, in this order, or why none of them
    /// was saved. One task and one `fsync` however many they are.
    pub(super) async fn journal_all(&self, acts: Vec<Vec<Draft>>) -> Result<Vec<Vec<EntryId>>, String> {
        let counter = self.counter().await?;
        // Stamped when its turn at the disk has come: what waits for that loses nothing of its grace time.
        let turn = counter.journal.read(|_| Ok(())).await;
        turn.map_err(|error| error.to_string())?;
        let (author, now) = (self.author.clone(), self.clock.stamp());
        let inserted = counter
            .journal
            .write(move |tx| outbox::insert_all(tx, &author, &acts, &now));
        inserted.await.map_err(|error| error.to_string())
    }

    /// Says what is to become of an entry; in words where that cannot be.
    pub(super) async fn decide(&self, id: EntryId, decision: Decision) -> Result<(), String> {
        let counter = self.counter().await?;
        let at = Taking {
            actor: Arc::clone(&self.author.actor),
            now: self.clock.stamp(),
        };
        let decided = counter
            .journal
            .write(move |tx| outbox::decide(tx, id, decision, &at));
        match decided.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(why)) => Err(why.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Takes down that somebody sees to a page that reached nobody.
    pub(super) async fn answer_for(&self, ids: Vec<i64>) -> Result<(), String> {
        let counter = self.counter().await?;
        let (actor, now) = (Arc::clone(&self.author.actor), self.clock.stamp().utc);
        let answered = counter
            .journal
            .write(move |tx| notices::answer(tx, &ids, (&actor, now)))
            .await;
        answered.map_err(|error| format!("the notice was not taken down: {error}"))
    }

    /// Journals renewals of acknowledgements and waits for them, so long at most; each as it stands then, nothing
    /// where its end was asked for already.
    pub(super) async fn renew(
        &self,
        drafts: Vec<Draft>,
        at_most: Duration,
    ) -> Result<Vec<Option<Entry>>, String> {
        let counter = self.counter().await?;
        let (author, now) = (self.author.clone(), self.clock.stamp());
        let journal = &counter.journal;
        let mut changes = journal.changes();
        let renewed = journal.write(move |tx| outbox::renew(tx, &author, &drafts, &now));
        let ids = renewed.await.map_err(|error| error.to_string())?;
        let read = || {
            let ids = ids.clone();
            journal.read(move |tx| {
                let entry = |id: &Option<EntryId>| match id {
                    Some(id) => Ok(outbox::load(tx, *id)?.map(|record| record.entry)),
                    None => Ok(None),
                };
                ids.iter().map(entry).collect::<JournalResult<Vec<_>>>()
            })
        };
        let settling = async {
            loop {
                changes.mark_unchanged();
                let entries = read().await?;
                let under_way = |entry: &Entry| matches!(entry.state, State::Pending | State::Sending);
                if !entries.iter().flatten().any(under_way) || changes.changed().await.is_err() {
                    return Ok(entries);
                }
            }
        };
        let entries = match tokio::time::timeout(at_most, settling).await {
            Ok(entries) => entries,
            Err(_) => read().await,
        };
        entries.map_err(|error: JournalError| error.to_string())
    }

    /// Takes the entries of an act back in their grace time; why not all of them could be, where that is so.
    pub(super) async fn take_back(&self, ids: Vec<EntryId>) -> Result<(), String> {
        let counter = self.counter().await?;
        let at = Taking {
            actor: Arc::clone(&self.author.actor),
            now: self.clock.stamp(),
        };
        let cancelled = counter.journal.write(move |tx| {
            let each = ids.iter().map(|id| outbox::cancel(tx, *id, &at));
            each.collect::<Result<Vec<_>, _>>()
        });
        let cancelled = cancelled.await.map_err(|error| error.to_string())?;
        too_late(&cancelled).map_or(Ok(()), Err)
    }

    /// Hands back what is held, before the process stops.
    pub(super) async fn rest(&self) {
        if let Some(Ok(counter)) = self.at_hand() {
            counter.courier.rest().await;
        }
    }

    /// Goes on after [`Office::rest`].
    pub(super) async fn resume(&self) {
        if let Some(Ok(counter)) = self.at_hand() {
            counter.courier.resume().await;
        }
    }

    /// Keeps what is being typed, or forgets it where nothing is left of it.
    pub(super) async fn keep_draft(
        &self,
        kind: DraftKind,
        incident: Option<&IncidentId>,
        text: &str,
    ) -> Result<(), String> {
        let counter = self.counter().await?;
        let draft = drafts::Draft {
            key: DraftKey {
                actor: self.author.actor.to_string(),
                context: self.author.context.to_string(),
                console: room::drafts::console(&self.clock.stamp()),
                kind: kind.word().to_owned(),
                incident: incident.map(|id| id.0.to_string()),
            },
            text: text.to_owned(),
            updated_at: self.clock.now().utc,
        };
        let kept = counter.journal.write(move |tx| drafts::save(tx, &draft)).await;
        kept.map_err(|error| format!("the draft was not kept: {error}"))
    }

    /// Marks an event of an incident as a key moment under all its names, or takes the mark away.
    pub(super) async fn star(
        &self,
        incident: IncidentId,
        names: Vec<Arc<str>>,
        starred: Starred,
    ) -> Result<(), String> {
        let counter = self.counter().await?;
        let (author, now) = (self.author.clone(), self.clock.stamp().utc);
        let kept = counter
            .journal
            .write(move |tx| events::star_by(tx, &author, &incident, (&names, starred), now))
            .await;
        kept.map_err(|error| format!("the mark was not kept: {error}"))
    }

    /// Puts what the engineer did into the story.
    pub(super) async fn record(&self, deed: Deed, now: Now) -> Result<(), String> {
        let counter = self.counter().await?;
        let command = Command {
            actor: &self.author.actor,
            incident: deed.incident.as_ref(),
            text: deed.text,
            refs: deed.refs,
        };
        let (context, event) = (Arc::clone(&self.author.context), command.event(now));
        let kept = counter
            .journal
            .write(move |tx| events::append(tx, &context, &[event]))
            .await;
        kept.map(drop)
            .map_err(|error| format!("what was done is not in the timeline: {error}"))
    }

    /// The journal once it is open, and who writes into it.
    pub(super) async fn desk(&self) -> Result<(Journal, Author), String> {
        let counter = self.counter().await?;
        Ok((counter.journal, self.author.clone()))
    }

    fn at_hand(&self) -> Opened {
        self.counter.borrow().clone()
    }
}

async fn opened(opening: Option<Opening>, clock: Clock) -> Result<Journal, Arc<str>> {
    let Some(opening) = opening else {
        return Err(
            "not saved: there is no place for the journal; set state_dir in the configuration, or HOME"
                .into(),
        );
    };
    let opening = tokio::task::spawn_blocking(move || Journal::open(&opening));
    match opening.await {
        Ok(Ok(journal)) => Ok(journal.under(clock)),
        Ok(Err(error)) => Err(format!("not saved: {error}").into()),
        Err(_) => Err("not saved: the journal could not be opened".into()),
    }
}

/// Acts that are journaled and not over.
#[derive(Default)]
pub(super) struct Followed(Vec<FollowedAct>);

struct FollowedAct {
    id: ActId,
    /// What it became.
    entries: Vec<EntryId>,
    /// Whether it was said that only some clusters took it so far.
    spread: SpreadSaid,
    /// Whether it is being taken back.
    asked_back: AskedBack,
}

#[derive(PartialEq, Eq)]
enum AskedBack {
    /// It is: what is said of it is whether that was in time.
    Yes,
    No,
}

#[derive(PartialEq, Eq)]
enum SpreadSaid {
    Yes,
    No,
}

impl Followed {
    /// From now on. What became no entry (a declaration) says itself how it ended.
    pub(super) fn add(&mut self, id: ActId, entries: Vec<EntryId>) {
        if entries.is_empty() {
            return;
        }
        self.0.push(FollowedAct {
            id,
            entries,
            spread: SpreadSaid::No,
            asked_back: AskedBack::No,
        });
    }

    /// The entries of an act that is to be taken back; nothing where it is over. Until that is answered nothing
    /// else is said of it.
    pub(super) fn ask_back(&mut self, id: ActId) -> Option<Vec<EntryId>> {
        let followed = self.0.iter_mut().find(|held| held.id == id)?;
        followed.asked_back = AskedBack::Yes;
        Some(followed.entries.clone())
    }

    /// It was answered whether an act could be taken back: one that could is over.
    pub(super) fn answered(&mut self, id: ActId, result: &Result<(), String>) {
        match result {
            Ok(()) => self.0.retain(|held| held.id != id),
            Err(_) => {
                for held in self.0.iter_mut().filter(|held| held.id == id) {
                    held.asked_back = AskedBack::No;
                }
            }
        }
    }

    /// Takes out those that are over, or ask, and says how they ended; of the others, once, that some clusters did
    /// not take what others did.
    pub(super) fn settle(&mut self, view: &OutboxView, said: &mut VecDeque<Msg>) {
        self.0.retain_mut(|act| {
            if act.asked_back == AskedBack::Yes {
                return true;
            }
            let found: Vec<&Entry> = act.entries.iter().filter_map(|id| view.entry(*id)).collect();
            // One that the view has gone past without listing it was settled long ago.
            if found.len() < act.entries.len() && view.through < act.entries.iter().max().copied() {
                return true;
            }
            let under_way = |entry: &&Entry| matches!(entry.state, State::Pending | State::Sending);
            if found.iter().any(under_way) {
                let spread = Spread::of(&found).filter(Spread::was_tried);
                if let (Some(spread), SpreadSaid::No) = (spread, &act.spread) {
                    act.spread = SpreadSaid::Yes;
                    said.push_back(Msg::Said {
                        level: Level::Warn,
                        text: spread.to_string(),
                    });
                }
                return true;
            }
            said.push_back(Msg::ActFinished {
                id: act.id,
                result: result(&found),
            });
            false
        });
    }
}

fn result(entries: &[&Entry]) -> ActResult {
    let Some((standing, alike)) = worst(entries) else {
        return ActResult {
            state: ActState::Unknown,
            message: "it is over, and listed no more: `midwatch audit` tells how it ended".to_owned(),
            leases: Vec::new(),
        };
    };
    let state = match standing {
        Standing::Done => ActState::Confirmed,
        Standing::UnderWay | Standing::Asks => ActState::Unknown,
        Standing::NotDone => ActState::Failed,
    };
    let leases = entries.iter().filter_map(|entry| entry.lease()).collect();
    if let Some(spread) = Spread::of(entries) {
        return ActResult {
            state: state.min(ActState::Partly),
            message: spread.to_string(),
            leases,
        };
    }
    let words = alike
        .first()
        .map(|entry| entry.outcome.to_string())
        .unwrap_or_default();
    let message = match alike.len() {
        0 | 1 => words,
        several => format!("{words} · {several} silences"),
    };
    let message = if state == ActState::Unknown {
        format!("{message}; decide in the outbox")
    } else {
        message
    };
    ActResult {
        state,
        message: SafeText::line(&message).into_string(),
        leases,
    }
}

/// What of several entries could not be taken back, with how many of them and why; nothing where all were.
fn too_late(taken_back: &[Result<Entry, Undecided>]) -> Option<String> {
    let late: Vec<String> = taken_back
        .iter()
        .filter_map(|taken| taken.as_ref().err().map(ToString::to_string))
        .collect();
    let back = taken_back.len() - late.len();
    if taken_back.is_empty() {
        return Some("too late to take it back: it is over".to_owned());
    }
    let first = late.first()?;
    if taken_back.len() == 1 {
        return Some(format!("too late to take it back: {first}"));
    }
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for why in &late {
        match reasons.iter_mut().find(|(known, _)| known == why) {
            Some((_, times)) => *times += 1,
            None => reasons.push((why, 1)),
        }
    }
    let reasons: Vec<String> = reasons
        .iter()
        .map(|(why, times)| format!("{times}: {why}"))
        .collect();
    Some(format!(
        "{back} of {} taken back; too late for {}",
        taken_back.len(),
        reasons.join("; for ")
    ))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::backend::annotations::AnnotationDraft;
    use crate::domain::alert::ack::Marker;
    use crate::outbox::Payload;

    fn entry() -> Entry {
        Entry {
            id: EntryId(1),
            context: "prod".into(),
            created_at: DateTime::UNIX_EPOCH,
            actor: "jun".into(),
            marker: Marker::from_bits(1),
            payload: Payload::ExpireSilence {
                cluster: "eu".into(),
                members: Vec::new(),
                id: "s".into(),
                hands_back: Vec::new(),
            },
            state: State::Cancelled,
            attempts: 0,
            last_error: None,
            next_attempt_at: None,
            outcome: "".into(),
            remote_ids: Vec::new(),
        }
    }

    #[test]
    fn an_act_that_became_no_entry_is_not_said_to_be_over() {
        let mut followed = Followed::default();
        followed.add(ActId(1), Vec::new());
        let mut said = VecDeque::new();
        followed.settle(&OutboxView::default(), &mut said);
        assert!(said.is_empty());
    }

    #[test]
    fn what_could_not_be_taken_back_is_counted_with_its_reason() {
        use Undecided::{Over, UnderWay};
        let taken = |late: &[Undecided], back: usize| {
            let late = late.iter().copied().map(Err);
            let all: Vec<_> = late.chain((0..back).map(|_| Ok(entry()))).collect();
            too_late(&all)
        };
        let sent = Over(State::Confirmed);
        assert_eq!(taken(&[], 3), None);
        assert_eq!(
            taken(&[sent], 0).as_deref(),
            Some("too late to take it back: it is confirmed already")
        );
        assert_eq!(
            taken(&[sent, sent], 3).as_deref(),
            Some("3 of 5 taken back; too late for 2: it is confirmed already")
        );
        assert_eq!(
            taken(&[sent, UnderWay], 0).as_deref(),
            Some(
                "0 of 2 taken back; too late for 1: it is confirmed already; for 1: it is under way at this moment; \
                 look again in a few seconds"
            )
        );
        assert_eq!(
            taken(&[], 0).as_deref(),
            Some("too late to take it back: it is over")
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_grace_time_begins_when_the_disk_takes_the_act() {
        let home = tempfile::tempdir().unwrap();
        let journal = Journal::open(&Opening::private(home.path().join("midwatch.db"))).unwrap();
        let start = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let clock = Clock::with_tokio(start);
        let author = Author {
            context: "prod".into(),
            actor: "jun@example.com".into(),
        };
        let (_courier, courier) = Courier::new(Setup {
            journal: journal.clone(),
            post: Arc::new(Poster::new(Arc::new(Backends::default()))),
            clock,
            author: author.clone(),
            timings: Timings::default(),
        });
        let opened = Counter {
            journal: journal.clone(),
            courier,
        };
        let (_opening, counter) = watch::channel(Some(Ok(opened)));
        let office = Office {
            counter,
            author,
            clock,
        };
        let mark = Draft::new(
            Payload::Annotation(AnnotationDraft {
                at: start,
                until: None,
                text: "failover".to_owned(),
                tags: Vec::new(),
            }),
            Duration::from_secs(5),
        );
        let (go, stalled) = std::sync::mpsc::channel::<()>();
        let stall = journal.write(move |_| {
            let _ = stalled.recv();
            Ok(())
        });
        let minute = async {
            tokio::time::advance(Duration::from_secs(60)).await;
            go.send(()).unwrap();
        };
        let (_, ids, ()) = futures::future::join3(stall, office.journal(vec![mark]), minute).await;
        let id = ids.unwrap()[0];
        let entry = journal
            .read(move |tx| outbox::load(tx, id))
            .await
            .unwrap()
            .unwrap()
            .entry;
        assert_eq!(entry.next_attempt_at, Some(start + TimeDelta::seconds(65)));
    }
}
