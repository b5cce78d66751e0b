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

/// A notification that is ours to send.
#[derive(Debug)]
pub struct Parcel {
    id: i64,
    queued: Queued,
}

/// What is to be sent now.
#[derive(Debug, Default)]
pub struct Due {
    /// Each once, by whoever claimed it.
    pub to_send: Vec<Parcel>,
    /// How long until more is due, where something waits.
    pub next: Option<Duration>,
}

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

    /// The longest that one takes to send, by the limits of its ways.
    pub fn longest(&self) -> Duration {
        let limits = self.channels.iter().map(|channel| channel.timeout);
        limits.max().unwrap_or_default()
    }

    /// Sends what is due now, all at once; returns how long until more is due, where something waits.
    pub async fn deliver(&self) -> JournalResult<Option<Duration>> {
        let Due { to_send, mut next } = self.claim().await?;
        for left in join_all(to_send.into_iter().map(|parcel| self.send(parcel))).await {
            if let Some(left) = left? {
                next = Some(next.map_or(left, |next| next.min(left)));
            }
        }
        Ok(next)
    }

    /// Takes what is due now: nobody else sends it, so it is sent by whoever called this, each with [`Self::send`].
    pub async fn claim(&self) -> JournalResult<Due> {
        let (context, now) = (Arc::clone(&self.context), self.clock.stamp());
        let waits = self.journal.read({
            let context = Arc::clone(&context);
            move |tx| notices::waits(tx, &context, &now)
        });
        // An idle console writes nothing.
        match waits.await? {
            notices::Waits::Nothing => return Ok(Due::default()),
            notices::Waits::For(left) => {
                return Ok(Due {
                    next: Some(left),
                    ..Due::default()
                });
            }
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
        let to_send = claimed.to_send.into_iter();
        Ok(Due {
            to_send: to_send.map(|(id, queued)| Parcel { id, queued }).collect(),
            next: claimed.next,
        })
    }

    /// Sends one, and keeps what came of it; returns how long until it is tried again, where it is.
    pub async fn send(&self, parcel: Parcel) -> JournalResult<Option<Duration>> {
        let Parcel { id, queued } = parcel;
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
