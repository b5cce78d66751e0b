//! Silences: those of the story, and the server's rules for making, changing and expiring them.
//!
//! Rules and messages follow Alertmanager's `silence.go` and its generated validation.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value as Json, json};

use crate::demo::world::flow::mix;
use crate::demo::world::{Epoch, Scenario};
use crate::domain::alert::{Labels, MatchOp, Matcher, SilenceState};

use super::matching::Rule;

/// Expired silences are kept this long.
const RETENTION: TimeDelta = TimeDelta::hours(120);

/// Why a write was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Status 400, a bare JSON string.
    Handler(String),
    /// Status 422 (or 400), `{code, message}`.
    Validation(u16, u16, String),
    /// Status 404.
    NotFound,
}

/// (matchers, who, comment, from and to in minutes after the anchor)
type Written = (
    &'static [(&'static str, MatchOp, &'static str)],
    &'static str,
    &'static str,
    i64,
    i64,
);

#[derive(Debug, Clone)]
struct Silence {
    id: String,
    rules: Vec<Rule>,
    created_by: String,
    comment: String,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// All silences of the cluster.
#[derive(Debug)]
pub struct Silences {
    seed: u64,
    made: u64,
    all: Vec<Silence>,
}

impl Silence {
    fn state(&self, now: DateTime<Utc>) -> SilenceState {
        if now < self.starts_at {
            SilenceState::Pending
        } else if now < self.ends_at {
            SilenceState::Active
        } else {
            SilenceState::Expired
        }
    }

    fn same_matchers(&self, rules: &[Rule]) -> bool {
        let sorted = |rules: &[Rule]| {
            let mut texts: Vec<String> = rules
                .iter()
                .map(|r| format!("{}{}{:?}", r.matcher.name, r.matcher.op.symbol(), r.matcher.value))
                .collect();
            texts.sort();
            texts
        };
        sorted(&self.rules) == sorted(rules)
    }

    fn json(&self, now: DateTime<Utc>) -> Json {
        let matchers: Vec<Json> = self
            .rules
            .iter()
            .map(|rule| {
                json!({
                    "name": rule.matcher.name.as_ref(),
                    "value": rule.matcher.value.as_ref(),
                    "isRegex": matches!(rule.matcher.op, MatchOp::Regex | MatchOp::NotRegex),
                    "isEqual": matches!(rule.matcher.op, MatchOp::Equal | MatchOp::Regex),
                })
            })
            .collect();
        json!({
            "id": self.id,
            "status": {"state": self.state(now).word()},
            "updatedAt": stamp(self.updated_at),
            "comment": self.comment,
            "createdBy": self.created_by,
            "startsAt": stamp(self.starts_at),
            "endsAt": stamp(self.ends_at),
            "matchers": matchers,
        })
    }
}

/// RFC 3339 with milliseconds, as the API writes times.
pub fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

impl Silences {
    /// What stands at the start: a rollout's, one about to end, one that hides nothing, one long over, and an
    /// acknowledgement of an alert that has fired again since.
    pub fn of_story(epoch: &Epoch) -> Self {
        let mut silences = Self {
            seed: epoch.seed,
            made: 0,
            all: Vec::new(),
        };
        let days = 24 * 60;
        let idle: Written = (
            &[("service", MatchOp::Equal, "legacy-basket")],
            "deploy-bot",
            "legacy-basket is switched off for good, remove in March",
            -9 * days,
            80 * days,
        );
        let ended: Written = (
            &[
                ("alertname", MatchOp::Equal, "TargetDown"),
                ("job", MatchOp::Equal, "node"),
            ],
            "patch-bot",
            "kernel update of the nodes",
            -300,
            -120,
        );
        let story: [Written; 5] = [
            (
                &[
                    ("service", MatchOp::Equal, "recommendation"),
                    ("alertname", MatchOp::Regex, "HighLatency|PodRestarting"),
                ],
                "deploy-bot",
                "rollout of recommendation 5.12.1: warming caches",
                -37,
                83,
            ),
            (
                &[
                    ("alertname", MatchOp::Equal, "DiskSpaceLow"),
                    ("instance", MatchOp::Regex, "node-c:.*"),
                ],
                "storage-bot",
                "node-c is being drained",
                -353,
                7,
            ),
            idle,
            (
                &[
                    ("alertname", MatchOp::Equal, "HighErrorRate"),
                    ("service", MatchOp::Equal, "checkout"),
                    ("severity", MatchOp::Equal, "critical"),
                    ("team", MatchOp::Equal, "shop"),
                ],
                "mara",
                "ACK! looking at checkout, restarted it by hand",
                -13,
                6,
            ),
            ended,
        ];
        let calm: [Written; 2] = [idle, ended];
        let written: &[Written] = match epoch.scenario {
            Scenario::Leak => &story,
            Scenario::Calm | Scenario::Drill(_) => &calm,
        };
        for (matchers, who, comment, from, to) in written {
            let rules = matchers
                .iter()
                .filter_map(|(name, op, value)| {
                    Rule::new(Matcher {
                        name: (*name).into(),
                        op: *op,
                        value: (*value).into(),
                    })
                    .ok()
                })
                .collect();
            let starts_at = epoch.anchor + TimeDelta::minutes(*from);
            let id = silences.next_id();
            silences.all.push(Silence {
                id,
                rules,
                created_by: (*who).to_owned(),
                comment: (*comment).to_owned(),
                starts_at,
                ends_at: epoch.anchor + TimeDelta::minutes(*to),
                updated_at: starts_at,
            });
        }
        silences
    }

