//! Grafana's annotations over the shop: every rollout is marked, and marks can be made.
//!
//! The deploys come from the story up to the present moment; what is made, changed or deleted through the API
//! is kept in memory. Rules are those of the API that stands under `/api` (tags split at their first colon, a
//! point's end is its begin, a span asked for only where both its ends are given). `http` is the wire. Start at
//! [`Grafana`].

mod http;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};

use super::clock::DemoClock;
use super::world::World;
use super::world::story::DeployKind;

pub use http::router;

/// The service account's token.
pub const TOKEN: &str = "glsa_demoTokenOfMidwatch0000000000_00000000";
/// The login of [`TOKEN`]'s account.
const LOGIN: &str = "sa-1-midwatch";

/// The first id of a mark that was made through the API; those of rollouts lie below.
const FIRST_ID: i64 = 10_001;
/// Tags of a mark at most, as the JSON list that the server keeps them in.
const TAGS: usize = 500;

/// A tag: what stands before its first colon, and what after.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Tag {
    key: String,
    value: String,
}

impl Tag {
    fn parse(text: &str) -> Option<Self> {
        let (key, value) = text.split_once(':').unwrap_or((text, ""));
        let (key, value) = (key.trim_matches(' '), value.trim_matches(' '));
        (!key.is_empty()).then(|| Self {
            key: key.to_owned(),
            value: value.to_owned(),
        })
    }

    /// A question for a key alone finds every value of it.
    fn answers(&self, asked: &Self) -> bool {
        self.key == asked.key && (asked.value.is_empty() || self.value == asked.value)
    }

    fn text(&self) -> String {
        if self.value.is_empty() {
            self.key.clone()
        } else {
            format!("{}:{}", self.key, self.value)
        }
    }
}

/// Tags as they are kept: each once.
fn tags(listed: &[String]) -> Vec<Tag> {
    let mut tags: Vec<Tag> = Vec::new();
    for tag in listed.iter().filter_map(|text| Tag::parse(text)) {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

/// A mark; times in milliseconds.
#[derive(Debug, Clone, PartialEq)]
struct Mark {
    id: i64,
    login: &'static str,
    time: i64,
    end: i64,
    text: String,
    tags: Vec<Tag>,
    dashboard: Option<String>,
    panel: i64,
    data: Json,
    changed: i64,
}

impl Mark {
    fn json(&self) -> Json {
        json!({
            "id": self.id,
            "alertId": 0,
            "alertName": "",
            "dashboardId": 0,
            "dashboardUID": self.dashboard,
            "panelId": self.panel,
            "userId": if self.login == LOGIN { 2 } else { 1 },
            "newState": "",
            "prevState": "",
            "created": self.changed,
            "updated": self.changed,
            "time": self.time,
            "timeEnd": self.end,
            "text": self.text,
            "tags": self.tags.iter().map(Tag::text).collect::<Vec<_>>(),
            "login": self.login,
            "email": format!("{}@shop.example", self.login),
            "avatarUrl": "/avatar/0",
            "data": self.data,
        })
    }
}

/// Which marks are asked for.
#[derive(Debug, Clone, Default, PartialEq)]
struct Question {
    /// From and to; holds only where both are there.
    from: i64,
    to: i64,
    limit: usize,
    tags: Vec<Tag>,
    any: bool,
    dashboard: Option<String>,
}

impl Question {
    fn takes(&self, mark: &Mark) -> bool {
        let within = !(self.from > 0 && self.to > 0) || (mark.time <= self.to && mark.end >= self.from);
        let found = |asked: &Tag| mark.tags.iter().any(|tag| tag.answers(asked));
        let tagged = if self.any && !self.tags.is_empty() {
            self.tags.iter().any(found)
        } else {
            self.tags.iter().all(found)
        };
        within && tagged && (self.dashboard.is_none() || self.dashboard == mark.dashboard)
    }
}

/// The server.
pub struct Grafana {
    clock: DemoClock,
    started: DateTime<Utc>,
    /// Every rollout of the story, those to come as well.
    deploys: Vec<Mark>,
    kept: Mutex<Kept>,
}

/// What was done through the API.
#[derive(Debug, Default)]
struct Kept {
    made: i64,
    /// Made here, or a rollout's mark that was changed.
    marks: BTreeMap<i64, Mark>,
    deleted: BTreeSet<i64>,
}

impl Grafana {
    /// The marks of a world.
    pub fn new(world: &World, clock: DemoClock) -> Self {
        let mut deploys: Vec<Mark> = world
            .story()
            .fates
            .iter()
            .flat_map(|fate| fate.deploys.iter().map(move |deploy| (fate.service.name, deploy)))
            .map(|(service, deploy)| {
                let time = ((world.anchor() + deploy.at) * 1_000.0) as i64;
                let (verb, kind) = match deploy.kind {
                    DeployKind::Release => ("deploy", "deploy"),
                    DeployKind::Rollback => ("roll back to", "rollback"),
                };
                let mut listed = vec![
                    "deploy".to_owned(),
                    format!("service:{service}"),
                    format!("version:{}", deploy.version),
                ];
                if kind != "deploy" {
                    listed.push(kind.to_owned());
                }
                Mark {
                    id: 0,
                    login: "deployer",
                    time,
                    end: time,
                    text: format!("{service}: {verb} {}", deploy.version),
                    tags: tags(&listed),
                    dashboard: None,
                    panel: 0,
                    data: json!({}),
                    changed: time,
                }
            })
            .collect();
        deploys.sort_by_key(|mark| mark.time);
        for (id, mark) in (1..).zip(&mut deploys) {
            mark.id = id;
        }
        Self {
            clock,
            started: clock.now(),
            deploys,
            kept: Mutex::default(),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> i64 {
        self.clock.now().timestamp_millis()
    }

    /// Every mark there is now.
    fn marks(&self, kept: &Kept) -> Vec<Mark> {
        let now = self.now();
        let told = self
            .deploys
            .iter()
            .filter(|mark| mark.time <= now && !kept.marks.contains_key(&mark.id));
        told.chain(kept.marks.values())
            .filter(|mark| !kept.deleted.contains(&mark.id))
            .cloned()
            .collect()
    }

    /// Newest first, no more than asked for.
    fn list(&self, question: &Question) -> Vec<Mark> {
        let mut found = self.marks(&self.kept());
        found.retain(|mark| question.takes(mark));
        found.sort_by_key(|mark| std::cmp::Reverse((mark.time, mark.id)));
        found.truncate(if question.limit == 0 { 100 } else { question.limit });
        found
    }

    fn one(&self, id: i64) -> Option<Mark> {
        self.marks(&self.kept()).into_iter().find(|mark| mark.id == id)
    }

    /// Keeps a new mark; its id.
    fn add(&self, mut mark: Mark) -> i64 {
        let mut kept = self.kept();
        mark.id = FIRST_ID + kept.made;
        kept.made += 1;
        let id = mark.id;
        kept.marks.insert(id, mark);
        id
    }

    fn replace(&self, mark: Mark) {
        self.kept().marks.insert(mark.id, mark);
    }

    fn delete(&self, id: i64) {
        self.kept().deleted.insert(id);
    }

    /// Tags with how often each is used, by name.
    fn tags_in_use(&self, part: &str) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for tag in self.marks(&self.kept()).into_iter().flat_map(|mark| mark.tags) {
            let text = tag.text();
            if text.contains(part) {
                *counts.entry(text).or_default() += 1;
            }
        }
        counts
    }
}

/// A server that others share.
pub type Shared = Arc<Grafana>;

#[cfg(test)]
mod tests;
