//! The timeline of the followed incident: every source asked in its own time, told as one story.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, watch};

use crate::app::feed::{Feed, Fetched, Status};
use crate::app::incidents::IncidentBoard;
use crate::backend::annotations::{Annotations, Marks, story as marks_story};
use crate::backend::incidents::Incidents;
use crate::backend::{BackendError, BackendResult};
use crate::domain::alert::{AlertBoard, Fingerprint};
use crate::domain::incident::link::Links;
use crate::domain::incident::{ActingAs, Incident, IncidentId};
use crate::domain::oneself::Us;
use crate::domain::timeline::merge::{Origin, Story};
use crate::domain::timeline::scope::Scope;
use crate::domain::timeline::{Starred, Timeline, silences};
use crate::journal::{Journal, events};
use crate::outbox::{OutboxView, story as outbox_story};
use crate::time::{Clock, Tick};

/// How often the keeper is asked for the story of the followed incident.
const KEEPER: Duration = Duration::from_secs(20);
/// How often marks are asked for.
const MARKS: Duration = Duration::from_secs(60);

/// A timeline with whose it is.
pub(super) type Followed = Option<(IncidentId, Feed<Timeline>)>;

/// Everything that knows a part of the story.
pub(super) struct Chronicle {
    pub context: Arc<str>,
    pub journal: Option<Journal>,
    pub keepers: Vec<Arc<dyn Incidents>>,
    pub annotations: Option<Arc<dyn Annotations>>,
    /// By which the journal knows the engineer.
    pub identity: Arc<str>,
    /// By which the keeper does, once it is known.
    pub acting_as: watch::Receiver<Option<ActingAs>>,
    pub followed: watch::Receiver<Option<IncidentId>>,
    pub board: watch::Receiver<Feed<IncidentBoard>>,
    pub outbox: watch::Receiver<Arc<OutboxView>>,
    pub alerts: watch::Receiver<Arc<AlertBoard>>,
    pub links: watch::Receiver<Arc<Links>>,
    pub out: watch::Sender<Followed>,
    /// Asked now, out of turn.
    pub wake: Arc<Notify>,
    pub clock: Clock,
}

type Asking<T> = Pin<Box<dyn Future<Output = BackendResult<T>> + Send>>;

/// What is under way for the followed incident.
struct Page {
    incident: Arc<Incident>,
    keeper: Option<Arc<dyn Incidents>>,
    /// The alerts on the board that are surely its own.
    linked: Vec<Fingerprint>,
    story: Story,
    asking: Option<Asking<Timeline>>,
    marking: Option<Asking<Marks>>,
    keeper_due: Tick,
    marks_due: Tick,
    /// When the keeper last answered; until it has, when it was first asked.
    answered: Tick,
    failure: Option<(Arc<str>, Tick)>,
}

impl Page {
    /// Of which nothing was heard yet.
    fn of(incident: Arc<Incident>, keeper: Option<Arc<dyn Incidents>>, now: Tick) -> Self {
        Self {
            incident,
            keeper,
            linked: Vec::new(),
            story: Story::default(),
            asking: None,
            marking: None,
            keeper_due: now,
            marks_due: now,
            answered: now,
            failure: None,
        }
    }

    /// How often its keeper is asked.
    fn interval(&self) -> Duration {
        let scarce = self.keeper.as_ref().map(|keeper| keeper.no_sooner_than());
        scarce.unwrap_or_default().max(KEEPER)
    }
}

impl Chronicle {
    /// Follows whatever is followed, for ever.
    pub async fn run(mut self) {
        loop {
            let followed = self.followed.borrow_and_update().clone();
            let incident = followed
                .as_ref()
                .and_then(|id| self.board.borrow_and_update().value()?.incident(id).cloned());
            let ended = if let Some(incident) = incident {
                self.follow(incident).await
            } else {
                // Not listed (yet): the next board may have it.
                tokio::select! {
                    heard = self.followed.changed() => heard.is_err(),
                    heard = self.board.changed() => heard.is_err(),
                }
            };
            if ended {
                return;
            }
        }
    }