    /// Ids of the silences in force that match a label set.
    pub fn that_hide(&self, labels: &Labels, now: DateTime<Utc>) -> Vec<String> {
        self.all
            .iter()
            .filter(|s| s.state(now) == SilenceState::Active && s.rules.iter().all(|r| r.matches(labels)))
            .map(|s| s.id.clone())
            .collect()
    }

    /// As `GET /silences` lists them: active, pending, expired; by end, start, and latest end.
    pub fn list(&self, filter: &[Rule], now: DateTime<Utc>) -> Vec<Json> {
        let wanted = |silence: &&Silence| {
            filter
                .iter()
                .all(|f| silence.rules.iter().any(|r| r.matcher == f.matcher))
        };
        let mut found: Vec<&Silence> = self
            .all
            .iter()
            .filter(|s| s.ends_at + RETENTION > now)
            .filter(wanted)
            .collect();
        found.sort_by_key(|s| {
            let state = s.state(now);
            let rank = match state {
                SilenceState::Active => s.ends_at.timestamp_millis(),
                SilenceState::Pending => s.starts_at.timestamp_millis(),
                SilenceState::Expired => -s.ends_at.timestamp_millis(),
            };
            (state, rank)
        });
        found.into_iter().map(|s| s.json(now)).collect()
    }

    /// One, while it is kept.
    pub fn get(&self, id: &str, now: DateTime<Utc>) -> Option<Json> {
        self.all
            .iter()
            .find(|s| s.id == id && s.ends_at + RETENTION > now)
            .map(|s| s.json(now))
    }

    /// Expires one; doing so twice is done.
    pub fn expire(&mut self, id: &str, now: DateTime<Utc>) -> Result<(), Refusal> {
        let silence = self
            .all
            .iter_mut()
            .find(|s| s.id == id)
            .ok_or(Refusal::NotFound)?;
        end(silence, now);
        Ok(())
    }

    /// Makes or changes one; the id that holds from now on.
    pub fn put(&mut self, body: &Json, now: DateTime<Utc>) -> Result<String, Refusal> {
        let draft = Draft::read(body)?;
        let handler = |text: &str| Refusal::Handler(text.to_owned());
        if draft.starts_at >= draft.ends_at {
            return Err(handler(
                "Failed to create silence: start time must be before end time",
            ));
        }
        if draft.ends_at < now {
            return Err(handler("Failed to create silence: end time can't be in the past"));
        }
        if draft.rules.iter().all(|r| r.passes("")) {
            return Err(handler(
                "silence invalid: at least one matcher must not match the empty string",
            ));
        }
        let mut silence = Silence {
            id: String::new(),
            rules: draft.rules,
            created_by: draft.created_by,
            comment: draft.comment,
            starts_at: draft.starts_at,
            ends_at: draft.ends_at,
            updated_at: now,
        };
        if let Some(id) = draft.id {
            let before = self
                .all
                .iter_mut()
                .find(|s| s.id == id)
                .ok_or(Refusal::NotFound)?;
            let in_place = before.same_matchers(&silence.rules)
                && match before.state(now) {
                    SilenceState::Active => before.starts_at.timestamp() == silence.starts_at.timestamp(),
                    SilenceState::Pending => silence.starts_at >= now,
                    SilenceState::Expired => false,
                };
            if in_place {
                silence.id.clone_from(&id);
                *before = silence;
                return Ok(id);
            }
            end(before, now);
        }
        silence.starts_at = silence.starts_at.max(now);
        silence.id = self.next_id();
        let id = silence.id.clone();
        self.all.push(silence);
        Ok(id)
    }

