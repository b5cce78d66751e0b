//! Sends what the journal has queued, each once, and tells the incident's story what became of it.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use super::send::{Attempt, attempt};
use super::{Notice, phones};
use crate::backend::http::{EnvLookup, Wires, process_env};
use crate::config::NotifyConfig;
use crate::domain::incident::IncidentId;
use crate::domain::incident::local::{LocalIncident, Told};
use crate::domain::timeline::{Delivery, EventKind};
use crate::journal::audit::{self, Act};
use crate::journal::notices::{self, Fate, Queued};
use crate::journal::{Journal, JournalResult, Tx, incidents};
use crate::time::{Clock, Stamp};

/// Tries at what certainly did not go out.
const TRIES: u32 = 5;
/// Before the second try; doubled for each after.
const BACKOFF: Duration = Duration::from_secs(5);

/// Sends the notifications of one context.
#[derive(Clone)]
pub struct Courier {
    journal: Journal,
    context: Arc<str>,
    channels: Arc<[NotifyConfig]>,
    wires: Arc<Wires>,
    clock: Clock,
    env: EnvLookup,
}

impl Courier {
    /// Sends nothing before it is asked to.
    pub fn new(
        journal: Journal,
        context: impl Into<Arc<str>>,
        channels: &[NotifyConfig],
        wires: Arc<Wires>,
        clock: Clock,
    ) -> Self {
        Self {
            journal,
            context: context.into(),
            channels: channels.into(),
            wires,
            clock,
            env: process_env,
        }
    }

    /// The same with its own way to look variables up.
    #[must_use]
    pub fn with_env(self, env: EnvLookup) -> Self {
        Self { env, ..self }
    }

    /// Sends what is due now, all at once; returns how long until more is due, where something waits.
    pub async fn deliver(&self) -> JournalResult<Option<Duration>> {
        let (context, now) = (Arc::clone(&self.context), self.clock.stamp());
        let waits = self.journal.read({
            let context = Arc::clone(&context);
            move |tx| notices::waits(tx, &context, &now)
        });
        // An idle console writes nothing.
        match waits.await? {
            notices::Waits::Nothing => return Ok(None),
            notices::Waits::For(left) => return Ok(Some(left)),
            notices::Waits::Due => {}
        }
        let claimed = self
            .journal
            .write(move |tx| {
                let claimed = notices::claim(tx, &context, &now)?;
                for (queued, fate, words) in &claimed.over {
                    tell(tx, &context, queued, *fate, words, &now)?;
                }
                Ok(claimed)
            })
            .await?;
        let sent = claimed
            .to_send
            .into_iter()
            .map(|(id, queued)| self.send(id, queued));
        let mut next = claimed.next;
        for left in join_all(sent).await {
            if let Some(left) = left? {
                next = Some(next.map_or(left, |next: Duration| next.min(left)));
            }
        }
        Ok(next)
    }

    async fn send(&self, id: i64, queued: Queued) -> JournalResult<Option<Duration>> {
        let channel = self.channels.iter().find(|each| *each.name == *queued.channel);
        let attempt = match channel {
            Some(channel) => attempt(&queued.notice, channel, &self.wires, self.env).await,
            None => Attempt::Refused("it is not configured any more".to_owned()),
        };
        let (context, now) = (Arc::clone(&self.context), self.clock.stamp());
        self.journal
            .write(move |tx| {
                let (fate, words) = match attempt {
                    Attempt::Delivered => (Fate::Delivered, String::new()),
                    Attempt::NotSent(_) if queued.attempts < TRIES => {
                        let wait = BACKOFF * 2_u32.saturating_pow(queued.attempts.saturating_sub(1));
                        notices::put_back(tx, id, &queued, now.later(wait))?;
                        return Ok(Some(wait));
                    }
                    Attempt::NotSent(words) => (Fate::Failed, format!("tried {TRIES} times: {words}")),
                    Attempt::Refused(words) => (Fate::Failed, words),
                    Attempt::Unclear(words) => (Fate::Unclear, words),
                };
                notices::settle(tx, id, fate, &words)?;
                tell(tx, &context, &queued, fate, &words, &now)?;
                Ok(None)
            })
            .await
    }
}

/// Who was notified how, and whether it arrived: for the story and the audit log.
fn tell(
    tx: &Tx<'_>,
    context: &str,
    queued: &Queued,
    fate: Fate,
    words: &str,
    now: &Stamp,
) -> JournalResult<()> {
    let Notice { incident, people, .. } = &queued.notice;
    let names: Vec<&str> = people.iter().map(|person| &*person.name).collect();
    let whom = if names.is_empty() {
        String::new()
    } else {
        format!("{} ", names.join(", "))
    };
    let channel = &queued.channel;
    let number = LocalIncident::number_of(&IncidentId(Arc::clone(incident)));
    let (text, delivery) = match fate {
        Fate::Delivered => (format!("notified {whom}by {channel}"), Delivery::Local),
        Fate::Failed => (
            format!(
                "not notified {whom}by {channel}: {words}; phone {}",
                phones(people)
            ),
            Delivery::Failed,
        ),
        Fate::Unclear => (
            format!(
                "notification unclear {whom}by {channel}: {words}; it is not sent again: phone {}",
                phones(people)
            ),
            Delivery::Failed,
        ),
        Fate::NotNeeded => (
            format!("not notified {whom}by {channel}: {words}"),
            Delivery::Local,
        ),
    };
    if let Some(number) = number {
        let told = Told::by("midwatch", EventKind::Other, text).delivered(delivery);
        incidents::tell(tx, number, &told, now.utc)?;
    }
    audit::record(
        tx,
        &Act {
            at: now.utc,
            actor: "midwatch".to_owned(),
            action: "notify".to_owned(),
            target: incident.to_string(),
            context: context.to_owned(),
            why: format!("{} by {channel}: {}", names.join(", "), queued.notice.message),
            result: match fate {
                Fate::Delivered => "confirmed".to_owned(),
                Fate::Failed => format!("failed: {words}"),
                Fate::Unclear => format!("unclear: {words}"),
                Fate::NotNeeded => format!("cancelled: {words}"),
            },
        },
    )
}