    /// Tells one incident's story until another is followed; whether the session ended.
    async fn follow(&mut self, incident: Arc<Incident>) -> bool {
        let keeper = self
            .keepers
            .iter()
            .find(|keeper| *keeper.name() == incident.source)
            .cloned();
        let now = self.clock.tick();
        let mut page = Page::of(incident, keeper, now);
        self.outbox.mark_changed();
        self.alerts.mark_changed();
        self.links.mark_changed();
        let mut changes = self.journal.as_ref().map(Journal::changes);
        if let Some(changes) = &mut changes {
            changes.mark_changed();
        }
        self.publish(&page);
        loop {
            // Who the keeper takes us for may be told after the story began.
            page.story.set_us(self.us());
            self.ask(&mut page);
            let wait = page.keeper_due.min(page.marks_due).since(self.clock.tick());
            tokio::select! {
                heard = self.followed.changed() => {
                    if heard.is_err() { return true }
                    if self.followed.borrow().as_ref() != Some(&page.incident.id) { return false }
                }
                told = or_never(&mut page.asking) => self.heard(&mut page, told),
                marks = or_never(&mut page.marking) => {
                    page.marking = None;
                    self.marked(&mut page, marks);
                }
                () = journal_changed(&mut changes) => self.read_journal(&mut page).await,
                Ok(()) = self.outbox.changed() => {
                    let view = self.outbox.borrow_and_update().clone();
                    let about = |entry: &&crate::outbox::Entry| {
                        outbox_story::incident_of(entry) == Some(&page.incident.id)
                    };
                    let told = outbox_story::timeline(view.entries.iter().filter(about));
                    page.story.set(Origin::Outbox, Arc::new(told));
                }
                Ok(()) = self.alerts.changed() => {
                    let board = self.alerts.borrow_and_update().clone();
                    let told = silences::timeline(&board, page.incident.created_at);
                    let told = self.scope(&page).within(told);
                    page.story.set(Origin::Alerts, Arc::new(told));
                }
                Ok(()) = self.board.changed() => {
                    let listed = self.board.borrow_and_update().value()
                        .and_then(|board| board.incident(&page.incident.id).cloned());
                    if let Some(incident) = listed && incident != page.incident {
                        // It changed: its keeper has something new to tell.
                        page.incident = incident;
                        page.keeper_due = self.clock.tick();
                    }
                }
                Ok(()) = self.links.changed() => {
                    let linked = surely(&self.links.borrow_and_update(), &page.incident.id);
                    if linked != page.linked {
                        // What was nobody's may be its own now.
                        page.linked = linked;
                        self.alerts.mark_changed();
                        self.read_journal(&mut page).await;
                    }
                }
                () = self.wake.notified() => page.keeper_due = self.clock.tick(),
                () = tokio::time::sleep(wait) => {}
            }
            self.publish(&page);
            let (id, names) = (page.incident.id.clone(), page.story.unstarred_names());
            self.follow_stars(id, names).await;
        }
    }

    /// A star that was set on an entry of the outbox holds for what its keeper tells of it, also once the entry is
    /// gone.
    async fn follow_stars(&self, id: IncidentId, names: Vec<Arc<str>>) {
        let Some(journal) = self.journal.as_ref().filter(|_| !names.is_empty()) else {
            return;
        };
        let context = Arc::clone(&self.context);
        // Where it is not kept it is tried again with the next change; the star itself is there.
        let _ = journal
            .write(move |tx| events::star(tx, &context, &id, &names, Starred::Yes))
            .await;
    }

    fn scope(&self, page: &Page) -> Scope {
        Scope::of(&page.incident, self.clock.now().utc).with_alerts(page.linked.iter().copied())
    }

    fn us(&self) -> Us {
        let acting_as = self.acting_as.borrow();
        Us::of(&self.identity, acting_as.as_ref().map(|acting| &acting.person))
    }

    /// Starts what is due and not under way.
    fn ask(&self, page: &mut Page) {
        let now = self.clock.tick();
        if page.keeper_due <= now
            && page.asking.is_none()
            && let Some(keeper) = page.keeper.clone()
        {
            let id = page.incident.id.clone();
            page.asking = Some(Box::pin(async move { keeper.story(id).await }));
        }
        if page.keeper_due <= now {
            page.keeper_due = now + page.interval();
        }
        if page.marks_due <= now {
            page.marks_due = now + MARKS;
            if page.marking.is_none()
                && let Some(annotations) = self.annotations.clone()
            {
                let scope = self.scope(page);
                let (from, to): (DateTime<Utc>, DateTime<Utc>) = (scope.from, scope.to);
                page.marking = Some(Box::pin(
                    async move { annotations.list(from, to, Vec::new()).await },
                ));
            }
        }
    }

    fn heard(&self, page: &mut Page, told: BackendResult<Timeline>) {
        page.asking = None;
        let now = self.clock.tick();
        match told {
            Ok(told) => {
                page.failure = None;
                page.answered = now;
                page.story.set(Origin::Keeper, Arc::new(told));
            }
            Err(error) => {
                let since = page.failure.as_ref().map_or(now, |(_, since)| *since);
                page.failure = Some((error.cause().into(), since));
                page.keeper_due = now + wait_after(&error);
            }
        }
    }

    fn marked(&self, page: &mut Page, marks: BackendResult<Marks>) {
        let Some(annotations) = &self.annotations else {
            return;
        };
        let told = match marks {
            Ok(marks) => marks_story::timeline(&marks, annotations.name(), annotations.deploy_tags()),
            // What was heard before stays; that it is not whole is said.
            Err(error) => Timeline {
                events: Vec::new(),
                partial: vec![format!("no deploy marks: {}", error.cause())],
            },
        };
        let told = self.scope(page).within(told);
        page.story.set(Origin::Annotations, Arc::new(told));
    }