    /// A version 4 UUID's shape, from the seed and a count, so that runs repeat.
    fn next_id(&mut self) -> String {
        self.made += 1;
        let high = mix(self.seed, &format!("silence {}", self.made));
        let low = mix(high, "low");
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0x0fff,
            0x8000 | (low >> 48 & 0x3fff),
            low & 0xffff_ffff_ffff
        )
    }
}

fn end(silence: &mut Silence, now: DateTime<Utc>) {
    match silence.state(now) {
        SilenceState::Active => silence.ends_at = now,
        SilenceState::Pending => (silence.starts_at, silence.ends_at) = (now, now),
        SilenceState::Expired => return,
    }
    silence.updated_at = now;
}

struct Draft {
    id: Option<String>,
    rules: Vec<Rule>,
    created_by: String,
    comment: String,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
}

impl Draft {
    fn read(body: &Json) -> Result<Self, Refusal> {
        let required = |name: &str| Refusal::Validation(422, 602, format!("{name} in body is required"));
        let text = |name: &str| {
            body.get(name)
                .and_then(Json::as_str)
                .map(str::to_owned)
                .ok_or_else(|| required(name))
        };
        let time = |name: &str| {
            DateTime::parse_from_rfc3339(&text(name)?)
                .map(|t| t.with_timezone(&Utc))
                .map_err(|_| {
                    Refusal::Validation(422, 601, format!("{name} in body must be of type date-time"))
                })
        };
        let (comment, created_by) = (text("comment")?, text("createdBy")?);
        let (ends_at, starts_at) = (time("endsAt")?, time("startsAt")?);
        let listed = body
            .get("matchers")
            .and_then(Json::as_array)
            .ok_or_else(|| required("matchers"))?;
        if listed.is_empty() {
            return Err(Refusal::Validation(
                422,
                612,
                "matchers in body should have at least 1 items".into(),
            ));
        }
        let rules = listed
            .iter()
            .enumerate()
            .map(|(index, matcher)| rule(index, matcher))
            .collect::<Result<_, _>>()?;
        let id = body.get("id").and_then(Json::as_str).filter(|id| !id.is_empty());
        Ok(Self {
            id: id.map(str::to_owned),
            rules,
            created_by,
            comment,
            starts_at,
            ends_at,
        })
    }
}

fn rule(index: usize, matcher: &Json) -> Result<Rule, Refusal> {
    let required =
        |name: &str| Refusal::Validation(422, 602, format!("matchers.{index}.{name} in body is required"));
    let text = |name: &str| {
        matcher
            .get(name)
            .and_then(Json::as_str)
            .ok_or_else(|| required(name))
    };
    let flag = |name: &str| matcher.get(name).and_then(Json::as_bool);
    let regex = flag("isRegex").ok_or_else(|| required("isRegex"))?;
    let op = match (regex, flag("isEqual").unwrap_or(true)) {
        (false, true) => MatchOp::Equal,
        (false, false) => MatchOp::NotEqual,
        (true, true) => MatchOp::Regex,
        (true, false) => MatchOp::NotRegex,
    };
    let name = text("name")?;
    if name.is_empty() {
        return Err(Refusal::Handler(format!(
            "silence invalid: invalid label matcher {index}: invalid label name \"\""
        )));
    }
    Rule::new(Matcher {
        name: name.into(),
        op,
        value: text("value")?.into(),
    })
    .map_err(|error| Refusal::Handler(format!("silence invalid: invalid label matcher {index}: {error}")))
}