    async fn read_journal(&self, page: &mut Page) {
        let Some(journal) = &self.journal else { return };
        let context = Arc::clone(&self.context);
        let id = page.incident.id.clone();
        let scope = self.scope(page);
        let read = journal
            .read(move |tx| {
                let told = events::of_story(tx, &context, &id, &scope)?;
                Ok((told, events::stars(tx, &context, &id)?))
            })
            .await;
        match read {
            Ok((told, stars)) => {
                page.story.set_stars(Arc::new(stars));
                page.story.set(
                    Origin::Journal,
                    Arc::new(Timeline {
                        events: told,
                        partial: Vec::new(),
                    }),
                );
            }
            Err(error) => {
                let told = Timeline {
                    events: Vec::new(),
                    partial: vec![error.to_string()],
                };
                page.story.set(Origin::Journal, Arc::new(told));
            }
        }
    }

    fn publish(&self, page: &Page) {
        let now = self.clock.tick();
        let status = match &page.failure {
            Some((cause, since)) => Status::Failed {
                cause: Arc::clone(cause),
                since: *since,
                next_try: page.keeper_due,
            },
            None if page.asking.is_some() => Status::InFlight { since: now },
            None => Status::Idle,
        };
        let timeline = page.story.timeline();
        self.out.send_if_modified(|held| {
            if let Some((id, feed)) = held
                && *id == page.incident.id
                && feed
                    .last
                    .as_ref()
                    .is_some_and(|last| last.at == page.answered && Arc::ptr_eq(&last.value, timeline))
                && std::mem::discriminant(&feed.status) == std::mem::discriminant(&status)
            {
                return false;
            }
            *held = Some((
                page.incident.id.clone(),
                Feed {
                    last: Some(Fetched {
                        value: Arc::clone(timeline),
                        at: page.answered,
                    }),
                    status,
                    interval: page.interval(),
                },
            ));
            true
        });
    }
}

/// The alerts that are an incident's beyond doubt.
fn surely(links: &Links, incident: &IncidentId) -> Vec<Fingerprint> {
    let linked = links.of_incident(incident).iter();
    linked
        .filter(|(_, by)| by.is_sure())
        .map(|(alert, _)| *alert)
        .collect()
}

/// How long a keeper that failed is left alone.
fn wait_after(error: &BackendError) -> Duration {
    error.retry_after.unwrap_or(KEEPER).max(KEEPER)
}

async fn or_never<T>(asking: &mut Option<Asking<T>>) -> BackendResult<T> {
    match asking {
        Some(asking) => asking.await,
        None => pending().await,
    }
}

async fn journal_changed(changes: &mut Option<watch::Receiver<u64>>) {
    match changes {
        // A journal that is closed changes no more.
        Some(changes) => {
            if changes.changed().await.is_err() {
                pending::<()>().await;
            }
        }
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;
    use crate::backend::{Delivery, ErrorKind};
    use crate::domain::incident::sample::triggered;

    fn chronicle(clock: Clock) -> (Chronicle, watch::Receiver<Followed>) {
        let (out, told) = watch::channel(None);
        let chronicle = Chronicle {
            context: "shop".into(),
            journal: None,
            keepers: Vec::new(),
            annotations: None,
            identity: "mara".into(),
            acting_as: watch::channel(None).1,
            followed: watch::channel(None).1,
            board: watch::channel(Feed::new(KEEPER)).1,
            outbox: watch::channel(Arc::default()).1,
            alerts: watch::channel(Arc::default()).1,
            links: watch::channel(Arc::default()).1,
            out,
            wake: Arc::default(),
            clock,
        };
        (chronicle, told)
    }

    fn refused() -> BackendError {
        BackendError {
            kind: ErrorKind::Rejected,
            backend: "incidents".into(),
            tried: "GET /incidents/Q1/log_entries".to_owned(),
            detail: "no".to_owned(),
            mend: String::new(),
            status: None,
            retry_after: None,
            delivery: Delivery::Answered,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_story_is_as_old_as_the_last_answer_of_its_keeper() {
        let clock = Clock::with_tokio(Utc.with_ymd_and_hms(2026, 11, 20, 3, 0, 0).unwrap());
        let (chronicle, told) = chronicle(clock);
        let mut page = Page::of(Arc::new(triggered("Q1")), None, clock.tick());
        let age = || {
            let told = told.borrow();
            let (_, feed) = told.as_ref().unwrap();
            feed.age(clock.tick()).unwrap().as_secs()
        };
        chronicle.heard(&mut page, Ok(Timeline::default()));
        chronicle.publish(&page);
        assert_eq!(age(), 0);

        // The same answer again is an answer.
        tokio::time::advance(KEEPER).await;
        chronicle.heard(&mut page, Ok(Timeline::default()));
        chronicle.publish(&page);
        assert_eq!(age(), 0);

        // What others tell makes it no younger, and a failure neither.
        tokio::time::advance(KEEPER).await;
        let other = Timeline {
            events: Vec::new(),
            partial: vec!["no deploy marks: no".to_owned()],
        };
        page.story.set(Origin::Annotations, Arc::new(other));
        chronicle.publish(&page);
        assert_eq!(age(), 20);
        tokio::time::advance(KEEPER).await;
        chronicle.heard(&mut page, Err(refused()));
        chronicle.publish(&page);
        assert_eq!(age(), 40);
    }
}
